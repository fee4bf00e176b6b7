# shellcheck shell=bash
# needs: drain run_action
# quiet: no worker on this host runs a job or will take one.

quiet_host() {
  local processes
  lock_host quiet
  clean_thread_records
  drain
  read_stopped
  list_processes
  report_obstacles
  if [[ -n $PROBLEMS ]]; then
    answer 1 unconfirmed "Not confirmed quiet.$PROBLEMS"
  elif ((${#TITLED[@]})); then
    counted processes "${#TITLED[@]}" process
    answer 0 quiet "Proven quiet: $processes."
  elif ((${#SEEN_AS[@]})); then
    answer 1 unconfirmed "All Sidekiq processes ended during the command, and none was started again."
  elif ((${#DOWN[@]})); then
    list_stopped
    answer 0 quiet "No Sidekiq process runs. The workers were stopped before and are still down."
  else
    answer 3 no_worker "No Sidekiq process on this host."
  fi
}

run_action quiet_host "$@"
