#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the commands of README.md, one after the other, as they stand there.

usage: readme.py OFFLOADSIM ROOT

A command is a line of a ```sh block that begins with `offloadsim` or with its path in the build
folder, with what follows after a backslash at its end. All of them are run by sh in one folder
that looks like the project's, so that a query finds what a run before it has stored.
"""

import os
import pathlib
import re
import sys
import tempfile

from harness import Program, expect, main

PROGRAM = "build/release/offloadsim"


def commands(text):
    """The commands in the fenced sh blocks, and the number of such blocks."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    for block in blocks:
        for line in block.replace("\\\n", " ").splitlines():
            if re.match(rf"({PROGRAM}|offloadsim)\b", line):
                yield line


def make_project(program, folder):
    """A folder in which the commands mean what they mean to a reader."""
    (folder / "build" / "release").mkdir(parents=True)
    (folder / PROGRAM).symlink_to(program.path)
    (folder / "scenarios").symlink_to(program.root / "scenarios")


def works(folder, command):
    def case(program):
        program.folder = folder
        path = f"{folder / 'build' / 'release'}:{os.environ['PATH']}"
        done = program.shell(f"PATH='{path}'\n{command}")
        expect(done.returncode == 0, f"exit status {done.returncode}\n{done.stderr}")
        expect(done.stdout, "it prints nothing")

    return case


def is_there(readme, found):
    def case(_program):
        expect(readme.is_file(), f"{readme.name} is missing")
        expect(len(found) >= 5, f"{readme.name} shows only {len(found)} commands of offloadsim")
        expect(any(" run " in command for command in found), "no command runs anything")

    return case


def start():
    program = Program(sys.argv[1], sys.argv[2])
    readme = program.root / "README.md"
    found = list(commands(readme.read_text(encoding="utf-8"))) if readme.is_file() else []
    with tempfile.TemporaryDirectory(prefix="offloadsim-readme-") as name:
        folder = pathlib.Path(name)
        make_project(program, folder)
        cases = [("README.md shows commands", is_there(readme, found))]
        return main(cases + [(command, works(folder, command)) for command in found])


if __name__ == "__main__":
    sys.exit(start())
