# shellcheck shell=bash
# needs: answer
# The folder in which commands keep what others must know, until the host goes down.

HOST_FOLDER=/run/snow-white
if [[ ! -d /run ]]; then HOST_FOLDER=/var/run/snow-white; fi
readonly HOST_FOLDER
HOLDS_HOST=''

# A folder that nobody but root can have made or filled.
prepare_folder() {
  mkdir "$HOST_FOLDER" 2>/dev/null || :
  if [[ ! -d $HOST_FOLDER || -L $HOST_FOLDER || ! -O $HOST_FOLDER ]]; then
    answer 1 unconfirmed "$HOST_FOLDER could not be made a folder of this user, so nothing was done."
  fi
  chmod 0700 "$HOST_FOLDER"
}
