// SPDX-License-Identifier: GPL-3.0-or-later

// One long run in batches: they change nothing of the run, each of them says what happened in its
// time, and intervals that rest on them hold what they promise.

#include "small_run.h"
#include "stats/batch_means.h"
#include "stats/interval.h"
#include "tests/unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIX(intervals, stop, warmup, edge, link)                                                   \
    "scenario: mix\n"                                                                              \
    "seed: 7\n"                                                                                    \
    "stop: " stop "\n"                                                                             \
    "warmup: " warmup "\n"                                                                         \
    "replications: 1\n"                                                                            \
    "intervals: " intervals "\n"                                                                   \
    "samples: {payload: {exponential: 30 kB}, answer: 2 kB}\n"                                     \
    "models: {task: {}}\n"                                                                         \
    "tiers:\n"                                                                                     \
    "  - name: device\n"                                                                           \
    "    nodes: 4\n"                                                                               \
    "    arrivals: {poisson: 6 /s}\n"                                                              \
    "    compute: {time: {task: 1 s}, power: {active: 3 W, idle: 1 W}}\n"                          \
    "  - name: edge\n"                                                                             \
    "    nodes: 2\n"                                                                               \
    "    compute: {time: {task: {exponential: 75 ms}}" edge "}\n"                                  \
    "links:\n"                                                                                     \
    "  - {from: device, to: edge, up: 9 Mbit/s, down: 9 Mbit/s, delay: 20 ms" link "}\n"           \
    "policy: {full_offload: {tier: edge, model: task}}\n"

#define BOTH(stop, warmup, edge, link)                                                             \
    {                                                                                              \
        MIX("replications", stop, warmup, edge, link),                                             \
            MIX("batch_means", stop, warmup, edge, link)                                           \
    }

static const struct {
    const char *plain;
    const char *batched;
} mixes[] = {
    BOTH("{samples: 3000}", "none", "", ""),
    BOTH("{time: 100 s}", "{time: 9 s}", "", ""),
    BOTH("{samples: 3000}", "{samples: 400}", "", ", sharing: fair"),
    BOTH("{time: 100 s}", "{samples: 333}", ", discipline: sharing", ""),
    BOTH("{samples: 3000}", "none", ", servers: 2, discipline: preemptive", ""),
    BOTH("{samples: 3000}", "none", ", failures: {every: {exponential: 5 s}, repair: 1 s}", ""),
    BOTH("{samples: 3000}", "auto", ", patience: 100 ms, room: 4", ""),
    BOTH("{samples: 3000}", "none",
         ", scaling: {every: 1 s, least: 1, most: 4, utilisation: 0.7, start: 500 ms}", ""),
};

static void run_once(struct small_scenario *scenario, struct small_run *run, const char *yaml,
                     uint64_t number)
{
    small_scenario_init(scenario, yaml, NULL, NULL);
    small_run_init(run, small_scenario_world(scenario, 0), number);
    ck_assert_msg(run->status == 0, "%s", text_string(&run->error));
}

static void finish(struct small_scenario *scenario, struct small_run *run)
{
    replication_batches_finish(&run->result.batches);
    small_run_finish(run);
    small_scenario_finish(scenario);
}

START_TEST(the_run_is_the_same_to_the_bit)
{
    struct small_scenario scenario;
    struct small_scenario other;
    struct small_run plain;
    struct small_run batched;
    run_once(&scenario, &plain, mixes[_i].plain, 2);
    run_once(&other, &batched, mixes[_i].batched, 2);
    ck_assert_uint_eq(plain.result.batches.count, 0);
    ck_assert_ptr_null(plain.result.batches.each);
    ck_assert_uint_ge(batched.result.batches.count, BATCH_LEAST);
    for (int i = 0; i < plain.world->metrics; i++) {
        ck_assert_msg(
            memcmp(&plain.result.metrics[i], &batched.result.metrics[i], sizeof(double)) == 0,
            "%s: %.17g and %.17g", plain.world->metric[i].name, plain.result.metrics[i],
            batched.result.metrics[i]);
    }
    for (int i = 0; i < plain.world->counters.count; i++) {
        ck_assert_double_eq(plain.result.counters[i], batched.result.counters[i]);
    }
    ck_assert_double_eq(plain.result.simulated_s, batched.result.simulated_s);
    finish(&scenario, &plain);
    finish(&other, &batched);
}
END_TEST

// ---- what a batch says ----

static double value(const struct small_run *run, const struct replication_result *result,
                    const char *name)
{
    for (int i = 0; i < run->world->metrics; i++) {
        if (strcmp(run->world->metric[i].name, name) == 0) {
            return result->metrics[i];
        }
    }
    ck_abort_msg("there is no metric '%s'", name);
}

