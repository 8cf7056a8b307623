#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks what is said about bad scenarios.

Each errors/NAME.yaml is wrong in the way that its first line states. `PROGRAM check NAME.yaml`,
run in that folder, must print exactly NAME.expected on standard error, nothing on standard output,
and exit with status 2. A file may name overrides in a line `# --set PATH=VALUE`, one each. One with
a line `# --dry-run` is wrong in its sweep: it is run by `PROGRAM sweep NAME.yaml --dry-run`.

usage: run_errors.py PROGRAM [--update]

--update writes the expected files anew; review them as a diff. Output is TAP, one line a case.
"""

import difflib
import pathlib
import subprocess
import sys

FOLDER = pathlib.Path(__file__).resolve().parent / "errors"
STATUS_BAD_INPUT = 2


def overrides(scenario):
    marker = b"# --set "
    lines = scenario.read_bytes().splitlines()
    return [line[len(marker):].decode() for line in lines if line.startswith(marker)]


def run(program, scenario):
    is_sweep = b"# --dry-run" in scenario.read_bytes().splitlines()
    verb = ["sweep", "--dry-run"] if is_sweep else ["check"]
    arguments = [program, *verb, scenario.name]
    for override in overrides(scenario):
        arguments += ["--set", override]
    return subprocess.run(arguments, cwd=FOLDER, capture_output=True, timeout=60, check=False)


def problems(result, scenario):
    """Yields what differs from what is expected, line by line."""
    if result.returncode != STATUS_BAD_INPUT:
        yield f"exit status {result.returncode} instead of {STATUS_BAD_INPUT}"
    if result.stdout:
        yield f"unexpected standard output: {result.stdout!r}"
    expected_file = scenario.with_suffix(".expected")
    if not expected_file.exists():
        yield f"{expected_file.name} is missing; run with --update"
        return
    expected = expected_file.read_bytes().decode(errors="replace").splitlines()
    actual = result.stderr.decode(errors="replace").splitlines()
    yield from difflib.unified_diff(expected, actual, "expected", "actual", lineterm="")


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--update"]
    if len(arguments) != 1:
        sys.exit(__doc__)
    program = str(pathlib.Path(arguments[0]).resolve())
    scenarios = sorted(FOLDER.glob("*.yaml"))
    print(f"1..{len(scenarios)}")
    failures = 0
    for number, scenario in enumerate(scenarios, 1):
        result = run(program, scenario)
        if "--update" in sys.argv:
            scenario.with_suffix(".expected").write_bytes(result.stderr)
        found = list(problems(result, scenario))
        print(f"{'not ok' if found else 'ok'} {number} - {scenario.stem}")
        for line in found:
            print(f"# {line}")
        failures += bool(found)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
