#!/usr/bin/env bash
# Real recordings without a pump: no port may be locked and no path offered, without a scale and at assumed scales.
# usage: tests/bars/real_recordings.sh [DATA_FOLDER]     (needs the release build; the data stands beside the repository)
set -euo pipefail
cd "$(dirname "$0")/../.."
data=${1:-${PORTSIGHT_DATA:-../shared/data}}
[ -d "$data" ] || { echo "skipped: no folder $data"; exit 0; }
app=${CARGO_TARGET_DIR:-target}/release/portsight
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/curved.json" <<'JSON'
{"kind":"curvilinear_radii","radius_start_mm":10,"radius_stop_mm":82,"theta_deg":[-75,75]}
JSON
cat >"$work/linear.json" <<'JSON'
{"kind":"linear","width_mm":38,"near_mm":0,"far_mm":55}
JSON
status=0 frames=0 shown=0
one() {
  "$app" analyze "$@" --pump synchromed2-20 --needle 22G:51 --out "$work/out.jsonl" 2>"$work/err.txt" || {
    echo "FAILED: analyze $*: $(cat "$work/err.txt")"; status=1; return; }
  read -r n locked candidate path < <(tail -n 1 "$work/out.jsonl" | sed -E \
    's/.*"frames":([0-9]+),"locked":([0-9]+),"candidate":([0-9]+).*"with_path":([0-9]+).*/\1 \2 \3 \4/')
  frames=$((frames + n)) shown=$((shown + candidate))
  if [ "$locked" != 0 ] || [ "$path" != 0 ]; then
    echo "FAILED: $*: $locked of $n frames locked, $path with a path"; status=1
  elif [ "$candidate" != 0 ]; then
    echo "note: $*: $candidate of $n frames with a candidate"
  fi
}
for file in "$data"/plus-*/*.mha "$data"/plus-*/truth/*.mha "$data"/muscle-motion/jumping "$data"/pocus-rulers/*.png "$data"/pocus-rulers/*.jpg; do
  extra=()
  case $file in
  *CurvilinearBrightness*) extra=(--geometry "$work/curved.json") ;;
  *LinearRfData*) extra=(--geometry "$work/linear.json") ;;
  esac
  one "$file" "${extra[@]}"
  [ ${#extra[@]} = 0 ] || continue
  for scale in 0.06 0.0866 0.12 0.15 0.21; do one "$file" --mm-per-px "$scale,$scale"; done
done
for file in "$data"/anatomy-negatives/usgra/*.png "$data"/anatomy-negatives/vastus/*.png; do
  for scale in 0.06 0.09 0.12; do one "$file" --mm-per-px "$scale,$scale"; done
done
echo "real recordings: $frames frames read, $shown with a candidate; status $status"
exit $status
