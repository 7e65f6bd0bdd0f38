#!/usr/bin/env bash
# Needles: the labelled pictures of a real one, the full-wave still with one, and none where there is none.
# usage: tests/bars/needle.sh [DATA_FOLDER]     (needs the release build; the data stands beside the repository)
set -euo pipefail
cd "$(dirname "$0")/../.."
data=${1:-${PORTSIGHT_DATA:-../shared/data}}
[ -d "$data" ] || { echo "skipped: no folder $data"; exit 0; }
app=${CARGO_TARGET_DIR:-target}/release/portsight
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0
read_file() { "$app" analyze "$@" --pump synchromed2-20 --needle 22G:51 --out "$work/out.jsonl" 2>"$work/err.txt" || {
  echo "FAILED: analyze $*: $(cat "$work/err.txt")"; status=1; : >"$work/out.jsonl"; }; }
# Ends and angle of the needle of the first line, or nothing.
needle() { head -n 1 "$work/out.jsonl" | sed -nE \
  's/.*"needle":\{"a_..":\[([-0-9.]+),([-0-9.]+)\],"b_..":\[([-0-9.]+),([-0-9.]+)\],"angle_deg":([-0-9.]+).*/\1 \2 \3 \4 \5/p'; }

right=0 wrong=0 labelled=0
while IFS=, read -r picture _ x0 y0 x1 y1 angle _; do
  file=$data/needle-tissue/frames/$picture
  [ -f "$file" ] || continue
  labelled=$((labelled + 1))
  read_file "$file"
  found=$(needle)
  [ -n "$found" ] || { echo "$picture: no needle"; continue; }
  # without a scale the answer is in pixels, as the labels are: 0.03546 mm each
  if awk -v t="$x0 $y0 $x1 $y1 $angle" -v f="$found" 'BEGIN {
    split(t, a, " "); split(f, b, " ")
    wanted = a[2] + (770 - a[1]) * (a[4] - a[2]) / (a[3] - a[1])
    seen = b[2] + (770 - b[1]) * (b[4] - b[2]) / (b[3] - b[1])
    turn = b[5] - a[5]; off = (seen - wanted) * 0.03546
    exit !(turn * turn <= 9 && off * off <= 1) }'; then right=$((right + 1)); else
    echo "$picture: another line: $found"; wrong=$((wrong + 1)); fi
done < <(tail -n +2 "$data/needle-tissue/truth/shaft.csv")
echo "real needle: $right of $labelled labelled pictures within 3 degrees and 1 mm, $wrong elsewhere"
[ "$wrong" = 0 ] && [ $((10 * right)) -ge $((7 * labelled)) ] || { echo "FAILED: the bar is 70 % and none elsewhere"; status=1; }
command -v ffmpeg >/dev/null || echo "skipped: needle-tissue/ph_1_3_1.mp4 after frame 320 (no ffmpeg)"

for file in "$data"/physics/*.mha; do
  read_file "$file"
  seen=$(needle | wc -l) wanted=0
  case $file in *needle*) wanted=1 ;; esac
  [ "$seen" = "$wanted" ] || { echo "FAILED: $file: $seen needles, $wanted expected"; status=1; }
done

frames=0 false=0
none() {
  read_file "$@"
  n=$(grep -c '^{"frame":' "$work/out.jsonl" || true)
  seen=$(grep -c '"needle":{' "$work/out.jsonl" || true)
  frames=$((frames + n)) false=$((false + seen))
  [ "$seen" = 0 ] || echo "false needle: $*: $seen of $n frames"
}
for file in "$data"/anatomy-negatives/usgra/*.png "$data"/anatomy-negatives/vastus/*.png; do
  for scale in 0.06 0.09 0.12; do none "$file" --mm-per-px "$scale,$scale"; done
done
echo "anatomy: $frames frames, $false with a needle"
[ $((100 * false)) -le "$frames" ] || { echo "FAILED: the bar is 1 %"; status=1; }
frames=0 false=0
none "$data/muscle-motion/jumping" --mm-per-px 0.0866,0.0866
echo "skipped: plus-scanconvert (scan lines without a geometry)"
for file in "$data"/plus-{framegrab,nwire,watertank}/*.mha "$data"/sequences/*.mha; do none "$file"; done
echo "recordings without a needle: $frames frames, $false with one"
[ $((100 * false)) -le "$frames" ] || { echo "FAILED: the bar is 1 %"; status=1; }
exit $status
