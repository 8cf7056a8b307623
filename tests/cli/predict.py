#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `check` expects of a run, and `run --explain` shows beside it.

Where a formula is exact the expectation is held against the formula itself, to rounding; elsewhere
against simulation, within tolerances that are stated with each case.

usage: predict.py OFFLOADSIM ROOT
"""

import csv
import io
import json
import math
import sys
import time

from harness import expect, expect_equal, expect_in, main

ROUNDING = 1e-9


def check(program, name, *sets, source=None):
    words = [word for each in sets for word in ("--set", each)]
    if source:
        (program.folder / f"{name}.yaml").write_text(source, encoding="utf-8")
    path = f"{name}.yaml" if source else program.scenario(name)
    done = program.run("check", path, *words, "--format", "json", "--quiet")
    return json.loads(done.stdout)


def stations(found, point=0):
    return {station["station"]: station for station in found["points"][point]["stations"]}


def expect_near(value, wanted, what, tolerance=ROUNDING):
    expect(value is not None and abs(value - wanted) <= tolerance * max(1, abs(wanted)),
           f"{what}: {value}, not {wanted}")


def erlang_c(servers, load):
    """By the sums that define it; the program goes by a recursion."""
    terms = [load ** k / math.factorial(k) for k in range(servers)]
    last = load ** servers / math.factorial(servers) * servers / (servers - load)
    return last / (sum(terms) + last)


# ---- closed forms ----

QUEUE = """
scenario: queue
stop: {samples: 20000}
warmup: {samples: 2000}
replications: 4
models: {task: {}}
tiers:
  - name: device
    arrivals: {poisson: RATE /s}
    compute: {servers: SERVERS, discipline: DISCIPLINE, time: {task: SERVICE}}
policy: local
"""


def queue(rate, service, servers=1, discipline="fifo"):
    return (QUEUE.replace("RATE", str(rate)).replace("SERVERS", str(servers))
            .replace("DISCIPLINE", discipline).replace("SERVICE", service))


def mm1(program):
    found = check(program, "mm1")
    device = stations(found)["device"]
    expect_near(device["utilisation"], 0.9, "utilisation")
    expect_near(device["wait_mean_s"], 9, "wait")
    expect_near(device["present_mean"], 9, "present")
    expect_equal(found["points"][0]["verdict"], "stable", "verdict")
    expect_equal(found["samples"], 4400000, "samples")


def mmc(program):
    device = stations(check(program, "mmc"))["device"]
    expect_near(device["wait_mean_s"], erlang_c(3, 2.4) / (3 - 2.4), "wait")
    expect_near(device["present_mean"], 2.4 * erlang_c(3, 2.4) / (3 - 2.4) + 2.4, "present")


def tandem(program):
    """A Poisson process leaves an M/M/1 queue (Burke), so the second one is M/M/1 too."""
    found = stations(check(program, "tandem"))
    for name, service in (("device-edge.up", 0.5), ("edge", 0.4)):
        load = 1.5 * service
        expect_near(found[name]["utilisation"], load, name)
        expect_near(found[name]["wait_mean_s"], load * service / (1 - load), f"wait, {name}")


SERVICES = {  # how it is written, and its squared coefficient of variation
    "constant": ("800 ms", 0),
    "lognormal": ("{lognormal: {mean: 800 ms, cv: 1.7}}", 1.7 ** 2),
    "gamma": ("{gamma: {mean: 800 ms, cv: 0.4}}", 0.4 ** 2),
    "uniform": ("{uniform: {from: 600 ms, to: 1 s}}", 0.4 ** 2 / 12 / 0.8 ** 2),
    "hyperexponential": ("{hyperexponential: {mean: 800 ms, cv: 3}}", 9),
}


def mg1(service):
    def case(program):
        written, c2 = SERVICES[service]
        device = stations(check(program, "queue", source=queue(1, written)))["device"]
        expect_near(device["wait_mean_s"], 0.8 * 0.8 * (1 + c2) / (2 * 0.2), "wait")

    return case


def sharing(program):
    """M/G/1 with sharing holds load / (1 - load), whatever the service is; nobody waits."""
    for written, _ in SERVICES.values():
        source = queue(1, written, discipline="sharing")
        device = stations(check(program, "queue", source=source))["device"]
        expect_near(device["present_mean"], 4, written)
        expect_equal(device["wait_mean_s"], 0, written)


def sharing_of_several(program):
    source = queue(2.2, "{lognormal: {mean: 1 s, cv: 2}}", servers=3, discipline="sharing")
    device = stations(check(program, "queue", source=source))["device"]
    expect_near(device["present_mean"], 2.2 + 2.2 * erlang_c(3, 2.2) / (3 - 2.2), "present")


LINK = """
scenario: link
stop: {samples: 20000}
replications: 4
samples: {payload: {lognormal: {mean: 100 kB, cv: 1.5}}, answer: 30 kB}
models: {task: {}}
tiers:
  - {name: device, nodes: 30, arrivals: {poisson: 0.2 /s}}
  - {name: edge, compute: {time: {task: 1 ms}}}
