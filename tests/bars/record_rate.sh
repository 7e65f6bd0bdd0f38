#!/usr/bin/env bash
# Records the virtual probe at 60 frames a second and says what it cost: frames stored and lost, packing, CPU, memory.
# Usage: tests/bars/record_rate.sh [SECONDS]   (20 unless told; the long form is 600)
# Fails when fewer than 99.9 % of the frames are stored, when one is missing without a word, or when memory grows by more
# than 5 % from the first tenth of the run to its end.
set -euo pipefail
cd "$(dirname "$0")/../.."
binary=$(realpath "${PORTSIGHT_BINARY:-${CARGO_TARGET_DIR:-target}/release/portsight}")
[ -x "$binary" ] || cargo build --release
seconds=${1:-20}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
file="$folder/rate.mcap"
"$binary" record --source virtual --seed 1 --fps 60 --seconds "$seconds" --out "$file" >"$folder/said" &
running=$!
resident() { awk '/^VmRSS/ { print $2 }' "/proc/$running/status" 2>/dev/null || true; }
sleep $((seconds / 10 + 1))
first=$(resident)
last=$first
while kill -0 "$running" 2>/dev/null; do
    now=$(resident)
    [ -z "$now" ] || last=$now
    sleep 1
done
wait "$running"
cat "$folder/said"
stored=$(awk '/frames stored/ { print $1 }' "$folder/said")
lost=$(awk '/frames stored/ { print $4 }' "$folder/said")
size=$(stat -c %s "$file")
"$binary" verify "$file"
awk -v stored="$stored" -v lost="$lost" -v seconds="$seconds" -v size="$size" -v first="$first" -v last="$last" 'BEGIN {
    raw = stored * 192 * 512 * 2
    printf "record_rate.sh: %d frames in %d s (%.2f/s), %d lost; %.1f MB/s, ratio %.2f to 192 x 512 samples of 16 bits; memory %.1f MB, then %.1f MB\n",
        stored, seconds, stored / seconds, lost, size / seconds / 1e6, raw / size, first / 1024, last / 1024
    if (stored < 0.999 * 60 * (seconds - 1)) { print "record_rate.sh: too few frames"; exit 1 }
    if (lost > 0.001 * (stored + lost)) { print "record_rate.sh: too many lost"; exit 1 }
    if (last > 1.05 * first) { print "record_rate.sh: memory grew"; exit 1 }
}'
