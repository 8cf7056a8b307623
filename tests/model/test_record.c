// SPDX-License-Identifier: GPL-3.0-or-later

// What an observer is told of single samples: it adds up to the counters of the replication, and
// single records are as worked out by hand.

#include "policies/policy.h"
#include "small_run.h"
#include "tests/unit/unit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define EXACT 1e-12

// ---- records add up to the counters ----

// Two devices that queue, a link that loses what it has no room for, a deadline that some miss, a
// warm-up, radios, layers, and a price of everything.
#define SUMS(policy, idle)                                                                         \
    "scenario: sums\n"                                                                             \
    "seed: 3\n"                                                                                    \
    "stop: {samples: 4000}\n"                                                                      \
    "warmup: {samples: 250}\n"                                                                     \
    "samples: {trace: trace.csv, order: shuffle, payload: {uniform: {from: 100 B, to: 900 B}},\n"  \
    "          answer: 20 B, deadline: 2.5 s, features: [f], train: 40 %}\n"                       \
    "models:\n"                                                                                    \
    "  net:\n"                                                                                     \
    "    layers: 3\n"                                                                              \
    "    output: [300 B, 60 B, 4 B]\n"                                                             \
    "    exits:\n"                                                                                 \
    "      early: {after: 1, confidence: a, correct: a_ok}\n"                                      \
    "      end: {confidence: b, correct: b_ok}\n"                                                  \
    "  big: {exits: {end: {confidence: c, correct: c_ok}}}\n"                                      \
    "tiers:\n"                                                                                     \
    "  - name: device\n"                                                                           \
    "    nodes: 2\n"                                                                               \
    "    arrivals: {poisson: 0.8 /s}\n"                                                            \
    "    compute: {time: {net: [200 ms, {exponential: 150 ms}, 250 ms]},\n"                        \
    "              power: {active: 3 W, idle: " idle "}}\n"                                        \
    "  - {name: edge, compute: {room: 3, energy: {big: 2 J, net: [1 J, 2 J, 3 J]},\n"              \
    "                           time: {big: {exponential: 700 ms}, net: [1 s, 1 ms, 1 ms]}}}\n"    \
    "links:\n"                                                                                     \
    "  - {from: device, to: edge, count: 1, room: 2, up: 1200 B/s, down: 400 B/s, delay: 5 ms,\n"  \
    "     overhead: 30 B, radio: {send: 2 W, receive: 1 W, send_per_byte: 3 mJ/B}}\n"              \
    "policy: " policy "\n"                                                                         \
    "prices: {error: 2.5, offload: 0.75, latency: 0.3 /s, energy: 0.01 /J, byte: 0.002 /B, "       \
    "layer: "                                                                                      \
    "0.05,\n"                                                                                      \
    "         deadline_miss: 1.25, drop: 4}\n"

static const char sums_trace[] = "a,a_ok,b,b_ok,c,c_ok,f\n"
                                 "0.9,1,0.95,1,0.9,1,-2\n"
                                 "0.8,0,0.85,1,0.7,1,-1\n"
                                 "0.4,0,0.45,0,0.8,1,1\n"
                                 "0.3,1,0.65,0,0.6,0,2\n"
                                 "0.2,0,0.35,0,0.9,1,3\n";

static const char *const sums[] = {
    SUMS("local", "0 W"),
    SUMS("full_offload", "0 W"),
    SUMS("{random: {p: 0.4}}", "0 W"),
    SUMS("{hi_threshold: {theta: [0.6]}}", "0 W"),
    SUMS("{hi_threshold: {theta: [0.6]}}", "2 W"),
    SUMS("{split_exit: {split: 1, alpha: 0.5, model: net}}", "0 W"),
    SUMS("{ee_hi: {thresholds: 0.7, theta: 0.6, large: big}}", "0 W"),
    SUMS("{dimee: {model: net, alpha: 0.7, escalate: true, depths: [1, 3]}}", "0 W"),
    SUMS("{partition: {model: net, minimise: latency, when: dynamic}}", "0 W"),
};

struct totals {
    const struct world *world;
    double *counters;
    double cost;
    double energy_j;
    uint64_t counted;
    uint64_t uncounted;
};

static void add(void *context, const struct sample_record *record)
{
    struct totals *totals = context;
    const struct world *world = totals->world;
    for (int i = 0; i < world->counters.count; i++) {
        // Only what fails goes to the library, which writes to a pipe for each assertion.
        if (!record->is_counted && record->counted[i] != 0) {
            ck_abort_msg("a sample that is not counted has %g of counter %d", record->counted[i],
                         i);
        }
        totals->counters[i] += record->counted[i];
    }
    totals->counted += record->is_counted;
    totals->uncounted += !record->is_counted;
    totals->cost += record->cost;
    totals->energy_j += record->energy_j;
    ck_assert_int_eq(isnan(record->confidence), record->reason >= 0);
    ck_assert_int_eq(record->answer_exit < 0, record->reason >= 0);
}

