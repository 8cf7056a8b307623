// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_RESULTS_EXPORT_H
#define OFFLOADSIM_RESULTS_EXPORT_H

// One experiment as files for other programs. It has these parts:
//
//     experiment    one row: where it comes from
//     points        one row a point: settings, then each metric and its half width
//     prices        one row a point and counter
//     replications  one row a replication: each metric, then each counter. Points that share
//                   replications refer to them by `source`
//     samples       one row a sample, if they were stored
//     dictionary    one row a column of the other parts: its unit and its meaning
//
// As CSV (RFC 4180; nothing for null; shortest numbers that read back the same) each part is a
// file of its own in a folder, as JSON all of them are arrays in one object. The database is read
// as query.h reads it: nothing in it is trusted.

#include <stdint.h>
#include <stdio.h>

struct text;

// Checks that there is this experiment, or, if it is 0, makes it the latest one. Returns -1 with a
// message if there is none.
int export_find(const char *path, int64_t *experiment, struct text *ret_error);

// Makes the folder if need be; files of the same names in it are replaced.
int export_csv(const char *path, int64_t experiment, const char *folder, struct text *ret_error);

// Writes to `file` and leaves it open; `name` is for messages.
int export_json(const char *path, int64_t experiment, FILE *file, const char *name,
                struct text *ret_error);

#endif
