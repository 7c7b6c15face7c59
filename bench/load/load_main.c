/* load_main.c — vibesync-load: many clients against a server, and what it costs the server.
 *
 *   options, scenario ──▶ door's rooms ──▶ connect all ──▶ warm up ──▶ measure ──▶ settle ──▶ check ──▶ report
 *
 * Exit status: 0 nothing was lost; 1 something was, or a room differs, or the server closed a connection; 2 bad usage or no server.
 */
#include "load.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    LOAD_CONNECTING_MAX = 64, /* on their way at once while the rooms fill */
    LOAD_BURST = 64,          /* due events sent before the sockets are looked at again */
    LOAD_SETTLE_MS = 20000,
    LOAD_STUCK_MS = 60000,
    LOAD_FILE_BYTES_MAX = 65536,
};

/* ---- clocks: who does something next ---- */

/* Actors of equal period, each with a phase of its own: event k is of actor k mod n, in order of the phases. */
struct clock {
    struct clock_actor {
        uint64_t phase_ns;
        uint32_t room, index;
    } * actors;
    size_t count;
    uint64_t period_ns;
    uint64_t start_ns;
    uint64_t next;
};

static int clock_by_phase(const void *a, const void *b) {
    uint64_t left = ((const struct clock_actor *)a)->phase_ns, right = ((const struct clock_actor *)b)->phase_ns;
    return (left > right) - (left < right);
}

static void clock_init(struct clock *clock, const struct load *load, uint64_t per_room, uint64_t rate, uint64_t *seed) {
    *clock = (struct clock){ 0 };
    if (per_room == 0 || rate == 0)
        return;
    clock->period_ns = 1000000000 / rate;
    clock->count = per_room * load->scenario.rooms;
    clock->actors = load_must(calloc(clock->count, sizeof *clock->actors));
    for (size_t i = 0; i < clock->count; i++) {
        *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        clock->actors[i] =
            (struct clock_actor){ (*seed >> 33) * clock->period_ns >> 31, (uint32_t)(i / per_room), (uint32_t)(i % per_room) };
    }
    qsort(clock->actors, clock->count, sizeof *clock->actors, clock_by_phase);
}

static uint64_t clock_due_ns(const struct clock *clock) {
    if (clock->count == 0)
        return UINT64_MAX;
    return clock->start_ns + clock->next / clock->count * clock->period_ns + clock->actors[clock->next % clock->count].phase_ns;
}

static struct peer *clock_take(struct clock *clock, struct load *load) {
    const struct clock_actor *actor = &clock->actors[clock->next++ % clock->count];
    return &load->peers[actor->room * load->scenario.connections + actor->index];
}

/* ---- the run ---- */

struct run {
    struct load *load;
    struct clock writers, cursors, churn;
    struct bytes_writer update, message;
    uint64_t churned;
    size_t joined; /* joiners begun */
    struct gauge idle, connected, began, ended;
    uint64_t began_ns, ended_ns;
    struct gauge self_began, self_ended;
};

/* Whether a writer has come to the end of its trace. */
static bool run_has_typed(const struct load *load, size_t room, size_t writer) {
    uint64_t all = load->recording.update_count;
    return all > 0 && load->updates.lanes[room * load->scenario.writers + writer].sent == all;
}

static bool run_have_all_typed(const struct load *load) {
    for (size_t room = 0; room < load->scenario.rooms; room++)
        for (size_t writer = 0; writer < load->scenario.writers; writer++)
            if (!run_has_typed(load, room, writer))
                return false;
    return load->scenario.writers > 0;
}

