# shellcheck shell=bash
# What every script begins with. The agent starts it without HOME, in any locale and perhaps without a working
# directory. It keeps only the first bytes of the output, so that only the answer goes to stdout.

set -Eeuo pipefail
export LC_ALL=C
export PATH="${PATH:+$PATH:}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
unset BASH_ENV ENV CDPATH GLOBIGNORE POSIXLY_CORRECT
IFS=$' \t\n'
umask 077
shopt -s nullglob
cd /proc # each process is a folder here: for pid in [0-9]*

# The agent's death must not end the script between two steps of a restart.
trap '' PIPE HUP

LOGGED=0 # lines in the log

# The log is for people on the host (host_folder.sh says where it is); a long or hostile run must not fill its disk.
log() {
  LOGGED=$((LOGGED + 1))
  if ((LOGGED <= 2000)); then printf '%s: %s\n' "$$" "$*" >&2 || :; fi
}
