# SPDX-License-Identifier: GPL-3.0-or-later
"""Other simulators that do the same M/M/1 queue as scenarios/mm1.yaml.

Those that Debian packages offer; each has a small program in tests/bench/peers, written as its
manual would have it and in the fastest of the ways that were tried. All do the same work: Poisson
arrivals, exponential service, one server, first in first out, and the mean time from arrival to
departure, 10 s, which is checked.
"""

import math
import pathlib
import shlex
import subprocess
import typing

from measuring import ROOT, CannotMeasure, measured

FOLDER = pathlib.Path(__file__).resolve().parent / "peers"
BUILT = ROOT / "build" / "peers"
DEBIAN_PYTHON = "/usr/bin/python3"  # the one that Debian's modules are for



class Peer(typing.NamedTuple):
    name: str
    package: str
    library: str  # its name for pkg-config; None: a module of Python
    source: str
    customers: int  # that take a second or two
    goal: tuple  # of how much faster offloadsim is


PEERS = (
    Peer("ns-3 core", "libns3-dev", "ns3-core", "ns3_mm1.cc", 4_000_000, ("least", 10)),
    Peer("SimGrid", "libsimgrid-dev", "simgrid", "simgrid_mm1.cc", 1_000_000, None),
    Peer("SimPy", "python3-simpy3", None, "simpy_mm1.py", 500_000, ("least", 100)),
)

MEAN_S = 10


def standard_error_s(customers):
    """Of the mean wait of so many successive customers of M/M/1 at load 0.9 and mean service 1 s:
    Daley, "The serial correlation coefficients of waiting times in a stationary single server
    queue", J. Austral. Math. Soc. 8, 1968."""
    load = 0.9
    sum_of_correlations = load * (2 + 5 * load - 4 * load**2 + load**3) / (1 - load) ** 4
    return math.sqrt(sum_of_correlations / customers)


def install():
    subprocess.run(["apt-get", "install", "--yes", "--no-install-recommends",
                    *(peer.package for peer in PEERS)], check=True)


def ask(words):
    """What a command prints, or None if it fails."""
    done = subprocess.run(words, text=True, check=False, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL)
    return done.stdout.strip() if done.returncode == 0 else None


class Runner:
    """A peer that can be run, and what its runs took."""

    def __init__(self, peer, customers):
        self.peer = peer
        self.customers = customers
        self.times = []
        self.means_s = []
        source = FOLDER / peer.source
        if peer.library:
            version = ask(["pkg-config", "--modversion", peer.library])
            self.words = [BUILT / source.stem]
        else:
            version = ask([DEBIAN_PYTHON, "-c", "import simpy; print(simpy.__version__)"])
            self.words = [DEBIAN_PYTHON, source]
        if not version:
            raise CannotMeasure(f"{peer.package} is not installed")
        self.name = f"{peer.name} {version}"
        if peer.library:
            flags = ask(["pkg-config", "--cflags", "--libs", peer.library])
            BUILT.mkdir(parents=True, exist_ok=True)
            subprocess.run(["c++", "-O3", "-DNDEBUG", "-std=c++17", source, "-o", self.words[0],
                            *shlex.split(flags)], check=True)

    def run(self, seed):
        taken = measured([*self.words, self.customers, seed])
        self.times.append(taken.processor_s)
        self.means_s.append(float(taken.output))

    def agreement(self):
        """Checks the mean latency of all runs against theory, by four standard errors."""
        mean_s = sum(self.means_s) / len(self.means_s)
        bound_s = 4 * standard_error_s(self.customers * len(self.means_s))
        if abs(mean_s - MEAN_S) > bound_s:
            raise CannotMeasure(f"{self.name}: a mean latency of {mean_s:.3f} s is not within"
                                f" {MEAN_S} ± {bound_s:.3f} s, so it does not do the same")
        return f"mean latency {mean_s:.2f} s, to be within {MEAN_S} ± {bound_s:.2f} s"
