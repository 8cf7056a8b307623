// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/memory.h"
#include "base/text.h"
#include "cli/about.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "results/database.h"

#include <gsl/gsl_errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

const struct command commands[] = {
    {.name = "run",
     .summary = "run a scenario and print its metrics with confidence intervals",
     .operands = "SCENARIO.yaml",
     .operand_suffix = ".yaml",
     .least_operands = 1,
     .most_operands = 1,
     .about =
         "Runs every policy of the scenario on the same samples, prints what came out and stores "
         "it in the database. Every estimate is a mean over independent replications with its "
         "confidence interval.",
     .examples = "  offloadsim run scenarios/mm1.yaml\n"
                 "  offloadsim run scenarios/hi-digits.yaml --set policy.hi_threshold.theta=0.8\n"
                 "  offloadsim run scenarios/hi-digits.yaml --format json --no-store\n",
     .run = verb_run},
    {.name = "sweep",
     .summary = "run a scenario at many settings, never twice the same",
     .operands = "SCENARIO.yaml",
     .operand_suffix = ".yaml",
     .least_operands = 1,
     .most_operands = 1,
     .about =
         "Runs every point of the scenario's 'sweep' block and of each --set with several values: "
         "a,b,c, range(from,to,step) or log(from,to,count). Points that the database has are not "
         "simulated again; points that differ in prices only are simulated once. Stopped at any "
         "moment, the same command goes on.",
     .examples = "  offloadsim sweep scenarios/sweeps/hi-cost.yaml\n"
                 "  offloadsim sweep scenarios/hi-digits.yaml --set "
                 "'policy.hi_threshold.theta=range(0,1,0.1)'\n"
                 "  offloadsim sweep scenarios/sweeps/hi-cost.yaml --dry-run\n",
     .run = verb_sweep},
    {.name = "reprice",
     .summary = "what a stored experiment costs at other prices, without simulating again",
     .operands = "--experiment N --set prices.PRICE=VALUES",
     .about =
         "Prices every point of an experiment in the database anew from what its runs have "
         "counted, at each combination of the new prices: a,b,c, range(from,to,step) or "
         "log(from,to,count). Prices that are not set stay as they were, and nothing is written. "
         "An experiment with a policy whose decisions depend on prices is refused: 'sweep' "
         "simulates it at other prices.",
     .examples = "  offloadsim reprice --experiment 1 --set 'prices.offload=range(0,1,0.01)'\n"
                 "  offloadsim reprice --experiment 1 --set prices.error=1,2,5 --set "
                 "'prices.latency=0.5 /s'\n"
                 "  offloadsim reprice --experiment 3 --set prices.offload.edge-cloud=0.2 --format "
                 "json\n",
     .run = verb_reprice},
    {.name = "check",
     .summary = "validate a scenario without running it",
     .operands = "SCENARIO.yaml",
     .operand_suffix = ".yaml",
     .least_operands = 1,
     .most_operands = 1,
     .about =
         "Reads the scenario and its trace, builds every point, and reports all that is wrong, "
         "or what would be run.",
     .examples = "  offloadsim check scenarios/hi-digits.yaml\n"
                 "  offloadsim check my.yaml --set tiers.edge.compute.servers=4\n"
                 "  offloadsim check scenarios/partition.yaml --explain\n",
     .run = verb_check},
    {.name = "policies",
     .summary = "list the policies, or explain one",
     .operands = "[NAME]",
     .most_operands = 1,
     .about =
         "Without a name, lists all policies, or prints the reference of all with --format md. "
         "With one, prints its paper, its parameters and an example.",
     .examples = "  offloadsim policies\n"
                 "  offloadsim policies hi_threshold\n"
                 "  offloadsim policies mypolicy --plugin ./mypolicy.so\n",
     .run = verb_policies},
    {.name = "keys",
     .summary = "list the keys of a scenario with type, unit, default, range and meaning",
     .operands = "[PART]",
     .most_operands = 1,
     .about = "Lists all keys that a scenario can have, or those whose path contains PART. Names "
              "in "
              "capitals stand for names of your own.",
     .examples = "  offloadsim keys\n"
                 "  offloadsim keys links\n"
                 "  offloadsim keys hi_threshold\n",
     .run = verb_keys},
    {.name = "fit",
     .summary = "make parameters for generated samples out of a trace, and tell how well they hold",
     .operands = "TRACE.csv",
     .operand_suffix = ".csv",
     .least_operands = 1,
     .most_operands = 1,
     .about = "Fits accuracies, confidences, correlations and features, and writes a file for "
              "'samples: {generated: FILE}'. A fit to a random half of the samples is compared "
              "with the other half; what is written is the fit to all of them.",
     .examples = "  offloadsim fit scenarios/data/digits.csv --output digits.yaml\n"
                 "  offloadsim fit trace.csv --exit small=s_conf,s_ok --exit large=l_conf,l_ok\n"
                 "  offloadsim fit trace.csv --long sample=id,exit=exit,confidence=c,correct=ok\n",
     .run = verb_fit},
    {.name = "compare",
     .summary = "compare the points of an experiment pair by pair, on the same random numbers",
     .operands = "[EXPERIMENT]",
     .most_operands = 1,
     .about =
         "Reads an experiment from the database, the latest one without a number, and compares "
         "its points by the differences of their replications, which met the same samples. Up "
         "to 8 points are compared each with each, more with the first one only.",
     .examples = "  offloadsim compare\n"
                 "  offloadsim compare 3 --metric latency_p99_s\n",
     .run = verb_compare},
    {.name = "query",
     .summary = "ask the results database: a named query or any SQL that reads",
     .operands = "[NAME | SQL]",
     .most_operands = 1,
     .about = "Without an operand, lists the named queries. A wrong or missing --param lists those "
              "that a query takes.",
     .examples = "  offloadsim query runs\n"
                 "  offloadsim query best --param accuracy=0.95 --param latency_s=0.1\n"
                 "  offloadsim query breakeven --param parameter=prices.offload\n"
                 "  offloadsim query pareto --explain\n"
                 "  offloadsim query \"SELECT policy, count(*) FROM points GROUP BY policy\" "
                 "--format csv\n",
     .run = verb_query},
    {.name = "export",
     .summary = "write an experiment to files for other programs",
     .operands = "",
     .about = "Writes points, prices, replications and samples of one experiment, and a dictionary "
              "that says what every column means and its unit.",
     .examples = "  offloadsim export --output results\n"
                 "  offloadsim export --experiment 3 --format json --output three.json\n",
     .run = verb_export},
    {.name = "merge",
     .summary = "add the results of another database",
     .operands = "OTHER.db",
     .operand_suffix = ".db",
     .least_operands = 1,
     .most_operands = 1,
     .about = "What is in both is there once afterwards: parts of a sweep that ran on several "
              "machines become one. The other file stays as it is.",
     .examples = "  offloadsim merge cluster.db\n"
                 "  offloadsim merge /mnt/other/offloadsim.db --db all.db\n",
     .run = verb_merge},
    {.name = NULL},
};

