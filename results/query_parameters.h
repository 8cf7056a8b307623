// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_RESULTS_QUERY_PARAMETERS_H
#define OFFLOADSIM_RESULTS_QUERY_PARAMETERS_H

// Parameters of a query: what its comments say of them, and their values.

#include <sqlite3.h>

#include <stddef.h>

struct query_binding;
struct text;

// Binds all values. Returns -1 with a message that lists the parameters if a value has no
// parameter, or if a parameter without a default has no value.
int query_bind(sqlite3_stmt *statement, const char *sql, const struct query_binding *bindings,
               size_t count, struct text *ret_error);

#endif
