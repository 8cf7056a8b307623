#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""One long run in batches, and warm-ups that are found: what is printed, stored and refused.

usage: long_runs.py OFFLOADSIM ROOT
"""

import json
import sys

from harness import expect, expect_equal, expect_in, main

QUEUE = """\
scenario: queue
seed: 3
stop: {samples: 30000}
warmup: WARMUP
models: {task: {}}
tiers:
  - name: device
    arrivals: {poisson: 0.5 /s}
    compute: {time: {task: {exponential: 1 s}}}
policy: local
prices: {latency: 2 /s}
"""
BATCHES = "replications: 1\nintervals: batch_means\n"


def write(program, more="", warmup="none"):
    (program.folder / "queue.yaml").write_text(QUEUE.replace("WARMUP", warmup) + more, "utf-8")
    return "queue.yaml"


def run_json(program, *arguments):
    return json.loads(program.run(*arguments, "--format", "json").stdout)["points"]


def query(program, sql):
    return json.loads(program.run("query", sql, "--format", "json").stdout)


def has_intervals(program):
    """The estimate is that of the run, and only the interval comes from the batches."""
    scenario = write(program, BATCHES)
    batched, = run_json(program, "run", scenario)
    plain, = run_json(program, "run", write(program, "replications: 1\n"))
    for name, metric in plain["metrics"].items():
        expect_equal(batched["metrics"][name]["mean"], metric["mean"], name)
        expect(metric["half_width"] is None, f"{name} has an interval from one run")
    wait = batched["metrics"]["wait_mean_s.device"]
    expect(0 < wait["half_width"] < 0.3, f"half width: {wait}")
    expect(wait["low"] <= 1 <= wait["high"], f"1 s is the mean wait, not within {wait}")
    cost = batched["metrics"]["cost_mean"]
    latency = batched["metrics"]["latency_mean_s"]
    # A batch may answer a sample more than it was offered.
    ratio = cost["half_width"] / latency["half_width"]
    expect(abs(ratio - 2) < 0.1, f"cost: {cost}, at two units a second of latency: {latency}")
    units = query(program, "SELECT units FROM points JOIN estimates ON point_id = "
                           "points.id JOIN metric_names ON metric_names.id = metric_id "
                           "WHERE name = 'latency_mean_s' ORDER BY point_id")
    expect_equal([row["units"] for row in units], ["batches", "replications"], "units")


def heading(program):
    done = program.run("run", write(program, BATCHES, "auto"), "--no-store")
    expect_in("1 replication of 30000 samples, seed 3; mean and half width of the 95 % confidence "
              "interval from its batches\n", done.stdout, "heading")
    expect_in("warm-up that was found and cut: ", done.stdout, "heading")


def threads(program):
    """Results do not depend on the number of threads."""
    scenario = write(program, BATCHES, "auto")
    sweep = ("sweep", scenario, "--no-store", "--set", "seed=1,2,3,4", "--format", "json")
    one = program.run(*sweep, "--jobs", "1").stdout
    expect_equal(program.run(*sweep, "--jobs", "3").stdout, one, "results")


def goes_on(program):
    """A sweep takes complete points as they are, and runs again for one that comes later: batches
    are not stored."""
    scenario = write(program, BATCHES)
    prices = "prices.latency=1 /s,2 /s"
    first = run_json(program, "sweep", scenario, "--set", prices)
    done = program.run("sweep", scenario, "--set", prices, "--format", "json")
    expect_equal(json.loads(done.stdout)["points"], first, "points")
    expect_in("0 replications ran", done.stderr, "what is said")
    more = run_json(program, "sweep", scenario, "--set", prices + ",3 /s")
    expect_equal(more[:2], first, "points")
    half_widths = [point["metrics"]["cost_mean"]["half_width"] for point in more]
    expect(abs(half_widths[2] - 3 * half_widths[0]) < 1e-9, f"half widths: {half_widths}")


def cannot_be_repriced(program):
    program.run("run", write(program, BATCHES))
    done = program.run("reprice", "--experiment", "1", "--set", "prices.latency=5 /s", status=2)
    expect_equal(done.stderr,
                 "offloadsim: error: point 0 of experiment 1, policy 'local', cannot be priced "
                 "anew: its interval comes from the batches of one run, which are not stored; run "
                 "'offloadsim sweep' with the new prices instead\n", "what is said")


def too_short(program):
    done = program.run("run", write(program, BATCHES), "--no-store", "--set", "stop={samples: 8}")
    expect(done.stdout.startswith("NOT CONVERGED: latency_mean_s has not settled"),
           f"first line: {done.stdout.splitlines()[0]}")


def stores_its_warmup(program):
    """What was cut is stored for each replication, and running with it gives the same."""
    scenario = write(program, "replications: 3\n", "auto")
    program.run("run", scenario)
    cuts = query(program, "SELECT number, value FROM metrics JOIN metric_names ON "
                          "metric_names.id = metric_id JOIN replications ON "
                          "replications.id = replication_id WHERE name = 'warmup_s' "
                          "ORDER BY number")
    expect_equal(len(cuts), 3, "replications")
    given, = run_json(program, "run", scenario, "--no-store", "-n", "1", "--set",
                      f"warmup={{time: {cuts[0]['value']!r} s}}")
    found, = run_json(program, "run", scenario, "--no-store", "-n", "1")
    for name, metric in given["metrics"].items():
        expect_equal(found["metrics"][name]["mean"], metric["mean"], name)
    expect_equal(found["metrics"]["warmup_s"]["mean"], cuts[0]["value"], "warm-up")


def never_settles(program):
    done = program.run("run", write(program, "replications: 5\n", "auto"), "--no-store", "--set",
                       "tiers.device.arrivals={closed: {in_flight: 1, think: 1 s}}", "--set",
                       "stop={samples: 40}")
    expect_in("NOT CONVERGED: latency_mean_s", done.stdout, "first line")


if __name__ == "__main__":
    sys.exit(main([
        ("intervals from batches", has_intervals),
        ("heading", heading),
        ("threads", threads),
        ("a sweep goes on", goes_on),
        ("no new prices", cannot_be_repriced),
        ("too short", too_short),
        ("the warm-up is stored", stores_its_warmup),
        ("a run that never settles", never_settles),
    ]))
