#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds arrivals, classes of devices, drift and labels against theory and direct computation.

usage: workloads.py OFFLOADSIM SCENARIOS

Random quantities are asked to have the theory inside their 99 % interval; seeds are fixed, so a
case either holds or does not. What is deterministic must agree to rounding. The trace of requests
is the file arrivals/AzureLLMInferenceTrace_conv.csv in the folder that the environment variable
OFFLOADSIM_DATA names, else in ../shared/data beside the source; without it its cases are skipped.
"""

import csv
import datetime
import json
import math
import os
import pathlib
import sqlite3
import statistics
import subprocess
import sys
import tempfile

CONFIDENCE = 0.99
EXACT = 1e-9
REQUESTS = pathlib.Path("arrivals") / "AzureLLMInferenceTrace_conv.csv"

HEAD = """scenario: workload
stop: {stop}
warmup: {warmup}
replications: {replications}
models: {{task: {{}}}}
policy: local
tiers:
  - name: device
    nodes: {nodes}
    arrivals: {arrivals}
    {more}
    compute: {{servers: {servers}, time: {{task: {service}}}}}
"""


class Cases:
    def __init__(self, program, scenarios):
        self.program = program
        self.scenarios = scenarios
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="offloadsim-workloads-"))
        self.count = 0

    def tell(self, name, good, *details):
        self.count += 1
        print(f"{'ok' if good else 'not ok'} {self.count} - {name}")
        if not good:
            for detail in details:
                print("# " + str(detail).replace("\n", "\n# "))
        sys.stdout.flush()

    def run(self, text, *sets):
        """The metrics of the first point of a scenario that is given as a text."""
        path = self.folder / "scenario.yaml"
        path.write_text(text)
        command = [self.program, "run", str(path), "--no-store", "--quiet", "--format", "json",
                   "--jobs", "2", "--set", f"confidence={100 * CONFIDENCE} %"]
        for override in sets:
            command += ["--set", override]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        return json.loads(done.stdout)["points"][0]["metrics"]

    def simple(self, arrivals, *, stop="{time: 100 s}", warmup="none", replications=2000, nodes=1,
               more="", servers=1, service="1 ns"):
        return self.run(HEAD.format(**{key: value for key, value in locals().items()
                                       if key != "self"}))

    def holds(self, name, estimate, theory):
        half = estimate["half_width"] or 0
        self.tell(name, abs(estimate["mean"] - theory) <= max(half, EXACT * abs(theory)),
                  f"theory {theory:.9g}, simulated {estimate['mean']:.9g} +- {half:.3g}")

    def equals(self, name, found, wanted, room=EXACT):
        self.tell(name, abs(found - wanted) <= room * max(1, abs(wanted)),
                  f"{found:.17g}, not {wanted:.17g}")


def spread(estimate, count):
    """The standard deviation between replications, from the half width of their interval."""
    z = statistics.NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    n = count - 1
    # Cornish and Fisher's expansion of Student's quantile; exact to 1e-8 for so many.
    t = z + (z**3 + z) / (4 * n) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * n * n)
    return estimate["half_width"] / t * math.sqrt(count)


# ---- processes: mean and dispersion of the number of arrivals ----

def modulated_variance(rates, leave, horizon):
    """Var N(T) of a two-state MMPP in equilibrium: the Poisson part and the integral of the
    covariance of the rate, exp(-(a + b) t) times the product of the shares and of the squared
    difference (Fischer and Meier-Hellstern, Performance Evaluation 18, 1993)."""
    total = sum(leave)
    share = (leave[1] / total, leave[0] / total)
    mean = share[0] * rates[0] + share[1] * rates[1]
    covariance = share[0] * share[1] * (rates[0] - rates[1]) ** 2
    return mean, mean * horizon + 2 * covariance * (
        horizon / total - (1 - math.exp(-total * horizon)) / total**2)


def check_processes(cases):
    replications, horizon = 2000, 100.0
    erlang = horizon * 2 / 2 + (1 - math.exp(-4 * 2 * horizon)) / 8
    mmpp = modulated_variance((1.0, 8.0), (1 / 10, 1 / 3), horizon)
    on_off = modulated_variance((0.0, 5.0), (1 / 4, 1 / 2), horizon)
    rows = [
        ("Poisson", "{poisson: 2 /s}", 2, 2 * horizon),
        # Equilibrium renewal process of Erlang-2 intervals (Cox 1962, sec. 4.5).
        ("gamma, cv^2 1/2", f"{{gamma: {{rate: 2 /s, cv: {math.sqrt(0.5)!r}}}}}", 2, erlang),
        ("MMPP of two states", "{mmpp: {rates: [1 /s, 8 /s], stays: [10 s, 3 s]}}",
         mmpp[0], mmpp[1]),
        ("on-off, exponential",
         "{on_off: {rate: 5 /s, on: {exponential: 2 s}, off: {exponential: 4 s}}}",
         on_off[0], on_off[1]),
        ("deterministic, random phase", "{deterministic: {period: 0.6 s, phase: random}}",
         1 / 0.6, (horizon / 0.6 % 1) * (1 - horizon / 0.6 % 1)),
    ]
    for name, arrivals, mean, variance in rows:
        rate = cases.simple(arrivals, replications=replications)["arrival_rate_per_s.device"]
        cases.holds(f"{name}: mean rate", rate, mean)
        ratio = (spread(rate, replications) * horizon) ** 2 / variance
        # The sample variance of about normal numbers; a two-point law varies less than that.
        half = 2.576 * math.sqrt(2 / (replications - 1))
        cases.tell(f"{name}: variance of the number of arrivals", abs(ratio - 1) < half,
                   f"simulated / theory {ratio:.4f}, not 1 +- {half:.4f}")
    # A short horizon sees the start: in equilibrium the mean rate is the same there.
    for name, arrivals, mean in [
            ("gamma, cv 3", "{gamma: {rate: 2 /s, cv: 3}}", 2),
            ("gamma, cv 0.3", "{gamma: {rate: 2 /s, cv: 0.3}}", 2),
            ("MMPP of three states", "{mmpp: {rates: [0 /s, 6 /s, 1 /s], stays: [1 s, 2 s, 4 s], "
             "next: [[0, 0.5, 0.5], [0.25, 0, 0.75], [1, 0, 0]]}}",
             three_states((0, 6, 1), (1, 2, 4)))]:
        rate = cases.simple(arrivals, stop="{time: 0.5 s}", nodes=100)
        cases.holds(f"{name}: equilibrium at the start", rate["arrival_rate_per_s.device"],
                    100 * mean)


def three_states(rates, stays):
    # Visits v = v P by hand: v0 = v1 / 4 + v2, v1 = v0 / 2, v2 = v0 / 2 + 3 v1 / 4.
    visits = (1, 1 / 2, 7 / 8)
    time = sum(v * s for v, s in zip(visits, stays))
    return sum(v * s * r for v, s, r in zip(visits, stays, rates)) / time


# ---- profile ----

PROFILE = "profile: {times: [0 s, 30 s, 50 s], factors: [0.5, 3, 0], period: 60 s}"


def factor(t):
    t %= 60
    return 0.5 if t < 30 else 3 if t < 50 else 0


def grown(start, end, steps=120000):
    """The integral of the factor by the midpoint rule; its jumps lie on the grid."""
    width = (end - start) / steps
    return sum(factor(start + (i + 0.5) * width) for i in range(steps)) * width


def check_profile(cases):
    for name, arrivals, rate in [("Poisson", "{poisson: 2 /s}", 2),
                                 ("gamma", "{gamma: {rate: 2 /s, cv: 2}}", 2),
                                 ("MMPP", "{mmpp: {rates: [1 /s, 8 /s], stays: [10 s, 3 s]}}",
                                  (10 * 1 + 3 * 8) / 13)]:
        for start, end in [(0, 30), (30, 50), (20, 80), (110, 150)]:
            metrics = cases.simple(arrivals, more=PROFILE, stop=f"{{time: {end} s}}",
                                   warmup=f"{{time: {start} s}}", replications=400, nodes=4)
            cases.holds(f"profile: {name} from {start} to {end} s",
                        metrics["arrival_rate_per_s.device"],
                        4 * rate * grown(start, end) / (end - start))
    metrics = cases.simple("{poisson: 2 /s}", more=PROFILE, stop="{time: 60 s}",
                           warmup="{time: 50 s}", replications=20)
    cases.equals("profile: nothing arises where the factor is 0",
                 metrics["arrival_rate_per_s.device"]["mean"], 0)
    # One in the middle of each second of the own clock, which gains 75 s in a period.
    metrics = cases.simple("{deterministic: {period: 1 s, phase: 0.5 s}}", more=PROFILE,
                           stop="{time: 120 s}", replications=2)
    cases.equals("profile: deterministic arrivals", metrics["throughput_per_s"]["mean"],
                 2 * 75 / 120)
    # M_t/G/infinity: the mean number present is the integral of rate(t - u) P(S > u) du (Eick,
    # Massey and Whitt, Management Science 39, 1993).
    start, end, step = 45.0, 75.0, 0.05
    for law, survives in [("{exponential: 4 s}", lambda u: math.exp(-u / 4)),
                          ("{uniform: {from: 0 s, to: 12 s}}", lambda u: max(0, 1 - u / 12))]:
        metrics = cases.simple("{poisson: 2 /s}", more=PROFILE, stop=f"{{time: {end} s}}",
                               warmup=f"{{time: {start} s}}", servers=500, service=law,
                               replications=1000)
        tail = [survives((i + 0.5) * step) for i in range(int(45 / step))]
        total = times = 0
        t = start + step / 2
        while t < end:
            total += sum(2 * factor(t - (i + 0.5) * step) * s * step
                         for i, s in enumerate(tail) if t - (i + 0.5) * step > 0)
            times += 1
            t += step
        cases.holds(f"profile: M_t/G/infinity, {law}", metrics["present_mean.device"],
                    total / times)


# ---- time stamps ----

def stamps_of(path):
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    times = []
    for row in rows:
        whole, part = row["TIMESTAMP"].split(".")
        second = datetime.datetime.fromisoformat(whole).replace(tzinfo=datetime.timezone.utc)
        times.append((int(second.timestamp()), float("0." + part)))
    first = times[0]
    return [(a - first[0]) + (b - first[1]) for a, b in times]


def check_requests(cases, data):
    path = data / REQUESTS
    if not path.exists():
        cases.count += 1
        print(f"ok {cases.count} - request trace # SKIP {REQUESTS} is not there; OFFLOADSIM_DATA "
              "names its folder")
        return
    stamps = stamps_of(path)
    file = f"file: '{path}', column: TIMESTAMP"
    for start, end in [(0, 60), (600, 1800), (3000, 3600)]:
        wanted = sum(start <= t <= end for t in stamps)
        for nodes in (1, 7):
            metrics = cases.simple(f"{{times: {{{file}, repeat: false}}}}", nodes=nodes,
                                   stop=f"{{time: {end} s}}", warmup=f"{{time: {start} s}}",
                                   replications=1)
            cases.equals(f"request trace: {nodes} nodes from {start} to {end} s",
                         metrics["arrival_rate_per_s.device"]["mean"] * (end - start), wanted)
    whole = cases.simple(f"{{times: {{{file}, repeat: false}}}}", stop="{samples: 1000000}",
                         replications=1)
    cases.equals("request trace: its end is the end of the run",
                 whole["throughput_per_s"]["mean"] * stamps[-1], len(stamps), 1e-3)
    period = stamps[-1] * len(stamps) / (len(stamps) - 1)
    again = cases.simple(f"{{times: {{{file}}}}}", stop=f"{{time: {2 * period} s}}",
                         warmup=f"{{time: {period} s}}", replications=1)
    cases.equals("request trace: it repeats", again["arrival_rate_per_s.device"]["mean"] * period,
                 len(stamps), 1e-3)
    for nodes in (1, 10):
        scaled = cases.simple(f"{{times: {{{file}, rate: 2 /s}}}}", nodes=nodes,
                              stop=f"{{time: {len(stamps) / (2 * nodes)!r} s}}", replications=1)
        cases.equals(f"request trace: scaled to 2 /s at each of {nodes}",
                     scaled["arrival_rate_per_s.device"]["mean"], 2 * nodes, 1e-3)
    each = cases.simple(f"{{times: {{{file}, rate: 2 /s, to: each}}}}", nodes=20,
                        stop=f"{{time: {len(stamps) / 2!r} s}}", replications=2)
    cases.equals("request trace: each node gets all of it, once in a round",
                 each["arrival_rate_per_s.device"]["mean"], 40, 1e-3)
    # Waits in a queue with constant service, by Lindley's recursion over the stamps.
    wait = total = 0.0
    service = 0.15
    for i, t in enumerate(stamps):
        wait = max(0.0, wait + service - (t - stamps[i - 1])) if i else 0.0
        total += wait
    metrics = cases.simple(f"{{times: {{{file}, repeat: false}}}}", stop="{samples: 1000000}",
                           service="150 ms", replications=1)
    cases.equals("request trace: mean wait by Lindley's recursion",
                 metrics["wait_mean_s.device"]["mean"], total / len(stamps), 1e-6)


# ---- what a point depends on ----

def check_hashes(cases):
    """The content of a file counts, not where it is."""
    def hash_of(file, text):
        path = cases.folder / file
        path.write_text(text)
        scenario = cases.folder / "scenario.yaml"
        scenario.write_text(HEAD.format(arrivals=f"{{times: {{file: {file}}}}}",
                                        stop="{samples: 10}", warmup="none", replications=1,
                                        nodes=1, more="", servers=1, service="1 s"))
        store = cases.folder / "results.db"
        subprocess.run([cases.program, "run", str(scenario), "--quiet", "--db", str(store)],
                       check=True, stdout=subprocess.DEVNULL)
        with sqlite3.connect(store) as base:
            return base.execute("select hash from points order by id desc limit 1").fetchone()[0]

    first = hash_of("a.csv", "at\n0\n1\n3\n")
    cases.tell("hash: the same times elsewhere", hash_of("b.csv", "at\n0\n1\n3\n") == first)
    cases.tell("hash: other times", hash_of("a.csv", "at\n0\n1\n4\n") != first)


# ---- bursts ----

def check_bursts(cases):
    metrics = cases.simple("{poisson: 1 /s}", nodes=5, replications=500,
                           more="bursts: {every: {exponential: 4 s}, samples: 3, spread: 1 s}")
    # What is spread past the end is not there: half a spread, about, of each burst at the end.
    cases.tell("bursts: mean rate",
               abs(metrics["arrival_rate_per_s.device"]["mean"] - 5 * (1 + 3 / 4)) <=
               metrics["arrival_rate_per_s.device"]["half_width"] + 5 * 3 / 4 * 0.5 / 100,
               metrics["arrival_rate_per_s.device"])
    # All devices at once: 50 samples at a shared server each time, of which the k-th waits k - 1
    # services, for the bursts are too far apart to meet.
    text = """scenario: bursts
