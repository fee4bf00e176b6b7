# shellcheck shell=bash
# needs: wrappers worker_table
# systemd: the unit stands in the process's cgroup. It counts as the supervisor when its main process is the worker
# itself or a wrapper around it; cron.service or the agent's own unit only happen to contain it.

UNIT_PATHS=()             # what read_unit_paths found: paths of cgroups named as services, the innermost first
declare -A UNIT_GROUPS=() # unit -> the path of its own cgroup, as systemd says
declare -A OTHERS_IN=()   # path of a cgroup -> process ids in it of neither workers nor what serves them; "found" -> 1

# Below a unit its user may make groups, and call them what he likes.
read_unit_paths() { # PID
  local line path=''
  UNIT_PATHS=()
  while IFS= read -r line; do
    case $line in
      0::/*.service*) path=${line#0::} && break ;;
      *:name=systemd:/*.service*) path=${line#*:name=systemd:} ;;
    esac
  done <"/proc/$1/cgroup"
  [[ -n $path ]] || return 1
  while [[ $path == *.service* ]]; do
    path=${path%.service*}.service
    UNIT_PATHS+=("$path")
    path=${path%/*}
  done
} 2>/dev/null

ask_systemd() { # WORDS...
  ask 5 systemctl "$@"
}

# Sets SUPERVISOR to the unit that supervises a process.
find_unit() { # PID WRAPPERS
  local unit path
  systemd_is_init && read_unit_paths "$1" || return 1
  # A user's own manager (systemctl --user) is not reached from here.
  [[ ${UNIT_PATHS[0]} != */user@*.service* ]] || return 1
  for path in "${UNIT_PATHS[@]}"; do
    unit=${path##*/}
    if ! ask_systemd show -p MainPID -p Type -p ControlGroup -- "$unit"; then
      SUPERVISOR="unknown:$unit"
      return
    fi
    [[ $'\n'$CLIENT_OUTPUT$'\n' == *$'\n'"ControlGroup=$path"$'\n'* ]] || continue
    UNIT_GROUPS[$unit]=$path
    [[ $CLIENT_OUTPUT =~ MainPID=([0-9]+) ]] || return 1
    if [[ ${BASH_REMATCH[1]} == 0 ]]; then
      # systemd does not know which process is the main one, so all of them must be workers.
      [[ $CLIENT_OUTPUT =~ Type=(forking|notify) ]] && runs_only_workers "$path" "$2" || return 1
    else
      [[ $2 == *" ${BASH_REMATCH[1]} "* ]] || return 1
    fi
    SUPERVISOR=systemd:$unit
    return
  done
  return 1
}

# Does a unit run nothing but workers, wrappers around them and what serves them?
runs_only_workers() { # PATH WRAPPERS
  local pid
  [[ -n ${OTHERS_IN[found]-} ]] || find_others
  for pid in ${OTHERS_IN[$1]-}; do
    [[ $2 == *" $pid "* ]] || return 1
  done
}

# A host may have hundreds of such units: one look at all processes is for all of them, until the next scan.
find_others() {
  local pid path
  local -A ALLOWED=()
  OTHERS_IN=([found]=1)
  for pid in "${!TITLED[@]}"; do
    find_wrappers "$pid"
    # shellcheck disable=SC2086  # process ids
    allow $WRAPPERS
  done
  for pid in [0-9]*; do
    if is_bystander "$pid" && read_unit_paths "$pid"; then
      for path in "${UNIT_PATHS[@]}"; do OTHERS_IN[$path]+=" $pid"; done
    fi
  done
}

tell_systemd() { # stop|start|restart UNITS...
  # A unit that has failed too often in a row is refused until that is forgotten.
  if [[ $1 == restart ]]; then order 20 systemctl reset-failed -- "${@:2}" || :; fi
  order 120 systemctl "$1" -- "${@:2}"
}
