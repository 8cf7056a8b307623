// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_BASE_MEMORY_H
#define OFFLOADSIM_BASE_MEMORY_H

// Memory has two owners in this program.
//
// An arena owns everything that lives as long as one thing does: a loaded scenario, a world, one
// replication. It hands out zeroed memory by moving a pointer and gives all of it back at once.
// Nothing in an arena is freed alone, so nothing in it can leak or be freed twice.
//
// The heap owns the few arrays that grow while they are used (event queue, text). They go through
// memory_resize().
//
// Running out of memory is not an error that a caller could handle: both say "out of memory" on
// standard error and end the program with status 1. What was stored before is safe, because the
// store commits whole transactions. Memory that libraries ask for ends the program in the same way
// where they say so (memory_give_up()); the store makes an error of it, as SQLite does.

#include <stddef.h>
#include <stdint.h>

struct arena_block;

// `{0}` is an empty arena. arena_init() only sets the size of its blocks.
struct arena {
    struct arena_block *first;
    char *next;
    char *end;
    size_t block_bytes; // 0 means that they grow from 4 KiB to 64 KiB
};

void arena_init(struct arena *arena, size_t block_bytes);

// Frees everything that came from the arena. Accepts NULL and an empty arena.
void arena_finish(struct arena *arena);

// Returns `bytes` zeroed bytes aligned for any type; never NULL, also for 0 bytes.
void *arena_alloc(struct arena *arena, size_t bytes);

// `count` zeroed elements of `size` bytes; the product is checked for overflow.
void *arena_array(struct arena *arena, size_t count, size_t size);

#define arena_new(arena, type) ((type *)arena_alloc((arena), sizeof(type)))
#define arena_new_array(arena, count, type) ((type *)arena_array((arena), (count), sizeof(type)))

// Copies of a text; the second takes `length` bytes and adds the final NUL.
char *arena_text(struct arena *arena, const char *text);
char *arena_text_n(struct arena *arena, const char *text, size_t length);
char *arena_format(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// realloc() of `count` elements of `size` bytes that cannot fail; `old` may be NULL. The caller
// frees the result with free().
void *memory_resize(void *old, size_t count, size_t size);

// Says that there is no memory, and ends the program.
_Noreturn void memory_give_up(void);

#endif
