/* authors.c — see authors.h.
 *
 *   document_update ─▶ authors_judge ─▶ (applied) ─▶ authors_note ─▶ journal
 *                                                         │ every second, and before a checkpoint
 *                                                         ▼
 *                                                   authors_record ─▶ [client_relayed] ─▶ authors_on_recorded */
#include "document/authors.h"

#include "document/document.h"
#include "log.h"

#include <assert.h>

enum { AUTHORS_ARENA_BYTES = 4096, AUTHORS_RECORD_MAX = 1000 }; /* ids in one statement */

void authors_finish(struct document *document) {
    struct authors *authors = &document->authors;
    store_cancel(&authors->request);
    mem_free(&mem_default, authors->older, authors->older_count * sizeof *authors->older);
    mem_free(&mem_default, authors->relayed, authors->relayed_capacity * sizeof *authors->relayed);
    *authors = (struct authors){ 0 };
}

/* ---- ids of older epochs ---- */

static void authors_on_loaded(void *context, const struct reply *reply) {
    struct document *document = context;
    struct authors *authors = &document->authors;
    enum status status = reply->status;
    if (status == STATUS_OK && reply->row_count > 0) {
        authors->older = mem_alloc(&mem_default, reply->row_count * sizeof *authors->older);
        if (authors->older == NULL)
            status = STATUS_NO_MEMORY;
        for (unsigned i = 0; status == STATUS_OK && i < reply->row_count; i++) {
            struct row row = reply_row(reply, i);
            authors->older[authors->older_count++] = (uint64_t)row_i64(&row, 0);
        }
    }
    authors->loaded(document, status);
}

enum status authors_load(struct document *document, void (*done)(struct document *document, enum status status)) {
    struct arena arena;
    arena_init(&arena, &mem_default, AUTHORS_ARENA_BYTES);
    struct params *params = params_new(&arena);
    params_add_uuid(params, &document->file);
    params_add_i64(params, document->epoch);
    document->authors.loaded = done;
    enum status status = params == NULL ? STATUS_NO_MEMORY
                                        : store_submit(document->session->server->store, &document->authors.request,
                                                       "document_older_clients", params, authors_on_loaded, document);
    arena_finish(&arena);
    return status;
}

static bool authors_is_older(const struct authors *authors, uint64_t client_id) {
    size_t from = 0, to = authors->older_count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (authors->older[middle] < client_id)
            from = middle + 1;
        else
            to = middle;
    }
    return from < authors->older_count && authors->older[from] == client_id;
}

/* ---- judging ---- */

struct authors_case {
    const struct subscription *subscription;
    bool relayed;
};

/* Whether somebody else writes with this CRDT client id right now: is connected and has sent something since it opened the
 * document.
 *
 * The second half is for the moment after a restart. All come back at once, each with what the server lost, its own and what it had
 * heard of others; until the owner's first update, which holds everything of its own, what the others bring of it is no forgery. */
static bool authors_is_anothers(const struct subscription *subscription, uint64_t client_id) {
    const struct document *document = subscription->document;
    for (const struct list *link = document->subscriptions.next; link != &document->subscriptions; link = link->next) {
        const struct subscription *other = list_entry(link, struct subscription, document_link);
        if (other->client_id == client_id && other->count > 0 &&
            !uuid_equal(&other->connection->participant.user, &subscription->connection->participant.user))
            return true;
    }
    return false;
}

static enum status authors_judge_range(void *context, const struct crdt_range *range) {
    struct authors_case *judged = context;
    const struct document *document = judged->subscription->document;
    if (range->client == judged->subscription->client_id || range->clock_to <= crdt_doc_clock(document->crdt, range->client))
        return STATUS_OK;
    if (authors_is_older(&document->authors, range->client))
        return STATUS_CONFLICT;
    judged->relayed = true;
    return authors_is_anothers(judged->subscription, range->client) ? STATUS_DENIED : STATUS_OK;
}

enum status authors_judge(const struct subscription *subscription, struct bytes update, bool *out_relayed) {
    struct authors_case judged = { .subscription = subscription };
    enum status status = crdt_update_each_range(update, authors_judge_range, &judged);
    *out_relayed = judged.relayed;
    return status;
}

/* ---- remembering ---- */

struct authors_noting {
    struct authors *authors;
    uint64_t own;
};

static enum status authors_note_range(void *context, const struct crdt_range *range) {
    struct authors_noting *noting = context;
    struct authors *authors = noting->authors;
    if (range->client == noting->own)
        return STATUS_OK;
    size_t at = authors->relayed_count;
    while (at > 0 && authors->relayed[at - 1].client_id > range->client)
        at--;
    if (at > 0 && authors->relayed[at - 1].client_id == range->client)
        return STATUS_OK;
    if (authors->relayed_count == authors->relayed_capacity) {
        size_t capacity = authors->relayed_capacity == 0 ? 4 : 2 * authors->relayed_capacity;
        struct authors_relayed *relayed =
            mem_resize(&mem_default, authors->relayed, authors->relayed_capacity * sizeof *relayed, capacity * sizeof *relayed);
        if (relayed == NULL)
            return STATUS_NO_MEMORY;
        authors->relayed = relayed;
        authors->relayed_capacity = capacity;
    }
    memmove(authors->relayed + at + 1, authors->relayed + at, (authors->relayed_count - at) * sizeof *authors->relayed);
    authors->relayed[at] = (struct authors_relayed){ .client_id = range->client };
    authors->relayed_count++;
    authors->unrecorded++;
    return STATUS_OK;
}

enum status authors_note(struct document *document, struct bytes update, uint64_t own) {
    struct authors_noting noting = { .authors = &document->authors, .own = own };
    return crdt_update_each_range(update, authors_note_range, &noting);
}

static void authors_on_recorded(void *context, const struct reply *reply) {
    struct document *document = context;
    struct authors *authors = &document->authors;
    authors->recording = false;
    if (reply->status != STATUS_OK) {
        log_warn((&(struct log_subject){ .session = &document->session->id, .file = &document->file }), "authors.not_recorded",
                 "status=%s error=\"%s\"", status_name(reply->status), reply->error);
        return; /* the next tick tries again */
    }
    for (unsigned i = 0; i < reply->row_count; i++) {
        struct row row = reply_row(reply, i);
        uint64_t client_id = (uint64_t)row_i64(&row, 0);
        for (size_t at = 0; at < authors->relayed_count; at++)
            if (authors->relayed[at].client_id == client_id && !authors->relayed[at].recorded) {
                authors->relayed[at].recorded = true;
                authors->unrecorded--;
            }
    }
}

bool authors_record(struct document *document) {
    struct authors *authors = &document->authors;
    if (authors->unrecorded == 0)
        return true;
    if (authors->recording)
        return false;
    int64_t ids[AUTHORS_RECORD_MAX];
    size_t count = 0;
    for (size_t i = 0; i < authors->relayed_count && count < AUTHORS_RECORD_MAX; i++)
        if (!authors->relayed[i].recorded)
            ids[count++] = (int64_t)authors->relayed[i].client_id;
    struct arena arena;
    arena_init(&arena, &mem_default, AUTHORS_ARENA_BYTES + 32 * AUTHORS_RECORD_MAX);
    struct params *params = params_new(&arena);
    params_add_uuid(params, &document->session->id);
    params_add_uuid(params, &document->file);
    params_add_i64(params, document->epoch);
    params_add_i64_array(params, ids, count);
    authors->recording = params != NULL && store_submit(document->session->server->store, &authors->request, "client_relayed",
                                                        params, authors_on_recorded, document) == STATUS_OK;
    arena_finish(&arena);
    return false;
}
