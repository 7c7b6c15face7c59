/* migrations.c — migrations on real databases: twice, at once, changed, broken, newer; and what the server's role may do. */
#include "pg_cluster.h"
#include "store/migrate.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct pg_cluster cluster;
static char url[PG_URL_MAX];
static struct migrate_report report;

static void set_up(void) {
    cr_assert(pg_cluster_open(&cluster) && pg_cluster_database(&cluster, url));
}

static void tear_down(void) {
    pg_cluster_close(&cluster);
}

TestSuite(migrate, .init = set_up, .fini = tear_down);

static enum status migrate_with(const struct embedded_file *files, const char *role) {
    struct migrate_options options = { .url = url, .migrations = files, .server_role = role };
    return migrate_run(&options, &report);
}

static struct embedded_file file_of(const char *path, const char *sql) {
    return (struct embedded_file){ path, (const unsigned char *)sql, strlen(sql) };
}

Test(migrate, the_second_run_finds_nothing_to_do) {
    cr_assert_eq(migrate_with(NULL, NULL), STATUS_OK, "%s", report.message);
    cr_assert_eq(report.applied, migrate_version());
    cr_assert_eq(report.version, migrate_version());
    char before[64];
    pg_query(url, "select sum(hashtext(relname || relfilenode)) from pg_class", before, sizeof before);

    cr_assert_eq(migrate_with(NULL, NULL), STATUS_OK, "%s", report.message);

    char after[64];
    pg_query(url, "select sum(hashtext(relname || relfilenode)) from pg_class", after, sizeof after);
    cr_assert_eq(report.applied, 0);
    cr_assert_str_eq(before, after);
}

Test(migrate, runs_at_the_same_time_wait_for_each_other) {
    pid_t children[4];
    for (int i = 0; i < 4; i++) {
        children[i] = fork();
        if (children[i] == 0)
            _exit(migrate_with(NULL, "vibesync_server") == STATUS_OK ? (int)report.applied : 99);
    }
    unsigned applied = 0;
    for (int i = 0; i < 4; i++) {
        int status;
        waitpid(children[i], &status, 0);
        cr_assert(WIFEXITED(status));
        cr_assert_neq(WEXITSTATUS(status), 99);
        applied += (unsigned)WEXITSTATUS(status);
    }
    cr_assert_eq(applied, migrate_version());
    cr_assert_eq(pg_number(url, "select count(*) from schema_migrations"), migrate_version());
}

Test(migrate, a_changed_migration_is_refused) {
    struct embedded_file files[] = { file_of("0001_one.sql", "create table one (a int)"), { 0 } };
    struct embedded_file changed[] = { file_of("0001_one.sql", "create table one (a bigint)"), { 0 } };
    cr_assert_eq(migrate_with(files, NULL), STATUS_OK, "%s", report.message);

    cr_assert_eq(migrate_with(changed, NULL), STATUS_CONFLICT);

    cr_assert(strstr(report.message, "0001_one") != NULL && strstr(report.message, "checksum") != NULL, "%s", report.message);
}

Test(migrate, a_newer_database_is_left_alone) {
    struct embedded_file two[] = { file_of("0001_one.sql", "create table one (a int)"),
                                   file_of("0002_two.sql", "create table two (a int)"),
                                   { 0 } };
    struct embedded_file one[] = { two[0], { 0 } };
    cr_assert_eq(migrate_with(two, NULL), STATUS_OK, "%s", report.message);

    cr_assert_eq(migrate_with(one, NULL), STATUS_CONFLICT);

    cr_assert(strstr(report.message, "newer") != NULL && strstr(report.message, "0002_two") != NULL, "%s", report.message);
    cr_assert_eq(pg_number(url, "select count(*) from two"), 0);
}

Test(migrate, a_broken_migration_leaves_nothing_of_itself) {
    struct embedded_file files[] = { file_of("0001_one.sql", "create table one (a int)"),
                                     file_of("0002_two.sql", "create table two (a int); create table broken (a nonsense);"),
                                     { 0 } };

    cr_assert_eq(migrate_with(files, NULL), STATUS_MALFORMED);

    cr_assert(strstr(report.message, "0002_two") != NULL && strstr(report.message, "nonsense") != NULL, "%s", report.message);
    cr_assert_eq(report.applied, 1);
    cr_assert_eq(pg_number(url, "select count(*) from schema_migrations"), 1);
    cr_assert_eq(pg_number(url, "select count(*) from pg_class where relname = 'two'"), 0);
}

