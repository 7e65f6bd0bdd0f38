#!/usr/bin/env bash
# A long headless session: memory stays flat, nothing is lost, and the time to read a picture is told.
# usage: tests/bars/soak.sh [SECONDS] [SOURCE...]     (needs the release build; 600 s on the virtual probe by default)
set -euo pipefail
cd "$(dirname "$0")/../.."
app=${CARGO_TARGET_DIR:-target}/release/portsight
seconds=${1:-600}
[ $# -gt 0 ] && shift
source=("${@:-virtual}")
work=$(mktemp -d)
trap 'kill "$pid" 2>/dev/null || true; rm -rf "$work"' EXIT
export XDG_DATA_HOME=$work/data XDG_CONFIG_HOME=$work/config
"$app" live --source "${source[0]}" --headless --seconds "$seconds" --pump synchromed2-20 --needle 22G:51 \
  --json "$work/out.jsonl" >"$work/said.txt" 2>"$work/err.txt" &
pid=$!
# Resident memory in kB, every second after the first tenth of the run (buffers and pools are filled by then).
warm=$((seconds / 10 + 5)) least= most= passed=0
while kill -0 "$pid" 2>/dev/null; do
  sleep 1
  passed=$((passed + 1))
  now=$(awk '/^VmRSS/ {print $2}' "/proc/$pid/status" 2>/dev/null || true)
  if [ -z "$now" ] || [ "$passed" -le "$warm" ]; then continue; fi
  if [ -z "$least" ] || [ "$now" -lt "$least" ]; then least=$now; fi
  if [ -z "$most" ] || [ "$now" -gt "$most" ]; then most=$now; fi
done
wait "$pid" || { cat "$work/err.txt"; echo "FAILED: the session ended with an error"; exit 1; }
cat "$work/said.txt"
tail -n 1 "$work/out.jsonl" | sed -E 's/.*("form_times".*"read_times":\{[^}]*\}).*/\1/'
echo "resident memory from second $warm on: $least to $most kB"
[ "$((100 * (most - least)))" -le "$((5 * least))" ] || { echo "FAILED: memory grows by more than 5 %"; exit 1; }
