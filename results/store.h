// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_RESULTS_STORE_H
#define OFFLOADSIM_RESULTS_STORE_H

// The store keeps results in one SQLite file (results/schema.sql and schema-2.sql say what is in
// it). It knows nothing of the simulator: it takes names, numbers and texts.
//
// An experiment is stored in this order: begin the experiment, plan its points, add replications
// in any number of batches and in any order, complete each point; when all points are done, finish
// the experiment.
//
// Nothing is simulated twice. A point says with its simulation_hash what its replications depend
// on. The first point of a hash has replications of its own: it is their source. The others share
// them, whatever experiment they belong to, and have prices and estimates of their own. Each
// replication is stored under its source and its number, and the same number always stands for the
// same results; adding it again changes nothing.
//
// What is atomic: every function below that writes is one transaction, if it does not say
// otherwise. When it returns 0 all of it is in the file, and a kill at any later moment does not
// take it away again; when it returns -1, or the program is killed inside of it, none of it is. So
// a kill loses at most the batches that were not added yet; a point is complete only together with
// its estimates; and a reader sees whole batches. The file is in WAL mode with synchronous=NORMAL:
// if the power fails, the last transactions may be lost as a whole, but the file stays sound.
//
// A new file is made in two steps: an empty database in WAL mode, whose one page is written at
// once, then all tables in one transaction. A kill or a power cut meanwhile leaves no file, an
// empty one, an empty database, or the whole one; the next store_open() goes on from there.
// Nothing is flushed for the first step, as there is nothing to lose; that rests on file systems
// in which a file does not grow before what was written into it is there.
//
// Several processes may write into one file, also for the same experiment: they share the work out
// by claims. A transaction waits for those of other processes, for at most the time given to
// store_open(). A `struct store` is for one thread at a time, and does not survive fork().
//
// Functions return 0, or -1 and add a message to `ret_error`: lower case, no full stop, with the
// name of the file and the way out. A NaN is stored as NULL. Texts and arrays are read during the
// call only.
//
// Cost: about half a microsecond for each metric, counter and estimate (it is a row), twice that
// where points end in another order than they were planned in; 4 for a replication, 15 for a point,
// 2 for a sample, and some 20 for a transaction. tests/bench/bench_store.c measures it.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store;
struct text;

// How long a transaction waits for other processes before it gives up, unless told otherwise.
#define STORE_BUSY_TIMEOUT_S 10.0

// Opens the database, and makes it first if there is no such file or if it is empty. An older
// schema is brought up to date. A file that is not a database of offloadsim is left untouched.
int store_open(const char *path, double busy_timeout_s, struct store **ret_store,
               struct text *ret_error);

// Accepts NULL.
void store_close(struct store *store);

// All that follows is one transaction, up to store_end_group(). It keeps all of it if `result` is
// 0, else nothing, and returns `result`, or -1 if keeping it failed. If one of the functions
// between has failed, nothing is kept in any case. Others wait for it, so it should not last long.
int store_begin_group(struct store *store, struct text *ret_error);
int store_end_group(struct store *store, int result, struct text *ret_error);

struct store_experiment {
    const char *scenario;      // its name
    const char *about;         // NULL if the scenario says nothing
    const char *path;          // of the scenario file
    const char *command;       // the command line
    const char *scenario_json; // resolved: defaults and overrides filled in
    const char *scenario_hash; // of the resolved scenario; of a sweep, with its axes
    const char *sweep_json;    // the axes of a sweep; NULL: the experiment is a plain run
    bool resumes;              // go on with the latest one of the same kind and scenario_hash
    uint64_t seed;
    const char *version;    // of the program
    const char *host;       // NULL if not known
    const char *started_at; // UTC, ISO 8601; NULL: now
};

// The experiment's status is "running" until it is finished; it stays so if the program is killed.
// With `resumes`, an experiment that is there already is taken up again, whatever its status was:
// it keeps its number and all that it says of itself. `ret_is_resumed` may be NULL.
int store_begin_experiment(struct store *store, const struct store_experiment *experiment,
                           int64_t *ret_id, bool *ret_is_resumed, struct text *ret_error);

