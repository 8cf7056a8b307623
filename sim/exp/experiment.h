// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_EXP_EXPERIMENT_H
#define OFFLOADSIM_EXP_EXPERIMENT_H

// An experiment is all points of one command: every policy of the scenario, at every setting of the
// keys that are swept. It is planned first: each point's scenario is read and its policy planned,
// so that every mistake shows before anything runs. Then its replications run on all threads, and
// its metrics are estimated across them and stored while it goes on.
//
// A simulation is what one or several points share: points that differ in prices only, under a
// policy that does not look at prices, are the same runs at other prices. It is simulated once, and
// each point's cost comes from the counters.
//
// Where a scenario says how narrow intervals have to be, replications run in rounds (exp/until.h):
// after each, the simulations of points that need more get more. A run that is cut into batches
// goes on instead, which is part of what its replication is.
//
// Replications are independent tasks that share nothing that they write. What they found is put
// together in the order of their numbers, so the estimates are the same to the bit for any number
// of threads.
//
// A shard is a part of a sweep for a machine of its own. All points of the sweep are planned and
// stored, so that the experiment is the same in each part's database, but only its own simulations
// run; merged, the databases are what one process would have stored.
//
// Memory: a planned point keeps its settings and estimates, a few kilobytes; specs and worlds exist
// while their simulation runs.

#include "base/memory.h"
#include "base/time_spent.h"
#include "scenario/canonical.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct diagnostics;
struct scenario;
struct spec;
struct store;
struct sweep;
struct text;
struct world;

struct experiment_estimate {
    double mean; // NaN if no replication says anything
    double low;  // of the interval; NaN if there is none
    double high;
    double half_width;     // distance from the mean to the farther end
    uint64_t replications; // units that do say something (exp/estimate.h)
    double variance_ratio; // what variance reduction has gained; NaN: there was none
};

enum experiment_verdict {
    VERDICT_STABLE,
    VERDICT_OVERLOADED,
    VERDICT_NOT_CONVERGED,
    VERDICT_TRANSIENT // a run that is not meant to settle
};

// What the metrics and counters of a point are called. Points of the same shape share one.
struct experiment_names {
    int metrics;
    const char **metric;
    const char **unit;
    unsigned char *kind; // [metrics]: of enum metric_kind
    int *denominator;    // [metrics]: the counter that a proportion is a share of
    int controls;        // the last metrics are control variates
    bool *is_of_samples; // [metrics]: a control variate of samples
    int cost_metric;     // which one is the cost
    int counters;
    const char **counter;
    int stations;
    const char **station;
    int *first_metric; // [station]: where its metrics start, in the order of enum station_metric
};

struct until_rule; // exp/until.h

struct experiment_point {
    // The plan.
    size_t ordinal; // its place among all points of the sweep
    const char *const *sets; // overrides that make it, "PATH=VALUE"
    size_t set_count;
    int policy_number; // among the policies of its spec
    const char *policy;
    bool is_oracle;
    bool uses_prices;
    const struct point_parameter *parameters; // exp/parameters.h
    size_t parameter_count;
    char hash[SPEC_HASH_ROOM];            // of all that determines its results
    char simulation_hash[SPEC_HASH_ROOM]; // the same without prices, if they do not decide
    const struct experiment_names *names;
    const double *prices;  // [names->counters]
    uint64_t replications; // that it rests on; with rules, so far
    const struct until_rule *rules;
    int rule_count; // 0: the number of replications is given
    double confidence;
    uint64_t replications_per_unit; // 2 if they are antithetic pairs
    bool has_batches;               // one run, cut into batches
    bool is_open_loop;
    bool is_transient; // asked for
    size_t simulation;
    size_t next_sharing; // point of the same simulation, SIZE_MAX at the end
    // The results.
    struct experiment_estimate *estimates; // [names->metrics]
    enum experiment_verdict verdict;
    int overloaded_station; // the one with the highest offered load; -1
    double overloaded_load;
    double overloaded_since_s; // when a sample there last had no wait; mean of the replications
    const char *unsettled; // not converged: a metric
    const char *stopped;   // why there are no more replications or samples; NULL without rules
    uint64_t samples;      // of its one run, if rules decide; else 0
    bool is_done;
    int64_t id; // in the database
};

