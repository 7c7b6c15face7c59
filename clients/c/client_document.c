/* client_document.c — one file's replica and its standing with the server.
 *
 *     WAITING ──joined──▶ OPENING ──opened──▶ SYNCING ──answer──▶ LIVE
 *        ▲  ▲                │ refused           │                 │
 *        │  └──── later ─────┘                   │                 │
 *        ├───────────────────────── lost ────────┴─────────────────┤
 *        │                                                         ▼
 *        └──────────────── client_document_reopen ──── REJECTED, EPOCH, FAILED
 *
 * Sending. A local edit goes out at once as one update when it can. When it can't (no connection, too much on the way) the document
 * *owes*: the replica keeps the edit, and when there is room one diff since `owes_since` (or, after a reconnect, since the server's
 * own state vector) carries everything. So there is no queue of updates that could overflow or be lost.
 *
 * Acknowledgements count per opening. A connection that goes with updates in flight turns them into debt: the next opening sends a
 * diff even if the server has all of it by now, because only an acknowledged update is durable.
 *
 * Invariants
 *   1  acknowledged <= sent, and sent - acknowledged <= CLIENT_IN_FLIGHT_MAX
 *   2  number != 0 exactly while by_number leads here
 *   3  owing_count of the client counts the documents that owe */
#include "client_core.h"

#include "ground/utf.h"
#include "ground/varint.h"

#include <assert.h>

/* ---- life ---- */

void document_flag(struct client_document *document, enum document_flag flag) {
    if (document->flags == 0)
        list_append(&document->client->flagged, &document->flagged);
    document->flags |= flag;
}

static void document_set_owes(struct client_document *document, bool owes) {
    if (document->owes == owes)
        return;
    document->owes = owes;
    if (owes)
        document->client->owing_count++;
    else
        document->client->owing_count--;
}

static uint64_t document_fresh_id(struct client *client) {
    uint64_t id = client_random_u32(client);
    return id == 0 ? 1 : id;
}

static void document_drop_number(struct client_document *document) {
    if (document->number != 0)
        table_remove(&document->client->by_number, document->number);
    document->number = 0;
}

static void document_halt(struct client_document *document, enum client_document_state state, const struct wire_fault *fault) {
    document->state = state;
    document->fault = *fault;
    document->fault.method = bytes_of(NULL, 0);
    document->fault.field = document->fault.limit = NULL;
    document_flag(document, FLAG_HALTED);
}

static enum status document_make_replica(struct client_document *document) {
    struct crdt_doc *replica;
    struct crdt_doc_options options = { .mem = document->client->mem, .client_id = document->client_id, .gc = true };
    enum status status = crdt_doc_create(&options, &replica);
    if (status != STATUS_OK)
        return status;
    crdt_doc_destroy(document->replica);
    document->replica = replica;
    document->text = NULL;
    return STATUS_OK;
}

enum status client_document_open(struct client *client, const struct uuid *file, struct bytes path, void *context,
                                 struct client_document **out) {
    bool by_path = !file || uuid_is_nil(file);
    if (by_path && (path.size == 0 || path.size > WIRE_PATH_BYTES_MAX))
        return STATUS_RANGE;
    if (client->document_count == CLIENT_DOCUMENTS_MAX)
        return STATUS_OVERLOADED;
    struct client_document *document = mem_zalloc(client->mem, sizeof *document);
    if (!document)
        return STATUS_NO_MEMORY;
    document->client = client;
    document->context = context;
    document->file = by_path ? uuid_nil : *file;
    document->client_id = document_fresh_id(client);
    document->retry_at_ms = UINT64_MAX;
    list_init(&document->link);
    list_init(&document->flagged);
    bytes_writer_init(&document->path, client->mem, WIRE_PATH_BYTES_MAX);
    bytes_writer_init(&document->server_vector, client->mem, WIRE_STATE_VECTOR_BYTES_MAX);
    bytes_writer_init(&document->owes_since, client->mem, WIRE_STATE_VECTOR_BYTES_MAX);
    if (by_path)
        bytes_write(&document->path, path);
    enum status status = document->path.status;
    if (status == STATUS_OK)
        status = document_make_replica(document);
    if (status == STATUS_OK)
        status = presence_init(&document->presence, client->mem, document->client_id, client->now_ms);
    client->document_count++;
    list_append(&client->documents, &document->link);
    if (status != STATUS_OK) {
        document_free(document);
        return status;
    }
    if (client->phase == PHASE_JOINED)
        document_joined(document);
    *out = document;
    return STATUS_OK;
}

