// SPDX-License-Identifier: GPL-3.0-or-later

// When replications stop, or a run, because an interval is narrow enough.

#include "scenario/grammar_parts.h"
#include "scenario/spec.h"

#define UNTIL_OFFSET(member) offsetof(struct spec_until, member)

static const struct field until_fields[] = {
    {.name = "metric",
     .offset = UNTIL_OFFSET(metric),
     .type = {.kind = FIELD_TEXT},
     .meaning = "the metric whose interval has to be narrow, by its name in the results"},
    {.name = "relative",
     .offset = UNTIL_OFFSET(relative),
     .type = {.kind = FIELD_NUMBER, ABOVE(0, 1)},
     .flags = FIELD_OPTIONAL,
     .meaning = "half width that is wanted, as a share of the estimate"},
    {.name = "absolute",
     .offset = UNTIL_OFFSET(absolute),
     .type = {.kind = FIELD_NUMBER, ABOVE(0, MOST_NUMBER)},
     .flags = FIELD_OPTIONAL,
     .meaning = "half width that is wanted, in the unit of the metric (s, J, B, /s)"},
    {.name = "confidence",
     .offset = UNTIL_OFFSET(confidence),
     .type = {.kind = FIELD_NUMBER,
              .least = 0.5,
              .most = 1,
              .flags = FIELD_OPEN_LEAST | FIELD_OPEN_MOST},
     .flags = FIELD_OPTIONAL,
     .meaning = "of the interval that is looked at; left out, the scenario's"},
    {.name = "least",
     .offset = UNTIL_OFFSET(least),
     .type = {.kind = FIELD_INTEGER, RANGE(5, MOST_COUNT)},
     .default_text = "10",
     .meaning = "replications, or antithetic pairs, that run in any case, before the width is "
                "looked at first; not with intervals: batch_means, whose run is looked at first "
                "when it is as long as stop says"},
    {.name = "most",
     .offset = UNTIL_OFFSET(most),
     .type = {.kind = FIELD_INTEGER, RANGE(5, MOST_COUNT)},
     .default_text = "1000",
     .meaning = "replications after which this rule gives up; with intervals: batch_means, how "
                "many times as long as stop says the run becomes before it does"},
    {.name = NULL},
};

const struct field_type grammar_until = {
    .kind = FIELD_OBJECT, .noun = "rule", .fields = until_fields};