stop: {time: 1000 s}
replications: 2
models: {task: {}}
policy: full_offload
tiers:
  - name: device
    nodes: 25
    arrivals: {deterministic: {period: 1e9 s, phase: 1e9 s}}
    bursts: {every: {uniform: {from: 5 s, to: 10 s}}, samples: 2}
  - {name: edge, compute: {time: {task: 50 ms}}}
links:
  - {from: device, to: edge}
"""
    metrics = cases.run(text)
    cases.equals("bursts: all devices at the same times", metrics["wait_mean_s.edge"]["mean"],
                 0.05 * 49 / 2)


# ---- classes ----

CLASSES = """scenario: classes
stop: {time: 3000 s}
warmup: {time: 300 s}
replications: 20
samples: {deadline: 10 s}
models: {task: {}}
policy: local
tiers:
  - name: device
    classes:
      - {name: phone, nodes: 3, arrivals: {poisson: 0.5 /s}, deadline: 2 s,
         compute: {time: {task: {exponential: 1 s}}}}
      - {name: camera, nodes: 4, arrivals: {gamma: {rate: 0.2 /s, cv: 1}},
         compute: {time: {task: {exponential: 2 s}}}}
"""
ALONE = """scenario: alone
stop: {time: 3000 s}
warmup: {time: 300 s}
replications: 20
samples: {deadline: 2 s}
models: {task: {}}
policy: local
tiers:
  - name: device
    nodes: 3
    arrivals: {poisson: 0.5 /s}
    compute: {time: {task: {exponential: 1 s}}}
