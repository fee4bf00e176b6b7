#!/bin/bash
# keep.sh FOLDER CGROUP NETWORK NAME
# Keeps one worker host: boots it, waits until it has ended, and leaves nothing of it behind.
# The host ends when it powers off, when its cgroup is killed, or when standard input is closed. The process that
# started the host holds that pipe, so a runner that dies in any way takes its hosts with it.
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
        bash "$here/boot.sh" "$folder" "$network" "$name"
}

trap '' INT TERM HUP
exec 3<&0
boot_in_namespaces </dev/null 3<&- >"$folder/boot.log" 2>&1 &
host=$!
{ read -r _ <&3 || true; echo 1 >"$cgroup/cgroup.kill"; } >&- 2>&- &
lifeline=$!
exec 3<&-
wait "$host" || true
if [ ! -e "$folder/host.json" ]; then  # whoever started it first reads what went wrong
    touch "$folder/ended"
    wait "$lifeline" || true
fi
kill -KILL "$lifeline" 2>&- || true
remove_host
