/* delivery.c — see delivery.h. */
#include "document/delivery.h"

#include "config.h"
#include "document/budget.h"
#include "document/framing.h"
#include "log.h"

enum { DELIVERY_KNOWN_BYTES_MAX = 1 << 20 }; /* of all vectors kept for one connection: some hundred documents of many writers */

static void delivery_owe(struct subscription *subscription) {
    struct connection *connection = subscription->connection;
    if (list_empty(&subscription->due_link))
        list_append(&connection->due, &subscription->due_link);
    connection_wake(connection);
}

/* ---- falling behind ---- */

static void delivery_forget_known(struct subscription *subscription) {
    subscription->connection->known_bytes -= subscription->known_size;
    mem_free(&mem_default, subscription->known, subscription->known_size);
    subscription->known = NULL;
    subscription->known_size = 0;
}

static void delivery_fall_behind(struct subscription *subscription, struct bytes vector) {
    struct connection *connection = subscription->connection;
    delivery_forget_known(subscription);
    if (vector.size > 0 && connection->known_bytes + vector.size <= DELIVERY_KNOWN_BYTES_MAX)
        subscription->known = mem_alloc(&mem_default, vector.size);
    if (subscription->known != NULL) {
        memcpy(subscription->known, vector.data, vector.size);
        subscription->known_size = vector.size;
        connection->known_bytes += vector.size;
    }
    subscription->behind = true;
    delivery_owe(subscription);
}

enum status delivery_update(struct document *document, struct bytes update, const struct subscription *except) {
    size_t soft = server_config(document->session->server)->outbox_soft_bytes;
    struct bytes_writer vector = { 0 }; /* of the document now, once somebody falls behind */
    struct framing framing = { .kind = FRAME_UPDATE, .payload = update };
    enum status status = STATUS_OK;
    for (enum dialect_kind dialect = 0; dialect < DIALECT_SHARING; dialect++) {
        struct frame_address to = { .dialect = dialect, .number = document->number };
        struct image *image = &document->images[dialect];
        struct frame *frame = image_is_kept(image) ? framing_frame(&framing, to) : NULL;
        if (frame != NULL)
            image_add(image, frame);
        else
            image_forget(image);
    }
    list_each (link, &document->subscriptions) {
        struct subscription *subscription = list_entry(link, struct subscription, document_link);
        struct connection *connection = subscription->connection;
        if (subscription == except || subscription->behind)
            continue;
        struct frame *frame = framing_frame(&framing, subscription_address(subscription));
        if (frame == NULL) {
            status = STATUS_NO_MEMORY;
            break;
        }
        connection_send(connection, frame);
        if (outbox_pressure(&connection->outbox) < soft)
            continue;
        if (vector.mem == NULL) {
            vector = connection_writer();
            if (crdt_state_vector_encode(document->crdt, &vector) != STATUS_OK)
                bytes_writer_reset(&vector);
        }
        struct log_subject subject = connection_subject(connection);
        subject.file = &document->file;
        metrics_limited(&connection->server->metrics, LIMIT_outbox_soft_bytes);
        log_debug(&subject, "reader.behind", "bytes=%zu", connection->outbox.bytes);
        delivery_fall_behind(subscription, bytes_written(&vector));
    }
    if (vector.mem != NULL)
        bytes_writer_finish(&vector);
    framing_finish(&framing);
    return status;
}

/* ---- states ---- */

/* Queues what a peer with this vector lacks; false: there is no memory for it and the connection is closed, for the peer would wait
 * for ever. */
