#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does what README.md and the pages of docs/ show, one thing after the other, as it stands there.

usage: readme.py OFFLOADSIM ROOT

Each page has a folder of its own that looks like the project's, so that a query finds what a run
before it has stored. What counts on a page is its fenced blocks:

    sh       each line that begins with `offloadsim`, its path in the build folder, or `sqlite3`,
             with what follows after a backslash at its end, is run by sh
    (none)   after a block of sh: what its last command prints, on standard output, standard error,
             or the one after the other. A line "..." stands for any number of lines
    python   a program
    sql      statements for DuckDB
    yaml     if it begins with `sweep:`, the sweep of a scenario; with `links:`, `tiers:` and the
             like, what takes the place of that part of a scenario, which is then run

What needs a program or a module that is not there is skipped.
"""

import importlib.util
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from harness import Program, expect, expect_equal, expect_in, main

PROGRAM = "build/release/offloadsim"

# Commands of one compile a plug-in, which tests/plugin does; those of the other fail, as
# troubleshooting.py sees.
ELSEWHERE = {"your-own-policy.md", "troubleshooting.md"}


def blocks(text):
    """(language, content) of the fenced blocks."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def commands(block):
    for line in block.replace("\\\n", " ").splitlines():
        if re.match(rf"({PROGRAM}|offloadsim|sqlite3)\b", line):
            yield line


def make_project(program, folder):
    """A folder in which the commands mean what they mean to a reader."""
    (folder / "build" / "release").mkdir(parents=True)
    (folder / PROGRAM).symlink_to(program.path)
    (folder / "scenarios").symlink_to(program.root / "scenarios")


# ---- what is shown ----


def matches(shown, printed):
    parts = [".*" if line == "..." else re.escape(line) for line in shown.splitlines()]
    pattern = "\n".join(parts).replace(".*\n", "(?:.*\n)*").replace("\n.*", "(?:\n.*)*")
    return re.fullmatch(pattern + "\n?", printed) is not None


def works(folder, command, shown):
    def case(program):
        program.folder = folder
        path = f"{folder / 'build' / 'release'}:{os.environ['PATH']}"
        done = program.shell(f"PATH='{path}'\n{command}")
        expect(done.returncode == 0, f"exit status {done.returncode}\n{done.stderr}")
        expect(done.stdout + done.stderr or "--output" in command, "it prints nothing")
        if re.search(r" query \w", command) and "--explain" not in command:
            expect(len(done.stdout.splitlines()) > 2, f"it finds nothing\n{done.stdout}")
        if shown is not None:
            expect(any(matches(shown, printed) for printed in
                       (done.stdout, done.stderr, done.stdout + done.stderr)),
                   f"it prints\n{done.stdout}{done.stderr}and not\n{shown}")

    return case


