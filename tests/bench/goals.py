# SPDX-License-Identifier: GPL-3.0-or-later
"""What is measured, group by group, and what each row is to reach."""

import json
import sys

import peers
from measuring import (ROOT, CannotMeasure, Row, measured, peak_bytes, ratios, seconds,
                       seconds_at_once, small_program, speed, storing_shares)

POLICIES = ("local", "full_offload", "hi_threshold: {theta: [0.607]}", "oracle")

# An edge that serves up to eight samples at once.
BATCHING = ("tiers.edge.compute={batch: {most: 8, wait: 5 ms},"
            " time: {large: {table: {sizes: [1, 8], times: [7.43 ms, 20 ms]}}}}")

# 200 points, each a simulation of its own, of ten replications of 10,000 samples.
SWEEP = ("policy={hi_threshold: {theta: [0.5]}}",
         "policy.hi_threshold.theta=range(0,0.995,0.005)")


def policy_setting(policy):
    return f"policy={{{policy}}}" if ":" in policy else f"policy={policy}"


def skipped(what, reason):
    return Row(what, "", [], note=f"not measured: {reason}")


# ---- speed ----


def mm1_and_peers(bench):
    """The queue of the textbooks, and the same on other simulators; all take turns."""
    samples = 10_000_000
    ours = bench.words("run", "mm1", samples=samples)
    missing, found = [], []
    for peer in peers.PEERS:
        try:
            found.append(peers.Runner(peer, peer.customers))
        except CannotMeasure as reason:
            missing.append(skipped(f"M/M/1, {peer.name}", reason))
    times = []
    measured(ours)
    for turn in range(bench.runs):
        times.append(measured(ours).processor_s)
        for runner in found:
            runner.run(turn + 1)
    rows = [speed("M/M/1 at load 0.9 (mm1), one replication, one thread", samples, times,
                  ("least", 20))]
    for runner in found:
        rows.append(speed(f"M/M/1, {runner.name}", runner.customers, runner.times,
                          note=runner.agreement()))
        rows.append(Row(f"M/M/1, offloadsim against {runner.name}", "times as fast",
                        [samples / s / (runner.customers / theirs)
                         for s, theirs in zip(times, runner.times)], runner.peer.goal))
    return rows + missing


def policies_of_hi_digits(bench):
    """50 devices, a shared link, an edge server, real outcomes."""
    samples = 2_000_000
    commands = [bench.words("run", "hi-digits", samples=samples,
                            settings=[policy_setting(policy)]) for policy in POLICIES]
    return [speed(f"hi-digits, {policy.split(':')[0]}, one thread", samples, times, ("least", 4))
            for policy, times in zip(POLICIES, bench.turns(*commands))]


def batching_edge(bench):
    """hi-digits with an edge that serves up to eight samples at once."""
    samples = 2_000_000
    policies = POLICIES[1:3]
    commands = [bench.words("run", "hi-digits", samples=samples,
                            settings=[BATCHING, policy_setting(policy)]) for policy in policies]
    return [speed(f"hi-digits, batching edge, {policy.split(':')[0]}, one thread", samples, times,
                  ("least", 4))
            for policy, times in zip(policies, bench.turns(*commands))]


def fast_path(bench):
    """The way without an event queue against the one with it, in turns."""
    rows = []
    for scenario, policy, samples in (("mm1", "local", 10_000_000),
                                      *(("hi-digits", policy, 5_000_000) for policy in POLICIES)):
        words = {"samples": samples, "settings": [policy_setting(policy)]}
        fast, events = bench.turns(bench.words("run", scenario, **words),
                                   bench.words("run", scenario, **words, more=["--events"]))
        rows.append(Row(f"fast path against events: {scenario}, {policy.split(':')[0]}",
                        "times as fast", ratios(events, fast), ("least", 3)))
    return rows


# ---- parts ----


