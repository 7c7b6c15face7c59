/* yws.c — see yws.h. In order of a connection's life. */
#include "connection/yws.h"

#include "document/delivery.h"
#include "document/document_open.h"
#include "log.h"
#include "loop/socket.h"
#include "session/session_join.h"
#include "wire/yws.h"

#include <assert.h>

/* Ends a connection: says why, where trying again helps nobody, and closes it when it has waited. */
static void yws_end(struct connection *connection, uint16_t code, const char *reason) {
    if (connection->state >= CONNECTION_REFUSED)
        return;
    if (wire_close_permanent(code)) {
        struct bytes_writer message = connection_writer();
        yws_denied_write(&message, bytes_text(reason));
        connection_send_values(connection, &message);
    }
    connection_refuse(connection, code, reason);
}

/* ---- in ---- */

static void yws_opened(struct connection *connection) {
    socket_pause(connection->socket, true);
    session_join_begin(connection, 0, bytes_of(connection->credential, connection->credential_size));
}

static void yws_joined(struct connection *connection, uint32_t request, uint64_t files_count) {
    (void)files_count;
    document_open_at(connection, request, connection->unread->path, bytes_of(NULL, 0));
}

static void yws_refused(struct connection *connection, uint32_t request, const struct wire_fault *fault, uint16_t close_code) {
    (void)request;
    yws_end(connection, close_code, fault->message);
}

static void yws_doc_opened(struct subscription *subscription, uint32_t request, struct bytes path, struct bytes state_vector) {
    (void)request;
    (void)path;
    struct bytes_writer message = connection_writer();
    yws_write(&message, YWS_STEP_1, state_vector);
    connection_send_values(subscription->connection, &message);
}

/* The close code that says it best, where the protocol has a code that ends nothing. */
static uint16_t yws_close_code(enum wire_code code) {
    switch (code) {
    case WIRE_CODE_EPOCH_MISMATCH:
    case WIRE_CODE_QUARANTINED:
    case WIRE_CODE_CLIENT_ID_TAKEN:
        return WIRE_CLOSE_CONFLICT;
    case WIRE_CODE_LIMIT:
        return WIRE_CLOSE_LIMIT;
    default:
        return wire_code_close(code) != 0 ? wire_code_close(code) : WIRE_CLOSE_INTERNAL;
    }
}

static void yws_doc_refused(struct connection *connection, uint32_t request, const struct wire_fault *fault) {
    (void)request;
    yws_end(connection, yws_close_code(fault->code), fault->message);
}

/* ---- messages ---- */

/* Of both doors. */
static void yws_malformed(struct connection *connection, const char *what) {
    struct log_subject subject = connection_subject(connection);
    struct wire_fault fault = wire_fault_say(WIRE_CODE_MALFORMED, "%s", what);
    log_warn(&subject, "message.malformed", "what=\"%s\"", what);
    connection->dialect->refused(connection, 0, &fault, WIRE_CLOSE_MALFORMED);
}

static void yws_awareness(struct subscription *subscription, struct bytes update) {
    struct connection *connection = subscription->connection;
    struct wire_fault fault = wire_fault_say(WIRE_CODE_LIMIT, "more awareness than awareness_bytes or 64 clients");
    enum status status = document_awareness(subscription, update);
    if (status == STATUS_MALFORMED)
        yws_malformed(connection, "not an awareness update");
    else if (status == STATUS_TOO_BIG)
        connection->dialect->refused(connection, 0, &fault, WIRE_CLOSE_LIMIT);
}

static void yws_query_awareness(struct subscription *subscription) {
    struct frame *frame = room_keyframe(&subscription->document->room, subscription_address(subscription));
    if (frame != NULL)
        connection_send(subscription->connection, frame);
    frame_release(frame);
}

void yws_take(struct subscription *subscription, const struct yws_message *message) {
    struct connection *connection = subscription->connection;
    switch (message->kind) {
    case YWS_STEP_1:
        if (document_admits(subscription, message->payload) && delivery_state(subscription, message->payload) == STATUS_MALFORMED)
            yws_malformed(connection, "not a state vector");
        break;
    case YWS_STEP_2:
    case YWS_UPDATE:
        connection->updates++;
        if (document_update(subscription, message->payload, message->kind == YWS_UPDATE) == STATUS_MALFORMED)
            yws_malformed(connection, "not a Yjs update");
        break;
    case YWS_AWARENESS:
        yws_awareness(subscription, message->payload);
        break;
    case YWS_QUERY_AWARENESS:
        yws_query_awareness(subscription);
        break;
    case YWS_AUTH:
    case YWS_OTHER:
        break;
    }
}

static void yws_message(struct connection *connection, struct bytes bytes) {
    struct yws_message message;
    if (yws_read(bytes, &message) != STATUS_OK)
        yws_malformed(connection, "not one message of y-websocket");
    else if (!list_empty(&connection->subscriptions))
        yws_take(list_entry(connection->subscriptions.next, struct subscription, connection_link), &message);
}

/* ---- out ---- */

static void yws_rejected(struct subscription *subscription, enum wire_code code, const char *reason) {
    yws_end(subscription->connection, yws_close_code(code), reason);
}

static const struct {
    uint16_t code;
    const char *reason;
} yws_ends[WIRE_GONE_COUNT] = {
    [WIRE_GONE_DELETED] = { WIRE_CLOSE_GONE, "The file was deleted." },
    [WIRE_GONE_EPOCH] = { WIRE_CLOSE_CONFLICT, "The document has another history now." },
    [WIRE_GONE_DENIED] = { WIRE_CLOSE_DENIED, "The right to read was taken away." },
    [WIRE_GONE_QUARANTINED] = { WIRE_CLOSE_CONFLICT, "The document's stored bytes need an operator." },
    [WIRE_GONE_UNAVAILABLE] = { WIRE_CLOSE_UNAVAILABLE, "The document was put aside; try again." },
};

const char *yws_gone_reason(enum wire_gone reason) {
    assert(reason < WIRE_GONE_COUNT);
    return yws_ends[reason].reason;
}

static void yws_gone(struct subscription *subscription, const struct wire_doc_gone *gone) {
    yws_end(subscription->connection, yws_ends[gone->reason].code, yws_gone_reason(gone->reason));
}

static void yws_ping(struct connection *connection) {
    struct bytes_writer message = connection_writer();
    yws_write(&message, YWS_AWARENESS, bytes_of("\0", 1));
    connection_send_values(connection, &message);
}

const struct dialect yws_dialect = {
    .kind = DIALECT_YWS,
    .opened = yws_opened,
    .message = yws_message,
    .joined = yws_joined,
    .refused = yws_refused,
    .doc_opened = yws_doc_opened,
    .doc_ready = connection_begin_reading,
    .doc_refused = yws_doc_refused,
    .rejected = yws_rejected,
    .gone = yws_gone,
    .ping = yws_ping,
};
