#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds simulated means against closed forms, one row a formula.

usage: closed_forms.py OFFLOADSIM SCENARIOS [--page] [--replications N]

Each row runs a scenario (with overrides) and asks whether the theory lies inside the 99 % interval
of each metric named. Seeds are fixed, so a row either holds or does not; it cannot flicker. With
--page the rows are printed as a Markdown table instead of TAP. With a number of
replications, for slow builds, no row has more.
"""

import json
import math
import pathlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from theory import CONFIDENCE, erlang_b, erlang_c, most_replications, tell



def mm1(arrival, service):
    load = arrival / service
    return {
        "utilisation.device": load,
        "offered_load.device": load,
        "arrival_rate_per_s.device": arrival,
        "throughput_per_s": arrival,
        "wait_mean_s.device": load / (service - arrival),
        "latency_mean_s": 1 / (service - arrival),
        "latency_p50_s": math.log(2) / (service - arrival),
        "latency_p99_s": math.log(100) / (service - arrival),
        "queue_mean.device": load * load / (1 - load),
        "present_mean.device": load / (1 - load),
    }


def mmc(servers, arrival, service):
    load = arrival / service
    wait = erlang_c(servers, load) / (servers * service - arrival)
    return {
        "utilisation.device": load / servers,
        "wait_mean_s.device": wait,
        "latency_mean_s": wait + 1 / service,
        "queue_mean.device": arrival * wait,
        "present_mean.device": arrival * wait + load,
    }


def mg1(arrival, mean, cv):
    """Pollaczek-Khinchine (Kleinrock 1975, sec. 5.6)."""
    load = arrival * mean
    wait = arrival * mean * mean * (1 + cv * cv) / (2 * (1 - load))
    return {
        "utilisation.device": load,
        "wait_mean_s.device": wait,
        "latency_mean_s": wait + mean,
        "queue_mean.device": arrival * wait,
    }


def mm1k(load, places):
    """M/M/1/K: at most K samples present (Kleinrock 1975, sec. 3.6); service rate 1."""
    weights = [load**n for n in range(places + 1)]
    share = [w / sum(weights) for w in weights]
    present = sum(n * p for n, p in enumerate(share))
    accepted = load * (1 - share[-1])
    return {
        "drop_fraction": share[-1],
        "drop_fraction.full": share[-1],
        "utilisation.device": 1 - share[0],
        "present_mean.device": present,
        "latency_mean_s": present / accepted,
    }


def repairman(customers, think, service):
    """M/M/1//N: N customers that think and queue at one server (Kleinrock 1975, sec. 3.8)."""
    weights = [1.0]
    for n in range(customers):
        weights.append(weights[-1] * (customers - n) * service / think)
    idle = weights[0] / sum(weights)
    throughput = (1 - idle) / service
    return {
        "throughput_per_s": throughput,
        "utilisation.device": 1 - idle,
        "latency_mean_s": customers / throughput - think,
    }


def weibull_cv(shape):
    first = math.gamma(1 + 1 / shape)
    return math.sqrt(math.gamma(1 + 2 / shape) / first**2 - 1)


SERVICE = "tiers.device.compute.time.task="
RATE = "tiers.device.arrivals="

