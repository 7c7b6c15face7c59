/* pg_cluster.c — initdb, one child process, libpq; see pg_cluster.h. */
#include "pg_cluster.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { START_MS_MAX = 30000, PROGRAM_MAX = 256, WORDS_MAX = 32, PATH_BYTES_MAX = 512 };

static void sleep_ms(long ms) {
    struct timespec pause = { ms / 1000, ms % 1000 * 1000000 };
    nanosleep(&pause, NULL);
}

/* ---- programs ---- */

static bool pg_program(const char *name, char out[PROGRAM_MAX]) {
    const char *given = getenv("VIBESYNC_PG_BIN");
    if (given != NULL) {
        snprintf(out, PROGRAM_MAX, "%s/%s", given, name);
        return access(out, X_OK) == 0;
    }
    int newest = 0;
    DIR *versions = opendir("/usr/lib/postgresql");
    for (struct dirent *entry; versions != NULL && (entry = readdir(versions)) != NULL;) {
        int version = atoi(entry->d_name);
        snprintf(out, PROGRAM_MAX, "/usr/lib/postgresql/%d/bin/%s", version, name);
        if (version > newest && access(out, X_OK) == 0)
            newest = version;
    }
    if (versions != NULL)
        closedir(versions);
    snprintf(out, PROGRAM_MAX, "/usr/lib/postgresql/%d/bin/%s", newest, name);
    if (newest > 0)
        return true;
    const char *path = getenv("PATH");
    while (path != NULL && *path != 0) {
        int size = (int)strcspn(path, ":");
        snprintf(out, PROGRAM_MAX, "%.*s/%s", size, path, name);
        if (access(out, X_OK) == 0)
            return true;
        path += size + (path[size] == ':');
    }
    fprintf(stderr, "pg_cluster: PostgreSQL's program %s is not installed\n", name);
    return false;
}

/* Who may run PostgreSQL: never root. */
static const struct passwd *pg_user(void) {
    return geteuid() == 0 ? getpwnam("postgres") : getpwuid(geteuid());
}

