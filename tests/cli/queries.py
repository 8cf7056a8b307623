#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Named queries against direct computations in Python, and the commands export and merge.

usage: queries.py OFFLOADSIM ROOT
"""

import csv
import json
import pathlib
import sqlite3
import statistics
import sys

from harness import SMALL, expect, expect_equal, expect_in, main

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "bench"))
import big_database  # pylint: disable=wrong-import-position

POINTS = 600


def ask(program, name, *parameters, status=0):
    """The rows that a named query finds."""
    words = [word for parameter in parameters for word in ("--param", parameter)]
    done = program.run("query", name, *words, "--format", "json", status=status)
    return json.loads(done.stdout) if status == 0 else done.stderr


def sweep(program):
    """Makes a sweep in offloadsim.db; the points as dictionaries, with (mean, half width)s."""
    path = program.folder / "offloadsim.db"
    big_database.make(path, program.root, POINTS)
    database = sqlite3.connect(path)
    # Some that a query has to leave out: an oracle, an overloaded point, one without estimates.
    database.execute("UPDATE points SET is_oracle = 1 WHERE id = 401")
    database.execute("UPDATE points SET verdict = 'overloaded: edge' WHERE id = 402")
    database.execute("UPDATE points SET is_complete = 0, verdict = NULL WHERE id = 403")
    database.execute("UPDATE points SET uses_prices = 1 WHERE policy = 'dimee'")
    database.commit()
    points = {}
    for number, ordinal, policy, parameters, sound in database.execute(
            "SELECT id, ordinal, policy, parameters_json, is_complete AND NOT is_oracle"
            " AND verdict = 'stable' FROM points"):
        points[number] = {"id": number, "point": ordinal, "policy": policy, "sound": bool(sound),
                          "parameters": json.loads(parameters)}
    for number, name, mean, half in database.execute(
            "SELECT point_id, name, mean, half_width FROM estimates"
            " JOIN metric_names ON metric_names.id = metric_id"):
        points[number][name] = (mean, half)
    database.close()
    return list(points.values())


def close(a, b):
    return abs(a - b) <= 1e-9 * (1 + abs(a))


# ---- the answers ----


def turned(point, metrics):
    """(mean, low, high) of each metric, so that less is better."""
    values = []
    for name, sign in metrics:
        mean, half = point[name]
        values.append((sign * mean, sign * mean - half, sign * mean + half))
    return values


def beats(a, b):
    return (all(x[0] <= y[0] for x, y in zip(a, b)) and any(x[0] < y[0] for x, y in zip(a, b)))


def surely_beats(a, b):
    return (any(x[2] < y[1] for x, y in zip(a, b)) and not any(x[1] > y[2] for x, y in zip(a, b)))


def pareto(metrics, parameter=None):
    def case(program):
        points = {p["point"]: turned(p, metrics) for p in sweep(program) if p["sound"]}
        front = {n for n, p in points.items()
                 if not any(beats(q, p) for q in points.values())}
        near = {n for n, p in points.items()
                if n not in front and not any(surely_beats(points[q], p) for q in front)}
        rows = ask(program, "pareto", *([f"metrics={parameter}"] if parameter else []))
        expect_equal({row["point"] for row in rows if row["on_front"]}, front, "front")
        expect_equal({row["point"] for row in rows if not row["on_front"]}, near, "near it")
        expect(len(front) > 2 and len(front) + len(near) < len(points), "the case says nothing")

    return case


def best(program):
    points = [p for p in sweep(program) if p["sound"]]
    met = [p for p in points if p["accuracy"][0] >= 0.9 and p["latency_mean_s"][0] <= 0.05]
    met.sort(key=lambda p: (p["cost_mean"][0], p["id"]))
    expect(0 < len(met) < len(points), "the case says nothing")
    rows = ask(program, "best", "accuracy=0.9", "latency_s=0.05", "count=7")
    expect_equal([row["point"] for row in rows], [p["point"] for p in met[:7]], "points")
    expect_equal([row["rank"] for row in rows], list(range(1, 8)), "ranks")
    for row, point in zip(rows, met):
        sure = (point["accuracy"][0] - point["accuracy"][1] >= 0.9
                and point["latency_mean_s"][0] + point["latency_mean_s"][1] <= 0.05)
        expect_equal(row["is_sure"], int(sure), "is_sure")
    rows = ask(program, "best", "minimise=energy_mean_j", "p99_s=0.1", "misses=0", "energy_j=0.2",
               "count=3")
    met = [p for p in points if p["latency_p99_s"][0] <= 0.1
           and p["device_energy_mean_j"][0] <= 0.2]
    met.sort(key=lambda p: (p["energy_mean_j"][0], p["id"]))
    expect_equal([row["point"] for row in rows], [p["point"] for p in met[:3]], "by energy")
    expect_equal(ask(program, "best", "accuracy=1.1"), [], "impossible")
    expect_equal(len(ask(program, "best")), 10, "rows by default")


def sensitivity(program):
    points = [p for p in sweep(program) if "accuracy" in p and p["id"] != 403]
    rows = {(row["metric"], row["parameter"]): row for row in ask(program, "sensitivity")}
    paths = {path for p in points for path in p["parameters"]}
    for metric in ("accuracy", "cost_mean", "latency_mean_s"):
        for path in paths | {"policy"}:
            groups = {}
            for p in points:
                value = p["policy"] if path == "policy" else p["parameters"].get(path)
                if value is not None:
                    groups.setdefault(value, []).append(p[metric][0])
            means = {value: statistics.fmean(found) for value, found in groups.items()}
            everything = [x for found in groups.values() for x in found]
            middle = statistics.fmean(everything)
            between = sum(len(found) * (means[v] - middle) ** 2 for v, found in groups.items())
            altogether = sum((x - middle) ** 2 for x in everything)
            row = rows.pop((metric, path))
            expect_equal(row["levels"], len(means), f"levels of {path}")
            expect(close(row["lowest"], min(means.values())), f"lowest: {row}")
            expect(close(row["span"], max(means.values()) - min(means.values())), f"span: {row}")
            expect_equal(means[row["highest_at"]], max(means.values()), f"highest at: {row}")
            expect(abs(row["share"] - between / altogether) < 1e-6, f"share: {row}")
    expect_equal(rows, {}, "more rows")
    found = ask(program, "sensitivity", "metrics=energy_mean_j")
    expect_equal({row["metric"] for row in found}, {"energy_mean_j"}, "metric of choice")


def breakeven(program):
    points = [p for p in sweep(program) if p["sound"]]
    lines = {}
    for p in points:
        others = p["parameters"]["tiers.device.nodes"]
        own = (p["policy"], p["parameters"][f"policy.{p['policy']}.theta"])
        x = p["parameters"]["prices.offload"]
        lines.setdefault(others, {}).setdefault(x, {})[own] = p["cost_mean"]
    wanted = []
    for others, values in lines.items():
        xs = sorted(values)
        for x1, x2 in zip(xs, xs[1:]):
            first = min(values[x1], key=lambda own: values[x1][own][0])
            second = min(values[x2], key=lambda own: values[x2][own][0])
            if first == second or second not in values[x1] or first not in values[x2]:
                continue
            d1 = values[x1][second][0] - values[x1][first][0]
            d2 = values[x2][second][0] - values[x2][first][0]
            part = d1 / (d1 - d2)
            h1 = (values[x1][first][1] ** 2 + values[x1][second][1] ** 2) ** 0.5
            h2 = (values[x2][first][1] ** 2 + values[x2][second][1] ** 2) ** 0.5
            half = ((1 - part) * h1 + part * h2) * (x2 - x1) / (d1 - d2)
            wanted.append((others, x1 + (x2 - x1) * part, half, first, second))
    rows = ask(program, "breakeven", "parameter=prices.offload")
    expect(len(wanted) > 3, "the case says nothing")
    found = [(row["others"]["tiers.device.nodes"], row["at"], row["at_half_width"],
              (row["below"], row["below_parameters"][f"policy.{row['below']}.theta"]),
              (row["above"], row["above_parameters"][f"policy.{row['above']}.theta"]))
             for row in rows]
    expect_equal(len(found), len(wanted), "changes")
    for row, direct in zip(sorted(found), sorted(wanted)):
        expect_equal((row[0], row[3], row[4]), (direct[0], direct[3], direct[4]), "policies")
        expect(close(row[1], direct[1]) and close(row[2], direct[2]), f"{row}, not {direct}")
    expect(all(row["between_low"] <= row["at"] <= row["between_high"] for row in rows), "outside")
    expect_equal(ask(program, "breakeven", "parameter=nothing"), [], "another parameter")


def breakeven_of_a_sweep(program):
    """Offloading everything costs its price more than its errors, so that it meets `local` at the
    price that is the difference of their errors."""
    program.run("sweep", program.scenario("hi-digits"), *SMALL, "--set",
                "policy=[local, full_offload]", "--set", "prices.offload=range(0.05,0.25,0.1)")
    errors = {}
    for row in ask(program, "tradeoffs"):
        errors[row["policy"]] = 1 - row["accuracy"]
    rows = ask(program, "breakeven", "parameter=prices.offload")
    expect_equal([(row["below"], row["above"], row["between_low"], row["between_high"])
                  for row in rows], [("full_offload", "local", 0.05, 0.15)], "change")
    wanted = errors["local"] - errors["full_offload"]
    expect(close(rows[0]["at"], wanted), f"{rows[0]}, not {wanted}")


def parameters_have_types(program):
    program.run("sweep", program.scenario("hi-digits"), *SMALL, "--set", "prices.offload=0.25,1",
                "--set", "links.device-edge.delay=1 ms,{exponential: 2 ms}", "--set",
                "policy=[{random: {p: 0.5}}, {hi_threshold: {theta: [0.5]}}]")
    sql = "SELECT DISTINCT path, typeof(value) AS type, value FROM parameters"
    rows = json.loads(program.run("query", sql, "--format", "json").stdout)
    found = {(row["path"].split(".")[-1], row["type"], row["value"]) for row in rows}
    for wanted in (("offload", "real", 0.25), ("offload", "integer", 1), ("delay", "real", 0.001),
                   ("delay", "text", "{exponential: 2 ms}"), ("theta", "text", "[0.5]"),
                   ("p", "real", 0.5)):
        expect(wanted in found, f"{wanted} is not in {found}")


def diff(program):
    points = {p["id"]: p for p in sweep(program)}
    a = points[1]
    for other in range(9, 600, 40):
        b = points[other]
        rows = {row["metric"]: row
                for row in ask(program, "diff", "of=points", "a=1", f"b={other}")}
        expect_equal(len(rows), len(big_database.METRICS), "metrics")
        for name, row in rows.items():
            expect(close(row["difference"], b[name][0] - a[name][0]), f"difference: {row}")
            sure = abs(b[name][0] - a[name][0]) > a[name][1] + b[name][1]
            expect_equal(row["is_sure"], int(sure), f"is_sure of {name}")
    rows = ask(program, "diff", "a=1", "b=1", "metrics=accuracy")
    expect_equal(len(rows), POINTS, "points of the experiment")
    expect_equal({row["difference"] for row in rows}, {0}, "difference to itself")


def diff_of_experiments(program):
    """Twins are found wherever they are; of several, those at the same place belong together."""
    sweep(program)
    database = sqlite3.connect(program.folder / "offloadsim.db")
    # The second experiment has the points in reverse, without the first of them, and each metric
    # larger by 1; points 8 and 9 are twins of each other in both.
    database.executescript("""
        INSERT INTO experiments SELECT 2, scenario, about, path, command, scenario_json,
            scenario_hash, seed, version, host, started_at, wall_s, status, kind, sweep_json
            FROM experiments;
        UPDATE points SET (policy, parameters_json) =
            (SELECT policy, parameters_json FROM points WHERE id = 8) WHERE id = 9;
        INSERT INTO points SELECT id + 1000, 2, iif(id IN (8, 9), ordinal, 600 - ordinal), policy,
            is_oracle, uses_prices, parameters_json, scenario_json, hash, replications, verdict,
            is_complete, simulation_hash, coalesce(source_id, id), units, stopped FROM points
            WHERE id NOT IN (1, 593, 594);
        INSERT INTO estimates SELECT point_id + 1000, metric_id, mean + 1, half_width, confidence,
            replications, low + 1, high + 1, variance_ratio FROM estimates
            WHERE point_id NOT IN (1, 593, 594);""")
    database.commit()
    means = dict(database.execute("SELECT point_id, mean FROM estimates WHERE metric_id = 1"))
    ids = [row[0] for row in database.execute(
        "SELECT id FROM points WHERE experiment_id = 1 AND id NOT IN (1, 593, 594)"
        " ORDER BY ordinal")]
    database.close()
    rows = ask(program, "diff", "a=1", "b=2", "metrics=accuracy")
    expect_equal(len(rows), len(ids), "pairs")
    for number, row in zip(ids, rows):
        expect_equal((row["a"], row["b"]), (means[number], means[number + 1000]),
                     f"pair of point {number}")
    expect_equal(ask(program, "diff", "a=1", "b=3"), [], "an experiment that is not there")
    expect_equal(ask(program, "diff", "a=1", "b=2", "of=else"), [], "of something else")


def reprice(program):
    points = {p["point"]: p for p in sweep(program)}
    rows = ask(program, "reprice", "counter=offloads.device-edge", "price=0.25")
    expect_equal(len(rows), POINTS - 1, "points that are complete")
    for row in rows:
        point = points[row["point"]]
        if point["policy"] == "dimee":
            expect_equal((row["cost_after"], row["remark"]),
                         (None, "decisions depend on prices: run it again"), "refused")
            continue
        before = point["parameters"]["prices.offload"]
        wanted = point["cost_mean"][0] + (0.25 - before) * point["offload_fraction"][0]
        expect_equal((row["price_before"], row["price_after"]), (before, 0.25), "prices")
        expect(close(row["cost_after"], wanted), f"{row}, not {wanted}")


def reprice_agrees_with_a_run(program):
    for price in ("0.3", "0.7"):
        program.run("run", program.scenario("hi-digits"), *SMALL, "--set",
                    f"prices.offload={price}")
    after = ask(program, "reprice", "experiment=1", "counter=offloads.device-edge", "price=0.7")
    again = ask(program, "tradeoffs", "experiment=2")
    for repriced, row in zip(after, again):
        expect(close(repriced["cost_after"], row["cost_mean"]), f"{repriced}, not {row}")


# ---- many rows ----

COUNT = ("WITH RECURSIVE count(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM count WHERE i < {rows})"
         " SELECT {columns} FROM count")


def only_tables_are_cut(program):
    """A table for people ends after 1000 rows and says so; what programs read is whole."""
    program.run("run", program.scenario("mm1"), *SMALL)
    sql = COUNT.format(rows=3000, columns="i, i / 7.0 AS x, 'row, ' || i AS name, NULL AS none")
    wanted = [(i, i / 7, f"row, {i}") for i in range(1, 3001)]
    done = program.run("query", sql, "--format", "csv")
    rows = [(int(row["i"]), float(row["x"]), row["name"])
            for row in csv.DictReader(done.stdout.splitlines(), strict=True)]
    expect_equal(rows, wanted, "csv")
    expect_equal(done.stderr, "", "csv: remark")
    done = program.run("query", sql, "--format", "json")
    rows = [(row["i"], row["x"], row["name"]) for row in json.loads(done.stdout)]
    expect_equal(rows, wanted, "json")
    expect_equal(done.stderr, "", "json: remark")
    done = program.run("query", sql, "--format", "md")
    expect_equal((len(done.stdout.splitlines()), done.stderr), (3002, ""), "md")
    remark = "only the first {} rows; ask for more with --limit\n"
    for words, shown in ([], 1000), (["--limit", "2500"], 2500):
        done = program.run("query", sql, *words)
        lines = done.stdout.splitlines()
        expect_equal(len(lines), shown + 2, f"lines of a table, {words}")
        expect_in(f"row, {shown}", lines[-1], "last row")
        expect_equal(done.stderr, remark.format(shown), f"remark, {words}")
    done = program.run("query", sql, "--limit", "5000")
    expect_equal((len(done.stdout.splitlines()), done.stderr), (3002, ""), "a table of all")
    for form in "csv", "json":
        done = program.run("query", sql, "--format", form, "--limit", "1500")
        expect_in("row, 1500", done.stdout, form)
        expect("row, 1501" not in done.stdout, f"{form} goes on")
        expect_equal(done.stderr, remark.format(1500), f"{form}: remark")


def failures_in_the_middle(program):
    """Of a short answer nothing is shown; a long one is printed as far as it went."""
    program.run("run", program.scenario("mm1"), *SMALL)
    for rows, fails_at in (100, 50), (100000, 90000):
        sql = COUNT.format(rows=rows,
                           columns=f"abs(iif(i = {fails_at}, -9223372036854775808, i)) AS i")
        for form in "csv", "json", "table":
            done = program.run("query", sql, "--format", form, "--limit", "200000", status=2)
            expect_in("in the query: integer overflow", done.stderr, "message")
            lines = done.stdout.splitlines()
            if rows == 100 or form == "table":
                expect_equal(lines, [], f"lines, {form}, {rows} rows")
            else:
                expect(1000 < len(lines) <= fails_at, f"{form}: {len(lines)} lines")
                start, row = {"csv": ("i", "{}"), "json": ("[", ' {{"i": {}}},')}[form]
                rest = lines[1:-1] if form == "json" else lines[1:]
                expect(lines[0] == start and rest == [row.format(i + 1) for i in range(len(rest))],
                       f"{form}: other lines")


def full_disk(program):
    """What cannot be written ends in one message."""
    if not pathlib.Path("/dev/full").exists():
        return
    program.run("run", program.scenario("mm1"), *SMALL)
    sql = COUNT.format(rows=100000, columns="i")
    done = program.shell(f'"$offloadsim" query "{sql}" --format csv > /dev/full')
    expect_equal((done.returncode, done.stderr),
                 (1, "offloadsim: error: cannot write to standard output: No space left on "
                     "device\n"), "status and message")


# ---- the command line ----


def copies_run_anywhere(program):
    """What --explain prints runs in any SQLite shell, parameters and all."""
    sweep(program)
    database = sqlite3.connect(program.folder / "offloadsim.db")
    for row in json.loads(program.run("query", "--format", "json").stdout):
        name = row["query"]
        sql = program.run("query", name, "--explain").stdout
        expect_equal(sql, (program.root / "results" / "queries" / f"{name}.sql").read_text(), name)
        values = dict(word.split("=") for word in big_database.PARAMETERS.get(name, []))
        names = [line.split()[1][1:] for line in sql.splitlines() if line.startswith("-- :")]
        bound = {key: values.get(key) for key in names}
        if "price" in bound:
            bound["price"] = float(bound["price"])
        found = database.execute(sql, bound).fetchall()
        rows = ask(program, name, *big_database.PARAMETERS.get(name, []))
        expect_equal(len(found), len(rows), f"rows of {name}")


MISTAKES = [
    (["best", "--param", "acuracy=1"], "unknown parameter 'acuracy'; did you mean 'accuracy'?"),
    (["breakeven"], "the parameter 'parameter' needs a value; the query takes, each as --param "
                    "NAME=VALUE:\n    experiment "),
    (["diff", "--param", "a=1"], "the parameter 'b' needs a value"),
    (["runs", "--param", "x=1"], "unknown parameter 'x'; the query has none"),
    (["runs", "--param", "x"], "'--param x': write --param NAME=VALUE"),
    (["runs", "--param", "=x"], "'--param =x': write --param NAME=VALUE"),
    (["SELECT :x AS x"], "the parameter 'x' needs a value"),
    (["pareto", "--param", "metrics=\""], "malformed JSON"),
]


def mistake(words, message):
    def case(program):
        program.run("run", program.scenario("hi-digits"), *SMALL)
        done = program.run("query", *words, status=2)
        expect_equal(done.stdout, "", "standard output")
        expect_in(message, done.stderr, "message")

    return case


def own_parameters(program):
    program.run("run", program.scenario("hi-digits"), *SMALL)
    done = program.run("query", "SELECT policy FROM points WHERE ordinal = :n", "-p", "n=1",
                       "--format", "json")
    expect_equal(json.loads(done.stdout), [{"policy": "hi_threshold"}], "rows")


# ---- export and merge ----


def read_csv(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def exports(program):
    program.run("run", program.scenario("hi-digits"), *SMALL)
    points = ask(program, "tradeoffs")
    done = program.run("export")
    expect_in("experiment 1 is in the folder experiment-1", done.stderr, "remark")
    folder = program.folder / "experiment-1"
    rows = read_csv(folder / "points.csv")
    expect_equal([row["policy"] for row in rows], [p["policy"] for p in points], "policies")
    expect_equal([float(row["cost_mean"]) for row in rows], [p["cost_mean"] for p in points],
                 "cost_mean")
    dictionary = {(row["part"], row["column"]) for row in read_csv(folder / "dictionary.csv")}
    whole = json.loads(program.run("export", "--format", "json", "--experiment", "1").stdout)
    for part, found in whole.items():
        if part in ("dictionary", "samples"):
            continue
        expect_equal(len(found), len(read_csv(folder / f"{part}.csv")), f"rows of {part}")
        missing = [column for column in found[0] if (part, column) not in dictionary]
        expect_equal(missing, [], f"columns of {part} without a meaning")
    columns = {(part, column) for part, found in whole.items() if found for column in found[0]}
    expect_equal([entry for entry in dictionary - columns if entry[0] != "samples"], [],
                 "meanings without a column")
    program.run("export", "--format", "json", "--output", "one.json")
    expect_equal(json.loads((program.folder / "one.json").read_text()), whole, "one.json")


def export_mistakes(program):
    program.run("run", program.scenario("hi-digits"), *SMALL)
    for words, message in ((["--experiment", "9"], "there is no experiment 9"),
                           (["--format", "md"], "an export is 'csv' or 'json'"),
                           (["--output", "no/where"], "cannot write 'no/where'"),
                           (["--format", "json", "--output", "no/x"], "cannot write 'no/x'"),
                           (["--db", "none.db"], "there is no such file")):
        expect_in(message, program.run("export", *words, status=2).stderr, "message")


def merges(program):
    program.run("run", program.scenario("hi-digits"), *SMALL, "--db", "a.db")
    program.run("run", program.scenario("mm1"), *SMALL, "--db", "b.db")
    done = program.run("merge", "b.db", "--db", "a.db")
    expect_in("added 1 experiments, 1 points, 3 replications and 0 samples to a.db", done.stderr,
              "remark")
    rows = json.loads(program.run("query", "runs", "--db", "a.db", "--format", "json").stdout)
    expect_equal([(row["scenario"], row["replications"]) for row in rows],
                 [("hi-digits", 12), ("mm1", 3)], "runs")
    done = program.run("merge", "b.db", "--db", "a.db")
    expect_in("added 0 experiments, 0 points, 0 replications", done.stderr, "again")
    (program.folder / "notes.db").write_bytes(b"these are my notes\n" * 100)
    for other in ("notes.db", "none.db", "a.db"):
        program.run("merge", other, "--db", "a.db", status=2)


CASES = (
    [("pareto", pareto([("accuracy", -1), ("cost_mean", 1), ("latency_mean_s", 1)])),
     ("pareto of two metrics", pareto([("accuracy", -1), ("latency_p99_s", 1)],
                                      "accuracy:max, latency_p99_s:min")),
     ("pareto of four metrics",
      pareto([("accuracy", -1), ("cost_mean", 1), ("device_energy_mean_j", 1),
              ("throughput_per_s", -1)],
             "accuracy:max,cost_mean:min,device_energy_mean_j:min,throughput_per_s:max")),
     ("best", best), ("sensitivity", sensitivity), ("breakeven", breakeven),
     ("breakeven of a sweep", breakeven_of_a_sweep), ("types of parameters", parameters_have_types),
     ("diff", diff), ("diff of experiments", diff_of_experiments),
     ("reprice", reprice), ("reprice agrees with a run", reprice_agrees_with_a_run),
     ("queries can be copied", copies_run_anywhere), ("parameters of own SQL", own_parameters)]
    + [("only tables are cut", only_tables_are_cut),
       ("failures in the middle", failures_in_the_middle),
       ("a full disk", full_disk)]
    + [(f"mistake: {' '.join(words)}", mistake(words, message)) for words, message in MISTAKES]
    + [("export", exports), ("export: mistakes", export_mistakes), ("merge", merges)]
)

if __name__ == "__main__":
    sys.exit(main(CASES))
