# shellcheck shell=bash
# needs: report
# Workers that end before they have started Sidekiq. Somebody may start them again, so they are waited for.

readonly SETTLE_TIME=$((15 * SECOND)) # so long after a worker's end it may be started again
readonly RETRY_TIME=$((30 * SECOND))  # so long after a failed start it may be tried again
readonly MAX_FAILED_STARTS=3          # after so many in a row nobody waits for the next one

declare -A BOOTING_BEFORE=() # keys of the processes that booted at the last look
declare -A HAS_STARTED=()    # key -> 1 for a process that was seen with a title
FAILED_STARTS=0              # how many failed in a row
LAST_END=0                   # time from which SETTLE_TIME counts: a worker's end; later after a failed start

# A process that boots ends with a title, or as a launcher of others; else its start has failed.
note_failed_starts() {
  local pid key
  for key in "${!BOOTING_BEFORE[@]}"; do
    if [[ ${P_KEY[${key%%:*}]-} != "$key" ]] && ! still_runs "$key"; then
      log "process ${key%%:*} ended before it had started Sidekiq"
      FAILED_STARTS=$((FAILED_STARTS + 1))
      if ((FAILED_STARTS <= MAX_FAILED_STARTS)); then LAST_END=$((NOW + RETRY_TIME - SETTLE_TIME)); fi
    fi
  done
  # One that boots fast is first seen with its title.
  for pid in "${!WORKERS[@]}"; do
    key=${P_KEY[$pid]}
    if [[ -z ${HAS_STARTED[$key]-} ]]; then HAS_STARTED[$key]=1 FAILED_STARTS=0; fi
  done
  BOOTING_BEFORE=()
  for pid in "${!BOOTING[@]}"; do BOOTING_BEFORE[${P_KEY[$pid]}]=1; done
}

report_failed_starts() { # LEAST, so many are worth a sentence
  ((FAILED_STARTS >= $1)) || return 0
  PROBLEMS+=' A worker failed to start'
  if ((FAILED_STARTS > 1)); then PROBLEMS+=" $FAILED_STARTS times in a row"; fi
  PROBLEMS+='.'
}
