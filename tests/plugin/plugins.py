#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Policies of somebody else's: compiled out of tree, against an installed header, and loaded.

usage: plugins.py OFFLOADSIM ROOT BUILD MESON

The header and the pkg-config file are installed from BUILD into a folder of the test's own. All
plug-ins are compiled from the examples of docs/plugin-example and from edits of them.
"""

import functools
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from harness import expect, expect_equal, expect_in, main

BUILD, MESON = sys.argv[3:5]
SMALL = ["--set", "stop={samples: 3000}", "--set", "warmup=none", "--replications", "3",
         "--no-store"]
MISSING = ("error: plug-in '{0}' {1}\n    1 | plugins={0}\n      |         {2}\n"
           "  hint: {3}\n")


# ---- compiling ----


@functools.lru_cache(maxsize=None)
def installed():
    """The environment in which pkg-config finds what was installed."""
    folder = tempfile.TemporaryDirectory(prefix="offloadsim-plugin-")
    subprocess.run([MESON, "install", "-C", BUILD, "--no-rebuild", "--tags", "devel", "--destdir",
                    folder.name], check=True, stdout=subprocess.PIPE, timeout=120)
    found = list(pathlib.Path(folder.name).rglob("offloadsim-policy.pc"))
    expect_equal(len(found), 1, "pkg-config files installed")
    environment = {**os.environ, "PKG_CONFIG_PATH": str(found[0].parent),
                   "PKG_CONFIG_SYSROOT_DIR": folder.name}
    return folder, environment


def pkg_config(*arguments):
    done = subprocess.run(["pkg-config", *arguments, "offloadsim-policy"], env=installed()[1],
                          stdout=subprocess.PIPE, text=True, check=True, timeout=60)
    return done.stdout.split()


def compile_text(program, text, name="mypolicy", flags=()):
    source = program.folder / (name + ".c")
    source.write_text(text)
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", name + ".so", source.name, *flags,
                    *pkg_config("--cflags"), "-lm"], cwd=program.folder, check=True, timeout=60)
    return program.folder / (name + ".so")


def example(program, name="mypolicy"):
    return (program.root / "docs" / "plugin-example" / (name + ".c")).read_text()


def edited(text, *edits):
    for old, new in edits:
        expect(text.count(old) == 1, f"'{old}' is {text.count(old)} times in the example")
        text = text.replace(old, new)
    return text


def compile_example(program, *edits, name="mypolicy", as_name=None):
    return compile_text(program, edited(example(program, name), *edits), as_name or name)


# ---- running ----


def scenario(program, name="hi-digits"):
    """A copy of a scenario and its data, in the folder of the test."""
    shutil.copy(program.scenario(name), program.folder)
    if not (program.folder / "data").exists():
        (program.folder / "data").symlink_to(program.root / "scenarios" / "data")
    return name + ".yaml"


def run(program, policy, *more, plugins="mypolicy.so", **options):
    return program.run("run", scenario(program), *SMALL, "--quiet", "--set", f"plugins={plugins}",
                       "--set", f"policy={policy}", *more, **options)


def points(program, policy, *more, **options):
    """The metrics of each point, by their names."""
    done = run(program, policy, "--format", "json", *more, **options)
    return [point["metrics"] for point in json.loads(done.stdout)["points"]]


# ---- it works ----


def header_is_installed(program):
    _, environment = installed()
    done = subprocess.run(["pkg-config", "--modversion", "offloadsim-policy"], env=environment,
                          stdout=subprocess.PIPE, text=True, check=True, timeout=60)
    expect_equal(done.stdout.split(), program.run("--version").stdout.split()[1:2], "version")
    folder = pathlib.Path(pkg_config("--cflags")[0][2:])
    expect_equal((folder / "offloadsim" / "policy.h").read_text(),
                 (program.root / "policies" / "policy.h").read_text(), "installed header")


def examples_compile_without_warnings(program):
    for name in ("mypolicy", "online_threshold"):
        compile_text(program, example(program, name), name,
                     ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Wmissing-prototypes",
                      "-Wconversion", "-Werror"])


def equals_built_in(program):
    compile_example(program)
    found = points(program, "[{hi_threshold: {theta: 0.607}}, {mypolicy: {theta: 0.607}}, "
                            "{mypolicy: {theta: 0.607, spread: 0.5}}]")
    expect_equal(len(found), 3, "points")
    expect_equal(found[1], found[0], "metrics without a spread")
    expect(found[2] != found[0], "the spread changes nothing")
    shares = [point["offload_fraction"]["mean"] for point in found]
    expect(abs(shares[2] - shares[0]) < 0.1, f"the spread changes too much: {shares}")


def same_on_threads(program):
    compile_example(program)
    one, two = (run(program, "{mypolicy: {theta: 0.5, spread: 0.4}}", "--format", "json", "--jobs",
                    jobs).stdout for jobs in "12")
    expect_equal(two, one, "output with --jobs 2")


def listed_in_the_scenario(program):
    """A list and a single one, relative to the scenario, wherever the program runs."""
    elsewhere = program.folder / "elsewhere"
    elsewhere.mkdir()
    for written in ("mypolicy.so", "./mypolicy.so", "[./mypolicy.so]",
                    f"{program.folder}/mypolicy.so"):
        compile_example(program)
        path = program.folder / scenario(program)
        path.write_text(re.sub(r"^policy:\n(  - .*\n)+", "policy: {mypolicy: 0.3}\n",
                               path.read_text(), flags=re.MULTILINE) + f"plugins: {written}\n")
        for folder, name in ((program.folder, path.name), (elsewhere, "../" + path.name)):
            done = program.run("check", name, "--format", "csv") if folder == program.folder else \
                subprocess.run([program.path, "check", name, "--format", "csv"], cwd=folder,
                               stdout=subprocess.PIPE, text=True, check=True, timeout=60)
            expect_in("\n0,mypolicy,theta=0.3,stable,", done.stdout, written)


def explained(program):
    compile_example(program)
    text = program.run("policies", "mypolicy", "--plugin", "mypolicy.so").stdout
    for part in ("mypolicy: infer locally first, offload below a threshold that differs by "
                 "chance\n",
                 "example: policy: {mypolicy: {theta: 0.6, spread: 0.2}}\n", "required", "0 to 1",
                 "width of the range"):
        expect_in(part, text, "explanation")
    rows = json.loads(program.run("policies", "--plugin", "mypolicy.so", "-f", "json").stdout)
    built_in = json.loads(program.run("policies", "-f", "json").stdout)
    expect_equal(rows[:-1], built_in, "policies before it")
    expect_equal(rows[-1]["policy"], "mypolicy", "last policy")
    page = program.run("policies", "--plugin", "mypolicy.so", "--format", "md").stdout
    expect(page.startswith(program.run("policies", "--format", "md").stdout.split("| oracle")[0]),
           "the page begins differently")
    expect_in("\n## mypolicy\n", page, "page")


def learner_is_explained(program):
    compile_example(program, name="online_threshold")
    text = program.run("policies", "online_threshold", "--plugin", "online_threshold.so").stdout
    expect_in("learns during the run, where the scenario has 'feedback'\n", text, "explanation")


def learner_comes_near_the_best(program):
    """It pays at most 5 % more than the best threshold, which costs 10 % less than both ends."""
    compile_example(program, name="online_threshold")
    fixed = ", ".join(f"{{hi_threshold: {{theta: {k / 20}}}}}" for k in range(21))
    more = ["--set", "tiers.device.nodes=2", "--set", "stop={samples: 8000}", "--set",
            "feedback={when: always}"]
    costs = [point["cost_mean"]["mean"] for point in points(
        program, f"[{fixed}, {{online_threshold: 1}}]", *more, plugins="online_threshold.so")]
    best, learner = min(costs[:-1]), costs[-1]
    expect(best < 0.9 * min(costs[0], costs[-2]), f"nothing to be learnt: {costs}")
    expect(best <= learner < 1.05 * best, f"it pays {learner}, the best threshold {best}")


def learner_needs_feedback(program):
    compile_example(program, name="online_threshold")
    found = []
    for feedback in ("{when: never}", "{when: offloaded}", "{when: always}",
                     "{when: always, delay: 10 s}"):
        (point,) = points(program, "online_threshold", "--set", f"feedback={feedback}",
                          plugins="online_threshold.so")
        found.append(point["cost_mean"]["mean"])
    expect(len(set(found)) == 4, f"feedback does not matter: {found}")
    expect(found[2] == min(found), f"immediate and full feedback is not best: {found}")


def learner_is_the_same_on_threads(program):
    compile_example(program, name="online_threshold")
    one, two = (run(program, "online_threshold", "--set", "feedback={when: always, delay: 1 s}",
                    "--format", "json", "--jobs", jobs, plugins="online_threshold.so").stdout
                for jobs in "12")
    expect_equal(two, one, "output with --jobs 2")


# ---- parameters ----


def bad_parameters(program):
    compile_example(program)
    for policy, message in (
            ("mypolicy", "policy 'mypolicy' lacks the key 'theta'"),
            ("{mypolicy: {theta: 1.5}}", "'theta' must be at least 0 and at most 1, not '1.5'"),
            ("{mypolicy: {theta: 0.5, spraed: 1}}", "unknown key 'spraed' in policy 'mypolicy'"),
            ("{mypolicy: {theta: 3 ms}}", "'theta' must be a plain number, but '3 ms' is a time"),
            ("mypolcy", "unknown policy 'mypolcy'")):
        done = run(program, policy, status=2)
        expect_in("error: " + message, done.stderr, policy)
    expect_in("did you mean 'mypolicy'?", run(program, "mypolcy", status=2).stderr, "hint")
    expect_in("did you mean 'spread'?",
              run(program, "{mypolicy: {theta: 1, spraed: 1}}", status=2).stderr, "hint")


# ---- what is stored ----


def hashes(program, policy, plugins="mypolicy.so"):
    database = program.folder / "hashes.db"
    database.unlink(missing_ok=True)
    program.run("run", scenario(program), "--set", "stop={samples: 300}", "--set", "warmup=none",
                "-n", "1", "--quiet", "--db", database.name, "--set", f"plugins={plugins}", "--set",
                f"policy={policy}")
    return [row["hash"] for row in json.loads(program.run(
        "query", "SELECT hash FROM points ORDER BY ordinal", "--db", database.name, "-f",
        "json").stdout)]


def another_build_is_another_policy(program):
    policy = "[local, {mypolicy: {theta: 0.5}}]"
    compile_example(program)
    before = hashes(program, policy)
    expect_equal(hashes(program, policy), before, "hashes of a second run")
    shutil.copy(program.folder / "mypolicy.so", program.folder / "moved.so")
    expect_equal(hashes(program, policy, "moved.so"), before, "hashes after a move")
    compile_example(program, ("view->uniform - 0.5", "view->uniform - 0.25"))
    after = hashes(program, policy)
    expect_equal(after[0], before[0], "hash of 'local'")
    expect(after[1] != before[1], "the hash of 'mypolicy' did not change")


def complete_points_stay(program):
    compile_example(program, ("return policy_answer(view->latest->exit);",
                              "return policy_answer(view->latest->exit + 7);"))
    done = program.run("run", scenario(program), "--set", "stop={samples: 300}", "--set",
                       "warmup=none", "-n", "2", "--jobs", "1", "--db", "x.db", "--set",
                       "plugins=mypolicy.so", "--set", "policy=[local, {mypolicy: 0.5}]", status=1)
    expect_equal(done.stdout, "", "standard output")
    ask = lambda sql: json.loads(program.run("query", sql, "--db", "x.db", "-f", "json").stdout)
    expect_equal(ask("SELECT status FROM experiments"), [{"status": "failed"}], "status")
    expect_equal(ask("SELECT policy, is_complete, (SELECT count(*) FROM replications WHERE "
                     "point_id = points.id) AS runs FROM points ORDER BY ordinal"),
                 [{"policy": "local", "is_complete": 1, "runs": 2},
                  {"policy": "mypolicy", "is_complete": 0, "runs": 0}], "points")
    expect_equal([row["policy"] for row in ask("SELECT policy FROM tradeoffs WHERE "
                                                  "accuracy IS NOT NULL")], ["local"],
                 "points with results")


# ---- what a plug-in says of itself ----

TYPE = "const struct policy_type offloadsim_policy = {\n"
NAMES = "use lower case letters, digits and '_', a letter first, at most 64 in all"
PLACES = ("set '.parameter_bytes' to the size of the parameter structure, and '.offset' with "
          "offsetof()")
DEFAULTS = "set '.default_text' to what a scenario would write, or to NULL"
SPREAD = '{"spread", POLICY_NUMBER, offsetof(struct mine, spread), "", "0", 0, 1, NULL,'
NONSENSE = "makes no sense: "
REASONS = ("    .decide = decide,\n", "    .decide = decide,\n    .reasons = reasons,\n")


def with_reasons(*names):
    """Edits that give the example reasons to drop."""
    listed = "".join(f'"{name}", ' for name in names)
    return [REASONS, ("extern const struct policy_type",
                      f"static const char *const reasons[] = {{{listed}NULL}};\n"
                      "extern const struct policy_type")]


def spread(new):
    return [(SPREAD, new)]


HEADER = pathlib.Path(sys.argv[2]) / "policies" / "policy.h"
API = int(re.search(r"#define POLICY_API_VERSION (\d+)", HEADER.read_text(encoding="utf-8"))[1])

DECLARATIONS = [
    ("an older interface", [(".api = POLICY_API_VERSION", ".api = POLICY_API_VERSION - 1")],
     f"was compiled with version {API - 1} of policy.h, but this program has {API}",
     "compile it again with the installed header"),
    ("a newer interface", [(".api = POLICY_API_VERSION", ".api = 4711")],
     f"was compiled with version 4711 of policy.h, but this program has {API}",
     "compile it again with the installed header"),
    ("no interface", [("    .api = POLICY_API_VERSION,\n", "")],
     f"was compiled with version 0 of policy.h, but this program has {API}",
     "compile it again with the installed header"),
    ("no policy", [("extern const struct policy_type offloadsim_policy;\n", ""),
                   (TYPE, "static " + TYPE.replace("const ", "const __attribute__((used)) "))],
     "has no 'offloadsim_policy'",
     "define 'const struct policy_type offloadsim_policy = {...};' in it, as "
     "docs/your-own-policy.md shows"),
    ("no name", [('    .name = "mypolicy",\n', "")], "has a policy without a name",
     "set '.name' in offloadsim_policy"),
    ("no decision", [("    .decide = decide,\n", "    .uses_prices = 0,\n"),
                     ("static struct policy_action decide(", "struct policy_action decide(")],
     "has a policy without a function 'decide'", "set '.decide' in offloadsim_policy"),
    ("an odd name", [('.name = "mypolicy"', '.name = "my policy"')],
     NONSENSE + "'my policy' cannot be the name of a policy", NAMES),
    ("a name with a dot", [('.name = "mypolicy"', '.name = "my.policy"')],
     NONSENSE + "'my.policy' cannot be the name of a policy", NAMES),
    ("a long name", [('.name = "mypolicy"', f'.name = "{"m" * 65}"')],
     NONSENSE + f"'{'m' * 65}' cannot be the name of a policy", NAMES),
    ("a built-in's name", [('.name = "mypolicy"', '.name = "local"')],
     "calls its policy 'local' like one of the program's own", "give it another '.name'"),
    ("no summary", [('.summary = "infer locally first, offload below a threshold that differs by '
                     'chance"', ".summary = NULL")],
     NONSENSE + "policy 'mypolicy' does not say what it does",
     "say in '.summary' what it does, in one line"),
    ("an odd parameter", spread(SPREAD.replace('"spread"', '"the spread"')),
     NONSENSE + "'the spread' cannot be the name of a parameter", NAMES),
    ("twice a parameter", spread(SPREAD.replace('"spread"', '"theta"')),
     NONSENSE + "two parameters are called 'theta'", "give each its own name"),
    ("an unknown kind", spread(SPREAD.replace("POLICY_NUMBER", "77")),
     NONSENSE + "parameter 'spread' is of no kind that there is",
     "set '.kind' to one of enum policy_kind_of_value"),
    ("a parameter outside", spread(SPREAD.replace("offsetof(struct mine, spread)", "16")),
     NONSENSE + "parameter 'spread' does not lie within the 16 bytes of its structure", PLACES),
    ("no structure", [("    .parameter_bytes = sizeof(struct mine),\n", "")],
     NONSENSE + "parameter 'theta' does not lie within the 0 bytes of its structure", PLACES),
    ("a parameter across", spread(SPREAD.replace("offsetof(struct mine, spread)", "4")),
     NONSENSE + "parameter 'spread' lies at 4, where no double can be", "set '.offset' with "
     "offsetof()"),
    ("an unknown unit", spread(SPREAD.replace('""', '"furlong"')),
     NONSENSE + "parameter 'spread' cannot be in 'furlong'",
     "it is one of s, B, B/s, /s, W, J, or nothing"),
    ("a unit that is no base unit", spread(SPREAD.replace('""', '"ms"')),
     NONSENSE + "parameter 'spread' cannot be in 'ms'",
     "it is one of s, B, B/s, /s, W, J, or nothing"),
    ("an empty range", spread(SPREAD.replace("0, 1, NULL", "1, 0, NULL")),
     NONSENSE + "the range of parameter 'spread' is empty: 1 to 0",
     "set '.least' and '.most' to the smallest and the largest value"),
    ("a range of nothing", spread(SPREAD.replace("0, 1, NULL", "0, 0.0 / 0.0, NULL")),
     NONSENSE + "the range of parameter 'spread' is empty: 0 to nan",
     "set '.least' and '.most' to the smallest and the largest value"),
    ("a default that is none", spread(SPREAD.replace('"0"', '"wide"')),
     NONSENSE + "a default is wrong: 'spread' must be a plain number, not 'wide'", DEFAULTS),
    ("a default out of range", spread(SPREAD.replace('"0"', '"2"')),
     NONSENSE + "a default is wrong: 'spread' must be at least 0 and at most 1, not '2'", DEFAULTS),
    ("a choice without choices", spread(SPREAD.replace("POLICY_NUMBER", "POLICY_CHOICE")),
     NONSENSE + "parameter 'spread' is a choice without choices",
     "list them in '.choices', with NULL at the end"),
    ("no meaning", [('     "width of the range in which the thresholds lie"}', "     NULL}")],
     NONSENSE + "parameter 'spread' does not say what it means",
     "say it in '.meaning', in a sentence"),
    ("an odd reason", with_reasons("too late"),
     NONSENSE + "'too late' cannot be a reason of a drop", NAMES),
    ("twice a reason", with_reasons("late", "early", "late"),
     NONSENSE + "two reasons are called 'late'", "give each its own name"),
    ("an unknown symbol", [("int is_device = view", "int is_device = probe() * view"),
                           ("struct mine {", "int probe(void);\nstruct mine {")],
     "cannot be loaded: undefined symbol: probe", "link it with the library that has the symbol"),
]


def refused(edits, message, hint):
    def case(program):
        compile_example(program, *edits)
        done = run(program, "{mypolicy: 0.5}", status=2)
        wanted = MISSING.format("mypolicy.so", message, "^~~~~~~~~~~", hint)
        found = done.stderr
        expect_equal(found[found.index("error"):], wanted, "message")
        expect_equal(done.stdout, "", "standard output")
        done = program.run("policies", "--plugin", "mypolicy.so", status=2)
        found = done.stderr
        expect_equal(found, f"offloadsim: error: plug-in 'mypolicy.so' {message}; {hint}\n",
                     "message of 'policies'")

    return case


def no_shared_object(program):
    """Files of other kinds, and one that is still being copied at whatever length."""
    whole = compile_example(program).read_bytes()
    for length in [0, 1, 63, 64, 100, 500] + list(range(1000, len(whole) - 1, 700)):
        (program.folder / "part.so").write_bytes(whole[:length])
        done = program.run("policies", "--plugin", "part.so", status=None)
        expect(done.returncode in (0, 2), f"{length} bytes: exit status {done.returncode}")
        if done.returncode:
            expect(re.fullmatch(r"offloadsim: error: plug-in 'part.so' (is cut short; compile or "
                                r"copy it again|cannot be loaded: .*)\n", done.stderr), done.stderr)
    (program.folder / "text.so").write_text("policy: local\n" * 99)
    done = program.run("policies", "--plugin", "text.so", status=2)
    expect_equal(done.stderr, "offloadsim: error: plug-in 'text.so' cannot be loaded: invalid ELF "
                 "header; compile it as a shared object: cc -shared -fPIC ...\n", "text")
    done = program.run("policies", "--plugin", program.path, status=2)
    expect_in("cannot be loaded: cannot dynamically load position-independent executable; ",
              done.stderr, "program")


def clashing_names(program):
    compile_example(program)
    compile_example(program, as_name="other")
    for plugins, message in (
            ("[mypolicy.so, other.so]",
             "plug-in 'other.so' calls its policy 'mypolicy' like one of another plug-in\n"),
            ("[mypolicy.so, mypolicy.so]", "plug-in 'mypolicy.so' is listed twice\n")):
        done = run(program, "{mypolicy: 0.5}", plugins=plugins, status=2)
        expect_in("error: " + message, done.stderr, plugins)
        expect_equal(done.stderr.count("error:"), 1, f"errors in {done.stderr}")
    compile_example(program, ('.name = "mypolicy"', '.name = "another"'), as_name="other")
    first, second = points(program, "[{another: 0.5}, {mypolicy: 0.5}]",
                           plugins="[mypolicy.so, other.so]")
    expect_equal(first, second, "metrics of two plug-ins with the same code")


def missing_plugin_is_the_only_error(program):
    """A policy that it may have brought is not complained of again; other errors are."""
    done = run(program, "[{mypolicy: {theta: 0.5}}, local]", "--set", "seeed=1", status=2,
               plugins="nowhere.so")
    expect_in("plug-in 'nowhere.so' cannot be read: no such file or directory", done.stderr,
              "error")
    expect_in("unknown key 'seeed'", done.stderr, "the other error")
    expect_equal(done.stderr.count("error:"), 2, f"errors in {done.stderr}")


def unfit_scenario(program):
    compile_example(program)
    done = program.run("check", scenario(program), "--set", "plugins=mypolicy.so", "--set",
                       "policy={mypolicy: 0.5}", "--set", "tiers.edge.compute=", status=None)
    expect_equal(done.returncode, 2, "exit status")
    compile_example(program, *with_reasons("full"))
    done = run(program, "{mypolicy: 0.5}", status=2)
    expect_in("policy 'mypolicy' cannot work here: 'full' is the simulator's own reason of a drop; "
              "call the policy's differently", done.stderr, "reason")
    compile_example(program, ("    if (policy_first_model(world, 0) < 0 || ",
                              "    if (world->tiers == 2 || "))
    done = run(program, "{mypolicy: 0.5}", status=2)
    expect_in("policy 'mypolicy' cannot work here: the first and the last tier must run a model",
              done.stderr, "plan")
    compile_example(program, ("    if (policy_first_model(world, 0) < 0 || ",
                              "    if (world->tiers == 2) { return -1; }\n    if ("))
    done = run(program, "{mypolicy: 0.5}", status=2)
    expect_in("policy 'mypolicy' cannot work here: it does not say why", done.stderr, "silence")


# ---- misbehaviour ----

WHERE = r" for sample 0 of device \d+ at time 0\.\d+ s, tier '{}' \(seed 1, replication \d\)"
BODY = "    const struct mine *p = given;\n"
LAYER = "asked to compute up to a layer that is behind the sample or past the end: "
TARGET = "asked to send a sample to a tier that does not exist or where it is: "
MISDEEDS = [
    ("policy_answer(1)", "answered with an exit that was not computed: policy_answer(1)"),
    ("policy_answer(-2147483647)",
     "answered with an exit that was not computed: policy_answer(-2147483647)"),
    ("policy_compute(5, 0)", "asked to compute a model that does not exist: policy_compute(5, 0)"),
    ("policy_compute(1, 0)",
     "asked to compute a model that has no service time at this tier: policy_compute(1, 0)"),
    ("policy_compute(0, 1)", LAYER + "policy_compute(0, 1)"),
    ("policy_compute(0, -1)", LAYER + "policy_compute(0, -1)"),
    ("policy_send(0)", TARGET + "policy_send(0)"),
    ("policy_send(2)", TARGET + "policy_send(2)"),
    ("policy_send_raw(-1)", TARGET + "policy_send_raw(-1)"),
    ("policy_drop(0)", "dropped a sample for a reason that it does not list: policy_drop(0)"),
    ("(struct policy_action){0}", "returned an action that does not exist: {0, 0, 0}"),
    ("(struct policy_action){(enum policy_verb)-7, 1, 2, NULL}",
     "returned an action that does not exist: {-7, 1, 2}"),
]


def misbehaves(action, message):
    def case(program):
        compile_example(program, (BODY, BODY + f"    if (view->device >= 0) return {action};\n"))
        done = run(program, "{mypolicy: 0.5}", "--jobs", "1", status=1)
        expect_equal(done.stdout, "", "standard output")
        wanted = "offloadsim: error: policy 'mypolicy' " + re.escape(message) + \
            WHERE.format("device") + "\n"
        expect(re.fullmatch(wanted, done.stderr), f"{done.stderr!r} is not {wanted!r}")

    return case


def goes_in_circles(program):
    """A policy that never answers would run for ever."""
    compile_example(program, (BODY, BODY + "    if (view->device == 0) return policy_compute(0, 0);"
                              "\n"))
    done = run(program, "{mypolicy: 0.5}", "--jobs", "1", status=1)
    expect_in("policy 'mypolicy' has come to no end after 60000 decisions: policy_compute(0, 0) "
              "for sample 0 of device 0 at time ", done.stderr, "message")


def same_failure_again(program):
    """The message names a sample that can be met again."""
    compile_example(program, (BODY, BODY + "    if (view->now_s > 5) return policy_drop(3);\n"))
    first, second = (run(program, "{mypolicy: 0.5}", "--jobs", "1", "-n", "1", status=1).stderr
                     for _ in range(2))
    expect_equal(second, first, "message of the second run")
    expect_in("policy_drop(3) for sample ", first, "message")


# ---- documentation ----


def blocks(program, language):
    """The fenced blocks of the tutorial that are marked with this language."""
    text = (program.root / "docs" / "your-own-policy.md").read_text()
    return [block for kind, block in
            re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
            if kind == language]


def tutorial_shows_the_example(program):
    expect_equal(len(blocks(program, "c")), 3, "blocks of C")
    for block in blocks(program, "c"):
        expect_in(block, example(program), "docs/plugin-example/mypolicy.c")


def tutorial_works(program):
    """Its commands, as they stand there, in a folder with the example and the scenario."""
    (commands,) = blocks(program, "sh")
    scenario(program)
    shutil.copy(program.root / "docs" / "plugin-example" / "mypolicy.c", program.folder)
    (program.folder / "offloadsim").symlink_to(program.path)
    done = subprocess.run(["sh", "-ec", f"PATH='{program.folder}':$PATH\n{commands}"],
                          cwd=program.folder, env={**installed()[1], "LC_ALL": "C.UTF-8"},
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
                          timeout=120)
    expect_equal(done.returncode, 0, f"exit status; {done.stderr}")
    expect_in("mypolicy", done.stdout, "output")


def tutorial_quotes_errors(program):
    """The two messages that it shows are what is printed."""
    declaration, misdeed = blocks(program, "")
    compile_example(program, (".api = POLICY_API_VERSION", ".api = POLICY_API_VERSION - 1"),
                    as_name="old")
    path = program.folder / scenario(program)
    with path.open("a") as file:
        file.write("plugins: [old.so]\n")
    found = program.run("check", path.name, status=2).stderr
    line = len(path.read_text().splitlines())
    shown = re.sub(r"hi-digits.yaml:\d+:", f"hi-digits.yaml:{line}:", declaration)
    expect_equal(found, re.sub(r"^   \d+ \|", f"{line:5} |", shown, flags=re.MULTILINE),
                 "first message")
    compile_example(program, ("policy_answer(view->latest->exit)", "policy_answer(7)"))
    found = program.run("run", scenario(program), "--no-store", "--jobs", "1", "--set",
                        "plugins=mypolicy.so", "--set", "policy={mypolicy: 0.607}", status=1)
    expect_equal(found.stderr, misdeed, "second message")


def page_is_up_to_date(program):
    page = (program.root / "docs" / "policies.md").read_text()
    found = program.run("policies", "--format", "md").stdout
    expect(page == found, "docs/policies.md is out of date: write it anew with "
                          "'offloadsim policies --format md > docs/policies.md'")


CASES = (
    [("header and pkg-config file are installed", header_is_installed),
     ("examples compile without warnings", examples_compile_without_warnings),
     ("the example equals hi_threshold", equals_built_in),
     ("the same on any number of threads", same_on_threads),
     ("named in a scenario", listed_in_the_scenario),
     ("explained by 'policies'", explained),
     ("a learner is explained", learner_is_explained),
     ("a learner comes near the best threshold", learner_comes_near_the_best),
     ("a learner needs feedback", learner_needs_feedback),
     ("a learner is the same on any number of threads", learner_is_the_same_on_threads),
     ("bad parameters", bad_parameters),
     ("another build is another policy", another_build_is_another_policy),
     ("complete points stay", complete_points_stay),
     ("no shared object", no_shared_object),
     ("clashing names", clashing_names),
     ("a missing plug-in hides no other error", missing_plugin_is_the_only_error),
     ("a scenario that does not fit", unfit_scenario)]
    + [(f"refused: {name}", refused(edits, message, hint))
       for name, edits, message, hint in DECLARATIONS]
    + [(f"misbehaves: {action}", misbehaves(action, message)) for action, message in MISDEEDS]
    + [("goes in circles", goes_in_circles),
       ("the same failure again", same_failure_again),
       ("the tutorial shows the example", tutorial_shows_the_example),
       ("the tutorial's commands work", tutorial_works),
       ("the tutorial quotes what is printed", tutorial_quotes_errors),
       ("docs/policies.md is up to date", page_is_up_to_date)])

if __name__ == "__main__":
    sys.exit(main(CASES))
