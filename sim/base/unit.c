// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/unit.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// One of it is `times` / `over` base units. Both are exact as doubles.
struct unit {
    const char *name;
    double times;
    double over;
};

struct dimension_info {
    const char *name;
    const char *symbol;
    const char *example;
    const struct unit *units; // ended by a NULL name
};

// Decimal prefixes are powers of 1000 and binary ones of 1024 (IEC 80000-13); 8 bits are a byte.
static const struct unit plain_units[] = {{"%", 1, 100}, {NULL, 0, 0}};
static const struct unit time_units[] = {{"ns", 1, 1e9}, {"us", 1, 1e6},  {"µs", 1, 1e6},
                                         {"ms", 1, 1e3}, {"s", 1, 1},     {"min", 60, 1},
                                         {"h", 3600, 1}, {"d", 86400, 1}, {NULL, 0, 0}};
static const struct unit byte_units[] = {
    {"bit", 1, 8},       {"kbit", 1e3, 8},       {"Mbit", 1e6, 8}, {"B", 1, 1},
    {"kB", 1e3, 1},      {"MB", 1e6, 1},         {"GB", 1e9, 1},   {"KiB", 1024, 1},
    {"MiB", 1048576, 1}, {"GiB", 1073741824, 1}, {NULL, 0, 0}};
static const struct unit rate_units[] = {{"bit/s", 1, 8},    {"kbit/s", 1e3, 8}, {"Mbit/s", 1e6, 8},
                                         {"Gbit/s", 1e9, 8}, {"B/s", 1, 1},      {"kB/s", 1e3, 1},
                                         {"MB/s", 1e6, 1},   {"GB/s", 1e9, 1},   {NULL, 0, 0}};
static const struct unit frequency_units[] = {{"/s", 1, 1}, {"/min", 1, 60}, {"/h", 1, 3600},
                                              {"Hz", 1, 1}, {"kHz", 1e3, 1}, {"/ms", 1e3, 1},
                                              {NULL, 0, 0}};
static const struct unit power_units[] = {
    {"W", 1, 1}, {"uW", 1, 1e6}, {"mW", 1, 1e3}, {"kW", 1e3, 1}, {NULL, 0, 0}};
static const struct unit energy_units[] = {{"J", 1, 1},    {"nJ", 1, 1e9}, {"uJ", 1, 1e6},
                                           {"mJ", 1, 1e3}, {"kJ", 1e3, 1}, {"Wh", 3600, 1},
                                           {NULL, 0, 0}};
static const struct unit per_time_units[] = {
    {"/s", 1, 1}, {"/ms", 1e3, 1}, {"/min", 1, 60}, {"/h", 1, 3600}, {NULL, 0, 0}};
static const struct unit per_byte_units[] = {
    {"/B", 1, 1}, {"/kB", 1, 1e3}, {"/MB", 1, 1e6}, {"/GB", 1, 1e9}, {NULL, 0, 0}};
static const struct unit per_joule_units[] = {
    {"/J", 1, 1}, {"/mJ", 1e3, 1}, {"/kJ", 1, 1e3}, {"/Wh", 1, 3600}, {NULL, 0, 0}};
// What a radio takes for a byte. "W per Mbit/s", the slope of its power over its rate, is the same
// quantity.
static const struct unit byte_energy_units[] = {{"J/B", 1, 1},
                                                {"mJ/B", 1, 1e3},
                                                {"uJ/B", 1, 1e6},
                                                {"nJ/B", 1, 1e9},
                                                {"J/MB", 1, 1e6},
                                                {"mJ/MB", 1, 1e9},
                                                {"nJ/bit", 8, 1e9},
                                                {"uJ/bit", 8, 1e6},
                                                {"W/(Mbit/s)", 1, 125e3},
                                                {"mW/(Mbit/s)", 1, 125e6},
                                                {NULL, 0, 0}};

static const struct dimension_info dimensions[DIMENSION_COUNT_] = {
    [DIMENSION_NONE] = {"a plain number", "", "0.5", plain_units},
    [DIMENSION_TIME] = {"a time", "s", "18 ms", time_units},
    [DIMENSION_BYTES] = {"a size", "B", "3 kB", byte_units},
    [DIMENSION_RATE] = {"a data rate", "B/s", "20 Mbit/s", rate_units},
    [DIMENSION_FREQUENCY] = {"a frequency", "/s", "2 /s", frequency_units},
    [DIMENSION_POWER] = {"a power", "W", "2.1 W", power_units},
    [DIMENSION_ENERGY] = {"an energy", "J", "40 mJ", energy_units},
    [DIMENSION_PER_TIME] = {"a price of time", "/s", "0.5 /s", per_time_units},
    [DIMENSION_PER_BYTE] = {"a price of data", "/B", "0.1 /MB", per_byte_units},
    [DIMENSION_PER_JOULE] = {"a price of energy", "/J", "2 /J", per_joule_units},
    [DIMENSION_BYTE_ENERGY] = {"an energy per byte", "J/B", "77 mW/(Mbit/s)", byte_energy_units},
};

