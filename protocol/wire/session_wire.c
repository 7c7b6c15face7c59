/* session_wire.c — encode and decode the session's messages; fields in the order of PROTOCOL.md. */
#include "wire/session_wire.h"

const struct wire_method wire_session_methods[] = {
    /* name                   from               right       per second */
    { "session.join", WIRE_FROM_CLIENT, 0, 2 },
    { "session.participants", WIRE_FROM_CLIENT, RIGHT_READ, 5 },
    { "session.participant", WIRE_FROM_SERVER, RIGHT_READ, 0 },
    { "session.closed", WIRE_FROM_SERVER, 0, 0 },
    { "session.fault", WIRE_FROM_SERVER, 0, 0 },
    { "auth.refresh", WIRE_FROM_CLIENT, 0, 1 },
    { "auth.expiring", WIRE_FROM_SERVER, 0, 0 },
    { 0 },
};

void wire_empty_write(struct bytes_writer *out) {
    pack_write_map(out, 0);
}

/* An encoded array, or an empty one when there is none. */
static void wire_put_array(struct bytes_writer *out, const char *key, struct bytes array) {
    pack_put_key(out, key);
    if (array.data != NULL)
        pack_write_raw(out, array);
    else
        pack_write_array(out, 0);
}

/* ---- session.join ---- */

static struct bytes wire_text_or_empty(struct bytes text) {
    return text.data != NULL ? text : bytes_text("");
}

void wire_join_write(struct bytes_writer *out, const struct wire_join *join) {
    pack_write_map(out, join->credential.data != NULL ? 5 : 4);
    pack_put_text(out, "client", join->client);
    pack_put_text(out, "version", wire_text_or_empty(join->version));
    pack_put_uint(out, "protocol", join->protocol);
    wire_put_array(out, "capabilities", join->capabilities);
    if (join->credential.data != NULL)
        pack_put_text(out, "credential", join->credential);
}

struct pack_fields wire_join_read(struct bytes params, struct wire_join *out) {
    *out = (struct wire_join){ .version = bytes_text("") };
    struct pack_fields fields = pack_fields(params);
    pack_field_text(&fields, "client", PACK_REQUIRED, WIRE_NAME_BYTES_MAX, &out->client);
    pack_field_text(&fields, "version", PACK_OPTIONAL, WIRE_NAME_BYTES_MAX, &out->version);
    pack_field_uint(&fields, "protocol", PACK_REQUIRED, UINT32_MAX, &out->protocol);
    pack_field_array(&fields, "capabilities", PACK_OPTIONAL, &out->capabilities);
    pack_field_text(&fields, "credential", PACK_OPTIONAL, WIRE_CREDENTIAL_BYTES_MAX, &out->credential);
    if (fields.status == STATUS_OK && out->client.size == 0)
        pack_field_fail(&fields, "client", "must not be empty");
    if (out->capabilities.size > WIRE_CAPABILITIES_BYTES_MAX)
        pack_field_fail(&fields, "capabilities", "is longer than allowed");
    return fields;
}

bool wire_capability_has(struct bytes capabilities, const char *name) {
    struct pack_reader reader = pack_reader(capabilities);
    uint32_t count;
    if (pack_read_array(&reader, &count) != STATUS_OK)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        struct bytes text = { NULL, 0 };
        if (pack_read_text(&reader, SIZE_MAX, &text) == STATUS_OK) {
            if (bytes_equal_text(text, name))
                return true;
        } else if (pack_skip(&reader) != STATUS_OK) {
            return false;
        }
    }
    return false;
}

/* ---- participants ---- */

void wire_participant_write(struct bytes_writer *out, const struct wire_participant *participant) {
    pack_write_map(out, 5);
    pack_put_uint(out, "id", participant->id);
    pack_put_uuid(out, "user", &participant->user);
    pack_put_text(out, "username", participant->username);
    pack_put_text(out, "display_name", participant->display_name);
    pack_put_text(out, "role", participant->role);
}

