// SPDX-License-Identifier: GPL-3.0-or-later
#include "model/paths.h"

#include "base/memory.h"
#include "base/text.h"
#include "model/run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// A decision point as all samples meet it that came there in the same way.
struct node {
    const struct policy_action *actions; // [depth]: how they came
    int depth;
    int tier;
    int model;
    int layer;
    int has_arrived;
    int computations;
    bool is_raw;  // what it would send is the raw input
    double bytes; // else
    const int *exits;
    int exit_count;
    int latest; // among these; -1: none
    struct edge *edges;
    int edge_count;
};

struct edge {
    struct policy_action action;
    struct node *node; // NULL: the path ends
    int path;
};

// Follows a list of actions, then looks at what is asked next.
struct script {
    const struct policy_action *actions;
    int count;
    int next;
    bool was_asked;
};

// What a sample alone in the world meets.
struct visits {
    struct leg legs[PATH_MOST_LEGS];
    int count;
    bool are_too_many;
    bool has_ended;
    int answer_exit;
    int answer_tier;
    const double *counted;
};

struct paths {
    struct arena *arena;
    const struct world *world;
    struct node **roots; // [class]
    struct path *all;
    int room;
    int count;
    // The empty world.
    struct policy_type script_type;
    struct world lone_world;
    struct replication_options options;
    struct run lone;
    struct script script;
    struct visits visits;
    struct text ignored;
};

// ---- one sample alone ----

static struct policy_action follow_script(const struct policy_world *world, const void *parameters,
                                          const void *plan, void *state,
                                          const struct policy_view *view)
{
    (void)world;
    (void)parameters;
    (void)plan;
    (void)view;
    struct script *script = state;
    if (script->next < script->count) {
        return script->actions[script->next++];
    }
    script->was_asked = true;
    return policy_drop(POLICY_LOST); // of a sample that has lost nothing, which ends the matter
}

// Which lane a sample of a class takes at a station, as sample_lane() has it.
static void set_lane(const struct world *world, const struct world_class *devices,
                     const struct world_station *station, struct leg *leg)
{
    const bool is_compute = station->role == STATION_COMPUTE;
    leg->tier = is_compute ? station->tier : world->spec->links[station->link].from;
    leg->nodes = devices->tier[leg->tier].nodes;
    leg->first_lane = station->first_lane;
    leg->lanes = is_compute ? leg->nodes : station->lanes;
    if (!is_compute && leg->tier == 0 && station->lanes == world->devices) {
        leg->is_per_device = true; // each has a link of its own
    } else if (is_compute && leg->nodes == devices->devices) {
        leg->is_per_device = true;
        leg->first_lane -= devices->first_device; // in arithmetic modulo 2^32
    }
}

static void note_visit(void *context, const struct visit_record *record)
{
    struct paths *paths = context;
    struct visits *visits = &paths->visits;
    if (visits->count == PATH_MOST_LEGS) {
        visits->are_too_many = true;
        return;
    }
    const struct world *world = paths->world;
    const struct world_station *station = &world->station[record->station];
    const struct sample *sample = &paths->lone.samples[0];
    const struct world_class *devices = &world->classes[sample->device_class];
    struct leg *leg = &visits->legs[visits->count++];
    *leg = (struct leg){.station = record->station};
    set_lane(world, devices, station, leg);
    if (station->role == STATION_COMPUTE) {
        leg->layer = devices->tier[station->tier].layers[record->model] + record->first_layer;
        leg->layers = record->last_layer - record->first_layer + 1;
        leg->model = record->model;
        leg->first = record->first_layer;
        const bool is_stated = !isnan(devices->tier[station->tier].layers[record->model][0].joules);
        leg->joules = is_stated ? 0 : NAN;
        for (int i = 0; i < leg->layers && is_stated; i++) {
            leg->joules += leg->layer[i].joules;
        }
    } else {
        const struct spec_link *link = &world->spec->links[station->link];
        leg->is_raw = record->raw_bytes > 0;
        leg->bytes = leg->is_raw ? link->overhead_bytes : record->bytes;
    }
}

