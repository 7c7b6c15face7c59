/* doc_check.c — one function per invariant of INTERNALS.md, by number. */
#include "doc_check.h"

#include "list_index.h"

#include "store.h"

#define CHECK(condition, number, what) \
    do {                               \
        if (!(condition)) {            \
            *out_what = (what);        \
            return (number);           \
        }                              \
    } while (0)

/* 1: a client's runs cover [0, state) without gap or overlap, in clock order; the directory leads to them. */
static int check_runs(const struct crdt_doc *doc, const struct client *client, size_t *runs, const char **out_what) {
    uint64_t clock = 0;
    uint64_t ascii = 0;
    uint32_t count = 0;
    const struct run_chunk *previous = NULL;
    for (struct run_chunk *chunk = client->first; chunk != NULL; chunk = chunk->next) {
        CHECK(chunk->previous == previous, 1, "chunks are not linked both ways");
        CHECK(chunk->count > 0 && chunk->count <= chunk->capacity, 1, "a chunk is empty or overfull");
        for (uint32_t i = 0; i < chunk->count; i++) {
            const struct item *item = doc_item(doc, run_items(chunk)[i]);
            uint64_t length = item_length(doc, item);
            CHECK(item->client == client->index, 1, "a run stands at another client");
            CHECK(item_clock(doc, item) == run_clock(chunk, i) && run_clock(chunk, i) == clock, 1, "runs have a gap or overlap");
            CHECK(length > 0 && length <= VARINT_MAX - clock, 1, "a run is empty or too long");
            ascii += (item->flags & ITEM_ASCII) != 0 ? length : 0;
            clock += length;
            count++;
        }
        previous = chunk;
    }
    CHECK(client->last == previous, 1, "the last chunk is not the last");
    CHECK(clock == client->state, 1, "state is not the end of the last run");
    CHECK(count == client->runs, 1, "the runs are miscounted");
    CHECK(ascii + client->ascii_dead == client->ascii_used, 5, "ASCII text is miscounted");
    for (uint32_t i = 0; i < client->directory_count; i++) {
        CHECK(client->directory[i].clock == run_clock(client->directory[i].chunk, 0), 1, "the directory has a wrong clock");
        CHECK(i == 0 || client->directory[i - 1].clock < client->directory[i].clock, 1, "the directory is not sorted");
    }
    CHECK(client->directory_count == 0 || client->directory[0].chunk == client->first, 1,
          "the directory does not begin at the start");
    *runs += count;
    return 0;
}

static bool check_known(const struct crdt_doc *doc, uint32_t client, uint64_t clock) {
    return client == CLIENT_NONE || (client < doc->client_count && clock < doc->clients[client]->state);
}

/* 2: origins are integrated units. 3: GC runs are in no list. 5: kinds and flags fit together. */
static int check_item(const struct crdt_doc *doc, uint32_t number, const char **out_what) {
    const struct item *item = doc_item(doc, number);
    CHECK(check_known(doc, (uint32_t)item->origin_client, item_origin_clock(doc, item)), 2, "an origin is not integrated");
    CHECK(check_known(doc, (uint32_t)item->right_origin_client, item_right_origin_clock(doc, item)), 2,
          "a right origin is not integrated");
    CHECK(item->origin_client != item->client || item_origin_clock(doc, item) < item_clock(doc, item), 2, "an origin is not older");
    CHECK((item->flags & ITEM_IN_TXN) == 0, 5, "an item still stands in a transaction");
    bool deleted = (item->flags & ITEM_DELETED) != 0;
    bool ascii = (item->flags & ITEM_ASCII) != 0;
    bool bare = item->content == CONTENT_NONE && !ascii;
    uint32_t parent = item_parent(doc, item);
    CHECK(bare || ascii || item->content < doc->items.contents_used, 5, "a run's content does not exist");
    CHECK(!ascii || item->kind == CONTENT_STRING, 5, "what is no text has ASCII text");
    switch (item->kind) {
    case CONTENT_GC:
        CHECK(item->left == ITEM_NONE && item->right == ITEM_NONE && parent == TYPE_NONE, 3, "a GC run is in a list");
        CHECK(deleted && bare, 5, "a GC run has content");
        return 0;
    case CONTENT_DELETED:
        CHECK(deleted && bare, 5, "a Deleted run has content");
        break;
    case CONTENT_JSON:
    case CONTENT_ANY:
    case CONTENT_STRING:
        CHECK(item_content(doc, item).size > 0, 5, "a run has no content");
        break;
    case CONTENT_BINARY:
    case CONTENT_EMBED:
    case CONTENT_FORMAT:
    case CONTENT_TYPE:
    case CONTENT_DOC:
        CHECK(item_length(doc, item) == 1 && !bare, 5, "a content of one unit has several");
        break;
    default:
        CHECK(false, 5, "an item has an impossible kind");
    }
    CHECK(parent < doc->types.count && doc_type(doc, parent) != NULL, 3, "an item's parent does not exist");
    if (item_is_keyed(item))
        CHECK(item->place < doc->types.entry_count, 4, "a key does not exist");
    if (item->kind == CONTENT_TYPE) {
        uint32_t type = item_type(doc, item);
        CHECK(type < doc->types.count && doc_type(doc, type) != NULL && doc_type(doc, type)->item == number, 4,
              "an item and its type do not know each other");
    }
    if (doc->options.gc && deleted && (item->flags & ITEM_KEEP) == 0)
        CHECK(item->kind == CONTENT_DELETED, 6, "deleted content was not collected");
    return 0;
}

