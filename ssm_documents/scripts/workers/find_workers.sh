# shellcheck shell=bash
# needs: clock find_supervisor threads
# Finds the Sidekiq processes of the host.

readonly TITLE='^sidekiq ([0-9]+\.[^ ]+) (.*)\[([0-9]+) of ([0-9]+) busy\](.*)$' # version, tag, busy, size, the rest
SWARMS=()               # PID -> 1 for a sidekiqswarm, the parent of workers
declare -A UNRELATED=() # PID -> command line of a process that has nothing to do with Sidekiq
declare -A IS_RUBY=()   # key -> "yes" for a process with Ruby behind it, else "no NAME" with the name it had then

scan() {
  local pid NOW
  now
  SCANNED_AT=$NOW
  WORKERS=() TITLED=() BOOTING=() SWARMS=() EMBEDDED=() IMPOSTORS=()
  P_KEY=() P_PARENT=() P_STATE=() P_VERSION=() P_TAG=() P_BUSY=() P_SIZE=() P_TAIL=()
  for pid in [0-9]*; do
    read_arguments "$pid" || :
    case $COMMAND_LINE in
      '') ;; # a kernel thread, a zombie or gone
      'sidekiq '[0-9]*) add_titled "$pid" ;;
      sidekiqswarm*) if add_ruby "$pid"; then SWARMS[pid]=1; fi ;;
      *) [[ ${UNRELATED[$pid]-} == "$COMMAND_LINE" ]] || add_other "$pid" ;;
    esac
  done
  leave_out_forks
  leave_out_launchers
  count_swarm_children
  OTHERS_IN=()
} 2>/dev/null

# Looks at every process anew, also at those that had nothing to do with Sidekiq.
scan_all() {
  UNRELATED=()
  scan
}

# Notes a process as read_stat has just found it.
add_process() { # PID
  [[ $STAT_STATE != [ZX] ]] || return 1
  P_KEY[$1]=$1:$STAT_START
  P_PARENT[$1]=$STAT_PARENT
  P_STATE[$1]=$STAT_STATE
}

# The same, unless no Ruby runs in it: anybody can call a process what he likes.
add_ruby() { # PID
  read_stat "$1" || return 1
  if runs_ruby "$1"; then
    add_process "$1"
  else
    if [[ $STAT_STATE != [ZX] ]]; then IMPOSTORS[$1]=1; fi
    return 1
  fi
}

# By the program's name, else by what it has loaded; a Ruby may lie anywhere. What cannot be seen counts as Ruby.
runs_ruby() { # PID, as read_stat has just found it
  local key=$1:$STAT_START program line count=0
  [[ ${IS_RUBY[$key]-} != yes ]] && read_comm "$1" || return 0
  [[ ${IS_RUBY[$key]-} != "no $COMM" ]] || return 1
  IS_RUBY[$key]=yes
  program=$(readlink "/proc/$1/exe") || return 0
  [[ ${program##*/} != *ruby* ]] || return 0
  while IFS= read -r line && ((++count < 1000)); do
    [[ $line != */*ruby* ]] || return 0
  done <"/proc/$1/maps"
  IS_RUBY[$key]="no $COMM"
  return 1
}

add_titled() { # PID
  local pid=$1 rest
  read_title "$pid" && add_ruby "$pid" || return 0
  WORKERS[pid]=1 P_BUSY[$pid]=0
  if [[ $PROCESS_TITLE =~ $TITLE ]]; then
    P_VERSION[$pid]=${BASH_REMATCH[1]}
    P_TAG[$pid]=${BASH_REMATCH[2]% }
    P_BUSY[$pid]=$((10#${BASH_REMATCH[3]}))
    P_SIZE[$pid]=$((10#${BASH_REMATCH[4]}))
    P_TAIL[$pid]=${BASH_REMATCH[5]}
    TITLED[pid]=1
  else
    # Without the busy count, as when the tag leaves no room for it. With Sidekiq's heartbeat it takes signals.
    rest=${PROCESS_TITLE#sidekiq }
    P_VERSION[$pid]=${rest%% *}
    P_TAG[$pid]=${rest#* }
    P_TAIL[$pid]=' ?'
  fi
}

add_other() { # PID
  if starts_sidekiq || is_for_a_worker "$1"; then
    if add_ruby "$1"; then BOOTING[$1]=1; fi
  elif embeds_sidekiq "$1" && read_stat "$1" && runs_ruby "$1"; then
    EMBEDDED[$1]=1
  else
    UNRELATED[$1]=$COMMAND_LINE
  fi
}

# Do the ARGUMENTS run the program sidekiq in this very process (ruby .../bin/sidekiq, bundle exec sidekiq)?
# The word elsewhere in it (a log file, a queue, a shell's -c) means nothing.
starts_sidekiq() {
  local word skip=0 program=''
  [[ $COMMAND_LINE == *sidekiq* ]] || ((${#LAUNCHERS[@]})) || return 1
  # Bundler writes its whole command line into one word, with the program's path in front.
  if ((${#ARGUMENTS[@]} == 1)) && [[ $COMMAND_LINE =~ ^([^ ]*/|/.*/)?sidekiq(swarm)?(\ -|$) ]]; then
    return 0
  fi
  for word in "${ARGUMENTS[@]}"; do
    if ((skip)); then
      skip=0
      continue
    fi
    if is_launcher "$word"; then return 0; fi
    case $program:$word in
      ruby:-[ICErX] | bundle:--gemfile | bundle:--retry | bundle:-r | exec:--gemfile) skip=1 ;;
      ruby:-e*) return 1 ;;
      ruby:-* | bundle:-* | bundle:_*_ | exec:-* | env:-* | env:*=*) ;;
      bundle:exec) program='exec' ;;
      bundle:*) return 1 ;;
      *:*/sidekiq | *:sidekiq | *:*/sidekiqswarm | *:sidekiqswarm) return 0 ;;
      *:*/ruby | *:ruby | *:*/ruby[0-9]* | *:ruby[0-9]*) program=ruby ;;
      :env | :*/env | exec:env) program='env' ;;
      *:*/bundle | *:bundle | *:*/bundler | *:bundler | *:*/bundle[0-9]* | *:bundle[0-9]*) program=bundle ;;
      *) return 1 ;;
    esac
  done
  return 1
}

