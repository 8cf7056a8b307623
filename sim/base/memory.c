// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Blocks double from the first size to the second, so that small scenarios stay cheap.
enum { FIRST_BLOCK_BYTES = 4 * 1024, DEFAULT_BLOCK_BYTES = 64 * 1024 };

struct arena_block {
    struct arena_block *next;
    size_t bytes;
    max_align_t data[];
};

void memory_give_up(void)
{
    static const char message[] = "offloadsim: error: out of memory\n";
    ssize_t written = write(STDERR_FILENO, message, sizeof(message) - 1);
    (void)written; // Nothing is left to do if even this fails.
    _exit(1);
}

void arena_init(struct arena *arena, size_t block_bytes)
{
    *arena = (struct arena){.block_bytes = block_bytes};
}

void arena_finish(struct arena *arena)
{
    if (!arena) {
        return;
    }
    struct arena_block *block = arena->first;
    while (block) {
        struct arena_block *next = block->next;
        free(block);
        block = next;
    }
    *arena = (struct arena){.block_bytes = arena->block_bytes};
}

void *arena_alloc(struct arena *arena, size_t bytes)
{
    const size_t unit = sizeof(max_align_t);
    if (bytes > SIZE_MAX / 2) {
        memory_give_up();
    }
    bytes = (bytes + unit - 1) / unit * unit;
    if (bytes == 0) {
        bytes = unit;
    }
    if ((size_t)(arena->end - arena->next) < bytes) {
        size_t block_bytes = arena->block_bytes;
        if (!block_bytes) {
            block_bytes = arena->first ? 2 * arena->first->bytes : FIRST_BLOCK_BYTES;
            block_bytes = block_bytes < DEFAULT_BLOCK_BYTES ? block_bytes : DEFAULT_BLOCK_BYTES;
        }
        if (block_bytes < bytes) {
            block_bytes = bytes;
        }
        struct arena_block *block = calloc(1, sizeof(*block) + block_bytes);
        if (!block) {
            memory_give_up();
        }
        block->next = arena->first;
        block->bytes = block_bytes;
        arena->first = block;
        arena->next = (char *)block->data;
        arena->end = arena->next + block_bytes;
    }
    void *result = arena->next;
    arena->next += bytes;
    return result;
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
    if (size && count > SIZE_MAX / 2 / size) {
        memory_give_up();
    }
    return arena_alloc(arena, count * size);
}

char *arena_text(struct arena *arena, const char *text)
{
    return arena_text_n(arena, text, strlen(text));
}

char *arena_text_n(struct arena *arena, const char *text, size_t length)
{
    char *copy = arena_alloc(arena, length + 1);
    if (length) {
        memcpy(copy, text, length);
    }
    return copy;
}

char *arena_format(struct arena *arena, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    va_list again;
    va_copy(again, arguments);
    char buffer[256]; // most texts fit, and need not be made twice
    int length = vsnprintf(buffer, sizeof(buffer), format, arguments);
    va_end(arguments);
    if (length < 0) {
        length = 0;
        buffer[0] = '\0';
    }
    char *text = arena_alloc(arena, (size_t)length + 1);
    if ((size_t)length < sizeof(buffer)) {
        memcpy(text, buffer, (size_t)length + 1);
    } else {
        vsnprintf(text, (size_t)length + 1, format, again);
    }
    va_end(again);
    return text;
}

void *memory_resize(void *old, size_t count, size_t size)
{
    if (size && count > SIZE_MAX / 2 / size) {
        memory_give_up();
    }
    size_t bytes = count * size;
    void *memory = realloc(old, bytes ? bytes : 1);
    if (!memory) {
        memory_give_up();
    }
    return memory;
}
