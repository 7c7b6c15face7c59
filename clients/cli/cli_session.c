/* cli_session.c — getting in: session create, join. Both answer a session and a token, and print them with one URL that is both. */
#include "cli.h"
#include "wire/json_body.h"

#include <stdlib.h>
#include <string.h>

enum { ADMIN_TOKEN_FILE_BYTES_MAX = 8192 };

const char *cli_server(const struct cli *cli) {
    return cli->server ? cli->server : "http://127.0.0.1:8440";
}

const char *cli_scheme(const struct client_url *url) {
    return url->secure ? "https" : "http";
}

/* Prints what the server answered: a table, or the same as one JSON object. */
static int print_entry(const struct cli *cli, struct bytes answer) {
    static const char *const members[] = { "session", "name", "code", "user", "role", "token" };
    struct json_body *body = NULL;
    struct bytes session, token, value;
    struct client_url address;
    if (json_body_parse(answer, &body) != STATUS_OK || json_body_text(body, "session", UUID_TEXT_SIZE, &session) != STATUS_OK ||
        json_body_text(body, "token", WIRE_CREDENTIAL_BYTES_MAX, &token) != STATUS_OK ||
        client_url_parse(bytes_text(cli_server(cli)), &address) != STATUS_OK) {
        cli_say("the server's answer cannot be read");
        json_body_destroy(body);
        return CLI_FAILED;
    }
    char url[CLIENT_URL_BYTES_MAX + WIRE_CREDENTIAL_BYTES_MAX];
    snprintf(url, sizeof url, "%s://%s/v1/sessions/%.*s#token=%.*s", cli_scheme(&address), address.authority, (int)session.size,
             (const char *)session.data, (int)token.size, (const char *)token.data);
    struct bytes_writer text;
    bytes_writer_init(&text, &mem_default, CLI_HTTP_BYTES_MAX);
    struct json_writer json = json_write_open(&text);
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        if (json_body_text(body, members[i], CLI_HTTP_BYTES_MAX, &value) != STATUS_OK)
            continue;
        if (cli->json) {
            json_write_text(&json, members[i], value);
        } else {
            printf("%-8s ", members[i]);
            cli_print_safe(stdout, value);
            printf("\n");
        }
    }
    json_write_string(&json, "url", url);
    json_write_close(&json);
    if (cli->json)
        printf("%.*s\n", (int)text.size, (const char *)text.data);
    else
        printf("%-8s %s\n\nNext, in this shell:\n  export VIBESYNC_URL='%s'\n  vibesync file list\n", "url", url, url);
    bytes_writer_finish(&text);
    json_body_destroy(body);
    return CLI_OK;
}

static int post_and_print(const struct cli *cli, const char *path, const char *bearer, struct bytes_writer *request) {
    struct bytes_writer answer;
    bytes_writer_init(&answer, &mem_default, CLI_HTTP_BYTES_MAX);
    int status = request->status == STATUS_OK ? cli_request(cli, "POST", path, bearer, bytes_written(request), &answer) : CLI_USAGE;
    if (request->status != STATUS_OK)
        cli_say("a name must be valid UTF-8");
    if (status == CLI_OK)
        status = print_entry(cli, bytes_written(&answer));
    bytes_writer_finish(&answer);
    bytes_writer_finish(request);
    return status;
}

/* A token goes into a header line: nothing may end that line early. */
static bool token_fine(const char *token) {
    for (const char *at = token; *at != '\0'; at++)
        if (*at <= ' ' || *at >= 0x7f) {
            cli_say("that is no token");
            return false;
        }
    return true;
}

/* The admin token without the white space around it. */
bool cli_read_admin_token(const char *path, char *out, size_t size) {
    struct bytes_writer text;
    if (!cli_read_file(path, ADMIN_TOKEN_FILE_BYTES_MAX, &text))
        return false;
    size_t from = 0, to = text.size;
    while (to > 0 && text.data[to - 1] <= ' ')
        to--;
    while (from < to && text.data[from] <= ' ')
        from++;
    bool fine = to > from && to - from < size;
    if (fine)
        memcpy(out, text.data + from, to - from);
    else
        cli_say("%s holds no token", path);
    out[fine ? to - from : 0] = '\0';
    bytes_writer_finish(&text);
    return fine && token_fine(out);
}

int cli_session_create(struct cli *cli) {
    char token[WIRE_CREDENTIAL_BYTES_MAX];
    if (!cli->name) {
        cli_say("session create needs --name");
        return CLI_USAGE;
    }
    if (cli->admin_token_file) {
        if (!cli_read_admin_token(cli->admin_token_file, token, sizeof token))
            return CLI_USAGE;
    } else if (cli->token && strlen(cli->token) < sizeof token) {
        memcpy(token, cli->token, strlen(cli->token) + 1);
    } else {
        cli_say("session create needs --admin-token-file FILE (./dev run writes .vibesync/admin-token) or --token TOKEN");
        return CLI_USAGE;
    }
    if (!token_fine(token))
        return CLI_USAGE;
    struct bytes_writer body;
    bytes_writer_init(&body, &mem_default, CLI_HTTP_BYTES_MAX);
    struct json_writer json = json_write_open(&body);
    json_write_string(&json, "name", cli->name);
    json_write_close(&json);
    return post_and_print(cli, "/v1/sessions", token, &body);
}

int cli_join(struct cli *cli) {
    char server[sizeof "https://" + sizeof(((struct client_url *)NULL)->authority)];
    char code[WIRE_CREDENTIAL_BYTES_MAX + 1];
    const char *name = cli->name ? cli->name : getenv("USER");
    struct client_url url;
    snprintf(code, sizeof code, "%s", cli->words[0]);
    if (client_url_parse(bytes_text(cli->words[0]), &url) == STATUS_OK) {
        if (!url.code.data) {
            cli_say("this URL carries no #code=CODE");
            return CLI_USAGE;
        }
        snprintf(code, sizeof code, "%.*s", (int)url.code.size, (const char *)url.code.data);
        snprintf(server, sizeof server, "%s://%s", cli_scheme(&url), url.authority);
        cli->server = server;
    }
    struct bytes_writer body;
    bytes_writer_init(&body, &mem_default, CLI_HTTP_BYTES_MAX);
    struct json_writer json = json_write_open(&body);
    json_write_string(&json, "code", code);
    json_write_string(&json, "name", name && name[0] != '\0' ? name : "Guest");
    json_write_close(&json);
    return post_and_print(cli, "/v1/join", NULL, &body);
}
