/* v2.c — one walk over the streams each way. */
#include "v2.h"

#include "any.h"
#include "any_json.h"
#include "column.h"
#include "crdt/value.h"
#include "ground/utf.h"
#include "ground/varint.h"
#include "json.h"
#include "wire.h"

#include <assert.h>

/* ---- v2 → v1 ---- */

/* A string of the table. A cut can fall between the halves of a surrogate pair; each becomes U+FFFD. */
struct v2_text {
    struct bytes text;
    uint64_t units; /* halves included */
    bool half_before;
    bool half_after;
};

/* The last struct of the block is a string that ends with the first half of a pair: its size stands at size_at, its end is the
 * block's. */
struct v2_half {
    bool open;
    size_t size_at;
    size_t text_bytes;
    struct id right_origin;
    bool has_right_origin;
};

struct v2_reader {
    struct column_reader key_clock, client, left_clock, right_clock, info, parent_info, type_ref, length, text_units;
    struct bytes joined; /* all strings */
    size_t joined_at;    /* byte of the next */
    size_t units_left;   /* of the joined text */
    bool inside_pair;    /* the byte is that of a character whose first half is read already */
    struct bytes_reader rest;
    struct v2_text *keys; /* by number */
    size_t key_count;
    size_t key_capacity;
    const struct mem *mem;
    struct v2_half half;
};

static enum status v2_open(struct v2_reader *v2, struct bytes update, const struct mem *mem) {
    struct bytes_reader reader = bytes_reader(update);
    uint64_t flag;
    *v2 = (struct v2_reader){ .mem = mem };
    if (varint_read(&reader, &flag) != STATUS_OK)
        return STATUS_MALFORMED;
    struct {
        struct column_reader *column;
        enum column_kind kind;
    } const columns[] = { { &v2->key_clock, COLUMN_DIFF },   { &v2->client, COLUMN_UINT },   { &v2->left_clock, COLUMN_DIFF },
                          { &v2->right_clock, COLUMN_DIFF }, { &v2->info, COLUMN_BYTE },     { NULL, COLUMN_UINT },
                          { &v2->parent_info, COLUMN_BYTE }, { &v2->type_ref, COLUMN_UINT }, { &v2->length, COLUMN_UINT } };
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        struct bytes stream;
        if (varint_read_view(&reader, &stream) != STATUS_OK)
            return STATUS_MALFORMED;
        if (columns[i].column != NULL) {
            column_reader_init(columns[i].column, columns[i].kind, stream);
            continue;
        }
        struct bytes_reader strings = bytes_reader(stream);
        if (varint_read_view(&strings, &v2->joined) != STATUS_OK || !utf_check(v2->joined, &v2->units_left))
            return STATUS_MALFORMED;
        column_reader_init(&v2->text_units, COLUMN_UINT, bytes_of(strings.at, bytes_left(&strings)));
    }
    v2->rest = reader;
    return STATUS_OK;
}

static void v2_close(struct v2_reader *v2) {
    mem_free(v2->mem, v2->keys, v2->key_capacity * sizeof *v2->keys);
}

static enum status v2_read_text(struct v2_reader *v2, struct v2_text *out) {
    uint64_t units;
    if (column_read(&v2->text_units, &units) != STATUS_OK || units > v2->units_left)
        return STATUS_MALFORMED;
    *out = (struct v2_text){ .text = bytes_of(v2->joined.data + v2->joined_at, 0), .units = units };
    if (units == 0)
        return STATUS_OK;
    v2->units_left -= units;
    if (v2->inside_pair) {
        out->half_before = true;
        v2->inside_pair = false;
        v2->joined_at += 4;
        units--;
    }
    out->text.data = v2->joined.data + v2->joined_at;
    struct bytes left = bytes_of(out->text.data, v2->joined.size - v2->joined_at);
    out->text.size = utf_offset(left, (size_t)units, &out->half_after);
    v2->joined_at += out->text.size;
    v2->inside_pair = out->half_after;
    return STATUS_OK;
}

