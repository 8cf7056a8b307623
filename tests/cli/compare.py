#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command `compare` against the database and against formulas that are worked out here.

usage: compare.py OFFLOADSIM ROOT

Student's t is integrated numerically, so that nothing is shared with the library that the program
takes it from.
"""

import csv
import io
import json
import math
import sqlite3
import statistics
import sys

from harness import expect, expect_equal, expect_in, main

USUAL = ["cost_mean", "accuracy", "latency_mean_s"]
SHORT = ("--set", "stop={samples: 2000}", "--set", "warmup=none")


# ---- Student's t ----


def two_tails(t, freedom):
    """The chance that |T| > t. With x = t / u the tail is an integral over u from 0 to 1 of a
    smooth function; Simpson's rule with 4000 steps is exact to some 12 digits, also far out."""
    if t == 0:
        return 1.0
    if t < 1:  # then from 0 to t, which is smooth as well
        return 1 - 2 * density_factor(freedom) * simpson(
            lambda x: (1 + x * x / freedom) ** (-(freedom + 1) / 2), 0, t)
    return 2 * density_factor(freedom) * simpson(
        lambda u: t * u ** (freedom - 1) * (u * u + t * t / freedom) ** (-(freedom + 1) / 2), 0, 1)


def density_factor(freedom):
    return math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)
                    ) / math.sqrt(math.pi * freedom)


def simpson(function, low, high, steps=4000):
    width = (high - low) / steps
    inner = sum((4 if i % 2 else 2) * function(low + i * width) for i in range(1, steps))
    return width / 3 * (function(low) + inner + function(high))


def quantile(confidence, freedom):
    """The t beyond which 1 - confidence lies in both tails together, by bisection."""
    low, high = 0.0, 1000.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if two_tails(middle, freedom) > 1 - confidence else (low, middle)
    return low


def formulas(_program):
    """What is known without any integral: 1 and 2 degrees of freedom, and a printed table."""
    for t in (0.1, 0.9, 1.1, 7, 300):
        expect(abs(two_tails(t, 1) - (1 - 2 / math.pi * math.atan(t))) < 1e-11, f"1, {t}")
        expect(abs(two_tails(t, 2) - (1 - t / math.sqrt(2 + t * t))) < 1e-11, f"2, {t}")
    for freedom, wanted in ((3, 3.182446), (9, 2.262157), (19, 2.093024), (99, 1.984217)):
        expect(abs(quantile(0.95, freedom) - wanted) < 1e-6, f"quantile of {freedom}")


# ---- what the database says ----


def replications(program, metric, database="offloadsim.db"):
    """{ordinal of the point: values} of the latest experiment."""
    connection = sqlite3.connect(program.folder / database)
    rows = connection.execute(
        "SELECT ordinal, value FROM replication_metrics AS m JOIN points ON points.id = point_id "
        "WHERE m.experiment_id = (SELECT max(id) FROM experiments) AND metric = ? "
        "ORDER BY ordinal, number", (metric,)).fetchall()
    connection.close()
    found = {}
    for ordinal, value in rows:
        found.setdefault(ordinal, []).append(value)
    return found


def compare(program, *words):
    return json.loads(program.run("compare", *words, "--format", "json").stdout)


def near(found, wanted, relative):
    return abs(found - wanted) <= relative * abs(wanted) + 1e-15


def check_rows(program, rows):
    """Everything in the rows but the labels, against the replications in the database."""
    t = {}
    for metric in sorted({row["metric"] for row in rows}):
        values = replications(program, metric)
        own = [row for row in rows if row["metric"] == metric]
        for row in own:
            a, b = values[row["a_point"]], values[row["b_point"]]
            count = len(a)
            expect_equal((len(b), row["replications"]), (count, count), "replications")
            differences = [y - x for x, y in zip(a, b)]
            mean = statistics.fmean(differences)
            variance = statistics.variance(differences)
            t.setdefault(count, quantile(0.95, count - 1))
            expect(near(row["b_minus_a"], mean, 1e-9), f"{row}, not {mean}")
            half_width = t[count] * math.sqrt(variance / count)
            expect(near(row["b_minus_a_half_width"], half_width, 1e-7), f"{row}, not {half_width}")
            p_value = two_tails(abs(mean) / math.sqrt(variance / count), count - 1)
            expect(abs(row["p_value"] - p_value) <= 1e-6 * p_value, f"{row}, not {p_value}")
            ratio = (statistics.variance(a) + statistics.variance(b)) / variance
            expect(near(row["variance_ratio"], ratio, 1e-6), f"{row}, not {ratio}")
        expect_equal([row["significant"] for row in own],
                     ["yes" if adjusted <= 0.05 else "no"
                      for adjusted in holm([row["p_value"] for row in own])], "significance")


