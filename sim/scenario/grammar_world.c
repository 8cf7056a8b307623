// SPDX-License-Identifier: GPL-3.0-or-later

// Models and tiers.

#include "scenario/grammar_parts.h"
#include "scenario/spec.h"

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

static const struct field_type layer_energy = {
    .kind = FIELD_NUMBER, .dimension = DIMENSION_ENERGY, RANGE(0, MOST_NUMBER)};
static const struct field_type energies_type = {
    .kind = FIELD_LIST,
    .flags = FIELD_OR_SINGLE,
    .element = &layer_energy,
    .element_bytes = sizeof(double),
    .count_offset = offsetof(struct spec_energy, layer_count),
};

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
     .flags = FIELD_OPTIONAL,
     .meaning = "service time of each model that can run here; a list with one a layer for a model "
                "of several"},
    {.name = "platform",
     .offset = offsetof(struct spec_compute, platform),
     .type = {.kind = FIELD_TEXT},
     .flags = FIELD_OPTIONAL,
     .meaning = "takes the times of models that have a profile from its rows of this platform"},
    {.name = "energy",
     .offset = offsetof(struct spec_compute, energies),
     .type = {.kind = FIELD_MAP,
              .element = &energies_type,
              .element_bytes = sizeof(struct spec_energy),
              .element_offset = offsetof(struct spec_energy, layers),
              .key = &times_key,
              .key_offset = offsetof(struct spec_energy, model),
              .count_offset = offsetof(struct spec_compute, energy_count)},
     .flags = FIELD_OPTIONAL,
     .meaning = "energy of one inference of a model, beside the idle power and instead of what the "
                "active power would give; a list with one a layer for a model of several"},
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
