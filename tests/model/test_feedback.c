// SPDX-License-Identifier: GPL-3.0-or-later

// The truth that comes back: when, about which samples, in which order, and to whose state.

#include "policies/policy.h"
#include "small_run.h"
#include "tests/unit/unit.h"

#include <stdbool.h>
#include <stdio.h>

// Two devices. What they are unsure of goes to an edge that is far away, so that answers of
// offloaded samples overtake those of later local ones the other way round.
#define WORLD(feedback)                                                                            \
    "scenario: feedback\n"                                                                         \
    "seed: 11\n"                                                                                   \
    "stop: {samples: 60}\n"                                                                        \
    "samples: {trace: trace.csv, order: as_is}\n"                                                  \
    "models:\n"                                                                                    \
    "  small: {exits: {end: {confidence: s_conf, correct: s_ok}}}\n"                               \
    "  large: {exits: {end: {confidence: l_conf, correct: l_ok}}}\n"                               \
    "tiers:\n"                                                                                     \
    "  - name: device\n"                                                                           \
    "    nodes: 2\n"                                                                               \
    "    arrivals: {deterministic: {period: 1 s, phase: 0.5 s}}\n"                                 \
    "    compute: {time: {small: 125 ms}}\n"                                                       \
    "  - {name: edge, compute: {time: {large: 250 ms}}}\n"                                         \
    "links:\n"                                                                                     \
    "  - {from: device, to: edge, delay: 750 ms}\n"                                                \
    "policy: pupil\n" feedback

// Rows 0 and 3 are offloaded; the small model is wrong in rows 0 and 2, the large one in row 3.
static const char trace[] = "s_conf,s_ok,l_conf,l_ok\n"
                            "0.25,0,0.875,1\n0.75,1,0.9,1\n0.625,0,0.95,1\n0.375,1,0.5,0\n"
                            "0.875,1,0.625,1\n";

enum { ROWS = 5, SMALL_END = 0, LARGE_END = 1 };

static bool is_offloaded_row(uint64_t row)
{
    return row == 0 || row == 3;
}

// What the states of all devices were told, in one list. Tests run in a process each.
struct lesson {
    double now_s;
    int device;
    int exit;
    int is_correct;
    int outcome_count;
    int was_offloaded;
    double latency_s;
    double small_confidence;
    int small_correct;
    int large_correct; // -1: not computed
};

enum { MOST_LESSONS = 4096 };
static struct lesson lessons[MOST_LESSONS];
static int lesson_count;
static int decisions_at[MOST_LESSONS]; // lessons of its device that each decision could know
static int decision_count;

struct pupil {
    int device; // 1 + number
    int lessons;
};

static struct policy_action pupil_decide(const struct policy_world *world, const void *given,
                                         const void *plan, void *state,
                                         const struct policy_view *view)
{
    (void)given;
    (void)plan;
    struct pupil *pupil = state;
    ck_assert(pupil->device == 0 || pupil->device == view->device + 1);
    pupil->device = view->device + 1;
    if (decision_count < MOST_LESSONS) {
        decisions_at[decision_count++] = pupil->lessons;
    }
    const int model = view->tier == 0 ? 0 : 1;
    if (view->tier == 0 && view->latest) {
        return view->latest->confidence < 0.5 ? policy_send(1) : policy_answer(SMALL_END);
    }
    return view->latest && view->latest->exit == LARGE_END
               ? policy_answer(LARGE_END)
               : policy_compute(model, policy_last_layer(world, model));
}

static void pupil_feedback(const struct policy_world *world, const void *given, const void *plan,
                           void *state, const struct policy_feedback *feedback)
{
    (void)given;
    (void)plan;
    struct pupil *pupil = state;
    ck_assert_ptr_nonnull(world->model);
    ck_assert_int_eq(pupil->device, feedback->device + 1); // the state of whose sample it was
    ck_assert_int_lt(lesson_count, MOST_LESSONS);
    ck_assert_int_eq(feedback->outcomes[0].exit, SMALL_END);
    lessons[lesson_count++] = (struct lesson){
        .now_s = feedback->now_s,
        .device = feedback->device,
        .exit = feedback->exit,
        .is_correct = feedback->is_correct,
        .outcome_count = feedback->outcome_count,
        .was_offloaded = feedback->was_offloaded,
        .latency_s = feedback->latency_s,
        .small_confidence = feedback->outcomes[0].confidence,
        .small_correct = feedback->correct[0],
        .large_correct = feedback->outcome_count > 1 ? feedback->correct[1] : -1,
    };
    pupil->lessons++;
}

