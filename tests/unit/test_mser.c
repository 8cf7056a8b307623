// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/memory.h"
#include "numbers.h"
#include "stats/mser.h"
#include "unit.h"

#include <math.h>
#include <stdlib.h>

// ---- recorded series ----

enum { LENGTH = 23456 };

// Waits of an M/M/1 queue of load 0.9 by Lindley's recursion, the first customer waiting `first`
// times as long as a service takes.
static void record_queue(double *series, double first)
{
    double wait = first;
    for (uint64_t i = 0; i < LENGTH; i++) {
        series[i] = wait;
        wait = fmax(0, wait + numbers_exponential(81, i) - numbers_exponential(82, i) / 0.9);
    }
}

static void record_empty_queue(double *series)
{
    record_queue(series, 0);
}

static void record_full_queue(double *series)
{
    record_queue(series, 300);
}

static void record_independent(double *series)
{
    for (uint64_t i = 0; i < LENGTH; i++) {
        series[i] = 2.385 + numbers_normal(83, i);
    }
}

// A first-order autoregression that starts far off and comes in.
static void record_decay(double *series)
{
    double state = 40;
    for (uint64_t i = 0; i < LENGTH; i++) {
        series[i] = 7.31 + state;
        state = 0.99 * state + numbers_normal(84, i);
    }
}

static void record_step(double *series)
{
    for (uint64_t i = 0; i < LENGTH; i++) {
        series[i] = (i < 4321 ? 9 : 2.385) + numbers_normal(85, i);
    }
}

static void record_growth(double *series)
{
    for (uint64_t i = 0; i < LENGTH; i++) {
        series[i] = 0.001 * (double)i + numbers_normal(86, i);
    }
}

static void record_constant(double *series)
{
    for (uint64_t i = 0; i < LENGTH; i++) {
        series[i] = 0.17;
    }
}

// Nothing at all at its end: a station that nobody visited any more by chance.
static void record_quiet_end(double *series)
{
    for (uint64_t i = 0; i < LENGTH; i++) {
        series[i] = i < LENGTH - 2000 ? numbers_exponential(87, i) : 0;
    }
}

static const struct {
    const char *name;
    void (*record)(double *series);
    bool found;
    double least; // share of the series that the cut lies between
    double most;
} recorded[] = {
    {"queue that starts empty", record_empty_queue, true, 0, 0.5},
    {"queue that starts full", record_full_queue, true, 0.01, 0.5},
    {"independent", record_independent, true, 0, 0.1},
    {"decay", record_decay, true, 0.001, 0.1},
    {"step", record_step, true, 0.184, 0.19},
    {"growth", record_growth, false, 0, 0},
    {"constant", record_constant, true, 0, 0},
    {"quiet end", record_quiet_end, true, 0, 0.5},
};

// ---- direct computation ----

// The statistic of every cut from its definition, in two passes each: O(n^2).
static bool direct_cut(const double *means, size_t count, size_t *ret_cut)
{
    double least = INFINITY;
    size_t best = 0;
    for (size_t cut = 0; 4 * (count - cut) >= count; cut++) {
        long double sum = 0;
        for (size_t i = cut; i < count; i++) {
            sum += means[i];
        }
        const long double mean = sum / (long double)(count - cut);
        long double squares = 0;
        for (size_t i = cut; i < count; i++) {
            squares += (means[i] - mean) * (means[i] - mean);
        }
        const double error = (double)(squares / ((long double)(count - cut) * (count - cut)));
        // What rounding makes of equal ones is not less.
        if (error < least * (1 - 1e-12)) {
            least = error;
            best = cut;
        }
    }
    if (2 * best > count) {
        return false;
    }
    *ret_cut = best;
    return true;
}

START_TEST(mser_agrees_with_the_direct_computation)
{
    double *series = memory_resize(NULL, LENGTH, sizeof(*series));
    double *means = memory_resize(NULL, LENGTH, sizeof(*means));
    recorded[_i].record(series);
    const size_t lengths[] = {50, 137, 1000, 5000, LENGTH};
    for (int l = 0; l < UNIT_COUNT(lengths); l++) {
        struct mser_series kept = {0};
        for (size_t i = 0; i < lengths[l]; i++) {
            mser_add(&kept, series[i]);
        }
        // The batches anew, of the size that was come to.
        size_t per_batch = MSER_BATCH;
        while (lengths[l] / per_batch >= MSER_BATCHES) {
            per_batch *= 2;
        }
        ck_assert_uint_eq(kept.per_batch, per_batch);
        const size_t count = lengths[l] / per_batch;
        for (size_t i = 0; i < count; i++) {
            means[i] = 0;
            for (size_t j = 0; j < per_batch; j++) {
                means[i] += series[i * per_batch + j] / (double)per_batch;
            }
        }
        size_t cut = 0;
        const bool found = direct_cut(means, count, &cut);
        uint64_t observations = 0;
        ck_assert_msg(mser_series_cut(&kept, &observations) == found, "%s", recorded[_i].name);
        ck_assert_msg(observations == cut * per_batch, "%s: %d instead of %d", recorded[_i].name,
                      (int)observations, (int)(cut * per_batch));
        if (lengths[l] == LENGTH) {
            ck_assert_int_eq(found, recorded[_i].found);
            const double share = (double)observations / LENGTH;
            ck_assert_msg(share >= recorded[_i].least && share <= recorded[_i].most, "%s: %g",
                          recorded[_i].name, share);
        }
    }
    free(series);
    free(means);
}
END_TEST

