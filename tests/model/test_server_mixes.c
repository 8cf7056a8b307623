// SPDX-License-Identifier: GPL-3.0-or-later

// Servers of all kinds thrown together at random, with arrivals and times so coarse that many
// things fall due at the same instant. Nothing is known of how long anything takes; but whatever
// the mix, every sample must end once, its times must add up, and what a station says of itself
// must be what its visits say one by one, which is Little's law without any limit.

#include "model/lane.h"
#include "policies/policy.h"
#include "small_run.h"
#include "tests/unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MIXES = 2000, MIXES_A_CASE = 100, SAMPLES = 120 };

// ---- mixes ----

struct dice {
    uint64_t state;
};

// A number from 0 to count - 1 (Knuth's multiplier; the upper bits are good enough for dice).
static unsigned roll(struct dice *dice, unsigned count)
{
    dice->state = dice->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(dice->state >> 33) % count;
}

static bool one_in(struct dice *dice, unsigned count)
{
    return roll(dice, count) == 0;
}

static const char *pick(struct dice *dice, const char *const *words)
{
    unsigned count = 0;
    while (words[count]) {
        count++;
    }
    return words[roll(dice, count)];
}

static const char *const durations[] = {"0 s",
                                        "1e-9 s",
                                        "500 ms",
                                        "500 ms",
                                        "1 s",
                                        "1 s",
                                        "1 s",
                                        "2 s",
                                        "3 s",
                                        "{exponential: 1 s}",
                                        "{uniform: {from: 0 s, to: 2 s}}",
                                        NULL};
static const char *const positive[] = {"1 s", "2 s", "3.5 s", "10 s", "{exponential: 5 s}", NULL};
static const char *const waits[] = {"0 s", "500 ms", "1 s", "2 s", "5 s", NULL};

static void add_failures(struct dice *dice, struct text *yaml, bool resumes)
{
    static const char *const jobs[] = {"resume", "restart", "lose", NULL};
    const char *const what = resumes ? "resume" : pick(dice, jobs);
    // Who starts again needs a time without a failure that is long enough.
    text_format(yaml, ", failures: {every: %s, repair: %s, jobs: %s}",
                strcmp(what, "restart") == 0 ? "{exponential: 9 s}" : pick(dice, positive),
                pick(dice, durations), what);
}

static void add_scaling(struct dice *dice, struct text *yaml)
{
    const unsigned least = 1 + roll(dice, 2);
    text_format(yaml, ", servers: %u, scaling: {least: %u, most: %u, %s, every: %s, start: %s}",
                least + roll(dice, 2), least, least + 1 + roll(dice, 3),
                one_in(dice, 2) ? "utilisation: 50 %" : "queue: 1",
                one_in(dice, 2) ? "1 s" : "3500 ms", pick(dice, waits));
}

static void add_batch(struct dice *dice, struct text *yaml, double patience_s)
{
    // Who has less patience than a batch has waits for nothing.
    text_format(yaml, ", batch: {most: %u, wait: %s}", 2 + roll(dice, 3),
                patience_s > 2 ? pick(dice, waits) : "0 s");
}

static void add_room(struct dice *dice, struct text *yaml, bool may_block)
{
    if (!one_in(dice, 3)) {
        text_format(yaml, ", room: %u%s", roll(dice, 4),
                    may_block && one_in(dice, 2) ? ", full: block" : "");
    }
}

