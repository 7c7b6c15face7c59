/* document.c — the life of a document in memory and of its subscriptions. Loading: document_open.c. Saving: persist.c. */
#include "document/document.h"

#include "config.h"
#include "document/budget.h"
#include "document/delivery.h"
#include "document/document_open.h"
#include "document/framing.h"
#include "document/leave.h"
#include "document/persist.h"
#include "document/root.h"
#include "log.h"
#include "loop/loop.h"

#include <assert.h>

static void document_room_flush(struct room *room);

static struct log_subject document_subject(const struct document *document) {
    return (struct log_subject){ .session = &document->session->id, .file = &document->file };
}

struct document *document_find(const struct session *session, const struct uuid *file) {
    for (const struct list *link = session->documents.next; link != &session->documents; link = link->next) {
        struct document *document = list_entry(link, struct document, session_link);
        if (uuid_equal(&document->file, file))
            return document;
    }
    return NULL;
}

enum status document_create(struct session *session, const struct uuid *file, struct document **out) {
    struct server *server = session->server;
    struct document *document = mem_zalloc(&mem_default, sizeof *document);
    if (document == NULL)
        return STATUS_NO_MEMORY;
    document->session = session;
    document->file = *file;
    document->number = server->document_next++;
    document->idle_since_ms = server_now_ms(server);
    list_init(&document->subscriptions);
    list_init(&document->openers);
    list_init(&document->idle_link);
    room_init(&document->room, server, document_room_flush);
    list_append(&session->documents, &document->session_link);
    server->documents_count++;
    *out = document;
    return STATUS_OK;
}

static bool document_has_image(const struct document *document) {
    for (size_t i = 0; i < DIALECT_SHARING; i++)
        if (image_is_kept(&document->images[i]))
            return true;
    return false;
}

static void document_forget_images(struct document *document) {
    for (size_t i = 0; i < DIALECT_SHARING; i++)
        image_forget(&document->images[i]);
}

void document_destroy(struct document *document) {
    document->state = DOCUMENT_CLOSED;
    leave_end(document, false);
    document_open_abandon(document, STATUS_UNAVAILABLE);
    list_each (link, &document->subscriptions)
        document_unsubscribe(list_entry(link, struct subscription, document_link));
    persist_end(document);
    budget_forget(document);
    authors_finish(document);
    room_finish(&document->room);
    document_forget_images(document);
    crdt_doc_destroy(document->crdt);
    mem_free(&mem_default, document->root_name, document->root_name_size);
    list_remove(&document->session_link);
    document->session->server->documents_count--;
    mem_free(&mem_default, document, sizeof *document);
}

/* ---- subscriptions ---- */

struct subscription *connection_subscription(const struct connection *connection, uint64_t number) {
    for (const struct list *link = connection->subscriptions.next; link != &connection->subscriptions; link = link->next) {
        struct subscription *subscription = list_entry(link, struct subscription, connection_link);
        if (subscription->document->number == number)
            return subscription;
    }
    return NULL;
}

struct subscription *connection_subscription_named(const struct connection *connection, struct bytes name) {
    for (const struct list *link = connection->subscriptions.next; link != &connection->subscriptions; link = link->next) {
        struct subscription *subscription = list_entry(link, struct subscription, connection_link);
        if (bytes_equal(bytes_of(subscription->name, subscription->name_size), name))
            return subscription;
    }
    return NULL;
}

enum status document_subscribe(struct document *document, struct connection *connection, uint64_t client_id, struct bytes name,
                               struct subscription **out) {
    struct subscription *older =
        name.size > 0 ? connection_subscription_named(connection, name) : connection_subscription(connection, document->number);
    if (older != NULL)
        document_unsubscribe(older);
    if (connection->subscription_count >= DOCUMENT_SUBSCRIPTIONS_MAX)
        return STATUS_TOO_BIG;
    struct subscription *subscription = mem_zalloc(&mem_default, sizeof *subscription);
    if (subscription == NULL)
        return STATUS_NO_MEMORY;
    if (name.size > 0) {
        subscription->name = mem_alloc(&mem_default, name.size);
        if (subscription->name == NULL) {
            mem_free(&mem_default, subscription, sizeof *subscription);
            return STATUS_NO_MEMORY;
        }
        memcpy(subscription->name, name.data, subscription->name_size = name.size);
    }
    subscription->document = document;
    subscription->connection = connection;
    subscription->dialect = (uint8_t)connection->dialect->kind;
    subscription->client_id = client_id;
    subscription->writable = (connection->participant.rights & RIGHT_WRITE) != 0;
    list_init(&subscription->due_link);
    list_append(&document->subscriptions, &subscription->document_link);
    list_append(&connection->subscriptions, &subscription->connection_link);
    connection->subscription_count++;
    document->idle_since_ms = 0;
    budget_place(document);
    *out = subscription;
    return STATUS_OK;
}

