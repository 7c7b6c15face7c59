/* observe.c — see crdt/observe.h.
 *
 * A type has changed if a run of it is new or was deleted in the transaction. Its list is walked once, old and new against each
 * other; of each key, the chain is looked at from its end back to what was there before. */
#include "crdt/observe.h"

#include "change.h"
#include "format.h"
#include "read.h"
#include "sort.h"
#include "value_read.h"

/* ---- observers ---- */

void crdt_doc_observe(struct crdt_doc *doc, struct crdt_observer *observer) {
    struct crdt_observer **at = &doc->observers;
    while (*at != NULL)
        at = &(*at)->next;
    observer->next = NULL;
    *at = observer;
}

void crdt_doc_unobserve(struct crdt_doc *doc, struct crdt_observer *observer) {
    for (struct crdt_observer **at = &doc->observers; *at != NULL; at = &(*at)->next)
        if (*at == observer) {
            *at = observer->next;
            return;
        }
}

void crdt_txn_set_origin(struct crdt_txn *txn, const void *origin) {
    txn->origin = origin;
}

const void *crdt_txn_origin(const struct crdt_txn *txn) {
    return txn->origin;
}

bool crdt_txn_is_remote(const struct crdt_txn *txn) {
    return txn->remote;
}

struct crdt_doc *crdt_txn_doc(const struct crdt_txn *txn) {
    return txn->doc;
}

/* ---- what changed ---- */

bool change_each(const struct crdt_txn *txn, bool (*visit)(void *context, uint32_t number), void *context) {
    const struct crdt_doc *doc = txn->doc;
    for (struct client *client = txn->touched; client != NULL; client = client->txn_next) {
        if (client->txn_from == client->state)
            continue;
        struct run_place place = client_find(client, client->txn_from);
        do {
            uint32_t number = run_place_item(place);
            if (doc_item(doc, number)->kind != CONTENT_GC && !visit(context, number))
                return false;
        } while (run_place_next(&place));
    }
    struct deleted_walk walk = { 0 };
    for (uint32_t at; (at = txn_deleted_next(txn, &walk)) != ITEM_NONE;)
        if (doc_item(doc, at)->kind != CONTENT_GC && !visit(context, at))
            return false;
    return true;
}

static const struct item *type_holder(const struct crdt_doc *doc, const struct crdt_type *type) {
    return type->item == ITEM_NONE ? NULL : doc_item(doc, type->item);
}

static bool type_inside(const struct crdt_doc *doc, const struct crdt_type *type, const struct crdt_type *outer) {
    for (const struct item *holder; type != outer; type = doc_type(doc, item_parent(doc, holder))) {
        holder = type_holder(doc, type);
        if (holder == NULL || holder->kind == CONTENT_GC)
            return false;
    }
    return true;
}

bool change_inside(const struct crdt_doc *doc, const struct item *item, const struct crdt_type *type) {
    return item->kind != CONTENT_GC && type_inside(doc, doc_type(doc, item_parent(doc, item)), type);
}

/* A list of types that changed. */
struct changed {
    const struct crdt_doc *doc;
    const struct crdt_type *scope;
    struct crdt_type *first; /* linked by `next` */
    size_t count;
};

/* New types tell nothing: who inserted them did. */
static bool changed_visit(void *context, uint32_t number) {
    struct changed *changed = context;
    const struct crdt_doc *doc = changed->doc;
    struct crdt_type *type = doc_type(doc, item_parent(doc, doc_item(doc, number)));
    const struct item *holder = type_holder(doc, type);
    if (type->changed || (holder != NULL && (!item_live(holder) || change_old_units(doc, holder) == 0)))
        return true;
    if (changed->scope != NULL && !type_inside(doc, type, changed->scope))
        return true;
    type->changed = true;
    type->next = changed->first;
    changed->first = type;
    changed->count++;
    return true;
}

/* ---- paths ---- */

