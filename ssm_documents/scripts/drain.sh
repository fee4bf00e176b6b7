# shellcheck shell=bash
# needs: answer clock earlier failed_starts obstacles proof report restarting_units signals supervisors threads worker_table workers
# Quiets every worker on the host and waits until all of them are proven quiet, or can be said never to be. Ends the
# script itself with "busy" when the time is over.

readonly SWARM_PATIENCE=$((30 * SECOND)) # a swarm's child that does not come: no longer waited for, but no quiet host
readonly SHORT_PATIENCE=$((15 * SECOND)) # its threads are just starting, or somebody quieted it before its title says so
readonly HOPELESS_AFTER=$((60 * SECOND))
readonly RESTART_PATIENCE=$((120 * SECOND)) # a unit that is about to be started for so long never runs a worker
readonly IDLE_THREADS_END=$((5 * SECOND)) # they take about 3 s

LAST_START=0
RESTARTING_SINCE='' # time since when a unit that is about to be started is all that is waited for
declare -A HOPELESS_SINCE=() # key -> time since when it rests, but with a title that proves nothing

drain() {
  now
  LAST_START=$NOW LAST_END=$NOW
  if finds_workers; then LAST_END=$((NOW - SETTLING)); fi
  until settled; do
    if out_of_time; then give_up_waiting; fi
    learn_supervisors
    rest_between_looks
    now
    scan
  done
}

