// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/text.h"
#include "base/unit.h"
#include "unit.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

static const struct {
    const char *text;
    enum dimension dimension;
    double value;
} readings[] = {
    {"2.385", DIMENSION_NONE, 2.385},
    {"38.5 %", DIMENSION_NONE, 0.385},
    {"38.5%", DIMENSION_NONE, 0.385},
    {"-2.5", DIMENSION_NONE, -2.5},
    {"+2.5", DIMENSION_NONE, 2.5},
    {".5", DIMENSION_NONE, 0.5},
    {"7.", DIMENSION_NONE, 7},
    {"2.5e3", DIMENSION_NONE, 2500},
    {"2.5E-3", DIMENSION_NONE, 0.0025},
    {"  17  ", DIMENSION_NONE, 17},
    {"1e-400", DIMENSION_NONE, 0},
    {"2.385 ns", DIMENSION_TIME, 2.385e-9},
    {"2.385 us", DIMENSION_TIME, 2.385e-6},
    {"2.385 µs", DIMENSION_TIME, 2.385e-6},
    {"2.385 ms", DIMENSION_TIME, 2.385e-3},
    {"2.385ms", DIMENSION_TIME, 2.385e-3},
    {"  2.385   ms", DIMENSION_TIME, 2.385e-3},
    {"2.385 s", DIMENSION_TIME, 2.385},
    {"2.385 min", DIMENSION_TIME, 143.1},
    {"2.385 h", DIMENSION_TIME, 8586},
    {"2.385 d", DIMENSION_TIME, 206064},
    {"2.385 bit", DIMENSION_BYTES, 0.298125},
    {"2.385 kbit", DIMENSION_BYTES, 298.125},
    {"2.385 Mbit", DIMENSION_BYTES, 298125},
    {"2.385 B", DIMENSION_BYTES, 2.385},
    {"2.385 kB", DIMENSION_BYTES, 2385},
    {"2.385 MB", DIMENSION_BYTES, 2385000},
    {"2.385 GB", DIMENSION_BYTES, 2.385e9},
    {"2.5 KiB", DIMENSION_BYTES, 2560},
    {"2.5 MiB", DIMENSION_BYTES, 2621440},
    {"2.5 GiB", DIMENSION_BYTES, 2684354560.0},
    {"2.385 bit/s", DIMENSION_RATE, 0.298125},
    {"2.385 kbit/s", DIMENSION_RATE, 298.125},
    {"2.385 Mbit/s", DIMENSION_RATE, 298125},
    {"2.385 Gbit/s", DIMENSION_RATE, 298125000},
    {"2.385 B/s", DIMENSION_RATE, 2.385},
    {"2.385 kB/s", DIMENSION_RATE, 2385},
    {"2.385 MB/s", DIMENSION_RATE, 2385000},
    {"2.385 GB/s", DIMENSION_RATE, 2.385e9},
    {"2.385 /s", DIMENSION_FREQUENCY, 2.385},
    {"2.385/s", DIMENSION_FREQUENCY, 2.385},
    {"143.1 /min", DIMENSION_FREQUENCY, 2.385},
    {"8586 /h", DIMENSION_FREQUENCY, 2.385},
    {"2.385 Hz", DIMENSION_FREQUENCY, 2.385},
    {"2.385 kHz", DIMENSION_FREQUENCY, 2385},
    {"2.385 /ms", DIMENSION_FREQUENCY, 2385},
    {"2.385 W", DIMENSION_POWER, 2.385},
    {"2.385 uW", DIMENSION_POWER, 2.385e-6},
    {"2.385 mW", DIMENSION_POWER, 2.385e-3},
    {"2.385 kW", DIMENSION_POWER, 2385},
    {"2.385 J", DIMENSION_ENERGY, 2.385},
    {"2.385 nJ", DIMENSION_ENERGY, 2.385e-9},
    {"2.385 uJ", DIMENSION_ENERGY, 2.385e-6},
    {"2.385 mJ", DIMENSION_ENERGY, 2.385e-3},
    {"2.385 kJ", DIMENSION_ENERGY, 2385},
    {"2.385 Wh", DIMENSION_ENERGY, 8586},
    {"2.385 /s", DIMENSION_PER_TIME, 2.385},
    {"2.385 /ms", DIMENSION_PER_TIME, 2385},
    {"143.1 /min", DIMENSION_PER_TIME, 2.385},
    {"8586 /h", DIMENSION_PER_TIME, 2.385},
    {"2.385 /B", DIMENSION_PER_BYTE, 2.385},
    {"2.385 /kB", DIMENSION_PER_BYTE, 2.385e-3},
    {"2.385 /MB", DIMENSION_PER_BYTE, 2.385e-6},
    {"2.385 /GB", DIMENSION_PER_BYTE, 2.385e-9},
    {"2.385 /J", DIMENSION_PER_JOULE, 2.385},
    {"2.385 /mJ", DIMENSION_PER_JOULE, 2385},
    {"2.385 /kJ", DIMENSION_PER_JOULE, 2.385e-3},
    {"8586 /Wh", DIMENSION_PER_JOULE, 2.385},
    {"2.385 J/B", DIMENSION_BYTE_ENERGY, 2.385},
    {"2385 mJ/B", DIMENSION_BYTE_ENERGY, 2.385},
    {"2.385 uJ/B", DIMENSION_BYTE_ENERGY, 2.385e-6},
    {"2.385 nJ/B", DIMENSION_BYTE_ENERGY, 2.385e-9},
    {"2.385 J/MB", DIMENSION_BYTE_ENERGY, 2.385e-6},
    {"2.385 mJ/MB", DIMENSION_BYTE_ENERGY, 2.385e-9},
    {"2.5 nJ/bit", DIMENSION_BYTE_ENERGY, 2e-8},
    {"2.5 uJ/bit", DIMENSION_BYTE_ENERGY, 2e-5},
    {"2.5 W/(Mbit/s)", DIMENSION_BYTE_ENERGY, 2e-5},
    {"2.5 mW/(Mbit/s)", DIMENSION_BYTE_ENERGY, 2e-8},
};

