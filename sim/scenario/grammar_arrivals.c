// SPDX-License-Identifier: GPL-3.0-or-later

// How samples arise: arrival processes, what changes their rate, bursts, and drift.

#include "scenario/grammar_parts.h"
#include "scenario/spec.h"

#include <math.h>

#define ARRIVALS_OFFSET(member) offsetof(struct spec_arrivals, member)

static const struct field_type frequency = {
    .kind = FIELD_NUMBER, .dimension = DIMENSION_FREQUENCY, RANGE(0, 1e9)};
static const struct field_type duration = {
    .kind = FIELD_NUMBER, .dimension = DIMENSION_TIME, RANGE(0, MOST_TIME)};
static const struct field_type factor = {.kind = FIELD_NUMBER, RANGE(0, 1e9)};

#define RATE_FIELD(about)                                                                          \
    {                                                                                              \
        .name = "rate", .offset = ARRIVALS_OFFSET(rate_per_s),                                     \
        .type = {.kind = FIELD_NUMBER, .dimension = DIMENSION_FREQUENCY, RANGE(1e-9, 1e9)},        \
        .meaning = (about)                                                                         \
    }

// ---- processes ----

static const struct field poisson_fields[] = {
    RATE_FIELD("arrivals per second at each node"),
    {.name = NULL},
};

static const struct field gamma_fields[] = {
    RATE_FIELD("arrivals per second at each node"),
    {.name = "cv",
     .offset = ARRIVALS_OFFSET(cv),
     .type = {.kind = FIELD_NUMBER, RANGE(0.01, 100)},
     .meaning = "coefficient of variation of the time between arrivals; 1 is Poisson, less is more "
                "regular, more comes in clusters"},
    {.name = NULL},
};

