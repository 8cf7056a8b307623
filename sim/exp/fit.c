// SPDX-License-Identifier: GPL-3.0-or-later
#include "exp/fit.h"

#include "base/memory.h"
#include "base/text.h"
#include "exp/fit_parts.h"
#include "scenario/spec.h"
#include "scenario/trace.h"

#include <math.h>
#include <stdlib.h>

enum { CONFIDENCE_DECIMALS = 6, SHARE_DECIMALS = 5, FEATURE_DECIMALS = 6 };

// Denser towards the ends, where few samples decide what a high or low threshold does.
static const double quantiles[] = {0,     0.005, 0.01, 0.02, 0.03, 0.05,  0.075, 0.1,
                                   0.15,  0.2,   0.25, 0.3,  0.35, 0.4,   0.45,  0.5,
                                   0.55,  0.6,   0.65, 0.7,  0.75, 0.8,   0.85,  0.9,
                                   0.925, 0.95,  0.97, 0.98, 0.99, 0.995, 1};
enum { QUANTILES = sizeof(quantiles) / sizeof(quantiles[0]) };

double fit_round(double value, int decimals)
{
    const double scale = pow(10, decimals);
    return round(value * scale) / scale;
}

int fit_check(const struct trace *trace, const struct fit_names *names, struct text *ret_error)
{
    if (trace->exits > FIT_MOST_EXITS) {
        text_format(ret_error, "%d exits are more than %d; name those to fit", trace->exits,
                    FIT_MOST_EXITS);
        return -1;
    }
    if (trace->rows < FIT_LEAST_ROWS) {
        text_format(ret_error, "%zu samples are too few to fit anything; give at least %d",
                    trace->rows, FIT_LEAST_ROWS);
        return -1;
    }
    for (int exit = 0; exit < trace->exits; exit++) {
        size_t right = 0;
        for (size_t row = 0; row < trace->rows; row++) {
            right += trace->outcomes[row * (size_t)trace->exits + (size_t)exit].correct != 0;
        }
        const bool lacks_wrong = trace->rows - right < FIT_LEAST_ANSWERS;
        const size_t found = lacks_wrong ? trace->rows - right : right;
        if (found < FIT_LEAST_ANSWERS) {
            text_format(ret_error,
                        "exit '%s' gives %zu %s answer%s to %zu samples; at least %d are needed to "
                        "tell when it does: leave it out, or take more samples",
                        names->exits[exit], found, lacks_wrong ? "wrong" : "right",
                        found == 1 ? "" : "s", trace->rows, FIT_LEAST_ANSWERS);
            return -1;
        }
    }
    return 0;
}

// ---- exits ----

struct answer {
    double confidence;
    double right; // then: the fitted share of right answers
};

static int compare_answers(const void *a, const void *b)
{
    const double left = ((const struct answer *)a)->confidence;
    const double right = ((const struct answer *)b)->confidence;
    return (left > right) - (left < right);
}

struct block {
    double mean;
    size_t count;
};

// Pools neighbours until shares do not fall any more. Answers of equal confidence share one block
// from the start, because nothing tells them apart.
static void fit_isotonic(struct answer *answers, size_t count, struct arena *arena)
{
    struct block *blocks = arena_new_array(arena, count, struct block);
    size_t used = 0;
    for (size_t i = 0; i < count;) {
        struct block block = {0};
        double sum = 0;
        const double confidence = answers[i].confidence;
        for (; i < count && answers[i].confidence == confidence; i++) {
            sum += answers[i].right;
            block.count++;
        }
        block.mean = sum / (double)block.count;
        while (used && blocks[used - 1].mean >= block.mean) {
            const struct block *before = &blocks[--used];
            const size_t together = before->count + block.count;
            block.mean = (before->mean * (double)before->count + block.mean * (double)block.count) /
                         (double)together;
            block.count = together;
        }
        blocks[used++] = block;
    }
    for (size_t i = 0, at = 0; i < used; i++) {
        for (size_t k = 0; k < blocks[i].count; k++) {
            answers[at++].right = blocks[i].mean;
        }
    }
}

