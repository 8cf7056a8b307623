# SPDX-License-Identifier: GPL-3.0-or-later
"""How what a run costs grows with what there is more of, one series each.

Figures are medians of whole commands, without a database but where a sweep is stored. A straight
line in the figures is a cost in proportion: what is drawn is the cost of one.
"""

import dataclasses
import re
import shutil
import statistics
import subprocess

from measuring import measured, peak_bytes, seconds

HI_THRESHOLD = "policy={hi_threshold: {theta: [0.607]}}"


@dataclasses.dataclass
class Curve:
    """Lines of a table; the first column is what grows, `drawn` names those of the figure."""

    name: str
    columns: list
    lines: list
    drawn: list
    unit: str  # of what is drawn

    def as_json(self):
        return {"name": self.name,
                "lines": [dict(zip(self.columns, line)) for line in self.lines]}


def cost(bench, words):
    """Medians of wall and of processor seconds, and the peak memory in MB."""
    takes = [measured(words) for _ in range(bench.runs)]
    return (statistics.median(taken.wall_s for taken in takes),
            statistics.median(taken.processor_s for taken in takes), peak_bytes(words) / 1e6)


def samples(bench):
    """Wall time and memory against samples."""
    lines = []
    for number in (10_000, 100_000, 1_000_000, *([] if bench.is_quick else [10_000_000])):
        line = [number]
        for scenario, settings in (("mm1", []), ("hi-digits", [HI_THRESHOLD])):
            wall_s, own_s, peak_mb = cost(bench, bench.words("run", scenario, samples=number,
                                                             settings=settings))
            line += [wall_s, 1e9 * own_s / number, peak_mb]
        lines.append(line)
    return [Curve("samples", ["samples", "mm1, s", "mm1, ns a sample", "mm1, MB", "hi-digits, s",
                              "hi-digits, ns a sample", "hi-digits, MB"], lines,
                  ["mm1, ns a sample", "hi-digits, ns a sample"], "ns a sample")]


def devices(bench):
    """Wall time and memory against devices that share 100 samples a second, as in hi-digits."""
    few, many = bench.size(100_000), bench.size(2_000_000)
    lines = []
    for number in (10, 100, 1000, 10_000, 100_000, 1_000_000):
        settings = [HI_THRESHOLD, f"tiers.device.nodes={number}",
                    f"tiers.device.arrivals={{poisson: {100 / number!r} /s}}"]
        short, long = (bench.words("run", "hi-digits", samples=count, settings=settings)
                       for count in (few, many))
        set_up_s, _, _ = cost(bench, bench.words("run", "hi-digits", samples=1, settings=settings))
        _, short_s, _ = cost(bench, short)
        wall_s, long_s, peak_mb = cost(bench, long)
        lines.append([number, set_up_s, wall_s, 1e9 * (long_s - short_s) / (many - few), peak_mb,
                      *instructions_and_misses(short, bench.words(
                          "run", "hi-digits", samples=2 * few, settings=settings), few)])
    return [Curve("devices", ["devices", "set-up, s", f"{many:,} samples, s", "ns a sample", "MB",
                              "instructions a sample", "cache misses a sample (L1)",
                              "cache misses a sample (last)"], lines, ["ns a sample"],
                  "ns a sample")]


def instructions_and_misses(short, long, samples_more):
    """Of one sample, by valgrind's model of the caches: the difference of two runs. A first level
    of 32 KiB and a last one of 2 MiB, whatever the machine has."""
    if not shutil.which("valgrind"):
        return ["-", "-", "-"]
    counts = []
    for words in (short, long):
        out = subprocess.run(
            ["valgrind", "--tool=cachegrind", "--cache-sim=yes", "--cachegrind-out-file=/dev/null",
             "--I1=32768,8,64", "--D1=32768,8,64", "--LL=2097152,16,64",
             *(str(word) for word in words)],
            text=True, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE).stderr
        counts.append([int(re.search(what + r":\s+([\d,]+)", out).group(1).replace(",", ""))
                       for what in ("I +refs", "D1 +misses", "LLd misses")])
    return [(b - a) / samples_more for a, b in zip(*counts)]


