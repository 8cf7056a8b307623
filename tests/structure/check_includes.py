#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check what the compiler does not: who includes whom, and the habits of all files.

    check_includes.py --print               the table of who may include whom, in Markdown
    check_includes.py ROOT [options]        check a source tree; one line a check, as TAP

    --compiler COMMAND      C compiler, to compile each header alone; left out, none is compiled
    --include FOLDER        where generated headers lie; may be repeated
    --library ROOM=FILE     static library of a room, to look for mutable variables; may be repeated
"""

import argparse
import concurrent.futures
import fnmatch
import os
import re
import shlex
import subprocess
import sys
import tempfile

# Who may include whom. A room is a folder; it may include its own headers, those that match its
# patterns, the C library, and the other libraries that are named. "policies" is stricter than the
# rest: see POLICY_FILES.
RULES = {
    # room: (patterns of project headers, patterns of library headers)
    "base": ([], ["Random123/*"]),
    "rng": (["base/*"], ["gsl/*", "Random123/*"]),
    "stats": (["base/*"], ["gsl/*"]),
    "core": (["base/*"], []),
    "policies": (["policies/policy.h"], []),
    "scenario": (
        ["base/*", "rng/*", "policies/policy.h", "policies/registry.h"],
        ["gsl/*", "yaml.h"],  # Sobol sequences; YAML
    ),
    "model": (
        [
            "base/*",
            "rng/*",
            "stats/*",
            "core/*",
            "scenario/spec.h",
            "scenario/profile.h",
            "scenario/trace.h",
            "policies/policy.h",
        ],
        [],
    ),
    "results": (["base/*"], ["sqlite3.h"]),
    "exp": (
        [
            "base/*",
            "rng/*",
            "stats/*",
            "model/*",
            "scenario/*",
            "results/*",
            "policies/policy.h",
            "policies/registry.h",
        ],
        ["pthread.h"],
    ),
    "cli": (
        [
            "base/*",
            "exp/*",
            "results/*",
            "scenario/*",
            "policies/policy.h",
            "policies/plugin.h",
            "policies/registry.h",
            "model/metrics.h",
            "model/world.h",
        ],
        # GSL must not end the program; signal masks; versions of libraries.
        ["gsl/gsl_errno.h", "gsl/gsl_version.h", "pthread.h", "sqlite3.h", "yaml.h"],
    ),
}

# A policy sees policy.h and the C library and nothing else, so that it can be read, tested and
# replaced alone. Only the registry knows of the registry, and only plugin.c of shared objects.
POLICY_FILES = {
    "policies/policy.h": [],
    "policies/plugin.h": [],
    "policies/plugin.c": ["policies/plugin.h", "policies/policy.h"],
    "policies/registry.h": [],
    "policies/registry.c": ["policies/policy.h", "policies/registry.h"],
}

POLICY_LIBRARIES = {"policies/plugin.c": ["dlfcn.h", "link.h"]}

SYSTEM_HEADERS = set(
    # C11
    "assert ctype errno float inttypes limits locale math setjmp signal stdalign stdarg stdatomic "
    "stdbool stddef stdint stdio stdlib stdnoreturn string time "
    # POSIX.1-2008
    "dirent fcntl langinfo poll regex strings sys/ioctl sys/mman sys/resource sys/stat "
    "sys/time sys/types sys/utsname sys/wait termios unistd".split()
)
C_HEADERS = set(
    "assert ctype errno float inttypes limits math stdarg stdbool stddef stdint stdio stdlib "
    "string".split()
)

# Folders and files whose text is the project's own writing.
WRITTEN = (".c", ".h", ".in", ".py", ".sql", ".build", ".sh")
WRITTEN_NAMES = ("meson_options.txt", ".clang-format")
SKIPPED_FOLDERS = (".git", "build", "__pycache__", "data", "golden", "corpus")
MARK = "SPDX-License-Identifier: GPL-3.0-or-later"
LONGEST_LINE = 100
# Split, so that this file does not find itself.
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b", re.IGNORECASE)

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)


def room_of(path):
    """The room that a source file belongs to; None outside of the program."""
    parts = path.split("/")
    if parts[0] == "sim" and len(parts) == 3:
        return parts[1]
    if parts[0] in ("policies", "results") and len(parts) == 2:
        return parts[0]
    return None


def print_table():
    print("| room | may include | libraries |")
    print("|---|---|---|")
    for room, (headers, libraries) in RULES.items():
        shown = ", ".join(f"`{h}`" for h in headers) or "nothing else"
        print(f"| {room} | {shown} | {', '.join(f'`{l}`' for l in libraries)} |")


def find_files(root):
    """Paths, relative to the root, of all files that people wrote."""
    found = []
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(
            name
            for name in folders
            if name not in SKIPPED_FOLDERS
            and not os.path.exists(os.path.join(folder, name, "meson-private"))
        )
        for name in sorted(files):
            path = os.path.relpath(os.path.join(folder, name), root)
            if is_written(root, path):
                found.append(path)
    return found


def is_written(root, path):
    name = os.path.basename(path)
    if name.endswith(WRITTEN) or name in WRITTEN_NAMES:
        return True
    if path.startswith("scenarios/") and name.endswith(".yaml"):
        return True
    if "." in name.lstrip("."):
        return False
    try:  # a script without a suffix
        with open(os.path.join(root, path), "rb") as file:
            return file.read(2) == b"#!"
    except OSError:
        return False


def matches(name, patterns):
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def check_include(room, path, project, system):
    """A reason why this include is wrong, or None."""
    if system:
        if room == "policies":
            allowed = system.endswith(".h") and system[:-2] in C_HEADERS
            allowed = allowed or system in POLICY_LIBRARIES.get(path, [])
        else:
            allowed = system.endswith(".h") and system[:-2] in SYSTEM_HEADERS
        if allowed or matches(system, RULES[room][1]):
            return None
        return f"<{system}> is not for {room}"
    if path in POLICY_FILES:
        allowed = POLICY_FILES[path]
    elif room == "policies":
        allowed = RULES[room][0]
    else:
        allowed = RULES[room][0] + [room + "/*"]
    if matches(project, allowed):
        return None
    return f'"{project}" is not for {"this file" if room == "policies" else room}'


def includes_go_down(tree):
    for path, text in tree.items():
        room = room_of(path)
        if not path.endswith((".c", ".h", ".h.in")):
            continue
        if path.startswith("sim/") and room not in RULES:
            yield f"{path}: the folder has no rule"
            continue
        if room is None:
            continue
        for match in INCLUDE.finditer(text):
            reason = check_include(room, path, match.group(1), match.group(2))
            if reason:
                line = text.count("\n", 0, match.end()) + 1
                yield f"{path}:{line}: {reason}"


def files_have_a_licence(tree):
    for path, text in tree.items():
        if MARK not in "\n".join(text.split("\n", 3)[:3]):
            yield f"{path}: no '{MARK}' in the first three lines"


def guard_of(path):
    parts = re.sub(r"\.h(\.in)?$", "", path).split("/")
    if parts[0] == "sim":
        parts = parts[1:]
    elif parts[0] == "policies":  # policy.h is read by people outside: OFFLOADSIM_POLICY_H
        parts = parts[1:] if parts[1] == "policy" else ["policy"] + parts[1:]
    elif parts[0] == "tests":
        parts = ["tests", parts[-1]]
    return "OFFLOADSIM_" + re.sub(r"\W", "_", "_".join(parts)).upper() + "_H"


def headers_have_a_guard(tree):
    for path, text in tree.items():
        if path.endswith((".h", ".h.in")):
            guard = guard_of(path)
            lines = [line for line in text.splitlines() if not line.startswith("//")]
            if lines[:2] != [f"#ifndef {guard}", f"#define {guard}"]:
                yield f"{path}: does not open with the guard {guard}"
            elif lines[-1] != "#endif":
                yield f"{path}: does not end with #endif"


def lines_are_tidy(tree):
    for path, text in tree.items():
        if text and not text.endswith("\n"):
            yield f"{path}: no newline at the end"
        for number, line in enumerate(text.splitlines(), 1):
            # The rules of a Debian package are a makefile, in which a tab begins a command.
            if "\t" in line and not (path.endswith("/rules") and line.startswith("\t")):
                yield f"{path}:{number}: a tab"
            if line != line.rstrip():
                yield f"{path}:{number}: spaces at the end"
            if len(line) > LONGEST_LINE:
                yield f"{path}:{number}: {len(line)} columns"


def nothing_is_unfinished(tree):
    for path, text in tree.items():
        for number, line in enumerate(text.splitlines(), 1):
            match = UNFINISHED.search(line)
            if match:
                yield f"{path}:{number}: '{match.group(0)}'"


def headers_compile_alone(tree, root, compiler, include_folders):
    command = shlex.split(compiler) + (
        "-std=c11 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Werror".split()
    )
    for folder in (root, os.path.join(root, "sim"), *include_folders):
        command += ["-I", folder]

    def compile_one(path):
        # Twice, which also tries the guard.
        text = f'#include "{path}"\n#include "{path}"\nint dummy;\n'
        with tempfile.TemporaryDirectory() as folder:
            source = os.path.join(folder, "alone.c")
            with open(source, "w", encoding="utf-8") as file:
                file.write(text)
            run = subprocess.run(
                command + ["-fsyntax-only", source], capture_output=True, text=True, check=False
            )
        if run.returncode:
            return [f"{path}: {line}" for line in run.stderr.splitlines()[:5]]
        return []

    headers = [path for path in tree if path.endswith(".h")]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for problems in pool.map(compile_one, headers):
            yield from problems


# Sections of objects that the program could write to. `.data.rel.ro` is constant once addresses are
# filled in.
WRITABLE = re.compile(r"^(\*COM\*|\.(data|bss|tdata|tbss)(?!\.rel\.ro)\b.*)$")
# What a compiler's instruments add.
INSTRUMENTS = re.compile(r"^(__odr_asan|___asan|__asan|__gcov|__llvm|__sancov|__profd|__profc|\.)")
SYMBOL = re.compile(r"^[0-9a-f]+ (.{7}) (\S+)\s+([0-9a-f]+)\s+(?:\.hidden )?(\S+)$")


def nothing_is_mutable(libraries):
    for room, library in libraries:
        run = subprocess.run(
            ["objdump", "-t", library], capture_output=True, text=True, check=False
        )
        if run.returncode:
            yield f"{room}: {run.stderr.strip()}"
            continue
        symbols = 0
        member = library
        for line in run.stdout.splitlines():
            if ":     file format" in line:
                member = line.split(":")[0]
                continue
            match = SYMBOL.match(line)
            if not match:
                continue
            symbols += 1
            flags, section, size, name = match.groups()
            if "d" in flags or int(size, 16) == 0 or INSTRUMENTS.match(name):
                continue
            if WRITABLE.match(section):
                yield f"{room}: {os.path.basename(member)}: '{name}' is a variable in {section}"
        if not symbols:
            yield f"{room}: {library} has no symbols"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("root", nargs="?")
    parser.add_argument("--print", action="store_true")
    parser.add_argument("--compiler")
    parser.add_argument("--include", action="append", default=[])
    parser.add_argument("--library", action="append", default=[])
    options = parser.parse_args()
    if options.print:
        print_table()
        return 0
    if not options.root:
        parser.error("no ROOT given")

    tree = {}
    for path in find_files(options.root):
        with open(os.path.join(options.root, path), encoding="utf-8") as file:
            tree[path] = file.read()
    checks = [
        ("there are files to check", [] if tree else ["no file found"]),
        ("includes go down only", includes_go_down(tree)),
        ("files state their licence", files_have_a_licence(tree)),
        ("headers have their guard", headers_have_a_guard(tree)),
        ("lines are tidy", lines_are_tidy(tree)),
        ("nothing is left unfinished", nothing_is_unfinished(tree)),
    ]
    if options.compiler:
        problems = headers_compile_alone(tree, options.root, options.compiler, options.include)
        checks.append(("headers compile alone", problems))
    if options.library:
        libraries = [library.split("=", 1) for library in options.library]
        checks.append(("no variable outlives a function", nothing_is_mutable(libraries)))

    print(f"1..{len(checks)}")
    failed = 0
    for number, (name, problems) in enumerate(checks, 1):
        problems = list(problems)
        failed += bool(problems)
        print(f"{'not ok' if problems else 'ok'} {number} - {name}")
        for problem in problems:
            print(problem, file=sys.stderr)  # which Meson shows, unlike comments in TAP
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
