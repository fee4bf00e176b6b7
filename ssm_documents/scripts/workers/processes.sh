# shellcheck shell=bash
# Processes, read from /proc by the shell itself: a wait of hours must cost next to nothing. A process is known by its
# key, "PID:START", since process ids are used again.

STAT_STATE='' STAT_PARENT='' STAT_START='' # state letter, parent and start time, as read_stat found them
PROCESS_TITLE=''                           # what read_title found
ARGUMENTS=()                               # the words that read_arguments or read_words found
COMMAND_LINE=''                            # what read_arguments found: the words with line breaks between
COMM=''                                    # what read_comm found: the process's name

# Fails when there is no such process.
read_stat() { # PID
  local line=''
  IFS= read -r -N 4096 line <"/proc/$1/stat" || [[ -n $line ]] || return 1
  # The name in parentheses may hold anything, parentheses included; after it come a letter and numbers.
  # shellcheck disable=SC2086  # it is to be split
  set -- ${line##*) }
  STAT_STATE=$1 STAT_PARENT=$2 STAT_START=${20}
} 2>/dev/null

# The first argument of a process without the spaces behind it: the title of one that has set it, as far as it can matter,
# since anybody can give a process a title of any length.
read_title() { # PID
  PROCESS_TITLE=''
  IFS=' ' read -r -d '' -n 2048 PROCESS_TITLE <"/proc/$1/cmdline" || [[ -n $PROCESS_TITLE ]]
} 2>/dev/null

# Reads word by word, since bash 4.2 ends at a zero byte whatever it is told; and only the first word of a program that
# cannot become Sidekiq.
read_arguments() { # PID
  local word=''
  ARGUMENTS=() COMMAND_LINE=''
  {
    IFS= read -r -d '' -n 1024 word || [[ -n $word ]] || return 0
    COMMAND_LINE=$word ARGUMENTS=("$word")
    case ${word##*/} in
      ruby* | bundle* | sidekiq | sidekiqswarm | env) ;;
      *) return 0 ;;
    esac
    while ((${#ARGUMENTS[@]} < 32)) && { IFS= read -r -d '' -n 1024 word || [[ -n $word ]]; }; do
      COMMAND_LINE+=$'\n'$word
      ARGUMENTS+=("$word")
    done
  } <"/proc/$1/cmdline"
} 2>/dev/null

# All words of a command line, however long.
read_words() { # PID
  local word
  ARGUMENTS=()
  while IFS= read -r -d '' word; do ARGUMENTS+=("$word"); done <"/proc/$1/cmdline"
} 2>/dev/null

read_comm() { # PID
  COMM=''
  IFS= read -r COMM <"/proc/$1/comm" || [[ -n $COMM ]]
} 2>/dev/null

# Does it run as this user, and was it started by this user? A set-user-id program can be started under any name.
is_own_process() { # PID
  local word real effective
  while read -r word real effective _; do
    if [[ $word == Uid: ]]; then
      [[ $real == "$EUID" && $effective == "$EUID" ]]
      return
    fi
  done <"/proc/$1/status"
  return 1
} 2>/dev/null

# Does systemd run this host?
systemd_is_init() {
  read_comm 1 && [[ $COMM == systemd ]]
}

# Does the process that had this key still run?
still_runs() { # KEY
  read_stat "${1%%:*}" && [[ $STAT_START == "${1#*:}" && $STAT_STATE != [ZX] ]]
}

# Kills a process and all below it, at any depth.
kill_tree() { # PID
  local pid children=()
  for pid in [0-9]*; do
    if read_stat "$pid" && [[ $STAT_PARENT == "$1" ]]; then children+=("$pid"); fi
  done
  kill -s KILL -- "$1" || :
  for pid in ${children[@]+"${children[@]}"}; do kill_tree "$pid"; done
} 2>/dev/null
