/* store_checkpoint.c — checkpoints on a healthy PostgreSQL, alone and beside another writer; what is damaged.
 *
 * The "document" of these tests is a sorted set of letters, so merging commutes and repeats. */
#include "rig.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static struct world world;
static struct rig rig;

static void set_up(void) {
    world_init(&world, NULL);
    rig_init(&rig, &world, NULL);
    rig_until_state(&rig, STORE_READY);
}

static void tear_down(void) {
    rig_finish(&rig);
    world_finish(&world);
}

TestSuite(checkpoint, .init = set_up, .fini = tear_down);

struct letters {
    struct checkpoint_job job;
    char set[64];
    bool has_text;
    const char *text; /* NULL: the set itself */
    size_t text_size;
    unsigned encodes;
    unsigned dones;
    struct checkpoint_outcome outcome;
    char reason[256];
    void (*before_encode)(struct letters *letters);
};

static void letters_add(struct letters *letters, struct bytes update) {
    for (size_t i = 0; i < update.size; i++) {
        char *at = letters->set;
        while (*at != 0 && *at < (char)update.data[i])
            at++;
        if (*at == (char)update.data[i])
            continue;
        memmove(at + 1, at, strlen(at) + 1);
        *at = (char)update.data[i];
    }
}

static enum status letters_merge_state(struct checkpoint_job *job, int format, struct bytes state) {
    cr_assert_eq(format, CRDT_FORMAT_YJS_V1);
    letters_add(job->context, state);
    return STATUS_OK;
}

static enum status letters_merge_update(struct checkpoint_job *job, const struct journal_entry *entry) {
    letters_add(job->context, entry->update);
    return STATUS_OK;
}

static void letters_encode(struct checkpoint_job *job) {
    struct letters *letters = job->context;
    letters->encodes++;
    if (letters->before_encode != NULL)
        letters->before_encode(letters);
    struct checkpoint_content content = {
        .format = CRDT_FORMAT_YJS_V1,
        .state = bytes_text(letters->set),
        .state_vector = bytes_text("sv"),
        .has_text = letters->has_text,
        .text = letters->text == NULL ? bytes_text(letters->set) : bytes_of(letters->text, letters->text_size),
        .author = world.user,
    };
    checkpoint_encoded(job, &content);
}

static void letters_done(struct checkpoint_job *job, const struct checkpoint_outcome *outcome) {
    struct letters *letters = job->context;
    letters->dones++;
    letters->outcome = *outcome;
    snprintf(letters->reason, sizeof letters->reason, "%s", outcome->reason);
}

static const struct checkpoint_handlers letters_handlers = { letters_merge_state, letters_merge_update, letters_encode,
                                                             letters_done };

static void letters_init(struct letters *letters, const char *set) {
    memset(letters, 0, sizeof *letters);
    letters->job = (struct checkpoint_job){ .file_id = world.file, .epoch = 1, .handlers = &letters_handlers, .context = letters };
    letters->has_text = true;
    letters_add(letters, bytes_text(set));
}

static bool letters_are_done(void *context) {
    return ((struct letters *)context)->dones > 0;
}

static void letters_checkpoint(struct rig *at, struct letters *letters) {
    letters->dones = 0;
    enum status status = store_checkpoint(at->store, &letters->job);
    cr_assert_eq(status, STATUS_OK, "%s", status_name(status));
    rig_until(at, letters_are_done, letters, 30000, "checkpoint");
}

static void append_durably(struct rig *at, const char *update) {
    struct line line;
    line_init(&line, at, &world, &world.file);
    line_append(&line, update);
    line_until_durable(at, &line);
    journal_line_finish(&line.journal);
}

