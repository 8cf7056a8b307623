// SPDX-License-Identifier: GPL-3.0-or-later

// How processes share the replications of a sweep out.

#include "exp/storing.h"

#include "base/memory.h"
#include "exp/experiment.h"
#include "exp/jobs.h"
#include "results/store.h"

#include <stdlib.h>

// How long what a process had claimed stays blocked when it is held up, and how often it says that
// it is not.
static const double LEASE_S = 10;
static const double RENEW_EVERY_S = 2;

bool storing_is_shared(const struct storing *storing)
{
    return storing->options->store && storing->experiment->is_sweep && !storing->options->again;
}

// Claims one by one, so that the shares of processes need not have the same bounds.
int storing_claim(struct storing *storing, const struct job *jobs, size_t count,
                  enum storing_answer *ret_answers, struct text *ret_error)
{
    struct store_range *ranges = memory_resize(NULL, count, sizeof(*ranges));
    enum store_claim_result *results = memory_resize(NULL, count, sizeof(*results));
    size_t asked = 0;
    for (size_t i = 0; i < count; i++) {
        const size_t point = storing->experiment->simulations[jobs[i].simulation].first_point;
        if (!storing->is_apart[jobs[i].simulation]) {
            ranges[asked++] = (struct store_range){storing->sources[point], jobs[i].replication, 1};
        }
    }
    const int status =
        asked ? store_claim(storing->options->store, ranges, asked, LEASE_S, results, ret_error)
              : 0;
    storing->has_claims = true;
    asked = 0;
    for (size_t i = 0; i < count && status == 0; i++) {
        // With several sources all replications run, for no source may lack one.
        const enum store_claim_result result =
            storing->is_apart[jobs[i].simulation] ? STORE_CLAIM_GRANTED : results[asked++];
        ret_answers[i] = result == STORE_CLAIM_GRANTED ? STORING_OWN
                         : result == STORE_CLAIM_TAKEN ? STORING_OTHERS
                                                       : STORING_STORED;
    }
    free(results);
    free(ranges);
    return status;
}

int storing_keep_claims(struct storing *storing, double now_s, struct text *ret_error)
{
    if (!storing->has_claims || now_s - storing->renewed_s < RENEW_EVERY_S) {
        return 0;
    }
    storing->renewed_s = now_s;
    return store_renew_claims(storing->options->store, LEASE_S, ret_error);
}
