/* cli.h — what the verbs of `vibesync` share: options, messages to people, exit statuses, a connected client.
 *
 *   cli_main.c      the table of verbs, --help              cli_room.c     a client in a session, driven until something happens
 *   cli_options.c   options from arguments and environment  cli_http.c     POST, for what is done outside a session
 *   cli_session.c   session create, join                    cli_files.c    file list, create, rename, delete
 *   cli_document.c  cat, watch, type                        cli_chat.c     chat
 *   cli_activity.c  activity                                cli_admin.c    admin …, for whoever runs the server
 *   replay.c        replay; with trace.c and latency.c
 *
 * A new verb is a row in cli_main.c and a function here. Standard output carries the result and nothing else; everything said to a
 * person goes to standard error. */
#ifndef CLI_H
#define CLI_H

#include "vibesync/client_features.h"
#include "vibesync/client_poll.h"

#include <stdio.h>

enum cli_exit {
    CLI_OK = 0,
    CLI_FAILED = 1,      /* the server said no, or the file is not there */
    CLI_USAGE = 2,       /* wrong arguments */
    CLI_UNREACHABLE = 3, /* no server there, or the connection was lost for good */
    CLI_DENIED = 4,      /* credential or rights */
    CLI_DIFFERENT = 5,   /* replay: texts differ, or something acknowledged is missing */
    CLI_INTERRUPTED = 130
};

enum {
    CLI_WAIT_MS = 10000,       /* for the first join, for an answer */
    CLI_SAVE_MS = 60000,       /* for the last acknowledgement */
    CLI_ARGUMENTS_MAX = 8,     /* words behind the verb */
    CLI_HTTP_BYTES_MAX = 65536 /* of an answer */
};

/* Every option of every verb; the table that fills them is in cli_options.c. */
struct cli {
    const char *verb; /* "session create" */
    const char *words[CLI_ARGUMENTS_MAX];
    int word_count;

    const char *url, *server, *session, *token, *ca;
    const char *admin_token_file, *name, *reason;
    bool json, help, create, once;
    uint64_t limit;
    /* replay */
    const char *file, *verify;
    uint64_t clients, rate, window, turn, patience;
    bool quiet;
};

/* A bit per option, to say which a verb takes. */
enum cli_option {
    OPTION_URL = 1 << 0,
    OPTION_SERVER = 1 << 1,
    OPTION_SESSION = 1 << 2,
    OPTION_TOKEN = 1 << 3,
    OPTION_ADMIN = 1 << 4,
    OPTION_NAME = 1 << 5,
    OPTION_JSON = 1 << 6,
    OPTION_CREATE = 1 << 7,
    OPTION_ONCE = 1 << 8,
    OPTION_LIMIT = 1 << 9,
    OPTION_REPLAY = 1 << 10,
    OPTION_REASON = 1 << 11,
    OPTIONS_ADMIN = OPTION_SERVER | OPTION_ADMIN | OPTION_JSON,
    OPTIONS_ROOM = OPTION_URL | OPTION_SERVER | OPTION_SESSION | OPTION_TOKEN
};

/* Fills `cli` from the environment and the arguments behind the verb. false: a sentence was printed, exit with CLI_USAGE. */
bool cli_options_read(struct cli *cli, unsigned taken, int count, char **arguments);

/* Prints the options that a verb takes. */
void cli_options_print(unsigned taken);

/* "vibesync: …" and a line end, to standard error. */
__attribute__((format(printf, 1, 2))) void cli_say(const char *format, ...);

/* Says why and answers the exit status for a fault, or a status. */
int cli_fail_fault(const struct wire_fault *fault);
int cli_fail_status(const char *what, enum status status);

/* For client_create and client_tls_create. */
int cli_fail_create(const struct cli *cli, enum status status);

/* Whether Ctrl-C or SIGTERM came. From the first call on they no longer end the program. */
bool cli_interrupted(void);

