// SPDX-License-Identifier: GPL-3.0-or-later

// Arrivals, bursts, drift and classes of devices, sample by sample.

#include "model/arrival.h"
#include "scenario/arrival_times.h"
#include "scenario/csv.h"
#include "scenario/spec.h"
#include "small_run.h"
#include "tests/unit/unit.h"

#include <math.h>
#include <string.h>

#define EXACT 1e-9

// ---- dates ----

static const struct {
    const char *text;
    bool is_date;
    double seconds; // after 2023-11-16 00:00:00
} dates[] = {
    {"2023-11-16 00:00:00", true, 0},
    {"2023-11-16 18:15:46.6805900", true, 65746.68059},
    {"2023-11-16T18:15:46,5", true, 65746.5},
    {" 2023-11-16 18:15 ", true, 65700},
    {"2023-11-16T18:15:46Z", true, 65746},
    {"2023-11-16T18:15:46.25+01:30", true, 65746.25 - 5400},
    {"2023-11-16T18:15:46-0500", true, 65746 + 18000},
    {"2023-11-17 00:00:00.0000001", true, 86400.0000001},
    {"2024-03-01 00:00:00", true, (15 + 31 + 31 + 29) * 86400.0}, // past a leap day
    {"1969-12-31 23:59:59", true, -1700092801.0},
    {"2023-02-29 00:00:00", false, 0},
    {"2024-02-29 00:00:00", true, (15 + 31 + 31 + 28) * 86400.0},
    {"2023-13-01 00:00:00", false, 0},
    {"2023-11-16", false, 0},
    {"2023-11-16 24:00:00", false, 0},
    {"2023-11-16 18:15:46.", false, 0},
    {"2023-11-16 18:15:46 x", false, 0},
    {"2023-11-16 18:15:46+1", false, 0},
    {"", false, 0},
};

START_TEST(dates_are_read)
{
    const char *text = dates[_i].text;
    const struct csv_cell cell = {text, strlen(text), text};
    long long seconds = 0;
    double fraction = 0;
    ck_assert_msg(arrival_times_date(&cell, &seconds, &fraction) == dates[_i].is_date, "%s", text);
    if (dates[_i].is_date) {
        const double found = (double)(seconds - 1700092800LL) + fraction;
        ck_assert_msg(fabs(found - dates[_i].seconds) < EXACT, "%s: %.9f", text, found);
    }
}
END_TEST

// ---- when samples arise ----

#define SCENARIO(stop, nodes, arrivals, more)                                                      \
    "scenario: arrivals\n"                                                                         \
    "stop: " stop "\n"                                                                             \
    "models: {task: {}}\n"                                                                         \
    "policy: local\n"                                                                              \
    "tiers:\n"                                                                                     \
    "  - name: device\n"                                                                           \
    "    nodes: " nodes "\n"                                                                       \
    "    arrivals: " arrivals "\n" more "    compute: {time: {task: 1 us}}\n"

static const char numbers[] = "n,at\n0,100\n1,101\n2,103.5\n3,107\n4,108\n";
static const char stamps[] = "at\n2023-12-31 23:59:59.5\n2024-01-01 00:00:00.5\n"
                             "2024-01-01 00:00:03\n2024-01-01 00:00:06.5\n"
                             "2024-01-01 00:00:07.5\n";

#define FILE_TIMES 0, 1, 3.5, 7, 8
#define NONE NAN

