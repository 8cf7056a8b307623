// SPDX-License-Identifier: GPL-3.0-or-later
#include "numbers.h"

#include "base/memory.h"
#include "rng/distribution.h"

#include <math.h>

static const struct stream_key key = {.seed = 20250117, .replication = 5};

double *numbers_draw(const struct distribution_parameters *parameters, size_t count)
{
    struct distribution distribution;
    distribution_init(&distribution, parameters, NULL);
    double *values = memory_resize(NULL, count, sizeof(*values));
    for (size_t i = 0; i < count; i++) {
        const struct stream_at at = {key, 71, (uint64_t)parameters->kind, i};
        values[i] = distribution_draw(&distribution, &at);
    }
    return values;
}

double numbers_uniform(uint64_t series, uint64_t index)
{
    return stream_uniform(&(struct stream_at){key, 72, series, index});
}

double numbers_exponential(uint64_t series, uint64_t index)
{
    return -elementary_log(numbers_uniform(series, index));
}

double numbers_normal(uint64_t series, uint64_t index)
{
    return elementary_normal(numbers_uniform(series, index));
}

int numbers_compare(const void *left, const void *right)
{
    const double a = *(const double *)left;
    const double b = *(const double *)right;
    return (a > b) - (a < b);
}

double numbers_z(int count, int trials, double p)
{
    return (count - trials * p) / sqrt(trials * p * (1 - p));
}
