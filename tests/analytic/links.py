#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds links against closed forms: fair sharing, rates that change at random, outages, loss.

usage: links.py OFFLOADSIM SCENARIOS [--page] [--replications N]

Each row is a scenario of one link that carries messages of 1 s (1000 B at 1000 B/s) to an edge that
takes no time. As in closed_forms.py the theory must lie inside the 99 % interval of each metric
named; seeds are fixed. With a number of replications, for slow builds, no row has more.
"""

import json
import math
import pathlib
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

from theory import CONFIDENCE, most_replications, tell

UP = "device-edge.up"
SHARED = "count: 1, sharing: fair, up: 1000 B/s"


def sharing(load):
    """M/G/1 with processor sharing: the number present is geometric whatever the law of the sizes
    (Kleinrock 1976, sec. 4.4), so a message of mean size stays 1 / (1 - load)."""
    return {
        "latency_mean_s": 1 / (1 - load),
        f"present_mean.{UP}": load / (1 - load),
        f"utilisation.{UP}": load,
        f"offered_load.{UP}": load,
        f"queue_mean.{UP}": 0,
        f"wait_mean_s.{UP}": 0,
    }


def stationary(next_state, stays):
    """Shares of time of a chain of states: those of its jumps, found by iteration from anywhere,
    times the stays. Averaging two steps keeps a periodic chain from swinging."""
    count = len(stays)
    jumps = [1 / count] * count
    for _ in range(20000):
        after = [sum(jumps[i] * next_state[i][k] for i in range(count)) for k in range(count)]
        jumps = [(a + b) / 2 for a, b in zip(jumps, after)]
    weights = [jump * stay for jump, stay in zip(jumps, stays)]
    return [w / sum(weights) for w in weights]


def saturated(rate):
    """A link that always has a message to send, of 1000 B: what it carries is its rate."""
    return {"throughput_per_s": rate / 1000, f"utilisation.{UP}": 1}


def interrupted(seconds, on, off):
    """A transfer that would take `seconds` over a link that is on and off for exponential times,
    begun at any time: what is left of the outage under way, then an outage for each of the Poisson
    number of failures while it is on."""
    return off / (on + off) * off + seconds * (1 + off / on)


def rounds(probability, retries):
    """Mean number of transmissions of what is sent again up to `retries` times."""
    return (1 - probability ** (retries + 1)) / (1 - probability)


def lost_messages(probability, retries):
    return {
        "drop_fraction.lost": probability ** (retries + 1),
        "bytes_up_mean": 1000 * rounds(probability, retries),
    }


def lost_packets(probability, retries, packet):
    count = math.ceil(1000 / packet)
    return {
        "drop_fraction.lost": 1 - (1 - probability ** (retries + 1)) ** count,
        "bytes_up_mean": 1000 * rounds(probability, retries),
    }


def mg1(arrival, mean, variance):
    """Pollaczek-Khinchine (Kleinrock 1975, sec. 5.6)."""
    load = arrival * mean
    wait = arrival * (variance + mean * mean) / (2 * (1 - load))
    return {"latency_mean_s": wait + mean, f"utilisation.{UP}": load, f"wait_mean_s.{UP}": wait}


def geometric_mg1(arrival, probability):
    """Messages that are sent until they are through, 1 s each time."""
    return mg1(arrival, 1 / (1 - probability), probability / (1 - probability) ** 2)


def weighted_saturated(weights):
    """Devices that always have one message on a fair link: each sends its share of the bytes, and
    messages are alike, so of the messages."""
    total = sum(weights.values())
    return {f"offered_fraction.{name}": weight / total for name, weight in weights.items()}


NEXT = [[0, 0.25, 0.75], [0.5, 0, 0.5], [1, 0, 0]]
STAYS = [2, 4, 1]
RATES = [1000, 200, 3000]
MARKOV_RATE = sum(s * r for s, r in zip(stationary(NEXT, STAYS), RATES))

MANY = "nodes: 8, arrivals: {poisson: 0.1 /s}"
FULL = "arrivals: {closed: {in_flight: 2, think: 0 s}}"
SPARSE = "nodes: 200, arrivals: {deterministic: {period: 500 s}}"
DROP = "{full_offload: {when_lost: drop}}"
SENT_BYTES = 'payload: {%s: {mean: 1000 B, %s}}'

# What, the link, the devices, the payload, the policy, samples a replication, what holds.
ROWS = [
    ("M/M/1-PS, load 0.8", SHARED, MANY, "payload: {exponential: 1000 B}", "full_offload", 60000,
     sharing(0.8)),
    ("M/D/1-PS", SHARED, MANY, "payload: 1000 B", "full_offload", 60000, sharing(0.8)),
    ("M/G/1-PS, lognormal sizes, cv 1.5", SHARED, MANY,
     SENT_BYTES % ("lognormal", "cv: 1.5"), "full_offload", 80000, sharing(0.8)),
    ("M/G/1-PS, hyperexponential sizes, cv 3", SHARED, MANY,
     SENT_BYTES % ("hyperexponential", "cv: 3"), "full_offload", 80000, sharing(0.8)),
    ("Markov rate of three states",
     "up: {markov: {rates: [1000 B/s, 200 B/s, 3000 B/s], stays: [2 s, 4 s, 1 s], "
     "next: [[0, 0.25, 0.75], [0.5, 0, 0.5], [1, 0, 0]]}}",
     FULL, "payload: 1000 B", "full_offload", 20000, saturated(MARKOV_RATE)),
    ("Gilbert-Elliott mean rate",
     "up: {gilbert_elliott: {good: 2000 B/s, bad: 100 B/s, good_stay: 3 s, bad_stay: 1 s}}",
     FULL, "payload: 1000 B", "full_offload", 20000, saturated((3 * 2000 + 100) / 4)),
    ("Gilbert-Elliott, shared fairly: the same",
     "sharing: fair, "
     "up: {gilbert_elliott: {good: 2000 B/s, bad: 100 B/s, good_stay: 3 s, bad_stay: 1 s}}",
     FULL, "payload: 1000 B", "full_offload", 20000, saturated((3 * 2000 + 100) / 4)),
    ("Gilbert-Elliott transfer, begun at any time",
     "up: {gilbert_elliott: {good: 1000 B/s, good_stay: 3 s, bad_stay: 2 s}}",
     SPARSE, "payload: 1000 B", "full_offload", 10000,
     {"latency_mean_s": interrupted(1, 3, 2)}),
    ("random outages: availability",
     "up: 1000 B/s, outages: {random: {every: {exponential: 9 s}, "
     "last: {uniform: {from: 0.5 s, to: 1.5 s}}}}",
     FULL, "payload: 1000 B", "full_offload", 20000, saturated(900)),
    ("random outages: transfer",
     "up: 1000 B/s, outages: {random: {every: {exponential: 9 s}, last: {exponential: 3 s}}}",
     SPARSE, "payload: 1000 B", "full_offload", 10000,
     {"latency_mean_s": interrupted(1, 9, 3)}),
    ("loss by message, 2 retries",
     "up: 1000 B/s, loss: {probability: 40 %, retries: 2}",
     SPARSE, "payload: 1000 B, answer: free", DROP, 20000, lost_messages(0.4, 2)),
    ("loss by packet, 3 retries",
     "up: 1000 B/s, loss: {probability: 30 %, per: packet, packet: 33 B, retries: 3}",
     SPARSE, "payload: 1000 B, answer: free", DROP, 20000, lost_packets(0.3, 3, 33)),
    ("loss by packet, many packets",
     "up: 1000 B/s, loss: {probability: 20 %, per: packet, packet: 1 B, retries: 5}",
     SPARSE, "payload: 1000 B, answer: free", DROP, 20000, lost_packets(0.2, 5, 1)),
    ("M/G/1 of messages sent until they are through",
     "up: 1000 B/s, loss: {probability: 30 %, retries: 1000}",
     "arrivals: {poisson: 0.5 /s}", "payload: 1000 B, answer: free", DROP, 60000,
     geometric_mg1(0.5, 0.3)),
    ("weights 1, 2, 5 on a full link", SHARED,
     "classes: [{name: a, nodes: 1, weight: 1, arrivals: {closed: {in_flight: 1, think: 0 s}}}, "
     "{name: b, nodes: 1, weight: 2, arrivals: {closed: {in_flight: 1, think: 0 s}}}, "
     "{name: c, nodes: 1, weight: 5, arrivals: {closed: {in_flight: 1, think: 0 s}}}]",
     "payload: {exponential: 1000 B}", "full_offload", 20000,
     weighted_saturated({"a": 1, "b": 2, "c": 5})),
]


def scenario(row):
    _, link, devices, samples, policy, count, _ = row
    return f"""scenario: links
seed: 1
stop: {{samples: {count}}}
warmup: {{samples: {count // 10}}}
replications: {min(20, most_replications())}
confidence: {100 * CONFIDENCE:g} %
models: {{net: {{layers: 1}}}}
samples: {{{samples}}}
tiers:
  - {{name: device, {devices}}}
  - {{name: edge, compute: {{servers: 1, time: {{net: 0 s}}}}}}
links:
  - {{from: device, to: edge, {link}}}
policy: {policy}
"""


def run(program, folder, number, row):
    path = folder / f"{number}.yaml"
    path.write_text(scenario(row), encoding="utf-8")
    done = subprocess.run([program, "run", str(path), "--no-store", "--quiet", "--format", "json",
                           "--jobs", "1"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return None, done.stderr
    return json.loads(done.stdout)["points"][0], ""


def main():
    program = sys.argv[1]
    as_page = "--page" in sys.argv
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(2) as pool:
        folder = pathlib.Path(name)
        results = list(pool.map(lambda item: run(program, folder, *item), enumerate(ROWS)))
    tell([(row[0], row[-1], *result) for row, result in zip(ROWS, results)], as_page)


if __name__ == "__main__":
    main()