static const struct {
    const char *name;
    const char *yaml;
    const char *csv;
    double at_s[12]; // of all samples, in the order of time
} arrivals[] = {
    {"deterministic with a phase",
     SCENARIO("{samples: 3}", "1", "{deterministic: {period: 2 s, phase: 5 s}}", ""),
     NULL,
     {5, 7, 9, NONE}},
    {"numbers, once",
     SCENARIO("{samples: 99}", "1", "{times: {file: trace.csv, column: at, repeat: false}}", ""),
     numbers,
     {FILE_TIMES, NONE}},
    {"the run ends with the file",
     SCENARIO("{time: 100 s}", "2",
              "{times: {file: trace.csv, column: at, repeat: "
              "false}}",
              ""),
     numbers,
     {FILE_TIMES, NONE}},
    {"another unit",
     SCENARIO("{samples: 99}", "1",
              "{times: {file: trace.csv, column: at, unit: min, repeat: false}}", ""),
     numbers,
     {0, 60, 210, 420, 480, NONE}},
    {"dates, in the first column",
     SCENARIO("{samples: 99}", "1", "{times: {file: trace.csv, repeat: false}}", ""),
     stamps,
     {FILE_TIMES, NONE}},
    // The span of 8 s and one of four gaps.
    {"repeated",
     SCENARIO("{samples: 11}", "3", "{times: {file: trace.csv, column: at}}", ""),
     numbers,
     {FILE_TIMES, 10, 11, 13.5, 17, 18, 20, NONE}},
    // Five in ten seconds at two nodes are 0.25 /s at each.
    {"twice as fast",
     SCENARIO("{samples: 6}", "2", "{times: {file: trace.csv, column: at, rate: 0.5 /s}}", ""),
     numbers,
     {0, 0.5, 1.75, 3.5, 4, 5, NONE}},
    {"a profile",
     SCENARIO("{samples: 8}", "1", "{deterministic: {period: 1 s, phase: 0.5 s}}",
              "    profile: {times: [0 s, 2 s, 3 s], factors: [1, 0, 2], period: 4 s}\n"),
     NULL,
     {0.5, 1.5, 3.25, 3.75, 4.5, 5.5, 7.25, 7.75, NONE}},
    {"a profile that begins with nothing and ends for good",
     SCENARIO("{samples: 99}", "1", "{deterministic: {period: 1 s}}",
              "    profile: {times: [0 s, 2 s, 4 s], factors: [0, 1.5, 0]}\n"),
     NULL,
     {2, 2 + 1 / 1.5, 2 + 2 / 1.5, NONE}},
    {"a drift",
     SCENARIO("{samples: 6}", "1", "{deterministic: {period: 1 s}}",
              "") "drift: [{at: 1.5 s, arrivals: 2}, {at: 2.75 s, arrivals: 0}, "
                  "{at: 5 s, arrivals: 0.5}]\n",
     NULL,
     {0, 1, 1.75, 2.25, 5, 7, NONE}}, // own 4 is reached at 2.75 and kept until 5
    {"a drift from the start on",
     SCENARIO("{samples: 3}", "1", "{deterministic: {period: 1 s}}",
              "") "drift: [{at: 0 s, arrivals: 0.25}]\n",
     NULL,
     {0, 4, 8, NONE}},
    {"a drift that stops all",
     SCENARIO("{samples: 99}", "1", "{deterministic: {period: 1 s}}",
              "") "drift: [{at: 2.5 s, arrivals: 0}]\n",
     NULL,
     {0, 1, 2, NONE}},
    {"bursts",
     SCENARIO("{samples: 9}", "2", "{deterministic: {period: 8 s, phase: 1 s}}",
              "    bursts: {every: 5 s, samples: 2}\n"),
     NULL,
     {1, 1, 5, 5, 5, 5, 9, 9, 10, NONE}},
};

static int compare_times(const void *a, const void *b)
{
    const double left = ((const struct sample_record *)a)->arrived_s;
    const double right = ((const struct sample_record *)b)->arrived_s;
    return (left > right) - (left < right);
}

START_TEST(samples_arise_in_time)
{
    struct small_scenario scenario;
    struct small_run run;
    small_scenario_init(&scenario, arrivals[_i].yaml, arrivals[_i].csv, NULL);
    small_run_init(&run, small_scenario_world(&scenario, 0), 0);
    ck_assert_msg(run.status == 0, "%s: %s", arrivals[_i].name, text_string(&run.error));
    qsort(run.records, run.count, sizeof(run.records[0]), compare_times);
    size_t count = 0;
    while (!isnan(arrivals[_i].at_s[count])) {
        ck_assert_msg(count < run.count, "%s: %zu samples", arrivals[_i].name, run.count);
        ck_assert_msg(fabs(run.records[count].arrived_s - arrivals[_i].at_s[count]) < EXACT,
                      "%s: sample %zu at %.12g", arrivals[_i].name, count,
                      run.records[count].arrived_s);
        count++;
    }
    ck_assert_msg(run.count == count, "%s: %zu samples", arrivals[_i].name, run.count);
    ck_assert_double_gt(run.result.window_s, 0);
    small_run_finish(&run);
    small_scenario_finish(&scenario);
}
END_TEST

