/* store_faults.c — what PostgreSQL may do to us, each on a cluster of its own: no acknowledged update is missing, none is doubled.
 */
#include "rig.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LINES = 8 };

static struct world world;
static struct rig rig;
static struct line lines[LINES];
static struct uuid files[LINES];
static unsigned appended;

static void set_up_with(const char *settings) {
    world_init(&world, settings);
    rig_init(&rig, &world, NULL);
    rig_until_state(&rig, STORE_READY);
    files[0] = world.file;
    for (unsigned i = 0; i < LINES; i++) {
        char path[16];
        snprintf(path, sizeof path, "f%u", i);
        if (i > 0)
            files[i] = world_file(&world, path);
        line_init(&lines[i], &rig, &world, &files[i]);
    }
}

static void set_up(void) {
    set_up_with("");
}

static void tear_down(void) {
    for (unsigned i = 0; i < LINES; i++)
        journal_line_finish(&lines[i].journal);
    rig_finish(&rig);
    world_finish(&world);
}

TestSuite(fault, .init = set_up, .fini = tear_down);
TestSuite(fault_own);

/* Every update is a number of its own, so that the database can be asked for each. */
static void append_numbered(unsigned line) {
    char text[16];
    snprintf(text, sizeof text, "<%u>", appended++);
    line_append(&lines[line], text);
}

static void until_all_durable(void) {
    for (unsigned i = 0; i < LINES; i++)
        if (journal_line_last(&lines[i].journal) > 0)
            line_until_durable(&rig, &lines[i]);
    cr_assert_eq(store_health(rig.store).dirty_bytes, 0);
}

/* Each number exactly once over all documents, as a load shows them. */
static void check_every_number_once(void) {
    unsigned char *seen = calloc(appended, 1);
    rig_until_state(&rig, STORE_READY);
    unsigned count = 0;
    for (unsigned i = 0; i < LINES; i++) {
        static struct loaded_copy loaded;
        rig_load(&rig, &files[i], &loaded);
        cr_assert_eq(loaded.status, STATUS_OK, "%s", loaded.reason);
        for (char *at = strchr(loaded.text, '<'); at != NULL; at = strchr(at + 1, '<')) {
            unsigned number = (unsigned)strtoul(at + 1, NULL, 10);
            cr_assert_lt(number, appended);
            cr_assert_eq(seen[number], 0, "update %u is there twice", number);
            seen[number] = 1;
            count++;
        }
    }
    cr_assert_eq(count, appended);
    free(seen);
}

static const char terminate_all[] =
    "select count(pg_terminate_backend(pid)) from pg_stat_activity where usename = 'vibesync_server'";

Test(fault, backends_terminated_in_the_middle_of_commits_cost_nothing) {
    unsigned seed = 20240611;
    for (unsigned round = 0; round < 40; round++) {
        for (unsigned i = 0; i < 5; i++) {
            append_numbered((round + i) % LINES);
            store_flush(rig.store, rig_now_ms()); /* on the way, not answered */
        }
        seed = seed * 1103515245 + 12345;
        for (unsigned turns = seed >> 16 & 3; turns > 0; turns--)
            rig_turn(&rig);
        pg_do(world.owner_url, terminate_all);
    }

    until_all_durable();

    check_every_number_once();
}

/* A backend killed with SIGKILL makes PostgreSQL restart them all and recover. */
Test(fault, a_killed_backend_costs_nothing) {
    for (unsigned round = 0; round < 3; round++) {
        append_numbered(round);
        store_flush(rig.store, rig_now_ms());
        char pid[32];
        if (pg_query(world.owner_url, "select pid from pg_stat_activity where usename = 'vibesync_server' limit 1", pid,
                     sizeof pid) &&
            pid[0] != 0)
            kill(atoi(pid), SIGKILL);
        append_numbered(round + 1);
        rig_turns_ms(&rig, 100);
    }

    until_all_durable();

    check_every_number_once();
}

