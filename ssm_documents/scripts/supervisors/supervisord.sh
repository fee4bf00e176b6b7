# shellcheck shell=bash
# needs: clients clock
# supervisord: its program is found by the process id that supervisorctl reports for it, run as supervisord is run.

is_supervisord() { # PID, its name in COMM
  local word
  case $COMM in
    supervisord) return 0 ;;
    python*) ;;
    *) return 1 ;;
  esac
  while IFS= read -r -d '' word; do
    case $word in
      */supervisord | supervisord | supervisor.supervisord) return 0 ;;
    esac
  done <"/proc/$1/cmdline"
  return 1
} 2>/dev/null

# CTL: the command line of a supervisorctl that belongs to this supervisord and reads the same configuration.
supervisorctl_of() { # PID
  local words=() word configuration='' before='' folder
  while IFS= read -r -d '' word; do
    words+=("$word")
    case $before:$word in
      -c:* | --configuration:*) configuration=$word ;;
      *:--configuration=*) configuration=${word#*=} ;;
      *:-c?*) configuration=${word#-c} ;;
    esac
    before=$word
  done <"/proc/$1/cmdline"
  folder=$(readlink "/proc/$1/cwd") || folder=/
  CTL=()
  for word in ${words[@]+"${words[@]}"}; do
    case $word in
      */supervisord) [[ ! -x ${word%d}ctl ]] || CTL=("${word%d}ctl") ;;
      supervisor.supervisord)
        # The name that it was called by: in a virtual environment the program itself lies elsewhere.
        CTL=("${words[0]}" -m supervisor.supervisorctl)
        [[ ${words[0]} == /* ]] || CTL[0]=$(readlink "/proc/$1/exe")
        ;;
    esac
  done
  ((${#CTL[@]})) || CTL=(supervisorctl)
  if [[ -n $configuration && $configuration != /* ]]; then configuration=$folder/$configuration; fi
  if [[ -n $configuration ]]; then CTL+=(-c "$configuration"); fi
}

declare -A CONTROL=()    # supervisor's name -> what is needed to reach it (supervisord: its command and configuration)

# What supervisorctl says of its programs, into PROGRAMS. It is asked once in a while, however many workers there are:
# one that hangs costs its bound each time.
declare -A PROGRAMS_OF=() PROGRAMS_ASKED_AT=() # process id of supervisord -> lines, and the time when it was asked

programs_of() { # PID of supervisord, its supervisorctl in CTL
  local NOW
  now
  if ((NOW < DEADLINE && NOW - ${PROGRAMS_ASKED_AT[$1]:--9999} >= 15 * SECOND)); then
    # Its code tells that some program does not run.
    run_client 10 "${CTL[@]}" status || :
    PROGRAMS_OF[$1]=$TOLD
    now
    PROGRAMS_ASKED_AT[$1]=$NOW
  fi
  PROGRAMS=${PROGRAMS_OF[$1]-}
}

found_supervisord() { # PID, the processes below it in CHAIN
  local program rest words
  supervisorctl_of "$1"
  programs_of "$1"
  while read -r program rest; do
    [[ $rest =~ pid\ ([0-9]+) && $CHAIN == *" ${BASH_REMATCH[1]} "* ]] || continue
    FOUND=supervisord:$program
    printf -v words '%s\x1f' "${CTL[@]}"
    CONTROL[$FOUND]=$words
    return
  done <<<"$PROGRAMS"
  FOUND="parent:supervisord($1)"
}

tell_supervisord() { # ACTION PROGRAM
  local words
  IFS=$'\x1f' read -r -a words <<<"${CONTROL[supervisord:$2]}"
  # It says "ERROR" and, in old versions, still exits 0: what counts is what is there afterwards.
  PROGRAMS_ASKED_AT=()
  order 120 "${words[@]}" "$1" "$2"
}

supervisord_stop() { tell_supervisord stop "$1"; }
supervisord_start() { tell_supervisord start "$1"; }
supervisord_restart() { tell_supervisord restart "$1"; }
