/* day_bench_main.c — day-bench: what typing leaves in the database, and how long a document with a long history takes to open.
 *
 *     day-bench [--traces FOLDER] [--trace NAME] [--documents N] [--repeat N] [--seconds N] [--rest N] [--json]
 *
 * Each of N documents plays a recorded session so many times that it has about a million keystrokes, one update a keystroke,
 * through the store's journal; its checkpoints are made as the server makes them (journal above 64 KB and the state's size). The
 * whole goes as fast as the journal takes it: a day's load in a minute, which is harder on the table than a day, for vacuum has no
 * time; --seconds spreads it, --rest lets the table be for a while afterwards, so that vacuum comes by once more.
 *
 *     journal      the biggest that the table was on disk, what its live rows were then, and what it is at the end
 *     history      what the trimmed updates are, compressed, beside their size before
 *     open         from asking the database to a document that can be served: read, checked, applied; 50 times each */
#include "crdt/crdt.h"
#include "store_loop.h"
#include "trace_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHECKPOINT_BYTES = 65536, DIRTY_BYTES = 8 << 20, SLICE = 2000, OPENS = 50, SAMPLE_NS = 500000000 };

struct day;

struct document {
    struct day *day;
    struct journal_line line;
    struct checkpoint_job job;
    bool checkpointing;
    int64_t version;
    struct crdt_doc *crdt;
    struct crdt_type *text;
    size_t played; /* patches, over all repetitions */
    uint64_t bytes_saved;
    uint64_t state_bytes;
};

struct day {
    struct store_loop loop;
    struct document *documents;
    unsigned document_count;
    struct trace_patch *patches;
    size_t patch_count;
    size_t patches_all;
    uint64_t checkpoints;
    uint64_t updates;
    uint64_t update_bytes;
    long long journal_most;
    long long journal_live;
    uint64_t sampled_ns;
    uint64_t started_ns;
    double seconds; /* to spread it over; 0: none */
    double rest;    /* seconds of silence in the end */
    bool json;
};

static void must(enum status status) {
    if (status != STATUS_OK)
        bench_die(status_name(status));
}

static struct bytes_writer writer(void) {
    struct bytes_writer out;
    bytes_writer_init(&out, &mem_default, CHECKPOINT_BYTES_MAX);
    return out;
}

/* ---- journal and checkpoints ---- */

static void day_on_durable(struct journal_line *line, uint64_t group) {
    (void)line;
    (void)group;
}

static void day_on_poisoned(struct journal_line *line, const struct reply *reply, struct bytes row) {
    (void)line;
    (void)row;
    bench_die(reply->error);
}

static const struct journal_watcher day_watcher = { day_on_durable, day_on_poisoned };

static enum status day_merge_state(struct checkpoint_job *job, int format, struct bytes state) {
    (void)job;
    (void)format;
    (void)state;
    return STATUS_CONFLICT; /* there is no other writer */
}

static enum status day_merge_update(struct checkpoint_job *job, const struct journal_entry *entry) {
    (void)job;
    (void)entry;
    return STATUS_CONFLICT;
}

static void day_encode(struct checkpoint_job *job) {
    struct document *document = job->context;
    struct bytes_writer state = writer(), state_vector = writer(), text = writer();
    must(crdt_update_encode(document->crdt, &state));
    must(crdt_state_vector_encode(document->crdt, &state_vector));
    must(crdt_text_write(document->crdt, document->text, &text));
    document->state_bytes = state.size;
    struct checkpoint_content content = {
        .format = CRDT_FORMAT_YJS_V1,
        .state = bytes_written(&state),
        .state_vector = bytes_written(&state_vector),
        .has_text = true,
        .text = bytes_written(&text),
    };
    checkpoint_encoded(job, &content);
    bytes_writer_finish(&state);
    bytes_writer_finish(&state_vector);
    bytes_writer_finish(&text);
}

