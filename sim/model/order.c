// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/order.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_KEPT = 256, LEAST_KEPT = 8 };

static void change_source(struct orders *orders, const struct world_source *source)
{
    const uint64_t rows = source->rows;
    uint64_t kept = MOST_KEPT;
    while (kept > LEAST_KEPT && kept * rows * sizeof(*orders->tables) > ORDER_TABLE_BYTES) {
        kept /= 2;
    }
    orders->source = source;
    orders->last = kept - 1;
    orders->kept = memory_resize(orders->kept, kept, sizeof(*orders->kept));
    memset(orders->kept, 0, kept * sizeof(*orders->kept));
    if (rows <= STREAM_PERMUTED_MOST) {
        // A table costs a tenth of as many single look-ups, and where there are many devices some
        // passes are hardly ever looked up.
        orders->enough = 1 + rows / 32;
        orders->tables = memory_resize(orders->tables, kept * rows, sizeof(*orders->tables));
    } else {
        orders->enough = UINT64_MAX;
    }
}

uint64_t order_look_up(struct orders *orders, struct stream_key key,
                       const struct world_source *source, uint64_t rank)
{
    if (orders->source != source) {
        change_source(orders, source);
    }
    const uint64_t rows = source->rows;
    const uint64_t pass = rank / rows;
    const uint64_t position = rank % rows;
    const uint64_t number = pass & orders->last;
    struct order *order = &orders->kept[number];
    if (order->permutation.count == 0 || order->permutation.pass != pass) {
        *order = (struct order){.permutation =
                                    stream_permutation(key, source->purpose_order, pass, rows)};
    }
    if (order->table) {
        return order->table[position];
    }
    if (++order->looked_up == orders->enough) {
        order->table = orders->tables + number * rows;
        stream_permuted_all(&order->permutation, order->table);
    }
    return stream_permuted(&order->permutation, position);
}

void orders_finish(struct orders *orders)
{
    free(orders->kept);
    free(orders->tables);
}