static void document_say_close(struct client_document *document) {
    if (document->number == 0 || document->client->phase != PHASE_JOINED)
        return;
    wire_doc_close_write(client_call_begin(document->client, "doc.close"), document->number);
    (void)client_call_end(document->client, NULL, NULL); /* not said: frames of an unknown number are passed over */
}

void document_free(struct client_document *document) {
    struct client *client = document->client;
    call_forget(client, document);
    document_set_owes(document, false);
    document_drop_number(document);
    list_remove(&document->flagged);
    list_remove(&document->link);
    client->document_count--;
    presence_finish(&document->presence);
    crdt_doc_destroy(document->replica);
    bytes_writer_finish(&document->path);
    bytes_writer_finish(&document->server_vector);
    bytes_writer_finish(&document->owes_since);
    mem_free(client->mem, document->clocks, document->clocks_capacity * sizeof *document->clocks);
    mem_free(client->mem, document, sizeof *document);
}

void client_document_close(struct client_document *document) {
    document_say_close(document);
    document_free(document);
}

enum status client_document_reopen(struct client_document *document) {
    struct client *client = document->client;
    document->client_id = document_fresh_id(client);
    enum status status = document_make_replica(document);
    if (status != STATUS_OK)
        return status;
    call_forget(client, document);
    document_say_close(document);
    document_drop_number(document);
    document_set_owes(document, false);
    list_remove(&document->flagged); /* events of the old replica are no news any more */
    document->flags = 0;
    presence_rename(&document->presence, document->client_id, client->now_ms);
    document->has_epoch = false;
    document->ready_once = false;
    document->clock_acknowledged = 0;
    document->progress.sent = document->progress.acknowledged = 0;
    document->attempts = document->taken_attempts = 0;
    document->state = CLIENT_DOCUMENT_WAITING;
    document->retry_at_ms = UINT64_MAX;
    if (client->phase == PHASE_JOINED)
        document_joined(document);
    return STATUS_OK;
}

/* ---- sending ---- */

static uint64_t document_in_flight(const struct client_document *document) {
    return document->progress.sent - document->progress.acknowledged;
}

static bool document_connected(const struct client_document *document) {
    return document->client->phase == PHASE_JOINED && document->number != 0 &&
           (document->state == CLIENT_DOCUMENT_SYNCING || document->state == CLIENT_DOCUMENT_LIVE);
}

/* Whether the server's announced pace leaves room for one more update in this slice of time. A fifth stays in reserve. */
static bool document_in_pace(struct client *client) {
    uint64_t per_second = client->limits.updates_per_second;
    if (per_second == 0)
        return true;
    if (client->now_ms - client->slice_started_ms >= CLIENT_PACE_MS) {
        client->slice_started_ms = client->now_ms;
        client->slice_updates = 0;
    }
    uint64_t per_slice = per_second * CLIENT_PACE_MS / 1000 * 4 / 5;
    return client->slice_updates < (per_slice > 0 ? per_slice : 1);
}