"""


def check_classes(cases):
    mixed = cases.run(CLASSES)
    alone = cases.run(ALONE)
    for name in ("latency_mean_s", "latency_p95_s", "on_time_accuracy", "deadline_miss_fraction",
                 "accuracy", "offload_fraction"):
        # Devices of the first class have the same numbers in both, and so the same samples.
        cases.tell(f"classes: {name} of the first class is that of its own scenario",
                   mixed[name + ".phone"] == alone[name], mixed[name + ".phone"], alone[name])
    for name in ("utilisation", "wait_mean_s", "present_mean"):
        same = all(abs(mixed[name + ".device.phone"][k] - alone[name + ".device"][k]) < EXACT
                   for k in ("mean", "half_width"))
        cases.tell(f"classes: {name} of the first class is that of its own scenario", same,
                   mixed[name + ".device.phone"], alone[name + ".device"])
    # The second class is four M/M/1 of load 0.4.
    cases.holds("classes: M/M/1 of the second class", mixed["latency_mean_s.camera"],
                1 / (0.5 - 0.2))
    cases.holds("classes: its deadline is that of the scenario",
                mixed["deadline_miss_fraction.camera"], math.exp(-(0.5 - 0.2) * 10))
    cases.holds("classes: share of the samples", mixed["offered_fraction.phone"], 1.5 / 2.3)
    one = cases.run(CLASSES, "replications=1")
    share = {c: one[f"offered_fraction.{c}"]["mean"] for c in ("phone", "camera")}
    cases.equals("classes: shares add up to 1", sum(share.values()), 1)
    for name in ("accuracy", "on_time_accuracy", "offload_fraction", "deadline_miss_fraction",
                 "latency_mean_s"):
        cases.equals(f"classes: {name} adds up to the total",
                     sum(share[c] * one[f"{name}.{c}"]["mean"] for c in share), one[name]["mean"])


# ---- drift and labels ----

def digits(scenarios):
    with open(scenarios / "data" / "digits.csv", newline="") as file:
        return list(csv.DictReader(file))


def by_label(rows, column="s_ok"):
    found = {}
    for row in rows:
        found.setdefault(int(row["label"]), []).append(int(row[column]))
    return {label: sum(values) / len(values) for label, values in found.items()}


def digits_scenario(trace, stop, warmup, more=""):
    return f"""scenario: digits
