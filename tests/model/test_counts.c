// SPDX-License-Identifier: GPL-3.0-or-later

// What a run counts: from the warm-up on and within the window, every sample once, and without
// memory for those that are gone.

#include "policies/policy.h"
#include "small_run.h"
#include "tests/unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <sys/resource.h>

#define EXACT 1e-12

// ---- warm-up ----

// A sample a second from each device, half a second of service: the averages over time do not
// depend on where the window lies, what is counted does.
#define WARMUP(stop, warmup, nodes)                                                                \
    "scenario: warmup\n"                                                                           \
    "stop: {" stop "}\n"                                                                           \
    "warmup: " warmup "\n"                                                                         \
    "models: {task: {}}\n"                                                                         \
    "tiers:\n"                                                                                     \
    "  - name: device\n"                                                                           \
    "    nodes: " nodes "\n"                                                                       \
    "    arrivals: {deterministic: {period: 1 s}}\n"                                               \
    "    compute: {servers: 2, time: {task: 500 ms}, power: {active: 8 W, idle: 2 W}}\n"           \
    "policy: local\n"

static const struct {
    const char *yaml;
    int offered; // in all
    int cut;     // of them, not counted
    double from_s;
    double to_s;
} warmups[] = {
    {WARMUP("samples: 20", "none", "1"), 20, 0, 0, 19},
    {WARMUP("samples: 20", "{samples: 0}", "1"), 20, 0, 0, 19},
    {WARMUP("samples: 20", "{samples: 5}", "1"), 20, 5, 5, 19},
    {WARMUP("samples: 20", "{time: 5 s}", "1"), 20, 5, 5, 19},
    {WARMUP("samples: 20", "{time: 5.25 s}", "1"), 20, 6, 5.25, 19},
    {WARMUP("time: 30 s", "{time: 10 s}", "1"), 31, 10, 10, 30},
    {WARMUP("time: 30.5 s", "{samples: 7}", "1"), 31, 7, 7, 30.5},
    // Four samples arrive at each second, and the warm-up ends among them.
    {WARMUP("samples: 40", "{samples: 6}", "4"), 40, 6, 1, 9},
    {WARMUP("samples: 38", "{time: 1 s}", "4"), 38, 4, 1, 9},
};

START_TEST(warmup_cuts_what_it_says)
{
    struct small_scenario scenario;
    struct small_run run;
    small_run_of(&scenario, &run, warmups[_i].yaml);
    const double counted = warmups[_i].offered - warmups[_i].cut;
    ck_assert_uint_eq(run.result.offered, (uint64_t)warmups[_i].offered);
    ck_assert_uint_eq(run.result.answered, (uint64_t)warmups[_i].offered);
    ck_assert_uint_eq(run.count, (size_t)warmups[_i].offered);
    ck_assert_double_eq(small_run_counter(&run, "offered"), counted);
    ck_assert_double_eq(small_run_counter(&run, "answered"), counted);
    ck_assert_double_eq(small_run_counter(&run, "layers.device"), counted);
    ck_assert_double_eq(small_run_counter(&run, "calls.task"), counted);
    ck_assert_double_eq(small_run_counter(&run, "busy_s.device"), counted / 2);
    const int nodes = scenario.spec->tiers[0].nodes;
    for (size_t i = 0; i < run.count; i++) {
        const struct sample_record *record = &run.records[i];
        const uint64_t number = record->index * (uint64_t)nodes + record->device;
        ck_assert_int_eq(record->is_counted, number >= (uint64_t)warmups[_i].cut);
    }
    const double window_s = warmups[_i].to_s - warmups[_i].from_s;
    ck_assert_double_eq_tol(run.result.window_s, window_s, EXACT);
    // A node's server adds half of what lies between idle and active.
    ck_assert_double_eq_tol(small_run_counter(&run, "energy_j.device"),
                            3 * counted / 2 + 2 * nodes * window_s, EXACT);
    if (window_s == floor(window_s)) {
        ck_assert_double_eq_tol(small_run_metric(&run, "utilisation.device"), 0.25, EXACT);
        ck_assert_double_eq_tol(small_run_metric(&run, "present_mean.device"), 0.5 * nodes, EXACT);
    }
    small_run_finish(&run);
    small_scenario_finish(&scenario);
}
END_TEST