START_TEST(unit_parse_reads)
{
    double value = NAN;
    const char *unit = NULL;
    ck_assert_int_eq(unit_parse(readings[_i].text, readings[_i].dimension, &value, &unit), UNIT_OK);
    ck_assert_msg(fabs(value - readings[_i].value) <= 4e-16 * fabs(readings[_i].value),
                  "'%s' is %.17g", readings[_i].text, value);
    ck_assert_ptr_nonnull(unit);
    // The unit is optional for the caller.
    ck_assert_int_eq(unit_parse(readings[_i].text, readings[_i].dimension, &value, NULL), UNIT_OK);
}
END_TEST

static const struct {
    const char *text;
    enum dimension dimension;
    enum unit_result result;
    const char *unit; // what ret_unit points at; NULL: it is left alone
} refusals[] = {
    {"", DIMENSION_NONE, UNIT_NOT_A_NUMBER, NULL},
    {"   ", DIMENSION_TIME, UNIT_NOT_A_NUMBER, NULL},
    {"fast", DIMENSION_TIME, UNIT_NOT_A_NUMBER, NULL},
    {"ms", DIMENSION_TIME, UNIT_NOT_A_NUMBER, NULL},
    {"nan", DIMENSION_NONE, UNIT_NOT_A_NUMBER, NULL},
    {"inf", DIMENSION_NONE, UNIT_NOT_A_NUMBER, NULL},
    {"-infinity s", DIMENSION_TIME, UNIT_NOT_A_NUMBER, NULL},
    {".", DIMENSION_NONE, UNIT_NOT_A_NUMBER, NULL},
    {"-", DIMENSION_NONE, UNIT_NOT_A_NUMBER, NULL},
    {"+-3", DIMENSION_NONE, UNIT_NOT_A_NUMBER, NULL},
    {"e5", DIMENSION_NONE, UNIT_NOT_A_NUMBER, NULL},
    {"1.2.3", DIMENSION_NONE, UNIT_NOT_A_NUMBER, NULL},
    {"0x1p4", DIMENSION_NONE, UNIT_NOT_A_NUMBER, NULL},
    {"\t5", DIMENSION_NONE, UNIT_NOT_A_NUMBER, NULL},
    {"18", DIMENSION_TIME, UNIT_MISSING, ""},
    {"18 ", DIMENSION_RATE, UNIT_MISSING, ""},
    {"18", DIMENSION_PER_JOULE, UNIT_MISSING, ""},
    {"18 parsecs", DIMENSION_TIME, UNIT_UNKNOWN, "parsecs"},
    {"18 MS", DIMENSION_TIME, UNIT_UNKNOWN, "MS"},
    {"18 m s", DIMENSION_TIME, UNIT_UNKNOWN, "m s"},
    {"18e ms", DIMENSION_TIME, UNIT_UNKNOWN, "e ms"},
    {"1,5 ms", DIMENSION_TIME, UNIT_UNKNOWN, ",5 ms"},
    {"3 4", DIMENSION_NONE, UNIT_UNKNOWN, "4"},
    {"18 %%", DIMENSION_NONE, UNIT_UNKNOWN, "%%"},
    {"18 kB", DIMENSION_TIME, UNIT_WRONG, "kB"},
    {"18 ms", DIMENSION_NONE, UNIT_WRONG, "ms"},
    {"18 %", DIMENSION_TIME, UNIT_WRONG, "%"},
    {"18 Mbit", DIMENSION_RATE, UNIT_WRONG, "Mbit"},
    {"18 Mbit/s", DIMENSION_BYTES, UNIT_WRONG, "Mbit/s"},
    {"18 /J", DIMENSION_PER_BYTE, UNIT_WRONG, "/J"},
    {"1e400", DIMENSION_NONE, UNIT_TOO_LARGE, NULL},
    {"-1e400 s", DIMENSION_TIME, UNIT_TOO_LARGE, NULL},
    {"1e305 d", DIMENSION_TIME, UNIT_TOO_LARGE, "d"},
};

