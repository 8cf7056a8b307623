// SPDX-License-Identifier: GPL-3.0-or-later

// Single samples: latencies that are the sum of their parts, and deadlines.

#include "policies/policy.h"
#include "small_run.h"
#include "tests/unit/unit.h"

#include <math.h>

#define EXACT 1e-12

// ---- latency is the sum of its parts ----

// Runs the first layer at home and the others at the next tier.
static struct policy_action decide_split(const struct policy_world *world, const void *given,
                                         const void *plan, void *state,
                                         const struct policy_view *view)
{
    (void)given;
    (void)plan;
    (void)state;
    if (view->tier == 0) {
        return view->layer < 0 ? policy_compute(3, 0) : policy_send(1);
    }
    return view->layer < 2 ? policy_compute(3, 2) : policy_answer(policy_last_exit(world, 3));
}

// The same, but ships the raw input, so that the model starts again at the other end.
static struct policy_action decide_again(const struct policy_world *world, const void *given,
                                         const void *plan, void *state,
                                         const struct policy_view *view)
{
    const struct policy_action action = decide_split(world, given, plan, state, view);
    return action.verb == POLICY_SEND ? policy_send_raw(action.what) : action;
}

static const struct policy_type policy_split = {
    .api = POLICY_API_VERSION, .name = "split", .summary = "test", .decide = decide_split};
static const struct policy_type policy_again = {
    .api = POLICY_API_VERSION, .name = "again", .summary = "test", .decide = decide_again};

// Samples eight seconds apart never meet. Rates are 2.5 and 1.25 MB/s, then 5 and 10 MB/s.
#define PARTS_HEAD                                                                                 \
    "scenario: parts\n"                                                                            \
    "stop: {samples: 4}\n"                                                                         \
    "samples: {trace: trace.csv, payload: 1 kB, answer: 16 B}\n"                                   \
    "models:\n"                                                                                    \
    "  small: {exits: {end: {confidence: conf, correct: ok}}}\n"                                   \
    "  medium: {exits: {end: {confidence: conf, correct: ok}}}\n"                                  \
    "  large: {exits: {end: {confidence: conf, correct: ok}}}\n"                                   \
    "  deep: {layers: 3, exits: {end: {confidence: conf, correct: ok}}}\n"
#define PARTS_DEVICE                                                                               \
    "tiers:\n"                                                                                     \
    "  - name: device\n"                                                                           \
    "    arrivals: {deterministic: {period: 8 s}}\n"                                               \
    "    compute: {time: {small: 40.8 ms, deep: [10 ms, 20 ms, 30 ms]}}\n"
#define PARTS_EDGE                                                                                 \
    "  - {name: edge, compute: {time: {deep: [1 ms, 2 ms, 3 ms], medium: 70.2 ms}}}\n"
#define PARTS_CLOUD "  - {name: cloud, compute: {time: {large: 7.43 ms}}}\n"
#define PARTS_LINK                                                                                 \
    "  - {from: device, to: edge, up: 20 Mbit/s, down: 10 Mbit/s, delay: 10 ms, overhead: 74 B}\n"
#define PARTS_UPPER_LINK                                                                           \
    "  - {from: edge, to: cloud, up: 5 MB/s, down: 10 MB/s, delay: 4 ms, overhead: 40 B}\n"
#define PARTS_DIRECT_LINK                                                                          \
    "  - {from: device, to: cloud, up: 100 kB/s, down: 200 kB/s, delay: 90 ms}\n"
#define PARTS_FREE_LINK "  - {from: device, to: edge}\n"
#define PARTS_TWO PARTS_HEAD PARTS_DEVICE PARTS_EDGE "links:\n" PARTS_LINK
#define PARTS_THREE                                                                                \
    PARTS_HEAD PARTS_DEVICE PARTS_EDGE PARTS_CLOUD "links:\n" PARTS_LINK PARTS_UPPER_LINK

#define UP (1074 / 2.5e6 + 0.010)
#define DOWN (90 / 1.25e6 + 0.010)
#define UPPER_UP (1040 / 5e6 + 0.004)
#define UPPER_DOWN (56 / 10e6 + 0.004)
#define DIRECT (1000 / 100e3 + 0.090 + 16 / 200e3 + 0.090)

