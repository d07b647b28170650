"""What bench/run found, as a table for people, beside the goals."""
import statistics

import chart
import contenders

MIB = 1e6  # megabytes are decimal, as disks' are


class Results:
    """Rows of all rounds: a step of a contender each."""

    def __init__(self, rows):
        self.rows = rows
        self.peers = [n for n in contenders.CONTENDERS if any(r["peer"] == n for r in rows)]
        self.steps = [s for s in contenders.STEPS if any(r["step"] == s for r in rows)]

    def values(self, peer, step, what):
        return [r[what] for r in self.rows if r["peer"] == peer and r["step"] == step and r.get(what) is not None]

    def middle(self, peer, step, what="wall"):
        values = self.values(peer, step, what)
        return statistics.median(values) if values else None


def ratio(a, b):
    return a / b if a is not None and b else None


def goals(found):
    """(what, figure, unit, limit): None as figure means that it was not measured."""
    ours = lambda step, what="wall": found.middle("landfall", step, what)
    restic = lambda step, what="wall": found.middle("restic", step, what)
    stored = lambda peer, step: ratio(found.middle(peer, step, "stored"), MIB)
    cat = found.middle("cp", "read A")
    yield "full A: wall / restic's", ratio(ours("full A"), restic("full A")), "", 0.25
    yield "full A: CPU / restic's", ratio(ours("full A", "cpu"), restic("full A", "cpu")), "", 0.25
    yield "full A: stored / borg lz4's", ratio(stored("landfall", "full A"), stored("borg lz4", "full A")), "", 1
    compacted = ours("compact A", "held")
    yield "full A, compacted: stored / borg zstd's", ratio(ratio(compacted, MIB), stored("borg zstd", "full A")), "", 1
    yield "full B after A: stored", stored("landfall", "full B"), "MB", 240
    yield "full B after A: wall / restic's", ratio(ours("full B"), restic("full B")), "", 0.25
    yield "A1 with a map: wall", ours("A1, map"), "s", 0.7
    yield "A1 with a map: bytes read / changed", ratio(ours("A1, map", "read"), ours("A1, map", "changed")), "", 1
    yield "A1: stored", stored("landfall", "A1, map"), "MB", 60
    yield "A2: stored", stored("landfall", "A2, map"), "MB", 65
    yield "A3: stored", stored("landfall", "A3, map"), "MB", 60
    for day in ("A1", "A2", "A3"):
        yield day + " without a map: wall / reading A", ratio(ours(day), cat), "", 2
        yield day + " without a map: stored / with one", ratio(stored("landfall", day), stored("landfall", day + ", map")), "", 1.02
    yield "restore A3: wall / cp's", ratio(ours("restore A3"), found.middle("cp", "restore A3")), "", 1.2
    speed = ratio(ratio(ours("verify", "held"), 1e9), ours("verify"))
    yield "verify: seconds a stored GB", ratio(1, speed), "s", 1
    yield "NBD, 64 KiB: median", ours("NBD 64 KiB", "p50_ms"), "ms", 0.5
    yield "NBD, 64 KiB: p99", ours("NBD 64 KiB", "p99_ms"), "ms", 5
    yield "drop a point and collect: wall", ours("drop + collect"), "s", 2
    yield "list: wall", ours("list"), "s", 0.05
    yield "peak memory of any step", max((r["rss"] for r in found.rows if r["peer"] == "landfall"), default=0) / MIB, "MB", 200


def number(value):
    return "" if value is None else "%.2f" % value if value < 10 else "%.1f" % value if value < 100 else "%.0f" % value


def goal_table(found):
    lines = ["| goal | figure | at most | |", "|---|---|---|---|"]
    for what, figure, unit, limit in goals(found):
        verdict = "not measured" if figure is None else "met" if figure <= limit * 1.0005 else "**missed**"
        lines.append("| %s | %s | %g | %s |" % (what, "" if figure is None else (number(figure) + " " + unit).strip(), limit, verdict))
    return "\n".join(lines)


