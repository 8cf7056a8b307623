// SPDX-License-Identifier: GPL-3.0-or-later

// Generated samples in a run: every policy meets the same, and what it sees of them is theirs.

#include "small_run.h"
#include "tests/unit/unit.h"

#include "model/generator.h"
#include "policies/policy.h"
#include "scenario/spec.h"
#include "scenario/trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char generator_text[] =
    "generator: pair\n"
    "quantiles: [0, 0.3, 0.6, 1]\n"
    "exits:\n"
    "  tiny: {confidence: [0.2, 0.5, 0.8, 1], right: [0.4, 0.7, 0.95]}\n"
    "  huge: {confidence: [0.4, 0.8, 0.9, 1], right: [0.8, 0.97, 0.99],\n"
    "         confidence_with: 0.5, right_with: 0.4, right_with_confidence: 0.1}\n"
    "classes: [0.6, 0.3, 0.1]\n"
    "pools: [0.15, 0.35]\n"
    "features: {shade: {mean: [0, 5, 9], spread: [1, 1, 1]}}\n";

#define GENERATED_HEAD                                                                             \
    "scenario: generated\n"                                                                        \
    "seed: 11\n"                                                                                   \
    "stop: {samples: 3000}\n"
#define GENERATED_TAIL                                                                             \
    "models:\n"                                                                                    \
    "  small: {exits: {end: {outcome: tiny}}}\n"                                                   \
    "  large: {exits: {huge: {}}}\n"                                                               \
    "tiers:\n"                                                                                     \
    "  - name: device\n"                                                                           \
    "    nodes: 3\n"                                                                               \
    "    arrivals: {poisson: 2 /s}\n"                                                              \
    "    compute: {time: {small: {exponential: 90 ms}}}\n"                                         \
    "  - {name: edge, compute: {time: {large: 40 ms}}}\n"                                          \
    "links: [{from: device, to: edge, delay: 10 ms}]\n"
#define GENERATED_POLICIES                                                                         \
    "policy: [local, full_offload, {hi_threshold: {theta: [0.55]}}, oracle]\n"

enum { TEXT_ROOM = 4096 };

