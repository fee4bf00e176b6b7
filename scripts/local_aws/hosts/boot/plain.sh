#!/bin/bash
# plain.sh keep FOLDER NAME PYTHON   or, in the namespaces that it makes:   plain.sh boot FOLDER NAME PYTHON
# A worker host for those who are not root: namespaces of user, mounts, processes, host name and IPC, with
# supervisor.py as the first process. It ends when standard input is closed, which the starting process holds.
set -euo pipefail
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

mode=$1 folder=$2 name=$3 python=$4
here=$(dirname "$(readlink -f "$0")")
stage=$folder/stage

# Refused on a mount with flags that this namespace may not change; then it is as writable as it is to the user.
read_only() {
    mount -o remount,bind,ro "$1" 2>/dev/null || true
}

# An overlay of / is refused here, since a user's namespace may not look behind the mounts below it. So the new
# root is a tmpfs of links and binds, with folders of its own where a host writes.
build_root() {
    local entry
    mount -t tmpfs -o size=256m,mode=755 tmpfs "$stage"
    for entry in /*; do
        case $entry in
            /tmp | /run | /var | /root | /lost+found) continue ;;
        esac
        if [ -L "$entry" ]; then
            ln -s "$(readlink "$entry")" "$stage$entry"
        elif [ -d "$entry" ]; then
            mkdir "$stage$entry"
            mount --rbind "$entry" "$stage$entry"
            case $entry in
                /dev | /proc | /sys) ;;
                *) read_only "$stage$entry" ;;
            esac
        fi
    done
    mount --bind "$stage/proc/sys" "$stage/proc/sys"
    read_only "$stage/proc/sys"
    mkdir -p "$stage/run" "$stage/root" "$stage/var/app" "$stage/var/lib" "$stage/var/log" "$stage/var/tmp"
    mkdir -m 1777 "$stage/tmp"
    ln -s ../run "$stage/var/run"
    if [ ! -e "$stage$python" ]; then
        local prefix=${python%/bin/*}
        mkdir -p "$stage$prefix"
        mount --rbind "$prefix" "$stage$prefix"
    fi
}

become_supervisor() {
    local supervisor=$stage/run/supervisor.py
    cp "$here/supervisor.py" "$supervisor"
    hostname "$name"
    mkdir "$stage/.machine"
    cd "$stage"
    pivot_root . .machine
    umount -l /.machine
    rmdir /.machine
    exec env -i LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        "$python" -I /run/supervisor.py
}

if [ "$mode" = keep ]; then
    trap '' INT TERM HUP
    unshare --user --map-root-user --mount --pid --uts --ipc --mount-proc --propagation private \
        --fork --kill-child=KILL bash "$0" boot "$folder" "$name" "$python" >"$folder/boot.log" 2>&1 || true
    if [ ! -e "$folder/host.json" ]; then  # whoever started it first reads what went wrong
        touch "$folder/ended"
        read -r _ || true
    fi
    rm -rf "$folder"
else
    build_root
    become_supervisor
fi
