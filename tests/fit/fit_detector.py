#!/usr/bin/env python3
"""Fits the two logits of src/detect/weights.rs: is an interface metal, is an opening a fill port.

usage: fit_detector.py DUMP... [--stills DUMP...] [--real DUMP...] [--truth FOLDER...] [--out weights.txt]

A DUMP is what the example `detector_traits` prints. `DUMP...` come from its mode `virtual` and carry their truth;
`--stills` are full-wave stills with a truth file of the same name in one of the `--truth` folders (each counts fifteen
times); `--real` are recordings without a pump (each counts twice). Every line of a dump is a frame (F), an interface of
it (I) or an opening in one (O). Ridge logistic regression, penalty 2e-3 on standardised traits, both classes weighing
the same, signs held to what physics says: a trait that speaks for metal may not speak against it. Needs numpy and scipy.
"""
import argparse
import glob
import json
import os

import numpy as np
from scipy.optimize import minimize

# name and sign: + may only speak for, - only against, 0 either, x is not used
METAL = """tail+ late+ fade- layered- ringshare+ drop+ shadowshare+ rough- copy+ bright+ onset+ length+ cover+ bend- echo2+
echoview0 tissuex deep- taild+ lated+ contrast+ peak+ depthx ringing+ shadow+ copied+ piecesx""".split()
OPENING = """fit+ septum+ septum_cover+ septum_rough- step_below0 step_above0 rest- behind+ through+ cup+ cup_cover+ cup_rough-
cup_below0 visible+ face_min+ face_sum+ width0 wide- fit_ramp+ open+ septum_ramp+ septum_all+ cup_ramp+ bottom+ inside+
beside+ metal+ drop+ shoulder+ cup_deep0 septum_low+ septum_high0 seen_inside+""".split()
BOUNDS = {"+": (0, None), "-": (None, 0), "0": (None, None), "x": (0, 0)}
METAL_AT = [o[:-1] for o in OPENING].index("metal")
STEP_ABOVE_AT = [o[:-1] for o in OPENING].index("step_above")


def number(word):
    return None if word == "-" else float(word)


def place(port):
    if not port:
        return None
    x, z = port.get("centre_mm") or (port["x_mm"], port["z_mm"])
    return x, z, port["width_mm"]


def frames(path, truths, weight):
    out = []
    for line in open(path):
        word = line.split()
        if word[0] == "F":
            v = [number(w) for w in word[3:13]]
            frame = {"port": v[0:3] if v[0] is not None else None, "access": v[3:6] if v[3] is not None else None,
                     "face": v[6:10] if v[6] is not None else None, "weight": weight, "raised": "raised" in word[14],
                     "lines": [], "openings": []}
            truth = truths.get(word[1])
            if truth is not None:
                truth = truth["frames"][int(word[2])] if "frames" in truth else truth
                frame["port"] = place(truth.get("port"))
                frame["access"] = place(truth.get("access_port") or truth.get("other_port"))
                face = truth.get("face")
                frame["face"] = face and [face[0][0], face[0][1], face[1][0], face[1][1]]
            out.append(frame)
        elif word[0] == "I":
            values = [float(w) for w in word[2:]]
            out[-1]["lines"].append({"z0": values[0], "slope": values[1], "pivot": values[2], "rule": values[4],
                                     "possible": values[5], "traits": np.array(values[6:])})
        else:
            x, z, width = (float(w) for w in word[2:5])
            out[-1]["openings"].append({"line": int(word[1]), "x": x, "z": z, "width": width,
                                        "traits": np.array([float(w) for w in word[8:]])})
    return out


def metal_label(frame, line):
    """1 on the face, 0 not metal, None near enough to be neither."""
    if not frame["face"]:
        return 0
    a, b, c, d = frame["face"]
    x = min(max(frame["port"][0] if frame["port"] else 0.0, a), c)
    slope = (d - b) / (c - a)
    dz = line["z0"] + line["slope"] * (x - line["pivot"]) - (b + slope * (x - a))
    turn = abs(line["slope"] - slope)
    if turn < 0.04 and -1.0 < dz < 0.5:
        return 1
    return None if -2.6 < dz < 1.2 and turn < 0.12 else 0


