// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef OFFLOADSIM_POLICY_H
#define OFFLOADSIM_POLICY_H

// A policy decides what happens next to a sample. This header is all that a policy sees of the
// simulator; it includes nothing but the C library.
//
// A policy is a state machine over four actions. The simulator calls decide() at every decision
// point of a sample: when it arrives at a node (its origin or, after `send`, another tier) and when
// a computation ends. The policy answers with one action:
//
//     policy_compute(model, layer)  run the model here, from where the sample stands up to and
//                                   with `layer` (0-based); then ask again, with the outcomes of
//                                   the exits passed now visible
//     policy_send(tier)             ship the sample to another tier, then ask again there; what
//                                   travels is the activation after the last layer that was run
//                                   of a model under way, and the raw input before the first
//                                   layer and after a model's end
//     policy_send_raw(tier)         ship the raw input, also in the middle of a model
//     policy_answer(exit)           final: this exit's prediction goes back to the origin
//     policy_drop(reason)           give the sample up; it is counted
//
// A policy knows what a real deployment could know: outcomes of exits that were computed, what its
// own node observes, prices, time. It has no global variables: what it learns lives in its state,
// one per device or per tier, zeroed before init(). Units: seconds, bytes, bytes per second,
// joules, watts.

#include <stddef.h>
#include <stdint.h>

enum { POLICY_MOST_TIERS = 16 }; // of a world

// Raised whenever the structures below change; a policy states the one it was compiled with.
#define POLICY_API_VERSION 3

enum policy_kind_of_value {
    POLICY_NUMBER,  // double
    POLICY_INTEGER, // int
    POLICY_BOOLEAN, // bool
    POLICY_NUMBERS, // struct policy_numbers; a single number counts as a list of one
    POLICY_CHOICE,  // int: index into `choices`
    POLICY_TIER,    // int: index of a tier, written by its name; -1 if left out
    POLICY_MODEL,   // int: index of a model, written by its name; -1 if left out
    POLICY_MODELS,  // struct policy_indices: models by their names
    POLICY_TIERS    // struct policy_indices: tiers by their names
};

struct policy_numbers {
    const double *values;
    int count;
};

struct policy_indices {
    const int *values;
    int count;
};

// One parameter of a policy. The table of them drives reading, checking, help and documentation.
struct policy_parameter {
    const char *name;
    enum policy_kind_of_value kind;
    size_t offset;            // of the value within the policy's parameter structure
    const char *unit;         // "" for a plain number, else one of "s", "B", "B/s", "/s", "W", "J"
    const char *default_text; // as a scenario would write it; NULL: must be given
    double least;             // range of numbers, both ends included
    double most;
    const char *const *choices; // of POLICY_CHOICE, ended by NULL
    const char *meaning;        // one sentence, with the symbol of the paper if it has one
};

// The world as whoever deploys the policy would know it. All of it is read-only and outlives the
// policy's state.
struct policy_exit {
    const char *name;
    int model;
    int layer; // the exit's outcome is known once this layer has run
};

struct policy_model {
    const char *name;
    int layers;
    int first_exit; // its exits are first_exit .. first_exit + exits - 1 of the world, by layer
    int exits;
    const char *const *layer_names; // as the profile names them; numbers from 1 where it does not
    const double *output_bytes;     // after each layer; NaN where the scenario does not say
};

struct policy_tier {
    const char *name;
    int nodes;
    int servers; // at each node; 0: it computes nothing
    // [model][layer]: mean service time; NULL for a model that cannot run here.
    const double *const *layer_mean_s;
    const double *const *layer_mean_j; // [model][layer]: mean energy beside the idle power
    double layer_price;                // of one layer run here
};

struct policy_link {
    int from;              // lower tier
    int to;                // higher tier
    double up_bytes_per_s; // nominal; INFINITY where the scenario sets no limit
    double down_bytes_per_s;
    double up_delay_mean_s; // propagation
    double down_delay_mean_s;
    double overhead_bytes; // added to each message
    double offload_price;  // of one offload over this link
    double send_w;         // of the radio of the lower tier's node, while it sends
    double send_j_per_byte;
    double receive_w; // the same, while it receives
    double receive_j_per_byte;
};

struct policy_prices {
    double error;
    double latency_per_s;
    double energy_per_j;
    double byte;
    double deadline_miss;
    double drop;
};

