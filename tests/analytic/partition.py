#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds `partition` against an enumeration of every cut, in random worlds.

usage: partition.py OFFLOADSIM SCENARIOS

A world is a chain of layers over one to four tiers, with links between neighbours and past them,
overhead, radios, energies and prices. The enumeration assigns every layer to a tier in all ways
that never lead downward, and sums what each takes.

- The ranking of `check --explain` must hold the least values of all ways, in order, and each of
  its rows must be a way, none twice, with the figures that the enumeration has for it.
- One simulated sample in the idle system must take what the first row says: latency, energy of the
  device, cost.
- Where no way is left, the scenario must be refused.

Last, `when: dynamic` must beat `when: static` on scenarios/partition.yaml, in pairs of
replications, and the store must know which points depend on prices.
"""

import json
import math
import pathlib
import random
import re
import sqlite3
import statistics
import subprocess
import sys
import tempfile

WORLDS = 100
RANKED = 10
PRINTED = 6e-9  # relative: a row has nine digits
EXACT = 1e-9
STUDENT_9 = 4.781  # half width of a 99.9 % interval with 9 degrees of freedom, in standard errors
START_S, STOP_S = 0.5, 1.75  # of the one sample; end of the window, for which nodes idle


class World:
    """One random world, and the amounts of each way through it."""

    def __init__(self, draw):
        self.layers = draw.randint(1, 6)
        self.tiers = draw.randint(1, 4)
        self.payload = draw.choice([0, 1000, draw.uniform(1e3, 1e6)])
        self.answer = draw.choice([None, 0, draw.uniform(1, 1e4)])  # None: free
        self.output = [draw.choice([100, draw.uniform(1, 1e6)]) for _ in range(self.layers)]
        self.has_output = draw.random() < 0.9
        self.has_other_model = draw.random() < 0.3
        self.prices = {key: draw.choice([0, draw.uniform(0, scale)]) for key, scale in
                       (("latency", 10), ("energy", 1), ("byte", 1e-4))}
        self.tier = [self.random_tier(draw, index) for index in range(self.tiers)]
        self.links = self.random_links(draw)
        self.first = self.find_routes()

    def random_tier(self, draw, index):
        computes = draw.random() < (0.95 if index == 0 else 0.85) or self.tiers == 1
        idle = draw.choice([0, draw.uniform(0, 5)])
        return {
            "time": [10 ** draw.uniform(-4, 0) for _ in range(self.layers)] if computes else None,
            "energy": [draw.uniform(0, 1) for _ in range(self.layers)]
                      if computes and draw.random() < 0.4 else None,
            "servers": draw.randint(1, 3),
            "idle": idle,
            "active": idle + draw.uniform(0, 10),
            "price": draw.choice([0, draw.uniform(0, 1)]),
        }

    def random_links(self, draw):
        pairs = {(draw.randrange(to), to) for to in range(1, self.tiers)}
        pairs |= {(a, b) for a in range(self.tiers) for b in range(a + 1, self.tiers)
                  if draw.random() < 0.35}
        pairs = sorted(pairs)
        draw.shuffle(pairs)

        def rate():
            return draw.choice([math.inf, 10 ** draw.uniform(4, 8)])

        return [{"from": a, "to": b, "up": rate(), "down": rate(),
                 "steps": draw.random() < 0.3,
                 "delay": draw.choice([0, draw.uniform(0, 0.1)]),
                 "overhead": draw.choice([0, draw.uniform(0, 2000)]),
                 "send": draw.choice([0, draw.uniform(0, 3)]),
                 "send_per_byte": draw.choice([0, draw.uniform(0, 1e-5)]),
                 "receive": draw.choice([0, draw.uniform(0, 3)]),
                 "receive_per_byte": draw.choice([0, draw.uniform(0, 1e-5)]),
                 "price": draw.choice([0, draw.uniform(0, 1)])} for a, b in pairs]

    def find_routes(self):
        """(from, to) -> the first link: breadth first from `to`, links as they are listed."""
        first = {}
        for to in range(self.tiers):
            reached = [to]
            for here in reached:
                for link in self.links:
                    if here in (link["from"], link["to"]):
                        there = link["from"] if here == link["to"] else link["to"]
                        if there not in reached:
                            reached.append(there)
                            first[there, to] = link
        return first

    def path(self, source, to):
        """[(link, whether upward)] from a tier to another."""
        hops = []
        while source != to:
            link = self.first[source, to]
            hops.append((link, link["from"] == source))
            source = link["to"] if link["from"] == source else link["from"]
        return hops

    def content(self, done):
        return self.output[done - 1] if done else self.payload

    def amounts(self, way):
        """What a way takes: latency, energy of the device and of all, cost, bytes cut off."""
        seconds = cost = sent = total = device = moved = 0.0
        at = 0
        for layer, tier in enumerate(way):
            if tier != at:
                hops = [(link, up, self.content(layer)) for link, up in self.path(at, tier)]
                moved += self.content(layer)
            else:
                hops = []
            if layer == len(way) - 1 and self.answer is not None:
                back = [(link, up, self.answer) for link, up in self.path(tier, 0)]
            else:
                back = []
            for link, up, content in hops + back:
                size = content + link["overhead"]
                took = size / (link["up"] if up else link["down"])
                seconds += took + link["delay"]
                sent += size
                joules = took * link["send" if up else "receive"]
                joules += size * link["send_per_byte" if up else "receive_per_byte"]
                total += joules
                device += joules if link["from"] == 0 else 0
                cost += link["price"] if up else 0
            here = self.tier[tier]
            seconds += here["time"][layer]
            joules = (here["energy"][layer] if here["energy"] else
                      (here["active"] - here["idle"]) / here["servers"] * here["time"][layer])
            total += joules
            device += joules if tier == 0 else 0
            cost += here["price"]
            at = tier
        prices = self.prices
        cost += prices["latency"] * seconds + prices["energy"] * total + prices["byte"] * sent
        return {"latency": seconds, "energy": device, "cost": cost, "moved": moved}

    def ways(self, without, most_bytes):
        """Every way: one tier a layer, never downward, over links that lead upward only."""
        found = []

        def may_move(source, to, done):
            return (all(up for _, up in self.path(source, to)) and
                    (self.has_output or done == 0) and
                    (not most_bytes or self.content(done) <= most_bytes))

        def extend(way):
            if len(way) == self.layers:
                found.append(tuple(way))
                return
            at = way[-1] if way else 0
            for tier in range(at, self.tiers):
                if (self.tier[tier]["time"] and tier not in without and
                        (tier == at or may_move(at, tier, len(way)))):
                    extend(way + [tier])

        extend([])
        return found

    def scenario(self, policies):
        net = f"layers: {self.layers}"
        if self.has_output:
            net += f", output: [{', '.join(f'{size!r} B' for size in self.output)}]"
        lines = [
            "scenario: cuts",
            f"stop: {{time: {STOP_S} s}}",
            "replications: 1",
            f"samples: {{payload: {self.payload!r} B, "
            f"answer: {'free' if self.answer is None else f'{self.answer!r} B'}}}",
            "models:",
            *(["  other: {}"] if self.has_other_model else []),
            f"  net: {{{net}}}",
            "tiers:",
        ]
        for index, tier in enumerate(self.tier):
            parts = [f"name: t{index}"]
            if index == 0:
                parts.append(f"arrivals: {{deterministic: {{period: 9 s, phase: {START_S} s}}}}")
            if tier["time"]:
                times = f"net: [{', '.join(f'{s!r} s' for s in tier['time'])}]"
                if self.has_other_model:
                    times += ", other: 1 s"
                energy = ""
                if tier["energy"]:
                    energy = f"energy: {{net: [{', '.join(f'{j!r} J' for j in tier['energy'])}]}}, "
                parts.append(f"compute: {{servers: {tier['servers']}, time: {{{times}}}, {energy}"
                             f"power: {{active: {tier['active']!r} W, idle: {tier['idle']!r} W}}}}")
            lines.append(f"  - {{{', '.join(parts)}}}")
        if self.links:
            lines.append("links:")
        for link in self.links:
            up = "unlimited" if math.isinf(link["up"]) else f"{link['up']!r} B/s"
            down = "unlimited" if math.isinf(link["down"]) else f"{link['down']!r} B/s"
            if link["steps"] and up != "unlimited":
                up = f"{{steps: {{times: [0 s, 3 s], rates: [{up}, {up}], period: 7 s}}}}"
            lines.append(
                f"  - {{from: t{link['from']}, to: t{link['to']}, up: {up}, down: {down}, "
                f"delay: {link['delay']!r} s, overhead: {link['overhead']!r} B, "
                f"radio: {{send: {link['send']!r} W, receive: {link['receive']!r} W, "
                f"send_per_byte: {link['send_per_byte']!r} J/B, "
                f"receive_per_byte: {link['receive_per_byte']!r} J/B}}}}")
        lines.append("policy:")
        for objective, without, most_bytes in policies:
            model = ", model: net" if self.layers == 1 else ""
            lines.append(f"  - {{partition: {{minimise: {objective}, most_bytes: {most_bytes!r} B, "
                         f"without: [{', '.join(f't{tier}' for tier in without)}]{model}}}}}")
        offload = {f"t{link['from']}-t{link['to']}": link["price"] for link in self.links}
        layer = {f"t{index}": tier["price"] for index, tier in enumerate(self.tier)}
        lines.append("prices: " + json.dumps({
            "latency": f"{self.prices['latency']!r} /s", "energy": f"{self.prices['energy']!r} /J",
            "byte": f"{self.prices['byte']!r} /B",
            "layer": layer, **({"offload": offload} if offload else {})}))
        return "\n".join(lines) + "\n"

    def idle_j(self, tiers):
        return sum(tier["idle"] for tier in tiers if tier["time"]) * STOP_S


def close(found, wanted, tolerance):
    return abs(found - wanted) <= tolerance * abs(wanted) + 1e-300


SEGMENT = re.compile(r"t(\d) (\d+)\.\.(\d+)$")


def way_of(cell):
    """The cell "t0 1..2, t1 3..3" as (0, 0, 1)."""
    way = []
    for part in cell.split(", "):
        tier, first, last = map(int, SEGMENT.match(part).groups())
        if first != len(way) + 1 or last < first:
            raise ValueError(f"'{cell}' leaves layers out or repeats them")
        way += [tier] * (last - first + 1)
    return tuple(way)


def ranking_problem(world, policy, rows):
    """What is wrong with a ranking; None if nothing is."""
    objective, without, most_bytes = policy
    ways = {way: world.amounts(way) for way in world.ways(without, most_bytes)}
    values = sorted(amounts[objective] for amounts in ways.values())[:RANKED]
    column = {"latency": "latency_s", "energy": "device_energy_j", "cost": "cost"}
    if len(rows) != len(values):
        return f"{len(rows)} rows instead of {len(values)}"
    seen = set()
    for number, (row, value) in enumerate(zip(rows, values), 1):
        way = way_of(row["layers"])
        if row["rank"] != number or way in seen or way not in ways:
            return f"row {number}: {row['layers']} is no way, or comes twice"
        seen.add(way)
        if not close(row[column[objective]], value, PRINTED):
            return f"row {number}: {row[column[objective]]} where {value} is the next least"
        amounts = ways[way]
        for key, name in (*column.items(), ("moved", "sent_bytes")):
            if not close(row[name], amounts[key], PRINTED):
                return f"row {number}: {name} is {row[name]}, but {amounts[key]} by hand"
    return None


def simulation_problem(world, row, metrics):
    amounts = world.amounts(way_of(row["layers"]))
    wanted = {
        "latency_mean_s": amounts["latency"],
        "device_energy_mean_j": amounts["energy"] + world.idle_j(world.tier[:1]),
        "cost_mean": amounts["cost"] + world.prices["energy"] * world.idle_j(world.tier),
    }
    for name, value in wanted.items():
        found = metrics[name]["mean"]
        # What is simulated is a difference of times from START_S on.
        if not abs(found - value) <= EXACT * abs(value) + 1e-15:
            return f"{name} is {found}, predicted {value}"
    return None


def random_policies(world, draw):
    policies = [(objective, (), 0) for objective in ("latency", "energy", "cost")]
    for _ in range(2):
        without = tuple(t for t in range(world.tiers) if draw.random() < 0.3)
        most_bytes = draw.choice([0, 100, draw.uniform(1e2, 1e6)])
        policies.append((draw.choice(["latency", "energy", "cost"]), without, most_bytes))
    return policies


class Report:
    def __init__(self):
        self.number = 0

    def __call__(self, problem, what):
        self.number += 1
        print(f"{'not ok' if problem else 'ok'} {self.number} - {what}")
        if problem:
            print("# " + str(problem).rstrip().replace("\n", "\n# "))
        sys.stdout.flush()


def run(program, *words):
    return subprocess.run([program, *map(str, words)], capture_output=True, text=True, timeout=300,
                          check=False)


def check_world(program, folder, number, report, totals):
    draw = random.Random(number)
    world = World(draw)
    policies = random_policies(world, draw)
    path = folder / "cuts.yaml"
    for policy in [p for p in policies if not world.ways(*p[1:])]:
        path.write_text(world.scenario([policy]), encoding="utf-8")
        done = run(program, "check", path)
        is_refused = done.returncode == 2 and "no way leads through model 'net'" in done.stderr
        report(None if is_refused else f"{path.read_text()}{done.stdout}{done.stderr}",
               f"world {number}, {policy[0]}: refused, as no way is left")
        policies.remove(policy)
        totals["refused"] += 1
    if not policies:
        return
    path.write_text(world.scenario(policies), encoding="utf-8")
    explained = run(program, "check", path, "--explain", "--format", "json", "--quiet")
    simulated = run(program, "run", path, "--format", "json", "--no-store", "--quiet")
    if explained.returncode or simulated.returncode:
        report(path.read_text() + explained.stderr + simulated.stderr, f"world {number}")
        return
    rankings = json.loads(explained.stdout)
    points = json.loads(simulated.stdout)["points"]
    for policy, ranking, point in zip(policies, rankings, points):
        rows = ranking["explanation"]
        totals["ways"] += len(rows)
        totals["cut"] += len(set(way_of(rows[0]["layers"]))) > 1 if rows else 0
        name = f"world {number}, {policy[0]}"
        report(ranking_problem(world, policy, rows), name + ": the ranking is that of all ways")
        report(simulation_problem(world, rows[0], point["metrics"]) if rows else "no rows",
               name + ": one sample takes what is predicted")


PAIRS = """
SELECT a.value, b.value
FROM (SELECT number, value FROM replications JOIN metrics ON replication_id = replications.id
      JOIN metric_names ON metric_id = metric_names.id JOIN points ON point_id = points.id
      WHERE name = 'latency_mean_s' AND ordinal = 0) a
