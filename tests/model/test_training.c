// SPDX-License-Identifier: GPL-3.0-or-later

// Rows of the trace that are set aside for training, and what DIMEE learns from them.

#include "policies/policy.h"
#include "scenario/spec.h"
#include "scenario/trace.h"
#include "small_run.h"
#include "tests/unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define EXACT 1e-12

enum { ROWS = 47, ASIDE = 14, FEATURES = 2, EXITS = 3, TRACE_ROOM = 8192 };

// Three tiers run one model of four layers with exits behind the first, the second and the last.
#define HEAD(order, samples)                                                                       \
    "scenario: learning\n"                                                                         \
    "seed: 5\n"                                                                                    \
    "stop: {samples: " samples "}\n"                                                               \
    "samples: {trace: trace.csv, order: " order ", features: [f1, f2], train: 30 %}\n"             \
    "models:\n"                                                                                    \
    "  deep:\n"                                                                                    \
    "    layers: 4\n"                                                                              \
    "    output: [10 B, 20 B, 30 B, 40 B]\n"                                                       \
    "    exits:\n"                                                                                 \
    "      a: {after: 1, confidence: a_conf, correct: a_ok}\n"                                     \
    "      b: {after: 2, confidence: b_conf, correct: b_ok}\n"                                     \
    "      c: {confidence: c_conf, correct: c_ok}\n"
#define TIERS(arrivals)                                                                            \
    "tiers:\n"                                                                                     \
    "  - {name: mobile, arrivals: " arrivals                                                       \
    ", compute: {time: {deep: [1 ms, 1 ms, 1 ms, 1 ms]}}}\n"                                       \
    "  - {name: edge, compute: {time: {deep: [1 ms, 1 ms, 1 ms, 1 ms]}}}\n"                        \
    "  - {name: cloud, compute: {time: {deep: [1 ms, 1 ms, 1 ms, 1 ms]}}}\n"                       \
    "links:\n"                                                                                     \
    "  - {from: mobile, to: edge}\n"                                                               \
    "  - {from: edge, to: cloud}\n"                                                                \
    "prices: {layer: {mobile: 0.0625, edge: 0.03125, cloud: 0.125},\n"                             \
    "         offload: {mobile-edge: 0.25, edge-cloud: 0.125}}\n"
#define LEARNING(order, samples, policy)                                                           \
    HEAD(order, samples) TIERS("{deterministic: 1 s}") "policy: " policy "\n"

// Numbers that look random but are the same everywhere; confidences grow from exit to exit.
static const char *trace_text(void)
{
    static char text[TRACE_ROOM];
    int length = snprintf(text, sizeof(text), "f1,f2,a_conf,a_ok,b_conf,b_ok,c_conf,c_ok,at\n");
    unsigned state = 12345;
    for (int row = 0; row < ROWS; row++) {
        unsigned draw[5];
        for (int i = 0; i < 5; i++) {
            state = state * 1103515245 + 12345;
            draw[i] = state >> 16 & 1023;
        }
        const double a = draw[2] / 1024.0;
        const double b = a + (1 - a) * draw[3] / 1024.0;
        const double c = b + (1 - b) * draw[4] / 1024.0;
        length += snprintf(text + length, sizeof(text) - (size_t)length,
                           "%.6f,%.6f,%.6f,%d,%.6f,%d,%.6f,%d,%d\n", 3 * a + draw[0] / 1024.0,
                           draw[1] / 512.0 - a, a, draw[0] % 3 == 0, b, draw[1] % 3 != 0, c,
                           draw[2] % 8 != 0, row * row);
    }
    return text;
}

// ---- which rows are set aside ----

// Marks the rows that a run met.
static void mark_rows(const struct small_run *run, int *ret_times)
{
    memset(ret_times, 0, ROWS * sizeof(int));
    for (size_t i = 0; i < run->count; i++) {
        ck_assert_uint_lt(run->records[i].row, ROWS);
        ret_times[run->records[i].row]++;
    }
}

// Whether a row of the trace is one of the training samples; features tell rows apart.
static bool is_training(const struct world *world, int row)
{
    const double *features = world->source[0].trace->feature + row * FEATURES;
    for (int i = 0; i < world->view.training.rows; i++) {
        const double *learned = world->view.training.features + i * FEATURES;
        if (learned[0] == features[0] && learned[1] == features[1]) {
            return true;
        }
    }
    return false;
}

