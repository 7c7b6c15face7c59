/* on_sessions.c — what editors and servers do with an editing session. */
#include "workload.h"

enum { ROOM = 1 << 21, DIFF_EDITS = 100, REPEATS = 20 };

static struct crdt_doc *load(const struct session *session, const struct mem *mem) {
    struct crdt_doc *doc = bench_doc(mem, 2);
    bench_apply(doc, session->state_v1);
    return doc;
}

static void expect_session(struct crdt_doc *doc, const struct session *session) {
    bench_expect_text(doc, bench_root(doc, session->root), session->text);
}

/* That the update makes the document anew. */
static void expect_copy(struct crdt_doc *doc, const struct session *session, struct bytes update) {
    struct crdt_doc *copy = bench_doc(&mem_default, 3);
    bench_apply(copy, update);
    bench_expect_same_text(doc, bench_root(doc, session->root), copy, bench_root(copy, session->root));
    crdt_doc_destroy(copy);
}

/* A letter in the middle: positions are asked for, and nothing that the engine may have kept of the loaded bytes is still right. */
static void edit_middle(struct crdt_doc *doc, const struct session *session, struct outcome *out) {
    struct crdt_type *text = bench_root(doc, session->root);
    if (out != NULL)
        outcome_start(out);
    struct patch patch = { (uint32_t)(crdt_text_length(text) / 2), 0, bytes_text("x") };
    bench_edit(doc, text, &patch, NULL);
    if (out != NULL)
        outcome_stop(out);
}

static void finish(struct crdt_doc *doc, struct outcome *out, uint64_t ops) {
    out->ops = ops;
    out->heap_bytes = crdt_doc_size(doc).heap_bytes;
    crdt_doc_destroy(doc);
}

/* Every patch, a transaction each, nobody listening. */
static void run_local(const struct session *session, uint32_t size, const struct mem *mem, struct outcome *out) {
    (void)size;
    outcome_start(out);
    struct crdt_doc *doc = bench_doc(mem, 1);
    struct crdt_type *text = bench_root(doc, session->root);
    for (size_t i = 0; i < session->patch_count; i++)
        bench_edit(doc, text, &session->patches[i], NULL);
    outcome_stop(out);
    expect_session(doc, session);
    finish(doc, out, session->patch_count);
}

/* The same; each edit's update is written, and in the end the text and the whole as an update. */
static void run_local_emit(const struct session *session, uint32_t size, const struct mem *mem, struct outcome *out) {
    (void)size;
    struct bytes_writer update = bench_writer(ROOM);
    struct bytes_writer text_out = bench_writer(ROOM);
    struct bytes_writer state = bench_writer(ROOM);
    outcome_start(out);
    struct crdt_doc *doc = bench_doc(mem, 1);
    struct crdt_type *text = bench_root(doc, session->root);
    for (size_t i = 0; i < session->patch_count; i++) {
        bytes_writer_reset(&update);
        bench_edit(doc, text, &session->patches[i], &update);
        out->bytes += update.size;
    }
    must(crdt_text_write(doc, text, &text_out));
    must(crdt_update_encode(doc, &state));
    outcome_stop(out);
    must_be(bytes_equal(bytes_written(&text_out), session->text), "the text is another");
    must_be(bytes_equal(bytes_written(&state), session->state_v1), "the state is another");
    bytes_writer_finish(&update);
    bytes_writer_finish(&text_out);
    bytes_writer_finish(&state);
    finish(doc, out, session->patch_count);
}

/* Every update, a transaction each, as a server hears them. */
static void run_remote(const struct session *session, uint32_t size, const struct mem *mem, struct outcome *out) {
    (void)size;
    outcome_start(out);
    struct crdt_doc *doc = bench_doc(mem, 2);
    for (size_t i = 0; i < session->update_count; i++)
        bench_apply(doc, session->updates[i]);
    outcome_stop(out);
    expect_session(doc, session);
    finish(doc, out, session->update_count);
}

