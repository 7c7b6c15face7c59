/* sessions.c — see sessions.h.
 *
 *   sessions_create ─▶ (a user's token? ─▶ [http_token_user] ─▶ sessions_create_on_user) ─▶ sessions_create_submit
 *                                         [http_session_create] ─▶ sessions_create_done
 *   sessions_join ─▶ [http_session_join] ─▶ sessions_join_done
 *
 * Each is one statement and thus one transaction: there is no session without owner and no guest without a seat. Should the random
 * room code be taken, another is drawn. */
#include "http/sessions.h"

#include "access/room_code.h"
#include "access/token.h"
#include "ground/utf.h"
#include "http/http_operation.h"
#include "log.h"
#include "wire/json_body.h"

#include <stdio.h>

enum {
    SESSIONS_NAME_UNITS_MAX = 100, /* varchar(100) */
    SESSIONS_NAME_BYTES_MAX = 400,
    SESSIONS_CODE_TEXT_MAX = 64, /* as typed, with blanks and dashes */
    SESSIONS_PARTICIPANTS_DEFAULT = 10,
    SESSIONS_PARTICIPANTS_MAX = 1000000,
    SESSIONS_CODE_ATTEMPTS = 4, /* of 2^40 codes, a billion sessions leave a chance of 1 in 10^12 to miss four times */
    SESSIONS_USERNAME_SIZE = 6 + ROOM_CODE_SIZE * 2,
};

struct session_create {
    struct http_operation operation;
    struct uuid session, owner;
    bool owner_exists;
    struct bytes name, type, owner_name; /* in the arena */
    uint32_t max_participants;
    unsigned attempts;
    char code[ROOM_CODE_SIZE + 1];
    char token[TOKEN_TEXT_SIZE + 1];
    uint8_t token_hash[TOKEN_HASH_BYTES];
};

struct session_entry {
    struct http_operation operation;
    struct uuid user;
    char token[TOKEN_TEXT_SIZE + 1];
    char peer[64];
};

static enum status sessions_create_read(struct http_conn *conn, struct session_create *create);
static void sessions_create_on_user(void *context, const struct reply *reply);
static void sessions_create_submit(struct session_create *create);
static void sessions_create_done(void *context, const struct reply *reply);
static void sessions_join_done(void *context, const struct reply *reply);

/* A name that may stand on a screen: 1 to 100 UTF-16 units, not only blanks, no control characters. */
static bool sessions_name_ok(struct bytes name) {
    size_t units;
    bool has_letter = false;
    if (!utf_check(name, &units) || units == 0 || units > SESSIONS_NAME_UNITS_MAX)
        return false;
    for (size_t i = 0; i < name.size; i++) {
        if (name.data[i] < 0x20 || name.data[i] == 0x7f)
            return false;
        has_letter = has_letter || name.data[i] != ' ';
    }
    return has_letter;
}

static void sessions_new_token(struct http_door *door, char out[TOKEN_TEXT_SIZE + 1], uint8_t out_hash[TOKEN_HASH_BYTES]) {
    uint8_t random[TOKEN_RANDOM_BYTES];
    loop_random(door->loop, random, sizeof random);
    token_write(random, out);
    token_hash(bytes_of(out, TOKEN_TEXT_SIZE), out_hash);
}

/* "guest-4K7Q…": unique by chance (80 bits), and by the table's key. */
static struct bytes sessions_new_username(struct http_door *door, const char *kind, char out[SESSIONS_USERNAME_SIZE + 1]) {
    uint8_t random[2 * ROOM_CODE_RANDOM_BYTES];
    size_t kind_size = strlen(kind);
    loop_random(door->loop, random, sizeof random);
    snprintf(out, SESSIONS_USERNAME_SIZE + 1, "%s", kind);
    room_code_write(random, out + kind_size);
    room_code_write(random + ROOM_CODE_RANDOM_BYTES, out + kind_size + ROOM_CODE_SIZE);
    return bytes_text(out);
}

/* Parses the request's body; on failure the client has been told. */
static struct json_body *sessions_body(struct http_conn *conn) {
    struct json_body *body = NULL;
    enum status status = json_body_parse(http_conn_request(conn)->body, &body);
    if (status == STATUS_OK)
        return body;
    if (status == STATUS_NO_MEMORY)
        http_conn_refuse(conn, WIRE_CODE_OVERLOADED, "The server has too much to do.");
    else
        http_conn_refuse(conn, WIRE_CODE_MALFORMED, "The body must be a JSON object.");
    return NULL;
}

