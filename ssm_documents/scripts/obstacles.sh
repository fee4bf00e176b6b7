# shellcheck shell=bash
# needs: failed_starts restarting_units
# Why a host is not quiet, or not confirmed to be, in words.

# What the workers do, those with most jobs first.
report_busy() {
  local pid line jobs=0 busy=0 processes lines=() text='' shown=0
  for pid in "${!WORKERS[@]}"; do
    if ((P_BUSY[$pid] > 0)); then jobs=$((jobs + P_BUSY[$pid])) busy=$((busy + 1)); fi
    if is_proven "$pid"; then continue; fi
    describe_worker "$pid"
    lines+=("${P_BUSY[$pid]} $WORKER: $WHY")
  done
  for pid in "${!BOOTING[@]}"; do lines+=("0 $pid: still booting"); done
  while read -r _ line && ((shown < 5)); do
    text+="${text:+; }$line" shown=$((shown + 1))
  done < <(printf '%s\n' ${lines[@]+"${lines[@]//[^ -~]/?}"} | sort -s -k1,1nr)
  if ((${#lines[@]} > shown)); then text+="; and $((${#lines[@]} - shown)) more"; fi
  PROBLEMS='Time ran out before every worker was proven quiet.'
  if ((busy)); then
    counted jobs "$jobs" job
    counted processes "${#TITLED[@]}" process
    PROBLEMS+=" Still running: $jobs in $busy of $processes."
  fi
  PROBLEMS+=${text:+ $text.}
  report_restarting "$RESTARTING"
  report_lost
}

report_lost() {
  local key jobs
  for key in "${!LOST_JOBS[@]}"; do
    counted jobs "${LOST_JOBS[$key]}" job
    PROBLEMS+=" Process ${key%%:*} (${SEEN_AS[$key]#*$'\x1f'}) is lost:"
    PROBLEMS+=" it ended while its title or its threads showed $jobs."
  done
}

# A parent for which wake has waited in vain may still start what wake has ended.
report_pending_parents() {
  local name parent
  for name in "${!DOWN[@]}"; do
    parent=${name##*\(}
    if [[ $name == parent:* && -e /proc/${parent%)} && -z ${HAS_SUPERVISED[$name]-} ]]; then
      PROBLEMS+=" $name has not started again what wake ended, and may do so at any time."
    fi
  done
}

# What keeps a drained host from being confirmed; PROBLEMS stays empty when nothing does.
report_obstacles() {
  local pid
  report_lost
  report_pending_parents
  report_failed_starts 2
  report_restarting "$RESTARTING"
  report_missing_children
  for pid in "${!EMBEDDED[@]}"; do
    read_title "$pid" || continue
    PROBLEMS+=" Process $pid (${PROCESS_TITLE:0:40}) has Sidekiq embedded, which is not supported."
    PROBLEMS+=' It got no signal.'
  done
  for pid in "${!WORKERS[@]}"; do
    if ! is_proven "$pid"; then
      describe_worker "$pid"
      PROBLEMS+=" Process $WORKER cannot be proven quiet: $WHY."
    fi
  done
}
