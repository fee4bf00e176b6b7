# shellcheck shell=bash
# needs: clock processes worker_table
# The threads of a worker that may run a job, told from its other threads.
#
# By name:  up to 5: util.rb:NN, the heartbeat and the scheduler too; 6: processor; 7.0: CAPSULE/processor; from 7.1:
#           sidekiq.CAPSULE/processor, cut at 15 characters; component.rb:NN where Ruby could not set the name.
# By id and start time: a job may give its thread another name, and a thread stays what it was seen to be.
# A thread made in C has the name of the one that made it. Such a thread is told apart
#   - when it is Ruby's timer thread, which Ruby 3.3 and later make anew after every fork: it waits in epoll_wait with a
#     buffer that lies in Ruby's own data, and nothing else ever uses that buffer;
#   - when it began after the title said "stopping", since Sidekiq makes no thread for jobs from then on;
#   - when exactly as many threads as the title promises began together with the heartbeat, and it began later.

readonly BEGAN_TOGETHER=$((1 * SECOND))    # threads that Sidekiq starts as it boots begin within this time
readonly BEGAN_AFTER_QUIET=$((5 * SECOND)) # so long after "stopping" was seen Sidekiq has begun no thread
readonly KEPT_FOR=$((4 * SECOND))          # Ruby up to 3.2 keeps a native thread for 3 s after its Ruby thread ended

# What a thread was seen to be: named and anonymous ones run jobs (and among the anonymous ones is the heartbeat); unsure
# ones may; other ones do not.
declare -A KNOWN=()          # key -> " ID:START=KIND ID:START=KIND "
declare -A STOPPING_SINCE=() # key -> time of the look that first found "stopping" in its title
OLDEST=''                    # what take_oldest found
declare -A NAMES_KNOWN=()    # key -> 1 once its threads were seen under names that are understood
declare -A NAMES_SLASHED=()  # key -> 1 when all threads that its title promises have a slash in their names
declare -A WATCHED=()        # key -> a thread that may run jobs, of those that the last count found
declare -A KEPT_SINCE=()     # "KEY ID" -> time of the look that first found this thread kept
declare -A RUBY_DATA=()      # key -> "FIRST-LAST ...", addresses of Ruby's own data
T_KIND=()                    # thread id -> kind of each that may run jobs, in the process that was sorted last
T_START=()                   # and its start time
T_NAME=()                    # and its name
RENAMED=()                   # what find_renamed found
SIDEKIQ_THREADS=0            # how many of its threads are Sidekiq's, the heartbeat included
PROCESSORS=-1                # how many of these may take or run a job; -1: not counted
BOOTED_AT=''                 # start time of the oldest of Sidekiq's threads, the heartbeat where it has a name
UNNAMED=0                    # threads among the anonymous ones that run no job: the heartbeat, and before quiet the scheduler

# The main thread never counts, whatever its name: a process that a job forks has it from the job's thread.
sort_threads() { # PID VERSION KEY
  local task id name kind known=${KNOWN[$3]-} tasks heartbeat='' scheduler=''
  T_KIND=() T_START=() T_NAME=() BOOTED_AT=''
  tasks=("/proc/$1/task"/*/comm)
  ((${#tasks[@]})) || return 1
  for task in "${tasks[@]}"; do
    name='' kind='' id=${task%/comm} id=${id##*/}
    [[ $id != "$1" ]] || continue
    IFS= read -r name <"$task" || [[ -n $name ]] || continue
    kind_of_thread "$name" "$2"
    [[ -n $kind || $known == *" $id:"* ]] || continue
    read_stat "$1/task/$id" || continue
    if [[ $known =~ \ $id:$STAT_START=([a-z]+)\  ]]; then kind=${BASH_REMATCH[1]}; fi
    [[ -n $kind && $kind != other ]] || continue
    T_KIND[id]=$kind T_START[id]=$STAT_START T_NAME[id]=$name
  done
  take_oldest heartbeat
  heartbeat=$OLDEST
  take_oldest scheduler
  scheduler=$OLDEST
  # Once quiet, the scheduler's thread ends at once: what has its name then may be a capsule's.
  if [[ -n $scheduler && ${T_NAME[scheduler]} == sidekiq.* ]] && is_stopping "$1"; then T_KIND[scheduler]=named; fi
  settle_uncertain "$1" "$3"
  leave_out_others "$1" "$3"
  count_threads "$1" "$heartbeat" "$scheduler"
} 2>/dev/null