START_TEST(records_add_up)
{
    struct small_scenario scenario;
    struct text error = {0};
    small_scenario_init(&scenario, sums[_i], sums_trace, NULL);
    const struct world *world = small_scenario_world(&scenario, 0);
    const struct world_counters *c = &world->counters;
    struct totals totals = {.world = world, .counters = calloc((size_t)c->count, sizeof(double))};
    struct replication_result result = {
        .metrics = calloc((size_t)world->metrics, sizeof(double)),
        .counters = calloc((size_t)c->count, sizeof(double)),
    };
    const struct replication_options options = {.number = 2, .observe = add, .context = &totals};
    ck_assert_msg(replication_run(world, &options, &result, &error) == 0, "%s",
                  text_string(&error));
    ck_assert_uint_eq(totals.counted + totals.uncounted, 4000);
    ck_assert_uint_ge(totals.uncounted, 250);
    // What of the energy is idle power belongs to no sample.
    const double idle_j = 2 * world->tier[0].idle_w * result.window_s;
    for (int i = 0; i < c->count; i++) {
        const double all =
            result.counters[i] - (i == COUNTER_JOULES || i == c->joules ? idle_j : 0);
        ck_assert_msg(fabs(totals.counters[i] - all) <= 1e-9 * (1 + fabs(all)),
                      "%s: %.17g, not %.17g", c->names[i], totals.counters[i], all);
    }
    const double offered = result.counters[COUNTER_OFFERED];
    const double cost = world_cost(c->prices, result.counters, c->count) -
                        (c->prices[COUNTER_JOULES] + c->prices[c->joules]) * idle_j / offered;
    ck_assert_double_eq_tol(totals.cost / offered, cost, 1e-9);
    ck_assert_double_eq_tol(totals.energy_j, result.counters[COUNTER_JOULES] - idle_j, 1e-6);
    ck_assert_double_gt(cost, 0);
    free(totals.counters);
    free(result.metrics);
    free(result.counters);
    text_finish(&error);
    small_scenario_finish(&scenario);
}
END_TEST

// Whether somebody observes changes nothing.
START_TEST(observers_change_nothing)
{
    struct small_scenario scenario;
    struct small_run observed;
    struct small_run alone;
    small_scenario_init(&scenario, sums[_i], sums_trace, NULL);
    const struct world *world = small_scenario_world(&scenario, 0);
    small_run_init(&observed, world, 1);
    small_run_init_long(&alone, world, 1);
    ck_assert_uint_eq(observed.count, 4000);
    ck_assert_mem_eq(observed.result.counters, alone.result.counters,
                     (size_t)world->counters.count * sizeof(double));
    ck_assert_mem_eq(observed.result.metrics, alone.result.metrics,
                     (size_t)world->metrics * sizeof(double));
    small_run_finish(&observed);
    small_run_finish(&alone);
    small_scenario_finish(&scenario);
}
END_TEST

// ---- single records by hand ----

// Samples ten seconds apart: the first stays, the second is sent away and right, the third is sent
// away and wrong, the fourth is too late.
static const char hand_yaml[] =
    "scenario: hand\n"
    "stop: {samples: 4}\n"
    "warmup: {samples: 1}\n"
    "samples: {trace: trace.csv, order: as_is, payload: {column: bytes}, answer: 50 B,\n"
    "          deadline: 5 s}\n"
    "models:\n"
    "  small: {exits: {end: {confidence: s, correct: s_ok}}}\n"
    "  large: {exits: {end: {confidence: l, correct: l_ok}}}\n"
    "tiers:\n"
    "  - name: device\n"
    "    arrivals: {deterministic: {period: 10 s}}\n"
    "    compute: {time: {small: 0.5 s}, power: {active: 4 W, idle: 1 W}}\n"
    "  - {name: edge, compute: {time: {large: 0.25 s}, energy: {large: 7 J}}}\n"
    "links:\n"
    "  - {from: device, to: edge, up: 1000 B/s, down: 100 B/s, delay: 0.125 s,\n"
    "     radio: {send: 2 W, receive: 3 W}}\n"
    "policy: {hi_threshold: {theta: [0.6]}}\n"
    "prices: {error: 100, offload: 10, latency: 1 /s, energy: 0.5 /J, byte: 0.001 /B, layer: "
    "0.25,\n"
    "         deadline_miss: 1000}\n";

