/* awareness.c — one record per known client, in two lists: those with a state, and those that left, oldest first.
 *
 * Applying is in two steps, so that a bad update changes nothing: every entry is checked and staged in its record (`staged`, copied
 * state), then all stages are made real, which cannot fail. An entry about a client that the same update named before is held
 * against what was staged. */
#include "crdt/awareness.h"

#include "ground/list.h"
#include "ground/table.h"
#include "ground/utf.h"
#include "ground/varint.h"
#include "json.h"

#include <assert.h>

struct awareness_state {
    uint8_t *data; /* NULL: none */
    size_t size;
};

struct awareness_record {
    struct list link; /* in present or gone */
    struct list staged_link;
    uint64_t client;
    uint64_t clock;
    uint64_t changed_ms;
    struct awareness_state state;
    bool fresh; /* made by the call under way */
    bool staged;
    uint64_t staged_clock;
    struct awareness_state staged_state;
};

struct crdt_awareness {
    const struct mem *mem;
    struct crdt_awareness_options options;
    struct table records;
    struct list present;
    struct list gone;
    size_t present_count;
    size_t gone_count;
    size_t bytes;
};

enum status crdt_awareness_create(const struct crdt_awareness_options *options, struct crdt_awareness **out) {
    const struct mem *mem = options->mem != NULL ? options->mem : &mem_default;
    struct crdt_awareness *awareness = mem_zalloc(mem, sizeof *awareness);
    if (awareness == NULL)
        return STATUS_NO_MEMORY;
    awareness->mem = mem;
    awareness->options = *options;
    if (options->clients_max == 0)
        awareness->options.clients_max = CRDT_AWARENESS_CLIENTS_MAX;
    if (options->state_bytes_max == 0)
        awareness->options.state_bytes_max = CRDT_AWARENESS_STATE_BYTES_MAX;
    if (options->bytes_max == 0)
        awareness->options.bytes_max = CRDT_AWARENESS_BYTES_MAX;
    table_init(&awareness->records, mem);
    list_init(&awareness->present);
    list_init(&awareness->gone);
    *out = awareness;
    return STATUS_OK;
}

static void state_free(struct crdt_awareness *awareness, struct awareness_state *state) {
    mem_free(awareness->mem, state->data, state->size);
    *state = (struct awareness_state){ NULL, 0 };
}

static void record_free(struct crdt_awareness *awareness, struct awareness_record *record) {
    state_free(awareness, &record->state);
    state_free(awareness, &record->staged_state);
    mem_free(awareness->mem, record, sizeof *record);
}

void crdt_awareness_destroy(struct crdt_awareness *awareness) {
    if (awareness == NULL)
        return;
    list_each (link, &awareness->present)
        record_free(awareness, list_entry(link, struct awareness_record, link));
    list_each (link, &awareness->gone)
        record_free(awareness, list_entry(link, struct awareness_record, link));
    table_finish(&awareness->records);
    mem_free(awareness->mem, awareness, sizeof *awareness);
}

/* `null`, however it is padded. */
static bool state_is_null(struct bytes state) {
    while (state.size > 0 && state.data[0] <= ' ') {
        state.data++;
        state.size--;
    }
    while (state.size > 0 && state.data[state.size - 1] <= ' ')
        state.size--;
    return bytes_equal_text(state, "null");
}

struct awareness_entry {
    uint64_t client;
    uint64_t clock;
    struct bytes state;
};

static enum status awareness_read(struct bytes_reader *reader, struct awareness_entry *out) {
    if (varint_read(reader, &out->client) != STATUS_OK || varint_read(reader, &out->clock) != STATUS_OK ||
        varint_read_view(reader, &out->state) != STATUS_OK)
        return STATUS_MALFORMED;
    return STATUS_OK;
}

