/* replay.c — a recorded editing session typed again, by several clients over real connections.
 *
 *   sequential trace   one typist at a time; the turn goes round every --turn edits. The next one starts when its own replica has
 *                      everything that was typed before, so each edit has crossed the server:
 *
 *                          typist 0 ──edits 0…255──▶ server ──▶ typist 1 has them all? ──edits 256…511──▶ …
 *
 *   concurrent trace   each author is a typist. A *screen*, a replica that holds exactly what the author had seen, turns positions
 * into an update; the typist's own replica, which may have seen more by now, publishes it. A step waits until what it builds on has
 * arrived over the network.
 *
 * Every typist keeps at most --window updates unacknowledged. Connections may be lost and come back in the middle, with the server
 * killed and restarted: typing goes on where it stood. In the end all replicas, and that of a newcomer, must be equal. */
#include "cli.h"
#include "latency.h"
#include "trace.h"
#include "wire/json_body.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
    REPLAY_BURST = 512,       /* edits of one typist between two looks at the network */
    REPLAY_PROGRESS_MS = 100, /* between two pictures of the bar */
    REPLAY_TYPISTS_DEFAULT = 4,
    REPLAY_NAMES_MAX = 1000
};

enum shown { NOT_SHOWN, SHOWN, MARKED };

struct typist {
    struct replay *replay;
    struct client *client;
    struct client_document *document;
    struct latency_tracker tracker;
    bool ready; /* has been ready once */
    /* concurrent: */
    struct crdt_doc *screen;
    struct crdt_type *screen_text;
    uint8_t *shown; /* per step: enum shown */
    uint32_t next;  /* its next step, step_count: none */
};

struct replay {
    struct cli *cli;
    struct trace trace;
    struct bytes_writer trace_bytes, expected;
    bool has_expected;
    char url[CLIENT_URL_BYTES_MAX + WIRE_CREDENTIAL_BYTES_MAX];
    char path[FILES_PATH_BYTES_MAX + 1];
    struct client_poll *poll;
    struct typist *typists;
    uint32_t *authors; /* concurrent: which typist plays which author */
    uint32_t typist_count;
    bool created; /* the file is there */
    bool taken;   /* it was there before */
    bool ended;   /* `exit` says how */
    int exit;
    uint64_t reconnects;

    uint32_t step; /* sequential: the next; concurrent: how many were typed */
    uint32_t turn; /* sequential: whose */
    uint32_t turn_left;
    bool turn_waits; /* the next typist does not have everything yet */
    uint32_t turn_before;
    uint32_t *worklist;    /* concurrent: as long as there are steps */
    struct bytes *updates; /* concurrent: what each typed step became */
    struct bytes_writer scratch;

    uint64_t edits, started_us, typed_us, ended_us, moved_ms, drawn_ms, received_before;
    struct latency latency;
};

static uint64_t now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void replay_end(struct replay *replay, int exit) {
    if (replay->ended)
        return;
    replay->ended = true;
    replay->exit = exit;
}

/* ---- setting up ---- */

/* `number`  above 1: for a name that was not given, the one to try after NAME.txt, NAME-2.txt, … were taken */
static bool replay_name_file(struct replay *replay, unsigned number) {
    const char *base = strrchr(replay->cli->words[0], '/');
    base = base ? base + 1 : replay->cli->words[0];
    int stem = (int)strcspn(base, ".");
    if (replay->cli->file)
        snprintf(replay->path, sizeof replay->path, "%s", replay->cli->file);
    else if (number > 1)
        snprintf(replay->path, sizeof replay->path, "%.*s-%u.txt", stem, base, number);
    else
        snprintf(replay->path, sizeof replay->path, "%.*s.txt", stem, base);
    const char *wrong = file_path_fault(bytes_text(replay->path));
    if (wrong)
        cli_say("%s: %s", replay->path, wrong);
    return !wrong;
}

