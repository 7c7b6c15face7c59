/* store_everyday.c — connecting, statements, journal and load on a healthy PostgreSQL. */
#include "rig.h"

#include <criterion/criterion.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

static const char extra_text[] =
    "-- name: echo\n-- all types there and back\n"
    "select $1::uuid, $2::text, $3::bytea, $4::integer, $5::bigint, $6::boolean, $7::timestamptz, $8::jsonb,"
    " $9::double precision, $10::uuid[], $11::text[], $12::bigint[];\n"
    "-- name: unnested\n"
    "select u, t, b, j, i, n, w, o from unnest($1::uuid[], $2::text[], $3::bytea[], $4::jsonb[], $5::integer[], "
    "$6::bigint[], $7::timestamptz[], $8::boolean[]) as x(u, t, b, j, i, n, w, o);\n"
    "-- name: size\nselect octet_length($1::bytea);\n"
    "-- name: sleep_long\nselect pg_sleep(30);\n"
    "-- name: user_add\ninsert into users (id, username, email) values ($1, $2, $3);\n"
    "-- name: forbidden\nupdate audit_logs set action = 'x';\n";
static const struct embedded_file extra_files[] = { { "extra.sql", (const unsigned char *)extra_text, sizeof extra_text - 1 },
                                                    { 0 } };
static const struct embedded_file *const extra[] = { extra_files, NULL };

struct answer {
    unsigned calls;
    enum status status;
    char sqlstate[6];
    char error[256];
    char constraint[64];
    void (*check)(const struct reply *reply);
};

static void answer_take(void *context, const struct reply *reply) {
    struct answer *answer = context;
    answer->calls++;
    answer->status = reply->status;
    memcpy(answer->sqlstate, reply->sqlstate, sizeof answer->sqlstate);
    snprintf(answer->error, sizeof answer->error, "%s", reply->error);
    snprintf(answer->constraint, sizeof answer->constraint, "%s", reply->constraint);
    if (answer->check != NULL && reply->status == STATUS_OK)
        answer->check(reply);
}

static bool answered(void *context) {
    return ((struct answer *)context)->calls > 0;
}

static void ask(struct rig *rig, const char *name, const struct params *params, struct answer *answer) {
    enum status status = store_submit(rig->store, NULL, name, params, answer_take, answer);
    cr_assert_eq(status, STATUS_OK, "%s", status_name(status));
    cr_assert_eq(answer->calls, 0, "never from inside store_submit");
    rig_until(rig, answered, answer, 10000, name);
}

static struct world world;
static struct rig rig;
static struct arena arena;

static void set_up(void) {
    world_init(&world, NULL);
    struct store_options options = { .catalogs = extra };
    rig_init(&rig, &world, &options);
    rig_until_state(&rig, STORE_READY);
    arena_init(&arena, &mem_default, 1 << 20);
}

static void tear_down(void) {
    arena_finish(&arena);
    rig_finish(&rig);
    world_finish(&world);
}

TestSuite(store, .init = set_up, .fini = tear_down);

static const struct uuid some_uuid = { { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 } };

static void check_echo(const struct reply *reply) {
    cr_assert_eq(reply->row_count, 1);
    struct row row = reply_row(reply, 0);
    struct uuid uuid = row_uuid(&row, 0);
    cr_assert(uuid_equal(&uuid, &some_uuid));
    cr_assert(bytes_equal_text(row_text(&row, 1), "héllo"));
    cr_assert(bytes_equal(row_bytea(&row, 2), bytes_of("\0\xff", 2)));
    cr_assert_eq(row_i32(&row, 3), -7);
    cr_assert_eq(row_i64(&row, 4), INT64_MIN);
    cr_assert(row_bool(&row, 5));
    cr_assert_eq(row_time_ms(&row, 6), 1700000000123);
    cr_assert(bytes_equal_text(row_jsonb(&row, 7), "{\"a\": 1}"));
    cr_assert_eq(row_f64(&row, 8), 0.25);
}

Test(store, every_type_goes_there_and_comes_back) {
    struct params *params = params_new(&arena);
    struct bytes texts[] = { bytes_text("x"), { NULL, 0 } };
    int64_t numbers[] = { 5 };
    params_add_uuid(params, &some_uuid);
    params_add_text(params, bytes_text("héllo"));
    params_add_bytea(params, bytes_of("\0\xff", 2));
    params_add_i32(params, -7);
    params_add_i64(params, INT64_MIN);
    params_add_bool(params, true);
    params_add_time(params, 1700000000123);
    params_add_jsonb(params, bytes_text("{\"a\":1}"));
    params_add_f64(params, 0.25);
    params_add_uuid_array(params, &some_uuid, 1);
    params_add_text_array(params, texts, 2);
    params_add_i64_array(params, numbers, 1);
    struct answer answer = { .check = check_echo };

    ask(&rig, "echo", params, &answer);

    cr_assert_eq(answer.status, STATUS_OK, "%s", answer.error);
}