/* 3: lists are linked both ways, hold only items of their type, and length counts what is visible.
 * 7: the cursor. */
static int check_list(const struct crdt_doc *doc, uint32_t type_number, size_t *listed, const char **out_what) {
    const struct crdt_type *type = doc_type(doc, type_number);
    uint64_t length = 0;
    uint32_t previous = ITEM_NONE;
    bool cursor_seen = type->cursor_item == ITEM_NONE;
    for (uint32_t at = type->start; at != ITEM_NONE; at = doc_item(doc, at)->right) {
        const struct item *item = doc_item(doc, at);
        CHECK(item->kind != CONTENT_FREE, 3, "a free item is in a list");
        CHECK(item->left == previous, 3, "a list is not linked both ways");
        CHECK(item_parent(doc, item) == type_number && !item_is_keyed(item), 3, "a list holds a stranger");
        if (at == type->cursor_item) {
            CHECK(type->cursor_index == length, 7, "the cursor has a wrong index");
            cursor_seen = true;
        }
        if ((item->flags & ITEM_DELETED) == 0 && content_countable(item->kind))
            length += item_length(doc, item);
        previous = at;
        ++*listed;
    }
    CHECK(previous == type->last, 3, "a list ends elsewhere");
    CHECK(length == type->length, 3, "a type's length is wrong");
    CHECK(cursor_seen, 7, "the cursor stands in no item of the list");
    CHECK(!list_is_indexed(type) || list_index_is_true(doc, type), 9, "the index says something else than the list");
    for (uint32_t number = type->entries; number != ENTRY_NONE; number = doc->types.entries[number].next) {
        const struct entry *entry = &doc->types.entries[number];
        CHECK(entry->type == type_number, 4, "a key belongs to another type");
        uint32_t right = ITEM_NONE;
        for (uint32_t at = entry->item; at != ITEM_NONE; at = doc_item(doc, at)->left) {
            const struct item *item = doc_item(doc, at);
            CHECK(item->right == right, 4, "a key's chain is not linked both ways");
            CHECK(item_entry(item) == number && item_parent(doc, item) == type_number, 4, "a key's chain holds a stranger");
            CHECK(right == ITEM_NONE || (item->flags & ITEM_DELETED) != 0, 4, "a key has two values");
            CHECK((item->left == ITEM_NONE) == (at == entry->first), 4, "a key's chain begins elsewhere");
            right = at;
            ++*listed;
        }
    }
    return 0;
}

