// SPDX-License-Identifier: GPL-3.0-or-later
// How fast the store takes what a large sweep gives it. Each kind of work is done in a few parts,
// and a line says what the parts took: processor time, which other programs disturb little, and
// real time, which has the disk in it.
#include "base/text.h"
#include "results/store.h"
#include "tests/bench/bench.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
    PARTS = 5,
    POINTS = 100000,
    SHARING = 50, // points that share their replications
    BATCH = 10,   // replications that are stored together
    LONE_POINTS = 10000,
    PER_POINT = 5, // replications of a point that is stored as a whole
    METRICS = 45,  // as scenarios/hi-digits.yaml has
    COUNTERS = 25, // the same
    FEW_METRICS = 30,
    FEW_COUNTERS = 20,
    SAMPLES = 100000 // of a replication
};

// All that the kinds of work have in common.
struct bench {
    struct store *store;
    int64_t experiment_id;
    struct store_point points[POINTS];
    struct store_parameter parameters[POINTS][3];
    struct store_price prices[POINTS][3];
    char hashes[POINTS][40];
    char simulations[POINTS][40];
    struct store_point_state states[POINTS];
    int64_t lone_ids[LONE_POINTS]; // of points that share nothing
    char names[METRICS + COUNTERS][16];
    const char *name_list[METRICS + COUNTERS];
    double values[METRICS + COUNTERS];
    struct store_sample samples[SAMPLES];
    double sum; // of what was read
};

static void check(int result, const struct text *error)
{
    if (result != 0) {
        fprintf(stderr, "%s\n", text_string(error));
        exit(1);
    }
}

