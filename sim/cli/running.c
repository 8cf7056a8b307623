// SPDX-License-Identifier: GPL-3.0-or-later
#include "cli/running.h"
#include "base/text.h"
#include "cli/load.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/report.h"
#include "exp/pool.h"
#include "results/store.h"
#include "scenario/spec.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

// Progress appears on a terminal only, and only for what takes longer than a second.
struct progress {
    struct timespec start;
    bool is_shown;
    bool is_interrupted;
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

// Ctrl-C and a polite kill let the replications that are running end and be stored: the signals are
// held back and looked for between replications. After the first, the next one ends the program at
// once.
static void hold_interrupts(sigset_t *ret_held)
{
    sigemptyset(ret_held);
    sigaddset(ret_held, SIGINT);
    sigaddset(ret_held, SIGTERM);
    pthread_sigmask(SIG_BLOCK, ret_held, NULL);
}

static bool is_interrupted(void *context)
{
    struct progress *progress = context;
    sigset_t pending;
    sigset_t held;
    sigpending(&pending);
    if (!progress->is_interrupted &&
        (sigismember(&pending, SIGINT) || sigismember(&pending, SIGTERM))) {
        int number;
        hold_interrupts(&held);
        sigwait(&held, &number);
        pthread_sigmask(SIG_UNBLOCK, &held, NULL);
        progress->is_interrupted = true;
    }
    return progress->is_interrupted;
}

// What would be run, for --dry-run.
static int print_plan(const struct experiment *experiment, enum table_format format)
{
    const struct table_style style = output_style();
    struct text text = {0};
    report_add_plan(experiment, format, &style, &text);
    const int status = output_text(&text);
    text_finish(&text);
    return status;
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
                                               .again = arguments->again,
                                               .is_interrupted = is_interrupted,
                                               .progress = shows_progress ? show_progress : NULL,
                                               .context = &progress};
    sigset_t held;
    hold_interrupts(&held);
    const int status = experiment_run(&loaded->experiment, &options, ret_error);
    pthread_sigmask(SIG_UNBLOCK, &held, NULL);
    if (progress.is_shown) {
        fputs("\r\033[K", stderr);
    }
    return status;
}

static void print_remarks(const struct arguments *arguments, const struct experiment *experiment)
{
    fprintf(stderr, "%" PRIu64 " samples in %.3g s (%.3g million a second)\n", experiment->offered,
            experiment->wall_s, 1e-6 * (double)experiment->offered / experiment->wall_s);
    if (experiment->is_sweep) {
        fprintf(stderr,
                "%zu points from %zu simulations; %" PRIu64 " replications ran, %" PRIu64
                " were there already\n",
                experiment->point_count, experiment->simulation_count, experiment->ran,
                experiment->found);
    }
    if (experiment->id) {
        fprintf(stderr, "stored as experiment %" PRId64 " in %s\n", experiment->id, arguments->db);
    }
}

int running_execute(const struct arguments *arguments, enum load_what what)
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
    status = load_scenario(arguments, what, &loaded);
    if (status != STATUS_FINE) {
        goto end;
    }
    if (arguments->dry_run) {
        status = print_plan(&loaded.experiment, format);
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
    if (loaded.experiment.was_interrupted) {
        print_remarks(arguments, &loaded.experiment);
        const bool goes_on =
            loaded.experiment.is_sweep && loaded.experiment.id && !arguments->again;
        fputs(goes_on ? "interrupted; the same command goes on where it stopped\n"
                      : "interrupted\n",
              stderr);
        status = STATUS_INTERRUPTED;
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
