// SPDX-License-Identifier: GPL-3.0-or-later
#include "rng/distribution.h"

#include "base/check.h"
#include "base/memory.h"
#include "rng/gamma.h"

#include <gsl/gsl_sf_gamma.h>
#include <math.h>
#include <stdlib.h>

// Constants by kind:
//   constant          a = value
//   uniform           a = from, b = to - from
//   exponential       a = mean
//   lognormal         a = mu, b = sigma of the logarithm
//   gamma             a = scale, b = shape
//   Weibull           a = scale, b = 1 / shape
//   hyperexponential  a, b = means of the phases, c = probability of the first
//   Pareto            a = least value, b = 1 / shape
//   table             a = time of one
//   linear            a = time of one, b = base, c = each

static int compare_doubles(const void *left, const void *right)
{
    const double a = *(const double *)left;
    const double b = *(const double *)right;
    return (a > b) - (a < b);
}

struct weighted {
    double value; // first, so that compare_doubles() orders by it
    double weight;
};

static void init_empirical(struct distribution *d, const struct distribution_parameters *p,
                           struct arena *arena)
{
    struct weighted *sorted = arena_new_array(arena, p->count, struct weighted);
    double total = 0;
    for (size_t i = 0; i < p->count; i++) {
        sorted[i].value = p->values[i];
        sorted[i].weight = p->weights ? p->weights[i] : 1;
        total += sorted[i].weight;
    }
    qsort(sorted, p->count, sizeof(*sorted), compare_doubles);
    double *values = arena_new_array(arena, p->count, double);
    double *steps = arena_new_array(arena, p->count, double);
    double cumulative = 0;
    double mean = 0;
    double square = 0;
    for (size_t i = 0; i < p->count; i++) {
        cumulative += sorted[i].weight;
        values[i] = sorted[i].value;
        steps[i] = cumulative / total;
        mean += sorted[i].value * (sorted[i].weight / total);
    }
    for (size_t i = 0; i < p->count; i++) {
        const double from_mean = values[i] - mean;
        square += from_mean * from_mean * (sorted[i].weight / total);
    }
    steps[p->count - 1] = 1;
    d->values = values;
    d->steps = steps;
    d->count = p->count;
    d->mean = mean;
    d->cv = mean > 0 ? sqrt(square) / mean : 0;
}

void distribution_init(struct distribution *d, const struct distribution_parameters *p,
                       struct arena *arena)
{
    *d = (struct distribution){.kind = p->kind, .mean = p->mean, .cv = p->cv};
    switch (p->kind) {
    case DISTRIBUTION_CONSTANT:
        d->a = p->mean;
        d->cv = 0;
        break;
    case DISTRIBUTION_UNIFORM:
        d->a = p->from;
        d->b = p->to - p->from;
        d->mean = p->from + d->b / 2;
        d->cv = d->mean > 0 ? d->b / (d->mean * sqrt(12)) : 0;
        break;
    case DISTRIBUTION_EXPONENTIAL:
        d->a = p->mean;
        d->cv = 1;
        break;
    case DISTRIBUTION_LOGNORMAL: {
        // cv^2 = exp(sigma^2) - 1 and mean = exp(mu + sigma^2 / 2).
        const double variance = elementary_log(1 + p->cv * p->cv);
        d->a = elementary_log(p->mean) - variance / 2;
        d->b = sqrt(variance);
        break;
    }
    case DISTRIBUTION_GAMMA:
        // mean = shape * scale and cv^2 = 1 / shape.
        d->b = 1 / (p->cv * p->cv);
        d->a = p->mean / d->b;
        break;
    case DISTRIBUTION_WEIBULL: {
        // E[X^n] = scale^n Gamma(1 + n / shape).
        const double first = gsl_sf_gamma(1 + 1 / p->shape);
        const double log_ratio = gsl_sf_lngamma(1 + 2 / p->shape) - 2 * log(first);
        d->a = p->mean / first;
        d->b = 1 / p->shape;
        d->cv = sqrt(expm1(log_ratio));
        break;
    }
    case DISTRIBUTION_HYPEREXPONENTIAL: {
        // Balanced means (Morse 1958): both phases carry the same share of the mean,
        // p m1 = (1 - p) m2 = mean / 2, and the cv fixes p.
        const double square = p->cv * p->cv;
        d->c = (1 + sqrt((square - 1) / (square + 1))) / 2;
        d->a = p->mean / (2 * d->c);
        d->b = p->mean / (2 * (1 - d->c));
        break;
    }
    case DISTRIBUTION_PARETO:
        // mean = least * shape / (shape - 1); the variance is finite for shape > 2.
        d->a = p->mean * (p->shape - 1) / p->shape;
        d->b = 1 / p->shape;
        d->cv = p->shape > 2 ? 1 / sqrt(p->shape * (p->shape - 2)) : INFINITY;
        break;
    case DISTRIBUTION_EMPIRICAL:
        init_empirical(d, p, arena);
        break;
    case DISTRIBUTION_COLUMN:
        d->mean = d->cv = NAN;
        break;
    case DISTRIBUTION_TABLE:
        d->values = p->values;
        d->steps = p->weights;
        d->count = p->count;
        d->mean = d->a = p->values[0];
        d->cv = 0;
        break;
    case DISTRIBUTION_LINEAR:
        d->b = p->from;
        d->c = p->to;
        d->mean = d->a = d->b + d->c;
        d->cv = 0;
        break;
    }
}