static void day_checkpoint_done(struct checkpoint_job *job, const struct checkpoint_outcome *outcome) {
    struct document *document = job->context;
    if (outcome->status != STATUS_OK)
        bench_die(outcome->reason);
    document->checkpointing = false;
    document->version = outcome->version;
    document->bytes_saved += outcome->bytes_merged;
    document->day->checkpoints++;
}

static const struct checkpoint_handlers day_handlers = { day_merge_state, day_merge_update, day_encode, day_checkpoint_done };

static void document_checkpoint(struct document *document, bool now) {
    uint64_t waiting = journal_line_bytes_total(&document->line) - document->bytes_saved;
    uint64_t enough = document->state_bytes > CHECKPOINT_BYTES ? document->state_bytes : CHECKPOINT_BYTES;
    if (document->checkpointing || waiting == 0 || (!now && waiting < enough))
        return;
    document->job = (struct checkpoint_job){
        .file_id = document->line.file_id, .epoch = 1, .version = document->version, .handlers = &day_handlers, .context = document
    };
    must(store_checkpoint(document->day->loop.store, &document->job));
    document->checkpointing = true;
}

/* ---- playing ---- */

static void document_play(struct document *document) {
    struct day *day = document->day;
    struct bytes_writer update = writer();
    for (unsigned i = 0; i < SLICE && document->played < day->patches_all; i++, document->played++) {
        const struct trace_patch *patch = &day->patches[document->played % day->patch_count];
        struct crdt_txn *txn = crdt_txn_begin(document->crdt);
        if (patch->deleted > 0)
            must(crdt_text_delete(txn, document->text, patch->position, patch->deleted));
        if (patch->inserted.size > 0)
            must(crdt_text_insert(txn, document->text, patch->position, patch->inserted));
        update.size = 0;
        must(crdt_txn_commit(txn, &update, NULL));
        struct journal_entry entry = { .at_ms = 1700000000000 + document->played, .origin = 1, .update = bytes_written(&update) };
        must(journal_append(&document->line, &entry, NULL));
        day->updates++;
        day->update_bytes += update.size;
    }
    bytes_writer_finish(&update);
}

static void day_sample(struct day *day, bool now) {
    if (!now && bench_now_ns() < day->sampled_ns + SAMPLE_NS)
        return;
    day->sampled_ns = bench_now_ns();
    long long bytes = pg_number(day->loop.owner_url, "select pg_total_relation_size('crdt_journal')");
    if (bytes > day->journal_most) {
        day->journal_most = bytes;
        day->journal_live = pg_number(day->loop.owner_url, "select coalesce(sum(octet_length(updates)), 0) from crdt_journal");
    }
}

/* Until the next slice is due. */
static void day_wait(struct day *day) {
    double all = (double)day->patches_all * day->document_count;
    uint64_t due_ns = day->started_ns + (uint64_t)(1e9 * day->seconds * (double)day->updates / all);
    for (uint64_t now = bench_now_ns(); now < due_ns; now = bench_now_ns()) {
        store_loop_turn(&day->loop, due_ns - now);
        day_sample(day, false);
    }
}

static void day_play(struct day *day) {
    for (bool busy = true; busy;) {
        busy = false;
        for (unsigned i = 0; i < day->document_count; i++) {
            struct document *document = &day->documents[i];
            while (store_health(day->loop.store).dirty_bytes > DIRTY_BYTES)
                store_loop_turn(&day->loop, UINT64_MAX);
            day_wait(day);
            document_play(document);
            document_checkpoint(document, false);
            store_loop_turn(&day->loop, 0);
            day_sample(day, false);
            busy |= document->played < day->patches_all;
        }
    }
    for (bool busy = true; busy;) { /* idle: the last checkpoints */
        busy = false;
        for (unsigned i = 0; i < day->document_count; i++) {
            struct document *document = &day->documents[i];
            bool clean = journal_line_clean(&document->line);
            if (clean)
                document_checkpoint(document, true);
            busy |= !clean || document->checkpointing;
        }
        store_loop_turn(&day->loop, 1000000);
        day_sample(day, false);
    }
}

