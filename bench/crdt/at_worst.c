/* at_worst.c — what hurts. Each comes in two sizes, the second ten times the first, so that the table shows how its cost grows. */
#include "workload.h"

#include <stdlib.h>
#include <string.h>

enum { SEED = 77 };

static void edit(struct crdt_doc *doc, struct crdt_type *text, uint64_t index, uint64_t deleted, struct bytes inserted) {
    struct patch patch = { (uint32_t)index, (uint32_t)deleted, inserted };
    bench_edit(doc, text, &patch, NULL);
}

static void end(struct crdt_doc *doc, struct outcome *out, uint64_t begin, uint64_t ops) {
    out->ns = clock_ns() - begin;
    out->ops = ops;
    out->heap_bytes = crdt_doc_size(doc).heap_bytes;
    crdt_doc_destroy(doc);
}

/* Edits anywhere in a document of that size, which grows from edits at random places itself. */
static void random_edits(const struct mem *mem, struct outcome *out, uint32_t kilobytes) {
    struct bench_random random = { SEED };
    struct crdt_doc *doc = bench_doc(mem, 1);
    struct crdt_type *text = bench_root(doc, "t");
    static char page[1024];
    memset(page, 'x', sizeof page);
    for (uint32_t i = 0; i < kilobytes; i++)
        edit(doc, text, bench_below(&random, (uint32_t)crdt_type_length(text) + 1), 0, bytes_of(page, sizeof page));
    enum { EDITS = 20000 };
    uint64_t begin = clock_ns();
    for (uint32_t i = 0; i < EDITS; i++)
        edit(doc, text, bench_below(&random, (uint32_t)crdt_type_length(text)), i % 4 == 3,
             i % 4 == 3 ? bytes_text("") : bytes_text("y"));
    end(doc, out, begin, EDITS);
}

/* Writers who each insert one letter at the end, one after the other. */
static void many_clients(const struct mem *mem, struct outcome *out, uint32_t clients) {
    struct crdt_doc *doc = bench_doc(mem, 1);
    struct crdt_type *text = bench_root(doc, "t");
    uint64_t begin = clock_ns();
    for (uint32_t i = 0; i < clients; i++) {
        must(crdt_doc_set_client_id(doc, 1 + (uint64_t)i * 2654435761U));
        edit(doc, text, i, 0, bytes_text("c"));
    }
    end(doc, out, begin, clients);
}

/* Two clients by turns: as many items as letters. */
static void single_items(const struct mem *mem, struct outcome *out, uint32_t items) {
    struct crdt_doc *doc = bench_doc(mem, 1);
    struct crdt_type *text = bench_root(doc, "t");
    uint64_t begin = clock_ns();
    for (uint32_t i = 0; i < items; i++) {
        must(crdt_doc_set_client_id(doc, 1 + i % 2));
        edit(doc, text, i, 0, bytes_text("c"));
    }
    end(doc, out, begin, items);
}

/* A letter typed and deleted again and again at one place, then typing behind the tombstones. */
static void tombstones(const struct mem *mem, struct outcome *out, uint32_t count) {
    struct crdt_doc *doc = bench_doc(mem, 1);
    struct crdt_type *text = bench_root(doc, "t");
    edit(doc, text, 0, 0, bytes_text("begin end"));
    uint64_t begin = clock_ns();
    for (uint32_t i = 0; i < count; i++) {
        must(crdt_doc_set_client_id(doc, 1 + i % 2));
        edit(doc, text, 5, 0, bytes_text("c"));
        edit(doc, text, 5, 1, bytes_text(""));
    }
    end(doc, out, begin, 2 * (uint64_t)count);
}

static void prepends(const struct mem *mem, struct outcome *out, uint32_t count) {
    struct crdt_doc *doc = bench_doc(mem, 1);
    struct crdt_type *text = bench_root(doc, "t");
    uint64_t begin = clock_ns();
    for (uint32_t i = 0; i < count; i++)
        edit(doc, text, 0, 0, bytes_text("c"));
    end(doc, out, begin, count);
}

static void hot_key(const struct mem *mem, struct outcome *out, uint32_t count) {
    struct crdt_doc *doc = bench_doc(mem, 1);
    struct crdt_type *map = bench_root(doc, "m");
    uint64_t begin = clock_ns();
    for (uint32_t i = 0; i < count; i++) {
        struct crdt_value value = crdt_number(i);
        struct crdt_txn *txn = crdt_txn_begin(doc);
        must(crdt_map_set(txn, map, bytes_text("k"), &value));
        must(crdt_txn_commit(txn, NULL, NULL));
    }
    end(doc, out, begin, count);
}

/* One run that grows by appends of 200 letters. */
static void appends(const struct mem *mem, struct outcome *out, uint32_t count) {
    struct crdt_doc *doc = bench_doc(mem, 1);
    struct crdt_type *text = bench_root(doc, "t");
    static char piece[200];
    memset(piece, 'x', sizeof piece);
    uint64_t begin = clock_ns();
    for (uint32_t i = 0; i < count; i++)
        edit(doc, text, crdt_type_length(text), 0, bytes_of(piece, sizeof piece));
    end(doc, out, begin, count);
}

