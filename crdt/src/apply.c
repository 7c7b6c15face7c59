/* apply.c — an update comes in.
 *
 *   1. check    one walk over the bytes: blocks, counts, deletions. Nothing outside this call has changed up to step 5.
 *   2. plan     the order of integration is played through with clocks only: what can be integrated, what must wait, for whom.
 *               If that satisfies something older in pending, all of pending is played through too.
 *   3. park     what must wait is copied
 *   4. reserve  items, run chunks, text, types, keys: as many as the plan can need at worst
 *   5. do       the same order again, now integrating; then the deletions. Nothing can fail any more.
 *
 * The order is Yjs's: clients descending; a struct whose origin, right origin or parent is missing waits on a stack while the
 * client that it waits for is integrated one struct at a time; when that has nothing to offer, the whole stack is parked with all
 * that follows in those clients, and `missing` remembers which clock must be passed before pending is tried again.
 *
 *     source of client 9:  ▶ a ─ b ─ c        stack: [9, 4]: a waits for a unit of client 4, whose next struct is looked at
 *     source of client 4:  ▶ x ─ y */
#include "crdt/update.h"
#include "list_index.h"
#include "sort.h"
#include "store.h"

enum {
    APPLY_SOURCES_INLINE = 2, /* an update of one or two clients, nearly all, takes no memory for planning */
    APPLY_RANGES_INLINE = 4
};

struct block {
    uint64_t client;
    uint64_t clock;
    uint64_t structs;
    struct bytes_reader reader;
};

/* The structs of one client, in clock order: a block of the update, or parked ones. */
struct source {
    struct client *client;
    struct block block;
    struct parked **parked; /* NULL: from the block */
    size_t parked_count;

    /* The cursor. */
    struct bytes_reader reader;
    uint64_t left;
    uint64_t clock;
    size_t parked_at; /* the next one */
    bool has_head;
    bool blocked;
    bool on_stack;
    struct wire_struct head;
    uint64_t head_clock;
    const uint8_t *head_bytes;
};

/* What planning says of a client; client.planned is its number, if client.plan == doc.plan. */
struct planned {
    struct client *client;
    uint64_t state;
    size_t ascii;
    size_t text;
    size_t source;    /* its place among the sources, SIZE_MAX: none */
    uint64_t missing; /* the clock that something waits for, or CLIENT_NOT_MISSING */
};

struct apply {
    struct crdt_doc *doc;
    bool real;

    struct planned *planned;
    size_t planned_count;
    size_t planned_capacity;
    struct planned planned_inline[APPLY_SOURCES_INLINE];

    struct source *sources; /* of the update */
    size_t source_count;
    size_t source_capacity;
    struct source sources_inline[APPLY_SOURCES_INLINE];

    struct source *woken; /* of pending and what this update adds to it */
    size_t woken_count;
    size_t woken_capacity;

    struct source **stack;
    size_t stack_capacity;
    struct source *stack_inline[APPLY_SOURCES_INLINE];

    struct id_range *ranges; /* deletions, those that waited included */
    size_t range_count;
    size_t range_capacity;
    struct id_range ranges_inline[APPLY_RANGES_INLINE];
    uint64_t range_units; /* of this update's, as they came */

    bool retry;    /* older pending structs are tried again */
    bool woke;     /* older pending deletions find their units */
    bool in_order; /* all structs were wholly new */
    bool plain;    /* no Skip, nothing empty, no bytes behind the end */

    /* Needs at worst. */
    size_t items;
    size_t splits;
    size_t contents;  /* items whose content is not ASCII text */
    uint64_t deletes; /* runs that structs delete */
    bool wide;        /* clocks pass 32 bits */
    size_t types;
    size_t entries;
    size_t name_bytes;
    bool pairs;

    struct parked **fresh; /* copied for pending by this call */
    size_t fresh_count;
    size_t fresh_capacity;
    size_t fresh_kept; /* the first ones went to pending */

    struct parked **waiting; /* the new pending.structs, if `pending_changes` */
    size_t waiting_count;
    size_t waiting_capacity;
    size_t waiting_bytes;
    bool structs_change;

    struct id_range *late; /* the new pending.deletes, if ranges wait */
    size_t late_count;
    size_t late_capacity;
};

/* --- growing arrays, some of which begin inside struct apply --- */

