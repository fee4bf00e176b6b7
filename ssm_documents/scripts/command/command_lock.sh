# shellcheck shell=bash
# needs: find_workers host_folder report
# One command at a time on a host. The lock names its owner by process id and start time, so that nobody has to clear
# away by hand what a command leaves behind that was killed.

HOLDS_LOCK=''   # "PID:START" of this command while it has the lock
OWNER_ID=''     # "PID:START" of the command that the lock that was read last names
OWNER_ACTION='' # that command's action

# Reads a lock; fails when there is none or another user wrote it.
read_lock() { # FILE
  OWNER_ID='' OWNER_ACTION=''
  read -r OWNER_ID OWNER_ACTION <"$1" || [[ -n $OWNER_ACTION ]]
} 2>/dev/null

# Returns with the lock, or ends the script with the answer of the command that has it.
lock_host() { # ACTION
  local lock=$HOST_FOLDER/command claim=$HOST_FOLDER/claim.$$ self
  read_stat $$
  self=$$:$STAT_START
  printf '%s %s\n' "$self" "$1" >"$claim"
  # A hard link is made whole or not at all, also when two commands try at the same moment.
  until ln "$claim" "$lock" 2>/dev/null; do
    if out_of_time; then answer 1 unconfirmed "Could not get the lock $lock in time, so $1 did nothing."; fi
    if ! read_lock "$lock"; then
      pause 0.1
    elif ! still_runs "$OWNER_ID"; then
      remove_stale_lock "$claim" "$lock"
    elif [[ $OWNER_ACTION == "$1" ]]; then
      join_command "$1" "$OWNER_ID"
    else
      may_succeed_soon
      answer 1 unconfirmed "A $OWNER_ACTION command (process ${OWNER_ID%%:*}) is running, so $1 did nothing."
    fi
  done
  rm -f "$claim"
  HOLDS_LOCK=$self
  note_run "$1"
  remove_stale_files
}

# A run that goes on for hours sends again; what a newer one has put to sleep stays that one's. And a run for an instance
# that may end does not take over from whoever put the fleet to sleep: its wake would come too early.
note_run() { # ACTION
  read_run
  if [[ $1 == wake || -z $RUN || (-n $SLEPT_BY && $RUN == *' drain-'*) ]] ||
    ((${RUN%% *} < 10#0${SLEPT_BY%% *})); then return 0; fi
  printf '%s\n' "$RUN" >"$HOST_FOLDER/run"
}

# Removes the lock of a dead command. Only the one that links the marker named after the dead command may do so. Else a
# slow second one could remove the lock of the command that came after.
remove_stale_lock() { # CLAIM LOCK
  local dead=$OWNER_ID marker=$HOST_FOLDER/broken.$OWNER_ID
  if ln "$1" "$marker" 2>/dev/null; then
    if read_lock "$2" && [[ $OWNER_ID == "$dead" ]]; then rm -f "$2"; fi
    rm -f "$marker"
  elif read_lock "$marker" && ! still_runs "$OWNER_ID"; then
    rm -f "$marker"
  else
    pause 0.1
  fi
}

# Waits for a command of the same action and ends with its answer. Returns when that one died without an answer, or was
# out of time when this one still has some.
join_command() { # ACTION OWNER_ID
  local file=$HOST_FOLDER/answer.$2 at code line
  note_run "$1"
  log "waits for the $1 command of process ${2%%:*}"
  while still_runs "$2" || [[ -f $file ]]; do
    if [[ -f $file ]]; then
      { read -r at code && IFS= read -r line; } <"$file"
      now
      if ((code == 2 && DEADLINE - NOW > 15 * SECOND)); then return 0; fi
      ANSWER=$line ANSWER_CODE=$code TRUE_AT=$at
      exit "$code"
    fi
    if out_of_time; then
      scan_all
      list_processes
      answer 2 busy "Time ran out while this command waited for the $1 command of process ${2%%:*}."
    fi
    pause 1
  done
}

# Leaves the answer, and the time of which it is true, to those that wait for it, then gives the lock back.
unlock_host() {
  rm -f "$HOST_FOLDER/claim.$$"
  [[ -n $HOLDS_LOCK ]] || return 0
  now
  printf '%s %s\n%s\n' $((TRUE_AT ? TRUE_AT : NOW)) "$ANSWER_CODE" "$ANSWER" >"$HOST_FOLDER/leaving.$$" &&
    mv -f "$HOST_FOLDER/leaving.$$" "$HOST_FOLDER/answer.$HOLDS_LOCK"
  rm -f "$HOST_FOLDER/command"
  HOLDS_LOCK=''
}

# Answers are read within seconds by those that wait for them. Other old files belong to commands that were killed.
remove_stale_files() {
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
