// SPDX-License-Identifier: GPL-3.0-or-later

// What devices notice of links, returns and reports, and what hi_threshold makes of it: by hand.

#include "policies/policy.h"
#include "small_run.h"
#include "tests/unit/unit.h"

#include <math.h>

// A sample each second goes up in 0.5 s + 0.125 s of propagation, is served for 1.5 s at an edge
// that so falls behind, and its answer is back 0.125 s later.
#define WORLD(policy)                                                                              \
    "scenario: observation\n"                                                                      \
    "stop: {samples: 6}\n"                                                                         \
    "samples: {payload: 500 B}\n"                                                                  \
    "models: {m: {}}\n"                                                                            \
    "tiers:\n"                                                                                     \
    "  - {name: device, arrivals: {deterministic: {period: 1 s}}}\n"                               \
    "  - name: edge\n"                                                                             \
    "    reports: {every: 2 s, delay: 250 ms}\n"                                                   \
    "    compute: {time: {m: 1500 ms}}\n"                                                          \
    "links:\n"                                                                                     \
    "  - {from: device, to: edge, up: 1 kB/s, delay: 125 ms}\n"                                    \
    "policy: " policy "\n"

// What the witness saw at its decisions at the device.
enum { MOST_SEEN = 16 };
static struct policy_view seen[MOST_SEEN];
static struct policy_report reports_seen[MOST_SEEN];
static double delay_seen[MOST_SEEN];
static int seen_count;

static struct policy_action witness_decide(const struct policy_world *world, const void *given,
                                           const void *plan, void *state,
                                           const struct policy_view *view)
{
    (void)given;
    (void)plan;
    (void)state;
    if (view->tier == 0) {
        ck_assert_int_lt(seen_count, MOST_SEEN);
        delay_seen[seen_count] = view->link_delay_s[0];
        reports_seen[seen_count] = view->reports[1];
        seen[seen_count++] = *view;
        ck_assert(isinf(view->reports[0].made_s));
        return policy_send(1);
    }
    ck_assert(isnan(view->return_s));
    return view->latest ? policy_answer(0) : policy_compute(0, policy_last_layer(world, 0));
}

static unsigned witness_observes(const void *given)
{
    (void)given;
    return POLICY_OBSERVES_LINKS | POLICY_OBSERVES_RETURNS | POLICY_OBSERVES_REPORTS;
}

static const struct policy_type witness = {
    .api = POLICY_API_VERSION,
    .name = "witness",
    .summary = "sends everything up and writes down what it sees",
    .paper = "",
    .example = "policy: witness",
    .observes = witness_observes,
    .decide = witness_decide,
};

static void watch(struct small_scenario *scenario, struct small_run *run)
{
    seen_count = 0;
    small_scenario_init(scenario, WORLD("witness"), NULL, &witness);
    small_run_init(run, small_scenario_world(scenario, 0), 0);
    ck_assert_msg(run->status == 0, "%s", text_string(&run->error));
    ck_assert_int_eq(seen_count, 6);
}

START_TEST(links_are_timed)
{
    struct small_scenario scenario;
    struct small_run run;
    watch(&scenario, &run);
    ck_assert(isnan(delay_seen[0]));
    for (int i = 1; i < seen_count; i++) {
        ck_assert_double_eq(delay_seen[i], 0.625);
    }
    small_run_finish(&run);
    small_scenario_finish(&scenario);
}
END_TEST

// The answer of sample k is back at 0.625 + 1.5 (k + 1) + 0.125 = 2.25 + 1.5 k, so it took
// 2.25 + 0.5 k. At 3 s one is back, at 4 s a second; the third comes at 5.25.
START_TEST(returns_are_smoothed)
{
    struct small_scenario scenario;
    struct small_run run;
    watch(&scenario, &run);
    for (int i = 0; i < 3; i++) {
        ck_assert(isnan(seen[i].return_s) && isnan(seen[i].return_deviation_s));
    }
    ck_assert_double_eq(seen[3].return_s, 2.25);
    ck_assert_double_eq(seen[3].return_deviation_s, 1.125);
    for (int i = 4; i < 6; i++) {
        ck_assert_double_eq(seen[i].return_s, 2.25 + 0.5 / 8);
        ck_assert_double_eq(seen[i].return_deviation_s, 1.125 + (0.5 - 1.125) / 4);
    }
    small_run_finish(&run);
    small_scenario_finish(&scenario);
}
END_TEST