// What the samples that ended in a batch of a run that is counted from its start on say of it.
static void check_batch(const struct small_run *run, size_t number)
{
    const struct replication_batches *batches = &run->result.batches;
    const struct replication_result *batch = &batches->each[number];
    const double from_s = (double)number * batches->length_s;
    const double to_s = from_s + batches->length_s;
    double answered = 0;
    double dropped = 0;
    double offered = 0;
    double latency_s = 0;
    double most_s = 0;
    for (size_t i = 0; i < run->count; i++) {
        const struct sample_record *record = &run->records[i];
        offered += record->arrived_s > from_s && record->arrived_s <= to_s;
        if (record->ended_s > from_s && record->ended_s <= to_s) {
            answered += record->reason < 0;
            dropped += record->reason >= 0;
            if (record->reason < 0) {
                latency_s += record->ended_s - record->arrived_s;
                most_s = fmax(most_s, record->ended_s - record->arrived_s);
            }
        }
    }
    ck_assert_double_eq(batch->counters[COUNTER_OFFERED], offered);
    ck_assert_double_eq(batch->counters[COUNTER_ANSWERED], answered);
    ck_assert_double_eq(batch->counters[COUNTER_DROPPED], dropped);
    ck_assert_double_eq_tol(value(run, batch, "latency_mean_s"), latency_s / answered, 1e-9);
    ck_assert_double_eq_tol(value(run, batch, "throughput_per_s"), answered / batches->length_s,
                            1e-9);
    ck_assert_double_le(value(run, batch, "latency_p999_s"), most_s * (1 + 1.0 / 128));
    ck_assert_double_ge(value(run, batch, "latency_p999_s"), latency_s / answered);
    // Idle power is part of it: four devices at 1 W, which compute nothing.
    ck_assert_double_eq_tol(value(run, batch, "device_energy_mean_j"),
                            4 * batches->length_s / offered, 1e-9);
}

START_TEST(a_batch_says_what_happened_in_its_time)
{
    struct small_scenario scenario;
    struct small_run run;
    run_once(&scenario, &run,
             MIX("batch_means", "{samples: 5000}", "none", ", patience: 200 ms", ""), 1);
    ck_assert_uint_ge(run.result.batches.count, BATCH_LEAST);
    ck_assert_uint_le(run.result.batches.count, 64);
    for (size_t i = 0; i < run.result.batches.count; i++) {
        check_batch(&run, i);
    }
    // They cover the run but for less than one of them.
    const double covered_s = (double)run.result.batches.count * run.result.batches.length_s;
    ck_assert_double_le(covered_s, run.result.window_s);
    ck_assert_double_gt(covered_s + run.result.batches.length_s, run.result.window_s);
    finish(&scenario, &run);
}
END_TEST

// Averages over time: a batch of a queued lane has its own part of what is added up late.
START_TEST(averages_over_time_add_up)
{
    struct small_scenario scenario;
    struct small_run run;
    run_once(&scenario, &run,
             MIX("batch_means", "{time: 96 s}", "none", ", discipline: priority", ""), 3);
    const struct replication_batches *batches = &run.result.batches;
    ck_assert_uint_ge(batches->count, BATCH_LEAST);
    static const char *const names[] = {"queue_mean.edge", "present_mean.edge", "utilisation.edge",
                                        "utilisation.device-edge.up", "throughput_per_s"};
    for (int k = 0; k < UNIT_COUNT(names); k++) {
        double sum = 0;
        for (size_t i = 0; i < batches->count; i++) {
            sum += value(&run, &batches->each[i], names[k]) * batches->length_s;
        }
        const double whole = small_run_metric(&run, names[k]) * run.result.window_s;
        const double rest_s = run.result.window_s - (double)batches->count * batches->length_s;
        ck_assert_double_lt(rest_s, batches->length_s);
        if (rest_s < 1e-6) {
            // A visit of a plain station counts when it ends, so the last ones are missing.
            ck_assert_double_eq_tol(sum, whole, 0.01 * whole);
        } else {
            ck_assert_double_le(sum, whole);
        }
    }
    finish(&scenario, &run);
}
END_TEST

