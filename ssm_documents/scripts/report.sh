# shellcheck shell=bash
# What the host looks like, as entries of the answer and in words.

state_of() { # PID
  if [[ ${P_STATE[$1]} == [Tt] ]]; then
    STATE=suspended
  elif [[ ${P_TAIL[$1]} == ' ?' ]]; then
    STATE=unreadable
  elif ((P_STOPPING[$1])); then
    if is_proven "$1"; then STATE=quiet; else STATE=quieting; fi
  elif [[ -n ${SIGNALLED[${P_KEY[$1]}]-} ]]; then
    STATE=quieting
  else
    STATE=awake
  fi
}

list_processes() {
  local pid key
  ENTRIES=()
  for pid in ${TITLED[@]+"${TITLED[@]}"} ${UNREADABLE[@]+"${UNREADABLE[@]}"}; do
    state_of "$pid"
    list_one "$pid" "$STATE"
  done
  for pid in ${BOOTING[@]+"${BOOTING[@]}"}; do
    if [[ ${P_STATE[$pid]-} == T ]]; then list_one "$pid" suspended; else list_one "$pid" booting; fi
  done
  for pid in ${EMBEDDED[@]+"${EMBEDDED[@]}"}; do
    read_title "$pid" || continue
    add_entry "$pid" '' "$PROCESS_TITLE" 0 embedded ''
  done
  for key in "${!LOST[@]}"; do
    add_entry "${key%%:*}" "${SEEN_AS[$key]%%$'\x1f'*}" "${SEEN_AS[$key]#*$'\x1f'}" "${LOST[$key]}" lost "${SUPERVISOR[$key]-}"
  done
}

list_one() { # PID STATE
  supervisor_of "${P_KEY[$1]}"
  add_entry "$1" "${P_VERSION[$1]-}" "${P_TAG[$1]-}" "${P_BUSY[$1]-0}" "$2" "$FOUND"
}

list_stopped() {
  local name
  for name in "${!REMEMBERED[@]}"; do
    add_entry 0 '' '' 0 stopped "$name"
  done
}

# "12 (app)" for a worker, with its tag cut short.
name_worker() { # PID
  local tag=${P_TAG[$1]-}
  NAME=$1
  if [[ -n $tag ]]; then NAME+=" (${tag:0:30})"; fi
}

# Why the host is not quiet, the workers with most jobs first, into BUSY_TEXT.
describe_busy() {
  local pid jobs=0 busy=0 parts=() text='' shown=0
  for pid in ${TITLED[@]+"${TITLED[@]}"}; do
    if ((P_BUSY[$pid] > 0)); then
      jobs=$((jobs + P_BUSY[$pid])) busy=$((busy + 1))
      name_worker "$pid"
      parts+=("${P_BUSY[$pid]} $NAME: ${P_BUSY[$pid]} busy")
    elif ! is_proven "$pid"; then
      why_unproven "$pid"
      parts+=("0 $NAME: $WHY")
    fi
  done
  for pid in ${BOOTING[@]+"${BOOTING[@]}"}; do parts+=("0 $pid: is still booting"); done
  for pid in ${UNREADABLE[@]+"${UNREADABLE[@]}"}; do parts+=("0 $pid: its title cannot be read"); done
  if ((${#parts[@]})); then
    while read -r _ pid && ((shown < 5)); do
      text+="${text:+; }$pid" shown=$((shown + 1))
    done < <(printf '%s\n' "${parts[@]//[^ -~]/?}" | sort -s -k1,1nr)
    if ((${#parts[@]} > shown)); then text+="; and $((${#parts[@]} - shown)) more"; fi
  fi
  BUSY_TEXT="Time is over: $busy of ${#TITLED[@]} processes still run $jobs jobs. $text."
  if [[ -n ${RESTARTING-} ]]; then BUSY_TEXT+=" About to be started again: $RESTARTING."; fi
  describe_lost
  BUSY_TEXT+=$LOST_TEXT
}

why_unproven() { # PID
  name_worker "$1"
  WHY='is not yet proven quiet'
  if [[ ${P_STATE[$1]} == [Tt] ]]; then
    WHY='is suspended'
  elif ((!P_STOPPING[$1])); then
    WHY='has not taken up the request to be quiet'
  elif [[ ${P_TAIL[$1]} != ' stopping' ]]; then
    WHY='its title ends in words that are not known'
  elif count_processors "$1" && ((PROCESSORS > 0)); then
    WHY="says 0 busy, but $PROCESSORS of its threads may still run a job"
  elif [[ -n ${SHORT[${P_KEY[$1]}]-} ]]; then
    WHY="not all of its ${P_SIZE[$1]} threads for jobs could be told by their names before it was quieted"
  fi
}

describe_lost() {
  local key
  LOST_TEXT=''
  for key in "${!LOST[@]}"; do
    LOST_TEXT+=" Process ${key%%:*} (${SEEN_AS[$key]#*$'\x1f'}) is lost: it ended while its title said ${LOST[$key]} busy."
  done
}

# What keeps a drained host from being confirmed, into OBSTACLES; empty when nothing does.
describe_obstacles() {
  local pid
  describe_lost
  OBSTACLES=$LOST_TEXT
  if ((FAILED_STARTS > 1)); then
    OBSTACLES+=" A worker keeps failing to start: $FAILED_STARTS times in a row."
  fi
  if ((SWARM_CHILDREN_MISSING > 0)); then
    OBSTACLES+=" The swarm lacks $SWARM_CHILDREN_MISSING of its processes, which may be started at any time."
  fi
  for pid in ${EMBEDDED[@]+"${EMBEDDED[@]}"}; do
    read_title "$pid" || continue
    OBSTACLES+=" Process $pid (${PROCESS_TITLE:0:40}) has Sidekiq embedded, which is not supported and was not signalled."
  done
  for pid in ${TITLED[@]+"${TITLED[@]}"} ${UNREADABLE[@]+"${UNREADABLE[@]}"}; do
    if ! is_proven "$pid"; then
      why_unproven "$pid"
      OBSTACLES+=" Process $NAME cannot be proven quiet: $WHY."
    fi
  done
}

count_of() { # NUMBER NOUN
  COUNTED="$1 $2"
  if (($1 != 1)); then COUNTED+=es; fi
}
