# shellcheck shell=bash
# needs: clients supervisor_names
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

tell_docker() { # stop|start|restart IDS...
  order 60 docker "$@"
}