static const struct {
    const char *name;
    const char *yaml;
    const struct policy_type *policy;
    double service_s;
    double transfer_s;
    int tier; // of the answer
} journeys[] = {
    {"local", PARTS_TWO "policy: {local: {model: small}}\n", NULL, 0.0408, 0, 0},
    {"local, three layers", PARTS_TWO "policy: {local: {model: deep}}\n", NULL, 0.060, 0, 0},
    {"full offload", PARTS_TWO "policy: {full_offload: {model: medium}}\n", NULL, 0.0702, UP + DOWN,
     1},
    {"full offload over a free link",
     PARTS_HEAD PARTS_DEVICE PARTS_EDGE "links:\n" PARTS_FREE_LINK
                                        "policy: {full_offload: {model: medium}}\n",
     NULL, 0.0702, 0, 1},
    {"HI, two tiers", PARTS_TWO "policy: {hi_threshold: {theta: [0.5], models: [small, medium]}}\n",
     NULL, 0.0408 + 0.0702, UP + DOWN, 1},
    {"HI, three tiers",
     PARTS_THREE "policy: {hi_threshold: {theta: [0.5, 0.5], models: [small, medium, large]}}\n",
     NULL, 0.0408 + 0.0702 + 0.00743, UP + UPPER_UP + UPPER_DOWN + DOWN, 2},
    {"HI, three tiers, answered in the middle",
     PARTS_THREE "policy: {hi_threshold: {theta: [0.5, 0.2], models: [small, medium, large]}}\n",
     NULL, 0.0408 + 0.0702, UP + DOWN, 1},
    {"through the middle", PARTS_THREE "policy: full_offload\n", NULL, 0.00743,
     UP + UPPER_UP + UPPER_DOWN + DOWN, 2},
    {"to the middle", PARTS_THREE "policy: {full_offload: {tier: edge, model: medium}}\n", NULL,
     0.0702, UP + DOWN, 1},
    {"the direct link", PARTS_THREE PARTS_DIRECT_LINK "policy: full_offload\n", NULL, 0.00743,
     DIRECT, 2},
    {"the direct link, named first",
     PARTS_HEAD PARTS_DEVICE PARTS_EDGE PARTS_CLOUD
     "links:\n" PARTS_DIRECT_LINK PARTS_UPPER_LINK PARTS_LINK "policy: full_offload\n",
     NULL, 0.00743, DIRECT, 2},
    {"split: an activation travels", PARTS_TWO "policy: split\n", &policy_split,
     0.010 + 0.002 + 0.003, 5074 / 2.5e6 + 0.010 + DOWN, 1},
    {"the raw input travels and the model starts again", PARTS_TWO "policy: again\n", &policy_again,
     0.010 + 0.001 + 0.002 + 0.003, UP + DOWN, 1},
};

START_TEST(latency_is_the_sum_of_its_parts)
{
    struct small_scenario scenario;
    struct small_run run;
    small_scenario_init(&scenario, journeys[_i].yaml, "conf,ok\n0.25,1\n", journeys[_i].policy);
    const struct world *world = small_scenario_world(&scenario, 0);
    small_world_set_activation(world, 3, 0, 5000);
    small_run_init(&run, world, 0);
    ck_assert_msg(run.status == 0, "%s: %s", journeys[_i].name, text_string(&run.error));
    ck_assert_uint_eq(run.count, 4);
    for (size_t i = 0; i < run.count; i++) {
        const struct sample_record *record = &run.records[i];
        ck_assert_double_eq(record->arrived_s, 8.0 * (double)i);
        ck_assert_double_eq(record->wait_s, 0);
        ck_assert_msg(fabs(record->service_s - journeys[_i].service_s) < EXACT, "%s: service %.17g",
                      journeys[_i].name, record->service_s);
        ck_assert_msg(fabs(record->transfer_s - journeys[_i].transfer_s) < EXACT,
                      "%s: transfer %.17g", journeys[_i].name, record->transfer_s);
        ck_assert_double_eq_tol(record->ended_s - record->arrived_s,
                                journeys[_i].service_s + journeys[_i].transfer_s, EXACT);
        ck_assert_int_eq(record->answer_tier, journeys[_i].tier);
        ck_assert_int_eq(record->reason, -1);
        ck_assert_int_eq(record->is_offloaded, journeys[_i].tier > 0);
    }
    ck_assert_double_eq_tol(small_run_metric(&run, "latency_mean_s"),
                            journeys[_i].service_s + journeys[_i].transfer_s, EXACT);
    small_run_finish(&run);
    small_scenario_finish(&scenario);
}
END_TEST

