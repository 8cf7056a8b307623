# SPDX-License-Identifier: GPL-3.0-or-later
"""Random scenarios, all of them valid: number N of a seed is always the same one.

make(seed, number) gives the files of a scenario by name; 'scenario.yaml' is the scenario itself.
About two thirds are plain: every queue is first-in-first-out with room for all, perhaps in batches,
and policies look at nothing but the sample, so that a replication can go from station to station
without an event queue. The others may have anything.

Loads are drawn, and rates of arrivals follow from them, so that queues are empty, busy or beyond
what they can do about equally often.
"""

from dice import Dice, distribution, in_bytes, number, seconds, states, yaml
from drawn_links import Links
from drawn_policies import Policies
from drawn_samples import Samples

TIERS = ["device", "edge", "fog", "cloud"]


class Maker(Links, Policies, Samples):
    def __init__(self, seed, index):
        self.dice = Dice(seed, index)
        self.index = index
        self.is_plain = self.dice.chance(0.7)
        # Stretches of time that go from station to station have some thousand samples.
        self.is_long = self.dice.chance(0.12)
        self.files = {}

    def rarely(self, p):
        """Whether there is something that a plain scenario has not."""
        return not self.is_plain and self.dice.chance(p)

    # ---- samples and models ----

    def model(self, name, layers, exits):
        dice = self.dice
        model = {}
        if layers > 1:
            outputs = [dice.one(0, dice.whole(1, 20000), dice.spread(0.5, 5000))
                       for _ in range(layers)]
            if name == "net" and dice.chance(0.4):
                model["profile"] = self.make_profile(outputs)
            else:
                model.update({"layers": layers, "output": [in_bytes(size) for size in outputs]})
        after = sorted({dice.whole(1, layers) for _ in range(exits - 1)} - {layers}) + ["last"]
        model["exits"] = {f"e{place}": {"after": place,
                                        **self.outcome(f"{name}e{place}", f"e{place}")}
                          for place in after}
        self.models[name] = model
        self.layers[name] = layers
        self.exits[name] = [layers if place == "last" else place for place in after]

    def make_models(self):
        dice = self.dice
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

    # ---- computing ----

    def service(self, mean):
        if mean == 0:
            return seconds(0)
        if self.source == "trace" and self.dice.chance(0.08):
            return self.column(f"time{len(self.columns)}", mean, "ms", 1e-3)
        return distribution(self.dice, mean, seconds)

    def times(self, name, mean):
        layers = self.layers[name]
        if layers == 1:
            return self.service(mean)
        return [self.service(mean / layers * self.dice.one(0, 1, 1, 2)) for _ in range(layers)]

    def failures(self, compute, mean, can_leave):
        dice = self.dice
        every = distribution(dice, dice.spread(1, 100), seconds)
        jobs = dice.one("resume", "restart", "lose") if can_leave else "resume"
        if jobs == "restart":
            # What never gets through between two failures would have the run fail.
            every = {"exponential": seconds(max(1, 100 * mean))}
        compute["failures"] = {"every": every, "jobs": jobs,
                               "repair": distribution(dice, dice.spread(0.01, 2), seconds)}

    def speed_steps(self, compute):
        """In place of the active power."""
        dice = self.dice
        idle = dice.between(0, 1)
        compute["power"] = {"idle": number(idle) + " W"}
        compute["steps"] = [{"speed": 0.5, "active": number(idle + 0.5) + " W",
                             "most_present": dice.whole(1, 4)},
                            {"speed": dice.one(0.8, 1), "active": number(idle + 2) + " W"}]

    def batch_time(self, mean):
        """Of a batch, of which a sample takes `mean` alone, or the same whatever its size."""
        dice = self.dice
        kind = dice.one("linear", "table", "any")
        if kind == "linear":
            return {"linear": {"base": seconds(mean / 2), "each": seconds(mean / 2)}}
        if kind == "table":
            return {"table": {"sizes": [1, 3, 8],
                              "times": [seconds(mean * factor) for factor in (1, 2, 3)]}}
        return self.service(mean)

    def batch(self, mean):
        dice = self.dice
        self.batch_wait = dice.one(0, mean, 3 * mean, 0.001, 0.02, 1)
        return {"most": dice.one(1, 2, 4, 8, dice.whole(1, 40)),
                "wait": seconds(self.batch_wait)}

    def queueing(self, compute, mean, is_first):
        """All that makes a queue other than plain."""
        dice = self.dice
        discipline = dice.one("fifo", "fifo", "priority", "preemptive", "shortest", "sharing")
        if "batch" in compute:
            discipline = dice.one("fifo", "priority", "shortest")
        if discipline != "fifo":
            compute["discipline"] = discipline
        can_leave = discipline != "sharing"
        if can_leave and dice.chance(0.15) and compute["servers"] > 1:
            compute["speeds"] = [number(dice.between(0.5, 2)) for _ in range(compute["servers"])]
            del compute["servers"]
        if dice.chance(0.3):
            compute["room"] = dice.one(0, 1, 5, 50)
            if not is_first and dice.chance(0.4):
                compute["full"] = "block"
                self.blocking = True
        if can_leave and dice.chance(0.2) and compute.get("room") != 0:
            longest = self.batch_wait if "batch" in compute else 0
            compute["patience"] = seconds(1.01 * longest + dice.spread(0.03, 3))
        if dice.chance(0.2):
            self.failures(compute, mean, can_leave)
        if can_leave and dice.chance(0.15):
            compute["cold_start"] = {"idle": seconds(dice.one(0, 0.01, 0.1)),
                                     "time": distribution(dice, 0.05, seconds)}
        if can_leave and dice.chance(0.15):
            self.speed_steps(compute)
        if can_leave and dice.chance(0.15) and "servers" in compute:
            compute["scaling"] = {"least": 1, "most": compute["servers"] + 2,
                                  "every": seconds(dice.spread(0.05, 5)),
                                  "start": seconds(dice.one(0, 0.1)),
                                  **dice.one({"utilisation": 0.7}, {"queue": 2})}

    def compute(self, names, mean, is_first):
        """A node that runs these models, in `mean` each."""
        dice = self.dice
        compute = {"servers": dice.one(1, 1, 1, 2, 4)}
        if dice.chance(0.2):
            compute["batch"] = self.batch(mean)
        if self.profile and dice.chance(0.8):
            compute["platform"] = self.add_platform(
                [mean / self.layers["net"] * dice.between(0, 2)
                 for _ in range(self.layers["net"])])
        elif "batch" in compute:
            compute["time"] = {name: self.batch_time(mean) if self.layers[name] == 1
                               else self.times(name, mean) for name in names}
        else:
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
            self.queueing(compute, mean, is_first)
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
            what = dice.one({}, {"column": "t"}, {"column": "t", "unit": "h"})
            return {"times": {"file": self.times_file(), **what, "rate": frequency(rate), **how}}
        if kind == "trace":
            if "arrived" not in [name for name, _ in self.columns]:
                clock = [0.0]

                def later():
                    clock[0] += dice.one(0, dice.between(0, 2) / rate)
                    return repr(clock[0] * self.clock_unit)
                self.columns.append(("arrived", later))
                self.clock_unit = dice.one(1, 1000)
            self.order = "as_is"
            return {"trace": {"column": "arrived",
                              **({"unit": "ms"} if self.clock_unit != 1 else {})}}
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
                entry["deadline"] = dice.one("none", seconds(dice.spread(0.001, 10)))
            if dice.chance(0.3):
                entry["payload"] = distribution(dice, dice.spread(10, 1e5), in_bytes)
            if dice.chance(0.3):
                entry["priority"] = dice.whole(0, 3)
            if dice.chance(0.3):
                entry["weight"] = dice.one(0.5, 1, 3)
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

    def drift(self, links):
        """Changes within the run, of what can change."""
        dice = self.dice
        changes, at_s = [], 0.0
        for _ in range(dice.whole(1, 3)):
            at_s += dice.spread(1, 1000) / self.total_rate
            change = {}
            if dice.chance(0.5):
                change["arrivals"] = number(dice.between(0.2, 2))
            if links and dice.chance(0.5):
                link = dice.one(*links)
                first = f"{link['from']}.{link['class']}" if "class" in link else link["from"]
                stop = 0 if self.rarely(0.3) else 0.2
                change["links"] = {f"{first}-{link['to']}": dice.one(stop, 0.5, 2)}
                changes.append({"at": seconds(at_s), **change})
                # What stands still would otherwise do so for ever.
                at_s += 20 / self.total_rate
                change = {"links": {f"{first}-{link['to']}": 1}}
            if self.source != "none" and self.order is None and dice.chance(0.5):
                if self.source == "trace":
                    file = f"trace{len(changes)}.csv"
                    self.write_trace(file)
                else:
                    file = f"generated{len(changes)}.yaml"
                    self.generated_file(file)
                change["samples"] = {"trace" if self.source == "trace" else "generated": file}
            if change:
                changes.append({"at": seconds(at_s), **change})
        return changes

    def until(self, intervals, can_have_list):
        """How narrow an interval has to be; what gives up soon, too."""
        dice = self.dice
        rules = []
        for _ in range(dice.one(1, 2) if can_have_list else 1):
            rule = {"metric": dice.one("latency_mean_s", "cost_mean", "accuracy"),
                    **dice.one({"relative": number(dice.between(0.05, 0.5))}, {"absolute": 0.1})}
            if dice.chance(0.5):
                rule["confidence"] = 0.9
            if intervals == "replications":
                rule["least"] = 5
            rules.append({**rule, "most": 8})
        return rules if rules[1:] or dice.chance(0.2) else rules[0]

    def statistics(self, world):
        """How often a point runs, and what its intervals rest on."""
        dice = self.dice
        run = {"replications": 1 if self.is_long else 2}
        if dice.chance(0.2) and not self.is_long:
            run["antithetic"] = True
        if self.rarely(0.15):
            run["control_variates"] = True
        elif self.is_long and self.rarely(0.5):
            run["intervals"] = "batch_means"
        is_run = "intervals" in run
        if dice.chance(0.15) and (not self.is_long or is_run and "samples" in world["stop"]):
            del run["replications"]
            run["until"] = self.until(run.get("intervals", "replications"), not is_run)
        if dice.chance(0.2):
            run["confidence"] = 0.9
        if world["warmup"] == "none" and "time" in world["stop"] and dice.chance(0.5):
            run["transient"] = True
        return run

    def make(self):
        dice = self.dice
        self.blocking = self.has_training = False
        self.features = []
        self.order = None
        self.total_rate, self.devices, self.capacity = 0.0, 0, 1.0
        self.kinds, self.computes = [], []
        self.make_source()
        self.make_models()
        samples = self.make_samples()
        tiers = [self.make_first_tier()]
        tiers += [self.upper_tier(name, name == self.tiers[-1]) for name in self.tiers[1:]]
        links = self.make_links(tiers)
        stop, warmup = self.stop()
        world = {"scenario": f"random-{self.index}", "about": "drawn at random",
                 "seed": dice.whole(0, 1000), "stop": stop, "warmup": warmup, "samples": samples,
                 "models": self.models, "tiers": tiers, "links": links,
                 "policy": self.policies(), "prices": self.prices(links)}
        world.update(self.statistics(world))
        if self.order:
            samples["order"] = self.order
        if not links:
            del world["links"]
        if dice.chance(0.2) and self.total_rate:
            world["drift"] = self.drift(links)
        if not world.get("drift", True):
            del world["drift"]
        if self.label and dice.chance(0.4) and self.source != "none":
            world["measure"] = {"labels": True}
        if dice.chance(0.15):
            world["feedback"] = {"when": dice.one("offloaded", "always"),
                                 "delay": seconds(dice.one(0, 0.1))}
        if self.source == "trace":
            self.write_trace("trace.csv")
        elif self.source == "generated":
            self.generated_file("generated.yaml")
        if self.profile:
            self.write_profile()
        self.world = world
        self.files["scenario.yaml"] = self.write(world)
        return self.files

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
