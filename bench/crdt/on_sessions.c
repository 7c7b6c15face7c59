/* on_sessions.c — what editors and servers do with an editing session. */
#include "workload.h"

static void expect_text(const struct crdt_doc *doc, const struct crdt_type *text, const struct session *session) {
    struct bytes_writer out = bench_writer();
    must(crdt_text_write(doc, text, &out));
    must_be(bytes_equal(bytes_written(&out), session->text), "the text is another");
    bytes_writer_finish(&out);
}

static struct crdt_doc *load(const struct session *session, const struct mem *mem) {
    struct crdt_doc *doc = bench_doc(mem, 1);
    bench_apply(doc, session->state_v1);
    return doc;
}

/* Every patch, a transaction each, nobody listening. */
static void run_local(const struct session *session, const struct mem *mem, struct outcome *out) {
    uint64_t begin = clock_ns();
    struct crdt_doc *doc = bench_doc(mem, 1);
    struct crdt_type *text = bench_root(doc, session->root);
    for (size_t i = 0; i < session->patch_count; i++)
        bench_edit(doc, text, &session->patches[i], NULL);
    out->ns = clock_ns() - begin;
    out->ops = session->patch_count;
    out->heap_bytes = crdt_doc_size(doc).heap_bytes;
    expect_text(doc, text, session);
    crdt_doc_destroy(doc);
}

/* The same; each edit's update is written, and in the end text and state. */
static void run_local_emit(const struct session *session, const struct mem *mem, struct outcome *out) {
    struct bytes_writer update = bench_writer();
    struct bytes_writer state = bench_writer();
    uint64_t begin = clock_ns();
    struct crdt_doc *doc = bench_doc(mem, 1);
    struct crdt_type *text = bench_root(doc, session->root);
    for (size_t i = 0; i < session->patch_count; i++) {
        bytes_writer_reset(&update);
        bench_edit(doc, text, &session->patches[i], &update);
        out->bytes += update.size;
    }
    must(crdt_text_write(doc, text, &state));
    bytes_writer_reset(&state);
    must(crdt_update_encode(doc, &state));
    out->ns = clock_ns() - begin;
    out->ops = session->patch_count;
    out->heap_bytes = crdt_doc_size(doc).heap_bytes;
    expect_text(doc, text, session);
    bytes_writer_finish(&update);
    bytes_writer_finish(&state);
    crdt_doc_destroy(doc);
}

/* Every update, a transaction each. */
static void run_remote(const struct session *session, const struct mem *mem, struct outcome *out) {
    uint64_t begin = clock_ns();
    struct crdt_doc *doc = bench_doc(mem, 1);
    for (size_t i = 0; i < session->update_count; i++)
        bench_apply(doc, session->updates[i]);
    out->ns = clock_ns() - begin;
    out->ops = session->update_count;
    out->heap_bytes = crdt_doc_size(doc).heap_bytes;
    expect_text(doc, bench_root(doc, session->root), session);
    crdt_doc_destroy(doc);
}

static void run_load(const struct session *session, const struct mem *mem, struct outcome *out) {
    uint64_t begin = clock_ns();
    struct crdt_doc *doc = load(session, mem);
    out->ns = clock_ns() - begin;
    out->ops = 1;
    out->heap_bytes = crdt_doc_size(doc).heap_bytes;
    out->bytes = session->state_v1.size;
    crdt_doc_destroy(doc);
}

static void run_load_v2(const struct session *session, const struct mem *mem, struct outcome *out) {
    uint64_t begin = clock_ns();
    struct crdt_doc *doc = bench_doc(mem, 1);
    struct crdt_txn *txn = crdt_txn_begin(doc);
    must(crdt_update_apply_v2(txn, session->state_v2, NULL));
    must(crdt_txn_commit(txn, NULL, NULL));
    out->ns = clock_ns() - begin;
    out->ops = 1;
    out->bytes = session->state_v2.size;
    crdt_doc_destroy(doc);
}

static void encode(const struct session *session, const struct mem *mem, struct outcome *out, bool again) {
    struct crdt_doc *doc = load(session, mem);
    struct bytes_writer state = bench_writer();
    must_be(bytes_writer_reserve(&state, session->state_v1.size * 2) != NULL, "no memory");
    if (again)
        must(crdt_update_encode(doc, &state));
    bytes_writer_reset(&state);
    uint64_t begin = clock_ns();
    must(crdt_update_encode(doc, &state));
    out->ns = clock_ns() - begin;
    out->ops = 1;
    out->bytes = state.size;
    bytes_writer_finish(&state);
    crdt_doc_destroy(doc);
}

