# shellcheck shell=bash
# needs: answer
# The folder in which commands keep what later ones must know. It lives as long as the host is up.

HOST_FOLDER=/run/snow-white # the folder
if [[ ! -d /run ]]; then HOST_FOLDER=/var/run/snow-white; fi
readonly HOST_FOLDER

# Creates the folder, and makes sure that nobody but the script's user can have made or filled it. What is written to
# stderr goes to a file in it, log; the one before is kept as log.1. The SSM agent hands on 2,400 bytes of both streams
# together and would cut the answer for the sake of the log.
prepare_folder() {
  local log=$HOST_FOLDER/log size
  exec 2>/dev/null
  mkdir "$HOST_FOLDER" || :
  if [[ ! -d $HOST_FOLDER || -L $HOST_FOLDER || ! -O $HOST_FOLDER ]]; then
    answer 1 unconfirmed "Cannot create the folder $HOST_FOLDER, or another user owns it. Nothing was done."
  fi
  chmod 0700 "$HOST_FOLDER"
  size=$(stat -c %s "$log") || size=0
  if ((size > 100000)); then mv -f "$log" "$log.1" || :; fi
  exec 2>>"$log" || :
}

RUN=''      # "TIME NAME" of the run: of the one that sends this command, for wake of the one whose workers it is to wake
SLEPT_BY='' # that of the newest run that has put this host's workers to sleep and not been undone by a wake

read_run() {
  SLEPT_BY=''
  if [[ -f $HOST_FOLDER/run ]]; then IFS= read -r SLEPT_BY <"$HOST_FOLDER/run" || :; fi
}
