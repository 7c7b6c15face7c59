/* What is written, byte by byte, and read back by the reader. */
#include "wire/http.h"

#include <criterion/criterion.h>

static void expect(struct bytes_writer *out, const char *text) {
    cr_assert_eq(out->status, STATUS_OK);
    cr_assert(bytes_equal_text(bytes_written(out), text), "%.*s", (int)out->size, out->data);
    bytes_writer_finish(out);
}

Test(http_write, a_response_has_type_headers_length_and_body) {
    struct bytes_writer out;
    struct http_header header = { bytes_text("Retry-After"), bytes_text("2") };
    bytes_writer_init(&out, &mem_default, 1000);

    http_response_write(&out, 503, "application/json", &header, 1, bytes_text("{}"), false);

    expect(&out, "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 2\r\nContent-Length: 2\r\n"
                 "Connection: close\r\n\r\n{}");
}

Test(http_write, a_status_without_body_has_no_length) {
    struct bytes_writer out;
    bytes_writer_init(&out, &mem_default, 1000);

    http_response_write(&out, 204, NULL, NULL, 0, bytes_of(NULL, 0), true);

    expect(&out, "HTTP/1.1 204 No Content\r\nConnection: keep-alive\r\n\r\n");
}

Test(http_write, a_line_end_in_a_header_is_refused) {
    static const char *const values[] = { "a\r\nSet-Cookie: b", "a\nb", "a\rb" };
    for (size_t i = 0; i < 3; i++) {
        struct bytes_writer out;
        struct http_header header = { bytes_text("X"), bytes_text(values[i]) };
        bytes_writer_init(&out, &mem_default, 1000);
        http_response_write(&out, 200, NULL, &header, 1, bytes_of(NULL, 0), true);
        cr_assert_eq(out.status, STATUS_MALFORMED);
        bytes_writer_finish(&out);
    }
}

Test(http_write, a_target_cannot_smuggle_a_request) {
    struct bytes_writer out;
    bytes_writer_init(&out, &mem_default, 1000);

    http_request_write(&out, "GET", bytes_text("/ HTTP/1.1\r\nX: y"), bytes_text("a"), NULL, NULL, 0, bytes_of(NULL, 0));

    cr_assert_eq(out.status, STATUS_MALFORMED);
    bytes_writer_finish(&out);
}

Test(http_write, a_request_is_read_back) {
    struct bytes_writer out;
    struct http_limits limits = { 1000, 10, 100 };
    struct http_header header = { bytes_text("Authorization"), bytes_text("Bearer t") };
    struct http_reader *reader = http_reader_create(&mem_default, HTTP_READ_REQUESTS, &limits);
    struct http_fault fault;
    size_t used;
    bytes_writer_init(&out, &mem_default, 1000);
    http_request_write(&out, "POST", bytes_text("/v1/sessions"), bytes_text("localhost:8440"), "application/json", &header, 1,
                       bytes_text("{\"name\":\"x\"}"));

    cr_assert_eq(http_reader_feed(reader, bytes_written(&out), &used, &fault), STATUS_OK);

    const struct http_message *message = http_reader_message(reader);
    cr_assert_eq(used, out.size);
    cr_assert(bytes_equal_text(message->path, "/v1/sessions"));
    cr_assert(bytes_equal_text(http_message_bearer(message), "t"));
    cr_assert(bytes_equal_text(message->body, "{\"name\":\"x\"}"));
    http_reader_destroy(reader);
    bytes_writer_finish(&out);
}
