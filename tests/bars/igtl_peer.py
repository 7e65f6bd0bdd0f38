#!/usr/bin/env python3
"""Our OpenIGTLink client and server against pyigtl, an independent implementation. Started by igtl_peer.sh.

Pictures have a pattern that follows from their time stamp, so every pixel of every frame is known here:
a checksum of the frame is compared with the one of the pattern. The peer is a process of its own and is killed and
started again in the middle.

usage: igtl_peer.py TARGET_FOLDER          (igtl_peer.py --peer PORT KIND is the peer process)
"""
import json
import math
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyigtl
from pyigtl.messages import CRC64

COLUMNS, ROWS = 200, 150
FIRST_STAMP, STEP = 1000.0, 0.125
KINDS = {
    # kind of numbers, spacing in mm
    "scale": ("uint8", (0.2, 0.3, 1.0)),
    "no-scale": ("uint8", (1.0, 1.0, 1.0)),
    "int16": ("int16", (0.2, 0.3, 1.0)),
    "rgb": ("rgb", (0.2, 0.3, 1.0)),
    "flat": ("flat", (0.2, 0.3, 1.0)),
}
SENT_PER_SECOND = 25
SERVED_COLUMNS, SERVED_ROWS = 320, 240


def fail(what):
    sys.exit(f"FAILED: {what}")


def pattern(columns, rows, number):
    x, y = np.meshgrid(np.arange(columns), np.arange(rows))
    return ((x + 3 * y + number) & 255).astype(np.uint8)


def peer(port, kind):
    numbers, spacing = KINDS[kind]
    server = pyigtl.OpenIGTLinkServer(port=port, local_server=True)
    number = 0
    begun = time.time()
    while time.time() - begun < 60:
        time.sleep(1 / SENT_PER_SECOND)
        if not server.is_connected():
            continue
        gray = pattern(COLUMNS, ROWS, number)
        image = gray[np.newaxis]
        if numbers == "int16":
            image = image.astype(np.int16)
        elif numbers == "rgb":
            image = np.stack([gray] * 3, axis=-1)[np.newaxis]
        matrix = np.diag([*spacing, 1.0])
        # Turned in space, as a tracked picture is: only the lengths of the columns are the pixel size.
        turn = math.radians(30 + number)
        rotation = np.array([[math.cos(turn), -math.sin(turn), 0], [math.sin(turn), math.cos(turn), 0], [0, 0, 1]])
        matrix[:3, :3] = rotation @ matrix[:3, :3]
        if numbers == "flat":
            # An array without a slice index: pyigtl then sends 1 x columns x rows.
            image = gray
            matrix = np.diag([1.0, spacing[0], spacing[1], 1.0])
        stamp = FIRST_STAMP + STEP * number
        if number == 0:
            server.send_message(pyigtl.StringMessage("depth\x1b[31m 8 cm", device_name="Scanner"), wait=False)
        server.send_message(pyigtl.TransformMessage(np.eye(4), timestamp=stamp, device_name="ProbeToTracker"), wait=False)
        server.send_message(pyigtl.ImageMessage(image, matrix, timestamp=stamp, device_name="Image_Image"), wait=False)
        number += 1


def start_peer(port, kind):
    return subprocess.Popen([sys.executable, __file__, "--peer", str(port), kind])


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def check_frame(line, spacing):
    if (line["columns"], line["rows"]) != (COLUMNS, ROWS):
        fail(f"expected {COLUMNS} x {ROWS} pixels, got {line}")
    number = round((line["stamp"] - FIRST_STAMP) / STEP)
    expected = f"{CRC64(pattern(COLUMNS, ROWS, number).tobytes()):016x}"
    if line["checksum"] != expected:
        fail(f"picture {number}: pixels differ: {line}")
    if spacing is None and line["spacing"] is not None:
        fail(f"expected no scale, got {line}")
    if spacing is not None and line["spacing"] != spacing:
        fail(f"expected a scale of {spacing}, got {line}")
    return number


def receive(example, kinds, frames):
    """Reads `frames` frames of a peer of each kind in turn; between them the peer is killed."""
    port = free_port()
    client = subprocess.Popen(
        [example, "receive", f"127.0.0.1:{port}", str(frames * len(kinds))], stdout=subprocess.PIPE, text=True
    )
    running, lost, facts, ids, gone = None, [], [], [], []
    try:
        for index, kind in enumerate(kinds):
            running = start_peer(port, kind)
            spacing = None if kind == "no-scale" else [0.2, 0.3]
            numbers = []
            while len(numbers) < frames:
                line = json.loads(client.stdout.readline() or fail("the client ended early") or "")
                if "lost" in line:
                    lost.append(line["lost"])
                else:
                    numbers.append(check_frame(line, spacing))
                    ids.append(line["frame"])
            if numbers != sorted(set(numbers)):
                fail(f"{kind}: pictures out of order or twice: {numbers}")
            gone.append(numbers[-1] - numbers[0] + 1 - len(numbers))
            if index + 1 < len(kinds):
                running.kill()
                running.wait()
        line = json.loads(client.stdout.readline() or fail("the client ended early") or "")
        facts = line["facts"]
    finally:
        client.kill()
        running.kill()
    if ids != sorted(set(ids)):
        fail(f"frame numbers run backwards: {ids}")
    return lost, facts, gone