struct pack_fields wire_participant_read(struct bytes value, struct wire_participant *out) {
    *out = (struct wire_participant){ 0 };
    struct pack_fields fields = pack_fields(value);
    pack_field_uint(&fields, "id", PACK_REQUIRED, PACK_UINT53_MAX, &out->id);
    pack_field_uuid(&fields, "user", PACK_REQUIRED, &out->user);
    pack_field_text(&fields, "username", PACK_REQUIRED, WIRE_NAME_BYTES_MAX, &out->username);
    pack_field_text(&fields, "display_name", PACK_REQUIRED, WIRE_NAME_BYTES_MAX, &out->display_name);
    pack_field_text(&fields, "role", PACK_REQUIRED, WIRE_ROLE_BYTES_MAX, &out->role);
    return fields;
}

struct wire_participants wire_participants(struct bytes array) {
    struct wire_participants walk = { .reader = pack_reader(array) };
    walk.failed = array.data != NULL && pack_read_array(&walk.reader, &walk.left) != STATUS_OK;
    return walk;
}

enum status wire_participants_next(struct wire_participants *walk, struct wire_participant *out) {
    struct bytes value;
    if (!walk->failed && walk->left == 0)
        return STATUS_MORE;
    walk->failed = walk->failed || pack_read_value(&walk->reader, &value) != STATUS_OK ||
                   wire_participant_read(value, out).status != STATUS_OK;
    if (walk->failed)
        return STATUS_MALFORMED;
    walk->left--;
    return STATUS_OK;
}

/* ---- the answer to session.join ---- */

/* One row per limit: its name on the wire and its place in the struct. */
static const struct wire_limit_row {
    const char *name;
    size_t offset;
} wire_limit_rows[] = {
    { "message_bytes", offsetof(struct wire_limits, message_bytes) },
    { "update_bytes", offsetof(struct wire_limits, update_bytes) },
    { "awareness_bytes", offsetof(struct wire_limits, awareness_bytes) },
    { "open_documents", offsetof(struct wire_limits, open_documents) },
    { "requests_per_second", offsetof(struct wire_limits, requests_per_second) },
    { "updates_per_second", offsetof(struct wire_limits, updates_per_second) },
    { "files", offsetof(struct wire_limits, files) },
    { "document_bytes", offsetof(struct wire_limits, document_bytes) },
    { "path_bytes", offsetof(struct wire_limits, path_bytes) },
    { "chat_bytes", offsetof(struct wire_limits, chat_bytes) },
};

enum { WIRE_LIMITS_COUNT = sizeof wire_limit_rows / sizeof wire_limit_rows[0] };

static void wire_limits_write(struct bytes_writer *out, const struct wire_limits *limits) {
    pack_write_map(out, WIRE_LIMITS_COUNT);
    for (size_t i = 0; i < WIRE_LIMITS_COUNT; i++) {
        uint64_t value;
        memcpy(&value, (const char *)limits + wire_limit_rows[i].offset, sizeof value);
        pack_put_uint(out, wire_limit_rows[i].name, value);
    }
}

/* A server of another version may announce fewer: those stay 0, which means "not announced". */
static struct pack_fields wire_limits_read(struct bytes value, struct wire_limits *out) {
    struct pack_fields fields = pack_fields(value);
    for (size_t i = 0; i < WIRE_LIMITS_COUNT; i++) {
        uint64_t limit = 0;
        pack_field_uint(&fields, wire_limit_rows[i].name, PACK_OPTIONAL, PACK_UINT53_MAX, &limit);
        memcpy((char *)out + wire_limit_rows[i].offset, &limit, sizeof limit);
    }
    return fields;
}

void wire_joined_write(struct bytes_writer *out, const struct wire_joined *joined) {
    pack_write_map(out, 13);
    pack_put_uint(out, "protocol", joined->protocol);
    pack_put_uuid(out, "session", &joined->session);
    pack_put_key(out, "user");
    pack_write_map(out, 3);
    pack_put_uuid(out, "id", &joined->self.user);
    pack_put_text(out, "username", joined->self.username);
    pack_put_text(out, "display_name", joined->self.display_name);
    pack_put_uint(out, "participant", joined->self.id);
    pack_put_text(out, "role", joined->self.role);
    pack_put_uint(out, "rights", joined->rights);
    pack_put_uuid(out, "boot", &joined->boot);
    pack_put_key(out, "limits");
    wire_limits_write(out, &joined->limits);
    wire_put_array(out, "capabilities", joined->capabilities);
    pack_put_uint(out, "files_count", joined->files_count);
    wire_put_array(out, "participants", joined->participants);
    pack_put_uint(out, "participants_next", joined->participants_next);
    pack_put_uint(out, "token_expires_at", joined->token_expires_at);
}

