// SPDX-License-Identifier: GPL-3.0-or-later

// Queued lanes by hand: arrivals and services at whole seconds, so that every wait and every end
// can be worked out on paper. Times are exact in binary or compared to a nanosecond.

#include "policies/policy.h"
#include "small_run.h"
#include "tests/unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define TOLERANCE 1e-9

enum { MOST_FATES = 12 };

// One sample's fate. A row of zeros ends a list.
struct fate {
    double ended_s;
    double wait_s;
    int reason;      // -1: answered
    uint32_t device; // whose
    uint32_t index;  // of its samples, from 1
};

struct timeline {
    const char *name;
    const char *yaml;
    struct fate fates[MOST_FATES];
};

#define HEAD(samples) "scenario: byhand\nstop: {samples: " samples "}\nmodels: {task: {}}\n"
// One device at which a sample arrives every so often.
#define DEVICE(samples, period, compute)                                                           \
    HEAD(samples)                                                                                  \
    "tiers:\n"                                                                                     \
    "  - name: device\n"                                                                           \
    "    arrivals: {deterministic: {period: " period "}}\n"                                        \
    "    compute: {" compute "}\n"                                                                 \
    "policy: local\n"

// Three devices of as many classes, with a sample each at 0, 1 and 2 s; the second one is urgent.
#define CLASSES(discipline)                                                                        \
    HEAD("3")                                                                                      \
    "tiers:\n"                                                                                     \
    "  - name: device\n"                                                                           \
    "    classes:\n"                                                                               \
    "      - {name: slow, arrivals: {deterministic: {period: 99 s}}}\n"                            \
    "      - {name: fast, arrivals: {deterministic: {period: 99 s, phase: 1 s}}, priority: 5}\n"   \
    "      - {name: calm, arrivals: {deterministic: {period: 99 s, phase: 2 s}}, priority: 1}\n"   \
    "  - {name: edge, compute: {discipline: " discipline ", time: {task: 4 s}}}\n"                 \
    "links: [{from: device, to: edge}]\n"                                                          \
    "policy: full_offload\n"

#define FAILING(jobs)                                                                              \
    DEVICE("3", "8 s", "time: {task: 6 s}, failures: {every: 10 s, repair: 3 s, jobs: " jobs "}")

