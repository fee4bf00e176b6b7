#!/bin/bash
# systemd_host.sh FOLDER CGROUP NETWORK NAME
# The monitor of one worker host: boots it, waits until it has ended, and removes what is left of it.
# The host ends when it powers off, when its cgroup is killed, or when standard input is closed. The process that
# started the host holds the other end of that pipe, so its hosts end with it, in whatever way it ends.
set -euo pipefail
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

folder=$1 cgroup=$2 network=$3 name=$4
here=$(dirname "$(readlink -f "$0")")

remove_host() {
    echo 1 >"$cgroup/cgroup.kill"
    until grep -q '^populated 0' "$cgroup/cgroup.events"; do sleep 0.02; done
    find "$cgroup" -depth -type d -exec rmdir {} +
    rm -rf "$folder"
}

boot_in_namespaces() {
    local namespaces=(--cgroup --pid --mount --uts --ipc --propagation private)
    if [ "$network" = private ]; then namespaces+=(--net); fi
    echo "$BASHPID" >"$cgroup/cgroup.procs"
    exec setpriv --pdeathsig KILL unshare "${namespaces[@]}" --fork --kill-child=KILL \
        bash "$here/systemd_boot.sh" "$folder" "$network" "$name"
}

trap '' INT TERM HUP
exec 3<&0
boot_in_namespaces </dev/null 3<&- >"$folder/boot.log" 2>&1 &
host=$!
{ read -r _ <&3 || true; echo 1 >"$cgroup/cgroup.kill"; } >&- 2>&- &
input_watch=$!
exec 3<&-
wait "$host" || true
if [ ! -e "$folder/host.json" ]; then  # the starting process first reads boot.log
    touch "$folder/ended"
    wait "$input_watch" || true
fi
kill -KILL "$input_watch" 2>&- || true
remove_host
