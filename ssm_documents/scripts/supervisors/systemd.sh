# shellcheck shell=bash
# needs: clients processes proof worker_table wrappers
# systemd: the unit stands in the process's cgroup. It counts as the supervisor when its main process is the worker
# itself or a wrapper around it; cron.service or the agent's own unit only happen to contain it.

unit_path() { # PID
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

ask_systemd() { ask 5 systemctl "$@"; }

find_unit() { # PID
  local unit
  read_comm 1 && [[ $COMM == systemd ]] || return 1
  unit_path "$1" || return 1
  # The last part of the path that is a service: below it a unit may make groups of its own.
  unit=${UNIT_PATH%.service*}.service
  unit=${unit##*/}
  # A user's own manager (systemctl --user) is not reached from here.
  [[ $UNIT_PATH != */user@*.service/* ]] || return 1
  if ! ask_systemd show -p MainPID -p Type -- "$unit"; then
    FOUND="unknown:$unit"
    return
  fi
  [[ $TOLD =~ MainPID=([0-9]+) ]] || return 1
  if [[ ${BASH_REMATCH[1]} == 0 ]]; then
    # Nobody knows which process is the main one, so all of them must be what is to be found.
    [[ $TOLD =~ Type=(forking|notify) ]] && unit_runs_only_workers "$unit" "$CHAIN" titled || return 1
  else
    [[ $CHAIN == *" ${BASH_REMATCH[1]} "* ]] || return 1
  fi
  FOUND=systemd:$unit
}

in_unit() { # PID UNIT
  unit_path "$1" && [[ $UNIT_PATH/ == *"/$2/"* ]] && [[ $UNIT_PATH != */user@*.service/* || $2 == user@* ]]
}

# Would only workers end with the unit, wrappers around them and what writes their logs? ALSO names another process.
unit_runs_only_workers() { # UNIT PIDS titled|proven, what a worker must be to count
  local pid folder known=$2
  for pid in ${TITLED[@]+"${TITLED[@]}"}; do
    if in_unit "$pid" "$1" && { [[ $3 == titled ]] || is_proven "$pid"; }; then
      wrappers_of "$pid"
      known+=$WRAPPERS
    fi
  done
  for folder in /proc/[0-9]*; do
    pid=${folder#/proc/}
    in_unit "$pid" "$1" || continue
    is_expected "$pid" "$known" || return 1
  done
}

# Holds when every service that ends or starts with this one is only made of workers that are proven quiet; units that
# require it are stopped and restarted together with it. WHY_NOT tells what is in the way.
unit_is_quiet() { # UNIT
  local level=("$1") next unit line seen=" $1 "
  while ((${#level[@]})); do
    for unit in "${level[@]}"; do
      [[ $unit == *.service ]] || continue
      if ! unit_runs_only_workers "$unit" ' ' proven; then
        WHY_NOT="$unit also runs $ALSO"
        if [[ $unit != "$1" ]]; then WHY_NOT="with it goes $unit, which requires it and runs $ALSO"; fi
        return 1
      fi
    done
    if ! ask_systemd show -p RequiredBy -p RequisiteOf -p BoundBy -p ConsistsOf -p PropagatesStopTo -- "${level[@]}"; then
      WHY_NOT='systemd does not answer'
      return 1
    fi
    next=()
    while IFS= read -r line; do
      for unit in ${line#*=}; do
        if [[ $seen != *" $unit "* ]]; then next+=("$unit") seen+="$unit "; fi
      done
    done <<<"$TOLD"
    level=(${next[@]+"${next[@]}"})
  done
}

systemd_stop() { order 120 systemctl stop -- "$1"; }
systemd_start() { order 120 systemctl start -- "$1"; }
systemd_restart() {
  # A unit that has failed too often in a row is refused until that is forgotten.
  order 20 systemctl reset-failed -- "$1" || :
  order 120 systemctl restart -- "$1"
}

systemd_failed() { ask_systemd is-failed --quiet -- "$1"; }