static int unknown_command(const char *name)
{
    const char *names[sizeof(commands) / sizeof(commands[0])];
    size_t count = 0;
    for (const struct command *command = commands; command->name; command++) {
        names[count++] = command->name;
    }
    const char *nearest = text_nearest(name, names, count);
    if (nearest) {
        return output_error(STATUS_BAD_INPUT, "unknown command '%s'; did you mean '%s'?", name,
                            nearest);
    }
    return output_error(STATUS_BAD_INPUT,
                        "unknown command '%s'; 'offloadsim --help' lists the commands", name);
}

static int print_help(const struct command *command)
{
    struct text text = {0};
    help_add(command, &text);
    const int status = output_text(&text);
    text_finish(&text);
    return status;
}

// What stands in the place of a command. Returns an exit status, or -1 if it is none of these.
static int print_about(const char *word, const char *next)
{
    struct text text = {0};
    int status = STATUS_FINE;
    if (strcmp(word, "--version") == 0) {
        version_add(&text);
    } else if (strcmp(word, "--man") == 0) {
        manual_add(&text);
    } else if (strcmp(word, "--completion") != 0) {
        return -1;
    } else if (completion_add(next ? next : "", &text) != 0) {
        status = output_error(STATUS_BAD_INPUT, "'--completion' takes bash, zsh or fish");
    }
    status = status == STATUS_FINE ? output_text(&text) : status;
    text_finish(&text);
    return status;
}

// Those who call GSL look at what it returns, but for memory, of which there should be enough.
static void take_gsl_error(const char *reason, const char *file, int line, int number)
{
    (void)reason;
    (void)file;
    (void)line;
    if (number == GSL_ENOMEM) {
        memory_give_up();
    }
}

int main(int count, char **words)
{
    setlocale(LC_CTYPE, ""); // only to know whether the terminal shows UTF-8
    gsl_set_error_handler(take_gsl_error);
    database_set_up();
    if (count < 2) {
        fputs("usage: offloadsim COMMAND [OPTIONS]; 'offloadsim --help' lists the commands\n",
              stderr);
        return STATUS_BAD_INPUT;
    }
    if (strcmp(words[1], "--help") == 0 || strcmp(words[1], "-h") == 0 ||
        strcmp(words[1], "help") == 0) {
        const struct command *command = count > 2 ? command_find(words[2]) : NULL;
        return count > 2 && !command ? unknown_command(words[2]) : print_help(command);
    }
    const int about = print_about(words[1], words[2]);
    if (about >= 0) {
        return about;
    }
    const struct command *command = command_find(words[1]);
    if (!command) {
        return unknown_command(words[1]);
    }
    struct arguments arguments;
    struct text error = {0};
    if (arguments_parse(command, count - 2, words + 2, &arguments, &error) != 0) {
        const int status = output_error(STATUS_BAD_INPUT, "%s", text_string(&error));
        text_finish(&error);
        return status;
    }
    const int status = arguments.help ? print_help(command) : command->run(&arguments);
    arguments_finish(&arguments);
    text_finish(&error);
    return status;
}
