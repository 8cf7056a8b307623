// SPDX-License-Identifier: GPL-3.0-or-later
// What the moving parts of a run take.
//
// usage: bench_memory                  sizes of the structures, in bytes
//        bench_memory events NUMBER    keeps so many events pending for a while
//        bench_memory peak COMMAND...  runs a command and prints the peak of its memory, in kB
//
// A process counts as its own the memory of the one that started it, until the command begins. So
// it takes a small one to see the peak of another small one.
#include "core/event_queue.h"
#include "model/run.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { GAPS = 1024, HOLDS = 4 };

static void keep_pending(size_t events)
{
    struct event_queue queue = {0};
    for (size_t i = 0; i < events; i++) {
        event_queue_push(&queue, (double)i, event_tag(0, i, (uint32_t)i));
    }
    for (size_t i = 0; i < HOLDS * events; i++) {
        const struct event event = event_queue_pop(&queue);
        const double gap = (double)events * (double)(1 + i % GAPS) / GAPS;
        event_queue_push(&queue, event.time_s + gap, event.tag);
    }
    event_queue_finish(&queue);
}

static int print_peak(char **command)
{
    const pid_t child = fork();
    if (child == 0) {
        const int nowhere = open("/dev/null", O_WRONLY);
        dup2(nowhere, STDOUT_FILENO);
        execvp(command[0], command);
        _exit(127);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
        return 1;
    }
    struct rusage usage;
    getrusage(RUSAGE_CHILDREN, &usage);
    printf("%ld\n", usage.ru_maxrss);
    return 0;
}

int main(int count, char **arguments)
{
    if (count == 1) {
        printf("{\"event\": %zu, \"sample\": %zu, \"device\": %zu}\n", sizeof(struct event),
               sizeof(struct sample), sizeof(struct device));
        return 0;
    }
    if (count == 3 && strcmp(arguments[1], "events") == 0) {
        keep_pending(strtoul(arguments[2], NULL, 10));
        return 0;
    }
    if (count > 2 && strcmp(arguments[1], "peak") == 0) {
        return print_peak(arguments + 2);
    }
    fprintf(stderr, "usage: bench_memory [events NUMBER | peak COMMAND...]\n");
    return 2;
}
