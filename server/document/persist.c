/* persist.c — journal, acknowledgements, checkpoints of one document. */
#include "document/persist.h"

#include "config.h"
#include "document/budget.h"
#include "document/delivery.h"
#include "document/persist_work.h"
#include "log.h"
#include "loop/loop.h"

#include <assert.h>

enum { PERSIST_RETRY_MS = 5000, PERSIST_ARENA_BYTES = 4096 };

static void persist_on_durable(struct journal_line *line, uint64_t group);
static void persist_on_poisoned(struct journal_line *line, const struct reply *reply, struct bytes row);
static const struct journal_watcher persist_watcher = { persist_on_durable, persist_on_poisoned };

static struct log_subject persist_subject(const struct document *document) {
    return (struct log_subject){ .session = &document->session->id, .file = &document->file };
}

void persist_begin(struct document *document, int64_t version, uint64_t state_bytes, uint64_t journal_bytes) {
    struct session *session = document->session;
    journal_line_init(&document->line, session->server->store, &session->id, &document->file, document->epoch, &persist_watcher);
    document->checkpoint_version = version;
    document->state_bytes = state_bytes;
    document->journal_bytes_saved = 0 - journal_bytes; /* what stands there already counts: the difference is what matters */
    if (journal_bytes > 0) {
        document->changes = 1;
        document->changed_since_ms = document->changed_last_ms = server_now_ms(session->server);
    }
}

void persist_end(struct document *document) {
    store_load_cancel(&document->load);
    if (document->checkpointing)
        checkpoint_cancel(&document->checkpoint);
    persist_work_forget(document);
    journal_line_finish(&document->line);
}

bool persist_saved(const struct document *document) {
    return document->changes == document->changes_saved && !document->checkpointing && journal_line_clean(&document->line);
}

/* ---- journal and acknowledgements ---- */

/* The subscription's count is to be acknowledged when `group` is durable. */
static void persist_wait(struct subscription *subscription, uint64_t group) {
    if (group <= journal_line_durable(&subscription->document->line)) {
        delivery_ack(subscription, subscription->count);
        return;
    }
    unsigned at = subscription->waits[0].group == 0 || subscription->waits[0].group == group ? 0 : 1;
    assert(at == 0 || subscription->waits[1].group == 0 || subscription->waits[1].group == group);
    subscription->waits[at].group = group;
    subscription->waits[at].count = subscription->count;
}

enum status persist_update(struct subscription *subscription, struct bytes update, bool relayed) {
    struct document *document = subscription->document;
    struct server *server = document->session->server;
    struct journal_entry entry = {
        .author = subscription->connection->participant.user,
        .flags = (uint8_t)((relayed ? JOURNAL_RELAYED : 0) | (subscription->dialect != DIALECT_NATIVE ? JOURNAL_DOOR : 0)),
        .at_ms = server_unix_ms(server),
        .origin = subscription->connection->id,
        .update = update,
    };
    uint64_t group;
    enum status status = journal_append(&document->line, &entry, &group);
    if (status != STATUS_OK)
        return status;
    unsigned at = document->unsaved[0].group == 0 || document->unsaved[0].group == group ? 0 : 1;
    if (document->unsaved[at].group == 0) {
        document->unsaved[at].group = group;
        document->unsaved[at].since_us = loop_clock_us();
    }
    document->changes++;
    document->changed_last_ms = server_now_ms(server);
    if (document->changed_since_ms == 0)
        document->changed_since_ms = document->changed_last_ms;
    persist_wait(subscription, group);
    return STATUS_OK;
}

void persist_nothing_new(struct subscription *subscription) {
    persist_wait(subscription, journal_line_last(&subscription->document->line));
}

static void persist_on_durable(struct journal_line *line, uint64_t group) {
    struct document *document = list_entry(line, struct document, line);
    while (document->unsaved[0].group != 0 && document->unsaved[0].group <= group) {
        metrics_observe(&document->session->server->metrics, METRIC_ack, loop_clock_us() - document->unsaved[0].since_us);
        document->unsaved[0] = document->unsaved[1];
        document->unsaved[1].group = 0;
    }
    list_each (link, &document->subscriptions) {
        struct subscription *subscription = list_entry(link, struct subscription, document_link);
        uint64_t count = 0;
        while (subscription->waits[0].group != 0 && subscription->waits[0].group <= group) {
            count = subscription->waits[0].count;
            subscription->waits[0] = subscription->waits[1];
            subscription->waits[1].group = 0;
        }
        if (count > 0)
            delivery_ack(subscription, count);
    }
    budget_place(document);
}

