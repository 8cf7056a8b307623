// SPDX-License-Identifier: GPL-3.0-or-later

// `partition` as it decides: the same as its plan where nothing changes, and otherwise by what a
// device can observe. The plan itself is held against an enumeration in tests/analytic.

#include "policies/policy.h"
#include "small_run.h"
#include "tests/unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

// ---- nothing changes ----

// A hundred seconds apart, nobody meets anybody.
#define CALM(probe)                                                                                \
    "scenario: calm\n"                                                                             \
    "stop: {samples: 400}\n"                                                                       \
    "samples: {payload: {exponential: 60 kB}, answer: 400 B}\n"                                    \
    "models: {net: {layers: 4, output: [90 kB, 20 kB, 30 kB, 40 B]}}\n"                            \
    "tiers:\n"                                                                                     \
    "  - name: device\n"                                                                           \
    "    nodes: 3\n"                                                                               \
    "    arrivals: {deterministic: {period: 100 s}}\n"                                             \
    "    compute: {time: {net: [40 ms, 50 ms, {exponential: 400 ms}, 300 ms]},\n"                  \
    "              power: {active: 4 W}}\n"                                                        \
    "  - {name: edge, compute: {time: {net: [9 ms, 8 ms, 70 ms, 900 ms]}}}\n"                      \
    "  - {name: cloud, compute: {time: {net: [3 ms, 3 ms, 3 ms, {lognormal: {mean: 3 ms, "         \
    "cv: 0.5}}]}}}\n"                                                                              \
    "links:\n"                                                                                     \
    "  - {from: device, to: edge, up: 1 MB/s, down: 2 MB/s, delay: {exponential: 5 ms},\n"         \
    "     radio: {send: 2 W}, overhead: 60 B, probe: " probe "}\n"                                 \
    "  - {from: edge, to: cloud, up: 2 MB/s, delay: 30 ms}\n"

#define PAIR(minimise)                                                                             \
    "policy: [{partition: {minimise: " minimise "}},\n"                                            \
    "         {partition: {minimise: " minimise ", when: dynamic}}]\n"                             \
    "prices: {latency: 1 /s, energy: 2 /J, offload: {edge-cloud: 0.1}, layer: {cloud: 0.02}}\n"

static const char *const calm[] = {
    CALM("never") PAIR("latency"), CALM("never") PAIR("energy"), CALM("never") PAIR("cost"),
    CALM("30 s") PAIR("latency"),  CALM("30 s") PAIR("cost"),
};

START_TEST(dynamic_is_static_where_nothing_changes)
{
    struct small_scenario scenario;
    struct small_run runs[2];
    small_scenario_init(&scenario, calm[_i], NULL, NULL);
    for (int i = 0; i < 2; i++) {
        small_run_init(&runs[i], small_scenario_world(&scenario, i), 5);
        ck_assert_msg(runs[i].status == 0, "%s", text_string(&runs[i].error));
        ck_assert_uint_eq(runs[i].count, 400);
    }
    for (size_t i = 0; i < 400; i++) {
        const struct sample_record *plan = &runs[0].records[i];
        const struct sample_record *other = small_run_find(&runs[1], plan->device, plan->index);
        ck_assert_int_eq(other->answer_tier, plan->answer_tier);
        ck_assert_double_eq(other->service_s, plan->service_s);
        ck_assert_double_eq(other->transfer_s, plan->transfer_s);
        ck_assert_double_eq(other->ended_s, plan->ended_s);
    }
    ck_assert_double_eq(small_run_metric(&runs[0], "cost_mean"),
                        small_run_metric(&runs[1], "cost_mean"));
    // Otherwise little was compared: the network is cut, or goes away as a whole.
    ck_assert_double_eq(small_run_metric(&runs[0], "offload_fraction"), 1);
    for (int i = 0; i < 2; i++) {
        small_run_finish(&runs[i]);
    }
    small_scenario_finish(&scenario);
}
END_TEST

// ---- what a device observes ----

// One layer: 5 s here or 1 s there, where any number fit.
#define ONE_LAYER(stop, period)                                                                    \
    "scenario: observed\n"                                                                         \
    "stop: {samples: " stop "}\n"                                                                  \
    "samples: {payload: 1000 B, answer: free}\n"                                                   \
    "models: {net: {}}\n"                                                                          \
    "tiers:\n"                                                                                     \
    "  - {name: device, arrivals: {deterministic: {period: " period "}},\n"                        \
    "     compute: {time: {net: 5 s}, energy: {net: 5 J}}}\n"                                      \
    "  - {name: edge, compute: {servers: 20, time: {net: 1 s}}}\n"
