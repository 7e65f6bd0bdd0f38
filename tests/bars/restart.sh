#!/usr/bin/env bash
# Kills the real window with SIGKILL in the middle of a refill and starts it again: live within 5 s, nothing of the plan
# restored, and the journal of the killed session still holds but for its closing entry (H37).
# usage: tests/bars/restart.sh [TIMES]     (3 unless told; needs the release build and what window.sh --install brings)
set -euo pipefail
cd "$(dirname "$0")/../.."
times=${1:-3}
app=${PORTSIGHT_BINARY:-${CARGO_TARGET_DIR:-target}/release/portsight}
out=$(mktemp -d)
mkdir "$out/data"
export XDG_DATA_HOME=$out/data XDG_RUNTIME_DIR=$out LIBGL_ALWAYS_SOFTWARE=1
unset WAYLAND_DISPLAY
exec 3< <(Xvfb -displayfd 1 -screen 0 1280x800x24 -nolisten tcp 2>/dev/null)
server=$!
pid=
trap 'kill -9 $pid 2>/dev/null || true; kill "$server" 2>/dev/null || true; rm -rf "$out"' EXIT
read -r number <&3
export DISPLAY=:$number
fail() { echo "FAILED: $1"; cat "$out/app.log"; exit 1; }
now() { date +%s%3N; }
# Starts the app and waits until its window is there and a journal that was not there before says that frames come.
start() {
  local known begun
  known=$(find "$out/data" -name journal.jsonl 2>/dev/null | wc -l)
  begun=$(now)
  "$app" live --source virtual:easy >"$out/app.log" 2>&1 &
  pid=$!
  while :; do
    journal=$(find "$out/data" -name journal.jsonl -newermt "@$((begun / 1000 - 1))" 2>/dev/null | sort | tail -n 1)
    if [ "$(find "$out/data" -name journal.jsonl 2>/dev/null | wc -l)" -gt "$known" ] &&
      [ -n "$journal" ] && grep -q '"state":"running"' "$journal" &&
      [ -n "$(xdotool search --onlyvisible --pid "$pid" 2>/dev/null)" ]; then break; fi
    kill -0 "$pid" 2>/dev/null || fail "the app ended"
    [ $(($(now) - begun)) -lt 20000 ] || fail "not live within 20 s"
    sleep 0.02
  done
  took=$(($(now) - begun))
}
start
slowest=0
for turn in $(seq "$times"); do
  sleep 1.5
  xdotool key Return; sleep 0.3
  xdotool key Return; sleep 0.5
  kill -9 "$pid"
  { wait "$pid" || true; } 2>/dev/null
  broken=$journal
  start
  [ "$took" -lt 5000 ] || fail "live again after $took ms"
  [ "$took" -le "$slowest" ] || slowest=$took
  [ "$journal" != "$broken" ] || fail "the killed session was gone on with"
  if grep -q '"event":"refill"\|plane_confirmed' "$journal"; then fail "something of the killed refill was restored"; fi
  said=$("$app" verify "$broken" 2>&1) || true
  grep -q 'closing entry' <<<"$said" || fail "the cut journal is not told from a whole one: $said"
  if grep -q 'is the first' <<<"$said"; then fail "an entry of the killed session does not hold: $said"; fi
done
echo "restart: live again after at most $slowest ms in $times restarts, nothing restored"