static int replay_load(struct replay *replay) {
    const struct cli *cli = replay->cli;
    if (!cli_read_file(cli->words[0], TRACE_BYTES_MAX, &replay->trace_bytes))
        return CLI_USAGE;
    enum status status = trace_read(bytes_written(&replay->trace_bytes), &replay->trace);
    if (status != STATUS_OK) {
        cli_say("%s: %s", cli->words[0], status == STATUS_MALFORMED ? "this is no trace (TRSQ or TRCC)" : status_sentence(status));
        return CLI_USAGE;
    }
    if (cli->verify) {
        replay->has_expected = true;
        if (!cli_read_file(cli->verify, TRACE_BYTES_MAX, &replay->expected))
            return CLI_USAGE;
    }
    uint32_t least = replay->trace.concurrent ? replay->trace.agent_count : 1;
    replay->typist_count = cli->clients > 0                 ? (uint32_t)cli->clients
                           : least > REPLAY_TYPISTS_DEFAULT ? least
                                                            : REPLAY_TYPISTS_DEFAULT;
    if (replay->typist_count < least) {
        cli_say("this trace has %u authors: --clients must be at least %u", least, least);
        return CLI_USAGE;
    }
    return CLI_OK;
}

static void typist_on_event(void *context, struct client *client, const struct client_event *event) {
    struct typist *typist = context;
    struct replay *replay = typist->replay;
    switch (event->kind) {
    case CLIENT_JOINED:
        replay->moved_ms = client_poll_now();
        if (event->resumed)
            replay->reconnects++;
        break;
    case CLIENT_LOST:
        if (!replay->ended && client_join_count(client) == 0 && event->code == 0 && !event->fault) {
            cli_say("%s:%u: %.*s; is vibesyncd running?", client_host(client), (unsigned)client_port(client),
                    (int)event->reason.size, (const char *)event->reason.data);
            replay_end(replay, CLI_UNREACHABLE);
        }
        break;
    case CLIENT_STOPPED:
        if (replay->ended)
            break;
        fputs("vibesync: ", stderr);
        cli_print_safe(stderr, event->reason);
        fputc('\n', stderr);
        replay_end(replay, event->code == WIRE_CLOSE_CREDENTIALS || event->code == WIRE_CLOSE_DENIED ? CLI_DENIED : CLI_FAILED);
        break;
    case CLIENT_DOCUMENT_READY:
        typist->ready = true;
        replay->moved_ms = client_poll_now();
        break;
    case CLIENT_DOCUMENT_HALTED:
        if (!replay->ended)
            replay_end(replay, cli_fail_fault(event->fault));
        break;
    case CLIENT_DOCUMENT_CHANGED:
        replay->moved_ms = client_poll_now();
        break;
    default:
        break;
    }
}

static enum status typist_start(struct replay *replay, struct typist *typist) {
    struct client_options options = { .url = bytes_text(replay->url),
                                      .name = bytes_text("vibesync-replay"),
                                      .version = bytes_text(VIBESYNC_VERSION),
                                      .random = client_poll_random,
                                      .now_ms = client_poll_now(),
                                      .ca_file = replay->cli->ca };
    typist->replay = replay;
    enum status status = client_create(&options, &typist->client);
    if (status == STATUS_OK)
        status = client_poll_add(replay->poll, typist->client, typist_on_event, typist);
    if (status == STATUS_OK)
        status = latency_tracker_init(&typist->tracker, 2 * replay->cli->window);
    return status;
}

static void typist_finish(struct typist *typist) {
    client_destroy(typist->client);
    crdt_doc_destroy(typist->screen);
    latency_tracker_finish(&typist->tracker);
    mem_free(&mem_default, typist->shown, typist->shown ? (size_t)typist->replay->trace.step_count + 1 : 0);
}

/* Turns until `done(replay)`. Answers the exit status when the end came first. */
static int replay_await(struct replay *replay, bool (*done)(struct replay *), const char *what) {
    replay->moved_ms = client_poll_now();
    while (!done(replay)) {
        if (replay->ended)
            return replay->exit;
        if (cli_interrupted())
            return CLI_INTERRUPTED;
        if (client_poll_now() - replay->moved_ms > replay->cli->patience * 1000) {
            cli_say("nothing moved for %llu s: %s", (unsigned long long)replay->cli->patience, what);
            return CLI_UNREACHABLE;
        }
        if (client_poll_turn(replay->poll, 100) != STATUS_OK)
            return cli_fail_status("poll", STATUS_IO);
    }
    return CLI_OK;
}

static bool all_joined(struct replay *replay) {
    for (uint32_t i = 0; i < replay->typist_count; i++)
        if (!client_joined(replay->typists[i].client))
            return false;
    return true;
}

