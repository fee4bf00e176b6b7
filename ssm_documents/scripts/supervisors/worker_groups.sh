# shellcheck shell=bash
# needs: dependents find_supervisor find_workers
# Workers by supervisor: what one supervisor's entry runs is stopped and started together, and only when nothing in it
# can be harmed.

declare -A GROUP=() # supervisor's name -> process ids of its titled workers, with a space after each

group_workers() {
  local pid
  GROUP=()
  for pid in "${!TITLED[@]}"; do
    find_supervisor "${P_KEY[$pid]}"
    GROUP[$SUPERVISOR]+="$pid "
  done
}

# Groups the workers, and looks at everything that their supervisors would end, at this moment. A container's health
# check comes and goes, so it is looked at a few times.
survey_groups() {
  local tries=0
  scan_all
  group_workers
  find_dependents "${!GROUP[@]}"
  # Asking takes time, in which a deploy may have started something.
  look_at_groups
  while ((++tries < 4)) && any_container_runs_more; do
    pause 0.5
    look_at_groups
  done
}

any_container_runs_more() {
  local name
  for name in "${!GROUP[@]}"; do
    case $name in
      docker:* | container:*) [[ ${IN_THE_WAY[$name]-} != 'it also runs '* ]] || return 0 ;;
    esac
  done
  return 1
}

look_at_groups() {
  scan_all
  group_workers
  find_bystanders
  QUIET_UNITS=()
}

# In the last survey, did the supervisor run nothing but workers that are proven quiet, and what serves them? If not,
# WHY_NOT says why.
group_is_quiet() { # NAME
  local pid=${1##*\(}
  WHY_NOT=${IN_THE_WAY[$1]-}
  case $1 in
    systemd:*)
      unit_is_quiet "${1#*:}"
      return
      ;;
    parent:*) WHY_NOT=${IN_THE_WAY[below ${pid%)}]-} ;;
    docker:* | container:*) ;;
    *)
      # supervisord, runit and upstart end a process, and it or they what it has started.
      for pid in ${GROUP[$1]-}; do
        find_wrappers "$pid"
        pid=${WRAPPERS% }
        WHY_NOT=${WHY_NOT:-${IN_THE_WAY[below ${pid##* }]-}}
      done
      ;;
  esac
  [[ -z $WHY_NOT ]]
}

# Tells supervisors to stop, start or restart what they run, all of one kind together. What they answer goes to the log
# only: what is there afterwards decides.
tell() { # stop|start|restart NAMES...
  local word=$1 name whom failed='' entries
  local -A told=()
  shift
  for name in "$@"; do
    if out_of_time; then return 1; fi
    log "$word ${name#*:} by ${name%%:*}"
    told[${name%%:*} ${CONTROL[$name]-}]+=${name#*:}$'\x1f'
  done
  for whom in "${!told[@]}"; do
    TOLD_BY=${whom#* }
    IFS=$'\x1f' read -r -a entries <<<"${told[$whom]}"
    if ! "tell_${whom%% *}" "$word" "${entries[@]}"; then
      log "${whom%% *}: the $word was not confirmed"
      failed=1
    fi
  done
  [[ -z $failed ]]
}
