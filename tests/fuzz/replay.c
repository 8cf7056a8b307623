// SPDX-License-Identifier: GPL-3.0-or-later

// usage: replay-NAME FOLDER
//
// Feeds a target with each file of its corpus, whole and cut off at up to 32 places, as a test
// without a fuzzer. What is wrong ends the program.

#include "base/check.h"
#include "base/memory.h"
#include "base/text.h"
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_BYTES = 1 << 20, CUTS = 32 };

// Each in memory of its own, so that a sanitizer sees what is read behind the end.
static void feed(const unsigned char *bytes, size_t length)
{
    unsigned char *copy = memory_resize(NULL, length ? length : 1, 1);
    memcpy(copy, bytes, length);
    LLVMFuzzerTestOneInput(copy, length);
    free(copy);
}

static void replay(const char *path)
{
    FILE *file = fopen(path, "rb");
    CHECK(NULL, file);
    unsigned char *bytes = memory_resize(NULL, MOST_BYTES, 1);
    const size_t length = fread(bytes, 1, MOST_BYTES, file);
    fclose(file);
    feed(bytes, length);
    const size_t step = length / CUTS + 1;
    for (size_t cut = 0; cut < length; cut += step) {
        feed(bytes, cut);
    }
    free(bytes);
}

static int is_shown(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

int main(int argc, char **argv)
{
    struct dirent **entries;
    const int count = argc == 2 ? scandir(argv[1], &entries, is_shown, alphasort) : -1;
    if (count <= 0) {
        fprintf(stderr, "usage: %s FOLDER, with files in it\n", argv[0]);
        return 2;
    }
    printf("1..%d\n", count);
    for (int i = 0; i < count; i++) {
        struct text path = {0};
        text_format(&path, "%s/%s", argv[1], entries[i]->d_name);
        replay(text_string(&path));
        text_finish(&path);
        printf("ok %d - %s\n", i + 1, entries[i]->d_name);
        fflush(stdout);
        free(entries[i]);
    }
    free(entries);
    return 0;
}
