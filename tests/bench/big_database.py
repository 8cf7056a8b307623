#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the named queries take on a database with many points.

    big_database.py OFFLOADSIM ROOT [--points N] [--database FILE] [--runs N] [--json]

Makes a database with a sweep of N points (100,000 by default) in the shape of real ones: policies,
a threshold, a number of nodes and a price; points that differ in the price alone share their runs.
Then runs every named query on it, as whole commands: with all rows as CSV, and as a table, which
ends after 1000 rows. The first run of each is not counted. Figures: median, least and most. The
results in it are drawn at random and mean nothing.
"""

import argparse
import json
import pathlib
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

METRICS = ["accuracy", "on_time_accuracy", "cost_mean", "offload_fraction", "latency_mean_s",
           "latency_p50_s", "latency_p95_s", "latency_p99_s", "latency_p999_s", "throughput_per_s",
           "device_energy_mean_j", "energy_mean_j", "drop_fraction", "deadline_miss_fraction",
           "bytes_up_mean", "bytes_down_mean", "utilisation.device", "utilisation.edge",
           "queue_mean.edge", "wait_mean_s.edge"]
COUNTERS = ["offered", "answered", "correct", "errors", "deadline_misses", "offloaded",
            "offloads.device-edge", "drops", "energy_j.device", "energy_j.edge", "latency_s"]
PRICED = ["errors", "offloads.device-edge", "energy_j.device"]
POLICIES = ["local", "full_offload", "hi_threshold", "dimee", "partition"]
REPLICATIONS = 5
# Of each query that needs parameters.
PARAMETERS = {
    "breakeven": ["parameter=prices.offload"],
    "diff": ["a=1", "b=1"],
    "reprice": ["counter=offloads.device-edge", "price=0.25"],
}


def settings(points):
    """(policy, theta, nodes, price) of every point; the price moves fastest."""
    prices, thetas = (50, 20) if points >= 10000 else (8, 5)
    nodes = max(1, points // (len(POLICIES) * thetas * prices))
    for policy in POLICIES:
        for theta in range(thetas):
            for node in range(nodes):
                for price in range(prices):
                    yield policy, theta / thetas, 10 * (node + 1), price / prices


def replication(source, policy, theta, nodes):
    """Counters and metrics that hang together in some way."""
    offload = {"local": 0.0, "full_offload": 1.0}.get(policy, theta)
    offload = min(1.0, max(0.0, offload + source.gauss(0, 0.004)))
    accuracy = 0.8 + 0.17 * offload ** 0.6 + source.gauss(0, 0.002)
    latency = 0.02 + offload * (0.03 + 0.2 * nodes / 300) + abs(source.gauss(0, 0.001))
    offered = 10000.0
    counters = [offered, offered, offered * accuracy, offered * (1 - accuracy), 0.0,
                offered * offload, offered * offload, 0.0, offered * (0.1 + 0.2 * offload),
                offered * offload * 0.3, offered * latency]
    metrics = [accuracy, accuracy, 0.0, offload, latency, latency, 2 * latency, 3 * latency,
               5 * latency, 100.0, counters[8] / offered, counters[9] / offered, 0.0, 0.0,
               3000 * offload, 100 * offload, 0.5, 0.4, 1.5, 0.01]
    return counters, metrics


def fill(database, points, source):
    database.executemany("INSERT INTO metric_names (name, unit) VALUES (?, '')",
                         [(name,) for name in METRICS])
    database.executemany("INSERT INTO counter_names (name, unit) VALUES (?, '')",
                         [(name,) for name in COUNTERS])
    database.execute("INSERT INTO experiments (scenario, path, command, scenario_json,"
                     " scenario_hash, seed, version, started_at, kind, sweep_json, status, wall_s)"
                     " VALUES ('big', 'big.yaml', 'sweep', '{}', 'big', 1, '0', '2025-01-01',"
                     " 'sweep', '{}', 'finished', 1)")
    priced = [COUNTERS.index(name) for name in PRICED]
    first = None
    for number, (policy, theta, nodes, price) in enumerate(settings(points), 1):
        if price == 0:
            first = number
            runs = [replication(source, policy, theta, nodes) for _ in range(REPLICATIONS)]
        prices = [1.0, price, 0.5]
        parameters = {f"policy.{policy}.theta": theta, "tiers.device.nodes": nodes,
                      "prices.offload": price}
        database.execute(
            "INSERT INTO points (id, experiment_id, ordinal, policy, is_oracle, uses_prices,"
            " parameters_json, hash, replications, verdict, is_complete, simulation_hash,"
            " source_id) VALUES (?, 1, ?, ?, 0, 0, ?, ?, ?, 'stable', 1, ?, ?)",
            (number, number - 1, policy, json.dumps(parameters), f"h{number}", REPLICATIONS,
             f"s{first}", None if first == number else first))
        database.executemany("INSERT INTO parameters VALUES (?, ?, ?)",
                             [(number, path, value) for path, value in parameters.items()])
        database.executemany("INSERT INTO prices VALUES (?, ?, ?)",
                             [(number, counter + 1, value)
                              for counter, value in zip(priced, prices)])
        costs = [sum(counters[c] * value for c, value in zip(priced, prices)) / counters[0]
                 for counters, _ in runs]
        columns = list(zip(*[metrics for _, metrics in runs]))
        columns[METRICS.index("cost_mean")] = costs
        rows = []
        for metric, values in enumerate(columns, 1):
            mean = sum(values) / len(values)
            spread = (sum((v - mean) ** 2 for v in values) / (len(values) - 1)) ** 0.5
            half = 1.2415 * spread
            rows.append((number, metric, mean, half, 0.95, len(values), mean - half, mean + half))
        database.executemany("INSERT INTO estimates VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL)", rows)
        if first == number:
            store_runs(database, number, runs)
    database.commit()


def store_runs(database, point, runs):
    for number, (counters, metrics) in enumerate(runs):
        row = point * 1000000 + number
        database.execute("INSERT INTO replications VALUES (?, ?, ?, 1, 50000, 100, 0.01, 10000,"
                         " 10000, 0, 0)", (row, point, number))
        database.executemany("INSERT INTO metrics VALUES (?, ?, ?)",
                             [(row, i, value) for i, value in enumerate(metrics, 1)])
        database.executemany("INSERT INTO counters VALUES (?, ?, ?)",
                             [(row, i, value) for i, value in enumerate(counters, 1)])


def make(path, root, points):
    database = sqlite3.connect(path)
    for name in ("schema.sql", "schema-2.sql", "schema-3.sql"):
        database.executescript((root / "results" / name).read_text(encoding="ascii"))
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = OFF")
    fill(database, points, random.Random(1))
    database.close()


def measure(command, runs):
    """Seconds that the command takes, and what it prints the last time."""
    times = []
    for _ in range(runs + 1):
        start = time.monotonic()
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              check=True)
        times.append(time.monotonic() - start)
    counted = times[1:]
    return {"median": statistics.median(counted), "least": min(counted), "most": max(counted),
            "runs": runs}, done.stdout


def measure_queries(program, database, runs):
    listing = subprocess.run([program, "query", "--format", "csv"], stdout=subprocess.PIPE,
                             check=True, text=True).stdout
    for line in listing.splitlines()[1:]:
        name = line.split(",")[0]
        words = [word for value in PARAMETERS.get(name, []) for word in ("--param", value)]
        command = [program, "query", name, *words, "--db", str(database), "--format"]
        whole, printed = measure([*command, "csv"], runs)
        table, _ = measure([*command, "table"], runs)
        yield {"query": name, "rows": printed.count(b"\n") - 1, "csv_s": whole, "table_s": table}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("root", type=pathlib.Path)
    parser.add_argument("--points", type=int, default=100000)
    parser.add_argument("--database", type=pathlib.Path)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="machine-readable")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = arguments.database or pathlib.Path(folder) / "big.db"
        if not path.exists():
            make(path, arguments.root, arguments.points)
        found = measure_queries(arguments.program, path, arguments.runs)
        if arguments.json:
            json.dump(list(found), sys.stdout, indent=2)
            print()
            return
        megabytes = path.stat().st_size / 1e6
        print(f"seconds of a query on {arguments.points:,} points ({megabytes:.0f} MB)")
        print(f"{'':12} {'all rows, as CSV':>27} {'rows':>7} {'1000 rows, as a table':>27}")
        for row in found:
            whole, table = [f"{seconds['median']:.3f} ({seconds['least']:.3f} .. "
                            f"{seconds['most']:.3f})" for seconds in (row["csv_s"], row["table_s"])]
            print(f"{row['query']:12} {whole:>27} {row['rows']:7} {table:>27}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