links:
  - {from: device, to: edge, count: 3, up: 1 MB/s, down: 1 MB/s, overhead: 1 kB MORE}
policy: full_offload
"""


def fifo_link(program):
    """Thirty devices on three media: two messages a second each, M/G/1."""
    up = stations(check(program, "link", source=LINK.replace(" MORE", "")))["device-edge.up"]
    square = 0.101 ** 2 + (0.1 * 1.5) ** 2
    expect_near(up["arrival_rate_per_s"], 6, "arrival rate")
    expect_near(up["utilisation"], 0.202, "utilisation")
    expect_near(up["wait_mean_s"], 2 * square / (2 * (1 - 0.202)), "wait")


def fair_half_duplex_link(program):
    """Both directions share a medium: load / (1 - load) messages are on it."""
    found = stations(check(program, "link", source=LINK.replace(
        " MORE", ", sharing: fair, duplex: half")))
    load = 2 * (0.101 + 0.031)
    for end, own in (("up", 2 * 0.101), ("down", 2 * 0.031)):
        expect_near(found["device-edge." + end]["present_mean"], 3 * own / (1 - load), end)


def uneven_lanes(program):
    """Seven devices on two nodes: four use one, three the other; each node is an M/M/1 queue."""
    source = """
scenario: uneven
stop: {samples: 20000}
models: {task: {}}
tiers:
  - {name: device, nodes: 7, arrivals: {poisson: 1 /s}}
  - {name: edge, nodes: 2, compute: {time: {task: {exponential: 200 ms}}}}
links:
  - {from: device, to: edge}