static const struct policy_type policy_pupil = {.api = POLICY_API_VERSION,
                                                .name = "pupil",
                                                .summary = "test",
                                                .state_bytes = sizeof(struct pupil),
                                                .decide = pupil_decide,
                                                .feedback = pupil_feedback};

static void start(struct small_scenario *scenario, struct small_run *run, const char *yaml)
{
    lesson_count = 0;
    decision_count = 0;
    small_scenario_init(scenario, yaml, trace, &policy_pupil);
    small_run_init(run, small_scenario_world(scenario, 0), 0);
    ck_assert_msg(run->status == 0, "%s", text_string(&run->error));
    ck_assert_uint_eq(run->count, 60);
    ck_assert_uint_eq(run->result.offered, 60);
    ck_assert_uint_eq(run->result.answered, 60);
    ck_assert_uint_eq(run->result.in_flight, 0);
}

static void finish(struct small_scenario *scenario, struct small_run *run)
{
    small_run_finish(run);
    small_scenario_finish(scenario);
}

// What must have been told about a sample, from its record.
static void check_lesson(const struct lesson *lesson, const struct sample_record *record,
                         double delay_s)
{
    static const double confidences[ROWS] = {0.25, 0.75, 0.625, 0.375, 0.875};
    static const int small_ok[ROWS] = {0, 1, 0, 1, 1};
    static const int large_ok[ROWS] = {1, 1, 1, 0, 1};
    const bool is_offloaded = is_offloaded_row(record->row);
    ck_assert_double_eq(lesson->now_s, record->ended_s + delay_s);
    ck_assert_uint_eq((uint32_t)lesson->device, record->device);
    ck_assert_int_eq(lesson->exit, is_offloaded ? LARGE_END : SMALL_END);
    ck_assert_int_eq(lesson->is_correct,
                     is_offloaded ? large_ok[record->row] : small_ok[record->row]);
    ck_assert_int_eq(lesson->outcome_count, is_offloaded ? 2 : 1);
    ck_assert_int_eq(lesson->was_offloaded, is_offloaded);
    ck_assert_double_eq(lesson->latency_s, record->ended_s - record->arrived_s);
    ck_assert_double_eq(lesson->small_confidence, confidences[record->row]);
    ck_assert_int_eq(lesson->small_correct, small_ok[record->row]);
    ck_assert_int_eq(lesson->large_correct, is_offloaded ? large_ok[record->row] : -1);
}

// ---- which samples, and when ----

static const struct {
    const char *feedback;
    double delay_s;
    bool offloaded_only;
    bool is_given;
} ways[] = {
    {"", 0, false, false},
    {"feedback: {when: never}\n", 0, false, false},
    {"feedback: {when: never, delay: 3 s}\n", 0, false, false},
    {"feedback:\n", 0, false, false},
    {"feedback: {when: always}\n", 0, false, true},
    {"feedback: {when: offloaded}\n", 0, true, true},
    {"feedback: {when: always, delay: 375 ms}\n", 0.375, false, true},
    {"feedback: {when: offloaded, delay: 375 ms}\n", 0.375, true, true},
    {"feedback: {when: always, delay: 7.25 s}\n", 7.25, false, true},
    {"feedback: {when: offloaded, delay: 1 h}\n", 3600, true, true},
};

// Samples are told of in the order of their ends, which is not that of their arrivals. What would
// come after the last end does not come.
START_TEST(truth_comes_when_it_should)
{
    struct small_scenario scenario;
    struct small_run run;
    char yaml[2048];
    snprintf(yaml, sizeof(yaml), "%s%s", WORLD(""), ways[_i].feedback);
    start(&scenario, &run, yaml);
    const double last_s = run.records[run.count - 1].ended_s;
    ck_assert_double_eq(run.result.simulated_s, last_s);
    int expected = 0;
    bool is_overtaken = false;
    for (size_t i = 0; i < run.count && ways[_i].is_given; i++) {
        const struct sample_record *record = &run.records[i];
        is_overtaken |= i && record->arrived_s < record[-1].arrived_s;
        if ((ways[_i].offloaded_only && !is_offloaded_row(record->row)) ||
            record->ended_s + ways[_i].delay_s > last_s) {
            continue;
        }
        ck_assert_int_lt(expected, lesson_count);
        check_lesson(&lessons[expected++], record, ways[_i].delay_s);
    }
    ck_assert_int_eq(lesson_count, expected);
    ck_assert(is_overtaken == ways[_i].is_given);
    finish(&scenario, &run);
}
END_TEST

