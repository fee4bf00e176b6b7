# shellcheck shell=bash
# needs: find_workers report
# Units that systemd is about to start again, and that run or ran Sidekiq. A unit that fails again and again is between
# two starts in most looks, not in all.

readonly LOOKS_NEEDED=5              # looks in a row without such a unit
RESTARTING=''                        # names of the units in the last look, or why they are not known
LAST_RESTARTING=''                   # names in the last look that found some
LOOKS_WITHOUT=0                      # looks in a row that found none
declare -A RESTARTING_BEFORE_STOP=() # unit -> 1 when systemd was about to start it before stop did anything

list_activating() {
  ask_systemd list-units --type=service --state=activating --plain --no-legend --full
}

# Looks at all processes, after systemd was asked: what it is not about to start then runs by now, or stays down.
look_at_host() { # [any]
  find_restarting_units "${1-}"
  scan_all
  now
}

# With "any" every unit counts that was not about to be started before the stop: after a container was stopped, the unit
# of its client may have any name.
find_restarting_units() { # [any]
  local unit units state
  systemd_is_init || return 0
  if out_of_time; then
    RESTARTING=${RESTARTING:-unknown (no time was left to ask systemd)}
    return 0
  fi
  RESTARTING=''
  if ! list_activating; then
    RESTARTING='unknown (systemd does not answer)'
    return 0
  fi
  units=$CLIENT_OUTPUT
  while read -r unit _ _ state _; do
    [[ -n $unit ]] || continue
    if [[ ${1-} == any && $state == auto-restart* && -z ${RESTARTING_BEFORE_STOP[$unit]-} ]] ||
      is_sidekiq_unit "$unit" "$state"; then
      RESTARTING+="${RESTARTING:+, }$unit"
    fi
  done <<<"$units"
}

count_look() {
  LOOKS_WITHOUT=$((LOOKS_WITHOUT + 1))
  if [[ -n $RESTARTING ]]; then LOOKS_WITHOUT=0 LAST_RESTARTING=$RESTARTING; fi
}

report_restarting() { # UNITS
  if [[ -n $1 && $PROBLEMS != *": $1."* ]]; then PROBLEMS+=" About to be started by systemd: $1."; fi
}

is_sidekiq_unit() { # UNIT STATE
  # No answer is no reason to believe that it is another's, nor does a container's client say what is in it.
  [[ -n ${HAS_SUPERVISED[systemd:$1]-}${WORKED_FOR[systemd:$1]-} ]] || ! ask_systemd show -p ExecStart -- "$1" ||
    [[ $CLIENT_OUTPUT == *sidekiq* ]] || [[ $2 == auto-restart* && $CLIENT_OUTPUT =~ docker|podman|nerdctl ]]
}
