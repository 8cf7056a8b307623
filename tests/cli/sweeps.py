#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sweeps: which points there are, that nothing runs twice, and that they survive being killed.

usage: sweeps.py OFFLOADSIM ROOT

The sweep that is killed at random is killed six times; KILLS=50 in the environment makes it fifty.
"""

import csv
import json
import os
import pty
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time

from harness import SLOWNESS, expect, expect_equal, expect_in, main

KILLS = int(os.environ.get("KILLS", "6"))

PRICES = [round(0.05 * i, 2) for i in range(1, 21)]
THETAS = [round(0.05 * i, 2) for i in range(21)]

# The sweep of the repository with fewer samples.
QUICK = ("--set", "stop={samples: 2000}", "--set", "warmup=none", "--replications", "4")
# 2 policies without thetas and 5 with, at 4 prices.
SMALL_AXES = ("--set", "policy.hi_threshold.theta=range(0,1,0.25)", "--set",
              "prices.offload=0.1,0.3,0.5,0.7")
SMALL_SWEEP = (*QUICK, *SMALL_AXES)

WORLD = """\
scenario: small
seed: 1
stop: {samples: 100}
replications: 2
models: {task: {}}
tiers:
  - {name: device, arrivals: {poisson: 5 /s}, compute: {time: {task: {exponential: 50 ms}}}}
  - {name: edge, compute: {time: {task: 10 ms}}}
links:
  - {from: device, to: edge, up: 1 Mbit/s, down: 1 Mbit/s, delay: 1 ms}