stop: {{samples: {stop}}}
warmup: {warmup}
replications: 2
samples: {{trace: '{trace}', label: label}}
measure: {{labels: true}}
models:
  small: {{exits: {{end: {{confidence: s_conf, prediction: s_pred, correct: s_ok}}}}}}
policy: local
tiers:
  - {{name: device, arrivals: {{deterministic: {{period: 1 s}}}},
     compute: {{time: {{small: 1 ms}}}}}}
{more}
"""


def check_labels(cases):
    rows = digits(cases.scenarios)
    trace = cases.scenarios.resolve() / "data" / "digits.csv"
    metrics = cases.run(digits_scenario(trace, len(rows), "none"))
    direct = by_label(rows)
    for label, accuracy in sorted(direct.items()):
        cases.equals(f"labels: accuracy of {label}", metrics[f"label_accuracy.{label}"]["mean"],
                     accuracy)
    cases.equals("labels: the worst of ten", metrics["label_accuracy_worst_tenth"]["mean"],
                 min(direct.values()))
    # 25 labels, one of them without samples: two of the 24 others are the worst tenth.
    path = cases.folder / "many.csv"
    many = []
    for i in range(2400):
        label = i % 24 + (i % 24 >= 7)
        many.append({"label": label, "s_conf": 0.5, "s_pred": 0,
                     "s_ok": int(i // 24 % 100 >= 3 * label)})
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, many[0])
        writer.writeheader()
        writer.writerows(many)
    metrics = cases.run(digits_scenario(path, len(many), "none"))
    worst = sorted(by_label(many).values())[:2]
    cases.equals("labels: the worst two of 24", metrics["label_accuracy_worst_tenth"]["mean"],
                 sum(worst) / 2)
    cases.tell("labels: one without samples says nothing",
               metrics["label_accuracy.7"]["mean"] is None, metrics["label_accuracy.7"])


def check_drift(cases):
    rows = digits(cases.scenarios)
    trace = cases.scenarios.resolve() / "data" / "digits.csv"
    path = cases.folder / "later.csv"
    later = [row for row in rows if int(row["label"]) in (1, 8, 9)]
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(later)
    # A sample a second from 0 s on: the change comes before sample number `at`, after which whole
    # passes through the other trace begin.
    n = len(later)
    at = n * math.ceil(len(rows) / n)
    drift = f"drift:\n  - {{at: {at - 0.5} s, samples: {{trace: '{path}'}}}}"
    before = cases.run(digits_scenario(trace, len(rows), "none", drift))
    after = cases.run(digits_scenario(trace, at + 2 * n, f"{{samples: {at}}}", drift))
    right = sum(int(row["s_ok"]) for row in rows) / len(rows)
    cases.equals("drift: accuracy before", before["accuracy"]["mean"], right)
    cases.equals("drift: accuracy after", after["accuracy"]["mean"],
                 sum(int(row["s_ok"]) for row in later) / n)
    for label, accuracy in by_label(later).items():
        cases.equals(f"drift: accuracy of label {label} after",
                     after[f"label_accuracy.{label}"]["mean"], accuracy)
    # Generated samples: the exits of the later generator stand in another order.
    one = "{confidence: [0, 1], right: [0.9]}"
    other = "{confidence: [0, 1], right: [0.3], confidence_with: 0, right_with: 0}"
    files = {"first": f"{{s: {one}}}",
             "second": f"{{t: {one.replace('0.9', '0.2')}, s: {other}}}"}
    for name, exits in files.items():
        (cases.folder / f"{name}.yaml").write_text(
            f"generator: {name}\nquantiles: [0, 1]\nexits: {exits}\nclasses: [0.25, 0.75]\n")
    text = """scenario: generated-drift
