#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands, help, exit statuses, and what becomes of output that cannot be written.

usage: commands.py OFFLOADSIM ROOT
"""

import os
import pty
import re
import sys

from harness import SMALL, expect, expect_equal, expect_in, main

COMMANDS = ["run", "fit", "check", "policies", "keys", "query"]
POLICIES = ["local", "full_offload", "hi_threshold", "random", "oracle", "early_exit", "split_exit",
            "ee_hi", "dimee", "partition"]
OVERLOAD = ("--set", "policy=full_offload", "--set", "tiers.device.arrivals={poisson: 10 /s}")


# ---- help ----


def program_help(*words):
    def case(program):
        done = program.run(*words)
        for command in COMMANDS:
            expect(re.search(rf"^  {command} +\w", done.stdout, re.MULTILINE), f"no {command}")
        expect_in("exit status: 0 fine, 1 a run failed, 2 bad usage or input", done.stdout, "help")
        expect_equal(done.stderr, "", "standard error")
        expect(all(len(line) <= 100 for line in done.stdout.splitlines()), "too wide")

    return case


def command_help(command, *words):
    def case(program):
        done = program.run(*words)
        expect(done.stdout.startswith(f"usage: offloadsim {command} "), done.stdout)
        for part in ("\noptions:\n", "--help", "\nexamples:\n  offloadsim " + command):
            expect_in(part, done.stdout, "help")
        expect_equal(done.stderr, "", "standard error")
        expect(all(len(line) <= 100 for line in done.stdout.splitlines()), "too wide")

    return case


def version(program):
    done = program.run("--version")
    expect(re.match(r"offloadsim \d+\.\d+\.\d+\n", done.stdout), done.stdout)


def options_of_help_are_known(program):
    """Every option that a command's help lists is accepted, or asks for its value."""
    for command in COMMANDS:
        listed = re.findall(r"^  (?:-(\w),|   ) --([\w-]+)", program.run(command, "--help").stdout,
                            re.MULTILINE)
        expect(len(listed) >= 2, f"{command}: {listed}")
        for letter, name in listed:
            for word in ["--" + name] + (["-" + letter] if letter else []):
                done = program.run(command, word, status=None)
                expect("unknown option" not in done.stderr, f"{command}: {done.stderr}")


# ---- policies ----


def list_of_policies(program):
    done = program.run("policies")
    names = [line.split()[0] for line in done.stdout.splitlines() if re.match(r"[a-z]", line)]
    expect_equal(names[0], "policy", "heading")
    expect(set(POLICIES) <= set(names), f"policies: {names}")
    for name in names[1:]:
        expect(program.run("policies", name).stdout.startswith(name + ": "), name)


def one_policy(name):
    def case(program):
        done = program.run("policies", name)
        expect(done.stdout.startswith(name + ": "), done.stdout)
        expect_in("\nexample: policy: ", done.stdout, "explanation")
        # The example is one that a scenario can have, if the scenario has such a tier.
        example = re.search(r"^example: policy: (.*)$", done.stdout, re.MULTILINE).group(1)
        example = example.replace("cloud", "edge")
        # Some need a model with exits between its layers.
        scenario = "dimee-digits" if name in ("dimee", "split_exit") else "hi-digits"
        program.run("check", program.scenario(scenario), "--set", "policy=" + example)

    return case


# ---- wrong usage: exit status 2 and a way out ----