enum store_status {
    STORE_FINISHED,    // this process found nothing left to do
    STORE_FAILED,      // a run failed
    STORE_INTERRUPTED, // stopped on request
};

// `wall_s` is added to what earlier processes took. With STORE_FINISHED the experiment is finished
// if all of its points are complete; else another process is still at work, and it stays running.
int store_finish_experiment(struct store *store, int64_t id, double wall_s,
                            enum store_status status, struct text *ret_error);

// The value of a swept parameter: the text, or the number if `text` is NULL. Lists and booleans are
// given as JSON text ("[0.6, 0.7]", "true"), which stays JSON among points.parameters_json.
struct store_parameter {
    const char *path;
    const char *text;
    bool is_json; // the text is JSON; else it is a JSON string
    double number;
};

// What one unit of a counter costs. Counters without a price cost nothing.
struct store_price {
    const char *counter;
    double price; // finite
};

struct store_point {
    int64_t experiment_id;
    int64_t ordinal; // its place in the experiment, from 0
    const char *policy;
    const char *scenario_json;   // of this point; NULL where the experiment's says it all
    const char *hash;            // of all that determines its results, prices included
    const char *simulation_hash; // of what determines its replications; NULL: `hash`
    uint64_t replications;       // asked for; 0: as many as a rule stops at
    const char *units;           // that estimates rest on (points.units); NULL: replications
    bool is_oracle;              // the policy sees the truth
    bool uses_prices;            // decisions depend on prices: cannot be priced anew
    const struct store_parameter *parameters;
    size_t parameter_count;
    const struct store_price *prices;
    size_t price_count;
};

// Adds a point with replications of its own, also if there are points of its simulation_hash.
int store_add_point(struct store *store, const struct store_point *point, int64_t *ret_id,
                    struct text *ret_error);

struct store_point_state {
    int64_t id;
    int64_t source_id;            // the point whose replications it takes; its own id if its own
    uint64_t source_replications; // stored there
    bool is_complete;             // with as many replications as asked for, or more
};

// Adds those of the points that are not there yet, by experiment and ordinal, and says of each how
// it stands. A new point shares the replications of a point of its simulation_hash if there is one
// in the file or earlier in the list. A point that is there under another hash is an error. Many
// points take several transactions, each for whole points: after a failure, plan again.
int store_plan_points(struct store *store, const struct store_point *points, size_t count,
                      struct store_point_state *ret_states, struct text *ret_error);

// Numbers of replications are below this. The id of a replication is the id of its source times
// this plus its number, so that the file does not depend on the order in which they were added.
#define STORE_MOST_REPLICATIONS INT64_C(1000000)

struct store_replication {
    uint64_t number; // from 0; unique within the point
    uint64_t seed;
    uint64_t events;
    double simulated_s;
    double wall_s;
    uint64_t offered;
    uint64_t answered;
    uint64_t dropped;
    uint64_t in_flight;
    const double *metrics;  // batch.metric_count values; NaN where there is none
    const double *counters; // batch.counter_count values; finite
};

// One sample of a replication, for those who ask for all of them.
struct store_sample {
    uint64_t device;   // from 0
    uint64_t number;   // of the sample at its device, from 0
    int64_t trace_row; // from 0; -1: none
    double arrived_s;
    double latency_s; // NaN if it was dropped
    double wait_s;
    double service_s;
    double transfer_s;
    double energy_j;
    double cost;             // with the prices of the source
    const char *tier;        // that answered; NULL: none
    const char *exit;        // "MODEL.EXIT" that answered; NULL: none
    const char *drop_reason; // NULL: not dropped
    const char *decision;    // the reason that the policy gave last; NULL: none
    double confidence;       // of the exit that answered; NaN: none
    int correct;             // 1 or 0; -1: not known
    bool is_offloaded;
};

struct store_samples {
    const struct store_sample *list;
    size_t count;
};

