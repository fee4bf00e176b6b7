# shellcheck shell=bash
# needs: failed_starts restart_quiet restarting_units run_action thread_records unprovable
# wake: starts what stop has stopped, replaces what is proven quiet by a new process, waits for what still runs jobs and
# replaces it then; leaves alone what is awake. Confirmed when the new processes are there, with a title and not quieted.

readonly COMES_BACK_WITHIN=$((300 * SECOND)) # so long a new process is waited for
readonly AWAKE_FOR=$((3 * SECOND))           # so long a new process must have had a title that takes jobs
PROCESSES_BEFORE=0                           # how many titled processes there were when wake began
declare -A OLD=()                            # key -> 1 for a worker from before anything was started
declare -A AWAKE_SINCE=()                    # key -> time from which its title says that it takes jobs
declare -A MISSING=()                        # supervisor's name -> 1 while its new processes are awaited

wake_host() {
  local pid
  leave_to_others
  lock_host wake
  clean_thread_records
  read_stopped
  wait_for_workers
  for pid in "${!WORKERS[@]}"; do OLD[${P_KEY[$pid]}]=1; done
  start_stopped
  wake_quieted
  list_processes
  list_stopped
  answer_awake
}

# Without the lock, so that no other wake takes the answer for its own.
leave_to_others() {
  read_run
  if [[ -z $RUN || $RUN == "$SLEPT_BY" ]]; then return 0; fi
  if [[ -n $SLEPT_BY ]]; then answer 0 left_alone "Left as it is: the run ${SLEPT_BY#* } has put its workers to sleep."; fi
  answer 0 left_alone "Left as it is: the run ${RUN#* } has not put its workers to sleep, or they were woken since."
}