/* False: it is away, or has typed the whole trace. */
static bool run_send_update(struct run *run, struct peer *peer, uint64_t due_ns) {
    struct load *load = run->load;
    const struct recording *recording = &load->recording;
    if (peer->state != PEER_LIVE || run_has_typed(load, peer->room, peer->index))
        return false;
    uint64_t number = ledger_send(&load->updates, peer->room, peer->index, due_ns);
    bytes_writer_reset(&run->update);
    bytes_writer_reset(&run->message);
    if (recording->update_count > 0)
        bytes_write(&run->update, recording_update(recording, peer->index, number));
    else
        update_write(&run->update, load->client_base + peer->index, number * load->scenario.characters, load->scenario.characters);
    load->door->write_update(peer, bytes_written(&run->update), &run->message);
    peer_send(peer, bytes_written(&run->message));
    return true;
}

static void run_move_cursor(struct run *run, struct peer *peer, uint64_t due_ns) {
    struct load *load = run->load;
    if (peer->state != PEER_LIVE)
        return;
    uint64_t number = ledger_send(&load->moves, peer->room, peer->index, due_ns);
    bytes_writer_reset(&run->update);
    bytes_writer_reset(&run->message);
    cursor_write(&run->update, load->client_base + peer->index, number + 1);
    load->door->write_awareness(peer, bytes_written(&run->update), &run->message);
    peer_send(peer, bytes_written(&run->message));
}

/* Cuts a reader and lets it come back at once. Writers stay: what they sent last might be lost with the connection. */
static void run_churn(struct run *run) {
    const struct scenario *scenario = &run->load->scenario;
    uint64_t readers = scenario->connections - scenario->writers - scenario->stalled;
    if (readers == 0)
        return;
    uint64_t pick = run->churned++;
    uint64_t room = pick % scenario->rooms, index = scenario->writers + pick / scenario->rooms % readers;
    struct peer *peer = &run->load->peers[room * scenario->connections + index];
    if (peer->state != PEER_LIVE)
        return;
    peer_cut(peer);
    peer_connect(peer);
}

/* Closed loop: a writer goes on when all readers together lack less than its window. */
static void run_windows(struct run *run) {
    struct load *load = run->load;
    const struct scenario *scenario = &load->scenario;
    uint64_t readers = scenario->connections - 1 - scenario->stalled;
    for (size_t room = 0; room < scenario->rooms; room++) {
        for (size_t writer = 0; writer < scenario->writers; writer++) {
            const struct ledger_lane *lane = &load->updates.lanes[room * scenario->writers + writer];
            struct peer *peer = &load->peers[room * scenario->connections + writer];
            while (lane->sent * readers < lane->delivered + scenario->window * readers && run_send_update(run, peer, load_now_ns()))
                ;
        }
    }
}

static void run_joins(struct run *run) {
    struct load *load = run->load;
    while (load->updates.measuring && run->joined < load->joiner_count && load->joining_count < load->scenario.joins_at_once)
        peer_connect(&load->peers[load->peer_count + run->joined++]);
}

/* One turn with all clocks running. */
static void run_turn(struct run *run, uint64_t until_ns) {
    struct load *load = run->load;
    for (int i = 0; i < LOAD_BURST; i++) {
        uint64_t now_ns = load_now_ns(), writer_ns = clock_due_ns(&run->writers), cursor_ns = clock_due_ns(&run->cursors);
        uint64_t churn_ns = clock_due_ns(&run->churn);
        uint64_t due_ns = writer_ns < cursor_ns ? writer_ns : cursor_ns;
        if (churn_ns <= due_ns && churn_ns <= now_ns) {
            run->churn.next++;
            run_churn(run);
        } else if (due_ns > now_ns) {
            due_ns = churn_ns < due_ns ? churn_ns : due_ns;
            until_ns = due_ns < until_ns ? due_ns : until_ns;
            break;
        } else if (writer_ns <= cursor_ns) {
            run_send_update(run, clock_take(&run->writers, load), writer_ns);
        } else {
            run_move_cursor(run, clock_take(&run->cursors, load), cursor_ns);
        }
    }
    if (load->scenario.window > 0)
        run_windows(run);
    run_joins(run);
    swarm_turn(load, until_ns);
}

