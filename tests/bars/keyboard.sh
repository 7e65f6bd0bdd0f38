#!/usr/bin/env bash
# A whole refill in the real window under a virtual display, all nine steps by keyboard alone, no mouse at any point.
# usage: tests/bars/keyboard.sh [OUTDIR]     (needs the release build and what window.sh --install brings)
# Keys are pressed only after the journal says what the key before did, so it works on a slow machine too. A picture of
# every step is left in OUTDIR to be looked at.
set -euo pipefail
cd "$(dirname "$0")/../.."
out=${1:-$(mktemp -d)}
mkdir -p "$out"
app=${PORTSIGHT_BINARY:-${CARGO_TARGET_DIR:-target}/release/portsight}
export XDG_DATA_HOME=$out/data XDG_RUNTIME_DIR=$out LIBGL_ALWAYS_SOFTWARE=1
unset WAYLAND_DISPLAY
exec 3< <(Xvfb -displayfd 1 -screen 0 "${SIZE:-1280x800}x24" -nolisten tcp 2>/dev/null)
server=$!
read -r number <&3
export DISPLAY=:$number
"$app" live --source virtual:easy >"$out/app.log" 2>&1 &
pid=$!
trap 'kill "$pid" "$server" 2>/dev/null || true' EXIT
fail() {
  echo "FAILED: $1"
  import -window root "$out/failed.png" || true
  tail -n 5 "$journal" 2>/dev/null || true
  cat "$out/app.log"
  exit 1
}
journal=
for try in $(seq 200); do
  window=$(xdotool search --onlyvisible --pid "$pid" 2>/dev/null | head -n 1) || true
  journal=$(find "$out/data" -name journal.jsonl 2>/dev/null | head -n 1) || true
  [ -n "$window" ] && [ -n "$journal" ] && break
  kill -0 "$pid" 2>/dev/null || fail "the app ended before its window appeared"
  [ "$try" = 200 ] && fail "no window with a journal within 20 s"
  sleep 0.1
done
xdotool windowfocus "$window" 2>/dev/null || true
sleep 1.5

press() { xdotool key --delay 60 "$@"; }
# How many entries of the journal match.
entries() { grep -c -- "$1" "$journal" || true; }
# Waits for an entry more than there were; 77 tries of 0.1 s.
came() {
  local try
  for try in $(seq 77); do
    [ "$(entries "$1")" -gt "$2" ] && return 0
    sleep 0.1
  done
  return 1
}
# Presses keys until the journal has another entry of this kind; more than once only where a person would press again.
press_for() { # pattern, times, keys
  local pattern=$1 times=$2 before try
  shift 2
  before=$(entries "$pattern")
  for try in $(seq "$times"); do
    press "$@"
    came "$pattern" "$before" && return 0
  done
  fail "no $pattern after $times times $*"
}
# Enter leads to the field that is wanted; what is typed is entered by Enter.
fill() { # what is missing, field, text
  press_for "\"reason\":\"$1\"" 1 Return
  sleep 0.6
  xdotool type --delay 60 "$3"
  press_for "\"field\":\"$2\"" 1 Return
}
look() { sleep 0.7; import -window root "$out/$1.png"; }
step() { press_for "\"step\":\"$1\"" "${2:-1}" Return; }

press_for 'research_notice_acknowledged' 1 Return
fill identity study_code K-0147
look 1-identify
fill drug drug baclofen
fill expected_residual expected_residual 3.2
step scan_for_fluid
look 2-fluid
press_for fluid_answered 1 a
step find_port
look 3-find
# The port under the middle of the probe, or turning would lose it.
press Right Right
step confirm_planes 6
press_for '"plane":1' 6 v
look 4-first-plane
for turn in $(seq 18); do press bracketright; sleep 0.15; done
sleep 1
press_for '"plane":2' 6 v
step approach 3
look 5-approach-mark
press_for way_chosen 1 w
look 5-approach-out-of-plane
press_for way_chosen 1 w
look 5-approach-in-plane
press_for way_chosen 1 w
press_for '"what":"located"' 6 l
step puncture
press e
look card
press Escape
press_for '"what":"punctured"' 1 u
look 6-puncture
# Counted by mistake, taken back, counted again.
press_for taken_back 1 z
press_for '"what":"punctured"' 1 u
press_for stop_felt 1 t
step empty_and_compare
fill aspirated aspirated 1.4
look 7-empty
press_for gap_acknowledged 1 k
step fill
press_for '"reason":"aliquot"' 1 Return
sleep 0.6
xdotool type --delay 60 4.9
press_for '"what":"injected"' 1 Return
press_for '"what":"checked"' 1 b
look 8-fill
fill programmed programmed 4.9
step report
press_for needle_out 1 x
look 9-report
press_for '"what":"closed"' 1 Return
look 9-closed
kill -0 "$pid" 2>/dev/null || fail "the app died"
kill -INT "$pid"
for try in $(seq 100); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
kill -0 "$pid" 2>/dev/null && fail "the app did not end within 10 s"
session=$(dirname "$journal")
for file in session.json report.pdf report.html report.json; do
  test -s "$session/$file" || fail "$file is missing"
done
verdict=$("$app" verify "$session" 2>&1) || fail "the session does not hold: $verdict"
echo "keyboard: nine steps without a mouse, $(wc -l <"$journal") entries hold, pictures in $out"
