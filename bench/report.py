"""What tools/bench prints of its records: a table, and a picture of the ratios."""

import statistics
from html import escape

from servers import ALL, LIMITS, OURS

MIN_ROUNDS = 5  # Fewer are no ground for a ratio.
NS, US = 1, 1000


def values(records, workload, server, field):
    """By round, of the records that have it."""
    return {
        record["round"]: record[field]
        for record in records
        if record["workload"] == workload and record["server"] == server and field in record
    }


def median(records, workload, server, field):
    found = values(records, workload, server, field).values()
    return statistics.median(found) if found else None


def mean(records, workload, server, field):
    found = values(records, workload, server, field).values()
    return statistics.mean(found) if found else None


def limit_of(records, workload):
    """The cheaper one of the two that set the limit; None if neither ran."""
    costs = {name: median(records, workload, name, "server_cpu_ns") for name in LIMITS}
    ran = [name for name in LIMITS if costs[name] is not None]
    return min(ran, key=costs.get) if ran else None


def ratio(records, workload, server):
    """The median of the rounds' ratios to the limit; None if there are too few rounds."""
    limit = limit_of(records, workload)
    if limit is None:
        return None
    costs = values(records, workload, server, "server_cpu_ns")
    limits = values(records, workload, limit, "server_cpu_ns")
    paired = [costs[number] / limits[number] for number in costs if limits.get(number)]
    return statistics.median(paired) if len(paired) >= MIN_ROUNDS else None


def shown(value, form="{:.0f}", scale=1):
    return "-" if value is None else form.format(value / scale)


def row(records, workload, server):
    def cell(field, form="{:.0f}", scale=NS):
        return shown(median(records, workload, server, field), form, scale)

    return [
        server,
        shown(ratio(records, workload, server), "{:.2f}"),
        cell("server_cpu_ns"),
        shown(mean(records, workload, server, "server_user_ns")),  # Sampled, so no median.
        cell("syscalls", "{:.2f}"),
        cell("p50_ns", "{:.0f}", US),
        cell("p99_ns", "{:.0f}", US),
        cell("p99.9_ns", "{:.0f}", US),
        cell("requests_per_second"),
    ]


HEADER = ["server", "ratio", "CPU ns", "user ns", "syscalls", "p50 us", "p99 us", "p99.9 us"]
HEADER += ["requests/s"]
IDLE_HEADER = ["server", "RSS bytes", "slab bytes"]


def idle_row(records, workload, server):
    fields = ("rss_bytes", "slab_bytes")
    return [server, *(shown(median(records, workload, server, field)) for field in fields)]


def markdown(title, header, rows):
    widths = [max(map(len, column)) for column in zip(header, *rows)]

    def line(cells):
        first, *others = (cell.rjust(width) for cell, width in zip(cells, widths))
        return "| " + " | ".join([cells[0].ljust(widths[0]), *others]) + " |"

    rule = "|" + "|".join("-" * (width + 1) + ("-" if i == 0 else ":") for i, width in
                          enumerate(widths)) + "|"
    return "\n".join([f"### {title}", "", line(header), rule, *map(line, rows), ""])


def table(records, workloads):
    """All of `workloads`, {name: title}, as Markdown."""
    parts = []
    for workload, title in workloads.items():
        of_this = [record for record in records if record["workload"] == workload]
        servers = [name for name in ALL if any(record["server"] == name for record in of_this)]
        if not servers:
            continue
        idle = "rss_bytes" in of_this[0]
        rows = [(idle_row if idle else row)(records, workload, server) for server in servers]
        limit = limit_of(records, workload)
        note = "" if idle or limit is None else f" (limit: {limit})"
        parts.append(markdown(title + note, IDLE_HEADER if idle else HEADER, rows))
    return "\n".join(parts)


def missed(records, workloads, aims):
    """A line for each aim that OURS misses."""
    return [
        f"{title}: {found:.2f} times the limit, aim {aims[workload]:.2f}"
        for workload, title in workloads.items()
        if workload in aims and (found := ratio(records, workload, OURS) or 0) > aims[workload]
    ]


def svg(records, workloads):
    """Bars of the ratios, by workload; the line is the limit."""
    bar, label, unit = 14, 150, 160
    parts, y = [], 20
    for workload, title in workloads.items():
        found = {server: ratio(records, workload, server) for server in ALL}
        bars = {server: value for server, value in found.items() if value is not None}
        if not bars:
            continue
        parts.append(f'<text x="4" y="{y}" font-weight="bold">{escape(title)}</text>')
        top = y + 6
        for i, (server, value) in enumerate(bars.items()):
            at = top + i * bar
            color = "#c33" if server == OURS else "#89a"
            parts.append(f'<text x="4" y="{at + 11}">{escape(server)}</text>')
            parts.append(f'<rect x="{label}" y="{at + 2}" width="{min(value, 4) * unit:.0f}" '
                         f'height="{bar - 3}" fill="{color}"/>')
            parts.append(f'<text x="{label + min(value, 4) * unit + 4:.0f}" y="{at + 11}">'
                         f'{value:.2f}</text>')
        y = top + len(bars) * bar
        parts.append(f'<path d="M{label + unit} {top}V{y}" stroke="#000"/>')
        y += 26
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{label + 4 * unit + 60}" height="{y}" '
        'font-family="sans-serif" font-size="11">\n<rect width="100%" height="100%" fill="#fff"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )
