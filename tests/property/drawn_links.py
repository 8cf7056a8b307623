# SPDX-License-Identifier: GPL-3.0-or-later
"""Random links: rates, delays, and what may befall them."""

from dice import distribution, in_bytes, number, seconds, states


class Links:
    def repetition(self):
        """Of a file: nothing gets through after its end if it is not repeated."""
        start = {"start": self.dice.one("random", seconds(0))}
        return {"repeat": False} if self.rarely(0.2) else start

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
            unit = dice.one({}, {"time_unit": "min"})
            return {"trace": {"file": name, "time": "t", **unit, "rate": "rate",
                              "rate_unit": "B/s", **self.repetition()}}
        if kind == "mahimahi":
            name = f"rate{len(self.files)}.up"
            times = sorted(dice.whole(1, 500) for _ in range(dice.whole(1, 400)))
            if stop:  # something can go in every millisecond
                times = sorted(times + list(range(1, times[-1] + 1)))
            self.files[name] = "".join(f"{time}\n" for time in times)
            return {"mahimahi": {"file": name, **self.repetition()}}
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
            link["radio"] = dice.one({"send": "1 W", "receive_per_byte": "1e-6 J/B"},
                                     {"send_per_byte": "1e-6 J/B", "receive": "0.5 W"})
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
                            **dice.one({"per": "message"}, {"per": "packet", "packet": "500 B"}),
                            "retries": dice.whole(0, 3)}
        if dice.chance(0.15):
            starts = [dice.between(0, 3), dice.between(5, 8)]
            period = {"period": "10 s"} if dice.chance(0.5) else {}
            link["outages"] = dice.one(
                {"random": {"every": distribution(dice, 20, seconds),
                            "last": distribution(dice, 0.5, seconds)}},
                {"schedule": {"starts": [seconds(start) for start in starts],
                              "lasts": [seconds(dice.between(0.1, 2)) for _ in starts], **period}})
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
