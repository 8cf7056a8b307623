// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/text.h"
#include "cli/table.h"
#include "unit.h"

#include <math.h>
#include <string.h>

static void check_print(const struct table *table, enum table_format format,
                        const struct table_style *style, const char *wanted)
{
    struct text text = {0};
    table_print(table, format, style, &text);
    ck_assert_str_eq(text_string(&text), wanted);
    text_finish(&text);
}

// One column of numbers, and its cells as they are shown.
static const struct {
    enum table_notation notation;
    int digits;
    double values[4];
    const char *wanted;
} number_cases[] = {
    {TABLE_SIGNIFICANT, 0, {0.91234567, 0.5, 0.018, 0}, "0.9123\n0.5000\n0.0180\n     0\n"},
    {TABLE_SIGNIFICANT, 0, {2.385, 2, 3, 4}, "2.385\n2.000\n3.000\n4.000\n"},
    {TABLE_SIGNIFICANT, 0, {2, 3, 4, 5}, "2\n3\n4\n5\n"},
    {TABLE_SIGNIFICANT, 0, {123456.789, 0.5, 12, -3}, "123456.8\n     0.5\n    12.0\n    -3.0\n"},
    {TABLE_SIGNIFICANT,
     0,
     {1e9 / 7, 0.00123456, 12, 0},
     "142857143\n 0.001235\n       12\n        0\n"},
    {TABLE_SIGNIFICANT, 0, {1e300, 1e-300, 2.5, 1}, "1e+300\n1e-300\n   2.5\n     1\n"},
    {TABLE_SIGNIFICANT, 0, {INFINITY, -INFINITY, NAN, 1}, " inf\n-inf\n   -\n   1\n"},
    {TABLE_SIGNIFICANT, 2, {0.91234567, 0.5, 0.018, 0}, "0.912\n0.500\n0.018\n    0\n"},
    {TABLE_SIGNIFICANT, 0, {9.9999e-5, 0.1, 0, 0.2}, "0.0001\n0.1000\n     0\n0.2000\n"},
    {TABLE_SIGNIFICANT, 0, {99999.7, 0.1, 0, 0.2}, "99999.7\n    0.1\n      0\n    0.2\n"},
    {TABLE_FIXED, 2, {2.385, 2, 1234.5, 0}, "   2.38\n   2.00\n1234.50\n   0.00\n"},
    {TABLE_PERCENT, 1, {0.12345, 1, 0, NAN}, " 12.3 %\n100.0 %\n  0.0 %\n      -\n"},
};

START_TEST(table_numbers)
{
    struct table table = {0};
    struct table_column *column = table_add_column(&table, "x");
    column->notation = number_cases[_i].notation;
    column->digits = number_cases[_i].digits;
    for (int i = 0; i < 4; i++) {
        table_add_number(&table, number_cases[_i].values[i]);
    }
    struct text text = {0};
    table_print(&table, TABLE_ALIGNED, NULL, &text);
    const char *header_end = strchr(text_string(&text), '\n');
    ck_assert_ptr_nonnull(header_end);
    const char *rule_end = strchr(header_end + 1, '\n');
    ck_assert_ptr_nonnull(rule_end);
    ck_assert_str_eq(rule_end + 1, number_cases[_i].wanted);
    text_finish(&text);
    table_finish(&table);
}
END_TEST

static const struct {
    double mean;
    double half_width;
    enum table_notation notation;
    int digits;
    const char *wanted;
} pair_cases[] = {
    {0.912345, 0.0123, TABLE_SIGNIFICANT, 0, "| 0.912 +- 0.012 |"},
    {0.912345, 0.0999, TABLE_SIGNIFICANT, 0, "| 0.91 +- 0.10 |"},
    {12345.6, 123.4, TABLE_SIGNIFICANT, 0, "| 12346 +- 123 |"},
    {12.3456, 3.21, TABLE_SIGNIFICANT, 0, "| 12.3 +- 3.2 |"},
    {0.912345, 0, TABLE_SIGNIFICANT, 0, "| 0.9123 +- 0 |"},
    {0.912345, NAN, TABLE_SIGNIFICANT, 0, "| 0.9123 |"},
    {NAN, NAN, TABLE_SIGNIFICANT, 0, "| - |"},
    {0.912345, INFINITY, TABLE_SIGNIFICANT, 0, "| 0.9123 +- inf |"},
    {0.912345, 2.5e-14, TABLE_SIGNIFICANT, 0, "| 0.9123 +- 0 |"}, // rounding, not a width
    {0.912345, 0.0123, TABLE_PERCENT, 1, "| 91.2 +- 1.2 % |"},
    {0.912345, 0.0123, TABLE_FIXED, 4, "| 0.9123 +- 0.0123 |"},
};

