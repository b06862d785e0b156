"""tools/bench --micro: what the parts cost by themselves, and those of others."""

import json
import re
import statistics
import subprocess

import report
from servers import BUILT, OURS, PEER_TABLE, PEERS

SLEEP = "sleep, 1e6 asleep: create"

# What the peers call it: (title, one of bench/micro.cc, a field of it, our aim)
ROWS = {
    "await": ("await a child, ns", "await a ready child", "cpu_time", 6),
    "spawn": ("spawn and await one, ns", "spawn and join one", "cpu_time", 15),
    "spawn many": ("spawn and join 1e6, ns each", "spawn and join, 1e6 live", "cpu_time", 45),
    "yield": ("yield, ns", "yield", "cpu_time", 4),
    "lock": ("lock and unlock, free, ns", "lock and unlock, free", "cpu_time", 5),
    "lock contended": (
        "lock, yield, unlock: 1000 tasks, ns",
        "lock, yield, unlock: 1000 tasks",
        "cpu_time",
        25,
    ),
    "semaphore contended": (
        "semaphore(3), yield: 1000 tasks, ns",
        "semaphore(3), yield: 1000 tasks",
        "cpu_time",
        25,
    ),
    "queue": ("queue: put and get, one task, ns", "queue: put and get, one task", "cpu_time", 10),
    "queue of two": (
        "queue: put and get, two tasks, ns",
        "queue: put and get, two tasks",
        "cpu_time",
        None,
    ),
    "timer": ("timer: create and cancel, ns", "timer create and cancel, beside/0", "cpu_time", 60),
    "fast food": (
        "fast food: a customer of 100k, ns",
        "fast food: a customer of 100k",
        "cpu_time",
        120,
    ),
    "sleepers": ("1e6 asleep: create one, ns", SLEEP, "real_time", 200),
    "sleeper bytes": ("1e6 asleep: memory of one, bytes", SLEEP, "bytes_each", 400),
    "sleepers late": ("1e6 asleep: the last one late, ms", SLEEP, "last_late_ms", 250),
}

# As servers.PEER_TABLE.
PROGRAMS = {
    "asio": (
        *PEER_TABLE["asio"][:2],
        ["g++", "-std=c++20", "-O2", "-DNDEBUG", PEERS / "micro_asio.cpp"]
        + ["-o", BUILT / "asio_micro"],
        [BUILT / "asio_micro"],
    ),
    "tokio": (*PEER_TABLE["tokio"][:3], [BUILT / "tokio/target/release/tokio_micro"]),
    "Go": (
        *PEER_TABLE["Go"][:2],
        ["/usr/bin/go", "build", "-o", BUILT / "go_micro", PEERS / "micro_go.go"],
        [BUILT / "go_micro"],
    ),
    "asyncio": (
        *PEER_TABLE["asyncio"][:3],
        ["/usr/bin/python3", PEERS / "micro_asyncio.py"],
    ),
}


def output_of(bench, command):
    command = ["taskset", "-c", bench.server_core, *command]
    return subprocess.check_output(list(map(str, command)), universal_newlines=True)


def ours(bench, keys):
    names = "|".join(re.sub(r"[()]", r"\\\g<0>", ROWS[key][1]) for key in keys)
    said = output_of(
        bench,
        [bench.binaries / "bench/micro", "--benchmark_format=json", "--benchmark_min_time=0.1"]
        + [f"--benchmark_filter=^({names})(/iterations.*)?$"],
    )
    items = json.loads(said)["benchmarks"]
    found = {item["name"].partition("/iterations")[0]: item for item in items}
    return {key: found[ROWS[key][1]][ROWS[key][2]] for key in keys}


def of_peer(bench, name, keys):
    """A row that it does not have is left out."""
    asleep = {"sleepers", "sleeper bytes", "sleepers late"} & set(keys)
    awake = [key for key in keys if key not in asleep]
    found = {}
    # Sleepers in a process of their own, whose memory is new.
    for wanted in filter(None, [awake, asleep and ["sleepers"]]):
        for line in output_of(bench, [*PROGRAMS[name][3], *wanted]).splitlines():
            record = json.loads(line)
            found[record["name"]] = record["value"]
    return {key: found[key] for key in keys if key in found}


def measure(bench, names):
    keys = [key for key in ROWS if re.search(bench.options.rows, key)]
    records = []
    for number in range(1, bench.options.rounds + 1):
        for name in names:
            found = ours(bench, keys) if name == OURS else of_peer(bench, name, keys)
            records += [
                {"round": number, "runtime": name, "row": key, "value": round(value, 2)}
                for key, value in found.items()
            ]
        bench.say_round(number)
    return records


def median(records, runtime, row):
    values = [r["value"] for r in records if r["runtime"] == runtime and r["row"] == row]
    return statistics.median(values) if values else None


def shown(value):
    return report.shown(value, "{:.1f}" if value is not None and value < 100 else "{:.0f}")


def table(records, names):
    rows = [
        [title, shown(aim), *(shown(median(records, name, key)) for name in names)]
        for key, (title, _, _, aim) in ROWS.items()
        if any(record["row"] == key for record in records)
    ]
    return report.markdown("What the parts cost", ["", "aim", *names], rows)
