/* files_wire.c — one _write and one _read per message. */
#include "features/files/files_wire.h"

const struct wire_method files_methods[] = {
    /* name          from             right needed  per second */
    { "file.create", WIRE_FROM_CLIENT, RIGHT_FILES, 20 }, { "file.list", WIRE_FROM_CLIENT, RIGHT_READ, 20 },
    { "file.rename", WIRE_FROM_CLIENT, RIGHT_FILES, 20 }, { "file.delete", WIRE_FROM_CLIENT, RIGHT_FILES, 20 },
    { "file.changed", WIRE_FROM_SERVER, RIGHT_READ, 0 },  { 0 },
};

const char *file_path_fault(struct bytes path) {
    if (path.size == 0)
        return "is empty";
    if (path.size > FILES_PATH_BYTES_MAX)
        return "is longer than 1024 bytes";
    size_t start = 0;
    for (size_t i = 0; i <= path.size; i++) {
        if (i < path.size && (path.data[i] < 0x20 || path.data[i] == 0x7f))
            return "holds a control character";
        if (i < path.size && path.data[i] != '/')
            continue;
        struct bytes part = bytes_of(path.data + start, i - start);
        if (part.size == 0 || bytes_equal_text(part, ".") || bytes_equal_text(part, ".."))
            return "has a part that is empty, '.' or '..'";
        if (part.size > FILES_NAME_BYTES_MAX)
            return "has a part longer than 255 bytes";
        start = i + 1;
    }
    return NULL;
}

static void file_field_path(struct pack_fields *fields, struct bytes *out) {
    pack_field_text(fields, "path", PACK_REQUIRED, FILES_PATH_BYTES_MAX, out);
    const char *fault = fields->status == STATUS_OK ? file_path_fault(*out) : NULL;
    if (fault != NULL)
        pack_field_fail(fields, "path", fault);
}

void file_entry_write(struct bytes_writer *out, const void *entry) {
    const struct file_entry *file = entry;
    pack_write_map(out, 7);
    pack_put_uuid(out, "id", &file->id);
    pack_put_text(out, "path", file->path);
    pack_put_uint(out, "size", file->size);
    pack_put_text(out, "hash", file->hash);
    pack_put_uint(out, "version", file->version);
    pack_put_uint(out, "updated_at", file->updated_at);
    pack_put_bool(out, "quarantined", file->quarantined);
}

struct pack_fields file_entry_read(struct bytes value, struct file_entry *out) {
    *out = (struct file_entry){ 0 };
    struct pack_fields fields = pack_fields(value);
    pack_field_uuid(&fields, "id", PACK_REQUIRED, &out->id);
    pack_field_text(&fields, "path", PACK_REQUIRED, FILES_PATH_BYTES_MAX, &out->path);
    pack_field_uint(&fields, "size", PACK_OPTIONAL, PACK_UINT53_MAX, &out->size);
    pack_field_text(&fields, "hash", PACK_OPTIONAL, 64, &out->hash);
    pack_field_uint(&fields, "version", PACK_OPTIONAL, PACK_UINT53_MAX, &out->version);
    pack_field_uint(&fields, "updated_at", PACK_OPTIONAL, PACK_UINT53_MAX, &out->updated_at);
    pack_field_bool(&fields, "quarantined", PACK_OPTIONAL, &out->quarantined);
    return fields;
}

struct pack_fields file_create_read(struct bytes params, struct file_request *out) {
    *out = (struct file_request){ 0 };
    struct pack_fields fields = pack_fields(params);
    file_field_path(&fields, &out->path);
    return fields;
}

void file_create_write(struct bytes_writer *out, const struct file_request *request) {
    pack_write_map(out, 1);
    pack_put_text(out, "path", request->path);
}

struct pack_fields file_rename_read(struct bytes params, struct file_request *out) {
    *out = (struct file_request){ 0 };
    struct pack_fields fields = pack_fields(params);
    pack_field_uuid(&fields, "file", PACK_REQUIRED, &out->id);
    file_field_path(&fields, &out->path);
    return fields;
}

void file_rename_write(struct bytes_writer *out, const struct file_request *request) {
    pack_write_map(out, 2);
    pack_put_uuid(out, "file", &request->id);
    pack_put_text(out, "path", request->path);
}

struct pack_fields file_delete_read(struct bytes params, struct file_request *out) {
    *out = (struct file_request){ 0 };
    struct pack_fields fields = pack_fields(params);
    pack_field_uuid(&fields, "file", PACK_REQUIRED, &out->id);
    return fields;
}

void file_delete_write(struct bytes_writer *out, const struct file_request *request) {
    pack_write_map(out, 1);
    pack_put_uuid(out, "file", &request->id);
}

void file_result_write(struct bytes_writer *out, const void *entry) {
    pack_write_map(out, 1);
    pack_put_key(out, "file");
    file_entry_write(out, entry);
}

struct pack_fields file_result_read(struct bytes result, struct file_entry *out) {
    struct bytes value = { 0 };
    struct pack_fields fields = pack_fields(result);
    pack_field_map(&fields, "file", PACK_REQUIRED, &value);
    return fields.status == STATUS_OK ? file_entry_read(value, out) : fields;
}

struct pack_fields file_list_read(struct bytes params, struct file_list *out) {
    *out = (struct file_list){ .limit = FILES_PAGE_DEFAULT };
    struct pack_fields fields = pack_fields(params);
    pack_field_text(&fields, "after", PACK_OPTIONAL, FILES_PATH_BYTES_MAX, &out->after);
    pack_field_uint(&fields, "limit", PACK_OPTIONAL, FILES_PAGE_MAX, &out->limit);
    if (fields.status == STATUS_OK && out->limit == 0)
        pack_field_fail(&fields, "limit", "must be at least 1");
    return fields;
}

void file_list_write(struct bytes_writer *out, const struct file_list *list) {
    pack_write_map(out, 2);
    pack_put_text(out, "after", list->after);
    pack_put_uint(out, "limit", list->limit);
}

void file_page_write(struct bytes_writer *out, const void *page) {
    const struct file_page *files = page;
    pack_write_map(out, 2);
    pack_put_key(out, "files");
    pack_write_raw(out, files->files);
    pack_put_text(out, "next", files->next);
}

struct pack_fields file_page_read(struct bytes result, struct file_page *out) {
    *out = (struct file_page){ 0 };
    struct pack_fields fields = pack_fields(result);
    pack_field_array(&fields, "files", PACK_REQUIRED, &out->files);
    pack_field_text(&fields, "next", PACK_OPTIONAL, FILES_PATH_BYTES_MAX, &out->next);
    return fields;
}

void file_changed_write(struct bytes_writer *out, const void *changed) {
    const struct file_changed *notice = changed;
    pack_write_map(out, 3);
    pack_put_string(out, "event", notice->event);
    pack_put_key(out, "file");
    file_entry_write(out, &notice->file);
    pack_put_uuid(out, "user", &notice->user);
}

struct pack_fields file_changed_read(struct bytes params, struct file_changed *out) {
    *out = (struct file_changed){ 0 };
    struct bytes value = { 0 };
    struct pack_fields fields = pack_fields(params);
    pack_field_text(&fields, "event", PACK_REQUIRED, 32, &out->what);
    pack_field_uuid(&fields, "user", PACK_OPTIONAL, &out->user);
    pack_field_map(&fields, "file", PACK_REQUIRED, &value);
    return fields.status == STATUS_OK ? file_entry_read(value, &out->file) : fields;
}
