/* undo.c — see crdt/undo.h.
 *
 *   item     = what a transaction inserted: ranges of units; what it deleted: ranges of units
 *   undoing  = 1. what was inserted and is still there is noted
 *              2. what was deleted (and not inserted by the same item) comes again: each run is copied to a new one of the local
 *                 client between the old one's left neighbour and the old one. Nested types come before what they hold
 *              3. what was noted is deleted
 *
 * Units that came again are known by `redone`: old unit → new unit, as ranges. So an item on the stack that names a unit means what
 * became of it, and runs may be cut and joined as they like.
 *
 *     redone:  (7, 10, 5) → (1, 40)          unit 12 of client 7 is unit 42 of client 1 now
 *
 * Everything is reserved before the first change: an upper bound is known from walking the ranges once. Steps that place what comes
 * again exactly may need splits; they have a budget, and without one the copy goes beside the run instead of into it. */
#include "crdt/undo.h"

#include "change.h"
#include "edit.h"

struct ranges {
    struct id_range *list;
    size_t count;
    size_t capacity;
};

struct undo_item {
    struct ranges inserted;
    struct ranges deleted;
    struct ranges clients; /* whose units were deleted, in the order of the first: what was deleted comes again in Yjs's order */
    void *meta;
};

struct undo_stack {
    struct undo_item *items;
    size_t count;
    size_t capacity;
};

struct redone {
    struct id_range from;
    struct id to;
};

/* A scope by a name that outlives the type: a root, or the unit that holds it. */
struct scope {
    const struct crdt_type *root; /* NULL: nested */
    uint32_t client;
    uint64_t clock;
};

struct crdt_undo {
    struct crdt_observer observer;
    struct crdt_doc *doc;
    const struct mem *mem;
    struct crdt_undo_options options;
    struct scope *scopes;
    const void **origins;
    struct undo_stack undos;
    struct undo_stack redos;
    struct undo_stack *filling; /* while undoing or redoing: where what that does is noted */
    struct redone *redone;      /* sorted by from */
    size_t redone_count;
    size_t redone_capacity;
    uint64_t last_ms;
    bool capturing; /* last_ms counts */
    uint64_t lost;
    /* One undoing. */
    const struct undo_item *at_work;
    struct ranges wanted; /* what is to come again */
    size_t splits;        /* that may be made */
};

static enum status grow(const struct mem *mem, void **list, size_t *capacity, size_t element, size_t needed) {
    if (needed <= *capacity)
        return STATUS_OK;
    size_t grown = *capacity * 2 > needed ? *capacity * 2 : needed;
    void *block = mem_resize(mem, *list, *capacity * element, grown * element);
    if (block == NULL)
        return STATUS_NO_MEMORY;
    *list = block;
    *capacity = grown;
    return STATUS_OK;
}

/* ---- ranges ---- */

static enum status ranges_add(const struct mem *mem, struct ranges *ranges, struct id_range range) {
    if (range.length == 0)
        return STATUS_OK;
    enum status status = grow(mem, (void **)&ranges->list, &ranges->capacity, sizeof *ranges->list, ranges->count + 1);
    if (status == STATUS_OK)
        ranges->list[ranges->count++] = range;
    return status;
}

static enum status ranges_add_all(const struct mem *mem, struct ranges *ranges, const struct ranges *more) {
    enum status status = STATUS_OK;
    assert(more->list != NULL || more->count == 0);
    for (size_t i = 0; i < more->count && status == STATUS_OK; i++)
        status = ranges_add(mem, ranges, more->list[i]);
    return status;
}

static void ranges_finish(const struct mem *mem, struct ranges *ranges) {
    mem_free(mem, ranges->list, ranges->capacity * sizeof *ranges->list);
    *ranges = (struct ranges){ NULL, 0, 0 };
}