static const char hand_trace[] = "s,s_ok,l,l_ok,bytes\n"
                                 "0.7,1,0.9,1,500\n"
                                 "0.5,1,0.8,1,500\n"
                                 "0.6,0,0.9,1,500\n"
                                 "0.25,0,0.75,0,4000\n";

// Up 500 B in 0.5 s and 0.125 s on the way; down 50 B in 0.5 s and 0.125 s on the way.
#define SENT_S (0.5 + 0.5 + 0.125 + 0.25 + 0.5 + 0.125)
#define SENT_J (0.5 * 3 + 0.5 * 2 + 7 + 0.5 * 3)
#define LATE_S (SENT_S + 3.5)
#define LATE_J (SENT_J + 3.5 * 2)

static const struct {
    double confidence;
    double energy_j;
    double cost;
    const char *decision;
    bool is_correct;
} hand[] = {
    {0.7, 0, 0, "confidence at least theta", true}, // warm-up: nothing counts
    {0.8, SENT_J, 10 + SENT_S + SENT_J / 2 + 0.55 + 2 * 0.25, "confidence below theta", true},
    {0.6, 1.5, 100 + 0.5 + 1.5 / 2 + 0.25, "confidence at least theta", false},
    {0.75, LATE_J, 100 + 10 + LATE_S + LATE_J / 2 + 4.05 + 2 * 0.25 + 1000,
     "confidence below theta", false},
};

START_TEST(single_records)
{
    struct small_scenario scenario;
    struct small_run run;
    small_scenario_init(&scenario, hand_yaml, hand_trace, NULL);
    small_run_init(&run, small_scenario_world(&scenario, 0), 0);
    ck_assert_uint_eq(run.count, 4);
    for (size_t i = 0; i < run.count; i++) {
        const struct sample_record *record = small_run_find(&run, 0, i);
        ck_assert_double_eq(record->confidence, hand[i].confidence);
        ck_assert_double_eq_tol(record->energy_j, hand[i].energy_j, EXACT);
        ck_assert_double_eq_tol(record->cost, hand[i].cost, 1e-9);
        ck_assert_str_eq(record->decision, hand[i].decision);
        ck_assert_int_eq(record->is_correct, hand[i].is_correct);
        ck_assert_int_eq(record->is_counted, i > 0);
    }
    small_run_finish(&run);
    small_scenario_finish(&scenario);
}
END_TEST

// ---- reasons of decisions ----

// A sample each row: confidences of net's exits and of big's; what the features say.
#define REASONS(policy)                                                                            \
    "scenario: reasons\n"                                                                          \
    "stop: {samples: 4}\n"                                                                         \
    "samples: {trace: trace.csv, order: as_is, payload: 100 B, features: [f]}\n"                   \
    "models:\n"                                                                                    \
    "  net:\n"                                                                                     \
    "    layers: 2\n"                                                                              \
    "    output: [10 B, 4 B]\n"                                                                    \
    "    exits:\n"                                                                                 \
    "      early: {after: 1, confidence: a, correct: a_ok}\n"                                      \
    "      end: {confidence: b, correct: b_ok}\n"                                                  \
    "  big: {exits: {end: {confidence: c, correct: c_ok}}}\n"                                      \
    "tiers:\n"                                                                                     \
    "  - {name: device, arrivals: {deterministic: {period: 9 s}}, compute: {time: {net: [1 s, 1 "  \
    "s]}}}\n"                                                                                      \
    "  - {name: edge, compute: {time: {big: 1 s, net: [10 ms, 10 ms]}}}\n"                         \
    "links: [{from: device, to: edge, up: 100 B/s}]\n"                                             \
    "policy: " policy "\n"

static const char reasons_trace[] = "a,a_ok,b,b_ok,c,c_ok,f\n"
                                    "0.9,1,0.9,1,0.9,1,-2\n"
                                    "0.2,0,0.9,1,0.9,1,-1\n"
                                    "0.2,0,0.2,0,0.9,1,-1\n"
                                    "0.9,1,0.2,0,0.3,0,4\n";

// Drops every second sample and says why in a text of the plan, and gives the others no reason.
static int plan_text(const struct policy_world *world, const void *given, void *plan,
                     char *ret_problem)
{
    (void)world;
    (void)given;
    (void)ret_problem;
    strcpy(plan, "as planned");
    return 0;
}

static struct policy_action drop_some(const struct policy_world *world, const void *given,
                                      const void *plan, void *state, const struct policy_view *view)
{
    (void)world;
    (void)given;
    (void)state;
    if (view->outcome_count) {
        return policy_answer(view->latest->exit);
    }
    return (int)(view->arrival_s / 9) % 2 ? policy_because(policy_drop(0), plan)
                                          : policy_compute(0, 0);
}

