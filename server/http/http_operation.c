/* http_operation.c — see http_operation.h. */
#include "http/http_operation.h"

#include "log.h"

enum { HTTP_OPERATION_ARENA_BYTES_MAX = 65536 };

void *http_operation_create(struct http_conn *conn, size_t bytes) {
    struct http_operation *operation = mem_zalloc(&mem_default, bytes);
    if (operation == NULL)
        return NULL;
    operation->door = conn->door;
    operation->conn_id = conn->id;
    memcpy(operation->name, conn->request, sizeof operation->name);
    operation->bytes = bytes;
    arena_init(&operation->arena, &mem_default, HTTP_OPERATION_ARENA_BYTES_MAX);
    list_append(&conn->door->operations, &operation->link);
    return operation;
}

void http_operation_destroy(struct http_operation *operation) {
    if (operation == NULL)
        return;
    store_cancel(&operation->request);
    list_remove(&operation->link);
    arena_finish(&operation->arena);
    mem_free(&mem_default, operation, operation->bytes);
}

struct http_conn *http_operation_conn(const struct http_operation *operation) {
    struct http_conn *conn = http_door_conn(operation->door, operation->conn_id);
    return conn != NULL && conn->state == HTTP_CONN_HANDLING ? conn : NULL;
}

void http_operation_submit(struct http_operation *operation, const char *statement, const struct params *params,
                           store_reply reply) {
    enum status status =
        store_submit(server_store(operation->door->server), &operation->request, statement, params, reply, operation);
    if (status != STATUS_OK)
        http_operation_fail(operation, statement, status, "not submitted");
}

void http_operation_fail(struct http_operation *operation, const char *statement, enum status status, const char *reason) {
    struct http_conn *conn = http_operation_conn(operation);
    if (status != STATUS_UNAVAILABLE && status != STATUS_OVERLOADED)
        log_error((&(struct log_subject){ .request = operation->name }), "http.statement_failed",
                  "statement=%s status=%s reason=\"%s\"", statement, status_name(status), reason);
    if (conn != NULL) {
        if (status == STATUS_UNAVAILABLE)
            http_conn_refuse(conn, WIRE_CODE_UNAVAILABLE, "The database is away for now.");
        else if (status == STATUS_OVERLOADED || status == STATUS_NO_MEMORY)
            http_conn_refuse(conn, WIRE_CODE_OVERLOADED, "The server has too much to do.");
        else
            http_conn_refuse(conn, WIRE_CODE_INTERNAL, "The server failed.");
    }
    http_operation_destroy(operation);
}