static size_t v2_text_bytes(const struct v2_text *text) {
    return text->text.size + (text->half_before + (size_t)text->half_after) * sizeof content_half_pair;
}

static void v2_put_text(const struct v2_text *text, struct bytes_writer *out) {
    const struct bytes half = bytes_of(content_half_pair, sizeof content_half_pair);
    varint_write(out, v2_text_bytes(text));
    if (text->half_before)
        bytes_write(out, half);
    bytes_write(out, text->text);
    if (text->half_after)
        bytes_write(out, half);
}

static enum status v2_copy_text(struct v2_reader *v2, struct bytes_writer *out) {
    struct v2_text text;
    if (v2_read_text(v2, &text) != STATUS_OK)
        return STATUS_MALFORMED;
    v2_put_text(&text, out);
    return STATUS_OK;
}

static enum status v2_copy_key(struct v2_reader *v2, struct bytes_writer *out) {
    uint64_t number;
    if (column_read(&v2->key_clock, &number) != STATUS_OK)
        return STATUS_MALFORMED;
    if (number >= v2->key_count) {
        if (v2->key_count == v2->key_capacity) {
            size_t capacity = v2->key_capacity == 0 ? 8 : v2->key_capacity * 2;
            struct v2_text *keys = mem_resize(v2->mem, v2->keys, v2->key_capacity * sizeof *keys, capacity * sizeof *keys);
            if (keys == NULL)
                return STATUS_NO_MEMORY;
            v2->keys = keys;
            v2->key_capacity = capacity;
        }
        if (v2_read_text(v2, &v2->keys[v2->key_count]) != STATUS_OK)
            return STATUS_MALFORMED;
        number = v2->key_count++;
    }
    v2_put_text(&v2->keys[number], out);
    return STATUS_OK;
}

static enum status v2_copy_number(struct column_reader *column, struct bytes_writer *out, uint64_t *out_number) {
    uint64_t number;
    if (column_read(column, &number) != STATUS_OK)
        return STATUS_MALFORMED;
    varint_write(out, number);
    if (out_number != NULL)
        *out_number = number;
    return STATUS_OK;
}

static enum status v2_copy_id(struct v2_reader *v2, struct column_reader *clock, struct bytes_writer *out) {
    enum status status = v2_copy_number(&v2->client, out, NULL);
    return status == STATUS_OK ? v2_copy_number(clock, out, NULL) : status;
}

static enum status v2_copy_varint(struct v2_reader *v2, struct bytes_writer *out, uint64_t *out_number) {
    uint64_t number;
    if (varint_read(&v2->rest, &number) != STATUS_OK)
        return STATUS_MALFORMED;
    varint_write(out, number);
    if (out_number != NULL)
        *out_number = number;
    return STATUS_OK;
}

static enum status v2_copy_any(struct v2_reader *v2, struct bytes_writer *out) {
    const uint8_t *from = v2->rest.at;
    if (any_skip(&v2->rest, true) != STATUS_OK)
        return STATUS_MALFORMED;
    bytes_write(out, bytes_of(from, (size_t)(v2->rest.at - from)));
    return STATUS_OK;
}

/* An `any` that v1 has as JSON text behind its byte count. */
static enum status v2_copy_json(struct v2_reader *v2, struct bytes_writer *out) {
    struct bytes_reader value = v2->rest;
    if (any_skip(&v2->rest, true) != STATUS_OK)
        return STATUS_MALFORMED;
    struct bytes_writer json;
    bytes_writer_init(&json, out->mem, out->size_max);
    any_to_json(&value, &json);
    if (json.status == STATUS_OK)
        varint_write_view(out, bytes_written(&json));
    enum status status = json.status;
    bytes_writer_finish(&json);
    return status;
}

