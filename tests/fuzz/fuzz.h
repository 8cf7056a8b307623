// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_TESTS_FUZZ_H
#define OFFLOADSIM_TESTS_FUZZ_H

// A target is a file fuzz_NAME.c with the one function below. libFuzzer calls it with inputs that
// it makes up (scripts/fuzz), and replay.c with those of the target's corpus, in the ordinary
// tests. Whatever the input is, nothing may crash, hang, leak, or meet a sanitizer.
//
// Files lie in memory, so that an execution takes microseconds: memory_files.c stands in for
// scenario/file.c, memory_vfs.c for SQLite's file system.

#include <stddef.h>
#include <stdint.h>

// Returns 0.
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

// A file that can be read from now on; one of the same name is replaced. The bytes are not copied.
void memory_file_put(const char *name, const void *bytes, size_t length);

#endif
