#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Input that is made to do harm, or is no such input at all: each ends soon, in little memory, with
an error that says what is wrong and exit status 2. docs/limits.md has the limits."""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

from harness import SMALL, expect, expect_equal, expect_in, main

MIB = 1 << 20
GIB = 1 << 30
SCENARIO = """\
scenario: s
stop: {samples: 200}
models: {net: {layers: 1}}
tiers: [{name: q, arrivals: {poisson: 1 /s}, compute: {time: {net: 0.5 s}}}]
policy: local
"""


def refused(program, *arguments, says, seconds=30, mebibytes=400):
    """Runs the program, which must end with status 2 and this message within these limits."""
    with tempfile.TemporaryFile() as out:
        started = time.monotonic()
        child = subprocess.Popen([program.path, *arguments], cwd=program.folder, stdout=out,
                                 stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                 env={**os.environ, "LC_ALL": "C.UTF-8"})
        timer = threading.Timer(100, child.kill)
        timer.start()
        _, status, usage = os.wait4(child.pid, 0)
        timer.cancel()
        child.returncode = os.waitstatus_to_exitcode(status)
        took = time.monotonic() - started
        out.seek(0)
        text = out.read(MIB).decode("utf-8", "strict")  # whatever was read, this is UTF-8
    expect_equal(child.returncode, 2, f"exit status of {arguments}: {text[:2000]}")
    for part in says if isinstance(says, tuple) else (says,):
        expect_in(part, text, "message")
    expect(len(text) < 20000, f"{len(text)} characters of messages")
    expect(took < seconds, f"it took {took} s")
    expect(usage.ru_maxrss < mebibytes * 1024, f"{usage.ru_maxrss} KiB of memory")
    return text


def check_text(program, text, **options):
    path = program.folder / "s.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return refused(program, "check", "s.yaml", **options)


def digits(program):
    """A copy of a scenario with a trace, beside which files can be put."""
    shutil.copy(program.scenario("hi-digits"), program.folder)
    (program.folder / "data").symlink_to(program.root / "scenarios" / "data")
    return "hi-digits.yaml"


def check_trace(program, trace, **options):
    return refused(program, "check", digits(program), "--set", f"samples.trace={trace}", **options)


# The messages of limits, which the page names too.
LIMITS = {
    "depth": "nested deeper than 64 levels",
    "values": "more than 1000000 values",
    "scenario": "larger than 64 MiB",
    "field": "a field of more than 1048576 bytes",
    "fields": "more than 100000 fields in a row",
    "device": "is a device",
    "changes": "changes while it is read",
}


def page(program):
    text = (program.root / "docs" / "limits.md").read_text()
    for message in LIMITS.values():
        expect_in(f"'{message}'", text, "docs/limits.md")


# ---- scenarios ----


def nested(program):
    for text in ("[" * 100000, "{a: " * 100000, "- " * 100000):
        check_text(program, text, says=LIMITS["depth"])
    refused(program, "check", program.scenario("mm1"), "--set", "stop=" + "[" * 10000,
            says=LIMITS["depth"])


def aliases(program):
    bomb = "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 64))
    check_text(program, bomb, says=("anchors such as '&a0' are not supported",
                                    "aliases such as '*a0' are not supported"))
    check_text(program, "a: &a [*a]\n", says="aliases such as '*a' are not supported")


def many_values(program):
    check_text(program, "a: [" + "1," * 1000001 + "1]\n", says=LIMITS["values"],
               mebibytes=1000)


def not_text(program):
    check_text(program, b"scenario: a\0b\n", says="s.yaml:1:12: error: NUL character in the file")
    check_text(program, b"scenario: \xff\n", says="s.yaml:1:11: error: invalid UTF-8: byte 0xff")
    check_text(program, b"scenario: \xed\xa0\x80\n", says="invalid UTF-8: byte 0xed")
    check_text(program, 'scenario: "a\\0b"\n', says="a text must not hold NUL characters")
    check_text(program, b"\x7fELF\x02\x01\x01\0\0\0", says="NUL character in the file")
    check_text(program, b"", says="the file is empty")


def out_of_range(program):
    path = program.folder / "s.yaml"
    path.write_text(SCENARIO)
    for setting in ("stop={samples: 1e400}", "stop={samples: -1}", "stop={time: 1e300 s}",
                    "stop={samples: 9223372036854775808}", "replications=99999999999999999999",
                    "seed=18446744073709551616", "seed=-1", "seed=nan", "tiers.q.nodes=1e18",
                    "tiers.q.nodes=0.5", "tiers.q.arrivals.poisson=inf /s",
                    "tiers.q.compute.time.net=nan s", "tiers.q.compute.servers=2147483648",
                    "models.net.layers=4294967297"):
        refused(program, "check", "s.yaml", "--set", setting, says="--set:1:")


def long_lines(program):
    """A line of 64 MiB is read; nothing longer is a scenario."""
    with open(program.folder / "huge.yaml", "wb") as file:
        file.truncate(GIB)
    refused(program, "check", "huge.yaml", says="huge.yaml: error: " + LIMITS["scenario"],
            seconds=5)
    check_text(program, "scenario: " + "x" * (32 * MIB), says="error: ", mebibytes=1000)
    check_text(program, "x" * 5000 + ": 1\n", says="error: ")


# ---- CSV ----


def long_lines_of_a_trace(program):
    with open(program.folder / "huge.csv", "wb") as file:
        file.truncate(GIB)
    check_trace(program, "huge.csv", says="huge.csv:1:1: error: NUL character in the file",
                mebibytes=1600)


def fields_of_a_trace(program):
    header = (program.root / "scenarios" / "data" / "digits.csv").read_bytes().split(b"\n")[0]
    scenario = digits(program)
    for name, text, says in (
            ("field", header + b"\n" + b"5" * (30 * MIB), LIMITS["field"]),
            ("header", b"5" * (30 * MIB), LIMITS["field"]),
            ("fields", b"," * (30 * MIB), LIMITS["fields"]),
            ("quote", header + b'\n"' + b"5" * (30 * MIB), "a quote is not closed"),
            ("nul", header + b"\n1,\0", "NUL character in the file"),
            ("bytes", b"\xff\xfe,\xff\n", "has no column"),
            ("empty", b"", "the file is empty")):
        (program.folder / (name + ".csv")).write_bytes(text)
        refused(program, "check", scenario, "--set", f"samples.trace={name}.csv", says=says)


def grows(program):
    """A trace that somebody goes on writing to while it is read."""
    text = (program.root / "scenarios" / "data" / "digits.csv").read_bytes()
    path = program.folder / "grows.csv"
    row = text.split(b"\n")[1] + b"\n"
    path.write_bytes(text + row * 100000)
    stop = threading.Event()

    def append():
        with open(path, "ab", buffering=0) as file:
            while not stop.is_set() and file.tell() < GIB:
                file.write(row)

    thread = threading.Thread(target=append)
    thread.start()
    try:
        check_trace(program, "grows.csv", says="trace 'grows.csv' " + LIMITS["changes"])
    finally:
        stop.set()
        thread.join()


# ---- what is no file ----


def no_files(program):
    os.mkfifo(program.folder / "pipe")
    os.symlink("loop", program.folder / "loop")
    scenario = digits(program)
    for path, says, of_database in (
            ("data", "is a directory", "it is a folder"),
            ("/dev/zero", LIMITS["device"], "it is not a regular file"),
            ("pipe", "the file is empty", "it is not a regular file"),
            ("loop", "too many levels of symbolic links", "too many levels of symbolic links"),
            ("nowhere", "no such file or directory", "there is no such file")):
        refused(program, "check", path, says=says)
        refused(program, "check", scenario, "--set", f"samples.trace={path}", says=says)
        for command in (["query", "runs"], ["export"], ["merge", path]):
            refused(program, *command, "--db", "new.db" if command[0] == "merge" else path,
                    says=of_database)
    expect(not (program.folder / "new.db").exists(), "a database was made")


def links_and_pipes(program):
    """What is no hostile thing: a link to a file, and a pipe with a writer."""
    os.symlink(program.scenario("mm1"), program.folder / "link.yaml")
    program.run("check", "link.yaml")
    (program.folder / "s.yaml").write_text(SCENARIO)
    done = program.shell('cat s.yaml | "$offloadsim" check /dev/stdin')
    expect_equal(done.returncode, 0, done.stderr)


# ---- databases ----


def database(program, *statements):
    """Results, with statements run on them by somebody else."""
    path = program.folder / "planted.db"
    if not path.exists():
        program.run("run", program.scenario("mm1"), *SMALL, "--db", str(path), "--quiet")
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()
    return str(path)


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"


def planted_tables(program):
    """A view in place of a table would be asked without a limit on time."""
    path = database(program, "ALTER TABLE samples RENAME TO other",
                    f"CREATE VIEW samples AS {ENDLESS}")
    for command in (["query", "runs"], ["export"], ["compare", "1"]):
        refused(program, *command, "--db", path,
                says="something else has the name of one of its tables")
    refused(program, "merge", path, "--db", "ours.db",
            says="something else has the name of one of its tables")


def planted_views(program):
    path = database(program, f"CREATE VIEW endless AS {ENDLESS}", "DROP VIEW tradeoffs",
                    f"CREATE VIEW tradeoffs AS {ENDLESS}",
                    "CREATE VIEW code AS SELECT load_extension('evil')",
                    "CREATE VIEW large AS SELECT zeroblob(200000000) AS b")
    for sql in ("SELECT count(*) FROM endless", "SELECT max(i) FROM tradeoffs"):
        refused(program, "query", sql, "--timeout", "0.2 s", "--db", path, seconds=20,
                says="the query was stopped after 0.2 s; ask for less, or allow it more with "
                     "--timeout")
    refused(program, "query", "SELECT * FROM code", "--db", path,
            says=("error: ",))
    refused(program, "query", "SELECT hex(b) FROM large", "--db", path,
            says="string or blob too big")
    program.run("query", "SELECT i FROM endless", "--db", path)  # a table ends after 1000 rows


def emptied_columns(program):
    """Whatever should be a text is none: commands end as well as they can, never with a signal."""
    path = program.folder / "emptied.db"
    program.run("run", program.scenario("hi-digits"), *SMALL, "--db", str(path), "--quiet")
    connection = sqlite3.connect(path)
    tables = [name for name, in connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table'"
        " AND sql NOT LIKE '%WITHOUT ROWID%'")]
    connection.execute("PRAGMA writable_schema = ON")
    connection.execute("UPDATE sqlite_schema SET sql = replace(replace(sql, 'NOT NULL', ''),"
                       " 'STRICT', '') WHERE type = 'table' AND name IN"
                       f" ({','.join('?' * len(tables))})", tables)
    connection.commit()
    columns = [(table, column, type_name) for table in tables for _, column, type_name, *_ in
               connection.execute(f"PRAGMA table_info({table})")]
    connection.close()
    content = open(path, "rb").read()
    for table, column, type_name in columns:
        if type_name == "INTEGER" and column.endswith("id"):
            continue
        for value in ("NULL", "x'00ff'"):
            path.write_bytes(content)
            connection = sqlite3.connect(path)
            connection.execute("PRAGMA ignore_check_constraints = ON")
            # Where values are unique only one of them is replaced.
            connection.execute(f"UPDATE OR IGNORE {table} SET {column} = {value}")
            connection.commit()
            connection.close()
            for command in (["compare", "1"], ["export"], ["query", "tradeoffs"],
                            ["reprice", "--experiment", "1", "--set", "prices.error=2"],
                            ["run", program.scenario("hi-digits"), *SMALL]):
                done = subprocess.run([program.path, *command, "--db", "emptied.db"],
                                      cwd=program.folder, capture_output=True, timeout=100)
                expect(done.returncode in (0, 2), f"{value} as {table}.{column}: {command[0]} "
                       f"ended with {done.returncode}: {done.stderr[-500:]}")


def planted_triggers(program):
    path = database(program, "CREATE TABLE proof(x)", *(
        f"CREATE TRIGGER t_{table} AFTER INSERT ON {table} BEGIN"
        " INSERT INTO proof VALUES (1); END" for table in ("experiments", "points", "metrics")))
    before = open(path, "rb").read()
    program.run("query", "runs", "--db", path)
    program.run("merge", path, "--db", "ours.db")
    expect_equal(open(path, "rb").read(), before, "the file that was read")
    found = program.run("query", "SELECT count(*) AS n FROM sqlite_schema WHERE type = 'trigger'"
                        " OR name = 'proof'", "--db", "ours.db", "--format", "csv").stdout
    expect_equal(found, "n\n0\n", "what came along")


def only_reads(program):
    path = database(program)
    for sql in ("DELETE FROM points", "CREATE TABLE x(y)", "ATTACH 'other.db' AS other",
                "PRAGMA writable_schema = 1", "SELECT load_extension('evil')",
                "UPDATE sqlite_schema SET sql = ''", "SELECT 1; SELECT 2",
                "VACUUM INTO 'copy.db'"):
        refused(program, "query", sql, "--db", path, says="error: ")
    expect_equal(sorted(p.name for p in program.folder.iterdir() if "-" not in p.name),
                 ["planted.db"], "files")
    refused(program, "query", "runs", "--timeout", "soon", "--db", path,
            says="'--timeout soon': it takes a time of at least 1 ms, such as ")


def not_a_database(program):
    for content, says in ((os.urandom(5000), "it is not a database"),
                          (b"", "there are no results in it"),
                          (b"SQLite format 3\0" + bytes(84), "cannot read results")):
        (program.folder / "odd.db").write_bytes(content)
        refused(program, "query", "runs", "--db", "odd.db", says=says)
        refused(program, "merge", "odd.db", "--db", "ours.db", says=says)
    path = database(program, "PRAGMA user_version = 99")
    for command in (["query", "runs"], ["export"], ["merge", path, "--db", "ours.db"],
                    ["run", program.scenario("mm1"), *SMALL]):
        refused(program, *command, *([] if "--db" in command else ["--db", path]),
                says="it was written by a newer offloadsim (schema 99")


sys.exit(main([
    ("docs/limits.md names the messages", page),
    ("deep nesting", nested),
    ("anchors and aliases", aliases),
    ("a million values", many_values),
    ("a scenario that is no text", not_text),
    ("numbers out of range", out_of_range),
    ("long lines of a scenario", long_lines),
    ("a line of 1 GiB of a trace", long_lines_of_a_trace),
    ("fields of a trace", fields_of_a_trace),
    ("a trace that grows while it is read", grows),
    ("folders, devices, pipes and links as files", no_files),
    ("links and pipes that are fine", links_and_pipes),
    ("views planted in place of tables", planted_tables),
    ("views planted in a database", planted_views),
    ("columns that are empty in a database", emptied_columns),
    ("triggers planted in a database", planted_triggers),
    ("SQL that does not only read", only_reads),
    ("files that are no databases, or newer ones", not_a_database),
]))
