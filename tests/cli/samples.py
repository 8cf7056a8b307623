#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Samples that are recorded one by one: that they add up to the metrics, and that each is right.

usage: samples.py OFFLOADSIM ROOT
"""

import csv
import json
import math
import os
import sqlite3
import subprocess
import sys
import time

from harness import expect, expect_equal, expect_in, main

# Few samples that still queue, miss deadlines and find no room.
FEW = ("--set", "stop={samples: 1500}", "--set", "warmup={samples: 200}", "--replications", "3")

# Everything at once: two devices that queue, a link and a server that lose what they have no room
# for, a deadline, a warm-up, radios, layers, and a price of everything.
CROWDED = """\
scenario: crowded
seed: 3
stop: {samples: 1500}
warmup: {samples: 200}
replications: 3
samples: {trace: trace.csv, payload: {uniform: {from: 100 B, to: 900 B}}, answer: 20 B,
          deadline: 2.5 s}
models:
  net:
    layers: 3
    output: [300 B, 60 B, 4 B]
    exits:
      early: {after: 1, confidence: a, correct: a_ok}
      end: {confidence: b, correct: b_ok}
  big: {exits: {end: {confidence: c, correct: c_ok}}}
tiers:
  - name: device
    nodes: 2
    arrivals: {poisson: 0.8 /s}
    compute: {time: {net: [200 ms, {exponential: 150 ms}, 250 ms]}, power: {active: 3 W, idle: 0 W}}
  - {name: edge, compute: {room: 3, energy: {big: 2 J, net: [1 J, 2 J, 3 J]},
                           time: {big: {exponential: 700 ms}, net: [1 s, 1 ms, 1 ms]}}}
links:
  - {from: device, to: edge, count: 1, room: 2, up: 1200 B/s, down: 400 B/s, delay: 5 ms,
     overhead: 30 B, radio: {send: 2 W, receive: 1 W, send_per_byte: 3 mJ/B}}
policy:
  - full_offload
  - {random: {p: 0.4}}
  - {ee_hi: {thresholds: 0.7, theta: 0.6, large: big}}
  - {split_exit: {split: 1, alpha: 0.5, model: net}}
prices: {error: 2.5, offload: 0.75, latency: 0.3 /s, energy: 0.01 /J, byte: 0.002 /B, layer: 0.05,
         deadline_miss: 1.25, drop: 4}
"""

OUTCOMES = """\
a,a_ok,b,b_ok,c,c_ok
0.9,1,0.95,1,0.9,1
0.8,0,0.85,1,0.7,1
0.4,0,0.45,0,0.8,1
0.3,1,0.65,0,0.6,0
0.2,0,0.35,0,0.9,1
"""


def crowded(program):
    (program.folder / "crowded.yaml").write_text(CROWDED)
    (program.folder / "trace.csv").write_text(OUTCOMES)
    return "crowded.yaml"


def rows(program, sql, db="offloadsim.db", parameters=()):
    database = sqlite3.connect(program.folder / db)
    database.row_factory = sqlite3.Row
    found = [dict(row) for row in database.execute(sql, parameters)]
    database.close()
    return found


def samples(program, db="offloadsim.db", where="1"):
    return rows(program, f"SELECT * FROM sample_outcomes WHERE {where} "
                         "ORDER BY point_id, replication, device, number", db)


# ---- they add up ----

# What the samples of each replication come to, under the names of metrics.
MEANS = """\
SELECT point_id, replication AS number, avg(is_correct) AS accuracy,
       avg(latency_s) AS latency_mean_s, avg(cost) AS cost_mean,
       avg(is_offloaded) AS offload_fraction, avg(energy_j) AS energy_mean_j,
       avg(drop_reason IS NOT NULL) AS drop_fraction
