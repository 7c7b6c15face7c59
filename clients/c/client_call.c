/* client_call.c — requests and their replies.
 *
 * A request is written straight into the outgoing batch; what cannot be sent is cut off again. Replies are matched by msgid. A call
 * is answered exactly once: by its response, or with STATUS_UNAVAILABLE when the connection ends first. */
#include "client_core.h"

#include <assert.h>

struct bytes_writer *call_begin(struct client *client, const char *method, bool allowed) {
    assert(!client->call_open);
    client->call_open = true;
    client->call_status = STATUS_OK;
    if (!allowed)
        client->call_status = STATUS_UNAVAILABLE;
    else if (client->call_count == CLIENT_CALLS_MAX || line_waiting(&client->line) >= CLIENT_OUT_BYTES_MAX / 2)
        client->call_status = STATUS_OVERLOADED;
    else if (line_failed(&client->line))
        client->call_status = STATUS_NO_MEMORY;
    client->call_refused = client->call_status != STATUS_OK;
    if (client->call_refused) {
        bytes_writer_reset(&client->unsent);
        return &client->unsent;
    }
    struct bytes_writer *batch = line_batch(&client->line);
    client->call_start = batch->size;
    wire_request_begin(batch, client->next_msgid, method);
    return batch;
}

struct bytes_writer *client_call_begin(struct client *client, const char *method) {
    return call_begin(client, method, client->phase == PHASE_JOINED);
}

enum status client_call_end(struct client *client, client_reply_handler *handler, void *context) {
    assert(client->call_open);
    client->call_open = false;
    if (client->call_refused)
        return client->call_status;
    struct bytes_writer *batch = line_batch(&client->line);
    if (batch->status != STATUS_OK) {
        enum status status = batch->status == STATUS_TOO_BIG ? STATUS_OVERLOADED : STATUS_NO_MEMORY;
        batch->size = client->call_start;
        batch->status = STATUS_OK;
        return status;
    }
    client->calls[client->call_count++] = (struct client_call){ client->next_msgid++, handler, context };
    line_batched(&client->line);
    return STATUS_OK;
}

void call_answer(struct client *client, const struct wire_value *value) {
    unsigned i = 0;
    while (i < client->call_count && client->calls[i].msgid != value->msgid)
        i++;
    if (i == client->call_count)
        return;
    struct client_call call = client->calls[i];
    client->calls[i] = client->calls[--client->call_count];
    struct wire_fault fault;
    struct client_reply reply = { .status = STATUS_OK, .result = value->result };
    if (value->failed) {
        if (wire_fault_read(value->error, &fault) != STATUS_OK) {
            client_blame(client, "an error value that is none");
            fault = wire_fault(WIRE_CODE_INTERNAL);
        }
        reply = (struct client_reply){ .status = STATUS_DENIED, .fault = &fault };
    }
    if (call.handler)
        call.handler(call.context, client, &reply);
}

void call_fail_all(struct client *client) {
    const struct client_reply reply = { .status = STATUS_UNAVAILABLE };
    while (client->call_count > 0) {
        struct client_call call = client->calls[--client->call_count];
        if (call.handler)
            call.handler(call.context, client, &reply);
    }
}

void call_forget(struct client *client, const void *context) {
    for (unsigned i = 0; i < client->call_count; i++)
        if (client->calls[i].context == context)
            client->calls[i].handler = NULL;
}
