#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every scenario that is shipped can be checked and run, and says in which words to try it.

usage: scenarios.py OFFLOADSIM ROOT
"""

import json
import pathlib
import re
import shlex
import sys

from harness import SLOWNESS, SMALL, expect, expect_equal, expect_in, main

SCENARIOS = sorted(file.stem for file in (pathlib.Path(sys.argv[2]) / "scenarios").glob("*.yaml"))


def check(name):
    def case(program):
        done = program.run("check", program.scenario(name), "--strict")
        expect_in(f"{name}.yaml: fine\n", done.stdout, "output")
        expect("warning" not in done.stderr, done.stderr)

    return case


def check_from_anywhere(name):
    """The trace is found beside the scenario, wherever one stands."""
    def case(program):
        (program.folder / "there").symlink_to(program.root / "scenarios")
        program.run("check", f"there/{name}.yaml")

    return case


def run(name):
    def case(program):
        done = program.run("run", program.scenario(name), *SMALL, "--format", "json")
        found = json.loads(done.stdout)
        expect_equal(found["scenario"], name, "name of the scenario")
        for point in found["points"]:
            metrics = point["metrics"]
            expect(0 < metrics["accuracy"]["mean"] <= 1, f"accuracy: {metrics['accuracy']}")
            expect(metrics["latency_mean_s"]["mean"] > 0, "latency")
            total = sum(estimate["mean"] for metric, estimate in metrics.items()
                        if metric.startswith("answered_fraction."))
            expect(abs(total + metrics["drop_fraction"]["mean"] - 1) < 1e-12,
                   f"answered or dropped: {total}")

    return case


# Half an hour of the busiest for what takes minutes as it is.
SHORTER = {"fleet": ["stop={time: 30 min}",
                     "tiers.device.classes.phone.profile={times: [0 s], factors: [1.8]}",
                     "tiers.device.classes.camera.profile={times: [0 s], factors: [1.6]}"]}


def stable(name):
    """As shipped no station is overloaded, and no setting is without effect (two replications
    tell)."""
    def case(program):
        shorter = [word for change in SHORTER.get(name, []) for word in ("--set", change)]
        done = program.run("run", program.scenario(name), "--replications", "2", "--no-store",
                           "--strict", "--format", "json", *shorter)
        expect_equal(json.loads(done.stdout)["warnings"], [], "warnings")
        for point in json.loads(done.stdout)["points"]:
            expect_equal(point["verdict"], "stable", point["policy"])

    return case


def tries(name):
    """The commands that a scenario's opening comment shows, without the program."""
    text = (pathlib.Path(sys.argv[2]) / "scenarios" / (name + ".yaml")).read_text(encoding="utf-8")
    found = re.findall(r"^# +offloadsim (.*)$", text, re.MULTILINE)
    return found + [f"run scenarios/{name}.yaml {words}"
                    for words in re.findall(r"`(--set [^`]*)`", text)]


def try_it(command):
    def case(program):
        (program.folder / "scenarios").symlink_to(program.root / "scenarios")
        program.run(*shlex.split(command), *SMALL)

    return case


def something_to_do(_program):
    expect(len(SCENARIOS) >= 5, f"only {SCENARIOS}")
    expect(sum(len(tries(name)) for name in SCENARIOS) >= 5, "little to try")


# A slow build computes the same verdicts.
WHAT = (("check", check), ("check from elsewhere", check_from_anywhere), ("run", run),
        *([("stable", stable)] if SLOWNESS == 1 else []))

CASES = (
    [("there are scenarios, and things to try", something_to_do)]
    + [(f"{what}: {name}", case(name)) for name in SCENARIOS
       for what, case in WHAT]
    + [(f"try: {command}", try_it(command)) for name in SCENARIOS for command in tries(name)]
)

if __name__ == "__main__":
    sys.exit(main(CASES))
