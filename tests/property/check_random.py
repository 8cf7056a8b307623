#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs random scenarios and checks what has to hold for every one of them.

usage: check_random.py OFFLOADSIM [--count N] [--seed S] [--first N] [--keep FOLDER]

Scenario N of a seed is always the same, so a finding can be looked at again: --first N --count 1
--keep FOLDER leaves its files in FOLDER/SEED-N. Each is run three times: on one thread; again on
two; and event by event, with what became of every sample.
"""

import argparse
import bisect
import csv
import json
import math
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile

import scenarios

# Per point and replication. The rest of a database tells who ran what, when.
STORED = {
    "replications": "SELECT point_id, number, seed, events, simulated_s, offered, answered, "
                    "dropped, in_flight FROM replications ORDER BY point_id, number",
    "metrics": "SELECT point_id, number, metric, value FROM replication_metrics "
               "ORDER BY point_id, number, metric",
    "counters": "SELECT point_id, number, counter, value FROM replication_counters "
                "ORDER BY point_id, number, counter",
}
SAMPLES = ("SELECT device, number, trace_row, arrived_s, latency_s, wait_s, service_s, transfer_s, "
           "exit, is_correct, drop_reason FROM sample_outcomes "
           "WHERE point_id = ? AND replication = ?")


class Finding(Exception):
    """Something that has to hold does not."""


def expect(condition, message):
    if not condition:
        raise Finding(message)


def run(program, folder, name, *words):
    """The output of a run, whose results are then in the database `name`."""
    command = [program, "run", "scenario.yaml", "--quiet", "--all", "--format", "json",
               "--db", name, *words]
    done = subprocess.run(command, cwd=folder, text=True, timeout=300,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    expect(done.returncode == 0,
           f"exit status {done.returncode}: {' '.join(command[1:])}\n{done.stderr[-2000:]}")
    return done.stdout


def rows(folder, name, sql, *values):
    connection = sqlite3.connect(folder / name)
    try:
        return connection.execute(sql, values).fetchall()
    finally:
        connection.close()


def expect_same_rows(folder, name, other, how):
    """To the bit: repr() of a float tells every one."""
    for table, sql in STORED.items():
        left, right = rows(folder, name, sql), rows(folder, other, sql)
        expect(left, f"no {table} are stored")
        differing = [(a, b) for a, b in zip(left, right) if repr(a) != repr(b)]
        expect(not differing and len(left) == len(right),
               f"{how}: {len(differing)} of {len(left)} {table} differ, first\n"
               + "\n".join(f"  {a}\n  {b}" for a, b in differing[:6]))


def values_of(folder, name, sql):
    """Of each replication, by name: {(point, number): {name: value}}."""
    found = {}
    for point, number, key, value in rows(folder, name, sql):
        found.setdefault((point, number), {})[key] = value
    return found


# ---- conservation ----

def check_counts(replication, counters):
    offered, answered, dropped, in_flight = replication[5:9]
    expect(offered == answered + dropped + in_flight,
           f"{offered} offered, {answered} answered, {dropped} dropped, {in_flight} in flight")
    expect(counters["offered"] - counters["answered"] - counters["drops"] in range(in_flight + 1),
           f"of those that count, {counters['offered']} offered, {counters['answered']} answered, "
           f"{counters['drops']} dropped, at most {in_flight} in flight")
    for family, total in (("answered.", "answered"), ("exits.", "answered"), ("drops.", "drops"),
                          ("layers.", None), ("bytes.", "bytes"), ("energy_j.", "energy_j")):
        parts = sum(value for name, value in counters.items() if name.startswith(family))
        if total:
            expect(math.isclose(parts, counters[total], rel_tol=1e-9, abs_tol=1e-9),
                   f"{family}* add up to {parts}, not to {counters[total]}")


# ---- single samples ----

def check_samples(samples, replication, counters, metrics, is_whole):
    answered = [sample for sample in samples if sample[4] is not None and sample[10] is None]
    if not is_whole:
        return
    expect(len(samples) == counters["offered"] - replication[8],
           f"{len(samples)} samples for {counters['offered']} offered")
    expect(len(answered) == counters["answered"],
           f"{len(answered)} answered samples for {counters['answered']}")
    right = sum(sample[9] for sample in answered)
    expect(right == counters["correct"], f"{right} right answers for {counters['correct']}")
    latency_s = math.fsum(sample[4] for sample in answered)
    expect(math.isclose(latency_s, counters["latency_s"], rel_tol=1e-9, abs_tol=1e-12),
           f"latencies add up to {latency_s}, not to {counters['latency_s']}")


def present_mean(samples, from_s, to_s):
    """Samples in the system, averaged over time, from when each came and went."""
    area = math.fsum(max(0.0, min(s[3] + s[4], to_s) - max(s[3], from_s))
                     for s in samples if s[4] is not None)
    return area / (to_s - from_s)


def check_little(samples, metrics, window, has_delays):
    """What stations saw of queues adds up to what samples saw of time, within the window."""
    from_s, to_s = window
    if not to_s > from_s or any(sample[4] is None for sample in samples):
        return
    seen = sum(value for name, value in metrics.items() if name.startswith("present_mean."))
    told = present_mean(samples, from_s, to_s)
    slack = 1e-6 * (told + 1e-9)
    expect(seen <= told + slack, f"{seen} samples at stations on average, of {told} in all")
    expect(has_delays or seen >= told - slack,
           f"{seen} samples at stations on average and none elsewhere, of {told} in all")


# ---- accuracy ----

def truth_of(folder, scenario):
    """Of each row of the trace, by exit: whether its answer is right. None without a trace."""
    if not (folder / "trace.csv").exists():
        return None
    with open(folder / "trace.csv", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    exits = {}
    for model, what in scenario["models"].items():
        for name, says in what["exits"].items():
            exits[f"{model}.{name}"] = says
    return [{name: int(row[says["correct"]]) if "correct" in says
             else int(row[says["prediction"]] == row["label"]) for name, says in exits.items()}
            for row in table]


def check_accuracy(samples, truth):
    """Each answer is as right as the trace says, so accuracy is between worst and best."""
    for sample in samples:
        if sample[8] is not None and sample[10] is None:
            wanted = truth[sample[2]][sample[8]]
            expect(sample[9] == wanted,
                   f"sample {sample[1]} of device {sample[0]}, row {sample[2]}: the answer of "
                   f"{sample[8]} counts as {sample[9]}, the trace says {wanted}")


def by_sample(samples):
    return {sample[:2]: sample for sample in samples}


def check_oracle(samples, oracle, policy):
    """Wherever the oracle answers wrongly, so does a policy that asks the same two models."""
    best = by_sample(oracle)
    for sample in samples:
        other = best.get(sample[:2])
        if other and other[9] is not None and sample[9] is not None:
            expect(other[3] == sample[3], f"sample {sample[:2]} comes at {sample[3]} under "
                   f"'{policy}', at {other[3]} under 'oracle'")
            expect(other[2] == sample[2], f"sample {sample[:2]} is row {sample[2]} under "
                   f"'{policy}', {other[2]} under 'oracle'")
            expect(other[9] >= sample[9], f"sample {sample[:2]} is right under '{policy}', wrong "
                   "under 'oracle'")


# ---- a scenario ----

def scenario_of(folder):
    return json.loads(rows(folder, "one.db", "SELECT scenario_json FROM experiments")[0][0])


def check(program, folder):
    """Returns how many points went without an event queue, and how many there are."""
    explained = run(program, folder, "one.db", "--jobs", "1", "--explain")
    again = run(program, folder, "two.db", "--jobs", "2", "--explain")
    expect(explained == again, "another output with two threads")
    expect_same_rows(folder, "one.db", "two.db", "again, with two threads")
    run(program, folder, "events.db", "--events", "--jobs", "1", "--samples", "1")
    expect_same_rows(folder, "one.db", "events.db", "event by event")
    points = json.loads(explained)["points"]
    by_path = sum(1 for point in points if point["by_events"] is None)
    return by_path, len(points)


def write(folder, files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--count", type=int, default=80)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--keep", type=pathlib.Path)
    arguments = parser.parse_args()
    program = str(pathlib.Path(arguments.program).resolve())
    failed = passed = points = 0
    print(f"1..{arguments.count}")
    with tempfile.TemporaryDirectory(prefix="offloadsim-property-") as temporary:
        for line, number in enumerate(range(arguments.first, arguments.first + arguments.count), 1):
            name = f"{arguments.seed}-{number}"
            folder = (arguments.keep or pathlib.Path(temporary)) / name
            write(folder, scenarios.make(arguments.seed, number))
            try:
                fast, all_points = check(program, folder)
                passed += fast
                points += all_points
                print(f"ok {line} - scenario {name}: {fast} of {all_points} points without an "
                      "event queue", flush=True)
            except (Finding, subprocess.TimeoutExpired) as finding:
                failed += 1
                print(f"not ok {line} - scenario {name}\n# "
                      + str(finding).rstrip().replace("\n", "\n# "), flush=True)
            if not arguments.keep:
                shutil.rmtree(folder)
    print(f"# {passed} of {points} points went without an event queue, {failed} scenarios failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
