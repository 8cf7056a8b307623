// SPDX-License-Identifier: GPL-3.0-or-later

// Links in whole runs: shared media, outages, rates that end, and messages that get lost, held
// against times worked out by hand and against numbers that the test looks up itself.

#include "rng/binomial.h"
#include "rng/stream.h"
#include "small_run.h"
#include "tests/unit/unit.h"

#include <math.h>
#include <stdio.h>

#define TOLERANCE 1e-9

enum { YAML_ROOM = 4096 };

// A device that sends 100 B with every sample to an edge without any service time worth mention.
// `devices` describes the first tier, `link` the link.
static void write_yaml(char yaml[YAML_ROOM], int samples, const char *more, const char *devices,
                       const char *link, const char *policy)
{
    snprintf(yaml, YAML_ROOM,
             "scenario: links\n"
             "seed: 2385\n"
             "stop: {samples: %d}\n"
             "models: {net: {layers: 1}}\n"
             "samples: {payload: 100 B%s}\n"
             "tiers:\n"
             "  - {name: device, %s}\n"
             "  - {name: edge, compute: {time: {net: 0 s}}}\n"
             "links:\n"
             "  - {from: device, to: edge, %s}\n"
             "policy: %s\n",
             samples, more, devices, link, policy);
}

struct fate {
    double ended_s; // after its arrival
    double transfer_s;
};

static void run_yaml(const char *yaml, const char *trace, struct small_scenario *scenario,
                     struct small_run *run)
{
    small_scenario_init(scenario, yaml, trace, NULL);
    small_run_init(run, small_scenario_world(scenario, 0), 1);
    ck_assert_msg(run->status == 0, "%s", text_string(&run->error));
    small_run_sort(run);
}

static void check_fates(const struct small_run *run, const struct fate *fates, size_t count)
{
    ck_assert_uint_eq(run->count, count);
    for (size_t i = 0; i < count; i++) {
        const struct sample_record *record = &run->records[i];
        ck_assert_double_eq_tol(record->ended_s - record->arrived_s, fates[i].ended_s, TOLERANCE);
        ck_assert_double_eq_tol(record->transfer_s, fates[i].transfer_s, TOLERANCE);
    }
}

