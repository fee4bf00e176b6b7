# shellcheck shell=bash
# needs: drain run_action worker_groups
# stop: quiet, then stopped by each worker's own supervisor, so that nothing starts it again before wake does.

declare -A ENDING=() # supervisor's name -> keys of its workers that are to end, with a space after each
ANY_STOPPED=''       # 1 once this command has ended a worker

stop_host() {
  local names
  lock_host stop
  clean_thread_records
  read_stopped
  drain
  report_obstacles
  answer_without_time
  stop_groups
  watch_for_restarts
  list_processes
  list_stopped
  if [[ -n $PROBLEMS ]]; then
    answer 1 unconfirmed "Not confirmed stopped.$PROBLEMS"
  elif ((${#DOWN[@]})) && [[ -n $ANY_STOPPED || ${#SEEN_AS[@]} == 0 ]]; then
    printf -v names '%s, ' "${!DOWN[@]}"
    answer 0 stopped "Stopped: ${names%, }. No process is left that could run a job."
  elif ((${#SEEN_AS[@]})); then
    answer 1 unconfirmed "The Sidekiq processes ended during the command by themselves. Wake cannot start them."
  else
    answer 3 no_worker "No Sidekiq process on this host."
  fi
}

# To stop a worker and then not to see what came of it would be worse than to leave it quiet.
answer_without_time() {
  now
  if ((${#TITLED[@]} == 0 || DEADLINE - NOW >= 15 * SECOND)); then return 0; fi
  list_processes
  answer 2 busy "The workers are quiet, but no time is left to stop them. None was stopped.$PROBLEMS"
}

# All that will be told to stop is recorded first: the stop of one unit may be the end of another that requires it.
stop_groups() {
  local name ready=()
  group_workers
  note_units_before_stop
  for name in "${!GROUP[@]}"; do
    if out_of_time; then
      PROBLEMS+=" No time was left to stop $name."
    elif can_be_told "$name"; then
      if prepare_stop "$name"; then ready+=("$name"); fi
    elif [[ $name == none ]]; then
      end_unsupervised
    else
      report_not_stopped "$name"
    fi
  done
  for name in "${!GROUP[@]}"; do
    if [[ -z ${DOWN[$name]-} ]]; then KEPT_UP[$name]=1; fi
  done
  write_stopped
  for name in ${ready[@]+"${ready[@]}"}; do stop_group "$name"; done
}

report_not_stopped() { # NAME
  if [[ $1 == unknown:* ]]; then
    PROBLEMS+=" Not stopped: ${GROUP[$1]% }. It is not known what supervises them (${1#*:})."
  else
    PROBLEMS+=" Not stopped: ${GROUP[$1]% }. $1 would start them again and cannot be told not to."
  fi
}

prepare_stop() { # NAME
  local pids pid
  read -r -a pids <<<"${GROUP[$1]}"
  for pid in "${pids[@]}"; do ENDING[$1]+="${P_KEY[$pid]:-gone} "; done
  if group_is_quiet "$1"; then
    record_down "$1" "${#pids[@]}"
  else
    PROBLEMS+=" $1 was not stopped: $WHY_NOT."
    return 1
  fi
}

stop_group() { # NAME
  local key
  WHY_NOT='no time was left'
  if out_of_time || ! group_is_quiet "$1"; then
    PROBLEMS+=" $1 was not stopped: $WHY_NOT."
    record_up "$1"
    return
  fi
  ANY_STOPPED=1
  tell stop "$1" || :
  for key in ${ENDING[$1]}; do
    still_runs "$key" || continue
    # A supervisor that knows only a wrapper leaves the worker behind.
    end_quiet_worker "${key%%:*}" || :
    ends_soon "$key" || PROBLEMS+=" Process ${key%%:*} still runs after $1 was told to stop."
  done
}

# Nobody restarts such a worker, so its own end is enough; wake says that it cannot start it again. Somebody may have
# started it in place of one that an earlier stop ended, so that the higher number stays.
end_unsupervised() {
  local pid ended=0 before=${DOWN[none]:-0}
  for pid in ${GROUP[none]}; do
    if ! is_proven "$pid" || out_of_time; then continue; fi
    if ((ended >= before)); then record_down none $((ended + 1)); fi
    if end_quiet_worker "$pid" && ends_soon "${P_KEY[$pid]}"; then
      ended=$((ended + 1)) ANY_STOPPED=1
    else
      PROBLEMS+=" Process $pid did not end."
    fi
  done
  if ((ended < before)); then ended=$before; fi
  if ((ended)); then record_down none "$ended"; else record_up none; fi
}

# Is it gone within ten seconds?
ends_soon() { # KEY
  local tries=0
  while still_runs "$1"; do
    if ((++tries > 50)) || out_of_time; then return 1; fi
    pause 0.2
  done
}

watch_for_restarts() {
  local began seconds=3 pid name which=''
  # Behind these there may be somebody else who starts them again: a person's script, the unit of a container's client.
  for name in "${!DOWN[@]}"; do
    case $name in none | docker:*) seconds=12 which=any ;; esac
  done
  now
  began=$NOW
  while :; do
    scan_all
    now
    for pid in "${!WORKERS[@]}" "${!BOOTING[@]}"; do report_start "$pid"; done
    find_restarting_units "$which"
    ((NOW - began < seconds * SECOND)) || break
    if out_of_time; then
      PROBLEMS+=' No time was left to see whether something starts them again.'
      break
    fi
    pause 1
  done
  report_restarting "$RESTARTING"
}

# Reports each process once that has come since the drain.
report_start() { # PID
  local key=${P_KEY[$1]}
  [[ -z ${JOBS[$key]-} ]] || return 0
  JOBS[$key]=0
  find_supervisor "$key"
  PROBLEMS+=" Process $1 was started after the stop, by $SUPERVISOR."
}

run_action stop_host "$@"
