/* activity_wire.c — one _write and one _read per message. */
#include "features/activity/activity_wire.h"

const struct wire_method activity_methods[] = {
    /* name             from              right needed  per second */
    { "activity.list", WIRE_FROM_CLIENT, RIGHT_READ, 5 },
    { 0 },
};

static void activity_put_uuid(struct bytes_writer *out, const char *key, const struct uuid *uuid) {
    if (uuid_is_nil(uuid))
        pack_put_nil(out, key);
    else
        pack_put_uuid(out, key, uuid);
}

void activity_list_write(struct bytes_writer *out, const struct activity_list *list) {
    pack_write_map(out, 2);
    activity_put_uuid(out, "before", &list->before);
    pack_put_uint(out, "limit", list->limit);
}

struct pack_fields activity_list_read(struct bytes params, struct activity_list *out) {
    *out = (struct activity_list){ .limit = ACTIVITY_PAGE_DEFAULT };
    struct pack_fields fields = pack_fields(params);
    pack_field_uuid(&fields, "before", PACK_OPTIONAL, &out->before);
    pack_field_uint(&fields, "limit", PACK_OPTIONAL, ACTIVITY_PAGE_MAX, &out->limit);
    if (fields.status == STATUS_OK && out->limit == 0)
        pack_field_fail(&fields, "limit", "must be at least 1");
    return fields;
}

void activity_entry_write(struct bytes_writer *out, const struct activity_entry *entry) {
    pack_write_map(out, 6);
    pack_put_uuid(out, "id", &entry->id);
    pack_put_uint(out, "at", entry->at);
    activity_put_uuid(out, "user", &entry->user);
    pack_put_text(out, "name", entry->name);
    pack_put_text(out, "type", entry->type);
    pack_put_text(out, "data", entry->data);
}

struct pack_fields activity_entry_read(struct bytes value, struct activity_entry *out) {
    *out = (struct activity_entry){ 0 };
    struct pack_fields fields = pack_fields(value);
    pack_field_uuid(&fields, "id", PACK_REQUIRED, &out->id);
    pack_field_uint(&fields, "at", PACK_REQUIRED, PACK_UINT53_MAX, &out->at);
    pack_field_uuid(&fields, "user", PACK_OPTIONAL, &out->user);
    pack_field_text(&fields, "name", PACK_OPTIONAL, 1024, &out->name);
    pack_field_text(&fields, "type", PACK_REQUIRED, 64, &out->type);
    pack_field_text(&fields, "data", PACK_OPTIONAL, 65536, &out->data);
    return fields;
}

void activity_page_write(struct bytes_writer *out, const void *page) {
    const struct activity_page *activity = page;
    pack_write_map(out, 2);
    pack_put_key(out, "entries");
    pack_write_raw(out, activity->entries);
    activity_put_uuid(out, "next", &activity->next);
}

struct pack_fields activity_page_read(struct bytes result, struct activity_page *out) {
    *out = (struct activity_page){ 0 };
    struct pack_fields fields = pack_fields(result);
    pack_field_array(&fields, "entries", PACK_REQUIRED, &out->entries);
    pack_field_uuid(&fields, "next", PACK_OPTIONAL, &out->next);
    return fields;
}