static void persist_on_poisoned(struct journal_line *line, const struct reply *reply, struct bytes row) {
    struct document *document = list_entry(line, struct document, line);
    struct log_subject subject = persist_subject(document);
    log_error(&subject, "journal.poisoned", "bytes=%zu sqlstate=%s error=\"%s\"", row.size, reply->sqlstate, reply->error);
    persist_quarantine(document->session, &document->file, "PostgreSQL refused a journal row of this file");
    document_gone(document, WIRE_GONE_QUARANTINED, 0);
}

static void persist_on_quarantined(void *context, const struct reply *reply) {
    (void)context;
    if (reply->status != STATUS_OK)
        log_error(NULL, "quarantine.not_recorded", "status=%s error=\"%s\"", status_name(reply->status), reply->error);
}

void persist_quarantine(struct session *session, const struct uuid *file, const char *reason) {
    struct log_subject subject = { .session = &session->id, .file = file };
    log_error(&subject, "document.quarantined", "reason=\"%s\"", reason);
    struct arena arena;
    arena_init(&arena, &mem_default, PERSIST_ARENA_BYTES);
    struct params *params = params_new(&arena);
    params_add_uuid(params, file);
    params_add_text(params, bytes_text(reason));
    enum status status = store_submit(session->server->store, NULL, "file_quarantine", params, persist_on_quarantined, NULL);
    arena_finish(&arena);
    if (status != STATUS_OK)
        log_error(&subject, "quarantine.not_recorded", "status=%s", status_name(status));
}

/* ---- checkpoint ---- */

static enum status persist_merge_state(struct checkpoint_job *job, int format, struct bytes state);
static enum status persist_merge_update(struct checkpoint_job *job, const struct journal_entry *entry);
static void persist_encode(struct checkpoint_job *job);
static void persist_checkpoint_done(struct checkpoint_job *job, const struct checkpoint_outcome *outcome);
static const struct checkpoint_handlers persist_handlers = { persist_merge_state, persist_merge_update, persist_encode,
                                                             persist_checkpoint_done };

/* Begins a job; `read_only`: it only brings memory up to what others have written. */
static void persist_begin_job(struct document *document, bool read_only) {
    document->checkpoint = (struct checkpoint_job){
        .file_id = document->file,
        .epoch = document->epoch,
        .version = document->checkpoint_version,
        .read_only = read_only,
        .whole = !read_only && persist_work_fits(document),
        .handlers = &persist_handlers,
        .context = document,
    };
    /* Rows that commit after the job has read the journal stay there: with one on its way, something is left for the next job. */
    document->changes_checkpointing = journal_line_clean(&document->line) ? document->changes : document->changes - 1;
    enum status status = store_checkpoint(document->session->server->store, &document->checkpoint);
    document->checkpointing = status == STATUS_OK;
    if (status != STATUS_OK)
        document->checkpoint_not_before_ms = server_now_ms(document->session->server) + PERSIST_RETRY_MS;
    budget_place(document);
}

void persist_checkpoint(struct document *document) {
    if (!document->checkpointing && document->changes != document->changes_saved && authors_record(document))
        persist_begin_job(document, false);
}

void persist_overtaken(struct document *document, int64_t version) {
    document->overtaken = document->overtaken || (version > document->checkpoint_version && !document->checkpointing);
}

static enum status persist_merge_state(struct checkpoint_job *job, int format, struct bytes state) {
    struct document *document = job->context;
    if (!bytes_equal_text(job->stored_root, document->root_name)) {
        document->root_overtaken = true;
        return STATUS_CONFLICT;
    }
    return format == CRDT_FORMAT_YJS_V1 ? document_merge(document, state) : STATUS_DAMAGED;
}

static enum status persist_merge_update(struct checkpoint_job *job, const struct journal_entry *entry) {
    return document_merge(job->context, entry->update);
}

