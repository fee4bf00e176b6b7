# shellcheck shell=bash
# needs: signals start_stopped
# Replaces quiet workers by new ones: their supervisor restarts them, or they are ended and something starts new ones.

declare -A LEFT_QUIET=() # key -> 1 for a quiet worker that stays so; PROBLEMS says why

# The workers stay quiet, for a reason that the answer gives.
leave_quiet() { # REASON PIDS
  local pid
  PROBLEMS+=" $1"
  for pid in "${@:2}"; do LEFT_QUIET[${P_KEY[$pid]:-gone}]=1; done
}

restart_quiet() {
  local name pid quiet awake
  for name in "${!GROUP[@]}"; do
    quiet=() awake=0
    for pid in ${GROUP[$name]}; do
      if is_proven "$pid"; then quiet+=("$pid"); else awake=$((awake + 1)); fi
    done
    if ((${#quiet[@]})); then restart_group "$name" "$awake" "${quiet[@]}"; fi
  done
}

restart_group() { # NAME AWAKE PIDS
  local name=$1 awake=$2
  shift 2
  if [[ $name == none ]]; then
    leave_quiet "Still quiet: $*. No supervisor can restart them: do it by hand." "$@"
  elif can_be_told "$name" && ((awake == 0)) && group_is_quiet "$name"; then
    expect_new "$name" $#
    tell restart "$name" || return 0
    # A supervisor that knows only a wrapper leaves the worker behind.
    end_quiet_workers "$@"
  elif can_be_ended_alone "$name" "$awake" "$@"; then
    expect_new "$name" $#
    end_quiet_workers "$@"
  else
    leave_quiet "Still quiet: $*. $name was not restarted: $WHY_NOT. Restart it by hand." "$@"
  fi
}

# What is ended and does not come back is for the next wake.
expect_new() { # NAME PROCESSES
  EXPECTED[$1]=$2
  record_down "$1" "$2"
}

end_quiet_workers() { # PIDS
  local pid
  for pid in "$@"; do end_quiet_worker "$pid" || :; done
}

# The end of one worker is often the end of all that stand beside it: systemd ends the whole unit, foreman all its
# children, a container itself. Only a swarm's parent is known to start the one again and leave alone the others.
can_be_ended_alone() { # NAME AWAKE PIDS
  local pid alone=1
  for pid in "${@:3}"; do is_swarm "${P_PARENT[$pid]:-0}" || alone=''; done
  [[ -z $alone ]] || return 0
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

# A user's manager starts and ends each of its units by itself, with all that is in it.
user_units_are_quiet() { # PIDS
  local pid
  scan_all
  for pid in "$@"; do
    WHY_NOT='it is in no unit'
    read_unit_path "$pid" && [[ $UNIT_PATH == */user@* ]] || return 1
    UNIT_PATH=${UNIT_PATH%.service*}.service
    unit_runs_only "user@${UNIT_PATH#*/user@}" proven_in_unit || return 1
  done
}
