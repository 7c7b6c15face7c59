/* reading.c — questions about what a document holds; values become tagged JSON. */
#include "conform.h"

#include <math.h>

static json_t *tagged_new(const char *tag, json_t *value) {
    json_t *object = json_object();
    json_object_set_new(object, tag, value);
    return object;
}

static json_t *tagged_number(double number) {
    if (isnan(number))
        return tagged_new("$n", json_string("NaN"));
    if (isinf(number))
        return tagged_new("$n", json_string(number < 0 ? "-Infinity" : "Infinity"));
    if (number == 0 && signbit(number))
        return tagged_new("$n", json_string("-0"));
    return json_real(number);
}

json_t *conform_text(struct bytes bytes) {
    return json_stringn(bytes.size == 0 ? "" : (const char *)bytes.data, bytes.size);
}

json_t *conform_tagged_object(const struct crdt_doc *doc, struct crdt_object_value object, struct arena *arena) {
    json_t *json = json_object();
    for (size_t i = 0; i < object.count; i++) {
        struct bytes key = object.members[i].key;
        char *name = malloc(key.size + 2);
        bool escaped = key.size > 0 && key.data[0] == '$';
        name[0] = '$';
        memcpy(name + escaped, key.data, key.size);
        json_object_setn_new(json, name, key.size + escaped, conform_tagged(doc, &object.members[i].value, arena));
        free(name);
    }
    return json;
}

static const char *const kind_names[] = { "Array", "Map", "Text", "XmlElement", "XmlFragment", "XmlHook", "XmlText" };

enum crdt_type_kind conform_kind(const char *name) {
    for (unsigned i = 0; i < sizeof kind_names / sizeof *kind_names; i++)
        if (name != NULL && strcmp(name, kind_names[i]) == 0)
            return (enum crdt_type_kind)i;
    return CRDT_TYPE_MAP;
}

/* As JavaScript's `if`. */
static bool is_true(const struct crdt_value *value) {
    switch (value->kind) {
    case CRDT_UNDEFINED:
    case CRDT_NULL:
        return false;
    case CRDT_BOOL:
        return value->boolean;
    case CRDT_NUMBER:
        return value->number != 0 && !isnan(value->number);
    case CRDT_BIGINT:
        return value->bigint != 0;
    case CRDT_STRING:
        return value->bytes.size > 0;
    default:
        return true;
    }
}

/* What Yjs makes of the options of a subdocument: those it knows, if they say something. */
static json_t *tagged_options(const struct crdt_doc *doc, const struct crdt_value *options, struct arena *arena) {
    json_t *json = json_object();
    for (size_t i = 0; options != NULL && options->kind == CRDT_OBJECT && i < options->object.count; i++) {
        const struct crdt_member *member = &options->object.members[i];
        if (bytes_equal_text(member->key, "gc") && member->value.kind != CRDT_UNDEFINED && !is_true(&member->value))
            json_object_set_new(json, "gc", json_false());
        else if (bytes_equal_text(member->key, "autoLoad") && is_true(&member->value))
            json_object_set_new(json, "autoLoad", json_true());
        else if (bytes_equal_text(member->key, "meta") && member->value.kind != CRDT_UNDEFINED && member->value.kind != CRDT_NULL)
            json_object_set_new(json, "meta", conform_tagged(doc, &member->value, arena));
    }
    return json;
}

json_t *conform_tagged(const struct crdt_doc *doc, const struct crdt_value *value, struct arena *arena) {
    char digits[24];
    json_t *json;
    enum crdt_type_kind kind = CRDT_TYPE_MAP;
    struct crdt_value inner;
    switch (value->kind) {
    case CRDT_UNDEFINED:
        return tagged_new("$u", json_integer(1));
    case CRDT_NULL:
        return json_null();
    case CRDT_BOOL:
        return json_boolean(value->boolean);
    case CRDT_NUMBER:
        return tagged_number(value->number);
    case CRDT_BIGINT:
        snprintf(digits, sizeof digits, "%lld", (long long)value->bigint);
        return tagged_new("$i", json_string(digits));
    case CRDT_STRING:
        return conform_text(value->bytes);
    case CRDT_BYTES:
        return tagged_new("$b", conform_base64_encode(value->bytes));
    case CRDT_ARRAY:
        json = json_array();
        for (size_t i = 0; i < value->array.count; i++)
            json_array_append_new(json, conform_tagged(doc, &value->array.items[i], arena));
        return json;
    case CRDT_OBJECT:
        return conform_tagged_object(doc, value->object, arena);
    case CRDT_SUBDOC:
        json = json_object();
        json_object_set_new(json, "guid", conform_text(value->subdoc.guid));
        json_object_set_new(json, "opts", tagged_options(doc, value->subdoc.options, arena));
        return tagged_new("$doc", json);
    case CRDT_TYPE:
        crdt_type_kind(doc, value->type, &kind, NULL);
        if (crdt_type_json(doc, value->type, kind, arena, &inner) != STATUS_OK)
            return json_null();
        json = json_object();
        json_object_set_new(json, "kind", json_string(kind_names[kind]));
        json_object_set_new(json, "json", conform_tagged(doc, &inner, arena));
        return tagged_new("$type", json);
    }
    return json_null();
}

