/* position.c — see crdt/position.h. */
#include "crdt/position.h"

#include "crdt/text.h"
#include "ground/utf.h"
#include "list_index.h"
#include "read.h"

enum { POSITION_UNIT = 0, POSITION_ROOT = 1, POSITION_TYPE = 2 };

static void position_put_unit(struct bytes_writer *out, uint8_t kind, const struct crdt_doc *doc, const struct item *item,
                              uint64_t offset) {
    varint_write(out, kind);
    varint_write(out, doc->clients[item->client]->id);
    varint_write(out, item_clock(doc, item) + offset);
}

static void position_put_type(struct bytes_writer *out, const struct crdt_doc *doc, const struct crdt_type *type) {
    if (type->item != ITEM_NONE) {
        position_put_unit(out, POSITION_TYPE, doc, doc_item(doc, type->item), 0);
    } else {
        varint_write(out, POSITION_ROOT);
        varint_write_view(out, type->name);
    }
}

/* As Yjs: a negative association names the unit before, and at the end the very last unit, deleted or not. */
static void position_put(struct bytes_writer *out, const struct crdt_doc *doc, const struct crdt_type *type, uint64_t index,
                         bool before) {
    if (before && index == 0) {
        position_put_type(out, doc, type);
        return;
    }
    uint64_t left = index - before;
    uint32_t at = type->start;
    if (list_is_indexed(type) && left < type->length) {
        uint64_t passed;
        at = list_index_find(doc->txn.doc, type, left + 1, &passed);
        left -= passed;
    }
    for (; at != ITEM_NONE; at = doc_item(doc, at)->right) {
        const struct item *item = doc_item(doc, at);
        if (item_live(item) && content_countable(item->kind)) {
            if (left < item_length(doc, item)) {
                position_put_unit(out, POSITION_UNIT, doc, item, left);
                return;
            }
            left -= item_length(doc, item);
        }
        if (item->right == ITEM_NONE && before) {
            position_put_unit(out, POSITION_UNIT, doc, item, item_length(doc, item) - 1);
            return;
        }
    }
    position_put_type(out, doc, type);
}

enum status crdt_position_encode(const struct crdt_doc *doc, const struct crdt_type *type, uint64_t index, int64_t assoc,
                                 struct bytes_writer *out) {
    if (out->status != STATUS_OK)
        return out->status;
    size_t size_before = out->size;
    position_put(out, doc, type, index, assoc < 0);
    varint_write_signed(out, assoc < 0, (uint64_t)(assoc < 0 ? -assoc : assoc));
    if (out->status != STATUS_OK)
        out->size = size_before;
    return out->status;
}

/* The item that holds a unit; NULL: unknown, or collected. */
static const struct item *position_item(struct crdt_doc *doc, struct id id) {
    const struct client *client = doc_client(doc, id.client);
    if (client == NULL || id.clock >= client->state)
        return NULL;
    const struct item *item = doc_item(doc, doc_find(doc, client->index, id.clock));
    return item->kind == CONTENT_GC ? NULL : item;
}

static enum status position_resolve_unit(struct crdt_doc *doc, struct id id, struct crdt_position *out) {
    const struct item *item = position_item(doc, id);
    if (item == NULL)
        return STATUS_NOT_FOUND;
    out->type = doc_type(doc, item_parent(doc, item));
    out->index = 0;
    if (out->type->item != ITEM_NONE && !item_live(doc_item(doc, out->type->item)))
        return STATUS_OK;
    if (item_live(item) && content_countable(item->kind))
        out->index = id.clock - item_clock(doc, item) + (out->assoc < 0);
    if (list_is_indexed(out->type) && !item_is_keyed(item)) {
        out->index += list_index_before(doc, doc_find(doc, (uint32_t)item->client, item_clock(doc, item)));
        return STATUS_OK;
    }
    for (uint32_t at = item->left; at != ITEM_NONE; at = doc_item(doc, at)->left) {
        const struct item *before = doc_item(doc, at);
        if (item_live(before) && content_countable(before->kind))
            out->index += item_length(doc, before);
    }
    return STATUS_OK;
}

enum status crdt_position_resolve(struct crdt_doc *doc, struct bytes position, struct crdt_position *out) {
    struct bytes_reader reader = bytes_reader(position);
    uint64_t kind;
    struct id id = { 0, 0 };
    struct bytes name = { 0 };
    bool negative = false;
    uint64_t magnitude = 0;
    if (varint_read(&reader, &kind) != STATUS_OK || kind > POSITION_TYPE)
        return STATUS_MALFORMED;
    if (kind == POSITION_ROOT) {
        if (varint_read_view(&reader, &name) != STATUS_OK || !utf_check(name, NULL))
            return STATUS_MALFORMED;
    } else if (varint_read(&reader, &id.client) != STATUS_OK || varint_read(&reader, &id.clock) != STATUS_OK) {
        return STATUS_MALFORMED;
    }
    if (bytes_left(&reader) > 0 && varint_read_signed(&reader, &negative, &magnitude) != STATUS_OK)
        return STATUS_MALFORMED;
    out->assoc = negative ? -(int64_t)magnitude : (int64_t)magnitude;
    if (kind == POSITION_UNIT)
        return position_resolve_unit(doc, id, out);
    if (kind == POSITION_ROOT) {
        enum status status = crdt_doc_root(doc, name, &out->type);
        if (status != STATUS_OK)
            return status;
    } else {
        const struct item *item = position_item(doc, id);
        if (item == NULL || item->kind != CONTENT_TYPE)
            return STATUS_NOT_FOUND;
        out->type = doc_type(doc, item_type(doc, item));
    }
    out->index = out->assoc >= 0 ? out->type->length : 0;
    return STATUS_OK;
}

/* How much one character is, and whether the byte begins one. */
static uint64_t character_measure(uint8_t byte, enum crdt_measure measure) {
    bool begins = (byte & 0xc0) != 0x80;
    if (measure == CRDT_UTF8)
        return 1;
    return begins + (uint64_t)(measure == CRDT_UTF16 && byte >= 0xf0);
}

enum status crdt_text_measure(const struct crdt_doc *doc, const struct crdt_type *text, enum crdt_measure from, uint64_t index,
                              enum crdt_measure to, uint64_t *out) {
    uint64_t passed = 0;
    *out = 0;
    for (uint32_t at = text->start; at != ITEM_NONE && passed < index; at = doc_item(doc, at)->right) {
        const struct item *item = doc_item(doc, at);
        if (!item_live(item) || !content_countable(item->kind))
            continue;
        if (item->kind != CONTENT_STRING) {
            passed += item_length(doc, item);
            *out += item_length(doc, item);
            continue;
        }
        struct bytes content = item_content(doc, item);
        for (size_t i = 0; i < content.size; i++) {
            bool begins = (content.data[i] & 0xc0) != 0x80;
            if (begins && passed >= index)
                break;
            passed += character_measure(content.data[i], from);
            *out += character_measure(content.data[i], to);
        }
    }
    return passed == index ? STATUS_OK : STATUS_RANGE;
}
