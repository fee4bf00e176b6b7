# shellcheck shell=bash
# needs: run_action thread_records failed_starts restarting_units
# status: reports, touches nothing, and does not need the host to itself.

status_host() {
  local processes running='' at_work=none
  read_thread_records
  wait_for_processes
  if any_appears_quiet; then wait_for_proof; fi
  if [[ -n $RESTARTING ]] || ((FAILED_STARTS + SWARM_CHILDREN_MISSING > 0)); then MORE+='"starting":true,'; fi
  read_stopped
  note_boot
  read_run
  if [[ -n $SLEPT_BY ]]; then MORE+="\"asleep_by\":\"${SLEPT_BY#* }\","; fi
  list_processes
  list_stopped
  if command_runs; then
    at_work=$OWNER_ACTION
    running=" A $OWNER_ACTION command is running (process ${OWNER_ID%%:*})."
  fi
  MORE+="\"at_work\":\"$at_work\","
  if ((${#ENTRIES[@]} == 0)); then answer 3 no_worker "No Sidekiq process on this host.$running"; fi
  counted processes "${#TITLED[@]}" process
  answer 0 reported "$processes with a Sidekiq title$(jobs_in_titles).$running"
}

# Is a command running that needs the host to itself? The lock says which.
command_runs() {
  read_lock "$HOST_FOLDER/command" && still_runs "$OWNER_ID"
}

note_boot() {
  local word value
  while read -r word value _; do if [[ $word == btime ]]; then BOOTED=$value; fi; done </proc/stat
}

# Titles are rewritten every 5 seconds by Sidekiq up to 6, every 10 seconds from 7 on.
jobs_in_titles() {
  local pid jobs=0 age=5
  ((${#TITLED[@]})) || return 0
  for pid in "${!TITLED[@]}"; do
    jobs=$((jobs + P_BUSY[$pid]))
    if [[ ${P_VERSION[$pid]} != [0-6].* ]]; then age=10; fi
  done
  counted jobs "$jobs" job
  printf '%s' ": $jobs as of $age s ago"
}

# A worker that is being restarted is away for a moment.
wait_for_processes() {
  local tries=0
  look_at_host
  while ((${#WORKERS[@]} + ${#BOOTING[@]} + ${#EMBEDDED[@]} == 0 && tries++ < 3)); do
    pause 1
    look_at_host
  done
}

# Only the proof tells whether a worker is quiet, and it takes its time.
any_appears_quiet() {
  check_all
  ((${#QUIET_SINCE[@]}))
}

wait_for_proof() {
  local began
  now
  began=$NOW
  while ((NOW - began < PROOF_APART)); do
    pause 2
    now
    scan
    check_all
  done
  look_at_host
  check_all
}

check_all() {
  local pid
  note_failed_starts
  for pid in "${!TITLED[@]}"; do check_quiet "$pid" || :; done
}

run_action status_host "$@"
