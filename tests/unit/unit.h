// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_TESTS_UNIT_H
#define OFFLOADSIM_TESTS_UNIT_H

// A unit test is one program with one suite of Check. unit_run() runs the suite and writes the
// cases to standard output in the Test Anything Protocol, one line each, so that Meson counts cases
// and not programs. Each row of a table is a case of its own: the table goes into a loop test, and
// the row is the loop's `_i`.

#include <check.h>
#include <stdbool.h>

// The length of an array.
#define UNIT_COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

// Adds a test that runs once a row of `table`.
#define unit_add_table(tcase, test, table)                                                         \
    tcase_add_loop_test((tcase), (test), 0, UNIT_COUNT(table))

// Whether long double is more precise than double, as tests need that hold something against it:
// under valgrind it is not. If not, a note says what is left out.
bool unit_has_long_double(const char *what);

// Runs and frees `suite`. Returns the exit status of the program: 0 if all cases passed.
int unit_run(Suite *suite);

#endif
