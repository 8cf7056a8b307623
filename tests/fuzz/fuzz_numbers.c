// SPDX-License-Identifier: GPL-3.0-or-later

// Numbers with units, cells of CSV, dates; and numbers that are written and read back.

#include "base/check.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/unit.h"
#include "fuzz.h"
#include "scenario/arrival_times.h"
#include "scenario/csv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void try_units(const char *text)
{
    for (int dimension = 0; dimension < DIMENSION_COUNT_; dimension++) {
        double value = NAN;
        const char *unit = NULL;
        const enum unit_result result = unit_parse(text, (enum dimension)dimension, &value, &unit);
        CHECK(NULL, result == UNIT_OK ? isfinite(value) : isnan(value));
        CHECK(NULL, !unit || (unit >= text && unit <= text + strlen(text)));
    }
    unit_dimension(text);
}

static void try_cells(const char *text, size_t length)
{
    const struct csv_cell cell = {.text = text, .length = length, .start = text};
    double number = 0;
    int32_t whole = 0;
    long long seconds;
    double fraction = 0;
    CHECK(NULL, !csv_number(&cell, &number) || isfinite(number));
    CHECK(NULL, !csv_whole(&cell, 2385, &whole) || (whole >= 0 && whole <= 2385));
    CHECK(NULL, !csv_boolean(&cell, &whole) || whole == 0 || whole == 1);
    CHECK(NULL, !arrival_times_date(&cell, &seconds, &fraction) || (fraction >= 0 && fraction < 1));
}

// The shortest decimal of any double reads back as the same.
static void try_writing(const uint8_t *bytes)
{
    double value;
    char written[TEXT_NUMBER_ROOM];
    memcpy(&value, bytes, sizeof(value));
    text_number(written, value);
    const double again = strtod(written, NULL);
    CHECK(NULL, isnan(value) ? isnan(again) : memcmp(&again, &value, sizeof(value)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    char *text = memory_resize(NULL, length + 1, 1);
    memcpy(text, bytes, length);
    text[length] = '\0';
    try_units(text);
    free(text);
    // Cells have no NUL behind them.
    char *cell = memory_resize(NULL, length ? length : 1, 1);
    memcpy(cell, bytes, length);
    try_cells(cell, length);
    free(cell);
    if (length >= sizeof(double)) {
        try_writing(bytes);
    }
    return 0;
}
