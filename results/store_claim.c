// SPDX-License-Identifier: GPL-3.0-or-later
// Claims: how processes that write into one file share the work out.
#include "results/store.h"

#include "base/hash.h"
#include "base/text.h"
#include "results/store_parts.h"

#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

// All processes on one database run on one machine, so they share this clock. If it is set to
// another time meanwhile, claims end early or late, which costs time and nothing else.
static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

// ---- owners ----

// The number of an owner is, from the highest bit: 0, where the process runs (16 bits), its process
// id (23), and what tells the stores of a process and reused process ids apart (24, at random).
enum { PLACE_SHIFT = 47, PROCESS_SHIFT = 24 };
static const uint64_t most_process = 0x7fffff;

// Process ids mean something among the processes that have the same number here: those of one
// machine and, where there are such, of one PID namespace.
static uint64_t place_of_processes(void)
{
    struct hash hash;
    uint64_t words[HASH_WORDS];
    char host[256] = "";
    struct stat status;
    hash_init(&hash);
    if (gethostname(host, sizeof(host) - 1) == 0) {
        hash_add(&hash, host, sizeof(host));
    }
    if (stat("/proc/self/ns/pid", &status) == 0) {
        hash_add(&hash, &status.st_ino, sizeof(status.st_ino));
    }
    hash_finish(&hash, words);
    return words[0] & 0xffff;
}

int64_t store_make_owner(void)
{
    uint32_t random;
    sqlite3_randomness(sizeof(random), &random);
    const uint64_t process = (uint64_t)getpid();
    return (int64_t)(place_of_processes() << PLACE_SHIFT |
                     (process <= most_process ? process : 0) << PROCESS_SHIFT |
                     (random & 0xffffff));
}

// Whether the process of an owner may still be at work. Of one elsewhere nothing is known.
static bool is_alive(const struct store *store, int64_t owner)
{
    if (owner >> PLACE_SHIFT != store->owner >> PLACE_SHIFT) {
        return true;
    }
    const pid_t process = (pid_t)((uint64_t)owner >> PROCESS_SHIFT & most_process);
    return process == 0 || kill(process, 0) == 0 || errno != ESRCH;
}

static int forget_owner(struct store *store, int64_t owner, struct text *ret_error)
{
    sqlite3_stmt *forget = writer_prepare(&store->writer, FORGET_ALL_CLAIMS, ret_error);
    if (!forget) {
        return -1;
    }
    sqlite3_bind_int64(forget, 1, owner);
    return writer_run(&store->writer, forget, ret_error);
}

// ---- claims ----

static void bind_range(sqlite3_stmt *statement, const struct store_range *range)
{
    sqlite3_bind_int64(statement, 1, range->source_id);
    writer_bind_unsigned(statement, 2, range->first);
    writer_bind_unsigned(statement, 3, range->first + range->count - 1);
}

static int is_stored(struct store *store, const struct store_range *range, bool *ret_is_stored,
                     struct text *ret_error)
{
    sqlite3_stmt *count = writer_prepare(&store->writer, COUNT_REPLICATIONS, ret_error);
    if (!count) {
        return -1;
    }
    bind_range(count, range);
    if (writer_step(&store->writer, count, ret_error) < 0) {
        return -1;
    }
    *ret_is_stored = (uint64_t)sqlite3_column_int64(count, 0) == range->count;
    sqlite3_reset(count);
    return 0;
}

// Claims that have ended were deleted before; those of processes that have ended are deleted here.
static int is_taken(struct store *store, const struct store_range *range, bool *ret_is_taken,
                    struct text *ret_error)
{
    sqlite3_stmt *find = writer_prepare(&store->writer, FIND_CLAIM, ret_error);
    if (!find) {
        return -1;
    }
    for (;;) {
        bind_range(find, range);
        sqlite3_bind_int64(find, 4, store->owner);
        const int found = writer_step(&store->writer, find, ret_error);
        const int64_t owner = found > 0 ? sqlite3_column_int64(find, 0) : 0;
        sqlite3_reset(find);
        if (found <= 0 || is_alive(store, owner)) {
            *ret_is_taken = found > 0;
            return found < 0 ? -1 : 0;
        }
        if (forget_owner(store, owner, ret_error) < 0) {
            return -1;
        }
    }
}

static int claim(struct store *store, const struct store_range *range, double lease_s,
                 enum store_claim_result *ret_result, struct text *ret_error)
{
    bool stored;
    bool taken;
    if (is_stored(store, range, &stored, ret_error) < 0 ||
        is_taken(store, range, &taken, ret_error) < 0) {
        return -1;
    }
    *ret_result = stored ? STORE_CLAIM_STORED : taken ? STORE_CLAIM_TAKEN : STORE_CLAIM_GRANTED;
    if (*ret_result != STORE_CLAIM_GRANTED) {
        return 0;
    }
    sqlite3_stmt *add = writer_prepare(&store->writer, ADD_CLAIM, ret_error);
    if (!add) {
        return -1;
    }
    bind_range(add, range);
    sqlite3_bind_int64(add, 4, store->owner);
    sqlite3_bind_double(add, 5, now_s() + lease_s);
    return writer_run(&store->writer, add, ret_error);
}

static int claim_all(struct store *store, const struct store_range *ranges, size_t count,
                     double lease_s, enum store_claim_result *ret_results, struct text *ret_error)
{
    sqlite3_stmt *forget = writer_prepare(&store->writer, FORGET_OLD_CLAIMS, ret_error);
    if (!forget) {
        return -1;
    }
    sqlite3_bind_double(forget, 1, now_s());
    if (writer_run(&store->writer, forget, ret_error) < 0) {
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        if (claim(store, &ranges[i], lease_s, &ret_results[i], ret_error) < 0) {
            return -1;
        }
    }
    return 0;
}

int store_claim(struct store *store, const struct store_range *ranges, size_t count, double lease_s,
                enum store_claim_result *ret_results, struct text *ret_error)
{
    store->has_claims = true;
    if (writer_begin(&store->writer, ret_error) < 0) {
        return -1;
    }
    return writer_end(&store->writer,
                      claim_all(store, ranges, count, lease_s, ret_results, ret_error), ret_error);
}

int store_renew_claims(struct store *store, double lease_s, struct text *ret_error)
{
    sqlite3_stmt *renew = writer_prepare(&store->writer, RENEW_CLAIMS, ret_error);
    if (!renew) {
        return -1;
    }
    sqlite3_bind_int64(renew, 1, store->owner);
    sqlite3_bind_double(renew, 2, now_s() + lease_s);
    return writer_run(&store->writer, renew, ret_error);
}

int store_release_claims(struct store *store, struct text *ret_error)
{
    if (forget_owner(store, store->owner, ret_error) < 0) {
        return -1;
    }
    store->has_claims = false;
    return 0;
}
