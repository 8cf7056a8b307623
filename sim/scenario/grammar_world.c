// SPDX-License-Identifier: GPL-3.0-or-later

// Models, tiers and links.

#include "base/memory.h"
#include "scenario/grammar_parts.h"
#include "scenario/spec.h"

#include <math.h>

// ---- models ----

#define EXIT_OFFSET(member) offsetof(struct spec_exit, member)

static const struct field exit_fields[] = {
    {.name = "after",
     .offset = EXIT_OFFSET(after),
     .type = {.kind = FIELD_INTEGER,
              RANGE(1, MOST_COUNT),
              .flags = FIELD_FROM_ONE,
              .word = "last",
              .word_value = 0},
     .default_text = "last",
     .meaning = "layer behind which the exit stands, counted from 1"},
    {.name = "confidence",
     .offset = EXIT_OFFSET(confidence_column),
     .type = {.kind = FIELD_COLUMN},
     .flags = FIELD_OPTIONAL,
     .meaning = "wide layout: column with the confidence, 0 to 1"},
    {.name = "prediction",
     .offset = EXIT_OFFSET(prediction_column),
     .type = {.kind = FIELD_COLUMN},
     .flags = FIELD_OPTIONAL,
     .meaning = "wide layout: column with the predicted class, a whole number from 0"},
    {.name = "correct",
     .offset = EXIT_OFFSET(correct_column),
     .type = {.kind = FIELD_COLUMN},
     .flags = FIELD_OPTIONAL,
     .meaning = "wide layout: column that says whether the prediction is right: 0, 1, true or "
                "false; left out, it is right where it equals the label"},
    {.name = "value",
     .offset = EXIT_OFFSET(value),
     .type = {.kind = FIELD_TEXT},
     .flags = FIELD_OPTIONAL,
     .meaning = "long layout: what the exit column holds for this exit; left out, its name"},
    {.name = NULL},
};

static const struct field_type exit_type = {
    .kind = FIELD_OBJECT, .noun = "exit", .fields = exit_fields};
static const struct field_type exit_name = {
    .kind = FIELD_NAME, .noun = "exit", .punctuation = "-_"};

static const struct field model_fields[] = {
    {.name = "layers",
     .offset = offsetof(struct spec_model, layers),
     .type = {.kind = FIELD_INTEGER, RANGE(1, 10000)},
     .default_text = "1",
     .meaning = "number of layers: places where the model can be cut"},
    {.name = "exits",
     .offset = offsetof(struct spec_model, exits),
     .type = {.kind = FIELD_MAP,
              .flags = FIELD_NOT_EMPTY,
              .element = &exit_type,
              .element_bytes = sizeof(struct spec_exit),
              .key = &exit_name,
              .key_offset = EXIT_OFFSET(name),
              .count_offset = offsetof(struct spec_model, exit_count)},
     .flags = FIELD_OPTIONAL,
     .meaning = "where the model can answer; left out, one exit 'end' behind the last layer"},
    {.name = NULL},
};

const struct field_type grammar_model = {
    .kind = FIELD_OBJECT, .noun = "model", .fields = model_fields};
const struct field_type grammar_model_name = {
    .kind = FIELD_NAME, .noun = "model", .punctuation = "-_"};

// ---- tiers ----

#define ARRIVALS_OFFSET(member) offsetof(struct spec_arrivals, member)

static const struct field poisson_fields[] = {
    {.name = "rate",
     .offset = ARRIVALS_OFFSET(rate_per_s),
     .type = {.kind = FIELD_NUMBER, .dimension = DIMENSION_FREQUENCY, RANGE(1e-9, 1e9)},
     .meaning = "arrivals per second at each node"},
    {.name = NULL},
};

static const struct field deterministic_fields[] = {
    {.name = "period",
     .offset = ARRIVALS_OFFSET(period_s),
     .type = {.kind = FIELD_NUMBER, .dimension = DIMENSION_TIME, RANGE(1e-9, 1e9)},
     .meaning = "time from one arrival at a node to the next"},
    {.name = "phase",
     .offset = ARRIVALS_OFFSET(phase_s),
     .type = {.kind = FIELD_NUMBER, .dimension = DIMENSION_TIME, RANGE(0, MOST_TIME)},
     .default_text = "0 s",
     .meaning = "time of the first arrival"},
    {.name = NULL},
};

