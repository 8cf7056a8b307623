// SPDX-License-Identifier: GPL-3.0-or-later
#include "scenario/grammar.h"

#include "policies/policy.h"
#include "scenario/grammar_parts.h"
#include "scenario/spec.h"

#include <assert.h>
#include <math.h>

static_assert(sizeof(enum distribution_kind) == sizeof(int) &&
                  sizeof(enum spec_order) == sizeof(int) &&
                  sizeof(enum spec_feedback_when) == sizeof(int) &&
                  offsetof(struct spec_plugin, path) == 0,
              "fields store an enum as an int, and an item at its start");

// ---- the run ----

static const struct field stop_samples_fields[] = {
    {.name = "samples",
     .offset = offsetof(struct spec, stop_samples),
     .type = {.kind = FIELD_UNSIGNED, RANGE(1, MOST_NUMBER)},
     .meaning = "offered samples of all devices together, warm-up included"},
    {.name = NULL},
};

static const struct field stop_time_fields[] = {
    {.name = "time",
     .offset = offsetof(struct spec, stop_time_s),
     .type = {.kind = FIELD_NUMBER, .dimension = DIMENSION_TIME, ABOVE(0, MOST_TIME)},
     .meaning = "simulated time, warm-up included"},
    {.name = NULL},
};

static const struct field_case stop_cases[] = {
    {.name = "samples",
     .value = STOP_SAMPLES,
     .fields = stop_samples_fields,
     .is_bare = true,
     .meaning = "after so many offered samples"},
    {.name = "time",
     .value = STOP_TIME,
     .fields = stop_time_fields,
     .is_bare = true,
     .meaning = "after so much simulated time"},
    {.name = NULL},
};

static const struct field warmup_samples_fields[] = {
    {.name = "samples",
     .offset = offsetof(struct spec, warmup_samples),
     .type = {.kind = FIELD_UNSIGNED, RANGE(0, MOST_NUMBER)},
     .meaning = "the first offered samples are simulated but not counted"},
    {.name = NULL},
};

static const struct field warmup_time_fields[] = {
    {.name = "time",
     .offset = offsetof(struct spec, warmup_time_s),
     .type = {.kind = FIELD_NUMBER, .dimension = DIMENSION_TIME, RANGE(0, MOST_TIME)},
     .meaning = "samples offered in this time are simulated but not counted"},
    {.name = NULL},
};

static const struct field_case warmup_cases[] = {
    {.name = "none", .value = WARMUP_NONE, .meaning = "everything counts"},
    {.name = "samples",
     .value = WARMUP_SAMPLES,
     .fields = warmup_samples_fields,
     .is_bare = true,
     .meaning = "a number of samples"},
    {.name = "time",
     .value = WARMUP_TIME,
     .fields = warmup_time_fields,
     .is_bare = true,
     .meaning = "a time"},
    {.name = "auto",
     .value = WARMUP_AUTO,
     .meaning = "what MSER-5 finds in the latency and in the queue of each station, for each "
                "replication; it is then run once more with that warm-up"},
    {.name = NULL},
};

// ---- samples ----

#define SAMPLES_OFFSET(member) offsetof(struct spec_samples, member)

static const char *const layouts[] = {"wide", "long", NULL};
static const char *const orders[] = {"as_is", "shuffle", "resample", NULL};
static const struct field_type column_type = {.kind = FIELD_COLUMN};