Test(migrate, a_gap_in_the_numbers_or_a_bad_name_is_refused_before_anything_happens) {
    struct embedded_file gap[] = { file_of("0001_one.sql", "select 1"), file_of("0003_three.sql", "select 1"), { 0 } };
    struct embedded_file name[] = { file_of("one.sql", "select 1"), { 0 } };

    cr_assert_eq(migrate_with(gap, NULL), STATUS_MALFORMED);
    cr_assert(strstr(report.message, "0003_three") != NULL);
    cr_assert_eq(migrate_with(name, NULL), STATUS_MALFORMED);
    cr_assert_eq(pg_number(url, "select count(*) from pg_class where relname = 'schema_migrations'"), 0);
}

Test(migrate, an_unreachable_database_is_said_so) {
    struct migrate_options options = { .url = "host=/nowhere dbname=x" };
    cr_assert_eq(migrate_run(&options, &report), STATUS_UNAVAILABLE);
    cr_assert_neq(report.message[0], 0);
}

Test(migrate, a_superuser_cannot_be_the_servers_role) {
    cr_assert_eq(migrate_with(NULL, "postgres"), STATUS_CONFLICT);
    cr_assert(strstr(report.message, "superuser") != NULL, "%s", report.message);
}

Test(migrate, the_servers_role_is_made_with_the_password_that_is_given) {
    struct migrate_options with = { .url = url, .server_role = "migrate_with_word", .server_password = "it's a word" };
    struct migrate_options without = { .url = url, .server_role = "migrate_without", .server_password = "" };
    cr_assert_eq(migrate_run(&with, &report), STATUS_OK, "%s", report.message);
    cr_assert_eq(migrate_run(&without, &report), STATUS_OK, "%s", report.message);

    cr_assert_eq(pg_number(url, "select count(*) from pg_authid where rolname = 'migrate_with_word' and rolpassword like 'SCRAM%'"),
                 1);
    cr_assert_eq(pg_number(url, "select count(*) from pg_authid where rolname = 'migrate_without' and rolpassword is null"), 1);
}

/* ---- what the server's role may do ---- */

static void check_denied(const char *role_url, const char *sql) {
    char text[256];
    cr_assert_not(pg_query(role_url, sql, text, sizeof text), "allowed: %s", sql);
    cr_assert(strstr(text, "permission denied") != NULL || strstr(text, "must be owner") != NULL, "%s: %s", sql, text);
}

Test(migrate, the_servers_role_writes_rows_and_owns_nothing) {
    char role_url[PG_URL_MAX];
    cr_assert_eq(migrate_with(NULL, "vibesync_server"), STATUS_OK, "%s", report.message);
    pg_url_for_role(url, "vibesync_server", role_url);

    pg_do(role_url, "insert into users (username) values ('ann')");
    pg_do(role_url, "insert into audit_logs (action) values ('test')");
    pg_do(role_url, "insert into activity_feed (session_id, activity_type) select id, 'x' from coding_sessions");
    cr_assert_eq(pg_number(role_url, "select count(*) from audit_logs"), 1);
    cr_assert_eq(pg_number(role_url, "select log_partitions_ahead(13)"), 4);

    check_denied(role_url, "update audit_logs set action = 'other'");
    check_denied(role_url, "delete from audit_logs");
    check_denied(role_url, "truncate audit_logs");
    check_denied(role_url, "delete from audit_logs_default");
    check_denied(role_url, "delete from schema_migrations");
    check_denied(role_url, "alter table users add column x int");
    check_denied(role_url, "drop table users");
    check_denied(role_url, "create table mine (a int)");
    cr_assert_eq(pg_number(url, "select count(*) from pg_class where relowner = 'vibesync_server'::regrole"), 0);
}

Test(migrate, a_year_of_partitions_stands_ready_and_rows_find_theirs) {
    cr_assert_eq(migrate_with(NULL, NULL), STATUS_OK, "%s", report.message);

    pg_do(url, "insert into audit_logs (action, created_at) values ('a', now()), ('b', now() + interval '11 months'), "
               "('old', '2001-01-01'), ('far', now() + interval '3 years')");

    cr_assert_eq(pg_number(url, "select count(*) from audit_logs_default"), 2);
    cr_assert_eq(pg_number(url, "select count(distinct tableoid) from audit_logs"), 3);
    cr_assert_eq(pg_number(url, "select log_partitions_ahead(12)"), 0);
}
