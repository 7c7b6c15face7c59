/* server_main.c — vibesyncd: parse, start, run, stop, in that order.
 *
 *   main thread                                   one thread per loop
 *   settings, admin token, limits
 *   loops, servers, doors, listeners  ──start──▶  loop_run
 *   "serving on …"; waits for a signal
 *   SIGHUP: settings                  ──post───▶  server_configure
 *   SIGTERM, SIGINT                   ──post───▶  listener and door close, server_drain, http_door_drain ─▶ loop_stop
 *   joins the threads, takes all down             ▲
 *   second signal: exits at once with 3           └─ an eventfd tells the main thread
 *
 * Signals are blocked in all threads and read from a descriptor by the main thread, so there is no handler and no global.
 *
 * Exit status: 0 all saved; 1 could not start; 2 bad usage; 3 stopped with edits that are not saved. */
#include "access/token.h"
#include "config_print.h"
#include "http/http_door.h"
#include "log.h"
#include "loop/listener.h"
#include "loop/tls.h"
#include "operator/operator.h"
#include "reload.h"
#include "server.h"
#include "systemd/systemd.h"
#include "systemd/watchdog.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

enum { MAIN_OK = 0, MAIN_FAILED = 1, MAIN_USAGE = 2, MAIN_UNSAVED = 3 };
enum { MAIN_LOOPS_MAX = 64 };

struct process;

/* One loop with all that runs on it. */
struct worker {
    struct process *process;
    unsigned index;
    pthread_t thread;
    bool started;
    struct loop *loop;
    struct server *server;
    struct http_door *door;
    struct listener *listener;
    enum status drained; /* written by the worker's thread before it ends */
};

struct process {
    struct config *config;
    struct tls_context *tls; /* NULL: plain */
    int count;               /* of the arguments, which a reload reads again */
    char **arguments;
    struct fleet fleet;
    struct server *servers[MAIN_LOOPS_MAX];
    struct http_door *doors[MAIN_LOOPS_MAX];
    struct worker workers[MAIN_LOOPS_MAX];
    int inherited; /* a listening socket of the service manager's, -1: none */
    int signals;   /* signalfd */
    int drained;   /* eventfd: one count per loop that has ended */
    struct watchdog watchdog;
};

static int main_serve(int count, char **arguments);
static void main_help(FILE *out);

int main(int count, char **arguments) {
    const char *verb = count > 1 ? arguments[1] : "";
    if (strcmp(verb, "serve") == 0)
        return main_serve(count - 2, arguments + 2);
    if (strcmp(verb, "migrate") == 0)
        return operator_migrate(count - 2, arguments + 2);
    if (strcmp(verb, "verify") == 0)
        return operator_verify(count - 2, arguments + 2);
    if (strcmp(verb, "doc") == 0)
        return operator_doc(count - 2, arguments + 2);
    if (strcmp(verb, "config") == 0)
        return operator_config(count - 2, arguments + 2);
    if (strcmp(verb, "--version") == 0) {
        printf("vibesyncd %s\n", VIBESYNC_VERSION);
        return MAIN_OK;
    }
    if (strcmp(verb, "--help") == 0 || strcmp(verb, "help") == 0) {
        main_help(stdout);
        return MAIN_OK;
    }
    if (verb[0] == '\0')
        fprintf(stderr, "vibesyncd: say what to do: serve, migrate, verify, doc, config, --help or --version\n");
    else
        fprintf(stderr, "vibesyncd: there is no \"%s\": serve, migrate, verify, doc, config, --help or --version\n", verb);
    return MAIN_USAGE;
}

static void main_help(FILE *out) {
    fprintf(out, "usage: vibesyncd serve [settings]\n"
                 "       vibesyncd migrate --database URL [--server-role NAME]\n"
                 "       vibesyncd verify --database URL\n"
                 "       vibesyncd doc dump|quarantine|release FILE --database URL\n"
                 "       vibesyncd config check|show|example [settings]\n"
                 "       vibesyncd --version | --help\n\n"
                 "serve     runs the server until SIGTERM or SIGINT\n"
                 "migrate   brings the database to this program's schema; URL is its owner's. The role NAME\n"
                 "          is made if absent, with the password VIBESYNC_SERVER_PASSWORD of the environment\n"
                 "          if there is one, and gets what the running server needs\n"
                 "verify    reads and checks every document of the database; changes nothing\n"
                 "doc       shows a document, takes it out of service, brings it back; FILE is a file's id\n"
                 "config    says what is wrong with the settings, or which are in force and who said so\n\n"
                 "Settings, as --name VALUE or --name=VALUE, as VIBESYNC_NAME in the environment, or as a line\n"
                 "\"name = VALUE\" of the file that --config names; the first of these that has one counts:\n\n");
    config_print_help(out);
}

