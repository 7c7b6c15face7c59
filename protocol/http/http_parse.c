/* http_parse.c — http-parser behind a bounded, copying reader. The only file that includes it.
 *
 * Names and values arrive in pieces that follow the cuts of the input. They are appended to one buffer, `text`; a span (offset and
 * size) remembers each, because the buffer moves while it grows; views are made when the message is complete.
 *
 *   text    GET target Host www.example.org Content-Length 5 hello
 *   spans       ^^^^^^ ^name ^value         ^name          ^value ^body
 *
 * What http-parser does not check is checked here: limits as bytes arrive, version 1.x, one Host header, no Transfer-Encoding in
 * requests, no continuation lines (obs-fold), nothing below a space in values. */
#include "wire/http.h"

#include "ground/utf.h"

#include <assert.h>
#include <http_parser.h>
#include <strings.h>

struct http_span {
    uint32_t offset;
    uint32_t size;
};

enum http_stage { HTTP_STAGE_HEAD, HTTP_STAGE_BODY, HTTP_STAGE_DONE, HTTP_STAGE_FAILED };

struct http_reader {
    const struct mem *mem;
    struct http_limits limits;
    struct http_message message;
    struct http_header headers[HTTP_HEADERS_MAX];
    struct http_span names[HTTP_HEADERS_MAX];
    struct http_span values[HTTP_HEADERS_MAX];
    struct http_span target;
    struct http_span body;
    unsigned count;
    bool in_value; /* the last header callback was for a value */
    bool started;
    enum http_stage stage;
    bool line_open;     /* the head's last byte did not end a line */
    bool line_returned; /* it was a carriage return */
    bool head_begun;    /* a byte of the first line was seen */
    bool head_ended;    /* the empty line was seen */
    size_t head_bytes;  /* received so far */
    struct bytes_writer text;
    struct http_fault fault;
    enum status status; /* what the callbacks found */
    http_parser parser;
};

/* ---- limits and appending ---- */

static int http_refuse(struct http_reader *reader, enum status status, unsigned code, const char *what) {
    if (reader->status == STATUS_OK) {
        reader->status = status;
        reader->fault = (struct http_fault){ code, what };
    }
    return -1; /* http-parser stops */
}

/* Appends a piece to the span, which is the last thing in the buffer. */
static int http_append(struct http_reader *reader, struct http_span *span, const char *at, size_t size) {
    if (span->size == 0)
        span->offset = (uint32_t)reader->text.size;
    bytes_write(&reader->text, bytes_of(at, size));
    if (reader->text.status == STATUS_TOO_BIG)
        return http_refuse(reader, STATUS_TOO_BIG, 431, "the message is longer than allowed");
    if (reader->text.status != STATUS_OK)
        return http_refuse(reader, reader->text.status, 500, "there is no memory for the message");
    span->size += (uint32_t)size;
    return 0;
}

static struct bytes http_view(const struct http_reader *reader, struct http_span span) {
    return span.size == 0 ? bytes_of("", 0) : bytes_of(reader->text.data + span.offset, span.size);
}

static struct http_reader *http_reader_of(http_parser *parser) {
    return parser->data;
}

/* ---- http-parser's callbacks ---- */

static int http_on_target(http_parser *parser, const char *at, size_t size) {
    struct http_reader *reader = http_reader_of(parser);
    return http_append(reader, &reader->target, at, size);
}

/* RFC 9110, section 5.6.2: what a header's name may be made of. */
static bool http_name_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static int http_on_name(http_parser *parser, const char *at, size_t size) {
    struct http_reader *reader = http_reader_of(parser);
    for (size_t i = 0; i < size; i++)
        if (!http_name_character(at[i]))
            return http_refuse(reader, STATUS_MALFORMED, 400, "a header's name holds a character that it may not");
    if (reader->count == 0 || reader->in_value) {
        if (reader->count == reader->limits.headers_max)
            return http_refuse(reader, STATUS_TOO_BIG, 431, "there are more headers than allowed");
        reader->names[reader->count] = (struct http_span){ 0 };
        reader->values[reader->count] = (struct http_span){ 0 };
        reader->count++;
        reader->in_value = false;
    }
    return http_append(reader, &reader->names[reader->count - 1], at, size);
}