static void check_unnested(const struct reply *reply) {
    cr_assert_eq(reply->row_count, 2);
    struct row first = reply_row(reply, 0);
    struct row second = reply_row(reply, 1);
    cr_assert(bytes_equal_text(row_text(&first, 1), "a"));
    cr_assert(bytes_equal(row_bytea(&first, 2), bytes_of("\1\0", 2)));
    cr_assert(bytes_equal_text(row_jsonb(&first, 3), "[1]"));
    cr_assert_eq(row_i32(&first, 4), -1);
    cr_assert_eq(row_i64(&first, 5), 1);
    cr_assert_eq(row_time_ms(&first, 6), -1);
    cr_assert(row_bool(&first, 7));
    cr_assert(row_is_null(&second, 1));
    cr_assert(row_is_null(&second, 2));
    cr_assert(row_is_null(&second, 3));
    cr_assert_eq(row_time_ms(&second, 6), 1700000000000);
    cr_assert_not(row_bool(&second, 7));
}

Test(store, arrays_of_every_type_unnest_to_rows) {
    struct params *params = params_new(&arena);
    struct uuid uuids[] = { some_uuid, uuid_nil };
    struct bytes texts[] = { bytes_text("a"), { NULL, 0 } };
    struct bytes blobs[] = { bytes_of("\1\0", 2), { NULL, 0 } };
    struct bytes jsons[] = { bytes_text("[1]"), { NULL, 0 } };
    params_add_uuid_array(params, uuids, 2);
    params_add_text_array(params, texts, 2);
    params_add_bytea_array(params, blobs, 2);
    params_add_jsonb_array(params, jsons, 2);
    params_add_i32_array(params, (int32_t[]){ -1, 2 }, 2);
    params_add_i64_array(params, (int64_t[]){ 1, 2 }, 2);
    params_add_time_array(params, (int64_t[]){ -1, 1700000000000 }, 2);
    params_add_bool_array(params, (bool[]){ true, false }, 2);
    struct answer answer = { .check = check_unnested };

    ask(&rig, "unnested", params, &answer);

    cr_assert_eq(answer.status, STATUS_OK, "%s", answer.error);
}

static void add_user(const char *name, const char *email, struct answer *answer) {
    struct params *params = params_new(&arena);
    struct uuid id = some_uuid;
    id.bytes[15] = (uint8_t)name[0];
    params_add_uuid(params, &id);
    params_add_text(params, bytes_text(name));
    params_add_text(params, email == NULL ? (struct bytes){ NULL, 0 } : bytes_text(email));
    ask(&rig, "user_add", params, answer);
}

Test(store, a_taken_key_answers_exists_with_its_constraint) {
    struct answer first = { 0 };
    struct answer second = { 0 };

    add_user("bob", "bob@example.org", &first);
    add_user("cid", "BOB@example.org", &second);

    cr_assert_eq(first.status, STATUS_OK, "%s", first.error);
    cr_assert_eq(second.status, STATUS_EXISTS);
    cr_assert_str_eq(second.sqlstate, "23505");
    cr_assert_str_eq(second.constraint, "users_email_key");
}

Test(store, the_servers_role_cannot_change_an_audit_row) {
    struct answer answer = { 0 };

    ask(&rig, "forbidden", NULL, &answer);

    cr_assert_eq(answer.status, STATUS_DENIED);
}

Test(store, text_that_postgres_refuses_is_malformed_and_the_connection_goes_on) {
    struct answer bad = { 0 };
    struct answer good = { 0 };

    add_user("x\xff", NULL, &bad);
    add_user("dan", NULL, &good);

    cr_assert_eq(bad.status, STATUS_MALFORMED);
    cr_assert_str_eq(bad.sqlstate, "22021");
    cr_assert_eq(good.status, STATUS_OK);
}

