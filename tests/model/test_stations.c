// SPDX-License-Identifier: GPL-3.0-or-later

// Queues, held against recursions that work them out from the same random numbers by other means:
// numbers are addressed, so the test can look up the very arrivals and service times that a run
// meets.

#include "base/memory.h"
#include "rng/distribution.h"
#include "rng/stream.h"
#include "small_run.h"
#include "tests/unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define TOLERANCE 1e-9

enum { JOBS = 20000, MOST_SERVERS = 8 };

// ---- the same numbers, looked up by the test ----

// Poisson arrivals of a device: gaps from the logarithm of its uniform numbers.
static void look_up_arrivals(struct stream_key key, uint32_t device, double rate_per_s,
                             size_t count, double *ret_times_s)
{
    const uint64_t purpose = stream_purpose("arrival", "device");
    double time_s = 0;
    for (size_t i = 0; i < count; i++) {
        const struct stream_at at = {key, purpose, device, i};
        time_s -= log(stream_uniform(&at)) / rate_per_s;
        ret_times_s[i] = time_s;
    }
}

static void look_up_services(struct stream_key key, const char *kind, const char *name,
                             uint32_t device, const struct distribution_parameters *parameters,
                             size_t count, double *ret_services)
{
    struct arena arena = {0};
    struct distribution distribution;
    distribution_init(&distribution, parameters, &arena);
    for (size_t i = 0; i < count; i++) {
        const struct stream_at at = {key, stream_purpose(kind, name), device, i};
        ret_services[i] = distribution_draw(&distribution, &at);
    }
    arena_finish(&arena);
}

// ---- the recursions ----

// Lindley (1952): a customer waits for what the one before left to do when he arrives.
static void lindley(const double *arrivals_s, const double *services_s, size_t count,
                    double *ret_waits_s)
{
    double wait_s = 0;
    for (size_t i = 0; i < count; i++) {
        ret_waits_s[i] = wait_s;
        const double gap_s = i + 1 < count ? arrivals_s[i + 1] - arrivals_s[i] : 0;
        wait_s = fmax(wait_s + services_s[i] - gap_s, 0);
    }
}

// Kiefer and Wolfowitz (1955): the work that each server has left, in order; a customer waits for
// the least of them.
static void kiefer_wolfowitz(const double *arrivals_s, const double *services_s, size_t count,
                             int servers, double *ret_waits_s)
{
    double left_s[MOST_SERVERS] = {0};
    for (size_t i = 0; i < count; i++) {
        ret_waits_s[i] = left_s[0];
        left_s[0] += services_s[i];
        const double gap_s = i + 1 < count ? arrivals_s[i + 1] - arrivals_s[i] : 0;
        for (int k = 0; k < servers; k++) {
            left_s[k] = fmax(left_s[k] - gap_s, 0);
        }
        for (int k = 1; k < servers && left_s[k - 1] > left_s[k]; k++) {
            const double larger_s = left_s[k - 1];
            left_s[k - 1] = left_s[k];
            left_s[k] = larger_s;
        }
    }
}

// ---- one node ----

static const struct {
    int servers;
    double rate_per_s;
    const char *law; // the same twice: as a scenario says it, and as plain data
    struct distribution_parameters parameters;
} nodes[] = {
    {1, 0.9, "{exponential: 1 s}", {.kind = DISTRIBUTION_EXPONENTIAL, .mean = 1}},
    {1, 0.7, "{gamma: {mean: 1 s, cv: 1.7}}", {.kind = DISTRIBUTION_GAMMA, .mean = 1, .cv = 1.7}},
    {1,
     1.3,
     "{uniform: {from: 0.5 s, to: 1 s}}", // overloaded, so that waits grow
     {.kind = DISTRIBUTION_UNIFORM, .from = 0.5, .to = 1}},
    {2,
     1.9,
     "{lognormal: {mean: 1 s, cv: 0.7}}",
     {.kind = DISTRIBUTION_LOGNORMAL, .mean = 1, .cv = 0.7}},
    {3, 2.7, "{exponential: 1 s}", {.kind = DISTRIBUTION_EXPONENTIAL, .mean = 1}},
    {8,
     7.5,
     "{hyperexponential: {mean: 1 s, cv: 2}}",
     {.kind = DISTRIBUTION_HYPEREXPONENTIAL, .mean = 1, .cv = 2}},
};

