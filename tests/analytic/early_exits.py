#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds the early-exit policies against counts made directly from the trace, one row a setting.

usage: early_exits.py OFFLOADSIM SCENARIOS

With one device, and a stop after as many samples as the trace has rows, every sample passes exactly
once, and what a policy decides depends on nothing but its row. Accuracy, exits, tiers, offloads,
bytes and cost can then be counted from the file without any simulation. They must agree to 1e-12,
and not vary between replications.

Two traces are used: the digits in scenarios/data, and what the twelve exits of a BERT say of the
872 development samples of SST-2. The latter is no part of the project: it is looked for in the
folder that the environment variable OFFLOADSIM_DATA names, else in ../shared/data beside the
source, and its rows are skipped where it is absent.
"""

import csv
import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

TOLERANCE = 1e-12
NO_PRICES = {"layer": (0, 0, 0), "offload": {}, "error": 0}

# ---- what happens to one sample: the layers run at each tier, the hops upward, the exit ----


class Fate:
    def __init__(self, tiers):
        self.layers = [0] * tiers
        self.hops = []  # (from, to, what is sent: layers behind it, 0 for the raw input)
        self.model = 0
        self.exit = None
        self.tier = 0


def run_exits(fate, after, confidences, tier, first, last, thresholds):
    """Runs exits first..last at a tier from where the sample stands. Returns if one was sure."""
    done = after[first - 1] if first else 0
    for exit_number in range(first, last + 1):
        fate.layers[tier] += after[exit_number] - done
        done = after[exit_number]
        fate.exit, fate.tier = exit_number, tier
        if confidences[exit_number] >= thresholds[exit_number]:
            return True
    return False


def early_exit(world, thresholds, tier):
    def decide(sample):
        fate = Fate(world.tiers)
        after = world.after[0]
        if tier:
            fate.hops.append((0, tier, 0))
        each = thresholds * (len(after) - 1) if len(thresholds) == 1 else thresholds
        run_exits(fate, after, sample.confidences[0], tier, 0, len(after) - 1, each + [0])
        return fate

    return decide


def split_exit(world, split, alpha, tier):
    def decide(sample):
        fate = Fate(world.tiers)
        after = world.after[0]
        at = after.index(split)
        fate.layers[0] = split
        fate.exit = at
        if at < len(after) - 1 and sample.confidences[0][at] < alpha:
            fate.hops.append((0, tier, split))
            fate.layers[tier] += after[-1] - split
            fate.exit, fate.tier = len(after) - 1, tier
        return fate

    return decide


def ee_hi(world, thresholds, theta, tier):
    def decide(sample):
        fate = Fate(world.tiers)
        after = world.after[0]
        each = thresholds * (len(after) - 1) if len(thresholds) == 1 else thresholds
        if not run_exits(fate, after, sample.confidences[0], 0, 0, len(after) - 1, each + [theta]):
            fate.hops.append((0, tier, 0))
            fate.layers[tier] += world.after[1][-1]
            fate.model, fate.exit, fate.tier = 1, len(world.after[1]) - 1, tier
        return fate

    return decide


def dimee(world, alpha, depths, centroids, escalate, ships_raw=False):
    def decide(sample):
        fate = Fate(world.tiers)
        after = world.after[0]
        lasts = [max(k for k, layer in enumerate(after) if layer <= depth) for depth in depths]
        pool = min(range(len(centroids)),
                   key=lambda k: sum((x - c) ** 2 for x, c in zip(sample.features, centroids[k])))
        if pool:
            fate.hops.append((0, pool, 0))
        first = 0
        while True:
            if run_exits(fate, after, sample.confidences[0], pool, first, lasts[pool],
                         [alpha] * len(after)):
                return fate
            if not escalate or lasts[pool] == lasts[-1]:
                fate.tier = pool
                return fate
            fate.hops.append((pool, pool + 1, 0 if ships_raw else after[lasts[pool]]))
            first = lasts[pool] + 1
            pool += 1
            if ships_raw:
                fate.layers[pool] += after[first - 1]

    return decide


# ---- the count ----


class Sample:
    def __init__(self, confidences, correct, features=(), payload=0):
        self.confidences = confidences  # [model][exit]
        self.correct = correct
        self.features = features
        self.payload = payload


class World:
    def __init__(self, tiers, models, after, samples, overhead, answer, output, direct):
        self.names = tiers
        self.tiers = len(tiers)
        self.models = models  # (name, names of the exits)
        self.after = after    # layers behind which the exits stand, counted from 1
        self.samples = samples
        self.overhead = overhead
        self.answer = answer
        self.output = output  # bytes of an activation
        self.direct = direct  # pairs of tiers that a link connects


def count(world, decide, prices):
    """What a pass over the trace must give: metric -> value."""
    sums = {"accuracy": 0, "offload_fraction": 0, "bytes_up_mean": 0, "bytes_down_mean": 0,
            "drop_fraction": 0}
    for tier in world.names:
        sums["answered_fraction." + tier] = 0
    for model, exits in world.models:
        for name in exits:
            sums[f"exit_fraction.{model}.{name}"] = 0
    costs = []
    for sample in world.samples:
        fate = decide(sample)
        right = sample.correct[fate.model][fate.exit]
        model, exits = world.models[fate.model]
        sums["accuracy"] += right
        sums["offload_fraction"] += bool(fate.hops)
        sums["answered_fraction." + world.names[fate.tier]] += 1
        sums[f"exit_fraction.{model}.{exits[fate.exit]}"] += 1
        costs.append(prices["error"] * (1 - right))
        costs += [price * layers for price, layers in zip(prices["layer"], fate.layers)]
        for hop in fate.hops:
            assert hop[:2] in world.direct
            sums["bytes_up_mean"] += world.overhead + (world.output if hop[2] else sample.payload)
            costs.append(prices["offload"].get(hop[:2], 0))
        if fate.tier:
            sums["bytes_down_mean"] += world.overhead + world.answer
    metrics = {name: value / len(world.samples) for name, value in sums.items()}
    metrics["cost_mean"] = math.fsum(costs) / len(world.samples)
    return metrics


# ---- the rows ----

USUAL = {"layer": (0.005, 0.005, 0.005),
         "offload": {(0, 1): 0.2, (0, 2): 0.4, (1, 2): 0.2}, "error": 0}
OTHER = {"layer": (0.25, 0.125, 0.0625),
         "offload": {(0, 1): 0.5, (0, 2): 3, (1, 2): 0.75}, "error": 2.5}
OTHER_SET = ("prices={layer: {mobile: 0.25, edge: 0.125, cloud: 0.0625}, error: 2.5, "
             "offload: {mobile-edge: 0.5, mobile-cloud: 3, edge-cloud: 0.75}}")
EXITS = [f"m{k}" for k in range(1, 7)]
AFTER = [1, 3, 8, 20, 60, 200]
DEPTHS = [50, 100, 200]
LARGE = ["models.large={exits: {end: {confidence: l_conf, prediction: l_pred, correct: l_ok}}}",
         "tiers.cloud.compute.time={large: 5 ms}"]


def digits_world(scenarios):
    with open(scenarios / "data" / "digits.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    samples = [Sample([[float(row[name + "_conf"]) for name in EXITS], [float(row["l_conf"])]],
                      [[int(row[name + "_ok"]) for name in EXITS], [int(row["l_ok"])]],
                      [float(row[f"f{k}"]) for k in range(1, 9)], int(row["payload_bytes"]))
               for row in rows]
    return World(["mobile", "edge", "cloud"], [("boosted", EXITS)], [AFTER], samples, 74, 16, 156,
                 {(0, 1), (0, 2), (1, 2)})


def pool_means(world, alpha, depths):
    """Centroids of the pools, as numbers that a scenario can say in a few digits."""
    sums = [[0.0] * 8 for _ in depths]
    sizes = [0] * len(depths)
    for sample in world.samples:
        sure = [layer for layer, c in zip(AFTER, sample.confidences[0]) if c >= alpha]
        pool = next((k for k, depth in enumerate(depths) if sure and sure[0] <= depth),
                    len(depths) - 1)
        sizes[pool] += 1
        sums[pool] = [total + x for total, x in zip(sums[pool], sample.features)]
    return [[round(total / size, 6) for total in row] for row, size in zip(sums, sizes)]


def flat(centroids):
    return "[" + ", ".join(repr(x) for row in centroids for x in row) + "]"


def dimee_rows(world):
    for alpha in (0.6, 0.9, 0.97, 0.995):
        centroids = pool_means(world, alpha, DEPTHS)
        for escalate in (False, True):
            words = f"alpha: {alpha}, centroids: {flat(centroids)}"
            yield (f"dimee {alpha}{', escalating' if escalate else ''}",
                   [f"policy={{dimee: {{{words}, escalate: {str(escalate).lower()}}}}}"],
                   dimee(world, alpha, DEPTHS, centroids, escalate), USUAL)
    centroids = pool_means(world, 0.9, [3, 20, 200])
    words = f"alpha: 0.9, centroids: {flat(centroids)}, depths: [3, 20, 200], escalate: true"
    yield ("dimee 0.9, depths 3, 20 and 200", [f"policy={{dimee: {{{words}}}}}"],
           dimee(world, 0.9, [3, 20, 200], centroids, True), USUAL)
    yield ("dimee 0.9, other prices", [f"policy={{dimee: {{{words}}}}}", OTHER_SET],
           dimee(world, 0.9, [3, 20, 200], centroids, True), OTHER)
    words = f"alpha: 0.9, centroids: {flat(centroids)}, depths: [3, 3, 60], escalate: true"
    yield ("dimee 0.9, depths 3, 3 and 60", [f"policy={{dimee: {{{words}}}}}"],
           dimee(world, 0.9, [3, 3, 60], centroids, True), USUAL)


def six_layers():
    """The same model as six layers whose activations have no stated size."""
    exits = ", ".join(f"m{k}: {{after: {k}, confidence: m{k}_conf, correct: m{k}_ok}}"
                      for k in range(1, 7))
    times = ", ".join(["1 ms"] * 6)
    return [f"models={{boosted: {{layers: 6, exits: {{{exits}}}}}}}"] + [
        f"tiers.{tier}.compute={{time: {{boosted: [{times}]}}}}"
        for tier in ("mobile", "edge", "cloud")]


def raw_rows(world):
    """Where sizes are not known, the raw input is sent and the model starts again."""
    depths = [2, 3, 6]  # a quarter and half of six, rounded
    for alpha in (0.8, 0.98):
        centroids = [sample.features for sample in world.samples[:3]]
        words = f"alpha: {alpha}, centroids: {flat(centroids)}, escalate: true"
        yield (f"dimee {alpha}, six layers, raw input", six_layers() + [
               f"policy={{dimee: {{{words}}}}}", OTHER_SET],
               dimee(world, alpha, depths, centroids, True, ships_raw=True), OTHER)


def exit_rows(world):
    for name, thresholds in (("0.9", [0.9]), ("0", [0.0]), ("1", [1.0]),
                             ("one each", [0.5, 0.6, 0.7, 0.8, 0.99])):
        for tier, place in (("mobile", 0), ("cloud", 2)):
            words = f"thresholds: {thresholds}, tier: {tier}"
            yield (f"early_exit {name} at {tier}", [f"policy={{early_exit: {{{words}}}}}"],
                   early_exit(world, thresholds, place), USUAL)
    for split, alpha, tier, place in ((1, 0.7, "edge", 1), (8, 0.9, "cloud", 2),
                                      (60, 0.99, "edge", 1), (200, 0.5, "edge", 1)):
        words = f"split: {split}, alpha: {alpha}, tier: {tier}"
        yield (f"split_exit at {split}, {alpha}, {tier}", [f"policy={{split_exit: {{{words}}}}}"],
               split_exit(world, split, alpha, place), USUAL)
    yield ("split_exit, other prices",
           ["policy={split_exit: {split: 20, alpha: 0.95}}", OTHER_SET],
           split_exit(world, 20, 0.95, 2), OTHER)


def hi_rows(world):
    for thresholds, theta in (([0.9], 0.6), ([0.95, 0.9, 0.9, 0.85, 0.8], 0.9), ([1.0], 0.0)):
        words = f"thresholds: {thresholds}, theta: {theta}, large: large"
        yield (f"ee_hi {thresholds}, {theta}",
               LARGE + [f"policy={{ee_hi: {{{words}}}}}", OTHER_SET],
               ee_hi(world, thresholds, theta, 2), OTHER)


SST2 = """
scenario: sst2
stop: {{samples: 872}}
samples:
  {{trace: '{trace}', layout: long, order: as_is, sample: Sample_ID, exit: Exit,
    confidence: Confidence, prediction: Prediction, label: Label, payload: 512 B, answer: 16 B}}