// Samples that wait and are served across the ends of the window count with their part in it.
// Service takes 1.5 s on one server, arrivals come each second, the window is [4 s, 9 s].
START_TEST(window_cuts_visits)
{
    struct small_scenario scenario;
    struct small_run run;
    small_run_of(&scenario, &run,
                 "scenario: window\n"
                 "stop: {samples: 10}\n"
                 "warmup: {samples: 4}\n"
                 "models: {task: {}}\n"
                 "tiers:\n"
                 "  - name: device\n"
                 "    arrivals: {deterministic: {period: 1 s}}\n"
                 "    compute: {time: {task: 1.5 s}}\n"
                 "policy: local\n");
    // Sample k starts at 1.5 k, so it waits during [k, 1.5 k].
    double queue_s = 0;
    double wait_s = 0;
    for (int k = 0; k < 10; k++) {
        queue_s += fmax(fmin(1.5 * k, 9) - fmax(k, 4), 0);
        wait_s += k >= 4 ? 0.5 * k : 0;
    }
    ck_assert_double_eq_tol(small_run_metric(&run, "queue_mean.device"), queue_s / 5, EXACT);
    ck_assert_double_eq_tol(small_run_metric(&run, "utilisation.device"), 1, EXACT);
    ck_assert_double_eq_tol(small_run_metric(&run, "wait_mean_s.device"), wait_s / 6, EXACT);
    ck_assert_double_eq_tol(small_run_metric(&run, "offered_load.device"), 6 * 1.5 / 5, EXACT);
    // Answers at 4.5, 6, 7.5 and 9 s fall into it.
    ck_assert_double_eq_tol(small_run_metric(&run, "throughput_per_s"), 4.0 / 5, EXACT);
    small_run_finish(&run);
    small_scenario_finish(&scenario);
}
END_TEST

// The window ends with the last arrival also where the arrivals come from a trace that is shorter
// than the stop: one server is busy throughout, two samples wait for 1 and 0 s of the 2.
START_TEST(window_ends_with_a_trace_of_arrivals)
{
    struct small_scenario scenario;
    struct small_run run;
    static const char *const stops[] = {"samples: 3", "samples: 100", "time: 2 s"};
    char yaml[1024];
    snprintf(yaml, sizeof(yaml),
             "scenario: window\n"
             "stop: {%s}\n"
             "samples: {trace: trace.csv, order: as_is}\n"
             "models: {task: {exits: {end: {confidence: conf, correct: ok}}}}\n"
             "tiers:\n"
             "  - name: device\n"
             "    arrivals: {trace: {column: at}}\n"
             "    compute: {time: {task: 10 s}}\n"
             "policy: local\n",
             stops[_i]);
    // A zero may have a sign.
    small_scenario_init(&scenario, yaml, "at,conf,ok\n-0,1,1\n1,1,1\n2,1,1\n", NULL);
    small_run_init(&run, small_scenario_world(&scenario, 0), 0);
    ck_assert_uint_eq(run.result.answered, 3);
    ck_assert_double_eq_tol(run.result.window_s, 2, EXACT);
    ck_assert_double_eq_tol(small_run_metric(&run, "utilisation.device"), 1, EXACT);
    ck_assert_double_eq_tol(small_run_metric(&run, "queue_mean.device"), 0.5, EXACT);
    ck_assert_double_eq_tol(small_run_metric(&run, "throughput_per_s"), 0, EXACT);
    ck_assert_double_eq_tol(small_run_metric(&run, "latency_mean_s"), (10 + 19 + 28) / 3.0, EXACT);
    small_run_finish(&run);
    small_scenario_finish(&scenario);
}
END_TEST

// ---- none lost ----

// Drops every third sample of a device, each for one of two reasons.
static struct policy_action decide_picky(const struct policy_world *world, const void *given,
                                         const void *plan, void *state,
                                         const struct policy_view *view)
{
    (void)given;
    (void)plan;
    if (view->computations) {
        return policy_answer(policy_last_exit(world, 0));
    }
    const int number = (*(int *)state)++;
    return number % 3 == 2 ? policy_drop(number % 2) : policy_compute(0, 0);
}

static const char *const picky_reasons[] = {"odd", "even", NULL};
static const struct policy_type policy_picky = {.api = POLICY_API_VERSION,
                                                .name = "picky",
                                                .summary = "test",
                                                .state_bytes = sizeof(int),
                                                .reasons = picky_reasons,
                                                .decide = decide_picky};