static void run_encode(const struct session *session, const struct mem *mem, struct outcome *out) {
    encode(session, mem, out, false);
}

static void run_encode_again(const struct session *session, const struct mem *mem, struct outcome *out) {
    encode(session, mem, out, true);
}

static void run_text(const struct session *session, const struct mem *mem, struct outcome *out) {
    struct crdt_doc *doc = load(session, mem);
    struct crdt_type *text = bench_root(doc, session->root);
    struct bytes_writer written = bench_writer();
    must_be(bytes_writer_reserve(&written, session->text.size) != NULL, "no memory");
    uint64_t begin = clock_ns();
    must(crdt_text_write(doc, text, &written));
    out->ns = clock_ns() - begin;
    out->ops = 1;
    out->bytes = written.size;
    bytes_writer_finish(&written);
    crdt_doc_destroy(doc);
}

enum { DIFF_EDITS = 100, DIFF_PEERS = 20 };

/* What a peer that misses the last hundred edits is told; several peers ask. */
static void run_diff(const struct session *session, const struct mem *mem, struct outcome *out) {
    struct crdt_doc *doc = bench_doc(mem, 1);
    struct bytes_writer vector = bench_writer();
    struct bytes_writer diff = bench_writer();
    for (size_t i = 0; i < session->update_count; i++) {
        if (i + DIFF_EDITS == session->update_count)
            must(crdt_state_vector_encode(doc, &vector));
        bench_apply(doc, session->updates[i]);
    }
    must_be(bytes_writer_reserve(&diff, session->state_v1.size) != NULL, "no memory");
    uint64_t begin = clock_ns();
    for (size_t i = 0; i < DIFF_PEERS; i++) {
        bytes_writer_reset(&diff);
        must(crdt_update_encode_diff(doc, bytes_written(&vector), &diff));
    }
    out->ns = clock_ns() - begin;
    out->ops = DIFF_PEERS;
    out->bytes = diff.size;
    bytes_writer_finish(&vector);
    bytes_writer_finish(&diff);
    crdt_doc_destroy(doc);
}

/* All updates as one, without a document, and that applied. */
static void run_merge(const struct session *session, const struct mem *mem, struct outcome *out) {
    struct bytes_writer merged = bench_writer();
    uint64_t begin = clock_ns();
    must(crdt_updates_merge(CRDT_V1, session->updates, session->update_count, &merged));
    struct crdt_doc *doc = bench_doc(mem, 1);
    bench_apply(doc, bytes_written(&merged));
    out->ns = clock_ns() - begin;
    out->ops = session->update_count;
    out->bytes = merged.size;
    expect_text(doc, bench_root(doc, session->root), session);
    bytes_writer_finish(&merged);
    crdt_doc_destroy(doc);
}

/* What a loaded document holds; with one edit in the middle, so that positions were asked for. */
static void run_memory(const struct session *session, const struct mem *mem, struct outcome *out) {
    struct crdt_doc *doc = load(session, mem);
    struct crdt_type *text = bench_root(doc, session->root);
    out->bytes = crdt_doc_size(doc).heap_bytes; /* without positions */
    uint64_t begin = clock_ns();
    struct patch patch = { (uint32_t)(crdt_text_length(text) / 2), 0, bytes_text("x") };
    bench_edit(doc, text, &patch, NULL);
    out->ns = clock_ns() - begin;
    out->ops = 1;
    out->heap_bytes = crdt_doc_size(doc).heap_bytes;
    crdt_doc_destroy(doc);
}

const struct workload workloads_of_sessions[] = {
    { "local", run_local, ON_ONE_WRITER },
    { "local-emit", run_local_emit, ON_ONE_WRITER },
    { "remote", run_remote, ON_EVERY_SESSION },
    { "load", run_load, ON_EVERY_SESSION },
    { "load-v2", run_load_v2, ON_EVERY_SESSION },
    { "encode", run_encode, ON_EVERY_SESSION },
    { "encode-again", run_encode_again, ON_EVERY_SESSION },
    { "text", run_text, ON_EVERY_SESSION },
    { "diff", run_diff, ON_EVERY_SESSION },
    { "merge-concurrent", run_merge, ON_SEVERAL_WRITERS },
    { "memory", run_memory, ON_EVERY_SESSION },
    { NULL, NULL, WITHOUT_SESSION },
};
