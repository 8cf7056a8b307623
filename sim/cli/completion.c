// SPDX-License-Identifier: GPL-3.0-or-later

// Scripts by which shells complete commands, options, and what comes after them.

#include "cli/about.h"

#include "base/text.h"
#include "cli/options.h"
#include "policies/policy.h"
#include "policies/registry.h"
#include "results/query.h"

#include <stdbool.h>
#include <string.h>

// The words that may follow an option; NULL: they are not known.
static const char *words_of(const struct option *option)
{
    switch (option->kind) {
    case OPTION_FORMAT:
        return "table csv json md";
    case OPTION_FILE_FORMAT:
        return "csv json";
    default:
        return NULL;
    }
}

// The names that a command takes as its operand, each after a space.
static void add_operands(const struct command *command, struct text *text)
{
    if (strcmp(command->name, "policies") == 0) {
        size_t count;
        const struct policy_type *const *policies = policy_registry(&count);
        for (size_t i = 0; i < count; i++) {
            text_format(text, " %s", policies[i]->name);
        }
    } else if (strcmp(command->name, "query") == 0) {
        for (const struct query_name *query = query_names; query->name; query++) {
            text_format(text, " %s", query->name);
        }
    }
}

static bool has_operands(const struct command *command)
{
    struct text words = {0};
    add_operands(command, &words);
    const bool has = words.length > 0;
    text_finish(&words);
    return has;
}

// The first part of a meaning, between apostrophes. `specials` are escaped: the first of them, by
// which others are, too.
static void add_quoted(const char *meaning, const char *specials, struct text *text)
{
    const char *end = strpbrk(meaning, ";(");
    size_t length = end ? (size_t)(end - meaning) : strlen(meaning);
    while (length && meaning[length - 1] == ' ') {
        length--;
    }
    for (size_t i = 0; i < length; i++) {
        if (meaning[i] == '\'') {
            text_add(text, "'\\''");
        } else if (strchr(specials, meaning[i])) {
            text_format(text, "\\%c", meaning[i]);
        } else {
            text_add_n(text, &meaning[i], 1);
        }
    }
}

static void add_program_words(struct text *text)
{
    for (const struct command *command = commands; command->name; command++) {
        text_format(text, "%s ", command->name);
    }
    for (const struct named_text *option = program_options; option->name; option++) {
        text_add_n(text, option->name, strcspn(option->name, " "));
        text_add(text, " ");
    }
}

// ---- bash ----

static void add_option_names(const struct option *option, struct text *text)
{
    text_format(text, "--%s", option->name);
    if (option->letter) {
        text_format(text, " | -%c", option->letter);
    }
}

static void add_bash_values(const struct command *command, struct text *text)
{
    text_add(text, "        case $before in\n");
    for (const struct option *option = NULL; (option = option_next(command, option));) {
        if (option->kind == OPTION_FLAG) {
            continue;
        }
        text_add(text, "        ");
        add_option_names(option, text);
        if (option->kind == OPTION_FILE) {
            text_add(text, ") files='*' ;;\n");
        } else {
            text_format(text, ") words='%s' ;;\n", words_of(option) ? words_of(option) : "");
        }
    }
    text_add(text, "        *)\n            words='");
    for (const struct option *option = NULL; (option = option_next(command, option));) {
        text_format(text, "--%s ", option->name);
    }
    text_add(text, "'\n            [[ $word == -* ]] ||");
    if (command->operand_suffix) {
        text_format(text, " files='*%s' ;;\n", command->operand_suffix);
    } else {
        text_add(text, " words='");
        add_operands(command, text);
        text_add(text, "' ;;\n");
    }
    text_add(text, "        esac\n        ;;\n");
}

static void add_bash(struct text *text)
{
    text_add(text, "# Completion of offloadsim for bash; made by 'offloadsim --completion bash'.\n"
                   "_offloadsim() {\n"
                   "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}\n"
                   "    local words= files=\n"
                   "    if [[ $word == = ]]; then\n"
                   "        word=\n"
                   "    elif [[ $before == = ]]; then\n"
                   "        before=${COMP_WORDS[COMP_CWORD - 2]}\n"
                   "    fi\n"
                   "    case $((COMP_CWORD > 1)):${COMP_WORDS[1]} in\n"
                   "    0:*)\n        words='");
    add_program_words(text);
    text_add(text,
             "'\n        ;;\n    1:--completion)\n        words='bash zsh fish'\n        ;;\n");
    for (const struct command *command = commands; command->name; command++) {
        text_format(text, "    1:%s)\n", command->name);
        add_bash_values(command, text);
    }
    text_add(text, "    esac\n"
                   "    if [[ $files ]]; then\n"
                   "        compopt -o filenames 2>/dev/null\n"
                   "        mapfile -t COMPREPLY < <({ compgen -f -X \"!$files\" -- \"$word\"\n"
                   "            compgen -d -- \"$word\"; } | sort -u)\n"
                   "    else\n"
                   "        mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
                   "    fi\n"
                   "}\n"
                   "complete -F _offloadsim offloadsim\n");
}

// ---- zsh ----

