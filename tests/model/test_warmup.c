// SPDX-License-Identifier: GPL-3.0-or-later

// `warmup: auto`: the cut is the one that MSER-5 finds when it is worked out directly from what a
// run that counts everything does, results are those of a run with that warm-up, and how a run
// begins makes no difference behind the cut.

#include "small_run.h"
#include "stats/moments.h"
#include "tests/unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// One server behind a link that takes no time worth mentioning.
#define SERVER(stop, warmup, rate, edge)                                                           \
    "scenario: server\n"                                                                           \
    "seed: 41\n"                                                                                   \
    "stop: " stop "\n"                                                                             \
    "warmup: " warmup "\n"                                                                         \
    "samples: {payload: 1 B}\n"                                                                    \
    "models: {task: {}}\n"                                                                         \
    "tiers:\n"                                                                                     \
    "  - name: device\n"                                                                           \
    "    nodes: 2\n"                                                                               \
    "    arrivals: {poisson: " rate "}\n"                                                          \
    "    compute: {time: {task: 1 s}}\n"                                                           \
    "  - name: edge\n"                                                                             \
    "    compute: {time: {task: {exponential: 100 ms}}" edge "}\n"                                 \
    "links:\n"                                                                                     \
    "  - {from: device, to: edge, up: 10 Gbit/s, down: 10 Gbit/s}\n"                               \
    "policy: {full_offload: {tier: edge, model: task}}\n"

#define BUSY(stop, warmup) SERVER(stop, warmup, "4.5 /s", "")
#define SHARED(stop, warmup) SERVER(stop, warmup, "4 /s", ", discipline: sharing")
#define OVERLOADED(stop, warmup) SERVER(stop, warmup, "6 /s", "")

static double metric(const struct small_run *run, const char *family, const char *member)
{
    char name[128];
    snprintf(name, sizeof(name), member ? "%s.%s" : "%s", family, member);
    return small_run_metric(run, name);
}

static void run_once(struct small_scenario *scenario, struct small_run *run, const char *yaml,
                     uint64_t number)
{
    small_scenario_init(scenario, yaml, NULL, NULL);
    small_run_init_long(run, small_scenario_world(scenario, 0), number);
    ck_assert_msg(run->status == 0, "%s", text_string(&run->error));
}

static void finish(struct small_scenario *scenario, struct small_run *run)
{
    small_run_finish(run);
    small_scenario_finish(scenario);
}

// ---- recorded series ----

struct recorded {
    double *values;
    double *times_s;
    size_t count;
    size_t room;
};

struct record {
    struct recorded latency;
    struct recorded stations[8];
    bool is_shared;
};

static void note(struct recorded *recorded, double value, double time_s)
{
    if (recorded->count == recorded->room) {
        recorded->room = recorded->room ? 2 * recorded->room : 1024;
        recorded->values = memory_resize(recorded->values, recorded->room, sizeof(double));
        recorded->times_s = memory_resize(recorded->times_s, recorded->room, sizeof(double));
    }
    recorded->values[recorded->count] = value;
    recorded->times_s[recorded->count++] = time_s;
}

static void note_sample(void *context, const struct sample_record *sample)
{
    struct record *record = context;
    note(&record->latency, sample->ended_s - sample->arrived_s, sample->ended_s);
}

static void note_visit(void *context, const struct visit_record *visit)
{
    struct record *record = context;
    // Station 1 is the edge.
    const bool is_present = record->is_shared && visit->station == 1;
    note(&record->stations[visit->station],
         (is_present ? visit->ended_s : visit->started_s) - visit->arrived_s, visit->ended_s);
}

// The definition: the cut with the least squared standard error of what is left, in batches of as
// many observations that fewer than 4096 batches are full.
static size_t direct_cut(const struct recorded *series, size_t *ret_batches, double *ret_time_s)
{
    size_t per_batch = 5;
    while (series->count / per_batch >= 4096) {
        per_batch *= 2;
    }
    const size_t batches = series->count / per_batch;
    double *means = memory_resize(NULL, batches + 1, sizeof(*means));
    for (size_t i = 0; i < batches; i++) {
        means[i] = 0;
        for (size_t k = 0; k < per_batch; k++) {
            means[i] += series->values[i * per_batch + k] / (double)per_batch;
        }
    }
    size_t best = 0;
    double least = INFINITY;
    for (size_t cut = 0; 4 * (batches - cut) >= batches && cut < batches; cut++) {
        struct moments left = {0};
        for (size_t i = cut; i < batches; i++) {
            moments_add(&left, means[i]);
        }
        const double error = left.squares / ((double)left.count * (double)left.count);
        if (error < least) {
            least = error;
            best = cut;
        }
    }
    free(means);
    *ret_batches = batches;
    *ret_time_s = best ? series->times_s[best * per_batch - 1] : 0;
    return best;
}

