// SPDX-License-Identifier: GPL-3.0-or-later

// Runs without an event queue, held against the same runs with one: everything is the same to the
// bit. tests/property does so for random scenarios; here are the corners, and what cannot go this
// way.

#include "model/pipeline.h"
#include "small_run.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

static const char trace[] = "a_conf,a_ok,b_conf,b_ok,c_conf,c_ok,bytes,service,tag\n"
                            "0.9,1,0.95,1,1,1,1000,0.1,x\n"
                            "0.4,0,0.8,1,1,1,2000,0.5,y\n"
                            "0.7,1,0.6,0,1,1,1500,0.2,x\n"
                            "0.1,0,0.2,0,1,0,8000,0.9,z\n"
                            "0.6,0,0.9,1,1,1,500,0.3,y\n";

// Three tiers; a small model with two exits, and a large one.
#define WORLD(run, samples, device, edge, link, rest)                                              \
    "scenario: both-ways\n" run "samples: {trace: trace.csv, " samples "}\n"                       \
    "models:\n"                                                                                    \
    "  small:\n"                                                                                   \
    "    layers: 2\n"                                                                              \
    "    exits: {first: {after: 1, confidence: a_conf, correct: a_ok},\n"                          \
    "            last: {confidence: b_conf, correct: b_ok}}\n"                                     \
    "  large: {exits: {end: {confidence: c_conf, correct: c_ok}}}\n"                               \
    "tiers:\n"                                                                                     \
    "  - {name: device, " device "}\n"                                                             \
    "  - {name: edge, " edge "}\n"                                                                 \
    "links:\n"                                                                                     \
    "  - {from: device, to: edge, " link "}\n" rest

#define RUN "seed: 3\nstop: {samples: 3000}\nwarmup: {samples: 200}\n"
#define SAMPLES "order: shuffle, payload: {column: bytes}, answer: 100 B, deadline: 2 s"
#define DEVICE                                                                                     \
    "nodes: 3, arrivals: {poisson: 1 /s}, compute: {time: {small: [{exponential: 0.1 s}, "         \
    "{exponential: 0.2 s}]}, "                                                                     \
    "power: {active: 2 W, idle: 1 W}}"
#define EDGE "compute: {servers: 2, time: {large: {lognormal: {mean: 0.3 s, cv: 1}}}}"
#define LINK "count: 1, up: 20 kB/s, down: 20 kB/s, delay: {uniform: {from: 0 s, to: 0.4 s}}"
#define BATCHES                                                                                    \
    "compute: {servers: 2, batch: {most: 4, wait: 0.2 s}, power: {active: 9 W, idle: 2 W}, time: " \
    "{large: {linear: {base: 0.3 s, each: 0.1 s}}}}"
#define TWO_AND_THREE                                                                              \
    "classes: [{name: two, nodes: 2, arrivals: {poisson: 1 /s}, compute: {time: {small: [0.1 s, "  \
    "0.1 s]}}}, {name: three, nodes: 3, arrivals: {poisson: 1 /s}, compute: {time: {small: "       \
    "[0.2 s, 0.1 s]}}}]"
#define HI "policy: {ee_hi: {thresholds: 0.85, theta: 0.7}}\n"

