// SPDX-License-Identifier: GPL-3.0-or-later

// What a run checks of itself: nothing is found in a run that is right, and whatever is falsified
// in what it has summed up is found, with words that say what and where.

#include "model/run.h"
#include "model/self_check.h"
#include "small_run.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Two classes of devices; half of the samples go to an edge, some are dropped there.
#define TWO_CLASSES(warmup, room)                                                                  \
    "scenario: two-classes\n"                                                                      \
    "seed: 2385\n"                                                                                 \
    "stop: {samples: 600}\n"                                                                       \
    "warmup: " warmup "\n"                                                                         \
    "samples: {trace: trace.csv, label: label, payload: 40 kB, answer: 400 B, deadline: 90 ms}\n"  \
    "models:\n"                                                                                    \
    "  small: {exits: {end: {confidence: s_conf, correct: s_ok}}}\n"                               \
    "  large: {exits: {end: {confidence: l_conf, correct: l_ok}}}\n"                               \
    "tiers:\n"                                                                                     \
    "  - name: device\n"                                                                           \
    "    classes:\n"                                                                               \
    "      - name: camera\n"                                                                       \
    "        nodes: 2\n"                                                                           \
    "        arrivals: {poisson: 7 /s}\n"                                                          \
    "        compute: {time: {small: 11 ms}, power: {active: 3 W, idle: 1 W}}\n"                   \
    "      - name: phone\n"                                                                        \
    "        nodes: 3\n"                                                                           \
    "        arrivals: {poisson: 5 /s}\n"                                                          \
    "        compute: {time: {small: {exponential: 13 ms}}}\n"                                     \
    "  - name: edge\n"                                                                             \
    "    compute: {servers: 2, time: {large: {exponential: 70 ms}}" room "}\n"                     \
    "links:\n"                                                                                     \
    "  - {from: device, to: edge, up: 60 Mbit/s, down: 60 Mbit/s, delay: 3 ms}\n"                  \
    "policy: {hi_threshold: {theta: 0.5}}\n"

static const char trace[] = "s_conf,s_ok,l_conf,l_ok,label\n"
                            "0.9,1,0.9,1,0\n"
                            "0.2,0,0.8,1,1\n"
                            "0.3,1,0.8,1,0\n"
                            "0.8,0,0.7,0,2\n"
                            "0.4,0,0.6,0,1\n";

#define PLAIN TWO_CLASSES("none", "")
#define WARM TWO_CLASSES("{samples: 100}", "")
#define DROPPING TWO_CLASSES("{time: 1 s}", ", room: 1")

static struct station_tally *station(struct self_check *check, const char *name)
{
    for (int i = 0; i < check->world->stations; i++) {
        if (strcmp(check->world->station[i].name, name) == 0) {
            return &check->tally->stations[i];
        }
    }
    ck_abort_msg("there is no station '%s'", name);
}

static double *counter(struct self_check *check, const char *name)
{
    for (int i = 0; i < check->world->counters.count; i++) {
        if (strcmp(check->world->counters.names[i], name) == 0) {
            return &check->tally->counters[i];
        }
    }
    ck_abort_msg("there is no counter '%s'", name);
}

static void lose_answer(struct self_check *check)
{
    check->answered--;
}

static void lose_counted(struct self_check *check)
{
    *counter(check, "offered") -= 1;
}

static void forget_tier(struct self_check *check)
{
    *counter(check, "answered.edge") -= 1;
}

static void forget_exit(struct self_check *check)
{
    *counter(check, "exits.small.end") += 1;
}

static void forget_error(struct self_check *check)
{
    *counter(check, "errors") += 1;
}

static void forget_reason(struct self_check *check)
{
    *counter(check, "drops.full") -= 1;
}

static void invent_bytes(struct self_check *check)
{
    *counter(check, "bytes.device-edge.up") += 1;
}

static void invent_energy(struct self_check *check)
{
    *counter(check, "energy_j.device") *= 1 + 1e-6;
}

static void forget_latency(struct self_check *check)
{
    check->tally->latency.total--;
}

static void shorten_latency(struct self_check *check)
{
    check->tally->latency.most = check->tally->latency.least;
}

static void offload_more(struct self_check *check)
{
    *counter(check, "offloaded") = *counter(check, "offered") + 1;
}

static void move_class(struct self_check *check)
{
    *counter(check, "class_correct.camera") += 1;
}

static void move_label(struct self_check *check)
{
    check->tally->label_correct[1] -= 1;
}

static void guess_right(struct self_check *check)
{
    // 120 passes of five rows, two of which no exit is right about.
    *counter(check, "correct") += 100;
    *counter(check, "errors") -= 100;
    *counter(check, "class_correct.camera") += 100;
    check->tally->label_correct[0] += 100;
}

static void guess_wrong(struct self_check *check)
{
    check->passes[0] = 1;
}

static void keep_one(struct self_check *check)
{
    check->present[2]++;
}

