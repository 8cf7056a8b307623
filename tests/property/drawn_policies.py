# SPDX-License-Identifier: GPL-3.0-or-later
"""Random policies that can work in the world that was drawn."""

from dice import in_bytes, number, seconds


class Policies:
    """What follows needs of a maker: dice, tiers, computes (whether each tier above the first
    does), exits by model, layers, family, source, features and has_training."""

    def theta(self):
        return number(self.dice.one(0.5, 0.0, 1.0, self.dice.between(0, 1)))

    def thetas(self, count):
        """One for all, or one for each."""
        return self.dice.one(self.theta(), [self.theta() for _ in range(count)])

    def with_some(self, policy, optional):
        """A policy with what it needs, and with some of what it can have beside."""
        (name, parameters), = policy.items()
        if name != "local" and self.dice.chance(0.3):
            parameters["when_lost"] = self.dice.one("local", "drop", "again")
        for key, value in optional.items():
            if self.dice.chance(0.3):
                parameters[key] = value
        return {name: parameters} if parameters else name

    def net_of(self, tier):
        if self.family == "deep":
            return "net"
        return "small" if tier == self.tiers[0] else tier + "net"

    def somewhere(self, able, name_of_model):
        """A tier, its model, or both; the model alone is that of the highest tier."""
        tier = self.dice.one(*able)
        return self.dice.one({}, {}, {"tier": tier},
                             {"tier": tier, name_of_model: self.net_of(tier)},
                             {name_of_model: self.net_of(able[-1])})

    def hi_threshold(self, able):
        policy = {"theta": [self.theta() for _ in able]}
        looks = self.rarely(0.3)
        if looks:
            policy.update(self.dice.one({"load_aware": "0.5 /s"}, {"deadline_aware": True}))
        models = [self.net_of(tier) for tier in [self.tiers[0], *able]]
        return self.with_some({"hi_threshold": policy},
                              {"models": models, **({"forget": "3 s"} if looks else {})})

    def dimee(self, pools):
        """The features of random traces say nothing; they send samples to any tier."""
        dice = self.dice
        layers, first = self.layers["net"], self.exits["net"][0]
        optional = {"mu": number(dice.spread(0.01, 10)), "escalate": True, "model": "net"}
        policy = {}
        if not self.has_training or dice.chance(0.3):
            policy["centroids"] = [number(dice.between(-1, 1))
                                   for _ in range(pools * len(self.features))]
        if not self.has_training or dice.chance(0.3):
            policy["alpha"] = self.theta()
            optional["most_drop"] = number(dice.between(0, 1))
        elif dice.chance(0.5):
            policy["alpha"] = [self.theta() for _ in range(2)]
        if self.has_training:
            optional["metric"] = "mahalanobis"
        if int(layers / 2 ** (pools - 1) + 0.5) < first or dice.chance(0.3):
            depths = sorted(dice.whole(first, layers) for _ in range(pools - 1))
            policy["depths"] = [*depths, layers]
        return self.with_some({"dimee": policy}, optional)

    def partition(self, able):
        optional = {"model": "net", "most_bytes": in_bytes(self.dice.spread(10, 20000)),
                    "without": self.dice.one(self.dice.one(*able), able)}
        policy = {"minimise": self.dice.one("latency", "energy", "cost"), "when": "static"}
        if self.rarely(0.5):
            policy["when"] = "dynamic"
            optional["refresh"] = seconds(self.dice.spread(0.1, 100))
        return self.with_some({"partition": policy}, optional)

    def with_exits(self, first, able):
        """Policies that look at a model's exits, and go to a tier above."""
        dice = self.dice
        early = len(self.exits[first]) - 1
        found = []
        if early:
            # Only the first tier's model has several exits, unless all tiers have one together.
            tier = dice.one(self.tiers[0], *(able if first == "net" else []))
            found.append(self.with_some({"early_exit": {"thresholds": self.thetas(early)}},
                                        {"tier": tier, "model": first}))
        if not able:
            return found
        if self.family == "own" and early:
            found.append(self.with_some(
                {"ee_hi": {"thresholds": self.thetas(early), "theta": self.theta(),
                           **self.somewhere(able, "large")}}, {"small": "small"}))
        if self.family == "deep" and early:
            found.append(self.with_some(
                {"split_exit": {"split": dice.one(*self.exits[first][:-1]),
                                "alpha": self.theta()}},
                {"model": "net", "tier": dice.one(*able)}))
        if self.family == "deep" and self.features:
            found += [self.dimee(1 + len(able)), self.dimee(1 + len(able))]
        return found

    def policies(self):
        dice = self.dice
        first = self.net_of(self.tiers[0])
        able = [tier for tier, can in zip(self.tiers[1:], self.computes) if can]
        found = [self.with_some({"local": {}}, {"model": first})]
        if able:
            found.append(self.with_some({"full_offload": self.somewhere(able, "model")}, {}))
            found.append(self.with_some(
                {"random": {"p": number(dice.one(0, 1, dice.between(0, 1))),
                            **self.somewhere(able, "model")}}, {"local_model": first}))
        if self.source != "none":
            if able:
                found += ["oracle", self.hi_threshold(able)]
            found += self.with_exits(first, able)
        if self.family == "deep" and able:
            found.append(self.partition(able))
        chosen = [policy for policy in found if dice.chance(0.5)][:2 if self.is_long else 4]
        return chosen or [dice.one(*found)]