static const struct {
    const char *name;
    int samples;
    const char *more; // of `samples`
    const char *devices;
    const char *link;
    const char *trace;
    struct fate fates[6];
} runs[] = {
    {"five together, fair",
     5,
     "",
     "nodes: 5, arrivals: {deterministic: {period: 9 s}}",
     "count: 1, sharing: fair, up: 100 B/s",
     NULL,
     {{5, 5}, {5, 5}, {5, 5}, {5, 5}, {5, 5}}},
    {"five together, one after the other",
     5,
     "",
     "nodes: 5, arrivals: {deterministic: {period: 9 s}}",
     "count: 1, up: 100 B/s",
     NULL,
     {{1, 1}, {2, 1}, {3, 1}, {4, 1}, {5, 1}}},
    // 25 and 75 B/s until the heavy one is through after 4/3 s, with 200/3 B left of the other.
    {"weights",
     2,
     "",
     "classes: [{name: light, nodes: 1, arrivals: {deterministic: {period: 9 s}}}, "
     "{name: heavy, nodes: 1, weight: 3, arrivals: {deterministic: {period: 9 s}}}]",
     "count: 1, sharing: fair, up: 100 B/s",
     NULL,
     {{2, 2}, {4.0 / 3, 4.0 / 3}}},
    // 100 B/s for 1 s, nothing for 2 s, 50 B/s: 50 B each by 1 s, the other 100 B from 3 s on.
    {"fair, over steps",
     2,
     "",
     "nodes: 2, arrivals: {deterministic: {period: 9 s}}",
     "count: 1, sharing: fair, up: {steps: {times: [0 s, 1 s, 3 s], rates: [100 B/s, 0 B/s, 50 "
     "B/s]}}",
     NULL,
     {{5, 5}, {5, 5}}},
    {"fair, room for one more",
     3,
     "",
     "nodes: 3, arrivals: {deterministic: {period: 9 s}}",
     "count: 1, sharing: fair, room: 1, up: 100 B/s",
     NULL,
     {{2, 2}, {2, 2}, {0, 0}}},
    // Sample 0 goes up until 1, its answer waits for sample 1 until 2 and takes 0.5; sample 2 waits
    // for that and goes up until 3.5, before the answer of sample 1.
    {"half duplex",
     3,
     ", answer: 50 B",
     "arrivals: {deterministic: {period: 1 s}}",
     "duplex: half, up: 100 B/s, down: 100 B/s, delay: 0.25 s",
     NULL,
     {{2.75, 2}, {3.25, 2}, {2.75, 2}}},
    {"full duplex",
     3,
     ", answer: 50 B",
     "arrivals: {deterministic: {period: 1 s}}",
     "up: 100 B/s, down: 100 B/s, delay: 0.25 s",
     NULL,
     {{2, 2}, {2, 2}, {2, 2}}},
    // From 1 on the answer of sample 0 and sample 1 have half of the time each: the answer is
    // through at 2, sample 1 at 2.5, and its answer at 3.
    {"half duplex, fair",
     2,
     ", answer: 150 B",
     "arrivals: {deterministic: {period: 1 s}}",
     "sharing: fair, duplex: half, up: 100 B/s, down: 300 B/s",
     NULL,
     {{2, 2}, {2, 2}}},
    // Outages from 0.5 to 1.5 and from 4 to 5, every 5 s; samples at 0, 2, 4, 6.
    {"scheduled outages",
     4,
     "",
     "arrivals: {deterministic: {period: 2 s}}",
     "up: 100 B/s, outages: {schedule: {starts: [0.5 s, 4 s], lasts: [1 s, 1 s], period: 5 s}}",
     NULL,
     {{2, 2}, {1, 1}, {3, 3}, {2, 1}}},
    {"scheduled outages, both ways",
     1,
     ", answer: 100 B",
     "arrivals: {deterministic: {period: 2 s}}",
     "up: 100 B/s, down: 100 B/s, outages: {schedule: {starts: [0.5 s, 2.25 s], lasts: [1 s, 1 "
     "s]}}",
     NULL,
     {{4, 4}}},
    // 100, 20 and 50 B/s for 2, 3 and 3 s, then again; samples at 0, 3 and 6.
    {"a file that repeats",
     3,
     "",
     "arrivals: {deterministic: {period: 3 s}}",
     "up: {trace: {file: trace.csv, time: t, rate: r, rate_unit: B/s}}",
     "t,r\n100,100\n102,20\n105,50\n",
     {{1, 1}, {3.2, 3.2}, {2.1, 1.9}}},
    {"a file that starts later",
     1,
     "",
     "arrivals: {deterministic: {period: 9 s}}",
     "up: {trace: {file: trace.csv, time: t, rate: r, rate_unit: B/s, start: 4 s}}",
     "t,r\n100,100\n102,20\n105,50\n",
     {{2.6, 2.6}}},
    // A round of 4 ms: two packets of 1500 B in millisecond 0, of which one is that of the end of
    // the round before, and two in millisecond 2. Samples at 0, 2.5 and 5 ms, the last of which
    // waits for millisecond 6; 100 B take a thirtieth of a millisecond.
    {"packet opportunities",
     3,
     "",
     "arrivals: {deterministic: {period: 2.5 ms}}",
     "up: {mahimahi: trace.csv}",
     "0\n2\n2\n4\n",
     {{1e-3 / 30, 1e-3 / 30}, {1e-3 / 30, 1e-3 / 30}, {31e-3 / 30, 31e-3 / 30}}},
    // The file ends at 3 s: the second message, at 2.5, loses half of itself and is computed here.
    {"a file that ends",
     3,
     "",
     "arrivals: {deterministic: {period: 2.5 s}}, compute: {time: {net: 1 s}}",
     "up: {trace: {file: trace.csv, time: t, rate: r, rate_unit: B/s, repeat: false}}",
     "t,r\n0,100\n1.5,100\n",
     {{1, 1}, {1.5, 0.5}, {1, 0}}},
    {"a file that ends, fair",
     3,
     "",
     "arrivals: {deterministic: {period: 2.5 s}}, compute: {time: {net: 1 s}}",
     "sharing: fair, up: {trace: {file: trace.csv, time: t, rate: r, rate_unit: B/s, repeat: "
     "false}}",
     "t,r\n0,100\n1.5,100\n",
     {{1, 1}, {1.5, 0.5}, {1, 0}}},
};