def python_works(folder, block):
    def case(_program):
        done = subprocess.run([sys.executable, "-c", block], cwd=folder, text=True, timeout=60,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        expect(done.returncode == 0, f"exit status {done.returncode}\n{done.stderr}")
        expect(done.stdout, "it prints nothing")

    return case


def duckdb_works(folder, block):
    def case(_program):
        done = subprocess.run(["duckdb", "-c", block], cwd=folder, text=True, timeout=60,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        expect(done.returncode == 0, f"exit status {done.returncode}\n{done.stderr}")
        expect_in("hi_threshold", done.stdout, "answer")

    return case


PART = re.compile(r"^(\w+):.*\n(?:(?:[ #].*)?\n)*", re.MULTILINE)


def with_parts(program, folder, block):
    """Writes the first scenario with these parts instead of its own."""
    own = {match[1] for match in PART.finditer(block)}
    if "until" in own:
        own.add("replications")  # which it finds
    scenario = (program.root / "scenarios/hi-digits.yaml").read_text(encoding="utf-8")
    kept = PART.sub(lambda match: "" if match[1] in own else match[0], scenario)
    (folder / "own.yaml").write_text(kept.replace("data/digits.csv", "scenarios/data/digits.csv") +
                                     block, encoding="utf-8")
    return "own.yaml"


def sweep_works(folder, block):
    def case(program):
        program.folder = folder
        listed = program.run("sweep", with_parts(program, folder, block), "--dry-run", "--format",
                             "csv").stdout
        expect(len(listed.splitlines()) > 4, f"only these points:\n{listed}")

    return case


def part_works(folder, block):
    def case(program):
        program.folder = folder
        number = [] if block.startswith("until:") else ["--replications", "2"]
        program.run("run", with_parts(program, folder, block), "--no-store", *number,
                    "--set", "stop={samples: 1000}", "--set", "warmup=none")

    return case


def skipped(_program):
    pass


def missing_modules(block):
    for name in re.findall(r"^(?:import|from) (\w+)", block, re.MULTILINE):
        if importlib.util.find_spec(name) is None:
            yield name


def cases_of(page, folder):
    found = blocks(page.read_text(encoding="utf-8"))
    for number, (language, block) in enumerate(found):
        first_line = f"{page.name}: {block.splitlines()[0]}" if block else page.name
        if language == "sh":
            own = list(commands(block))
            after = found[number + 1] if number + 1 < len(found) else ("sh", "")
            for command in own:
                shown = after[1] if after[0] == "" and command == own[-1] else None
                if command.startswith("sqlite3") and not shutil.which("sqlite3"):
                    yield f"{page.name}: {command} # SKIP no shell of SQLite", skipped
                else:
                    yield f"{page.name}: {command}", works(folder, command, shown)
        elif language == "python":
            missing = list(missing_modules(block))
            if missing:
                yield f"{page.name}: Python # SKIP no module {missing[0]}", skipped
            else:
                yield f"{page.name}: Python", python_works(folder, block)
        elif language == "sql":
            if shutil.which("duckdb"):
                yield first_line, duckdb_works(folder, block)
            else:
                yield f"{first_line} # SKIP no DuckDB", skipped
        elif language == "yaml" and block.startswith("sweep:"):
            yield f"{page.name}: {' '.join(block.split())[:60]}", sweep_works(folder, block)
        elif language == "yaml" and page.parent.name == "docs" and PART.match(block):
            yield f"{page.name}: {' '.join(block.split())[:60]}", part_works(folder, block)


# ---- that nothing is left out ----


def is_there(page, least):
    def case(_program):
        expect(page.is_file(), f"{page.name} is missing")
        found = [command for language, block in blocks(page.read_text(encoding="utf-8"))
                 if language == "sh" for command in commands(block)]
        expect(len(found) >= least, f"{page.name} shows only {len(found)} commands of offloadsim")
        expect(any(re.search(" (run|sweep) ", command) for command in found),
               "no command runs anything")

    return case


def output_is_told(_program):
    """The comparison with what a page shows is none if it cannot fail."""
    for shown, printed, wanted in (("a\nb\n", "a\nb\n", True), ("a\n", "a\nb\n", False),
                                   ("a\n...\n", "a\nb\nc\n", True), ("...\nc\n", "a\nb\nc\n", True),
                                   ("...\nb\n", "a\nb\nc\n", False),
                                   ("a\n...\nc\n", "a\nc\n", True),
                                   ("a\n...\nc\n", "a\nb\nbc\n", False),
                                   ("a.c\n", "abc\n", False)):
        expect_equal(matches(shown, printed), wanted, f"{shown!r} for {printed!r}")


def results_are_complete(program):
    """docs/results.md names every table, every view, and every query with all of its parameters."""
    text = (program.root / "docs" / "results.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##)", text, re.MULTILINE | re.DOTALL))
    queries = sorted((program.root / "results" / "queries").glob("*.sql"))
    expect_equal(sorted(sections), [query.stem for query in queries], "queries")
    for query in queries:
        for name in re.findall(r"^-- :(\w+)", query.read_text(encoding="utf-8"), re.MULTILINE):
            if name != "experiment":
                expect(re.search(rf"`{name}\b", sections[query.stem]),
                       f"parameter '{name}' of query '{query.stem}' is not mentioned")
    program.run("run", program.scenario("mm1"), "--set", "stop={samples: 50}", "--set",
                "warmup=none", "--replications", "2")
    rows = program.run("query", "SELECT DISTINCT table_name FROM column_meanings", "--format",
                       "csv").stdout.split()[1:]
    expect_equal([name for name in rows if f"`{name}`" not in text], [], "left out")


def start():
    program = Program(sys.argv[1], sys.argv[2])
    readme = program.root / "README.md"
    docs = program.root / "docs"
    cases = [("what is shown is compared", output_is_told),
             ("README.md shows commands", is_there(readme, 5)),
             ("results.md shows commands", is_there(docs / "results.md", 20)),
             ("sweeps.md shows commands", is_there(docs / "sweeps.md", 8)),
             ("statistics.md shows commands", is_there(docs / "statistics.md", 5)),
             ("results.md leaves nothing out", results_are_complete)]
    with tempfile.TemporaryDirectory(prefix="offloadsim-readme-") as name:
        for page in [readme, *sorted(docs.glob("*.md"))]:
            if page.is_file() and page.name not in ELSEWHERE:
                folder = pathlib.Path(name) / page.stem
                make_project(program, folder)
                cases.extend(cases_of(page, folder))
        return main(cases)


if __name__ == "__main__":
    sys.exit(start())
