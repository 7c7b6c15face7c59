/* cli_options.c — one row per option: where it goes, what it means, which environment variable stands in for it. */
#include "cli.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

enum kind { FLAG, TEXT, NUMBER };

static const struct row {
    unsigned option;
    enum kind kind;
    const char *name;
    size_t offset;
    const char *value; /* how help calls it */
    const char *environment;
    const char *meaning;
    uint64_t least, most;
} rows[] = {
    { OPTION_URL, TEXT, "url", offsetof(struct cli, url), "URL", "VIBESYNC_URL",
      "session and token in one, as `session create` and `join` print it", 0, 0 },
    { OPTION_SERVER, TEXT, "server", offsetof(struct cli, server), "URL", "VIBESYNC_SERVER",
      "the server, http://127.0.0.1:8440 when not given", 0, 0 },
    { OPTION_SERVER, TEXT, "ca", offsetof(struct cli, ca), "FILE", "VIBESYNC_CA",
      "for https and wss: certificates, in PEM, to trust in place of the system's", 0, 0 },
    { OPTION_SESSION, TEXT, "session", offsetof(struct cli, session), "UUID", "VIBESYNC_SESSION", "the session", 0, 0 },
    { OPTION_TOKEN, TEXT, "token", offsetof(struct cli, token), "TOKEN", "VIBESYNC_TOKEN", "access token", 0, 0 },
    { OPTION_ADMIN, TEXT, "admin-token-file", offsetof(struct cli, admin_token_file), "FILE", "VIBESYNC_ADMIN_TOKEN_FILE",
      "file with the token that may create sessions", 0, 0 },
    { OPTION_NAME, TEXT, "name", offsetof(struct cli, name), "NAME", NULL, "the name to show", 0, 0 },
    { OPTION_REASON, TEXT, "reason", offsetof(struct cli, reason), "TEXT", NULL, "what the people are told", 0, 0 },
    { OPTION_LIMIT, NUMBER, "limit", offsetof(struct cli, limit), "N", NULL, "how many old entries to show, 20 when not given", 0,
      200 },
    { OPTION_CREATE, FLAG, "create", offsetof(struct cli, create), NULL, NULL, "make the file if it is not there", 0, 0 },
    { OPTION_ONCE, FLAG, "once", offsetof(struct cli, once), NULL, NULL, "end after the old messages", 0, 0 },
    { OPTION_REPLAY, NUMBER, "clients", offsetof(struct cli, clients), "N", NULL,
      "typists, each with a connection; 4 when not given, at least one per author of a concurrent trace", 1, 256 },
    { OPTION_REPLAY, NUMBER, "rate", offsetof(struct cli, rate), "R", NULL,
      "edits per second, all together; as fast as it goes when not given", 1, 10000000 },
    { OPTION_REPLAY, TEXT, "file", offsetof(struct cli, file), "PATH", NULL,
      "file to type into, made if it is not there; must be empty. When not given, a new one named after the trace", 0, 0 },
    { OPTION_REPLAY, TEXT, "verify", offsetof(struct cli, verify), "TEXTFILE", NULL,
      "what the text must be in the end; may be .zst", 0, 0 },
    { OPTION_REPLAY, NUMBER, "window", offsetof(struct cli, window), "N", NULL,
      "updates of one typist on the way to the database, 4096 when not given", 1, 32768 },
    { OPTION_REPLAY, NUMBER, "turn", offsetof(struct cli, turn), "N", NULL,
      "edits before the next typist goes on in a sequential trace, 256 when not given", 1, 1000000 },
    { OPTION_REPLAY, NUMBER, "patience", offsetof(struct cli, patience), "SECONDS", NULL,
      "give up when nothing moves for so long, 60 when not given", 1, 86400 },
    { OPTION_REPLAY, FLAG, "quiet", offsetof(struct cli, quiet), NULL, NULL, "no progress bar", 0, 0 },
    { OPTION_JSON, FLAG, "json", offsetof(struct cli, json), NULL, NULL, "print JSON, one object a line", 0, 0 },
};

static bool option_set(struct cli *cli, const struct row *row, const char *value) {
    char *end;
    switch (row->kind) {
    case FLAG:
        *(bool *)((char *)cli + row->offset) = true;
        return true;
    case TEXT:
        *(const char **)((char *)cli + row->offset) = value;
        return true;
    case NUMBER: {
        errno = 0;
        unsigned long long number = strtoull(value, &end, 10);
        if (value[0] < '0' || value[0] > '9' || *end != '\0' || errno != 0 || number < row->least || number > row->most) {
            cli_say("--%s takes a number from %llu to %llu, not \"%s\"", row->name, (unsigned long long)row->least,
                    (unsigned long long)row->most, value);
            return false;
        }
        *(uint64_t *)((char *)cli + row->offset) = number;
        return true;
    }
    }
    return false;
}

static const struct row *option_find(unsigned taken, const char *name, size_t size) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if ((rows[i].option & taken) && strlen(rows[i].name) == size && memcmp(rows[i].name, name, size) == 0)
            return &rows[i];
    return NULL;
}

bool cli_options_read(struct cli *cli, unsigned taken, int count, char **arguments) {
    bool words_only = false;
    cli->limit = 20;
    cli->window = 4096;
    cli->turn = 256;
    cli->patience = 60;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *value = (rows[i].option & taken) && rows[i].environment ? getenv(rows[i].environment) : NULL;
        if (value && value[0] != '\0' && !option_set(cli, &rows[i], value))
            return false;
    }
    for (int i = 0; i < count; i++) {
        const char *argument = arguments[i];
        if (words_only || argument[0] != '-' || argument[1] == '\0') {
            if (cli->word_count == CLI_ARGUMENTS_MAX) {
                cli_say("too many words");
                return false;
            }
            cli->words[cli->word_count++] = argument;
            continue;
        }
        if (strcmp(argument, "--") == 0) {
            words_only = true;
            continue;
        }
        if (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0) {
            cli->help = true;
            continue;
        }
        const char *name = argument + (argument[1] == '-' ? 2 : 1);
        size_t size = strcspn(name, "=");
        const struct row *row = argument[1] == '-' ? option_find(taken, name, size) : NULL;
        if (!row) {
            cli_say("%s has no option %s; see vibesync %s --help", cli->verb, argument, cli->verb);
            return false;
        }
        const char *value = name[size] == '=' ? name + size + 1 : NULL;
        if (row->kind == FLAG && value) {
            cli_say("--%s takes no value", row->name);
            return false;
        }
        if (row->kind != FLAG && !value && ++i < count)
            value = arguments[i];
        if (row->kind != FLAG && !value) {
            cli_say("--%s needs a value", row->name);
            return false;
        }
        if (!option_set(cli, row, value))
            return false;
    }
    return true;
}

void cli_options_print(unsigned taken) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char left[64];
        if (!(rows[i].option & taken))
            continue;
        snprintf(left, sizeof left, "--%s%s%s", rows[i].name, rows[i].value ? " " : "", rows[i].value ? rows[i].value : "");
        printf("  %-24s %s%s%s%s\n", left, rows[i].meaning, rows[i].environment ? " [" : "",
               rows[i].environment ? rows[i].environment : "", rows[i].environment ? "]" : "");
    }
}