static enum status awareness_check(struct bytes update, size_t state_bytes_max) {
    struct bytes_reader reader = bytes_reader(update);
    struct awareness_entry entry;
    uint64_t count;
    enum status status = varint_read(&reader, &count);
    bool too_big = false;
    for (uint64_t i = 0; status == STATUS_OK && i < count; i++) {
        status = awareness_read(&reader, &entry);
        if (status == STATUS_OK && (!utf_check(entry.state, NULL) || !json_check(entry.state)))
            status = STATUS_MALFORMED;
        too_big |= status == STATUS_OK && entry.state.size > state_bytes_max;
    }
    if (status == STATUS_OK && bytes_left(&reader) > 0)
        status = STATUS_MALFORMED;
    return status == STATUS_OK && too_big ? STATUS_TOO_BIG : status;
}

enum status crdt_awareness_each_client(struct bytes update,
                                       enum status (*visit)(void *context, uint64_t client, uint64_t clock, struct bytes state),
                                       void *context) {
    enum status status = awareness_check(update, SIZE_MAX);
    struct bytes_reader reader = bytes_reader(update);
    uint64_t count = 0;
    if (status == STATUS_OK)
        status = varint_read(&reader, &count);
    for (uint64_t i = 0; status == STATUS_OK && i < count; i++) {
        struct awareness_entry entry;
        status = awareness_read(&reader, &entry);
        if (status == STATUS_OK)
            status = visit(context, entry.client, entry.clock, entry.state);
    }
    return status;
}

static enum status record_make(struct crdt_awareness *awareness, uint64_t client, struct awareness_record **out) {
    struct awareness_record *record = mem_zalloc(awareness->mem, sizeof *record);
    if (record == NULL)
        return STATUS_NO_MEMORY;
    if (table_put(&awareness->records, client, record) != STATUS_OK) {
        mem_free(awareness->mem, record, sizeof *record);
        return STATUS_NO_MEMORY;
    }
    record->client = client;
    record->fresh = true;
    list_init(&record->link);
    list_init(&record->staged_link);
    *out = record;
    return STATUS_OK;
}

/* What the call under way would make of the whole. */
struct awareness_stage {
    struct list records;
    size_t bytes;
    size_t fresh;
    size_t gone_after; /* records without a state */
};

static enum status awareness_stage_entry(struct crdt_awareness *awareness, struct awareness_stage *stage,
                                         const struct awareness_entry *entry) {
    struct awareness_record *record = table_get(&awareness->records, entry->client);
    bool null = state_is_null(entry->state);
    uint64_t clock = record == NULL ? 0 : record->staged ? record->staged_clock : record->clock;
    bool has_state = record != NULL && (record->staged ? record->staged_state.data : record->state.data) != NULL;
    if (entry->clock < clock || (entry->clock == clock && !(null && has_state)))
        return STATUS_OK;
    struct awareness_state state = { NULL, 0 };
    if (!null) {
        state = (struct awareness_state){ mem_alloc(awareness->mem, entry->state.size), entry->state.size };
        if (state.data == NULL)
            return STATUS_NO_MEMORY;
        memcpy(state.data, entry->state.data, entry->state.size);
    }
    if (record == NULL) {
        enum status status = record_make(awareness, entry->client, &record);
        if (status != STATUS_OK) {
            state_free(awareness, &state);
            return status;
        }
        stage->fresh++;
        stage->gone_after++;
    }
    if (!record->staged) {
        record->staged = true;
        list_append(&stage->records, &record->staged_link);
    }
    stage->bytes = stage->bytes -
                   (has_state ? (record->staged_state.data != NULL ? record->staged_state.size : record->state.size) : 0) +
                   state.size;
    stage->gone_after += (size_t)(has_state && null);
    stage->gone_after -= (size_t)(!has_state && !null);
    state_free(awareness, &record->staged_state);
    record->staged_state = state;
    record->staged_clock = entry->clock;
    return STATUS_OK;
}

static void awareness_unstage(struct crdt_awareness *awareness, struct awareness_stage *stage) {
    list_each (link, &stage->records) {
        struct awareness_record *record = list_entry(link, struct awareness_record, staged_link);
        list_remove(&record->staged_link);
        state_free(awareness, &record->staged_state);
        record->staged = false;
        if (record->fresh) {
            table_remove(&awareness->records, record->client);
            record_free(awareness, record);
        }
    }
}