START_TEST(fates_are_those_worked_out)
{
    char yaml[YAML_ROOM];
    struct small_scenario scenario;
    struct small_run run;
    write_yaml(yaml, runs[_i].samples, runs[_i].more, runs[_i].devices, runs[_i].link,
               "full_offload");
    run_yaml(yaml, runs[_i].trace, &scenario, &run);
    check_fates(&run, runs[_i].fates, (size_t)runs[_i].samples);
    small_run_finish(&run);
    small_scenario_finish(&scenario);
}
END_TEST

// What goes through the end of a file is counted, and no more.
START_TEST(bytes_until_the_end_are_counted)
{
    char yaml[YAML_ROOM];
    struct small_scenario scenario;
    struct small_run run;
    char link[512];
    snprintf(link, sizeof(link),
             "sharing: %s, radio: {send: 2 W, send_per_byte: 0.5 J/B}, up: {trace: {file: "
             "trace.csv, time: t, rate: r, rate_unit: B/s, repeat: false}}",
             _i ? "fair" : "fifo");
    write_yaml(yaml, 3, "",
               "arrivals: {deterministic: {period: 2.5 s}}, compute: {time: {net: 1 s}}", link,
               "full_offload");
    run_yaml(yaml, "t,r\n0,100\n1.5,100\n", &scenario, &run);
    ck_assert_double_eq_tol(small_run_counter(&run, "bytes.device-edge.up"), 150, TOLERANCE);
    ck_assert_double_eq_tol(small_run_counter(&run, "energy_j.device"), 2 * 1.5 + 0.5 * 150,
                            TOLERANCE);
    small_run_finish(&run);
    small_scenario_finish(&scenario);
}
END_TEST

// Under half duplex both directions together are busy for the time of what they carry.
START_TEST(half_duplex_shares_the_time)
{
    char yaml[YAML_ROOM];
    struct small_scenario scenario;
    struct small_run run;
    char link[256];
    snprintf(link, sizeof(link), "sharing: %s, duplex: half, up: 100 B/s, down: 200 B/s",
             _i ? "fair" : "fifo");
    write_yaml(yaml, 4000, ", answer: 50 B", "nodes: 3, arrivals: {poisson: 0.2 /s}", link,
               "full_offload");
    run_yaml(yaml, NULL, &scenario, &run);
    const double window_s = run.result.window_s;
    const double up = small_run_metric(&run, "utilisation.device-edge.up");
    const double down = small_run_metric(&run, "utilisation.device-edge.down");
    // All but what is under way at the end falls into the window.
    ck_assert_double_eq_tol(up * window_s * 3, 4000, 10);
    ck_assert_double_eq_tol(down * window_s * 3, 1000, 10);
    small_run_finish(&run);
    small_scenario_finish(&scenario);
}
END_TEST

// ---- loss ----

#define BUSY_DEVICE "nodes: 2, arrivals: {deterministic: {period: 60 s}}"
#define OWN_COMPUTE BUSY_DEVICE ", compute: {time: {net: 1 s}}"

