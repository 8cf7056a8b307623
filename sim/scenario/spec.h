// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_SCENARIO_SPEC_H
#define OFFLOADSIM_SCENARIO_SPEC_H

// A scenario as plain data: what the YAML file says, with defaults filled in, units converted
// (seconds, bytes, bytes per second, 1/second, watts, joules), names resolved to indices and every
// value in range. The reader (scenario/read.h) fills it from tables; the model builds its world
// from it; nobody changes it in between. Everything belongs to the arena of the scenario.

#include "rng/distribution.h"
#include "scenario/spec_compute.h"
#include "scenario/spec_link.h"
#include "scenario/spec_workload.h"

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
    const char *value;        // long trace: what the exit column holds for this exit
    const char *outcome_name; // generated samples: whose outcomes these are; NULL: its name's
    int outcome;              // the same as a number
};

// Rows of a profile to take: those that hold `value` in `column`.
struct spec_where {
    const char *column;
    const char *value;
};

// A file of layer times: a row for each platform and layer.
struct spec_profile {
    bool present;
    const char *path;
    struct spec_where *where;
    int where_count;
    const char *platform_column;
    const char **layer_columns; // that name a layer together: "conv1", or "3" and "5" as "3-5"
    int layer_column_count;
    const char *time_column;
    double time_scale; // seconds in one unit of the column
    const char *output_column;
    double output_scale;       // bytes in one unit of the column
    const char *inputs_column; // which layer feeds each; NULL: the one before
};

struct profile;

struct spec_model {
    const char *name;
    int layers;
    const double *output_bytes; // after each layer; NULL where nothing is said
    int output_count;
    struct spec_profile profile;
    const struct profile *times; // read from the profile's file; NULL: none
    int first_exit;              // into spec.exits; exits of a model are ordered by layer
    int exit_count;
    struct spec_exit *exits; // as many, the model's own; the same as those in spec.exits
};

// A tier, or a class of the devices of the first one. What a class has of its own and a tier of its
// nodes is the same, so both are one structure; a first tier without classes is its only class.
// What the nodes of a tier tell the devices about themselves.
struct spec_reports {
    bool present;
    double every_s;
    double delay_s; // until the devices have it
};

struct spec_tier {
    const char *name;
    int nodes; // of a tier with classes: of all of them
    struct spec_arrivals arrivals;
    struct spec_pattern profile; // multiplies the rate of the arrivals
    struct spec_bursts bursts;
    double deadline_s; // 0: that of `samples`
    struct spec_payload payload;
    int priority;  // of its samples at stations that look at it
    double weight; // of its samples in a share; 0: not stated, which means 1
    enum spec_balance balance; // a tier above the first: which of its nodes takes a sample
    struct spec_reports reports;
    struct spec_compute compute;
    struct spec_tier *classes;
    int class_count;
};

// What generated samples look like at one exit of the generator (model/generator.h). Correlations
// are those of two normal numbers behind each outcome: one tells the confidence, the other whether
// the exit is right. A list of correlations may hold one number that stands for all.
struct spec_outcome {
    const char *name;
    const double *confidence; // at each of the generator's quantiles
    int confidence_count;
    const double *right; // share of right answers between each two quantiles
    int right_count;
    const double *confidence_with; // of the confidence with that of each exit above
    int confidence_with_count;
    const double *right_with; // of being right with that of each exit above
    int right_with_count;
    const double *right_with_confidence; // of being right with the confidence of all, itself aside
    int right_with_confidence_count;
};

// A feature in easy, moderate and hard samples.
struct spec_feature {
    const char *name;
    const double *mean;
    int mean_count;
    const double *spread; // standard deviation
    int spread_count;
};

enum { SPEC_POOLS = 3 };

struct spec_generated {
    const char *name;
    const char *about;
    const double *quantiles; // from 0 to 1
    int quantile_count;
    struct spec_outcome *outcomes;
    int outcome_count;
    const double *classes; // share of each label; NULL: samples carry none
    int class_count;
    double rival;        // of wrong predictions: the share that are the sample's own wrong class
    const double *pools; // difficulties at which moderate and hard samples begin
    int pool_count;
    struct spec_feature *features;
    int feature_count;
    const double *factor; // of all correlations (scenario/generated.h)
    uint64_t hash[4];     // of the file's bytes
};

