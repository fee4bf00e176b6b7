# shellcheck shell=bash
# stop: quiet, then down by each worker's own supervisor, so that nothing starts it again before wake does.

PROBLEMS=''

stop_host() {
  claim_host stop
  recall
  drain
  describe_obstacles
  PROBLEMS=$OBSTACLES
  stop_groups
  watch_that_nothing_returns
  list_processes
  list_stopped
  if [[ -n $PROBLEMS ]]; then
    answer 1 unconfirmed "Not confirmed stopped.$PROBLEMS"
  elif ((${#REMEMBERED[@]})); then
    answer 0 stopped "Stopped, and nothing is left that could run a job: $(names_of_stopped)."
  elif ((${#SEEN_AS[@]})); then
    answer 1 unconfirmed "The Sidekiq processes ended during the command by themselves, so wake would not start them."
  else
    answer 3 no_worker "No Sidekiq process on this host."
  fi
}

names_of_stopped() {
  local names=("${!REMEMBERED[@]}") text
  printf -v text '%s, ' "${names[@]}"
  printf '%s' "${text%, }"
}

stop_groups() {
  local name
  group_workers
  for name in "${!GROUP[@]}"; do
    if can_be_told "$name"; then
      stop_group "$name"
    elif [[ $name == none ]]; then
      end_unsupervised
    else
      PROBLEMS+=" Workers ${GROUP[$name]}are quiet but run on: $name would start them again and cannot be told not to."
    fi
  done
}

stop_group() { # NAME
  local name=$1 pids pid keys=()
  read -r -a pids <<<"${GROUP[$1]}"
  for pid in "${pids[@]}"; do keys+=("${P_KEY[$pid]}"); done
  if ! group_is_quiet "$name"; then
    PROBLEMS+=" $name was not stopped: $WHY_NOT."
    return
  fi
  remember "$name" "${#pids[@]}"
  if ! tell stop "$name"; then log "$name: the stop was not confirmed"; fi
  for pid in "${!keys[@]}"; do
    still_there "${keys[$pid]}" || continue
    # A supervisor that knows only a wrapper leaves the worker behind.
    end_quiet_worker "${pids[$pid]}" || :
    gone_within 10 "${keys[$pid]}" || PROBLEMS+=" Process ${pids[$pid]} did not end when $name was told to stop."
  done
}

# Nobody restarts it, so its own end is enough; that it cannot be started again is for wake to say.
end_unsupervised() {
  local pids pid ended=0
  read -r -a pids <<<"${GROUP[none]}"
  for pid in "${pids[@]}"; do
    is_proven "$pid" || continue
    remember none $((ended + 1))
    if end_quiet_worker "$pid" && gone_within 10 "${P_KEY[$pid]}"; then
      ended=$((ended + 1))
    else
      PROBLEMS+=" Process $pid did not end."
    fi
  done
  if ((ended)); then remember none "$ended"; else forget none; fi
}

gone_within() { # SECONDS KEY
  local tries=0
  while still_there "$2"; do
    ((tries < $1 * 5)) || return 1
    pause 0.2
    tries=$((tries + 1))
  done
}

watch_that_nothing_returns() {
  local began seconds=3 pid
  if [[ -n ${REMEMBERED[none]-} ]]; then seconds=12; fi
  now
  began=$NOW
  while :; do
    scan_afresh
    now
    for pid in ${TITLED[@]+"${TITLED[@]}"} ${BOOTING[@]+"${BOOTING[@]}"}; do
      [[ -n ${SEEN[${P_KEY[$pid]}]-} ]] || came_back "$pid"
    done
    units_restarting
    ((NOW - began < seconds * SECOND)) || break
    pause 1
  done
  if [[ -n $RESTARTING ]]; then PROBLEMS+=" About to be started again: $RESTARTING."; fi
}

declare -A RETURNED=()

came_back() { # PID
  [[ -z ${RETURNED[${P_KEY[$1]}]-} ]] || return 0
  RETURNED[${P_KEY[$1]}]=1
  supervisor_of "${P_KEY[$1]}"
  PROBLEMS+=" Process $1 was started after the stop, by $FOUND."
}

set_deadline "${1:-}"
stop_host
