/* crdt_wasm.c — the engine for hosts of WebAssembly: text documents behind numbers and pointers. crdt.mjs makes objects of it.
 *
 * Bytes go in through memory from wasm_alloc(). What a call answers besides its status stands in one buffer, valid until the next
 * call: wasm_out_data(), wasm_out_size(). Client ids are doubles, which hold 53 bits. */
#include "crdt/crdt.h"

#define EXPORT(name) __attribute__((export_name(#name)))

static struct bytes_writer out;

static struct bytes_writer *out_begin(void) {
    if (out.mem == NULL)
        bytes_writer_init(&out, &mem_default, SIZE_MAX);
    bytes_writer_reset(&out);
    return &out;
}

EXPORT(wasm_alloc) void *wasm_alloc(size_t size) {
    return mem_alloc(&mem_default, size == 0 ? 1 : size);
}

EXPORT(wasm_free) void wasm_free(void *block, size_t size) {
    mem_free(&mem_default, block, size == 0 ? 1 : size);
}

EXPORT(wasm_out_data) const uint8_t *wasm_out_data(void) {
    return out.data;
}

EXPORT(wasm_out_size) size_t wasm_out_size(void) {
    return out.size;
}

EXPORT(wasm_status_name) const char *wasm_status_name(int status) {
    return status_name((enum status)status);
}

/* NULL: the client id is none, or there is no memory. */
EXPORT(wasm_doc_create) struct crdt_doc *wasm_doc_create(double client_id, int gc) {
    struct crdt_doc *doc = NULL;
    if (client_id < 0)
        return NULL;
    crdt_doc_create(&(struct crdt_doc_options){ .client_id = (uint64_t)client_id, .gc = gc != 0 }, &doc);
    return doc;
}

EXPORT(wasm_doc_destroy) void wasm_doc_destroy(struct crdt_doc *doc) {
    crdt_doc_destroy(doc);
}

/* NULL: the name is not UTF-8, or there is no memory. */
EXPORT(wasm_doc_root) struct crdt_type *wasm_doc_root(struct crdt_doc *doc, const uint8_t *name, size_t size) {
    struct crdt_type *type = NULL;
    crdt_doc_root(doc, bytes_of(name, size), &type);
    return type;
}

/* Edits leave their update in the buffer. */
static int committed(struct crdt_txn *txn, enum status status) {
    enum status written = crdt_txn_commit(txn, out_begin(), NULL);
    return status == STATUS_OK ? written : status;
}

EXPORT(wasm_text_insert)
int wasm_text_insert(struct crdt_doc *doc, struct crdt_type *text, uint32_t index, const uint8_t *utf8, size_t size) {
    struct crdt_txn *txn = crdt_txn_begin(doc);
    return committed(txn, crdt_text_insert(txn, text, index, bytes_of(utf8, size)));
}

EXPORT(wasm_text_delete) int wasm_text_delete(struct crdt_doc *doc, struct crdt_type *text, uint32_t index, uint32_t length) {
    struct crdt_txn *txn = crdt_txn_begin(doc);
    return committed(txn, crdt_text_delete(txn, text, index, length));
}

EXPORT(wasm_text_write) int wasm_text_write(struct crdt_doc *doc, struct crdt_type *text) {
    return crdt_text_write(doc, text, out_begin());
}

/* Leaves what became new in the buffer. */
EXPORT(wasm_update_apply) int wasm_update_apply(struct crdt_doc *doc, const uint8_t *update, size_t size) {
    struct crdt_txn *txn = crdt_txn_begin(doc);
    return committed(txn, crdt_update_apply(txn, bytes_of(update, size), NULL));
}

EXPORT(wasm_update_encode) int wasm_update_encode(struct crdt_doc *doc) {
    return crdt_update_encode(doc, out_begin());
}
