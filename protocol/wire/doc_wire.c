/* doc_wire.c — encode and decode the documents' messages; fields in the order of PROTOCOL.md. */
#include "wire/doc_wire.h"

enum { WIRE_WORD_BYTES_MAX = 32, WIRE_MESSAGE_BYTES_MAX = 240 };

const struct wire_method wire_doc_methods[] = {
    /* name           from               right       per second */
    { "doc.open", WIRE_FROM_CLIENT, RIGHT_READ, 50 },
    { "doc.close", WIRE_FROM_CLIENT, RIGHT_READ, 50 },
    { "doc.rejected", WIRE_FROM_SERVER, RIGHT_READ, 0 },
    { "doc.gone", WIRE_FROM_SERVER, 0, 0 },
    { 0 },
};

/* The place of a word in a list; `count` when it is not there. */
static size_t wire_word_find(const char *const words[], size_t count, struct bytes word) {
    size_t i = 0;
    while (i < count && !bytes_equal_text(word, words[i]))
        i++;
    return i;
}

/* ---- doc.open ---- */

void wire_doc_open_write(struct bytes_writer *out, const struct wire_doc_open *open) {
    pack_write_map(out, open->has_epoch ? 3 : 2);
    if (open->path.data != NULL)
        pack_put_text(out, "path", open->path);
    else
        pack_put_uuid(out, "file", &open->file);
    if (open->has_epoch)
        pack_put_uint(out, "epoch", open->epoch);
    pack_put_uint(out, "client_id", open->client_id);
}

struct pack_fields wire_doc_open_read(struct bytes params, struct wire_doc_open *out) {
    *out = (struct wire_doc_open){ 0 };
    uint64_t epoch = UINT64_MAX;
    struct pack_fields fields = pack_fields(params);
    pack_field_uuid(&fields, "file", PACK_OPTIONAL, &out->file);
    pack_field_text(&fields, "path", PACK_OPTIONAL, WIRE_PATH_BYTES_MAX, &out->path);
    pack_field_uint(&fields, "epoch", PACK_OPTIONAL, PACK_UINT53_MAX, &epoch);
    pack_field_uint(&fields, "client_id", PACK_REQUIRED, PACK_UINT53_MAX, &out->client_id);
    out->has_epoch = epoch != UINT64_MAX;
    out->epoch = out->has_epoch ? epoch : 0;
    if (uuid_is_nil(&out->file) == (out->path.data == NULL))
        pack_field_fail(&fields, "file", "or path must name the file, and only one of them");
    if (out->client_id == 0)
        pack_field_fail(&fields, "client_id", "must be above 0");
    return fields;
}

static const char *const wire_access_words[] = { [WIRE_ACCESS_READ] = "read", [WIRE_ACCESS_WRITE] = "write" };

void wire_doc_opened_write(struct bytes_writer *out, const struct wire_doc_opened *opened) {
    pack_write_map(out, 7);
    pack_put_uint(out, "doc", opened->doc);
    pack_put_uuid(out, "file", &opened->file);
    pack_put_text(out, "path", opened->path);
    pack_put_uint(out, "epoch", opened->epoch);
    pack_put_string(out, "access", wire_access_words[opened->access]);
    pack_put_text(out, "root", opened->root);
    pack_put_bin(out, "state_vector", opened->state_vector);
}

struct pack_fields wire_doc_opened_read(struct bytes result, struct wire_doc_opened *out) {
    *out = (struct wire_doc_opened){ 0 };
    struct bytes access = { NULL, 0 };
    struct pack_fields fields = pack_fields(result);
    pack_field_uint(&fields, "doc", PACK_REQUIRED, PACK_UINT53_MAX, &out->doc);
    pack_field_uuid(&fields, "file", PACK_REQUIRED, &out->file);
    pack_field_text(&fields, "path", PACK_REQUIRED, WIRE_PATH_BYTES_MAX, &out->path);
    pack_field_uint(&fields, "epoch", PACK_REQUIRED, PACK_UINT53_MAX, &out->epoch);
    pack_field_text(&fields, "access", PACK_REQUIRED, WIRE_WORD_BYTES_MAX, &access);
    pack_field_text(&fields, "root", PACK_REQUIRED, WIRE_ROOT_BYTES_MAX, &out->root);
    pack_field_bin(&fields, "state_vector", PACK_REQUIRED, WIRE_STATE_VECTOR_BYTES_MAX, &out->state_vector);
    /* A word of the future gives the least: reading. */
    out->access = wire_word_find(wire_access_words, 2, access) == WIRE_ACCESS_WRITE ? WIRE_ACCESS_WRITE : WIRE_ACCESS_READ;
    return fields;
}

