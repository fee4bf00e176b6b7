#!/bin/bash
# plain_host.sh monitor FOLDER NAME PYTHON
# plain_host.sh boot FOLDER NAME PYTHON      (what the monitor runs in the namespaces that it makes)
# A worker host without root: namespaces of user, mounts, processes, host name and IPC, with plain_supervisor.py as
# the first process. It ends when standard input is closed; the starting process holds the other end of that pipe.
set -euo pipefail
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

mode=$1 folder=$2 name=$3 python=$4
here=$(dirname "$(readlink -f "$0")")
stage=$folder/stage

# The kernel refuses it on a mount with flags that this namespace may not change. Such a mount stays as writable as it
# is for the user.
make_read_only() {
    mount -o remount,bind,ro "$1" 2>/dev/null || true
}

# The kernel refuses an overlay of / in a user namespace that has not made the mounts below it. So the new root is a
# tmpfs of links and bind mounts, with folders of its own where a host writes.
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
                *) make_read_only "$stage$entry" ;;
            esac
        fi
    done
    mount --bind "$stage/proc/sys" "$stage/proc/sys"
    make_read_only "$stage/proc/sys"
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
    cp "$here/plain_supervisor.py" "$supervisor"
    hostname "$name"
    mkdir "$stage/.machine"
    cd "$stage"
    pivot_root . .machine
    umount -l /.machine
    rmdir /.machine
    exec env -i LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        "$python" -I /run/supervisor.py
}

if [ "$mode" = monitor ]; then
    trap '' INT TERM HUP
    unshare --user --map-root-user --mount --pid --uts --ipc --mount-proc --propagation private \
        --fork --kill-child=KILL bash "$0" boot "$folder" "$name" "$python" >"$folder/boot.log" 2>&1 || true
    if [ ! -e "$folder/host.json" ]; then  # the starting process first reads boot.log
        touch "$folder/ended"
        read -r _ || true
    fi
    rm -rf "$folder"
else
    build_root
    become_supervisor
fi