/* `out_units` gets the length. */
static enum status v2_copy_content(struct v2_reader *v2, unsigned kind, struct bytes_writer *out, uint64_t *out_units) {
    enum status status;
    struct bytes view;
    uint64_t number = 0;
    *out_units = 1;
    switch (kind) {
    case CONTENT_GC:
    case CONTENT_DELETED:
        return v2_copy_number(&v2->length, out, out_units);
    case CONTENT_SKIP:
        return v2_copy_varint(v2, out, out_units);
    case CONTENT_BINARY:
        if (varint_read_view(&v2->rest, &view) != STATUS_OK)
            return STATUS_MALFORMED;
        varint_write_view(out, view);
        return STATUS_OK;
    case CONTENT_EMBED:
        return v2_copy_json(v2, out);
    case CONTENT_FORMAT:
        status = v2_copy_key(v2, out);
        return status == STATUS_OK ? v2_copy_json(v2, out) : status;
    case CONTENT_TYPE:
        status = v2_copy_number(&v2->type_ref, out, &number);
        return status == STATUS_OK && (number == CRDT_TYPE_XML_ELEMENT || number == CRDT_TYPE_XML_HOOK) ? v2_copy_key(v2, out)
                                                                                                        : status;
    case CONTENT_ANY:
        status = v2_copy_number(&v2->length, out, out_units);
        for (number = *out_units; status == STATUS_OK && number > 0; number--)
            status = v2_copy_any(v2, out);
        return status;
    case CONTENT_JSON:
        status = v2_copy_number(&v2->length, out, out_units);
        for (number = *out_units; status == STATUS_OK && number > 0; number--) {
            struct v2_text text;
            status = v2_read_text(v2, &text);
            if (status == STATUS_OK && text.text.size == 0)
                status = STATUS_MALFORMED; /* no JSON, and there could be any number of them */
            if (status == STATUS_OK)
                v2_put_text(&text, out);
        }
        return status;
    case CONTENT_DOC:
        status = v2_copy_text(v2, out);
        return status == STATUS_OK ? v2_copy_any(v2, out) : status;
    default:
        return STATUS_MALFORMED;
    }
}

/* A struct as far as its content. */
struct v2_head {
    uint8_t info;
    struct id origin;
    struct id right_origin;
};

static enum status v2_read_id(struct v2_reader *v2, struct column_reader *clock, struct id *out) {
    enum status status = column_read(&v2->client, &out->client);
    return status == STATUS_OK ? column_read(clock, &out->clock) : status;
}

static void v2_put_v1_id(struct id id, struct bytes_writer *out) {
    varint_write(out, id.client);
    varint_write(out, id.clock);
}

static void v2_put_head(const struct v2_head *head, struct bytes_writer *out) {
    bytes_write_u8(out, head->info);
    if ((head->info & WIRE_ORIGIN) != 0)
        v2_put_v1_id(head->origin, out);
    if ((head->info & WIRE_RIGHT_ORIGIN) != 0)
        v2_put_v1_id(head->right_origin, out);
}

/* The string before ends with half a pair, and this one, which goes on where that ends, begins with the other half: the character
 * belongs to the one before. Runs may be cut anywhere, so nothing else changes. */
static void v2_heal(struct v2_reader *v2, const struct v2_text *text, struct bytes_writer *block) {
    const uint8_t *character = text->text.data - 4;
    unsigned before = varint_size(v2->half.text_bytes);
    unsigned more = varint_size(v2->half.text_bytes + 1) - before;
    block->size -= sizeof content_half_pair;
    bytes_write(block, bytes_of(character, 4));
    if (more > 0 && bytes_writer_reserve(block, more) != NULL) {
        size_t from = v2->half.size_at + before;
        memmove(block->data + from + more, block->data + from, block->size - from);
    }
    if (block->status != STATUS_OK)
        return;
    size_t end = block->size + more;
    block->size = v2->half.size_at;
    varint_write(block, v2->half.text_bytes + 1);
    block->size = end;
    v2->half.open = false;
}

