/* wire.c — the content of a struct, as it lies in wire_struct.content and in items (wire_content_layout):
 *
 *   kind      on the wire                     content
 *   GC        varUint n                       empty
 *   Deleted   varUint n                       empty
 *   JSON      varUint n, n × varString        n × varString
 *   Binary    varUint bytes, bytes            bytes
 *   String    varString                       UTF-8
 *   Embed     varString JSON                  JSON
 *   Format    varString key, varString JSON   all of it
 *   Type      varUint ref, [varString name]   all of it
 *   Any       varUint n, n × any              n × any
 *   Doc       varString guid, any             all of it
 *   Skip      varUint n                       empty */
#include "wire.h"

#include "any.h"
#include "ground/utf.h"
#include "ground/varint.h"
#include "json.h"

#include <assert.h>

enum { WIRE_TYPE_XML_ELEMENT = 3, WIRE_TYPE_XML_HOOK = 5, WIRE_TYPE_LAST = 6 };

const uint8_t content_half_pair[3] = { 0xef, 0xbf, 0xbd };

static enum status wire_read_id(struct bytes_reader *reader, struct id *out) {
    enum status status = varint_read(reader, &out->client);
    return status != STATUS_OK ? status : varint_read(reader, &out->clock);
}

static enum status wire_read_text(struct bytes_reader *reader, bool check, struct bytes *out) {
    if (varint_read_view(reader, out) != STATUS_OK || (check && !utf_check(*out, NULL)))
        return STATUS_MALFORMED;
    return STATUS_OK;
}

static enum status wire_read_json(struct bytes_reader *reader, bool check, bool undefined_allowed, struct bytes *out) {
    if (wire_read_text(reader, check, out) != STATUS_OK)
        return STATUS_MALFORMED;
    if (check && !(undefined_allowed && bytes_equal_text(*out, "undefined")) && !json_check(*out))
        return STATUS_MALFORMED;
    return STATUS_OK;
}

static enum status wire_read_content(struct bytes_reader *reader, bool check, struct wire_struct *out) {
    struct bytes view;
    uint64_t number;
    enum status status = STATUS_OK;
    out->length = 1;
    out->content = bytes_of(NULL, 0);
    const uint8_t *from = reader->at;
    switch (out->kind) {
    case CONTENT_GC:
    case CONTENT_DELETED:
    case CONTENT_SKIP:
        return varint_read(reader, &out->length);
    case CONTENT_STRING: {
        size_t units;
        if (varint_read_view(reader, &out->content) != STATUS_OK)
            return STATUS_MALFORMED;
        if (!check)
            units = utf_units(out->content);
        else if (!utf_check(out->content, &units))
            return STATUS_MALFORMED;
        out->length = units;
        return STATUS_OK;
    }
    case CONTENT_BINARY:
        return varint_read_view(reader, &out->content);
    case CONTENT_EMBED:
        return wire_read_json(reader, check, false, &out->content);
    case CONTENT_JSON:
    case CONTENT_ANY:
        if (varint_read(reader, &out->length) != STATUS_OK || out->length > bytes_left(reader))
            return STATUS_MALFORMED;
        from = reader->at;
        for (uint64_t i = 0; i < out->length && status == STATUS_OK; i++)
            status = out->kind == CONTENT_ANY ? any_skip(reader, check) : wire_read_json(reader, check, true, &view);
        break;
    case CONTENT_FORMAT:
        status = wire_read_text(reader, check, &view);
        if (status == STATUS_OK)
            status = wire_read_json(reader, check, false, &view);
        break;
    case CONTENT_TYPE:
        status = varint_read(reader, &number);
        if (status == STATUS_OK && number > WIRE_TYPE_LAST)
            return STATUS_MALFORMED;
        if (status == STATUS_OK && (number == WIRE_TYPE_XML_ELEMENT || number == WIRE_TYPE_XML_HOOK))
            status = wire_read_text(reader, check, &view);
        break;
    case CONTENT_DOC:
        status = wire_read_text(reader, check, &view);
        if (status == STATUS_OK && (reader->at == reader->end || *reader->at == ANY_UNDEFINED || *reader->at == ANY_NULL))
            return STATUS_MALFORMED;
        if (status == STATUS_OK)
            status = any_skip(reader, check);
        break;
    default:
        return STATUS_MALFORMED;
    }
    out->content = bytes_of(from, (size_t)(reader->at - from));
    return status;
}