def holm(p_values):
    """Holm's adjusted p-values: the i-th smallest of m is multiplied by m - i + 1, and none is less
    than the one before it."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted = [0.0] * len(p_values)
    least = 0.0
    for place, i in enumerate(order):
        least = max(least, min(1.0, (len(p_values) - place) * p_values[i]))
        adjusted[i] = least
    return adjusted


# ---- cases ----


def all_pairs(program):
    program.run("run", program.scenario("hi-digits"), *SHORT, "--replications", "12")
    rows = compare(program)
    pairs = [(a, b) for a in range(4) for b in range(a + 1, 4)]
    expect_equal([(row["metric"], row["a_point"], row["b_point"]) for row in rows],
                 [(metric, a, b) for metric in USUAL for a, b in pairs], "pairs")
    check_rows(program, rows)
    policies = ["local", "hi_threshold", "full_offload", "oracle"]
    expect_equal([(row["a_policy"], row["b_policy"]) for row in rows[:6]],
                 [(policies[a], policies[b]) for a, b in pairs], "policies")


def many_points(program):
    """Beyond eight points each is compared with the first one. Few samples and thresholds close to
    each other, so that all that Holm's procedure can say occurs: what would be significant alone
    and is not among many, and what is, though not by Bonferroni's rule."""
    program.run("sweep", program.scenario("hi-digits"), "--set", "stop={samples: 300}", "--set",
                "warmup=none", "--replications", "6", "--seed", "4", "--set",
                "policy={hi_threshold: {theta: [0.5]}}", "--set",
                "policy.hi_threshold.theta=range(0.5,0.65,0.01)")
    rows = compare(program)
    expect_equal([(row["a_point"], row["b_point"]) for row in rows],
                 3 * [(0, b) for b in range(1, 16)], "pairs")
    check_rows(program, rows)
    alone = [row for row in rows if row["p_value"] <= 0.05]
    significant = [row for row in rows if row["significant"] == "yes"]
    by_bonferroni = [row for row in rows if row["p_value"] <= 0.05 / 15]
    expect(len(by_bonferroni) < len(significant) < len(alone) < len(rows),
           f"{len(by_bonferroni)}, {len(significant)}, {len(alone)}: the case says nothing")


def pairing_saves_variance(program):
    """A difference on the same random numbers varies less than half as much as one on different
    ones: by what `compare` prints, and by what comes out if the numbers are in fact different."""
    thetas = "policy=[local, {hi_threshold: {theta: [0.6]}}, {hi_threshold: {theta: [0.7]}}]"
    words = (program.scenario("hi-digits"), *SHORT, "--replications", "100", "--set", thetas)
    program.run("run", *words)
    program.run("run", *words, "--seed", "2", "--db", "other.db")
    for metric, a, b in (("latency_mean_s", 0, 1), ("cost_mean", 1, 2), ("accuracy", 1, 2)):
        row = next(row for row in compare(program, "--metric", metric)
                   if (row["a_point"], row["b_point"]) == (a, b))
        expect(row["variance_ratio"] >= 2, f"printed: {row}")
        values = replications(program, metric)
        others = replications(program, metric, "other.db")
        paired = statistics.variance(y - x for x, y in zip(values[a], values[b]))
        unpaired = statistics.variance(y - x for x, y in zip(values[a], others[b]))
        expect(unpaired >= 2 * paired, f"{metric}: {unpaired} unpaired, {paired} paired")