static void run_await(struct run *run, uint64_t live, const char *what) {
    uint64_t moved_ns = load_now_ns(), before = 0;
    while (run->load->live_count < live) {
        swarm_turn(run->load, load_now_ns() + 100000000);
        if (run->load->live_count < live && run->load->joining_count == 0)
            load_die("%s: %llu of %llu, and the others were turned away", what, (unsigned long long)run->load->live_count,
                     (unsigned long long)live);
        if (run->load->live_count != before) {
            before = run->load->live_count;
            moved_ns = load_now_ns();
        }
        if (load_now_ns() > moved_ns + (uint64_t)LOAD_STUCK_MS * 1000000)
            load_die("%s: %llu of %llu after a minute without any progress", what, (unsigned long long)before,
                     (unsigned long long)live);
    }
}

/* The first of each room, who makes and fills the document. */
static void run_fill(struct run *run) {
    struct load *load = run->load;
    for (size_t room = 0; room < load->scenario.rooms; room++) {
        while (load->joining_count >= LOAD_CONNECTING_MAX)
            swarm_turn(load, load_now_ns() + 100000000);
        peer_connect(&load->peers[room * load->scenario.connections]);
    }
    run_await(run, load->scenario.rooms, "the rooms");
    if (load->scenario.document_bytes == 0)
        return;
    for (size_t room = 0; room < load->scenario.rooms; room++) {
        struct peer *peer = &load->peers[room * load->scenario.connections];
        bytes_writer_reset(&run->update);
        bytes_writer_reset(&run->message);
        load->rooms[room].filled_characters = update_write_document(&run->update, load->scenario.document_bytes);
        load->door->write_update(peer, bytes_written(&run->update), &run->message);
        peer->filled_count = 1;
        peer_send(peer, bytes_written(&run->message));
        uint64_t until_ns = load_now_ns() + (load->door->acknowledges ? (uint64_t)LOAD_STUCK_MS * 1000000 : 1000000000);
        while (load_now_ns() < until_ns && (!load->door->acknowledges || peer->ack_count == 0))
            swarm_turn(load, until_ns < load_now_ns() + 10000000 ? until_ns : load_now_ns() + 10000000);
    }
}

static void run_connect(struct run *run) {
    struct load *load = run->load;
    run_fill(run);
    for (size_t i = 0; i < load->peer_count; i++) {
        if (load->peers[i].state != PEER_AWAY)
            continue;
        while (load->joining_count >= LOAD_CONNECTING_MAX)
            swarm_turn(load, load_now_ns() + 100000000);
        peer_connect(&load->peers[i]);
    }
    run_await(run, load->peer_count, "connecting");
}

static void run_read_gauge(const int *pids, size_t pid_count, struct gauge *out) {
    if (!gauge_read(pids, pid_count, out))
        load_die("the server has ended");
}

static void run_measure(struct run *run, const int *pids, size_t pid_count) {
    struct load *load = run->load;
    const int self = getpid();
    uint64_t now_ns = load_now_ns();
    run->writers.start_ns = run->cursors.start_ns = run->churn.start_ns = now_ns;
    for (uint64_t end_ns = now_ns + load->scenario.warmup * 1000000000; load_now_ns() < end_ns;)
        run_turn(run, end_ns);
    gauge_reset_peak(pids, pid_count);
    run_read_gauge(pids, pid_count, &run->began);
    gauge_read(&self, 1, &run->self_began);
    run->began_ns = load_now_ns();
    load->updates.measuring = load->moves.measuring = true;
    uint64_t end_ns = run->began_ns + load->scenario.seconds * 1000000000;
    const struct scenario *scenario = &load->scenario;
    bool timed = scenario->joins == 0 || scenario->writers + scenario->awareness + scenario->churn > 0;
    uint64_t all = load->peer_count + load->joiner_count;
    while ((timed && load_now_ns() < end_ns && !run_have_all_typed(load)) ||
           (scenario->joins > 0 && load->live_count + load->closed_count < all)) {
        run_turn(run, timed && load_now_ns() < end_ns ? end_ns : load_now_ns() + 10000000);
        if (load_now_ns() > end_ns + (uint64_t)LOAD_STUCK_MS * 1000000)
            load_die("%llu of %llu joined in time", (unsigned long long)load->live_count, (unsigned long long)all);
    }
    load->updates.measuring = load->moves.measuring = false;
    run->ended_ns = load_now_ns();
    run_read_gauge(pids, pid_count, &run->ended);
    gauge_read(&self, 1, &run->self_ended);
}

