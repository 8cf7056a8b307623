// SPDX-License-Identifier: GPL-3.0-or-later

// Rates of links: constant, in steps, from files, at random.

#include "scenario/grammar_parts.h"
#include "scenario/spec.h"

#include <math.h>

#define RATE_OFFSET(member) offsetof(struct spec_rate, member)
#define CHAIN_OFFSET(member) (RATE_OFFSET(chain) + offsetof(struct spec_states, member))

static const struct field constant_fields[] = {
    {.name = "rate",
     .offset = RATE_OFFSET(bytes_per_s),
     .type = {.kind = FIELD_NUMBER,
              .dimension = DIMENSION_RATE,
              RANGE(LEAST_RATE, MOST_NUMBER),
              .word = "unlimited",
              .word_value = INFINITY},
     .meaning = "the rate itself"},
    {.name = NULL},
};

static const struct field_type time_of_rate = {
    .kind = FIELD_NUMBER, .dimension = DIMENSION_TIME, RANGE(0, MOST_TIME)};
static const struct field_type any_rate = {
    .kind = FIELD_NUMBER, .dimension = DIMENSION_RATE, RANGE(0, MOST_NUMBER)};
const struct field_type grammar_mean_stay = {
    .kind = FIELD_NUMBER, .dimension = DIMENSION_TIME, RANGE(1e-9, 1e9)};
static const struct field_type probability = {.kind = FIELD_NUMBER, RANGE(0, 1)};

#define START_FIELD                                                                                \
    {                                                                                              \
        .name = "start", .offset = RATE_OFFSET(start_s),                                           \
        .type = {.kind = FIELD_NUMBER,                                                             \
                 .dimension = DIMENSION_TIME,                                                      \
                 RANGE(0, MOST_TIME),                                                              \
                 .word = "random",                                                                 \
                 .word_value = -1},                                                                \
        .default_text = "0 s",                                                                     \
        .meaning = "how far into it the simulation starts; 'random' draws a place in it for each " \
                   "medium of the link, the same for both directions"                              \
    }

#define REPEAT_FIELD                                                                               \
    {                                                                                              \
        .name = "repeat", .offset = RATE_OFFSET(repeats), .type = {.kind = FIELD_BOOLEAN},         \
        .default_text = "true",                                                                    \
        .meaning =                                                                                 \
            "whether the file starts again at its end; else the link carries nothing after "       \
            "it, and what is not through by then is lost"                                          \
    }

// ---- steps ----

static const struct field step_fields[] = {
    {.name = "times",
     .offset = RATE_OFFSET(times_s),
     .type = {.kind = FIELD_LIST,
              .flags = FIELD_NOT_EMPTY,
              .element = &time_of_rate,
              .element_bytes = sizeof(double),
              .count_offset = RATE_OFFSET(count)},
     .meaning = "when each rate begins; the first is 0 s"},
    {.name = "rates",
     .offset = RATE_OFFSET(rates),
     .type = {.kind = FIELD_LIST,
              .flags = FIELD_SAME_COUNT,
              .element = &any_rate,
              .element_bytes = sizeof(double),
              .count_offset = RATE_OFFSET(count)},
     .meaning = "the rates, one for each time; 0 is an outage, others are 0.001 B/s or more"},
    {.name = "period",
     .offset = RATE_OFFSET(period_s),
     .type = {.kind = FIELD_NUMBER,
              .dimension = DIMENSION_TIME,
              RANGE(1e-9, MOST_TIME),
              .word = "never",
              .word_value = INFINITY},
     .default_text = "never",
     .meaning = "when the pattern starts again; 'never' keeps the last rate"},
    START_FIELD,
    {.name = NULL},
};

static const char *check_steps(const void *members, const char **ret_hint)
{
    const struct spec_rate *rate = members;
    double highest = 0;
    for (int i = 0; i < rate->count; i++) {
        if (i ? rate->times_s[i] <= rate->times_s[i - 1] : rate->times_s[0] != 0) {
            *ret_hint = "start at 0 s and list the times in order";
            return i ? "'times' do not increase" : "'times' do not start at 0 s";
        }
        if (rate->rates[i] > 0 && rate->rates[i] < LEAST_RATE) {
            *ret_hint = "for an outage write 0 B/s; other rates are at least 0.001 B/s";
            return "a rate is hardly above 0";
        }
        highest = rate->rates[i] > highest ? rate->rates[i] : highest;
    }
    if (rate->count && rate->period_s <= rate->times_s[rate->count - 1]) {
        *ret_hint = "make 'period' longer than the last of 'times'";
        return "'period' ends before the last rate begins";
    }
    if (rate->count && isinf(rate->period_s) && rate->rates[rate->count - 1] <= 0) {
        *ret_hint = "end with a rate above 0, or give a 'period'";
        return "the last rate is 0 and stays, so nothing would ever arrive";
    }
    if (rate->start_s < 0 && isinf(rate->period_s)) {
        *ret_hint = "give a 'period', or a 'start'";
        return "steps that do not repeat cannot start anywhere";
    }
    *ret_hint = "give at least one rate above 0";
    return highest > 0 ? NULL : "all rates are 0";
}

// ---- files ----

