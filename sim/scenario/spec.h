// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_SCENARIO_SPEC_H
#define OFFLOADSIM_SCENARIO_SPEC_H

// A scenario as plain data: what the YAML file says, with defaults filled in, units converted
// (seconds, bytes, bytes per second, 1/second, watts, joules), names resolved to indices and every
// value in range. The reader (scenario/read.h) fills it from tables; the model builds its world
// from it; nobody changes it in between. Everything belongs to the arena of the scenario.

#include "rng/distribution.h"

#include <stdbool.h>
#include <stdint.h>

struct policy_type;
struct settings;
struct trace;

struct spec_exit {
    const char *name;
    int model;
    int after; // 0-based layer after which the exit stands
    // Wide trace: columns by name. `prediction` and `correct` may be NULL, not both missing the
    // means to know what is right.
    const char *confidence_column;
    const char *prediction_column;
    const char *correct_column;
    const char *value; // long trace: what the exit column holds for this exit
};

struct spec_model {
    const char *name;
    int layers;
    int first_exit; // into spec.exits; exits of a model are ordered by layer
    int exit_count;
    struct spec_exit *exits; // as many, the model's own; the same as those in spec.exits
};

// Service times of one model at one tier: one distribution a layer.
struct spec_time {
    int model;
    const struct distribution_parameters *layers; // as many as the model has
    int layer_count;
};

enum spec_arrival_kind {
    ARRIVALS_NONE,
    ARRIVALS_POISSON,       // rate
    ARRIVALS_DETERMINISTIC, // period, phase
    ARRIVALS_CLOSED,        // in_flight, think
    ARRIVALS_TRACE          // column
};

struct spec_arrivals {
    enum spec_arrival_kind kind;
    double rate_per_s; // of each device
    double period_s;   // of each device
    double phase_s;    // of the first arrival
    int in_flight;     // closed loop: samples of each device under way at any time
    struct distribution_parameters think;
    const char *column; // trace: of arrival times
    double column_scale; // seconds in one unit of the column
    int column_number;   // among the trace's extra columns
};

struct spec_compute {
    bool present;
    int servers;
    int64_t room; // samples that may wait, beside those in service; -1 is no limit
    struct spec_time *times; // ordered by model
    int time_count;
    double active_w; // of a node with all its servers busy
    double idle_w;   // of a node with none busy
};

struct spec_tier {
    const char *name;
    int nodes;
    struct spec_arrivals arrivals;
    struct spec_compute compute;
};

struct spec_link {
    int from; // the lower tier
    int to;
    int count; // parallel links, each shared by its part of the lower tier's nodes; 0: one a node
    double up_bytes_per_s; // INFINITY: no limit
    double down_bytes_per_s;
    struct distribution_parameters delay; // propagation, each way
    double overhead_bytes;                // a message
    int64_t room;                         // messages that may wait; -1 is no limit
};

enum spec_order { ORDER_AS_IS, ORDER_SHUFFLE, ORDER_RESAMPLE };
enum spec_layout { LAYOUT_WIDE, LAYOUT_LONG };

struct spec_samples {
    const char *trace_path; // as the scenario says it; NULL: samples without outcomes (queueing only)
    enum spec_layout layout;
    enum spec_order order;
    // Columns by name; NULL where the scenario names none.
    const char *label_column;
    const char *sample_column; // long: which sample a row is about
    const char *exit_column;   // long: which exit
    const char *confidence_column; // long
    const char *prediction_column; // long
    const char *correct_column;    // long
    const char *const *feature_columns;
    int feature_count;
    struct distribution_parameters payload; // bytes
    double answer_bytes;                    // of the answer that travels back
    double deadline_s;                      // after arrival; INFINITY: none
};

struct spec_prices {
    double error;
    double *offload; // one a link of the spec
    double latency_per_s;
    double energy_per_j;
    double byte;
    double *layer; // one a tier: of one layer run there
    double deadline_miss;
    double drop;
};

struct spec_policy {
    const struct policy_type *type;
    void *parameters; // the policy's own structure, filled
};

enum spec_stop_kind { STOP_SAMPLES, STOP_TIME };
enum spec_warmup_kind { WARMUP_NONE, WARMUP_SAMPLES, WARMUP_TIME };

struct spec {
    const char *name;
    const char *about;
    uint64_t seed;
    enum spec_stop_kind stop_kind;
    uint64_t stop_samples; // offered, warm-up included
    double stop_time_s;
    enum spec_warmup_kind warmup_kind;
    uint64_t warmup_samples; // offered samples that are simulated but not counted
    double warmup_time_s;
    int replications;
    double confidence; // of every interval
    struct spec_samples samples;
    struct spec_model *models;
    int model_count;
    struct spec_exit *exits; // of all models, in order
    int exit_count;
    struct spec_tier *tiers;
    int tier_count;
    struct spec_link *links;
    int link_count;
    struct spec_prices prices;
    struct spec_policy *policies; // one point each
    int policy_count;
    struct trace *trace; // the samples themselves, read and checked; NULL without a trace
    const struct settings *settings; // where each value was written (scenario/settings.h)
};

#endif
