/* Requests and responses fed whole and in every chop size; limits; what is refused and with which status. */
#include "wire/http.h"

#include "../testing/failing_mem.h"

#include <criterion/criterion.h>

static const struct http_limits limits = { .head_bytes_max = 400, .headers_max = 8, .body_bytes_max = 20 };

struct outcome {
    enum status status;
    size_t used;
    struct http_fault fault;
};

/* Feeds `text` in pieces of `chop` bytes, each in a block of its own. */
static struct outcome feed(struct http_reader *reader, struct bytes text, size_t chop) {
    struct outcome outcome = { .status = STATUS_MORE };
    while (outcome.used < text.size && outcome.status == STATUS_MORE) {
        size_t size = text.size - outcome.used < chop ? text.size - outcome.used : chop;
        uint8_t *piece = malloc(size);
        size_t used;
        memcpy(piece, text.data + outcome.used, size);
        outcome.status = http_reader_feed(reader, bytes_of(piece, size), &used, &outcome.fault);
        free(piece);
        outcome.used += used;
        if (outcome.status == STATUS_MORE)
            cr_assert_eq(used, size);
    }
    return outcome;
}

static struct http_reader *reader_make(enum http_kind kind) {
    struct http_reader *reader = http_reader_create(&mem_default, kind, &limits);
    cr_assert_not_null(reader);
    return reader;
}

Test(http_parse, a_request_is_understood_in_every_chop_size) {
    static const char text[] = "POST /v1/join?code=a&b HTTP/1.1\r\nHost: www.example.org\r\nContent-Length: 5\r\n"
                               "X-Empty:\r\nX-Spaces:   a b\t \r\n\r\nhelloGET /next";
    size_t whole = sizeof text - 1 - strlen("GET /next");
    for (size_t chop = 1; chop < sizeof text; chop++) {
        struct http_reader *reader = reader_make(HTTP_READ_REQUESTS);
        struct outcome outcome = feed(reader, bytes_of(text, sizeof text - 1), chop);
        cr_assert_eq(outcome.status, STATUS_OK, "chop %zu: %s", chop, outcome.fault.what);
        cr_assert_eq(outcome.used, whole, "chop %zu: %zu", chop, outcome.used);
        const struct http_message *message = http_reader_message(reader);
        cr_assert(bytes_equal_text(message->method, "POST"));
        cr_assert(bytes_equal_text(message->target, "/v1/join?code=a&b"));
        cr_assert(bytes_equal_text(message->path, "/v1/join"));
        cr_assert(bytes_equal_text(message->query, "code=a&b"));
        cr_assert(bytes_equal_text(message->body, "hello"));
        cr_assert(bytes_equal_text(http_message_header(message, "HOST"), "www.example.org"));
        cr_assert(bytes_equal_text(http_message_header(message, "x-spaces"), "a b"));
        struct bytes empty = http_message_header(message, "x-empty");
        cr_assert(empty.data != NULL && empty.size == 0);
        cr_assert_null(http_message_header(message, "x-missing").data);
        cr_assert(message->keep_alive);
        cr_assert_not(message->upgrade);
        http_reader_destroy(reader);
    }
}

Test(http_parse, requests_follow_one_another_on_one_reader) {
    static const char text[] = "GET /a HTTP/1.1\r\nHost: a\r\n\r\nPOST /b HTTP/1.1\r\nHost: b\r\nContent-Length: 2\r\n\r\nhi"
                               "GET /c HTTP/1.1\r\nHost: c\r\nConnection: close\r\n\r\n";
    struct http_reader *reader = reader_make(HTTP_READ_REQUESTS);
    struct bytes rest = bytes_of(text, sizeof text - 1);
    static const char *const paths[] = { "/a", "/b", "/c" };

    for (size_t i = 0; i < 3; i++) {
        struct outcome outcome = feed(reader, rest, 7);
        cr_assert_eq(outcome.status, STATUS_OK);
        const struct http_message *message = http_reader_message(reader);
        cr_assert(bytes_equal_text(message->path, paths[i]));
        cr_assert_eq(message->headers_count, i == 0 ? 1 : 2);
        cr_assert_eq(message->keep_alive, i < 2);
        rest = bytes_of(rest.data + outcome.used, rest.size - outcome.used);
        cr_assert(http_reader_started(reader));
        http_reader_reset(reader);
        cr_assert_not(http_reader_started(reader));
    }
    cr_assert_eq(rest.size, 0);
    http_reader_destroy(reader);
}

Test(http_parse, bytes_behind_an_upgrade_are_left_alone) {
    static const char text[] = "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x81\x85";
    for (size_t chop = 1; chop < sizeof text; chop++) {
        struct http_reader *reader = reader_make(HTTP_READ_REQUESTS);
        struct outcome outcome = feed(reader, bytes_of(text, sizeof text - 1), chop);
        cr_assert_eq(outcome.status, STATUS_OK);
        cr_assert_eq(outcome.used, sizeof text - 3, "chop %zu: %zu", chop, outcome.used);
        cr_assert(http_reader_message(reader)->upgrade);
        http_reader_destroy(reader);
    }
}

