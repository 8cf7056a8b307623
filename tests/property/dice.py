# SPDX-License-Identifier: GPL-3.0-or-later
"""What random scenarios are drawn with, and how their values are written."""

import random


class Dice:
    """What is drawn, by name of what is wanted rather than of how."""

    def __init__(self, seed, number):
        self.random = random.Random(f"{seed}/{number}")

    def chance(self, p):
        return self.random.random() < p

    def one(self, *values):
        return values[int(self.random.random() * len(values))]

    def between(self, low, high):
        return low + (high - low) * self.random.random()

    def whole(self, low, high):
        return low + int(self.random.random() * (high - low + 1))

    def spread(self, low, high):
        """Every order of magnitude is equally likely."""
        return low * (high / low) ** self.random.random()


def number(value):
    return f"{value:.6g}"


def seconds(value):
    return number(value) + " s"


def in_bytes(value):
    return number(value) + " B"


def yaml(value):
    """Flow style, with plain words only."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {yaml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(yaml(item) for item in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return number(value) if isinstance(value, float) else str(value)


def distribution(dice, mean, unit):
    """Of this mean, or near it; `unit` writes a value."""
    kind = dice.one("plain", "plain", "constant", "uniform", "exponential", "exponential",
                    "lognormal", "gamma", "weibull", "hyperexponential", "pareto", "empirical")
    if kind == "plain":
        return unit(mean)
    if kind == "constant":
        return {"constant": unit(mean)}
    if kind == "uniform":
        low = mean * dice.one(0, 0.5, 0.9)
        return {"uniform": {"from": unit(low), "to": unit(2 * mean - low)}}
    if kind == "exponential":
        return {"exponential": unit(mean)}
    if kind == "empirical":
        values = [unit(mean * factor) for factor in (0.5, 1, 1, 1.5)]
        weights = {"weights": [1, 2, 0.5, 3]} if dice.chance(0.5) else {}
        return {"empirical": {"values": values, **weights}}
    shape = {"lognormal": {"cv": dice.between(0.1, 3)},
             "gamma": {"cv": dice.between(0.2, 2)},
             "weibull": {"shape": dice.between(0.6, 4)},
             "hyperexponential": {"cv": dice.between(1, 4)},
             "pareto": {"shape": dice.between(1.5, 5)}}
    return {kind: {"mean": unit(mean), **shape[kind]}}


def states(dice, count):
    """What comes after each state of a Markov chain, or nothing: any other."""
    if count == 1 or dice.chance(0.5):
        return {}
    return {"next": [[1 if to == (row + 1) % count else 0 for to in range(count)]
                     for row in range(count)]}
