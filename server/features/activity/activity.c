/* activity.c — who did what: a feed that is only read here.
 *
 * A row is written by the statement of its cause (file created, message sent, somebody came), in the same transaction, so feed and
 * facts cannot disagree. */
#include "features/activity/activity.h"

#include "feature/host.h"
#include "features/activity/activity_wire.h"

static struct activity_entry activity_entry_of(const struct row *row) {
    return (struct activity_entry){
        .id = row_uuid(row, 0),
        .at = (uint64_t)row_i64(row, 1),
        .user = row_uuid(row, 2),
        .name = row_text(row, 3),
        .type = row_text(row, 4),
        .data = row_jsonb(row, 5),
    };
}

static void activity_write_row(struct bytes_writer *out, const struct row *row) {
    struct activity_entry entry = activity_entry_of(row);
    activity_entry_write(out, &entry);
}

static void activity_list_on_read(struct feature_call *call, const struct reply *reply) {
    struct activity_list list;
    activity_list_read(call->params, &list);
    struct host_page rows = host_page_of(reply, list.limit, activity_write_row);
    struct activity_page page = { .entries = bytes_written(&rows.rows) };
    if (rows.more) {
        struct row last = reply_row(reply, rows.count - 1);
        page.next = row_uuid(&last, 0);
    }
    host_respond_page(call, &rows, activity_page_write, &page);
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
