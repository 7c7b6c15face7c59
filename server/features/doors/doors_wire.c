/* doors_wire.c — one _write and one _read per message. */
#include "features/doors/doors_wire.h"

const struct wire_method doors_methods[] = {
    /* name            from              right needed  per second */
    { "doors.allow", WIRE_FROM_CLIENT, RIGHT_ADMIN, 5 },
    { "doors.token", WIRE_FROM_CLIENT, RIGHT_READ, 5 },
    { "doors.revoke", WIRE_FROM_CLIENT, RIGHT_READ, 5 },
    { 0 },
};

void doors_allow_write(struct bytes_writer *out, bool tokens) {
    pack_write_map(out, 1);
    pack_put_bool(out, "tokens", tokens);
}

struct pack_fields doors_allow_read(struct bytes params, bool *out) {
    *out = false;
    struct pack_fields fields = pack_fields(params);
    pack_field_bool(&fields, "tokens", PACK_REQUIRED, out);
    return fields;
}

void doors_token_write(struct bytes_writer *out, const void *token) {
    const struct bytes *text = token;
    pack_write_map(out, 1);
    pack_put_text(out, "token", *text);
}

struct pack_fields doors_token_read(struct bytes result, struct bytes *out) {
    *out = bytes_of(NULL, 0);
    struct pack_fields fields = pack_fields(result);
    pack_field_text(&fields, "token", PACK_REQUIRED, 512, out);
    return fields;
}

void doors_revoked_write(struct bytes_writer *out, const void *revoked) {
    const uint64_t *count = revoked;
    pack_write_map(out, 1);
    pack_put_uint(out, "revoked", *count);
}

struct pack_fields doors_revoked_read(struct bytes result, uint64_t *out) {
    *out = 0;
    struct pack_fields fields = pack_fields(result);
    pack_field_uint(&fields, "revoked", PACK_REQUIRED, PACK_UINT53_MAX, out);
    return fields;
}
