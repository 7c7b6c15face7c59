/* document_open.c — the model of an asynchronous operation here: one struct, steps in the order in which they happen.
 *
 *   document_open, document_open_at
 *        │ [document_claim]: file, epoch, client id; or [document_at]: the file at that path, made if need be
 *        ▼
 *   document_open_on_claimed ──▶ open in memory ──────────────────────────────┐
 *        │ not in memory: the first opener loads, the others queue up           │
 *        ▼                                                                     │
 *   document_open_on_loaded: checkpoint, then the journal's tail               │
 *        │ in a later epoch than the first: [document_older_clients]             │
 *        ▼                                                                     ▼
 *   document_open_ready: each opener ──▶ document_open_done: subscription and answer, or the error; frees the operation
 *
 * The connection may go at any time: the operation keeps its id. The session may not: the operation counts in session->calls. The
 * document may: document_open_abandon() answers whoever waits for it. */
#include "document/document_open.h"

#include "config.h"
#include "document/budget.h"
#include "document/persist.h"
#include "document/root.h"
#include "features/files/files_wire.h"
#include "log.h"
#include "wire/hocuspocus.h"

#include <assert.h>

enum { DOCUMENT_OPEN_ARENA_BYTES = 8192 };

struct document_open {
    struct session *session;
    struct list opener_link; /* in document->openers, or alone */
    uint64_t connection_id;
    uint32_t request;
    bool is_at;    /* document_open_at() */
    bool is_again; /* somebody else made the file at the same time */
    uint64_t client_id;
    bool has_epoch;
    uint64_t epoch;
    size_t path_size, name_size;
    uint8_t path[WIRE_PATH_BYTES_MAX];
    uint8_t name[HOCUSPOCUS_NAME_MAX];
};

static enum wire_code document_open_code(enum status status);
static void document_open_on_claimed(void *context, const struct reply *reply);
static void document_open_on_loaded(void *context, enum status status, const char *reason, struct loaded_document *loaded);
static void document_open_ready(struct document *document, enum status status);
static void document_open_done(struct document_open *op, struct document *document, const struct wire_fault *fault);

/* NULL: there is no memory for it, and the connection was told. */
static struct document_open *document_open_begin(struct connection *connection, uint32_t request) {
    struct document_open *op = mem_zalloc(&mem_default, sizeof *op);
    if (op == NULL) {
        struct wire_fault fault = wire_fault(WIRE_CODE_OVERLOADED);
        connection->dialect->doc_refused(connection, request, &fault);
        return NULL;
    }
    op->session = connection->session;
    op->connection_id = connection->id;
    op->request = request;
    list_init(&op->opener_link);
    op->session->calls++;
    return op;
}

void document_open(struct connection *connection, uint32_t request, const struct wire_doc_open *open) {
    struct session *session = connection->session;
    struct document_open *op = document_open_begin(connection, request);
    if (op == NULL)
        return;
    op->client_id = open->client_id;
    op->has_epoch = open->has_epoch;
    op->epoch = open->epoch;

    struct arena arena;
    arena_init(&arena, &mem_default, DOCUMENT_OPEN_ARENA_BYTES);
    struct params *params = params_new(&arena);
    params_add_uuid(params, &session->id);
    params_add_uuid(params, uuid_is_nil(&open->file) ? NULL : &open->file);
    params_add_text(params, open->path);
    params_add_i64(params, (int64_t)open->client_id);
    params_add_uuid(params, &connection->participant.user);
    if (open->has_epoch)
        params_add_i64(params, (int64_t)open->epoch);
    else
        params_add_null(params);
    enum status status = store_submit(session->server->store, NULL, "document_claim", params, document_open_on_claimed, op);
    arena_finish(&arena);
    if (status != STATUS_OK) {
        struct wire_fault fault = wire_fault(document_open_code(status));
        document_open_done(op, NULL, &fault);
    }
}

