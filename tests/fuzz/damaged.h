// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_TESTS_DAMAGED_H
#define OFFLOADSIM_TESTS_DAMAGED_H

// A database of results in memory that somebody has changed.
//
// To read the schema takes SQLite most of the time. Where its pages are as they were, connections
// share what one that stays open has read (SQLite's shared cache). damaged_forget() has them forget
// everything else.

#include <stddef.h>
#include <stdint.h>

// The path of a database with changes of four bytes each: where, in three bytes, and the byte that
// is there then. They are in the pages of tables, or anywhere, in the schema too.
const char *damaged_make(const uint8_t *bytes, size_t length, int is_anywhere);

// The path of the same database as it was.
const char *damaged_whole(void);

// To be called after each input.
void damaged_forget(void);

#endif
