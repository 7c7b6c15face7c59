/* fuzz_awareness.c — updates of any bytes, with small limits: size byte, bytes, and so on.
 *
 * Whatever came, a second one that is told everything at the end knows the same states. */
#include "crdt/awareness.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool fact, const char *what) {
    if (fact)
        return;
    fprintf(stderr, "fuzz_awareness: %s\n", what);
    abort();
}

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