static void add_compute(struct dice *dice, struct text *yaml, bool may_block)
{
    static const char *const disciplines[] = {"fifo",     "priority", "preemptive",
                                              "shortest", "sharing",  NULL};
    const char *const discipline = pick(dice, disciplines);
    const bool shares = strcmp(discipline, "sharing") == 0;
    text_format(yaml, "{discipline: %s", discipline);
    const bool has_speeds = !shares && one_in(dice, 4);
    if (has_speeds) {
        text_add(yaml, one_in(dice, 2) ? ", speeds: [1, 2]" : ", speeds: [0.5, 1, 1]");
    } else if (!shares && one_in(dice, 4)) {
        add_scaling(dice, yaml);
    } else {
        text_format(yaml, ", servers: %u", 1 + roll(dice, 3));
    }
    double patience_s = INFINITY;
    if (!shares && one_in(dice, 3)) {
        static const char *const patiences[] = {"0 s", "500 ms", "1 s", "2.5 s", "6 s", NULL};
        const char *const patience = pick(dice, patiences);
        text_format(yaml, ", patience: %s", patience);
        patience_s = strcmp(patience, "6 s") == 0 ? 6 : 0;
    }
    if (!shares && strcmp(discipline, "preemptive") != 0 && one_in(dice, 3)) {
        add_batch(dice, yaml, patience_s);
    }
    if (one_in(dice, 3)) {
        add_failures(dice, yaml, shares);
    }
    if (!shares && one_in(dice, 4)) {
        text_format(yaml, ", cold_start: {idle: %s, time: %s}", pick(dice, waits),
                    pick(dice, durations));
    }
    if (!shares && one_in(dice, 5)) {
        text_add(yaml, ", steps: [{speed: 0.5, active: 1 W, most_present: 1}, "
                       "{speed: 2, active: 4 W}]");
    }
    add_room(dice, yaml, may_block);
    text_format(yaml, ", time: {task: %s, other: %s}}", pick(dice, durations),
                pick(dice, durations));
}

static void add_arrivals(struct dice *dice, struct text *yaml)
{
    static const char *const arrivals[] = {
        "{poisson: 1 /s}",
        "{deterministic: {period: 1 s}}",
        "{deterministic: {period: 1500 ms}}",
        "{poisson: 0.3 /s}, bursts: {every: 3 s, samples: 3, spread: 0 s}",
        "{closed: {in_flight: 3, think: 1 s}}",
        NULL};
    text_format(yaml, "arrivals: %s", pick(dice, arrivals));
}

static void add_link(struct dice *dice, struct text *yaml)
{
    static const char *const rates[] = {"1 MB/s", "2 MB/s", "unlimited", NULL};
    text_format(yaml, "{from: device, to: edge, up: %s, down: %s, delay: %s", pick(dice, rates),
                pick(dice, rates), pick(dice, waits));
    if (one_in(dice, 4)) {
        text_add(yaml, ", loss: {probability: 20 %, retries: 1}");
    }
    text_add(yaml, "}");
}

static void add_mix(struct dice *dice, struct text *yaml)
{
    static const char *const balances[] = {"home",        "round_robin", "random", "shortest_queue",
                                           "two_choices", "least_wait",  NULL};
    text_format(yaml,
                "scenario: mix\nstop: {samples: %d}\nsamples: {payload: 1 MB, answer: 1 MB}\n"
                "models: {task: {}, other: {}}\ntiers:\n  - name: device\n",
                SAMPLES);
    text_add(yaml, "    classes:\n");
    struct text edge = {0};
    add_compute(dice, &edge, true);
    const bool has_priorities = strstr(text_string(&edge), "discipline: pr") != NULL;
    const unsigned classes = 2 + roll(dice, 2);
    for (unsigned i = 0; i < classes; i++) {
        text_format(yaml, "      - {name: c%u, nodes: %u, ", i, 1 + roll(dice, 2));
        if (has_priorities) {
            text_format(yaml, "priority: %u, ", i);
        }
        add_arrivals(dice, yaml);
        text_add(yaml, ", compute: ");
        add_compute(dice, yaml, false);
        text_add(yaml, "}\n");
    }
    text_format(yaml, "  - {name: edge, nodes: %u, balance: %s, compute: %s}\nlinks:\n  - ",
                1 + roll(dice, 3), pick(dice, balances), text_string(&edge));
    text_finish(&edge);
    add_link(dice, yaml);
    text_add(yaml, "\npolicy: wanderer\n");
}

