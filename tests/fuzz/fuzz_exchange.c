// SPDX-License-Identifier: GPL-3.0-or-later

// A database of results that somebody has changed is exported or merged into another one, as the
// first bit of the input says. The rest are the changes (damaged.h), in the schema too if the
// second bit is set.

#include "base/check.h"
#include "base/text.h"
#include "damaged.h"
#include "fuzz.h"
#include "results/export.h"
#include "results/merge.h"

#include <stdio.h>
#include <stdlib.h>

static int export_all(const char *path, struct text *ret_error)
{
    char *written = NULL;
    size_t length = 0;
    int64_t experiment = 0;
    FILE *file = open_memstream(&written, &length);
    CHECK(NULL, file);
    int result = export_find(path, &experiment, ret_error);
    if (result == 0) {
        result = export_json(path, experiment, file, "memory", ret_error);
    }
    fclose(file);
    free(written);
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    if (!length) {
        return 0;
    }
    const char *path = damaged_make(bytes + 1, length - 1, bytes[0] & 2);
    struct text error = {0};
    struct merge_summary summary;
    const int result = bytes[0] & 1 ? merge_database(damaged_whole(), path, &summary, &error)
                                    : export_all(path, &error);
    // Whatever fails says why. What nobody has changed does not fail.
    CHECK(NULL, (result == 0) == !*text_string(&error));
    CHECK(NULL, length > 1 || result == 0);
    text_finish(&error);
    damaged_forget();
    return 0;
}
