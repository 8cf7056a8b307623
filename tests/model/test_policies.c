// SPDX-License-Identifier: GPL-3.0-or-later

// What policies see, and what becomes of a run when one of them asks for what cannot be.

#include "policies/policy.h"
#include "small_run.h"
#include "tests/unit/unit.h"

#include <math.h>
#include <string.h>

// Two tiers; model `deep` has three layers and exits after the first and the last; `flat` cannot
// run on the device.
#define WORLD(policy)                                                                              \
    "scenario: strange\n"                                                                          \
    "seed: 7\n"                                                                                    \
    "stop: {samples: 40}\n"                                                                        \
    "samples: {trace: trace.csv, order: as_is, label: label, features: [f1, f2],\n"                \
    "          payload: {column: bytes}, deadline: 2 s}\n"                                         \
    "models:\n"                                                                                    \
    "  deep:\n"                                                                                    \
    "    layers: 3\n"                                                                              \
    "    exits:\n"                                                                                 \
    "      early: {after: 1, confidence: e_conf, prediction: e_pred}\n"                            \
    "      end: {confidence: d_conf, prediction: d_pred}\n"                                        \
    "  flat: {exits: {end: {confidence: d_conf, correct: ok}}}\n"                                  \
    "tiers:\n"                                                                                     \
    "  - name: device\n"                                                                           \
    "    nodes: 2\n"                                                                               \
    "    arrivals: {deterministic: {period: 1 s, phase: 1.5 s}}\n"                                 \
    "    compute: {time: {deep: [250 ms, 125 ms, 500 ms]}}\n"                                      \
    "  - {name: edge, compute: {time: {deep: [1 ms, 2 ms, 3 ms], flat: 4 ms}}}\n"                  \
    "links:\n"                                                                                     \
    "  - {from: device, to: edge, delay: 10 ms}\n"                                                 \
    "policy: " policy "\n"

static const char strange_trace[] = "label,bytes,f1,f2,e_conf,e_pred,d_conf,d_pred,ok\n"
                                    "3,100,0.5,-7,0.25,3,0.75,1,1\n"
                                    "1,200,1.5,-8,0.375,2,0.875,1,0\n"
                                    "0,300,2.5,-9,0.5,0,0.625,0,1\n";

enum { DEEP, FLAT, UNKNOWN };
enum { DEEP_EARLY, DEEP_END, FLAT_END };

// ---- misbehaviour ----

#define MISBEHAVES(name, ...)                                                                      \
    static struct policy_action name(const struct policy_world *world, const void *given,          \
                                     const void *plan, void *state,                                \
                                     const struct policy_view *view)                               \
    {                                                                                              \
        (void)world;                                                                               \
        (void)given;                                                                               \
        (void)plan;                                                                                \
        (void)state;                                                                               \
        (void)view;                                                                                \
        return __VA_ARGS__;                                                                        \
    }

MISBEHAVES(answers_without_computing, policy_answer(DEEP_END))
MISBEHAVES(answers_beyond, view->computations ? policy_answer(64) : policy_compute(DEEP, 2))
MISBEHAVES(answers_below, view->computations ? policy_answer(-1) : policy_compute(DEEP, 2))
MISBEHAVES(answers_deeper, view->computations ? policy_answer(DEEP_END) : policy_compute(DEEP, 1))
MISBEHAVES(answers_another, view->computations ? policy_answer(FLAT_END) : policy_compute(DEEP, 2))
MISBEHAVES(computes_unknown, policy_compute(UNKNOWN, 0))
MISBEHAVES(computes_negative, policy_compute(-1, 0))
MISBEHAVES(computes_elsewhere, policy_compute(FLAT, 0))
MISBEHAVES(computes_past_the_end, policy_compute(DEEP, 3))
MISBEHAVES(computes_behind, policy_compute(DEEP, view->computations ? 0 : 1))
MISBEHAVES(computes_before_the_first, policy_compute(DEEP, -1))
MISBEHAVES(sends_to_nowhere, policy_send(2))
MISBEHAVES(sends_below, policy_send(-1))
MISBEHAVES(sends_to_itself, policy_send(0))
MISBEHAVES(sends_raw_to_nowhere, policy_send_raw(17))
MISBEHAVES(sends_down_and_back_up, policy_send(1 - view->tier))
MISBEHAVES(starts_on_an_activation, view->tier           ? policy_compute(FLAT, 0)
                                    : view->computations ? policy_send(1)
                                                         : policy_compute(DEEP, 0))