#define NO_LAYER(stop, period)                                                                     \
    "scenario: observed\n"                                                                         \
    "stop: {samples: " stop "}\n"                                                                  \
    "samples: {payload: 1000 B, answer: free}\n"                                                   \
    "models: {net: {}}\n"                                                                          \
    "tiers:\n"                                                                                     \
    "  - {name: device, arrivals: {deterministic: {period: " period "}}}\n"                        \
    "  - {name: edge, compute: {servers: 20, time: {net: 1 s}}}\n"
#define DYNAMIC(more) "policy: {partition: {when: dynamic" more "}}\n"
#define UP(times, rates, more)                                                                     \
    "links:\n"                                                                                     \
    "  - {from: device, to: edge, up: {steps: {times: [" times "], rates: [" rates "]" more "}\n"

static const struct {
    const char *name;
    const char *yaml;
    const char *offloaded; // a letter a sample, in their order: o, or l for local
} observed[] = {
    // The link is slow for 50 s: the first tries it, and for 25 s nobody else does. At 40 s it is
    // believed to be fast again, and is slow; at 80 s it is fast. Its rate counts half: 5050 B/s.
    {"a transfer tells the rate, for a while",
     ONE_LAYER("11", "10 s") UP("0 s, 50 s", "100 B/s, 10 kB/s", "}}") DYNAMIC(", refresh: 25 s"),
     "olllolllooo"},
    {"what was measured is believed for ever",
     ONE_LAYER("12", "10 s") UP("0 s, 50 s", "100 B/s, 10 kB/s", "}}") DYNAMIC(", refresh: 1000 s"),
     "olllllllllll"},
    {"a probe tells the rate at once",
     ONE_LAYER("12", "10 s") UP("0 s, 50 s", "100 B/s, 10 kB/s", "}}, probe: 1 s") DYNAMIC(""),
     "lllllooooooo"},
    // Probes at 0 s, 35 s, 70 s and 105 s.
    {"a probe is known until the next one",
     ONE_LAYER("12", "10 s") UP("0 s, 50 s", "100 B/s, 10 kB/s", "}}, probe: 35 s")
         DYNAMIC(", refresh: 1000 s"),
     "lllllllooooo"},
    // Seconds to wait and to go: o 3 + 1 against l 5; 2 + 4, 5; 1 + 4, 4 + 5; 3 + 4, 3 + 5;
    // 5 + 4, 2 + 5; 4 + 4, 6 + 5.
    {"queues of the link and of the own compute count",
     ONE_LAYER("6", "1 s") "links: [{from: device, to: edge, up: {steps: {times: [0 s], rates: "
                           "[333.25 B/s]}}}]\n" DYNAMIC(""),
     "oloolo"},
    {"during an outage it stays here",
     ONE_LAYER("6", "10 s") UP("0 s, 25 s", "10 kB/s, 0 B/s", ", period: 45 s}}, probe: 1 s")
         DYNAMIC(""),
     "ooollo"},
    {"during an outage it goes where only energy counts",
     ONE_LAYER("6", "10 s") UP("0 s, 25 s", "10 kB/s, 0 B/s",
                               ", period: 45 s}}, probe: 1 s, radio: {send_per_byte: 1 mJ/B}")
         DYNAMIC(", minimise: energy"),
     "oooooo"},
    {"during an outage the radio would send without an end",
     ONE_LAYER("6", "10 s")
         UP("0 s, 25 s", "10 kB/s, 0 B/s", ", period: 45 s}}, probe: 1 s, radio: {send: 1 mW}")
             DYNAMIC(", minimise: energy"),
     "ooollo"},
    {"during an outage it waits where it cannot stay",
     NO_LAYER("6", "10 s") UP("0 s, 25 s", "10 kB/s, 0 B/s", ", period: 45 s}}, probe: 1 s")
         DYNAMIC(""),
     "oooooo"},
    {"during an outage it goes where time has no price",
     ONE_LAYER("6", "10 s") UP("0 s, 25 s", "10 kB/s, 0 B/s", ", period: 45 s}}, probe: 1 s")
         DYNAMIC(", minimise: cost") "prices: {layer: {device: 1}}\n",
     "oooooo"},
};

START_TEST(decisions_follow_what_is_observed)
{
    struct small_scenario scenario;
    struct small_run run;
    small_run_of(&scenario, &run, observed[_i].yaml);
    small_run_sort(&run);
    char found[64] = "";
    for (size_t i = 0; i < run.count && i + 1 < sizeof(found); i++) {
        found[i] = run.records[i].is_offloaded ? 'o' : 'l';
    }
    ck_assert_msg(strcmp(found, observed[_i].offloaded) == 0, "%s: %s instead of %s",
                  observed[_i].name, found, observed[_i].offloaded);
    small_run_finish(&run);
    small_scenario_finish(&scenario);
}
END_TEST

// ---- explanation ----

