/* native.c — values in, calls on. Everything that a client can send passes here. */
#include "connection/native.h"

#include "config.h"
#include "document/delivery.h"
#include "document/document_open.h"
#include "feature/dispatch.h"
#include "log.h"
#include "session/session.h"
#include "session/session_join.h"
#include "session/session_token.h"
#include "wire/doc_wire.h"
#include "wire/session_wire.h"
#include "wire/sync.h"

/* Says what was wrong in a notification, then closes. */
static void native_malformed(struct connection *connection, enum wire_code code, const char *what, size_t offset) {
    struct wire_fault fault = wire_fault_say(code, "%s", what);
    fault.has_offset = true;
    fault.offset = offset;
    struct log_subject subject = connection_subject(connection);
    log_warn(&subject, "message.malformed", "what=\"%s\" offset=%zu", what, offset);
    if (code == WIRE_CODE_LIMIT)
        metrics_limited(&connection->server->metrics, LIMIT_values);
    struct bytes_writer values = connection_writer();
    wire_fault_notify(&values, &fault);
    connection_send_values(connection, &values);
    connection_close(connection, code == WIRE_CODE_LIMIT ? WIRE_CLOSE_TOO_BIG : WIRE_CLOSE_MALFORMED, what);
}

void native_drain(struct connection *connection, uint64_t after_ms) {
    struct wire_fault fault = wire_fault_say(WIRE_CODE_UNAVAILABLE, "The server goes away; come back.");
    fault.has_after_ms = true;
    fault.after_ms = after_ms;
    struct bytes_writer values = connection_writer();
    wire_fault_notify(&values, &fault);
    connection_send_values(connection, &values);
}

static void native_doc_open(struct connection *connection, const struct wire_value *value) {
    struct wire_doc_open open;
    struct pack_fields fields = wire_doc_open_read(value->params, &open);
    if (fields.status != STATUS_OK) {
        struct wire_fault fault = wire_fault_of_fields(&fields);
        connection_send_fault(connection, value->msgid, &fault);
        return;
    }
    document_open(connection, value->msgid, &open);
}

static void native_doc_close(struct connection *connection, const struct wire_value *value) {
    uint64_t number;
    struct pack_fields fields = wire_doc_close_read(value->params, &number);
    if (fields.status != STATUS_OK) {
        struct wire_fault fault = wire_fault_of_fields(&fields);
        connection_send_fault(connection, value->msgid, &fault);
        return;
    }
    struct subscription *subscription = connection_subscription(connection, number);
    if (subscription != NULL)
        document_unsubscribe(subscription);
    struct bytes_writer values = connection_writer();
    wire_result_begin(&values, value->msgid);
    wire_empty_write(&values);
    connection_send_values(connection, &values);
}

static void native_request(struct connection *connection, const struct wire_value *value) {
    if (bytes_equal_text(value->method, "session.join")) {
        session_join(connection, value->msgid, value->params);
    } else if (connection->state != CONNECTION_JOINED) {
        struct wire_fault fault = wire_fault(WIRE_CODE_NOT_JOINED);
        connection_send_fault(connection, value->msgid, &fault);
        connection_close(connection, WIRE_CLOSE_CREDENTIALS, "join the session first");
    } else if (bytes_equal_text(value->method, "doc.open")) {
        native_doc_open(connection, value);
    } else if (bytes_equal_text(value->method, "doc.close")) {
        native_doc_close(connection, value);
    } else if (bytes_equal_text(value->method, "session.participants")) {
        session_participants(connection, value->msgid, value->params);
    } else if (bytes_equal_text(value->method, "auth.refresh")) {
        session_token_refresh(connection, value->msgid);
    } else {
        dispatch_request(connection, value->msgid, value->method, value->params);
    }
}

static void native_awareness_done(struct connection *connection, enum status status) {
    if (status == STATUS_MALFORMED)
        native_malformed(connection, WIRE_CODE_MALFORMED, "not an awareness update", 0);
    else if (status == STATUS_TOO_BIG)
        native_malformed(connection, WIRE_CODE_LIMIT, "more awareness than awareness_bytes or 64 clients", 0);
}

/* Kinds 3, 5 and 6, of a joined connection. A number that the connection has not open is not an error: it may have been closed or
 * have gone while the value was on its way. */