static const struct field closed_fields[] = {
    {.name = "in_flight",
     .offset = ARRIVALS_OFFSET(in_flight),
     .type = {.kind = FIELD_INTEGER, RANGE(1, MOST_COUNT)},
     .default_text = "1",
     .meaning = "samples of each node that are under way at any time"},
    {.name = "think",
     .offset = ARRIVALS_OFFSET(think),
     .type = DISTRIBUTION(DIMENSION_TIME, FIELD_NO_COLUMN),
     .default_text = "0 s",
     .meaning = "time from an answer to the next sample"},
    {.name = NULL},
};

static const struct field trace_arrival_fields[] = {
    {.name = "column",
     .offset = ARRIVALS_OFFSET(column),
     .type = {.kind = FIELD_COLUMN},
     .meaning = "column of the trace with times of arrival, which must not decrease"},
    {.name = "unit",
     .offset = ARRIVALS_OFFSET(column_scale),
     .type = {.kind = FIELD_UNIT, .dimension = DIMENSION_TIME},
     .default_text = "s",
     .meaning = "unit of the column"},
    {.name = NULL},
};

static const struct field_case arrival_cases[] = {
    {.name = "poisson",
     .value = ARRIVALS_POISSON,
     .fields = poisson_fields,
     .meaning = "independent of each other, at a rate"},
    {.name = "deterministic",
     .value = ARRIVALS_DETERMINISTIC,
     .fields = deterministic_fields,
     .meaning = "one after each period"},
    {.name = "closed",
     .value = ARRIVALS_CLOSED,
     .fields = closed_fields,
     .meaning = "a new sample for each answer"},
    {.name = "trace",
     .value = ARRIVALS_TRACE,
     .fields = trace_arrival_fields,
     .meaning = "at the times that the trace says"},
    {.name = NULL},
};

static const struct field_type layer_time = DISTRIBUTION(DIMENSION_TIME, 0);
static const struct field_type times_type = {
    .kind = FIELD_LIST,
    .flags = FIELD_OR_SINGLE,
    .element = &layer_time,
    .element_bytes = sizeof(struct distribution_parameters),
    .count_offset = offsetof(struct spec_time, layer_count),
};
static const struct field_type times_key = {
    .kind = FIELD_REFERENCE, .set = FIELD_MODELS, .noun = "model"};

static const struct field power_fields[] = {
    {.name = "active",
     .offset = offsetof(struct spec_compute, active_w),
     .type = {.kind = FIELD_NUMBER, .dimension = DIMENSION_POWER, RANGE(0, MOST_NUMBER)},
     .default_text = "0 W",
     .meaning = "power of a node with all its servers busy"},
    {.name = "idle",
     .offset = offsetof(struct spec_compute, idle_w),
     .type = {.kind = FIELD_NUMBER, .dimension = DIMENSION_POWER, RANGE(0, MOST_NUMBER)},
     .default_text = "0 W",
     .meaning = "power of a node with none busy"},
    {.name = NULL},
};

#define ROOM_TYPE                                                                                  \
    {                                                                                              \
        .kind = FIELD_LONG, RANGE(0, 1e12), .word = "unlimited", .word_value = -1                  \
    }

static const struct field compute_fields[] = {
    {.name = "servers",
     .offset = offsetof(struct spec_compute, servers),
     .type = {.kind = FIELD_INTEGER, RANGE(1, MOST_COUNT)},
     .default_text = "1",
     .meaning = "computations that a node can run at the same time"},
    {.name = "room",
     .offset = offsetof(struct spec_compute, room),
     .type = ROOM_TYPE,
     .default_text = "unlimited",
     .meaning = "samples that may wait at a node, beside those in service; more are dropped"},
    {.name = "time",
     .offset = offsetof(struct spec_compute, times),
     .type = {.kind = FIELD_MAP,
              .flags = FIELD_NOT_EMPTY,
              .element = &times_type,
              .element_bytes = sizeof(struct spec_time),
              .element_offset = offsetof(struct spec_time, layers),
              .key = &times_key,
              .key_offset = offsetof(struct spec_time, model),
              .count_offset = offsetof(struct spec_compute, time_count)},
     .meaning = "service time of each model that can run here; a list with one a layer for a model "
                "of several"},
    {.name = "power",
     .type = {.kind = FIELD_OBJECT, .fields = power_fields},
     .flags = FIELD_SECTION,
     .meaning = "electric power of a node, for the energy"},
    {.name = NULL},
};

#define TIER_OFFSET(member) offsetof(struct spec_tier, member)

