# shellcheck shell=bash
# needs: find_supervisor proof stopped_record
# What the host looks like, as entries of the answer and in words.

PROBLEMS='' # sentences that say why an action is not confirmed, each after a space
WORKER=''   # the worker that describe_worker described last, as "12 (app)"
WHY=''      # and what it is or does

list_processes() {
  local pid key version tag LOOK_UP_UNTIL
  ENTRIES=()
  now
  LOOK_UP_UNTIL=$((NOW + 5 * SECOND))
  for pid in "${!WORKERS[@]}" "${!BOOTING[@]}"; do list_process "$pid"; done
  for pid in "${!EMBEDDED[@]}"; do
    read_title "$pid" || continue
    add_entry "$pid" '' "$PROCESS_TITLE" 0 embedded ''
  done
  note_impostors
  for key in "${!LOST_JOBS[@]}"; do
    IFS=$'\x1f' read -r version tag <<<"${SEEN_AS[$key]}"
    add_entry "${key%%:*}" "$version" "$tag" "${LOST_JOBS[$key]}" lost "${SUPERVISORS[$key]-}"
  done
}

note_impostors() {
  local pid names='' shown=0
  FOOTNOTE=''
  for pid in "${!IMPOSTORS[@]}"; do
    read_title "$pid" || continue
    ((shown++ < 3)) || break
    names+="${names:+, }$pid ${PROCESS_TITLE:0:40}"
  done
  if [[ -n $names ]]; then FOOTNOTE=" Not counted, because no Ruby runs in them: $names."; fi
}

list_process() { # PID
  local state=awake since='' key=${P_KEY[$1]}
  if [[ ${P_STATE[$1]} == [Tt] ]]; then
    state=suspended
  elif [[ -n ${BOOTING[$1]-} ]]; then
    state=booting
  elif [[ ${P_TAIL[$1]} == ' ?' ]]; then
    state=unreadable
  elif is_stopping "$1" && is_proven "$1"; then
    state=quiet
  elif is_stopping "$1" || [[ -n ${SIGNALLED[$key]-} ]]; then
    state=quieting
  fi
  find_supervisor "$key"
  if is_stopping "$1"; then since=${STOPPING_SINCE[$key]-}; fi
  add_entry "$1" "${P_VERSION[$1]-}" "${P_TAG[$1]-}" "${P_BUSY[$1]-0}" "$state" "$SUPERVISOR" "$since"
}

list_stopped() {
  local name
  for name in "${!DOWN[@]}"; do add_entry 0 '' '' 0 stopped "$name" "${DOWN_SINCE[$name]}"; done
}

# Why a worker is not quiet.
describe_worker() { # PID
  local tag=${P_TAG[$1]-}
  WORKER=$1${tag:+ (${tag:0:30})}
  WHY='not yet proven quiet'
  if [[ ${P_TAIL[$1]} == ' ?' ]]; then
    WHY='its title cannot be read'
  elif lacks_threads "$1"; then
    WHY="it has a worker's title and no thread of Sidekiq"
  elif ((P_BUSY[$1] > 0)); then
    counted WHY "${P_BUSY[$1]}" job
  elif [[ ${P_STATE[$1]} == [Tt] ]]; then
    WHY='suspended'
  elif ! is_stopping "$1"; then
    WHY='did not react to the signal to be quiet'
  elif ! ends_in_stopping "$1"; then
    WHY='its title ends in unknown words'
  elif shares_threads "$1"; then
    WHY='RUBY_MN_THREADS is set, which hides its threads; unset it'
  elif count_processors "$1"; then
    describe_threads "$1"
  fi
}

describe_threads() { # PID, counted
  local key=${P_KEY[$1]}
  if ((PROCESSORS)); then
    counted WHY "$PROCESSORS" thread
    WHY="its title says 0 busy, but $WHY may still run a job"
    name_threads "${!T_KIND[@]}"
    if ! has_known_processor "$key"; then WHY+=', or only be called so'; fi
  elif may_hide_thread "$1"; then
    if [[ -n ${MISSING_SINCE[$key]-} ]]; then
      WHY="not all of its ${P_SIZE[$1]} threads for jobs were identified before it was quieted"
    else
      WHY='it was quieted by others, and a job may have renamed its thread'
      name_threads "${RENAMED[@]}"
    fi
  fi
}

name_threads() { # IDS
  local id names=''
  for id in "$@"; do
    names+="${names:+, }$id ${T_NAME[id]}"
  done
  WHY+=" (${names:0:80})"
}

report_missing_children() {
  local children
  ((SWARM_CHILDREN_MISSING)) || return 0
  counted children "$SWARM_CHILDREN_MISSING" process
  PROBLEMS+=" sidekiqswarm has $children too few and may start them at any time."
}