models:
  bert: {{layers: 12, output: [{output}], exits: {{{exits}}}}}
tiers:
  - {{name: mobile, arrivals: {{deterministic: 10 s}}, compute: {{time: {{bert: [{times}]}}}}}}
  - {{name: edge, compute: {{time: {{bert: [{times}]}}}}}}
links:
  - {{from: mobile, to: edge, overhead: 74 B}}
policy: local
prices: {{layer: {{mobile: 0.5, edge: 0.25}}, offload: 2}}
"""
SST2_PRICES = {"layer": (0.5, 0.25), "offload": {(0, 1): 2}, "error": 0}
SST2_OUTPUT = 393216


def sst2_scenario(trace, folder):
    path = pathlib.Path(folder) / "sst2.yaml"
    exits = ", ".join(f"e{k + 1}: {{after: {k + 1}, value: '{k}'}}" for k in range(12))
    path.write_text(SST2.format(trace=trace, exits=exits, times=", ".join(["11 ms"] * 12),
                                output=", ".join([f"{SST2_OUTPUT} B"] * 12)), encoding="utf-8")
    return path


def sst2_world(trace):
    rows = {}
    with open(trace, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            rows.setdefault(row["Sample_ID"], {})[int(row["Exit"])] = row
    samples = [Sample([[float(exits[k]["Confidence"]) for k in range(12)]],
                      [[int(exits[k]["Prediction"] == exits[k]["Label"]) for k in range(12)]],
                      payload=512)
               for exits in rows.values()]
    return World(["mobile", "edge"], [("bert", [f"e{k + 1}" for k in range(12)])],
                 [list(range(1, 13))], samples, 74, 16, SST2_OUTPUT, {(0, 1)})


def sst2_rows(world):
    for threshold in (0.6, 0.9, 0.99, 0.999, 1.0):
        for tier, place in (("mobile", 0), ("edge", 1)):
            words = f"thresholds: {threshold}, tier: {tier}"
            yield (f"early_exit {threshold} at {tier}", [f"policy={{early_exit: {{{words}}}}}"],
                   early_exit(world, [threshold], place), SST2_PRICES)
    each = [0.999, 0.99, 0.98, 0.97, 0.96, 0.95, 0.94, 0.93, 0.92, 0.91, 0.9]
    yield ("early_exit one each", [f"policy={{early_exit: {{thresholds: {each}}}}}"],
           early_exit(world, each, 0), SST2_PRICES)
    for split in (1, 3, 6, 11, 12):
        for alpha in (0.8, 0.995):
            words = f"split: {split}, alpha: {alpha}"
            yield (f"split_exit at {split}, {alpha}", [f"policy={{split_exit: {{{words}}}}}"],
                   split_exit(world, split, alpha, 1), SST2_PRICES)


# ---- running ----


def run(program, scenario, sets, samples):
    command = [program, "run", str(scenario), "--no-store", "--quiet", "--format", "json",
               "--jobs", "1", "--replications", "2"]
    for override in ["tiers.mobile.nodes=1", "samples.order=as_is", "samples.train=0",
                     f"stop={{samples: {samples}}}", "warmup=none"] + sets:
        command += ["--set", override]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        return None, done.stderr
    points = json.loads(done.stdout)["points"]
    return points[0], "" if len(points) == 1 else "more than one point"


def data_folder(scenarios):
    return pathlib.Path(os.environ.get("OFFLOADSIM_DATA")
                        or scenarios.parent.parent / "shared" / "data")


def main():
    program = sys.argv[1]
    scenarios = pathlib.Path(sys.argv[2]).resolve()
    digits = digits_world(scenarios)
    both = digits_world(scenarios)
    both.models, both.after = both.models + [("large", ["end"])], both.after + [[1]]
    six = digits_world(scenarios)
    six.after = [list(range(1, 7))]
    path = scenarios / "dimee-digits.yaml"
    jobs = [("digits", path, digits, *row) for row in [*dimee_rows(digits), *exit_rows(digits)]]
    jobs += [("digits", path, both, *row) for row in hi_rows(both)]
    jobs += [("digits", path, six, *row) for row in raw_rows(six)]
    trace = data_folder(scenarios) / "sst2_bert_exits" / "sst2_dev_bert_12exits.csv"
    with tempfile.TemporaryDirectory() as folder:
        if trace.exists():
            sst2 = sst2_world(trace)
            sst2_path = sst2_scenario(trace.resolve(), folder)
            jobs += [("SST-2", sst2_path, sst2, *row) for row in sst2_rows(sst2)]
        theories = [count(world, decide, prices) for _, _, world, _, _, decide, prices in jobs]
        with ThreadPoolExecutor(2) as pool:
            results = list(pool.map(
                lambda job: run(program, job[1], job[4], len(job[2].samples)), jobs))
    print(f"1..{sum(len(theory) for theory in theories) + (not trace.exists())}")
    number = 0
    for (data, _, _, name, _, _, _), theory, (point, error) in zip(jobs, theories, results):
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
            print(f"{'ok' if good else 'not ok'} {number} - {data}, {name}: {metric}")
            if not good:
                print(f"# counted {value!r}, simulated {estimate}")
                print("# " + error.rstrip().replace("\n", "\n# "))
    if not trace.exists():
        print(f"ok {number + 1} - SST-2 # SKIP there is no {trace}")


if __name__ == "__main__":
    main()
