# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of what was measured, for people, and docs/benchmarks.md with its figures.

The page is written by hand but for parts between `<!-- figures: GROUP -->` and `<!-- end -->`,
which are written anew when that group is measured. Each says where and of which commit it was.
"""

import os
import pathlib
import platform
import re
import subprocess

from figure import draw
from growth import Curve
from measuring import ROOT

PAGE = ROOT / "docs" / "benchmarks.md"
FIGURES = ROOT / "docs" / "figures"


def number(value):
    """Three digits that count."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 1 else f"{value:.{2 if abs(value) < 10 else 1}f}"


def goal_cells(row):
    if not row.goal:
        return "", ""
    side, bound = row.goal
    met = {True: "met", False: "missed", None: ""}[row.is_met()]
    return f"at {side} {bound:,}", met


def lines_of(results):
    """Header and lines of the table of a group."""
    if isinstance(results[0], Curve):
        curve = results[0]
        return curve.columns, [[number(value) for value in line] for line in curve.lines]
    lines = []
    for row in results:
        if row.values:
            lines.append([row.what, number(row.median()), number(min(row.values)),
                          number(max(row.values)), row.unit, *goal_cells(row), row.note])
        else:
            lines.append([row.what, *[""] * 6, row.note])
    return ["what", "median", "least", "most", "unit", "goal", "", "remark"], lines


def as_text(name, results):
    """A table for a terminal."""
    header, lines = lines_of(results)
    widths = [max(len(line[i]) for line in [header, *lines]) for i in range(len(header))]
    right = isinstance(results[0], Curve)
    text = [f"{name}"]
    for line in (header, *lines):
        cells = [cell.rjust(width) if right or 1 <= i <= 3 else cell.ljust(width)
                 for i, (cell, width) in enumerate(zip(line, widths))]
        text.append(("  " + "  ".join(cells)).rstrip())
    return "\n".join(text) + "\n"


def as_markdown(results):
    header, lines = lines_of(results)
    used = [i for i in range(len(header)) if any(line[i] for line in lines)]
    right = isinstance(results[0], Curve)
    rule = ["---:" if right or 1 <= i <= 3 else "---" for i in range(len(header))]
    return "\n".join("| " + " | ".join(line[i] for i in used) + " |"
                     for line in (header, rule, *lines))


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return re.sub(r"\s+", " ", line.split(":", 1)[1].strip())
    return platform.machine()


def where(is_quick):
    commit = subprocess.run(["git", "rev-parse", "--short=10", "HEAD"], cwd=ROOT, check=True,
                            text=True, stdout=subprocess.PIPE).stdout.strip()
    if subprocess.run(["git", "diff", "--quiet", "HEAD", "--", ".", ":!docs"], cwd=ROOT,
                      check=False).returncode != 0:
        commit += " with changes"
    compiler = subprocess.run(["cc", "--version"], check=True, text=True,
                              stdout=subprocess.PIPE).stdout.splitlines()[0]
    quick = " In quick mode." if is_quick else ""
    return (f"Measured at commit {commit} on {processor()}, {os.cpu_count()} cores, with"
            f" {compiler}.{quick}")


def replaced(text, name, part):
    """The page with another part of this name."""
    start, end = f"<!-- figures: {name} -->\n", "<!-- end -->"
    head, found, rest = text.partition(start)
    if not found:
        raise SystemExit(f"bench: {PAGE} has no part {start.strip()}")
    return f"{head}{start}\n{part}\n{end}{rest.partition(end)[2]}"


def write_page(found, is_quick):
    text = PAGE.read_text(encoding="utf-8")
    for name, results in found.items():
        part = as_markdown(results)
        if isinstance(results[0], Curve):
            FIGURES.mkdir(exist_ok=True)
            (FIGURES / f"{name}.svg").write_text(draw(results[0]), encoding="utf-8")
            part += f"\n\n![{results[0].unit} against {results[0].name}](figures/{name}.svg)"
        text = replaced(text, name, f"{part}\n\n{where(is_quick)}\n")
    PAGE.write_text(text, encoding="utf-8")
