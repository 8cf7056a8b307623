#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of the program and of its database when something around it fails.

usage: faults.py OFFLOADSIM ROOT FAILING [--thorough | --every] [--page]

FAILING is the library of failing.c, which lets the n-th call of a kind fail. Each command of TASKS
runs with each fault of FAULTS until it gets through without meeting it: at n = 1, 5, 21, 85 and so
on; with --thorough (minutes) at each n up to 100, then at every n a tenth higher; with --every
(hours) at each. A command must end as it does without the fault, or with an error that names the
reason; it must leave its database sound; and the same command must then end in what it ends in
without faults. CASES are what cannot be counted: signals, closed streams, clocks, two versions of
the program.

--page prints docs/faults.md, which is made by --thorough --page.
"""

import os
import pathlib
import re
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "cli"))
# pylint: disable=wrong-import-position
import sweeps  # noqa: E402
from harness import Program, expect, expect_equal, expect_in  # noqa: E402

SWEEP = ("sweep", "SCENARIO", "--set", "stop={samples: 200}", "--set", "warmup=none",
         "--replications", "2", "--jobs", "2", "--quiet", "--set",
         "policy.hi_threshold.theta=0.3,0.6", "--set", "prices.offload=0.1,0.4", "--db", "out.db")

# Commands, and what they begin with: the file that they write to, if it is there before.
TASKS = {
    "check": (("check", "SCENARIO"), None),
    "sweep, new file": (SWEEP, None),
    "sweep, file with results": (SWEEP, "some.db"),
    "query": (("query", "best", "--param", "accuracy=0.1", "--db", "all.db"), None),
    "compare": (("compare", "--db", "all.db"), None),
    "export": (("export", "--db", "all.db", "--format", "json"), None),
    "export to files": (("export", "--db", "all.db", "--quiet", "--output", "exported"), None),
    "merge": (("merge", "all.db", "--db", "out.db", "--quiet"), "some.db"),
    "fit": (("fit", "DIGITS", "--exit", "small=s_conf,s_ok", "--output", "fitted.yaml"), None),
}
READERS = ("query", "compare", "export", "export to files")
STORING = ("sweep, new file", "sweep, file with results", "merge")

# The words that a message must have, and the tasks. What "goes on" fails for good.
IO = "input/output error|i/o error"
FULL = "disk is full|no space left|disk i/o error"
FAULTS = {
    "memory": ("no memory is to be had", "memory", tuple(TASKS)),
    "memory:on": ("no memory is to be had any more", "memory", ("check", "sweep, new file")),
    # SQLite then tries to open it for reading, and tells what came of that.
    "open": ("a file cannot be opened (EMFILE)", "",
             ("check", "sweep, new file", "export to files", "merge")),
    "open:on": ("no file can be opened any more (EMFILE)",
                "too many open files|unable to open|" + IO,
                ("check", "sweep, new file", "export to files", "merge")),
    "read": ("reading fails (EIO)", IO + "|damaged", ("check", *STORING, "query")),
    "interrupted-read": ("reading is interrupted (EINTR)", None, ("check", *STORING, "query")),
    "write": ("writing fails (EIO)", IO, STORING),
    "write:on": ("writing fails for good (EIO)", IO, STORING),
    "short-write": ("half is written", None, STORING),
    "full": ("the disk is full (ENOSPC)", FULL, STORING),
    "full:on": ("the disk stays full (ENOSPC)", FULL, STORING),
    "interrupted-write": ("writing is interrupted (EINTR)", None, STORING),
    "flush": ("flushing fails (EIO)", IO, STORING),
    "flush:on": ("flushing fails for good (EIO)", IO, STORING),
    "shrink": ("a file cannot be cut (EIO)", IO, STORING),
    "lock": ("locking fails (EIO)", IO + "|locks", (*STORING, "query")),
    "map": ("a file cannot be mapped (ENOMEM)", "memory|" + IO, STORING),
    "thread": ("a thread cannot be started", None, ("sweep, new file",)),
    "thread:on": ("no thread can be started", None, ("sweep, new file",)),
    "clock:on": ("the clock jumps by up to a year at each look", None,
                 ("sweep, new file", "sweep, file with results")),
}
ROWS = [(fault, task) for fault, (_, _, tasks) in FAULTS.items() for task in tasks]


class Bench:
    """A folder with what the tasks need, and what they end in without faults."""

    def __init__(self, path, root, failing, folder):
        self.program = Program(path, root)
        self.program.folder = self.folder = folder
        self.failing = failing
        self.wanted = {}
        self.whole = None  # see Sweeps
        digits = self.program.root / "scenarios" / "data" / "digits.csv"
        rows = digits.read_text(encoding="utf-8").splitlines(keepends=True)
        (folder / "digits.csv").write_text("".join(rows[:300]), encoding="utf-8")
        self.program.run(*self.words(SWEEP))
        self.folder.joinpath("out.db").rename(self.folder / "all.db")
        self.program.run(*self.words(SWEEP), "--set", "seed=7")
        self.folder.joinpath("out.db").rename(self.folder / "some.db")
        for task in TASKS:
            self.wanted[task] = self.try_once(task)[1:]
            self.wanted[task] += (self.content(),)

    def words(self, words):
        places = {"SCENARIO": self.program.scenario("hi-digits"), "DIGITS": "digits.csv"}
        return [places.get(word, word) for word in words]

    def clear(self, start):
        for path in self.folder.iterdir():
            if path.name.startswith(("out.db", "exported", "fitted", "said")):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        if start:
            shutil.copy(self.folder / start, self.folder / "out.db")

    def try_once(self, task, environment=None):
        """Runs the task from its beginning; whether the fault was met, status, output, errors."""
        words, start = TASKS[task]
        self.clear(start)
        done = self.again(task, environment)
        return ((self.folder / "said").exists(), done.returncode, done.stdout, done.stderr)

    def again(self, task, environment=None):
        return self.program.run(*self.words(TASKS[task][0]), status=None, environment=environment)

    def content(self):
        """What a task has written, without when and where."""
        found = {}
        if (self.folder / "out.db").exists():
            found["database"] = sweeps.stored(self.program, "out.db")
        for path in sorted(self.folder.glob("exported/*")) + [self.folder / "fitted.yaml"]:
            if path.exists():
                found[path.name] = path.read_bytes()
        return found

    def one_fault(self, fault, task, number):
        """None if the fault was not met, else whether the command ended with an error."""
        kind, _, goes_on = fault.partition(":")
        environment = {"LD_PRELOAD": str(self.failing), "FAILING_SAID": str(self.folder / "said"),
                       "FAILING": f"{kind}:{number}" + (":on" if goes_on else "")}
        was_met, status, output, errors = self.try_once(task, environment)
        if not was_met:
            return None
        wanted = self.wanted[task]
        if status == 0:
            expect_equal(output, wanted[1], "output")
            expect(task in READERS or self.content() == wanted[3], "other results, without a word")
        else:
            # What is wrong with a file that the user has named could be the user's mistake.
            may_be_mistake = re.search("cannot be read|damaged|no such file", errors)
            expect(status == 1 or (status == 2 and may_be_mistake),
                   f"exit status {status} with {errors!r}")
            words = FAULTS[fault][1]
            expect(words is not None, f"an error: {errors!r}")
            expect(re.search(f"error: .*({words})", errors, re.IGNORECASE), f"message {errors!r}")
        if (self.folder / "out.db").exists():
            sweeps.expect_sound(self.program, "out.db")
        if status != 0:
            done = self.again(task)
            expect_equal((done.returncode, done.stdout), (0, wanted[1]), "afterwards")
            found = self.content()
            for part in wanted[3]:
                expect(found.get(part) == wanted[3][part], f"another {part} afterwards")
        return status != 0

    def every_fault(self, fault, task, step):
        """The number of faults met, and of errors."""
        number = met = failed = 0
        while True:
            number += step(number)
            try:
                result = self.one_fault(fault, task, number)
            except AssertionError as error:
                raise AssertionError(f"{fault}:{number} of '{task}': {error}") from error
            if result is None:
                expect(met > 0, f"{fault} was never met by '{task}'")
                return met, failed
            met += 1
            failed += result


# ---- what cannot be counted ----

# Enough to be in the midst of for a while.
LONG = ("--replications", "20", "--jobs", "2", "--set", "stop={samples: 50000}", "--set",
        "policy.hi_threshold.theta=range(0,1,0.25)", "--set", "prices.offload=0.1,0.3")
REPLICATIONS = 7 * 20


class Sweeps:
    """A folder of its own in which sweeps are disturbed."""

    def __init__(self, bench):
        self.program = Program(bench.program.path, bench.program.root)
        self.program.folder = bench.folder / "sweeps"
        self.program.folder.mkdir(exist_ok=True)
        self.bench = bench

    def start(self, **options):
        for path in self.program.folder.glob("out.db*"):
            path.unlink()
        return subprocess.Popen(
            [self.program.path, "sweep", self.program.scenario("sweeps/hi-cost"), *LONG, "--db",
             "out.db"], cwd=self.program.folder, text=True,
            **{"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL,
               "stderr": subprocess.PIPE, **options})

    def in_the_midst(self, disturb, **options):
        """Disturbs a sweep that has stored something; once more if it came too late."""
        for _ in range(20):
            process = self.start(**options)
            sweeps.wait_until_stored(self.program, "out.db", process)
            result = disturb(process)
            errors = process.communicate(timeout=100)[1]
            if sweeps.count_stored(self.program, "out.db") < REPLICATIONS:
                return result, process.returncode, errors
        raise AssertionError("it always came too late")

    def expect_whole(self):
        """The same command ends in what it ends in undisturbed."""
        if not self.bench.whole:
            sweeps.sweep(self.program, *LONG, "--db", "whole.db")
            self.bench.whole = sweeps.stored(self.program, "whole.db")
        sweeps.expect_sound(self.program, "out.db")
        sweeps.sweep(self.program, *LONG, "--db", "out.db")
        sweeps.expect_same(self.program, "out.db", self.bench.whole, "afterwards")


def ends_by(number, status):
    def case(bench):
        disturbed = Sweeps(bench)
        _, found, errors = disturbed.in_the_midst(lambda process: process.send_signal(number))
        expect_equal(found, status, f"exit status with {errors!r}")
        disturbed.expect_whole()

    return case


def is_ignored(number):
    def case(bench):
        disturbed = Sweeps(bench)
        process = disturbed.start(preexec_fn=lambda: signal.signal(number, signal.SIG_IGN))
        sweeps.wait_until_stored(disturbed.program, "out.db", process)
        process.send_signal(number)
        errors = process.communicate(timeout=100)[1]
        expect_equal(process.returncode, 0, f"exit status with {errors!r}")
        disturbed.expect_whole()

    return case


def nobody_reads(bench):
    disturbed = Sweeps(bench)
    reading, writing = os.pipe()
    os.close(reading)
    process = disturbed.start(stdout=writing)
    os.close(writing)
    errors = process.communicate(timeout=100)[1]
    expect_equal((process.returncode, errors), (-signal.SIGPIPE, ""), "status and errors")
    expect_equal(sweeps.ask(disturbed.program, "out.db", "SELECT status FROM experiments"),
                 [("finished",)], "status of the experiment")
    disturbed.expect_whole()


def spoiled(redirections, message):
    def case(bench):
        bench.clear(None)
        command = "exec \"$offloadsim\" "
        words = " ".join(f"'{word}'" for word in bench.words(SWEEP))
        done = bench.program.shell(command + words + redirections)
        expect_equal(done.returncode, 1, f"exit status with {done.stderr!r}")
        expect_in(message, done.stderr, "message")
        expect(bench.content() == bench.wanted["sweep, new file"][3], "other results")

    return case


def files_without_streams(bench):
    """An output file must not get the number of a stream that is closed, and its messages."""
    for task in ("export to files", "fit", "sweep, new file"):
        bench.clear(None)
        words = " ".join(f"'{word}'" for word in bench.words(TASKS[task][0]))
        bench.program.shell(f'exec "$offloadsim" {words} <&- >&- 2>&-')
        expect(bench.content() == bench.wanted[task][3], f"'{task}' writes something else")


def limited_files(action):
    def limit(most):
        def start():
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
            signal.signal(signal.SIGXFSZ, action)

        return start

    def case(bench):
        for task in ("sweep, new file", "export to files", "fit", "merge"):
            words, start = TASKS[task]
            for most in (0, 100, 20000, 60000):
                bench.clear(start)
                done = bench.program.run(*bench.words(words), status=None, preexec_fn=limit(most))
                if action == signal.SIG_IGN and done.returncode != 0:
                    expect(done.returncode in (1, 2), f"'{task}': exit status {done.returncode}")
                    expect(re.search("error: .*(too large|I/O|disk is full)", done.stderr),
                           f"'{task}': {done.stderr!r}")
                elif done.returncode != 0:
                    expect_equal(done.returncode, -signal.SIGXFSZ, f"'{task}' with {most}")
                if done.returncode == 0:
                    expect(bench.content() == bench.wanted[task][3], f"'{task}': less is written")
            bench.clear(start)
            bench.program.run(*bench.words(words), status=None, preexec_fn=limit(60000))
            if (bench.folder / "out.db").exists():
                sweeps.expect_sound(bench.program, "out.db")
            expect_equal(bench.again(task).returncode, 0, f"'{task}' afterwards")
            expect(bench.content() == bench.wanted[task][3], f"'{task}' afterwards")

    return case


def clocks_apart(bench):
    disturbed = Sweeps(bench)
    environment = {**os.environ, "LD_PRELOAD": str(bench.failing), "FAILING": "clock:1:on"}
    first = disturbed.start(env=environment)
    second = subprocess.Popen(first.args, cwd=disturbed.program.folder, stderr=subprocess.PIPE,
                              stdout=subprocess.DEVNULL, text=True, env=environment)
    for process in (first, second):
        errors = process.communicate(timeout=100)[1]
        expect_equal(process.returncode, 0, f"exit status with {errors!r}")
    disturbed.expect_whole()


def older_file(bench):
    bench.clear(None)
    connection = sqlite3.connect(bench.folder / "out.db")
    schema = bench.program.root / "results" / "schema.sql"
    connection.executescript(schema.read_text(encoding="utf-8"))
    connection.close()
    done = bench.program.run("query", "runs", "--db", "out.db", status=2)
    expect_in("it was written by an older offloadsim", done.stderr, "message")
    expect_equal(bench.again("sweep, new file").returncode, 0, "exit status")
    expect(bench.content() == bench.wanted["sweep, new file"][3], "other results")


def newer_file(bench):
    bench.clear("all.db")
    connection = sqlite3.connect(bench.folder / "out.db")
    connection.execute("PRAGMA user_version = 1000")
    connection.close()
    before = (bench.folder / "out.db").read_bytes()
    for words in (SWEEP, ("query", "runs", "--db", "out.db"),
                  ("merge", "out.db", "--db", "other.db")):
        done = bench.program.run(*bench.words(words), status=2)
        expect_in("it was written by a newer offloadsim", done.stderr, "message")
    expect((bench.folder / "out.db").read_bytes() == before, "the file has changed")


def newer_meanwhile(bench):
    disturbed = Sweeps(bench)
    connection = None

    def take_over(_):
        nonlocal connection
        connection = sqlite3.connect(disturbed.program.folder / "out.db", timeout=20)
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        connection.execute("PRAGMA user_version = 1000")
        return version, sweeps.count_stored(disturbed.program, "out.db")

    (version, had), status, errors = disturbed.in_the_midst(take_over)
    expect_equal(status, 1, f"exit status with {errors!r}")
    expect_in("another version of offloadsim", errors, "message")
    expect_equal(sweeps.count_stored(disturbed.program, "out.db"), had, "replications")
    connection.execute(f"PRAGMA user_version = {version}")
    connection.close()
    disturbed.expect_whole()


GOES_ON = "the same sweep goes on to the same rows"
CASES = [
    ("SIGINT, SIGTERM", "stops when the replications that run have ended, status 130; " + GOES_ON,
     (ends_by(signal.SIGINT, 130), ends_by(signal.SIGTERM, 130))),
    ("SIGHUP, SIGQUIT, SIGKILL", "ends at once; " + GOES_ON,
     [ends_by(number, -number) for number in (signal.SIGHUP, signal.SIGQUIT, signal.SIGKILL)]),
    ("SIGINT, SIGTERM or SIGHUP to a program that was started to ignore it (nohup)",
     "goes on", [is_ignored(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]),
    ("nobody reads the output any more (SIGPIPE, as with `| head`)",
     "ended by the signal without a word; everything is stored before it is printed",
     (nobody_reads,)),
    ("standard output is closed, or a full device",
     "an error and status 1; everything is stored before it is printed",
     (spoiled(" >&-", "cannot write to standard output: "),
      spoiled(" >/dev/full", "cannot write to standard output: "),
      spoiled(" <&- >&-", "cannot write to standard output: "))),
    ("all three standard streams are closed",
     "files that are written are the same as ever; nothing else gets into them",
     (files_without_streams,)),
    ("a limit on the size of files (`ulimit -f`), SIGXFSZ ignored",
     "an error that says so; without the limit the same command ends as ever",
     (limited_files(signal.SIG_IGN),)),
    ("a limit on the size of files, SIGXFSZ not ignored",
     "ended by the signal; the database is sound; without the limit the same command ends as ever",
     (limited_files(signal.SIG_DFL),)),
    ("two processes share a sweep, and the clock jumps for each in a way of its own",
     "claims may end early or late; both end, and the rows are the same", (clocks_apart,)),
    ("a database of an older version",
     "readers say so; what stores brings it up to date", (older_file,)),
    ("a database of a newer version", "refused, and not touched", (newer_file,)),
    ("a newer version takes the database over while a sweep stores into it",
     "an error that says so; what was stored stays, and nothing more is stored",
     (newer_meanwhile,)),
]


# ---- the page ----

PAGE = """# Faults