JOIN (SELECT number, value FROM replications JOIN metrics ON replication_id = replications.id
      JOIN metric_names ON metric_id = metric_names.id JOIN points ON point_id = points.id
      WHERE name = 'latency_mean_s' AND ordinal = 1) b USING (number)
"""


def check_pairs(program, scenarios, folder, report):
    store = folder / "store.db"
    done = run(program, "run", scenarios / "partition.yaml", "--db", store, "--quiet",
               "--set", "policy=[partition: {when: static}, partition: {when: dynamic}]")
    if done.returncode:
        report(done.stderr, "scenarios/partition.yaml runs")
        return
    with sqlite3.connect(store) as database:
        rows = database.execute(PAIRS).fetchall()
    differences = [static - dynamic for static, dynamic in rows]
    half = STUDENT_9 * statistics.stdev(differences) / math.sqrt(len(differences))
    mean = statistics.mean(differences)
    report(None if len(rows) == 10 and mean - half > 0 else f"{rows}: {mean} +- {half}",
           "dynamic beats static where the link changes, in pairs of replications")


def check_prices(program, folder, report):
    """Only what minimises the cost depends on prices."""
    world = World(random.Random(1))
    path, store = folder / "prices.yaml", folder / "prices.db"
    objectives = ["latency", "energy", "cost"]
    path.write_text(world.scenario([(objective, (), 0) for objective in objectives]),
                    encoding="utf-8")
    done = run(program, "run", path, "--db", store, "--quiet")
    with sqlite3.connect(store) as database:
        found = database.execute("SELECT uses_prices FROM points ORDER BY ordinal").fetchall()
    report(None if done.returncode == 0 and found == [(0,), (0,), (1,)] else
           f"{done.stderr}{found}", "only the points that minimise the cost depend on prices")


def main():
    program, scenarios = sys.argv[1], pathlib.Path(sys.argv[2])
    report = Report()
    totals = {"ways": 0, "cut": 0, "refused": 0}
    with tempfile.TemporaryDirectory(prefix="offloadsim-partition-") as name:
        folder = pathlib.Path(name)
        for number in range(WORLDS):
            check_world(program, folder, number, report, totals)
        enough = (totals["ways"] >= 10 * WORLDS and totals["cut"] >= WORLDS // 2
                  and totals["refused"] >= 3)
        report(None if enough else str(totals), "the worlds have ways, cuts and dead ends")
        check_pairs(program, scenarios, folder, report)
        check_prices(program, folder, report)
    print(f"1..{report.number}")


if __name__ == "__main__":
    main()