/* Room for the clock of one more update in flight. */
static bool document_reserve_clock(struct client_document *document) {
    uint64_t count = document_in_flight(document);
    if (count < document->clocks_capacity)
        return true;
    if (count >= CLIENT_IN_FLIGHT_MAX)
        return false;
    size_t capacity = document->clocks_capacity ? document->clocks_capacity * 2 : 64;
    uint64_t *clocks = mem_alloc(document->client->mem, capacity * sizeof *clocks);
    if (!clocks)
        return false;
    assert(count == 0 || document->clocks_capacity > 0);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t n = document->progress.acknowledged + i;
        clocks[n % capacity] = document->clocks[n % document->clocks_capacity];
    }
    mem_free(document->client->mem, document->clocks, document->clocks_capacity * sizeof *clocks);
    document->clocks = clocks;
    document->clocks_capacity = capacity;
    return true;
}

/* Queues one update. false: for lack of memory nothing was queued. The caller has checked that a clock has room. */
static bool document_send_update(struct client_document *document, struct bytes update) {
    struct client *client = document->client;
    struct bytes_writer *batch = line_batch(&client->line);
    if (update.size > CLIENT_BATCH_BYTES / 2)
        line_flush(&client->line);
    if (line_failed(&client->line))
        return false;
    size_t start = batch->size;
    wire_sync_write(batch, WIRE_UPDATE, document->number, update);
    if (batch->status != STATUS_OK) {
        batch->size = start;
        batch->status = STATUS_OK;
        return false;
    }
    document->clocks[document->progress.sent % document->clocks_capacity] = crdt_doc_clock(document->replica, document->client_id);
    document->progress.sent++;
    document->progress.updates++;
    document->progress.update_bytes += update.size;
    client->slice_updates++;
    line_batched(&client->line);
    return true;
}

/* Whether the next edit can leave as an update of its own. */
static bool document_can_send(struct client_document *document) {
    return document_connected(document) && !document->owes && line_waiting(&document->client->line) < CLIENT_OUT_BYTES_HIGH &&
           document_in_pace(document->client) && document_reserve_clock(document);
}

/* Sends everything that a peer with `vector` misses. */
static enum status document_send_diff(struct client_document *document, struct bytes vector) {
    static const uint8_t nothing_known[] = { 0 };
    struct client *client = document->client;
    if (!document_reserve_clock(document))
        return STATUS_OVERLOADED;
    bytes_writer_reset(&client->scratch);
    if (vector.size == 0)
        vector = bytes_of(nothing_known, sizeof nothing_known);
    enum status status = crdt_update_encode_diff(document->replica, vector, &client->scratch);
    if (status != STATUS_OK)
        return status;
    if (client->limits.update_bytes > 0 && client->scratch.size > client->limits.update_bytes)
        return STATUS_TOO_BIG;
    return document_send_update(document, bytes_written(&client->scratch)) ? STATUS_OK : STATUS_NO_MEMORY;
}

/* Remembers what the server knows, before the first edit that is held back. */
static enum status document_start_owing(struct client_document *document) {
    if (document->owes)
        return STATUS_OK;
    bytes_writer_reset(&document->owes_since);
    enum status status = crdt_state_vector_encode(document->replica, &document->owes_since);
    if (status == STATUS_TOO_BIG) {
        bytes_writer_reset(&document->owes_since); /* everything, then */
        status = STATUS_OK;
    }
    return status;
}

void document_settle(struct client_document *document) {
    struct client *client = document->client;
    /* Far below the marks at which holding back begins, so that debts are few and big instead of many and small. */
    if (!document->owes || !document->writable || !document_connected(document) ||
        line_waiting(&client->line) > CLIENT_OUT_BYTES_HIGH / 4 || document_in_flight(document) > CLIENT_IN_FLIGHT_MAX / 2 ||
        !document_in_pace(client))
        return;
    enum status status = document_send_diff(document, bytes_written(&document->owes_since));
    if (status == STATUS_OK) {
        document_set_owes(document, false);
    } else if (status == STATUS_TOO_BIG) {
        struct wire_fault fault = wire_fault_limit("update_bytes", client->limits.update_bytes);
        document_halt(document, CLIENT_DOCUMENT_REJECTED, &fault);
    }
}

/* ---- opening ---- */