START_TEST(table_half_widths_join_their_means)
{
    struct table table = {0};
    struct table_column *column = table_add_column(&table, "x");
    column->notation = pair_cases[_i].notation;
    column->digits = pair_cases[_i].digits;
    table_add_column(&table, "x_half_width");
    table_pair_half_widths(&table);
    table_add_number(&table, pair_cases[_i].mean);
    table_add_number(&table, pair_cases[_i].half_width);
    struct text text = {0};
    const struct table_style ascii = {.is_ascii = true};
    table_print(&table, TABLE_MARKDOWN, &ascii, &text);
    ck_assert_ptr_nonnull(strstr(text_string(&text), pair_cases[_i].wanted));
    ck_assert_ptr_null(strstr(text_string(&text), "half"));
    text_finish(&text);
    table_finish(&table);
}
END_TEST

static const struct {
    double mean;
    double low;
    double high;
    enum table_notation notation;
    int digits;
    const char *wanted;
} interval_cases[] = {
    {0.912345, 0.900045, 0.924645, TABLE_SIGNIFICANT, 0, "| 0.912 +- 0.012 |"},
    {0.912345, 0.905, 0.924645, TABLE_SIGNIFICANT, 0, "| 0.912 +- 0.012 |"}, // less than twice
    {0.912345, 0.908, 0.924645, TABLE_SIGNIFICANT, 0, "| 0.9123 [0.9080, 0.9246] |"},
    {0, 0, 0.0123, TABLE_SIGNIFICANT, 0, "| 0 [0, 0.012] |"},
    {1, 0.9877, 1, TABLE_SIGNIFICANT, 0, "| 1.000 [0.988, 1.000] |"},
    {0.912345, 0.908, 0.924645, TABLE_PERCENT, 1, "| 91.2 [90.8, 92.5] % |"},
    {0.912345, 0.912345, 0.912345, TABLE_SIGNIFICANT, 0, "| 0.9123 +- 0 |"},
    {0.912345, 0.912345, 0.912345 + 2.5e-14, TABLE_SIGNIFICANT, 0, "| 0.9123 +- 0 |"},
    {0.912345, NAN, NAN, TABLE_SIGNIFICANT, 0, "| 0.9123 |"},
    {NAN, NAN, NAN, TABLE_SIGNIFICANT, 0, "| - |"},
};

START_TEST(table_lopsided_intervals_show_their_ends)
{
    const double mean = interval_cases[_i].mean;
    const double low = interval_cases[_i].low;
    const double high = interval_cases[_i].high;
    struct table table = {0};
    struct table_column *column = table_add_column(&table, "x");
    column->notation = interval_cases[_i].notation;
    column->digits = interval_cases[_i].digits;
    table_add_column(&table, "x_half_width");
    table_pair_half_widths(&table);
    table_add_interval(&table, mean, fmax(mean - low, high - mean), low, high);
    struct text text = {0};
    const struct table_style ascii = {.is_ascii = true};
    table_print(&table, TABLE_MARKDOWN, &ascii, &text);
    ck_assert_msg(strstr(text_string(&text), interval_cases[_i].wanted), "%s", text_string(&text));
    text_finish(&text);
    table_finish(&table);
}
END_TEST

static void fill_mixed(struct table *table)
{
    table_add_column(table, "policy");
    struct table_column *latency = table_add_column(table, "latency_mean_s");
    latency->heading = "latency";
    latency->unit = "s";
    table_add_column(table, "latency_mean_s_half_width");
    table_add_column(table, "replications");
    table_add_column(table, "parameters")->is_json = true;
    table_pair_half_widths(table);
    table_add_text(table, "hi, \"threshold\"|x");
    table_add_number(table, 0.1);
    table_add_number(table, 0.0123);
    table_add_integer(table, 20);
    table_add_text(table, "{\"theta\":[0.6]}");
    table_add_text(table, "");
    table_add_number(table, 1.0 / 3);
    table_add_number(table, NAN);
    table_add_integer(table, INT64_MIN);
    table_add_null(table);
}