/* Puts the record at the end of the list where its state belongs. */
static void record_file(struct crdt_awareness *awareness, struct awareness_record *record, bool had_place, bool had_state) {
    bool has_state = record->state.data != NULL;
    if (had_place && had_state == has_state)
        return;
    if (had_place)
        *(had_state ? &awareness->present_count : &awareness->gone_count) -= 1;
    list_remove(&record->link);
    list_append(has_state ? &awareness->present : &awareness->gone, &record->link);
    *(has_state ? &awareness->present_count : &awareness->gone_count) += 1;
}

/* The oldest that left are forgotten first. */
static void awareness_forget(struct crdt_awareness *awareness) {
    while (awareness->present_count + awareness->gone_count > awareness->options.clients_max && awareness->gone_count > 0) {
        struct awareness_record *record = list_entry(awareness->gone.next, struct awareness_record, link);
        list_remove(&record->link);
        awareness->gone_count--;
        table_remove(&awareness->records, record->client);
        record_free(awareness, record);
    }
}

static void awareness_make_real(struct crdt_awareness *awareness, struct awareness_stage *stage, uint64_t now_ms,
                                crdt_awareness_visit *visit, void *context) {
    awareness->bytes = stage->bytes;
    list_each (link, &stage->records) {
        struct awareness_record *record = list_entry(link, struct awareness_record, staged_link);
        struct awareness_state old = record->state;
        bool fresh = record->fresh;
        list_remove(&record->staged_link);
        record->state = record->staged_state;
        record->staged_state = (struct awareness_state){ NULL, 0 };
        record->clock = record->staged_clock;
        record->changed_ms = now_ms;
        record->staged = false;
        record->fresh = false;
        record_file(awareness, record, !fresh, old.data != NULL);
        bool had = old.data != NULL;
        bool has = record->state.data != NULL;
        bool same = had && has && bytes_equal(bytes_of(old.data, old.size), bytes_of(record->state.data, record->state.size));
        mem_free(awareness->mem, old.data, old.size);
        if (visit != NULL && (had || has))
            visit(context,
                  !had   ? CRDT_AWARENESS_ADDED
                  : !has ? CRDT_AWARENESS_REMOVED
                  : same ? CRDT_AWARENESS_RENEWED
                         : CRDT_AWARENESS_UPDATED,
                  record->client);
    }
    awareness_forget(awareness);
}

enum status crdt_awareness_apply(struct crdt_awareness *awareness, struct bytes update, uint64_t now_ms,
                                 crdt_awareness_visit *visit, void *context) {
    enum status status = awareness_check(update, awareness->options.state_bytes_max);
    if (status != STATUS_OK)
        return status;
    struct awareness_stage stage = { .bytes = awareness->bytes, .gone_after = awareness->gone_count };
    list_init(&stage.records);
    struct bytes_reader reader = bytes_reader(update);
    uint64_t count = 0;
    status = varint_read(&reader, &count);
    for (uint64_t i = 0; status == STATUS_OK && i < count; i++) {
        struct awareness_entry entry;
        status = awareness_read(&reader, &entry);
        if (status == STATUS_OK)
            status = awareness_stage_entry(awareness, &stage, &entry);
        size_t present = awareness->present_count + awareness->gone_count + stage.fresh - stage.gone_after;
        if (status == STATUS_OK && (present > awareness->options.clients_max || stage.bytes > awareness->options.bytes_max))
            status = STATUS_TOO_BIG;
    }
    if (status == STATUS_OK)
        awareness_make_real(awareness, &stage, now_ms, visit, context);
    else
        awareness_unstage(awareness, &stage);
    return status;
}

