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
    server->documents_bytes += bytes - document->counted_bytes;
    document->counted_bytes = bytes;
}

void budget_forget(struct document *document) {
    document->session->server->documents_bytes -= document->counted_bytes;
    document->counted_bytes = 0;
}

bool budget_allows_growth(const struct server *server) {
    uint64_t share = budget_share(server);
    return server->documents_bytes <= share + share / 8;
}

/* The document without readers that has been idle for longest: `saved` ones only, or dirty ones only. */
static struct document *budget_oldest(struct server *server, bool saved) {
    struct document *oldest = NULL;
    list_each (link, &server->session_list)
        list_each (each, &list_entry(link, struct session, server_link)->documents) {
            struct document *document = list_entry(each, struct document, session_link);
            if (document_is_idle(document) && persist_saved(document) == saved && !(document->checkpointing && !saved) &&
                (oldest == NULL || document->idle_since_ms < oldest->idle_since_ms))
                oldest = document;
        }
    return oldest;
}

/* Lets documents go until the loop holds at most `goal`. */
static void budget_evict(struct server *server, uint64_t goal) {
    for (unsigned i = 0; i < BUDGET_EVICTIONS_MAX && server->documents_bytes > goal; i++) {
        struct document *document = budget_oldest(server, true);
        if (document == NULL)
            break;
        document_evict(document, "memory");
    }
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
    for (unsigned i = 0; i < BUDGET_CHECKPOINTS_MAX && server->documents_bytes > goal; i++) {
        struct document *dirty = budget_oldest(server, false);
        if (dirty == NULL)
            break;
        persist_checkpoint(dirty);
        if (!dirty->checkpointing)
            break; /* not now; the next tick tries again */
    }
    if (!budget_allows_growth(server))
        log_warn(NULL, "memory.limit", "loop=%u documents_bytes=%llu share=%llu", server->index,
                 (unsigned long long)server->documents_bytes, (unsigned long long)share);
}