def small_rows(name, what, goal_of):
    """Rows of a program of tests/bench that prints a JSON object a line, with figures in ns."""
    out = measured([small_program(name), "--json"]).output
    rows = []
    for line in out.splitlines():
        figures = json.loads(line)
        bound = goal_of(figures)
        rows.append(Row(what(figures), "ns",
                        [figures["least_ns"], figures["median_ns"], figures["most_ns"]],
                        bound and ("most", bound), runs=figures["runs"]))
    return rows


def hold_model(_bench):
    """The event queue alone: pop and push with exponential increments."""
    goals = {10: 30, 1000: 45, 100_000: 100, 1_000_000: 300}
    return small_rows("bench_hold", lambda figures: f"hold, {figures['pending']:,} pending",
                      lambda figures: goals.get(figures["pending"]))


def variates(_bench):
    """Random numbers by keyed streams: in blocks, of scattered addresses, and single ones."""
    def goal(figures):
        if not figures["name"].endswith("in blocks"):
            return None
        return 5 if figures["name"].startswith("exponential") else 15
    return small_rows("bench_variates", lambda figures: f"variate, {figures['name']}", goal)


# ---- memory ----

IDLE = ("tiers.device.arrivals={poisson: 0.0001 /s}", policy_setting(POLICIES[2]))


def with_devices(bench, devices, samples=1000, scenario="hi-digits"):
    return bench.words("run", scenario, samples=samples,
                       settings=[*IDLE, f"tiers.device.nodes={devices}"])


def slope(bench, few, many, command):
    """Bytes that one more of something takes, by peaks of memory."""
    return [(peak_bytes(command(many)) - peak_bytes(command(few))) / (many - few)
            for _ in range(bench.runs)]


def memory(bench):
    """By peaks of whole processes with more and less of something, and by sizes of structures."""
    few, many = 1 << 17, 1 << 20
    program = small_program("bench_memory")
    sizes = json.loads(measured([program]).output)
    rows = [
        Row("size of a pending event", "bytes", [sizes["event"]], ("most", 32)),
        Row("size of a sample in flight", "bytes", [sizes["sample"]], ("most", 128)),
        Row("size of a device", "bytes", [sizes["device"]]),
        Row("a pending event, measured", "bytes",
            slope(bench, few, many, lambda events: [program, "events", events]), ("most", 32)),
    ]
    for what, more in (("with its pending event", ["--events"]), ("without an event queue", [])):
        rows.append(Row(f"a sample in flight {what}, measured", "bytes",
                        slope(bench, few, many, lambda samples, more=more: bench.words(
                            "run", "tandem", samples=samples, more=more,
                            settings=["links.device-edge.delay=1000000000 s"])), ("most", 160)))
    rows.append(Row("an idle device with its pending event, measured", "bytes",
                    slope(bench, 100_000, 1_000_000,
                          lambda devices: with_devices(bench, devices)), ("most", 300)))
    rows.append(Row("a million devices, 100,000 samples: peak memory", "MB",
                    [peak_bytes(with_devices(bench, 1_000_000, 100_000)) / 1e6
                     for _ in range(bench.runs)], ("most", 1000)))
    rows += [flatness(bench, "mm1", "local"), flatness(bench, "hi-digits", POLICIES[2])]
    return rows