void document_unsubscribe(struct subscription *subscription) {
    struct document *document = subscription->document;
    uint64_t now_ms = server_now_ms(document->session->server);
    list_remove(&subscription->document_link);
    list_remove(&subscription->connection_link);
    subscription->connection->subscription_count--;
    delivery_forget(subscription);
    room_leave(&document->room, &subscription->member, now_ms);
    if (list_empty(&document->subscriptions))
        document->idle_since_ms = now_ms;
    budget_place(document);
    mem_free(&mem_default, subscription->name, subscription->name_size);
    mem_free(&mem_default, subscription, sizeof *subscription);
}

/* Ends the connections of its readers, when there is no memory to tell them something: they come back and get what they lack. */
static void document_cut_off(struct document *document) {
    while (!list_empty(&document->subscriptions)) /* a connection may have several, and they all end with it */
        connection_doom(list_entry(document->subscriptions.next, struct subscription, document_link)->connection);
    document_forget_images(document); /* they lack that, too */
}

/* ---- updates ---- */

static void document_reject(struct subscription *subscription, enum wire_code code, const char *message) {
    struct document *document = subscription->document;
    struct log_subject subject = connection_subject(subscription->connection);
    subject.file = &document->file;
    log_info(&subject, "update.rejected", "n=%llu code=%s", (unsigned long long)subscription->count, wire_code_word(code));
    subscription->refused = subscription->count;
    metrics_count(&document->session->server->metrics, METRIC_updates_rejected);
    subscription->connection->dialect->rejected(subscription, code, message == NULL ? wire_code_sentence(code) : message);
}

/* Puts a document aside whose memory holds what the journal does not: whoever sent that still has it and sends it again. */
static void document_put_aside(struct document *document, const char *why) {
    struct log_subject subject = document_subject(document);
    log_error(&subject, "document.put_aside", "why=%s", why);
    document_gone(document, WIRE_GONE_UNAVAILABLE, 0);
}

/* Applies in a transaction of its own. `relay` gets what became new, if that differs from `update` (result->verbatim is false).
 * STATUS_CONFLICT: applied, but there is no memory for the relay. */
static enum status document_apply(struct document *document, struct bytes update, struct crdt_update_result *result,
                                  struct bytes_writer *relay) {
    struct metrics *metrics = &document->session->server->metrics;
    uint64_t began_us = loop_clock_us();
    struct crdt_txn *txn = crdt_txn_begin(document->crdt);
    enum status status = crdt_update_apply(txn, update, result);
    bool emit = status == STATUS_OK && !result->verbatim;
    enum status committed = crdt_txn_commit(txn, emit ? relay : NULL, NULL);
    metrics_observe(metrics, METRIC_apply, loop_clock_us() - began_us);
    if (status == STATUS_TOO_BIG) {
        bool parks =
            crdt_doc_size(document->crdt).pending_bytes + update.size > server_config(document->session->server)->pending_bytes_max;
        metrics_limited(metrics, parks ? LIMIT_pending_bytes_max : LIMIT_conflict_steps_max);
    }
    budget_count(document);
    return status != STATUS_OK ? status : committed == STATUS_OK ? STATUS_OK : STATUS_CONFLICT;
}

/* A door's first words are in: if they made another root the text, those who have learned the old one are told to open again. */
static enum status document_follow_door(struct document *document) {
    bool renamed;
    enum status status = root_follow_door(document, &renamed);
    if (!renamed)
        return status;
    struct log_subject subject = document_subject(document);
    log_info(&subject, "document.root", "name=\"%s\"", document->root_name);
    struct wire_doc_gone gone = { .doc = document->number, .file = document->file, .reason = WIRE_GONE_UNAVAILABLE };
    list_each (link, &document->subscriptions) {
        struct subscription *subscription = list_entry(link, struct subscription, document_link);
        if (subscription->dialect != DIALECT_NATIVE)
            continue;
        const struct connection *connection = subscription->connection;
        connection->dialect->gone(subscription, &gone);
        if (connection->state == CONNECTION_JOINED) /* else there was no memory to say it: the subscription has gone, too */
            document_unsubscribe(subscription);
    }
    return STATUS_OK;
}

