// SPDX-License-Identifier: GPL-3.0-or-later
#include "faulty_vfs.h"

#include <sqlite3.h>
#include <stddef.h>

// What the process's one file system is told to do.
static struct {
    sqlite3_vfs *real;
    enum fault fault;
    int left; // calls until one fails; 0: none does
    bool is_lasting;
    bool has_failed;
    void (*watch)(void *context, const struct disk_change *change);
    void *context;
} plan;

struct faulty_file {
    sqlite3_file base;
    sqlite3_file *real; // behind this structure
    const char *path;
};

static void tell(struct disk_change change)
{
    if (plan.watch && change.path) {
        plan.watch(plan.context, &change);
    }
}

// Whether this call is one that fails.
static bool fails(enum fault fault)
{
    if (plan.fault != fault || plan.left == 0) {
        return false;
    }
    if (--plan.left > 0) {
        return false;
    }
    plan.left = plan.is_lasting ? 1 : 0;
    plan.has_failed = true;
    return true;
}

static sqlite3_file *real_of(sqlite3_file *file)
{
    return ((struct faulty_file *)file)->real;
}

static const char *path_of(const sqlite3_file *file)
{
    return ((const struct faulty_file *)file)->path;
}

static int faulty_close(sqlite3_file *file)
{
    return real_of(file)->pMethods->xClose(real_of(file));
}

static int faulty_read(sqlite3_file *file, void *bytes, int count, sqlite3_int64 offset)
{
    if (fails(FAULT_READ)) {
        return SQLITE_IOERR_READ;
    }
    if (fails(FAULT_SHORT_READ)) {
        // The rest must be zeros, says the interface.
        for (int i = 0; i < count; i++) {
            ((char *)bytes)[i] = 0;
        }
        real_of(file)->pMethods->xRead(real_of(file), bytes, count / 2, offset);
        return SQLITE_IOERR_SHORT_READ;
    }
    return real_of(file)->pMethods->xRead(real_of(file), bytes, count, offset);
}

static int faulty_write(sqlite3_file *file, const void *bytes, int count, sqlite3_int64 offset)
{
    sqlite3_file *real = real_of(file);
    if (fails(FAULT_WRITE)) {
        return SQLITE_IOERR_WRITE;
    }
    if (fails(FAULT_SHORT_WRITE)) {
        real->pMethods->xWrite(real, bytes, count / 2, offset);
        return SQLITE_IOERR_WRITE;
    }
    if (fails(FAULT_FULL)) {
        real->pMethods->xWrite(real, bytes, count / 2, offset);
        return SQLITE_FULL;
    }
    tell((struct disk_change){DISK_WRITE, path_of(file), bytes, (size_t)count, offset});
    return real->pMethods->xWrite(real, bytes, count, offset);
}

static int faulty_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    if (fails(FAULT_SHRINK)) {
        return SQLITE_IOERR_TRUNCATE;
    }
    tell((struct disk_change){.kind = DISK_TRUNCATE, .path = path_of(file), .offset = size});
    return real_of(file)->pMethods->xTruncate(real_of(file), size);
}

// Nothing is flushed in earnest: it takes long, and no power fails here.
static int faulty_sync(sqlite3_file *file, int flags)
{
    (void)flags;
    if (fails(FAULT_SYNC)) {
        return SQLITE_IOERR_FSYNC;
    }
    tell((struct disk_change){.kind = DISK_SYNC, .path = path_of(file)});
    return SQLITE_OK;
}

static int faulty_file_size(sqlite3_file *file, sqlite3_int64 *ret_size)
{
    return real_of(file)->pMethods->xFileSize(real_of(file), ret_size);
}

static int faulty_lock(sqlite3_file *file, int lock)
{
    return real_of(file)->pMethods->xLock(real_of(file), lock);
}

static int faulty_unlock(sqlite3_file *file, int lock)
{
    return real_of(file)->pMethods->xUnlock(real_of(file), lock);
}

static int faulty_check_lock(sqlite3_file *file, int *ret_result)
{
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), ret_result);
}

static int faulty_control(sqlite3_file *file, int operation, void *argument)
{
    return real_of(file)->pMethods->xFileControl(real_of(file), operation, argument);
}

static int faulty_sector_size(sqlite3_file *file)
{
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int faulty_characteristics(sqlite3_file *file)
{
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int faulty_shm_map(sqlite3_file *file, int page, int bytes, int extends,
                          void volatile **ret_memory)
{
    return real_of(file)->pMethods->xShmMap(real_of(file), page, bytes, extends, ret_memory);
}

static int faulty_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
    return real_of(file)->pMethods->xShmLock(real_of(file), offset, count, flags);
}

static void faulty_shm_barrier(sqlite3_file *file)
{
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int faulty_shm_unmap(sqlite3_file *file, int deletes)
{
    return real_of(file)->pMethods->xShmUnmap(real_of(file), deletes);
}

// Version 2: without memory-mapped reading, which no call could make fail.
static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = faulty_close,
    .xRead = faulty_read,
    .xWrite = faulty_write,
    .xTruncate = faulty_truncate,
    .xSync = faulty_sync,
    .xFileSize = faulty_file_size,
    .xLock = faulty_lock,
    .xUnlock = faulty_unlock,
    .xCheckReservedLock = faulty_check_lock,
    .xFileControl = faulty_control,
    .xSectorSize = faulty_sector_size,
    .xDeviceCharacteristics = faulty_characteristics,
    .xShmMap = faulty_shm_map,
    .xShmLock = faulty_shm_lock,
    .xShmBarrier = faulty_shm_barrier,
    .xShmUnmap = faulty_shm_unmap,
};

static int faulty_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                       int *ret_flags)
{
    (void)vfs;
    struct faulty_file *faulty = (struct faulty_file *)file;
    faulty->real = (sqlite3_file *)(faulty + 1);
    faulty->base.pMethods = NULL;
    faulty->path = name;
    const int result = plan.real->xOpen(plan.real, name, faulty->real, flags, ret_flags);
    if (result == SQLITE_OK) {
        faulty->base.pMethods = &methods;
    }
    return result;
}

static int faulty_delete(sqlite3_vfs *vfs, const char *path, int flushes_folder)
{
    (void)vfs;
    tell((struct disk_change){.kind = DISK_REMOVE, .path = path});
    return plan.real->xDelete(plan.real, path, flushes_folder);
}

void faulty_vfs_register(void)
{
    static sqlite3_vfs faulty;
    plan.real = sqlite3_vfs_find(NULL);
    faulty = *plan.real;
    faulty.zName = "faulty";
    faulty.szOsFile = (int)sizeof(struct faulty_file) + plan.real->szOsFile;
    faulty.xOpen = faulty_open;
    faulty.xDelete = faulty_delete;
    sqlite3_vfs_register(&faulty, 1);
}

void faulty_vfs_arm(enum fault fault, int n, bool is_lasting)
{
    plan.fault = fault;
    plan.left = n;
    plan.is_lasting = is_lasting;
    plan.has_failed = false;
}

bool faulty_vfs_disarm(void)
{
    plan.left = 0;
    return plan.has_failed;
}

void faulty_vfs_watch(void (*watch)(void *context, const struct disk_change *change), void *context)
{
    plan.watch = watch;
    plan.context = context;
}