static void away_and_back(enum pg_stop how) {
    append_numbered(0);
    store_flush(rig.store, rig_now_ms());
    pg_cluster_stop(&world.cluster, how);
    rig_until_state(&rig, STORE_AWAY);
    cr_assert_neq(store_health(rig.store).reason[0], 0);
    for (unsigned i = 0; i < 100; i++) {
        append_numbered(i % LINES);
        rig_turn(&rig);
    }
    struct store_load load = { 0 };
    cr_assert_eq(store_load(rig.store, &load, &world.file, NULL, NULL), STATUS_UNAVAILABLE);
    cr_assert_gt(store_health(rig.store).dirty_since_ms, 0);
    unsigned before = lines[1].durable_calls;
    cr_assert_eq(before, 0, "nothing is acknowledged while PostgreSQL is away");

    cr_assert(pg_cluster_resume(&world.cluster));
    until_all_durable();
    rig_until_state(&rig, STORE_READY);

    cr_assert_eq(lines[1].durable_calls, 1, "what waited goes in one group");
    check_every_number_once();
}

Test(fault, an_orderly_stop_and_start_costs_nothing) {
    away_and_back(PG_STOP_FAST);
}

Test(fault, an_immediate_stop_and_start_costs_nothing) {
    away_and_back(PG_STOP_IMMEDIATE);
}

static bool line_is_poisoned(void *context) {
    return ((const struct line *)context)->poisoned_calls > 0;
}

Test(fault, kill_9_of_postgres_costs_nothing) {
    away_and_back(PG_STOP_KILL);
}

Test(fault, one_poisoned_document_holds_up_nobody) {
    char sql[512];
    char text[UUID_TEXT_SIZE + 1];
    uuid_format(&files[5], text);
    snprintf(sql, sizeof sql,
             "create function poison() returns trigger language plpgsql as $$ begin "
             "if new.file_id = '%s' then raise 'poison' using errcode = '22000'; end if; return new; end $$;"
             "create trigger poison before insert on crdt_journal for each row execute function poison()",
             text);
    pg_do(world.owner_url, sql);

    for (unsigned round = 0; round < 3; round++)
        for (unsigned i = 0; i < LINES; i++)
            if (i != 5)
                append_numbered(i);
    line_append(&lines[5], "bad");
    for (unsigned i = 0; i < LINES; i++)
        if (i != 5)
            line_until_durable(&rig, &lines[i]);
    rig_until(&rig, line_is_poisoned, &lines[5], 30000, "the culprit found");

    cr_assert_eq(lines[5].poisoned_calls, 1);
    cr_assert_str_eq(lines[5].sqlstate, "22000");
    cr_assert_eq(lines[5].durable_calls, 0);
    for (unsigned i = 0; i < LINES; i++)
        cr_assert_eq(lines[i].poisoned_calls, i == 5);
    struct journal_entry entry = { .update = bytes_text("more") };
    cr_assert_eq(journal_append(&lines[5].journal, &entry, NULL), STATUS_CLOSED);
    cr_assert_eq(store_health(rig.store).dirty_bytes, 0);
    check_every_number_once();
}

static bool permission_is_missed(void *context) {
    (void)context;
    return strstr(store_health(rig.store).reason, "permission denied") != NULL;
}

/* Such an error says nothing about the rows: nobody may be quarantined for it. */
Test(fault, a_refusal_that_is_nobodys_fault_only_delays) {
    pg_do(world.owner_url, "revoke insert on crdt_journal from vibesync_server");
    append_numbered(0);
    append_numbered(1);
    rig_until(&rig, permission_is_missed, NULL, 30000, "the refusal");
    cr_assert_eq(lines[0].poisoned_calls + lines[0].durable_calls, 0);

    pg_do(world.owner_url, "grant insert on crdt_journal to vibesync_server");
    until_all_durable();

    cr_assert_str_eq(store_health(rig.store).reason, "");
    check_every_number_once();
}

