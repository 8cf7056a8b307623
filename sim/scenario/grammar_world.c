// SPDX-License-Identifier: GPL-3.0-or-later

// Models and tiers.

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
    {.name = "outcome",
     .offset = EXIT_OFFSET(outcome_name),
     .type = {.kind = FIELD_TEXT},
     .flags = FIELD_OPTIONAL,
     .meaning = "generated samples: the exit of the generator whose outcomes these are; left out, "
                "the one of its name"},
    {.name = NULL},
};

static const struct field_type exit_type = {
    .kind = FIELD_OBJECT, .noun = "exit", .fields = exit_fields};
static const struct field_type exit_name = {
    .kind = FIELD_NAME, .noun = "exit", .punctuation = "-_"};

#define PROFILE_OFFSET(member) offsetof(struct spec_profile, member)

static const struct field_type where_value = {.kind = FIELD_TEXT};
static const struct field_type column_type = {.kind = FIELD_COLUMN, .noun = "column"};

static const struct field profile_fields[] = {
    {.name = "file",
     .offset = PROFILE_OFFSET(path),
     .type = {.kind = FIELD_TEXT},
     .flags = FIELD_SOURCE,
     .meaning = "CSV file with a row for each platform and layer, relative to the scenario"},
    {.name = "where",
     .offset = PROFILE_OFFSET(where),
     .type = {.kind = FIELD_MAP,
              .element = &where_value,
              .element_bytes = sizeof(struct spec_where),
              .element_offset = offsetof(struct spec_where, value),
              .key = &column_type,
              .key_offset = offsetof(struct spec_where, column),
              .count_offset = PROFILE_OFFSET(where_count)},
     .flags = FIELD_OPTIONAL,
     .meaning = "takes only the rows that hold this text in this column"},
    {.name = "platform",
     .offset = PROFILE_OFFSET(platform_column),
     .type = {.kind = FIELD_COLUMN},
     .default_text = "platform",
     .meaning = "column that names the platform, as a tier's 'compute: platform' does"},
    {.name = "layer",
     .offset = PROFILE_OFFSET(layer_columns),
     .type = {.kind = FIELD_LIST,
              .flags = FIELD_OR_SINGLE | FIELD_NOT_EMPTY,
              .element = &column_type,
              .element_bytes = sizeof(const char *),
              .count_offset = PROFILE_OFFSET(layer_column_count)},
     .default_text = "name",
     .meaning = "column, or columns, that name a layer; layers stand in order"},
    {.name = "time",
     .offset = PROFILE_OFFSET(time_column),
     .type = {.kind = FIELD_COLUMN},
     .default_text = "time_s",
     .meaning = "column with the layer's service time"},
    {.name = "time_unit",
     .offset = PROFILE_OFFSET(time_scale),
     .type = {.kind = FIELD_UNIT, .dimension = DIMENSION_TIME},
     .default_text = "s",
     .meaning = "unit of the times"},
    {.name = "output",
     .offset = PROFILE_OFFSET(output_column),
     .type = {.kind = FIELD_COLUMN},
     .default_text = "output_bytes",
     .meaning = "column with the size of the layer's activation"},
    {.name = "output_unit",
     .offset = PROFILE_OFFSET(output_scale),
     .type = {.kind = FIELD_UNIT, .dimension = DIMENSION_BYTES},
     .default_text = "B",
     .meaning = "unit of the sizes"},
    {.name = "inputs",
     .offset = PROFILE_OFFSET(inputs_column),
     .type = {.kind = FIELD_COLUMN},
     .flags = FIELD_OPTIONAL,
     .meaning = "column that names the layer which feeds each; left out, it is the one before"},
    {.name = NULL},
};

static const struct field_type output_size = {
    .kind = FIELD_NUMBER, .dimension = DIMENSION_BYTES, RANGE(0, MOST_BYTES)};