// The arrivals of a file go to the nodes in turn.
START_TEST(arrivals_are_dealt)
{
    static const double expected[] = {FILE_TIMES, 10, 11};
    struct small_scenario scenario;
    struct small_run run;
    small_scenario_init(&scenario,
                        SCENARIO("{samples: 7}", "3", "{times: {file: trace.csv, column: at}}", ""),
                        numbers, NULL);
    small_run_init(&run, small_scenario_world(&scenario, 0), 0);
    for (uint32_t i = 0; i < 7; i++) {
        ck_assert_double_eq_tol(small_run_find(&run, i % 3, i / 3)->arrived_s, expected[i], EXACT);
    }
    small_run_finish(&run);
    small_scenario_finish(&scenario);
}
END_TEST

// Each node replays the file from a place of its own: gaps follow each other as in the file.
START_TEST(each_node_replays_the_file)
{
    static const double gaps[] = {1, 2.5, 3.5, 1, 2};
    struct small_scenario scenario;
    struct small_run run;
    small_scenario_init(
        &scenario,
        SCENARIO("{time: 100 s}", "20", "{times: {file: trace.csv, column: at, to: each}}", ""),
        numbers, NULL);
    small_run_init(&run, small_scenario_world(&scenario, 0), 0);
    small_run_sort(&run);
    unsigned starts = 0;
    for (size_t i = 0; i + 1 < run.count; i++) {
        if (run.records[i].device != run.records[i + 1].device) {
            continue;
        }
        const double gap = run.records[i + 1].arrived_s - run.records[i].arrived_s;
        static size_t at;
        if (run.records[i].index == 0) {
            ck_assert_double_lt(run.records[i].arrived_s, 3.5);
            for (at = 0; at < 5; at++) {
                // A gap of 1 s comes twice: what follows tells which.
                const double next = run.records[i + 2].arrived_s - run.records[i + 1].arrived_s;
                if (fabs(gaps[at] - gap) < EXACT && fabs(gaps[(at + 1) % 5] - next) < EXACT) {
                    break;
                }
            }
            ck_assert_uint_lt(at, 5);
            starts |= 1u << at;
        }
        ck_assert_double_eq_tol(gap, gaps[(at + run.records[i].index) % 5], EXACT);
    }
    ck_assert_uint_ne(starts & (starts - 1), 0); // not all in step
    small_run_finish(&run);
    small_scenario_finish(&scenario);
}
END_TEST

// A burst comes to all devices of a class at the same times, drawn anew for another class.
START_TEST(bursts_hit_all_devices)
{
    static const char yaml[] =
        "scenario: bursts\n"
        "stop: {time: 1000 s}\n"
        "models: {task: {}}\n"
        "policy: local\n"
        "tiers:\n"
        "  - name: device\n"
        "    classes:\n"
        "      - {name: a, nodes: 3, arrivals: {deterministic: {period: 1e9 s, phase: 1e9 s}},\n"
        "         bursts: {every: {exponential: 20 s}}, compute: {time: {task: 1 us}}}\n"
        "      - {name: b, nodes: 3, arrivals: {deterministic: {period: 1e9 s, phase: 1e9 s}},\n"
        "         bursts: {every: {exponential: 20 s}, samples: 4, spread: 5 s},\n"
        "         compute: {time: {task: 1 us}}}\n";
    struct small_scenario scenario;
    struct small_run run;
    small_scenario_init(&scenario, yaml, NULL, NULL);
    small_run_init(&run, small_scenario_world(&scenario, 0), 0);
    size_t of_a = 0;
    for (size_t i = 0; i < run.count; i++) {
        const struct sample_record *record = &run.records[i];
        if (record->device < 3) {
            of_a++;
            ck_assert_double_eq(record->arrived_s,
                                small_run_find(&run, 0, record->index)->arrived_s);
        } else if (record->index + 1 < 40) {
            // Samples come in their order, each group of four within 5 s of its burst.
            const struct sample_record *first =
                small_run_find(&run, record->device, record->index / 4 * 4);
            ck_assert_double_ge(record->arrived_s, first->arrived_s);
            ck_assert_double_lt(record->arrived_s, first->arrived_s + 5);
        }
    }
    ck_assert_uint_ge(of_a, 60);
    ck_assert_double_ne(small_run_find(&run, 0, 0)->arrived_s,
                        small_run_find(&run, 3, 0)->arrived_s);
    ck_assert_double_ne(small_run_find(&run, 3, 0)->arrived_s,
                        small_run_find(&run, 4, 0)->arrived_s);
    small_run_finish(&run);
    small_scenario_finish(&scenario);
}
END_TEST

// ---- the clock ----

