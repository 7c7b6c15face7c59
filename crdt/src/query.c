/* query.c — what an update says, and whether that is news. */
#include "crdt/update.h"
#include "store.h"

static enum status query_walk(struct bytes update, bool check, enum status (*visit)(void *context, const struct crdt_range *range),
                              void *context, struct wire_walk *walk) {
    struct wire_struct structure;
    struct crdt_range range = { 0, 0, 0 };
    enum wire_step step = WIRE_STEP_BLOCK;
    enum status status = wire_walk_init(walk, update, check);
    while (status == STATUS_OK && step != WIRE_STEP_END) {
        status = wire_walk_next(walk, &step, &structure);
        if (status != STATUS_OK)
            return status;
        bool goes_on = step == WIRE_STEP_STRUCT && structure.kind != CONTENT_SKIP;
        if (!goes_on) {
            if (visit != NULL && range.clock_to > range.clock_from)
                status = visit(context, &range);
            range = (struct crdt_range){ walk->client, walk->clock, walk->clock };
        } else {
            range.clock_to = walk->clock;
        }
    }
    return status;
}

static enum status query_check_deletes(struct wire_walk *walk) {
    bool found = true;
    enum status status = STATUS_OK;
    struct id_range range;
    while (status == STATUS_OK && found)
        status = wire_walk_delete(walk, &found, &range);
    return status;
}

enum status crdt_update_check(struct bytes update) {
    struct wire_walk walk;
    enum status status = query_walk(update, true, NULL, NULL, &walk);
    return status != STATUS_OK ? status : query_check_deletes(&walk);
}

enum status crdt_update_each_range(struct bytes update, enum status (*visit)(void *context, const struct crdt_range *range),
                                   void *context) {
    struct wire_walk walk;
    enum status status = crdt_update_check(update);
    return status != STATUS_OK ? status : query_walk(update, false, visit, context, &walk);
}

static bool query_deleted(const struct crdt_doc *doc, const struct id_range *range) {
    struct client *client = doc_client_find(doc, range->client);
    uint64_t end = range->clock + range->length;
    if (client == NULL || end > client->state)
        return false;
    struct run_place place = client_find(client, range->clock);
    for (;;) {
        const struct item *item = doc_item(doc, run_place_item(place));
        if ((item->flags & ITEM_DELETED) == 0)
            return false;
        if (item_clock(doc, item) + item_length(doc, item) >= end)
            return true;
        run_place_next(&place);
    }
}

static enum status query_unknown(void *context, const struct crdt_range *range) {
    return range->clock_to <= crdt_doc_clock(context, range->client) ? STATUS_OK : STATUS_NOT_FOUND;
}

enum status crdt_update_is_known(const struct crdt_doc *doc, struct bytes update, bool *out) {
    *out = false;
    enum status status = crdt_update_check(update);
    if (status != STATUS_OK)
        return status;
    struct wire_walk walk;
    status = query_walk(update, false, query_unknown, (void *)(uintptr_t)doc, &walk);
    if (status != STATUS_OK)
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    /* Each unit is looked at once: a set that says the same twice is not sorted as encoders sort, and is taken for news. */
    struct id_range last = { 0, 0, 0 };
    struct id_range range;
    bool found;
    while ((status = wire_walk_delete(&walk, &found, &range)) == STATUS_OK && found) {
        bool repeats = last.length > 0 &&
                       (range.client > last.client || (range.client == last.client && range.clock < last.clock + last.length));
        if (repeats || !query_deleted(doc, &range))
            return STATUS_OK;
        last = range;
    }
    *out = status == STATUS_OK;
    return status;
}
