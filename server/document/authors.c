/* authors.c — see authors.h.
 *
 *   document_update ─▶ authors_judge ─▶ (applied) ─▶ authors_note ─▶ journal
 *                                                         │ every second, and before a checkpoint
 *                                                         ▼
 *                                                   authors_record ─▶ [client_relayed] ─▶ authors_on_recorded
 *
 *   a door's live update ─▶ authors_claim ─▶ [client_claim] ─▶ authors_on_claimed */
#include "document/authors.h"

#include "document/document.h"
#include "ground/varint.h"
#include "log.h"

#include <assert.h>
#include <stdlib.h>

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

/* Of ids, and of structs that begin with one. */
static int authors_compare(const void *a, const void *b) {
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

static bool authors_is_older(const struct authors *authors, uint64_t client_id) {
    return authors->older_count > 0 &&
           bsearch(&client_id, authors->older, authors->older_count, sizeof *authors->older, authors_compare) != NULL;
}

/* ---- judging ---- */

struct authors_case {
    const struct subscription *subscription;
    bool relayed;
};

/* Whether somebody else writes with this CRDT client id right now: is connected and has sent something since it opened the
 * document, without a gap before it.
 *
 * The second half is for the moment after a restart. All come back at once, each with what the server lost, its own and what it had
 * heard of others; until the owner has sent everything of its own, what the others bring of it is no forgery. The native protocol's
 * first update holds everything; a door's provider may send what it has queued first, and that waits for the rest. */
static bool authors_is_anothers(const struct subscription *subscription, uint64_t client_id) {
    const struct document *document = subscription->document;
    for (const struct list *link = document->subscriptions.next; link != &document->subscriptions; link = link->next) {
        const struct subscription *other = list_entry(link, struct subscription, document_link);
        if (other->client_id == client_id && other->count > 0 &&
            !(other->has_parked && crdt_doc_waits(document->crdt, client_id)) &&
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

bool authors_has_older(const struct document *document, struct bytes state_vector) {
    struct bytes_reader reader = bytes_reader(state_vector);
    uint64_t count = 0, client, clock;
    if (document->authors.older_count == 0)
        return false;
    varint_read(&reader, &count);
    for (; count > 0 && varint_read(&reader, &client) == STATUS_OK && varint_read(&reader, &clock) == STATUS_OK; count--)
        if (clock > crdt_doc_clock(document->crdt, client) && authors_is_older(&document->authors, client))
            return true;
    return false;
}

/* ---- claiming ---- */

struct authors_claim {
    struct server *server;
    uint64_t connection_id;
    uint64_t number;
    uint64_t client_id;
};

static enum status authors_claim_range(void *context, const struct crdt_range *range) {
    uint64_t *client_id = context;
    if (*client_id != 0 && *client_id != range->client)
        return STATUS_CONFLICT;
    *client_id = range->client;
    return STATUS_OK;
}

/* Whom a door's peer says it is: the first whose presence it brought. 0: it said nothing. */
static uint64_t authors_said(const struct subscription *subscription) {
    return subscription->dialect != DIALECT_NATIVE && subscription->member.count > 0 ? subscription->member.clients[0] : 0;
}

static bool authors_is_contested(const struct subscription *subscription, uint64_t client_id) {
    list_each (link, &subscription->document->subscriptions) {
        const struct subscription *other = list_entry(link, struct subscription, document_link);
        if ((other->client_id == client_id || authors_said(other) == client_id) &&
            !uuid_equal(&other->connection->participant.user, &subscription->connection->participant.user))
            return true;
    }
    return false;
}

static void authors_on_claimed(void *context, const struct reply *reply) {
    struct authors_claim *op = context;
    struct connection *connection = server_connection(op->server, op->connection_id);
    /* Of a claim that was not written nothing is lost but the owner's name: the id itself is recorded as a relay's. */
    if (connection != NULL && reply->status == STATUS_OK && reply->row_count == 1) {
        struct row row = reply_row(reply, 0);
        struct uuid owner = row_uuid(&row, 0);
        bool is_ours = uuid_equal(&owner, &connection->participant.user);
        list_each (link, &connection->subscriptions) {
            struct subscription *subscription = list_entry(link, struct subscription, connection_link);
            if (!is_ours && subscription->document->number == op->number && subscription->client_id == op->client_id)
                subscription->client_id = 0;
        }
    }
    mem_free(&mem_default, op, sizeof *op);
}

void authors_claim(struct subscription *subscription, struct bytes update) {
    const struct document *document = subscription->document;
    const struct connection *connection = subscription->connection;
    uint64_t client_id = 0, said = authors_said(subscription);
    if (crdt_update_each_range(update, authors_claim_range, &client_id) != STATUS_OK || client_id == 0 ||
        (said != 0 && said != client_id) || authors_is_contested(subscription, client_id))
        return;
    struct authors_claim *op = mem_alloc(&mem_default, sizeof *op);
    if (op == NULL)
        return; /* the next one claims it */
    *op = (struct authors_claim){ connection->server, connection->id, document->number, client_id };
    struct arena arena;
    arena_init(&arena, &mem_default, AUTHORS_ARENA_BYTES);
    struct params *params = params_new(&arena);
    params_add_uuid(params, &document->session->id);
    params_add_uuid(params, &document->file);
    params_add_i64(params, document->epoch);
    params_add_i64(params, (int64_t)client_id);
    params_add_uuid(params, &connection->participant.user);
    if (params != NULL &&
        store_submit(connection->server->store, NULL, "client_claim", params, authors_on_claimed, op) == STATUS_OK) {
        subscription->client_id = client_id;
        subscription->claimed = true;
    } else
        mem_free(&mem_default, op, sizeof *op);
    arena_finish(&arena);
}

/* ---- remembering ---- */

struct authors_noting {
    struct authors *authors;
    uint64_t own;
    size_t sorted; /* ids from before; what is new stands behind them in the update's order */
};

/* The first `count` are sorted. NULL: `client_id` is not among them. */
static struct authors_relayed *authors_find(const struct authors *authors, size_t count, uint64_t client_id) {
    static_assert(offsetof(struct authors_relayed, client_id) == 0, "authors_compare");
    return count == 0 ? NULL : bsearch(&client_id, authors->relayed, count, sizeof *authors->relayed, authors_compare);
}

static enum status authors_note_range(void *context, const struct crdt_range *range) {
    struct authors_noting *noting = context;
    struct authors *authors = noting->authors;
    size_t count = authors->relayed_count;
    if (range->client == noting->own || authors_find(authors, noting->sorted, range->client) != NULL ||
        (count > noting->sorted &&
         authors->relayed[count - 1].client_id == range->client)) /* ranges of one client are neighbours */
        return STATUS_OK;
    if (count == authors->relayed_capacity) {
        size_t capacity = count == 0 ? 4 : 2 * count;
        struct authors_relayed *relayed =
            mem_resize(&mem_default, authors->relayed, count * sizeof *relayed, capacity * sizeof *relayed);
        if (relayed == NULL)
            return STATUS_NO_MEMORY;
        authors->relayed = relayed;
        authors->relayed_capacity = capacity;
    }
    authors->relayed[authors->relayed_count++] = (struct authors_relayed){ .client_id = range->client };
    return STATUS_OK;
}

/* Merges what stands behind the first `sorted`: an update may bring a million ids, so they are not put into place one by one. */
static enum status authors_sort_in(struct authors *authors, size_t sorted) {
    size_t count = authors->relayed_count - sorted;
    if (count == 0)
        return STATUS_OK;
    struct authors_relayed *fresh = mem_alloc(&mem_default, count * sizeof *fresh);
    if (fresh == NULL)
        return STATUS_NO_MEMORY;
    memcpy(fresh, authors->relayed + sorted, count * sizeof *fresh);
    qsort(fresh, count, sizeof *fresh, authors_compare);
    for (size_t left = count, to = authors->relayed_count; left > 0;)
        authors->relayed[--to] = sorted > 0 && authors->relayed[sorted - 1].client_id > fresh[left - 1].client_id
                                     ? authors->relayed[--sorted]
                                     : fresh[--left];
    mem_free(&mem_default, fresh, count * sizeof *fresh);
    authors->unrecorded += count;
    return STATUS_OK;
}

enum status authors_note(struct document *document, struct bytes update, uint64_t own) {
    struct authors *authors = &document->authors;
    struct authors_noting noting = { .authors = authors, .own = own, .sorted = authors->relayed_count };
    enum status status = crdt_update_each_range(update, authors_note_range, &noting);
    if (status == STATUS_OK)
        status = authors_sort_in(authors, noting.sorted);
    if (status != STATUS_OK)
        authors->relayed_count = noting.sorted;
    return status;
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
        struct authors_relayed *relayed = authors_find(authors, authors->relayed_count, (uint64_t)row_i64(&row, 0));
        if (relayed != NULL && !relayed->recorded) {
            relayed->recorded = true;
            authors->unrecorded--;
        }
    }
    if (reply->row_count > 0)
        authors_record(document); /* the rest */
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
