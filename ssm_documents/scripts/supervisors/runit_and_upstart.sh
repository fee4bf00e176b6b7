# shellcheck shell=bash
# needs: clients supervisor_names
# runit, and upstart on Amazon Linux 1.

declare -A JOB_OF=()  # process id -> the job of upstart that runs it
JOBS_ASKED_AT=-999999 # time when upstart was asked

# Sets SUPERVISOR to the service of a runsv, which stays in its service's folder.
find_service() { # PID
  local folder
  SUPERVISOR="parent:runsv($1)"
  folder=$(readlink "/proc/$1/cwd") || return 0
  if [[ -d $folder/supervise ]] && command -v sv >/dev/null; then SUPERVISOR=runit:$folder; fi
}

tell_runit() { # stop|start|restart FOLDERS...
  local word=$1
  case $word in
    stop) word=down ;;
    start) word=up ;;
  esac
  order 60 sv -w 50 "$word" "${@:2}"
}

# Sets SUPERVISOR to the job for which initctl lists one of the processes.
find_upstart_job() { # WRAPPERS, the process itself first
  local pid NOW
  read_comm 1 && [[ $COMM == init ]] && command -v initctl >/dev/null || return 1
  now
  pid=${1# }
  read_stat "${pid%% *}" || return 1
  # An answer does not have what began after it.
  if ((STAT_START >= JOBS_ASKED_AT || NOW - JOBS_ASKED_AT >= 15 * SECOND)) && ! ask_upstart; then
    SUPERVISOR=unknown:upstart
    return
  fi
  for pid in $1; do
    SUPERVISOR=upstart:${JOB_OF[$pid]-}
    [[ -z ${JOB_OF[$pid]-} ]] || return 0
  done
  return 1
}

ask_upstart() {
  local line code=0
  ask 10 initctl list || code=$?
  ((code < 124)) || return 1
  JOB_OF=() JOBS_ASKED_AT=$NOW
  while IFS= read -r line; do
    [[ ! $line =~ ^([^ ]+)\ (\(.*\)\ )?start/running,\ process\ ([0-9]+)$ || -n ${BASH_REMATCH[2]} ]] ||
      JOB_OF[${BASH_REMATCH[3]}]=${BASH_REMATCH[1]}
  done <<<"$CLIENT_OUTPUT"
}

tell_upstart() { # stop|start|restart JOBS...
  local job
  for job in "${@:2}"; do order 60 initctl "$1" "$job" || return 1; done
}
