# shellcheck shell=bash
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

find_unit() { # PID
  local path unit='' main
  read_comm 1 && [[ $COMM == systemd ]] || return 1
  unit_path "$1" || return 1
  # The last part of the path that is a service: below it a unit may make groups of its own.
  path=${UNIT_PATH%.service*}.service
  unit=${path##*/}
  # A user's own manager (systemctl --user) is not reached from here.
  [[ $UNIT_PATH != */user@*.service/* ]] || return 1
  main=$(systemctl show -p MainPID -- "$unit" 2>/dev/null </dev/null) || return 1
  main=${main#MainPID=}
  [[ $main == 0 || $CHAIN == *" $main "* ]] || return 1
  FOUND=systemd:$unit
}

systemd_stop() { bounded 120 systemctl stop -- "$1"; }
systemd_start() { bounded 120 systemctl start -- "$1"; }
systemd_restart() {
  # A unit that has failed too often in a row is refused until that is forgotten.
  bounded 20 systemctl reset-failed -- "$1" || :
  bounded 120 systemctl restart -- "$1"
}

systemd_failed() { systemctl is-failed --quiet -- "$1" 2>/dev/null </dev/null; }

# Units that systemd is about to start again, and that run or ran Sidekiq: RESTARTING names them.
units_restarting() {
  local unit rest
  RESTARTING=''
  read_comm 1 && [[ $COMM == systemd ]] || return 0
  while read -r unit rest; do
    if is_sidekiq_unit "$unit"; then RESTARTING+="${RESTARTING:+, }$unit"; fi
  done < <(systemctl list-units --type=service --state=activating --plain --no-legend --full 2>/dev/null </dev/null)
}

is_sidekiq_unit() {
  local known
  for known in ${SUPERVISOR[@]+"${SUPERVISOR[@]}"}; do
    [[ $known != "systemd:$1" ]] || return 0
  done
  [[ $(systemctl show -p ExecStart -- "$1" 2>/dev/null </dev/null) == *sidekiq* ]]
}
