# shellcheck shell=bash
# needs: signals start_stopped
# Replaces quiet workers by new ones: their supervisor restarts them, or they are ended and something starts new ones.

STILL_QUIETED=()         # PID -> 1 for an old worker that is quieted and not yet proven quiet
LAST_RESTART=0           # time when something was last told to restart, or when wake began
declare -A LEFT_QUIET=() # key -> 1 for a quiet worker that stays so; PROBLEMS says why
declare -A RESTARTED=()  # key -> 1 for a quiet worker whose restart was tried

# The workers stay quiet, for a reason that the answer gives.
leave_quiet() { # REASON PIDS
  local pid
  PROBLEMS+=" $1"
  for pid in "${@:2}"; do LEFT_QUIET[${P_KEY[$pid]:-gone}]=1; done
}

# Those of one supervisor's entry are restarted together, when none of them is still to become quiet.
restart_quiet() {
  local name pid quiet=() awake waits ended=()
  local -A told=()
  ((LAST_RESTART)) || LAST_RESTART=$NOW
  for pid in "${!TITLED[@]}"; do
    if is_to_restart "$pid"; then quiet+=("$pid"); fi
  done
  ((${#quiet[@]})) || return 0
  survey_groups
  for name in "${!GROUP[@]}"; do
    quiet=() awake=0 waits=''
    for pid in ${GROUP[$name]}; do
      if [[ -n ${STILL_QUIETED[pid]-} ]]; then
        waits=1
      elif is_to_restart "$pid"; then
        quiet+=("$pid")
      else
        awake=$((awake + 1))
      fi
    done
    ((${#quiet[@]})) || continue
    [[ -z $waits ]] || are_swarm_children "${quiet[@]}" || continue
    for pid in "${quiet[@]}"; do RESTARTED[${P_KEY[$pid]}]=1; done
    prepare_restart "$name" "$awake" "${quiet[@]}"
  done
  write_stopped
  # A supervisor that knows only a wrapper leaves the worker behind.
  if ((${#told[@]})) && tell restart "${!told[@]}"; then
    # shellcheck disable=SC2206  # process ids
    ended+=(${told[@]})
  fi
  for pid in ${ended[@]+"${ended[@]}"}; do end_quiet_worker "$pid" || :; done
  now
  LAST_RESTART=$NOW
}

is_to_restart() { # PID
  is_proven "$1" && [[ -z ${RESTARTED[${P_KEY[$1]}]-} ]]
}

# Adds to the caller's told or ended.
prepare_restart() { # NAME AWAKE PIDS
  if [[ $1 == none ]]; then
    leave_quiet "Still quiet: ${*:3}. No supervisor can restart them: do it by hand." "${@:3}"
    return
  elif can_be_told "$1" && (($2 == 0)) && group_is_quiet "$1"; then
    told[$1]=${*:3}
  elif can_be_ended_alone "$@"; then
    ended+=("${@:3}")
  else
    leave_quiet "Still quiet: ${*:3}. $1 was not restarted: $WHY_NOT. Restart it by hand." "${@:3}"
    return
  fi
  # What is ended and does not come back is for the next wake.
  EXPECTED[$1]=$((${EXPECTED[$1]:-0} + $# - 2))
  record_down "$1" "${EXPECTED[$1]}"
}

# The end of one worker is often the end of all that stand beside it: systemd ends the whole unit, foreman all its
# children, a container itself. Only a swarm's parent is known to start the one again and leave alone the others.
can_be_ended_alone() { # NAME AWAKE PIDS
  if are_swarm_children "${@:3}"; then return 0; fi
  if [[ $1 == 'parent:systemd('* ]]; then
    user_units_are_quiet "${@:3}"
    return
  fi
  if (($2)); then
    counted WHY_NOT "$2" worker
    WHY_NOT="it has $WHY_NOT not proven quiet"
    return 1
  fi
  case $1 in
    parent:* | container:*) group_is_quiet "$1" ;;
    unknown:*)
      WHY_NOT='it is not known what supervises them'
      return 1
      ;;
    *) return 1 ;; # group_is_quiet has said why not
  esac
}

are_swarm_children() { # PIDS
  local pid
  for pid in "$@"; do is_swarm "${P_PARENT[$pid]:-0}" || return 1; done
}

# A user's manager starts and ends each of its units by itself, with all that is in it.
user_units_are_quiet() { # PIDS
  local pid
  for pid in "$@"; do
    WHY_NOT='it is in no unit'
    read_unit_paths "$pid" && [[ ${UNIT_PATHS[0]} == */user@* ]] || return 1
    WHY_NOT=${IN_THE_WAY[${UNIT_PATHS[0]}]-}
    [[ -z $WHY_NOT ]] || return 1
  done
}
