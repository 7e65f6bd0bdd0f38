#!/usr/bin/env bash
# Random virtual patients: no lock and no path where there is no fill port.
# usage: tests/bars/patients.sh [N] [FIRST_SEED]     (needs the release build)
set -euo pipefail
cd "$(dirname "$0")/../.."
app=${CARGO_TARGET_DIR:-target}/release/portsight
table=$("$app" evaluate --virtual "${1:-1000}" --seed "${2:-100001}" --pump synchromed2-20 --needle 22G:51 --json)
all=${table##*'"all":'}
count() { sed -E "s/.*\"$1\":([0-9]+).*/\1/" <<<"$all"; }
echo "virtual patients ${1:-1000} from seed ${2:-100001}: visible frames $(count visible), found $(count found), wrong place $(count wrong)," \
  "frames without a port $(count empty), falsely locked $(count false_locks), with a path $(count false_paths)"
echo "$all" | tr -d '\n' | sed -E 's/.*("lateral_mm".*)/\1/'; echo
# At most 5 per mille of frames without a port may be locked, and none may carry a path.
[ $((1000 * $(count false_locks))) -le $((5 * $(count empty))) ] && [ "$(count false_paths)" = 0 ] ||
  { echo "FAILED: the bar is 0.5 % false locks and no path"; exit 1; }
