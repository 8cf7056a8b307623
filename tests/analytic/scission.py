#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds the static partition against the rankings that Scission itself gives.

usage: scission.py OFFLOADSIM SCENARIOS

Scission (Lockhart et al., UCC 2020, arXiv 2008.03523) ranks the cuts of a network over five
platforms from measured layer times. Its files are no part of this project: they are read from
scission/ in the folder named by OFFLOADSIM_DATA (default: ../shared/data beside the source), and
without them the test is skipped. Its prediction: the times of the blocks, and for each hop the
whole ping and the bytes over the rate; nothing for the answer. So here a link's delay is the
whole ping and the answer is free.
"""

import csv
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

# Name of the tier, platform in Scission's files, column of its golden lines.
TIERS = [
    ("pi", "raspi4", "Device"),
    ("edge_2500", "2500", "Edge"),
    ("edge_vm", "vm2Core", "Edge"),
    ("cloud_gpu", "6700k(GPU)", "Cloud"),
    ("cloud_cpu", "6700k(NoGPU)", "Cloud"),
]
TIER_OF = {platform: name for name, platform, _ in TIERS}


def scenario(data, model, network):
    """The scenario of one model on one network."""
    lines = [
        "scenario: scission",
        "stop: {samples: 1}",
        "replications: 1",
        "samples: {payload: 150000 B, answer: free}",
        "models:",
        "  net:",
        f"    profile: {{file: '{data / 'scission_layers.csv'}', where: {{model: {model}}},",
        "              layer: [block_first_layer, block_last_layer]}",
        "tiers:",
    ]
    for name, platform, _ in TIERS:
        arrivals = ", arrivals: {deterministic: 1 s}" if name == "pi" else ""
        lines.append(f"  - {{name: {name}{arrivals}, compute: {{platform: '{platform}'}}}}")
    lines.append("links:")
    with open(data / network, encoding="utf-8") as file:
        for row in csv.DictReader(file):
            lines.append(
                f"  - {{from: {TIER_OF[row['source'].strip()]}, "
                f"to: {TIER_OF[row['destination'].strip()]}, "
                f"delay: {row['ping(ms)'].strip()} ms, "
                f"up: {row['bandwidth(mbps)'].strip()} Mbit/s}}")
    lines.append("policy: partition")
    return "\n".join(lines) + "\n"


def run(program, *words):
    done = subprocess.run([program, *words], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout)


def block_range(segment):
    """ "0-1..22" -> (0, 22): the first layer of the first block, the last of the last one."""
    first, last = segment.split("..")
    return int(first.split("-")[0]), int(last.split("-")[-1])


def split_of(cell):
    """The cell "edge_vm 0-1..19, cloud_gpu 20..22" as {tier: (first, last)}."""
    split = {}
    for part in cell.split(", "):
        tier, segment = part.split(" ")
        split[tier] = block_range(segment)
    return split


GOLDEN = re.compile(r"\[(\d)\] ([\d.]+)s - ([\d.]+)MB - (.*)")
PLACE = re.compile(r"(Device|Edge|Cloud)\((.+?)\) = (-?\d+) - (-?\d+)(?:,|$)")


def golden_cases(data):
    """(network, model, [(latency, megabytes, split)]) as the file lists them."""
    cases = []
    for line in (data / "golden.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            network, model = line[1:].split()
            cases.append((network, model, []))
            continue
        _, latency, megabytes, places = GOLDEN.match(line).groups()
        split = {TIER_OF[platform]: (int(first), int(last))
                 for _, platform, first, last in PLACE.findall(places) if int(first) >= 0}
        cases[-1][2].append((latency, megabytes, split))
    return cases


def enumerate_cuts(data, model, network):
    """The five least latencies of a model, by trying every cut over every path."""
    times, sizes, links = {}, [], {}
    with open(data / "scission_layers.csv", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["model"] == model:
                times.setdefault(TIER_OF[row["platform"]], []).append(float(row["time_s"]))
                if row["platform"] == "raspi4":
                    sizes.append(float(row["output_bytes"]))
    with open(data / network, encoding="utf-8") as file:
        for row in csv.DictReader(file):
            links[TIER_OF[row["source"].strip()], TIER_OF[row["destination"].strip()]] = (
                float(row["ping(ms)"]) / 1e3, float(row["bandwidth(mbps)"]) * 125e3)
    layers = len(sizes)
    done = {}
    for tier, values in times.items():
        done[tier] = [0.0]
        for value in values:
            done[tier].append(done[tier][-1] + value)

    def hop(source, target, cut):
        ping, rate = links[source, target]
        return ping + (sizes[cut - 1] if cut else 150000) / rate

    found = []

    def extend(tier, begin, latency):
        """All ways on from `tier`, which has the layers from `begin` on and runs at least one."""
        found.append(latency + done[tier][layers] - done[tier][begin])
        for target in (to for source, to in links if source == tier and to in done):
            for cut in range(begin + 1, layers):
                extend(target, cut, latency + done[tier][cut] - done[tier][begin]
                       + hop(tier, target, cut))

    extend("pi", 0, 0.0)
    for target in (to for source, to in links if source == "pi" and to in done):
        extend(target, 0, hop("pi", target, 0))
    return sorted(found)[:5]


def models_of(data):
    with open(data / "scission_layers.csv", encoding="utf-8") as file:
        return sorted({row["model"] for row in csv.DictReader(file)})


def main():
    program, root = sys.argv[1], pathlib.Path(sys.argv[2]).resolve().parent
    data = pathlib.Path(os.environ.get("OFFLOADSIM_DATA", root.parent / "shared" / "data"))
    data = (data / "scission").resolve()
    if not (data / "golden.txt").exists():
        print("1..0 # SKIP Scission's files are not there; OFFLOADSIM_DATA names their folder")
        return
    number = 0
    results = []

    def report(good, what, detail=""):
        nonlocal number
        number += 1
        results.append(f"{'ok' if good else 'not ok'} {number} - {what}")
        if not good and detail:
            results.append(f"# {detail}")

    with tempfile.TemporaryDirectory() as folder:
        for network, model, wanted in golden_cases(data):
            path = pathlib.Path(folder) / f"{model}.yaml"
            path.write_text(scenario(data, model, network), encoding="utf-8")
            ranked = run(program, "check", str(path), "--explain", "--format", "json", "--quiet")
            rows = ranked[0]["explanation"]
            for row, (latency, megabytes, split) in zip(rows, wanted):
                found = (f"{row['latency_s']:.4f}", f"{row['sent_bytes'] / 1e6:.4f}",
                         split_of(row["layers"]))
                report(found == (latency, megabytes, split),
                       f"{network} {model} rank {row['rank']}",
                       f"wanted {latency} {megabytes} {split}, found {found}")
            result = run(program, "run", str(path), "--format", "json", "--no-store", "--quiet")
            simulated = result["points"][0]["metrics"]["latency_mean_s"]["mean"]
            report(abs(simulated - rows[0]["latency_s"]) <= 1e-8 * simulated,
                   f"{network} {model}: one sample on the idle system",
                   f"predicted {rows[0]['latency_s']}, simulated {simulated}")
        for network in ("network_stats.csv", "network_stats_wired.csv"):
            for model in models_of(data):
                path = pathlib.Path(folder) / f"{model}.yaml"
                path.write_text(scenario(data, model, network), encoding="utf-8")
                ranked = run(program, "check", str(path), "--explain", "--format", "json",
                             "--quiet")
                found = [row["latency_s"] for row in ranked[0]["explanation"][:5]]
                wanted = enumerate_cuts(data, model, network)
                report(all(abs(a - b) <= 1e-8 * b for a, b in zip(found, wanted)),
                       f"{network} {model}: the five best of all cuts",
                       f"wanted {wanted}, found {found}")
    print(f"1..{number}")
    print("\n".join(results))


if __name__ == "__main__":
    main()