static bool v2_goes_on(const struct v2_reader *v2, const struct v2_head *head, uint64_t client, uint64_t clock) {
    bool right_origin = (head->info & WIRE_RIGHT_ORIGIN) != 0;
    return v2->half.open && (head->info & WIRE_ORIGIN) != 0 && head->origin.client == client && head->origin.clock == clock - 1 &&
           v2->half.has_right_origin == right_origin &&
           (!right_origin ||
            (v2->half.right_origin.client == head->right_origin.client && v2->half.right_origin.clock == head->right_origin.clock));
}

/* Answers in `out_units` how many units were read, and adds to `structs` if one was written. */
static enum status v2_copy_struct(struct v2_reader *v2, uint64_t client, uint64_t clock, struct bytes_writer *block,
                                  uint64_t *out_units, uint64_t *structs) {
    uint64_t info;
    struct v2_head head = { 0 };
    if (column_read(&v2->info, &info) != STATUS_OK)
        return STATUS_MALFORMED;
    unsigned kind = info & WIRE_KIND;
    if (kind == CONTENT_GC || kind == CONTENT_SKIP) {
        v2->half.open = false;
        ++*structs;
        bytes_write_u8(block, (uint8_t)kind);
        return v2_copy_content(v2, kind, block, out_units);
    }
    head.info = (uint8_t)info;
    if (((info & WIRE_ORIGIN) != 0 && v2_read_id(v2, &v2->left_clock, &head.origin) != STATUS_OK) ||
        ((info & WIRE_RIGHT_ORIGIN) != 0 && v2_read_id(v2, &v2->right_clock, &head.right_origin) != STATUS_OK))
        return STATUS_MALFORMED;
    size_t from = block->size;
    enum status status = STATUS_OK;
    if ((info & (WIRE_ORIGIN | WIRE_RIGHT_ORIGIN)) == 0) {
        uint64_t named = 0;
        v2_put_head(&head, block);
        status = v2_copy_number(&v2->parent_info, block, &named);
        if (status == STATUS_OK)
            status = named == 1 ? v2_copy_text(v2, block) : v2_copy_id(v2, &v2->left_clock, block);
        if (status == STATUS_OK && (info & WIRE_KEY) != 0)
            status = v2_copy_text(v2, block);
        if (status != STATUS_OK)
            return status;
    }
    struct v2_text text;
    if (kind == CONTENT_STRING) {
        status = v2_read_text(v2, &text);
        if (status != STATUS_OK)
            return status;
        *out_units = text.units;
        if (text.half_before && v2_goes_on(v2, &head, client, clock)) {
            v2_heal(v2, &text, block);
            text.half_before = false;
            head.origin.clock++;
            from = block->size;
            if (text.units == 1)
                return STATUS_OK;
        }
    }
    if (block->size == from)
        v2_put_head(&head, block);
    v2->half.open = false;
    ++*structs;
    if (kind != CONTENT_STRING)
        return v2_copy_content(v2, kind, block, out_units);
    v2->half = (struct v2_half){ .open = text.half_after,
                                 .size_at = block->size,
                                 .has_right_origin = (info & WIRE_RIGHT_ORIGIN) != 0,
                                 .right_origin = head.right_origin };
    v2_put_text(&text, block);
    v2->half.text_bytes = v2_text_bytes(&text);
    return STATUS_OK;
}

static enum status v2_copy_block(struct v2_reader *v2, uint64_t *structs_max, struct bytes_writer *block,
                                 struct bytes_writer *out) {
    uint64_t structs;
    uint64_t client;
    uint64_t clock;
    uint64_t written = 0;
    if (varint_read(&v2->rest, &structs) != STATUS_OK || column_read(&v2->client, &client) != STATUS_OK ||
        varint_read(&v2->rest, &clock) != STATUS_OK)
        return STATUS_MALFORMED;
    if (structs > *structs_max)
        return STATUS_TOO_BIG;
    *structs_max -= structs;
    bytes_writer_reset(block);
    v2->half.open = false;
    uint64_t at = clock;
    for (; structs > 0; structs--) {
        uint64_t units = 0;
        enum status status = v2_copy_struct(v2, client, at, block, &units, &written);
        if (status == STATUS_OK)
            status = block->status;
        if (status == STATUS_OK && units > VARINT_MAX - at)
            status = STATUS_MALFORMED;
        if (status != STATUS_OK)
            return status;
        at += units;
    }
    varint_write(out, written);
    varint_write(out, client);
    varint_write(out, clock);
    bytes_write(out, bytes_written(block));
    return out->status;
}