void sessions_create(struct http_conn *conn, struct bytes argument) {
    (void)argument;
    struct bytes token = http_message_bearer(http_conn_request(conn));
    if (token.size == 0 || token.size > TOKEN_TEXT_MAX) {
        http_conn_refuse(conn, WIRE_CODE_CREDENTIALS, "Creating a session needs a token: Authorization: Bearer …");
        return;
    }
    struct http_door *door = conn->door;
    uint8_t hash[TOKEN_HASH_BYTES];
    token_hash(token, hash);
    bool is_admin = token_hash_equal(hash, door->fleet->admin_token_hash);
    struct session_create *create = http_operation_create(conn, sizeof *create);
    if (create == NULL) {
        http_conn_refuse(conn, WIRE_CODE_OVERLOADED, "The server has too much to do.");
        return;
    }
    if (is_admin) {
        if (sessions_create_read(conn, create) != STATUS_OK)
            return;
        create->owner = server_new_id(door->server);
        sessions_create_submit(create);
        return;
    }
    /* Who it is comes first: a stranger learns nothing about his body. */
    struct params *params = params_new(&create->operation.arena);
    params_add_bytea(params, bytes_of(hash, sizeof hash));
    http_operation_submit(&create->operation, "http_token_user", params, sessions_create_on_user);
}

static void sessions_create_on_user(void *context, const struct reply *reply) {
    struct session_create *create = context;
    if (reply->status != STATUS_OK) {
        http_operation_fail(&create->operation, "http_token_user", reply->status, reply->error);
        return;
    }
    struct http_conn *conn = http_operation_conn(&create->operation);
    if (conn == NULL || reply->row_count == 0) {
        if (conn != NULL) {
            log_warn((&(struct log_subject){ .request = conn->request }), "access.refused", "what=session_create peer=%s",
                     http_conn_peer(conn));
            http_conn_refuse(conn, WIRE_CODE_CREDENTIALS, "This token may not create sessions.");
        }
        http_operation_destroy(&create->operation);
        return;
    }
    struct row row = reply_row(reply, 0);
    create->owner = row_uuid(&row, 0);
    create->owner_exists = true;
    if (sessions_create_read(conn, create) == STATUS_OK)
        sessions_create_submit(create);
}

/* Reads the body into `create`. Otherwise the client has been told, and `create` is gone. */
static enum status sessions_create_read(struct http_conn *conn, struct session_create *create) {
    struct arena *arena = &create->operation.arena;
    struct bytes name = { 0 }, type = bytes_text("private"), owner = bytes_text("Owner");
    uint64_t max_participants = SESSIONS_PARTICIPANTS_DEFAULT;
    const char *wrong = NULL;
    struct json_body *body = sessions_body(conn);
    if (body == NULL) {
        http_operation_destroy(&create->operation);
        return STATUS_MALFORMED;
    }
    enum status status = json_body_text(body, "name", SESSIONS_NAME_BYTES_MAX, &name);
    if (status != STATUS_OK || !sessions_name_ok(name))
        wrong = "name: the session's name, 1 to 100 characters, no control characters";
    status = json_body_text(body, "type", SESSIONS_CODE_TEXT_MAX, &type);
    if (status == STATUS_NOT_FOUND)
        type = bytes_text("private");
    else if (status != STATUS_OK ||
             (!bytes_equal_text(type, "private") && !bytes_equal_text(type, "public") && !bytes_equal_text(type, "collaborative")))
        wrong = "type: private, public or collaborative";
    status = json_body_uint(body, "max_participants", SESSIONS_PARTICIPANTS_MAX, &max_participants);
    if (status == STATUS_NOT_FOUND)
        max_participants = SESSIONS_PARTICIPANTS_DEFAULT;
    else if (status != STATUS_OK || max_participants == 0)
        wrong = "max_participants: a whole number from 1 to 1000000";
    status = json_body_text(body, "owner", SESSIONS_NAME_BYTES_MAX, &owner);
    if (status == STATUS_NOT_FOUND)
        owner = bytes_text("Owner");
    else if (status != STATUS_OK || !sessions_name_ok(owner))
        wrong = "owner: the owner's name, 1 to 100 characters, no control characters";
    create->name = arena_copy(arena, name);
    create->type = arena_copy(arena, type);
    create->owner_name = arena_copy(arena, owner);
    create->max_participants = (uint32_t)max_participants;
    json_body_destroy(body);
    if (wrong == NULL && create->name.data != NULL && create->type.data != NULL && create->owner_name.data != NULL)
        return STATUS_OK;
    if (wrong != NULL)
        http_conn_refuse(conn, WIRE_CODE_INVALID_PARAMS, "%s.", wrong);
    else
        http_conn_refuse(conn, WIRE_CODE_OVERLOADED, "The server has too much to do.");
    http_operation_destroy(&create->operation);
    return STATUS_MALFORMED;
}

