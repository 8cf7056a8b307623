#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""That scripts/bench reports what it measures; nothing is timed here. Prints TAP.

usage: test_bench.py OFFLOADSIM ROOT
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "cli"))

import page  # pylint: disable=C0413
import peers  # pylint: disable=C0413
from figure import draw  # pylint: disable=C0413
from goals import GROUPS  # pylint: disable=C0413
from growth import SERIES, Curve, chain  # pylint: disable=C0413
from harness import expect, expect_equal, expect_in, main  # pylint: disable=C0413
from measuring import (Bench, CannotMeasure, Row, measured, ratios, speed,  # pylint: disable=C0413
                       seconds_at_once, storing_shares)

CURVE = Curve("devices", ["devices", "s"], [[10, 0.5], [1000, 2.385]], ["s"], "s")


def goals_are_judged_by_the_median(_program):
    slow = Row("speed", "M/s", [3.0, 21.0, 19.0], ("least", 20))
    expect_equal(slow.is_met(), False, "a median of 19 of at least 20")
    expect_equal(Row("time", "ms", [3.0, 21.0, 19.0], ("most", 20)).is_met(), True, "at most 20")
    expect_equal(Row("time", "ms", [3.0]).is_met(), None, "no goal")
    as_json = slow.as_json()
    expect_equal((as_json["least"], as_json["median"], as_json["most"], as_json["runs"]),
                 (3.0, 19.0, 21.0, 3), "figures")
    expect_equal(as_json["goal"], {"at_least": 20}, "goal")
    json.dumps(Row("peer", "", [], note="not installed").as_json())


def speeds_and_ratios(_program):
    expect_equal(speed("x", 4_000_000, [2.0, 1.0]).values, [2.0, 4.0], "million samples/s")
    expect_equal(ratios([4.0, 9.0], [2.0, 3.0]), [2.0, 3.0], "ratios turn by turn")


def peers_must_do_the_same(_program):
    runner = peers.Runner.__new__(peers.Runner)
    runner.name, runner.customers = "peer", 1_000_000
    runner.means_s = [10.1, 9.9]
    expect_in("mean latency 10.00 s", runner.agreement(), "agreement")
    runner.means_s = [9.0, 9.1]  # such as the mean wait, without the service
    try:
        runner.agreement()
    except CannotMeasure:
        return
    expect(False, "a mean latency of 9 s passed for 10 s")


def standard_error_is_that_of_runs(program):
    """Against what replications of our own show, whose number makes that uncertain by 10 %."""
    customers = 200_000
    done = program.run("run", program.scenario("mm1"), "--no-store", "--quiet", "--replications",
                       "50", "--format", "json")
    mean = json.loads(done.stdout)["points"][0]["metrics"]["latency_mean_s"]
    shown_s = mean["half_width"] / 2.0096 * 50 ** 0.5  # Student, 49 degrees of freedom
    ratio = shown_s / peers.standard_error_s(customers)
    expect(0.67 < ratio < 1.33, f"{ratio:.2f} times the formula's standard error")


def a_command_is_measured(program):
    taken = measured([sys.executable, "-c", "import time; time.sleep(0.05); print('done')"])
    expect_equal(taken.output, "done\n", "output")
    expect(taken.wall_s >= 0.05, "wall time is shorter than a sleep")
    expect(taken.processor_s < 5, "processor time")
    try:
        measured([program.path, "no-such-command"])
    except SystemExit:
        return
    expect(False, "a command that fails passed for measured")


# Makes a file, and waits for another one.
MEETS = """import pathlib, sys, time
pathlib.Path(sys.argv[1]).touch()
while not pathlib.Path(sys.argv[2]).exists():
    time.sleep(0.01)
"""


def commands_are_measured_at_once(_program):
    with tempfile.TemporaryDirectory() as folder:
        names = [f"{folder}/a", f"{folder}/b"]
        meet = [[sys.executable, "-c", MEETS, *files] for files in (names, reversed(names))]
        expect(seconds_at_once(*meet) > 0, "time")  # one after the other they would wait for ever
    try:
        seconds_at_once([sys.executable, "-c", ""], [sys.executable, "-c", "raise SystemExit(3)"])
    except SystemExit:
        return
    expect(False, "a command that fails passed for measured")


