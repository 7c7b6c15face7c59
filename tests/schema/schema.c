/* schema.c — the migrated database against the seed's DDL, as both stand in PostgreSQL's own catalog.
 *
 * The seed's DDL is executed in a schema `seed` beside the migrated `public`: what counts as a table, a column and a type is then
 * PostgreSQL's word, not a parser's of ours. */
#include "pg_cluster.h"
#include "store/migrate.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEED_BYTES_MAX = 1 << 18 };

static struct pg_cluster cluster;
static char url[PG_URL_MAX];

/* The seed's DDL between "create schema" and the end, to be freed. */
static char *seed_ddl(void) {
    static const char prologue[] = "create schema seed; set search_path to seed;\n";
    FILE *file = fopen(SEED_FILE, "r");
    cr_assert(file != NULL, "%s is missing", SEED_FILE);
    char *ddl = calloc(1, SEED_BYTES_MAX);
    memcpy(ddl, prologue, sizeof prologue);
    size_t size = fread(ddl + sizeof prologue - 1, 1, SEED_BYTES_MAX - sizeof prologue, file);
    cr_assert(size > 1000 && feof(file));
    fclose(file);
    return ddl;
}

static bool migrate_and_seed(const char *to_url) {
    struct migrate_options options = { .url = to_url };
    struct migrate_report report;
    cr_assert_eq(migrate_run(&options, &report), STATUS_OK, "%s", report.message);
    char *ddl = seed_ddl();
    pg_do(to_url, ddl);
    free(ddl);
    return true;
}

static void set_up(void) {
    cr_assert(pg_cluster_open(&cluster) && pg_cluster_database_like(&cluster, "migrated_and_seeded", migrate_and_seed, url));
}

static void tear_down(void) {
    pg_cluster_close(&cluster);
}

TestSuite(schema, .init = set_up, .fini = tear_down);

static void check_none(const char *what, const char *sql) {
    char text[4096];
    char listed[5000];
    snprintf(listed, sizeof listed, "select coalesce(string_agg(x, ', ' order by x), '') from (%s) as t (x)", sql);
    cr_assert(pg_query(url, listed, text, sizeof text), "%s", text);
    cr_assert_str_eq(text, "", "%s: %s", what, text);
}

Test(schema, every_table_of_the_seed_is_there) {
    cr_assert_eq(pg_number(url, "select count(*) from information_schema.tables where table_schema = 'seed'"), 16);
    check_none("missing tables", "select table_name from information_schema.tables where table_schema = 'seed' except "
                                 "select table_name from information_schema.tables where table_schema = 'public'");
}

Test(schema, every_column_of_the_seed_is_there) {
    cr_assert_eq(pg_number(url, "select count(*) from information_schema.columns where table_schema = 'seed'"), 148);
    check_none("missing columns",
               "select table_name || '.' || column_name from information_schema.columns where table_schema = 'seed' except "
               "select table_name || '.' || column_name from information_schema.columns where table_schema = 'public'");
}

Test(schema, the_tables_that_the_seed_forgot_are_there) {
    check_none("missing tables",
               "select unnest(array['crdt_checkpoints', 'crdt_journal', 'crdt_history', 'crdt_clients', 'user_credentials', "
               "'access_tokens', 'session_invites', 'join_tickets', 'file_permissions', 'participant_visits']) except "
               "select table_name from information_schema.tables where table_schema = 'public'");
    cr_assert_eq(pg_number(url, "select count(*) from pg_partitioned_table join pg_class on oid = partrelid where relname in "
                                "('activity_feed', 'performance_metrics', 'security_events', 'audit_logs')"),
                 4);
}

Test(schema, every_column_has_a_type_of_the_seeds_family) {
    check_none("other families",
               "select s.table_name || '.' || s.column_name || ' ' || s.data_type || ' became ' || p.data_type "
               "from information_schema.columns s join information_schema.columns p using (table_name, column_name) "
               "where s.table_schema = 'seed' and p.table_schema = 'public' and p.data_type <> s.data_type "
               "and not (s.data_type = 'timestamp without time zone' and p.data_type = 'timestamp with time zone') "
               "and not (s.data_type = 'character varying' and p.data_type = 'text')");
}

Test(schema, no_length_shrank) {
    check_none("shrunk", "select s.table_name || '.' || s.column_name from information_schema.columns s "
                         "join information_schema.columns p using (table_name, column_name) where s.table_schema = 'seed' and "
                         "p.table_schema = 'public' and p.character_maximum_length < s.character_maximum_length");
}

Test(schema, no_time_is_without_a_zone) {
    check_none("without zone",
               "select table_name || '.' || column_name from information_schema.columns where table_schema = 'public' and "
               "data_type = 'timestamp without time zone'");
}