START_TEST(clock_goes_both_ways)
{
    double times_s[] = {0, 2, 3, 7};
    double factors[] = {0.75, 0, 2.5, 1.25};
    struct spec_drift drift[] = {{.at_s = 1.5, .arrivals = 3},
                                 {.at_s = 4, .arrivals = -1},
                                 {.at_s = 14.25, .arrivals = 0.5}};
    struct spec_tier tier = {.name = "device",
                             .nodes = 1,
                             .arrivals = {.kind = ARRIVALS_POISSON, .rate_per_s = 1},
                             .profile = {true, times_s, factors, 4, 9}};
    const struct spec spec = {.tiers = &tier, .tier_count = 1, .drift = drift, .drift_count = 3};
    struct arena arena = {0};
    struct arrival arrival;
    arrival_build(&arrival, &spec, &tier, 0, &arena);
    double sum = 0;
    const double step_s = 1.0 / 64;
    for (double t = 0; t < 60; t += step_s) {
        ck_assert_double_eq_tol(arrival_clock_at(&arrival.clock, t), sum, EXACT);
        const double within = fmod(t, 9);
        const double factor = within < 2 ? 0.75 : within < 3 ? 0 : within < 7 ? 2.5 : 1.25;
        if (factor > 0) {
            ck_assert_double_eq_tol(arrival_clock_time(&arrival.clock, sum), t, EXACT);
        }
        sum += step_s * factor * (t < 1.5 ? 1 : t < 14.25 ? 3 : 0.5);
    }
    arena_finish(&arena);
}
END_TEST

// ---- classes ----

#define MIXED                                                                                      \
    "scenario: mixed\n"                                                                            \
    "stop: {time: 6 s}\n"                                                                          \
    "samples: {payload: 2 kB, answer: free, deadline: 1 s}\n"                                      \
    "models: {small: {}, large: {}}\n"                                                             \
    "tiers:\n"                                                                                     \
    "  - name: device\n"                                                                           \
    "    classes:\n"                                                                               \
    "      - {name: phone, nodes: 4, arrivals: {deterministic: {period: 5 s, phase: 1 s}},\n"      \
    "         payload: 1 kB, deadline: 100 ms, priority: 3, weight: 2.5,\n"                        \
    "         compute: {time: {small: 20 ms}, power: {active: 2 W, idle: 1 W}}}\n"                 \
    "      - {name: camera, nodes: 2, arrivals: {deterministic: {period: 5 s, phase: 3 s}},\n"     \
    "         compute: {time: {small: 400 ms}, power: {active: 5 W, idle: 0 W}}}\n"                \
    "  - {name: edge, nodes: 2, compute: {time: {large: 10 ms}}}\n"                                \
    "links:\n"                                                                                     \
    "  - {from: device, to: edge, count: 2, up: 10 kB/s}\n"                                        \
    "  - {from: device, class: camera, to: edge, up: 4 kB/s}\n"

START_TEST(classes_have_what_is_theirs)
{
    struct small_scenario scenario;
    struct small_run run;
    small_scenario_init(&scenario, MIXED "policy: local\n", NULL, NULL);
    const struct world *world = small_scenario_world(&scenario, 0);
    small_run_init(&run, world, 0);
    ck_assert_int_eq(world->class_count, 2);
    ck_assert_uint_eq(world->devices, 6);
    ck_assert_int_eq(world->classes[0].priority, 3);
    ck_assert_double_eq(world->classes[0].weight, 2.5);
    ck_assert_int_eq(world->classes[1].priority, 0);
    ck_assert_double_eq(world->classes[1].weight, 1);
    ck_assert_uint_eq(run.count, 4 * 2 + 2);
    for (size_t i = 0; i < run.count; i++) {
        const bool is_phone = run.records[i].device < 4;
        ck_assert_double_eq_tol(run.records[i].service_s, is_phone ? 0.02 : 0.4, EXACT);
        ck_assert_double_eq(run.records[i].input_bytes, is_phone ? 1000 : 2000);
    }
    ck_assert_double_eq(small_run_counter(&run, "class_offered.phone"), 8);
    ck_assert_double_eq(small_run_counter(&run, "class_offered.camera"), 2);
    ck_assert_double_eq(small_run_counter(&run, "class_on_time_correct.phone"), 8);
    ck_assert_double_eq(small_run_metric(&run, "offered_fraction.phone"), 0.8);
    ck_assert_double_eq_tol(small_run_metric(&run, "latency_mean_s.camera"), 0.4, EXACT);
    ck_assert_double_eq_tol(small_run_metric(&run, "utilisation.device.phone"),
                            8 * 0.02 / (4 * 6) - 4 * 0.02 / (4 * 6), EXACT);
    ck_assert_double_eq_tol(small_run_metric(&run, "utilisation.device.camera"), 2 * 0.4 / (2 * 6),
                            EXACT);
    // Active power beside the idle one, and four nodes that idle for six seconds.
    ck_assert_double_eq_tol(small_run_counter(&run, "energy_j.device"),
                            8 * 0.02 * 1 + 2 * 0.4 * 5 + 4 * 6 * 1, EXACT);
    small_run_finish(&run);
    small_scenario_finish(&scenario);
}
END_TEST