ROWS = [
    ("M/M/1, load 0.9", "mm1", [], mm1(0.9, 1)),
    ("M/M/1, load 0.5", "mm1", [RATE + "{poisson: 0.5 /s}"], mm1(0.5, 1)),
    ("M/M/3, load 0.8", "mmc", [], mmc(3, 2.4, 1)),
    ("M/M/16, load 0.9", "mmc", [RATE + "{poisson: 14.4 /s}", "tiers.device.compute.servers=16"],
     mmc(16, 14.4, 1)),
    ("M/D/1, load 0.8", "mm1", [RATE + "{poisson: 0.8 /s}", SERVICE + "1 s"], mg1(0.8, 1, 0)),
    ("M/G/1, uniform", "mm1",
     [RATE + "{poisson: 0.8 /s}", SERVICE + "{uniform: {from: 0.5 s, to: 1.5 s}}"],
     mg1(0.8, 1, math.sqrt(1 / 12))),
    ("M/G/1, lognormal, cv 1.5", "mm1",
     [RATE + "{poisson: 0.7 /s}", SERVICE + "{lognormal: {mean: 1 s, cv: 1.5}}"], mg1(0.7, 1, 1.5)),
    ("M/G/1, gamma, cv 0.5", "mm1",
     [RATE + "{poisson: 0.8 /s}", SERVICE + "{gamma: {mean: 1 s, cv: 0.5}}"], mg1(0.8, 1, 0.5)),
    ("M/G/1, hyperexponential, cv 2", "mm1",
     [RATE + "{poisson: 0.7 /s}", SERVICE + "{hyperexponential: {mean: 1 s, cv: 2}}"],
     mg1(0.7, 1, 2)),
    ("M/G/1, Weibull, shape 0.8", "mm1",
     [RATE + "{poisson: 0.7 /s}", SERVICE + "{weibull: {mean: 1 s, shape: 0.8}}"],
     mg1(0.7, 1, weibull_cv(0.8))),
    ("M/G/1, empirical 1, 2, 6 s", "mm1",
     [RATE + "{poisson: 0.3 /s}",
      SERVICE + "{empirical: {values: [1 s, 2 s, 6 s], weights: [5, 4, 1]}}"],
     mg1(0.3, 1.9, math.sqrt((5 + 16 + 36) / 10 - 1.9**2) / 1.9)),
    ("tandem of two M/M/1", "tandem", [], {
        "utilisation.device-edge.up": 0.75,
        "utilisation.edge": 0.6,
        "wait_mean_s.device-edge.up": 2 - 0.5,
        "wait_mean_s.edge": 1 - 0.4,
        "queue_mean.device-edge.up": 0.75**2 / 0.25,
        "queue_mean.edge": 0.6**2 / 0.4,
        "latency_mean_s": 3,
        "bytes_up_mean": 500e3,
    }),
    ("M/M/1/5, load 0.9", "mm1", ["tiers.device.compute.room=4"], mm1k(0.9, 5)),
    ("M/M/1/3, load 1.5", "mm1", ["tiers.device.compute.room=2", RATE + "{poisson: 1.5 /s}"],
     mm1k(1.5, 3)),
    ("M/M/3/3: Erlang B", "mmc", ["tiers.device.compute.room=0"],
     {"drop_fraction": erlang_b(3, 2.4)}),
    ("M/G/3/3: insensitive to the law", "mmc",
     ["tiers.device.compute.room=0", SERVICE + "{gamma: {mean: 1 s, cv: 1.5}}"],
     {"drop_fraction": erlang_b(3, 2.4)}),
    ("closed loop, 5 customers", "mm1",
     [RATE + "{closed: {in_flight: 5, think: {exponential: 3 s}}}"], repairman(5, 3, 1)),
    ("closed loop, 1 customer, no think time", "mm1",
     [RATE + "{closed: {in_flight: 1, think: 0 s}}"],
     {"throughput_per_s": 1, "utilisation.device": 1, "latency_mean_s": 1,
      "wait_mean_s.device": 0}),
]


def run(program, scenarios, row):
    _, scenario, sets, _ = row
    command = [program, "run", str(scenarios / (scenario + ".yaml")), "--no-store", "--quiet",
               "--format", "json", "--jobs", "1", "--set", f"confidence={100 * CONFIDENCE:g} %",
               "--replications", str(min(20, most_replications()))]
    for override in sets:
        command += ["--set", override]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        return None, done.stderr
    return json.loads(done.stdout)["points"][0], ""


def main():
    program = sys.argv[1]
    scenarios = pathlib.Path(sys.argv[2])
    as_page = "--page" in sys.argv
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda row: run(program, scenarios, row), ROWS))
    tell([(row[0], row[3], *result) for row, result in zip(ROWS, results)], as_page)


if __name__ == "__main__":
    main()
