/* traces_main.c — six recorded sessions, as they were typed.
 *
 * Each trace's Yjs updates are applied one by one; the text must be the real one, byte for byte. The sequential ones are also typed
 * locally, edit by edit, and every edit's own update is applied to a second document, which must end equal. Every document is then
 * encoded, loaded afresh and compared, and its invariants are checked. The times are printed for people; only the content is
 * judged.
 *
 *   traces DIRECTORY */
#include "crdt/crdt.h"
#include "src/doc_check.h"
#include "trace_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static int failures;

static void expect(bool fact, const char *name, const char *what) {
    if (fact)
        return;
    fprintf(stderr, "%s: %s\n", name, what);
    failures++;
}

static double now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static struct crdt_doc *make_doc(uint64_t client_id) {
    struct crdt_doc *doc;
    struct crdt_doc_options options = { .client_id = client_id, .gc = true };
    if (crdt_doc_create(&options, &doc) != STATUS_OK)
        exit(1);
    return doc;
}

static struct crdt_type *text_root(struct crdt_doc *doc) {
    struct crdt_type *text;
    if (crdt_doc_root(doc, bytes_text("text"), &text) != STATUS_OK)
        exit(1);
    return text;
}

static bool apply(struct crdt_doc *doc, struct bytes update, struct crdt_update_result *result) {
    struct crdt_txn *txn = crdt_txn_begin(doc);
    enum status status = crdt_update_apply(txn, update, result);
    return crdt_txn_commit(txn, NULL, NULL) == STATUS_OK && status == STATUS_OK;
}

static void expect_text(struct crdt_doc *doc, const char *name, struct bytes wanted, const char *what) {
    struct bytes_writer text;
    bytes_writer_init(&text, &mem_default, SIZE_MAX);
    expect(crdt_text_write(doc, text_root(doc), &text) == STATUS_OK && bytes_equal(bytes_written(&text), wanted), name, what);
    bytes_writer_finish(&text);
    const char *broken = "";
    int invariant = doc_check(doc, &broken);
    expect(invariant == 0, name, broken);
}

/* The state as one update, into a fresh document: the same text, and a state that says the same in no more bytes (loading may join
 * more runs than typing did). */
static void expect_reload(struct crdt_doc *doc, const char *name, struct bytes wanted) {
    struct bytes_writer first;
    struct bytes_writer second;
    bytes_writer_init(&first, &mem_default, SIZE_MAX);
    bytes_writer_init(&second, &mem_default, SIZE_MAX);
    double start = now_ms();
    expect(crdt_update_encode(doc, &first) == STATUS_OK, name, "encode failed");
    double encoded = now_ms();
    struct crdt_doc *fresh = make_doc(9);
    expect(apply(fresh, bytes_written(&first), NULL), name, "the encoded state does not load");
    double loaded = now_ms();
    printf("  encode %.2f ms, %zu bytes, load %.2f ms\n", encoded - start, first.size, loaded - encoded);
    expect_text(fresh, name, wanted, "the loaded state has another text");
    expect(crdt_update_encode(fresh, &second) == STATUS_OK && second.size <= first.size, name, "the loaded state grew");
    struct crdt_doc *again = make_doc(9);
    expect(apply(again, bytes_written(&second), NULL), name, "the state encoded twice does not load");
    bytes_writer_reset(&first);
    expect(crdt_update_encode(again, &first) == STATUS_OK && bytes_equal(bytes_written(&first), bytes_written(&second)), name,
           "the state encoded twice is not stable");
    crdt_doc_destroy(again);

    crdt_doc_destroy(fresh);
    bytes_writer_finish(&first);
    bytes_writer_finish(&second);
}

static void replay_log(const char *directory, const char *name, struct bytes wanted) {
    struct bytes log = trace_file_load(directory, name, "ylog");
    struct bytes_reader reader = bytes_reader(log);
    reader.at += 8;
    uint32_t updates = trace_read_u32(&reader);
    trace_read_u32(&reader);
    struct crdt_doc *doc = make_doc(1);
    double start = now_ms();
    for (uint32_t i = 0; i < updates; i++) {
        trace_read_u32(&reader);
        struct crdt_update_result result;
        bool applied = apply(doc, trace_read_view(&reader), &result);
        if (!applied || result.pending) {
            expect(false, name, "an update of the log was refused or parked");
            break;
        }
    }
    double elapsed = now_ms() - start;
    struct crdt_doc_size size = crdt_doc_size(doc);
    printf("%s\n  remote %.2f ms, %.0f ns an update, %zu structs, %zu bytes\n", name, elapsed, elapsed * 1e6 / updates,
           size.structs, size.heap_bytes);
    expect_text(doc, name, wanted, "the replayed log has another text");
    expect_reload(doc, name, wanted);
    crdt_doc_destroy(doc);
    free((void *)(uintptr_t)log.data);
}

