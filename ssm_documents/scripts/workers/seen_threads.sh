# shellcheck shell=bash
# needs: proof
# What is found out of a worker's threads before it is quieted. The proof needs it.

# Before a worker is quieted: which threads must be gone afterwards, and whether these are as many as its title says.
# After the signal the first of them end, so that their number means nothing any more.
note_threads() { # PID
  local key=${P_KEY[$1]}
  count_processors "$1" || return 0
  if [[ -n ${ALL_SEEN[$key]-} ]]; then
    know_new_threads "$1"
    return
  fi
  [[ -n ${SIGNALLED[$key]-} ]] || note_missing_threads "$1"
  know_threads "$key"
}

note_missing_threads() { # PID
  local key=${P_KEY[$1]}
  if has_all_threads "$1"; then
    unset "MISSING_SINCE[$key]"
    ALL_SEEN[$key]=1
  else
    MISSING_SINCE[$key]=${MISSING_SINCE[$key]:-$NOW}
  fi
}

# Has the worker as many threads for jobs as its title says, those included that jobs may have renamed? These are waited
# for, too. One of them could also stand behind a thread that only has the name of one for jobs.
has_all_threads() { # PID
  local id size=${P_SIZE[$1]:-0} together=0 latest=''
  if shares_threads "$1"; then return 1; fi
  for id in "${!T_KIND[@]}"; do
    if began_with_sidekiq "$id"; then together=$((together + 1)); fi
  done
  if ((together == size + UNNAMED)); then
    know_as "${P_KEY[$1]}" other
    return
  fi
  if ((PROCESSORS == size)); then latest=$((BOOTED_AT + BEGAN_TOGETHER)); fi
  if ((PROCESSORS > size)); then know_as "${P_KEY[$1]}" unsure; fi
  find_renamed "$1" "$latest"
  for id in ${RENAMED[@]+"${RENAMED[@]}"}; do know_thread "${P_KEY[$1]}" "$id" unsure; done
  ((PROCESSORS + ${#RENAMED[@]} >= size))
}

began_with_sidekiq() { # ID
  [[ ${T_KIND[$1]} == named || ${T_KIND[$1]} == anonymous ]] && ((T_START[$1] <= BOOTED_AT + BEGAN_TOGETHER))
}

# Of the threads that could run jobs by their names, those that began later than Sidekiq's own.
know_as() { # KEY KIND
  local id
  for id in "${!T_KIND[@]}"; do
    if ! began_with_sidekiq "$id"; then
      know_thread "$1" "$id" "$2"
      unset "T_KIND[$id]"
    fi
  done
}

know_threads() { # KEY
  local id
  for id in "${!T_KIND[@]}"; do
    know_thread "$1" "$id" "${T_KIND[id]}"
  done
}

# A thread that comes after all were seen replaces one that a failed job has ended. While none has ended, it is none.
know_new_threads() { # PID
  local id key=${P_KEY[$1]} known=0 unknown=() kind=unsure
  for id in "${!T_KIND[@]}"; do
    if is_known "$key" "$id"; then known=$((known + 1)); else unknown+=("$id"); fi
  done
  if ((known >= ${P_SIZE[$1]:-0} + UNNAMED)); then kind=other; fi
  for id in ${unknown[@]+"${unknown[@]}"}; do know_thread "$key" "$id" "$kind"; done
}