MISBEHAVES(sends_raw_from_an_activation, view->tier           ? policy_send_raw(0)
                                         : view->computations ? policy_send(1)
                                                              : policy_compute(DEEP, 0))
MISBEHAVES(sends_unknown_size, view->computations ? policy_send(1) : policy_compute(DEEP, 1))
MISBEHAVES(drops_without_reasons, policy_drop(0))
MISBEHAVES(drops_for_no_reason, policy_drop(-1))
MISBEHAVES(returns_nothing, (struct policy_action){0})
MISBEHAVES(returns_nonsense, (struct policy_action){(enum policy_verb)99, 1, 2, NULL})

#define WHERE(time, tier)                                                                          \
    " for sample 0 of device 0 at time " time " s, tier '" tier "' (seed 7, replication 3)"
#define FIRST WHERE("1.5", "device")
#define UNCOMPUTED "answered with an exit that was not computed: "
#define NO_MODEL "asked to compute a model that does not exist: "
#define LAYER "asked to compute up to a layer that is behind the sample or past the end: "
#define TARGET "asked to send a sample to a tier that does not exist or where it is: "
#define REASON "dropped a sample for a reason that it does not list: "
#define ACTION "returned an action that does not exist: "

static const struct {
    struct policy_action (*decide)(const struct policy_world *, const void *, const void *, void *,
                                   const struct policy_view *);
    const char *message; // behind "policy 'strange' "
} misbehaviours[] = {
    {answers_without_computing, UNCOMPUTED "policy_answer(1)" FIRST},
    {answers_beyond, UNCOMPUTED "policy_answer(64)" WHERE("2.375", "device")},
    {answers_below, UNCOMPUTED "policy_answer(-1)" WHERE("2.375", "device")},
    {answers_deeper, UNCOMPUTED "policy_answer(1)" WHERE("1.875", "device")},
    {answers_another, UNCOMPUTED "policy_answer(2)" WHERE("2.375", "device")},
    {computes_unknown, NO_MODEL "policy_compute(2, 0)" FIRST},
    {computes_negative, NO_MODEL "policy_compute(-1, 0)" FIRST},
    {computes_elsewhere, "asked to compute a model that has no service time at this tier: "
                         "policy_compute(1, 0)" FIRST},
    {computes_past_the_end, LAYER "policy_compute(0, 3)" FIRST},
    {computes_behind, LAYER "policy_compute(0, 0)" WHERE("1.875", "device")},
    {computes_before_the_first, LAYER "policy_compute(0, -1)" FIRST},
    {sends_to_nowhere, TARGET "policy_send(2)" FIRST},
    {sends_below, TARGET "policy_send(-1)" FIRST},
    {sends_to_itself, TARGET "policy_send(0)" FIRST},
    {sends_raw_to_nowhere, TARGET "policy_send_raw(17)" FIRST},
    {sends_down_and_back_up,
     "has come to no end after 60000 decisions: policy_send(0)" WHERE("601.49", "edge")},
    {starts_on_an_activation,
     "asked to start a model where only an activation of another one has come: "
     "policy_compute(1, 0)" WHERE("1.76", "edge")},
    {sends_raw_from_an_activation,
     "asked to send the raw input from a tier that has only an activation: "
     "policy_send_raw(0)" WHERE("1.76", "edge")},
    {sends_unknown_size, "asked to send an activation whose size the scenario does not state: "
                         "policy_send(1)" WHERE("1.875", "device")},
    {drops_without_reasons, REASON "policy_drop(0)" FIRST},
    {drops_for_no_reason, REASON "policy_drop(-1)" FIRST},
    {returns_nothing, ACTION "{0, 0, 0}" FIRST},
    {returns_nonsense, ACTION "{99, 1, 2}" FIRST},
};

