/* at_worst.c — what hurts. Each comes in two sizes, the second ten times the first: the time of one operation shows how its cost
 * grows. */
#include "workload.h"

#include <string.h>

enum { SEED = 77 };

static void edit(struct crdt_doc *doc, struct crdt_type *text, uint64_t index, uint64_t deleted, struct bytes inserted) {
    struct trace_patch patch = { (uint32_t)index, (uint32_t)deleted, inserted };
    bench_edit(doc, text, &patch, NULL);
}

static struct bytes letters(size_t count) {
    static char many[1024];
    memset(many, 'x', sizeof many);
    must_be(count <= sizeof many, "too many letters");
    return bytes_of(many, count);
}

static void finish(struct crdt_doc *doc, struct outcome *out, uint64_t ops, uint64_t length) {
    must_be(crdt_type_length(bench_root(doc, "t")) == length, "the text has another length");
    out->ops = ops;
    out->heap_bytes = crdt_doc_size(doc).heap_bytes;
    crdt_doc_destroy(doc);
}

/* Edits anywhere in a document of `size` KB, which was inserted at random places itself: three letters are typed, then one is
 * deleted. */
static void random_edits(const struct session *session, uint32_t size, const struct mem *mem, struct outcome *out) {
    (void)session;
    enum { EDITS = 20000 };
    struct bench_random random = { SEED };
    struct crdt_doc *doc = bench_doc(mem, 1);
    struct crdt_type *text = bench_root(doc, "t");
    uint32_t length = 0;
    for (uint32_t i = 0; i < size; i++, length += 1000)
        edit(doc, text, bench_below(&random, length + 1), 0, letters(1000));
    outcome_start(out);
    for (uint32_t i = 0; i < EDITS; i++) {
        bool deletes = i % 4 == 3;
        edit(doc, text, bench_below(&random, length), deletes, letters(!deletes));
        length += deletes ? -1U : 1U;
    }
    outcome_stop(out);
    finish(doc, out, EDITS, length);
}

/* Writers who each type one letter at the end, one after the other. */
static void clients(const struct session *session, uint32_t size, const struct mem *mem, struct outcome *out) {
    (void)session;
    struct crdt_doc *doc = bench_doc(mem, 1);
    struct crdt_type *text = bench_root(doc, "t");
    outcome_start(out);
    for (uint32_t i = 0; i < size; i++) {
        must(crdt_doc_set_client_id(doc, 1 + i * 2654435761U));
        edit(doc, text, i, 0, letters(1));
    }
    outcome_stop(out);
    must_be(crdt_doc_size(doc).clients == size, "clients are missing");
    finish(doc, out, size, size);
}

/* Two clients by turns: as many items as letters. */
static void items(const struct session *session, uint32_t size, const struct mem *mem, struct outcome *out) {
    (void)session;
    struct crdt_doc *doc = bench_doc(mem, 1);
    struct crdt_type *text = bench_root(doc, "t");
    outcome_start(out);
    for (uint32_t i = 0; i < size; i++) {
        must(crdt_doc_set_client_id(doc, 1 + i % 2));
        edit(doc, text, i, 0, letters(1));
    }
    outcome_stop(out);
    must_be(crdt_doc_size(doc).structs == size, "items were joined");
    finish(doc, out, size, size);
}

static struct crdt_doc *doc_with_tombstones(const struct mem *mem, uint32_t size, struct outcome *out) {
    struct crdt_doc *doc = bench_doc(mem, 1);
    struct crdt_type *text = bench_root(doc, "t");
    edit(doc, text, 0, 0, letters(10));
    if (out != NULL)
        outcome_start(out);
    for (uint32_t i = 0; i < size; i++) {
        must(crdt_doc_set_client_id(doc, 1 + i % 2));
        edit(doc, text, 5, 0, letters(1));
        edit(doc, text, 5, 1, letters(0));
    }
    if (out != NULL)
        outcome_stop(out);
    return doc;
}

/* A letter typed and deleted again and again at one place, by two clients. */
static void tombstones(const struct session *session, uint32_t size, const struct mem *mem, struct outcome *out) {
    (void)session;
    struct crdt_doc *doc = doc_with_tombstones(mem, size, out);
    finish(doc, out, 2 * (uint64_t)size, 10);
}

/* Typing on both sides of such a heap of tombstones by turns. */
static void across_tombstones(const struct session *session, uint32_t size, const struct mem *mem, struct outcome *out) {
    (void)session;
    enum { EDITS = 1000 };
    struct crdt_doc *doc = doc_with_tombstones(mem, size, NULL);
    struct crdt_type *text = bench_root(doc, "t");
    outcome_start(out);
    for (uint32_t i = 0; i < EDITS; i++)
        edit(doc, text, i % 2 == 0 ? 4 : i + 7, 0, letters(1));
    outcome_stop(out);
    finish(doc, out, EDITS, 10 + EDITS);
}

static void prepends(const struct session *session, uint32_t size, const struct mem *mem, struct outcome *out) {
    (void)session;
    struct crdt_doc *doc = bench_doc(mem, 1);
    struct crdt_type *text = bench_root(doc, "t");
    outcome_start(out);
    for (uint32_t i = 0; i < size; i++)
        edit(doc, text, 0, 0, letters(1));
    outcome_stop(out);
    finish(doc, out, size, size);
}

