#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts how often 95 % intervals cover what they are about.

usage: coverage.py OFFLOADSIM SCENARIOS [--experiments N] [--only WORD] [--markdown] [--jobs N]
       coverage.py OFFLOADSIM SCENARIOS --tap

Each row runs a scenario as many times as there are experiments, with the seeds 1, 2, ..., and
counts the intervals that hold the theoretical value: those of replications, and then those of the
batches of one run of as many samples as the row says. What the share of these is off by chance is
binomial; it is printed as the 95 % interval of the share (Wilson). A row fails if the share lies
outside of its band. All is as reproducible as the program is.

Three more rows let runs stop by themselves once an interval is as narrow as 1 % of the mean, the
second one by antithetic pairs and the third by the length of one run, and count how often the mean
is then within 1 % of the theoretical value.

With --tap rows are shorter and run 200 times each; one fails if its count is one that a true
interval has less than once in a thousand times.
"""

import argparse
import csv
import json
import math
import pathlib
import re
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "analytic"))

from closed_forms import RATE, SERVICE, mg1, mm1, mm1k, mmc  # pylint: disable=C0413

CONFIDENCE = 0.95

# Where the share of covering intervals has to lie in full; at 1000 experiments it has a standard
# deviation of 0.7 points.
BAND = (0.93, 0.97)


# ---- binomial law ----


def binomial_below(count, trials, share):
    """P(X <= count)."""
    logs = (math.lgamma(trials + 1) - math.lgamma(k + 1) - math.lgamma(trials - k + 1)
            + k * math.log(share) + (trials - k) * math.log1p(-share) for k in range(count + 1))
    return math.fsum(math.exp(value) for value in logs)


def is_likely(count, trials, share, error=0.001):
    """Whether neither tail of the law has less than half of `error` from here on."""
    above = 1 - binomial_below(count - 1, trials, share) if count else 1
    return binomial_below(count, trials, share) >= error / 2 and above >= error / 2


def wilson(count, trials):
    z2 = 1.959963984540054**2 / trials
    share = count / trials
    width = math.sqrt(z2 * (share * (1 - share) + z2 / 4))
    return (share + z2 / 2 - width) / (1 + z2), (share + z2 / 2 + width) / (1 + z2)


def order_statistics(units):
    """What the interval of a median of so many units covers: a little more than 95 %."""
    rank = 1
    while 2 * binomial_below(rank, units, 0.5) <= 1 - CONFIDENCE:
        rank += 1
    return 1 - 2 * binomial_below(rank - 1, units, 0.5)


# ---- what is run ----


def accuracy(scenarios):
    with open(scenarios / "data" / "digits.csv", newline="", encoding="utf-8") as file:
        right = [row["s_ok"] == "1" for row in csv.DictReader(file)]
    return {"accuracy": sum(right) / len(right)}


class Row:
    """Runs of one scenario.

    A replication is `samples` long, the run that is cut into batches `batched`; of each, `warmup`
    are left out. `batched` is None if the row has no batches.
    """

    def __init__(self, name, scenario, overrides, truth, samples, warmup, batched,
                 replications=10, quick=None, most=None):
        self.name = name
        self.scenario = scenario
        self.overrides = overrides
        self.truth = truth
        self.samples = samples
        self.warmup = warmup
        self.batched = batched
        self.replications = replications
        self.quick = quick  # samples, warm-up, batched for --tap; None: not run there
        self.most = most  # experiments

    def overrides_of(self, way):
        own = {"replications": [f"stop={{samples: {self.samples}}}",
                                f"replications={self.replications}"],
               "batch means": [f"stop={{samples: {self.batched}}}", "replications=1",
                               "intervals=batch_means"]}
        return [*self.overrides, f"warmup={{samples: {self.warmup}}}", *own[way]]


WAYS = ("replications", "batch means")


def only(theory, *names):
    return {name: theory[name] for name in names}


WAIT = "wait_mean_s.device"


def rows(scenarios):
    # Warm-ups are at least ten times what a queue takes to forget its start, about
    # 1 / (1 - sqrt(load))^2 services (Cohen, The Single Server Queue, 1982, III.7): some 12 at a
    # load of 0.5, 380 at 0.9.
    return [
        # 17 units: order statistics of so many cover 95.1 %.
        Row("M/M/1, load 0.5", "mm1", [RATE + "{poisson: 0.5 /s}"],
            {**only(mm1(0.5, 1), WAIT, "latency_mean_s"), "latency_p95_s": math.log(20) / 0.5},
            22000, 2000, 102000, 17, quick=(6000, 1000, 41000)),
        Row("M/M/1, load 0.9", "mm1", [],
            {**only(mm1(0.9, 1), WAIT, "latency_mean_s"), "latency_p95_s": math.log(20) / 0.1},
            # The 95th percentile of shorter runs is skewed, so that its median, which is what the
            # interval covers, is below the true one.
            130000, 10000, 1010000, 17),
        Row("M/M/3, load 0.8", "mmc", [], only(mmc(3, 2.4, 1), WAIT), 33000, 3000,
            153000, quick=(12000, 2000, 82000)),
        Row("M/G/1, lognormal, cv 1.5, load 0.7", "mm1",
            [RATE + "{poisson: 0.7 /s}", SERVICE + "{lognormal: {mean: 1 s, cv: 1.5}}"],
            only(mg1(0.7, 1, 1.5), WAIT), 44000, 4000, 204000, quick=(12000, 2000, 82000)),
        Row("tandem, loads 0.75 and 0.6", "tandem", [],
            {"wait_mean_s.device-edge.up": 1.5, "wait_mean_s.edge": 0.6, "latency_mean_s": 3},
            33000, 3000, 153000, quick=(10000, 2000, 62000)),
        Row("digits, small model, resampled", "hi-digits",
            ["policy=local", "samples.order=resample"], accuracy(scenarios), 5000, 0,
            50000, quick=(1000, 0, 10000)),
        Row("M/M/1, load 0.5, antithetic pairs", "mm1",
            [RATE + "{poisson: 0.5 /s}", "antithetic=true"], only(mm1(0.5, 1), "latency_mean_s"),
            12000, 2000, None, 20, most=500),
        Row("M/M/1, load 0.5, control variates", "mm1",
            [RATE + "{poisson: 0.5 /s}", "control_variates=true"],
            only(mm1(0.5, 1), "latency_mean_s"), 12000, 2000, None, 20, most=500),
        Row("M/M/1/8, load 0.5: drops", "mm1",
            [RATE + "{poisson: 0.5 /s}", "tiers.device.compute.room=7"],
            only(mm1k(0.5, 8), "drop_fraction"), 11000, 1000, 101000),
    ]


# ---- running ----


def sweep(program, scenario, overrides, experiments, jobs=2):
    """The points of a sweep over seeds: one experiment each."""
    command = [program, "sweep", str(scenario), "--no-store", "--quiet", "--all",
               "--format", "json", "--jobs", str(jobs), "--set", f"seed=range(1,{experiments},1)",
               "--set", f"confidence={100 * CONFIDENCE:g} %"]
    for override in overrides:
        command += ["--set", override]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
    points = json.loads(done.stdout)["points"]
    if len(points) != experiments:
        raise SystemExit(f"{len(points)} points instead of {experiments}")
    return points


def covered(points, metric, truth):
    estimates = [point["metrics"][metric] for point in points]
    return sum(estimate["low"] <= truth <= estimate["high"] for estimate in estimates)


def nominal(row, way, metric):
    """The share that is promised; of order statistics of an unknown number of batches, at least."""
    ordered = "_p95_" in metric and way == WAYS[0]
    return order_statistics(row.replications) if ordered else CONFIDENCE


def experiments_of(program, scenarios, row, experiments, jobs):
    """(way, metric, truth, points) for each metric of a row by replications and by batch means."""
    for way in WAYS if row.batched else WAYS[:1]:
        points = sweep(program, scenarios / (row.scenario + ".yaml"), row.overrides_of(way),
                       experiments, jobs)
        for metric, truth in row.truth.items():
            yield way, metric, truth, points


# ---- telling ----


def report(options, name, metric, way, count, trials, band):
    """Prints a line; whether the share lies within its band."""
    low, high = wilson(count, trials)
    share = count / trials
    inside = band[0] <= share <= band[1]
    line = (name, metric, way, f"{100 * share:.1f} %", f"{100 * low:.1f} .. {100 * high:.1f} %")
    if options.markdown:
        print("| " + " | ".join(line) + " |")
    else:
        print(f"{line[0]:38} {line[1]:26} {line[2]:18} {line[3]:>7}  {line[4]:16}"
              + ("" if inside else " OUTSIDE"))
    sys.stdout.flush()
    return inside


def run_row(program, scenarios, options, row):
    good = True
    start = time.perf_counter()
    experiments = min(options.experiments, row.most or options.experiments)
    for way, metric, truth, points in experiments_of(program, scenarios, row, experiments,
                                                     options.jobs):
        units = f"{row.replications} replications" if way == WAYS[0] else way
        good &= report(options, row.name, metric, units, covered(points, metric, truth),
                       len(points), BAND)
    print(f"{row.name}: {time.perf_counter() - start:.0f} s", file=sys.stderr)
    return good


# ---- stopping ----

WARMUP = "warmup={samples: 2000}"

# Replications are so long that about as many again are needed as the first stage has.
STOPPING = {"M/M/1, load 0.5, until 1 %": ["stop={samples: 22000}", WARMUP],
            "M/M/1, load 0.5, antithetic, until 1 %": ["stop={samples: 12000}", WARMUP,
                                                       "antithetic=true"],
            "M/M/1, load 0.5, one run until 1 %": ["stop={samples: 102000}", WARMUP,
                                                   "intervals=batch_means"]}

# For --tap: by replications, and by the length of one run.
QUICK_STOPPING = {
    "replications": ["stop={samples: 6000}", "warmup={samples: 1000}"],
    "samples": ["stop={samples: 21000}", "warmup={samples: 1000}", "intervals=batch_means"],
}


def stopping(program, scenarios, lengths, percent, experiments, jobs):
    """The points, and how many of them end within so many per cent of the truth."""
    text = (scenarios / "mm1.yaml").read_text(encoding="utf-8")
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
        # The number of replications is found instead of given.
        file.write(re.sub(r"^replications:.*\n", "", text, flags=re.MULTILINE))
        file.flush()
        points = sweep(program, file.name,
                       [RATE + "{poisson: 0.5 /s}", *lengths,
                        f"until={{metric: latency_mean_s, relative: {percent} %}}"],
                       experiments, jobs)
    within = sum(abs(point["metrics"]["latency_mean_s"]["mean"] / 2 - 1) <= percent / 100
                 for point in points)
    return points, within


def run_stopping(program, scenarios, options, name):
    """Half as many experiments, for each is some twenty replications long."""
    points, within = stopping(program, scenarios, STOPPING[name], 1, options.experiments // 2,
                              options.jobs)
    unit = "samples" if "samples" in points[0] else "replications"
    mean = sum(point[unit] for point in points) / len(points)
    units = f"{mean:.0f} samples" if unit == "samples" else f"{mean:.1f} on average"
    return report(options, name, "latency_mean_s within 1 %", units, within, len(points),
                  (0.93, 1))


def run_tap(program, scenarios):
    experiments = 200
    quick = [row for row in rows(scenarios) if row.quick]
    print(f"1..{len(WAYS) * (1 + sum(len(row.truth) for row in quick))}")
    failed = False
    number = 0
    for unit, lengths in QUICK_STOPPING.items():
        number += 1
        points, within = stopping(program, scenarios, lengths, 2, experiments, 2)
        good = binomial_below(within, len(points), 0.93) >= 0.001
        failed |= not good
        print(f"{'ok' if good else 'not ok'} {number} - what stops at 2 %, by {unit}, ends within "
              "2 % of the truth")
        if not good:
            print(f"# {within} of {len(points)} do")
    for row in quick:
        row.samples, row.warmup, row.batched = row.quick
        for way, metric, truth, points in experiments_of(program, scenarios, row, experiments, 2):
            number += 1
            count = covered(points, metric, truth)
            good = is_likely(count, experiments, nominal(row, way, metric))
            failed |= not good
            print(f"{'ok' if good else 'not ok'} {number} - {row.name}, {way}: {metric}")
            if not good:
                print(f"# {count} of {experiments} intervals hold {truth:.6g}")
            sys.stdout.flush()
    return 1 if failed else 0


def run_full(program, scenarios, options):
    print(f"{options.experiments} experiments a row; intervals of {100 * CONFIDENCE:g} %; "
          f"band {100 * BAND[0]:g} to {100 * BAND[1]:g} %", file=sys.stderr)
    if options.markdown:
        print("| case | metric | units | covered | 95 % interval of the share |")
        print("|---|---|---|---:|---|")
    good = True
    for row in rows(scenarios):
        if options.only in row.name:
            good &= run_row(program, scenarios, options, row)
    for name in STOPPING:
        if options.only in name:
            good &= run_stopping(program, scenarios, options, name)
    return 0 if good else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("scenarios", type=pathlib.Path)
    parser.add_argument("--experiments", type=int, default=1000)
    parser.add_argument("--jobs", type=int, default=2, help="threads of the program")
    parser.add_argument("--only", default="", metavar="WORD", help="rows whose name has this in it")
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--tap", action="store_true")
    options = parser.parse_args()
    if options.tap:
        return run_tap(options.program, options.scenarios)
    return run_full(options.program, options.scenarios, options)


if __name__ == "__main__":
    sys.exit(main())