samples: {payload: 100 B, answer: 10 B}
policy: [local, {random: {p: 0.5}}]
"""


def sweep(program, *words, **options):
    return program.run("sweep", program.scenario("sweeps/hi-cost"), *words, **options)


# ---- the database, without what may differ between two runs of the same ----

# Rows by keys that mean something; numbers of rows, names and points depend on the order in which
# processes came, times of day and hosts on when and where.
POINT = "experiment_id || '/' || ordinal"
STORED = {
    "experiments": "SELECT id, scenario, about, path, scenario_json, scenario_hash, seed, version, "
                   "status, kind, sweep_json FROM experiments ORDER BY id",
    "points": f"SELECT {POINT}, policy, is_oracle, uses_prices, parameters_json, scenario_json, "
              "hash, replications, verdict, is_complete, simulation_hash, (SELECT ordinal FROM "
              "points AS s WHERE s.id = points.source_id) FROM points "
              "ORDER BY experiment_id, ordinal",
    "parameters": f"SELECT {POINT}, path, value FROM parameters JOIN points ON id = point_id "
                  "ORDER BY 1, 2",
    "prices": f"SELECT {POINT}, name, price FROM prices JOIN points ON points.id = point_id "
              "JOIN counter_names ON counter_names.id = counter_id ORDER BY 1, 2",
    "replications": f"SELECT {POINT}, number, r.seed, events, simulated_s, offered, answered, "
                    "dropped, in_flight FROM replications AS r JOIN points ON points.id = point_id "
                    "ORDER BY 1, 2",
    "metrics": f"SELECT {POINT}, number, name, value FROM metrics "
               "JOIN replications AS r ON r.id = replication_id "
               "JOIN points ON points.id = point_id "
               "JOIN metric_names ON metric_names.id = metric_id ORDER BY 1, 2, 3",
    "counters": f"SELECT {POINT}, number, name, value FROM counters "
                "JOIN replications AS r ON r.id = replication_id "
                "JOIN points ON points.id = point_id "
                "JOIN counter_names ON counter_names.id = counter_id ORDER BY 1, 2, 3",
    "estimates": f"SELECT {POINT}, name, mean, half_width, confidence, estimates.replications "
                 "FROM estimates JOIN points ON points.id = point_id "
                 "JOIN metric_names ON metric_names.id = metric_id ORDER BY 1, 2",
    "metric_names": "SELECT name, unit, meaning FROM metric_names ORDER BY name",
    "counter_names": "SELECT name, unit, meaning FROM counter_names ORDER BY name",
    "claims": "SELECT * FROM claims",
    "samples": "SELECT * FROM samples",
    "texts": "SELECT * FROM texts",
}


def ask(program, name, sql):
    connection = sqlite3.connect(program.folder / name, timeout=20)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def stored(program, name, tables=tuple(STORED)):
    # repr() of a float tells every bit of it.
    return {table: [repr(row) for row in ask(program, name, STORED[table])] for table in tables}


def expect_sound(program, name):
    if (program.folder / name).exists():
        expect_equal(ask(program, name, "PRAGMA integrity_check"), [("ok",)], "integrity")
        expect_equal(ask(program, name, "PRAGMA foreign_key_check"), [], "foreign keys")


def expect_same(program, name, wanted, what, tables=tuple(STORED)):
    found = stored(program, name, tables)
    for table in tables:
        if found[table] != wanted[table]:
            other = sorted(set(found[table]) ^ set(wanted[table]))[:4]
            raise AssertionError(f"'{table}' differs {what}: {len(found[table])} rows, not "
                                 f"{len(wanted[table])}; such as {other}")


# ---- price and threshold ----


def direct_cost(images, theta, price):
    """The cost of hi_threshold on each image once, by counting."""
    sum_of_costs = 0
    for image in images:
        is_offloaded = float(image["s_conf"]) < theta
        sum_of_costs += (price + (image["l_ok"] == "0")) if is_offloaded else image["s_ok"] == "0"
    return sum_of_costs / len(images)


def cost_and_threshold(program):
    """20000 samples are some eleven passes over the 1797 images in random order, so the simulated
    cost of a setting differs from the counted one by chance only: by the samples of the last pass
    and of the warm-up."""
    sweep(program, "--replications", "6", "--quiet")
    points = ask(program, "offloadsim.db",
                 "SELECT policy, json_extract(parameters, '$.\"policy.hi_threshold.theta\"'), "
                 "json_extract(parameters, '$.\"prices.offload\"'), cost_mean, "
                 "cost_mean_half_width FROM tradeoffs ORDER BY ordinal")
    expect(len(points) >= 400, f"only {len(points)} points")
    expect_equal(len(points), 20 * (21 + 2), "points")
    with open(program.root / "scenarios/data/digits.csv", encoding="utf-8", newline="") as file:
        images = list(csv.DictReader(file))
    counted = 0
    for price in PRICES:
        direct = {theta: direct_cost(images, theta, price) for theta in THETAS}
        simulated = {theta: (cost, width) for policy, theta, other, cost, width in points
                     if policy == "hi_threshold" and other == price}
        expect_equal(sorted(simulated), THETAS, f"thetas at price {price}")
        least = min(direct.values())
        best = min(simulated, key=lambda theta: simulated[theta][0])
        cost, width = simulated[best]
        # Twice the half width: the best of 21 is chosen, and there are 20 prices.
        expect(abs(cost - least) <= 2 * width + 1e-12,
               f"price {price}: {cost} +- {width} at theta {best}, counted {least}")
        expect(abs(direct[best] - least) <= 2 * width + 1e-12,
               f"price {price}: theta {best} costs {direct[best]}, the best {least}")
        counted += sum(abs(simulated[theta][0] - direct[theta]) <= simulated[theta][1] + 1e-12
                       for theta in THETAS)
        for policy, theta in (("local", 0), ("full_offload", 2)):
            cost, width = next((p[3], p[4]) for p in points if p[0] == policy and p[2] == price)
            wanted = direct_cost(images, theta, price)
            expect(abs(cost - wanted) <= 3 * width + 1e-12, f"{policy}: {cost}, counted {wanted}")
    expect(counted >= 0.85 * 20 * 21, f"only {counted} of 420 intervals hold the counted cost")


def prices_are_free(program):
    done = sweep(program, *QUICK, "--set", "warmup={samples: 300}")
    expect_in("460 points from 23 simulations; 92 replications ran, 0 were there already",
              done.stderr, "remark")
    database = "offloadsim.db"
    expect_equal(ask(program, database, "SELECT count(*), count(DISTINCT point_id) "
                                        "FROM replications"), [(92, 23)], "replications")
    expect_equal(ask(program, database, "SELECT DISTINCT offered, answered + dropped + in_flight "
                                        "FROM replications"), [(1700, 1700)], "samples counted")
    expect_equal(ask(program, database, "SELECT count(*), min(replications), max(replications), "
                                        "sum(is_complete) FROM points"), [(460, 4, 4, 460)],
                 "points")
    expect_equal(ask(program, database, "SELECT kind, sweep_json FROM experiments"),
                 [("sweep", '["policy.hi_threshold.theta", "prices.offload"]')], "experiment")
    rows = ask(program, database,
               "SELECT c.cost_mean, m.value FROM replication_costs AS c JOIN replication_metrics "
               "AS m USING (point_id, replication_id) WHERE m.metric = 'cost_mean'")
    expect_equal(len(rows), 4 * 460, "replications of points")
    for priced, value in rows:
        expect(abs(priced - value) <= 1e-12 * abs(value), f"{priced}, not {value}")
    rows = ask(program, database,
               "SELECT avg(c.cost_mean), t.cost_mean FROM replication_costs AS c "
               "JOIN tradeoffs AS t USING (point_id) GROUP BY point_id")
    expect_equal(len(rows), 460, "points")
    for priced, estimate in rows:
        expect(abs(priced - estimate) <= 1e-12 * abs(estimate), f"{priced}, not {estimate}")


def shared_points_are_as_if_run_alone(program):
    """A point that shares a simulation has the very estimates that it has on its own."""
    swept = json.loads(sweep(program, *SMALL_SWEEP, "--format", "json", "--no-store").stdout)
    found = [point for point in swept["points"] if point["parameters"]["prices.offload"] == 0.7]
    alone = program.run("run", program.scenario("sweeps/hi-cost"), *QUICK, "--no-store", "--format",
                        "json", "--set", "prices.offload=0.7", "--set",
                        "policy.hi_threshold.theta=0.25")
    for point in json.loads(alone.stdout)["points"]:
        same = [other for other in found if other["policy"] == point["policy"]
                and other["parameters"].get("policy.hi_threshold.theta", 0.25) == 0.25]
        expect_equal([other["metrics"] for other in same], [point["metrics"]], point["policy"])


# ---- going on ----


def start(program, *words, output=subprocess.PIPE):
    return subprocess.Popen([program.path, "sweep", program.scenario("sweeps/hi-cost"), *words],
                            cwd=program.folder, stdin=subprocess.DEVNULL, stdout=output,
                            stderr=subprocess.PIPE, text=True, encoding="utf-8")


def lasting(program, *words, seconds=2):
    """The words with replications so long that a sweep takes about this time: some of it is left
    once something is stored."""
    samples = 20000 // SLOWNESS
    words = (*words, "--set", "warmup=none")
    began = time.monotonic()
    sweep(program, *words, "--no-store", "--set", f"stop={{samples: {samples}}}")
    took_s = time.monotonic() - began
    return (*words, "--set", f"stop={{samples: {int(samples * max(1, seconds / took_s))}}}")


def count_stored(program, name):
    """How many replications a file has; none before it has tables."""
    try:
        return ask(program, name, "SELECT count(*) FROM replications")[0][0]
    except sqlite3.OperationalError:
        return 0


def wait_until_stored(program, name, process):
    """Until the sweep has stored more than it found, or has ended."""
    before = count_stored(program, name)
    while process.poll() is None and count_stored(program, name) == before:
        time.sleep(0.002)


def wait_until_claimed(program, name):
    """Until two processes have claims, and something is stored."""
    for _ in range(20000):
        try:
            if (ask(program, name, "SELECT count(DISTINCT owner) FROM claims")[0][0] == 2
                    and count_stored(program, name)):
                return
        except sqlite3.OperationalError:
            pass
        time.sleep(0.001)
    raise AssertionError("no two processes have claims")


def killed_at_random(program):
    replications = 10 * KILLS  # enough that the last kill comes before the end
    total = 23 * replications
    words = ("--replications", str(replications), "--jobs", "2",
             "--set", "warmup=none", "--set", f"stop={{samples: {6000 // SLOWNESS}}}")
    began = time.monotonic()
    whole = sweep(program, *words, "--db", "whole.db", "--format", "json").stdout
    took_s = time.monotonic() - began
    chance = random.Random(1)
    killed = in_the_midst = 0
    for turn in range(KILLS):
        process = start(program, *words, "--db", "killed.db", output=subprocess.DEVNULL)
        wait_s = chance.uniform(0, 1.5 * took_s / KILLS)
        if turn % 2 == 0:  # not before it has stored something more, however slow the machine is
            wait_until_stored(program, "killed.db", process)
            wait_s = chance.uniform(0, 0.05)
        try:
            process.communicate(timeout=wait_s)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            killed += 1
        expect(process.returncode in (0, -signal.SIGKILL), f"exit status {process.returncode}")
        expect_sound(program, "killed.db")
        in_the_midst += 0 < count_stored(program, "killed.db") < total
    expect(min(killed, in_the_midst) >= KILLS // 2,
           f"killed {killed} times, {in_the_midst} of them in the midst")
    done = sweep(program, *words, "--db", "killed.db", "--format", "json")
    expect_sound(program, "killed.db")
    expect_same(program, "killed.db", stored(program, "whole.db"), "after kills")
    expect(done.stdout == whole, "the output differs")


def complete_runs_nothing(program):
    first = sweep(program, *SMALL_SWEEP, "--format", "json")
    rows = stored(program, "offloadsim.db")
    again = sweep(program, *SMALL_SWEEP, "--format", "json")
    expect_equal(again.stdout, first.stdout, "output")
    expect_in("28 points from 7 simulations; 0 replications ran, 28 were there already",
              again.stderr, "remark")
    expect_same(program, "offloadsim.db", rows, "after nothing ran")


RESULTS = ("estimates", "parameters", "prices")


def more_replications(program):
    sweep(program, *SMALL_SWEEP, "--db", "grown.db")
    more = (*SMALL_SWEEP, "--replications", "7", "--format", "json")
    grown = sweep(program, *more, "--db", "grown.db")
    expect_in("21 replications ran, 28 were there already", grown.stderr, "remark")
    once = sweep(program, *more, "--db", "once.db")
    expect_in("49 replications ran, 0 were there already", once.stderr, "remark")
    expect_equal(json.loads(grown.stdout)["points"], json.loads(once.stdout)["points"], "output")
    expect_equal(ask(program, "grown.db", "SELECT count(*) FROM replications"), [(49,)], "stored")
    for view in ("SELECT ordinal, number, metric, value FROM replication_metrics "
                 "JOIN points ON points.id = point_id WHERE points.experiment_id = %d AND "
                 "metric <> 'cost_mean' ORDER BY 1, 2, 3",
                 "SELECT ordinal, number, cost_mean FROM replication_costs JOIN points "
                 "ON points.id = point_id WHERE points.experiment_id = %d ORDER BY 1, 2",
                 "SELECT ordinal, name, mean, half_width, estimates.replications FROM estimates "
                 "JOIN points ON points.id = point_id JOIN metric_names ON metric_names.id = "
                 "metric_id WHERE experiment_id = %d ORDER BY 1, 2"):
        expect_equal(ask(program, "grown.db", view % 2), ask(program, "once.db", view % 1), view)
    # The first experiment still rests on what it asked for.
    expect_equal(ask(program, "grown.db", "SELECT DISTINCT count(*) FROM replication_costs WHERE "
                                          "experiment_id = 1 GROUP BY point_id"), [(4,)], "shown")


def fewer_replications(program):
    sweep(program, *SMALL_SWEEP, "--replications", "7", "--db", "many.db")
    few = sweep(program, *SMALL_SWEEP, "--db", "many.db", "--format", "json")
    expect_in("; 0 replications ran, 28 were there already", few.stderr, "remark")
    alone = sweep(program, *SMALL_SWEEP, "--no-store", "--format", "json")
    expect_equal(json.loads(few.stdout)["points"], json.loads(alone.stdout)["points"], "output")


def other_prices_are_free(program):
    """A sweep takes what another experiment has simulated, a plain run included."""
    program.run("run", program.scenario("sweeps/hi-cost"), *QUICK, "--quiet")
    other = (*QUICK, "--set", "policy.hi_threshold.theta=0.5,0.6", "--set",
             "prices.offload=0.15,0.9")
    done = sweep(program, *other, "--format", "json")
    expect_in("8 points from 4 simulations; 4 replications ran, 12 were there already",
              done.stderr, "remark")
    alone = sweep(program, *other, "--no-store", "--format", "json")
    expect_equal(json.loads(done.stdout)["points"], json.loads(alone.stdout)["points"], "output")


def other_confidence(program):
    sweep(program, *SMALL_SWEEP)
    wider = (*SMALL_SWEEP, "--set", "confidence=0.8", "--format", "json")
    done = sweep(program, *wider)
    expect_in("; 0 replications ran, 28 were there already", done.stderr, "remark")
    alone = sweep(program, *wider, "--no-store")
    expect_equal(json.loads(done.stdout)["points"], json.loads(alone.stdout)["points"], "output")


def simulated_again(program):
    first = sweep(program, *SMALL_SWEEP, "--format", "json")
    again = sweep(program, *SMALL_SWEEP, "--again", "--format", "json")
    expect_in("28 replications ran, 0 were there already", again.stderr, "remark")
    expect_equal(json.loads(again.stdout)["experiment"], 2, "experiment")
    expect_equal(json.loads(again.stdout)["points"], json.loads(first.stdout)["points"], "output")
    sql = ("SELECT ordinal, number, metric, value FROM replication_metrics JOIN points "
           "ON points.id = point_id WHERE points.experiment_id = %d AND metric <> 'cost_mean' "
           "ORDER BY 1, 2, 3")
    expect_equal(ask(program, "offloadsim.db", sql % 2), ask(program, "offloadsim.db", sql % 1),
                 "replications")
    expect_sound(program, "offloadsim.db")


def again_stopped_goes_on(program):
    """An --again that was killed is finished by the sweep without it."""
    words = lasting(program, "--replications", "8", *SMALL_AXES, "--jobs", "2")
    whole = json.loads(sweep(program, *words, "--no-store", "--format", "json").stdout)
    process = start(program, *words, "--again")
    for _ in range(2000):
        time.sleep(0.005)
        try:
            if ask(program, "offloadsim.db", "SELECT count(*) FROM metrics")[0][0]:
                break
        except sqlite3.OperationalError:
            pass
    process.send_signal(signal.SIGKILL)
    process.communicate()
    expect_equal(process.returncode, -signal.SIGKILL, "exit status")
    done = sweep(program, *words, "--format", "json")
    expect_equal(json.loads(done.stdout)["points"], whole["points"], "output")
    rows = ask(program, "offloadsim.db",
               "SELECT ordinal, count(*), avg(value), cost_mean FROM replication_metrics "
               "JOIN tradeoffs USING (point_id) WHERE metric = 'cost_mean' GROUP BY point_id")
    expect_equal(len(rows), 28, "points with replications")
    for ordinal, count, average, estimate in rows:
        expect_equal(count, 8, f"replications of point {ordinal}")
        expect(abs(average - estimate) <= 1e-12, f"point {ordinal}: {average}, not {estimate}")


def sweep_of_one_point(program):
    """Without axes a sweep goes on all the same, and takes what a plain run has left."""
    first = program.run("sweep", program.scenario("mm1"), "-n", "3", "--format", "json")
    expect_in("1 point from 1 simulation; 3 replications ran, 0 were there already", first.stderr,
              "remark")
    again = program.run("sweep", program.scenario("mm1"), "-n", "3", "--format", "json")
    expect_equal(again.stdout, first.stdout, "output")
    expect_in("1 point from 1 simulation; 0 replications ran, 3 were there already", again.stderr,
              "remark")
    more = program.run("sweep", program.scenario("mm1"), "-n", "5")
    expect_in("; 2 replications ran, 3 were there already", more.stderr, "remark")
    expect_equal(ask(program, "offloadsim.db", "SELECT kind, sweep_json FROM experiments"),
                 [("sweep", "[]")] * 2, "experiments")


def runs_are_new(program):
    for number in (1, 2):
        done = program.run("run", program.scenario("sweeps/hi-cost"), *QUICK, "--format", "json")
        expect_equal(json.loads(done.stdout)["experiment"], number, "experiment")
        expect_equal(ask(program, "offloadsim.db", "SELECT count(*) FROM replications"),
                     [(12 * number,)], "replications")
        expect_equal(done.stderr.splitlines()[0],
                     "the scenario's sweep is left out; 'offloadsim sweep' runs it", "remark")
    expect_equal(program.run("run", program.scenario("sweeps/hi-cost"), *QUICK, "--quiet").stderr,
                 "", "remarks of a quiet run")


def any_number_of_threads(program):
    one = sweep(program, *SMALL_SWEEP, "--jobs", "1", "--db", "one.db", "--format", "json")
    for jobs in ("2", "5"):
        other = sweep(program, *SMALL_SWEEP, "--jobs", jobs, "--db", jobs + ".db", "--format",
                      "json")
        expect_equal(other.stdout, one.stdout, f"output with {jobs} threads")
        expect_same(program, jobs + ".db", stored(program, "one.db"), f"with {jobs} threads")


SHARED = ("--replications", "24", "--set", "warmup=none", "--set",
          f"stop={{samples: {5000 // SLOWNESS}}}", "--jobs", "1")
SHARED_TOTAL = 23 * 24


def counts(errors):
    """How many replications a sweep ran, how many it found and how many others ran meanwhile."""
    line = re.search(r"; (\d+) replications ran, (\d+) were there already(?:, (\d+) ran in other "
                     r"processes)?$", errors, re.MULTILINE)
    expect(line, f"no summary in {errors!r}")
    return [int(count or 0) for count in line.groups()]


def several_at_once(number):
    def case(program):
        whole = sweep(program, *SHARED, "--db", "whole.db", "--format", "json").stdout
        processes = [start(program, *SHARED, "--db", "shared.db", "--format", "json")
                     for _ in range(number)]
        ran = []
        for process in processes:
            output, errors = process.communicate(timeout=100)
            expect_equal(process.returncode, 0, f"exit status, with {errors!r}")
            expect(output == whole, "the output differs")
            expect_equal(sum(counts(errors)), SHARED_TOTAL, "what each accounts for")
            ran.append(counts(errors)[0])
        expect_equal(sum(ran), SHARED_TOTAL, f"replications that ran, of {ran}")
        expect(min(ran) > 0, f"one had nothing to do: {ran}")
        expect_sound(program, "shared.db")
        expect_same(program, "shared.db", stored(program, "whole.db"), f"after {number} at once")

    return case


def is_locked(program, name):
    """Whether nobody ends a transaction within a second."""
    connection = sqlite3.connect(program.folder / name, timeout=1, isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
        return False
    except sqlite3.OperationalError:
        return True
    finally:
        connection.close()


def two_and_one_held_up(send):
    """One of two is killed or stopped in the midst; the other does what that one had claimed."""
    def case(program):
        whole = sweep(program, *SHARED, "--db", "whole.db", "--format", "json").stdout
        held, other = [start(program, *SHARED, "--db", "shared.db", "--format", "json")
                       for _ in range(2)]
        wait_until_claimed(program, "shared.db")
        held.send_signal(send)
        while send == signal.SIGSTOP and is_locked(program, "shared.db"):  # within a transaction
            held.send_signal(signal.SIGCONT)
            time.sleep(0.01)
            held.send_signal(signal.SIGSTOP)
        claims = ask(program, "shared.db", "SELECT expires_s FROM claims")
        expect(all(end <= time.time() + 10 for end, in claims), f"{claims} at {time.time()}")
        try:
            output, errors = other.communicate(timeout=100)
            expect_equal(other.returncode, 0, f"exit status of the other, with {errors!r}")
            expect(output == whole, "the other's output differs")
            expect_equal(sum(counts(errors)), SHARED_TOTAL, "what it accounts for")
            expect_equal(ask(program, "shared.db", "SELECT count(*) FROM replications"),
                         [(SHARED_TOTAL,)], "replications")
        finally:
            held.send_signal(signal.SIGCONT)
        output, errors = held.communicate(timeout=100)
        if send == signal.SIGKILL:
            expect_equal(held.returncode, -send, "exit status")
        else:
            expect_equal(held.returncode, 0, f"exit status, with {errors!r}")
            expect(output == whole, "the output differs")
        expect_sound(program, "shared.db")
        expect_same(program, "shared.db", stored(program, "whole.db"), "with one held up")

    return case


def wait_for_replications(program, name):
    for _ in range(4000):
        time.sleep(0.005)
        try:
            if ask(program, name, "SELECT count(*) FROM replications")[0][0]:
                return
        except sqlite3.OperationalError:
            pass
    raise AssertionError("nothing is stored")


def interrupted(number):
    def case(program):
        words = lasting(program, "--replications", "20", "--set",
                        "policy.hi_threshold.theta=range(0,1,0.25)", "--jobs", "2")
        process = start(program, *words)
        wait_for_replications(program, "offloadsim.db")
        process.send_signal(number)
        output, errors = process.communicate(timeout=60)
        expect_equal((process.returncode, output), (130, ""), f"status and output, with {errors!r}")
        lines = errors.splitlines()
        expect_in("140 points from 7 simulations; ", errors, "summary")
        expect("\r" not in errors, f"progress without a terminal: {errors!r}")
        expect_in("stored as experiment 1 in offloadsim.db", errors, "summary")
        expect_equal(lines[-1], "interrupted; the same command goes on where it stopped", "remark")
        expect_equal(ask(program, "offloadsim.db", "SELECT status FROM experiments"),
                     [("interrupted",)], "status")
        had = ask(program, "offloadsim.db", "SELECT count(*) FROM replications")[0][0]
        expect(0 < had < 140, f"{had} replications")
        expect_sound(program, "offloadsim.db")
        done = sweep(program, *words, "--format", "json")
        expect_in(f"; {140 - had} replications ran, {had} were there already", done.stderr,
                  "summary")
        sweep(program, *words, "--db", "whole.db")
        expect_same(program, "offloadsim.db", stored(program, "whole.db"), "after an interrupt")

    return case


def second_interrupt(program):
    """A replication of 100 million samples takes a minute or so; nobody waits for it twice."""
    process = start(program, "--no-store", "--jobs", "1", "--set", "stop={samples: 100000000}")
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    time.sleep(1)
    try:
        expect_equal(process.poll(), None, "exit status after the first")
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=5)
        expect("\r" not in errors, f"progress without a terminal: {errors!r}")
    finally:
        process.kill()
    expect_equal(process.returncode, -signal.SIGINT, "exit status after the second")


def interrupted_run_does_not_promise(program):
    for words in (["run", program.scenario("mm1"), "--replications", "1000"],
                  ["sweep", program.scenario("mm1"), "--replications", "1000", "--set", "seed=1,2",
                   "--no-store"]):
        process = subprocess.Popen([program.path, *words], cwd=program.folder, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        expect_equal((process.returncode, errors.splitlines()[-1]), (130, "interrupted"), words[0])


# ---- progress ----


def on_terminal(program, *words, until):
    """What a sweep writes to a terminal as standard error until the pattern appears; then it is
    interrupted, if it has not ended by itself."""
    master, slave = pty.openpty()
    process = subprocess.Popen([program.path, "sweep", program.scenario("sweeps/hi-cost"), *words],
                               cwd=program.folder, stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=slave)
    os.close(slave)
    output = b""
    try:
        while True:
            found = re.search(until, output)
            if found:
                process.send_signal(signal.SIGINT)
                until = b"(?!)"
                line = found
            output += os.read(master, 65536)
    except OSError:
        pass  # the other end is closed
    os.close(master)
    process.wait(timeout=60)
    expect(until == b"(?!)", f"no progress in {output!r}")
    return line, process.returncode


def progress(program):
    """Counts, rate and time left, without those that were there before: the 28 of them would
    show in the last check, as few more are done in the first second."""
    words = (*SMALL_AXES, "--set", f"stop={{samples: {100000 // SLOWNESS}}}", "--jobs", "2")
    sweep(program, *words, "--replications", "4")
    began = time.monotonic()
    line, status = on_terminal(
        program, *words, "--replications", "400",
        until=rb"\r(\d+) of 28 points, (\d+) of (\d+) replications, ([\d.]+)/s, ([\d.]+) (s|min) "
              rb"left\x1b\[K")
    took_s = time.monotonic() - began
    expect_equal(status, 130, "exit status")
    points, done, total, rate, left = (float(number) for number in line.groups()[:5])
    left *= 60 if line[6] == b"min" else 1
    expect_equal((points, total), (0, 7 * 396), "points and replications")
    expect(0 < done < total, f"{done} replications done")
    expect(done / rate <= took_s, f"{done} replications at {rate}/s, seen after {took_s} s")
    expect(abs(left * rate / (total - done) - 1) < 0.2, f"{left} s for {total - done} at {rate}/s")


# ---- which points there are ----


def write(program, *blocks):
    (program.folder / "small.yaml").write_text(WORLD + "".join(block + "\n" for block in blocks),
                                               encoding="utf-8")


def listed(program, *words):
    """The points, by the dry run; and that it leaves nothing behind."""
    before = sorted(program.folder.iterdir())
    done = program.run("sweep", "small.yaml", "--dry-run", "--format", "json", *words)
    # A price of errors is without effect in a world without outcomes, of which it is told; no more.
    remarks = [line for line in done.stderr.splitlines() if ": warning: " in line]
    expect(all("price 'error' has no effect" in line for line in remarks), done.stderr)
    expect(remarks or not done.stderr, done.stderr)
    expect_equal(sorted(program.folder.iterdir()), before, "files")
    return json.loads(done.stdout)["points"]


def values(program, path, *words):
    """The values of one path, over the points of `local`."""
    found = []
    for point in listed(program, *words):
        expect_equal(list(point), ["point", "policy", "parameters", "replications", "stored"],
                     "columns")
        if point["policy"] == "local":
            found.append(point["parameters"][path])
    return found


# ---- the dry run ----


def dry_run(program, *words):
    return json.loads(sweep(program, "--dry-run", "--format", "json", *words).stdout)


def half_done(program):
    """Of 2 + 5 simulations at 4 prices, 2 + 2 have 4 replications of 6, and 1 has all."""
    part = (*QUICK, "--set", "prices.offload=0.9", "--set", "policy.hi_threshold.theta=")
    sweep(program, *part[:-1], part[-1] + "0.25,0.5")
    sweep(program, *part[:-1], part[-1] + "0.5", "--replications", "6", "--set",
          "policy=[{hi_threshold: {theta: [0.5]}}]")
    before = stored(program, "offloadsim.db")
    words = (*SMALL_SWEEP, "--replications", "6")
    plan = dry_run(program, *words)
    expect_equal({key: plan[key] for key in ("points_stored", "simulations", "replications",
                                             "replications_left", "seconds_by")},
                 {"points_stored": 4, "simulations": 7, "replications": 42,
                  "replications_left": 42 - 4 * 3 - 6, "seconds_by": ["same_points",
                                                                      "same_scenario"]}, "totals")
    for point in plan["points"]:
        theta = point["parameters"].get("policy.hi_threshold.theta")
        wanted = {None: 4, 0.25: 4, 0.5: 6}.get(theta, 0)
        expect_equal((point["stored"], point["replications"]), (wanted, 6), str(point))
    last = "4 of 28 points are stored; 24 of 42 replications are left to run\n"
    time_left = (r"(less than|about) [\d.]+ s with \d threads?, by stored replications of the same "
                 r"points and stored replications of this scenario\n$")
    for form in ("table", "md"):
        output = sweep(program, *words, "--dry-run", "--format", form).stdout
        expect(re.search(re.escape("\n\n" + last) + time_left, output), output[-300:])
    done = sweep(program, *words, "--dry-run", "--format", "csv")
    expect_equal(sum(int(row["stored"]) for row in csv.DictReader(done.stdout.splitlines())),
                 4 * (4 * 3 + 6), "csv")
    expect(re.search("^" + re.escape(last) + time_left, done.stderr), done.stderr)
    expect_equal(sweep(program, *words, "--dry-run", "--format", "csv", "--quiet").stderr, "",
                 "remarks of a quiet one")
    again = dry_run(program, *words, "--again")
    expect_equal((again["points_stored"], again["replications_left"]), (0, 42), "again")
    expect_same(program, "offloadsim.db", before, "after dry runs")
    # What was foretold is what runs.
    done = sweep(program, *words)
    expect_in("; 24 replications ran, 18 were there already", done.stderr, "remark")
    plan = dry_run(program, *words)
    expect_equal((plan["points_stored"], plan["replications_left"], plan["seconds_left"],
                  plan["seconds_by"]), (28, 0, 0, []), "afterwards")


def time_by_points(program):
    sweep(program, *SMALL_SWEEP)
    means = ask(program, "offloadsim.db",
                "SELECT avg(wall_s) FROM replications GROUP BY point_id")
    plan = dry_run(program, *SMALL_SWEEP, "--replications", "50", "--jobs", "2")
    expect_equal(plan["seconds_by"], ["same_points"], "by")
    expect(plan["threads"] in (1, 2), f"{plan['threads']} threads")
    wanted = 46 * sum(mean for mean, in means) / plan["threads"]
    expect(abs(plan["seconds_left"] / wanted - 1) < 1e-9, f"{plan['seconds_left']}, not {wanted}")
    plan = dry_run(program, *SMALL_SWEEP, "--replications", "50", "--jobs", "1")
    wanted = 46 * sum(mean for mean, in means)
    expect(abs(plan["seconds_left"] / wanted - 1) < 1e-9, f"{plan['seconds_left']}, not {wanted}")


def time_by_scenario(program):
    """Another seed: nothing of it is stored, but how long its samples take is known by policy."""
    sweep(program, *SMALL_SWEEP)
    rates = dict(ask(program, "offloadsim.db",
                     "SELECT policy, sum(wall_s) / sum(offered) FROM replications "
                     "JOIN points ON points.id = point_id GROUP BY policy"))
    plan = dry_run(program, *SMALL_SWEEP, "--seed", "2", "--jobs", "1")
    expect_equal((plan["seconds_by"], plan["points_stored"]), (["same_scenario"], 0), "by")
    wanted = 4 * 2000 * (rates["local"] + rates["full_offload"] + 5 * rates["hi_threshold"])
    expect(abs(plan["seconds_left"] / wanted - 1) < 1e-9, f"{plan['seconds_left']}, not {wanted}")


def time_by_trial(program):
    words = ("--replications", "4", *SMALL_AXES, "--jobs", "1")
    began = time.monotonic()
    plan = dry_run(program, *words)
    expect(time.monotonic() - began < 5, "a dry run of several seconds")
    expect_equal((plan["seconds_by"], plan["replications_left"]), (["trial"], 28), "by")
    sweep(program, *words)
    took_s = ask(program, "offloadsim.db", "SELECT sum(wall_s) FROM replications")[0][0]
    expect(0.2 < plan["seconds_left"] / took_s < 5, f"{plan['seconds_left']} s, took {took_s} s")


NODES = "tiers.device.nodes"
DELAY = "links.device-edge.delay"
UP = "links.device-edge.up"
ERROR = "prices.error"


def axis_forms(program):
    tenths = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]
    ms = [0.001, 0.002, 0.003, 0.004, 0.005]
    for path, yaml, override, wanted in (
            (NODES, "[1, 5, 2]", "1,5,2", [1, 5, 2]),
            (ERROR, "{from: 0, to: 1, step: 0.1}", "range(0,1,0.1)", tenths),
            (ERROR, "'range(0, 1, 0.1)'", "range(0, 1, 0.1)", tenths),
            (ERROR, "{from: 1, to: 0, step: -0.1}", "range(1,0,-0.1)", tenths[::-1]),
            (ERROR, "{from: 0, to: 1, count: 11}", None, tenths),
            (ERROR, "{from: 2, to: 5, count: 1}", None, [2]),
            (ERROR, "{from: 0, to: 1, step: 0.3}", "range(0,1,0.3)", [0, 0.3, 0.6, 0.9]),
            ("seed", "{from: 123456789012345, to: 123456789012347, step: 1}",
             "range(123456789012345,123456789012347,1)",
             [123456789012345, 123456789012346, 123456789012347]),
            (NODES, "{log: {from: 1, to: 1000, count: 4}}", "log(1,1000,4)", [1, 10, 100, 1000]),
            (NODES, "{log: {from: 100, to: 1, count: 3}}", "log(100,1,3)", [100, 10, 1]),
            (ERROR, "{log: {from: 1, to: 2, count: 3}}", "log(1,2,3)", [1, 1.414213562373, 2]),
            (DELAY, "[1 ms, 5 ms, 2 s]", "1 ms,5 ms,2 s", [0.001, 0.005, 2]),
            (DELAY, "{from: 1 ms, to: 5 ms, step: 1 ms}", "range(1 ms,5 ms,1 ms)", ms),
            (DELAY, "{from: 1 ms, to: 5 ms, count: 5}", "range(1,5,1 ms)", ms),
            (DELAY, "{log: {from: 1 ms, to: 100 ms, count: 3}}", "log(1 ms,100 ms,3)",
             [0.001, 0.01, 0.1]),
            (DELAY, "[1 ms, {exponential: 3 ms}]", "1 ms,{exponential: 3 ms}",
             [0.001, "{exponential: 3 ms}"]),
            ("warmup", "[none, {samples: 5}]", "none,{samples: 5}", ["none", "{samples: 5}"]),
            ("prices", "[{error: 1}, {error: 2, offload: 3}]", "{error: 1},{error: 2, offload: 3}",
             ["{error: 1}", "{error: 2, offload: 3}"]),
            ("confidence", "[0.8, 0.9]", "0.8,0.9", [0.8, 0.9]),
            ("replications", "[2, 3]", "2,3", [2, 3])):
        write(program, f"sweep: {{{path}: {yaml}}}")
        expect_equal(values(program, path), wanted, f"{path}: {yaml}")
        if override:
            write(program)
            expect_equal(values(program, path, "--set", f"{path}={override}"), wanted, override)


def ends_that_cancel(program):
    write(program, "sweep: {samples.payload: {from: 0 B, to: 3 B, step: 1 B}}")
    expect_equal(values(program, "samples.payload"), [0, 1, 2, 3], "bytes")
    # -0.3 + 3 * 0.1 is 5.6e-17 in binary; a price below 0 is refused, so it is another list's end.
    done = program.run("sweep", "small.yaml", "--dry-run", "--set", "prices.error=range(-0.3,0.3,"
                       "0.1)", status=2)
    expect_in("not '-0.3'", done.stderr, "message")
    expect_equal(values(program, ERROR, "--set", "prices.error=range(0.3,0,-0.1)", "--set",
                        "samples.payload=1 B"), [0.3, 0.2, 0.1, 0], "down to zero")


def units(program):
    """Values with units are numbers to queries, and to people what they wrote."""
    words = ("--set", f"{DELAY}=100 ms,2 ms,1 s", "--set", f"{UP}=1 Mbit/s")
    write(program)
    for output, options in (("table", []), ("md", ["--format", "md"])):
        done = program.run("sweep", "small.yaml", "--dry-run", *words, *options)
        expect_in(f"{DELAY}=100 ms", done.stdout, output)
    done = program.run("sweep", "small.yaml", "--dry-run", "--format", "csv", *words)
    expect_equal([row["parameters"] for row in csv.DictReader(done.stdout.splitlines())
                  if row["policy"] == "local"],
                 [f"{DELAY}=0.1", f"{DELAY}=0.002", f"{DELAY}=1"], "csv")
    expect_in("local (delay=100 ms)", program.run("sweep", "small.yaml", *words).stdout, "table")
    expect_equal(ask(program, "offloadsim.db",
                     "SELECT value, typeof(value) FROM parameters JOIN points ON id = point_id "
                     f"WHERE path = '{DELAY}' AND policy = 'local' ORDER BY value"),
                 [(0.002, "real"), (0.1, "real"), (1, "integer")], "stored")
    # The cost of a latency decides between the two policies, and a delay makes the latency.
    program.run("sweep", "small.yaml", *words, "--set", "prices.latency=1 /s", "--set",
                "prices.offload=0", "--set", "policy=[local, full_offload]")
    rows = json.loads(program.run("query", "breakeven", "--param", f"parameter={DELAY}",
                                  "--format", "json").stdout)
    expect_equal([(row["below"], row["above"], row["between_low"], row["between_high"])
                  for row in rows], [("full_offload", "local", 0.002, 0.1)], "breakeven")


def product(program):
    write(program, "sweep:\n  policy.random.p: [0.25, 0.75]\n  tiers.device.nodes: [1, 2]")
    p, nodes = "policy.random.p", NODES
    expect_equal([(point["point"], point["policy"], point["parameters"])
                  for point in listed(program)],
                 [(0, "local", {nodes: 1}), (1, "random", {p: 0.25, nodes: 1}),
                  (2, "local", {nodes: 2}), (3, "random", {p: 0.25, nodes: 2}),
                  (4, "random", {p: 0.75, nodes: 1}),
                  (5, "random", {p: 0.75, nodes: 2})],
                 "points")
    # What is listed is what runs.
    done = program.run("sweep", "small.yaml", "--format", "json", "--no-store")
    expect_equal([(point["policy"], point["parameters"])
                  for point in json.loads(done.stdout)["points"]],
                 [("local", {nodes: 1}), ("random", {p: 0.25, nodes: 1}),
                  ("local", {nodes: 2}), ("random", {p: 0.25, nodes: 2}),
                  ("random", {p: 0.75, nodes: 1}),
                  ("random", {p: 0.75, nodes: 2})], "run")


def overrides_replace_axes(program):
    write(program, "sweep:\n  tiers.device.nodes: [1, 2]\n  zip: {seed: [1, 2], prices.error: [3, "
                   "4]}")
    expect_equal(values(program, NODES), [1, 1, 2, 2], "block")
    expect_equal(values(program, NODES, "--set", NODES + "=7,8,9"), [7, 7, 8, 8, 9, 9], "replaced")
    expect_equal(values(program, NODES, "--set", NODES + "=7"), [7, 7], "held")
    expect_equal(values(program, NODES, "--set", ERROR + "=9"), [1, 1, 2, 2], "held in lockstep")
    expect_equal(values(program, ERROR, "--set", ERROR + "=9"), [9] * 4, "held in lockstep")
    expect_equal(values(program, "seed", "--seed", "5"), [5, 5, 5, 5], "seed held")
    done = program.run("sweep", "small.yaml", "--set", "seed=1,2", status=2)
    expect_equal(done.stderr, "error: 'seed' is swept together with other paths already\n"
                              "  hint: set it to a single value, or change the scenario\n",
                 "message")


def lockstep(program):
    write(program, "sweep:\n  zip:\n    tiers.device.nodes: [1, 2, 3]\n"
                   "    links.device-edge.delay: {from: 10 ms, to: 30 ms, step: 10 ms}")
    expect_equal([point["parameters"] for point in listed(program) if point["policy"] == "local"],
                 [{NODES: n, DELAY: n / 100} for n in (1, 2, 3)], "points")


def policies_swept(program):
    write(program)
    override = "policy=local,full_offload,{random: {p: 0.25}},[local, {random: {p: 0.75}}]"
    expect_equal([point["policy"] for point in listed(program, "--set", override)],
                 ["local", "full_offload", "random", "random"], "each once")
    done = program.run("sweep", "small.yaml", "--set", override, "--format", "json")
    parameters = [point["parameters"].get("policy.random.p")
                  for point in json.loads(done.stdout)["points"]]
    expect_equal(parameters, [None, None, 0.25, 0.75], "parameters")


def hypercube(program):
    block = ("sweep: {latin_hypercube: {points: 32, ranges: {prices.error: {from: 0, to: 1}, "
             "samples.payload: {from: 0 B, to: 3200 B}, links.device-edge.delay: "
             "{log: {from: 1 ms, to: 100 ms}}}}}")
    write(program, block)
    found = values(program, ERROR)
    expect_equal(sorted(int(32 * value) for value in found), list(range(32)), "strata")
    expect(found != sorted(found), "the strata are in order")
    payload = values(program, "samples.payload")
    expect_equal(sorted(int(value / 100) for value in payload), list(range(32)), "strata")
    expect([int(value / 100) for value in payload] != [int(32 * value) for value in found],
           "two ranges go together")
    expect(found == values(program, ERROR), "another list the second time")
    seeds = [values(program, ERROR, *words) for words in
             (["--seed", "2"], ["--set", "seed=2"], ["--seed", "3"])]
    expect(seeds[0] == seeds[1], "--seed and --set seed differ")
    expect(seeds[0] != found and seeds[2] != seeds[0], "the seed does not matter")


def sobol(program):
    """The first points of the sequence in two dimensions, as in Bratley and Fox (1988)."""
    write(program, "sweep: {sobol: {points: 7, ranges: {prices.error: {from: 0, to: 1}, "
                   "prices.offload: {from: 0, to: 10}}}}")
    expect_equal(values(program, ERROR), [0.5, 0.75, 0.25, 0.375, 0.875, 0.625, 0.125], "first")
    expect_equal(values(program, "prices.offload"), [5, 2.5, 7.5, 3.75, 8.75, 1.25, 6.25], "second")


# ---- what is refused ----

WAY_OUT = ("  hint: write a list, {from: 0, to: 1, step: 0.1}, {from: 0, to: 1, count: 11} or "
           "{log: {from: 1, to: 100, count: 5}}\n")
NODES_RANGE = "'nodes' must be at least 1 and at most 10000000, not '"
P_RANGE = "'p' must be at least 0 and at most 1, not '"
DESIGN = "  hint: write '{points: 64, ranges: {PATH: {from: 0, to: 1}}}'\n"


def refused_blocks(program):
    """Each message as a whole, with the line of the file and a pointer to the place."""
    line = WORLD.count("\n") + 1
    for block, problem, column, length, hint in REFUSED:
        write(program, block)
        done = program.run("sweep", "small.yaml", "--dry-run", status=2)
        place = f"small.yaml:{line}:{column}: error: {problem}\n   {line} | {block}\n"
        pointer = "      | " + " " * (column - 1) + "^" + "~" * (length - 1) + "\n"
        expect_equal(done.stderr, place + pointer + hint, block)
        expect_equal(done.stdout, "", block)


REFUSED = [
    # Block, problem, column, length of what is pointed at, hint.
    ("sweep: {seed: []}", "the list is empty", 15, 1, WAY_OUT),
    ("sweep: {seed: 5}", "a single value is not swept", 15, 1, WAY_OUT),
    ("sweep: [seed]", "'sweep' is no mapping of paths to values", 8, 1,
     "  hint: write 'sweep: {PATH: [VALUE, VALUE]}'\n"),
    ("sweep: {seed: {from: 5, to: 1, step: 1}}",
     "the step does not lead from the one end to the other", 15, 1, WAY_OUT),
    ("sweep: {seed: {from: 5, to: 7, step: 0}}",
     "the step does not lead from the one end to the other", 15, 1, WAY_OUT),
    ("sweep: {seed: {from: 5, to: 7}}",
     "a range needs 'from', 'to' and either 'step' or 'count'", 15, 1, WAY_OUT),
    ("sweep: {seed: {from: 5, to: 7, step: 1, count: 3}}",
     "a range needs 'from', 'to' and either 'step' or 'count'", 15, 1, WAY_OUT),
    ("sweep: {seed: {from: 1, to: 7, count: 2.5}}", "the count is no whole number", 15, 1, WAY_OUT),
    ("sweep: {seed: {from: 1, to: 1e7, step: 1}}", "that is more than a million values", 15, 1,
     WAY_OUT),
    ("sweep: {seed: {log: {from: 0, to: 7, count: 3}}}", "equal ratios need both ends above 0", 21,
     1, WAY_OUT),
    ("sweep: {seed: {log: {from: 1, to: 7, step: 3}}}",
     "equal ratios need 'from', 'to' and 'count'", 21, 1, WAY_OUT),
    ("sweep: {links.device-edge.delay: {from: 1 ms, to: 1 s, count: 3}}",
     "a range needs 'from' and 'to', numbers with the same unit", 34, 1, WAY_OUT),
    ("sweep: {zip: {seed: [1, 2], prices.error: [1, 2, 3]}}",
     "'prices.error' has 3 values, but 'seed' has 2", 29, 12,
     "  hint: values in lockstep are as many for each path\n"),
    ("sweep: {zip: [1, 2]}", "'zip' is no mapping of paths to values", 9, 3,
     "  hint: write 'zip: {PATH: [...], PATH: [...]}'\n"),
    ("sweep: {sobol: 5}", "a design is a mapping", 9, 5, DESIGN),
    ("sweep: {sobol: {points: 0, ranges: {seed: {from: 1, to: 2}}}}",
     "a design needs 'points', a whole number from 1 to 1000000", 25, 1, DESIGN),
    ("sweep: {sobol: {points: 4}}", "a design needs 'ranges', a mapping of 1 to 40 paths", 9, 5,
     "  hint: write 'ranges: {PATH: {from: 0, to: 1}}'\n"),
    ("sweep: {sobol: {points: 4, range: {seed: {from: 0, to: 1}}}}",
     "unknown key 'range' in a design", 28, 5, "  hint: it takes 'points' and 'ranges'\n"),
    ("sweep: {latin_hypercube: {points: 4, ranges: {prices.error: {log: {from: 0, to: 1}}}}}",
     "equal ratios need both ends above 0", 61, 1, WAY_OUT),
    # Values, in each of the forms that they can have.
    ("sweep: {tiers.device.nodes: [1, 0, 2], seed: [1, 2]}", NODES_RANGE + "0'", 33, 1, ""),
    ("sweep: {seed: [1, 2], tiers.device.nodes: [1, 2, 0]}", NODES_RANGE + "0'", 50, 1, ""),
    ("sweep: {seed: [1, 2], tiers.device.nodes: {from: 2, to: -1, step: -1}}", NODES_RANGE + "0'",
     43, 1, ""),
    ("sweep: {tiers.device.nodes: 'range(2, 0, -1)'}", NODES_RANGE + "0'", 29, 17, ""),
    ("sweep: {policy.random.p: {log: {from: 0.5, to: 2, count: 3}}}", P_RANGE + "2'", 26, 1, ""),
    ("sweep: {policy.random.p: log(0.5; 2; 3)}", "it takes log(FROM, TO, COUNT)", 26, 14, WAY_OUT),
    ("sweep: {policy.random.p: 'log(0.5, 2, 3)'}", P_RANGE + "2'", 26, 16, ""),
    ("sweep: {zip: {seed: [1, 2, 3], policy.random.p: [0.5, 1, 1.5]}}", P_RANGE + "1.5'", 58, 3,
     ""),
    ("sweep: {zip: {seed: [1, 2, 3], policy.random.p: {from: 0, to: 3, count: 3}}}",
     P_RANGE + "1.5'", 49, 1, ""),
    ("sweep: {sobol: {points: 5, ranges: {seed: {from: 1, to: 2}, policy.random.p: {from: 0, to: "
     "1}}}}", "'seed' must be a whole number, not '1.5'", 43, 1,
     "  hint: write a whole number, at least 0 and less than 9223372036854775808\n"),
    ("sweep: {sobol: {points: 5, ranges: {policy.random.p: {from: 0, to: 2}}}}", P_RANGE + "1.5'",
     54, 1, ""),
    ("sweep: {latin_hypercube: {points: 1, ranges: {policy.random.p: {log: {from: 2, to: 2}}}}}",
     P_RANGE + "2'", 64, 1, ""),
    ("sweep: {links.device-edge.delay: [1 ms, {exponentail: 3 ms}]}",
     "unknown distribution 'exponentail'", 42, 11, "  hint: did you mean 'exponential'?\n"),
    ("sweep: {policy: [local, [local, {random: {p: 1.5}}]]}", P_RANGE + "1.5'", 46, 3, ""),
    ("sweep: {prices: [{error: 1}, {error: [1, 2]}]}", "'error' must be a plain number, not a list",
     38, 1, "  hint: write one value, without brackets and keys\n"),
    ("sweep: {prices: [{error: 1}, {'a, {b}: c': 2}]}", "unknown key 'a, {b}: c' in 'prices'", 31,
     11, "  hint: its keys: error, offload, latency, energy, byte, layer, deadline_miss, drop\n"),
    # Paths.
    ("sweep: {tiers.device.nodse: [1, 2]}", "unknown key 'nodse' in tier 'device'", 22, 5,
     "  hint: did you mean 'nodes'?\n"),
    ("sweep: {'tiers.device.nodse': [1, 2]}", "unknown key 'nodse' in tier 'device'", 9, 20,
     "  hint: did you mean 'nodes'?\n"),
    ("sweep: {tiers.devcie.nodes: [1, 2]}", "no item 'devcie' in 'tiers'", 15, 6,
     "  hint: did you mean 'device'?\n"),
    ("sweep: {tiers..nodes: [1, 2]}", "a key is missing in the path", 15, 1,
     "  hint: write 'PATH: [VALUE, VALUE]', such as 'tiers.device.nodes: [5, 10]'\n"),
    ("sweep: {seed=1: [1, 2]}", "'seed=1' is no path: it has a '='", 9, 6,
     "  hint: write 'PATH: [VALUE, VALUE]'\n"),
    ("sweep: {zip: {seed: [1, 2]}, prices.error: [1, 2], seed: [3, 4]}", "'seed' is swept twice",
     52, 4, "  hint: leave one of its axes out\n"),
    ("sweep: {seed: [1, 2], sweep.seed: [1, 2]}", "'sweep' itself cannot be overridden", 23, 10,
     "  hint: override an axis by its path: --set PATH=VALUE,...\n"),
]


def too_many_points(program):
    write(program, "sweep: {seed: {from: 1, to: 1e6, step: 1}, prices.error: {from: 0, to: 1, "
                   "step: 0.01}}")
    done = program.run("sweep", "small.yaml", "--dry-run", status=2)
    expect_equal((done.stderr, done.stdout),
                 ("error: the sweep has more than 10000000 points\n"
                  "  hint: take fewer values, or a design such as 'sobol'\n", ""), "message")


def refused_values_of_overrides(program):
    """What the command line says is shown there, also where the block has an axis for it."""
    write(program, "sweep: {tiers.device.nodes: [1, 0], seed: [1, 2]}")
    for override in ("tiers.device.nodes=0", "tiers.device.nodes=1,0", "tiers.device.nodes=1,0,2",
                     "tiers.device.nodes=range(1,0,-1)"):
        done = program.run("sweep", "small.yaml", "--dry-run", "--set", override, status=2)
        expect_equal(done.stderr,
                     "--set:1:20: error: 'nodes' must be at least 1 and at most 10000000, not '0'\n"
                     "    1 | tiers.device.nodes=0\n      |                    ^\n", override)


def warnings_once(program):
    """The scenario is read for every point; what is odd about it is said once."""
    write(program, "feedback: {delay: 1 s, when: never}\n"
                   "sweep: {policy: [local, {hi_threshold: {theta: [0.5, 0.6]}}], seed: [1, 2]}")
    done = program.run("sweep", "small.yaml", "--dry-run", status=2)
    expect_equal([line.split(": ")[1] for line in done.stderr.splitlines()
                  if line.startswith("small.yaml:")], ["warning", "error"], done.stderr)


BLOCK_STAYS = ("error: 'sweep' itself cannot be overridden\n"
               "  hint: override an axis by its path: --set PATH=VALUE,...\n")


def refused_overrides(program):
    write(program)
    for override, message in REFUSED_OVERRIDES:
        done = program.run("sweep", "small.yaml", "--dry-run", "--set", override, status=2)
        expect_equal(done.stderr, message, override)


def at_value(override, problem):
    column = override.index("=") + 2
    return (f"--set:1:{column}: error: {problem}\n    1 | {override}\n      | "
            + " " * (column - 1) + "^\n" + WAY_OUT)


REFUSED_OVERRIDES = [(override, at_value(override, problem)) for override, problem in (
    ("seed=1,", "a value is missing between two commas"),
    ("seed=,1", "a value is missing between two commas"),
    ("seed=1,,2", "a value is missing between two commas"),
    ("seed=range(5,1,1)", "the step does not lead from the one end to the other"),
    ("seed=range(1,5)", "it takes range(FROM, TO, STEP)"),
    ("seed=range(1,5,1,1)", "it takes range(FROM, TO, STEP)"),
    ("seed=range(1,5,a)", "what stands in parentheses are three numbers"),
    ("seed=range(1,5,1", "')' is missing at the end"),
    ("seed=log(0,5,3)", "equal ratios need both ends above 0"),
    ("seed=log(1,5,0)", "the count is below 1"),
    ("seed=log(1,5)", "it takes log(FROM, TO, COUNT)"),
    ("seed=range(1,1e9,1)", "that is more than a million values"),
    ("links.device-edge.delay=range(1 ms,5 s,1 ms)", "the numbers have different units"),
)] + [
    ("nodes=1,2", "--set:1:1: error: unknown key 'nodes' in the scenario\n    1 | nodes=1\n"
                  "      | ^~~~~\n  hint: did you mean 'models'?\n"),
    ("sweep=1,2", BLOCK_STAYS),
    ("sweep={seed: [1, 2]}", BLOCK_STAYS),
    ("sweep.seed=[1,2]", BLOCK_STAYS),
]


def several_values_need_a_sweep(program):
    write(program)
    for verb in ("run", "check"):
        done = program.run(verb, "small.yaml", "--set", "prices.error=1,2", status=2)
        expect_equal(done.stderr, "error: 'prices.error' has several values\n"
                                  "  hint: 'offloadsim sweep' runs all of them\n", verb)
    expect_equal([path.name for path in program.folder.iterdir()], ["small.yaml"], "files")


CASES = [
    ("cost: the best threshold of every price", cost_and_threshold),
    ("cost: prices are free", prices_are_free),
    ("cost: shared points are as if run alone", shared_points_are_as_if_run_alone),
    ("going on: killed at random", killed_at_random),
    ("going on: a complete sweep runs nothing", complete_runs_nothing),
    ("going on: more replications", more_replications),
    ("going on: fewer replications", fewer_replications),
    ("going on: other prices", other_prices_are_free),
    ("going on: another confidence", other_confidence),
    ("going on: simulated again", simulated_again),
    ("going on: simulated again, and killed", again_stopped_goes_on),
    ("going on: a sweep of one point", sweep_of_one_point),
    ("going on: plain runs are new", runs_are_new),
    ("threads: any number", any_number_of_threads),
    ("processes: two at once", several_at_once(2)),
    ("processes: three at once", several_at_once(3)),
    ("processes: one of two is killed", two_and_one_held_up(signal.SIGKILL)),
    ("processes: one of two is stopped", two_and_one_held_up(signal.SIGSTOP)),
    ("interrupted by SIGINT", interrupted(signal.SIGINT)),
    ("interrupted by SIGTERM", interrupted(signal.SIGTERM)),
    ("interrupted twice", second_interrupt),
    ("interrupted where nothing goes on", interrupted_run_does_not_promise),
    ("progress", progress),
    ("dry run: half done", half_done),
    ("dry run: time by the same points", time_by_points),
    ("dry run: time by the same scenario", time_by_scenario),
    ("dry run: time by a trial", time_by_trial),
    ("points: forms of an axis", axis_forms),
    ("points: units", units),
    ("points: ends that cancel", ends_that_cancel),
    ("points: product", product),
    ("points: overrides replace axes", overrides_replace_axes),
    ("points: lockstep", lockstep),
    ("points: policies", policies_swept),
    ("points: latin hypercube", hypercube),
    ("points: sobol", sobol),
    ("refused: blocks", refused_blocks),
    ("refused: too many points", too_many_points),
    ("refused: values of overrides", refused_values_of_overrides),
    ("refused: what is odd is said once", warnings_once),
    ("refused: overrides", refused_overrides),
    ("refused: several values without a sweep", several_values_need_a_sweep),
]

if __name__ == "__main__":
    sys.exit(main(CASES))
