# shellcheck shell=bash
# needs: find_workers obstacles quiet_signal seen_threads thread_records unprovable
# Quiets every worker on the host and waits until all of them are proven quiet, or can be said never to be. Ends the
# script itself with "busy" when time runs out.

readonly SWARM_LIMIT=$((30 * SECOND))     # so long a swarm's missing child is waited for
readonly THREADS_LIMIT=$((15 * SECOND))   # so long missing threads may still be starting
readonly RESTART_LIMIT=$((120 * SECOND))  # so long a unit that is about to be started is waited for
readonly IDLE_THREADS_END=$((5 * SECOND)) # so long after the signal idle threads are gone; they take about 3 s
readonly SIGNAL_AGAIN=$((15 * SECOND))    # so long after the signal the title should have changed

LAST_START=0        # time when the last new worker was found, or when the drain began
RESTARTING_SINCE='' # time from which a unit that is about to be started is all that is waited for

drain() {
  now
  LAST_START=$NOW LAST_END=$NOW
  scan_all
  if ((${#WORKERS[@]} + ${#BOOTING[@]})); then LAST_END=$((NOW - SETTLE_TIME)); fi
  until is_drained; do
    if out_of_time; then answer_busy; fi
    find_supervisors
    pause_between_scans
    now
    scan
  done
  # supervisord does not tell of a program that is starting, and a short drain may have asked it then only.
  PROGRAMS_ASKED_AT=()
  find_supervisors
}

# Holds when nothing is left to wait for, in a scan of the whole host that came after the last proof.
is_drained() {
  if ! all_are_quiet; then
    RESTARTING_SINCE='' RESTARTING=''
    return 1
  fi
  look_at_host
  all_are_quiet || return 1
  count_look
  if [[ -n $RESTARTING ]]; then
    RESTARTING_SINCE=${RESTARTING_SINCE:-$NOW}
  elif [[ -z $RESTARTING_SINCE ]] || ((LOOKS_WITHOUT >= LOOKS_NEEDED)); then
    return 0
  fi
  RESTARTING=$LAST_RESTARTING
  ((NOW - RESTARTING_SINCE >= RESTART_LIMIT))
}

# Quiets the workers of the last scan. Are all of them proven quiet, or unprovable, and is none about to start?
all_are_quiet() {
  local pid
  note_ended_workers
  note_failed_starts
  for pid in "${!WORKERS[@]}"; do quiet_worker "$pid"; done
  ((${#BOOTING[@]} == 0 || FAILED_STARTS > MAX_FAILED_STARTS)) || return 1
  if ((SWARM_CHILDREN_MISSING > 0 && NOW - LAST_START < SWARM_LIMIT)); then return 1; fi
  if ((NOW - LAST_END < SETTLE_TIME)); then return 1; fi
  for pid in "${!WORKERS[@]}"; do
    is_proven "$pid" || is_unprovable "$pid" || return 1
  done
}

note_ended_workers() {
  local key
  for key in "${!JOBS[@]}"; do
    [[ ${P_KEY[${key%%:*}]-} != "$key" ]] || continue
    if ((${JOBS[$key]} > 0)); then
      LOST_JOBS[$key]=${JOBS[$key]}
      log "process ${key%%:*} ended with ${JOBS[$key]} busy"
    fi
    unset "JOBS[$key]" "QUIET_SINCE[$key]"
    LAST_END=$NOW
  done
}

# Does for one worker what its state asks for.
quiet_worker() { # PID
  local pid=$1 key=${P_KEY[$1]}
  PROCESSORS=-1 # not counted yet
  if [[ -z ${JOBS[$key]-} ]]; then
    LAST_START=$NOW
    SEEN_AS[$key]=${P_VERSION[$pid]}$'\x1f'${P_TAG[$pid]}
  fi
  JOBS[$key]=${P_BUSY[$pid]}
  track_threads "$pid"
  if [[ ${P_STATE[$pid]} != T ]] && is_stopping "$pid"; then
    check_quiet "$pid" || :
  else
    if has_only_its_heartbeat "$pid"; then note_quiet "$key"; else unset "QUIET_SINCE[$key]"; fi
    if takes_signals "$pid"; then signal_worker "$pid"; fi
  fi
  count_hidden_jobs "$pid"
  note_unprovable "$pid"
  if [[ -n ${SIGNALLED[$key]-} ]]; then record_threads "$key"; fi
}

# After the signal the threads for jobs end before the title says so: the proof need not wait for that. Only where all of
# them were known and have names, and the scheduler is gone, too.
has_only_its_heartbeat() { # PID
  [[ -n ${SIGNALLED[${P_KEY[$1]}]-} && -n ${ALL_SEEN[${P_KEY[$1]}]-} && ${P_STATE[$1]} != [TtZX] ]] &&
    count_processors "$1" && ((PROCESSORS == 0 && UNNAMED == 0 && SIDEKIQ_THREADS == 1))
}

signal_worker() { # PID
  if [[ ${P_STATE[$1]} == T ]]; then
    if resume "$1" && ! lacks_threads "$1"; then send_quiet_signal "$1"; fi
  elif signal_is_due "$1"; then
    record_threads "${P_KEY[$1]}"
    send_quiet_signal "$1"
  fi
}

track_threads() { # PID
  local key=${P_KEY[$1]}
  if ! is_stopping "$1"; then
    note_threads "$1"
    unset "STOPPING_SINCE[$key]"
  else
    STOPPING_SINCE[$key]=${STOPPING_SINCE[$key]:-$NOW}
    if [[ -z ${SIGNALLED[$key]-}${QUIETED_EARLIER[$key]-} ]]; then unset "MISSING_SINCE[$key]"; fi
  fi
}

# A whole title, or at least Sidekiq's threads: then there are handlers for its signals.
takes_signals() { # PID
  [[ ${P_TAIL[$1]} != ' ?' || -n ${NAMES_KNOWN[${P_KEY[$1]}]-} ]]
}

signal_is_due() { # PID
  local last=${SIGNALLED[${P_KEY[$1]}]-} missing=${MISSING_SINCE[${P_KEY[$1]}]-}
  if [[ -n $last ]]; then
    ((NOW - last >= SIGNAL_AGAIN)) && ! lacks_threads "$1"
  else
    [[ -z $missing ]] || ((NOW - missing >= THREADS_LIMIT)) || shares_threads "$1"
  fi
}

# A title is late: the threads that a quieted worker still has are busy before its title says so.
count_hidden_jobs() { # PID
  local key=${P_KEY[$1]}
  if ((P_BUSY[$1] > 0)); then return 0; fi
  if [[ -z ${SIGNALLED[$key]-} ]] || ((NOW - SIGNALLED[$key] < IDLE_THREADS_END)); then return 0; fi
  if ((PROCESSORS >= 0)) || count_processors "$1"; then JOBS[$key]=$PROCESSORS; fi
}

# Only after all have been signalled: a supervisor may take its time to answer.
find_supervisors() {
  local pid LOOK_UP_UNTIL
  if ((NOW - LAST_START > 60 * SECOND)); then return 0; fi
  now
  LOOK_UP_UNTIL=$((NOW + 5 * SECOND))
  for pid in "${!WORKERS[@]}"; do
    find_supervisor "${P_KEY[$pid]}"
    note_worked_for "$SUPERVISOR"
  done
}

note_worked_for() { # NAME
  can_be_told "$1" && [[ -z ${WORKED_FOR[$1]-} ]] || return 0
  WORKED_FOR[$1]=1
  printf '%s\n' "$1" >>"$HOST_FOLDER/supervisors"
}

# Until the next look, which is seldom when the host is so full that a scan costs much, or until jobs may have ended.
pause_between_scans() {
  local seconds=5 until proof=$((LAST_QUIET_AT + PROOF_APART + 5)) watched=${#WATCHED[@]}
  now
  if ((NOW - LAST_START < 60 * SECOND && ${#BOOTING[@]})); then
    # What has booted takes jobs until it is quieted.
    seconds=2
  elif ((NOW - LAST_START > 60 * SECOND && NOW - LAST_QUIET_AT > 20 * SECOND)) && uses_much_cpu; then
    seconds=10
  fi
  until=$((NOW + seconds * SECOND))
  # Not later than the first moment at which the last one can be proven.
  if ((proof > NOW && proof < until)); then until=$proof; fi
  while ((NOW < until && NOW < DEADLINE)); do
    pause "0.$((until - NOW < SECOND / 2 ? 1 : 5))"
    now
    if ((watched)) && ! any_is_at_work; then return 0; fi
  done
}

# Of each worker that is not quiet one thread for jobs is watched. The end of the last of these may be that of the last job.
any_is_at_work() {
  local key
  for key in "${!WATCHED[@]}"; do
    if is_at_work "$key"; then return 0; fi
    unset "WATCHED[$key]"
  done
  return 1
}

answer_busy() {
  list_processes
  report_busy
  answer 2 busy "$PROBLEMS"
}