static enum status v2_copy_structs(struct v2_reader *v2, uint64_t structs_max, struct bytes_writer *out) {
    uint64_t clients;
    struct bytes_writer block;
    bytes_writer_init(&block, out->mem, out->size_max);
    enum status status = v2_copy_varint(v2, out, &clients);
    for (; status == STATUS_OK && clients > 0; clients--)
        status = v2_copy_block(v2, &structs_max, &block, out);
    bytes_writer_finish(&block);
    return status;
}

static enum status v2_copy_deletes(struct v2_reader *v2, struct bytes_writer *out) {
    uint64_t clients;
    enum status status = v2_copy_varint(v2, out, &clients);
    for (; status == STATUS_OK && clients > 0; clients--) {
        uint64_t ranges = 0;
        uint64_t clock = 0;
        status = v2_copy_varint(v2, out, NULL);
        if (status == STATUS_OK)
            status = v2_copy_varint(v2, out, &ranges);
        for (; status == STATUS_OK && ranges > 0; ranges--) {
            uint64_t gap;
            uint64_t less_one;
            if (varint_read(&v2->rest, &gap) != STATUS_OK || varint_read(&v2->rest, &less_one) != STATUS_OK ||
                gap > VARINT_MAX - clock || less_one >= VARINT_MAX - clock - gap)
                return STATUS_MALFORMED;
            clock += gap;
            varint_write(out, clock);
            varint_write(out, less_one + 1);
            clock += less_one + 1;
        }
        if (status == STATUS_OK)
            status = out->status;
    }
    return status;
}

enum status v2_to_v1(struct bytes update, struct bytes_writer *out) {
    if (out->status != STATUS_OK)
        return out->status;
    size_t size_before = out->size;
    struct v2_reader v2;
    enum status status = v2_open(&v2, update, out->mem);
    if (status == STATUS_OK)
        status = v2_copy_structs(&v2, V2_STRUCTS_MAX + V2_STRUCTS_PER_BYTE * (uint64_t)update.size, out);
    if (status == STATUS_OK)
        status = v2_copy_deletes(&v2, out);
    if (status == STATUS_OK)
        status = out->status;
    v2_close(&v2);
    if (status != STATUS_OK) {
        out->size = size_before;
        out->status = STATUS_OK;
    }
    return status;
}

/* ---- v1 → v2 ---- */

struct v2_writer {
    struct column_writer key_clock, client, left_clock, right_clock, info, parent_info, type_ref, length, text_units;
    struct bytes_writer joined;
    struct bytes_writer rest;
    uint64_t keys;
};

static void v2_put_string(struct v2_writer *v2, struct bytes text) {
    bytes_write(&v2->joined, text);
    column_write(&v2->text_units, utf_units(text));
}

/* Yjs never uses a number twice. */
static void v2_put_key(struct v2_writer *v2, struct bytes key) {
    column_write(&v2->key_clock, v2->keys++);
    v2_put_string(v2, key);
}

static void v2_put_id(struct v2_writer *v2, struct column_writer *clock, struct id id) {
    column_write(&v2->client, id.client);
    column_write(clock, id.clock);
}

/* The next string of a content, which was checked. */
static struct bytes v2_next_view(struct bytes_reader *content) {
    struct bytes view = { 0 };
    varint_read_view(content, &view);
    return view;
}

