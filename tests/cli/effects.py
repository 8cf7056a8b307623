#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings without effect, and runs that tell nothing, are named; nothing else is.

The scenarios in tests/cli/wrong/ are wrong on purpose, each in the way that its comment states.

usage: effects.py OFFLOADSIM ROOT
"""

import json
import sys

from harness import expect, expect_equal, expect_in, main


def wrong(program, name):
    return str(program.root / "tests" / "cli" / "wrong" / (name + ".yaml"))


def messages(found, program):
    """Of the warnings in a result: file, line, column and message."""
    return [(None if warning["file"] is None
             else warning["file"].replace(str(program.root) + "/", ""),
             warning["line"], warning["column"], warning["message"])
            for warning in found["warnings"]]


# What each is told, by `check` and by `run`: line, column, message.
LINK = (21, 5, "link 'edge-cloud' has no effect: no sample uses it")
TIER = (17, 11, "tier 'cloud' has no effect: no sample comes there")
DEADLINE = (7, 21, "nothing can meet the deadline of 0.01 s: no sample of %s is answered by then")
SHORT = (5, 19, "the run is too short: the warm-up takes 95 % of it")
PRICE = (18, 18, "price 'deadline_miss' has no effect: no sample has a deadline")
WRONG = {
    "overloaded-edge": ([], []),
    "unused-link": ([], [LINK, TIER]),
    "too-short": ([SHORT], [SHORT]),
    "impossible-deadline": ([DEADLINE[:2] + (DEADLINE[2] % "a pilot",)],
                            [DEADLINE[:2] + (DEADLINE[2] % "any run",)]),
    "useless-price": ([PRICE], [PRICE]),
}


def located(name, found):
    return [(f"tests/cli/wrong/{name}.yaml", *warning) for warning in found]


def checked(name):
    def case(program):
        found = json.loads(program.run("check", wrong(program, name), "-f", "json").stdout)
        expect_equal(messages(found, program), located(name, WRONG[name][0]), "warnings")

    return case


def ran(name):
    def case(program):
        done = program.run("run", wrong(program, name), "--no-store", "-f", "json")
        found = json.loads(done.stdout)
        expect_equal(messages(found, program), located(name, WRONG[name][1]), "warnings")
        for line, column, message in WRONG[name][1]:
            expect_in(f"{wrong(program, name)}:{line}:{column}: warning: {message}\n",
                      done.stderr, "standard error")
        quiet = program.run("run", wrong(program, name), "--no-store", "-f", "json", "-q")
        expect_equal(quiet.stderr, "", "standard error when quiet")
        expect_equal(json.loads(quiet.stdout)["warnings"], found["warnings"], "when quiet")

    return case


def strict(name):
    """Errors, then; also when quiet one is told why."""
    def case(program):
        for verb, warnings in zip(("check", "run", "sweep"), (*WRONG[name], WRONG[name][1])):
            words = [verb, wrong(program, name), "--strict", "-q"]
            words += ["--no-store"] if verb != "check" else []
            done = program.run(*words, status=2 if warnings else 0)
            for _, _, message in warnings:
                expect_in(message, done.stderr, verb)
            if warnings:
                expect(done.stderr.endswith("for errors\n") or
                       done.stderr.endswith("for an error\n"), done.stderr)
            # What shows before it runs keeps it from running.
            is_known_before = bool(warnings) and name in ("too-short", "useless-price")
            expect_equal(done.stdout == "", is_known_before and verb != "check", "output")

    return case


def verdict(program):
    """Of the edge that gets too much, before and after."""
    before = json.loads(program.run("check", wrong(program, "overloaded-edge"), "-f",
                                    "json").stdout)
    expect_equal(before["points"][0]["verdict"], "overloaded: edge (offered load 1.2)", "before")
    after = json.loads(program.run("run", wrong(program, "overloaded-edge"), "-f", "json",
                                   "--no-store").stdout)
    expect(after["points"][0]["verdict"].startswith("overloaded: edge"),
           after["points"][0]["verdict"])


# ---- each rule, and where it is silent ----

BASE = """
scenario: base
stop: {samples: 12000}
replications: 1
samples: {trace: digits.csv, deadline: 1 s}
models:
  small: {exits: {end: {confidence: s_conf, correct: s_ok}}}
  large: {exits: {end: {confidence: l_conf, correct: l_ok}}}
tiers:
  - name: device
    nodes: 10
    arrivals: {poisson: 2 /s}
    compute: {time: {small: 40 ms}}
  - name: edge
    compute: {time: {large: 7 ms}}
links:
  - {from: device, to: edge, up: 20 Mbit/s, delay: 10 ms}
