/* activity.c — who did what: a feed that is only read here.
 *
 * A row is written by the statement of its cause (file created, message sent, somebody came), in the same transaction, so feed and
 * facts cannot disagree. */
#include "features/activity/activity.h"

#include "feature/host.h"
#include "features/activity/activity_wire.h"

static void activity_list_on_read(struct feature_call *call, const struct reply *reply) {
    struct activity_list list;
    activity_list_read(call->params, &list);
    struct bytes_writer array;
    bytes_writer_init(&array, &mem_default, 4u << 20);
    struct activity_page page = { 0 };
    uint32_t count = reply->row_count > list.limit ? (uint32_t)list.limit : reply->row_count;
    pack_write_array(&array, count);
    for (uint32_t i = 0; i < count; i++) {
        struct row row = reply_row(reply, i);
        struct activity_entry entry = {
            .id = row_uuid(&row, 0),
            .at = (uint64_t)row_i64(&row, 1),
            .user = row_uuid(&row, 2),
            .name = row_text(&row, 3),
            .type = row_text(&row, 4),
            .data = row_jsonb(&row, 5),
        };
        activity_entry_write(&array, &entry);
        if (i + 1 == count && reply->row_count > count)
            page.next = entry.id;
    }
    page.entries = bytes_written(&array);
    if (array.status == STATUS_OK) {
        host_respond(call, activity_page_write, &page);
    } else {
        struct wire_fault fault = wire_fault(wire_code_of_status(array.status));
        host_fail(call, &fault);
    }
    bytes_writer_finish(&array);
}

static enum status activity_list(struct feature_call *call) {
    struct activity_list list;
    struct pack_fields fields = activity_list_read(call->params, &list);
    enum status status = host_check(call, &fields);
    if (status != STATUS_OK)
        return status;
    struct params *params = params_new(&call->arena);
    params_add_uuid(params, &call->session_id);
    params_add_uuid(params, uuid_is_nil(&list.before) ? NULL : &list.before);
    params_add_i64(params, (int64_t)list.limit + 1);
    return host_store(call, "activity_list", params, activity_list_on_read);
}

static const struct feature_handler activity_handlers[] = { { "activity.list", activity_list }, { 0 } };

const struct feature activity_feature = { .name = "activity", .methods = activity_methods, .handlers = activity_handlers };
