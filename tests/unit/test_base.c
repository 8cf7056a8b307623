// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/check.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/version.h"
#include "unit.h"

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

    return unit_run(suite);
}
