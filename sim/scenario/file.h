// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_SCENARIO_FILE_H
#define OFFLOADSIM_SCENARIO_FILE_H

// Whole files in memory: scenarios and traces.

#include <stddef.h>

struct file_problem {
    char message[128]; // "cannot be read: ...", for a diagnostic about the file
    char hint[128];
};

// Reads all of `path`, with a NUL behind the last byte; the caller frees the bytes. Directories,
// devices, what is larger than `most` bytes and what changes meanwhile are refused. A pipe that
// nobody writes to is empty. Returns 0, or -1 with the problem.
int file_read(const char *path, size_t most, char **ret_bytes, size_t *ret_length,
              struct file_problem *ret_problem);

struct arena;

// A path that a scenario states, as seen from here: paths in a scenario start in its folder.
const char *file_beside(const char *scenario, const char *path, struct arena *arena);

#endif