static const struct timeline timelines[] = {
    {"priorities", CLASSES("priority"), {{4, 0, -1, 0, 1}, {8, 3, -1, 1, 1}, {12, 6, -1, 2, 1}}},
    {"preemptive priorities",
     CLASSES("preemptive"), // the first has 3 s left when it is disturbed, and is the last to end
     {{12, 8, -1, 0, 1}, {5, 0, -1, 1, 1}, {9, 3, -1, 2, 1}}},
    {"sharing", // one has 3 s left when the other comes, which has 1 s left when the first goes
     DEVICE("2", "1 s", "discipline: sharing, time: {task: 4 s}"),
     {{7, 0, -1, 0, 1}, {8, 0, -1, 0, 2}}},
    {"sharing two servers", // three share two from 2 s on: 2/3 each
     DEVICE("3", "1 s", "discipline: sharing, servers: 2, time: {task: 4 s}"),
     {{5, 0, -1, 0, 1}, {6, 0, -1, 0, 2}, {7, 0, -1, 0, 3}}},
    {"the fastest idle server",
     DEVICE("5", "1 s", "speeds: [1, 2], time: {task: 4 s}"),
     {{2, 0, -1, 0, 1}, {5, 0, -1, 0, 2}, {4, 0, -1, 0, 3}, {6, 1, -1, 0, 4}, {9, 1, -1, 0, 5}}},
    {"batches without waiting", // the first is alone; four of the nine that wait take 22 s
     DEVICE("10", "1 s",
            "batch: {most: 4}, time: {task: {table: {sizes: [1, 4], times: [10 s, 22 s]}}}"),
     {{10, 0, -1, 0, 1},
      {32, 9, -1, 0, 2},
      {32, 8, -1, 0, 3},
      {32, 7, -1, 0, 4},
      {32, 6, -1, 0, 5},
      {54, 27, -1, 0, 6},
      {54, 24, -1, 0, 9},
      {64, 45, -1, 0, 10}}},
    {"batches that wait, between two sizes", // three after 2.5 s: 10 + 12 * 2/3 = 18 s
     DEVICE("3", "1 s",
            "batch: {most: 4, wait: 2.5 s}, "
            "time: {task: {table: {sizes: [1, 4], times: [10 s, 22 s]}}}"),
     {{20.5, 2.5, -1, 0, 1}, {20.5, 1.5, -1, 0, 2}, {20.5, 0.5, -1, 0, 3}}},
    {"batches beyond the last size", // six, full at 5 s: 22 + 2 * 4 = 30 s
     DEVICE("6", "1 s",
            "batch: {most: 6, wait: 99 s}, "
            "time: {task: {table: {sizes: [1, 3, 4], times: [10 s, 18 s, 22 s]}}}"),
     {{35, 5, -1, 0, 1}, {35, 0, -1, 0, 6}}},
    {"batches in proportion", // 5 + 2 * 3 = 11 s
     DEVICE("3", "1 s",
            "batch: {most: 3, wait: 99 s}, time: {task: {linear: {base: 5 s, each: 2 s}}}"),
     {{13, 2, -1, 0, 1}, {13, 0, -1, 0, 3}}},
    {"patience",
     DEVICE("6", "4 s", "patience: 5 s, time: {task: 10 s}"),
     {{10, 0, -1, 0, 1},
      {9, 5, REASON_TIMEOUT, 0, 2},
      {20, 2, -1, 0, 3},
      {17, 5, REASON_TIMEOUT, 0, 4},
      {30, 4, -1, 0, 5},
      {25, 5, REASON_TIMEOUT, 0, 6}}},
    {"patience in a queue",
     DEVICE("6", "4 s", "patience: 5 s, discipline: priority, time: {task: 10 s}"),
     {{10, 0, -1, 0, 1},
      {9, 5, REASON_TIMEOUT, 0, 2},
      {20, 2, -1, 0, 3},
      {17, 5, REASON_TIMEOUT, 0, 4},
      {30, 4, -1, 0, 5},
      {25, 5, REASON_TIMEOUT, 0, 6}}},
    {"just within its patience", // a server is free at the very end
     DEVICE("2", "4 s", "patience: 6 s, discipline: shortest, time: {task: 10 s}"),
     {{10, 0, -1, 0, 1}, {20, 6, -1, 0, 2}}},
    {"failures, resume", // down from 10 to 13 s and from 23 to 26 s
     FAILING("resume"),
     {{6, 0, -1, 0, 1}, {17, 0, -1, 0, 2}, {23, 1, -1, 0, 3}}},
    {"failures, restart",
     FAILING("restart"),
     {{6, 0, -1, 0, 1}, {19, 0, -1, 0, 2}, {32, 3, -1, 0, 3}}},
    {"failures, lose",
     FAILING("lose"),
     {{6, 0, -1, 0, 1}, {10, 0, REASON_FAILURE, 0, 2}, {22, 0, -1, 0, 3}}},
    {"cold starts", // after 7 s without a sample, but not after 5 s
     DEVICE("4", "8 s", "cold_start: {idle: 5 s, time: 2 s}, time: {task: 1 s}"),
     {{1, 0, -1, 0, 1}, {11, 2, -1, 0, 2}, {17, 0, -1, 0, 3}, {27, 2, -1, 0, 4}}},
    {"scaling", // at 10 s a second server is ordered, at 20 s a third; each takes 5 s to come
     DEVICE("6", "4 s",
            "scaling: {most: 4, utilisation: 0.5, every: 10 s, start: 5 s}, time: {task: 10 s}"),
     {{10, 0, -1, 0, 1},
      {20, 6, -1, 0, 2},
      {25, 7, -1, 0, 3},
      {30, 8, -1, 0, 4},
      {35, 9, -1, 0, 5},
      {35, 5, -1, 0, 6}}},
    {"a link that is held back",
     HEAD("3") "samples: {payload: 1 MB}\n"
               "tiers:\n"
               "  - {name: device, arrivals: {deterministic: {period: 1 s}}}\n"
               "  - {name: edge, compute: {room: 0, full: block, time: {task: 10 s}}}\n"
               "links: [{from: device, to: edge, up: 1 MB/s}]\n"
               "policy: full_offload\n",
     {{11, 0, -1, 0, 1}, {22, 10, -1, 0, 2}, {33, 20, -1, 0, 3}}},
    {"a link that is held back before a node that loses its sample", // at 10 s, until 13 s
     HEAD("2") "samples: {payload: 1 MB}\n"
               "tiers:\n"
               "  - {name: device, arrivals: {deterministic: {period: 1 s}}}\n"
               "  - name: edge\n"
               "    compute:\n"
               "      room: 0\n"
               "      full: block\n"
               "      failures: {every: 10 s, repair: 3 s, jobs: lose}\n"
               "      time: {task: 9500 ms}\n"
               "links: [{from: device, to: edge, up: 1 MB/s}]\n"
               "policy: full_offload\n",
     {{10, 0, REASON_FAILURE, 0, 1}, {22.5, 11, -1, 0, 2}}},
    {"nodes in turns, and the way beyond them", // two links from the edge instead of one
     HEAD("3") "samples: {payload: 1 MB}\n"
               "tiers:\n"
               "  - {name: device, arrivals: {deterministic: {period: 1 s}}}\n"
               "  - {name: edge, nodes: 2, balance: round_robin}\n"
               "  - {name: cloud, compute: {servers: 9, time: {task: 1 s}}}\n"
               "links:\n"
               "  - {from: device, to: edge}\n"
               "  - {from: edge, to: cloud, up: 100 kB/s}\n"
               "policy: full_offload\n",
     {{11, 0, -1, 0, 1}, {12, 0, -1, 0, 2}, {21, 8, -1, 0, 3}}},
};

