# shellcheck shell=bash
# needs: answer clock earlier exit host_folder memory one_command proof report worker_table workers
# status: reports, touches nothing, and does not need the host to itself.

status_host() {
  prepare_folder
  recall_threads
  find_anything
  if proves_something; then look_twice; fi
  recall
  list_processes
  list_stopped
  running_command
  count_titled
  if ((${#ENTRIES[@]} == 0)); then
    answer 3 no_worker "No Sidekiq process on this host.${RUNNING:+ A command is at work: $RUNNING.}"
  fi
  answer 0 reported "$COUNTED with a Sidekiq title.${RUNNING:+ A command is at work: $RUNNING.}"
}

# A worker that is being restarted is away for a moment.
find_anything() {
  local tries=0
  scan_afresh
  while ((${#TITLED[@]} + ${#BOOTING[@]} + ${#EMBEDDED[@]} + ${#UNREADABLE[@]} == 0 && tries < 3)); do
    pause 1
    scan_afresh
    tries=$((tries + 1))
  done
}

# Is there a worker that may be quiet? Only the proof tells, and it takes its time.
proves_something() {
  local pid some=''
  for pid in ${TITLED[@]+"${TITLED[@]}"}; do
    if look "$pid"; then some=1; fi
  done
  [[ -n $some ]]
}

look_twice() {
  local began
  now
  began=$NOW
  while ((NOW - began < PROOF_APART)); do
    pause 2
    now
    scan
    look_at_all
  done
  scan_afresh
  look_at_all
}

look_at_all() {
  local pid
  for pid in ${TITLED[@]+"${TITLED[@]}"}; do look "$pid" || :; done
}

run_action status_host "${1:-}"