START_TEST(waits_follow_the_recursion)
{
    char yaml[1024];
    snprintf(yaml, sizeof(yaml),
             "scenario: recursion\n"
             "seed: 11\n"
             "stop: {samples: %d}\n"
             "models: {task: {}}\n"
             "tiers:\n"
             "  - name: device\n"
             "    arrivals: {poisson: %g /s}\n"
             "    compute: {servers: %d, time: {task: %s}}\n"
             "policy: local\n",
             JOBS, nodes[_i].rate_per_s, nodes[_i].servers, nodes[_i].law);
    struct small_scenario scenario;
    struct small_run run;
    small_run_of(&scenario, &run, yaml);
    small_run_sort(&run);
    ck_assert_uint_eq(run.count, JOBS);
    static double arrivals_s[JOBS];
    static double services_s[JOBS];
    static double waits_s[JOBS];
    const struct stream_key key = {.seed = 11};
    look_up_arrivals(key, 0, nodes[_i].rate_per_s, JOBS, arrivals_s);
    look_up_services(key, "service", "device/task/0", 0, &nodes[_i].parameters, JOBS, services_s);
    if (nodes[_i].servers == 1) {
        lindley(arrivals_s, services_s, JOBS, waits_s);
    } else {
        kiefer_wolfowitz(arrivals_s, services_s, JOBS, nodes[_i].servers, waits_s);
    }
    size_t waited = 0;
    for (size_t i = 0; i < JOBS; i++) {
        const struct sample_record *record = &run.records[i];
        ck_assert_double_eq_tol(record->arrived_s, arrivals_s[i], TOLERANCE);
        ck_assert_double_eq_tol(record->service_s, services_s[i], TOLERANCE);
        ck_assert_msg(fabs(record->wait_s - waits_s[i]) < TOLERANCE,
                      "sample %zu waits for %.17g s, not %.17g s", i, record->wait_s, waits_s[i]);
        ck_assert_double_eq_tol(record->ended_s, arrivals_s[i] + waits_s[i] + services_s[i],
                                TOLERANCE);
        waited += waits_s[i] > 0;
    }
    ck_assert_uint_gt(waited, JOBS / 4); // or nothing was compared
    small_run_finish(&run);
    small_scenario_finish(&scenario);
}
END_TEST

// ---- departures at the same instant ----

// Three devices share a server, to which device 1 takes four seconds. In the first round device 2
// waits behind device 0 and device 1 behind it, in the second one device 1 waits behind device 2,
// which is served; in both a service of device 1 takes no time. So those two leave at once, and the
// order is that of the samples.
START_TEST(simultaneous_departures_are_in_order)
{
    static const char trace[] = "at,took,bytes,conf,ok\n"
                                "0,16,1,1,1\n"
                                "2,0,4000,1,1\n"
                                "2,8,1,1,1\n"
                                "64,1,1,1,1\n"
                                "68,0,4000,1,1\n"
                                "68,8,1,1,1\n";
    static const char yaml[] =
        "scenario: simultaneous\n"
        "stop: {samples: 6}\n"
        "samples: {trace: trace.csv, order: as_is, payload: {column: bytes}, answer: free}\n"
        "models: {task: {exits: {end: {confidence: conf, correct: ok}}}}\n"
        "tiers:\n"
        "  - {name: device, nodes: 3, arrivals: {trace: {column: at}}}\n"
        "  - {name: edge, compute: {time: {task: {column: {name: took, unit: s}}}}}\n"
        "links:\n"
        "  - {from: device, to: edge, up: 1 kB/s}\n"
        "policy: full_offload\n";
    struct small_scenario scenario;
    struct small_run run;
    small_scenario_init(&scenario, yaml, trace, NULL);
    small_run_init(&run, small_scenario_world(&scenario, 0), 0);
    ck_assert_uint_eq(run.count, 6);
    for (uint32_t i = 0; i < run.count; i++) {
        ck_assert_uint_eq(run.records[i].device, i % 3);
        ck_assert_uint_eq(run.records[i].index, i / 3);
    }
    small_run_finish(&run);
    small_scenario_finish(&scenario);
}
END_TEST

// ---- links that are shared ----

// Six devices send everything over `lanes` parallel links, to an edge that takes no time. A link is
// the queue of those devices that share it, neighbours each.
enum { DEVICES = 6, EACH = 2000 };

static const struct {
    const char *count;
    uint32_t lanes;
} shares[] = {{"1", 1}, {"2", 2}, {"3", 3}, {"6", 6}, {"each", 6}};

struct message {
    double arrived_s;
    double service_s;
    uint32_t device;
    uint64_t index;
};

static int compare_messages(const void *a, const void *b)
{
    const struct message *left = a;
    const struct message *right = b;
    return (left->arrived_s > right->arrived_s) - (left->arrived_s < right->arrived_s);
}

