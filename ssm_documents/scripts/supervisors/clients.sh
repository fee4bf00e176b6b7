# shellcheck shell=bash
# needs: clock host_folder processes
# The clients of supervisors: systemctl, supervisorctl, sv, docker, initctl. Each may hang, and may be a wrapper whose
# child would keep a pipe open and live on. So they write into files, and what hangs is killed with all below it.

CLIENT=''                       # process id of the client that runs
CLIENT_FILES=''                 # where it writes: this name with .out and .err
CLIENT_OUTPUT=''                # what the last client printed
declare -A SKIP_CLIENT_UNTIL=() # client -> time until which it is not asked again, because it hung

# Runs a command for at most the given seconds and not beyond the deadline; 124 when it did not end by itself.
run_client() { # SECONDS COMMAND...
  local limit=$1 left killed='' code=0 wait=0.01 NOW began
  shift
  CLIENT_OUTPUT=''
  now
  ((NOW < DEADLINE)) || return 124
  began=$NOW
  seconds_left left
  if ((left < limit)); then limit=$left; fi
  CLIENT_FILES=$HOST_FOLDER/client.$$
  # In the background of this shell it stays in the script's process group, which the agent kills as one.
  exec "$@" </dev/null >"$CLIENT_FILES.out" 2>"$CLIENT_FILES.err" &
  CLIENT=$!
  while client_runs; do
    now
    if [[ -n $killed ]]; then
      # Not even KILL ends what hangs in the kernel.
      ((NOW - began < (limit + 2) * SECOND)) || return 124
    elif ((NOW - began >= limit * SECOND)); then
      log "$1 did not answer within $limit s"
      killed=1
      kill_tree "$CLIENT"
    fi
    pause "$wait"
    wait=0.1
  done
  wait "$CLIENT" 2>/dev/null || code=$?
  CLIENT=''
  CLIENT_OUTPUT=$(<"$CLIENT_FILES.out")
  [[ -z $killed ]] || code=124
  return "$code"
}

client_runs() {
  read_stat "$CLIENT" && [[ $STAT_STATE != [ZX] && $STAT_PARENT == "$$" ]]
}

# A question to a client. One that hung is not asked for a while.
ask() { # SECONDS CLIENT WORDS...
  local code=0 NOW
  CLIENT_OUTPUT=''
  now
  ((NOW >= ${SKIP_CLIENT_UNTIL[$2]:-0})) || return 124
  run_client "$@" || code=$?
  if ((code >= 124)); then
    now
    SKIP_CLIENT_UNTIL[$2]=$((NOW + 20 * SECOND))
  fi
  return "$code"
}

# An order to a client. What it prints goes to the log only.
order() { # SECONDS CLIENT WORDS...
  local code=0
  run_client "$@" || code=$?
  cat -- "$CLIENT_FILES".{out,err} >&2 2>/dev/null || :
  return "$code"
}

# When the script ends.
end_client() {
  if [[ -n $CLIENT ]] && client_runs; then kill_tree "$CLIENT"; fi
  if [[ -n $CLIENT_FILES ]]; then rm -f "$CLIENT_FILES".{out,err}; fi
}