/* Normalized ranges: the first that ends behind the unit, by (client descending, clock). */
static size_t ranges_search(const struct ranges *ranges, uint64_t client, uint64_t clock) {
    size_t low = 0;
    size_t high = ranges->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct id_range *range = &ranges->list[middle];
        if (range->client > client || (range->client == client && range->clock + range->length <= clock))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Whether the unit is among them; how many units from it on are the same in that. */
static bool ranges_have(const struct ranges *ranges, uint64_t client, uint64_t clock, uint64_t *out_units) {
    size_t at = ranges_search(ranges, client, clock);
    if (at == ranges->count || ranges->list[at].client != client) {
        *out_units = UINT64_MAX;
        return false;
    }
    const struct id_range *range = &ranges->list[at];
    bool inside = range->clock <= clock;
    *out_units = inside ? range->clock + range->length - clock : range->clock - clock;
    return inside;
}

static bool ranges_have_unit(const struct ranges *ranges, uint64_t client, uint64_t clock) {
    uint64_t units;
    return ranges_have(ranges, client, clock, &units);
}

/* ---- stacks ---- */

static void item_finish(const struct mem *mem, struct undo_item *item) {
    ranges_finish(mem, &item->inserted);
    ranges_finish(mem, &item->deleted);
    ranges_finish(mem, &item->clients);
}

static void stack_clear(const struct mem *mem, struct undo_stack *stack) {
    while (stack->count > 0)
        item_finish(mem, &stack->items[--stack->count]);
}

static void stack_finish(const struct mem *mem, struct undo_stack *stack) {
    stack_clear(mem, stack);
    mem_free(mem, stack->items, stack->capacity * sizeof *stack->items);
}

static bool stack_deletes(const struct undo_stack *stack, uint64_t client, uint64_t clock) {
    for (size_t i = 0; i < stack->count; i++)
        if (ranges_have_unit(&stack->items[i].deleted, client, clock))
            return true;
    return false;
}

/* ---- scope ---- */

static bool scope_is(const struct crdt_doc *doc, const struct scope *scope, const struct crdt_type *type) {
    if (type->item == ITEM_NONE)
        return scope->root == type;
    const struct item *holder = doc_item(doc, type->item);
    return scope->root == NULL && holder->client == scope->client && item_clock(doc, holder) == scope->clock;
}

static bool in_scope(const struct crdt_undo *undo, const struct item *item) {
    const struct crdt_doc *doc = undo->doc;
    if (undo->options.scope_count == 0)
        return item->kind != CONTENT_GC;
    while (item->kind != CONTENT_GC) {
        const struct crdt_type *type = doc_type(doc, item_parent(doc, item));
        for (size_t i = 0; i < undo->options.scope_count; i++)
            if (scope_is(doc, &undo->scopes[i], type))
                return true;
        if (type->item == ITEM_NONE)
            return false;
        item = doc_item(doc, type->item);
    }
    return false;
}

/* ---- recording ---- */

static bool is_tracked(const struct crdt_undo *undo, const struct crdt_txn *txn) {
    if (txn->origin == undo)
        return true;
    if (undo->options.origin_count == 0)
        return txn->origin == NULL && !txn->remote;
    for (size_t i = 0; i < undo->options.origin_count; i++)
        if (undo->origins[i] == txn->origin)
            return true;
    return false;
}

static bool stop_in_scope(void *context, uint32_t number) {
    const struct crdt_undo *undo = context;
    return !in_scope(undo, doc_item(undo->doc, number));
}

/* Deleted content that may be wanted again stays, and so does what holds it. */
static void keep_deleted(struct crdt_undo *undo, const struct crdt_txn *txn) {
    struct crdt_doc *doc = undo->doc;
    struct deleted_walk walk = { 0 };
    for (uint32_t at; (at = txn_deleted_next(txn, &walk)) != ITEM_NONE;) {
        struct item *item = doc_item(doc, at);
        if (!in_scope(undo, item))
            continue;
        while ((item->flags & ITEM_KEEP) == 0) {
            item->flags |= ITEM_KEEP;
            const struct crdt_type *parent = doc_type(doc, item_parent(doc, item));
            if (parent->item == ITEM_NONE)
                break;
            item = doc_item(doc, parent->item);
        }
    }
}

static enum status clients_add(const struct mem *mem, struct ranges *clients, uint64_t client) {
    for (size_t i = clients->count; i-- > 0;)
        if (clients->list[i].client == client)
            return STATUS_OK;
    return ranges_add(mem, clients, (struct id_range){ client, 0, 1 });
}

static enum status record(struct crdt_undo *undo, const struct crdt_txn *txn, struct undo_item *item) {
    struct crdt_doc *doc = undo->doc;
    enum status status = STATUS_OK;
    for (const struct client *client = txn->touched; client != NULL && status == STATUS_OK; client = client->txn_next)
        status = ranges_add(undo->mem, &item->inserted,
                            (struct id_range){ client->id, client->txn_from, client->state - client->txn_from });
    item->inserted.count = id_ranges_normalize(item->inserted.list, item->inserted.count);
    for (size_t i = 0; i < txn->deleted_count && status == STATUS_OK; i++) {
        const struct unit_range *range = &txn->deleted[i];
        uint64_t client = doc->clients[range->client]->id;
        status = ranges_add(undo->mem, &item->deleted, (struct id_range){ client, range->clock, range->length });
        if (status == STATUS_OK)
            status = clients_add(undo->mem, &item->clients, client);
    }
    item->deleted.count = id_ranges_normalize(item->deleted.list, item->deleted.count);
    return status;
}

/* `item` joins the one at the top. */
static enum status stack_join(const struct mem *mem, struct undo_item *top, const struct undo_item *item) {
    enum status status = ranges_add_all(mem, &top->inserted, &item->inserted);
    if (status == STATUS_OK)
        status = ranges_add_all(mem, &top->deleted, &item->deleted);
    for (size_t i = 0; i < item->clients.count && status == STATUS_OK; i++)
        status = clients_add(mem, &top->clients, item->clients.list[i].client);
    top->inserted.count = id_ranges_normalize(top->inserted.list, top->inserted.count);
    top->deleted.count = id_ranges_normalize(top->deleted.list, top->deleted.count);
    return status;
}

static void undo_on_change(struct crdt_observer *self, struct crdt_txn *txn) {
    struct crdt_undo *undo = (struct crdt_undo *)(void *)self; /* its first member */
    if (!is_tracked(undo, txn) || change_each(txn, stop_in_scope, undo))
        return;
    struct undo_stack *stack = undo->filling != NULL ? undo->filling : &undo->undos;
    bool own = undo->filling != NULL;
    if (!own)
        stack_clear(undo->mem, &undo->redos);
    uint64_t now = undo->options.now_ms == NULL ? 0 : undo->options.now_ms(undo->options.context);
    bool joins = !own && undo->capturing && stack->count > 0 && now - undo->last_ms < undo->options.capture_ms;
    struct undo_item item = { .meta = NULL };
    enum status status = record(undo, txn, &item);
    if (status == STATUS_OK && joins) {
        status = stack_join(undo->mem, &stack->items[stack->count - 1], &item);
        item_finish(undo->mem, &item);
    } else if (status == STATUS_OK) {
        status = grow(undo->mem, (void **)&stack->items, &stack->capacity, sizeof item, stack->count + 1);
        if (status == STATUS_OK)
            stack->items[stack->count++] = item;
    }
    keep_deleted(undo, txn);
    if (status != STATUS_OK) {
        undo->lost++;
        if (!joins)
            item_finish(undo->mem, &item);
        return;
    }
    undo->capturing = !own && undo->options.now_ms != NULL;
    undo->last_ms = now;
}

/* ---- what became of a unit ---- */

static size_t redone_search(const struct crdt_undo *undo, uint64_t client, uint64_t clock) {
    size_t low = 0;
    size_t high = undo->redone_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct id_range *from = &undo->redone[middle].from;
        if (from->client < client || (from->client == client && from->clock + from->length <= clock))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* One step; `out_units` from `id` on went the same way (or did not). */
static bool redone_step(const struct crdt_undo *undo, struct id id, struct id *out, uint64_t *out_units) {
    size_t at = redone_search(undo, id.client, id.clock);
    const struct redone *redone = at < undo->redone_count ? &undo->redone[at] : NULL;
    if (redone == NULL || redone->from.client != id.client) {
        *out_units = UINT64_MAX;
        return false;
    }
    if (redone->from.clock > id.clock) {
        *out_units = redone->from.clock - id.clock;
        return false;
    }
    *out = (struct id){ redone->to.client, redone->to.clock + (id.clock - redone->from.clock) };
    *out_units = redone->from.clock + redone->from.length - id.clock;
    return true;
}

/* There is room. */
static void redone_add(struct crdt_undo *undo, struct id_range from, struct id to) {
    assert(undo->redone != NULL && undo->redone_count < undo->redone_capacity);
    size_t at = redone_search(undo, from.client, from.clock);
    struct redone *before = at > 0 ? &undo->redone[at - 1] : NULL;
    if (before != NULL && before->from.client == from.client && before->from.clock + before->from.length == from.clock &&
        before->to.client == to.client && before->to.clock + before->from.length == to.clock) {
        before->from.length += from.length;
        return;
    }
    memmove(undo->redone + at + 1, undo->redone + at, (undo->redone_count - at) * sizeof *undo->redone);
    undo->redone[at] = (struct redone){ from, to };
    undo->redone_count++;
}

/* ---- planning ---- */

static uint64_t shorter(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

/* Adds the live units in scope that a range has become. */
static enum status plan_deletes(const struct crdt_undo *undo, struct id_range range, struct ranges *out) {
    struct crdt_doc *doc = undo->doc;
    enum status status = STATUS_OK;
    for (uint64_t done = 0, units; done < range.length && status == STATUS_OK; done += units) {
        struct id id = { range.client, range.clock + done };
        uint64_t same;
        units = range.length - done;
        while (redone_step(undo, id, &id, &same))
            units = shorter(units, same);
        units = shorter(units, same);
        const struct client *client = doc_client(doc, id.client);
        const struct item *item = doc_item(doc, doc_find(doc, client->index, id.clock));
        units = shorter(units, item_end(doc, item) - id.clock);
        if ((item->flags & ITEM_DELETED) == 0 && in_scope(undo, item))
            status = ranges_add(undo->mem, out, (struct id_range){ id.client, id.clock, units });
    }
    return status;
}

/* Adds what of a deleted range is to come again, and what that needs. */
static enum status plan_redos(struct crdt_undo *undo, struct id_range range, struct edit_need *need) {
    struct crdt_doc *doc = undo->doc;
    enum status status = STATUS_OK;
    for (uint64_t done = 0, units; done < range.length && status == STATUS_OK; done += units) {
        uint64_t clock = range.clock + done;
        const struct client *client = doc_client(doc, range.client);
        const struct item *item = doc_item(doc, doc_find(doc, client->index, clock));
        bool own = ranges_have(&undo->at_work->inserted, range.client, clock, &units);
        units = shorter(shorter(units, range.length - done), item_end(doc, item) - clock);
        bool there = item->kind != CONTENT_GC && item->kind != CONTENT_DELETED && (item->flags & ITEM_DELETED) != 0;
        if (own || !there || !in_scope(undo, item))
            continue;
        size_t bytes = item_content(doc, item).size;
        need->items += 1 + content_more_items(item->kind, item_length(doc, item), bytes);
        need->splits += 6;
        need->text += bytes + 6 * sizeof content_half_pair;
        need->ascii += bytes; /* what is cut may be ASCII then */
        need->units += units;
        need->types += item->kind == CONTENT_TYPE;
        if (item_is_keyed(item)) {
            need->keys++;
            need->key_bytes += doc->types.entries[item->place].key_bytes;
        }
        status = ranges_add(undo->mem, &undo->wanted, (struct id_range){ range.client, clock, units });
    }
    return status;
}

/* ---- coming again ---- */

/* Cuts so that the unit is the first (or last) of its item, if there is a split left. Answers its item. */
static uint32_t cut_before(struct crdt_undo *undo, uint32_t client, uint64_t clock) {
    const struct item *item = doc_item(undo->doc, doc_find(undo->doc, client, clock));
    if (item_clock(undo->doc, item) == clock || undo->splits == 0)
        return doc_find(undo->doc, client, clock);
    undo->splits--;
    return doc_split_before(undo->doc, client, clock);
}

static uint32_t cut_after(struct crdt_undo *undo, uint32_t client, uint64_t clock) {
    const struct item *item = doc_item(undo->doc, doc_find(undo->doc, client, clock));
    if (item_end(undo->doc, item) == clock + 1 || undo->splits == 0)
        return doc_find(undo->doc, client, clock);
    undo->splits--;
    return doc_split_after(undo->doc, client, clock);
}

static struct id unit_of(const struct crdt_doc *doc, const struct item *item, uint64_t offset) {
    return (struct id){ doc->clients[item->client]->id, item_clock(doc, item) + offset };
}

/* Where a unit, or what became of it, stands in `parent`; false: nowhere. */
static bool trace(const struct crdt_undo *undo, struct id id, const struct crdt_type *parent, struct id *out) {
    struct crdt_doc *doc = undo->doc;
    for (uint64_t units;;) {
        const struct client *client = doc_client(doc, id.client);
        const struct item *item = doc_item(doc, doc_find(doc, client->index, id.clock));
        if (item->kind == CONTENT_GC)
            return false;
        *out = id;
        if (item_parent(doc, item) == parent->index)
            return true;
        if (!redone_step(undo, id, &id, &units))
            return false;
    }
}

/* The gap in a list: right of the old run's left neighbours, left of the old run, or what these have become. */
static void gap_in_list(struct crdt_undo *undo, uint32_t number, struct edit_gap *gap) {
    struct crdt_doc *doc = undo->doc;
    struct id id;
    struct id left = { 0, 0 };
    gap->left = gap->right = ITEM_NONE;
    for (uint32_t at = doc_item(doc, number)->left; at != ITEM_NONE; at = doc_item(doc, at)->left)
        if (trace(undo, unit_of(doc, doc_item(doc, at), item_length(doc, doc_item(doc, at)) - 1), gap->type, &id)) {
            gap->left = cut_after(undo, doc_client(doc, id.client)->index, id.clock);
            left = id;
            break;
        }
    for (uint32_t at = number; at != ITEM_NONE; at = doc_item(doc, at)->right)
        if (trace(undo, unit_of(doc, doc_item(doc, at), 0), gap->type, &id)) {
            gap->right = cut_before(undo, doc_client(doc, id.client)->index, id.clock);
            break;
        }
    if (gap->left != ITEM_NONE) /* that cut may have been in the same item */
        gap->left = doc_find(doc, doc_client(doc, left.client)->index, left.clock);
    if (gap->left != ITEM_NONE && gap->left == gap->right)
        gap->right = doc_item(doc, gap->left)->right;
}

/* The end of the key's chain; false: somebody else has set it since. */
static bool gap_at_key(struct crdt_undo *undo, uint32_t number, struct edit_gap *gap) {
    struct crdt_doc *doc = undo->doc;
    const struct item *item = doc_item(doc, number);
    const struct entry *entry = &doc->types.entries[item->place];
    gap->entry = types_entry(&doc->types, gap->type, bytes_of(entry->key, entry->key_bytes));
    gap->right = ITEM_NONE;
    gap->left = doc->types.entries[gap->entry].item;
    if (item->right == ITEM_NONE)
        return true;
    uint32_t left = number;
    for (uint32_t right; (right = doc_item(doc, left)->right) != ITEM_NONE;) {
        struct id id = unit_of(doc, doc_item(doc, right), 0);
        struct id next;
        uint64_t units;
        bool ours = redone_step(undo, id, &next, &units) || ranges_have_unit(&undo->at_work->inserted, id.client, id.clock) ||
                    stack_deletes(&undo->undos, id.client, id.clock) || stack_deletes(&undo->redos, id.client, id.clock);
        if (!ours)
            return false;
        while (redone_step(undo, id, &next, &units))
            id = next;
        left = doc_find(doc, doc_client(doc, id.client)->index, id.clock);
    }
    if (item_parent(doc, doc_item(doc, left)) == gap->type->index)
        gap->left = left;
    return true;
}

/* The type that the run comes back into; NULL: it is gone. */
static struct crdt_type *parent_now(const struct crdt_undo *undo, const struct item *item) {
    struct crdt_doc *doc = undo->doc;
    struct crdt_type *parent = doc_type(doc, item_parent(doc, item));
    if (parent->item == ITEM_NONE || (doc_item(doc, parent->item)->flags & ITEM_DELETED) == 0)
        return parent;
    struct id id = unit_of(doc, doc_item(doc, parent->item), 0);
    struct id next;
    uint64_t units;
    bool came = false;
    for (; redone_step(undo, id, &next, &units); came = true)
        id = next;
    const struct item *holder = doc_item(doc, doc_find(doc, doc_client(doc, id.client)->index, id.clock));
    return came && holder->kind == CONTENT_TYPE ? doc_type(doc, item_type(doc, holder)) : NULL;
}

/* Behind what came last. */
static void gap_behind_last(const struct crdt_doc *doc, const struct client *local, struct edit_gap *gap) {
    gap->left = doc_find(doc, local->index, local->state - 1);
    gap->right = doc_item(doc, gap->left)->right;
}

/* `goes_on`: the run before it, of which it is a part, has just come. */
static bool redo_one(struct crdt_undo *undo, uint32_t number, struct client *local, bool goes_on) {
    struct crdt_doc *doc = undo->doc;
    struct edit_gap gap = { .client = local, .entry = ENTRY_NONE };
    gap.type = parent_now(undo, doc_item(doc, number));
    if (gap.type == NULL)
        return false;
    if (goes_on)
        gap_behind_last(doc, local, &gap);
    else if (!item_is_keyed(doc_item(doc, number)))
        gap_in_list(undo, number, &gap);
    else if (!gap_at_key(undo, number, &gap))
        return false;
    const struct item *old = doc_item(doc, number);
    struct id_range from = { doc->clients[old->client]->id, item_clock(doc, old), item_length(doc, old) };
    struct id to = { local->id, local->state };
    edit_put(doc, &gap, old->kind, item_length(doc, old), item_content(doc, old));
    for (uint64_t clock = to.clock; clock < local->state;) {
        struct item *item = doc_item(doc, doc_find(doc, local->index, clock));
        item->flags |= ITEM_KEEP;
        clock = item_end(doc, item);
    }
    redone_add(undo, from, to);
    return true;
}

/* A run whose holder is to come again waits for that: outermost first. */
static bool redo_with_holders(struct crdt_undo *undo, uint32_t number, struct client *local, bool goes_on) {
    struct crdt_doc *doc = undo->doc;
    for (;;) {
        uint32_t first = number;
        struct id id;
        uint64_t units;
        for (;;) {
            const struct crdt_type *parent = doc_type(doc, item_parent(doc, doc_item(doc, first)));
            if (parent->item == ITEM_NONE || (doc_item(doc, parent->item)->flags & ITEM_DELETED) == 0)
                break;
            struct id holder = unit_of(doc, doc_item(doc, parent->item), 0);
            if (redone_step(undo, holder, &id, &units))
                break;
            if (!ranges_have_unit(&undo->wanted, holder.client, holder.clock))
                return false;
            first = parent->item;
        }
        if (redone_step(undo, unit_of(doc, doc_item(doc, first), 0), &id, &units))
            return first == number;
        if (!redo_one(undo, first, local, goes_on && first == number))
            return false;
        if (first == number)
            return true;
    }
}

/* The runs of a wanted range, cut to it. Answers whether any came.
 *
 * Text that is not all ASCII, half pairs and long contents are several items here and one in Yjs. Such items come back as one run:
 * if each came back beside its own place, what others insert between these places would stand elsewhere than in Yjs. */
static bool redo_range(struct crdt_undo *undo, struct id_range range, struct client *local) {
    struct crdt_doc *doc = undo->doc;
    uint32_t client = doc_client(doc, range.client)->index;
    bool came = false;
    uint32_t last = ITEM_NONE; /* the item before, if it came just now */
    for (uint64_t clock = range.clock, end = range.clock + range.length; clock < end;) {
        cut_before(undo, client, clock);
        const struct item *item = doc_item(doc, doc_find(doc, client, clock));
        if (item_end(doc, item) > end)
            cut_after(undo, client, end - 1);
        uint32_t number = doc_find(doc, client, clock);
        item = doc_item(doc, number);
        uint64_t next = item_end(doc, item);
        bool whole = item_clock(doc, item) == clock && next <= end; /* else no split was left */
        bool goes_on = whole && last != ITEM_NONE && doc_run_goes_on(doc, last, number);
        uint64_t state = local->state;
        bool comes = whole && redo_with_holders(undo, number, local, goes_on);
        last = comes && local->state > state ? number : ITEM_NONE;
        came |= comes;
        clock = next;
    }
    return came;
}

/* ---- undoing ---- */

/* Run by run from the end, as Yjs: what stands in deleted types goes with them in that order, and comes again in it. Answers
 * whether any was there. */
static bool delete_backwards(struct crdt_txn *txn, struct client *client, const struct id_range *range) {
    bool some = false;
    for (uint64_t end = range->clock + range->length; end > range->clock;) {
        const struct item *item = doc_item(txn->doc, doc_find(txn->doc, client->index, end - 1));
        uint64_t from = item_clock(txn->doc, item) > range->clock ? item_clock(txn->doc, item) : range->clock;
        some |= txn_delete_range(txn, client, from, end) > 0;
        end = from;
    }
    return some;
}

static enum status item_take_back(struct crdt_undo *undo, struct crdt_txn *txn, const struct undo_item *item, bool *out_done) {
    struct crdt_doc *doc = undo->doc;
    struct edit_need need = { .items = 0 };
    struct ranges deletes = { NULL, 0, 0 };
    struct client *local = NULL;
    enum status status = STATUS_OK;
    undo->at_work = item;
    undo->wanted.count = 0;
    for (size_t i = 0; i < item->inserted.count && status == STATUS_OK; i++)
        status = plan_deletes(undo, item->inserted.list[i], &deletes);
    for (size_t i = 0; i < item->deleted.count && status == STATUS_OK; i++)
        status = plan_redos(undo, item->deleted.list[i], &need);
    undo->wanted.count = id_ranges_normalize(undo->wanted.list, undo->wanted.count);
    deletes.count = id_ranges_normalize(deletes.list, deletes.count);
    undo->splits = need.splits;
    need.splits += 2 * deletes.count;
    assert(deletes.list != NULL || deletes.count == 0);
    for (size_t i = 0; i < deletes.count; i++)
        need.deletes += deletes.list[i].length;
    /* Every cut run is one more that comes again. */
    need.items += 3 * need.splits;
    if (status == STATUS_OK)
        status =
            grow(undo->mem, (void **)&undo->redone, &undo->redone_capacity, sizeof *undo->redone, undo->redone_count + need.items);
    if (status == STATUS_OK && (undo->wanted.count > 0 || deletes.count > 0))
        status = edit_reserve(doc, &need, &local);
    *out_done = false;
    for (size_t i = 0; i < item->clients.count && status == STATUS_OK; i++)
        for (size_t at = ranges_search(&undo->wanted, item->clients.list[i].client, 0);
             at < undo->wanted.count && undo->wanted.list[at].client == item->clients.list[i].client; at++)
            *out_done |= redo_range(undo, undo->wanted.list[at], local);
    for (size_t i = deletes.count; i-- > 0 && status == STATUS_OK;)
        *out_done |= delete_backwards(txn, doc_client(doc, deletes.list[i].client), &deletes.list[i]);
    ranges_finish(undo->mem, &deletes);
    return status;
}

static enum status take_back(struct crdt_undo *undo, struct undo_stack *from, struct undo_stack *to, struct bytes_writer *update,
                             bool *out_done) {
    struct crdt_txn *txn = crdt_txn_begin(undo->doc);
    crdt_txn_set_origin(txn, undo);
    enum status status = STATUS_OK;
    *out_done = false;
    while (status == STATUS_OK && !*out_done && from->count > 0) {
        struct undo_item item = from->items[--from->count];
        status = item_take_back(undo, txn, &item, out_done);
        if (status == STATUS_OK)
            item_finish(undo->mem, &item);
        else
            from->count++;
    }
    undo->filling = to;
    undo->capturing = false;
    enum status committed = crdt_txn_commit(txn, update, NULL);
    undo->filling = NULL;
    return status == STATUS_OK ? committed : status;
}

enum status crdt_undo(struct crdt_undo *undo, struct bytes_writer *update, bool *out_done) {
    return take_back(undo, &undo->undos, &undo->redos, update, out_done);
}

enum status crdt_redo(struct crdt_undo *undo, struct bytes_writer *update, bool *out_done) {
    return take_back(undo, &undo->redos, &undo->undos, update, out_done);
}

/* ---- the rest ---- */

enum status crdt_undo_create(const struct crdt_undo_options *options, struct crdt_undo **out) {
    const struct mem *mem = options->doc->options.mem;
    struct crdt_undo *undo = mem_zalloc(mem, sizeof *undo);
    if (undo == NULL)
        return STATUS_NO_MEMORY;
    undo->mem = mem;
    undo->doc = options->doc;
    undo->options = *options;
    undo->observer.on_change = undo_on_change;
    undo->scopes = mem_alloc(mem, (options->scope_count + 1) * sizeof *undo->scopes);
    undo->origins = mem_alloc(mem, (options->origin_count + 1) * sizeof *undo->origins);
    if (undo->options.capture_ms == 0)
        undo->options.capture_ms = CRDT_UNDO_CAPTURE_MS;
    if (undo->scopes == NULL || undo->origins == NULL) {
        crdt_undo_destroy(undo);
        return STATUS_NO_MEMORY;
    }
    for (size_t i = 0; i < options->scope_count; i++) {
        const struct crdt_type *type = options->scopes[i];
        undo->scopes[i] = (struct scope){ .root = type };
        if (type->item != ITEM_NONE) {
            const struct item *holder = doc_item(undo->doc, type->item);
            undo->scopes[i] = (struct scope){ NULL, holder->client, item_clock(undo->doc, holder) };
        }
    }
    if (options->origin_count > 0)
        memcpy(undo->origins, options->origins, options->origin_count * sizeof *undo->origins);
    crdt_doc_observe(undo->doc, &undo->observer);
    *out = undo;
    return STATUS_OK;
}

void crdt_undo_destroy(struct crdt_undo *undo) {
    if (undo == NULL)
        return;
    const struct mem *mem = undo->mem;
    crdt_doc_unobserve(undo->doc, &undo->observer);
    stack_finish(mem, &undo->undos);
    stack_finish(mem, &undo->redos);
    ranges_finish(mem, &undo->wanted);
    mem_free(mem, undo->redone, undo->redone_capacity * sizeof *undo->redone);
    mem_free(mem, undo->scopes, (undo->options.scope_count + 1) * sizeof *undo->scopes);
    mem_free(mem, undo->origins, (undo->options.origin_count + 1) * sizeof *undo->origins);
    mem_free(mem, undo, sizeof *undo);
}

void crdt_undo_stop_capturing(struct crdt_undo *undo) {
    undo->capturing = false;
}

void crdt_undo_clear(struct crdt_undo *undo) {
    stack_clear(undo->mem, &undo->undos);
    stack_clear(undo->mem, &undo->redos);
    undo->capturing = false;
}

size_t crdt_undo_count(const struct crdt_undo *undo) {
    return undo->undos.count;
}

size_t crdt_redo_count(const struct crdt_undo *undo) {
    return undo->redos.count;
}

static void **stack_meta(struct undo_stack *stack) {
    return stack->count == 0 ? NULL : &stack->items[stack->count - 1].meta;
}

void **crdt_undo_meta(struct crdt_undo *undo) {
    return stack_meta(&undo->undos);
}

void **crdt_redo_meta(struct crdt_undo *undo) {
    return stack_meta(&undo->redos);
}

uint64_t crdt_undo_lost(const struct crdt_undo *undo) {
    return undo->lost;
}
