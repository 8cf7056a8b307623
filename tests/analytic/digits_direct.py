#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds simulated fractions against counts made directly from the trace, one row a setting.

usage: digits_direct.py OFFLOADSIM SCENARIOS

With one device, and a stop after as many samples as the trace has rows, every image of
scenarios/data/digits.csv passes exactly once. What a policy decides then depends on nothing but the
row, so accuracy, cost, bytes and energy can be counted from the file without any simulation. They
must agree to 1e-12, and not vary between replications.
"""

import csv
import json
import math
import pathlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

TOLERANCE = 1e-12

# What the scenarios say of their hardware.
OVERHEAD_BYTES = 74
ANSWER_BYTES = 16
DEVICE_WATTS = 0.125
DEVICE_SECONDS = 0.0408

# The prices that a direct count can check: those of everything but time.
NO_PRICES = {"error": 0, "offload": [0, 0], "byte": 0, "energy": 0, "layer": [0, 0, 0]}


# ---- policies: the tiers at which one image is computed, in order ----


def local(_row, _models):
    return [0]


def full_offload(_row, models):
    return [len(models) - 1]


def hi_threshold(thetas):
    def decide(row, models):
        stages = [0]
        while stages[-1] + 1 < len(models):
            tier = stages[-1]
            if float(row[models[tier] + "_conf"]) >= thetas[tier]:
                break
            stages.append(tier + 1)
        return stages

    return decide


def oracle(row, models):
    stages = [0]
    while stages[-1] + 1 < len(models) and row[models[stages[-1]] + "_ok"] == "0":
        stages.append(stages[-1] + 1)
    return stages


# ---- the count ----

TIERS = ["device", "edge", "cloud"]


def count(rows, models, exits, decide, prices):
    """What a pass over the trace must give: metric -> value."""
    sums = {"correct": 0, "offloaded": 0, "up": 0, "down": 0, "computed at the device": 0}
    answered = [0] * len(models)
    offloads = [0] * (len(models) - 1)
    layers = [0] * len(models)
    for row in rows:
        stages = decide(row, models)
        last = stages[-1]
        sums["correct"] += int(row[models[last] + "_ok"])
        sums["offloaded"] += last > 0
        sums["up"] += last * (int(row["payload_bytes"]) + OVERHEAD_BYTES)
        sums["down"] += last * (ANSWER_BYTES + OVERHEAD_BYTES)
        sums["computed at the device"] += 0 in stages
        answered[last] += 1
        for link in range(last):
            offloads[link] += 1
        for tier in stages:
            layers[tier] += 1
    joules = sums["computed at the device"] * DEVICE_WATTS * DEVICE_SECONDS
    cost = math.fsum(
        [prices["error"] * (len(rows) - sums["correct"]),
         prices["byte"] * (sums["up"] + sums["down"]),
         prices["energy"] * joules]
        + [price * n for price, n in zip(prices["offload"], offloads)]
        + [price * n for price, n in zip(prices["layer"], layers)])
    metrics = {
        "accuracy": sums["correct"],
        "offload_fraction": sums["offloaded"],
        "cost_mean": cost,
        "bytes_up_mean": sums["up"],
        "bytes_down_mean": sums["down"],
        "device_energy_mean_j": joules,
        "energy_mean_j": joules,
        "drop_fraction": 0,
    }
    for tier, exit_name, n in zip(TIERS, exits, answered):
        metrics["answered_fraction." + tier] = n
        metrics["exit_fraction." + exit_name] = n
    return {name: value / len(rows) for name, value in metrics.items()}


# ---- the rows ----

TWO_TIERS = ("hi-digits", ["s", "l"], ["small.end", "large.end"], [])
THREE_TIERS = ("hi-three-tiers", ["s", "m3", "l"], ["small.end", "medium.end", "large.end"],
               ["tiers.edge.nodes=1", "links.device-edge.count=1"])


def hi_row(world, thetas, prices, price_sets):
    name = "hi_threshold " + ", ".join(f"{theta:g}" for theta in thetas)
    sets = [f"policy={{hi_threshold: {{theta: [{', '.join(map(repr, thetas))}]}}}}"]
    return (name, world, sets + price_sets, hi_threshold(thetas), {**NO_PRICES, **prices})


def two_tier_rows():
    for theta in (0.0, 0.3, 0.55, 0.8, 1.0):
        for price in (0.1, 0.3, 0.5):
            name, world, sets, decide, prices = hi_row(
                TWO_TIERS, [theta], {"error": 1, "offload": [price]}, [f"prices.offload={price}"])
            yield (f"{name}, offload at {price:g}", world, sets, decide, prices)
    # The confidence of the first image: what equals theta is answered.
    yield hi_row(TWO_TIERS, [0.746717], {"error": 1, "offload": [0.3]}, [])
    usual = {**NO_PRICES, "error": 1, "offload": [0.3]}
    for policy, decide in (("local", local), ("full_offload", full_offload), ("oracle", oracle)):
        yield (policy, TWO_TIERS, ["policy=" + policy], decide, usual)
    yield ("random at 0 is local", TWO_TIERS, ["policy={random: {p: 0}}"], local, usual)
    yield ("random at 1 is full_offload", TWO_TIERS, ["policy={random: {p: 1}}"], full_offload,
           usual)
    name, world, sets, decide, prices = hi_row(TWO_TIERS, [0.607],
                                               {"error": 1, "offload": [0.3]}, [])
    yield (name + ", shuffled", world, sets + ["samples.order=shuffle"], decide, prices)
    yield (name + ", two passes", world, sets + ["stop={samples: 3594}"], decide, prices)
    every = {"error": 2.5, "offload": [0.125], "byte": 0.001, "energy": 3, "layer": [0.01, 0.02]}
    yield ("every price at once", world,
           sets + ["prices={error: 2.5, offload: 0.125, byte: 0.001 /B, energy: 3 /J, "
                   "layer: {device: 0.01, edge: 0.02}}"], decide, every)


def three_tier_rows():
    for thetas in ([0.607, 0.8], [0.0, 0.5], [0.55, 1.0], [1.0, 0.9], [1.0, 1.0]):
        for first, second in ((0.1, 0.2), (0.5, 0.05)):
            name, world, sets, decide, prices = hi_row(
                THREE_TIERS, thetas, {"error": 1, "offload": [first, second]},
                [f"prices.offload={{device-edge: {first}, edge-cloud: {second}}}"])
            yield (f"{name}, offload at {first:g} and {second:g}", world, sets, decide, prices)
    usual = {**NO_PRICES, "error": 1, "offload": [0.1, 0.2]}
    for policy, decide in (("local", local), ("full_offload", full_offload), ("oracle", oracle)):
        yield (policy, THREE_TIERS, ["policy=" + policy], decide, usual)
    yield ("full_offload to the edge", THREE_TIERS, ["policy={full_offload: {tier: edge}}"],
           lambda row, models: [1], usual)


def run(program, scenarios, row, samples):
    _, (scenario, _, _, world_sets), sets, _, _ = row
    command = [program, "run", str(scenarios / (scenario + ".yaml")), "--no-store", "--quiet",
               "--format", "json", "--jobs", "1", "--replications", "2"]
    for override in ["tiers.device.nodes=1", "samples.order=as_is", f"stop={{samples: {samples}}}",
                     "warmup=none"] + world_sets + sets:
        command += ["--set", override]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        return None, done.stderr
    points = json.loads(done.stdout)["points"]
    return points[0], "" if len(points) == 1 else "more than one point"


def main():
    program = sys.argv[1]
    scenarios = pathlib.Path(sys.argv[2])
    with open(scenarios / "data" / "digits.csv", encoding="utf-8", newline="") as file:
        images = list(csv.DictReader(file))
    rows = list(two_tier_rows()) + list(three_tier_rows())
    theories = [count(images, world[1], world[2], decide, prices)
                for _, world, _, decide, prices in rows]
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda row: run(program, scenarios, row, len(images)), rows))
    print(f"1..{sum(len(theory) for theory in theories)}")
    number = 0
    for (name, world, _, _, _), theory, (point, error) in zip(rows, theories, results):
        for metric, value in theory.items():
            number += 1
            estimate = point["metrics"].get(metric) if point and not error else None
            good = (estimate is not None and estimate["mean"] is not None
                    and abs(estimate["mean"] - value) <= TOLERANCE
                    # Of a share of few events not even two runs that agree are certain.
                    and (estimate["half_width"] <= TOLERANCE
                         or (("fraction" in metric or "accuracy" in metric)
                             and estimate["low"] <= value + TOLERANCE
                             and estimate["high"] >= value - TOLERANCE)))
            print(f"{'ok' if good else 'not ok'} {number} - {world[0]}, {name}: {metric}")
            if not good:
                print(f"# counted {value!r}, simulated {estimate}")
                print("# " + error.rstrip().replace("\n", "\n# "))


if __name__ == "__main__":
    main()
