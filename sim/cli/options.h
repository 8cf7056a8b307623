// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_CLI_OPTIONS_H
#define OFFLOADSIM_CLI_OPTIONS_H

// The command line: one table of commands and one of options drive parsing, messages and --help.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text;

enum option_kind {
    OPTION_FLAG,
    OPTION_TEXT,
    OPTION_FILE,
    OPTION_FORMAT,      // of a table
    OPTION_FILE_FORMAT, // of an export
    OPTION_COUNT,       // 1 or more
    OPTION_NUMBER,      // 0 or more
    OPTION_PART,
    OPTION_REPEATED
};

struct option {
    const char *name;
    char letter; // 0: none
    enum option_kind kind;
    size_t offset; // in struct arguments
    const char *argument;
    const char *meaning;
    const char *commands; // that take it, each between spaces
};

enum { MOST_OPERANDS = 4 };

// What the user asked for, with defaults filled in.
struct arguments {
    const char *operands[MOST_OPERANDS];
    size_t operand_count;
    const char **sets; // of --set, or --exit of fit, in order; freed by arguments_finish()
    size_t set_count;
    const char *seed;         // NULL: as the scenario says
    const char *replications; // NULL: as the scenario says
    const char *plugin;       // NULL: none
    const char *long_columns; // of a trace; NULL: it is wide
    const char *features;     // NULL: as columns are called
    const char *label;        // NULL: as columns are called
    const char *about;
    const char *output; // file; NULL: standard output
    const char *db;
    const char *format;
    const char *metric;
    const char *file_format;  // of an export; NULL: CSV
    const char *timeline;     // file; NULL: none
    const char *trace_events; // file; NULL: none
    const char *step;         // of the timeline; NULL: the default
    uint64_t most_rows;       // of each of these; 0: the default
    uint64_t replication;     // that they are about
    uint64_t experiment;      // 0: the latest
    uint64_t jobs;            // 0: as many as the machine has processors
    uint64_t limit;           // rows of a query; 0: as suits the format
    const char *timeout;      // of a query; NULL: the default
    struct arguments_part {
        uint64_t number; // from 1
        uint64_t count;  // 0: no parts
    } shard;
    const char *progress; // time; NULL: the default
    uint64_t samples;     // each so manieth sample is stored; 0: none
    bool no_store;
    bool all;
    bool explain;
    bool dry_run;
    bool again;
    bool quiet;
    bool strict;
    bool events; // no quicker way
    bool help;
    const char *command_line; // as typed, for the store; freed by arguments_finish()
};

struct command {
    const char *name;
    const char *summary;        // one line
    const char *operands;       // as in the usage line: "SCENARIO.yaml"
    const char *operand_suffix; // ".yaml", of the files that it takes; NULL: it takes none
    size_t least_operands;
    size_t most_operands;
    const char *about;                             // a paragraph or two
    const char *examples;                          // lines
    int (*run)(const struct arguments *arguments); // returns the exit status
};

// Exit statuses.
enum { STATUS_FINE = 0, STATUS_RUN_FAILED = 1, STATUS_BAD_INPUT = 2, STATUS_INTERRUPTED = 130 };

// All commands, ended by a NULL name.
extern const struct command commands[];

const struct command *command_find(const char *name);

// The option of a command after this one, the first after NULL; NULL after the last.
const struct option *option_next(const struct command *command, const struct option *option);

// Reads what follows the command's name. Returns 0, or -1 with a message that says what to type
// instead.
int arguments_parse(const struct command *command, int count, char *const *words,
                    struct arguments *ret_arguments, struct text *ret_error);
void arguments_finish(struct arguments *arguments);

// What can stand in the place of a command, and what exit statuses mean; both ended by NULL.
struct named_text {
    const char *name;
    const char *meaning;
};

extern const struct named_text program_options[];
extern const struct named_text exit_statuses[];

// The text of `offloadsim --help` (command NULL) and `offloadsim COMMAND --help`.
void help_add(const struct command *command, struct text *text);

#endif