static void persist_encode(struct checkpoint_job *job) {
    struct document *document = job->context;
    if (job->whole) {
        persist_work_begin(document);
        return;
    }
    struct bytes_writer state = connection_writer();
    struct bytes_writer state_vector = connection_writer();
    struct bytes_writer text = connection_writer();
    struct bytes root_name = bytes_text(document->root_name);
    struct crdt_roots roots = crdt_doc_roots(document->crdt, root_name);
    struct crdt_type *root = NULL;
    enum status status = crdt_update_encode(document->crdt, &state);
    if (status == STATUS_OK)
        status = crdt_state_vector_encode(document->crdt, &state_vector);
    bool has_text = roots.named || !roots.others;
    if (status == STATUS_OK && has_text)
        status = crdt_doc_root(document->crdt, root_name, &root);
    if (status == STATUS_OK && has_text)
        status = crdt_text_write(document->crdt, root, &text);
    if (status == STATUS_OK) {
        document->state_bytes = state.size;
        struct checkpoint_content content = {
            .format = CRDT_FORMAT_YJS_V1,
            .state = bytes_written(&state),
            .state_vector = bytes_written(&state_vector),
            .has_text = has_text,
            .text = bytes_written(&text),
            .root_name = root_name,
            .author = document->last_author,
        };
        checkpoint_encoded(job, &content);
    } else {
        checkpoint_abandon(job, status);
    }
    bytes_writer_finish(&state);
    bytes_writer_finish(&state_vector);
    bytes_writer_finish(&text);
}

static void persist_checkpoint_done(struct checkpoint_job *job, const struct checkpoint_outcome *outcome) {
    struct document *document = job->context;
    struct server *server = document->session->server;
    struct log_subject subject = persist_subject(document);
    uint64_t now_ms = server_now_ms(server);
    document->checkpointing = false;
    switch (outcome->status) {
    case STATUS_OK:
        document->checkpoint_version = outcome->version;
        document->overtaken = false;
        if (job->read_only) {
            budget_place(document);
            break;
        }
        metrics_count(&server->metrics, METRIC_checkpoints);
        document->changes_saved = document->changes_checkpointing;
        document->journal_bytes_saved = journal_line_bytes_total(&document->line);
        document->changed_since_ms = document->changes == document->changes_saved ? 0 : now_ms;
        log_debug(&subject, "checkpoint.written", "state_bytes=%llu rows=%u version=%d by=%s",
                  (unsigned long long)document->state_bytes, outcome->rows_merged, (int)outcome->version_number,
                  job->whole ? "pool" : "loop");
        budget_place(document);
        break;
    case STATUS_NOT_FOUND:
        document_gone(document, WIRE_GONE_DELETED, 0);
        break;
    case STATUS_DAMAGED:
        persist_quarantine(document->session, &document->file, outcome->reason);
        document_gone(document, WIRE_GONE_QUARANTINED, 0);
        break;
    case STATUS_CONFLICT:
        if (document->root_overtaken) { /* another server's checkpoint says which root is the text: loaded anew */
            document_gone(document, WIRE_GONE_UNAVAILABLE, 0);
            break;
        }
        if (outcome->epoch != document->epoch && outcome->epoch != 0) {
            document_gone(document, WIRE_GONE_EPOCH, outcome->epoch);
            break;
        }
        /* fall through */
    default:
        metrics_count(&server->metrics, METRIC_checkpoints_failed);
        log_warn(&subject, "checkpoint.failed", "status=%s reason=\"%s\"", status_name(outcome->status), outcome->reason);
        document->checkpoint_not_before_ms = now_ms + PERSIST_RETRY_MS;
        budget_place(document);
        break;
    }
}

void persist_tick(struct document *document, uint64_t now_ms) {
    if (document->checkpointing || now_ms < document->checkpoint_not_before_ms)
        return;
    if (document->overtaken) {
        persist_begin_job(document, true);
        return;
    }
    if (document->changes == document->changes_saved)
        return;
    const struct config *config = server_config(document->session->server);
    uint64_t journal_bytes = journal_line_bytes_total(&document->line) - document->journal_bytes_saved;
    uint64_t enough = config->checkpoint_bytes > document->state_bytes ? config->checkpoint_bytes : document->state_bytes;
    if (journal_bytes >= enough || now_ms >= document->changed_last_ms + config->checkpoint_idle_ms ||
        now_ms >= document->changed_since_ms + config->checkpoint_age_ms)
        persist_checkpoint(document);
}