#define NONE_LOST(stop, samples, arrivals, compute, link, policy)                                  \
    "scenario: conservation\n"                                                                     \
    "stop: {" stop "}\n"                                                                           \
    "warmup: {samples: 2}\n"                                                                       \
    "samples: {trace: trace.csv, order: " samples ", payload: 100 kB, answer: 100 kB}\n"           \
    "models: {task: {exits: {end: {confidence: conf, correct: ok}}}}\n"                            \
    "tiers:\n"                                                                                     \
    "  - {name: device, nodes: 4, arrivals: " arrivals ", compute: {time: {task: " compute "}}}\n" \
    "  - {name: edge, compute: {servers: 3, room: 2, time: {task: {exponential: 500 ms}}}}\n"      \
    "links:\n"                                                                                     \
    "  - {from: device, to: edge, count: 2, up: 900 kB/s, down: 900 kB/s" link "}\n"               \
    "policy: " policy "\n"
#define POISSON "{poisson: 2 /s}"
#define SERVICE "{exponential: 300 ms}"

static const char lost_trace[] = "at,conf,ok\n"
                                 "0.5,0.9,1\n0.75,0.1,0\n1,0.3,1\n1,0.6,1\n1.5,0.7,0\n9,0.2,1\n";

static const struct {
    const char *name;
    const char *yaml;
    const struct policy_type *policy;
    int offered; // -1: not known beforehand
    int reasons; // of drops that happen
} flows[] = {
    {"local", NONE_LOST("samples: 3000", "shuffle", POISSON, SERVICE, "", "local"), NULL, 3000, 0},
    {"finite room of a server",
     NONE_LOST("samples: 3000", "shuffle", POISSON, SERVICE, "", "full_offload"), NULL, 3000, 1},
    {"finite room of a link",
     NONE_LOST("samples: 3000", "shuffle", POISSON, SERVICE, ", room: 0, delay: 1 s",
               "{hi_threshold: {theta: [0.5]}}"),
     NULL, 3000, 1},
    {"stopped by time",
     NONE_LOST("time: 300 s", "resample", POISSON, SERVICE, "", "{random: {p: 0.6}}"), NULL, -1, 1},
    {"closed loop",
     NONE_LOST("samples: 3000", "shuffle", "{closed: {in_flight: 5, think: {exponential: 1 s}}}",
               SERVICE, "", "{random: {p: 0.6}}"),
     NULL, 3000, 1},
    {"closed loop without thinking, stopped by time",
     NONE_LOST("time: 300 s", "shuffle", "{closed: {in_flight: 2}}", SERVICE, "", "oracle"), NULL,
     -1, 0},
    {"arrivals of a trace",
     NONE_LOST("samples: 100", "as_is", "{trace: {column: at}}", SERVICE, "", "local"), NULL, 6, 0},
    {"arrivals of a trace, stopped before its end",
     NONE_LOST("samples: 5", "as_is", "{trace: {column: at}}", SERVICE, "", "local"), NULL, 5, 0},
    {"arrivals of a trace, stopped by time",
     NONE_LOST("time: 1 s", "as_is", "{trace: {column: at}}", SERVICE, "", "local"), NULL, 4, 0},
    {"dropped by the policy", NONE_LOST("samples: 3000", "shuffle", POISSON, SERVICE, "", "picky"),
     &policy_picky, 3000, 2},
};

