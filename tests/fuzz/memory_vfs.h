// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_TESTS_MEMORY_VFS_H
#define OFFLOADSIM_TESTS_MEMORY_VFS_H

// A file system for SQLite in memory, without locks and without flushing, for one thread. It
// becomes the default of the whole process, which is why its files are the process's. There is no
// shared memory, so databases stay out of WAL mode.

#include <stddef.h>

void memory_vfs_register(void);

// Replaces the content of a file by a copy of these bytes; makes it if need be.
void memory_vfs_put(const char *name, const void *bytes, size_t length);

// The content of a file, until it is written to. NULL if there is none.
const void *memory_vfs_get(const char *name, size_t *ret_length);

#endif