static const struct field trace_fields[] = {
    {.name = "file",
     .offset = RATE_OFFSET(path),
     .type = {.kind = FIELD_TEXT},
     .flags = FIELD_SOURCE,
     .meaning = "CSV file, relative to the scenario; each rate holds until the time of the next "
                "row, that of the last row as long as the one before it"},
    {.name = "time",
     .offset = RATE_OFFSET(time_column),
     .type = {.kind = FIELD_TEXT},
     .meaning = "column with times that increase; the first is the beginning"},
    {.name = "time_unit",
     .offset = RATE_OFFSET(time_scale),
     .type = {.kind = FIELD_UNIT, .dimension = DIMENSION_TIME},
     .default_text = "s",
     .meaning = "unit of that column"},
    {.name = "rate",
     .offset = RATE_OFFSET(rate_column),
     .type = {.kind = FIELD_TEXT},
     .meaning = "column with the rate from each time on; 0 is an outage"},
    {.name = "rate_unit",
     .offset = RATE_OFFSET(rate_scale),
     .type = {.kind = FIELD_UNIT, .dimension = DIMENSION_RATE},
     .default_text = "Mbit/s",
     .meaning = "unit of that column"},
    REPEAT_FIELD,
    START_FIELD,
    {.name = NULL},
};

static const struct field mahimahi_fields[] = {
    {.name = "file",
     .offset = RATE_OFFSET(path),
     .type = {.kind = FIELD_TEXT},
     .flags = FIELD_SOURCE,
     .meaning = "file of packet opportunities, relative to the scenario: one whole number a line, "
                "the millisecond in which 1500 bytes can go; each millisecond is a step of its "
                "own, and the number in the last line is where the file repeats"},
    REPEAT_FIELD,
    START_FIELD,
    {.name = NULL},
};

// ---- at random ----

const struct field_type grammar_chain_row = {
    .kind = FIELD_LIST,
    .flags = FIELD_NOT_EMPTY,
    .element = &probability,
    .element_bytes = sizeof(double),
    .count_offset = offsetof(struct spec_row, count),
};

static const struct field markov_fields[] = {
    {.name = "rates",
     .offset = CHAIN_OFFSET(rates),
     .type = {.kind = FIELD_LIST,
              .flags = FIELD_NOT_EMPTY,
              .most = 1000,
              .element = &any_rate,
              .element_bytes = sizeof(double),
              .count_offset = CHAIN_OFFSET(count)},
     .meaning = "the rate in each state; 0 is an outage, others are 0.001 B/s or more"},
    {.name = "stays",
     .offset = CHAIN_OFFSET(stays_s),
     .type = {.kind = FIELD_LIST,
              .flags = FIELD_SAME_COUNT,
              .element = &grammar_mean_stay,
              .element_bytes = sizeof(double),
              .count_offset = CHAIN_OFFSET(count)},
     .meaning = "mean time in each state, which is exponential; each medium has states of its own"},
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

static const char *check_markov(const void *members, const char **ret_hint)
{
    const struct spec_states *chain = &((const struct spec_rate *)members)->chain;
    for (int i = 0; i < chain->count; i++) {
        if (chain->rates[i] > 0 && chain->rates[i] < LEAST_RATE) {
            *ret_hint = "for an outage write 0 B/s; other rates are at least 0.001 B/s";
            return "a rate is hardly above 0";
        }
    }
    return NULL;
}

#define ANY_RATE                                                                                   \
    {                                                                                              \
        .kind = FIELD_NUMBER, .dimension = DIMENSION_RATE, RANGE(0, MOST_NUMBER)                   \
    }
#define MEAN_STAY                                                                                  \
    {                                                                                              \
        .kind = FIELD_NUMBER, .dimension = DIMENSION_TIME, RANGE(1e-9, 1e9)                        \
    }

static const struct field gilbert_elliott_fields[] = {
    {.name = "good",
     .offset = RATE_OFFSET(good),
     .type = {.kind = FIELD_NUMBER, .dimension = DIMENSION_RATE, RANGE(LEAST_RATE, MOST_NUMBER)},
     .meaning = "rate in the good state"},
    {.name = "bad",
     .offset = RATE_OFFSET(bad),
     .type = ANY_RATE,
     .default_text = "0 B/s",
     .meaning = "rate in the bad state; 0 is an outage"},
    {.name = "good_stay",
     .offset = RATE_OFFSET(good_stay_s),
     .type = MEAN_STAY,
     .meaning = "mean time in the good state, which is exponential"},
    {.name = "bad_stay",
     .offset = RATE_OFFSET(bad_stay_s),
     .type = MEAN_STAY,
     .meaning = "mean time in the bad state, which is exponential"},
    {.name = NULL},
};

static const char *check_gilbert_elliott(const void *members, const char **ret_hint)
{
    const struct spec_rate *rate = members;
    *ret_hint = "for an outage write 0 B/s; other rates are at least 0.001 B/s";
    return rate->bad > 0 && rate->bad < LEAST_RATE ? "a rate is hardly above 0" : NULL;
}

const struct field_case grammar_rates[] = {
    {.name = "constant",
     .value = RATE_CONSTANT,
     .fields = constant_fields,
     .meaning = "always the same; a bare value means this"},
    {.name = "steps",
     .value = RATE_STEPS,
     .fields = step_fields,
     .meaning = "constant between given times",
     .check = check_steps},
    {.name = "trace",
     .value = RATE_TRACE,
     .fields = trace_fields,
     .meaning = "from a file with times and rates"},
    {.name = "mahimahi",
     .value = RATE_MAHIMAHI,
     .fields = mahimahi_fields,
     .meaning = "from a packet-delivery file as the Mahimahi link emulator reads it"},
    {.name = "markov",
     .value = RATE_MARKOV,
     .fields = markov_fields,
     .meaning = "depends on a state, a Markov chain, which is in equilibrium from the start",
     .check = check_markov},
    {.name = "gilbert_elliott",
     .value = RATE_GILBERT_ELLIOTT,
     .fields = gilbert_elliott_fields,
     .meaning = "a Markov chain of two states, in equilibrium from the start",
     .check = check_gilbert_elliott},
    {.name = NULL},
};
