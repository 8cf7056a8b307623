// SPDX-License-Identifier: GPL-3.0-or-later
// Claims: how processes that write into one file share the work out.
#include "results/store.h"

#include "base/text.h"
#include "results/store_parts.h"

#include <time.h>

// All processes on one database run on one machine, so they share this clock. If it is set to
// another time meanwhile, claims end early or late, which costs time and nothing else.
static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

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

// Those that have ended were deleted before.
static int is_taken(struct store *store, const struct store_range *range, bool *ret_is_taken,
                    struct text *ret_error)
{
    sqlite3_stmt *find = writer_prepare(&store->writer, FIND_CLAIM, ret_error);
    if (!find) {
        return -1;
    }
    bind_range(find, range);
    sqlite3_bind_int64(find, 4, store->owner);
    const int found = writer_step(&store->writer, find, ret_error);
    sqlite3_reset(find);
    *ret_is_taken = found > 0;
    return found < 0 ? -1 : 0;
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
    sqlite3_stmt *forget = writer_prepare(&store->writer, FORGET_ALL_CLAIMS, ret_error);
    if (!forget) {
        return -1;
    }
    sqlite3_bind_int64(forget, 1, store->owner);
    if (writer_run(&store->writer, forget, ret_error) < 0) {
        return -1;
    }
    store->has_claims = false;
    return 0;
}
