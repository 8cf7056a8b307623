// SPDX-License-Identifier: GPL-3.0-or-later

// What a node can compute: servers, their queue, times, power, and what befalls them.

#include "scenario/grammar_parts.h"
#include "scenario/spec.h"

#include <math.h>

#define COMPUTE_OFFSET(member) offsetof(struct spec_compute, member)

// ---- times and energies ----

// A time may also be that of a batch, by its size.
static const struct field_type layer_time = {.kind = FIELD_VARIANT,
                                             .dimension = DIMENSION_TIME,
                                             .noun = "distribution",
                                             .cases = grammar_service_times,
                                             .bare_case = "constant",
                                             .kind_offset = DISTRIBUTION_OFFSET(kind)};
static const struct field_type times_type = {
    .kind = FIELD_LIST,
    .flags = FIELD_OR_SINGLE,
    .element = &layer_time,
    .element_bytes = sizeof(struct distribution_parameters),
    .count_offset = offsetof(struct spec_time, layer_count),
};
static const struct field_type times_key = {
    .kind = FIELD_REFERENCE, .set = FIELD_MODELS, .noun = "model"};

static const struct field_type layer_energy = {
    .kind = FIELD_NUMBER, .dimension = DIMENSION_ENERGY, RANGE(0, MOST_NUMBER)};
static const struct field_type energies_type = {
    .kind = FIELD_LIST,
    .flags = FIELD_OR_SINGLE,
    .element = &layer_energy,
    .element_bytes = sizeof(double),
    .count_offset = offsetof(struct spec_energy, layer_count),
};

// ---- power ----

static const struct field power_fields[] = {
    {.name = "active",
     .offset = COMPUTE_OFFSET(active_w),
     .type = {.kind = FIELD_NUMBER, .dimension = DIMENSION_POWER, RANGE(0, MOST_NUMBER)},
     .default_text = "0 W",
     .meaning = "power of a node with all its servers busy"},
    {.name = "idle",
     .offset = COMPUTE_OFFSET(idle_w),
     .type = {.kind = FIELD_NUMBER, .dimension = DIMENSION_POWER, RANGE(0, MOST_NUMBER)},
     .default_text = "0 W",
     .meaning = "power of a node with none busy"},
    {.name = NULL},
};

#define STEP_OFFSET(member) offsetof(struct spec_step, member)

static const struct field step_fields[] = {
    {.name = "speed",
     .offset = STEP_OFFSET(speed),
     .type = {.kind = FIELD_NUMBER, RANGE(1e-6, 1e6)},
     .meaning = "by which times are divided"},
    {.name = "active",
     .offset = STEP_OFFSET(active_w),
     .type = {.kind = FIELD_NUMBER, .dimension = DIMENSION_POWER, RANGE(0, MOST_NUMBER)},
     .default_text = "0 W",
     .meaning = "power of a node with all its servers busy at this speed"},
    {.name = "most_present",
     .offset = STEP_OFFSET(most_present),
     .type = {.kind = FIELD_LONG, RANGE(1, 1e12), .word = "unlimited", .word_value = -1},
     .default_text = "unlimited",
     .meaning = "a computation that starts runs at this step if no more samples are at the node, "
                "itself included, and at no earlier step"},
    {.name = NULL},
};

static const struct field_type step_type = {
    .kind = FIELD_OBJECT, .noun = "step", .fields = step_fields};

// ---- the queue ----

#define BATCH_OFFSET(member) offsetof(struct spec_batch, member)

static const struct field batch_fields[] = {
    {.name = "most",
     .offset = BATCH_OFFSET(most),
     .type = {.kind = FIELD_INTEGER, RANGE(1, 65535)},
     .meaning = "samples of the largest batch"},
    {.name = "wait",
     .offset = BATCH_OFFSET(wait_s),
     .type = {.kind = FIELD_NUMBER, .dimension = DIMENSION_TIME, RANGE(0, MOST_TIME)},
     .default_text = "0 s",
     .meaning = "a server that is free waits for the batch to fill until its first sample has "
                "waited for so long"},
    {.name = NULL},
};

static const char *const disciplines[] = {"fifo",     "priority", "preemptive",
                                          "shortest", "sharing",  NULL};
static const char *const fulls[] = {"drop", "block", NULL};

// ---- what befalls a node ----

#define FAILURES_OFFSET(member) offsetof(struct spec_failures, member)

static const char *const failed_jobs[] = {"resume", "restart", "lose", NULL};

