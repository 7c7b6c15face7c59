/* fuzz_http.c — any bytes as HTTP: fed whole and in pieces of a size that the first byte gives; both must come to the same end.
 * What is a request goes on into the upgrade, the query, the path and the body. */
#include "wire/json_body.h"
#include "wire/upgrade.h"

#include "fuzz.h"

static const struct http_limits limits = { .head_bytes_max = 2048, .headers_max = 16, .body_bytes_max = 1024 };

struct outcome {
    struct http_reader *reader;
    enum status status;
    size_t used;
    struct http_fault fault;
};

static struct outcome feed(enum http_kind kind, struct bytes input, size_t piece_max) {
    struct outcome outcome = { .reader = http_reader_create(&mem_default, kind, &limits), .status = STATUS_MORE };
    while (outcome.status == STATUS_MORE && outcome.used < input.size) {
        size_t size = input.size - outcome.used < piece_max ? input.size - outcome.used : piece_max;
        uint8_t *piece = malloc(size);
        size_t used;
        memcpy(piece, input.data + outcome.used, size);
        outcome.status = http_reader_feed(outcome.reader, bytes_of(piece, size), &used, &outcome.fault);
        free(piece);
        FUZZ_REQUIRE(used <= size && (outcome.status != STATUS_MORE || used == size));
        outcome.used += used;
    }
    if (outcome.status == STATUS_MORE)
        outcome.status = http_reader_end(outcome.reader, &outcome.fault);
    return outcome;
}

static void use(const struct http_message *message) {
    static const char *const protocols[] = { WIRE_SUBPROTOCOL, NULL };
    static const uint8_t random[WS_KEY_BYTES] = { 1 };
    struct ws_upgrade_key key = ws_upgrade_key(random);
    struct ws_upgrade upgrade;
    struct http_fault fault = { 0 };
    struct json_body *body;
    struct bytes text;
    struct bytes_writer path;
    if (ws_upgrade_check(message, protocols, &upgrade, &fault) != STATUS_OK)
        FUZZ_REQUIRE(fault.status >= 400 && fault.what != NULL);
    FUZZ_REQUIRE(upgrade.deflate_bits == 0 || (upgrade.deflate_bits >= 9 && upgrade.deflate_bits <= 15));
    (void)ws_upgrade_confirm(message, &key, WIRE_SUBPROTOCOL, &fault);
    (void)http_message_bearer(message);
    (void)http_query_find(message->query, "token");
    bytes_writer_init(&path, &mem_default, 4096);
    (void)http_percent_decode(message->path, &path);
    bytes_writer_finish(&path);
    if (json_body_parse(message->body, &body) == STATUS_OK) {
        struct json_body *inner;
        (void)json_body_text(body, "name", 100, &text);
        if (json_body_object(body, "error", &inner) == STATUS_OK)
            json_body_destroy(inner);
        json_body_destroy(body);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bytes input = bytes_of(data, size);
    uint8_t choice = fuzz_choice(&input);
    enum http_kind kind = choice & 0x80 ? HTTP_READ_RESPONSES : HTTP_READ_REQUESTS;
    struct outcome whole = feed(kind, input, input.size + 1);
    struct outcome pieces = feed(kind, input, (choice & 0x7f) + 1);
    /* Of two faults in one head either may be met first. */
    FUZZ_REQUIRE((whole.status == STATUS_OK) == (pieces.status == STATUS_OK));
    if (whole.status == STATUS_OK) {
        const struct http_message *a = http_reader_message(whole.reader);
        const struct http_message *b = http_reader_message(pieces.reader);
        FUZZ_REQUIRE(whole.used == pieces.used && a->headers_count == b->headers_count && a->status == b->status);
        FUZZ_REQUIRE(bytes_equal(a->target, b->target) && bytes_equal(a->body, b->body));
        for (unsigned i = 0; i < a->headers_count; i++)
            FUZZ_REQUIRE(bytes_equal(a->headers[i].name, b->headers[i].name) &&
                         bytes_equal(a->headers[i].value, b->headers[i].value));
        use(a);
    } else {
        FUZZ_REQUIRE(whole.fault.status >= 400 && whole.fault.what != NULL);
        FUZZ_REQUIRE(pieces.fault.status >= 400 && pieces.fault.what != NULL);
    }
    http_reader_destroy(whole.reader);
    http_reader_destroy(pieces.reader);
    return 0;
}
