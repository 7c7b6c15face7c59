/* hocuspocus.c — see hocuspocus.h. In order: the token, what waits for it, messages, what the core says. */
#include "connection/hocuspocus.h"

#include "access/token.h"
#include "connection/yws.h"
#include "document/delivery.h"
#include "document/document_open.h"
#include "features/files/files_wire.h"
#include "log.h"
#include "loop/socket.h"
#include "session/session_join.h"
#include "wire/hocuspocus.h"

enum { HOCUSPOCUS_WAITING_MAX = 2 << 20, HOCUSPOCUS_STATELESS_MAX = 65536 };

struct hocuspocus {
    uint8_t token_hash[TOKEN_HASH_BYTES]; /* of who joined */
    bool is_opening;                      /* a document, which is called `name` */
    bool is_proceeding;
    struct bytes_writer name;
    struct bytes_writer waiting; /* messages, each behind its size */
    size_t waiting_used;
};

static void hocuspocus_proceed(struct connection *connection);

static struct bytes hocuspocus_name(const struct connection *connection) {
    return connection->hocuspocus == NULL ? bytes_of(NULL, 0) : bytes_written(&connection->hocuspocus->name);
}

static void hocuspocus_deny(struct connection *connection, struct bytes name, const char *reason) {
    struct bytes_writer message = connection_writer();
    hocuspocus_denied_write(&message, name, bytes_text(reason));
    connection_send_values(connection, &message);
}

/* ---- the token ---- */

static void hocuspocus_refused(struct connection *connection, uint32_t request, const struct wire_fault *fault,
                               uint16_t close_code) {
    (void)request;
    if (connection->state >= CONNECTION_REFUSED)
        return;
    if (wire_close_permanent(close_code))
        hocuspocus_deny(connection, hocuspocus_name(connection), fault->message);
    connection_refuse(connection, close_code, fault->message);
}

static void hocuspocus_malformed(struct connection *connection, const char *what) {
    struct log_subject subject = connection_subject(connection);
    log_warn(&subject, "message.malformed", "what=\"%s\"", what);
    struct wire_fault fault = wire_fault_say(WIRE_CODE_MALFORMED, "%s", what);
    hocuspocus_refused(connection, 0, &fault, WIRE_CLOSE_MALFORMED);
}

static void hocuspocus_open(struct connection *connection) {
    struct hocuspocus *door = connection->hocuspocus;
    struct bytes name = bytes_written(&door->name);
    const uint8_t *end = memchr(name.data, 0, name.size);
    struct bytes path = bytes_of(name.data, end == NULL ? name.size : (size_t)(end - name.data));
    document_open_at(connection, 0, path, name);
}

static void hocuspocus_token(struct connection *connection, const struct hocuspocus_message *message) {
    struct hocuspocus *door = connection->hocuspocus;
    const char *fault = file_path_fault(message->document);
    uint8_t hash[TOKEN_HASH_BYTES];
    if (fault != NULL) {
        hocuspocus_deny(connection, message->name, fault);
        return;
    }
    struct bytes token = message->text.size > 0 ? message->text : bytes_of(connection->credential, connection->credential_size);
    token_hash(token, hash);
    if (connection->state == CONNECTION_JOINED && message->text.size > 0 && !token_hash_equal(hash, door->token_hash)) {
        hocuspocus_deny(connection, message->name, "This connection has joined with another token.");
        return;
    }
    bytes_writer_reset(&door->name);
    bytes_write(&door->name, message->name);
    if (door->name.status != STATUS_OK) {
        connection_doom(connection);
        return;
    }
    door->is_opening = true;
    socket_pause(connection->socket, true);
    if (connection->state == CONNECTION_JOINED) {
        hocuspocus_open(connection);
        return;
    }
    memcpy(door->token_hash, hash, sizeof hash);
    connection->credential_in_url = connection->credential_in_url && message->text.size == 0;
    session_join_begin(connection, 0, token);
}

static void hocuspocus_joined(struct connection *connection, uint32_t request, uint64_t files_count) {
    (void)request;
    (void)files_count;
    hocuspocus_open(connection);
}

static void hocuspocus_doc_opened(struct subscription *subscription, uint32_t request, struct bytes path,
                                  struct bytes state_vector) {
    (void)request;
    (void)path;
    (void)state_vector;
    struct bytes_writer message = connection_writer();
    hocuspocus_authenticated_write(&message, bytes_of(subscription->name, subscription->name_size), subscription->writable);
    connection_send_values(subscription->connection, &message);
}

static void hocuspocus_doc_ready(struct connection *connection) {
    connection->hocuspocus->is_opening = false;
    hocuspocus_proceed(connection);
}

