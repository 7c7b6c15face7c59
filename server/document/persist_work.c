/* persist_work.c — see persist_work.h.
 *
 *   persist_work_begin ─▶ takes the job's bytes ──▶ persist_work_run      in the pool: apply, encode, hash, compress
 *                                                          │
 *                         checkpoint_encoded_as ◀── persist_work_done     in the loop; frees the work */
#include "document/persist_work.h"

#include "log.h"
#include "loop/work.h"
#include "store/desk.h"

#include <assert.h>

/* About a millisecond of encoding. */
enum { PERSIST_WORK_HEAP_BYTES = 2 << 20 };

struct persist_work {
    struct document *document; /* NULL: it has ended */
    struct crdt_doc_options options;
    struct bytes_writer base; /* the state that was read; empty: none */
    struct bytes_writer rows; /* journal payloads, each behind its size */
    char *root_name;
    size_t root_name_size;
    /* what the thread makes */
    enum status status;
    struct bytes_writer state, state_vector, text;
    struct checkpoint_content content;
    struct checkpoint_prepared prepared;
};

static void persist_work_free(struct persist_work *work) {
    bytes_writer_finish(&work->base);
    bytes_writer_finish(&work->rows);
    bytes_writer_finish(&work->state);
    bytes_writer_finish(&work->state_vector);
    bytes_writer_finish(&work->text);
    checkpoint_prepared_finish(&work->prepared);
    mem_free(&mem_default, work->root_name, work->root_name_size);
    mem_free(&mem_default, work, sizeof *work);
}

bool persist_work_fits(const struct document *document) {
    return crdt_doc_size(document->crdt).heap_bytes >= PERSIST_WORK_HEAP_BYTES;
}

/* ---- in the pool ---- */

static enum status persist_work_apply(struct persist_work *work, struct crdt_doc *doc) {
    struct crdt_txn *txn = crdt_txn_begin(doc);
    enum status status = work->base.size == 0 ? STATUS_OK : crdt_update_apply(txn, bytes_written(&work->base), NULL);
    struct bytes rest = bytes_written(&work->rows), payload;
    while (status == STATUS_OK && history_next(&rest, &payload)) {
        struct journal_row_reader reader;
        struct journal_entry entry;
        status = journal_row_open(payload, &reader);
        while (status == STATUS_OK && journal_row_next(&reader, &entry))
            status = crdt_update_apply(txn, entry.update, NULL);
    }
    crdt_txn_commit(txn, NULL, NULL);
    return status == STATUS_MALFORMED ? STATUS_DAMAGED : status;
}

static void persist_work_run(void *context) {
    struct persist_work *work = context;
    struct bytes root_name = bytes_text(work->root_name);
    struct crdt_doc *doc = NULL;
    struct crdt_type *root = NULL;
    enum status status = crdt_doc_create(&work->options, &doc);
    if (status == STATUS_OK)
        status = persist_work_apply(work, doc);
    if (status == STATUS_OK)
        status = crdt_update_encode(doc, &work->state);
    if (status == STATUS_OK)
        status = crdt_state_vector_encode(doc, &work->state_vector);
    struct crdt_roots roots = { 0 };
    if (status == STATUS_OK)
        roots = crdt_doc_roots(doc, root_name);
    bool has_text = roots.named || !roots.others;
    if (status == STATUS_OK && has_text)
        status = crdt_doc_root(doc, root_name, &root);
    if (status == STATUS_OK && has_text)
        status = crdt_text_write(doc, root, &work->text);
    crdt_doc_destroy(doc);
    work->content.format = CRDT_FORMAT_YJS_V1;
    work->content.state = bytes_written(&work->state);
    work->content.state_vector = bytes_written(&work->state_vector);
    work->content.has_text = has_text;
    work->content.text = bytes_written(&work->text);
    work->content.root_name = root_name;
    if (status == STATUS_OK)
        status = checkpoint_prepare(&work->content, bytes_written(&work->rows), &work->prepared);
    work->status = status;
}

/* ---- in the loop ---- */

static void persist_work_done(void *context) {
    struct persist_work *work = context;
    struct document *document = work->document;
    if (document != NULL) {
        assert(document->work == work);
        document->work = NULL;
        if (work->status == STATUS_OK) {
            document->state_bytes = work->state.size;
            work->content.author = document->last_author;
            checkpoint_encoded_as(&document->checkpoint, &work->content, &work->prepared);
        } else
            checkpoint_abandon(&document->checkpoint, work->status);
    }
    persist_work_free(work);
}

void persist_work_begin(struct document *document) {
    struct persist_work *work = mem_zalloc(&mem_default, sizeof *work);
    if (work == NULL) {
        checkpoint_abandon(&document->checkpoint, STATUS_NO_MEMORY);
        return;
    }
    *work = (struct persist_work){
        .document = document,
        .options = { .gc = true, .update_bytes_max = CHECKPOINT_BYTES_MAX, .pending_bytes_max = CHECKPOINT_BYTES_MAX },
        .root_name = mem_alloc(&mem_default, document->root_name_size),
        .root_name_size = document->root_name_size,
    };
    bytes_writer_init(&work->state, &mem_default, CHECKPOINT_BYTES_MAX);
    bytes_writer_init(&work->state_vector, &mem_default, CHECKPOINT_BYTES_MAX);
    bytes_writer_init(&work->text, &mem_default, CHECKPOINT_BYTES_MAX);
    checkpoint_take_sources(&document->checkpoint, &work->base, &work->rows);
    document->work = work;
    enum status status = STATUS_NO_MEMORY;
    if (work->root_name != NULL) {
        memcpy(work->root_name, document->root_name, document->root_name_size);
        status = loop_work(server_loop(document->session->server), persist_work_run, persist_work_done, work);
    }
    if (status != STATUS_OK) {
        document->work = NULL;
        persist_work_free(work);
        checkpoint_abandon(&document->checkpoint, status);
    }
}

void persist_work_forget(struct document *document) {
    if (document->work != NULL)
        document->work->document = NULL;
    document->work = NULL;
}
