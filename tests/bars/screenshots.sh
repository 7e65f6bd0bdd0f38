#!/bin/sh
# Makes the pictures of the window in docs/ from the release binary and the virtual patient, with nobody at the
# keyboard: opens it on a display of its own, waits until so many frames were shown, and lets the window save itself.
# Needs Debian's xvfb, libgl1-mesa-dri, libxkbcommon-x11-0 (see README). Run from anywhere; no arguments.
set -eu
cd "$(dirname "$0")/../.."
binary=${PORTSIGHT_BINARY:-${CARGO_TARGET_DIR:-target}/release/portsight}
[ -x "$binary" ] || cargo build --release

command -v Xvfb >/dev/null || {
    echo "screenshots.sh: Xvfb is missing (Debian: apt-get install xvfb libgl1-mesa-dri)" >&2
    exit 1
}
runtime=$(mktemp -d)
export XDG_RUNTIME_DIR="$runtime"
numbers="$runtime/display"
Xvfb -displayfd 3 -screen 0 1920x1080x24 -nolisten tcp 3>"$numbers" 2>/dev/null &
server=$!
trap 'kill "$server" 2>/dev/null || true; rm -rf "$runtime"' EXIT INT TERM
tries=0
while [ ! -s "$numbers" ]; do
    tries=$((tries + 1))
    [ "$tries" -le 50 ] || { echo "screenshots.sh: Xvfb did not start" >&2; exit 1; }
    sleep 0.1
done
DISPLAY=":$(cat "$numbers")"
export DISPLAY
unset WAYLAND_DISPLAY

# name, preset, window size, frames to wait for
take() {
    "$binary" live --source "virtual:$2" --window-size "$3" \
        --screenshot "docs/$1.png" --screenshot-after "$4"
    [ -s "docs/$1.png" ] || { echo "screenshots.sh: docs/$1.png was not written" >&2; exit 1; }
    echo "docs/$1.png"
}

mkdir -p docs
take window easy 1920x1080 90
take window-small easy 1280x800 90
take window-withheld no-pump 1920x1080 60

# A refill at each of its steps, for docs/USER_GUIDE.md.
for step in 1 2 3 4 5 6 7 8 9; do
    "$binary" live --source virtual:easy --window-size 1280x800 \
        --screenshot "docs/step-$step.png" --screenshot-step "$step"
    [ -s "docs/step-$step.png" ] || { echo "screenshots.sh: docs/step-$step.png was not written" >&2; exit 1; }
    echo "docs/step-$step.png"
done