/* What live readers still lack. */
static uint64_t run_lacks(const struct load *load) {
    uint64_t lacks = 0;
    for (size_t i = 0; i < load->peer_count + load->joiner_count; i++) {
        const struct peer *peer = &load->peers[i];
        if (peer->state == PEER_LIVE)
            lacks += ledger_lacks(&load->updates, &peer->updates, peer->room, peer->joiner ? SIZE_MAX : peer->index);
    }
    return lacks;
}

/* The clocks stand still; waits until everybody has everything, or nothing comes any more. */
static uint64_t run_settle(struct run *run) {
    uint64_t lacks, end_ns = load_now_ns() + (uint64_t)LOAD_SETTLE_MS * 1000000;
    while ((lacks = run_lacks(run->load)) > 0 && load_now_ns() < end_ns)
        for (int i = 0; i < 20; i++)
            swarm_turn(run->load, load_now_ns() + 5000000);
    return lacks;
}

/* ---- the report ---- */

struct report {
    const char *name;
    uint64_t lost;
    size_t rooms_checked, rooms_differing;
};

static double ms(uint64_t ns) {
    return (double)ns / 1e6;
}

static void report_print(const struct run *run, const struct report *report, bool json) {
    const struct load *load = run->load;
    const struct histogram *latency = load->scenario.writers > 0 ? &load->updates.latency : &load->moves.latency;
    double seconds = (double)(run->ended_ns - run->began_ns) / 1e9;
    uint64_t deliveries = load->updates.delivered + load->moves.delivered;
    double cpu_us = (double)(run->ended.cpu_ns - run->began.cpu_ns) / 1000;
    double self_us = (double)(run->self_ended.cpu_ns - run->self_began.cpu_ns) / 1000;
    double each = deliveries > 0 ? cpu_us / (double)deliveries : 0;
    double user_kb = ((double)run->connected.user_bytes - (double)run->idle.user_bytes) / 1000 / (double)load->peer_count;
    double join_ms = load->joiner_count > 0 ? cpu_us / 1000 / (double)load->joiner_count : 0;
    const struct row {
        const char *name;
        double value;
        int digits;
    } rows[] = {
        { "seconds", seconds, 1 },
        { "deliveries", (double)deliveries, 0 },
        { "deliveries_per_second", (double)deliveries / seconds, 0 },
        { "states_late", (double)load->moves.late, 0 },
        { "server_cpu_us_per_delivery", each, 3 },
        { "server_cpu_percent", cpu_us / seconds / 1e4, 1 },
        { "generator_cpu_percent", self_us / seconds / 1e4, 1 },
        { "messages_per_second", (double)load->received_messages / seconds, 0 },
        { "latency_p50_ms", ms(histogram_percentile(latency, 500)), 3 },
        { "latency_p99_ms", ms(histogram_percentile(latency, 990)), 3 },
        { "latency_max_ms", ms(latency->max_ns), 3 },
        { "ack_p50_ms", ms(histogram_percentile(&load->acks, 500)), 3 },
        { "ack_p99_ms", ms(histogram_percentile(&load->acks, 990)), 3 },
        { "joins", (double)load->joins.total, 0 },
        { "join_p50_ms", ms(histogram_percentile(&load->joins, 500)), 3 },
        { "join_p99_ms", ms(histogram_percentile(&load->joins, 990)), 3 },
        { "server_cpu_ms_per_join", join_ms, 3 },
        { "server_user_kb_per_connection", user_kb, 2 },
        { "server_resident_mb", (double)run->ended.resident_bytes / 1e6, 1 },
        { "server_peak_growth_mb", (double)run->ended.peak_bytes / 1e6 - (double)run->began.resident_bytes / 1e6, 1 },
        { "server_descriptors", (double)run->ended.descriptors, 0 },
        { "lost", (double)report->lost, 0 },
        { "duplicated", (double)load->updates.duplicated, 0 },
        { "closed_by_server", (double)load->closed_count, 0 },
        { "rooms_checked", (double)report->rooms_checked, 0 },
        { "rooms_differing", (double)report->rooms_differing, 0 },
    };
    if (json)
        printf("{\"scenario\":\"%s\",\"door\":\"%s\"", report->name, load->door->name);
    else
        printf("%s, %s\n", report->name, load->door->name);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (json)
            printf(",\"%s\":%.*f", rows[i].name, rows[i].digits, rows[i].value);
        else
            printf("  %-30s %14.*f\n", rows[i].name, rows[i].digits, rows[i].value);
    }
    if (json)
        printf("}\n");
}

