// SPDX-License-Identifier: GPL-3.0-or-later

// Common random numbers: every policy meets the same samples, service times and delays.

#include "small_run.h"
#include "tests/unit/unit.h"

#include <string.h>

#define COMMON_HEAD                                                                                \
    "scenario: common\n"                                                                           \
    "seed: 7\n"                                                                                    \
    "stop: {samples: 600}\n"                                                                       \
    "samples: {trace: trace.csv, payload: {exponential: 50 kB}, answer: 300 B}\n"                  \
    "models:\n"                                                                                    \
    "  small: {exits: {end: {confidence: s_conf, correct: s_ok}}}\n"                               \
    "  large: {exits: {end: {confidence: l_conf, correct: l_ok}}}\n"                               \
    "tiers:\n"                                                                                     \
    "  - name: device\n"                                                                           \
    "    nodes: 3\n"                                                                               \
    "    arrivals: {poisson: 2 /s}\n"                                                              \
    "    compute: {time: {small: {lognormal: {mean: 100 ms, cv: 0.5}}}}\n"                         \
    "  - name: edge\n"                                                                             \
    "    compute: {servers: 2, time: {large: {gamma: {mean: 70 ms, cv: 0.7}}}}\n"
#define COMMON_CLOUD "  - {name: cloud, compute: {time: {large: {exponential: 5 ms}}}}\n"
#define COMMON_LINKS                                                                               \
    "links:\n"                                                                                     \
    "  - {from: device, to: edge, count: 1, up: 1 MB/s, down: 1 MB/s, overhead: 74 B,\n"           \
    "     delay: {lognormal: {mean: 20 ms, cv: 0.6}}}\n"
#define COMMON_CLOUD_LINK                                                                          \
    "  - {from: edge, to: cloud, up: 9 MB/s, down: 9 MB/s, delay: {exponential: 3 ms}}\n"
#define COMMON_POLICIES                                                                            \
    "policy: [local, {full_offload: {tier: edge}}, {hi_threshold: {theta: [0.5]}},\n"              \
    "         {random: {p: 0.4}}, oracle]\n"

static const char common_trace[] = "s_conf,s_ok,l_conf,l_ok\n"
                                   "0.9,1,0.9,1\n0.2,0,0.8,1\n0.4,1,0.7,0\n0.6,0,0.99,1\n"
                                   "0.1,0,0.4,0\n0.8,1,0.3,1\n0.5,1,0.6,1\n";

// Whether a policy runs the small model also for the samples that it offloads.
static const struct {
    int policy;
    bool tries_first;
} compared[] = {{1, false}, {2, true}, {3, false}, {4, true}};

struct common {
    struct small_scenario scenario;
    struct small_run local;
    struct small_run away;
    struct small_run other;
};

static void common_init(struct common *common, int other)
{
    small_scenario_init(&common->scenario, COMMON_HEAD COMMON_LINKS COMMON_POLICIES, common_trace,
                        NULL);
    small_run_init(&common->local, small_scenario_world(&common->scenario, 0), 3);
    small_run_init(&common->away, small_scenario_world(&common->scenario, 1), 3);
    small_run_init(&common->other, small_scenario_world(&common->scenario, other), 3);
    small_run_sort(&common->local);
    small_run_sort(&common->away);
    small_run_sort(&common->other);
    ck_assert_uint_eq(common->local.count, 600);
    ck_assert_uint_eq(common->away.count, 600);
    ck_assert_uint_eq(common->other.count, 600);
}

static void common_finish(struct common *common)
{
    small_run_finish(&common->other);
    small_run_finish(&common->away);
    small_run_finish(&common->local);
    small_scenario_finish(&common->scenario);
}

START_TEST(policies_meet_the_same_samples)
{
    struct common common;
    common_init(&common, compared[_i].policy);
    size_t offloaded = 0;
    for (size_t i = 0; i < common.local.count; i++) {
        const struct sample_record *here = &common.local.records[i];
        const struct sample_record *there = &common.other.records[i];
        ck_assert_uint_eq(here->device, there->device);
        ck_assert_uint_eq(here->index, there->index);
        ck_assert_uint_eq(here->row, there->row);
        ck_assert_double_eq(here->arrived_s, there->arrived_s);
        ck_assert_double_eq(here->input_bytes, there->input_bytes);
        offloaded += there->is_offloaded;
    }
    // Otherwise nothing was compared.
    ck_assert_uint_gt(offloaded, 100);
    common_finish(&common);
}
END_TEST

