"""tools/bench --growth: what one operation costs while few, and while many others are there."""

import json
import math
import re
import statistics
import subprocess
import sys
from html import escape

import report

CONNECTIONS = (10, 100, 1000, 9500)
SERVERS = {"echo (io_uring)": "brigade", "echo (epoll)": "brigade epoll"}
LOADS = {f"echo of {n}": ["--connections", n] for n in CONNECTIONS}  # What echo_load is told.

# Each name is one of bench/growth.cc, or of SERVERS.
GROUPS = {
    "Tasks and timers": [
        "spawn and join beside tasks",
        "yield among tasks",
        "arm and disarm a timer beside timers",
        "arm and fire timers",
        "cancel sleeping tasks",
    ],
    "The cancel of one that waits, and another one comes": [
        "cancel one that waits at a Lock",
        "cancel one that waits at a Semaphore",
        "cancel one that waits at an Event",
        "cancel one that waits at a Queue",
    ],
    "A hand-over among those that wait": [
        "hand over a Lock",
        "hand over a Semaphore",
        "hand over by a Queue",
        "set an Event, per waiter",
    ],
    "Connections": [
        "cancel reads (io_uring)",
        "cancel reads (epoll)",
        "cancel wait_readable (io_uring)",
        "cancel wait_readable (epoll)",
        "close with a read pending (io_uring)",
        "close with a read pending (epoll)",
        *SERVERS,
    ],
}
COLORS = ["#c33", "#36a", "#393", "#a3a", "#c80", "#089", "#000", "#888"]


def in_process(bench, rows):
    """CPU time per operation, of the program that does all but the echoes."""
    command = ["taskset", "-c", str(bench.server_core), bench.binaries / "bench/growth"]
    command += ["--benchmark_format=json", f"--benchmark_filter={rows}"]
    command += [f"--benchmark_min_time={bench.options.seconds / 20}"]
    said = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    if not said.strip():  # No name matches.
        return
    for found in json.loads(said)["benchmarks"]:
        name, _, n = found["name"].rpartition("/")
        if found.get("error_occurred"):
            print(f"tools/bench: {name}, {n}: {found['error_message']}", file=sys.stderr)
            bench.failed = True
            continue
        yield {"row": name, "n": int(n), "ns": round(found["cpu_time"], 1)}


def echoes(bench, rows):
    """CPU time of the server per request, all connections being active."""
    for row, server in SERVERS.items():
        for n in CONNECTIONS:
            if not re.search(rows, f"{row}/{n}"):
                continue
            found = bench.measure(server, f"echo of {n}")
            yield {"row": row, "n": n, "ns": found["server_cpu_ns"]}


def measure(bench):
    records = []
    for number in range(1, bench.options.rounds + 1):
        for source in (in_process, echoes):
            records += [{"round": number, **found} for found in source(bench, bench.options.rows)]
        bench.say_round(number)
    return records


def curve(records, row):
    """{n: median of the rounds}"""
    of_row = [record for record in records if record["row"] == row]
    counts = sorted({record["n"] for record in of_row})
    return {n: statistics.median(r["ns"] for r in of_row if r["n"] == n) for n in counts}


def ratio(last, first):
    """Nothing of a clock too coarse to see the first."""
    return f"{last / first:.1f}" if first > 0 else "-"


def table(records):
    """One table per group: ns by count, and how much the last is of the first."""
    parts = []
    for title, rows in GROUPS.items():
        curves = {row: found for row in rows if (found := curve(records, row))}
        counts = sorted({n for found in curves.values() for n in found})
        cells = [
            [row, *(report.shown(found.get(n)) for n in counts)]
            + [ratio(found[max(found)], found[min(found)])]
            for row, found in curves.items()
        ]
        if cells:
            header = ["ns of CPU, with as many", *map(str, counts), "last / first"]
            parts.append(report.markdown(title, header, cells))
    return "\n".join(parts)


def panel(title, curves, left, top):
    """A log-log plot: 1 to 1e5 ns, 10 to 1e6 others."""
    width, height, lowest, highest = 400, 250, 0, 5

    def at(n, ns):
        x = left + (math.log10(n) - 1) / 5 * width
        y = top + height - (math.log10(ns) - lowest) / (highest - lowest) * height
        return f"{x:.1f},{y:.1f}"

    parts = [f'<text x="{left}" y="{top - 8}" font-weight="bold">{escape(title)}</text>']
    for power in range(lowest, highest + 1):
        parts.append(f'<polyline points="{at(10, 10**power)} {at(10**6, 10**power)}" '
                     'stroke="#ddd"/>')
        x, y = at(10, 10**power).split(",")
        parts.append(f'<text x="{float(x) - 4}" y="{float(y) + 4}" text-anchor="end">'
                     f'{10**power:,} ns</text>')
    for power in range(1, 7):
        x, y = at(10**power, 1).split(",")
        parts.append(f'<text x="{x}" y="{float(y) + 14}" text-anchor="middle">1e{power}</text>')
    for i, ((row, found), color) in enumerate(zip(curves.items(), COLORS)):
        points = " ".join(at(n, ns) for n, ns in found.items())
        parts.append(f'<polyline points="{points}" fill="none" stroke="{color}" '
                     'stroke-width="2"/>')
        parts.append(f'<text x="{left}" y="{top + height + 32 + 14 * i}" fill="{color}">'
                     f'{escape(row)}</text>')
    return "\n".join(parts)


def svg(records):
    """A panel per group, two beside each other."""
    parts = []
    for i, (title, rows) in enumerate(GROUPS.items()):
        curves = {row: found for row in rows if (found := curve(records, row))}
        parts.append(panel(title, curves, 70 + i % 2 * 490, 30 + i // 2 * 410))
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="980" height="860" '
        'font-family="sans-serif" font-size="11">\n<rect width="100%" height="100%" fill="#fff"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )
