/* store_desk.c — the operator's desk, and the newer halves of a checkpoint: jobs that only read, jobs that hand out their sources;
 * rows of a line that is gone. */
#include "rig.h"

#include "store/desk.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct world world;
static struct rig rig;
static struct desk *desk;

static void set_up(void) {
    char reason[DESK_REASON] = "";
    world_init(&world, NULL);
    rig_init(&rig, &world, NULL);
    rig_until_state(&rig, STORE_READY);
    cr_assert_eq(desk_open(world.url, reason, &desk), STATUS_OK, "%s", reason);
}

static void tear_down(void) {
    desk_close(desk);
    rig_finish(&rig);
    world_finish(&world);
}

TestSuite(desk, .init = set_up, .fini = tear_down, .timeout = 60);

static void append_durably(const char *update) {
    struct line line;
    line_init(&line, &rig, &world, &world.file);
    line_append(&line, update);
    line_until_durable(&rig, &line);
    journal_line_finish(&line.journal);
}

/* ---- a checkpoint whose document is a set of pieces, here only counted ---- */

struct pieces {
    struct checkpoint_job job;
    unsigned states, updates, encodes, dones;
    char base[64], rows[64]; /* of a job that is whole */
    struct checkpoint_outcome outcome;
};

static enum status pieces_merge_state(struct checkpoint_job *job, int format, struct bytes state) {
    (void)format;
    (void)state;
    ((struct pieces *)job->context)->states++;
    return STATUS_OK;
}

static enum status pieces_merge_update(struct checkpoint_job *job, const struct journal_entry *entry) {
    (void)entry;
    ((struct pieces *)job->context)->updates++;
    return STATUS_OK;
}

static void pieces_note(char *out, size_t size, struct bytes bytes) {
    snprintf(out, size, "%.*s", (int)bytes.size, bytes.data == NULL ? "" : (const char *)bytes.data);
}

static void pieces_encode(struct checkpoint_job *job) {
    struct pieces *pieces = job->context;
    struct bytes_writer base, rows;
    struct checkpoint_prepared prepared = { 0 };
    pieces->encodes++;
    struct checkpoint_content content = {
        .format = CRDT_FORMAT_YJS_V1,
        .state = bytes_text("all"),
        .state_vector = bytes_text("sv"),
        .has_text = true,
        .text = bytes_text("text"),
    };
    if (!job->whole) {
        checkpoint_encoded(job, &content);
        return;
    }
    checkpoint_take_sources(job, &base, &rows);
    pieces_note(pieces->base, sizeof pieces->base, bytes_written(&base));
    struct bytes rest = bytes_written(&rows), payload;
    struct journal_row_reader reader;
    struct journal_entry entry;
    while (history_next(&rest, &payload)) {
        cr_assert_eq(journal_row_open(payload, &reader), STATUS_OK);
        while (journal_row_next(&reader, &entry)) {
            size_t size = strlen(pieces->rows);
            pieces_note(pieces->rows + size, sizeof pieces->rows - size, entry.update);
        }
    }
    cr_assert_eq(rest.size, 0);
    cr_assert_eq(checkpoint_prepare(&content, bytes_written(&rows), &prepared), STATUS_OK);
    checkpoint_encoded_as(job, &content, &prepared);
    checkpoint_prepared_finish(&prepared);
    bytes_writer_finish(&base);
    bytes_writer_finish(&rows);
}

static void pieces_done(struct checkpoint_job *job, const struct checkpoint_outcome *outcome) {
    struct pieces *pieces = job->context;
    pieces->dones++;
    pieces->outcome = *outcome;
}

static const struct checkpoint_handlers pieces_handlers = { pieces_merge_state, pieces_merge_update, pieces_encode, pieces_done };

static bool pieces_are_done(void *context) {
    return ((struct pieces *)context)->dones > 0;
}

static void checkpoint(struct pieces *pieces, int64_t version, bool read_only, bool whole) {
    *pieces = (struct pieces){ .job = { .file_id = world.file,
                                        .epoch = 1,
                                        .version = version,
                                        .read_only = read_only,
                                        .whole = whole,
                                        .handlers = &pieces_handlers,
                                        .context = pieces } };
    cr_assert_eq(store_checkpoint(rig.store, &pieces->job), STATUS_OK);
    rig_until(&rig, pieces_are_done, pieces, 30000, "checkpoint");
    cr_assert_eq(pieces->outcome.status, STATUS_OK, "%s", pieces->outcome.reason);
}

Test(desk, a_job_that_only_reads_merges_and_writes_nothing) {
    struct pieces pieces;
    append_durably("a");
    checkpoint(&pieces, 0, false, false);
    append_durably("b");
    pg_do(world.owner_url, "update crdt_journal set writer = gen_random_uuid()"); /* another server's */

    checkpoint(&pieces, 0, true, false); /* as one who does not know of version 1 */

    cr_assert_eq(pieces.states, 1);
    cr_assert_eq(pieces.updates, 1);
    cr_assert_eq(pieces.encodes, 0);
    cr_assert_eq(pieces.outcome.version, 1);
    cr_assert_eq(pg_number(world.owner_url, "select version from crdt_checkpoints"), 1);
}

Test(desk, a_whole_job_hands_out_the_state_and_the_rows_that_it_trims) {
    struct pieces pieces;
    append_durably("a");
    checkpoint(&pieces, 0, false, true);
    cr_assert_str_eq(pieces.base, "");
    cr_assert_str_eq(pieces.rows, "a");
    append_durably("b");
    append_durably("c");

    checkpoint(&pieces, 1, false, true);

    cr_assert_str_eq(pieces.base, "all");
    cr_assert_str_eq(pieces.rows, "bc");
    cr_assert_eq(pieces.states, 0, "the state was known");
    cr_assert_eq(pieces.outcome.rows_merged, 2);
    cr_assert_eq(pg_number(world.owner_url, "select count(*) from crdt_journal"), 0);
    cr_assert_eq(pg_number(world.owner_url, "select count(*) from crdt_history"), 2);
}

Test(desk, a_job_is_told_the_epoch_that_the_file_has_now) {
    struct pieces pieces = { .job = { .file_id = world.file, .epoch = 1, .handlers = &pieces_handlers, .context = &pieces } };
    pg_do(world.owner_url, "update files set epoch = 3");

    cr_assert_eq(store_checkpoint(rig.store, &pieces.job), STATUS_OK);
    rig_until(&rig, pieces_are_done, &pieces, 30000, "checkpoint");

    cr_assert_eq(pieces.outcome.status, STATUS_CONFLICT);
    cr_assert_eq(pieces.outcome.epoch, 3);
}

/* The story: a document put aside for lack of memory was opened again before its last row had committed. The load did not see that
 * row, and the next checkpoint took it for one's own and trimmed it. */
Test(desk, a_load_waits_for_rows_of_a_line_that_is_gone) {
    struct line line;
    struct store_load load = { 0 };
    struct loaded_copy loaded;
    line_init(&line, &rig, &world, &world.file);
    line_append(&line, "late");
    journal_line_finish(&line.journal);

    cr_assert_eq(store_load(rig.store, &load, &world.file, NULL, NULL), STATUS_UNAVAILABLE);

    rig_turns_ms(&rig, 300);
    rig_load(&rig, &world.file, &loaded);
    cr_assert_eq(loaded.status, STATUS_OK, "%s", loaded.reason);
    cr_assert_str_eq(loaded.text, "late");
}

Test(desk, a_damaged_document_is_refused_and_what_is_left_of_it_is_salvaged) {
    struct loaded_document loaded;
    struct journal_entry entry;
    struct pieces pieces;
    char reason[DESK_REASON];
    append_durably("a");
    checkpoint(&pieces, 0, false, false);
    append_durably("good");
    pg_do(world.owner_url, "insert into crdt_journal (session_id, file_id, epoch, writer, writer_seq, updates) "
                           "select session_id, id, 1, '00000000-0000-0000-0000-000000000000', 1, '\\x0102' from files");
    pg_do(world.owner_url, "update files set quarantined_at = now(), quarantine_reason = 'a test'");

    cr_assert_eq(desk_load(desk, &world.file, 0, &loaded, reason), STATUS_DAMAGED);
    cr_assert(strstr(reason, "a test") != NULL, "%s", reason);
    cr_assert_eq(desk_load(desk, &world.file, LOAD_QUARANTINED, &loaded, reason), STATUS_DAMAGED);
    cr_assert(strstr(reason, "journal row 1") != NULL, "%s", reason);

    cr_assert_eq(desk_load(desk, &world.file, LOAD_QUARANTINED | LOAD_SALVAGE, &loaded, reason), STATUS_OK);
    cr_assert(reason[0] != 0, "it says what was left out");
    cr_assert(bytes_equal_text(loaded.state, "all"));
    cr_assert(loaded_document_next(&loaded, &entry));
    cr_assert(bytes_equal_text(entry.update, "good"));
    cr_assert_not(loaded_document_next(&loaded, &entry));
}

Test(desk, a_chunk_of_history_unpacks_to_its_rows_and_a_flipped_bit_is_damage) {
    struct arena arena;
    struct pieces pieces;
    struct bytes_writer raw;
    append_durably("a");
    append_durably("b");
    checkpoint(&pieces, 0, false, false);

    for (int flipped = 0; flipped < 2; flipped++) {
        arena_init(&arena, &mem_default, 65536);
        bytes_writer_init(&raw, &mem_default, 65536);
        struct params *params = params_new(&arena);
        params_add_uuid(params, &world.file);
        params_add_i64(params, 1);
        params_add_i64(params, 0);
        struct reply reply = desk_ask(desk, "desk_history", params);
        cr_assert_eq(reply.status, STATUS_OK, "%s", reply.error);
        cr_assert_eq(reply.row_count, 1);
        struct row row = reply_row(&reply, 0);
        cr_assert_eq(row_i32(&row, 1), 2);
        enum status status = history_unpack(row_bytea(&row, 2), &raw);
        cr_assert_eq(status, flipped ? STATUS_DAMAGED : STATUS_OK);
        struct bytes rest = bytes_written(&raw), payload;
        unsigned count = 0;
        while (!flipped && history_next(&rest, &payload))
            count++;
        cr_assert_eq(count, flipped ? 0 : 2);
        bytes_writer_finish(&raw);
        arena_finish(&arena);
        pg_do(world.owner_url, "update crdt_history set updates = set_byte(updates, length(updates) - 1, "
                               "get_byte(updates, length(updates) - 1) # 1)");
    }
}

Test(desk, a_statement_that_fails_says_so_and_the_desk_goes_on) {
    char reason[DESK_REASON] = "";
    struct desk *nowhere;
    struct reply reply = desk_ask(desk, "desk_file", NULL);
    cr_assert_eq(reply.status, STATUS_NO_MEMORY);
    struct arena arena;
    arena_init(&arena, &mem_default, 4096);
    reply = desk_ask(desk, "desk_file", params_new(&arena)); /* its parameter is missing */
    cr_assert_neq(reply.status, STATUS_OK);
    reply = desk_ask(desk, "desk_strays", params_new(&arena));
    cr_assert_eq(reply.status, STATUS_OK, "%s", reply.error);
    cr_assert_eq(reply.row_count, 1);
    arena_finish(&arena);
    cr_assert_eq(desk_open("host=/nonexistent", reason, &nowhere), STATUS_UNAVAILABLE);
    cr_assert(reason[0] != 0);
}