static const char *const three_orders[] = {
    LEARNING("as_is", "33", "[local, full_offload]"),
    LEARNING("shuffle", "33", "[local, full_offload]"),
    LEARNING("resample", "2000", "[local, full_offload]"),
};

START_TEST(training_rows_are_never_simulated)
{
    struct small_scenario scenario;
    small_scenario_init(&scenario, three_orders[_i], trace_text(), NULL);
    for (int policy = 0; policy < 2; policy++) {
        const struct world *world = small_scenario_world(&scenario, policy);
        ck_assert_int_eq(world->view.training.rows, ASIDE);
        ck_assert_uint_eq(world->source[0].rows, ROWS - ASIDE);
        for (uint64_t replication = 0; replication < 3; replication++) {
            struct small_run run;
            int times[ROWS];
            small_run_init(&run, world, replication);
            mark_rows(&run, times);
            for (int row = 0; row < ROWS; row++) {
                // All others are met: just once where a pass is made without replacement.
                ck_assert_int_eq(times[row] > 0, !is_training(world, row));
                ck_assert_int_le(times[row], _i == 2 ? 2000 : 1);
            }
            small_run_finish(&run);
        }
    }
    small_scenario_finish(&scenario);
}
END_TEST

START_TEST(rows_keep_their_order)
{
    struct small_scenario scenario;
    struct small_run run;
    small_scenario_init(&scenario, three_orders[0], trace_text(), NULL);
    small_run_init(&run, small_scenario_world(&scenario, 0), 0);
    small_run_sort(&run);
    ck_assert_uint_eq(run.count, ROWS - ASIDE);
    for (size_t i = 1; i < run.count; i++) {
        ck_assert_uint_gt(run.records[i].row, run.records[i - 1].row);
    }
    small_run_finish(&run);
    small_scenario_finish(&scenario);
}
END_TEST

START_TEST(arrival_times_stay_with_their_rows)
{
    struct small_scenario scenario;
    struct small_run run;
    small_scenario_init(&scenario,
                        HEAD("as_is", "100") TIERS("{trace: {column: at}}") "policy: local\n",
                        trace_text(), NULL);
    small_run_init(&run, small_scenario_world(&scenario, 0), 0);
    ck_assert_uint_eq(run.count, ROWS - ASIDE);
    for (size_t i = 0; i < run.count; i++) {
        const double row = run.records[i].row;
        ck_assert_double_eq(run.records[i].arrived_s, row * row);
    }
    small_run_finish(&run);
    small_scenario_finish(&scenario);
}
END_TEST

START_TEST(which_rows_depends_on_the_seed)
{
    struct small_scenario scenario;
    small_scenario_init(&scenario, three_orders[0], trace_text(), NULL);
    const struct world *world = small_scenario_world(&scenario, 0);
    scenario.spec->seed = 6;
    const struct world *other = small_scenario_world(&scenario, 0);
    int different = 0;
    for (int row = 0; row < ROWS; row++) {
        different += is_training(world, row) != is_training(other, row);
    }
    ck_assert_int_gt(different, 0);
    small_scenario_finish(&scenario);
}
END_TEST

START_TEST(training_samples_are_whole_rows)
{
    struct small_scenario scenario;
    small_scenario_init(&scenario, three_orders[1], trace_text(), NULL);
    const struct world *world = small_scenario_world(&scenario, 0);
    const struct policy_training *training = &world->view.training;
    int learned = 0;
    for (int row = 0; row < ROWS; row++) {
        if (!is_training(world, row)) {
            continue;
        }
        for (int exit = 0; exit < EXITS; exit++) {
            const struct trace_outcome *outcome =
                &world->source[0].trace->outcomes[row * EXITS + exit];
            ck_assert_double_eq(training->confidences[learned * EXITS + exit], outcome->confidence);
            ck_assert_int_eq(training->correct[learned * EXITS + exit], outcome->correct);
        }
        learned++;
    }
    ck_assert_int_eq(learned, ASIDE);
    small_scenario_finish(&scenario);
}
END_TEST