static enum status event_path(const struct crdt_doc *doc, struct arena *arena, struct crdt_event *event) {
    size_t length = 0;
    const struct crdt_type *type = event->type;
    for (const struct item *holder; (holder = type_holder(doc, type)) != NULL; type = doc_type(doc, item_parent(doc, holder)))
        length++;
    struct crdt_path_step *path = arena_alloc(arena, (length + 1) * sizeof *path);
    event->root = arena_copy(arena, type->name);
    if (path == NULL || event->root.data == NULL)
        return STATUS_NO_MEMORY;
    event->path = path;
    event->path_length = length;
    type = event->type;
    for (const struct item *holder; (holder = type_holder(doc, type)) != NULL; type = doc_type(doc, item_parent(doc, holder))) {
        struct crdt_path_step *step = &path[--length];
        if (item_is_keyed(holder)) {
            const struct entry *entry = &doc->types.entries[holder->place];
            *step = (struct crdt_path_step){ true, arena_copy(arena, bytes_of(entry->key, entry->key_bytes)), 0 };
            if (step->key.data == NULL)
                return STATUS_NO_MEMORY;
            continue;
        }
        for (uint32_t at = holder->left; at != ITEM_NONE; at = doc_item(doc, at)->left)
            if (item_live(doc_item(doc, at)) && content_countable(doc_item(doc, at)->kind))
                step->index += item_length(doc, doc_item(doc, at));
    }
    return STATUS_OK;
}

/* ---- keys ---- */

static enum status key_event(const struct crdt_doc *doc, const struct entry *entry, struct arena *arena,
                             struct crdt_key_change *out, bool *out_changed) {
    const struct item *item = entry->item == ITEM_NONE ? NULL : doc_item(doc, entry->item);
    *out_changed = false;
    if (item == NULL)
        return STATUS_OK;
    const struct item *before = item;
    while (before != NULL && change_old_units(doc, before) == 0)
        before = before->left == ITEM_NONE ? NULL : doc_item(doc, before->left);
    bool had = before != NULL && (item_live(before) || change_deleted(before));
    bool has = item_live(item);
    if ((!had && !has) || (before == item && has))
        return STATUS_OK;
    *out_changed = true;
    out->action = !had ? CRDT_KEY_ADDED : has ? CRDT_KEY_UPDATED : CRDT_KEY_REMOVED;
    out->key = arena_copy(arena, bytes_of(entry->key, entry->key_bytes));
    if (out->key.data == NULL)
        return STATUS_NO_MEMORY;
    return had ? value_read_item(doc, before, item_length(doc, before) - 1, 1, arena, &out->before) : STATUS_OK;
}

static enum status event_keys(const struct crdt_doc *doc, struct arena *arena, struct crdt_event *event) {
    size_t count = 0;
    for (uint32_t at = event->type->entries; at != ENTRY_NONE; at = doc->types.entries[at].next)
        count++;
    if (count == 0)
        return STATUS_OK;
    struct crdt_key_change *keys = arena_alloc(arena, count * sizeof *keys);
    enum status status = keys == NULL ? STATUS_NO_MEMORY : STATUS_OK;
    for (uint32_t at = event->type->entries; at != ENTRY_NONE && status == STATUS_OK; at = doc->types.entries[at].next) {
        bool changed;
        status = key_event(doc, &doc->types.entries[at], arena, &keys[event->key_count], &changed);
        event->key_count += changed;
    }
    event->keys = keys;
    return status;
}

/* ---- the list ---- */

struct delta_walk {
    const struct crdt_doc *doc;
    struct arena *arena;
    bool is_text;
    struct crdt_delta_step *steps;
    size_t count;
    size_t capacity;
    bool open; /* steps[count] is in the making */
    struct crdt_delta_step step;
    struct bytes_writer text; /* inserted by it */
    struct crdt_value *values;
    size_t value_count;
    size_t value_capacity;
    struct attributes now;     /* in force here */
    struct attributes before;  /* in force here before the transaction */
    struct attributes changes; /* of what is kept; may hold null */
};

static bool event_is_text(const struct crdt_doc *doc, const struct crdt_type *type) {
    enum crdt_type_kind kind;
    if (crdt_type_kind(doc, type, &kind, NULL))
        return kind == CRDT_TYPE_TEXT || kind == CRDT_TYPE_XML_TEXT;
    for (uint32_t at = type->start; at != ITEM_NONE; at = doc_item(doc, at)->right) {
        uint8_t content = doc_item(doc, at)->kind;
        if (content == CONTENT_STRING || content == CONTENT_FORMAT || content == CONTENT_EMBED)
            return true;
    }
    return false;
}