static const struct field tier_fields[] = {
    {.name = "name",
     .offset = TIER_OFFSET(name),
     .type = {.kind = FIELD_NAME, .noun = "tier", .punctuation = "_"},
     .meaning = "what the tier is called"},
    {.name = "nodes",
     .offset = TIER_OFFSET(nodes),
     .type = {.kind = FIELD_INTEGER, RANGE(1, 1e7)},
     .default_text = "1",
     .meaning = "number of identical nodes"},
    {.name = "arrivals",
     .offset = TIER_OFFSET(arrivals),
     .type = {.kind = FIELD_VARIANT,
              .noun = "arrival process",
              .cases = arrival_cases,
              .kind_offset = ARRIVALS_OFFSET(kind)},
     .flags = FIELD_OPTIONAL,
     .meaning = "how samples arise at each node; the first tier has it, and no other"},
    {.name = "compute",
     .offset = TIER_OFFSET(compute),
     .type = {.kind = FIELD_OBJECT,
              .flags = FIELD_HAS_PRESENCE,
              .fields = compute_fields,
              .count_offset = offsetof(struct spec_compute, present)},
     .flags = FIELD_OPTIONAL,
     .meaning = "what a node can compute; left out, it only passes samples on"},
    {.name = NULL},
};

const struct field_type grammar_tier = {
    .kind = FIELD_OBJECT, .noun = "tier", .fields = tier_fields};

const char *grammar_tier_name(const void *item, const struct field_names *names,
                              struct arena *arena)
{
    (void)names;
    (void)arena;
    return ((const struct spec_tier *)item)->name;
}

// ---- links ----

#define LINK_OFFSET(member) offsetof(struct spec_link, member)
#define LINK_RATE                                                                                  \
    {                                                                                              \
        .kind = FIELD_NUMBER, .dimension = DIMENSION_RATE, RANGE(1e-3, MOST_NUMBER),               \
        .word = "unlimited", .word_value = INFINITY                                                \
    }

static const struct field link_fields[] = {
    {.name = "from",
     .offset = LINK_OFFSET(from),
     .type = {.kind = FIELD_REFERENCE, .set = FIELD_TIERS},
     .meaning = "the lower tier"},
    {.name = "to",
     .offset = LINK_OFFSET(to),
     .type = {.kind = FIELD_REFERENCE, .set = FIELD_TIERS},
     .meaning = "the higher tier"},
    {.name = "count",
     .offset = LINK_OFFSET(count),
     .type = {.kind = FIELD_INTEGER, RANGE(1, 1e7), .word = "each", .word_value = 0},
     .default_text = "each",
     .meaning = "parallel links, each shared by its part of the lower tier's nodes; 'each' gives "
                "every node its own"},
    {.name = "up",
     .offset = LINK_OFFSET(up_bytes_per_s),
     .type = LINK_RATE,
     .default_text = "unlimited",
     .meaning = "rate towards the higher tier"},
    {.name = "down",
     .offset = LINK_OFFSET(down_bytes_per_s),
     .type = LINK_RATE,
     .default_text = "unlimited",
     .meaning = "rate towards the lower tier"},
    {.name = "delay",
     .offset = LINK_OFFSET(delay),
     .type = DISTRIBUTION(DIMENSION_TIME, 0),
     .default_text = "0 s",
     .meaning = "propagation delay, each way, on top of the time that the bytes take"},
    {.name = "overhead",
     .offset = LINK_OFFSET(overhead_bytes),
     .type = {.kind = FIELD_NUMBER, .dimension = DIMENSION_BYTES, RANGE(0, MOST_BYTES)},
     .default_text = "0 B",
     .meaning = "bytes that every message has on top of its content"},
    {.name = "room",
     .offset = LINK_OFFSET(room),
     .type = ROOM_TYPE,
     .default_text = "unlimited",
     .meaning = "messages that may wait in each direction; more are dropped"},
    {.name = NULL},
};

const struct field_type grammar_link = {
    .kind = FIELD_OBJECT, .noun = "link", .fields = link_fields};

const char *grammar_link_name(const void *item, const struct field_names *names,
                              struct arena *arena)
{
    const struct spec_link *link = item;
    if (link->from < 0 || link->to < 0 || !names->names[FIELD_TIERS]) {
        return NULL;
    }
    const char *const *tiers = names->names[FIELD_TIERS];
    if (!tiers[link->from] || !tiers[link->to]) {
        return NULL;
    }
    return arena_format(arena, "%s-%s", tiers[link->from], tiers[link->to]);
}
