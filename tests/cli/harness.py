# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the command line share.

Each test is a program: `NAME.py OFFLOADSIM ROOT [BEGIN ...]`, with the path of the program, that of
the project, and how the names of the wanted cases begin, if not all are. It lists its cases as
(name, function) and hands them to main(), which prints TAP. A case fails if its function raises; it
gets a `Program`, and a folder of its own as current directory.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import traceback

# A run that takes milliseconds and still meets every part of a scenario.
SMALL = ("--set", "stop={samples: 2000}", "--set", "warmup=none", "--replications", "3")
# How many times as long as in a release build a simulation takes: with sanitizers, runs that only
# have to last need fewer samples for it.
SLOWNESS = int(os.environ.get("OFFLOADSIM_SLOWNESS", "1"))


class Program:
    def __init__(self, path, root):
        self.path = str(pathlib.Path(path).resolve())
        self.root = pathlib.Path(root).resolve()
        self.folder = None

    def scenario(self, name):
        return str(self.root / "scenarios" / (name + ".yaml"))

    def run(self, *arguments, status=0, environment=None, **options):
        """Runs the program; the exit status must be `status`, if that is not None."""
        settings = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS")}
        settings.update({"LC_ALL": "C.UTF-8", **(environment or {})})
        done = subprocess.run([self.path, *arguments], cwd=self.folder, env=settings, text=True,
                              encoding="utf-8", stdin=subprocess.DEVNULL, timeout=120,
                              **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options})
        if status is not None:
            expect(done.returncode == status,
                   f"exit status {done.returncode}, not {status}: {' '.join(arguments)}\n"
                   f"{done.stdout}\n{done.stderr}")
        return done

    def shell(self, command, **options):
        """Runs a line of sh in which "$offloadsim" is the program."""
        settings = {**os.environ, "LC_ALL": "C.UTF-8", "offloadsim": self.path}
        return subprocess.run(["sh", "-c", command], cwd=self.folder, env=settings, text=True,
                              encoding="utf-8", stdin=subprocess.DEVNULL, timeout=300,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


def expect(condition, message):
    """Unlike `assert` it cannot be switched off, and it always says why."""
    if not condition:
        raise AssertionError(message)


def expect_equal(found, wanted, what):
    expect(found == wanted, f"{what}: {found!r}, not {wanted!r}")


def expect_in(part, whole, what):
    expect(part in whole, f"{what}: {part!r} is not in {whole!r}")


def main(cases):
    program = Program(sys.argv[1], sys.argv[2])
    if len(sys.argv) > 3:
        cases = [case for case in cases if case[0].startswith(tuple(sys.argv[3:]))]
    print(f"1..{len(cases)}")
    failed = 0
    for number, (name, function) in enumerate(cases, 1):
        with tempfile.TemporaryDirectory(prefix="offloadsim-cli-") as folder:
            program.folder = pathlib.Path(folder)
            try:
                function(program)
                print(f"ok {number} - {name}")
            except Exception as error:  # pylint: disable=broad-except
                failed += 1
                text = str(error) if isinstance(error, AssertionError) else traceback.format_exc()
                print(f"not ok {number} - {name}")
                print("# " + text.rstrip().replace("\n", "\n# "))
        sys.stdout.flush()
    return 1 if failed else 0
