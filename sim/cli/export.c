// SPDX-License-Identifier: GPL-3.0-or-later
#include "results/export.h"

#include "base/text.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/verbs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int write_json(const struct arguments *arguments, int64_t experiment, struct text *ret_error)
{
    if (!arguments->output) {
        return export_json(arguments->db, experiment, stdout, "standard output", ret_error);
    }
    FILE *file = fopen(arguments->output, "wb");
    if (!file) {
        text_blame(ret_error, errno);
        text_format(ret_error, "cannot write '%s': %s; name another file with --output",
                    arguments->output, strerror(errno));
        return -1;
    }
    int result = export_json(arguments->db, experiment, file, arguments->output, ret_error);
    if (fclose(file) != 0 && result == 0) {
        text_blame(ret_error, errno);
        text_format(ret_error, "cannot write '%s': %s; name another file with --output",
                    arguments->output, strerror(errno));
        result = -1;
    }
    return result;
}

static int write_csv(const struct arguments *arguments, int64_t experiment, struct text *ret_error)
{
    struct text folder = {0};
    if (arguments->output) {
        text_add(&folder, arguments->output);
    } else {
        text_format(&folder, "experiment-%" PRId64, experiment);
    }
    const int result = export_csv(arguments->db, experiment, text_string(&folder), ret_error);
    if (result == 0 && !arguments->quiet) {
        fprintf(stderr, "experiment %" PRId64 " is in the folder %s\n", experiment,
                text_string(&folder));
    }
    text_finish(&folder);
    return result;
}

int verb_export(const struct arguments *arguments)
{
    struct text error = {0};
    const char *format = arguments->file_format ? arguments->file_format : "csv";
    const bool is_json = strcmp(format, "json") == 0;
    int64_t experiment = (int64_t)arguments->experiment;
    int status = STATUS_BAD_INPUT;
    if (!is_json && strcmp(format, "csv") != 0) {
        text_format(&error, "'--format %s': an export is 'csv' or 'json'", format);
    } else if (export_find(arguments->db, &experiment, &error) == 0) {
        status = (is_json ? write_json : write_csv)(arguments, experiment, &error) == 0
                     ? STATUS_FINE
                     : STATUS_BAD_INPUT;
    }
    status = output_message(status, &error);
    text_finish(&error);
    return status;
}