Test(checkpoint, a_checkpoint_folds_the_journal_and_writes_file_and_version) {
    struct letters letters;
    struct loaded_copy loaded;
    char hash[CONTENT_HASH_SIZE + 1];
    char text[128];
    letters_init(&letters, "ba");
    append_durably(&rig, "b");
    append_durably(&rig, "a");

    letters_checkpoint(&rig, &letters);
    rig_load(&rig, &world.file, &loaded);

    cr_assert_eq(letters.outcome.status, STATUS_OK, "%s", letters.reason);
    cr_assert_eq(letters.outcome.version, 1);
    cr_assert_eq(letters.outcome.version_number, 1);
    cr_assert_eq(letters.outcome.rows_merged, 2);
    cr_assert_str_eq(loaded.state, "ab");
    cr_assert_str_eq(loaded.state_vector, "sv");
    cr_assert_eq(loaded.version, 1);
    cr_assert_eq(loaded.row_count, 0);
    content_hash(bytes_text("ab"), hash);
    pg_query(world.owner_url, "select file_size || content_hash || head_version from files", text, sizeof text);
    char wanted[128];
    snprintf(wanted, sizeof wanted, "2%s1", hash);
    cr_assert_str_eq(text, wanted);
    pg_query(world.owner_url,
             "select content || version_number || branch || content_size || (author_id is not null) from file_versions", text,
             sizeof text);
    cr_assert_str_eq(text, "ab1main2true");
    cr_assert_eq(pg_number(world.owner_url, "select row_count from crdt_history where chunk = 1"), 2);
}

Test(checkpoint, the_same_text_makes_no_second_version) {
    struct letters letters;
    letters_init(&letters, "ab");
    letters_checkpoint(&rig, &letters);
    append_durably(&rig, "a");

    letters_checkpoint(&rig, &letters);

    cr_assert_eq(letters.outcome.status, STATUS_OK, "%s", letters.reason);
    cr_assert_eq(letters.outcome.version, 2);
    cr_assert_eq(letters.outcome.version_number, 0);
    cr_assert_eq(pg_number(world.owner_url, "select count(*) from file_versions"), 1);
    letters_add(&letters, bytes_text("c"));
    letters_checkpoint(&rig, &letters);
    cr_assert_eq(letters.outcome.version_number, 2);
}

Test(checkpoint, a_document_without_a_text_root_gets_no_content) {
    struct letters letters;
    letters_init(&letters, "ab");
    letters.has_text = false;

    letters_checkpoint(&rig, &letters);

    cr_assert_eq(letters.outcome.status, STATUS_OK, "%s", letters.reason);
    cr_assert_eq(pg_number(world.owner_url, "select count(*) from file_versions"), 0);
    cr_assert_eq(pg_number(world.owner_url, "select count(*) from files where content_hash is null"), 1);
    cr_assert_eq(pg_number(world.owner_url, "select count(*) from crdt_checkpoints"), 1);
}

Test(checkpoint, text_with_nul_is_kept_as_bytes) {
    struct letters letters;
    letters_init(&letters, "ab");
    letters.text = "a\0b";
    letters.text_size = 3;

    letters_checkpoint(&rig, &letters);

    cr_assert_eq(letters.outcome.status, STATUS_OK, "%s", letters.reason);
    cr_assert_eq(
        pg_number(world.owner_url, "select count(*) from file_versions where content is null and content_bytes = '\\x610062'"), 1);
    cr_assert_eq(pg_number(world.owner_url, "select file_size from files"), 3);
}

/* Two stores hold the same document. */
Test(checkpoint, rows_and_checkpoints_of_another_writer_are_merged_first) {
    struct rig other;
    struct letters here;
    struct letters there;
    struct loaded_copy loaded;
    rig_init(&other, &world, NULL);
    rig_until_state(&other, STORE_READY);
    letters_init(&here, "a");
    letters_init(&there, "b");
    append_durably(&rig, "a");
    append_durably(&other, "b");

    letters_checkpoint(&other, &there);
    append_durably(&other, "c");
    letters_add(&there, bytes_text("c"));
    letters_checkpoint(&rig, &here);
    rig_load(&rig, &world.file, &loaded);

    cr_assert_eq(there.outcome.status, STATUS_OK, "%s", there.reason);
    cr_assert_str_eq(there.set, "abc");
    cr_assert_eq(here.outcome.status, STATUS_OK, "%s", here.reason);
    cr_assert_eq(here.outcome.version, 2);
    cr_assert_str_eq(here.set, "abc");
    cr_assert_str_eq(loaded.state, "abc");
    cr_assert_eq(loaded.row_count, 0);
    rig_finish(&other);
}

