#!/usr/bin/env bash
# USB without hardware, first layer: the program, rusb and libusb are real, usbfs is mocked (umockdev), the probes are
# virtual (tests/usb). Faults come on cue. Seconds, no root needed once the packages are there.
# usage: tests/bars/usb_mocked.sh [--sustained SECONDS] [CASE...]
#   --sustained SECONDS   also (or, without cases, only) the reference protocol at 192 x 1024 x 60 frames/s for so long
#   PORTSIGHT=FILE        the program to test; otherwise the release build, made here if need be
# Prints one line a case and "N passed, M failed"; exits with 1 if any failed, with 77 ("skipped: why") if it cannot run.
set -uo pipefail
cd "$(dirname "$0")/../.."
repository=$PWD
sustained=
cases=()
while [ $# -gt 0 ]; do
  case $1 in
    --sustained) sustained=${2:?seconds} && shift ;;
    *) cases+=("$1") ;;
  esac
  shift
done

skip() { echo "skipped: $1"; exit 77; }
install_packages() {
  local missing=()
  for package in umockdev libumockdev-dev libglib2.0-dev pkg-config; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  command -v apt-get >/dev/null || skip "${missing[*]} missing, and no apt-get to install them"
  local as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo -n)
  { "${as_root[@]}" apt-get update -qq && "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}"; } \
    >/dev/null 2>&1 || skip "${missing[*]} could not be installed"
}
install_packages

app=${PORTSIGHT:-}
if [ -z "$app" ]; then
  cargo build --quiet --release || { echo "the program does not build"; exit 1; }
  app=${CARGO_TARGET_DIR:-$repository/target}/release/portsight