static void document_retry_later(struct client_document *document, uint64_t after_ms) {
    uint64_t pause = client_backoff(document->attempts++, client_random_u32(document->client));
    document->state = CLIENT_DOCUMENT_WAITING;
    document->retry_at_ms = document->client->now_ms + (pause > after_ms ? pause : after_ms);
}

static void document_on_refused(struct client_document *document, const struct wire_fault *fault) {
    struct client *client = document->client;
    if (fault->code == WIRE_CODE_CLIENT_ID_TAKEN && document->taken_attempts < CLIENT_TAKEN_ATTEMPTS_MAX) {
        /* The replica stays: what it wrote under the old id is sent as that writer's, what comes is written under the new one. */
        uint64_t id = document_fresh_id(client);
        document->taken_attempts++;
        if (crdt_doc_set_client_id(document->replica, id) == STATUS_OK) {
            document->client_id = id;
            document->clock_acknowledged = 0;
            presence_rename(&document->presence, id, client->now_ms);
            document_joined(document);
            return;
        }
    }
    if (fault->retry == WIRE_RETRY_LATER)
        document_retry_later(document, fault->has_after_ms ? fault->after_ms : 0);
    else if (fault->code == WIRE_CODE_EPOCH_MISMATCH)
        document_halt(document, CLIENT_DOCUMENT_EPOCH, fault);
    else
        document_halt(document, CLIENT_DOCUMENT_FAILED, fault);
}

/* The clock of `client_id` in an encoded state vector; 0: not named. */
static enum status state_vector_find(struct bytes vector, uint64_t client_id, uint64_t *out) {
    struct bytes_reader reader = bytes_reader(vector);
    uint64_t count, client, clock;
    *out = 0;
    enum status status = varint_read(&reader, &count);
    for (; status == STATUS_OK && count > 0; count--) {
        status = varint_read(&reader, &client);
        if (status == STATUS_OK)
            status = varint_read(&reader, &clock);
        if (status == STATUS_OK && client == client_id)
            *out = clock;
    }
    return status;
}

static void document_check_ready(struct client_document *document, bool answered) {
    bool peer_misses, doc_misses = true;
    if (document->state != CLIENT_DOCUMENT_SYNCING || !answered)
        return;
    if (crdt_state_vector_compare(document->replica, bytes_written(&document->server_vector), &peer_misses, &doc_misses) !=
            STATUS_OK ||
        doc_misses)
        return;
    document->state = CLIENT_DOCUMENT_LIVE;
    document->ready_once = true;
    document->attempts = document->taken_attempts = 0;
    if (presence_has_own(&document->presence))
        document->presence.renew_at_ms = document->client->now_ms;
    document_flag(document, FLAG_READY);
}

static void document_send_own_vector(struct client_document *document) {
    struct client *client = document->client;
    bytes_writer_reset(&client->scratch);
    if (crdt_state_vector_encode(document->replica, &client->scratch) != STATUS_OK) {
        client_lose(client, CLIENT_RETRY_LATER, 0, bytes_text("out of memory"), 0);
        return;
    }
    wire_sync_write(line_batch(&client->line), WIRE_STATE_VECTOR, document->number, bytes_written(&client->scratch));
    line_batched(&client->line);
}

/* After an opening: what the server lacks goes out, what it has more is asked for. */
static void document_exchange(struct client_document *document, bool resumed) {
    struct client *client = document->client;
    struct bytes vector = bytes_written(&document->server_vector);
    if (document->owes && !document->writable) {
        struct wire_fault fault = wire_fault(WIRE_CODE_PERMISSION_DENIED);
        document_halt(document, CLIENT_DOCUMENT_REJECTED, &fault);
        return;
    }
    if (resumed && document->writable) {
        enum status status = document_send_diff(document, vector);
        if (status == STATUS_OK) {
            document_set_owes(document, false);
        } else if (status == STATUS_TOO_BIG) {
            struct wire_fault fault = wire_fault_limit("update_bytes", client->limits.update_bytes);
            document_halt(document, CLIENT_DOCUMENT_REJECTED, &fault);
            return;
        } else {
            client_lose(client, CLIENT_RETRY_LATER, 0, bytes_text("no memory for what is to be sent"), 0);
            return;
        }
    }
    document_send_own_vector(document);
}