static const struct field samples_fields[] = {
    {.name = "trace",
     .offset = SAMPLES_OFFSET(trace_path),
     .type = {.kind = FIELD_TEXT},
     .flags = FIELD_OPTIONAL | FIELD_SOURCE,
     .meaning = "CSV file of what every exit says of every sample, relative to the scenario; left "
                "out, every answer is right"},
    {.name = "generated",
     .offset = SAMPLES_OFFSET(generated_path),
     .type = {.kind = FIELD_TEXT},
     .flags = FIELD_OPTIONAL | FIELD_SOURCE,
     .meaning = "YAML file from which samples are drawn instead, relative to the scenario; "
                "'offloadsim fit' makes it from a trace"},
    {.name = "layout",
     .offset = SAMPLES_OFFSET(layout),
     .type = {.kind = FIELD_CHOICE, .choices = layouts},
     .default_text = "wide",
     .meaning = "wide: one row a sample; long: one row for each sample and exit"},
    {.name = "order",
     .offset = SAMPLES_OFFSET(order),
     .type = {.kind = FIELD_CHOICE, .choices = orders},
     .default_text = "shuffle",
     .meaning = "in which order samples come: as in the file, permuted in each replication, or "
                "drawn with replacement"},
    {.name = "label",
     .offset = SAMPLES_OFFSET(label_column),
     .type = {.kind = FIELD_COLUMN},
     .flags = FIELD_OPTIONAL,
     .meaning = "column with the true class, a whole number from 0"},
    {.name = "sample",
     .offset = SAMPLES_OFFSET(sample_column),
     .type = {.kind = FIELD_COLUMN},
     .flags = FIELD_OPTIONAL,
     .meaning = "long layout: column that says which sample a row is about"},
    {.name = "exit",
     .offset = SAMPLES_OFFSET(exit_column),
     .type = {.kind = FIELD_COLUMN},
     .flags = FIELD_OPTIONAL,
     .meaning = "long layout: column that says which exit a row is about"},
    {.name = "confidence",
     .offset = SAMPLES_OFFSET(confidence_column),
     .type = {.kind = FIELD_COLUMN},
     .flags = FIELD_OPTIONAL,
     .meaning = "long layout: column with the confidence, 0 to 1"},
    {.name = "prediction",
     .offset = SAMPLES_OFFSET(prediction_column),
     .type = {.kind = FIELD_COLUMN},
     .flags = FIELD_OPTIONAL,
     .meaning = "long layout: column with the predicted class"},
    {.name = "correct",
     .offset = SAMPLES_OFFSET(correct_column),
     .type = {.kind = FIELD_COLUMN},
     .flags = FIELD_OPTIONAL,
     .meaning = "long layout: column that says whether the prediction is right"},
    {.name = "train",
     .offset = SAMPLES_OFFSET(train),
     .type = {.kind = FIELD_NUMBER, RANGE(0, 1), .flags = FIELD_OPEN_MOST},
     .default_text = "0 %",
     .meaning = "share of the trace's rows that is never simulated, for policies to learn from; "
                "which rows they are depends on the seed alone"},
    {.name = "train_samples",
     .offset = SAMPLES_OFFSET(train_samples),
     .type = {.kind = FIELD_INTEGER, RANGE(0, MOST_COUNT)},
     .default_text = "0",
     .meaning = "generated samples that are drawn for policies to learn from and never simulated"},
    {.name = "features",
     .offset = SAMPLES_OFFSET(feature_columns),
     .type = {.kind = FIELD_LIST,
              .element = &column_type,
              .element_bytes = sizeof(const char *),
              .count_offset = SAMPLES_OFFSET(feature_count)},
     .flags = FIELD_OPTIONAL,
     .meaning = "columns that a policy may look at before any inference; of generated samples, "
                "features by name"},
    {.name = "payload",
     .offset = SAMPLES_OFFSET(payload),
     .type = DISTRIBUTION(DIMENSION_BYTES, 0),
     .default_text = "0 B",
     .meaning = "size of the raw sample"},
    {.name = "answer",
     .offset = SAMPLES_OFFSET(answer_bytes),
     .type = {.kind = FIELD_NUMBER,
              .dimension = DIMENSION_BYTES,
              RANGE(0, MOST_BYTES),
              .word = "free",
              .word_value = -1},
     .default_text = "0 B",
     .meaning = "size of the answer that travels back; 'free' has it back at once, without delay"},
    {.name = "deadline",
     .offset = SAMPLES_OFFSET(deadline_s),
     .type = {.kind = FIELD_NUMBER,
              .dimension = DIMENSION_TIME,
              ABOVE(0, MOST_TIME),
              .word = "none",
              .word_value = INFINITY},
     .default_text = "none",
     .meaning = "time from arrival within which an answer is useful"},
    {.name = NULL},
};