/* The answer to our commit was lost, the other's checkpoint took the row meanwhile, and we sent it again. The story: its key was
 * free, so it stood in the journal anew, and after the next checkpoint in the history twice. */
Test(checkpoint, a_row_sent_again_after_another_writer_trimmed_it_is_in_the_history_once) {
    struct rig other;
    struct letters here;
    struct letters there;
    struct loaded_copy loaded;
    rig_init(&other, &world, NULL);
    rig_until_state(&other, STORE_READY);
    letters_init(&here, "ac");
    letters_init(&there, "b");
    append_durably(&rig, "a");
    pg_do(world.owner_url, "create table sent as select * from crdt_journal");
    letters_checkpoint(&other, &there);
    pg_do(world.owner_url, "insert into crdt_journal select * from sent");

    letters_checkpoint(&rig, &here);

    cr_assert_eq(here.outcome.status, STATUS_OK, "%s", here.reason);
    cr_assert_eq(pg_number(world.owner_url, "select count(*) from crdt_journal"), 0);
    cr_assert_eq(pg_number(world.owner_url, "select sum(row_count) from crdt_history"), 1);
    append_durably(&rig, "c");
    pg_do(world.owner_url, "insert into crdt_journal select * from sent");
    letters_checkpoint(&other, &there);
    cr_assert_eq(there.outcome.status, STATUS_OK, "%s", there.reason);
    cr_assert_eq(pg_number(world.owner_url, "select count(*) from crdt_journal"), 0);
    cr_assert_eq(pg_number(world.owner_url, "select sum(row_count) from crdt_history"), 2, "the new row, and it alone");
    cr_assert_eq(pg_number(world.owner_url, "select writer_seq from crdt_trimmed"), 2);
    rig_load(&rig, &world.file, &loaded);
    cr_assert_str_eq(loaded.state, "abc");
    rig_finish(&other);
}

/* The same with our own checkpoint: the row is in the database, a second try is on its way and comes after the checkpoint. */
Test(checkpoint, a_row_whose_commit_has_no_answer_yet_is_left_for_the_next_time) {
    struct letters here;
    struct line line;
    letters_init(&here, "ab");
    append_durably(&rig, "a");
    pg_do(world.owner_url, "insert into crdt_journal (session_id, file_id, epoch, writer, writer_seq, updates) "
                           "select session_id, file_id, epoch, writer, writer_seq + 1, updates from crdt_journal");
    pg_do(
        world.owner_url,
        "create function wait() returns trigger language plpgsql as $$ begin while (select checkpoint_version from files where id "
        "= new.file_id) = 0 loop perform pg_sleep(0.01); end loop; return new; end $$; "
        "create trigger wait before insert on crdt_journal for each row execute function wait()");
    line_init(&line, &rig, &world, &world.file);
    line_append(&line, "b");
    store_flush(rig.store, rig_now_ms());

    letters_checkpoint(&rig, &here);
    cr_assert_eq(here.outcome.status, STATUS_OK, "%s", here.reason);
    line_until_durable(&rig, &line);
    letters_checkpoint(&rig, &here);

    cr_assert_eq(here.outcome.status, STATUS_OK, "%s", here.reason);
    cr_assert_eq(pg_number(world.owner_url, "select count(*) from crdt_journal"), 0);
    cr_assert_eq(pg_number(world.owner_url, "select sum(row_count) from crdt_history"), 2);
    journal_line_finish(&line.journal);
}

static struct rig *rival_rig;
static struct letters *rival;

/* In the middle of our job the other store writes its own. */
static void rival_is_faster(struct letters *letters) {
    if (letters->encodes == 1)
        letters_checkpoint(rival_rig, rival);
}