/* One key set again and again. */
static void hot_key(const struct session *session, uint32_t size, const struct mem *mem, struct outcome *out) {
    (void)session;
    struct crdt_doc *doc = bench_doc(mem, 1);
    struct crdt_type *map = bench_root(doc, "t");
    outcome_start(out);
    for (uint32_t i = 0; i < size; i++) {
        struct crdt_value value = crdt_number(i);
        struct crdt_txn *txn = crdt_txn_begin(doc);
        must(crdt_map_set(txn, map, bytes_text("k"), &value));
        must(crdt_txn_commit(txn, NULL, NULL));
    }
    outcome_stop(out);
    struct arena arena;
    struct crdt_value last;
    arena_init(&arena, &mem_default, 4096);
    must(crdt_map_get(doc, map, bytes_text("k"), &arena, &last));
    must_be(last.kind == CRDT_NUMBER && last.number == (double)(size - 1), "the key has another value");
    arena_finish(&arena);
    finish(doc, out, size, 0);
}

/* One run that grows by appends of 200 letters. */
static void appends(const struct session *session, uint32_t size, const struct mem *mem, struct outcome *out) {
    (void)session;
    struct crdt_doc *doc = bench_doc(mem, 1);
    struct crdt_type *text = bench_root(doc, "t");
    outcome_start(out);
    for (uint32_t i = 0; i < size; i++)
        edit(doc, text, 200 * (uint64_t)i, 0, letters(200));
    outcome_stop(out);
    finish(doc, out, size, 200 * (uint64_t)size);
}

/* Everybody types one letter at the beginning without knowing of the others. Heard by rising ids, each new one goes past all that
 * are there, as the order rule of Yjs demands. */
static void conflicts(const struct session *session, uint32_t size, const struct mem *mem, struct outcome *out) {
    (void)session;
    struct bytes_writer update = bench_writer(64);
    struct crdt_doc *doc = bench_doc(mem, 1);
    for (uint32_t i = 0; i < size; i++) {
        struct crdt_doc *other = bench_doc(&mem_default, 10 + i);
        struct trace_patch patch = { 0, 0, letters(1) };
        bytes_writer_reset(&update);
        bench_edit(other, bench_root(other, "t"), &patch, &update);
        crdt_doc_destroy(other);
        outcome_start(out);
        bench_apply(doc, bytes_written(&update));
        outcome_stop(out);
    }
    bytes_writer_finish(&update);
    bench_root(doc, "t");
    finish(doc, out, size, size);
}

/* Two who each prepended `size` letters, letter by letter, without knowing of the other: one hears of the other's. */
static void deep_conflicts(const struct session *session, uint32_t size, const struct mem *mem, struct outcome *out) {
    (void)session;
    struct bytes_writer states[2] = { bench_writer(1), bench_writer(1) };
    for (uint32_t i = 0; i < 2; i++) {
        struct crdt_doc *doc = bench_doc(&mem_default, 1 + i);
        for (uint32_t at = 0; at < size; at++)
            edit(doc, bench_root(doc, "t"), 0, 0, letters(1));
        must(crdt_update_encode(doc, &states[i]));
        crdt_doc_destroy(doc);
    }
    struct crdt_doc *doc = bench_doc(mem, 1);
    bench_apply(doc, bytes_written(&states[0]));
    outcome_start(out);
    bench_apply(doc, bytes_written(&states[1]));
    outcome_stop(out);
    bytes_writer_finish(&states[0]);
    bytes_writer_finish(&states[1]);
    finish(doc, out, size, 2 * (uint64_t)size);
}

const struct workload workloads_at_worst[] = {
    { "random-edits", "100 KB", random_edits, 100, WITHOUT_SESSION },
    { "random-edits", "1 MB", random_edits, 1000, WITHOUT_SESSION },
    { "clients", "1,000", clients, 1000, WITHOUT_SESSION },
    { "clients", "10,000", clients, 10000, WITHOUT_SESSION },
    { "items", "100,000", items, 100000, WITHOUT_SESSION },
    { "items", "1,000,000", items, 1000000, WITHOUT_SESSION },
    { "tombstones", "1,000", tombstones, 1000, WITHOUT_SESSION },
    { "tombstones", "10,000", tombstones, 10000, WITHOUT_SESSION },
    { "across-tombstones", "1,000", across_tombstones, 1000, WITHOUT_SESSION },
    { "across-tombstones", "10,000", across_tombstones, 10000, WITHOUT_SESSION },
    { "prepends", "10,000", prepends, 10000, WITHOUT_SESSION },
    { "prepends", "100,000", prepends, 100000, WITHOUT_SESSION },
    { "hot-key", "10,000", hot_key, 10000, WITHOUT_SESSION },
    { "hot-key", "100,000", hot_key, 100000, WITHOUT_SESSION },
    { "conflicts", "300", conflicts, 300, WITHOUT_SESSION },
    { "conflicts", "3,000", conflicts, 3000, WITHOUT_SESSION },
    { "deep-conflicts", "300", deep_conflicts, 300, WITHOUT_SESSION },
    { "deep-conflicts", "3,000", deep_conflicts, 3000, WITHOUT_SESSION },
    { "appends", "1 MB", appends, 5000, WITHOUT_SESSION },
    { "appends", "10 MB", appends, 50000, WITHOUT_SESSION },
    { NULL, NULL, NULL, 0, WITHOUT_SESSION },
};