// ---- prices ----

#define PRICE_OFFSET(member) offsetof(struct spec_prices, member)
#define PRICE_OF(of)                                                                               \
    {                                                                                              \
        .kind = FIELD_NUMBER, .dimension = (of), RANGE(0, MOST_NUMBER)                             \
    }

static const struct field price_fields[] = {
    {.name = "error",
     .offset = PRICE_OFFSET(error),
     .type = PRICE_OF(DIMENSION_NONE),
     .default_text = "0",
     .meaning = "of an answer that is wrong"},
    {.name = "offload",
     .offset = PRICE_OFFSET(offload),
     .type = {.kind = FIELD_AMOUNTS, .set = FIELD_LINKS, RANGE(0, MOST_NUMBER)},
     .default_text = "0",
     .meaning = "of a sample that is sent up over a link; one price, or one for each link by its "
                "name FROM-TO"},
    {.name = "latency",
     .offset = PRICE_OFFSET(latency_per_s),
     .type = PRICE_OF(DIMENSION_PER_TIME),
     .default_text = "0 /s",
     .meaning = "of the time from arrival to answer"},
    {.name = "energy",
     .offset = PRICE_OFFSET(energy_per_j),
     .type = PRICE_OF(DIMENSION_PER_JOULE),
     .default_text = "0 /J",
     .meaning = "of the energy of computing"},
    {.name = "byte",
     .offset = PRICE_OFFSET(byte),
     .type = PRICE_OF(DIMENSION_PER_BYTE),
     .default_text = "0 /B",
     .meaning = "of the data sent over links, both ways"},
    {.name = "layer",
     .offset = PRICE_OFFSET(layer),
     .type = {.kind = FIELD_AMOUNTS, .set = FIELD_TIERS, RANGE(0, MOST_NUMBER)},
     .default_text = "0",
     .meaning = "of a layer that is run; one price, or one for each tier by its name"},
    {.name = "deadline_miss",
     .offset = PRICE_OFFSET(deadline_miss),
     .type = PRICE_OF(DIMENSION_NONE),
     .default_text = "0",
     .meaning = "of an answer after the deadline"},
    {.name = "drop",
     .offset = PRICE_OFFSET(drop),
     .type = PRICE_OF(DIMENSION_NONE),
     .default_text = "0",
     .meaning = "of a sample that gets no answer"},
    {.name = NULL},
};

// ---- feedback ----

static const char *const feedback_whens[] = {"never", "offloaded", "always", NULL};

static const struct field feedback_fields[] = {
    {.name = "when",
     .offset = offsetof(struct spec_feedback, when),
     .type = {.kind = FIELD_CHOICE, .choices = feedback_whens},
     .default_text = "never",
     .meaning = "for which answered samples the truth comes back to the policy of their device: "
                "none, those that were offloaded, or all"},
    {.name = "delay",
     .offset = offsetof(struct spec_feedback, delay_s),
     .type = {.kind = FIELD_NUMBER, .dimension = DIMENSION_TIME, RANGE(0, MOST_TIME)},
     .default_text = "0 s",
     .meaning = "time from the answer until then"},
    {.name = NULL},
};

// ---- measure ----

static const struct field measure_fields[] = {
    {.name = "labels",
     .offset = offsetof(struct spec_measure, labels),
     .type = {.kind = FIELD_BOOLEAN},
     .default_text = "false",
     .meaning = "the accuracy of the samples of each label, as 'label_accuracy.LABEL'"},
    {.name = NULL},
};

// ---- the scenario ----

static const struct field_type plugin_type = {.kind = FIELD_TEXT};
static const struct field_type policy_type = {.kind = FIELD_POLICY};

// As enum spec_intervals.
static const char *const interval_kinds[] = {"replications", "batch_means", NULL};

