# SPDX-License-Identifier: GPL-3.0-or-later
"""What all measurements share: commands that are timed, in turns, and rows with a goal.

A row has one value a run. Commands that are compared take turns, and their ratio is formed in each
turn, so that a machine that gets slower or faster meanwhile does so for both.
"""

import dataclasses
import os
import pathlib
import re
import shlex
import statistics
import subprocess
import sys
import time
import typing

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SCENARIOS = ROOT / "scenarios"
RELEASE = ROOT / "build" / "release"


class CannotMeasure(Exception):
    """Something that is not installed or not built; the text says what."""


@dataclasses.dataclass
class Row:
    what: str
    unit: str
    values: list
    goal: tuple = None  # ("least", 20): at least 20; ("most", 5): at most 5
    note: str = ""
    runs: int = None  # if the values are but the least, the median and the most

    def median(self):
        return statistics.median(self.values)

    def is_met(self):
        if not self.goal or not self.values:
            return None
        side, bound = self.goal
        return self.median() >= bound if side == "least" else self.median() <= bound

    def as_json(self):
        if not self.values:
            return {"name": self.what, "note": self.note}
        return {
            "name": self.what,
            "unit": self.unit,
            "median": self.median(),
            "least": min(self.values),
            "most": max(self.values),
            "runs": self.runs or len(self.values),
            "goal": self.goal and {f"at_{self.goal[0]}": self.goal[1]},
            "met": self.is_met(),
            "note": self.note,
        }


class Taken(typing.NamedTuple):
    """What one run of a command took, and what it printed."""

    wall_s: float
    processor_s: float
    output: str
    remarks: str  # on standard error


@dataclasses.dataclass
class Bench:
    """What is measured, and how long."""

    program: pathlib.Path
    runs: int
    is_quick: bool
    folder: pathlib.Path  # for files that go

    def size(self, full):
        """How much work a run has: a tenth if it shall be quick."""
        return full // 10 if self.is_quick else full

    def words(self, command, scenario, *, samples=None, jobs=1, replications=1, settings=(),
              store=None, more=(), is_quiet=True):
        """A command line of the program."""
        path = pathlib.Path(scenario)
        if not path.suffix:
            path = SCENARIOS / f"{scenario}.yaml"
        words = [self.program, command, path, "--jobs", jobs]
        words += ["--quiet"] if is_quiet else []
        words += ["--replications", replications]
        words += ["--db", store] if store else ["--no-store"]
        if samples:
            words += ["--set", f"stop={{samples: {samples}}}"]
            words += ["--set", f"warmup={{samples: {samples // 20}}}"]
        for setting in settings:
            words += ["--set", setting]
        return [*words, *more]

    def new_database(self):
        """The path of one that is not there."""
        for path in self.folder.glob("bench.db*"):
            path.unlink()
        return self.folder / "bench.db"

    def turns(self, *commands, time_of=None):
        """What commands take, in turns: one list each. The first turn does not count. That is
        processor time, which other work disturbs less, unless something else is asked for."""
        time_of = time_of or processor_seconds
        for command in commands:
            time_of(command)
        return list(zip(*([time_of(command) for command in commands] for _ in range(self.runs))))


def ratios(above, below):
    return [a / b for a, b in zip(above, below)]


def speed(what, samples, times, goal=None, note=""):
    """A row in million samples a second."""
    return Row(what, "million samples/s", [samples / s / 1e6 for s in times], goal, note)


def measured(words):
    """Runs a command and says what it took."""
    start = time.perf_counter()
    # wait4() tells of this child alone.
    with subprocess.Popen([str(word) for word in words], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as child:
        output, remarks = child.stdout.read(), child.stderr.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    wall_s = time.perf_counter() - start
    if child.returncode != 0:
        sys.exit(f"{remarks}bench: failed: {shlex.join(str(word) for word in words)}")
    return Taken(wall_s, usage.ru_utime + usage.ru_stime, output, remarks)


def storing_shares(taken):
    """What storing took of a command by its own account, in per cent of the time by the clock and
    of the processor time."""
    found = re.search(r"; storing took (\S+) s \((\S+) s of a processor\)", taken.remarks)
    if not found:
        raise CannotMeasure(f"no word of storing in {taken.remarks!r}")
    wall_s, processor_s = (float(number) for number in found.groups())
    return 100 * wall_s / taken.wall_s, 100 * processor_s / taken.processor_s


def seconds(words):
    return measured(words).wall_s


def seconds_at_once(*commands):
    """What commands that are started together take until the last has ended."""
    start = time.perf_counter()
    children = [subprocess.Popen([str(word) for word in words], stdout=subprocess.DEVNULL)
                for words in commands]
    failed = [child.wait() for child in children]
    if any(failed):
        sys.exit(f"bench: failed: {shlex.join(str(word) for word in commands[0])}")
    return time.perf_counter() - start


def processor_seconds(words):
    return measured(words).processor_s


def build(*targets):
    """Builds targets of build/release, which is set up if need be."""
    if not (RELEASE / "build.ninja").exists():
        subprocess.run(["meson", "setup", RELEASE, "--buildtype=release"], cwd=ROOT, check=True,
                       stdout=subprocess.DEVNULL)
    done = subprocess.run(["ninja", "-C", RELEASE, *targets], text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        raise CannotMeasure(done.stdout.strip().splitlines()[-1])


def small_program(name):
    """A program of tests/bench, which are built where the tests are."""
    try:
        build(f"tests/bench/{name}")
    except CannotMeasure as reason:
        raise CannotMeasure(f"tests/bench/{name} cannot be built: {reason}") from reason
    return RELEASE / "tests" / "bench" / name


def peak_bytes(words):
    """Peak memory of a command, seen by a process that is small itself."""
    return 1024 * int(measured([small_program("bench_memory"), "peak", *words]).output)
