// SPDX-License-Identifier: GPL-3.0-or-later
#include "scenario/settings.h"

#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void settings_add(struct settings *settings, const void *slot, const struct mark *key,
                  const struct mark *value)
{
    if (settings->count == settings->room) {
        size_t room = settings->room ? settings->room * 2 : 64;
        struct setting *items = arena_new_array(settings->arena, room, struct setting);
        if (settings->count) {
            memcpy(items, settings->items, settings->count * sizeof(*items));
        }
        settings->items = items;
        settings->room = room;
    }
    settings->items[settings->count] = (struct setting){
        .slot = slot, .order = settings->count, .key = key ? *key : *value, .value = *value};
    settings->count++;
}

static int compare(const void *left, const void *right)
{
    const struct setting *a = left;
    const struct setting *b = right;
    if (a->slot != b->slot) {
        return (uintptr_t)a->slot < (uintptr_t)b->slot ? -1 : 1;
    }
    return a->order < b->order ? -1 : a->order > b->order;
}

void settings_sort(struct settings *settings)
{
    for (size_t i = 0; i < settings->count; i++) {
        struct setting *item = &settings->items[i];
        if (item->next_slot) {
            item->slot = item->next_slot;
            item->next_slot = NULL;
        }
    }
    if (settings->count) {
        qsort(settings->items, settings->count, sizeof(*settings->items), compare);
    }
}

// The first item whose slot is not before `slot`.
static size_t lower_bound(const struct settings *settings, const void *slot)
{
    size_t low = 0;
    size_t high = settings->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if ((uintptr_t)settings->items[middle].slot < (uintptr_t)slot) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

void settings_move(struct settings *settings, const void *from, size_t bytes, const void *to)
{
    const char *end = (const char *)from + bytes;
    for (size_t i = lower_bound(settings, from); i < settings->count; i++) {
        struct setting *item = &settings->items[i];
        if ((uintptr_t)item->slot >= (uintptr_t)end) {
            break;
        }
        item->next_slot = (const char *)to + ((const char *)item->slot - (const char *)from);
    }
}

const struct setting *settings_find(const struct settings *settings, const void *slot)
{
    const struct setting *found = NULL;
    for (size_t i = lower_bound(settings, slot); i < settings->count; i++) {
        if (settings->items[i].slot != slot) {
            break;
        }
        found = &settings->items[i];
    }
    return found;
}
