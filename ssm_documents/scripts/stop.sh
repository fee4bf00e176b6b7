# shellcheck shell=bash
# needs: answer clients clock drain earlier exit groups memory obstacles one_command processes proof report restarting_units signals supervisors worker_table workers
# stop: quiet, then down by each worker's own supervisor, so that nothing starts it again before wake does.

STOPPED_SOME=0

stop_host() {
  claim_host stop
  take_over_threads
  recall
  drain
  describe_obstacles
  PROBLEMS=$OBSTACLES
  refuse_without_time
  stop_groups
  watch_that_nothing_returns
  list_processes
  list_stopped
  if [[ -n $PROBLEMS ]]; then
    answer 1 unconfirmed "Not confirmed stopped.$PROBLEMS"
  elif ((${#REMEMBERED[@]} && (STOPPED_SOME || ${#SEEN_AS[@]} == 0))); then
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

# To tell somebody and then not to see what came of it would be worse than to leave it quiet.
refuse_without_time() {
  now
  if ((${#TITLED[@]} == 0 || DEADLINE - NOW >= 15 * SECOND)); then return 0; fi
  list_processes
  answer 2 busy "The workers are quiet, but no time is left to stop them, so nobody was told to.$PROBLEMS"
}

# All that will be told to stop is remembered first: the stop of one unit may be the end of another that requires it.
stop_groups() {
  local name ready=()
  group_workers
  note_restarting_units
  for name in "${!GROUP[@]}"; do
    if out_of_time; then
      PROBLEMS+=" No time was left for $name."
    elif can_be_told "$name"; then
      if prepare_stop "$name"; then ready+=("$name"); fi
    elif [[ $name == none ]]; then
      end_unsupervised
    elif [[ $name == unknown:* ]]; then
      PROBLEMS+=" Workers ${GROUP[$name]}are quiet but run on: it could not be found out who looks after them (${name#*:})."
    else
      PROBLEMS+=" Workers ${GROUP[$name]}are quiet but run on: $name would start them again and cannot be told not to."
    fi
  done
  for name in "${!GROUP[@]}"; do
    if [[ -z ${REMEMBERED[$name]-} ]]; then RUNS_ON[$name]=1; fi
  done
  write_memory
  for name in ${ready[@]+"${ready[@]}"}; do stop_group "$name"; done
}

note_restarting_units() {
  local unit
  read_comm 1 && [[ $COMM == systemd ]] && list_activating || return 0
  while read -r unit _; do
    if [[ -n $unit ]]; then RESTARTING_BEFORE[$unit]=1; fi
  done <<<"$TOLD"
}

declare -A KEYS=() # supervisor's name -> keys of the workers that are to end

prepare_stop() { # NAME
  local pids pid
  read -r -a pids <<<"${GROUP[$1]}"
  for pid in "${pids[@]}"; do KEYS[$1]+="${P_KEY[$pid]:-gone} "; done
  if group_is_quiet "$1"; then
    remember "$1" "${#pids[@]}"
  else
    PROBLEMS+=" $1 was not stopped: $WHY_NOT."
    return 1
  fi
}

stop_group() { # NAME
  local name=$1 keys key
  read -r -a keys <<<"${KEYS[$1]}"
  WHY_NOT='no time was left'
  if out_of_time || ! group_is_quiet "$name"; then
    PROBLEMS+=" $name was not stopped: $WHY_NOT."
    forget "$name"
    return
  fi
  STOPPED_SOME=1
  if ! tell stop "$name"; then log "$name: the stop was not confirmed"; fi
  for key in "${keys[@]}"; do
    still_there "$key" || continue
    # A supervisor that knows only a wrapper leaves the worker behind.
    end_quiet_worker "${key%%:*}" || :
    gone_within 10 "$key" || PROBLEMS+=" Process ${key%%:*} did not end when $name was told to stop."
  done
}

# Nobody restarts it, so its own end is enough; that it cannot be started again is for wake to say. Of an earlier stop's
# workers these may be the ones that somebody has started since: the higher number stays.
end_unsupervised() {
  local pids pid ended=0 before=${REMEMBERED[none]:-0}
  read -r -a pids <<<"${GROUP[none]}"
  for pid in "${pids[@]}"; do
    if ! is_proven "$pid" || out_of_time; then continue; fi
    if ((ended >= before)); then remember none $((ended + 1)); fi
    if end_quiet_worker "$pid" && gone_within 10 "${P_KEY[$pid]}"; then
      ended=$((ended + 1)) STOPPED_SOME=1
    else
      PROBLEMS+=" Process $pid did not end."
    fi
  done
  if ((ended < before)); then ended=$before; fi
  if ((ended)); then remember none "$ended"; else forget none; fi
}

gone_within() { # SECONDS KEY
  local tries=0
  while still_there "$2"; do
    if ((tries >= $1 * 5)) || out_of_time; then return 1; fi
    pause 0.2
    tries=$((tries + 1))
  done
}

watch_that_nothing_returns() {
  local began seconds=3 pid name restarting=''
  # Behind these there may be somebody else who starts them again: a person's script, the unit of a container's client.
  for name in "${!REMEMBERED[@]}"; do
    case $name in none | docker:*) seconds=12 restarting=any ;; esac
  done
  now
  began=$NOW
  while :; do
    scan_afresh
    now
    for pid in ${TITLED[@]+"${TITLED[@]}"} ${UNREADABLE[@]+"${UNREADABLE[@]}"} ${BOOTING[@]+"${BOOTING[@]}"}; do
      [[ -n ${SEEN[${P_KEY[$pid]}]-} ]] || came_back "$pid"
    done
    units_restarting "$restarting"
    ((NOW - began < seconds * SECOND)) || break
    if out_of_time; then
      PROBLEMS+=' No time was left to see whether something starts them again.'
      break
    fi
    pause 1
  done
  if [[ -n $RESTARTING && $PROBLEMS != *": $RESTARTING."* ]]; then PROBLEMS+=" About to be started again: $RESTARTING."; fi
}

declare -A RETURNED=()

came_back() { # PID
  [[ -z ${RETURNED[${P_KEY[$1]}]-} ]] || return 0
  RETURNED[${P_KEY[$1]}]=1
  supervisor_of "${P_KEY[$1]}"
  PROBLEMS+=" Process $1 was started after the stop, by $FOUND."
}

run_action stop_host "${1:-}"
