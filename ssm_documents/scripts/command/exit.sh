# shellcheck shell=bash
# needs: answer clients clock one_command
# Every way out of the script ends in its answer.

way_out() {
  local code=$?
  trap - ERR
  set +e
  if [[ -z $ANSWERED ]]; then
    if ((code == 0)); then code=1; fi
    compose unconfirmed "The script broke off${FAILED_AT:+ at $FAILED_AT} with code $code; nothing is confirmed."
    ANSWERED=$ANSWER_LINE ANSWER_CODE=1
  fi
  leave_no_client
  release_host
  printf '%s\n' "$ANSWERED"
  exit "$ANSWER_CODE"
}

# Runs an action's function, which ends with answer. Takes executionTimeout.
run_action() { # FUNCTION SECONDS
  set_deadline "$2"
  trap way_out EXIT
  trap 'FAILED_AT="line $LINENO ($BASH_COMMAND)"' ERR
  trap 'FAILED_AT="a request to end"; exit 1' TERM INT
  "$1"
}