static void note_end(void *context, const struct sample_record *record)
{
    struct paths *paths = context;
    paths->visits.has_ended = true;
    paths->visits.answer_exit = record->answer_exit;
    paths->visits.answer_tier = record->answer_tier;
    paths->visits.counted = record->counted;
}

// Whoever is alone has no need of a queue, nor of more than one server.
static struct world_station *lone_stations(const struct world *world, struct arena *arena)
{
    struct world_station *stations =
        arena_new_array(arena, (size_t)world->stations, struct world_station);
    for (int i = 0; i < world->stations; i++) {
        stations[i] = world->station[i];
        if (stations[i].rules) {
            stations[i].rules = NULL;
            stations[i].servers = 1;
        }
    }
    return stations;
}

static void init_lone(struct paths *paths, const struct run *run)
{
    const struct world *world = run->world;
    struct arena *arena = paths->arena;
    const size_t exits = (size_t)world->view.exits;
    paths->script_type = (struct policy_type){.api = POLICY_API_VERSION,
                                              .name = world->policy->name,
                                              .reasons = world->policy->reasons,
                                              .decide = follow_script};
    paths->lone_world = *world;
    paths->lone_world.policy = &paths->script_type;
    paths->lone_world.station = lone_stations(world, arena);
    paths->options =
        (struct replication_options){.observe = note_end, .visited = note_visit, .context = paths};
    struct run *lone = &paths->lone;
    *lone = (struct run){.world = &paths->lone_world,
                         .options = &paths->options,
                         .key = run->key,
                         .place = run->place,
                         .free_slot = NO_SLOT,
                         .sample_room = 1,
                         .states = (char *)&paths->script,
                         .error = &paths->ignored};
    // One more for a station with a queue, which has none of its own.
    lone->free_at_s = arena_new_array(arena, world->servers + 1, double);
    lone->lines = arena_new_array(arena, world->servers + 1, struct line);
    lone->present = arena_new_array(arena, world->lanes, uint32_t);
    lone->samples = arena_new(arena, struct sample);
    lone->generated = arena_new_array(arena, exits, struct trace_outcome);
    lone->generated_features = arena_new_array(arena, (size_t)world->view.features, double);
    lone->generated_label = arena_new(arena, int32_t);
    lone->counted = arena_new_array(arena, (size_t)world->counters.count, double);
    lone->why = arena_new(arena, const char *);
    lone->outcomes = arena_new_array(arena, exits, struct policy_outcome);
    lone->correct = arena_new_array(arena, exits, unsigned char);
    links_init(lone, arena);
    view_start(lone);
    lone->tally = arena_new(arena, struct tally);
    tally_init(lone->tally, world, arena);
    lone->tally->window_from_s = INFINITY;
    lone->tally->window_to_s = INFINITY;
}

// Sends a sample of a class ahead that follows the actions.
static void send_ahead(struct paths *paths, int device_class, const struct policy_action *actions,
                       int count)
{
    struct run *lone = &paths->lone;
    paths->script = (struct script){.actions = actions, .count = count};
    paths->visits.count = 0;
    paths->visits.has_ended = paths->visits.are_too_many = false;
    memset(lone->counted, 0, (size_t)paths->world->counters.count * sizeof(double));
    lone->has_failed = false;
    lone->samples[0] = workload_fresh_sample();
    struct sample *sample = &lone->samples[0];
    sample->arrived_s = lone->now_s;
    sample->device = paths->world->classes[device_class].first_device;
    sample->device_class = (uint8_t)device_class;
    sample->raw_bytes = 1;
    sample->is_counted = true;
    journey_decide(lone, 0);
    while (lone->queue.count && !lone->has_failed) {
        const struct event event = event_queue_pop(&lone->queue);
        lone->now_s = event.time_s;
        if (event_kind(&event) == EVENT_DEPART) {
            journey_depart(lone, 0);
        } else {
            journey_deliver(lone, 0);
        }
    }
    while (lone->queue.count) {
        event_queue_pop(&lone->queue);
        const uint64_t server = lone->world->lane_servers[lone->samples[0].lane];
        lone->lines[server] = (struct line){0};
    }
}