static void document_open_find(struct document_open *op, const struct connection *connection) {
    struct server *server = connection->server;
    struct uuid file = server_new_id(server);
    struct uuid activity = server_new_id(server);
    struct arena arena;
    arena_init(&arena, &mem_default, DOCUMENT_OPEN_ARENA_BYTES);
    struct params *params = params_new(&arena);
    params_add_uuid(params, &op->session->id);
    params_add_text(params, bytes_of(op->path, op->path_size));
    params_add_bool(params, (connection->participant.rights & RIGHT_WRITE) != 0);
    params_add_uuid(params, &file);
    params_add_uuid(params, &connection->participant.user);
    params_add_uuid(params, &activity);
    params_add_i64(params, (int64_t)server_config(server)->files_max);
    enum status status = store_submit(server->store, NULL, "document_at", params, document_open_on_claimed, op);
    arena_finish(&arena);
    if (status != STATUS_OK) {
        struct wire_fault fault = wire_fault(document_open_code(status));
        document_open_done(op, NULL, &fault);
    }
}

void document_open_at(struct connection *connection, uint32_t request, struct bytes path, struct bytes name) {
    assert(path.size <= WIRE_PATH_BYTES_MAX && name.size <= HOCUSPOCUS_NAME_MAX);
    struct document_open *op = document_open_begin(connection, request);
    if (op == NULL)
        return;
    op->is_at = true;
    memcpy(op->path, path.data, op->path_size = path.size);
    if (name.size > 0)
        memcpy(op->name, name.data, op->name_size = name.size);
    document_open_find(op, connection);
}

/* A door has made a file. */
static void document_open_announce(struct session *session, const struct connection *connection, const struct row *row) {
    struct file_changed changed = {
        .event = "created",
        .file = { .id = row_uuid(row, 0), .path = row_text(row, 1), .updated_at = server_unix_ms(session->server) },
        .user = connection->participant.user,
    };
    struct bytes_writer values = connection_writer();
    wire_notification_begin(&values, "file.changed");
    file_changed_write(&values, &changed);
    struct frame *frame = values.status == STATUS_OK ? frame_of_values(bytes_written(&values)) : NULL;
    bytes_writer_finish(&values);
    if (frame != NULL)
        session_broadcast(session, frame, NULL);
    frame_release(frame);
}

/* What a failure in the database is to whoever opens: the text is there or not, damaged, or cannot be had now. That the server's
 * role may not read a table, say, is no verdict on the participant. */
static enum wire_code document_open_code(enum status status) {
    switch (status) {
    case STATUS_NOT_FOUND:
        return WIRE_CODE_NOT_FOUND;
    case STATUS_DAMAGED:
        return WIRE_CODE_QUARANTINED;
    case STATUS_NO_MEMORY:
    case STATUS_OVERLOADED:
        return WIRE_CODE_OVERLOADED;
    default:
        return WIRE_CODE_UNAVAILABLE;
    }
}

/* Begins loading a document that is not in memory. */
static enum status document_open_load(struct document *document) {
    return store_load(document->session->server->store, &document->load, &document->file, document_open_on_loaded, document);
}

static struct wire_fault document_open_epoch_fault(uint64_t epoch) {
    struct wire_fault fault = wire_fault(WIRE_CODE_EPOCH_MISMATCH);
    fault.has_epoch = true;
    fault.epoch = epoch;
    return fault;
}