/* ---- doc.close ---- */

void wire_doc_close_write(struct bytes_writer *out, uint64_t doc) {
    pack_write_map(out, 1);
    pack_put_uint(out, "doc", doc);
}

struct pack_fields wire_doc_close_read(struct bytes params, uint64_t *out) {
    struct pack_fields fields = pack_fields(params);
    pack_field_uint(&fields, "doc", PACK_REQUIRED, PACK_UINT53_MAX, out);
    return fields;
}

/* ---- doc.rejected ---- */

void wire_doc_rejected_write(struct bytes_writer *out, const struct wire_doc_rejected *rejected) {
    pack_write_map(out, 4);
    pack_put_uint(out, "doc", rejected->doc);
    pack_put_uint(out, "n", rejected->count);
    pack_put_string(out, "code", wire_code_word(rejected->code));
    pack_put_text(out, "message", rejected->message.data != NULL ? rejected->message : bytes_text(""));
}

struct pack_fields wire_doc_rejected_read(struct bytes params, struct wire_doc_rejected *out) {
    *out = (struct wire_doc_rejected){ .message = bytes_text("") };
    struct bytes code = { NULL, 0 };
    struct pack_fields fields = pack_fields(params);
    pack_field_uint(&fields, "doc", PACK_REQUIRED, PACK_UINT53_MAX, &out->doc);
    pack_field_uint(&fields, "n", PACK_REQUIRED, PACK_UINT53_MAX, &out->count);
    pack_field_text(&fields, "code", PACK_REQUIRED, WIRE_FAULT_WORD_MAX, &code);
    pack_field_text(&fields, "message", PACK_OPTIONAL, WIRE_MESSAGE_BYTES_MAX, &out->message);
    out->code = wire_code_of_word(code);
    return fields;
}

/* ---- doc.gone ---- */

static const char *const wire_gone_words[WIRE_GONE_COUNT] = {
    [WIRE_GONE_DELETED] = "deleted",         [WIRE_GONE_EPOCH] = "epoch",
    [WIRE_GONE_DENIED] = "denied",           [WIRE_GONE_QUARANTINED] = "quarantined",
    [WIRE_GONE_UNAVAILABLE] = "unavailable",
};

void wire_doc_gone_write(struct bytes_writer *out, const struct wire_doc_gone *gone) {
    pack_write_map(out, gone->reason == WIRE_GONE_EPOCH ? 4 : 3);
    pack_put_uint(out, "doc", gone->doc);
    pack_put_uuid(out, "file", &gone->file);
    pack_put_string(out, "reason", wire_gone_words[gone->reason]);
    if (gone->reason == WIRE_GONE_EPOCH)
        pack_put_uint(out, "epoch", gone->epoch);
}

struct pack_fields wire_doc_gone_read(struct bytes params, struct wire_doc_gone *out) {
    *out = (struct wire_doc_gone){ 0 };
    struct bytes reason = { NULL, 0 };
    struct pack_fields fields = pack_fields(params);
    pack_field_uint(&fields, "doc", PACK_REQUIRED, PACK_UINT53_MAX, &out->doc);
    pack_field_uuid(&fields, "file", PACK_REQUIRED, &out->file);
    pack_field_text(&fields, "reason", PACK_REQUIRED, WIRE_WORD_BYTES_MAX, &reason);
    pack_field_uint(&fields, "epoch", PACK_OPTIONAL, PACK_UINT53_MAX, &out->epoch);
    out->reason = (enum wire_gone)wire_word_find(wire_gone_words, WIRE_GONE_COUNT, reason);
    return fields;
}
