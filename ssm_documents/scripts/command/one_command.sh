# shellcheck shell=bash
# needs: answer clock host_folder processes report workers
# One command at a time on a host. Whoever holds the lock is named in it by process id and start time, so that a
# command that was killed leaves nothing behind that would have to be cleared away by hand.

# Reads a lock into OWNER_ID (PID:START) and OWNER_ACTION; fails when there is none or it is not ours to trust.
read_lock() {
  OWNER_ID='' OWNER_ACTION=''
  [[ -f $1 && -O $1 ]] || return 1
  read -r OWNER_ID OWNER_ACTION <"$1" || [[ -n $OWNER_ACTION ]]
} 2>/dev/null

# The host belongs to this command afterwards, or the script has ended with the answer of the one that it belonged to.
claim_host() { # ACTION
  local lock=$HOST_FOLDER/command mine
  prepare_folder
  read_stat $$
  SELF=$$:$STAT_START
  mine=$HOST_FOLDER/claim.$$
  printf '%s %s\n' "$SELF" "$1" >"$mine"
  until take_lock "$mine" "$lock"; do
    if out_of_time; then answer 1 unconfirmed "The lock $lock could not be had in time, so $1 did nothing."; fi
    if ! read_lock "$lock"; then
      pause 0.1
      continue
    fi
    if ! still_there "$OWNER_ID"; then
      break_lock "$mine" "$lock"
    elif [[ $OWNER_ACTION == "$1" ]]; then
      join_owner "$1" "$OWNER_ID" "$mine"
    else
      rm -f "$mine"
      answer 1 unconfirmed "A $OWNER_ACTION command (process ${OWNER_ID%%:*}) is at work on this host, so $1 did nothing."
    fi
  done
  HOLDS_HOST=$1
  sweep_folder
}

# A hard link is made whole or not at all, also when two try at the same moment.
take_lock() {
  ln "$1" "$2" 2>/dev/null || return 1
  rm -f "$1"
}

# Removes the lock of a command that is dead. Who links the marker named after the dead one may, nobody else, so that
# a slow second one does not remove the lock of the command that came after.
break_lock() { # MINE LOCK
  local dead=$OWNER_ID marker=$HOST_FOLDER/broken.$OWNER_ID
  if ln "$1" "$marker" 2>/dev/null; then
    if read_lock "$2" && [[ $OWNER_ID == "$dead" ]]; then rm -f "$2"; fi
    rm -f "$marker"
  elif read_lock "$marker" && ! still_there "$OWNER_ID"; then
    rm -f "$marker"
  else
    pause 0.1
  fi
}

# Waits for the command of the same action and ends with its answer; returns when it died without one.
join_owner() { # ACTION OWNER_ID MINE
  local file=$HOST_FOLDER/answer.$2 code line
  log "joins the $1 command of process ${2%%:*}"
  while still_there "$2" || [[ -f $file ]]; do
    if [[ -f $file && -O $file ]]; then
      { read -r _ code && IFS= read -r line; } <"$file"
      rm -f "$3"
      answer_as "$code" "$line"
    fi
    if out_of_time; then
      rm -f "$3"
      scan_afresh
      list_processes
      answer 2 busy "Joined the $1 command of process ${2%%:*}, which had not ended when this one's time was over."
    fi
    pause 1
  done
}

# Leaves the answer to those that joined, then the host.
release_host() {
  rm -f "$HOST_FOLDER/claim.$$"
  [[ -n $HOLDS_HOST ]] || return 0
  now
  printf '%s %s\n%s\n' "$NOW" "$ANSWER_CODE" "$ANSWERED" >"$HOST_FOLDER/leaving.$$" &&
    mv -f "$HOST_FOLDER/leaving.$$" "$HOST_FOLDER/answer.$SELF"
  rm -f "$HOST_FOLDER/command"
  HOLDS_HOST=''
}

# Answers are for those that joined, and read within seconds. The rest is of commands that were killed.
sweep_folder() {
  local file written owner
  now
  for file in "$HOST_FOLDER"/answer.*; do
    read -r written _ <"$file" || continue
    if ((NOW - written > 300 * SECOND || written > NOW)); then rm -f "$file"; fi
  done
  for file in "$HOST_FOLDER"/{client,claim,leaving}.*; do
    owner=${file##*/} owner=${owner#*.}
    [[ -e /proc/${owner%%.*} ]] || rm -f "$file"
  done
}

# Names the command that is at work, for a reader that does not need the host to itself.
running_command() {
  RUNNING=''
  read_lock "$HOST_FOLDER/command" || return 0
  if still_there "$OWNER_ID"; then RUNNING="$OWNER_ACTION (process ${OWNER_ID%%:*})"; fi
}
