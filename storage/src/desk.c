/* desk.c — see desk.h. Parameters go and answers come in binary, as in the store, but each statement is waited for. */
#include "store/desk.h"

#include "catalog.h"
#include "digest.h"
#include "loaded.h"
#include "params_inside.h"
#include "row_inside.h"
#include "squeeze.h"

#include <assert.h>
#include <stdio.h>

extern const struct embedded_file store_sql_desk[];
extern const struct embedded_file store_sql_bulk[];

struct desk {
    PGconn *pg;
    PGresult *result; /* of the last call */
    struct list statements;
    struct catalog catalog;
    struct reply loaded; /* what a loaded document views */
    char error[DESK_REASON];
};

/* libpq ends its messages with a newline and may write several lines. */
static void desk_note(char out[DESK_REASON], const char *message) {
    snprintf(out, DESK_REASON, "%s", message);
    size_t size = strlen(out);
    while (size > 0 && out[size - 1] == '\n')
        out[--size] = 0;
    for (char *at = out; *at != 0; at++)
        if (*at == '\n' || *at == '\t')
            *at = ' ';
}

enum status desk_open(const char *url, char reason[DESK_REASON], struct desk **out) {
    struct desk *desk = mem_zalloc(&mem_default, sizeof *desk);
    if (desk == NULL)
        return STATUS_NO_MEMORY;
    list_init(&desk->statements);
    catalog_init(&desk->catalog, &mem_default, &desk->statements);
    enum status status = catalog_add(&desk->catalog, store_sql_desk, 0, reason);
    if (status == STATUS_OK)
        status = catalog_add(&desk->catalog, store_sql_bulk, 0, reason);
    if (status == STATUS_OK) {
        const char *keywords[] = { "dbname", "client_encoding", "fallback_application_name", NULL };
        const char *values[] = { url, "UTF8", "vibesyncd desk", NULL };
        desk->pg = PQconnectdbParams(keywords, values, 1);
        if (desk->pg == NULL || PQstatus(desk->pg) != CONNECTION_OK) {
            desk_note(reason, desk->pg == NULL ? "out of memory" : PQerrorMessage(desk->pg));
            status = STATUS_UNAVAILABLE;
        }
    }
    if (status != STATUS_OK) {
        desk_close(desk);
        return status;
    }
    *out = desk;
    return STATUS_OK;
}

void desk_close(struct desk *desk) {
    if (desk == NULL)
        return;
    PQclear(desk->result);
    PQfinish(desk->pg);
    catalog_finish(&desk->catalog, 1);
    mem_free(&mem_default, desk, sizeof *desk);
}

struct reply desk_ask(struct desk *desk, const char *name, const struct params *params) {
    const struct statement *statement = catalog_find(&desk->catalog, name);
    assert(statement != NULL);
    PQclear(desk->result);
    desk->result = NULL;
    if (params == NULL || params->status != STATUS_OK)
        return reply_without(params == NULL ? STATUS_NO_MEMORY : params->status, "the parameters cannot be written");
    Oid types[PARAMS_MAX];
    const char *values[PARAMS_MAX];
    int lengths[PARAMS_MAX], formats[PARAMS_MAX];
    for (unsigned i = 0; i < params->count; i++) {
        types[i] = params->items[i].type;
        values[i] = (const char *)params->items[i].value.data;
        lengths[i] = (int)params->items[i].value.size;
        formats[i] = 1;
    }
    desk->result = PQexecParams(desk->pg, statement->sql, (int)params->count, types, values, lengths, formats, 1);
    struct reply reply = desk->result == NULL ? reply_without(STATUS_NO_MEMORY, "out of memory") : reply_of(desk->result);
    if (PQstatus(desk->pg) != CONNECTION_OK) {
        desk_note(desk->error, PQerrorMessage(desk->pg));
        reply = reply_without(STATUS_UNAVAILABLE, desk->error);
    }
    return reply;
}

enum status desk_load(struct desk *desk, const struct uuid *file, unsigned how, struct loaded_document *out,
                      char reason[DESK_REASON]) {
    static_assert((int)DESK_REASON == (int)LOADED_REASON, "one kind of reason");
    struct arena arena;
    arena_init(&arena, &mem_default, 16384);
    struct params *params = params_new(&arena);
    params_add_uuid(params, file);
    params_add_i64(params, 0);
    desk->loaded = desk_ask(desk, "document_read", params);
    arena_finish(&arena);
    return loaded_document_read(&desk->loaded, 0, how, out, reason);
}

/* ---- history ---- */

enum status history_unpack(struct bytes chunk, struct bytes_writer *out) {
    return unsqueeze(chunk, out);
}

bool history_next(struct bytes *rest, struct bytes *out_payload) {
    struct bytes_reader reader = bytes_reader(*rest);
    uint32_t size;
    struct bytes payload;
    if (bytes_read_u32(&reader, &size) != STATUS_OK || bytes_read_view(&reader, size, &payload) != STATUS_OK)
        return false;
    *rest = bytes_of(rest->data + 4 + size, rest->size - 4 - size);
    *out_payload = payload;
    return true;
}

void checkpoint_digest(struct bytes state, struct bytes state_vector, uint8_t out[CHECKPOINT_DIGEST_SIZE]) {
    static_assert((int)CHECKPOINT_DIGEST_SIZE == (int)DIGEST_128_SIZE, "XXH3-128");
    struct bytes pieces[] = { state, state_vector };
    digest_128(pieces, 2, out);
}
