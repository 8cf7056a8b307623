#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `run` prints, in its four formats: well formed, complete, and the same numbers in each.

usage: formats.py OFFLOADSIM ROOT
"""

import csv
import decimal
import io
import json
import re
import sys

from harness import SMALL, expect, expect_equal, expect_in, main

MAIN = ["accuracy", "cost_mean", "offload_fraction", "latency_mean_s", "latency_p99_s",
        "throughput_per_s"]
OF_STATIONS = ["utilisation", "queue_mean", "wait_mean_s", "arrival_rate_per_s"]

# Scenario: its tiers that compute, all tiers, links, exits.
WORLDS = {
    "mm1": (["device"], ["device"], [], ["task.end"]),
    "tandem": (["edge"], ["device", "edge"], ["device-edge"], ["task.end"]),
    "hi-digits": (["device", "edge"], ["device", "edge"], ["device-edge"],
                  ["small.end", "large.end"]),
    "hi-three-tiers": (["device", "edge", "cloud"], ["device", "edge", "cloud"],
                       ["device-edge", "edge-cloud"], ["small.end", "medium.end", "large.end"]),
}


def stations(world):
    computing, _, links, _ = WORLDS[world]
    return computing + [f"{link}.{way}" for link in links for way in ("up", "down")]


def metric_names(world):
    """The names that README promises, for this world."""
    _, tiers, _, exits = WORLDS[world]
    names = ["accuracy", "on_time_accuracy", "cost_mean", "offload_fraction"]
    names += ["answered_fraction." + tier for tier in tiers]
    names += ["exit_fraction." + name for name in exits]
    names += ["calls_mean." + name.split(".")[0] for name in exits]
    names += ["drop_fraction"]
    names += ["drop_fraction." + reason for reason in ("full", "timeout", "lost", "failure")]
    names += ["deadline_miss_fraction"]
    names += ["latency_mean_s"] + [f"latency_p{p}_s" for p in ("50", "95", "99", "999")]
    names += ["throughput_per_s", "device_energy_mean_j", "energy_mean_j"]
    names += ["bytes_up_mean", "bytes_down_mean"]
    if world.startswith("hi-"):
        names += ["label_accuracy_worst_tenth"]  # their samples carry labels
    families = OF_STATIONS + ["offered_load", "present_mean", "free_last_s"]
    return names + [f"{family}.{name}" for name in stations(world) for family in families]


def run(program, world, *more):
    return program.run("run", program.scenario(world), *SMALL, "--no-store", *more).stdout


def run_json(program, world, *more):
    return json.loads(run(program, world, "--format", "json", *more), parse_constant=no_constant)


def no_constant(name):
    raise AssertionError(f"{name} is not JSON")


# ---- json ----


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def json_shape(world):
    def case(program):
        found = run_json(program, world)
        expect_equal(list(found), ["experiment", "scenario", "points", "warnings"], "keys")
        expect_equal(found["experiment"], None, "experiment")
        expect_equal(found["scenario"], world, "scenario")
        for point in found["points"]:
            expect_equal(list(point),
                         ["policy", "parameters", "replications", "verdict", "metrics"], "point")
            expect(isinstance(point["policy"], str), "policy")
            expect(isinstance(point["parameters"], dict), "parameters")
            expect_equal(point["replications"], 3, "replications")
            expect_equal(point["verdict"], "stable", "verdict")
            expect_equal(sorted(point["metrics"]), sorted(metric_names(world)), "metrics")
            for name, estimate in point["metrics"].items():
                expect_equal(list(estimate), ["mean", "half_width", "low", "high", "confidence"],
                             name)
                expect_equal(estimate["confidence"], 0.95, name)
                if name.startswith(("wait_mean_s.", "free_last_s.")) and estimate["mean"] is None:
                    continue  # of a station where nothing ever came
                expect(is_number(estimate["mean"]), f"{name}: {estimate}")
                expect(is_number(estimate["half_width"]) and estimate["half_width"] >= 0,
                       f"{name}: {estimate}")
                sides = (estimate["mean"] - estimate["low"], estimate["high"] - estimate["mean"])
                expect(min(sides) >= 0 and abs(max(sides) - estimate["half_width"]) <=
                       1e-12 * abs(estimate["mean"]), f"{name}: {estimate}")

    return case


def json_of_policies(program):
    points = run_json(program, "hi-digits", "--set", "confidence=80 %")["points"]
    expect_equal([point["policy"] for point in points],
                 ["local", "hi_threshold", "full_offload", "oracle"], "policies")
    expect_equal(points[1]["parameters"],
                 {"policy.hi_threshold.theta": [0.607]}, "parameters")
    expect_equal(points[0]["metrics"]["accuracy"]["confidence"], 0.8, "confidence")


def json_of_one_replication(program):
    point = run_json(program, "mm1", "--replications", "1")["points"][0]
    expect_equal(point["replications"], 1, "replications")
    for name, estimate in point["metrics"].items():
        expect_equal([estimate[key] for key in ("half_width", "low", "high")], [None] * 3, name)
        expect(is_number(estimate["mean"]), name)


def json_of_experiment(program):
    for number in (1, 2):
        done = program.run("run", program.scenario("mm1"), *SMALL, "--format", "json")
        expect_equal(json.loads(done.stdout)["experiment"], number, "experiment")


def overrides_reach_the_results(program):
    few = run_json(program, "hi-digits", "--set", "policy.hi_threshold.theta=0.2")
    many = run_json(program, "hi-digits", "--set", "policy.hi_threshold.theta=0.9")
    low, high = (found["points"][1]["metrics"]["offload_fraction"]["mean"] for found in (few, many))
    expect(low < 0.05 and high > 0.5, f"offloaded: {low}, {high}")


# ---- csv ----


def csv_is_json(world):
    def case(program):
        text = run(program, world, "--format", "csv")
        expect(text.endswith("\n") and "\r" not in text, "line ends")
        rows = list(csv.reader(io.StringIO(text), strict=True))
        expect_equal(rows[0], ["policy", "parameters", "verdict", "metric", "mean", "half_width",
                               "unit", "low", "high", "confidence", "replications",
                               "variance_ratio"], "header")
        wanted = []
        for point in run_json(program, world)["points"]:
            parameters = "; ".join(f"{path}={json.dumps(value)}"
                                   for path, value in point["parameters"].items())
            for name, estimate in point["metrics"].items():
                count = 0 if estimate["mean"] is None else point["replications"]
                wanted.append((point["policy"], parameters, point["verdict"], name,
                               estimate["mean"], estimate["half_width"], estimate["low"],
                               estimate["high"], estimate["confidence"], count))
        found = [(*row[:4], *(float(row[i]) if row[i] else None for i in (4, 5, 7, 8)),
                  float(row[9]), int(row[10])) for row in rows[1:]]
        expect_equal({row[11] for row in rows[1:]}, {""}, "variance reduction")
        # A mean that some replications know nothing of counts fewer of them.
        expect_equal([row[:9] for row in found], [row[:9] for row in wanted], "rows")
        for row in found:
            expect((row[4] is None) == (row[9] == 0) and row[9] <= 3, f"replications: {row}")
        units = {row[3]: row[6] for row in rows[1:]}
        for name, unit in units.items():
            ends = {"_per_s": "/s", "_s": "s", "_j": "J"}
            family = name.split(".")[0]
            by_name = next((u for end, u in ends.items() if family.endswith(end)), None)
            wanted_unit = by_name or ("B" if family.startswith("bytes_") else "")
            expect_equal(unit, wanted_unit, f"unit of {name}")

    return case


# ---- table and md ----


def aligned_blocks(text):
    """The tables in a text: (headings, rows), each cell a text."""
    lines = text.splitlines()
    rules = [i for i, line in enumerate(lines) if re.fullmatch(r"-+(  -+)*", line)]
    for rule in rules:
        spans = [match.span() for match in re.finditer(r"-+", lines[rule])]

        def cells(line, at=tuple(spans)):
            for (_, end), (start, _) in zip(at, at[1:]):
                expect(not line[end:start].strip(), f"across columns: {line!r}")
            expect(not line[at[-1][1]:].strip(), f"beyond the last column: {line!r}")
            return [line[start:end].strip() for start, end in at]

        first = rule
        while first > 0 and lines[first - 1].strip():
            first -= 1
        heads = [cells(line) for line in lines[first:rule] if not line.startswith("OVERLOADED")]
        last = rule + 1
        while last < len(lines) and lines[last].strip():
            last += 1
        yield ["".join(part) for part in zip(*heads)], [cells(x) for x in lines[rule + 1:last]]


def markdown_blocks(text):
    lines = text.splitlines()
    for i, line in enumerate(lines):
        if re.fullmatch(r"\|( -+:? \|)+", line):
            def cells(row, like=line):
                expect_equal(row.count("|"), like.count("|"), f"columns of {row!r}")
                return [cell.strip() for cell in row[1:-1].split("|")]

            last = i + 1
            while last < len(lines) and lines[last].startswith("|"):
                last += 1
            yield cells(lines[i - 1]), [cells(row) for row in lines[i + 1:last]]


def expect_shown(shown, estimate, what):
    """`shown` is "mean ± half width", or "mean [low, high]" if one side is more than twice the
    other, rounded; "-" where there is no mean."""
    if estimate["mean"] is None:
        expect_equal(shown, "-", what)
        return
    parts = [part.strip() for part in re.split("[±\\[,]", shown.rstrip("]"))]
    values = [estimate["mean"], estimate["half_width"]]
    sides = (estimate["mean"] - estimate["low"], estimate["high"] - estimate["mean"])
    if max(sides) > 2 * min(sides) and max(sides) > 1e-12 * abs(estimate["mean"]):
        values = [estimate["mean"], estimate["low"], estimate["high"]]
    expect_equal(len(parts), len(values), f"{what}: {shown!r}")
    for part, value in zip(parts, values):
        last_digit = decimal.Decimal(1).scaleb(decimal.Decimal(part).as_tuple().exponent)
        off = abs(decimal.Decimal(part) - decimal.Decimal(repr(float(value))))
        expect(off <= last_digit * decimal.Decimal("0.5000001"),
               f"{what}: {shown!r} for {value!r}")


def label(point):
    return point["policy"] + (" (bound)" if point["policy"] == "oracle" else "")


def for_people(world, form):
    def case(program):
        text = run(program, world, "--format", form)
        points = {label(point): point["metrics"] for point in run_json(program, world)["points"]}
        lines = text.splitlines()
        expect(lines[0].startswith(world + ": "), lines[0])
        expect_equal(lines[1], "3 replications of 2000 samples, seed 1; mean and half width of the "
                     "95 % confidence interval", "second line")
        seen = set()
        for headings, rows in (aligned_blocks if form == "table" else markdown_blocks)(text):
            for row in rows:
                cells = dict(zip(headings, row))
                policy = cells.get("policy") or next(iter(points))
                expect_in(policy, points, "policy")
                for heading, shown in cells.items():
                    if heading in ("policy", "station"):
                        continue
                    name = f"{heading}.{cells['station']}" if "station" in cells else heading
                    expect_shown(shown, points[policy][name], f"{policy}, {name}")
                    seen.add((policy, name))
        wanted = MAIN + [f"{family}.{name}" for name in stations(world) for family in OF_STATIONS]
        expect_equal(seen, {(policy, name) for policy in points for name in wanted},
                     "what is shown")

    return case


def all_for_people(form):
    def case(program):
        text = run(program, "hi-digits", "--format", form, "--all")
        points = {label(p): p["metrics"] for p in run_json(program, "hi-digits")["points"]}
        seen = set()
        for headings, rows in (aligned_blocks if form == "table" else markdown_blocks)(text):
            for row in rows:
                cells = dict(zip(headings, row))
                expect_shown(cells["mean"], points[cells["policy"]][cells["metric"]],
                             cells["metric"])
                seen.add((cells["policy"], cells["metric"]))
        expect_equal(seen, {(p, name) for p in points for name in metric_names("hi-digits")},
                     "what is shown")

    return case


def fits(*words):
    def case(program):
        where = [program.scenario(word[1:]) if word.startswith("@") else word for word in words]
        if words[0] == "run":
            where += list(SMALL)
        elif words[0] == "query":
            for world in WORLDS:
                program.run("run", program.scenario(world), *SMALL)
        for line in program.run(*where).stdout.splitlines():
            expect(len(line) <= 100, f"{len(line)} columns: {line}")

    return case


# ---- other commands for machines ----


def other_commands(*words):
    def case(program):
        words_here = [program.scenario("hi-digits") if word == "@" else word for word in words]
        rows = json.loads(program.run(*words_here, "--format", "json").stdout)
        expect(isinstance(rows, list) and rows and all(isinstance(row, dict) for row in rows),
               "no array of objects")
        table = list(csv.DictReader(io.StringIO(program.run(*words_here, "-f", "csv").stdout),
                                    strict=True))
        expect_equal([list(row) for row in table], [list(row) for row in rows], "columns")
        expect_equal([list(row.values()) for row in table],
                     [[str(value) for value in row.values()] for row in rows], "values")
        blocks = list(markdown_blocks(program.run(*words_here, "-f", "md").stdout))
        expect_equal(len(blocks[0][1]), len(rows), "rows in md")

    return case


CASES = (
    [(f"json: shape and names, {world}", json_shape(world)) for world in WORLDS]
    + [("json: policies and parameters", json_of_policies),
       ("json: one replication has no interval", json_of_one_replication),
       ("json: number of the experiment", json_of_experiment),
       ("json: overrides", overrides_reach_the_results)]
    + [(f"csv: {world}", csv_is_json(world)) for world in WORLDS]
    + [(f"{form}: {world}", for_people(world, form)) for world in WORLDS
       for form in ("table", "md")]
    + [(f"{form}: --all", all_for_people(form)) for form in ("table", "md")]
    + [(f"100 columns: {' '.join(words)}", fits(*words)) for words in (
        ("run", "@mm1"), ("run", "@hi-digits"), ("run", "@hi-three-tiers"),
        ("run", "@hi-digits", "--all"),
        ("run", "@hi-digits", "--set", "policy=full_offload", "--set",
         "tiers.device.arrivals={poisson: 10 /s}"),
        ("check", "@hi-digits"), ("policies",), ("policies", "hi_threshold"),
        ("policies", "random"), ("query",), ("query", "runs"), ("query", "tradeoffs"))]
    + [(f"json, csv, md: {' '.join(words)}", other_commands(*words)) for words in (
        ("policies",), ("policies", "hi_threshold"), ("query",))]
)

if __name__ == "__main__":
    sys.exit(main(CASES))
