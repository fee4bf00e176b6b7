# shellcheck shell=bash
# needs: clock other_supervisors processes proof supervisors systemd worker_table workers wrappers
# Workers by supervisor: what one supervisor's entry runs is stopped and started together, and only when nothing in it
# can be harmed.

declare -A GROUP=() # supervisor's name -> process ids of its titled workers, with a space after each

group_workers() {
  local pid
  GROUP=()
  for pid in ${TITLED[@]+"${TITLED[@]}"}; do
    supervisor_of "${P_KEY[$pid]}"
    GROUP[$FOUND]+="$pid "
  done
}

can_be_told() { # NAME
  case ${1%%:*} in
    systemd | supervisord | runit | docker | upstart) ;;
    *) return 1 ;;
  esac
}

# Looks at everything that a group's supervisor would end, in this moment. WHY_NOT tells what is in the way.
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
  scan_afresh
  for pid in ${TITLED[@]+"${TITLED[@]}"} ${UNREADABLE[@]+"${UNREADABLE[@]}"} ${BOOTING[@]+"${BOOTING[@]}"} \
    ${EMBEDDED[@]+"${EMBEDDED[@]}"}; do
    belongs_to "$pid" "$1" || continue
    WHY_NOT="$pid, which it runs, is not proven quiet"
    [[ -n ${P_BUSY[$pid]-} ]] && look "$pid" && is_proven "$pid" || return 1
  done
}

# supervisord, runit and upstart end a process, and it or they what it has started.
trees_are_quiet() { # NAME
  local pid
  for pid in ${TITLED[@]+"${TITLED[@]}"}; do
    belongs_to "$pid" "$1" || continue
    wrappers_of "$pid"
    runs_only_workers_below "$OUTERMOST" || return 1
  done
}

# Whatever is below the process, at any depth, must be a proven worker, a wrapper around one, or take in its log.
runs_only_workers_below() { # PID
  local pid known=' '
  for pid in ${TITLED[@]+"${TITLED[@]}"}; do
    if is_proven "$pid"; then
      wrappers_of "$pid"
      known+=$WRAPPERS
    fi
  done
  find_below "$1"
  for pid in ${BELOW[@]+"${BELOW[@]}"}; do
    if [[ $pid != "$$" ]] && ! is_expected "$pid" "$known"; then
      WHY_NOT="it also runs $ALSO"
      return 1
    fi
  done
}

# A unit and a container end with all that is in them, whoever may look after it there.
belongs_to() { # PID NAME
  case $2 in
    systemd:*) in_unit "$1" "${2#*:}" && return ;;
    docker:* | container:*) find_container "$1" && [[ $FOUND == "$2" ]] && return ;;
  esac
  read_stat "$1" || return 1
  supervisor_of "$1:$STAT_START"
  [[ $FOUND == "$2" ]]
}

# Tells a supervisor to stop, start or restart one of its entries. What it answers goes to the log only: what is there
# afterwards decides.
tell() { # stop|start|restart NAME
  if out_of_time; then return 1; fi
  log "$1 ${2#*:} by ${2%%:*}"
  "${2%%:*}_$1" "${2#*:}"
}