static enum status apply_grow(struct crdt_doc *doc, void **array, size_t *capacity, size_t element, void *inline_array,
                              size_t needed) {
    if (needed <= *capacity)
        return STATUS_OK;
    size_t grown = *capacity * 2 > needed ? *capacity * 2 : needed;
    if (grown > SIZE_MAX / element)
        return STATUS_TOO_BIG;
    bool moved_out = *array == inline_array && inline_array != NULL;
    void *block = mem_resize(&doc->mem, moved_out ? NULL : *array, moved_out ? 0 : *capacity * element, grown * element);
    if (block == NULL)
        return STATUS_NO_MEMORY;
    if (moved_out)
        memcpy(block, *array, *capacity * element);
    *array = block;
    *capacity = grown;
    return STATUS_OK;
}

static void apply_free(struct crdt_doc *doc, void *array, size_t capacity, size_t element, const void *inline_array) {
    if (array != inline_array)
        mem_free(&doc->mem, array, capacity * element);
}

static void apply_finish(struct apply *apply) {
    struct crdt_doc *doc = apply->doc;
    for (size_t i = apply->fresh_kept; i < apply->fresh_count; i++)
        mem_free(&doc->mem, apply->fresh[i], sizeof *apply->fresh[i] + apply->fresh[i]->size);
    apply_free(doc, apply->fresh, apply->fresh_capacity, sizeof *apply->fresh, NULL);
    apply_free(doc, apply->waiting, apply->waiting_capacity, sizeof *apply->waiting, NULL);
    apply_free(doc, apply->late, apply->late_capacity, sizeof *apply->late, NULL);
    apply_free(doc, apply->woken, apply->woken_capacity, sizeof *apply->woken, NULL);
    apply_free(doc, apply->planned, apply->planned_capacity, sizeof *apply->planned, apply->planned_inline);
    apply_free(doc, apply->sources, apply->source_capacity, sizeof *apply->sources, apply->sources_inline);
    apply_free(doc, apply->stack, apply->stack_capacity, sizeof *apply->stack, apply->stack_inline);
    apply_free(doc, apply->ranges, apply->range_capacity, sizeof *apply->ranges, apply->ranges_inline);
}

/* --- 1. check --- */

static enum status apply_add_range(struct apply *apply, struct id_range range) {
    enum status status = apply_grow(apply->doc, (void **)&apply->ranges, &apply->range_capacity, sizeof *apply->ranges,
                                    apply->ranges_inline, apply->range_count + 1);
    if (status == STATUS_OK)
        apply->ranges[apply->range_count++] = range;
    return status;
}

/* Clients descending, as encoders write them anyway. */
static bool source_before(const void *left, const void *right) {
    const struct source *a = left;
    const struct source *b = right;
    return a->block.client > b->block.client;
}