// Samples reach the edge at 0.625 + k and leave it at 2.125 + 1.5 k. Reports are made at 0, 2 and
// 4 s and known 0.25 s later.
START_TEST(reports_come_late)
{
    struct small_scenario scenario;
    struct small_run run;
    watch(&scenario, &run);
    ck_assert(isinf(reports_seen[0].made_s)); // at 0 s the first is under way
    for (int i = 1; i <= 2; i++) {
        ck_assert_double_eq(reports_seen[i].made_s, 0);
        ck_assert_double_eq(reports_seen[i].queue, 0);
        ck_assert_double_eq(reports_seen[i].backlog_s, 0);
    }
    for (int i = 3; i <= 4; i++) { // of 2 s: two have come, both are there until 3.625 s
        ck_assert_double_eq(reports_seen[i].made_s, 2);
        ck_assert_double_eq(reports_seen[i].queue, 2);
        ck_assert_double_eq(reports_seen[i].backlog_s, 1.625);
    }
    ck_assert_double_eq(reports_seen[5].made_s, 4); // four have come, two are gone
    ck_assert_double_eq(reports_seen[5].queue, 2);
    ck_assert_double_eq(reports_seen[5].backlog_s, 2.625);
    small_run_finish(&run);
    small_scenario_finish(&scenario);
}
END_TEST

// ---- hi_threshold ----

// Local answers are there at once, with confidence 0.5 under a theta of 0.75.
#define HI(policy, deadline)                                                                       \
    "scenario: aware\n"                                                                            \
    "stop: {samples: 6}\n"                                                                         \
    "samples: {trace: trace.csv, order: as_is, payload: 500 B, deadline: " deadline "}\n"          \
    "models:\n"                                                                                    \
    "  small: {exits: {end: {confidence: conf, correct: ok}}}\n"                                   \
    "  large: {exits: {end: {confidence: conf, correct: ok}}}\n"                                   \
    "tiers:\n"                                                                                     \
    "  - name: device\n"                                                                           \
    "    arrivals: {deterministic: {period: 1 s}}\n"                                               \
    "    compute: {time: {small: 0 s}}\n"                                                          \
    "  - name: edge\n"                                                                             \
    "    reports: {every: 2 s, delay: 250 ms}\n"                                                   \
    "    compute: {time: {large: 1500 ms}}\n"                                                      \
    "links:\n"                                                                                     \
    "  - {from: device, to: edge, up: 1 kB/s, delay: 125 ms}\n"                                    \
    "policy: {hi_threshold: {theta: 0.75, " policy "}}\n"

static const char trace[] = "conf,ok\n0.5,1\n";

// Which samples were offloaded, sample 0 first.
static void expect_offloads(const char *yaml, const char *wanted)
{
    struct small_scenario scenario;
    struct small_run run;
    small_scenario_init(&scenario, yaml, trace, NULL);
    small_run_init(&run, small_scenario_world(&scenario, 0), 0);
    ck_assert_msg(run.status == 0, "%s", text_string(&run.error));
    char found[7] = "";
    for (uint64_t i = 0; i < 6; i++) {
        found[i] = small_run_find(&run, 0, i)->is_offloaded ? '+' : '-';
    }
    ck_assert_str_eq(found, wanted);
    small_run_finish(&run);
    small_scenario_finish(&scenario);
}

