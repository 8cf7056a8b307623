// SPDX-License-Identifier: GPL-3.0-or-later
#include "policies/plugin.h"

#include "policies/policy.h"

#include <dlfcn.h>
#include <link.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define COMPILE_HINT "compile it as a shared object: cc -shared -fPIC ..."

__attribute__((format(printf, 3, 4))) static int refuse(struct plugin_problem *ret_problem,
                                                        const char *hint, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(ret_problem->message, sizeof(ret_problem->message), format, arguments);
    va_end(arguments);
    snprintf(ret_problem->hint, sizeof(ret_problem->hint), "%s", hint);
    return -1;
}

// Whether all that the loader would map is there. It does not look, and the program would be killed
// where a file that is still being copied ends.
static int is_whole(const unsigned char *bytes, size_t length)
{
    ElfW(Ehdr) header;
    if (length < sizeof(header) || memcmp(bytes, ELFMAG, SELFMAG) != 0) {
        return 1; // the loader says what it is not
    }
    memcpy(&header, bytes, sizeof(header));
    for (size_t i = 0; i < header.e_phnum; i++) {
        ElfW(Phdr) segment;
        const size_t at = header.e_phoff + i * sizeof(segment);
        if (at < header.e_phoff || at > length || length - at < sizeof(segment)) {
            return 0;
        }
        memcpy(&segment, bytes + at, sizeof(segment));
        if (segment.p_offset > length || segment.p_filesz > length - segment.p_offset) {
            return 0;
        }
    }
    return 1;
}

// What the loader says, without the path that it begins with.
static const char *loader_problem(const char *path)
{
    const char *problem = dlerror();
    const size_t length = strlen(path);
    if (!problem) {
        return "for a reason that the loader does not tell";
    }
    if (strncmp(problem, path, length) == 0 && strncmp(problem + length, ": ", 2) == 0) {
        problem += length + 2;
    }
    return problem;
}

// With a slash, because the loader looks for a bare name in the folders of the system.
static void *open_object(const char *path, struct plugin_problem *ret_problem)
{
    char beside[4096];
    if (!strchr(path, '/')) {
        if (snprintf(beside, sizeof(beside), "./%s", path) >= (int)sizeof(beside)) {
            refuse(ret_problem, "shorten it", "has a path that is too long");
            return NULL;
        }
        path = beside;
    }
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        const char *problem = loader_problem(path);
        const char *hint = strstr(problem, "undefined symbol")
                               ? "link it with the library that has the symbol"
                               : COMPILE_HINT;
        refuse(ret_problem, hint, "cannot be loaded: %s", problem);
    }
    return handle;
}

static int check_type(const struct policy_type *type, struct plugin_problem *ret_problem)
{
    // First of all: nothing else of the structure means anything if its versions differ.
    if (type->api != POLICY_API_VERSION) {
        return refuse(ret_problem, "compile it again with the installed header",
                      "was compiled with version %d of policy.h, but this program has %d",
                      type->api, POLICY_API_VERSION);
    }
    if (!type->name || !*type->name) {
        return refuse(ret_problem, "set '.name' in offloadsim_policy",
                      "has a policy without a name");
    }
    if (!type->decide) {
        return refuse(ret_problem, "set '.decide' in offloadsim_policy",
                      "has a policy without a function 'decide'");
    }
    return 0;
}

int plugin_open(const char *path, const void *bytes, size_t length, struct plugin *ret_plugin,
                struct plugin_problem *ret_problem)
{
    if (!is_whole(bytes, length)) {
        return refuse(ret_problem, "compile or copy it again", "is cut short");
    }
    struct plugin plugin = {.handle = open_object(path, ret_problem)};
    if (!plugin.handle) {
        return -1;
    }
    plugin.policy = dlsym(plugin.handle, "offloadsim_policy");
    if (!plugin.policy) {
        plugin_close(&plugin);
        return refuse(ret_problem,
                      "define 'const struct policy_type offloadsim_policy = {...};' in it, as "
                      "docs/your-own-policy.md shows",
                      "has no 'offloadsim_policy'");
    }
    if (check_type(plugin.policy, ret_problem) != 0) {
        plugin_close(&plugin);
        return -1;
    }
    *ret_plugin = plugin;
    return 0;
}

void plugin_close(struct plugin *plugin)
{
    if (plugin && plugin->handle) {
        dlclose(plugin->handle);
        *plugin = (struct plugin){0};
    }
}