START_TEST(misbehaviour_ends_the_run_with_a_message)
{
    const struct policy_type policy = {.api = POLICY_API_VERSION,
                                       .name = "strange",
                                       .summary = "test",
                                       .decide = misbehaviours[_i].decide};
    struct small_scenario scenario;
    struct small_run run;
    small_scenario_init(&scenario, WORLD("strange"), strange_trace, &policy);
    const struct world *world = small_scenario_world(&scenario, 0);
    small_world_set_activation(world, DEEP, 0, 7000); // and not of the second layer
    small_run_init(&run, world, 3);
    ck_assert_int_eq(run.status, -1);
    const char head[] = "policy 'strange' ";
    ck_assert_uint_gt(run.error.length, strlen(head));
    ck_assert_mem_eq(text_string(&run.error), head, strlen(head));
    ck_assert_str_eq(text_string(&run.error) + strlen(head), misbehaviours[_i].message);
    ck_assert_uint_eq(run.count, 0);
    small_run_finish(&run);
    small_scenario_finish(&scenario);
}
END_TEST

// A loop in which nothing takes any time is a mistake of the scenario, and told as such.
START_TEST(time_that_stands_still_is_noticed)
{
    struct small_scenario scenario;
    struct small_run run;
    small_scenario_init(&scenario,
                        "scenario: still\n"
                        "stop: {time: 1 s}\n"
                        "models: {task: {}}\n"
                        "tiers:\n"
                        "  - name: device\n"
                        "    arrivals: {closed: {in_flight: 1}}\n"
                        "    compute: {time: {task: 0 s}}\n"
                        "policy: local\n",
                        NULL, NULL);
    small_run_init_long(&run, small_scenario_world(&scenario, 0), 0);
    ck_assert_int_eq(run.status, -1);
    ck_assert_str_eq(text_string(&run.error),
                     "time stands still at 0 s: 10000000 events without any delay (a closed loop "
                     "needs a think time, a service time or a transfer time above 0)");
    small_run_finish(&run);
    small_scenario_finish(&scenario);
}
END_TEST

// ---- what a policy sees ----

// What a device's state remembers, to be compared with what comes next.
struct watch {
    int begun;
    double uniform;
    int decisions;
    double finished;
};

static void watch_init(const struct policy_world *world, const void *given, const void *plan,
                       void *state)
{
    (void)given;
    (void)plan;
    struct watch *watch = state;
    ck_assert_int_eq(watch->begun, 0); // states come zeroed
    ck_assert_int_eq(world->tiers, 2);
    watch->begun = 1;
}

static void check_world(const struct policy_world *world)
{
    ck_assert_int_eq(world->models, 2);
    ck_assert_int_eq(world->exits, 3);
    ck_assert_str_eq(world->exit[DEEP_EARLY].name, "early");
    ck_assert_int_eq(world->exit[DEEP_EARLY].layer, 0);
    ck_assert_int_eq(world->exit[DEEP_END].layer, 2);
    ck_assert_int_eq(world->exit[FLAT_END].model, FLAT);
    ck_assert_ptr_null(world->tier[0].layer_mean_s[FLAT]);
    ck_assert_double_eq(world->tier[0].layer_mean_s[DEEP][1], 0.125);
    ck_assert_double_eq(world->tier[1].layer_mean_s[FLAT][0], 0.004);
    ck_assert_int_eq(world->tier[0].nodes, 2);
    ck_assert_int_eq(world->links, 1);
    ck_assert_double_eq(world->link[0].up_delay_mean_s, 0.010);
    ck_assert(isinf(world->link[0].up_bytes_per_s));
    ck_assert_int_eq(world->features, 2);
}

// Row `r` of the trace has these numbers.
static void check_outcomes(const struct policy_view *view, int row)
{
    static const int early_predictions[] = {3, 2, 0};
    static const int end_predictions[] = {1, 1, 0};
    static const double end_confidences[] = {0.75, 0.875, 0.625};
    for (int i = 0; i < view->outcome_count; i++) {
        const struct policy_outcome *outcome = &view->outcomes[i];
        if (outcome->exit == DEEP_EARLY) {
            ck_assert_double_eq(outcome->confidence, 0.25 + 0.125 * row);
            ck_assert_int_eq(outcome->prediction, early_predictions[row]);
        } else {
            ck_assert_double_eq(outcome->confidence, end_confidences[row]);
            ck_assert_int_eq(outcome->prediction,
                             outcome->exit == DEEP_END ? end_predictions[row] : -1);
        }
    }
}

