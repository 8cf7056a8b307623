// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_BASE_UNIT_H
#define OFFLOADSIM_BASE_UNIT_H

// Numbers with units, as people write them ("18 ms", "20 Mbit/s", "1 %"), and their value in the
// unit that the program computes in: seconds, bytes, bytes per second, 1/second, watts, joules and
// plain fractions. One table of units serves reading, messages and the reference.

#include <stddef.h>

enum dimension {
    DIMENSION_NONE,      // a plain number; "%" is allowed
    DIMENSION_TIME,      // second
    DIMENSION_BYTES,     // byte
    DIMENSION_RATE,      // byte per second
    DIMENSION_FREQUENCY, // 1 per second
    DIMENSION_POWER,     // watt
    DIMENSION_ENERGY,    // joule
    DIMENSION_PER_TIME,  // price of a second: 1 per second
    DIMENSION_PER_BYTE,  // price of a byte: 1 per byte
    DIMENSION_PER_JOULE, // price of a joule: 1 per joule
    DIMENSION_BYTE_ENERGY, // joule per byte, as radios take
    DIMENSION_COUNT_
};

enum unit_result {
    UNIT_OK,
    UNIT_NOT_A_NUMBER, // no number at the start, or NaN or an infinity
    UNIT_MISSING,      // a number where the dimension needs a unit
    UNIT_UNKNOWN,      // a unit that no dimension has
    UNIT_WRONG,        // a unit of another dimension
    UNIT_TOO_LARGE     // beyond the range of a double
};

// Reads the whole of `text`: a decimal number, spaces at will, a unit. `*ret_value` is in the base
// unit of `dimension`; it is untouched on failure. `*ret_unit`, if not NULL, points at the unit
// within `text` whenever there is one, for the message.
enum unit_result unit_parse(const char *text, enum dimension dimension, double *ret_value,
                            const char **ret_unit);

// What a value of this dimension looks like, for messages and the reference: "18 ms".
const char *unit_example(enum dimension dimension);
// "a time", "a size in bytes", ...
const char *unit_dimension_name(enum dimension dimension);
// The dimension that `unit` belongs to, or DIMENSION_NONE.
enum dimension unit_dimension(const char *unit);
// The symbol of the base unit: "s", "B", "B/s", "/s", "W", "J", "" for a plain number.
const char *unit_symbol(enum dimension dimension);
// The units of a dimension, counted from 0 in the order of the table; NULL past the last.
const char *unit_list(enum dimension dimension, size_t index);

#endif
