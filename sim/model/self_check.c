// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/self_check.h"

#include "base/text.h"
#include "model/run.h"
#include "scenario/trace.h"

#include <inttypes.h>
#include <math.h>

// By so much of itself a sum may be off, and by so much for each number that was added: twice what
// rounding does to one addition, ten additions a sample.
#define SLACK 1e-9
#define SLACK_EACH 2e-15

// What samples that were in flight at the edges of the window may add there at most, all stations
// together, in sample-seconds: those of before the window, and those that end after it.
struct edges {
    bool has_window;
    double window_s;
    double before;
    double before_s;
    double after;
    double after_s;
};

static struct edges find_edges(const struct self_check *check)
{
    const struct tally *tally = check->tally;
    const double window_s = tally->window_to_s - tally->window_from_s;
    if (!(window_s > 0) || !isfinite(window_s)) {
        return (struct edges){.has_window = false};
    }
    const uint64_t answered_by_the_end = tally->answered_in_window + tally->early_answered;
    const double before = (double)tally->late_uncounted;
    const double after =
        (double)check->answered - (double)answered_by_the_end + (double)tally->late_dropped;
    const double before_s =
        fmin(tally->late_uncounted_until_s, tally->window_to_s) - tally->window_from_s;
    return (struct edges){.has_window = true,
                          .window_s = window_s,
                          .before = before,
                          .before_s = before * fmax(before_s, 0),
                          .after = after,
                          .after_s = after * fmax(check->ended_s - tally->window_to_s, 0)};
}

// What rounding may do to a sum of `count` differences of times of this run.
static double rounding(const struct self_check *check, double sum, double count)
{
    return SLACK * fabs(sum) + SLACK_EACH * count * (fabs(sum) + check->ended_s);
}

// ---- counts ----

static double sum_of(const double *numbers, int count)
{
    double sum = 0;
    for (int i = 0; i < count; i++) {
        sum += numbers[i];
    }
    return sum;
}

static bool refuse_sum(const char *what, double parts, double total, struct text *ret_problem)
{
    text_format(ret_problem, "%s add up to %.17g and not to %.17g", what, parts, total);
    return false;
}

// Counts are exact.
static bool add_up(const char *what, double parts, double total, struct text *ret_problem)
{
    return parts < total || parts > total ? refuse_sum(what, parts, total, ret_problem) : true;
}

static bool nearly_add_up(const struct self_check *check, const char *what, double parts,
                          double total, struct text *ret_problem)
{
    const double relative = SLACK + SLACK_EACH * (double)check->offered;
    return fabs(parts - total) > relative * (fabs(parts) + fabs(total))
               ? refuse_sum(what, parts, total, ret_problem)
               : true;
}

static bool check_samples(const struct self_check *check, struct text *ret_problem)
{
    const double *n = check->tally->counters;
    if (check->offered != check->answered + check->dropped + check->in_flight) {
        text_format(ret_problem,
                    "%" PRIu64 " samples were offered, but %" PRIu64 " answered, %" PRIu64
                    " dropped and %" PRIu64 " in flight",
                    check->offered, check->answered, check->dropped, check->in_flight);
        return false;
    }
    const double left = n[COUNTER_OFFERED] - n[COUNTER_ANSWERED] - n[COUNTER_DROPPED];
    if (left < 0 || left > (double)check->in_flight) {
        text_format(ret_problem,
                    "of %.17g counted samples %.17g were answered and %.17g dropped, with %" PRIu64
                    " in flight",
                    n[COUNTER_OFFERED], n[COUNTER_ANSWERED], n[COUNTER_DROPPED], check->in_flight);
        return false;
    }
    return true;
}