def table(found, what, divide=1.0, spread=False):
    lines = ["| step | " + " | ".join(found.peers) + (" | landfall / restic |" if what in ("wall", "cpu") else " |"),
             "|---|" + "---|" * (len(found.peers) + (what in ("wall", "cpu")))]
    for step in found.steps:
        cells = []
        for peer in found.peers:
            values = [v / divide for v in found.values(peer, step, what)]
            cell = number(statistics.median(values)) if values else ""
            cells.append(cell + (" (%s–%s)" % (number(min(values)), number(max(values))) if spread and len(values) > 1 else ""))
        if not any(cells):
            continue
        if what in ("wall", "cpu"):
            compared = ratio(found.middle("landfall", step, what), found.middle("restic", step.split(",")[0], what))
            cells.append(number(compared))
        lines.append("| %s | %s |" % (step, " | ".join(cells)))
    return "\n".join(lines)


def reads_table(found):
    lines = ["| reads, ms | contender | until the first | median | p99 | longest |", "|---|---|---|---|---|---|"]
    for step in found.steps:
        for peer in found.peers:
            cells = [number(found.middle(peer, step, what)) for what in ("open_ms", "p50_ms", "p99_ms", "max_ms")]
            if cells[1]:
                lines.append("| %s | %s | %s |" % (step, peer, " | ".join(cells)))
    return "\n".join(lines)


def markdown(found, about):
    changed = ", ".join("%s %.0f MB" % (day, found.middle("landfall", day + ", map", "changed") / MIB) for day in ("A1", "A2", "A3")
                        if found.middle("landfall", day + ", map", "changed"))
    return "\n\n".join([
        "# The vault beside its peers", "\n".join("- " + line for line in about + ["changed: " + changed]),
        "![wall seconds](vault.svg)", "## Goals", goal_table(found),
        "## Wall seconds\n\nMedian (lowest–highest) of the rounds; what was written is synced within the time. A1 to A3 \"map\" are told the changed blocks, "
        "which no peer can be; the ratio compares with restic's A1 to A3.", table(found, "wall", spread=True),
        "## CPU seconds", table(found, "cpu"),
        "## Stored by the step, MB\n\nWhat the store's files take of the disk after it, less before; without caches, which may be lost.", table(found, "stored", MIB),
        "## Caches after the step, MB\n\nLandfall: the index and the disks' page fingerprints. restic, borg: their cache folders.", table(found, "caches", MIB),
        "## Peak memory of the largest process, MB", table(found, "rss", MIB),
        "## Bytes read, MB\n\nLandfall: of the disk, as it counts them. Others: by read calls, of the disk and of their store; a program that maps "
        "files reads more than this says. In cold rounds (`LF_BENCH_CACHE=cold`): what of the disk came into the page cache.", table(found, "read", MIB),
        "## Random reads\n\nOne at a time, every answer compared with the disk. Landfall and qemu-nbd (of the raw file) by NBD, restic and borg by their FUSE mount. "
        "Until the first: the server's start is in it.", reads_table(found)]) + "\n"


def svg(found, about):
    panels = []
    for step in found.steps:
        bars = [(peer, found.middle(peer, step)) for peer in found.peers]
        if step.endswith(", map") and step[:2] in found.steps:
            continue
        if step in ("A1", "A2", "A3"):
            bars = [("landfall", found.middle("landfall", step + ", map"))] + [("without a map" if p == "landfall" else p, v) for p, v in bars]
        if step == "NBD 64 KiB":
            bars = [(peer, found.middle(peer, step, "p50_ms")) for peer in found.peers]
        bars = [b for b in bars if b[1] is not None]
        if len(bars) > 1:
            panels.append((step + ", median" if step == "NBD 64 KiB" else step, "ms" if step == "NBD 64 KiB" else "s", bars))
    for step in ("full A", "full B", "A1", "A2", "A3"):
        keep = [peer for peer in found.peers if peer != "rsync" or step == "full A"]  # rsync keeps the last day only
        bars = [(peer, found.middle(peer, step + ", map" if peer == "landfall" and step[0] == "A" else step, "stored")) for peer in keep]
        panels.append((step + " stored", "MB", [(p, v / MIB) for p, v in bars if v is not None]))
    return chart.bar_panels("Landfall's vault beside its peers: less is better", [p for p in panels if p[2]], note="; ".join(about[:2]))
