# shellcheck shell=bash
# needs: proof wrappers
# Containers: the container stands in the process's cgroup. Another process namespace shows only that there is one.

# Sets SUPERVISOR to the container that a process runs in.
find_container() { # PID
  local line id=''
  while IFS= read -r line; do
    if [[ $line =~ (docker|libpod|crio|ecs|kubepods|containerd).*[-/:]([0-9a-f]{12})[0-9a-f]{52} ]]; then
      id=${BASH_REMATCH[2]}
      break
    fi
  done <"/proc/$1/cgroup"
  # An orchestrator starts again what it runs, here or elsewhere; and a user may give any name to a group of his own.
  if [[ -n $id && $line == *docker* && ! $line =~ ecs|kubepods|user\.slice ]] &&
    command -v docker >/dev/null; then
    SUPERVISOR=docker:$id
  elif [[ -n $id ]]; then
    SUPERVISOR=container:$id
  elif [[ -e /proc/$1/ns/pid && ! /proc/$1/ns/pid -ef /proc/self/ns/pid ]]; then
    id=$(readlink "/proc/$1/ns/pid")
    SUPERVISOR=container:${id//[!0-9]/}
  else
    return 1
  fi
} 2>/dev/null

in_container() { # PID NAME
  find_container "$1" && [[ $SUPERVISOR == "$2" ]]
}

# Does the container run nothing but workers that are proven quiet, what started them there, and what writes their logs?
# A health check comes and goes, so it is looked at a few times.
container_is_quiet() { # NAME
  local tries
  for ((tries = 1; tries < 4; tries++)); do
    if container_runs_only_workers "$1"; then return 0; fi
    pause 0.5
  done
  container_runs_only_workers "$1"
}

container_runs_only_workers() { # NAME
  local pid allowed=' ' inside=' '
  for pid in [0-9]*; do
    if in_container "$pid" "$1"; then inside+="$pid "; fi
  done
  for pid in "${!TITLED[@]}"; do
    is_proven "$pid" || continue
    while [[ $inside == *" $pid "* ]]; do
      allowed+="$pid "
      read_stat "$pid" || break
      pid=$STAT_PARENT
    done
  done
  for pid in $inside; do
    is_allowed "$pid" "$allowed" || return 1
  done
}

tell_docker() { # stop|start|restart ID
  order 60 docker "$1" "$2"
}