Test(http_parse, what_is_refused_says_why_and_how_to_answer) {
    static const struct {
        const char *text;
        enum status status;
        unsigned code;
    } cases[] = {
        { "nonsense\r\n\r\n", STATUS_MALFORMED, 400 },
        { "GET / HTTP/1.1\r\n\r\n", STATUS_MALFORMED, 400 },                       /* no Host */
        { "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", STATUS_MALFORMED, 400 }, /* two */
        { "GET / HTTP/2.0\r\nHost: a\r\n\r\n", STATUS_MALFORMED, 505 },
        { "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", STATUS_MALFORMED, 411 },
        { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", STATUS_MALFORMED, 400 },
        { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nhi", STATUS_MALFORMED, 400 },
        { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", STATUS_MALFORMED, 400 },
        { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", STATUS_MALFORMED, 400 },
        { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 21\r\n\r\n", STATUS_TOO_BIG, 413 },
        { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", STATUS_MALFORMED, 400 },
        { "GET / HTTP/1.1\r\nHost: a\r\nX: a\x01b\r\n\r\n", STATUS_MALFORMED, 400 },
        { "GET / HTTP/1.1\r\nHost: a\r\nX y: a\r\n\r\n", STATUS_MALFORMED, 400 },
        { "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n folded\r\n\r\n", STATUS_MALFORMED, 400 },
        { "GET / HTTP/1.1\r\nHost: a\r\n\rX", STATUS_MALFORMED, 400 }, /* http-parser would end the head here */
        { "GET / HTTP/1.1\rHost: a\r\n\r\n", STATUS_MALFORMED, 400 },
        { "GET / HTTP/1.1\r\nHost : a\r\n\r\n", STATUS_MALFORMED, 400 },
        { "GET / HTTP/1.1\r\nA: 1\r\nB: 1\r\nC: 1\r\nD: 1\r\nE: 1\r\nF: 1\r\nG: 1\r\nH: 1\r\nI: 1\r\n\r\n", STATUS_TOO_BIG, 431 },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (size_t chop = 1; chop < 200; chop = chop * 2 + 1) {
            struct http_reader *reader = reader_make(HTTP_READ_REQUESTS);
            struct outcome outcome = feed(reader, bytes_text(cases[i].text), chop);
            cr_assert_eq(outcome.status, cases[i].status, "%s: %u %s", cases[i].text, outcome.status, outcome.fault.what);
            cr_assert_eq(outcome.fault.status, cases[i].code, "%s: %u", cases[i].text, outcome.fault.status);
            cr_assert_not_null(outcome.fault.what);
            http_reader_destroy(reader);
        }
}

Test(http_parse, a_head_over_its_limit_is_refused_however_it_arrives) {
    char text[2000] = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
    size_t size = strlen(text);
    memset(text + size, 'x', sizeof text - size);

    for (size_t chop = 1; chop < sizeof text; chop = chop * 2 + 1) {
        struct http_reader *reader = reader_make(HTTP_READ_REQUESTS);
        struct outcome outcome = feed(reader, bytes_of(text, sizeof text), chop);
        cr_assert_eq(outcome.status, STATUS_TOO_BIG);
        cr_assert_eq(outcome.fault.status, 431);
        http_reader_destroy(reader);
    }
}

Test(http_parse, a_head_of_exactly_the_limit_passes) {
    char text[500];
    static const char start[] = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\nX: ";
    size_t size = sizeof start - 1;
    memcpy(text, start, size);
    memset(text + size, 'x', 400 - 4 - size);
    memcpy(text + 396, "\r\n\r\n", 4);
    memset(text + 400, 'b', 20);

    for (size_t chop = 1; chop <= 420; chop++) {
        struct http_reader *reader = reader_make(HTTP_READ_REQUESTS);
        struct outcome outcome = feed(reader, bytes_of(text, 420), chop);
        cr_assert_eq(outcome.status, STATUS_OK, "chop %zu: %s", chop, outcome.fault.what);
        cr_assert_eq(outcome.used, 420);
        cr_assert_eq(http_reader_message(reader)->body.size, 20);
        http_reader_destroy(reader);
    }
}

Test(http_parse, responses_end_by_length_or_with_the_connection) {
    struct http_reader *reader = reader_make(HTTP_READ_RESPONSES);
    struct http_fault fault;
    struct outcome outcome = feed(reader, bytes_text("HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nhi"), 3);
    cr_assert_eq(outcome.status, STATUS_OK);
    cr_assert_eq(http_reader_message(reader)->status, 404);
    cr_assert(bytes_equal_text(http_reader_message(reader)->body, "hi"));

    http_reader_reset(reader);
    outcome = feed(reader, bytes_text("HTTP/1.0 200 OK\r\n\r\nto the end"), 4);
    cr_assert_eq(outcome.status, STATUS_MORE);
    cr_assert_eq(http_reader_end(reader, &fault), STATUS_OK);
    cr_assert(bytes_equal_text(http_reader_message(reader)->body, "to the end"));
    cr_assert_not(http_reader_message(reader)->keep_alive);

    http_reader_reset(reader);
    outcome = feed(reader, bytes_text("HTTP/1.0 200 OK\r\n\r\nfar more than twenty bytes of body"), 4);
    cr_assert_eq(outcome.status, STATUS_TOO_BIG);

    http_reader_reset(reader);
    outcome = feed(reader, bytes_text("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut"), 4);
    cr_assert_eq(outcome.status, STATUS_MORE);
    cr_assert_eq(http_reader_end(reader, &fault), STATUS_MALFORMED);
    http_reader_destroy(reader);
}

Test(http_parse, every_truncation_waits_or_fails_and_the_end_is_reported) {
    static const char text[] = "POST /v1/join HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
    for (size_t cut = 0; cut < sizeof text - 1; cut++) {
        struct http_reader *reader = reader_make(HTTP_READ_REQUESTS);
        struct http_fault fault;
        struct outcome outcome = feed(reader, bytes_of(text, cut), 5);
        cr_assert_eq(outcome.status, STATUS_MORE, "cut %zu", cut);
        cr_assert_eq(http_reader_end(reader, &fault), STATUS_MALFORMED);
        cr_assert_not_null(fault.what);
        http_reader_destroy(reader);
    }
}

Test(http_parse, every_failing_allocation_is_reported) {
    static const char text[] = "POST /v1/join HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nX-Long: "
                               "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n\r\nhello";
    for (unsigned n = 1;; n++) {
        struct failing_mem failing;
        struct http_fault fault;
        size_t used;
        failing_mem_init(&failing, n);
        struct http_reader *reader = http_reader_create(&failing.mem, HTTP_READ_REQUESTS, &limits);
        if (reader != NULL) {
            enum status status = http_reader_feed(reader, bytes_of(text, sizeof text - 1), &used, &fault);
            cr_assert_eq(status, failing.fired ? STATUS_NO_MEMORY : STATUS_OK);
            http_reader_destroy(reader);
        }
        cr_assert_eq(failing.held, 0);
        if (!failing.fired)
            break;
    }
}

Test(http_parse, tokens_of_a_list_are_found_without_case) {
    cr_assert(http_value_has_token(bytes_text("keep-alive, Upgrade"), "upgrade"));
    cr_assert(http_value_has_token(bytes_text(" upgrade "), "Upgrade"));
    cr_assert_not(http_value_has_token(bytes_text("upgraded, up grade"), "upgrade"));
    cr_assert_not(http_value_has_token(bytes_of(NULL, 0), "upgrade"));
    cr_assert_not(http_value_has_token(bytes_text(""), "upgrade"));
}

Test(http_parse, bearer_tokens_are_cut_out) {
    static const struct {
        const char *value;
        const char *token;
    } cases[] = {
        { "Bearer abc", "abc" }, { "bearer   abc ", "abc" }, { "Basic abc", NULL },
        { "Bearer", NULL },      { "Bearer ", NULL },        { "", NULL },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct http_header header = { bytes_text("Authorization"), bytes_text(cases[i].value) };
        struct http_message message = { .headers = &header, .headers_count = 1 };
        struct bytes token = http_message_bearer(&message);
        if (cases[i].token == NULL)
            cr_assert_null(token.data);
        else
            cr_assert(bytes_equal_text(token, cases[i].token));
    }
}

Test(http_parse, queries_are_searched_by_name) {
    struct bytes query = bytes_text("a=1&token=x%20y&flag&b=");

    cr_assert(bytes_equal_text(http_query_find(query, "a"), "1"));
    cr_assert(bytes_equal_text(http_query_find(query, "token"), "x%20y"));
    cr_assert_eq(http_query_find(query, "flag").size, 0);
    cr_assert_not_null(http_query_find(query, "flag").data);
    cr_assert_not_null(http_query_find(query, "b").data);
    cr_assert_null(http_query_find(query, "to").data);
    cr_assert_null(http_query_find(bytes_of(NULL, 0), "a").data);
}

Test(http_parse, percent_escapes_are_decoded_or_refused) {
    static const struct {
        const char *text;
        const char *decoded; /* NULL: refused */
    } cases[] = {
        { "src/main.c", "src/main.c" },
        { "a%20b%2Fc", "a b/c" },
        { "%c3%A9", "\xc3\xa9" },
        { "", "" },
        { "%", NULL },
        { "%4", NULL },
        { "%zz", NULL },
        { "%00", NULL },
        { "%ff", NULL },
        { "a%2", NULL },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bytes_writer out;
        bytes_writer_init(&out, &mem_default, 100);
        bytes_write(&out, bytes_text("/"));
        enum status status = http_percent_decode(bytes_text(cases[i].text), &out);
        cr_assert_eq(status, cases[i].decoded == NULL ? STATUS_MALFORMED : STATUS_OK, "%s", cases[i].text);
        struct bytes decoded = bytes_of(out.data + 1, out.size - 1);
        cr_assert(bytes_equal_text(decoded, cases[i].decoded == NULL ? "" : cases[i].decoded), "%s", cases[i].text);
        bytes_writer_finish(&out);
    }
}
