/* json_body.c — small objects through jansson. The only file that includes it. */
#include "wire/json_body.h"

#include <jansson.h>
#include <stdio.h>

struct json_body {
    json_t *object;
};

/* Takes the reference to `object`. */
static enum status json_body_create(json_t *object, struct json_body **out) {
    struct json_body *body = mem_zalloc(&mem_default, sizeof *body);
    if (body == NULL) {
        json_decref(object);
        return STATUS_NO_MEMORY;
    }
    body->object = object;
    *out = body;
    return STATUS_OK;
}

enum status json_body_parse(struct bytes text, struct json_body **out) {
    json_error_t error;
    if (text.size == 0)
        return STATUS_MALFORMED;
    json_t *object = json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES, &error);
    if (object == NULL)
        return json_error_code(&error) == json_error_out_of_memory ? STATUS_NO_MEMORY : STATUS_MALFORMED;
    if (!json_is_object(object)) {
        json_decref(object);
        return STATUS_MALFORMED;
    }
    return json_body_create(object, out);
}

void json_body_destroy(struct json_body *body) {
    if (body == NULL)
        return;
    json_decref(body->object);
    mem_free(&mem_default, body, sizeof *body);
}

static json_t *json_body_member(const struct json_body *body, const char *key) {
    json_t *member = json_object_get(body->object, key);
    return json_is_null(member) ? NULL : member;
}

enum status json_body_text(const struct json_body *body, const char *key, size_t size_max, struct bytes *out) {
    json_t *member = json_body_member(body, key);
    if (member == NULL)
        return STATUS_NOT_FOUND;
    if (!json_is_string(member))
        return STATUS_MALFORMED;
    struct bytes text = bytes_of(json_string_value(member), json_string_length(member));
    if (text.size > size_max)
        return STATUS_TOO_BIG;
    *out = text;
    return STATUS_OK;
}

enum status json_body_uint(const struct json_body *body, const char *key, uint64_t max, uint64_t *out) {
    json_t *member = json_body_member(body, key);
    if (member == NULL)
        return STATUS_NOT_FOUND;
    if (!json_is_integer(member))
        return STATUS_MALFORMED;
    json_int_t value = json_integer_value(member);
    if (value < 0 || (uint64_t)value > max)
        return STATUS_TOO_BIG;
    *out = (uint64_t)value;
    return STATUS_OK;
}

enum status json_body_bool(const struct json_body *body, const char *key, bool *out) {
    json_t *member = json_body_member(body, key);
    if (member == NULL)
        return STATUS_NOT_FOUND;
    if (!json_is_boolean(member))
        return STATUS_MALFORMED;
    *out = json_boolean_value(member);
    return STATUS_OK;
}

enum status json_body_object(const struct json_body *body, const char *key, struct json_body **out) {
    json_t *member = json_body_member(body, key);
    if (member == NULL)
        return STATUS_NOT_FOUND;
    return json_is_object(member) ? json_body_create(json_incref(member), out) : STATUS_MALFORMED;
}

/* ---- writing ---- */

static void json_quote(struct bytes_writer *out, struct bytes text) {
    static const char digits[] = "0123456789abcdef";
    bytes_write_u8(out, '"');
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        if (byte == '"' || byte == '\\') {
            bytes_write_u8(out, '\\');
            bytes_write_u8(out, byte);
        } else if (byte < 0x20) {
            const char escape[] = { '\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 0xf] };
            bytes_write(out, bytes_of(escape, sizeof escape));
        } else {
            bytes_write_u8(out, byte);
        }
    }
    bytes_write_u8(out, '"');
}

static void json_key(struct json_writer *writer, const char *key) {
    if (writer->has_member)
        bytes_write_u8(writer->out, ',');
    writer->has_member = true;
    json_quote(writer->out, bytes_text(key));
    bytes_write_u8(writer->out, ':');
}

struct json_writer json_write_open(struct bytes_writer *out) {
    bytes_write_u8(out, '{');
    return (struct json_writer){ .out = out };
}

void json_write_text(struct json_writer *writer, const char *key, struct bytes value) {
    json_key(writer, key);
    json_quote(writer->out, value);
}

void json_write_string(struct json_writer *writer, const char *key, const char *value) {
    json_write_text(writer, key, bytes_text(value));
}

void json_write_uint(struct json_writer *writer, const char *key, uint64_t value) {
    char digits[24];
    int size = snprintf(digits, sizeof digits, "%llu", (unsigned long long)value);
    json_key(writer, key);
    bytes_write(writer->out, bytes_of(digits, (size_t)size));
}

void json_write_bool(struct json_writer *writer, const char *key, bool value) {
    json_key(writer, key);
    bytes_write(writer->out, bytes_text(value ? "true" : "false"));
}

void json_write_close(struct json_writer *writer) {
    bytes_write_u8(writer->out, '}');
}