static void v2_put_content(struct v2_writer *v2, const struct wire_struct *structure) {
    struct bytes_reader content = bytes_reader(structure->content);
    uint64_t number = 0;
    switch (structure->kind) {
    case CONTENT_GC:
    case CONTENT_DELETED:
        column_write(&v2->length, structure->length);
        return;
    case CONTENT_SKIP:
        varint_write(&v2->rest, structure->length);
        return;
    case CONTENT_STRING:
        v2_put_string(v2, structure->content);
        return;
    case CONTENT_BINARY:
        varint_write_view(&v2->rest, structure->content);
        return;
    case CONTENT_EMBED:
        json_to_any(structure->content, &v2->rest);
        return;
    case CONTENT_FORMAT:
        v2_put_key(v2, v2_next_view(&content));
        json_to_any(v2_next_view(&content), &v2->rest);
        return;
    case CONTENT_TYPE:
        varint_read(&content, &number);
        column_write(&v2->type_ref, number);
        if (bytes_left(&content) > 0)
            v2_put_key(v2, v2_next_view(&content));
        return;
    case CONTENT_ANY:
        column_write(&v2->length, structure->length);
        bytes_write(&v2->rest, structure->content);
        return;
    case CONTENT_JSON:
        column_write(&v2->length, structure->length);
        for (uint64_t i = 0; i < structure->length; i++)
            v2_put_string(v2, v2_next_view(&content));
        return;
    default: /* CONTENT_DOC */
        v2_put_string(v2, v2_next_view(&content));
        bytes_write(&v2->rest, bytes_of(content.at, bytes_left(&content)));
    }
}

static void v2_put_struct(struct v2_writer *v2, const struct wire_struct *structure) {
    column_write(&v2->info, structure->info);
    if (structure->kind != CONTENT_GC && structure->kind != CONTENT_SKIP) {
        if ((structure->info & WIRE_ORIGIN) != 0)
            v2_put_id(v2, &v2->left_clock, structure->origin);
        if ((structure->info & WIRE_RIGHT_ORIGIN) != 0)
            v2_put_id(v2, &v2->right_clock, structure->right_origin);
        if (structure->parent == WIRE_PARENT_ROOT) {
            column_write(&v2->parent_info, 1);
            v2_put_string(v2, structure->root_name);
        } else if (structure->parent == WIRE_PARENT_ITEM) {
            column_write(&v2->parent_info, 0);
            v2_put_id(v2, &v2->left_clock, structure->parent_item);
        }
        if (structure->parent != WIRE_PARENT_INHERITED && (structure->info & WIRE_KEY) != 0)
            v2_put_string(v2, structure->key);
    }
    v2_put_content(v2, structure);
}

static enum status v2_put_structs(struct v2_writer *v2, struct wire_walk *walk) {
    varint_write(&v2->rest, walk->clients_left);
    for (;;) {
        enum wire_step step;
        struct wire_struct structure;
        enum status status = wire_walk_next(walk, &step, &structure);
        if (status != STATUS_OK || step == WIRE_STEP_END)
            return status;
        if (step == WIRE_STEP_STRUCT) {
            v2_put_struct(v2, &structure);
        } else {
            varint_write(&v2->rest, walk->structs_left);
            column_write(&v2->client, walk->client);
            varint_write(&v2->rest, walk->clock);
        }
    }
}

void v2_write_ranges(struct bytes_writer *out, const struct id_range *ranges, size_t count) {
    assert(ranges != NULL || count == 0);
    uint64_t clients = 0;
    for (size_t i = 0; i < count; i++)
        clients += i == 0 || ranges[i].client != ranges[i - 1].client;
    varint_write(out, clients);
    for (size_t i = 0; i < count;) {
        size_t end = i;
        while (end < count && ranges[end].client == ranges[i].client)
            end++;
        varint_write(out, ranges[i].client);
        varint_write(out, end - i);
        for (uint64_t clock = 0; i < end; i++) {
            varint_write(out, ranges[i].clock - clock);
            varint_write(out, ranges[i].length - 1);
            clock = ranges[i].clock + ranges[i].length;
        }
    }
}