enum status document_update(struct subscription *subscription, struct bytes update, bool live) {
    struct document *document = subscription->document;
    struct server *server = document->session->server;
    subscription->count++;
    if (subscription->refused != 0)
        return STATUS_OK;

    bool relayed;
    enum status status = authors_judge(subscription, update, &relayed);
    if (status == STATUS_MALFORMED)
        return status;
    if (status == STATUS_DENIED) {
        document_reject(subscription, WIRE_CODE_PERMISSION_DENIED, "These are edits of another participant who is connected.");
        return STATUS_OK;
    }
    if (status == STATUS_CONFLICT) {
        document_reject(subscription, WIRE_CODE_EPOCH_MISMATCH, NULL);
        return STATUS_OK;
    }
    if (!subscription->writable) {
        bool known = false;
        status = crdt_update_is_known(document->crdt, update, &known);
        if (status == STATUS_MALFORMED)
            return status;
        if (known)
            persist_nothing_new(subscription);
        else
            document_reject(subscription, WIRE_CODE_PERMISSION_DENIED, NULL);
        return STATUS_OK;
    }
    const struct config *config = server_config(server);
    if (store_health(server->store).dirty_bytes + update.size > config->dirty_bytes_max) {
        metrics_limited(&server->metrics, LIMIT_dirty_bytes_max);
        document_reject(subscription, WIRE_CODE_OVERLOADED, "Too much waits to be saved; try again.");
        return STATUS_OK;
    }
    if (!budget_allows_growth(server)) {
        metrics_limited(&server->metrics, LIMIT_memory_limit);
        document_reject(subscription, WIRE_CODE_OVERLOADED, "The documents in memory have reached its limit; try again.");
        return STATUS_OK;
    }
    if (document->session->documents_bytes > config->session_bytes_max) {
        metrics_limited(&server->metrics, LIMIT_session_bytes_max);
        document_reject(subscription, WIRE_CODE_OVERLOADED, "The documents of this session hold too much memory; close some.");
        return STATUS_OK;
    }
    if (update.size > config->document_bytes_max || crdt_doc_size(document->crdt).heap_bytes > config->document_bytes_max) {
        metrics_limited(&server->metrics, LIMIT_document_bytes_max);
        document_reject(subscription, WIRE_CODE_LIMIT, "The document is larger than document_bytes.");
        return STATUS_OK;
    }

    bool was_empty = crdt_doc_size(document->crdt).structs == 0;
    struct crdt_update_result result = { 0 };
    struct bytes_writer relay = connection_writer();
    status = document_apply(document, update, &result, &relay);
    if (status == STATUS_MALFORMED)
        return status;
    if (status == STATUS_CONFLICT) {
        document_put_aside(document, "no_memory_to_relay");
        return STATUS_OK;
    }
    if (status != STATUS_OK) {
        document_reject(subscription, wire_code_of_status(status), NULL);
        return STATUS_OK;
    }
    metrics_count(&server->metrics, METRIC_updates);
    subscription->has_parked |= result.parked;
    bool integrated = result.units_new > 0 || result.units_deleted > 0;
    if (!integrated && !result.parked) {
        persist_nothing_new(subscription);
        bytes_writer_finish(&relay);
        return STATUS_OK;
    }
    document->last_author = subscription->connection->participant.user;
    status = relayed ? authors_note(document, update, subscription->client_id) : STATUS_OK;
    if (status == STATUS_OK)
        status = persist_update(subscription, update, relayed);
    if (status == STATUS_OK && was_empty && subscription->dialect != DIALECT_NATIVE)
        status = document_follow_door(document);
    if (status != STATUS_OK) {
        bytes_writer_finish(&relay);
        document_put_aside(document, status_name(status));
        return STATUS_OK;
    }
    if (live && subscription->client_id == 0 && !subscription->claimed)
        authors_claim(subscription, update);
    bool somebody_else = subscription->document_link.next != subscription->document_link.previous; /* two links and the head */
    const struct subscription *except = result.woke ? NULL : subscription; /* what woke was another's: the sender may lack it */
    if (integrated && (somebody_else || result.woke || document_has_image(document)) &&
        delivery_update(document, result.verbatim ? update : bytes_written(&relay), except) != STATUS_OK)
        document_put_aside(document, "no_memory_for_frame");
    bytes_writer_finish(&relay);
    return STATUS_OK;
}

