// SPDX-License-Identifier: GPL-3.0-or-later

// The distributions of times and sizes.

#include "scenario/grammar.h"
#include "scenario/grammar_parts.h"

#define QUANTITY(...)                                                                              \
    {                                                                                              \
        .kind = FIELD_NUMBER, .dimension = FIELD_SAME_DIMENSION, __VA_ARGS__                       \
    }
#define PURE(...)                                                                                  \
    {                                                                                              \
        .kind = FIELD_NUMBER, __VA_ARGS__                                                          \
    }

#define MEAN_FIELD                                                                                 \
    {                                                                                              \
        .name = "mean", .offset = DISTRIBUTION_OFFSET(mean), .type = QUANTITY(ABOVE(0, 1e18)),     \
        .meaning = "expected value"                                                                \
    }

static const struct field constant_fields[] = {
    {.name = "value",
     .offset = DISTRIBUTION_OFFSET(mean),
     .type = QUANTITY(RANGE(0, 1e18)),
     .meaning = "the value itself"},
    {.name = NULL},
};

static const struct field uniform_fields[] = {
    {.name = "from",
     .offset = DISTRIBUTION_OFFSET(from),
     .type = QUANTITY(RANGE(0, 1e18)),
     .meaning = "least value"},
    {.name = "to",
     .offset = DISTRIBUTION_OFFSET(to),
     .type = QUANTITY(RANGE(0, 1e18)),
     .meaning = "largest value"},
    {.name = NULL},
};

static const char *check_uniform(const void *members, const char **ret_hint)
{
    const struct distribution_parameters *parameters = members;
    *ret_hint = "swap them";
    return parameters->from > parameters->to ? "'from' is larger than 'to'" : NULL;
}

static const struct field exponential_fields[] = {MEAN_FIELD, {.name = NULL}};

static const struct field mean_cv_fields[] = {
    MEAN_FIELD,
    {.name = "cv",
     .offset = DISTRIBUTION_OFFSET(cv),
     .type = PURE(ABOVE(0, 100)),
     .meaning = "coefficient of variation, standard deviation / mean"},
    {.name = NULL},
};

static const struct field weibull_fields[] = {
    MEAN_FIELD,
    {.name = "shape",
     .offset = DISTRIBUTION_OFFSET(shape),
     .type = PURE(RANGE(0.05, 100)),
     .meaning = "shape k; 1 is exponential, smaller has a heavier tail"},
    {.name = NULL},
};

static const struct field hyperexponential_fields[] = {
    MEAN_FIELD,
    {.name = "cv",
     .offset = DISTRIBUTION_OFFSET(cv),
     .type = PURE(RANGE(1, 100)),
     .meaning = "coefficient of variation, at least 1"},
    {.name = NULL},
};

static const struct field pareto_fields[] = {
    MEAN_FIELD,
    {.name = "shape",
     .offset = DISTRIBUTION_OFFSET(shape),
     .type = PURE(ABOVE(1, 100)),
     .meaning = "tail index alpha; the variance is infinite up to 2"},
    {.name = NULL},
};

static const struct field_type empirical_value = QUANTITY(RANGE(0, 1e18));
static const struct field_type empirical_weight = PURE(RANGE(0, MOST_NUMBER));

static const struct field empirical_fields[] = {
    {.name = "values",
     .offset = DISTRIBUTION_OFFSET(values),
     .type = {.kind = FIELD_LIST,
              .dimension = FIELD_SAME_DIMENSION,
              .flags = FIELD_NOT_EMPTY | FIELD_SIZE_COUNT,
              .element = &empirical_value,
              .element_bytes = sizeof(double),
              .count_offset = DISTRIBUTION_OFFSET(count)},
     .meaning = "values that were measured; one of them is drawn each time"},
    {.name = "weights",
     .offset = DISTRIBUTION_OFFSET(weights),
     .type = {.kind = FIELD_LIST,
              .flags = FIELD_SAME_COUNT | FIELD_SIZE_COUNT,
              .element = &empirical_weight,
              .element_bytes = sizeof(double),
              .count_offset = DISTRIBUTION_OFFSET(count)},
     .flags = FIELD_OPTIONAL,
     .meaning = "how often each value was seen, in any unit; left out, all are equally likely"},
    {.name = NULL},
};

static const char *check_empirical(const void *members, const char **ret_hint)
{
    const struct distribution_parameters *parameters = members;
    double sum = parameters->weights ? 0 : 1;
    for (size_t i = 0; parameters->weights && i < parameters->count; i++) {
        sum += parameters->weights[i];
    }
    *ret_hint = "give at least one value a weight above 0";
    return sum > 0 ? NULL : "all weights are 0";
}

static const struct field column_fields[] = {
    {.name = "name",
     .offset = DISTRIBUTION_OFFSET(column_name),
     .type = {.kind = FIELD_COLUMN},
     .meaning = "column of the trace; each sample has its own value"},
    {.name = "unit",
     .offset = DISTRIBUTION_OFFSET(column_scale),
     .type = {.kind = FIELD_UNIT, .dimension = FIELD_SAME_DIMENSION},
     .default_text = "",
     .meaning = "unit of the column; left out, seconds or bytes"},
    {.name = NULL},
};

// ---- times of a batch ----

static const struct field_type batch_size = PURE(RANGE(1, 65535));
static const struct field_type batch_time = QUANTITY(RANGE(0, MOST_TIME));

