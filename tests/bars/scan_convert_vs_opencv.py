#!/usr/bin/env python3
"""Compares this repository's scan conversion with OpenCV's remap on the same machine in one run.

Runs `cargo bench --bench scan_convert`, does the same conversions (same geometry, same grid, one thread) with OpenCV's
remap from single-precision maps and from its packed fixed-point maps, and prints the ratio of OpenCV's median to ours.
Where numpy and opencv-python-headless are missing they are installed into a virtual environment below the target folder.

Usage: tests/bars/scan_convert_vs_opencv.py
"""
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
LINES, SAMPLES, CALLS = 192, 512, 400


def with_opencv():
    """Imports OpenCV, or starts this script again in an environment that has it."""
    try:
        import cv2  # noqa: F401
        import numpy  # noqa: F401
    except ImportError:
        folder = TARGET / "opencv-venv"
        python = folder / "bin" / "python"
        if Path(sys.prefix).resolve() == folder.resolve():
            sys.exit("OpenCV was installed but cannot be loaded")
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        packages = ["numpy", "opencv-python-headless"]
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *packages], check=True)
        os.execv(str(python), [str(python), __file__, *sys.argv[1:]])


def run_ours():
    """Median milliseconds by geometry and path, and the size of each picture."""
    command = ["cargo", "bench", "--quiet", "--bench", "scan_convert"]
    text = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    times, sizes = {}, {}
    for line in text.splitlines():
        fields = dict(word.split("=", 1) for word in line.split() if "=" in word)
        name = fields.get("geometry")
        if "median_ms" in fields:
            times[name, fields["path"]] = float(fields["median_ms"])
        elif "columns" in fields:
            sizes[name] = int(fields["columns"]), int(fields["rows"])
    print(text, end="")
    return times, sizes


def maps(name, columns, rows):
    """Where each pixel lies in the grid of lines and samples; -1 outside. Geometries as in the bench."""
    import numpy as np

    radius, half, far = {
        "curved-60mm": (60.0, np.radians(30.0), 80.0),
        "curved-20mm": (20.0, np.radians(35.0), 80.0),
        "linear-full": (0.0, 53.333333 / 2, 40.0),
    }[name]
    linear = name.startswith("linear")
    top = 0.0 if linear else radius * np.cos(half) - radius
    width = 2 * half if linear else 2 * (radius + far) * np.sin(half)
    pitch = max(width / 800, (far - top) / 600)
    x = (np.arange(columns) - (columns - 1) / 2) * pitch
    z = (top + far) / 2 + (np.arange(rows) - (rows - 1) / 2) * pitch
    x, z = np.meshgrid(x, z)
    across, along = (x, z) if linear else (np.arctan2(x, z + radius), np.hypot(x, z + radius) - radius)
    line = (across + half) / (2 * half) * (LINES - 1)
    sample = along / far * SAMPLES - 0.5
    inside = (np.abs(across) <= half) & (along >= 0) & (along <= far)
    line, sample = np.clip(line, 0, LINES - 1), np.clip(sample, 0, SAMPLES - 1)
    outside = np.float32(-9)
    return np.where(inside, sample, outside).astype(np.float32), np.where(inside, line, outside).astype(np.float32)


def median_ms(call):
    for _ in range(CALLS // 10):
        call()
    times = []
    for _ in range(CALLS):
        begun = time.perf_counter()
        call()
        times.append(time.perf_counter() - begun)
    return sorted(times)[CALLS // 2] * 1e3


def main():
    with_opencv()
    import cv2
    import numpy as np

    cv2.setNumThreads(1)
    times, sizes = run_ours()
    data = np.random.default_rng(1).integers(0, 256, (LINES, SAMPLES), dtype=np.uint8)
    for name, (columns, rows) in sizes.items():
        samples, lines = maps(name, columns, rows)
        packed = cv2.convertMaps(samples, lines, cv2.CV_16SC2)
        out = np.zeros((rows, columns), np.uint8)
        for kind, (a, b) in {"single": (samples, lines), "packed": packed}.items():
            theirs = median_ms(lambda: cv2.remap(data, a, b, cv2.INTER_LINEAR, dst=out, borderMode=cv2.BORDER_CONSTANT))
            ratios = " ".join(f"ratio_to_{p}={theirs / times[name, p]:.2f}" for p in ("vector", "scalar"))
            print(f"geometry={name} opencv={cv2.__version__} maps={kind} median_ms={theirs:.3f} {ratios}")


if __name__ == "__main__":
    main()