static void document_open_on_claimed(void *context, const struct reply *reply) {
    struct document_open *op = context;
    struct session *session = op->session;
    struct connection *connection = server_connection(session->server, op->connection_id);
    struct wire_fault fault = wire_fault(WIRE_CODE_INTERNAL);
    if (connection == NULL || connection->session != session) {
        document_open_done(op, NULL, &fault);
        return;
    }
    if (reply->status != STATUS_OK) {
        fault = wire_fault(document_open_code(reply->status));
        document_open_done(op, NULL, &fault);
        return;
    }
    if (reply->row_count == 0 && op->is_at && !op->is_again && (connection->participant.rights & RIGHT_WRITE) != 0) {
        op->is_again = true;
        document_open_find(op, connection);
        return;
    }
    if (reply->row_count == 0) {
        fault = wire_fault_say(WIRE_CODE_NOT_FOUND, op->is_again ? "There is no such file, and this session can have no more."
                                                                 : "There is no such file.");
        document_open_done(op, NULL, &fault);
        return;
    }
    struct row row = reply_row(reply, 0);
    struct uuid file = row_uuid(&row, 0);
    struct bytes path = row_text(&row, 1);
    uint64_t epoch = (uint64_t)row_i64(&row, 2);
    if (row_bool(&row, 4)) {
        fault = wire_fault(WIRE_CODE_QUARANTINED);
    } else if (row_bool(&row, 5)) {
        fault = wire_fault_say(WIRE_CODE_UNSUPPORTED, "This file is binary; it has no document.");
    } else if (op->has_epoch && op->epoch != epoch) {
        fault = document_open_epoch_fault(epoch);
    } else if (op->is_at) {
        if (row_bool(&row, 6))
            document_open_announce(session, connection, &row);
        goto claimed;
    } else {
        struct uuid holder = row_uuid(&row, 6);
        if (uuid_equal(&holder, &connection->participant.user))
            goto claimed;
        fault = wire_fault(WIRE_CODE_CLIENT_ID_TAKEN);
    }
    document_open_done(op, NULL, &fault);
    return;

claimed:
    op->path_size = path.size < sizeof op->path ? path.size : sizeof op->path;
    memcpy(op->path, path.data, op->path_size);
    struct document *document = document_find(session, &file);
    if (document != NULL && document->state == DOCUMENT_OPEN && document->epoch < (int64_t)epoch) {
        document_gone(document, WIRE_GONE_EPOCH, (int64_t)epoch);
        document = NULL;
    }
    if (document != NULL && document->leaving != NULL) {
        fault = wire_fault_say(WIRE_CODE_UNAVAILABLE, "The document leaves memory; open it again in a moment.");
        document_open_done(op, NULL, &fault);
        return;
    }
    if (document != NULL && document->state == DOCUMENT_OPEN) {
        document_open_done(op, document, NULL);
        return;
    }
    if (document == NULL) {
        struct metrics *metrics = &session->server->metrics;
        enum status status = STATUS_OVERLOADED;
        if (!budget_admits_to(session))
            metrics_limited(metrics, LIMIT_session_bytes_max);
        else if (!budget_admits(session->server))
            metrics_limited(metrics, LIMIT_memory_limit);
        else
            status = document_create(session, &file, &document);
        if (status == STATUS_OK && (status = document_open_load(document)) != STATUS_OK)
            document_destroy(document);
        if (status != STATUS_OK) {
            fault = wire_fault(document_open_code(status));
            document_open_done(op, NULL, &fault);
            return;
        }
    }
    list_append(&document->openers, &op->opener_link);
}

/* Fills a document from what was loaded. STATUS_DAMAGED: the stored bytes are no document. */
static enum status document_open_fill(struct document *document, struct loaded_document *loaded) {
    const struct config *config = server_config(document->session->server);
    struct crdt_doc_options options = {
        .gc = true,
        .update_bytes_max = config->document_bytes_max,
        .pending_bytes_max = config->pending_bytes_max,
    };
    enum status status = crdt_doc_create(&options, &document->crdt);
    if (status != STATUS_OK)
        return status;
    status = root_set(document, loaded->root_name);
    if (status != STATUS_OK)
        return status;
    document->epoch = loaded->epoch;

    struct crdt_txn *txn = crdt_txn_begin(document->crdt);
    if (loaded->state.size > 0)
        status = loaded->format == CRDT_FORMAT_YJS_V1 ? crdt_update_apply(txn, loaded->state, NULL) : STATUS_DAMAGED;
    struct journal_entry entry;
    while (status == STATUS_OK && loaded_document_next(loaded, &entry)) {
        bool was_empty = crdt_doc_size(document->crdt).structs == 0, renamed;
        status = crdt_update_apply(txn, entry.update, NULL);
        if (status == STATUS_OK && was_empty && (entry.flags & JOURNAL_DOOR))
            status = root_follow_door(document, &renamed);
        if (status == STATUS_OK && (entry.flags & JOURNAL_RELAYED))
            status = authors_note(document, entry.update, 0);
        document->last_author = entry.author;
    }
    crdt_txn_commit(txn, NULL, NULL);
    budget_count(document);
    crdt_doc_set_conflict_steps_max(document->crdt, config->conflict_steps_max);
    return status == STATUS_MALFORMED ? STATUS_DAMAGED : status;
}

/* The document, and who was the first to ask for it. */
static struct log_subject document_open_subject(const struct document *document) {
    struct log_subject subject = { .session = &document->session->id, .file = &document->file };
    if (list_empty(&document->openers))
        return subject;
    const struct document_open *first = list_entry(document->openers.next, const struct document_open, opener_link);
    const struct connection *connection = server_connection(document->session->server, first->connection_id);
    if (connection == NULL)
        return subject;
    subject = connection_subject(connection);
    subject.file = &document->file;
    subject.call = first->is_at ? 0 : first->request + 1;
    return subject;
}