/* The whole, into an empty document. Nobody asks for positions. */
static void run_load(const struct session *session, uint32_t size, const struct mem *mem, struct outcome *out) {
    (void)size;
    outcome_start(out);
    struct crdt_doc *doc = load(session, mem);
    outcome_stop(out);
    out->bytes = session->state_v1.size;
    expect_session(doc, session);
    finish(doc, out, 1);
}

static void run_load_v2(const struct session *session, uint32_t size, const struct mem *mem, struct outcome *out) {
    (void)size;
    outcome_start(out);
    struct crdt_doc *doc = bench_doc(mem, 2);
    struct crdt_txn *txn = crdt_txn_begin(doc);
    must(crdt_update_apply_v2(txn, session->state_v2, NULL));
    must(crdt_txn_commit(txn, NULL, NULL));
    outcome_stop(out);
    out->bytes = session->state_v2.size;
    expect_session(doc, session);
    finish(doc, out, 1);
}

/* The whole as an update, after an edit. */
static void run_encode(const struct session *session, uint32_t size, const struct mem *mem, struct outcome *out) {
    (void)size;
    struct crdt_doc *doc = load(session, mem);
    struct bytes_writer state = bench_writer(ROOM);
    edit_middle(doc, session, NULL);
    outcome_start(out);
    must(crdt_update_encode(doc, &state));
    outcome_stop(out);
    out->bytes = state.size;
    expect_copy(doc, session, bytes_written(&state));
    bytes_writer_finish(&state);
    finish(doc, out, 1);
}

/* Once more, with nothing changed since: others connect and ask. */
static void run_encode_again(const struct session *session, uint32_t size, const struct mem *mem, struct outcome *out) {
    (void)size;
    struct crdt_doc *doc = load(session, mem);
    struct bytes_writer state = bench_writer(ROOM);
    edit_middle(doc, session, NULL);
    must(crdt_update_encode(doc, &state));
    outcome_start(out);
    for (unsigned i = 0; i < REPEATS; i++) {
        bytes_writer_reset(&state);
        must(crdt_update_encode(doc, &state));
    }
    outcome_stop(out);
    out->bytes = state.size;
    expect_copy(doc, session, bytes_written(&state));
    bytes_writer_finish(&state);
    finish(doc, out, REPEATS);
}

static void run_text(const struct session *session, uint32_t size, const struct mem *mem, struct outcome *out) {
    (void)size;
    struct crdt_doc *doc = load(session, mem);
    struct crdt_type *text = bench_root(doc, session->root);
    struct bytes_writer written = bench_writer(ROOM);
    outcome_start(out);
    for (unsigned i = 0; i < REPEATS; i++) {
        bytes_writer_reset(&written);
        must(crdt_text_write(doc, text, &written));
    }
    outcome_stop(out);
    out->bytes = written.size;
    must_be(bytes_equal(bytes_written(&written), session->text), "the text is another");
    bytes_writer_finish(&written);
    finish(doc, out, REPEATS);
}

