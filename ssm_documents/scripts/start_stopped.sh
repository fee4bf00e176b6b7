# shellcheck shell=bash
# needs: clients clock groups host_folder memory report supervisord systemd worker_table workers
# What stop has stopped is started again, unless others have taken its place since: a deploy brings new containers and
# may rename units, and the old ones must not come back beside the new.

declare -A EXPECTED=()    # supervisor's name -> number of new processes to come
declare -A TAKEN=() # process ids that count as the replacement of something already

start_remembered() {
  local name pid
  if ((${#REMEMBERED[@]})); then wait_for_what_boots; fi
  group_workers
  for name in "${!REMEMBERED[@]}"; do
    if [[ $name == none || -z ${GROUP[$name]-} ]]; then continue; fi
    # Somebody has started it since; if it is quiet it is dealt with as such.
    for pid in ${GROUP[$name]}; do TAKEN[$pid]=1; done
    forget "$name"
  done
  for name in "${!REMEMBERED[@]}"; do start_or_forget "$name"; done
}

start_or_forget() { # NAME
  if is_gone "$1"; then
    take_replacements "$1" || PROBLEMS+=" $1, which was stopped, is not there any more, and nothing has taken its place."
    forget "$1"
  elif { [[ $1 == docker:* ]] || ! can_be_told "$1"; } && take_replacements "$1"; then
    forget "$1"
  elif ! can_be_told "$1"; then
    PROBLEMS+=" ${REMEMBERED[$1]} ended processes ($1) have no supervisor to be told: start them by hand, or remove the"
    PROBLEMS+=" line of $1 from $HOST_FOLDER/stopped if they are not wanted any more."
  elif [[ $1 == systemd:* ]] && ! ends_nothing_by_starting "${1#*:}"; then
    if take_replacements "$1"; then forget "$1"; else PROBLEMS+=" $1 was not started: $WHY_NOT."; fi
  else
    EXPECTED[$1]=${REMEMBERED[$1]}
    if ! tell start "$1"; then log "$1: the start was not confirmed"; fi
  fi
}

# A deploy that has just ended may have started the new ones a moment ago.
wait_for_what_boots() {
  local began
  now
  began=$NOW
  while ((${#BOOTING[@]} && NOW - began < 60 * SECOND)) && ! out_of_time; do
    pause 1
    scan_afresh
    now
  done
}

# Holds when as many workers as the entry had were started after its stop, by itself or by what did not run on then.
take_replacements() { # NAME
  local name pid since=${STOPPED_AT[$1]-0} taken=()
  for name in "${!GROUP[@]}"; do
    [[ -z ${RUNS_ON[$name]-} || $name == "$1" ]] || continue
    for pid in ${GROUP[$name]}; do
      if [[ -z ${TAKEN[$pid]-} ]] && ((${P_KEY[$pid]#*:} > since && ${#taken[@]} < ${REMEMBERED[$1]})); then
        taken+=("$pid")
      fi
    done
  done
  ((${#taken[@]} == ${REMEMBERED[$1]})) || return 1
  for pid in "${taken[@]}"; do TAKEN[$pid]=1; done
  log "$1 has been replaced by ${taken[*]}"
}

# Does the supervisor say that it knows nothing of that name any more?
is_gone() { # NAME
  local words
  case $1 in
    systemd:*) ask_systemd show -p LoadState -- "${1#*:}" && [[ $TOLD == LoadState=not-found ]] ;;
    docker:*) ask 10 docker ps --all --quiet --filter "id=${1#*:}" && [[ -z $TOLD ]] ;;
    runit:*) [[ ! -d ${1#*:} ]] ;;
    supervisord:*)
      IFS=$'\x1f' read -r -a words <<<"${CONTROL[$1]}"
      run_client 10 "${words[@]}" status "${1#*:}" || :
      [[ $TOLD == *'ERROR (no such '* ]]
      ;;
    *) return 1 ;;
  esac
}

# Holds when systemd ends no other unit for starting this one. WHY_NOT tells which.
ends_nothing_by_starting() { # UNIT
  local unit line conflicting=()
  WHY_NOT='systemd does not answer'
  ask_systemd show -p Conflicts -p ConflictedBy -- "$1" || return 1
  while IFS= read -r line; do
    for unit in ${line#*=}; do
      if [[ $unit == *.service ]]; then conflicting+=("$unit"); fi
    done
  done <<<"$TOLD"
  ((${#conflicting[@]})) || return 0
  ask_systemd show -p Id -p ActiveState -- "${conflicting[@]}" || return 1
  while IFS= read -r line; do
    case $line in
      Id=*) unit=${line#*=} ;;
      ActiveState=inactive | ActiveState=failed | '') ;;
      *) WHY_NOT="for it systemd would end $unit, which is at work" && return 1 ;;
    esac
  done <<<"$TOLD"
}
