// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/text.h"
#include "cli/load.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/verbs.h"
#include "exp/pool.h"
#include "results/store.h"
#include "scenario/spec.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

// Progress appears on a terminal only, and only for what takes longer than a second.
struct progress {
    struct timespec start;
    bool is_shown;
};

static double seconds_since(const struct timespec *start)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) + 1e-9 * (double)(now.tv_nsec - start->tv_nsec);
}

static void show_progress(void *context, uint64_t done, uint64_t total)
{
    struct progress *progress = context;
    const double elapsed_s = seconds_since(&progress->start);
    if (elapsed_s < 1 || done == total) {
        return;
    }
    progress->is_shown = true;
    fprintf(stderr, "\r%" PRIu64 " of %" PRIu64 " replications", done, total);
    if (done) {
        const double rate = (double)done / elapsed_s;
        fprintf(stderr, ", %.3g a second, about %.0f s left   ", rate,
                (double)(total - done) / rate);
    }
    fflush(stderr);
}

static int run_experiment(const struct arguments *arguments, struct loaded *loaded,
                          struct store *store, struct text *ret_error)
{
    struct progress progress = {0};
    clock_gettime(CLOCK_MONOTONIC, &progress.start);
    const bool shows_progress = !arguments->quiet && isatty(STDERR_FILENO);
    const struct experiment_options options = {.threads = arguments->jobs ? (int)arguments->jobs
                                                                          : pool_processors(),
                                               .store = store,
                                               .path = arguments->operands[0],
                                               .command = arguments->command_line,
                                               .progress = shows_progress ? show_progress : NULL,
                                               .context = &progress};
    const int status = experiment_run(&loaded->experiment, &options, ret_error);
    if (progress.is_shown) {
        fputs("\r\033[K", stderr);
    }
    return status;
}

static void print_remarks(const struct arguments *arguments, const struct experiment *experiment)
{
    uint64_t offered = 0;
    for (int i = 0; i < experiment->point_count; i++) {
        offered += experiment->points[i].offered;
    }
    fprintf(stderr, "%" PRIu64 " samples in %.3g s (%.3g million a second)\n", offered,
            experiment->wall_s, 1e-6 * (double)offered / experiment->wall_s);
    if (experiment->id) {
        fprintf(stderr, "stored as experiment %" PRId64 " in %s\n", experiment->id, arguments->db);
    }
}

int verb_run(const struct arguments *arguments)
{
    enum table_format format;
    struct text error = {0};
    struct text output = {0};
    struct store *store = NULL;
    struct loaded loaded = {0};
    int status = STATUS_BAD_INPUT;
    if (table_format_parse(arguments->format, &format, &error) != 0) {
        goto end;
    }
    status = load_scenario(arguments, &loaded);
    if (status != STATUS_FINE) {
        goto end;
    }
    if (!arguments->no_store &&
        store_open(arguments->db, STORE_BUSY_TIMEOUT_S, &store, &error) != 0) {
        status = STATUS_BAD_INPUT;
        goto end;
    }
    if (run_experiment(arguments, &loaded, store, &error) != 0) {
        status = STATUS_RUN_FAILED;
        goto end;
    }
    const struct table_style style = output_style();
    report_add(&loaded.experiment, format, arguments->all, &style, &output);
    status = output_text(&output);
    if (status == STATUS_FINE && !arguments->quiet) {
        print_remarks(arguments, &loaded.experiment);
    }
end:
    if (error.length) {
        output_error(status, "%s", text_string(&error));
    }
    store_close(store);
    load_finish(&loaded);
    text_finish(&output);
    text_finish(&error);
    return status;
}