START_TEST(fates_are_those_on_paper)
{
    const struct timeline *line = &timelines[_i];
    struct small_scenario scenario;
    struct small_run run;
    small_run_of(&scenario, &run, line->yaml);
    for (const struct fate *fate = line->fates; fate < line->fates + MOST_FATES && fate->index;
         fate++) {
        const struct sample_record *record = small_run_find(&run, fate->device, fate->index - 1);
        ck_assert_msg(fabs(record->ended_s - fate->ended_s) < TOLERANCE,
                      "%s: sample %u of device %u ends at %.17g s, not %g s", line->name,
                      fate->index, fate->device, record->ended_s, fate->ended_s);
        ck_assert_msg(fabs(record->wait_s - fate->wait_s) < TOLERANCE,
                      "%s: sample %u of device %u waits for %.17g s, not %g s", line->name,
                      fate->index, fate->device, record->wait_s, fate->wait_s);
        ck_assert_msg(record->reason == fate->reason, "%s: sample %u of device %u: reason %d",
                      line->name, fate->index, fate->device, record->reason);
    }
    small_run_finish(&run);
    small_scenario_finish(&scenario);
}
END_TEST

START_TEST(services_that_never_end_are_told)
{
    struct small_scenario scenario;
    struct small_run run;
    small_scenario_init(&scenario,
                        DEVICE("2", "1 s",
                               "time: {task: 6 s}, "
                               "failures: {every: 5 s, repair: 1 s, jobs: restart}"),
                        NULL, NULL);
    small_run_init(&run, small_scenario_world(&scenario, 0), 0);
    ck_assert_int_eq(run.status, -1);
    ck_assert_str_eq(text_string(&run.error),
                     "a node of tier 'device' has failed 1000000 times, and no service that it "
                     "began has ended in between: with 'jobs: restart' it must work for as long as "
                     "one takes (at time 5999999 s, seed 1, replication 0)");
    small_run_finish(&run);
    small_scenario_finish(&scenario);
}
END_TEST

