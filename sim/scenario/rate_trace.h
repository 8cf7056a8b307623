// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_SCENARIO_RATE_TRACE_H
#define OFFLOADSIM_SCENARIO_RATE_TRACE_H

// Rates of links out of files. There are two kinds of them:
//
//     trace       CSV with a column of times that increase and one of rates. Each rate holds until
//                 the time of the next row, that of the last row as long as the one before it. The
//                 first time is the beginning, whatever its number.
//     mahimahi    packet opportunities as the Mahimahi link emulator takes them (Netravali et al.,
//                 USENIX ATC 2015): one whole number a line, which do not decrease; each is a
//                 millisecond in which 1500 bytes can go, as often as it is there. The number in
//                 the last line, T, is where the file repeats: millisecond T is millisecond 0 of
//                 the next round. A file that does not repeat ends behind millisecond T.

struct arena;
struct diagnostics;
struct spec;
struct spec_rate_trace;

// Files that were read, by path and columns, so that the points of a sweep share them.
struct known_rate_trace;

struct rate_traces {
    const char *scenario; // path of the scenario's file; those of the traces start in its folder
    struct arena *arena;  // of the files' contents
    struct known_rate_trace *known;
};

// Reads the files of all links of the spec. Returns 0, or -1 with errors.
int rate_traces_read(struct rate_traces *traces, struct spec *spec,
                     struct diagnostics *diagnostics);

#endif
