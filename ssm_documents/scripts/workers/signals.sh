# shellcheck shell=bash
# needs: clock processes proof worker_table
# The signals that a worker is sent. Only a process with Sidekiq's title is sent any: before its title it has no
# handlers, and TSTP would suspend it.

readonly SIGNAL_AGAIN=$((15 * SECOND))

# TSTP; up to 4.2.8 it was USR1, which kills a Sidekiq from 6.0 on at once, jobs and all.
quiet_signal() { # VERSION
  SIGNAL=TSTP
  [[ $1 =~ ^([0-9]+)\.([0-9]+)(\.([0-9]+))? ]] || return 0
  local major=$((10#${BASH_REMATCH[1]})) minor=$((10#${BASH_REMATCH[2]})) patch=$((10#${BASH_REMATCH[4]:-0}))
  if ((major < 4 || (major == 4 && (minor < 2 || (minor == 2 && patch < 9))))); then SIGNAL=USR1; fi
}

# Is it at this moment the process that was seen, with the title of the version that was seen?
same_worker() { # PID
  still_there "${P_KEY[$1]:-gone}" && read_title "$1" && [[ $PROCESS_TITLE == "sidekiq ${P_VERSION[$1]} "* ]]
}

ask_for_quiet() { # PID
  local key=${P_KEY[$1]}
  quiet_signal "${P_VERSION[$1]}"
  if same_worker "$1" && kill -s "$SIGNAL" -- "$1" 2>/dev/null; then
    SIGNALLED[$key]=$NOW
    log "sent $SIGNAL to $1 (${PROCESS_TITLE//[^ -~]/?})"
  fi
}

# A suspended process hears nothing. TSTP has to wait until it runs: CONT discards one that is pending.
resume() { # PID
  local tries=0
  same_worker "$1" && kill -s CONT -- "$1" 2>/dev/null || return 1
  log "sent CONT to $1, which was suspended"
  while ((tries < 20)); do
    read_stat "$1" || return 1
    [[ $STAT_STATE == [Tt] ]] || return 0
    pause 0.1
    tries=$((tries + 1))
  done
  return 1
}

# Ends a worker that has been proven quiet, looked at once more in this moment.
end_quiet_worker() { # PID
  if same_worker "$1" && look "$1" && is_proven "$1"; then
    log "sent TERM to $1, which is quiet"
    kill -s TERM -- "$1" 2>/dev/null
  else
    return 1
  fi
}
