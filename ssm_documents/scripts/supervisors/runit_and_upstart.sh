# shellcheck shell=bash
# needs: clients supervisor_names
# runit, and upstart on Amazon Linux 1.

# Sets SUPERVISOR to the service of a runsv, which stays in its service's folder.
find_service() { # PID
  local folder
  SUPERVISOR="parent:runsv($1)"
  folder=$(readlink "/proc/$1/cwd") || return 0
  if [[ -d $folder/supervise ]] && command -v sv >/dev/null; then SUPERVISOR=runit:$folder; fi
}

tell_runit() { # stop|start|restart FOLDER
  local word=$1
  case $word in
    stop) word=down ;;
    start) word=up ;;
  esac
  order 60 sv -w 50 "$word" "$2"
}

# Sets SUPERVISOR to the job for which initctl lists one of the processes.
find_upstart_job() { # WRAPPERS
  local line code=0
  read_comm 1 && [[ $COMM == init ]] && command -v initctl >/dev/null || return 1
  ask 10 initctl list || code=$?
  if ((code >= 124)); then
    SUPERVISOR=unknown:upstart
    return
  fi
  while IFS= read -r line; do
    [[ $line =~ ^([^ ]+)\ (\((.*)\)\ )?start/running,\ process\ ([0-9]+)$ ]] || continue
    [[ $1 == *" ${BASH_REMATCH[4]} "* && -z ${BASH_REMATCH[3]} ]] || continue
    SUPERVISOR=upstart:${BASH_REMATCH[1]}
    return
  done <<<"$CLIENT_OUTPUT"
  return 1
}

tell_upstart() { # stop|start|restart JOB
  order 60 initctl "$1" "$2"
}
