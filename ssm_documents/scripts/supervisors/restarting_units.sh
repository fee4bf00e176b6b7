# shellcheck shell=bash
# needs: clients clock processes supervisors systemd
# Units that systemd is about to start.

# Units that systemd is about to start again, and that run or ran Sidekiq: RESTARTING names them. When it does not
# answer there may be some, so that RESTARTING is not empty then. After a container was stopped, its client's unit may be
# any: all count then that were not about to be started before.
declare -A RESTARTING_BEFORE=()
RESTARTING=''

# A unit that fails again and again is between two starts in most looks, not in all.
readonly STEADY=5 # looks in a row that find none
STEADY_LOOKS=0
UNSTEADY='' # what was found last

list_activating() {
  ask_systemd list-units --type=service --state=activating --plain --no-legend --full
}

units_restarting() { # [any]
  local unit units state
  read_comm 1 && [[ $COMM == systemd ]] || return 0
  if out_of_time; then
    RESTARTING=${RESTARTING:-(systemd was not asked in time)}
    return 0
  fi
  RESTARTING=''
  if ! list_activating; then
    RESTARTING='(systemd does not answer)'
    return 0
  fi
  units=$TOLD
  while read -r unit _ _ state _; do
    [[ -n $unit ]] || continue
    if [[ ${1-} == any && $state == auto-restart* && -z ${RESTARTING_BEFORE[$unit]-} ]] || is_sidekiq_unit "$unit" "$state"; then
      RESTARTING+="${RESTARTING:+, }$unit"
    fi
  done <<<"$units"
}

is_sidekiq_unit() { # UNIT STATE
  local known
  for known in ${SUPERVISOR[@]+"${SUPERVISOR[@]}"}; do
    [[ $known != "systemd:$1" ]] || return 0
  done
  # No answer is no reason to believe that it is another's, nor does a container's client say what is in it.
  ! ask_systemd show -p ExecStart -- "$1" || [[ $TOLD == *sidekiq* ]] ||
    [[ $2 == auto-restart* && $TOLD =~ docker|podman|nerdctl ]]
}
