# shellcheck shell=bash
# needs: clock threads
# The proof of quiet. The title alone proves nothing: it is as old as a heartbeat, and a job counts as busy only some
# time after it was fetched. The threads that could run one must be gone, and this must be seen twice.

readonly PROOF_APART=$((12 * SECOND)) # least time between the first look of a proof and its last
declare -A QUIET_SINCE=()             # key -> time since when every look found the process quiet
declare -A ALL_THREADS_SEEN=()        # key -> 1 once it was seen with as many threads for jobs as its title says
declare -A THREADS_MISSING_SINCE=()   # key -> time since when only fewer were seen: their names prove nothing
LAST_QUIET_AT=0                       # time when a look last found a worker newly quiet

# Before a worker is quieted: which threads must be gone afterwards, and whether these are as many as its title says.
note_threads() { # PID
  local key=${P_KEY[$1]} thread
  count_processors "$1" || return 0
  for thread in $THREAD_KINDS; do
    [[ ${KNOWN_THREADS[$key]-} == *" $thread "* ]] || KNOWN_THREADS[$key]="${KNOWN_THREADS[$key]:- }$thread "
  done
  if ((PROCESSORS >= ${P_SIZE[$1]:-0})); then
    unset "THREADS_MISSING_SINCE[$key]"
    ALL_THREADS_SEEN[$key]=1
  elif [[ -z ${ALL_THREADS_SEEN[$key]-} ]]; then
    THREADS_MISSING_SINCE[$key]=${THREADS_MISSING_SINCE[$key]:-$NOW}
  fi
}

# Holds when the title says quiet and idle, and nothing more; the process runs; and no thread could run a job.
appears_quiet() { # PID
  local pid=$1
  [[ ${P_BUSY[$pid]} == 0 && ${P_TAIL[$pid]} == ' stopping' ]] || return 1
  [[ ${P_STATE[$pid]} != [TtZX] ]] || return 1
  count_processors "$pid" || return 1
  ((PROCESSORS == 0)) &&
    [[ -n ${NAMES_KNOWN[${P_KEY[$pid]}]-} && -z ${THREADS_MISSING_SINCE[${P_KEY[$pid]}]-} ]]
}

# One look for the proof; a look that fails starts the proof again.
check_quiet() { # PID
  local key=${P_KEY[$1]} NOW
  if appears_quiet "$1"; then
    if [[ -z ${QUIET_SINCE[$key]-} ]]; then
      now
      QUIET_SINCE[$key]=$NOW
      LAST_QUIET_AT=$NOW
    fi
  else
    unset "QUIET_SINCE[$key]"
    return 1
  fi
}

# The time counts from after the first look to before the last one.
is_proven() { # PID
  local since=${QUIET_SINCE[${P_KEY[$1]:-gone}]-}
  [[ -n $since ]] && ((SCANNED_AT - since >= PROOF_APART))
}