What was made to fail, and what became of it. The page is printed by `faults.py PROGRAM ROOT FAILING
--thorough --page` in `tests/fault`, which does all of it; the test suite does a part of it each
time and checks that no row is missing. `FAILING` is `tests/fault/libfailing.so` of a build.

## The n-th call fails

Memory, files, locks, threads and the clock are made to fail at the n-th call: at each n up to 100,
then at every n a tenth higher up to the last call that the command makes; with `--every` it is each
n, which takes hours. Locks, for which SQLite waits ten seconds, fail at a few n only. "For good"
and "any more" are all calls from the n-th on. After each fault: either the command ends as it does
without (the fault has no effect, or is made up for), or it ends with status 1, or 2 where a file
could as well be wrong, and a message that names the reason. It never crashes or hangs; its database
is sound; and the same command, once more and without the fault, ends in the rows, files and output
of one that never met a fault.

| fault | command | faults | ended as without | ended with an error |
|---|---|---|---|---|
"""

CASES_HEAD = """
The store by itself also meets faults of SQLite's file system, and short reads:
`tests/fault/test_store_faults.c`. A power cut at each moment, with nothing, some or all of what was
not flushed: `tests/fault/test_store_power.c`. A disk that is really full:
`tests/fault/full_disk.py`. Sweeps that are killed at random moments, and processes that are stopped
while they hold claims: `tests/cli/sweeps.py`.