def chain(number):
    """Samples that pass through all of so many tiers, a link between each two, to the last."""
    names = [f"tier{tier}" for tier in range(number)]
    text = ["scenario: chain", "seed: 1", "replications: 1", "stop: {samples: 1000}",
            "samples: {payload: {exponential: 1 kB}}", "models: {task: {}}", "tiers:"]
    for tier, name in enumerate(names):
        arrivals = "" if tier else "arrivals: {poisson: 0.7 /s}, "
        text.append(f"  - {{name: {name}, {arrivals}")
        text[-1] += "compute: {time: {task: {exponential: 1 s}}}}"
    if number > 1:
        text.append("links:")
    for below, above in zip(names, names[1:]):
        text.append(f"  - {{from: {below}, to: {above}, up: 1 kB/s, delay: 100 ms}}")
    policy = f"{{full_offload: {{tier: {names[-1]}}}}}" if number > 1 else "local"
    text.append(f"policy: {policy}")
    return "\n".join(text) + "\n"


def tiers(bench):
    """Wall time against tiers in a row, a link between each two; all samples go to the last."""
    number_of_samples = bench.size(1_000_000)
    lines = []
    for number in (1, 2, 4, 8, 16):
        path = bench.folder / f"chain-{number}.yaml"
        path.write_text(chain(number), encoding="ascii")
        wall_s, own_s, peak_mb = cost(bench, bench.words("run", path, samples=number_of_samples))
        ns = 1e9 * own_s / number_of_samples
        lines.append([number, wall_s, ns, ns / number, peak_mb])
    return [Curve("tiers", ["tiers", f"{number_of_samples:,} samples, s", "ns a sample",
                            "ns a sample and tier", "MB"], lines, ["ns a sample and tier"],
                  "ns a sample and tier")]


def points(bench):
    """Wall time against points of a sweep that is stored, 10,000 samples each, two threads."""
    lines = []
    for number in (1, 10, 100, 1000):
        values = f"range(0.5,{0.5 + 0.0004 * (number - 1):.4f},0.0004)"
        settings = [HI_THRESHOLD, f"policy.hi_threshold.theta={values}"]
        walls_s = [seconds(bench.words("sweep", "hi-digits", samples=10_000, jobs=2,
                                       store=bench.new_database(), settings=settings))
                   for _ in range(bench.runs)]
        peak_mb = peak_bytes(bench.words("sweep", "hi-digits", samples=10_000, jobs=2,
                                         store=bench.new_database(), settings=settings)) / 1e6
        wall_s = statistics.median(walls_s)
        lines.append([number, wall_s, 1000 * wall_s / number, peak_mb])
    return [Curve("points", ["points", "s", "ms a point", "MB"], lines, ["ms a point"],
                  "ms a point")]


def thread_series(bench):
    """Wall time against threads, of twelve replications of hi-digits."""
    number_of_samples = bench.size(500_000)
    lines = []
    for number in (1, 2, 3, 4):
        wall_s, _, peak_mb = cost(bench, bench.words("run", "hi-digits", samples=number_of_samples,
                                                     jobs=number, replications=12,
                                                     settings=[HI_THRESHOLD]))
        alone_s = lines[0][1] if lines else wall_s
        lines.append([number, wall_s, alone_s / wall_s, peak_mb])
    return [Curve("threads", ["threads", "s", "times as fast as one", "MB"], lines,
                  ["times as fast as one"], "times as fast as one")]


SERIES = {
    "grow-samples": samples,
    "grow-devices": devices,
    "grow-tiers": tiers,
    "grow-points": points,
    "grow-threads": thread_series,
}