def opening_label(frame, opening):
    """1 on a port of either kind, 0 elsewhere, None beside one or at a wrong height or width."""
    label = 0
    for port in (frame["port"], frame["access"]):
        if not port:
            continue
        dx, dz, wide = abs(opening["x"] - port[0]), abs(opening["z"] - port[1]), opening["width"] - port[2]
        most = 3.4 if opening["traits"][STEP_ABOVE_AT] > 0 or frame["raised"] else 1.8
        if port[2] >= 2.5 and dx < 1.2 and dz < 1.5 and -1.8 < wide < most:
            return 1
        if dx < 4.5:
            label = None
    return label


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def fit(names, rows):
    x = np.array([r[0] for r in rows])
    y = np.array([r[1] for r in rows])
    w = np.array([r[2] for r in rows])
    w = np.where(y == 1, w * 0.5 * (y == 0).sum() / max(1, (y == 1).sum()), w)
    w /= w.sum()
    mean, spread = x.mean(0), x.std(0) + 1e-6
    z = (x - mean) / spread

    def loss(p):
        s = p[0] + z @ p[1:]
        g = (sigmoid(s) - y) * w
        value = (w * (np.logaddexp(0, -s) * y + np.logaddexp(0, s) * (1 - y))).sum() + 2e-3 * (p[1:] ** 2).sum()
        return value, np.concatenate([[g.sum()], z.T @ g + 4e-3 * p[1:]])

    bounds = [(None, None)] + [BOUNDS[n[-1]] for n in names]
    p = minimize(loss, np.zeros(len(names) + 1), jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 500}).x
    return p[0] - (p[1:] * mean / spread).sum(), p[1:] / spread


def main():
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("virtual", nargs="+")
    words.add_argument("--stills", nargs="*", default=[])
    words.add_argument("--real", nargs="*", default=[])
    words.add_argument("--truth", nargs="*", default=[])
    words.add_argument("--out", default="weights.txt")
    given = words.parse_args()
    truths = {}
    for folder in given.truth:
        for path in glob.glob(os.path.join(folder, "*.json")):
            name = os.path.basename(os.path.normpath(folder)) + "/" + os.path.basename(path)[:-5]
            truths[name] = json.load(open(path))
    data = []
    for paths, weight in ((given.virtual, 1.0), (given.real, 2.0), (given.stills, 15.0)):
        for path in paths:
            data += frames(path, truths, weight)
    rows = [(line["traits"], label, f["weight"]) for f in data for line in f["lines"]
            for label in [metal_label(f, line)] if label is not None]
    metal = fit(METAL, rows)
    print(f"metal: {len(rows)} interfaces, {sum(r[1] for r in rows)} on a face")
    rows = []
    for f in data:
        for opening in f["openings"]:
            label = opening_label(f, opening)
            if label is None:
                continue
            line = f["lines"][opening["line"]]
            score = max(line["rule"], sigmoid(metal[0] + metal[1] @ line["traits"]) * line["possible"])
            score = np.clip(score, 1e-4, 1 - 1e-4)
            traits = opening["traits"].copy()
            traits[METAL_AT] = np.clip(np.log(score / (1 - score)), -6, 6)
            rows.append((traits, label, f["weight"]))
    ports = fit(OPENING, rows)
    print(f"openings: {len(rows)}, {sum(r[1] for r in rows)} of a port")
    with open(given.out, "w") as out:
        for title, names, (bias, weights) in (("METAL", METAL, metal), ("OPENING", OPENING, ports)):
            out.write(f"{title}_BIAS {bias:.4f}\n")
            out.writelines(f"    {w:.4f}, // {n[:-1]}\n" for n, w in zip(names, weights))


if __name__ == "__main__":
    main()
