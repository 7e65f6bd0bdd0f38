#!/usr/bin/env bash
# Calibration on the real recordings: what each gives, and whether wrong phantoms are refused.
# usage: tests/bars/calibrate.sh [DATA_FOLDER]     (needs the release build; the data stands beside the repository)
set -euo pipefail
cd "$(dirname "$0")/../.."
data=${1:-${PORTSIGHT_DATA:-../shared/data}}
[ -d "$data" ] || { echo "skipped: no folder $data"; exit 0; }
app=${PORTSIGHT_APP:-${CARGO_TARGET_DIR:-target}/release/portsight}
status=0
figure() { sed -nE "s/.*\"$1\":(-?[0-9.]+).*/\1/p"; }
within() { awk -v a="$1" -v b="$2" -v most="$3" 'BEGIN { d = a / b - 1; exit !(a != "" && d * d <= most * most) }'; }
# recording, phantom, lateral and axial scale measured from the wires of its truth
right() {
  line=$("$app" calibrate "$data/$1" --phantom "assets/phantoms/$2.json" --medium water:22 --json) || status=1
  lateral=$(figure lateral_mm_per_px <<<"$line") axial=$(figure axial_mm_per_px <<<"$line")
  echo "$1: lateral $lateral ($3), axial $axial ($4)"
  within "$lateral" "$3" 0.02 && within "$axial" "$4" 0.02 || { echo "FAILED: the bar is 2 %"; status=1; }
}
wrong() {
  if "$app" calibrate "$data/$1" --phantom "assets/phantoms/$2.json" --json >/dev/null 2>&1; then
    echo "FAILED: $1 accepted with $2"; status=1
  else echo "$1: refused with $2"; fi
}
stepper=plus-nwire/USTC_3NWires_RandomStepperMotionCalibration.igs.mha
freehand=plus-nwire/fCal_Test_Calibration_3NWires_fCal2.0.igs.mha
right $stepper ical-1.0-three-layers 0.14695 0.14315
right plus-nwire/USTC_3NWires_TemplateTranslation.igs.mha ical-1.0-three-layers 0.14695 0.14315
right $freehand fcal-2.0 0.07854 0.07679
wrong $stepper fcal-2.0
wrong $freehand ical-1.0-three-layers
tank=$data/plus-watertank/watertank_000_099
delay=$("$app" calibrate "$tank.igs.mha" --tracker "$tank.tracker.csv" --json | figure delay_s)
echo "water tank: delay $delay s (-0.0648)"
awk -v d="$delay" 'BEGIN { d += 0.0648; exit !(d * d <= 0.0001) }' || { echo "FAILED: the bar is 10 ms"; status=1; }
exit $status
