"""Runs the 22 TPC-H queries on Lakegate and its peers in turn, checks that they agree, and prints times.

Every query runs on one system after the other, and that as often as asked; the best time counts. The clock runs
from sending the text to holding all rows. The table goes into docs/benchmarks.md with --write.
"""

import argparse
import math
import os
import pathlib
import platform
import tempfile
import time

from agree import difference
from peers import PEERS, TIMEOUT_SECONDS
from tables import make, query

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/benchmarks.md"
BEGIN, END = "<!-- tpch: begin -->\n", "<!-- tpch: end -->\n"
NUMBERS = range(1, 23)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1, help="scale factor (1 is about 1 GB)")
    parser.add_argument("--runs", type=int, default=3, help="runs of every query on every system")
    parser.add_argument("--systems", default=",".join(PEERS), help="comma-separated, from: " + ", ".join(PEERS))
    parser.add_argument("--data", type=pathlib.Path, default=pathlib.Path(tempfile.gettempdir()) / "lakegate-tpch")
    parser.add_argument("--write", action="store_true", help="write the table into docs/benchmarks.md")
    return parser.parse_args()


def measure(systems, scale, runs):
    """For every query and system the best time in seconds; and what disagreed or failed, as lines."""
    best = {number: {} for number in NUMBERS}
    complaints = []
    for number in NUMBERS:
        text = query(number, scale)
        answers = {}
        for run in range(runs):
            for system in systems:
                if best[number].get(system.name) == math.inf:
                    continue
                start = time.perf_counter()
                try:
                    answers[system.name] = system.rows(text)
                    taken = time.perf_counter() - start
                except Exception as error:  # A query that fails is a line of the report.
                    complaints.append(f"query {number}: {system.name} failed: {str(error).splitlines()[0]}")
                    taken = math.inf
                best[number][system.name] = min(taken, best[number].get(system.name, taken))
        (first, expected), *others = answers.items() or [(None, None)]
        for name, answer in others:
            if found := difference(expected, answer):
                complaints.append(f"query {number}: {first} and {name} disagree: {found}")
        print(f"query {number:2}: " + ", ".join(f"{name} {taken:.3f} s" for name, taken in best[number].items()),
              flush=True)
    return best, complaints


def table(best, names):
    """Markdown: a row a query; milliseconds, and for each peer how many times Lakegate's time it took."""
    ours, peers = names[0], names[1:]
    lines = [f"| query | {ours} | " + " | ".join(f"{peer} | ratio" for peer in peers) + " |",
             "|---:|---:|" + "---:|---:|" * len(peers)]

    def row(title, times):
        cells = [title, show(times[ours])]
        for peer in peers:
            cells += [show(times[peer]), f"{times[peer] / times[ours]:.2f}" if math.isfinite(times[peer]) else "–"]
        return "| " + " | ".join(cells) + " |"

    def show(seconds):
        return f"{seconds * 1000:.0f} ms" if math.isfinite(seconds) else "failed"

    lines += [row(f"{number}", best[number]) for number in NUMBERS]
    finite = [times for times in best.values() if all(map(math.isfinite, times.values()))]
    if finite:
        lines.append(row("sum", {name: sum(times[name] for times in finite) for name in names}))
        means = {name: math.exp(sum(math.log(times[name]) for times in finite) / len(finite)) for name in names}
        lines.append(row("geometric mean", means))
    return "\n".join(lines) + "\n"


def main():
    options = arguments()
    folder = options.data / f"scale-{options.scale:g}"
    folder.mkdir(parents=True, exist_ok=True)
    parquet, delta = make(folder, options.scale)
    systems = []
    try:
        for name in options.systems.split(","):
            systems.append(PEERS[name](parquet, delta))
        versions = ", ".join(f"{system.name} {system.version()}" for system in systems)
        best, complaints = measure(systems, options.scale, options.runs)
        memory = [f"Lakegate's peak memory: {system.peak_memory_bytes() / 2**20:.0f} MiB.\n"
                  for system in systems if hasattr(system, "peak_memory_bytes")]
    finally:
        for system in systems:
            system.stop()
    about = (f"Scale {options.scale:g}, best of {options.runs}, {os.cpu_count()} cores ({platform.machine()}), "
             f"at most {TIMEOUT_SECONDS} s a query. {versions}. The ratio is the peer's time divided by "
             f"{systems[0].name}'s: above 1, {systems[0].name} is faster.\n")
    report = "\n".join([about, table(best, [system.name for system in systems]), *memory,
                        *(f"- {complaint}" for complaint in complaints)])
    print(report)
    if options.write:
        before, _, rest = PAGE.read_text().partition(BEGIN)
        _, _, after = rest.partition(END)
        PAGE.write_text(before + BEGIN + "\n" + report + "\n" + END + after)
    raise SystemExit(1 if complaints else 0)


if __name__ == "__main__":
    main()