policy: full_offload
"""
    edge = stations(check(program, "uneven", source=source))["edge"]
    waits = {rate: rate / 5 * 0.2 / (1 - rate / 5) for rate in (3, 4)}
    expect_near(edge["arrival_rate_per_s"], 7, "arrival rate")
    expect_near(edge["utilisation"], 0.7, "utilisation")
    expect_near(edge["offered_load"], 0.8, "load of the fuller node")
    expect_near(edge["wait_mean_s"], (3 * waits[3] + 4 * waits[4]) / 7, "wait")
    balanced = check(program, "uneven", "tiers.edge.balance=least_wait", source=source)
    expect_near(stations(balanced)["edge"]["wait_mean_s"], erlang_c(2, 1.4) / (10 - 7),
                "wait for whichever node is free first")


def changing_rate(program):
    """A rate of 4 for half of the time and 12 for the other: the mean over samples of two waits."""
    source = queue(4, "{exponential: 50 ms}").replace("stop: {samples: 20000}", "stop: {time: 2 h}"
                                                      ).replace("warmup: {samples: 2000}", "")
    source = source.replace("    compute:", "    profile: {times: [0 h, 1 h], factors: [1, 3]}\n"
                            "    compute:")
    found = check(program, "queue", source=source)
    device = stations(found)["device"]
    expect_near(found["points"][0]["samples"], 3600 * 16, "samples")
    expect_near(device["arrival_rate_per_s"], 8, "arrival rate")
    waits = {rate: rate / 20 * 0.05 / (1 - rate / 20) for rate in (4, 12)}
    expect_near(device["wait_mean_s"], (waits[4] * 4 + waits[12] * 12) / 16, "wait")
    expect_equal(device["note"], "", "note")
    found = check(program, "queue", source=source.replace("50 ms", "100 ms"))
    device = stations(found)["device"]
    expect_equal(found["points"][0]["verdict"], "stable", "verdict")
    expect_equal(device["note"], "overloaded at times, with an offered load of up to 1.2", "note")
    expect_equal(device["wait_mean_s"], None, "wait")


# ---- what cannot be told, and what is too much ----

OBSTACLES = {
    "deterministic arrivals": ("tiers.device.arrivals={deterministic: 2 s}", ""),
    "closed loop": ("tiers.device.arrivals={closed: {in_flight: 1}}",
                    "a closed loop: loads are the most that there can be, if nothing waited"),
    "bursts": ("tiers.device.bursts={every: 10 s, samples: 3}",
               "samples arise in bursts: nothing is known of the wait"),
    "shortest first": ("tiers.device.compute.discipline=shortest",
                       "not served in the order of arrival: wait not known"),
    "failures": ("tiers.device.compute.failures={every: 1 h, repair: 1 min}",
                 "nodes fail: load by the time that they work, wait not known"),
    "patience": ("tiers.device.compute.patience=1 s", "some lose patience: wait not known"),
    "room": ("tiers.device.compute.room=2", "some find it full: wait not known"),
    "room enough": ("tiers.device.compute.room=1000", ""),
}


def obstacle(name):
    def case(program):
        change, note = OBSTACLES[name]
        found = check(program, "queue", change, source=queue(0.5, "1 s"))
        device = stations(found)["device"]
        expect_equal(device["note"], note, "note")
        expect_equal(device["wait_mean_s"] is None, note != "", "whether the wait is unknown")
        expect_equal(found["points"][0]["verdict"], "stable", "verdict")

    return case


def overloaded(program):
    found = check(program, "mm1", "tiers.device.arrivals={poisson: 1.25 /s}")
    expect_equal(found["points"][0]["verdict"], "overloaded: device (offered load 1.25)", "verdict")
    device = stations(found)["device"]
    expect_equal((device["utilisation"], device["wait_mean_s"]), (1, None), "utilisation and wait")
    expect_equal(device["note"], "overloaded: the queue grows as long as the run lasts", "note")
    text = program.run("check", program.scenario("mm1"), "--set",
                       "tiers.device.arrivals={poisson: 1.25 /s}").stdout
    expect_in("overloaded: device (offered load 1.25)", text, "table")


def closed_loop(program):
    """A device that waits for its answer before it sends again: 4.122 s at the edge, 10 ms each way
    on the link and what 110 kB and 100 B take there."""
    found = stations(check(program, "batch-hi-testbed", "policy=full_offload"))
    round_s = 4.122 + 0.02 + (110000 + 100) / 6.25e6
    expect_near(found["edge"]["arrival_rate_per_s"], 1 / round_s, "arrival rate", 1e-6)
    expect_near(found["edge"]["utilisation"], 4.122 / round_s, "utilisation", 1e-6)


# ---- against simulation ----

def explained(program, *words):
    done = program.run("run", *words, "--explain", "--no-store", "--format", "json", "--quiet")
    return json.loads(done.stdout)["points"]


# Of an expectation, beside the half width of the simulated mean.
TOLERANCE = {"offload_fraction": 0.01, "arrival_rate_per_s": 0.01, "utilisation": 0.01,
             "present_mean": 0.03, "wait_mean_s": 0.08}


def expect_explained(point, tolerance, least_wait_s=1e-6):
    """Waits below a microsecond are those of rare events, of which a run has few."""
    seen = 0
    for name, predicted in point["predicted"].items():
        family = name.split(".")[0]
        simulated = point["metrics"][name]
        if predicted is None or simulated["mean"] is None or family not in tolerance:
            continue
        if family == "wait_mean_s" and predicted < least_wait_s:
            continue
        gap = abs(predicted - simulated["mean"])
        allowed = simulated["half_width"] + tolerance[family] * abs(predicted)
        expect(gap <= allowed, f"{point['policy']}, {name}: {predicted}, simulated {simulated}")
        seen += 1
    return seen


def digits(program):
    """hi-digits, all policies: shares, loads and waits as simulated."""
    points = explained(program, program.scenario("hi-digits"), "--replications", "10")
    expect_equal(len(points), 4, "points")
    for point in points:
        expect(expect_explained(point, TOLERANCE) >= 10, "little was compared")
    shares = {point["policy"]: point["predicted"]["offload_fraction"] for point in points}
    expect_equal((shares["local"], shares["full_offload"]), (0, 1), "shares")
    expect(0.3 < shares["hi_threshold"] < 0.4, f"share of hi_threshold: {shares}")


BATCHES = """
scenario: batches
stop: {samples: 60000}
warmup: {samples: 5000}
replications: 6
models: {task: {}}
tiers:
  - {name: device, nodes: 20, arrivals: {poisson: RATE /s}}
  - name: edge
    compute: {batch: {most: 8, wait: HOLD}, time: {task: {linear: {base: 10 ms, each: 3 ms}}}}