/* ---- the command line ---- */

static void load_help(FILE *out) {
    fprintf(out, "usage: vibesync-load [options] SCENARIO\n\n"
                 "  --server URL             http://127.0.0.1:8440\n"
                 "  --door NAME              native, y (vibesyncd's door for y-websocket), yws, hocuspocus or bare\n"
                 "  --admin-token-file FILE  native: the token that may create sessions\n"
                 "  --pid N[,N…]             the server's processes: their CPU time and memory are measured\n"
                 "  --set NAME=VALUE         a setting of the scenario, over the file's\n"
                 "  --json                   one line of JSON instead of a table\n\n"
                 "Settings of a scenario file, one per line:\n\n");
#define SCENARIO_SETTING(name, initial, least, most, meaning) fprintf(out, "  %-16s %-6d %s\n", #name, initial, meaning);
#include "scenario.def"
#undef SCENARIO_SETTING
    fprintf(out, "  %-16s        %s\n", "trace",
            "a recorded session that each writer types instead (NAME.trace.zst), to its end or for as long as measured");
}

struct options {
    const char *file;
    int pids[GAUGE_PIDS_MAX];
    size_t pid_count;
    const char *sets[64];
    size_t set_count;
    bool json;
};

static void options_server(struct load *load, const char *url) {
    const char *at = strncmp(url, "http://", 7) == 0 ? url + 7 : strncmp(url, "ws://", 5) == 0 ? url + 5 : url;
    size_t size = strcspn(at, "/");
    const char *colon = memrchr(at, ':', size);
    if (colon == NULL || size >= sizeof load->host || (size_t)(at + size - colon) > sizeof load->port)
        load_die("--server takes http://HOST:PORT, not \"%s\"", url);
    memcpy(load->host, at, (size_t)(colon - at));
    memcpy(load->port, colon + 1, (size_t)(at + size - colon - 1));
    memcpy(load->authority, at, size);
}

static void options_door(struct load *load, const char *name) {
    static const struct door *const doors[] = { &door_native, &door_y, &door_yws, &door_hocuspocus, &door_bare };
    for (size_t i = 0; i < sizeof doors / sizeof doors[0]; i++)
        if (strcmp(doors[i]->name, name) == 0)
            load->door = doors[i];
    if (load->door == NULL)
        load_die("--door knows native, y, yws, hocuspocus and bare, not \"%s\"", name);
}

static size_t options_file(const char *path, char *text, size_t size) {
    FILE *file = fopen(path, "r");
    if (file == NULL)
        load_die("%s: %s", path, strerror(errno));
    size_t got = fread(text, 1, size, file);
    fclose(file);
    return got;
}

