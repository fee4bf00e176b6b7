# shellcheck shell=bash
# needs: bystanders
# Units that systemd stops and starts together with others which require them, or of which they are a part.

declare -A DEPENDENTS=()  # unit -> the units that stop or start with it, after a space; empty when it is not known
declare -A QUIET_UNITS=() # unit -> 1 once unit_is_quiet has held for it

# Asks systemd for the dependents of the units among these supervisors, and for theirs in turn.
find_dependents() { # NAMES
  local unit line dependents units=()
  DEPENDENTS=()
  for unit in "$@"; do
    [[ $unit != systemd:* ]] || units+=("${unit#*:}")
  done
  while ((${#units[@]})); do
    for unit in "${units[@]}"; do DEPENDENTS[$unit]=' '; done
    if ! ask_systemd show -p Id -p RequiredBy -p RequisiteOf -p BoundBy -p ConsistsOf -p PropagatesStopTo -- \
      "${units[@]}"; then
      DEPENDENTS=()
      return
    fi
    dependents=() units=()
    while IFS= read -r line; do
      case $line in
        Id=*) unit=${line#*=} ;;
        *=?*)
          DEPENDENTS[$unit]+="${line#*=} "
          # shellcheck disable=SC2206  # names of units
          dependents+=(${line#*=})
          ;;
      esac
    done <<<"$CLIENT_OUTPUT"
    for unit in ${dependents[@]+"${dependents[@]}"}; do
      [[ -n ${DEPENDENTS[$unit]-} ]] || units+=("$unit")
    done
  done
}

# Holds when every service that stops or starts with this one is only made of workers that are proven quiet.
unit_is_quiet() { # UNIT
  local unit
  [[ -z ${QUIET_UNITS[$1]-} ]] || return 0
  WHY_NOT=${IN_THE_WAY[${UNIT_GROUPS[$1]:-$1}]-}
  [[ -n ${DEPENDENTS[$1]-} ]] || WHY_NOT='systemd does not answer'
  [[ -z $WHY_NOT ]] || return 1
  QUIET_UNITS[$1]=1 # also for a unit that is its own dependent
  for unit in ${DEPENDENTS[$1]}; do
    if ! unit_is_quiet "$unit"; then
      [[ $WHY_NOT == *' requires it and '* ]] || WHY_NOT="$unit requires it and would stop with it, and $WHY_NOT"
      IN_THE_WAY[${UNIT_GROUPS[$1]:-$1}]=$WHY_NOT
      QUIET_UNITS=()
      return 1
    fi
  done
}