static double clock_s(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

// Does `steps` steps that handle `things` things each. A step fails by ending the program.
static void measure(struct bench *bench, const char *what, int steps, int things,
                    void (*step)(struct bench *bench, int number, struct text *error))
{
    struct text error = {0};
    double processor[PARTS];
    double real[PARTS];
    const int steps_of_part = steps / PARTS;
    for (int part = 0; part < PARTS; part++) {
        const double processor_start = clock_s(CLOCK_PROCESS_CPUTIME_ID);
        const double real_start = clock_s(CLOCK_MONOTONIC);
        for (int i = 0; i < steps_of_part; i++) {
            step(bench, part * steps_of_part + i, &error);
        }
        const double scale = 1e6 / ((double)steps_of_part * things);
        processor[part] = scale * (clock_s(CLOCK_PROCESS_CPUTIME_ID) - processor_start);
        real[part] = scale * (clock_s(CLOCK_MONOTONIC) - real_start);
    }
    qsort(processor, PARTS, sizeof(*processor), bench_compare);
    qsort(real, PARTS, sizeof(*real), bench_compare);
    printf("%-44s %8d  %6.1f (%.1f .. %.1f)%*s%6.1f (%.1f .. %.1f)\n", what, steps * things,
           processor[PARTS / 2], processor[0], processor[PARTS - 1], 4, "", real[PARTS / 2],
           real[0], real[PARTS - 1]);
    fflush(stdout);
}

// ---- the kinds of work ----

enum { PLANNED_AT_ONCE = 10000 };

static void plan(struct bench *bench, int number, struct text *error)
{
    const int first = number * PLANNED_AT_ONCE;
    check(store_plan_points(bench->store, bench->points + first, PLANNED_AT_ONCE,
                            bench->states + first, error),
          error);
}

static void add_replications(struct bench *bench, int64_t source_id, int count, int metrics,
                             int counters, struct text *error)
{
    struct store_replication replications[BATCH];
    for (int i = 0; i < count; i++) {
        replications[i] = (struct store_replication){
            .number = (uint64_t)i, .metrics = bench->values, .counters = bench->values + METRICS};
    }
    const struct store_batch batch = {.point_id = source_id,
                                      .metric_names = bench->name_list,
                                      .metric_count = (size_t)metrics,
                                      .counter_names = bench->name_list + METRICS,
                                      .counter_count = (size_t)counters,
                                      .replications = replications,
                                      .replication_count = (size_t)count};
    check(store_add_replications(bench->store, &batch, error), error);
}

// The first of those that share has the replications.
static int64_t source_of(const struct bench *bench, int number)
{
    return bench->states[number * SHARING].source_id;
}

static void add_batch(struct bench *bench, int number, struct text *error)
{
    add_replications(bench, source_of(bench, number), BATCH, FEW_METRICS, FEW_COUNTERS, error);
}

static bool read_one(void *context, const struct store_replication *replication)
{
    *(double *)context += replication->metrics[0];
    return true;
}

static void read_batch(struct bench *bench, int number, struct text *error)
{
    const struct store_names names = {bench->name_list, FEW_METRICS, bench->name_list + METRICS,
                                      FEW_COUNTERS};
    check(store_read_replications(bench->store, source_of(bench, number), 0, UINT64_MAX, &names,
                                  read_one, &bench->sum, error),
          error);
}

static void complete(struct bench *bench, int64_t point_id, int metrics, struct text *error)
{
    struct store_estimate estimates[METRICS];
    for (int i = 0; i < metrics; i++) {
        estimates[i] = (struct store_estimate){.metric = bench->name_list[i],
                                               .mean = 1.0 / (i + 3),
                                               .half_width = 0.01,
                                               .confidence = 0.95,
                                               .replications = 5};
    }
    check(store_complete_point(bench->store, point_id, "stable", NULL, PER_POINT, estimates,
                               (size_t)metrics, error),
          error);
}

static void complete_point(struct bench *bench, int number, struct text *error)
{
    complete(bench, bench->states[number].id, FEW_METRICS, error);
}

static void add_lone_points(struct bench *bench, struct text *error)
{
    check(store_begin_group(bench->store, error), error);
    for (int i = 0; i < LONE_POINTS; i++) {
        struct store_point point = bench->points[i];
        point.ordinal = POINTS + i;
        check(store_add_point(bench->store, &point, &bench->lone_ids[i], error), error);
    }
    check(store_end_group(bench->store, 0, error), error);
}

// Points come to their end in another order than that of their numbers.
static void store_simulation(struct bench *bench, int number, struct text *error)
{
    const int64_t id = bench->lone_ids[(int64_t)number * 7919 % LONE_POINTS];
    check(store_begin_group(bench->store, error), error);
    add_replications(bench, id, PER_POINT, METRICS, COUNTERS, error);
    complete(bench, id, METRICS, error);
    check(store_end_group(bench->store, 0, error), error);
}

static void claim(struct bench *bench, int number, struct text *error)
{
    const struct store_range range = {bench->states[number].source_id, 100 + (uint64_t)number, 10};
    enum store_claim_result result;
    check(store_claim(bench->store, &range, 1, 30, &result, error), error);
}

static void add_samples(struct bench *bench, int number, struct text *error)
{
    check(store_add_samples(bench->store, bench->states[0].source_id, (uint64_t)number,
                            bench->samples, SAMPLES, error),
          error);
}

// ---- what is stored ----

static void make_points(struct bench *bench)
{
    static const char *const paths[] = {"policy.hi_threshold.theta", "tiers.device.nodes",
                                        "prices.offload"};
    for (int i = 0; i < POINTS; i++) {
        snprintf(bench->hashes[i], sizeof(bench->hashes[i]), "%032d", i);
        snprintf(bench->simulations[i], sizeof(bench->simulations[i]), "%032d", i / SHARING);
        for (int k = 0; k < 3; k++) {
            bench->parameters[i][k] = (struct store_parameter){.path = paths[k], .number = i + k};
            bench->prices[i][k] = (struct store_price){bench->name_list[METRICS + k], 0.1 * k};
        }
        bench->points[i] = (struct store_point){.experiment_id = bench->experiment_id,
                                                .ordinal = i,
                                                .policy = "hi_threshold",
                                                .hash = bench->hashes[i],
                                                .simulation_hash = bench->simulations[i],
                                                .parameters = bench->parameters[i],
                                                .parameter_count = 3,
                                                .prices = bench->prices[i],
                                                .price_count = 3};
    }
}

static void make_samples(struct bench *bench)
{
    static const char *const tiers[] = {"device", "edge"};
    static const char *const exits[] = {"small.end", "large.end"};
    for (int i = 0; i < SAMPLES; i++) {
        bench->samples[i] = (struct store_sample){.device = (uint64_t)(i % 50),
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
}

static void make_names(struct bench *bench)
{
    for (int i = 0; i < METRICS + COUNTERS; i++) {
        snprintf(bench->names[i], sizeof(bench->names[i]), "value.%02d", i);
        bench->name_list[i] = bench->names[i];
        bench->values[i] = 1.0 / (i + 3);
    }
}

int main(void)
{
    static struct bench bench;
    char folder[] = "/tmp/bench-store.XXXXXX";
    char path[64];
    struct text error = {0};
    if (!mkdtemp(folder)) {
        return 1;
    }
    snprintf(path, sizeof(path), "%s/results.db", folder);
    check(store_open(path, STORE_BUSY_TIMEOUT_S, &bench.store, &error), &error);
    const struct store_experiment experiment = {.scenario = "bench",
                                                .path = "",
                                                .command = "",
                                                .scenario_json = "{}",
                                                .scenario_hash = "",
                                                .sweep_json = "{}",
                                                .version = ""};
    check(store_begin_experiment(bench.store, &experiment, &bench.experiment_id, NULL, &error),
          &error);
    make_names(&bench);
    make_points(&bench);
    make_samples(&bench);
    const int sources = POINTS / SHARING;
    printf("microseconds each: median (least .. most)    number  of the processor         real\n");
    measure(&bench, "points planned", POINTS / PLANNED_AT_ONCE, PLANNED_AT_ONCE, plan);
    measure(&bench, "points found again", POINTS / PLANNED_AT_ONCE, PLANNED_AT_ONCE, plan);
    measure(&bench, "replications of 50 values, by tens", sources, BATCH, add_batch);
    measure(&bench, "the same read", sources, BATCH, read_batch);
    measure(&bench, "points completed, 30 estimates", POINTS / 10, 1, complete_point);
    add_lone_points(&bench, &error);
    measure(&bench, "replications of 70 values, whole points", LONE_POINTS, PER_POINT,
            store_simulation);
    measure(&bench, "claims, one a transaction", POINTS / 10, 1, claim);
    measure(&bench, "samples", BATCH, SAMPLES, add_samples);
    store_close(bench.store);
    unlink(path);
    rmdir(folder);
    return 0;
}