/* Everybody inserts at the beginning without knowing of the others; the order they are heard in is the worst, by falling ids. */
static void conflicts(const struct mem *mem, struct outcome *out, uint32_t clients) {
    struct bytes_writer update = bench_writer();
    struct crdt_doc *doc = bench_doc(mem, 1);
    uint64_t ns = 0;
    for (uint32_t i = clients; i > 0; i--) {
        struct crdt_doc *other = bench_doc(&mem_default, i);
        struct patch patch = { 0, 0, bytes_text("c") };
        bytes_writer_reset(&update);
        bench_edit(other, bench_root(other, "t"), &patch, &update);
        crdt_doc_destroy(other);
        uint64_t begin = clock_ns();
        bench_apply(doc, bytes_written(&update));
        ns += clock_ns() - begin;
    }
    bytes_writer_finish(&update);
    end(doc, out, 0, clients);
    out->ns = ns;
}

/* Documents of 5 KB: typed with corrections, or one insert. */
static void documents(const struct mem *mem, struct outcome *out, bool history) {
    enum { COUNT = 1000, BYTES = 5000, EDITS = 700 };
    static struct crdt_doc *docs[COUNT];
    static char page[BYTES];
    memset(page, 'x', sizeof page);
    uint64_t begin = clock_ns();
    for (unsigned i = 0; i < COUNT; i++) {
        struct bench_random random = { SEED + i };
        docs[i] = bench_doc(mem, 1);
        struct crdt_type *text = bench_root(docs[i], "t");
        edit(docs[i], text, 0, 0, bytes_of(page, history ? BYTES - 2 * EDITS : BYTES));
        for (unsigned at = 0; history && at < EDITS; at++)
            edit(docs[i], text, bench_below(&random, (uint32_t)crdt_type_length(text)), at % 3 == 2, bytes_text("word"));
        out->heap_bytes += crdt_doc_size(docs[i]).heap_bytes;
    }
    out->ns = clock_ns() - begin;
    out->ops = COUNT;
    for (unsigned i = 0; i < COUNT; i++)
        crdt_doc_destroy(docs[i]);
}

#define WORST(name, call)                                                                         \
    static void name(const struct session *session, const struct mem *mem, struct outcome *out) { \
        (void)session;                                                                            \
        call;                                                                                     \
    }

WORST(random_100k, random_edits(mem, out, 100))
WORST(random_1m, random_edits(mem, out, 1000))
WORST(clients_1000, many_clients(mem, out, 1000))
WORST(clients_10000, many_clients(mem, out, 10000))
WORST(items_100k, single_items(mem, out, 100000))
WORST(items_1m, single_items(mem, out, 1000000))
WORST(tombstones_1000, tombstones(mem, out, 1000))
WORST(tombstones_10000, tombstones(mem, out, 10000))
WORST(prepends_10k, prepends(mem, out, 10000))
WORST(prepends_100k, prepends(mem, out, 100000))
WORST(hot_key_10k, hot_key(mem, out, 10000))
WORST(hot_key_100k, hot_key(mem, out, 100000))
WORST(appends_1m, appends(mem, out, 5000))
WORST(appends_10m, appends(mem, out, 50000))
WORST(conflicts_300, conflicts(mem, out, 300))
WORST(conflicts_3000, conflicts(mem, out, 3000))
WORST(documents_history, documents(mem, out, true))
WORST(documents_insert, documents(mem, out, false))

const struct workload workloads_at_worst[] = {
    { "random-edits-100k", random_100k, WITHOUT_SESSION },
    { "random-edits", random_1m, WITHOUT_SESSION },
    { "clients-1000", clients_1000, WITHOUT_SESSION },
    { "clients-10000", clients_10000, WITHOUT_SESSION },
    { "items-100k", items_100k, WITHOUT_SESSION },
    { "items-1m", items_1m, WITHOUT_SESSION },
    { "tombstones-1000", tombstones_1000, WITHOUT_SESSION },
    { "tombstones-10000", tombstones_10000, WITHOUT_SESSION },
    { "prepends-10k", prepends_10k, WITHOUT_SESSION },
    { "prepends-100k", prepends_100k, WITHOUT_SESSION },
    { "hot-key-10k", hot_key_10k, WITHOUT_SESSION },
    { "hot-key-100k", hot_key_100k, WITHOUT_SESSION },
    { "appends-1m", appends_1m, WITHOUT_SESSION },
    { "appends-10m", appends_10m, WITHOUT_SESSION },
    { "conflicts-300", conflicts_300, WITHOUT_SESSION },
    { "conflicts-3000", conflicts_3000, WITHOUT_SESSION },
    { "memory-1000-history", documents_history, WITHOUT_SESSION },
    { "memory-1000-insert", documents_insert, WITHOUT_SESSION },
    { NULL, NULL, WITHOUT_SESSION },
};