// The sum of the fitted shares of the first `place` answers; a broken place takes part of one.
static double sum_to(const double *sums, size_t count, double place)
{
    const size_t whole = place >= (double)count ? count - 1 : (size_t)place;
    return sums[whole] + (place - (double)whole) * (sums[whole + 1] - sums[whole]);
}

static void fit_exit(const struct trace *trace, int exit, struct arena *arena,
                     struct spec_outcome *outcome)
{
    const size_t count = trace->rows;
    struct answer *answers = arena_new_array(arena, count, struct answer);
    for (size_t row = 0; row < count; row++) {
        const struct trace_outcome *from =
            &trace->outcomes[row * (size_t)trace->exits + (size_t)exit];
        answers[row] = (struct answer){from->confidence, from->correct != 0};
    }
    qsort(answers, count, sizeof(*answers), compare_answers);
    fit_isotonic(answers, count, arena);
    double *sums = arena_new_array(arena, count + 1, double);
    for (size_t i = 0; i < count; i++) {
        sums[i + 1] = sums[i] + answers[i].right;
    }
    double *confidence = arena_new_array(arena, QUANTILES, double);
    double *right = arena_new_array(arena, QUANTILES - 1, double);
    const bool is_constant = answers[0].confidence == answers[count - 1].confidence;
    for (size_t i = 0; i < QUANTILES; i++) {
        const double place = quantiles[i] * (double)(count - 1);
        const size_t whole = place >= (double)(count - 1) ? count - 2 : (size_t)place;
        const double low = answers[whole].confidence;
        const double high = answers[whole + 1].confidence;
        confidence[i] = is_constant ? low
                                    : fit_round(low + (place - (double)whole) * (high - low),
                                                CONFIDENCE_DECIMALS);
    }
    for (size_t i = 0; i + 1 < QUANTILES; i++) {
        const double from = quantiles[i] * (double)count;
        const double to = quantiles[i + 1] * (double)count;
        right[i] = fit_round((sum_to(sums, count, to) - sum_to(sums, count, from)) / (to - from),
                             SHARE_DECIMALS);
        right[i] = fmin(fmax(right[i], 0), 1);
    }
    outcome->confidence = confidence;
    outcome->confidence_count = QUANTILES;
    outcome->right = right;
    outcome->right_count = QUANTILES - 1;
}

// ---- labels ----

// Of two exits that are both wrong about a sample, how many say the same.
static double share_of_same(const struct trace *trace)
{
    const size_t exits = (size_t)trace->exits;
    double same = 0;
    double both = 0;
    for (size_t row = 0; row < trace->rows; row++) {
        const struct trace_outcome *outcomes = trace->outcomes + row * exits;
        for (size_t i = 0; i < exits; i++) {
            for (size_t k = 0; k < i; k++) {
                if (!outcomes[i].correct && !outcomes[k].correct && outcomes[i].prediction >= 0 &&
                    outcomes[k].prediction >= 0) {
                    both++;
                    same += outcomes[i].prediction == outcomes[k].prediction;
                }
            }
        }
    }
    return both > 0 ? same / both : 0;
}

static void fit_labels(const struct trace *trace, struct arena *arena,
                       struct spec_generated *generated)
{
    const int classes = trace->classes;
    if (!trace->label || classes < 2) {
        return;
    }
    double *shares = arena_new_array(arena, (size_t)classes, double);
    for (size_t row = 0; row < trace->rows; row++) {
        shares[trace->label[row]] += 1 / (double)trace->rows;
    }
    for (int i = 0; i < classes; i++) {
        shares[i] = fit_round(shares[i], SHARE_DECIMALS);
    }
    generated->classes = shares;
    generated->class_count = classes;
    if (classes > 2) {
        // A wrong exit says the rival with probability a, each other wrong label alike; two say the
        // same with a^2 + (1 - a)^2 / (classes - 2).
        const double others = classes - 2;
        const double excess = fmax(0, share_of_same(trace) * (others + 1) - 1);
        const double a = (1 + sqrt(others * excess)) / (others + 1);
        const double rival = (a - 1 / (others + 1)) / (1 - 1 / (others + 1));
        generated->rival = fit_round(fmin(rival, 1), SHARE_DECIMALS);
    }
}