/* The INSERT succeeds and the commit fails: an answer before the commit promises nothing. */
Test(fault, an_error_at_commit_is_not_taken_for_success) {
    pg_do(world.owner_url,
          "create function late() returns trigger language plpgsql as $$ begin raise 'late' using errcode = '40001'; end $$;"
          "create constraint trigger late after insert on crdt_journal deferrable initially deferred "
          "for each row execute function late()");
    append_numbered(0);
    rig_turns_ms(&rig, 500);
    cr_assert_eq(lines[0].durable_calls, 0);
    cr_assert_eq(pg_number(world.owner_url, "select count(*) from crdt_journal"), 0);

    pg_do(world.owner_url, "drop trigger late on crdt_journal");
    until_all_durable();

    check_every_number_once();
}

/* ---- a checkpoint whose connection dies ---- */

struct job {
    struct checkpoint_job job;
    bool done;
    struct checkpoint_outcome outcome;
    unsigned merged_states;
};

static enum status job_merge_state(struct checkpoint_job *job, int format, struct bytes state) {
    (void)format;
    cr_assert(bytes_equal_text(state, "state"));
    ((struct job *)job->context)->merged_states++;
    return STATUS_OK;
}

static enum status job_merge_update(struct checkpoint_job *job, const struct journal_entry *entry) {
    (void)job;
    (void)entry;
    return STATUS_OK;
}

static void job_encode(struct checkpoint_job *job) {
    struct checkpoint_content content = { .format = CRDT_FORMAT_YJS_V1,
                                          .state = bytes_text("state"),
                                          .state_vector = bytes_text("v"),
                                          .has_text = true,
                                          .text = bytes_text("t") };
    checkpoint_encoded(job, &content);
}

static void job_done(struct checkpoint_job *checkpoint, const struct checkpoint_outcome *outcome) {
    struct job *job = checkpoint->context;
    job->done = true;
    job->outcome = *outcome;
}

static const struct checkpoint_handlers job_handlers = { job_merge_state, job_merge_update, job_encode, job_done };

static bool job_is_done(void *context) {
    return ((struct job *)context)->done;
}

Test(fault, a_checkpoint_cut_off_is_repeated_without_harm) {
    struct job job = { .job = { .file_id = world.file, .epoch = 1, .handlers = &job_handlers } };
    job.job.context = &job;
    append_numbered(0);
    until_all_durable();
    pg_do(world.owner_url,
          "create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(1); return new; end $$;"
          "create trigger slow before insert on crdt_checkpoints for each row execute function slow()");

    cr_assert_eq(store_checkpoint(rig.store, &job.job), STATUS_OK);
    rig_turns_ms(&rig, 300); /* in the middle of the write */
    pg_do(world.owner_url, terminate_all);
    rig_until(&rig, job_is_done, &job, 20000, "the job ends");

    cr_assert_eq(job.outcome.status, STATUS_UNAVAILABLE);
    cr_assert_eq(pg_number(world.owner_url, "select count(*) from crdt_checkpoints"), 0);
    cr_assert_eq(pg_number(world.owner_url, "select count(*) from crdt_journal"), 1);
    pg_do(world.owner_url, "drop trigger slow on crdt_checkpoints");
    rig_until_state(&rig, STORE_READY);
    job.done = false;
    cr_assert_eq(store_checkpoint(rig.store, &job.job), STATUS_OK);
    rig_until(&rig, job_is_done, &job, 20000, "the job ends");
    cr_assert_eq(job.outcome.status, STATUS_OK, "%s", job.outcome.reason);

    /* committed, but the answer was lost: the next job meets its own checkpoint as a stranger's */
    job.job.version = 0;
    job.done = false;
    cr_assert_eq(store_checkpoint(rig.store, &job.job), STATUS_OK);
    rig_until(&rig, job_is_done, &job, 20000, "the job ends");
    cr_assert_eq(job.outcome.status, STATUS_OK);
    cr_assert_eq(job.merged_states, 1);
    cr_assert_eq(job.outcome.version, 2);
    cr_assert_eq(pg_number(world.owner_url, "select count(*) from file_versions"), 1);
}

