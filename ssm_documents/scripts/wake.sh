# shellcheck shell=bash
# needs: answer clock earlier exit failed_starts groups memory one_command proof report restarting_units signals start_stopped supervisors systemd threads worker_table workers wrappers
# wake: starts what stop has stopped, replaces what is quiet by a new process, leaves alone what is awake. Refuses while
# a quieted worker still runs jobs. Confirmed when the new processes are there, with a title and not quieted.

readonly COMES_BACK_WITHIN=$((300 * SECOND)) NEW_FOR=$((3 * SECOND))
declare -A OLD=()         # keys that were there before anything was started
declare -A AWAKE_SINCE=() # key -> time since when its title has been that of a worker at work
declare -A LEFT_ALONE=()  # keys of quiet workers that stay as they are; PROBLEMS names them
TITLED_AT_FIRST=0         # number of titled processes when wake began
declare -A MISSING=()     # supervisor's name -> 1 while its new processes are not confirmed

wake_host() {
  claim_host wake
  take_over_threads
  recall
  find_sleepers
  wait_for_proof
  local pid
  for pid in ${TITLED[@]+"${TITLED[@]}"} ${UNREADABLE[@]+"${UNREADABLE[@]}"}; do OLD[${P_KEY[$pid]}]=1; done
  start_remembered
  restart_quiet
  wait_for_new
  list_processes
  list_stopped
  conclude
}

