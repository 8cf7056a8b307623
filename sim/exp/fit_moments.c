// SPDX-License-Identifier: GPL-3.0-or-later

// What a trace shows: halves, moments, distances.

#include "exp/fit.h"

#include "base/memory.h"
#include "model/generator.h"
#include "rng/stream.h"
#include "scenario/spec.h"
#include "scenario/trace.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct trace *new_trace(size_t rows, int exits, int features, bool has_labels,
                               struct arena *arena)
{
    struct trace *trace = arena_new(arena, struct trace);
    trace->path = "";
    trace->rows = rows;
    trace->exits = exits;
    trace->features = features;
    trace->outcomes = arena_new_array(arena, rows * (size_t)exits, struct trace_outcome);
    trace->feature = arena_new_array(arena, rows * (size_t)features, double);
    trace->label = has_labels ? arena_new_array(arena, rows, int32_t) : NULL;
    return trace;
}

const struct trace *fit_half(const struct trace *trace, uint64_t seed, bool other,
                             struct arena *arena)
{
    const size_t exits = (size_t)trace->exits;
    const size_t features = (size_t)trace->features;
    const size_t first = other ? trace->rows / 2 : 0;
    const size_t end = other ? trace->rows : trace->rows / 2;
    struct trace *half =
        new_trace(end - first, trace->exits, trace->features, trace->label != NULL, arena);
    half->classes = trace->classes;
    const struct stream_permutation order = stream_permutation(
        (struct stream_key){.seed = seed}, stream_purpose("fit", "half"), 0, trace->rows);
    for (size_t i = first; i < end; i++) {
        const size_t from = stream_permuted(&order, i);
        const size_t to = i - first;
        memcpy(half->outcomes + to * exits, trace->outcomes + from * exits,
               exits * sizeof(*trace->outcomes));
        for (size_t k = 0; k < features; k++) {
            half->feature[to * features + k] = trace->feature[from * features + k];
        }
        if (half->label) {
            half->label[to] = trace->label[from];
        }
    }
    return half;
}

const struct trace *fit_draw(const struct spec_generated *generated, uint64_t seed, size_t rows,
                             struct arena *arena)
{
    const size_t exits = (size_t)generated->outcome_count;
    const size_t features = (size_t)generated->feature_count;
    int *numbers = arena_new_array(arena, exits, int);
    const char **names = arena_new_array(arena, features, const char *);
    for (size_t i = 0; i < exits; i++) {
        numbers[i] = (int)i;
    }
    for (size_t i = 0; i < features; i++) {
        names[i] = generated->features[i].name;
    }
    const struct generator_wanted wanted = {numbers, (int)exits, names, (int)features};
    const struct generator *generator = generator_build(generated, &wanted, arena);
    struct trace *trace =
        new_trace(rows, (int)exits, (int)features, generated->class_count > 0, arena);
    trace->classes = generated->class_count;
    const struct stream_key key = {.seed = seed};
    for (size_t row = 0; row < rows; row++) {
        const int32_t label = generator_draw(generator, key, 0, row, trace->outcomes + row * exits,
                                             trace->feature + row * features);
        if (trace->label) {
            trace->label[row] = label;
        }
    }
    return trace;
}

static void observe(const struct trace *trace, size_t row, double *ret_values)
{
    const size_t exits = (size_t)trace->exits;
    const struct trace_outcome *outcomes = trace->outcomes + row * exits;
    for (size_t i = 0; i < exits; i++) {
        ret_values[i] = outcomes[i].confidence;
        ret_values[exits + i] = outcomes[i].correct;
    }
}