WRONG = [
    ([], "usage: offloadsim COMMAND [OPTIONS]; 'offloadsim --help' lists the commands"),
    (["rnu"], "unknown command 'rnu'; did you mean 'run'?"),
    (["polices"], "unknown command 'polices'; did you mean 'policies'?"),
    (["simulate"], "unknown command 'simulate'; 'offloadsim --help' lists the commands"),
    (["help", "chekc"], "unknown command 'chekc'; did you mean 'check'?"),
    ([""], "unknown command ''; 'offloadsim --help' lists the commands"),
    (["run"], "something is missing; usage: offloadsim run SCENARIO.yaml"),
    (["check"], "something is missing; usage: offloadsim check SCENARIO.yaml"),
    (["run", "@", "@"], "is one word too many; usage: offloadsim run SCENARIO.yaml"),
    (["run", "@", "--sede", "3"], "unknown option '--sede' of 'run'; did you mean '--seed'?"),
    (["run", "@", "--replicatons=3"],
     "unknown option '--replicatons' of 'run'; did you mean '--replications'?"),
    (["run", "@", "-x"], "unknown option '-x' of 'run'; see 'offloadsim run --help'"),
    (["check", "@", "--samples", "2"], "unknown option '--samples' of 'check'"),
    (["policies", "--db", "x.db"], "unknown option '--db' of 'policies'"),
    (["run", "@", "--set"], "option '--set' needs a value: --set PATH=VALUE"),
    (["run", "@", "--no-store=yes"], "option '--no-store' takes no value"),
    (["run", "@", "--jobs", "0"], "'--jobs 0': it takes a whole number from 1 to 1000000000"),
    (["run", "@", "--jobs", "-1"], "'--jobs -1': it takes a whole number from 1 to 1000000000"),
    (["run", "@", "--jobs", "two"], "'--jobs two': it takes a whole number from 1 to 1000000000"),
    (["run", "@", "--jobs", "99999999999999999999"], "it takes a whole number"),
    (["query", "runs", "--limit", "1.5"], "'--limit 1.5': it takes a whole number"),
    (["run", "@", "--format", "jsn"], "did you mean 'json'?"),
    (["check", "@", "--format", "xml"], "table"),
    (["policies", "--format", ""], "table"),
    (["query", "--format", "yaml"], "table"),
    (["policies", "hi_treshold"], "unknown policy 'hi_treshold'; did you mean 'hi_threshold'?"),
    (["policies", "nonsense"], "unknown policy 'nonsense'; 'offloadsim policies' lists them"),
    (["run", "nowhere.yaml"], "nowhere.yaml: error: cannot be read"),
    (["check", "."], "error: is a directory"),
    (["run", "@", "--set", "policy=hi_treshold"], "did you mean 'hi_threshold'?"),
    (["run", "@", "--set", "polcy=local"], "did you mean 'policy'?"),
    (["run", "@", "--set", "policy"], "error"),
    (["run", "@", "--set", "tiers.device.nodes=0"], "error"),
    (["run", "@", "--set", "tiers.edgy.nodes=2"], "did you mean 'edge'?"),
    (["run", "@", "--set", "prices.offload=[1, {"], "error"),
    (["run", "@", "--seed", "-1"], "error"),
    (["run", "@", "--seed", "many"], "error"),
    (["run", "@", "--replications", "0"], "error"),
    (["run", "@", "-n", "2.5"], "error"),
    (["run", "@", "--db", "no/such/folder/x.db"], "no/such/folder/x.db"),
    (["run", "@", "--set", "policy={hi_threshold: {theta: [0.1, 0.2]}}"],
     "policy 'hi_threshold' cannot work here: 'theta' has 2 entries, but 2 tiers compute"),
]


def wrong(words, message):
    def case(program):
        scenario = program.scenario("hi-digits")
        done = program.run(*[scenario if word == "@" else word for word in words], status=2)
        expect_in(message, done.stderr, "message")
        expect_equal(done.stdout, "", "standard output")
        expect(not list(program.folder.iterdir()), "a file was made")

    return case


# ---- runs that fail: exit status 1 ----


def failed_run(program):
    """A closed loop in which nothing takes time never gets anywhere."""
    done = program.run("run", program.scenario("mm1"), "--set", "stop={time: 1 s}",
                       "--set", "warmup=none", "--set", "tiers.device.arrivals={closed: {}}",
                       "--set", "tiers.device.compute.time.task=0 s", "-n", "1", status=1)
    expect_in("offloadsim: error: time stands still at 0 s", done.stderr, "message")
    expect_equal(done.stdout, "", "standard output")
    status = program.run("query", "SELECT status FROM experiments", "-f", "csv").stdout
    expect_equal(status.split(), ["status", "failed"], "stored status")


# What cannot be written is an error, also where nothing but buffers would notice.
SPOILED = [
    "--help", "--version", "run --help", "policies", "policies hi_threshold", "query",
    "check SCENARIO", "run SCENARIO SMALL --no-store", "run SCENARIO SMALL --format json",
    "run SCENARIO SMALL --format csv --db results.db", "query runs --db stored.db",
]


def spoiled(words, redirection):
    def case(program):
        small = " ".join(f"'{word}'" for word in SMALL)
        scenario = f"'{program.scenario('hi-digits')}'"
        command = words.replace("SCENARIO", scenario).replace("SMALL", small)
        program.run("run", program.scenario("mm1"), *SMALL, "--db", "stored.db")
        done = program.shell(f'"$offloadsim" {command} {redirection}')
        expect_equal(done.returncode, 1, f"exit status ({done.stderr})")
        expect_in("offloadsim: error: cannot write to standard output: ", done.stderr, "message")
        for file in program.folder.glob("*.db"):
            sound = program.run("query", "SELECT count(*) AS n, min(status) AS s FROM experiments",
                                "--format", "csv", "--db", str(file))
            expect_equal(sound.stdout.split(), ["n,s", "1,finished"], "what was stored")

    return case


def closed_standard_error(program):
    done = program.shell(f"\"$offloadsim\" run '{program.scenario('mm1')}' -n 2 2>&-")
    expect_equal(done.returncode, 0, "exit status")
    expect_in("latency_mean_s", done.stdout, "output")
    program.run("query", "runs")


# ---- overload ----


def overloaded(*format_words):
    def case(program):
        done = program.run("run", program.scenario("hi-digits"), *SMALL, *OVERLOAD, "--no-store",
                           *format_words)
        first = done.stdout.splitlines()[0]
        expect(re.match(r"OVERLOADED: edge gets [0-9.]+ times the work it can do under policy "
                        r"'full_offload'", first), first)

    return case


