#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes each mistake of docs/troubleshooting.md and compares what is printed with the page, to the
letter.

usage: troubleshooting.py OFFLOADSIM ROOT [--update]

The first block of yaml is the scenario. Each later one changes it for the block of sh that follows:
a line takes the place of the one that is most like it. The block after one of sh is
what its last command prints; a line "..." stands for any number of lines. --update writes these
blocks anew, other than those with such a line.
"""

import difflib
import os
import pathlib
import re
import shutil
import sys
import tempfile

from harness import Program, expect, expect_equal, main
from readme import matches

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MISTAKES = 20
# That it runs is no error: what is printed is the point.
FINE = {"16", "17"}


def changed(scenario, block):
    lines = scenario.splitlines()
    for line in block.splitlines():
        alike = [difflib.SequenceMatcher(None, line, old, False).ratio() for old in lines]
        expect(max(alike) > 0.6, f"the scenario has no line like {line!r}")
        lines[alike.index(max(alike))] = line
    return "\n".join(lines) + "\n"


def mistakes(text):
    """(number and title, scenario, commands, the match of what they print) for each block of sh."""
    scenario = None
    for number, part in enumerate(re.split(r"^(?=### )", text, flags=re.MULTILINE)):
        own = scenario
        found = list(BLOCK.finditer(part))
        start = text.index(part)
        for i, block in enumerate(found):
            if block[1] == "yaml":
                own = changed(scenario, block[2]) if scenario else block[2]
                scenario = scenario or block[2]
            elif block[1] == "sh":
                shown = found[i + 1]
                title = part.splitlines()[0][4:]
                yield title, own, block[2], start + shown.start(2), shown[2]
        expect(number == 0 or part.startswith(f"### {number}. "), f"mistake {number} is missing")


def printed(program, scenario, commands):
    program.folder.joinpath("my.yaml").write_text(scenario, encoding="utf-8")
    shutil.copy(program.root / "scenarios" / "data" / "digits.csv", program.folder)
    (program.folder / "bin").mkdir(exist_ok=True)
    (program.folder / "bin" / "offloadsim").symlink_to(program.path)
    path = f"{program.folder / 'bin'}:{os.environ['PATH']}"
    done = program.shell(f"PATH='{path}'\n{commands}")
    return done.returncode, done.stdout + done.stderr if done.returncode == 0 else done.stderr


def case_of(title, scenario, commands, shown):
    def case(program):
        status, text = printed(program, scenario, commands)
        expect_equal(status, 0 if title.split(".")[0] in FINE else 2, "exit status")
        expect(shown and matches(shown, text), f"it prints\n{text}and not\n{shown}")

    return case


def all_are_there(found):
    def case(_program):
        numbers = sorted({int(title.split(".")[0]) for title, *_ in found})
        expect_equal(numbers, list(range(1, MISTAKES + 1)), "mistakes")

    return case


def update(page, found):
    program = Program(sys.argv[1], sys.argv[2])
    text = page.read_text(encoding="utf-8")
    for _, scenario, commands, start, shown in reversed(found):
        if "..." not in shown.splitlines():
            with tempfile.TemporaryDirectory() as folder:
                program.folder = pathlib.Path(folder)
                now = printed(program, scenario, commands)[1]
            text = text[:start] + now + text[start + len(shown):]
    page.write_text(text, encoding="utf-8")


def start():
    page = pathlib.Path(sys.argv[2]) / "docs" / "troubleshooting.md"
    found = list(mistakes(page.read_text(encoding="utf-8")))
    if sys.argv[3:] == ["--update"]:
        return update(page, found)
    cases = [("all are there", all_are_there(found))]
    for title, scenario, commands, _, shown in found:
        name = f"{title}: {commands.splitlines()[-1]}"
        cases.append((name, case_of(title, scenario, commands, shown)))
    return main(cases)


if __name__ == "__main__":
    sys.exit(start())