// ---- a policy that goes everywhere ----

// Computes here or there, once or twice, by the sample's own number; gives up what is lost.
static struct policy_action wander(const struct policy_world *world, const void *parameters,
                                   const void *plan, void *state, const struct policy_view *view)
{
    (void)parameters;
    (void)plan;
    (void)state;
    const int way = (int)(view->uniform * 6);
    if (view->is_lost) {
        return policy_drop(POLICY_LOST);
    }
    if (view->tier == 0 && view->computations == 0 && way < 3) {
        return policy_compute(way % 2, policy_last_layer(world, way % 2));
    }
    if (view->tier == 0 && way != 1) {
        return policy_send_raw(1);
    }
    const int wanted = way == 1 ? 1 : way < 3 ? 2 + way / 2 : 1 + way % 2;
    if (view->computations < wanted) {
        const int model = view->model == 0;
        return policy_compute(model, policy_last_layer(world, model));
    }
    return policy_answer(view->latest->exit);
}

static const struct policy_type wanderer = {
    .api = POLICY_API_VERSION,
    .name = "wanderer",
    .summary = "goes everywhere",
    .paper = "",
    .example = "wanderer",
    .decide = wander,
};

// ---- what must hold ----

struct station_sums {
    double present_s;
    double waiting_s;
};

struct witness {
    const struct world *world;
    double window_s;
    struct station_sums *sums; // NULL: only the records
    size_t ended;
    size_t dropped;
};

static double overlap(const struct witness *witness, double from_s, double to_s)
{
    return fmax(fmin(to_s, witness->window_s) - from_s, 0);
}

static void see_visit(void *context, const struct visit_record *visit)
{
    const struct witness *witness = context;
    // Only what fails goes to the library, which writes to a pipe for each assertion.
    if (!(visit->arrived_s <= visit->started_s && visit->started_s <= visit->ended_s)) {
        ck_abort_msg("a visit from %.17g that starts at %.17g and ends at %.17g", visit->arrived_s,
                     visit->started_s, visit->ended_s);
    }
    if (witness->sums) {
        struct station_sums *sums = &witness->sums[visit->station];
        sums->present_s += overlap(witness, visit->arrived_s, visit->ended_s);
        sums->waiting_s += overlap(witness, visit->arrived_s, visit->started_s);
    }
}

static void see_sample(void *context, const struct sample_record *record)
{
    struct witness *witness = context;
    const double latency_s = record->ended_s - record->arrived_s;
    const double parts_s = record->wait_s + record->service_s + record->transfer_s;
    witness->ended++;
    witness->dropped += record->reason >= 0;
    if (!(record->wait_s >= 0 && record->service_s >= 0 && fabs(latency_s - parts_s) < 1e-9)) {
        ck_abort_msg("sample %llu of device %u is there for %.17g s, which are not %.17g waiting, "
                     "%.17g in service and %.17g on the way",
                     (unsigned long long)record->index, (unsigned)record->device, latency_s,
                     record->wait_s, record->service_s, record->transfer_s);
    }
}

struct outcome {
    double *metrics;
    struct replication_result result;
};

static void run_once(const struct world *world, struct witness *witness, struct outcome *outcome)
{
    struct text error = {0};
    outcome->result.metrics = memory_resize(NULL, (size_t)world->metrics, sizeof(double));
    outcome->result.counters = memory_resize(NULL, (size_t)world->counters.count, sizeof(double));
    const struct replication_options options = {
        .observe = see_sample, .visited = see_visit, .context = witness};
    const int status = replication_run(world, &options, &outcome->result, &error);
    ck_assert_msg(status == 0, "%s", text_string(&error));
    text_finish(&error);
}

