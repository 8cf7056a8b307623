// SPDX-License-Identifier: GPL-3.0-or-later
#include "cli/table_layout.h"

#include "base/memory.h"
#include "base/text.h"
#include "cli/table.h"

#include <stdlib.h>
#include <string.h>

enum { GAP = 2 }; // between columns

// No text is made narrower than this.
enum { LEAST_TEXT_WIDTH = 12 };

// Columns set side by side: the first `key_count` of the table, then those from `first` to `end`.
struct block {
    struct shown_column *columns;
    size_t key_count;
    size_t first;
    size_t end;
};

static size_t block_size(const struct block *block)
{
    return block->key_count + (block->end - block->first);
}

static struct shown_column *block_column(const struct block *block, size_t index)
{
    size_t position = index < block->key_count ? index : block->first + (index - block->key_count);
    return &block->columns[position];
}

static size_t block_width(const struct block *block)
{
    size_t width = 0;
    for (size_t i = 0; i < block_size(block); i++) {
        width += block_column(block, i)->width + (i ? GAP : 0);
    }
    return width;
}

// How narrow a column may become. First only headings give way, then texts.
static size_t least_width(const struct shown_column *column, bool may_cut_text)
{
    if (!may_cut_text || !column->is_elastic || column->least_width < LEAST_TEXT_WIDTH) {
        return column->least_width;
    }
    return LEAST_TEXT_WIDTH;
}

// Takes from the column that can spare most, one character after the other, until all fit or none
// can spare any.
static void shrink(struct block *block, size_t width, bool may_cut_text)
{
    for (size_t now = block_width(block); now > width; now--) {
        struct shown_column *widest = NULL;
        size_t most = 0;
        for (size_t i = 0; i < block_size(block); i++) {
            struct shown_column *column = block_column(block, i);
            size_t least = least_width(column, may_cut_text);
            if (column->width > least && column->width - least > most) {
                widest = column;
                most = column->width - least;
            }
        }
        if (!widest) {
            return;
        }
        widest->width--;
    }
}

static void fit(struct block *block, size_t width)
{
    for (size_t i = 0; i < block_size(block); i++) {
        struct shown_column *column = block_column(block, i);
        size_t heading_width = table_text_width(column->heading);
        column->width = heading_width > column->cell_width ? heading_width : column->cell_width;
    }
    shrink(block, width, false);
    shrink(block, width, true);
}

// The bytes of the first `width` characters.
static size_t bytes_of(const char *text, size_t width)
{
    size_t bytes = 0;
    while (text[bytes] && (width > 0 || ((unsigned char)text[bytes] & 0xc0) == 0x80)) {
        width -= ((unsigned char)text[bytes] & 0xc0) != 0x80;
        bytes++;
    }
    return bytes;
}

// The bytes of the first line of a text that is broken to `width`: after a space if one is there,
// else after another character that allows it, else anywhere.
static size_t line_bytes(const char *text, size_t width)
{
    size_t room = bytes_of(text, width);
    if (!text[room] || text[room] == ' ') {
        return room;
    }
    size_t soft = 0;
    for (size_t i = room; i > 0; i--) {
        if (text[i - 1] == ' ') {
            return i;
        }
        soft = !soft && table_is_breakable(text[i - 1]) ? i : soft;
    }
    return soft ? soft : room;
}

// Takes the next line from `*rest`. A text that does not wrap has one line, and is cut if need be.
static const char *next_line(struct arena *arena, const struct shown_column *column,
                             const char **rest, bool is_broken, const char *ellipsis)
{
    const char *line = *rest;
    size_t ellipsis_width = table_text_width(ellipsis);
    if (!is_broken) {
        *rest = "";
        if (table_text_width(line) <= column->width || column->width <= ellipsis_width) {
            return line;
        }
        return arena_format(arena, "%.*s%s", (int)bytes_of(line, column->width - ellipsis_width),
                            line, ellipsis);
    }
    size_t bytes = line_bytes(line, column->width);
    *rest = line + bytes;
    while (**rest == ' ') {
        (*rest)++;
    }
    while (bytes > 0 && line[bytes - 1] == ' ' && **rest) {
        bytes--;
    }
    return arena_text_n(arena, line, bytes);
}

static void add_spaces(struct text *text, size_t count)
{
    text_format(text, "%*s", (int)count, "");
}

// Ends a line, without the spaces that the last columns left.
static void end_line(struct text *text, size_t start)
{
    while (text->length > start && text->data[text->length - 1] == ' ') {
        text->length--;
    }
    text_add(text, "\n");
}