static enum status apply_check(struct apply *apply, struct bytes update) {
    struct wire_walk walk;
    struct wire_struct structure;
    enum wire_step step;
    enum status status = wire_walk_init(&walk, update, true);
    while (status == STATUS_OK) {
        status = wire_walk_next(&walk, &step, &structure);
        if (status != STATUS_OK || step == WIRE_STEP_END)
            break;
        if (step == WIRE_STEP_STRUCT) {
            apply->plain &= structure.length > 0 && structure.kind != CONTENT_SKIP;
            continue;
        }
        status = apply_grow(apply->doc, (void **)&apply->sources, &apply->source_capacity, sizeof *apply->sources,
                            apply->sources_inline, apply->source_count + 1);
        if (status == STATUS_OK)
            apply->sources[apply->source_count++] =
                (struct source){ .block = { walk.client, walk.clock, walk.structs_left, walk.reader } };
    }
    while (status == STATUS_OK) {
        bool found;
        struct id_range range;
        status = wire_walk_delete(&walk, &found, &range);
        if (status != STATUS_OK || !found)
            break;
        apply->range_units += range.length;
        status = apply_add_range(apply, range);
    }
    if (status != STATUS_OK)
        return status;
    apply->plain &= bytes_left(&walk.reader) == 0;
    sort(apply->sources, apply->source_count, sizeof *apply->sources, source_before);
    for (size_t i = 0; i < apply->source_count; i++) {
        if (i > 0 && apply->sources[i].block.client == apply->sources[i - 1].block.client)
            return STATUS_MALFORMED; /* no encoder writes two blocks of one client; Yjs drops one of them */
        status = doc_client_make(apply->doc, apply->sources[i].block.client, &apply->sources[i].client);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

/* --- 2. plan; and 5. do: both walk the same way --- */

static void source_rewind(struct source *source) {
    source->reader = source->block.reader;
    source->left = source->block.structs;
    source->clock = source->block.clock;
    source->parked_at = 0;
    source->has_head = false;
    source->blocked = false;
    source->on_stack = false;
}

/* Whether the source has a struct left; it is then source->head. Empty structs are passed over. */
static bool source_peek(struct source *source) {
    while (!source->has_head) {
        if (source->parked != NULL) {
            if (source->parked_at == source->parked_count)
                return false;
            const struct parked *parked = source->parked[source->parked_at++];
            source->reader = bytes_reader(bytes_of(parked->bytes, parked->size));
            source->clock = parked->clock;
        } else if (source->left == 0) {
            return false;
        } else {
            source->left--;
        }
        source->head_bytes = source->reader.at;
        source->head_clock = source->clock;
        enum status status = wire_struct_read(&source->reader, source->client->id, source->clock, false, &source->head);
        assert(status == STATUS_OK);
        (void)status;
        source->clock += source->head.length;
        source->has_head = source->head.length > 0;
    }
    return true;
}

static bool is_planned(const struct apply *apply, const struct client *client) {
    return client->plan == apply->doc->plan;
}

/* Of a client that is planned; valid until another one is. */
static struct planned *planned_of(const struct apply *apply, const struct client *client) {
    return &apply->planned[client->planned];
}

/* Cannot fail for one that is planned already. */
static enum status plan_client(struct apply *apply, struct client *client) {
    if (is_planned(apply, client))
        return STATUS_OK;
    enum status status = apply_grow(apply->doc, (void **)&apply->planned, &apply->planned_capacity, sizeof *apply->planned,
                                    apply->planned_inline, apply->planned_count + 1);
    if (status != STATUS_OK)
        return status;
    client->plan = apply->doc->plan;
    client->planned = (uint32_t)apply->planned_count++;
    *planned_of(apply, client) =
        (struct planned){ client, .state = client->state, .source = SIZE_MAX, .missing = CLIENT_NOT_MISSING };
    return STATUS_OK;
}

static uint64_t apply_state(const struct apply *apply, const struct client *client) {
    if (client == NULL)
        return 0;
    return !apply->real && is_planned(apply, client) ? planned_of(apply, client)->state : client->state;
}

static bool apply_lacks(const struct apply *apply, const struct client *own, struct id id, uint64_t *out) {
    if (id.client == own->id || id.clock < apply_state(apply, doc_client(apply->doc, id.client)))
        return false;
    *out = id.client;
    return true;
}

/* Whether the head waits for another client. */
static bool apply_head_waits(const struct apply *apply, const struct source *source, uint64_t *out_client) {
    const struct wire_struct *head = &source->head;
    if (head->kind == CONTENT_GC)
        return false;
    return ((head->info & WIRE_ORIGIN) != 0 && apply_lacks(apply, source->client, head->origin, out_client)) ||
           ((head->info & WIRE_RIGHT_ORIGIN) != 0 && apply_lacks(apply, source->client, head->right_origin, out_client)) ||
           (head->parent == WIRE_PARENT_ITEM && apply_lacks(apply, source->client, head->parent_item, out_client));
}

/* Pending is to be tried again when `client_id` has more than `clock` units. */
static enum status apply_miss(struct apply *apply, uint64_t client_id, uint64_t clock) {
    struct client *client;
    if (apply->real)
        return STATUS_OK;
    enum status status = doc_client_make(apply->doc, client_id, &client);
    if (status != STATUS_OK)
        return status;
    status = plan_client(apply, client);
    if (status == STATUS_OK && clock < planned_of(apply, client)->missing)
        planned_of(apply, client)->missing = clock;
    return status;
}

static void apply_plan_head(struct apply *apply, struct source *source) {
    const struct wire_struct *head = &source->head;
    const struct client *client = source->client;
    struct planned *planned = planned_of(apply, client);
    apply->in_order &= source->head_clock == planned->state;
    bool ascii = head->kind == CONTENT_STRING && head->content.size == head->length;
    size_t items = 1 + content_more_items(head->kind, head->length, head->content.size);
    apply->items += items;
    apply->contents += ascii || head->kind == CONTENT_DELETED || head->kind == CONTENT_GC ? 0 : items;
    apply->deletes += (head->kind == CONTENT_DELETED) + ((head->info & WIRE_KEY) != 0);
    apply->splits += ((head->info & WIRE_ORIGIN) != 0) + ((head->info & WIRE_RIGHT_ORIGIN) != 0);
    apply->types += head->kind == CONTENT_TYPE;
    if (head->parent == WIRE_PARENT_ROOT && types_root_find(&apply->doc->types, head->root_name) == NULL) {
        apply->types++;
        apply->name_bytes += head->root_name.size;
    }
    if ((head->info & WIRE_KEY) != 0 && head->parent != WIRE_PARENT_INHERITED) {
        apply->entries++;
        apply->name_bytes += head->key.size;
    }
    apply->pairs |= head->kind == CONTENT_STRING && content_has_pairs(head->content, head->length);
    *(ascii ? &planned->ascii : &planned->text) += head->content.size;
    planned->state = source->head_clock + head->length;
    apply->wide |= planned->state > UINT32_MAX;
    if (client->missing != CLIENT_NOT_MISSING && planned->state > client->missing)
        apply->retry = true;
}

/* The head, whose ancestors are there. */
static void apply_head(struct apply *apply, struct source *source) {
    struct client *client = source->client;
    if (source->head_clock + source->head.length <= apply_state(apply, client))
        apply->in_order = false;
    else if (apply->real)
        doc_integrate(apply->doc, client, source->head_clock, &source->head);
    else
        apply_plan_head(apply, source);
    source->has_head = false;
}

/* The stack cannot go on: all that is left of its clients waits. */
static void apply_block(struct source **stack, size_t depth) {
    for (size_t i = 0; i < depth; i++) {
        stack[i]->blocked = true;
        stack[i]->on_stack = false;
    }
}

/* What the stack's top, which waits for client `id`, can do: the source to look at, or NULL after noting what is missing. */
static enum status apply_wait(struct apply *apply, struct source *sources, uint64_t id, struct source **out) {
    *out = NULL;
    struct client *client = doc_client(apply->doc, id);
    struct source *source = NULL;
    if (client != NULL && is_planned(apply, client) && planned_of(apply, client)->source != SIZE_MAX)
        source = &sources[planned_of(apply, client)->source];
    if (source == NULL || source->blocked)
        return apply_miss(apply, id, apply_state(apply, client));
    if (source->on_stack) {
        /* It waits for somebody who waits for it. Yjs looks at the struct behind the waiting one and finds a gap before that. */
        struct source behind = *source;
        do
            behind.has_head = false;
        while (source_peek(&behind) && behind.head.kind == CONTENT_SKIP);
        return apply_miss(apply, id, behind.has_head ? behind.head_clock - 1 : apply_state(apply, client));
    }
    if (!source_peek(source))
        return apply_miss(apply, id, apply_state(apply, client));
    *out = source;
    return STATUS_OK;
}

static enum status apply_schedule(struct apply *apply, struct source *sources, size_t count) {
    enum status status = apply_grow(apply->doc, (void **)&apply->stack, &apply->stack_capacity, sizeof(struct source *),
                                    (void *)apply->stack_inline, count);
    if (status != STATUS_OK)
        return status;
    struct source **stack = apply->stack;
    for (size_t i = 0; i < count; i++) {
        status = plan_client(apply, sources[i].client);
        if (status != STATUS_OK)
            return status;
        planned_of(apply, sources[i].client)->source = i;
        source_rewind(&sources[i]);
    }
    for (size_t i = 0; i < count; i++) {
        size_t depth = 0;
        while (depth > 0 || (!sources[i].blocked && source_peek(&sources[i]))) {
            if (depth == 0) {
                stack[depth++] = &sources[i];
                sources[i].on_stack = true;
            }
            struct source *top = stack[depth - 1];
            uint64_t waits_for = 0;
            struct source *next = NULL;
            bool stuck = false;
            uint64_t state = apply_state(apply, top->client);
            if (top->head.kind == CONTENT_SKIP) {
                top->has_head = false;
            } else if (top->head_clock > state) {
                stuck = true;
                status = apply_miss(apply, top->client->id, top->head_clock - 1);
            } else if (apply_head_waits(apply, top, &waits_for)) { /* also if it is known: as Yjs */
                status = apply_wait(apply, sources, waits_for, &next);
                stuck = next == NULL;
            } else {
                apply_head(apply, top);
            }
            if (status != STATUS_OK)
                return status;
            if (stuck) {
                apply_block(stack, depth);
                depth = 0;
            } else if (next != NULL) {
                next->on_stack = true;
                stack[depth++] = next;
            } else {
                top->on_stack = false;
                depth--;
            }
        }
    }
    for (size_t i = 0; i < count; i++)
        planned_of(apply, sources[i].client)->source = SIZE_MAX;
    return STATUS_OK;
}

/* --- 3. park --- */

static size_t parked_bytes(const struct parked *parked) {
    return sizeof *parked + parked->size + sizeof parked;
}

/* Copies what the update's sources could not integrate. */
static enum status apply_copy_blocked(struct apply *apply) {
    struct crdt_doc *doc = apply->doc;
    for (size_t i = 0; i < apply->source_count; i++) {
        struct source *source = &apply->sources[i];
        for (; source->blocked && source_peek(source); source->has_head = false) {
            if (source->head.kind == CONTENT_SKIP)
                continue;
            size_t size = (size_t)(source->reader.at - source->head_bytes);
            enum status status =
                apply_grow(doc, (void **)&apply->fresh, &apply->fresh_capacity, sizeof *apply->fresh, NULL, apply->fresh_count + 1);
            struct parked *parked = status == STATUS_OK ? mem_alloc(&doc->mem, sizeof *parked + size) : NULL;
            if (parked == NULL)
                return STATUS_NO_MEMORY;
            parked->client = source->client->id;
            parked->clock = source->head_clock;
            parked->length = source->head.length;
            parked->size = size;
            memcpy(parked->bytes, source->head_bytes, size);
            apply->fresh[apply->fresh_count++] = parked;
        }
    }
    return STATUS_OK;
}

static bool parked_before(const struct parked *a, const struct parked *b) {
    return a->client != b->client ? a->client > b->client : a->clock < b->clock;
}

/* Old pending structs, [from, end), that follow each other without a gap. */
struct parked_row {
    size_t from;
    size_t end;
    uint64_t clock_end;
};

static struct parked_row parked_row_at(const struct pending *pending, size_t from) {
    const struct parked *first = pending->structs[from];
    struct parked_row row = { from, from + 1, first->clock + first->length };
    for (; row.end < pending->count; row.end++) {
        const struct parked *next = pending->structs[row.end];
        if (next->client != first->client || next->clock > row.clock_end)
            break;
        if (next->clock + next->length > row.clock_end)
            row.clock_end = next->clock + next->length;
    }
    return row;
}

/* Old and new pending structs in one order. A new one is left out if it says nothing more than the one before it, or than old ones
 * that begin before it and follow each other without a gap: where both know different things of a unit, Yjs keeps those. */
static enum status apply_merge_waiting(struct apply *apply) {
    struct crdt_doc *doc = apply->doc;
    struct pending *pending = &doc->seldom->pending;
    enum status status = apply_grow(doc, (void **)&apply->waiting, &apply->waiting_capacity, sizeof *apply->waiting, NULL,
                                    pending->count + apply->fresh_count);
    if (status != STATUS_OK)
        return status;
    size_t kept = 0;
    struct parked_row row = { 0 };
    for (size_t old = 0, fresh = 0; old < pending->count || fresh < apply->fresh_count;) {
        if (fresh == apply->fresh_count || (old < pending->count && !parked_before(apply->fresh[fresh], pending->structs[old]))) {
            if (old == row.end)
                row = parked_row_at(pending, old);
            apply->waiting[apply->waiting_count++] = pending->structs[old++];
            continue;
        }
        struct parked *added = apply->fresh[fresh];
        uint64_t end = added->clock + added->length;
        const struct parked *last = apply->waiting_count > 0 ? apply->waiting[apply->waiting_count - 1] : NULL;
        const struct parked *first = row.end > 0 ? pending->structs[row.from] : NULL;
        bool by_last = last != NULL && last->client == added->client && end <= last->clock + last->length;
        bool by_row = first != NULL && first->client == added->client && first->clock < added->clock && end <= row.clock_end;
        if (!by_last && !by_row) {
            apply->waiting[apply->waiting_count++] = added;
            apply->fresh[fresh] = apply->fresh[kept];
            apply->fresh[kept++] = added;
        }
        fresh++;
    }
    apply->fresh_kept = 0; /* until all has worked, they are this call's */
    for (size_t i = 0; i < apply->waiting_count; i++)
        apply->waiting_bytes += parked_bytes(apply->waiting[i]);
    apply->structs_change = true;
    /* Those that were left out are freed now, so that `fresh` is what waits. */
    for (size_t i = kept; i < apply->fresh_count; i++)
        mem_free(&doc->mem, apply->fresh[i], sizeof *apply->fresh[i] + apply->fresh[i]->size);
    apply->fresh_count = kept;
    return STATUS_OK;
}

/* Plays all of pending through, as sources of their own. */
static enum status apply_wake(struct apply *apply) {
    for (size_t i = 0; i < apply->planned_count; i++)
        apply->planned[i].missing = CLIENT_NOT_MISSING;
    for (size_t i = 0; i < apply->waiting_count;) {
        enum status status = apply_grow(apply->doc, (void **)&apply->woken, &apply->woken_capacity, sizeof *apply->woken, NULL,
                                        apply->woken_count + 1);
        if (status != STATUS_OK)
            return status;
        size_t end = i;
        while (end < apply->waiting_count && apply->waiting[end]->client == apply->waiting[i]->client)
            end++;
        struct client *client;
        status = doc_client_make(apply->doc, apply->waiting[i]->client, &client);
        if (status != STATUS_OK)
            return status;
        apply->woken[apply->woken_count++] = (struct source){
            .client = client, .block = { .client = client->id }, .parked = apply->waiting + i, .parked_count = end - i
        };
        i = end;
    }
    return apply_schedule(apply, apply->woken, apply->woken_count);
}

/* Deletions of units that are not there, and will not be after this update, wait. */
static enum status apply_plan_deletes(struct apply *apply, bool *out_parked) {
    struct crdt_doc *doc = apply->doc;
    size_t own = apply->range_count;
    *out_parked = false;
    for (size_t i = 0; i < own; i++) {
        const struct client *client = doc_client(doc, apply->ranges[i].client);
        *out_parked |= apply->ranges[i].clock + apply->ranges[i].length > apply_state(apply, client);
    }
    for (size_t i = 0; i < doc->seldom->pending.delete_count; i++) {
        const struct id_range *waiting = &doc->seldom->pending.deletes[i];
        apply->woke |= waiting->clock < apply_state(apply, doc_client(doc, waiting->client));
        enum status status = apply_add_range(apply, *waiting);
        if (status != STATUS_OK)
            return status;
    }
    apply->range_count = id_ranges_normalize(apply->ranges, apply->range_count);
    if (!*out_parked && doc->seldom->pending.delete_count == 0)
        return STATUS_OK;
    enum status status =
        apply_grow(doc, (void **)&apply->late, &apply->late_capacity, sizeof *apply->late, NULL, apply->range_count);
    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < apply->range_count; i++) {
        struct id_range late = apply->ranges[i];
        uint64_t state = apply_state(apply, doc_client(doc, late.client));
        uint64_t end = late.clock + late.length;
        if (end <= state)
            continue;
        late.clock = late.clock > state ? late.clock : state;
        late.length = end - late.clock;
        apply->late[apply->late_count++] = late;
    }
    return STATUS_OK;
}

/* --- 4. reserve --- */

static enum status apply_reserve(struct apply *apply) {
    struct crdt_doc *doc = apply->doc;
    size_t new_clients = 0;
    for (int pass = 0; pass < 2; pass++) {
        struct source *sources = pass == 0 ? apply->sources : apply->woken;
        size_t count = pass == 0 ? apply->source_count : apply->woken_count;
        for (size_t i = 0; i < count; i++) {
            struct client *client = sources[i].client;
            const struct planned *planned = planned_of(apply, client);
            new_clients += client->first == NULL;
            enum status status = client_text_reserve(client, &doc->mem, planned->ascii, planned->text);
            if (status != STATUS_OK)
                return status;
        }
    }
    size_t cuts = apply->splits + 2 * apply->range_count;
    size_t items = apply->items + cuts * doc_split_items_max(doc, apply->pairs);
    doc->untidy = true;
    enum status status = apply->wide ? items_widen(&doc->items, &doc->mem) : STATUS_OK;
    if (status == STATUS_OK)
        status = items_reserve(&doc->items, &doc->mem, items, apply->contents);
    if (status != STATUS_OK)
        return status;
    /* A run that is appended to a full chunk takes a chunk, and so does one beyond a multiple of 2^32; one that is inserted takes
     * one too, and leaves two that are half full. */
    size_t chunks = doc->runs + apply->items / RUN_CHUNK_FULL + (items - apply->items) / (RUN_CHUNK_FULL / 2) +
                    apply->source_count + apply->woken_count + 2;
    status = run_spares_reserve(&doc->spares, &doc->mem, items < chunks || doc->items.wide ? items : chunks, new_clients);
    if (status == STATUS_OK)
        status = types_reserve(&doc->types, &doc->mem, apply->types, apply->entries, apply->name_bytes);
    uint64_t deletes = apply->deletes + cuts;
    for (size_t i = 0; i < apply->range_count; i++)
        deletes += apply->ranges[i].length;
    return status == STATUS_OK ? txn_reserve_deletes(&doc->txn, deletes, items, apply->types > 0) : status;
}

/* --- 5. do --- */

static void apply_keep_pending(struct apply *apply) {
    struct crdt_doc *doc = apply->doc;
    doc->version++;
    if (doc->seldom == &seldom_none) /* nothing waited, and nothing will */
        return;
    struct pending *pending = &doc->seldom->pending;
    if (apply->structs_change) {
        size_t kept = 0;
        for (size_t i = 0; apply->retry && i < apply->woken_count; i++) {
            struct source *source = &apply->woken[i];
            size_t done = source->blocked ? source->parked_at - 1 : source->parked_count;
            for (size_t at = 0; at < source->parked_count; at++) {
                struct parked *parked = source->parked[at];
                if (at < done) {
                    apply->waiting_bytes -= parked_bytes(parked);
                    mem_free(&doc->mem, parked, sizeof *parked + parked->size);
                } else {
                    apply->waiting[kept++] = parked;
                }
            }
        }
        if (apply->retry)
            apply->waiting_count = kept;
        struct parked **old = pending->structs;
        size_t old_capacity = pending->capacity;
        pending->structs = apply->waiting;
        pending->count = apply->waiting_count;
        pending->capacity = apply->waiting_capacity;
        apply->waiting = old;
        apply->waiting_capacity = old_capacity;
        apply->fresh_kept = apply->fresh_count;
        if (pending->count == 0) {
            mem_free(&doc->mem, pending->structs, pending->capacity * sizeof *pending->structs);
            pending->structs = NULL;
            pending->capacity = 0;
        }
    }
    if (apply->late_capacity > 0) {
        mem_free(&doc->mem, pending->deletes, pending->delete_capacity * sizeof *pending->deletes);
        pending->deletes = apply->late;
        pending->delete_count = apply->late_count;
        pending->delete_capacity = apply->late_capacity;
        apply->late = NULL;
        apply->late_capacity = 0;
        if (pending->delete_count == 0) {
            mem_free(&doc->mem, pending->deletes, pending->delete_capacity * sizeof *pending->deletes);
            pending->deletes = NULL;
            pending->delete_capacity = 0;
        }
    }
    if (apply->retry) {
        for (struct client *client = pending->missing; client != NULL; client = client->missing_next)
            client->missing = CLIENT_NOT_MISSING;
        pending->missing = NULL;
        pending->wake = false;
    }
    for (size_t i = 0; i < apply->planned_count; i++) {
        const struct planned *planned = &apply->planned[i];
        struct client *client = planned->client;
        if (planned->missing == CLIENT_NOT_MISSING)
            continue;
        if (client->missing == CLIENT_NOT_MISSING) {
            client->missing_next = pending->missing;
            pending->missing = client;
        }
        if (planned->missing < client->missing)
            client->missing = planned->missing;
    }
    pending->bytes = pending->delete_count * sizeof *pending->deletes;
    if (apply->structs_change)
        pending->struct_bytes = apply->waiting_bytes;
    pending->bytes += pending->struct_bytes;
}

static uint64_t apply_deletes(struct apply *apply) {
    uint64_t deleted = 0;
    for (size_t i = 0; i < apply->range_count; i++) {
        const struct id_range *range = &apply->ranges[i];
        struct client *client = doc_client(apply->doc, range->client);
        uint64_t end = range->clock + range->length;
        uint64_t known = client == NULL ? 0 : client->state;
        if (range->clock < known)
            deleted += txn_delete_range(&apply->doc->txn, client, range->clock, end < known ? end : known);
    }
    return deleted;
}

static enum status apply_run(struct apply *apply, struct bytes update, struct crdt_update_result *out) {
    struct crdt_doc *doc = apply->doc;
    struct crdt_txn *txn = &doc->txn;
    enum status status = apply_check(apply, update);
    if (status != STATUS_OK)
        return status;
    doc->plan++;
    status = apply_schedule(apply, apply->sources, apply->source_count);
    if (status == STATUS_OK)
        status = apply_copy_blocked(apply);
    bool parked = apply->fresh_count > 0;
    if (status == STATUS_OK && (parked || apply->retry))
        status = apply_merge_waiting(apply);
    if (status == STATUS_OK && apply->retry)
        status = apply_wake(apply);
    bool deletes_parked = false;
    if (status == STATUS_OK)
        status = apply_plan_deletes(apply, &deletes_parked);
    if (status != STATUS_OK)
        return status;
    size_t struct_bytes = apply->structs_change ? apply->waiting_bytes : doc->seldom->pending.struct_bytes;
    size_t pending_bytes = struct_bytes + apply->late_count * sizeof *apply->late;
    if ((parked || deletes_parked) && pending_bytes > doc->options.pending_bytes_max)
        return STATUS_TOO_BIG;
    /* Each run can meet every other. */
    if (doc->conflict_steps_max > 0 && apply->items > 0 && apply->items > doc->conflict_steps_max / (doc->runs + apply->items)) {
        status = doc_try(doc, update);
        if (status != STATUS_OK)
            return status;
    }
    status = apply_reserve(apply);
    if (status == STATUS_OK && (parked || deletes_parked) && doc_seldom(doc) == NULL)
        status = STATUS_NO_MEMORY;
    if (status != STATUS_OK)
        return status;

