/* pending.c — what waits for missing ancestors: structs as copies of their bytes, in the order in which encoders write them, and
 * ranges of deletions. */
#include "apply.h"

#include <assert.h>

static size_t parked_bytes(const struct parked *parked) {
    return sizeof *parked + parked->size + sizeof parked;
}

enum status apply_copy_blocked(struct apply *apply) {
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

enum status apply_merge_waiting(struct apply *apply) {
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

enum status apply_wake(struct apply *apply) {
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

void apply_keep_pending(struct apply *apply) {
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