def flatness(bench, scenario, policy):
    samples = 10_000_000
    many, few = (bench.words("run", scenario, samples=number, settings=[policy_setting(policy)])
                 for number in (samples, samples // 10))
    return Row(f"{scenario}: peak memory of {samples:,} samples against {samples // 10:,}",
               "times as much",
               [peak_bytes(many) / peak_bytes(few) for _ in range(bench.runs)],
               ("most", 1.05))


# ---- whole commands ----


def sweep_words(bench, jobs, **more):
    return bench.words("sweep", "hi-digits", samples=10_000, jobs=jobs,
                       replications=10, settings=SWEEP, **more)


def two_threads(bench, what, one_thread, of_two):
    """One thread, two threads, and two processes of one thread at once, in turns. The processes
    share nothing, so what they gain over one after the other is what the machine has to give."""
    gains, most, work = [], [], []
    for turn in range(bench.runs + 1):
        one, two = measured(one_thread), measured(of_two)
        both_s = seconds_at_once(one_thread, one_thread)
        if turn:  # the first does not count
            gains.append(one.wall_s / two.wall_s)
            most.append(2 * one.wall_s / both_s)
            work.append(two.processor_s / one.processor_s)
    return [
        Row(f"two threads against one: {what}", "times as fast", gains, ("least", 1.9)),
        Row(f"two processes at once against one after the other: {what}", "times as fast", most),
        Row(f"two threads against two processes: {what}", "times as fast", ratios(gains, most),
            ("least", 0.95)),
        Row(f"two threads against one: {what}", "times the processor time", work),
    ]


def threads(bench):
    """Two threads against one, beside what two processes gain at the moment."""
    replications, sweep = [
        [words(jobs) for jobs in (1, 2)] for words in (
            lambda jobs: bench.words("run", "hi-digits", samples=1_000_000, jobs=jobs,
                                     replications=10, settings=[policy_setting(POLICIES[2])]),
            lambda jobs: sweep_words(bench, jobs))]
    return [*two_threads(bench, "ten replications of a point", *replications),
            *two_threads(bench, "sweep of 200 points", *sweep)]


def start_up(bench):
    """Commands that are over at once, as whole processes."""
    runs = max(20, 4 * bench.runs)
    scenario = bench.words("run", "hi-digits", samples=1000,
                           settings=[policy_setting(POLICIES[2])])

    def stored():
        return bench.words("run", "hi-digits", samples=1000, store=bench.new_database(),
                           settings=[policy_setting(POLICIES[2])])

    help_words = [bench.program, "--help"]
    for words in (help_words, scenario):
        seconds(words)
    return [
        Row("hi-digits, 1,000 samples, not stored", "ms",
            [1000 * seconds(scenario) for _ in range(runs)], ("most", 20)),
        Row("hi-digits, 1,000 samples, stored in a new database", "ms",
            [1000 * seconds(stored()) for _ in range(runs)], ("most", 20)),
        Row("--help", "ms", [1000 * seconds(help_words) for _ in range(runs)], ("most", 5)),
    ]


def storing(bench):
    """What a sweep on one thread says that storing took, of all that it took.

    What is stored is stored beside the thread that simulates, so this is what a sweep would be
    longer if it were not, and at most what it is longer on any number of threads.
    """
    shares = []
    for _ in range(bench.runs + 1):
        words = sweep_words(bench, 1, store=bench.new_database(), is_quiet=False)
        shares.append(storing_shares(measured(words)))
    wall, processor = zip(*shares[1:])  # the first turn does not count
    return [
        Row("sweep of 200 points: storing, of the wall time", "%", wall, ("most", 5)),
        Row("sweep of 200 points: storing, of the processor time", "%", processor),
    ]


def queries(bench):
    """The named queries on a database of 100,000 points, which takes some seconds to make."""
    words = [sys.executable, ROOT / "tests" / "bench" / "big_database.py", bench.program, ROOT,
             "--runs", str(min(bench.runs, 5)), "--json"]
    if bench.is_quick:
        words += ["--points", "10000"]
    found = json.loads(measured(words).output)
    return [Row(f"query {query['query']}, {what}", "s",
                [query[key][side] for side in ("least", "median", "most")],
                runs=query[key]["runs"])
            for query in found
            for key, what in (("csv_s", f"{query['rows']:,} rows as CSV"),
                              ("table_s", "as a table"))]


GROUPS = {
    "mm1": mm1_and_peers,
    "hi-digits": policies_of_hi_digits,
    "batching": batching_edge,
    "fast-path": fast_path,
    "hold": hold_model,
    "variates": variates,
    "memory": memory,
    "threads": threads,
    "start-up": start_up,
    "storing": storing,
    "queries": queries,
}