def storing_is_what_a_sweep_says(program):
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(program.path, 1, True, pathlib.Path(folder))
        taken = measured(bench.words("run", "mm1", samples=1000, store=bench.new_database(),
                                     is_quiet=False))
        for share in storing_shares(taken):
            expect(0 < share < 100, f"storing took {share} % of a run")
        taken = taken._replace(wall_s=4.0, processor_s=2.0, remarks=(
            "9 samples in 3 s (1e-6 million a second); storing took 0.5 s (0.02 s of a processor)"))
        expect_equal(storing_shares(taken), (12.5, 1.0), "shares")
        try:
            storing_shares(measured(bench.words("run", "mm1", samples=1000, is_quiet=False)))
        except CannotMeasure:
            return
        expect(False, "a run that stores nothing passed for measured")


def chains_are_scenarios(program):
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(program.path, 1, True, pathlib.Path(folder))
        for tiers in (1, 2, 16):
            path = bench.folder / "chain.yaml"
            path.write_text(chain(tiers), encoding="ascii")
            done = measured([*bench.words("run", path, samples=1000), "--format", "json"])
            found = json.loads(done.output)["points"][0]["metrics"]
            expect_equal(found[f"answered_fraction.tier{tiers - 1}"]["mean"], 1, "at the last tier")


def figures_are_svg(_program):
    root = xml.etree.ElementTree.fromstring(draw(CURVE))
    drawn = [shape for shape in root.iter() if shape.tag.endswith("circle")]
    expect_equal(len(drawn), 2, "points")
    words = [shape.text for shape in root.iter() if shape.tag.endswith("text")]
    expect("1,000" in words and "devices" in words, f"labels: {words}")


def tables_are_for_people(_program):
    rows = [Row("hold", "ns", [31.415, 30.0, 40.0], ("most", 30)), Row("gone", "", [], note="why")]
    expect_in("hold    31.4   30.0  40.0  ns    at most 30  missed", page.as_text("x", rows), "row")
    markdown = page.as_markdown(rows)
    expect_in("| hold | 31.4 | 30.0 | 40.0 | ns | at most 30 | missed |", markdown, "row")
    expect_in("| gone |", markdown, "row without figures")
    expect_in("| 1,000 | 2.38 |", page.as_markdown([CURVE]), "line of a curve")


def page_has_a_part_for_each_group(program):
    text = (program.root / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    for name in (*GROUPS, *SERIES):
        expect_equal(text.count(f"<!-- figures: {name} -->\n"), 1, f"parts for {name}")
    changed = page.replaced(text, "hold", "new figures\n")
    expect_in("<!-- figures: hold -->\n\nnew figures\n\n<!-- end -->", changed, "the part")
    expect_equal(len(changed.split("<!-- figures:")), len(text.split("<!-- figures:")), "parts")
    expect_equal(page.replaced(changed, "hold", "new figures\n"), changed, "the same once more")


def groups_are_listed(program):
    script = program.root / "scripts" / "bench"
    done = subprocess.run([sys.executable, script, "--list"], check=True, text=True,
                          stdout=subprocess.PIPE)
    expect_equal([line.split()[0] for line in done.stdout.splitlines()], [*GROUPS, *SERIES],
                 "groups")
    done = subprocess.run([sys.executable, script, "--only", "nonsense"], check=False, text=True,
                          stderr=subprocess.PIPE)
    expect_in("nothing is called 'nonsense'", done.stderr, "message")


if __name__ == "__main__":
    main([
        ("goals are judged by the median", goals_are_judged_by_the_median),
        ("speeds and ratios", speeds_and_ratios),
        ("peers must do the same", peers_must_do_the_same),
        ("the standard error is that of runs", standard_error_is_that_of_runs),
        ("a command is measured", a_command_is_measured),
        ("commands are measured at once", commands_are_measured_at_once),
        ("storing is what a sweep says", storing_is_what_a_sweep_says),
        ("chains are scenarios", chains_are_scenarios),
        ("figures are SVG", figures_are_svg),
        ("tables are for people", tables_are_for_people),
        ("the page has a part for each group", page_has_a_part_for_each_group),
        ("groups are listed", groups_are_listed),
    ])
