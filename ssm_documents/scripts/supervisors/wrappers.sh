# shellcheck shell=bash
# needs: supervisord
# The processes above a worker that only wait for it (sh -c, tini, sudo), and those beside it that only serve it.

WRAPPERS=''   # what find_wrappers found: " PID PID ", the process and the wrappers above it
ABOVE=0       # and the process id above these, 0 when it is not known
STARTED_BY='' # and the wrapper that may start the worker again, as "parent:NAME(PID)", or none

declare -A ALLOWED=() # process id -> 1 for a worker that may be ended, and for each wrapper around it

find_wrappers() { # PID
  WRAPPERS=" $1 " STARTED_BY=none ABOVE=$1
  while read_stat "$ABOVE"; do
    ABOVE=$STAT_PARENT
    ((ABOVE > 1)) && read_comm "$ABOVE" || return 0
    if is_supervisor "$ABOVE" || ! is_wrapper "$ABOVE"; then return 0; fi
    WRAPPERS+="$ABOVE "
  done
  ABOVE=0
}

# Is it a runsv or supervisord that can be told? Anybody can give a process such a name: what another user's process
# says must not become a command of root.
is_supervisor() { # PID, its name in COMM
  { [[ $COMM == runsv ]] || is_supervisord "$1"; } && is_own_process "$1"
}

is_wrapper() { # PID, its name in COMM
  case $COMM in
    env | sudo | su | runuser | setpriv | timeout | nice | ionice | chpst | setuidgid) ;;
    tini | dumb-init | docker-init) ;;
    *) is_shell "$1" || is_swarm "$1" || return 1 ;;
  esac
}

# A shell that only waits for its command is a wrapper; one that could run it in a loop may also start it again.
is_shell() { # PID
  local program
  program=$(readlink "/proc/$1/exe") || return 1
  program=${program##*/}
  # A shell that has been upgraded meanwhile reads "bash (deleted)".
  case ${program% (deleted)} in
    sh | bash | dash | ash | busybox | ksh* | zsh*) ;;
    *) return 1 ;;
  esac
  runs_one_command "$1" || may_start_again "$COMM" "$1"
}

# Remembers the nearest one.
may_start_again() { # NAME PID
  [[ $STARTED_BY != none ]] || STARTED_BY="parent:$1($2)"
}

runs_one_command() { # PID
  local word before=''
  {
    IFS= read -r -d '' _ || return 1
    while IFS= read -r -d '' word; do
      if [[ $before =~ ^-[a-zA-Z]*c[a-zA-Z]*$ ]]; then
        [[ ! $word =~ (while|until|for)[[:space:]] ]]
        return
      fi
      # After its options comes a script, and what follows are the script's words.
      [[ $word == -* || $before == -o ]] || return 1
      before=$word
    done
  } <"/proc/$1/cmdline"
  return 1
} 2>/dev/null

# The parent of a swarm is a wrapper for its unit; without a unit it starts its children again.
is_swarm() { # PID
  read_title "$1" && [[ $PROCESS_TITLE == sidekiqswarm* ]] || return 1
  may_start_again sidekiqswarm "$1"
}

allow() { # PIDS
  local pid
  for pid in "$@"; do ALLOWED[$pid]=1; done
}

# Is it none of those that are allowed, nor over, nor does it only serve them?
is_bystander() { # PID
  [[ -z ${ALLOWED[$1]-} ]] && read_stat "$1" && [[ $STAT_STATE != [ZX] ]] && read_comm "$1" || return 1
  case $COMM in
    tee | logger | systemd-cat | svlogd | multilog | rotatelogs | cronolog) [[ -z ${ALLOWED[$STAT_PARENT]-} ]] ;;
    # Daemons of libraries: they take in measurements or keep keys, and are started again at need.
    appsignal-agent | skylightd | gpg-agent) return 1 ;;
  esac
}
