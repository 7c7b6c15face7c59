/* fault.c — the table of codes, and the error value on the wire. */
#include "wire/fault.h"

#include "ground/utf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

struct wire_code_row {
    const char *word;
    const char *sentence;
    enum wire_retry retry;
    int http;
    uint16_t close;
};

static const struct wire_code_row wire_code_rows[WIRE_CODE_COUNT] = {
#define WIRE_CODE_ROW(name, word, retry, http, close, sentence) \
    [WIRE_CODE_##name] = { word, sentence, WIRE_RETRY_##retry, http, close },
    WIRE_CODES(WIRE_CODE_ROW)
#undef WIRE_CODE_ROW
};

static const char *const wire_retry_words[WIRE_RETRY_COUNT] = { "never", "later", "join", "reopen" };

static const struct wire_code_row *wire_code_row(enum wire_code code) {
    return &wire_code_rows[(unsigned)code < WIRE_CODE_COUNT ? code : WIRE_CODE_INTERNAL];
}

const char *wire_code_word(enum wire_code code) {
    return wire_code_row(code)->word;
}

const char *wire_code_sentence(enum wire_code code) {
    return wire_code_row(code)->sentence;
}

enum wire_retry wire_code_retry(enum wire_code code) {
    return wire_code_row(code)->retry;
}

int wire_code_http(enum wire_code code) {
    return wire_code_row(code)->http;
}

uint16_t wire_code_close(enum wire_code code) {
    return wire_code_row(code)->close;
}

const char *wire_retry_word(enum wire_retry retry) {
    return wire_retry_words[(unsigned)retry < WIRE_RETRY_COUNT ? retry : WIRE_RETRY_NEVER];
}

enum wire_code wire_code_of_word(struct bytes word) {
    unsigned code = 0;
    while (code < WIRE_CODE_COUNT && !bytes_equal_text(word, wire_code_rows[code].word))
        code++;
    return (enum wire_code)code;
}

enum wire_code wire_code_of_status(enum status status) {
    switch (status) {
    case STATUS_MALFORMED:
    case STATUS_RANGE:
        return WIRE_CODE_INVALID_PARAMS;
    case STATUS_TOO_BIG:
        return WIRE_CODE_LIMIT;
    case STATUS_NOT_FOUND:
        return WIRE_CODE_NOT_FOUND;
    case STATUS_EXISTS:
        return WIRE_CODE_EXISTS;
    case STATUS_DENIED:
        return WIRE_CODE_PERMISSION_DENIED;
    case STATUS_CONFLICT:
        return WIRE_CODE_CONFLICT;
    case STATUS_UNAVAILABLE:
    case STATUS_CLOSED:
    case STATUS_IO:
        return WIRE_CODE_UNAVAILABLE;
    case STATUS_OVERLOADED:
    case STATUS_NO_MEMORY:
        return WIRE_CODE_OVERLOADED;
    case STATUS_UNSUPPORTED:
        return WIRE_CODE_UNSUPPORTED;
    case STATUS_DAMAGED:
        return WIRE_CODE_QUARANTINED;
    default:
        return WIRE_CODE_INTERNAL;
    }
}

bool wire_close_permanent(uint16_t code) {
    return code >= 4400 && code < 4500;
}

/* ---- the error value ---- */

struct wire_fault wire_fault(enum wire_code code) {
    return wire_fault_say(code, "%s", wire_code_sentence(code));
}

/* Drops the bytes of a character that does not end inside the message; what is not UTF-8 at all goes too. */
static void wire_fault_trim(struct wire_fault *fault) {
    size_t size = strlen(fault->message);
    while (size > 0 && !utf_check(bytes_of(fault->message, size), NULL))
        size--;
    fault->message[size] = '\0';
}

struct wire_fault wire_fault_say(enum wire_code code, const char *format, ...) {
    struct wire_fault fault = { .code = code, .retry = wire_code_retry(code) };
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(fault.message, sizeof fault.message, format, arguments);
    va_end(arguments);
    if (size < 0)
        fault.message[0] = '\0';
    wire_fault_trim(&fault);
    return fault;
}

struct wire_fault wire_fault_of_fields(const struct pack_fields *fields) {
    assert(fields->status != STATUS_OK);
    const char *field = fields->field != NULL ? fields->field : "params";
    struct wire_fault fault = wire_fault_say(WIRE_CODE_INVALID_PARAMS, "%s %s.", field, fields->what);
    fault.field = field;
    return fault;
}

struct wire_fault wire_fault_limit(const char *limit, uint64_t max) {
    struct wire_fault fault = wire_fault_say(WIRE_CODE_LIMIT, "The limit %s is %llu.", limit, (unsigned long long)max);
    fault.limit = limit;
    fault.max = max;
    return fault;
}

void wire_fault_write(struct bytes_writer *writer, const struct wire_fault *fault) {
    uint32_t count = (uint32_t)(fault->method.data != NULL) + (uint32_t)(fault->field != NULL) +
                     2 * (uint32_t)(fault->limit != NULL) + (uint32_t)fault->has_offset + (uint32_t)fault->has_after_ms +
                     (uint32_t)fault->has_epoch;
    pack_write_map(writer, 4);
    pack_put_string(writer, "code", wire_code_word(fault->code));
    pack_put_string(writer, "message", fault->message);
    pack_put_string(writer, "retry", wire_retry_word(fault->retry));
    pack_put_key(writer, "data");
    pack_write_map(writer, count);
    if (fault->method.data != NULL)
        pack_put_text(writer, "method", fault->method);
    if (fault->field != NULL)
        pack_put_string(writer, "field", fault->field);
    if (fault->limit != NULL) {
        pack_put_string(writer, "limit", fault->limit);
        pack_put_uint(writer, "max", fault->max);
    }
    if (fault->has_offset)
        pack_put_uint(writer, "offset", fault->offset);
    if (fault->has_after_ms)
        pack_put_uint(writer, "after_ms", fault->after_ms);
    if (fault->has_epoch)
        pack_put_uint(writer, "epoch", fault->epoch);
}

static enum wire_retry wire_retry_of_word(struct bytes word) {
    for (unsigned i = 0; i < WIRE_RETRY_COUNT; i++)
        if (bytes_equal_text(word, wire_retry_words[i]))
            return (enum wire_retry)i;
    return WIRE_RETRY_NEVER;
}

/* A number of data; false when it is not there or is no number: data is a hint, not a contract. */
static bool wire_fault_number(struct bytes data, const char *key, uint64_t *out) {
    struct bytes value;
    if (pack_find(data, key, &value) != STATUS_OK)
        return false;
    struct pack_reader reader = pack_reader(value);
    return pack_read_uint(&reader, UINT64_MAX, out) == STATUS_OK;
}

enum status wire_fault_read(struct bytes error, struct wire_fault *out) {
    struct bytes code = { NULL, 0 };
    struct bytes message = { NULL, 0 };
    struct bytes retry = { NULL, 0 };
    struct bytes data = { NULL, 0 };
    struct pack_fields fields = pack_fields(error);
    pack_field_text(&fields, "code", PACK_REQUIRED, WIRE_FAULT_WORD_MAX, &code);
    pack_field_text(&fields, "message", PACK_OPTIONAL, SIZE_MAX, &message);
    pack_field_text(&fields, "retry", PACK_OPTIONAL, WIRE_FAULT_WORD_MAX, &retry);
    pack_field_map(&fields, "data", PACK_OPTIONAL, &data);
    if (fields.status != STATUS_OK)
        return fields.status;
    *out = (struct wire_fault){ .code = wire_code_of_word(code), .retry = wire_retry_of_word(retry) };
    size_t size = message.size < WIRE_FAULT_MESSAGE_MAX ? message.size : WIRE_FAULT_MESSAGE_MAX;
    if (size > 0)
        memcpy(out->message, message.data, size);
    out->message[size] = '\0';
    wire_fault_trim(out);
    if (data.data == NULL)
        return STATUS_OK;
    struct bytes method;
    if (pack_find(data, "method", &method) == STATUS_OK) {
        struct pack_reader reader = pack_reader(method);
        struct bytes name;
        if (pack_read_text(&reader, SIZE_MAX, &name) == STATUS_OK)
            out->method = name;
    }
    wire_fault_number(data, "max", &out->max);
    out->has_offset = wire_fault_number(data, "offset", &out->offset);
    out->has_after_ms = wire_fault_number(data, "after_ms", &out->after_ms);
    out->has_epoch = wire_fault_number(data, "epoch", &out->epoch);
    return STATUS_OK;
}
