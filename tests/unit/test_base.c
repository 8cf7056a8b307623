// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/check.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/unit.h"
#include "base/version.h"
#include "unit.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

// What `action` writes to standard error in a process of its own, and how that process ended.
static int run_apart(void (*action)(void), char *ret_message, size_t room)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    fflush(NULL);
    const pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        action();
        _exit(0);
    }
    close(ends[1]);
    size_t length = 0;
    ssize_t got;
    while (length + 1 < room &&
           (got = read(ends[0], ret_message + length, room - length - 1)) > 0) {
        length += (size_t)got;
    }
    ret_message[length] = '\0';
    close(ends[0]);
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return status;
}

// ---- check ----

static void break_an_invariant(void)
{
    const struct check_place place = {
        .time_s = 2.385, .entity = "device 3", .seed = 7, .replication = 11};
    CHECK(&place, 2 + 2 == 5);
}

static void break_an_invariant_nowhere(void)
{
    CHECK(NULL, 2 + 2 == 5);
}

static void keep_an_invariant(void)
{
    CHECK(NULL, 2 + 2 == 4);
}

START_TEST(check_names_the_place)
{
    char message[1024];
    const int status = run_apart(break_an_invariant, message, sizeof(message));
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGABRT);
    ck_assert_ptr_nonnull(strstr(message, "test_base.c:"));
    ck_assert_ptr_nonnull(strstr(message, "'2 + 2 == 5' does not hold\n"
                                          "  at simulated time 2.3849999999999998 s, device 3\n"
                                          "  to replay it: --seed 7, replication 11\n"));
}
END_TEST

START_TEST(check_without_a_place)
{
    char message[1024];
    const int status = run_apart(break_an_invariant_nowhere, message, sizeof(message));
    ck_assert(WIFSIGNALED(status));
    ck_assert_ptr_nonnull(strstr(message, "'2 + 2 == 5' does not hold\n"));
    ck_assert_ptr_null(strstr(message, "simulated time"));
}
END_TEST

START_TEST(check_that_holds_is_silent)
{
    char message[1024];
    const int status = run_apart(keep_an_invariant, message, sizeof(message));
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 0);
    ck_assert_str_eq(message, "");
}
END_TEST

START_TEST(version_is_three_numbers)
{
    int major;
    int minor;
    int patch;
    int length = 0;
    ck_assert_int_eq(sscanf(OFFLOADSIM_VERSION, "%d.%d.%d%n", &major, &minor, &patch, &length), 3);
    ck_assert_uint_eq((size_t)length, strlen(OFFLOADSIM_VERSION));
}
END_TEST

// ---- memory ----

static const size_t block_sizes[] = {0, 1, 48, 1000, 64 * 1024};

