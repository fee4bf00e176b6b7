# shellcheck shell=bash
# needs: clock host_folder processes
# The clients of supervisors: systemctl, supervisorctl, sv, docker, initctl. Each may hang, and may be a wrapper whose
# child would keep a pipe open and live on: they write into files, and what hangs is ended with all that is below it.

TOLD=''   # what the last client printed
CLIENT='' # process id of the one that runs
CLIENT_OUTPUT=''
declare -A SILENT_UNTIL=() # client's name -> time until which it is not asked again, since it hung

# Runs a command for at most the given seconds and not beyond the deadline; 124 when it did not end by itself.
run_client() { # SECONDS COMMAND...
  local most=$1 ended='' code=0 wait=0.01 NOW LEFT began
  shift
  TOLD=''
  now
  ((NOW < DEADLINE)) || return 124
  began=$NOW
  seconds_left
  if ((LEFT < most)); then most=$LEFT; fi
  CLIENT_OUTPUT=$HOST_FOLDER/client.$$
  # In the background of this shell it stays in the script's process group, which the agent kills as one.
  exec "$@" </dev/null >"$CLIENT_OUTPUT.out" 2>"$CLIENT_OUTPUT.err" &
  CLIENT=$!
  while is_our_child "$CLIENT"; do
    now
    if [[ -n $ended ]]; then
      # Not even KILL ends what hangs in the kernel.
      ((NOW - began < (most + 2) * SECOND)) || return 124
    elif ((NOW - began >= most * SECOND)); then
      log "$1 did not answer within $most s"
      ended=1
      end_tree "$CLIENT"
    fi
    pause "$wait"
    wait=0.1
  done
  wait "$CLIENT" 2>/dev/null || code=$?
  CLIENT=''
  TOLD=$(<"$CLIENT_OUTPUT.out")
  [[ -z $ended ]] || code=124
  return "$code"
}

is_our_child() {
  read_stat "$1" && [[ $STAT_STATE != [ZX] && $STAT_PARENT == "$$" ]]
}

# A question to a client. One that hung is left alone for a while.
ask() { # SECONDS CLIENT WORDS...
  local code=0 NOW
  TOLD=''
  now
  ((NOW >= ${SILENT_UNTIL[$2]:-0})) || return 124
  run_client "$@" || code=$?
  if ((code >= 124)); then
    now
    SILENT_UNTIL[$2]=$((NOW + 20 * SECOND))
  fi
  return "$code"
}

# An order. What it prints goes to the log only.
order() { # SECONDS CLIENT WORDS...
  local code=0
  run_client "$@" || code=$?
  cat -- "$CLIENT_OUTPUT".{out,err} >&2 2>/dev/null || :
  return "$code"
}

# On the way out.
leave_no_client() {
  if [[ -n $CLIENT ]] && is_our_child "$CLIENT"; then end_tree "$CLIENT"; fi
  if [[ -n $CLIENT_OUTPUT ]]; then rm -f "$CLIENT_OUTPUT".{out,err}; fi
}

end_tree() { # PID
  find_below "$1"
  kill -s KILL -- "$1" ${BELOW[@]+"${BELOW[@]}"} || :
} 2>/dev/null
