// SPDX-License-Identifier: GPL-3.0-or-later
// How fast the store takes what a large sweep gives it. Prints a rate a line.
#include "base/text.h"
#include "results/store.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { POINTS = 100000, SHARING = 50, BATCH = 10, METRICS = 30, COUNTERS = 20, SAMPLES = 1000000 };

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void check(int result, const struct text *error)
{
    if (result != 0) {
        fprintf(stderr, "%s\n", text_string(error));
        exit(1);
    }
}

static void report(const char *what, double count, double start_s)
{
    const double seconds = now_s() - start_s;
    printf("%-34s %9.0f in %6.2f s: %8.0f a second\n", what, count, seconds, count / seconds);
    fflush(stdout);
}

static char names[METRICS + COUNTERS][16];
static const char *name_list[METRICS + COUNTERS];

static void plan(struct store *store, int64_t experiment_id, struct store_point_state *states,
                 const char *what)
{
    struct text error = {0};
    static struct store_point points[POINTS];
    static struct store_parameter parameters[POINTS][3];
    static struct store_price prices[POINTS][3];
    static char hashes[POINTS][40];
    static char simulations[POINTS][40];
    for (int i = 0; i < POINTS; i++) {
        snprintf(hashes[i], sizeof(hashes[i]), "%032d", i);
        snprintf(simulations[i], sizeof(simulations[i]), "%032d", i / SHARING);
        for (int k = 0; k < 3; k++) {
            static const char *const paths[] = {"policy.hi_threshold.theta", "tiers.device.nodes",
                                                "prices.offload"};
            parameters[i][k] = (struct store_parameter){.path = paths[k], .number = i + k};
            prices[i][k] = (struct store_price){name_list[METRICS + k], 0.1 * k};
        }
        points[i] = (struct store_point){.experiment_id = experiment_id,
                                         .ordinal = i,
                                         .policy = "hi_threshold",
                                         .hash = hashes[i],
                                         .simulation_hash = simulations[i],
                                         .parameters = parameters[i],
                                         .parameter_count = 3,
                                         .prices = prices[i],
                                         .price_count = 3};
    }
    const double start_s = now_s();
    check(store_plan_points(store, points, POINTS, states, &error), &error);
    report(what, POINTS, start_s);
}

static void add_replications(struct store *store, const struct store_point_state *states)
{
    struct text error = {0};
    double values[METRICS + COUNTERS];
    struct store_replication replications[BATCH];
    for (int i = 0; i < METRICS + COUNTERS; i++) {
        values[i] = 1.0 / (i + 3);
    }
    const double start_s = now_s();
    int count = 0;
    for (int i = 0; i < POINTS; i += SHARING) {
        for (int k = 0; k < BATCH; k++) {
            replications[k] = (struct store_replication){
                .number = (uint64_t)k, .metrics = values, .counters = values + METRICS};
        }
        const struct store_batch batch = {.point_id = states[i].source_id,
                                          .metric_names = name_list,
                                          .metric_count = METRICS,
                                          .counter_names = name_list + METRICS,
                                          .counter_count = COUNTERS,
                                          .replications = replications,
                                          .replication_count = BATCH};
        check(store_add_replications(store, &batch, &error), &error);
        count += BATCH;
    }
    report("replications of 50 values, by tens", count, start_s);
}

static bool read_one(void *context, const struct store_replication *replication)
{
    *(double *)context += replication->metrics[0];
    return true;
}

static void read_replications(struct store *store, const struct store_point_state *states)
{
    struct text error = {0};
    const struct store_names asked = {name_list, METRICS, name_list + METRICS, COUNTERS};
    double sum = 0;
    const double start_s = now_s();
    for (int i = 0; i < POINTS; i += SHARING) {
        check(store_read_replications(store, states[i].source_id, 0, UINT64_MAX, &asked, read_one,
                                      &sum, &error),
              &error);
    }
    report("the same read", (double)POINTS / SHARING * BATCH, start_s);
}

static void complete_points(struct store *store, const struct store_point_state *states)
{
    struct text error = {0};
    struct store_estimate estimates[METRICS];
    for (int i = 0; i < METRICS; i++) {
        estimates[i] = (struct store_estimate){name_list[i], 1.0 / (i + 3), 0.01, 0.95, BATCH};
    }
    const double start_s = now_s();
    enum { SOME = POINTS / 10 };
    for (int i = 0; i < SOME; i++) {
        check(
            store_complete_point(store, states[i].id, "stable", BATCH, estimates, METRICS, &error),
            &error);
    }
    report("points completed, 30 estimates", SOME, start_s);
}

static void claim(struct store *store, const struct store_point_state *states)
{
    struct text error = {0};
    const double start_s = now_s();
    enum { SOME = POINTS / 10 };
    for (int i = 0; i < SOME; i++) {
        const struct store_range range = {states[i].source_id, 100 + (uint64_t)i, 10};
        enum store_claim_result result;
        check(store_claim(store, &range, 1, 30, &result, &error), &error);
    }
    report("claims, one a transaction", SOME, start_s);
}

static void add_samples(struct store *store, const struct store_point_state *states)
{
    struct text error = {0};
    static struct store_sample samples[SAMPLES / 10];
    static const char *const tiers[] = {"device", "edge"};
    static const char *const exits[] = {"small.end", "large.end"};
    const double start_s = now_s();
    for (int batch = 0; batch < 10; batch++) {
        for (int i = 0; i < SAMPLES / 10; i++) {
            samples[i] = (struct store_sample){.device = (uint64_t)(i % 50),
                                               .number = (uint64_t)(i / 50),
                                               .trace_row = i,
                                               .arrived_s = 0.0131 * i,
                                               .latency_s = 0.02385 + 1e-7 * i,
                                               .wait_s = 0.0011,
                                               .service_s = 0.0181,
                                               .transfer_s = 0.0007,
                                               .energy_j = 0.013,
                                               .cost = 0.3,
                                               .tier = tiers[i % 2],
                                               .exit = exits[i % 2],
                                               .decision = "confident",
                                               .confidence = 0.913,
                                               .correct = i % 7 != 0,
                                               .is_offloaded = i % 2};
        }
        check(store_add_samples(store, states[0].source_id, (uint64_t)batch, samples, SAMPLES / 10,
                                &error),
              &error);
    }
    report("samples", SAMPLES, start_s);
}

int main(void)
{
    char folder[] = "/tmp/bench-store.XXXXXX";
    char path[64];
    struct text error = {0};
    struct store *store;
    static struct store_point_state states[POINTS];
    if (!mkdtemp(folder)) {
        return 1;
    }
    snprintf(path, sizeof(path), "%s/results.db", folder);
    for (int i = 0; i < METRICS + COUNTERS; i++) {
        snprintf(names[i], sizeof(names[i]), "value.%02d", i);
        name_list[i] = names[i];
    }
    check(store_open(path, STORE_BUSY_TIMEOUT_S, &store, &error), &error);
    int64_t id;
    const struct store_experiment experiment = {.scenario = "bench",
                                                .path = "",
                                                .command = "",
                                                .scenario_json = "{}",
                                                .scenario_hash = "",
                                                .sweep_json = "{}",
                                                .version = ""};
    check(store_begin_experiment(store, &experiment, &id, NULL, &error), &error);
    plan(store, id, states, "points planned");
    plan(store, id, states, "points found again");
    add_replications(store, states);
    read_replications(store, states);
    complete_points(store, states);
    claim(store, states);
    add_samples(store, states);
    double start_s = now_s();
    store_close(store);
    report("closed", 1, start_s);
    unlink(path);
    rmdir(folder);
    return 0;
}
