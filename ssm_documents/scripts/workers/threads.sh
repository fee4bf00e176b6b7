# shellcheck shell=bash
# needs: processes worker_table
# The threads of a worker, by their names.
declare -A THREADS=()     # key -> " KIND:ID KIND:ID " of the threads of Sidekiq that it had before it was quieted
declare -A SLASHED=()     # key -> all that its title promises have a slash in their names: no other name is one's
PROCESSORS=-1 # of the process that was counted last; -1: not counted
declare -A NAMES_KNOWN=() # key -> its threads have been seen under names that are understood

# Sorts the threads of a process by their names into HEARTBEATS, ANONYMOUS and NAMED, and KINDS as in THREADS.
#   up to 5: util.rb:NN, for the heartbeat too; 6: processor; 7.0: CAPSULE/processor; from 7.1: sidekiq.CAPSULE/processor;
#   names are cut at 15 characters, and where Ruby could not set one it reads component.rb:NN.
# A job may give its thread another name: it stays what it was when it was seen before. The main thread is none of them,
# whatever the name: a process that a job forks has it from the job's thread.
sort_threads() { # PID VERSION KEY
  local pid=$1 task comm id kind tasks remembered=${THREADS[$3]-} slashless=()
  HEARTBEATS=0 ANONYMOUS=0 NAMED=0 KINDS=' '
  tasks=("/proc/$pid/task"/*/comm)
  ((${#tasks[@]})) || return 1
  for task in "${tasks[@]}"; do
    comm='' kind=''
    id=${task%/comm} id=${id##*/}
    [[ $id != "$pid" ]] || continue
    IFS= read -r comm <"$task" || [[ -n $comm ]] || continue
    case $comm in
      sidekiq.heartbe | heartbeat) kind=heartbeat ;;
      sidekiq.* | processor) kind=named ;;
      util.rb:*) if [[ $2 == [0-5].* ]]; then kind=anonymous; fi ;;
      component.rb:*) if [[ $2 != [0-5].* ]]; then kind=anonymous; fi ;;
      *) if [[ $2 == 7.0 || $2 == 7.0.* ]]; then sort_of_7_0 "$comm"; fi ;;
    esac
    if [[ $remembered == *" named:$id "* ]]; then
      kind=named
    elif [[ $remembered == *" anonymous:$id "* ]]; then
      kind=anonymous
    fi
    case $kind in
      heartbeat) HEARTBEATS=$((HEARTBEATS + 1)) ;;
      anonymous) ANONYMOUS=$((ANONYMOUS + 1)) KINDS+="anonymous:$id " ;;
      named) NAMED=$((NAMED + 1)) KINDS+="named:$id " ;;
      slashless) slashless+=("$id") ;;
    esac
  done
  if ((${#slashless[@]})) && [[ -z ${SLASHED[$3]-} ]]; then
    if ((NAMED < ${P_SIZE[$pid]:-0} || ${P_STOPPING[$pid]:-0})); then
      NAMED=$((NAMED + ${#slashless[@]}))
      for id in "${slashless[@]}"; do KINDS+="named:$id "; done
    else
      SLASHED[$3]=1
    fi
  fi
} 2>/dev/null

# 7.0 has no prefix: the capsule's name may leave no room for the word after the slash, nor for the slash. What is cut
# may be anything; Ruby's own names, of a file and its line, end in a star where they are cut.
sort_of_7_0() { # COMM; sets the caller's kind
  if [[ $1 == */* ]]; then
    if [[ processor == "${1##*/}"* ]]; then kind=named; fi
  elif ((${#1} == 15)) && [[ ! $1 =~ \.rb:[0-9]+$ && $1 != *'*' ]]; then
    kind=slashless
  fi
}

# Counts into PROCESSORS the threads of a process that may take or run a job; fails, with -1, when they cannot be read.
count_processors() { # PID
  local key=${P_KEY[$1]}
  PROCESSORS=-1
  sort_threads "$1" "${P_VERSION[$1]}" "$key" || return 1
  if ((HEARTBEATS + ANONYMOUS + NAMED)); then NAMES_KNOWN[$key]=1; fi
  PROCESSORS=$NAMED
  # One heartbeat each; more of that name are a capsule that is called so.
  if ((HEARTBEATS > 1)); then PROCESSORS=$((PROCESSORS + HEARTBEATS - 1)); fi
  if ((ANONYMOUS > 0)); then PROCESSORS=$((PROCESSORS + ANONYMOUS - (HEARTBEATS ? 0 : 1))); fi
  if ! still_there "$key"; then
    PROCESSORS=-1
    return 1
  fi
}
