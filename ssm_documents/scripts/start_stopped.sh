# shellcheck shell=bash
# needs: report worker_groups
# What stop has stopped is started again, unless others have taken its place since: a deploy brings new containers and
# may rename units, and the old ones must not come back beside the new.

declare -A EXPECTED=() # supervisor's name -> number of new processes that it has to start
declare -A TAKEN=()    # process ids that count as the replacement of something already

start_stopped() {
  local name pid
  if ((${#DOWN[@]})); then wait_for_booting; fi
  group_workers
  for name in "${!DOWN[@]}"; do
    if [[ $name == none || -z ${GROUP[$name]-} ]]; then continue; fi
    # Somebody has started it since; if it is quiet, it is restarted later.
    for pid in ${GROUP[$name]}; do TAKEN[$pid]=1; done
    record_up "$name"
  done
  write_stopped
  for name in "${!DOWN[@]}"; do start_or_report "$name"; done
  write_stopped
  if ((${#EXPECTED[@]})); then tell start "${!EXPECTED[@]}" || :; fi
}

start_or_report() { # NAME
  if is_gone "$1"; then
    take_replacements "$1" || PROBLEMS+=" $1 was stopped and does not exist any more. Nothing replaced it."
    record_up "$1"
  elif { [[ $1 == docker:* ]] || ! can_be_told "$1"; } && take_replacements "$1"; then
    record_up "$1"
  elif ! can_be_told "$1"; then
    report_not_started "$1"
  elif [[ $1 == systemd:* ]] && ! starts_without_conflict "${1#*:}"; then
    if take_replacements "$1"; then record_up "$1"; else PROBLEMS+=" $1 was not started: $WHY_NOT."; fi
  else
    EXPECTED[$1]=${DOWN[$1]}
  fi
}

report_not_started() { # NAME
  local processes
  counted processes "${DOWN[$1]}" process
  PROBLEMS+=" Not started: $processes ($1). No supervisor can be told to: start by hand, or remove the line"
  PROBLEMS+=" of $1 from $HOST_FOLDER/stopped."
}

# A deploy that has just ended may have started the new ones a moment ago.
wait_for_booting() {
  local began
  now
  began=$NOW
  while ((${#BOOTING[@]} && NOW - began < 60 * SECOND)) && ! out_of_time; do
    pause 1
    scan_all
    now
  done
}

# Holds when as many workers as it had were started after its stop, by itself or by a supervisor that did not keep
# running then.
take_replacements() { # NAME
  local name pid since=${DOWN_SINCE[$1]-0} taken=()
  for name in "${!GROUP[@]}"; do
    [[ -z ${KEPT_UP[$name]-} || $name == "$1" ]] || continue
    for pid in ${GROUP[$name]}; do
      if [[ -z ${TAKEN[$pid]-} ]] && ((${P_KEY[$pid]#*:} > since && ${#taken[@]} < ${DOWN[$1]})); then
        taken+=("$pid")
      fi
    done
  done
  ((${#taken[@]} == ${DOWN[$1]})) || return 1
  for pid in "${taken[@]}"; do TAKEN[$pid]=1; done
  log "$1 has been replaced by ${taken[*]}"
}

# Does the supervisor say that it knows nothing of that name any more?
is_gone() { # NAME
  case $1 in
    systemd:*) ask_systemd show -p LoadState -- "${1#*:}" && [[ $CLIENT_OUTPUT == LoadState=not-found ]] ;;
    docker:*) ask 10 docker ps --all --quiet --filter "id=${1#*:}" && [[ -z $CLIENT_OUTPUT ]] ;;
    runit:*) [[ ! -d ${1#*:} ]] ;;
    supervisord:*) program_is_unknown "$1" ;;
    *) return 1 ;;
  esac
}

# Does supervisord say that it has no such program any more?
program_is_unknown() { # NAME
  local control=${CONTROL[$1]} program=${1#*:}
  ask_supervisord "$control"
  [[ -z ${PROGRAMS_IN[$control ${PROGRAMS_ASKED_AT[$control]-} :$program]-} ]] || return 1
  read_control "$control"
  run_client 10 "${SUPERVISORCTL[@]}" status "$program" || :
  [[ $CLIENT_OUTPUT == *'ERROR (no such '* ]]
}

# Holds when systemd stops no other unit for starting this one. Else WHY_NOT names it.
starts_without_conflict() { # UNIT
  local unit line conflicting=()
  WHY_NOT='systemd does not answer'
  ask_systemd show -p Conflicts -p ConflictedBy -- "$1" || return 1
  while IFS= read -r line; do
    for unit in ${line#*=}; do
      if [[ $unit == *.service ]]; then conflicting+=("$unit"); fi
    done
  done <<<"$CLIENT_OUTPUT"
  ((${#conflicting[@]})) || return 0
  ask_systemd show -p Id -p ActiveState -- "${conflicting[@]}" || return 1
  while IFS= read -r line; do
    case $line in
      Id=*) unit=${line#*=} ;;
      ActiveState=inactive | ActiveState=failed | '') ;;
      *) WHY_NOT="systemd would stop $unit for it, which is running" && return 1 ;;
    esac
  done <<<"$CLIENT_OUTPUT"
}