static bool file_created(struct replay *replay) {
    return replay->created;
}

static bool all_ready(struct replay *replay) {
    for (uint32_t i = 0; i < replay->typist_count; i++)
        if (!replay->typists[i].ready)
            return false;
    return true;
}

static void on_created(void *context, struct client *client, const struct client_reply *reply) {
    struct replay *replay = context;
    (void)client;
    replay->created = true;
    replay->taken = reply->status == STATUS_DENIED && reply->fault->code == WIRE_CODE_EXISTS;
    if (reply->status == STATUS_UNAVAILABLE)
        replay_end(replay, CLI_UNREACHABLE);
    if (reply->status == STATUS_DENIED && !replay->taken)
        replay_end(replay, cli_fail_fault(reply->fault));
}

/* Makes the file. One that is there already will do if it was asked for; else the next free name is taken. */
static int replay_make_file(struct replay *replay) {
    for (unsigned number = 1; number <= REPLAY_NAMES_MAX; number++) {
        if (!replay_name_file(replay, number))
            return CLI_USAGE;
        replay->created = replay->taken = false;
        enum status status = client_file_create(replay->typists[0].client, bytes_text(replay->path), on_created, replay);
        if (status != STATUS_OK)
            return cli_fail_status("making the file", status);
        int exit = replay_await(replay, file_created, "the file was not made");
        if (replay->ended)
            return replay->exit;
        if (exit != CLI_OK || !replay->taken || replay->cli->file)
            return exit;
    }
    cli_say("all names up to %s are taken; choose one with --file", replay->path);
    return CLI_FAILED;
}

static enum status screen_start(struct replay *replay, struct typist *typist, uint32_t agent) {
    struct crdt_doc_options options = { .client_id = crdt_doc_client_id(client_document_replica(typist->document)), .gc = true };
    enum status status = crdt_doc_create(&options, &typist->screen);
    if (status == STATUS_OK)
        status = crdt_doc_root(typist->screen, bytes_text("text"), &typist->screen_text);
    typist->shown = mem_zalloc(&mem_default, (size_t)replay->trace.step_count + 1);
    typist->next = 0;
    while (typist->next < replay->trace.step_count && replay->trace.steps[typist->next].agent != agent)
        typist->next++;
    return typist->shown ? status : STATUS_NO_MEMORY;
}

static int by_client_id(const void *a, const void *b, void *context) {
    const struct replay *replay = context;
    const struct client_document *left = replay->typists[*(const uint32_t *)a].document;
    const struct client_document *right = replay->typists[*(const uint32_t *)b].document;
    uint64_t left_id = crdt_doc_client_id(client_document_replica(left));
    uint64_t right_id = crdt_doc_client_id(client_document_replica(right));
    return (left_id > right_id) - (left_id < right_id);
}

/* Gives each author a typist. Where two authors wrote at one place at the same time, the smaller client id comes first; when the
 * trace was recorded that was the author with the smaller number. */
static enum status replay_cast(struct replay *replay) {
    replay->worklist = mem_alloc(&mem_default, ((size_t)replay->trace.step_count + 1) * sizeof *replay->worklist);
    replay->updates = mem_zalloc(&mem_default, ((size_t)replay->trace.step_count + 1) * sizeof *replay->updates);
    replay->authors = mem_alloc(&mem_default, replay->typist_count * sizeof *replay->authors);
    if (!replay->worklist || !replay->updates || !replay->authors)
        return STATUS_NO_MEMORY;
    for (uint32_t i = 0; i < replay->typist_count; i++)
        replay->authors[i] = i;
    qsort_r(replay->authors, replay->typist_count, sizeof *replay->authors, by_client_id, replay);
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < replay->trace.agent_count && status == STATUS_OK; i++)
        status = screen_start(replay, &replay->typists[replay->authors[i]], i);
    return status;
}

