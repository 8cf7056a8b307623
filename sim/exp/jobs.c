// SPDX-License-Identifier: GPL-3.0-or-later
#include "exp/jobs.h"

#include "base/memory.h"
#include "exp/experiment.h"
#include "exp/pool.h"
#include "exp/storing.h"

#include <string.h>

// What waits for a thread shall last so long; it must outlast the storing of what is done, which
// the thread that claims does too. But towards the end it is no more than a part of what is left,
// for the others.
static const double AHEAD_S = 0.3;
static const double AHEAD_PART = 0.125;
// How often other processes' jobs are asked for again: with nothing else to do, and otherwise, so
// that simulations that are shared do not all wait for the end.
static const double POLL_S = 0.2;
static const double LOOK_S = 1;
// In one transaction.
enum { ASKED_AT_ONCE = 512 };

void jobs_init(struct jobs *jobs, const struct experiment *experiment, struct storing *storing,
               int threads, uint64_t most, struct arena *arena)
{
    *jobs = (struct jobs){.experiment = experiment,
                          .storing = storing,
                          .threads = threads,
                          .all = arena_new_array(arena, most, struct job),
                          .own = arena_new_array(arena, most, size_t),
                          .others = arena_new_array(arena, most, size_t),
                          .stored = arena_new_array(arena, most, size_t)};
}

double jobs_length(const struct jobs *jobs, size_t number)
{
    const double expected = jobs->experiment->simulations[jobs->all[number].simulation].expected;
    return expected > 1 ? expected : 1;
}

void jobs_add(struct jobs *jobs, size_t simulation, uint64_t replication)
{
    jobs->all[jobs->count++] = (struct job){simulation, replication};
    jobs->left += jobs_length(jobs, jobs->count - 1);
}

void jobs_measure(struct jobs *jobs, size_t number, double wall_s)
{
    jobs->measured += jobs_length(jobs, number);
    jobs->measured_s += wall_s;
}

bool jobs_are_settled(const struct jobs *jobs)
{
    return jobs->own_count + jobs->stored_count == jobs->count;
}

static void take(struct jobs *jobs, size_t number)
{
    jobs->own[jobs->own_count++] = number;
    jobs->waiting += jobs_length(jobs, number);
}

static void note_started(struct jobs *jobs, size_t started)
{
    for (; jobs->started < started; jobs->started++) {
        jobs->waiting -= jobs_length(jobs, jobs->own[jobs->started]);
    }
    if (jobs->started == jobs->own_count) {
        jobs->waiting = 0; // whatever rounding has left
    }
}

// Whether so many samples are enough to wait for the threads. How long they take is not known
// before the first job is done; until then nothing is taken ahead.
static bool are_enough(const struct jobs *jobs, double samples, double part)
{
    const double per_s = jobs->measured_s > 0 ? jobs->measured / jobs->measured_s : 0;
    const double wanted = part * AHEAD_S * per_s * jobs->threads;
    const double fair = part * AHEAD_PART * jobs->left;
    return samples > (wanted < fair ? wanted : fair);
}

static int ask(struct jobs *jobs, const size_t *numbers, size_t count, struct text *ret_error)
{
    struct job wanted[ASKED_AT_ONCE];
    enum storing_answer answers[ASKED_AT_ONCE];
    for (size_t i = 0; i < count; i++) {
        wanted[i] = jobs->all[numbers[i]];
    }
    if (storing_claim(jobs->storing, wanted, count, answers, ret_error) != 0) {
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        switch (answers[i]) {
        case STORING_OWN:
            take(jobs, numbers[i]);
            break;
        case STORING_OTHERS:
            jobs->others[jobs->others_count++] = numbers[i];
            break;
        case STORING_STORED:
            jobs->stored[jobs->stored_count++] = numbers[i];
            break;
        }
    }
    return 0;
}

// Whether the next job is wanted, with so many jobs and samples waiting already. A simulation is
// rather finished than shared: what is shared has to be read back.
static bool wants_next(const struct jobs *jobs, size_t waiting, double samples, size_t idle)
{
    if (jobs->next == jobs->count || waiting < idle) {
        return jobs->next < jobs->count;
    }
    const size_t simulation = jobs->all[jobs->next].simulation;
    const bool goes_on = jobs->next > 0 && jobs->all[jobs->next - 1].simulation == simulation;
    return !are_enough(jobs, samples + jobs_length(jobs, jobs->next), goes_on ? 2 : 1);
}

static int take_ahead(struct jobs *jobs, size_t idle, struct text *ret_error)
{
    if (jobs->own_count - jobs->started >= idle && are_enough(jobs, jobs->waiting, 0.5)) {
        return 0;
    }
    while (wants_next(jobs, jobs->own_count - jobs->started, jobs->waiting, idle)) {
        size_t numbers[ASKED_AT_ONCE];
        size_t count = 0;
        double samples = jobs->waiting;
        do {
            samples += jobs_length(jobs, jobs->next);
            jobs->left -= jobs_length(jobs, jobs->next);
            numbers[count++] = jobs->next++;
        } while (count < ASKED_AT_ONCE &&
                 wants_next(jobs, jobs->own_count - jobs->started + count, samples, idle));
        if (ask(jobs, numbers, count, ret_error) != 0) {
            return -1;
        }
    }
    return 0;
}

static int ask_for_others(struct jobs *jobs, struct text *ret_error)
{
    const size_t count = jobs->others_count;
    jobs->others_count = 0; // those that are still others' are noted again, behind what is read
    for (size_t first = 0; first < count; first += ASKED_AT_ONCE) {
        size_t numbers[ASKED_AT_ONCE];
        const size_t some = count - first < ASKED_AT_ONCE ? count - first : ASKED_AT_ONCE;
        memcpy(numbers, jobs->others + first, some * sizeof(*numbers));
        if (ask(jobs, numbers, some, ret_error) != 0) {
            return -1;
        }
    }
    return 0;
}

int jobs_take(struct jobs *jobs, const struct pool_state *state, double now_s,
              struct text *ret_error)
{
    if (!storing_is_shared(jobs->storing)) {
        for (; jobs->next < jobs->count; jobs->next++) {
            take(jobs, jobs->next);
        }
        return 0;
    }
    note_started(jobs, state->started);
    if (take_ahead(jobs, (size_t)state->idle, ret_error) != 0) {
        return -1;
    }
    const double every_s = jobs->next == jobs->count ? POLL_S : LOOK_S;
    if (!jobs->others_count || now_s - jobs->asked_s < every_s) {
        return 0;
    }
    jobs->asked_s = now_s;
    return ask_for_others(jobs, ret_error);
}