// Samples that the scenario sets aside to learn from before anything is deployed; they are never
// simulated. Their truth is known.
struct policy_training {
    int rows;
    const double *features;       // [row][policy_world.features]
    const double *confidences;    // [row][policy_world.exits]
    const unsigned char *correct; // [row][policy_world.exits]
};

struct policy_world {
    int tiers;
    const struct policy_tier *tier;
    int models;
    const struct policy_model *model;
    int exits;
    const struct policy_exit *exit;
    int links;
    const struct policy_link *link;
    // [from * tiers + to]: the first link of the way from a tier to another; -1 where none leads.
    const int *route;
    struct policy_prices prices;
    double payload_mean_bytes;       // of the raw input
    double answer_bytes;             // negative: an answer is back at once
    double deadline_s;               // after arrival; INFINITY: none
    int features;                    // how many features a sample shows before any inference
    struct policy_training training; // 0 rows if the scenario sets none aside
};

// The index of the last layer of a model.
static inline int policy_last_layer(const struct policy_world *world, int model)
{
    return world->model[model].layers - 1;
}

// The exit at the end of a model.
static inline int policy_last_exit(const struct policy_world *world, int model)
{
    return world->model[model].first_exit + world->model[model].exits - 1;
}

// Whether a tier has service times for all layers of a model.
static inline int policy_can_run(const struct policy_world *world, int tier, int model)
{
    return world->tier[tier].layer_mean_s[model] != NULL;
}

// The first and the last model, in the order of the scenario, that a tier can run; -1 if it can run
// none. Where a policy leaves the choice open, the origin runs its first and other tiers their
// last.
static inline int policy_first_model(const struct policy_world *world, int tier)
{
    for (int model = 0; model < world->models; model++) {
        if (policy_can_run(world, tier, model)) {
            return model;
        }
    }
    return -1;
}

static inline int policy_last_model(const struct policy_world *world, int tier)
{
    for (int model = world->models - 1; model >= 0; model--) {
        if (policy_can_run(world, tier, model)) {
            return model;
        }
    }
    return -1;
}

// The outcome of an exit that was computed for this sample.
struct policy_outcome {
    double confidence; // in [0, 1]
    int prediction;    // label; -1 where the samples carry none
    int exit;          // index into policy_world.exit
};

// What a node of a tier has told about itself.
struct policy_report {
    double made_s;    // when; -INFINITY: nothing has come yet
    double queue;     // samples waiting or in service; the mean over nodes where they share work
    double backlog_s; // time until a server is free of what is there
};

// What only a policy that declares itself an oracle sees: for every exit of the world, whether it
// is right about this sample, computed or not.
struct policy_truth {
    const unsigned char *correct; // one per exit of the world
};

// What is known at a decision point. Valid during the call only.
struct policy_view {
    double now_s;
    double arrival_s;  // at the origin
    double deadline_s; // absolute; INFINITY if there is none
    int device;
    int origin;                            // the tier where the sample arose
    int tier;                              // where it is now
    int model;                             // the model under way, -1 before any computation
    int layer;                             // last layer of it that was run, -1 before the first
    int has_arrived;                       // it was sent here, and nothing was computed here yet
    int computations;                      // that this sample had so far, on any tier
    int lost_messages;                     // of this sample so far, given up after all retries
    int is_lost;                           // what it sent last was: it is where it was before; or
                                           // its answer was, and it is at its origin as before
    int lost_target;                       // the tier where that was sent; -1: it was an answer
    int lost_raw;                          // it was the raw input
    double bytes;                          // what `send` would ship now
    const struct policy_outcome *outcomes; // of all exits computed so far, by exit
    int outcome_count;
    const struct policy_outcome *latest; // of the deepest exit of the last computation, or NULL
    const double *features; // policy_world.features numbers, known before any inference
    int queue;              // samples waiting or in service at this node's compute station
    double backlog_s;       // time until a server of this node is free of what is there
    // For policies that observe links: [link] what this node's own transfers upward have shown, the
    // nominal rate until there was one; and when that was last, -INFINITY if never.
    const double *link_bytes_per_s;
    const double *link_seen_s;
    // [link]: time until this node's upward queue of the link is empty, were nothing added.
    const double *link_backlog_s;
    // [link]: how long this node's own messages upward have taken, with their wait and propagation,
    // smoothed; NaN until there was one.
    const double *link_delay_s;
    // For policies that observe returns: how long it took from this device's offloads until the
    // answers were back, smoothed, and the smoothed absolute deviation from that (RFC 6298); NaN
    // until there was one.
    double return_s;
    double return_deviation_s;
    double return_seen_s; // when the last one came back, -INFINITY if none has
    // For policies that observe reports: [tier] of the node that would serve this sample.
    const struct policy_report *reports;
    double uniform; // for policies that draw: a number in (0, 1) of this sample's own, the same at
                    // each of its decision points and for every policy
    const struct policy_truth *truth; // NULL unless the policy is an oracle
};

