// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_TESTS_STORE_FIXTURE_H
#define OFFLOADSIM_TESTS_STORE_FIXTURE_H

// What the tests of the database share: a folder of its own for each, an experiment to store, and
// answers to queries as text, with the names of the columns and then one line a row.

#include "base/text.h"
#include "results/query.h"
#include "results/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct place {
    char folder[64];
    char path[96]; // of a database in it
};

struct place place_make(void);
// The database goes with it; nothing else may be left.
void place_remove(struct place *place);
// A file name in the folder, in `buffer` of 160 bytes.
const char *place_file(const struct place *place, const char *name, char *buffer);

// Removes a database and the files that may lie beside it.
void remove_database(const char *path);

struct store *open_store(const char *path);
// The message must be the one wanted, in which the folder of the test reads DIR.
void check_message(const struct text *message, const struct place *place, const char *wanted);
// SQL without answer, on a connection of its own.
void execute(const char *path, const char *sql);
void check_answer(const char *path, const char *sql, const char *wanted);
// Adds the answer to a text; with options and result as query_run() has them.
int answer_query(const char *path, const char *sql, const struct query_options *options,
                 struct query_result *ret_result, struct text *ret_answer, struct text *ret_error);
int run_query(const char *path, const char *sql, struct text *ret_error);
// The file is sound: integrity and foreign keys.
void check_sound(const char *path);

// ---- an experiment with one point of five replications ----

enum { REPLICATIONS = 5 };
enum { METRIC_COUNT = 4, COUNTER_COUNT = 4 };
extern const struct store_experiment experiment;
extern const char *const metric_names[METRIC_COUNT];
extern const char *const counter_names[COUNTER_COUNT];

// Values of one replication; the metric "cost_mean" as the program would compute it.
struct values {
    double metrics[METRIC_COUNT];
    double counters[COUNTER_COUNT];
};

struct values make_values(int number);
int64_t begin(struct store *store);
int64_t add_point(struct store *store, int64_t experiment_id, int64_t ordinal);
int add_replications(struct store *store, int64_t point_id, int first, int count,
                     struct text *ret_error);
void complete(struct store *store, int64_t point_id);
void store_experiment(const char *path);

// ---- a sweep ----

// Points of a sweep over a price and a threshold: `count` points, of which each three that follow
// each other differ in the price only.
enum { MOST_POINTS = 30 };

struct sweep {
    struct store_point points[MOST_POINTS];
    struct store_parameter parameters[MOST_POINTS][2];
    struct store_price prices[MOST_POINTS][2];
    char hashes[MOST_POINTS][16];
    char simulations[MOST_POINTS][16];
    struct store_point_state states[MOST_POINTS];
};

int64_t begin_sweep(struct store *store, const char *hash, bool *ret_is_resumed);
void make_sweep(struct sweep *sweep, int64_t experiment_id, int count);
void plan(struct store *store, struct sweep *sweep, int count);
// add_replications() that must succeed.
void add(struct store *store, int64_t point_id, int first, int count);

#endif