static void document_on_opened(void *context, struct client *client, const struct client_reply *reply) {
    struct client_document *document = context;
    struct wire_doc_opened opened;
    uint64_t server_clock;
    if (reply->status == STATUS_UNAVAILABLE)
        return; /* document_lost has seen to it */
    if (reply->status == STATUS_DENIED) {
        document_on_refused(document, reply->fault);
        return;
    }
    if (wire_doc_opened_read(reply->result, &opened).status != STATUS_OK || opened.doc == 0 ||
        state_vector_find(opened.state_vector, document->client_id, &server_clock) != STATUS_OK) {
        client_blame(client, "an answer to doc.open that cannot be read");
        return;
    }
    if (table_get(&client->by_number, opened.doc)) {
        struct wire_fault fault = wire_fault_say(WIRE_CODE_EXISTS, "This file is open in this client already.");
        document_halt(document, CLIENT_DOCUMENT_FAILED, &fault);
        return;
    }
    if (document->has_epoch && opened.epoch != document->epoch) {
        struct wire_fault fault = wire_fault(WIRE_CODE_EPOCH_MISMATCH);
        fault.has_epoch = true;
        fault.epoch = opened.epoch;
        document_halt(document, CLIENT_DOCUMENT_EPOCH, &fault);
        return;
    }
    bool resumed = document->has_epoch;
    bytes_writer_reset(&document->server_vector);
    bytes_write(&document->server_vector, opened.state_vector);
    bytes_writer_reset(&document->path);
    bytes_write(&document->path, opened.path);
    if (document->server_vector.status != STATUS_OK || document->path.status != STATUS_OK ||
        crdt_doc_root(document->replica, opened.root, &document->text) != STATUS_OK ||
        table_put(&client->by_number, opened.doc, document) != STATUS_OK) {
        client_lose(client, CLIENT_RETRY_LATER, 0, bytes_text("out of memory"), 0);
        return;
    }
    document->number = opened.doc;
    document->file = opened.file;
    document->epoch = opened.epoch;
    document->has_epoch = true;
    document->writable = opened.access == WIRE_ACCESS_WRITE;
    document->state = CLIENT_DOCUMENT_SYNCING;
    document->progress.opening++;
    document->progress.sent = document->progress.acknowledged = 0;
    if (server_clock < document->clock_acknowledged)
        document->progress.units_missing += document->clock_acknowledged - server_clock;
    document_exchange(document, resumed);
}

void document_joined(struct client_document *document) {
    struct client *client = document->client;
    if (document->state >= CLIENT_DOCUMENT_REJECTED)
        return;
    struct wire_doc_open open = {
        .file = document->file,
        .path = uuid_is_nil(&document->file) ? bytes_written(&document->path) : bytes_of(NULL, 0),
        .has_epoch = document->has_epoch,
        .epoch = document->epoch,
        .client_id = document->client_id,
    };
    wire_doc_open_write(client_call_begin(client, "doc.open"), &open);
    if (client_call_end(client, document_on_opened, document) == STATUS_OK) {
        document->state = CLIENT_DOCUMENT_OPENING;
        document->retry_at_ms = UINT64_MAX;
    } else {
        /* More documents than calls may wait: the next ones go out when these were answered. */
        document->state = CLIENT_DOCUMENT_WAITING;
        document->retry_at_ms = client->now_ms + 50;
    }
}

void document_lost(struct client_document *document) {
    document_drop_number(document);
    document->retry_at_ms = UINT64_MAX;
    if (document_in_flight(document) > 0)
        document_set_owes(document, true);
    document->progress.sent = document->progress.acknowledged = 0;
    if (document->state < CLIENT_DOCUMENT_REJECTED)
        document->state = CLIENT_DOCUMENT_WAITING;
}