static void native_sync(struct connection *connection, const struct wire_value *value) {
    if (value->kind == WIRE_AWARENESS && value->doc == 0) {
        native_awareness_done(connection, session_awareness(connection, value->payload));
        return;
    }
    struct subscription *subscription = connection_subscription(connection, value->doc);
    if (subscription == NULL)
        return;
    switch (value->kind) {
    case WIRE_UPDATE:
        connection->updates++;
        if (document_update(subscription, value->payload, false) == STATUS_MALFORMED)
            native_malformed(connection, WIRE_CODE_MALFORMED, "not a Yjs update", 0);
        break;
    case WIRE_AWARENESS:
        native_awareness_done(connection, document_awareness(subscription, value->payload));
        break;
    case WIRE_STATE_VECTOR:
        if (delivery_state(subscription, value->payload) == STATUS_MALFORMED)
            native_malformed(connection, WIRE_CODE_MALFORMED, "not a state vector", 0);
        break;
    default:
        break;
    }
}

static void native_message(struct connection *connection, struct bytes message) {
    struct wire_reader reader = wire_reader(message, NULL);
    while (connection->state < CONNECTION_CLOSING) {
        struct wire_value value;
        enum status status = wire_next(&reader, &value);
        if (status == STATUS_MORE)
            return;
        if (status != STATUS_OK) {
            native_malformed(connection, status == STATUS_TOO_BIG ? WIRE_CODE_LIMIT : WIRE_CODE_MALFORMED, reader.fault.what,
                             reader.fault.offset);
            return;
        }
        switch (value.kind) {
        case WIRE_REQUEST:
            native_request(connection, &value);
            break;
        case WIRE_NOTIFICATION:
            break;
        case WIRE_UPDATE:
        case WIRE_AWARENESS:
        case WIRE_STATE_VECTOR:
            if (connection->state != CONNECTION_JOINED)
                connection_close(connection, WIRE_CLOSE_CREDENTIALS, "join the session first");
            else
                native_sync(connection, &value);
            break;
        case WIRE_RESPONSE:
        case WIRE_ACK:
        case WIRE_KIND_COUNT:
            native_malformed(connection, WIRE_CODE_MALFORMED, "a kind that only servers send", 0);
            break;
        }
    }
}

/* ---- what the core says ---- */

static void native_refused(struct connection *connection, uint32_t msgid, const struct wire_fault *fault, uint16_t close_code) {
    connection_send_fault(connection, msgid, fault);
    connection_close(connection, close_code, fault->message);
}

static void native_doc_opened(struct subscription *subscription, uint32_t msgid, struct bytes path, struct bytes state_vector) {
    const struct document *document = subscription->document;
    struct wire_doc_opened opened = {
        .doc = document->number,
        .file = document->file,
        .path = path,
        .epoch = (uint64_t)document->epoch,
        .access = subscription->writable ? WIRE_ACCESS_WRITE : WIRE_ACCESS_READ,
        .root = bytes_text(document->root_name),
        .state_vector = state_vector,
    };
    struct bytes_writer values = connection_writer();
    wire_result_begin(&values, msgid);
    wire_doc_opened_write(&values, &opened);
    connection_send_values(subscription->connection, &values);
}

static void native_rejected(struct subscription *subscription, enum wire_code code, const char *message) {
    struct wire_doc_rejected rejected = {
        .doc = subscription->document->number,
        .count = subscription->count,
        .code = code,
        .message = bytes_text(message),
    };
    struct bytes_writer values = connection_writer();
    wire_notification_begin(&values, "doc.rejected");
    wire_doc_rejected_write(&values, &rejected);
    connection_send_values(subscription->connection, &values);
}

static void native_gone(struct subscription *subscription, const struct wire_doc_gone *gone) {
    struct bytes_writer values = connection_writer();
    wire_notification_begin(&values, "doc.gone");
    wire_doc_gone_write(&values, gone);
    connection_send_values(subscription->connection, &values);
}

/* False: there is no memory for it and the connection has ended; without its acks a client could never know that it is saved. */
static bool native_ack(struct subscription *subscription) {
    uint8_t bytes[64];
    struct bytes_writer writer = { .data = bytes, .capacity = sizeof bytes, .size_max = sizeof bytes, .mem = &mem_default };
    wire_ack_frame(&writer, subscription->document->number, subscription->acked);
    struct frame *frame = writer.status == STATUS_OK ? frame_create(writer.size) : NULL;
    if (frame == NULL) {
        connection_doom(subscription->connection);
        return false;
    }
    memcpy(frame->data, bytes, writer.size);
    connection_send(subscription->connection, frame);
    frame_release(frame);
    return true;
}

static void native_ping(struct connection *connection) {
    (void)connection; /* WebSocket's own is enough */
}

const struct dialect native_dialect = {
    .kind = DIALECT_NATIVE,
    .opened = connection_begin_reading,
    .message = native_message,
    .joined = session_join_answer,
    .refused = native_refused,
    .doc_opened = native_doc_opened,
    .doc_refused = connection_send_fault,
    .rejected = native_rejected,
    .gone = native_gone,
    .ack = native_ack,
    .ping = native_ping,
};