fi
devices_target=$repository/tests/usb/target
(cd tests/usb && CARGO_TARGET_DIR=$devices_target cargo build --quiet --features umock,client) ||
  { echo "the virtual devices do not build"; exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
# Copies that another user may run: one case runs the program as nobody.
cp "$app" "$work/portsight"
cp "$devices_target/debug/umock" "$devices_target/debug/probe_client" "$work/"
chmod 755 "$work/portsight" "$work/umock" "$work/probe_client"
export XDG_DATA_HOME=$work/data XDG_CONFIG_HOME=$work/config
mkdir -m 777 "$work/data" "$work/config"
head -c 7000 /dev/zero | tr '\0' '\125' >"$work/firmware.bix"
chmod 644 "$work/firmware.bix"

passed=0 failed=0
# mocked NAME UMOCK-ARGUMENTS... -- CLIENT...: leaves $work/NAME.{report,out,err,jsonl}
mocked() {
  local name=$1
  shift
  umockdev-wrapper "$work/umock" --report "$work/$name.report" "$@" >"$work/$name.out" 2>"$work/$name.err"
}
# live NAME FRAMES UMOCK-ARGUMENTS...: a headless run on the first probe
live() {
  local name=$1 frames=$2
  shift 2
  # A data folder of its own, so that its journal can be told from the others.
  XDG_DATA_HOME=$work/$name.data mocked "$name" --timeout 60 "$@" -- "$work/portsight" live --source usb --headless --frames "$frames" \
    --json "$work/$name.jsonl" ${firmware:+--firmware "$firmware"}
}
# verdict NAME WHAT PYTHON: the expression over report `r`, its first device `d`, that one's own report `v`, the summary
# of the source `s`, frames read `n`, what was printed `out` and `err`, and the journal: `lost_in_order()` is true when
# every loss went the way running, lost and NOT LIVE, frames again, running (`ages`: from the last good frame to NOT LIVE)
verdict() {
  local name=$1 what=$2 expression=$3 said
  if said=$(python3 - "$work/$name" "$expression" <<'PY' 2>&1
import json, sys
base, expression = sys.argv[1:]
def read(suffix):
    try:
        return open(base + suffix).read()
    except OSError:
        return ""
r = json.loads(read(".report") or "{}")
d = r.get("devices", [{}])[0]
v = d.get("device", {})
out, err = read(".out"), read(".err")
import glob
journal = [json.loads(l) for f in glob.glob(base + ".data/portsight/*/journal.jsonl") for l in open(f)]
live = [e for e in journal if e["event"] in ("liveness_changed", "source_back")]
ages = [e["age_ms"] for e in live if e.get("state") == "not_live" and e.get("age_ms") is not None]
def lost_in_order():
    words = ["back" if e["event"] == "source_back" else e["state"] for e in live]
    words = [w for w in words if w != "stale"]
    losses = [i for i, w in enumerate(words) if w == "not_live"]
    told = [i for i, e in enumerate(journal) if e["event"] == "trouble"]
    return bool(losses) and bool(told) and all(
        words[i - 1] == "running" and "back" in words[i:] and "running" in words[i:] for i in losses if i > 0)
lines = [l for l in read(".jsonl").splitlines() if l]
s = json.loads(lines[-1]).get("summary", {}).get("source", {}) if lines else {}
w = s.get("wire") or {}
n = len(lines) - 1
told = {"frames read": n, "exit": r.get("client_exit"), "outages": s.get("outages"), "captured": s.get("captured"),
        "lost": s.get("lost"), "wire": w, "device": v, "transfers": {k: d[k] for k in d if k != "device"}}
if not eval(f"({expression}\n)"):
    print(f"expected {expression}")
    print(json.dumps(told))
    print([(e.get("t"), e["event"], e.get("state"), e.get("age_ms")) for e in journal])
    print(read(".err")[-1500:])
    sys.exit(1)
if ages:
    print(f" ({max(ages):.0f} ms from the last good frame to NOT LIVE)", end="")
PY
  ); then
    echo "ok      $name: $what$said"
    passed=$((passed + 1))
  else
    echo "FAILED  $name: $what"
    printf '%s\n' "$said" | sed 's/^/        /'
    failed=$((failed + 1))
  fi
}
wanted() { [ ${#cases[@]} -eq 0 ] && [ -z "$sustained" ] && return 0; [[ " ${cases[*]-} " == *" $1 "* ]]; }

# Every transfer came back before the file was closed, nothing insonates, and high voltage never left its reference.
clean='d["submitted"] == d["reaped"] and v["quiet"]'
voltage='v["highest_voltage"] == 100'

if wanted emulator; then
  mocked emulator --device interson -- "$work/probe_client" interson 1000
  verdict emulator "the virtual probe is right by a client that shares no code with the program" 'r["client_exit"] == 0'
fi
if wanted listed; then
  mocked listed --device interson --device interson,busy --device interson-new --device reference -- \
    "$work/portsight" probes --json
  verdict listed "a probe, one another program holds, one before its firmware, one of our own protocol" '
r["client_exit"] == 0 and
[(p["vendor"], p["product"], p["state"], p["access"]) for p in json.loads(out)["sources"]] == [
  (0x1921, 0x0090, "ready", "allowed"), (0x1921, 0x0090, "ready", "busy"),
  (0x1921, 0x9090, "wants_firmware", "allowed"), (0x1209, 0x0001, "ready", "allowed")] and
"firmware" in json.loads(out)["sources"][2]["hint"] and json.loads(out)["sources"][3]["kind"] == "reference_probe" and
all(p["experimental"] for p in json.loads(out)["sources"])'
fi
if wanted refused; then
  mocked refused --device interson,refused -- "$work/portsight" probes --json
  verdict refused "a probe this user may not open is listed with the udev hint" '
r["client_exit"] == 0 and
[(p["access"], "udev" in (p["hint"] or "")) for p in json.loads(out)["sources"]] == [("refused", True)]'
fi
if wanted interson; then
  live interson 200 --device interson
  verdict interson "200 frames, none damaged" \
    "r['client_exit'] == 0 and n >= 200 and w['damaged_frames'] == 0 and s['outages'] == 0 and $clean and $voltage"
fi
if wanted reference; then
  live reference 200 --device reference
  verdict reference "200 frames, none damaged, loss counted as the device counts it" \
    "r['client_exit'] == 0 and n >= 200 and w['damaged_frames'] == 0 and s['outages'] == 0 and $clean and
     w['frames'] + w['lost_frames'] + v['frames_flushed'] + 2 >= v['frames_made']"
fi
if wanted firmware; then
  firmware=$work/firmware.bix live firmware 30 --device interson-new
  verdict firmware "a probe before its firmware is loaded, comes back, and is live" \
    "r['client_exit'] == 0 and n >= 30 and v['firmware_bytes'] > 0 and $clean"
fi
# What breaks the stream must be seen (an outage) and end by itself; what only damages it must be counted.
# Seconds matter: few frames, the fault early, and enough frames after it to see that they go on.
for probe in interson reference; do
  frames=60
  [ "$probe" = interson ] && frames=20
  for fault in stall@0.5 hold:1.5@0.5 unplug:1@0.5; do
    name=$probe-${fault%%[@:]*}
    wanted "$name" || continue
    live "$name" "$frames" --device "$probe" --fault "$fault"
    verdict "$name" "not live at once, live again by itself" \
      "r['client_exit'] == 0 and n >= $frames and d['faults_left'] == 0 and s['outages'] >= 1 and $clean and
       lost_in_order() and d['submitted_while_halted'] == 0 and
       (d['halts_cleared'] > 0 or '$fault'[:5] != 'stall')"
  done
  for fault in short@0.5 overflow@0.5 noise@0.5 empty@0.5; do
    name=$probe-${fault%%[@:]*}
    wanted "$name" || continue
    live "$name" "$frames" --device "$probe" --fault "$fault"
    verdict "$name" "live again, and what was lost is counted" \
      "r['client_exit'] == 0 and n >= $frames and d['faults_left'] == 0 and $clean and
       (d['lost_in_transfers'] == 0 or w['lost_frames'] + w['damaged_frames'] + s['outages'] > 0)"
  done
done
for probe in interson reference; do
  # Frames enough that the faults come before the last of them on an idle machine too.
  frames=60
  [ "$probe" = interson ] && frames=20
  # The stop of a stream that stalled is refused: it may still send sound, that is told, and it is silenced when it is
  # opened again.
  wanted "$probe-refuse-control" || continue
  live "$probe-refuse-control" "$frames" --device "$probe" --fault refuse-control@0.4 --fault stall@0.5
  verdict "$probe-refuse-control" "a refused stop is told, made good, and live again" \
    "r['client_exit'] == 0 and n >= $frames and d['faults_left'] == 0 and s['outages'] >= 1 and $clean and
     'may still send sound' in err and d['submitted_while_halted'] == 0"
done
if wanted cancel; then
  live cancel 20 --device reference
  verdict cancel "transfers in flight are taken back and reaped before the probe is closed" \
    "r['client_exit'] == 0 and d['cancelled'] > 0 and $clean"
fi

if [ -n "$sustained" ]; then
  mocked sustained --timeout $((sustained + 60)) --device reference:192x1024@60 -- \
    "$work/portsight" live --source usb --headless --seconds "$sustained" --json "$work/sustained.jsonl"
  verdict sustained "192 x 1024 x 60 frames/s for $sustained s: 99.9 % delivered, every drop counted, flat memory" "
r['client_exit'] == 0 and $clean and
v['frames_made'] >= 59 * $sustained and
w['frames'] >= 0.999 * (v['frames_made'] - v['frames_flushed']) and
w['frames'] + w['lost_frames'] + w['damaged_frames'] + v['frames_flushed'] + 2 >= v['frames_made'] and
max(r['client_rss_kib'][10:-1]) <= 1.05 * min(r['client_rss_kib'][10:-1])"
  python3 - "$work/sustained" <<'PY' || true
import json, sys
base = sys.argv[1]
r = json.load(open(base + ".report"))
v = r["devices"][0]["device"]
w = json.loads(open(base + ".jsonl").read().splitlines()[-1])["summary"]["source"]["wire"]
m = r["client_rss_kib"]
print(f"        {v['frames_made']} made, {v['frames_dropped']} dropped by the device, {w['frames']} delivered, "
      f"{w['lost_frames']} lost, {w['damaged_frames']} damaged; resident memory {min(m[10:-1])} to {max(m[10:-1])} KiB")
PY
fi

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
