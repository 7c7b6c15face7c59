/* session_join.c — from a token to a participant.
 *
 *   session_join ──▶ [session_identity] ──▶ session_join_on_identity ──▶ rights, limits ──▶ session_enter ──▶ joined()
 *                                                     │                                       └─▶ visit_begin, see visit.h
 *                                                     └──▶ refused()
 *
 * Nothing of a session is loaded before the credential is good. The record of the visit is written beside the answer: it is no
 * condition for taking part. */
#include "session/session_join.h"

#include "access/token.h"
#include "config.h"
#include "document/document.h"
#include "feature/registry.h"
#include "log.h"
#include "session/session.h"
#include "session/session_token.h"
#include "session/visit.h"
#include "store/store.h"
#include "wire/session_wire.h"

#include <stdio.h>

enum { SESSION_JOIN_ARENA_BYTES = 16384, SESSION_PARTICIPANTS_FIRST_PAGE = 50 };

struct session_join {
    struct server *server;
    uint64_t connection_id;
    uint32_t request;
    uint8_t token[TOKEN_HASH_BYTES];
};

static void session_join_on_identity(void *context, const struct reply *reply);

void session_join(struct connection *connection, uint32_t msgid, struct bytes params) {
    if (connection->state != CONNECTION_WAITING) {
        struct wire_fault fault = wire_fault_say(WIRE_CODE_CONFLICT, "This connection has joined already.");
        connection_send_fault(connection, msgid, &fault);
        return;
    }
    struct wire_join join;
    struct pack_fields fields = wire_join_read(params, &join);
    if (fields.status != STATUS_OK) {
        struct wire_fault fault = wire_fault_of_fields(&fields);
        connection_send_fault(connection, msgid, &fault);
        return;
    }
    if (join.protocol != WIRE_PROTOCOL_VERSION) {
        struct wire_fault fault =
            wire_fault_say(WIRE_CODE_UNSUPPORTED, "This server speaks protocol version %d.", WIRE_PROTOCOL_VERSION);
        connection->dialect->refused(connection, msgid, &fault, WIRE_CLOSE_TOO_OLD);
        return;
    }
    struct bytes credential = join.credential;
    if (credential.size == 0)
        credential = bytes_of(connection->credential, connection->credential_size);
    session_join_begin(connection, msgid, credential);
}

/* By which of the statement's rules this connection's credential is judged. */
static const char *session_join_door(const struct connection *connection) {
    return connection->dialect->kind == DIALECT_NATIVE ? "native" : connection->credential_in_url ? "url" : "door";
}

void session_join_begin(struct connection *connection, uint32_t request, struct bytes credential) {
    if (credential.size == 0) {
        struct wire_fault fault = wire_fault(WIRE_CODE_CREDENTIALS);
        connection->dialect->refused(connection, request, &fault, WIRE_CLOSE_CREDENTIALS);
        return;
    }
    struct server *server = connection->server;
    struct session_join *op = mem_zalloc(&mem_default, sizeof *op);
    struct arena arena;
    arena_init(&arena, &mem_default, SESSION_JOIN_ARENA_BYTES);
    enum status status = STATUS_NO_MEMORY;
    if (op != NULL) {
        *op = (struct session_join){ .server = server, .connection_id = connection->id, .request = request };
        token_hash(credential, op->token);
        struct params *values = params_new(&arena);
        params_add_bytea(values, bytes_of(op->token, sizeof op->token));
        params_add_uuid(values, &connection->session_id);
        params_add_text(values, bytes_text(session_join_door(connection)));
        status = store_submit(server->store, NULL, "session_identity", values, session_join_on_identity, op);
    }
    arena_finish(&arena);
    if (status != STATUS_OK) {
        mem_free(&mem_default, op, sizeof *op);
        struct wire_fault fault = wire_fault(wire_code_of_status(status));
        connection->dialect->refused(connection, request, &fault, WIRE_CLOSE_UNAVAILABLE);
        return;
    }
    connection->state = CONNECTION_JOINING;
}

/* Fits a view into a NUL-terminated field, cutting at a character boundary. */
static void session_join_copy(char *out, size_t size_max, struct bytes text) {
    size_t size = text.size < size_max ? text.size : size_max;
    while (size < text.size && size > 0 && (text.data[size] & 0xc0) == 0x80)
        size--;
    if (size > 0)
        memcpy(out, text.data, size);
    out[size] = '\0';
}

void session_join_answer(struct connection *connection, uint32_t msgid, uint64_t files_count) {
    const struct session *session = connection->session;
    const struct config *config = server_config(session->server);
    const struct participant *participant = &connection->participant;
    struct bytes_writer page = connection_writer();
    struct wire_joined joined = {
        .protocol = WIRE_PROTOCOL_VERSION,
        .session = session->id,
        .self = { .id = connection->id,
                  .user = participant->user,
                  .username = bytes_text(participant->username),
                  .display_name = bytes_text(participant->display_name),
                  .role = bytes_text(participant->role) },
        .rights = participant->rights,
        .boot = session->server->fleet->boot,
        .limits = { .message_bytes = config->message_bytes_max,
                    .update_bytes = config->message_bytes_max,
                    .awareness_bytes = CRDT_AWARENESS_STATE_BYTES_MAX,
                    .open_documents = DOCUMENT_SUBSCRIPTIONS_MAX,
                    .requests_per_second = 0,
                    .updates_per_second = config->updates_per_second,
                    .files = config->files_max,
                    .document_bytes = config->document_bytes_max,
                    .path_bytes = WIRE_PATH_BYTES_MAX,
                    .chat_bytes = 16384 },
        .files_count = files_count,
        .token_expires_at = connection->token_expires_ms,
    };
    session_write_participants(session, 0, SESSION_PARTICIPANTS_FIRST_PAGE, connection, &page, &joined.participants_next);
    joined.participants = bytes_written(&page);
    struct bytes_writer values = connection_writer();
    wire_result_begin(&values, msgid);
    wire_joined_write(&values, &joined);
    if (page.status != STATUS_OK)
        values.status = page.status;
    connection_send_values(connection, &values);
    bytes_writer_finish(&page);
    struct frame *keyframe = room_keyframe(&session->room, frame_native(0));
    if (keyframe != NULL) {
        connection_send(connection, keyframe);
        frame_release(keyframe);
    }
}