// ---- deadlines ----

// Service times and arrivals are powers of two, so that a latency can equal the deadline exactly.
// The fourth sample comes while the third is served, finds no room, and misses its deadline too.
static const char deadline_trace[] = "at,took,conf,ok\n"
                                     "0,1,1,1\n"    // on time, right
                                     "16,2,1,1\n"   // at the deadline, right
                                     "32,4,1,1\n"   // late, right
                                     "33,1,1,1\n"   // dropped
                                     "48,0.5,1,0\n" // on time, wrong
                                     "64,8,1,0\n"   // late, wrong
                                     "80,1,1,1\n"   // on time, right
                                     "96,1,1,1\n";  // on time, right
#define DEADLINE(of)                                                                               \
    "scenario: deadline\n"                                                                         \
    "stop: {samples: 8}\n"                                                                         \
    "samples: {trace: trace.csv, order: as_is, deadline: " of "}\n"                                \
    "models: {task: {exits: {end: {confidence: conf, correct: ok}}}}\n"                            \
    "tiers:\n"                                                                                     \
    "  - name: device\n"                                                                           \
    "    arrivals: {trace: {column: at}}\n"                                                        \
    "    compute: {room: 0, time: {task: {column: {name: took, unit: s}}}}\n"                      \
    "policy: local\n"                                                                              \
    "prices: {error: 10, deadline_miss: 100, drop: 1000}\n"

static const struct {
    const char *yaml;
    double on_time_accuracy;
    double miss_fraction;
    double cost;
} deadlines[] = {
    {DEADLINE("2 s"), 4.0 / 8, 3.0 / 8, (2 * 10 + 3 * 100 + 1000) / 8.0},
    {DEADLINE("1999 ms"), 3.0 / 8, 4.0 / 8, (2 * 10 + 4 * 100 + 1000) / 8.0},
    {DEADLINE("4 s"), 5.0 / 8, 2.0 / 8, (2 * 10 + 2 * 100 + 1000) / 8.0},
    {DEADLINE("100 ms"), 0, 1, (2 * 10 + 8 * 100 + 1000) / 8.0},
    {DEADLINE("none"), 5.0 / 8, 0, (2 * 10 + 1000) / 8.0},
};

START_TEST(deadlines_are_met_or_missed)
{
    struct small_scenario scenario;
    struct small_run run;
    small_scenario_init(&scenario, deadlines[_i].yaml, deadline_trace, NULL);
    small_run_init(&run, small_scenario_world(&scenario, 0), 0);
    ck_assert_uint_eq(run.result.offered, 8);
    ck_assert_uint_eq(run.result.dropped, 1);
    ck_assert_double_eq(small_run_metric(&run, "accuracy"), 5.0 / 7);
    ck_assert_double_eq(small_run_metric(&run, "drop_fraction"), 1.0 / 8);
    ck_assert_double_eq(small_run_metric(&run, "on_time_accuracy"), deadlines[_i].on_time_accuracy);
    ck_assert_double_eq(small_run_metric(&run, "deadline_miss_fraction"),
                        deadlines[_i].miss_fraction);
    ck_assert_double_eq(small_run_metric(&run, "cost_mean"), deadlines[_i].cost);
    small_run_finish(&run);
    small_scenario_finish(&scenario);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("samples");

    TCase *latency = tcase_create("latency");
    unit_add_table(latency, latency_is_the_sum_of_its_parts, journeys);
    suite_add_tcase(suite, latency);

    TCase *deadline = tcase_create("deadline");
    unit_add_table(deadline, deadlines_are_met_or_missed, deadlines);
    suite_add_tcase(suite, deadline);

    return unit_run(suite);
}