static void options_token(struct load *load, const char *path) {
    size_t size = options_file(path, load->admin_token, sizeof load->admin_token - 1);
    while (size > 0 && load->admin_token[size - 1] <= ' ')
        size--;
    load->admin_token[size] = '\0';
}

static void options_pids(struct options *options, const char *text) {
    char *end;
    do {
        long pid = strtol(text, &end, 10);
        if (pid <= 0 || (*end != ',' && *end != '\0') || options->pid_count == GAUGE_PIDS_MAX)
            load_die("--pid takes process ids with commas between");
        options->pids[options->pid_count++] = (int)pid;
        text = end + 1;
    } while (*end != '\0');
}

static void options_read(struct options *options, struct load *load, int count, char **arguments) {
    const char *server = "http://127.0.0.1:8440", *door = "native";
    for (int i = 1; i < count; i++) {
        const char *argument = arguments[i];
        if (strcmp(argument, "--help") == 0) {
            load_help(stdout);
            exit(LOAD_OK);
        } else if (strcmp(argument, "--version") == 0) {
            printf("vibesync-load %s\n", VIBESYNC_VERSION);
            exit(LOAD_OK);
        } else if (strcmp(argument, "--json") == 0) {
            options->json = true;
        } else if (argument[0] != '-' && options->file == NULL) {
            options->file = argument;
        } else if (i + 1 == count || argument[0] != '-') {
            load_help(stderr);
            exit(LOAD_USAGE);
        } else if (strcmp(argument, "--server") == 0) {
            server = arguments[++i];
        } else if (strcmp(argument, "--door") == 0) {
            door = arguments[++i];
        } else if (strcmp(argument, "--admin-token-file") == 0) {
            options_token(load, arguments[++i]);
        } else if (strcmp(argument, "--pid") == 0) {
            options_pids(options, arguments[++i]);
        } else if (strcmp(argument, "--set") == 0 && options->set_count < 64) {
            options->sets[options->set_count++] = arguments[++i];
        } else {
            load_help(stderr);
            exit(LOAD_USAGE);
        }
    }
    if (options->file == NULL) {
        load_help(stderr);
        exit(LOAD_USAGE);
    }
    options_server(load, server);
    options_door(load, door);
}

static void options_scenario(const struct options *options, struct scenario *scenario) {
    static char text[LOAD_FILE_BYTES_MAX];
    char error[256] = "";
    scenario_init(scenario);
    size_t size = options_file(options->file, text, sizeof text);
    if (scenario_read(scenario, bytes_of(text, size), error, sizeof error) != STATUS_OK)
        load_die("%s: %s", options->file, error);
    for (size_t i = 0; i < options->set_count; i++) {
        const char *equals = strchr(options->sets[i], '=');
        if (equals == NULL || scenario_set(scenario, bytes_of(options->sets[i], (size_t)(equals - options->sets[i])),
                                           bytes_text(equals + 1), error, sizeof error) != STATUS_OK)
            load_die("--set %s: %s", options->sets[i], equals == NULL ? "NAME=VALUE" : error);
    }
    if (scenario_check(scenario, error, sizeof error) != STATUS_OK)
        load_die("%s: %s", options->file, error);
}

/* A relative path begins in the scenario's folder. */
static void load_read_trace(struct load *load, const char *scenario_path) {
    char path[2 * SCENARIO_PATH_MAX];
    const char *slash = strrchr(scenario_path, '/'), *trace = load->scenario.trace;
    int folder = trace[0] == '/' || slash == NULL ? 0 : (int)(slash + 1 - scenario_path);
    if (trace[0] == '\0')
        return;
    if (snprintf(path, sizeof path, "%.*s%s", folder, scenario_path, trace) >= (int)sizeof path)
        load_die("%s: the path is too long", trace);
    recording_load(&load->recording, path, load->client_base, load->scenario.writers);
}

