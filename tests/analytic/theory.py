# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests against closed forms share: formulas, the judgement, and how rows are told."""

import sys


def most_replications():
    """`--replications N`, for slow builds: no row has more."""
    if "--replications" in sys.argv:
        return int(sys.argv[sys.argv.index("--replications") + 1])
    return 1000


# Of the intervals. A slow build is to run; whether its numbers are right, which are the same, the
# others tell.
CONFIDENCE = 0.99 if most_replications() >= 20 else 0.9999


def erlang_b(servers, load):
    """Erlang's loss formula by its recursion (Kleinrock 1975, sec. 3.6)."""
    blocked = 1.0
    for k in range(1, servers + 1):
        blocked = load * blocked / (k + load * blocked)
    return blocked


def erlang_c(servers, load):
    """Probability of waiting in M/M/c (Kleinrock 1975, sec. 3.5)."""
    blocked = erlang_b(servers, load)
    return blocked / (1 - load / servers * (1 - blocked))


def holds(theory, estimate, off=0):
    """What does not vary between replications has no interval; it must be right to rounding. A
    theory that holds in a limit only may be `off` by so much."""
    if estimate["mean"] is None:
        return False
    room = max((estimate["half_width"] or 0) + off, 1e-12 * abs(theory))
    return abs(estimate["mean"] - theory) <= room


def tell(rows, as_page):
    """Prints rows (name, theories, point or None, error) as TAP, or as a table of a page."""
    if as_page:
        print("| case | metric | theory | simulated | 99 % half width | holds |")
        print("|---|---|---:|---:|---:|---|")
    else:
        print(f"1..{sum(len(theories) for _, theories, _, _ in rows)}")
    number = 0
    for name, theories, point, error in rows:
        for metric, theory in theories.items():
            number += 1
            if point is None:
                print(f"not ok {number} - {name}: {metric}")
                print("# " + error.replace("\n", "\n# "))
                continue
            estimate = point["metrics"][metric]
            good = holds(theory, estimate)
            if as_page:
                print(f"| {name} | {metric} | {theory:.6g} | {estimate['mean']:.6g} | "
                      f"{estimate['half_width']:.2g} | {'yes' if good else 'NO'} |")
            else:
                print(f"{'ok' if good else 'not ok'} {number} - {name}: {metric}")
                if not good:
                    print(f"# theory {theory:.9g}, simulated {estimate['mean']} "
                          f"+- {estimate['half_width']}")
