/* cli_document.c — the text of a file: cat, watch, type. */
#include "cli.h"
#include "ground/utf.h"
#include "wire/json_body.h"

#include <errno.h>
#include <unistd.h>

enum { TYPE_READ_BYTES = 65536 };

struct watching {
    struct room room;         /* first */
    struct bytes_writer text; /* as last printed */
    bool changed;
};

static bool read_text(const struct room *room, struct bytes_writer *out) {
    bytes_writer_init(out, &mem_default, CRDT_UPDATE_BYTES_MAX);
    enum status status = client_document_text(room->document, out);
    if (status != STATUS_OK)
        cli_fail_status("the text", status);
    return status == STATUS_OK;
}

int cli_cat(struct cli *cli) {
    struct room room = { 0 };
    struct bytes_writer text;
    int exit = room_enter(&room, cli);
    if (exit == CLI_OK)
        exit = room_open(&room, bytes_text(cli->words[0]));
    if (exit == CLI_OK) {
        if (!read_text(&room, &text) || (text.size > 0 && fwrite(text.data, 1, text.size, stdout) != text.size))
            exit = CLI_FAILED;
        bytes_writer_finish(&text);
    }
    room_finish(&room);
    return exit;
}

/* ---- watch ---- */

/* One line: control characters and backslashes as escapes. */
static void print_escaped(char sign, struct bytes text) {
    putchar(' ');
    putchar(sign);
    putchar('"');
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '\n')
            fputs("\\n", stdout);
        else if (text.data[i] == '\\' || text.data[i] == '"')
            printf("\\%c", text.data[i]);
        else if (text.data[i] == '\t')
            fputs("\\t", stdout);
        else
            cli_print_safe(stdout, bytes_of(&text.data[i], 1));
    }
    putchar('"');
}

static bool continues(struct bytes text, size_t at) {
    return at < text.size && (text.data[at] & 0xc0) == 0x80;
}

/* Prints what parts two texts: everything between their common beginning and their common end. */
static void print_change(const struct cli *cli, struct bytes before, struct bytes after) {
    size_t start = 0, end = 0;
    while (start < before.size && start < after.size && before.data[start] == after.data[start])
        start++;
    while (start > 0 && (continues(before, start) || continues(after, start)))
        start--;
    while (end < before.size - start && end < after.size - start &&
           before.data[before.size - end - 1] == after.data[after.size - end - 1])
        end++;
    while (end > 0 && (continues(before, before.size - end) || continues(after, after.size - end)))
        end--;
    struct bytes deleted = bytes_of(before.data + start, before.size - start - end);
    struct bytes inserted = bytes_of(after.data + start, after.size - start - end);
    uint64_t index = utf_units(bytes_of(before.data, start));
    if (deleted.size == 0 && inserted.size == 0)
        return;
    if (cli->json) {
        struct bytes_writer text;
        bytes_writer_init(&text, &mem_default, (size_t)CRDT_UPDATE_BYTES_MAX * 6);
        struct json_writer json = json_write_open(&text);
        json_write_uint(&json, "index", index);
        json_write_text(&json, "deleted", deleted);
        json_write_text(&json, "inserted", inserted);
        json_write_close(&json);
        printf("%.*s\n", (int)text.size, (const char *)text.data);
        bytes_writer_finish(&text);
    } else {
        printf("@ %llu", (unsigned long long)index);
        if (deleted.size > 0)
            print_escaped('-', deleted);
        if (inserted.size > 0)
            print_escaped('+', inserted);
        putchar('\n');
    }
    fflush(stdout);
}

static void watch_on_event(void *context, struct client *client, const struct client_event *event) {
    struct watching *watching = context;
    (void)client;
    if (event->kind == CLIENT_DOCUMENT_CHANGED || event->kind == CLIENT_DOCUMENT_READY)
        watching->changed = true;
}

