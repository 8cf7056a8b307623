// SPDX-License-Identifier: GPL-3.0-or-later
#include "scenario/file.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int refuse(struct file_problem *ret_problem, const char *message, const char *hint)
{
    snprintf(ret_problem->message, sizeof(ret_problem->message), "%s", message);
    snprintf(ret_problem->hint, sizeof(ret_problem->hint), "%s", hint);
    return -1;
}

static int refuse_error(struct file_problem *ret_problem, int error)
{
    char message[sizeof(ret_problem->message)];
    char reason[64];
    if (strerror_r(error, reason, sizeof(reason)) != 0) {
        snprintf(reason, sizeof(reason), "error %d", error);
    }
    // The C library starts its messages with a capital.
    if (reason[0] >= 'A' && reason[0] <= 'Z' && !(reason[1] >= 'A' && reason[1] <= 'Z')) {
        reason[0] = (char)(reason[0] - 'A' + 'a');
    }
    snprintf(message, sizeof(message), "cannot be read: %s", reason);
    const char *hint = error == ENOENT ? "check the spelling and the folder of the path"
                                       : "check the path and its permissions";
    return refuse(ret_problem, message, hint);
}

static int refuse_size(struct file_problem *ret_problem, size_t most)
{
    char message[sizeof(ret_problem->message)];
    snprintf(message, sizeof(message), "larger than %zu MiB", most >> 20);
    return refuse(ret_problem, message, "a file of this kind is smaller; is it the right one?");
}

// Reads until the end, because pipes and /proc do not tell their size beforehand.
static int read_all(int descriptor, size_t guess, size_t most, char **ret_bytes, size_t *ret_length,
                    struct file_problem *ret_problem)
{
    size_t room = guess + 2;
    size_t length = 0;
    char *bytes = memory_resize(NULL, room, 1);
    for (;;) {
        if (length + 1 == room) {
            room *= 2;
            bytes = memory_resize(bytes, room, 1);
        }
        ssize_t got = read(descriptor, bytes + length, room - 1 - length);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            int error = errno;
            free(bytes);
            return refuse_error(ret_problem, error);
        }
        length += (size_t)got;
        if (length > most) {
            free(bytes);
            return refuse_size(ret_problem, most);
        }
        if (got == 0) {
            break;
        }
    }
    bytes[length] = '\0';
    *ret_bytes = bytes;
    *ret_length = length;
    return 0;
}

// Of files that say how long they are; those of /proc say 0, and pipes nothing.
static bool has_changed(int descriptor, const struct stat *before)
{
    struct stat now;
    return S_ISREG(before->st_mode) && before->st_size > 0 && fstat(descriptor, &now) == 0 &&
           (now.st_size != before->st_size || now.st_mtim.tv_sec != before->st_mtim.tv_sec ||
            now.st_mtim.tv_nsec != before->st_mtim.tv_nsec);
}

int file_read(const char *path, size_t most, char **ret_bytes, size_t *ret_length,
              struct file_problem *ret_problem)
{
    // Else opening a pipe would wait until somebody writes to it. Without a writer it is empty.
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) {
        return refuse_error(ret_problem, errno);
    }
    struct stat status;
    int result;
    if (fstat(descriptor, &status) < 0 || fcntl(descriptor, F_SETFL, 0) < 0) {
        result = refuse_error(ret_problem, errno);
    } else if (S_ISDIR(status.st_mode)) {
        result = refuse(ret_problem, "is a directory", "name a file in it");
    } else if (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode)) {
        result = refuse(ret_problem, "is a device", "name a file");
    } else if (S_ISREG(status.st_mode) && (size_t)status.st_size > most) {
        result = refuse_size(ret_problem, most);
    } else {
        size_t guess = S_ISREG(status.st_mode) ? (size_t)status.st_size : 4096;
        result = read_all(descriptor, guess, most, ret_bytes, ret_length, ret_problem);
        if (result == 0 && has_changed(descriptor, &status)) {
            free(*ret_bytes);
            result = refuse(ret_problem, "changes while it is read",
                            "wait until it is complete, or take a copy of it");
        }
    }
    close(descriptor);
    return result;
}

const char *file_beside(const char *scenario, const char *path, struct arena *arena)
{
    const char *slash = strrchr(scenario, '/');
    if (!slash || path[0] == '/') {
        return arena_text(arena, path);
    }
    return arena_format(arena, "%.*s%s", (int)(slash - scenario + 1), scenario, path);
}
