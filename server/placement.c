/* placement.c — see placement.h. */
#include "placement.h"

#include "connection/connection.h"
#include "loop/loop.h"
#include "server.h"
#include "session/session.h"

#include <assert.h>
#include <time.h>

/* A session, at its registrar (count: handoffs sent to its loop) or on its loop (count: handoffs that came, connections: those that
 * are still here). */
struct placement_entry {
    struct uuid session;
    unsigned loop;
    uint64_t count;
    uint32_t connections;
    struct placement_entry *next; /* with the same key */
};

struct placement_delivery {
    struct server *to;
    struct handoff *handoff;
};

struct placement_gone {
    struct server *to;
    struct uuid session;
    uint64_t count;
};

struct placement_load {
    struct server *to;
    unsigned loop;
    uint64_t load;
};

static void placement_route(void *context);
static void placement_deliver(void *context);
static void placement_on_gone(void *context);
static void placement_on_load(void *context);

/* ---- entries ---- */

static struct placement_entry *placement_find(const struct table *table, const struct uuid *session) {
    struct placement_entry *entry = table_get(table, uuid_key(session));
    while (entry != NULL && !uuid_equal(&entry->session, session))
        entry = entry->next;
    return entry;
}

/* The entry, made if it is not there. NULL: no memory. */
static struct placement_entry *placement_take(struct table *table, const struct uuid *session, bool *out_made) {
    struct placement_entry *entry = placement_find(table, session);
    *out_made = entry == NULL;
    if (entry != NULL)
        return entry;
    entry = mem_zalloc(&mem_default, sizeof *entry);
    if (entry == NULL)
        return NULL;
    entry->session = *session;
    entry->next = table_get(table, uuid_key(session));
    if (table_put(table, uuid_key(session), entry) == STATUS_OK)
        return entry;
    mem_free(&mem_default, entry, sizeof *entry);
    return NULL;
}

static void placement_forget(struct table *table, struct placement_entry *entry) {
    uint64_t key = uuid_key(&entry->session);
    struct placement_entry *first = table_get(table, key);
    if (first != entry) {
        while (first->next != entry)
            first = first->next;
        first->next = entry->next;
    } else if (entry->next != NULL)
        table_put(table, key, entry->next); /* replaces: cannot fail */
    else
        table_remove(table, key);
    mem_free(&mem_default, entry, sizeof *entry);
}

void placement_init(struct placement *placement) {
    table_init(&placement->placed, &mem_default);
    table_init(&placement->tenants, &mem_default);
}

static void placement_finish_table(struct table *table) {
    size_t cursor = 0;
    for (struct placement_entry *entry; (entry = table_next(table, &cursor)) != NULL;)
        while (entry != NULL) {
            struct placement_entry *next = entry->next;
            mem_free(&mem_default, entry, sizeof *entry);
            entry = next;
        }
    table_finish(table);
}

void placement_finish(struct placement *placement) {
    placement_finish_table(&placement->placed);
    placement_finish_table(&placement->tenants);
}

/* ---- the way of a connection ---- */

static struct server *placement_registrar(const struct fleet *fleet, const struct uuid *session) {
    return fleet->servers[uuid_key(session) % fleet->count];
}

/* Hands over, or closes the connection if there is no memory for it. */
static bool placement_post(struct server *to, loop_fn step, struct handoff *handoff) {
    struct placement_delivery *delivery = mem_zalloc(&mem_default, sizeof *delivery);
    if (delivery != NULL) {
        *delivery = (struct placement_delivery){ .to = to, .handoff = handoff };
        if (loop_post(server_loop(to), step, delivery) == STATUS_OK)
            return true;
    }
    mem_free(&mem_default, delivery, sizeof *delivery);
    handoff_destroy(handoff);
    return false;
}

void placement_send(const struct fleet *fleet, struct handoff *handoff) {
    placement_post(placement_registrar(fleet, &handoff->session), placement_route, handoff);
}

unsigned placement_least(const uint64_t *loads, unsigned count, unsigned from) {
    unsigned least = from;
    for (unsigned i = 1; i < count; i++) {
        unsigned loop = (from + i) % count;
        if (loads[loop] < loads[least])
            least = loop;
    }
    return least;
}

