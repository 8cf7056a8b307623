// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/text.h"

#include "base/memory.h"
#include "unit.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

START_TEST(text_grows)
{
    struct text text = {0};
    ck_assert_str_eq(text_string(&text), "");
    text_clear(&text);
    text_add(&text, "");
    ck_assert_str_eq(text_string(&text), "");
    for (int i = 0; i < 1000; i++) {
        text_format(&text, "%d,", i);
    }
    text_add_n(&text, "end of the list", 3);
    ck_assert_uint_eq(text.length, strlen(text_string(&text)));
    ck_assert_uint_eq(text.length, 10 * 2 + 90 * 3 + 900 * 4 + 3);
    ck_assert_str_eq(text_string(&text) + text.length - 7, "999,end");
    ck_assert_int_eq(strncmp(text_string(&text), "0,1,2,", 6), 0);
    text_clear(&text);
    ck_assert_str_eq(text_string(&text), "");
    text_add(&text, "again");
    ck_assert_str_eq(text_string(&text), "again");
    text_finish(&text);
    text_finish(&text);
    text_finish(NULL);
    ck_assert_str_eq(text_string(&text), "");
}
END_TEST

static const struct {
    double value;
    const char *shown;
} numbers[] = {
    {0, "0"},
    {-0.0, "-0"},
    {1, "1"},
    {0.1, "0.1"},
    {2.385, "2.385"},
    {-17.25, "-17.25"},
    {0.30000000000000004, "0.30000000000000004"},
    {1.0 / 3, "0.3333333333333333"},
    {1e300, "1e+300"},
    {123456789012345680.0, "1.2345678901234568e+17"},
    {9007199254740993.0, "9007199254740992"},
    {DBL_MAX, "1.7976931348623157e+308"},
    {DBL_MIN, "2.2250738585072014e-308"},
    {5e-324, "5e-324"},
    {1.5e-320, "1.5e-320"},
    {INFINITY, "inf"},
    {-INFINITY, "-inf"},
    {NAN, "nan"},
};

START_TEST(text_number_is_shortest)
{
    char buffer[TEXT_NUMBER_ROOM];
    text_number(buffer, numbers[_i].value);
    ck_assert_str_eq(buffer, numbers[_i].shown);
}
END_TEST

START_TEST(text_number_round_trips)
{
    // Doubles of random bits, by a multiplicative generator with an odd factor.
    uint64_t bits = 88172645463325252u;
    double lost = 0; // the last value that came back as another
    for (int i = 0; i < 100000; i++) {
        bits = bits * 6364136223846793005u + 1442695040888963407u;
        double value;
        memcpy(&value, &bits, sizeof(value));
        if (!isfinite(value)) {
            continue;
        }
        char buffer[TEXT_NUMBER_ROOM];
        text_number(buffer, value);
        lost = strtod(buffer, NULL) == value ? lost : value;
    }
    ck_assert_msg(lost == 0, "%.17g does not survive", lost);
}
END_TEST

// Of random bits in magnitudes from 2^-40 to 2^60, and at both sides of powers of two and of ten,
// of short decimals and of halves between decimals.
static double odd_double(uint64_t bits)
{
    const int small = (int)(bits >> 40) % 12;
    double value = ldexp((double)(bits >> 11), (int)(bits & 0xff) % 100 - 93);
    switch ((bits >> 8) % 5) {
    case 1:
        value = ldexp(1, small * 8 - 40);
        break;
    case 2:
        value = pow(10, small * 2 - 11);
        break;
    case 3:
        value = (double)(bits >> 32) / pow(10, small);
        break;
    case 4:
        value = (double)(bits >> 14) / 1024;
        break;
    default:
        break;
    }
    const int moves = (int)(bits >> 60) - 8;
    for (int i = 0; i < abs(moves); i++) {
        value = nextafter(value, moves < 0 ? 0 : INFINITY);
    }
    return (bits >> 59) % 2 ? -value : value;
}

// The same by way of the C library: the first of 15, 16 and 17 digits that reads back.
START_TEST(text_number_is_that_of_printf)
{
    uint64_t bits = 4101842887655102017u;
    char wrong[400] = "";
    for (int i = 0; i < 300000; i++) {
        bits = bits * 6364136223846793005u + 1442695040888963407u;
        const double value = odd_double(bits ^ bits >> 29);
        char wanted[330];
        char found[TEXT_NUMBER_ROOM];
        int digits = 15;
        do {
            snprintf(wanted, sizeof(wanted), "%.*g", digits++, value);
        } while (strtod(wanted, NULL) != value);
        text_number(found, value);
        if (strcmp(found, wanted) != 0) {
            snprintf(wrong, sizeof(wrong), "%s, not %s", found, wanted);
        }
    }
    ck_assert_str_eq(wrong, "");
}
END_TEST

