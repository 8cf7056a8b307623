// SPDX-License-Identifier: GPL-3.0-or-later
#include "cli/running.h"
#include "base/text.h"
#include "base/unit.h"
#include "cli/load.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/timeline.h"
#include "exp/outlook.h"
#include "exp/pool.h"
#include "exp/predict.h"
#include "results/store.h"
#include "scenario/spec.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

// Progress is one line that changes on a terminal, from the first second on; elsewhere, as in the
// log of a batch job, it is a line now and then, with the time of day.
struct progress {
    struct timespec start;
    double every_s;
    bool is_in_place;
    double shown_s; // when it was last shown; 0: never
    bool is_interrupted;
    bool is_quiet;
};

static const double SHOW_EVERY_S = 0.1;
static const double SHOW_FIRST_S = 1;
static const double LINE_EVERY_S = 60;

static double seconds_since(const struct timespec *start)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) + 1e-9 * (double)(now.tv_nsec - start->tv_nsec);
}

static void add_time_of_day(size_t room, char *ret_text)
{
    const time_t now = time(NULL);
    struct tm parts;
    gmtime_r(&now, &parts);
    strftime(ret_text, room, "%Y-%m-%dT%H:%M:%SZ", &parts);
}

// Rate and time left rest on what was missing at the start; what was stored before counts for
// neither. The time left goes by the length of replications, not by their number, and counts on
// other processes to go on as they do.
static void show_progress(void *context, const struct experiment_progress *progress)
{
    struct progress *shown = context;
    const double elapsed_s = seconds_since(&shown->start);
    const uint64_t done = progress->ran + progress->shared;
    if ((shown->is_in_place && elapsed_s < SHOW_FIRST_S) ||
        elapsed_s - shown->shown_s < shown->every_s || done == progress->replications) {
        return;
    }
    shown->shown_s = elapsed_s;
    struct text line = {0};
    text_format(&line, "%zu of %zu points, %" PRIu64 " of %" PRIu64 " replications",
                progress->points_done, progress->points, done, progress->replications);
    if (progress->waits_for_other) {
        text_add(&line, ", waiting for another process");
    } else if (progress->ran) {
        const double rate = (double)progress->ran / progress->running_s;
        text_format(&line, rate < 10 ? ", %.2g/s, " : ", %.0f/s, ", rate);
        report_add_duration(progress->running_s * (1 / progress->part_done - 1), &line);
        text_add(&line, " left");
    }
    if (shown->is_in_place) {
        fprintf(stderr, "\r%s\033[K", text_string(&line));
    } else {
        char now[sizeof("2000-01-01T00:00:00Z")];
        add_time_of_day(sizeof(now), now);
        fprintf(stderr, "%s %s\n", now, text_string(&line));
    }
    fflush(stderr);
    text_finish(&line);
}

// Ctrl-C and a polite kill let the replications that are running end and be stored: the signals are
// held back and looked for between replications. After the first, the next one ends the program at
// once. One that is ignored, as by a shell for what runs in the background, must not be held back:
// it would be pending, and so be obeyed.
static void hold_interrupts(sigset_t *ret_held)
{
    static const int numbers[] = {SIGINT, SIGTERM};
    sigemptyset(ret_held);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        struct sigaction action;
        if (sigaction(numbers[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN) {
            sigaddset(ret_held, numbers[i]);
        }
    }
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
        if (!progress->is_quiet) {
            fprintf(stderr, "%sstopping when what runs has ended; once more stops at once\n",
                    progress->is_in_place && progress->shown_s > 0 ? "\r\033[K" : "");
        }
    }
    return progress->is_interrupted;
}

int running_threads(const struct arguments *arguments)
{
    return arguments->jobs ? (int)arguments->jobs : pool_processors();
}

const char *running_database(const struct arguments *arguments)
{
    struct stat status;
    const bool is_there =
        !arguments->no_store &&
        (stat(arguments->db, &status) != 0 ? errno != ENOENT : status.st_size > 0);
    return is_there ? arguments->db : NULL;
}

