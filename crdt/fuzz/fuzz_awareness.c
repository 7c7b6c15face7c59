/* fuzz_awareness.c — updates of any bytes, with small limits: size byte, bytes, and so on.
 *
 * Whatever came, a second one that is told everything at the end knows the same states. */
#include "crdt/awareness.h"
#include "expect.h"
#include "mutate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#ifdef VIBESYNC_FUZZING
enum { AWARENESS_ENTRIES_MAX = 16, AWARENESS_CHUNK_MAX = 255 };

struct awareness_entry {
    uint64_t client;
    uint64_t clock;
    struct bytes state;
};

static bool read_entries(struct bytes update, struct awareness_entry *entries, size_t *count) {
    struct bytes_reader reader = bytes_reader(update);
    uint64_t said;
    *count = 0;
    if (varint_read(&reader, &said) != STATUS_OK || said >= AWARENESS_ENTRIES_MAX)
        return false;
    for (; *count < said; (*count)++) {
        struct awareness_entry *entry = &entries[*count];
        if (varint_read(&reader, &entry->client) != STATUS_OK || varint_read(&reader, &entry->clock) != STATUS_OK ||
            varint_read_view(&reader, &entry->state) != STATUS_OK)
            return false;
    }
    return true;
}

/* One entry changes, comes or goes. */
static void mutate_entries(struct awareness_entry *entries, size_t *count, struct chance *chance) {
    static const char *const states[] = { "null",
                                          "{}",
                                          " null\n",
                                          "{\"u\":1}",
                                          "\"\"",
                                          "[[1e9,true],\"\\ud83d\\ude00\"]",
                                          "nul",
                                          "{\"a\":1,\"a\":2}",
                                          "\"0123456789012345678901234567890123456789012345678901234567890123456789\"" };
    size_t at = below(chance, (uint32_t)*count + 1);
    uint32_t what = below(chance, 6);
    if (at == *count || what == 0) { /* one more, often of a client who is here */
        if (*count == AWARENESS_ENTRIES_MAX)
            return;
        entries[*count] =
            *count > 0 ? entries[at % *count] : (struct awareness_entry){ 1 + below(chance, 12), 1, bytes_text("{}") };
        if (entries[*count].clock < UINT32_MAX)
            entries[*count].clock += below(chance, 3);
        (*count)++;
        return;
    }
    if (what == 1)
        entries[at].client = below(chance, 4) == 0 ? mutate_number(chance, entries[at].client) : below(chance, 12);
    else if (what == 2)
        entries[at].clock = mutate_number(chance, entries[at].clock);
    else if (what == 3)
        entries[at] = entries[--*count];
    else
        entries[at].state = bytes_text(states[below(chance, sizeof states / sizeof *states)]);
}