static const struct {
    const char *value;
    const char *shown;
} csv_strings[] = {
    {"", "\"\""},
    {"hi-digits", "hi-digits"},
    {"two words", "two words"},
    {"a,b", "\"a,b\""},
    {"a\rb", "\"a\rb\""},
    {"a\nb", "\"a\nb\""},
    {"\"", "\"\"\"\""},
    {"\"a\"\"", "\"\"\"a\"\"\"\"\""},
};

START_TEST(text_csv_string_quotes)
{
    struct text text = {0};
    text_csv_string(&text, csv_strings[_i].value);
    ck_assert_str_eq(text_string(&text), csv_strings[_i].shown);
    text_finish(&text);
}
END_TEST

// Whether or not it fits into the room that is there.
START_TEST(text_format_takes_any_length)
{
    for (int length = 0; length < 300; length++) {
        struct text text = {0};
        text_add(&text, "x");
        text_format(&text, "%*s|", length, "");
        ck_assert_uint_eq(text.length, (size_t)length + 2);
        ck_assert_uint_eq(strlen(text_string(&text)), text.length);
        ck_assert_int_eq(text_string(&text)[text.length - 1], '|');
        text_finish(&text);
    }
}
END_TEST

static const struct {
    const char *value;
    const char *shown;
} json_strings[] = {
    {"", "\"\""},
    {"hi-digits", "\"hi-digits\""},
    {"say \"hi\"", "\"say \\\"hi\\\"\""},
    {"C:\\data", "\"C:\\\\data\""},
    {"two\nlines\tand a tab", "\"two\\nlines\\tand a tab\""},
    {"\x01\x1f\r\b", "\"\\u0001\\u001f\\u000d\\u0008\""},
    {"\x7f/'", "\"\x7f/'\""},
    {"µs, 漢字", "\"µs, 漢字\""},
};

START_TEST(text_json_string_escapes)
{
    struct text text = {0};
    text_json_string(&text, json_strings[_i].value);
    ck_assert_str_eq(text_string(&text), json_strings[_i].shown);
    text_finish(&text);
}
END_TEST

static const struct {
    double value;
    const char *shown;
} json_numbers[] = {
    {2.385, "2.385"}, {-3e-9, "-3e-09"},  {1e22, "1e+22"},
    {NAN, "null"},    {INFINITY, "null"}, {-INFINITY, "null"},
};

START_TEST(text_json_number_has_no_infinities)
{
    struct text text = {0};
    text_json_number(&text, json_numbers[_i].value);
    ck_assert_str_eq(text_string(&text), json_numbers[_i].shown);
    text_finish(&text);
}
END_TEST

static const char *const words[] = {"threshold", "theta", "tiers", "policy", "seed", "a", "ab"};

static const char long_word[] =
    "a-word-of-more-than-sixty-four-letters-is-not-what-anybody-mistypes";

static const struct {
    const char *name;
    const char *nearest; // NULL: none
} slips[] = {
    {"threshold", "threshold"},
    {"treshold", "threshold"},   // deletion
    {"thresshold", "threshold"}, // insertion
    {"thresholt", "threshold"},  // substitution
    {"thershold", "threshold"},  // swap
    {"hterhsold", "threshold"},  // two swaps in nine letters
    {"tresholt", "threshold"},   // two edits in eight letters
    {"trsholz", "threshold"},    // three edits in seven letters
    {"tshld", NULL},             // four edits in five letters
    {"theat", "theta"},
    {"sed", "seed"},
    {"sede", "seed"},
    {"b", "ab"},
    {"", NULL},
    {"replications", NULL},
    {long_word, NULL},
};

START_TEST(text_nearest_finds_slips)
{
    const char *nearest = text_nearest(slips[_i].name, words, sizeof(words) / sizeof(words[0]));
    if (!slips[_i].nearest) {
        ck_assert_msg(!nearest, "'%s' is not near '%s'", slips[_i].name, nearest);
        return;
    }
    ck_assert_msg(nearest, "nothing near '%s'", slips[_i].name);
    ck_assert_str_eq(nearest, slips[_i].nearest);
}
END_TEST

START_TEST(text_nearest_among_none_or_long)
{
    ck_assert_ptr_null(text_nearest("seed", words, 0));
    const char *const names[] = {long_word};
    ck_assert_ptr_null(text_nearest("a-word", names, 1));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("text");

    TCase *text = tcase_create("text");
    tcase_set_timeout(text, 60);
    tcase_add_test(text, text_grows);
    unit_add_table(text, text_number_is_shortest, numbers);
    tcase_add_test(text, text_number_round_trips);
    tcase_add_test(text, text_number_is_that_of_printf);
    tcase_add_test(text, text_format_takes_any_length);
    unit_add_table(text, text_csv_string_quotes, csv_strings);
    unit_add_table(text, text_json_string_escapes, json_strings);
    unit_add_table(text, text_json_number_has_no_infinities, json_numbers);
    unit_add_table(text, text_nearest_finds_slips, slips);
    tcase_add_test(text, text_nearest_among_none_or_long);
    suite_add_tcase(suite, text);

    return unit_run(suite);
}