// What would be run, for --dry-run.
static int print_plan(const struct arguments *arguments, const struct experiment *experiment,
                      enum table_format format, struct text *ret_error)
{
    const struct outlook_options options = {.database = running_database(arguments),
                                            .again = arguments->again,
                                            .threads = running_threads(arguments)};
    const struct table_style style = output_style();
    struct arena arena = {0};
    struct outlook outlook;
    struct text text = {0};
    int status = STATUS_BAD_INPUT;
    if (outlook_make(experiment, &options, &arena, &outlook, ret_error) == 0) {
        report_add_dry_run(experiment, &outlook, format, &style, &text);
        status = output_text(&text);
    }
    if (status == STATUS_FINE && format == TABLE_CSV && !arguments->quiet) {
        text_clear(&text);
        report_add_outlook(experiment, &outlook, &text);
        fputs(text_string(&text), stderr);
    }
    text_finish(&text);
    arena_finish(&arena);
    return status;
}

static int parse_progress(const struct arguments *arguments, double *ret_every_s,
                          struct text *ret_error)
{
    *ret_every_s = LINE_EVERY_S;
    if (arguments->progress &&
        (unit_parse(arguments->progress, DIMENSION_TIME, ret_every_s, NULL) != UNIT_OK ||
         !(*ret_every_s > 0))) {
        text_format(ret_error, "'--progress %s': it takes a time above 0, such as 10 s",
                    arguments->progress);
        return -1;
    }
    return 0;
}

// Runs it, and stores what it comes to, so that it is stored before anything is printed. Returns
// an exit status, with a message in `ret_error` unless it is STATUS_FINE.
static int run_experiment(const struct arguments *arguments, struct loaded *loaded,
                          double line_every_s, struct text *ret_error)
{
    struct progress progress = {.is_quiet = arguments->quiet, .every_s = line_every_s};
    struct store *store = NULL;
    clock_gettime(CLOCK_MONOTONIC, &progress.start);
    const struct time_spent start = time_spent_so_far();
    if (!arguments->no_store &&
        store_open(arguments->db, STORE_BUSY_TIMEOUT_S, &store, ret_error) != 0) {
        return STATUS_BAD_INPUT;
    }
    time_spent_add_since(&start, &loaded->experiment.storing);
    if (!arguments->progress && isatty(STDERR_FILENO)) {
        progress.is_in_place = true;
        progress.every_s = SHOW_EVERY_S;
    }
    const struct experiment_options options = {.threads = running_threads(arguments),
                                               .store = store,
                                               .path = arguments->operands[0],
                                               .command = arguments->command_line,
                                               .again = arguments->again,
                                               .samples = arguments->samples,
                                               .by_events = arguments->events,
                                               .is_interrupted = is_interrupted,
                                               .progress = arguments->quiet ? NULL : show_progress,
                                               .context = &progress};
    sigset_t held;
    hold_interrupts(&held);
    const int status = experiment_run(&loaded->experiment, &options, ret_error);
    pthread_sigmask(SIG_UNBLOCK, &held, NULL);
    const struct time_spent end = time_spent_so_far();
    store_close(store);
    time_spent_add_since(&end, &loaded->experiment.storing);
    if (progress.is_in_place && progress.shown_s > 0) {
        fputs("\r\033[K", stderr);
    }
    return status == 0 ? STATUS_FINE : STATUS_RUN_FAILED;
}

static void print_remarks(const struct arguments *arguments, const struct experiment *experiment)
{
    fprintf(stderr, "%" PRIu64 " samples in %.3g s (%.3g million a second)", experiment->offered,
            experiment->wall_s, 1e-6 * (double)experiment->offered / experiment->wall_s);
    if (experiment->id) {
        fprintf(stderr, "; storing took %.3g s (%.3g s of a processor)", experiment->storing.wall_s,
                experiment->storing.processor_s);
    }
    fputs("\n", stderr);
    if (experiment->is_sweep) {
        if (arguments->shard.count) {
            fprintf(stderr,
                    "part %" PRIu64 " of %" PRIu64 " of %zu points: ", arguments->shard.number,
                    arguments->shard.count, experiment->planned_count);
        }
        fprintf(stderr,
                "%zu point%s from %zu simulation%s; %" PRIu64 " replications ran, %" PRIu64
                " were there already",
                experiment->point_count, experiment->point_count == 1 ? "" : "s",
                experiment->simulation_count, experiment->simulation_count == 1 ? "" : "s",
                experiment->ran, experiment->found);
        if (experiment->shared) {
            fprintf(stderr, ", %" PRIu64 " ran in other processes", experiment->shared);
        }
        fputs("\n", stderr);
    }
    if (arguments->samples) {
        const uint64_t others = experiment->found + experiment->shared;
        fprintf(stderr, "%" PRIu64 " samples recorded", experiment->recorded);
        if (others) {
            fprintf(stderr,
                    "; %zu of %zu points were complete before, and %" PRIu64
                    " replications did not run: '--again' runs and records them",
                    experiment->complete, experiment->point_count, others);
        }
        fputs("\n", stderr);
    }
    if (experiment->id) {
        fprintf(stderr, "stored as experiment %" PRId64 " in %s\n", experiment->id, arguments->db);
    }
}

