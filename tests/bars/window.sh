#!/usr/bin/env bash
# The real window under a virtual display: it appears, its picture moves, marks are drawn, one key hides them.
# usage: tests/bars/window.sh [--install] [OUTDIR]     (needs the release build; exits 1 on the first thing wrong)
set -euo pipefail
cd "$(dirname "$0")/../.."
if [ "${1:-}" = --install ]; then
  shift
  if ! command -v Xvfb >/dev/null || ! command -v xdotool >/dev/null || ! command -v import >/dev/null; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq xvfb xdotool imagemagick libgl1 libgl1-mesa-dri libegl1 \
      libx11-6 libx11-xcb1 libxcursor1 libxi6 libxrandr2 libxkbcommon0 libxkbcommon-x11-0 >/dev/null
  fi
fi
out=${1:-$(mktemp -d)}
mkdir -p "$out"
app=${CARGO_TARGET_DIR:-target}/release/portsight
size=${SIZE:-1280x800}
export XDG_DATA_HOME=$out/data XDG_RUNTIME_DIR=$out LIBGL_ALWAYS_SOFTWARE=1
exec 3< <(Xvfb -displayfd 1 -screen 0 "${size}x24" -nolisten tcp 2>/dev/null)
server=$!
read -r number <&3
export DISPLAY=:$number
"$app" >"$out/app.log" 2>&1 &
pid=$!
trap 'kill "$pid" "$server" 2>/dev/null || true' EXIT
fail() { echo "FAILED: $1"; import -window root "$out/failed.png" || true; cat "$out/app.log"; exit 1; }

for try in $(seq 100); do
  window=$(xdotool search --onlyvisible --pid "$pid" 2>/dev/null | head -n 1) && [ -n "$window" ] && break
  kill -0 "$pid" 2>/dev/null || fail "the app ended before its window appeared"
  [ "$try" = 100 ] && fail "no window within 10 s"
  sleep 0.1
done
xdotool windowfocus "$window" 2>/dev/null || true
sleep 1.5
import -window root "$out/start.png"
xdotool key Return
sleep 6
# Share of pixels (per mille of the screen) that are close to a colour.
share() { convert "$1" -fuzz 6% -fill black +opaque "$2" -fill white -opaque "$2" -format '%[fx:int(1000000*mean)]' info:; }
import -window root "$out/first.png"
sleep 0.5
import -window root "$out/second.png"
moved=$(compare -metric AE -fuzz 4% "$out/first.png" "$out/second.png" null: 2>&1 || true)
moved=${moved%% *}
awk -v n="$moved" 'BEGIN{exit !(n > 5000)}' || fail "the picture does not move: $moved pixels differ after 0.5 s"
xdotool key o
sleep 0.7
import -window root "$out/hidden.png"
xdotool key o
sleep 0.7
without=$(share "$out/hidden.png" '#5cc8ff')
# A picture that a slow machine could not read in time carries no marks: look a few times.
for try in $(seq 10); do
  import -window root "$out/shown.png"
  with=$(share "$out/shown.png" '#5cc8ff')
  awk -v a="$with" -v b="$without" 'BEGIN{exit !(a > b + 100)}' && break
  sleep 0.4
done
awk -v a="$with" -v b="$without" 'BEGIN{exit !(a > b + 100)}' || fail "no marks over the picture: $with against $without without the overlay"
xdotool key space
sleep 0.5
import -window root "$out/frozen.png"
kill -0 "$pid" 2>/dev/null || fail "the app died"
echo "window: picture moves ($moved pixels in 0.5 s), marks drawn ($with against $without millionths), pictures in $out"
