#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs random scenarios and checks what has to hold for every one of them.

usage: check_random.py OFFLOADSIM [--count N] [--seed S] [--first N] [--keep FOLDER]

Scenario N of a seed is always the same, so a finding can be looked at again: --first N --count 1
--keep FOLDER leaves its files in FOLDER/SEED-N. Each is run three times: on one thread; again on
two; and event by event, with what became of every sample.
"""

import argparse
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
# Policies that take their answers from the ends of the models which the oracle asks, too.
BOUNDED = ("local", "random", "full_offload", "hi_threshold")


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
    errors = done.stderr[max(done.stderr.find("error:") - 40, 0):]
    expect(done.returncode == 0,
           f"exit status {done.returncode}: {' '.join(command[1:])}\n{errors[:2000]}")
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
    left = counters["offered"] - counters["answered"] - counters["drops"]
    expect(0 <= left <= in_flight, f"{left} samples that count are left of {in_flight} in flight")
    for part, total in (("answered.", "answered"), ("exits.", "answered"), ("drops.", "drops"),
                        ("bytes.", "bytes"), ("energy_j.", "energy_j")):
        names = [name for name in counters if name.startswith(part)]
        found = math.fsum(counters[name] for name in names)
        expect(math.isclose(found, counters[total], rel_tol=1e-9, abs_tol=1e-9),
               f"{names} add up to {found}, not to {total}, {counters[total]}")


class Sample:
    def __init__(self, row):
        (self.device, self.number, self.row, self.came_s, self.latency_s, self.wait_s,
         self.service_s, self.transfer_s, self.exit, self.is_right, self.why_dropped) = row
        self.is_answered = self.why_dropped is None


def check_samples(samples, counters, in_flight):
    """What single samples say is what was counted."""
    expect(counters["offered"] - in_flight <= len(samples) <= counters["offered"],
           f"{len(samples)} samples of {counters['offered']} that were offered")
    answered = [sample for sample in samples if sample.is_answered]
    for name, found in (
            ("answered", len(answered)), ("drops", len(samples) - len(answered)),
            ("correct", sum(sample.is_right for sample in answered)),
            ("latency_s", math.fsum(sample.latency_s for sample in answered))):
        expect(math.isclose(found, counters[name], rel_tol=1e-9, abs_tol=1e-12),
               f"samples say {found} of '{name}', the counter {counters[name]}")
    for sample in answered:
        parts = sample.wait_s + sample.service_s + sample.transfer_s
        expect(math.isclose(parts, sample.latency_s, rel_tol=1e-6, abs_tol=1e-9),
               f"{parts} s of a sample's latency, {sample.latency_s} s, are told")


# ---- Little's law ----

def check_little(samples, metrics, to_s, has_delays):
    """Samples at all stations, as those saw it on average over time from 0 to `to_s`, are the time
    that samples spent in the system, by when each came and went; or less if links delay them."""
    seen = math.fsum(value or 0 for name, value in metrics.items()
                     if name.startswith("present_mean."))
    told = math.fsum(max(0.0, min(sample.came_s + sample.latency_s, to_s) - sample.came_s)
                     for sample in samples) / to_s
    slack = 1e-6 * told + 1e-9
    expect(seen <= told + slack, f"{seen} samples at stations on average, of {told} in all")
    expect(has_delays or seen >= told - slack,
           f"{seen} samples at stations on average and none elsewhere, of {told} in all")


# ---- accuracy ----

def truth_of(folder, scenario, trace):
    """Of each sample of a trace: whether the answer of each exit is right."""
    with open(folder / trace, encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    exits = {f"{model}.{name}": says for model, what in scenario["models"].items()
             for name, says in what["exits"].items()}
    samples = scenario["samples"]
    if samples["layout"] == "wide":
        return [{name: is_right(row, samples, says) for name, says in exits.items()}
                for row in table]
    by_value = {says.get("value", name.split(".")[1]): name for name, says in exits.items()}
    found = {}
    for row in table:
        if row[samples["exit"]] in by_value:
            name = by_value[row[samples["exit"]]]
            found.setdefault(row[samples["sample"]], {})[name] = is_right(row, samples, samples)
    return list(found.values())


def is_right(row, samples, says):
    if "correct" in says:
        return int(row[says["correct"]])
    return int(row[says["prediction"]] == row[samples["label"]])


def truths(folder, scenario):
    """The same of each trace, with the time from which samples come from it; none if they do not
    come from traces."""
    if "trace" not in scenario["samples"]:
        return []
    changes = [(change["at"], change["samples"]["trace"]) for change in scenario.get("drift", [])
               if "trace" in change.get("samples", {})]
    return [(at, truth_of(folder, scenario, trace))
            for at, trace in [(-math.inf, scenario["samples"]["trace"]), *changes]]


def check_answers(samples, truths_from):
    """Each answer is as right as the trace says of its exit, so accuracy is between that of the
    worst exit and that of the best of each sample."""
    for sample in samples:
        if sample.is_answered:
            truth = [known for from_s, known in truths_from if from_s <= sample.came_s][-1]
            wanted = truth[sample.row][sample.exit]
            expect(sample.is_right == wanted,
                   f"sample {sample.number} of device {sample.device}, row {sample.row}: the "
                   f"answer of {sample.exit} counts as {sample.is_right}, not as {wanted}")


def check_oracle(samples, best, policy, is_closed):
    """Policies meet the same samples; and where the oracle answers wrongly, all others do."""
    best = {(sample.device, sample.number): sample for sample in best}
    for sample in samples:
        other = best.get((sample.device, sample.number))
        if not other:
            continue
        expect(sample.row == other.row and (is_closed or sample.came_s == other.came_s),
               f"sample {sample.number} of device {sample.device} is row {sample.row} at "
               f"{sample.came_s} s under '{policy}', row {other.row} at {other.came_s} s under "
               "'oracle'")
        if other.is_answered and sample.is_answered:
            expect(other.is_right >= sample.is_right,
                   f"sample {sample.number} of device {sample.device} is answered rightly under "
                   f"'{policy}' and wrongly under 'oracle'")


# ---- a scenario ----

def check_what_came_of_samples(folder, has_samples):
    name = "events.db"
    text, = rows(folder, name, "SELECT scenario_json FROM experiments")[0]
    scenario = json.loads(text)
    truths_from = truths(folder, scenario)
    counters = values_of(folder, name, STORED["counters"])
    metrics = values_of(folder, name, STORED["metrics"])
    delays = [link["delay"] for link in scenario.get("links", [])]
    has_delays = any(delay != {"constant": {"value": 0}} for delay in delays)
    by_point = {}
    for row in rows(folder, name, STORED["replications"]):
        check_counts(row, counters[row[:2]])
        if row[1] > 0 or not has_samples:
            continue  # of single samples the first replication will do
        samples = [Sample(found) for found in rows(folder, name, SAMPLES, *row[:2])]
        by_point[row[0]] = samples
        check_samples(samples, counters[row[:2]], row[8])
        if truths_from:
            check_answers(samples, truths_from)
        if scenario["warmup"] == "none" and all(sample.is_answered for sample in samples):
            last_s = max([sample.came_s for sample in samples], default=0)
            to_s = scenario["stop"].get("time", last_s)
            if to_s > 0:
                check_little(samples, metrics[row[:2]], to_s, has_delays)
    if not has_samples:
        return
    policies = scenario["policy"] if isinstance(scenario["policy"], list) else [scenario["policy"]]
    named = [next(iter(policy)) if isinstance(policy, dict) else policy for policy in policies]
    expect(len(named) == len(by_point), f"{len(by_point)} points of {len(named)} policies")
    # The oracle goes from tier to tier until an answer is right; lost messages may keep it from it.
    can_lose = '"loss":' in text or '"repeat":false' in text
    oracle = [by_point[point] for point, policy in zip(sorted(by_point), named)
              if policy == "oracle"]
    for point, policy in zip(sorted(by_point), named):
        if oracle and policy in BOUNDED and not can_lose:
            check_oracle(by_point[point], oracle[0], policy, '"closed"' in text)


def check(program, folder):
    """Returns how many points went without an event queue, and how many there are."""
    explained = run(program, folder, "one.db", "--jobs", "1", "--explain")
    again = run(program, folder, "two.db", "--jobs", "2", "--explain")
    expect(explained == again, "another output with two threads")
    expect_same_rows(folder, "one.db", "two.db", "again, with two threads")
    is_short = max(row[5] for row in rows(folder, "one.db", STORED["replications"])) <= 5000
    run(program, folder, "events.db", "--events", "--jobs", "1",
        *(["--samples", "1"] if is_short else []))
    expect_same_rows(folder, "one.db", "events.db", "event by event")
    check_what_came_of_samples(folder, is_short)
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