START_TEST(unit_parse_refuses)
{
    double value = 2.385;
    const char *unit = NULL;
    const enum unit_result result =
        unit_parse(refusals[_i].text, refusals[_i].dimension, &value, &unit);
    ck_assert_msg(result == refusals[_i].result, "'%s' gives result %d", refusals[_i].text,
                  (int)result);
    ck_assert_msg(value == 2.385, "'%s' was refused, and yet set the value", refusals[_i].text);
    if (refusals[_i].unit) {
        ck_assert_ptr_nonnull(unit);
        ck_assert_str_eq(unit, refusals[_i].unit);
    } else {
        ck_assert_ptr_null(unit);
    }
}
END_TEST

// Every unit of every dimension is covered by `readings`, so that a new one cannot go untested.
START_TEST(unit_table_is_tested)
{
    const enum dimension dimension = (enum dimension)_i;
    ck_assert_ptr_nonnull(unit_list(dimension, 0));
    for (size_t i = 0; unit_list(dimension, i); i++) {
        bool tested = false;
        for (int j = 0; j < UNIT_COUNT(readings); j++) {
            double value;
            const char *unit;
            if (readings[j].dimension == dimension &&
                unit_parse(readings[j].text, dimension, &value, &unit) == UNIT_OK) {
                tested = tested || strcmp(unit, unit_list(dimension, i)) == 0;
            }
        }
        ck_assert_msg(tested, "no test reads '%s'", unit_list(dimension, i));
    }
    ck_assert_ptr_null(unit_list(dimension, 99));
}
END_TEST

// Examples are values of their dimension, the symbol is the unit of scale 1, and the dimension is
// found from it where it is the unit's only one ("/s" is a frequency first).
START_TEST(unit_dimension_describes_itself)
{
    const enum dimension dimension = (enum dimension)_i;
    double value;
    ck_assert_int_eq(unit_parse(unit_example(dimension), dimension, &value, NULL), UNIT_OK);
    struct text text = {0};
    text_format(&text, "2.385 %s", unit_symbol(dimension));
    ck_assert_int_eq(unit_parse(text_string(&text), dimension, &value, NULL), UNIT_OK);
    ck_assert_double_eq(value, 2.385);
    text_finish(&text);
    ck_assert_uint_gt(strlen(unit_dimension_name(dimension)), 2);
    const enum dimension found = unit_dimension(unit_symbol(dimension));
    ck_assert_int_eq(found, dimension == DIMENSION_PER_TIME ? DIMENSION_FREQUENCY : dimension);
    ck_assert_int_eq(unit_dimension("parsecs"), DIMENSION_NONE);
    ck_assert_int_eq(unit_dimension("%"), DIMENSION_NONE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("units");

    TCase *unit = tcase_create("unit");
    unit_add_table(unit, unit_parse_reads, readings);
    unit_add_table(unit, unit_parse_refuses, refusals);
    tcase_add_loop_test(unit, unit_table_is_tested, 0, DIMENSION_COUNT_);
    tcase_add_loop_test(unit, unit_dimension_describes_itself, 0, DIMENSION_COUNT_);
    suite_add_tcase(suite, unit);

    return unit_run(suite);
}
