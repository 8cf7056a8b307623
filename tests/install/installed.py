#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `meson install` puts in place: that it is complete, that it works from there, and that the
manual page and the completions have every command and option.

usage: installed.py OFFLOADSIM ROOT BUILD MESON

What needs a shell or a program that is not there is skipped.
"""

import functools
import json
import os
import pathlib
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time

from harness import Program, expect, expect_equal, expect_in, main

BUILD, MESON = sys.argv[3:5]
PROGRAM = Program(sys.argv[1], sys.argv[2])


@functools.lru_cache(maxsize=None)
def installed():
    """The folder that is / to what is installed, and the prefix in it."""
    folder = tempfile.TemporaryDirectory(prefix="offloadsim-install-")
    subprocess.run([MESON, "install", "-C", BUILD, "--no-rebuild", "--destdir", folder.name],
                   check=True, stdout=subprocess.PIPE, timeout=120)
    options = json.loads(subprocess.run([MESON, "introspect", BUILD, "--buildoptions"], check=True,
                                        stdout=subprocess.PIPE, timeout=120).stdout)
    prefix = {option["name"]: option["value"] for option in options}["prefix"]
    return folder, pathlib.Path(folder.name + prefix)


def output(*command, **options):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=60,
                          **options).stdout


def commands():
    listed = PROGRAM.run("--help").stdout.split("\n\n")[2]
    return re.findall(r"^  (\w+)", listed, re.MULTILINE)


def options_of(command):
    return re.findall(r"^  (?:-(\w),|   ) --([\w-]+)", PROGRAM.run(command, "--help").stdout,
                      re.MULTILINE)


# ---- the files ----


def everything_is_there(program):
    prefix = installed()[1]
    share = prefix / "share"
    for name in ("bin/offloadsim", "include/offloadsim/policy.h", "share/man/man1/offloadsim.1",
                 "share/bash-completion/completions/offloadsim",
                 "share/zsh/site-functions/_offloadsim",
                 "share/fish/vendor_completions.d/offloadsim.fish",
                 "share/doc/offloadsim/README.md",
                 "share/doc/offloadsim/docs/plugin-example/mypolicy.c"):
        expect((prefix / name).is_file(), f"{name} is not installed")
    for folder, there in (("scenarios", share / "offloadsim" / "scenarios"),
                          ("docs", share / "doc" / "offloadsim" / "docs")):
        for file in (program.root / folder).rglob("*"):
            if file.is_file() and not file.name.endswith((".db", ".db-wal", ".db-shm")):
                name = file.relative_to(program.root / folder)
                expect((there / name).is_file(), f"{name} is not installed")
                expect_equal((there / name).read_bytes(), file.read_bytes(), str(name))
    expect(not list(prefix.rglob("*.a")), "a static library is installed")
    expect_in(f".B {share / 'offloadsim' / 'scenarios'}".replace(installed()[0].name, ""),
              (share / "man/man1/offloadsim.1").read_text(encoding="utf-8").replace("\\-", "-"),
              "manual page")


def it_runs_from_anywhere(program):
    prefix = installed()[1]
    program.path = str(prefix / "bin" / "offloadsim")
    scenarios = prefix / "share" / "offloadsim" / "scenarios"
    for name in ("hi-digits", "hi-generated", "partition", "sweeps/hi-cost", "dimee-digits"):
        # By its path from here, which leaves the folder of the test.
        path = os.path.relpath(scenarios / (name + ".yaml"), program.folder)
        done = program.run("run", path, "--set", "stop={samples: 500}", "--set", "warmup=none",
                           "--replications", "2")
        expect_in("2 replications of 500 samples", done.stdout, "heading")
    expect((program.folder / "offloadsim.db").is_file(), "no database where it was called")
    expect_equal(len(json.loads(program.run("query", "runs", "--format", "json").stdout)), 5,
                 "experiments stored")


def a_policy_of_ones_own(program):
    """The commands of docs/your-own-policy.md, with what is installed."""
    folder, prefix = installed()
    program.path = str(prefix / "bin" / "offloadsim")
    files = list(prefix.rglob("offloadsim-policy.pc"))
    expect_equal(len(files), 1, "files for pkg-config")
    environment = {**os.environ, "PKG_CONFIG_PATH": str(files[0].parent),
                   "PKG_CONFIG_SYSROOT_DIR": folder.name}
    version = output("pkg-config", "--modversion", "offloadsim-policy", env=environment).strip()
    expect_equal(program.run("--version").stdout.split()[1], version, "version")
    flags = output("pkg-config", "--cflags", "offloadsim-policy", env=environment).split()
    source = prefix / "share/doc/offloadsim/docs/plugin-example/mypolicy.c"
    output("cc", "-O2", "-shared", "-fPIC", "-o", "mypolicy.so", str(source), *flags,
           cwd=program.folder)
    done = program.run("run", str(prefix / "share/offloadsim/scenarios/hi-digits.yaml"), "--set",
                       f"plugins={program.folder}/mypolicy.so", "--set",
                       "policy={mypolicy: {theta: 0.607}}", "--replications", "2", "--set",
                       "stop={samples: 500}", "--set", "warmup=none", "--no-store")
    expect_in("mypolicy", done.stdout, "table")


def packaging_knows_all(program):
    """The packages that scripts/setup installs are named by the Debian package and the image; and
    versions are the same."""
    def read(name):
        return (program.root / name).read_text(encoding="utf-8")

    setup = read("scripts/setup")
    libraries = set(re.findall(r"\b(lib[\w-]+-dev)\b", setup)) - {"libc6-dev"}
    expect_equal(len(libraries), 4, f"libraries: {libraries}")
    for name, more in (("packaging/debian/control", {"check", "meson", "pkg-config"}),
                       ("packaging/Containerfile", {"gcc", "libc6-dev", "meson", "pkg-config"})):
        text = read(name)
        missing = [package for package in libraries | more
                   if not re.search(rf"(?<![\w-]){package}(?![\w-])", text)]
        expect_equal(missing, [], f"missing in {name}")
    expect_equal(re.match(r"offloadsim \((.*)-\d+\)", read("packaging/debian/changelog"))[1],
                 program.run("--version").stdout.split()[1], "version of the package")


# ---- what the program says of itself ----


def version(program):
    lines = program.run("--version").stdout.splitlines()
    for line, pattern in zip(lines, (r"offloadsim \d+\.\d+\.\d+",
                                     r"built by \w+ [\d.]+, \w+( with sanitizers [\w,]+)?"
                                     r"(, from commit [0-9a-f]{7,}(-dirty)?)?",
                                     r"with GSL [\d.]+, SQLite [\d.]+, libyaml [\d.]+",
                                     r"version of the interface of policies: \d+")):
        expect(re.fullmatch(pattern, line), f"line {line!r}")
    expect_equal(len(lines), 4, "lines")
    header = (program.root / "policies" / "policy.h").read_text(encoding="utf-8")
    wanted = re.search(r"#define POLICY_API_VERSION (\d+)", header)[1]
    expect_equal(lines[3].split()[-1], wanted, "version of the interface")


# What SECURITY.md says that the program does not do: start others, or talk to a network.
NEVER = set("system popen fork vfork execl execle execlp execv execve execvp posix_spawn "
            "posix_spawnp socket connect bind listen getaddrinfo gethostbyname".split())


def it_starts_and_calls_nobody(program):
    symbols = set(re.findall(r"\*UND\*.* (\w+)$", output("objdump", "-T", program.path),
                             re.MULTILINE))
    expect("dlopen" in symbols, f"symbols: {sorted(symbols)}")
    expect_equal(sorted(symbols & NEVER), [], "functions that it uses")


def help_is_fast(program):
    """A tenth of a second is what nobody waits for; the fastest of several, on a busy machine."""
    def took():
        start = time.monotonic()
        program.run("--help")
        return time.monotonic() - start

    fastest = min(took() for _ in range(10))
    expect(fastest < 0.25, f"--help takes {fastest} s")


def manual_page():
    """The page as it is read, without its escapes."""
    page = PROGRAM.run("--man").stdout
    return re.sub(r"\\f.|\\&", "", page.replace("\\-", "-").replace("\\(aq", "'"))


def manual_is_complete(program):
    page = manual_page()
    for command in commands():
        section = re.search(rf"^\.SS {command}\n(.*?)(?=^\.S[SH])", page,
                            re.MULTILINE | re.DOTALL)
        expect(section, f"no section of '{command}'")
        for letter, name in options_of(command):
            wanted = (f"-{letter}, " if letter else "") + f"--{name}"
            expect(re.search(rf"^\.TP\n{wanted}( |$)", section[1], re.MULTILINE),
                   f"'{command}' lacks {wanted}")
        examples = program.run(command, "--help").stdout.split("\nexamples:\n")[1]
        expect_in(examples, section[1], f"examples of '{command}'")


def manual_has_no_faults(_program):
    done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Z", "-"], check=True,
                          input=PROGRAM.run("--man").stdout, encoding="utf-8", timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    expect_equal(done.stderr, "", "warnings")


def statuses_are_the_same_everywhere(program):
    items = re.search(r"^\.SH EXIT STATUS\n(.*?)^\.SH", manual_page(), re.MULTILINE | re.DOTALL)[1]
    manual = re.findall(r"^\.TP\n\.B (.*)\n(.*)", items, re.MULTILINE)
    text = (program.root / "docs" / "batch.md").read_text(encoding="utf-8")
    table = re.findall(r"^\| (\d.*?) \| (.*) \|$", text[text.index("## Exit status"):],
                       re.MULTILINE)
    expect_equal([(name, text.replace("`", "'")) for name, text in table], manual, "docs/batch.md")
    expect(len(manual) == 5, f"statuses: {manual}")


# ---- completion ----

# Words, the last one under the cursor, and what of it is completed to. "scenarios" is there.
COMPLETED = (
    ("sw", ["sweep"]), ("c", ["check", "compare"]), ("run --stri", ["--strict"]),
    ("sweep --sh", ["--shard"]), ("check --format m", ["md"]), ("export --format j", ["json"]),
    ("policies hi", ["hi_threshold"]), ("query par", ["pareto"]),
    ("run scenarios/tan", ["scenarios/tandem.yaml"]), ("fit scenarios/data/dig",
                                                       ["scenarios/data/digits.csv"]),
    ("--completion f", ["fish"]), ("run --db RES", ["RESULTS"]),
)


def make_folder(program):
    (program.folder / "scenarios").symlink_to(program.root / "scenarios")
    (program.folder / "RESULTS").touch()


def script(shell):
    return PROGRAM.run("--completion", shell).stdout


def script_is_complete(shell, section, option):
    """`section` matches the part of a script about a command, `option` an option in it."""
    def case(_program):
        text = script(shell)
        for command in commands():
            found = re.findall(section.format(command), text, re.MULTILINE | re.DOTALL)
            expect(found, f"no command '{command}'")
            for _, name in options_of(command):
                expect(re.search(option.format(name), "".join(found)),
                       f"'{command}' lacks --{name}")

    return case


def bash_completes(words, wanted):
    def case(program):
        make_folder(program)
        (program.folder / "script").write_text(script("bash"), encoding="utf-8")
        found = output("bash", "-c", """set -u
            source ./script
            COMP_WORDS=(offloadsim "$@") COMP_CWORD=$#
            _offloadsim
            printf '%s\\n' "${COMPREPLY[@]}" """, "bash", *words.split(" "), cwd=program.folder)
        expect_equal(sorted(found.split()), wanted, "completions")

    return case


def fish_completes(words, wanted):
    def case(program):
        make_folder(program)
        (program.folder / "script").write_text(script("fish"), encoding="utf-8")
        settings = {**os.environ, "HOME": str(program.folder)}
        found = output("fish", "--no-config", "-c", f"source ./script; complete -C 'offloadsim "
                       f"{words}'", cwd=program.folder, env=settings)
        expect_equal(sorted(line.split("\t")[0] for line in found.splitlines()), wanted,
                     "completions")

    return case


class Zsh:
    """An interactive zsh on a terminal of its own, which completes what is typed."""

    def __init__(self, folder):
        self.child, self.terminal = pty.fork()
        if self.child == 0:
            os.chdir(folder)
            os.environ.update(PS1="> ", TERM="dumb", LC_ALL="C.UTF-8", HOME=str(folder))
            os.execlp("zsh", "zsh", "-f", "-i")
        self.type("unsetopt zle_bracketed_paste; autoload -U compinit; compinit -u -D; "
                  "source ./script; print READY''READY\n", "READYREADY")

    def type(self, keys, awaited, seconds=20):
        os.write(self.terminal, keys.encode())
        seen = ""
        end = time.monotonic() + seconds
        while awaited not in seen and time.monotonic() < end:
            if select.select([self.terminal], [], [], 0.1)[0]:
                seen += os.read(self.terminal, 65536).decode(errors="replace")
        expect_in(awaited, seen, "what zsh shows")

    def close(self):
        os.close(self.terminal)
        os.waitpid(self.child, 0)


def zsh_completes(program):
    make_folder(program)
    (program.folder / "script").write_text(script("zsh"), encoding="utf-8")
    zsh = Zsh(program.folder)
    try:
        for words, wanted in COMPLETED:
            if len(wanted) == 1:
                typed = words.split(" ")[-1]
                # What is there already is not shown again; then the line is thrown away.
                zsh.type(f"offloadsim {words}\t", wanted[0][len(typed):])
                zsh.type("\x15print GO''ON\n", "GOON")
    finally:
        zsh.close()


def skipped(_program):
    pass


def where(shell, name, function):
    return (name, function) if shutil.which(shell) else (f"{name} # SKIP no {shell}", skipped)


CASES = (
    [("everything is there", everything_is_there), ("packaging knows all", packaging_knows_all),
     ("runs from anywhere", it_runs_from_anywhere),
     ("a policy of one's own", a_policy_of_ones_own), ("--version", version),
     ("--help is fast", help_is_fast),
     ("it starts and calls nobody", it_starts_and_calls_nobody),
     ("manual: complete", manual_is_complete),
     where("man", "manual: no faults", manual_has_no_faults),
     ("exit statuses are the same everywhere", statuses_are_the_same_everywhere),
     ("bash: complete", script_is_complete("bash", r"^    1:{}\)\n.*?^        esac$",
                                          r"['\s]--{}[ ']")),
     ("zsh: complete", script_is_complete("zsh", r"^    {}\)\n.*?^        ;;$",
                                        r"--{}[=}}']")),
     ("fish: complete", script_is_complete("fish", r"^[^\n]*_from {}' [^\n]*$",
                                          r"-l {} "))]
    + [where("bash", f"bash: {words}", bash_completes(words, wanted))
       for words, wanted in COMPLETED]
    + [where("fish", f"fish: {words}", fish_completes(words, wanted))
       for words, wanted in COMPLETED]
    + [where("zsh", "zsh completes", zsh_completes)]
)

if __name__ == "__main__":
    sys.exit(main(CASES))