static struct policy_action decide_local(const struct policy_world *world, const void *given,
                                         const void *plan, void *state,
                                         const struct policy_view *view)
{
    (void)given;
    (void)plan;
    (void)state;
    return view->computations ? policy_answer(policy_last_exit(world, 0)) : policy_compute(0, 0);
}

static const struct policy_type policy_learner = {.api = POLICY_API_VERSION,
                                                  .name = "learner",
                                                  .summary = "test",
                                                  .needs_training = 1,
                                                  .decide = decide_local};

START_TEST(a_learner_needs_training_rows)
{
    struct small_scenario scenario;
    struct text error = {0};
    small_scenario_init(&scenario,
                        "scenario: untaught\n"
                        "stop: {samples: 10}\n"
                        "models: {task: {}}\n"
                        "tiers: [{name: device, arrivals: {poisson: 1 /s},\n"
                        "         compute: {time: {task: 1 ms}}}]\n"
                        "policy: learner\n",
                        NULL, &policy_learner);
    ck_assert_ptr_null(world_build(scenario.spec, 0, &scenario.arena, &error));
    ck_assert_str_eq(text_string(&error),
                     "policy 'learner' cannot work here: it learns from rows of the trace that are "
                     "set aside, and there are none; add for example 'train: 30 %' to 'samples'");
    text_finish(&error);
    small_scenario_finish(&scenario);
}
END_TEST

// ---- what DIMEE learns ----

enum { POOLS = 3 };

// Depths of 1, 2 and 4 layers: each tier knows one exit more than the one below.
struct lesson {
    double centroid[POOLS][FEATURES];
    double inverse[FEATURES][FEATURES]; // of the covariance within pools
    int samples[POOLS];
    int sent[POOLS][POOLS];
    double reward;
    double accuracy;
};

static int pool_of(const struct policy_training *training, int row, double alpha)
{
    const double *confidences = training->confidences + row * EXITS;
    return confidences[0] >= alpha ? 0 : confidences[1] >= alpha ? 1 : 2;
}

static int nearest(const struct lesson *lesson, const double *features)
{
    int best = -1;
    double least = INFINITY;
    for (int pool = 0; pool < POOLS; pool++) {
        const double x = features[0] - lesson->centroid[pool][0];
        const double y = features[1] - lesson->centroid[pool][1];
        const double away = x * x * lesson->inverse[0][0] + 2 * x * y * lesson->inverse[0][1] +
                            y * y * lesson->inverse[1][1];
        if (lesson->samples[pool] && away < least) {
            best = pool;
            least = away;
        }
    }
    return best;
}

static void find_pools(const struct policy_training *training, double alpha, bool has_covariance,
                       struct lesson *lesson)
{
    double covariance[3] = {0};
    for (int row = 0; row < training->rows; row++) {
        const int pool = pool_of(training, row, alpha);
        lesson->samples[pool]++;
        for (int i = 0; i < FEATURES; i++) {
            lesson->centroid[pool][i] += training->features[row * FEATURES + i];
        }
    }
    for (int pool = 0; pool < POOLS; pool++) {
        for (int i = 0; i < FEATURES && lesson->samples[pool]; i++) {
            lesson->centroid[pool][i] /= lesson->samples[pool];
        }
    }
    for (int row = 0; row < training->rows; row++) {
        const double *centroid = lesson->centroid[pool_of(training, row, alpha)];
        const double x = training->features[row * FEATURES] - centroid[0];
        const double y = training->features[row * FEATURES + 1] - centroid[1];
        covariance[0] += x * x / training->rows;
        covariance[1] += x * y / training->rows;
        covariance[2] += y * y / training->rows;
    }
    const double determinant = covariance[0] * covariance[2] - covariance[1] * covariance[1];
    lesson->inverse[0][0] = has_covariance ? covariance[2] / determinant : 1;
    lesson->inverse[1][1] = has_covariance ? covariance[0] / determinant : 1;
    lesson->inverse[0][1] = has_covariance ? -covariance[1] / determinant : 0;
}

