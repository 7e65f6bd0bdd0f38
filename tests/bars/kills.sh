#!/bin/sh
# Kills running rehearsals at random moments (SIGKILL) and checks that no acknowledged entry of a journal is lost.
# Usage: tests/bars/kills.sh [KILLS] [SEED]   (20 kills and seed 1 unless told; the long form is 1000)
# A rehearsal says "acknowledged N" once N entries are on the disk and the screen may show what they say. After the
# kill the journal must open, every entry in it must hold, and there must be at least as many as were acknowledged.
set -eu
cd "$(dirname "$0")/../.."
binary=${PORTSIGHT_BINARY:-${CARGO_TARGET_DIR:-target}/release/portsight}
[ -x "$binary" ] || cargo build --release
kills=${1:-20}
seed=${2:-1}
# One kill in ten falls anywhere within so many milliseconds of the start; a rehearsal takes longer than that on any
# machine so far. The others come early, where entry follows upon entry, so that a thousand of them end in this hour.
span=${KILL_SPAN_MS:-6000}
early_span=${KILL_EARLY_SPAN_MS:-1200}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM

done_kills=0 lost=0 unread=0 early=0 ended=0 acknowledged_all=0
while [ "$done_kills" -lt "$kills" ]; do
    done_kills=$((done_kills + 1))
    # A linear congruential generator: the same seed gives the same moments everywhere.
    seed=$(((seed * 1103515245 + 12345) % 2147483648))
    if [ $((done_kills % 10)) -eq 0 ]; then within=$span; else within=$early_span; fi
    wait_ms=$((seed / 65536 % within))
    case $((seed / 1024 % 3)) in
        0) preset=easy ;;
        1) preset=tilted ;;
        *) preset=scar ;;
    esac
    session="$folder/$done_kills"
    # Emptied here: a kill may come before the new process has emptied what the one before it said.
    : >"$folder/said"
    "$binary" rehearse --preset "$preset" --seed "$done_kills" --out "$session" --acks \
        >"$folder/said" 2>/dev/null &
    running=$!
    sleep "$(printf '%d.%03d' $((wait_ms / 1000)) $((wait_ms % 1000)))"
    kill -9 "$running" 2>/dev/null || true
    status=0
    wait "$running" 2>/dev/null || status=$?
    [ "$status" -eq 137 ] || ended=$((ended + 1))
    # A last line without its end was cut by the kill: it was never said.
    acknowledged=$(awk 'BEGIN { n = 0 } /^acknowledged [0-9]+$/ { last = $2; n = last } END { print n }' "$folder/said")
    acknowledged_all=$((acknowledged_all + acknowledged))
    if [ ! -e "$session/journal.jsonl" ]; then
        # Killed before there was a journal: nothing can have been acknowledged.
        early=$((early + 1))
        if [ "$acknowledged" -ne 0 ]; then
            lost=$((lost + 1))
            echo "kills.sh: kill $done_kills ($wait_ms ms): $acknowledged acknowledged, and there is no journal" >&2
        fi
        rm -rf "$session"
        continue
    fi
    verdict=$("$binary" verify "$session/journal.jsonl" 2>&1) || true
    entries=$(printf '%s\n' "$verdict" | sed -n 's/^.*journal\.jsonl: \([0-9][0-9]*\) entries.*$/\1/p')
    if [ -z "$entries" ]; then
        unread=$((unread + 1))
        echo "kills.sh: kill $done_kills ($preset, $wait_ms ms): $verdict" >&2
    elif [ "$entries" -lt "$acknowledged" ]; then
        lost=$((lost + 1))
        echo "kills.sh: kill $done_kills: $acknowledged acknowledged, $entries in the journal" >&2
    fi
    rm -rf "$session"
done
echo "$kills kills: $unread journals that do not open, $lost that lost acknowledged entries;" \
    "$acknowledged_all entries acknowledged, $early killed before there was a journal, $ended ended before the kill"
[ "$unread" -eq 0 ] && [ "$lost" -eq 0 ]