def labels(program):
    """A point is called by what sets it apart; csv and json have all of its parameters."""
    def found(*words, policy="policy=[local, {hi_threshold: {theta: [0.5]}}]"):
        program.run("sweep", program.scenario("hi-digits"), "--set", "stop={samples: 50}", "--set",
                    "warmup=none", "--replications", "2", "--set", policy, *words)
        rows = compare(program, "--metric", "accuracy")
        return [rows[0]["a"]] + [row["b"] for row in rows if row["a_point"] == 0], rows[-1]

    names, last = found("--set", "policy.hi_threshold.theta=0.5,0.6", "--set", "prices.error=2,2.5")
    expect_equal(names, ["local (error=2)", "hi_threshold (theta=0.5, error=2)",
                         "local (error=2.5)", "hi_threshold (theta=0.5, error=2.5)",
                         "hi_threshold (theta=0.6, error=2)",
                         "hi_threshold (theta=0.6, error=2.5)"], "labels")
    expect_equal((last["b_policy"], last["b_parameters"]),
                 ("hi_threshold", {"policy.hi_threshold.theta": 0.6, "prices.error": 2.5}), "all")
    # One value only, and two keys of the same name, and a text.
    names, last = found("--set", "tiers.device.nodes=5,6", "--set", "tiers.edge.nodes=range(1,2,1)",
                        "--set", "prices.error=range(3,3,1)", "--set",
                        "links.device-edge.delay=range(1 ms,1 ms,1 ms)", policy="policy=local")
    expect_equal(names, [f"local (device.nodes={device}, edge.nodes={edge})"
                         for device in (5, 6) for edge in (1, 2)], "labels")
    expect_equal(last["b_parameters"],
                 {"tiers.device.nodes": 6, "tiers.edge.nodes": 2, "prices.error": 3,
                  "links.device-edge.delay": 0.001}, "all")
    names, _ = found("--set", "links.device-edge.delay=1 ms,{exponential: 2 ms}",
                     policy="policy=oracle")
    expect_equal(names, ["oracle (bound) (delay=0.001)",
                         "oracle (bound) (delay={exponential: 2 ms})"], "labels")


def formats(program):
    """The table has the same rows as json in one block for each metric; csv is json in columns."""
    program.run("sweep", program.scenario("hi-digits"), *SHORT, "--replications", "4", "--set",
                "policy.hi_threshold.theta=range(0.3,0.9,0.1)")
    rows = compare(program)
    in_columns = list(csv.DictReader(io.StringIO(program.run("compare", "--format", "csv").stdout)))
    expect_equal([(row["metric"], row["b"], float(row["p_value"])) for row in in_columns],
                 [(row["metric"], row["b"], row["p_value"]) for row in rows], "csv")
    expect_equal([json.loads(row["b_parameters"]) for row in in_columns],
                 [row["b_parameters"] for row in rows], "parameters")
    done = program.run("compare")
    expect_in("95 % intervals of paired differences; significant by Holm's procedure", done.stderr,
              "remark")
    lines = done.stdout.splitlines()
    expect(max(len(line) for line in lines) <= 100, "a line is too long")
    expect_equal([line for line in lines if line.split(",")[0] in USUAL],
                 [f"{metric}, compared with a = local" for metric in USUAL], "headings")
    expect_equal([line.split("  ")[0] for line in lines
                  if line.startswith(("hi_threshold", "full_offload", "oracle"))],
                 [row["b"] for row in rows], "rows")
    few = program.run("compare", "--format", "md", "--metric", "accuracy", "--quiet").stdout
    expect_equal(few.splitlines()[0], "accuracy, compared with a = local", "markdown")


def what_cannot_be_compared(program):
    """Where nothing was ever sent nobody waited: no value, so no difference, and no place among the
    comparisons that Holm counts."""
    program.run("run", program.scenario("hi-digits"), *SHORT, "--replications", "5")
    rows = compare(program, "--metric", "wait_mean_s.edge")
    for row in rows:
        if 0 in (row["a_point"], row["b_point"]):
            expect_equal((row["b_minus_a"], row["p_value"], row["significant"],
                          row["replications"]), (None, None, "no", 0), "difference to nothing")
    check_rows(program, [row for row in rows if row["a_point"] != 0])


def mistakes(program):
    program.run("run", program.scenario("hi-digits"), "--set", "stop={samples: 50}", "--set",
                "warmup=none", "--replications", "2")
    for words, message in (
            (["3"], "experiment 3 has fewer than two complete points with metric 'cost_mean'"),
            (["--metric", "costs"], "experiment 1 has fewer than two complete points with metric "
                                    "'costs'"),
            (["--metric", "x' OR 'x"], "with metric 'x' OR 'x'"),
            (["first"], "'first' is no number of an experiment"),
            (["-1"], "unknown option '-1'"),
            (["--format", "xml"], "unknown format 'xml'"),
            (["--db", "none.db"], "there is no such file")):
        done = program.run("compare", *words, status=2)
        expect_equal(done.stdout, "", "standard output")
        expect_in(message, done.stderr, "message")


CASES = [
    ("Student's t, worked out here", formulas),
    ("all pairs of a few points", all_pairs),
    ("many points with the first", many_points),
    ("pairing saves variance", pairing_saves_variance),
    ("labels", labels),
    ("formats", formats),
    ("what cannot be compared", what_cannot_be_compared),
    ("mistakes", mistakes),
]

if __name__ == "__main__":
    sys.exit(main(CASES))
