# shellcheck shell=bash
# needs: find_supervisor host_folder proof
# What commands saw of the workers before they were quieted: which threads must be gone, and whether all were
# identified. Once a worker is quiet, nobody can find that out any more. The file has one line per worker,
# "KEY<tab>enough|short<tab>SINCE<tab>THREADS", with the time of the first look that found it quieted or 0; the last one of a key counts. It is written before the worker is signalled.

declare -A QUIETED_EARLIER=() # key -> 1 for a worker that an earlier command signalled
declare -A RECORDED=()        # key -> its line in the file

read_thread_records() {
  read_worked_for
  local file=$HOST_FOLDER/threads key enough since threads
  [[ -f $file ]] || return 0
  now
  while IFS=$'\t' read -r key enough since threads; do
    [[ $key =~ ^[0-9]+:[0-9]+$ && $enough =~ ^(enough|short)$ && $since =~ ^[0-9]+$ ]] || continue
    still_runs "$key" || continue
    QUIETED_EARLIER[$key]=1
    KNOWN[$key]=" ${threads# }"
    [[ ${KNOWN[$key]} == *' ' ]] || KNOWN[$key]+=' '
    if ((since)); then STOPPING_SINCE[$key]=$since; fi
    unset "MISSING_SINCE[$key]" "ALL_SEEN[$key]"
    if [[ $enough == short ]]; then MISSING_SINCE[$key]=$NOW; else ALL_SEEN[$key]=1; fi
  done <"$file"
}

# For the command that has the lock: leaves out the lines of workers that are gone.
clean_thread_records() {
  local key file=$HOST_FOLDER/threads
  read_thread_records
  : >"$file.new"
  for key in "${!QUIETED_EARLIER[@]}"; do record_threads "$key" "$file.new"; done
  mv -f "$file.new" "$file"
}

record_threads() { # KEY [FILE]
  local line enough=enough file=${2:-$HOST_FOLDER/threads}
  if [[ -n ${MISSING_SINCE[$1]-} ]]; then enough=short; fi
  line="$1"$'\t'"$enough"$'\t'"${STOPPING_SINCE[$1]:-0}"$'\t'"${KNOWN[$1]-}"
  [[ ${RECORDED[$1]-} != "$line" ]] || return 0
  printf '%s\n' "$line" >>"$file"
  RECORDED[$1]=$line
}
