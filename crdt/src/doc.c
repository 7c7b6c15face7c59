/* doc.c — making and ending a document; its clients. */
#include "list_index.h"
#include "sort.h"
#include "store.h"

/* The document's own allocator counts what it asks from the caller's. */
static void *doc_mem_resize(void *context, void *old, size_t old_bytes, size_t bytes) {
    struct crdt_doc *doc = context;
    void *block = doc->options.mem->resize(doc->options.mem->context, old, old_bytes, bytes);
    if (block != NULL || bytes == 0)
        doc->heap_bytes += bytes - (old == NULL ? 0 : old_bytes);
    return block;
}

enum status crdt_doc_create(const struct crdt_doc_options *options, struct crdt_doc **out) {
    if (options->client_id > VARINT_MAX)
        return STATUS_RANGE;
    const struct mem *mem = options->mem != NULL ? options->mem : &mem_default;
    struct crdt_doc *doc = mem_zalloc(mem, sizeof *doc);
    if (doc == NULL)
        return STATUS_NO_MEMORY;
    doc->mem = (struct mem){ doc_mem_resize, doc };
    doc->heap_bytes = sizeof *doc;
    doc->options = *options;
    doc->options.mem = mem;
    if (options->update_bytes_max == 0)
        doc->options.update_bytes_max = CRDT_UPDATE_BYTES_MAX;
    if (options->pending_bytes_max == 0)
        doc->options.pending_bytes_max = CRDT_PENDING_BYTES_MAX;
    if (options->clients_max == 0 || options->clients_max > CRDT_CLIENTS_MAX)
        doc->options.clients_max = CRDT_CLIENTS_MAX;
    items_init(&doc->items);
    types_init(&doc->types);
    doc->seldom = (struct seldom *)(uintptr_t)&seldom_none;
    doc->pending_leaf = INDEX_NONE;
    doc->conflict_stop = UINT64_MAX;
    doc->txn.doc = doc;
    *out = doc;
    return STATUS_OK;
}

const struct seldom seldom_none = { .index = { .leaf_free = INDEX_NONE, .node_free = INDEX_NONE } };

struct seldom *doc_seldom_make(struct crdt_doc *doc) {
    struct seldom *seldom = mem_alloc(&doc->mem, sizeof *seldom);
    if (seldom == NULL)
        return NULL;
    *seldom = seldom_none;
    table_init(&seldom->clients_by_id, &doc->mem);
    doc->seldom = seldom;
    return seldom;
}

static void seldom_finish(struct crdt_doc *doc) {
    struct seldom *seldom = doc->seldom;
    if (seldom == &seldom_none)
        return;
    table_finish(&seldom->clients_by_id);
    list_index_finish(doc);
    encoded_drop(doc, &seldom->deletes_encoded);
    encoded_drop(doc, &seldom->state_encoded);
    pending_finish(doc);
    mem_free(&doc->mem, seldom, sizeof *seldom);
}

void crdt_doc_destroy(struct crdt_doc *doc) {
    if (doc == NULL)
        return;
    assert(!doc->txn.open);
    for (uint32_t i = 0; i < doc->client_count; i++) {
        client_finish(doc->clients[i], &doc->mem);
        mem_free(&doc->mem, doc->clients[i], sizeof *doc->clients[i]);
    }
    mem_free(&doc->mem, doc->clients, doc->client_capacity * sizeof *doc->clients);
    mem_free(&doc->mem, doc->sorted, doc->client_capacity * sizeof *doc->sorted);
    run_spares_trim(&doc->spares, &doc->mem, 0);
    mem_free(&doc->mem, doc->txn.deleted, doc->txn.deleted_capacity * sizeof *doc->txn.deleted);
    siblings_drop(doc);
    mem_free(&doc->mem, doc->marks, doc->marks_capacity * sizeof *doc->marks);
    seldom_finish(doc);
    types_finish(&doc->types, &doc->mem);
    items_finish(&doc->items, &doc->mem);
    assert(doc->heap_bytes == sizeof *doc);
    const struct mem *mem = doc->options.mem;
    mem_free(mem, doc, sizeof *doc);
}

