/* cli_files.c — file list, create, rename, delete. */
#include "cli.h"
#include "wire/json_body.h"

#include <time.h>

struct listing {
    struct room room; /* first */
    char after[FILES_PATH_BYTES_MAX];
    size_t after_size;
    bool more, failed;
    /* What find_file looks for. */
    struct bytes wanted;
    struct uuid found;
};

static void print_file(const struct cli *cli, const struct file_entry *file) {
    char id[UUID_TEXT_SIZE + 1], time_text[32];
    time_t seconds = (time_t)(file->updated_at / 1000);
    struct tm local;
    uuid_format(&file->id, id);
    if (cli->json) {
        struct bytes_writer text;
        bytes_writer_init(&text, &mem_default, 65536);
        struct json_writer json = json_write_open(&text);
        json_write_string(&json, "file", id);
        json_write_text(&json, "path", file->path);
        json_write_uint(&json, "size", file->size);
        json_write_uint(&json, "version", file->version);
        json_write_uint(&json, "updated_at", file->updated_at);
        json_write_bool(&json, "quarantined", file->quarantined);
        json_write_close(&json);
        printf("%.*s\n", (int)text.size, (const char *)text.data);
        bytes_writer_finish(&text);
        return;
    }
    strftime(time_text, sizeof time_text, "%Y-%m-%d %H:%M:%S", localtime_r(&seconds, &local));
    printf("%10llu  v%-5llu %s  ", (unsigned long long)file->size, (unsigned long long)file->version, time_text);
    cli_print_safe(stdout, file->path);
    printf("%s\n", file->quarantined ? "  (quarantined)" : "");
}

static void on_page(void *context, struct client *client, const struct client_reply *reply) {
    struct listing *listing = context;
    struct file_page page;
    uint32_t count = 0;
    (void)client;
    listing->failed = file_page_read(reply->result, &page).status != STATUS_OK;
    if (listing->failed)
        return;
    struct pack_reader reader = pack_reader(page.files);
    listing->failed = pack_read_array(&reader, &count) != STATUS_OK;
    for (; count > 0 && !listing->failed; count--) {
        struct bytes value;
        struct file_entry file;
        listing->failed = pack_read_value(&reader, &value) != STATUS_OK || file_entry_read(value, &file).status != STATUS_OK;
        if (listing->failed)
            return;
        if (!listing->wanted.data)
            print_file(listing->room.cli, &file);
        else if (bytes_equal(listing->wanted, file.path))
            listing->found = file.id;
    }
    listing->more = page.next.data != NULL && page.next.size <= sizeof listing->after;
    listing->after_size = listing->more ? page.next.size : 0;
    if (listing->more)
        memcpy(listing->after, page.next.data, page.next.size);
}

/* Walks all pages, printing them or looking for `wanted`. */
static int walk_files(struct listing *listing) {
    struct room *room = &listing->room;
    int exit;
    listing->after_size = 0;
    do {
        struct bytes after = bytes_of(listing->after_size > 0 ? listing->after : NULL, listing->after_size);
        exit = room_answer(room, client_file_list(room->client, after, FILES_PAGE_MAX, room_on_reply, room), on_page);
        if (exit == CLI_OK && listing->failed) {
            cli_say("the server's list of files cannot be read");
            exit = CLI_FAILED;
        }
    } while (exit == CLI_OK && listing->more);
    return exit;
}

static int find_file(struct listing *listing, const char *path) {
    listing->wanted = bytes_text(path);
    listing->found = uuid_nil;
    int exit = walk_files(listing);
    if (exit == CLI_OK && uuid_is_nil(&listing->found)) {
        cli_say("there is no file %s", path);
        exit = CLI_FAILED;
    }
    return exit;
}

int cli_file_list(struct cli *cli) {
    struct listing listing = { 0 };
    int exit = room_enter(&listing.room, cli);
    if (exit == CLI_OK)
        exit = walk_files(&listing);
    room_finish(&listing.room);
    return exit;
}

static void on_file(void *context, struct client *client, const struct client_reply *reply) {
    struct listing *listing = context;
    struct file_entry file;
    (void)client;
    if (file_result_read(reply->result, &file).status != STATUS_OK)
        listing->failed = true;
    else if (listing->room.cli->json)
        print_file(listing->room.cli, &file);
}

/* Enters, and finds the file that `path` names; NULL: none is looked for. */
static int files_enter(struct listing *listing, struct cli *cli, const char *path) {
    int exit = room_enter(&listing->room, cli);
    return exit == CLI_OK && path ? find_file(listing, path) : exit;
}

static bool path_fine(const char *path) {
    const char *wrong = file_path_fault(bytes_text(path));
    if (wrong)
        cli_say("%s: %s", path, wrong);
    return !wrong;
}

static int files_leave(struct listing *listing, int exit) {
    room_finish(&listing->room);
    return exit;
}

int cli_file_create(struct cli *cli) {
    struct listing listing = { 0 };
    struct room *room = &listing.room;
    if (!path_fine(cli->words[0]))
        return CLI_USAGE;
    int exit = files_enter(&listing, cli, NULL);
    if (exit == CLI_OK)
        exit = room_answer(room, client_file_create(room->client, bytes_text(cli->words[0]), room_on_reply, room), on_file);
    return files_leave(&listing, exit);
}

int cli_file_rename(struct cli *cli) {
    struct listing listing = { 0 };
    struct room *room = &listing.room;
    if (!path_fine(cli->words[1]))
        return CLI_USAGE;
    int exit = files_enter(&listing, cli, cli->words[0]);
    if (exit == CLI_OK)
        exit = room_answer(room, client_file_rename(room->client, &listing.found, bytes_text(cli->words[1]), room_on_reply, room),
                           on_file);
    return files_leave(&listing, exit);
}

int cli_file_delete(struct cli *cli) {
    struct listing listing = { 0 };
    struct room *room = &listing.room;
    int exit = files_enter(&listing, cli, cli->words[0]);
    if (exit == CLI_OK)
        exit = room_answer(room, client_file_delete(room->client, &listing.found, room_on_reply, room), on_file);
    return files_leave(&listing, exit);
}
