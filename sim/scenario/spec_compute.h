// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_SCENARIO_SPEC_COMPUTE_H
#define OFFLOADSIM_SCENARIO_SPEC_COMPUTE_H

// What a node can compute, as plain data: the part of a scenario (scenario/spec.h) that describes
// servers and their queue. Seconds, watts, joules.

#include "rng/distribution.h"

#include <stdbool.h>
#include <stdint.h>

// Service times of one model at one tier: one distribution a layer.
struct spec_time {
    int model;
    const struct distribution_parameters *layers; // as many as the model has
    int layer_count;
};

// Energy of one model at one tier, beside the idle power: one value a layer.
struct spec_energy {
    int model;
    const double *layers;
    int layer_count;
};

enum spec_discipline {
    DISCIPLINE_FIFO,
    DISCIPLINE_PRIORITY,   // the highest priority first; what is in service is not disturbed
    DISCIPLINE_PREEMPTIVE, // it makes room for a higher priority and goes on where it stopped
    DISCIPLINE_SHORTEST,   // the least expected service time first
    DISCIPLINE_SHARING     // all at the same time, each at its share
};

enum spec_full { FULL_DROP, FULL_BLOCK };

struct spec_batch {
    bool present;
    int most;
    double wait_s; // of the sample that waits longest, for the batch to fill
};

// What becomes of samples in service when their node fails.
enum spec_failed_jobs { FAILED_RESUME, FAILED_RESTART, FAILED_LOSE };

struct spec_failures {
    bool present;
    struct distribution_parameters every; // from a repair to the next failure
    struct distribution_parameters repair;
    enum spec_failed_jobs jobs;
};

struct spec_cold_start {
    bool present;
    double idle_s; // a node without any sample for longer than this is cold
    struct distribution_parameters time;
};

struct spec_scaling {
    bool present;
    int least;
    int most;
    double utilisation; // wanted share of busy servers; 0: `queue` is wanted
    double queue;       // wanted samples at the node for each server; 0: `utilisation` is
    double every_s;
    double start_s; // until a server that was asked for is there
};

// A speed of a node whose frequency changes.
struct spec_step {
    double speed;
    double active_w;      // of a node with all its servers busy
    int64_t most_present; // samples at the node up to which the step is used; -1: any number
};

struct spec_compute {
    bool present;
    const char *platform;         // whose times to take from profiles; NULL: none
    struct spec_energy *energies; // ordered by model; for those where the power does not tell
    int energy_count;
    int servers;
    const double *speeds; // of each server; NULL: all have speed 1
    int speed_count;
    enum spec_discipline discipline;
    struct spec_batch batch;
    int64_t room; // samples that may wait, beside those in service; -1 is no limit
    enum spec_full full;
    double patience_s;       // longest wait; INFINITY: any
    struct spec_time *times; // ordered by model
    int time_count;
    struct spec_failures failures;
    struct spec_cold_start cold_start;
    struct spec_scaling scaling;
    struct spec_step *steps; // from the slowest; NULL: one speed
    int step_count;
    double active_w; // of a node with all its servers busy
    double idle_w;   // of a node with none busy
};

// Which node of a tier takes a sample.
enum spec_balance {
    BALANCE_HOME, // that of the sample's device
    BALANCE_ROUND_ROBIN,
    BALANCE_RANDOM,
    BALANCE_SHORTEST_QUEUE,
    BALANCE_TWO_CHOICES,
    BALANCE_LEAST_WAIT
};

#endif
