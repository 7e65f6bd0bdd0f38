#!/bin/busybox sh
# The first process of the guest. It loads the kernel's own USB drivers, has devices plugged in from outside (orders go
# out on the second serial port, see redir_host), runs portsight on them, and sends what it wrote out on the third.
# Every wait has a limit.
/bin/busybox mkdir -p /proc /sys /dev /tmp /root /results /sbin /usr/bin
/bin/busybox --install -s /bin
export PATH=/bin HOME=/root TERM=dumb RUST_BACKTRACE=1
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
since_boot() { cut -d' ' -f1 /proc/uptime; }
say() { echo "guest $(since_boot) s: $*"; }
say "init"
while read -r module; do insmod "/modules/$module" || say "insmod $module failed"; done </modules/order
say "modules loaded"

stty -F /dev/ttyS1 raw -echo
stty -F /dev/ttyS2 raw -echo
exec 3<>/dev/ttyS1
order() {
    answer=
    echo "$*" >&3
    read -r -t 5 answer <&3
    [ "$answer" = ok ] || say "order '$*' was answered '$answer'"
}
# Whether a USB device with these numbers is there.
there() { grep -qs "PRODUCT=$1/$2/" /sys/bus/usb/devices/*/uevent; }
# Waits up to ten seconds for a command to succeed.
await() {
    tries=0
    until "$@"; do
        tries=$((tries + 1))
        if [ "$tries" -ge 100 ]; then
            say "gave up waiting for: $*"
            return 1
        fi
        usleep 100000
    done
}
gone() { ! "$@"; }
# What was written since this was last called goes out at once: a guest that is stopped has told all until then.
send() { cd /results && tar cf - . | gzip -1 >/dev/ttyS2 && rm -f ./* && cd /; }
# name, seconds at most, and a command; its words and exit status are kept
run_client() {
    name=$1
    limit=$2
    shift 2
    began=$(since_boot)
    # INT first, so that a program can stop what it drives; KILL if it does not.
    timeout -s INT -k 5 "$limit" "$@" >"/results/$name.out" 2>"/results/$name.err"
    status=$?
    echo "$status" >"/results/$name.status"
    say "$name: exit status $status, began at $began s"
    send
}
# name, seconds at most, and what portsight is to do; its journal is kept as well
run() {
    rm -rf "$HOME/.local"
    called=$1
    seconds=$2
    shift 2
    run_client "$called" "$seconds" portsight "$@"
    cat "$HOME"/.local/share/portsight/*/journal.jsonl >"/results/$called.journal" 2>/dev/null
    send
}
# portsight.plan=NAME on the kernel's command line says which part is this guest's.
plan=$(sed -n 's/.*portsight\.plan=\([a-z]*\).*/\1/p' /proc/cmdline)
. /plan.sh
dmesg >/results/dmesg.out
send
# The port has taken everything when its queue is empty.
stty -F /dev/ttyS2 sane
say "results sent"
sync
reboot -f