/* ---- refusing to promise ---- */

static void check_refused(const char *reason) {
    struct rig refused;
    rig_init(&refused, &world, NULL);
    rig_until_state(&refused, STORE_REFUSED);
    cr_assert(strstr(store_health(refused.store).reason, reason) != NULL, "%s", store_health(refused.store).reason);
    cr_assert_eq(store_load(refused.store, &(struct store_load){ 0 }, &world.file, NULL, NULL), STATUS_UNAVAILABLE);
    rig_finish(&refused);
}

Test(fault, commits_that_are_not_durable_for_the_role_are_refused) {
    pg_do(world.owner_url, "alter role vibesync_server set synchronous_commit = off");
    check_refused("synchronous_commit = off");
    pg_do(world.owner_url, "alter role vibesync_server reset synchronous_commit");
    pg_do(world.owner_url,
          "do $$ begin execute format('alter database %I set synchronous_commit = off', current_database()); end $$");
    check_refused("synchronous_commit = off");
}

Test(fault_own, a_cluster_without_fsync_is_refused_unless_allowed) {
    struct rig allowed;
    struct store_options options = { .allow_volatile = true };
    world_init(&world, "-c fsync=off");

    check_refused("fsync = off");
    rig_init(&allowed, &world, &options);
    rig_until_state(&allowed, STORE_READY);

    rig_finish(&allowed);
    world_finish(&world);
}

static const char wrong_text[] = "-- name: right\nselect 1;\n-- name: wrong_one\nselect no_column from users;\n";
static const struct embedded_file wrong_files[] = { { "wrong.sql", (const unsigned char *)wrong_text, sizeof wrong_text - 1 },
                                                    { 0 } };
static const struct embedded_file *const wrong[] = { wrong_files, NULL };

Test(fault, a_statement_that_does_not_fit_the_schema_is_named_at_the_start) {
    struct rig refused;
    struct store_options options = { .catalogs = wrong };
    rig_init(&refused, &world, &options);

    rig_until_state(&refused, STORE_REFUSED);

    cr_assert(strstr(store_health(refused.store).reason, "statement wrong_one") != NULL, "%s", store_health(refused.store).reason);
    rig_finish(&refused);
}

static int free_port(void) {
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert(fd >= 0 && bind(fd, (struct sockaddr *)&address, size) == 0 &&
              getsockname(fd, (struct sockaddr *)&address, &size) == 0);
    close(fd);
    return ntohs(address.sin_port);
}

Test(fault_own, host_names_are_resolved_without_waiting) {
    char settings[64];
    int port = free_port();
    snprintf(settings, sizeof settings, "-c listen_addresses=127.0.0.1 -c port=%d", port);
    world_init(&world, settings);
    char database[64];
    char url[PG_URL_MAX];
    pg_query(world.owner_url, "select current_database()", database, sizeof database);
    snprintf(url, sizeof url, "postgresql://vibesync_server@localhost:%d/%s?sslmode=prefer", port, database);
    struct rig by_name;
    struct store_options options = { .url = url };

    rig_init(&by_name, &world, &options);
    rig_until_state(&by_name, STORE_READY);
    rig_finish(&by_name);

    options.url = "host=no-such-host.invalid dbname=x";
    rig_init(&by_name, &world, &options);
    rig_until_state(&by_name, STORE_AWAY);
    cr_assert(strstr(store_health(by_name.store).reason, "no-such-host.invalid") != NULL, "%s", store_health(by_name.store).reason);
    rig_finish(&by_name);
    world_finish(&world);
}
