# shellcheck shell=bash
# needs: command_lock host_folder
# Runs an action so that the script ends with an answer whatever happens.

ENDED_BY='an error' # what ended the script before it had an answer

# Runs an action's function, which ends with an answer.
run_action() { # FUNCTION SECONDS RUN LAUNCHERS...
  trap on_exit EXIT
  trap 'ENDED_BY="an error at line $LINENO ($BASH_COMMAND)"' ERR
  trap 'ENDED_BY="a signal"; may_succeed_soon; exit 1' TERM INT
  set_deadline "${2:-}"
  prepare_folder
  RUN=${3-}
  LAUNCHERS=("${@:4}")
  "$1"
}

on_exit() {
  local code=$?
  trap - ERR
  set +e
  if [[ -z $ANSWER ]]; then
    set_answer 1 unconfirmed "The script was ended by $ENDED_BY, exit code $code. Nothing is confirmed."
  fi
  end_client
  unlock_host
  # Another command that has the same answer started at another time.
  printf '%s,"took":%d}\n' "${ANSWER%\}}" $((TRUE_AT > STARTED ? (TRUE_AT - STARTED) / SECOND : 0))
  exit "$ANSWER_CODE"
}