// Device 0 computes layer by layer and answers at home, device 1 computes two layers, sends the
// activation, ends there and lets `flat` judge too.
static struct policy_action watch_decide(const struct policy_world *world, const void *given,
                                         const void *plan, void *state,
                                         const struct policy_view *view)
{
    (void)given;
    (void)plan;
    struct watch *watch = state;
    ck_assert_int_eq(watch->begun, 1);
    ck_assert_ptr_null(view->truth);
    ck_assert_double_eq(view->deadline_s, view->arrival_s + 2);
    ck_assert_int_eq(view->origin, 0);
    // Samples come as they are in the trace: number 2 i + device is row (2 i + device) mod 3.
    const int index = (int)(view->arrival_s - 1.5);
    const int row = (2 * index + view->device) % 3;
    ck_assert_double_eq(view->features[0], 0.5 + row);
    ck_assert_double_eq(view->features[1], -7 - row);
    ck_assert(view->uniform > 0 && view->uniform < 1);
    check_outcomes(view, row);
    watch->decisions++;
    if (view->tier == 0 && view->computations == 0) {
        check_world(world);
        ck_assert_double_eq(view->now_s, 1.5 + index);
        ck_assert_int_eq(view->model, -1);
        ck_assert_int_eq(view->layer, -1);
        ck_assert_int_eq(view->outcome_count, 0);
        ck_assert_ptr_null(view->latest);
        ck_assert_int_eq(view->queue, 0);
        ck_assert_double_eq(view->bytes, 100 + 100 * row);
        ck_assert_double_ne(view->uniform, watch->uniform); // of the sample before
        watch->uniform = view->uniform;
        return policy_compute(DEEP, view->device == 0 ? 0 : 1);
    }
    ck_assert_double_eq(view->uniform, watch->uniform);
    if (view->computations == 1) {
        ck_assert_int_eq(view->layer, view->device == 0 ? 0 : 1);
        ck_assert_int_eq(view->outcome_count, 1);
        ck_assert_int_eq(view->latest->exit, DEEP_EARLY);
        ck_assert_double_eq(view->bytes, 7000 + view->layer);
        if (view->device == 0) {
            return policy_compute(DEEP, 1);
        }
        return view->tier == 0 ? policy_send(1) : policy_compute(DEEP, 2);
    }
    if (view->computations == 2) {
        ck_assert_int_eq(view->model, DEEP);
        if (view->device == 0) {
            ck_assert_int_eq(view->outcome_count, 1);
            ck_assert_ptr_null(view->latest); // there is no exit after the second layer
            return policy_compute(DEEP, 2);
        }
        ck_assert_int_eq(view->tier, 1);
        ck_assert_int_eq(view->latest->exit, DEEP_END);
        return policy_answer(DEEP_EARLY);
    }
    ck_assert_int_eq(view->computations, 3);
    ck_assert_int_eq(view->layer, 2);
    ck_assert_int_eq(view->outcome_count, 2);
    ck_assert_int_eq(view->latest->exit, DEEP_END);
    ck_assert_double_eq(view->bytes, 100 + 100 * row); // a model that has ended leaves the input
    return policy_answer(DEEP_END);
}

static int watches_finished;

static void watch_finish(void *state)
{
    const struct watch *watch = state;
    ck_assert_int_eq(watch->begun, 1);
    ck_assert_int_eq(watch->decisions, 20 * 4);
    watches_finished++;
}

START_TEST(policy_sees_what_it_may)
{
    const struct policy_type policy = {.api = POLICY_API_VERSION,
                                       .name = "strange",
                                       .summary = "test",
                                       .state_bytes = sizeof(struct watch),
                                       .draws_uniform = 1,
                                       .init = watch_init,
                                       .decide = watch_decide,
                                       .finish = watch_finish};
    struct small_scenario scenario;
    struct small_run run;
    small_scenario_init(&scenario, WORLD("strange"), strange_trace, &policy);
    const struct world *world = small_scenario_world(&scenario, 0);
    small_world_set_activation(world, DEEP, 0, 7000);
    small_world_set_activation(world, DEEP, 1, 7001);
    small_run_init(&run, world, 0);
    ck_assert_msg(run.status == 0, "%s", text_string(&run.error));
    ck_assert_int_eq(watches_finished, 2);
    ck_assert_double_eq(small_run_metric(&run, "exit_fraction.deep.early"), 0.5);
    ck_assert_double_eq(small_run_metric(&run, "exit_fraction.deep.end"), 0.5);
    ck_assert_double_eq(small_run_metric(&run, "exit_fraction.flat.end"), 0);
    // Right where the prediction is the label: rows 0, 1, 2 of `early` are, are not and are; of
    // `end` are not, are and are. Device 0 meets rows 0, 2, 1, ..., device 1 rows 1, 0, 2, ...
    int correct = 0;
    for (int i = 0; i < 20; i++) {
        correct += (2 * i % 3 != 0) + ((2 * i + 1) % 3 != 1);
    }
    ck_assert_double_eq(small_run_metric(&run, "accuracy"), correct / 40.0);
    small_run_finish(&run);
    small_scenario_finish(&scenario);
}
END_TEST