// Prints one row of texts, over as many lines as the longest needs. `rest` has what each column
// still has to show.
static void print_row(const struct block *block, const char **rest, bool is_heading,
                      const struct table_style *style, struct text *text)
{
    const char *ellipsis = style->is_ascii ? "..." : "\xe2\x80\xa6";
    struct arena arena = {0};
    bool is_bold = is_heading && style->is_bold;
    bool has_more = true;
    while (has_more) {
        has_more = false;
        text_add(text, is_bold ? "\033[1m" : "");
        size_t start = text->length;
        for (size_t i = 0; i < block_size(block); i++) {
            const struct shown_column *column = block_column(block, i);
            bool is_broken = is_heading || column->is_wrapped;
            const char *line = next_line(&arena, column, &rest[i], is_broken, ellipsis);
            size_t width = table_text_width(line);
            size_t padding = column->width > width ? column->width - width : 0;
            add_spaces(text, (i ? GAP : 0) + (column->is_right ? padding : 0));
            text_add(text, line);
            add_spaces(text, column->is_right ? 0 : padding);
            has_more = has_more || *rest[i];
        }
        if (is_bold) {
            text_add(text, "\033[0m");
        }
        end_line(text, start);
    }
    arena_finish(&arena);
}

static void print_block(struct block *block, size_t rows, const struct table_style *style,
                        struct text *text)
{
    size_t count = block_size(block);
    const char **rest = memory_resize(NULL, count, sizeof(*rest));
    for (size_t i = 0; i < count; i++) {
        rest[i] = block_column(block, i)->heading;
    }
    print_row(block, rest, true, style, text);
    for (size_t i = 0; i < count; i++) {
        text_add(text, i ? "  " : "");
        for (size_t j = 0; j < block_column(block, i)->width; j++) {
            text_add(text, "-");
        }
    }
    text_add(text, "\n");
    for (size_t r = 0; r < rows; r++) {
        for (size_t i = 0; i < count; i++) {
            rest[i] = block_column(block, i)->cells[r];
        }
        print_row(block, rest, false, style, text);
    }
    free(rest);
}

// The columns of the next block: as many as fit without cutting texts, at least one.
static void choose_columns(struct block *block, size_t column_count, size_t width)
{
    size_t used = 0;
    for (size_t i = 0; i < block->key_count; i++) {
        used += block->columns[i].least_width + GAP;
    }
    block->end = block->first;
    while (block->end < column_count) {
        used += block->columns[block->end].least_width;
        if (used > width && block->end > block->first) {
            break;
        }
        used += GAP;
        block->end++;
    }
}

void table_print_aligned(const struct table *table, const struct table_style *style,
                         struct text *text)
{
    struct arena arena = {0};
    struct block block = {0};
    size_t rows = table_row_count(table);
    size_t count = table_show_columns(table, style, true, &arena, &block.columns);
    block.end = count;
    fit(&block, style->width);
    if (count == 0) {
        text_add(text, "");
    } else if (block_width(&block) <= style->width || count <= 1) {
        print_block(&block, rows, style, text);
    } else {
        // The key columns come again in every block, unless they leave no room for others.
        size_t keys = table->key_columns ? table->key_columns : 1;
        keys = keys < count ? keys : count - 1;
        size_t key_width = 0;
        for (size_t i = 0; i < keys; i++) {
            key_width += block.columns[i].least_width + GAP;
            keys = key_width > style->width / 2 ? i : keys;
        }
        block.key_count = keys;
        for (block.first = keys; block.first < count; block.first = block.end) {
            choose_columns(&block, count, style->width);
            fit(&block, style->width);
            text_add(text, block.first > keys ? "\n" : "");
            print_block(&block, rows, style, text);
        }
    }
    arena_finish(&arena);
}

static void print_markdown_row(const char *const *cells, size_t count, struct text *text)
{
    for (size_t i = 0; i < count; i++) {
        text_add(text, i ? " | " : "| ");
        for (const char *rest = cells[i]; *rest;) {
            const size_t plain = strcspn(rest, "|\\");
            text_add_n(text, rest, plain);
            rest += plain;
            if (*rest) {
                text_add(text, "\\");
                text_add_n(text, rest++, 1);
            }
        }
    }
    text_add(text, count ? " |\n" : "");
}

void table_print_markdown(const struct table *table, const struct table_style *style,
                          struct text *text)
{
    struct arena arena = {0};
    struct shown_column *columns;
    size_t rows = table_row_count(table);
    size_t count = table_show_columns(table, style, false, &arena, &columns);
    const char **cells = arena_new_array(&arena, count, const char *);
    for (size_t i = 0; i < count; i++) {
        cells[i] = columns[i].heading;
    }
    print_markdown_row(cells, count, text);
    for (size_t i = 0; i < count; i++) {
        text_add(text, i ? " " : "| ");
        text_add(text, columns[i].is_right ? "---: |" : "--- |");
    }
    text_add(text, count ? "\n" : "");
    for (size_t r = 0; r < rows; r++) {
        for (size_t i = 0; i < count; i++) {
            cells[i] = columns[i].cells[r];
        }
        print_markdown_row(cells, count, text);
    }
    arena_finish(&arena);
}
