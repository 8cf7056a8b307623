#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Models whose layers come from a profile, and those whose layers are stated.

usage: profiles.py OFFLOADSIM ROOT
"""

import csv
import json
import math
import pathlib
import sys

from harness import expect, expect_equal, expect_in, main

PROFILES = sorted(file.stem for file in
                  (pathlib.Path(sys.argv[2]) / "scenarios" / "profiles").glob("*.csv")
                  if file.stem != "devices")

TWO_TIERS = """\
scenario: layers
stop: {{samples: 1}}
replications: 1
samples: {{payload: 1 MB, answer: free}}
models: {models}
tiers:
  - {{name: device, arrivals: {{deterministic: 1 s}}, compute: {device}}}
  - {{name: edge, compute: {edge}}}
links:
  - {{from: device, to: edge, up: 1 MB/s}}
policy: {policy}
"""


def run(program, models, device, edge="{time: {other: 1 s}}", policy="local"):
    """The metrics of one sample."""
    (program.folder / "layers.yaml").write_text(
        TWO_TIERS.format(models=models, device=device, edge=edge, policy=policy), encoding="utf-8")
    done = program.run("run", "layers.yaml", "--no-store", "--format", "json", "--quiet")
    return {name: estimate["mean"]
            for name, estimate in json.loads(done.stdout)["points"][0]["metrics"].items()}


def expect_close(found, wanted, what):
    expect(abs(found - wanted) <= 1e-12 * abs(wanted), f"{what}: {found!r}, not {wanted!r}")


def times_of(path):
    """{platform: [seconds a layer]} as the file has it, and the bytes behind each layer."""
    times, outputs = {}, {}
    with open(path, encoding="utf-8") as file:
        for row in csv.DictReader(file):
            times.setdefault(row["platform"], []).append(float(row["time_s"]))
            outputs.setdefault(row["platform"], []).append(float(row["output_bytes"]))
    return times, next(iter(outputs.values()))


def shipped(name):
    """On each platform the network takes the sum of its layers."""
    def case(program):
        path = program.root / "scenarios" / "profiles" / f"{name}.csv"
        times, _ = times_of(path)
        expect(len(times) >= 1, "platforms")
        for platform, seconds in times.items():
            metrics = run(program, f"{{net: {{profile: '{path}'}}, other: {{}}}}",
                          f"{{platform: '{platform}'}}")
            expect_close(metrics["latency_mean_s"], math.fsum(seconds), platform)

    return case


def shipped_cut(program):
    """Behind a layer travels what the file says."""
    path = program.root / "scenarios" / "profiles" / "alexnet.csv"
    times, outputs = times_of(path)
    for layer, size in enumerate(outputs[:-1], 1):
        # The device is fast up to the cut; what it would take behind it takes it an age.
        device = [f"{1 if k < layer else 1e9} ms" for k in range(len(outputs))]
        edge = [f"{1e9 if k < layer else 1} ms" for k in range(len(outputs))]
        metrics = run(program, f"{{net: {{profile: '{path}'}}, other: {{}}}}",
                      f"{{time: {{net: [{', '.join(device)}]}}}}",
                      f"{{time: {{net: [{', '.join(edge)}]}}}}", "partition")
        expect_close(metrics["bytes_up_mean"], size, f"bytes behind layer {layer}")
        expect_close(metrics["latency_mean_s"], size / 1e6 + 1e-3 * len(outputs), "latency")
    expect("raspi4" in times, "platforms")


def write_columns(program):
    """A file in which everything is called differently, with rows that are not wanted."""
    (program.folder / "blocks.csv").write_text(
        "net,first,last,machine,ms,kB,from\n"
        "a,0,2,pi,1.5,7,\n"
        "b,0,0,pi,400,1,\n"
        "a,3,3,pi,2.25,5,0-2\n"
        "a,0,2,\"pc, large\",0.5,7,\n"
        "b,1,4,pi,500,1,0\n"
        "a,3,3,\"pc, large\",0.25,5,0-2\n"
        "a,4,9,pi,4,0.01,3\n"
        "a,4,9,\"pc, large\",1,0.01,3\n", encoding="utf-8")
    return ("{file: blocks.csv, where: {net: a}, layer: [first, last], platform: machine, "
            "time: ms, time_unit: ms, output: kB, output_unit: kB, inputs: from}")


def columns(program):
    """Columns, units and rows as the scenario says."""
    profile = write_columns(program)
    models = f"{{net: {{profile: {profile}}}, other: {{}}}}"
    expect_close(run(program, models, "{platform: pi}")["latency_mean_s"], 7.75e-3, "on pi")
    expect_close(run(program, models, "{platform: 'pc, large'}")["latency_mean_s"], 1.75e-3,
                 "on pc")
    metrics = run(program, models, "{time: {net: [1 ms, 1 ms, 9 s]}}", "{platform: pi}",
                  "{partition: {most_bytes: 6 kB}}")
    expect_close(metrics["bytes_up_mean"], 5000, "bytes")
    explained = program.run("check", "layers.yaml", "--explain", "--format", "csv").stdout
    expect_in("device 0-2..3, edge 4-9..4-9", explained, "names of layers")


def own_times(program):
    """Times of the scenario go before those of the profile, and both may stand at a tier."""
    profile = write_columns(program)
    models = f"{{other: {{}}, net: {{profile: {profile}}}}}"
    for model, seconds in (("net", 7.75e-3), ("other", 3)):
        metrics = run(program, models, "{platform: pi, time: {other: 3 s}}",
                      policy=f"{{local: {{model: {model}}}}}")
        expect_close(metrics["latency_mean_s"], seconds, model)
    metrics = run(program, models, "{platform: pi, time: {net: [1 s, 2 s, 4 s]}}")
    expect_close(metrics["latency_mean_s"], 7, "from the scenario")


def energies(program):
    """A tier with a profile takes the energies of its layers."""
    profile = write_columns(program)
    metrics = run(program, f"{{net: {{profile: {profile}}}, other: {{}}}}",
                  "{platform: pi, energy: {net: [1 J, 2 J, 4 J]}, power: {active: 3 W}}")
    expect_close(metrics["device_energy_mean_j"], 7, "stated")
    metrics = run(program, f"{{net: {{profile: {profile}}}, other: {{}}}}",
                  "{platform: pi, power: {active: 3 W}}")
    expect_close(metrics["device_energy_mean_j"], 3 * 7.75e-3, "by power")


def exits(program):
    """Exits stand behind layers of a profile; without a trace every one is sure."""
    profile = write_columns(program)
    for after, seconds in ((1, 1.5e-3), (2, 3.75e-3), ("last", 7.75e-3)):
        models = (f"{{net: {{profile: {profile}, exits: {{end: {{}}"
                  f"{f', early: {{after: {after}}}' if after != 'last' else ''}}}}}, other: {{}}}}")
        policy = "{early_exit: {thresholds: 0.5}}" if after != "last" else "local"
        metrics = run(program, models, "{platform: pi}", policy=policy)
        expect_close(metrics["latency_mean_s"], seconds, f"exit after {after}")


def stated_outputs(program):
    """The same without a file."""
    metrics = run(program, "{net: {layers: 3, output: [7 kB, 5 kB, 10 B]}, other: {}}",
                  "{time: {net: [1 ms, 1 ms, 9 s]}}", "{time: {net: [9 s, 9 s, 1 ms]}}",
                  "partition")
    expect_close(metrics["bytes_up_mean"], 5000, "bytes")
    expect_close(metrics["latency_mean_s"], 8e-3, "latency")


def other_folder(program):
    """A profile stands beside its scenario, wherever one stands."""
    (program.folder / "there").mkdir()
    (program.folder / "there" / "net.csv").write_text(
        "platform,name,time_s,output_bytes\npi,all,2.5,10\n", encoding="utf-8")
    (program.folder / "there" / "layers.yaml").write_text(
        TWO_TIERS.format(models="{net: {profile: net.csv}, other: {}}", device="{platform: pi}",
                         edge="{time: {other: 1 s}}", policy="local"), encoding="utf-8")
    program.run("check", "there/layers.yaml")


def another_network(program):
    """The profile is a value like any other: --set and a sweep of two take another network."""
    profiles = program.root / "scenarios" / "profiles"
    run(program, f"{{net: {{profile: '{profiles / 'alexnet.csv'}'}}, other: {{}}}}",
        "{platform: raspi4}")
    done = program.run("run", "layers.yaml", "--no-store", "--format", "json", "--quiet", "--set",
                       f"models.net.profile={profiles / 'vgg16.csv'}")
    found = json.loads(done.stdout)["points"][0]["metrics"]["latency_mean_s"]["mean"]
    expect_close(found, math.fsum(times_of(profiles / "vgg16.csv")[0]["raspi4"]), "latency")


def many(program):
    """As many layers as a model can have, and one more; as many platforms as rows."""
    def write(rows):
        (program.folder / "many.csv").write_text(
            "platform,name,time_s,output_bytes\n" + "".join(rows), encoding="utf-8")

    models = "{net: {profile: many.csv}, other: {}}"
    write([f"pi,{k},1e-3,1\n" for k in range(10000)])
    expect_close(run(program, models, "{platform: pi}")["latency_mean_s"], 10, "latency")
    write([f"pi,{k},1e-3,1\n" for k in range(10001)])
    done = program.run("check", "layers.yaml", status=2)
    expect_in("profile 'many.csv' of model 'net' has more than 10000 layers for platform 'pi'\n",
              done.stderr, "message")
    expect_in("hint: choose the rows of one model with 'where'\n", done.stderr, "hint")
    write([f"pi{k},all,2.385,1\n" for k in range(5000)])
    expect_close(run(program, models, "{platform: pi4999}")["latency_mean_s"], 2.385, "latency")


def content_counts(program):
    """A profile whose figures change is another point, wherever the file lies."""
    def hashes():
        done = program.run("query", "SELECT DISTINCT hash FROM points", "--format", "csv")
        return len(done.stdout.splitlines()) - 1

    def store(name, seconds):
        (program.folder / name).write_text(
            f"platform,name,time_s,output_bytes\npi,all,{seconds},10\n", encoding="utf-8")
        (program.folder / "layers.yaml").write_text(
            TWO_TIERS.format(models=f"{{net: {{profile: {name}}}, other: {{}}}}",
                             device="{platform: pi}", edge="{time: {other: 1 s}}",
                             policy="local"), encoding="utf-8")
        program.run("run", "layers.yaml", "--quiet")

    store("net.csv", 1)
    store("copy.csv", 1)
    expect_equal(hashes(), 1, "hashes of the same figures")
    store("net.csv", 2)
    expect_equal(hashes(), 2, "hashes of other figures")


CASES = [(f"{name} takes the sum of its layers", shipped(name)) for name in PROFILES] + [
    ("a cut sends what lies behind the layer", shipped_cut),
    ("columns, units and rows are those that are asked for", columns),
    ("times of the scenario go first", own_times),
    ("energies beside a profile", energies),
    ("exits behind layers of a profile", exits),
    ("outputs without a profile", stated_outputs),
    ("a profile lies beside its scenario", other_folder),
    ("another network with --set", another_network),
    ("many layers, many platforms", many),
    ("what is in a profile counts", content_counts),
]

if __name__ == "__main__":
    expect(len(PROFILES) >= 6, "profiles are shipped")
    sys.exit(main(CASES))