enum policy_verb { POLICY_COMPUTE = 1, POLICY_SEND, POLICY_SEND_RAW, POLICY_ANSWER, POLICY_DROP };

struct policy_action {
    enum policy_verb verb;
    int what;  // compute: model; send and send_raw: tier; answer: exit; drop: reason
               // (policy_type.reasons)
    int layer; // compute only
    // The reason, for those who look at single samples; NULL: none is given. It is not copied: a
    // string literal, or a text in the plan.
    const char *why;
};

static inline struct policy_action policy_compute(int model, int layer)
{
    return (struct policy_action){POLICY_COMPUTE, model, layer, NULL};
}

static inline struct policy_action policy_send(int tier)
{
    return (struct policy_action){POLICY_SEND, tier, 0, NULL};
}

static inline struct policy_action policy_send_raw(int tier)
{
    return (struct policy_action){POLICY_SEND_RAW, tier, 0, NULL};
}

static inline struct policy_action policy_answer(int exit)
{
    return (struct policy_action){POLICY_ANSWER, exit, 0, NULL};
}

// The simulator's own reason of a drop, for a sample of which a message was lost.
#define POLICY_LOST (-1)

static inline struct policy_action policy_drop(int reason)
{
    return (struct policy_action){POLICY_DROP, reason, 0, NULL};
}

// The same action with its reason: a few words, lower case, no full stop. Worth giving where there
// was a choice: "confidence below theta".
static inline struct policy_action policy_because(struct policy_action action, const char *why)
{
    action.why = why;
    return action;
}

// What becomes of a sample of which a message was lost.
enum policy_when_lost {
    POLICY_WHEN_LOST_LOCAL, // answered with what is known where it is, which is computed if need be
    POLICY_WHEN_LOST_DROP,  // given up
    POLICY_WHEN_LOST_AGAIN  // sent again, or, if it was an answer, decided upon as if nothing had
                            // been; after so many messages as below that were lost, as `local`
};

enum { POLICY_MOST_LOST = 10 };

// A row of a policy's table for the choice of one of these.
#define POLICY_WHEN_LOST_PARAMETER(structure, member)                                              \
    {                                                                                              \
        .name = "when_lost", .kind = POLICY_CHOICE, .offset = offsetof(structure, member),         \
        .unit = "", .default_text = "local",                                                       \
        .choices = (const char *const[]){"local", "drop", "again", NULL},                          \
        .meaning =                                                                                 \
            "a sample of which a message was lost is answered by the node that sent it (an "       \
            "answer that was lost, by the origin) with what it knows or can compute; or "          \
            "dropped; or sent again, up to ten times"                                              \
    }

// To be asked first of all by a policy that offloads. Returns whether the loss of a message decides
// what happens next, and what does.
static inline int policy_when_lost(const struct policy_world *world, const struct policy_view *view,
                                   int when, struct policy_action *ret_action)
{
    if (view->lost_messages <= (when == POLICY_WHEN_LOST_AGAIN ? POLICY_MOST_LOST : 0)) {
        if (!view->is_lost || view->lost_target < 0) {
            return 0;
        }
        *ret_action = policy_because(view->lost_raw ? policy_send_raw(view->lost_target)
                                                    : policy_send(view->lost_target),
                                     "a message was lost");
        return 1;
    }
    const int tier = view->tier;
    const int is_under_way =
        view->model >= 0 && view->layer < policy_last_layer(world, view->model);
    const int model = is_under_way           ? view->model
                      : tier == view->origin ? policy_first_model(world, tier)
                                             : policy_last_model(world, tier);
    if (when == POLICY_WHEN_LOST_DROP) {
        *ret_action = policy_drop(POLICY_LOST);
    } else if (view->outcome_count) {
        *ret_action = policy_answer(view->latest ? view->latest->exit
                                                 : view->outcomes[view->outcome_count - 1].exit);
    } else if (model >= 0 && policy_can_run(world, tier, model)) {
        *ret_action = policy_compute(model, policy_last_layer(world, model));
    } else {
        *ret_action = policy_drop(POLICY_LOST);
    }
    *ret_action = policy_because(*ret_action, "a message was lost");
    return 1;
}

