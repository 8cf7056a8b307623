// SPDX-License-Identifier: GPL-3.0-or-later

// Energy by hand: power of busy and idle nodes, stated energies, radios, and what it costs.

#include "small_run.h"
#include "tests/unit/unit.h"

#include <math.h>
#include <string.h>

#define EXACT 1e-12

enum { MOST_CHECKS = 8 };

// Three samples, ten seconds apart, so that the window is 20 s and nobody waits.
#define HEAD "scenario: energy\nstop: {samples: 3}\n"
#define ARRIVALS "arrivals: {deterministic: {period: 10 s}}"
#define CHAIN "models: {net: {layers: 3, output: [2000 B, 400 B, 4 B]}}\n"
#define LOCAL_TIER(compute)                                                                        \
    "tiers:\n  - {name: device, " ARRIVALS ", compute: {" compute "}}\npolicy: local\n"

// Two tiers and three: 2000 B and 500 B of overhead go up at 1000 B/s, 100 B and 500 B come down at
// 200 B/s.
#define TASK "models: {task: {}}\nsamples: {payload: 2000 B, answer: 100 B}\n"
#define AWAY_TIERS                                                                                 \
    "tiers:\n"                                                                                     \
    "  - {name: device, " ARRIVALS "}\n"                                                           \
    "  - {name: edge, compute: {time: {task: 1 s}, power: {active: 5 W}}}\n"
#define LINK(radio)                                                                                \
    "links:\n"                                                                                     \
    "  - {from: device, to: edge, up: 1000 B/s, down: 200 B/s, delay: 0.25 s,\n"                   \
    "     overhead: 500 B, radio: {" radio "}}\n"

