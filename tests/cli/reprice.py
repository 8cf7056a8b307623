#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stored experiment at other prices: against real sweeps, named queries, and counting in Python.

usage: reprice.py OFFLOADSIM ROOT
"""

import csv
import io
import json
import math
import sqlite3
import statistics
import sys

from harness import SMALL, expect, expect_equal, expect_in, main

# Some samples are late and some find the link full, so that every price has something to weigh.
LIVELY = (*SMALL, "--set", "samples.deadline=90 ms", "--set", "links.device-edge.room=0")

# Student's t with two degrees of freedom, for the three replications of SMALL, at 95 %.
T = (2 * 0.975 - 1) * math.sqrt(2 / (4 * 0.975 * 0.025))

USAGE = "usage: offloadsim reprice --experiment N --set prices.PRICE=VALUES"


def sets(*prices):
    return [word for price in prices for word in ("--set", price)]


def run(program, world, *words):
    return program.run("run", program.scenario(world), *LIVELY, *words, "--quiet")


def reprice(program, *prices, experiment=1, words=(), **options):
    return program.run("reprice", "--experiment", str(experiment), *sets(*prices), *words,
                       **options)


def repriced(program, *prices, words=(), **options):
    done = reprice(program, *prices, words=("--format", "json", *words), **options)
    return json.loads(done.stdout)


def swept(program, world, *words, lively=LIVELY):
    """The points of a real sweep, which leaves the database alone."""
    done = program.run("sweep", program.scenario(world), *lively, *words, "--no-store", "--format",
                       "json", "--quiet")
    return json.loads(done.stdout)["points"]


def identity(point, paths):
    """What tells a point from the others; a price that has one value is no parameter of a sweep."""
    parameters = {path: value for path, value in point["parameters"].items()
                  if path in paths or not path.startswith("prices.")}
    return point["policy"], json.dumps(parameters, sort_keys=True)


def expect_close(found, wanted, what):
    if wanted is None:
        expect(found is None, f"{what}: {found}, not null")
    else:
        expect(abs(found - wanted) <= 1e-12 * abs(wanted), f"{what}: {found!r}, not {wanted!r}")


def expect_same_points(found, wanted):
    """All estimates agree to 1e-12, and the costs to the bit."""
    paths = set(wanted[0]["parameters"])
    by_identity = {identity(point, paths): point for point in found}
    expect_equal(len(by_identity), len(found), "different points")
    expect_equal(set(by_identity), {identity(point, paths) for point in wanted}, "points")
    for point in wanted:
        name = identity(point, paths)
        other = by_identity[name]
        expect_equal((other["replications"], other["verdict"]),
                     (point["replications"], point["verdict"]), name)
        expect_equal(set(other["metrics"]), set(point["metrics"]), f"metrics of {name}")
        for metric, estimate in point["metrics"].items():
            for key, value in estimate.items():
                expect_close(other["metrics"][metric][key], value, f"{key} of {metric} of {name}")
        expect_equal(other["metrics"]["cost_mean"], point["metrics"]["cost_mean"],
                     f"every bit of the cost of {name}")


# ---- against a real sweep ----

SWEPT = {
    "of_an_offload": ("hi-digits", ["prices.offload=range(0,1,0.25)"]),
    "of_two_kinds": ("hi-digits", ["prices.offload=0.1,0.7", "prices.error=log(1,100,3)"]),
    "with_units": ("hi-digits", ["prices.latency=range(0,2,0.5 /s)", "prices.energy=2 /mJ",
                                 "prices.byte=0.001 /kB"]),
    "of_a_link": ("hi-three-tiers", ["prices.offload.edge-cloud=0.05,0.3"]),
    "of_all_links": ("hi-three-tiers", ["prices.offload=0.05,0.3"]),
    "of_links_and_one_of_them": ("hi-three-tiers", ["prices.offload=0.4",
                                                    "prices.offload.edge-cloud=0.05,0.3"]),
    "of_some_links_only": ("hi-three-tiers", ["prices.offload={device-edge: 0.7}",
                                              "prices.error=1,2"]),
    "of_a_tier": ("hi-three-tiers", ["prices.layer.edge=0.01,0.1", "prices.layer.cloud=0.02"]),
}


def like_a_sweep(world, prices):
    def case(program):
        run(program, world)
        expect_same_points(repriced(program, *prices)["points"],
                           swept(program, world, *sets(*prices)))

    return case


def every_price(program):
    """Whatever key a scenario has under `prices` can be set anew, in its unit, and weighs the same
    as in a scenario; so the table of prices lacks none."""
    run(program, "hi-digits")
    keys = json.loads(program.run("keys", "prices.", "--format", "json").stdout)
    expect(len(keys) >= 8, f"keys: {keys}")
    for row in keys:
        value = f"{row['key']}=0.125 {row['unit']},3.5 {row['unit']}"
        points = repriced(program, value)["points"]
        expect_same_points(points, swept(program, "hi-digits", "--set", value))
        costs = {point["metrics"]["cost_mean"]["mean"] for point in points}
        expect(len(costs) > len(points) / 2, f"{row['key']} weighs nothing: {costs}")


def a_hundred_prices(program):
    run(program, "hi-digits")
    price = "prices.offload=range(0,1,0.01)"
    points = repriced(program, price)["points"]
    expect_equal(len(points), 4 * 101, "points")
    expect_same_points(points, swept(program, "hi-digits", "--set", price))
    # As a sweep has them, in the same order.
    expect_equal([(p["parameters"]["prices.offload"], p["policy"]) for p in points[:5]],
                 [(0, "local"), (0, "hi_threshold"), (0, "full_offload"), (0, "oracle"),
                  (0.01, "local")], "order")


def a_stored_sweep(program):
    """Thetas stay; prices that were swept give way, so that points become one that differed in them
    alone."""
    world = "sweeps/hi-cost"
    axes = ("--set", "policy.hi_threshold.theta=0.2,0.6", "--set", "prices.offload=0.1,0.5,0.9")
    program.run("sweep", program.scenario(world), *LIVELY, *axes, "--quiet")
    points = repriced(program, "prices.offload=0.3,0.4")["points"]
    expect_equal(len(points), 2 * (2 + 2), "points")
    expect_same_points(points, swept(program, world, *axes, "--set", "prices.offload=0.3,0.4"))
    # Those of another price stay apart.
    points = repriced(program, "prices.error=2,3")["points"]
    expect_equal(len(points), 2 * 3 * (2 + 2), "points")
    expect_same_points(points, swept(program, world, *axes, "--set", "prices.error=2,3"))
    # The price of the only link is the price of all.
    points = repriced(program, "prices.offload.device-edge=0.3,0.4")["points"]
    expect_equal([list(point["parameters"]) for point in points[:2]],
                 [["prices.offload.device-edge"],
                  ["policy.hi_threshold.theta", "prices.offload.device-edge"]], "parameters")
    expect_equal(len(points), 2 * (2 + 2), "points")


def shared_replications(program):
    """A point rests on as many replications as it asked for, wherever they are and however many
    more there are."""
    price = "prices.offload=0.1,0.5"
    for count in ("4", "6"):
        program.run("sweep", program.scenario("hi-digits"), *LIVELY, "--set", price,
                    "--replications", count, "--quiet")
    database = sqlite3.connect(program.folder / "offloadsim.db")
    sources = database.execute("SELECT DISTINCT source_id FROM points WHERE experiment_id = 2")
    expect(None not in [source for source, in sources], "nothing is shared")
    database.close()
    for experiment, count in ((1, "4"), (2, "6")):
        found = repriced(program, "prices.error=2,5", experiment=experiment)["points"]
        expect_same_points(found, swept(program, "hi-digits", "--replications", count, "--set",
                                        price, "--set", "prices.error=2,5"))


def numbers_of_replications(program):
    """Points of one experiment share replications, and do not rest on equally many of them."""
    at = LIVELY.index("--replications")
    lively = (*LIVELY[:at], *LIVELY[at + 2:], "--set", "replications=3,5")
    program.run("sweep", program.scenario("hi-digits"), *lively, "--quiet")
    found = repriced(program, "prices.error=2,5")["points"]
    expect_equal({point["replications"] for point in found}, {3, 5}, "replications")
    expect_same_points(found, swept(program, "hi-digits", "--set", "prices.error=2,5",
                                    lively=lively))


def other_scenarios_in_the_file(program):
    """The file knows links and counters in the order in which it met them, here the upper link
    first. Costs are added up in the order of the scenario all the same, to the bit."""
    run(program, "hi-three-tiers", "--set", "prices.offload={edge-cloud: 1}")
    program.run("run", program.scenario("compare-all"), *SMALL, "--quiet", "--set", "policy=local")
    run(program, "hi-three-tiers")
    prices = ["prices.offload.device-edge=range(0.013,0.95,0.037)",
              "prices.offload.edge-cloud=0.0717,0.3331", "prices.latency=0.7 /s",
              "prices.error=0.1", "prices.layer=0.01"]
    expect_same_points(repriced(program, *prices, experiment=3)["points"],
                       swept(program, "hi-three-tiers", *sets(*prices)))


# ---- against named queries and counting ----


def like_the_named_query(program):
    run(program, "hi-three-tiers", "--set", "policy=[local, {hi_threshold: {theta: [0.6, 0.8]}}]")
    for key, unit, counter in (("offload.edge-cloud", "", "offloads.edge-cloud"),
                               ("error", "", "errors"), ("latency", "/s", "latency_s"),
                               ("layer.edge", "", "layers.edge")):
        rows = json.loads(program.run("query", "reprice", "--param", f"counter={counter}",
                                      "--param", "price=0.7", "--format", "json").stdout)
        points = repriced(program, f"prices.{key}=0.7 {unit}")["points"]
        expect_equal(len(rows), len(points), "rows")
        for row, point in zip(rows, points):
            expect_equal(row["policy"], point["policy"], "policy")
            wanted = row["cost_after"]
            # The query adds a difference to a mean, so the last digits differ.
            expect(abs(point["metrics"]["cost_mean"]["mean"] - wanted) <= 1e-12 * (1 + wanted),
                   f"{key}: {point['metrics']['cost_mean']['mean']!r}, not {wanted!r}")


def counted_costs(program, ordinal, prices):
    """The cost of each replication of a point of the first experiment."""
    costs = {}
    database = sqlite3.connect(program.folder / "offloadsim.db")
    for number, counter, value, offered in database.execute(
            "SELECT number, name, value, offered FROM counters JOIN replications ON "
            "replications.id = replication_id JOIN counter_names ON counter_names.id = counter_id "
            "JOIN points ON points.id = point_id WHERE experiment_id = 1 AND ordinal = ?",
            [ordinal]):
        costs[number] = costs.get(number, 0) + prices.get(counter, 0) * value / offered
    database.close()
    return [costs[number] for number in sorted(costs)]


def like_counting(program):
    """Mean and interval from the stored counters, by the formula."""
    run(program, "hi-digits")
    new = {"offloads.device-edge": 0.45, "layers.edge": 0.02, "errors": 3, "deadline_misses": 0.25,
           "drops": 7, "latency_s": 0.6, "bytes": 2e-5, "energy_j": 11}
    points = repriced(program, "prices.offload=0.45", "prices.layer.edge=0.02", "prices.error=3",
                      "prices.deadline_miss=25 %", "prices.drop=7", "prices.latency=36 /min",
                      "prices.byte=0.02 /kB", "prices.energy=11 /J")["points"]
    expect_equal(len(points), 4, "points")
    for ordinal, point in enumerate(points):
        costs = counted_costs(program, ordinal, new)
        expect_equal(len(costs), 3, "replications")
        estimate = point["metrics"]["cost_mean"]
        expect_close(estimate["mean"], statistics.mean(costs), "cost")
        half = T * statistics.stdev(costs) / math.sqrt(3)
        expect(abs(estimate["half_width"] - half) <= 1e-9 * half, f"half width: {estimate}, {half}")
        expect_equal(estimate["confidence"], 0.95, "confidence")


def prices_that_are_not_set(program):
    """They stay as stored: with no change of what is set, all is as it was."""
    stored = json.loads(run(program, "hi-digits", "--set", "prices.latency=0.5 /s", "--set",
                            "confidence=0.8", "--format", "json").stdout)["points"]
    found = repriced(program, "prices.offload=0.3")["points"]
    for point, before in zip(found, stored):
        expect_equal(point["metrics"], before["metrics"], point["policy"])


# ---- what is printed ----


def help_explains(program):
    done = program.run("reprice", "--help")
    expect(done.stdout.startswith(USAGE + " [OPTIONS]\n"), done.stdout)
    for part in ("--experiment N", "-s, --set PATH=VALUES", "--db FILE", "--format FORMAT",
                 "\nexamples:\n  offloadsim reprice --experiment 1 --set "):
        expect_in(part, done.stdout, "help")
    expect(all(len(line) <= 100 for line in done.stdout.splitlines()), "too wide")
    expect_in("\n  reprice    what a stored experiment costs at other prices",
              program.run("--help").stdout, "help of the program")
    # The examples do what they say.
    run(program, "hi-digits")
    examples = [line.strip() for line in done.stdout.splitlines()
                if line.startswith("  offloadsim ")]
    expect_equal(len(examples), 3, "examples")
    for example in examples[:2]:  # the third is about another experiment
        done = program.shell('"$offloadsim"' + example[len("offloadsim"):])
        expect_equal(done.returncode, 0, done.stderr)


def formats(program):
    run(program, "hi-digits")
    price = "prices.offload=0.1,0.2"
    points = repriced(program, price)["points"]
    done = reprice(program, price, words=("--format", "csv"))
    rows = list(csv.DictReader(io.StringIO(done.stdout), strict=True))
    expect_equal(list(rows[0]), ["point", "policy", "parameters", "cost_mean",
                                 "cost_mean_half_width", "confidence", "replications", "verdict"],
                 "columns")
    expect_equal(rows[1]["parameters"], "policy.hi_threshold.theta=[0.607]; prices.offload=0.1",
                 "parameters")
    expect_equal([row["point"] for row in rows], list("01230123"), "points")
    for row, point in zip(rows, points):
        estimate = point["metrics"]["cost_mean"]
        expect_equal((row["policy"], float(row["cost_mean"]), float(row["cost_mean_half_width"]),
                      int(row["replications"])),
                     (point["policy"], estimate["mean"], estimate["half_width"], 3), "row")
    expect_equal(done.stderr, "4 points of experiment 1 at 2 settings of prices, from stored "
                 "counters; 95 % intervals\n", "remark")
    done = reprice(program, price, words=("--format", "md", "--quiet"))
    expect_equal(done.stderr, "", "remark")
    lines = done.stdout.splitlines()
    expect_equal(len(lines), 2 + 8, "lines")
    for part in ("| 3 | oracle (bound) | prices.offload=0.1 |", " ± ", "| stable |"):
        expect_in(part, lines[5], "row")
    lines = reprice(program, price).stdout.splitlines()
    expect_equal(lines[0].split(), ["point", "policy", "parameters", "cost_mean", "replications",
                                    "verdict"], "heading")


def shape(program):
    """The JSON is that of a sweep, which also has the warnings that its scenario gave."""
    run(program, "hi-digits")
    found = repriced(program, "prices.offload=0.1,0.2")
    sweep = json.loads(program.run(
        "sweep", program.scenario("hi-digits"), *LIVELY, "--set", "prices.offload=0.1,0.2",
        "--quiet", "--format", "json").stdout)
    expect_equal((found["experiment"], found["scenario"]), (1, "hi-digits"), "experiment")
    expect_equal([*found, "warnings"], list(sweep), "keys")
    expect_equal(list(found["points"][0]), list(sweep["points"][0]), "keys of a point")
    expect_equal(found["points"][0]["metrics"]["cost_mean"].keys(),
                 sweep["points"][0]["metrics"]["cost_mean"].keys(), "keys of an estimate")


def nothing_changes(program):
    """The same output each time, and not a byte of the file."""
    run(program, "hi-digits")
    path = program.folder / "offloadsim.db"
    before = path.read_bytes()
    words = ("--format", "json")
    first = reprice(program, "prices.error=range(0,1,0.1)", words=words).stdout
    second = reprice(program, "prices.error=range(0,1,0.1)", words=words).stdout
    expect_equal(first, second, "output")
    expect_equal(path.read_bytes(), before, "the file")
    expect_equal(json.loads(program.run("query", "runs", "--format", "json").stdout)[0]["id"], 1,
                 "experiments")


def another_file(program):
    run(program, "hi-digits", "--db", "my results.db")
    points = repriced(program, "prices.error=2", words=("--db", "my results.db"))["points"]
    expect_equal(len(points), 4, "points")
    expect(not (program.folder / "offloadsim.db").exists(), "offloadsim.db was made")
    done = reprice(program, "prices.error=2", words=("--db", "nowhere.db"), status=2)
    expect_in("cannot read results from 'nowhere.db': there is no such file", done.stderr, "error")
    expect(not (program.folder / "nowhere.db").exists(), "nowhere.db was made")


# ---- refusals ----

WRONG = [
    (["--set", "prices.error=1"],
     f"offloadsim: error: '--experiment' is missing; {USAGE}\n"),
    (["--experiment", "1"], f"offloadsim: error: '--set' is missing; {USAGE}\n"),
    ([], f"offloadsim: error: '--experiment' is missing; {USAGE}\n"),
    (["1", "--set", "prices.error=1"],
     f"offloadsim: error: '1' is one word too many; {USAGE}\n"),
    (["--experiment", "zero", "--set", "prices.error=1"],
     "offloadsim: error: '--experiment zero': it takes a whole number from 1 to 1000000000\n"),
    (["--experiment", "7", "--set", "prices.error=1"],
     "offloadsim: error: there is no experiment 7 in 'offloadsim.db'; 'offloadsim query runs' "
     "lists those that there are\n"),
    (["--experiment", "1", "--set", "prices.error=1", "--format", "xml"],
     "offloadsim: error: unknown format 'xml'; there are 'table', 'csv', 'json', 'md'\n"),
]

BAD_PRICES = [
    ("prices.offlod=1,2",
     "--set:1:8: error: unknown key 'offlod' in 'prices'\n"
     "    1 | prices.offlod=1\n"
     "      |        ^~~~~~\n"
     "  hint: did you mean 'offload'?\n"),
    ("prices.offload.devce-edge=1",
     "--set:1:16: error: unknown link 'devce-edge' in 'offload'\n"
     "    1 | prices.offload.devce-edge=1\n"
     "      |                ^~~~~~~~~~\n"
     "  hint: did you mean 'device-edge'?\n"),
    ("prices.layer.cloud=1",
     "--set:1:14: error: unknown tier 'cloud' in 'layer'\n"
     "    1 | prices.layer.cloud=1\n"
     "      |              ^~~~~\n"
     "  hint: tiers: device, edge\n"),
    ("prices.latency=0.3",
     "--set:1:16: error: 'latency' needs a unit: '0.3'\n"
     "    1 | prices.latency=0.3\n"
     "      |                ^~~\n"
     "  hint: a price of time takes one of the units /s, /ms, /min, /h\n"),
    ("prices.error=0.5,-1",
     "--set:1:14: error: 'error' must be at least 0 and at most 1e+15, not '-1'\n"
     "    1 | prices.error=-1\n"
     "      |              ^~\n"),
    ("prices.error.device-edge=1",
     "--set:1:8: error: 'error' must be a plain number, not a mapping\n"
     "    1 | prices.error.device-edge=1\n"
     "      |        ^~~~~\n"
     "  hint: write one value, without brackets and keys\n"),
    ("prices.offload",
     "--set:1:1: error: no '=' and no value\n"
     "    1 | prices.offload\n"
     "      | ^~~~~~~~~~~~~~\n"
     "  hint: write PATH=VALUE, such as tiers.device.nodes=5\n"),
    ("prices={error: 1}",
     "error: 'prices' is all prices at once\n"
     "  hint: set them one by one, such as prices.error=0.3\n"),
    ("policy.hi_threshold.theta=0.3,0.4",
     "error: 'policy.hi_threshold.theta' is no price, and only prices can be set anew\n"
     "  hint: anything else needs 'offloadsim sweep', which simulates\n"),
    ("pricse.offload=1",
     "error: 'pricse.offload' is no price, and only prices can be set anew\n"
     "  hint: did you mean 'prices.offload'?\n"),
    ("offload.device-edge=1,2",
     "error: 'offload.device-edge' is no price, and only prices can be set anew\n"
     "  hint: did you mean 'prices.offload.device-edge'?\n"),
    ("prices.offload=range(0,1,0.0000011)",
     "error: 4 points at 909091 settings of the prices are more than 1000000 rows\n"
     "  hint: take fewer values\n"),
]


def refused(words, message):
    def case(program):
        run(program, "hi-digits")
        done = program.run("reprice", *words, status=2)
        expect_equal((done.stdout, done.stderr), ("", message), "output")

    return case


def bad_price(price, message):
    return refused(["--experiment", "1", "--set", price], message)


def empty_database(program):
    run(program, "hi-digits")
    database = sqlite3.connect(program.folder / "offloadsim.db")
    database.execute("PRAGMA foreign_keys = ON")
    database.execute("DELETE FROM experiments")
    database.commit()
    database.close()
    done = reprice(program, "prices.error=1", status=2)
    expect_equal(done.stderr, "offloadsim: error: there is no experiment 1 in 'offloadsim.db', nor "
                 "any other; 'offloadsim run' and 'offloadsim sweep' store theirs there\n", "error")


def price_aware(program):
    """Decisions that depend on prices would have been others."""
    for number, (world, policy, after) in enumerate((
            ("partition", "{partition: {minimise: cost}}", "partition"),
            ("dimee-digits", "dimee", "dimee")), 1):
        program.run("run", program.scenario(world), *SMALL, "--set", f"policy=[local, {policy}]",
                    "--quiet")
        done = reprice(program, "prices.error=1", experiment=number, status=2)
        expect_equal((done.stdout, done.stderr),
                     ("", f"offloadsim: error: point 1 of experiment {number}, policy '{after}', "
                      "cannot be priced anew: its decisions depend on prices; run 'offloadsim "
                      "sweep' with the new prices instead\n"), "output")
    # The same policy that looks at no price.
    program.run("run", program.scenario("partition"), *SMALL, "--set",
                "policy={partition: {minimise: latency}}", "--quiet")
    expect_equal(len(repriced(program, "prices.latency=1 /s", experiment=3)["points"]), 1, "points")


def change(program, sql):
    database = sqlite3.connect(program.folder / "offloadsim.db")
    database.execute(sql)
    database.commit()
    database.close()


def not_complete(program):
    run(program, "hi-digits")
    program.run("sweep", program.scenario("hi-digits"), *LIVELY, "--set", "prices.offload=0.1,0.2",
                "--quiet")
    change(program, "UPDATE points SET is_complete = 0 WHERE policy = 'full_offload'")
    for experiment, ordinal, way_out in (
            (1, 2, "run its scenario again, to the end"),
            (2, 2, "run the same sweep again, which goes on where it stopped")):
        done = reprice(program, "prices.error=1", experiment=experiment, status=2)
        expect_equal((done.stdout, done.stderr),
                     ("", f"offloadsim: error: point {ordinal} of experiment {experiment}, policy "
                      f"'full_offload', cannot be priced anew: it is not complete; {way_out}\n"),
                     "output")
    # Where it stopped is where it goes on.
    program.run("sweep", program.scenario("hi-digits"), *LIVELY, "--set", "prices.offload=0.1,0.2",
                "--quiet")
    expect_equal(len(repriced(program, "prices.error=1", experiment=2)["points"]), 8, "points")


def lost_replications(program):
    run(program, "hi-digits")
    change(program, "DELETE FROM replications WHERE number = 1 AND point_id = 2")
    done = reprice(program, "prices.error=1", status=2)
    expect_equal(done.stderr, "offloadsim: error: point 1 of experiment 1 has lost replications: 2 "
                 "of 3 are in 'offloadsim.db'; run its scenario again\n", "error")


def other_prices(program):
    """A price that no key of a scenario stands for stays as stored, like any other."""
    run(program, "hi-digits")
    change(program, "UPDATE prices SET counter_id = (SELECT id FROM counter_names WHERE name = "
                    "'offloaded') WHERE price = 0.3")
    for ordinal, point in enumerate(repriced(program, "prices.error=2")["points"]):
        costs = counted_costs(program, ordinal, {"errors": 2, "offloaded": 0.3})
        expect_close(point["metrics"]["cost_mean"]["mean"], statistics.mean(costs), "cost")


def odd_parameters(program):
    """Texts, lists and whatever else a parameter can be come back as they were."""
    program.run("run", program.scenario("partition"), *SMALL, "--quiet", "--set",
                "policy={partition: {minimise: latency}}")
    row = sqlite3.connect(program.folder / "offloadsim.db").execute(
        "SELECT parameters_json FROM points").fetchone()[0]
    point = repriced(program, "prices.error=1.5")["points"][0]
    expect_equal(point["parameters"], {**json.loads(row), "prices.error": 1.5}, "parameters")
    text = '{"a.b": "x, {y}: \\"z\\\\", "c": [0.1, [2, "]"]], "d": 0.30000000000000004, "e": true}'
    database = sqlite3.connect(program.folder / "offloadsim.db")
    database.execute("UPDATE points SET parameters_json = ?", [text])
    database.commit()
    database.close()
    point = repriced(program, "prices.error=1.5")["points"][0]
    expect_equal(point["parameters"], {**json.loads(text), "prices.error": 1.5}, "parameters")


CASES = [(f"like a sweep {name.replace('_', ' ')}", like_a_sweep(*how))
         for name, how in SWEPT.items()]
CASES += [
    ("every price of a scenario", every_price),
    ("a hundred prices", a_hundred_prices),
    ("a stored sweep", a_stored_sweep),
    ("shared replications", shared_replications),
    ("numbers of replications", numbers_of_replications),
    ("other scenarios in the file", other_scenarios_in_the_file),
    ("like the named query", like_the_named_query),
    ("like counting", like_counting),
    ("prices that are not set", prices_that_are_not_set),
    ("help", help_explains),
    ("formats", formats),
    ("the shape of JSON", shape),
    ("nothing changes", nothing_changes),
    ("another file", another_file),
]
CASES += [(f"refused: {' '.join(words) or 'nothing'}", refused(words, message))
          for words, message in WRONG]
CASES += [(f"refused: {price}", bad_price(price, message)) for price, message in BAD_PRICES]
CASES += [
    ("an empty database", empty_database),
    ("a policy that looks at prices", price_aware),
    ("a point that is not complete", not_complete),
    ("lost replications", lost_replications),
    ("other prices", other_prices),
    ("odd parameters", odd_parameters),
]

if __name__ == "__main__":
    sys.exit(main(CASES))
