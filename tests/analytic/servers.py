#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds disciplines, batches, failures and the like against closed forms, Markov chains and one
direct simulation.

usage: servers.py OFFLOADSIM SCENARIOS [--page] [--only TEXT] [--replications N]

Each row is a scenario of its own. As in closed_forms.py the theory must lie inside the 99 %
interval of each metric named; seeds are fixed. Where a theory holds only in a limit, the row states
how far it may be off beside that. The last rows hold every discipline against Little's law.
With a number of replications, for slow builds, no row has more.
"""

import json
import math
import pathlib
import random
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

from theory import CONFIDENCE, erlang_c, holds, most_replications


# ---- Markov chains ----


def stationary(moves, start):
    """Stationary probabilities of a chain: `moves(state)` yields (next state, rate). States are
    found breadth first and eliminated from the last on (Grassmann, Taksar and Heyman 1985), which
    subtracts nothing and so loses no digits."""
    number = {start: 0}
    order = [start]
    rates = []
    for state in order:  # grows
        row = {}
        for after, rate in moves(state):
            if after not in number:
                number[after] = len(order)
                order.append(after)
            if rate > 0 and after != state:
                row[number[after]] = row.get(number[after], 0) + rate
        rates.append(row)
    into = [{} for _ in order]
    for here, row in enumerate(rates):
        for there in row:
            into[there][here] = True
    leaving = [0.0] * len(order)
    for last in range(len(order) - 1, 0, -1):
        row = {there: rate for there, rate in rates[last].items() if there < last}
        leaving[last] = sum(row.values())
        for here in list(into[last]):
            if here >= last:
                continue
            share = rates[here][last] / leaving[last]
            for there, rate in row.items():
                if there != here:
                    rates[here][there] = rates[here].get(there, 0) + rate * share
                    into[there][here] = True
    weights = [1.0] + [0.0] * (len(order) - 1)
    for last in range(1, len(order)):
        weights[last] = sum(weights[here] * rates[here][last]
                            for here in into[last] if here < last) / leaving[last]
    total = sum(weights)
    return {state: weights[number[state]] / total for state in order}


def mean(share, value):
    return sum(p * value(state) for state, p in share.items())


def two_speeds(arrival, fast, slow, most=200):
    """M/M/2 whose servers differ; who finds both idle takes the fast one."""
    def moves(state):
        fast_busy, slow_busy, waiting = state
        if not fast_busy:
            yield (1, slow_busy, 0), arrival
        elif not slow_busy:
            yield (1, 1, 0), arrival
        elif waiting < most:
            yield (1, 1, waiting + 1), arrival
        if fast_busy:
            yield ((1, slow_busy, waiting - 1) if waiting else (0, slow_busy, 0)), fast
        if slow_busy:
            yield ((fast_busy, 1, waiting - 1) if waiting else (fast_busy, 0, 0)), slow
    share = stationary(moves, (0, 0, 0))
    present = mean(share, sum)
    return {"present_mean.device": present, "latency_mean_s": present / arrival,
            "utilisation.device": mean(share, lambda s: (s[0] + s[1]) / 2),
            "wait_mean_s.device": mean(share, lambda s: s[2]) / arrival}


def batches(arrival, service, most, places=400):
    """M/M[b]/1: a free server takes all who wait, at most b (Bailey 1954, with exponential
    times)."""
    def moves(state):
        busy, waiting = state
        if not busy:
            yield (1, 0), arrival
            return
        if waiting < places:
            yield (1, waiting + 1), arrival
        yield ((1, waiting - min(waiting, most)) if waiting else (0, 0)), service
    share = stationary(moves, (0, 0))
    waiting = mean(share, lambda s: s[1])
    busy = mean(share, lambda s: s[0])
    return {"queue_mean.device": waiting, "utilisation.device": busy,
            "wait_mean_s.device": waiting / arrival,
            "latency_mean_s": waiting / arrival + 1 / service,
            "present_mean.device": waiting + arrival / service,
            # A batch ends as often as a busy server ends a service.
            "batch_mean.device": arrival / (service * busy)}


def stepping(servers, arrival, steps, idle, most=150):
    """M/M/c whose services run at a speed chosen as they start: `steps` has the speed, the power of
    a node with all servers busy, and the number present up to which the step is used."""
    def step_of(present):
        return next(k for k, step in enumerate(steps) if present <= step[2])

    def starts(state, present):
        return tuple(n + (k == step_of(present)) for k, n in enumerate(state))

    def moves(state):  # (waiting, services under way at each step)
        waiting, serving = state
        present = waiting + sum(serving)
        if sum(serving) < servers:
            yield (0, starts(serving, present + 1)), arrival
        elif waiting < most:
            yield (waiting + 1, serving), arrival
        for k, n in enumerate(serving):
            if not n:
                continue
            left = tuple(m - (j == k) for j, m in enumerate(serving))
            after = (waiting - 1, starts(left, present - 1)) if waiting else (0, left)
            yield after, n * steps[k][0]
    share = stationary(moves, (0, (0,) * len(steps)))
    present = mean(share, lambda s: s[0] + sum(s[1]))
    power = idle + sum((step[1] - idle) / servers * mean(share, lambda s, k=k: s[1][k])
                       for k, step in enumerate(steps))
    return {"present_mean.device": present, "latency_mean_s": present / arrival,
            "utilisation.device": mean(share, lambda s: sum(s[1])) / servers,
            "device_energy_mean_j": power / arrival}


def losing(arrival, service, fails, repaired, most=200):
    """M/M/1 that fails, busy or not, and then loses who is in service."""
    def moves(state):
        present, works = state
        if present < most:
            yield (present + 1, works), arrival
        if works:
            if present:
                yield (present - 1, 1), service
            yield (max(present - 1, 0), 0), fails
        else:
            yield (present, 1), repaired
    share = stationary(moves, (0, 1))
    lost = fails * mean(share, lambda s: s[0] > 0 and s[1] == 1)
    return {"present_mean.device": mean(share, lambda s: s[0]),
            "drop_fraction.failure": lost / arrival,
            "availability.device": mean(share, lambda s: s[1]),
            "utilisation.device": mean(share, lambda s: s[0] > 0 and s[1] == 1)}


def held_back(arrival, link, service, places, most=300):
    """A link that carries nothing towards a node unless it has a place there: M/M/1 before
    M/M/1/K, blocking before service."""
    def moves(state):
        at_link, at_node = state
        if at_link < most:
            yield (at_link + 1, at_node), arrival
        if at_link and at_node < places:
            yield (at_link - 1, at_node + 1), link
        if at_node:
            yield (at_link, at_node - 1), service
    share = stationary(moves, (0, 0))
    return {"present_mean.device-edge.up": mean(share, lambda s: s[0]),
            "present_mean.edge": mean(share, lambda s: s[1]),
            "utilisation.device-edge.up": mean(share, lambda s: s[0] > 0 and s[1] < places),
            "latency_mean_s": mean(share, sum) / arrival,
            "drop_fraction": 0}


def shorter_of_two(arrival, service, most=60):
    """Two M/M/1 queues, each arrival joining the shorter."""
    def moves(state):
        low, high = state
        if low < most:
            yield tuple(sorted((low + 1, high))), arrival
        if low:
            yield (low - 1, high), service
        if high:
            yield tuple(sorted((low, high - 1))), service
    share = stationary(moves, (0, 0))
    return {"present_mean.edge": mean(share, sum), "latency_mean_s": mean(share, sum) / arrival}


# ---- closed forms ----


def shared(servers, arrival):
    """M/G/c under processor sharing, mean service 1: as many are present as in M/M/c, whatever the
    law (Kelly 1979, sec. 3.3: a symmetric queue)."""
    present = arrival + erlang_c(servers, arrival) * arrival / (servers - arrival)
    return {"present_mean.device": present, "latency_mean_s": present / arrival,
            "utilisation.device": arrival / servers, "wait_mean_s.device": 0,
            "queue_mean.device": 0}


def mmck(servers, load, places):
    weights = [1.0]
    for n in range(1, places + 1):
        weights.append(weights[-1] * load / min(n, servers))
    share = [w / sum(weights) for w in weights]
    present = sum(n * p for n, p in enumerate(share))
    return {"drop_fraction.full": share[-1], "present_mean.device": present,
            "latency_mean_s": present / (load * (1 - share[-1])),
            "utilisation.device": load * (1 - share[-1]) / servers}


def cobham(arrivals, square):
    """Non-preemptive priorities, mean service 1, the first class first (Cobham 1954)."""
    residual = sum(arrivals) * square / 2
    sums = [sum(arrivals[:k]) for k in range(len(arrivals) + 1)]
    return {f"latency_mean_s.c{k}": 1 + residual / ((1 - sums[k]) * (1 - sums[k + 1]))
            for k in range(len(arrivals))}


def preempting(arrivals, square):
    """Preemptive resume (Kleinrock 1976, sec. 3.6)."""
    sums = [sum(arrivals[:k]) for k in range(len(arrivals) + 1)]
    return {f"latency_mean_s.c{k}": 1 / (1 - sums[k]) +
            sums[k + 1] * square / 2 / ((1 - sums[k]) * (1 - sums[k + 1]))
            for k in range(len(arrivals))}


def shortest(arrival, sizes):
    """Two known sizes, the shorter first: Cobham with a class a size."""
    residual = arrival * sum(p * s * s for s, p in sizes) / 2
    before = 0.0
    wait = 0.0
    for size, probability in sizes:
        after = before + arrival * probability * size
        wait += probability * residual / ((1 - before) * (1 - after))
        before = after
    return {"wait_mean_s.device": wait, "queue_mean.device": arrival * wait,
            "latency_mean_s": wait + sum(p * s for s, p in sizes)}


def resuming(arrival, service, fails, repaired):
    """M/M/1 that fails, busy or not (White and Christie 1958; Avi-Itzhak and Naor 1963)."""
    both = fails + repaired
    present = arrival * (both**2 + service * fails) / (
        both * (service * repaired - arrival * both))
    return {"present_mean.device": present, "latency_mean_s": present / arrival,
            "availability.device": repaired / both}


def impatient(arrival, patience):
    """M/M/1+D, service rate 1: who would have to wait longer leaves when its patience ends. The
    density of the wait that an arrival would have is p0 arrival exp(-(1 - arrival) v) up to the
    patience, and beyond it falls like a service."""
    slope = 1 - arrival
    end = math.exp(-slope * patience)
    below = arrival * (1 - end) / slope
    idle = 1 / (1 + below + arrival * end)
    lost = idle * arrival * end
    wait = idle * arrival * ((1 - end) / slope - patience * end) / slope + patience * lost
    return {"drop_fraction.timeout": lost, "utilisation.device": arrival * (1 - lost),
            "wait_mean_s.device": wait, "queue_mean.device": arrival * wait}


def cold(arrival, service_square, start, start_square, idle):
    """M/G/1, mean service 1, in which the first sample after an idle time longer than `idle` waits
    for a start (Welch 1964: an exceptional first service)."""
    share = math.exp(-arrival * idle)
    first, second = share * start, share * start_square
    wait = arrival * service_square / (2 * (1 - arrival)) + (
        2 * first + arrival * second) / (2 * (1 + arrival * first))
    return {"wait_mean_s.device": wait, "latency_mean_s": wait + 1,
            "utilisation.device": arrival}


def two_choices(load):
    """Fixed point of the mean field (Vvedenskaya, Dobrushin and Karpelevich 1996; Mitzenmacher
    2001)."""
    present = sum(load**(2**i - 1) for i in range(1, 30))
    return {"latency_mean_s": present / load}


def in_turns(nodes, load):
    """One of the nodes gets every n-th arrival: E_n/M/1 (Kleinrock 1975, sec. 6.4)."""
    root = 0.5
    for _ in range(10000):
        root = (nodes * load / (nodes * load + 1 - root))**nodes
    return {"latency_mean_s": 1 / (1 - root), "utilisation.edge": load}


def restarting(arrival, service, up, repair, seed):
    """A direct simulation of a node that starts its sample anew after each repair: services
    exponential with mean `service`, the same at each try. Returns the mean latency of runs."""
    draw = random.Random(seed)
    means = []
    for _ in range(30):
        time = 0.0
        free = 0.0
        works_from, works_to = 0.0, draw.expovariate(1 / up)
        total = 0.0
        for job in range(42000):
            time += draw.expovariate(arrival)
            left = draw.expovariate(1 / service)
            start = max(time, free)
            while True:
                while works_to <= start:
                    works_from = works_to + draw.expovariate(1 / repair)
                    works_to = works_from + draw.expovariate(1 / up)
                start = max(start, works_from)
                if start + left <= works_to:
                    break
                start = works_to
            free = start + left
            if job >= 2000:
                total += free - time
        means.append(total / 40000)
    centre = sum(means) / len(means)
    spread = math.sqrt(sum((m - centre)**2 for m in means) / (len(means) - 1))
    return centre, 2.76 * spread / math.sqrt(len(means))


# ---- scenarios ----


EXPONENTIAL = {"exponential": "1 s"}
GAMMA = {"gamma": {"mean": "1 s", "cv": 1.5}}


def node(rate, compute, samples=120000, time=None, replications=20):
    """One tier, Poisson arrivals; services are exponential unless `time` says otherwise."""
    law = time or EXPONENTIAL
    return {"scenario": "node", "seed": 3, "stop": {"samples": samples},
            "warmup": {"samples": samples // 12}, "replications": replications,
            "models": {"task": {}},
            "tiers": [{"name": "device", "arrivals": {"poisson": f"{rate} /s"},
                       "compute": {"time": {"task": law}, **compute}}],
            "policy": "local"}


def edge(rate, tier, samples=120000, replications=20, **link):
    """Everything is offloaded; unless `link` says otherwise, at once."""
    made = node(rate, {}, samples, replications=replications)
    made["policy"] = "full_offload"
    made["tiers"][0].pop("compute")
    compute = {"time": {"task": EXPONENTIAL}, **tier.pop("compute", {})}
    made["tiers"].append({"name": "edge", **tier, "compute": compute})
    made["links"] = [{"from": "device", "to": "edge", **link}]
    return made


def classes(rates, discipline, law):
    """Devices whose samples meet at one node; the first class has the highest priority."""
    made = edge(1, {"compute": {"discipline": discipline, "time": {"task": law}}})
    made["tiers"][0] = {"name": "device", "classes": [
        {"name": f"c{k}", "nodes": 1, "arrivals": {"poisson": f"{rate} /s"},
         "priority": len(rates) - k} for k, rate in enumerate(rates)]}
    return made


def sized(rate, sizes):
    """Service times that a trace tells; `sizes` is a list of times with whole shares."""
    made = node(rate, {"discipline": "shortest"}, time={"column": {"name": "size", "unit": "s"}})
    made["samples"] = {"trace": "sizes.csv", "order": "resample"}
    made["models"] = {"task": {"exits": {"end": {"confidence": "sure", "correct": "right"}}}}
    rows = [f"1,1,{size}" for size, count in sizes for _ in range(count)]
    return made, "sure,right,size\n" + "\n".join(rows) + "\n"


FAILURES = {"every": {"exponential": "20 s"}, "repair": {"exponential": "4 s"}}


def rows():
    """Yields (name, scenario, theories, how far a theory may be off, files)."""
    for servers, rate, law, name in ((1, 0.8, EXPONENTIAL, "M/M/1-PS"),
                                     (1, 0.8, GAMMA, "M/G/1-PS, gamma, cv 1.5"),
                                     (1, 0.8, "1 s", "M/D/1-PS"),
                                     (3, 2.4, EXPONENTIAL, "M/M/3-PS"),
                                     (3, 2.4, GAMMA, "M/G/3-PS, gamma, cv 1.5")):
        yield name, node(rate, {"servers": servers, "discipline": "sharing"}, time=law), shared(
            servers, rate)
    yield "M/M/2-PS with 6 places", node(
        2.2, {"servers": 2, "discipline": "sharing", "room": 4}), mmck(2, 2.2, 6)
    yield "M/M/3/7", node(2.7, {"servers": 3, "room": 4}), mmck(3, 2.7, 7)
    yield "M/M/3/3 with a queue: Erlang B", node(
        2.4, {"speeds": [1, 1, 1], "room": 0}), mmck(3, 2.4, 3)
    yield "M/M/3/7 with a queue", node(
        2.7, {"servers": 3, "room": 4, "discipline": "priority"}), mmck(3, 2.7, 7)
    yield "M/M/1/4 with a queue", node(
        0.9, {"room": 3, "discipline": "preemptive"}), mmck(1, 0.9, 4)
    for rates in ((0.3, 0.5), (0.2, 0.3, 0.35)):
        for law, square, name in ((EXPONENTIAL, 2, "exponential"), ("1 s", 1, "fixed"),
                                  (GAMMA, 3.25, "gamma, cv 1.5")):
            yield f"{len(rates)} priorities, {name}", classes(rates, "priority", law), cobham(
                rates, square)
            yield f"{len(rates)} priorities, preemptive, {name}", classes(
                rates, "preemptive", law), preempting(rates, square)
    scenario, trace = sized(0.6, ((0.5, 3), (3, 1)))
    yield "M/G/1, shortest first, 0.5 and 3 s", scenario, shortest(
        0.6, ((0.5, 0.75), (3, 0.25))), {}, {"sizes.csv": trace}
    yield "M/M/2, speeds 1 and 2", node(2.2, {"speeds": [1, 2]}), two_speeds(2.2, 2, 1)
    yield "M/M/2, speeds 0.2 and 1", node(0.7, {"speeds": [0.2, 1]}), two_speeds(0.7, 1, 0.2)
    yield "M/M/1 with breakdowns, resume", node(
        0.6, {"failures": {**FAILURES, "jobs": "resume"}}), resuming(0.6, 1, 1 / 20, 1 / 4)
    yield "M/M/1-PS with breakdowns, resume", node(
        0.6, {"discipline": "sharing", "failures": FAILURES}), resuming(0.6, 1, 1 / 20, 1 / 4)
    yield "M/M/1 with breakdowns, lose", node(
        0.7, {"failures": {**FAILURES, "jobs": "lose"}}), losing(0.7, 1, 1 / 20, 1 / 4)
    latency, half = restarting(0.4, 1, 20, 4, 5)
    yield "M/M/1 with breakdowns, restart", node(
        0.4, {"failures": {**FAILURES, "jobs": "restart"}}, 42000, replications=30), {
            "latency_mean_s": latency}, {"latency_mean_s": half}
    yield "M/M[4]/1", node(2.5, {"batch": {"most": 4}}, 480000), batches(2.5, 1, 4)
    yield "M/M[16]/1", node(13, {"batch": {"most": 16}}), batches(13, 1, 16)
    yield "M/M[1]/1", node(0.7, {"batch": {"most": 1}}), batches(0.7, 1, 1)
    steps = ((0.5, 1, 1), (0.9, 2.5, 4), (2, 7, math.inf))
    for servers, rate in ((1, 0.8), (3, 1.9)):
        yield f"M/M/{servers}, three speeds", node(rate, {
            "servers": servers, "power": {"idle": "300 mW"},
            "steps": [{"speed": speed, "active": f"{watts} W",
                       **({"most_present": n} if math.isfinite(n) else {})}
                      for speed, watts, n in steps]}), stepping(servers, rate, steps, 0.3)
    for discipline in ("fifo", "priority"):
        yield f"M/M/1+D, {discipline}", node(
            0.9, {"patience": "3 s", "discipline": discipline}), impatient(0.9, 3)
        yield f"M/M/1+D, overloaded, {discipline}", node(
            1.4, {"patience": "2 s", "discipline": discipline}), impatient(1.4, 2)
    for room, discipline in ((0, "fifo"), (3, "fifo"), (3, "shortest")):
        yield f"link before M/M/1/{room + 1}, held back, {discipline}", {
            **edge(0.4, {"compute": {"room": room, "full": "block", "discipline": discipline}},
                   up="1 MB/s"), "samples": {"payload": {"exponential": "1 MB"}}}, held_back(
                       0.4, 1, 1, room + 1)
    yield "M/M/1, cold after any idle time", node(
        0.6, {"cold_start": {"time": {"exponential": "2 s"}}}), cold(0.6, 2, 2, 8, 0)
    yield "M/G/1, cold after 1.5 s", node(
        0.6, {"cold_start": {"idle": "1.5 s", "time": "2 s"}}, time=GAMMA), cold(0.6, 3.25, 2, 4,
                                                                                1.5)
    many = {"nodes": 1000, "balance": "two_choices"}
    # The fixed point is that of infinitely many servers.
    yield "two choices among 1,000, load 0.7", edge(700, dict(many), 400000, 8), two_choices(
        0.7), {"latency_mean_s": 0.005}
    yield "two choices among 1,000, load 0.9", edge(900, dict(many), 600000, 8), two_choices(
        0.9), {"latency_mean_s": 0.02}
    yield "4 nodes in turns", edge(2.8, {"nodes": 4, "balance": "round_robin"}), in_turns(4, 0.7)
    yield "4 nodes at random", edge(2.8, {"nodes": 4, "balance": "random"}), {
        "latency_mean_s": 1 / 0.3}
    yield "2 nodes, the shorter queue", edge(
        1.6, {"nodes": 2, "balance": "shortest_queue"}), shorter_of_two(1.6, 1)
    # Who takes the node with the least work is served as in one queue before all.
    yield "3 nodes, the least wait", edge(2.4, {"nodes": 3, "balance": "least_wait"}), {
        "latency_mean_s": 1 + erlang_c(3, 2.4) / (3 - 2.4)}
    yield "3 nodes with queues, the least wait", edge(
        2.4, {"nodes": 3, "balance": "least_wait", "compute": {"discipline": "priority"}}), {
            "latency_mean_s": 1 + erlang_c(3, 2.4) / (3 - 2.4)}
    # 6.5 servers' worth of work at a target of 0.7 needs 9.3 servers; reviews are so far apart that
    # the mean of each period is close to that.
    yield "scaling by utilisation", node(
        6.5, {"servers": 10, "scaling": {"most": 40, "utilisation": "70 %", "every": "2000 s"}}), {
            "servers_mean.device": 10, "utilisation.device": 0.65}
    yield "scaling by samples at the node", node(
        6.5, {"servers": 13, "scaling": {"most": 40, "queue": 0.53, "every": "2000 s"}}), {
            "servers_mean.device": 13, "utilisation.device": 0.5}


def little():
    """(name, scenario): what is present on average is the arrival rate times their time here."""
    for discipline in ("fifo", "priority", "preemptive", "shortest", "sharing"):
        yield discipline, node(1.7, {"servers": 2, "discipline": discipline}, time=GAMMA)
    yield "speeds", node(1.7, {"speeds": [1.5, 0.7]}, time=GAMMA)
    yield "batches", node(4, {"batch": {"most": 4, "wait": "400 ms"},
                              "time": {"task": {"linear": {"base": "300 ms", "each": "50 ms"}}}})
    yield "patience", node(2.1, {"servers": 2, "discipline": "shortest", "patience": "2 s"})
    yield "failures", node(1.1, {"servers": 2, "discipline": "preemptive", "failures": FAILURES})
    yield "scaling", node(5, {"scaling": {"most": 20, "utilisation": "80 %", "every": "20 s",
                                          "start": "50 s"}})


# ---- running them ----


def run(program, scenario, files, most):
    scenario["replications"] = min(scenario["replications"], most)
    with tempfile.TemporaryDirectory(prefix="offloadsim-servers-") as folder:
        path = pathlib.Path(folder)
        (path / "scenario.yaml").write_text(json.dumps(scenario), encoding="utf-8")
        for name, text in files.items():
            (path / name).write_text(text, encoding="utf-8")
        command = [program, "run", str(path / "scenario.yaml"), "--no-store", "--quiet", "--format",
                   "json", "--jobs", "1", "--set", f"confidence={100 * CONFIDENCE:g} %"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return None, done.stderr
    return json.loads(done.stdout)["points"][0]["metrics"], done.stderr


def show(number, name, theory, estimate, good, as_page):
    mean_of, half = estimate["mean"], estimate["half_width"] or 0
    if as_page:
        print(f"| {name} | {theory:.6g} | {mean_of:.6g} | {half:.2g} | {'yes' if good else 'NO'} |")
        return
    print(f"{'ok' if good else 'not ok'} {number} - {name}")
    if not good:
        print(f"# theory {theory:.9g}, simulated {mean_of} +- {half:.3g}")


def main():
    program = sys.argv[1]
    as_page = "--page" in sys.argv
    only = sys.argv[sys.argv.index("--only") + 1] if "--only" in sys.argv else ""
    most = most_replications()
    cases = [(row[0], row[1], row[2], row[3] if len(row) > 3 else {},
              row[4] if len(row) > 4 else {}) for row in rows() if only in row[0]]
    laws = [case for case in little() if only in "Little's law, " + case[0]]
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda case: run(program, case[1], case[4], most), cases))
        law_results = list(pool.map(lambda case: run(program, case[1], {}, most), laws))
    print("| case | theory | simulated | 99 % half width | holds |\n|---|---:|---:|---:|---|"
          if as_page else f"1..{sum(len(case[2]) for case in cases) + len(laws)}")
    number = 0
    for (name, _, theories, off, _), (metrics, error) in zip(cases, results):
        for metric, theory in theories.items():
            number += 1
            if metrics is None:
                print(f"not ok {number} - {name}: {metric}")
                print("# " + error.replace("\n", "\n# "))
                continue
            good = holds(theory, metrics[metric], off.get(metric, 0))
            show(number, f"{name}: {metric}", theory, metrics[metric], good, as_page)
    for (name, _), (metrics, error) in zip(laws, law_results):
        number += 1
        if metrics is None:
            print(f"not ok {number} - Little's law, {name}")
            print("# " + error.replace("\n", "\n# "))
            continue
        times = metrics["latency_mean_s"]["mean"]
        if metrics["drop_fraction"]["mean"] > 0:
            # Of those who leave the queue only the wait counts; in service are as many as are busy.
            theory = (metrics["arrival_rate_per_s.device"]["mean"] *
                      metrics["wait_mean_s.device"]["mean"])
            estimate = metrics["queue_mean.device"]
        else:
            theory = metrics["arrival_rate_per_s.device"]["mean"] * times
            estimate = metrics["present_mean.device"]
        # Both sides see the same samples, but for those at the edges of the window.
        good = abs(estimate["mean"] - theory) <= 2e-3 * theory
        show(number, f"Little's law, {name}", theory, estimate, good, as_page)


if __name__ == "__main__":
    main()