static const struct field model_fields[] = {
    {.name = "layers",
     .offset = offsetof(struct spec_model, layers),
     .type = {.kind = FIELD_INTEGER, RANGE(1, 10000)},
     .default_text = "1",
     .meaning = "number of layers: places where the model can be cut; a profile knows its own"},
    {.name = "output",
     .offset = offsetof(struct spec_model, output_bytes),
     .type = {.kind = FIELD_LIST,
              .flags = FIELD_OR_SINGLE | FIELD_NOT_EMPTY,
              .element = &output_size,
              .element_bytes = sizeof(double),
              .count_offset = offsetof(struct spec_model, output_count)},
     .flags = FIELD_OPTIONAL,
     .meaning = "size of the activation behind each layer, which is what a cut there sends"},
    {.name = "profile",
     .offset = offsetof(struct spec_model, profile),
     .type = {.kind = FIELD_OBJECT,
              .flags = FIELD_HAS_PRESENCE | FIELD_OR_SINGLE,
              .fields = profile_fields,
              .count_offset = PROFILE_OFFSET(present)},
     .flags = FIELD_OPTIONAL,
     .meaning = "file with the layers, their times on each platform and their outputs"},
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

#define TIER_OFFSET(member) offsetof(struct spec_tier, member)

#define NODES_FIELD(about)                                                                         \
    {                                                                                              \
        .name = "nodes", .offset = TIER_OFFSET(nodes),                                             \
        .type = {.kind = FIELD_INTEGER, RANGE(1, 1e7)}, .default_text = "1", .meaning = (about)    \
    }
#define COMPUTE_FIELD                                                                              \
    {                                                                                              \
        .name = "compute", .offset = TIER_OFFSET(compute),                                         \
        .type = {.kind = FIELD_OBJECT,                                                             \
                 .flags = FIELD_HAS_PRESENCE,                                                      \
                 .fields = grammar_compute,                                                        \
                 .count_offset = offsetof(struct spec_compute, present)},                          \
        .flags = FIELD_OPTIONAL,                                                                   \
        .meaning = "what a node can compute; left out, it only passes samples on"                  \
    }

// What the first tier says of its devices, or each of its classes.
#define DEVICE_FIELDS                                                                              \
    {.name = "arrivals",                                                                           \
     .offset = TIER_OFFSET(arrivals),                                                              \
     .type = {.kind = FIELD_VARIANT,                                                               \
              .noun = "arrival process",                                                           \
              .cases = grammar_arrivals,                                                           \
              .kind_offset = offsetof(struct spec_arrivals, kind)},                                \
     .flags = FIELD_OPTIONAL,                                                                      \
     .meaning = "how samples arise at each node of the first tier; no other has it"},              \
        {.name = "profile",                                                                        \
         .offset = TIER_OFFSET(profile),                                                           \
         .type = {.kind = FIELD_OBJECT,                                                            \
                  .flags = FIELD_HAS_PRESENCE,                                                     \
                  .fields = grammar_pattern,                                                       \
                  .count_offset = offsetof(struct spec_pattern, present)},                         \
         .flags = FIELD_OPTIONAL,                                                                  \
         .meaning = "first tier: factor of the rate of arrivals over time, as over a day"},        \
        {.name = "bursts",                                                                         \
         .offset = TIER_OFFSET(bursts),                                                            \
         .type = {.kind = FIELD_OBJECT,                                                            \
                  .flags = FIELD_HAS_PRESENCE,                                                     \
                  .fields = grammar_bursts,                                                        \
                  .count_offset = offsetof(struct spec_bursts, present)},                          \
         .flags = FIELD_OPTIONAL,                                                                  \
         .meaning = "first tier: samples beside the arrivals that arise at all nodes together"},   \
        {.name = "payload",                                                                        \
         .offset = TIER_OFFSET(payload),                                                           \
         .type = {.kind = FIELD_VARIANT,                                                           \
                  .dimension = DIMENSION_BYTES,                                                    \
                  .flags = FIELD_HAS_PRESENCE,                                                     \
                  .noun = "distribution",                                                          \
                  .cases = grammar_distributions,                                                  \
                  .bare_case = "constant",                                                         \
                  .kind_offset = DISTRIBUTION_OFFSET(kind),                                        \
                  .count_offset = PAYLOAD_PRESENCE},                                               \
         .flags = FIELD_OPTIONAL,                                                                  \
         .meaning = "first tier: size of the raw sample; left out, that of 'samples'"},            \
        {.name = "deadline",                                                                       \
         .offset = TIER_OFFSET(deadline_s),                                                        \
         .type = {.kind = FIELD_NUMBER,                                                            \
                  .dimension = DIMENSION_TIME,                                                     \
                  ABOVE(0, MOST_TIME),                                                             \
                  .word = "none",                                                                  \
                  .word_value = INFINITY},                                                         \
         .flags = FIELD_OPTIONAL,                                                                  \
         .meaning = "first tier: time from arrival within which an answer is useful; left out, "   \
                    "that of 'samples'"},                                                          \
        {.name = "priority",                                                                       \
         .offset = TIER_OFFSET(priority),                                                          \
         .type = {.kind = FIELD_INTEGER, RANGE(0, 1000)},                                          \
         .flags = FIELD_OPTIONAL,                                                                  \
         .meaning = "first tier: of its samples where a discipline looks at it, the highest "      \
                    "first; left out, 0"},                                                         \
        {.name = "weight",                                                                         \
         .offset = TIER_OFFSET(weight),                                                            \
         .type = {.kind = FIELD_NUMBER, RANGE(1e-3, 1e3)},                                         \
         .flags = FIELD_OPTIONAL,                                                                  \
         .meaning = "first tier: of its messages where a link is shared fairly; left out, 1"}      \

// Relative to the payload, as the presence of an object is to its place.
#define PAYLOAD_PRESENCE offsetof(struct spec_payload, present)

static const struct field class_fields[] = {
    {.name = "name",
     .offset = TIER_OFFSET(name),
     .type = {.kind = FIELD_NAME, .noun = "class", .punctuation = "_"},
     .meaning = "what the class is called"},
    NODES_FIELD("number of devices of the class"),
    DEVICE_FIELDS,
    COMPUTE_FIELD,
    {.name = NULL},
};

static const struct field_type class_type = {
    .kind = FIELD_OBJECT, .noun = "class", .fields = class_fields};

#define REPORTS_OFFSET(member) offsetof(struct spec_reports, member)

static const struct field report_fields[] = {
    {.name = "every",
     .offset = REPORTS_OFFSET(every_s),
     .type = {.kind = FIELD_NUMBER, .dimension = DIMENSION_TIME, RANGE(1e-6, MOST_TIME)},
     .meaning = "time from one report to the next; the first is made at time 0"},
    {.name = "delay",
     .offset = REPORTS_OFFSET(delay_s),
     .type = {.kind = FIELD_NUMBER, .dimension = DIMENSION_TIME, RANGE(0, MOST_TIME)},
     .default_text = "0 s",
     .meaning = "time until the devices have a report"},
    {.name = NULL},
};

static const struct field tier_fields[] = {
    {.name = "name",
     .offset = TIER_OFFSET(name),
     .type = {.kind = FIELD_NAME, .noun = "tier", .punctuation = "_"},
     .meaning = "what the tier is called"},
    NODES_FIELD("number of identical nodes"),
    {.name = "classes",
     .offset = TIER_OFFSET(classes),
     .type = {.kind = FIELD_LIST,
              .flags = FIELD_NOT_EMPTY,
              .most = 100,
              .noun = "class",
              .set = FIELD_CLASSES,
              .element = &class_type,
              .element_bytes = sizeof(struct spec_tier),
              .count_offset = TIER_OFFSET(class_count),
              .name_item = grammar_tier_name},
     .flags = FIELD_OPTIONAL,
     .meaning = "first tier: classes of devices that differ, instead of arrivals, compute and the "
                "like of the tier's own"},
    DEVICE_FIELDS,
    {.name = "balance",
     .offset = TIER_OFFSET(balance),
     .type = {.kind = FIELD_CHOICE, .choices = grammar_balances},
     .default_text = "home",
     .meaning = "which node of a tier above the first takes a sample: that of its device, each in "
                "turn, any, the one with the fewest samples, the better of two that are drawn, or "
                "the one with the least expected wait"},
    {.name = "reports",
     .offset = TIER_OFFSET(reports),
     .type = {.kind = FIELD_OBJECT,
              .flags = FIELD_HAS_PRESENCE,
              .fields = report_fields,
              .count_offset = REPORTS_OFFSET(present)},
     .flags = FIELD_OPTIONAL,
     .meaning = "how a tier above the first tells the devices of its queues, for policies that "
                "look; left out, it does not"},
    COMPUTE_FIELD,
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