// ---- the tree ----

static struct node *new_node(struct paths *paths, const struct policy_action *actions, int depth)
{
    const struct world *world = paths->world;
    const struct sample *sample = &paths->lone.samples[0];
    struct node *node = arena_new(paths->arena, struct node);
    int *exits = arena_new_array(paths->arena, (size_t)world->view.exits, int);
    const bool is_under_way = sample_is_under_way(world, sample);
    *node = (struct node){
        .actions = actions,
        .depth = depth,
        .tier = sample->tier,
        .model = sample->model,
        .layer = sample->layer,
        .has_arrived = sample->has_arrived,
        .computations = sample->computations,
        .is_raw = !is_under_way,
        .bytes = is_under_way ? world->view.model[sample->model].output_bytes[sample->layer] : 0,
        .exits = exits,
        .latest = -1};
    for (int exit = 0; exit < world->view.exits; exit++) {
        if (sample->exits & UINT64_C(1) << exit) {
            if (exit == sample->latest_exit) {
                node->latest = node->exit_count;
            }
            exits[node->exit_count++] = exit;
        }
    }
    return node;
}

static bool is_among(int counter, int first, int count)
{
    return counter >= first && counter < first + count;
}

// Whether what is added to a counter is the same for all samples on a path: not where it depends on
// the outcome, the latency or the window, nor what stations sum up.
static bool is_of_path(const struct world *world, int counter)
{
    const struct world_counters *c = &world->counters;
    if (world->has_classes &&
        is_among(counter, c->classes, world->class_count * CLASS_COUNTER_COUNT)) {
        const int kind = (counter - c->classes) % CLASS_COUNTER_COUNT;
        return kind == CLASS_ANSWERED || kind == CLASS_OFFLOADED || kind == CLASS_DROPPED;
    }
    if (counter < COUNTER_FIXED_COUNT) {
        return counter == COUNTER_ANSWERED || counter == COUNTER_OFFLOADED ||
               counter == COUNTER_DROPPED;
    }
    return !is_among(counter, c->busy_s, world->tiers) &&
           !is_among(counter, c->joules, world->tiers) &&
           !is_among(counter, c->bytes, 2 * world->spec->link_count);
}

// The path that the sample which was sent ahead has come to the end of; -1: one too many.
static int add_path(struct paths *paths)
{
    const struct world *world = paths->world;
    const struct visits *visits = &paths->visits;
    if (paths->count == PATHS_MOST) {
        return -1;
    }
    if (paths->count == paths->room) {
        paths->room = paths->room ? 2 * paths->room : 16;
        paths->all = memory_resize(paths->all, (size_t)paths->room, sizeof(*paths->all));
    }
    struct leg *legs = arena_new_array(paths->arena, (size_t)visits->count, struct leg);
    if (visits->count) {
        memcpy(legs, visits->legs, (size_t)visits->count * sizeof(*legs));
    }
    struct path_count *counts =
        arena_new_array(paths->arena, (size_t)world->counters.count, struct path_count);
    int count = 0;
    for (int i = 0; i < world->counters.count; i++) {
        if (is_of_path(world, i) && visits->counted[i] > 0) {
            counts[count++] = (struct path_count){i, visits->counted[i]};
        }
    }
    paths->all[paths->count] = (struct path){.leg_count = visits->count,
                                             .legs = legs,
                                             .answer_exit = visits->answer_exit,
                                             .answer_tier = visits->answer_tier,
                                             .count_count = count,
                                             .counts = counts};
    return paths->count++;
}