// ---- who is served together ----

// Computes the model whose number is the parity of the second of arrival.
static struct policy_action take_turns(const struct policy_world *world, const void *parameters,
                                       const void *plan, void *state,
                                       const struct policy_view *view)
{
    (void)parameters;
    (void)plan;
    (void)state;
    if (view->latest) {
        return policy_answer(view->latest->exit);
    }
    const int model = (int)view->arrival_s % 2;
    return policy_compute(model, policy_last_layer(world, model));
}

static const struct policy_type turns = {
    .api = POLICY_API_VERSION,
    .name = "turns",
    .summary = "computes one of two models, by turns",
    .paper = "",
    .example = "turns",
    .decide = take_turns,
};

START_TEST(batches_mix_no_models)
{
    // Even seconds: model a; odd seconds: b. Pairs wait for their second sample, and the pair whose
    // first sample is older goes first: a at 2 s, then b (1 and 3 s) at 12 s, a (4 and 6 s), ...
    static const char yaml[] =
        "scenario: mixing\n"
        "stop: {samples: 8}\n"
        "models: {a: {}, b: {}}\n"
        "tiers:\n"
        "  - name: device\n"
        "    arrivals: {deterministic: {period: 1 s}}\n"
        "    compute: {batch: {most: 2, wait: 99 s}, time: {a: 10 s, b: 20 s}}\n"
        "policy: turns\n";
    static const double ends_s[] = {12, 32, 12, 32, 42, 62, 42, 62};
    struct small_scenario scenario;
    struct small_run run;
    small_scenario_init(&scenario, yaml, NULL, &turns);
    small_run_init(&run, small_scenario_world(&scenario, 0), 0);
    for (uint32_t i = 0; i < 8; i++) {
        ck_assert_double_eq_tol(small_run_find(&run, 0, i)->ended_s, ends_s[i], TOLERANCE);
    }
    small_run_finish(&run);
    small_scenario_finish(&scenario);
}
END_TEST

// ---- energy ----

static const struct {
    const char *yaml;
    double joules; // of the device, with 1 W of idle power until the last arrival
    double busy_s;
} energies[] = {
    // The first is alone and slow (4 s at 2 W more), the second meets the third and is fast (2 s at
    // 8 W more), the third is alone again.
    {DEVICE("3", "1 s",
            "time: {task: 2 s}, power: {idle: 1 W}, steps: [{speed: 0.5, active: 3 W, "
            "most_present: 1}, {speed: 1, active: 9 W}]"),
     8 + 16 + 8 + 2, 4 + 2 + 4},
    // Three together take 11 s at 6 W more, which they share.
    {DEVICE("3", "1 s",
            "batch: {most: 3, wait: 99 s}, time: {task: {linear: {base: 5 s, each: 2 s}}}, "
            "power: {idle: 1 W, active: 7 W}"),
     66 + 2, 11},
    // Work done before a failure takes energy, the repair does not.
    {DEVICE("3", "8 s",
            "time: {task: 6 s}, failures: {every: 10 s, repair: 3 s, jobs: resume}, "
            "power: {idle: 1 W, active: 3 W}"),
     36 + 16, 18},
    {DEVICE("3", "8 s",
            "time: {task: 6 s}, failures: {every: 10 s, repair: 3 s, jobs: restart}, "
            "power: {idle: 1 W, active: 3 W}"),
     2 * (6 + 2 + 6 + 4 + 6) + 16, 6 + 2 + 6 + 4 + 6},
    {DEVICE("3", "8 s",
            "time: {task: 6 s}, failures: {every: 10 s, repair: 3 s, jobs: lose}, "
            "power: {idle: 1 W, active: 3 W}"),
     2 * (6 + 2 + 6) + 16, 14},
    {DEVICE("3", "1 s", "discipline: sharing, time: {task: 4 s}, power: {idle: 1 W, active: 3 W}"),
     24 + 2, 12},
    // The faster server takes half the time.
    {DEVICE("2", "1 s", "speeds: [1, 2], time: {task: 4 s}, power: {idle: 1 W, active: 5 W}"),
     2 * 2 + 2 * 4 + 1, 6},
};

