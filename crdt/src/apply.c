/* apply.c — an update comes in. The order of integration: schedule.c; what waits: pending.c.
 *
 *   1. check    one walk over the bytes: blocks, counts, deletions. Nothing outside this call has changed up to step 5.
 *   2. plan     the order of integration is played through with clocks only: what can be integrated, what must wait, for whom.
 *               If that satisfies something older in pending, all of pending is played through too.
 *   3. park     what must wait is copied
 *   4. reserve  items, run chunks, text, types, keys: as many as the plan can need at worst
 *   5. do       the same order again, now integrating; then the deletions. Nothing can fail any more. */
#include "apply.h"
#include "list_index.h"
#include "sort.h"

/* --- growing arrays, some of which begin inside struct apply --- */

enum status apply_grow(struct crdt_doc *doc, void **array, size_t *capacity, size_t element, void *inline_array, size_t needed) {
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

/* --- 2. plan --- */

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