/* ---- serve ---- */

static bool process_configure(struct process *process, int count, char **arguments, int *out_exit);
static bool process_start(struct process *process);
static int process_wait(struct process *process);
static void process_finish(struct process *process);
static void *worker_run(void *context);
static void worker_drain(void *context);
static void worker_on_drained(void *context, enum status status);
static void worker_on_answered(void *context);

static int main_serve(int count, char **arguments) {
    struct process *process = mem_zalloc(&mem_default, sizeof *process);
    if (process == NULL) {
        fprintf(stderr, "vibesyncd: no memory\n");
        return MAIN_FAILED;
    }
    process->signals = -1;
    process->drained = -1;
    process->inherited = -1;
    int result = MAIN_FAILED;
    if (process_configure(process, count, arguments, &result) && process_start(process)) {
        char address[LISTENER_ADDRESS_BYTES];
        listener_address(process->workers[0].listener, address);
        printf("vibesyncd: serving on %s://%s\n", process->tls != NULL ? "https" : "http", address);
        fflush(stdout);
        systemd_notify("READY=1");
        result = process_wait(process);
        process_finish(process);
        log_info(NULL, "process.ended", "status=%d", result);
    } else
        process_finish(process);
    config_destroy(process->config);
    tls_context_release(process->tls);
    mem_free(&mem_default, process, sizeof *process);
    return result;
}

