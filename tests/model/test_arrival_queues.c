// SPDX-License-Identifier: GPL-3.0-or-later

// Queues with arrivals that are not Poisson against their theory: a Markov-modulated process at an
// exponential server as a quasi-birth-death process, solved numerically, and gamma arrivals by the
// root of the GI/M/1 queue. Means over replications must have it in their 99 % interval.

#include "small_run.h"
#include "tests/unit/unit.h"

#include <gsl/gsl_blas.h>
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_linalg.h>
#include <gsl/gsl_roots.h>
#include <math.h>
#include <stdio.h>

enum { REPLICATIONS = 30, STATES = 2 };

// ---- MMPP(2)/M/1 ----

struct chain {
    double rate[STATES];
    double leave[STATES]; // rate of leaving each state
};

// The mean number present. With A0 the arrivals, A1 the changes of state and A2 the services, the
// number n > 0 present has the probabilities pi(n) = pi(0) R^n, R the least solution of
// A0 + R A1 + R^2 A2 = 0 (Neuts, "Matrix-Geometric Solutions in Stochastic Models", 1981), found as
// the limit of R = -(A0 + R^2 A2) A1^-1 from 0.
static double mean_present(const struct chain *chain, double service)
{
    double data[5][STATES * STATES] = {{0}};
    gsl_matrix_view a1 = gsl_matrix_view_array(data[0], STATES, STATES);
    gsl_matrix_view r = gsl_matrix_view_array(data[1], STATES, STATES);
    gsl_matrix_view sum = gsl_matrix_view_array(data[2], STATES, STATES);
    gsl_matrix_view inverse = gsl_matrix_view_array(data[3], STATES, STATES);
    gsl_matrix_view next = gsl_matrix_view_array(data[4], STATES, STATES);
    for (size_t i = 0; i < STATES; i++) {
        gsl_matrix_set(&a1.matrix, i, i, -(chain->rate[i] + chain->leave[i] + service));
        gsl_matrix_set(&a1.matrix, i, 1 - i, chain->leave[i]);
    }
    size_t order[STATES];
    gsl_permutation permutation = {STATES, order};
    int sign;
    gsl_linalg_LU_decomp(&a1.matrix, &permutation, &sign);
    gsl_linalg_LU_invert(&a1.matrix, &permutation, &inverse.matrix);
    for (int i = 0; i < 100000; i++) {
        gsl_blas_dgemm(CblasNoTrans, CblasNoTrans, service, &r.matrix, &r.matrix, 0, &sum.matrix);
        for (size_t k = 0; k < STATES; k++) {
            *gsl_matrix_ptr(&sum.matrix, k, k) += chain->rate[k];
        }
        gsl_blas_dgemm(CblasNoTrans, CblasNoTrans, -1, &sum.matrix, &inverse.matrix, 0,
                       &next.matrix);
        gsl_matrix_memcpy(&r.matrix, &next.matrix);
    }
    // pi(0) (I - R)^-1 is the distribution of the state alone, so pi(0) is that times (I - R), and
    // the mean number is pi(0) R (I - R)^-2 1 = state R (I - R)^-1 1.
    double state[STATES];
    state[0] = chain->leave[1] / (chain->leave[0] + chain->leave[1]);
    state[1] = 1 - state[0];
    double rest[STATES * STATES];
    gsl_matrix_view one_less = gsl_matrix_view_array(rest, STATES, STATES);
    gsl_matrix_set_identity(&one_less.matrix);
    gsl_matrix_sub(&one_less.matrix, &r.matrix);
    double ones[STATES] = {1, 1};
    double solved[STATES];
    gsl_vector_view right = gsl_vector_view_array(ones, STATES);
    gsl_vector_view solution = gsl_vector_view_array(solved, STATES);
    gsl_linalg_LU_decomp(&one_less.matrix, &permutation, &sign);
    gsl_linalg_LU_solve(&one_less.matrix, &permutation, &right.vector, &solution.vector);
    double mean = 0;
    for (size_t i = 0; i < STATES; i++) {
        for (size_t k = 0; k < STATES; k++) {
            mean += state[i] * gsl_matrix_get(&r.matrix, i, k) * solved[k];
        }
    }
    return mean;
}

static void hold(const char *name, const char *yaml, const char *metric, double theory)
{
    struct small_scenario scenario;
    small_scenario_init(&scenario, yaml, NULL, NULL);
    const struct world *world = small_scenario_world(&scenario, 0);
    double sum = 0;
    double squares = 0;
    for (uint64_t i = 0; i < REPLICATIONS; i++) {
        struct small_run run;
        small_run_init_long(&run, world, i);
        const double value = small_run_metric(&run, metric);
        sum += value;
        squares += value * value;
        small_run_finish(&run);
    }
    const double mean = sum / REPLICATIONS;
    const double variance = (squares - sum * mean) / (REPLICATIONS - 1);
    const double half = gsl_cdf_tdist_Pinv(0.995, REPLICATIONS - 1) * sqrt(variance / REPLICATIONS);
    ck_assert_msg(fabs(mean - theory) < half && half < 0.05 * theory,
                  "%s: theory %.6g, simulated %.6g +- %.3g", name, theory, mean, half);
    small_scenario_finish(&scenario);
}

