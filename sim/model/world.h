// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_MODEL_WORLD_H
#define OFFLOADSIM_MODEL_WORLD_H

// The world of one point: a scenario under one policy, with everything worked out that does not
// change while it runs. It is built once, read-only afterwards and shared by all threads.
//
// Devices are the nodes of the first tier. They come in classes that differ in what they have and
// in how their samples arise; most scenarios have one class without a name. Devices are numbered
// from 0 on, those of a class one after the other.
//
// Stations are numbered: first the compute stations, those of the classes of devices and then that
// of each tier above, then for each link its up and its down direction. A station has lanes:
// parallel queues, each with its own servers. A tier has a lane a node, so has a class; a link has
// one for each of its media. Node n of a lower tier uses lane n * lanes / nodes of what lies above
// it, so neighbours share. The devices of each class are spread in this way over all of what lies
// above, so that its nodes meet the mix of classes.

#include "model/arrival.h"
#include "model/rate.h"
#include "policies/policy.h"
#include "rng/distribution.h"
#include "scenario/spec.h"

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct lane_rules;
struct text;

enum { WORLD_MOST_EXITS = 64 };

// The metrics of a station, in this order from world_station.first_metric on.
enum station_metric {
    STATION_UTILISATION,
    STATION_OFFERED_LOAD,
    STATION_QUEUE_MEAN,
    STATION_PRESENT_MEAN,
    STATION_WAIT_MEAN,
    STATION_ARRIVAL_RATE,
    STATION_FREE_LAST
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
    uint32_t draws; // its number among all of the world
    int first_metric;
    // Power beside the idle one while busy: of a server, or of the radio of the lower tier's node.
    double watts;
    double joules_per_byte; // up, down: of that radio
    // Links: where the cursors of its lanes start among all, a lane having rate.parts of them.
    uint64_t first_cursor;
    const struct spec_loss *loss; // NULL: nothing gets lost
    uint64_t purpose_loss;
    bool is_second;        // the way down of a medium that both directions share
    bool is_fair;          // messages share a medium instead of queueing
    bool is_line;          // first in, first out: departures come in the order of arrivals
    uint32_t flow;         // fair: on that medium
    uint32_t first_medium; // fair: among all media of fair links
    double patience_s;     // longest wait; INFINITY: any
    bool blocks;           // compute: links hold back what finds no room
    // How its queue works, where a plain first-in-first-out one will not do; else NULL. Then also
    // where what is its own starts among all of the kind.
    const struct lane_rules *rules;
    uint32_t first_queued;
    uint32_t first_shared;
    uint64_t first_idle_word;
    uint64_t first_order;
};

// How long a layer takes, and the address of its draws.
struct world_layer {
    struct distribution time;
    double joules; // fixed energy of the layer; NaN: watts of the station times the service time
    const struct distribution_parameters *parameters; // of `time`
    uint64_t purpose;
    uint32_t draws; // their number among all of the world
};

