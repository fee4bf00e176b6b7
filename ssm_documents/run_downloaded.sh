# shellcheck shell=bash
# Runs a downloaded script (path, expected SHA-256, and the script's own words) if it is the one that the document was made for.
# A download that failed leaves an empty file or yesterday's, and this step is run all the same.

set -euo pipefail
export LC_ALL=C PATH="${PATH:+$PATH:}/usr/local/bin:/usr/bin:/bin"

refuse() {
  printf '{"result":"unconfirmed","processes":[],"omitted":0,"message":"%s"}\n' "$1"
  exit 1
}

# Checked and run from one copy in memory, so that the file cannot change in between.
copy=$(cat -- "$1" 2>/dev/null && printf .) || refuse "The script was not downloaded, so nothing was done."
copy=${copy%.}
found=$(printf '%s' "$copy" | sha256sum) || refuse "The downloaded script could not be checked, so nothing was done."
if [[ ${found%% *} != "$2" ]]; then
  refuse "The downloaded script is not the expected one (SHA-256 ${found%% *}, expected $2), so it was not run."
fi
exec bash -c "$copy" snow-white "${@:3}"
