// SPDX-License-Identifier: GPL-3.0-or-later
#include "results/query_parameters.h"

#include "base/memory.h"
#include "base/text.h"
#include "results/query.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

// What a comment line "-- :name  meaning" says; the length is 0 if there is none.
static size_t find_meaning(const char *sql, const char *name, const char **ret_meaning)
{
    const size_t name_length = strlen(name);
    for (const char *line = sql; line && strncmp(line, "--", 2) == 0;) {
        const char *end = strchr(line, '\n');
        const char *word = line + 2 + strspn(line + 2, " ");
        if (word[0] == ':' && strncmp(word + 1, name, name_length) == 0 &&
            word[1 + name_length] == ' ') {
            word += 1 + name_length;
            word += strspn(word, " ");
            *ret_meaning = word;
            return end ? (size_t)(end - word) : strlen(word);
        }
        line = end ? end + 1 : NULL;
    }
    return 0;
}

// A parameter may be left out if its comment does not say that it is needed. One without a comment
// is needed: as a NULL it would give wrong answers without a word.
static bool is_needed(const char *sql, const char *name)
{
    const char *meaning = "";
    const size_t length = find_meaning(sql, name, &meaning);
    static const char end[] = "needed";
    const size_t end_length = sizeof(end) - 1;
    return length == 0 ||
           (length >= end_length && strncmp(meaning + length - end_length, end, end_length) == 0);
}

static void add_parameter(const char *sql, const char *name, struct text *ret_error)
{
    const char *meaning = "";
    const size_t length = find_meaning(sql, name, &meaning);
    text_format(ret_error, "\n    %-12s ", name);
    text_add_n(ret_error, meaning, length);
    while (ret_error->data[ret_error->length - 1] == ' ') {
        ret_error->data[--ret_error->length] = '\0';
    }
}

// The names of the parameters, without what marks them; NULL for "?", which has none.
static const char **list_names(sqlite3_stmt *statement, size_t *ret_count)
{
    const int count = sqlite3_bind_parameter_count(statement);
    const char **names = memory_resize(NULL, (size_t)count, sizeof(*names));
    *ret_count = 0;
    for (int i = 1; i <= count; i++) {
        const char *name = sqlite3_bind_parameter_name(statement, i);
        names[(*ret_count)++] = name ? name + 1 : NULL;
    }
    return names;
}

static void list_parameters(const char *sql, const char *const *names, size_t count,
                            struct text *ret_error)
{
    if (count == 0) {
        text_add(ret_error, "; the query has none");
        return;
    }
    text_add(ret_error, "; the query takes, each as --param NAME=VALUE:");
    for (size_t i = 0; i < count; i++) {
        add_parameter(sql, names[i], ret_error);
    }
}

static void bind_value(sqlite3_stmt *statement, int index, const char *value)
{
    char *end;
    errno = 0;
    const long long integer = strtoll(value, &end, 10);
    const bool is_plain = value[0] && !value[strspn(value, "0123456789+-.eE")];
    if (is_plain && !*end && errno == 0) {
        sqlite3_bind_int64(statement, index, integer);
        return;
    }
    const double number = strtod(value, &end);
    if (is_plain && !*end && isfinite(number)) {
        sqlite3_bind_double(statement, index, number);
    } else {
        sqlite3_bind_text(statement, index, value, -1, SQLITE_TRANSIENT);
    }
}

static size_t find_name(const char *const *names, size_t count, const char *name)
{
    size_t i = 0;
    while (i < count && strcmp(names[i], name) != 0) {
        i++;
    }
    return i;
}

// Binds what there is a parameter for, and marks it.
static int bind_values(sqlite3_stmt *statement, const char *sql, const char *const *names,
                       size_t name_count, const struct query_binding *bindings, size_t count,
                       bool *is_bound, struct text *ret_error)
{
    for (size_t i = 0; i < count; i++) {
        const size_t place = find_name(names, name_count, bindings[i].name);
        if (place == name_count) {
            const char *nearest = text_nearest(bindings[i].name, names, name_count);
            text_format(ret_error, "unknown parameter '%s'", bindings[i].name);
            if (nearest) {
                text_format(ret_error, "; did you mean '%s'?", nearest);
            } else {
                list_parameters(sql, names, name_count, ret_error);
            }
            return -1;
        }
        bind_value(statement, (int)place + 1, bindings[i].value);
        is_bound[place] = true;
    }
    return 0;
}

static int check_names(const char *sql, const char *const *names, size_t count,
                       const bool *is_bound, struct text *ret_error)
{
    for (size_t i = 0; i < count; i++) {
        if (!is_bound[i] && is_needed(sql, names[i])) {
            text_format(ret_error, "the parameter '%s' needs a value", names[i]);
            list_parameters(sql, names, count, ret_error);
            return -1;
        }
    }
    return 0;
}

int query_bind(sqlite3_stmt *statement, const char *sql, const struct query_binding *bindings,
               size_t count, struct text *ret_error)
{
    size_t name_count;
    const char **names = list_names(statement, &name_count);
    bool *is_bound = memory_resize(NULL, name_count, sizeof(*is_bound));
    int result = 0;
    for (size_t i = 0; i < name_count; i++) {
        is_bound[i] = false;
        if (!names[i]) {
            text_add(ret_error, "a parameter of the query has no name; write ':name', not '?'");
            result = -1;
            break;
        }
    }
    if (result == 0) {
        result =
            bind_values(statement, sql, names, name_count, bindings, count, is_bound, ret_error);
    }
    if (result == 0) {
        result = check_names(sql, names, name_count, is_bound, ret_error);
    }
    free(is_bound);
    free(names);
    return result;
}