static const struct {
    const char *devices;
    const char *link;
    const char *policy;
    double sent; // bytes upward
    double dropped;
    double latency_s; // mean of those answered; 0: none is
} losses[] = {
    // Everything is lost: three transmissions of 1 s, then the device computes.
    {OWN_COMPUTE, "up: 100 B/s, loss: {probability: 1, retries: 2}", "full_offload", 300, 0, 4},
    {OWN_COMPUTE, "up: 100 B/s, loss: {probability: 1, retries: 2}",
     "{full_offload: {when_lost: drop}}", 300, 1, 0},
    {OWN_COMPUTE, "up: 100 B/s, loss: {probability: 1, retries: 0}",
     "{full_offload: {when_lost: again}}", 1100, 0, 12},
    {BUSY_DEVICE, "up: 100 B/s, loss: {probability: 1, retries: 2}", "full_offload", 300, 1, 0},
    // 3 packets of 40, 40 and 20 B, three times each.
    {OWN_COMPUTE, "up: 100 B/s, loss: {probability: 1, per: packet, packet: 40 B, retries: 2}",
     "full_offload", 300, 0, 4},
    // A large packet is the message.
    {OWN_COMPUTE, "up: 100 B/s, loss: {probability: 1, per: packet, packet: 1500 B, retries: 3}",
     "full_offload", 400, 0, 5},
    {OWN_COMPUTE, "up: 100 B/s, loss: 0 %", "full_offload", 100, 0, 1},
    // Each medium is shared fairly: the two devices have media of their own.
    {OWN_COMPUTE, "sharing: fair, up: 100 B/s, loss: {probability: 1, retries: 2}", "full_offload",
     300, 0, 4},
    {OWN_COMPUTE, "count: 1, sharing: fair, up: 100 B/s, loss: {probability: 1, retries: 2}",
     "full_offload", 300, 0, 7},
    // The local answer is there already.
    {OWN_COMPUTE, "up: 100 B/s, loss: {probability: 1, retries: 2}", "oracle", 0, 0, 1},
    {OWN_COMPUTE, "up: 100 B/s, loss: {probability: 1, retries: 2}",
     "{random: {p: 1, when_lost: local}}", 300, 0, 4},
};

START_TEST(what_is_lost_is_decided_by_the_policy)
{
    char yaml[YAML_ROOM];
    struct small_scenario scenario;
    struct small_run run;
    write_yaml(yaml, 4, "", losses[_i].devices, losses[_i].link, losses[_i].policy);
    run_yaml(yaml, NULL, &scenario, &run);
    ck_assert_double_eq(small_run_counter(&run, "bytes.device-edge.up"), 4 * losses[_i].sent);
    ck_assert_double_eq(small_run_counter(&run, "bytes"), 4 * losses[_i].sent);
    ck_assert_double_eq(small_run_metric(&run, "drop_fraction.lost"), losses[_i].dropped);
    if (losses[_i].latency_s > 0) {
        ck_assert_double_eq_tol(small_run_metric(&run, "latency_mean_s"), losses[_i].latency_s,
                                TOLERANCE);
    }
    small_run_finish(&run);
    small_scenario_finish(&scenario);
}
END_TEST

// A tier on the way that computes nothing: what is lost behind it is dropped, or sent again from
// there.
START_TEST(loss_behind_a_relay)
{
    char yaml[YAML_ROOM];
    struct small_scenario scenario;
    struct small_run run;
    snprintf(yaml, sizeof(yaml),
             "scenario: relay\n"
             "stop: {samples: 2}\n"
             "models: {net: {layers: 1}}\n"
             "samples: {payload: 100 B}\n"
             "tiers:\n"
             "  - {name: device, arrivals: {deterministic: {period: 60 s}}}\n"
             "  - {name: relay}\n"
             "  - {name: cloud, compute: {time: {net: 0 s}}}\n"
             "links:\n"
             "  - {from: device, to: relay, up: 100 B/s}\n"
             "  - {from: relay, to: cloud, up: 100 B/s, loss: {probability: 1, retries: 0}}\n"
             "policy: {full_offload: {when_lost: %s}}\n",
             _i ? "again" : "local");
    run_yaml(yaml, NULL, &scenario, &run);
    ck_assert_double_eq(small_run_counter(&run, "offloads.device-relay"), 2);
    ck_assert_double_eq(small_run_counter(&run, "offloads.relay-cloud"), _i ? 22 : 2);
    ck_assert_double_eq(small_run_counter(&run, "drops.lost"), 2);
    small_run_finish(&run);
    small_scenario_finish(&scenario);
}
END_TEST