static void sessions_create_submit(struct session_create *create) {
    struct http_door *door = create->operation.door;
    char username[SESSIONS_USERNAME_SIZE + 1];
    uint8_t random[ROOM_CODE_RANDOM_BYTES];
    struct arena arena;
    arena_init(&arena, &mem_default, 16384);
    create->attempts++;
    create->session = server_new_id(door->server);
    loop_random(door->loop, random, sizeof random);
    room_code_write(random, create->code);
    sessions_new_token(door, create->token, create->token_hash);
    struct params *params = params_new(&arena);
    params_add_uuid(params, &create->session);
    params_add_text(params, create->name);
    params_add_text(params, bytes_text(create->code));
    params_add_text(params, create->type);
    params_add_i32(params, (int32_t)create->max_participants);
    params_add_uuid(params, &create->owner);
    params_add_text(params, create->owner_exists ? (struct bytes){ 0 } : sessions_new_username(door, "user-", username));
    params_add_text(params, create->owner_name);
    params_add_bytea(params, bytes_of(create->token_hash, sizeof create->token_hash));
    http_operation_submit(&create->operation, "http_session_create", params, sessions_create_done);
    arena_finish(&arena);
}

static void sessions_create_done(void *context, const struct reply *reply) {
    struct session_create *create = context;
    if (reply->status == STATUS_EXISTS && create->attempts < SESSIONS_CODE_ATTEMPTS) {
        sessions_create_submit(create);
        return;
    }
    if (reply->status != STATUS_OK) {
        http_operation_fail(&create->operation, "http_session_create", reply->status, reply->error);
        return;
    }
    log_info((&(struct log_subject){ .session = &create->session, .request = create->operation.name }), "session.created",
             "max_participants=%u", create->max_participants);
    struct http_conn *conn = http_operation_conn(&create->operation);
    if (conn != NULL) {
        char session[UUID_TEXT_SIZE + 1], user[UUID_TEXT_SIZE + 1];
        struct bytes_writer body;
        uuid_format(&create->session, session);
        uuid_format(&create->owner, user);
        bytes_writer_init(&body, &mem_default, 8192);
        struct json_writer json = json_write_open(&body);
        json_write_string(&json, "session", session);
        json_write_text(&json, "name", create->name);
        json_write_string(&json, "code", create->code);
        json_write_string(&json, "user", user);
        json_write_string(&json, "role", "owner");
        json_write_string(&json, "token", create->token);
        json_write_close(&json);
        bytes_write(&body, bytes_text("\n"));
        if (body.status == STATUS_OK)
            http_conn_answer(conn, 201, "application/json", NULL, 0, bytes_written(&body));
        else
            http_conn_refuse(conn, WIRE_CODE_OVERLOADED, "The server has too much to do.");
        bytes_writer_finish(&body);
    }
    http_operation_destroy(&create->operation);
}