static const struct {
    const char *automatic;
    const char *everything;
    bool is_shared;
} recorded_runs[] = {
    {BUSY("{samples: 3000}", "auto"), BUSY("{samples: 3000}", "none"), false},
    {BUSY("{time: 500 s}", "auto"), BUSY("{time: 500 s}", "none"), false},
    {SHARED("{samples: 3000}", "auto"), SHARED("{samples: 3000}", "none"), true},
    {BUSY("{samples: 30000}", "auto"), BUSY("{samples: 30000}", "none"), false},
    {OVERLOADED("{samples: 3000}", "auto"), OVERLOADED("{samples: 3000}", "none"), false},
};

// How a series ought to have been judged; moves the cut.
static double settle(const struct recorded *series, double length_s, double *cut_s)
{
    size_t batches;
    double time_s;
    const size_t cut = direct_cut(series, &batches, &time_s);
    const bool has_settled = 2 * cut <= batches && 2 * time_s <= length_s;
    *cut_s = fmax(*cut_s, has_settled ? time_s : length_s / 2);
    return has_settled;
}

START_TEST(the_cut_is_that_of_the_recorded_series)
{
    double latest_s = 0;
    for (uint64_t number = 0; number < 4; number++) {
        struct small_scenario scenario;
        struct small_scenario whole;
        struct small_run run;
        struct record record = {.is_shared = recorded_runs[_i].is_shared};
        struct text error = {0};
        run_once(&scenario, &run, recorded_runs[_i].automatic, number);
        small_scenario_init(&whole, recorded_runs[_i].everything, NULL, NULL);
        const struct world *world = small_scenario_world(&whole, 0);
        struct replication_result result = {
            .metrics = memory_resize(NULL, (size_t)world->metrics, sizeof(double)),
            .counters = memory_resize(NULL, (size_t)world->counters.count, sizeof(double))};
        const struct replication_options options = {
            .number = number, .observe = note_sample, .visited = note_visit, .context = &record};
        ck_assert_int_eq(replication_run(world, &options, &result, &error), 0);
        double cut_s = 0;
        const double settled = settle(&record.latency, result.window_s, &cut_s);
        ck_assert_double_eq(metric(&run, "settled_fraction", NULL), settled);
        for (int i = 0; i < world->stations; i++) {
            const char *name = world->station[i].name;
            const double found = metric(&run, "settled_fraction", name);
            if (i != 1) {
                ck_assert_double_eq(found, 1); // nobody is there, or waits
            } else {
                ck_assert_double_eq(found, settle(&record.stations[i], result.window_s, &cut_s));
            }
        }
        ck_assert_double_eq(metric(&run, "warmup_s", NULL), cut_s);
        latest_s = fmax(latest_s, cut_s);
        free(result.metrics);
        free(result.counters);
        free(record.latency.values);
        free(record.latency.times_s);
        for (int i = 0; i < 8; i++) {
            free(record.stations[i].values);
            free(record.stations[i].times_s);
        }
        small_scenario_finish(&whole);
        finish(&scenario, &run);
    }
    ck_assert_double_gt(latest_s, 0); // or nothing was shown
}
END_TEST

START_TEST(results_are_those_of_a_run_with_that_warmup)
{
    for (uint64_t number = 0; number < 6; number++) {
        struct small_scenario found;
        struct small_scenario given;
        struct small_run run;
        struct small_run again;
        char yaml[2048];
        run_once(&found, &run, BUSY("{samples: 2000}", "auto"), number);
        snprintf(yaml, sizeof(yaml), BUSY("{samples: 2000}", "{time: %.17g s}"),
                 metric(&run, "warmup_s", NULL));
        run_once(&given, &again, yaml, number);
        for (int i = 0; i < again.world->metrics; i++) {
            const char *name = again.world->metric[i].name;
            const double value = small_run_metric(&run, name);
            ck_assert_msg(memcmp(&again.result.metrics[i], &value, sizeof(double)) == 0,
                          "%s: %.17g and %.17g", name, again.result.metrics[i], value);
        }
        ck_assert_uint_eq(run.result.offered, again.result.offered);
        ck_assert_uint_eq(run.result.events, again.result.events);
        finish(&found, &run);
        finish(&given, &again);
    }
}
END_TEST

// ---- what has no start ----

static const struct {
    const char *yaml;
    double settled;
    double cut_s; // NaN: half of the run
} plain_runs[] = {
    // Every sample is the same to rounding.
    {"scenario: even\n"
     "stop: {samples: 500}\n"
     "warmup: auto\n"
     "models: {task: {}}\n"
     "tiers:\n"
     "  - name: device\n"
     "    arrivals: {deterministic: {period: 0.3 s}}\n"
     "    compute: {time: {task: 0.1 s}}\n"
     "policy: local\n",
     1, 0},
    // Fewer than ten batches of five.
    {BUSY("{samples: 49}", "auto"), 0, NAN},
    {OVERLOADED("{samples: 5000}", "auto"), 0, NAN},
};

