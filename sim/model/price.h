// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_MODEL_PRICE_H
#define OFFLOADSIM_MODEL_PRICE_H

// Which price of a scenario weighs which counter. Cost is prices times counters, whether a run
// computes it or stored counters are priced anew, and this table says for both what belongs
// together.

#include <stdbool.h>
#include <stddef.h>

struct spec_prices;

enum price_each { PRICE_ALONE, PRICE_EACH_LINK, PRICE_EACH_TIER };

struct price {
    const char *key;      // under `prices` in a scenario: "offload"
    const char *counter;  // that it weighs; the family of it if there is one for each link or tier:
                          // "offloads" of "offloads.device-edge"
    enum price_each each; // what there is a counter for
    size_t offset;        // in struct spec_prices: a double, or a double * with one for each
};

// In the order of the counters, so that sums over them are the same to the bit; ended by a NULL
// key.
extern const struct price price_table[];

// Whether a price weighs the counter of this name.
bool price_weighs(const struct price *price, const char *counter);

// What the prices say of the link or tier `index`; 0 where there is one counter.
double price_value(const struct price *price, const struct spec_prices *prices, size_t index);

#endif
