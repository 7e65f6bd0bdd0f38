#!/usr/bin/env bash
# Kills running recordings at random moments (SIGKILL), and cuts one at random places, and checks what is left.
# Usage: tests/bars/record_kills.sh [KILLS] [CUTS] [SEED]   (10 kills, 50 cuts and seed 1 unless told; the long form is
# 200 500). After a kill no frame that was acknowledged may be missing; after a cut every frame whose chunk lies whole
# before it must be there. Every file must open or be recovered, and `verify` must say of each that it does not hold.
set -euo pipefail
cd "$(dirname "$0")/../.."
binary=$(realpath "${PORTSIGHT_BINARY:-${CARGO_TARGET_DIR:-target}/release/portsight}")
[ -x "$binary" ] || cargo build --release
kills=${1:-10} cuts=${2:-50} seed=${3:-1}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
# A linear congruential generator: the same seed gives the same moments everywhere.
draw() { seed=$(((seed * 1103515245 + 12345) % 2147483648)); drawn=$((seed / 1024 % $1)); }
frames_of() { sed -n 's/^\([0-9][0-9]*\) frames are whole.*/\1/p' | head -n 1; }
bad=0
complain() { bad=$((bad + 1)); echo "record_kills.sh: $*" >&2; }

acknowledged_all=0 kept_all=0 early=0
for kill_number in $(seq "$kills"); do
    file="$folder/kill.mcap"
    rm -f "$folder"/*
    draw 2500
    "$binary" record --source virtual --seed "$kill_number" --fps 60 --seconds 60 --out "$file" --acknowledge \
        >"$folder/said" 2>/dev/null &
    running=$!
    sleep "$(printf '%d.%03d' $((drawn / 1000)) $((drawn % 1000)))"
    kill -9 "$running"
    wait "$running" 2>/dev/null || true
    # A last line without its end was cut by the kill: it was never said.
    acknowledged=$(awk 'BEGIN { n = 0 } /^stored [0-9]+$/ { n = last; last = $2 } END { if (last > n) n = last; print n + 0 }' "$folder/said")
    if [ "$acknowledged" -eq 0 ]; then early=$((early + 1)); continue; fi
    said=$("$binary" verify "$file" 2>/dev/null) && complain "kill $kill_number: a file that was killed is said to hold"
    kept=$(printf '%s\n' "$said" | frames_of)
    acknowledged_all=$((acknowledged_all + acknowledged)) kept_all=$((kept_all + ${kept:-0}))
    [ "${kept:-0}" -ge "$acknowledged" ] || complain "kill $kill_number: $acknowledged acknowledged, ${kept:-0} kept"
    if ! "$binary" recover "$file" >/dev/null || ! "$binary" verify "$folder/kill.recovered.mcap" >/dev/null; then
        complain "kill $kill_number: not recovered"
    fi
done
echo "record_kills.sh: $kills kills ($early before the first acknowledged frame): $acknowledged_all frames acknowledged, $kept_all kept"

rm -f "$folder"/*
whole="$folder/whole.mcap"
"$binary" record --source virtual --seed 7 --fps 60 --seconds 3 --out "$whole" >/dev/null
size=$(stat -c %s "$whole")
total=$("$binary" verify "$whole" | frames_of)
# One frame in so many bytes: a cut may cost no more than the chunk it lies in, and a second is 60 of them.
most_cost=60 unopened=0 worst=0
for cut_number in $(seq "$cuts"); do
    draw "$size"
    head -c "$drawn" "$whole" >"$folder/cut.mcap"
    if said=$("$binary" verify "$folder/cut.mcap" 2>"$folder/why"); then
        complain "cut at $drawn: a cut file is said to hold"
    fi
    kept=$(printf '%s\n' "$said" | frames_of)
    kept=${kept:-0}
    expected=$((total * drawn / size))
    cost=$((expected - kept))
    [ "$cost" -le "$worst" ] || worst=$cost
    [ "$kept" -gt 0 ] || unopened=$((unopened + 1))
    [ "$cost" -le "$most_cost" ] || complain "cut at $drawn of $size: $kept frames of about $expected"
    if [ "$kept" -gt 0 ]; then
        rm -f "$folder/cut.recovered.mcap"
        "$binary" recover "$folder/cut.mcap" >/dev/null && "$binary" verify "$folder/cut.recovered.mcap" >/dev/null \
            || complain "cut at $drawn: not recovered"
    fi
done
echo "record_kills.sh: $cuts cuts of $total frames in $size bytes: at most $worst frames fewer than the share of bytes, $unopened before the first frame"
[ "$bad" -eq 0 ] || exit 1