static int replay_set_up(struct replay *replay) {
    enum status status = client_poll_create(NULL, &replay->poll);
    replay->typists = mem_zalloc(&mem_default, replay->typist_count * sizeof *replay->typists);
    if (!replay->typists)
        status = STATUS_NO_MEMORY;
    for (uint32_t i = 0; i < replay->typist_count && status == STATUS_OK; i++)
        status = typist_start(replay, &replay->typists[i]);
    if (status != STATUS_OK)
        return cli_fail_create(replay->cli, status);
    int exit = replay_await(replay, all_joined, "the session could not be joined");
    if (exit != CLI_OK)
        return exit;
    exit = replay_make_file(replay);
    if (exit != CLI_OK)
        return exit;
    for (uint32_t i = 0; i < replay->typist_count && status == STATUS_OK; i++)
        status =
            client_document_open(replay->typists[i].client, NULL, bytes_text(replay->path), NULL, &replay->typists[i].document);
    if (status != STATUS_OK)
        return cli_fail_status("opening the file", status);
    exit = replay_await(replay, all_ready, "the file did not open");
    if (exit != CLI_OK)
        return exit;
    if (client_document_length(replay->typists[0].document) > 0) {
        cli_say("%s is not empty; choose another with --file", replay->path);
        return CLI_FAILED;
    }
    if (replay->trace.concurrent)
        status = replay_cast(replay);
    return status == STATUS_OK ? CLI_OK : cli_fail_status("the screens", status);
}

/* ---- typing ---- */

static bool typist_may_type(const struct replay *replay, const struct typist *typist) {
    struct client_progress progress = client_document_progress(typist->document);
    if (client_document_state(typist->document) != CLIENT_DOCUMENT_LIVE || progress.owes ||
        progress.sent - progress.acknowledged >= replay->cli->window)
        return false;
    return replay->cli->rate == 0 || replay->edits < (now_us() - replay->started_us) * replay->cli->rate / 1000000 + 1;
}

static void typist_typed(struct replay *replay, struct typist *typist, uint64_t sent_before, uint32_t edits) {
    struct client_progress progress = client_document_progress(typist->document);
    replay->edits += edits;
    replay->moved_ms = client_poll_now();
    if (progress.sent > sent_before)
        latency_sent(&typist->tracker, progress.opening, progress.sent, now_us());
}

static void typing_failed(struct replay *replay, enum status status) {
    cli_say("step %u of the trace cannot be typed: %s", replay->step, status_sentence(status));
    replay_end(replay, CLI_DIFFERENT);
}

/* Whether `typist` has everything that `other` has. Lengths too: a state vector knows nothing of deletions. */
static bool typist_has_all_of(struct replay *replay, const struct typist *typist, const struct crdt_doc *other, bool with_deletions,
                              uint64_t length) {
    bool peer_misses, doc_misses = true;
    bytes_writer_reset(&replay->scratch);
    if (crdt_state_vector_encode(other, &replay->scratch) != STATUS_OK ||
        crdt_state_vector_compare(client_document_replica(typist->document), bytes_written(&replay->scratch), &peer_misses,
                                  &doc_misses) != STATUS_OK)
        return false;
    return !doc_misses && (!with_deletions || client_document_length(typist->document) == length);
}

static bool type_sequential(struct replay *replay) {
    bool typed = false;
    if (replay->turn_waits) {
        const struct client_document *before = replay->typists[replay->turn_before].document;
        if (!typist_has_all_of(replay, &replay->typists[replay->turn], client_document_replica(before), true,
                               client_document_length(before)))
            return false;
        replay->turn_waits = false;
    }
    struct typist *typist = &replay->typists[replay->turn];
    for (uint32_t burst = 0; burst < REPLAY_BURST && replay->step < replay->trace.step_count && replay->turn_left > 0; burst++) {
        if (!typist_may_type(replay, typist))
            break;
        const struct trace_patch *patch = &replay->trace.patches[replay->step];
        uint64_t sent = client_document_progress(typist->document).sent;
        enum status status = client_document_replace(typist->document, patch->position, patch->deleted, patch->text);
        if (status != STATUS_OK) {
            typing_failed(replay, status);
            return false;
        }
        typist_typed(replay, typist, sent, 1);
        replay->step++;
        replay->turn_left--;
        typed = true;
    }
    if (replay->turn_left == 0 && replay->typist_count > 1) {
        replay->turn_before = replay->turn;
        replay->turn = (replay->turn + 1) % replay->typist_count;
        replay->turn_waits = true;
    }
    if (replay->turn_left == 0)
        replay->turn_left = (uint32_t)replay->cli->turn;
    return typed;
}