static const struct {
    const char *name;
    const char *yaml;
} worlds[] = {
    {"early exits, which come back to the device", WORLD(RUN, SAMPLES, DEVICE, EDGE, LINK, HI)},
    {"one device", WORLD(RUN, SAMPLES,
                         "arrivals: {poisson: 2 /s}, compute: {time: {small: [{gamma: {mean: 0.2 "
                         "s, cv: 0.7}}, 0.1 s]}}",
                         EDGE, LINK, HI)},
    {"more devices than are asked one by one",
     WORLD(RUN, SAMPLES,
           "nodes: 1500, arrivals: {poisson: 0.002 /s}, compute: {time: {small: [1 s, 0.5 s]}}",
           EDGE, LINK, HI)},
    {"arrivals and services at the same instants",
     WORLD(RUN, SAMPLES,
           "nodes: 7, arrivals: {deterministic: {period: 1 s, phase: 0 s}}, compute: {time: "
           "{small: [0.25 s, 0.5 s]}}",
           "compute: {time: {large: 0.25 s}}", "count: 1, delay: 0.5 s", HI)},
    {"no time at all but on the way",
     WORLD(RUN, SAMPLES,
           "nodes: 5, arrivals: {deterministic: {period: 1 s, phase: 0 s}}, compute: {time: "
           "{small: [0 s, 0 s]}}",
           "compute: {time: {large: 0 s}}", "count: 2, up: 1 kB/s", HI)},
    {"an overloaded edge",
     WORLD(RUN, SAMPLES, DEVICE, "compute: {time: {large: {exponential: 2 s}}}", LINK, HI)},
    {"stopped by time",
     WORLD("stop: {time: 400 s}\nwarmup: {time: 30 s}\n", SAMPLES, DEVICE, EDGE, LINK, HI)},
    {"a warm-up that is found",
     WORLD("stop: {samples: 4000}\nwarmup: auto\n", SAMPLES, DEVICE, EDGE, LINK, HI)},
    {"payloads that are drawn",
     WORLD(RUN, "order: resample, payload: {exponential: 2 kB}, answer: 100 B", DEVICE, EDGE, LINK,
           "policy: {random: {p: 0.5}}\n")},
    {"two classes",
     WORLD(
         RUN, SAMPLES,
         "classes: [{name: slow, nodes: 2, arrivals: {poisson: 1 /s}, deadline: 1 s, compute: "
         "{time: {small: [{exponential: 0.2 s}, 0.1 s]}}}, {name: fast, nodes: 3, arrivals: {mmpp: "
         "{rates: [0.5 /s, 3 /s], stays: [4 s, 2 s]}}, compute: {time: {small: [0.1 s, 0.2 s]}}}]",
         EDGE, LINK, HI)},
    {"two classes, one of which has as many devices as there are nodes at the edge",
     WORLD(RUN, SAMPLES, TWO_AND_THREE,
           "nodes: 2, compute: {time: {large: {exponential: 0.4 s}}}", "delay: 0.1 s", HI)},
    {"the same, the other class",
     WORLD(RUN, SAMPLES, TWO_AND_THREE,
           "nodes: 3, compute: {time: {large: {exponential: 0.4 s}}}", "delay: 0.1 s", HI)},
    {"rates that change",
     WORLD(RUN, SAMPLES, DEVICE, EDGE,
           "count: 1, up: {steps: {times: [0 s, 60 s], rates: [3 kB/s, 50 kB/s]}}", HI)},
    {"batches", WORLD(RUN, SAMPLES, DEVICE, BATCHES, LINK, HI)},
    {"batches of nodes, that are answered there",
     WORLD(RUN, "order: resample, payload: {column: bytes}", DEVICE, "nodes: 2, " BATCHES, LINK,
           HI)},
    {"batches whose time is drawn",
     WORLD(RUN, SAMPLES, DEVICE,
           "compute: {batch: {most: 3}, time: {large: {exponential: 0.7 s}}, energy: {large: 2 J}}",
           LINK, HI)},
    {"batches of one",
     WORLD(RUN, SAMPLES, DEVICE,
           "compute: {servers: 3, batch: {most: 1, wait: 1 s}, time: {large: {column: service}}}",
           LINK, HI)},
    {"batches that begin, fill and end at the same instants",
     WORLD(RUN, SAMPLES,
           "nodes: 7, arrivals: {deterministic: {period: 1 s, phase: 0 s}}, compute: {time: "
           "{small: [0.25 s, 0.5 s]}}",
           "compute: {batch: {most: 3, wait: 0.25 s}, time: {large: {linear: {base: 0 s, each: "
           "0.125 s}}}}",
           "count: 3, up: 8 kB/s, down: 800 B/s, delay: 0.5 s", HI)},
    {"batches that early exits come back to",
     WORLD(RUN, SAMPLES,
           "nodes: 3, arrivals: {deterministic: {period: 1 s}}, compute: {batch: {most: 2, wait: "
           "0.5 s}, time: {small: [0.25 s, {exponential: 0.7 s}]}}",
           BATCHES, LINK, HI)},
    {"batches that are full long before their wait ends",
     WORLD("stop: {samples: 300}\n", "answer: free",
           "nodes: 2, arrivals: {deterministic: {period: 1 s, phase: 0 s}}",
           "compute: {batch: {most: 2, wait: 90 s}, time: {large: 0.3 s}}", "count: 1, delay: 1 s",
           "policy: full_offload\n")},
    {"the same, stopped by time",
     WORLD("stop: {time: 300.5 s}\n", "answer: free",
           "nodes: 2, arrivals: {deterministic: {period: 1 s, phase: 0 s}}",
           "compute: {batch: {most: 2, wait: 90 s}, time: {large: 0.3 s}}", "count: 1, delay: 1 s",
           "policy: full_offload\n")},
    {"an overloaded edge with batches",
     WORLD(RUN, SAMPLES, DEVICE,
           "compute: {batch: {most: 8, wait: 9 s}, time: {large: {table: {sizes: [1, 8], times: "
           "[2 s, 9 s]}}}}",
           LINK, HI)},
    {"batches and a warm-up that is found",
     WORLD("stop: {time: 900 s}\nwarmup: auto\n", SAMPLES, DEVICE, BATCHES, LINK, HI)},
    // These have to begin again, by events.
    {"batches whose answers are nothing, and pass a link in no time",
     WORLD(RUN, "order: shuffle, payload: {column: bytes}, answer: 0 B", DEVICE, BATCHES,
           "count: 1, up: 20 kB/s, down: 20 kB/s", HI)},
    {"batches that take no time",
     WORLD(RUN, SAMPLES,
           "classes: [{name: full, nodes: 2, arrivals: {deterministic: {period: 1 s, phase: 0.25 "
           "s}}}, {name: too, nodes: 2, arrivals: {deterministic: {period: 1 s, phase: 0.25 s}}}, "
           "{name: waits, arrivals: {deterministic: {period: 1 s, phase: 0 s}}}]",
           "nodes: 2, compute: {batch: {most: 2, wait: 0.25 s}, time: {large: 0 s}}",
           "count: 1, down: 800 B/s, delay: 0.5 s", "policy: full_offload\n")},
};

