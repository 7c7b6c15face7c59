/* tail_file.c — prints a file of a session whenever it changes: the smallest useful client.
 *
 *     tail_file http://127.0.0.1:8440/v1/sessions/UUID#token=TOKEN main.c
 *
 * One client, one document, one handler. The library dials, joins, opens, and after a loss does so again; the program says what to
 * do when something happened. */
#include "vibesync/client_poll.h"

#include <stdio.h>

struct tail {
    struct client_document *document;
    bool ended;
};

static void print_text(const struct client_document *document) {
    struct bytes_writer text;
    bytes_writer_init(&text, &mem_default, CRDT_UPDATE_BYTES_MAX);
    if (client_document_text(document, &text) == STATUS_OK) {
        printf("---- %.*s, %zu bytes\n", (int)client_document_path(document).size,
               (const char *)client_document_path(document).data, text.size);
        fwrite(text.data, 1, text.size, stdout);
        fflush(stdout);
    }
    bytes_writer_finish(&text);
}

static void on_event(void *context, struct client *client, const struct client_event *event) {
    struct tail *tail = context;
    (void)client;
    switch (event->kind) {
    case CLIENT_DOCUMENT_READY:
    case CLIENT_DOCUMENT_CHANGED:
        print_text(event->document);
        break;
    case CLIENT_LOST:
        fprintf(stderr, "lost: %.*s; trying again\n", (int)event->reason.size, (const char *)event->reason.data);
        break;
    case CLIENT_STOPPED:
        fprintf(stderr, "ended: %.*s\n", (int)event->reason.size, (const char *)event->reason.data);
        tail->ended = true;
        break;
    case CLIENT_DOCUMENT_HALTED:
        fprintf(stderr, "%s\n", event->fault->message);
        tail->ended = true;
        break;
    default:
        break;
    }
}

int main(int count, char **arguments) {
    struct tail tail = { 0 };
    struct client_poll *poll = NULL;
    struct client *client = NULL;
    if (count != 3) {
        fprintf(stderr, "usage: tail_file URL PATH\n");
        return 2;
    }
    struct client_options options = {
        .url = bytes_text(arguments[1]), .name = bytes_text("tail_file"), .random = client_poll_random, .now_ms = client_poll_now()
    };
    enum status status = client_create(&options, &client);
    if (status == STATUS_OK)
        status = client_poll_create(NULL, &poll);
    if (status == STATUS_OK)
        status = client_poll_add(poll, client, on_event, &tail);
    if (status == STATUS_OK)
        status = client_document_open(client, NULL, bytes_text(arguments[2]), &tail, &tail.document);
    while (status == STATUS_OK && !tail.ended)
        status = client_poll_turn(poll, -1);
    if (status != STATUS_OK)
        fprintf(stderr, "tail_file: %s\n", status_sentence(status));
    client_poll_destroy(poll);
    client_destroy(client);
    return 1;
}
