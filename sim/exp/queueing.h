// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_EXP_QUEUEING_H
#define OFFLOADSIM_EXP_QUEUEING_H

// What theory says of one queue: rates in 1/second, times in seconds, variabilities as squared
// coefficients of variation (variance / mean^2: 0 is deterministic, 1 is exponential).
//
// None of these looks at the simulator; they are compared with it.

// A queue whose samples come one by one.
struct queueing_load {
    double rate;                // arrivals
    double service_s;           // mean
    double service_variability; // INFINITY: the variance of service is infinite
    double arrival_variability; // of the time between arrivals
    double servers;
};

// Offered load of each server: rate * service / servers.
double queueing_utilisation(const struct queueing_load *load);

// The probability that a Poisson arrival finds all servers busy, service being exponential
// (Erlang's C formula); 1 from a utilisation of 1 on.
double queueing_all_busy(double offered_erlangs, double servers);

// Mean wait before service, first come first served, by the approximation of Allen and Cunneen:
//
//     C / (servers (1 - utilisation)) * service * (arrival + service variability) / 2
//
// (Allen, Probability, Statistics and Queueing Theory, 2nd ed., 1990, sec. 5.3.5; C is Erlang's.)
// It is exact for M/M/c and for M/G/1, where it is the formula of Pollaczek and Khinchine.
// INFINITY from a utilisation of 1 on.
double queueing_wait_s(const struct queueing_load *load);

// Mean time by which sharing makes a stay longer than the service, where up to `servers` samples
// are served at full speed and more share them evenly. The mean does not depend on the distribution
// of service (Kleinrock, Queueing Systems vol. 2, 1976, sec. 4.4; Sakata et al. 1969), so it is
// that of M/M/c. For Poisson arrivals.
double queueing_sharing_s(const struct queueing_load *load);

// Variability of the times between departures (Whitt, The Queueing Network Analyzer, 1983,
// eq. 39); exact for M/M/c, whose departures are a Poisson process.
double queueing_departures(const struct queueing_load *load);

// A stream that feeds a queue, for queueing_merged().
struct queueing_stream {
    double rate;        // of all its parts together
    double variability; // of one part
    double parts;       // independent ones that it is made of
};

// What streams are together. Over a long time their variability is the mean of theirs. Over the
// time that a queue remembers, which is the shorter the lower its utilisation, many independent
// ones look like a Poisson process (Whitt 1983, eqs. 28 and 29).
struct queueing_merged {
    double rate;
    double variability; // over a long time
    double parts;       // independent streams of equal rate that would be as many
};
struct queueing_merged queueing_merge(const struct queueing_stream *streams, int count);
double queueing_merged_variability(const struct queueing_merged *merged, double utilisation);

// A queue whose samples are served together: as many as wait, at most `most`, as soon as a server
// is free and `most` wait or one has waited for `hold_s`.
struct queueing_batches {
    double rate; // Poisson
    double servers;
    int most;
    double hold_s;
    // Time of a batch of so many.
    double (*service_s)(void *context, int size);
    void *context;
};

struct queueing_batched {
    double wait_s;      // mean, before service; INFINITY if overloaded, NaN if too near to it
    double size;        // mean, over batches
    double utilisation; // of each server; above 1 only if overloaded
    double in_service;  // mean number of samples
};

// With one server, and times that are not random, this is the stationary distribution of the number
// left behind by a batch, exact without a hold; with one, the age of the oldest sample is taken to
// be its mean. With several servers batches are taken to be those that form during hold and wait,
// and to queue as single samples would, which is coarse.
struct queueing_batched queueing_of_batches(const struct queueing_batches *batches);

#endif
