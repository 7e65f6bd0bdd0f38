#!/usr/bin/env bash
# OpenIGTLink against another implementation (pyigtl), both ways, over 127.0.0.1: see igtl_peer.py.
# usage: tests/bars/igtl_peer.sh     (installs pyigtl below the target folder; exits 1 on the first thing wrong)
set -euo pipefail
cd "$(dirname "$0")/../.."
target=${CARGO_TARGET_DIR:-target}
packages=$target/pyigtl
if ! PYTHONPATH=$packages python3 -c 'import pyigtl' 2>/dev/null; then
  python3 -m pip --version >/dev/null 2>&1 || {
    echo "FAILED: pyigtl is not there and python3 has no pip to install it with"
    exit 1
  }
  python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore --target "$packages" pyigtl==0.3.4
fi
cargo build --quiet --example igtl_peer
PYTHONPATH=$packages timeout 240 python3 tests/bars/igtl_peer.py "$target"