#define QUEUE(arrivals)                                                                            \
    "scenario: queue\n"                                                                            \
    "stop: {time: 60000 s}\n"                                                                      \
    "warmup: {time: 2000 s}\n"                                                                     \
    "models: {task: {}}\n"                                                                         \
    "policy: local\n"                                                                              \
    "tiers:\n"                                                                                     \
    "  - {name: device, arrivals: " arrivals ",\n"                                                 \
    "     compute: {time: {task: {exponential: 1 s}}}}\n"

static const struct {
    const char *yaml;
    struct chain chain;
} modulated[] = {
    {QUEUE("{mmpp: {rates: [0.25 /s, 1.5 /s], stays: [20 s, 8 s]}}"),
     {{0.25, 1.5}, {1.0 / 20, 1.0 / 8}}},
    {QUEUE("{mmpp: {rates: [0.9 /s, 0 /s], stays: [4 s, 1 s], next: [[0, 1], [1, 0]]}}"),
     {{0.9, 0}, {1.0 / 4, 1}}},
    // A state that may follow itself lasts a geometric number of stays.
    {QUEUE("{mmpp: {rates: [0.25 /s, 1.5 /s], stays: [10 s, 2 s], next: [[0.5, 0.5], "
           "[1, 0]]}}"),
     {{0.25, 1.5}, {1.0 / 20, 1.0 / 2}}},
    {QUEUE("{on_off: {rate: 1.2 /s, on: {exponential: 5 s}, off: {exponential: 5 s}}}"),
     {{0, 1.2}, {1.0 / 5, 1.0 / 5}}},
    // Without modulation it is M/M/1, which checks the solution as well.
    {QUEUE("{poisson: 0.7 /s}"), {{0.7, 0.7}, {1, 2}}},
};

START_TEST(modulated_arrivals_queue)
{
    hold(modulated[_i].yaml, modulated[_i].yaml, "present_mean.device",
         mean_present(&modulated[_i].chain, 1));
}
END_TEST

START_TEST(solution_of_poisson_is_known)
{
    const struct chain chain = {{0.7, 0.7}, {1, 2}};
    ck_assert_double_eq_tol(mean_present(&chain, 1), 0.7 / 0.3, 1e-12);
}
END_TEST

// ---- GI/M/1 ----

struct intervals {
    double shape;
    double rate;
};

// sigma - E[exp(-mu (1 - sigma) T)] for gamma intervals T and mu = 1 (Kleinrock 1975, sec. 6.4).
static double root_of(double sigma, void *given)
{
    const struct intervals *t = given;
    return sigma - pow(1 + (1 - sigma) / (t->shape * t->rate), -t->shape);
}

static double mean_wait(double rate, double cv)
{
    struct intervals t = {1 / (cv * cv), rate};
    gsl_function function = {root_of, &t};
    gsl_root_fsolver *solver = gsl_root_fsolver_alloc(gsl_root_fsolver_brent);
    gsl_root_fsolver_set(solver, &function, 0, 1 - 1e-6);
    for (int i = 0; i < 200; i++) {
        gsl_root_fsolver_iterate(solver);
    }
    const double sigma = gsl_root_fsolver_root(solver);
    gsl_root_fsolver_free(solver);
    return sigma / (1 - sigma);
}

static const struct {
    double rate;
    double cv;
} renewal[] = {{0.7, 0.5}, {0.7, 1.0}, {0.6, 2.0}, {0.8, 0.2}};

START_TEST(gamma_arrivals_queue)
{
    char yaml[512];
    snprintf(yaml, sizeof(yaml), QUEUE("{gamma: {rate: %.17g /s, cv: %.17g}}"), renewal[_i].rate,
             renewal[_i].cv);
    hold(yaml, yaml, "wait_mean_s.device", mean_wait(renewal[_i].rate, renewal[_i].cv));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("arrival-queues");
    TCase *queues = tcase_create("queues");
    tcase_set_timeout(queues, 100);
    tcase_add_test(queues, solution_of_poisson_is_known);
    unit_add_table(queues, modulated_arrivals_queue, modulated);
    unit_add_table(queues, gamma_arrivals_queue, renewal);
    suite_add_tcase(suite, queues);
    return unit_run(suite);
}
