// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_MODEL_WORLD_H
#define OFFLOADSIM_MODEL_WORLD_H

// The world of one point: a scenario under one policy, with everything worked out that does not
// change while it runs. It is built once, read-only afterwards and shared by all threads.
//
// Stations are numbered: first the compute station of each tier, then for each link its up and its
// down direction. A station has lanes: parallel queues, each with its own servers. A tier has a
// lane a node; a link has one for each of its media. Node n of a lower tier uses lane
// n * lanes / nodes of what lies above it, so neighbours share.

#include "model/rate.h"
#include "policies/policy.h"
#include "rng/distribution.h"
#include "scenario/spec.h"

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct text;

enum { WORLD_MOST_EXITS = 64 };

// The metrics of a station, in this order from world_station.first_metric on.
enum station_metric {
    STATION_UTILISATION,
    STATION_OFFERED_LOAD,
    STATION_QUEUE_MEAN,
    STATION_PRESENT_MEAN,
    STATION_WAIT_MEAN,
    STATION_ARRIVAL_RATE
};

enum station_role { STATION_COMPUTE, STATION_UP, STATION_DOWN };

struct world_station {
    const char *name; // "edge", "device-edge.up"
    enum station_role role;
    int tier; // compute: whose
    int link; // up, down: of which
    uint32_t lanes;
    uint32_t first_lane; // among all lanes of the world
    uint32_t servers;    // of each lane
    int64_t room;        // that may wait in a lane, beside those in service; -1: no limit
    struct rate rate;    // up, down
    uint64_t purpose;    // up, down: of the propagation delay
    struct distribution delay;
    int first_metric;
    // Power beside the idle one while busy: of a server, or of the radio of the lower tier's node.
    double watts;
    double joules_per_byte; // up, down: of that radio
};

// How long a layer takes, and the address of its draws.
struct world_layer {
    struct distribution time;
    double joules; // fixed energy of the layer; NaN: watts of the station times the service time
    const struct distribution_parameters *parameters; // of `time`
    uint64_t purpose;
};

struct world_tier {
    struct world_layer **layers; // [model]: one entry a layer, or NULL where the tier cannot run it
    int compute;                 // station, or -1
    uint32_t nodes;
    double idle_w;
    const double **layer_mean_s; // [model], as the policy sees it
    const double **layer_mean_j; // [model]: energy beside the idle power
};

// Where a sample goes next on its way from one tier to another: a link station; -1: there is none.
struct world_hop {
    int station;
    int tier; // at its far end
};

// What is counted. Counters are doubles: whole numbers are exact up to 2^53. All but the last
// group count the samples that were offered after the warm-up, wherever they end.
enum counter {
    COUNTER_OFFERED,
    COUNTER_ANSWERED,
    COUNTER_CORRECT,
    COUNTER_ERRORS, // answered and wrong
    COUNTER_ON_TIME_CORRECT,
    COUNTER_DEADLINE_MISSES, // answered late, or not at all
    COUNTER_OFFLOADED,       // samples sent upward at least once
    COUNTER_DROPPED,
    COUNTER_LATENCY_S, // sum over answered samples
    COUNTER_BYTES,     // sent in any direction
    COUNTER_JOULES,    // of all nodes, idle power included
    COUNTER_FIXED_COUNT
};

// Counters that come once for each tier, link, exit, ... start at these numbers.
struct world_counters {
    int offloads;    // [link]
    int layers;      // [tier]
    int busy_s;      // [tier]: service time
    int joules;      // [tier]
    int answered_at; // [tier]
    int answered_by; // [exit]
    int dropped_for; // [reason]
    int bytes;       // [link][up, down]
    int count;
    const char **names; // as stored: "offloads.device-edge"
    double *prices;     // cost = sum of prices * counters / offered
};

struct world_metric {
    const char *name;
    const char *unit;
};

struct world {
    const struct spec *spec;
    const struct trace *trace;         // the scenario's, or one sure and correct row
    const struct generator *generator; // where samples come from instead; NULL: from the trace
    uint32_t rows;                     // of the trace that are simulated
    const uint32_t *row;               // [rows]: which they are, in the trace's order; NULL: all
    const struct policy_type *policy;
    const void *parameters;
    const void *plan;
    struct policy_world view; // what the policy sees
    int tiers;
    struct world_tier *tier;
    int stations;
    struct world_station *station;
    uint32_t lanes;         // of all stations
    uint64_t servers;       // of all lanes
    uint64_t *lane_servers; // [lane]: where a lane's servers start among all
    struct world_hop *hops; // [from * tiers + to]
    uint64_t devices;
    struct distribution think;
    struct distribution payload;
    uint64_t purpose_arrival;
    uint64_t purpose_think;
    uint64_t purpose_order;
    uint64_t purpose_payload;
    uint64_t purpose_policy;
    int reasons; // why samples are dropped: the engine's, then the policy's
    const char **reason;
    struct world_counters counters;
    int metrics;
    struct world_metric *metric;
};

// The engine's own reasons to drop.
enum { REASON_FULL, REASON_ENGINE_COUNT };

// Builds the world of policy `policy` of the spec in `arena`. Returns NULL with a message (lower
// case, no full stop) in `ret_error` if the policy cannot work in this scenario. `spec` must
// outlive the world.
struct world *world_build(const struct spec *spec, int policy, struct arena *arena,
                          struct text *ret_error);

// Fills world->view; for world_build() alone.
void world_describe(struct world *world, struct arena *arena);

// Cost of a sample offered: prices times counters, `count` of each, in the order of the counters.
double world_cost(const double *prices, const double *counters, int count);

// Whether the policy's decisions depend on prices.
bool world_uses_prices(const struct world *world);

#endif