/* Arrays in the arena grow by moving to twice the place. */
static void *walk_grow(struct delta_walk *walk, void *list, size_t count, size_t *capacity, size_t element) {
    if (count < *capacity)
        return list;
    size_t grown = *capacity == 0 ? 4 : *capacity * 2;
    void *moved = arena_alloc(walk->arena, grown * element);
    if (moved == NULL)
        return NULL;
    if (count > 0)
        memcpy(moved, list, count * element);
    *capacity = grown;
    return moved;
}

/* Ends the step in the making. */
static enum status walk_end(struct delta_walk *walk) {
    if (!walk->open)
        return STATUS_OK;
    struct crdt_delta_step *step = &walk->step;
    enum status status = STATUS_OK;
    walk->open = false;
    if (step->kind == CRDT_INSERT && walk->is_text) {
        if (walk->text.status != STATUS_OK)
            return walk->text.status;
        if (walk->text.size > 0) {
            step->insert = crdt_string(arena_copy(walk->arena, bytes_written(&walk->text)));
            bytes_writer_reset(&walk->text);
            if (step->insert.bytes.data == NULL)
                return STATUS_NO_MEMORY;
        }
        status = attributes_read(&walk->now, walk->arena, &step->attributes);
    } else if (step->kind == CRDT_INSERT) {
        step->insert = (struct crdt_value){ .kind = CRDT_ARRAY, .array = { walk->values, walk->value_count } };
        walk->values = NULL;
        walk->value_count = walk->value_capacity = 0;
    } else if (step->kind == CRDT_RETAIN) {
        status = attributes_read(&walk->changes, walk->arena, &step->attributes);
    }
    struct crdt_delta_step *steps = walk_grow(walk, walk->steps, walk->count, &walk->capacity, sizeof *steps);
    if (status != STATUS_OK || steps == NULL)
        return STATUS_NO_MEMORY;
    walk->steps = steps;
    walk->steps[walk->count++] = *step;
    return STATUS_OK;
}

/* Goes on with a step of that kind. */
static enum status walk_begin(struct delta_walk *walk, enum crdt_delta_kind kind) {
    if (walk->open && walk->step.kind == kind)
        return STATUS_OK;
    enum status status = walk_end(walk);
    walk->open = true;
    walk->step = (struct crdt_delta_step){ .kind = kind };
    return status;
}

static enum status walk_length(struct delta_walk *walk, enum crdt_delta_kind kind, uint64_t length) {
    enum status status = length == 0 ? STATUS_OK : walk_begin(walk, kind);
    walk->step.length += length;
    return status;
}

static enum status walk_values(struct delta_walk *walk, const struct item *item, uint64_t from) {
    enum status status = walk_begin(walk, CRDT_INSERT);
    for (uint64_t unit = from; unit < item_length(walk->doc, item) && status == STATUS_OK; unit++) {
        struct crdt_value *values = walk_grow(walk, walk->values, walk->value_count, &walk->value_capacity, sizeof *values);
        if (values == NULL)
            return STATUS_NO_MEMORY;
        walk->values = values;
        status = value_read_item(walk->doc, item, unit, 1, walk->arena, &values[walk->value_count++]);
    }
    return status;
}

static enum status walk_insert(struct delta_walk *walk, const struct item *item, uint64_t from) {
    if (!walk->is_text)
        return walk_values(walk, item, from);
    if (item->kind == CONTENT_STRING) {
        enum status status = walk_begin(walk, CRDT_INSERT);
        item_write_units(walk->doc, item, from, item_length(walk->doc, item), &walk->text);
        return status == STATUS_OK ? walk->text.status : status;
    }
    if (item->kind != CONTENT_EMBED && item->kind != CONTENT_TYPE)
        return STATUS_OK;
    enum status status = walk_end(walk);
    if (status == STATUS_OK)
        status = walk_begin(walk, CRDT_INSERT);
    if (status == STATUS_OK)
        status = value_read_item(walk->doc, item, 0, 1, walk->arena, &walk->step.insert);
    return status == STATUS_OK ? walk_end(walk) : status;
}