// The same as the policy learns, for one alpha, without escalation.
static struct lesson learn(const struct policy_world *world, double alpha, double mu,
                           bool has_covariance)
{
    static const double offload[POOLS] = {0, 0.25, 0.375};
    static const double layer[POOLS] = {0.0625, 0.03125, 0.125};
    static const int layers[EXITS] = {1, 2, 4};
    const struct policy_training *training = &world->training;
    struct lesson lesson = {0};
    find_pools(training, alpha, has_covariance, &lesson);
    for (int row = 0; row < training->rows; row++) {
        const int tier = nearest(&lesson, training->features + row * FEATURES);
        const double *confidences = training->confidences + row * EXITS;
        int exit = 0;
        while (exit < tier && confidences[exit] < alpha) {
            exit++;
        }
        lesson.sent[pool_of(training, row, alpha)][tier]++;
        lesson.reward += (confidences[exit] - mu * (offload[tier] + layers[exit] * layer[tier])) /
                         training->rows;
        lesson.accuracy += (double)training->correct[row * EXITS + exit] / training->rows;
    }
    return lesson;
}

static const struct {
    const char *yaml;
    bool has_covariance;
    double most_drop;
} lessons[] = {
    {LEARNING("as_is", "33", "{dimee: {alpha: [0.4, 0.55, 0.7, 0.85], mu: 0.5}}"), false, 1},
    {LEARNING("as_is", "33",
              "{dimee: {alpha: [0.4, 0.55, 0.7, 0.85], mu: 0.5, metric: mahalanobis}}"),
     true, 1},
    {LEARNING("as_is", "33", "{dimee: {alpha: [0.4, 0.55, 0.7, 0.85], mu: 0.5, most_drop: 15 %}}"),
     false, 0.15},
};

// The candidate that the policy must choose.
static double best_alpha(const struct policy_world *world, int i, struct lesson *ret_lesson)
{
    static const double candidates[] = {0.4, 0.55, 0.7, 0.85};
    double best = 0;
    double accuracy = 0;
    for (int row = 0; row < world->training.rows; row++) {
        accuracy += (double)world->training.correct[row * EXITS + 2] / world->training.rows;
    }
    for (int k = 0; k < 4; k++) {
        const struct lesson lesson = learn(world, candidates[k], 0.5, lessons[i].has_covariance);
        if (accuracy - lesson.accuracy > lessons[i].most_drop + EXACT) {
            continue;
        }
        if (best == 0 || lesson.reward > ret_lesson->reward) {
            best = candidates[k];
            *ret_lesson = lesson;
        }
    }
    return best;
}

START_TEST(dimee_chooses_by_reward)
{
    struct small_scenario scenario;
    small_scenario_init(&scenario, lessons[_i].yaml, trace_text(), NULL);
    const struct world *world = small_scenario_world(&scenario, 0);
    struct lesson lesson;
    const double alpha = best_alpha(&world->view, _i, &lesson);
    ck_assert_double_gt(alpha, 0);
    char cells[POLICY_EXPLAIN_CELLS][POLICY_EXPLAIN_ROOM];
    char wanted[POLICY_EXPLAIN_ROOM];
    ck_assert_int_eq(
        world->policy->explain(&world->view, world->parameters, world->classes[0].plan, -1, cells),
        9);
    ck_assert_str_eq(cells[0], "pool");
    ck_assert_str_eq(cells[6], "sent to cloud");
    int right = 0;
    for (int pool = 0; pool < POOLS; pool++) {
        ck_assert_int_eq(world->policy->explain(&world->view, world->parameters,
                                                world->classes[0].plan, pool, cells),
                         9);
        ck_assert_str_eq(cells[0], world->view.tier[pool].name);
        snprintf(wanted, sizeof(wanted), "%d", lesson.samples[pool]);
        ck_assert_str_eq(cells[2], wanted);
        for (int to = 0; to < POOLS; to++) {
            snprintf(wanted, sizeof(wanted), "%d", lesson.sent[pool][to]);
            ck_assert_str_eq(cells[4 + to], wanted);
        }
        snprintf(wanted, sizeof(wanted), "%.3g %.3g", lesson.centroid[pool][0],
                 lesson.centroid[pool][1]);
        ck_assert_str_eq(cells[8], lesson.samples[pool] ? wanted : "none: no sample");
        right += lesson.sent[pool][pool];
    }
    ck_assert_int_eq(world->policy->explain(&world->view, world->parameters, world->classes[0].plan,
                                            POOLS, cells),
                     9);
    snprintf(wanted, sizeof(wanted), "%.1f %%", 100.0 * right / ASIDE);
    ck_assert_str_eq(cells[7], wanted);
    snprintf(wanted, sizeof(wanted), "alpha %g, reward %.4g, accuracy %.4g", alpha, lesson.reward,
             lesson.accuracy);
    ck_assert_str_eq(cells[8], wanted);
    ck_assert_int_eq(world->policy->explain(&world->view, world->parameters, world->classes[0].plan,
                                            POOLS + 1, cells),
                     0);
    small_scenario_finish(&scenario);
}
END_TEST