stop: {samples: 1}
samples: {generated: first.yaml}
measure: {labels: true}
models: {small: {exits: {end: {outcome: s}}}}
policy: local
tiers:
  - {name: device, arrivals: {poisson: 1 /s}, compute: {time: {small: 1 us}}}
drift: [{at: 1000 s, samples: {generated: second.yaml}}]
"""
    for (start, end), right in (((0, 1000), 0.9), ((1000, 2000), 0.3)):
        metrics = cases.run(text, f"stop={{time: {end} s}}", f"warmup={{time: {start} s}}",
                            "replications=100")
        for name in ("accuracy", "label_accuracy.0", "label_accuracy.1"):
            cases.holds(f"drift: generated samples from {start} s: {name}", metrics[name], right)
    change = "drift:\n  - {at: 20 s, arrivals: 3}\n  - {at: 50 s, arrivals: 0.5}\n"
    for start, end, theory in [(0, 20, 2), (20, 50, 6), (10, 60, (20 + 180 + 10) / 50),
                               (50, 90, 1)]:
        text = HEAD.format(arrivals="{poisson: 2 /s}", stop=f"{{time: {end} s}}",
                           warmup=f"{{time: {start} s}}", replications=1000, nodes=1, more="",
                           servers=1, service="1 ns")
        cases.holds(f"drift: arrivals from {start} to {end} s",
                    cases.run(text + change)["arrival_rate_per_s.device"], theory)
    # With a profile the factors multiply: 0.5 * 3 from 20 s, 3 * 3 from 30 s, 3 * 0.5 from 50 s.
    text = HEAD.format(arrivals="{poisson: 2 /s}", stop="{time: 50 s}", warmup="{time: 20 s}",
                       replications=1000, nodes=1, more=PROFILE, servers=1, service="1 ns")
    cases.holds("drift: with a profile", cases.run(text + change)["arrival_rate_per_s.device"],
                2 * 3 * (10 * 0.5 + 20 * 3) / 30)
    text = """scenario: link-drift
