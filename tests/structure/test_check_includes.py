#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every check of check_includes.py accepts a tidy tree and refuses one with a single fault.

    test_check_includes.py COMPILER     COMPILER builds the objects and compiles headers
"""

import os
import re
import shlex
import subprocess
import sys
import tempfile

CHECKER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "check_includes.py")
MARK = "// SPDX-License-Identifier: GPL-3.0-or-later\n"


def header(guard, body):
    return f"{MARK}#ifndef {guard}\n#define {guard}\n\n{body}\n#endif\n"


TIDY = {
    "sim/base/text.h": header("OFFLOADSIM_BASE_TEXT_H", "struct text;\n"),
    "sim/rng/stream.h": header("OFFLOADSIM_RNG_STREAM_H", '#include "base/text.h"\n'),
    "sim/scenario/read.h": header("OFFLOADSIM_SCENARIO_READ_H", "struct spec;\n"),
    "policies/policy.h": header("OFFLOADSIM_POLICY_H", "#include <stdint.h>\n"),
    "policies/registry.h": header("OFFLOADSIM_POLICY_REGISTRY_H", "struct policy_type;\n"),
    "policies/local.c": MARK + '#include "policies/policy.h"\n\n#include <math.h>\n',
    "policies/plugin.c": MARK + '#include "policies/policy.h"\n\n#include <dlfcn.h>\n',
    "results/store.h": header("OFFLOADSIM_RESULTS_STORE_H", "struct store;\n"),
    "sim/base/text.c": MARK
    + "int text_probe(int i);\n"
    + "static const char *const names[] = {\"a\", \"b\"};\n"
    + "int text_probe(int i)\n{\n    return names[i][0];\n}\n",
}

DIRECTIONS = "includes go down only"
LICENCE = "files state their licence"
GUARD = "headers have their guard"
LINES = "lines are tidy"
UNFINISHED = "nothing is left unfinished"
ALONE = "headers compile alone"
MUTABLE = "no variable outlives a function"

# What is wrong, where, with which text instead, and the check that must say so.
FAULTS = [
    ("base looks up", "sim/base/text.c", '#include "rng/stream.h"\n', DIRECTIONS),
    ("rng reads scenarios", "sim/rng/a.c", '#include "scenario/read.h"\n', DIRECTIONS),
    ("stats draws", "sim/stats/a.c", '#include "rng/stream.h"\n', DIRECTIONS),
    ("model reads YAML", "sim/model/a.c", '#include "scenario/read.h"\n', DIRECTIONS),
    ("model stores", "sim/model/a.c", '#include "results/store.h"\n', DIRECTIONS),
    ("model uses SQLite", "sim/model/a.c", "#include <sqlite3.h>\n", DIRECTIONS),
    ("results knows scenarios", "results/a.c", '#include "scenario/read.h"\n', DIRECTIONS),
    ("a policy looks inside", "policies/a.c", '#include "base/text.h"\n', DIRECTIONS),
    ("a policy knows others", "policies/a.c", '#include "policies/registry.h"\n', DIRECTIONS),
    ("a policy uses POSIX", "policies/a.c", "#include <unistd.h>\n", DIRECTIONS),
    ("a policy opens shared objects", "policies/a.c", "#include <dlfcn.h>\n", DIRECTIONS),
    ("plug-ins use POSIX", "policies/plugin.c", "#include <unistd.h>\n", DIRECTIONS),
    ("policy.h is not alone", "policies/policy.h", '#include "base/text.h"\n', DIRECTIONS),
    ("exp prints tables", "sim/exp/a.c", '#include "cli/table.h"\n', DIRECTIONS),
    ("cli looks into the model", "sim/cli/a.c", '#include "model/station.h"\n', DIRECTIONS),
    ("an unknown room", "sim/extra/a.c", "int a;\n", DIRECTIONS),
    ("spaces in an include", "sim/base/a.c", '  #  include   "rng/stream.h"\n', DIRECTIONS),
    ("no licence", "sim/base/a.c", None, LICENCE),
    ("no licence in a script", "scripts/a", None, LICENCE),
    ("no guard", "sim/base/a.h", "struct a;\n", GUARD),
    ("another's guard", "sim/base/a.h", "#ifndef A_H\n#define A_H\n#endif\n", GUARD),
    ("a guard left open", "sim/base/a.h",
     "#ifndef OFFLOADSIM_BASE_A_H\n#define OFFLOADSIM_BASE_A_H\n#endif\nint a;\n", GUARD),
    ("a tab", "sim/base/a.c", "\tint a;\n", LINES),
    ("a space at the end", "sim/base/a.c", "int a; \n", LINES),
    ("101 columns", "sim/base/a.c", "// " + 98 * "x" + "\n", LINES),
    ("no newline at the end", "sim/base/a.c", "int a;", LINES),
    ("work left to do", "sim/base/a.c", "// to" "do: more\n", UNFINISHED),
    ("work left to repair", "results/a.sql", "-- FIX" "ME\n", UNFINISHED),
    ("a header that needs another", "sim/base/a.h",
     header("OFFLOADSIM_BASE_A_H", "static inline size_t a(void)\n{\n    return 0;\n}\n"), ALONE),
    ("a global variable", "sim/base/text.c", "int counter = 3;\n", MUTABLE),
    ("a zeroed variable", "sim/base/text.c",
     "static int counter;\nint count(void);\nint count(void)\n{\n    return counter++;\n}\n",
     MUTABLE),
    ("a variable inside a function", "sim/base/text.c",
     "int count(void);\nint count(void)\n{\n    static int n = 7;\n    return n++;\n}\n", MUTABLE),
    ("a table that could be changed", "sim/base/text.c",
     "const char *names[] = {\"a\", \"b\"};\n", MUTABLE),
    ("a variable of each thread", "sim/base/text.c",
     "_Thread_local int mine = 3;\n", MUTABLE),
]


def write(root, tree):
    for path, text in tree.items():
        os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
        with open(os.path.join(root, path), "w", encoding="utf-8") as file:
            file.write(text)


def run_checker(tree, check, compiler):
    """The names of the checks that fail on this tree, and the whole output."""
    with tempfile.TemporaryDirectory() as root:
        write(root, tree)
        command = [sys.executable, CHECKER, root]
        if check in (None, ALONE):
            command += ["--compiler", compiler]
        if check in (None, MUTABLE):
            library = os.path.join(root, "libbase.a")
            object_file = os.path.join(root, "text.c.o")
            source = os.path.join(root, "sim/base/text.c")
            subprocess.run(
                shlex.split(compiler) + ["-fPIE", "-O2", "-c", source, "-o", object_file],
                check=True,
            )
            subprocess.run(["ar", "rc", library, object_file], check=True)
            command += ["--library", "base=" + library]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        failed = re.findall(r"^not ok \d+ - (.*)$", run.stdout, re.MULTILINE)
        consistent = run.returncode == (1 if failed else 0)
        return failed if consistent else ["wrong exit status"], run.stdout + run.stderr


def main():
    compiler = sys.argv[1]
    print(f"1..{len(FAULTS) + 1}")
    status = 0
    cases = [("a tidy tree", None, None, None)] + FAULTS
    for number, (name, path, text, check) in enumerate(cases, 1):
        tree = dict(TIDY)
        if check == LICENCE:
            tree[path] = "#!/bin/sh\n" if path.startswith("scripts/") else "int a;\n"
        elif path:
            mark = MARK.replace("//", "--") if path.endswith(".sql") else MARK
            tree[path] = text if text.startswith(MARK) else mark + text
        failed, output = run_checker(tree, check, compiler)
        # A fault may cost more than one check; what counts is that the right one sees it.
        passed = check in failed if check else not failed
        status = status if passed else 1
        print(f"{'ok' if passed else 'not ok'} {number} - {name}")
        if not passed:
            print(output, file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