START_TEST(none_is_lost)
{
    struct small_scenario scenario;
    struct small_run run;
    small_scenario_init(&scenario, flows[_i].yaml, lost_trace, flows[_i].policy);
    small_run_init(&run, small_scenario_world(&scenario, 0), 0);
    ck_assert_msg(run.status == 0, "%s: %s", flows[_i].name, text_string(&run.error));
    const struct replication_result *result = &run.result;
    ck_assert_uint_eq(result->offered, result->answered + result->dropped + result->in_flight);
    ck_assert_uint_eq(result->in_flight, 0);
    ck_assert_uint_eq(run.count, result->offered);
    if (flows[_i].offered >= 0) {
        ck_assert_uint_eq(result->offered, (uint64_t)flows[_i].offered);
    }
    // The counters say the same of the samples behind the warm-up.
    const struct world *world = run.world;
    uint64_t counted = 0;
    uint64_t answered = 0;
    for (size_t i = 0; i < run.count; i++) {
        counted += run.records[i].is_counted;
        answered += run.records[i].is_counted && run.records[i].reason < 0;
        ck_assert_int_eq(run.records[i].reason < 0, run.records[i].answer_exit >= 0);
    }
    double at_tiers = 0;
    for (int tier = 0; tier < world->tiers; tier++) {
        at_tiers += result->counters[world->counters.answered_at + tier];
    }
    double for_reasons = 0;
    int reasons = 0;
    for (int reason = 0; reason < world->reasons; reason++) {
        const double dropped = result->counters[world->counters.dropped_for + reason];
        for_reasons += dropped;
        reasons += dropped > 0;
    }
    ck_assert_uint_eq(counted, result->offered - 2);
    ck_assert_double_eq(result->counters[COUNTER_OFFERED], (double)counted);
    ck_assert_double_eq(result->counters[COUNTER_ANSWERED], (double)answered);
    ck_assert_double_eq(result->counters[COUNTER_DROPPED], (double)(counted - answered));
    ck_assert_double_eq(result->counters[COUNTER_CORRECT] + result->counters[COUNTER_ERRORS],
                        (double)answered);
    ck_assert_double_eq(at_tiers, (double)answered);
    ck_assert_double_eq(for_reasons, (double)(counted - answered));
    ck_assert_int_eq(reasons, flows[_i].reasons);
    small_run_finish(&run);
    small_scenario_finish(&scenario);
}
END_TEST

// ---- memory ----

static long most_resident_kb(void)
{
    struct rusage usage;
    ck_assert_int_eq(getrusage(RUSAGE_SELF, &usage), 0);
    return usage.ru_maxrss;
}

// Memory grows with what is in flight, not with what was simulated: a run of 20 times as many
// samples must not raise the most that this process ever had in memory. A megabyte is allowed for
// how coarsely systems count; it is less than 3 bytes for each of the samples more.
START_TEST(memory_does_not_grow_with_samples)
{
    static const char *const policies[] = {"local", "{random: {p: 0.5}}"};
    long resident_kb[2];
    for (int i = 0; i < 2; i++) {
        char yaml[1024];
        snprintf(yaml, sizeof(yaml),
                 "scenario: memory\n"
                 "stop: {samples: %d}\n"
                 "samples: {payload: {exponential: 500 kB}, answer: 1 kB}\n"
                 "models: {task: {}}\n"
                 "tiers:\n"
                 "  - {name: device, arrivals: {poisson: 1 /s},\n"
                 "     compute: {room: 20, time: {task: {exponential: 600 ms}}}}\n"
                 "  - {name: edge, compute: {servers: 2, time: {task: {exponential: 900 ms}}}}\n"
                 "links:\n"
                 "  - {from: device, to: edge, up: 1 MB/s, down: 1 MB/s, delay: 5 s}\n"
                 "policy: %s\n",
                 i == 0 ? 20000 : 400000, policies[_i]);
        struct small_scenario scenario;
        struct small_run run;
        small_scenario_init(&scenario, yaml, NULL, NULL);
        small_run_init_long(&run, small_scenario_world(&scenario, 0), 0);
        ck_assert_uint_eq(run.result.answered + run.result.dropped, i == 0 ? 20000 : 400000);
        small_run_finish(&run);
        small_scenario_finish(&scenario);
        resident_kb[i] = most_resident_kb();
    }
    ck_assert_int_le(resident_kb[1] - resident_kb[0], 1024);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("counts");

    TCase *warmup = tcase_create("warm-up and window");
    unit_add_table(warmup, warmup_cuts_what_it_says, warmups);
    tcase_add_test(warmup, window_cuts_visits);
    tcase_add_loop_test(warmup, window_ends_with_a_trace_of_arrivals, 0, 3);
    suite_add_tcase(suite, warmup);

    TCase *flow = tcase_create("none lost");
    unit_add_table(flow, none_is_lost, flows);
    suite_add_tcase(suite, flow);

    TCase *memory = tcase_create("memory");
    tcase_add_loop_test(memory, memory_does_not_grow_with_samples, 0, 2);
    tcase_set_timeout(memory, 60);
    suite_add_tcase(suite, memory);

    return unit_run(suite);
}
