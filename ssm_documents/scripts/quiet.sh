# shellcheck shell=bash
# needs: answer drain earlier exit memory obstacles one_command report worker_table
# quiet: no worker on this host runs a job or will take one.

quiet_host() {
  claim_host quiet
  take_over_threads
  drain
  recall
  list_processes
  describe_obstacles
  count_titled
  if [[ -n $OBSTACLES ]]; then
    answer 1 unconfirmed "Not confirmed quiet.$OBSTACLES"
  elif ((${#TITLED[@]})); then
    answer 0 quiet "$COUNTED proven quiet."
  elif ((${#SEEN_AS[@]})); then
    answer 1 unconfirmed "The Sidekiq processes ended during the command, and none was started again."
  elif ((${#REMEMBERED[@]})); then
    list_stopped
    answer 0 quiet "Nothing runs: the workers were stopped before and are still down."
  else
    answer 3 no_worker "No Sidekiq process on this host."
  fi
}

run_action quiet_host "${1:-}"