/* Whether a struct at (client, clock) may name `id`: not a unit of its own client that comes with or after it. */
static bool wire_id_before(struct id id, uint64_t client, uint64_t clock) {
    return id.client != client || id.clock < clock;
}

enum status wire_struct_read(struct bytes_reader *reader, uint64_t client, uint64_t clock, bool check, struct wire_struct *out) {
    uint8_t info;
    if (bytes_read_u8(reader, &info) != STATUS_OK)
        return STATUS_MALFORMED;
    out->info = info;
    out->kind = info & WIRE_KIND;
    out->parent = WIRE_PARENT_INHERITED;
    if (out->kind == CONTENT_GC || out->kind == CONTENT_SKIP) {
        out->info = out->kind; /* flags mean nothing here */
    } else {
        if ((info & WIRE_ORIGIN) != 0 &&
            (wire_read_id(reader, &out->origin) != STATUS_OK || !wire_id_before(out->origin, client, clock)))
            return STATUS_MALFORMED;
        if ((info & WIRE_RIGHT_ORIGIN) != 0 &&
            (wire_read_id(reader, &out->right_origin) != STATUS_OK || !wire_id_before(out->right_origin, client, clock)))
            return STATUS_MALFORMED;
        if ((info & (WIRE_ORIGIN | WIRE_RIGHT_ORIGIN)) == 0) {
            uint64_t parent;
            if (varint_read(reader, &parent) != STATUS_OK || parent > 1)
                return STATUS_MALFORMED;
            if (parent == 1) {
                out->parent = WIRE_PARENT_ROOT;
                if (wire_read_text(reader, check, &out->root_name) != STATUS_OK)
                    return STATUS_MALFORMED;
            } else {
                out->parent = WIRE_PARENT_ITEM;
                if (wire_read_id(reader, &out->parent_item) != STATUS_OK || !wire_id_before(out->parent_item, client, clock))
                    return STATUS_MALFORMED;
            }
            if ((info & WIRE_KEY) != 0 && wire_read_text(reader, check, &out->key) != STATUS_OK)
                return STATUS_MALFORMED;
        }
    }
    if (wire_read_content(reader, check, out) != STATUS_OK || out->length > VARINT_MAX - clock)
        return STATUS_MALFORMED;
    return STATUS_OK;
}

bool content_has_pairs(struct bytes text, uint64_t units) {
    for (size_t i = 0; text.size != units && i < text.size; i++)
        if (text.data[i] >= 0xf0)
            return true;
    return false;
}

size_t content_offset(unsigned kind, struct bytes content, uint64_t offset, bool *out_inside_pair) {
    *out_inside_pair = false;
    if (kind == CONTENT_STRING) {
        return utf_offset(content, (size_t)offset, out_inside_pair);
    }
    struct bytes_reader reader = bytes_reader(content);
    struct bytes view;
    for (uint64_t i = 0; i < offset; i++) {
        enum status status = kind == CONTENT_ANY ? any_skip(&reader, false) : varint_read_view(&reader, &view);
        assert(status == STATUS_OK);
        (void)status;
    }
    return (size_t)(reader.at - content.data);
}

static void wire_write_id(struct bytes_writer *writer, struct id id) {
    varint_write(writer, id.client);
    varint_write(writer, id.clock);
}

static void wire_write_content(struct bytes_writer *writer, const struct wire_struct *structure, uint64_t offset) {
    struct bytes rest = structure->content;
    bool inside_pair = false;
    if (offset > 0 && content_splits(structure->kind) && structure->kind != CONTENT_DELETED) {
        size_t at = content_offset(structure->kind, rest, offset, &inside_pair);
        at += inside_pair ? 4 : 0;
        rest = bytes_of(rest.data + at, rest.size - at);
    }
    switch (structure->kind) {
    case CONTENT_GC:
    case CONTENT_DELETED:
    case CONTENT_SKIP:
        varint_write(writer, structure->length - offset);
        return;
    case CONTENT_STRING:
        varint_write(writer, rest.size + (inside_pair ? sizeof content_half_pair : 0));
        if (inside_pair)
            bytes_write(writer, bytes_of(content_half_pair, sizeof content_half_pair));
        break;
    case CONTENT_BINARY:
    case CONTENT_EMBED:
        varint_write(writer, rest.size);
        break;
    case CONTENT_JSON:
    case CONTENT_ANY:
        varint_write(writer, structure->length - offset);
        break;
    default:
        break;
    }
    bytes_write(writer, rest);
}

