#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Timelines and trace events: by hand, against the metrics of the same run, and their bounds.

    recording.py PROGRAM SOURCE_ROOT
"""

import csv
import json
import sys

from harness import expect, expect_equal, expect_in, main

# Samples at 0, 1, 2 and 3 s, each served for 1.5 s: services 0-1.5, 1.5-3, 3-4.5, 4.5-6.
BY_HAND = """
scenario: by-hand
stop: {samples: 4}
replications: 1
models: {m: {}}
tiers:
  - name: device
    arrivals: {deterministic: {period: 1 s}}
    compute: {time: {m: 1.5 s}}
policy: local
"""

# Time, waiting, in service, by hand: what ends at an instant is gone, what begins is there.
BY_HAND_STATES = [(0, 0, 1), (1, 1, 1), (2, 1, 1), (3, 1, 1), (4, 1, 1), (5, 0, 1)]

QUEUES = """
scenario: queues
stop: {samples: 20000}
replications: 2
samples: {payload: 10 kB, answer: free}
models: {m: {}}
tiers:
  - {name: device, nodes: 3, arrivals: {poisson: 2 /s}}
  - {name: edge, compute: {servers: 2, time: {m: {exponential: 250 ms}}}}
links:
  - {from: device, to: edge, up: 2 Mbit/s, count: 1}
policy: full_offload
"""


# Up and down take turns on one medium: messages of 1 s up and 2 s down, from 0 and 0.5 s on and
# again 10 s later. Up at 0, 0.5 (waits until 1), and the answers at 1 and 2 (they wait until 2, 4).
HALF = """
scenario: half
stop: {time: 20 s}
replications: 1
samples: {payload: 1 kB, answer: 1 kB}
models: {m: {}}
tiers:
  - name: device
    classes:
      - {name: a, nodes: 1, arrivals: {deterministic: {period: 10 s}}}
      - {name: b, nodes: 1, arrivals: {deterministic: {period: 10 s, phase: 500 ms}}}
  - {name: edge, compute: {servers: 2, time: {m: 0 s}}}
links:
  - {from: device, to: edge, duplex: half, count: 1, up: 1 kB/s, down: 500 B/s}
