/* edit.c — see edit.h and crdt/edit.h. */
#include "edit.h"

#include "any.h"
#include "ground/utf.h"
#include "text.h"
#include "value_write.h"

/* ---- contents ---- */

void edit_parts_init(struct edit_parts *parts, const struct crdt_doc *doc) {
    *parts = (struct edit_parts){ .count = 0 };
    bytes_writer_init(&parts->bytes, doc->options.mem, UINT32_MAX);
}

void edit_parts_finish(struct edit_parts *parts) {
    mem_free(parts->bytes.mem, parts->list, parts->capacity * sizeof *parts->list);
    bytes_writer_finish(&parts->bytes);
}

/* The bytes from `from` on are a new content. */
static enum status edit_add(struct edit_parts *parts, uint8_t kind, uint64_t length, size_t from) {
    if (parts->bytes.status != STATUS_OK)
        return parts->bytes.status;
    if (parts->count == parts->capacity) {
        size_t capacity = parts->capacity == 0 ? 4 : parts->capacity * 2;
        struct edit_part *list = mem_resize(parts->bytes.mem, parts->list, parts->capacity * sizeof *list, capacity * sizeof *list);
        if (list == NULL)
            return STATUS_NO_MEMORY;
        parts->list = list;
        parts->capacity = capacity;
    }
    assert(parts->list != NULL);
    parts->list[parts->count++] = (struct edit_part){ kind, length, from, parts->bytes.size - from };
    return STATUS_OK;
}

static enum status edit_add_subdoc(struct edit_parts *parts, const struct crdt_value *value) {
    static const struct crdt_value no_options = { .kind = CRDT_OBJECT };
    const struct crdt_value *options = value->subdoc.options == NULL ? &no_options : value->subdoc.options;
    size_t from = parts->bytes.size;
    if (!utf_check(value->subdoc.guid, NULL) || options->kind == CRDT_UNDEFINED || options->kind == CRDT_NULL)
        return STATUS_MALFORMED;
    varint_write_view(&parts->bytes, value->subdoc.guid);
    enum status status = value_write_any(&parts->bytes, options);
    return status == STATUS_OK ? edit_add(parts, CONTENT_DOC, 1, from) : status;
}

enum status edit_add_value(struct edit_parts *parts, const struct crdt_value *value) {
    size_t from = parts->bytes.size;
    if (value->kind == CRDT_SUBDOC)
        return edit_add_subdoc(parts, value);
    if (value->kind == CRDT_BYTES) {
        bytes_write(&parts->bytes, value->bytes);
        return edit_add(parts, CONTENT_BINARY, 1, from);
    }
    enum status status = value_write_any(&parts->bytes, value);
    if (status != STATUS_OK)
        return status;
    struct edit_part *last = parts->count == 0 ? NULL : &parts->list[parts->count - 1];
    if (last == NULL || last->kind != CONTENT_ANY)
        return edit_add(parts, CONTENT_ANY, 1, from);
    last->length++;
    last->size = parts->bytes.size - last->from;
    return STATUS_OK;
}

enum status edit_add_type(struct edit_parts *parts, enum crdt_type_kind kind, struct bytes name) {
    size_t from = parts->bytes.size;
    if ((unsigned)kind > CRDT_TYPE_XML_TEXT || !utf_check(name, NULL))
        return STATUS_MALFORMED;
    varint_write(&parts->bytes, kind);
    if (kind == CRDT_TYPE_XML_ELEMENT || kind == CRDT_TYPE_XML_HOOK)
        varint_write_view(&parts->bytes, name);
    return edit_add(parts, CONTENT_TYPE, 1, from);
}

enum status edit_add_text(struct edit_parts *parts, struct bytes utf8) {
    size_t units;
    size_t from = parts->bytes.size;
    if (!utf_check(utf8, &units))
        return STATUS_MALFORMED;
    bytes_write(&parts->bytes, utf8);
    return edit_add(parts, CONTENT_STRING, units, from);
}

enum status edit_add_embed(struct edit_parts *parts, const struct crdt_value *value) {
    struct bytes_writer json;
    bytes_writer_init(&json, parts->bytes.mem, parts->bytes.size_max);
    enum status status = value_write_json(&json, value);
    if (status == STATUS_OK) { /* without its byte count */
        struct bytes_reader reader = bytes_reader(bytes_written(&json));
        struct bytes text = { 0 };
        varint_read_view(&reader, &text);
        size_t from = parts->bytes.size;
        bytes_write(&parts->bytes, text);
        status = edit_add(parts, CONTENT_EMBED, 1, from);
    }
    bytes_writer_finish(&json);
    return status;
}

/* ---- reserving and putting ---- */

