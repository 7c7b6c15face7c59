/* session_token.c — a token may have an end (access_tokens.expires_at), a door token may be revoked; the connection that it opened does
 * not outlive it.
 *
 *   session_token_ask ─▶ [session_door_tokens: those in use, answered are those that count no more] ─▶ session_token_on_asked
 *
 * One question is on the way at a time, for at most SESSION_TOKEN_COUNT_MAX tokens; the next goes on behind it. */
#include "session/session_token.h"

#include "access/token.h"
#include "log.h"
#include "loop/loop.h"
#include "session/session.h"
#include "store/store.h"
#include "wire/session_wire.h"

enum {
    SESSION_TOKEN_REMINDER_MS = 60000,
    SESSION_TOKEN_ASK_MS = 2000,
    SESSION_TOKEN_COUNT_MAX = 4096,
    SESSION_TOKEN_ARENA_BYTES = 4096
};

struct session_token_refresh {
    struct server *server;
    uint64_t connection_id;
    uint32_t msgid;
    char token[TOKEN_TEXT_SIZE + 1];
};

static void session_token_on_stored(void *context, const struct reply *reply);

void session_token_refresh(struct connection *connection, uint32_t msgid) {
    struct server *server = connection->server;
    struct session_token_refresh *op = mem_zalloc(&mem_default, sizeof *op);
    enum status status = STATUS_NO_MEMORY;
    if (op != NULL) {
        uint8_t random[TOKEN_RANDOM_BYTES];
        uint8_t hash[TOKEN_HASH_BYTES];
        *op = (struct session_token_refresh){ .server = server, .connection_id = connection->id, .msgid = msgid };
        loop_random(server->loop, random, sizeof random);
        token_write(random, op->token);
        token_hash(bytes_text(op->token), hash);
        struct arena arena;
        arena_init(&arena, &mem_default, SESSION_TOKEN_ARENA_BYTES);
        struct params *params = params_new(&arena);
        params_add_bytea(params, bytes_of(hash, sizeof hash));
        params_add_uuid(params, &connection->participant.user);
        params_add_uuid(params, &connection->session_id);
        status = store_submit(server->store, NULL, "session_token_add", params, session_token_on_stored, op);
        arena_finish(&arena);
    }
    if (status != STATUS_OK) {
        mem_free(&mem_default, op, sizeof *op);
        struct wire_fault fault = wire_fault(wire_code_of_status(status));
        connection_send_fault(connection, msgid, &fault);
    }
}

static void session_token_on_stored(void *context, const struct reply *reply) {
    struct session_token_refresh *op = context;
    struct connection *connection = server_connection(op->server, op->connection_id);
    if (connection != NULL && connection->state == CONNECTION_JOINED) {
        if (reply->status == STATUS_OK && reply->row_count == 1) {
            struct row row = reply_row(reply, 0);
            struct wire_token token = { .token = bytes_text(op->token), .expires_at = (uint64_t)row_i64(&row, 0) };
            connection->token_expires_ms = token.expires_at;
            connection->token_reminded = false;
            struct bytes_writer values = connection_writer();
            wire_result_begin(&values, op->msgid);
            wire_token_write(&values, &token);
            connection_send_values(connection, &values);
        } else {
            struct wire_fault fault = wire_fault(wire_code_of_status(reply->status == STATUS_OK ? STATUS_DENIED : reply->status));
            connection_send_fault(connection, op->msgid, &fault);
        }
    }
    mem_free(&mem_default, op, sizeof *op);
}

