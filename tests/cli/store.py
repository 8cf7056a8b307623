#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The database of results from the command line: what is stored, and what queries may do.

usage: store.py OFFLOADSIM ROOT
"""

import csv
import io
import json
import math
import statistics
import sys

from harness import SMALL, expect, expect_equal, expect_in, main


def run(program, world, *words, **options):
    return program.run("run", program.scenario(world), *SMALL, *words, **options)


def query(program, sql, *words):
    """The rows that a query finds, by way of JSON."""
    return json.loads(program.run("query", sql, "--format", "json", *words).stdout)


# ---- where it is ----


def no_store(program):
    run(program, "mm1", "--no-store")
    run(program, "mm1", "--no-store", "--db", "other.db")
    expect_equal(list(program.folder.iterdir()), [], "files")


def no_store_leaves_a_database_alone(program):
    run(program, "mm1")
    before = query(program, "SELECT * FROM experiments")
    run(program, "mm1", "--no-store")
    expect_equal(query(program, "SELECT * FROM experiments"), before, "experiments")


def default_place(program):
    run(program, "mm1")
    expect((program.folder / "offloadsim.db").is_file(), "no offloadsim.db")
    expect_equal(query(program, "SELECT count(*) AS n FROM experiments"), [{"n": 1}], "rows")


def place_of_choice(program):
    run(program, "mm1", "--db", "my results.db")
    expect(not (program.folder / "offloadsim.db").exists(), "offloadsim.db was made")
    rows = query(program, "SELECT count(*) AS n FROM experiments", "--db", "my results.db")
    expect_equal(rows, [{"n": 1}], "rows")


def foreign_file(program):
    for content in (b"these are my notes\n" * 100, b"SQLite format 3\0" + bytes(84)):
        file = program.folder / "notes.db"
        file.write_bytes(content)
        for words in (["run", program.scenario("mm1"), *SMALL], ["query", "runs"]):
            done = program.run(*words, "--db", "notes.db", status=2)
            expect_in("notes.db", done.stderr, "message")
        expect_equal(file.read_bytes(), content, "the file")


def no_such_file(program):
    done = program.run("query", "runs", "--db", "nowhere.db", status=2)
    expect_in("cannot read results from 'nowhere.db': there is no such file", done.stderr,
              "message")
    expect_in("--db", done.stderr, "way out")
    expect_equal(list(program.folder.iterdir()), [], "files")


# ---- what it holds ----


def experiments_follow_each_other(program):
    for number, world in enumerate(("mm1", "hi-digits", "mm1"), 1):
        done = run(program, world, "--format", "json")
        expect_equal(json.loads(done.stdout)["experiment"], number, "experiment")
        expect_in(f"stored as experiment {number} in offloadsim.db", done.stderr, "remark")
    rows = query(program, "runs")
    expect_equal([(row["id"], row["scenario"], row["points"], row["replications"], row["status"])
                  for row in rows],
                 [(1, "mm1", 1, 3, "finished"), (2, "hi-digits", 4, 12, "finished"),
                  (3, "mm1", 1, 3, "finished")], "runs")


def provenance(program):
    run(program, "hi-digits", "--seed", "17", "--set", "prices.offload=0.25")
    row = query(program, "SELECT * FROM experiments")[0]
    for key, value in {"scenario": "hi-digits", "seed": 17, "status": "finished",
                       "path": program.scenario("hi-digits"),
                       "about": "tiny model on 50 devices, large model at the edge, real outcomes",
                       "version": program.run("--version").stdout.split()[1]}.items():
        expect_equal(row[key], value, key)
    expect(row["started_at"].endswith("Z") and row["wall_s"] > 0, f"times: {row}")
    for word in ("offloadsim run", "--seed 17", "--set prices.offload=0.25",
                 "--set 'stop={samples: 2000}'"):
        expect_in(word, row["command"], "command")
    scenario = json.loads(row["scenario_json"])
    expect_equal((scenario["seed"], scenario["scenario"]), (17, "hi-digits"), "stored scenario")
    expect_equal(len(row["scenario_hash"]), 32, "hash")


def hash_tells_scenarios_apart(program):
    for words in ([], [], ["--seed", "2"], ["--set", "tiers.device.nodes=49"],
                  ["--set", "prices.offload=0.5"], ["--set", "samples.order=resample"]):
        run(program, "hi-digits", *words)
    rows = query(program, "SELECT scenario_hash FROM experiments ORDER BY id")
    hashes = [row["scenario_hash"] for row in rows]
    expect_equal(hashes[0], hashes[1], "the same scenario")
    expect_equal(len(set(hashes)), 5, "different scenarios")


def printed_is_stored(program):
    for world in ("hi-digits", "hi-three-tiers"):
        points = json.loads(run(program, world, "--format", "json").stdout)
        for ordinal, point in enumerate(points["points"]):
            rows = query(program,
                         "SELECT name, mean, half_width, low, high, confidence, verdict, policy, "
                         "points.replications AS n FROM estimates "
                         "JOIN metric_names ON metric_names.id = metric_id "
                         "JOIN points ON points.id = point_id "
                         f"WHERE experiment_id = {points['experiment']} AND ordinal = {ordinal}")
            keys = ("mean", "half_width", "low", "high", "confidence")
            expect_equal({row["name"]: {key: row[key] for key in keys} for row in rows},
                         point["metrics"], "estimates")
            for row in rows:
                expect_equal((row["verdict"], row["policy"], row["n"]),
                             (point["verdict"], point["policy"], point["replications"]), "point")


def estimates_are_means_of_replications(program):
    run(program, "hi-digits")
    rows = query(program,
                 "SELECT metric, avg(value) AS average, mean FROM replication_metrics AS r "
                 "JOIN metric_names ON metric_names.name = metric "
                 "JOIN estimates ON estimates.metric_id = metric_names.id "
                 "AND estimates.point_id = r.point_id GROUP BY r.point_id, metric")
    expect(len(rows) > 150, f"{len(rows)} rows")
    for row in rows:
        if row["mean"] is not None:
            expect(abs(row["average"] - row["mean"]) <= 1e-12 * abs(row["mean"]), f"{row}")


def intervals_are_students(program):
    """Those of means. With three replications Student's t has two degrees of freedom and a quantile
    in closed form: t = (2 p - 1) sqrt(2 / (4 p (1 - p))) at p = (1 + confidence) / 2."""
    for confidence in (0.95, 0.8):
        p = (1 + confidence) / 2
        t = (2 * p - 1) * math.sqrt(2 / (4 * p * (1 - p)))
        run(program, "hi-digits", "--set", f"confidence={confidence}")
        values = {}
        for row in query(program, "SELECT point_id, metric, value FROM replication_metrics "
                                  "WHERE experiment_id = (SELECT max(id) FROM experiments)"):
            values.setdefault((row["point_id"], row["metric"]), []).append(row["value"])
        rows = query(program, "SELECT point_id, name, half_width, high - mean AS above, "
                              "mean - low AS below, confidence FROM estimates "
                              "JOIN metric_names ON metric_names.id = metric_id WHERE point_id IN "
                              "(SELECT id FROM points WHERE experiment_id = "
                              "(SELECT max(id) FROM experiments))")
        compared = 0
        for row in rows:
            found = values[(row["point_id"], row["name"])]
            expect_equal((len(found), row["confidence"]), (3, confidence), row["name"])
            # Wilson's, of a share that is close to 0 or 1, lies about another middle.
            if None not in found and abs(row["above"] - row["below"]) <= 1e-9 * row["half_width"]:
                wanted = t * statistics.stdev(found) / math.sqrt(3)
                expect(abs(row["half_width"] - wanted) <= 1e-9 * wanted + 1e-15,
                       f"{row['name']}: {row['half_width']}, not {wanted}")
                compared += wanted > 0
        expect(compared > 60, f"only {compared} intervals with a width")


def priced_anew(program):
    """The cost follows from the stored counters, also at prices that were never simulated."""
    run(program, "hi-three-tiers", "--format", "json")
    rows = query(program,
                 "SELECT c.cost_mean AS priced, m.value AS simulated FROM replication_costs AS c "
                 "JOIN replication_metrics AS m ON m.replication_id = c.replication_id "
                 "WHERE m.metric = 'cost_mean'")
    expect_equal(len(rows), 3, "rows")
    for row in rows:
        expect(abs(row["priced"] - row["simulated"]) < 1e-12, f"{row}")
    prices = "prices={offload: {device-edge: 0.7, edge-cloud: 0.05}, error: 3}"
    again = json.loads(run(program, "hi-three-tiers", "--format", "json", "--no-store",
                           "--set", prices).stdout)
    rows = query(program,
                 "SELECT avg(cost) AS cost FROM (SELECT sum(value * CASE counter "
                 "WHEN 'offloads.device-edge' THEN 0.7 WHEN 'offloads.edge-cloud' THEN 0.05 "
                 "WHEN 'errors' THEN 3 ELSE 0 END) / offered AS cost FROM replication_counters "
                 "JOIN replications ON replications.id = replication_id GROUP BY replication_id)")
    simulated = again["points"][0]["metrics"]["cost_mean"]["mean"]
    expect(abs(rows[0]["cost"] - simulated) < 1e-12, f"{rows[0]['cost']}, not {simulated}")


# ---- queries ----


def named_queries(program):
    run(program, "hi-digits")
    listed = [row["query"] for row in query_list(program)]
    expect_equal(listed[:2], ["runs", "tradeoffs"], "named queries")
    for name in listed[:2]:
        rows = query(program, name)
        table = list(csv.DictReader(io.StringIO(
            program.run("query", name, "--format", "csv").stdout), strict=True))
        expect_equal([list(row) for row in table], [list(row) for row in rows], name)
        for form in ("table", "md"):
            lines = program.run("query", name, "--format", form).stdout.splitlines()
            expect(len(lines) > len(rows), f"{name}: {lines}")


def query_list(program):
    return json.loads(program.run("query", "--format", "json").stdout)


def tradeoffs_are_what_was_printed(program):
    points = json.loads(run(program, "hi-digits", "--format", "json").stdout)["points"]
    rows = query(program, "tradeoffs")
    expect_equal([row["policy"] for row in rows], [point["policy"] for point in points], "policies")
    for row, point in zip(rows, points):
        for name in ("accuracy", "cost_mean", "offload_fraction", "latency_mean_s",
                     "latency_p99_s", "throughput_per_s", "device_energy_mean_j"):
            expect_equal((row[name], row[name + "_half_width"]),
                         (point["metrics"][name]["mean"], point["metrics"][name]["half_width"]),
                         name)


READS = [
    ("SELECT 1 + 1 AS two", [{"two": 2}]),
    ("select policy from points order by ordinal limit 1;", [{"policy": "local"}]),
    ("WITH p AS (SELECT policy FROM points) SELECT count(*) AS n FROM p", [{"n": 4}]),
    ("VALUES (1)", [{"column1": 1}]),
    ("SELECT NULL AS unknown, 'a' || 'b' AS text, 2.5 AS number",
     [{"unknown": None, "text": "ab", "number": 2.5}]),
    ("SELECT policy FROM points WHERE 0", []),
]


def reads(sql, rows):
    def case(program):
        run(program, "hi-digits")
        expect_equal(query(program, sql), rows, "rows")

    return case


WRITES = [
    "DELETE FROM points", "INSERT INTO metric_names (name) VALUES ('x')",
    "UPDATE experiments SET seed = 2", "REPLACE INTO metric_names (id, name) VALUES (1, 'x')",
    "DROP TABLE points", "CREATE TABLE mine (x)", "CREATE TEMP TABLE mine (x)",
    "ALTER TABLE points ADD COLUMN x", "CREATE INDEX i ON points (policy)", "VACUUM",
    "VACUUM INTO 'copy.db'", "ATTACH 'other.db' AS other", "PRAGMA journal_mode = DELETE",
    "PRAGMA user_version = 9", "BEGIN EXCLUSIVE", "SELECT load_extension('mine')",
    "WITH p AS (SELECT 1) DELETE FROM points", "EXPLAIN DELETE FROM points; DELETE FROM points",
]


def writes(sql):
    def case(program):
        run(program, "hi-digits")
        count = "SELECT (SELECT count(*) FROM points) AS p, (SELECT count(*) FROM metrics) AS m, " \
                "(SELECT seed FROM experiments) AS s, (SELECT count(*) FROM sqlite_schema) AS t"
        before = query(program, count)
        done = program.run("query", sql, status=2)
        expect_equal(done.stdout, "", "standard output")
        expect_in("offloadsim: error: ", done.stderr, "message")
        expect_equal(query(program, count), before, "what is stored")
        files = sorted(file.name for file in program.folder.iterdir() if "-" not in file.name)
        expect_equal(files, ["offloadsim.db"], "files")

    return case


MISTAKES = [
    ("rnus", "unknown query 'rnus'; did you mean 'runs'?"),
    ("nonsense", "unknown query 'nonsense'; there are 'runs', 'tradeoffs', "),
    ("SELECT * FROM point", "no such table: point; did you mean 'points'?"),
    ("SELECT polcy FROM points", "no such column: polcy; did you mean 'policy'?"),
    ("SELECT accuracy FROM points", "no such column: accuracy; 'tradeoffs' has one"),
    ("SELEKT 1", "syntax error"),
    ("SELECT (", "in the query"),
    ("SELECT 1; SELECT 2", "there is more than one statement in the query"),
    (" ", "the query is empty"),
    ("-- nothing", "the query is empty"),
]


def mistake(sql, message):
    def case(program):
        run(program, "hi-digits")
        done = program.run("query", "--", sql, status=2)
        expect_equal(done.stdout, "", "standard output")
        expect_in(message, done.stderr, "message")

    return case


def row_limit(program):
    run(program, "hi-digits")
    for limit, found in (("1", 1), ("3", 3), ("4", 4), ("5", 4)):
        done = program.run("query", "SELECT ordinal FROM points", "--format", "csv",
                           "--limit", limit)
        expect_equal(len(done.stdout.splitlines()), 1 + found, f"rows with --limit {limit}")
        expect_equal(done.stderr, "" if found == 4 else
                     f"only the first {limit} rows; ask for more with --limit\n", "remark")


def every_column_has_a_meaning(program):
    run(program, "hi-three-tiers")
    rows = query(program, "SELECT name FROM metric_names WHERE meaning IS NULL OR unit IS NULL")
    expect_equal(rows, [], "metrics without a meaning")
    rows = query(program, "SELECT name FROM counter_names WHERE meaning IS NULL OR unit IS NULL")
    expect_equal(rows, [], "counters without a meaning")


CASES = (
    [("--no-store makes no file", no_store),
     ("--no-store leaves a database alone", no_store_leaves_a_database_alone),
     ("offloadsim.db by default", default_place), ("--db", place_of_choice),
     ("a foreign file stays as it is", foreign_file), ("no such database", no_such_file),
     ("experiments follow each other", experiments_follow_each_other),
     ("where a run comes from", provenance), ("hashes", hash_tells_scenarios_apart),
     ("what is printed is stored", printed_is_stored),
     ("estimates are means of replications", estimates_are_means_of_replications),
     ("intervals are Student's", intervals_are_students), ("priced anew", priced_anew),
     ("named queries", named_queries),
     ("tradeoffs", tradeoffs_are_what_was_printed)]
    + [(f"query: {sql}", reads(sql, rows)) for sql, rows in READS]
    + [(f"refused: {sql}", writes(sql)) for sql in WRITES]
    + [(f"mistake: {sql!r}", mistake(sql, message)) for sql, message in MISTAKES]
    + [("query: --limit", row_limit),
       ("meanings of metrics and counters", every_column_has_a_meaning)]
)

if __name__ == "__main__":
    sys.exit(main(CASES))