static void hocuspocus_doc_refused(struct connection *connection, uint32_t request, const struct wire_fault *fault) {
    if (fault->retry == WIRE_RETRY_LATER) {
        uint16_t code = wire_code_close(fault->code);
        hocuspocus_refused(connection, request, fault, code != 0 ? code : WIRE_CLOSE_UNAVAILABLE);
        return;
    }
    hocuspocus_deny(connection, hocuspocus_name(connection), fault->message);
    hocuspocus_doc_ready(connection);
}

/* ---- what waits ---- */

static void hocuspocus_handle(struct connection *connection, struct bytes bytes);

static void hocuspocus_wait(struct connection *connection, struct bytes message) {
    struct bytes_writer *waiting = &connection->hocuspocus->waiting;
    bytes_write_u32(waiting, (uint32_t)message.size);
    bytes_write(waiting, message);
    if (waiting->status != STATUS_OK) {
        struct wire_fault fault = wire_fault_say(WIRE_CODE_LIMIT, "Too much was sent before the document was open.");
        hocuspocus_refused(connection, 0, &fault, WIRE_CLOSE_LIMIT);
    }
}

/* Takes what waited, until another document is being opened. */
static void hocuspocus_proceed(struct connection *connection) {
    struct hocuspocus *door = connection->hocuspocus;
    if (door->is_proceeding)
        return;
    door->is_proceeding = true;
    while (!door->is_opening && door->waiting_used < door->waiting.size && connection->state < CONNECTION_REFUSED) {
        struct bytes_reader reader =
            bytes_reader(bytes_of(door->waiting.data + door->waiting_used, door->waiting.size - door->waiting_used));
        struct bytes message;
        uint32_t size;
        if (bytes_read_u32(&reader, &size) != STATUS_OK || bytes_read_view(&reader, size, &message) != STATUS_OK)
            break;
        door->waiting_used += sizeof size + size;
        hocuspocus_handle(connection, message);
    }
    door->is_proceeding = false;
    if (door->is_opening || connection->state >= CONNECTION_REFUSED)
        return;
    bytes_writer_finish(&door->waiting);
    bytes_writer_init(&door->waiting, &mem_default, HOCUSPOCUS_WAITING_MAX);
    door->waiting_used = 0;
    socket_pause(connection->socket, connection->server->draining || !list_empty(&connection->paced_link));
}

/* ---- messages ---- */

static void hocuspocus_relay(const struct subscription *subscription, struct bytes payload) {
    struct connection *connection = subscription->connection;
    connection->updates++;
    if (payload.size > HOCUSPOCUS_STATELESS_MAX)
        return;
    list_each (link, &subscription->document->subscriptions) {
        const struct subscription *other = list_entry(link, struct subscription, document_link);
        if (other == subscription || other->dialect != DIALECT_HOCUSPOCUS)
            continue;
        struct bytes_writer message = connection_writer();
        hocuspocus_stateless_write(&message, bytes_of(other->name, other->name_size), payload);
        struct frame *frame = message.status == STATUS_OK ? frame_of_values(bytes_written(&message)) : NULL;
        bytes_writer_finish(&message);
        if (frame != NULL) /* without memory it is lost, as it is without a connection */
            connection_send(other->connection, frame);
        frame_release(frame);
    }
}

/* Sync step 1 of ours: what the peer answers is counted and acknowledged as an update is. */
static void hocuspocus_step_1(struct subscription *subscription) {
    struct bytes_writer vector = connection_writer(), message = connection_writer();
    message.status = crdt_state_vector_encode(subscription->document->crdt, &vector);
    hocuspocus_sync_write(&message, bytes_of(subscription->name, subscription->name_size), YWS_STEP_1, bytes_written(&vector));
    bytes_writer_finish(&vector);
    connection_send_values(subscription->connection, &message);
}

static void hocuspocus_of_document(struct subscription *subscription, const struct hocuspocus_message *message) {
    struct connection *connection = subscription->connection;
    switch (message->kind) {
    case HOCUSPOCUS_SYNC:
        yws_take(subscription, &message->yws);
        if (message->yws.kind == YWS_STEP_1 && connection->state == CONNECTION_JOINED &&
            connection_subscription_named(connection, message->name) == subscription) /* else it was refused */
            hocuspocus_step_1(subscription);
        break;
    case HOCUSPOCUS_STATELESS:
    case HOCUSPOCUS_BROADCAST:
        hocuspocus_relay(subscription, message->text);
        break;
    case HOCUSPOCUS_CLOSE:
        document_unsubscribe(subscription);
        break;
    default:
        break;
    }
}