enum status crdt_awareness_set(struct crdt_awareness *awareness, uint64_t client, struct bytes state, uint64_t now_ms,
                               crdt_awareness_visit *visit, void *context) {
    const struct awareness_record *record = table_get(&awareness->records, client);
    uint64_t clock = (record == NULL ? 0 : record->clock) + 1;
    if (client > VARINT_MAX || clock > VARINT_MAX)
        return STATUS_RANGE;
    struct bytes_writer update;
    bytes_writer_init(&update, awareness->mem, SIZE_MAX);
    varint_write(&update, 1);
    varint_write(&update, client);
    varint_write(&update, clock);
    varint_write_view(&update, state);
    enum status status = update.status;
    if (status == STATUS_OK)
        status = crdt_awareness_apply(awareness, bytes_written(&update), now_ms, visit, context);
    bytes_writer_finish(&update);
    return status;
}

static void record_leave(struct crdt_awareness *awareness, struct awareness_record *record, uint64_t now_ms,
                         crdt_awareness_visit *visit, void *context) {
    awareness->bytes -= record->state.size;
    state_free(awareness, &record->state);
    record->changed_ms = now_ms;
    record_file(awareness, record, true, true);
    if (visit != NULL)
        visit(context, CRDT_AWARENESS_REMOVED, record->client);
}

void crdt_awareness_remove(struct crdt_awareness *awareness, const uint64_t *clients, size_t count, uint64_t now_ms,
                           crdt_awareness_visit *visit, void *context) {
    for (size_t i = 0; i < count; i++) {
        struct awareness_record *record = table_get(&awareness->records, clients[i]);
        if (record != NULL && record->state.data != NULL)
            record_leave(awareness, record, now_ms, visit, context);
    }
}

void crdt_awareness_expire(struct crdt_awareness *awareness, uint64_t now_ms, crdt_awareness_visit *visit, void *context) {
    list_each (link, &awareness->present) {
        struct awareness_record *record = list_entry(link, struct awareness_record, link);
        if (now_ms >= record->changed_ms && now_ms - record->changed_ms >= CRDT_AWARENESS_TIMEOUT_MS)
            record_leave(awareness, record, now_ms, visit, context);
    }
}

struct bytes crdt_awareness_state(const struct crdt_awareness *awareness, uint64_t client) {
    const struct awareness_record *record = table_get(&awareness->records, client);
    return record == NULL ? bytes_of(NULL, 0) : bytes_of(record->state.data, record->state.size);
}

bool crdt_awareness_clock(const struct crdt_awareness *awareness, uint64_t client, uint64_t *out) {
    const struct awareness_record *record = table_get(&awareness->records, client);
    *out = record == NULL ? 0 : record->clock;
    return record != NULL;
}

size_t crdt_awareness_count(const struct crdt_awareness *awareness) {
    return awareness->present_count;
}

static void record_encode(const struct awareness_record *record, struct bytes_writer *out) {
    varint_write(out, record->client);
    varint_write(out, record->clock);
    varint_write_view(out, record->state.data == NULL ? bytes_text("null") : bytes_of(record->state.data, record->state.size));
}

static enum status encode_end(struct bytes_writer *out, size_t size_before) {
    if (out->status != STATUS_OK)
        out->size = size_before;
    return out->status;
}

enum status crdt_awareness_encode(const struct crdt_awareness *awareness, const uint64_t *clients, size_t count,
                                  struct bytes_writer *out) {
    if (out->status != STATUS_OK)
        return out->status;
    size_t size_before = out->size;
    uint64_t known = 0;
    for (size_t i = 0; i < count; i++)
        known += table_get(&awareness->records, clients[i]) != NULL;
    varint_write(out, known);
    for (size_t i = 0; i < count; i++) {
        const struct awareness_record *record = table_get(&awareness->records, clients[i]);
        if (record != NULL)
            record_encode(record, out);
    }
    return encode_end(out, size_before);
}

enum status crdt_awareness_encode_all(const struct crdt_awareness *awareness, struct bytes_writer *out) {
    if (out->status != STATUS_OK)
        return out->status;
    size_t size_before = out->size;
    varint_write(out, awareness->present_count);
    list_each (link, &awareness->present)
        record_encode(list_entry(link, struct awareness_record, link), out);
    return encode_end(out, size_before);
}