enum { SAMPLES = 4000, DEVICES = 4, RETRIES = 2 };

// Transmissions of a message, by the logarithm of its own uniform number; more than allowed: lost.
static int look_up_tries(const char *station, uint32_t device, uint64_t index, double probability)
{
    const struct stream_at at = {
        {.seed = 2385, .replication = 1}, stream_purpose("loss", station), device, index};
    const double u = stream_unit(stream_sub_word(&at, 0));
    return (int)fmin(floor(log(u) / log(probability)) + 1, RETRIES + 2);
}

// Messages and answers that are lost at random: each sample has the fate of its own numbers, and
// the counters are their sums.
START_TEST(each_message_has_its_own_loss)
{
    const double probability = 0.4;
    char yaml[YAML_ROOM];
    struct small_scenario scenario;
    struct small_run run;
    write_yaml(yaml, SAMPLES, ", answer: 30 B",
               "nodes: 4, arrivals: {deterministic: {period: 60 s}}, compute: {time: {net: 7 s}}",
               "up: 100 B/s, down: 100 B/s, loss: {probability: 40 %, retries: 2}, radio: "
               "{send_per_byte: 2 J/B, receive_per_byte: 1 J/B}",
               "full_offload");
    run_yaml(yaml, NULL, &scenario, &run);
    double up = 0;
    double down = 0;
    int lost = 0;
    for (size_t i = 0; i < run.count; i++) {
        const struct sample_record *record = &run.records[i];
        const int sent =
            look_up_tries("device-edge.up", record->device, record->index, probability);
        const int answered = sent > RETRIES + 1 ? 0
                                                : look_up_tries("device-edge.down", record->device,
                                                                record->index, probability);
        const double went = sent > RETRIES + 1 ? RETRIES + 1 : sent;
        const double came = answered > RETRIES + 1 ? RETRIES + 1 : answered;
        const bool is_lost = sent > RETRIES + 1 || answered > RETRIES + 1;
        up += 100 * went;
        down += 30 * came;
        lost += is_lost;
        ck_assert_int_eq(record->answer_tier, is_lost ? 0 : 1);
        ck_assert_double_eq_tol(record->ended_s - record->arrived_s,
                                went + 0.3 * came + (is_lost ? 7 : 0), TOLERANCE);
    }
    ck_assert_double_eq(small_run_counter(&run, "bytes.device-edge.up"), up);
    ck_assert_double_eq(small_run_counter(&run, "bytes.device-edge.down"), down);
    ck_assert_double_eq(small_run_counter(&run, "answered.device"), lost);
    ck_assert_double_eq_tol(small_run_counter(&run, "energy_j.device"), 2 * up + down, 1e-6);
    ck_assert_int_gt(lost, SAMPLES / 20);
    small_run_finish(&run);
    small_scenario_finish(&scenario);
}
END_TEST

