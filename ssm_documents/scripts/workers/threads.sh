# shellcheck shell=bash
# needs: processes worker_table
# The threads of a worker that belong to Sidekiq, by their names.
#   up to 5: util.rb:NN, the heartbeat too; 6: processor; 7.0: CAPSULE/processor; from 7.1: sidekiq.CAPSULE/processor;
#   names are cut at 15 characters, and where Ruby could not set one it reads component.rb:NN.

declare -A KNOWN_THREADS=() # key -> " KIND:ID KIND:ID ", its threads for jobs before it was quieted
declare -A NAMES_KNOWN=()   # key -> 1 once its threads were seen under names that are understood
declare -A NAMES_SLASHED=() # key -> 1 when all threads that its title promises have a slash in their names
THREAD_KINDS=''             # the process that was counted last: its threads, as in KNOWN_THREADS
SIDEKIQ_THREADS=0           # and how many threads are Sidekiq's, the heartbeat included
PROCESSORS=-1               # and how many of these may take or run a job; -1: not counted

# A job may give its thread another name: a thread stays what it was when it was seen before. The main thread never
# counts, whatever its name: a process that a job forks has it from the job's thread.
sort_threads() { # PID VERSION KEY
  local task comm id kind known=${KNOWN_THREADS[$3]-} tasks heartbeats=0 anonymous=0 named=0 uncertain=()
  THREAD_KINDS=' '
  tasks=("/proc/$1/task"/*/comm)
  ((${#tasks[@]})) || return 1
  for task in "${tasks[@]}"; do
    comm='' kind=''
    id=${task%/comm} id=${id##*/}
    [[ $id != "$1" ]] || continue
    IFS= read -r comm <"$task" || [[ -n $comm ]] || continue
    if [[ $known == *" named:$id "* ]]; then
      kind=named
    elif [[ $known == *" anonymous:$id "* ]]; then
      kind=anonymous
    else
      kind_of_thread "$comm" "$2"
    fi
    case $kind in
      heartbeat) heartbeats=$((heartbeats + 1)) ;;
      anonymous) anonymous=$((anonymous + 1)) THREAD_KINDS+="anonymous:$id " ;;
      named) named=$((named + 1)) THREAD_KINDS+="named:$id " ;;
      uncertain) uncertain+=("$id") ;;
    esac
  done
  if ((${#uncertain[@]})); then count_uncertain "$1" "$3" "${uncertain[@]}"; fi
  SIDEKIQ_THREADS=$((heartbeats + anonymous + named))
  # One heartbeat each; more of that name are a capsule that is called so.
  PROCESSORS=$((named + (heartbeats > 1 ? heartbeats - 1 : 0)))
  if ((anonymous)); then PROCESSORS=$((PROCESSORS + anonymous - (heartbeats ? 0 : 1))); fi
} 2>/dev/null

# Sets the caller's kind.
kind_of_thread() { # COMM VERSION
  case $1 in
    sidekiq.heartbe | heartbeat) kind=heartbeat ;;
    sidekiq.* | processor) kind=named ;;
    util.rb:*) if [[ $2 == [0-5].* ]]; then kind=anonymous; fi ;;
    component.rb:*) if [[ $2 != [0-5].* ]]; then kind=anonymous; fi ;;
    *) if [[ $2 == 7.0 || $2 == 7.0.* ]]; then kind_of_thread_in_7_0 "$1"; fi ;;
  esac
}

# 7.0 has no prefix: the capsule's name may leave no room for the word after the slash, nor for the slash. What is cut
# may be anything; Ruby's own names, of a file and its line, end in a star where they are cut.
kind_of_thread_in_7_0() { # COMM
  if [[ $1 == */* ]]; then
    if [[ processor == "${1##*/}"* ]]; then kind=named; fi
  elif ((${#1} == 15)) && [[ ! $1 =~ \.rb:[0-9]+$ && $1 != *'*' ]]; then
    kind=uncertain
  fi
}

# Adds threads whose names may have lost the slash to the caller's named, unless all that the title promises have one.
count_uncertain() { # PID KEY IDS...
  local id
  [[ -z ${NAMES_SLASHED[$2]-} ]] || return 0
  if ((named >= ${P_SIZE[$1]:-0})) && ! is_stopping "$1"; then
    NAMES_SLASHED[$2]=1
    return
  fi
  for id in "${@:3}"; do named=$((named + 1)) THREAD_KINDS+="named:$id "; done
}

# Counts the threads of a process that may take or run a job; fails, with -1, when they cannot be read.
count_processors() { # PID
  local key=${P_KEY[$1]}
  PROCESSORS=-1
  sort_threads "$1" "${P_VERSION[$1]}" "$key" || return 1
  if ((SIDEKIQ_THREADS)); then NAMES_KNOWN[$key]=1; fi
  if ! still_runs "$key"; then
    PROCESSORS=-1
    return 1
  fi
}
