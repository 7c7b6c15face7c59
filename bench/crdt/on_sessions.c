/* on_sessions.c — what editors and servers do with an editing session. */
#include "workload.h"

#include <string.h>

enum { ROOM = 1 << 21, DIFF_EDITS = 100, REPEATS = 20 }; /* what is quick is done a few times in a run: it is warm then */

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

/* A letter in the middle: positions are asked for, and nothing that was kept of the document's bytes or text is still right. */
static void edit_middle(struct crdt_doc *doc, const struct session *session) {
    struct trace_patch patch = { session->middle, 0, bytes_text("x") };
    bench_edit(doc, bench_root(doc, session->root), &patch, NULL);
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

/* The whole as an update: each time after an edit, or with nothing changed since, as others connect and ask. */
static void encode(const struct session *session, const struct mem *mem, struct outcome *out, bool again) {
    struct crdt_doc *doc = load(session, mem);
    struct bytes_writer state = bench_writer(ROOM);
    edit_middle(doc, session);
    must(crdt_update_encode(doc, &state));
    for (unsigned i = 0; i < REPEATS; i++) {
        if (!again)
            edit_middle(doc, session);
        bytes_writer_reset(&state);
        outcome_start(out);
        must(crdt_update_encode(doc, &state));
        outcome_stop(out);
    }
    out->bytes = state.size;
    expect_copy(doc, session, bytes_written(&state));
    bytes_writer_finish(&state);
    finish(doc, out, REPEATS);
}

static void run_encode(const struct session *session, uint32_t size, const struct mem *mem, struct outcome *out) {
    (void)size;
    encode(session, mem, out, false);
}

static void run_encode_again(const struct session *session, uint32_t size, const struct mem *mem, struct outcome *out) {
    (void)size;
    encode(session, mem, out, true);
}

/* The text, each time after an edit. */
static void run_text(const struct session *session, uint32_t size, const struct mem *mem, struct outcome *out) {
    (void)size;
    struct crdt_doc *doc = load(session, mem);
    struct crdt_type *text = bench_root(doc, session->root);
    struct bytes_writer written = bench_writer(ROOM);
    must(crdt_text_write(doc, text, &written));
    must_be(bytes_equal(bytes_written(&written), session->text), "the text is another");
    for (unsigned i = 0; i < REPEATS; i++) {
        edit_middle(doc, session);
        bytes_writer_reset(&written);
        outcome_start(out);
        must(crdt_text_write(doc, text, &written));
        outcome_stop(out);
    }
    out->bytes = written.size;
    must_be(written.size == session->text.size + REPEATS, "the text has another size");
    bytes_writer_finish(&written);
    finish(doc, out, REPEATS);
}

/* The text, once, of a document that was just loaded; since then so much other memory was written to that little of it is in the
 * processor's caches, and nothing of it was read before. */
static void run_text_first(const struct session *session, uint32_t size, const struct mem *mem, struct outcome *out) {
    (void)size;
    static uint8_t elsewhere[32 << 20];
    static uint8_t stamp;
    struct bytes_writer written = bench_writer(ROOM);
    struct crdt_doc *doc = load(session, mem);
    struct crdt_type *text = bench_root(doc, session->root);
    memset(elsewhere, ++stamp, sizeof elsewhere);
    outcome_start(out);
    must(crdt_text_write(doc, text, &written));
    outcome_stop(out);
    out->bytes = written.size;
    must_be(bytes_equal(bytes_written(&written), session->text), "the text is another");
    bytes_writer_finish(&written);
    finish(doc, out, 1);
}

/* What a session has before its last hundred and a few edits; made once. */
static struct bytes state_before(const struct session *session, size_t known) {
    static const struct session *made_for;
    static struct bytes_writer state;
    if (made_for == session)
        return bytes_written(&state);
    bytes_writer_finish(&state);
    state = bench_writer(ROOM);
    struct crdt_doc *doc = bench_doc(&mem_default, 2);
    for (size_t i = 0; i < known; i++)
        bench_apply(doc, session->updates[i]);
    must(crdt_update_encode(doc, &state));
    crdt_doc_destroy(doc);
    made_for = session;
    return bytes_written(&state);
}

/* What a peer that misses the last hundred edits is told: each time after one more edit, or with nothing changed since. */
static void diff(const struct session *session, const struct mem *mem, struct outcome *out, bool again) {
    struct bytes_writer vectors[REPEATS]; /* behind each of the first edits */
    struct bytes_writer told = bench_writer(ROOM);
    size_t known = session->update_count - DIFF_EDITS - REPEATS;
    struct bytes before = state_before(session, known);
    struct crdt_doc *doc = bench_doc(mem, 2);
    struct crdt_doc *peer = bench_doc(&mem_default, 3);
    bench_apply(doc, before);
    bench_apply(peer, before);
    for (size_t i = 0; i < DIFF_EDITS; i++) {
        bench_apply(doc, session->updates[known + i]);
        if (i < REPEATS) {
            bench_apply(peer, session->updates[known + i]);
            vectors[i] = bench_writer(64);
            must(crdt_state_vector_encode(doc, &vectors[i]));
        }
    }
    for (size_t i = 0; i < REPEATS; i++) {
        bench_apply(doc, session->updates[known + DIFF_EDITS + i]);
        bytes_writer_reset(&told);
        if (!again)
            outcome_start(out);
        must(crdt_update_encode_diff(doc, bytes_written(&vectors[i]), &told));
        if (!again)
            outcome_stop(out);
    }
    for (size_t i = 0; again && i < REPEATS; i++) {
        bytes_writer_reset(&told);
        outcome_start(out);
        must(crdt_update_encode_diff(doc, bytes_written(&vectors[REPEATS - 1]), &told));
        outcome_stop(out);
    }
    out->bytes = told.size;
    bench_apply(peer, bytes_written(&told));
    expect_session(peer, session);
    crdt_doc_destroy(peer);
    for (size_t i = 0; i < REPEATS; i++)
        bytes_writer_finish(&vectors[i]);
    bytes_writer_finish(&told);
    finish(doc, out, REPEATS);
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
    uint64_t length = crdt_text_length(bench_root(doc, session->root));
    outcome_start(out);
    edit_middle(doc, session);
    outcome_stop(out);
    must_be(crdt_text_length(bench_root(doc, session->root)) == length + 1, "the edit is lost");
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
    { "text-first", NULL, run_text_first, 0, ON_EVERY_SESSION },
    { "diff", NULL, run_diff, 0, ON_EVERY_SESSION },
    { "diff-again", NULL, run_diff_again, 0, ON_EVERY_SESSION },
    { "merge-concurrent", NULL, run_remote, 0, ON_SEVERAL_WRITERS }, /* update by update */
    { "merge-updates", NULL, run_merge_updates, 0, ON_SEVERAL_WRITERS },
    { "memory", NULL, run_memory, 0, ON_EVERY_SESSION },
    { "memory-positions", NULL, run_memory_positions, 0, ON_EVERY_SESSION },
    { NULL, NULL, NULL, 0, WITHOUT_SESSION },
};
