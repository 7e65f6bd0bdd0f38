#!/usr/bin/env bash
# The evidence behind docs/ACCURACY.md: scores the release build, writes docs/accuracy/*.json and one HTML report each
# (into REPORTS, not kept in the repository), and puts the new figures into docs/ACCURACY.md.
# usage: tests/bars/accuracy.sh [N_PATIENTS] [FIRST_SEED]   (needs the release build and python3; PORTSIGHT_DATA names
# the folder of recordings that stands beside the repository, REPORTS where the pages go)
set -euo pipefail
cd "$(dirname "$0")/../.."
patients=${1:-1000} seed=${2:-200001}
data=${PORTSIGHT_DATA:-../shared/data}
app=${CARGO_TARGET_DIR:-target}/release/portsight
reports=${REPORTS:-target/accuracy}
out=docs/accuracy
setup=(--pump synchromed2-20 --needle 22G:51)
mkdir -p "$reports" "$out"
score() {
  local name=$1
  shift
  "$app" evaluate "$@" "${setup[@]}" --summary "$out/$name.json" --report "$reports/$name.html" >"$reports/$name.txt"
  echo "$name: $out/$name.json, $reports/$name.html"
}
# The subset that a test reruns on every machine: keep it small.
"$app" evaluate --virtual 3 --seed 200001 "${setup[@]}" --summary "$out/subset.json" >/dev/null
score virtual --virtual "$patients" --seed "$seed"
if [ -d "$data" ]; then
  score physics "$data/physics"
  score sequences "$data/sequences"
  real=(--real "$data/muscle-motion/jumping")
  for scale in 0.06 0.09 0.12; do
    for set in usgra vastus; do real+=(--real-each "$data/anatomy-negatives/$set=$scale,$scale"); done
    for file in "$data"/pocus-rulers/*.png "$data"/pocus-rulers/*.jpg; do
      [ ! -f "$file" ] || real+=(--real "$file=$scale,$scale")
    done
    real+=(--real "$data/muscle-motion/jumping=$scale,$scale")
  done
  score real "${real[@]}"
else
  echo "skipped: physics, sequences and real recordings (no folder $data); their files are left as they were"
fi
python3 tests/bars/accuracy_figures.py docs/ACCURACY.md