/* The failure of a map inside the message becomes the message's own. */
static void wire_fields_join(struct pack_fields *fields, const char *key, const struct pack_fields *inner) {
    if (inner->status != STATUS_OK)
        pack_field_fail(fields, inner->field != NULL ? inner->field : key, inner->what);
}

static void wire_joined_read_user(struct pack_fields *fields, struct bytes user, struct wire_participant *out) {
    if (fields->status != STATUS_OK)
        return;
    struct pack_fields inner = pack_fields(user);
    pack_field_uuid(&inner, "id", PACK_REQUIRED, &out->user);
    pack_field_text(&inner, "username", PACK_REQUIRED, WIRE_NAME_BYTES_MAX, &out->username);
    pack_field_text(&inner, "display_name", PACK_REQUIRED, WIRE_NAME_BYTES_MAX, &out->display_name);
    wire_fields_join(fields, "user", &inner);
}

struct pack_fields wire_joined_read(struct bytes result, struct wire_joined *out) {
    *out = (struct wire_joined){ 0 };
    struct bytes user = { NULL, 0 };
    struct bytes limits = { NULL, 0 };
    uint64_t rights = 0;
    struct pack_fields fields = pack_fields(result);
    pack_field_uint(&fields, "protocol", PACK_REQUIRED, UINT32_MAX, &out->protocol);
    pack_field_uuid(&fields, "session", PACK_REQUIRED, &out->session);
    pack_field_map(&fields, "user", PACK_REQUIRED, &user);
    pack_field_uint(&fields, "participant", PACK_REQUIRED, PACK_UINT53_MAX, &out->self.id);
    pack_field_text(&fields, "role", PACK_REQUIRED, WIRE_ROLE_BYTES_MAX, &out->self.role);
    pack_field_uint(&fields, "rights", PACK_REQUIRED, UINT32_MAX, &rights);
    pack_field_uuid(&fields, "boot", PACK_REQUIRED, &out->boot);
    pack_field_map(&fields, "limits", PACK_REQUIRED, &limits);
    pack_field_array(&fields, "capabilities", PACK_OPTIONAL, &out->capabilities);
    pack_field_uint(&fields, "files_count", PACK_OPTIONAL, PACK_UINT53_MAX, &out->files_count);
    pack_field_array(&fields, "participants", PACK_OPTIONAL, &out->participants);
    pack_field_uint(&fields, "participants_next", PACK_OPTIONAL, PACK_UINT53_MAX, &out->participants_next);
    pack_field_uint(&fields, "token_expires_at", PACK_OPTIONAL, PACK_UINT53_MAX, &out->token_expires_at);
    out->rights = (uint32_t)rights;
    wire_joined_read_user(&fields, user, &out->self);
    if (fields.status == STATUS_OK) {
        struct pack_fields inner = wire_limits_read(limits, &out->limits);
        wire_fields_join(&fields, "limits", &inner);
    }
    return fields;
}

/* ---- session.participants ---- */

void wire_page_write(struct bytes_writer *out, const struct wire_page *page) {
    pack_write_map(out, 2);
    pack_put_uint(out, "after", page->after);
    pack_put_uint(out, "limit", page->limit);
}

struct pack_fields wire_page_read(struct bytes params, struct wire_page *out) {
    *out = (struct wire_page){ .limit = WIRE_PARTICIPANTS_PAGE_DEFAULT };
    struct pack_fields fields = pack_fields(params);
    pack_field_uint(&fields, "after", PACK_OPTIONAL, PACK_UINT53_MAX, &out->after);
    pack_field_uint(&fields, "limit", PACK_OPTIONAL, WIRE_PARTICIPANTS_PAGE_MAX, &out->limit);
    if (fields.status == STATUS_OK && out->limit == 0)
        pack_field_fail(&fields, "limit", "must be at least 1");
    return fields;
}

void wire_participants_page_write(struct bytes_writer *out, const struct wire_participants_page *page) {
    pack_write_map(out, 2);
    wire_put_array(out, "participants", page->participants);
    pack_put_uint(out, "next", page->next);
}

