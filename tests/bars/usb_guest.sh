#!/usr/bin/env bash
# The real USB path, without hardware: Debian's kernel in QEMU (xhci_hcd, usbcore, usbfs, uvcvideo) and in it the release
# binary, with virtual probes and a virtual frame grabber plugged in from outside over usb-redir (tests/usb).
# Installs what it needs (Debian 12, as root); runs without KVM. Prints "skipped: why" and ends with 77 only when this
# machine cannot run it at all; ends with 1 when a check failed.
# usage: tests/bars/usb_guest.sh      PORTSIGHT_BINARY names another binary; the release build is made when there is none
set -euo pipefail
cd "$(dirname "$0")/../.."
repository=$PWD
target=${CARGO_TARGET_DIR:-$repository/target}
binary=${PORTSIGHT_BINARY:-${PORTSIGHT:-$target/release/portsight}}
cache=$target/usb_guest
# Seconds a guest may take from power on to its last results; on two idle cores it takes a third of that.
guest_limit=${PORTSIGHT_GUEST_LIMIT:-480}

skipped() {
    echo "skipped: $*"
    exit 77
}
step() { printf '%4d s  %s\n' "$SECONDS" "$*"; }

[ "$(uname -m)" = x86_64 ] || skipped "the guest is an x86_64 machine, this one is $(uname -m)"
wanted=()
command -v qemu-system-x86_64 >/dev/null || wanted+=(qemu-system-x86)
command -v busybox >/dev/null && ! ldd "$(command -v busybox)" >/dev/null 2>&1 || wanted+=(busybox-static)
command -v cpio >/dev/null || wanted+=(cpio)
[ -x /sbin/depmod ] || [ -x /usr/sbin/depmod ] || wanted+=(kmod)
command -v xz >/dev/null || wanted+=(xz-utils)
export PATH=$PATH:/usr/sbin:/sbin DEBIAN_FRONTEND=noninteractive
command -v apt-get >/dev/null || skipped "no apt-get: the guest's kernel is Debian's"
mkdir -p "$cache"
apt_get() { apt-get -qq -o DPkg::Lock::Timeout=180 -o Acquire::Retries=2 "$@"; }
if [ ${#wanted[@]} -gt 0 ]; then
    [ "$(id -u)" = 0 ] || skipped "needs root to install ${wanted[*]}"
    step "installs ${wanted[*]}"
    { apt_get update && apt_get install -y --no-install-recommends "${wanted[@]}"; } >"$cache/install.log" 2>&1 || {
        tail -5 "$cache/install.log"
        skipped "could not install ${wanted[*]}"
    }
fi

# The kernel. Its package is named after its interface version, which changes.
newest_kernel() { apt-cache depends linux-image-amd64 2>/dev/null | awk '/Depends: linux-image/ { print $2; exit }'; }
kernel=$(newest_kernel)
if [ -z "$kernel" ]; then
    apt_get update >/dev/null 2>&1 || true
    kernel=$(newest_kernel)
fi
[ -n "$kernel" ] || kernel=$(cat "$cache/kernel" 2>/dev/null || true)
[ -n "$kernel" ] || skipped "no package linux-image-amd64 in the package lists"
if [ "$(cat "$cache/kernel" 2>/dev/null)" != "$kernel" ]; then
    step "fetches $kernel"
    rm -rf "$cache/unpacked" "$cache/kernel" "$cache"/*.deb
    (cd "$cache" && apt_get download "$kernel" >fetch.log 2>&1) || {
        tail -5 "$cache/fetch.log"
        skipped "could not fetch $kernel"
    }
    dpkg-deb -x "$cache/$kernel"_*.deb "$cache/unpacked"
    rm -f "$cache"/*.deb
    image=$(ls "$cache"/unpacked/boot/vmlinuz-*)
    # QEMU boots the plain ELF file behind the self-extracting one three times as fast.
    offset=$(LC_ALL=C grep -abo -m1 -P '\xfd7zXZ\x00' "$image" | cut -d: -f1 | head -1)
    # xz complains about what stands behind its stream; the file says whether it worked.
    tail -c "+$((offset + 1))" "$image" | xz -dc >"$cache/vmlinux" 2>/dev/null || true
    [ "$(head -c 4 "$cache/vmlinux")" = $'\x7fELF' ] || {
        echo "usb_guest.sh: no ELF kernel was found in $image" >&2
        exit 1
    }
    depmod -b "$cache/unpacked" "${image##*/vmlinuz-}"
    echo "$kernel" >"$cache/kernel"
fi
release=$(ls "$cache/unpacked/lib/modules")

if [ ! -x "$binary" ]; then
    step "builds the release binary"
    cargo build --release --bin portsight
fi
step "builds the virtual devices"
devices_target=$repository/tests/usb/target
(cd tests/usb && CARGO_TARGET_DIR=$devices_target cargo build -q --features client)
tools=$devices_target/debug

step "packs the guest"
work=$(mktemp -d)
pids=()
cleanup() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    rm -rf "$work"
}
trap cleanup EXIT
root=$work/root
mkdir -p "$root"/{bin,modules}
cp "$(command -v busybox)" "$root/bin/busybox"
cp tests/usb/guest_init.sh "$root/init"
for tool in probe_client grab_client; do cp "$tools/$tool" "$root/bin/"; done
cp "${PORTSIGHT_GUEST_PLAN:-tests/usb/guest_plan.sh}" "$root/plan.sh"
chmod +x "$root/init"
for module in xhci-pci uvcvideo; do
    modprobe -d "$cache/unpacked" -S "$release" --show-depends "$module"
