/* cli_chat.c — chat: say one thing, or show the last messages and follow. */
#include "cli.h"
#include "wire/json_body.h"

#include <time.h>
#include <unistd.h>

enum { CHAT_LINE_BYTES_MAX = CHAT_TEXT_BYTES_MAX };

struct chatting {
    struct room room; /* first */
    uint64_t seen;    /* newest seq that was printed */
    bool failed;
    char line[CHAT_LINE_BYTES_MAX];
    size_t line_size;
};

static void print_message(const struct cli *cli, const struct chat_message *message) {
    char id[UUID_TEXT_SIZE + 1], time_text[16];
    time_t seconds = (time_t)(message->at / 1000);
    struct tm local;
    if (cli->json) {
        struct bytes_writer text;
        bytes_writer_init(&text, &mem_default, (size_t)CHAT_TEXT_BYTES_MAX * 8);
        struct json_writer json = json_write_open(&text);
        uuid_format(&message->id, id);
        json_write_string(&json, "id", id);
        json_write_uint(&json, "seq", message->seq);
        json_write_uint(&json, "at", message->at);
        json_write_text(&json, "name", message->name);
        json_write_text(&json, "text", message->text);
        json_write_close(&json);
        printf("%.*s\n", (int)text.size, (const char *)text.data);
        bytes_writer_finish(&text);
    } else {
        strftime(time_text, sizeof time_text, "%H:%M:%S", localtime_r(&seconds, &local));
        printf("%s  ", time_text);
        cli_print_safe(stdout, message->name);
        printf(": ");
        cli_print_safe(stdout, message->text);
        printf("\n");
    }
    fflush(stdout);
}

static void show(struct chatting *chatting, const struct chat_message *message) {
    if (message->seq <= chatting->seen)
        return;
    chatting->seen = message->seq;
    print_message(chatting->room.cli, message);
}

static void chat_on_event(void *context, struct client *client, const struct client_event *event) {
    struct chatting *chatting = context;
    struct chat_message message;
    (void)client;
    if (event->kind == CLIENT_NOTICE && bytes_equal_text(event->method, "chat.posted") &&
        chat_message_read(event->params, &message).status == STATUS_OK)
        show(chatting, &message);
}

/* The page comes newest first and is shown oldest first. */
static void on_history(void *context, struct client *client, const struct client_reply *reply) {
    struct chatting *chatting = context;
    struct bytes values[CHAT_PAGE_MAX];
    struct chat_page page;
    uint32_t count = 0, read = 0;
    (void)client;
    chatting->failed = chat_page_read(reply->result, &page).status != STATUS_OK;
    if (chatting->failed)
        return;
    struct pack_reader reader = pack_reader(page.messages);
    chatting->failed = pack_read_array(&reader, &count) != STATUS_OK || count > CHAT_PAGE_MAX;
    while (!chatting->failed && read < count)
        chatting->failed = pack_read_value(&reader, &values[read++]) != STATUS_OK;
    while (!chatting->failed && read > 0) {
        struct chat_message message;
        if (chat_message_read(values[--read], &message).status == STATUS_OK)
            show(chatting, &message);
    }
}

static int show_history(struct chatting *chatting) {
    struct room *room = &chatting->room;
    if (room->cli->limit == 0)
        return CLI_OK;
    int exit = room_answer(room, client_chat_history(room->client, 0, room->cli->limit, room_on_reply, room), on_history);
    if (exit == CLI_OK && chatting->failed) {
        cli_say("the server's messages cannot be read");
        exit = CLI_FAILED;
    }
    return exit;
}

static int say(struct chatting *chatting, struct bytes text) {
    struct room *room = &chatting->room;
    uint8_t random[10];
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    client_poll_random(NULL, random, sizeof random);
    struct uuid message = uuid_v7((uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000, random);
    return room_answer(room, client_chat_send(room->client, &message, text, room_on_reply, room), NULL);
}

/* Says each whole line that was typed. */
static int say_typed(struct chatting *chatting, bool *out_ended) {
    ssize_t got = read(STDIN_FILENO, chatting->line + chatting->line_size, sizeof chatting->line - chatting->line_size);
    int exit = CLI_OK;
    if (got <= 0) {
        *out_ended = true;
        return CLI_OK;
    }
    chatting->line_size += (size_t)got;
    for (;;) {
        char *end = memchr(chatting->line, '\n', chatting->line_size);
        size_t size = end ? (size_t)(end - chatting->line) : chatting->line_size == sizeof chatting->line ? chatting->line_size : 0;
        if (!end && size == 0)
            return exit;
        if (size > 0 && exit == CLI_OK)
            exit = say(chatting, bytes_of(chatting->line, size));
        size += end ? 1 : 0;
        memmove(chatting->line, chatting->line + size, chatting->line_size - size);
        chatting->line_size -= size;
    }
}

static int follow(struct chatting *chatting) {
    bool never = false, ended = !isatty(STDIN_FILENO);
    if (ended)
        return room_await(&chatting->room, &never, UINT64_MAX, "");
    client_poll_watch(chatting->room.poll, STDIN_FILENO);
    while (!ended) {
        if (client_poll_turn(chatting->room.poll, 1000) != STATUS_OK)
            return cli_fail_status("poll", STATUS_IO);
        if (chatting->room.ended)
            return chatting->room.exit;
        if (cli_interrupted())
            return CLI_INTERRUPTED;
        if (client_poll_readable(chatting->room.poll))
            (void)say_typed(chatting, &ended); /* a refusal was said; the chat goes on */
    }
    return CLI_OK;
}

int cli_chat(struct cli *cli) {
    struct chatting chatting = { .room.handler = cli->word_count == 0 ? chat_on_event : NULL };
    int exit = room_enter(&chatting.room, cli);
    if (exit == CLI_OK && cli->word_count == 1)
        exit = say(&chatting, bytes_text(cli->words[0]));
    else if (exit == CLI_OK) {
        exit = show_history(&chatting);
        if (exit == CLI_OK && !cli->once)
            exit = follow(&chatting);
    }
    room_finish(&chatting.room);
    return exit == CLI_INTERRUPTED ? CLI_OK : exit;
}