struct pack_fields wire_participants_page_read(struct bytes result, struct wire_participants_page *out) {
    *out = (struct wire_participants_page){ 0 };
    struct pack_fields fields = pack_fields(result);
    pack_field_array(&fields, "participants", PACK_REQUIRED, &out->participants);
    pack_field_uint(&fields, "next", PACK_OPTIONAL, PACK_UINT53_MAX, &out->next);
    return fields;
}

/* ---- session.participant ---- */

static const char *const wire_participant_words[] = {
    [WIRE_PARTICIPANT_JOINED] = "joined", [WIRE_PARTICIPANT_LEFT] = "left", [WIRE_PARTICIPANT_CHANGED] = "changed"
};

enum { WIRE_PARTICIPANT_WORDS = sizeof wire_participant_words / sizeof wire_participant_words[0], WIRE_EVENT_BYTES_MAX = 32 };

void wire_participant_event_write(struct bytes_writer *out, const struct wire_participant_event *event) {
    pack_write_map(out, event->reason.data != NULL ? 3 : 2);
    pack_put_string(out, "event", wire_participant_words[event->what]);
    pack_put_key(out, "participant");
    wire_participant_write(out, &event->participant);
    if (event->reason.data != NULL)
        pack_put_text(out, "reason", event->reason);
}

struct pack_fields wire_participant_event_read(struct bytes params, struct wire_participant_event *out) {
    *out = (struct wire_participant_event){ .what = WIRE_PARTICIPANT_CHANGED };
    struct bytes word = { NULL, 0 };
    struct bytes participant = { NULL, 0 };
    struct pack_fields fields = pack_fields(params);
    pack_field_text(&fields, "event", PACK_REQUIRED, WIRE_EVENT_BYTES_MAX, &word);
    pack_field_map(&fields, "participant", PACK_REQUIRED, &participant);
    pack_field_text(&fields, "reason", PACK_OPTIONAL, WIRE_REASON_BYTES_MAX, &out->reason);
    if (fields.status != STATUS_OK)
        return fields;
    for (size_t i = 0; i < WIRE_PARTICIPANT_WORDS; i++)
        if (bytes_equal_text(word, wire_participant_words[i]))
            out->what = (enum wire_participant_what)i;
    struct pack_fields inner = wire_participant_read(participant, &out->participant);
    wire_fields_join(&fields, "participant", &inner);
    return fields;
}

/* ---- session.closed ---- */

void wire_session_closed_write(struct bytes_writer *out, const struct wire_session_closed *closed) {
    pack_write_map(out, 2);
    pack_put_text(out, "reason", wire_text_or_empty(closed->reason));
    pack_put_text(out, "message", wire_text_or_empty(closed->message));
}

struct pack_fields wire_session_closed_read(struct bytes params, struct wire_session_closed *out) {
    *out = (struct wire_session_closed){ .reason = bytes_text(""), .message = bytes_text("") };
    struct pack_fields fields = pack_fields(params);
    pack_field_text(&fields, "reason", PACK_OPTIONAL, WIRE_REASON_BYTES_MAX, &out->reason);
    pack_field_text(&fields, "message", PACK_OPTIONAL, WIRE_REASON_BYTES_MAX, &out->message);
    return fields;
}

/* ---- auth ---- */

void wire_token_write(struct bytes_writer *out, const struct wire_token *token) {
    pack_write_map(out, 2);
    pack_put_text(out, "token", token->token);
    pack_put_uint(out, "expires_at", token->expires_at);
}

struct pack_fields wire_token_read(struct bytes result, struct wire_token *out) {
    *out = (struct wire_token){ 0 };
    struct pack_fields fields = pack_fields(result);
    pack_field_text(&fields, "token", PACK_REQUIRED, WIRE_CREDENTIAL_BYTES_MAX, &out->token);
    pack_field_uint(&fields, "expires_at", PACK_OPTIONAL, PACK_UINT53_MAX, &out->expires_at);
    return fields;
}

void wire_token_expiring_write(struct bytes_writer *out, uint64_t expires_at) {
    pack_write_map(out, 1);
    pack_put_uint(out, "expires_at", expires_at);
}

struct pack_fields wire_token_expiring_read(struct bytes params, uint64_t *out) {
    struct pack_fields fields = pack_fields(params);
    pack_field_uint(&fields, "expires_at", PACK_REQUIRED, PACK_UINT53_MAX, out);
    return fields;
}