// Phones share the two access points, cameras have a link each; at both nodes of the edge two
// phones and a camera meet.
START_TEST(classes_use_their_links)
{
    struct small_scenario scenario;
    struct small_run run;
    small_scenario_init(&scenario, MIXED "policy: full_offload\n", NULL, NULL);
    small_run_init(&run, small_scenario_world(&scenario, 0), 0);
    // 1 kB over 10 kB/s for the first of a pair, twice that for the second; then 10 ms each.
    static const double phone[] = {0.11, 0.21, 0.11, 0.21};
    for (uint32_t device = 0; device < 4; device++) {
        const struct sample_record *record = small_run_find(&run, device, 0);
        ck_assert_double_eq_tol(record->ended_s - record->arrived_s, phone[device], EXACT);
    }
    for (uint32_t device = 4; device < 6; device++) {
        const struct sample_record *record = small_run_find(&run, device, 0);
        ck_assert_double_eq_tol(record->ended_s - record->arrived_s, 0.5 + 0.01, EXACT);
    }
    ck_assert_double_eq(small_run_counter(&run, "offloads.device-edge"), 8);
    ck_assert_double_eq(small_run_counter(&run, "offloads.device.camera-edge"), 2);
    ck_assert_double_eq(small_run_counter(&run, "bytes.device-edge.up"), 8000);
    ck_assert_double_eq(small_run_counter(&run, "bytes.device.camera-edge.up"), 4000);
    // 110 ms are too late for a phone, 510 ms are not for a camera.
    ck_assert_double_eq(small_run_metric(&run, "deadline_miss_fraction.phone"), 1);
    ck_assert_double_eq(small_run_metric(&run, "deadline_miss_fraction.camera"), 0);
    ck_assert_double_eq(small_run_metric(&run, "on_time_accuracy"), 0.2);
    ck_assert_double_eq(small_run_metric(&run, "offload_fraction.phone"), 1);
    small_run_finish(&run);
    small_scenario_finish(&scenario);
}
END_TEST

// A policy plans for each class, and its error says for which it cannot.
START_TEST(plan_names_the_class)
{
    static const char yaml[] =
        "scenario: plan\n"
        "stop: {samples: 10}\n"
        "models: {small: {}, large: {}}\n"
        "policy: {local: {model: small}}\n"
        "tiers:\n"
        "  - name: device\n"
        "    classes:\n"
        "      - {name: phone, arrivals: {poisson: 1 /s}, compute: {time: {small: 1 s}}}\n"
        "      - {name: camera, arrivals: {poisson: 1 /s}, compute: {time: {large: 1 s}}}\n";
    struct small_scenario scenario;
    struct text error = {0};
    small_scenario_init(&scenario, yaml, NULL, NULL);
    ck_assert_ptr_null(world_build(scenario.spec, 0, &scenario.arena, &error));
    ck_assert_msg(
        strstr(text_string(&error), "policy 'local' cannot work here: for class 'camera', "), "%s",
        text_string(&error));
    text_finish(&error);
    small_scenario_finish(&scenario);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("workload");

    TCase *times = tcase_create("times");
    unit_add_table(times, dates_are_read, dates);
    unit_add_table(times, samples_arise_in_time, arrivals);
    tcase_add_test(times, arrivals_are_dealt);
    tcase_add_test(times, each_node_replays_the_file);
    tcase_add_test(times, bursts_hit_all_devices);
    tcase_add_test(times, clock_goes_both_ways);
    suite_add_tcase(suite, times);

    TCase *classes = tcase_create("classes");
    tcase_add_test(classes, classes_have_what_is_theirs);
    tcase_add_test(classes, classes_use_their_links);
    tcase_add_test(classes, plan_names_the_class);
    suite_add_tcase(suite, classes);

    return unit_run(suite);
}