// Four tiers of which each must run its part; the last cells have no room for all names.
static const struct {
    const char *second;
    const char *layers;
} named[] = {
    {"edge", "device_number 1..1, edge 2..2, "
             "metropolitan_with_a_name_of_its_own_that_is_long_too_and_longer_ 3..3, "
             "cloud_far_away 4..4"},
    {"edge_of_a_name_that_is_as_long_as_names_may_be",
     "device_number 1..1, edge_of_a_name_that_is_as_long_as_names_may_be 2..2, "
     "metropolitan_with_a_name_of_its_own_that_is_long_too_and_longer_ 3..3, ..."},
    {"edge_of_a_name_that_is_as_long_as_names_may_be_and_longer_than",
     "device_number 1..1, edge_of_a_name_that_is_as_long_as_names_may_be_and_longer_than 2..2, "
     "..., cloud_far_away 4..4"},
};

START_TEST(layers_are_explained_as_far_as_there_is_room)
{
    struct small_scenario scenario;
    char yaml[2048];
    const char *second = named[_i].second;
    snprintf(yaml, sizeof(yaml),
             "scenario: named\n"
             "stop: {samples: 1}\n"
             "models: {net: {layers: 4, output: [1 B, 1 B, 1 B, 1 B]}}\n"
             "tiers:\n"
             "  - {name: device_number, arrivals: {poisson: 1 /s},\n"
             "     compute: {time: {net: [1 s, 9 s, 9 s, 9 s]}}}\n"
             "  - {name: %s, compute: {time: {net: [9 s, 1 s, 9 s, 9 s]}}}\n"
             "  - {name: metropolitan_with_a_name_of_its_own_that_is_long_too_and_longer_, "
             "compute: {time: "
             "{net: [9 s, 9 s, 1 s, 9 s]}}}\n"
             "  - {name: cloud_far_away, compute: {time: {net: [9 s, 9 s, 9 s, 1 s]}}}\n"
             "links: [{from: device_number, to: %s}, {from: %s, to: "
             "metropolitan_with_a_name_of_its_own_that_is_long_too_and_longer_},\n"
             "        {from: metropolitan_with_a_name_of_its_own_that_is_long_too_and_longer_, to: "
             "cloud_far_away}]\n"
             "policy: partition\n",
             second, second, second);
    small_scenario_init(&scenario, yaml, NULL, NULL);
    const struct world *world = small_scenario_world(&scenario, 0);
    char cells[POLICY_EXPLAIN_CELLS][POLICY_EXPLAIN_ROOM];
    ck_assert_int_eq(
        world->policy->explain(&world->view, world->parameters, world->classes[0].plan, 0, cells),
        6);
    ck_assert_str_eq(cells[1], "4");
    ck_assert_str_eq(cells[5], named[_i].layers);
    small_scenario_finish(&scenario);
}
END_TEST

// What a policy is told of times and sizes that samples bring along is their mean over the trace.
START_TEST(columns_have_means)
{
    struct small_scenario scenario;
    small_scenario_init(&scenario,
                        "scenario: columns\n"
                        "stop: {samples: 1}\n"
                        "samples: {trace: trace.csv, payload: {column: {name: size, unit: kB}}}\n"
                        "models: {net: {layers: 2, output: [1 B, 1 B],\n"
                        "               exits: {end: {confidence: c, correct: ok}}}}\n"
                        "tiers:\n"
                        "  - {name: device, arrivals: {poisson: 1 /s},\n"
                        "     compute: {time: {net: [{column: {name: t, unit: ms}}, 1 s]}}}\n"
                        "  - {name: edge, compute: {time: {net: [1 s, 1 s]}}}\n"
                        "links: [{from: device, to: edge, up: 1 kB/s, down: 1 kB/s}]\n"
                        "policy: partition\n",
                        "c,ok,size,t\n0.5,1,2,300\n0.5,1,5,100\n", NULL);
    const struct world *world = small_scenario_world(&scenario, 0);
    ck_assert_double_eq(world->view.payload_mean_bytes, 3500);
    ck_assert_double_eq_tol(world->view.tier[0].layer_mean_s[0][0], 0.2, 1e-15);
    ck_assert_double_eq(world->view.tier[0].layer_mean_s[0][1], 1);
    small_scenario_finish(&scenario);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("partition");

    TCase *decisions = tcase_create("decisions");
    unit_add_table(decisions, dynamic_is_static_where_nothing_changes, calm);
    unit_add_table(decisions, decisions_follow_what_is_observed, observed);
    tcase_add_test(decisions, columns_have_means);
    suite_add_tcase(suite, decisions);

    TCase *explanation = tcase_create("explanation");
    unit_add_table(explanation, layers_are_explained_as_far_as_there_is_room, named);
    suite_add_tcase(suite, explanation);

    return unit_run(suite);
}