done | awk '/^insmod/ && !seen[$2]++ { print $2 }' >"$work/modules"
while read -r path; do
    name=$(basename "$path")
    case $name in
    *.xz) xz -dc "$path" >"$root/modules/${name%.xz}" ;;
    *) cp "$path" "$root/modules/$name" ;;
    esac
    echo "${name%.xz}" >>"$root/modules/order"
done <"$work/modules"
# The program as it is built, without its line tables, and the libraries it is linked to.
strip --strip-debug -o "$root/bin/portsight" "$binary" 2>/dev/null || cp "$binary" "$root/bin/portsight"
ldd "$binary" | awk '$2 == "=>" && $3 ~ /^\// { print $3 } $1 ~ /^\// { print $1 }' >"$work/libraries"
while read -r library; do
    mkdir -p "$root$(dirname "$library")"
    cp -L "$library" "$root$library"
done <"$work/libraries"
(cd "$root" && find . | cpio -o -H newc --quiet) >"$work/initrd"

# plan, devices: boots one guest, waits for its end and unpacks what it sent
guest() {
    local plan=$1 own=$work/$1 plugs=() sockets=() device qemu host begun=$SECONDS
    shift
    mkdir -p "$own"
    for device in "$@"; do
        plugs+=(-chardev "socket,id=$device,path=$own/$device.sock,server=on,wait=off"
            -device "usb-redir,chardev=$device,id=usb-$device")
        sockets+=("$device=$own/$device.sock")
    done
    # Without AVX: emulating it costs more than it saves.
    qemu-system-x86_64 -machine q35,accel=tcg -cpu "${PORTSIGHT_GUEST_CPU:-qemu64}" -smp 1 -m 512 \
        -nodefaults -no-user-config -display none -no-reboot -kernel "$cache/vmlinux" -initrd "$work/initrd" \
        -append "console=ttyS0 quiet panic=-1 portsight.plan=$plan" -serial "file:$own/console" \
        -chardev "socket,id=orders,path=$own/orders.sock,server=on,wait=off" -serial chardev:orders \
        -serial "file:$own/results.tar.gz" -device qemu-xhci,p2=8,p3=8 "${plugs[@]}" >"$own/qemu.log" 2>&1 &
    qemu=$!
    "$tools/redir_host" --orders "$own/orders.sock" --records "$work/records" "${sockets[@]}" >"$own/host.log" 2>&1 &
    host=$!
    trap 'kill $qemu $host 2>/dev/null; exit 1' TERM
    while kill -0 "$qemu" 2>/dev/null; do
        if [ $((SECONDS - begun)) -ge "$guest_limit" ]; then
            echo "guest stopped: $plan was not done within $guest_limit s" >>"$own/host.log"
            kill "$qemu" || true
            break
        fi
        sleep 0.2
    done
    wait "$qemu" || true
    # The device end writes its records once QEMU is gone.
    for _ in $(seq 50); do
        kill -0 "$host" 2>/dev/null || break
        sleep 0.1
    done
    kill "$host" 2>/dev/null || true
    # A guest that was stopped leaves a cut archive; what is whole in it counts.
    gzip -dc "$own/results.tar.gz" 2>/dev/null | tar xif - -C "$work/results" 2>/dev/null || true
    mv "$work/results/dmesg.out" "$own/dmesg" 2>/dev/null || true
}

step "starts two guests ($kernel, QEMU $(qemu-system-x86_64 --version | awk 'NR == 1 { print $4 }'), no KVM)"
mkdir -p "$work/results" "$work/records"
guest bar interson &
pids+=($!)
guest others grabber interson-faults interson-pattern interson-listed reference &
pids+=($!)
wait "${pids[@]}" || true
pids=()
step "the guests are done"
if [ -n "${PORTSIGHT_GUEST_KEEP:-}" ]; then
    rm -rf "$PORTSIGHT_GUEST_KEEP"
    mkdir -p "$PORTSIGHT_GUEST_KEEP"
    cp -r "$work"/{results,records,bar,others} "$PORTSIGHT_GUEST_KEEP"
fi
status=0
"$tools/guest_check" "$work/results" "$work/records" >"$work/verdict" || status=1
for plan in bar others; do
    printf '%s\n' "--- guest $plan"
    grep -a '^guest ' "$work/$plan/console" || true
    [ "$status" = 0 ] || { tail -20 "$work/$plan/console"; cat "$work/$plan/host.log" "$work/$plan/qemu.log"; }
done
cat "$work/verdict"
exit "$status"