Test(checkpoint, a_checkpoint_overtaken_by_another_begins_again_and_loses_nothing) {
    struct rig other;
    struct letters here;
    struct letters there;
    struct loaded_copy loaded;
    rig_init(&other, &world, NULL);
    rig_until_state(&other, STORE_READY);
    rival_rig = &other;
    rival = &there;
    letters_init(&here, "a");
    letters_init(&there, "b");
    here.before_encode = rival_is_faster;
    append_durably(&rig, "a");

    letters_checkpoint(&rig, &here);
    rig_load(&rig, &world.file, &loaded);

    cr_assert_eq(here.outcome.status, STATUS_OK, "%s", here.reason);
    cr_assert_eq(here.encodes, 2);
    cr_assert_str_eq(loaded.state, "ab");
    cr_assert_eq(loaded.version, 2);
    cr_assert_eq(pg_number(world.owner_url, "select sum(row_count) from crdt_history"), 1);
    rig_finish(&other);
}

struct pair {
    struct rig *other;
    struct letters *here;
    struct letters *there;
};

static bool both_are_done(void *context) {
    struct pair *pair = context;
    rig_turn(pair->other);
    return pair->here->dones > 0 && pair->there->dones > 0;
}

/* Both read, both write, PostgreSQL decides: every round one of them is overtaken somewhere. */
Test(checkpoint, two_stores_that_checkpoint_at_once_lose_and_double_nothing) {
    struct rig other;
    struct letters here;
    struct letters there;
    struct loaded_copy loaded;
    struct pair pair = { &other, &here, &there };
    unsigned overtaken = 0;
    rig_init(&other, &world, NULL);
    rig_until_state(&other, STORE_READY);
    letters_init(&here, "");
    letters_init(&there, "");
    for (unsigned round = 0; round < 26; round++) {
        char big[] = { (char)('A' + round), 0 };
        char small[] = { (char)('a' + round), 0 };
        append_durably(&rig, big);
        append_durably(&other, small);
        letters_add(&here, bytes_text(big));
        letters_add(&there, bytes_text(small));
        here.dones = there.dones = here.encodes = there.encodes = 0;
        cr_assert_eq(store_checkpoint(rig.store, &here.job), STATUS_OK);
        cr_assert_eq(store_checkpoint(other.store, &there.job), STATUS_OK);
        store_flush(rig.store, rig_now_ms());
        store_flush(other.store, rig_now_ms());
        rig_until(&rig, both_are_done, &pair, 30000, "both checkpoints");
        cr_assert_eq(here.outcome.status, STATUS_OK, "%s", here.reason);
        cr_assert_eq(there.outcome.status, STATUS_OK, "%s", there.reason);
        cr_assert_neq(here.outcome.version, there.outcome.version);
        overtaken += here.encodes + there.encodes - 2;
    }
    rig_load(&rig, &world.file, &loaded);

    cr_assert_gt(overtaken, 0);
    cr_assert_str_eq(loaded.state, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
    cr_assert_eq(loaded.version, 52);
    cr_assert_eq(loaded.row_count, 0);
    cr_assert_eq(pg_number(world.owner_url, "select sum(row_count) from crdt_history"), 52);
    cr_assert_eq(pg_number(world.owner_url, "select count(*) from crdt_journal"), 0);
    rig_finish(&other);
}

static void append_late(struct letters *letters) {
    (void)letters;
    append_durably(&rig, "z");
}

Test(checkpoint, rows_that_commit_between_read_and_write_stay_in_the_journal) {
    struct letters letters;
    struct loaded_copy loaded;
    letters_init(&letters, "a");
    letters.before_encode = append_late;
    append_durably(&rig, "a");

    letters_checkpoint(&rig, &letters);
    rig_load(&rig, &world.file, &loaded);

    cr_assert_eq(letters.outcome.status, STATUS_OK, "%s", letters.reason);
    cr_assert_eq(letters.outcome.rows_merged, 1);
    cr_assert_eq(loaded.row_count, 1);
    cr_assert_str_eq(loaded.text, "z");
}

/* The lock waits for another change of the file's row, and then works on the newest one. */
Test(checkpoint, a_checkpoint_during_a_rename_keeps_both) {
    struct letters letters;
    letters_init(&letters, "a");
    pid_t renamer = fork();
    if (renamer == 0) {
        pg_do(world.owner_url, "begin; update files set filename = 'new.py'; select pg_sleep(1); commit");
        _exit(0);
    }
    static const char renames[] = "select count(*) from pg_stat_activity where datname = current_database() and "
                                  "wait_event = 'PgSleep'";
    while (pg_number(world.owner_url, renames) == 0)
        ;

    letters_checkpoint(&rig, &letters);

    cr_assert_eq(pg_number(world.owner_url, renames), 0, "it did not wait");
    cr_assert_eq(letters.outcome.status, STATUS_OK, "%s", letters.reason);
    cr_assert_eq(letters.encodes, 1);
    cr_assert_eq(pg_number(world.owner_url, "select count(*) from files where filename = 'new.py' and head_version = 1"), 1);
    waitpid(renamer, NULL, 0);
}

static void check_unchanged(void) {
    cr_assert_eq(pg_number(world.owner_url, "select count(*) from crdt_checkpoints"), 0);
    cr_assert_eq(pg_number(world.owner_url, "select count(*) from crdt_history"), 0);
    cr_assert_eq(pg_number(world.owner_url, "select count(*) from file_versions"), 0);
    cr_assert_eq(pg_number(world.owner_url, "select checkpoint_version + head_version from files"), 0);
    cr_assert_eq(pg_number(world.owner_url, "select count(*) from crdt_journal"), 1);
}

Test(checkpoint, a_checkpoint_that_fails_half_way_changes_nothing) {
    struct letters letters;
    letters_init(&letters, "a");
    append_durably(&rig, "a");
    pg_do(world.owner_url, "create function fail() returns trigger language plpgsql as $$ begin raise 'no'; end $$;"
                           "create trigger fail after delete on crdt_journal for each statement execute function fail()");

    letters_checkpoint(&rig, &letters);

    cr_assert_neq(letters.outcome.status, STATUS_OK);
    check_unchanged();
    pg_do(world.owner_url, "drop trigger fail on crdt_journal");
    letters_checkpoint(&rig, &letters);
    cr_assert_eq(letters.outcome.status, STATUS_OK, "%s", letters.reason);
}

Test(checkpoint, a_job_can_be_cancelled_at_any_step) {
    struct letters letters;
    letters_init(&letters, "a");

    cr_assert_eq(store_checkpoint(rig.store, &letters.job), STATUS_OK);
    store_flush(rig.store, rig_now_ms());
    checkpoint_cancel(&letters.job);
    rig_turns_ms(&rig, 50);
    cr_assert_eq(letters.encodes, 0);
    letters_checkpoint(&rig, &letters);

    cr_assert_eq(letters.outcome.status, STATUS_OK);
}

/* ---- damage ---- */

static void check_damaged(const char *sql, const char *reason) {
    struct letters letters;
    struct loaded_copy loaded;
    letters_init(&letters, "a");
    letters_checkpoint(&rig, &letters);
    append_durably(&rig, "a");
    pg_do(world.owner_url, sql);

    rig_load(&rig, &world.file, &loaded);
    cr_assert_eq(loaded.status, STATUS_DAMAGED);
    cr_assert(strstr(loaded.reason, reason) != NULL, "%s", loaded.reason);

    letters.job.version = 0; /* nor does a checkpoint paint over it */
    letters_checkpoint(&rig, &letters);
    cr_assert_eq(letters.outcome.status, STATUS_DAMAGED);
}

Test(checkpoint, a_flipped_byte_of_the_state_is_damage) {
    check_damaged("update crdt_checkpoints set state = 'b'", "check sum");
}

Test(checkpoint, a_missing_checkpoint_is_damage_and_not_a_blank_file) {
    check_damaged("delete from crdt_checkpoints", "missing");
}

Test(checkpoint, a_broken_journal_row_is_damage) {
    check_damaged("update crdt_journal set updates = set_byte(updates, 20, 255)", "journal row");
}

Test(checkpoint, a_quarantined_file_is_not_served) {
    check_damaged("update files set quarantined_at = now(), quarantine_reason = 'test'", "quarantined: test");
}
