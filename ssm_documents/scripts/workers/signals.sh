# shellcheck shell=bash
# needs: proof
# The signals that a worker is sent. Only a process with Sidekiq's title gets any: before its title it has no
# handlers, and TSTP would suspend it.

# Is it at this moment the process that was scanned, with a title of the same version?
is_same_worker() { # PID
  still_runs "${P_KEY[$1]:-gone}" && read_title "$1" && [[ $PROCESS_TITLE == "sidekiq ${P_VERSION[$1]} "* ]]
}

# A suspended process hears nothing. TSTP has to wait until it runs: CONT discards one that is pending.
resume() { # PID
  local tries
  is_same_worker "$1" && kill -s CONT -- "$1" 2>/dev/null || return 1
  log "sent CONT to $1, which was suspended"
  for ((tries = 0; tries < 20; tries++)); do
    read_stat "$1" || return 1
    [[ $STAT_STATE == [Tt] ]] || return 0
    pause 0.1
  done
  return 1
}

# Ends a worker that is proven quiet, after one more look at this moment.
end_quiet_worker() { # PID
  is_same_worker "$1" && check_quiet "$1" && is_proven "$1" || return 1
  log "sent TERM to $1, which is quiet"
  kill -s TERM -- "$1" 2>/dev/null
}
