/* chat_wire.c — one _write and one _read per message. */
#include "features/chat/chat_wire.h"

const struct wire_method chat_methods[] = {
    /* name           from              right needed  per second */
    { "chat.send", WIRE_FROM_CLIENT, RIGHT_CHAT, 5 },
    { "chat.history", WIRE_FROM_CLIENT, RIGHT_READ, 5 },
    { "chat.posted", WIRE_FROM_SERVER, RIGHT_READ, 0 },
    { 0 },
};

void chat_send_write(struct bytes_writer *out, const struct chat_send *send) {
    pack_write_map(out, 3);
    pack_put_uuid(out, "client_msg_id", &send->client_msg_id);
    pack_put_text(out, "text", send->text);
    if (uuid_is_nil(&send->reply_to))
        pack_put_nil(out, "reply_to");
    else
        pack_put_uuid(out, "reply_to", &send->reply_to);
}

struct pack_fields chat_send_read(struct bytes params, struct chat_send *out) {
    *out = (struct chat_send){ 0 };
    struct pack_fields fields = pack_fields(params);
    pack_field_uuid(&fields, "client_msg_id", PACK_REQUIRED, &out->client_msg_id);
    pack_field_text(&fields, "text", PACK_REQUIRED, CHAT_TEXT_BYTES_MAX, &out->text);
    pack_field_uuid(&fields, "reply_to", PACK_OPTIONAL, &out->reply_to);
    if (fields.status == STATUS_OK && out->text.size == 0)
        pack_field_fail(&fields, "text", "is empty");
    if (fields.status == STATUS_OK && memchr(out->text.data, 0, out->text.size) != NULL)
        pack_field_fail(&fields, "text", "holds a NUL character");
    return fields;
}

void chat_message_write(struct bytes_writer *out, const void *message) {
    const struct chat_message *chat = message;
    pack_write_map(out, 8);
    pack_put_uuid(out, "id", &chat->id);
    pack_put_uuid(out, "client_msg_id", &chat->client_msg_id);
    pack_put_uint(out, "seq", chat->seq);
    pack_put_uint(out, "at", chat->at);
    pack_put_uuid(out, "user", &chat->user);
    pack_put_text(out, "name", chat->name);
    pack_put_text(out, "text", chat->text);
    if (uuid_is_nil(&chat->reply_to))
        pack_put_nil(out, "reply_to");
    else
        pack_put_uuid(out, "reply_to", &chat->reply_to);
}

struct pack_fields chat_message_read(struct bytes value, struct chat_message *out) {
    *out = (struct chat_message){ 0 };
    struct pack_fields fields = pack_fields(value);
    pack_field_uuid(&fields, "id", PACK_REQUIRED, &out->id);
    pack_field_uuid(&fields, "client_msg_id", PACK_OPTIONAL, &out->client_msg_id);
    pack_field_uint(&fields, "seq", PACK_REQUIRED, PACK_UINT53_MAX, &out->seq);
    pack_field_uint(&fields, "at", PACK_REQUIRED, PACK_UINT53_MAX, &out->at);
    pack_field_uuid(&fields, "user", PACK_OPTIONAL, &out->user);
    pack_field_text(&fields, "name", PACK_OPTIONAL, 1024, &out->name);
    pack_field_text(&fields, "text", PACK_REQUIRED, 65536, &out->text);
    pack_field_uuid(&fields, "reply_to", PACK_OPTIONAL, &out->reply_to);
    return fields;
}

void chat_history_write(struct bytes_writer *out, const struct chat_history *history) {
    pack_write_map(out, 2);
    pack_put_uint(out, "before", history->before);
    pack_put_uint(out, "limit", history->limit);
}

struct pack_fields chat_history_read(struct bytes params, struct chat_history *out) {
    *out = (struct chat_history){ .limit = CHAT_PAGE_DEFAULT };
    struct pack_fields fields = pack_fields(params);
    pack_field_uint(&fields, "before", PACK_OPTIONAL, PACK_UINT53_MAX, &out->before);
    pack_field_uint(&fields, "limit", PACK_OPTIONAL, CHAT_PAGE_MAX, &out->limit);
    if (fields.status == STATUS_OK && out->limit == 0)
        pack_field_fail(&fields, "limit", "must be at least 1");
    return fields;
}

void chat_page_write(struct bytes_writer *out, const void *page) {
    const struct chat_page *chat = page;
    pack_write_map(out, 2);
    pack_put_key(out, "messages");
    pack_write_raw(out, chat->messages);
    pack_put_bool(out, "more", chat->more);
}

struct pack_fields chat_page_read(struct bytes result, struct chat_page *out) {
    *out = (struct chat_page){ 0 };
    struct pack_fields fields = pack_fields(result);
    pack_field_array(&fields, "messages", PACK_REQUIRED, &out->messages);
    pack_field_bool(&fields, "more", PACK_OPTIONAL, &out->more);
    return fields;
}