static int by_index(const void *a, const void *b) {
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

static enum status screen_apply(struct replay *replay, struct typist *typist, uint32_t step) {
    struct crdt_txn *txn = crdt_txn_begin(typist->screen);
    enum status status = crdt_update_apply(txn, replay->updates[step], NULL);
    (void)crdt_txn_commit(txn, NULL, NULL);
    return status;
}

/* Puts everything that `step` builds on, however far back, on the typist's screen. STATUS_MORE: something of it was not typed yet.
 */
static enum status screen_show(struct replay *replay, struct typist *typist, uint32_t step) {
    uint32_t *missing = replay->worklist, count = 0;
    enum status status = STATUS_OK;
    /* Collects ancestors that are not shown; those in the list are marked, so each stands there once. */
    for (uint32_t at = step, done = 0;; at = missing[done++]) {
        const struct trace_step *look = &replay->trace.steps[at];
        for (uint32_t i = 0; i < look->parent_count; i++) {
            uint32_t parent = replay->trace.parents[look->parent + i];
            if (typist->shown[parent] != NOT_SHOWN)
                continue;
            typist->shown[parent] = MARKED;
            missing[count++] = parent;
            if (!replay->updates[parent].data)
                status = STATUS_MORE;
        }
        if (done == count)
            break;
    }
    /* Parents stand before their children in a trace. */
    qsort(missing, count, sizeof *missing, by_index);
    for (uint32_t i = 0; i < count; i++) {
        if (status == STATUS_OK)
            status = screen_apply(replay, typist, missing[i]);
        typist->shown[missing[i]] = status == STATUS_OK ? SHOWN : NOT_SHOWN;
    }
    return status;
}

/* Types a step on the screen: `out` gets the update. */
static enum status screen_type(struct replay *replay, struct typist *typist, const struct trace_step *step,
                               struct bytes_writer *out) {
    enum status status = crdt_doc_set_client_id(typist->screen, crdt_doc_client_id(client_document_replica(typist->document)));
    struct crdt_txn *txn = crdt_txn_begin(typist->screen);
    for (uint32_t i = 0; i < step->patch_count && status == STATUS_OK; i++) {
        const struct trace_patch *patch = &replay->trace.patches[step->patch + i];
        if (patch->deleted > 0)
            status = crdt_text_delete(txn, typist->screen_text, patch->position, patch->deleted);
        if (status == STATUS_OK && patch->text.size > 0)
            status = crdt_text_insert(txn, typist->screen_text, patch->position, patch->text);
    }
    enum status written = crdt_txn_commit(txn, out, NULL);
    return status == STATUS_OK ? written : status;
}

/* Keeps an update for the screens of the others. */
static enum status replay_keep(struct replay *replay, uint32_t step, struct bytes update) {
    static const uint8_t nothing[] = { 0, 0 };
    if (update.size == 0)
        update = bytes_of(nothing, sizeof nothing);
    uint8_t *copy = mem_alloc(&mem_default, update.size);
    if (!copy)
        return STATUS_NO_MEMORY;
    memcpy(copy, update.data, update.size);
    replay->updates[step] = bytes_of(copy, update.size);
    return STATUS_OK;
}

/* Types the author's next step. false: not now. */
static bool type_step(struct replay *replay, uint32_t agent) {
    struct typist *typist = &replay->typists[replay->authors[agent]];
    const struct trace_step *step = &replay->trace.steps[typist->next];
    enum status status = STATUS_OK;
    if (!typist_may_type(replay, typist))
        return false;
    status = screen_show(replay, typist, typist->next);
    if (status == STATUS_MORE || (status == STATUS_OK && !typist_has_all_of(replay, typist, typist->screen, false, 0)))
        return false;
    struct bytes_writer update;
    bytes_writer_init(&update, &mem_default, TRACE_BYTES_MAX);
    if (status == STATUS_OK)
        status = screen_type(replay, typist, step, &update);
    if (status == STATUS_OK)
        status = replay_keep(replay, typist->next, bytes_written(&update));
    uint64_t sent = client_document_progress(typist->document).sent;
    if (status == STATUS_OK && update.size > 0)
        status = client_document_apply(typist->document, bytes_written(&update));
    bytes_writer_finish(&update);
    if (status != STATUS_OK) {
        typing_failed(replay, status);
        return false;
    }
    typist->shown[typist->next] = SHOWN;
    typist_typed(replay, typist, sent, step->patch_count);
    replay->step++;
    do
        typist->next++;
    while (typist->next < replay->trace.step_count && replay->trace.steps[typist->next].agent != agent);
    return true;
}

static bool type_concurrent(struct replay *replay) {
    bool typed = false;
    for (uint32_t agent = 0; agent < replay->trace.agent_count; agent++)
        for (uint32_t burst = 0; burst < REPLAY_BURST && replay->typists[replay->authors[agent]].next < replay->trace.step_count;
             burst++) {
            if (!type_step(replay, agent))
                break;
            typed = true;
        }
    return typed;
}

/* ---- progress ---- */

static void replay_note_acknowledgements(struct replay *replay) {
    uint64_t us = now_us();
    for (uint32_t i = 0; i < replay->typist_count; i++) {
        struct client_progress progress = client_document_progress(replay->typists[i].document);
        size_t before = replay->latency.count;
        latency_acknowledged(&replay->typists[i].tracker, &replay->latency, progress.opening, progress.acknowledged, us);
        if (replay->latency.count != before)
            replay->moved_ms = client_poll_now();
    }
}

static void replay_draw(struct replay *replay, bool last) {
    uint64_t now = client_poll_now();
    uint32_t connected = 0;
    char bar[31];
    if (replay->cli->quiet || !isatty(STDERR_FILENO) || (!last && now - replay->drawn_ms < REPLAY_PROGRESS_MS))
        return;
    replay->drawn_ms = now;
    uint64_t us = now_us() - replay->started_us;
    uint64_t total = replay->trace.patch_count > 0 ? replay->trace.patch_count : 1;
    size_t filled = (size_t)(replay->edits * (sizeof bar - 1) / total);
    memset(bar, '-', sizeof bar - 1);
    memset(bar, '#', filled > sizeof bar - 1 ? sizeof bar - 1 : filled);
    bar[sizeof bar - 1] = '\0';
    for (uint32_t i = 0; i < replay->typist_count; i++)
        connected += client_joined(replay->typists[i].client);
    fprintf(stderr, "\r[%s] %3u%%  %llu edits  %llu/s  %zu saved  %u of %u connected\033[K%s", bar,
            (unsigned)(replay->edits * 100 / total), (unsigned long long)replay->edits,
            (unsigned long long)(us > 0 ? replay->edits * 1000000 / us : 0), replay->latency.count, connected, replay->typist_count,
            last ? "\n" : "");
}

static bool all_saved(struct replay *replay) {
    replay_note_acknowledgements(replay);
    replay_draw(replay, false);
    for (uint32_t i = 0; i < replay->typist_count; i++)
        if (!client_document_saved(replay->typists[i].document) ||
            client_document_state(replay->typists[i].document) != CLIENT_DOCUMENT_LIVE)
            return false;
    return true;
}

/* Everyone has what everyone has. */
static bool all_equal(struct replay *replay) {
    const struct client_document *first = replay->typists[0].document;
    if (!all_saved(replay))
        return false;
    for (uint32_t i = 1; i < replay->typist_count; i++)
        if (!typist_has_all_of(replay, &replay->typists[i], client_document_replica(first), true, client_document_length(first)) ||
            !typist_has_all_of(replay, &replay->typists[0], client_document_replica(replay->typists[i].document), false, 0))
            return false;
    return true;
}

static int replay_type_all(struct replay *replay) {
    replay->started_us = now_us();
    replay->moved_ms = client_poll_now();
    replay->turn_left = (uint32_t)replay->cli->turn;
    while (replay->step < replay->trace.step_count) {
        bool typed = replay->trace.concurrent ? type_concurrent(replay) : type_sequential(replay);
        if (replay->ended)
            return replay->exit;
        if (cli_interrupted())
            return CLI_INTERRUPTED;
        if (client_poll_now() - replay->moved_ms > replay->cli->patience * 1000) {
            cli_say("nothing moved for %llu s at step %u", (unsigned long long)replay->cli->patience, replay->step);
            return CLI_UNREACHABLE;
        }
        if (client_poll_turn(replay->poll, typed ? 0 : replay->cli->rate > 0 ? 1 : 20) != STATUS_OK)
            return cli_fail_status("poll", STATUS_IO);
        replay_note_acknowledgements(replay);
        replay_draw(replay, false);
    }
    replay->typed_us = now_us();
    return CLI_OK;
}

/* ---- the verdict ---- */

struct verdict {
    bool complete, equal, newcomer_equal, as_expected;
    uint64_t text_bytes, updates, update_bytes, received, missing;
};

/* Reads the text through a connection that knew nothing. */
static bool newcomer_reads(struct replay *replay, struct bytes text) {
    struct typist newcomer = { .replay = replay };
    struct bytes_writer other;
    bool equal = false;
    bytes_writer_init(&other, &mem_default, TRACE_BYTES_MAX);
    enum status status = typist_start(replay, &newcomer);
    if (status == STATUS_OK)
        status = client_document_open(newcomer.client, NULL, bytes_text(replay->path), NULL, &newcomer.document);
    uint64_t started = client_poll_now();
    while (status == STATUS_OK && !newcomer.ready && !replay->ended && client_poll_now() - started < CLI_SAVE_MS &&
           !cli_interrupted())
        status = client_poll_turn(replay->poll, 100);
    if (status == STATUS_OK && newcomer.ready)
        status = client_document_text(newcomer.document, &other);
    equal = status == STATUS_OK && newcomer.ready && bytes_equal(bytes_written(&other), text);
    bytes_writer_finish(&other);
    if (newcomer.client)
        client_poll_remove(replay->poll, newcomer.client);
    typist_finish(&newcomer);
    return equal;
}

static struct verdict replay_judge(struct replay *replay, bool complete) {
    struct verdict verdict = { .complete = complete, .equal = true };
    struct bytes_writer first, other;
    bytes_writer_init(&first, &mem_default, TRACE_BYTES_MAX);
    bytes_writer_init(&other, &mem_default, TRACE_BYTES_MAX);
    bool read = client_document_text(replay->typists[0].document, &first) == STATUS_OK;
    for (uint32_t i = 0; i < replay->typist_count; i++) {
        const struct client_document *document = replay->typists[i].document;
        struct client_progress progress = client_document_progress(document);
        verdict.updates += progress.updates;
        verdict.update_bytes += progress.update_bytes;
        verdict.received += progress.received;
        verdict.missing += progress.units_missing;
        bytes_writer_reset(&other);
        read = read && client_document_text(document, &other) == STATUS_OK;
        verdict.equal = verdict.equal && read && bytes_equal(bytes_written(&first), bytes_written(&other));
    }
    verdict.text_bytes = first.size;
    verdict.as_expected = !replay->has_expected || bytes_equal(bytes_written(&first), bytes_written(&replay->expected));
    verdict.newcomer_equal = complete && newcomer_reads(replay, bytes_written(&first));
    bytes_writer_finish(&first);
    bytes_writer_finish(&other);
    return verdict;
}

static void replay_print_json(struct replay *replay, const struct verdict *verdict, uint64_t us) {
    struct bytes_writer text;
    bytes_writer_init(&text, &mem_default, 65536);
    struct json_writer json = json_write_open(&text);
    json_write_string(&json, "trace", replay->cli->words[0]);
    json_write_string(&json, "file", replay->path);
    json_write_uint(&json, "clients", replay->typist_count);
    json_write_uint(&json, "edits", replay->edits);
    json_write_uint(&json, "milliseconds", us / 1000);
    json_write_uint(&json, "edits_per_second", us > 0 ? replay->edits * 1000000 / us : 0);
    json_write_uint(&json, "updates", verdict->updates);
    json_write_uint(&json, "update_bytes", verdict->update_bytes);
    json_write_uint(&json, "received", verdict->received);
    json_write_uint(&json, "timed", replay->latency.count);
    json_write_uint(&json, "ack_p50_us", latency_percentile(&replay->latency, 500));
    json_write_uint(&json, "ack_p99_us", latency_percentile(&replay->latency, 990));
    json_write_uint(&json, "ack_max_us", latency_percentile(&replay->latency, 1000));
    json_write_uint(&json, "reconnects", replay->reconnects);
    json_write_uint(&json, "units_missing", verdict->missing);
    json_write_uint(&json, "text_bytes", verdict->text_bytes);
    json_write_bool(&json, "complete", verdict->complete);
    json_write_bool(&json, "clients_equal", verdict->equal);
    json_write_bool(&json, "newcomer_equal", verdict->newcomer_equal);
    if (replay->has_expected)
        json_write_bool(&json, "verified", verdict->as_expected);
    json_write_close(&json);
    printf("%.*s\n", (int)text.size, (const char *)text.data);
    bytes_writer_finish(&text);
}

static void replay_print(struct replay *replay, const struct verdict *verdict, uint64_t us) {
    printf("%s: %llu edits by %u clients in %.2f s, %llu edits/s%s\n", replay->path, (unsigned long long)replay->edits,
           replay->typist_count, (double)us / 1e6, (unsigned long long)(us > 0 ? replay->edits * 1000000 / us : 0),
           verdict->complete ? "" : " (not finished)");
    printf("updates     %llu sent (%.1f MB), %llu received\n", (unsigned long long)verdict->updates,
           (double)verdict->update_bytes / 1e6, (unsigned long long)verdict->received);
    printf("durable     %zu timed: after %.1f ms (median), %.1f ms (99 %%), %.1f ms (longest)\n", replay->latency.count,
           latency_percentile(&replay->latency, 500) / 1e3, latency_percentile(&replay->latency, 990) / 1e3,
           latency_percentile(&replay->latency, 1000) / 1e3);
    printf("connection  %llu resumed, %llu acknowledged units missing\n", (unsigned long long)replay->reconnects,
           (unsigned long long)verdict->missing);
    printf("text        %llu bytes; clients %s; newcomer %s%s%s\n", (unsigned long long)verdict->text_bytes,
           verdict->equal ? "equal" : "DIFFERENT", verdict->newcomer_equal ? "equal" : "DIFFERENT",
           replay->has_expected ? (verdict->as_expected ? "; equal to " : "; DIFFERENT from ") : "",
           replay->has_expected ? replay->cli->verify : "");
}

static int replay_finish(struct replay *replay, int exit) {
    bool typed = exit == CLI_OK;
    if (typed)
        exit = replay_await(replay, all_equal, "waiting until everything is saved and everywhere");
    replay->ended_us = now_us();
    replay_note_acknowledgements(replay);
    replay_draw(replay, true);
    struct verdict verdict = replay_judge(replay, exit == CLI_OK);
    uint64_t us = replay->ended_us - replay->started_us;
    if (replay->cli->json)
        replay_print_json(replay, &verdict, us);
    else
        replay_print(replay, &verdict, us);
    if (typed && exit != CLI_INTERRUPTED &&
        (!verdict.equal || !verdict.newcomer_equal || !verdict.as_expected || verdict.missing > 0))
        exit = CLI_DIFFERENT;
    return exit;
}

int cli_replay(struct cli *cli) {
    struct replay replay = { .cli = cli };
    (void)cli_interrupted();
    bytes_writer_init(&replay.scratch, &mem_default, CRDT_UPDATE_BYTES_MAX);
    if (!replay_name_file(&replay, 1) || !room_address(cli, replay.url, sizeof replay.url))
        return CLI_USAGE;
    int exit = replay_load(&replay);
    if (exit == CLI_OK)
        exit = replay_set_up(&replay);
    if (exit == CLI_OK)
        exit = replay_finish(&replay, replay_type_all(&replay));
    client_poll_destroy(replay.poll);
    for (uint32_t i = 0; replay.typists && i < replay.typist_count; i++)
        typist_finish(&replay.typists[i]);
    mem_free(&mem_default, replay.typists, replay.typists ? replay.typist_count * sizeof *replay.typists : 0);
    for (uint32_t i = 0; replay.updates && i < replay.trace.step_count; i++)
        mem_free(&mem_default, (void *)(uintptr_t)replay.updates[i].data, replay.updates[i].size);
    mem_free(&mem_default, replay.updates, replay.updates ? ((size_t)replay.trace.step_count + 1) * sizeof *replay.updates : 0);
    mem_free(&mem_default, replay.authors, replay.authors ? replay.typist_count * sizeof *replay.authors : 0);
    mem_free(&mem_default, replay.worklist, replay.worklist ? ((size_t)replay.trace.step_count + 1) * sizeof *replay.worklist : 0);
    latency_finish(&replay.latency);
    trace_finish(&replay.trace);
    bytes_writer_finish(&replay.scratch);
    if (replay.trace_bytes.mem)
        bytes_writer_finish(&replay.trace_bytes);
    if (replay.expected.mem)
        bytes_writer_finish(&replay.expected);
    return exit;
}
