// SPDX-License-Identifier: GPL-3.0-or-later
#include "cli/options.h"

#include "base/memory.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIELD(member) offsetof(struct arguments, member)

static const struct option options[] = {
    {"set", 's', OPTION_REPEATED, FIELD(sets), "PATH=VALUE",
     "override a key of the scenario, e.g. tiers.device.nodes=10; may be repeated",
     " run sweep check "},
    {"experiment", 0, OPTION_COUNT, FIELD(experiment), "N",
     "number of the experiment, as 'query runs' has it", " reprice "},
    {"set", 's', OPTION_REPEATED, FIELD(sets), "PATH=VALUES",
     "new prices, e.g. prices.offload=0.1,0.2 or 'prices.latency=range(0,1,0.1 /s)'; may be "
     "repeated",
     " reprice "},
    {"seed", 0, OPTION_TEXT, FIELD(seed), "N", "override the scenario's seed", " run sweep check "},
    {"replications", 'n', OPTION_TEXT, FIELD(replications), "N",
     "override the scenario's number of replications", " run sweep check "},
    {"exit", 0, OPTION_REPEATED, FIELD(sets), "NAME=CONF,OK",
     "columns of an exit (default: X_conf,X_ok of every X); may be repeated", " fit "},
    {"long", 0, OPTION_TEXT, FIELD(long_columns), "KEY=COLUMN,...",
     "columns of a row each sample and exit: sample, exit, confidence, prediction, label, correct",
     " fit "},
    {"features", 0, OPTION_TEXT, FIELD(features), "COLUMN,...",
     "columns with features (default: f1, f2, ...)", " fit "},
    {"label", 0, OPTION_TEXT, FIELD(label), "COLUMN", "column with the label (default: label)",
     " fit "},
    {"about", 0, OPTION_TEXT, FIELD(about), "TEXT", "what the samples are, for the file", " fit "},
    {"seed", 0, OPTION_TEXT, FIELD(seed), "N", "of the random half and the search (default: 1)",
     " fit "},
    {"output", 'o', OPTION_FILE, FIELD(output), "FILE", "where to write (default: standard output)",
     " fit "},
    {"plugin", 0, OPTION_FILE, FIELD(plugin), "FILE",
     "a shared object with a policy of your own, to list or explain too", " policies "},
    {"jobs", 'j', OPTION_COUNT, FIELD(jobs), "N",
     "threads to use (default: one a processor); results do not depend on it", " run sweep check "},
    {"db", 0, OPTION_FILE, FIELD(db), "FILE", "the database (default: offloadsim.db)",
     " run sweep check reprice query compare export merge "},
    {"no-store", 0, OPTION_FLAG, FIELD(no_store), NULL, "leave the database alone", " run sweep "},
    {"samples", 0, OPTION_COUNT, FIELD(samples), "K",
     "store what became of every K-th sample of each device, warm-up left out (1: of all); query "
     "the view sample_outcomes. A sample takes about 100 bytes of the database, and 128 of memory "
     "until its replication is stored",
     " run sweep "},
    {"all", 'a', OPTION_FLAG, FIELD(all), NULL, "show every metric, not only the main ones",
     " run sweep "},
    {"explain", 'e', OPTION_FLAG, FIELD(explain), NULL,
     "show what policies worked out beforehand: ranked cuts, pools, ...", " check "},
    {"explain", 'e', OPTION_FLAG, FIELD(explain), NULL,
     "show what theory expected of each station beside what came out; in csv and json in a column "
     "or member 'predicted'",
     " run "},
    {"strict", 0, OPTION_FLAG, FIELD(strict), NULL,
     "take warnings for errors, such as that of a setting without effect: exit status 2",
     " run sweep check "},
    {"events", 0, OPTION_FLAG, FIELD(events), NULL,
     "simulate event by event, also where samples can be passed from station to station, which is "
     "quicker; the results are the same",
     " run sweep "},
    {"metric", 'm', OPTION_TEXT, FIELD(metric), "NAME",
     "compare this metric (default: cost_mean, accuracy and latency_mean_s)", " compare "},
    {"dry-run", 0, OPTION_FLAG, FIELD(dry_run), NULL,
     "run nothing: list the points, what of them is stored, and about how long the rest takes",
     " sweep "},
    {"shard", 0, OPTION_PART, FIELD(shard), "I/N",
     "run the I-th of N parts of the sweep, for job arrays; each part into a database of its own, "
     "which 'merge' makes one",
     " sweep "},
    {"again", 0, OPTION_FLAG, FIELD(again), NULL, "simulate also what the database has already",
     " sweep "},
    {"format", 'f', OPTION_FORMAT, FIELD(format), "FORMAT",
     "table, csv, json or md (default: table)",
     " run sweep reprice check policies query keys compare "},
    {"experiment", 0, OPTION_COUNT, FIELD(experiment), "N",
     "number of the experiment, as 'query runs' has it (default: the latest)", " export "},
    {"format", 'f', OPTION_FILE_FORMAT, FIELD(file_format), "FORMAT",
     "csv, a folder of files, or json, one file (default: csv)", " export "},
    {"output", 'o', OPTION_FILE, FIELD(output), "PATH",
     "the folder (default: experiment-N) or the JSON file (default: standard output)", " export "},
    {"param", 'p', OPTION_REPEATED, FIELD(sets), "NAME=VALUE",
     "value of a parameter of the query; may be repeated", " query "},
    {"explain", 'e', OPTION_FLAG, FIELD(explain), NULL,
     "print the SQL of a named query, which says what it answers and what its parameters are",
     " query "},
    {"limit", 0, OPTION_COUNT, FIELD(limit), "ROWS",
     "stop after so many rows (default: 1000 in a table, all in csv, json and md)", " query "},
    {"timeout", 0, OPTION_TEXT, FIELD(timeout), "TIME",
     "stop a query that takes longer (default: 1 min)", " query "},
    {"timeline", 0, OPTION_FILE, FIELD(timeline), "FILE.csv",
     "write the state of every station at a fixed step of simulated time", " run "},
    {"step", 0, OPTION_TEXT, FIELD(step), "TIME", "of the timeline (default: 1 s)", " run "},
    {"trace-events", 0, OPTION_FILE, FIELD(trace_events), "FILE.json",
     "write every service as a trace event, for Perfetto or about:tracing", " run "},
    {"most-rows", 0, OPTION_COUNT, FIELD(most_rows), "N",
     "of a timeline and of trace events each, for each policy (default: 100000)", " run "},
    {"replication", 0, OPTION_NUMBER, FIELD(replication), "N",
     "the one that timeline and trace events show (default: 0, the first); also one beyond those "
     "of the scenario, as an error names it",
     " run "},
    {"progress", 0, OPTION_TEXT, FIELD(progress), "TIME",
     "print a line of progress so often, with date and time (default: 1 min; on a terminal one "
     "line that changes)",
     " run sweep "},
    {"quiet", 'q', OPTION_FLAG, FIELD(quiet), NULL, "no progress and no remarks on standard error",
     " run sweep reprice check query fit compare export merge "},
    {"help", 'h', OPTION_FLAG, FIELD(help), NULL, "show this help",
     " run sweep reprice fit check policies query keys compare export merge "},
};