static int http_on_value(http_parser *parser, const char *at, size_t size) {
    struct http_reader *reader = http_reader_of(parser);
    reader->in_value = true;
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = (uint8_t)at[i];
        if ((byte < 0x20 && byte != '\t') || byte == 0x7f)
            return http_refuse(reader, STATUS_MALFORMED, 400, "a header holds a control character");
    }
    return http_append(reader, &reader->values[reader->count - 1], at, size);
}

static bool http_name_is(struct bytes name, const char *wanted) {
    size_t size = strlen(wanted);
    return name.size == size && strncasecmp((const char *)name.data, wanted, size) == 0;
}

/* Answers how many headers have this name. */
static unsigned http_count(const struct http_reader *reader, const char *name) {
    unsigned count = 0;
    for (unsigned i = 0; i < reader->count; i++)
        count += http_name_is(http_view(reader, reader->names[i]), name);
    return count;
}

static int http_on_head(http_parser *parser) {
    struct http_reader *reader = http_reader_of(parser);
    bool request = parser->type == HTTP_REQUEST;
    if (parser->http_major != 1)
        return http_refuse(reader, STATUS_MALFORMED, 505, "only HTTP/1.0 and HTTP/1.1 are spoken");
    unsigned hosts = http_count(reader, "host");
    if (request && (hosts > 1 || (hosts == 0 && parser->http_minor >= 1)))
        return http_refuse(reader, STATUS_MALFORMED, 400, "there must be one Host header");
    if (request && http_count(reader, "transfer-encoding") > 0)
        return http_refuse(reader, STATUS_MALFORMED, 411, "a body needs Content-Length, not Transfer-Encoding");
    bool has_length = parser->content_length != UINT64_MAX;
    if (has_length && parser->content_length > reader->limits.body_bytes_max)
        return http_refuse(reader, STATUS_TOO_BIG, 413, "the body is longer than allowed");
    reader->stage = HTTP_STAGE_BODY;
    return 0;
}

static int http_on_body(http_parser *parser, const char *at, size_t size) {
    struct http_reader *reader = http_reader_of(parser);
    if (size > reader->limits.body_bytes_max - reader->body.size)
        return http_refuse(reader, STATUS_TOO_BIG, 413, "the body is longer than allowed");
    return http_append(reader, &reader->body, at, size);
}

static int http_on_complete(http_parser *parser) {
    struct http_reader *reader = http_reader_of(parser);
    reader->message.keep_alive = http_should_keep_alive(parser) != 0;
    reader->stage = HTTP_STAGE_DONE;
    http_parser_pause(parser, 1); /* the rest of the input belongs to the next message */
    return 0;
}

static const http_parser_settings http_settings = {
    .on_url = http_on_target,
    .on_header_field = http_on_name,
    .on_header_value = http_on_value,
    .on_headers_complete = http_on_head,
    .on_body = http_on_body,
    .on_message_complete = http_on_complete,
};

/* ---- the reader ---- */

struct http_reader *http_reader_create(const struct mem *mem, enum http_kind kind, const struct http_limits *limits) {
    assert(limits->headers_max <= HTTP_HEADERS_MAX);
    assert(limits->head_bytes_max < UINT32_MAX / 2 && limits->body_bytes_max < UINT32_MAX / 2);
    struct http_reader *reader = mem_zalloc(mem, sizeof *reader);
    if (reader == NULL)
        return NULL;
    reader->mem = mem;
    reader->limits = *limits;
    bytes_writer_init(&reader->text, mem, limits->head_bytes_max + limits->body_bytes_max);
    http_parser_init(&reader->parser, kind == HTTP_READ_REQUESTS ? HTTP_REQUEST : HTTP_RESPONSE);
    reader->parser.data = reader;
    return reader;
}

void http_reader_destroy(struct http_reader *reader) {
    if (reader == NULL)
        return;
    bytes_writer_finish(&reader->text);
    mem_free(reader->mem, reader, sizeof *reader);
}

void http_reader_reset(struct http_reader *reader) {
    enum http_parser_type type = (enum http_parser_type)reader->parser.type;
    bytes_writer_reset(&reader->text);
    reader->message = (struct http_message){ 0 };
    reader->target = (struct http_span){ 0 };
    reader->body = (struct http_span){ 0 };
    reader->count = 0;
    reader->in_value = false;
    reader->started = false;
    reader->stage = HTTP_STAGE_HEAD;
    reader->head_bytes = 0;
    reader->line_open = false;
    reader->line_returned = false;
    reader->head_begun = false;
    reader->head_ended = false;
    reader->status = STATUS_OK;
    http_parser_init(&reader->parser, type);
    reader->parser.data = reader;
}

