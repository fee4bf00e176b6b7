# shellcheck shell=bash
# needs: find_supervisor find_workers
# Workers by supervisor: what one supervisor's entry runs is stopped and started together, and only when nothing in it
# can be harmed.

declare -A GROUP=() # supervisor's name -> process ids of its titled workers, with a space after each

group_workers() {
  local pid
  GROUP=()
  for pid in "${!TITLED[@]}"; do
    find_supervisor "${P_KEY[$pid]}"
    GROUP[$SUPERVISOR]+="$pid "
  done
}

# Looks at everything that the supervisor would end, at this moment. If it is not quiet, WHY_NOT says why.
group_is_quiet() { # NAME
  local parent
  members_are_quiet "$1" || return 1
  case $1 in
    systemd:*) unit_is_quiet "${1#*:}" ;;
    docker:* | container:*) container_is_quiet "$1" ;;
    parent:*)
      parent=${1##*\(}
      runs_only_workers_below "${parent%)}"
      ;;
    *) trees_are_quiet "$1" ;;
  esac || return 1
  # Asking takes time, in which a deploy may have started something.
  members_are_quiet "$1"
}

members_are_quiet() { # NAME
  local pid
  scan_all
  for pid in "${!WORKERS[@]}" "${!BOOTING[@]}" "${!EMBEDDED[@]}"; do
    belongs_to "$pid" "$1" || continue
    WHY_NOT="its process $pid is not proven quiet"
    [[ -n ${P_BUSY[$pid]-} ]] && check_quiet "$pid" && is_proven "$pid" || return 1
  done
}

# supervisord, runit and upstart end a process, and it or they what it has started.
trees_are_quiet() { # NAME
  local pid outermost
  for pid in "${!TITLED[@]}"; do
    belongs_to "$pid" "$1" || continue
    find_wrappers "$pid"
    outermost=${WRAPPERS% }
    runs_only_workers_below "${outermost##* }" || return 1
  done
}

# Is everything below the process, at any depth, a proven worker, a wrapper around one or what writes its log?
runs_only_workers_below() { # PID
  local pid allowed=' '
  allow_workers is_proven
  find_descendants "$1"
  for pid in ${DESCENDANTS[@]+"${DESCENDANTS[@]}"}; do
    [[ $pid == "$$" ]] || is_allowed "$pid" "$allowed" || return 1
  done
}

# A unit and a container end with all that is in them, whoever supervises it there.
belongs_to() { # PID NAME
  case $2 in
    systemd:*) in_unit "$1" "${2#*:}" && return ;;
    docker:* | container:*) in_container "$1" "$2" && return ;;
  esac
  read_stat "$1" || return 1
  find_supervisor "$1:$STAT_START"
  [[ $SUPERVISOR == "$2" ]]
}

# Tells a supervisor to stop, start or restart what it runs. What it answers goes to the log only: what is there
# afterwards decides.
tell() { # stop|start|restart NAME
  if out_of_time; then return 1; fi
  log "$1 ${2#*:} by ${2%%:*}"
  "tell_${2%%:*}" "$1" "${2#*:}" && return
  log "$2: the $1 was not confirmed"
  return 1
}
