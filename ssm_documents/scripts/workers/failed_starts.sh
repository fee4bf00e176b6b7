# shellcheck shell=bash
# needs: clock processes worker_table
# Workers that end before they have started Sidekiq: somebody may try again, and then they are as good as booting.

readonly SETTLING=$((15 * SECOND)) # what has ended may be started again by somebody
readonly NEXT_TRY=$((30 * SECOND)) # what could not start is tried again by somebody, later than what had run
readonly HOPELESS_STARTS=3         # so many that failed are not waited for any longer

declare -A SEEN_BOOTING=() # keys of what booted at the last look
FAILED_STARTS=0            # in a row
LAST_END=0                 # time from which SETTLING counts: the end of a worker, later after a failed start

# What boots ends with a title, or as a launcher of others; else somebody may try again.
notice_failed_starts() {
  local pid key
  for key in "${!SEEN_BOOTING[@]}"; do
    if [[ ${P_KEY[${key%%:*}]-} == "$key" ]]; then
      if [[ -n ${P_BUSY[${key%%:*}]-} ]]; then FAILED_STARTS=0; fi
    elif ! still_there "$key"; then
      log "process ${key%%:*} ended before it had started Sidekiq"
      FAILED_STARTS=$((FAILED_STARTS + 1))
      if ((FAILED_STARTS <= HOPELESS_STARTS)); then LAST_END=$((NOW + NEXT_TRY - SETTLING)); fi
    fi
  done
  SEEN_BOOTING=()
  for pid in ${BOOTING[@]+"${BOOTING[@]}"}; do SEEN_BOOTING[${P_KEY[$pid]}]=1; done
}
