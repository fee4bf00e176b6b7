# shellcheck shell=bash
# Quiets every worker on the host and waits until all of them are proven quiet, or can be said never to be. Ends the
# script itself with "busy" when the time is over.

readonly SETTLING=$((15 * SECOND))      # what has ended may be started again by somebody
readonly NEXT_TRY=$((30 * SECOND))      # what could not start is tried again by somebody, later than what had run
readonly SWARM_PATIENCE=$((30 * SECOND)) # a swarm's child that does not come: no longer waited for, but no quiet host
readonly HOPELESS_STARTS=3               # so many that failed are not waited for any longer
readonly SHORT_PATIENCE=$((15 * SECOND)) # its threads are just starting, or somebody quieted it before its title says so
readonly HOPELESS_AFTER=$((60 * SECOND))

declare -A HOPELESS_SINCE=() # key -> time since when it rests, but with a title that proves nothing
declare -A SEEN_BOOTING=()   # keys of what boots
LAST_START=0 LAST_END=0
FAILED_STARTS=0 # in a row

drain() {
  now
  LAST_START=$NOW LAST_END=$NOW
  if finds_workers; then LAST_END=$((NOW - SETTLING)); fi
  until settled; do
    if out_of_time; then give_up_waiting; fi
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
  all_rest || return 1
  scan_afresh
  now
  notice_the_gone
  tend_all
  all_rest || return 1
  units_restarting
  [[ -z $RESTARTING ]]
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
  notice_the_hopeless "$pid"
}

welcome() { # PID
  local key=${P_KEY[$1]}
  LAST_START=$NOW
  SEEN_AS[$key]=${P_VERSION[$1]}$'\x1f'${P_TAG[$1]}
  supervisor_of "$key"
}

# A whole title, or at least Sidekiq's threads: then there are handlers for its signals.
is_understood() { # PID
  [[ ${P_TAIL[$1]} != ' ?' || -n ${STYLED[${P_KEY[$1]}]-} ]]
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
      log "process ${key%%:*} ended while its title said ${SEEN[$key]} busy"
    fi
    unset "SEEN[$key]" "QUIET_SINCE[$key]"
    LAST_END=$NOW
  done
  notice_failed_starts
}

# What boots ends with a title, or as a launcher of others; else somebody may try again.
notice_failed_starts() {
  local pid key
  for key in "${!SEEN_BOOTING[@]}"; do
    if [[ ${P_KEY[${key%%:*}]-} == "$key" ]]; then
      if [[ -n ${P_BUSY[${key%%:*}]-} ]]; then FAILED_STARTS=0; fi
    elif ! still_there "$key"; then
      log "process ${key%%:*} ended before it had started Sidekiq"
      FAILED_STARTS=$((FAILED_STARTS + 1))
      if ((FAILED_STARTS <= HOPELESS_STARTS)); then LAST_END=$((NOW + NEXT_TRY - SETTLING)); fi
    fi
  done
  SEEN_BOOTING=()
  for pid in ${BOOTING[@]+"${BOOTING[@]}"}; do SEEN_BOOTING[${P_KEY[$pid]}]=1; done
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
