# shellcheck shell=bash
# needs: clients supervisor_names
# supervisord: its program is found by the process id that supervisorctl reports for it, run as supervisord is run.

SUPERVISORCTL=()                # the command line of a supervisorctl
declare -A CONTROL=()           # supervisor's name -> its supervisorctl: the words of the command line, each with <us>
declare -A CONTROL_OF=()        # key of a supervisord -> its supervisorctl
declare -A PROGRAMS_ASKED_AT=() # supervisorctl -> time when it was asked
declare -A PROGRAM_OF=()        # "SUPERVISORCTL TIME PID" -> the program that it runs as that process
declare -A PROGRAMS_IN=()       # "SUPERVISORCTL TIME GROUP" -> how many programs the group has; with a ":PROGRAM" 1
TOLD_BY=''                      # the supervisorctl of those that are told now

is_supervisord() { # PID, its name in COMM
  local word
  [[ $COMM != supervisord ]] || return 0
  [[ $COMM == python* ]] && read_words "$1" || return 1
  for word in ${ARGUMENTS[@]+"${ARGUMENTS[@]}"}; do
    case $word in
      */supervisord | supervisord | supervisor.supervisord) return 0 ;;
    esac
  done
  return 1
}

# Sets SUPERVISORCTL to the one that belongs to this supervisord and reads the same configuration.
supervisorctl_of() { # PID
  local word configuration='' before=''
  SUPERVISORCTL=(supervisorctl)
  read_words "$1" || :
  for word in ${ARGUMENTS[@]+"${ARGUMENTS[@]}"}; do
    case $before:$word in
      -c:* | --configuration:*) configuration=$word ;;
      *:--configuration=*) configuration=${word#*=} ;;
      *:-c?*) configuration=${word#-c} ;;
      *:*/supervisord) [[ ! -x ${word%d}ctl ]] || SUPERVISORCTL=("${word%d}ctl") ;;
      *:supervisor.supervisord)
        # The name that it was called by: in a virtual environment the program itself lies elsewhere.
        SUPERVISORCTL=("${ARGUMENTS[0]}" -m supervisor.supervisorctl)
        [[ ${ARGUMENTS[0]} == /* ]] || SUPERVISORCTL[0]=$(readlink "/proc/$1/exe")
        ;;
    esac
    before=$word
  done
  [[ -n $configuration ]] || return 0
  if [[ $configuration != /* ]]; then configuration=$(readlink "/proc/$1/cwd")/$configuration; fi
  SUPERVISORCTL+=(-c "$configuration")
}

# Asks once in a while, however many workers there are: a supervisorctl that hangs costs its limit each time.
ask_supervisord() { # CONTROL
  local NOW program rest asked=${PROGRAMS_ASKED_AT[$1]:--9999}
  now
  ((NOW < DEADLINE && NOW - asked >= 15 * SECOND)) || return 0
  read_control "$1"
  # Its exit code says that some program does not run.
  run_client 10 "${SUPERVISORCTL[@]}" status || :
  now
  PROGRAMS_ASKED_AT[$1]=$NOW
  asked="$1 $NOW "
  while read -r program rest; do
    [[ $rest =~ ^[A-Z]+(\ |$) ]] || continue
    PROGRAMS_IN[$asked:$program]=1
    PROGRAMS_IN[$asked${program%%:*}]=$((${PROGRAMS_IN[$asked${program%%:*}]:-0} + 1))
    if [[ $rest =~ pid\ ([0-9]+) ]]; then PROGRAM_OF[$asked${BASH_REMATCH[1]}]=$program; fi
  done <<<"$CLIENT_OUTPUT"
}

# Sets SUPERVISOR to the program of this supervisord that runs one of the processes.
find_program() { # PID WRAPPERS
  local pid key program control
  read_stat "$1" || :
  key=$1:$STAT_START control=${CONTROL_OF[$1:$STAT_START]-}
  if [[ -z $control ]]; then
    supervisorctl_of "$1"
    printf -v control '%s\x1f' "${SUPERVISORCTL[@]}"
    CONTROL_OF[$key]=$control
  fi
  ask_supervisord "$control"
  for pid in $2; do
    program=${PROGRAM_OF[$control ${PROGRAMS_ASKED_AT[$control]-} $pid]-}
    [[ -n $program ]] || continue
    SUPERVISOR=supervisord:$program
    CONTROL[$SUPERVISOR]=$control
    return
  done
  SUPERVISOR="parent:supervisord($1)"
}

read_control() { # CONTROL
  IFS=$'\x1f' read -r -a SUPERVISORCTL <<<"$1"
}

# All programs of a group are told at once: each by itself takes a second to start.
tell_supervisord() { # stop|start|restart PROGRAMS..., of the supervisord of TOLD_BY
  local program group all entries=()
  local -A told=()
  PROGRAMS_ASKED_AT=()
  ask_supervisord "$TOLD_BY"
  for program in "${@:2}"; do
    group=${program%%:*}
    told[$group]=$((${told[$group]:-0} + 1))
  done
  for program in "${@:2}"; do
    group=${program%%:*}
    all=${PROGRAMS_IN[$TOLD_BY ${PROGRAMS_ASKED_AT[$TOLD_BY]-} $group]:-0}
    if [[ ${told[$group]} == "$all" && $group != "$program" ]]; then
      entries+=("$group:*")
      told[$group]=''
    elif [[ -n ${told[$group]} ]]; then
      entries+=("$program")
    fi
  done
  PROGRAMS_ASKED_AT=()
  read_control "$TOLD_BY"
  # Old versions print "ERROR" and exit with 0 all the same: what counts is what is there afterwards.
  order $((120 + 2 * $#)) "${SUPERVISORCTL[@]}" "$1" "${entries[@]}"
}
