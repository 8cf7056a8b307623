#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command `fit`: what it writes, what it says, and what it refuses.

usage: commands.py OFFLOADSIM ROOT
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "cli"))

from harness import expect, expect_equal, expect_in, main  # noqa: E402

ABOUT = "outcomes of eight exits on handwritten digits"


def digits(program):
    return str(program.root / "scenarios" / "data" / "digits.csv")


def without_comments(text):
    return [line for line in text.splitlines() if not line.startswith("#")]


def rows(count, exits=("a", "b"), broken=None):
    """A trace of simple outcomes; `broken` may change the cells of a row."""
    lines = [",".join(f"{name}_conf,{name}_ok" for name in exits)]
    for i in range(count):
        cells = {}
        for k, name in enumerate(exits):
            cells[f"{name}_conf"] = f"{((i * 7 + k * 3) % 97) / 97:.4f}"
            cells[f"{name}_ok"] = str(int((i * 3 + k) % 10 < 7))
        if broken:
            broken(i, cells)
        lines.append(",".join(cells.values()))
    return "\n".join(lines) + "\n"


def trace(program, text):
    (program.folder / "trace.csv").write_text(text)
    return "trace.csv"


def refused(text, message, *options):
    def case(program):
        done = program.run("fit", trace(program, text), *options, status=2)
        expect_equal(done.stdout, "", "standard output")
        expect_in(message, done.stderr, "standard error")

    return case


# ---- what it writes ----


def shipped_digits(program):
    """The file that is shipped is what the command in its comment makes."""
    program.run("fit", digits(program), "--about", ABOUT, "--output", "digits.yaml", "--quiet")
    made = (program.folder / "digits.yaml").read_text()
    shipped = (program.root / "scenarios" / "models" / "digits.yaml").read_text()
    expect_equal(without_comments(made), without_comments(shipped), "parameters")
    figures = [line for line in made.splitlines() if line.startswith("# ")]
    expect(figures[-4:] == [l for l in shipped.splitlines() if l.startswith("# ")][-4:],
           "the figures of the hold-out check differ")


def output_is_a_generator(program):
    """What is written to standard output can be run."""
    done = program.run("fit", digits(program), "--exit", "s=s_conf,s_ok", "--exit",
                       "l=l_conf,l_ok,l_pred", "--features", "f1,f3", "--quiet")
    expect_equal(done.stderr, "", "standard error")
    (program.folder / "made.yaml").write_text(done.stdout)
    (program.folder / "run.yaml").write_text("""\
scenario: made
stop: {samples: 2000}
replications: 2
samples: {generated: made.yaml, features: [f3]}
models: {small: {exits: {end: {outcome: s}}}, large: {exits: {end: {outcome: l}}}}
tiers:
  - {name: device, arrivals: {poisson: 2 /s}, compute: {time: {small: 1 ms, large: 9 ms}}}
policy: [{local: {model: small}}, {local: {model: large}}]
""")
    table = program.run("run", "run.yaml", "--no-store", "--format", "csv").stdout
    means = [line.split(",") for line in table.splitlines()]
    accuracy = [float(cells[means[0].index("mean")]) for cells in means
                if "accuracy" in cells and cells[0] == "local"]
    expect(len(accuracy) == 2, table)
    expect(abs(accuracy[0] - 0.8609) < 0.03 and abs(accuracy[1] - 0.9911) < 0.01, table)


def report(program):
    done = program.run("fit", digits(program), "--output", "digits.yaml")
    expect_equal(done.stdout, "", "standard output")
    for part in ("A random half of the 1797 samples was fitted",
                 "two confidences", "being right, of two exits",
                 "features separate easy from moderate samples by",
                 "The parameters that are written were fitted to all 1797 samples."):
        expect_in(part, done.stderr, "report")
    lines = [line.split() for line in done.stderr.splitlines()]
    shown = [line for line in lines if line and line[0] in
             ("s", "l", "m1", "m2", "m3", "m4", "m5", "m6") and len(line) == 9]
    expect_equal(len(shown), 8, "exits in the table")
    for line in shown:
        fitted, generated, held_out = (float(word) for word in line[1:4])
        expect(abs(fitted - generated) < 0.004, f"{line[0]}: the fit misses its own half")
        expect(abs(fitted - held_out) < 0.04, f"{line[0]}: the halves differ")
    expect(all(len(line) <= 100 for line in done.stderr.splitlines()), "too wide")


def long_layout(program):
    """The same samples in both layouts give the same parameters."""
    wide = rows(400)
    head, *body = wide.splitlines()
    names = [cell[:-5] for cell in head.split(",")[::2]]
    lines = ["id,which,sure,ok"]
    for number, line in enumerate(body):
        cells = line.split(",")
        for k, name in enumerate(names):
            lines.append(f"{number},{name},{cells[2 * k]},{cells[2 * k + 1]}")
    one = program.run("fit", trace(program, wide), "-q").stdout
    two = program.run("fit", trace(program, "\n".join(lines) + "\n"), "-q", "--long",
                      "sample=id,exit=which,confidence=sure,correct=ok").stdout
    expect_equal(without_comments(two), without_comments(one), "parameters")
    expect_in("exits:\n  a:\n", one, "exits")