START_TEST(links_are_shared_by_neighbours)
{
    // Seven tenths of what one of the links can do, so that senders of one link wait and others'
    // links do not matter to them.
    const double rate_per_s = 0.7 * shares[_i].lanes / DEVICES;
    char yaml[1024];
    snprintf(yaml, sizeof(yaml),
             "scenario: shared\n"
             "seed: 5\n"
             "stop: {samples: %d}\n"
             "samples: {payload: {exponential: 1 MB}}\n"
             "models: {task: {}}\n"
             "tiers:\n"
             "  - {name: device, nodes: %d, arrivals: {poisson: %.17g /s}}\n"
             "  - {name: edge, compute: {servers: 1000, time: {task: 0 s}}}\n"
             "links:\n"
             "  - {from: device, to: edge, count: %s, up: 1 MB/s, overhead: 1 kB}\n"
             "policy: full_offload\n",
             DEVICES * EACH, DEVICES, rate_per_s, shares[_i].count);
    struct small_scenario scenario;
    struct small_run run;
    small_run_of(&scenario, &run, yaml);
    const struct stream_key key = {.seed = 5};
    const struct distribution_parameters bytes = {.kind = DISTRIBUTION_EXPONENTIAL, .mean = 1e6};
    const uint32_t together = DEVICES / shares[_i].lanes;
    size_t compared = 0;
    size_t waited = 0;
    static struct message messages[2 * DEVICES * EACH];
    static double times[2 * EACH];
    static double sizes[2 * EACH];
    static double arrivals_s[2 * DEVICES * EACH];
    static double services_s[2 * DEVICES * EACH];
    static double waits_s[2 * DEVICES * EACH];
    small_run_sort(&run);
    for (uint32_t lane = 0; lane < shares[_i].lanes; lane++) {
        size_t count = 0;
        for (uint32_t device = lane * together; device < (lane + 1) * together; device++) {
            look_up_arrivals(key, device, rate_per_s, 2 * EACH, times);
            look_up_services(key, "payload", "", device, &bytes, 2 * EACH, sizes);
            for (uint64_t i = 0; i < 2 * EACH; i++) {
                messages[count++] = (struct message){times[i], (sizes[i] + 1000) / 1e6, device, i};
            }
        }
        qsort(messages, count, sizeof(messages[0]), compare_messages);
        for (size_t i = 0; i < count; i++) {
            arrivals_s[i] = messages[i].arrived_s;
            services_s[i] = messages[i].service_s;
        }
        lindley(arrivals_s, services_s, count, waits_s);
        // Which of the devices' samples the run has seen, by their order.
        for (size_t i = 0; i < count; i++) {
            const struct sample_record wanted = {.device = messages[i].device,
                                                 .index = messages[i].index};
            size_t low = 0;
            size_t high = run.count;
            while (low < high) {
                const size_t middle = (low + high) / 2;
                const struct sample_record *record = &run.records[middle];
                if (record->device < wanted.device ||
                    (record->device == wanted.device && record->index < wanted.index)) {
                    low = middle + 1;
                } else {
                    high = middle;
                }
            }
            if (low == run.count || run.records[low].device != wanted.device ||
                run.records[low].index != wanted.index) {
                continue; // the run stopped before
            }
            ck_assert_double_eq_tol(run.records[low].wait_s, waits_s[i], TOLERANCE);
            ck_assert_double_eq_tol(run.records[low].transfer_s, services_s[i], TOLERANCE);
            compared++;
            waited += waits_s[i] > 0;
        }
    }
    ck_assert_uint_eq(compared, DEVICES * EACH);
    ck_assert_uint_gt(waited, compared / 2);
    small_run_finish(&run);
    small_scenario_finish(&scenario);
}
END_TEST

// ---- finite room ----

// Arrivals at whole seconds, service in quarters: exact in binary, so that departures and arrivals
// coincide and the departure must come first.
static const struct {
    int servers;
    int room;
    double service_s;
    bool is_link;
} rooms[] = {
    {1, 0, 2.5, false}, {1, 0, 3, false},    {1, 2, 2.5, false}, {1, 5, 1, false},
    {2, 0, 2, false},   {2, 1, 3.25, false}, {3, 4, 7.5, false}, {1, 0, 2.5, true},
    {1, 0, 3, true},    {1, 3, 1.75, true},
};

enum { OFFERED = 200 };