static void document_open_on_loaded(void *context, enum status status, const char *reason, struct loaded_document *loaded) {
    struct document *document = context;
    struct session *session = document->session;
    struct log_subject subject = document_open_subject(document);
    assert(document->state == DOCUMENT_OPENING);
    if (status == STATUS_OK) {
        status = document_open_fill(document, loaded);
        reason = "stored updates cannot be applied";
    }
    if (status != STATUS_OK) {
        log_error(&subject, "document.load_failed", "status=%s reason=\"%s\"", status_name(status), reason);
        if (status == STATUS_DAMAGED)
            persist_quarantine(session, &document->file, reason);
        document_open_abandon(document, status);
        document_destroy(document);
        return;
    }
    metrics_count(&session->server->metrics, METRIC_loads);
    persist_begin(document, loaded->version, loaded->state.size, loaded->journal_bytes);
    log_debug(&subject, "document.opened", "state_bytes=%zu journal_rows=%u", loaded->state.size, loaded->row_count);
    if (document->epoch > 1)
        status = authors_load(document, document_open_ready);
    if (document->epoch == 1 || status != STATUS_OK)
        document_open_ready(document, status);
}

static void document_open_ready(struct document *document, enum status status) {
    if (status != STATUS_OK) {
        document_open_abandon(document, status);
        document_destroy(document);
        return;
    }
    document->state = DOCUMENT_OPEN;
    list_each (link, &document->openers) {
        struct document_open *op = list_entry(link, struct document_open, opener_link);
        /* The epoch may have changed between the claim and the load. */
        struct wire_fault fault = document_open_epoch_fault((uint64_t)document->epoch);
        bool other = op->has_epoch && op->epoch != (uint64_t)document->epoch;
        document_open_done(op, other ? NULL : document, &fault);
    }
    budget_place(document);
}

void document_open_abandon(struct document *document, enum status status) {
    struct wire_fault fault = wire_fault(document_open_code(status));
    list_each (link, &document->openers)
        document_open_done(list_entry(link, struct document_open, opener_link), NULL, &fault);
}

static void document_open_answer(struct document_open *op, struct document *document, struct connection *connection) {
    struct subscription *subscription;
    struct wire_fault fault;
    struct bytes_writer state_vector = connection_writer();
    enum status status = crdt_state_vector_encode(document->crdt, &state_vector);
    if (status == STATUS_OK)
        status = document_subscribe(document, connection, op->client_id, bytes_of(op->name, op->name_size), &subscription);
    if (status != STATUS_OK) {
        if (status == STATUS_TOO_BIG)
            metrics_limited(&connection->server->metrics, LIMIT_open_documents);
        fault = status == STATUS_TOO_BIG ? wire_fault_limit("open_documents", DOCUMENT_SUBSCRIPTIONS_MAX)
                                         : wire_fault(wire_code_of_status(status));
        connection->dialect->doc_refused(connection, op->request, &fault);
        bytes_writer_finish(&state_vector);
        return;
    }
    connection->dialect->doc_opened(subscription, op->request, bytes_of(op->path, op->path_size), bytes_written(&state_vector));
    bytes_writer_finish(&state_vector);
    if (connection->state != CONNECTION_JOINED) /* there was no memory to say it: the subscription has gone, too */
        return;
    struct frame *keyframe = room_keyframe(&document->room, subscription_address(subscription));
    if (keyframe != NULL)
        connection_send(connection, keyframe);
    frame_release(keyframe);
    if (connection->dialect->doc_ready != NULL)
        connection->dialect->doc_ready(connection);
}

static void document_open_done(struct document_open *op, struct document *document, const struct wire_fault *fault) {
    struct session *session = op->session;
    struct connection *connection = server_connection(session->server, op->connection_id);
    list_remove(&op->opener_link);
    if (connection != NULL && connection->session == session) {
        if (document != NULL)
            document_open_answer(op, document, connection);
        else
            connection->dialect->doc_refused(connection, op->request, fault);
    }
    session->calls--;
    mem_free(&mem_default, op, sizeof *op);
}
