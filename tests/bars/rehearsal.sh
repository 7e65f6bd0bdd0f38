#!/usr/bin/env bash
# Rehearses one refill with the release build, checks what it leaves behind, changes one byte and checks that this shows.
# usage: tests/bars/rehearsal.sh [PRESET] [SEED]     (scar and 7 unless told; exits 1 on the first thing wrong)
set -euo pipefail
cd "$(dirname "$0")/../.."
app=${PORTSIGHT_BINARY:-${CARGO_TARGET_DIR:-target}/release/portsight}
[ -x "$app" ] || cargo build --release
preset=${1:-scar} seed=${2:-7}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
session=$folder/session
fail() { echo "FAILED: $1"; exit 1; }

said=$("$app" rehearse --preset "$preset" --seed "$seed" --out "$session") || fail "the rehearsal ended with an error: $said"
grep -q 'every step gone through' <<<"$said" || fail "not every step was gone through: $said"
for file in recording.mha journal.jsonl images/001.png report.pdf report.html report.json session.json; do
  test -s "$session/$file" || fail "$file is missing or empty"
done
"$app" verify "$session" >/dev/null || fail "verify refuses the session that was just written"
"$app" verify "$session/report.pdf" >/dev/null || fail "verify refuses one file of it"

# Changes the byte at an offset of a file to another one.
flip() {
  local byte
  byte=$(od -An -tu1 -j "$2" -N 1 "$1")
  printf "$(printf '\\%03o' $((byte ^ 1)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
journal=$session/journal.jsonl
middle=$(($(stat -c %s "$journal") / 2))
entry=$(head -c "$middle" "$journal" | wc -l)
flip "$journal" "$middle"
if broken=$("$app" verify "$session" 2>&1); then fail "verify takes a journal with a changed byte"; fi
grep -q "journal.jsonl.*entry $entry is the first" <<<"$broken" || fail "entry $entry is not named: $broken"
flip "$journal" "$middle"
"$app" verify "$session" >/dev/null || fail "verify refuses the journal as it was"
flip "$session/report.pdf" 1000
if broken=$("$app" verify "$session/report.pdf" 2>&1); then fail "verify takes a report with a changed byte"; fi
grep -q 'report.pdf.*entry' <<<"$broken" || fail "file and entry are not named: $broken"
echo "rehearsal: $preset $seed went through; $(wc -l <"$journal") entries hold; one changed byte is found and named"
