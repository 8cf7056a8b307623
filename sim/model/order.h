// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_MODEL_ORDER_H
#define OFFLOADSIM_MODEL_ORDER_H

// The order in which the rows of a trace are simulated: pass after pass over all of them, each
// shuffled in its own way (stream_permutation in rng/stream.h). Rank r is position r mod rows of
// pass r div rows.
//
// Devices are not all in the same pass, so several orders are kept, by pass modulo. One that is
// looked up often is tabulated, which makes a look-up a memory access: as many tables as fit into
// ORDER_TABLE_BYTES, and none for more than 2^16 rows.

#include "model/world.h"
#include "rng/stream.h"

struct order {
    struct stream_permutation permutation; // count 0: none
    uint64_t looked_up;
    uint16_t *table; // NULL: not tabulated
};

enum { ORDER_TABLE_BYTES = 1 << 20 };

struct orders {
    const struct world_source *source; // whose they are: of the one that was looked up last
    struct order *kept;                // NULL: nothing was looked up so far
    uint64_t last;                     // number of the last one that is kept; a power of 2, less 1
    uint64_t enough;                   // look-ups after which an order is tabulated
    uint16_t *tables;
};

// Where the order is not tabulated yet, or another one's.
uint64_t order_look_up(struct orders *orders, struct stream_key key,
                       const struct world_source *source, uint64_t rank);

// Which of the source's rows has this rank.
static inline uint64_t order_place(struct orders *orders, struct stream_key key,
                                   const struct world_source *source, uint64_t rank)
{
    if (orders->source == source) {
        const uint64_t pass = rank / source->rows;
        const struct order *order = &orders->kept[pass & orders->last];
        if (order->table && order->permutation.pass == pass) {
            return order->table[rank - pass * source->rows];
        }
    }
    return order_look_up(orders, key, source, rank);
}

void orders_finish(struct orders *orders);

#endif