enum { OPTION_TOTAL = sizeof(options) / sizeof(options[0]) };

static bool option_is_of(const struct command *command, const struct option *option)
{
    const size_t length = strlen(command->name);
    for (const char *at = option->commands; (at = strstr(at, command->name)); at++) {
        if (at[-1] == ' ' && at[length] == ' ') {
            return true;
        }
    }
    return false;
}

const struct command *command_find(const char *name)
{
    for (const struct command *command = commands; command->name; command++) {
        if (strcmp(command->name, name) == 0) {
            return command;
        }
    }
    return NULL;
}

const struct option *option_next(const struct command *command, const struct option *option)
{
    option = option ? option + 1 : options;
    while (option < options + OPTION_TOTAL && !option_is_of(command, option)) {
        option++;
    }
    return option < options + OPTION_TOTAL ? option : NULL;
}

static const struct option *find_long(const struct command *command, const char *name,
                                      size_t length)
{
    for (size_t i = 0; i < OPTION_TOTAL; i++) {
        if (strlen(options[i].name) == length && strncmp(options[i].name, name, length) == 0 &&
            option_is_of(command, &options[i])) {
            return &options[i];
        }
    }
    return NULL;
}

static const struct option *find_letter(const struct command *command, char letter)
{
    for (size_t i = 0; i < OPTION_TOTAL; i++) {
        if (options[i].letter && options[i].letter == letter &&
            option_is_of(command, &options[i])) {
            return &options[i];
        }
    }
    return NULL;
}

static void unknown_option(const struct command *command, const char *word, struct text *ret_error)
{
    const char *names[OPTION_TOTAL];
    size_t count = 0;
    for (size_t i = 0; i < OPTION_TOTAL; i++) {
        if (option_is_of(command, &options[i])) {
            names[count++] = options[i].name;
        }
    }
    char bare[64];
    snprintf(bare, sizeof(bare), "%.*s", (int)strcspn(word, "="), word);
    const char *name = bare + strspn(bare, "-");
    const char *nearest = text_nearest(name, names, count);
    text_format(ret_error, "unknown option '%s' of '%s'", bare, command->name);
    if (nearest) {
        text_format(ret_error, "; did you mean '--%s'?", nearest);
    } else {
        text_format(ret_error, "; see 'offloadsim %s --help'", command->name);
    }
}

static int parse_count(const struct option *option, const char *value, uint64_t *ret_count,
                       struct text *ret_error)
{
    const unsigned least = option->kind == OPTION_COUNT ? 1 : 0;
    char *end;
    errno = 0;
    const unsigned long long count = strtoull(value, &end, 10);
    if (value[0] < '0' || value[0] > '9' || *end || errno || count < least || count > 1000000000) {
        text_format(ret_error, "'--%s %s': it takes a whole number from %u to 1000000000",
                    option->name, value, least);
        return -1;
    }
    *ret_count = count;
    return 0;
}

