// SPDX-License-Identifier: GPL-3.0-or-later

// What --help shows.

#include "cli/options.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

const struct named_text program_options[] = {
    {"--help", "show this help"},
    {"--version", "the version, how it was built and which libraries it runs with"},
    {"--man", "print the manual page in the format of man"},
    {"--completion SHELL", "print the script that completes commands in bash, zsh or fish"},
    {NULL, NULL},
};

const struct named_text exit_statuses[] = {
    {"0", "everything was done"},
    {"1", "a run failed, or the machine did: a full disk, an input or output error, a database "
          "that stays locked, no memory; the message says why"},
    {"2", "the command line, the scenario or a file that one of them names is wrong or cannot be "
          "read; nothing has run"},
    {"130", "interrupted by INT or TERM: what had run is stored, and the same 'sweep' goes on"},
    {"128 + N", "ended at once by signal N, as shells say it: 137 for KILL, 143 for a second TERM"},
    {NULL, NULL},
};

static void help_program(struct text *text)
{
    text_add(text, "offloadsim: which offloading policy, threshold, split or server size gives the "
                   "best accuracy,\ncost, latency and throughput - and how sure that is.\n\n"
                   "usage: offloadsim COMMAND [OPTIONS]\n\n");
    for (const struct command *command = commands; command->name; command++) {
        text_format(text, "  %-10s %s\n", command->name, command->summary);
    }
    text_add(text, "\n'offloadsim COMMAND --help' explains one.\n\noptions:\n");
    for (const struct named_text *option = program_options; option->name; option++) {
        text_format(text, "  %-19s %s\n", option->name, option->meaning);
    }
    text_add(text, "\nexamples:\n"
                   "  offloadsim run scenarios/hi-digits.yaml\n"
                   "  offloadsim run scenarios/hi-digits.yaml --set policy.hi_threshold.theta=0.8\n"
                   "  offloadsim query runs\n\n"
                   "exit status: 0 fine, 1 a run failed, 2 bad usage or input, 130 interrupted\n");
}

enum { HELP_INDENT = 28, HELP_WIDTH = 100 };

// Adds a text that starts at column `indent`, in lines that end before HELP_WIDTH.
static void add_wrapped(struct text *text, const char *words, size_t indent)
{
    size_t column = indent;
    while (*words) {
        const size_t length = strcspn(words, " ");
        if (column > indent && column + 1 + length > HELP_WIDTH) {
            text_format(text, "\n%*s", (int)indent, "");
            column = indent;
        } else if (column > indent) {
            text_add(text, " ");
            column++;
        }
        text_add_n(text, words, length);
        column += length;
        words += length + (words[length] == ' ');
    }
    text_add(text, "\n");
}

void help_add(const struct command *command, struct text *text)
{
    if (!command) {
        help_program(text);
        return;
    }
    text_format(text, "usage: offloadsim %s %s [OPTIONS]\n\n", command->name, command->operands);
    add_wrapped(text, command->about, 0);
    text_add(text, "\noptions:\n");
    for (const struct option *option = NULL; (option = option_next(command, option));) {
        char left[64];
        snprintf(left, sizeof(left), "%c%c%s --%s%s%s", option->letter ? '-' : ' ',
                 option->letter ? option->letter : ' ', option->letter ? "," : " ", option->name,
                 option->argument ? " " : "", option->argument ? option->argument : "");
        text_format(text, "  %-25s ", left);
        add_wrapped(text, option->meaning, HELP_INDENT);
    }
    text_format(text, "\nexamples:\n%s", command->examples);
}