// A service of 7 s every 10 s, in a lane that adds to its sums when something happens there: each
// batch has what lies within it, though nothing may have happened in it.
START_TEST(what_is_added_up_late_is_in_its_batch)
{
    struct small_scenario scenario;
    struct small_run run;
    run_once(&scenario, &run,
             "scenario: rare\n"
             "stop: {time: 96 s}\n"
             "replications: 1\n"
             "intervals: batch_means\n"
             "models: {task: {}}\n"
             "tiers:\n"
             "  - name: device\n"
             "    arrivals: {deterministic: {period: 10 s}}\n"
             "    compute: {discipline: priority, time: {task: 7 s}}\n"
             "policy: local\n",
             0);
    // Neighbours are alike here, so they are taken together in some way.
    const struct replication_batches *batches = &run.result.batches;
    ck_assert_uint_ge(batches->count, BATCH_LEAST);
    for (size_t i = 0; i < batches->count; i++) {
        const double from_s = (double)i * batches->length_s;
        double busy_s = 0;
        for (int k = 0; k < 10; k++) {
            const double overlap_s =
                fmin(10 * k + 7, from_s + batches->length_s) - fmax(10 * k, from_s);
            busy_s += fmax(overlap_s, 0);
        }
        ck_assert_double_eq_tol(value(&run, &batches->each[i], "utilisation.device"),
                                busy_s / batches->length_s, 1e-6);
    }
    finish(&scenario, &run);
}
END_TEST

// ---- closed form ----

#define QUEUE(rate, samples)                                                                       \
    "scenario: queue\n"                                                                            \
    "seed: 2385\n"                                                                                 \
    "stop: {samples: " samples "}\n"                                                               \
    "replications: 1\n"                                                                            \
    "intervals: batch_means\n"                                                                     \
    "models: {task: {}}\n"                                                                         \
    "tiers:\n"                                                                                     \
    "  - {name: device, arrivals: {poisson: " rate                                                 \
    "}, compute: {time: {task: {exponential: 1 s}}}}\n"                                            \
    "policy: local\n"

static struct interval interval_of_waits(const struct small_run *run)
{
    double means[64];
    const struct replication_batches *batches = &run->result.batches;
    for (size_t i = 0; i < batches->count; i++) {
        means[i] = value(run, &batches->each[i], "wait_mean_s.device");
    }
    return interval_of_mean(means, batches->count, 0.95);
}

static const struct {
    const char *yaml;
    double wait_s;
    int runs;
    int least; // covered
    int most;
    int most_unconverged;
} queues[] = {
    // Of 200 intervals of 95 %, 179 to 199 cover with a chance of more than 99.9 %.
    {QUEUE("0.5 /s", "20000"), 1, 200, 179, 199, 10},
    {QUEUE("0.8 /s", "50000"), 4, 200, 179, 199, 10},
};

// The estimate is that of the whole run, the width that of the batches.
START_TEST(intervals_cover)
{
    struct small_scenario scenario;
    int covered = 0;
    int unconverged = 0;
    small_scenario_init(&scenario, queues[_i].yaml, NULL, NULL);
    const struct world *world = small_scenario_world(&scenario, 0);
    for (int number = 0; number < queues[_i].runs; number++) {
        struct small_run run;
        small_run_init_long(&run, world, (uint64_t)number);
        ck_assert_int_eq(run.status, 0);
        const struct interval interval = interval_of_waits(&run);
        const double mean_s = small_run_metric(&run, "wait_mean_s.device");
        covered += fabs(mean_s - queues[_i].wait_s) <= interval.half_width;
        unconverged += run.result.batches.has_not_converged;
        replication_batches_finish(&run.result.batches);
        small_run_finish(&run);
    }
    ck_assert_msg(covered >= queues[_i].least && covered <= queues[_i].most, "%d of %d cover",
                  covered, queues[_i].runs);
    ck_assert_int_le(unconverged, queues[_i].most_unconverged);
    small_scenario_finish(&scenario);
}
END_TEST

static const struct {
    const char *yaml;
    size_t count;
} short_runs[] = {
    {QUEUE("0.5 /s", "8"), 0},
    {QUEUE("0.98 /s", "3000"), BATCH_LEAST},
};

START_TEST(a_run_that_is_too_short_says_so)
{
    struct small_scenario scenario;
    struct small_run run;
    run_once(&scenario, &run, short_runs[_i].yaml, 0);
    ck_assert(run.result.batches.has_not_converged);
    ck_assert_uint_ge(run.result.batches.count, short_runs[_i].count);
    ck_assert_uint_lt(run.result.batches.count, 2 * BATCH_LEAST);
    const char *metric = run.world->metric[run.result.batches.metric].name;
    ck_assert_msg(strcmp(metric, "latency_mean_s") == 0 ||
                      strcmp(metric, "wait_mean_s.device") == 0,
                  "%s", metric);
    finish(&scenario, &run);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("batches");
    TCase *tcase = tcase_create("batches");
    tcase_set_timeout(tcase, 60);
    unit_add_table(tcase, the_run_is_the_same_to_the_bit, mixes);
    tcase_add_test(tcase, a_batch_says_what_happened_in_its_time);
    tcase_add_test(tcase, averages_over_time_add_up);
    tcase_add_test(tcase, what_is_added_up_late_is_in_its_batch);
    unit_add_table(tcase, intervals_cover, queues);
    unit_add_table(tcase, a_run_that_is_too_short_says_so, short_runs);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
