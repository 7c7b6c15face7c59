/* cli_main.c — the program `vibesync`: a session from a terminal.
 *
 * One row per verb; --help, the list of options and the dispatch are made from it. */
#include "cli.h"

#include <stdlib.h>

#define ADMIN_MORE "Needs the server's admin token: --admin-token-file, or VIBESYNC_ADMIN_TOKEN_FILE."

static const struct verb {
    const char *first, *second; /* "session", "create"; second NULL: one word */
    const char *arguments;      /* as help shows them */
    int least, most;            /* how many words follow */
    unsigned options;
    int (*run)(struct cli *cli);
    const char *sentence;
    const char *more; /* further lines of its own help */
} verbs[] = {
    { "session", "create", "--name NAME", 0, 0, OPTION_SERVER | OPTION_TOKEN | OPTION_ADMIN | OPTION_NAME | OPTION_JSON,
      cli_session_create, "make a session and print its id, invite code, token and URL",
      "Needs the server's admin token (--admin-token-file; ./dev run writes .vibesync/admin-token) or a user's (--token)." },
    { "join", NULL, "CODE", 1, 1, OPTION_SERVER | OPTION_NAME | OPTION_JSON, cli_join,
      "enter a session as a guest and print its id, token and URL",
      "The URL is all that the other verbs need: export VIBESYNC_URL='…'. CODE may also be an invitation URL with #code=CODE." },
    { "file", "list", "", 0, 0, OPTIONS_ROOM | OPTION_JSON, cli_file_list, "list the files of the session", NULL },
    { "file", "create", "PATH", 1, 1, OPTIONS_ROOM | OPTION_JSON, cli_file_create, "make an empty file", NULL },
    { "file", "rename", "PATH NEW-PATH", 2, 2, OPTIONS_ROOM | OPTION_JSON, cli_file_rename, "give a file another path", NULL },
    { "file", "delete", "PATH", 1, 1, OPTIONS_ROOM | OPTION_JSON, cli_file_delete, "delete a file", NULL },
    { "cat", NULL, "PATH", 1, 1, OPTIONS_ROOM, cli_cat, "print a file", NULL },
    { "watch", NULL, "PATH", 1, 1, OPTIONS_ROOM | OPTION_JSON, cli_watch, "print a file, then every change to it, until Ctrl-C",
      "A change is one line: @ INDEX, then -DELETED and +INSERTED, with line ends as \\n. INDEX counts UTF-16 units." },
    { "type", NULL, "PATH", 1, 1, OPTIONS_ROOM | OPTION_CREATE, cli_type,
      "append the lines of standard input to a file, as they come",
      "Ends at the end of input, once everything is saved; the exit status is not 0 if it was not." },
    { "chat", NULL, "[TEXT]", 0, 1, OPTIONS_ROOM | OPTION_LIMIT | OPTION_ONCE | OPTION_JSON, cli_chat,
      "say something, or without TEXT follow what is said", "On a terminal each line typed while following is said." },
    { "activity", NULL, "", 0, 0, OPTIONS_ROOM | OPTION_LIMIT | OPTION_JSON, cli_activity, "show who did what, newest last", NULL },
    { "token", "door", "", 0, 0, OPTIONS_ROOM | OPTION_JSON, cli_token_door,
      "make a token for the URL of a y-websocket or Hocuspocus provider",
      "The session must take such tokens: token allow yes. It opens these doors of this session as you, until token revoke." },
    { "token", "allow", "yes|no", 1, 1, OPTIONS_ROOM, cli_token_allow, "say whether the session takes door tokens; owners only",
      NULL },
    { "token", "revoke", "", 0, 0, OPTIONS_ROOM | OPTION_JSON, cli_token_revoke,
      "revoke all your door tokens of the session, and end what they opened", NULL },
    { "replay", NULL, "TRACE", 1, 1, OPTIONS_ROOM | OPTION_REPLAY | OPTION_JSON, cli_replay,
      "play a recorded editing session through the server with several typists",
      "TRACE is a .trace or .trace.zst file, sequential (TRSQ) or concurrent (TRCC). A sequential trace goes from typist to "
      "typist, each\n"
      "waiting until it has everything that was typed before; in a concurrent one each author types on what that author had seen.\n"
      "Lost connections are resumed. Exit status 5: the texts differ, or something acknowledged is missing." },
    { "admin", "sessions", "", 0, 0, OPTIONS_ADMIN | OPTION_SESSION, cli_admin_list, "list the sessions in the server's memory",
      ADMIN_MORE },
    { "admin", "connections", "", 0, 0, OPTIONS_ADMIN | OPTION_SESSION, cli_admin_list, "list the connections, and who is there",
      ADMIN_MORE },
    { "admin", "documents", "", 0, 0, OPTIONS_ADMIN | OPTION_SESSION, cli_admin_list, "list the documents in memory", ADMIN_MORE },
    { "admin", "kick", "CONNECTION", 1, 1, OPTIONS_ADMIN | OPTION_REASON, cli_admin_act, "close a connection, for good",
      ADMIN_MORE },
    { "admin", "close", "SESSION", 1, 1, OPTIONS_ADMIN | OPTION_REASON, cli_admin_act,
      "close a session for everybody; nobody comes in any more", ADMIN_MORE },
    { "admin", "evict", "FILE", 1, 1, OPTIONS_ADMIN, cli_admin_act, "save a document and free its memory", ADMIN_MORE },
    { "admin", "drain", "", 0, 0, OPTIONS_ADMIN, cli_admin_act, "stop the server as SIGTERM does", ADMIN_MORE },
    { "admin", "log-level", "LEVEL", 1, 1, OPTIONS_ADMIN, cli_admin_act, "set how much the server logs: debug, info, warn, error",
      ADMIN_MORE },
};