static const struct {
    enum table_format format;
    const char *wanted;
} format_cases[] = {
    {TABLE_ALIGNED, "policy                latency (s)          replications  parameters\n"
                    "-----------------  --------------  --------------------  ---------------\n"
                    "hi, \"threshold\"|x   0.100 \xc2\xb1 0.012                    20  "
                    "{\"theta\":[0.6]}\n"
                    "                   0.3333          -9223372036854775808  -\n"},
    {TABLE_CSV, "policy,latency_mean_s,latency_mean_s_half_width,replications,parameters\r\n"
                "\"hi, \"\"threshold\"\"|x\",0.1,0.0123,20,\"{\"\"theta\"\":[0.6]}\"\r\n"
                "\"\",0.3333333333333333,,-9223372036854775808,\r\n"},
    {TABLE_JSON, "[\n {\"policy\": \"hi, \\\"threshold\\\"|x\", \"latency_mean_s\": 0.1, "
                 "\"latency_mean_s_half_width\": 0.0123, \"replications\": 20, "
                 "\"parameters\": {\"theta\":[0.6]}},\n"
                 " {\"policy\": \"\", \"latency_mean_s\": 0.3333333333333333, "
                 "\"latency_mean_s_half_width\": null, \"replications\": -9223372036854775808, "
                 "\"parameters\": null}\n]\n"},
    {TABLE_MARKDOWN, "| policy | latency (s) | replications | parameters |\n"
                     "| --- | ---: | ---: | --- |\n"
                     "| hi, \"threshold\"\\|x | 0.100 \xc2\xb1 0.012 | 20 | {\"theta\":[0.6]} |\n"
                     "|  | 0.3333 | -9223372036854775808 | - |\n"},
};

START_TEST(table_formats)
{
    struct table table = {0};
    fill_mixed(&table);
    ck_assert_uint_eq(table_row_count(&table), 2);
    check_print(&table, format_cases[_i].format, NULL, format_cases[_i].wanted);
    table_finish(&table);
}
END_TEST

static const struct {
    enum table_format format;
    const char *without_rows;
    const char *without_columns;
} empty_cases[] = {
    {TABLE_ALIGNED, "a  b\n-  -\n", ""},
    {TABLE_CSV, "a,b\r\n", "\r\n"},
    {TABLE_JSON, "[]\n", "[]\n"},
    {TABLE_MARKDOWN, "| a | b |\n| --- | --- |\n", ""},
};

START_TEST(table_empty)
{
    struct table table = {0};
    check_print(&table, empty_cases[_i].format, NULL, empty_cases[_i].without_columns);
    table_add_column(&table, "a");
    table_add_column(&table, "b");
    check_print(&table, empty_cases[_i].format, NULL, empty_cases[_i].without_rows);
    table_finish(&table);
    table_finish(&table);
    table_finish(NULL);
}
END_TEST

// Printed piece by piece, a table reads as if it had been printed at once.
START_TEST(table_drains)
{
    static const enum table_format formats[] = {TABLE_CSV, TABLE_JSON};
    for (int rows = 0; rows < 6; rows++) {
        for (int drained = 0; drained <= rows; drained++) {
            struct table whole = {0};
            struct table pieces = {0};
            struct text wanted = {0};
            struct text found = {0};
            for (int column = 0; column < 2; column++) {
                table_add_column(&whole, column ? "b" : "a");
                table_add_column(&pieces, column ? "b" : "a");
            }
            for (int row = 0; row < rows; row++) {
                table_add_text(&whole, row % 2 ? "odd" : "even");
                table_add_integer(&whole, row);
                table_add_text(&pieces, row % 2 ? "odd" : "even");
                table_add_integer(&pieces, row);
                if (row < drained) {
                    table_drain(&pieces, formats[_i], &found);
                    ck_assert_uint_eq(table_row_count(&pieces), 0);
                }
            }
            table_print(&whole, formats[_i], NULL, &wanted);
            table_print(&pieces, formats[_i], NULL, &found);
            ck_assert_str_eq(text_string(&found), text_string(&wanted));
            text_finish(&wanted);
            text_finish(&found);
            table_finish(&whole);
            table_finish(&pieces);
        }
    }
    ck_assert(!table_can_drain(TABLE_ALIGNED) && !table_can_drain(TABLE_MARKDOWN));
}
END_TEST

