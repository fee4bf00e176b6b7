# shellcheck shell=bash
# needs: clock host_folder supervisord
# What stop and wake have ended and has not come back: one line per supervisor's entry,
# "NAME<tab>PROCESSES<tab>TIME<tab>CONTROL". It is written before the end, so that a command which is cut off is still
# known, and lives as long as the host is up. 0 processes: an entry that ran on, or has come back. What it starts later
# takes the place of its own workers only.

declare -A REMEMBERED=() # supervisor's name -> number of processes that it ran
declare -A STOPPED_AT=() # supervisor's name -> time since when others may take its place: its end, or the last wake
declare -A RUNS_ON=()    # supervisor's name -> 1 for an entry with 0 processes

recall() {
  local file=$HOST_FOLDER/stopped name count at control
  REMEMBERED=() RUNS_ON=()
  [[ -f $file && -O $file && ! -L $HOST_FOLDER ]] || return 0
  while IFS=$'\t' read -r name count at control; do
    [[ -n $name && $count =~ ^[0-9]+$ && $at =~ ^[0-9]+$ ]] || continue
    if ((count == 0)); then
      RUNS_ON[$name]=1
      continue
    fi
    REMEMBERED[$name]=$count
    STOPPED_AT[$name]=$at
    CONTROL[$name]=$control
  done <"$file"
}

write_memory() {
  local file=$HOST_FOLDER/stopped name
  if ((${#REMEMBERED[@]} == 0)); then RUNS_ON=(); fi
  {
    for name in "${!RUNS_ON[@]}"; do printf '%s\t0\t0\t\n' "$name"; done
    for name in "${!REMEMBERED[@]}"; do
      printf '%s\t%s\t%s\t%s\n' "$name" "${REMEMBERED[$name]}" "${STOPPED_AT[$name]}" "${CONTROL[$name]-}"
    done
  } >"$file.new"
  mv -f "$file.new" "$file"
}

remember() { # NAME PROCESSES
  now
  REMEMBERED[$1]=$2
  STOPPED_AT[$1]=$NOW
  write_memory
}

# It runs on, or has come back. A name may hold what unset would take for something else, so the table is made anew.
forget() { # NAME
  local name
  local -A others=()
  for name in "${!REMEMBERED[@]}"; do [[ $name == "$1" ]] || others[$name]=${REMEMBERED[$name]}; done
  REMEMBERED=()
  for name in "${!others[@]}"; do REMEMBERED[$name]=${others[$name]}; done
  RUNS_ON[$1]=1
  write_memory
}