START_TEST(energy_is_that_of_the_work)
{
    struct small_scenario scenario;
    struct small_run run;
    small_run_of(&scenario, &run, energies[_i].yaml);
    ck_assert_double_eq_tol(small_run_counter(&run, "energy_j.device"), energies[_i].joules,
                            TOLERANCE);
    ck_assert_double_eq_tol(small_run_counter(&run, "busy_s.device"), energies[_i].busy_s,
                            TOLERANCE);
    small_run_finish(&run);
    small_scenario_finish(&scenario);
}
END_TEST

// ---- the servers in use ----

START_TEST(servers_in_use_are_averaged)
{
    // As on paper above: one server until 15 s, two until 20 s, where the window ends.
    struct small_scenario scenario;
    struct small_run run;
    small_run_of(&scenario, &run,
                 DEVICE("6", "4 s",
                        "scaling: {most: 4, utilisation: 0.5, every: 10 s, start: 5 s}, "
                        "time: {task: 10 s}"));
    ck_assert_double_eq_tol(small_run_metric(&run, "servers_mean.device"), 25.0 / 20, TOLERANCE);
    ck_assert_double_eq_tol(small_run_metric(&run, "utilisation.device"), 1, TOLERANCE);
    small_run_finish(&run);
    small_scenario_finish(&scenario);
}
END_TEST

// ---- a queue that does what a plain one does ----

#define RANDOM(compute)                                                                            \
    "scenario: same\nstop: {samples: 20000}\nmodels: {task: {}}\n"                                 \
    "tiers:\n"                                                                                     \
    "  - name: device\n"                                                                           \
    "    arrivals: {poisson: 1.8 /s}\n"                                                            \
    "    compute: {" compute ", time: {task: {gamma: {mean: 1 s, cv: 1.5}}}}\n"                    \
    "policy: local\n"

static const struct {
    const char *plain;
    const char *queued;
} pairs[] = {
    {RANDOM("servers: 2"), RANDOM("speeds: [1, 1]")},
    {RANDOM("servers: 2"), RANDOM("servers: 2, discipline: priority")},
    {RANDOM("servers: 2"), RANDOM("servers: 2, discipline: preemptive")},
    {RANDOM("servers: 2"), RANDOM("servers: 2, discipline: shortest")}, // all expect the same
    {RANDOM("servers: 2"), RANDOM("servers: 2, failures: {every: 1000 h, repair: 1 s}")},
    {RANDOM("servers: 2"),
     RANDOM("servers: 2, scaling: {least: 2, most: 2, queue: 1, every: 9 s}")},
    {RANDOM("servers: 2, room: 3"), RANDOM("speeds: [1, 1], room: 3")},
    {RANDOM("servers: 2, patience: 2 s"), RANDOM("speeds: [1, 1], patience: 2 s")},
};

START_TEST(queues_agree_with_plain_lanes)
{
    struct small_scenario scenario[2];
    struct small_run run[2];
    small_run_of(&scenario[0], &run[0], pairs[_i].plain);
    small_run_of(&scenario[1], &run[1], pairs[_i].queued);
    small_run_sort(&run[0]);
    small_run_sort(&run[1]);
    ck_assert_uint_eq(run[0].count, run[1].count);
    size_t waited = 0;
    for (size_t i = 0; i < run[0].count; i++) {
        const struct sample_record *a = &run[0].records[i];
        const struct sample_record *b = &run[1].records[i];
        ck_assert_msg(fabs(a->ended_s - b->ended_s) < TOLERANCE, "sample %zu ends at %.17g, %.17g",
                      i, a->ended_s, b->ended_s);
        ck_assert_double_eq_tol(a->wait_s, b->wait_s, TOLERANCE);
        ck_assert_int_eq(a->reason, b->reason);
        waited += a->wait_s > 0;
    }
    ck_assert_uint_gt(waited, run[0].count / 4);
    static const char *const metrics[] = {"utilisation.device",  "offered_load.device",
                                          "queue_mean.device",   "present_mean.device",
                                          "wait_mean_s.device",  "arrival_rate_per_s.device",
                                          "device_energy_mean_j"};
    for (int i = 0; i < UNIT_COUNT(metrics); i++) {
        ck_assert_double_eq_tol(small_run_metric(&run[0], metrics[i]),
                                small_run_metric(&run[1], metrics[i]), 1e-8);
    }
    for (int i = 0; i < 2; i++) {
        small_run_finish(&run[i]);
        small_scenario_finish(&scenario[i]);
    }
}
END_TEST