// Feedback is known to a decision of the same instant, and it changes nothing but the policy's
// state: latencies and counts of the run are the same without it.
START_TEST(feedback_disturbs_nothing)
{
    struct small_scenario scenario;
    struct small_run plain;
    struct small_run run;
    char yaml[2048];
    start(&scenario, &plain, WORLD(""));
    small_scenario_finish(&scenario);
    snprintf(yaml, sizeof(yaml), "%s%s", WORLD(""), ways[_i].feedback);
    start(&scenario, &run, yaml);
    ck_assert_uint_eq(run.count, plain.count);
    for (size_t i = 0; i < run.count; i++) {
        ck_assert_uint_eq(run.records[i].index, plain.records[i].index);
        ck_assert_uint_eq(run.records[i].device, plain.records[i].device);
        ck_assert_double_eq(run.records[i].ended_s, plain.records[i].ended_s);
        ck_assert_int_eq(run.records[i].is_correct, plain.records[i].is_correct);
    }
    ck_assert_double_eq(run.result.simulated_s, plain.result.simulated_s);
    ck_assert_double_eq(run.result.window_s, plain.result.window_s);
    small_run_finish(&plain);
    finish(&scenario, &run);
}
END_TEST

// Local answers come 125 ms after the arrival. With a delay of 875 ms the truth of a sample comes
// at the very time of the next arrival, whose decision must know it.
START_TEST(truth_is_known_at_its_instant)
{
    struct small_scenario scenario;
    struct small_run run;
    start(&scenario, &run,
          "scenario: instant\n"
          "stop: {samples: 60}\n"
          "samples: {trace: trace.csv, order: as_is}\n"
          "models: {small: {exits: {end: {confidence: l_conf, correct: l_ok}}}}\n"
          "tiers:\n"
          "  - name: device\n"
          "    arrivals: {deterministic: {period: 1 s}}\n"
          "    compute: {time: {small: 125 ms}}\n"
          "  - {name: edge, compute: {time: {small: 125 ms}}}\n"
          "links: [{from: device, to: edge}]\n"
          "policy: pupil\n"
          "feedback: {when: always, delay: 875 ms}\n");
    ck_assert_int_eq(decision_count, 120); // two for each sample
    for (int i = 0; i < 60; i++) {
        ck_assert_int_eq(decisions_at[2 * i], i);
        ck_assert_int_eq(decisions_at[2 * i + 1], i);
    }
    finish(&scenario, &run);
}
END_TEST

// A sample whose truth is under way does not count as in flight, neither to a closed loop, which
// goes on at the answer, nor at the end.
START_TEST(closed_loop_does_not_wait)
{
    struct small_scenario scenario;
    struct small_run run;
    lesson_count = 0;
    small_scenario_init(&scenario,
                        "scenario: closed\n"
                        "stop: {time: 100.0625 s}\n"
                        "samples: {trace: trace.csv, order: as_is}\n"
                        "models: {small: {exits: {end: {confidence: l_conf, correct: l_ok}}}}\n"
                        "tiers:\n"
                        "  - name: device\n"
                        "    arrivals: {closed: {in_flight: 1}}\n"
                        "    compute: {time: {small: 125 ms}}\n"
                        "policy: pupil\n"
                        "feedback: {when: always, delay: 30 s}\n",
                        trace, &policy_pupil);
    small_run_init(&run, small_scenario_world(&scenario, 0), 0);
    ck_assert_msg(run.status == 0, "%s", text_string(&run.error));
    ck_assert_uint_eq(run.result.offered, 801); // the last at 100 s
    ck_assert_uint_eq(run.result.answered, 801);
    ck_assert_double_eq(run.result.simulated_s, 100.125);
    ck_assert_int_eq(lesson_count, 561); // of those that ended by 70.125 s
    finish(&scenario, &run);
}
END_TEST

// ---- what is not told ----

static const char *const reasons[] = {"tired", NULL};

static struct policy_action drops_decide(const struct policy_world *world, const void *given,
                                         const void *plan, void *state,
                                         const struct policy_view *view)
{
    (void)world;
    (void)given;
    (void)plan;
    (void)state;
    (void)view;
    return policy_drop(0);
}

static void drops_feedback(const struct policy_world *world, const void *given, const void *plan,
                           void *state, const struct policy_feedback *feedback)
{
    (void)world;
    (void)given;
    (void)plan;
    (void)state;
    (void)feedback;
    lesson_count++;
}

START_TEST(dropped_samples_have_no_truth)
{
    const struct policy_type policy = {.api = POLICY_API_VERSION,
                                       .name = "pupil",
                                       .summary = "test",
                                       .reasons = reasons,
                                       .decide = drops_decide,
                                       .feedback = drops_feedback};
    struct small_scenario scenario;
    struct small_run run;
    lesson_count = 0;
    small_scenario_init(&scenario, WORLD("feedback: {when: always}\n"), trace, &policy);
    small_run_init(&run, small_scenario_world(&scenario, 0), 0);
    ck_assert_msg(run.status == 0, "%s", text_string(&run.error));
    ck_assert_uint_eq(run.result.dropped, 60);
    ck_assert_int_eq(lesson_count, 0);
    finish(&scenario, &run);
}
END_TEST

