// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/price.h"

#include "scenario/spec.h"

#include <string.h>

#define PRICE_OFFSET(member) offsetof(struct spec_prices, member)

const struct price price_table[] = {
    {"error", "errors", PRICE_ALONE, PRICE_OFFSET(error)},
    {"deadline_miss", "deadline_misses", PRICE_ALONE, PRICE_OFFSET(deadline_miss)},
    {"drop", "drops", PRICE_ALONE, PRICE_OFFSET(drop)},
    {"latency", "latency_s", PRICE_ALONE, PRICE_OFFSET(latency_per_s)},
    {"byte", "bytes", PRICE_ALONE, PRICE_OFFSET(byte)},
    {"energy", "energy_j", PRICE_ALONE, PRICE_OFFSET(energy_per_j)},
    {"offload", "offloads", PRICE_EACH_LINK, PRICE_OFFSET(offload)},
    {"layer", "layers", PRICE_EACH_TIER, PRICE_OFFSET(layer)},
    {.key = NULL},
};

bool price_weighs(const struct price *price, const char *counter)
{
    const size_t length = strlen(price->counter);
    return strncmp(counter, price->counter, length) == 0 &&
           counter[length] == (price->each == PRICE_ALONE ? '\0' : '.');
}

double price_value(const struct price *price, const struct spec_prices *prices, size_t index)
{
    const char *place = (const char *)prices + price->offset;
    return price->each == PRICE_ALONE ? *(const double *)(const void *)place
                                      : (*(double *const *)(const void *)place)[index];
}