// Draws belong to the sample: the small model takes it as long under every policy, so does the
// large one, and so do its ways over the link.
START_TEST(policies_meet_the_same_times)
{
    struct common common;
    common_init(&common, compared[_i].policy);
    for (size_t i = 0; i < common.local.count; i++) {
        const struct sample_record *record = &common.other.records[i];
        const double small_s = common.local.records[i].service_s;
        const double large_s = common.away.records[i].service_s;
        const double expected_s = !record->is_offloaded      ? small_s
                                  : compared[_i].tries_first ? small_s + large_s
                                                             : large_s;
        ck_assert_double_eq_tol(record->service_s, expected_s, 1e-10);
        ck_assert_double_eq_tol(record->transfer_s,
                                record->is_offloaded ? common.away.records[i].transfer_s : 0,
                                1e-10);
    }
    common_finish(&common);
}
END_TEST

// A tier that is added leaves the numbers of all that was there alone.
START_TEST(another_tier_changes_nothing_below_it)
{
    struct small_scenario scenarios[2];
    struct small_run runs[2];
    small_scenario_init(&scenarios[0], COMMON_HEAD COMMON_LINKS COMMON_POLICIES, common_trace,
                        NULL);
    small_scenario_init(&scenarios[1],
                        COMMON_HEAD COMMON_CLOUD COMMON_LINKS COMMON_CLOUD_LINK
                        "policy: [local, {full_offload: {tier: edge}}]\n",
                        common_trace, NULL);
    for (int i = 0; i < 2; i++) {
        small_run_init(&runs[i], small_scenario_world(&scenarios[i], _i), 0);
    }
    ck_assert_uint_eq(runs[0].count, 600);
    ck_assert_uint_eq(runs[1].count, 600);
    for (size_t i = 0; i < runs[0].count; i++) {
        const struct sample_record *a = &runs[0].records[i];
        const struct sample_record *b = &runs[1].records[i];
        ck_assert_uint_eq(a->device, b->device);
        ck_assert_uint_eq(a->index, b->index);
        ck_assert_uint_eq(a->row, b->row);
        ck_assert_double_eq(a->arrived_s, b->arrived_s);
        ck_assert_double_eq(a->ended_s, b->ended_s);
        ck_assert_double_eq(a->wait_s, b->wait_s);
        ck_assert_double_eq(a->service_s, b->service_s);
        ck_assert_double_eq(a->transfer_s, b->transfer_s);
    }
    for (int i = 0; i < 2; i++) {
        small_run_finish(&runs[i]);
        small_scenario_finish(&scenarios[i]);
    }
}
END_TEST

START_TEST(replications_meet_others)
{
    struct small_scenario scenario;
    struct small_run runs[3];
    small_scenario_init(&scenario, COMMON_HEAD COMMON_LINKS COMMON_POLICIES, common_trace, NULL);
    const struct world *world = small_scenario_world(&scenario, 0);
    small_run_init(&runs[0], world, 0);
    small_run_init(&runs[1], world, 1);
    small_run_init(&runs[2], world, 0);
    size_t same_row = 0;
    for (size_t i = 0; i < runs[0].count; i++) {
        const struct sample_record *a = small_run_find(&runs[0], 1, 5 + i % 100);
        const struct sample_record *b = small_run_find(&runs[1], 1, 5 + i % 100);
        ck_assert_double_ne(a->arrived_s, b->arrived_s);
        ck_assert_double_ne(a->input_bytes, b->input_bytes);
        ck_assert_double_ne(a->service_s, b->service_s);
        same_row += a->row == b->row;
    }
    ck_assert_uint_lt(same_row, runs[0].count / 2);
    ck_assert_int_eq(memcmp(runs[0].result.metrics, runs[2].result.metrics,
                            (size_t)world->metrics * sizeof(double)),
                     0);
    for (int i = 0; i < 3; i++) {
        small_run_finish(&runs[i]);
    }
    small_scenario_finish(&scenario);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("common random numbers");

    TCase *common = tcase_create("common");
    unit_add_table(common, policies_meet_the_same_samples, compared);
    unit_add_table(common, policies_meet_the_same_times, compared);
    tcase_add_loop_test(common, another_tier_changes_nothing_below_it, 0, 2);
    tcase_add_test(common, replications_meet_others);
    suite_add_tcase(suite, common);

    return unit_run(suite);
}