// ---- what policies see ----

enum { VIEWS = 5000 };

struct seen {
    double queues[VIEWS];
    double backlogs_s[VIEWS];
    int count;
};

static struct seen seen[2];
static struct seen *noting;

static struct policy_action note_and_compute(const struct policy_world *world,
                                             const void *parameters, const void *plan, void *state,
                                             const struct policy_view *view)
{
    (void)parameters;
    (void)plan;
    (void)state;
    if (view->latest) {
        return policy_answer(view->latest->exit);
    }
    if (noting->count < VIEWS) {
        noting->queues[noting->count] = view->queue;
        noting->backlogs_s[noting->count++] = view->backlog_s;
    }
    return policy_compute(0, policy_last_layer(world, 0));
}

static const struct policy_type noter = {
    .api = POLICY_API_VERSION,
    .name = "noter",
    .summary = "notes what it sees",
    .paper = "",
    .example = "noter",
    .decide = note_and_compute,
};

START_TEST(a_queue_shows_its_backlog)
{
    // With one server the backlog of a first-in-first-out queue is all the work that is there.
    static const char *const computes[] = {"servers: 1", "speeds: [1]"};
    for (int i = 0; i < 2; i++) {
        char yaml[512];
        snprintf(yaml, sizeof(yaml),
                 "scenario: seen\nstop: {samples: %d}\nmodels: {task: {}}\n"
                 "tiers:\n"
                 "  - name: device\n"
                 "    arrivals: {poisson: 0.8 /s}\n"
                 "    compute: {%s, time: {task: {exponential: 1 s}}}\n"
                 "policy: noter\n",
                 VIEWS, computes[i]);
        struct small_scenario scenario;
        struct small_run run;
        seen[i].count = 0;
        noting = &seen[i];
        small_scenario_init(&scenario, yaml, NULL, &noter);
        small_run_init_long(&run, small_scenario_world(&scenario, 0), 0);
        ck_assert_int_eq(run.status, 0);
        small_run_finish(&run);
        small_scenario_finish(&scenario);
    }
    ck_assert_int_eq(seen[0].count, VIEWS);
    ck_assert_int_eq(seen[1].count, VIEWS);
    int waiting = 0;
    for (int i = 0; i < VIEWS; i++) {
        ck_assert_double_eq(seen[0].queues[i], seen[1].queues[i]);
        ck_assert_double_eq_tol(seen[0].backlogs_s[i], seen[1].backlogs_s[i], 1e-7);
        waiting += seen[0].backlogs_s[i] > 0;
    }
    ck_assert_int_gt(waiting, VIEWS / 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("servers");

    TCase *paper = tcase_create("by hand");
    unit_add_table(paper, fates_are_those_on_paper, timelines);
    tcase_add_test(paper, services_that_never_end_are_told);
    tcase_add_test(paper, batches_mix_no_models);
    unit_add_table(paper, energy_is_that_of_the_work, energies);
    tcase_add_test(paper, servers_in_use_are_averaged);
    suite_add_tcase(suite, paper);

    TCase *same = tcase_create("like plain lanes");
    unit_add_table(same, queues_agree_with_plain_lanes, pairs);
    tcase_add_test(same, a_queue_shows_its_backlog);
    tcase_set_timeout(same, 30);
    suite_add_tcase(suite, same);

    return unit_run(suite);
}
