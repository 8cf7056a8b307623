#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same seed gives the same bits: again, on any number of threads, printed and stored.

usage: determinism.py OFFLOADSIM ROOT
"""

import json
import sqlite3
import sys

from harness import SMALL, expect, expect_equal, main

WORLDS = ["mm1", "tandem", "hi-digits", "hi-three-tiers"]
# Many short replications, so that threads overtake each other.
MANY = ("--set", "stop={samples: 300}", "--set", "warmup=none", "--replications", "24")

# All that is stored but for times of day, times that a run took, the host, the command line, and
# row numbers, which tell in which order threads became ready. A table that is missing here fails
# the test below.
STORED = {
    "experiments": "SELECT id, scenario, about, path, scenario_json, scenario_hash, seed, version, "
                   "status FROM experiments ORDER BY id",
    "points": "SELECT * FROM points ORDER BY id",
    "parameters": "SELECT * FROM parameters ORDER BY point_id, path",
    "prices": "SELECT point_id, name, price FROM prices "
              "JOIN counter_names ON counter_names.id = counter_id ORDER BY point_id, name",
    "metric_names": "SELECT name, unit, meaning FROM metric_names ORDER BY name",
    "counter_names": "SELECT name, unit, meaning FROM counter_names ORDER BY name",
    "replications": "SELECT point_id, number, seed, events, simulated_s, offered, answered, "
                    "dropped, in_flight FROM replications ORDER BY point_id, number",
    "metrics": "SELECT point_id, number, metric, value FROM replication_metrics "
               "ORDER BY point_id, number, metric",
    "counters": "SELECT point_id, number, counter, value, price FROM replication_counters "
                "ORDER BY point_id, number, counter",
    "estimates": "SELECT point_id, name, mean, low, high, half_width, confidence, replications, "
                 "variance_ratio FROM estimates "
                 "JOIN metric_names ON metric_names.id = metric_id ORDER BY point_id, name",
    "samples": "SELECT * FROM samples",
    "texts": "SELECT * FROM texts",
    "claims": "SELECT * FROM claims",  # all are released at the end
    "column_meanings": "SELECT * FROM column_meanings ORDER BY table_name, column_name",
}


def stored(program, name):
    connection = sqlite3.connect(program.folder / name)
    try:
        tables = {row[0] for row in connection.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'")}
        expect_equal(tables, set(STORED), "tables")
        # repr() of a float tells every bit of it.
        return {table: [repr(row) for row in connection.execute(sql)]
                for table, sql in STORED.items()}
    finally:
        connection.close()


def printed(program, world, *words):
    return program.run("run", program.scenario(world), "--format", "json", *words).stdout


def means(text):
    return [{name: estimate["mean"] for name, estimate in point["metrics"].items()}
            for point in json.loads(text)["points"]]


# Queues of all kinds, with all that happens to servers.
SERVERS = ("--set", "tiers.device.compute.cold_start={time: 20 ms}",
           "--set", "tiers.edge.balance=least_wait",
           "--set", "tiers.edge.compute.batch={most: 4, wait: 5 ms}",
           "--set", "tiers.edge.compute.failures={every: {exponential: 5 s}, repair: 1 s}",
           "--set", "tiers.edge.compute.room=3",
           "--set", "tiers.edge.compute.full=block",
           "--set", "tiers.cloud.compute.discipline=sharing")


def any_number_of_threads(world, *words):
    def case(program):
        first = printed(program, world, *words, *MANY, "--jobs", "1", "--db", "one.db")
        rows = stored(program, "one.db")
        expect(len(rows["metrics"]) >= 24 * 20, "little was stored")
        for jobs in ("2", "7"):
            again = printed(program, world, *words, *MANY, "--jobs", jobs, "--db", jobs + ".db")
            expect_equal(again, first, f"output with {jobs} threads")
            others = stored(program, jobs + ".db")
            for table, found in rows.items():
                expect(others[table] == found, f"'{table}' differs with {jobs} threads")

    return case


def default_number_of_threads(program):
    expect_equal(printed(program, "hi-digits", *MANY, "--no-store"),
                 printed(program, "hi-digits", *MANY, "--no-store", "-j1"), "output")


def run_again(world):
    def case(program):
        first = printed(program, world, *SMALL, "--no-store")
        expect_equal(printed(program, world, *SMALL, "--no-store"), first, "output")
        expect_equal(printed(program, world, *SMALL, "--no-store", "--seed", "1"), first,
                     "output with the scenario's seed")
        expect_equal(printed(program, world, *SMALL, "--no-store", "--set", "seed=1"), first,
                     "output with the scenario's seed")

    return case


def other_seed(world):
    def case(program):
        first = means(printed(program, world, *SMALL, "--no-store"))
        other = means(printed(program, world, *SMALL, "--no-store", "--seed", "2"))
        for a, b in zip(first, other):
            for name in ("latency_mean_s", "throughput_per_s"):
                expect(a[name] != b[name], f"{name} is the same with another seed: {a[name]}")

    return case


def replications_differ(program):
    printed(program, "hi-digits", *SMALL)
    rows = stored(program, "offloadsim.db")["metrics"]
    latencies = [row for row in rows if "'latency_mean_s'" in row]
    values = {row.rsplit(", ", 1)[1] for row in latencies}
    expect_equal((len(latencies), len(values)), (12, 12), "latencies, and different ones")


def more_replications_begin_with_the_same(program):
    printed(program, "hi-digits", *SMALL, "--db", "few.db")
    printed(program, "hi-digits", *SMALL, "--replications", "6", "--db", "more.db")
    few = stored(program, "few.db")
    more = stored(program, "more.db")
    for table in ("replications", "metrics", "counters"):
        expect_equal(len(more[table]), 2 * len(few[table]), table)
        expect(set(few[table]) <= set(more[table]), f"'{table}' differs")


def policies_do_not_disturb_each_other(program):
    together = means(printed(program, "hi-digits", *SMALL, "--no-store"))
    for number, policy in enumerate(("local", "{hi_threshold: {theta: [0.607]}}", "full_offload",
                                     "oracle")):
        alone = means(printed(program, "hi-digits", *SMALL, "--no-store", "--set",
                              "policy=" + policy))
        expect_equal(alone, [together[number]], policy)


CASES = (
    [(f"threads: {world}", any_number_of_threads(world)) for world in WORLDS]
    + [("threads: servers of all kinds", any_number_of_threads("hi-three-tiers", *SERVERS))]
    + [("threads: as many as there are processors", default_number_of_threads)]
    + [(f"again: {world}", run_again(world)) for world in WORLDS]
    + [(f"another seed: {world}", other_seed(world)) for world in WORLDS]
    + [("replications differ", replications_differ),
       ("more replications begin with the same", more_replications_begin_with_the_same),
       ("policies do not disturb each other", policies_do_not_disturb_each_other)]
)

if __name__ == "__main__":
    sys.exit(main(CASES))