void wire_struct_write(struct bytes_writer *writer, const struct wire_struct *structure, uint64_t client, uint64_t clock,
                       uint64_t offset) {
    assert(offset < structure->length);
    if (structure->kind == CONTENT_GC || structure->kind == CONTENT_SKIP) {
        bytes_write_u8(writer, structure->kind);
        varint_write(writer, structure->length - offset);
        return;
    }
    uint8_t info = (uint8_t)(structure->info | (offset > 0 ? WIRE_ORIGIN : 0));
    bytes_write_u8(writer, info);
    if ((info & WIRE_ORIGIN) != 0)
        wire_write_id(writer, offset > 0 ? (struct id){ client, clock + offset - 1 } : structure->origin);
    if ((info & WIRE_RIGHT_ORIGIN) != 0)
        wire_write_id(writer, structure->right_origin);
    if ((info & (WIRE_ORIGIN | WIRE_RIGHT_ORIGIN)) == 0) {
        varint_write(writer, structure->parent == WIRE_PARENT_ROOT ? 1 : 0);
        if (structure->parent == WIRE_PARENT_ROOT)
            varint_write_view(writer, structure->root_name);
        else
            wire_write_id(writer, structure->parent_item);
        if ((info & WIRE_KEY) != 0)
            varint_write_view(writer, structure->key);
    }
    wire_write_content(writer, structure, offset);
}

enum status wire_walk_init(struct wire_walk *walk, struct bytes update, bool check) {
    *walk = (struct wire_walk){ .reader = bytes_reader(update), .check = check };
    return varint_read(&walk->reader, &walk->clients_left);
}

enum status wire_walk_next(struct wire_walk *walk, enum wire_step *out_step, struct wire_struct *out) {
    if (walk->structs_left > 0) {
        if (wire_struct_read(&walk->reader, walk->client, walk->clock, walk->check, out) != STATUS_OK)
            return STATUS_MALFORMED;
        walk->structs_left--;
        walk->clock += out->length;
        *out_step = WIRE_STEP_STRUCT;
        return STATUS_OK;
    }
    if (walk->clients_left == 0) {
        *out_step = WIRE_STEP_END;
        return STATUS_OK;
    }
    walk->clients_left--;
    if (varint_read(&walk->reader, &walk->structs_left) != STATUS_OK || varint_read(&walk->reader, &walk->client) != STATUS_OK ||
        varint_read(&walk->reader, &walk->clock) != STATUS_OK)
        return STATUS_MALFORMED;
    *out_step = WIRE_STEP_BLOCK;
    return STATUS_OK;
}

enum status wire_walk_delete(struct wire_walk *walk, bool *out_found, struct id_range *out) {
    if (!walk->in_deletes) {
        walk->in_deletes = true;
        if (varint_read(&walk->reader, &walk->clients_left) != STATUS_OK)
            return STATUS_MALFORMED;
    }
    for (;;) {
        while (walk->ranges_left == 0) {
            if (walk->clients_left == 0) {
                *out_found = false;
                return STATUS_OK;
            }
            walk->clients_left--;
            if (varint_read(&walk->reader, &walk->client) != STATUS_OK ||
                varint_read(&walk->reader, &walk->ranges_left) != STATUS_OK)
                return STATUS_MALFORMED;
        }
        walk->ranges_left--;
        out->client = walk->client;
        if (varint_read(&walk->reader, &out->clock) != STATUS_OK || varint_read(&walk->reader, &out->length) != STATUS_OK ||
            out->length > VARINT_MAX - out->clock)
            return STATUS_MALFORMED;
        if (out->length > 0) {
            *out_found = true;
            return STATUS_OK;
        }
    }
}