void edit_need_parts(struct edit_need *need, const struct edit_parts *parts) {
    for (size_t i = 0; i < parts->count; i++) {
        const struct edit_part *part = &parts->list[i];
        need->items += 1 + content_more_items(part->kind, part->length, part->size);
        bool ascii = part->kind == CONTENT_STRING && part->size == part->length;
        edit_need_text(need, ascii, part->size);
        need->others |= !ascii;
        need->types += part->kind == CONTENT_TYPE;
        need->units += part->length;
    }
}

/* Where there are neither keys nor nested types, nothing is deleted but what is asked for. */
static bool edit_deletes(const struct crdt_doc *doc, const struct edit_need *need) {
    const struct types *types = &doc->types;
    return need->deletes > 0 || need->keys > 0 || need->types > 0 || types->entry_count > 0 ||
           types->count - types->free_count > types->roots;
}

enum status edit_reserve(struct crdt_doc *doc, const struct edit_need *need, struct client **out) {
    assert(!doc->txn.telling);
    struct client *client;
    enum status status = doc_client_make(doc, doc->options.client_id, &client);
    if (status != STATUS_OK)
        return status;
    doc_sort_clients(doc);
    if (need->units > VARINT_MAX - client->state)
        return STATUS_RANGE;
    if (client->state + need->units > UINT32_MAX) {
        status = items_widen(&doc->items, &doc->mem);
        if (status != STATUS_OK)
            return status;
    }
    /* Contents to come may bring the first surrogate pairs, which later steps of the same edit may cut. */
    size_t items = need->items + need->splits * doc_split_items_max(doc, need->text > 0);
    status = doc_reserve_items(doc, items, need->others || need->text > 0 ? need->items : 0, client->first == NULL);
    if (status == STATUS_OK)
        status = client_text_reserve(client, &doc->mem, need->ascii, need->text);
    if (status == STATUS_OK)
        status = types_reserve(&doc->types, &doc->mem, need->types, need->keys, need->key_bytes);
    if (status == STATUS_OK && edit_deletes(doc, need))
        status = txn_reserve_deletes(&doc->txn, need->deletes > UINT64_MAX - items ? need->deletes : need->deletes + items, items,
                                     need->types > 0);
    *out = client;
    return status;
}

void edit_put(struct crdt_doc *doc, struct edit_gap *gap, uint8_t kind, uint64_t length, struct bytes content) {
    struct client *client = gap->client;
    struct placing placing = { .client = client,
                               .length = length,
                               .content = content,
                               .ascii = kind == CONTENT_STRING && content.size == length,
                               .kind = kind,
                               .left = gap->left,
                               .right = gap->right,
                               PLACING_NO_ORIGINS,
                               .parent = gap->type->index,
                               .entry = gap->entry };
    if (gap->left != ITEM_NONE) {
        const struct item *item = doc_item(doc, gap->left);
        placing.origin_client = item->client & CLIENT_NONE;
        placing.origin_clock = item_end(doc, item) - 1;
    }
    if (gap->right != ITEM_NONE) {
        const struct item *item = doc_item(doc, gap->right);
        placing.right_origin_client = item->client & CLIENT_NONE;
        placing.right_origin_clock = item_clock(doc, item);
    }
    doc_place(doc, &placing);
    gap->left = doc_find(doc, client->index, client->state - 1);
    if (client->missing != CLIENT_NOT_MISSING && client->state > client->missing)
        doc->seldom->pending.wake = true;
}

struct edit_gap edit_gap_at(struct crdt_doc *doc, struct crdt_type *type, uint64_t index, struct client *client) {
    struct edit_gap gap = { client, type, ENTRY_NONE, ITEM_NONE, ITEM_NONE };
    struct text_place place = text_find(doc, type, index);
    gap.left = place.left;
    if (gap.left != ITEM_NONE) {
        const struct item *item = doc_item(doc, gap.left);
        if (place.offset < item_length(doc, item))
            gap.left = doc_split_after(doc, (uint32_t)item->client, item_clock(doc, item) + place.offset - 1);
    }
    gap.right = gap.left == ITEM_NONE ? type->start : doc_item(doc, gap.left)->right;
    return gap;
}

/* ---- lists ---- */

static enum status array_put(struct crdt_txn *txn, struct crdt_type *array, uint64_t index, const struct edit_parts *parts) {
    struct crdt_doc *doc = txn->doc;
    struct edit_need need = { .splits = 1 };
    struct client *client;
    if (index > array->length)
        return STATUS_RANGE;
    edit_need_parts(&need, parts);
    enum status status = edit_reserve(doc, &need, &client);
    if (status != STATUS_OK)
        return status;
    struct edit_gap gap = edit_gap_at(doc, array, index, client);
    uint32_t cursor_item = array->cursor_item; /* stands before the gap, so it stays true */
    uint64_t cursor_index = array->cursor_index;
    for (size_t i = 0; i < parts->count; i++)
        edit_put(doc, &gap, parts->list[i].kind, parts->list[i].length, edit_content(parts, i));
    array->cursor_item = index == 0 ? array->start : cursor_item;
    array->cursor_index = index == 0 ? 0 : cursor_index;
    return STATUS_OK;
}

