# shellcheck shell=bash
# needs: clients supervisor_names
# supervisord: its program is found by the process id that supervisorctl reports for it, run as supervisord is run.

SUPERVISORCTL=()                # what supervisorctl_of found: the command line of a supervisorctl
declare -A CONTROL=()           # supervisor's name -> that command line, each word followed by <us>
declare -A PROGRAMS=()          # process id of a supervisord -> what its supervisorctl says of its programs
declare -A PROGRAMS_ASKED_AT=() # process id of a supervisord -> time when it was asked

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

# The supervisorctl that belongs to this supervisord and reads the same configuration.
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
ask_supervisord() { # PID, its command line in SUPERVISORCTL
  local NOW
  now
  ((NOW < DEADLINE && NOW - ${PROGRAMS_ASKED_AT[$1]:--9999} >= 15 * SECOND)) || return 0
  # Its exit code says that some program does not run.
  run_client 10 "${SUPERVISORCTL[@]}" status || :
  PROGRAMS[$1]=$CLIENT_OUTPUT
  now
  PROGRAMS_ASKED_AT[$1]=$NOW
}

# Sets SUPERVISOR to the program of this supervisord that runs one of the processes.
find_program() { # PID WRAPPERS
  local program rest words
  supervisorctl_of "$1"
  ask_supervisord "$1"
  while read -r program rest; do
    [[ $rest =~ pid\ ([0-9]+) && $2 == *" ${BASH_REMATCH[1]} "* ]] || continue
    SUPERVISOR=supervisord:$program
    printf -v words '%s\x1f' "${SUPERVISORCTL[@]}"
    CONTROL[$SUPERVISOR]=$words
    return
  done <<<"${PROGRAMS[$1]-}"
  SUPERVISOR="parent:supervisord($1)"
}

# Does supervisord say that it has no such program any more?
program_is_unknown() { # NAME
  read_control "$1"
  run_client 10 "${SUPERVISORCTL[@]}" status "${1#*:}" || :
  [[ $CLIENT_OUTPUT == *'ERROR (no such '* ]]
}

read_control() { # NAME
  IFS=$'\x1f' read -r -a SUPERVISORCTL <<<"${CONTROL[$1]}"
}

tell_supervisord() { # stop|start|restart PROGRAM
  read_control "supervisord:$2"
  PROGRAMS_ASKED_AT=()
  # Old versions print "ERROR" and exit with 0 all the same: what counts is what is there afterwards.
  order 120 "${SUPERVISORCTL[@]}" "$1" "$2"
}