policy: full_offload
"""

# At 0.25 s, 1.25 s, ...: (waiting, in service) up, then down.
HALF_STATES = [((0, 1), (0, 0)), ((0, 1), (1, 0)), ((0, 0), (1, 1)), ((0, 0), (1, 1)),
               ((0, 0), (0, 1)), ((0, 0), (0, 1)), ((0, 0), (0, 0))]


def timeline(program):
    with open(program.folder / "t.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def trace_events(program):
    return json.loads((program.folder / "t.json").read_text("utf-8"))["traceEvents"]


def services(program):
    return [event for event in trace_events(program) if event["ph"] == "X"]


def run(program, yaml, *options, status=0):
    (program.folder / "s.yaml").write_text(yaml, "utf-8")
    return program.run("run", "s.yaml", "--no-store", *options, status=status)


def by_hand(program):
    run(program, BY_HAND, "--timeline", "t.csv", "--trace-events", "t.json")
    states = [(float(row["time_s"]), int(row["waiting"]), int(row["in_service"]))
              for row in timeline(program)]
    expect_equal(states, BY_HAND_STATES, "states")
    found = [(event["name"], event["ts"], event["dur"], event["args"]["waited_ms"])
             for event in services(program)]
    expect_equal(found, [(f"device 0 sample {i}", 1.5e6 * i, 1.5e6, 500.0 * i) for i in range(4)],
                 "services")
    names = [event["args"]["name"] for event in trace_events(program) if event["ph"] == "M"]
    expect_equal(names, ["node 0", "local: device"], "names")


def takes_turns(program):
    run(program, HALF, "--timeline", "t.csv", "--step", "250 ms")
    rows = {}
    for row in timeline(program):
        if row["station"].startswith("device-edge."):
            state = int(row["waiting"]), int(row["in_service"])
            rows.setdefault(float(row["time_s"]), []).append(state)
    found = [tuple(rows[0.25 + second]) for second in range(len(HALF_STATES))]
    expect_equal(found, HALF_STATES, "states up and down")


def agrees_with_metrics(program):
    """Both files against each other and against the metrics of a run of one replication."""
    output = run(program, QUEUES, "-n", "1", "--format", "json", "--timeline", "t.csv", "--step",
                 "50 ms", "--most-rows", "1000000", "--trace-events", "t.json")
    metrics = {name: value["mean"] for name, value in
               json.loads(output.stdout)["points"][0]["metrics"].items()}
    events = services(program)
    expect_equal(len(events), 2 * 20000, "services")
    names = {event["pid"]: event["args"]["name"] for event in trace_events(program)
             if event["name"] == "process_name"}
    for station in ("edge", "device-edge.up"):
        seen = [row for row in timeline(program) if row["station"] == station]
        own = [event for event in events
               if names[event["pid"]] == "full_offload: " + station]
        waiting = sum(int(row["waiting"]) for row in seen) / len(seen)
        busy_s = 0.05 * sum(int(row["in_service"]) for row in seen)
        queue = metrics["queue_mean." + station]
        served_s = 1e-6 * sum(event["dur"] for event in own)
        expect(abs(waiting / queue - 1) < 0.02, f"{station}: {waiting} waiting, not {queue}")
        expect(abs(busy_s / served_s - 1) < 0.01, f"{station}: {busy_s} s busy, not {served_s}")
        wait_s = 1e-3 * sum(event["args"]["waited_ms"] for event in own) / len(own)
        expect(abs(wait_s - metrics["wait_mean_s." + station]) < 1e-6, f"{station}: waits")


def never_overlap(program):
    run(program, QUEUES, "--trace-events", "t.json")
    threads = {}
    for event in services(program):
        threads.setdefault((event["pid"], event["tid"]), []).append(event)
    expect(len(threads) == 3, f"{len(threads)} threads, not one for the link and two at the edge")
    for thread in threads.values():
        for before, after in zip(thread, thread[1:]):
            # Both are rounded to a nanosecond.
            expect(after["ts"] > before["ts"] + before["dur"] - 0.002, "services overlap")


def changes_nothing(program):
    plain = run(program, QUEUES, "--format", "json").stdout
    recorded = run(program, QUEUES, "--format", "json", "--timeline", "t.csv", "--trace-events",
                   "t.json").stdout
    expect_equal(recorded, plain, "results")


def shows_the_replication(program):
    files = []
    for number in ("0", "1", "1"):
        run(program, QUEUES, "--trace-events", "t.json", "--replication", number)
        files.append((program.folder / "t.json").read_bytes())
    expect(files[0] != files[1], "replications 0 and 1 are the same")
    expect(files[1] == files[2], "replication 1 twice is not the same")


def shows_any_replication(program):
    """Also one that the run itself does not have."""
    files = []
    for number, replications in (("0", "9"), ("7", "9"), ("7", "1")):
        run(program, QUEUES, "--trace-events", "t.json", "--replication", number,
            "--replications", replications)
        files.append((program.folder / "t.json").read_bytes())
    expect(files[0] != files[1], "replications 0 and 7 are the same")
    expect(files[1] == files[2], "replication 7 depends on how many there are")


def bounds(program):
    output = run(program, QUEUES, "--timeline", "t.csv", "--trace-events", "t.json", "--most-rows",
                 "9")
    expect_equal(len(timeline(program)), 9, "rows")
    expect_equal(len(services(program)), 9, "services")
    expect_in("9 rows in t.csv; cut off at 3 s of simulated time: give a longer '--step'",
              output.stderr, "remark")
    expect_in("9 services in t.json; cut off at ", output.stderr, "remark")


def mistakes(program):
    for options, message in (
            (("--step", "1 s"), "'--step' is that of a timeline; add '--timeline FILE.csv'"),
            (("--most-rows", "5"),
             "'--most-rows' is about what is recorded; add '--timeline FILE.csv' or "
             "'--trace-events FILE.json'"),
            (("--timeline", "t.csv", "--step", "fast"),
             "'--step fast': it takes a time of at least 1 ns, such as 18 ms"),
            (("--timeline", "t", "--trace-events", "t"),
             "'t' is to hold both the timeline and the trace events; give each a file of its own"),
            (("--timeline", "t.csv", "--replication", "-1"),
             "'--replication -1': it takes a whole number from 0 to 1000000000")):
        output = run(program, BY_HAND, *options, status=2)
        expect_equal(output.stderr, f"offloadsim: error: {message}\n", "message")
    output = run(program, BY_HAND, "--timeline", "no/t.csv", status=1)
    expect_in("offloadsim: error: cannot write 'no/t.csv': No such file or directory\n",
              output.stderr, "message")


if __name__ == "__main__":
    sys.exit(main([
        ("by hand", by_hand), ("half duplex", takes_turns),
        ("agrees with the metrics", agrees_with_metrics),
        ("services of a thread do not overlap", never_overlap),
        ("recording changes no result", changes_nothing),
        ("shows the replication that is asked for", shows_the_replication),
        ("shows any replication", shows_any_replication),
        ("bounds", bounds),
        ("mistakes", mistakes),
    ]))
