// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_SCENARIO_SPEC_LINK_H
#define OFFLOADSIM_SCENARIO_SPEC_LINK_H

// Links, as plain data: the part of a scenario (scenario/spec.h) that describes what connects
// tiers. Seconds, bytes, bytes per second, watts.

#include "rng/distribution.h"
#include "scenario/spec_workload.h"

#include <stdbool.h>
#include <stdint.h>

enum spec_rate_kind {
    RATE_CONSTANT,
    RATE_STEPS,
    RATE_TRACE,          // a CSV file with times and rates
    RATE_MAHIMAHI,       // a file of packet opportunities
    RATE_MARKOV,         // chain
    RATE_GILBERT_ELLIOTT // good, bad
};

// The rates of a file: constant from each of its times on, the first of which is 0.
struct spec_rate_trace {
    const char *path;
    const double *times_s;
    const double *rates;
    int count;
    double length_s;  // where the file ends, and starts again if it repeats
    uint64_t hash[4]; // of the file's bytes
};

// A data rate that is constant, or changes over time.
struct spec_rate {
    enum spec_rate_kind kind;
    double bytes_per_s; // constant; INFINITY: no limit
    double *times_s;    // steps: when each rate begins; the first is 0
    double *rates;      // steps: bytes per second; 0 is an outage
    int count;
    double period_s;  // steps: the pattern repeats after it; INFINITY: the last rate stays
    double start_s;   // steps, files: how far into the pattern time 0 is; -1: drawn for each medium
    const char *path; // files: as the scenario says it
    const char *time_column;
    double time_scale; // seconds in one unit of the column
    const char *rate_column;
    double rate_scale;                   // bytes per second in one unit of the column
    bool repeats;                        // files: else there is no rate after the end
    const struct spec_rate_trace *trace; // read from the file
    struct spec_states chain;            // markov
    double good;                         // Gilbert-Elliott: rates, and mean time at each
    double bad;
    double good_stay_s;
    double bad_stay_s;
};

// What the radio of the lower tier's node takes beside its compute.
struct spec_radio {
    double send_w; // while it sends
    double send_j_per_byte;
    double receive_w;
    double receive_j_per_byte;
};

enum spec_loss_unit { LOSS_MESSAGE, LOSS_PACKET };

// Transmissions that fail.
struct spec_loss {
    bool present;
    double probability;
    enum spec_loss_unit unit; // what is lost and sent again
    double packet_bytes;
    int retries; // after the first transmission
};

enum spec_outages_kind { OUTAGES_RANDOM, OUTAGES_SCHEDULE };

// Times at which a link carries nothing in either direction.
struct spec_outages {
    enum spec_outages_kind kind;
    bool present;
    struct distribution_parameters every; // random: from the end of one to the start of the next
    struct distribution_parameters last;
    double *starts_s; // schedule
    double *lasts_s;
    int count;
    double period_s; // INFINITY: they do not come again
};

enum spec_sharing { SHARING_FIFO, SHARING_FAIR };
enum spec_duplex { DUPLEX_FULL, DUPLEX_HALF };

struct spec_link {
    const char *name; // "device-edge", "device.phone-edge"
    int from;         // the lower tier
    int to;
    int device_class; // whose devices alone use it; -1: all
    int count; // parallel links, each shared by its part of the lower tier's nodes; 0: one a node
    enum spec_sharing sharing; // of a medium among the messages on it
    enum spec_duplex duplex;
    struct spec_rate up;
    struct spec_rate down;
    struct spec_loss loss;
    struct spec_outages outages;
    struct spec_radio radio;
    double probe_s; // nodes learn the rate upward every so often; INFINITY: from transfers only
    struct distribution_parameters delay; // propagation, each way
    double overhead_bytes;                // a message
    int64_t room;                         // messages that may wait; -1 is no limit
};

#endif
