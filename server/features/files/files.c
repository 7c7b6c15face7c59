/* files.c — the files of a session: create, list, rename, delete.
 *
 *   file.create ──▶ [files_create: row + activity] ──▶ files_on_created ──▶ answer, file.changed to everybody
 *   rename and delete likewise; delete also ends the open document.
 *
 * Files are rows, not memory: a session of 10,000 files costs what its open documents cost. Who is first wins a path: the unique
 * index decides, the other is told `exists`. */
#include "features/files/files.h"

#include "feature/host.h"
#include "features/files/files_wire.h"

static struct file_entry files_entry(const struct row *row) {
    return (struct file_entry){
        .id = row_uuid(row, 0),
        .path = row_text(row, 1),
        .size = (uint64_t)row_i64(row, 2),
        .hash = row_text(row, 3),
        .version = (uint64_t)row_i64(row, 4),
        .updated_at = (uint64_t)row_i64(row, 5),
        .quarantined = row_bool(row, 6),
    };
}

/* Answers the call with the one row of `reply` and tells everybody. */
static void files_tell(struct feature_call *call, const struct reply *reply, const char *event) {
    struct row row = reply_row(reply, 0);
    struct file_changed changed = { .event = event, .file = files_entry(&row), .user = call->user_id };
    host_respond(call, file_result_write, &changed.file);
    host_broadcast(call, "file.changed", file_changed_write, &changed);
}

static void files_fail_not_found(struct feature_call *call) {
    struct wire_fault fault = wire_fault_say(WIRE_CODE_NOT_FOUND, "There is no such file.");
    host_fail(call, &fault);
}

/* ---- file.create ---- */

static void files_on_created(struct feature_call *call, const struct reply *reply) {
    if (reply->row_count == 0) {
        host_fail_files_max(call);
        return;
    }
    files_tell(call, reply, "created");
}

static enum status files_create(struct feature_call *call) {
    struct file_request request;
    struct pack_fields fields = file_create_read(call->params, &request);
    enum status status = host_check(call, &fields);
    if (status != STATUS_OK)
        return status;
    struct uuid id = host_new_id(call);
    struct uuid activity = host_new_id(call);
    struct params *params = params_new(&call->arena);
    params_add_uuid(params, &call->session_id);
    params_add_uuid(params, &id);
    params_add_text(params, request.path);
    params_add_uuid(params, &call->user_id);
    params_add_uuid(params, &activity);
    params_add_i64(params, (int64_t)host_files_max(call));
    return host_store(call, "files_create", params, files_on_created);
}

/* ---- file.list ---- */

static void files_write_row(struct bytes_writer *out, const struct row *row) {
    struct file_entry entry = files_entry(row);
    file_entry_write(out, &entry);
}

static void files_on_listed(struct feature_call *call, const struct reply *reply) {
    struct file_list list;
    file_list_read(call->params, &list);
    struct host_page rows = host_page_of(reply, list.limit, files_write_row);
    struct file_page page = { .files = bytes_written(&rows.rows) };
    if (rows.more) {
        struct row last = reply_row(reply, rows.count - 1);
        page.next = files_entry(&last).path;
    }
    host_respond_page(call, &rows, file_page_write, &page);
}

static enum status files_list(struct feature_call *call) {
    struct file_list list;
    struct pack_fields fields = file_list_read(call->params, &list);
    enum status status = host_check(call, &fields);
    if (status != STATUS_OK)
        return status;
    struct params *params = params_new(&call->arena);
    params_add_uuid(params, &call->session_id);
    params_add_text(params, list.after.data == NULL ? bytes_text("") : list.after);
    params_add_i64(params, (int64_t)list.limit + 1);
    return host_store(call, "files_list", params, files_on_listed);
}

/* ---- file.rename ---- */

static void files_on_renamed(struct feature_call *call, const struct reply *reply) {
    if (reply->row_count == 0)
        files_fail_not_found(call);
    else
        files_tell(call, reply, "renamed");
}

static enum status files_rename(struct feature_call *call) {
    struct file_request request;
    struct pack_fields fields = file_rename_read(call->params, &request);
    enum status status = host_check(call, &fields);
    if (status != STATUS_OK)
        return status;
    struct uuid activity = host_new_id(call);
    struct params *params = params_new(&call->arena);
    params_add_uuid(params, &call->session_id);
    params_add_uuid(params, &request.id);
    params_add_text(params, request.path);
    params_add_uuid(params, &call->user_id);
    params_add_uuid(params, &activity);
    return host_store(call, "files_rename", params, files_on_renamed);
}

/* ---- file.delete ---- */

static void files_on_deleted(struct feature_call *call, const struct reply *reply) {
    if (reply->row_count == 0) {
        files_fail_not_found(call);
        return;
    }
    struct row row = reply_row(reply, 0);
    struct uuid file = row_uuid(&row, 0);
    host_file_gone(call, &file);
    files_tell(call, reply, "deleted");
}

static enum status files_delete(struct feature_call *call) {
    struct file_request request;
    struct pack_fields fields = file_delete_read(call->params, &request);
    enum status status = host_check(call, &fields);
    if (status != STATUS_OK)
        return status;
    struct uuid activity = host_new_id(call);
    struct params *params = params_new(&call->arena);
    params_add_uuid(params, &call->session_id);
    params_add_uuid(params, &request.id);
    params_add_uuid(params, &call->user_id);
    params_add_uuid(params, &activity);
    return host_store(call, "files_delete", params, files_on_deleted);
}

static const struct feature_handler files_handlers[] = {
    { "file.create", files_create },
    { "file.list", files_list },
    { "file.rename", files_rename },
    { "file.delete", files_delete },
    { 0 },
};

const struct feature files_feature = { .name = "files", .methods = files_methods, .handlers = files_handlers };
