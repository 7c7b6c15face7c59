/* read.c — lists, keys, formatted text and whole trees as values. See crdt/type.h. */
#include "read.h"

#include "crdt/text.h"
#include "value_read.h"

/* ---- kinds ---- */

bool crdt_type_kind(const struct crdt_doc *doc, const struct crdt_type *type, enum crdt_type_kind *out, struct bytes *out_name) {
    if (type->item == ITEM_NONE)
        return false;
    const struct item *item = doc_item(doc, type->item);
    struct bytes_reader reader = bytes_reader(item_content(doc, item));
    uint64_t kind = 0;
    struct bytes name = bytes_of("", 0);
    varint_read(&reader, &kind);
    if (bytes_left(&reader) > 0)
        varint_read_view(&reader, &name);
    *out = (enum crdt_type_kind)kind;
    if (out_name != NULL)
        *out_name = name;
    return true;
}

uint64_t crdt_type_length(const struct crdt_type *type) {
    return type->length;
}

/* ---- lists ---- */

static bool item_counts(const struct item *item) {
    return item_live(item) && content_countable(item->kind);
}

enum status crdt_array_get(const struct crdt_doc *doc, const struct crdt_type *array, uint64_t index, struct arena *arena,
                           struct crdt_value *out) {
    for (uint32_t at = array->start; at != ITEM_NONE; at = doc_item(doc, at)->right) {
        const struct item *item = doc_item(doc, at);
        if (!item_counts(item))
            continue;
        if (index < item_length(doc, item))
            return value_read_item(doc, item, index, 1, arena, out);
        index -= item_length(doc, item);
    }
    return STATUS_RANGE;
}

enum status crdt_array_values(const struct crdt_doc *doc, const struct crdt_type *array, struct arena *arena,
                              struct crdt_array_value *out) {
    struct crdt_value *values = arena_alloc(arena, (size_t)(array->length + 1) * sizeof *values);
    enum status status = values == NULL ? STATUS_NO_MEMORY : STATUS_OK;
    size_t count = 0;
    for (uint32_t at = array->start; at != ITEM_NONE && status == STATUS_OK; at = doc_item(doc, at)->right) {
        const struct item *item = doc_item(doc, at);
        if (!item_counts(item))
            continue;
        status = value_read_item(doc, item, 0, item_length(doc, item), arena, values + count);
        count += (size_t)item_length(doc, item);
    }
    *out = (struct crdt_array_value){ values, count };
    return status;
}

/* ---- keys ---- */

/* The item whose last value a key has; NULL: none. */
static const struct item *entry_value(const struct crdt_doc *doc, const struct entry *entry) {
    const struct item *item = entry->item == ITEM_NONE ? NULL : doc_item(doc, entry->item);
    return item != NULL && item_counts(item) ? item : NULL;
}

enum status crdt_map_get(const struct crdt_doc *doc, const struct crdt_type *map, struct bytes key, struct arena *arena,
                         struct crdt_value *out) {
    for (uint32_t at = map->entries; at != ENTRY_NONE; at = doc->types.entries[at].next) {
        const struct entry *entry = &doc->types.entries[at];
        const struct item *item = entry_value(doc, entry);
        if (item != NULL && bytes_equal(bytes_of(entry->key, entry->key_bytes), key))
            return value_read_item(doc, item, item_length(doc, item) - 1, 1, arena, out);
    }
    return STATUS_NOT_FOUND;
}

enum status crdt_map_entries(const struct crdt_doc *doc, const struct crdt_type *map, struct arena *arena,
                             struct crdt_object_value *out) {
    size_t count = 0;
    for (uint32_t at = map->entries; at != ENTRY_NONE; at = doc->types.entries[at].next)
        count++;
    struct crdt_member *members = arena_alloc(arena, (count + 1) * sizeof *members);
    enum status status = members == NULL ? STATUS_NO_MEMORY : STATUS_OK;
    size_t filled = 0;
    for (uint32_t at = map->entries; at != ENTRY_NONE && status == STATUS_OK; at = doc->types.entries[at].next) {
        const struct entry *entry = &doc->types.entries[at];
        const struct item *item = entry_value(doc, entry);
        if (item == NULL)
            continue;
        members[filled].key = arena_copy(arena, bytes_of(entry->key, entry->key_bytes));
        status = members[filled].key.data == NULL
                     ? STATUS_NO_MEMORY
                     : value_read_item(doc, item, item_length(doc, item) - 1, 1, arena, &members[filled].value);
        filled++;
    }
    *out = (struct crdt_object_value){ members, filled };
    return status;
}

