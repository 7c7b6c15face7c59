/* cli_room.c — a client in a session, and the waiting that verbs do: until joined, until answered, until saved. */
#include "cli.h"

#include <unistd.h>

bool room_address(const struct cli *cli, char *out, size_t size) {
    struct client_url url = { 0 };
    enum status status;
    if (cli->url && !cli->session) {
        status = client_url_parse(bytes_text(cli->url), &url);
        if (status != STATUS_OK || uuid_is_nil(&url.session)) {
            cli_say("--url: a session's URL looks like http://HOST:PORT/v1/sessions/UUID#token=TOKEN");
            return false;
        }
    } else if (cli->session) {
        status = client_url_parse(bytes_text(cli_server(cli)), &url);
        if (status != STATUS_OK || !uuid_parse(bytes_text(cli->session), &url.session)) {
            cli_say(status != STATUS_OK ? "--server: a server's address looks like http://127.0.0.1:8440"
                                        : "--session: that is no session's id (36 characters with dashes)");
            return false;
        }
    } else {
        cli_say("which session? Give --url URL, or --session UUID and --token TOKEN, or set VIBESYNC_URL; `vibesync join CODE` "
                "prints it");
        return false;
    }
    struct bytes token = cli->token ? bytes_text(cli->token) : url.token;
    if (token.size == 0) {
        cli_say("no token: give --token TOKEN or a URL with #token=TOKEN");
        return false;
    }
    char session[UUID_TEXT_SIZE + 1];
    uuid_format(&url.session, session);
    int length = snprintf(out, size, "%s://%s/v1/sessions/%s#token=%.*s", cli_scheme(&url), url.authority, session, (int)token.size,
                          (const char *)token.data);
    return length > 0 && (size_t)length < size;
}

static int room_exit_of(const struct client_event *event) {
    if (event->fault && (event->fault->code == WIRE_CODE_CREDENTIALS || event->fault->code == WIRE_CODE_PERMISSION_DENIED))
        return CLI_DENIED;
    if (event->code == WIRE_CLOSE_CREDENTIALS || event->code == WIRE_CLOSE_DENIED || event->code == WIRE_CLOSE_REMOVED)
        return CLI_DENIED;
    return event->code == WIRE_CLOSE_GONE ? CLI_FAILED : CLI_UNREACHABLE;
}

static void room_say(const char *what, struct bytes reason) {
    fprintf(stderr, "vibesync: %s", what);
    cli_print_safe(stderr, reason);
    fputc('\n', stderr);
}

static void room_on_event(void *context, struct client *client, const struct client_event *event) {
    struct room *room = context;
    switch (event->kind) {
    case CLIENT_JOINED:
        if (room->lost && isatty(STDERR_FILENO))
            cli_say("connected again");
        room->lost = false;
        break;
    case CLIENT_LOST:
        if (client_join_count(client) == 0 && event->code == 0 && !event->fault) {
            cli_say("%s:%u: %.*s; is vibesyncd running?", client_host(client), (unsigned)client_port(client),
                    (int)event->reason.size, (const char *)event->reason.data);
            room->ended = true;
            room->exit = CLI_UNREACHABLE;
        } else if (!room->lost) {
            room_say("connection lost, trying again: ", event->reason);
        }
        room->lost = true;
        break;
    case CLIENT_STOPPED:
        if (event->code != WIRE_CLOSE_NORMAL)
            room_say("", event->reason);
        room->ended = true;
        room->exit = event->code == WIRE_CLOSE_NORMAL ? CLI_OK : room_exit_of(event);
        break;
    case CLIENT_DOCUMENT_READY:
        if (event->document == room->document)
            room->ready = true;
        break;
    case CLIENT_DOCUMENT_HALTED:
        room->ended = true;
        room->exit = cli_fail_fault(event->fault);
        break;
    default:
        break;
    }
    if (room->handler)
        room->handler(room, client, event);
}

int room_await(struct room *room, const bool *done, uint64_t timeout_ms, const char *what) {
    uint64_t started = client_poll_now();
    while (!*done) {
        uint64_t waited = client_poll_now() - started;
        if (room->ended)
            return room->exit;
        if (cli_interrupted())
            return CLI_INTERRUPTED;
        if (waited >= timeout_ms) {
            cli_say("gave up after %u s: %s", (unsigned)(timeout_ms / 1000), what);
            return CLI_UNREACHABLE;
        }
        uint64_t left = timeout_ms - waited;
        if (client_poll_turn(room->poll, left > 1000 ? 1000 : (int)left) != STATUS_OK)
            return cli_fail_status("poll", STATUS_IO);
    }
    return CLI_OK;
}