    doc_typing_end(doc);
    bool deletes_waited = doc->seldom->pending.delete_count > 0;
    uint64_t added_before = txn->units_added;
    uint64_t deleted_before = txn->units_deleted;
    uint64_t steps_before = doc->conflict_steps;
    apply->real = true;
    bool in_order = apply->in_order;
    status = apply_schedule(apply, apply->sources, apply->source_count);
    if (status == STATUS_OK && apply->retry)
        status = apply_schedule(apply, apply->woken, apply->woken_count);
    assert(status == STATUS_OK);
    bool deletes_new = apply_deletes(apply) == apply->range_units;
    apply_keep_pending(apply);

    struct crdt_update_result result = { .units_new = txn->units_added - added_before,
                                         .units_deleted = txn->units_deleted - deleted_before,
                                         .parked = parked || deletes_parked,
                                         .pending = doc->seldom->pending.count > 0 || doc->seldom->pending.delete_count > 0,
                                         .woke = apply->retry || apply->woke,
                                         .conflict_steps = doc->conflict_steps - steps_before };
    result.verbatim = apply->plain && in_order && deletes_new && !apply->retry && !result.parked && !deletes_waited &&
                      (result.units_new > 0 || result.units_deleted > 0);
    *out = result;
    return STATUS_OK;
}

enum status crdt_update_apply(struct crdt_txn *txn, struct bytes update, struct crdt_update_result *out) {
    assert(txn->open && !txn->telling);
    txn->remote = true;
    struct crdt_doc *doc = txn->doc;
    struct crdt_update_result unused;
    out = out != NULL ? out : &unused;
    if (update.size > doc->options.update_bytes_max)
        return STATUS_TOO_BIG;
    if (doc->runs == 0 && doc_load(doc, update, out))
        return STATUS_OK;
    bool done;
    enum status quick = doc_apply_quick(doc, update, out, &done);
    if (done)
        return quick;
    struct apply apply = { .doc = doc,
                           .planned_capacity = APPLY_SOURCES_INLINE,
                           .source_capacity = APPLY_SOURCES_INLINE,
                           .stack_capacity = APPLY_SOURCES_INLINE,
                           .range_capacity = APPLY_RANGES_INLINE,
                           .retry = doc->seldom->pending.wake,
                           .in_order = true,
                           .plain = true };
    apply.planned = apply.planned_inline;
    apply.sources = apply.sources_inline;
    apply.stack = apply.stack_inline;
    apply.ranges = apply.ranges_inline;
    enum status status = apply_run(&apply, update, out);
    apply_finish(&apply);
    doc_sort_clients(doc);
    return status;
}

bool crdt_doc_waits(const struct crdt_doc *doc, uint64_t client_id) {
    const struct pending *pending = &doc->seldom->pending;
    size_t from = 0;
    for (size_t to = pending->count; from < to;) {
        size_t middle = from + (to - from) / 2;
        if (pending->structs[middle]->client > client_id) /* the highest first */
            from = middle + 1;
        else
            to = middle;
    }
    return from < pending->count && pending->structs[from]->client == client_id;
}

void pending_finish(struct crdt_doc *doc) {
    struct pending *pending = &doc->seldom->pending;
    for (size_t i = 0; i < pending->count; i++)
        mem_free(&doc->mem, pending->structs[i], sizeof *pending->structs[i] + pending->structs[i]->size);
    mem_free(&doc->mem, pending->structs, pending->capacity * sizeof *pending->structs);
    mem_free(&doc->mem, pending->deletes, pending->delete_capacity * sizeof *pending->deletes);
    *pending = (struct pending){ 0 };
}