/* A mark: what is kept behind it has changed if what is in force differs from what was. */
static enum status walk_mark(struct delta_walk *walk, const struct item *item) {
    const struct mem *mem = walk->arena->mem;
    bool is_new = change_old_units(walk->doc, item) == 0;
    bool was = !is_new && (item_live(item) || change_deleted(item));
    struct bytes key;
    struct bytes json;
    format_of(walk->doc, item, &key, &json);
    enum status status = was ? attributes_set(&walk->before, key, json) : STATUS_OK;
    if (status == STATUS_OK && item_live(item)) {
        status = walk->open && walk->step.kind == CRDT_INSERT ? walk_end(walk) : STATUS_OK;
        if (status == STATUS_OK)
            status = attributes_set(&walk->now, key, json);
    }
    if (status != STATUS_OK)
        return status;
    struct bytes now = attributes_get(&walk->now, key);
    bool same = json_equal(mem, now, attributes_get(&walk->before, key));
    struct attribute *change = attributes_find(&walk->changes, key);
    if (same ? change == NULL : change != NULL && json_equal(mem, change->json, now))
        return STATUS_OK;
    if (walk->open && walk->step.kind == CRDT_RETAIN)
        status = walk_end(walk);
    if (!same)
        return status == STATUS_OK ? attributes_put(&walk->changes, key, now) : status;
    attributes_drop(&walk->changes, change);
    return status;
}

static enum status walk_item(struct delta_walk *walk, const struct item *item) {
    if (item->kind == CONTENT_FORMAT)
        return walk_mark(walk, item);
    if (!content_countable(item->kind))
        return STATUS_OK;
    uint64_t old = change_old_units(walk->doc, item);
    enum status status = STATUS_OK;
    if (item_live(item))
        status = walk_length(walk, CRDT_RETAIN, old);
    else if (change_deleted(item))
        status = walk_length(walk, CRDT_DELETE, old);
    return status == STATUS_OK && item_live(item) && old < item_length(walk->doc, item) ? walk_insert(walk, item, old) : status;
}

static enum status event_delta(const struct crdt_doc *doc, struct arena *arena, struct crdt_event *event) {
    struct delta_walk walk = { .doc = doc, .arena = arena, .is_text = event_is_text(doc, event->type) };
    bytes_writer_init(&walk.text, arena->mem, SIZE_MAX);
    walk.now.mem = walk.before.mem = walk.changes.mem = arena->mem;
    enum status status = STATUS_OK;
    for (uint32_t at = event->type->start; at != ITEM_NONE && status == STATUS_OK; at = doc_item(doc, at)->right)
        status = walk_item(&walk, doc_item(doc, at));
    if (status == STATUS_OK)
        status = walk_end(&walk);
    while (walk.count > 0 && walk.steps[walk.count - 1].kind == CRDT_RETAIN && walk.steps[walk.count - 1].attributes.count == 0)
        walk.count--;
    event->delta = walk.steps;
    event->delta_count = walk.count;
    bytes_writer_finish(&walk.text);
    attributes_finish(&walk.now);
    attributes_finish(&walk.before);
    attributes_finish(&walk.changes);
    return status;
}

/* ---- together ---- */

static bool event_before(const void *left, const void *right) {
    const struct crdt_event *a = left;
    const struct crdt_event *b = right;
    return a->path_length != b->path_length ? a->path_length < b->path_length : a->type->index < b->type->index;
}

enum status crdt_txn_events(const struct crdt_txn *txn, const struct crdt_type *scope, struct arena *arena,
                            struct crdt_events *out) {
    assert(txn->open);
    const struct crdt_doc *doc = txn->doc;
    struct changed changed = { .doc = doc, .scope = scope };
    change_each(txn, changed_visit, &changed);
    struct crdt_event *events = arena_alloc(arena, (changed.count + 1) * sizeof *events);
    enum status status = events == NULL ? STATUS_NO_MEMORY : STATUS_OK;
    size_t count = 0;
    for (struct crdt_type *type = changed.first; type != NULL; type = type->next) {
        type->changed = false;
        if (status != STATUS_OK)
            continue;
        struct crdt_event *event = &events[count++];
        *event = (struct crdt_event){ .type = type };
        status = event_path(doc, arena, event);
        if (status == STATUS_OK)
            status = event_keys(doc, arena, event);
        if (status == STATUS_OK)
            status = event_delta(doc, arena, event);
    }
    if (status == STATUS_OK)
        sort(events, count, sizeof *events, event_before);
    *out = (struct crdt_events){ events, count };
    return status;
}
