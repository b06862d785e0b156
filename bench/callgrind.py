"""What brigade costs in instructions and system calls, which no clock tells: tools/bench --callgrind.

Rows of //bench:micro run under callgrind twice, the second time with twice the iterations: the
difference is what an iteration costs, without the start and the end of the program.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from servers import ROOT, build

COSTS = ROOT / "bench" / "costs.json"
TARGET = "//bench:micro"

BATCH = 100_000  # What some rows of micro.cc do at a time.

# name: iterations
ROWS = {
    "await a ready child": 10_000,
    "spawn and join one": 10_000,
    "yield": 10_000,
    "lock and unlock, free": 10_000,
    "lock, yield, unlock: 1000 tasks": BATCH,
    "queue: put and get, two tasks": 10_000,
    "event: set and wait, there and back": 10_000,
    "timeout of a ready child": 10_000,
    "echo: there and back, both ends": 10_000,
}

TOLERANCES = {"instructions": 0.03, "system calls": 0.01}
EXACT = 0.01  # Less is rounding.

# System calls under valgrind, which hides the vDSO; functions elsewhere.
VDSO = re.compile(r"clock_gettime|gettimeofday|^time\b|getcpu")
LOCK = re.compile(
    r"mutex|rwlock|spin_lock|futex|_lll_|^sem_|pthread_(cond|once|barrier)|__cxa_guard_acquire"
)


class Failed(Exception):
    pass


def profile(text):
    """{function: Counter of its own events}, of what callgrind wrote."""
    names, own, events, current = {}, {}, [], None
    lines = iter(text.splitlines())
    for line in lines:
        key, _, rest = line.partition("=")
        if key == "fn":
            number, _, name = rest.partition(" ")
            names.setdefault(number, name)
            current = own.setdefault(names[number], Counter())
        elif key == "cfn":
            number, _, name = rest.partition(" ")
            names.setdefault(number, name)
        elif key == "calls":
            next(lines)  # What the callee cost.
        elif line.startswith("events: "):
            events = line.split()[1:]
        elif current is not None and re.match(r"[\d+*-]", line):
            current.update(dict(zip(events, map(int, line.split()[1:]))))
    return own


def run(binary, row, iterations):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "profile"
        command = ["valgrind", "--tool=callgrind", "--collect-systime=yes"]
        command += [f"--callgrind-out-file={file}", str(binary), "--benchmark_min_time=0"]
        command.append(f"--benchmark_filter=^{row}(/iterations:[0-9]+)?$")
        done = subprocess.run(
            command,
            env={**os.environ, "BENCH_ITERATIONS": str(iterations)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            universal_newlines=True,
        )
        if done.returncode != 0 or f"iterations:{iterations}" not in done.stdout:
            raise Failed(f"{row}: it ended with {done.returncode}:\n{done.stdout}")
        return profile(file.read_text())


def measure(binary, row):
    """{unit: per iteration}, and the functions that lock in every one."""
    iterations = ROWS[row]
    once, twice = run(binary, row, iterations), run(binary, row, 2 * iterations)
    costs = Counter(dict.fromkeys(TOLERANCES, 0))
    locks = []
    for function, events in twice.items():
        more = Counter(events)
        more.subtract(once.get(function, {}))
        costs["instructions"] += more["Ir"] / iterations
        if not VDSO.search(function):
            costs["system calls"] += more["sysCount"] / iterations
        if LOCK.search(function) and more["Ir"] >= iterations:
            locks.append(function)
    return {unit: round(cost, 2) for unit, cost in costs.items()}, locks


def verdict(stored, measured):
    """What is said of a figure, and whether it is refused."""
    if stored is None:
        return "not stored", True
    limit = stored["tolerance"] * stored["figure"] + EXACT
    if measured > stored["figure"] + limit:
        return "DEARER", True
    if measured < stored["figure"] - limit:
        return "cheaper: store it", False
    return "", False


def compare(stored, measured):
    """The table, and the number of figures refused; both are {(row, unit): ...}."""
    lines, refused = [], 0
    for key, figure in measured.items():
        old = stored.get(key)
        word, bad = verdict(old, figure)
        refused += bad
        change = "" if not (old and old["figure"]) else f"{figure / old['figure'] - 1:+.1%}"
        shown = f"{old['figure']:.2f}" if old else "-"
        cells = [f"{key[0]:36}", f"{key[1]:12}", f"{shown:>10}", f"{figure:>10.2f}", f"{change:>8}"]
        lines.append("  ".join([*cells, word]).rstrip())
    header = f"{'per iteration':36}  {'':12}  {'stored':>10}  {'measured':>10}"
    return "\n".join([header, *lines]), refused


def load(path):
    if not path.exists():
        return {}
    return {(entry["row"], entry["unit"]): entry for entry in json.loads(path.read_text())}


def store(path, stored, measured):
    """The figures measured, in place of theirs; the tolerances stay, and rows not measured."""
    for (row, unit), figure in measured.items():
        tolerance = stored.get((row, unit), {}).get("tolerance", TOLERANCES[unit])
        stored[row, unit] = {"row": row, "unit": unit, "figure": figure, "tolerance": tolerance}
    kept = [entry for key, entry in stored.items() if key[0] in ROWS]
    path.write_text("[\n" + ",\n".join(map(json.dumps, kept)) + "\n]\n")


def main(options):
    """The exit code: 1 if a figure is dearer than the stored one, or has none, or a row locks."""
    if not shutil.which("valgrind"):
        sys.exit("tools/bench: valgrind is missing: apt-get install valgrind")
    binary = (options.binaries or build([TARGET])) / "bench/micro"
    rows = [row for row in ROWS if re.search(options.rows, row)]
    if not rows:
        print(f"tools/bench: no row matches '{options.rows}': {'; '.join(ROWS)}", file=sys.stderr)
        return 2
    measured, failed = {}, False
    for row in rows:
        try:
            costs, locks = measure(binary, row)
        except Failed as failure:
            print(f"tools/bench: {failure}", file=sys.stderr)
            failed = True
            continue
        measured.update({(row, unit): cost for unit, cost in costs.items()})
        for function in locks:
            print(f"{row}: it locks each time, in {function}")
            failed = True
    stored = load(options.costs)
    if options.store and not failed:
        store(options.costs, stored, measured)
        stored = load(options.costs)
    table, refused = compare(stored, measured)
    print(table)
    if refused:
        print(f"{refused} figures refused; if that is meant: tools/bench --callgrind --store")
    return failed or refused > 0
