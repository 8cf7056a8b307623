// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_RESULTS_STORE_PARTS_H
#define OFFLOADSIM_RESULTS_STORE_PARTS_H

// What the files of the store (store*.c) share with each other and with nobody else.

#include "results/writer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store {
    struct writer writer;
    int64_t *ids; // room for the numbers of the names of a batch
    size_t ids_room;
    int64_t owner;   // of claims; no two stores have the same
    bool has_claims; // or may have
};

// What the store knows of a point.
struct point_row {
    int64_t source_id;
    bool is_complete;
    int64_t replications;
    bool uses_prices;
};

// Fails if there is no such point. The texts are added unless they are NULL.
int store_read_point(struct store *store, int64_t point_id, struct point_row *ret_point,
                     struct text *ret_policy, struct text *ret_verdict, struct text *ret_stopped,
                     struct text *ret_error);

// A number for the owner of claims that tells which process it is.
int64_t store_make_owner(void);

// "cannot store results in 'PATH': " and the rest. Returns -1.
int store_refuse(const struct store *store, struct text *ret_error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
