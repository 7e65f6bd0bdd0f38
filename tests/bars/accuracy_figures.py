"""Puts the figures of docs/accuracy/*.json into the tables of a Markdown file.

A row `| words | figure | file.json | /json/pointer |` gets the value found there; the unit behind the figure stays:
`%` (a share shown in per cent, two decimals), none (a count as it is, any other number with three decimals).
tests/it/accuracy.rs checks the same rows by the same rules.
"""
import json
import pathlib
import re
import sys

doc = pathlib.Path(sys.argv[1])
folder = doc.parent / "accuracy"
row = re.compile(r"^\| (.*) \| (.*?) \| ([a-z_-]+\.json) \| (/\S+) \|$")


def figure(name, pointer, percent):
    value = json.loads((folder / name).read_text())
    for key in pointer.strip("/").split("/"):
        value = value[int(key)] if isinstance(value, list) else (value or {}).get(key)
    if value is None:
        return "-"
    if percent:
        return f"{100 * value:.2f} %"
    return str(value) if isinstance(value, int) else f"{value:.3f}"


lines = []
for line in doc.read_text().splitlines():
    found = row.match(line)
    if found:
        words, _, name, pointer = found.groups()
        percent = pointer.endswith("/share") or "/interval_95/" in pointer
        line = f"| {words} | {figure(name, pointer, percent)} | {name} | {pointer} |"
    lines.append(line)
doc.write_text("\n".join(lines) + "\n")
print(f"{doc}: {sum(bool(row.match(line)) for line in lines)} figures")