// The truth about a sample that was answered, as it comes back to the node that decided.
struct policy_feedback {
    double now_s;
    int device;
    int exit; // that answered
    int is_correct;
    const struct policy_outcome *outcomes; // of all exits computed, by exit
    const unsigned char *correct;          // of these, one each
    int outcome_count;
    int was_offloaded;
    double latency_s;
};

// What a policy looks at beyond the sample and its own node. What none asks for is not kept up.
enum policy_observations {
    POLICY_OBSERVES_LINKS = 1 << 0,   // policy_view.link_...
    POLICY_OBSERVES_RETURNS = 1 << 1, // policy_view.return_...
    POLICY_OBSERVES_REPORTS = 1 << 2  // policy_view.reports
};

enum { POLICY_EXPLAIN_CELLS = 12, POLICY_EXPLAIN_ROOM = 160 };

// Room for the reason why a policy cannot work in a given world; part of an error message, so
// lower case, no full stop, and with the way out.
enum { POLICY_PROBLEM_ROOM = 256 };

struct policy_type {
    int api; // POLICY_API_VERSION
    const char *name;
    const char *summary;                       // one line
    const char *paper;                         // where the policy comes from; "" if nowhere
    const char *example;                       // as a scenario writes it, in one line
    const struct policy_parameter *parameters; // ended by a NULL name; NULL if there are none
    size_t parameter_bytes;                    // size of the parameter structure
    // What plan() works out once for a world (derived thresholds, tables): zeroed, read-only after.
    size_t plan_bytes;
    // Room beyond plan_bytes, right behind it, where that depends on the world; may be NULL.
    size_t (*plan_more_bytes)(const struct policy_world *world, const void *parameters);
    size_t state_bytes;         // of one device's state; 0 if it learns nothing
    int is_oracle;              // sees the truth; results are marked
    int draws_uniform;          // looks at policy_view.uniform
    int needs_training;         // cannot work without training samples
    // Whether decisions follow from the sample alone: where it is, what was computed, its bytes,
    // its features, `uniform` and `truth`; and otherwise from what observes() says only, not from
    // the time, the node's queue or a state. Samples of such a policy can be simulated without an
    // event queue, several times as fast and with the same results.
    int decides_by_sample;
    const char *const *reasons; // of policy_drop(), ended by NULL; NULL if it never drops

    // Checks that the parameters fit the world and fills the plan. Returns 0, or -1 with a message
    // in `ret_problem` (POLICY_PROBLEM_ROOM bytes). May be NULL.
    int (*plan)(const struct policy_world *world, const void *parameters, void *plan,
                char *ret_problem);
    // What decisions depend on, of enum policy_observations; NULL: none of it.
    unsigned (*observes)(const void *parameters);
    // Whether decisions depend on prices, so that stored runs cannot be priced anew. NULL: never.
    int (*uses_prices)(const void *parameters);
    // What the plan predicts, for `check --explain`: fills one cell a column of row `row`, the
    // headings for row -1. Returns the number of cells, 0 past the last row. May be NULL.
    int (*explain)(const struct policy_world *world, const void *parameters, const void *plan,
                   int row, char cells[POLICY_EXPLAIN_CELLS][POLICY_EXPLAIN_ROOM]);
    // Sets up one state; may be NULL.
    void (*init)(const struct policy_world *world, const void *parameters, const void *plan,
                 void *state);
    struct policy_action (*decide)(const struct policy_world *world, const void *parameters,
                                   const void *plan, void *state, const struct policy_view *view);
    // What became of a sample of this state, when the scenario's `feedback` says that the truth
    // comes back; may be NULL.
    void (*feedback)(const struct policy_world *world, const void *parameters, const void *plan,
                     void *state, const struct policy_feedback *feedback);
    // Releases what init() took beyond the state; may be NULL.
    void (*finish)(void *state);
};

#endif