static double metric_of(const struct world *world, const struct outcome *outcome,
                        const char *family, const char *member)
{
    char name[128];
    snprintf(name, sizeof(name), "%s.%s", family, member);
    for (int i = 0; i < world->metrics; i++) {
        if (strcmp(world->metric[i].name, name) == 0) {
            return outcome->result.metrics[i];
        }
    }
    ck_abort_msg("there is no metric '%s'", name);
}

static void stations_agree(const struct world *world, const struct witness *witness,
                           const struct outcome *outcome)
{
    for (int i = 0; i < world->stations && witness->window_s > 0; i++) {
        const struct world_station *station = &world->station[i];
        const double present = metric_of(world, outcome, "present_mean", station->name);
        const double waiting = metric_of(world, outcome, "queue_mean", station->name);
        const double present_s = witness->sums[i].present_s;
        const double waiting_s = witness->sums[i].waiting_s;
        ck_assert_msg(fabs(present * witness->window_s - present_s) < 1e-7,
                      "%s: %.17g are present, not %.17g", station->name, present,
                      present_s / witness->window_s);
        // Who is disturbed waits again.
        ck_assert_msg(waiting * witness->window_s > waiting_s - 1e-7, "%s: %.17g wait, not %.17g",
                      station->name, waiting, waiting_s / witness->window_s);
        if (!station->rules || station->rules->discipline != DISCIPLINE_PREEMPTIVE) {
            ck_assert_msg(waiting * witness->window_s < waiting_s + 1e-7,
                          "%s: %.17g wait, not %.17g", station->name, waiting,
                          waiting_s / witness->window_s);
        }
        ck_assert_msg(metric_of(world, outcome, "utilisation", station->name) < 1 + 1e-9,
                      "%s is busier than it can be", station->name);
    }
}

static void check_mix(const char *yaml)
{
    struct small_scenario scenario;
    small_scenario_init(&scenario, yaml, NULL, &wanderer);
    const struct world *world = small_scenario_world(&scenario, 0);
    struct outcome first = {0};
    struct outcome second = {0};
    struct witness witness = {.world = world};
    run_once(world, &witness, &first);
    const struct replication_result *result = &first.result;
    ck_assert_msg(result->in_flight == 0, "%llu samples never end",
                  (unsigned long long)result->in_flight);
    ck_assert_uint_eq(result->offered, witness.ended);
    ck_assert_uint_eq(result->dropped, witness.dropped);
    ck_assert_uint_eq(result->offered, result->answered + result->dropped);

    // The same again, now that the length of the window is known.
    witness = (struct witness){.world = world, .window_s = result->window_s};
    witness.sums = calloc((size_t)world->stations, sizeof(*witness.sums));
    run_once(world, &witness, &second);
    ck_assert_mem_eq(first.result.metrics, second.result.metrics,
                     (size_t)world->metrics * sizeof(double));
    ck_assert_mem_eq(first.result.counters, second.result.counters,
                     (size_t)world->counters.count * sizeof(double));
    stations_agree(world, &witness, &second);
    free(witness.sums);
    for (int i = 0; i < 2; i++) {
        struct outcome *outcome = i ? &second : &first;
        free(outcome->result.metrics);
        free(outcome->result.counters);
    }
    small_scenario_finish(&scenario);
}

START_TEST(any_mix_holds_together)
{
    for (int i = 0; i < MIXES_A_CASE; i++) {
        struct dice dice = {(uint64_t)(_i * MIXES_A_CASE + i) * 2654435761u + 12345};
        struct text yaml = {0};
        add_mix(&dice, &yaml);
        if (getenv("OFFLOADSIM_TEST_SHOW")) {
            fprintf(stderr, "%s\n", text_string(&yaml));
        }
        check_mix(text_string(&yaml));
        text_finish(&yaml);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("server mixes");
    TCase *mixes = tcase_create("at random");
    tcase_add_loop_test(mixes, any_mix_holds_together, 0, MIXES / MIXES_A_CASE);
    tcase_set_timeout(mixes, 30);
    suite_add_tcase(suite, mixes);
    return unit_run(suite);
}