static void stay_in_flight(struct self_check *check)
{
    check->in_flight++;
    check->answered--;
}

// As if nobody had been there any more at the end of the window.
static void close_window(struct self_check *check)
{
    check->tally->answered_in_window = check->answered;
    for (int i = 0; i < check->world->stations; i++) {
        struct station_tally *t = &check->tally->stations[i];
        t->arrivals = t->visits;
        t->queue_area_s = t->wait_s;
        t->busy_area_s = t->work_s;
    }
}

static void forget_visit(struct self_check *check)
{
    close_window(check);
    station(check, "edge")->arrivals++;
}

static void invent_visit(struct self_check *check)
{
    close_window(check);
    station(check, "edge")->arrivals--;
}

static void wait_longer(struct self_check *check)
{
    station(check, "edge")->wait_s += 1.5;
}

static void wait_less(struct self_check *check)
{
    station(check, "edge")->queue_area_s += 1.5;
}

static void work_longer(struct self_check *check)
{
    station(check, "edge")->work_s += 1.5;
}

static void rest(struct self_check *check)
{
    station(check, "device.camera")->busy_area_s *= 1.1;
}

static void overwork(struct self_check *check)
{
    struct station_tally *edge = station(check, "edge");
    edge->busy_area_s = 2.001 * (check->tally->window_to_s - check->tally->window_from_s);
}

static void send_more(struct self_check *check)
{
    *counter(check, "offloads.device-edge") += 1;
}

static void lose_return(struct self_check *check)
{
    station(check, "device-edge.down")->visits -= 1;
}

static const struct {
    const char *yaml;
    void (*falsify)(struct self_check *check);
    const char *problem; // the beginning of what is said
} falsehoods[] = {
    {PLAIN, lose_answer, "600 samples were offered, but 599 answered, 0 dropped and 0 in flight"},
    {PLAIN, lose_counted, "of 599 counted samples 600 were answered and 0 dropped, with 0 in"},
    {WARM, lose_counted, "of 499 counted samples 500 were answered"},
    {PLAIN, forget_tier, "answers by tier add up to 599 and not to 600"},
    {PLAIN, forget_exit, "answers by exit add up to 601 and not to 600"},
    {PLAIN, forget_error, "right and wrong answers add up to 601 and not to 600"},
    {DROPPING, forget_reason, "drops by reason add up to"},
    {PLAIN, invent_bytes, "bytes by link add up to"},
    {PLAIN, invent_energy, "joules by tier add up to"},
    {PLAIN, forget_latency, "latencies in the histogram add up to 599 and not to 600"},
    {PLAIN, shorten_latency, "600 latencies between "},
    {PLAIN, offload_more, "of 600 samples 601 were offloaded"},
    {PLAIN, move_class, "right answers by class add up to"},
    {PLAIN, move_label, "right answers by label add up to"},
    {PLAIN, guess_right, "458 answers were right and 142 wrong, but on these samples the best"},
    {PLAIN, guess_wrong, "358 answers were right and 242 wrong, but on these samples the best"},
    {PLAIN, keep_one, "1 samples have not left station 'edge', but 0 are in flight"},
    {PLAIN, stay_in_flight, "0 samples are at stations at the end, but 1 in flight"},
    {PLAIN, forget_visit, "360 samples came to station 'edge' in the window, but 359 counted"},
    {PLAIN, invent_visit, "358 samples came to station 'edge' in the window, but 359 counted"},
    {PLAIN, wait_longer, "Little's law does not hold at station 'edge': its queue makes"},
    {PLAIN, wait_less, "Little's law does not hold at station 'edge': its queue makes"},
    {WARM, wait_longer, "Little's law does not hold at station 'edge': its queue makes"},
    {WARM, wait_less, "Little's law does not hold at station 'edge': its queue makes"},
    {DROPPING, wait_longer, "Little's law does not hold at station 'edge': its queue makes"},
    {PLAIN, work_longer, "the servers of station 'edge' were busy for"},
    {WARM, rest, "the servers of station 'device.camera' were busy for"},
    {DROPPING, overwork, "the servers of station 'edge' were busy for"},
    {PLAIN, send_more, "360 samples were sent over link 'device-edge.up', but 359 have left it"},
    {PLAIN, lose_return, "599 samples have come to tier 'device' and not gone on, but 600 were"},
};

static void falsify(void *context, struct self_check *check)
{
    const int *row = context;
    falsehoods[*row].falsify(check);
}

static int run_falsified(const struct world *world, const struct replication_options *options,
                         struct text *error)
{
    struct replication_result result = {
        .metrics = memory_resize(NULL, (size_t)world->metrics, sizeof(double)),
        .counters = memory_resize(NULL, (size_t)world->counters.count, sizeof(double))};
    const int status = replication_run(world, options, &result, error);
    free(result.metrics);
    free(result.counters);
    return status;
}