def overloaded_for_machines(program):
    done = program.run("run", program.scenario("hi-digits"), *SMALL, *OVERLOAD, "--no-store",
                       "--format", "json")
    expect_in('"verdict": "overloaded: edge (offered load ', done.stdout, "verdict")
    done = program.run("run", program.scenario("hi-digits"), *SMALL, *OVERLOAD)
    stored = program.run("query", "SELECT verdict FROM points", "--format", "csv").stdout
    expect(re.fullmatch(r"verdict\noverloaded: edge \(offered load [0-9.]+ since [0-9.e-]+ s\)\n",
                        stored), stored)


def not_overloaded(program):
    done = program.run("run", program.scenario("hi-digits"), *SMALL, "--no-store")
    expect("overloaded" not in done.stdout.lower(), done.stdout)


# ---- terminals ----


def on_terminal(program, *arguments, environment=None):
    """What the program writes to a terminal."""
    master, slave = pty.openpty()
    done = program.run(*arguments, environment=environment, stdout=slave)
    os.close(slave)
    output = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:
            break  # the other end is closed
        if not piece:
            break
        output += piece
    os.close(master)
    expect_equal(done.returncode, 0, "exit status")
    return output.decode("utf-8").replace("\r\n", "\n")


TABLES = [["policies"], ["run", "@", *SMALL, "--no-store"], ["check", "@"]]


def words_of(program, words):
    return [program.scenario("hi-digits") if word == "@" else word for word in words]


def terminal_gets_bold(words):
    def case(program):
        expect_in("\033[1m", on_terminal(program, *words_of(program, words)), "output")

    return case


def no_color(words):
    def case(program):
        output = on_terminal(program, *words_of(program, words), environment={"NO_COLOR": "1"})
        expect("\033" not in output, output)
        # And then it is what a file would get.
        expect_equal(output, program.run(*words_of(program, words)).stdout, "output")
        # no-color.org: an empty one does not count.
        output = on_terminal(program, *words_of(program, words), environment={"NO_COLOR": ""})
        expect_in("\033[1m", output, "output")

    return case


def no_terminal(words):
    def case(program):
        done = program.run(*words_of(program, words))
        expect("\033" not in done.stdout + done.stderr, done.stdout)
        expect("\r" not in done.stdout + done.stderr, "progress without a terminal")

    return case


def plain_terminal(program):
    words = ["run", program.scenario("hi-digits"), *SMALL, "--no-store"]
    output = on_terminal(program, *words, environment={"LC_ALL": "C"})
    expect(output.isascii(), "not ASCII where the locale is not UTF-8")
    expect_in(" +- ", output, "output")
    expect_in(" ± ", on_terminal(program, *words), "output")


def quiet(program):
    done = program.run("run", program.scenario("mm1"), "-n", "2", "--quiet")
    expect_equal(done.stderr, "", "standard error")
    done = program.run("run", program.scenario("mm1"), "-n", "2")
    expect_in("stored as experiment 2 in offloadsim.db", done.stderr, "standard error")
    expect(re.search(r"^440000 samples in \S+ s \(\S+ million a second\); storing took \S+ s"
                     r" \(\S+ s of a processor\)$", done.stderr, re.MULTILINE),
           f"remarks: {done.stderr!r}")
    done = program.run("run", program.scenario("mm1"), "-n", "2", "--no-store")
    expect("storing" not in done.stderr, f"nothing is stored: {done.stderr!r}")


def name_of(words):
    return " ".join(word if word and " " not in word else repr(word)
                    for word in words if word not in SMALL)


CASES = (
    [(f"help: {' '.join(words)}", program_help(*words)) for words in (["--help"], ["-h"], ["help"])]
    + [(f"help: {' '.join(words)}", command_help(command, *words)) for command in COMMANDS
       for words in ([command, "--help"], [command, "-h"], ["help", command])]
    + [("help: options of help are known", options_of_help_are_known), ("--version", version),
       ("policies: list", list_of_policies)]
    + [(f"policies: {name}", one_policy(name)) for name in POLICIES]
    + [(f"wrong usage: {name_of(words) or 'nothing'}", wrong(words, message))
       for words, message in WRONG]
    + [("a run that fails", failed_run)]
    + [(f"{words} {redirection}", spoiled(words, redirection))
       for words in SPOILED for redirection in (">&-", ">/dev/full")]
    + [("closed standard error", closed_standard_error),
       ("overload: table", overloaded()), ("overload: md", overloaded("--format", "md")),
       ("overload: --all", overloaded("--all")),
       ("overload: json and store", overloaded_for_machines),
       ("overload: not without it", not_overloaded)]
    + [(f"terminal: bold, {name_of(words)}", terminal_gets_bold(words)) for words in TABLES]
    + [(f"terminal: NO_COLOR, {name_of(words)}", no_color(words)) for words in TABLES]
    + [(f"no terminal: {name_of(words)}", no_terminal(words)) for words in TABLES]
    + [("terminal: ASCII", plain_terminal), ("--quiet", quiet)]
)

if __name__ == "__main__":
    sys.exit(main(CASES))