static int parse_part(const struct option *option, const char *value,
                      struct arguments_part *ret_part, struct text *ret_error)
{
    enum { MOST_DIGITS = 6 };
    const size_t first = strspn(value, "0123456789");
    const size_t second = value[first] == '/' ? strspn(value + first + 1, "0123456789") : 0;
    if (first && first <= MOST_DIGITS && second && second <= MOST_DIGITS &&
        !value[first + 1 + second]) {
        *ret_part = (struct arguments_part){strtoull(value, NULL, 10),
                                            strtoull(value + first + 1, NULL, 10)};
        if (ret_part->number >= 1 && ret_part->number <= ret_part->count) {
            return 0;
        }
    }
    text_format(ret_error,
                "'--%s %s': it takes I/N, the I-th of N parts counted from 1, such as 1/4",
                option->name, value);
    return -1;
}

static int store_value(const struct option *option, const char *value, struct arguments *arguments,
                       struct text *ret_error)
{
    void *field = (char *)arguments + option->offset;
    switch (option->kind) {
    case OPTION_FLAG:
        *(bool *)field = true;
        return 0;
    case OPTION_TEXT:
    case OPTION_FILE:
    case OPTION_FORMAT:
    case OPTION_FILE_FORMAT:
        *(const char **)field = value;
        return 0;
    case OPTION_COUNT:
    case OPTION_NUMBER:
        return parse_count(option, value, field, ret_error);
    case OPTION_PART:
        return parse_part(option, value, field, ret_error);
    case OPTION_REPEATED:
        arguments->sets =
            memory_resize(arguments->sets, arguments->set_count + 1, sizeof(*arguments->sets));
        arguments->sets[arguments->set_count++] = value;
        return 0;
    }
    return 0;
}

// Reads the option at words[at], with its value in the same word or in the next. Returns the number
// of words it took, or -1.
static int parse_option(const struct command *command, int at, int count, char *const *words,
                        struct arguments *arguments, struct text *ret_error)
{
    const char *word = words[at];
    const char *value = NULL;
    const struct option *option;
    if (word[1] == '-') {
        const size_t length = strcspn(word + 2, "=");
        option = find_long(command, word + 2, length);
        value = word[2 + length] ? word + 3 + length : NULL;
    } else {
        option = find_letter(command, word[1]);
        value = word[2] ? word + 2 : NULL;
    }
    if (!option) {
        unknown_option(command, word, ret_error);
        return -1;
    }
    if (option->kind == OPTION_FLAG) {
        if (value) {
            text_format(ret_error, "option '--%s' takes no value", option->name);
            return -1;
        }
        return store_value(option, NULL, arguments, ret_error) ? -1 : 1;
    }
    int taken = 1;
    if (!value) {
        if (at + 1 >= count) {
            text_format(ret_error, "option '--%s' needs a value: --%s %s", option->name,
                        option->name, option->argument);
            return -1;
        }
        value = words[at + 1];
        taken = 2;
    }
    return store_value(option, value, arguments, ret_error) ? -1 : taken;
}

static const char *join_words(const struct command *command, int count, char *const *words)
{
    struct text line = {0};
    text_format(&line, "offloadsim %s", command->name);
    for (int i = 0; i < count; i++) {
        const bool is_plain =
            words[i][0] && !words[i][strcspn(words[i], " \t\n'\"\\$`*?[]{}()<>|&;#~!")];
        text_format(&line, is_plain ? " %s" : " '%s'", words[i]);
    }
    return line.data;
}

int arguments_parse(const struct command *command, int count, char *const *words,
                    struct arguments *ret_arguments, struct text *ret_error)
{
    struct arguments arguments = {.db = "offloadsim.db", .format = "table"};
    bool options_ended = false;
    for (int i = 0; i < count;) {
        const char *word = words[i];
        if (!options_ended && strcmp(word, "--") == 0) {
            options_ended = true;
            i++;
        } else if (!options_ended && word[0] == '-' && word[1]) {
            const int taken = parse_option(command, i, count, words, &arguments, ret_error);
            if (taken < 0) {
                goto fail;
            }
            i += taken;
        } else if (arguments.operand_count < command->most_operands) {
            arguments.operands[arguments.operand_count++] = word;
            i++;
        } else {
            text_format(ret_error, "'%s' is one word too many; usage: offloadsim %s %s", word,
                        command->name, command->operands);
            goto fail;
        }
    }
    if (!arguments.help && arguments.operand_count < command->least_operands) {
        text_format(ret_error, "something is missing; usage: offloadsim %s %s", command->name,
                    command->operands);
        goto fail;
    }
    arguments.command_line = join_words(command, count, words);
    *ret_arguments = arguments;
    return 0;
fail:
    free(arguments.sets);
    return -1;
}

void arguments_finish(struct arguments *arguments)
{
    if (arguments) {
        free(arguments->sets);
        free((char *)arguments->command_line);
        *arguments = (struct arguments){0};
    }
}
