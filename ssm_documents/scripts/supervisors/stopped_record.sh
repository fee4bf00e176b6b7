# shellcheck shell=bash
# needs: supervisord
# What stop and wake have ended and is not back: one line per supervisor, "NAME<tab>PROCESSES<tab>TIME<tab>CONTROL".
# It is written before the end, so that a command which is cut off is still known. 0 processes: one that kept running,
# or is back. What such a supervisor starts later replaces its own workers only.

declare -A DOWN=()       # supervisor's name -> number of processes that it has to start again
declare -A DOWN_SINCE=() # supervisor's name -> time since when new workers may replace them: their end or a wake
declare -A KEPT_UP=()    # supervisor's name -> 1 when it has 0 processes in the record
declare -A BACK=()       # supervisor's name -> 1 when it is to be left out of DOWN

read_stopped() {
  local file=$HOST_FOLDER/stopped name count since control
  DOWN=() KEPT_UP=()
  [[ -f $file ]] || return 0
  while IFS=$'\t' read -r name count since control; do
    [[ -n $name && $count =~ ^[0-9]+$ && $since =~ ^[0-9]+$ ]] || continue
    if ((count == 0)); then
      KEPT_UP[$name]=1
      continue
    fi
    DOWN[$name]=$count
    DOWN_SINCE[$name]=$since
    CONTROL[$name]=$control
  done <"$file"
}

# Forgets what is back, and writes. A name may hold what unset would take for something else, so the table is made anew.
write_stopped() {
  local file=$HOST_FOLDER/stopped name
  local -A down=()
  for name in "${!DOWN[@]}"; do [[ -n ${BACK[$name]-} ]] || down[$name]=${DOWN[$name]}; done
  DOWN=() BACK=()
  for name in "${!down[@]}"; do DOWN[$name]=${down[$name]}; done
  if ((${#DOWN[@]} == 0)); then KEPT_UP=(); fi
  {
    for name in "${!KEPT_UP[@]}"; do printf '%s\t0\t0\t\n' "$name"; done
    for name in "${!DOWN[@]}"; do
      printf '%s\t%s\t%s\t%s\n' "$name" "${DOWN[$name]}" "${DOWN_SINCE[$name]}" "${CONTROL[$name]-}"
    done
  } >"$file.new"
  mv -f "$file.new" "$file"
}

# These two count once write_stopped is called: a host may have hundreds of names.
record_down() { # NAME PROCESSES
  now
  DOWN[$1]=$2 DOWN_SINCE[$1]=$NOW BACK[$1]=''
}

record_up() { # NAME
  KEPT_UP[$1]=1 BACK[$1]=1
}