enum spec_order { ORDER_AS_IS, ORDER_SHUFFLE, ORDER_RESAMPLE };
enum spec_layout { LAYOUT_WIDE, LAYOUT_LONG };

struct spec_samples {
    const char
        *trace_path; // as the scenario says it; NULL: samples without outcomes (queueing only)
    const char *generated_path; // of what samples are drawn from, as the scenario says it; or NULL
    enum spec_layout layout;
    enum spec_order order;
    // Columns by name; NULL where the scenario names none.
    const char *label_column;
    const char *sample_column;     // long: which sample a row is about
    const char *exit_column;       // long: which exit
    const char *confidence_column; // long
    const char *prediction_column; // long
    const char *correct_column;    // long
    const char *const *feature_columns;
    int feature_count;
    struct distribution_parameters payload; // bytes
    double answer_bytes; // of the answer that travels back; negative: it is back at once
    double deadline_s;   // after arrival; INFINITY: none
    double train;        // share of the trace's rows that is set aside and never simulated
    int train_samples;   // generated samples that are drawn for training and never simulated
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

// A shared object with a policy of the user's own.
struct spec_plugin {
    const char *path; // as the scenario says it
    const struct policy_type *type;
    uint64_t hash[4]; // of the file's bytes
};

struct spec_policy {
    const struct policy_type *type;
    void *parameters; // the policy's own structure, filled
};

// When the truth about an answered sample comes back to the policy.
enum spec_feedback_when { FEEDBACK_NEVER, FEEDBACK_OFFLOADED, FEEDBACK_ALWAYS };

struct spec_feedback {
    bool present;
    enum spec_feedback_when when;
    double delay_s; // after the answer
};

// Metrics that are not computed unless asked for.
struct spec_measure {
    bool present;
    bool labels; // each one for itself
};

// A rule by which replications stop, or a run that is cut into batches: once the interval of a
// metric is narrow enough.
struct spec_until {
    const char *metric;
    double relative;   // half width as a share of the estimate; 0: not stated
    double absolute;   // half width in the unit of the metric; 0: not stated
    double confidence; // 0: the scenario's
    int least; // replications
    int most;  // replications, or lengths of the run
};

enum spec_stop_kind { STOP_SAMPLES, STOP_TIME };
enum spec_warmup_kind { WARMUP_NONE, WARMUP_SAMPLES, WARMUP_TIME, WARMUP_AUTO };
enum spec_intervals { INTERVALS_REPLICATIONS, INTERVALS_BATCH_MEANS };

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
    enum spec_intervals intervals; // what their units are
    double confidence; // of every interval
    struct spec_until *until; // all must hold
    int until_count;          // 0: `replications`, `stop` say how many there are, how long each is
    bool antithetic;          // replications 2i and 2i + 1 are mirror images of each other
    bool control_variates;
    bool transient; // the run is not meant to settle
    struct spec_samples samples;
    struct spec_model *models;
    int model_count;
    struct spec_exit *exits; // of all models, in order
    int exit_count;
    struct spec_tier *tiers;
    int tier_count;
    // The classes of devices: those of the first tier, or that tier itself.
    struct spec_tier *classes;
    int class_count;
    bool has_classes; // that have names
    struct spec_link *links;
    int link_count;
    struct spec_prices prices;
    struct spec_feedback feedback;
    struct spec_drift *drift; // by time
    int drift_count;
    struct spec_measure measure;
    struct spec_plugin *plugins;
    int plugin_count;
    struct spec_policy *policies; // one point each
    int policy_count;
    struct trace *trace; // the samples themselves, read and checked; NULL without a trace
    const struct spec_generated *generated; // what they are drawn from; NULL: they are not
    const struct settings *settings; // where each value was written (scenario/settings.h)
};

// All that may have `compute`: the tiers, then the classes of devices that have names.
static inline int spec_places(const struct spec *spec)
{
    return spec->tier_count + (spec->has_classes ? spec->class_count : 0);
}

static inline struct spec_tier *spec_place(const struct spec *spec, int number)
{
    return number < spec->tier_count ? &spec->tiers[number]
                                     : &spec->classes[number - spec->tier_count];
}

#endif
