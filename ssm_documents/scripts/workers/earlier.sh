# shellcheck shell=bash
# needs: clock host_folder processes proof threads
# What earlier commands saw of the workers before they were quieted: which threads must be gone, and whether all were
# told. Once a worker rests, nobody can find that out any more. One line per worker, "KEY<tab>enough|short<tab>THREADS";
# the last one of a key counts. It is written before the worker is asked for quiet, and dies with the host.

declare -A ASKED_EARLIER=() # key -> 1 for a worker that an earlier command asked for quiet
declare -A WRITTEN=()       # key -> its line as it stands in the file

recall_threads() {
  local file=$HOST_FOLDER/threads key enough threads
  [[ -f $file && -O $file && ! -L $HOST_FOLDER ]] || return 0
  now
  while IFS=$'\t' read -r key enough threads; do
    [[ $key =~ ^[0-9]+:[0-9]+$ && $enough =~ ^(enough|short)$ ]] || continue
    still_there "$key" || continue
    ASKED_EARLIER[$key]=1
    THREADS[$key]=" $threads "
    unset "SHORT[$key]" "ENOUGH[$key]"
    if [[ $enough == short ]]; then SHORT[$key]=$NOW; else ENOUGH[$key]=1; fi
  done <"$file"
}

# For the command that has the host to itself: leaves out the lines of those that are gone.
take_over_threads() {
  local key file=$HOST_FOLDER/threads
  recall_threads
  : >"$file.new"
  for key in "${!ASKED_EARLIER[@]}"; do write_threads "$key" "$file.new"; done
  mv -f "$file.new" "$file"
}

write_threads() { # KEY [FILE]
  local line enough=enough file=${2:-$HOST_FOLDER/threads}
  if [[ -n ${SHORT[$1]-} ]]; then enough=short; fi
  # In words with one space between them, as they are read back.
  # shellcheck disable=SC2086  # it is to be split
  set -- "$1" ${THREADS[$1]-}
  line="$1"$'\t'"$enough"$'\t'"${*:2}"
  [[ ${WRITTEN[$1]-} != "$line" ]] || return 0
  printf '%s\n' "$line" >>"$file"
  WRITTEN[$1]=$line
}