uint64_t crdt_doc_client_id(const struct crdt_doc *doc) {
    return doc->options.client_id;
}

enum status crdt_doc_set_client_id(struct crdt_doc *doc, uint64_t client_id) {
    if (client_id > VARINT_MAX)
        return STATUS_RANGE;
    doc->options.client_id = client_id;
    doc_typing_end(doc);
    return STATUS_OK;
}

void crdt_doc_set_conflict_steps_max(struct crdt_doc *doc, uint64_t conflict_steps_max) {
    doc->conflict_steps_max = conflict_steps_max;
}

struct client *doc_client_find(const struct crdt_doc *doc, uint64_t id) {
    if (doc->client_count == 1)
        return doc->clients[0]->id == id ? doc->clients[0] : NULL;
    return table_get(&doc->seldom->clients_by_id, id);
}

/* The hash begins with the second client. */
static enum status doc_list_client(struct crdt_doc *doc, struct client *client) {
    if (doc->client_count == 0)
        return STATUS_OK;
    struct seldom *seldom = doc_seldom(doc);
    if (seldom == NULL)
        return STATUS_NO_MEMORY;
    struct table *table = &seldom->clients_by_id;
    enum status status = doc->client_count == 1 ? table_put(table, doc->clients[0]->id, doc->clients[0]) : STATUS_OK;
    return status == STATUS_OK ? table_put(table, client->id, client) : status;
}

struct client *doc_client(struct crdt_doc *doc, uint64_t id) {
    if (doc->client_last != NULL && doc->client_last->id == id)
        return doc->client_last;
    struct client *client = doc_client_find(doc, id);
    if (client != NULL)
        doc->client_last = client;
    return client;
}

uint64_t crdt_doc_clock(const struct crdt_doc *doc, uint64_t client_id) {
    const struct client *client = doc_client_find(doc, client_id);
    return client == NULL ? 0 : client->state;
}

static enum status doc_grow_clients(struct crdt_doc *doc) {
    uint32_t capacity = doc->client_capacity == 0 ? 1 : doc->client_capacity * 2;
    struct client **sorted = mem_alloc(&doc->mem, capacity * sizeof *sorted);
    if (sorted == NULL)
        return STATUS_NO_MEMORY;
    struct client **clients =
        mem_resize(&doc->mem, doc->clients, doc->client_capacity * sizeof *clients, capacity * sizeof *clients);
    if (clients == NULL) {
        mem_free(&doc->mem, sorted, capacity * sizeof *sorted);
        return STATUS_NO_MEMORY;
    }
    if (doc->client_count > 0)
        memcpy(sorted, doc->sorted, doc->client_count * sizeof *sorted);
    mem_free(&doc->mem, doc->sorted, doc->client_capacity * sizeof *sorted);
    doc->clients = clients;
    doc->sorted = sorted;
    doc->client_capacity = capacity;
    return STATUS_OK;
}

/* Ids have 53 bits: as varint, 8 bytes at most. */
static void client_name(struct client *client) {
    uint8_t word[sizeof client->id_word] = { 0 };
    uint8_t mask[sizeof client->id_mask] = { 0 };
    client->id_bytes = (uint8_t)varint_size(client->id);
    for (unsigned i = 0; i < client->id_bytes; i++) {
        word[i] = (uint8_t)((client->id >> (7 * i) & 0x7f) | (i + 1 < client->id_bytes ? 0x80 : 0));
        mask[i] = 0xff;
    }
    memcpy(&client->id_word, word, sizeof word);
    memcpy(&client->id_mask, mask, sizeof mask);
}

