// SPDX-License-Identifier: GPL-3.0-or-later
#include "memory_vfs.h"

#include "base/check.h"
#include "base/memory.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_FILES = 16, NAME_ROOM = 64 };

struct content {
    char name[NAME_ROOM]; // "" of a temporary file
    unsigned char *bytes;
    size_t length;
    size_t room;
    int is_used;
};

static struct content contents[MOST_FILES];

struct memory_file {
    sqlite3_file base;
    struct content *content;
    int is_temporary;
};

static struct content *content_of(sqlite3_file *file)
{
    return ((struct memory_file *)file)->content;
}

static struct content *find(const char *name)
{
    for (size_t i = 0; i < MOST_FILES; i++) {
        if (contents[i].is_used && name && *name && strcmp(contents[i].name, name) == 0) {
            return &contents[i];
        }
    }
    return NULL;
}

static struct content *make(const char *name)
{
    for (size_t i = 0; i < MOST_FILES; i++) {
        if (!contents[i].is_used) {
            contents[i].is_used = 1;
            contents[i].length = 0;
            snprintf(contents[i].name, NAME_ROOM, "%s", name ? name : "");
            return &contents[i];
        }
    }
    return NULL;
}

static void grow(struct content *content, size_t length)
{
    if (length > content->room) {
        content->room = 2 * length;
        content->bytes = memory_resize(content->bytes, content->room, 1);
    }
    if (length > content->length) {
        memset(content->bytes + content->length, 0, length - content->length);
        content->length = length;
    }
}

void memory_vfs_put(const char *name, const void *bytes, size_t length)
{
    struct content *content = find(name);
    content = content ? content : make(name);
    CHECK(NULL, content);
    if (content->length != length) {
        content->length = 0;
        grow(content, length);
    }
    if (length) {
        memcpy(content->bytes, bytes, length);
    }
}

const void *memory_vfs_get(const char *name, size_t *ret_length)
{
    const struct content *content = find(name);
    *ret_length = content ? content->length : 0;
    return content ? content->bytes : NULL;
}

static int memory_close(sqlite3_file *file)
{
    if (((struct memory_file *)file)->is_temporary) {
        content_of(file)->is_used = 0;
    }
    return SQLITE_OK;
}

static int memory_read(sqlite3_file *file, void *bytes, int count, sqlite3_int64 offset)
{
    const struct content *content = content_of(file);
    const size_t wanted = (size_t)count;
    const size_t start = (size_t)offset < content->length ? (size_t)offset : content->length;
    const size_t there = content->length - start < wanted ? content->length - start : wanted;
    if (there) {
        memcpy(bytes, content->bytes + start, there);
    }
    memset((char *)bytes + there, 0, wanted - there);
    return there == wanted ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

// A damaged database must not make the file large.
enum { MOST_BYTES = 16 << 20 };

static int memory_write(sqlite3_file *file, const void *bytes, int count, sqlite3_int64 offset)
{
    if (offset > MOST_BYTES) {
        return SQLITE_FULL;
    }
    grow(content_of(file), (size_t)offset + (size_t)count);
    memcpy(content_of(file)->bytes + offset, bytes, (size_t)count);
    return SQLITE_OK;
}

static int memory_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    if ((size_t)size < content_of(file)->length) {
        content_of(file)->length = (size_t)size;
    }
    return SQLITE_OK;
}

static int memory_sync(sqlite3_file *file, int flags)
{
    (void)file;
    (void)flags;
    return SQLITE_OK;
}

static int memory_file_size(sqlite3_file *file, sqlite3_int64 *ret_size)
{
    *ret_size = (sqlite3_int64)content_of(file)->length;
    return SQLITE_OK;
}

static int memory_lock(sqlite3_file *file, int lock)
{
    (void)file;
    (void)lock;
    return SQLITE_OK;
}

static int memory_check_lock(sqlite3_file *file, int *ret_result)
{
    (void)file;
    *ret_result = 0;
    return SQLITE_OK;
}

static int memory_control(sqlite3_file *file, int operation, void *argument)
{
    (void)file;
    (void)operation;
    (void)argument;
    return SQLITE_NOTFOUND;
}

static int memory_sector_size(sqlite3_file *file)
{
    (void)file;
    return 512;
}

static int memory_characteristics(sqlite3_file *file)
{
    (void)file;
    return 0;
}

static const sqlite3_io_methods methods = {
    .iVersion = 1,
    .xClose = memory_close,
    .xRead = memory_read,
    .xWrite = memory_write,
    .xTruncate = memory_truncate,
    .xSync = memory_sync,
    .xFileSize = memory_file_size,
    .xLock = memory_lock,
    .xUnlock = memory_lock,
    .xCheckReservedLock = memory_check_lock,
    .xFileControl = memory_control,
    .xSectorSize = memory_sector_size,
    .xDeviceCharacteristics = memory_characteristics,
};

static int memory_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                       int *ret_flags)
{
    (void)vfs;
    struct memory_file *memory = (struct memory_file *)file;
    struct content *content = find(name);
    if (!content && (flags & SQLITE_OPEN_CREATE)) {
        content = make(name);
    }
    memory->base.pMethods = content ? &methods : NULL;
    memory->content = content;
    memory->is_temporary = !name;
    if (ret_flags) {
        *ret_flags = flags;
    }
    return content ? SQLITE_OK : SQLITE_CANTOPEN;
}

static int memory_delete(sqlite3_vfs *vfs, const char *name, int syncs)
{
    (void)vfs;
    (void)syncs;
    struct content *content = find(name);
    if (content) {
        content->is_used = 0;
    }
    return SQLITE_OK;
}

static int memory_access(sqlite3_vfs *vfs, const char *name, int flags, int *ret_result)
{
    (void)vfs;
    (void)flags;
    *ret_result = find(name) != NULL;
    return SQLITE_OK;
}

static int memory_full_name(sqlite3_vfs *vfs, const char *name, int room, char *ret_name)
{
    (void)vfs;
    snprintf(ret_name, (size_t)room, "%s", name);
    return SQLITE_OK;
}

void memory_vfs_register(void)
{
    static sqlite3_vfs memory;
    memory = *sqlite3_vfs_find(NULL);
    memory.zName = "memory";
    memory.szOsFile = (int)sizeof(struct memory_file);
    memory.xOpen = memory_open;
    memory.xDelete = memory_delete;
    memory.xAccess = memory_access;
    memory.xFullPathname = memory_full_name;
    sqlite3_vfs_register(&memory, 1);
}
