#!/bin/bash
# systemd_boot.sh FOLDER NETWORK NAME
# The first process of a worker host, in namespaces of its own: builds the host's root and becomes its systemd.
# The root is an overlay of the machine's own; what the host writes goes to a tmpfs and is lost with it.
set -euo pipefail
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

folder=$1 network=$2 name=$3
stage=$folder/stage root=$stage/root

# systemd would change the real kernel's settings through /proc/sys, and act on real disks and consoles.
masked_units=(
    console-getty.service getty.target systemd-logind.service systemd-udevd.service systemd-udev-trigger.service
    systemd-udevd-control.socket systemd-udevd-kernel.socket
    systemd-sysctl.service systemd-modules-load.service systemd-binfmt.service proc-sys-fs-binfmt_misc.automount
    systemd-random-seed.service systemd-update-utmp.service systemd-update-utmp-runlevel.service
    systemd-firstboot.service systemd-machine-id-commit.service systemd-journal-flush.service systemd-pstore.service
    systemd-tmpfiles-clean.timer kmod-static-nodes.service systemd-journald-audit.socket dev-hugepages.mount
    dev-mqueue.mount sys-kernel-config.mount sys-kernel-debug.mount sys-kernel-tracing.mount
    sys-fs-fuse-connections.mount
    # All hosts share the 128 inotify instances that the kernel gives to one user; without these, a host needs
    # two or three instead of six. systemctl, as root, does not need D-Bus.
    dbus.service dbus.socket systemd-ask-password-console.path systemd-ask-password-wall.path
    systemd-initctl.socket systemd-sysusers.service
)

write_own_pid() {  # /proc is still the machine's, so this is the pid outside the host
    local pid
    read -r pid _ </proc/self/stat
    echo "$pid" >"$folder/init.pid.new"
    mv "$folder/init.pid.new" "$folder/init.pid"
}

mount_root() {
    mount -t tmpfs -o size=512m,mode=755 tmpfs "$stage"
    mkdir "$stage/upper" "$stage/work" "$root"
    mount -t overlay -o "lowerdir=/,upperdir=$stage/upper,workdir=$stage/work" overlay "$root"
}

mount_kernel_interfaces() {
    mount -t proc proc "$root/proc"
    local path
    for path in sys sysrq-trigger; do
        if [ ! -e "$root/proc/$path" ]; then continue; fi
        mount --bind "$root/proc/$path" "$root/proc/$path"
        mount -o remount,bind,ro "$root/proc/$path"
    done
    mount -t sysfs -o ro sysfs "$root/sys"
    mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
}

mount_scratch() {
    mount -t tmpfs -o mode=755 tmpfs "$root/run"
    mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
    mount -t tmpfs -o mode=755 tmpfs "$root/dev"
}

make_devices() {
    local device
    for device in null zero full random urandom tty; do
        : >"$root/dev/$device"
        mount --bind "/dev/$device" "$root/dev/$device"
    done
    mkdir "$root/dev/pts" "$root/dev/shm"
    mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$root/dev/pts"
    mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
    ln -s pts/ptmx "$root/dev/ptmx"
    ln -s /proc/self/fd "$root/dev/fd"
    ln -s fd/0 "$root/dev/stdin"
    ln -s fd/1 "$root/dev/stdout"
    ln -s fd/2 "$root/dev/stderr"
    ln -s null "$root/dev/console"
}

# The machine's own services, generators and mounts must not start again in the host.
remove_machine_settings() {
    local unit units=$root/etc/systemd/system
    rm -rf "$units"/*.wants "$units"/*.requires "$root"/usr/lib/systemd/system-generators \
        "$root"/etc/systemd/system-generators
    mkdir -p "$units"
    for unit in "${masked_units[@]}"; do ln -sf /dev/null "$units/$unit"; done
    rm -f "$root/etc/fstab" "$root/etc/hostname" "$root/etc/hosts" "$root/etc/machine-id"
    : >"$root/etc/fstab"
    echo "$name" >"$root/etc/hostname"
    printf '127.0.0.1 localhost %s\n::1 localhost\n' "$name" >"$root/etc/hosts"
    printf '%s' "$name-$folder" | md5sum | cut -c 1-32 >"$root/etc/machine-id"
    mkdir -p "$root/etc/systemd/journald.conf.d"
    printf '[Journal]\nStorage=volatile\nRuntimeMaxUse=8M\nReadKMsg=no\nAudit=no\n' \
        >"$root/etc/systemd/journald.conf.d/worker-host.conf"
}

add_booted_unit() {
    printf '%s\n' '[Unit]' 'After=multi-user.target' '[Service]' 'Type=oneshot' \
        'ExecStart=/usr/bin/touch /run/worker-host-booted' \
        >"$root/etc/systemd/system/worker-host-booted.service"
    mkdir "$root/etc/systemd/system/multi-user.target.wants"
    ln -s ../worker-host-booted.service "$root/etc/systemd/system/multi-user.target.wants/"
}

become_systemd() {
    local dropped=-sys_time,-sys_module,-sys_rawio,-syslog,-audit_control,-audit_read,-mac_admin,-mac_override
    if [ "$network" != private ]; then dropped+=,-net_admin; fi
    hostname "$name"
    mkdir "$root/.machine"
    cd "$root"
    pivot_root . .machine
    umount -l /.machine
    rmdir /.machine
    exec env -i container=worker-host PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        setpriv --bounding-set "$dropped" --inh-caps "$dropped" \
        /lib/systemd/systemd --system --show-status=no --log-target=journal systemd.unit=multi-user.target </dev/null
}

write_own_pid
mount_root
mount_kernel_interfaces
mount_scratch
make_devices
remove_machine_settings
add_booted_unit
become_systemd