/* In the child. */
static void pg_exec(const char *const words[], const char *log, bool dies_with_parent) {
    const struct passwd *user = pg_user();
    if (geteuid() == 0 && (user == NULL || setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0)) {
        fprintf(stderr, "pg_cluster: cannot become the user postgres\n");
        _exit(127);
    }
    /* after setuid(), which clears it */
    if (dies_with_parent)
        prctl(PR_SET_PDEATHSIG, SIGQUIT);
    int file = open(log, O_CREAT | O_WRONLY | O_APPEND, 0644);
    if (file >= 0) {
        dup2(file, 1);
        dup2(file, 2);
    }
    int nothing = open("/dev/null", O_RDONLY);
    dup2(nothing, 0);
    /* a sanitizer's settings and a test's signals are not PostgreSQL's */
    unsetenv("LD_PRELOAD");
    setpgid(0, 0);
    signal(SIGPIPE, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (chdir("/") != 0)
        _exit(127);
    execv(words[0], (char *const *)(uintptr_t)words); /* execv reads them only */
    _exit(127);
}

static bool pg_run(const char *const words[], const char *log) {
    pid_t child = fork();
    if (child == 0)
        pg_exec(words, log, false);
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* ---- clusters ---- */

static void pg_cluster_url(const struct pg_cluster *cluster, const char *database, char url[PG_URL_MAX]) {
    snprintf(url, PG_URL_MAX, "host=%s port=%d user=postgres dbname=%s", cluster->directory, cluster->port, database);
}

static int remove_entry(const char *path, const struct stat *stat, int type, struct FTW *walk) {
    (void)stat;
    (void)type;
    (void)walk;
    return remove(path);
}

/* A test that failed or crashed could not clean up: directories whose owner has gone are removed by the next one. */
static void remove_abandoned(void) {
    DIR *folder = opendir("/tmp");
    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        char path[PATH_BYTES_MAX];
        int owner = 0;
        if (strncmp(entry->d_name, "vspg-", 5) != 0)
            continue;
        snprintf(path, sizeof path, "/tmp/%s/owner", entry->d_name);
        FILE *file = fopen(path, "r");
        if (file == NULL)
            continue;
        bool known = fscanf(file, "%d", &owner) == 1 && owner > 1;
        fclose(file);
        snprintf(path, sizeof path, "/tmp/%s", entry->d_name);
        if (known && kill(owner, 0) != 0 && errno == ESRCH)
            nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    }
    if (folder != NULL)
        closedir(folder);
}

static bool pg_cluster_own(const struct pg_cluster *cluster) {
    char path[PG_PATH_MAX + 8];
    snprintf(path, sizeof path, "%s/owner", cluster->directory);
    FILE *file = fopen(path, "w");
    return file != NULL && fprintf(file, "%d\n", (int)getpid()) > 0 && fclose(file) == 0;
}

/* The directory of the run's shared cluster; the variable holds it, or names a file whose first line does. */
static bool pg_shared_directory(char out[PG_PATH_MAX]) {
    const char *shared = getenv("VIBESYNC_TEST_PG");
    if (shared == NULL || shared[0] == 0)
        return false;
    FILE *file = fopen(shared, "r");
    if (file != NULL && fgets(out, PG_PATH_MAX, file) != NULL)
        out[strcspn(out, "\n")] = 0;
    else
        snprintf(out, PG_PATH_MAX, "%s", shared);
    if (file != NULL)
        fclose(file);
    return true;
}

/* A copy of fresh data is there several times faster than initdb. */
static bool pg_copy_blank(const char *data, const char *log) {
    char shared[PG_PATH_MAX];
    char blank[PG_PATH_MAX + 8];
    if (!pg_shared_directory(shared))
        return false;
    snprintf(blank, sizeof blank, "%s/blank", shared);
    const char *copy[] = { "/bin/cp", "-a", blank, data, NULL };
    return access(blank, F_OK) == 0 && pg_run(copy, log);
}

static bool pg_cluster_make(struct pg_cluster *cluster) {
    char initdb[PROGRAM_MAX];
    if (!pg_program("initdb", initdb))
        return false;
    remove_abandoned();
    snprintf(cluster->directory, sizeof cluster->directory, "/tmp/vspg-XXXXXX");
    if (mkdtemp(cluster->directory) == NULL)
        return false;
    const struct passwd *user = pg_user();
    if (user == NULL || !pg_cluster_own(cluster) || chown(cluster->directory, user->pw_uid, user->pw_gid) != 0 ||
        chmod(cluster->directory, 0755) != 0) {
        fprintf(stderr, "pg_cluster: no user to run PostgreSQL as\n");
        return false;
    }
    char data[PG_PATH_MAX + 8];
    char log[PG_PATH_MAX + 8];
    snprintf(data, sizeof data, "%s/data", cluster->directory);
    snprintf(log, sizeof log, "%s/log", cluster->directory);
    const char *words[] = {
        initdb, "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", NULL
    };
    if (pg_copy_blank(data, log))
        return true;
    if (!pg_run(words, log)) {
        fprintf(stderr, "pg_cluster: initdb failed, see %s\n", log);
        return false;
    }
    char blank[PG_PATH_MAX + 8];
    snprintf(blank, sizeof blank, "%s/blank", cluster->directory);
    const char *copy[] = { "/bin/cp", "-a", data, blank, NULL };
    return !cluster->keeps_blank || pg_run(copy, log);
}

static bool pg_cluster_wait(const struct pg_cluster *cluster) {
    char url[PG_URL_MAX];
    pg_cluster_url(cluster, "postgres", url);
    for (int waited_ms = 0; waited_ms < START_MS_MAX; waited_ms += 20) {
        PGconn *pg = PQconnectdb(url);
        bool up = PQstatus(pg) == CONNECTION_OK;
        PQfinish(pg);
        if (up)
            return true;
        if (cluster->postmaster > 0 && waitpid(cluster->postmaster, NULL, WNOHANG) == cluster->postmaster)
            break;
        sleep_ms(20);
    }
    fprintf(stderr, "pg_cluster: PostgreSQL did not start, see %s/log\n", cluster->directory);
    return false;
}

static bool pg_cluster_run(struct pg_cluster *cluster, bool dies_with_parent) {
    char postgres[PROGRAM_MAX];
    if (!pg_program("postgres", postgres))
        return false;
    char data[PG_PATH_MAX + 8];
    char log[PG_PATH_MAX + 8];
    char settings[sizeof cluster->settings];
    snprintf(data, sizeof data, "%s/data", cluster->directory);
    snprintf(log, sizeof log, "%s/log", cluster->directory);
    memcpy(settings, cluster->settings, sizeof settings);
    const char *words[WORDS_MAX] = { postgres,
                                     "-D",
                                     data,
                                     "-k",
                                     cluster->directory,
                                     "-c",
                                     "listen_addresses=",
                                     "-c",
                                     "max_connections=200",
                                     "-c",
                                     "shared_buffers=64MB",
                                     "-c",
                                     "recovery_init_sync_method=syncfs" };
    size_t count = 0;
    while (words[count] != NULL)
        count++;
    for (char *word = strtok(settings, " "); word != NULL && count + 1 < WORDS_MAX; word = strtok(NULL, " "))
        words[count++] = word;
    pid_t child = fork();
    if (child == 0)
        pg_exec(words, log, dies_with_parent);
    cluster->postmaster = child;
    return child > 0 && pg_cluster_wait(cluster);
}

static bool pg_cluster_begin(struct pg_cluster *cluster, const char *settings) {
    snprintf(cluster->settings, sizeof cluster->settings, "%s", settings == NULL ? "" : settings);
    const char *port = strstr(cluster->settings, "port=");
    cluster->port = port == NULL ? 5432 : atoi(port + 5);
    if (pg_cluster_make(cluster) && pg_cluster_run(cluster, true))
        return true;
    pg_cluster_close(cluster);
    return false;
}

bool pg_cluster_start(struct pg_cluster *cluster, const char *settings) {
    *cluster = (struct pg_cluster){ 0 };
    return pg_cluster_begin(cluster, settings);
}

bool pg_cluster_start_shared(struct pg_cluster *cluster) {
    *cluster = (struct pg_cluster){ .keeps_blank = true };
    return pg_cluster_begin(cluster, NULL);
}

bool pg_cluster_open(struct pg_cluster *cluster) {
    *cluster = (struct pg_cluster){ .shared = true, .port = 5432 };
    return pg_shared_directory(cluster->directory) ? pg_cluster_wait(cluster) : pg_cluster_start(cluster, NULL);
}

void pg_cluster_stop(struct pg_cluster *cluster, enum pg_stop how) {
    static const int signals[] = { [PG_STOP_FAST] = SIGINT, [PG_STOP_IMMEDIATE] = SIGQUIT, [PG_STOP_KILL] = SIGKILL };
    if (cluster->postmaster <= 0)
        return;
    kill(cluster->postmaster, signals[how]);
    while (waitpid(cluster->postmaster, NULL, 0) < 0 && errno == EINTR)
        ;
    cluster->postmaster = 0;
}

bool pg_cluster_resume(struct pg_cluster *cluster) {
    /* After SIGKILL the orphaned backends notice within moments; a new postmaster refuses as long as one holds the shared memory.
     */
    for (int attempt = 0; attempt < 20; attempt++) {
        if (pg_cluster_run(cluster, true))
            return true;
        sleep_ms(200);
    }
    return false;
}

void pg_cluster_close(struct pg_cluster *cluster) {
    if (cluster->shared || cluster->directory[0] == 0)
        return;
    pg_cluster_stop(cluster, PG_STOP_IMMEDIATE);
    if (strncmp(cluster->directory, "/tmp/vspg-", 10) == 0)
        nftw(cluster->directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    cluster->directory[0] = 0;
}

/* ---- databases and statements ---- */

static void quiet(void *context, const char *notice) {
    (void)context;
    (void)notice;
}

bool pg_query(const char *url, const char *sql, char *out, size_t size) {
    PGconn *pg = PQconnectdb(url);
    PQsetNoticeProcessor(pg, quiet, NULL);
    PGresult *result = PQstatus(pg) == CONNECTION_OK ? PQexec(pg, sql) : NULL;
    ExecStatusType type = PQresultStatus(result);
    bool good = type == PGRES_TUPLES_OK || type == PGRES_COMMAND_OK;
    if (out != NULL && size > 0) {
        bool has_value = type == PGRES_TUPLES_OK && PQntuples(result) > 0 && PQnfields(result) > 0;
        snprintf(out, size, "%s", good ? (has_value ? PQgetvalue(result, 0, 0) : "") : PQerrorMessage(pg));
    } else if (!good) {
        fprintf(stderr, "pg_query: %s", PQerrorMessage(pg));
    }
    PQclear(result);
    PQfinish(pg);
    return good;
}

void pg_do(const char *url, const char *sql) {
    if (!pg_query(url, sql, NULL, 0)) {
        fprintf(stderr, "pg_do: failed: %s\n", sql);
        abort();
    }
}

long long pg_number(const char *url, const char *sql) {
    char text[64];
    if (!pg_query(url, sql, text, sizeof text)) {
        fprintf(stderr, "pg_number: %s: %s\n", sql, text);
        abort();
    }
    return atoll(text);
}

static bool pg_cluster_create_database(const struct pg_cluster *cluster, const char *template, char url[PG_URL_MAX]) {
    static unsigned counter;
    struct timespec now;
    char sql[256];
    char name[64];
    clock_gettime(CLOCK_REALTIME, &now);
    snprintf(name, sizeof name, "t%d_%ld_%u", (int)getpid(), now.tv_nsec, counter++);
    snprintf(sql, sizeof sql, "create database %s template %s", name, template);
    pg_cluster_url(cluster, "postgres", url);
    if (!pg_query(url, sql, NULL, 0))
        return false;
    pg_cluster_url(cluster, name, url);
    return true;
}

bool pg_cluster_database(const struct pg_cluster *cluster, char url[PG_URL_MAX]) {
    return pg_cluster_create_database(cluster, "template0", url);
}

/* Made under another name and renamed when it is complete. */
static bool pg_cluster_make_template(const struct pg_cluster *cluster, const char *name, bool (*fill)(const char *url),
                                     const char *url) {
    char sql[256];
    char text[64];
    char new_url[PG_URL_MAX];
    snprintf(sql, sizeof sql, "select count(*) from pg_database where datname = '%s'", name);
    if (!pg_query(url, sql, text, sizeof text))
        return false;
    if (atoi(text) == 1)
        return true;
    snprintf(sql, sizeof sql, "drop database if exists %s_new", name);
    if (!pg_query(url, sql, NULL, 0))
        return false;
    snprintf(sql, sizeof sql, "create database %s_new template template0", name);
    snprintf(text, sizeof text, "%s_new", name);
    pg_cluster_url(cluster, text, new_url);
    if (!pg_query(url, sql, NULL, 0) || !fill(new_url))
        return false;
    snprintf(sql, sizeof sql, "alter database %s_new rename to %s", name, name);
    return pg_query(url, sql, NULL, 0);
}

bool pg_cluster_database_like(const struct pg_cluster *cluster, const char *name, bool (*fill)(const char *url),
                              char url[PG_URL_MAX]) {
    char root_url[PG_URL_MAX];
    pg_cluster_url(cluster, "postgres", root_url);
    PGconn *lock = PQconnectdb(root_url);
    PGresult *locked = PQexec(lock, "select pg_advisory_lock(1)");
    bool made = PQresultStatus(locked) == PGRES_TUPLES_OK && pg_cluster_make_template(cluster, name, fill, root_url) &&
                pg_cluster_create_database(cluster, name, url);
    PQclear(locked);
    PQfinish(lock);
    return made;
}

void pg_url_for_role(const char *url, const char *role, char out[PG_URL_MAX]) {
    const char *user = strstr(url, "user=postgres");
    if (user == NULL) {
        fprintf(stderr, "pg_url_for_role: not a URL of pg_cluster_database: %s\n", url);
        abort();
    }
    snprintf(out, PG_URL_MAX, "%.*suser=%s%s", (int)(user - url), url, role, user + strlen("user=postgres"));
}
