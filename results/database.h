// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_RESULTS_DATABASE_H
#define OFFLOADSIM_RESULTS_DATABASE_H

// What writing (store.h) and reading (query.h) have in common: opening the file, telling whose it
// is, and saying what went wrong in words that help.

#include <sqlite3.h>

#include <stdbool.h>

struct text;

enum database_purpose {
    DATABASE_WRITE, // makes the file and its tables if need be
    DATABASE_READ   // the file must be there, and stays as it is
};

// Once for the process, before anything else of this folder; without it all is the same, but takes
// longer.
void database_set_up(void);

// The version of the schema that this program writes.
int database_version(void);

// Opens `path` and checks that it is a database of this program and of its schema. Returns 0, or -1
// with a message and nothing left open.
int database_open(const char *path, enum database_purpose purpose, double busy_timeout_s,
                  sqlite3 **ret_database, struct text *ret_error);

// Adds "cannot PURPOSE 'PATH': why; the way out" for the last failure of `database`.
void database_explain(sqlite3 *database, const char *path, enum database_purpose purpose,
                      struct text *ret_error);

// The text of a column of the current row; "" where there is none, even if the column should have
// one, because the file may have been changed by somebody else.
const char *database_text(sqlite3_stmt *statement, int column);

// Adds the name of a file as SQLite wants it in a URI: "file:PATH?options".
void database_add_uri(const char *path, const char *options, struct text *ret_uri);

#endif
