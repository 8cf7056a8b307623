// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_CLI_OUTPUT_H
#define OFFLOADSIM_CLI_OUTPUT_H

// Data goes to standard output, everything else to standard error. This is the only part of the
// program that prints.

#include "cli/table.h"

struct text;

// "offloadsim: error: MESSAGE" on standard error. Returns `status`.
int output_error(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

// The same for a message, with an end of STATUS_RUN_FAILED in place of `status` where it blames the
// system. Returns `status` and prints nothing if the message is empty.
int output_message(int status, const struct text *message);

// Prints a text to standard output. Returns STATUS_FINE, or STATUS_RUN_FAILED with a message if it
// could not be written.
int output_text(const struct text *text);

// How tables look on this terminal: bold headings only where a person reads them and NO_COLOR
// (no-color.org) is not set; plain ASCII where the locale is not UTF-8.
struct table_style output_style(void);

#endif