struct world_tier {
    enum spec_balance balance;
    uint64_t purpose_balance[2];
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

// A class of devices, and the world as it is for them.
struct world_class {
    const char *name; // NULL: there is only one, which needs none
    const struct spec_tier *spec;
    uint32_t first_device;
    uint32_t devices;
    struct world_tier *tier;  // [tiers]: the first is its own, the others are the same for all
    struct world_hop *hops;   // [from * tiers + to]
    struct policy_world view; // what the policy sees
    const void *plan;
    double deadline_s;
    int priority;
    double weight;
    struct distribution payload;
    const struct distribution_parameters *payload_parameters;
    struct arrival arrival;
};

// What is counted of a class that has a name.
enum class_counter {
    CLASS_OFFERED,
    CLASS_ANSWERED,
    CLASS_CORRECT,
    CLASS_ON_TIME_CORRECT,
    CLASS_DEADLINE_MISSES,
    CLASS_OFFLOADED,
    CLASS_DROPPED,
    CLASS_LATENCY_S,
    CLASS_COUNTER_COUNT
};

// Where samples come from as of a time.
struct world_source {
    double from_s;
    const struct trace *trace;         // the scenario's, or one sure and correct row
    const struct generator *generator; // where samples come from instead; NULL: from the trace
    uint32_t rows;                     // of the trace that are simulated
    const uint32_t *row;               // [rows]: which they are, in the trace's order; NULL: all
    uint64_t purpose_order;
    uint32_t rows_right; // of them, those that some exit is right about; none of a generator
    uint32_t rows_wrong; // and that some exit is wrong about
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
    int calls;       // [model]: computations of it, or of a part of it, that were asked for
    int dropped_for; // [reason]
    int bytes;       // [link][up, down]
    int classes;     // [class][class_counter]; none if classes have no names
    int count;
    const char **names; // as stored: "offloads.device-edge"
    double *prices;     // cost = sum of prices * counters / offered
};

// What a metric is, which decides how its interval is made (exp/estimate.h).
enum metric_kind {
    METRIC_MEAN,
    METRIC_QUANTILE,
    METRIC_PROPORTION, // a share of what a counter has counted
    METRIC_CONTROL     // chance alone, with mean 0: what a control variate is
};

struct world_metric {
    const char *name;
    const char *unit;
    enum metric_kind kind;
    int denominator; // proportion: the counter that it is a share of
};

struct world_control; // model/controls.h

struct world {
    const struct spec *spec;
    struct world_source *source; // [sources]: by time, the first from 0 s on
    int sources;
    int labels; // that samples may have; 0: they carry none
    const struct policy_type *policy;
    const void *parameters;
    struct policy_world view; // what all classes see alike; elsewhere, the first one's
    int tiers;
    struct world_tier *tier;     // [tiers]: above the first, which is each class's own
    struct world_class *classes; // [class_count]
    int class_count;
    bool has_classes; // that have names
    int stations;
    struct world_station *station;
    uint32_t lanes;         // of all stations
    uint64_t servers;       // of all lanes
    uint64_t *lane_servers; // [lane]: where a lane's servers start among all
    uint32_t queued;        // lanes with a queue
    uint32_t shared;        // of them, those in which all are served at once
    uint64_t idle_words;    // of the sets of idle servers of all lanes
    uint64_t orders;        // of servers, that may be noted at a time
    bool balances;          // some tier chooses a node for each sample
    uint64_t cursors;       // in the rates of links, of all their lanes
    uint32_t media;         // of fair links
    bool loses_messages;    // some link may lose one
    uint64_t devices;       // of all classes
    uint32_t draws;         // kinds of times that are drawn: of layers and of delays
    uint64_t purpose_payload;
    uint64_t purpose_policy;
    int reasons; // why samples are dropped: the engine's, then the policy's
    const char **reason;
    struct world_counters counters;
    int controls; // control variates
    struct world_control *control;
    int metrics;
    struct world_metric *metric;
};

// The engine's own reasons to drop.
enum { REASON_FULL, REASON_TIMEOUT, REASON_LOST, REASON_FAILURE, REASON_ENGINE_COUNT };

// Builds the world of policy `policy` of the spec in `arena`. Returns NULL with a message (lower
// case, no full stop) in `ret_error` if the policy cannot work in this scenario. `spec` must
// outlive the world.
struct world *world_build(const struct spec *spec, int policy, struct arena *arena,
                          struct text *ret_error);

// Parts of world_build().
void world_build_sources(struct world *world, struct arena *arena);
void world_build_counters(struct world *world, struct arena *arena);
// Fills what is special of a link's station, for the way down after the way up.
void world_add_link(struct world *world, struct world_station *station, struct arena *arena);

// How a compute station works; it has its name, its lanes, its servers and its room already.
void world_add_compute(struct world *world, struct world_station *station,
                       const struct spec_compute *compute, struct arena *arena);
// Gives queues to the links that hold samples back; once all stations are there.
void world_add_holding(struct world *world, struct arena *arena);

// A server of a node as a policy knows it: its speed and its power beside the idle one. Of servers
// that differ it is the mean, of steps the last one.
struct world_server {
    double speed;
    double watts;
};
struct world_server world_server(const struct spec_compute *compute);

// The mean of a distribution; of a column of the trace, that over its rows.
double world_mean(const struct world *world, const struct distribution *distribution,
                  const struct distribution_parameters *parameters);

// Fills the view of each class and of the world; for world_build() alone.
void world_describe(struct world *world, struct arena *arena);

// How many samples arise per second, about: of all devices, in the mean over a long time. A closed
// loop counts as one a second for each sample in flight.
double world_arrival_rate(const struct world *world);

// Cost of a sample offered: prices times counters, `count` of each, in the order of the counters.
double world_cost(const double *prices, const double *counters, int count);

// Whether the policy's decisions depend on prices.
bool world_uses_prices(const struct world *world);

#endif