struct experiment_simulation {
    size_t first_point;
    size_t last_point;
    uint64_t replications;  // the most that one of its points asks for, so far
    uint64_t most;          // and that one may come to ask for
    double expected;        // samples a replication: which simulations take long
    bool expected_is_known; // else it is a guess that tells simulations apart
};

struct experiment {
    struct scenario *scenario;
    struct arena arena;
    const struct spec *spec; // of the scenario without its sweep, for headings
    struct experiment_point *points;
    size_t point_count;
    size_t planned_count; // with the points of other shards, which stand behind those of this one
    struct experiment_simulation *simulations;
    size_t simulation_count;
    bool is_sweep;
    const char **swept; // paths, as the axes stand
    size_t swept_count;
    int64_t id; // in the database; 0 without one
    // What running it came to.
    double wall_s;
    struct time_spent storing; // with the database, while threads may have run

    uint64_t offered;  // samples of all replications that ran
    uint64_t ran;      // replications
    uint64_t found;    // replications that were in the database already
    uint64_t shared;   // replications that other processes ran meanwhile
    uint64_t recorded; // samples that were stored one by one
    size_t complete;   // points that were complete in the database already
    bool was_interrupted;
    const char *by_events; // why nothing ran the quicker way; NULL: what could, did
};

struct experiment_progress {
    size_t points;
    size_t points_done;
    uint64_t replications; // that were missing at the start
    uint64_t ran;
    uint64_t shared;      // that other processes ran meanwhile
    double running_s;     // since the first could run
    double part_done;     // of all that was missing, by the length of the replications; 0 to 1
    bool waits_for_other; // nothing is left but what other processes run
};

struct experiment_options {
    int threads;
    struct store *store; // NULL: nothing is stored
    const char *path;    // of the scenario, for the store
    const char *command; // command line, for the store
    bool again;          // simulate also what the database has
    uint64_t samples;    // store each so manieth sample of each device; 0: none
    bool by_events;      // also where there is a quicker way (model/pipeline.h)
    // Asked on the caller's thread now and then; true: finish what runs and stop. May be NULL.
    bool (*is_interrupted)(void *context);
    // Told how far it is, on the caller's thread, several times a second; may be NULL.
    void (*progress)(void *context, const struct experiment_progress *progress);
    void *context;
};

// Plans the points of a scenario: those of `sweep`, or just the scenario's own without axes. Both
// must outlive the experiment. A sweep, also one of a single point, goes on where it was stopped; a
// plain run has points of its own each time. Returns -1 with errors in `diagnostics`. The caller
// ends with experiment_finish() in either case.
int experiment_plan(struct experiment *experiment, struct scenario *scenario,
                    const struct sweep *sweep, bool is_sweep, struct diagnostics *diagnostics);
void experiment_finish(struct experiment *experiment);

// Leaves the experiment only the part `number`, from 1, of `count` (exp/shard.c). Returns -1 with a
// message if there are fewer simulations than parts.
int experiment_take_shard(struct experiment *experiment, uint64_t number, uint64_t count,
                          struct text *ret_error);

// Builds the world of a point in `arena`; it was planned, so it fits. Not for several threads at
// once, as reading a scenario is not.
const struct world *experiment_world(const struct experiment *experiment, size_t point,
                                     struct arena *arena);

// Runs all points. Returns -1 with a message if a run failed or the results could not be stored.
int experiment_run(struct experiment *experiment, const struct experiment_options *options,
                   struct text *ret_error);

// The cost of one replication, by its counters, at the prices of a point.
double experiment_cost(const struct experiment_point *point, const double *counters);

// "stable", "overloaded: STATION (offered load 1.2 since 3 s)", "not converged: METRIC" or
// "transient".
void experiment_verdict_text(const struct experiment_point *point, struct text *ret_text);

#endif