static const struct field table_fields[] = {
    {.name = "sizes",
     .offset = DISTRIBUTION_OFFSET(weights),
     .type = {.kind = FIELD_LIST,
              .flags = FIELD_NOT_EMPTY | FIELD_SIZE_COUNT,
              .element = &batch_size,
              .element_bytes = sizeof(double),
              .count_offset = DISTRIBUTION_OFFSET(count)},
     .meaning = "numbers of samples in a batch, from 1"},
    {.name = "times",
     .offset = DISTRIBUTION_OFFSET(values),
     .type = {.kind = FIELD_LIST,
              .dimension = FIELD_SAME_DIMENSION,
              .flags = FIELD_SAME_COUNT | FIELD_SIZE_COUNT,
              .element = &batch_time,
              .element_bytes = sizeof(double),
              .count_offset = DISTRIBUTION_OFFSET(count)},
     .meaning = "time of a batch of each size; on a straight line between two of them, and beyond "
                "the last on that of the last two"},
    {.name = NULL},
};

static const char *check_table(const void *members, const char **ret_hint)
{
    const struct distribution_parameters *parameters = members;
    if (parameters->weights[0] != 1) {
        *ret_hint = "say first how long a single sample takes";
        return "'sizes' do not start at 1";
    }
    for (size_t i = 1; i < parameters->count; i++) {
        if (parameters->weights[i] <= parameters->weights[i - 1]) {
            *ret_hint = "list the sizes in order, with their times";
            return "'sizes' do not increase";
        }
        if (parameters->values[i] < parameters->values[i - 1]) {
            *ret_hint = "a larger batch takes at least as long";
            return "'times' decrease";
        }
    }
    return NULL;
}

static const struct field linear_fields[] = {
    {.name = "base",
     .offset = DISTRIBUTION_OFFSET(from),
     .type = QUANTITY(RANGE(0, MOST_TIME)),
     .meaning = "time of a batch, whatever its size"},
    {.name = "each",
     .offset = DISTRIBUTION_OFFSET(to),
     .type = QUANTITY(RANGE(0, MOST_TIME)),
     .meaning = "time of each of its samples on top"},
    {.name = NULL},
};

// ---- the cases ----

#define DISTRIBUTION_CASES                                                                         \
    {.name = "constant",                                                                           \
     .value = DISTRIBUTION_CONSTANT,                                                               \
     .fields = constant_fields,                                                                    \
     .meaning = "always the same; a bare value means this"},                                       \
        {.name = "uniform",                                                                        \
         .value = DISTRIBUTION_UNIFORM,                                                            \
         .fields = uniform_fields,                                                                 \
         .meaning = "equally likely anywhere between two values",                                  \
         .check = check_uniform},                                                                  \
        {.name = "exponential",                                                                    \
         .value = DISTRIBUTION_EXPONENTIAL,                                                        \
         .fields = exponential_fields,                                                             \
         .meaning = "memoryless, cv 1"},                                                           \
        {.name = "lognormal",                                                                      \
         .value = DISTRIBUTION_LOGNORMAL,                                                          \
         .fields = mean_cv_fields,                                                                 \
         .meaning = "the logarithm is normal; the usual shape of measured times"},                 \
        {.name = "gamma",                                                                          \
         .value = DISTRIBUTION_GAMMA,                                                              \
         .fields = mean_cv_fields,                                                                 \
         .meaning = "gamma; cv below 1 is Erlang-like"},                                           \
        {.name = "weibull",                                                                        \
         .value = DISTRIBUTION_WEIBULL,                                                            \
         .fields = weibull_fields,                                                                 \
         .meaning = "Weibull"},                                                                    \
        {.name = "hyperexponential",                                                               \
         .value = DISTRIBUTION_HYPEREXPONENTIAL,                                                   \
         .fields = hyperexponential_fields,                                                        \
         .meaning = "one of two exponentials with balanced means; cv 1 or more"},                  \
        {.name = "pareto",                                                                         \
         .value = DISTRIBUTION_PARETO,                                                             \
         .fields = pareto_fields,                                                                  \
         .meaning = "a power-law tail above a least value"},                                       \
        {.name = "empirical",                                                                      \
         .value = DISTRIBUTION_EMPIRICAL,                                                          \
         .fields = empirical_fields,                                                               \
         .meaning = "one of the values that were measured",                                        \
         .check = check_empirical},                                                                \
    {                                                                                              \
        .name = "column", .value = DISTRIBUTION_COLUMN, .fields = column_fields,                   \
        .meaning = "the sample's own value, from a column of the trace"                            \
    }

const struct field_case grammar_distributions[] = {DISTRIBUTION_CASES, {.name = NULL}};

enum { DISTRIBUTION_CASE_COUNT = sizeof(grammar_distributions) / sizeof(struct field_case) - 1 };

const struct field_case grammar_service_times[] = {
    DISTRIBUTION_CASES,
    {.name = "table",
     .value = DISTRIBUTION_TABLE,
     .fields = table_fields,
     .meaning = "by the number of samples in the batch, as measured",
     .check = check_table},
    {.name = "linear",
     .value = DISTRIBUTION_LINEAR,
     .fields = linear_fields,
     .meaning = "by the number of samples in the batch: base + each * samples"},
    {.name = NULL},
};

const struct field_case *const grammar_batch_times =
    grammar_service_times + DISTRIBUTION_CASE_COUNT;