static void expect_same(const struct small_run *one, const struct small_run *other)
{
    const struct world *world = one->world;
    ck_assert_msg(one->status == 0, "%s", text_string(&one->error));
    ck_assert_int_eq(other->status, 0);
    for (int i = 0; i < world->metrics; i++) {
        ck_assert_msg(memcmp(&one->result.metrics[i], &other->result.metrics[i], sizeof(double)) ==
                          0,
                      "%s is %.17g by events and %.17g without", world->metric[i].name,
                      one->result.metrics[i], other->result.metrics[i]);
    }
    for (int i = 0; i < world->counters.count; i++) {
        ck_assert_msg(
            memcmp(&one->result.counters[i], &other->result.counters[i], sizeof(double)) == 0,
            "%s is %.17g by events and %.17g without", world->counters.names[i],
            one->result.counters[i], other->result.counters[i]);
    }
    ck_assert_uint_eq(one->result.events, other->result.events);
    ck_assert_uint_eq(one->result.offered, other->result.offered);
    ck_assert_uint_eq(one->result.answered, other->result.answered);
    ck_assert_double_eq(one->result.simulated_s, other->result.simulated_s);
    ck_assert_double_eq(one->result.window_s, other->result.window_s);
}

START_TEST(both_ways_agree)
{
    struct small_scenario scenario;
    struct small_run by_events; // as it keeps what became of single samples
    struct small_run without;
    small_scenario_init(&scenario, worlds[_i].yaml, trace, NULL);
    const struct world *world = small_scenario_world(&scenario, 0);
    struct text obstacle = {0};
    ck_assert_msg(pipeline_is_possible(world, &obstacle), "%s", text_string(&obstacle));
    for (uint64_t replication = 0; replication < 3; replication++) {
        small_run_init(&by_events, world, replication);
        small_run_init_long(&without, world, replication);
        expect_same(&by_events, &without);
        small_run_finish(&by_events);
        small_run_finish(&without);
    }
    text_finish(&obstacle);
    small_scenario_finish(&scenario);
}
END_TEST

// ---- what cannot go this way ----