static void hocuspocus_handle(struct connection *connection, struct bytes bytes) {
    struct hocuspocus_message message;
    if (hocuspocus_read(bytes, &message) != STATUS_OK) {
        hocuspocus_malformed(connection, "not one message of Hocuspocus");
        return;
    }
    if (message.kind == HOCUSPOCUS_TOKEN) {
        hocuspocus_token(connection, &message);
    } else if (message.kind == HOCUSPOCUS_PING) {
        struct bytes_writer pong = connection_writer();
        hocuspocus_pong_write(&pong);
        connection_send_values(connection, &pong);
    } else if (message.kind != HOCUSPOCUS_PONG && connection->state == CONNECTION_JOINED && message.name.size > 0) {
        struct subscription *subscription = connection_subscription_named(connection, message.name);
        if (subscription != NULL) /* else it was refused, or closed while the message was on its way */
            hocuspocus_of_document(subscription, &message);
    }
}

static void hocuspocus_message(struct connection *connection, struct bytes bytes) {
    if (connection->hocuspocus == NULL) {
        struct hocuspocus *door = mem_zalloc(&mem_default, sizeof *door);
        if (door == NULL) {
            connection_doom(connection);
            return;
        }
        bytes_writer_init(&door->name, &mem_default, HOCUSPOCUS_NAME_MAX);
        bytes_writer_init(&door->waiting, &mem_default, HOCUSPOCUS_WAITING_MAX);
        connection->hocuspocus = door;
    }
    if (connection->hocuspocus->is_opening || connection->hocuspocus->is_proceeding)
        hocuspocus_wait(connection, bytes);
    else
        hocuspocus_handle(connection, bytes);
}

/* ---- what the core says ---- */

static bool hocuspocus_ack(struct subscription *subscription) {
    struct connection *connection = subscription->connection;
    struct bytes_writer message = connection_writer();
    hocuspocus_status_write(&message, bytes_of(subscription->name, subscription->name_size), true);
    struct frame *frame = message.status == STATUS_OK ? frame_of_values(bytes_written(&message)) : NULL;
    bytes_writer_finish(&message);
    if (frame == NULL) {
        connection_doom(connection);
        return false;
    }
    for (; subscription->acks_said < subscription->acked; subscription->acks_said++)
        connection_send(connection, frame);
    frame_release(frame);
    return true;
}

static void hocuspocus_rejected(struct subscription *subscription, enum wire_code code, const char *reason) {
    struct connection *connection = subscription->connection;
    struct bytes name = bytes_of(subscription->name, subscription->name_size);
    if (code == WIRE_CODE_PERMISSION_DENIED) {
        struct bytes_writer message = connection_writer();
        hocuspocus_status_write(&message, name, false);
        connection_send_values(connection, &message);
    } else if (wire_code_retry(code) == WIRE_RETRY_LATER) {
        connection_end_soon(connection);
    } else {
        hocuspocus_deny(connection, name, reason);
    }
}

/* Somebody walks over the document's subscriptions, of which the line may have several. So it does not end here, whatever fails. */
static void hocuspocus_gone(struct subscription *subscription, const struct wire_doc_gone *gone) {
    struct connection *connection = subscription->connection;
    struct bytes_writer message = connection_writer();
    struct frame *frame = NULL;
    hocuspocus_close_write(&message, bytes_of(subscription->name, subscription->name_size),
                           bytes_text(yws_gone_reason(gone->reason)));
    if (message.status == STATUS_OK && gone->reason != WIRE_GONE_UNAVAILABLE)
        frame = frame_of_values(bytes_written(&message));
    bytes_writer_finish(&message);
    if (frame == NULL)
        connection_end_soon(connection);
    else
        connection_send(connection, frame);
    frame_release(frame);
}

static void hocuspocus_ping(struct connection *connection) {
    struct bytes_writer message = connection_writer();
    hocuspocus_ping_write(&message);
    connection_send_values(connection, &message);
}

static void hocuspocus_closed(struct connection *connection) {
    struct hocuspocus *door = connection->hocuspocus;
    if (door == NULL)
        return;
    bytes_writer_finish(&door->name);
    bytes_writer_finish(&door->waiting);
    mem_free(&mem_default, door, sizeof *door);
}

const struct dialect hocuspocus_dialect = {
    .kind = DIALECT_HOCUSPOCUS,
    .opened = connection_begin_reading,
    .message = hocuspocus_message,
    .joined = hocuspocus_joined,
    .refused = hocuspocus_refused,
    .doc_opened = hocuspocus_doc_opened,
    .doc_ready = hocuspocus_doc_ready,
    .doc_refused = hocuspocus_doc_refused,
    .rejected = hocuspocus_rejected,
    .gone = hocuspocus_gone,
    .ack = hocuspocus_ack,
    .ping = hocuspocus_ping,
    .closed = hocuspocus_closed,
};
