/* schedule.c — in which order an update's structs are integrated.
 *
 * The order is Yjs's: clients descending; a struct whose origin, right origin or parent is missing waits on a stack while the
 * client that it waits for is integrated one struct at a time; when that has nothing to offer, the whole stack is parked with all
 * that follows in those clients, and `missing` remembers which clock must be passed before pending is tried again.
 *
 *     source of client 9:  ▶ a ─ b ─ c        stack: [9, 4]: a waits for a unit of client 4, whose next struct is looked at
 *     source of client 4:  ▶ x ─ y
 *
 * Planning walks it with clocks only, integrating walks the same way again. */
#include "apply.h"

#include <assert.h>

static void source_rewind(struct source *source) {
    source->reader = source->block.reader;
    source->left = source->block.structs;
    source->clock = source->block.clock;
    source->parked_at = 0;
    source->has_head = false;
    source->blocked = false;
    source->on_stack = false;
}

bool source_peek(struct source *source) {
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

uint64_t apply_state(const struct apply *apply, const struct client *client) {
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

enum status apply_schedule(struct apply *apply, struct source *sources, size_t count) {
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
