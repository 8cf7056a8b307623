// SPDX-License-Identifier: GPL-3.0-or-later
#include "cli/output.h"

#include "base/text.h"
#include "cli/options.h"

#include <errno.h>
#include <langinfo.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int output_error(int status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("offloadsim: error: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    return status;
}

int output_message(int status, const struct text *message)
{
    if (!message->length) {
        return status;
    }
    return output_error(message->blames_system ? STATUS_RUN_FAILED : status, "%s",
                        text_string(message));
}

int output_text(const struct text *text)
{
    if ((text->length && fwrite(text->data, 1, text->length, stdout) != text->length) ||
        fflush(stdout) != 0) {
        return output_error(STATUS_RUN_FAILED, "cannot write to standard output: %s",
                            strerror(errno));
    }
    return STATUS_FINE;
}

struct table_style output_style(void)
{
    const char *no_color = getenv("NO_COLOR");
    const bool is_terminal = isatty(STDOUT_FILENO);
    return (struct table_style){
        .is_bold = is_terminal && !(no_color && no_color[0]),
        .is_ascii = is_terminal && strcmp(nl_langinfo(CODESET), "UTF-8") != 0,
    };
}
