// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_RESULTS_STORE_H
#define OFFLOADSIM_RESULTS_STORE_H

// The store writes results into one SQLite file (results/schema.sql says what is in it). It knows
// nothing of the simulator: it takes names, numbers and texts.
//
// An experiment is stored in this order: begin the experiment, add a point, add its replications in
// any number of batches, complete the point; when all points are done, finish the experiment.
//
// What is atomic: every function below that writes is one transaction. When it returns 0 all of it
// is in the file, and a kill at any later moment does not take it away again; when it returns -1,
// or the program is killed inside of it, none of it is. So a kill loses at most the batches that
// were not added yet; a point is complete only together with its estimates; and a reader sees whole
// batches. The file is in WAL mode with synchronous=NORMAL: if the power fails, the last
// transactions may be lost as a whole, but the file stays sound.
//
// Several processes may write into one file. A transaction waits for those of other processes, for
// at most the time given to store_open(). A `struct store` is for one thread at a time, and does
// not survive fork().
//
// Functions return 0, or -1 and add a message to `ret_error`: lower case, no full stop, with the
// name of the file and the way out. A NaN is stored as NULL. Texts and arrays are read during the
// call only.
//
// Cost: about 2 microseconds for each metric and each counter of a replication (it is a row), and
// some 60 microseconds for a transaction.

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

struct store_experiment {
    const char *scenario;      // its name
    const char *about;         // NULL if the scenario says nothing
    const char *path;          // of the scenario file
    const char *command;       // the command line
    const char *scenario_json; // resolved: defaults and overrides filled in
    const char *scenario_hash; // of the resolved scenario
    uint64_t seed;
    const char *version;    // of the program
    const char *host;       // NULL if not known
    const char *started_at; // UTC, ISO 8601; NULL: now
};

// The experiment's status is "running" until it is finished; it stays so if the program is killed.
int store_begin_experiment(struct store *store, const struct store_experiment *experiment,
                           int64_t *ret_id, struct text *ret_error);

enum store_status {
    STORE_FINISHED,    // all points are complete
    STORE_FAILED,      // a run failed
    STORE_INTERRUPTED, // stopped on request
};

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
    const char *scenario_json; // of this point; NULL where the experiment's says it all
    const char *hash;          // of all that determines its results
    bool is_oracle;            // the policy sees the truth
    bool uses_prices;          // decisions depend on prices: cannot be priced anew
    const struct store_parameter *parameters;
    size_t parameter_count;
    const struct store_price *prices;
    size_t price_count;
};

int store_add_point(struct store *store, const struct store_point *point, int64_t *ret_id,
                    struct text *ret_error);

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

// Replications of one point. The names are given once for all of them; no name comes twice.
struct store_batch {
    int64_t point_id;
    const char *const *metric_names;
    size_t metric_count;
    const char *const *counter_names;
    size_t counter_count;
    const struct store_replication *replications;
    size_t replication_count;
};

int store_add_replications(struct store *store, const struct store_batch *batch,
                           struct text *ret_error);

// An estimate across replications: the interval is mean - half_width .. mean + half_width.
struct store_estimate {
    const char *metric;
    double mean;
    double half_width; // NaN for fewer than two replications
    double confidence; // 0.95
    uint64_t replications;
};

// Writes the estimates and the verdict ("stable", "overloaded: edge", ...), and marks the point
// complete. Estimates that the point had before are replaced.
int store_complete_point(struct store *store, int64_t point_id, const char *verdict,
                         const struct store_estimate *estimates, size_t estimate_count,
                         struct text *ret_error);

#endif