Test(store, parameters_that_do_not_fit_are_answered_and_not_sent) {
    struct params *params = params_new(&arena);
    params_add_i32(params, 1);
    params_add_text(params, bytes_text("eve"));
    params_add_null(params);
    struct answer type = { 0 };
    struct answer count = { 0 };

    ask(&rig, "user_add", params, &type);
    params_add_null(params);
    ask(&rig, "user_add", params, &count);

    cr_assert_eq(type.status, STATUS_CONFLICT);
    cr_assert_str_eq(type.error, "statement user_add: $1 is of type 2950, was given 23");
    cr_assert_eq(count.status, STATUS_CONFLICT);
    cr_assert_eq(store_submit(rig.store, NULL, "no_such", NULL, NULL, NULL), STATUS_NOT_FOUND);
}

static char order[16];
static char marks[128][2] = { ['1'] = "1", ['2'] = "2", ['3'] = "3", ['4'] = "4", ['x'] = "x" };

static void note_order(void *context, const struct reply *reply) {
    (void)reply;
    strncat(order, context, 1);
}

static bool order_has_four(void *context) {
    (void)context;
    return strlen(order) == 4;
}

Test(store, answers_come_in_order_and_a_cancelled_one_never) {
    struct store_request request = { 0 };
    struct params *params = params_new(&arena);
    params_add_uuid(params, &some_uuid);
    params_add_null(params);
    params_add_null(params);

    cr_assert_eq(store_submit(rig.store, NULL, "user_add", NULL, NULL, NULL), STATUS_NO_MEMORY); /* it has parameters */
    store_submit(rig.store, NULL, "user_add", params, note_order, marks['1']);                   /* fails: username is null */
    store_submit(rig.store, NULL, "forbidden", NULL, note_order, marks['2']);
    store_submit(rig.store, &request, "forbidden", NULL, note_order, marks['x']);
    store_submit(rig.store, NULL, "forbidden", NULL, note_order, marks['3']);
    store_flush(rig.store, rig_now_ms()); /* on the way */
    cr_assert(store_request_pending(&request));
    store_cancel(&request);
    cr_assert_not(store_request_pending(&request));
    store_submit(rig.store, NULL, "forbidden", NULL, note_order, marks['4']);
    rig_until(&rig, order_has_four, NULL, 10000, "four answers");
    rig_turns_ms(&rig, 50);

    cr_assert_str_eq(order, "1234");
}

static bool queue_is_empty(void *context) {
    (void)context;
    return store_health(rig.store).queued == 0;
}

Test(store, a_full_queue_says_so) {
    enum status status = STATUS_OK;
    unsigned taken = 0;
    while (taken < 10000 && status == STATUS_OK) {
        status = store_submit(rig.store, NULL, "forbidden", NULL, NULL, NULL);
        taken += status == STATUS_OK;
    }
    cr_assert_eq(status, STATUS_OVERLOADED);
    cr_assert_eq(taken, 4096);
    cr_assert_eq(store_health(rig.store).queued, 4096);

    rig_until(&rig, queue_is_empty, NULL, 30000, "an empty queue");
}

/* Groups that go one after the other while the clock says `now_ms`, until one stays behind for 20 turns. */
static unsigned groups_at(struct line *line, uint64_t now_ms) {
    unsigned groups = 0;
    for (unsigned idle = 0; idle < 20 && groups < 1000; idle++) {
        if (line->journal.open == NULL)
            line_append(line, "update");
        uint64_t before = store_health(rig.store).group;
        rig_turn_at(&rig, now_ms);
        if (store_health(rig.store).group > before) {
            groups++;
            idle = 0;
        }
    }
    return groups;
}

Test(store, in_the_long_run_a_group_goes_every_3_ms_and_some_ahead) {
    struct line line;
    line_init(&line, &rig, &world, &world.file);
    line_append(&line, "first");
    line_until_durable(&rig, &line);
    uint64_t now_ms = rig_now_ms() + 100;

    cr_assert_eq(groups_at(&line, now_ms), 50, "rested");
    cr_assert_eq(groups_at(&line, now_ms), 0);
    cr_assert_eq(groups_at(&line, now_ms + 2), 0);
    for (unsigned i = 1; i <= 10; i++)
        cr_assert_eq(groups_at(&line, now_ms + 3 * i), 1, "without rest");
    cr_assert_eq(groups_at(&line, now_ms + 100), 50, "rested again, and no more than that");

    line_until_durable(&rig, &line);
    journal_line_finish(&line.journal);
}

/* The story: what the socket does not take stays in libpq's buffer, which never shrinks. Dozens of checkpoints sent in one turn
 * made it megabytes for good; a soak found it. Under a sanitizer, which has an allocator of its own, the figures are 0. */
