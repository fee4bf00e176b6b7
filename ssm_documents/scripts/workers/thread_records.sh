# shellcheck shell=bash
# needs: host_folder proof
# What commands saw of the workers before they were quieted: which threads must be gone, and whether all were
# identified. Once a worker is quiet, nobody can find that out any more. The file has one line per worker,
# "KEY<tab>enough|short<tab>THREADS"; the last one of a key counts. It is written before the worker is signalled.

declare -A QUIETED_EARLIER=() # key -> 1 for a worker that an earlier command signalled
declare -A RECORDED=()        # key -> its line in the file

read_thread_records() {
  local file=$HOST_FOLDER/threads key enough threads
  is_own_file "$file" || return 0
  now
  while IFS=$'\t' read -r key enough threads; do
    [[ $key =~ ^[0-9]+:[0-9]+$ && $enough =~ ^(enough|short)$ ]] || continue
    still_runs "$key" || continue
    QUIETED_EARLIER[$key]=1
    KNOWN_THREADS[$key]=" $threads "
    unset "THREADS_MISSING_SINCE[$key]" "ALL_THREADS_SEEN[$key]"
    if [[ $enough == short ]]; then THREADS_MISSING_SINCE[$key]=$NOW; else ALL_THREADS_SEEN[$key]=1; fi
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
  if [[ -n ${THREADS_MISSING_SINCE[$1]-} ]]; then enough=short; fi
  # In words with one space between them, as they are read back.
  # shellcheck disable=SC2086  # it is to be split
  set -- "$1" ${KNOWN_THREADS[$1]-}
  line="$1"$'\t'"$enough"$'\t'"${*:2}"
  [[ ${RECORDED[$1]-} != "$line" ]] || return 0
  printf '%s\n' "$line" >>"$file"
  RECORDED[$1]=$line
}
