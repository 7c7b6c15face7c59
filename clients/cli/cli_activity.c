/* cli_activity.c — activity: who did what in the session. */
#include "cli.h"
#include "wire/json_body.h"

#include <time.h>

struct feed {
    struct room room; /* first */
    bool failed;
};

static void print_activity(const struct cli *cli, const struct activity_entry *entry) {
    char time_text[32], id[UUID_TEXT_SIZE + 1];
    time_t seconds = (time_t)(entry->at / 1000);
    struct tm local;
    if (cli->json) {
        struct bytes_writer text;
        bytes_writer_init(&text, &mem_default, (size_t)CLI_HTTP_BYTES_MAX * 8);
        struct json_writer json = json_write_open(&text);
        uuid_format(&entry->id, id);
        json_write_string(&json, "id", id);
        json_write_uint(&json, "at", entry->at);
        if (entry->name.data)
            json_write_text(&json, "name", entry->name);
        json_write_text(&json, "type", entry->type);
        json_write_text(&json, "data", entry->data);
        json_write_close(&json);
        printf("%.*s\n", (int)text.size, (const char *)text.data);
        bytes_writer_finish(&text);
        return;
    }
    strftime(time_text, sizeof time_text, "%Y-%m-%d %H:%M:%S", localtime_r(&seconds, &local));
    printf("%s  ", time_text);
    cli_print_safe(stdout, entry->name.data ? entry->name : bytes_text("server"));
    printf("  ");
    cli_print_safe(stdout, entry->type);
    printf("  ");
    cli_print_safe(stdout, entry->data);
    printf("\n");
}

/* The page comes newest first and is shown oldest first. */
static void on_activity(void *context, struct client *client, const struct client_reply *reply) {
    struct feed *feed = context;
    struct bytes values[ACTIVITY_PAGE_MAX];
    struct activity_page page;
    struct activity_entry entry;
    uint32_t count = 0, read = 0;
    (void)client;
    feed->failed = activity_page_read(reply->result, &page).status != STATUS_OK;
    if (feed->failed)
        return;
    struct pack_reader reader = pack_reader(page.entries);
    feed->failed = pack_read_array(&reader, &count) != STATUS_OK || count > ACTIVITY_PAGE_MAX;
    while (!feed->failed && read < count)
        feed->failed = pack_read_value(&reader, &values[read++]) != STATUS_OK;
    while (!feed->failed && read > 0)
        if (activity_entry_read(values[--read], &entry).status == STATUS_OK)
            print_activity(feed->room.cli, &entry);
}

int cli_activity(struct cli *cli) {
    struct feed feed = { 0 };
    struct room *room = &feed.room;
    int exit = room_enter(room, cli);
    if (exit == CLI_OK && cli->limit > 0)
        exit = room_answer(room, client_activity_list(room->client, &uuid_nil, cli->limit, room_on_reply, room), on_activity);
    if (exit == CLI_OK && feed.failed) {
        cli_say("the server's feed cannot be read");
        exit = CLI_FAILED;
    }
    room_finish(room);
    return exit;
}
