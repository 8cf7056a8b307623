// SPDX-License-Identifier: GPL-3.0-or-later
#include "results/merge.h"

#include "base/text.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/verbs.h"

#include <inttypes.h>
#include <stdio.h>

int verb_merge(const struct arguments *arguments)
{
    struct text error = {0};
    struct merge_summary summary;
    int status = STATUS_FINE;
    if (merge_database(arguments->db, arguments->operands[0], &summary, &error) != 0) {
        status = output_message(STATUS_BAD_INPUT, &error);
    } else if (!arguments->quiet) {
        fprintf(stderr,
                "added %" PRId64 " experiments, %" PRId64 " points, %" PRId64
                " replications and %" PRId64 " samples to %s\n",
                summary.experiments, summary.points, summary.replications, summary.samples,
                arguments->db);
    }
    text_finish(&error);
    return status;
}