static const struct field failures_fields[] = {
    {.name = "every",
     .offset = FAILURES_OFFSET(every),
     .type = DISTRIBUTION(DIMENSION_TIME, FIELD_NO_COLUMN),
     .meaning = "time from a repair to the next failure of a node, busy or not"},
    {.name = "repair",
     .offset = FAILURES_OFFSET(repair),
     .type = DISTRIBUTION(DIMENSION_TIME, FIELD_NO_COLUMN),
     .meaning = "time that a repair takes, in which the node computes nothing"},
    {.name = "jobs",
     .offset = FAILURES_OFFSET(jobs),
     .type = {.kind = FIELD_CHOICE, .choices = failed_jobs},
     .default_text = "resume",
     .meaning = "what becomes of samples in service: they go on where they stopped, start again, "
                "or are dropped for the reason 'failure'"},
    {.name = NULL},
};

#define COLD_OFFSET(member) offsetof(struct spec_cold_start, member)

static const struct field cold_start_fields[] = {
    {.name = "idle",
     .offset = COLD_OFFSET(idle_s),
     .type = {.kind = FIELD_NUMBER, .dimension = DIMENSION_TIME, RANGE(0, MOST_TIME)},
     .default_text = "0 s",
     .meaning = "a node that was empty for longer than this is cold"},
    {.name = "time",
     .offset = COLD_OFFSET(time),
     .type = DISTRIBUTION(DIMENSION_TIME, FIELD_NO_COLUMN),
     .meaning = "time until a cold node computes, from the arrival of its first sample"},
    {.name = NULL},
};

#define SCALING_OFFSET(member) offsetof(struct spec_scaling, member)

static const struct field scaling_fields[] = {
    {.name = "least",
     .offset = SCALING_OFFSET(least),
     .type = {.kind = FIELD_INTEGER, RANGE(1, MOST_COUNT)},
     .default_text = "1",
     .meaning = "servers of a node that are always in use"},
    {.name = "most",
     .offset = SCALING_OFFSET(most),
     .type = {.kind = FIELD_INTEGER, RANGE(1, MOST_COUNT)},
     .meaning = "servers that a node may have in use"},
    {.name = "utilisation",
     .offset = SCALING_OFFSET(utilisation),
     .type = {.kind = FIELD_NUMBER, ABOVE(0, 1), .word = "none", .word_value = 0},
     .default_text = "none",
     .meaning = "wanted share of busy servers: at each review as many servers as were busy on "
                "average since the last one, divided by this and rounded up"},
    {.name = "queue",
     .offset = SCALING_OFFSET(queue),
     .type = {.kind = FIELD_NUMBER, ABOVE(0, MOST_NUMBER), .word = "none", .word_value = 0},
     .default_text = "none",
     .meaning = "wanted samples for each server, waiting or in service: at each review as many "
                "servers as samples were at the node on average since the last one, divided by "
                "this and rounded up"},
    {.name = "every",
     .offset = SCALING_OFFSET(every_s),
     .type = {.kind = FIELD_NUMBER, .dimension = DIMENSION_TIME, RANGE(1e-6, MOST_TIME)},
     .meaning = "time from one review to the next"},
    {.name = "start",
     .offset = SCALING_OFFSET(start_s),
     .type = {.kind = FIELD_NUMBER, .dimension = DIMENSION_TIME, RANGE(0, MOST_TIME)},
     .default_text = "0 s",
     .meaning = "time until a server that was asked for is there"},
    {.name = NULL},
};

// ---- all of it ----

static const struct field_type speed_type = {.kind = FIELD_NUMBER, RANGE(1e-6, 1e6)};

#define PRESENT_OBJECT(of, structure)                                                              \
    {                                                                                              \
        .kind = FIELD_OBJECT, .flags = FIELD_HAS_PRESENCE, .fields = (of),                         \
        .count_offset = offsetof(struct structure, present)                                        \
    }