START_TEST(a_run_without_a_steady_state_says_so)
{
    struct small_scenario scenario;
    struct small_run run;
    run_once(&scenario, &run, plain_runs[_i].yaml, 0);
    const double cut_s = metric(&run, "warmup_s", NULL);
    ck_assert_double_eq(metric(&run, "settled_fraction", NULL), plain_runs[_i].settled);
    if (isnan(plain_runs[_i].cut_s)) {
        ck_assert_double_eq_tol(cut_s, run.result.window_s, 1e-9 * cut_s);
    } else {
        ck_assert_double_eq(cut_s, plain_runs[_i].cut_s);
    }
    finish(&scenario, &run);
}
END_TEST

// ---- full and empty ----

// A crowd that may come at time 0, before the other samples.
#define AFTER_A_CROWD(warmup)                                                                      \
    "scenario: crowd\n"                                                                            \
    "seed: 97\n"                                                                                   \
    "stop: {time: 2000 s}\n"                                                                       \
    "warmup: " warmup "\n"                                                                         \
    "samples: {payload: 1 B}\n"                                                                    \
    "models: {task: {}}\n"                                                                         \
    "tiers:\n"                                                                                     \
    "  - name: device\n"                                                                           \
    "    classes:\n"                                                                               \
    "      - {name: crowd, nodes: 1, compute: {time: {task: 1 s}},\n"                              \
    "         arrivals: {times: {file: trace.csv, repeat: false}}}\n"                              \
    "      - {name: source, nodes: 1, compute: {time: {task: 1 s}}, arrivals: {poisson: 7 /s}}\n"  \
    "  - name: edge\n"                                                                             \
    "    compute: {time: {task: {exponential: 100 ms}}}\n"                                         \
    "links:\n"                                                                                     \
    "  - {from: device, to: edge, up: 10 Gbit/s, down: 10 Gbit/s}\n"                               \
    "policy: {full_offload: {tier: edge, model: task}}\n"

enum { CROWD = 500, RUNS = 40 };

static struct moments waits(const char *yaml, int crowd, double *ret_cut_s)
{
    struct small_scenario scenario;
    struct moments moments = {0};
    struct moments cuts = {0};
    char *times = memory_resize(NULL, CROWD + 1, 8);
    strcpy(times, "t\n");
    for (int i = 1; i < crowd; i++) {
        strcat(times, "0\n");
    }
    strcat(times, "0.001\n");
    small_scenario_init(&scenario, yaml, times, NULL);
    const struct world *world = small_scenario_world(&scenario, 0);
    for (uint64_t number = 0; number < RUNS; number++) {
        struct small_run run;
        small_run_init_long(&run, world, number);
        ck_assert_msg(run.status == 0, "%s", text_string(&run.error));
        moments_add(&moments, small_run_metric(&run, "wait_mean_s.edge"));
        if (ret_cut_s) {
            moments_add(&cuts, small_run_metric(&run, "warmup_s"));
        }
        small_run_finish(&run);
    }
    small_scenario_finish(&scenario);
    free(times);
    if (ret_cut_s) {
        *ret_cut_s = cuts.mean;
    }
    return moments;
}

// Load 0.7, so a wait is 0.7 / 3 s in the mean, and 500 samples are gone after some 170 s.
START_TEST(full_and_empty_runs_agree)
{
    const double theory_s = 0.7 / 3;
    double empty_cut_s;
    double full_cut_s;
    const struct moments empty = waits(AFTER_A_CROWD("auto"), 2, &empty_cut_s);
    const struct moments full = waits(AFTER_A_CROWD("auto"), CROWD, &full_cut_s);
    const struct moments uncut = waits(AFTER_A_CROWD("none"), CROWD, NULL);
    ck_assert_double_gt(full_cut_s, 100);
    ck_assert_double_lt(full_cut_s, 400);
    ck_assert_double_lt(empty_cut_s, 100);
    // Without the cut one sees the crowd.
    ck_assert_double_gt(uncut.mean - moments_half_width(&uncut, 0.99), 2 * theory_s);
    const double empty_half_s = moments_half_width(&empty, 0.99);
    const double full_half_s = moments_half_width(&full, 0.99);
    ck_assert_msg(fabs(empty.mean - theory_s) < empty_half_s, "%g", empty.mean);
    ck_assert_msg(fabs(full.mean - theory_s) < full_half_s, "%g", full.mean);
    ck_assert_double_lt(fabs(full.mean - empty.mean), hypot(empty_half_s, full_half_s));
    ck_assert_double_lt(full_half_s, 0.1 * theory_s); // and that says something
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("warmup");
    TCase *tcase = tcase_create("warmup");
    tcase_set_timeout(tcase, 60);
    unit_add_table(tcase, the_cut_is_that_of_the_recorded_series, recorded_runs);
    tcase_add_test(tcase, results_are_those_of_a_run_with_that_warmup);
    unit_add_table(tcase, a_run_without_a_steady_state_says_so, plain_runs);
    tcase_add_test(tcase, full_and_empty_runs_agree);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