## What happens around it

| what | what becomes of it |
|---|---|
"""


def row_start(fault, task):
    return f"| {FAULTS[fault][0]} | {task} | "


def case_row(case):
    return f"| {case[0]} | {case[1]} |\n"


def check_page(root):
    """Each row of today is there, and no other."""
    page = (root / "docs" / "faults.md").read_text(encoding="utf-8")
    head, _, tail = page.partition(CASES_HEAD)
    expect(head.startswith(PAGE), "the text before the first table differs")
    rows = head[len(PAGE):].splitlines()
    wanted = [row_start(fault, task) for fault, task in ROWS]
    expect_equal([" | ".join(row.split(" | ")[:2]) + " | " for row in rows], wanted, "rows")
    expect_equal(tail, "".join(map(case_row, CASES)), "the second table")


class Report:
    """TAP, or nothing but what failed, on standard error."""

    def __init__(self, is_page):
        self.output = sys.stderr if is_page else sys.stdout
        self.number = self.failed = 0

    def run(self, name, function, *arguments):
        self.number += 1
        try:
            result = function(*arguments)
            print(f"ok {self.number} - {name}", file=self.output, flush=True)
            return result
        except Exception as error:  # pylint: disable=broad-except
            self.failed += 1
            text = str(error) if isinstance(error, AssertionError) else traceback.format_exc()
            print(f"not ok {self.number} - {name}\n# " + text.rstrip().replace("\n", "\n# "),
                  file=self.output, flush=True)
            return (0, 0)


# How far from one n to the next. What SQLite waits ten seconds for is tried at a few n only.
def quick(number):
    return 1 + 3 * number


SLOW = ("lock",)
STEPS = {"--thorough": lambda n: max(1, n // 10) if n >= 100 else 1, "--every": lambda n: 1}


def main():
    path, root, failing = (pathlib.Path(word).resolve() for word in sys.argv[1:4])
    step = next((STEPS[word] for word in sys.argv if word in STEPS), quick)
    is_page = "--page" in sys.argv
    report = Report(is_page)
    print(f"1..{len(ROWS) + len(CASES) + 1}", file=report.output)
    page = PAGE
    with tempfile.TemporaryDirectory(prefix="offloadsim-faults-") as folder:
        bench = Bench(path, root, failing, pathlib.Path(folder))
        for fault, task in ROWS:
            met, failed = report.run(f"{fault}: {task}", bench.every_fault, fault, task,
                                     quick if fault in SLOW else step)
            page += f"{row_start(fault, task)}{met} | {met - failed} | {failed} |\n"
        page += CASES_HEAD
        for case in CASES:
            report.run(case[0], lambda case=case: [check(bench) for check in case[2]])
            page += case_row(case)
    if is_page:
        sys.stdout.write(page)
    else:
        report.run("the page has these rows", check_page, root)
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