finds_workers() {
  scan_afresh
  ((${#TITLED[@]} + ${#UNREADABLE[@]} + ${#BOOTING[@]} > 0))
}

# One round. Holds when nothing is left to wait for, in a look at the whole host that came after the last proof.
settled() {
  notice_the_gone
  tend_all
  if ! all_rest; then
    RESTARTING_SINCE='' RESTARTING=''
    return 1
  fi
  scan_afresh
  now
  notice_the_gone
  tend_all
  all_rest || return 1
  units_restarting
  if [[ -n $RESTARTING ]]; then
    RESTARTING_SINCE=${RESTARTING_SINCE:-$NOW} UNSTEADY=$RESTARTING STEADY_LOOKS=0
  elif [[ -z $RESTARTING_SINCE ]] || ((++STEADY_LOOKS >= STEADY)); then
    return 0
  fi
  RESTARTING=$UNSTEADY
  ((NOW - RESTARTING_SINCE >= RESTART_PATIENCE))
}

tend_all() {
  local pid
  for pid in ${TITLED[@]+"${TITLED[@]}"} ${UNREADABLE[@]+"${UNREADABLE[@]}"}; do
    tend "$pid"
  done
}

# Does for one worker what its state asks for.
tend() { # PID
  local pid=$1 key=${P_KEY[$1]}
  PROCESSORS=-1 # not counted yet
  if [[ -z ${SEEN[$key]-} ]]; then welcome "$pid"; fi
  SEEN[$key]=${P_BUSY[$pid]}
  if ((!P_STOPPING[$pid])); then
    remember_threads "$pid"
    if [[ -n ${SIGNALLED[$key]-} ]]; then write_threads "$key"; fi
  elif [[ -z ${SIGNALLED[$key]-}${ASKED_EARLIER[$key]-} ]]; then
    unset "SHORT[$key]"
  fi
  if [[ ${P_STATE[$pid]} == T ]]; then
    unset "QUIET_SINCE[$key]"
    if is_understood "$pid" && resume "$pid"; then ask_for_quiet "$pid"; fi
  elif ((P_STOPPING[$pid])); then
    look "$pid" || :
  else
    unset "QUIET_SINCE[$key]"
    if is_understood "$pid"; then quiet_once "$pid"; fi
  fi
  count_hidden_jobs "$pid"
  notice_the_hopeless "$pid"
}

# A title is late: the threads that a quieted worker still has are busy before its title says so.
count_hidden_jobs() { # PID
  local key=${P_KEY[$1]}
  if ((P_BUSY[$1] > 0)); then return 0; fi
  if [[ -z ${SIGNALLED[$key]-} ]] || ((NOW - SIGNALLED[$key] < IDLE_THREADS_END)); then return 0; fi
  if ((PROCESSORS >= 0)) || count_processors "$1"; then SEEN[$key]=$PROCESSORS; fi
}

welcome() { # PID
  local key=${P_KEY[$1]}
  LAST_START=$NOW
  SEEN_AS[$key]=${P_VERSION[$1]}$'\x1f'${P_TAG[$1]}
}

# Only after all have been asked for quiet: a supervisor may take its time to answer.
learn_supervisors() {
  local pid
  if ((NOW - LAST_START > 60 * SECOND)); then return 0; fi
  look_up_for 5
  for pid in ${TITLED[@]+"${TITLED[@]}"} ${UNREADABLE[@]+"${UNREADABLE[@]}"}; do
    supervisor_of "${P_KEY[$pid]}"
  done
  look_up_freely
  now
}

# A whole title, or at least Sidekiq's threads: then there are handlers for its signals.
is_understood() { # PID
  [[ ${P_TAIL[$1]} != ' ?' || -n ${NAMES_KNOWN[${P_KEY[$1]}]-} ]]
}

# A title follows its process by a heartbeat or more: ask again only when it should have changed long ago.
quiet_once() { # PID
  local last=${SIGNALLED[${P_KEY[$1]}]-} short=${SHORT[${P_KEY[$1]}]-}
  if [[ -z $last && -n $short ]] && ((NOW - short < SHORT_PATIENCE)); then return; fi
  if [[ -z $last ]] || ((NOW - last >= SIGNAL_AGAIN)); then
    write_threads "${P_KEY[$1]}"
    ask_for_quiet "$1"
  fi
}

# A worker whose title says more, or less, than is understood rests as far as can be seen, but that is no proof. Nor is
# it one when its threads bore names that are not understood.
notice_the_hopeless() { # PID
  local pid=$1 key=${P_KEY[$1]}
  if [[ ${P_BUSY[$pid]} == 0 && -n ${P_TAIL[$pid]} && (${P_TAIL[$pid]} != ' stopping' || -n ${SHORT[$key]-}) ]] &&
    { ((P_STOPPING[$pid])) || [[ ${P_TAIL[$pid]} == ' ?' ]]; } && count_processors "$pid" && ((PROCESSORS == 0)); then
    HOPELESS_SINCE[$key]=${HOPELESS_SINCE[$key]:-$NOW}
  else
    unset "HOPELESS_SINCE[$key]"
  fi
}

notice_the_gone() {
  local key
  for key in "${!SEEN[@]}"; do
    [[ ${P_KEY[${key%%:*}]-} != "$key" ]] || continue
    if ((${SEEN[$key]} > 0)); then
      LOST[$key]=${SEEN[$key]}
      log "process ${key%%:*} ended with ${SEEN[$key]} busy"
    fi
    unset "SEEN[$key]" "QUIET_SINCE[$key]"
    LAST_END=$NOW
  done
  notice_failed_starts
}

all_rest() {
  local pid
  ((${#BOOTING[@]} == 0 || FAILED_STARTS > HOPELESS_STARTS)) || return 1
  if ((SWARM_CHILDREN_MISSING > 0 && NOW - LAST_START < SWARM_PATIENCE)); then return 1; fi
  if ((NOW - LAST_END < SETTLING)); then return 1; fi
  for pid in ${TITLED[@]+"${TITLED[@]}"} ${UNREADABLE[@]+"${UNREADABLE[@]}"}; do
    is_proven "$pid" || is_hopeless "$pid" || return 1
  done
}

is_hopeless() { # PID
  local since=${HOPELESS_SINCE[${P_KEY[$1]}]-}
  [[ -n $since ]] && ((NOW - since >= HOPELESS_AFTER))
}

# Often while things happen, seldom in the hours between, and less when the host is so full that a look is dear.
rest_between_looks() {
  local seconds=5
  if ((NOW - LAST_START < 60 * SECOND || NOW - LAST_REST < 20 * SECOND)); then
    seconds=2
  elif is_dear; then
    seconds=10
  fi
  now
  if ((NOW + seconds * SECOND > DEADLINE)); then seconds_left && seconds=$LEFT; fi
  pause "$seconds"
}

# More than 0.3% of a core so far? The kernel counts in the same hundredths.
is_dear() {
  local line
  IFS= read -r line </proc/self/stat
  # shellcheck disable=SC2086  # it is to be split
  set -- ${line##*) }
  (((${12} + ${13}) * 1000 > (NOW - STARTED) * 3))
}

give_up_waiting() {
  list_processes
  describe_busy
  answer 2 busy "$BUSY_TEXT"
}
