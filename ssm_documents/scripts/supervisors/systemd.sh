# shellcheck shell=bash
# needs: wrappers worker_table
# systemd: the unit stands in the process's cgroup. It counts as the supervisor when its main process is the worker
# itself or a wrapper around it; cron.service or the agent's own unit only happen to contain it.

UNIT_PATH=''              # what read_unit_path found: the path of the process's cgroup, which holds a service
declare -A UNIT_GROUPS=() # unit -> the path of its own cgroup, as systemd says

read_unit_path() { # PID
  local line
  UNIT_PATH=''
  while IFS= read -r line; do
    case $line in
      0::/*.service*) UNIT_PATH=${line#0::} && return ;;
      *:name=systemd:/*.service*) UNIT_PATH=${line#*:name=systemd:} ;;
    esac
  done <"/proc/$1/cgroup"
  [[ -n $UNIT_PATH ]]
} 2>/dev/null

ask_systemd() { # WORDS...
  ask 5 systemctl "$@"
}

# Sets SUPERVISOR to the unit that supervises a process.
find_unit() { # PID WRAPPERS
  local unit path
  systemd_is_init && read_unit_path "$1" || return 1
  # A user's own manager (systemctl --user) is not reached from here.
  [[ $UNIT_PATH != */user@*.service/* ]] || return 1
  path=$UNIT_PATH
  while :; do
    # The last part of the path that is a service. Below a unit its user may make groups, and call them what he likes.
    path=${path%.service*}.service unit=${path##*/}
    if ! ask_systemd show -p MainPID -p Type -p ControlGroup -- "$unit"; then
      SUPERVISOR="unknown:$unit"
      return
    fi
    [[ $'\n'$CLIENT_OUTPUT$'\n' != *$'\n'"ControlGroup=$path"$'\n'* ]] || break
    path=${path%/*}
    [[ $path == *.service* ]] || return 1
  done
  UNIT_GROUPS[$unit]=$path
  [[ $CLIENT_OUTPUT =~ MainPID=([0-9]+) ]] || return 1
  if [[ ${BASH_REMATCH[1]} == 0 ]]; then
    # systemd does not know which process is the main one, so all of them must be workers.
    [[ $CLIENT_OUTPUT =~ Type=(forking|notify) ]] && unit_runs_only_workers "$unit" "$2" || return 1
  else
    [[ $2 == *" ${BASH_REMATCH[1]} "* ]] || return 1
  fi
  SUPERVISOR=systemd:$unit
}

# Does the unit run nothing but workers, wrappers around them and what serves them?
unit_runs_only_workers() { # UNIT WRAPPERS
  local pid
  local -A ALLOWED=()
  # shellcheck disable=SC2086  # process ids
  allow $2
  for pid in "${!TITLED[@]}"; do
    find_wrappers "$pid"
    # shellcheck disable=SC2086
    allow $WRAPPERS
  done
  for pid in [0-9]*; do
    if read_unit_path "$pid" && [[ $UNIT_PATH/ == "${UNIT_GROUPS[$1]}/"* ]] && is_bystander "$pid"; then return 1; fi
  done
}

tell_systemd() { # stop|start|restart UNITS...
  # A unit that has failed too often in a row is refused until that is forgotten.
  if [[ $1 == restart ]]; then order 20 systemctl reset-failed -- "${@:2}" || :; fi
  order 120 systemctl "$1" -- "${@:2}"
}