static void session_join_on_identity(void *context, const struct reply *reply) {
    struct session_join *op = context;
    struct server *server = op->server;
    struct connection *connection = server_connection(server, op->connection_id);
    uint32_t request = op->request;
    uint8_t token[TOKEN_HASH_BYTES];
    memcpy(token, op->token, sizeof token);
    mem_free(&mem_default, op, sizeof *op);
    if (connection == NULL || connection->state != CONNECTION_JOINING)
        return;

    struct wire_fault fault;
    uint16_t close_code;
    if (reply->status != STATUS_OK) {
        log_warn((&(struct log_subject){
                     .session = &connection->session_id, .connection = connection->id, .request = connection->request }),
                 "join.failed", "status=%s error=\"%s\"", status_name(reply->status), reply->error);
        fault = wire_fault(WIRE_CODE_UNAVAILABLE);
        close_code = WIRE_CLOSE_UNAVAILABLE;
        goto refuse;
    }
    if (reply->row_count == 0) {
        fault = wire_fault(WIRE_CODE_CREDENTIALS);
        close_code = WIRE_CLOSE_CREDENTIALS;
        goto refuse;
    }
    struct row row = reply_row(reply, 0);
    if (!row_bool(&row, 3)) {
        fault = wire_fault_say(WIRE_CODE_NOT_FOUND, "There is no such session.");
        close_code = WIRE_CLOSE_GONE;
        goto refuse;
    }
    if (row_is_null(&row, 6) || row_bool(&row, 8)) {
        fault = wire_fault_say(WIRE_CODE_PERMISSION_DENIED,
                               row_is_null(&row, 6) ? "You are not in this session." : "You were removed from this session.");
        close_code = row_is_null(&row, 6) ? WIRE_CLOSE_DENIED : WIRE_CLOSE_REMOVED;
        goto refuse;
    }
    if (!row_bool(&row, 4)) {
        fault = wire_fault_say(WIRE_CODE_NOT_FOUND, "This session is closed.");
        close_code = WIRE_CLOSE_GONE;
        goto refuse;
    }

    struct participant *participant = &connection->participant;
    char kind[PARTICIPANT_ROLE_BYTES_MAX + 1];
    participant->user = row_uuid(&row, 0);
    session_join_copy(participant->username, PARTICIPANT_NAME_BYTES_MAX, row_text(&row, 1));
    session_join_copy(participant->display_name, PARTICIPANT_NAME_BYTES_MAX, row_text(&row, 2));
    session_join_copy(participant->role, PARTICIPANT_ROLE_BYTES_MAX, row_text(&row, 6));
    session_join_copy(kind, PARTICIPANT_ROLE_BYTES_MAX, row_text(&row, 7));
    participant->rights = participant_rights(participant->role, kind);

    struct session *session;
    if ((row_bool(&row, 11) && session_token_keep(connection, token) != STATUS_OK) ||
        session_open(server, &connection->session_id, &session) != STATUS_OK) {
        fault = wire_fault(WIRE_CODE_OVERLOADED);
        close_code = WIRE_CLOSE_OVERLOADED;
        goto refuse;
    }
    uint32_t users_max = (uint32_t)row_i32(&row, 5);
    uint32_t here = attendance_of(&session->attendance, &participant->user);
    if (here == 0 && attendance_count(&session->attendance) >= users_max) {
        metrics_limited(&server->metrics, LIMIT_participants);
        fault = wire_fault_limit("max_participants", users_max);
        close_code = WIRE_CLOSE_DENIED;
        goto refuse;
    }
    connection->token_expires_ms = (uint64_t)row_i64(&row, 9);
    uint64_t files_count = (uint64_t)row_i64(&row, 10);
    if (session_enter(session, connection) != STATUS_OK) {
        fault = wire_fault(WIRE_CODE_OVERLOADED);
        close_code = WIRE_CLOSE_OVERLOADED;
        goto refuse;
    }
    mem_free(&mem_default, connection->credential, connection->credential_size);
    connection->credential = NULL;
    connection->credential_size = 0;
    if (here == 0)
        visit_begin(session, &participant->user);
    log_info((&(struct log_subject){ .session = &session->id, .connection = connection->id, .request = connection->request }),
             "participant.joined", "role=%s connections=%u", participant->role, session->connection_count);
    connection->dialect->joined(connection, request, files_count);
    return;

refuse:
    connection->dialect->refused(connection, request, &fault, close_code);
}