START_TEST(table_csv_quotes)
{
    struct table table = {0};
    table_add_column(&table, "a,b");
    static const char *const texts[] = {"plain", "with space", "two\nlines", "a\rb", "\"", ","};
    for (int i = 0; i < UNIT_COUNT(texts); i++) {
        table_add_text(&table, texts[i]);
    }
    table_add_number(&table, INFINITY);
    check_print(
        &table, TABLE_CSV, NULL,
        "\"a,b\"\r\nplain\r\nwith space\r\n\"two\nlines\"\r\n\"a\rb\"\r\n\"\"\"\"\r\n\",\"\r\n"
        "inf\r\n");
    table_finish(&table);
}
END_TEST

START_TEST(table_terminal_is_safe_from_texts)
{
    struct table table = {0};
    table_add_column(&table, "a\033[2J");
    table_add_text(&table, "x\033]0;title\007\ny\x7f");
    struct text text = {0};
    table_print(&table, TABLE_ALIGNED, NULL, &text);
    table_print(&table, TABLE_MARKDOWN, NULL, &text);
    for (size_t i = 0; i < text.length; i++) {
        const unsigned char c = (unsigned char)text.data[i];
        ck_assert_msg((c >= 0x20 && c != 0x7f) || c == '\n', "character %d at %zu", c, i);
    }
    text_finish(&text);
    table_finish(&table);
}
END_TEST

START_TEST(table_bold_header)
{
    struct table table = {0};
    table_add_column(&table, "x");
    table_add_text(&table, "a");
    const struct table_style style = {.is_bold = true};
    check_print(&table, TABLE_ALIGNED, &style, "\033[1mx\033[0m\n-\na\n");
    check_print(&table, TABLE_CSV, &style, "x\r\na\r\n");
    check_print(&table, TABLE_MARKDOWN, &style, "| x |\n| --- |\n| a |\n");
    table_finish(&table);
}
END_TEST

START_TEST(table_headings_break_first)
{
    struct table table = {0};
    table_add_column(&table, "policy");
    table_add_column(&table, "latency_mean_s");
    table_add_column(&table, "device_energy_mean_j");
    table_add_text(&table, "hi_threshold");
    table_add_number(&table, 0.1234);
    table_add_number(&table, 2.385);
    const struct table_style style = {.width = 34};
    check_print(&table, TABLE_ALIGNED, &style,
                "policy         latency_    device_\n"
                "                 mean_s    energy_\n"
                "                            mean_j\n"
                "------------  ---------  ---------\n"
                "hi_threshold     0.1234      2.385\n");
    table_finish(&table);
}
END_TEST

START_TEST(table_long_texts_are_cut_or_wrapped)
{
    struct table table = {0};
    table_add_column(&table, "id");
    table_add_column(&table, "cut");
    table_add_column(&table, "wrapped")->is_wrapped = true;
    table_add_integer(&table, 7);
    table_add_text(&table, "h\xc3\xa9 is a text that is too long");
    table_add_text(&table, "words are not broken unlessneeded/foratall");
    const struct table_style style = {.width = 34};
    check_print(&table, TABLE_ALIGNED, &style,
                "id  cut             wrapped\n"
                "--  --------------  --------------\n"
                " 7  h\xc3\xa9 is a text \xe2\x80\xa6  words are not\n"
                "                    broken\n"
                "                    unlessneeded/\n"
                "                    foratall\n");
    const struct table_style ascii = {.width = 34, .is_ascii = true};
    struct text text = {0};
    table_print(&table, TABLE_ALIGNED, &ascii, &text);
    ck_assert_ptr_nonnull(strstr(text_string(&text), " 7  h\xc3\xa9 is a tex...  words"));
    text_finish(&text);
    table_finish(&table);
}
END_TEST

