/* cli_admin.c — `vibesync admin …`: what the server's /v1/admin endpoints list and do.
 *
 * A list comes page by page, a line of JSON for each entry. With --json the lines are printed as they come; else each becomes the
 * row of a table, by `columns` of its verb. */
#include "cli.h"
#include "ground/uuid.h"
#include "wire/json_body.h"

#include <string.h>

enum { ADMIN_COLUMNS_MAX = 8, ADMIN_PATH_BYTES = 256, ADMIN_WORD_BYTES_MAX = 64 };

struct admin_column {
    const char *key; /* NULL: the row ends */
    int width;
};

static const struct admin_list {
    const char *noun;
    struct admin_column columns[ADMIN_COLUMNS_MAX];
} lists[] = {
    { "sessions", { { "session", 36 }, { "loop", 4 }, { "connections", 11 }, { "documents", 9 }, { "documents_bytes", 15 } } },
    { "connections",
      { { "connection", 10 },
        { "session", 36 },
        { "state", 7 },
        { "peer", 22 },
        { "documents", 9 },
        { "outbox_bytes", 12 },
        { "name", 4 } } },
    { "documents", { { "document", 36 }, { "session", 36 }, { "state", 7 }, { "readers", 7 }, { "bytes", 10 }, { "saved", 5 } } },
};

static const struct admin_act {
    const char *verb, *before, *behind, *member; /* POST /v1/admin/BEFORE/WORD/BEHIND {MEMBER: …} */
} acts[] = {
    { "kick", "connections/", "/kick", "reason" }, { "close", "sessions/", "/close", "reason" },
    { "evict", "documents/", "/evict", NULL },     { "drain", "drain", "", NULL },
    { "log-level", "log-level", "", "level" },
};

/* What follows "admin ". */
static const char *admin_verb(const struct cli *cli) {
    return strchr(cli->verb, ' ') + 1;
}

static bool admin_token(const struct cli *cli, char *out, size_t size) {
    if (cli->admin_token_file)
        return cli_read_admin_token(cli->admin_token_file, out, size);
    cli_say("%s needs --admin-token-file FILE, or VIBESYNC_ADMIN_TOKEN_FILE", cli->verb);
    return false;
}

/* ---- lists ---- */

static void admin_print_cell(const struct json_body *entry, const struct admin_column *column) {
    struct bytes text;
    uint64_t number;
    bool flag;
    char memory[24];
    if (json_body_text(entry, column->key, CLI_HTTP_BYTES_MAX, &text) != STATUS_OK) {
        if (json_body_uint(entry, column->key, UINT64_MAX >> 1, &number) == STATUS_OK)
            snprintf(memory, sizeof memory, "%llu", (unsigned long long)number);
        else
            snprintf(memory, sizeof memory, "%s",
                     json_body_bool(entry, column->key, &flag) != STATUS_OK ? "-"
                     : flag                                                 ? "yes"
                                                                            : "no");
        text = bytes_text(memory);
    }
    cli_print_safe(stdout, text);
    printf("%*s", text.size < (size_t)column->width ? column->width - (int)text.size + 2 : 2, "");
}

static void admin_print_head(const struct admin_list *list) {
    for (const struct admin_column *column = list->columns; column < list->columns + ADMIN_COLUMNS_MAX && column->key; column++)
        printf("%-*s  ", column->width, column->key);
    printf("\n");
}

/* Prints the entries of a page. `next`: the cursor of the one behind it, "" if this was the last. */
static bool admin_print_page(const struct cli *cli, const struct admin_list *list, struct bytes page,
                             char next[ADMIN_WORD_BYTES_MAX + 1]) {
    next[0] = '\0';
    while (page.size > 0) {
        const uint8_t *end = memchr(page.data, '\n', page.size);
        struct bytes line = bytes_of(page.data, end ? (size_t)(end - page.data) : page.size), cursor;
        struct json_body *entry = NULL;
        page = bytes_of(line.data + line.size + (end != NULL), page.size - line.size - (end != NULL));
        if (json_body_parse(line, &entry) != STATUS_OK) {
            cli_say("the server's answer cannot be read");
            return false;
        }
        if (json_body_text(entry, "next", ADMIN_WORD_BYTES_MAX, &cursor) == STATUS_OK) {
            snprintf(next, ADMIN_WORD_BYTES_MAX + 1, "%.*s", (int)cursor.size, (const char *)cursor.data);
        } else if (cli->json) {
            printf("%.*s\n", (int)line.size, (const char *)line.data);
        } else {
            for (const struct admin_column *column = list->columns; column < list->columns + ADMIN_COLUMNS_MAX && column->key;
                 column++)
                admin_print_cell(entry, column);
            printf("\n");
        }
        json_body_destroy(entry);
    }
    return true;
}

