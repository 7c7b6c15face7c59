/* read.h — what reading as values and reading as markup share. */
#ifndef CRDT_SRC_READ_H
#define CRDT_SRC_READ_H

#include "crdt/type.h"
#include "store.h"

/* A text's attribute at some place: the key, and the JSON text of its value. Both point into the document. */
struct attribute {
    struct bytes key;
    struct bytes json;
};

struct attributes {
    const struct mem *mem;
    struct attribute *list;
    size_t count;
    size_t capacity;
};

void attributes_finish(struct attributes *attributes);

/* What an undeleted Format item does: sets its key, or removes it if the value is null. STATUS_NO_MEMORY. */
enum status attributes_pass(const struct crdt_doc *doc, struct attributes *attributes, const struct item *format);
enum status attributes_set(struct attributes *attributes, struct bytes key, struct bytes json);
/* The value of a key; "null" if it is not set. */
struct bytes attributes_get(const struct attributes *attributes, struct bytes key);

/* The same of a list that may hold null. */
enum status attributes_put(struct attributes *attributes, struct bytes key, struct bytes json);
struct attribute *attributes_find(const struct attributes *attributes, struct bytes key);
void attributes_drop(struct attributes *attributes, struct attribute *attribute);

/* All of them as values. STATUS_NO_MEMORY. */
enum status attributes_read(const struct attributes *attributes, struct arena *arena, struct crdt_object_value *out);

static inline bool item_live(const struct item *item) {
    return (item->flags & ITEM_DELETED) == 0;
}

/* Order of JavaScript's strings: by UTF-16 units. Valid UTF-8. */
int utf16_compare(struct bytes a, struct bytes b);

#endif