# Sets the caller's kind.
kind_of_thread() { # NAME VERSION
  case $1 in
    sidekiq.heartbe | heartbeat) kind=heartbeat ;;
    sidekiq.schedul) kind=scheduler ;;
    scheduler) if [[ $2 != [0-5].* ]]; then kind=scheduler; fi ;;
    # Any other name of Sidekiq's own is shorter; this one is always cut.
    sidekiq.*) if ((${#1} == 15)); then kind=named; fi ;;
    processor) kind=named ;;
    util.rb:*) if [[ $2 == [0-5].* ]]; then kind=anonymous; fi ;;
    component.rb:*) if [[ $2 != [0-5].* ]]; then kind=anonymous; fi ;;
    *) if [[ $2 == 7.0 || $2 == 7.0.* ]]; then kind_of_thread_in_7_0 "$1"; fi ;;
  esac
}

# 7.0 has no prefix: the capsule's name may leave no room for the word after the slash, nor for the slash. What is cut
# may be anything; Ruby's own names, of a file and its line, end in a star where they are cut.
kind_of_thread_in_7_0() { # NAME
  if [[ $1 == */* ]]; then
    if [[ processor == "${1##*/}"* ]]; then kind=named; fi
  elif ((${#1} == 15)) && [[ ! $1 =~ \.rb:[0-9]+$ && $1 != *'*' ]]; then
    kind=uncertain
  fi
}

# There is one heartbeat and one scheduler, made before the threads for jobs: more of the name are a capsule's.
take_oldest() { # KIND
  local id
  OLDEST=''
  for id in "${!T_KIND[@]}"; do
    [[ ${T_KIND[id]} == "$1" ]] || continue
    T_KIND[id]=named
    if [[ -z $OLDEST ]] || ((T_START[id] < T_START[OLDEST])); then OLDEST=$id; fi
  done
  if [[ -n $OLDEST ]]; then unset "T_KIND[$OLDEST]"; fi
}

# Names that may have lost their slash count, unless all that the title promises have one.
settle_uncertain() { # PID KEY
  local id named=0 uncertain=()
  for id in "${!T_KIND[@]}"; do
    case ${T_KIND[id]} in
      named) named=$((named + 1)) ;;
      uncertain) uncertain+=("$id") ;;
    esac
  done
  ((${#uncertain[@]})) || return 0
  if ((named >= ${P_SIZE[$1]:-0})) && ! is_stopping "$1"; then NAMES_SLASHED[$2]=1; fi
  for id in "${uncertain[@]}"; do
    if [[ -n ${NAMES_SLASHED[$2]-} ]]; then unset "T_KIND[$id]"; else T_KIND[id]=named; fi
  done
}

# Also sets the caller's scheduler to nothing once its thread has ended.
leave_out_others() { # PID KEY
  local id since=${STOPPING_SINCE[$2]-}
  for id in "${!T_KIND[@]}" $scheduler; do
    if { [[ -n $since ]] && ((T_START[id] > since + BEGAN_AFTER_QUIET)); } || is_timer_thread "$1" "$2" "$id"; then
      know_thread "$2" "$id" other
      unset "T_KIND[$id]"
    elif [[ -n ${SIGNALLED[$2]-}$since ]] && ((NOW - ${QUIET_SINCE[$2]:-$NOW} < KEPT_FOR)) && has_ended "$2" "$id"; then
      unset "T_KIND[$id]"
      if [[ $id == "$scheduler" ]]; then scheduler=''; fi
    fi
  done
}

# Is the thread gone, or only kept by Ruby for the next one? Such a thread waits, for a limited time, on a word in its own
# stack, and Ruby's other waits do not. A job's code in C may, which is why a thread is taken for kept no longer than Ruby
# keeps one, and only in the first looks of a proof: in its last look all must be gone.
has_ended() { # KEY ID
  local number word timeout pointer task=/proc/${1%%:*}/task/$2
  [[ -e $task ]] || return 0
  read -r number word _ _ timeout _ _ pointer _ <"$task/syscall" || return 1
  # futex, on x86 and on ARM.
  [[ $number =~ ^(202|98)$ ]] &&
    ((word > pointer && word < pointer + 1024 && timeout > pointer && timeout < pointer + 1024)) || return 1
  KEPT_SINCE[$1 $2]=${KEPT_SINCE[$1 $2]:-$NOW}
  ((NOW - ${KEPT_SINCE[$1 $2]} < KEPT_FOR))
} 2>/dev/null

know_thread() { # KEY ID KIND
  local known=${KNOWN[$1]:- }
  if [[ $known =~ \ $2:[0-9]+=[a-z]+\  ]]; then known=${known/"${BASH_REMATCH[0]}"/ }; fi
  KNOWN[$1]="$known$2:${T_START[$2]}=$3 "
}

# Has it Sidekiq's title and no thread of its, and did not react to the signal to be quiet?
lacks_threads() { # PID
  local key=${P_KEY[$1]}
  [[ -z ${NAMES_KNOWN[$key]-} && -n ${SIGNALLED[$key]-} ]] && ! is_stopping "$1"
}

# Do its Ruby threads share native ones, as they do from Ruby 3.3 on if that is set? Then these have neither their names
# nor their lives, and prove nothing.
shares_threads() { # PID
  local word count=0
  while ((++count < 2000)) && IFS= read -r -d '' -n 4096 word; do
    [[ $word != 'RUBY_MN_THREADS='[1-9]* ]] || return 0
  done <"/proc/$1/environ"
  return 1
} 2>/dev/null

is_timer_thread() { # PID KEY ID
  local number events most rest range
  read -r number _ events most rest <"/proc/$1/task/$3/syscall" || return 1
  # epoll_wait and epoll_pwait, on x86 and on ARM, for at most 16 events.
  [[ $number =~ ^(232|281|22)$ && $most == 0x10 ]] || return 1
  [[ -n ${RUBY_DATA[$2]-} ]] || find_ruby_data "$1" "$2"
  for range in ${RUBY_DATA[$2]}; do
    if ((events >= 16#${range%-*} && events < 16#${range#*-})); then return 0; fi
  done
  return 1
}

# The writable part of Ruby's library, or of the program where it has none, and what directly follows it.
find_ruby_data() { # PID KEY
  local range rights file program last=''
  program=$(readlink "/proc/$1/exe") || program=ruby
  RUBY_DATA[$2]=' '
  while read -r range rights _ _ _ file; do
    if [[ ${file##*/} == libruby* || ${file##*/} == "${program##*/}" || (-z $file && $last == "${range%-*}") ]]; then
      last=${range#*-}
      if [[ $rights == rw* ]]; then RUBY_DATA[$2]+="$range "; fi
    else
      last=''
    fi
  done <"/proc/$1/maps"
}

count_threads() { # PID HEARTBEAT SCHEDULER
  local id anonymous=0
  for id in "${!T_KIND[@]}"; do
    if [[ ${T_KIND[id]} == anonymous ]]; then anonymous=$((anonymous + 1)); fi
    if [[ -z $2 ]] && ((${BOOTED_AT:-T_START[id]} >= T_START[id])); then BOOTED_AT=${T_START[id]}; fi
  done
  if [[ -n $2 ]]; then BOOTED_AT=${T_START[$2]}; fi
  UNNAMED=0
  if ((anonymous)); then
    if [[ -z $2 ]]; then UNNAMED=1; fi
    if [[ -z $3 ]] && ! is_stopping "$1"; then UNNAMED=$((UNNAMED + 1)); fi
  fi
  SIDEKIQ_THREADS=$((${#T_KIND[@]} + (${2:-0} > 0) + (${3:-0} > 0)))
  PROCESSORS=$((${#T_KIND[@]} - (anonymous < UNNAMED ? anonymous : UNNAMED)))
}

# Does the thread that is watched still run?
is_at_work() { # KEY
  [[ -n ${WATCHED[$1]-} ]] && ! has_ended "$1" "${WATCHED[$1]}"
}

# Counts the threads of a process that may take or run a job; fails, with -1, when they cannot be read.
count_processors() { # PID
  local id key=${P_KEY[$1]}
  PROCESSORS=-1
  unset "WATCHED[$key]"
  sort_threads "$1" "${P_VERSION[$1]}" "$key" || return 1
  if ((SIDEKIQ_THREADS)); then NAMES_KNOWN[$key]=1; fi
  if ! still_runs "$key"; then
    PROCESSORS=-1
    return 1
  fi
  # The newest: the oldest may be the heartbeat.
  if ((PROCESSORS)); then for id in "${!T_KIND[@]}"; do WATCHED[$key]=$id; done; fi
}

# Sets RENAMED to the ids of the threads that may be for jobs under names which jobs have given them: those that began
# after Sidekiq's oldest, under a name that neither Ruby nor a known library gives.
find_renamed() { # PID LATEST, a start time or nothing
  local task name main id known=${KNOWN[${P_KEY[$1]}]-}
  RENAMED=()
  read_comm "$1" || return 0
  main=$COMM
  for task in "/proc/$1/task"/*/comm; do
    id=${task%/comm} id=${id##*/}
    [[ $id != "$1" && -z ${T_KIND[id]-} ]] || continue
    IFS= read -r name <"$task" || continue
    case $name in
      "$main" | *.rb:[0-9]* | *'*' | 'Timeout stdlib '* | ruby-timer-thr) continue ;;
      heartbeat | scheduler | sidekiq.*) continue ;;
    esac
    read_stat "$1/task/$id" || continue
    [[ $known != *" $id:$STAT_START=other "* ]] || continue
    if ((STAT_START >= ${BOOTED_AT:-0} && STAT_START <= ${2:-STAT_START})); then
      RENAMED+=("$id") T_START[id]=$STAT_START T_NAME[id]=$name
    fi
  done
} 2>/dev/null