static void add_zsh_option(const struct option *option, struct text *text)
{
    const bool has_value = option->kind != OPTION_FLAG;
    text_add(text, " \\\n            ");
    if (option->kind == OPTION_REPEATED) {
        text_add(text, "'*'");
    } else if (option->letter) {
        text_format(text, "'(-%c --%s)'", option->letter, option->name);
    }
    if (option->letter) {
        text_format(text, "{-%c%s,--%s%s}", option->letter, has_value ? "+" : "", option->name,
                    has_value ? "=" : "");
    } else {
        text_format(text, "--%s%s", option->name, has_value ? "=" : "");
    }
    text_add(text, "'[");
    add_quoted(option->meaning, "\\[]", text);
    text_add(text, "]");
    if (has_value) {
        text_add(text, ":");
        add_quoted(option->argument, "\\:[]", text);
        text_add(text, ":");
    }
    if (option->kind == OPTION_FILE) {
        text_add(text, "_files");
    } else if (words_of(option)) {
        text_format(text, "(%s)", words_of(option));
    } else if (has_value) {
        text_add(text, " ");
    }
    text_add(text, "'");
}

static void add_zsh_operand(const struct command *command, struct text *text)
{
    if (command->operand_suffix) {
        text_format(text, " \\\n            ':%s:_files -g \"*%s(-.)\"'", command->operands,
                    command->operand_suffix);
    } else if (has_operands(command)) {
        text_add(text, " \\\n            ':name:(");
        add_operands(command, text);
        text_add(text, ")'");
    }
}

static void add_zsh(struct text *text)
{
    text_add(text, "#compdef offloadsim\n"
                   "# Completion of offloadsim for zsh; made by 'offloadsim --completion zsh'.\n"
                   "_offloadsim() {\n"
                   "    if ((CURRENT == 2)); then\n"
                   "        local -a names=(");
    for (const struct command *command = commands; command->name; command++) {
        text_format(text, "\n            '%s:", command->name);
        add_quoted(command->summary, "\\:", text);
        text_add(text, "'");
    }
    for (const struct named_text *option = program_options; option->name; option++) {
        text_format(text, "\n            '%.*s:", (int)strcspn(option->name, " "), option->name);
        add_quoted(option->meaning, "\\:", text);
        text_add(text, "'");
    }
    text_add(text, ")\n"
                   "        _describe command names\n"
                   "        return\n"
                   "    fi\n"
                   "    local name=$words[2]\n"
                   "    shift words\n"
                   "    ((CURRENT--))\n"
                   "    case $name in\n"
                   "    --completion)\n"
                   "        _values shell bash zsh fish\n"
                   "        ;;\n");
    for (const struct command *command = commands; command->name; command++) {
        text_format(text, "    %s)\n        _arguments -s", command->name);
        for (const struct option *option = NULL; (option = option_next(command, option));) {
            add_zsh_option(option, text);
        }
        add_zsh_operand(command, text);
        text_add(text, "\n        ;;\n");
    }
    text_add(text, "    esac\n"
                   "}\n"
                   "if [[ $funcstack[1] == _offloadsim ]]; then\n"
                   "    _offloadsim \"$@\"\n"
                   "else\n"
                   "    compdef _offloadsim offloadsim\n"
                   "fi\n");
}

// ---- fish ----

static void add_fish_option(const struct command *command, const struct option *option,
                            struct text *text)
{
    text_format(text, "complete -c offloadsim -n '__fish_seen_subcommand_from %s' -l %s",
                command->name, option->name);
    if (option->letter) {
        text_format(text, " -s %c", option->letter);
    }
    if (option->kind == OPTION_FILE) {
        text_add(text, " -r -F");
    } else if (option->kind != OPTION_FLAG) {
        text_add(text, " -x");
    }
    if (words_of(option)) {
        text_format(text, " -a '%s'", words_of(option));
    }
    text_add(text, " -d '");
    add_quoted(option->meaning, "\\", text);
    text_add(text, "'\n");
}

static void add_fish(struct text *text)
{
    text_add(text, "# Completion of offloadsim for fish; made by 'offloadsim --completion fish'.\n"
                   "complete -c offloadsim -f\n");
    for (const struct command *command = commands; command->name; command++) {
        text_format(text, "complete -c offloadsim -n __fish_use_subcommand -a %s -d '",
                    command->name);
        add_quoted(command->summary, "\\", text);
        text_add(text, "'\n");
    }
    for (const struct named_text *option = program_options; option->name; option++) {
        const size_t length = strcspn(option->name, " ");
        text_format(text, "complete -c offloadsim -n __fish_use_subcommand -l %.*s",
                    (int)length - 2, option->name + 2);
        text_add(text, option->name[length] ? " -x -a 'bash zsh fish' -d '" : " -d '");
        add_quoted(option->meaning, "\\", text);
        text_add(text, "'\n");
    }
    for (const struct command *command = commands; command->name; command++) {
        for (const struct option *option = NULL; (option = option_next(command, option));) {
            add_fish_option(command, option, text);
        }
        if (command->operand_suffix || has_operands(command)) {
            text_format(text, "complete -c offloadsim -n '__fish_seen_subcommand_from %s' -k -a '",
                        command->name);
            if (command->operand_suffix) {
                text_format(text, "(__fish_complete_suffix %s)", command->operand_suffix);
            } else {
                add_operands(command, text);
            }
            text_add(text, "'\n");
        }
    }
}

int completion_add(const char *shell, struct text *text)
{
    static const struct {
        const char *shell;
        void (*add)(struct text *text);
    } scripts[] = {{"bash", add_bash}, {"zsh", add_zsh}, {"fish", add_fish}};
    for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
        if (strcmp(shell, scripts[i].shell) == 0) {
            scripts[i].add(text);
            return 0;
        }
    }
    return -1;
}
