/* in_memory.c — memory-1000: a thousand documents of 5 KB.
 *
 *     history, live    each with its history of 1,039 runs, loaded from its bytes; the time is that of loading
 *     history, cold    kept as encoded bytes instead; the time is that of encoding
 *     one insert       nothing but one insert of 5 KB
 *
 * `heap_bytes` is all of them together. */
#include "workload.h"

#include <string.h>

enum { COUNT = 1000, BYTES = 5000, HISTORY_EDITS = 651, SEED = 5000 };

/* Words typed and letters deleted at random places, which makes 1,039 runs, then letters at the end until it has that many. */
static struct bytes history_state(void) {
    static struct bytes_writer state;
    if (state.size > 0)
        return bytes_written(&state);
    struct bench_random random = { SEED };
    struct crdt_doc *doc = bench_doc(&mem_default, 1);
    struct crdt_type *text = bench_root(doc, "t");
    for (unsigned i = 0; i < HISTORY_EDITS; i++) {
        uint32_t length = (uint32_t)crdt_type_length(text);
        bool deletes = length > 0 && bench_below(&random, 3) == 0;
        struct trace_patch patch = { bench_below(&random, length + !deletes), deletes, bytes_text(deletes ? "" : "letters") };
        bench_edit(doc, text, &patch, NULL);
    }
    while (crdt_type_length(text) < BYTES) {
        struct trace_patch patch = { (uint32_t)crdt_type_length(text), 0, bytes_text("x") };
        bench_edit(doc, text, &patch, NULL);
    }
    state = bench_writer(1);
    must(crdt_update_encode(doc, &state));
    crdt_doc_destroy(doc);
    return bytes_written(&state);
}

static struct crdt_doc *docs[COUNT];

static void finish(struct outcome *out, bool live) {
    out->ops = COUNT;
    for (unsigned i = 0; i < COUNT; i++) {
        struct crdt_type *text = bench_root(docs[i], "t");
        must_be(crdt_type_length(text) >= BYTES, "a document is not whole");
        if (live)
            out->heap_bytes += crdt_doc_size(docs[i]).heap_bytes;
        crdt_doc_destroy(docs[i]);
    }
}

static void history_live(const struct session *session, uint32_t size, const struct mem *mem, struct outcome *out) {
    (void)session;
    (void)size;
    struct bytes state = history_state();
    outcome_start(out);
    for (unsigned i = 0; i < COUNT; i++) {
        docs[i] = bench_doc(mem, 2);
        bench_apply(docs[i], state);
    }
    outcome_stop(out);
    out->bytes = state.size;
    finish(out, true);
}

static void history_cold(const struct session *session, uint32_t size, const struct mem *mem, struct outcome *out) {
    (void)session;
    (void)size;
    static uint8_t *kept[COUNT];
    struct bytes_writer written = bench_writer(1 << 16);
    struct bytes state = history_state();
    for (unsigned i = 0; i < COUNT; i++) {
        docs[i] = bench_doc(mem, 2);
        bench_apply(docs[i], state);
    }
    outcome_start(out);
    for (unsigned i = 0; i < COUNT; i++) {
        bytes_writer_reset(&written);
        must(crdt_update_encode(docs[i], &written));
        kept[i] = mem_alloc(mem, written.size);
        must_be(kept[i] != NULL, "no memory");
        memcpy(kept[i], written.data, written.size);
        out->heap_bytes += written.size;
    }
    outcome_stop(out);
    out->bytes = written.size;
    struct crdt_doc *doc = bench_doc(mem, 2);
    bench_apply(doc, bytes_of(kept[COUNT - 1], written.size));
    bench_expect_same_text(docs[0], bench_root(docs[0], "t"), doc, bench_root(doc, "t"));
    crdt_doc_destroy(doc);
    for (unsigned i = 0; i < COUNT; i++)
        mem_free(mem, kept[i], written.size);
    bytes_writer_finish(&written);
    finish(out, false);
}

static void one_insert(const struct session *session, uint32_t size, const struct mem *mem, struct outcome *out) {
    (void)session;
    (void)size;
    static char page[BYTES];
    memset(page, 'x', sizeof page);
    struct trace_patch patch = { 0, 0, bytes_of(page, sizeof page) };
    outcome_start(out);
    for (unsigned i = 0; i < COUNT; i++) {
        docs[i] = bench_doc(mem, 1);
        bench_edit(docs[i], bench_root(docs[i], "t"), &patch, NULL);
    }
    outcome_stop(out);
    finish(out, true);
}

const struct workload workloads_of_memory[] = {
    { "memory-1000", "history, live", history_live, 0, WITHOUT_SESSION },
    { "memory-1000", "history, cold", history_cold, 0, WITHOUT_SESSION },
    { "memory-1000", "one insert", one_insert, 0, WITHOUT_SESSION },
    { NULL, NULL, NULL, 0, WITHOUT_SESSION },
};