/* In v2 the ranges of a client ascend and do not overlap, so they are sorted and joined first. */
static enum status v2_put_deletes(struct v2_writer *v2, struct wire_walk *walk) {
    const struct mem *mem = v2->rest.mem;
    struct id_range *ranges = NULL;
    size_t count = 0;
    size_t capacity = 0;
    enum status status = STATUS_OK;
    for (;;) {
        bool found = false;
        struct id_range range;
        status = wire_walk_delete(walk, &found, &range);
        if (status != STATUS_OK || !found)
            break;
        if (count == capacity) {
            size_t grown = capacity == 0 ? 8 : capacity * 2;
            struct id_range *more = mem_resize(mem, ranges, capacity * sizeof *ranges, grown * sizeof *ranges);
            if (more == NULL) {
                status = STATUS_NO_MEMORY;
                break;
            }
            ranges = more;
            capacity = grown;
        }
        assert(ranges != NULL);
        ranges[count++] = range;
    }
    if (status == STATUS_OK)
        v2_write_ranges(&v2->rest, ranges, id_ranges_normalize(ranges, count));
    mem_free(mem, ranges, capacity * sizeof *ranges);
    return status;
}

static void v2_end(struct v2_writer *v2, struct bytes_writer *out) {
    enum { TEXT_COLUMN = 5 };
    bytes_write_u8(out, 0);
    struct column_writer *const columns[] = { &v2->key_clock, &v2->client,      &v2->left_clock, &v2->right_clock, &v2->info,
                                              NULL,           &v2->parent_info, &v2->type_ref,   &v2->length };
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        if (i != TEXT_COLUMN) {
            varint_write_view(out, column_writer_end(columns[i]));
            continue;
        }
        struct bytes units = column_writer_end(&v2->text_units);
        varint_write(out, varint_size(v2->joined.size) + v2->joined.size + units.size);
        varint_write_view(out, bytes_written(&v2->joined));
        bytes_write(out, units);
    }
    bytes_write(out, bytes_written(&v2->rest));
}

enum status v2_from_v1(struct bytes update, struct bytes_writer *out) {
    if (out->status != STATUS_OK)
        return out->status;
    struct v2_writer v2 = { .keys = 0 };
    struct column_writer *const columns[] = { &v2.key_clock,   &v2.client,   &v2.left_clock, &v2.right_clock, &v2.info,
                                              &v2.parent_info, &v2.type_ref, &v2.length,     &v2.text_units };
    static const enum column_kind kinds[] = { COLUMN_DIFF, COLUMN_UINT, COLUMN_DIFF, COLUMN_DIFF, COLUMN_BYTE,
                                              COLUMN_BYTE, COLUMN_UINT, COLUMN_UINT, COLUMN_UINT };
    size_t column_count = sizeof columns / sizeof *columns;
    for (size_t i = 0; i < column_count; i++)
        column_writer_init(columns[i], kinds[i], out->mem, out->size_max);
    bytes_writer_init(&v2.joined, out->mem, out->size_max);
    bytes_writer_init(&v2.rest, out->mem, out->size_max);

    size_t size_before = out->size;
    struct wire_walk walk;
    enum status status = wire_walk_init(&walk, update, true);
    if (status == STATUS_OK)
        status = v2_put_structs(&v2, &walk);
    if (status == STATUS_OK)
        status = v2_put_deletes(&v2, &walk);
    for (size_t i = 0; status == STATUS_OK && i < column_count; i++) {
        column_writer_end(columns[i]);
        status = columns[i]->bytes.status;
    }
    if (status == STATUS_OK)
        status = v2.joined.status != STATUS_OK ? v2.joined.status : v2.rest.status;
    if (status == STATUS_OK) {
        v2_end(&v2, out);
        status = out->status;
    }
    for (size_t i = 0; i < column_count; i++)
        column_writer_finish(columns[i]);
    bytes_writer_finish(&v2.joined);
    bytes_writer_finish(&v2.rest);
    if (status != STATUS_OK) {
        out->size = size_before;
        out->status = STATUS_OK;
    }
    return status;
}