// From 3 s on a backlog of 1.625 s is known. It takes 0.25 off theta at a weight of 0.25 / 1.625 =
// 0.1538. Samples 3 and 4 stay below it or not; the report of 4 s depends on samples 2 and 3: with
// them all the backlog is 2.625 s, without sample 3 it is 1.125 s.
START_TEST(theta_falls_with_the_delay)
{
    expect_offloads(HI("load_aware: 0 /s", "none"), "++++++");
    expect_offloads(HI("load_aware: 0.1538 /s", "none"), "+++++-");
    expect_offloads(HI("load_aware: 0.1539 /s", "none"), "+++--+");
}
END_TEST

// Nominal: m = 0.5 + 0.125 + 0.125 + 1.5 = 2.25 s, d = 1.125 s, so that P = slack / 4.5 s; theta
// times P is above 0.5 for P > 2/3, slack > 3 s. At 3 s the first has come back after 2.25 s, which
// says the same; at 4 s the second after 2.75 s: m = 2.3125, d = 0.96875, P = 2/3 at 2.9583 s.
// The third, at 5.25 s, comes after the last decision.
START_TEST(theta_falls_with_the_chance)
{
    expect_offloads(HI("deadline_aware: false", "1 s"), "++++++");
    expect_offloads(HI("deadline_aware: true", "none"), "++++++");
    expect_offloads(HI("deadline_aware: true", "3.01 s"), "++++++");
    expect_offloads(HI("deadline_aware: true", "2.99 s"), "------");
}
END_TEST

// A link at 200 B/s until 3 s and at 1 kB/s then, which is nominal: there a message takes 0.5 s. At
// a weight of 0.35 a theta of 0.75 is below 0.5 from a delay of 0.714 s on. Sample 0 takes 2.5 s;
// sample 1 sees a wait of 1.5 s and stays; sample 2, for a wait of 0.5 s, goes, takes 0.9 s until
// 3.4 s, and so lifts the rate half-way from 200 to 556 B/s, at which a message takes 0.823 s too
// long. That keeps all others, unless such news lose half of their weight in a second: at 4 s they
// count 0.7, so sample 4 goes and learns that the link is well again.
#define FADE(policy)                                                                               \
    "scenario: fade\n"                                                                             \
    "stop: {samples: 6}\n"                                                                         \
    "samples: {trace: trace.csv, order: as_is, payload: 500 B}\n"                                  \
    "models:\n"                                                                                    \
    "  small: {exits: {end: {confidence: conf, correct: ok}}}\n"                                   \
    "  large: {exits: {end: {confidence: conf, correct: ok}}}\n"                                   \
    "tiers:\n"                                                                                     \
    "  - name: device\n"                                                                           \
    "    arrivals: {deterministic: {period: 1 s}}\n"                                               \
    "    compute: {time: {small: 0 s}}\n"                                                          \
    "  - name: edge\n"                                                                             \
    "    compute: {time: {large: 0 s}}\n"                                                          \
    "links:\n"                                                                                     \
    "  - {from: device, to: edge, up: {steps: {times: [0 s, 3 s], rates: [200 B/s, 1 kB/s]}}}\n"   \
    "policy: {hi_threshold: {theta: 0.75, " policy "}}\n"

START_TEST(a_device_tries_again)
{
    expect_offloads(FADE("load_aware: 0.35 /s, forget: 1000 s"), "+-+---");
    expect_offloads(FADE("load_aware: 0.35 /s, forget: 1 s"), "+-+-++");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("observation");
    TCase *seen_by_policies = tcase_create("seen by policies");
    tcase_add_test(seen_by_policies, links_are_timed);
    tcase_add_test(seen_by_policies, returns_are_smoothed);
    tcase_add_test(seen_by_policies, reports_come_late);
    suite_add_tcase(suite, seen_by_policies);
    TCase *hi = tcase_create("hi_threshold");
    tcase_add_test(hi, theta_falls_with_the_delay);
    tcase_add_test(hi, theta_falls_with_the_chance);
    tcase_add_test(hi, a_device_tries_again);
    suite_add_tcase(suite, hi);
    return unit_run(suite);
}