static bool delivery_send_state(struct subscription *subscription, struct bytes vector) {
    struct document *document = subscription->document;
    struct outbox *outbox = &subscription->connection->outbox;
    enum status status;
    bool is_all = vector.size == 0 || (vector.size == 1 && vector.data[0] == 0);
    struct frame_address to = subscription_address(subscription);
    if (is_all && to.dialect < DIALECT_SHARING) {
        struct frame *const *frames;
        size_t count;
        struct image *image = &document->images[to.dialect];
        status = image_take(image, document->crdt, to, server_now_ms(document->session->server), &frames, &count);
        if (status == STATUS_OK)
            status = outbox_push_state(outbox, image_base(image, subscription->connection), frames + 1, count - 1);
        budget_count(document);
        if (!budget_allows_growth(document->session->server)) { /* memory is for documents */
            image_forget(image);
            budget_count(document);
        }
    } else {
        struct bytes_writer diff = connection_writer();
        status = is_all ? crdt_update_encode(document->crdt, &diff) : crdt_update_encode_diff(document->crdt, vector, &diff);
        struct frame *frame = NULL;
        if (status == STATUS_OK)
            frame = frame_of_sync(to, FRAME_STATE, bytes_written(&diff));
        bytes_writer_finish(&diff);
        struct frame *packed = frame == NULL ? NULL : connection_pack(subscription->connection, frame);
        status = packed == NULL ? STATUS_NO_MEMORY : outbox_push_state(outbox, packed, NULL, 0);
        frame_release(packed);
        frame_release(frame);
    }
    if (status != STATUS_OK) {
        connection_close(subscription->connection, WIRE_CLOSE_INTERNAL, "no memory for the answer");
        return false;
    }
    subscription->behind = false;
    delivery_forget_known(subscription);
    connection_wake(subscription->connection);
    return true;
}

enum status delivery_state(struct subscription *subscription, struct bytes state_vector) {
    const struct document *document = subscription->document;
    const struct outbox *outbox = &subscription->connection->outbox;
    bool peer_misses, doc_misses;
    enum status status = crdt_state_vector_compare(document->crdt, state_vector, &peer_misses, &doc_misses);
    if (status == STATUS_MALFORMED)
        return status;
    if (!outbox_has_state(outbox) && outbox_pressure(outbox) < server_config(document->session->server)->outbox_soft_bytes)
        delivery_send_state(subscription, state_vector);
    else
        delivery_fall_behind(subscription, state_vector);
    return STATUS_OK;
}

/* ---- acknowledgements and presence ---- */

void delivery_ack(struct subscription *subscription, uint64_t count) {
    subscription->acked = count;
    if (subscription->connection->dialect->ack == NULL)
        return;
    subscription->owes_ack = true;
    if (list_empty(&subscription->due_link))
        list_append(&subscription->connection->due, &subscription->due_link);
    connection_wake_later(subscription->connection);
}

/* False: there is no memory for it and the connection has ended; without its acks a client could never know that it is saved. */
static bool delivery_send_ack(struct subscription *subscription) {
    if (!subscription->connection->dialect->ack(subscription))
        return false;
    subscription->owes_ack = false;
    metrics_count(&subscription->connection->server->metrics, METRIC_acks);
    return true;
}

void delivery_presence(struct subscription *subscription) {
    room_miss(&subscription->document->room, &subscription->member);
    delivery_owe(subscription);
}

/* ---- the end of a turn ---- */

void delivery_settle(struct connection *connection) {
    list_each (link, &connection->due) {
        struct subscription *subscription = list_entry(link, struct subscription, due_link);
        struct document *document = subscription->document;
        struct bytes known = bytes_of(subscription->known, subscription->known_size);
        if (subscription->behind && outbox_empty(&connection->outbox) && !delivery_send_state(subscription, known))
            return;
        if (subscription->owes_ack && !delivery_send_ack(subscription))
            return;
        if (subscription->member.missed)
            connection_send_room(connection, &document->room, &subscription->member, subscription_address(subscription));
        if (!subscription->behind)
            list_remove(&subscription->due_link);
    }
}

void delivery_send_acks(struct connection *connection) {
    list_each (link, &connection->due) {
        struct subscription *subscription = list_entry(link, struct subscription, due_link);
        if (subscription->owes_ack && !delivery_send_ack(subscription))
            return;
    }
}

void delivery_forget(struct subscription *subscription) {
    list_remove(&subscription->due_link);
    delivery_forget_known(subscription);
}