enum status doc_client_make(struct crdt_doc *doc, uint64_t id, struct client **out) {
    *out = doc_client(doc, id);
    if (*out != NULL)
        return STATUS_OK;
    if (doc->client_count >= doc->options.clients_max)
        return STATUS_TOO_BIG;
    if (doc->client_count == doc->client_capacity && doc_grow_clients(doc) != STATUS_OK)
        return STATUS_NO_MEMORY;
    struct client *client = mem_zalloc(&doc->mem, sizeof *client);
    if (client == NULL)
        return STATUS_NO_MEMORY;
    client->id = id;
    client_name(client);
    client->index = doc->client_count;
    client->missing = CLIENT_NOT_MISSING;
    if (doc_list_client(doc, client) != STATUS_OK) {
        mem_free(&doc->mem, client, sizeof *client);
        return STATUS_NO_MEMORY;
    }
    doc->sorted[doc->client_count] = client;
    doc->clients[doc->client_count++] = client;
    doc->client_last = client;
    *out = client;
    return STATUS_OK;
}

static bool client_before(const void *left, const void *right) {
    const struct client *const *a = left;
    const struct client *const *b = right;
    return (*a)->id > (*b)->id;
}

void doc_sort_clients(struct crdt_doc *doc) {
    uint32_t fresh = doc->client_count - doc->sorted_count;
    if (fresh == 0)
        return;
    struct client **tail = doc->sorted + doc->sorted_count;
    sort(tail, fresh, sizeof *tail, client_before);
    if (doc->sorted_count > 0 && client_before(&tail[0], &tail[-1])) {
        if (fresh == 1) {
            struct client *client = tail[0];
            uint32_t low = 0;
            uint32_t high = doc->sorted_count;
            while (low < high) {
                uint32_t middle = low + (high - low) / 2;
                if (doc->sorted[middle]->id > client->id)
                    low = middle + 1;
                else
                    high = middle;
            }
            memmove(doc->sorted + low + 1, doc->sorted + low, (doc->sorted_count - low) * sizeof *doc->sorted);
            doc->sorted[low] = client;
        } else {
            sort(doc->sorted, doc->client_count, sizeof *doc->sorted, client_before);
        }
    }
    doc->sorted_count = doc->client_count;
}

enum status doc_reserve_items_anew(struct crdt_doc *doc, size_t items, size_t contents, size_t clients) {
    doc->untidy = true;
    enum status status = items_reserve(&doc->items, &doc->mem, items, contents);
    return status == STATUS_OK ? run_spares_reserve(&doc->spares, &doc->mem, items, clients) : status;
}

struct crdt_doc_size crdt_doc_size(const struct crdt_doc *doc) {
    return (struct crdt_doc_size){
        .clients = doc->clients_with_units,
        .structs = doc->runs,
        .heap_bytes = doc->heap_bytes,
        .pending_bytes = doc->seldom->pending.bytes,
        .pending_structs = doc->seldom->pending.count > 0,
        .pending_deletes = doc->seldom->pending.delete_count > 0,
    };
}

void doc_item_wire(const struct crdt_doc *doc, const struct item *item, struct wire_struct *out) {
    out->kind = item->kind;
    out->info = item->kind;
    out->length = item_length(doc, item);
    out->content = item_content(doc, item);
    if (item->kind == CONTENT_GC)
        return;
    if (item->origin_client != CLIENT_NONE) {
        out->info |= WIRE_ORIGIN;
        out->origin = (struct id){ doc->clients[item->origin_client]->id, item_origin_clock(doc, item) };
    }
    if (item->right_origin_client != CLIENT_NONE) {
        out->info |= WIRE_RIGHT_ORIGIN;
        out->right_origin = (struct id){ doc->clients[item->right_origin_client]->id, item_right_origin_clock(doc, item) };
    }
    if (item_is_keyed(item)) {
        const struct entry *entry = &doc->types.entries[item->place];
        out->info |= WIRE_KEY;
        out->key = bytes_of(entry->key, entry->key_bytes);
    }
    const struct crdt_type *parent = doc_type(doc, item_parent(doc, item));
    if (parent->item == ITEM_NONE) {
        out->parent = WIRE_PARENT_ROOT;
        out->root_name = parent->name;
    } else {
        const struct item *holder = doc_item(doc, parent->item);
        out->parent = WIRE_PARENT_ITEM;
        out->parent_item = (struct id){ doc->clients[holder->client]->id, item_clock(doc, holder) };
    }
}
