# shellcheck shell=bash
# needs: clients clock processes proof worker_table wrappers
# runit, containers and upstart.

found_runit() { # PID of runsv, which stays in its service's folder
  FOUND="parent:runsv($1)"
  local folder
  folder=$(readlink "/proc/$1/cwd") || return 0
  if [[ -d $folder/supervise ]] && command -v sv >/dev/null; then FOUND=runit:$folder; fi
}

runit_stop() { order 60 sv -w 50 down "$1"; }
runit_start() { order 60 sv -w 50 up "$1"; }
runit_restart() { order 60 sv -w 50 restart "$1"; }

# The container stands in the process's cgroup; another process namespace than ours is one of which only that is known.
find_container() { # PID
  local line id=''
  while IFS= read -r line; do
    if [[ $line =~ (docker|libpod|crio|ecs|kubepods|containerd).*[-/:]([0-9a-f]{12})[0-9a-f]{52} ]]; then
      id=${BASH_REMATCH[2]}
      break
    fi
  done <"/proc/$1/cgroup"
  # What an orchestrator runs it starts again elsewhere or here; and a user may call a group of his own what he likes.
  if [[ -n $id && $line == *docker* && ! $line =~ ecs|kubepods|user\.slice ]] && command -v docker >/dev/null; then
    FOUND=docker:$id
  elif [[ -n $id ]]; then
    FOUND=container:$id
  elif [[ -e /proc/$1/ns/pid && ! /proc/$1/ns/pid -ef /proc/self/ns/pid ]]; then
    id=$(readlink "/proc/$1/ns/pid")
    FOUND=container:${id//[!0-9]/}
  else
    return 1
  fi
} 2>/dev/null

# Would only workers that are proven quiet end with the container, what has started them there, and what takes in their
# logs? A check of its health comes and goes, so it is looked at a few times. WHY_NOT tells what is in the way.
container_is_quiet() { # NAME
  local tries=0
  until container_runs_only_workers "$1"; do
    WHY_NOT="it also runs $ALSO"
    tries=$((tries + 1))
    if ((tries >= 4)); then return 1; fi
    pause 0.5
  done
}

container_runs_only_workers() { # NAME
  local folder pid known=' ' inside=' '
  for folder in /proc/[0-9]*; do
    pid=${folder#/proc/}
    if find_container "$pid" && [[ $FOUND == "$1" ]]; then inside+="$pid "; fi
  done
  for pid in ${TITLED[@]+"${TITLED[@]}"}; do
    is_proven "$pid" || continue
    while [[ $inside == *" $pid "* ]]; do
      known+="$pid "
      read_stat "$pid" || break
      pid=$STAT_PARENT
    done
  done
  for pid in $inside; do
    is_expected "$pid" "$known" || return 1
  done
}

docker_stop() { order 60 docker stop "$1"; }
docker_start() { order 60 docker start "$1"; }
docker_restart() { order 60 docker restart "$1"; }

# Amazon Linux 1. The job is found by the process id that initctl lists for it.
find_upstart_job() {
  local line code=0
  read_comm 1 && [[ $COMM == init ]] && command -v initctl >/dev/null || return 1
  ask 10 initctl list || code=$?
  if ((code >= 124)); then
    FOUND=unknown:upstart
    return
  fi
  while IFS= read -r line; do
    [[ $line =~ ^([^ ]+)\ (\((.*)\)\ )?start/running,\ process\ ([0-9]+)$ ]] || continue
    [[ $CHAIN == *" ${BASH_REMATCH[4]} "* && -z ${BASH_REMATCH[3]} ]] || continue
    FOUND=upstart:${BASH_REMATCH[1]}
    return
  done <<<"$TOLD"
  return 1
}

upstart_stop() { order 60 initctl stop "$1"; }
upstart_start() { order 60 initctl start "$1"; }
upstart_restart() { order 60 initctl restart "$1"; }
