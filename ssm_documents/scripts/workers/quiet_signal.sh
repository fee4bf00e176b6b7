# shellcheck shell=bash
# needs: signals
# The signal that makes a worker quiet.

# USR1 quiets up to 4.2.8; from 6.0 on it kills at once, jobs and all.
quiets_on_usr1() { # VERSION
  [[ $1 =~ ^([0-9]+)\.([0-9]+)(\.([0-9]+))? ]] || return 1
  local major=$((10#${BASH_REMATCH[1]})) minor=$((10#${BASH_REMATCH[2]})) patch=$((10#${BASH_REMATCH[4]:-0}))
  ((major < 4 || (major == 4 && (minor < 2 || (minor == 2 && patch < 9)))))
}

send_quiet_signal() { # PID
  local signal=TSTP
  if quiets_on_usr1 "${P_VERSION[$1]}"; then signal=USR1; fi
  if is_same_worker "$1" && kill -s "$signal" -- "$1" 2>/dev/null; then
    SIGNALLED[${P_KEY[$1]}]=$NOW
    log "sent $signal to $1 (${PROCESS_TITLE//[^ -~]/?})"
  fi
}