enum status crdt_array_insert(struct crdt_txn *txn, struct crdt_type *array, uint64_t index, const struct crdt_value *values,
                              size_t count) {
    assert(txn->open);
    struct edit_parts parts;
    edit_parts_init(&parts, txn->doc);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        status = edit_add_value(&parts, &values[i]);
    if (status == STATUS_OK)
        status = array_put(txn, array, index, &parts);
    edit_parts_finish(&parts);
    return status;
}

/* The type that the local client inserted last. */
static struct crdt_type *edit_new_type(const struct crdt_doc *doc, const struct edit_gap *gap) {
    return doc_type(doc, item_type(doc, doc_item(doc, gap->left)));
}

enum status crdt_array_insert_type(struct crdt_txn *txn, struct crdt_type *array, uint64_t index, enum crdt_type_kind kind,
                                   struct bytes name, struct crdt_type **out) {
    assert(txn->open);
    struct crdt_doc *doc = txn->doc;
    struct edit_parts parts;
    edit_parts_init(&parts, doc);
    enum status status = edit_add_type(&parts, kind, name);
    if (status == STATUS_OK)
        status = array_put(txn, array, index, &parts);
    if (status == STATUS_OK) {
        const struct client *client = doc_client(doc, doc->options.client_id);
        *out = doc_type(doc, item_type(doc, doc_item(doc, doc_find(doc, client->index, client->state - 1))));
    }
    edit_parts_finish(&parts);
    return status;
}

enum status crdt_array_delete(struct crdt_txn *txn, struct crdt_type *array, uint64_t index, uint64_t length) {
    return list_delete(txn, array, index, length);
}

/* ---- keys ---- */

static enum status map_put(struct crdt_txn *txn, struct crdt_type *map, struct bytes key, const struct edit_parts *parts,
                           struct edit_gap *out) {
    struct crdt_doc *doc = txn->doc;
    struct edit_need need = { .keys = 1, .key_bytes = key.size };
    struct client *client;
    if (!utf_check(key, NULL))
        return STATUS_MALFORMED;
    edit_need_parts(&need, parts);
    enum status status = edit_reserve(doc, &need, &client);
    if (status != STATUS_OK)
        return status;
    uint32_t entry = types_entry(&doc->types, map, key);
    *out = (struct edit_gap){ client, map, entry, doc->types.entries[entry].item, ITEM_NONE };
    edit_put(doc, out, parts->list[0].kind, parts->list[0].length, edit_content(parts, 0));
    return STATUS_OK;
}

enum status crdt_map_set(struct crdt_txn *txn, struct crdt_type *map, struct bytes key, const struct crdt_value *value) {
    assert(txn->open);
    struct edit_parts parts;
    struct edit_gap gap;
    edit_parts_init(&parts, txn->doc);
    enum status status = edit_add_value(&parts, value);
    if (status == STATUS_OK)
        status = map_put(txn, map, key, &parts, &gap);
    edit_parts_finish(&parts);
    return status;
}

enum status crdt_map_set_type(struct crdt_txn *txn, struct crdt_type *map, struct bytes key, enum crdt_type_kind kind,
                              struct bytes name, struct crdt_type **out) {
    assert(txn->open);
    struct edit_parts parts;
    struct edit_gap gap;
    edit_parts_init(&parts, txn->doc);
    enum status status = edit_add_type(&parts, kind, name);
    if (status == STATUS_OK)
        status = map_put(txn, map, key, &parts, &gap);
    if (status == STATUS_OK)
        *out = edit_new_type(txn->doc, &gap);
    edit_parts_finish(&parts);
    return status;
}

static enum status map_delete(struct crdt_txn *txn, struct crdt_type *map, const struct bytes *key) {
    assert(txn->open);
    struct types *types = &txn->doc->types;
    enum status status = txn_reserve_deletes(txn, key != NULL ? 1 : UINT64_MAX, 0, false);
    if (status != STATUS_OK)
        return status;
    for (uint32_t at = map->entries; at != ENTRY_NONE; at = types->entries[at].next) {
        const struct entry *entry = &types->entries[at];
        if (entry->item != ITEM_NONE && (key == NULL || bytes_equal(bytes_of(entry->key, entry->key_bytes), *key)))
            txn_delete_item(txn, entry->item);
    }
    return STATUS_OK;
}

enum status crdt_map_delete(struct crdt_txn *txn, struct crdt_type *map, struct bytes key) {
    return map_delete(txn, map, &key);
}

enum status crdt_map_clear(struct crdt_txn *txn, struct crdt_type *map) {
    return map_delete(txn, map, NULL);
}
