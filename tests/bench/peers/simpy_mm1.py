# SPDX-License-Identifier: GPL-3.0-or-later
"""The queue of scenarios/mm1.yaml on SimPy: a process makes customers, another serves them.

usage: simpy_mm1.py CUSTOMERS SEED

Prints the mean time from arrival to departure, in seconds.
"""

import random
import sys

import simpy


def make(environment, store, customers, source):
    for _ in range(customers):
        store.put(environment.now)
        yield environment.timeout(source.expovariate(0.9))


def serve(environment, store, customers, source, waits):
    for _ in range(customers):
        arrived = yield store.get()
        yield environment.timeout(source.expovariate(1.0))
        waits[0] += environment.now - arrived


def main():
    customers, seed = int(sys.argv[1]), int(sys.argv[2])
    source = random.Random(seed)
    environment = simpy.Environment()
    store = simpy.Store(environment)
    waits = [0.0]
    environment.process(make(environment, store, customers, source))
    environment.process(serve(environment, store, customers, source, waits))
    environment.run()
    print(f"{waits[0] / customers:.9g}")


if __name__ == "__main__":
    main()
