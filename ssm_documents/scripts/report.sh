# shellcheck shell=bash
# needs: answer memory processes proof supervisors threads worker_table
# What the host looks like, as entries of the answer and in words.

PROBLEMS='' # sentences that say why the action is not confirmed

state_of() { # PID
  if [[ ${P_STATE[$1]} == [Tt] ]]; then
    STATE=suspended
  elif [[ ${P_TAIL[$1]} == ' ?' ]]; then
    STATE=unreadable
  elif ((P_STOPPING[$1])); then
    if is_proven "$1"; then STATE=quiet; else STATE=quieting; fi
  elif [[ -n ${SIGNALLED[${P_KEY[$1]}]-} ]]; then
    STATE=quieting
  else
    STATE=awake
  fi
}

list_processes() {
  local pid key
  ENTRIES=()
  look_up_for 5
  for pid in ${TITLED[@]+"${TITLED[@]}"} ${UNREADABLE[@]+"${UNREADABLE[@]}"}; do
    state_of "$pid"
    list_one "$pid" "$STATE"
  done
  for pid in ${BOOTING[@]+"${BOOTING[@]}"}; do
    if [[ ${P_STATE[$pid]-} == T ]]; then list_one "$pid" suspended; else list_one "$pid" booting; fi
  done
  for pid in ${EMBEDDED[@]+"${EMBEDDED[@]}"}; do
    read_title "$pid" || continue
    add_entry "$pid" '' "$PROCESS_TITLE" 0 embedded ''
  done
  for key in "${!LOST[@]}"; do
    add_entry "${key%%:*}" "${SEEN_AS[$key]%%$'\x1f'*}" "${SEEN_AS[$key]#*$'\x1f'}" "${LOST[$key]}" lost "${SUPERVISOR[$key]-}"
  done
  look_up_freely
}

list_one() { # PID STATE
  supervisor_of "${P_KEY[$1]}"
  add_entry "$1" "${P_VERSION[$1]-}" "${P_TAG[$1]-}" "${P_BUSY[$1]-0}" "$2" "$FOUND"
}

list_stopped() {
  local name
  for name in "${!REMEMBERED[@]}"; do
    add_entry 0 '' '' 0 stopped "$name"
  done
}

# "12 (app)" for a worker, with its tag cut short.
name_worker() { # PID
  local tag=${P_TAG[$1]-}
  NAME=$1
  if [[ -n $tag ]]; then NAME+=" (${tag:0:30})"; fi
}

why_unproven() { # PID
  name_worker "$1"
  WHY='is not yet proven quiet'
  if [[ ${P_STATE[$1]} == [Tt] ]]; then
    WHY='is suspended'
  elif ((!P_STOPPING[$1])); then
    WHY='has not taken up the request to be quiet'
  elif [[ ${P_TAIL[$1]} != ' stopping' ]]; then
    WHY='its title ends in words that are not known'
  elif count_processors "$1" && ((PROCESSORS > 0)); then
    WHY="says 0 busy, but $PROCESSORS of its threads may still run a job"
  elif [[ -n ${SHORT[${P_KEY[$1]}]-} ]]; then
    WHY="not all of its ${P_SIZE[$1]} threads for jobs could be told by their names before it was quieted"
  fi
}

count_titled() {
  COUNTED="${#TITLED[@]} process"
  if ((${#TITLED[@]} != 1)); then COUNTED+=es; fi
}