def numbered_exits(program):
    """Exits that are numbers come in their order, with a letter before them."""
    lines = ["id,exit,c,p,y"]
    for i in range(200):
        for k in (10, 2, 0):
            lines.append(f"{i},{k},{((i * 7 + k) % 97) / 97:.4f},{(i * 3 + k) % 10 < 7:d},1")
    done = program.run("fit", trace(program, "\n".join(lines) + "\n"), "-q", "--long",
                       "sample=id,exit=exit,confidence=c,prediction=p,label=y")
    exits = [line.strip(" :") for line in done.stdout.splitlines()
             if line.startswith("  e") and line.endswith(":")]
    expect_equal(exits, ["e0", "e2", "e10"], "exits")


def seeds(program):
    """A seed is always the same half; another seed is another one."""
    path = trace(program, rows(300))
    one = program.run("fit", path, "--seed", "4")
    expect_equal(program.run("fit", path, "--seed", "4").stderr, one.stderr, "the same seed")
    expect(program.run("fit", path, "--seed", "5").stderr != one.stderr, "another seed")


def constant_confidence(program):
    """An exit that is always as sure is fitted, and it is said."""
    def broken(_, cells):
        cells["b_conf"] = "0.5"

    done = program.run("fit", trace(program, rows(300, broken=broken)))
    expect_in("remark: exit 'b' is always as confident, 0.5: it correlates with nothing\n",
              done.stderr, "report")
    expect_in("    confidence: [0.5, 0.5,", done.stdout, "parameters")


# ---- what it refuses ----


def always(name, value):
    def broken(_, cells):
        cells[f"{name}_ok"] = value

    return broken


def no_file(program):
    done = program.run("fit", "nowhere.csv", status=2)
    expect_in("nowhere.csv: error: cannot be read: no such file or directory", done.stderr, "error")


def no_place_to_write(program):
    done = program.run("fit", trace(program, rows(200)), "-q", "--output", "no/such/folder.yaml",
                       status=1)
    expect_in("cannot write to 'no/such/folder.yaml': No such file or directory", done.stderr,
              "error")


LONG = "sample=id,exit=e,confidence=c,correct=o"

CASES = [
    ("the shipped digits are what the command makes", shipped_digits),
    ("what is written can be run", output_is_a_generator),
    ("the report tells how well the fit holds", report),
    ("both layouts", long_layout),
    ("exits that are numbers", numbered_exits),
    ("seeds", seeds),
    ("a constant confidence is a remark", constant_confidence),
    ("no file", no_file),
    ("nowhere to write", no_place_to_write),
    ("an empty file", refused("", "trace.csv: error: the file has no header")),
    ("a missing column", refused(
        rows(200), "--exit:1:3: error: trace 'trace.csv' has no column 'a_cof'\n"
        "    1 | a=a_cof,a_ok\n      |   ^~~~~\n  hint: did you mean 'a_conf'?\n",
        "--exit", "a=a_cof,a_ok")),
    ("no exits", refused("x,y\n1,2\n", "no two columns are called X_conf and X_ok")),
    ("an exit without columns", refused(rows(200), "'a' does not tell what an exit says",
                                        "--exit", "a")),
    ("an exit with too many columns", refused(rows(200), "does not tell what an exit says",
                                              "--exit", "a=a_conf,a_ok,a_ok,a_ok")),
    ("the same exit twice", refused(rows(200), "two exits are called 'a'", "--exit",
                                    "a=a_conf,a_ok", "--exit", "a=b_conf,b_ok")),
    ("both layouts at once", refused(rows(200), "'--exit' excludes '--long'", "--exit",
                                     "a=a_conf,a_ok", "--long", LONG)),
    ("a long key that is unknown", refused(rows(200), "did you mean 'confidence'?", "--long",
                                           "sample=id,exit=e,confidense=c,correct=o")),
    ("a long key without column", refused(rows(200), "'exit' names no column", "--long",
                                          "sample=id,exit,confidence=c,correct=o")),
    ("a long key that is missing", refused(rows(200), "'confidence' is missing", "--long",
                                           "sample=id,exit=e,correct=o")),
    ("long without what is right", refused(rows(200), "nothing says which answers are right",
                                           "--long", "sample=id,exit=e,confidence=c")),
    ("a long column that is missing", refused(rows(200), "has no column 'e'", "--long", LONG)),
    ("a feature that is missing", refused(rows(200), "has no column 'f9'", "--features", "f9")),
    ("a label that is missing", refused(rows(200), "has no column 'y'", "--label", "y")),
    ("too few rows", refused(rows(99), "trace.csv: 99 samples are too few to fit anything; give at "
                             "least 100\n")),
    ("all right", refused(rows(200, broken=always("b", "1")),
                          "exit 'b' gives 0 wrong answers to 200 samples; at least 5 are needed")),
    ("all wrong", refused(rows(200, broken=always("a", "0")),
                          "exit 'a' gives 0 right answers to 200 samples; at least 5 are needed")),
    ("a confidence that is none", refused(
        rows(200, broken=lambda i, cells: cells.update(a_conf="1.5") if i == 3 else None),
        "trace.csv:5:1: error: ")),
    ("a seed that is none", refused(rows(200), "'--seed -1': it takes a whole number", "--seed",
                                    "-1")),
]

if __name__ == "__main__":
    sys.exit(main(CASES))
