# shellcheck shell=bash
# needs: processes
# What stands around a worker without starting it again.

# The process and the wrappers around it, into WRAPPERS; the outermost is OUTERMOST.
wrappers_of() { # PID
  local pid=$1 ANCESTOR=none # is_wrapper would write climb's
  WRAPPERS=" $pid " OUTERMOST=$pid
  while read_stat "$pid" && pid=$STAT_PARENT && ((pid > 1)) && read_comm "$pid" && is_wrapper "$pid"; do
    WRAPPERS+="$pid " OUTERMOST=$pid
  done
}

# One of the given processes, or one that is over or only serves them? If not, ALSO names it.
is_expected() { # PID PIDS
  [[ $2 != *" $1 "* ]] && read_stat "$1" && [[ $STAT_STATE != [ZX] ]] && read_comm "$1" || return 0
  ALSO="$COMM ($1)"
  case $COMM in
    tee | logger | systemd-cat | svlogd | multilog | rotatelogs | cronolog) [[ $2 == *" $STAT_PARENT "* ]] ;;
    # What libraries leave behind on their own: it takes in measurements, or keeps keys, and is started again at need.
    appsignal-agent | skylightd | gpg-agent) ;;
    *) return 1 ;;
  esac
}

is_wrapper() { # PID, its name in COMM
  case $COMM in
    env | sudo | su | runuser | setpriv | tini | dumb-init | docker-init | timeout | nice | ionice | chpst | setuidgid) ;;
    *) is_shell "$1" || is_swarm_around "$1" || return 1 ;;
  esac
}

is_shell() {
  local program
  program=$(readlink "/proc/$1/exe") || return 1
  program=${program##*/}
  # A shell that has been upgraded meanwhile reads "bash (deleted)".
  case ${program% (deleted)} in
    sh | bash | dash | ash | busybox | ksh* | zsh*) ;;
    *) return 1 ;;
  esac
  # A shell that only waits for its command is a wrapper; one that could run it in a loop may start it again.
  runs_one_command "$1" || [[ $ANCESTOR != none ]] || ANCESTOR="parent:$COMM($1)"
}

runs_one_command() {
  local word before=''
  {
    IFS= read -r -d '' _ || return 1
    while IFS= read -r -d '' word; do
      if [[ $before =~ ^-[a-zA-Z]*c[a-zA-Z]*$ ]]; then
        [[ ! $word =~ (while|until|for)[[:space:]] ]]
        return
      fi
      # After its options comes a script, and what follows are the script's words.
      [[ $word == -* || $before == -o ]] || return 1
      before=$word
    done
  } <"/proc/$1/cmdline"
  return 1
} 2>/dev/null

# The parent of a swarm is a wrapper for its unit; without one it is what starts its children again.
is_swarm_around() {
  is_swarm "$1" || return 1
  [[ $ANCESTOR != none ]] || ANCESTOR="parent:sidekiqswarm($1)"
}

is_swarm() {
  read_title "$1" && [[ $PROCESS_TITLE == sidekiqswarm* ]]
}