// Exits that were not computed are not among the outcomes.
static struct policy_action skips_decide(const struct policy_world *world, const void *given,
                                         const void *plan, void *state,
                                         const struct policy_view *view)
{
    (void)given;
    (void)plan;
    (void)state;
    if (view->tier == 0) {
        return policy_send(1);
    }
    return view->latest ? policy_answer(LARGE_END) : policy_compute(1, policy_last_layer(world, 1));
}

static void skips_feedback(const struct policy_world *world, const void *given, const void *plan,
                           void *state, const struct policy_feedback *feedback)
{
    (void)world;
    (void)given;
    (void)plan;
    (void)state;
    const bool is_row_3 = feedback->outcomes[0].confidence < 0.6;
    ck_assert_int_eq(feedback->outcome_count, 1);
    ck_assert_int_eq(feedback->outcomes[0].exit, LARGE_END);
    ck_assert_int_eq(feedback->correct[0], !is_row_3);
    ck_assert_int_eq(feedback->is_correct, !is_row_3);
    lesson_count++;
}

START_TEST(only_what_was_computed_is_told)
{
    const struct policy_type policy = {.api = POLICY_API_VERSION,
                                       .name = "pupil",
                                       .summary = "test",
                                       .decide = skips_decide,
                                       .feedback = skips_feedback};
    struct small_scenario scenario;
    struct small_run run;
    lesson_count = 0;
    small_scenario_init(&scenario, WORLD("feedback: {when: always}\n"), trace, &policy);
    small_run_init(&run, small_scenario_world(&scenario, 0), 0);
    ck_assert_msg(run.status == 0, "%s", text_string(&run.error));
    ck_assert_int_eq(lesson_count, 60);
    finish(&scenario, &run);
}
END_TEST

// A policy that does not listen is not called, whatever the scenario says.
START_TEST(deaf_policies_work)
{
    struct policy_type deaf = policy_pupil;
    deaf.feedback = NULL;
    struct small_scenario scenario;
    struct small_run run;
    lesson_count = 0;
    small_scenario_init(&scenario, WORLD("feedback: {when: always, delay: 1 s}\n"), trace, &deaf);
    small_run_init(&run, small_scenario_world(&scenario, 0), 0);
    ck_assert_msg(run.status == 0, "%s", text_string(&run.error));
    ck_assert_uint_eq(run.result.answered, 60);
    ck_assert_int_eq(lesson_count, 0);
    finish(&scenario, &run);
}
END_TEST

// ---- whose state ----

// States begin anew in each replication, and end with what they were told in this one.
static int finished_lessons;

static void pupil_finish(void *state)
{
    finished_lessons += ((const struct pupil *)state)->lessons;
}

START_TEST(states_live_for_one_replication)
{
    struct policy_type policy = policy_pupil;
    policy.finish = pupil_finish;
    struct small_scenario scenario;
    small_scenario_init(&scenario, WORLD("feedback: {when: always}\n"), trace, &policy);
    const struct world *world = small_scenario_world(&scenario, 0);
    for (uint64_t replication = 0; replication < 3; replication++) {
        struct small_run run;
        lesson_count = 0;
        decision_count = 0;
        finished_lessons = 0;
        small_run_init(&run, world, replication);
        ck_assert_msg(run.status == 0, "%s", text_string(&run.error));
        ck_assert_int_eq(lesson_count, 60);
        ck_assert_int_eq(finished_lessons, 60);
        ck_assert_int_eq(decisions_at[0], 0);
        small_run_finish(&run);
    }
    small_scenario_finish(&scenario);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("feedback");
    TCase *timing = tcase_create("timing");
    unit_add_table(timing, truth_comes_when_it_should, ways);
    unit_add_table(timing, feedback_disturbs_nothing, ways);
    tcase_add_test(timing, truth_is_known_at_its_instant);
    tcase_add_test(timing, closed_loop_does_not_wait);
    suite_add_tcase(suite, timing);
    TCase *limits = tcase_create("limits");
    tcase_add_test(limits, dropped_samples_have_no_truth);
    tcase_add_test(limits, only_what_was_computed_is_told);
    tcase_add_test(limits, deaf_policies_work);
    tcase_add_test(limits, states_live_for_one_replication);
    suite_add_tcase(suite, limits);
    return unit_run(suite);
}
