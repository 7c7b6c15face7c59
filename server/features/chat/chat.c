/* chat.c — messages beside the documents.
 *
 *   chat.send ──▶ chat_send ──▶ [chat_send: message + activity] ──▶ chat_send_on_stored ──▶ answer, chat.posted to the session
 *
 * A message is shown only after it is stored, so nobody sees what a crash could take back. The client's own message id makes a
 * resend harmless: the stored row is answered again, and nobody is told twice.
 *
 * Two replies leave open what has happened, and the same statement once more finds out. STATUS_EXISTS: the first sending is still
 * on its way, through another server or on a connection to PostgreSQL that was lost; this one began before it could be seen.
 * STATUS_UNAVAILABLE: the answer was lost. If the row is there then and has the id that we gave it, nobody has been told yet. */
#include "features/chat/chat.h"

#include "feature/host.h"
#include "features/chat/chat_wire.h"

enum { CHAT_TRIES = 3 };

struct chat_sending { /* of a call: its state */
    struct uuid id;
    unsigned tries;
};

static enum status chat_send_store(struct feature_call *call, const struct chat_send *send);

static void chat_send_again(struct feature_call *call) {
    struct chat_sending *sending = call->state;
    struct chat_send send;
    chat_send_read(call->params, &send);
    enum status status = sending->tries < CHAT_TRIES ? chat_send_store(call, &send) : STATUS_UNAVAILABLE;
    if (status != STATUS_OK) {
        struct wire_fault fault = wire_fault(wire_code_of_status(status));
        host_fail(call, &fault);
    }
}

static void chat_send_on_stored(struct feature_call *call, const struct reply *reply) {
    const struct chat_sending *sending = call->state;
    if (reply->status != STATUS_OK) {
        chat_send_again(call);
        return;
    }
    struct row row = reply_row(reply, 0);
    struct chat_send send;
    chat_send_read(call->params, &send);
    struct chat_message message = {
        .id = row_uuid(&row, 0),
        .client_msg_id = send.client_msg_id,
        .seq = (uint64_t)row_i64(&row, 1),
        .at = (uint64_t)row_i64(&row, 2),
        .user = call->user_id,
        .name = call->user_name,
        .text = send.text,
        .reply_to = send.reply_to,
    };
    host_respond(call, chat_message_write, &message);
    if (row_bool(&row, 3) || uuid_equal(&message.id, &sending->id))
        host_broadcast(call, "chat.posted", chat_message_write, &message);
}

static enum status chat_send(struct feature_call *call) {
    struct chat_send send;
    struct pack_fields fields = chat_send_read(call->params, &send);
    enum status status = host_check(call, &fields);
    if (status != STATUS_OK)
        return status;
    struct chat_sending *sending = arena_alloc(&call->arena, sizeof *sending);
    if (sending == NULL)
        return STATUS_NO_MEMORY;
    *sending = (struct chat_sending){ .id = host_new_id(call) };
    call->state = sending;
    return chat_send_store(call, &send);
}

static enum status chat_send_store(struct feature_call *call, const struct chat_send *send) {
    struct chat_sending *sending = call->state;
    sending->tries++;
    struct uuid activity = host_new_id(call);
    struct params *params = params_new(&call->arena);
    params_add_uuid(params, &sending->id);
    params_add_uuid(params, &call->session_id);
    params_add_uuid(params, &call->user_id);
    params_add_uuid(params, &send->client_msg_id);
    params_add_text(params, send->text);
    params_add_uuid(params, uuid_is_nil(&send->reply_to) ? NULL : &send->reply_to);
    params_add_uuid(params, &activity);
    return host_store_once(call, "chat_send", params, chat_send_on_stored);
}

static void chat_write_row(struct bytes_writer *out, const struct row *row) {
    struct chat_message message = {
        .id = row_uuid(row, 0),
        .client_msg_id = row_uuid(row, 1),
        .seq = (uint64_t)row_i64(row, 2),
        .at = (uint64_t)row_i64(row, 3),
        .user = row_uuid(row, 4),
        .name = row_text(row, 5),
        .text = row_text(row, 6),
        .reply_to = row_uuid(row, 7),
    };
    chat_message_write(out, &message);
}

static void chat_history_on_read(struct feature_call *call, const struct reply *reply) {
    struct chat_history history;
    chat_history_read(call->params, &history);
    struct host_page rows = host_page_of(reply, history.limit, chat_write_row);
    struct chat_page page = { .messages = bytes_written(&rows.rows), .more = rows.more };
    host_respond_page(call, &rows, chat_page_write, &page);
}

static enum status chat_history(struct feature_call *call) {
    struct chat_history history;
    struct pack_fields fields = chat_history_read(call->params, &history);
    enum status status = host_check(call, &fields);
    if (status != STATUS_OK)
        return status;
    struct params *params = params_new(&call->arena);
    params_add_uuid(params, &call->session_id);
    params_add_i64(params, history.before == 0 ? INT64_MAX : (int64_t)history.before);
    params_add_i64(params, (int64_t)history.limit + 1);
    return host_store(call, "chat_history", params, chat_history_on_read);
}

static const struct feature_handler chat_handlers[] = { { "chat.send", chat_send }, { "chat.history", chat_history }, { 0 } };

const struct feature chat_feature = { .name = "chat", .methods = chat_methods, .handlers = chat_handlers };
