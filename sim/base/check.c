// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

void check_failed(const struct check_place *place, const char *condition, const char *file,
                  int line)
{
    fprintf(stderr, "offloadsim: internal error: %s:%d: '%s' does not hold\n", file, line,
            condition);
    if (place) {
        fprintf(stderr,
                "  at simulated time %.17g s, %s\n"
                "  to replay it: --seed %" PRIu64 ", replication %" PRIu64 "\n",
                place->time_s, place->entity ? place->entity : "no entity", place->seed,
                place->replication);
    }
    fflush(stderr);
    abort();
}
