#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many replications run and what they are worth: `until`, antithetic replications, control
variates, verdicts.

usage: precision.py OFFLOADSIM ROOT
"""

import contextlib
import json
import math
import re
import sqlite3
import statistics
import sys

from harness import expect, expect_equal, expect_in, main

QUEUE = """\
scenario: queue
seed: 1
stop: {samples: 4000}
warmup: {samples: 400}
models: {task: {}}
tiers:
  - name: device
    arrivals: {poisson: 0.5 /s}
    compute: {time: {task: {exponential: 1 s}}}
policy: local
"""
RULE = "until: {metric: latency_mean_s, relative: 2 %}\n"


def write(program, text, name="queue.yaml"):
    (program.folder / name).write_text(text, encoding="utf-8")
    return name


def run_json(program, scenario, *more, verb="run"):
    done = program.run(verb, scenario, "--format", "json", *more)
    return json.loads(done.stdout)["points"]


def query(program, sql):
    done = program.run("query", sql, "--format", "json")
    return json.loads(done.stdout)


def width(point, metric="latency_mean_s"):
    estimate = point["metrics"][metric]
    return estimate["half_width"] / estimate["mean"]


# ---- until ----


def reaches_its_width(program):
    scenario = write(program, QUEUE + RULE)
    point, = run_json(program, scenario, "--no-store")
    expect(width(point) <= 0.02, f"half width: {width(point)}")
    expect(10 < point["replications"] < 1000, f"replications: {point['replications']}")
    found = re.fullmatch(r"latency_mean_s has a half width of ([0-9.]+) %, wanted: 2 %",
                         point["stopped"])
    expect(found, point["stopped"])
    expect(abs(float(found[1]) / 100 - width(point)) < 1e-4, point["stopped"])
    expect(abs(point["metrics"]["latency_mean_s"]["mean"] - 2) < 0.08, "the mean is 2 s")
    table = program.run("run", scenario, "--no-store").stdout
    expect_in(f"{point['replications']} replications of 4000 samples", table, "heading")
    expect_in(f"local: stopped after {point['replications']} replications: {point['stopped']}\n",
              table, "heading")


def same_as_that_many(program):
    """What stops by itself is what the same number of replications gives."""
    with_rule, = run_json(program, write(program, QUEUE + RULE), "--no-store")
    plain, = run_json(program, write(program, QUEUE, "plain.yaml"), "--no-store",
                      "--replications", str(with_rule["replications"]))
    expect_equal(with_rule["metrics"], plain["metrics"], "metrics")


def same_for_any_threads(program):
    scenario = write(program, QUEUE + RULE)
    found = [program.run("run", scenario, "--no-store", "--format", "json", "--jobs", jobs).stdout
             for jobs in ("1", "2", "7")]
    expect_equal(found[1:], [found[0]] * 2, "results")


def gives_up_at_most(program):
    point, = run_json(program, write(program, QUEUE + RULE), "--no-store",
                      "--set", "until.most=12")
    expect_equal(point["replications"], 12, "replications")
    expect(width(point) > 0.02, f"half width: {width(point)}")
    expect_in(", wanted: 2 %, but 12 replications are the most", point["stopped"], "stopped")


def several_rules_hold(program):
    text = QUEUE + """\
until:
  - {metric: latency_mean_s, relative: 4 %}
  - {metric: utilisation.device, absolute: 0.004, confidence: 90 %}
  - {metric: accuracy, relative: 1 %}
