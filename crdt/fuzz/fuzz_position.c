/* fuzz_position.c — any bytes as a relative position of one small document.
 *
 *   first byte   1: the document collects; 2: its text has an index of positions
 *
 * What is taken is told again in a form that leads to the same place, and a place in a text moves with the text. */
#include "crdt/crdt.h"
#include "expect.h"
#include "mutate.h"
#include "src/doc_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { POSITION_GC = 1, POSITION_INDEX = 2 };

#ifdef VIBESYNC_FUZZING
/* Half of the time by the grammar: kind, a unit or a name, association. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed) {
    static const char *const names[] = { "t", "a", "x", "", "never", "\xc3\xa9" };
    struct chance chance = { seed };
    struct bytes_writer out;
    if (below(&chance, 2) == 0)
        return LLVMFuzzerMutate(data, size, size_max);
    bytes_writer_init(&out, &mem_default, size_max);
    uint8_t kind = (uint8_t)below(&chance, 3);
    bytes_write_u8(&out, (uint8_t)below(&chance, 4));
    varint_write(&out, kind);
    if (kind == 1) {
        varint_write_view(&out, bytes_text(names[below(&chance, sizeof names / sizeof *names)]));
    } else {
        varint_write(&out, below(&chance, 8) == 0 ? mutate_number(&chance, 300) : below(&chance, 2) == 0 ? 1 : 300);
        varint_write(&out, below(&chance, 8) == 0 ? mutate_number(&chance, 20) : below(&chance, 150));
    }
    if (below(&chance, 8) != 0)
        varint_write_signed(&out, below(&chance, 2) == 0, below(&chance, 2) == 0 ? below(&chance, 2) : mutate_number(&chance, 1));
    size_t result = out.status == STATUS_OK ? out.size : 0;
    if (result > 0)
        memcpy(data, out.data, result);
    bytes_writer_finish(&out);
    return result > 0 ? result : LLVMFuzzerMutate(data, size, size_max);
}
#endif

/* Two writers; a text in pieces, with marks, embeds, pairs and holes; a list with types in it, living and deleted; an element with
 * attributes. */
static struct crdt_doc *make_doc(uint8_t flags, struct crdt_type **text) {
    struct crdt_doc *doc;
    struct crdt_type *array;
    struct crdt_type *nested;
    struct crdt_type *gone;
    struct crdt_type *xml;
    struct crdt_type *element;
    struct crdt_member bold = { bytes_text("b"), crdt_bool(true) };
    struct crdt_value values[] = { crdt_number(1), crdt_string(bytes_text("x")), crdt_null() };
    must(crdt_doc_create(&(struct crdt_doc_options){ .client_id = 1, .gc = (flags & POSITION_GC) != 0 }, &doc));
    must(crdt_doc_root(doc, bytes_text("t"), text));
    must(crdt_doc_root(doc, bytes_text("a"), &array));
    must(crdt_doc_root(doc, bytes_text("x"), &xml));
    struct crdt_txn *txn = crdt_txn_begin(doc);
    must(crdt_text_insert(txn, *text, 0, bytes_text("hello 😀 world")));
    must(crdt_array_insert(txn, array, 0, values, 3));
    must(crdt_array_insert_type(txn, array, 1, CRDT_TYPE_TEXT, bytes_text(""), &nested));
    must(crdt_text_insert(txn, nested, 0, bytes_text("inner")));
    must(crdt_array_insert_type(txn, array, 0, CRDT_TYPE_TEXT, bytes_text(""), &gone));
    must(crdt_text_insert(txn, gone, 0, bytes_text("gone")));
    must(crdt_array_insert_type(txn, xml, 0, CRDT_TYPE_XML_ELEMENT, bytes_text("p"), &element));
    must(crdt_map_set(txn, element, bytes_text("id"), &values[1]));
    must(crdt_map_set(txn, element, bytes_text("id"), &values[0]));
    must(crdt_txn_commit(txn, NULL, NULL));
    must(crdt_doc_set_client_id(doc, 300));
    txn = crdt_txn_begin(doc);
    for (uint64_t i = 0; i < ((flags & POSITION_INDEX) != 0 ? 60 : 2); i++)
        must(crdt_text_insert(txn, *text, i * 7 % crdt_text_length(*text), bytes_text("!?")));
    must(crdt_text_format(txn, *text, 2, 6, &(struct crdt_object_value){ &bold, 1 }));
    must(crdt_text_insert_embed(txn, *text, 5, &values[0], NULL));
    must(crdt_text_delete(txn, *text, 1, 5));
    must(crdt_array_delete(txn, array, 0, 1));
    must(crdt_txn_commit(txn, NULL, NULL));
    return doc;
}

static void check_resolved(struct crdt_doc *doc, struct crdt_type *text, struct bytes bytes, const struct crdt_position *position) {
    struct bytes_writer told;
    struct crdt_position again;
    uint64_t length = crdt_type_length(position->type);
    bytes_writer_init(&told, &mem_default, SIZE_MAX);
    /* The unit of a key is a place of its own, as Yjs has it, beside the list. */
    expect(position->index <= length || (length == 0 && position->index == 1), "behind the end");
    expect(crdt_position_encode(doc, position->type, position->index, position->assoc, &told) == STATUS_OK, "cannot be said again");
    expect(crdt_position_resolve(doc, bytes_written(&told), &again) == STATUS_OK, "said again it is none");
    expect(again.type == position->type && again.assoc == position->assoc, "said again it is another");
    expect(again.index == position->index || position->index > length, "said again it is elsewhere");
    if (position->type == text && position->index > 0) {
        struct crdt_txn *txn = crdt_txn_begin(doc);
        must(crdt_text_insert(txn, text, 0, bytes_text("abc")));
        must(crdt_txn_commit(txn, NULL, NULL));
        expect(crdt_position_resolve(doc, bytes, &again) == STATUS_OK && again.index == position->index + 3, "left behind");
        expect(crdt_position_resolve(doc, bytes_written(&told), &again) == STATUS_OK, "lost");
        expect(again.index == position->index + 3, "what was said again is left behind");
    }
    bytes_writer_finish(&told);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    struct bytes bytes = bytes_of(data + 1, size - 1);
    struct crdt_type *text;
    struct crdt_doc *doc = make_doc(data[0], &text);
    struct crdt_position position;
    const char *what = "";
    if (crdt_position_resolve(doc, bytes, &position) == STATUS_OK)
        check_resolved(doc, text, bytes, &position);
    expect(doc_check(doc, &what) == 0, what);
    crdt_doc_destroy(doc);
    return 0;
}