static void op_text(json_t *question, json_t *answer, struct crdt_doc *doc) {
    struct crdt_type *text = conform_address(question, answer, doc, NULL);
    struct bytes_writer writer;
    bytes_writer_init(&writer, &mem_default, SIZE_MAX);
    enum status status = text == NULL ? STATUS_OK : crdt_text_write(doc, text, &writer);
    conform_answer_status(answer, status);
    json_object_set_new(answer, "text", conform_text(bytes_written(&writer)));
    bytes_writer_finish(&writer);
}

static void op_xml(json_t *question, json_t *answer, struct crdt_doc *doc) {
    enum crdt_type_kind kind;
    struct crdt_type *type = conform_address(question, answer, doc, &kind);
    struct bytes_writer writer;
    bytes_writer_init(&writer, &mem_default, SIZE_MAX);
    enum status status = type == NULL ? STATUS_OK : crdt_xml_write(doc, type, kind, &writer);
    conform_answer_status(answer, status);
    json_object_set_new(answer, "xml", conform_text(bytes_written(&writer)));
    bytes_writer_finish(&writer);
}

static void op_json(json_t *question, json_t *answer, struct crdt_doc *doc) {
    enum crdt_type_kind kind;
    struct crdt_type *type = conform_address(question, answer, doc, &kind);
    struct arena arena;
    struct crdt_value value;
    arena_init(&arena, &mem_default, SIZE_MAX);
    enum status status = type == NULL ? STATUS_NOT_FOUND : crdt_type_json(doc, type, kind, &arena, &value);
    if (status == STATUS_OK)
        json_object_set_new(answer, "json", conform_tagged(doc, &value, &arena));
    else if (type != NULL)
        conform_answer_status(answer, status);
    arena_finish(&arena);
}

static void op_attrs(json_t *question, json_t *answer, struct crdt_doc *doc) {
    struct crdt_type *type = conform_address(question, answer, doc, NULL);
    struct arena arena;
    struct crdt_object_value entries;
    arena_init(&arena, &mem_default, SIZE_MAX);
    if (type != NULL && crdt_map_entries(doc, type, &arena, &entries) == STATUS_OK)
        json_object_set_new(answer, "attrs", conform_tagged_object(doc, entries, &arena));
    arena_finish(&arena);
}

static void op_delta(json_t *question, json_t *answer, struct crdt_doc *doc) {
    struct crdt_type *type = conform_address(question, answer, doc, NULL);
    struct arena arena;
    struct crdt_delta delta = { NULL, 0 };
    arena_init(&arena, &mem_default, SIZE_MAX);
    if (type != NULL)
        conform_answer_status(answer, crdt_text_delta(doc, type, &arena, &delta));
    json_t *ops = json_array();
    for (size_t i = 0; i < delta.count; i++) {
        json_t *op = json_object();
        json_object_set_new(op, "insert", conform_tagged(doc, &delta.ops[i].insert, &arena));
        if (delta.ops[i].attributes.count > 0)
            json_object_set_new(op, "attributes", conform_tagged_object(doc, delta.ops[i].attributes, &arena));
        json_array_append_new(ops, op);
    }
    json_object_set_new(answer, "delta", ops);
    arena_finish(&arena);
}

static void op_position_create(json_t *question, json_t *answer, struct crdt_doc *doc) {
    struct crdt_type *type = conform_address(question, answer, doc, NULL);
    struct bytes_writer writer;
    bytes_writer_init(&writer, &mem_default, SIZE_MAX);
    if (type == NULL)
        return;
    uint64_t index = (uint64_t)json_integer_value(json_object_get(question, "index"));
    enum status status = crdt_position_encode(doc, type, index, json_integer_value(json_object_get(question, "assoc")), &writer);
    conform_answer_writer(answer, "rpos", status, &writer);
}

static void op_position(json_t *question, json_t *answer, struct crdt_doc *doc) {
    struct bytes bytes = conform_question_bytes(question, "rpos");
    struct crdt_position position;
    enum status status = crdt_position_resolve(doc, bytes, &position);
    conform_free_bytes(bytes);
    if (status != STATUS_OK) {
        json_object_set_new(answer, "pos", json_null());
        if (status != STATUS_NOT_FOUND)
            conform_answer_status(answer, status);
        return;
    }
    json_t *json = json_object();
    json_object_set_new(json, "type", conform_type_name(doc, position.type));
    json_object_set_new(json, "index", json_integer((json_int_t)position.index));
    json_object_set_new(json, "assoc", json_integer(position.assoc));
    json_object_set_new(answer, "pos", json);
}

const struct conform_op conform_reading[] = {
    { "text", op_text, false },       { "json", op_json, false },   { "xml", op_xml, false },
    { "delta", op_delta, false },     { "attrs", op_attrs, false }, { "relposCreate", op_position_create, false },
    { "relpos", op_position, false }, { NULL, NULL, false },
};