START_TEST(table_wide_ones_go_on_below)
{
    struct table table = {0};
    table_add_column(&table, "point");
    table_add_column(&table, "aaaaaaaaaaaa");
    table_add_column(&table, "bbbbbbbbbbbb");
    table_add_column(&table, "cccccccccccc");
    for (int i = 0; i < 8; i++) {
        table_add_integer(&table, i);
    }
    const struct table_style style = {.width = 34};
    check_print(&table, TABLE_ALIGNED, &style,
                "point  aaaaaaaaaaaa  bbbbbbbbbbbb\n"
                "-----  ------------  ------------\n"
                "    0             1             2\n"
                "    4             5             6\n"
                "\n"
                "point  cccccccccccc\n"
                "-----  ------------\n"
                "    0             3\n"
                "    4             7\n");
    table_finish(&table);
}
END_TEST

// Whatever the width, lines keep within it as long as the widest word of a heading does.
START_TEST(table_keeps_within_the_width)
{
    struct table table = {0};
    static const char *const names[] = {"experiment",     "policy",        "parameters",
                                        "accuracy",       "cost_mean",     "offload_fraction",
                                        "latency_mean_s", "latency_p99_s", "throughput_per_s"};
    for (int i = 0; i < UNIT_COUNT(names); i++) {
        table_add_column(&table, names[i])->is_wrapped = _i % 2;
    }
    for (int row = 0; row < 3; row++) {
        table_add_integer(&table, row);
        table_add_text(&table, "hi_threshold");
        table_add_text(&table,
                       "{\"policy.hi_threshold.theta\":[0.607,0.8],\"prices.offload\":0.3}");
        for (int i = 3; i < UNIT_COUNT(names); i++) {
            table_add_number(&table, 2.385 / (i + row));
        }
    }
    const struct table_style style = {.width = (size_t)_i, .is_ascii = true};
    struct text text = {0};
    table_print(&table, TABLE_ALIGNED, &style, &text);
    size_t lines = 0;
    for (const char *line = text_string(&text); *line; lines++) {
        size_t length = strcspn(line, "\n");
        ck_assert_uint_le(length, style.width);
        line += length + 1;
    }
    ck_assert_uint_ge(lines, 5);
    text_finish(&text);
    table_finish(&table);
}
END_TEST

START_TEST(table_format_names_are_read)
{
    enum table_format format = TABLE_ALIGNED;
    struct text error = {0};
    for (int i = 0; table_format_names[i]; i++) {
        ck_assert_int_eq(table_format_parse(table_format_names[i], &format, &error), 0);
        ck_assert_int_eq((int)format, i);
    }
    ck_assert_str_eq(text_string(&error), "");
    ck_assert_int_eq(table_format_parse("jsno", &format, &error), -1);
    ck_assert_str_eq(text_string(&error), "unknown format 'jsno'; did you mean 'json'? there are "
                                          "'table', 'csv', 'json', 'md'");
    ck_assert_int_eq((int)format, TABLE_MARKDOWN);
    text_finish(&error);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("table");

    TCase *cells = tcase_create("cells");
    unit_add_table(cells, table_numbers, number_cases);
    unit_add_table(cells, table_half_widths_join_their_means, pair_cases);
    unit_add_table(cells, table_lopsided_intervals_show_their_ends, interval_cases);
    suite_add_tcase(suite, cells);

    TCase *formats = tcase_create("formats");
    unit_add_table(formats, table_formats, format_cases);
    unit_add_table(formats, table_empty, empty_cases);
    tcase_add_loop_test(formats, table_drains, 0, 2);
    tcase_add_test(formats, table_csv_quotes);
    tcase_add_test(formats, table_terminal_is_safe_from_texts);
    tcase_add_test(formats, table_bold_header);
    tcase_add_test(formats, table_format_names_are_read);
    suite_add_tcase(suite, formats);

    TCase *layout = tcase_create("layout");
    tcase_add_test(layout, table_headings_break_first);
    tcase_add_test(layout, table_long_texts_are_cut_or_wrapped);
    tcase_add_test(layout, table_wide_ones_go_on_below);
    tcase_add_loop_test(layout, table_keeps_within_the_width, 24, 200);
    suite_add_tcase(suite, layout);

    return unit_run(suite);
}
