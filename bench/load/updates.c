/* updates.c — Yjs updates, made and told apart without a replica.
 *
 *   01 01 cc.. nn 84 cc.. nn-1 len text 00        client cc, from clock nn: text behind its own character nn-1
 *   01 01 cc.. 00 04 01 04 text len text 00       its first: text at the beginning of the root "text"
 *
 * Each writer goes on behind its own last character, so its text becomes one run in every server, as a typing person's does. */
#include "load.h"

#include "ground/varint.h"

enum { INFO_STRING = 0x04, INFO_ORIGIN = 0x80, DOCUMENT_CLIENTS = 8, DOCUMENT_RUN = 10, DOCUMENT_CLIENT_FIRST = 1000 };

static void item_write(struct bytes_writer *out, bool has_origin, uint64_t client, uint64_t clock, uint64_t characters) {
    bytes_write_u8(out, has_origin ? INFO_STRING | INFO_ORIGIN : INFO_STRING);
    if (has_origin) {
        varint_write(out, client);
        varint_write(out, clock);
    } else {
        bytes_write_u8(out, 1); /* the parent is a root: its name */
        varint_write_view(out, bytes_text("text"));
    }
    varint_write(out, characters);
    uint8_t *text = bytes_writer_reserve(out, characters);
    if (text == NULL)
        load_die("out of memory");
    memset(text, 'x', characters);
    out->size += characters;
}

void update_write(struct bytes_writer *out, uint64_t client, uint64_t clock, uint64_t characters) {
    bytes_write_u8(out, 1);
    bytes_write_u8(out, 1);
    varint_write(out, client);
    varint_write(out, clock);
    item_write(out, clock > 0, client, clock - 1, characters);
    bytes_write_u8(out, 0);
}

bool update_read(struct bytes update, uint64_t *client, uint64_t *clock, uint64_t *characters) {
    struct bytes_reader reader = bytes_reader(update);
    uint64_t origin_client, origin_clock;
    uint8_t info, parent;
    struct bytes name;
    if (update.size < 4 || update.data[0] != 1 || update.data[1] != 1)
        return false;
    reader.at += 2;
    if (varint_read(&reader, client) != STATUS_OK || varint_read(&reader, clock) != STATUS_OK ||
        bytes_read_u8(&reader, &info) != STATUS_OK)
        return false;
    if (info == (INFO_STRING | INFO_ORIGIN)) {
        if (varint_read(&reader, &origin_client) != STATUS_OK || varint_read(&reader, &origin_clock) != STATUS_OK)
            return false;
    } else if (info != INFO_STRING || bytes_read_u8(&reader, &parent) != STATUS_OK || parent != 1 ||
               varint_read_view(&reader, &name) != STATUS_OK) {
        return false;
    }
    return varint_read(&reader, characters) == STATUS_OK && bytes_left(&reader) == *characters + 1 && reader.end[-1] == 0;
}

/* Run r is of client r mod 8 and stands behind run r-1: no two neighbours melt into one. */
uint64_t update_write_document(struct bytes_writer *out, uint64_t size) {
    uint64_t runs = size / (DOCUMENT_RUN + 6) + 1;
    varint_write(out, runs < DOCUMENT_CLIENTS ? runs : DOCUMENT_CLIENTS);
    for (uint64_t client = DOCUMENT_CLIENTS; client-- > 0;) {
        uint64_t own = runs / DOCUMENT_CLIENTS + (client < runs % DOCUMENT_CLIENTS);
        if (own == 0)
            continue;
        varint_write(out, own);
        varint_write(out, DOCUMENT_CLIENT_FIRST + client);
        varint_write(out, 0);
        for (uint64_t i = 0; i < own; i++) {
            uint64_t run = i * DOCUMENT_CLIENTS + client;
            uint64_t before = run == 0 ? 0 : run - 1;
            item_write(out, run > 0, DOCUMENT_CLIENT_FIRST + before % DOCUMENT_CLIENTS,
                       before / DOCUMENT_CLIENTS * DOCUMENT_RUN + DOCUMENT_RUN - 1, DOCUMENT_RUN);
        }
    }
    bytes_write_u8(out, 0);
    return runs * DOCUMENT_RUN;
}

void cursor_write(struct bytes_writer *out, uint64_t client, uint64_t clock) {
    char state[128];
    snprintf(state, sizeof state, "{\"user\":{\"name\":\"u%llu\"},\"cursor\":{\"anchor\":%llu,\"head\":%llu}}",
             (unsigned long long)client, (unsigned long long)clock, (unsigned long long)clock);
    varint_write(out, 1);
    varint_write(out, client);
    varint_write(out, clock);
    varint_write_view(out, bytes_text(state));
}