FROM sample_outcomes GROUP BY point_id, replication ORDER BY point_id, replication"""

# And under the names of counters: one row each.
COUNTED = {
    "'offered'": "count(*)",
    "'answered'": "count(latency_s)",
    "'correct'": "coalesce(sum(is_correct), 0)",
    "'latency_s'": "coalesce(sum(latency_s), 0)",
    "'energy_j'": "sum(energy_j)",
    "'offloaded'": "sum(is_offloaded)",
    "'answered.' || tier": "count(*)",
    "'exits.' || exit": "count(*)",
    "'drops.' || drop_reason": "count(*)",
}
COUNTS = " UNION ALL ".join(
    f"SELECT point_id, replication, {name} AS counter, {value} AS value FROM sample_outcomes "
    f"WHERE {name} IS NOT NULL GROUP BY 1, 2, 3" for name, value in COUNTED.items())


def expect_near(found, wanted, what):
    if wanted is None or found is None:
        expect_equal(found, wanted, what)
    else:
        expect(math.isclose(found, wanted, rel_tol=1e-9, abs_tol=1e-9),
               f"{what}: {found!r}, not {wanted!r}")


def expect_adds_up(program, points, replications):
    means = rows(program, MEANS)
    expect_equal(len(means), points * replications, "replications with samples")
    for mean in means:
        stored = {row["metric"]: row["value"]
                  for row in rows(program, "SELECT metric, value FROM replication_metrics "
                                           "WHERE point_id = ? AND number = ?",
                                  parameters=(mean["point_id"], mean["number"]))}
        for name, value in mean.items():
            if name not in ("point_id", "number"):
                expect_near(value, stored[name], f"{name} of {dict(mean)}")
    stored = {(row["point_id"], row["number"], row["counter"]): row["value"]
              for row in rows(program, "SELECT * FROM replication_counters")}
    counts = rows(program, COUNTS)
    expect(len(counts) > 8 * points * replications, f"{len(counts)} counts")
    for row in counts:
        key = (row["point_id"], row["replication"], row["counter"])
        expect_near(row["value"], stored.pop(key), str(key))
    for key, value in stored.items():  # what no sample has is not counted either
        if key[2].startswith(("answered.", "exits.", "drops.")):
            expect_equal(value, 0, str(key))


def adds_up(world, points):
    def test(program):
        program.run("run", program.scenario(world), *FEW, "--samples", "1")
        expect_adds_up(program, points, 3)
    return test


def adds_up_when_crowded(program):
    program.run("run", crowded(program), "--samples", "1")
    expect_adds_up(program, 4, 3)
    reasons = rows(program, "SELECT DISTINCT drop_reason FROM sample_outcomes")
    expect_equal(len(reasons), 2, "reasons to drop, and none")
    late = rows(program, "SELECT count(*) AS n FROM sample_outcomes WHERE latency_s > 2.5")
    expect(late[0]["n"] > 10, f"{late} samples are late")


def parts_make_the_latency(program):
    program.run("run", crowded(program), "--samples", "1")
    for row in samples(program, where="latency_s IS NOT NULL"):
        parts = row["wait_s"] + row["service_s"] + row["transfer_s"]
        expect_near(parts, row["latency_s"], str(row))


def results_stay(program):
    """Recording changes nothing of what is found."""
    without = program.run("run", crowded(program), "--no-store", "--format", "json").stdout
    recorded = program.run("run", "crowded.yaml", "--samples", "3", "--format", "json").stdout
    expect(json.loads(recorded)["points"] == json.loads(without)["points"], "results differ")


# ---- each is right ----

HAND = """\
scenario: hand
stop: {samples: 6}
samples: {trace: trace.csv, order: as_is, payload: {column: bytes}, answer: 50 B, deadline: 5 s}
models:
  small: {exits: {end: {confidence: s, correct: s_ok}}}
  large: {exits: {end: {confidence: l, correct: l_ok}}}
tiers:
  - name: device
    nodes: 2
    arrivals: {trace: {column: at}}
    compute: {time: {small: 0.5 s}, power: {active: 4 W, idle: 0 W}}
  - {name: edge, compute: {room: 0, time: {large: 0.25 s}, energy: {large: 7 J}}}
links:
  - {from: device, to: edge, count: 2, up: 1000 B/s, down: 100 B/s, delay: 0.125 s,
     radio: {send: 2 W, receive: 3 W}}
policy: {hi_threshold: {theta: [0.6]}}
prices: {error: 100, offload: 10, latency: 1 /s, energy: 0.5 /J, byte: 0.001 /B, layer: 0.25,
         deadline_miss: 1000, drop: 300}