// Finds out where an action leads from a node. Returns NULL if nowhere.
static const struct edge *add_edge(struct paths *paths, int device_class, struct node *node,
                                   const struct policy_action *action)
{
    struct arena *arena = paths->arena;
    const size_t depth = (size_t)node->depth + 1;
    struct policy_action *actions = arena_new_array(arena, depth, struct policy_action);
    if (node->depth) {
        memcpy(actions, node->actions, (depth - 1) * sizeof(*actions));
    }
    actions[depth - 1] = *action;
    send_ahead(paths, device_class, actions, (int)depth);
    struct edge edge = {.action = *action, .path = -1};
    if (paths->visits.are_too_many) {
        return NULL;
    } else if (paths->script.was_asked) {
        edge.node = new_node(paths, actions, (int)depth);
    } else if (paths->visits.has_ended) {
        edge.path = add_path(paths);
    }
    if (!edge.node && edge.path < 0) {
        return NULL;
    }
    struct edge *edges = arena_new_array(arena, (size_t)node->edge_count + 1, struct edge);
    if (node->edge_count) {
        memcpy(edges, node->edges, (size_t)node->edge_count * sizeof(*edges));
    }
    edges[node->edge_count++] = edge;
    node->edges = edges;
    return &edges[node->edge_count - 1];
}

static inline const struct edge *find_edge(const struct node *node,
                                           const struct policy_action *action)
{
    for (int i = 0; i < node->edge_count; i++) {
        const struct policy_action *own = &node->edges[i].action;
        if (own->verb == action->verb && own->what == action->what && own->layer == action->layer) {
            return &node->edges[i];
        }
    }
    return NULL;
}

// ---- asking ----

static inline void show_node(struct run *run, const struct node *node, const struct sample *sample,
                             const struct trace_outcome *outcomes)
{
    struct policy_view *view = &run->view;
    view->tier = node->tier;
    view->model = node->model;
    view->layer = node->layer;
    view->has_arrived = node->has_arrived;
    view->computations = node->computations;
    view->bytes = node->is_raw ? sample->raw_bytes : node->bytes;
    view->outcome_count = node->exit_count;
    for (int i = 0; i < node->exit_count; i++) {
        const int exit = node->exits[i];
        run->outcomes[i] =
            (struct policy_outcome){outcomes[exit].confidence, outcomes[exit].prediction, exit};
    }
    view->latest = node->latest < 0 ? NULL : &run->outcomes[node->latest];
}

int paths_find(struct paths *paths, struct run *run, const struct sample *sample)
{
    const struct world *world = paths->world;
    const struct world_class *devices = sample_class(run, sample);
    const struct trace_outcome *outcomes = sample_outcomes(run, sample);
    struct node *node = paths->roots[sample->device_class];
    view_show_sample(run, sample);
    for (;;) {
        show_node(run, node, sample, outcomes);
        const struct policy_action action = world->policy->decide(
            &devices->view, world->parameters, devices->plan,
            run->states + (size_t)sample->device * world->policy->state_bytes, &run->view);
        const struct edge *edge = find_edge(node, &action);
        if (!edge) {
            edge = add_edge(paths, sample->device_class, node, &action);
        }
        if (!edge) {
            return -1;
        }
        if (!edge->node) {
            return edge->path;
        }
        node = edge->node;
    }
}

// ---- the whole ----

struct paths *paths_new(const struct run *run, struct arena *arena)
{
    const struct world *world = run->world;
    struct paths *paths = arena_new(arena, struct paths);
    paths->arena = arena;
    paths->world = world;
    init_lone(paths, run);
    paths->roots = arena_new_array(paths->arena, (size_t)world->class_count, struct node *);
    for (int i = 0; i < world->class_count; i++) {
        send_ahead(paths, i, NULL, 0);
        paths->roots[i] = new_node(paths, NULL, 0);
    }
    return paths;
}

void paths_finish(struct paths *paths)
{
    if (paths) {
        event_queue_finish(&paths->lone.queue);
        links_finish(&paths->lone);
        text_finish(&paths->ignored);
        free(paths->all);
    }
}

int paths_count(const struct paths *paths)
{
    return paths->count;
}

const struct path *paths_all(const struct paths *paths)
{
    return paths->all;
}