"""
    point, = run_json(program, write(program, text), "--no-store", "--set", "confidence=90 %")
    expect(width(point) <= 0.04, f"half width: {width(point)}")
    expect(point["metrics"]["utilisation.device"]["half_width"] <= 0.004, "utilisation")
    expect_equal(len(point["stopped"].split("; ")), 3, "reasons")
    one, = run_json(program, write(program, text), "--no-store", "--set", "confidence=90 %",
                    "--set", "until=[{metric: accuracy, relative: 1 %, least: 7}]")
    expect_equal(one["replications"], 7, "a metric without spread stops at once")


SWEPT = ("--set", "tiers.device.arrivals.poisson=0.2 /s,0.5 /s,0.7 /s")


def sweep_goes_on(program):
    """Each point of a sweep stops by itself; a later sweep takes what is there, and a stored one
    says the same again."""
    scenario = write(program, QUEUE + RULE)
    points = run_json(program, scenario, *SWEPT, verb="sweep")
    numbers = [point["replications"] for point in points]
    expect_equal(sorted(set(numbers)), numbers, "more where the load is higher")
    for point in points:
        expect(width(point) <= 0.02, f"half width: {width(point)}")
    again = program.run("sweep", scenario, *SWEPT, "--format", "json")
    expect_equal(json.loads(again.stdout)["points"], points, "again")
    expect_in(f"0 replications ran, {sum(numbers)} were there already", again.stderr, "remarks")
    # A tighter rule is another sweep, which goes on from these replications.
    finer = program.run("sweep", scenario, *SWEPT, "--set", "until.relative=1.5 %", "--format",
                        "json")
    more = [point["replications"] for point in json.loads(finer.stdout)["points"]]
    expect(all(a < b for a, b in zip(numbers, more)), f"{numbers}, {more}")
    ran, found = map(int, re.search(r"(\d+) replications ran, (\d+) were there already",
                                    finer.stderr).groups())
    expect_equal(ran + found, sum(more), "all")
    expect(found >= sum(numbers) - 1 and ran < sum(more), f"{ran} ran, {found} were there")
    alone = run_json(program, scenario, "--no-store", *SWEPT, "--set", "until.relative=1.5 %",
                     verb="sweep")
    expect_equal([point["metrics"] for point in json.loads(finer.stdout)["points"]],
                 [point["metrics"] for point in alone], "with and without what was there")
    rows = query(program, "SELECT replications, stopped, units FROM points WHERE experiment_id = 1 "
                          "ORDER BY ordinal")
    expect_equal([row["replications"] for row in rows], numbers, "stored")
    expect_equal([row["stopped"] for row in rows], [point["stopped"] for point in points], "why")
    expect_equal({row["units"] for row in rows}, {"replications"}, "units")


def dry_run_says_bounds(program):
    scenario = write(program, QUEUE + RULE)
    text = program.run("sweep", scenario, *SWEPT, "--dry-run").stdout
    expect_in("at least 30 and at most 3000 replications are left to run", text, "dry run")
    done = program.run("sweep", scenario, *SWEPT, "--dry-run", "--format", "json")
    plan = json.loads(done.stdout)
    expect_equal([(point["replications"], point["most_replications"]) for point in plan["points"]],
                 [(10, 1000)] * 3, "points")
    expect_equal((plan["replications_left"], plan["most_replications_left"]), (30, 3000), "left")


# ---- until, by the length of one run ----

LONG_RUN = QUEUE + "intervals: batch_means\n"
RUN_RULE = "until: {metric: latency_mean_s, relative: 3 %}\n"


def grows_to_its_width(program):
    scenario = write(program, LONG_RUN + RUN_RULE)
    done = program.run("run", scenario, "--format", "json")
    point, = json.loads(done.stdout)["points"]
    expect(width(point) <= 0.0301, f"half width: {width(point)}")
    expect(8000 < point["samples"] < 4000000, f"samples: {point['samples']}")
    expect_equal(point["replications"], 1, "replications")
    found = re.fullmatch(r"after (\d+) samples: latency_mean_s has a half width of ([0-9.]+) %, "
                         r"wanted: 3 %", point["stopped"])
    expect(found and int(found[1]) == point["samples"], point["stopped"])
    expect(abs(float(found[2]) / 100 - width(point)) < 1e-4, point["stopped"])
    expect_in(f"{point['samples']} samples in ", done.stderr, "what ran")
    table = program.run("run", scenario, "--no-store").stdout
    expect_in(f"1 replication of {point['samples']} samples, seed 1", table, "heading")
    expect_in(f"local: stopped {point['stopped']}\n", table, "heading")
    row, = query(program, "SELECT stopped, units, replications FROM points")
    expect_equal(row, {"stopped": point["stopped"], "units": "batches", "replications": 1},
                 "stored")


def same_as_a_run_of_that_length(program):
    """What a run that grows computes is what one does that is as long from the start: metrics,
    intervals and verdict."""
    for more in ((), ("--set", "warmup={time: 500 s}")):
        grown, = run_json(program, write(program, LONG_RUN + RUN_RULE), "--no-store", *more)
        fixed, = run_json(program, write(program, LONG_RUN, "fixed.yaml"), "--no-store", *more,
                          "--replications", "1", "--set", f"stop.samples={grown['samples']}")
        expect(grown["samples"] > 8000, "it has grown")
        expect_equal(grown["metrics"], fixed["metrics"], "metrics")
        expect_equal(grown["verdict"], fixed["verdict"], "verdict")
    # With `auto` the warm-up is found in the first stage, and what follows has it.
    grown, = run_json(program, write(program, LONG_RUN + RUN_RULE), "--no-store", "--set",
                      "warmup=auto", "--set", "seed=4")
    cut = grown["metrics"]["warmup_s"]["mean"]
    first, = run_json(program, write(program, LONG_RUN, "fixed.yaml"), "--no-store", "--set",
                      "warmup=auto", "--set", "seed=4", "--replications", "1")
    expect_equal(first["metrics"]["warmup_s"]["mean"], cut, "warm-up")
    fixed, = run_json(program, write(program, LONG_RUN, "fixed.yaml"), "--no-store", "--set",
                      f"warmup={{time: {cut!r} s}}", "--set", "seed=4", "--replications", "1",
                      "--set", f"stop.samples={grown['samples']}")
    for name, estimate in fixed["metrics"].items():
        expect_equal(grown["metrics"][name], estimate, name)


def grows_at_most(program):
    scenario = write(program, LONG_RUN + RUN_RULE)
    point, = run_json(program, scenario, "--no-store", "--set", "until.most=5")
    expect_equal(point["samples"], 20000, "samples")
    expect(width(point) > 0.03, f"half width: {width(point)}")
    expect_in(", wanted: 3 %, but 5 times 'stop' are the most", point["stopped"], "stopped")
    # Nothing comes any more behind the end of the arrivals, and the run says so.
    (program.folder / "times.csv").write_text(
        "time\n" + "".join(f"{2.5 * i + 0.7 * (i % 3)}\n" for i in range(5000)),
        encoding="utf-8")
    point, = run_json(program, scenario, "--no-store", "--set",
                      "tiers.device.arrivals={times: {file: times.csv, repeat: false}}")
    expect_equal(point["samples"], 5000, "samples")
    expect_in(", but no more samples came", point["stopped"], "stopped")


def alike_batches_go_on(program):
    """Where the queue only grows, neighbours are alike, and no width is one to stop at."""
    point, = run_json(program, write(program, LONG_RUN + RUN_RULE), "--no-store", "--set",
                      "tiers.device.arrivals.poisson=1.1 /s", "--set", "until.most=10", "--set",
                      "until.relative=90 %")
    expect_equal(point["samples"], 40000, "samples")
    expect(width(point) < 0.9, f"it is narrow enough: {width(point)}")
    expect_in("are too much alike, but 10 times 'stop' are the most", point["stopped"], "stopped")


def grows_the_same_for_any_threads(program):
    scenario = write(program, LONG_RUN + RUN_RULE)
    found = [program.run("sweep", scenario, *SWEPT, "--no-store", "--format", "json", "--jobs",
                         jobs).stdout for jobs in ("1", "3")]
    expect_equal(found[1], found[0], "results")


def growth_goes_on(program):
    """What was complete is taken from the database; what was not is found again, the same. Points
    whose rules differ share no run, and those whose prices do neither."""
    scenario = write(program, LONG_RUN + RUN_RULE)
    points = run_json(program, scenario, *SWEPT, verb="sweep")
    with contextlib.closing(sqlite3.connect(program.folder / "offloadsim.db")) as database:
        database.execute("DELETE FROM estimates WHERE point_id = 2")
        database.execute("UPDATE points SET is_complete = 0, stopped = NULL, verdict = NULL, "
                         "replications = 0 WHERE id = 2")
        database.commit()
    again = program.run("sweep", scenario, *SWEPT, "--format", "json")
    expect_equal(json.loads(again.stdout)["points"], points, "again")
    expect_in("1 replications ran, 2 were there already", again.stderr, "remarks")
    table = program.run("sweep", scenario, *SWEPT).stdout
    samples = [point["samples"] for point in points]
    expect_in(f"1 replication of between {min(samples)} and {max(samples)} samples", table,
              "heading of stored points")
    finer = run_json(program, scenario, "--set", "until.relative=3 %,2 %,1.5 %", verb="sweep")
    for point, wanted in zip(finer, (0.03, 0.02, 0.015)):
        expect(width(point) <= 1.005 * wanted, f"finer: {wanted}, {width(point)}")
    expect(finer[0]["samples"] < finer[1]["samples"] < finer[2]["samples"], "each rule its run")
    priced = run_json(program, scenario, "--set", "prices.latency=1 /s,2 /s", "--set",
                      "until={metric: cost_mean, absolute: 0.1}", verb="sweep")
    for point in priced:
        estimate = point["metrics"]["cost_mean"]
        expect(estimate["half_width"] <= 0.1005, f"cost: {estimate}")
    expect(priced[0]["samples"] < priced[1]["samples"], "each price its own run")


def dry_run_says_lengths(program):
    scenario = write(program, LONG_RUN + RUN_RULE)
    text = program.run("sweep", scenario, *SWEPT, "--dry-run", "--set", "until.most=50").stdout
    expect_in("0 of 3 points are stored; 3 of 3 replications are left to run\nruns go on from "
              "'least_samples' until intervals are narrow enough, to 'most_samples' at most\nthe "
              "least takes about ", text, "dry run")
    done = program.run("sweep", scenario, *SWEPT, "--dry-run", "--format", "json", "--set",
                       "until.most=50")
    expect_equal([(point["replications"], point["samples"], point["most_samples"])
                  for point in json.loads(done.stdout)["points"]], [(1, 4000, 200000)] * 3,
                 "points")
    text = program.run("check", scenario).stdout
    expect_in("4000 samples or more, one replication, seed 1", text, "check")


def timeline_grows(program):
    """The timeline of a run that grows covers all of it."""
    scenario = write(program, LONG_RUN + RUN_RULE)
    point, = run_json(program, scenario, "--no-store", "--timeline", "t.csv", "--step",
                      "100 s")
    last = (program.folder / "t.csv").read_text(encoding="utf-8").splitlines()[-1]
    wanted = point["samples"] / 0.5
    expect(abs(float(last.split(",")[2]) / wanted - 1) < 0.05, f"{last}, {wanted}")


# ---- variance reduction ----


def antithetic_mirrors(program):
    """Even replications are those without mirrors, and a pair does not rise and fall together."""
    scenario = write(program, QUEUE)
    program.run("run", scenario)
    program.run("run", scenario, "--set", "antithetic=true")
    values = {}
    for row in query(program, "SELECT experiment_id AS e, number, metric, value FROM "
                              "replication_metrics WHERE metric IN ('latency_mean_s', "
                              "'throughput_per_s') ORDER BY number"):
        values.setdefault((row["e"], row["metric"]), []).append(row["value"])
    for metric in ("latency_mean_s", "throughput_per_s"):
        plain, mirrored = values[1, metric], values[2, metric]
        expect_equal(mirrored[::2], plain[::2], f"even replications, {metric}")
        expect(not set(mirrored[1::2]) & set(plain), f"odd replications, {metric}")
    # The correlation of -ln u and -ln(1 - u) is 1 - pi^2 / 6 = -0.64.
    rates = values[2, "throughput_per_s"]
    expect(statistics.correlation(rates[::2], rates[1::2]) < -0.2, f"rates: {rates}")
    units, = query(program, "SELECT units FROM points WHERE experiment_id = 2")
    expect_equal(units["units"], "antithetic pairs", "units")


def antithetic_interval_is_of_pairs(program):
    scenario = write(program, QUEUE)
    point, = run_json(program, scenario, "--set", "antithetic=true")
    values = [row["value"] for row in
              query(program, "SELECT value FROM replication_metrics WHERE metric = "
                             "'throughput_per_s' ORDER BY number")]
    pairs = [(a + b) / 2 for a, b in zip(values[::2], values[1::2])]
    estimate = point["metrics"]["throughput_per_s"]
    t = 2.2621571628  # of 9 degrees of freedom, at 97.5 %
    wanted = t * statistics.stdev(pairs) / math.sqrt(len(pairs))
    expect(abs(estimate["half_width"] - wanted) < 1e-8 * wanted, f"{estimate}, {wanted}")
    gain = statistics.variance(values) / 2 / statistics.variance(pairs)
    expect(abs(estimate["variance_ratio"] - gain) < 1e-8 * gain, f"{estimate}, {gain}")
    expect(gain > 1.5, f"gain: {gain}")
    done = program.run("reprice", "--experiment", "1", "--set", "prices.latency=0.5 /s",
                       "--format", "json")
    latency = point["metrics"]["latency_mean_s"]["half_width"]
    cost = json.loads(done.stdout)["points"][0]["metrics"]["cost_mean"]["half_width"]
    expect(abs(cost - latency / 2) < 1e-9, f"repriced: {cost}, {latency}")


def antithetic_stops_at_pairs(program):
    point, = run_json(program, write(program, QUEUE + RULE), "--no-store", "--set",
                      "antithetic=true", "--set", "until.least=11", "--set", "until.most=29")
    expect(point["replications"] % 2 == 0 and 22 <= point["replications"] <= 30,
           f"replications: {point['replications']}")
    # A wide interval is narrow enough at the first look, which is at `least` pairs; `most` counts
    # replications.
    for most, wanted in ((1000, 22), (17, 18)):
        point, = run_json(program, write(program, QUEUE + RULE), "--no-store", "--set",
                          "antithetic=true", "--set", "until.least=11", "--set",
                          f"until.most={most}", "--set", "until.relative=100 %")
        expect_equal(point["replications"], wanted, "replications")


def reduction_is_worth_it(program):
    """On hi-digits the variance of the mean latency is at least halved, and the report says so."""
    done = program.run("run", program.scenario("hi-digits"), "--no-store", "--set",
                       "control_variates=true")
    line, = [line for line in done.stdout.splitlines() if line.startswith("variance of")]
    expect(line.startswith("variance of latency_mean_s without / with its reduction: "), line)
    gains = {name: float(gain) for gain, name in
             re.findall(r"([0-9.e+]+) \((\w+)(?: \(bound\))?\)", line)}
    expect_equal(sorted(gains), ["full_offload", "hi_threshold", "local", "oracle"], line)
    for name, gain in gains.items():
        expect(gain >= 2, f"{name}: {gain}")


def controls_have_mean_0(program):
    """What the known means are subtracted from has mean 0, whichever policy decides and however the
    run stops; and what is corrected agrees with what is not."""
    for more in ((), ("--set", "stop={time: 30 s}", "--set", "warmup={time: 5 s}")):
        arguments = (program.scenario("hi-digits"), "--no-store", "--replications", "400", "--set",
                     "stop={samples: 3000}", *more, "--set", "confidence=99.9 %")
        plain = run_json(program, *arguments)
        controlled = run_json(program, *arguments, "--set", "control_variates=true")
        for before, after in zip(plain, controlled):
            controls = {name: estimate for name, estimate in after["metrics"].items()
                        if name.startswith("control.")}
            expect_equal(len(controls), 8, f"controls: {sorted(controls)}")
            for name, estimate in controls.items():
                expect(estimate["low"] <= 0 <= estimate["high"], f"{name}: {estimate}")
            for name in ("latency_mean_s", "accuracy", "throughput_per_s", "wait_mean_s.device"):
                a, b = before["metrics"][name], after["metrics"][name]
                if a["mean"] is not None:
                    expect(abs(a["mean"] - b["mean"]) <= a["half_width"] + b["half_width"],
                           f"{after['policy']}, {name}: {a}, {b}")


# ---- verdicts ----


def stored_verdict(program):
    row, = query(program, "SELECT verdict FROM points ORDER BY id DESC LIMIT 1")
    return row["verdict"]


def overloaded(program):
    done = program.run("run", write(program, QUEUE), "--set",
                       "tiers.device.arrivals.poisson=1.5 /s")
    expect(done.stdout.startswith("OVERLOADED: device gets 1.5 times the work it can do under "
                                  "policy 'local';\n"), done.stdout.splitlines()[0])
    stored = stored_verdict(program)
    found = re.fullmatch(r"overloaded: device \(offered load 1.5 since ([0-9.]+) s\)", stored)
    expect(found and 0 < float(found[1]) < 100, f"stored: {stored}")


def overloaded_in_a_sweep(program):
    scenario = write(program, QUEUE)
    sets = ("--set", "tiers.device.arrivals.poisson=0.5 /s,1.5 /s")
    for turn in range(2):  # the second one reads the verdict from the database
        text = program.run("sweep", scenario, *sets).stdout
        expect(text.startswith("OVERLOADED: device gets 1.5 times the work it can do under policy "
                               "'local (poisson=1.5 /s)';\n"), f"{turn}: {text.splitlines()[0]}")
        expect_in("verdict", text, "column")
    points = run_json(program, scenario, *sets, verb="sweep")
    expect_equal([point["verdict"].split(" since")[0] for point in points],
                 ["stable", "overloaded: device (offered load 1.5"], "verdicts")
    best = json.loads(program.run("query", "best", "--format", "json").stdout)
    expect_equal(len(best), 1, "an overloaded point is no answer")


def not_converged(program):
    """A load at which the queue never settles, and which cannot be told from a little less."""
    done = program.run("run", write(program, QUEUE), "--set", "warmup=auto", "--set",
                       "tiers.device.arrivals.poisson=1 /s", "--set", "stop={samples: 5000}")
    expect(done.stdout.startswith("NOT CONVERGED: queue_mean.device has not settled under policy "
                                  "'local';\n"), done.stdout.splitlines()[0])
    expect_equal(stored_verdict(program), "not converged: queue_mean.device", "stored")
    best = json.loads(program.run("query", "best", "--format", "json").stdout)
    expect_equal(best, [], "what has not converged is no answer")


def transient(program):
    done = program.run("run", write(program, QUEUE), "--set", "warmup=none", "--set",
                       "stop={time: 50 s}", "--set", "transient=true", "--set",
                       "tiers.device.arrivals.poisson=1.5 /s")
    expect(done.stdout.startswith("TRANSIENT: under policy 'local' the figures are those of the "
                                  "given time\n"), done.stdout.splitlines()[0])
    expect_equal(stored_verdict(program), "transient", "stored")


CASES = [
    ("until: reaches its width and says so", reaches_its_width),
    ("until: the same as that many replications", same_as_that_many),
    ("until: the same for any number of threads", same_for_any_threads),
    ("until: gives up at its most", gives_up_at_most),
    ("until: several rules", several_rules_hold),
    ("until: sweeps go on from the database", sweep_goes_on),
    ("until: --dry-run says at least and at most", dry_run_says_bounds),
    ("until: a run grows to its width and says so", grows_to_its_width),
    ("until: a run that grows is one of its final length", same_as_a_run_of_that_length),
    ("until: a run grows so far at most", grows_at_most),
    ("until: a run goes on while its batches are too much alike", alike_batches_go_on),
    ("until: a run grows the same for any number of threads", grows_the_same_for_any_threads),
    ("until: sweeps of runs that grow go on", growth_goes_on),
    ("until: --dry-run and check say lengths", dry_run_says_lengths),
    ("until: the timeline of a run that grows", timeline_grows),
    ("antithetic: mirrored, and the even ones unchanged", antithetic_mirrors),
    ("antithetic: the interval is that of pairs", antithetic_interval_is_of_pairs),
    ("antithetic: until stops at whole pairs", antithetic_stops_at_pairs),
    ("control variates: variance of latency in hi-digits at least halved", reduction_is_worth_it),
    ("control variates: mean 0", controls_have_mean_0),
    ("verdict: overloaded", overloaded),
    ("verdict: overloaded, in a sweep", overloaded_in_a_sweep),
    ("verdict: not converged", not_converged),
    ("verdict: transient", transient),
]

if __name__ == "__main__":
    sys.exit(main(CASES))
