#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks that random scenarios say all that a scenario can say.

usage: check_vocabulary.py OFFLOADSIM [--count N]

Every key of `offloadsim keys`, and every word that a key can have, is in some of the first N
scenarios of scenarios.py, or in NOT_DRAWN below with the reason why not.
"""

import argparse
import json
import re
import subprocess
import sys

import scenarios

NOT_DRAWN = {
    "plugins": "policies of one's own are compiled and run by tests/plugin",
    "sweep": "it is for another command, whose points tests/cli compares with runs",
}


def words_of(row):
    """The words among which a key chooses, beside its default: all, or those in quotes."""
    plain = re.split(", | or ", row["type"])
    words = plain if all(re.fullmatch("[a-z0-9_]+", word) for word in plain) and plain[1:] else \
        re.findall("'(.*?)'", row["type"])
    return [word for word in words if word != row["default"]]


class Vocabulary:
    """The keys of the reference, in tiers and classes of devices, and up and down, alike."""

    def __init__(self, reference):
        self.rows, self.children, self.words = {}, {}, {}
        for row in reference:
            key = self.folded(row["key"])
            self.rows.setdefault(key, row)
            for path in (row["key"], key):
                parts = path.split(".")
                for k, part in enumerate(parts):
                    names = self.children.setdefault(".".join(parts[:k]), [])
                    if part not in names:
                        names.append(part)
        self.unseen = set(self.rows)
        for key, row in self.rows.items():
            if key not in self.children:
                self.unseen.update(f"{key}: {word}" for word in words_of(row))

    @staticmethod
    def folded(key):
        key = re.sub(r"\.classes\.CLASS\b", "", key)
        return re.sub(r"^links\.FROM-TO\.down\b", "links.FROM-TO.up", key)

    def see(self, key, value):
        """What is said under a key, as the value of a scenario."""
        key = self.folded(key)
        self.unseen.discard(key)
        names = self.children.get(key, [])
        placeholder = next((name for name in names if name.isupper()), None)
        if isinstance(value, list):
            for item in value:
                self.see(f"{key}.{placeholder}" if placeholder and isinstance(item, dict) else key,
                         item)
        elif isinstance(value, dict):
            known = self.rows.keys() | self.children.keys()
            items = self.children.get(f"{key}.{placeholder}", [])
            if placeholder and set(value) <= set(items) - {"linear", "table"}:
                self.see(f"{key}.{placeholder}", value)  # one in place of a list
                return
            for name, item in value.items():
                where = f"{key}." if key else ""
                if self.folded(where + name) in known:
                    self.see(where + name, item)
                elif name in self.children["DISTRIBUTION"]:
                    self.see("DISTRIBUTION." + name, item)
                elif placeholder:
                    self.see(where + placeholder, item)
                elif "names of" not in self.rows[key]["type"]:
                    raise KeyError(f"'{name}' below '{key}'")
        else:
            word = ("true" if value else "false") if isinstance(value, bool) else str(value)
            self.unseen.discard(f"{key}: {word}")
            if word in names:
                self.see(f"{key}.{word}", True)
            elif names and key in self.rows and not placeholder and value is not True:
                self.see(f"{key}.{names[0]}", value)  # 'poisson: 3 /s' states the rate
            elif "its distribution" in self.rows.get(key, {}).get("type", ""):
                self.see("DISTRIBUTION.constant", value)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--count", type=int, default=3000)
    arguments = parser.parse_args()
    listed = subprocess.run([arguments.program, "keys", "--format", "json"], check=True, text=True,
                            stdout=subprocess.PIPE, timeout=60).stdout
    vocabulary = Vocabulary(json.loads(listed))
    known = set(vocabulary.unseen)
    number = 0
    while number < arguments.count and vocabulary.unseen - set(NOT_DRAWN):
        maker = scenarios.Maker(1, number)
        maker.make()
        vocabulary.see("", maker.world)
        number += 1
    print("1..3")
    failed = 0
    for line, (what, found) in enumerate((
            (f"all keys and words are in {number} scenarios, or NOT_DRAWN says why not",
             vocabulary.unseen - set(NOT_DRAWN)),
            ("what NOT_DRAWN lists is in the reference", set(NOT_DRAWN) - known),
            ("what NOT_DRAWN lists is not drawn", set(NOT_DRAWN) & known - vocabulary.unseen)), 1):
        print(f"{'not ok' if found else 'ok'} {line} - {what}")
        for key in sorted(found):
            print(f"# {key}")
        failed += bool(found)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