START_TEST(dimee_sends_to_the_nearest_pool)
{
    struct small_scenario scenario;
    struct small_run run;
    struct lesson lesson;
    small_scenario_init(&scenario, lessons[_i].yaml, trace_text(), NULL);
    const struct world *world = small_scenario_world(&scenario, 0);
    best_alpha(&world->view, _i, &lesson);
    small_run_init(&run, world, 0);
    ck_assert_msg(run.status == 0, "%s", text_string(&run.error));
    int met[POOLS] = {0};
    for (size_t i = 0; i < run.count; i++) {
        const int pool =
            nearest(&lesson, world->source[0].trace->feature + run.records[i].row * FEATURES);
        ck_assert_int_eq(run.records[i].answer_tier, pool);
        met[pool]++;
    }
    ck_assert_int_gt(met[0] && met[1] + met[2], 0);
    small_run_finish(&run);
    small_scenario_finish(&scenario);
}
END_TEST

// What the policy works out for the training samples is what happens to them in a run.
START_TEST(the_predicted_reward_is_what_a_run_costs)
{
    struct small_scenario scenario;
    struct small_run run;
    small_scenario_init(&scenario,
                        LEARNING("as_is", "33", "{dimee: {alpha: [0.7], mu: 1, escalate: true}}"),
                        trace_text(), NULL);
    const struct world *world = small_scenario_world(&scenario, 0);
    char cells[POLICY_EXPLAIN_CELLS][POLICY_EXPLAIN_ROOM];
    world->policy->explain(&world->view, world->parameters, world->classes[0].plan, POOLS, cells);
    // The roles of the two sides change places: what was set aside is simulated.
    struct world swapped = *world;
    struct world_source source = world->source[0];
    uint32_t rows[ROWS];
    source.rows = 0;
    for (uint32_t row = 0; row < ROWS; row++) {
        if (is_training(world, (int)row)) {
            rows[source.rows++] = row;
        }
    }
    source.row = rows;
    swapped.source = &source;
    scenario.spec->stop_samples = source.rows;
    small_run_init(&run, &swapped, 0);
    ck_assert_msg(run.status == 0, "%s", text_string(&run.error));
    double confidence = 0;
    for (size_t i = 0; i < run.count; i++) {
        confidence +=
            world->source[0]
                .trace->outcomes[run.records[i].row * EXITS + (uint32_t)run.records[i].answer_exit]
                .confidence;
    }
    const double reward = confidence / ASIDE - small_run_metric(&run, "cost_mean");
    char wanted[POLICY_EXPLAIN_ROOM];
    snprintf(wanted, sizeof(wanted), "alpha 0.7, reward %.4g, accuracy %.4g", reward,
             small_run_metric(&run, "accuracy"));
    ck_assert_str_eq(cells[8], wanted);
    small_run_finish(&run);
    small_scenario_finish(&scenario);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("training");

    TCase *rows = tcase_create("rows");
    unit_add_table(rows, training_rows_are_never_simulated, three_orders);
    tcase_add_test(rows, rows_keep_their_order);
    tcase_add_test(rows, arrival_times_stay_with_their_rows);
    tcase_add_test(rows, which_rows_depends_on_the_seed);
    tcase_add_test(rows, training_samples_are_whole_rows);
    tcase_add_test(rows, a_learner_needs_training_rows);
    suite_add_tcase(suite, rows);

    TCase *dimee = tcase_create("dimee");
    unit_add_table(dimee, dimee_chooses_by_reward, lessons);
    unit_add_table(dimee, dimee_sends_to_the_nearest_pool, lessons);
    tcase_add_test(dimee, the_predicted_reward_is_what_a_run_costs);
    suite_add_tcase(suite, dimee);

    return unit_run(suite);
}