/* 10: where somebody types or erases is where the document says. */
static int check_typing(const struct crdt_doc *doc, const char **out_what) {
    const struct typing *typing = &doc->typing;
    const struct erasing *erasing = &doc->erasing;
    if (typing->type != NULL) {
        const struct item *item = doc_item(doc, typing->item);
        const struct client *client = typing->client;
        uint64_t index = 0;
        for (uint32_t at = typing->type->start; at != typing->item && at != ITEM_NONE; at = doc_item(doc, at)->right)
            index += item_visible(doc_item(doc, at));
        CHECK(item_visible(item) > 0 && index + item_visible(item) == typing->index, 10, "somebody types elsewhere");
        CHECK(typing->room == 0 || (item->flags == ITEM_ASCII && item_end(doc, item) == client->state &&
                                    item->content + item->length == client->ascii_used &&
                                    typing->room <= client->ascii_capacity - client->ascii_used),
              10, "what is typed in cannot grow");
        CHECK(typing->room == 0 || item->right == ITEM_NONE || item_visible(doc_item(doc, item->right)) > 0, 10,
              "what is typed goes behind a grave");
    }
    if (erasing->type != NULL) {
        const struct item *item = doc_item(doc, erasing->item);
        const struct item *grave = doc_item(doc, erasing->grave);
        CHECK(grave->kind == CONTENT_DELETED && item_visible(item) > 0, 10, "what is erased has no grave");
        CHECK(erasing->forward ? grave->right == erasing->item : item->right == erasing->grave, 10, "the grave lies elsewhere");
        CHECK(run_place_item(erasing->moving) == (erasing->forward ? erasing->item : erasing->grave), 10, "another run would move");
    }
    return 0;
}

/* 8: what waits is sorted, and counted. */
static int check_pending(const struct crdt_doc *doc, const char **out_what) {
    const struct pending *pending = &doc->seldom->pending;
    size_t bytes = pending->delete_count * sizeof *pending->deletes;
    for (size_t i = 0; i < pending->count; i++) {
        const struct parked *parked = pending->structs[i];
        bytes += sizeof *parked + parked->size + sizeof parked;
        CHECK(doc_client_find(doc, parked->client) != NULL, 8, "a waiting struct's client is not known");
        if (i > 0) {
            const struct parked *before = pending->structs[i - 1];
            CHECK(before->client > parked->client || (before->client == parked->client && before->clock <= parked->clock), 8,
                  "waiting structs are not sorted");
        }
    }
    CHECK(bytes == pending->bytes, 8, "waiting bytes are miscounted");
    CHECK((pending->count > 0) == (pending->missing != NULL), 8, "structs wait for nothing, or nothing waits");
    for (const struct client *client = pending->missing; client != NULL; client = client->missing_next)
        CHECK(client->missing != CLIENT_NOT_MISSING, 8, "a missing client misses nothing");
    return 0;
}

int doc_check(const struct crdt_doc *doc, const char **out_what) {
    const char *unused;
    out_what = out_what != NULL ? out_what : &unused;
    size_t runs = 0;
    size_t in_lists = 0;
    size_t listed = 0;
    size_t with_units = 0;
    for (uint32_t i = 0; i < doc->client_count; i++) {
        const struct client *client = doc->clients[i];
        CHECK(client->index == i && doc_client_find(doc, client->id) == client, 1, "a client is not found by its id");
        CHECK(i == 0 || doc->sorted[i - 1]->id > doc->sorted[i]->id, 1, "the clients are not sorted");
        CHECK(!client->txn_touched && !client->compact, 5, "a client still stands in a transaction");
        with_units += client->state > 0;
        int broken = check_runs(doc, client, &runs, out_what);
        for (struct run_chunk *chunk = client->first; broken == 0 && chunk != NULL; chunk = chunk->next)
            for (uint32_t at = 0; broken == 0 && at < chunk->count; at++) {
                broken = check_item(doc, run_items(chunk)[at], out_what);
                in_lists += doc_item(doc, run_items(chunk)[at])->kind != CONTENT_GC;
            }
        if (broken != 0)
            return broken;
    }
    CHECK(doc->sorted_count == doc->client_count, 1, "a client is not sorted");
    CHECK(runs == doc->runs && with_units == doc->clients_with_units, 1, "the document's runs or clients are miscounted");
    CHECK(doc->items.used - doc->items.free_count == runs, 1, "items were lost");
    for (uint32_t i = 0; i < doc->types.count; i++)
        if (doc->types.all[i] != NULL) {
            CHECK(doc->types.all[i]->index == i, 4, "a type has a wrong number");
            int broken = check_list(doc, i, &listed, out_what);
            if (broken != 0)
                return broken;
        }
    CHECK(listed == in_lists, 3, "an item is in no list, or in two");
    CHECK(siblings_are_true(doc), 11, "noted siblings stand otherwise");
    int broken = check_typing(doc, out_what);
    return broken != 0 ? broken : check_pending(doc, out_what);
}
