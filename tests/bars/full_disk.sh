#!/usr/bin/env bash
# What happens when no more can be written: rehearsals and headless runs with a limit on the size of a file
# (ulimit -f), and, where a small file system can be mounted, on a disk that is really full. Nothing may panic; the
# trouble is told; every entry that was acknowledged stands in a journal that holds as far as it goes.
# usage: tests/bars/full_disk.sh     (needs the release build; the mount is left out where it is not allowed, and said)
set -euo pipefail
cd "$(dirname "$0")/../.."
app=${PORTSIGHT_BINARY:-${CARGO_TARGET_DIR:-target}/release/portsight}
[ -x "$app" ] || cargo build --release
app=$(readlink -f "$app")
out=$(mktemp -d)
mounted=
trap '[ -z "$mounted" ] || umount "$out/disk"; rm -rf "$out"' EXIT
fail() { echo "FAILED: $1"; cat "$out/said" 2>/dev/null || true; exit 1; }

# Looks at what a run left: told, no panic, nothing acknowledged lost, and verify names no broken entry but the end.
look() { # name, session, status
  local name=$1 session=$2 status=$3 acknowledged entries said
  grep -qi 'panicked' "$out/said" && fail "$name: a panic"
  [ "$status" -lt 128 ] || fail "$name: ended by signal $((status - 128))"
  [ "$status" -ne 0 ] || grep -q 'portsight: ' "$out/said" || fail "$name: went through without a word"
  grep -Eqi 'space|large|disk|written|full' "$out/said" || fail "$name: the message does not say what is wrong"
  acknowledged=$(grep -c '^acknowledged' "$out/said" || true)
  [ "$acknowledged" -eq 0 ] || acknowledged=$(grep '^acknowledged' "$out/said" | tail -n 1 | cut -d ' ' -f 2)
  entries=0
  [ ! -f "$session/journal.jsonl" ] || entries=$(grep -c '}$' "$session/journal.jsonl" || true)
  [ "$entries" -ge "$acknowledged" ] || fail "$name: $acknowledged entries acknowledged, $entries in the journal"
  if [ "$entries" -gt 0 ]; then
    said=$("$app" verify "$session" 2>&1) || true
    if grep 'journal.jsonl' <<<"$said" | grep -q 'is the first'; then
      # Only the torn last line may not hold.
      grep -q "entry $((entries + 1)) " <<<"$said" || fail "$name: an entry before the last does not hold: $said"
    fi
  fi
  echo "  $name: status $status, $acknowledged acknowledged, $entries whole entries: $(grep '^portsight: ' "$out/said" | tail -n 1)"
}

# A limit in blocks of 1024 bytes on every file: the recording meets it first, then pictures, then the journal.
for blocks in 4 64 2048; do
  status=0
  (
    trap '' XFSZ
    ulimit -f "$blocks"
    timeout 120 "$app" rehearse --preset easy --seed 3 --acks --out "$out/limit-$blocks"
  ) 2>&1 | cat >"$out/said" || status=${PIPESTATUS[0]}
  look "rehearsal, files of at most $blocks kB" "$out/limit-$blocks" "$status"
done
status=0
(
  trap '' XFSZ
  ulimit -f 1
  XDG_DATA_HOME=$out/live timeout 60 "$app" live --source virtual:easy --headless --frames 60
) 2>&1 | cat >"$out/said" || status=${PIPESTATUS[0]}
look "headless, files of at most 1 kB" "$(find "$out/live" -name 'session-*' -type d | head -n 1)" "$status"

# A disk that is full, where one may be mounted.
mkdir "$out/disk"
if mount -t tmpfs -o size=600k tmpfs "$out/disk" 2>/dev/null; then
  mounted=yes
  status=0
  timeout 120 "$app" rehearse --preset easy --seed 3 --acks --out "$out/disk/session" 2>&1 | cat >"$out/said" || status=${PIPESTATUS[0]}
  look "rehearsal on a disk of 600 kB" "$out/disk/session" "$status"
  rm -rf "$out/disk/session"
  # Full to the last byte before it begins.
  dd if=/dev/zero of="$out/disk/filler" bs=4k 2>/dev/null || true
  status=0
  timeout 60 "$app" rehearse --preset easy --seed 3 --acks --out "$out/disk/session" 2>&1 | cat >"$out/said" || status=${PIPESTATUS[0]}
  [ "$status" -eq 1 ] || fail "a session on a full disk: status $status, expected 1"
  look "rehearsal on a full disk" "$out/disk/session" "$status"
  echo "full disk: limits on files and a full file system are told, nothing acknowledged is lost"
else
  echo "full disk: limits on files are told, nothing acknowledged is lost (no file system could be mounted here)"
fi