answer_awake() {
  local pid processes
  for pid in "${!WORKERS[@]}"; do
    if [[ -n ${TITLED[pid]-} ]]; then continue; fi
    PROBLEMS+=" Process $pid may not be awake: its title cannot be read."
  done
  if ((${#STILL_QUIETED[@]})); then
    for pid in "${!STILL_QUIETED[@]}"; do
      # It may have ended while others were restarted.
      [[ -n ${TITLED[pid]-} ]] || continue
      describe_worker "$pid"
      PROBLEMS+=" Process $WORKER: $WHY."
    done
    answer 2 busy "Jobs may still run.$PROBLEMS"
  elif [[ -n $PROBLEMS ]]; then
    answer 1 unconfirmed "Not confirmed awake.$PROBLEMS"
  elif ((${#TITLED[@]})); then
    counted processes "${#TITLED[@]}" process
    rm -f "$HOST_FOLDER/run"
    answer 0 awake "Awake: $processes."
  elif ((${#EMBEDDED[@]})); then
    answer 1 unconfirmed "Only an embedded Sidekiq was found, which is not supported."
  else
    answer 3 no_worker "No Sidekiq process on this host, and none was stopped."
  fi
}

# What is on the host, with time for a worker that is just being started.
wait_for_workers() {
  local began
  now
  began=$NOW
  scan_all
  while ((${#WORKERS[@]} + ${#BOOTING[@]} + ${#DOWN[@]} == 0 && NOW - began < PROOF_APART)); do
    pause 2
    scan_all
    now
  done
  PROCESSES_BEFORE=${#TITLED[@]}
}

# Restarts each worker as soon as it is proven quiet, until all are awake or nothing is left to wait for.
wake_quieted() {
  local name
  while :; do
    now
    find_still_quieted
    restart_quiet
    note_awake
    note_failed_starts
    note_missing
    if ((${#STILL_QUIETED[@]} == 0)) && all_are_awake; then break; fi
    if out_of_time || nothing_comes_back; then
      report_missing
      break
    fi
    pause_before_look
    scan_all
  done
  for name in "${!EXPECTED[@]}"; do
    [[ -n ${MISSING[$name]-} || -z ${DOWN[$name]-} ]] || record_up "$name"
  done
  write_stopped
  # What came back just now is no replacement of what did not.
  for name in "${!DOWN[@]}"; do record_down "$name" "${DOWN[$name]}"; done
  write_stopped
}

# One that can never be proven quiet stays as it is.
find_still_quieted() {
  local pid key
  STILL_QUIETED=()
  for pid in "${!TITLED[@]}"; do
    key=${P_KEY[$pid]}
    [[ -n ${OLD[$key]-} && -z ${LEFT_QUIET[$key]-} ]] || continue
    if [[ ${P_STATE[$pid]} == T ]]; then resume "$pid" || :; fi
    is_stopping "$pid" || continue
    STOPPING_SINCE[$key]=${STOPPING_SINCE[$key]:-$NOW}
    PROCESSORS=-1
    check_quiet "$pid" || :
    if is_proven "$pid"; then continue; fi
    note_unprovable "$pid"
    if is_unprovable "$pid"; then
      describe_worker "$pid"
      leave_quiet "Process $WORKER was left as it is: $WHY. Restart it by hand." "$pid"
    else
      STILL_QUIETED[pid]=1
    fi
  done
}

nothing_comes_back() {
  ((${#STILL_QUIETED[@]} == 0)) && { ((NOW - LAST_RESTART > COMES_BACK_WITHIN)) || all_missing_failed; }
}

# Jobs may run for hours. When something was just told to start, looks are out of step with systemd's own second.
pause_before_look() {
  local seconds=1 left
  if ((${#STILL_QUIETED[@]} && NOW - LAST_RESTART > 60 * SECOND)); then
    seconds=5
    if uses_much_cpu; then seconds=10; fi
  fi
  seconds_left left
  pause "$((left < seconds ? left : seconds)).$((RANDOM % 10))"
}

note_awake() {
  local pid key
  for pid in "${!TITLED[@]}"; do
    key=${P_KEY[$pid]}
    if [[ ${P_STATE[$pid]} != [Tt] ]] && ! is_stopping "$pid"; then
      AWAKE_SINCE[$key]=${AWAKE_SINCE[$key]:-$NOW}
    else
      unset "AWAKE_SINCE[$key]"
    fi
  done
}

# A title is as old as a heartbeat: a worker that was there before may have been quieted a moment ago.
is_awake() { # PID
  local key=${P_KEY[$1]} since=${AWAKE_SINCE[${P_KEY[$1]}]-} needed=$AWAKE_FOR
  if [[ -n ${OLD[$key]-} ]]; then needed=$PROOF_APART; fi
  [[ -n $since ]] && ((NOW - since >= needed))
}

all_are_awake() {
  if ! out_of_time; then find_restarting_units; fi
  count_look
  ((${#MISSING[@]} == 0 && ${#TITLED[@]} >= PROCESSES_BEFORE)) && all_present_are_awake || return 1
  # Between two tries, what fails again and again is nowhere to be seen.
  ((FAILED_STARTS <= MAX_FAILED_STARTS && NOW - LAST_END >= SETTLE_TIME && LOOKS_WITHOUT >= LOOKS_NEEDED))
}

all_present_are_awake() {
  local pid
  ((${#BOOTING[@]} + SWARM_CHILDREN_MISSING == 0)) || return 1
  for pid in "${!TITLED[@]}"; do
    is_awake "$pid" || [[ -n ${LEFT_QUIET[${P_KEY[$pid]}]-} ]] || return 1
  done
}

# Which supervisors have not yet started as many workers as they have to? Those that cannot be told may start theirs
# under a new name, as an orchestrator names each container anew.
note_missing() {
  local pid name kind lacking
  local -A new=() renamed=()
  MISSING=()
  for pid in "${!TITLED[@]}"; do
    if [[ -n ${OLD[${P_KEY[$pid]}]-} ]] || ! is_awake "$pid"; then continue; fi
    find_supervisor "${P_KEY[$pid]}"
    kind=${SUPERVISOR%%:*}
    if [[ -n ${EXPECTED[$SUPERVISOR]-} ]]; then
      new[$SUPERVISOR]=$((${new[$SUPERVISOR]:-0} + 1))
    else
      renamed[$kind]=$((${renamed[$kind]:-0} + 1))
    fi
  done
  for name in "${!EXPECTED[@]}"; do
    lacking=$((${EXPECTED[$name]} - ${new[$name]:-0})) kind=${name%%:*}
    if ((lacking <= 0)); then
      continue
    elif ! can_be_told "$name" && ((${renamed[$kind]:-0} >= lacking)); then
      renamed[$kind]=$((${renamed[$kind]} - lacking))
    else
      MISSING[$name]=1
    fi
  done
}

# A unit that has failed for good is not waited for. It may have failed since the look that found its process.
all_missing_failed() {
  local name
  ((${#MISSING[@]})) && all_present_are_awake || return 1
  for name in "${!MISSING[@]}"; do
    [[ ${name%%:*} == systemd ]] && ask_systemd is-failed --quiet -- "${name#*:}" || return 1
  done
}

report_missing() {
  local name pid after
  for name in "${!MISSING[@]}"; do
    after='its quiet processes were ended'
    if can_be_told "$name"; then after="${name%%:*} was told to start it"; fi
    PROBLEMS+=" $name did not come back after $after."
  done
  if ((${#TITLED[@]} < PROCESSES_BEFORE)); then
    PROBLEMS+=" Fewer processes run than before: ${#TITLED[@]} instead of $PROCESSES_BEFORE."
  fi
  report_missing_children
  for pid in "${!BOOTING[@]}"; do PROBLEMS+=" Process $pid is still booting."; done
  report_failed_starts 1
  if ((LOOKS_WITHOUT < LOOKS_NEEDED)); then report_restarting "$LAST_RESTARTING"; fi
  for pid in "${!TITLED[@]}"; do
    [[ -n ${STILL_QUIETED[pid]-}${LEFT_QUIET[${P_KEY[$pid]}]-} ]] || is_awake "$pid" ||
      PROBLEMS+=" Process $pid is not awake."
  done
}

run_action wake_host "$@"