/* Reads a whole file, zstd-compressed or not, at most `size_max` bytes after that. false: said why. */
bool cli_read_file(const char *path, size_t size_max, struct bytes_writer *out);

/* Prints text with what a terminal could take for commands made visible: control characters but tab and line end. */
void cli_print_safe(FILE *stream, struct bytes text);

/* ---- cli_http.c ---- */

/* Sends `body`, JSON, to `path` of the server; `bearer` NULL: no credential. The answer's body goes to `out`.
 * Answers an exit status; for a failure it has said why. */
int cli_request(const struct cli *cli, const char *method, const char *path, const char *bearer, struct bytes body,
                struct bytes_writer *out);

/* ---- cli_session.c ---- */

/* --server, or where a server is when nothing is said. */
const char *cli_server(const struct cli *cli);

/* The scheme of an address, to print it. */
const char *cli_scheme(const struct client_url *url);

/* The token in the file of --admin-token-file, without white space around it. false: said why. */
bool cli_read_admin_token(const char *path, char *out, size_t size);

/* ---- cli_room.c ---- */

/* A client in a session. Verbs put it first in their own struct. */
struct room {
    struct cli *cli;
    struct client *client;
    struct client_poll *poll;
    struct client_document *document; /* of room_open */
    bool ready;                       /* the document is */
    bool answered;                    /* the call of room_answer is */
    bool ended;                       /* `exit` says how */
    int exit;
    client_event_handler *handler; /* NULL: none; sees every event after the room did */
    bool lost;                     /* between a loss and the next join */
    client_reply_handler *call_handler;
    enum wire_code tolerated; /* a refusal that counts as success of the next call; WIRE_CODE_COUNT: none */
    int call_exit;
};

/* The session's address from --url or --server and --session; the token from --token, the URL or the environment. `out` holds
 * the whole URL with its token; false: said what is missing. */
bool room_address(const struct cli *cli, char *out, size_t size);

/* Connects and joins. `room->handler` may be set before. Answers CLI_OK or an exit status, with the reason said; finish in both
 * cases. */
int room_enter(struct room *room, struct cli *cli);

/* Leaves politely. */
void room_finish(struct room *room);

/* Opens a document and waits until it is ready. Answers an exit status. */
int room_open(struct room *room, struct bytes path);

/* Turns until `*done`, the room ended, Ctrl-C, or `timeout_ms` (UINT64_MAX: never). CLI_OK when done. */
int room_await(struct room *room, const bool *done, uint64_t timeout_ms, const char *what);

/* Waits until everything local is durable. */
int room_await_saved(struct room *room);

/* One call:
 *
 *     exit = room_answer(room, client_file_create(room->client, path, room_on_reply, room), on_file);
 *
 * Waits for the answer; `handler` (NULL: none; context: the room) reads the result. A refusal is said and becomes the exit status.
 */
void room_on_reply(void *context, struct client *client, const struct client_reply *reply);
int room_answer(struct room *room, enum status queued, client_reply_handler *handler);

/* Makes a file; one that is there already is as good. */
int room_create_file(struct room *room, const char *path);

/* ---- verbs ---- */

int cli_session_create(struct cli *cli);
int cli_join(struct cli *cli);
int cli_file_list(struct cli *cli);
int cli_file_create(struct cli *cli);
int cli_file_rename(struct cli *cli);
int cli_file_delete(struct cli *cli);
int cli_cat(struct cli *cli);
int cli_watch(struct cli *cli);
int cli_type(struct cli *cli);
int cli_chat(struct cli *cli);
int cli_activity(struct cli *cli);
int cli_token_door(struct cli *cli);
int cli_token_allow(struct cli *cli);
int cli_token_revoke(struct cli *cli);
int cli_replay(struct cli *cli);
int cli_admin_list(struct cli *cli);
int cli_admin_act(struct cli *cli);

#endif