START_TEST(what_finds_no_room_is_dropped)
{
    static const char head[] = "scenario: room\n"
                               "stop: {samples: 200}\n"
                               "samples: {payload: 1 MB}\n"
                               "models: {task: {}}\n"
                               "tiers:\n"
                               "  - name: device\n"
                               "    arrivals: {deterministic: {period: 1 s}}\n";
    char yaml[1024];
    if (rooms[_i].is_link) {
        snprintf(yaml, sizeof(yaml),
                 "%s  - {name: edge, compute: {time: {task: 0 s}}}\n"
                 "links:\n"
                 "  - {from: device, to: edge, up: 1 MB/s, room: %d, overhead: %g MB}\n"
                 "policy: full_offload\n",
                 head, rooms[_i].room, rooms[_i].service_s - 1);
    } else {
        snprintf(yaml, sizeof(yaml),
                 "%s    compute: {servers: %d, room: %d, time: {task: %g s}}\n"
                 "policy: local\n",
                 head, rooms[_i].servers, rooms[_i].room, rooms[_i].service_s);
    }
    struct small_scenario scenario;
    struct small_run run;
    small_run_of(&scenario, &run, yaml);
    small_run_sort(&run);
    ck_assert_uint_eq(run.count, OFFERED);
    double departures_s[OFFERED]; // of those taken, which is also their order
    int taken = 0;
    for (int i = 0; i < OFFERED; i++) {
        const struct sample_record *record = &run.records[i];
        int present = 0;
        for (int k = 0; k < taken; k++) {
            present += departures_s[k] > i;
        }
        if (present >= rooms[_i].servers + rooms[_i].room) {
            ck_assert_int_eq(record->reason, REASON_FULL);
            ck_assert_int_eq(record->answer_exit, -1);
            ck_assert_int_eq(record->answer_tier, -1);
            ck_assert_double_eq(record->ended_s, i);
            continue;
        }
        const double start_s =
            taken < rooms[_i].servers ? i : fmax(i, departures_s[taken - rooms[_i].servers]);
        departures_s[taken++] = start_s + rooms[_i].service_s;
        ck_assert_int_eq(record->reason, -1);
        ck_assert_double_eq_tol(record->wait_s, start_s - i, TOLERANCE);
        ck_assert_double_eq_tol(record->ended_s, start_s + rooms[_i].service_s, TOLERANCE);
    }
    ck_assert_double_eq(small_run_metric(&run, "drop_fraction.full"),
                        (double)(OFFERED - taken) / OFFERED);
    ck_assert_double_eq(small_run_metric(&run, "drop_fraction"),
                        (double)(OFFERED - taken) / OFFERED);
    ck_assert_double_eq(
        small_run_metric(&run, "answered_fraction.device") +
            (rooms[_i].is_link ? small_run_metric(&run, "answered_fraction.edge") : 0),
        (double)taken / OFFERED);
    small_run_finish(&run);
    small_scenario_finish(&scenario);
}
END_TEST

// ---- closed loop ----

static const struct {
    int devices;
    int in_flight;
    double think_s;
} loops[] = {{1, 1, 0}, {1, 5, 0}, {3, 2, 0}, {1, 4, 0.75}, {2, 3, 20}};

static int compare_times(const void *a, const void *b)
{
    const double *left = a;
    const double *right = b;
    return (*left > *right) - (*left < *right);
}

// Each of the n samples of a device is replaced by one more as soon as it has ended and the device
// has thought: the k-th arrival after the first n comes a think time after the k-th end.
START_TEST(closed_loop_keeps_its_number)
{
    enum { STOP = 3000 };
    char yaml[1024];
    snprintf(yaml, sizeof(yaml),
             "scenario: loop\n"
             "stop: {samples: %d}\n"
             "models: {task: {}}\n"
             "tiers:\n"
             "  - name: device\n"
             "    nodes: %d\n"
             "    arrivals: {closed: {in_flight: %d, think: %g s}}\n"
             "    compute: {servers: 2, time: {task: {exponential: 1 s}}}\n"
             "policy: local\n",
             STOP, loops[_i].devices, loops[_i].in_flight, loops[_i].think_s);
    struct small_scenario scenario;
    struct small_run run;
    small_run_of(&scenario, &run, yaml);
    small_run_sort(&run);
    ck_assert_uint_eq(run.count, STOP);
    const size_t in_flight = (size_t)loops[_i].in_flight;
    size_t first = 0;
    for (uint32_t device = 0; device < (uint32_t)loops[_i].devices; device++) {
        static double ends_s[STOP];
        size_t count = 0;
        while (first + count < run.count && run.records[first + count].device == device) {
            ends_s[count] = run.records[first + count].ended_s;
            count++;
        }
        qsort(ends_s, count, sizeof(ends_s[0]), compare_times);
        ck_assert_uint_gt(count, 100);
        for (size_t i = 0; i < count; i++) {
            const struct sample_record *record = &run.records[first + i];
            const double from_s = i < in_flight ? 0 : ends_s[i - in_flight];
            ck_assert_uint_eq(record->index, i);
            ck_assert_double_eq(record->arrived_s, from_s + loops[_i].think_s);
        }
        first += count;
    }
    if (loops[_i].think_s == 0) {
        ck_assert_double_eq_tol(small_run_metric(&run, "present_mean.device"),
                                loops[_i].devices * loops[_i].in_flight, TOLERANCE);
    }
    small_run_finish(&run);
    small_scenario_finish(&scenario);
}
END_TEST