/* ---- time ---- */

static void document_send_presence(struct client_document *document) {
    struct client *client = document->client;
    presence_renew(&document->presence, client->now_ms);
    bytes_writer_reset(&client->scratch);
    if (presence_encode_own(&document->presence, &client->scratch) != STATUS_OK)
        return; /* the next renewal says it */
    wire_sync_write(line_batch(&client->line), WIRE_AWARENESS, document->number, bytes_written(&client->scratch));
    line_batched(&client->line);
}

static void document_note_presence(struct client_document *document) {
    if (document->presence.changed)
        document_flag(document, FLAG_AWARENESS);
    document->presence.changed = false;
}

void document_tick(struct client_document *document) {
    struct client *client = document->client;
    if (client->phase == PHASE_JOINED && document->state == CLIENT_DOCUMENT_WAITING && client->now_ms >= document->retry_at_ms)
        document_joined(document);
    if (document_connected(document) && client->now_ms >= document->presence.renew_at_ms)
        document_send_presence(document);
    presence_expire(&document->presence, client->now_ms);
    document_note_presence(document);
}

uint64_t document_wakeup(const struct client_document *document) {
    uint64_t at = document->presence.expire_at_ms;
    if (document->client->phase == PHASE_JOINED && document->state == CLIENT_DOCUMENT_WAITING && document->retry_at_ms < at)
        at = document->retry_at_ms;
    if (document_connected(document) && document->presence.renew_at_ms < at)
        at = document->presence.renew_at_ms;
    return at;
}

/* ---- received ---- */

void document_on_update(struct client_document *document, struct bytes update) {
    struct client *client = document->client;
    if (!document_connected(document))
        return;
    struct crdt_update_result result = { 0 };
    struct crdt_txn *txn = crdt_txn_begin(document->replica);
    enum status status = crdt_update_apply(txn, update, &result);
    (void)crdt_txn_commit(txn, NULL, NULL); /* without a writer nothing can fail */
    if (status == STATUS_MALFORMED) {
        client_blame(client, "an update that is none");
        return;
    }
    if (status != STATUS_OK) {
        client_lose(client, CLIENT_RETRY_LATER, 0, bytes_text("no memory for an update"), 0);
        return;
    }
    document->progress.received++;
    if (result.units_new > 0 || result.units_deleted > 0)
        document_flag(document, FLAG_CHANGED);
    document_check_ready(document, true);
}

void document_on_ack(struct client_document *document, uint64_t count) {
    struct client_progress *progress = &document->progress;
    if (count > progress->sent) {
        client_blame(document->client, "an acknowledgement of what was never sent");
        return;
    }
    if (count <= progress->acknowledged)
        return;
    document->clock_acknowledged = document->clocks[(count - 1) % document->clocks_capacity];
    progress->acknowledged = count;
    if (client_document_saved(document))
        document_flag(document, FLAG_SAVED);
}

void document_on_vector(struct client_document *document, struct bytes vector) {
    struct client *client = document->client;
    if (!document_connected(document) || !document->writable)
        return;
    enum status status = document_send_diff(document, vector);
    if (status == STATUS_MALFORMED)
        client_blame(client, "a state vector that is none");
    else if (status != STATUS_OK)
        client_lose(client, CLIENT_RETRY_LATER, 0, bytes_text("no room for what the server asked for"), 0);
}

void document_on_awareness(struct client_document *document, struct bytes update) {
    bool contradicted;
    if (presence_apply(&document->presence, update, document->client->now_ms, &contradicted) == STATUS_MALFORMED) {
        client_blame(document->client, "awareness that cannot be read");
        return;
    }
    if (contradicted)
        document->presence.renew_at_ms = document->client->now_ms;
    document_note_presence(document);
}