void fit_moments(const struct trace *trace, struct arena *arena, struct fit_moments *ret_moments)
{
    const size_t exits = (size_t)trace->exits;
    const size_t size = 2 * exits;
    const double rows = (double)trace->rows;
    struct fit_moments moments = {.exits = trace->exits,
                                  .mean = arena_new_array(arena, size, double),
                                  .deviation = arena_new_array(arena, size, double),
                                  .correlation = arena_new_array(arena, size * size, double),
                                  .right_wrong = arena_new_array(arena, exits * exits, double)};
    double *values = arena_new_array(arena, size, double);
    for (size_t row = 0; row < trace->rows; row++) {
        observe(trace, row, values);
        for (size_t i = 0; i < size; i++) {
            moments.mean[i] += values[i] / rows;
        }
    }
    for (size_t row = 0; row < trace->rows; row++) {
        observe(trace, row, values);
        for (size_t i = 0; i < exits; i++) {
            for (size_t k = 0; k < exits; k++) {
                moments.right_wrong[i * exits + k] +=
                    values[exits + i] * (1 - values[exits + k]) / rows;
            }
        }
        for (size_t i = 0; i < size; i++) {
            values[i] -= moments.mean[i];
            for (size_t k = 0; k <= i; k++) {
                moments.correlation[i * size + k] += values[i] * values[k] / rows;
            }
        }
    }
    for (size_t i = 0; i < size; i++) {
        // What adding up leaves of a constant is not a spread.
        const double variance = moments.correlation[i * size + i];
        moments.deviation[i] = variance > 1e-20 ? sqrt(variance) : 0;
    }
    for (size_t i = 0; i < size; i++) {
        for (size_t k = 0; k <= i; k++) {
            const double scale = moments.deviation[i] * moments.deviation[k];
            const double covariance = moments.correlation[i * size + k];
            moments.correlation[i * size + k] = moments.correlation[k * size + i] =
                scale > 0 ? covariance / scale : 0;
        }
    }
    *ret_moments = moments;
}

static int compare_numbers(const void *a, const void *b)
{
    const double left = *(const double *)a;
    const double right = *(const double *)b;
    return (left > right) - (left < right);
}

// The confidences of an exit where it is right, or wrong, in order.
static double *sorted_confidences(const struct trace *trace, int exit, bool is_right,
                                  struct arena *arena, size_t *ret_count)
{
    double *values = arena_new_array(arena, trace->rows, double);
    size_t count = 0;
    for (size_t row = 0; row < trace->rows; row++) {
        const struct trace_outcome *outcome =
            &trace->outcomes[row * (size_t)trace->exits + (size_t)exit];
        if ((outcome->correct != 0) == is_right) {
            values[count++] = outcome->confidence;
        }
    }
    if (count) {
        qsort(values, count, sizeof(*values), compare_numbers);
    }
    *ret_count = count;
    return values;
}

double fit_distance(const struct trace *a, const struct trace *b, int exit, bool is_right,
                    struct arena *arena)
{
    size_t a_count;
    size_t b_count;
    const double *a_values = sorted_confidences(a, exit, is_right, arena, &a_count);
    const double *b_values = sorted_confidences(b, exit, is_right, arena, &b_count);
    if (!a_count || !b_count) {
        return NAN;
    }
    double largest = 0;
    for (size_t i = 0, k = 0; i < a_count && k < b_count;) {
        const double at = a_values[i] < b_values[k] ? a_values[i] : b_values[k];
        while (i < a_count && a_values[i] <= at) {
            i++;
        }
        while (k < b_count && b_values[k] <= at) {
            k++;
        }
        largest = fmax(largest, fabs((double)i / (double)a_count - (double)k / (double)b_count));
    }
    return largest;
}

double fit_difficulty(const struct trace *trace, size_t row)
{
    const struct trace_outcome *outcomes = trace->outcomes + row * (size_t)trace->exits;
    double truth = 0;
    for (int i = 0; i < trace->exits; i++) {
        truth += outcomes[i].correct ? outcomes[i].confidence : 1 - outcomes[i].confidence;
    }
    return 1 - truth / (double)trace->exits;
}

void fit_separation(const struct spec_generated *generated, double ret_separation[3])
{
    static const int pairs[3][2] = {{0, 1}, {1, 2}, {0, 2}};
    for (int i = 0; i < 3; i++) {
        double sum = 0;
        for (int k = 0; k < generated->feature_count; k++) {
            const struct spec_feature *feature = &generated->features[k];
            const double a = feature->spread[pairs[i][0]];
            const double b = feature->spread[pairs[i][1]];
            const double distance = feature->mean[pairs[i][0]] - feature->mean[pairs[i][1]];
            const double variance = (a * a + b * b) / 2;
            sum += variance > 0 ? distance * distance / variance : 0;
        }
        ret_separation[i] = sqrt(sum);
    }
}