static void print_verb(const struct verb *verb) {
    char left[64];
    snprintf(left, sizeof left, "%s%s%s %s", verb->first, verb->second ? " " : "", verb->second ? verb->second : "",
             verb->arguments);
    printf("  %-30s %s\n", left, verb->sentence);
}

static void print_help(void) {
    printf("vibesync — a vibesync session from a terminal\n\nusage: vibesync VERB [ARGUMENTS] [--options]\n\n");
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        print_verb(&verbs[i]);
    printf("\n`vibesync VERB --help` shows a verb's options. Exit status: 0 done, 1 refused, 2 usage, 3 no server, 4 no right,\n"
           "5 replay differs.\n");
}

static void print_verb_help(const struct verb *verb) {
    printf("usage: vibesync %s%s%s %s [--options]\n\n%s\n", verb->first, verb->second ? " " : "", verb->second ? verb->second : "",
           verb->arguments, verb->sentence);
    if (verb->more)
        printf("%s\n", verb->more);
    printf("\n");
    cli_options_print(verb->options);
}

static const struct verb *find_verb(int count, char **arguments, int *out_words) {
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (count < 1 || strcmp(arguments[0], verbs[i].first) != 0)
            continue;
        if (verbs[i].second && (count < 2 || strcmp(arguments[1], verbs[i].second) != 0))
            continue;
        *out_words = verbs[i].second ? 2 : 1;
        return &verbs[i];
    }
    return NULL;
}

/* `file` or `file --help`, `file frobnicate`: the verbs that begin so. */
static int print_family(int count, char **arguments) {
    bool found = false;
    for (size_t i = 0; count > 0 && i < sizeof verbs / sizeof *verbs; i++) {
        if (!verbs[i].second || strcmp(arguments[0], verbs[i].first) != 0)
            continue;
        if (!found)
            cli_say("%s what?", arguments[0]);
        fprintf(stderr, "  vibesync %s %s %s\n", verbs[i].first, verbs[i].second, verbs[i].arguments);
        found = true;
    }
    if (!found)
        cli_say("there is no verb \"%s\"; see vibesync --help", arguments[0]);
    return CLI_USAGE;
}

int main(int count, char **arguments) {
    int words = 0;
    count--, arguments++;
    if (count == 0 || strcmp(arguments[0], "help") == 0 || strcmp(arguments[0], "--help") == 0 || strcmp(arguments[0], "-h") == 0) {
        const struct verb *asked = count > 1 ? find_verb(count - 1, arguments + 1, &words) : NULL;
        if (asked)
            print_verb_help(asked);
        else
            print_help();
        return count == 0 ? CLI_USAGE : CLI_OK;
    }
    if (strcmp(arguments[0], "--version") == 0) {
        printf("vibesync %s\n", VIBESYNC_VERSION);
        return CLI_OK;
    }
    const struct verb *verb = find_verb(count, arguments, &words);
    if (!verb)
        return print_family(count, arguments);
    char name[32];
    snprintf(name, sizeof name, "%s%s%s", verb->first, verb->second ? " " : "", verb->second ? verb->second : "");
    struct cli cli = { .verb = name };
    if (!cli_options_read(&cli, verb->options, count - words, arguments + words))
        return CLI_USAGE;
    if (cli.help) {
        print_verb_help(verb);
        return CLI_OK;
    }
    if (cli.word_count < verb->least || cli.word_count > verb->most) {
        cli_say("usage: vibesync %s %s", name, verb->arguments);
        return CLI_USAGE;
    }
    int status = verb->run(&cli);
    if (fflush(stdout) != 0 && status == CLI_OK) {
        cli_say("the output could not be written");
        return CLI_FAILED;
    }
    return status;
}