"""

# Rows are samples 0 to 2 of devices 0 and 1 in turn. The second pair goes up together, so that the
# server, which has no room to wait, takes one and loses the other.
HAND_TRACE = """\
s,s_ok,l,l_ok,bytes,at
0.7,1,0.9,1,500,0
0.6,0,0.9,1,500,0.25
0.5,1,0.8,1,500,10
0.5,1,0.8,1,500,10
0.25,0,0.75,0,4000,20
0.75,1,0.75,0,500,20
"""

UP = "confidence below theta"
STAYS = "confidence at least theta"
# 500 B take 0.5 s up, 50 B 0.5 s down, the way 0.125 s.
AWAY_S = 0.5 + 0.5 + 0.125 + 0.25 + 0.5 + 0.125
AWAY_J = 0.5 * 4 + 0.5 * 2 + 7 + 0.5 * 3
LOST_J = 0.5 * 4 + 0.5 * 2
LATE_S = AWAY_S + 3.5
LATE_J = AWAY_J + 3.5 * 2

HAND_ROWS = [
    # device, number, trace_row, arrived_s, latency_s, wait_s, service_s, transfer_s, energy_j,
    # cost, tier, exit, confidence, is_correct, is_offloaded, drop_reason, decision
    (0, 0, 0, 0, 0.5, 0, 0.5, 0, 2, 0.5 + 2 / 2 + 0.25,
     "device", "small.end", 0.7, 1, 0, None, STAYS),
    (0, 1, 2, 10, AWAY_S, 0, 0.75, 1.25, AWAY_J, 10 + AWAY_S + AWAY_J / 2 + 0.55 + 2 * 0.25,
     "edge", "large.end", 0.8, 1, 1, None, UP),
    (0, 2, 4, 20, LATE_S, 0, 0.75, 4.75, LATE_J,
     100 + 10 + LATE_S + LATE_J / 2 + 4.05 + 2 * 0.25 + 1000,
     "edge", "large.end", 0.75, 0, 1, None, UP),
    (1, 0, 1, 0.25, 0.5, 0, 0.5, 0, 2, 100 + 0.5 + 2 / 2 + 0.25,
     "device", "small.end", 0.6, 0, 0, None, STAYS),
    (1, 1, 3, 10, None, 0, 0.5, 0.625, LOST_J, 10 + LOST_J / 2 + 0.5 + 0.25 + 1000 + 300,
     None, None, None, None, 1, "full", UP),
    (1, 2, 5, 20, 0.5, 0, 0.5, 0, 2, 0.5 + 2 / 2 + 0.25,
     "device", "small.end", 0.75, 1, 0, None, STAYS),
]


def by_hand(program):
    (program.folder / "hand.yaml").write_text(HAND)
    (program.folder / "trace.csv").write_text(HAND_TRACE)
    remark = program.run("run", "hand.yaml", "--replications", "1", "--samples", "1").stderr
    expect_in("\n6 samples recorded\n", remark, "remarks")
    found = [tuple(row.values()) for row in samples(program)]
    expect_equal(len(found), len(HAND_ROWS), "rows")
    for row, wanted in zip(found, HAND_ROWS):
        expect_equal(row[:4], (1, 1, "hi_threshold", 0), "experiment, point, policy, replication")
        for one, other in zip(row[4:], wanted, strict=True):
            if isinstance(other, float):
                expect_near(one, other, f"{row}")
            else:
                expect_equal(one, other, f"{row}")


def queueing_only(program):
    """Without a trace there is no row of it."""
    program.run("run", program.scenario("mm1"), "--samples", "1", "--replications", "1", "--set",
                "stop={samples: 50}", "--set", "warmup=none")
    found = samples(program)
    expect_equal(len(found), 50, "samples")
    expect_equal({row["trace_row"] for row in found}, {None}, "rows of the trace")
    expect_equal({row["decision"] for row in found}, {None}, "decisions")


def warm_up_is_left_out(program):
    program.run("run", program.scenario("mm1"), "--samples", "1", "--replications", "1", "--set",
                "stop={samples: 60}", "--set", "warmup={samples: 20}")
    expect_equal([row["number"] for row in samples(program)], list(range(20, 60)), "numbers")


DECISIONS = {
    "local": {None}, "full_offload": {None},
    "random": {"drawn to stay", "drawn to be offloaded"},
    "hi_threshold": {STAYS, UP},
    "early_exit": {"confidence at least threshold", "confidence below threshold"},
    "split_exit": {"confidence at least alpha", "confidence below alpha"},
    "ee_hi": {"confidence at least threshold", STAYS, UP},
    "partition": {None},
    "oracle": {"the answer is right", "the answer is wrong"},
    "dimee": {"pool 1: confidence at least alpha", "pool 2: confidence at least alpha",
              "pool 3: confidence at least alpha", "pool 3: confidence below alpha at its depth"},
}


def decisions(program):
    program.run("run", program.scenario("compare-all"), *FEW, "--samples", "1")
    found = {}
    for row in rows(program, "SELECT DISTINCT policy, decision FROM sample_outcomes"):
        found.setdefault(row["policy"], set()).add(row["decision"])
    expect_equal(found, DECISIONS, "decisions")
    # The reason is that of the confidence that was looked at.
    wrong = rows(program, "SELECT count(*) AS n FROM sample_outcomes WHERE policy = 'hi_threshold' "
                          "AND (decision = 'confidence at least theta') "
                          "!= (tier = 'cloud' OR confidence >= CASE tier WHEN 'mobile' THEN 0.607 "
                          "ELSE 0.8 END) AND tier != 'cloud'")
    expect_equal(wrong[0]["n"], 0, "samples with another reason")


# ---- which are recorded ----


def every_kth(program):
    program.run("run", crowded(program), "--samples", "1", "--db", "all.db")
    program.run("run", "crowded.yaml", "--samples", "7", "--db", "some.db")
    wanted = [row for row in samples(program, "all.db") if row["number"] % 7 == 0]
    expect(len(wanted) > 500, f"{len(wanted)} samples")
    expect_equal(samples(program, "some.db"), wanted, "samples")


def any_number_of_threads(program):
    for jobs in ("1", "2", "5"):
        program.run("run", crowded(program), "--samples", "2", "--db", f"{jobs}.db", "--jobs", jobs)
    expect(len(samples(program, "1.db")) > 3000, "few samples")
    for jobs in ("2", "5"):
        expect_equal(samples(program, f"{jobs}.db"), samples(program, "1.db"), f"{jobs} threads")


def none_unless_asked(program):
    remarks = program.run("run", crowded(program)).stderr
    expect_equal(rows(program, "SELECT count(*) AS n FROM samples"), [{"n": 0}], "samples")
    expect("recorded" not in remarks, remarks)


def export_has_them(program):
    program.run("run", crowded(program), "--samples", "50")
    program.run("export", "--output", "out")
    files = [file for file in os.listdir(program.folder / "out") if "sample" in file]
    expect(files, "no file with samples")
    with open(program.folder / "out" / files[0], newline="") as file:
        expect_equal(len(list(csv.DictReader(file))), len(samples(program)), "samples")


# ---- sweeps ----

AXES = ("--set", "prices.error=1,20", "--set", "policy=[local, {random: {p: 0.3}}]")


def sweep(program, *words):
    return program.run("sweep", crowded(program), *AXES, *words)


def a_sweep(program):
    """Points that share a simulation share its samples, at the prices of the first."""
    remarks = sweep(program, "--samples", "1").stderr
    one_by_one = rows(program, "SELECT count(*) AS n FROM samples")[0]["n"]
    expect(one_by_one > 2 * 3 * 1000, f"{one_by_one} samples")
    expect_in(f"\n{one_by_one} samples recorded\n", remarks, "remarks")
    expect_equal(len(samples(program)), 2 * one_by_one, "samples of points")


def a_sweep_that_was_there(program):
    """Nothing is recorded of what does not run, and that is said."""
    sweep(program)
    remarks = sweep(program, "--samples", "1").stderr
    expect_in("\n0 samples recorded; 4 of 4 points were complete before, and 6 replications did "
              "not run: '--again' runs and records them\n", remarks, "remarks")
    expect_equal(samples(program), [], "samples")


def a_sweep_again(program):
    """Each point has its own replications then, and its samples its own prices."""
    sweep(program)
    remarks = sweep(program, "--samples", "1", "--again").stderr
    found = rows(program, "SELECT count(*) AS n FROM samples")[0]["n"]
    expect_in(f"\n{found} samples recorded\n", remarks, "remarks")
    means = rows(program, MEANS)
    expect_equal(len(means), 4 * 3, "replications with samples")
    costs = {}
    for mean in means:
        wanted = rows(program, "SELECT value FROM replication_metrics WHERE metric = 'cost_mean' "
                               "AND point_id = ? AND number = ?",
                      parameters=(mean["point_id"], mean["number"]))
        expect_near(mean["cost_mean"], wanted[0]["value"], f"cost of {mean}")
        costs[mean["point_id"]] = mean["cost_mean"]
    expect_equal(len(set(costs.values())), 4, "different costs")


def a_sweep_that_goes_on(program):
    """More replications: those that run are recorded, the others are spoken of."""
    sweep(program, "--replications", "1")
    remarks = sweep(program, "--replications", "3", "--samples", "1").stderr
    expect_in(" samples recorded; 0 of 4 points were complete before, and 2 replications did not "
              "run", remarks, "remarks")
    numbers = rows(program, "SELECT DISTINCT replication FROM sample_outcomes ORDER BY 1")
    expect_equal([row["replication"] for row in numbers], [1, 2], "replications with samples")


def is_stored(path):
    """Whether the database has a replication by now."""
    try:
        database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        found = database.execute("SELECT count(*) FROM replications").fetchone()[0]
        database.close()
        return found > 0
    except sqlite3.OperationalError:
        return False


def killed(program):
    """A replication is stored with its samples or not at all."""
    with subprocess.Popen([program.path, "run", program.scenario("hi-digits"), "--samples", "1",
                           "--quiet", "--set", "stop={samples: 50000}"], cwd=program.folder,
                          stdout=subprocess.DEVNULL) as process:
        while process.poll() is None and not is_stored(program.folder / "offloadsim.db"):
            time.sleep(0.001)
        process.kill()
    found = rows(program, "SELECT offered, count(device) AS n FROM replications LEFT JOIN samples "
                          "ON replication_id = id GROUP BY id")
    expect(0 < len(found) < 80, f"{len(found)} replications are stored")
    for row in found:
        expect_equal(row["n"], row["offered"], "samples of a replication")


# ---- mistakes ----


def not_without_a_database(program):
    for words in (["run"], ["sweep", *AXES]):
        done = program.run(words[0], crowded(program), *words[1:], "--samples", "1", "--no-store",
                           status=2)
        expect_equal(done.stderr, "offloadsim: error: '--samples' stores in the database, which "
                                  "'--no-store' leaves alone; leave one of them out\n", "error")
        expect_equal(done.stdout, "", "output")


def only_whole_numbers(program):
    for value in ("0", "-1", "1.5", "all"):
        done = program.run("run", crowded(program), "--samples", value, status=2)
        expect_in(f"'--samples {value}': it takes a whole number from 1 to 1000000000", done.stderr,
                  "error")
    done = program.run("run", crowded(program), "--samples", status=2)
    expect_in("option '--samples' needs a value: --samples K", done.stderr, "error")


CASES = [
    ("samples add up: hi-digits", adds_up("hi-digits", 4)),
    ("samples add up: hi-three-tiers", adds_up("hi-three-tiers", 1)),
    ("samples add up: every policy", adds_up("compare-all", 10)),
    ("samples add up: generated", adds_up("hi-generated", 4)),
    ("samples add up: losses, deadlines and a price of everything", adds_up_when_crowded),
    ("the parts of a latency are all of it", parts_make_the_latency),
    ("recording changes no result", results_stay),
    ("single samples by hand", by_hand),
    ("samples without a trace", queueing_only),
    ("the warm-up is left out", warm_up_is_left_out),
    ("decisions have reasons", decisions),
    ("every k-th sample", every_kth),
    ("any number of threads", any_number_of_threads),
    ("none unless asked for", none_unless_asked),
    ("export has them", export_has_them),
    ("a sweep", a_sweep),
    ("a sweep that was there already", a_sweep_that_was_there),
    ("a sweep again", a_sweep_again),
    ("a sweep that goes on", a_sweep_that_goes_on),
    ("killed", killed),
    ("not without a database", not_without_a_database),
    ("only whole numbers", only_whole_numbers),
]

if __name__ == "__main__":
    sys.exit(main(CASES))
