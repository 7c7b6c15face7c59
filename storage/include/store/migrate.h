/* migrate.h — brings a database to the schema of this program. Blocking: for `vibesyncd migrate` and tests, never inside a loop.
 *
 * Migrations are numbered files (NNNN_name.sql) inside the program. Each runs once, in order, in a transaction of its own together
 * with its row in schema_migrations (version, name, checksum XXH3-128, applied_at). An advisory lock makes concurrent runs wait for
 * each other. A migration once applied never changes: a different checksum is refused. A database that knows more than this program
 * is left alone and said so. */
#ifndef STORE_MIGRATE_H
#define STORE_MIGRATE_H

#include "ground/embed.h"
#include "ground/status.h"

#include <stdbool.h>

struct migrate_options {
    const char *url;             /* of the schema's owner */
    const char *server_role;     /* the unprivileged role of the running server: made if absent, granted what it needs; NULL: no
                                    role is made or granted */
    const char *server_password; /* set for a role that is made now; NULL or "": none (peer, trust or set by hand) */
    const struct embedded_file *migrations;       /* NULL: this program's own */
    void (*say)(void *context, const char *line); /* progress, one line without line end; may be NULL */
    void *context;
};

struct migrate_report {
    unsigned applied;  /* migrations applied by this run */
    unsigned version;  /* the database's version now */
    char message[512]; /* why not, one line; "" on success */
};

/* STATUS_OK           the database is at this program's version
 * STATUS_CONFLICT     an applied migration has another checksum now, one is missing in between, or the database is newer than the
 * program STATUS_UNAVAILABLE  cannot connect STATUS_DENIED       the owner of the URL may not make a role that is needed
 * STATUS_MALFORMED    a migration file has a bad name, or PostgreSQL refuses it: nothing of that file remains
 * STATUS_IO           PostgreSQL refused something else */
enum status migrate_run(const struct migrate_options *options, struct migrate_report *out);

/* The newest migration of this program. */
unsigned migrate_version(void);

#endif