static void process_raise_descriptors(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static bool process_random(void *out, size_t size) {
    if (getrandom(out, size, 0) == (ssize_t)size)
        return true;
    fprintf(stderr, "vibesyncd: the system gives no random bytes: %s\n", strerror(errno));
    return false;
}

/* Without a file nobody has the token: random bytes are the hash of none. */
static bool process_read_token(const char *flag, const char *file, uint8_t hash[TOKEN_HASH_BYTES]) {
    char error[512] = "";
    if (file[0] == '\0')
        return process_random(hash, TOKEN_HASH_BYTES);
    if (token_hash_file(file, hash, error, sizeof error) == STATUS_OK)
        return true;
    fprintf(stderr, "vibesyncd: %s: %s\n", flag, error);
    return false;
}

static void process_say_error(void *context, const char *error) {
    (void)context;
    fprintf(stderr, "vibesyncd: %s\n", error);
}

static bool process_read_config(struct process *process, int count, char **arguments) {
    struct config_errors errors = { .say = process_say_error };
    struct config_reading reading;
    if (config_read(&reading, count, arguments, &errors) == STATUS_OK) {
        config_fit_machine(&reading.config);
        process->config = config_copy(&reading.config);
        process->count = count;
        process->arguments = arguments;
    }
    config_reading_finish(&reading);
    return process->config != NULL;
}

static bool process_configure(struct process *process, int count, char **arguments, int *out_exit) {
    struct fleet *fleet = &process->fleet;
    *out_exit = MAIN_USAGE;
    for (int i = 0; i < count; i++) {
        if (strcmp(arguments[i], "--help") == 0) {
            main_help(stdout);
            *out_exit = MAIN_OK;
            return false;
        }
    }
    if (!process_read_config(process, count, arguments))
        return false;
    const struct config *config = process->config;
    if (config->database[0] == '\0') {
        fprintf(stderr, "vibesyncd: serve needs --database URL, the URL of the server's own role\n");
        return false;
    }
    *out_exit = MAIN_FAILED;
    reload_log(config);

    uint8_t random[10];
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (!process_random(random, sizeof random))
        return false;
    fleet->boot = uuid_v7((uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000, random);
    if (!process_read_token("--admin-token-file", config->admin_token_file, fleet->admin_token_hash) ||
        !process_read_token("--metrics-token-file", config->metrics_token_file, fleet->metrics_token_hash))
        return false;
    char error[TLS_ERROR_MAX];
    if (config->tls_cert[0] != '\0' && tls_context_create(config->tls_cert, config->tls_key, error, &process->tls) != STATUS_OK) {
        fprintf(stderr, "vibesyncd: %s\n", error);
        return false;
    }
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    fleet->servers = process->servers;
    fleet->count = config->loops > 0 ? (unsigned)config->loops : cores < 1 ? 1 : (unsigned)cores;
    if (fleet->count > MAIN_LOOPS_MAX)
        fleet->count = MAIN_LOOPS_MAX;
    process_raise_descriptors();
    return true;
}

static bool process_listen(struct process *process, struct worker *worker, const char *address) {
    enum status status = process->inherited >= 0
                             ? listener_adopt(worker->loop, process->inherited, &http_door_events, worker->door, &worker->listener)
                             : listener_create(worker->loop, address, &http_door_events, worker->door, &worker->listener);
    if (status == STATUS_OK)
        return true;
    fprintf(stderr, "vibesyncd: cannot listen on %s: %s\n", process->config->listen,
            status == STATUS_IO ? strerror(errno) : status_sentence(status));
    return false;
}

/* Before anything else is begun. */
static bool process_check_address(struct process *process) {
    const char *address = process->config->listen;
    char error[160];
    if (systemd_socket(&process->inherited, error, sizeof error) != STATUS_OK) {
        fprintf(stderr, "vibesyncd: %s\n", error);
        return false;
    }
    if (process->inherited >= 0 || process->config->listen_shared)
        return true;
    enum status status = listener_address_free(address);
    if (status == STATUS_MALFORMED)
        fprintf(stderr, "vibesyncd: --listen takes ADDRESS:PORT, e.g. 127.0.0.1:8440 or [::1]:8440, not \"%s\"\n", address);
    else if (status != STATUS_OK)
        fprintf(stderr, "vibesyncd: cannot listen on %s: %s\n", address, strerror(errno));
    return status == STATUS_OK;
}

static bool process_make_listeners(struct process *process) {
    char address[LISTENER_ADDRESS_BYTES];
    if (!process_listen(process, &process->workers[0], process->config->listen))
        return false;
    /* All loops take the port that the first one got. */
    listener_address(process->workers[0].listener, address);
    for (unsigned i = 1; i < process->fleet.count; i++)
        if (!process_listen(process, &process->workers[i], address))
            return false;
    if (process->inherited >= 0)
        close(process->inherited);
    return true;
}

static bool process_start(struct process *process) {
    struct fleet *fleet = &process->fleet;
    sigset_t handled;
    if (!process_check_address(process))
        return false;
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&handled);
    sigaddset(&handled, SIGTERM);
    sigaddset(&handled, SIGINT);
    sigaddset(&handled, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &handled, NULL);
    process->signals = signalfd(-1, &handled, SFD_CLOEXEC);
    process->drained = eventfd(0, EFD_CLOEXEC);
    if (process->signals < 0 || process->drained < 0) {
        fprintf(stderr, "vibesyncd: %s\n", strerror(errno));
        return false;
    }
    for (unsigned i = 0; i < fleet->count; i++) {
        struct worker *worker = &process->workers[i];
        *worker = (struct worker){ .process = process, .index = i, .drained = STATUS_UNAVAILABLE };
        enum status status = loop_create(&worker->loop);
        if (status == STATUS_OK)
            status = server_create(fleet, process->config, process->tls, i, worker->loop, &worker->server);
        if (status != STATUS_OK) {
            fprintf(stderr, "vibesyncd: %s\n",
                    status == STATUS_MALFORMED ? "--database is no PostgreSQL URL" : status_sentence(status));
            return false;
        }
        process->servers[i] = worker->server;
    }
    for (unsigned i = 0; i < fleet->count; i++) {
        if (http_door_create(fleet, process->doors, i, &process->doors[i]) != STATUS_OK) {
            fprintf(stderr, "vibesyncd: %s\n", status_sentence(STATUS_NO_MEMORY));
            return false;
        }
        process->workers[i].door = process->doors[i];
    }
    if (!process_make_listeners(process))
        return false;
    for (unsigned i = 0; i < fleet->count; i++) {
        struct worker *worker = &process->workers[i];
        int failed = pthread_create(&worker->thread, NULL, worker_run, worker);
        if (failed != 0) {
            fprintf(stderr, "vibesyncd: cannot start a thread: %s\n", strerror(failed));
            /* Loops that run already would have to be stopped in order; nothing was served yet. */
            _exit(MAIN_FAILED);
        }
        worker->started = true;
    }
    return true;
}

static void *worker_run(void *context) {
    struct worker *worker = context;
    loop_run(worker->loop);
    uint64_t one = 1;
    (void)!write(worker->process->drained, &one, sizeof one);
    return NULL;
}

/* The settings of every loop and our own. A loop that cannot be told keeps the old ones, and the next SIGHUP tries again. */
static void process_reload(struct process *process) {
    struct config *next = reload_read(process->config, process->count, process->arguments);
    if (next == NULL)
        return;
    struct tls_context *tls = reload_tls(next, process->tls);
    for (unsigned i = 0; i < process->fleet.count; i++)
        if (reload_post(process->servers[i], next, tls) != STATUS_OK)
            log_error(NULL, "config.not_reloaded", "loop=%u status=%s", i, status_name(STATUS_NO_MEMORY));
    reload_log(next);
    config_destroy(process->config);
    tls_context_release(process->tls);
    process->config = next;
    process->tls = tls;
}

/* Waits for a signal, then for every loop to have saved. */
static int process_wait(struct process *process) {
    struct fleet *fleet = &process->fleet;
    uint64_t drained = 0;
    bool draining = false;
    int beat_ms = systemd_watchdog_ms();
    while (drained < fleet->count) {
        struct pollfd ready[] = { { process->signals, POLLIN, 0 }, { process->drained, POLLIN, 0 } };
        int polled = poll(ready, 2, beat_ms);
        if (polled < 0 && errno != EINTR)
            break;
        if (polled == 0)
            watchdog_beat(&process->watchdog, process->servers, draining ? 0 : fleet->count);
        if (ready[1].revents & POLLIN) {
            uint64_t more = 0;
            if (read(process->drained, &more, sizeof more) == (ssize_t)sizeof more)
                drained += more;
        }
        if (!(ready[0].revents & POLLIN))
            continue;
        struct signalfd_siginfo info;
        if (read(process->signals, &info, sizeof info) != (ssize_t)sizeof info)
            continue;
        if (info.ssi_signo == SIGHUP) {
            systemd_notify("RELOADING=1");
            if (!draining)
                process_reload(process);
            systemd_notify("READY=1");
            continue;
        }
        if (draining) {
            log_error(NULL, "process.aborted", "reason=\"second signal\"");
            _exit(MAIN_UNSAVED);
        }
        draining = true;
        systemd_notify("STOPPING=1");
        log_info(NULL, "process.draining", "signal=%u limit_ms=%llu", info.ssi_signo,
                 (unsigned long long)process->config->drain_ms);
        for (unsigned i = 0; i < fleet->count; i++)
            if (loop_post(process->workers[i].loop, worker_drain, &process->workers[i]) != STATUS_OK)
                _exit(MAIN_UNSAVED);
    }
    int result = MAIN_OK;
    for (unsigned i = 0; i < fleet->count; i++) {
        pthread_join(process->workers[i].thread, NULL);
        process->workers[i].started = false;
        if (process->workers[i].drained == STATUS_OK)
            continue;
        log_error(NULL, "process.unsaved", "loop=%u reason=\"not everything could be saved within %llu ms\"", i,
                  (unsigned long long)process->config->drain_ms);
        result = MAIN_UNSAVED;
    }
    return result;
}

/* In the worker's own thread. */
static void worker_drain(void *context) {
    struct worker *worker = context;
    listener_drain(worker->listener);
    listener_destroy(worker->listener);
    worker->listener = NULL;
    http_door_close(worker->door);
    server_drain(worker->server, server_config(worker->server)->drain_ms, worker_on_drained, worker);
}

static void worker_on_drained(void *context, enum status status) {
    struct worker *worker = context;
    worker->drained = status;
    http_door_drain(worker->door, worker_on_answered, worker);
}

static void worker_on_answered(void *context) {
    struct worker *worker = context;
    loop_stop(worker->loop);
}

/* All threads have ended: everything is ours. */
static void process_finish(struct process *process) {
    unsigned count = process->fleet.count;
    /* What loops posted to each other at the end still holds descriptors and memory. A question may go once round all of them. */
    for (unsigned round = 0; round <= count; round++) {
        for (unsigned i = 0; i < count; i++) {
            if (process->workers[i].loop != NULL && process->servers[count - 1] != NULL) {
                loop_stop(process->workers[i].loop);
                loop_run(process->workers[i].loop);
            }
        }
    }
    for (unsigned i = 0; i < count; i++) {
        listener_destroy(process->workers[i].listener);
        http_door_destroy(process->workers[i].door);
    }
    for (unsigned i = 0; i < count; i++) {
        server_destroy(process->workers[i].server);
        loop_destroy(process->workers[i].loop);
    }
    if (process->signals >= 0)
        close(process->signals);
    if (process->drained >= 0)
        close(process->drained);
}
