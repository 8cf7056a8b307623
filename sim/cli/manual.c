// SPDX-License-Identifier: GPL-3.0-or-later

// The manual page, in the macros of man(7).

#include "cli/about.h"

#include "base/text.h"
#include "base/version.h"
#include "cli/options.h"

#include <string.h>

// A backslash begins an escape, a hyphen is not a minus, and a point or an apostrophe at the start
// of a line begins a request.
static void add_roff(struct text *text, const char *words)
{
    bool is_start = true;
    for (const char *at = words; *at; at++) {
        if (is_start && (*at == '.' || *at == '\'')) {
            text_add(text, "\\&");
        }
        switch (*at) {
        case '\\':
            text_add(text, "\\e");
            break;
        case '-':
            text_add(text, "\\-");
            break;
        case '\'':
            text_add(text, "\\(aq");
            break;
        default:
            text_add_n(text, at, 1);
        }
        is_start = *at == '\n';
    }
}

static void add_item(const char *name, const char *meaning, struct text *text)
{
    text_add(text, ".TP\n.B ");
    add_roff(text, name);
    text_add(text, "\n");
    add_roff(text, meaning);
    text_add(text, "\n");
}

static void add_option(const struct option *option, struct text *text)
{
    text_add(text, ".TP\n");
    if (option->letter) {
        text_format(text, "\\fB\\-%c\\fR, ", option->letter);
    }
    text_add(text, "\\fB\\-\\-");
    add_roff(text, option->name);
    text_add(text, "\\fR");
    if (option->argument) {
        text_add(text, " \\fI");
        add_roff(text, option->argument);
        text_add(text, "\\fR");
    }
    text_add(text, "\n");
    add_roff(text, option->meaning);
    text_add(text, "\n");
}

static void add_command(const struct command *command, struct text *text)
{
    text_format(text, ".SS %s\n", command->name);
    text_format(text, "\\fBoffloadsim %s\\fR ", command->name);
    add_roff(text, command->operands);
    text_add(text, " [\\fIOPTIONS\\fR]\n.PP\n");
    add_roff(text, command->about);
    text_add(text, "\n");
    for (const struct option *option = NULL; (option = option_next(command, option));) {
        add_option(option, text);
    }
    text_add(text, ".PP\n.EX\n");
    add_roff(text, command->examples);
    text_add(text, ".EE\n");
}

void manual_add(struct text *text)
{
    text_add(text, ".\\\" made by 'offloadsim --man'\n"
                   ".TH OFFLOADSIM 1 \"\" \"offloadsim " OFFLOADSIM_VERSION "\"\n"
                   ".SH NAME\noffloadsim \\- simulate distributed inference under offloading "
                   "policies\n.SH SYNOPSIS\n.B offloadsim\n\\fICOMMAND\\fR "
                   "[\\fIOPTIONS\\fR]\n.SH DESCRIPTION\n"
                   "Given devices, links, servers and a model in a scenario file, offloadsim "
                   "simulates which offloading policy, threshold, split or server size gives the "
                   "best accuracy, cost, latency and throughput, and says how sure that is. "
                   "Results are stored in a database that commands and any SQL can ask.\n"
                   ".SH OPTIONS\n");
    for (const struct named_text *option = program_options; option->name; option++) {
        add_item(option->name, option->meaning, text);
    }
    text_add(text, ".SH COMMANDS\n");
    for (const struct command *command = commands; command->name; command++) {
        add_command(command, text);
    }
    text_add(text, ".SH EXIT STATUS\n");
    for (const struct named_text *status = exit_statuses; status->name; status++) {
        add_item(status->name, status->meaning, text);
    }
    text_add(text, ".SH ENVIRONMENT\n");
    add_item("NO_COLOR", "if it is set and not empty, headings on a terminal are not bold", text);
    text_add(text, ".SH FILES\n");
    add_item("offloadsim.db", "the database of results, in the current folder unless --db says so",
             text);
    add_item(OFFLOADSIM_DATA_FOLDER "/scenarios",
             "scenarios to begin with, and the data that they use", text);
    text_add(text, ".SH SEE ALSO\n.BR sqlite3 (1)\n");
}
