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

# The two live ways on patients whose port is deep enough for them, the probe slid as the way asks for.
take_way() { # name, preset, way, slide in mm
    "$binary" live --source "virtual:$2" --needle 22G:89 --window-size 1280x800 \
        --screenshot "docs/$1.png" --screenshot-way "$3" --screenshot-slide="$4"
    [ -s "docs/$1.png" ] || { echo "screenshots.sh: docs/$1.png was not written" >&2; exit 1; }
    echo "docs/$1.png"
}
take_way way-out-of-plane deep 2 0
take_way way-in-plane deep 3 18

# Settings and training, by the keyboard: what the window saves by itself has no hands.
command -v xdotool >/dev/null && command -v import >/dev/null || {
    echo "screenshots.sh: xdotool and imagemagick are missing (tests/bars/window.sh --install brings them)" >&2
    exit 1
}
export XDG_DATA_HOME="$runtime/data" XDG_CONFIG_HOME="$runtime/config" XDG_CACHE_HOME="$runtime/cache"
by_hand() { # name, verb with its arguments; keys are pressed by the function "hand"
    name=$1
    shift
    "$binary" "$@" --window-size 1280x800 >"$runtime/log" 2>&1 &
    app=$!
    tries=0
    until window=$(xdotool search --onlyvisible --pid "$app" 2>/dev/null | head -n 1) && [ -n "$window" ]; do
        tries=$((tries + 1))
        [ "$tries" -le 200 ] || { echo "screenshots.sh: no window for $name" >&2; cat "$runtime/log" >&2; exit 1; }
        sleep 0.1
    done
    xdotool windowfocus "$window" 2>/dev/null || true
    sleep 2
    xdotool key Return
    sleep 1
    hand
    sleep 1
    import -window "$window" "docs/$name.png"
    kill -INT "$app"
    wait "$app" 2>/dev/null || true
    echo "docs/$name.png"
}
hand() { xdotool key 7; }
by_hand settings live --source virtual:easy
# Some answers, better and better, and the last one still on the screen.
hand() {
    for far in 0 2 4 5 6 7; do
        for step in $(seq "$far"); do xdotool key Left; xdotool key Up; sleep 0.1; done
        sleep 0.6
        xdotool key Return
        sleep 0.8
        [ "$far" = 7 ] || { xdotool key Return; sleep 1.5; }
    done
}
by_hand training train --seed 7