/* In the registrar's thread. */
static void placement_route(void *context) {
    struct placement_delivery *delivery = context;
    struct server *server = delivery->to;
    struct handoff *handoff = delivery->handoff;
    struct placement *placement = &server->placement;
    bool made;
    mem_free(&mem_default, delivery, sizeof *delivery);
    struct placement_entry *entry = placement_take(&placement->placed, &handoff->session, &made);
    if (entry == NULL) {
        handoff_destroy(handoff);
        return;
    }
    if (made) {
        entry->loop = placement_least(placement->loads, server->fleet->count, server->index);
        placement->loads[entry->loop] += PLACEMENT_SESSION_US;
    }
    entry->count++;
    if (placement_post(server->fleet->servers[entry->loop], placement_deliver, handoff))
        return;
    if (--entry->count == 0)
        placement_forget(&placement->placed, entry);
}

/* In the thread of the loop that the session lives on. */
static void placement_deliver(void *context) {
    struct placement_delivery *delivery = context;
    struct server *server = delivery->to;
    struct handoff *handoff = delivery->handoff;
    struct uuid session = handoff->session;
    bool made;
    mem_free(&mem_default, delivery, sizeof *delivery);
    struct placement_entry *tenant = placement_take(&server->placement.tenants, &session, &made);
    if (tenant == NULL) {
        handoff_destroy(handoff); /* the registrar counts it for ever: the session stays here, which is no harm */
        return;
    }
    tenant->count++;
    tenant->connections++;
    if (!connection_open(server, handoff))
        placement_left(server, &session, true);
}

void placement_left(struct server *server, const struct uuid *session, bool connection) {
    struct placement_entry *tenant = placement_find(&server->placement.tenants, session);
    if (tenant == NULL)
        return;
    tenant->connections -= connection;
    if (tenant->connections > 0 || server->draining || session_find(server, session) != NULL)
        return;
    struct placement_gone *gone = mem_zalloc(&mem_default, sizeof *gone);
    if (gone == NULL)
        return; /* tried again when the next one has come and gone */
    *gone = (struct placement_gone){ placement_registrar(server->fleet, session), *session, tenant->count };
    if (loop_post(server_loop(gone->to), placement_on_gone, gone) == STATUS_OK)
        placement_forget(&server->placement.tenants, tenant);
    else
        mem_free(&mem_default, gone, sizeof *gone);
}

/* In the registrar's thread. */
static void placement_on_gone(void *context) {
    struct placement_gone *gone = context;
    struct placement *placement = &gone->to->placement;
    struct placement_entry *entry = placement_find(&placement->placed, &gone->session);
    assert(entry != NULL && entry->count >= gone->count);
    entry->count -= gone->count;
    if (entry->count == 0)
        placement_forget(&placement->placed, entry);
    mem_free(&mem_default, gone, sizeof *gone);
}

/* ---- load ---- */

void placement_report(struct server *server) {
    struct placement *placement = &server->placement;
    struct timespec cpu;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
    uint64_t cpu_us = (uint64_t)cpu.tv_sec * 1000000 + (uint64_t)cpu.tv_nsec / 1000;
    uint64_t load = cpu_us - placement->cpu_us + table_count(&server->connections) * PLACEMENT_CONNECTION_US;
    placement->cpu_us = cpu_us;
    placement->loads[server->index] = load;
    for (unsigned i = 0; i < server->fleet->count; i++) {
        struct placement_load *report = i != server->index ? mem_zalloc(&mem_default, sizeof *report) : NULL;
        if (report == NULL)
            continue;
        *report = (struct placement_load){ server->fleet->servers[i], server->index, load };
        if (loop_post(server_loop(report->to), placement_on_load, report) != STATUS_OK)
            mem_free(&mem_default, report, sizeof *report);
    }
}

static void placement_on_load(void *context) {
    struct placement_load *report = context;
    report->to->placement.loads[report->loop] = report->load;
    mem_free(&mem_default, report, sizeof *report);
}