int cli_admin_list(struct cli *cli) {
    char token[WIRE_CREDENTIAL_BYTES_MAX], path[ADMIN_PATH_BYTES], next[ADMIN_WORD_BYTES_MAX + 1] = "";
    const struct admin_list *list = lists;
    struct uuid session;
    while (strcmp(list->noun, admin_verb(cli)) != 0)
        list++;
    if (cli->session && !uuid_parse(bytes_text(cli->session), &session)) {
        cli_say("--session takes the id of a session, not \"%s\"", cli->session);
        return CLI_USAGE;
    }
    if (!admin_token(cli, token, sizeof token))
        return CLI_USAGE;
    if (!cli->json)
        admin_print_head(list);
    struct bytes_writer answer;
    bytes_writer_init(&answer, &mem_default, CLI_HTTP_BYTES_MAX);
    int status;
    do {
        snprintf(path, sizeof path, "/v1/admin/%s?limit=500%s%s%s%s", list->noun, cli->session ? "&session=" : "",
                 cli->session ? cli->session : "", next[0] ? "&after=" : "", next);
        bytes_writer_reset(&answer);
        status = cli_request(cli, "GET", path, token, bytes_of(NULL, 0), &answer);
        if (status == CLI_OK && !admin_print_page(cli, list, bytes_written(&answer), next))
            status = CLI_FAILED;
    } while (status == CLI_OK && next[0] != '\0');
    bytes_writer_finish(&answer);
    return status;
}

/* ---- acts ---- */

/* An id stands in a path: nothing but what ids are made of. */
static bool admin_word_fine(const char *word) {
    static const char allowed[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-";
    if (word[0] != '\0' && strlen(word) <= ADMIN_WORD_BYTES_MAX && strspn(word, allowed) == strlen(word))
        return true;
    cli_say("\"%s\" is no id", word);
    return false;
}

/* "0-17: kicked" and how many connections it was about, or the server's answer as it is. */
static int admin_print_act(const struct cli *cli, struct bytes answer) {
    struct json_body *body = NULL;
    struct bytes did;
    uint64_t connections = 0;
    if (json_body_parse(answer, &body) != STATUS_OK || json_body_text(body, "did", CLI_HTTP_BYTES_MAX, &did) != STATUS_OK) {
        cli_say("the server's answer cannot be read");
        json_body_destroy(body);
        return CLI_FAILED;
    }
    (void)json_body_uint(body, "connections", UINT64_MAX >> 1, &connections);
    if (cli->json)
        printf("%.*s", (int)answer.size, (const char *)answer.data);
    else
        printf("%s: %.*s (connections: %llu)\n", cli->word_count > 0 ? cli->words[0] : "server", (int)did.size,
               (const char *)did.data, (unsigned long long)connections);
    json_body_destroy(body);
    return CLI_OK;
}

int cli_admin_act(struct cli *cli) {
    char token[WIRE_CREDENTIAL_BYTES_MAX], path[ADMIN_PATH_BYTES];
    const struct admin_act *act = acts;
    while (strcmp(act->verb, admin_verb(cli)) != 0)
        act++;
    const char *word = cli->word_count > 0 ? cli->words[0] : "";
    const char *value = act->member == NULL ? NULL : act->behind[0] == '\0' ? word : cli->reason;
    if ((cli->word_count > 0 && !admin_word_fine(word)) || !admin_token(cli, token, sizeof token))
        return CLI_USAGE;
    snprintf(path, sizeof path, "/v1/admin/%s%s%s", act->before, act->behind[0] == '\0' ? "" : word, act->behind);
    struct bytes_writer body, answer;
    bytes_writer_init(&body, &mem_default, CLI_HTTP_BYTES_MAX);
    bytes_writer_init(&answer, &mem_default, CLI_HTTP_BYTES_MAX);
    struct json_writer json = json_write_open(&body);
    if (value)
        json_write_string(&json, act->member, value);
    json_write_close(&json);
    int status = cli_request(cli, "POST", path, token, bytes_written(&body), &answer);
    if (status == CLI_OK)
        status = admin_print_act(cli, bytes_written(&answer));
    bytes_writer_finish(&body);
    bytes_writer_finish(&answer);
    return status;
}
