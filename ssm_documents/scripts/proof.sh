# shellcheck shell=bash
# The proof of quiet. The title alone proves nothing: it is as old as a heartbeat, and a job counts as busy only some
# time after it was fetched. The threads that could run one must be gone, and this must be seen twice.

readonly PROOF_APART=$((12 * SECOND))
declare -A QUIET_SINCE=() # key -> time since when every look found the process quiet
declare -A STYLED=()      # key -> its threads have been seen under names that are understood
PROCESSORS=0
LAST_REST=0 # when a worker was first seen to rest

# Counts into PROCESSORS the threads of a process that may take or run a job; fails when they cannot be read.
#   up to 5: util.rb:NN, for the heartbeat too; 6: processor; 7.0: CAPSULE/processor; from 7.1: sidekiq.CAPSULE/processor;
#   names are cut at 15 characters, and where Ruby could not set one it reads component.rb:NN.
count_processors() { # PID
  local pid=$1 task comm tasks heartbeats=0 anonymous=0 named=0
  local version=${P_VERSION[$pid]} key=${P_KEY[$pid]}
  tasks=("/proc/$pid/task"/*/comm)
  ((${#tasks[@]})) || return 1
  for task in "${tasks[@]}"; do
    comm=''
    IFS= read -r comm <"$task" || [[ -n $comm ]] || continue
    case $comm in
      sidekiq.heartbe | heartbeat) heartbeats=$((heartbeats + 1)) ;;
      sidekiq.* | processor) named=$((named + 1)) ;;
      util.rb:*) if [[ $version == [0-5].* ]]; then anonymous=$((anonymous + 1)); fi ;;
      component.rb:*) if [[ $version != [0-5].* ]]; then anonymous=$((anonymous + 1)); fi ;;
      *) if is_capsule_thread "$comm" "$version"; then named=$((named + 1)); fi ;;
    esac
  done
  if ((heartbeats + anonymous + named)); then STYLED[$key]=1; fi
  # One heartbeat each; more of that name are a capsule that is called so.
  if ((heartbeats > 1)); then named=$((named + heartbeats - 1)); fi
  if ((anonymous > 1)); then named=$((named + anonymous - 1)); fi
  PROCESSORS=$named
  still_there "$key"
} 2>/dev/null

# 7.0 has no prefix: the capsule's name may leave no room for the word after the slash, nor for the slash.
is_capsule_thread() { # COMM VERSION
  [[ $2 == 7.0 || $2 == 7.0.* ]] || return 1
  if [[ $1 == */* ]]; then
    [[ processor == "${1##*/}"* ]]
  else
    [[ $1 =~ ^[a-z0-9_-]{15}$ ]]
  fi
}

# One look. Holds when the title says that it is quiet and idle, nothing more; the process runs; no thread could work.
looks_quiet() { # PID
  local pid=$1
  [[ ${P_BUSY[$pid]} == 0 && ${P_TAIL[$pid]} == ' stopping' ]] || return 1
  [[ ${P_STATE[$pid]} != [TtZX] ]] || return 1
  count_processors "$pid" || return 1
  ((PROCESSORS == 0)) && [[ -n ${STYLED[${P_KEY[$pid]}]-} ]]
}

# Writes down what a look at this moment says; a look that fails starts the proof again.
look() { # PID
  local key=${P_KEY[$1]}
  if looks_quiet "$1"; then
    if [[ -z ${QUIET_SINCE[$key]-} ]]; then
      QUIET_SINCE[$key]=$NOW
      LAST_REST=$NOW
    fi
  else
    unset "QUIET_SINCE[$key]"
    return 1
  fi
}

is_proven() { # PID
  local since=${QUIET_SINCE[${P_KEY[$1]:-gone}]-}
  [[ -n $since ]] && ((NOW - since >= PROOF_APART))
}
