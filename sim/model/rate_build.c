// SPDX-License-Identifier: GPL-3.0-or-later

// Rates, put together part by part.

#include "base/memory.h"
#include "model/rate.h"

#include <string.h>

void rate_init(struct rate *rate, double constant)
{
    *rate = (struct rate){.constant = constant, .nominal = constant};
}

static struct rate_part *add_part(struct rate *rate, struct arena *arena, enum rate_part_kind kind)
{
    struct rate_part *parts = arena_new_array(arena, (size_t)rate->parts + 1, struct rate_part);
    if (rate->parts) {
        memcpy(parts, rate->part, (size_t)rate->parts * sizeof(*parts));
    }
    rate->part = parts;
    struct rate_part *part = &parts[rate->parts++];
    part->kind = kind;
    part->period_s = part->end_s = INFINITY;
    return part;
}

static bool has_zero(const double *values, int count)
{
    for (int i = 0; i < count; i++) {
        if (values[i] <= 0) {
            return true;
        }
    }
    return false;
}

void rate_add_steps(struct rate *rate, struct arena *arena, const double *times_s,
                    const double *values, int count, double period_s, double end_s)
{
    struct rate_part *part = add_part(rate, arena, RATE_PART_STEPS);
    // A last value of 0 that stays is an end.
    while (isinf(period_s) && count > 1 && values[count - 1] <= 0) {
        end_s = end_s < times_s[count - 1] ? end_s : times_s[count - 1];
        count--;
    }
    if (isinf(period_s) && values[count - 1] <= 0) {
        end_s = 0;
    }
    part->count = count;
    part->times_s = times_s;
    part->values = values;
    part->period_s = period_s;
    part->end_s = end_s;
    rate->can_stop |= has_zero(values, count) || isfinite(end_s);
    const double length_s = rate_length(part);
    if (isinf(length_s)) {
        rate->nominal *= values[count - 1];
        return;
    }
    for (int i = 0; i < count; i++) {
        part->period_amount += values[i] * (rate_step_end(part, i) - times_s[i]);
    }
    rate->nominal *= length_s > 0 ? part->period_amount / length_s : 0;
}

void rate_start_at(struct rate *rate, double start_s)
{
    rate->part[rate->parts - 1].start_s = start_s;
}

void rate_start_anywhere(struct rate *rate, uint64_t purpose)
{
    struct rate_part *part = &rate->part[rate->parts - 1];
    part->starts_anywhere = true;
    part->purpose = purpose;
}

// The stationary distribution of the jumps of a chain, by state reduction, which subtracts nothing
// (Grassmann, Taksar and Heyman, Operations Research 33, 1985). Overwrites the matrix.
static void solve_jumps(double *next, int count, double *ret_share)
{
    for (int n = count - 1; n > 0; n--) {
        double leaves = 0;
        for (int k = 0; k < n; k++) {
            leaves += next[n * count + k];
        }
        for (int i = 0; i < n; i++) {
            next[i * count + n] /= leaves;
            for (int k = 0; k < n; k++) {
                next[i * count + k] += next[i * count + n] * next[n * count + k];
            }
        }
    }
    ret_share[0] = 1;
    double sum = 1;
    for (int n = 1; n < count; n++) {
        ret_share[n] = 0;
        for (int i = 0; i < n; i++) {
            ret_share[n] += ret_share[i] * next[i * count + n];
        }
        sum += ret_share[n];
    }
    for (int n = 0; n < count; n++) {
        ret_share[n] /= sum;
    }
}

// Cumulative sums of `count` shares, the last one exactly 1.
static void accumulate(const double *shares, int count, double *ret_cumulative)
{
    double total = 0;
    for (int i = 0; i < count; i++) {
        total += shares[i];
    }
    double sum = 0;
    for (int i = 0; i < count; i++) {
        sum += shares[i];
        ret_cumulative[i] = sum / total;
    }
    ret_cumulative[count - 1] = 1;
}

void rate_add_markov(struct rate *rate, struct arena *arena, const double *values,
                     const double *stay_s, const double *next, int count, uint64_t purpose)
{
    struct rate_part *part = add_part(rate, arena, RATE_PART_MARKOV);
    const size_t n = (size_t)count;
    double *cumulative = arena_new_array(arena, n * n, double);
    double *scratch = arena_new_array(arena, n * n, double);
    double *share = arena_new_array(arena, n, double);
    double *first = arena_new_array(arena, n, double);
    memcpy(scratch, next, n * n * sizeof(*scratch));
    for (int i = 0; i < count; i++) {
        accumulate(next + (size_t)i * n, count, cumulative + (size_t)i * n);
    }
    solve_jumps(scratch, count, share);
    double time_s = 0;
    double amount = 0;
    for (int i = 0; i < count; i++) {
        share[i] *= stay_s[i]; // of the jumps; now of the time
        time_s += share[i];
        amount += share[i] * values[i];
    }
    accumulate(share, count, first);
    part->count = count;
    part->values = values;
    part->stay_s = stay_s;
    part->first = first;
    part->next = cumulative;
    part->purpose = purpose;
    rate->can_stop |= has_zero(values, count);
    rate->nominal *= amount / time_s;
}

void rate_add_alternating(struct rate *rate, struct arena *arena,
                          const struct distribution_parameters *on,
                          const struct distribution_parameters *off, uint64_t purpose)
{
    struct rate_part *part = add_part(rate, arena, RATE_PART_ALTERNATING);
    distribution_init(&part->on, on, arena);
    distribution_init(&part->off, off, arena);
    part->purpose = purpose;
    rate->can_stop |= part->off.mean > 0;
    rate->nominal *= part->on.mean / (part->on.mean + part->off.mean);
}

void rate_add_standstills(struct rate *rate, struct arena *arena, const double *starts_s,
                          const double *lasts_s, int count, double period_s)
{
    double *times_s = arena_new_array(arena, 2 * (size_t)count + 1, double);
    double *values = arena_new_array(arena, 2 * (size_t)count + 1, double);
    int steps = 1;
    values[0] = 1;
    for (int i = 0; i < count; i++) {
        // What begins where the step before it does takes its place.
        steps -= starts_s[i] <= times_s[steps - 1];
        times_s[steps] = starts_s[i];
        values[steps++] = 0;
        times_s[steps] = starts_s[i] + lasts_s[i];
        values[steps++] = 1;
    }
    steps -= times_s[steps - 1] >= period_s;
    rate_add_steps(rate, arena, times_s, values, steps, period_s, INFINITY);
}

void rate_add_factors(struct rate *rate, struct arena *arena, const double *times_s,
                      const double *factors, int count)
{
    const double nominal = rate->nominal;
    double *times = arena_new_array(arena, (size_t)count + 1, double);
    double *values = arena_new_array(arena, (size_t)count + 1, double);
    const int own = count && times_s[0] <= 0 ? 0 : 1;
    values[0] = 1;
    for (int i = 0; i < count; i++) {
        times[own + i] = times_s[i];
        values[own + i] = factors[i];
    }
    times[0] = 0;
    rate_add_steps(rate, arena, times, values, count + own, INFINITY, INFINITY);
    rate->nominal = nominal; // what is known beforehand
}
