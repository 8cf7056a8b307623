#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds transfers over recorded rates against their direct integration.

usage: link_traces.py OFFLOADSIM SCENARIOS

The recordings are no part of this project: they are read as they are from links/ in the folder
named by OFFLOADSIM_DATA (default: ../shared/data beside the source), and without them the test is
skipped. They are packet opportunities of a drive over LTE as the Mahimahi emulator takes them, and
times and rates of commutes over HSDPA in Norway. The integration is in rational numbers, so what
differs is the simulator's: 1e-9 of the transfer's length, at most.
"""

import csv
import itertools
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
from fractions import Fraction

TOLERANCE = Fraction(1, 10**9)
TRANSFERS = 12  # of each file and case


class Steps:
    """Bytes per second from given times on, to a length after which they begin anew."""

    def __init__(self, times, rates, length):
        self.times, self.rates, self.length = times, rates, length
        self.ends = times[1:] + [length]
        self.amount = sum(r * (e - t) for t, r, e in zip(times, rates, self.ends))

    def finish(self, start, amount, repeats=True):
        """When an amount is done that is started at a time; None if never."""
        rounds, within = divmod(start, self.length) if repeats else (0, start)
        for turn in itertools.count(rounds):
            for time, rate, end in zip(self.times, self.rates, self.ends):
                begin = max(time, within)
                if begin >= end:
                    continue
                if rate > 0 and amount <= rate * (end - begin):
                    return turn * self.length + begin + amount / rate
                amount -= rate * (end - begin)
            if not repeats:
                return None
            within = 0
            whole = max(0, -(-amount // self.amount) - 1)  # rounds that it fills
            amount -= whole * self.amount
            if whole:
                return self.finish((turn + 1 + whole) * self.length, amount)


def read_rates(path):
    """Each rate holds until the next time, the last as long as the one before it."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    # The numbers as doubles, as every program reads them; from there on exactly.
    times = [Fraction(float(row["time_s"])) for row in rows]
    rates = [Fraction(float(row["rate_mbit_per_s"])) * 125000 for row in rows]
    times = [time - times[0] for time in times]
    return Steps(times, rates, 2 * times[-1] - times[-2])


def read_opportunities(path, repeats=True):
    """1500 B in each millisecond that is listed, as often as it is; the last is the round."""
    slots = {}
    last = 0
    for line in path.read_text(encoding="utf-8").split():
        last = int(line)
        slots[last] = slots.get(last, 0) + 1
    if repeats:
        slots[0] = slots.get(0, 0) + slots.pop(last)
    count = last if repeats else last + 1
    milli = Fraction(1, 1000)
    return Steps([n * milli for n in range(count)],
                 [Fraction(1500000 * slots.get(n, 0)) for n in range(count)], count * milli)


def simulate(program, folder, rate, start, size, more=""):
    path = folder / "link.yaml"
    path.write_text(f"""scenario: link
stop: {{samples: 1}}
models: {{net: {{layers: 1}}}}
samples: {{payload: {size} B, answer: free}}
tiers:
  - {{name: device, arrivals: {{deterministic: {{period: 1 s, phase: {start!r} s}}}}}}
  - {{name: edge, compute: {{time: {{net: 0 s}}}}}}
links:
  - {{from: device, to: edge, up: {rate}{more}}}
policy: {{full_offload: {{when_lost: drop}}}}
""", encoding="utf-8")
    done = subprocess.run([program, "run", str(path), "--no-store", "--quiet", "--format", "json",
                           "--set", "replications=1"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return None, done.stderr
    return json.loads(done.stdout)["points"][0]["metrics"], ""


def main():
    program, root = sys.argv[1], pathlib.Path(sys.argv[2]).resolve().parent
    data = pathlib.Path(os.environ.get("OFFLOADSIM_DATA", root.parent / "shared" / "data"))
    data = (data / "links").resolve()
    files = sorted(data.glob("*")) if data.is_dir() else []
    if not files:
        print("1..0 # SKIP the recordings are not there; OFFLOADSIM_DATA names their folder")
        return
    results = []
    draw = random.Random(2385)

    def report(good, what, detail):
        results.append(f"{'ok' if good else 'not ok'} {len(results) + 1} - {what}"
                       + ("" if good else f"\n# {detail}"))

    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for path in files:
            is_csv = path.suffix == ".csv"
            steps = read_rates(path) if is_csv else read_opportunities(path)
            body = (f"trace: {{file: {path}, time: time_s, rate: rate_mbit_per_s"
                    if is_csv else f"mahimahi: {{file: {path}")
            length = float(steps.length)
            mean = float(steps.amount / steps.length)
            worst = Fraction(0)
            problem = ""
            for i in range(TRANSFERS):
                # From a part of a second's worth to several rounds. Where the last byte goes just
                # before a standstill rounding would decide on its side, so no size is of whole
                # packets.
                size = int(mean * 10 ** draw.uniform(-2, 1)) if i else int(mean * length * 2.5)
                size += size % 1500 == 0
                start = round(draw.uniform(0, 3 * length), 3)
                shift = round(draw.uniform(0, length), 3) if i % 2 else 0
                metrics, error = simulate(program, folder, f"{{{body}, start: {shift!r} s}}}}",
                                          start, max(size, 1))
                if metrics is None:
                    problem = error
                    break
                began = Fraction(start) + Fraction(shift)
                exact = steps.finish(began, Fraction(max(size, 1))) - began
                found = Fraction(metrics["latency_mean_s"]["mean"])
                worst = max(worst, abs(found - exact) / exact)
            report(not problem and worst <= TOLERANCE, f"{path.name}: transfers",
                   problem or f"off by {float(worst):.3g} of their length")
            # The same file once: what does not end before it is lost.
            once = steps if is_csv else read_opportunities(path, repeats=False)
            good = True
            for share in (0.2, 0.999, 1.001):
                size = int(once.amount * Fraction(share))
                metrics, error = simulate(program, folder, f"{{{body}, repeat: false}}}}", 0.0,
                                          size)
                exact = once.finish(Fraction(0), Fraction(size), repeats=False)
                if metrics is None:
                    problem, good = error, False
                elif exact is None:
                    sent = Fraction(metrics["bytes_up_mean"]["mean"])
                    good = good and metrics["drop_fraction.lost"]["mean"] == 1 \
                        and abs(sent - once.amount) <= TOLERANCE * once.amount
                else:
                    found = Fraction(metrics["latency_mean_s"]["mean"])
                    good = good and abs(found - exact) <= TOLERANCE * exact
            report(good, f"{path.name}: once", problem)
    print(f"1..{len(results)}")
    print("\n".join(results))


if __name__ == "__main__":
    main()