// Returns an exit status, with a message in `ret_error` unless it is STATUS_FINE.
static int print_results(const struct arguments *arguments, struct loaded *loaded,
                         enum table_format format, struct text *ret_error)
{
    const struct table_style style = output_style();
    struct arena arena = {0};
    struct text output = {0};
    struct prediction *predictions = NULL;
    int status = STATUS_FINE;
    if (!arguments->shard.count) { // a part does not tell what has an effect elsewhere
        load_find_effects_of_run(loaded);
    }
    if (arguments->explain) {
        predictions = load_predict(loaded, &arena, ret_error);
        status = predictions ? STATUS_FINE : STATUS_RUN_FAILED;
    }
    if (status == STATUS_FINE) {
        const struct report_extras extras = {.all = arguments->all,
                                             .predictions = predictions,
                                             .warnings = loaded->warnings,
                                             .warning_count = WARNINGS_COUNT_};
        report_add(&loaded->experiment, format, &extras, &style, &output);
        status = output_text(&output);
    }
    text_finish(&output);
    arena_finish(&arena);
    return status;
}

int running_execute(const struct arguments *arguments, enum load_what what)
{
    enum table_format format;
    struct text error = {0};
    struct loaded loaded = {0};
    int status = STATUS_BAD_INPUT;
    struct timeline_request request;
    if (table_format_parse(arguments->format, &format, &error) != 0 ||
        timeline_parse(arguments, &request, &error) != 0) {
        goto end;
    }
    double line_every_s;
    if (parse_progress(arguments, &line_every_s, &error) != 0) {
        goto end;
    }
    if (arguments->shard.count && arguments->again) {
        text_add(&error, "'--again' makes an experiment of its own, of which '--shard' would be "
                         "no part; leave one of them out, or name a new database with --db");
        goto end;
    }
    if (arguments->samples && arguments->no_store) {
        text_add(&error, "'--samples' stores in the database, which '--no-store' leaves alone; "
                         "leave one of them out");
        goto end;
    }
    status = load_scenario(arguments, what, &loaded);
    if (status != STATUS_FINE) {
        goto end;
    }
    status = load_check_effects(arguments, &loaded, NULL);
    if (status != STATUS_FINE) {
        goto end;
    }
    if (arguments->shard.count && experiment_take_shard(&loaded.experiment, arguments->shard.number,
                                                        arguments->shard.count, &error) != 0) {
        status = STATUS_BAD_INPUT;
        goto end;
    }
    if (arguments->dry_run) {
        status = print_plan(arguments, &loaded.experiment, format, &error);
        goto end;
    }
    status = run_experiment(arguments, &loaded, line_every_s, &error);
    if (status != STATUS_FINE) {
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
    status = print_results(arguments, &loaded, format, &error);
    if (status == STATUS_FINE && !arguments->quiet) {
        print_remarks(arguments, &loaded.experiment);
    }
    if (status == STATUS_FINE &&
        timeline_write(arguments, &request, &loaded.experiment, &error) != 0) {
        status = STATUS_RUN_FAILED;
    }
    if (status == STATUS_FINE) {
        status = load_print_effects_of_run(arguments, &loaded);
    }
end:
    status = output_message(status, &error);
    load_finish(&loaded);
    text_finish(&error);
    return status;
}