/* ---- formatted text ---- */

void attributes_finish(struct attributes *attributes) {
    mem_free(attributes->mem, attributes->list, attributes->capacity * sizeof *attributes->list);
    attributes->list = NULL;
    attributes->count = attributes->capacity = 0;
}

struct attribute *attributes_find(const struct attributes *attributes, struct bytes key) {
    for (size_t i = 0; i < attributes->count; i++)
        if (bytes_equal(attributes->list[i].key, key))
            return &attributes->list[i];
    return NULL;
}

struct bytes attributes_get(const struct attributes *attributes, struct bytes key) {
    const struct attribute *attribute = attributes_find(attributes, key);
    return attribute == NULL ? bytes_text("null") : attribute->json;
}

void attributes_drop(struct attributes *attributes, struct attribute *attribute) {
    size_t at = (size_t)(attribute - attributes->list);
    attributes->count--;
    memmove(attribute, attribute + 1, (attributes->count - at) * sizeof *attribute);
}

enum status attributes_put(struct attributes *attributes, struct bytes key, struct bytes json) {
    struct attribute *attribute = attributes_find(attributes, key);
    if (attribute != NULL) {
        attribute->json = json;
        return STATUS_OK;
    }
    if (attributes->count == attributes->capacity) {
        size_t capacity = attributes->capacity == 0 ? 8 : attributes->capacity * 2;
        struct attribute *list =
            mem_resize(attributes->mem, attributes->list, attributes->capacity * sizeof *list, capacity * sizeof *list);
        if (list == NULL)
            return STATUS_NO_MEMORY;
        attributes->list = list;
        attributes->capacity = capacity;
    }
    attributes->list[attributes->count++] = (struct attribute){ key, json };
    return STATUS_OK;
}

enum status attributes_set(struct attributes *attributes, struct bytes key, struct bytes json) {
    if (!bytes_equal_text(json, "null"))
        return attributes_put(attributes, key, json);
    struct attribute *attribute = attributes_find(attributes, key);
    if (attribute != NULL)
        attributes_drop(attributes, attribute);
    return STATUS_OK;
}

enum status attributes_pass(const struct crdt_doc *doc, struct attributes *attributes, const struct item *format) {
    struct bytes key;
    struct bytes json;
    format_of(doc, format, &key, &json);
    return attributes_set(attributes, key, json);
}

enum status attributes_read(const struct attributes *attributes, struct arena *arena, struct crdt_object_value *out) {
    struct crdt_member *members = arena_alloc(arena, (attributes->count + 1) * sizeof *members);
    enum status status = members == NULL ? STATUS_NO_MEMORY : STATUS_OK;
    for (size_t i = 0; i < attributes->count && status == STATUS_OK; i++) {
        members[i].key = arena_copy(arena, attributes->list[i].key);
        status =
            members[i].key.data == NULL ? STATUS_NO_MEMORY : value_read_json(attributes->list[i].json, arena, &members[i].value);
    }
    *out = (struct crdt_object_value){ members, attributes->count };
    return status;
}

struct delta_making {
    struct arena *arena;
    struct attributes attributes;
    struct crdt_delta_op *ops;
    size_t count;
    struct bytes_writer text; /* of the op in the making */
};

static enum status delta_end_text(struct delta_making *making) {
    if (making->text.status != STATUS_OK || making->text.size == 0)
        return making->text.status;
    struct crdt_delta_op *op = &making->ops[making->count++];
    op->insert = crdt_string(arena_copy(making->arena, bytes_written(&making->text)));
    bytes_writer_reset(&making->text);
    return op->insert.bytes.data == NULL ? STATUS_NO_MEMORY : attributes_read(&making->attributes, making->arena, &op->attributes);
}

static enum status delta_pass(const struct crdt_doc *doc, const struct item *item, struct delta_making *making) {
    if (item->kind == CONTENT_STRING) {
        bytes_write(&making->text, item_content(doc, item));
        return making->text.status;
    }
    enum status status = delta_end_text(making);
    if (status != STATUS_OK)
        return status;
    if (item->kind == CONTENT_FORMAT)
        return attributes_pass(doc, &making->attributes, item);
    if (item->kind != CONTENT_EMBED && item->kind != CONTENT_TYPE)
        return STATUS_OK;
    struct crdt_delta_op *op = &making->ops[making->count++];
    status = value_read_item(doc, item, 0, 1, making->arena, &op->insert);
    return status == STATUS_OK ? attributes_read(&making->attributes, making->arena, &op->attributes) : status;
}

