// SPDX-License-Identifier: GPL-3.0-or-later
// Calls of the system that fail. Loaded before the C library (LD_PRELOAD), this stands between a
// program and malloc(), pwrite() and the like, passes everything on, and lets the n-th call of one
// kind fail, or all calls from then on:
//
//     FAILING=write:12 or FAILING=write:12:on   the kind and n
//     FAILING_SAID=FILE                         made when the first call fails
//
// The kinds are those of `kinds` below. What has no errors fails in another way: with "clock" the
// time of day is, from the n-th look at it on, another one at each look, up to a year off.
//
// It works with the GNU C library and programs that are linked to it at run time.
// Both open() and open64() are defined here; neither may stand for the other.
#undef _FILE_OFFSET_BITS
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum kind {
    MEMORY,
    OPENING,
    READING,
    INTERRUPTED_READ,
    WRITING,
    SHORT_WRITE,
    FULL_DISK,
    INTERRUPTED_WRITE,
    FLUSHING,
    SHRINKING,
    LOCKING,
    MAPPING,
    THREAD,
    CLOCK,
    KINDS_COUNT_
};

static const struct {
    const char *name;
    int error;
} kinds[KINDS_COUNT_] = {
    [MEMORY] = {"memory", ENOMEM},
    [OPENING] = {"open", EMFILE},
    [READING] = {"read", EIO},
    [INTERRUPTED_READ] = {"interrupted-read", EINTR},
    [WRITING] = {"write", EIO},
    [SHORT_WRITE] = {"short-write", 0},
    [FULL_DISK] = {"full", ENOSPC},
    [INTERRUPTED_WRITE] = {"interrupted-write", EINTR},
    [FLUSHING] = {"flush", EIO},
    [SHRINKING] = {"shrink", EIO},
    [LOCKING] = {"lock", EIO},
    [MAPPING] = {"map", ENOMEM},
    [THREAD] = {"thread", EAGAIN},
    [CLOCK] = {"clock", 0},
};

// What the process was told, read once, before main(): the loader has one thread.
static struct {
    enum kind kind;
    long first; // the call that fails; 0: none
    bool goes_on;
    const char *said;
    atomic_long calls;
    atomic_bool has_said;
} plan;

static __attribute__((constructor)) void read_plan(void)
{
    const char *text = getenv("FAILING");
    const char *colon = text ? strchr(text, ':') : NULL;
    if (!colon) {
        return;
    }
    for (int i = 0; i < KINDS_COUNT_; i++) {
        const size_t length = strlen(kinds[i].name);
        if (length == (size_t)(colon - text) && strncmp(text, kinds[i].name, length) == 0) {
            char *end;
            plan.kind = (enum kind)i;
            plan.first = strtol(colon + 1, &end, 10);
            plan.goes_on = *end == ':';
            plan.said = getenv("FAILING_SAID");
        }
    }
}

// Whether this call is one that fails; it then has its `errno`.
static bool fails(enum kind kind)
{
    if (plan.first == 0 || plan.kind != kind) {
        return false;
    }
    const long call = atomic_fetch_add(&plan.calls, 1) + 1;
    if (plan.goes_on ? call < plan.first : call != plan.first) {
        return false;
    }
    if (plan.said && !atomic_exchange(&plan.has_said, true)) {
        syscall(SYS_close, syscall(SYS_openat, AT_FDCWD, plan.said, O_CREAT | O_WRONLY, 0600));
    }
    errno = kinds[kind].error;
    return true;
}

// ---- memory ----

// The next malloc() is not looked for by name, as that allocates.
void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *old, size_t bytes);

void *malloc(size_t bytes)
{
    return fails(MEMORY) ? NULL : __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes)
{
    return fails(MEMORY) ? NULL : __libc_calloc(count, bytes);
}

void *realloc(void *old, size_t bytes)
{
    return fails(MEMORY) ? NULL : __libc_realloc(old, bytes);
}