static const char *const drop_reasons[] = {"odd", NULL};
static const struct policy_type policy_drops = {.api = POLICY_API_VERSION,
                                                .name = "drops",
                                                .summary = "test",
                                                .plan_bytes = 16,
                                                .reasons = drop_reasons,
                                                .plan = plan_text,
                                                .decide = drop_some};

static const struct {
    const char *yaml;
    const char *decisions[4];
    const struct policy_type *policy;
} reasons[] = {
    {REASONS("{local: {model: net}}"), {NULL, NULL, NULL, NULL}, NULL},
    {REASONS("full_offload"), {NULL, NULL, NULL, NULL}, NULL},
    {REASONS("{random: {p: 0}}"),
     {"drawn to stay", "drawn to stay", "drawn to stay", "drawn to stay"},
     NULL},
    {REASONS("{random: {p: 1}}"),
     {"drawn to be offloaded", "drawn to be offloaded", "drawn to be offloaded",
      "drawn to be offloaded"},
     NULL},
    {REASONS("{hi_threshold: {theta: [0.5], models: [net, big]}}"),
     {"confidence at least theta", "confidence at least theta", "confidence below theta",
      "confidence below theta"},
     NULL},
    {REASONS("{early_exit: {thresholds: 0.5, tier: device}}"),
     {"confidence at least threshold", "confidence below threshold", "confidence below threshold",
      "confidence at least threshold"},
     NULL},
    {REASONS("{split_exit: {split: 1, alpha: 0.5}}"),
     {"confidence at least alpha", "confidence below alpha", "confidence below alpha",
      "confidence at least alpha"},
     NULL},
    {REASONS("{split_exit: {split: 2, alpha: 0.5}}"), {NULL, NULL, NULL, NULL}, NULL},
    {REASONS("{ee_hi: {thresholds: 0.5, theta: 0.6, large: big}}"),
     {"confidence at least threshold", "confidence at least theta", "confidence below theta",
      "confidence at least threshold"},
     NULL},
    {REASONS("oracle"),
     {"the answer is right", "the answer is right", "the answer is wrong", "the answer is wrong"},
     NULL},
    {REASONS("{dimee: {model: net, alpha: 0.5, depths: [1, 2], centroids: [-1, 4]}}"),
     {"pool 1: confidence at least alpha", "pool 1: confidence below alpha at its depth",
      "pool 1: confidence below alpha at its depth", "pool 2: confidence at least alpha"},
     NULL},
    {REASONS("{dimee: {model: net, alpha: 0.5, depths: [1, 2], centroids: [-1, 4], escalate: "
             "true}}"),
     {"pool 1: confidence at least alpha", "pool 2: confidence at least alpha",
      "pool 2: confidence below alpha at its depth", "pool 2: confidence at least alpha"},
     NULL},
    {REASONS("{partition: {model: net, when: static}}"), {NULL, NULL, NULL, NULL}, NULL},
    {REASONS("{partition: {model: net, when: dynamic}}"),
     {"best sent on now", "best sent on now", "best sent on now", "best sent on now"},
     NULL},
    {REASONS("drops"), {NULL, "as planned", NULL, "as planned"}, &policy_drops},
};

START_TEST(decisions_have_reasons)
{
    struct small_scenario scenario;
    struct small_run run;
    small_scenario_init(&scenario, reasons[_i].yaml, reasons_trace, reasons[_i].policy);
    small_run_init(&run, small_scenario_world(&scenario, 0), 0);
    ck_assert_msg(run.status == 0, "%s", text_string(&run.error));
    ck_assert_uint_eq(run.count, 4);
    for (size_t i = 0; i < run.count; i++) {
        const char *found = small_run_find(&run, 0, i)->decision;
        const char *wanted = reasons[_i].decisions[i];
        ck_assert_msg(found && wanted ? strcmp(found, wanted) == 0 : found == wanted,
                      "sample %zu: '%s', not '%s'", i, found ? found : "", wanted ? wanted : "");
    }
    small_run_finish(&run);
    small_scenario_finish(&scenario);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("record");

    TCase *sum = tcase_create("sums");
    unit_add_table(sum, records_add_up, sums);
    unit_add_table(sum, observers_change_nothing, sums);
    suite_add_tcase(suite, sum);

    TCase *single = tcase_create("single");
    tcase_add_test(single, single_records);
    suite_add_tcase(suite, single);

    TCase *decision = tcase_create("decisions");
    unit_add_table(decision, decisions_have_reasons, reasons);
    suite_add_tcase(suite, decision);

    return unit_run(suite);
}
