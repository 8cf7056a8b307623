// SPDX-License-Identifier: GPL-3.0-or-later

// What a stored experiment has counters for.

#include "exp/stored_parts.h"

#include "model/price.h"
#include "results/query.h"

#include <string.h>

// Adds a name that is not there yet.
static void add_name(struct stored_experiment *experiment, struct stored_names *names,
                     const char *name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->names[i], name) == 0) {
            return;
        }
    }
    const char **more = arena_new_array(&experiment->arena, names->count + 1, const char *);
    if (names->count) {
        memcpy(more, names->names, names->count * sizeof(*more));
    }
    more[names->count++] = arena_text(&experiment->arena, name);
    names->names = more;
}

static struct stored_names *members_of(struct stored_experiment *experiment,
                                       const struct price *price)
{
    return price->each == PRICE_EACH_LINK ? &experiment->links : &experiment->tiers;
}

// A row holds a tier of the scenario, a link of it, or a counter.
static void take_name(void *context, const struct query_value *row, size_t count)
{
    struct stored_reading *reading = context;
    struct stored_experiment *experiment = reading->experiment;
    (void)count;
    if (row[0].kind == QUERY_TEXT) {
        add_name(experiment, &experiment->tiers, row[0].text);
    } else if (row[1].kind == QUERY_TEXT) {
        add_name(experiment, &experiment->links, row[1].text);
    }
    for (const struct price *price = price_table; row[2].kind == QUERY_TEXT && price->key;
         price++) {
        if (price->each != PRICE_ALONE && price_weighs(price, row[2].text)) {
            add_name(experiment, members_of(experiment, price),
                     row[2].text + strlen(price->counter) + 1);
        }
    }
}

// A row is a counter that has a price.
static void take_priced(void *context, const struct query_value *row, size_t count)
{
    struct stored_reading *reading = context;
    (void)count;
    add_name(reading->experiment, &reading->experiment->counters, row[0].text);
}

static void name_counters(struct stored_experiment *experiment)
{
    add_name(experiment, &experiment->counters, "offered");
    for (const struct price *price = price_table; price->key; price++) {
        const struct stored_names *members = members_of(experiment, price);
        for (size_t i = 0; price->each != PRICE_ALONE && i < members->count; i++) {
            add_name(experiment, &experiment->counters,
                     arena_format(&experiment->arena, "%s.%s", price->counter, members->names[i]));
        }
        if (price->each == PRICE_ALONE) {
            add_name(experiment, &experiment->counters, price->counter);
        }
    }
}

int stored_read_names(struct stored_reading *reading, struct text *ret_error)
{
    static const char tiers[] =
        "SELECT json_extract(tier.value, '$.name'), NULL, NULL FROM experiments"
        " JOIN json_each(scenario_json, '$.tiers') AS tier WHERE experiments.id = @"
        " ORDER BY tier.key";
    static const char links[] =
        "SELECT NULL, json_extract(link.value, '$.from') || '-' || json_extract(link.value, "
        "'$.to'),"
        " NULL FROM experiments JOIN json_each(scenario_json, '$.links') AS link"
        " WHERE experiments.id = @ ORDER BY link.key";
    static const char counters[] =
        "SELECT NULL, NULL, name FROM counter_names WHERE id IN (SELECT counter_id FROM counters"
        " WHERE replication_id IN (SELECT DISTINCT coalesce(source_id, id) * 1000000 FROM points"
        " WHERE experiment_id = @)) ORDER BY id";
    static const char priced[] =
        "SELECT DISTINCT name FROM points JOIN prices ON point_id = points.id"
        " JOIN counter_names ON counter_names.id = counter_id WHERE experiment_id = @ ORDER BY "
        "name";
    if (stored_ask(reading, tiers, take_name, ret_error) != 0 ||
        stored_ask(reading, links, take_name, ret_error) != 0 ||
        stored_ask(reading, counters, take_name, ret_error) != 0) {
        return -1;
    }
    name_counters(reading->experiment);
    // What another version of the program could price stays at its price.
    return stored_ask(reading, priced, take_priced, ret_error);
}

size_t stored_find_counter(const struct stored_experiment *experiment, const char *name)
{
    const struct stored_names *counters = &experiment->counters;
    size_t i = 0;
    while (i < counters->count && strcmp(counters->names[i], name) != 0) {
        i++;
    }
    return i;
}