// ---- files ----

static int open_file(const char *path, int flags, mode_t mode)
{
    return fails(OPENING) ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

// The mode is there only if the file may be made.
#define OPEN(path, flags)                                                                          \
    mode_t mode = 0;                                                                               \
    if ((flags) & (O_CREAT | O_TMPFILE)) {                                                         \
        va_list arguments;                                                                         \
        va_start(arguments, flags);                                                                \
        mode = va_arg(arguments, mode_t);                                                          \
        va_end(arguments);                                                                         \
    }                                                                                              \
    return open_file(path, flags, mode)

int open(const char *path, int flags, ...)
{
    OPEN(path, flags);
}

int open64(const char *path, int flags, ...)
{
    OPEN(path, flags);
}

static bool fails_to_read(void)
{
    return fails(READING) || fails(INTERRUPTED_READ);
}

ssize_t read(int file, void *bytes, size_t count)
{
    return fails_to_read() ? -1 : syscall(SYS_read, file, bytes, count);
}

ssize_t pread64(int file, void *bytes, size_t count, off64_t offset)
{
    return fails_to_read() ? -1 : syscall(SYS_pread64, file, bytes, count, offset);
}

static bool fails_to_write(void)
{
    return fails(WRITING) || fails(FULL_DISK) || fails(INTERRUPTED_WRITE);
}

static size_t shorten(size_t count)
{
    return count > 1 && fails(SHORT_WRITE) ? count / 2 : count;
}

ssize_t write(int file, const void *bytes, size_t count)
{
    return fails_to_write() ? -1 : syscall(SYS_write, file, bytes, shorten(count));
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t offset)
{
    return fails_to_write() ? -1 : syscall(SYS_pwrite64, file, bytes, shorten(count), offset);
}

// Nothing is flushed in earnest: it takes long, and no power fails here.
int fsync(int file)
{
    (void)file;
    return fails(FLUSHING) ? -1 : 0;
}

int fdatasync(int file)
{
    (void)file;
    return fails(FLUSHING) ? -1 : 0;
}

int ftruncate64(int file, off64_t size)
{
    return fails(SHRINKING) ? -1 : (int)syscall(SYS_ftruncate, file, size);
}

int fcntl64(int file, int command, ...)
{
    va_list arguments;
    va_start(arguments, command);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    const bool fails_now = command == F_SETLK && fails(LOCKING);
    return fails_now ? -1 : (int)syscall(SYS_fcntl, file, command, argument);
}

void *mmap64(void *address, size_t count, int protection, int flags, int file, off64_t offset)
{
    return fails(MAPPING)
               ? MAP_FAILED
               : (void *)syscall(SYS_mmap, address, count, protection, flags, file, offset);
}

// ---- threads and time ----

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *),
                   void *context)
{
    if (fails(THREAD)) {
        return EAGAIN;
    }
    int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    *(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
    return real(thread, attributes, start, context);
}

// How far off the clock is at this look, in seconds.
static time_t off_s(void)
{
    const long year_s = 31556952;
    const uint64_t look = (uint64_t)atomic_load(&plan.calls);
    return fails(CLOCK) ? (long)(look * 0x9e3779b97f4a7c15 >> 38) % (2 * year_s) - year_s : 0;
}

int clock_gettime(clockid_t clock, struct timespec *ret_time)
{
    const long result = syscall(SYS_clock_gettime, clock, ret_time);
    if (result == 0 && clock == CLOCK_REALTIME) {
        ret_time->tv_sec += off_s();
    }
    return (int)result;
}

int gettimeofday(struct timeval *restrict ret_time, void *restrict zone)
{
    (void)zone;
    struct timespec now;
    const int result = clock_gettime(CLOCK_REALTIME, &now);
    *ret_time = (struct timeval){.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
    return result;
}

time_t time(time_t *ret_time)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (ret_time) {
        *ret_time = now.tv_sec;
    }
    return now.tv_sec;
}
