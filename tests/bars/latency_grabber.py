"""Reads frame counters from the screen and compares their first appearance with the log of captures.

usage: latency_grabber.py CAPTURE_LOG SECONDS
Three counters are read: the one in the image data (deep corner of the picture), and the two in the window's top left
corner (picture, marks). The grabber shares its cores with what it measures, so the figures are upper bounds.
"""
import datetime
import sys
import time

from Xlib import X, display

CELL, BITS = 8, 16  # of the window's code: pixels a cell, bits a number
LINES, SAMPLES, CELL_LINES, ROWS, COLUMNS = 192, 512, 5, 3, 6  # of the code in the image data


def gray_to_number(bits):
    value, bit = 0, 0
    for b in bits:
        bit ^= b
        value = value << 1 | bit
    return value


class Screen:
    def __init__(self):
        self.root = display.Display().screen().root
        size = self.root.get_geometry()
        self.width, self.height = size.width, size.height

    def grab(self, x, y, w, h):
        return self.root.get_image(x, y, w, h, X.ZPixmap, 0xFFFFFFFF).data

    def window_code(self):
        """(picture, marks): numbers modulo 2**BITS, None where there is no code."""
        columns = BITS + 2
        data = self.grab(0, 0, columns * CELL, 2 * CELL)
        numbers = []
        for row in range(2):
            y = row * CELL + CELL // 2
            cells = [data[4 * (y * columns * CELL + c * CELL + CELL // 2)] > 128 for c in range(columns)]
            numbers.append(gray_to_number(cells[2:]) if cells[0] and not cells[1] else None)
        return numbers

    def moving_box(self):
        """Where the picture is: the bounding box of what changes in the left part of the window."""
        w, h = self.width * 3 // 4, self.height
        shots = []
        for _ in range(6):
            shots.append(self.grab(0, 0, w, h)[0::4])
            time.sleep(0.1)
        rows, columns = {}, {}
        for before, after in zip(shots, shots[1:]):
            for i in range(0, len(after)):
                if abs(before[i] - after[i]) > 12:
                    y, x = divmod(i, w)
                    if y > 60:
                        rows[y] = rows.get(y, 0) + 1
                        columns[x] = columns.get(x, 0) + 1
        rows = [y for y, n in rows.items() if n > 20]
        columns = [x for x, n in columns.items() if n > 20]
        return min(columns), min(rows), max(columns) + 1, max(rows) + 1


class Watermark:
    def __init__(self, screen, box):
        left, top, right, bottom = box
        self.screen = screen
        wide, high = (right - left) / LINES, (bottom - top) / SAMPLES
        cell_high = SAMPLES // 36
        self.centers = []
        for cell in range(ROWS * COLUMNS):
            row, column = divmod(cell, COLUMNS)
            x = right - ((COLUMNS - column) * CELL_LINES - CELL_LINES / 2) * wide
            y = bottom - ((ROWS - row) * cell_high - cell_high / 2) * high
            self.centers.append((round(x), round(y)))
        self.x0 = min(x for x, _ in self.centers)
        self.y0 = min(y for _, y in self.centers)
        self.w = max(x for x, _ in self.centers) - self.x0 + 1
        self.h = max(y for _, y in self.centers) - self.y0 + 1

    def read(self):
        data = self.screen.grab(self.x0, self.y0, self.w, self.h)
        levels = [data[4 * ((y - self.y0) * self.w + x - self.x0)] for x, y in self.centers]
        if levels[0] - levels[1] < 60:
            return None
        middle = (levels[0] + levels[1]) / 2
        return gray_to_number([level > middle for level in levels[2:]])


def quantile(values, q):
    values = sorted(values)
    return values[min(len(values) - 1, int(q * len(values)))]


def main():
    log, seconds = sys.argv[1], float(sys.argv[2])
    screen = Screen()
    mark = Watermark(screen, screen.moving_box())
    first_seen, mismatched, other_frame, with_marks, grabs = {}, 0, 0, 0, 0
    end = time.time() + seconds
    while time.time() < end:
        before = screen.window_code()
        seen = mark.read()
        now = time.time()
        after = screen.window_code()
        grabs += 1
        if seen is None:
            continue
        first_seen.setdefault(seen, now)
        if before == after and before[0] is not None:
            mismatched += before[0] != seen
            with_marks += before[1] is not None
            other_frame += before[1] is not None and before[1] != seen
        time.sleep(0.001)
    captured = {}
    for line in open(log):
        number, wall = line.split()
        stamp = datetime.datetime.fromisoformat(wall.rstrip("Z")[:26]).replace(tzinfo=datetime.timezone.utc)
        captured[int(number) % 2**16] = stamp.timestamp()
    delays = [1e3 * (t - captured[n]) for n, t in first_seen.items() if n in captured]
    delays = [d for d in delays if d > 0]
    if len(delays) < 10 * seconds:
        sys.exit(f"FAILED: only {len(delays)} frames were read from the screen in {seconds} s ({grabs} grabs)")
    p50, p99 = quantile(delays, 0.5), quantile(delays, 0.99)
    print(f"capture to screen: n {len(delays)} frames in {seconds:.0f} s, p50 {p50:.1f} ms, p95 {quantile(delays, 0.95):.1f} ms, "
          f"p99 {p99:.1f} ms, max {max(delays):.1f} ms; {grabs / seconds:.0f} grabs/s on the same cores")
    print(f"marks of another frame than the picture's: {other_frame} of {with_marks} grabs with marks; "
          f"picture number against image data: {mismatched} differ")
    if p50 > 60 or p99 > 120 or other_frame or mismatched:
        sys.exit("FAILED: the bar is p50 60 ms, p99 120 ms, 0 mismatches")


main()