// However long a series is, it takes the same memory, and its batches are means of equally many
// consecutive observations.
START_TEST(mser_series_doubles_its_batches)
{
    struct mser_series series = {0};
    for (uint64_t i = 0; i < 1000003; i++) {
        mser_add(&series, (double)i);
    }
    ck_assert_uint_eq(series.per_batch, 320); // the least 5 * 2^k below which 4096 are full
    ck_assert_uint_eq(series.count, 1000003 / 320);
    for (size_t i = 0; i < series.count; i++) {
        ck_assert_double_eq_tol(series.means[i], 320 * (double)i + 159.5, 1e-6);
    }
    ck_assert_uint_eq(series.in_batch, 1000003 % 320);
}
END_TEST

START_TEST(mser_needs_ten_batches)
{
    const double means[10] = {9, 2.1, 2.2, 2.1, 2.2, 2.1, 2.2, 2.1, 2.2, 2.1};
    size_t cut = 77;
    ck_assert(!mser_cut(means, 0, &cut));
    ck_assert(!mser_cut(means, 9, &cut));
    ck_assert_uint_eq(cut, 77);
    ck_assert(mser_cut(means, 10, &cut));
    ck_assert_uint_eq(cut, 1);
    struct mser_series series = {0};
    uint64_t observations = 77;
    for (int i = 0; i < 49; i++) {
        ck_assert(!mser_series_cut(&series, &observations));
        mser_add(&series, 2.385);
    }
    ck_assert_uint_eq(observations, 77);
    mser_add(&series, 2.385);
    ck_assert(mser_series_cut(&series, &observations));
    ck_assert_uint_eq(observations, 0);
}
END_TEST

// Two hundred M/M/1 queues of load 0.8, started empty and started with a wait of 100 services; the
// true mean wait is rho / (1 - rho) = 4 services. After the cut both agree with it, and the full
// ones did not before.
static double mean_after_cut(uint64_t number, double first, bool cut, int *missed)
{
    enum { CUSTOMERS = 20000 };
    double *waits = memory_resize(NULL, CUSTOMERS, sizeof(*waits));
    struct mser_series series = {0};
    double wait = first;
    for (uint64_t i = 0; i < CUSTOMERS; i++) {
        waits[i] = wait;
        mser_add(&series, wait);
        wait = fmax(0, wait + numbers_exponential(10000 + number, i) -
                           numbers_exponential(20000 + number, i) / 0.8);
    }
    uint64_t from = 0;
    if (cut && !mser_series_cut(&series, &from)) {
        from = CUSTOMERS / 2;
        (*missed)++;
    }
    double sum = 0;
    for (uint64_t i = from; i < CUSTOMERS; i++) {
        sum += waits[i];
    }
    free(waits);
    return sum / (double)(CUSTOMERS - from);
}

static const struct {
    double first;
    bool cut;
    bool agrees;
} starts[] = {{0, true, true}, {100, true, true}, {100, false, false}};

START_TEST(mser_cuts_the_bias_of_the_start)
{
    enum { RUNS = 200 };
    double sum = 0;
    double squares = 0;
    int missed = 0; // a long congestion late in a run can look like a start
    for (uint64_t i = 0; i < RUNS; i++) {
        const double mean = mean_after_cut(i, starts[_i].first, starts[_i].cut, &missed);
        sum += mean;
        squares += mean * mean;
    }
    const double mean = sum / RUNS;
    const double error = sqrt((squares / RUNS - mean * mean) / (RUNS - 1));
    ck_assert_int_le(missed, RUNS / 50);
    const bool agrees = fabs(mean - 4) < NUMBERS_Z_999 * error + 0.04;
    ck_assert_msg(agrees == starts[_i].agrees, "mean wait %.4f, error %.4f", mean, error);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mser");
    TCase *cut = tcase_create("cut");
    tcase_set_timeout(cut, 60);
    if (unit_has_long_double("the direct computation of cuts")) {
        unit_add_table(cut, mser_agrees_with_the_direct_computation, recorded);
    }
    tcase_add_test(cut, mser_series_doubles_its_batches);
    tcase_add_test(cut, mser_needs_ten_batches);
    unit_add_table(cut, mser_cuts_the_bias_of_the_start, starts);
    suite_add_tcase(suite, cut);
    return unit_run(suite);
}
