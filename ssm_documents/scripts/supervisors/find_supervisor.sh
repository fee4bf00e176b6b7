# shellcheck shell=bash
# needs: containers runit_and_upstart systemd
# Finds who keeps a process running: by its container, its ancestors and its unit, never by a name that hosts are
# supposed to use.

LOOK_UP_UNTIL=''          # time after which nobody is asked; empty: the deadline
POLLER=''                 # a poller, named as an ancestor is, or none; empty before one was looked for
declare -A SUPERVISORS=() # key of a process -> its supervisor
declare -A HAS_SUPERVISED=() # supervisor -> 1 when this command has found a process of it
declare -A WORKED_FOR=()  # supervisor that can be told -> 1 when it has run a worker since boot

find_supervisor() { # KEY
  local NOW
  SUPERVISOR=${SUPERVISORS[$1]-}
  [[ -z $SUPERVISOR ]] || return 0
  # An answer that comes too late is none at all.
  now
  if ((NOW >= ${LOOK_UP_UNTIL:-$DEADLINE})); then
    SUPERVISOR='unknown:not asked in time'
    return
  fi
  look_up_supervisor "${1%%:*}" || SUPERVISOR=none
  SUPERVISOR=${SUPERVISOR//[$'\t\n']/?}
  # supervisord does not tell the process id of a program that is starting, and a hung systemctl tells nothing: they
  # are asked again next time.
  if [[ $SUPERVISOR != 'parent:supervisord('* && $SUPERVISOR != unknown:* ]]; then
    SUPERVISORS[$1]=$SUPERVISOR HAS_SUPERVISED[$SUPERVISOR]=1
  fi
}

look_up_supervisor() { # PID
  local wrappers started_by
  SUPERVISOR=none
  find_container "$1" && return
  find_wrappers "$1"
  wrappers=$WRAPPERS started_by=$STARTED_BY
  look_above "$1" && return
  find_unit "$1" "$wrappers" && return
  find_upstart_job "$wrappers" && return
  if [[ $started_by == none ]]; then
    [[ -n $POLLER ]] || find_poller
    started_by=$POLLER
  fi
  SUPERVISOR=$started_by
}

read_worked_for() {
  local name
  [[ -f $HOST_FOLDER/supervisors ]] || return 0
  while IFS= read -r name; do WORKED_FOR[$name]=1; done <"$HOST_FOLDER/supervisors"
}

# Looks at what is above the process and its wrappers. Holds for a supervisor that is known by its own process, else
# sets the caller's started_by.
look_above() { # PID
  if ((ABOVE <= 1)); then
    look_at_first_process
    # PAM may have taken the worker out of its unit's cgroup, so that nobody knows who started it, and would again.
    look_at_outermost_wrapper "$1"
    return 1
  fi
  read_comm "$ABOVE" || return 1
  if ! is_supervisor "$ABOVE"; then
    [[ $started_by != none ]] || started_by="parent:$COMM($ABOVE)"
    return 1
  elif [[ $COMM == runsv ]]; then
    find_service "$ABOVE"
  else
    find_program "$ABOVE" "$wrappers"
  fi
}

# A first process that is no plain init may be what starts workers again, as in a container.
look_at_first_process() {
  ((ABOVE)) && [[ $started_by == none ]] && read_comm 1 || return 0
  case $COMM in
    systemd | init | tini | dumb-init | docker-init | catatonit | s6-svscan) ;;
    *) started_by="parent:$COMM(1)" ;;
  esac
}

look_at_outermost_wrapper() { # PID
  local pid=${wrappers% }
  pid=${pid##* }
  [[ $started_by == none && $pid != "$1" ]] && read_comm "$pid" || return 0
  if [[ $COMM =~ ^(su|sudo|runuser)$ ]]; then started_by="parent:$COMM($pid)"; fi
}

# Some programs look every minute or so whether their workers are there. Such a worker has no parent that shows it.
find_poller() {
  local pid
  POLLER=none
  for pid in [0-9]*; do
    read_comm "$pid" || continue
    case $COMM in
      monit | god | eye | bluepilld) ;;
      ruby*)
        read_arguments "$pid" || continue
        [[ $COMMAND_LINE =~ (^|/)(god|eye|bluepilld?)($'\n'|$|[ :]) ]] || continue
        COMM=${BASH_REMATCH[2]}
        ;;
      *) continue ;;
    esac
    POLLER="parent:$COMM($pid)"
    return
  done
}