START_TEST(what_is_false_is_found)
{
    struct small_scenario scenario;
    struct text error = {0};
    int row = _i;
    small_scenario_init(&scenario, falsehoods[_i].yaml, trace, NULL);
    const struct world *world = small_scenario_world(&scenario, 0);
    struct replication_options options = {.number = 3};
    ck_assert_msg(run_falsified(world, &options, &error) == 0, "%s", text_string(&error));
    options.falsify = falsify;
    options.context = &row;
    ck_assert_int_eq(run_falsified(world, &options, &error), -1);
    char expected[512];
    snprintf(expected, sizeof(expected),
             "the simulator contradicts itself under policy 'hi_threshold': %s",
             falsehoods[_i].problem);
    ck_assert_msg(strncmp(text_string(&error), expected, strlen(expected)) == 0,
                  "'%s'\ninstead of '%s'", text_string(&error), expected);
    text_finish(&error);
    small_scenario_finish(&scenario);
}
END_TEST

START_TEST(the_way_to_see_it_again_is_said)
{
    struct small_scenario scenario;
    struct text error = {0};
    int row = 0;
    small_scenario_init(&scenario, PLAIN, trace, NULL);
    const struct world *world = small_scenario_world(&scenario, 0);
    const struct replication_options options = {.number = 3, .falsify = falsify, .context = &row};
    ck_assert_int_eq(run_falsified(world, &options, &error), -1);
    const char *end = strstr(text_string(&error), "; at time ");
    ck_assert_ptr_nonnull(end);
    ck_assert_ptr_nonnull(strstr(end, " s, seed 2385, replication 3 (to see it again: "
                                      "--seed 2385 --replications 4)"));
    text_finish(&error);
    small_scenario_finish(&scenario);
}
END_TEST

// What is not counted, and what goes on behind the window, is no contradiction: windows of any
// kind, in lanes with and without a queue, with all that is lost.
#define MIX(stop, warmup, edge, link)                                                              \
    "scenario: mix\n"                                                                              \
    "seed: 7\n"                                                                                    \
    "stop: " stop "\n"                                                                             \
    "warmup: " warmup "\n"                                                                         \
    "samples: {payload: {exponential: 30 kB}, answer: 2 kB}\n"                                     \
    "models: {task: {}}\n"                                                                         \
    "tiers:\n"                                                                                     \
    "  - {name: device, nodes: 4, arrivals: {poisson: 6 /s}, compute: {time: {task: 1 s}}}\n"      \
    "  - name: edge\n"                                                                             \
    "    nodes: 2\n"                                                                               \
    "    compute: {time: {task: {exponential: 75 ms}}" edge "}\n"                                  \
    "links:\n"                                                                                     \
    "  - {from: device, to: edge, up: 9 Mbit/s, down: 9 Mbit/s, delay: 20 ms" link "}\n"           \
    "policy: {full_offload: {tier: edge, model: task}}\n"

#define ALL_WINDOWS(edge, link)                                                                    \
    MIX("{samples: 900}", "none", edge, link),                                                     \
        MIX("{samples: 900}", "{samples: 400}", edge, link),                                       \
        MIX("{time: 40 s}", "{time: 7 s}", edge, link),                                            \
        MIX("{time: 40 s}", "{samples: 333}", edge, link),                                         \
        MIX("{samples: 100}", "{time: 1000 s}", edge, link)

static const char *const mixes[] = {
    ALL_WINDOWS("", ""),
    ALL_WINDOWS(", room: 2", ""),
    ALL_WINDOWS(", discipline: sharing", ", sharing: fair"),
    ALL_WINDOWS(", servers: 2, speeds: [1, 0.4]", ""),
    ALL_WINDOWS(", patience: 100 ms", ""),
    ALL_WINDOWS(", servers: 2, discipline: preemptive", ", loss: {probability: 20 %, retries: 0}"),
    ALL_WINDOWS(", failures: {every: {exponential: 5 s}, repair: 1 s, jobs: lose}", ""),
    ALL_WINDOWS(", failures: {every: {exponential: 5 s}, repair: 1 s, jobs: restart}", ""),
};

START_TEST(what_is_true_is_left_alone)
{
    struct small_scenario scenario;
    struct small_run run;
    small_scenario_init(&scenario, mixes[_i], NULL, NULL);
    for (uint64_t number = 0; number < 20; number++) {
        small_run_init_long(&run, small_scenario_world(&scenario, 0), number);
        ck_assert_msg(run.status == 0, "%s", text_string(&run.error));
        small_run_finish(&run);
    }
    small_scenario_finish(&scenario);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("self-check");
    TCase *tcase = tcase_create("self-check");
    unit_add_table(tcase, what_is_false_is_found, falsehoods);
    tcase_add_test(tcase, the_way_to_see_it_again_is_said);
    unit_add_table(tcase, what_is_true_is_left_alone, mixes);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
