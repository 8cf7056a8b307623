# SPDX-License-Identifier: GPL-3.0-or-later
"""Random scenarios, all of them valid: number N of a seed is always the same one.

make(seed, number) gives the files of a scenario by name; 'scenario.yaml' is the scenario itself.
About two thirds are plain: every queue is first-in-first-out with room for all, and policies look
at nothing but the sample, so that a replication can go from station to station without an event
queue. The others may have anything.

Loads are drawn, and rates of arrivals follow from them, so that queues are empty, busy or beyond
what they can do about equally often.
"""

import random

TIERS = ["device", "edge", "fog", "cloud"]


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


class Maker:
    def __init__(self, seed, index):
        self.dice = Dice(seed, index)
        self.index = index
        self.is_plain = self.dice.chance(0.7)
        # Stretches of time that go from station to station have some thousand samples.
        self.is_long = self.dice.chance(0.12)
        self.files = {}
        self.columns = []  # of the trace: (name, function that draws a cell)
        self.rows = 0

    def rarely(self, p):
        """Whether there is something that a plain scenario has not."""
        return not self.is_plain and self.dice.chance(p)

    # ---- samples and models ----

    def add_confidence(self, exit_name):
        dice = self.dice
        # Few different values meet thresholds exactly.
        confidence = dice.one(lambda: number(dice.between(0, 1)),
                              lambda: number(dice.whole(0, 10) / 10))
        self.columns.append((exit_name + "_conf", confidence))
        says = {"confidence": exit_name + "_conf"}
        if self.label and dice.chance(0.5):
            self.columns.append((exit_name + "_pred", lambda: dice.whole(0, self.label - 1)))
            return {**says, "prediction": exit_name + "_pred"}
        share = dice.between(0.3, 1)
        self.columns.append((exit_name + "_ok", lambda: int(dice.chance(share))))
        return {**says, "correct": exit_name + "_ok"}

    def model(self, name, layers, exits):
        dice = self.dice
        model = {"layers": layers} if layers > 1 else {}
        if layers > 1:
            model["output"] = [in_bytes(dice.one(0, dice.whole(1, 20000), dice.spread(0.5, 5000)))
                               for _ in range(layers)]
        after = sorted({dice.whole(1, layers) for _ in range(exits - 1)} - {layers}) + ["last"]
        model["exits"] = {}
        for place in after:
            exit_name = f"{name}e{place}"
            says = {}
            if self.source == "trace":
                says = self.add_confidence(exit_name)
            elif self.source == "generated":
                says = {"outcome": exit_name}
            model["exits"][f"e{place}"] = {"after": place, **says}
        self.models[name] = model
        self.layers[name] = layers
        self.exits[name] = [layers if place == "last" else place for place in after]

    def make_models(self):
        dice = self.dice
        self.source = dice.one("trace", "trace", "trace", "trace", "generated", "none")
        self.label = dice.one(0, 2, 10)
        self.models, self.layers, self.exits = {}, {}, {}
        self.tiers = TIERS[:dice.one(1, 2, 2, 2, 3, 3, 4)]
        if len(self.tiers) > 1 and dice.chance(0.3):
            self.tiers[-1] = "cloud"
        # 'own': each tier has a model; 'deep': one with layers that each can run part of.
        self.family = dice.one("own", "own", "deep")
        if self.family == "deep":
            self.model("net", dice.whole(2, 6), dice.whole(1, 4))
        else:
            self.model("small", *dice.one((1, 1), (1, 1), (1, 1), (4, 3)))
            for tier in self.tiers[1:]:
                self.model(tier + "net", 1, 1)

    def generated_file(self):
        dice = self.dice
        lines = ["generator: drawn", "quantiles: [0, 0.3, 0.7, 1]"]
        if self.label:
            lines.append(f"classes: {yaml([1.0 / self.label] * self.label)}")
        lines.append("exits:")
        names = [f"{name}{exit_name}" for name, model in self.models.items()
                 for exit_name in model["exits"]]
        for name in names:
            confidence = sorted(dice.between(0, 1) for _ in range(4))
            right = [dice.between(0.2, 1) for _ in range(3)]
            ties = {}
            if name != names[0]:
                ties = {"confidence_with": dice.one(0, 0.3), "right_with": dice.one(0, 0.3)}
            lines.append(f"  {name}: {yaml({'confidence': confidence, 'right': right, **ties})}")
        self.files["generated.yaml"] = "\n".join(lines) + "\n"

    def make_samples(self):
        dice = self.dice
        samples = {}
        if self.source == "trace":
            samples["trace"] = "trace.csv"
            samples["order"] = dice.one("as_is", "shuffle", "resample")
            if self.label:
                samples["label"] = "label"
                self.columns.append(("label", lambda: dice.whole(0, self.label - 1)))
            if dice.chance(0.3):
                samples["train"] = 0.3
                self.has_training = True
                self.has_features = dice.chance(0.7)
            if self.has_features:
                samples["features"] = ["f1", "f2"]
                self.columns += [(name, lambda: number(dice.between(-1, 1)))
                                 for name in samples["features"]]
        if self.source == "generated":
            samples["generated"] = "generated.yaml"
        self.payload_mean = dice.one(0, 0, 100, dice.spread(10, 1e5))
        if self.payload_mean:
            samples["payload"] = distribution(dice, self.payload_mean, in_bytes)
            if self.source == "trace" and dice.chance(0.3):
                samples["payload"] = {"column": "bytes"}
                self.columns.append(("bytes", lambda: number(dice.between(0, 2)
                                                             * self.payload_mean)))
        samples["answer"] = dice.one("free", in_bytes(0), in_bytes(16), in_bytes(1000))
        if dice.chance(0.4):
            samples["deadline"] = seconds(dice.spread(0.001, 10))
        return samples

    # ---- computing ----

    def service(self, mean):
        if mean == 0:
            return seconds(0)
        if self.source == "trace" and self.dice.chance(0.08):
            name = f"time{len(self.columns)}"
            self.columns.append((name, lambda: number(self.dice.between(0, 2) * mean)))
            return {"column": name}
        return distribution(self.dice, mean, seconds)

    def times(self, name, mean):
        layers = self.layers[name]
        if layers == 1:
            return self.service(mean)
        return [self.service(mean / layers * self.dice.one(0, 1, 1, 2)) for _ in range(layers)]

    def queueing(self, compute, is_first, has_times_of_batches):
        """All that makes a queue other than plain."""
        dice = self.dice
        discipline = dice.one("fifo", "fifo", "priority", "preemptive", "shortest", "sharing")
        if has_times_of_batches:
            discipline = dice.one("fifo", "priority", "shortest")
        if discipline != "fifo":
            compute["discipline"] = discipline
        can_leave = discipline != "sharing"
        if can_leave and dice.chance(0.15) and compute["servers"] > 1:
            compute["speeds"] = [number(dice.between(0.5, 2)) for _ in range(compute["servers"])]
            del compute["servers"]
        if has_times_of_batches:
            compute["batch"] = {"most": dice.whole(1, 8),
                                "wait": seconds(dice.one(0, 0.001, 0.02))}
        if dice.chance(0.3):
            compute["room"] = dice.one(0, 1, 5, 50)
            if not is_first and dice.chance(0.4):
                compute["full"] = "block"
                self.blocking = True
        if can_leave and dice.chance(0.2) and compute.get("room") != 0:
            compute["patience"] = seconds(dice.spread(0.03, 3))
        if dice.chance(0.2):
            compute["failures"] = {"every": distribution(dice, dice.spread(1, 100), seconds),
                                   "repair": distribution(dice, dice.spread(0.01, 2), seconds)}
            if can_leave:
                compute["failures"]["jobs"] = dice.one("resume", "lose")
        if can_leave and dice.chance(0.15):
            compute["cold_start"] = {"idle": seconds(dice.one(0, 0.01, 0.1)),
                                     "time": distribution(dice, 0.05, seconds)}
        if can_leave and dice.chance(0.15) and "servers" in compute:
            compute["scaling"] = {"least": 1, "most": compute["servers"] + 2,
                                  "every": seconds(dice.spread(0.05, 5)),
                                  "start": seconds(dice.one(0, 0.1)),
                                  **dice.one({"utilisation": 0.7}, {"queue": 2})}

    def compute(self, names, mean, is_first):
        """A node that runs these models, in `mean` each."""
        dice = self.dice
        compute = {"servers": dice.one(1, 1, 1, 2, 4)}
        has_batches = self.rarely(0.15)
        if has_batches:
            compute["time"] = {name: {"linear": {"base": seconds(mean / 2),
                                                 "each": seconds(mean / 2)}}
                               for name in names if self.layers[name] == 1}
            has_batches = len(compute["time"]) == len(names)
        if not has_batches:
            compute["time"] = {name: self.times(name, mean) for name in names}
        self.capacity = compute["servers"] / mean if mean else float("inf")
        if dice.chance(0.3):
            idle = dice.between(0, 1)
            compute["power"] = {"active": number(idle + dice.between(0, 2)) + " W",
                                "idle": number(idle) + " W"}
        if dice.chance(0.2):
            compute["energy"] = {name: number(dice.between(0, 1)) + " J" for name in names
                                 if self.layers[name] == 1}
            if not compute["energy"]:
                del compute["energy"]
        if not self.is_plain and dice.chance(0.5):
            self.queueing(compute, is_first, has_batches)
        elif has_batches:
            compute["batch"] = {"most": 4}
        return compute

    # ---- arrivals ----

    def arrivals(self, rate, devices, is_class):
        """How samples arise at each of so many devices, `rate` a second at each."""
        dice = self.dice
        kind = dice.one("poisson", "poisson", "gamma", "deterministic", "deterministic", "mmpp",
                        "on_off", "times", "trace")
        frequency = lambda value: number(value) + " /s"
        if self.rarely(0.15):
            kind = "closed"
        if kind == "trace" and (self.source != "trace" or is_class):
            kind = "poisson"
        if kind == "poisson":
            return {"poisson": frequency(rate)}
        if kind == "gamma":
            return {"gamma": {"rate": frequency(rate), "cv": dice.spread(0.1, 5)}}
        if kind == "deterministic":
            phase = dice.one({}, {}, {"phase": "random"}, {"phase": seconds(0.5 / rate)})
            return {"deterministic": {"period": seconds(1 / rate), **phase}}
        if kind == "mmpp":
            count = dice.whole(2, 3)
            rates = [frequency(rate * factor) for factor in (2, 0, 0.7)[:count]]
            stays = [seconds(dice.spread(1, 100) / rate) for _ in range(count)]
            return {"mmpp": {"rates": rates, "stays": stays, **states(dice, count)}}
        if kind == "on_off":
            return {"on_off": {"rate": frequency(3 * rate),
                               "on": distribution(dice, 10 / rate, seconds),
                               "off": distribution(dice, 20 / rate, seconds)}}
        if kind == "times":
            how = dice.one({"to": "each"}, {"to": "deal", "repeat": dice.chance(0.6)})
            return {"times": {"file": self.times_file(), "rate": frequency(rate), **how}}
        if kind == "trace":
            if "arrived" not in [name for name, _ in self.columns]:
                clock = [0.0]

                def later():
                    clock[0] += dice.one(0, dice.between(0, 2) / rate)
                    return repr(clock[0])
                self.columns.append(("arrived", later))
            self.order = "as_is"
            return {"trace": {"column": "arrived"}}
        think = distribution(dice, dice.one(0.5, 1) / rate, seconds)
        return {"closed": {"in_flight": dice.whole(1, 4), "think": think}}

    def times_file(self):
        if "times.csv" not in self.files:
            time, lines = 0.0, ["t"]
            for _ in range(self.dice.whole(2, 200)):
                lines.append(repr(time))
                time += self.dice.one(0, 1, self.dice.between(0, 3))
            lines.append(repr(time + 1))
            self.files["times.csv"] = "\n".join(lines) + "\n"
        return "times.csv"

    def add_arrivals(self, place, rate, devices, is_class):
        dice = self.dice
        place["arrivals"] = self.arrivals(rate, devices, is_class)
        kind = next(iter(place["arrivals"]))
        self.kinds.append(kind)
        if kind in ("trace", "closed"):
            return
        self.total_rate += rate * devices
        if dice.chance(0.15):
            step = dice.spread(10, 500) / (rate * devices)
            profile = {"times": [seconds(0), seconds(step), seconds(3 * step)],
                       "factors": [1, number(dice.between(0, 3)), dice.one(0, 0.5, 2)]}
            if profile["factors"][2] == 0 or dice.chance(0.6):
                profile["period"] = seconds(4 * step)
            place["profile"] = profile
        if self.rarely(0.15):
            place["bursts"] = {"every": distribution(dice, 50 / (rate * devices), seconds),
                               "samples": dice.whole(1, 3),
                               "spread": seconds(dice.one(0, 0.1 / rate))}

    # ---- tiers and links ----

    def devices_of(self, tier, count, is_class):
        """Arrivals and compute of the first tier, or of a class of it."""
        dice = self.dice
        names = ["net"] if self.family == "deep" else ["small"]
        mean = dice.one(0, dice.spread(0.001, 0.1), dice.spread(0.001, 0.1), 0.01)
        compute = self.compute(names, mean, True)
        load = dice.one(0.05, 0.3, 0.7, 0.95, 1.3)
        rate = load * self.capacity if mean else dice.spread(1, 100)
        # What lies above is shared by all devices.
        tier["compute"] = compute
        self.add_arrivals(tier, max(rate / dice.one(1, 1, count), 1e-6), count, is_class)

    def make_first_tier(self):
        dice = self.dice
        tier = {"name": "device"}
        count = dice.one(1, 1, 2, 3, 5, 20, 100, 1500)
        if dice.chance(0.7):
            tier["nodes"] = count
            self.devices_of(tier, count, False)
            self.devices = count
            return tier
        tier["classes"] = []
        for k in range(dice.one(1, 2, 2, 3, 40)):
            nodes = dice.one(1, 2, 7, count)
            entry = {"name": f"k{k}", "nodes": nodes}
            self.devices_of(entry, nodes, True)
            if dice.chance(0.3):
                entry["deadline"] = seconds(dice.spread(0.001, 10))
            if dice.chance(0.3):
                entry["payload"] = distribution(dice, dice.spread(10, 1e5), in_bytes)
            if dice.chance(0.3):
                entry["priority"] = dice.whole(0, 3)
            tier["classes"].append(entry)
            self.devices += nodes
        return tier

    def upper_tier(self, name, is_last):
        dice = self.dice
        tier = {"name": name, "nodes": dice.one(1, 1, 1, 2, 3, 7)}
        if not is_last and dice.chance(0.1):
            self.computes.append(False)
            return tier  # passes samples on
        names = ["net"] if self.family == "deep" else [name + "net"]
        rate = self.total_rate or 10
        mean = dice.one(0, 1, 1, 1) * dice.one(0.05, 0.3, 0.8, 1.5) * tier["nodes"] / rate
        tier["compute"] = self.compute(names, mean, False)
        if tier["nodes"] > 1 and self.rarely(0.5):
            tier["balance"] = dice.one("home", "round_robin", "random", "shortest_queue",
                                       "two_choices", "least_wait")
        if self.rarely(0.3):
            tier["reports"] = {"every": seconds(dice.spread(0.05, 5)),
                               "delay": seconds(dice.one(0, 0.01))}
        self.computes.append(True)
        return tier

    def rate(self, mean):
        """Of one direction of a link."""
        dice = self.dice
        size = lambda value: number(max(value, 1)) + " B/s"
        kind = dice.one("unlimited", "constant", "constant", "steps", "trace", "mahimahi",
                        "markov", "gilbert_elliott")
        if kind == "unlimited":
            return "unlimited"
        if kind == "constant":
            return size(mean)
        stop = 0 if self.rarely(0.5) else 0.1
        step = dice.spread(0.1, 10)
        if kind == "steps":
            steps = {"times": [seconds(0), seconds(step), seconds(2.5 * step)],
                     "rates": [size(mean * factor) if factor else "0 B/s"
                               for factor in (1, stop, 2)]}
            if dice.chance(0.7):
                steps["period"] = seconds(4 * step)
                steps["start"] = dice.one("random", seconds(step))
            return {"steps": steps}
        if kind == "trace":
            name = f"rate{len(self.files)}.csv"
            lines = ["t,rate"] + [f"{number(k * step)},{number(mean * dice.between(0.1, 2))}"
                                  for k in range(dice.whole(2, 30))]
            self.files[name] = "\n".join(lines) + "\n"
            return {"trace": {"file": name, "time": "t", "rate": "rate", "rate_unit": "B/s",
                              "start": dice.one("random", seconds(0))}}
        if kind == "mahimahi":
            name = f"rate{len(self.files)}.up"
            times = sorted(dice.whole(1, 500) for _ in range(dice.whole(1, 400)))
            if stop:  # something can go in every millisecond
                times = sorted(times + list(range(1, times[-1] + 1)))
            self.files[name] = "".join(f"{time}\n" for time in times)
            return {"mahimahi": {"file": name, "start": dice.one("random", seconds(0))}}
        if kind == "markov":
            count = dice.whole(2, 3)
            return {"markov": {"rates": [size(mean * factor) if factor else "0 B/s"
                                         for factor in (1, stop, 2)[:count]],
                               "stays": [seconds(step)] * count, **states(dice, count)}}
        return {"gilbert_elliott": {"good": size(mean), "bad": size(mean / 5) if stop else "0 B/s",
                                    "good_stay": seconds(step), "bad_stay": seconds(step / 3)}}

    def link(self, lower, upper, lower_nodes):
        dice = self.dice
        link = {"from": lower, "to": upper}
        if dice.chance(0.7):
            link["count"] = dice.whole(1, min(lower_nodes, 4))
        media = link.get("count", lower_nodes)
        rate = self.total_rate or 10
        size = max(self.payload_mean, 50)
        link["up"] = self.rate(rate * size / media / dice.one(0.1, 0.5, 1.2))
        link["down"] = self.rate(rate * 500 / media / dice.one(0.1, 0.5, 1.2))
        if dice.chance(0.6):
            link["delay"] = distribution(dice, dice.spread(0.001, 0.1), seconds)
        if dice.chance(0.5):
            link["overhead"] = in_bytes(dice.one(1, 40, 74))
        if dice.chance(0.3):
            link["radio"] = {"send": "1 W", "receive_per_byte": "1e-6 J/B"}
        if not self.is_plain:
            self.impair(link)
        return link

    def impair(self, link):
        """What may befall a link that is not plain."""
        dice = self.dice
        if dice.chance(0.2) and not self.blocking:
            link["sharing"] = "fair"
        if dice.chance(0.15) and not self.blocking:
            link["duplex"] = "half"
        if dice.chance(0.2):
            link["loss"] = {"probability": number(dice.between(0, 0.4)),
                            "per": dice.one("message", "packet"), "retries": dice.whole(0, 3)}
        if dice.chance(0.15):
            link["outages"] = {"random": {"every": distribution(dice, 20, seconds),
                                          "last": distribution(dice, 0.5, seconds)}}
        if dice.chance(0.2):
            link["room"] = dice.one(0, 1, 10)
        if dice.chance(0.3):
            link["probe"] = seconds(dice.spread(0.1, 5))

    def make_links(self, tiers):
        dice = self.dice
        nodes = [self.devices] + [tier["nodes"] for tier in tiers[1:]]
        names = [tier["name"] for tier in tiers]
        pairs = [(k, k + 1) for k in range(len(names) - 1)]
        if len(names) > 2 and dice.chance(0.4):
            pairs.append((0, len(names) - 1))
        links = [self.link(names[low], names[high], nodes[low]) for low, high in pairs]
        classes = tiers[0].get("classes")
        if links and classes and dice.chance(0.3):
            own = self.link(names[0], names[1], classes[0]["nodes"])
            links.append({**own, "class": classes[0]["name"]})
        return links

    # ---- policies ----

    def policies(self):
        dice = self.dice
        has_confidence = self.source != "none"
        theta = lambda: dice.one(0.5, 0.0, 1.0, dice.between(0, 1))
        found = ["local"]
        first = "net" if self.family == "deep" else "small"
        if len(self.tiers) > 1:
            tier = dice.one(*[name for name, can in zip(self.tiers[1:], self.computes) if can])
            found.append(dice.one("full_offload", {"full_offload": {"tier": tier}}))
            found.append({"random": {"p": number(dice.one(0, 1, dice.between(0, 1)))}})
            if has_confidence:
                found.append("oracle")
                hi = {"theta": [number(theta()) for _ in range(sum(self.computes))]}
                if self.rarely(0.3):
                    hi["load_aware"] = "0.5 /s"
                if self.rarely(0.2):
                    hi["deadline_aware"] = True
                found.append({"hi_threshold": hi})
        if has_confidence:
            exits = len(self.exits[first])
            if exits > 1:
                found.append({"early_exit": {"thresholds": number(theta())}})
            if self.family == "own" and len(self.tiers) > 1 and exits > 1:
                found.append({"ee_hi": {"thresholds": [number(theta())] * (exits - 1),
                                        "theta": number(theta())}})
            if self.family == "deep" and len(self.tiers) > 1 and exits > 1:
                found.append({"split_exit": {"split": self.exits[first][0],
                                             "alpha": number(theta())}})
        if self.family == "deep" and len(self.tiers) > 1:
            when = dice.one("static", "dynamic") if not self.is_plain else "static"
            found.append({"partition": {"minimise": dice.one("latency", "energy", "cost"),
                                        "when": when}})
        chosen = [policy for policy in found if dice.chance(0.5)][:2 if self.is_long else 4]
        return chosen or [dice.one(*found)]

    def prices(self, links):
        dice = self.dice
        prices = {"error": 1, "offload": number(dice.between(0, 1)),
                  "latency": number(dice.between(0, 1)) + " /s", "energy": "0.1 /J",
                  "byte": "1e-6 /B", "layer": 0.01, "deadline_miss": 0.5, "drop": 2}
        if links and dice.chance(0.5):
            prices["offload"] = {f"{links[0]['from']}-{links[0]['to']}": 0.3}
            if "class" in links[0]:
                del prices["offload"]
        return {name: price for name, price in prices.items() if dice.chance(0.5)}

    # ---- the run ----

    def stop(self):
        dice = self.dice
        samples = dice.one(1, 2, 50, 300, 1000, 3000)
        if self.is_long:
            samples = dice.whole(8000, 24000)
        if dice.chance(0.25) and self.total_rate:
            length = max(samples, 50) / self.total_rate
            warmup = dice.one("none", {"time": seconds(length / 5)}, "auto")
            return {"time": seconds(length)}, warmup
        warmup = dice.one("none", "none", {"samples": samples // 4}, "auto")
        if self.total_rate and dice.chance(0.2):
            warmup = {"time": seconds(samples / 4 / self.total_rate)}
        return {"samples": samples}, warmup

    def make(self):
        dice = self.dice
        self.blocking = self.has_features = self.has_training = False
        self.order = None
        self.total_rate, self.devices, self.capacity = 0.0, 0, 1.0
        self.kinds, self.computes = [], []
        self.make_models()
        samples = self.make_samples()
        tiers = [self.make_first_tier()]
        tiers += [self.upper_tier(name, name == self.tiers[-1]) for name in self.tiers[1:]]
        links = self.make_links(tiers)
        stop, warmup = self.stop()
        world = {"scenario": f"random-{self.index}", "seed": dice.whole(0, 1000), "stop": stop,
                 "warmup": warmup, "replications": 1 if self.is_long else 2,
                 "samples": samples, "models": self.models, "tiers": tiers, "links": links,
                 "policy": self.policies(), "prices": self.prices(links)}
        if self.order:
            samples["order"] = self.order
        if not links:
            del world["links"]
        if dice.chance(0.1) and self.total_rate:
            world["drift"] = [{"at": seconds(30 / self.total_rate),
                               "arrivals": number(dice.between(0.2, 2))}]
        if dice.chance(0.2) and not self.is_long:
            world["antithetic"] = True
        if self.rarely(0.15):
            world["control_variates"] = True
        elif self.is_long and self.rarely(0.5):
            world["intervals"] = "batch_means"
        if self.label and dice.chance(0.4) and self.source != "none":
            world["measure"] = {"labels": True}
        if dice.chance(0.15):
            world["feedback"] = {"when": dice.one("offloaded", "always"),
                                 "delay": seconds(dice.one(0, 0.1))}
        if self.source == "trace":
            self.write_trace()
        if self.source == "generated":
            self.generated_file()
        self.files["scenario.yaml"] = self.write(world)
        return self.files

    def write_trace(self):
        count = self.dice.one(1, 2, 5, 50, 300)
        if self.has_training:
            count += 20
        lines = [",".join(name for name, _ in self.columns)]
        lines += [",".join(str(draw()) for _, draw in self.columns) for _ in range(count)]
        self.files["trace.csv"] = "\n".join(lines) + "\n"

    @staticmethod
    def write(world):
        lines = []
        for key, value in world.items():
            if isinstance(value, list) and isinstance(value[0], dict):
                lines.append(f"{key}:")
                lines += [f"  - {yaml(item)}" for item in value]
            else:
                lines.append(f"{key}: {yaml(value)}")
        return "\n".join(lines) + "\n"


def make(seed, index):
    return Maker(seed, index).make()