static const struct {
    const char *yaml;
    const char *obstacle;
} obstacles[] = {
    {WORLD(RUN, SAMPLES, DEVICE, "compute: {room: 3, time: {large: 1 s}}", LINK, HI),
     "station 'edge' has limited room"},
    {WORLD(RUN, SAMPLES, DEVICE, "compute: {patience: 3 s, time: {large: 1 s}}", LINK, HI),
     "station 'edge' is left by samples that wait too long"},
    {WORLD(RUN, SAMPLES, DEVICE,
           "compute: {discipline: priority, batch: {most: 4}, time: {large: 1 s}}", LINK, HI),
     "station 'edge' has a queue with an order of its own"},
    {WORLD(RUN, SAMPLES, DEVICE, BATCHES, "up: 20 kB/s", HI),
     "station 'device-edge.down' passes on a whole batch in no time"},
    {WORLD(RUN, SAMPLES,
           "arrivals: {poisson: 1 /s}, compute: {batch: {most: 2}, time: {small: [0.1 s, 0.1 s]}}",
           EDGE, "down: 20 kB/s", HI),
     "station 'device-edge.up' passes on a whole batch in no time"},
    {WORLD(RUN, SAMPLES, DEVICE, EDGE, "up: 20 kB/s, down: 20 kB/s, sharing: fair", HI),
     "station 'device-edge.up' is shared by all that is under way"},
    {WORLD(RUN, SAMPLES, DEVICE, EDGE, "up: 20 kB/s, down: 20 kB/s, duplex: half", HI),
     "station 'device-edge.down' takes both directions in one queue"},
    {WORLD(RUN, SAMPLES,
           "arrivals: {closed: {in_flight: 2, think: 1 s}}, compute: {time: {small: [1 s, 0.5 s]}}",
           EDGE, LINK, HI),
     "a sample waits for the one before"},
    {WORLD(RUN, SAMPLES, DEVICE, EDGE, LINK,
           "policy: {hi_threshold: {theta: 0.5, "
           "load_aware: 1 /s}}\n"),
     "policy 'hi_threshold' decides on more than the sample"},
    {WORLD(RUN, SAMPLES, DEVICE, EDGE, LINK, HI "control_variates: true\n"),
     "there are control variates"},
    {WORLD(RUN, SAMPLES, DEVICE, EDGE, LINK, HI "intervals: batch_means\nreplications: 1\n"),
     "the run is cut into batches"},
};

START_TEST(obstacle_is_named)
{
    struct small_scenario scenario;
    struct text obstacle = {0};
    small_scenario_init(&scenario, obstacles[_i].yaml, trace, NULL);
    const struct world *world = small_scenario_world(&scenario, 0);
    ck_assert(!pipeline_is_possible(world, &obstacle));
    ck_assert_str_eq(text_string(&obstacle), obstacles[_i].obstacle);
    text_finish(&obstacle);
    small_scenario_finish(&scenario);
}
END_TEST

// ---- a policy that misbehaves ----

// Answers a few samples without having computed anything.
static struct policy_action decide_rash(const struct policy_world *world, const void *given,
                                        const void *plan, void *state,
                                        const struct policy_view *view)
{
    (void)given;
    (void)plan;
    (void)state;
    return view->computations || view->uniform > 0.999 ? policy_answer(policy_last_exit(world, 0))
                                                       : policy_compute(0, 1);
}

static const struct policy_type policy_rash = {.api = POLICY_API_VERSION,
                                               .name = "rash",
                                               .summary = "test",
                                               .draws_uniform = 1,
                                               .decides_by_sample = 1,
                                               .decide = decide_rash};

// It is told when, where and for which sample, as by events.
START_TEST(mistake_is_told_in_full)
{
    struct small_scenario scenario;
    struct small_run by_events;
    struct small_run without;
    small_scenario_init(&scenario, WORLD(RUN, SAMPLES, DEVICE, EDGE, LINK, "policy: rash\n"), trace,
                        &policy_rash);
    const struct world *world = small_scenario_world(&scenario, 0);
    ck_assert(pipeline_is_possible(world, NULL));
    small_run_init(&by_events, world, 0);
    small_run_init_long(&without, world, 0);
    ck_assert_int_eq(by_events.status, -1);
    ck_assert_int_eq(without.status, -1);
    ck_assert_ptr_nonnull(strstr(text_string(&without.error), "an exit that was not computed"));
    ck_assert_str_eq(text_string(&by_events.error), text_string(&without.error));
    small_run_finish(&by_events);
    small_run_finish(&without);
    small_scenario_finish(&scenario);
}
END_TEST

