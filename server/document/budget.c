/* budget.c — see budget.h. */
#include "document/budget.h"

#include "config.h"
#include "document/persist.h"
#include "log.h"

enum {
    BUDGET_EVICTIONS_MAX = 256, /* of one turn: freeing is quick, but not free */
    BUDGET_CHECKPOINTS_MAX = 8, /* begun in one tick */
};

static uint64_t budget_share(const struct server *server) {
    return server_config(server)->memory_limit / server_fleet(server)->count;
}

void budget_count(struct document *document) {
    struct server *server = document->session->server;
    size_t bytes = document->crdt == NULL ? 0 : crdt_doc_size(document->crdt).heap_bytes;
    for (size_t i = 0; i < DIALECT_SHARING; i++)
        bytes += image_bytes(&document->images[i]);
    server->documents_bytes += bytes - document->counted_bytes;
    document->session->documents_bytes += bytes - document->counted_bytes;
    document->counted_bytes = bytes;
}

void budget_forget(struct document *document) {
    document->session->server->documents_bytes -= document->counted_bytes;
    document->session->documents_bytes -= document->counted_bytes;
    document->counted_bytes = 0;
    list_remove(&document->idle_link);
    document->idle_in = NULL;
}

/* Where the document belongs; NULL: in no list. */
static struct list *budget_list(const struct document *document) {
    struct server *server = document->session->server;
    if (!document_is_idle(document) || document->checkpointing)
        return NULL;
    return persist_saved(document) ? &server->idle_saved : &server->idle_dirty;
}

void budget_place(struct document *document) {
    struct list *in = budget_list(document);
    if (in == document->idle_in)
        return;
    list_remove(&document->idle_link);
    if (in != NULL)
        list_append(in, &document->idle_link);
    document->idle_in = in;
}

bool budget_is_placed(const struct document *document) {
    return document->idle_in == budget_list(document);
}

bool budget_allows_growth(const struct server *server) {
    uint64_t share = budget_share(server);
    return server->documents_bytes <= share + share / 8;
}

/* Lets documents go until the loop holds at most `goal`. */
static void budget_evict(struct server *server, uint64_t goal) {
    for (unsigned i = 0; i < BUDGET_EVICTIONS_MAX && server->documents_bytes > goal && !list_empty(&server->idle_saved); i++)
        document_evict(list_entry(server->idle_saved.next, struct document, idle_link), "memory");
}

bool budget_admits_to(const struct session *session) {
    return session->documents_bytes < server_config(session->server)->session_bytes_max;
}

bool budget_admits(struct server *server) {
    uint64_t share = budget_share(server);
    if (server->documents_bytes >= share)
        budget_evict(server, share - share / 8);
    return server->documents_bytes < share;
}

void budget_tick(struct server *server) {
    uint64_t share = budget_share(server);
    uint64_t goal = share - share / 8;
    if (server->documents_bytes <= goal)
        return;
    budget_evict(server, goal);
    for (unsigned i = 0; i < BUDGET_CHECKPOINTS_MAX && server->documents_bytes > goal && !list_empty(&server->idle_dirty); i++) {
        struct document *dirty = list_entry(server->idle_dirty.next, struct document, idle_link);
        persist_checkpoint(dirty);
        if (!dirty->checkpointing)
            break; /* not now; the next tick tries again */
    }
    if (!budget_allows_growth(server))
        log_warn(NULL, "memory.limit", "loop=%u documents_bytes=%llu share=%llu", server->index,
                 (unsigned long long)server->documents_bytes, (unsigned long long)share);
}
