// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_BASE_DECIMAL_H
#define OFFLOADSIM_BASE_DECIMAL_H

// Shortest decimals of doubles, in whole numbers of 128 bits: exact, and some six times as fast as
// to try "%.15g", "%.16g" and "%.17g" in turn. text_number() is what others use; it calls this.

#include <stdbool.h>

// Room for what decimal_write() writes.
enum { DECIMAL_ROOM = 32 };

// Writes the first of "%.15g", "%.16g" and "%.17g" that reads back as `value`, ended by a NUL.
// Returns false, and writes nothing, if `value` is outside of what fits into 128 bits: it takes
// zeros and magnitudes from 1e-10 to less than 1e15.
bool decimal_write(char buffer[DECIMAL_ROOM], double value);

#endif