static const struct {
    const char *name;
    const char *yaml;
    struct {
        const char *name; // of a counter, or of a metric
        double value;
    } checks[MOST_CHECKS];
} cases[] = {
    {"active power is shared by the servers, idle power lasts",
     HEAD CHAIN LOCAL_TIER("servers: 4, time: {net: [1 s, 2 s, 4 s]}, "
                           "power: {active: 10 W, idle: 2 W}"),
     {{"energy_j.device", 3 * 7 * (10 - 2) / 4.0 + 2 * 20},
      {"energy_j", 82},
      {"device_energy_mean_j", 82 / 3.0},
      {"energy_mean_j", 82 / 3.0}}},
    {"idle power is that of every node",
     "scenario: energy\nstop: {samples: 6}\n" CHAIN "tiers:\n"
     "  - {name: device, nodes: 2, " ARRIVALS ", compute: {servers: 4,\n"
     "     time: {net: [1 s, 2 s, 4 s]}, power: {active: 10 W, idle: 2 W}}}\n"
     "policy: local\n",
     {{"energy_j.device", 6 * 14 + 2 * 2 * 20}, {"device_energy_mean_j", 164 / 6.0}}},
    {"idle power of a tier that nobody uses",
     HEAD "models: {task: {}}\n"
          "tiers:\n"
          "  - {name: device, " ARRIVALS ", compute: {time: {task: 1 s}}}\n"
          "  - {name: edge, nodes: 3, compute: {time: {task: 1 s},\n"
          "     power: {active: 9 W, idle: 2.5 W}}}\n"
          "links: [{from: device, to: edge}]\n"
          "policy: local\n",
     {{"energy_j.device", 0},
      {"energy_j.edge", 3 * 2.5 * 20},
      {"device_energy_mean_j", 0},
      {"energy_mean_j", 50}}},
    {"energies of layers stand for the active power",
     HEAD CHAIN LOCAL_TIER("time: {net: [1 s, 2 s, 4 s]}, energy: {net: [1 J, 20 J, 300 mJ]}, "
                           "power: {active: 10 W, idle: 2 W}"),
     {{"energy_j.device", 3 * 21.3 + 40}, {"energy_j", 3 * 21.3 + 40}}},
    {"energy of an inference",
     HEAD "models: {task: {}}\n" LOCAL_TIER("time: {task: {exponential: 1 s}}, "
                                            "energy: {task: 5 J}"),
     {{"energy_j.device", 15}, {"device_energy_mean_j", 5}}},
    {"samples of the warm-up take none that counts",
     HEAD "warmup: {samples: 1}\n" CHAIN LOCAL_TIER("time: {net: [1 s, 2 s, 4 s]}, "
                                                    "power: {active: 10 W, idle: 2 W}"),
     {{"energy_j.device", 2 * 7 * 8 + 2 * 10}, {"device_energy_mean_j", 132 / 2.0}}},
    {"the radio sends and receives",
     HEAD TASK AWAY_TIERS LINK("send: 3 W, receive: 2 W") "policy: full_offload\n",
     {{"energy_j.device", 3 * (3 * 2.5 + 2 * 3.0)},
      {"energy_j.edge", 3 * 5},
      {"energy_j", 3 * 18.5},
      {"device_energy_mean_j", 13.5},
      {"energy_mean_j", 18.5}}},
    {"the radio takes energy for each byte",
     HEAD TASK AWAY_TIERS LINK(
         "send_per_byte: 4 mJ/B, receive_per_byte: 1 mJ/B") "policy: full_offload\n",
     {{"energy_j.device", 3 * (10 + 0.6)}, {"device_energy_mean_j", 10.6}}},
    {"power over the rate is energy for each bit",
     HEAD TASK AWAY_TIERS LINK("send: 1 W, send_per_byte: 8 mW/(Mbit/s)") "policy: full_offload\n",
     {{"energy_j.device", 3 * (2.5 + 2500 * 8 * 8e-9)}}},
    {"a free answer takes none",
     HEAD "models: {task: {}}\nsamples: {payload: 2000 B, answer: free}\n" AWAY_TIERS LINK(
         "send: 3 W, receive: 2 W, receive_per_byte: 1 J/B") "policy: full_offload\n",
     {{"energy_j.device", 3 * 7.5}, {"bytes_down_mean", 0}}},
    {"each hop is paid by its lower end",
     HEAD TASK "tiers:\n"
               "  - {name: device, " ARRIVALS "}\n"
               "  - {name: edge}\n"
               "  - {name: cloud, compute: {time: {task: 1 s}, power: {active: 5 W}}}\n"
               "links:\n"
               "  - {from: device, to: edge, up: 1000 B/s, down: 200 B/s, overhead: 500 B,\n"
               "     radio: {send: 3 W, receive_per_byte: 1 mJ/B}}\n"
               "  - {from: edge, to: cloud, up: 4000 B/s, down: 100 B/s,\n"
               "     radio: {send: 8 W, send_per_byte: 2 mJ/B, receive: 7 W}}\n"
               "policy: full_offload\n",
     {{"energy_j.device", 3 * (3 * 2.5 + 0.6)},
      {"energy_j.edge", 3 * (8 * 0.5 + 4 + 7 * 1.0)},
      {"energy_j.cloud", 15},
      {"device_energy_mean_j", 8.1},
      {"energy_mean_j", 8.1 + 15 + 5}}},
    {"the radio stays on through an outage",
     "scenario: energy\nstop: {samples: 1}\n" TASK AWAY_TIERS "links:\n"
     "  - {from: device, to: edge, overhead: 500 B, radio: {send: 3 W},\n"
     "     up: {steps: {times: [0 s, 1 s], rates: [1000 B/s, 0 B/s], period: 4 s}}}\n"
     "policy: full_offload\n",
     {{"latency_mean_s", 8.5 + 1}, {"energy_j.device", 3 * 8.5}}},
    {"a cut has a part on each side",
     HEAD
     "samples: {payload: 1 MB, answer: free}\n" CHAIN "tiers:\n"
     "  - {name: device, " ARRIVALS ", compute: {time: {net: [1 s, 2 s, 400 s]},\n"
     "     energy: {net: [1 J, 20 J, 300 J]}, power: {active: 1 W, idle: 1 W}}}\n"
     "  - {name: edge, compute: {servers: 2, time: {net: [100 s, 200 s, 4 s]},\n"
     "     power: {active: 6 W}}}\n" LINK("send: 3 W, send_per_byte: 1 mJ/B") "policy: partition\n",
     {{"energy_j.device", 3 * (21 + 3 * 0.9 + 0.9) + 20},
      {"energy_j.edge", 3 * 4 * 3},
      {"latency_mean_s", 3 + 0.9 + 0.25 + 4}}},
    {"a tier takes the energies of its own layers",
     HEAD "samples: {payload: 1 MB, answer: free}\n" CHAIN "tiers:\n"
          "  - {name: device, " ARRIVALS ", compute: {time: {net: [1 s, 2 s, 400 s]}}}\n"
          "  - {name: edge, compute: {time: {net: [100 s, 2 s, 4 s]},\n"
          "     energy: {net: [100 J, 20 J, 7 J]}}}\n"
          "links: [{from: device, to: edge, up: 1 kB/s}]\n"
          "policy: partition\n",
     {{"energy_j.edge", 3 * 7}, {"layers.edge", 3}, {"energy_j.device", 0}}},
    {"energy has a price",
     HEAD CHAIN LOCAL_TIER(
         "time: {net: [1 s, 2 s, 4 s]}, power: {active: 10 W, idle: 2 W}") "prices: {energy: 0.5 "
                                                                           "/J, latency: 1 /s, "
                                                                           "layer: 0.25}\n",
     {{"energy_j", 3 * 56 + 40}, {"cost_mean", 0.5 * (3 * 56 + 40) / 3.0 + 7 + 0.75}}},
    {"energy of all tiers has the price",
     HEAD TASK AWAY_TIERS LINK("send: 3 W, receive: 2 W") "policy: full_offload\nprices: {energy: "
                                                          "2 /J, byte: 0.001 /B, offload: 10}\n",
     {{"cost_mean", 2 * 18.5 + 3.1 + 10}}},
};

static double counter_or_metric(const struct small_run *run, const char *name)
{
    for (int i = 0; i < run->world->counters.count; i++) {
        if (strcmp(run->world->counters.names[i], name) == 0) {
            return run->result.counters[i];
        }
    }
    return small_run_metric(run, name);
}

START_TEST(energy_is_what_it_is_by_hand)
{
    struct small_scenario scenario;
    struct small_run run;
    small_run_of(&scenario, &run, cases[_i].yaml);
    for (int i = 0; i < MOST_CHECKS && cases[_i].checks[i].name; i++) {
        const double wanted = cases[_i].checks[i].value;
        const double found = counter_or_metric(&run, cases[_i].checks[i].name);
        ck_assert_msg(fabs(found - wanted) <= EXACT * wanted, "%s: %s is %.17g, not %.17g",
                      cases[_i].name, cases[_i].checks[i].name, found, wanted);
    }
    small_run_finish(&run);
    small_scenario_finish(&scenario);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("energy");

    TCase *energy = tcase_create("by hand");
    unit_add_table(energy, energy_is_what_it_is_by_hand, cases);
    suite_add_tcase(suite, energy);

    return unit_run(suite);
}
