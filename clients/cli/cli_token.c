/* cli_token.c — token door, allow, revoke: tokens that may stand in the URL of a compatibility door. */
#include "cli.h"

struct door_token {
    struct room room; /* first */
    bool failed;
};

static void on_token(void *context, struct client *client, const struct client_reply *reply) {
    struct door_token *made = context;
    struct bytes token;
    (void)client;
    made->failed = doors_token_read(reply->result, &token).status != STATUS_OK;
    if (!made->failed)
        printf(made->room.cli->json ? "{\"token\":\"%.*s\"}\n" : "%.*s\n", (int)token.size, (const char *)token.data);
}

static void on_revoked(void *context, struct client *client, const struct client_reply *reply) {
    struct door_token *revoke = context;
    uint64_t count;
    (void)client;
    revoke->failed = doors_revoked_read(reply->result, &count).status != STATUS_OK;
    if (!revoke->failed)
        printf(revoke->room.cli->json ? "{\"revoked\":%llu}\n" : "revoked %llu\n", (unsigned long long)count);
}

static int token_end(struct door_token *token, int exit) {
    if (exit == CLI_OK && token->failed) {
        cli_say("the server's answer cannot be read");
        exit = CLI_FAILED;
    }
    room_finish(&token->room);
    return exit;
}

int cli_token_door(struct cli *cli) {
    struct door_token token = { 0 };
    struct room *room = &token.room;
    int exit = room_enter(room, cli);
    if (exit == CLI_OK)
        exit = room_answer(room, client_doors_token(room->client, room_on_reply, room), on_token);
    return token_end(&token, exit);
}

int cli_token_revoke(struct cli *cli) {
    struct door_token token = { 0 };
    struct room *room = &token.room;
    int exit = room_enter(room, cli);
    if (exit == CLI_OK)
        exit = room_answer(room, client_doors_revoke(room->client, room_on_reply, room), on_revoked);
    return token_end(&token, exit);
}

int cli_token_allow(struct cli *cli) {
    struct door_token token = { 0 };
    struct room *room = &token.room;
    bool yes = strcmp(cli->words[0], "yes") == 0;
    if (!yes && strcmp(cli->words[0], "no") != 0) {
        cli_say("token allow takes yes or no, not %s", cli->words[0]);
        return CLI_USAGE;
    }
    int exit = room_enter(room, cli);
    if (exit == CLI_OK)
        exit = room_answer(room, client_doors_allow(room->client, yes, room_on_reply, room), NULL);
    return token_end(&token, exit);
}