conclude() {
  local pid
  for pid in ${UNREADABLE[@]+"${UNREADABLE[@]}"}; do
    PROBLEMS+=" Of process $pid it cannot be told whether it is awake: its title cannot be read."
  done
  count_titled
  if [[ -n $PROBLEMS ]]; then
    answer 1 unconfirmed "Not confirmed awake.$PROBLEMS"
  elif ((${#TITLED[@]})); then
    answer 0 awake "$COUNTED awake."
  elif ((${#EMBEDDED[@]})); then
    answer 1 unconfirmed "Only a Sidekiq embedded in another server is on this host, which is not supported and was left alone."
  else
    answer 3 no_worker "No Sidekiq process on this host, and none that was stopped."
  fi
}

# What is on the host, with time for one that is just being started.
find_sleepers() {
  local began
  now
  began=$NOW
  scan_afresh
  while ((${#TITLED[@]} + ${#UNREADABLE[@]} + ${#BOOTING[@]} + ${#REMEMBERED[@]} == 0 && NOW - began < PROOF_APART)); do
    pause 2
    scan_afresh
    now
  done
  TITLED_AT_FIRST=${#TITLED[@]}
}

# Nothing is touched before every quieted worker is proven to be idle.
wait_for_proof() {
  local pid unproven began=$NOW
  while :; do
    unproven=()
    for pid in ${TITLED[@]+"${TITLED[@]}"}; do
      if [[ ${P_STATE[$pid]} == T ]]; then resume "$pid" || :; fi
      ((P_STOPPING[$pid])) || continue
      if ((P_BUSY[$pid] > 0)); then refuse; fi
      look "$pid" || :
      is_proven "$pid" || unproven+=("$pid")
    done
    ((${#unproven[@]})) || return 0
    if out_of_time; then refuse; fi
    if ((NOW - began > 60 * SECOND)); then
      leave_alone "${unproven[@]}"
      return
    fi
    pause 2
    now
    scan_afresh
  done
}

# What can never be proven must not keep all others asleep; what may still run a job must.
leave_alone() { # PIDS
  local pid
  for pid in "$@"; do
    if ! count_processors "$pid" || ((PROCESSORS > 0 || P_BUSY[$pid] > 0)) || [[ ${P_STATE[$pid]} == [Tt] ]]; then refuse; fi
  done
  for pid in "$@"; do
    LEFT_ALONE[${P_KEY[$pid]}]=1
    why_unproven "$pid"
    PROBLEMS+=" Process $NAME stays as it is: $WHY. Restart it by hand."
  done
}

refuse() {
  list_processes
  local pid text=''
  for pid in ${TITLED[@]+"${TITLED[@]}"}; do
    if ((!P_STOPPING[$pid])) || is_proven "$pid"; then continue; fi
    why_unproven "$pid"
    if ((P_BUSY[$pid] > 0)); then WHY="${P_BUSY[$pid]} busy"; fi
    text+="${text:+; }$NAME: $WHY"
  done
  answer 2 busy "Nothing was woken, because quieted workers may still run jobs: $text."
}

restart_quiet() {
  local name pids pid quiet awake
  for name in "${!GROUP[@]}"; do
    read -r -a pids <<<"${GROUP[$name]}"
    quiet=() awake=0
    for pid in "${pids[@]}"; do
      if is_proven "$pid"; then quiet+=("$pid"); else awake=$((awake + 1)); fi
    done
    ((${#quiet[@]})) || continue
    if [[ $name == none ]]; then
      for pid in "${quiet[@]}"; do LEFT_ALONE[${P_KEY[$pid]}]=1; done
      PROBLEMS+=" Nothing supervises ${quiet[*]}, so it stays quiet: end it and start a new one by hand."
    elif can_be_told "$name" && ((awake == 0)) && group_is_quiet "$name"; then
      EXPECTED[$name]=${#quiet[@]}
      remember "$name" "${#quiet[@]}" # what is ended and does not come back is for the next wake
      if ! tell restart "$name"; then
        log "$name: the restart was not confirmed"
        continue
      fi
      # A supervisor that knows only a wrapper leaves the worker behind.
      for pid in "${quiet[@]}"; do end_quiet_worker "$pid" || :; done
    elif can_be_ended_alone "$name" "$awake" "${quiet[@]}"; then
      EXPECTED[$name]=${#quiet[@]}
      remember "$name" "${#quiet[@]}"
      for pid in "${quiet[@]}"; do
        end_quiet_worker "$pid" || log "$pid is no longer what it was"
      done
    else
      for pid in "${quiet[@]}"; do LEFT_ALONE[${P_KEY[$pid]:-gone}]=1; done
      PROBLEMS+=" $name was not restarted, so ${quiet[*]} stay quiet: $WHY_NOT. Restart it by hand."
    fi
  done
}

# The end of one worker is often the end of all that stand beside it: systemd ends the whole unit, foreman all its
# children, a container itself. Only a swarm's parent is known to start the one again and leave alone the others.
can_be_ended_alone() { # NAME AWAKE PIDS
  local pid other=0
  for pid in "${@:3}"; do is_swarm "${P_PARENT[$pid]:-0}" || other=1; done
  if ((other == 0)); then return 0; fi
  if [[ $1 == 'parent:systemd('* ]]; then
    user_units_are_quiet "${@:3}"
    return
  fi
  if (($2)); then
    WHY_NOT="beside them $2 are not quiet"
    return 1
  fi
  case $1 in
    parent:* | container:*) group_is_quiet "$1" ;;
    unknown:*)
      WHY_NOT='it could not be found out who looks after it'
      return 1
      ;;
    *) return 1 ;; # why not has been found already
  esac
}

# A user's manager starts and ends each of its units by itself, with all that is in it.
user_units_are_quiet() { # PIDS
  local pid
  scan_afresh
  for pid in "$@"; do
    WHY_NOT='it is in no unit'
    unit_path "$pid" && [[ $UNIT_PATH == */user@* ]] || return 1
    UNIT_PATH=${UNIT_PATH%.service*}.service
    if ! unit_runs_only_workers "user@${UNIT_PATH#*/user@}" ' ' proven; then
      WHY_NOT="it also runs $ALSO"
      return 1
    fi
  done
}

wait_for_new() {
  local began name
  now
  began=$NOW
  while :; do
    scan_afresh
    now
    note_the_awake
    notice_failed_starts
    all_awake && break
    if out_of_time || ((NOW - began > COMES_BACK_WITHIN)) || nothing_will_come; then
      report_missing
      break
    fi
    pause "1.$((RANDOM % 10))" # out of step with what systemd does every second
  done
  for name in "${!EXPECTED[@]}"; do
    [[ -n ${MISSING[$name]-} || -z ${REMEMBERED[$name]-} ]] || forget "$name"
  done
  # What came back just now is no replacement of what did not.
  for name in "${!REMEMBERED[@]}"; do remember "$name" "${REMEMBERED[$name]}"; done
}

note_the_awake() {
  local pid key
  for pid in ${TITLED[@]+"${TITLED[@]}"}; do
    key=${P_KEY[$pid]}
    if [[ ${P_STATE[$pid]} != [Tt] ]] && ((!P_STOPPING[$pid])); then
      AWAKE_SINCE[$key]=${AWAKE_SINCE[$key]:-$NOW}
    else
      unset "AWAKE_SINCE[$key]"
    fi
  done
}

# A title is as old as a heartbeat: one that was there before may have been quieted a moment ago.
is_awake() { # PID
  local key=${P_KEY[$1]} since=${AWAKE_SINCE[${P_KEY[$1]}]-} needed=$NEW_FOR
  if [[ -n ${OLD[$key]-} ]]; then needed=$PROOF_APART; fi
  [[ -n $since ]] && ((NOW - since >= needed))
}

all_awake() {
  local pid name count held=0
  local -A new=()
  MISSING=()
  ((${#BOOTING[@]} + SWARM_CHILDREN_MISSING == 0 && ${#TITLED[@]} >= TITLED_AT_FIRST)) || held=1
  for pid in ${TITLED[@]+"${TITLED[@]}"}; do
    if is_awake "$pid"; then
      if [[ -z ${OLD[${P_KEY[$pid]}]-} ]]; then
        expected_name "$pid"
        new[$FOUND]=$((${new[$FOUND]:-0} + 1))
      fi
    elif [[ -z ${LEFT_ALONE[${P_KEY[$pid]}]-} ]]; then
      held=1
    fi
  done
  for name in "${!EXPECTED[@]}"; do
    count=${new[$name]:-0}
    if ((count < ${EXPECTED[$name]})); then MISSING[$name]=1 held=1; fi
  done
  if ! out_of_time; then units_restarting; fi
  STEADY_LOOKS=$((STEADY_LOOKS + 1))
  if [[ -n $RESTARTING ]]; then STEADY_LOOKS=0 UNSTEADY=$RESTARTING; fi
  if ((FAILED_STARTS > 0 && NOW - LAST_END < SETTLING)); then return 1; fi
  ((held == 0 && STEADY_LOOKS >= STEADY))
}

# The name under which a new process was expected; a container that is replaced has a new one.
expected_name() { # PID
  local name
  supervisor_of "${P_KEY[$1]}"
  [[ -z ${EXPECTED[$FOUND]-} ]] || return 0
  for name in "${!EXPECTED[@]}"; do
    if ! can_be_told "$name" && [[ ${name%%:*} == "${FOUND%%:*}" ]]; then FOUND=$name; fi
  done
}

# A unit that has failed for good is not worth the rest of the time.
nothing_will_come() {
  local name
  ((${#MISSING[@]})) || return 1
  for name in "${!MISSING[@]}"; do
    [[ ${name%%:*} == systemd ]] && systemd_failed "${name#*:}" || return 1
  done
}

report_missing() {
  local name pid how
  for name in "${!MISSING[@]}"; do
    how='ending the quiet process'
    if can_be_told "$name"; then how="telling ${name%%:*}"; fi
    PROBLEMS+=" $name did not come back, tried by $how."
  done
  if ((${#TITLED[@]} < TITLED_AT_FIRST)); then PROBLEMS+=" Of $TITLED_AT_FIRST processes ${#TITLED[@]} are left."; fi
  if ((SWARM_CHILDREN_MISSING)); then PROBLEMS+=" A swarm lacks $SWARM_CHILDREN_MISSING of its processes."; fi
  for pid in ${BOOTING[@]+"${BOOTING[@]}"}; do PROBLEMS+=" Process $pid is still booting."; done
  if ((FAILED_STARTS > 0)); then PROBLEMS+=" A worker fails to start: $FAILED_STARTS times in a row."; fi
  if [[ -n $UNSTEADY ]] && ((STEADY_LOOKS < STEADY)); then PROBLEMS+=" About to be started again: $UNSTEADY."; fi
  for pid in ${TITLED[@]+"${TITLED[@]}"}; do
    is_awake "$pid" || [[ -n ${LEFT_ALONE[${P_KEY[$pid]}]-} ]] || PROBLEMS+=" Process $pid is not awake."
  done
}

run_action wake_host "${1:-}"