static bool check_counts(const struct self_check *check, struct text *ret_problem)
{
    const struct world *world = check->world;
    const struct world_counters *at = &world->counters;
    const double *n = check->tally->counters;
    const double answered = n[COUNTER_ANSWERED];
    if (!add_up("right and wrong answers", n[COUNTER_CORRECT] + n[COUNTER_ERRORS], answered,
                ret_problem) ||
        !add_up("answers by tier", sum_of(n + at->answered_at, world->tiers), answered,
                ret_problem) ||
        !add_up("answers by exit", sum_of(n + at->answered_by, world->view.exits), answered,
                ret_problem) ||
        !add_up("latencies in the histogram", (double)check->tally->latency.total, answered,
                ret_problem) ||
        !add_up("drops by reason", sum_of(n + at->dropped_for, world->reasons), n[COUNTER_DROPPED],
                ret_problem) ||
        !nearly_add_up(check, "bytes by link", sum_of(n + at->bytes, 2 * world->spec->link_count),
                       n[COUNTER_BYTES], ret_problem) ||
        !nearly_add_up(check, "joules by tier", sum_of(n + at->joules, world->tiers),
                       n[COUNTER_JOULES], ret_problem)) {
        return false;
    }
    if (n[COUNTER_ON_TIME_CORRECT] > n[COUNTER_CORRECT] ||
        n[COUNTER_OFFLOADED] > n[COUNTER_OFFERED] ||
        n[COUNTER_DEADLINE_MISSES] > n[COUNTER_OFFERED]) {
        text_format(
            ret_problem,
            "of %.17g samples %.17g were offloaded and %.17g late, and %.17g of %.17g right "
            "answers came in time",
            n[COUNTER_OFFERED], n[COUNTER_OFFLOADED], n[COUNTER_DEADLINE_MISSES],
            n[COUNTER_ON_TIME_CORRECT], n[COUNTER_CORRECT]);
        return false;
    }
    return true;
}

// The counters of classes and what each of them is a part of.
static bool check_classes(const struct self_check *check, struct text *ret_problem)
{
    static const struct {
        enum class_counter part;
        enum counter whole;
        const char *what;
    } parts[] = {
        {CLASS_OFFERED, COUNTER_OFFERED, "samples by class"},
        {CLASS_ANSWERED, COUNTER_ANSWERED, "answers by class"},
        {CLASS_CORRECT, COUNTER_CORRECT, "right answers by class"},
        {CLASS_DROPPED, COUNTER_DROPPED, "drops by class"},
        {CLASS_OFFLOADED, COUNTER_OFFLOADED, "offloaded samples by class"},
        {CLASS_LATENCY_S, COUNTER_LATENCY_S, "latencies by class"},
    };
    const struct world *world = check->world;
    const double *n = check->tally->counters;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && world->has_classes; i++) {
        double sum = 0;
        for (int k = 0; k < world->class_count; k++) {
            sum += n[world->counters.classes + k * CLASS_COUNTER_COUNT + (int)parts[i].part];
        }
        const double whole = n[parts[i].whole];
        if (parts[i].part == CLASS_LATENCY_S
                ? !nearly_add_up(check, parts[i].what, sum, whole, ret_problem)
                : !add_up(parts[i].what, sum, whole, ret_problem)) {
            return false;
        }
    }
    return !world->labels ||
           (add_up("answers by label", sum_of(check->tally->label_answered, world->labels),
                   n[COUNTER_ANSWERED], ret_problem) &&
            add_up("right answers by label", sum_of(check->tally->label_correct, world->labels),
                   n[COUNTER_CORRECT], ret_problem));
}

static bool check_latency(const struct self_check *check, struct text *ret_problem)
{
    const struct histogram *latency = &check->tally->latency;
    const double answered = check->tally->counters[COUNTER_ANSWERED];
    const double sum = check->tally->counters[COUNTER_LATENCY_S];
    const double slack = rounding(check, sum, answered);
    if (sum >= answered * latency->least - slack && sum <= answered * latency->most + slack) {
        return true;
    }
    text_format(ret_problem, "%.17g latencies between %.17g s and %.17g s have a sum of %.17g s",
                answered, latency->least, latency->most, sum);
    return false;
}

// ---- accuracy ----

// How many answers could be right, and wrong, at most.
static bool check_accuracy(const struct self_check *check, struct text *ret_problem)
{
    const struct world *world = check->world;
    const double *n = check->tally->counters;
    double right = 0;
    double wrong = 0;
    for (int i = 0; i < world->sources; i++) {
        const struct world_source *source = &world->source[i];
        if (source->generator) {
            return true;
        }
        right += source->rows_right ? check->passes[i] * source->rows_right : 0;
        wrong += source->rows_wrong ? check->passes[i] * source->rows_wrong : 0;
    }
    if (n[COUNTER_CORRECT] <= right && n[COUNTER_ERRORS] <= wrong) {
        return true;
    }
    text_format(ret_problem,
                "%.17g answers were right and %.17g wrong, but on these samples the best policy "
                "has at most %.17g right ones and the worst at most %.17g wrong ones",
                n[COUNTER_CORRECT], n[COUNTER_ERRORS], right, wrong);
    return false;
}

// ---- stations ----