policy: {hi_threshold: {theta: 0.607}}
"""

UNUSED = ["link 'device-edge' has no effect: no sample uses it",
          "tier 'edge' has no effect: no sample comes there"]
SPARE = "models.spare={exits: {end: {confidence: m3_conf, correct: m3_ok}}}"
RULES = {
    "all is used": ([], []),
    "nothing is offloaded": (["policy=local"], UNUSED),
    "and it has a price": (["policy=local", "prices.offload=0.3"],
                           UNUSED + ["price 'offload' has no effect: nothing is offloaded"]),
    "a model that nobody runs": (["policy=full_offload"],
                                 ["model 'small' has no effect: no sample is computed by it"]),
    "a model that nobody can run": ([SPARE], ["model 'spare' has no effect: nothing has service "
                                              "times for it"]),
    "an oracle may look at it": ([SPARE, "policy=[full_offload, oracle]"], []),
    "training may show it": (["policy=full_offload", "samples.train=30 %"], []),
    "too few samples to run it": (["policy=full_offload", "stop.samples=9000"], []),
    "a model that runs and does not answer": (["policy={hi_threshold: {theta: 1}}"], []),
    "a model that one of the policies runs": (["policy=[full_offload, local]"], []),
    "a price of 0 is none": (["policy=local", "prices.offload=0"], UNUSED),
    "an offload has its price": (["prices.offload=0.3"], []),
    "too few samples to tell": (["policy=local", "stop.samples=9000"], []),
    "few samples": (["stop.samples=90"],
                    ["the run is too short: a replication counts about 90 samples"]),
    "few samples on purpose": (["stop={time: 4 s}", "transient=true"], []),
    "few seconds": (["stop={time: 2 s}"],
                    ["the run is too short: a replication counts about 40 samples"]),
    "a price of drops that cannot be": (["prices.drop=1"],
                                        ["price 'drop' has no effect: nothing can drop a sample"]),
    "a price of drops that could be": (["prices.drop=1", "tiers.edge.compute.room=1000"], []),
    "a price of energy without any": (["prices.energy=1 /J"],
                                      ["price 'energy' has no effect: nothing takes any energy"]),
    "a price of energy": (["prices.energy=1 /J",
                           "tiers.device.compute.power={active: 1 W, idle: 0 W}"], []),
    "a price of time": (["prices.latency=1 /s"], []),
    "a price of misses that do not happen": (["prices.deadline_miss=1"], []),
    "nothing answers in time": (["samples.deadline=20 ms"],
                                ["nothing can meet the deadline of 0.02 s: no sample of any run is "
                                 "answered by then"]),
    "some answer in time": (["samples.deadline=41 ms"], []),
    "probes that nobody looks at": (["links.device-edge.probe=1 s"],
                                    ["'probe' of link 'device-edge' has no effect: no policy here "
                                     "looks at links"]),
    "reports that nobody looks at": (["tiers.edge.reports={every: 1 s, delay: 0 s}"],
                                     ["the reports of tier 'edge' have no effect: no policy here "
                                      "looks at them"]),
    "reports that a policy looks at": (["tiers.edge.reports={every: 1 s, delay: 0 s}",
                                        "policy={hi_threshold: {theta: 0.6, load_aware: 1 /s}}"],
                                       []),
    "a change after the end": (
        ["stop={time: 700 s}", "drift=[{at: 700 s, arrivals: 2}]"],
        ["the change at 700 s comes too late: the run stops at 700 s"]),
    "a change before the end": (["stop={time: 700 s}", "drift=[{at: 699 s, arrivals: 2}]"], []),
    "a change while links may go on": (
        ["stop={time: 700 s}", "drift=[{at: 900 s, links: {device-edge: 2}}]"], []),
    "a change long after the end": (
        ["drift=[{at: 1300 s, arrivals: 2}]"],
        ["the change at 1300 s comes too late: the run stops after 12000 samples, long before"]),
    "a change that could be before the end": (["drift=[{at: 1100 s, arrivals: 2}]"], []),
    "a step after the end": (
        ["stop={time: 700 s}",
         "tiers.device.profile={times: [0 s, 600 s, 700 s, 800 s], factors: [1, 2, 1, 2]}"],
        ["the factor of the profile from 700 s comes too late: the run stops at 700 s"]),
    "steps of a day": (
        ["stop={time: 700 s}",
         "tiers.device.profile={times: [0 s, 800 s], factors: [1, 2], period: 24 h}"], []),
    "a rate after the end": (
        ["stop={time: 700 s}",
         "links.device-edge.up={steps: {times: [0 s, 1400 s], rates: [20 Mbit/s, 1 Mbit/s]}}"],
        ["the rate of the link from 1400 s comes too late: the run stops at 700 s"]),
    "an outage after the end": (
        ["stop={time: 700 s}",
         "links.device-edge.outages={schedule: {starts: [2 s, 1500 s], lasts: [1 s, 1 s]}}"],
        ["the outage at 1500 s comes too late: the run stops at 700 s"]),
    "a factor of a rate without a limit": (
        ["links.device-edge.up=unlimited", "drift=[{at: 50 s, links: {device-edge: 2}}]"],
        ["the factor has no effect: link 'device-edge' has no limit of its rate"]),
    "a share of a rate without a limit": (
        ["links.device-edge.up=unlimited", "links.device-edge.sharing=fair"],
        ["'sharing: fair' has no effect: link 'device-edge' has no limit of its rate"]),
    "half of a rate without a limit": (
        ["links.device-edge.up=unlimited", "links.device-edge.duplex=half"],
        ["'duplex: half' has no effect: link 'device-edge' has no limit of its rate"]),
    "a limit one way": (["links.device-edge.sharing=fair", "links.device-edge.duplex=half",
                         "drift=[{at: 50 s, links: {device-edge: 2}}]"], []),
    "arrivals that end": (
        ["tiers.device.arrivals={times: {file: times.csv, repeat: false}}"],
        ["the run ends before 12000 samples: only 300 arrive"]),
    "arrivals that repeat": (
        ["tiers.device.arrivals={times: {file: times.csv}}"], []),
    "priorities nobody serves by": (["tiers.device.priority=3"],
                                    ["'priority' has no effect: no node above the devices looks at "
                                     "it"]),
    "priorities, all alike": (["tiers.device.priority=3", "tiers.edge.compute.discipline=priority"],
                              ["all samples have the same priority, so the first to come is "
                               "first"]),
    "weights nobody shares by": (["tiers.device.weight=2"],
                                 ["'weight' has no effect, because no link is shared fairly"]),
    "weights": (["tiers.device.weight=2", "links.device-edge.sharing=fair"], []),
}


def write_base(program):
    data = (program.root / "scenarios" / "data" / "digits.csv").read_text(encoding="utf-8")
    (program.folder / "digits.csv").write_text(data, encoding="utf-8")
    (program.folder / "times.csv").write_text("\n".join(["time", *map(str, range(300))]),
                                              encoding="utf-8")
    (program.folder / "base.yaml").write_text(BASE, encoding="utf-8")


def rule(name):
    def case(program):
        write_base(program)
        sets, wanted = RULES[name]
        words = [word for each in sets for word in ("--set", each)]
        found = json.loads(program.run("run", "base.yaml", *words, "--no-store", "-q", "-f",
                                       "json").stdout)
        expect_equal(sorted(warning["message"] for warning in found["warnings"]), sorted(wanted),
                     "warnings")
        for warning in found["warnings"]:
            expect(warning["file"] in ("base.yaml", "--set"), f"no place: {warning}")
            expect(warning["hint"], f"no way out: {warning}")

    return case


def model_at_its_place(program):
    """A model is named where its name stands, and --strict ends with an error."""
    write_base(program)
    words = ("run", "base.yaml", "--set", "policy=full_offload", "--no-store", "-q")
    found = json.loads(program.run(*words, "-f", "json").stdout)
    expect_equal([(warning["file"], warning["line"], warning["column"])
                  for warning in found["warnings"]], [("base.yaml", 7, 3)], "place")
    expect_in("base.yaml:7:3: warning: model 'small'",
              program.run(*words, "--strict", status=2).stderr, "standard error")


def errors_without_outcomes(program):
    """Without a trace and a generator all answers are right."""
    found = json.loads(program.run("run", program.scenario("mm1"), "-n", "1", "--no-store", "-q",
                                   "--set", "prices.error=1", "-f", "json").stdout)
    expect_equal([warning["message"] for warning in found["warnings"]],
                 ["price 'error' has no effect: without a trace or a generator every answer is "
                  "right"], "warnings")


def sweeps(program):
    """Only what has no effect in any point is named; and what an axis sets is not judged."""
    write_base(program)

    def swept(*axes):
        words = [word for axis in axes for word in ("--set", axis)]
        done = program.run("sweep", "base.yaml", *words, "--no-store", "-q", "-f", "json")
        return [warning["message"] for warning in json.loads(done.stdout)["warnings"]]

    expect_equal(swept("policy.hi_threshold.theta=0,0.5"), [], "an offload in one point")
    expect_equal(sorted(swept("policy.hi_threshold.theta=0,0.0001")), sorted(UNUSED), "none")
    expect_equal(swept("stop.samples=20,30"), [], "short points of a sweep of lengths")
    program.run("sweep", "base.yaml", "--set", "policy.hi_threshold.theta=0,0.0001", "--no-store",
                "-q", "--strict", status=2)


def reading(program):
    """Warnings of the reader are in the list too, and --strict minds them."""
    write_base(program)
    words = ("base.yaml", "--set", "feedback={when: always}", "--no-store", "-f", "json")
    found = json.loads(program.run("run", *words).stdout)
    expect_equal([warning["message"] for warning in found["warnings"]],
                 ["feedback has no effect: none of the policies learns from it"], "warnings")
    done = program.run("run", *words, "--strict", status=2)
    expect_equal(done.stdout, "", "output")
    expect_in("'--strict' takes a warning for an error", done.stderr, "standard error")


CASES = (
    [(f"check: {name}", checked(name)) for name in WRONG]
    + [(f"run: {name}", ran(name)) for name in WRONG]
    + [(f"--strict: {name}", strict(name)) for name in WRONG]
    + [("verdict before and after", verdict)]
    + [(f"rule: {name}", rule(name)) for name in RULES]
    + [("a model at its place", model_at_its_place),
       ("rule: errors without outcomes", errors_without_outcomes), ("sweeps", sweeps),
       ("warnings of the reader", reading)]
)

if __name__ == "__main__":
    sys.exit(main(CASES))