static void load_set_up(struct load *load) {
    const struct scenario *scenario = &load->scenario;
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    load->epoll = epoll_create1(EPOLL_CLOEXEC);
    load->run = load_random();
    load->client_base = 0x10000000 + (uint32_t)(load->run & 0x0fffffff);
    load->peer_count = scenario->rooms * scenario->connections;
    load->joiner_count = scenario->joins;
    load->rooms = load_must(calloc(scenario->rooms, sizeof *load->rooms));
    load->peers = load_must(calloc(load->peer_count + load->joiner_count + 1, sizeof *load->peers));
    load->checker = &load->peers[load->peer_count + load->joiner_count];
    ledger_init(&load->updates, scenario->rooms, scenario->writers);
    ledger_init(&load->moves, scenario->rooms, scenario->awareness);
    load->moves.newest_only = true;
    load->moves.in_time_ns = scenario->awareness_ms * 1000000;
    for (size_t i = 0; i <= load->peer_count + load->joiner_count; i++) {
        struct peer *peer = &load->peers[i];
        bool joiner = i >= load->peer_count;
        peer->load = load;
        peer->fd = -1;
        peer->joiner = joiner;
        peer->room = (uint32_t)(joiner ? (i - load->peer_count) % scenario->rooms : i / scenario->connections);
        peer->index = (uint32_t)(joiner ? scenario->connections : i % scenario->connections);
        ledger_view_init(&load->updates, &peer->updates);
        ledger_view_init(&load->moves, &peer->moves);
    }
}

static void load_tear_down(struct load *load) {
    for (size_t i = 0; i <= load->peer_count + load->joiner_count; i++) {
        struct peer *peer = &load->peers[i];
        peer_cut(peer);
        ledger_view_finish(&peer->updates);
        ledger_view_finish(&peer->moves);
        free(peer->partial);
        free(peer->unsent);
    }
    ledger_finish(&load->updates);
    ledger_finish(&load->moves);
    recording_finish(&load->recording);
    free(load->peers);
    free(load->rooms);
    close(load->epoll);
}

int main(int count, char **arguments) {
    static struct load load;
    static struct run run;
    struct options options = { 0 };
    options_read(&options, &load, count, arguments);
    options_scenario(&options, &load.scenario);
    load_set_up(&load);
    load_read_trace(&load, options.file);
    load.door->prepare(&load);

    uint64_t seed = load.scenario.seed;
    run.load = &load;
    bytes_writer_init(&run.update, &mem_default, 1 << 28);
    bytes_writer_init(&run.message, &mem_default, 1 << 28);
    clock_init(&run.writers, &load, load.scenario.writers, load.scenario.rate, &seed);
    clock_init(&run.cursors, &load, load.scenario.awareness, load.scenario.awareness > 0 ? load.scenario.awareness_rate : 0, &seed);
    if (load.scenario.churn > 0) {
        clock_init(&run.churn, &load, 1, load.scenario.churn, &seed);
        run.churn.count = 1;
    }
    run_read_gauge(options.pids, options.pid_count, &run.idle);
    run_connect(&run);
    run_read_gauge(options.pids, options.pid_count, &run.connected);
    load.received_messages = 0;
    run_measure(&run, options.pids, options.pid_count);

    const char *slash = strrchr(options.file, '/');
    struct report report = { .name = slash == NULL ? options.file : slash + 1 };
    report.lost = run_settle(&run);
    load.stopping = true;
    if (load.door->keeps && load.scenario.writers + load.scenario.document_bytes > 0)
        report.rooms_differing = check_rooms(&load, &report.rooms_checked);
    report_print(&run, &report, options.json);
    bool ok = report.lost == 0 && report.rooms_differing == 0 && load.updates.duplicated == 0 &&
              (load.closed_count == 0 || load.scenario.stalled > 0);
    free(run.writers.actors);
    free(run.cursors.actors);
    free(run.churn.actors);
    bytes_writer_finish(&run.update);
    bytes_writer_finish(&run.message);
    load_tear_down(&load);
    return ok ? LOAD_OK : LOAD_LOST;
}
