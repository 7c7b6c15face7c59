/* edit.h — what local edits share: contents made beforehand, everything reserved, then items put one behind the other. */
#ifndef CRDT_SRC_EDIT_H
#define CRDT_SRC_EDIT_H

#include "crdt/edit.h"
#include "store.h"

/* Contents of items to come, in one writer. */
struct edit_part {
    uint8_t kind;
    uint64_t length;
    size_t from;
    size_t size;
};

struct edit_parts {
    struct bytes_writer bytes;
    struct edit_part *list;
    size_t count;
    size_t capacity;
};

void edit_parts_init(struct edit_parts *parts, const struct crdt_doc *doc);
void edit_parts_finish(struct edit_parts *parts);
/* Each appends one content. STATUS_MALFORMED, STATUS_NO_MEMORY. */
enum status edit_add_value(struct edit_parts *parts, const struct crdt_value *value); /* plain ones join the one before */
enum status edit_add_type(struct edit_parts *parts, enum crdt_type_kind kind, struct bytes name);
enum status edit_add_text(struct edit_parts *parts, struct bytes utf8);
enum status edit_add_embed(struct edit_parts *parts, const struct crdt_value *value);

static inline struct bytes edit_content(const struct edit_parts *parts, size_t index) {
    return parts->list[index].size == 0 ? bytes_of(NULL, 0)
                                        : bytes_of(parts->bytes.data + parts->list[index].from, parts->list[index].size);
}

/* What an edit can need at worst. */
struct edit_need {
    size_t items;     /* new ones, without splits */
    size_t splits;    /* of existing ones */
    uint64_t deletes; /* of runs, without those that splits and keys cause */
    size_t ascii;     /* bytes of ASCII text */
    size_t text;      /* bytes of other contents */
    bool others;      /* there are other contents, perhaps of no bytes */
    size_t types;
    size_t keys;
    size_t key_bytes;
    uint64_t units;
};

static inline void edit_need_text(struct edit_need *need, bool ascii, size_t bytes) {
    *(ascii ? &need->ascii : &need->text) += bytes;
}

void edit_need_parts(struct edit_need *need, const struct edit_parts *parts);

/* Finds the local client and reserves. STATUS_RANGE: its clock would pass 2^53 - 1. */
enum status edit_reserve(struct crdt_doc *doc, const struct edit_need *need, struct client **out);

/* A gap in a list (entry ENTRY_NONE) or the end of a key's chain. */
struct edit_gap {
    struct client *client;
    struct crdt_type *type;
    uint32_t entry;
    uint32_t left;
    uint32_t right;
};

/* Puts an item into the gap; gap->left is then its last item. Nothing can fail. */
void edit_put(struct crdt_doc *doc, struct edit_gap *gap, uint8_t kind, uint64_t length, struct bytes content);

/* The gap behind the first `index` units, which splits what it must; index <= type->length. */
struct edit_gap edit_gap_at(struct crdt_doc *doc, struct crdt_type *type, uint64_t index, struct client *client);

#endif