enum status crdt_text_delta(const struct crdt_doc *doc, const struct crdt_type *text, struct arena *arena, struct crdt_delta *out) {
    size_t items = 0;
    for (uint32_t at = text->start; at != ITEM_NONE; at = doc_item(doc, at)->right)
        items += item_live(doc_item(doc, at));
    struct delta_making making = { .arena = arena, .attributes.mem = arena->mem };
    making.ops = arena_alloc(arena, (items + 1) * sizeof *making.ops);
    bytes_writer_init(&making.text, arena->mem, SIZE_MAX);
    enum status status = making.ops == NULL ? STATUS_NO_MEMORY : STATUS_OK;
    for (uint32_t at = text->start; at != ITEM_NONE && status == STATUS_OK; at = doc_item(doc, at)->right)
        if (item_live(doc_item(doc, at)))
            status = delta_pass(doc, doc_item(doc, at), &making);
    if (status == STATUS_OK)
        status = delta_end_text(&making);
    bytes_writer_finish(&making.text);
    attributes_finish(&making.attributes);
    *out = (struct crdt_delta){ making.ops, making.count };
    return status;
}

/* ---- whole trees ---- */

static enum status json_of_type(const struct crdt_doc *doc, const struct crdt_type *type, enum crdt_type_kind kind, unsigned depth,
                                struct arena *arena, struct crdt_value *out);

static enum status json_of_value(const struct crdt_doc *doc, unsigned depth, struct arena *arena, struct crdt_value *value) {
    if (value->kind != CRDT_TYPE)
        return STATUS_OK;
    enum crdt_type_kind kind = CRDT_TYPE_MAP;
    crdt_type_kind(doc, value->type, &kind, NULL);
    return json_of_type(doc, value->type, kind, depth + 1, arena, value);
}

static enum status json_of_text(const struct crdt_doc *doc, const struct crdt_type *type, enum crdt_type_kind kind,
                                struct arena *arena, struct crdt_value *out) {
    struct bytes_writer text;
    bytes_writer_init(&text, arena->mem, SIZE_MAX);
    enum status status = kind == CRDT_TYPE_TEXT ? crdt_text_write(doc, type, &text) : crdt_xml_write(doc, type, kind, &text);
    if (status == STATUS_OK) {
        *out = crdt_string(arena_copy(arena, bytes_written(&text)));
        status = out->bytes.data == NULL ? STATUS_NO_MEMORY : STATUS_OK;
    }
    bytes_writer_finish(&text);
    return status;
}

/* Recursion is bounded by CRDT_TYPE_DEPTH_MAX. */
static enum status json_of_type(const struct crdt_doc *doc, const struct crdt_type *type, enum crdt_type_kind kind, unsigned depth,
                                struct arena *arena, struct crdt_value *out) {
    enum status status;
    if (depth > CRDT_TYPE_DEPTH_MAX)
        return STATUS_TOO_BIG;
    if (kind == CRDT_TYPE_ARRAY) {
        struct crdt_array_value values;
        status = crdt_array_values(doc, type, arena, &values);
        for (size_t i = 0; i < values.count && status == STATUS_OK; i++)
            status = json_of_value(doc, depth, arena, (struct crdt_value *)(uintptr_t)&values.items[i]);
        *out = (struct crdt_value){ .kind = CRDT_ARRAY, .array = values };
        return status;
    }
    if (kind == CRDT_TYPE_MAP || kind == CRDT_TYPE_XML_HOOK) {
        struct crdt_object_value entries;
        status = crdt_map_entries(doc, type, arena, &entries);
        for (size_t i = 0; i < entries.count && status == STATUS_OK; i++)
            status = json_of_value(doc, depth, arena, (struct crdt_value *)(uintptr_t)&entries.members[i].value);
        *out = (struct crdt_value){ .kind = CRDT_OBJECT, .object = entries };
        return status;
    }
    return json_of_text(doc, type, kind, arena, out);
}

enum status crdt_type_json(const struct crdt_doc *doc, const struct crdt_type *type, enum crdt_type_kind kind, struct arena *arena,
                           struct crdt_value *out) {
    crdt_type_kind(doc, type, &kind, NULL);
    return json_of_type(doc, type, kind, 0, arena, out);
}
