// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_BASE_CHECK_H
#define OFFLOADSIM_BASE_CHECK_H

// CHECK tests an invariant of the simulator itself: something that no input can break. It stays in
// release builds. When it fails it says where in the code, and where in the simulation, so that
// the one replication can be run again alone, and aborts. What a user can cause is an error value,
// never a CHECK.

#include <stdint.h>

// Where a run stands. The replication keeps one and hands it to whatever it calls.
struct check_place {
    double time_s;
    const char *entity; // what the event is about: "device 3", a station's name
    uint64_t seed;
    uint64_t replication;
};

_Noreturn void check_failed(const struct check_place *place, const char *condition,
                            const char *file, int line);

// `place` may be NULL outside of a run.
#define CHECK(place, condition)                                                                    \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            check_failed((place), #condition, __FILE__, __LINE__);                                 \
        }                                                                                          \
    } while (0)

#endif