stop: {samples: 20}
replications: 1
samples: {payload: 1 MB, answer: free}
models: {task: {}}
policy: full_offload
tiers:
  - {name: device, arrivals: {deterministic: {period: 10 s}}}
  - {name: edge, compute: {time: {task: 1 s}}}
links:
  - {from: device, to: edge, up: 1 MB/s}
drift:
  - {at: 100.5 s, links: {device-edge: 0.25}}
"""
    # Ten samples take 1 + 1 s, nine take 4 + 1 s; the one from 100 s on is halfway at the change.
    cases.equals("drift: rate of a link", cases.run(text)["latency_mean_s"]["mean"],
                 (10 * 2 + (0.5 + 2 + 1) + 9 * 5) / 20)


def main():
    scenarios = pathlib.Path(sys.argv[2])
    cases = Cases(sys.argv[1], scenarios)
    root = pathlib.Path(__file__).resolve().parent.parent.parent
    data = pathlib.Path(os.environ.get("OFFLOADSIM_DATA", root.parent / "shared" / "data"))
    for check in (check_processes, check_profile, check_bursts, check_classes, check_labels,
                  check_drift, check_hashes, lambda c: check_requests(c, data)):
        try:
            check(cases)
        except (RuntimeError, KeyError) as error:
            cases.tell(getattr(check, "__name__", "requests"), False, repr(error))
    print(f"1..{cases.count}")


if __name__ == "__main__":
    main()
