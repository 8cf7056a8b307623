// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_SCENARIO_SPEC_WORKLOAD_H
#define OFFLOADSIM_SCENARIO_SPEC_WORKLOAD_H

// Where and when samples arise, as plain data: the part of a scenario (scenario/spec.h) that
// describes arrivals and what changes over time. Seconds, bytes, 1/second.

#include "rng/distribution.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct spec_generated;
struct trace;

enum spec_arrival_kind {
    ARRIVALS_NONE,
    ARRIVALS_POISSON,       // rate
    ARRIVALS_DETERMINISTIC, // period, phase
    ARRIVALS_CLOSED,        // in_flight, think
    ARRIVALS_TRACE,         // column
    ARRIVALS_GAMMA,         // rate, cv
    ARRIVALS_MMPP,          // states
    ARRIVALS_ON_OFF,        // rate while on, on, off
    ARRIVALS_TIMES          // path, column, rate, repeats, to
};

// A row of numbers of a table.
struct spec_row {
    double *values;
    int count;
};

// A chain of states in each of which something goes on at a rate.
struct spec_states {
    double *rates;
    int count;
    double *stays_s;       // mean time in each state; it is exponential
    struct spec_row *next; // probability of each state after each; NULL: all others alike
    int next_count;
};

// The time stamps of a file, in seconds from the first, which do not decrease.
struct spec_times {
    const char *path;
    const double *at_s;
    size_t count;
    double period_s;  // after which the file starts again: its span and one mean gap
    uint64_t hash[4]; // of the file's bytes
};

enum spec_times_to { TIMES_DEAL, TIMES_EACH };

struct spec_arrivals {
    enum spec_arrival_kind kind;
    double rate_per_s; // of each device; times: 0 takes the file as it is
    double period_s;   // of each device
    double phase_s;    // of the first arrival; -1: drawn for each device
    double cv;         // gamma: of the time between arrivals
    int in_flight;     // closed loop: samples of each device under way at any time
    struct distribution_parameters think;
    const char *column;       // trace, times: of arrival times
    double column_scale;      // seconds in one unit of the column
    int column_number;        // trace: among the trace's extra columns
    struct spec_states chain; // mmpp
    struct distribution_parameters on;
    struct distribution_parameters off;
    const char *path; // times: of the file, as the scenario says it
    bool repeats;
    enum spec_times_to to;
    const struct spec_times *times; // read from the file
};

// A factor over time, constant between given times.
struct spec_pattern {
    bool present;
    double *times_s; // when each factor begins; the first is 0
    double *factors;
    int count;
    double period_s; // the pattern repeats after it; INFINITY: the last factor stays
};

// Samples that arise at all devices at the same times, on top of their arrivals.
struct spec_bursts {
    bool present;
    struct distribution_parameters every; // from one burst to the next
    int samples;                          // of each device
    double spread_s;                      // time over which they are spread
};

// The size of raw samples.
struct spec_payload {
    struct distribution_parameters bytes;
    bool present; // else it is that of `samples`
};

struct spec_link_factor {
    int link;
    double factor;
};

// What changes at a time, and holds until the next change of the same thing.
struct spec_drift {
    double at_s;
    double arrivals;                // factor of the rate of all open arrivals; negative: no change
    struct spec_link_factor *links; // factors of the rates of links
    int link_count;
    const char *trace_path; // where samples come from, as the scenario says it; NULL: no change
    const char *generated_path;
    const struct trace *trace;
    const struct spec_generated *generated;
    const int *outcomes; // generated: which of its exits each exit of the scenario is
};

#endif