links:
  - {from: device, to: edge, count: 1}
policy: full_offload
"""


def batches(rate, hold, tolerance):
    """Without a hold the chain is exact; with one the age of the oldest sample is its mean."""
    def case(program):
        (program.folder / "batches.yaml").write_text(
            BATCHES.replace("RATE", str(rate)).replace("HOLD", hold), encoding="utf-8")
        point = explained(program, "batches.yaml")[0]
        expect_explained(point, {"utilisation": tolerance, "wait_mean_s": tolerance,
                                 "present_mean": tolerance})
        expect(point["predicted"]["wait_mean_s.edge"] > 1e-3, "no wait")

    return case


ROW = """
scenario: row
stop: {samples: 60000}
warmup: {samples: 5000}
replications: 6
samples: {payload: PAYLOAD}
models: {task: {}}
tiers:
  - {name: device, nodes: NODES, arrivals: ARRIVALS}
  - {name: edge, compute: {time: {task: {gamma: {mean: 350 ms, cv: 0.5}}}}}
links:
  - {from: device, to: edge, count: 1, up: RATE}
policy: full_offload
"""
ROWS = {  # nodes, arrivals, payload, rate, and by what the wait behind may be wrong
    "Poisson": (2, "{poisson: 1 /s}", "80 kB", "2 MB/s", 1.0, 1.1),
    "behind constant service": (2, "{poisson: 1 /s}", "80 kB", "200 kB/s", 1.0, 2.1),
    "irregular": (2, "{gamma: {rate: 1 /s, cv: 3}}", "80 kB", "2 MB/s", 0.6, 1.1),
    "regular": (20, "{deterministic: {period: 10 s, phase: random}}", "80 kB", "2 MB/s", 0.8, 2.1),
}


def in_a_row(name):
    """Behind others stations have arrivals of a variability that is approximate."""
    def case(program):
        *values, least, most = ROWS[name]
        text = ROW
        for word, value in zip(("NODES", "ARRIVALS", "PAYLOAD", "RATE"), values):
            text = text.replace(word, str(value))
        (program.folder / "row.yaml").write_text(text, encoding="utf-8")
        point = explained(program, "row.yaml")[0]
        expect_explained(point, {"utilisation": 0.02, "arrival_rate_per_s": 0.02})
        predicted = point["predicted"]["wait_mean_s.edge"]
        simulated = point["metrics"]["wait_mean_s.edge"]
        share = predicted / simulated["mean"]
        slack = simulated["half_width"] / simulated["mean"]
        expect(least - slack <= share <= most + slack, f"{predicted}, simulated {simulated}")

    return case


# ---- formats ----

def formats(program):
    found = check(program, "hi-digits")
    rows = [{"point": str(point["point"]), "policy": point["policy"],
             "verdict": point["verdict"], "station": station["station"],
             "utilisation": station["utilisation"], "wait_mean_s": station["wait_mean_s"]}
            for point in found["points"] for station in point["stations"]]
    text = program.run("check", program.scenario("hi-digits"), "--format", "csv", "-q").stdout
    table = list(csv.DictReader(io.StringIO(text), strict=True))
    expect_equal(len(table), len(rows), "rows")
    for row, wanted in zip(table, rows):
        for key in ("point", "policy", "verdict", "station"):
            expect_equal(row[key], wanted[key], key)
        for key in ("utilisation", "wait_mean_s"):
            expect_equal(float(row[key]) if row[key] else None, wanted[key], key)
    for form in ("table", "md"):
        done = program.run("check", program.scenario("hi-digits"), "--format", form)
        expect_in("expected, by theory and 1797 samples that met no queue:", done.stdout, form)
        expect_in("theta=[0.607]", done.stdout, form)
        expect_in("1600000 samples in 80 replications: ", done.stderr, "remark")
    quiet = program.run("check", program.scenario("hi-digits"), "-q")
    expect_equal(quiet.stderr, "", "standard error when quiet")


def explain_formats(program):
    words = ("run", program.scenario("mm1"), "-n", "2", "--set", "stop={samples: 20000}",
             "--set", "warmup={samples: 1000}", "--no-store", "-q")
    text = program.run(*words, "--explain").stdout
    expect_in("\nprediction and simulation:\n", text, "table")
    waits = [line.split()[1] for line in text.splitlines() if line.startswith("wait_mean_s.device")]
    expect_equal(waits, ["9.0"], "expected wait")
    rows = list(csv.DictReader(io.StringIO(program.run(*words, "--explain", "-f", "csv").stdout)))
    expect_equal([row["predicted"] for row in rows if row["metric"] == "utilisation.device"],
                 ["0.9"], "csv")
    expect_equal({row["predicted"] for row in rows if row["metric"] == "accuracy"}, {""}, "csv")
    rows = list(csv.DictReader(io.StringIO(program.run(*words, "-f", "csv").stdout)))
    expect("predicted" not in rows[0], "a prediction that nobody asked for")
    plain = json.loads(program.run(*words, "-f", "json").stdout)
    expect("predicted" not in plain["points"][0], "a prediction that nobody asked for")


def deterministic(program):
    for name in ("fleet", "rush-hour", "compare-all"):
        texts = [check(program, name) for _ in range(2)]
        for text in texts:
            del text["seconds_left"]
        expect_equal(texts[0], texts[1], name)


def quick(program):
    """A hundred thousand devices, twice: far less than running them takes. The limit is generous,
    as the machine may be busy."""
    start = time.monotonic()
    check(program, "fleet")
    expect(time.monotonic() - start < 2, f"it took {time.monotonic() - start:.2f} s")


CASES = (
    [("M/M/1", mm1), ("M/M/3", mmc), ("tandem", tandem)]
    + [(f"M/G/1: {name}", mg1(name)) for name in SERVICES]
    + [("sharing", sharing), ("sharing, three servers", sharing_of_several),
       ("a link", fifo_link), ("a link: fair, half duplex", fair_half_duplex_link),
       ("nodes with more and with fewer devices", uneven_lanes),
       ("a rate that changes", changing_rate)]
    + [(f"obstacle: {name}", obstacle(name)) for name in OBSTACLES]
    + [("overloaded", overloaded), ("closed loop", closed_loop), ("hi-digits as simulated", digits)]
    + [(f"batches as simulated: {rate} /s, {hold}", batches(rate, hold, tolerance))
       for rate, hold, tolerance in ((5, "0 s", 0.01), (8, "0 s", 0.01), (5, "10 ms", 0.06),
                                     (8, "100 ms", 0.03))]
    + [(f"in a row as simulated: {name}", in_a_row(name)) for name in ROWS]
    + [("formats", formats), ("formats of run --explain", explain_formats),
       ("deterministic", deterministic), ("quick", quick)]
)

if __name__ == "__main__":
    sys.exit(main(CASES))
