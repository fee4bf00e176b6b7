# shellcheck shell=bash
# needs: clock other_supervisors processes supervisord systemd wrappers
# Who keeps a process running. Found for each process by its container, its ancestors and its unit, never by a name
# that hosts are supposed to use:
#   systemd:UNIT  supervisord:PROGRAM  runit:FOLDER  docker:ID  upstart:JOB   can be told to stop and to start it
#   parent:NAME(PID)  container:ID                                            may start it again, cannot be told
#   unknown:UNIT                                                              did not answer; it is asked again
#   none                                                                      nobody
# supervisor_of and what it uses leave the name in FOUND.

LOOK_UP_UNTIL='' # time; empty for the deadline
declare -A SUPERVISOR=() # key of a process -> name of its supervisor

supervisor_of() { # KEY
  if [[ -z ${SUPERVISOR[$1]-} ]]; then
    if looked_up_long_enough; then
      FOUND='unknown:not asked in time'
      return 0
    fi
    FOUND=none
    find_supervisor "${1%%:*}" || FOUND=none
    FOUND=${FOUND//[$'\t\n']/?}
    # supervisord does not tell the process id of a program while it is starting, and a hung systemctl tells nothing:
    # ask again next time.
    [[ $FOUND != 'parent:supervisord('* && $FOUND != unknown:* ]] || return 0
    SUPERVISOR[$1]=$FOUND
  fi
  FOUND=${SUPERVISOR[$1]}
}

# What is not known in time is told as that: an answer that comes too late is none at all.
look_up_for() { # SECONDS
  now
  LOOK_UP_UNTIL=$((NOW + $1 * SECOND))
}

look_up_freely() { LOOK_UP_UNTIL=''; }

looked_up_long_enough() {
  local NOW
  now
  ((NOW >= ${LOOK_UP_UNTIL:-$DEADLINE}))
}

find_supervisor() { # PID
  find_container "$1" && return
  climb "$1" && return
  find_unit "$1" && return
  find_upstart_job && return
  if [[ $ANCESTOR == none ]]; then
    [[ -n $POLLER ]] || find_poller
    ANCESTOR=$POLLER
  fi
  FOUND=$ANCESTOR
}

# Some look every minute or so whether their workers are there. Such a worker has no parent that would tell of them.
POLLER='' # as an ancestor is named, or none; empty before anybody has looked

find_poller() {
  local folder pid LINE ARGUMENTS
  POLLER=none
  for folder in /proc/[0-9]*; do
    pid=${folder#/proc/}
    read_comm "$pid" || continue
    case $COMM in
      monit | god | eye | bluepilld) ;;
      ruby*)
        read_arguments "$pid" || continue
        [[ $LINE =~ (^|/)(god|eye|bluepilld?)($'\n'|$|[ :]) ]] || continue
        COMM=${BASH_REMATCH[2]}
        ;;
      *) continue ;;
    esac
    POLLER="parent:$COMM($pid)"
    return
  done
}

# Walks up through wrappers (sh -c, tini, sudo) to the first ancestor that is more: CHAIN holds the process and the
# wrappers, ANCESTOR the name for what was found. Succeeds at a supervisor that is known by its own process.
climb() {
  local pid=$1 last=''
  CHAIN=" $pid " ANCESTOR=none
  while read_stat "$pid" && pid=$STAT_PARENT && ((pid > 1)); do
    read_comm "$pid" || return 1
    # Anybody can call a process so. What another user's process says of itself must not become a command of this one.
    if [[ $COMM == runsv ]] && is_own_process "$pid"; then
      found_runit "$pid"
      return
    elif is_supervisord "$pid" && is_own_process "$pid"; then
      found_supervisord "$pid"
      return
    elif is_wrapper "$pid"; then
      CHAIN+="$pid " last="$COMM($pid)"
    else
      [[ $ANCESTOR != none ]] || ANCESTOR="parent:$COMM($pid)"
      return 1
    fi
  done
  name_first_process "$pid"
  # PAM may have taken it out of its unit's cgroup, so that nobody knows who started it, and would again.
  if [[ $ANCESTOR == none && $last =~ ^(su|sudo|runuser)\( ]]; then ANCESTOR="parent:$last"; fi
  return 1
}

# Does it run as this user, and was it started by this user? A set-user-id program can be started under any name.
is_own_process() { # PID
  local word real effective
  while read -r word real effective _; do
    if [[ $word == Uid: ]]; then
      [[ $real == "$EUID" && $effective == "$EUID" ]]
      return
    fi
  done <"/proc/$1/status"
  return 1
} 2>/dev/null

# A first process that is no plain init may be what starts workers again, as in a container.
name_first_process() {
  [[ $1 == 1 && $ANCESTOR == none ]] || return 0
  read_comm 1 || return 0
  case $COMM in
    systemd | init | tini | dumb-init | docker-init | catatonit | s6-svscan) ;;
    *) ANCESTOR="parent:$COMM(1)" ;;
  esac
}