START_TEST(arena_memory_is_zeroed_aligned_and_apart)
{
    enum { PIECES = 500 };
    struct arena arena;
    arena_init(&arena, block_sizes[_i]);
    unsigned char *pieces[PIECES];
    int dirty = 0;
    int overwritten = 0;
    for (size_t i = 0; i < PIECES; i++) {
        const size_t bytes = i * 7 % 301;
        pieces[i] = arena_alloc(&arena, bytes);
        ck_assert_ptr_nonnull(pieces[i]);
        ck_assert_uint_eq((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
        for (size_t j = 0; j < bytes; j++) {
            dirty += pieces[i][j] != 0;
        }
        memset(pieces[i], (int)(i % 251) + 1, bytes);
    }
    for (size_t i = 0; i < PIECES; i++) {
        for (size_t j = 0; j < i * 7 % 301; j++) {
            overwritten += pieces[i][j] != i % 251 + 1;
        }
    }
    ck_assert_int_eq(dirty, 0);
    ck_assert_int_eq(overwritten, 0);
    arena_finish(&arena);
    ck_assert_ptr_null(arena.first);
    // A finished arena is an empty one with blocks of the same size.
    ck_assert_uint_eq(arena.block_bytes, block_sizes[_i]);
    const char *again = arena_alloc(&arena, 23);
    ck_assert_int_eq(again[22], 0);
    arena_finish(&arena);
}
END_TEST

START_TEST(arena_finish_takes_anything)
{
    arena_finish(NULL);
    struct arena zeroed = {0};
    arena_finish(&zeroed);
    arena_finish(&zeroed);
    int *number = arena_new(&zeroed, int);
    ck_assert_int_eq(*number, 0);
    arena_finish(&zeroed);
}
END_TEST

START_TEST(arena_copies_texts)
{
    struct arena arena = {0};
    char original[] = "edge";
    char *copy = arena_text(&arena, original);
    original[0] = 'x';
    ck_assert_str_eq(copy, "edge");
    ck_assert_str_eq(arena_text_n(&arena, "cloudy", 5), "cloud");
    ck_assert_str_eq(arena_text_n(&arena, "cloudy", 0), "");
    ck_assert_str_eq(arena_format(&arena, "%s %d %.3f", "theta", 17, 2.385), "theta 17 2.385");
    ck_assert_str_eq(arena_format(&arena, "%s", ""), "");
    // Longer than a block.
    char *wide = arena_format(&arena, "%*d", 100000, 7);
    ck_assert_uint_eq(strlen(wide), 100000);
    ck_assert_int_eq(wide[99999], '7');
    arena_finish(&arena);
}
END_TEST

START_TEST(memory_resize_keeps_what_was_there)
{
    uint32_t *numbers = NULL;
    for (size_t count = 1; count < 5000; count = count * 3 + 1) {
        numbers = memory_resize(numbers, count, sizeof(*numbers));
        for (size_t i = count / 3; i < count; i++) {
            numbers[i] = (uint32_t)(i * 2654435761u);
        }
        for (size_t i = 0; i < count; i++) {
            ck_assert_uint_eq(numbers[i], (uint32_t)(i * 2654435761u));
        }
    }
    numbers = memory_resize(numbers, 0, sizeof(*numbers));
    ck_assert_ptr_nonnull(numbers);
    free(numbers);
}
END_TEST

// Products that wrap around: 2^61 times 8 is 0 in 64 bits.
static void overflow_an_array(void)
{
    struct arena arena = {0};
    arena_array(&arena, SIZE_MAX / 8 + 1, 8);
}

static void overflow_an_arena(void)
{
    struct arena arena = {0};
    arena_alloc(&arena, SIZE_MAX - 3);
}

static void overflow_a_resize(void)
{
    free(memory_resize(NULL, SIZE_MAX / 8 + 1, 8));
}

static void (*const overflows[])(void) = {overflow_an_array, overflow_an_arena, overflow_a_resize};

START_TEST(memory_overflow_ends_the_program)
{
    char message[1024];
    const int status = run_apart(overflows[_i], message, sizeof(message));
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 1);
    ck_assert_str_eq(message, "offloadsim: error: out of memory\n");
}
END_TEST

// ---- text ----

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

// ---- unit ----

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
    Suite *suite = suite_create("base");

    TCase *check = tcase_create("check");
    tcase_add_test(check, check_names_the_place);
    tcase_add_test(check, check_without_a_place);
    tcase_add_test(check, check_that_holds_is_silent);
    tcase_add_test(check, version_is_three_numbers);
    suite_add_tcase(suite, check);

    TCase *memory = tcase_create("memory");
    unit_add_table(memory, arena_memory_is_zeroed_aligned_and_apart, block_sizes);
    tcase_add_test(memory, arena_finish_takes_anything);
    tcase_add_test(memory, arena_copies_texts);
    tcase_add_test(memory, memory_resize_keeps_what_was_there);
    unit_add_table(memory, memory_overflow_ends_the_program, overflows);
    suite_add_tcase(suite, memory);

    TCase *text = tcase_create("text");
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

    TCase *unit = tcase_create("unit");
    unit_add_table(unit, unit_parse_reads, readings);
    unit_add_table(unit, unit_parse_refuses, refusals);
    tcase_add_loop_test(unit, unit_table_is_tested, 0, DIMENSION_COUNT_);
    tcase_add_loop_test(unit, unit_dimension_describes_itself, 0, DIMENSION_COUNT_);
    suite_add_tcase(suite, unit);

    return unit_run(suite);
}