void document_on_rejected(struct client_document *document, const struct wire_doc_rejected *rejected) {
    struct wire_fault fault = wire_fault_say(rejected->code < WIRE_CODE_COUNT ? rejected->code : WIRE_CODE_REJECTED, "%.*s",
                                             (int)rejected->message.size, (const char *)rejected->message.data);
    if (document->state < CLIENT_DOCUMENT_REJECTED)
        document_halt(document, CLIENT_DOCUMENT_REJECTED, &fault);
}

void document_on_gone(struct client_document *document, const struct wire_doc_gone *gone) {
    static const enum wire_code codes[WIRE_GONE_COUNT] = {
        [WIRE_GONE_DELETED] = WIRE_CODE_NOT_FOUND,        [WIRE_GONE_EPOCH] = WIRE_CODE_EPOCH_MISMATCH,
        [WIRE_GONE_DENIED] = WIRE_CODE_PERMISSION_DENIED, [WIRE_GONE_QUARANTINED] = WIRE_CODE_QUARANTINED,
        [WIRE_GONE_UNAVAILABLE] = WIRE_CODE_UNAVAILABLE,
    };
    struct wire_fault fault = wire_fault(gone->reason < WIRE_GONE_COUNT ? codes[gone->reason] : WIRE_CODE_UNAVAILABLE);
    enum client_document_state before = document->state;
    document_lost(document);
    if (before >= CLIENT_DOCUMENT_REJECTED)
        return;
    if (gone->reason == WIRE_GONE_DELETED)
        fault = wire_fault_say(WIRE_CODE_NOT_FOUND, "The file was deleted.");
    if (fault.code == WIRE_CODE_UNAVAILABLE) {
        document_retry_later(document, 0);
        return;
    }
    if (gone->reason == WIRE_GONE_EPOCH) {
        fault.has_epoch = true;
        fault.epoch = gone->epoch;
    }
    document_halt(document, gone->reason == WIRE_GONE_EPOCH ? CLIENT_DOCUMENT_EPOCH : CLIENT_DOCUMENT_FAILED, &fault);
}

/* ---- editing ---- */

static enum status document_may_edit(const struct client_document *document) {
    if (document->state >= CLIENT_DOCUMENT_REJECTED)
        return STATUS_CONFLICT;
    if (!document->ready_once)
        return STATUS_UNAVAILABLE;
    return document->writable ? STATUS_OK : STATUS_DENIED;
}

/* The edit is in the replica; its update goes out, or the document owes it. `since_known`: owes_since is set. */
static void document_publish(struct client_document *document, struct bytes update, bool sendable, enum status written) {
    if (sendable && written == STATUS_OK && (update.size == 0 || document_send_update(document, update)))
        return;
    if (sendable)
        bytes_writer_reset(&document->owes_since); /* what the server lacks is not known any more: everything, then */
    document_set_owes(document, true);
}

enum status client_document_replace(struct client_document *document, uint64_t index, uint64_t length, struct bytes text) {
    struct client *client = document->client;
    enum status status = document_may_edit(document);
    if (status != STATUS_OK)
        return status;
    uint64_t units = crdt_text_length(document->text);
    if (index > units || length > units - index)
        return STATUS_RANGE;
    if (!utf_check(text, NULL))
        return STATUS_MALFORMED;
    if (text.size > (size_t)CLIENT_OUT_BYTES_HIGH * 8 ||
        (client->limits.update_bytes > 0 && text.size + CLIENT_MARGIN_BYTES > client->limits.update_bytes))
        return STATUS_TOO_BIG;
    if (length == 0 && text.size == 0)
        return STATUS_OK;
    bool sendable = document_can_send(document);
    if (!sendable && (status = document_start_owing(document)) != STATUS_OK)
        return status;
    struct crdt_txn *txn = crdt_txn_begin(document->replica);
    if (length > 0)
        status = crdt_text_delete(txn, document->text, index, length);
    if (status == STATUS_OK && text.size > 0)
        status = crdt_text_insert(txn, document->text, index, text);
    bytes_writer_reset(&client->scratch);
    enum status written = crdt_txn_commit(txn, sendable ? &client->scratch : NULL, NULL);
    document_publish(document, bytes_written(&client->scratch), sendable, written);
    return status;
}