static void load_final(const char *directory, const char *name, struct bytes wanted) {
    struct bytes final = trace_file_load(directory, name, "final.v1");
    struct crdt_doc *doc = make_doc(1);
    double start = now_ms();
    expect(apply(doc, final, NULL), name, "the final document is refused");
    printf("  load of Yjs's state %.2f ms\n", now_ms() - start);
    expect_text(doc, name, wanted, "the loaded document has another text");
    struct bytes_writer encoded;
    bytes_writer_init(&encoded, &mem_default, SIZE_MAX);
    crdt_update_encode(doc, &encoded);
    expect(encoded.size <= final.size + final.size / 50, name, "our encoding of the final document is much longer than Yjs's");
    bytes_writer_finish(&encoded);
    crdt_doc_destroy(doc);
    free((void *)(uintptr_t) final.data);
}

static void type_locally(const char *directory, const char *name, struct bytes wanted, bool emit) {
    struct bytes trace = trace_file_load(directory, name, "trace");
    struct trace_patch *patches;
    size_t count = trace_file_patches(trace, &patches);
    struct crdt_doc *doc = make_doc(1);
    struct crdt_doc *other = make_doc(2);
    struct crdt_type *text = text_root(doc);
    struct bytes_writer update;
    bytes_writer_init(&update, &mem_default, SIZE_MAX);
    double start = now_ms();
    for (size_t i = 0; i < count; i++) {
        uint32_t position = patches[i].position, deleted = patches[i].deleted;
        struct bytes inserted = patches[i].inserted;
        struct crdt_txn *txn = crdt_txn_begin(doc);
        enum status status = crdt_text_delete(txn, text, position, deleted);
        if (status == STATUS_OK)
            status = crdt_text_insert(txn, text, position, inserted);
        bytes_writer_reset(&update);
        crdt_txn_commit(txn, emit ? &update : NULL, NULL);
        struct crdt_update_result result = { 0 };
        if (status != STATUS_OK || (emit && (!apply(other, bytes_written(&update), &result) || result.pending))) {
            expect(false, name, "a local edit was refused here or there");
            break;
        }
        if (emit && update.size > 2 && !result.verbatim && deleted == 0) {
            expect(false, name, "an insertion in order is not verbatim");
            break;
        }
    }
    double elapsed = now_ms() - start;
    printf("  local%s %.2f ms, %.0f ns an edit\n", emit ? " with emission and a second document" : "", elapsed,
           elapsed * 1e6 / (double)count);
    expect_text(doc, name, wanted, "the typed document has another text");
    if (emit) {
        expect_text(other, name, wanted, "the document that listened has another text");
        struct bytes_writer a;
        struct bytes_writer b;
        bytes_writer_init(&a, &mem_default, SIZE_MAX);
        bytes_writer_init(&b, &mem_default, SIZE_MAX);
        crdt_update_encode(doc, &a);
        crdt_update_encode(other, &b);
        expect(bytes_equal(bytes_written(&a), bytes_written(&b)), name, "typist and listener encode differently");
        bytes_writer_finish(&a);
        bytes_writer_finish(&b);
    }
    bytes_writer_finish(&update);
    crdt_doc_destroy(doc);
    crdt_doc_destroy(other);
    free(patches);
    free((void *)(uintptr_t)trace.data);
}

int main(int count, char **arguments) {
    static const char *const sequential[] = { "sveltecomponent", "rustcode", "seph-blog1", "automerge-paper" };
    static const char *const concurrent[] = { "friendsforever", "clownschool" };
    if (count != 2) {
        fprintf(stderr, "usage: traces DIRECTORY\n");
        return 2;
    }
    const char *directory = arguments[1];
    for (size_t i = 0; i < 6; i++) {
        const char *name = i < 4 ? sequential[i] : concurrent[i - 4];
        struct bytes wanted = trace_file_load(directory, name, "txt");
        replay_log(directory, name, wanted);
        load_final(directory, name, wanted);
        if (i < 4) {
            type_locally(directory, name, wanted, false);
            type_locally(directory, name, wanted, true);
        }
        free((void *)(uintptr_t)wanted.data);
    }
    return failures == 0 ? 0 : 1;
}