// The queue that a policy sees is that of its own node: those waiting and in service.
static struct policy_action count_decide(const struct policy_world *world, const void *given,
                                         const void *plan, void *state,
                                         const struct policy_view *view)
{
    (void)world;
    (void)given;
    (void)plan;
    int *number = state;
    if (!view->computations) {
        // Service takes 4 s, arrivals come each second: until the first leaves they pile up, then
        // four arrivals bring one departure each; a departure comes before an arrival.
        const int arrivals = (*number)++;
        const int departures = arrivals / 4;
        ck_assert_int_eq(view->queue, arrivals - departures);
        return policy_compute(0, 0);
    }
    return policy_answer(0);
}

START_TEST(policy_sees_its_own_queue)
{
    const struct policy_type policy = {.api = POLICY_API_VERSION,
                                       .name = "count",
                                       .summary = "test",
                                       .state_bytes = sizeof(int),
                                       .decide = count_decide};
    struct small_scenario scenario;
    struct small_run run;
    small_scenario_init(&scenario,
                        "scenario: queue\n"
                        "stop: {samples: 300}\n"
                        "models: {task: {}}\n"
                        "tiers:\n"
                        "  - name: device\n"
                        "    nodes: 3\n"
                        "    arrivals: {deterministic: {period: 1 s}}\n"
                        "    compute: {time: {task: 4 s}}\n"
                        "policy: count\n",
                        NULL, &policy);
    small_run_init(&run, small_scenario_world(&scenario, 0), 0);
    ck_assert_uint_eq(run.result.answered, 300);
    small_run_finish(&run);
    small_scenario_finish(&scenario);
}
END_TEST

// Only an oracle sees the truth: all exits, computed or not.
static struct policy_action truth_decide(const struct policy_world *world, const void *given,
                                         const void *plan, void *state,
                                         const struct policy_view *view)
{
    (void)world;
    (void)given;
    (void)plan;
    (void)state;
    static const unsigned char correct[3][3] = {{1, 0, 1}, {0, 1, 0}, {1, 1, 1}};
    const int row = (2 * (int)(view->arrival_s - 1.5) + view->device) % 3;
    ck_assert_ptr_nonnull(view->truth);
    ck_assert_int_eq(memcmp(view->truth->correct, correct[row], 3), 0);
    ck_assert_double_eq(view->uniform, 0); // not asked for
    return view->computations ? policy_answer(DEEP_END) : policy_compute(DEEP, 2);
}

START_TEST(oracle_sees_the_truth)
{
    const struct policy_type policy = {.api = POLICY_API_VERSION,
                                       .name = "strange",
                                       .summary = "test",
                                       .is_oracle = 1,
                                       .decide = truth_decide};
    struct small_scenario scenario;
    struct small_run run;
    small_scenario_init(&scenario, WORLD("strange"), strange_trace, &policy);
    small_run_init(&run, small_scenario_world(&scenario, 0), 0);
    ck_assert_uint_eq(run.result.answered, 40);
    small_run_finish(&run);
    small_scenario_finish(&scenario);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("policies");

    TCase *misbehaviour = tcase_create("misbehaviour");
    unit_add_table(misbehaviour, misbehaviour_ends_the_run_with_a_message, misbehaviours);
    tcase_add_test(misbehaviour, time_that_stands_still_is_noticed);
    tcase_set_timeout(misbehaviour, 60);
    suite_add_tcase(suite, misbehaviour);

    TCase *view = tcase_create("view");
    tcase_add_test(view, policy_sees_what_it_may);
    tcase_add_test(view, policy_sees_its_own_queue);
    tcase_add_test(view, oracle_sees_the_truth);
    suite_add_tcase(suite, view);

    return unit_run(suite);
}
