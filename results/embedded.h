// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_RESULTS_EMBEDDED_H
#define OFFLOADSIM_RESULTS_EMBEDDED_H

// The .sql files of this folder as texts ended by a NUL. The build makes them with
// scripts/embed-text, so the program needs no file of its own at run time. The whole schema is what
// schema.sql and all that follow it come to (scripts/whole-schema).

extern const char embedded_schema[];
extern const char embedded_schema_2[];
extern const char embedded_schema_3[];
extern const char embedded_whole_schema[];
extern const char embedded_merge[];
extern const char embedded_query_best[];
extern const char embedded_query_breakeven[];
extern const char embedded_query_diff[];
extern const char embedded_query_pareto[];
extern const char embedded_query_reprice[];
extern const char embedded_query_runs[];
extern const char embedded_query_sensitivity[];
extern const char embedded_query_tradeoffs[];

#endif