void session_token_tick(struct connection *connection) {
    uint64_t expires_ms = connection->token_expires_ms;
    uint64_t now_ms = server_unix_ms(connection->server);
    if (expires_ms == 0 || now_ms + SESSION_TOKEN_REMINDER_MS < expires_ms)
        return;
    if (now_ms >= expires_ms) {
        struct wire_fault fault = wire_fault_say(WIRE_CODE_CREDENTIALS, "The token has ended.");
        if (connection->dialect->kind == DIALECT_NATIVE)
            connection_close(connection, WIRE_CLOSE_CREDENTIALS, "the token has ended");
        else
            connection->dialect->refused(connection, 0, &fault, WIRE_CLOSE_CREDENTIALS);
        return;
    }
    if (connection->token_reminded || connection->dialect->kind != DIALECT_NATIVE)
        return;
    connection->token_reminded = true;
    struct bytes_writer values = connection_writer();
    wire_notification_begin(&values, "auth.expiring");
    wire_token_expiring_write(&values, expires_ms);
    connection_send_values(connection, &values);
}

/* ---- door tokens ---- */

enum status session_token_keep(struct connection *connection, const uint8_t hash[TOKEN_HASH_BYTES]) {
    connection->door_token = mem_alloc(&mem_default, TOKEN_HASH_BYTES);
    if (connection->door_token == NULL)
        return STATUS_NO_MEMORY;
    memcpy(connection->door_token, hash, TOKEN_HASH_BYTES);
    return STATUS_OK;
}

void session_token_revoked(struct connection *connection) {
    struct wire_fault fault = wire_fault_say(WIRE_CODE_CREDENTIALS, "The door token was revoked.");
    connection->dialect->refused(connection, 0, &fault, WIRE_CLOSE_CREDENTIALS);
}

static void session_token_on_asked(void *context, const struct reply *reply) {
    struct server *server = context;
    server->tokens_asked = false;
    for (unsigned i = 0; reply->status == STATUS_OK && i < reply->row_count; i++) {
        struct row row = reply_row(reply, i);
        struct bytes hash = row_bytea(&row, 0);
        list_each (link, &server->connection_list) {
            struct connection *connection = list_entry(link, struct connection, server_link);
            if (connection->state == CONNECTION_JOINED && connection->door_token != NULL &&
                bytes_equal(hash, bytes_of(connection->door_token, TOKEN_HASH_BYTES)))
                session_token_revoked(connection);
        }
    }
}

/* Those behind the connection that the last question ended with; the list is in the order of their ids. */
static size_t session_token_collect(struct server *server, struct bytes *hashes) {
    size_t count = 0;
    uint64_t behind = server->tokens_asked_to;
    server->tokens_asked_to = 0;
    list_each (link, &server->connection_list) {
        struct connection *connection = list_entry(link, struct connection, server_link);
        if (connection->state != CONNECTION_JOINED || connection->door_token == NULL || connection->id <= behind)
            continue;
        hashes[count++] = bytes_of(connection->door_token, TOKEN_HASH_BYTES);
        if (count == SESSION_TOKEN_COUNT_MAX) {
            server->tokens_asked_to = connection->id;
            break;
        }
    }
    return count;
}

void session_token_ask(struct server *server, uint64_t now_ms) {
    bool has_doors = server->speaking[DIALECT_YWS] + server->speaking[DIALECT_HOCUSPOCUS] > 0;
    if (server->tokens_asked || !has_doors || now_ms < server->tokens_asked_ms + SESSION_TOKEN_ASK_MS)
        return;
    server->tokens_asked_ms = now_ms;
    struct arena arena;
    arena_init(&arena, &mem_default, SESSION_TOKEN_COUNT_MAX * (sizeof(struct bytes) + TOKEN_HASH_BYTES + 8) + 4096);
    struct bytes *hashes = arena_alloc(&arena, SESSION_TOKEN_COUNT_MAX * sizeof *hashes);
    struct params *params = params_new(&arena);
    if (hashes != NULL && params != NULL) {
        size_t count = session_token_collect(server, hashes);
        params_add_bytea_array(params, hashes, count);
        server->tokens_asked = count > 0 && store_submit(server->store, NULL, "session_door_tokens", params, session_token_on_asked,
                                                         server) == STATUS_OK;
    }
    arena_finish(&arena);
}