int cli_watch(struct cli *cli) {
    struct watching watching = { .room.handler = watch_on_event };
    int exit = room_enter(&watching.room, cli);
    if (exit == CLI_OK)
        exit = room_open(&watching.room, bytes_text(cli->words[0]));
    if (exit == CLI_OK && !read_text(&watching.room, &watching.text))
        exit = CLI_FAILED;
    if (exit == CLI_OK && cli->json) { /* as a first change, so that who follows has all of it */
        print_change(cli, bytes_of(NULL, 0), bytes_written(&watching.text));
    } else if (exit == CLI_OK) {
        cli_print_safe(stdout, bytes_written(&watching.text));
        if (watching.text.size > 0 && watching.text.data[watching.text.size - 1] != '\n')
            putchar('\n');
        fflush(stdout);
    }
    watching.changed = false;
    while (exit == CLI_OK) {
        struct bytes_writer text;
        exit = room_await(&watching.room, &watching.changed, UINT64_MAX, "");
        if (exit != CLI_OK)
            break;
        watching.changed = false;
        if (!read_text(&watching.room, &text)) {
            exit = CLI_FAILED;
            bytes_writer_finish(&text);
            break;
        }
        print_change(cli, bytes_written(&watching.text), bytes_written(&text));
        bytes_writer_finish(&watching.text);
        watching.text = text;
    }
    if (watching.text.mem)
        bytes_writer_finish(&watching.text);
    room_finish(&watching.room);
    return exit == CLI_INTERRUPTED ? CLI_OK : exit;
}

/* ---- type ---- */

/* Appends what is whole UTF-8 of `pending`; keeps the start of a cut character. */
static int type_pending(struct room *room, struct bytes_writer *pending, bool last) {
    size_t whole = pending->size;
    for (size_t back = 1; back <= 3 && back <= pending->size && !last; back++) {
        uint8_t c = pending->data[pending->size - back];
        if ((c & 0xc0) == 0x80)
            continue;
        size_t needed = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;
        if (needed > back)
            whole = pending->size - back;
        break;
    }
    if (whole == 0)
        return CLI_OK;
    enum status status =
        client_document_insert(room->document, client_document_length(room->document), bytes_of(pending->data, whole));
    if (status == STATUS_MALFORMED) {
        cli_say("the input is not UTF-8; nothing of it was typed from there on");
        return CLI_FAILED;
    }
    if (status == STATUS_DENIED) {
        cli_say("you may read this file and not change it");
        return CLI_DENIED;
    }
    if (status != STATUS_OK)
        return cli_fail_status("typing", status);
    memmove(pending->data, pending->data + whole, pending->size - whole);
    pending->size -= whole;
    return CLI_OK;
}

static int type_input(struct room *room) {
    struct bytes_writer pending;
    int exit = CLI_OK;
    bool ended = false;
    bytes_writer_init(&pending, &mem_default, TYPE_READ_BYTES + 8);
    client_poll_watch(room->poll, STDIN_FILENO);
    while (exit == CLI_OK && !ended) {
        if (client_poll_turn(room->poll, 1000) != STATUS_OK)
            exit = cli_fail_status("poll", STATUS_IO);
        else if (room->ended)
            exit = room->exit;
        else if (cli_interrupted())
            ended = true;
        else if (client_poll_readable(room->poll)) {
            uint8_t *space = bytes_writer_reserve(&pending, TYPE_READ_BYTES);
            ssize_t got = space ? read(STDIN_FILENO, space, TYPE_READ_BYTES) : 0;
            if (got < 0 && (errno == EINTR || errno == EAGAIN))
                continue;
            ended = got <= 0;
            pending.size += got > 0 ? (size_t)got : 0;
            exit = type_pending(room, &pending, ended);
        }
    }
    client_poll_watch(room->poll, -1);
    bytes_writer_finish(&pending);
    return exit;
}

int room_create_file(struct room *room, const char *path) {
    room->tolerated = WIRE_CODE_EXISTS;
    return room_answer(room, client_file_create(room->client, bytes_text(path), room_on_reply, room), NULL);
}

int cli_type(struct cli *cli) {
    struct room room = { 0 };
    const char *wrong = file_path_fault(bytes_text(cli->words[0]));
    if (wrong) {
        cli_say("%s: %s", cli->words[0], wrong);
        return CLI_USAGE;
    }
    int exit = room_enter(&room, cli);
    if (exit == CLI_OK && cli->create)
        exit = room_create_file(&room, cli->words[0]);
    if (exit == CLI_OK)
        exit = room_open(&room, bytes_text(cli->words[0]));
    if (exit == CLI_OK)
        exit = type_input(&room);
    int saved = room.document && room.ready && !room.ended ? room_await_saved(&room) : CLI_OK;
    room_finish(&room);
    return exit != CLI_OK ? exit : saved;
}