// Replications of one source. The names are given once for all of them; no name comes twice.
struct store_batch {
    int64_t point_id; // the source
    const char *const *metric_names;
    size_t metric_count;
    const char *const *counter_names;
    size_t counter_count;
    const struct store_replication *replications;
    size_t replication_count;
    const struct store_samples *samples; // [replication_count]: added with them; NULL: none
};

// A replication that is there already is left as it is, and so are its samples; those that it
// lacks, by device and number, are added.
int store_add_replications(struct store *store, const struct store_batch *batch,
                           struct text *ret_error);

// Samples of replication `number` of a source, which was added before. Those that are there
// already, by device and number, are left as they are.
int store_add_samples(struct store *store, int64_t source_id, uint64_t number,
                      const struct store_sample *samples, size_t count, struct text *ret_error);

// An estimate across the units of its point. The interval need not lie around the mean; half_width
// is the distance to its farther end.
struct store_estimate {
    const char *metric;
    double mean;
    double low; // NaN where there is no interval, as for a single unit
    double high;
    double half_width;
    double confidence;     // 0.95
    uint64_t replications; // units
    double variance_ratio; // what variance reduction has gained; NaN: there was none
};

// Writes the estimates, the verdict ("stable", "overloaded: edge", ...) and why no more
// replications ran (NULL: their number was given), and marks the point complete: it rests on the
// replications with the numbers below `replications`, and views show those and no others. Estimates
// that the point had before are replaced.
int store_complete_point(struct store *store, int64_t point_id, const char *verdict,
                         const char *stopped, uint64_t replications,
                         const struct store_estimate *estimates, size_t estimate_count,
                         struct text *ret_error);

// ---- reading back ----

// What a reader wants, in this order. What a replication does not have comes as NaN.
struct store_names {
    const char *const *metrics;
    size_t metric_count;
    const char *const *counters;
    size_t counter_count;
};

// One replication as it was added, bit for bit. Returning false ends the reading.
typedef bool store_replication_reader(void *context, const struct store_replication *replication);

// The replications of a source with numbers from `first` to `last`, in order of their numbers.
int store_read_replications(struct store *store, int64_t source_id, uint64_t first, uint64_t last,
                            const struct store_names *names, store_replication_reader *reader,
                            void *context, struct text *ret_error);

// The same for pricing a point anew: the replications that it rests on, its own or shared. Fails,
// and says why, if the decisions of its policy depend on prices, or if it is not complete.
int store_read_for_pricing(struct store *store, int64_t point_id, const struct store_names *names,
                           store_replication_reader *reader, void *context, struct text *ret_error);

// The estimates of a complete point for the metrics named in `estimates`, which fills the rest of
// them; mean and half width are NaN where there is none. `ret_verdict` and `ret_stopped`
// get the two texts added, unless they are NULL.
int store_read_estimates(struct store *store, int64_t point_id, struct store_estimate *estimates,
                         size_t estimate_count, uint64_t *ret_replications,
                         struct text *ret_verdict, struct text *ret_stopped,
                         struct text *ret_error);

// ---- claims ----

// A claim says that this process is about to simulate some replications of a source, so that
// another one leaves them alone. It ends when it is released, when the store is closed, or after
// `lease_s` seconds; a process that takes longer renews. That of a process that is no longer there
// ends with it, if that ran on the same machine. A claim saves work, nothing more: two processes
// that simulate the same replications store the same results. All claims of a call are one
// transaction; one costs about 5 microseconds.
struct store_range {
    int64_t source_id;
    uint64_t first; // number of a replication
    uint64_t count;
};

enum store_claim_result {
    STORE_CLAIM_GRANTED, // it is this process's now; so also if it was before
    STORE_CLAIM_TAKEN,   // another process has one of these replications: ask again later
    STORE_CLAIM_STORED,  // all of these replications are stored: read them
};

int store_claim(struct store *store, const struct store_range *ranges, size_t count, double lease_s,
                enum store_claim_result *ret_results, struct text *ret_error);
// Makes all claims of this store last another `lease_s` seconds from now.
int store_renew_claims(struct store *store, double lease_s, struct text *ret_error);
int store_release_claims(struct store *store, struct text *ret_error);

#endif