static const struct unit *find_unit(enum dimension dimension, const char *name)
{
    for (const struct unit *unit = dimensions[dimension].units; unit->name; unit++) {
        if (strcmp(unit->name, name) == 0) {
            return unit;
        }
    }
    return NULL;
}

// The extent of a decimal number at the start of `text`; 0 if there is none. Hexadecimal numbers,
// "inf" and "nan", which strtod() takes, are not numbers here.
static size_t decimal_length(const char *text)
{
    const char *c = text;
    size_t digits = 0;
    if (*c == '+' || *c == '-') {
        c++;
    }
    for (; (*c >= '0' && *c <= '9') || *c == '.'; c++) {
        digits += *c != '.';
    }
    if (!digits) {
        return 0;
    }
    if (*c == 'e' || *c == 'E') {
        const char *exponent = c + 1;
        if (*exponent == '+' || *exponent == '-') {
            exponent++;
        }
        if (*exponent >= '0' && *exponent <= '9') {
            while (*exponent >= '0' && *exponent <= '9') {
                exponent++;
            }
            c = exponent;
        }
    }
    return (size_t)(c - text);
}

// If `*number` is a whole power of ten up to 10^12, makes it 1 and returns the power; else 0.
static int take_power_of_ten(double *number)
{
    double power = 1;
    for (int k = 0; k <= 12; k++) {
        if (*number == power) {
            *number = 1;
            return k;
        }
        power *= 10;
    }
    return 0;
}

// The number in `text` in base units. Powers of ten move into the exponent of the decimal before it
// is rounded, so that "40.8 ms" and "0.0408 s" are the same double.
static double scaled(const char *text, size_t length, const struct unit *unit)
{
    char decimal[128];
    if (length + 16 > sizeof(decimal)) {
        return strtod(text, NULL) * unit->times / unit->over;
    }
    double times = unit->times;
    double over = unit->over;
    const int shift = take_power_of_ten(&times) - take_power_of_ten(&over);
    memcpy(decimal, text, length);
    decimal[length] = '\0';
    char *mark = strpbrk(decimal, "eE");
    long exponent = mark ? strtol(mark + 1, NULL, 10) : 0;
    if (exponent < -10000 || exponent > 10000) {
        exponent = exponent < 0 ? -10000 : 10000; // as good as 0 or infinite
    }
    const size_t digits = mark ? (size_t)(mark - decimal) : length;
    snprintf(decimal + digits, sizeof(decimal) - digits, "e%ld", exponent + shift);
    return strtod(decimal, NULL) * times / over;
}

enum unit_result unit_parse(const char *text, enum dimension dimension, double *ret_value,
                            const char **ret_unit)
{
    while (*text == ' ') {
        text++;
    }
    size_t length = decimal_length(text);
    if (!length) {
        return UNIT_NOT_A_NUMBER;
    }
    char *end;
    double number = strtod(text, &end);
    if (end != text + length) {
        return UNIT_NOT_A_NUMBER; // "1.2.3"
    }
    if (!isfinite(number)) {
        return UNIT_TOO_LARGE;
    }
    while (*end == ' ') {
        end++;
    }
    if (ret_unit) {
        *ret_unit = end;
    }
    if (!*end) {
        if (dimension != DIMENSION_NONE) {
            return UNIT_MISSING;
        }
        *ret_value = number;
        return UNIT_OK;
    }
    const struct unit *unit = find_unit(dimension, end);
    if (!unit) {
        bool known = find_unit(DIMENSION_NONE, end) || unit_dimension(end) != DIMENSION_NONE;
        return known ? UNIT_WRONG : UNIT_UNKNOWN;
    }
    const double value = scaled(text, length, unit);
    if (!isfinite(value)) {
        return UNIT_TOO_LARGE;
    }
    *ret_value = value;
    return UNIT_OK;
}

const char *unit_example(enum dimension dimension)
{
    return dimensions[dimension].example;
}

const char *unit_dimension_name(enum dimension dimension)
{
    return dimensions[dimension].name;
}

const char *unit_symbol(enum dimension dimension)
{
    return dimensions[dimension].symbol;
}

enum dimension unit_dimension(const char *unit)
{
    for (int i = DIMENSION_TIME; i < DIMENSION_COUNT_; i++) {
        if (find_unit((enum dimension)i, unit)) {
            return (enum dimension)i;
        }
    }
    return DIMENSION_NONE;
}

const char *unit_list(enum dimension dimension, size_t index)
{
    const struct unit *units = dimensions[dimension].units;
    for (size_t i = 0; i <= index; i++) {
        if (!units[i].name) {
            return NULL;
        }
    }
    return units[index].name;
}