// The same with packets: the test goes through the rounds itself.
START_TEST(each_packet_has_its_own_loss)
{
    const double probability = 0.1;
    const double packet = 7;
    char yaml[YAML_ROOM];
    struct small_scenario scenario;
    struct small_run run;
    write_yaml(yaml, SAMPLES, ", answer: free",
               "nodes: 4, arrivals: {deterministic: {period: 60 s}}, compute: {time: {net: 7 s}}",
               "up: 100 B/s, loss: {probability: 10 %, per: packet, packet: 7 B, retries: 2}",
               "full_offload");
    run_yaml(yaml, NULL, &scenario, &run);
    double sum = 0;
    int lost = 0;
    for (size_t i = 0; i < run.count; i++) {
        const struct sample_record *record = &run.records[i];
        const struct stream_at at = {{.seed = 2385, .replication = 1},
                                     stream_purpose("loss", "device-edge.up"),
                                     record->device,
                                     record->index};
        uint64_t sub = 0;
        uint64_t left = 14; // and one of 2 B
        double bytes = 0;
        for (int round = 0; round <= RETRIES && left; round++) {
            bytes += (double)left * packet;
            left = binomial_draw(left, probability, &at, &sub);
        }
        const uint64_t tries = geometric_draw(RETRIES + 1, 1 - probability, &at, &sub);
        bytes += 2.0 * (double)(tries > RETRIES + 1 ? RETRIES + 1 : tries);
        const bool is_lost = left || tries > RETRIES + 1;
        sum += bytes;
        lost += is_lost;
        ck_assert_int_eq(record->answer_tier, is_lost ? 0 : 1);
        ck_assert_double_eq_tol(record->transfer_s, bytes / 100, TOLERANCE);
    }
    ck_assert_double_eq(small_run_counter(&run, "bytes.device-edge.up"), sum);
    ck_assert_double_eq(small_run_counter(&run, "answered.device"), lost);
    ck_assert_int_gt(lost, SAMPLES / 200);
    small_run_finish(&run);
    small_scenario_finish(&scenario);
}
END_TEST

// A sample that is sent again does not meet the loss that it met before.
START_TEST(samples_that_are_sent_again_meet_other_losses)
{
    char yaml[YAML_ROOM];
    struct small_scenario scenario;
    struct small_run run;
    write_yaml(
        yaml, SAMPLES, ", answer: free", "nodes: 4, arrivals: {deterministic: {period: 600 s}}",
        "up: 100 B/s, loss: {probability: 50 %, retries: 0}", "{full_offload: {when_lost: again}}");
    run_yaml(yaml, NULL, &scenario, &run);
    // Lost eleven times in a row: one in 2048, which are dropped because nothing can be computed.
    const double dropped = small_run_counter(&run, "drops.lost");
    ck_assert_double_le(fabs(dropped - SAMPLES / 2048.0), 2.58 * sqrt(SAMPLES / 2048.0));
    // 2 transmissions in the mean, but for those cut off; their variance is 2.
    const double sent = small_run_counter(&run, "offloads.device-edge");
    ck_assert_double_eq_tol(sent / SAMPLES, 2 - 1.0 / 1024, 2.58 * sqrt(2.0 / SAMPLES));
    small_run_finish(&run);
    small_scenario_finish(&scenario);
}
END_TEST

// An answer that is lost is missed by the device, which knows nothing of what was computed for it:
// with `again` everything is sent and computed anew.
START_TEST(lost_answers_are_asked_for_again)
{
    char yaml[YAML_ROOM];
    struct small_scenario scenario;
    struct small_run run;
    write_yaml(
        yaml, SAMPLES, ", answer: 30 B", "nodes: 4, arrivals: {deterministic: {period: 600 s}}",
        "up: 100 B/s, loss: {probability: 20 %, retries: 0}", "{full_offload: {when_lost: again}}");
    run_yaml(yaml, NULL, &scenario, &run);
    // Of the messages that come up, a fifth of the answers are lost, so that each sample is
    // computed 1 / 0.8 times in the mean and sent up 1 / 0.64 times.
    const double sent = small_run_counter(&run, "offloads.device-edge") / SAMPLES;
    const double computed = small_run_counter(&run, "layers.edge") / SAMPLES;
    ck_assert_double_eq_tol(sent, 1 / 0.64, 2.58 * sqrt((1 - 0.64) / (0.64 * 0.64) / SAMPLES));
    ck_assert_double_eq_tol(computed, 1 / 0.8, 2.58 * sqrt((1 - 0.8) / (0.8 * 0.8) / SAMPLES));
    ck_assert_double_eq(small_run_counter(&run, "answered.edge"), SAMPLES);
    small_run_finish(&run);
    small_scenario_finish(&scenario);
}
END_TEST