Test(store, what_waits_for_a_full_socket_waits_outside_of_libpq) {
    enum { STATEMENTS = 48, BYTES = 1 << 20 };
    static uint8_t big[BYTES];
    struct mallinfo2 before = mallinfo2();
    for (unsigned i = 0; i < STATEMENTS; i++) {
        struct arena once;
        arena_init(&once, &mem_default, 2 * BYTES);
        struct params *params = params_new(&once);
        params_add_bytea(params, bytes_of(big, sizeof big));
        cr_assert_eq(store_submit(rig.store, NULL, "size", params, NULL, NULL), STATUS_OK);
        arena_finish(&once);
    }

    rig_until(&rig, queue_is_empty, NULL, 30000, "an empty queue");

    struct mallinfo2 after = mallinfo2();
    size_t kept = after.uordblks + after.hblkhd - (before.uordblks + before.hblkhd);
    cr_assert_lt(kept, 4 * BYTES, "kept %zu KiB", kept >> 10);
}

Test(store, destroying_with_statements_on_the_way_calls_nobody) {
    store_submit(rig.store, NULL, "sleep_long", NULL, note_order, marks['x']);
    store_flush(rig.store, rig_now_ms());
    store_submit(rig.store, NULL, "sleep_long", NULL, note_order, marks['x']);
    rig_turn(&rig);
    store_destroy(rig.store);
    cr_assert_str_eq(order, "");
    rig_init(&rig, &world, NULL);
}

/* ---- journal and load ---- */

Test(store, what_is_durable_is_loaded_in_order) {
    struct line line;
    struct loaded_copy loaded;
    line_init(&line, &rig, &world, &world.file);

    uint64_t first = line_append(&line, "a");
    uint64_t same = line_append(&line, "b");
    cr_assert_eq(first, same);
    cr_assert_gt(journal_line_dirty_bytes(&line.journal), 0);
    line_until_durable(&rig, &line);
    uint64_t second = line_append(&line, "c");
    line_until_durable(&rig, &line);
    rig_load(&rig, &world.file, &loaded);

    cr_assert_gt(second, first);
    cr_assert_eq(store_health(rig.store).dirty_bytes, 0);
    cr_assert_eq(loaded.status, STATUS_OK, "%s", loaded.reason);
    cr_assert_str_eq(loaded.text, "abc");
    cr_assert_eq(loaded.row_count, 2);
    cr_assert_eq(loaded.version, 0);
    cr_assert_str_eq(loaded.root, "text");
    cr_assert_str_eq(loaded.state, "");
    journal_line_finish(&line.journal);
}

Test(store, what_is_appended_during_a_commit_goes_together_in_the_next) {
    struct line lines[3];
    struct uuid files[3] = { world.file, world_file(&world, "b"), world_file(&world, "c") };
    for (unsigned i = 0; i < 3; i++)
        line_init(&lines[i], &rig, &world, &files[i]);

    cr_assert_eq(line_append(&lines[0], "1"), 1);
    store_flush(rig.store, rig_now_ms()); /* group 1 is on the way */
    cr_assert_eq(line_append(&lines[0], "2"), 2);
    cr_assert_eq(line_append(&lines[1], "2"), 2);
    store_flush(rig.store, rig_now_ms());
    cr_assert_eq(line_append(&lines[2], "2"), 2);
    cr_assert_eq(line_append(&lines[0], "2"), 2);
    for (unsigned i = 0; i < 3; i++)
        line_until_durable(&rig, &lines[i]);

    cr_assert_eq(lines[0].durable_calls, 2);
    cr_assert_eq(lines[1].durable_calls, 1);
    cr_assert_eq(store_health(rig.store).group, 2);
    cr_assert_eq(pg_number(world.owner_url, "select count(distinct xmin::text) from crdt_journal"), 2);
    cr_assert_eq(pg_number(world.owner_url, "select count(*) from crdt_journal"), 4);
    for (unsigned i = 0; i < 3; i++)
        journal_line_finish(&lines[i].journal);
}

