# shellcheck shell=bash
# Processes, read from /proc by the shell itself: a wait of hours must cost next to nothing.
# A process is known by "PID:START", since process ids are used again.

# State letter, parent and start time of a process; fails when there is none.
read_stat() {
  local line=''
  IFS= read -r -N 4096 line <"/proc/$1/stat" || [[ -n $line ]] || return 1
  # The name in parentheses may hold anything, parentheses included; after it come a letter and numbers.
  # shellcheck disable=SC2086  # it is to be split
  set -- ${line##*) }
  STAT_STATE=$1 STAT_PARENT=$2 STAT_START=${20}
} 2>/dev/null

# The first argument of a process: the whole title of one that has set it.
read_title() {
  PROCESS_TITLE=''
  IFS= read -r -d '' PROCESS_TITLE <"/proc/$1/cmdline" || [[ -n $PROCESS_TITLE ]] || return 1
  PROCESS_TITLE=${PROCESS_TITLE%"${PROCESS_TITLE##*[! ]}"}
} 2>/dev/null

# Command line of a process, as words into ARGUMENTS and as a whole into LINE. Word by word, since bash 4.2 ends at a
# zero byte whatever it is told; and no more than the first word of a program that cannot be on its way to Sidekiq.
read_arguments() {
  local word=''
  ARGUMENTS=() LINE=''
  {
    IFS= read -r -d '' -n 1024 word || [[ -n $word ]] || return 0
    LINE=$word ARGUMENTS=("$word")
    case ${word##*/} in
      ruby* | bundle* | sidekiq | sidekiqswarm | env) ;;
      *) return 0 ;;
    esac
    while ((${#ARGUMENTS[@]} < 32)) && { IFS= read -r -d '' -n 1024 word || [[ -n $word ]]; }; do
      LINE+=$'\n'$word
      ARGUMENTS+=("$word")
    done
  } <"/proc/$1/cmdline"
} 2>/dev/null

read_comm() {
  COMM=''
  IFS= read -r COMM <"/proc/$1/comm" || [[ -n $COMM ]]
} 2>/dev/null

# Is the process still the one that was seen under this key?
still_there() { # KEY
  read_stat "${1%%:*}" && [[ $STAT_START == "${1#*:}" && $STAT_STATE != [ZX] ]]
}

# All processes below one, at any depth, into BELOW.
find_below() { # PID
  local folder pid above
  local -A parents=()
  BELOW=()
  for folder in /proc/[0-9]*; do
    pid=${folder#/proc/}
    if read_stat "$pid"; then parents[$pid]=$STAT_PARENT; fi
  done
  for pid in "${!parents[@]}"; do
    above=${parents[$pid]}
    while [[ $above != "$1" && -n ${parents[$above]-} ]]; do above=${parents[$above]}; done
    if [[ $above == "$1" ]]; then BELOW+=("$pid"); fi
  done
}