/* What a peer that misses the last hundred edits is told: the first time after these edits, or again. */
static void diff(const struct session *session, const struct mem *mem, struct outcome *out, bool again) {
    static const struct session *prepared; /* for this session: its state before those edits */
    static struct bytes_writer before;
    size_t known = session->update_count - DIFF_EDITS;
    if (prepared != session) {
        bytes_writer_finish(&before);
        before = bench_writer(ROOM);
        struct crdt_doc *doc = bench_doc(&mem_default, 2);
        for (size_t i = 0; i < known; i++)
            bench_apply(doc, session->updates[i]);
        must(crdt_update_encode(doc, &before));
        crdt_doc_destroy(doc);
        prepared = session;
    }
    struct bytes_writer vector = bench_writer(1);
    struct bytes_writer told = bench_writer(ROOM);
    struct crdt_doc *doc = bench_doc(mem, 2);
    bench_apply(doc, bytes_written(&before));
    must(crdt_state_vector_encode(doc, &vector));
    for (size_t i = known; i < session->update_count; i++)
        bench_apply(doc, session->updates[i]);
    if (again)
        must(crdt_update_encode_diff(doc, bytes_written(&vector), &told));
    unsigned repeats = again ? REPEATS : 1;
    outcome_start(out);
    for (unsigned i = 0; i < repeats; i++) {
        bytes_writer_reset(&told);
        must(crdt_update_encode_diff(doc, bytes_written(&vector), &told));
    }
    outcome_stop(out);
    out->bytes = told.size;
    struct crdt_doc *peer = bench_doc(&mem_default, 3);
    bench_apply(peer, bytes_written(&before));
    bench_apply(peer, bytes_written(&told));
    expect_session(peer, session);
    crdt_doc_destroy(peer);
    bytes_writer_finish(&vector);
    bytes_writer_finish(&told);
    finish(doc, out, repeats);
}

static void run_diff(const struct session *session, uint32_t size, const struct mem *mem, struct outcome *out) {
    (void)size;
    diff(session, mem, out, false);
}

static void run_diff_again(const struct session *session, uint32_t size, const struct mem *mem, struct outcome *out) {
    (void)size;
    diff(session, mem, out, true);
}

/* All updates as one, without a document, and that applied. */
static void run_merge_updates(const struct session *session, uint32_t size, const struct mem *mem, struct outcome *out) {
    (void)size;
    struct bytes_writer merged = bench_writer(ROOM);
    outcome_start(out);
    must(crdt_updates_merge(CRDT_V1, session->updates, session->update_count, &merged));
    struct crdt_doc *doc = bench_doc(mem, 2);
    bench_apply(doc, bytes_written(&merged));
    outcome_stop(out);
    out->bytes = merged.size;
    expect_session(doc, session);
    bytes_writer_finish(&merged);
    finish(doc, out, session->update_count);
}

/* What a loaded document holds as long as nobody asks for positions; the time is that of loading. */
static void run_memory(const struct session *session, uint32_t size, const struct mem *mem, struct outcome *out) {
    run_load(session, size, mem, out);
}

/* What it holds with positions; the time is that of the first edit in the middle, which asks for them. */
static void run_memory_positions(const struct session *session, uint32_t size, const struct mem *mem, struct outcome *out) {
    (void)size;
    struct crdt_doc *doc = load(session, mem);
    edit_middle(doc, session, out);
    must_be(crdt_text_length(bench_root(doc, session->root)) > 0, "the edit is lost");
    finish(doc, out, 1);
}

const struct workload workloads_of_sessions[] = {
    { "local", NULL, run_local, 0, ON_ONE_WRITER },
    { "local-emit", NULL, run_local_emit, 0, ON_ONE_WRITER },
    { "remote", NULL, run_remote, 0, ON_ONE_WRITER },
    { "load", NULL, run_load, 0, ON_EVERY_SESSION },
    { "load-v2", NULL, run_load_v2, 0, ON_EVERY_SESSION },
    { "encode", NULL, run_encode, 0, ON_EVERY_SESSION },
    { "encode-again", NULL, run_encode_again, 0, ON_EVERY_SESSION },
    { "text", NULL, run_text, 0, ON_EVERY_SESSION },
    { "diff", NULL, run_diff, 0, ON_EVERY_SESSION },
    { "diff-again", NULL, run_diff_again, 0, ON_EVERY_SESSION },
    { "merge-concurrent", NULL, run_remote, 0, ON_SEVERAL_WRITERS }, /* update by update */
    { "merge-updates", NULL, run_merge_updates, 0, ON_SEVERAL_WRITERS },
    { "memory", NULL, run_memory, 0, ON_EVERY_SESSION },
    { "memory-positions", NULL, run_memory_positions, 0, ON_EVERY_SESSION },
    { NULL, NULL, NULL, 0, WITHOUT_SESSION },
};