const struct field grammar_fields[] = {
    {.name = "scenario",
     .offset = offsetof(struct spec, name),
     .type = {.kind = FIELD_NAME, .noun = "scenario", .punctuation = "-_."},
     .flags = FIELD_LABEL,
     .meaning = "name under which results are stored"},
    {.name = "about",
     .offset = offsetof(struct spec, about),
     .type = {.kind = FIELD_TEXT},
     .default_text = "",
     .flags = FIELD_LABEL,
     .meaning = "what the scenario is for, in a sentence"},
    {.name = "seed",
     .offset = offsetof(struct spec, seed),
     .type = {.kind = FIELD_UNSIGNED, RANGE(0, 0x1p63), .flags = FIELD_OPEN_MOST},
     .default_text = "1",
     .meaning = "of all random numbers; the same seed gives the same results"},
    {.name = "stop",
     .type = {.kind = FIELD_VARIANT,
              .noun = "end of the run",
              .cases = stop_cases,
              .kind_offset = offsetof(struct spec, stop_kind)},
     .meaning = "when a replication ends"},
    {.name = "warmup",
     .type = {.kind = FIELD_VARIANT,
              .noun = "warm-up",
              .cases = warmup_cases,
              .kind_offset = offsetof(struct spec, warmup_kind)},
     .default_text = "none",
     .meaning = "start of each replication that does not count"},
    {.name = "replications",
     .offset = offsetof(struct spec, replications),
     .type = {.kind = FIELD_INTEGER, RANGE(1, MOST_COUNT)},
     .default_text = "20",
     .flags = FIELD_LABEL,
     .meaning = "independent runs of each point; their spread gives the intervals"},
    {.name = "intervals",
     .offset = offsetof(struct spec, intervals),
     .type = {.kind = FIELD_CHOICE, .choices = interval_kinds},
     .default_text = "replications",
     .meaning = "what intervals rest on: independent replications, or the batches of one long run, "
                "which are as long as it takes for their means to pass a test of correlation"},
    {.name = "confidence",
     .offset = offsetof(struct spec, confidence),
     .type = {.kind = FIELD_NUMBER,
              .least = 0.5,
              .most = 1,
              .flags = FIELD_OPEN_LEAST | FIELD_OPEN_MOST},
     .default_text = "95 %",
     .flags = FIELD_LABEL,
     .meaning = "of every interval that is printed"},
    {.name = "samples",
     .offset = offsetof(struct spec, samples),
     .type = {.kind = FIELD_OBJECT, .fields = samples_fields},
     .flags = FIELD_SECTION,
     .meaning = "what the samples are"},
    {.name = "models",
     .offset = offsetof(struct spec, models),
     .type = {.kind = FIELD_MAP,
              .flags = FIELD_NOT_EMPTY,
              .set = FIELD_MODELS,
              .element = &grammar_model,
              .element_bytes = sizeof(struct spec_model),
              .key = &grammar_model_name,
              .key_offset = offsetof(struct spec_model, name),
              .count_offset = offsetof(struct spec, model_count)},
     .meaning = "the models, by name"},
    {.name = "tiers",
     .offset = offsetof(struct spec, tiers),
     .type = {.kind = FIELD_LIST,
              .flags = FIELD_NOT_EMPTY,
              .most = POLICY_MOST_TIERS,
              .noun = "tier",
              .set = FIELD_TIERS,
              .element = &grammar_tier,
              .element_bytes = sizeof(struct spec_tier),
              .count_offset = offsetof(struct spec, tier_count),
              .name_item = grammar_tier_name},
     .meaning = "the levels of the hierarchy, from the devices upward"},
    {.name = "links",
     .offset = offsetof(struct spec, links),
     .type = {.kind = FIELD_LIST,
              .noun = "link",
              .set = FIELD_LINKS,
              .element = &grammar_link,
              .element_bytes = sizeof(struct spec_link),
              .count_offset = offsetof(struct spec, link_count),
              .name_item = grammar_link_name},
     .flags = FIELD_OPTIONAL,
     .meaning = "what connects the tiers"},
    {.name = "policy",
     .offset = offsetof(struct spec, policies),
     .type = {.kind = FIELD_LIST,
              .flags = FIELD_OR_SINGLE | FIELD_NOT_EMPTY,
              .element = &policy_type,
              .element_bytes = sizeof(struct spec_policy),
              .count_offset = offsetof(struct spec, policy_count)},
     .meaning = "what decides about each sample; a list compares several"},
    {.name = "prices",
     .offset = offsetof(struct spec, prices),
     .type = {.kind = FIELD_OBJECT, .fields = price_fields},
     .flags = FIELD_SECTION | FIELD_PRICE,
     .meaning = "weight of each counted thing in the cost"},
    {.name = "feedback",
     .offset = offsetof(struct spec, feedback),
     .type = {.kind = FIELD_OBJECT,
              .flags = FIELD_HAS_PRESENCE,
              .fields = feedback_fields,
              .count_offset = offsetof(struct spec_feedback, present)},
     .flags = FIELD_OPTIONAL,
     .meaning = "whether policies learn what became of their samples"},
    {.name = "drift",
     .offset = offsetof(struct spec, drift),
     .type = {.kind = FIELD_LIST,
              .noun = "change",
              .most = 10000,
              .element = &grammar_drift,
              .element_bytes = sizeof(struct spec_drift),
              .count_offset = offsetof(struct spec, drift_count)},
     .flags = FIELD_OPTIONAL,
     .meaning = "what changes at given times, in their order; each change holds until the next one "
                "of the same thing"},
    {.name = "measure",
     .offset = offsetof(struct spec, measure),
     .type = {.kind = FIELD_OBJECT,
              .flags = FIELD_HAS_PRESENCE,
              .fields = measure_fields,
              .count_offset = offsetof(struct spec_measure, present)},
     .flags = FIELD_OPTIONAL,
     .meaning = "metrics that are not computed unless asked for"},
    {.name = "until",
     .offset = offsetof(struct spec, until),
     .type = {.kind = FIELD_LIST,
              .flags = FIELD_OR_SINGLE,
              .noun = "rule",
              .element = &grammar_until,
              .element_bytes = sizeof(struct spec_until),
              .count_offset = offsetof(struct spec, until_count)},
     .flags = FIELD_OPTIONAL | FIELD_LABEL,
     .meaning = "in place of a number of replications, or of the length of a run that is cut into "
                "batches: how narrow intervals have to be; of a list, each rule has to hold or to "
                "have given up"},
    {.name = "antithetic",
     .offset = offsetof(struct spec, antithetic),
     .type = {.kind = FIELD_BOOLEAN},
     .default_text = "false",
     .meaning = "replications come in pairs, the second with 1 - u for each random number u of the "
                "first; intervals rest on the means of pairs"},
    {.name = "control_variates",
     .offset = offsetof(struct spec, control_variates),
     .type = {.kind = FIELD_BOOLEAN},
     .default_text = "false",
     .meaning = "estimates are corrected for what arrivals, service times and samples of each "
                "replication say of its luck, as far as their means are known"},
    {.name = "transient",
     .offset = offsetof(struct spec, transient),
     .type = {.kind = FIELD_BOOLEAN},
     .default_text = "false",
     .flags = FIELD_LABEL,
     .meaning = "the run is not meant to settle: no verdict says that it does not"},
    {.name = "sweep",
     .type = {.kind = FIELD_ELSEWHERE},
     .flags = FIELD_OPTIONAL,
     .meaning = "keys that take several values, for the command 'sweep': PATH: [a, b], {from, to, "
                "step}, {from, to, count}, {log: {from, to, count}}; zip: {PATH: [...], ...} in "
                "lockstep; latin_hypercube and sobol: {points, ranges: {PATH: {from, to}}}"},
    {.name = "plugins",
     .offset = offsetof(struct spec, plugins),
     .type = {.kind = FIELD_LIST,
              .flags = FIELD_OR_SINGLE,
              .element = &plugin_type,
              .element_bytes = sizeof(struct spec_plugin),
              .count_offset = offsetof(struct spec, plugin_count)},
     .flags = FIELD_OPTIONAL | FIELD_SOURCE,
     .meaning = "shared objects with policies of your own, relative to the scenario"},
    {.name = NULL},
};
