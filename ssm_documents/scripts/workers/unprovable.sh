# shellcheck shell=bash
# needs: proof
# Workers that can never be proven quiet. They are named, and keep no other worker from being confirmed or woken.

readonly UNPROVABLE_AFTER=$((60 * SECOND)) # so long a worker must appear quiet to count as one
declare -A UNPROVABLE_SINCE=()             # key -> time from which it appears quiet, but cannot be proven to be

# A worker may appear quiet, and yet that is no proof: its title says more, or less, than is understood; a thread for
# jobs may be hidden under another name; or what is left has only the name of a thread for jobs, as far as is known. Anybody can also give his own Ruby a
# worker's title.
note_unprovable() { # PID
  local key=${P_KEY[$1]}
  if appears_unprovable "$1"; then
    UNPROVABLE_SINCE[$key]=${UNPROVABLE_SINCE[$key]:-$NOW}
    if shares_threads "$1"; then UNPROVABLE_SINCE[$key]=$((NOW - UNPROVABLE_AFTER)); fi
  else
    unset "UNPROVABLE_SINCE[$key]"
  fi
}

appears_unprovable() { # PID
  if lacks_threads "$1"; then return 0; fi
  [[ ${P_BUSY[$1]} == 0 ]] || return 1
  case ${P_TAIL[$1]} in
    '') return 1 ;;
    ' ?') ;;
    *) is_stopping "$1" || return 1 ;;
  esac
  ((PROCESSORS >= 0)) || count_processors "$1" || return 1
  if ((PROCESSORS)); then
    is_stopping "$1" && { shares_threads "$1" || ! has_known_processor "${P_KEY[$1]}"; }
  else
    ! ends_in_stopping "$1" || may_hide_thread "$1"
  fi
}

is_unprovable() { # PID
  local since=${UNPROVABLE_SINCE[${P_KEY[$1]}]-}
  [[ -n $since ]] && ((NOW - since >= UNPROVABLE_AFTER))
}