// Between two sizes on a straight line, and beyond the last on that of the last two.
static double interpolate(const struct distribution *d, double size)
{
    size_t next = 1;
    while (next + 1 < d->count && d->steps[next] < size) {
        next++;
    }
    if (next >= d->count || size <= d->steps[0]) {
        return d->values[0];
    }
    const double slope =
        (d->values[next] - d->values[next - 1]) / (d->steps[next] - d->steps[next - 1]);
    return d->values[next - 1] + slope * (size - d->steps[next - 1]);
}

double distribution_of_batch(const struct distribution *d, double size)
{
    switch (d->kind) {
    case DISTRIBUTION_TABLE:
        return interpolate(d, size);
    case DISTRIBUTION_LINEAR:
        return d->b + d->c * size;
    default:
        return NAN;
    }
}

double distribution_draw_from(const struct distribution *d, uint64_t word,
                              const struct stream_at *at)
{
    const double u = stream_unit(word);
    switch (d->kind) {
    case DISTRIBUTION_CONSTANT:
    case DISTRIBUTION_TABLE:
    case DISTRIBUTION_LINEAR:
        return d->a;
    case DISTRIBUTION_UNIFORM:
        return d->a + d->b * u;
    case DISTRIBUTION_EXPONENTIAL:
        return -d->a * elementary_log(u);
    case DISTRIBUTION_LOGNORMAL:
        return elementary_exp(d->a + d->b * elementary_normal(u));
    case DISTRIBUTION_GAMMA: {
        uint64_t sub = 0;
        return gamma_draw(d->a, d->b, word, at, &sub);
    }
    case DISTRIBUTION_WEIBULL:
        return d->a * elementary_exp(d->b * elementary_log(-elementary_log(u)));
    case DISTRIBUTION_HYPEREXPONENTIAL:
        // The uniform number chooses the phase and what is left of it, stretched to (0, 1), is the
        // phase's own.
        return u < d->c ? -d->a * elementary_log(u / d->c)
                        : -d->b * elementary_log((u - d->c) / (1 - d->c));
    case DISTRIBUTION_PARETO:
        return d->a * elementary_exp(-d->b * elementary_log(u));
    case DISTRIBUTION_EMPIRICAL:
        return distribution_empirical(d, u);
    case DISTRIBUTION_COLUMN:
        break;
    }
    CHECK(NULL, d->kind != DISTRIBUTION_COLUMN);
    return NAN;
}