is_launcher() { # WORD
  local launcher
  for launcher in ${LAUNCHERS[@]+"${LAUNCHERS[@]}"}; do
    [[ $1 != "$launcher" && $1 != */"$launcher" ]] || return 0
  done
  return 1
}

# A Ruby program without a title whose supervisor's entry has run a worker since boot may become one.
is_for_a_worker() { # PID
  [[ $COMMAND_LINE == *ruby* ]] && ((${#WORKED_FOR[@]})) && read_stat "$1" || return 1
  find_supervisor "$1:$STAT_START"
  [[ -n ${WORKED_FOR[$SUPERVISOR]-} ]]
}

# Sidekiq inside another server (Puma, a console) keeps that one's title and shows itself by its threads: from 7.1 on by
# the heartbeat's name, in 7.0 by a heartbeat beside a thread for jobs; where Ruby could not name them, by component.rb.
embeds_sidekiq() { # PID
  local task comm heartbeat=0 capsule=0 anonymous=0
  for task in "/proc/$1/task"/*/comm; do
    IFS= read -r comm <"$task" || continue
    case $comm in
      sidekiq.heartbe*) return 0 ;;
      heartbeat) heartbeat=1 ;;
      */process | */processo | */processor) capsule=1 ;;
      component.rb:*) anonymous=$((anonymous + 1)) ;;
    esac
  done
  ((anonymous > 1 || (heartbeat && (capsule || anonymous))))
} 2>/dev/null

# A job that forks makes a process with the worker's title. It belongs to its parent's job and is no worker,
# unless it has Sidekiq's threads: no fork takes them along.
leave_out_forks() {
  local pid
  for pid in "${!TITLED[@]}"; do
    [[ -n ${P_BUSY[${P_PARENT[$pid]}]-} ]] || continue
    sort_threads "$pid" "${P_VERSION[$pid]}" "${P_KEY[$pid]}" || SIDEKIQ_THREADS=0
    if ((SIDEKIQ_THREADS == 0)); then unset "TITLED[$pid]" "WORKERS[$pid]"; fi
  done
}

# A launcher that waits for its child (foreman run bundle exec sidekiq) is not a worker that boots.
leave_out_launchers() {
  local pid
  for pid in "${!P_PARENT[@]}"; do unset "BOOTING[${P_PARENT[$pid]}]"; done
}

# A swarm's child has its parent's title until its own heartbeat: it boots. The parent says how many there are.
count_swarm_children() {
  local pid parent missing children=()
  SWARM_CHILDREN_MISSING=0
  for pid in "${!P_PARENT[@]}"; do
    parent=${P_PARENT[$pid]}
    children[parent]=$((${children[parent]:-0} + 1))
  done
  for pid in "${!SWARMS[@]}"; do
    if [[ -n ${P_PARENT[${P_PARENT[$pid]}]-} ]]; then
      BOOTING[pid]=1
    elif read_title "$pid" && [[ $PROCESS_TITLE =~ ^sidekiqswarm,\ managing\ ([0-9]{1,4})\ process ]]; then
      missing=$((10#${BASH_REMATCH[1]} - ${children[pid]:-0}))
      if ((missing > 0)); then SWARM_CHILDREN_MISSING=$((SWARM_CHILDREN_MISSING + missing)); fi
    fi
  done
}
