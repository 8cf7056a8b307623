// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_TESTS_FAULTY_VFS_H
#define OFFLOADSIM_TESTS_FAULTY_VFS_H

// A file system for SQLite that passes everything on to the ordinary one until it is told to fail:
// then the n-th call of a kind fails, once or from then on. It becomes SQLite's default for the
// whole process, which is why it exists once and its state is the process's.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fault {
    FAULT_READ,        // reading gives SQLITE_IOERR_READ
    FAULT_SHORT_READ,  // reading gives half of what was asked for, and says so
    FAULT_WRITE,       // writing gives SQLITE_IOERR_WRITE, nothing was written
    FAULT_SHORT_WRITE, // half was written, then SQLITE_IOERR_WRITE
    FAULT_FULL,        // half was written, then SQLITE_FULL
    FAULT_SYNC,        // flushing gives SQLITE_IOERR_FSYNC
    FAULT_SHRINK,      // truncating gives SQLITE_IOERR_TRUNCATE
    FAULT_COUNT
};

void faulty_vfs_register(void);
// From here on, the n-th call (from 1) of the kind that `fault` is about fails.
void faulty_vfs_arm(enum fault fault, int n, bool is_lasting);
// Ends all faults. Returns whether there was one.
bool faulty_vfs_disarm(void);

// What reaches the disk once it is flushed, and in which order.
enum disk_change_kind { DISK_WRITE, DISK_TRUNCATE, DISK_SYNC, DISK_REMOVE };

struct disk_change {
    enum disk_change_kind kind;
    const char *path;
    const void *bytes; // of a write
    size_t count;
    int64_t offset; // of a write; the size that is left by a truncation
};

// From here on, changes are told before they are made; NULL: no more.
void faulty_vfs_watch(void (*watch)(void *context, const struct disk_change *change),
                      void *context);

#endif