static bool check_conservation(const struct self_check *check, struct text *ret_problem)
{
    // A sample that stays for good stands in some queue.
    uint64_t left = 0;
    for (int i = 0; i < check->world->stations; i++) {
        left += check->present[i];
        if (check->present[i] > check->in_flight) {
            text_format(ret_problem,
                        "%" PRIu64 " samples have not left station '%s', but %" PRIu64
                        " are in flight",
                        check->present[i], check->world->station[i].name, check->in_flight);
            return false;
        }
    }
    if (left != check->in_flight) {
        text_format(ret_problem,
                    "%" PRIu64 " samples are at stations at the end, but %" PRIu64 " in flight",
                    left, check->in_flight);
        return false;
    }
    return true;
}

static bool check_visits(const struct self_check *check, const struct edges *edges, int station,
                         struct text *ret_problem)
{
    const struct station_tally *t = &check->tally->stations[station];
    const bool too_many = edges->before <= 0 && t->arrivals > t->visits;
    const bool too_few = edges->after <= 0 && t->arrivals < t->visits;
    if (!too_many && !too_few) {
        return true;
    }
    text_format(ret_problem,
                "%" PRIu64 " samples came to station '%s' in the window, but %" PRIu64
                " counted ones have left it",
                t->arrivals, check->world->station[station].name, t->visits);
    return false;
}

static bool check_little(const struct self_check *check, const struct edges *edges, int station,
                         struct text *ret_problem)
{
    const struct station_tally *t = &check->tally->stations[station];
    const double slack = rounding(check, t->wait_s, (double)t->visits + (double)t->arrivals);
    const double more = t->wait_s - t->queue_area_s;
    if (more >= -edges->before_s - slack && more <= edges->after_s + slack) {
        return true;
    }
    text_format(ret_problem,
                "Little's law does not hold at station '%s': its queue makes %.17g sample-seconds, "
                "but the waits there add up to %.17g s; the edges of the window explain from "
                "%.3g s less to %.3g s more",
                check->world->station[station].name, t->queue_area_s, t->wait_s, edges->before_s,
                edges->after_s);
    return false;
}

// Whether a server is busy for as long as the work that was counted when it came.
static bool has_plain_work(const struct world_station *station)
{
    if (station->is_fair) {
        return station->rate.parts == 0;
    }
    const struct lane_rules *rules = station->rules;
    return !rules ||
           (station->role == STATION_COMPUTE && !rules->speeds && !rules->steps && !rules->fails);
}

static bool check_utilisation(const struct self_check *check, const struct edges *edges, int number,
                              struct text *ret_problem)
{
    const struct world_station *station = &check->world->station[number];
    const struct station_tally *t = &check->tally->stations[number];
    const double slack = rounding(check, t->busy_area_s, (double)t->visits + (double)t->arrivals);
    const bool scales = station->rules && station->rules->scaling;
    const double most_s =
        scales ? t->server_area_s : (double)station->lanes * station->servers * edges->window_s;
    if (t->busy_area_s > most_s + slack) {
        text_format(ret_problem,
                    "the servers of station '%s' were busy for %.17g s, but there are no more than "
                    "%.17g server-seconds",
                    station->name, t->busy_area_s, most_s);
        return false;
    }
    const double more = t->work_s - t->busy_area_s;
    if (check->dropped || !has_plain_work(station) ||
        (more >= -edges->before_s - slack && more <= edges->after_s + slack)) {
        return true;
    }
    text_format(ret_problem,
                "the servers of station '%s' were busy for %.17g s, but work for %.17g s came and "
                "nothing was lost; the edges of the window explain from %.3g s less to %.3g s more",
                station->name, t->busy_area_s, t->work_s, edges->before_s, edges->after_s);
    return false;
}

// ---- flow between tiers ----

// The up station of a link; its down station is the next.
static int up_station(const struct world *world, int link)
{
    return world->stations - 2 * (world->spec->link_count - link);
}

static bool check_links(const struct self_check *check, struct text *ret_problem)
{
    const struct world *world = check->world;
    for (int link = 0; link < world->spec->link_count; link++) {
        const int up = up_station(world, link);
        const double visits = (double)check->tally->stations[up].visits;
        const double counted = check->tally->counters[world->counters.offloads + link];
        if (visits < counted || visits > counted) {
            text_format(ret_problem,
                        "%.17g samples were sent over link '%s', but %.17g have left it", counted,
                        world->station[up].name, visits);
            return false;
        }
    }
    return true;
}