void sessions_join(struct http_conn *conn, struct bytes argument) {
    (void)argument;
    struct http_door *door = conn->door;
    uint64_t wait_ms = guess_limit_wait_ms(&door->wrong_codes, http_conn_peer(conn), loop_now_ms(door->loop));
    if (wait_ms > 0) {
        metrics_limited(&door->server->metrics, LIMIT_wrong_codes);
        char seconds[16];
        snprintf(seconds, sizeof seconds, "%u", (unsigned)(wait_ms / 1000 + 1));
        struct http_header again = { bytes_text("Retry-After"), bytes_text(seconds) };
        http_conn_refuse_as(conn, (unsigned)wire_code_http(WIRE_CODE_RATE), wire_code_word(WIRE_CODE_RATE),
                            "Too many wrong codes from this address.", &again);
        return;
    }
    struct json_body *body = sessions_body(conn);
    if (body == NULL)
        return;
    struct bytes code_text = { 0 }, name = { 0 };
    char code[ROOM_CODE_SIZE + 1];
    enum status code_status = json_body_text(body, "code", SESSIONS_CODE_TEXT_MAX, &code_text);
    if (json_body_text(body, "name", SESSIONS_NAME_BYTES_MAX, &name) != STATUS_OK || !sessions_name_ok(name)) {
        http_conn_refuse(conn, WIRE_CODE_INVALID_PARAMS, "name: your name, 1 to 100 characters, no control characters.");
        goto destroy_body;
    }
    if (code_status != STATUS_OK) {
        http_conn_refuse(conn, WIRE_CODE_INVALID_PARAMS, "code: the session's code as text.");
        goto destroy_body;
    }
    if (!room_code_read(code_text, code)) {
        /* It cannot be one, so nothing was guessed. */
        http_conn_refuse(conn, WIRE_CODE_NOT_FOUND, "No open session has this code.");
        goto destroy_body;
    }
    struct session_entry *entry = http_operation_create(conn, sizeof *entry);
    if (entry == NULL) {
        http_conn_refuse(conn, WIRE_CODE_OVERLOADED, "The server has too much to do.");
        goto destroy_body;
    }
    uint8_t hash[TOKEN_HASH_BYTES];
    char username[SESSIONS_USERNAME_SIZE + 1];
    strncpy(entry->peer, http_conn_peer(conn), sizeof entry->peer - 1);
    entry->user = server_new_id(door->server);
    sessions_new_token(door, entry->token, hash);
    struct params *params = params_new(&entry->operation.arena);
    params_add_text(params, bytes_text(code));
    params_add_uuid(params, &entry->user);
    params_add_text(params, sessions_new_username(door, "guest-", username));
    params_add_text(params, name);
    params_add_bytea(params, bytes_of(hash, sizeof hash));
    http_operation_submit(&entry->operation, "http_session_join", params, sessions_join_done);
destroy_body:
    json_body_destroy(body);
}

static void sessions_join_done(void *context, const struct reply *reply) {
    struct session_entry *entry = context;
    struct http_door *door = entry->operation.door;
    if (reply->status != STATUS_OK) {
        http_operation_fail(&entry->operation, "http_session_join", reply->status, reply->error);
        return;
    }
    struct http_conn *conn = http_operation_conn(&entry->operation);
    if (reply->row_count == 0) {
        /* Counted for the address even if it has hung up. */
        http_door_note_guess(door, entry->peer);
        log_warn((&(struct log_subject){ .request = entry->operation.name }), "access.refused", "what=room_code peer=%s",
                 entry->peer);
        if (conn != NULL)
            http_conn_refuse(conn, WIRE_CODE_NOT_FOUND, "No open session has this code.");
        http_operation_destroy(&entry->operation);
        return;
    }
    struct row row = reply_row(reply, 0);
    if (conn != NULL && row_bool(&row, 2)) {
        metrics_limited(&door->server->metrics, LIMIT_participants);
        http_conn_refuse_as(conn, 409, "full", "The session is full.", NULL);
    } else if (conn != NULL) {
        char session[UUID_TEXT_SIZE + 1], user[UUID_TEXT_SIZE + 1];
        struct uuid id = row_uuid(&row, 0);
        struct bytes_writer body;
        uuid_format(&id, session);
        uuid_format(&entry->user, user);
        bytes_writer_init(&body, &mem_default, 8192);
        struct json_writer json = json_write_open(&body);
        json_write_string(&json, "session", session);
        json_write_text(&json, "name", row_text(&row, 1));
        json_write_string(&json, "user", user);
        json_write_string(&json, "role", "participant");
        json_write_string(&json, "token", entry->token);
        json_write_close(&json);
        bytes_write(&body, bytes_text("\n"));
        if (body.status == STATUS_OK)
            http_conn_answer(conn, 200, "application/json", NULL, 0, bytes_written(&body));
        else
            http_conn_refuse(conn, WIRE_CODE_OVERLOADED, "The server has too much to do.");
        bytes_writer_finish(&body);
    }
    http_operation_destroy(&entry->operation);
}