// ---- features ----

static int compare_numbers(const void *a, const void *b)
{
    const double left = *(const double *)a;
    const double right = *(const double *)b;
    return (left > right) - (left < right);
}

static void fit_pools(const struct trace *trace, struct arena *arena,
                      struct spec_generated *generated)
{
    double *difficulties = arena_new_array(arena, trace->rows, double);
    double *pools = arena_new_array(arena, SPEC_POOLS - 1, double);
    for (size_t row = 0; row < trace->rows; row++) {
        difficulties[row] = fit_difficulty(trace, row);
    }
    qsort(difficulties, trace->rows, sizeof(*difficulties), compare_numbers);
    for (size_t i = 0; i < SPEC_POOLS - 1; i++) {
        const size_t place = (i + 1) * trace->rows / SPEC_POOLS;
        pools[i] = fit_round(difficulties[place - 1], CONFIDENCE_DECIMALS);
    }
    generated->pools = pools;
    generated->pool_count = SPEC_POOLS - 1;
}

static void fit_feature(const struct trace *trace, int number, struct arena *arena,
                        const double *pools, struct spec_feature *feature)
{
    double *mean = arena_new_array(arena, SPEC_POOLS, double);
    double *spread = arena_new_array(arena, SPEC_POOLS, double);
    double count[SPEC_POOLS] = {0};
    for (size_t row = 0; row < trace->rows; row++) {
        const double value = trace->feature[row * (size_t)trace->features + (size_t)number];
        const double difficulty = fit_difficulty(trace, row);
        const int pool = (difficulty > pools[0]) + (difficulty > pools[1]);
        // Welford's updates.
        count[pool]++;
        const double step = value - mean[pool];
        mean[pool] += step / count[pool];
        spread[pool] += step * (value - mean[pool]);
    }
    for (int pool = 0; pool < SPEC_POOLS; pool++) {
        mean[pool] = fit_round(mean[pool], FEATURE_DECIMALS);
        spread[pool] =
            fit_round(count[pool] > 1 ? sqrt(spread[pool] / count[pool]) : 0, FEATURE_DECIMALS);
    }
    feature->mean = mean;
    feature->mean_count = SPEC_POOLS;
    feature->spread = spread;
    feature->spread_count = SPEC_POOLS;
}

static void fit_features(const struct trace *trace, const struct fit_names *names,
                         struct arena *arena, struct spec_generated *generated)
{
    if (!trace->features) {
        return;
    }
    fit_pools(trace, arena, generated);
    generated->features = arena_new_array(arena, (size_t)trace->features, struct spec_feature);
    generated->feature_count = trace->features;
    for (int i = 0; i < trace->features; i++) {
        generated->features[i].name = names->features[i];
        fit_feature(trace, i, arena, generated->pools, &generated->features[i]);
    }
}

void fit_samples(const struct trace *trace, const struct fit_names *names, uint64_t seed,
                 struct arena *arena, struct fit *ret_fit)
{
    struct spec_generated *generated = arena_new(arena, struct spec_generated);
    struct fit_moments moments;
    generated->name = names->generator;
    generated->about = names->about;
    generated->quantiles = quantiles;
    generated->quantile_count = QUANTILES;
    generated->outcomes = arena_new_array(arena, (size_t)trace->exits, struct spec_outcome);
    generated->outcome_count = trace->exits;
    for (int exit = 0; exit < trace->exits; exit++) {
        generated->outcomes[exit].name = names->exits[exit];
        fit_exit(trace, exit, arena, &generated->outcomes[exit]);
    }
    fit_labels(trace, arena, generated);
    fit_features(trace, names, arena, generated);
    fit_moments(trace, arena, &moments);
    *ret_fit = (struct fit){.generated = generated};
    fit_copula(&moments, seed, arena, ret_fit);
}