static const struct field deterministic_fields[] = {
    {.name = "period",
     .offset = ARRIVALS_OFFSET(period_s),
     .type = {.kind = FIELD_NUMBER, .dimension = DIMENSION_TIME, RANGE(1e-9, 1e9)},
     .meaning = "time from one arrival at a node to the next"},
    {.name = "phase",
     .offset = ARRIVALS_OFFSET(phase_s),
     .type = {.kind = FIELD_NUMBER,
              .dimension = DIMENSION_TIME,
              RANGE(0, MOST_TIME),
              .word = "random",
              .word_value = -1},
     .default_text = "0 s",
     .meaning = "time of the first arrival; 'random' draws one for each node from the period"},
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

#define CHAIN_OFFSET(member) (ARRIVALS_OFFSET(chain) + offsetof(struct spec_states, member))

static const struct field mmpp_fields[] = {
    {.name = "rates",
     .offset = CHAIN_OFFSET(rates),
     .type = {.kind = FIELD_LIST,
              .flags = FIELD_NOT_EMPTY,
              .most = 100,
              .element = &frequency,
              .element_bytes = sizeof(double),
              .count_offset = CHAIN_OFFSET(count)},
     .meaning = "arrivals per second at a node in each of its states"},
    {.name = "stays",
     .offset = CHAIN_OFFSET(stays_s),
     .type = {.kind = FIELD_LIST,
              .flags = FIELD_SAME_COUNT,
              .element = &grammar_mean_stay,
              .element_bytes = sizeof(double),
              .count_offset = CHAIN_OFFSET(count)},
     .meaning = "mean time in each state, which is exponential; each node has states of its own"},
    {.name = "next",
     .offset = CHAIN_OFFSET(next),
     .type = {.kind = FIELD_LIST,
              .element = &grammar_chain_row,
              .element_bytes = sizeof(struct spec_row),
              .count_offset = CHAIN_OFFSET(next_count)},
     .flags = FIELD_OPTIONAL,
     .meaning = "a row for each state: the probabilities of what comes after it; left out, all "
                "other states are equally likely"},
    {.name = NULL},
};

static const struct field on_off_fields[] = {
    RATE_FIELD("arrivals per second at a node while it is on, as a Poisson process"),
    {.name = "on",
     .offset = ARRIVALS_OFFSET(on),
     .type = DISTRIBUTION(DIMENSION_TIME, FIELD_NO_COLUMN),
     .meaning = "how long it is on at a time"},
    {.name = "off",
     .offset = ARRIVALS_OFFSET(off),
     .type = DISTRIBUTION(DIMENSION_TIME, FIELD_NO_COLUMN),
     .meaning = "how long it is off in between"},
    {.name = NULL},
};

static const char *const times_targets[] = {"deal", "each", NULL};

static const struct field times_fields[] = {
    {.name = "file",
     .offset = ARRIVALS_OFFSET(path),
     .type = {.kind = FIELD_TEXT},
     .flags = FIELD_SOURCE,
     .meaning = "CSV file with times that do not decrease, relative to the scenario; the first is "
                "time 0"},
    {.name = "column",
     .offset = ARRIVALS_OFFSET(column),
     .type = {.kind = FIELD_TEXT},
     .flags = FIELD_OPTIONAL,
     .meaning = "column with the times: numbers, or dates and times such as 2023-11-16 "
                "18:15:46.6805900; left out, the first column"},
    {.name = "unit",
     .offset = ARRIVALS_OFFSET(column_scale),
     .type = {.kind = FIELD_UNIT, .dimension = DIMENSION_TIME},
     .default_text = "s",
     .meaning = "unit of the column, where it holds numbers"},
    {.name = "rate",
     .offset = ARRIVALS_OFFSET(rate_per_s),
     .type = {.kind = FIELD_NUMBER,
              .dimension = DIMENSION_FREQUENCY,
              RANGE(1e-9, 1e9),
              .word = "as_is",
              .word_value = 0},
     .default_text = "as_is",
     .meaning = "stretches or shrinks all times so that each node has so many arrivals per second; "
                "'as_is' leaves them"},
    {.name = "repeat",
     .offset = ARRIVALS_OFFSET(repeats),
     .type = {.kind = FIELD_BOOLEAN},
     .default_text = "true",
     .meaning = "whether the file starts again at its end, a mean gap after its last time"},
    {.name = "to",
     .offset = ARRIVALS_OFFSET(to),
     .type = {.kind = FIELD_CHOICE, .choices = times_targets},
     .default_text = "deal",
     .meaning = "deal: the nodes get the arrivals in turn; each: every node gets all of them, from "
                "a place in the file that is drawn for it"},
    {.name = NULL},
};

const struct field_case grammar_arrivals[] = {
    {.name = "poisson",
     .value = ARRIVALS_POISSON,
     .fields = poisson_fields,
     .meaning = "independent of each other, at a rate"},
    {.name = "gamma",
     .value = ARRIVALS_GAMMA,
     .fields = gamma_fields,
     .meaning = "independent gamma times between arrivals, in equilibrium from the start"},
    {.name = "deterministic",
     .value = ARRIVALS_DETERMINISTIC,
     .fields = deterministic_fields,
     .meaning = "one after each period"},
    {.name = "mmpp",
     .value = ARRIVALS_MMPP,
     .fields = mmpp_fields,
     .meaning = "Poisson at a rate that depends on a state, a Markov chain (Markov-modulated "
                "Poisson process), in equilibrium from the start"},
    {.name = "on_off",
     .value = ARRIVALS_ON_OFF,
     .fields = on_off_fields,
     .meaning = "Poisson while on, nothing while off; at time 0 a node is on with the probability "
                "of its share of time, and a whole period begins"},
    {.name = "times",
     .value = ARRIVALS_TIMES,
     .fields = times_fields,
     .meaning = "at the times in a file"},
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

// ---- what changes the rate ----

#define PATTERN_OFFSET(member) offsetof(struct spec_pattern, member)

const struct field grammar_pattern[] = {
    {.name = "times",
     .offset = PATTERN_OFFSET(times_s),
     .type = {.kind = FIELD_LIST,
              .flags = FIELD_NOT_EMPTY,
              .element = &duration,
              .element_bytes = sizeof(double),
              .count_offset = PATTERN_OFFSET(count)},
     .meaning = "when each factor begins; the first is 0 s"},
    {.name = "factors",
     .offset = PATTERN_OFFSET(factors),
     .type = {.kind = FIELD_LIST,
              .flags = FIELD_SAME_COUNT,
              .element = &factor,
              .element_bytes = sizeof(double),
              .count_offset = PATTERN_OFFSET(count)},
     .meaning = "the factors, one for each time; while one holds, time passes so much faster for "
                "the arrivals"},
    {.name = "period",
     .offset = PATTERN_OFFSET(period_s),
     .type = {.kind = FIELD_NUMBER,
              .dimension = DIMENSION_TIME,
              RANGE(1e-9, MOST_TIME),
              .word = "never",
              .word_value = INFINITY},
     .default_text = "never",
     .meaning = "when the pattern starts again; 'never' keeps the last factor"},
    {.name = NULL},
};

// ---- bursts ----

#define BURSTS_OFFSET(member) offsetof(struct spec_bursts, member)

const struct field grammar_bursts[] = {
    {.name = "every",
     .offset = BURSTS_OFFSET(every),
     .type = DISTRIBUTION(DIMENSION_TIME, FIELD_NO_COLUMN),
     .meaning = "time from one burst to the next, and to the first"},
    {.name = "samples",
     .offset = BURSTS_OFFSET(samples),
     .type = {.kind = FIELD_INTEGER, RANGE(1, MOST_COUNT)},
     .default_text = "1",
     .meaning = "samples of each node in a burst"},
    {.name = "spread",
     .offset = BURSTS_OFFSET(spread_s),
     .type = {.kind = FIELD_NUMBER, .dimension = DIMENSION_TIME, RANGE(0, MOST_TIME)},
     .default_text = "0 s",
     .meaning = "time within which they arise, anywhere in it"},
    {.name = NULL},
};

// ---- drift ----

#define DRIFT_OFFSET(member) offsetof(struct spec_drift, member)

static const struct field_type link_key = {
    .kind = FIELD_REFERENCE, .set = FIELD_LINKS, .noun = "link"};

static const struct field drift_samples_fields[] = {
    {.name = "trace",
     .offset = DRIFT_OFFSET(trace_path),
     .type = {.kind = FIELD_TEXT},
     .flags = FIELD_OPTIONAL | FIELD_SOURCE,
     .meaning = "another CSV file with the same columns, relative to the scenario"},
    {.name = "generated",
     .offset = DRIFT_OFFSET(generated_path),
     .type = {.kind = FIELD_TEXT},
     .flags = FIELD_OPTIONAL | FIELD_SOURCE,
     .meaning = "another YAML file to draw samples from, relative to the scenario"},
    {.name = NULL},
};

static const struct field drift_fields[] = {
    {.name = "at",
     .offset = DRIFT_OFFSET(at_s),
     .type = {.kind = FIELD_NUMBER, .dimension = DIMENSION_TIME, RANGE(0, MOST_TIME)},
     .meaning = "when it changes"},
    {.name = "arrivals",
     .offset = DRIFT_OFFSET(arrivals),
     .type = {.kind = FIELD_NUMBER, RANGE(0, 1e9), .word = "unchanged", .word_value = -1},
     .default_text = "unchanged",
     .meaning = "factor of the rate of all open arrivals from then on, with respect to what the "
                "scenario says of them"},
    {.name = "links",
     .offset = DRIFT_OFFSET(links),
     .type = {.kind = FIELD_MAP,
              .flags = FIELD_NOT_EMPTY,
              .element = &factor,
              .element_bytes = sizeof(struct spec_link_factor),
              .element_offset = offsetof(struct spec_link_factor, factor),
              .key = &link_key,
              .key_offset = offsetof(struct spec_link_factor, link),
              .count_offset = DRIFT_OFFSET(link_count)},
     .flags = FIELD_OPTIONAL,
     .meaning = "factor of the rates of links from then on, by their names FROM-TO; 0 is an "
                "outage"},
    {.name = "samples",
     .type = {.kind = FIELD_OBJECT, .fields = drift_samples_fields},
     .flags = FIELD_SECTION,
     .meaning = "where samples come from that arise from then on"},
    {.name = NULL},
};

const struct field_type grammar_drift = {
    .kind = FIELD_OBJECT, .noun = "change", .fields = drift_fields};