/* More rows than one statement takes; no file needs to exist for the journal. */
Test(store, a_group_of_thousands_of_documents_commits_in_parts) {
    enum { COUNT = 9000 };
    struct line *many = calloc(COUNT, sizeof *many);
    for (unsigned i = 0; i < COUNT; i++) {
        struct uuid file = { { (uint8_t)(i >> 8), (uint8_t)i } };
        line_init(&many[i], &rig, &world, &file);
        line_append(&many[i], "x");
    }
    store_flush(rig.store, rig_now_ms());
    for (unsigned i = 0; i < COUNT; i++)
        cr_assert_eq(line_append(&many[i], "y"), 2);

    for (unsigned i = 0; i < COUNT; i++)
        line_until_durable(&rig, &many[i]);

    cr_assert_eq(pg_number(world.owner_url, "select count(*) from crdt_journal"), 2 * COUNT);
    cr_assert_eq(pg_number(world.owner_url, "select count(distinct xmin::text) from crdt_journal"), 6);
    for (unsigned i = 0; i < COUNT; i++)
        journal_line_finish(&many[i].journal);
    free(many);
}

/* ---- an allocator whose n-th call fails ---- */

struct failing {
    unsigned left;
    unsigned failures;
};

static void *failing_resize(void *context, void *old, size_t old_bytes, size_t bytes) {
    struct failing *failing = context;
    if (bytes > 0 && failing->left > 0 && --failing->left == 0) {
        failing->failures++;
        return NULL;
    }
    return mem_default.resize(mem_default.context, old, old_bytes, bytes);
}

/* Connecting, a statement, the journal, a load: one failed allocation delays or is answered, and loses nothing. */
Test(store, a_failed_allocation_at_any_place_costs_a_retry_at_most) {
    unsigned n = 1;
    for (bool failed = true; failed; n++) {
        struct failing failing = { .left = n };
        struct mem mem = { failing_resize, &failing };
        struct store_options options = { .url = world.url, .writer = some_uuid, .mem = &mem };
        options.writer.bytes[0] = (uint8_t)n; /* a writer is new each time */
        struct rig here;
        struct line line;
        struct loaded_copy loaded;
        char text[16];
        rig_init_with_mem(&here, &options);
        if (here.store == NULL)
            continue;
        rig_until_state(&here, STORE_READY);
        line_init(&line, &here, &world, &world.file);
        snprintf(text, sizeof text, "<%u>", n);
        struct journal_entry entry = { .update = bytes_text(text) };
        enum status status = journal_append(&line.journal, &entry, NULL);
        if (status == STATUS_NO_MEMORY)
            status = journal_append(&line.journal, &entry, NULL);
        cr_assert_eq(status, STATUS_OK);
        line_until_durable(&here, &line);
        rig_until_state(&here, STORE_READY);
        rig_load(&here, &world.file, &loaded);
        cr_assert(strstr(loaded.text, text) != NULL);
        journal_line_finish(&line.journal);
        rig_finish(&here);
        failed = failing.failures > 0;
    }
    cr_assert_gt(n, 30);
}

static bool nothing_is_dirty(void *context) {
    (void)context;
    return store_health(rig.store).dirty_bytes == 0;
}

Test(store, a_line_finished_early_is_still_written) {
    struct line line;
    line_init(&line, &rig, &world, &world.file);

    line_append(&line, "bye");
    journal_line_finish(&line.journal);
    memset(&line, 0xee, sizeof line);
    rig_until(&rig, nothing_is_dirty, NULL, 30000, "a clean journal");

    cr_assert_eq(pg_number(world.owner_url, "select count(*) from crdt_journal"), 1);
}

Test(store, more_than_the_dirty_bound_is_refused_and_nothing_taken) {
    struct line line;
    static char big[1 << 20];
    memset(big, 'x', sizeof big - 1);
    struct rig small;
    struct store_options options = { .dirty_bytes_max = 3 << 20 };
    rig_init(&small, &world, &options); /* not connected yet: everything stays dirty */
    line_init(&line, &small, &world, &world.file);
    struct journal_entry entry = { .update = bytes_text(big) };

    cr_assert_eq(journal_append(&line.journal, &entry, NULL), STATUS_OK);
    cr_assert_eq(journal_append(&line.journal, &entry, NULL), STATUS_OK);
    uint64_t dirty = store_health(small.store).dirty_bytes;
    cr_assert_eq(journal_append(&line.journal, &entry, NULL), STATUS_OVERLOADED);
    cr_assert_eq(store_health(small.store).dirty_bytes, dirty);
    line_until_durable(&small, &line);

    cr_assert_eq(journal_append(&line.journal, &entry, NULL), STATUS_OK);
    journal_line_finish(&line.journal);
    rig_finish(&small);
}

Test(store, a_file_that_is_not_there_is_not_found) {
    struct loaded_copy loaded;
    rig_load(&rig, &some_uuid, &loaded);
    cr_assert_eq(loaded.status, STATUS_NOT_FOUND);
}