/* Half of the time one update is changed by its grammar, or a new one appended. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed) {
    struct awareness_entry entries[AWARENESS_ENTRIES_MAX + 1];
    struct chance chance = { seed };
    struct bytes_reader reader = bytes_reader(bytes_of(data, size));
    struct bytes chosen = bytes_of(data + size, 0);
    struct bytes_writer update;
    struct bytes_writer whole;
    size_t count = 0;
    size_t before = size;
    uint8_t chunk;
    uint32_t seen = 0;
    if (below(&chance, 2) == 0)
        return LLVMFuzzerMutate(data, size, size_max);
    while (bytes_read_u8(&reader, &chunk) == STATUS_OK) {
        struct bytes bytes;
        size_t start = (size_t)(reader.at - data) - 1;
        bytes_read_view(&reader, chunk < bytes_left(&reader) ? chunk : bytes_left(&reader), &bytes);
        if (below(&chance, ++seen + 1) == 0 && read_entries(bytes, entries, &count))
            chosen = bytes, before = start;
    }
    if (before == size || !read_entries(chosen, entries, &count))
        count = 0;
    for (uint32_t times = 1 + below(&chance, 3); times > 0; times--)
        mutate_entries(entries, &count, &chance);
    bytes_writer_init(&update, &mem_default, AWARENESS_CHUNK_MAX);
    bytes_writer_init(&whole, &mem_default, size_max);
    varint_write(&update, count);
    for (size_t i = 0; i < count; i++) {
        varint_write(&update, entries[i].client);
        varint_write(&update, entries[i].clock);
        varint_write_view(&update, entries[i].state);
    }
    bytes_write(&whole, bytes_of(data, before));
    bytes_write_u8(&whole, (uint8_t)update.size);
    bytes_write(&whole, bytes_written(&update));
    size_t behind = (size_t)(chosen.data - data) + chosen.size;
    bytes_write(&whole, bytes_of(data + behind, size - behind));
    size_t result = update.status == STATUS_OK && whole.status == STATUS_OK ? whole.size : 0;
    if (result > 0)
        memcpy(data, whole.data, result);
    bytes_writer_finish(&update);
    bytes_writer_finish(&whole);
    return result > 0 ? result : LLVMFuzzerMutate(data, size, size_max);
}
#endif

struct told {
    size_t added;
    size_t removed;
};

static void count_change(void *context, enum crdt_awareness_change change, uint64_t client) {
    (void)client;
    struct told *told = context;
    told->added += change == CRDT_AWARENESS_ADDED;
    told->removed += change == CRDT_AWARENESS_REMOVED;
}

static enum status ignore_client(void *context, uint64_t client, uint64_t clock, struct bytes state) {
    (void)client;
    (void)clock;
    *(size_t *)context += state.size;
    return STATUS_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct crdt_awareness_options options = { .clients_max = 8, .state_bytes_max = 64, .bytes_max = 256 };
    struct crdt_awareness *awareness;
    struct crdt_awareness *other;
    expect(crdt_awareness_create(&options, &awareness) == STATUS_OK && crdt_awareness_create(&options, &other) == STATUS_OK,
           "none");
    struct bytes_reader reader = bytes_reader(bytes_of(data, size));
    struct told told = { 0, 0 };
    uint64_t now_ms = 0;
    uint8_t chunk;
    while (bytes_read_u8(&reader, &chunk) == STATUS_OK) {
        struct bytes update;
        bytes_read_view(&reader, chunk < bytes_left(&reader) ? chunk : bytes_left(&reader), &update);
        struct told before = told;
        size_t state_bytes = 0;
        enum status status = crdt_awareness_apply(awareness, update, now_ms, count_change, &told);
        expect(status == STATUS_OK || (told.added == before.added && told.removed == before.removed), "refused, but told");
        enum status walked = crdt_awareness_each_client(update, ignore_client, &state_bytes);
        expect(status != STATUS_OK || walked == STATUS_OK, "taken, but not walked");
        now_ms += 997;
        crdt_awareness_expire(awareness, now_ms, count_change, &told);
        expect(told.added - told.removed == crdt_awareness_count(awareness), "what was told is not what is there");
        expect(crdt_awareness_count(awareness) <= options.clients_max, "too many clients");
    }
    struct bytes_writer all;
    struct bytes_writer again;
    bytes_writer_init(&all, &mem_default, SIZE_MAX);
    bytes_writer_init(&again, &mem_default, SIZE_MAX);
    expect(crdt_awareness_encode_all(awareness, &all) == STATUS_OK, "no encoding");
    expect(crdt_awareness_apply(other, bytes_written(&all), now_ms, NULL, NULL) == STATUS_OK, "what was encoded is refused");
    expect(crdt_awareness_count(other) == crdt_awareness_count(awareness), "a client got lost");
    expect(crdt_awareness_encode_all(other, &again) == STATUS_OK && again.size == all.size, "the copy says something else");
    bytes_writer_finish(&all);
    bytes_writer_finish(&again);
    crdt_awareness_destroy(awareness);
    crdt_awareness_destroy(other);
    return 0;
}