// ---- offsets ----

// 1,000 devices with a trace each that starts anywhere: their first messages, all sent at time 0,
// come at times of their own.
START_TEST(devices_do_not_move_in_step)
{
    enum { COUNT = 1000 };
    char yaml[YAML_ROOM];
    struct small_scenario scenario;
    struct small_run run;
    write_yaml(yaml, COUNT, ", answer: 100 B",
               "nodes: 1000, arrivals: {deterministic: {period: 3600 s}}",
               "up: {trace: {file: trace.csv, time: t, rate: r, rate_unit: B/s, start: random}}, "
               "down: 100 B/s",
               "full_offload");
    // 1 to 100 B/s, a second each.
    char trace[2048] = "t,r\n";
    size_t used = 4;
    for (int i = 0; i < 100; i++) {
        used += (size_t)snprintf(trace + used, sizeof(trace) - used, "%d,%d\n", i, i + 1);
    }
    run_yaml(yaml, trace, &scenario, &run);
    int same = 0;
    for (size_t i = 0; i < run.count; i++) {
        for (size_t k = 0; k < i; k++) {
            same += fabs(run.records[i].ended_s - run.records[k].ended_s) < 1e-12;
        }
    }
    ck_assert_int_eq(same, 0);
    small_run_finish(&run);
    small_scenario_finish(&scenario);
}
END_TEST

// Both directions of a medium start at the same place: 100 B up and 100 B down take 1 s each if the
// device starts in the first 48 s of 100, where the rate is high. Were their places drawn apart, a
// quarter would meet high rates on both.
START_TEST(directions_move_in_step)
{
    enum { COUNT = 1000 };
    char yaml[YAML_ROOM];
    struct small_scenario scenario;
    struct small_run run;
    write_yaml(yaml, COUNT, ", answer: 100 B",
               "nodes: 1000, arrivals: {deterministic: {period: 3600 s}}",
               "up: {trace: {file: trace.csv, time: t, rate: r, rate_unit: B/s, start: random}}, "
               "down: {trace: {file: trace.csv, time: t, rate: r, rate_unit: B/s, start: random}}",
               "full_offload");
    run_yaml(yaml, "t,r\n0,100\n50,1\n", &scenario, &run);
    int fast = 0;
    for (size_t i = 0; i < run.count; i++) {
        fast += run.records[i].ended_s < 2 + TOLERANCE;
    }
    ck_assert_double_eq_tol(fast, 0.48 * COUNT, 2.58 * sqrt(COUNT * 0.48 * 0.52));
    small_run_finish(&run);
    small_scenario_finish(&scenario);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("links");

    TCase *hand = tcase_create("by hand");
    unit_add_table(hand, fates_are_those_worked_out, runs);
    tcase_add_loop_test(hand, bytes_until_the_end_are_counted, 0, 2);
    tcase_add_loop_test(hand, half_duplex_shares_the_time, 0, 2);
    tcase_add_test(hand, devices_do_not_move_in_step);
    tcase_add_test(hand, directions_move_in_step);
    suite_add_tcase(suite, hand);

    TCase *loss = tcase_create("loss");
    unit_add_table(loss, what_is_lost_is_decided_by_the_policy, losses);
    tcase_add_loop_test(loss, loss_behind_a_relay, 0, 2);
    tcase_add_test(loss, each_message_has_its_own_loss);
    tcase_add_test(loss, each_packet_has_its_own_loss);
    tcase_add_test(loss, samples_that_are_sent_again_meet_other_losses);
    tcase_add_test(loss, lost_answers_are_asked_for_again);
    suite_add_tcase(suite, loss);

    return unit_run(suite);
}
