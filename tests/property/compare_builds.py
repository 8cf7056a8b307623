#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results are the same to the bit, whoever compiled the program and with whatever options.

usage: compare_builds.py ROOT OFFLOADSIM... [--random N] [--update]

Runs ten scenarios of the project and N random ones with each of the programs: on 1 to 8 threads,
and with a C library that is told that the processor has no wide instructions. The digest of all
that a scenario stores is the same everywhere, and for the ten scenarios it is that of digests.txt,
which `--update` writes anew. scripts/compare-builds makes programs to compare.
"""

import argparse
import hashlib
import os
import pathlib
import platform
import sqlite3
import subprocess
import sys
import tempfile

import scenarios

NAMES = ["mm1", "mmc", "tandem", "hi-digits", "hi-three-tiers", "hi-generated", "dimee-digits",
         "partition", "batch-hi-testbed", "rush-hour"]
SHORT = ("--set", "stop={samples: 2000}", "--set", "warmup=none", "--replications", "4")
# What the simulator computes; estimates are left to those who make them of it.
STORED = ("SELECT point_id, number, events, simulated_s, offered, answered, dropped, in_flight "
          "FROM replications ORDER BY point_id, number",
          "SELECT point_id, number, metric, value FROM replication_metrics "
          "ORDER BY point_id, number, metric",
          "SELECT point_id, number, counter, value FROM replication_counters "
          "ORDER BY point_id, number, counter")
# A C library takes the functions that suit the processor; this has it take the plain ones.
NARROW = {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX_Usable,-AVX2_Usable,-AVX512F_Usable,-FMA_Usable,"
                            "-AVX,-AVX2,-AVX512F,-FMA,-FMA4"}


def digest(database):
    """repr() of a float tells every bit of it."""
    total = hashlib.sha256()
    connection = sqlite3.connect(database)
    try:
        for sql in STORED:
            for row in connection.execute(sql):
                total.update(repr(row).encode())
    finally:
        connection.close()
    return total.hexdigest()


def digest_of(program, scenario, words, environment):
    with tempfile.TemporaryDirectory(prefix="offloadsim-digest-") as folder:
        command = [program, "run", scenario, "--quiet", "--db", "results.db", *words]
        done = subprocess.run(command, cwd=folder, env={**os.environ, **environment}, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, timeout=600)
        if done.returncode != 0:
            return f"exit status {done.returncode}: {done.stderr[-500:]}"
        return digest(pathlib.Path(folder) / "results.db")


def ways(programs):
    """All that must not make a difference: what it is called, program, words, environment."""
    for program in programs:
        for jobs in range(1, 9):
            yield f"{program} --jobs {jobs}", program, ["--jobs", str(jobs)], {}
        yield f"{program}, plain C library", program, ["--jobs", "1"], NARROW
        yield f"{program} --events", program, ["--jobs", "1", "--events"], {}


def compare(scenario, words, programs, wanted):
    """What differs from the digest that is wanted; None: from the first."""
    differing = []
    for how, program, more, environment in ways(programs):
        found = digest_of(program, scenario, [*words, *more], environment)
        wanted = wanted or found
        if found != wanted:
            differing.append(f"{how}: {found}, not {wanted}")
    return differing


def read_digests(path):
    return dict(reversed(line.split()) for line in path.read_text(encoding="utf-8").splitlines())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("root", type=pathlib.Path)
    parser.add_argument("programs", nargs="+")
    parser.add_argument("--random", type=int, default=0)
    parser.add_argument("--update", action="store_true")
    arguments = parser.parse_args()
    programs = [str(pathlib.Path(program).resolve()) for program in arguments.programs]
    path = pathlib.Path(__file__).parent / "digests.txt"
    if arguments.update:
        path.write_text("".join(
            digest_of(programs[0], str(arguments.root.resolve() / "scenarios" / (name + ".yaml")),
                      SHORT, {}) + f" {name}\n" for name in NAMES), encoding="utf-8")
        return 0
    # Only here are the digests promised: see docs/statistics.md.
    known = read_digests(path) if platform.machine() == "x86_64" else {}
    print(f"1..{len(NAMES) + arguments.random}")
    failed = 0
    with tempfile.TemporaryDirectory(prefix="offloadsim-builds-") as temporary:
        for line in range(1, len(NAMES) + arguments.random + 1):
            if line <= len(NAMES):
                name = NAMES[line - 1]
                scenario = str(arguments.root.resolve() / "scenarios" / (name + ".yaml"))
                differing = compare(scenario, SHORT, programs, known.get(name))
            else:
                name = f"random scenario {line}"
                for file, text in scenarios.make(1, line).items():
                    (pathlib.Path(temporary) / file).write_text(text, encoding="utf-8")
                scenario = str(pathlib.Path(temporary) / "scenario.yaml")
                differing = compare(scenario, (), programs, None)
            failed += bool(differing)
            print(f"{'not ok' if differing else 'ok'} {line} - {name}")
            for text in differing:
                print("# " + text.replace("\n", "\n# "))
            sys.stdout.flush()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
