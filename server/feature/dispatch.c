/* dispatch.c — look up, check, copy, call. */
#include "feature/dispatch.h"

#include "connection/rate.h"
#include "feature/host.h"
#include "feature/registry.h"
#include "session/session.h"

enum { DISPATCH_ARENA_BYTES = 1 << 20 }; /* a call's params and rows on their way: the largest is a page of files */

static void dispatch_refuse(struct connection *connection, uint32_t msgid, struct wire_fault fault) {
    connection_send_fault(connection, msgid, &fault);
}

void dispatch_request(struct connection *connection, uint32_t msgid, struct bytes method, struct bytes params) {
    enum status (*handle)(struct feature_call * call);
    size_t index;
    const struct wire_method *row = registry_method(method, &handle, &index);
    if (row == NULL) {
        struct wire_fault fault = wire_fault(WIRE_CODE_METHOD_NOT_FOUND);
        fault.method = method;
        dispatch_refuse(connection, msgid, fault);
        return;
    }
    if ((connection->participant.rights & row->right) != row->right) {
        dispatch_refuse(connection, msgid, wire_fault(WIRE_CODE_PERMISSION_DENIED));
        return;
    }
    uint64_t after_ms = 0;
    enum status status = rate_take(&connection->rates, index, registry_method_count(), row->per_second,
                                   server_now_ms(connection->server), &after_ms);
    if (status == STATUS_OVERLOADED) {
        struct wire_fault fault = wire_fault(WIRE_CODE_RATE);
        metrics_limited(&connection->server->metrics, LIMIT_calls);
        fault.has_after_ms = true;
        fault.after_ms = after_ms;
        dispatch_refuse(connection, msgid, fault);
        return;
    }

    struct feature_call *call = status == STATUS_OK ? mem_zalloc(&mem_default, sizeof *call) : NULL;
    if (call == NULL) {
        dispatch_refuse(connection, msgid, wire_fault(WIRE_CODE_OVERLOADED));
        return;
    }
    struct session *session = connection->session;
    arena_init(&call->arena, &mem_default, DISPATCH_ARENA_BYTES);
    call->session = session;
    call->session_id = session->id;
    call->user_id = connection->participant.user;
    call->connection_id = connection->id;
    call->now_ms = server_unix_ms(session->server);
    call->msgid = msgid;
    memcpy(call->request, connection->request, sizeof call->request);
    call->fault.code = WIRE_CODE_COUNT;
    session->calls++;
    call->params = arena_copy(&call->arena, params);
    call->user_name = arena_copy(&call->arena, bytes_text(connection->participant.display_name));
    if (call->params.data == NULL || call->user_name.data == NULL) {
        struct wire_fault fault = wire_fault_limit("params_bytes", DISPATCH_ARENA_BYTES);
        host_fail(call, &fault);
    } else {
        status = handle(call);
        if (status != STATUS_OK && !call->answered) {
            struct wire_fault fault = call->fault.code != WIRE_CODE_COUNT ? call->fault : wire_fault(wire_code_of_status(status));
            host_fail(call, &fault);
        }
    }
    dispatch_settle(call);
}

void dispatch_settle(struct feature_call *call) {
    if (!call->answered || call->pending > 0)
        return;
    call->session->calls--;
    arena_finish(&call->arena);
    mem_free(&mem_default, call, sizeof *call);
}
