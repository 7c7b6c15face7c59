/* http_operation.h — a handler that waits for the database.
 *
 * Embedded as the first member of a handler's own struct. It knows its connection by id: the client may leave meanwhile, and then
 * the reply finds nobody and only cleans up. The door keeps all operations, so that it can end them with itself.
 *
 *   http_operation_create ──▶ http_operation_submit ──▶ reply … ──▶ http_operation_conn, answer ──▶ http_operation_destroy */
#ifndef SERVER_HTTP_OPERATION_H
#define SERVER_HTTP_OPERATION_H

#include "ground/arena.h"
#include "http/http_conn.h"
#include "store/store.h"

struct http_operation {
    struct list link;
    struct http_door *door;
    uint64_t conn_id;
    struct store_request request;
    char name[REQUEST_ID_BYTES]; /* of the HTTP request, for the log */
    struct arena arena;          /* ends with the operation */
    size_t bytes;                /* of the whole struct */
};

/* A zeroed struct of `bytes` bytes that begins with a struct http_operation; NULL: no memory. */
void *http_operation_create(struct http_conn *conn, size_t bytes);
void http_operation_destroy(struct http_operation *operation);

/* The connection that asked, if it still waits. */
struct http_conn *http_operation_conn(const struct http_operation *operation);

/* Submits the statement; `reply` gets the operation. When it cannot be submitted, the client is told and the operation destroyed:
 * the caller just returns. */
void http_operation_submit(struct http_operation *operation, const char *statement, const struct params *params, store_reply reply);

/* Tells the client why `status` ends the operation, logs what is ours, and destroys it. */
void http_operation_fail(struct http_operation *operation, const char *statement, enum status status, const char *reason);

#endif