bool http_reader_started(const struct http_reader *reader) {
    return reader->started;
}

static void http_finish_target(struct http_message *message, struct bytes target) {
    const uint8_t *mark = target.size > 0 ? memchr(target.data, '?', target.size) : NULL;
    message->target = target;
    message->path = target;
    if (mark == NULL)
        return;
    message->path.size = (size_t)(mark - target.data);
    message->query = bytes_of(mark + 1, target.size - message->path.size - 1);
}

static struct bytes http_trim(struct bytes text) {
    while (text.size > 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
        text = bytes_of(text.data + 1, text.size - 1);
    while (text.size > 0 && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t'))
        text.size--;
    return text;
}

/* The buffer does not move any more: spans become views. */
static void http_finish_message(struct http_reader *reader) {
    struct http_message *message = &reader->message;
    for (unsigned i = 0; i < reader->count; i++) {
        reader->headers[i].name = http_view(reader, reader->names[i]);
        reader->headers[i].value = http_trim(http_view(reader, reader->values[i]));
    }
    message->headers = reader->headers;
    message->headers_count = reader->count;
    message->body = http_view(reader, reader->body);
    message->upgrade = reader->parser.upgrade != 0;
    if (reader->parser.type == HTTP_REQUEST) {
        message->method = bytes_text(http_method_str((enum http_method)reader->parser.method));
        http_finish_target(message, http_view(reader, reader->target));
    } else {
        message->status = reader->parser.status_code;
    }
}

static enum status http_fail(struct http_reader *reader, struct http_fault *fault) {
    enum http_errno code = HTTP_PARSER_ERRNO(&reader->parser);
    if (reader->status == STATUS_OK && code == HPE_HEADER_OVERFLOW)
        http_refuse(reader, STATUS_TOO_BIG, 431, "the head is longer than allowed");
    else if (reader->status == STATUS_OK)
        http_refuse(reader, STATUS_MALFORMED, 400, http_errno_description(code));
    reader->stage = HTTP_STAGE_FAILED;
    *fault = reader->fault;
    return reader->status;
}

/* What http-parser lets pass in the lines of a head, and proxies may read differently: NULL, or what is wrong behind `*good` bytes.
 * A line that begins with white space continues the one before it (RFC 9112, section 5.2): http-parser joins them without a word.
 * After a CR it takes any byte for the LF: "\n\rX" would end the head and swallow the X. */
static const char *http_line_fault(struct http_reader *reader, struct bytes bytes, size_t *good) {
    for (size_t i = 0; i < bytes.size && !reader->head_ended; i++) {
        uint8_t byte = bytes.data[i];
        *good = i;
        if (reader->line_returned && byte != '\n')
            return "a carriage return stands alone";
        if (!reader->line_open && (byte == ' ' || byte == '\t'))
            return "a header is continued on a second line";
        reader->line_returned = byte == '\r';
        if (byte == '\r')
            continue;
        if (byte != '\n')
            reader->head_begun = true;
        else if (!reader->line_open && reader->head_begun)
            reader->head_ended = true;
        reader->line_open = byte != '\n';
    }
    *good = bytes.size;
    return NULL;
}

enum status http_reader_feed(struct http_reader *reader, struct bytes bytes, size_t *out_used, struct http_fault *fault) {
    assert(reader->stage == HTTP_STAGE_HEAD || reader->stage == HTTP_STAGE_BODY);
    *out_used = 0;
    if (bytes.size == 0)
        return STATUS_MORE;
    reader->started = true;
    /* While the head has not ended, no more than its limit allows is looked at. */
    size_t size = bytes.size;
    size_t head_left = reader->limits.head_bytes_max - reader->head_bytes;
    if (reader->stage == HTTP_STAGE_HEAD && size > head_left)
        size = head_left;
    if (size == 0) {
        http_refuse(reader, STATUS_TOO_BIG, 431, "the head is longer than allowed");
        return http_fail(reader, fault);
    }
    const char *wrong = reader->stage == HTTP_STAGE_HEAD ? http_line_fault(reader, bytes_of(bytes.data, size), &size) : NULL;
    /* No bytes at all would tell http-parser that the connection has ended. */
    size_t used = size == 0 ? 0 : http_parser_execute(&reader->parser, &http_settings, (const char *)bytes.data, size);
    if (reader->stage == HTTP_STAGE_HEAD)
        reader->head_bytes += size;
    *out_used = used;
    if (reader->stage == HTTP_STAGE_DONE) {
        http_finish_message(reader);
        return STATUS_OK;
    }
    bool passed = HTTP_PARSER_ERRNO(&reader->parser) == HPE_OK && reader->status == STATUS_OK;
    if (passed && wrong != NULL)
        http_refuse(reader, STATUS_MALFORMED, 400, wrong);
    if (!passed || wrong != NULL)
        return http_fail(reader, fault);
    if (used == bytes.size)
        return STATUS_MORE;
    /* The head's limit cut this piece: what is left of it is either body or too much. */
    size_t more;
    enum status status = http_reader_feed(reader, bytes_of(bytes.data + used, bytes.size - used), &more, fault);
    *out_used = used + more;
    return status;
}

enum status http_reader_end(struct http_reader *reader, struct http_fault *fault) {
    if (reader->stage == HTTP_STAGE_HEAD || reader->stage == HTTP_STAGE_BODY) {
        http_parser_execute(&reader->parser, &http_settings, NULL, 0);
        if (reader->stage == HTTP_STAGE_DONE) {
            http_finish_message(reader);
            return STATUS_OK;
        }
    }
    if (reader->status == STATUS_OK)
        http_refuse(reader, STATUS_MALFORMED, 400, "the connection ended inside a message");
    return http_fail(reader, fault);
}

const struct http_message *http_reader_message(const struct http_reader *reader) {
    assert(reader->stage == HTTP_STAGE_DONE);
    return &reader->message;
}

/* ---- looking into a message ---- */

struct bytes http_message_header(const struct http_message *message, const char *name) {
    for (unsigned i = 0; i < message->headers_count; i++)
        if (http_name_is(message->headers[i].name, name))
            return message->headers[i].value;
    return bytes_of(NULL, 0);
}

/* Cuts `text` at the first `mark`: the part before it is answered, the part behind it stays; at the end `text` gets data NULL. */
static struct bytes http_cut(struct bytes *text, char mark) {
    struct bytes whole = *text;
    const uint8_t *at = whole.size > 0 ? memchr(whole.data, mark, whole.size) : NULL;
    if (at == NULL) {
        *text = bytes_of(NULL, 0);
        return whole;
    }
    size_t size = (size_t)(at - whole.data);
    *text = bytes_of(at + 1, whole.size - size - 1);
    return bytes_of(whole.data, size);
}

bool http_value_has_token(struct bytes value, const char *token) {
    while (value.data != NULL)
        if (http_name_is(http_trim(http_cut(&value, ',')), token))
            return true;
    return false;
}

struct bytes http_message_bearer(const struct http_message *message) {
    struct bytes value = http_message_header(message, "authorization");
    struct bytes none = { NULL, 0 };
    if (value.data == NULL)
        return none;
    struct bytes scheme = http_cut(&value, ' ');
    value = value.data == NULL ? none : http_trim(value);
    return http_name_is(scheme, "bearer") && value.size > 0 ? value : none;
}

struct bytes http_query_find(struct bytes query, const char *name) {
    while (query.data != NULL) {
        struct bytes value = http_cut(&query, '&');
        if (bytes_equal_text(http_cut(&value, '='), name))
            return value.data == NULL ? bytes_text("") : value;
    }
    return bytes_of(NULL, 0);
}

static int http_digit(uint8_t character) {
    if (character >= '0' && character <= '9')
        return character - '0';
    character |= 0x20;
    return character >= 'a' && character <= 'f' ? character - 'a' + 10 : -1;
}

enum status http_percent_decode(struct bytes text, struct bytes_writer *out) {
    size_t before = out->size;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        if (byte == '%') {
            int high = text.size - i > 2 ? http_digit(text.data[i + 1]) : -1;
            int low = text.size - i > 2 ? http_digit(text.data[i + 2]) : -1;
            if (high < 0 || low < 0)
                goto malformed;
            byte = (uint8_t)(high << 4 | low);
            i += 2;
        }
        if (byte == 0)
            goto malformed;
        bytes_write_u8(out, byte);
    }
    if (out->status != STATUS_OK)
        return out->status;
    if (out->size > before && !utf_check(bytes_of(out->data + before, out->size - before), NULL))
        goto malformed;
    return STATUS_OK;

malformed:
    out->size = before;
    return STATUS_MALFORMED;
}