static void expect_both_ways_agree(const char *yaml, const char *rows,
                                   const struct policy_type *policy)
{
    struct small_scenario scenario;
    struct small_run by_events;
    struct small_run without;
    small_scenario_init(&scenario, yaml, rows, policy);
    const struct world *world = small_scenario_world(&scenario, 0);
    ck_assert(pipeline_is_possible(world, NULL));
    small_run_init(&by_events, world, 0);
    small_run_init_long(&without, world, 0);
    expect_same(&by_events, &without);
    small_run_finish(&by_events);
    small_run_finish(&without);
    small_scenario_finish(&scenario);
}

// ---- visits to one station that do not compute the same ----

// All goes to the edge, where half of the samples go on to the last layer at once.
static struct policy_action decide_how_deep(const struct policy_world *world, const void *given,
                                            const void *plan, void *state,
                                            const struct policy_view *view)
{
    (void)world;
    (void)given;
    (void)plan;
    (void)state;
    return view->tier == 0      ? policy_send_raw(1)
           : view->computations ? policy_answer(view->latest->exit)
                                : policy_compute(0, view->uniform < 0.5 ? 0 : 1);
}

static const struct policy_type policy_how_deep = {.api = POLICY_API_VERSION,
                                                   .name = "how_deep",
                                                   .summary = "test",
                                                   .draws_uniform = 1,
                                                   .decides_by_sample = 1,
                                                   .decide = decide_how_deep};

START_TEST(how_deep_agrees)
{
    expect_both_ways_agree(WORLD(RUN, SAMPLES, "nodes: 3, arrivals: {poisson: 1 /s}",
                                 "compute: {time: {small: [0.05 s, {exponential: 0.3 s}]}}", LINK,
                                 "policy: how_deep\n"),
                           trace, &policy_how_deep);
}
END_TEST

// ---- a way that comes back to a station by others with smaller and larger numbers ----

// To the last tier, down to the one before it, and up again.
static struct policy_action decide_to_and_fro(const struct policy_world *world, const void *given,
                                              const void *plan, void *state,
                                              const struct policy_view *view)
{
    (void)given;
    (void)plan;
    (void)state;
    if (view->tier == 0) {
        return policy_send(2);
    }
    if (view->tier == 1) {
        return view->computations ? policy_send_raw(2) : policy_compute(0, 0);
    }
    return view->computations ? policy_answer(policy_last_exit(world, 0)) : policy_send_raw(1);
}

static const struct policy_type policy_to_and_fro = {.api = POLICY_API_VERSION,
                                                     .name = "to_and_fro",
                                                     .summary = "test",
                                                     .decides_by_sample = 1,
                                                     .decide = decide_to_and_fro};

START_TEST(to_and_fro_agrees)
{
    expect_both_ways_agree(
                        "scenario: to-and-fro\n" RUN "models: {net: {}}\n"
                        "samples: {payload: {exponential: 100 B}}\n"
                        "tiers:\n"
                        "  - {name: a, nodes: 3, arrivals: {poisson: 1 /s}}\n"
                        "  - {name: b, compute: {time: {net: {exponential: 0.2 s}}}}\n"
                        "  - {name: c}\n"
                        "links:\n"
                        "  - {from: a, to: b, up: 1 kB/s}\n"
                        "  - {from: b, to: c, up: 1 kB/s, down: 1 kB/s, delay: 0.1 s}\n"
                        "policy: to_and_fro\n",
                        NULL, &policy_to_and_fro);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pipeline");
    TCase *both = tcase_create("both ways");
    tcase_set_timeout(both, 60);
    unit_add_table(both, both_ways_agree, worlds);
    unit_add_table(both, obstacle_is_named, obstacles);
    tcase_add_test(both, mistake_is_told_in_full);
    tcase_add_test(both, how_deep_agrees);
    tcase_add_test(both, to_and_fro_agrees);
    suite_add_tcase(suite, both);
    return unit_run(suite);
}
