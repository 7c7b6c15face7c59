/* migrate.c — numbered migrations, once each, in order, under an advisory lock. Blocking.
 *
 *   connect ─▶ lock ─▶ schema_migrations ─▶ compare checksums ─▶ apply what is missing ─▶ role and grants ─▶ partitions ahead
 *
 * A migration and its row in schema_migrations commit together. Closing the connection gives the lock back, also after a crash. */
#include "store/migrate.h"

#include "digest.h"
#include "row_inside.h"

#include <assert.h>
#include <libpq-fe.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

extern const struct embedded_file store_migrations[];
extern const struct embedded_file store_sql_grants[];

enum { MIGRATION_NAME_MAX = 100, MIGRATIONS_MAX = 9999, PARTITION_MONTHS_AHEAD = 12 };

/* The lock's number: arbitrary, ours, and never changed. */
#define MIGRATE_LOCK "7305041836461389640"

struct migration {
    unsigned version;
    char name[MIGRATION_NAME_MAX + 1];
    char checksum[DIGEST_HEX_SIZE + 1];
    const char *sql;
};

struct migrate {
    const struct migrate_options *options;
    struct migrate_report *report;
    PGconn *pg;
};

static enum status migrate_fail(struct migrate *migrate, enum status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static enum status migrate_fail(struct migrate *migrate, enum status status, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(migrate->report->message, sizeof migrate->report->message, format, args);
    va_end(args);
    for (char *at = migrate->report->message; *at != 0; at++)
        if (*at == '\n')
            *at = ' ';
    return status;
}

static void migrate_say(const struct migrate *migrate, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void migrate_say(const struct migrate *migrate, const char *format, ...) {
    char line[256];
    if (migrate->options->say == NULL)
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    migrate->options->say(migrate->options->context, line);
}

/* ---- the program's migrations ---- */

/* "migrations/0001_name.sql" */
static bool migration_read(const struct embedded_file *file, struct migration *out) {
    const char *base = strrchr(file->path, '/');
    base = base == NULL ? file->path : base + 1;
    size_t size = strlen(base);
    if (size < 10 || size > MIGRATION_NAME_MAX || base[4] != '_' || strcmp(base + size - 4, ".sql") != 0)
        return false;
    out->version = 0;
    for (unsigned i = 0; i < 4; i++) {
        if (base[i] < '0' || base[i] > '9')
            return false;
        out->version = out->version * 10 + (unsigned)(base[i] - '0');
    }
    snprintf(out->name, sizeof out->name, "%.*s", (int)(size - 9), base + 5);
    digest_hex(bytes_of(file->data, file->size), out->checksum);
    out->sql = (const char *)file->data; /* embedded files end with a NUL */
    return true;
}

static const struct embedded_file *migrate_files(const struct migrate_options *options) {
    return options != NULL && options->migrations != NULL ? options->migrations : store_migrations;
}

unsigned migrate_version(void) {
    unsigned count = 0;
    while (store_migrations[count].path != NULL)
        count++;
    return count;
}

/* Numbers must run 1, 2, 3 …: a gap or a repeat is a mistake made in a merge. */
static enum status migrate_check_files(struct migrate *migrate) {
    const struct embedded_file *files = migrate_files(migrate->options);
    struct migration migration;
    for (unsigned i = 0; files[i].path != NULL; i++) {
        if (!migration_read(&files[i], &migration))
            return migrate_fail(migrate, STATUS_MALFORMED, "%s is not named NNNN_name.sql", files[i].path);
        if (migration.version != i + 1)
            return migrate_fail(migrate, STATUS_MALFORMED, "%s should have number %04u", files[i].path, i + 1);
    }
    return STATUS_OK;
}

/* ---- statements ---- */

static enum status migrate_result(struct migrate *migrate, PGresult *result, const char *doing, PGresult **out) {
    ExecStatusType type = PQresultStatus(result);
    if (type == PGRES_TUPLES_OK || type == PGRES_COMMAND_OK) {
        if (out != NULL)
            *out = result;
        else
            PQclear(result);
        return STATUS_OK;
    }
    struct reply reply = reply_of(result);
    enum status status = reply.status == STATUS_DENIED || reply.status == STATUS_UNAVAILABLE ? reply.status : STATUS_IO;
    if (PQstatus(migrate->pg) == CONNECTION_BAD)
        status = STATUS_UNAVAILABLE;
    const char *position = PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION);
    migrate_fail(migrate, status, "%s: %s%s%s", doing, result == NULL ? PQerrorMessage(migrate->pg) : reply.error,
                 position == NULL ? "" : ", at character ", position == NULL ? "" : position);
    PQclear(result);
    return status;
}

static enum status migrate_exec(struct migrate *migrate, const char *sql, const char *doing, PGresult **out) {
    return migrate_result(migrate, PQexec(migrate->pg, sql), doing, out);
}

/* ---- connecting ---- */

static void migrate_on_notice(void *context, const PGresult *notice) {
    (void)context;
    (void)notice;
}

static enum status migrate_connect(struct migrate *migrate) {
    migrate->pg = PQconnectdb(migrate->options->url);
    if (PQstatus(migrate->pg) != CONNECTION_OK)
        return migrate_fail(migrate, STATUS_UNAVAILABLE, "cannot connect: %s", PQerrorMessage(migrate->pg));
    PQsetNoticeReceiver(migrate->pg, migrate_on_notice, NULL);
    if (PQserverVersion(migrate->pg) < 150000)
        return migrate_fail(migrate, STATUS_CONFLICT, "PostgreSQL 15 or newer is needed");
    const char *encoding = PQparameterStatus(migrate->pg, "server_encoding");
    if (encoding == NULL || strcmp(encoding, "UTF8") != 0)
        return migrate_fail(migrate, STATUS_CONFLICT, "the database's encoding must be UTF8, it is %s",
                            encoding == NULL ? "unknown" : encoding);
    return migrate_exec(migrate, "select pg_advisory_lock(" MIGRATE_LOCK ")", "waiting for other migrations", NULL);
}

/* ---- applying ---- */

static enum status migrate_apply(struct migrate *migrate, const struct migration *migration) {
    char doing[MIGRATION_NAME_MAX + 40];
    char version[16];
    snprintf(doing, sizeof doing, "migration %04u_%s", migration->version, migration->name);
    snprintf(version, sizeof version, "%u", migration->version);
    const char *values[] = { version, migration->name, migration->checksum };
    enum status status = migrate_exec(migrate, "begin", doing, NULL);
    if (status == STATUS_OK)
        status = migrate_exec(migrate, migration->sql, doing, NULL);
    if (status == STATUS_OK)
        status = migrate_result(migrate,
                                PQexecParams(migrate->pg,
                                             "insert into schema_migrations (version, name, checksum) values ($1::integer, $2, $3)",
                                             3, NULL, values, NULL, NULL, 0),
                                doing, NULL);
    if (status == STATUS_OK)
        return migrate_exec(migrate, "commit", doing, NULL);
    PQclear(PQexec(migrate->pg, "rollback"));
    return status == STATUS_IO ? STATUS_MALFORMED : status;
}

static enum status migrate_compare(struct migrate *migrate, const PGresult *applied, unsigned known) {
    unsigned count = (unsigned)PQntuples(applied);
    const struct embedded_file *files = migrate_files(migrate->options);
    for (unsigned i = 0; i < count; i++) {
        unsigned version = (unsigned)strtoul(PQgetvalue(applied, (int)i, 0), NULL, 10);
        struct migration migration;
        if (version != i + 1)
            return migrate_fail(migrate, STATUS_CONFLICT, "the database lacks migration %04u but has %04u", i + 1, version);
        if (version > known)
            return migrate_fail(migrate, STATUS_CONFLICT,
                                "the database is newer than this program: it has migration %04u_%s, the program ends at %04u",
                                version, PQgetvalue(applied, (int)i, 1), known);
        migration_read(&files[i], &migration);
        if (strcmp(PQgetvalue(applied, (int)i, 2), migration.checksum) != 0)
            return migrate_fail(
                migrate, STATUS_CONFLICT,
                "migration %04u_%s was applied with checksum %.8s…, the program's has %.8s…: applied migrations never "
                "change, write a new one",
                version, migration.name, PQgetvalue(applied, (int)i, 2), migration.checksum);
    }
    return STATUS_OK;
}

static enum status migrate_all(struct migrate *migrate) {
    const struct embedded_file *files = migrate_files(migrate->options);
    unsigned known = 0;
    while (files[known].path != NULL)
        known++;
    enum status status =
        migrate_exec(migrate,
                     "create table if not exists schema_migrations (version integer primary key, name text not null, "
                     "checksum text not null, applied_at timestamptz not null default now())",
                     "schema_migrations", NULL);
    PGresult *applied = NULL;
    if (status == STATUS_OK)
        status = migrate_exec(migrate, "select version, name, checksum from schema_migrations order by version",
                              "schema_migrations", &applied);
    if (status != STATUS_OK)
        return status;
    unsigned count = (unsigned)PQntuples(applied);
    migrate->report->version = count;
    status = migrate_compare(migrate, applied, known);
    PQclear(applied);
    for (unsigned i = count; i < known && status == STATUS_OK; i++) {
        struct migration migration;
        migration_read(&files[i], &migration);
        migrate_say(migrate, "%04u %s", migration.version, migration.name);
        status = migrate_apply(migrate, &migration);
        if (status == STATUS_OK) {
            migrate->report->applied++;
            migrate->report->version = migration.version;
        }
    }
    return status;
}

/* ---- the server's role ---- */

static enum status migrate_make_role(struct migrate *migrate, const char *quoted) {
    const char *role = migrate->options->server_role;
    PGresult *found = NULL;
    enum status status =
        migrate_result(migrate,
                       PQexecParams(migrate->pg, "select rolsuper, rolname = current_user from pg_roles where rolname = $1", 1,
                                    NULL, &role, NULL, NULL, 0),
                       "reading roles", &found);
    if (status != STATUS_OK)
        return status;
    bool exists = PQntuples(found) == 1;
    bool super = exists && PQgetvalue(found, 0, 0)[0] == 't';
    bool owner = exists && PQgetvalue(found, 0, 1)[0] == 't';
    PQclear(found);
    if (super || owner)
        return migrate_fail(migrate, STATUS_CONFLICT, "role %s cannot be the server's: it %s", role,
                            super ? "is a superuser" : "owns the schema");
    if (exists)
        return STATUS_OK;
    const char *password = migrate->options->server_password;
    char *literal = password == NULL || password[0] == 0 ? NULL : PQescapeLiteral(migrate->pg, password, strlen(password));
    char sql[1024];
    int size = snprintf(sql, sizeof sql, "create role %s login nosuperuser nocreatedb nocreaterole noreplication%s%s", quoted,
                        literal == NULL ? "" : " password ", literal == NULL ? "" : literal);
    PQfreemem(literal);
    if (size < 0 || (size_t)size >= sizeof sql)
        return migrate_fail(migrate, STATUS_MALFORMED, "the role's name or password is too long");
    PGresult *made = PQexec(migrate->pg, sql);
    const char *sqlstate = PQresultErrorField(made, PG_DIAG_SQLSTATE);
    /* roles belong to the whole cluster: another database's migration may have been faster */
    if (sqlstate != NULL && (strcmp(sqlstate, "42710") == 0 || strcmp(sqlstate, "23505") == 0)) {
        PQclear(made);
        return STATUS_OK;
    }
    migrate_say(migrate, "role %s", role);
    return migrate_result(migrate, made, "making the server's role", NULL);
}

/* The grants with :role and :schema put in. */
static void migrate_write_grants(struct bytes_writer *out, const char *role, const char *schema) {
    const char *at = (const char *)store_sql_grants[0].data;
    while (*at != 0) {
        if (strncmp(at, ":role", 5) == 0) {
            bytes_write(out, bytes_text(role));
            at += 5;
        } else if (strncmp(at, ":schema", 7) == 0) {
            bytes_write(out, bytes_text(schema));
            at += 7;
        } else {
            bytes_write_u8(out, (uint8_t)*at++);
        }
    }
    bytes_write_u8(out, 0);
}

static enum status migrate_grant(struct migrate *migrate) {
    const char *role = migrate->options->server_role;
    char *quoted = PQescapeIdentifier(migrate->pg, role, strlen(role));
    PGresult *schema = NULL;
    struct bytes_writer sql;
    bytes_writer_init(&sql, &mem_default, 1 << 16);
    enum status status = quoted == NULL ? migrate_fail(migrate, STATUS_MALFORMED, "the role's name cannot be quoted") : STATUS_OK;
    if (status == STATUS_OK)
        status = migrate_make_role(migrate, quoted);
    if (status == STATUS_OK)
        status = migrate_exec(migrate, "select quote_ident(current_schema())", "reading the schema's name", &schema);
    if (status == STATUS_OK) {
        assert(quoted != NULL);
        migrate_write_grants(&sql, quoted, PQgetvalue(schema, 0, 0));
        status = sql.status;
    }
    if (status == STATUS_OK)
        status = migrate_exec(migrate, (const char *)sql.data, "granting the server's rights", NULL);
    bytes_writer_finish(&sql);
    PQclear(schema);
    PQfreemem(quoted);
    return status;
}

static enum status migrate_partitions(struct migrate *migrate) {
    char sql[80];
    snprintf(sql, sizeof sql, "select log_partitions_ahead(%d)", PARTITION_MONTHS_AHEAD);
    return migrate_exec(migrate, sql, "making partitions ahead", NULL);
}

enum status migrate_run(const struct migrate_options *options, struct migrate_report *out) {
    *out = (struct migrate_report){ 0 };
    struct migrate migrate = { .options = options, .report = out };
    enum status status = migrate_check_files(&migrate);
    if (status == STATUS_OK)
        status = migrate_connect(&migrate);
    if (status == STATUS_OK)
        status = migrate_all(&migrate);
    if (status == STATUS_OK && migrate_files(options) == store_migrations)
        status = migrate_partitions(&migrate);
    if (status == STATUS_OK && options->server_role != NULL)
        status = migrate_grant(&migrate);
    PQfinish(migrate.pg);
    return status;
}