int room_enter(struct room *room, struct cli *cli) {
    char url[CLIENT_URL_BYTES_MAX + WIRE_CREDENTIAL_BYTES_MAX];
    client_event_handler *handler = room->handler;
    *room = (struct room){ .cli = cli, .handler = handler, .tolerated = WIRE_CODE_COUNT };
    (void)cli_interrupted();
    if (!room_address(cli, url, sizeof url))
        return CLI_USAGE;
    struct client_options options = { .url = bytes_text(url),
                                      .name = bytes_text("vibesync-cli"),
                                      .version = bytes_text(VIBESYNC_VERSION),
                                      .random = client_poll_random,
                                      .now_ms = client_poll_now(),
                                      .ca_file = cli->ca };
    enum status status = client_create(&options, &room->client);
    if (status == STATUS_OK)
        status = client_poll_create(NULL, &room->poll);
    if (status == STATUS_OK)
        status = client_poll_add(room->poll, room->client, room_on_event, room);
    if (status != STATUS_OK)
        return cli_fail_create(cli, status);
    uint64_t started = client_poll_now();
    while (!client_joined(room->client)) {
        bool never = false;
        uint64_t waited = client_poll_now() - started;
        if (room->ended)
            return room->exit;
        if (waited >= CLI_WAIT_MS || cli_interrupted())
            return room_await(room, &never, 0, "the session could not be joined");
        if (client_poll_turn(room->poll, 200) != STATUS_OK)
            return cli_fail_status("poll", STATUS_IO);
    }
    return CLI_OK;
}

void room_finish(struct room *room) {
    if (room->client && room->poll) {
        uint64_t started = client_poll_now();
        client_leave(room->client);
        while (client_action(room->client) != CLIENT_REST && client_poll_now() - started < 1000)
            if (client_poll_turn(room->poll, 100) != STATUS_OK)
                break;
    }
    client_poll_destroy(room->poll);
    client_destroy(room->client);
    room->poll = NULL;
    room->client = NULL;
}

int room_open(struct room *room, struct bytes path) {
    enum status status = client_document_open(room->client, NULL, path, room, &room->document);
    if (status != STATUS_OK)
        return cli_fail_status("this path", status);
    return room_await(room, &room->ready, CLI_WAIT_MS, "the file did not open");
}

int room_await_saved(struct room *room) {
    uint64_t started = client_poll_now();
    while (!client_document_saved(room->document)) {
        if (room->ended)
            return room->exit;
        if (cli_interrupted() || client_poll_now() - started >= CLI_SAVE_MS) {
            cli_say("not everything was saved");
            return cli_interrupted() ? CLI_INTERRUPTED : CLI_UNREACHABLE;
        }
        if (client_poll_turn(room->poll, 200) != STATUS_OK)
            return cli_fail_status("poll", STATUS_IO);
    }
    return CLI_OK;
}

void room_on_reply(void *context, struct client *client, const struct client_reply *reply) {
    struct room *room = context;
    room->answered = true;
    room->call_exit = CLI_OK;
    if (reply->status == STATUS_OK) {
        if (room->call_handler)
            room->call_handler(room, client, reply);
    } else if (reply->status == STATUS_DENIED) {
        if (reply->fault->code >= WIRE_CODE_COUNT || reply->fault->code != room->tolerated)
            room->call_exit = cli_fail_fault(reply->fault);
    } else {
        cli_say("the connection was lost before the answer came; whether it was done is not known");
        room->call_exit = CLI_UNREACHABLE;
    }
}

int room_answer(struct room *room, enum status queued, client_reply_handler *handler) {
    if (queued != STATUS_OK)
        return cli_fail_status("the request", queued);
    room->answered = false;
    room->call_handler = handler;
    int exit = room_await(room, &room->answered, CLI_WAIT_MS, "no answer came");
    room->call_handler = NULL; /* an answer that comes later finds nobody */
    room->tolerated = WIRE_CODE_COUNT;
    return exit == CLI_OK ? room->call_exit : exit;
}
