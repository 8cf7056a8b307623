// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/warmup.h"

#include "base/memory.h"
#include "model/lane.h"
#include "model/replication.h"
#include "model/world.h"
#include "stats/mser.h"

#include <math.h>

// Rounding alone is no variation: of a mean, by so much of itself.
#define SAME 1e-9

// Observations, and when each of their batches was full.
struct series {
    struct mser_series values;
    double full_s[MSER_BATCHES];
};

struct watch {
    const struct world *world;
    struct series *latency;
    struct series *stations; // [stations]
};

static void add(struct series *series, double value, double time_s)
{
    const size_t before = series->values.count;
    mser_add(&series->values, value);
    if (series->values.count != before) {
        series->full_s[before] = time_s;
    }
    if (series->values.count < before) {
        // Neighbours were merged; they are full with the second of them.
        for (size_t i = 0; i < series->values.count; i++) {
            series->full_s[i] = series->full_s[2 * i + 1];
        }
    }
}

static void see_sample(void *context, const struct sample_record *record)
{
    const struct watch *watch = context;
    if (record->reason < 0) {
        add(watch->latency, record->ended_s - record->arrived_s, record->ended_s);
    }
}

static bool serves_all_at_once(const struct world_station *station)
{
    return station->is_fair || (station->rules && station->rules->discipline == DISCIPLINE_SHARING);
}

static void see_visit(void *context, const struct visit_record *visit)
{
    const struct watch *watch = context;
    const bool is_present = serves_all_at_once(&watch->world->station[visit->station]);
    const double until_s = is_present ? visit->ended_s : visit->started_s;
    add(&watch->stations[visit->station], until_s - visit->arrived_s, visit->ended_s);
}

static bool varies(const struct mser_series *series)
{
    double least = INFINITY;
    double most = -INFINITY;
    for (size_t i = 0; i < series->count; i++) {
        least = fmin(least, series->means[i]);
        most = fmax(most, series->means[i]);
    }
    return most - least > SAME * fmax(fabs(least), fabs(most));
}

// Moves the cut behind the start of a series, in a run of `length_s`. Returns whether it has one.
static bool cut(const struct series *series, double length_s, double *cut_s)
{
    size_t batches = 0;
    if (!varies(&series->values)) {
        return true;
    }
    const bool is_found = mser_cut(series->values.means, series->values.count, &batches);
    const double time_s = batches ? series->full_s[batches - 1] : 0;
    const bool has_settled = is_found && 2 * time_s <= length_s;
    *cut_s = fmax(*cut_s, has_settled ? time_s : length_s / 2);
    return has_settled;
}

static void judge(const struct watch *watch, double length_s, bool *settled,
                  struct warmup *ret_warmup)
{
    double cut_s = 0;
    if (!(length_s > 0) || !isfinite(length_s)) {
        length_s = 0; // nothing arises after the start, or for ever
    }
    const bool is_long = watch->latency->values.count >= MSER_LEAST;
    ret_warmup->is_settled = cut(watch->latency, length_s, &cut_s) && is_long;
    for (int i = 0; i < watch->world->stations; i++) {
        const struct series *series = &watch->stations[i];
        settled[i] = series->values.count < MSER_LEAST || cut(series, length_s, &cut_s);
    }
    ret_warmup->cut_s = cut_s;
    ret_warmup->settled = settled;
}

int warmup_run(const struct world *world, const struct replication_options *options,
               struct replication_result *ret_result, struct text *ret_error)
{
    struct arena arena = {0};
    struct warmup warmup = {0}; // what the first run is told, and then the second
    struct watch watch = {.world = world,
                          .latency = arena_new(&arena, struct series),
                          .stations =
                              arena_new_array(&arena, (size_t)world->stations, struct series)};
    bool *settled = arena_new_array(&arena, (size_t)world->stations, bool);
    const struct replication_options first = {.number = options->number,
                                              .warmup = &warmup,
                                              .observe = see_sample,
                                              .visited = see_visit,
                                              .context = &watch};
    int status = replication_run(world, &first, ret_result, ret_error);
    if (status == 0) {
        judge(&watch, ret_result->window_s, settled, &warmup);
        struct replication_options second = *options;
        second.warmup = &warmup;
        status = replication_run(world, &second, ret_result, ret_error);
    }
    arena_finish(&arena);
    return status;
}