static bool check_flow(const struct self_check *check, struct text *ret_problem)
{
    const struct world *world = check->world;
    const double *n = check->tally->counters;
    const bool travels = world->spec->samples.answer_bytes >= 0; // answers go back to the device
    for (int tier = 0; tier < world->tiers && !world->loses_messages; tier++) {
        double stay = tier == 0 ? n[COUNTER_OFFERED] : 0;
        for (int link = 0; link < world->spec->link_count; link++) {
            const struct spec_link *between = &world->spec->links[link];
            const struct station_tally *up = &check->tally->stations[up_station(world, link)];
            const double net = (double)up[0].visits - (double)up[1].visits;
            stay += between->to == tier ? net : between->from == tier ? -net : 0;
        }
        const double answered = !travels    ? n[world->counters.answered_at + tier]
                                : tier == 0 ? n[COUNTER_ANSWERED]
                                            : 0;
        if (stay < answered || stay > answered + n[COUNTER_DROPPED]) {
            text_format(ret_problem,
                        "%.17g samples have come to tier '%s' and not gone on, but %.17g were "
                        "answered there and %.17g dropped anywhere",
                        stay, world->view.tier[tier].name, answered, n[COUNTER_DROPPED]);
            return false;
        }
    }
    return true;
}

// ---- all of it ----

static bool check_stations(const struct self_check *check, struct text *ret_problem)
{
    const struct edges edges = find_edges(check);
    for (int i = 0; i < check->world->stations && edges.has_window; i++) {
        if (!check_visits(check, &edges, i, ret_problem) ||
            !check_little(check, &edges, i, ret_problem) ||
            !check_utilisation(check, &edges, i, ret_problem)) {
            return false;
        }
    }
    return check_links(check, ret_problem) && check_flow(check, ret_problem);
}

bool self_check(const struct self_check *check, struct text *ret_problem)
{
    // Sums of visits lack those of samples that stay for good.
    return check_samples(check, ret_problem) && check_counts(check, ret_problem) &&
           check_classes(check, ret_problem) && check_latency(check, ret_problem) &&
           check_accuracy(check, ret_problem) && check_conservation(check, ret_problem) &&
           (check->in_flight || check_stations(check, ret_problem));
}

// How often at most a row of a source can have been met: as often as the trace was gone through by
// the device that has come furthest, the last time counting whole.
static double most_passes(const struct run *run, const struct world_source *source)
{
    if (run->world->spec->samples.order == ORDER_RESAMPLE && source->rows > 1) {
        return INFINITY;
    }
    uint64_t ranks = 0;
    for (uint32_t device = 0; device < run->world->devices; device++) {
        const uint64_t index = run->devices[device].index;
        const uint64_t after = index ? workload_rank(run, index - 1, device) + 1 : 0;
        ranks = after > ranks ? after : ranks;
    }
    return ceil((double)ranks / source->rows);
}

void self_check_run(struct run *run, struct arena *arena)
{
    const struct world *world = run->world;
    struct self_check check = {
        .world = world,
        .tally = run->tally,
        .present = arena_new_array(arena, (size_t)world->stations, uint64_t),
        .passes = arena_new_array(arena, (size_t)world->sources, double),
        .offered = run->offered,
        .answered = run->answered,
        .dropped = run->dropped,
        .in_flight = run->in_flight,
        .ended_s = run->now_s,
    };
    for (int i = 0; i < world->stations; i++) {
        const struct world_station *station = &world->station[i];
        for (uint32_t lane = 0; lane < station->lanes; lane++) {
            check.present[i] += run->present[station->first_lane + lane];
        }
    }
    for (int i = 0; i < world->sources; i++) {
        check.passes[i] = most_passes(run, &world->source[i]);
    }
    if (run->options->falsify) {
        run->options->falsify(run->options->context, &check);
    }
    struct text problem = {0};
    if (!self_check(&check, &problem)) {
        run->has_failed = true;
        text_format(run->error,
                    "the simulator contradicts itself under policy '%s': %s; at time %.9g s, seed "
                    "%" PRIu64 ", replication %" PRIu64 " (to see it again: --seed %" PRIu64
                    " --replications %" PRIu64 ")",
                    world->policy->name, text_string(&problem), run->now_s, run->key.seed,
                    run->options->number, run->key.seed, run->options->number + 1);
    }
    text_finish(&problem);
}

void self_check_prepare(struct world *world)
{
    for (int i = 0; i < world->sources; i++) {
        struct world_source *source = &world->source[i];
        const size_t exits = (size_t)source->trace->exits;
        source->rows_right = source->rows_wrong = 0;
        for (uint32_t k = 0; k < source->rows && !source->generator; k++) {
            const size_t row = source->row ? source->row[k] : k;
            size_t right = 0;
            for (size_t exit = 0; exit < exits; exit++) {
                right += source->trace->outcomes[row * exits + exit].correct != 0;
            }
            source->rows_right += right > 0;
            source->rows_wrong += right < exits;
        }
    }
}
