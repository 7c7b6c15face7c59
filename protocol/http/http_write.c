/* http_write.c — requests and responses as text. Line ends inside a header would start another header: they are refused. */
#include "wire/http.h"

#include <stdio.h>

static void http_text(struct bytes_writer *out, const char *text) {
    bytes_write(out, bytes_text(text));
}

static void http_line_part(struct bytes_writer *out, struct bytes part) {
    for (size_t i = 0; i < part.size; i++)
        if (part.data[i] < 0x20 && part.data[i] != '\t' && out->status == STATUS_OK)
            out->status = STATUS_MALFORMED;
    bytes_write(out, part);
}

static void http_header_write(struct bytes_writer *out, struct bytes name, struct bytes value) {
    http_line_part(out, name);
    http_text(out, ": ");
    http_line_part(out, value);
    http_text(out, "\r\n");
}

static void http_length_write(struct bytes_writer *out, size_t size) {
    char line[48];
    snprintf(line, sizeof line, "Content-Length: %zu\r\n", size);
    http_text(out, line);
}

static void http_headers_write(struct bytes_writer *out, const char *type, const struct http_header *headers, unsigned count) {
    if (type != NULL)
        http_header_write(out, bytes_text("Content-Type"), bytes_text(type));
    for (unsigned i = 0; i < count; i++)
        http_header_write(out, headers[i].name, headers[i].value);
}

static const struct http_reason {
    unsigned status;
    const char *reason;
} http_reasons[] = {
    { 101, "Switching Protocols" },
    { 200, "OK" },
    { 201, "Created" },
    { 202, "Accepted" },
    { 204, "No Content" },
    { 301, "Moved Permanently" },
    { 302, "Found" },
    { 304, "Not Modified" },
    { 400, "Bad Request" },
    { 401, "Unauthorized" },
    { 403, "Forbidden" },
    { 404, "Not Found" },
    { 405, "Method Not Allowed" },
    { 408, "Request Timeout" },
    { 409, "Conflict" },
    { 411, "Length Required" },
    { 413, "Content Too Large" },
    { 414, "URI Too Long" },
    { 415, "Unsupported Media Type" },
    { 421, "Misdirected Request" },
    { 426, "Upgrade Required" },
    { 429, "Too Many Requests" },
    { 431, "Request Header Fields Too Large" },
    { 500, "Internal Server Error" },
    { 501, "Not Implemented" },
    { 503, "Service Unavailable" },
    { 505, "HTTP Version Not Supported" },
};

const char *http_status_reason(unsigned status) {
    for (size_t i = 0; i < sizeof http_reasons / sizeof http_reasons[0]; i++)
        if (http_reasons[i].status == status)
            return http_reasons[i].reason;
    return "Unknown";
}

void http_response_write(struct bytes_writer *out, unsigned status, const char *type, const struct http_header *headers,
                         unsigned headers_count, struct bytes body, bool keep_alive) {
    bool bodiless = status < 200 || status == 204 || status == 304;
    char line[80];
    snprintf(line, sizeof line, "HTTP/1.1 %u %s\r\n", status, http_status_reason(status));
    http_text(out, line);
    http_headers_write(out, type, headers, headers_count);
    if (!bodiless)
        http_length_write(out, body.size);
    if (status >= 200)
        http_text(out, keep_alive ? "Connection: keep-alive\r\n" : "Connection: close\r\n");
    http_text(out, "\r\n");
    if (!bodiless)
        bytes_write(out, body);
}

void http_request_write(struct bytes_writer *out, const char *method, struct bytes target, struct bytes host, const char *type,
                        const struct http_header *headers, unsigned headers_count, struct bytes body) {
    http_line_part(out, bytes_text(method));
    http_text(out, " ");
    http_line_part(out, target);
    http_text(out, " HTTP/1.1\r\n");
    http_header_write(out, bytes_text("Host"), host);
    http_headers_write(out, type, headers, headers_count);
    if (body.size > 0 || strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0)
        http_length_write(out, body.size);
    http_text(out, "\r\n");
    bytes_write(out, body);
}