Test(schema, every_created_at_is_not_null) {
    check_none("nullable",
               "select table_name || '.' || column_name from information_schema.columns where table_schema = 'public' and "
               "column_name in ('created_at', 'recorded_at', 'updated_at') and is_nullable = 'YES'");
}

/* Deleting what is pointed at walks the pointing side. Where the row that goes is rare (a user), the column may be left without an
 * index only if it is in this list. */
Test(schema, every_foreign_key_has_an_index_on_its_side) {
    check_none(
        "no index",
        "select conrelid::regclass || ' (' || (select string_agg(attname, ',') from pg_attribute where attrelid = conrelid and "
        "attnum = any (conkey)) || ')' from pg_constraint c where contype = 'f' and connamespace = 'public'::regnamespace and "
        "conparentid = 0 and not exists (select from pg_index i where indrelid = conrelid and "
        "(indkey::smallint[])[0] = any (conkey)) "
        "and (conrelid::regclass || '.' || (select attname from pg_attribute where attrelid = conrelid and attnum = conkey[1])) "
        "not in ('files.created_by', 'session_invites.created_by', 'file_permissions.created_by')");
}

Test(schema, every_foreign_key_says_what_happens_on_delete) {
    check_none("no action",
               "select conrelid::regclass || '.' || conname from pg_constraint where contype = 'f' and confdeltype = 'a' and "
               "connamespace = 'public'::regnamespace");
}

Test(schema, the_classic_mistakes_are_refused) {
    char text[512];
    pg_do(url,
          "insert into users (username) values ('ann'); insert into coding_sessions (name, owner_id) select 's', id from users;"
          "insert into files (session_id, filename, file_path) select id, 'a.py', 'src/a.py' from coding_sessions");
    static const char *const mistakes[][2] = {
        { "insert into code_executions (session_id, code_snippet, language, status) select id, 'x', 'py', 'compleetd' from "
          "coding_sessions",
          "code_executions_status_check" },
        { "insert into files (session_id, filename, file_path) select id, 'a.py', 'src/a.py' from coding_sessions",
          "files_live_path" },
        { "insert into files (session_id, filename, file_path) select id, 'a.py', '../a.py' from coding_sessions",
          "files_path_is_clean" },
        { "insert into files (session_id, filename, file_path) select id, 'a.py', '/a.py' from coding_sessions",
          "files_path_is_clean" },
        { "insert into files (session_id, filename, file_path) select id, 'a.py', 'a//b' from coding_sessions",
          "files_path_is_clean" },
        { "insert into files (session_id, filename, file_path) select id, 'a.py', 'a/./b' from coding_sessions",
          "files_path_is_clean" },
        { "insert into file_versions (file_id, session_id, version_number, content) select id, session_id, 1, 'x' from files "
          "cross join generate_series(1, 2)",
          "file_versions_number_key" },
        { "insert into file_versions (file_id, session_id, version_number) select id, session_id, 2 from files",
          "file_versions_has_content" },
        { "delete from users", "coding_sessions_owner_id_fkey" },
        { "insert into session_participants (session_id, user_id, role) select s.id, u.id, 'king' from coding_sessions s, users u",
          "session_participants_role_check" },
    };
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        cr_assert_not(pg_query(url, mistakes[i][0], text, sizeof text), "accepted: %s", mistakes[i][0]);
        cr_assert(strstr(text, mistakes[i][1]) != NULL, "%s: %s", mistakes[i][0], text);
    }
    pg_do(url, "insert into files (session_id, filename, file_path) select id, '..a', '..a/.b./c...' from coding_sessions");
}

Test(schema, deleting_a_session_takes_everything_of_it_along) {
    pg_do(url,
          "insert into users (username) values ('ann'); insert into coding_sessions (name, owner_id) select 's', id from users;"
          "insert into files (session_id, filename, file_path) select id, 'a', 'a' from coding_sessions;"
          "insert into file_versions (file_id, session_id, version_number, content) select id, session_id, 1, 'x' from files;"
          "insert into session_participants (session_id, user_id) select s.id, u.id from coding_sessions s, users u;"
          "insert into participant_visits (session_id, user_id) select session_id, user_id from session_participants;"
          "insert into chat_messages (session_id, content, seq) select id, 'hi', 1 from coding_sessions;"
          "insert into activity_feed (session_id, activity_type) select id, 'x' from coding_sessions;"
          "insert into audit_logs (session_id, action) select id, 'x' from coding_sessions");

    pg_do(url, "delete from coding_sessions");

    cr_assert_eq(pg_number(url, "select (select count(*) from files) + (select count(*) from file_versions) + "
                                "(select count(*) from participant_visits) + (select count(*) from chat_messages) + "
                                "(select count(*) from activity_feed)"),
                 0);
    cr_assert_eq(pg_number(url, "select count(*) from audit_logs"), 1);
    pg_do(url, "delete from users");
}
