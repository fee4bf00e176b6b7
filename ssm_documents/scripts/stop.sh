# shellcheck shell=bash
# needs: drain run_action worker_groups
# stop: quiet, then stopped by each worker's own supervisor, so that nothing starts it again before wake does.

ANY_STOPPED='' # 1 once this command has ended a worker
LEFT=()        # keys of the processes that end_workers has not seen end

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
  local name pid pids ready=() unsupervised=() before=${DOWN[none]:-0}
  note_units_before_stop
  survey_groups
  if out_of_time; then
    PROBLEMS+=' No time was left to stop the workers.'
    return
  fi
  for name in "${!GROUP[@]}"; do
    if [[ $name == none ]]; then
      for pid in ${GROUP[none]}; do
        if is_proven "$pid"; then
          unsupervised+=("$pid")
        else
          PROBLEMS+=" Process $pid was not ended: it is not proven quiet any more."
        fi
      done
      # Somebody may have started these in place of some that an earlier stop ended, so that the higher number stays.
      if ((${#unsupervised[@]} > before)); then record_down none "${#unsupervised[@]}"; fi
    elif ! can_be_told "$name"; then
      report_not_stopped "$name"
    elif group_is_quiet "$name"; then
      read -r -a pids <<<"${GROUP[$name]}"
      record_down "$name" "${#pids[@]}"
      ready+=("$name")
    else
      PROBLEMS+=" $name was not stopped: $WHY_NOT."
    fi
  done
  for name in "${!GROUP[@]}"; do
    if [[ -z ${DOWN[$name]-} ]]; then KEPT_UP[$name]=1; fi
  done
  write_stopped
  stop_ready ${ready[@]+"${ready[@]}"}
  end_unsupervised "$before" ${unsupervised[@]+"${unsupervised[@]}"}
}

note_units_before_stop() {
  local unit
  systemd_is_init && list_activating || return 0
  while read -r unit _; do
    if [[ -n $unit ]]; then RESTARTING_BEFORE_STOP[$unit]=1; fi
  done <<<"$CLIENT_OUTPUT"
}

report_not_stopped() { # NAME
  local why="$1 would start them again and cannot be told not to"
  [[ $1 != unknown:* ]] || why="It is not known what supervises them (${1#*:})"
  PROBLEMS+=" Not stopped: ${GROUP[$1]% }. $why."
}

stop_ready() { # NAMES
  local name pids=() key
  (($#)) || return 0
  ANY_STOPPED=1
  # shellcheck disable=SC2206  # process ids
  for name in "$@"; do pids+=(${GROUP[$name]}); done
  tell stop "$@" || :
  # A supervisor that knows only a wrapper leaves the worker behind.
  end_workers "${pids[@]}"
  for key in ${LEFT[@]+"${LEFT[@]}"}; do
    PROBLEMS+=" Process ${key%%:*} still runs after ${SUPERVISORS[$key]-its supervisor} was told to stop."
  done
}

# Nobody restarts such a worker, so its own end is enough; wake says that it cannot start it again.
end_unsupervised() { # BEFORE PIDS
  local key ended before=$1
  shift
  (($#)) || return 0
  end_workers "$@"
  for key in ${LEFT[@]+"${LEFT[@]}"}; do PROBLEMS+=" Process ${key%%:*} did not end."; done
  ended=$(($# - ${#LEFT[@]}))
  if ((ended)); then ANY_STOPPED=1; fi
  if ((ended < before)); then ended=$before; fi
  if ((ended)); then record_down none "$ended"; else record_up none; fi
  write_stopped
}

# Sets LEFT to those that still run after ten seconds.
end_workers() { # PIDS
  local pid key tries=0 left
  LEFT=()
  for pid in "$@"; do
    LEFT+=("${P_KEY[$pid]:-gone}")
    end_quiet_worker "$pid" || :
  done
  while :; do
    left=()
    for key in "${LEFT[@]}"; do
      if still_runs "$key"; then left+=("$key"); fi
    done
    LEFT=(${left[@]+"${left[@]}"})
    if ((${#LEFT[@]} == 0 || ++tries > 50)) || out_of_time; then return 0; fi
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
    look_at_host "$which"
    for pid in "${!WORKERS[@]}" "${!BOOTING[@]}"; do report_start "$pid"; done
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
