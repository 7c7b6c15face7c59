/* pg_cluster.h — a real PostgreSQL for tests: private, thrown away, with fsync on as in earnest.
 *
 *   pg_cluster_open    the cluster that the test run shares ($VIBESYNC_TEST_PG, set by ctest), or else a private one. Fast
 *   pg_cluster_start   always a private one (about a second): for tests that stop or kill it
 *   pg_cluster_database   a fresh database in it; tests never share one
 *
 * Data and socket live in one directory under /tmp with a short name (a unix socket's path has 107 bytes). As root the programs run
 * as the user `postgres`, because PostgreSQL refuses root. A private cluster dies with the process that started it. The programs
 * are searched in $VIBESYNC_PG_BIN, /usr/lib/postgresql/<newest>/bin and $PATH. Functions that fail say why on stderr. */
#ifndef SUPPORT_PG_CLUSTER_H
#define SUPPORT_PG_CLUSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { PG_PATH_MAX = 80, PG_URL_MAX = 512 };

struct pg_cluster {
    char directory[PG_PATH_MAX]; /* data in directory/data, socket in directory */
    pid_t postmaster;            /* 0: stopped, or shared and not ours */
    bool shared;
    bool keeps_blank; /* private: leave a copy of the fresh data beside it, from which the others of a test run are copied */
    char settings[256];
    int port; /* of the socket's name; and of TCP, if the settings ask for it */
};

bool pg_cluster_open(struct pg_cluster *cluster);

/* `settings`: extra words for the server's command line, e.g. "-c commit_delay=1000"; NULL: none. "-c port=N" is taken over
 * into the URLs. */
bool pg_cluster_start(struct pg_cluster *cluster, const char *settings);

/* For the one that a test run shares. */
bool pg_cluster_start_shared(struct pg_cluster *cluster);

/* Ends a private cluster and removes its files; leaves a shared one alone. */
void pg_cluster_close(struct pg_cluster *cluster);

/* Faults, for private clusters. Stop waits for the end. */
enum pg_stop { PG_STOP_FAST, PG_STOP_IMMEDIATE, PG_STOP_KILL };
void pg_cluster_stop(struct pg_cluster *cluster, enum pg_stop how);
bool pg_cluster_resume(struct pg_cluster *cluster);

/* Makes an empty database with a name of its own and writes the URL of its owner (the superuser). */
bool pg_cluster_database(const struct pg_cluster *cluster, char url[PG_URL_MAX]);

/* The same from a template that `fill` makes on its first use in the cluster: copying is several times faster than migrating.
 * `name` is a plain word; whoever comes meanwhile waits. */
bool pg_cluster_database_like(const struct pg_cluster *cluster, const char *name, bool (*fill)(const char *url),
                              char url[PG_URL_MAX]);

/* The same database for another role. */
void pg_url_for_role(const char *url, const char *role, char out[PG_URL_MAX]);

/* Runs SQL as a user of a URL; the first value of the last result in `out` ("" for none or NULL), cut to `size`. False: it failed.
 */
bool pg_query(const char *url, const char *sql, char *out, size_t size);

/* The same, where failing is the test's end: prints and aborts. */
void pg_do(const char *url, const char *sql);
long long pg_number(const char *url, const char *sql);

#endif
