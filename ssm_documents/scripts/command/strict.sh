# shellcheck shell=bash
# The ground that every script stands on: an agent starts it with no HOME, any locale and perhaps no working
# directory, and keeps only the first bytes of its output, so that nothing but the answer goes to stdout.

set -Eeuo pipefail
export LC_ALL=C
export PATH="${PATH:+$PATH:}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
unset BASH_ENV ENV CDPATH GLOBIGNORE POSIXLY_CORRECT
IFS=$' \t\n'
umask 077
shopt -s nullglob
cd /

# The agent's death must not end the script between two steps of a restart.
trap '' PIPE HUP

log() { printf 'snow-white: %s\n' "$*" >&2 || :; }
