#!/usr/bin/env bash
# Capture to screen by frame counter: the virtual probe draws a counter into the scan lines, the window draws the
# numbers of picture and marks into its corner, and a grabber reads both from the presented pixels.
# usage: tests/bars/latency.sh [SECONDS]     (needs the release build, xvfb, and python-xlib from PyPI)
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-30}
app=${CARGO_TARGET_DIR:-target}/release/portsight
work=$(mktemp -d)
export XDG_DATA_HOME=$work/data XDG_RUNTIME_DIR=$work LIBGL_ALWAYS_SOFTWARE=1
if ! python3 -c 'import Xlib' 2>/dev/null; then
  python3 -m venv "$work/venv"
  "$work/venv/bin/pip" -q install python-xlib
  python=$work/venv/bin/python
fi
exec 3< <(Xvfb -displayfd 1 -screen 0 1280x800x24 -nolisten tcp 2>/dev/null)
server=$!
read -r number <&3
export DISPLAY=:$number
"$app" live --source virtual --latency-log "$work/captured.log" >"$work/app.log" 2>&1 &
pid=$!
trap 'kill "$pid" "$server" 2>/dev/null || true; rm -rf "$work"' EXIT
sleep 3
"${python:-python3}" tests/bars/latency_grabber.py "$work/captured.log" "$seconds" || { cat "$work/app.log"; exit 1; }