// ---- Little's law ----

static const char *const little[] = {
    "    compute: {servers: 3, time: {task: {exponential: 800 ms}}}\n"
    "policy: local\n",
    "    compute: {time: {task: {lognormal: {mean: 250 ms, cv: 1.5}}}}\n"
    "policy: local\n",
    "  - {name: edge, compute: {servers: 2, time: {task: {gamma: {mean: 500 ms, cv: 0.5}}}}}\n"
    "links:\n"
    "  - {from: device, to: edge, count: 1, up: 40 MB/s, down: 100 MB/s, delay: 30 ms}\n"
    "policy: full_offload\n",
    "    compute: {room: 3, time: {task: {exponential: 400 ms}}}\n"
    "policy: local\n",
};

// The numbers come from different sums: areas over the window on one side, waits of the counted
// samples and the arrivals in the window on the other.
START_TEST(littles_law_holds)
{
    char yaml[1024];
    snprintf(yaml, sizeof(yaml),
             "scenario: little\n"
             "stop: {samples: 100000}\n"
             "warmup: {samples: 5000}\n"
             "samples: {payload: {exponential: 10 MB}, answer: 20 MB}\n"
             "models: {task: {}}\n"
             "tiers:\n"
             "  - name: device\n"
             "    arrivals: {poisson: 3 /s}\n"
             "%s",
             little[_i]);
    struct small_scenario scenario;
    struct small_run run;
    small_scenario_init(&scenario, yaml, NULL, NULL);
    small_run_init_long(&run, small_scenario_world(&scenario, 0), 0);
    int busy = 0;
    for (int i = 0; i < run.world->stations; i++) {
        const double *metric = run.result.metrics + run.world->station[i].first_metric;
        if (metric[STATION_ARRIVAL_RATE] == 0) {
            continue;
        }
        busy++;
        const double queue = metric[STATION_ARRIVAL_RATE] * metric[STATION_WAIT_MEAN];
        ck_assert_msg(fabs(metric[STATION_QUEUE_MEAN] - queue) <= 0.01 * queue,
                      "%s: %g waiting, %g arrivals / s times %g s", run.world->station[i].name,
                      metric[STATION_QUEUE_MEAN], metric[STATION_ARRIVAL_RATE],
                      metric[STATION_WAIT_MEAN]);
        const double servers =
            (double)run.world->station[i].servers * (double)run.world->station[i].lanes;
        ck_assert_double_eq_tol(metric[STATION_PRESENT_MEAN],
                                metric[STATION_QUEUE_MEAN] + servers * metric[STATION_UTILISATION],
                                TOLERANCE);
        ck_assert_double_eq_tol(metric[STATION_UTILISATION], metric[STATION_OFFERED_LOAD], 0.01);
    }
    ck_assert_int_ge(busy, 1);
    small_run_finish(&run);
    small_scenario_finish(&scenario);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stations");

    TCase *fifo = tcase_create("first in, first out");
    unit_add_table(fifo, waits_follow_the_recursion, nodes);
    unit_add_table(fifo, links_are_shared_by_neighbours, shares);
    unit_add_table(fifo, what_finds_no_room_is_dropped, rooms);
    tcase_set_timeout(fifo, 30);
    tcase_add_test(fifo, simultaneous_departures_are_in_order);
    suite_add_tcase(suite, fifo);

    TCase *loop = tcase_create("closed loop");
    unit_add_table(loop, closed_loop_keeps_its_number, loops);
    suite_add_tcase(suite, loop);

    TCase *law = tcase_create("Little's law");
    unit_add_table(law, littles_law_holds, little);
    tcase_set_timeout(law, 30);
    suite_add_tcase(suite, law);

    return unit_run(suite);
}
