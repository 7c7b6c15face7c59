/* doors.c — tokens for the compatibility doors: allow, make, revoke.
 *
 *   doors.token ──▶ [doors_token: its hash] ──▶ doors_on_made ──▶ the token, said once
 *   doors.allow, doors.revoke likewise; both end what was opened with the tokens that no longer count */
#include "features/doors/doors.h"

#include "feature/host.h"
#include "features/doors/doors_wire.h"

static void doors_on_allowed(struct feature_call *call, const struct reply *reply) {
    bool tokens;
    (void)reply;
    doors_allow_read(call->params, &tokens);
    if (!tokens)
        host_end_door_tokens(call, NULL);
    host_respond(call, NULL, NULL);
}

static enum status doors_allow(struct feature_call *call) {
    bool tokens;
    struct pack_fields fields = doors_allow_read(call->params, &tokens);
    enum status status = host_check(call, &fields);
    if (status != STATUS_OK)
        return status;
    struct params *params = params_new(&call->arena);
    params_add_uuid(params, &call->session_id);
    params_add_bool(params, tokens);
    return host_store(call, "doors_allow", params, doors_on_allowed);
}

static void doors_on_made(struct feature_call *call, const struct reply *reply) {
    struct bytes token = bytes_text(call->state);
    struct wire_fault fault = wire_fault_say(WIRE_CODE_CONFLICT, "The session takes no door tokens; its owner can allow them.");
    if (reply->row_count == 0)
        host_fail(call, &fault);
    else
        host_respond(call, doors_token_write, &token);
}

static enum status doors_token(struct feature_call *call) {
    struct bytes hash;
    call->state = host_new_token(call, &hash);
    if (call->state == NULL)
        return STATUS_NO_MEMORY;
    struct params *params = params_new(&call->arena);
    params_add_bytea(params, hash);
    params_add_uuid(params, &call->user_id);
    params_add_uuid(params, &call->session_id);
    return host_store(call, "doors_token", params, doors_on_made);
}

static void doors_on_revoked(struct feature_call *call, const struct reply *reply) {
    uint64_t revoked = reply->row_count;
    host_end_door_tokens(call, &call->user_id);
    host_respond(call, doors_revoked_write, &revoked);
}

static enum status doors_revoke(struct feature_call *call) {
    struct params *params = params_new(&call->arena);
    params_add_uuid(params, &call->user_id);
    params_add_uuid(params, &call->session_id);
    return host_store(call, "doors_revoke", params, doors_on_revoked);
}

static const struct feature_handler doors_handlers[] = {
    { "doors.allow", doors_allow },
    { "doors.token", doors_token },
    { "doors.revoke", doors_revoke },
    { 0 },
};

const struct feature doors_feature = { .name = "doors", .methods = doors_methods, .handlers = doors_handlers };
