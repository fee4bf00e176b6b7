# shellcheck shell=bash
# needs: failed_starts memory processes proof report restarting_units supervisors worker_table workers
# Why a host is not quiet, or not confirmed to be, in words.

# Why the host is not quiet, the workers with most jobs first, into BUSY_TEXT.
describe_busy() {
  local pid line jobs=0 busy=0 parts=() text='' shown=0
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
    while read -r _ line && ((shown < 5)); do
      text+="${text:+; }$line" shown=$((shown + 1))
    done < <(printf '%s\n' "${parts[@]//[^ -~]/?}" | sort -s -k1,1nr)
    if ((${#parts[@]} > shown)); then text+="; and $((${#parts[@]} - shown)) more"; fi
  fi
  BUSY_TEXT="Time is over: $busy of ${#TITLED[@]} processes still run $jobs jobs.${text:+ $text.}"
  if [[ -n ${RESTARTING-} ]]; then BUSY_TEXT+=" About to be started again: $RESTARTING."; fi
  describe_lost
  BUSY_TEXT+=$LOST_TEXT
}

describe_lost() {
  local key
  LOST_TEXT=''
  for key in "${!LOST[@]}"; do
    LOST_TEXT+=" Process ${key%%:*} (${SEEN_AS[$key]#*$'\x1f'}) is lost: it ended with ${LOST[$key]} busy, by its title or its threads."
  done
}

# A parent that wake has waited for in vain may still start what wake has ended.
describe_what_may_come_back() {
  local name known parent
  for name in "${!REMEMBERED[@]}"; do
    [[ $name == parent:* ]] || continue
    parent=${name##*\(}
    for known in ${SUPERVISOR[@]+"${SUPERVISOR[@]}"}; do
      if [[ $known == "$name" ]]; then continue 2; fi
    done
    [[ ! -e /proc/${parent%)} ]] || OBSTACLES+=" $name has not started again what wake ended, and may do so at any time."
  done
}

# What keeps a drained host from being confirmed, into OBSTACLES; empty when nothing does.
describe_obstacles() {
  local pid
  describe_lost
  OBSTACLES=$LOST_TEXT
  describe_what_may_come_back
  if ((FAILED_STARTS > 1)); then
    OBSTACLES+=" A worker keeps failing to start: $FAILED_STARTS times in a row."
  fi
  if [[ -n $RESTARTING ]]; then OBSTACLES+=" About to be started again: $RESTARTING."; fi
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