const struct field grammar_compute[] = {
    {.name = "servers",
     .offset = COMPUTE_OFFSET(servers),
     .type = {.kind = FIELD_INTEGER, RANGE(1, MOST_COUNT)},
     .default_text = "1",
     .meaning = "computations that a node can run at the same time; with 'scaling', at the start"},
    {.name = "speeds",
     .offset = COMPUTE_OFFSET(speeds),
     .type = {.kind = FIELD_LIST,
              .flags = FIELD_NOT_EMPTY,
              .element = &speed_type,
              .element_bytes = sizeof(double),
              .count_offset = COMPUTE_OFFSET(speed_count)},
     .flags = FIELD_OPTIONAL,
     .meaning = "speed of each server, by which times are divided, instead of 'servers'; a sample "
                "takes the fastest that is free"},
    {.name = "discipline",
     .offset = COMPUTE_OFFSET(discipline),
     .type = {.kind = FIELD_CHOICE, .choices = disciplines},
     .default_text = "fifo",
     .meaning = "who is next: the first to come; the highest priority, without or with disturbing "
                "what is in service; the least expected time; or all at once, sharing the servers"},
    {.name = "batch",
     .offset = COMPUTE_OFFSET(batch),
     .type = PRESENT_OBJECT(batch_fields, spec_batch),
     .flags = FIELD_OPTIONAL,
     .meaning = "a server takes several samples at once, of the same model and the same layers"},
    {.name = "room",
     .offset = COMPUTE_OFFSET(room),
     .type = ROOM_TYPE,
     .default_text = "unlimited",
     .meaning = "samples that may wait at a node, beside as many as its servers take; more are "
                "dropped"},
    {.name = "full",
     .offset = COMPUTE_OFFSET(full),
     .type = {.kind = FIELD_CHOICE, .choices = fulls},
     .default_text = "drop",
     .meaning = "what becomes of samples that would find no room: they are dropped, or the link "
                "holds them back and all behind them"},
    {.name = "patience",
     .offset = COMPUTE_OFFSET(patience_s),
     .type = {.kind = FIELD_NUMBER,
              .dimension = DIMENSION_TIME,
              RANGE(0, MOST_TIME),
              .word = "unlimited",
              .word_value = INFINITY},
     .default_text = "unlimited",
     .meaning = "longest wait of a sample for its service to start, after which it is dropped for "
                "the reason 'timeout'"},
    {.name = "time",
     .offset = COMPUTE_OFFSET(times),
     .type = {.kind = FIELD_MAP,
              .flags = FIELD_NOT_EMPTY,
              .element = &times_type,
              .element_bytes = sizeof(struct spec_time),
              .element_offset = offsetof(struct spec_time, layers),
              .key = &times_key,
              .key_offset = offsetof(struct spec_time, model),
              .count_offset = COMPUTE_OFFSET(time_count)},
     .flags = FIELD_OPTIONAL,
     .meaning = "service time of each model that can run here; a list with one a layer for a model "
                "of several"},
    {.name = "platform",
     .offset = COMPUTE_OFFSET(platform),
     .type = {.kind = FIELD_TEXT},
     .flags = FIELD_OPTIONAL,
     .meaning = "takes the times of models that have a profile from its rows of this platform"},
    {.name = "energy",
     .offset = COMPUTE_OFFSET(energies),
     .type = {.kind = FIELD_MAP,
              .element = &energies_type,
              .element_bytes = sizeof(struct spec_energy),
              .element_offset = offsetof(struct spec_energy, layers),
              .key = &times_key,
              .key_offset = offsetof(struct spec_energy, model),
              .count_offset = COMPUTE_OFFSET(energy_count)},
     .flags = FIELD_OPTIONAL,
     .meaning = "energy of one inference of a model, beside the idle power and instead of what the "
                "active power would give; a list with one a layer for a model of several"},
    {.name = "power",
     .type = {.kind = FIELD_OBJECT, .fields = power_fields},
     .flags = FIELD_SECTION,
     .meaning = "electric power of a node, for the energy"},
    {.name = "failures",
     .offset = COMPUTE_OFFSET(failures),
     .type = PRESENT_OBJECT(failures_fields, spec_failures),
     .flags = FIELD_OPTIONAL,
     .meaning = "nodes fail, each for itself, and are repaired"},
    {.name = "cold_start",
     .offset = COMPUTE_OFFSET(cold_start),
     .type = PRESENT_OBJECT(cold_start_fields, spec_cold_start),
     .flags = FIELD_OPTIONAL,
     .meaning = "a node that was idle needs time before it computes again"},
    {.name = "scaling",
     .offset = COMPUTE_OFFSET(scaling),
     .type = PRESENT_OBJECT(scaling_fields, spec_scaling),
     .flags = FIELD_OPTIONAL,
     .meaning =
         "a node changes the number of its servers by a rule; give 'utilisation' or 'queue'"},
    {.name = "steps",
     .offset = COMPUTE_OFFSET(steps),
     .type = {.kind = FIELD_LIST,
              .flags = FIELD_NOT_EMPTY,
              .noun = "step",
              .element = &step_type,
              .element_bytes = sizeof(struct spec_step),
              .count_offset = COMPUTE_OFFSET(step_count)},
     .flags = FIELD_OPTIONAL,
     .meaning = "speeds of the processor, from the slowest, each with its power instead of 'power: "
                "active'; a computation keeps the speed that it started with"},
    {.name = NULL},
};

const char *const grammar_balances[] = {"home",        "round_robin", "random", "shortest_queue",
                                        "two_choices", "least_wait",  NULL};