def check_client(example):
    lost, facts, gone = receive(example, ["scale", "no-scale"], 60)
    # The client began before the peer, and the peer was killed once.
    if not 1 <= len(lost) <= 2 or "ended" not in lost[-1] and "broke" not in lost[-1]:
        fail(f"expected one outage told once, got {lost}")
    if "the peer says: Scanner: depth [31m 8 cm" not in facts:
        fail(f"the peer's words are not shown: {facts}")
    if not any(fact.startswith("scale: unknown (the peer sends 1 x 1") for fact in facts):
        fail(f"an unknown scale is not told: {facts}")
    print(f"client: 120 frames of uint8 exact, scale and no scale, killed and found again; skipped {gone}; told {lost}")
    for kind in ("int16", "rgb", "flat"):
        _, facts, _ = receive(example, [kind], 20)
        print(f"client: 20 frames of {kind} exact")


def check_server(example):
    server = subprocess.Popen([example, "serve", "0"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        host, port = server.stdout.readline().strip().rsplit(":", 1)
        client = pyigtl.OpenIGTLinkClient(host, int(port))
        images, poses, words = 0, 0, set()
        begun = time.time()
        kept = {}
        while images < 60 or poses < 20:
            if time.time() - begun > 30:
                fail(f"{images} images and {poses} poses in 30 s")
            time.sleep(0.005)
            for message in client.get_latest_messages():
                kept[message.device_name] = message
                if message.device_name == "PortsightImage":
                    images += 1
                    check_served_image(message)
                elif message.device_name == "PortToScan":
                    poses += check_pose(message, kept.get("PortsightImage"))
                elif message.device_name == "PortsightState":
                    words.add(check_state(json.loads(message.string)))
        if words != {"locked", "searching"}:
            fail(f"states told: {words}")
        stamp = kept["PortsightImage"].timestamp
        if abs(time.time() - stamp) > 2:
            fail(f"stamp {stamp} at {time.time()}")
        client.stop()
        server.stdin.close()
        counts = json.loads(server.stdout.readline())
        print(f"server: {images} images exact with matrix, {poses} poses each of its own image; {counts}")
    finally:
        server.kill()


def check_served_image(message):
    image = message.image
    if image.shape != (1, SERVED_ROWS, SERVED_COLUMNS) or image.dtype != np.uint8:
        fail(f"image of {image.shape}, {image.dtype}")
    if not np.array_equal(image[0], pattern(SERVED_COLUMNS, SERVED_ROWS, int(image[0, 0, 0]))):
        fail("pixels of the served image differ")
    expected = np.array([[-0.2, 0, 0, 31.9], [0, -0.3, 0, -0.15], [0, 0, 1, 0], [0, 0, 0, 1]])
    if message.world_coordinate_system != "ras" or not np.allclose(message.ijk_to_world_matrix, expected, atol=1e-4):
        fail(f"matrix {message.ijk_to_world_matrix}")


def check_pose(message, image):
    """1 if the pose belongs to the image at hand and is right; 0 if that image has been overtaken."""
    matrix = message.matrix
    if abs(np.linalg.det(matrix[:3, :3]) - 1) > 1e-5:
        fail(f"no rotation: {matrix}")
    if abs(matrix[1, 3] + 24.5) > 1e-5:
        fail(f"depth of the port: {matrix}")
    if image is None or image.timestamp != message.timestamp:
        return 0
    number = round(-matrix[0, 3] * 16)
    if number & 255 != int(image.image[0, 0, 0]):
        fail(f"pose of picture {number} with picture {image.image[0, 0, 0]} of the same stamp")
    return 1


def check_state(state):
    locked = state["frame"] // 10 % 2 == 0
    if state["port_locked"] != locked or state["confidence"] != 0.875 or state["source"] != "live":
        fail(f"state {state}")
    if locked and abs(state["port_mm"][0] - state["frame"] / 16) > 1e-3:
        fail(f"port in the state: {state}")
    return state["state"]


if __name__ == "__main__":
    if sys.argv[1:2] == ["--peer"]:
        peer(int(sys.argv[2]), sys.argv[3])
    else:
        path = str(Path(sys.argv[1]).resolve() / "debug" / "examples" / "igtl_peer")
        check_client(path)
        check_server(path)
        print("OpenIGTLink against pyigtl: all right")
