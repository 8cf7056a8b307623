#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sweeps on clusters: parts and what they are merged to, logs, and exit statuses.

usage: batch.py OFFLOADSIM ROOT
"""

import csv
import io
import json
import os
import pathlib
import re
import signal
import sqlite3
import subprocess
import time

from harness import expect, expect_equal, expect_in, main

SMALL = ("--set", "stop={samples: 400}", "--set", "warmup=none")
# Prices are free here but for 'partition'; the last axis makes simulations of several lengths.
SWEEPS = {
    "prices": ("hi-digits", "--replications", "3", "--set", "prices.offload=0.1,0.2,0.4",
               "--set", "policy.hi_threshold.theta=0.3,0.5,0.7", *SMALL),
    "until": ("hi-digits", "--set", "until={metric: accuracy, absolute: 0.003}", "--set",
              "policy.hi_threshold.theta=0.3,0.5,0.7", "--set", "prices.offload=0.1,0.4", *SMALL),
    "control variates": ("hi-digits", "--set", "control_variates=true", "--replications", "8",
                         "--set", "policy.hi_threshold.theta=0.3,0.5,0.7", *SMALL),
    "a policy that looks at prices": ("partition", "--replications", "2", "--set",
                                      "prices.offload=0.1,1", "--set",
                                      "policy={partition: {minimise: cost}}", "--set",
                                      "stop.samples=100,200,300", "--set", "warmup=none"),
}


def sweep(program, name, *more, **options):
    scenario, *settings = SWEEPS[name]
    path = pathlib.Path(program.scenario(scenario))
    if name == "until":  # in place of the number of replications that the scenario has
        text = path.read_text(encoding="utf-8").replace("data/", f"{path.parent}/data/")
        path = program.folder / "until.yaml"
        path.write_text(re.sub("^replications:.*\n", "", text, flags=re.MULTILINE),
                        encoding="utf-8")
    return program.run("sweep", str(path), *settings, *more, **options)


def listed(program, name, *more):
    text = sweep(program, name, "--dry-run", "--format", "csv", "--no-store", *more).stdout
    return [row["point"] for row in csv.DictReader(io.StringIO(text))]


# Where, when and how long: not part of what comes out.
WHEN = {"path", "command", "host", "started_at", "wall_s"}
NAMES = {"metric_id": "metric_names", "counter_id": "counter_names"}


def content(path):
    """All rows of the database, with names for their numbers, which they get as they come."""
    database = sqlite3.connect(path)
    tables = [row[0] for row in database.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'")]
    found = {}
    for table in tables:
        columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")
                   if row[1] not in WHEN and (row[1] != "id" or table not in NAMES.values())]
        shown = [f"(SELECT name FROM {NAMES[column]} WHERE id = {column})"
                 if column in NAMES else column for column in columns]
        found[table] = sorted(database.execute(f"SELECT {', '.join(shown)} FROM {table}"),
                              key=repr)
    database.close()
    return found


def run_parts(program, name, count):
    for part in range(1, count + 1):
        sweep(program, name, "--shard", f"{part}/{count}", "--db", f"{part}.db", "--jobs",
              str(1 + part % 3))


def merge_parts(program, parts):
    for part in parts:
        program.run("merge", f"{part}.db", "--db", "merged.db")


def expect_same(program, name):
    sweep(program, name, "--db", "whole.db")
    whole, merged = (content(program.folder / f"{database}.db") for database in ("whole", "merged"))
    for table, rows in whole.items():
        expect(rows == merged[table], f"table '{table}' differs: "
               f"{[row for row in rows if row not in merged[table]][:2]} and "
               f"{[row for row in merged[table] if row not in rows][:2]}")
    for table in ("points", "replications", "metrics", "counters", "estimates"):
        expect(whole[table], f"table '{table}' is empty")


def merged_is_whole(name, count, backwards):
    def case(program):
        run_parts(program, name, count)
        parts = range(1, count + 1)
        merge_parts(program, reversed(parts) if backwards else parts)
        expect_same(program, name)
        done = sweep(program, name, "--db", "merged.db")
        expect_in("; 0 replications ran,", done.stderr, "the sweep of all, after the merge")

    return case


def parts_make_all(name):
    def case(program):
        every = listed(program, name)
        simulations = json.loads(sweep(program, name, "--dry-run", "--format", "json",
                                       "--no-store").stdout)["simulations"]
        for count in (1, 2, 3, simulations):
            parts = [listed(program, name, "--shard", f"{part}/{count}")
                     for part in range(1, count + 1)]
            expect_equal(sorted(sum(parts, []), key=int), every, f"points in {count} parts")
            expect(all(parts), f"of {count} parts one is empty")
            again = [listed(program, name, "--shard", f"{part}/{count}", "--jobs", "7")
                     for part in range(1, count + 1)]
            expect_equal(again, parts, "parts")
        sweep(program, name, "--shard", f"1/{simulations + 1}", "--no-store", status=2)

    return case


def points_of_a_simulation_stay_together(program):
    for part in range(1, 4):
        sweep(program, "prices", "--shard", f"{part}/3", "--db", f"{part}.db")
    seen = set()
    for part in range(1, 4):
        database = sqlite3.connect(program.folder / f"{part}.db")
        own = {row[0] for row in database.execute(
            "SELECT DISTINCT simulation_hash FROM points WHERE is_complete")}
        expect(own and not own & seen, f"part {part} shares simulations with another")
        seen |= own
        database.close()


def what_is_printed(program):
    done = sweep(program, "prices", "--shard", "1/3", "--format", "json")
    points = json.loads(done.stdout)["points"]
    expect_equal(len(points), len(listed(program, "prices", "--shard", "1/3")), "points")
    expect(re.search(r"^part 1 of 3 of \d+ points: \d+ points from \d+ simulations; \d+ repl",
                     done.stderr, re.MULTILINE), done.stderr)
    whole = sweep(program, "prices", "--format", "json", "--no-store")
    every = json.loads(whole.stdout)["points"]
    expect(all(point in every for point in points), "a part prints something else than the whole")


def one_database_for_all(program):
    for part in (3, 1, 2):
        sweep(program, "prices", "--shard", f"{part}/3", "--db", "merged.db")
        status = sqlite3.connect(program.folder / "merged.db").execute(
            "SELECT status FROM experiments").fetchall()
        expect_equal(status, [("finished" if part == 2 else "running",)], "status")
    expect_same(program, "prices")


def half_done_parts(program):
    """A part that was interrupted, merged; then run to its end, and merged again."""
    scenario = program.scenario("hi-digits")
    arguments = ("sweep", scenario, "--set", "policy.hi_threshold.theta=range(0.1,0.9,0.1)",
                 "--replications", "40", "--shard", "1/2", "--db", "1.db", "--jobs", "1")
    running = subprocess.Popen([program.path, *arguments], cwd=program.folder,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while not (program.folder / "1.db").exists():
        time.sleep(0.01)
    time.sleep(0.4)
    running.send_signal(signal.SIGTERM)
    errors = running.communicate(timeout=100)[1]
    expect_equal(running.returncode, 130, f"exit status with {errors!r}")
    expect_in("interrupted; the same command goes on where it stopped\n", errors, "remark")
    program.run("merge", "1.db", "--db", "merged.db")
    program.run(*arguments)
    program.run(*arguments[:-6], "--shard", "2/2", "--db", "2.db")
    merge_parts(program, (1, 2))
    program.run(*arguments[:-6], "--db", "whole.db")
    expect_equal(content(program.folder / "merged.db")["metrics"],
                 content(program.folder / "whole.db")["metrics"], "metrics")


WRONG = ["0/3", "4/3", "1/", "/3", "1/3x", "1", "", "a/b", "1/0", "-1/3", "+1/3", " 1/3", "1/3/3",
         "1/1000000", "1000000000000000000000/2", "1.0/3"]


def wrong_part(value):
    def case(program):
        done = program.run("sweep", program.scenario("hi-digits"), "--shard", value, status=2)
        expect_equal(done.stderr, f"offloadsim: error: '--shard {value}': it takes I/N, the I-th "
                                  "of N parts counted from 1, such as 1/4\n", "message")
        expect_equal(list(program.folder.iterdir()), [], "files")

    return case


def wrong_uses(program):
    scenario = program.scenario("hi-digits")
    for command, message in (
            (("sweep", scenario, "--shard", "1/9"),
             "'--shard 1/9': the sweep has 4 simulations; ask for no more parts than that"),
            (("sweep", scenario, "--shard", "1/2", "--again"),
             "'--again' makes an experiment of its own, of which '--shard' would be no part; leave "
             "one of them out, or name a new database with --db"),
            (("run", scenario, "--shard", "1/2"),
             "unknown option '--shard' of 'run'; see 'offloadsim run --help'"),
            (("sweep", scenario, "--progress", "0 s"),
             "'--progress 0 s': it takes a time above 0, such as 10 s"),
            (("sweep", scenario, "--progress", "5"),
             "'--progress 5': it takes a time above 0, such as 10 s")):
        done = program.run(*command, status=2)
        expect_equal(done.stderr, f"offloadsim: error: {message}\n", "message")
    expect_equal(list(program.folder.iterdir()), [], "files")


# ---- logs ----

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ \d+ of 4 points, \d+ of 80 replications"
                  r"(, [\d.e+]+/s, [\d.]+ \w+ left)?")


def progress_lines(program):
    command = ("run", program.scenario("hi-digits"), "--no-store", "--jobs", "1")
    done = program.run(*command, "--progress", "100ms")
    lines = done.stderr.splitlines()
    told = [line for line in lines if LINE.fullmatch(line)]
    expect(told and len(told) == len(lines) - 1, f"lines: {lines}")
    expect("\r" not in done.stderr and "\033" not in done.stderr, "control characters")
    expect("\033" not in done.stdout, "colours")
    for quiet in (("--quiet", "--progress", "100ms"), ()):
        done = program.run(*command, *quiet)
        expect(not LINE.search(done.stderr), f"progress with {quiet}: {done.stderr}")


def table_of_statuses(program):
    text = (program.root / "docs" / "batch.md").read_text(encoding="utf-8")
    section = text[text.index("## Exit status"):]
    return re.findall(r"^\| (\S.*?) \|", section, re.MULTILINE)[1:]


def locked(program, scenario, fast):
    """A name that is wrong, and a database that the machine does not let have."""
    program.run("run", scenario, *fast, "--db", "no/where.db", status=2)
    program.run("run", scenario, *fast, "--db", "all.db")
    program.run("export", "--db", "all.db", "--output", "/dev/full", "--format", "json", status=1)
    program.run("export", "--db", "all.db", "--output", "no/where", status=2)
    with sqlite3.connect(program.folder / "all.db") as holder:
        holder.execute("PRAGMA locking_mode = EXCLUSIVE")
        holder.execute("BEGIN EXCLUSIVE")
        done = program.run("query", "runs", "--db", "all.db", status=1)
        expect_in("another process keeps it locked", done.stderr, "message")
    holder.close()


def statuses(program):
    """Those of the table in docs/batch.md, one by one; of 130, and of what is merged half done, see
    above."""
    expect_equal(table_of_statuses(program), ["0", "1", "2", "130", "128 + N"], "the table")
    scenario = program.scenario("mm1")
    fast = ("--set", "stop={samples: 100}", "--set", "warmup=none", "--no-store")
    program.run("run", scenario, *fast)
    with open("/dev/full", "w", encoding="utf-8") as full:
        program.run("run", scenario, *fast, status=1, stdout=full)
    program.run("run", scenario, *fast, "--set", "stop=no", status=2)
    locked(program, scenario, fast[:-1])
    long_run = ("--set", "stop={samples: 100000000}", "--replications", "1", "--no-store")
    running = subprocess.Popen([program.path, "run", scenario, *long_run], cwd=program.folder,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    time.sleep(0.3)
    running.send_signal(signal.SIGTERM)
    expect_in("once more stops at once", running.stderr.readline(), "remark")
    running.send_signal(signal.SIGTERM)
    running.communicate(timeout=60)
    expect_equal(running.returncode, -signal.SIGTERM, "after a second TERM")


# ---- the example ----


def slurm(program):
    text = (program.root / "docs" / "batch.md").read_text(encoding="utf-8")
    job, after = re.findall(r"^```bash\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    (program.folder / "bin").mkdir()
    (program.folder / "bin" / "offloadsim").symlink_to(program.path)
    (program.folder / "scenarios").symlink_to(program.root / "scenarios")
    expect_in("--array=1-8\n", job, "the array")
    for part in range(1, 9):
        settings = {**os.environ, "PATH": f"{program.folder}/bin:{os.environ['PATH']}",
                    "SLURM_ARRAY_TASK_ID": str(part), "SLURM_CPUS_PER_TASK": "2"}
        subprocess.run(["bash", "-c", job.replace("--shard", "--replications 2 --shard")],
                       cwd=program.folder, env=settings, check=True, timeout=60,
                       stderr=subprocess.DEVNULL)
        expect((program.folder / f"hi-cost-{part}.csv").stat().st_size > 1000, "no results")
    subprocess.run(["bash", "-c", after], cwd=program.folder, env=settings, check=True, timeout=60,
                   stderr=subprocess.DEVNULL)
    rows = json.loads(program.run("query", "runs", "--db", "hi-cost.db", "--format", "json").stdout)
    expect_equal([(row["points"], row["complete"], row["status"]) for row in rows],
                 [(460, 460, "finished")], "merged")


CASES = (
    [(f"merged is whole: {name}", merged_is_whole(name, 3, False)) for name in SWEEPS]
    + [("merged is whole: the other way round", merged_is_whole("prices", 4, True))]
    + [(f"parts make all: {name}", parts_make_all(name)) for name in SWEEPS]
    + [("points of a simulation stay together", points_of_a_simulation_stay_together),
       ("what a part prints", what_is_printed), ("one database for all", one_database_for_all),
       ("half-done parts", half_done_parts)]
    + [(f"wrong part: {value!r}", wrong_part(value)) for value in WRONG]
    + [("wrong uses", wrong_uses), ("lines of progress", progress_lines),
       ("exit statuses", statuses), ("the example for Slurm", slurm)]
)

if __name__ == "__main__":
    raise SystemExit(main(CASES))
