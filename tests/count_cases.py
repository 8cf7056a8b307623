#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Count test cases from the logs that `meson test` left.

    count_cases.py LOGS ...     one folder meson-logs for each build

Prints "N passed, N failed", then ", N skipped" if there are any, and exits with 1 if anything
failed or nothing ran. Cases are the subtests of TAP programs and, of other programs, the programs.

Subtests alone would hide a program that ends half-way through them: what it did before was fine.
So a program counts as one failure if Meson says that it failed while none of its cases did; if it
printed cases and no plan, as TAP programs do at the start or at the end; and if it should have
printed cases and printed nothing.
"""

import json
import os
import re
import sys
import xml.etree.ElementTree

GOOD = ("OK", "EXPECTEDFAIL")
CASE = re.compile(r"^(not )?ok\b", re.MULTILINE)
PLAN = re.compile(r"^1\.\.[0-9]+", re.MULTILINE)


def bare_name(name):
    """The name that meson.build gave: some logs put "project:suite / " before it."""
    return name.rpartition(" / ")[2]


def read_programs(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def read_subtests(path):
    """Results of the subtests of each program that has any: name -> [passed, failed, skipped]."""
    counts = {}
    for suite in xml.etree.ElementTree.parse(path).getroot():
        for case in suite.findall("testcase"):
            # Programs without subtests have the bare project for a class name.
            name = bare_name(case.get("classname").partition(".")[2])
            if not name:
                continue
            count = counts.setdefault(name, [0, 0, 0])
            tags = {child.tag for child in case}
            if tags & {"failure", "error"}:
                count[1] += 1
            elif "skipped" in tags:
                count[2] += 1
            else:
                count[0] += 1
    return counts


def count(folder):
    total = [0, 0, 0]
    subtests = read_subtests(os.path.join(folder, "testlog.junit.xml"))
    for program in read_programs(os.path.join(folder, "testlog.json")):
        name = bare_name(program["name"])
        result = program["result"]
        output = program.get("stdout", "")
        cases = subtests.pop(name, None)
        if cases is None:
            # A program that prints nothing and ends well is no skipped one.
            told = program["returncode"] != 0 or PLAN.search(output) is not None
            skipped = result == "SKIP" and told
            passed = result in GOOD
            cases = [int(passed), int(not passed and not skipped), int(skipped)]
        elif not cases[1]:
            stopped = CASE.search(output) and not PLAN.search(output)
            if result not in GOOD + ("SKIP",) or stopped:
                cases[1] += 1
                print(f"{name}: {'ended without a plan' if stopped else result}")
        total = [a + b for a, b in zip(total, cases)]
    for name, cases in subtests.items():
        print(f"{name}: counted, and yet not in the log of programs")
        total[1] += 1
    return total


def main():
    total = [0, 0, 0]
    for folder in sys.argv[1:]:
        try:
            total = [a + b for a, b in zip(total, count(folder))]
        except (OSError, ValueError, xml.etree.ElementTree.ParseError) as error:
            print(f"{folder}: {error}")
            total[1] += 1
    passed, failed, skipped = total
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