/* Nobody types. */
static void day_rest(struct day *day) {
    uint64_t end_ns = bench_now_ns() + (uint64_t)(1e9 * day->rest);
    for (uint64_t now = bench_now_ns(); now < end_ns; now = bench_now_ns())
        store_loop_turn(&day->loop, end_ns - now);
}

/* ---- opening ---- */

struct opening {
    struct document *document;
    uint64_t read_ns; /* when the bytes were there */
    bool done;
};

static void day_on_loaded(void *context, enum status status, const char *reason, struct loaded_document *loaded) {
    struct opening *opening = context;
    if (status != STATUS_OK)
        bench_die(reason);
    opening->read_ns = bench_now_ns();
    struct crdt_doc *doc;
    struct bytes_writer state_vector = writer();
    must(crdt_doc_create(&(struct crdt_doc_options){ .gc = true }, &doc));
    struct crdt_txn *txn = crdt_txn_begin(doc);
    must(crdt_update_apply(txn, loaded->state, NULL));
    struct journal_entry entry;
    while (loaded_document_next(loaded, &entry))
        must(crdt_update_apply(txn, entry.update, NULL));
    must(crdt_txn_commit(txn, NULL, NULL));
    must(crdt_state_vector_encode(doc, &state_vector));
    bytes_writer_finish(&state_vector);
    crdt_doc_destroy(doc);
    opening->done = true;
}

