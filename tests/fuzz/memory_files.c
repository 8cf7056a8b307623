// SPDX-License-Identifier: GPL-3.0-or-later

// The functions of scenario/file.h over files in memory. The linker takes these, so that it does
// not look for others.

#include "base/check.h"
#include "base/memory.h"
#include "fuzz.h"
#include "scenario/file.h"

#include <stdio.h>
#include <string.h>

enum { MOST_FILES = 8 };

// The one file system of the process.
static struct {
    const char *name;
    const void *bytes;
    size_t length;
} files[MOST_FILES];

void memory_file_put(const char *name, const void *bytes, size_t length)
{
    size_t i = 0;
    while (i < MOST_FILES && files[i].name && strcmp(files[i].name, name) != 0) {
        i++;
    }
    CHECK(NULL, i < MOST_FILES);
    files[i].name = name;
    files[i].bytes = bytes;
    files[i].length = length;
}

int file_read(const char *path, size_t most, char **ret_bytes, size_t *ret_length,
              struct file_problem *ret_problem)
{
    for (size_t i = 0; i < MOST_FILES && files[i].name; i++) {
        if (strcmp(files[i].name, path) == 0 && files[i].length <= most) {
            *ret_bytes = memory_resize(NULL, files[i].length + 1, 1);
            memcpy(*ret_bytes, files[i].bytes, files[i].length);
            (*ret_bytes)[files[i].length] = '\0';
            *ret_length = files[i].length;
            return 0;
        }
    }
    snprintf(ret_problem->message, sizeof(ret_problem->message), "cannot be read");
    snprintf(ret_problem->hint, sizeof(ret_problem->hint), "check the path");
    return -1;
}

const char *file_beside(const char *scenario, const char *path, struct arena *arena)
{
    (void)scenario;
    return arena_text(arena, path);
}
