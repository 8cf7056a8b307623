// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/station.h"

void station_sift(double *free_at_s, uint32_t count)
{
    const double moved = free_at_s[0];
    uint32_t at = 0;
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= count) {
            break;
        }
        if (child + 1 < count && free_at_s[child + 1] < free_at_s[child]) {
            child++;
        }
        if (free_at_s[child] >= moved) {
            break;
        }
        free_at_s[at] = free_at_s[child];
        at = child;
    }
    free_at_s[at] = moved;
}