static int compare_u64(const void *left, const void *right) {
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static void day_open(struct day *day, const struct document *document) {
    static uint64_t all[OPENS], read[OPENS];
    for (unsigned i = 0; i < OPENS; i++) {
        struct store_load load = { 0 };
        struct opening opening = { 0 };
        uint64_t start = bench_now_ns();
        must(store_load(day->loop.store, &load, &document->line.file_id, day_on_loaded, &opening));
        while (!opening.done)
            store_loop_turn(&day->loop, UINT64_MAX);
        all[i] = bench_now_ns() - start;
        read[i] = opening.read_ns - start;
    }
    qsort(all, OPENS, sizeof *all, compare_u64);
    qsort(read, OPENS, sizeof *read, compare_u64);
    struct crdt_doc_size size = crdt_doc_size(document->crdt);
    size_t middle = OPENS / 2;
    if (day->json)
        printf("{\"workload\":\"open\",\"keystrokes\":%zu,\"structs\":%zu,\"state_bytes\":%llu,\"min_ms\":%.3f,\"p50_ms\":%.3f,"
               "\"p98_ms\":%.3f,\"read_p50_ms\":%.3f}\n",
               document->played, size.structs, (unsigned long long)document->state_bytes, (double)all[0] / 1e6,
               (double)all[middle] / 1e6, (double)all[OPENS - 1] / 1e6, (double)read[middle] / 1e6);
    else
        printf("open     %zu keystrokes, %zu structs, state %llu KiB: %.2f ms at best, %.2f median, %.2f at worst; of it reading "
               "%.2f\n",
               document->played, size.structs, (unsigned long long)document->state_bytes >> 10, (double)all[0] / 1e6,
               (double)all[middle] / 1e6, (double)all[OPENS - 1] / 1e6, (double)read[middle] / 1e6);
}

/* ---- all ---- */

static void day_read(struct day *day, const char *folder, const char *name, size_t repeat) {
    struct bytes file = trace_file_load(folder, name, "trace");
    day->patch_count = trace_file_patches(file, &day->patches);
    if (day->patch_count == 0)
        bench_die("the session is empty");
    day->patches_all = day->patch_count * (repeat > 0 ? repeat : (1000000 + day->patch_count - 1) / day->patch_count);
}

static void day_print(const struct day *day, double seconds) {
    const char *url = day->loop.owner_url;
    long long rows = pg_number(url, "select count(*) from crdt_journal");
    long long end = pg_number(url, "select pg_total_relation_size('crdt_journal')");
    long long history = pg_number(url, "select pg_total_relation_size('crdt_history')");
    long long states = pg_number(url, "select pg_total_relation_size('crdt_checkpoints')");
    if (day->json)
        printf("{\"workload\":\"day\",\"updates\":%llu,\"update_bytes\":%llu,\"seconds\":%.1f,\"checkpoints\":%llu,"
               "\"journal_most\":%lld,\"journal_live_then\":%lld,\"journal_end\":%lld,\"journal_rows_end\":%lld,\"history\":%lld,"
               "\"checkpoints_bytes\":%lld}\n",
               (unsigned long long)day->updates, (unsigned long long)day->update_bytes, seconds,
               (unsigned long long)day->checkpoints, day->journal_most, day->journal_live, end, rows, history, states);
    else
        printf("day      %llu updates of %llu KiB in %.1f s, %llu checkpoints\n"
               "journal  at most %lld KiB on disk (%lld KiB of them live), %lld KiB and %lld rows at the end\n"
               "history  %lld KiB; checkpoints %lld KiB\n",
               (unsigned long long)day->updates, (unsigned long long)day->update_bytes >> 10, seconds,
               (unsigned long long)day->checkpoints, day->journal_most >> 10, day->journal_live >> 10, end >> 10, rows,
               history >> 10, states >> 10);
}

int main(int count, char **arguments) {
    struct day day = { .document_count = 20 };
    const char *folder = "tests/data/traces", *name = "automerge-paper";
    size_t repeat = 0;
    for (int i = 1; i < count; i++) {
        if (strcmp(arguments[i], "--json") == 0)
            day.json = true;
        else if (strcmp(arguments[i], "--traces") == 0 && i + 1 < count)
            folder = arguments[++i];
        else if (strcmp(arguments[i], "--trace") == 0 && i + 1 < count)
            name = arguments[++i];
        else if (strcmp(arguments[i], "--documents") == 0 && i + 1 < count)
            day.document_count = (unsigned)strtoul(arguments[++i], NULL, 10);
        else if (strcmp(arguments[i], "--repeat") == 0 && i + 1 < count)
            repeat = strtoul(arguments[++i], NULL, 10);
        else if (strcmp(arguments[i], "--seconds") == 0 && i + 1 < count)
            day.seconds = strtod(arguments[++i], NULL);
        else if (strcmp(arguments[i], "--rest") == 0 && i + 1 < count)
            day.rest = strtod(arguments[++i], NULL);
        else
            bench_die(
                "usage: day-bench [--traces FOLDER] [--trace NAME] [--documents N] [--repeat N] [--seconds N] [--rest N] [--json]");
    }
    if (day.document_count == 0)
        bench_die("--documents must be more than 0");
    day_read(&day, folder, name, repeat);
    store_loop_start(&day.loop, NULL);
    day.documents = bench_must(calloc(day.document_count, sizeof *day.documents));
    for (unsigned i = 0; i < day.document_count; i++) {
        struct document *document = &day.documents[i];
        struct uuid file = store_loop_file(&day.loop);
        document->day = &day;
        journal_line_init(&document->line, day.loop.store, &day.loop.session, &file, 1, &day_watcher);
        must(crdt_doc_create(&(struct crdt_doc_options){ .client_id = 1000 + i, .gc = true }, &document->crdt));
        must(crdt_doc_root(document->crdt, bytes_text("text"), &document->text));
    }
    day.started_ns = bench_now_ns();
    day_play(&day);
    double seconds = (double)(bench_now_ns() - day.started_ns) / 1e9;
    day_sample(&day, true);
    day_rest(&day);
    day_print(&day, seconds);
    day_open(&day, &day.documents[0]);
    for (unsigned i = 0; i < day.document_count; i++) {
        journal_line_finish(&day.documents[i].line);
        crdt_doc_destroy(day.documents[i].crdt);
    }
    store_loop_stop(&day.loop);
    free(day.documents);
    free(day.patches);
    return 0;
}