bool document_admits(struct subscription *subscription, struct bytes state_vector) {
    const struct connection *connection = subscription->connection;
    if (!authors_has_older(subscription->document, state_vector))
        return true;
    document_reject(subscription, WIRE_CODE_EPOCH_MISMATCH, NULL);
    if (connection->state == CONNECTION_JOINED) /* else all its subscriptions have ended */
        document_unsubscribe(subscription);
    return false;
}

enum status document_merge(struct document *document, struct bytes update) {
    struct crdt_update_result result = { 0 };
    struct bytes_writer relay = connection_writer();
    enum status status = document_apply(document, update, &result, &relay);
    bool integrated = result.units_new > 0 || result.units_deleted > 0;
    if (status == STATUS_OK && integrated && (!list_empty(&document->subscriptions) || document_has_image(document)) &&
        delivery_update(document, result.verbatim ? update : bytes_written(&relay), NULL) != STATUS_OK)
        status = STATUS_CONFLICT;
    bytes_writer_finish(&relay);
    if (status != STATUS_CONFLICT)
        return status;
    document_cut_off(document); /* memory has it; merged again it would be nothing new, and nobody would be told */
    return STATUS_OK;
}

/* ---- awareness ---- */

enum status document_awareness(struct subscription *subscription, struct bytes update) {
    struct document *document = subscription->document;
    uint64_t now_ms = server_now_ms(document->session->server);
    return (subscription->dialect == DIALECT_NATIVE ? room_apply : room_apply_news)(&document->room, &subscription->member,
                                                                                    subscription->connection->id, update, now_ms);
}

static void document_room_flush(struct room *room) {
    struct document *document = list_entry(room, struct document, room);
    uint64_t except;
    struct bytes_writer update;
    if (!room_changed(room, &update, &except))
        return;
    struct framing framing = { .kind = FRAME_AWARENESS, .payload = bytes_written(&update) };
    list_each (link, &document->subscriptions) {
        struct subscription *subscription = list_entry(link, struct subscription, document_link);
        if (subscription->connection->id == except)
            continue;
        struct frame *frame =
            subscription->connection->wants_write ? NULL : framing_frame(&framing, subscription_address(subscription));
        if (frame == NULL)
            delivery_presence(subscription);
        else
            connection_send(subscription->connection, frame);
    }
    framing_finish(&framing);
    bytes_writer_finish(&update);
}

/* ---- the end ---- */

void document_tell_gone(struct document *document, enum wire_gone reason, int64_t epoch) {
    struct log_subject subject = document_subject(document);
    log_info(&subject, "document.gone", "reason=%d", reason);
    struct wire_doc_gone gone = { .doc = document->number, .file = document->file, .reason = reason, .epoch = (uint64_t)epoch };
    list_each (link, &document->subscriptions) {
        struct subscription *subscription = list_entry(link, struct subscription, document_link);
        subscription->connection->dialect->gone(subscription, &gone); /* who cannot be told is cut off: nobody has the document */
    }
}

void document_gone(struct document *document, enum wire_gone reason, int64_t epoch) {
    document_tell_gone(document, reason, epoch);
    document_destroy(document);
}

bool document_is_idle(const struct document *document) {
    return document->state == DOCUMENT_OPEN && list_empty(&document->subscriptions) && list_empty(&document->openers) &&
           document->idle_since_ms != 0;
}

void document_evict(struct document *document, const char *why) {
    struct log_subject subject = document_subject(document);
    assert(document_is_idle(document) && persist_saved(document));
    metrics_count(&document->session->server->metrics, METRIC_evictions);
    log_debug(&subject, "document.evicted", "why=%s heap_bytes=%zu", why, crdt_doc_size(document->crdt).heap_bytes);
    document_destroy(document);
}

void document_tick(struct document *document, uint64_t now_ms) {
    if (document->state != DOCUMENT_OPEN)
        return;
    room_expire(&document->room, now_ms);
    if (document_has_image(document)) {
        for (size_t i = 0; i < DIALECT_SHARING; i++)
            image_tick(&document->images[i], now_ms);
        budget_count(document);
    }
    authors_record(document);
    persist_tick(document, now_ms);
    assert(budget_is_placed(document));
    if (document->leaving != NULL)
        leave_tick(document, now_ms);
    else if (document_is_idle(document) && persist_saved(document) &&
             now_ms >= document->idle_since_ms + server_config(document->session->server)->evict_idle_ms)
        document_evict(document, "idle");
}
