# shellcheck shell=bash
# needs: find_supervisor proof
# What a supervisor would end together with its workers and must not. A host may have hundreds of workers, so one look at
# all processes tells it for every unit, container and process above a worker.

declare -A IN_THE_WAY=()     # a unit, a cgroup's path, a supervisor or "below PID" -> why it must not be ended, in words
declare -A ALLOWED_INSIDE=() # process id -> 1 for such a worker in a container, and for what is above it there

find_bystanders() {
  local pid
  IN_THE_WAY=() ALLOWED=() ALLOWED_INSIDE=()
  for pid in "${!TITLED[@]}"; do
    if check_quiet "$pid" && is_proven "$pid"; then allow_worker "$pid"; fi
  done
  for pid in "${!WORKERS[@]}" "${!BOOTING[@]}" "${!EMBEDDED[@]}"; do
    [[ -z ${ALLOWED[$pid]-} ]] || continue
    ALLOWED_INSIDE[$pid]=''
    note_in_the_way "$pid" "$pid" "its process $pid is not proven quiet"
    # One without a title is in the way of its supervisor's entry, whatever has become of the entry's worker.
    if read_stat "$pid"; then
      find_supervisor "$pid:$STAT_START"
      keep_from_end "$SUPERVISOR" "its process $pid is not proven quiet"
    fi
  done
  for pid in [0-9]*; do
    if is_bystander "$pid"; then note_in_the_way "$pid" "$STAT_PARENT" "it also runs $COMM ($pid)"; fi
  done
}

allow_worker() { # PID
  local pid=$1 container
  find_wrappers "$pid"
  # shellcheck disable=SC2086  # process ids
  allow $WRAPPERS
  find_container "$pid" || return 0
  container=$SUPERVISOR
  while [[ -z ${ALLOWED_INSIDE[$pid]-} ]] && find_container "$pid" && [[ $SUPERVISOR == "$container" ]]; do
    ALLOWED_INSIDE[$pid]=1
    read_stat "$pid" || break
    pid=$STAT_PARENT
  done
}

# Whoever ends one of these would end the process, too. A supervisor may have started this script.
note_in_the_way() { # PID ABOVE WHY
  local above=$2 path
  while [[ $1 != "$$" && -z ${IN_THE_WAY[below $above]-} ]]; do
    IN_THE_WAY["below $above"]=$3
    read_stat "$above" || break
    above=$STAT_PARENT
  done
  if read_unit_paths "$1"; then
    for path in "${UNIT_PATHS[@]}"; do
      keep_from_end "$path" "$3"
      if [[ $path != */user@*.service/* ]]; then keep_from_end "${path##*/}" "$3"; fi
    done
  fi
  if [[ -z ${ALLOWED_INSIDE[$1]-} ]] && find_container "$1"; then keep_from_end "$SUPERVISOR" "$3"; fi
}

# The first reason stays: workers come first.
keep_from_end() { # NAME WHY
  IN_THE_WAY[$1]=${IN_THE_WAY[$1]:-$2}
}
