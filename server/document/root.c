/* root.c — see root.h. */
#include "document/root.h"

#include "document/document.h"

enum status root_set(struct document *document, struct bytes name) {
    char *copy = mem_alloc(&mem_default, name.size + 1);
    if (copy == NULL)
        return STATUS_NO_MEMORY;
    memcpy(copy, name.data, name.size);
    copy[name.size] = '\0';
    mem_free(&mem_default, document->root_name, document->root_name_size);
    document->root_name = copy;
    document->root_name_size = name.size + 1;
    return STATUS_OK;
}

struct bytes root_after_door(const struct crdt_doc *doc, struct bytes name) {
    struct bytes text = bytes_text("text");
    if (!bytes_equal(name, text) || crdt_doc_roots(doc, text).named)
        return name;
    struct bytes found;
    if (!crdt_doc_text_root(doc, &found) || found.size > ROOT_NAME_BYTES_MAX)
        return name;
    if (found.size == 0)
        return bytes_text(""); /* getText() without a name */
    return memchr(found.data, 0, found.size) == NULL ? found : name;
}

enum status root_follow_door(struct document *document, bool *out_changed) {
    struct bytes name = bytes_text(document->root_name);
    struct bytes found = root_after_door(document->crdt, name);
    *out_changed = false;
    if (bytes_equal(found, name))
        return STATUS_OK;
    enum status status = root_set(document, found);
    *out_changed = status == STATUS_OK;
    return status;
}
