# shellcheck shell=bash
# needs: clock threads worker_table workers
# The proof of quiet. The title alone proves nothing: it is as old as a heartbeat, and a job counts as busy only some
# time after it was fetched. The threads that could run one must be gone, and this must be seen twice.

readonly PROOF_APART=$((12 * SECOND))
declare -A QUIET_SINCE=() # key -> time since when every look found the process quiet
declare -A ENOUGH=()      # key -> it was seen with as many processors as its title says
declare -A SHORT=()       # key -> time since when fewer than that were seen: their names prove nothing
LAST_REST=0 # when a worker was last found to have come to rest

# Before a worker is quieted: which threads must be gone afterwards, and whether these are as many as its title says.
remember_threads() { # PID
  local key=${P_KEY[$1]} kind
  count_processors "$1" || return 0
  for kind in $KINDS; do
    if [[ ${THREADS[$key]-} != *" $kind "* ]]; then THREADS[$key]="${THREADS[$key]:- }$kind "; fi
  done
  if ((PROCESSORS >= ${P_SIZE[$1]:-0})); then
    unset "SHORT[$key]"
    ENOUGH[$key]=1
  elif [[ -z ${ENOUGH[$key]-} ]]; then
    SHORT[$key]=${SHORT[$key]:-$NOW}
  fi
}

# One look. Holds when the title says that it is quiet and idle, nothing more; the process runs; no thread could work.
looks_quiet() { # PID
  local pid=$1
  [[ ${P_BUSY[$pid]} == 0 && ${P_TAIL[$pid]} == ' stopping' ]] || return 1
  [[ ${P_STATE[$pid]} != [TtZX] ]] || return 1
  count_processors "$pid" || return 1
  ((PROCESSORS == 0)) && [[ -n ${NAMES_KNOWN[${P_KEY[$pid]}]-} && -z ${SHORT[${P_KEY[$pid]}]-} ]]
}

# Writes down what a look at this moment says; a look that fails starts the proof again.
look() { # PID
  local key=${P_KEY[$1]} NOW
  if looks_quiet "$1"; then
    if [[ -z ${QUIET_SINCE[$key]-} ]]; then
      now
      QUIET_SINCE[$key]=$NOW
      LAST_REST=$NOW
    fi
  else
    unset "QUIET_SINCE[$key]"
    return 1
  fi
}

# From after its first look to before the last one.
is_proven() { # PID
  local since=${QUIET_SINCE[${P_KEY[$1]:-gone}]-}
  [[ -n $since ]] && ((SCANNED_AT - since >= PROOF_APART))
}