enum status client_document_insert(struct client_document *document, uint64_t index, struct bytes text) {
    return client_document_replace(document, index, 0, text);
}

enum status client_document_delete(struct client_document *document, uint64_t index, uint64_t length) {
    return client_document_replace(document, index, length, bytes_of(NULL, 0));
}

enum status client_document_apply(struct client_document *document, struct bytes update) {
    struct client *client = document->client;
    enum status status = document_may_edit(document);
    if (status != STATUS_OK)
        return status;
    if (client->limits.update_bytes > 0 && update.size > client->limits.update_bytes)
        return STATUS_TOO_BIG;
    bool sendable = document_can_send(document);
    if (!sendable && (status = document_start_owing(document)) != STATUS_OK)
        return status;
    struct crdt_txn *txn = crdt_txn_begin(document->replica);
    status = crdt_update_apply(txn, update, NULL);
    (void)crdt_txn_commit(txn, NULL, NULL);
    if (status == STATUS_OK)
        document_publish(document, update, sendable, STATUS_OK);
    return status;
}

/* ---- questions ---- */

void *client_document_context(const struct client_document *document) {
    return document->context;
}

struct client *client_document_client(const struct client_document *document) {
    return document->client;
}

enum client_document_state client_document_state(const struct client_document *document) {
    return document->state;
}

struct uuid client_document_file(const struct client_document *document) {
    return document->file;
}

struct bytes client_document_path(const struct client_document *document) {
    return bytes_written(&document->path);
}

uint64_t client_document_epoch(const struct client_document *document) {
    return document->epoch;
}

bool client_document_writable(const struct client_document *document) {
    return document->writable;
}

const struct crdt_doc *client_document_replica(const struct client_document *document) {
    return document->replica;
}

uint64_t client_document_length(const struct client_document *document) {
    return document->text ? crdt_text_length(document->text) : 0;
}

enum status client_document_text(const struct client_document *document, struct bytes_writer *out) {
    return document->text ? crdt_text_write(document->replica, document->text, out) : STATUS_OK;
}

bool client_document_saved(const struct client_document *document) {
    return !document->owes && document_in_flight(document) == 0;
}

struct client_progress client_document_progress(const struct client_document *document) {
    struct client_progress progress = document->progress;
    progress.owes = document->owes;
    return progress;
}

/* ---- awareness ---- */

enum status client_awareness_set(struct client *client, struct client_document *document, struct bytes json, uint64_t now_ms) {
    struct client_presence *presence = document ? &document->presence : &client->presence;
    if (document && !document->ready_once)
        return STATUS_UNAVAILABLE;
    client->now_ms = now_ms;
    enum status status = presence_set(presence, json, now_ms);
    if (status != STATUS_OK)
        return status;
    if (client->phase != PHASE_JOINED || (document && !document_connected(document)))
        return STATUS_OK;
    bytes_writer_reset(&client->scratch);
    if (presence_encode_own(presence, &client->scratch) != STATUS_OK)
        return STATUS_NO_MEMORY;
    wire_sync_write(line_batch(&client->line), WIRE_AWARENESS, document ? document->number : 0, bytes_written(&client->scratch));
    line_batched(&client->line);
    return STATUS_OK;
}

enum status client_awareness_each(struct client *client, struct client_document *document,
                                  enum status (*visit)(void *context, uint64_t id, uint64_t clock, struct bytes json),
                                  void *context) {
    struct client_presence *presence = document ? &document->presence : &client->presence;
    bytes_writer_reset(&client->scratch);
    enum status status = crdt_awareness_encode_all(presence->states, &client->scratch);
    if (status != STATUS_OK)
        return status;
    return crdt_awareness_each_client(bytes_written(&client->scratch), visit, context);
}
