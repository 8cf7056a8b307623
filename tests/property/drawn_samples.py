# SPDX-License-Identifier: GPL-3.0-or-later
"""Random samples, and the files that say what they and the layers of models are."""

from dice import distribution, in_bytes, number, seconds, yaml


class Samples:
    """Columns are (name, function that draws a cell), and of a trace with a row for each sample
    and exit those that all rows of a sample share; `exit_rows` is then what each exit says."""

    def make_source(self):
        dice = self.dice
        self.source = dice.one("trace", "trace", "trace", "trace", "generated", "none")
        self.label = dice.one(0, 2, 10)
        self.columns, self.exit_rows, self.profile = [], [], None
        self.is_by_exit = self.source == "trace" and dice.chance(0.15)
        self.has_predictions = self.label > 0 and dice.chance(0.5)

    # ---- what exits say ----

    def outcome(self, exit_name, own_name):
        """Where the outcomes of an exit are, as keys of the exit."""
        dice = self.dice
        if self.source == "generated":
            # An exit of the generator with the model's own name for it needs no mention.
            return {"outcome": exit_name}
        if self.source == "none":
            return {}
        # Few different values meet thresholds exactly.
        confidence = dice.one(lambda: number(dice.between(0, 1)),
                              lambda: number(dice.whole(0, 10) / 10))
        share = dice.between(0.3, 1)
        predicted = lambda: dice.whole(0, self.label - 1)
        is_right = lambda: int(dice.chance(share))
        if self.is_by_exit:
            value = own_name if self.family == "deep" and dice.chance(0.5) else exit_name
            self.exit_rows.append(
                (value, confidence, predicted if self.has_predictions else is_right))
            return {} if value == own_name else {"value": value}
        self.columns.append((exit_name + "_conf", confidence))
        says = {"confidence": exit_name + "_conf"}
        if self.label and dice.chance(0.5):
            self.columns.append((exit_name + "_pred", predicted))
            return {**says, "prediction": exit_name + "_pred"}
        self.columns.append((exit_name + "_ok", is_right))
        return {**says, "correct": exit_name + "_ok"}

    def of_trace(self):
        dice = self.dice
        samples = {"trace": "trace.csv", "order": dice.one("as_is", "shuffle", "resample")}
        if self.is_by_exit:
            samples.update({"layout": "long", "sample": "id", "exit": "exit", "confidence": "conf",
                            **({"prediction": "says"} if self.has_predictions
                               else {"correct": "says"})})
        if self.label:
            samples["label"] = "label"
            self.columns.append(("label", lambda: dice.whole(0, self.label - 1)))
        if dice.chance(0.5 if self.family == "deep" else 0.2):
            samples["train"] = 0.3
            self.has_training = True
        if dice.chance(0.8 if self.has_training else 0.1):
            self.features = samples["features"] = ["f1", "f2"]
            self.columns += [(name, lambda: number(dice.between(-1, 1))) for name in self.features]
        return samples

    def of_generator(self):
        samples = {"generated": "generated.yaml"}
        if self.dice.chance(0.5):
            self.features = samples["features"] = ["f1", "f2"]
        if self.features and self.dice.chance(0.7):
            samples["train_samples"] = 50
            self.has_training = True
        return samples

    def make_samples(self):
        dice = self.dice
        samples = {}
        if self.source == "trace":
            samples = self.of_trace()
        elif self.source == "generated":
            samples = self.of_generator()
        self.payload_mean = dice.one(0, 0, 100, dice.spread(10, 1e5))
        if self.payload_mean:
            samples["payload"] = distribution(dice, self.payload_mean, in_bytes)
            if self.source == "trace" and dice.chance(0.3):
                samples["payload"] = self.column("bytes", self.payload_mean, "kB", 1e3)
        samples["answer"] = dice.one("free", in_bytes(0), in_bytes(16), in_bytes(1000))
        if dice.chance(0.4):
            samples["deadline"] = seconds(dice.spread(0.001, 10))
        return samples

    def column(self, name, mean, unit, divisor):
        """Numbers of this mean in a column of the trace, perhaps in a unit of their own."""
        divisor = self.dice.one(1, divisor)
        self.columns.append((name, lambda: number(self.dice.between(0, 2) * mean / divisor)))
        return {"column": {"name": name, "unit": unit} if divisor != 1 else name}

    # ---- files ----

    def generated_file(self, file):
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
        if self.features:
            lines += ["pools: [0.3, 0.6]", "features:"]
            lines += [f"  {name}: {{mean: [-1, 0, 1], spread: [1, 0.5, 1]}}"
                      for name in self.features]
        self.files[file] = "\n".join(lines) + "\n"

    def write_trace(self, file):
        dice = self.dice
        count = dice.one(1, 2, 5, 50, 300)
        if dice.chance(0.02):
            count = dice.one(5000, 20000, 70000)  # orders of more than 2^16 rows have no tables
        if self.has_training:
            count += 20
        header = [name for name, _ in self.columns]
        rows = [[draw() for _, draw in self.columns] for _ in range(count)]
        if self.is_by_exit:
            header += ["id", "exit", "conf", "says"]
            rows = [[*row, f"s{k}", value, confidence(), says()]
                    for k, row in enumerate(rows) for value, confidence, says in self.exit_rows]
            if dice.chance(0.5):
                rows.sort(key=lambda row: row[-3])
        self.files[file] = "".join(",".join(map(str, row)) + "\n" for row in [header, *rows])

    # ---- profiles of layers ----

    def make_profile(self, outputs):
        """A file with the times of layers on each platform, in columns with any names and units.
        What nodes ask of it comes later."""
        dice = self.dice
        self.profile = {"outputs": outputs, "platforms": [("spare", [1.0] * len(outputs))],
                        "is_plain": dice.chance(0.4), "has_inputs": dice.chance(0.5)}
        if self.profile["is_plain"]:
            return dice.one("layers.csv", {"file": "layers.csv"})
        return {"file": "layers.csv", "where": {"net": "this"}, "platform": "board",
                **({"layer": "op", "inputs": "fed_by"} if self.profile["has_inputs"]
                   else {"layer": ["block", "op"]}),
                "time": "t", "time_unit": "ms", "output": "out", "output_unit": "kB"}

    def add_platform(self, times):
        name = f"p{len(self.profile['platforms'])}"
        self.profile["platforms"].append((name, times))
        return name

    def write_profile(self):
        """Of another network than `where` asks for, too."""
        if self.profile["is_plain"]:
            lines = ["platform,name,time_s,output_bytes"]
            lines += [f"{platform},l{k},{number(time)},{number(size)}"
                      for platform, times in self.profile["platforms"]
                      for k, (time, size) in enumerate(zip(times, self.profile["outputs"]))]
        else:
            lines = ["net,board,block,op,fed_by,t,out"]
            lines += [f"{net},{platform},b{k // 2},l{k},{f'l{k - 1}' if k else ''},"
                      f"{number(1e3 * time)},{number(size / 1e3)}"
                      for net in ("other", "this") for platform, times in self.profile["platforms"]
                      for k, (time, size) in enumerate(zip(times, self.profile["outputs"]))]
        self.files["layers.csv"] = "\n".join(lines) + "\n"
