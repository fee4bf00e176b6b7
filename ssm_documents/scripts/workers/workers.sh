# shellcheck shell=bash
# needs: clock processes threads worker_table
# Which Sidekiq processes are there.

readonly TITLE='^sidekiq ([0-9]+\.[^ ]+) (.*)\[([0-9]+) of ([0-9]+) busy\](.*)$'
declare -A OTHERS=() # command line of each process that was found to be none of ours, as read_arguments gives it
SWARM_CHILDREN_MISSING=0
SCANNED_AT=0

scan() {
  local folder pid NOW
  now
  SCANNED_AT=$NOW
  TITLED=() BOOTING=() SWARMS=() EMBEDDED=() UNREADABLE=()
  P_KEY=() P_PARENT=() P_STATE=() P_VERSION=() P_TAG=() P_BUSY=() P_SIZE=() P_STOPPING=() P_TAIL=()
  for folder in /proc/[0-9]*; do
    pid=${folder#/proc/}
    read_arguments "$pid" || :
    case $LINE in
      '') ;; # a kernel thread, a zombie or gone
      'sidekiq '[0-9]*) add_titled "$pid" ;;
      sidekiqswarm*) add_swarm "$pid" ;;
      *) [[ ${OTHERS[$pid]-} == "$LINE" ]] || classify_other "$pid" ;;
    esac
  done
  leave_out_forks
  sort_out_wrappers
  count_swarm_children
} 2>/dev/null

# Looks at every process anew, also at those found to be none of ours.
scan_afresh() {
  OTHERS=()
  scan
}

add_titled() {
  local pid=$1
  read_stat "$pid" || return 0
  [[ $STAT_STATE != [ZX] ]] || return 0
  read_title "$pid" || return 0
  P_KEY[$pid]=$pid:$STAT_START
  P_PARENT[$pid]=$STAT_PARENT
  P_STATE[$pid]=$STAT_STATE
  if [[ $PROCESS_TITLE =~ $TITLE ]]; then
    P_VERSION[$pid]=${BASH_REMATCH[1]}
    P_TAG[$pid]=${BASH_REMATCH[2]% }
    P_BUSY[$pid]=$((10#${BASH_REMATCH[3]}))
    P_SIZE[$pid]=$((10#${BASH_REMATCH[4]}))
    P_TAIL[$pid]=${BASH_REMATCH[5]}
    P_STOPPING[$pid]=0
    if [[ "${P_TAIL[$pid]} " == *' stopping '* ]]; then P_STOPPING[$pid]=1; fi
    TITLED+=("$pid")
  else
    add_unreadable "$pid"
  fi
}

# A title without its busy count, as when the tag leaves no room for it. With Sidekiq's own heartbeat it takes signals.
add_unreadable() {
  local pid=$1 rest=${PROCESS_TITLE#sidekiq }
  P_VERSION[$pid]=${rest%% *}
  P_TAG[$pid]=${rest#* }
  P_BUSY[$pid]=0 P_STOPPING[$pid]=0 P_TAIL[$pid]=' ?'
  UNREADABLE+=("$pid")
}

add_swarm() {
  local pid=$1
  read_stat "$pid" || return 0
  P_KEY[$pid]=$pid:$STAT_START
  P_PARENT[$pid]=$STAT_PARENT
  SWARMS+=("$pid")
}

classify_other() { # PID
  local pid=$1
  if [[ $LINE == *sidekiq* ]] && starts_sidekiq; then
    read_stat "$pid" || return 0
    [[ $STAT_STATE != [ZX] ]] || return 0
    P_KEY[$pid]=$pid:$STAT_START
    P_PARENT[$pid]=$STAT_PARENT
    P_STATE[$pid]=$STAT_STATE
    BOOTING+=("$pid")
  elif embeds_sidekiq "$pid"; then
    EMBEDDED+=("$pid")
  else
    OTHERS[$pid]=$LINE
  fi
}

# Do the ARGUMENTS run the program sidekiq in this very process (ruby .../bin/sidekiq, bundle exec sidekiq)?
# The word elsewhere in it (a log file, a queue, a shell's -c) means nothing.
starts_sidekiq() {
  local word skip=0 program=''
  # Bundler writes its whole command line into one word, with the program's path in front.
  if ((${#ARGUMENTS[@]} == 1)) && [[ $LINE =~ ^([^ ]*/|/.*/)?sidekiq(swarm)?(\ -|$) ]]; then return 0; fi
  for word in "${ARGUMENTS[@]}"; do
    if ((skip)); then
      skip=0
      continue
    fi
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

# Sidekiq inside another server (Puma, a console) keeps that one's title and shows itself by its threads: from 7.1 by the
# heartbeat's name, in 7.0 by a heartbeat beside a thread for jobs; where Ruby could not name them, by component.rb.
embeds_sidekiq() {
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
  local pid kept=()
  for pid in ${TITLED[@]+"${TITLED[@]}"}; do
    if [[ -z ${P_BUSY[${P_PARENT[$pid]}]-} ]] || has_threads_of_sidekiq "$pid"; then kept+=("$pid"); fi
  done
  TITLED=(${kept[@]+"${kept[@]}"})
}

has_threads_of_sidekiq() { # PID
  sort_threads "$1" "${P_VERSION[$1]}" "${P_KEY[$1]}" && ((HEARTBEATS + ANONYMOUS + NAMED > 0))
}

# A launcher that waits for its child (foreman run bundle exec sidekiq) is not a worker that boots.
sort_out_wrappers() {
  ((${#BOOTING[@]})) || return 0
  local pid kept=() parent
  local -A parents=()
  for pid in "${!P_PARENT[@]}"; do
    parent=${P_PARENT[$pid]}
    parents[$parent]=1
  done
  for pid in ${BOOTING[@]+"${BOOTING[@]}"}; do
    [[ -n ${parents[$pid]-} ]] || kept+=("$pid")
  done
  BOOTING=(${kept[@]+"${kept[@]}"})
}

# A swarm's child bears its parent's title until its own heartbeat: it boots. The parent says how many there are.
count_swarm_children() {
  SWARM_CHILDREN_MISSING=0
  ((${#SWARMS[@]})) || return 0
  local pid child top=() wanted
  for pid in ${SWARMS[@]+"${SWARMS[@]}"}; do
    if [[ -n ${P_PARENT[${P_PARENT[$pid]}]-} ]]; then BOOTING+=("$pid"); else top+=("$pid"); fi
  done
  SWARMS=(${top[@]+"${top[@]}"})
  for pid in ${top[@]+"${top[@]}"}; do
    read_title "$pid" || continue
    [[ $PROCESS_TITLE =~ ^sidekiqswarm,\ managing\ ([0-9]{1,4})\ process ]] || continue
    wanted=$((10#${BASH_REMATCH[1]}))
    for child in "${!P_PARENT[@]}"; do
      if [[ ${P_PARENT[$child]} == "$pid" ]]; then wanted=$((wanted - 1)); fi
    done
    if ((wanted > 0)); then SWARM_CHILDREN_MISSING=$((SWARM_CHILDREN_MISSING + wanted)); fi
  done
}
