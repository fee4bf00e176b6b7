# shellcheck shell=bash
# needs: clock threads
# The proof of quiet. The title alone proves nothing: it is as old as a heartbeat, and a job counts as busy only some
# time after it was fetched. The threads that could run one must be gone, and this must be seen twice.

readonly PROOF_APART=$((12 * SECOND)) # least time between the first look of a proof and its last
declare -A ALL_SEEN=()                # key -> 1 once it was seen with as many threads for jobs as its title says
declare -A MISSING_SINCE=()           # key -> time since when only fewer were seen: their names prove nothing
LAST_QUIET_AT=0                       # time when a look last found a worker newly quiet

has_known_processor() { # KEY
  local id
  for id in "${!T_KIND[@]}"; do
    if is_known "$1" "$id"; then return 0; fi
  done
  return 1
}

# Was it seen before quiet, as a thread that runs jobs?
is_known() { # KEY ID
  [[ ${KNOWN[$1]-} =~ \ $2:${T_START[$2]}=(named|anonymous)\  ]]
}

# Holds when the title says quiet, and nothing more; the process runs; and no thread could run a job. The busy number is
# up to a heartbeat old and need not be 0 yet; but while it is not, and a thread for jobs runs, nothing more is looked at.
has_no_processor() { # PID
  local pid=$1
  ends_in_stopping "$pid" && [[ ${P_STATE[$pid]} != [TtZX] ]] || return 1
  ((P_BUSY[$pid] == 0)) || ! is_at_work "${P_KEY[$pid]}" || return 1
  count_processors "$pid" || return 1
  ((PROCESSORS == 0)) && [[ -n ${NAMES_KNOWN[${P_KEY[$pid]}]-} ]] && ! may_hide_thread "$pid"
}

# Could a thread for jobs be hidden under another name? Of a worker that somebody else has quieted it is not known which
# threads it had before.
may_hide_thread() { # PID, counted
  local key=${P_KEY[$1]}
  [[ -z ${ALL_SEEN[$key]-} ]] || return 1
  [[ -z ${MISSING_SINCE[$key]-} ]] && ! shares_threads "$1" || return 0
  find_renamed "$1" ''
  ((${#RENAMED[@]}))
}

# One look for the proof; a look that fails starts the proof again.
check_quiet() { # PID
  local key=${P_KEY[$1]}
  if has_no_processor "$1"; then
    note_quiet "$key"
    ((P_BUSY[$1] == 0))
  else
    unset "QUIET_SINCE[$key]"
    return 1
  fi
}

note_quiet() { # KEY
  local NOW
  [[ -z ${QUIET_SINCE[$1]-} ]] || return 0
  now
  QUIET_SINCE[$1]=$NOW
  LAST_QUIET_AT=$NOW
}

# The time counts from after the first look to before the last one, whose title was written since.
is_proven() { # PID
  local since=${QUIET_SINCE[${P_KEY[$1]:-gone}]-}
  [[ -n $since && ${P_BUSY[$1]} == 0 ]] && ends_in_stopping "$1" && ((SCANNED_AT - since >= PROOF_APART))
}