// Reads a scenario whose samples are generated from `generator_text`; `more` is part of `samples`.
static void generated_init(struct small_scenario *scenario, const char *more, const char *policies,
                           const struct policy_type *policy)
{
    char path[] = "/tmp/offloadsim-generated-XXXXXX";
    char text[TEXT_ROOM];
    const int descriptor = mkstemp(path);
    ck_assert_int_ge(descriptor, 0);
    FILE *file = fdopen(descriptor, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(generator_text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
    snprintf(text, sizeof(text), GENERATED_HEAD "samples: {generated: %s%s}\n" GENERATED_TAIL "%s",
             path, more, policies);
    small_scenario_init(scenario, text, NULL, policy);
    unlink(path);
}

static void run_sorted(struct small_scenario *scenario, struct small_run *run, int policy)
{
    small_run_init(run, small_scenario_world(scenario, policy), 2);
    ck_assert_msg(run->status == 0, "%s", text_string(&run->error));
    ck_assert_uint_eq(run->count, 3000);
    small_run_sort(run);
}

START_TEST(policies_meet_the_same_samples)
{
    struct small_scenario scenario;
    struct small_run local;
    struct small_run away;
    struct small_run hierarchical;
    struct small_run oracle;
    generated_init(&scenario, "", GENERATED_POLICIES, NULL);
    run_sorted(&scenario, &local, 0);
    run_sorted(&scenario, &away, 1);
    run_sorted(&scenario, &hierarchical, 2);
    run_sorted(&scenario, &oracle, 3);
    size_t wrong = 0;
    size_t offloaded = 0;
    for (size_t i = 0; i < local.count; i++) {
        // The oracle knows what the local answer of this very sample would have been.
        ck_assert_int_eq(oracle.records[i].is_offloaded, !local.records[i].is_correct);
        ck_assert_int_eq(hierarchical.records[i].is_correct, hierarchical.records[i].is_offloaded
                                                                 ? away.records[i].is_correct
                                                                 : local.records[i].is_correct);
        wrong += !local.records[i].is_correct;
        offloaded += hierarchical.records[i].is_offloaded;
    }
    // 0.3 * 0.4 + 0.3 * 0.7 + 0.4 * 0.95 are right; the confidence 0.55 is a sixth of the way
    // through the second stretch.
    ck_assert_double_eq_tol((double)wrong / 3000, 1 - 0.71, 0.03);
    ck_assert_double_eq_tol((double)offloaded / 3000, 0.35, 0.03);
    small_run_finish(&oracle);
    small_run_finish(&hierarchical);
    small_run_finish(&away);
    small_run_finish(&local);
    small_scenario_finish(&scenario);
}
END_TEST

// A policy that compares what it sees with what the generator says of its sample.
static struct {
    const struct generator *generator;
    uint64_t seen[3]; // samples of each device
    uint64_t compared;
    int training_rows;
} probe;

static int probe_plan(const struct policy_world *world, const void *parameters, void *plan,
                      char *ret_problem)
{
    (void)parameters;
    (void)plan;
    (void)ret_problem;
    ck_assert_int_eq(world->features, 1);
    probe.training_rows = world->training.rows;
    return 0;
}

static struct policy_action probe_decide(const struct policy_world *world, const void *parameters,
                                         const void *plan, void *state,
                                         const struct policy_view *view)
{
    (void)world;
    (void)parameters;
    (void)plan;
    (void)state;
    if (view->model < 0) {
        return policy_compute(0, 0);
    }
    // One device's samples are computed in order of their arrival.
    struct trace_outcome outcomes[2];
    double feature;
    generator_draw(probe.generator, (struct stream_key){.seed = 11, .replication = 2},
                   (uint64_t)view->device, probe.seen[view->device]++, outcomes, &feature);
    ck_assert_int_eq(view->outcome_count, 1);
    ck_assert(view->latest->confidence == outcomes[0].confidence);
    ck_assert_int_eq(view->latest->prediction, outcomes[0].prediction);
    ck_assert(view->features[0] == feature);
    probe.compared++;
    return policy_answer(view->latest->exit);
}

static const struct policy_type policy_probe = {
    .api = POLICY_API_VERSION,
    .name = "probe",
    .summary = "compares what it sees with the generator",
    .paper = "",
    .example = "probe",
    .plan = probe_plan,
    .decide = probe_decide,
};

START_TEST(policies_see_what_was_generated)
{
    struct small_scenario scenario;
    struct small_run run;
    generated_init(&scenario, ", features: [shade], train_samples: 70", "policy: probe\n",
                   &policy_probe);
    const struct world *world = small_scenario_world(&scenario, 0);
    memset(&probe, 0, sizeof(probe));
    probe.training_rows = world->view.training.rows;
    probe.generator = world->source[0].generator;
    small_run_init(&run, world, 2);
    ck_assert_msg(run.status == 0, "%s", text_string(&run.error));
    ck_assert_uint_eq(probe.compared, 3000);
    ck_assert_int_eq(probe.training_rows, 70);
    small_run_finish(&run);
    small_scenario_finish(&scenario);
}
END_TEST

// What is drawn to learn from is like what is simulated, but other samples.
START_TEST(training_is_drawn)
{
    struct small_scenario scenario;
    generated_init(&scenario, ", features: [shade], train_samples: 5000", GENERATED_POLICIES, NULL);
    const struct world *world = small_scenario_world(&scenario, 0);
    const struct policy_training *training = &world->view.training;
    ck_assert_int_eq(training->rows, 5000);
    double right = 0;
    double shade = 0;
    for (int i = 0; i < training->rows; i++) {
        right += training->correct[2 * i];
        shade += training->features[i];
        ck_assert_double_ge(training->confidences[2 * i], 0.2);
        ck_assert_double_le(training->confidences[2 * i], 1);
    }
    ck_assert_double_eq_tol(right / 5000, 0.71, 0.025);
    ck_assert_double_gt(shade / 5000, 1);
    struct trace_outcome outcomes[2];
    double feature;
    generator_draw(world->source[0].generator, (struct stream_key){.seed = 11}, 0, 0, outcomes,
                   &feature);
    ck_assert(outcomes[0].confidence != training->confidences[0]);
    small_scenario_finish(&scenario);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("generated");
    TCase *run = tcase_create("run");
    tcase_add_test(run, policies_meet_the_same_samples);
    tcase_add_test(run, policies_see_what_was_generated);
    tcase_add_test(run, training_is_drawn);
    suite_add_tcase(suite, run);
    return unit_run(suite);
}
