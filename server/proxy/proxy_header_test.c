#include "proxy/proxy_header.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define V4        SIGNATURE "\x21\x11\x00\x0c\xc0\x00\x02\x01\xc6\x33\x64\x01\xdc\x04\x01\xbb"
#define V6                                                 \
    SIGNATURE "\x21\x21\x00\x24"                           \
              "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01" \
              "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02\x00\x50\x01\xbb"

static const struct {
    const char *bytes;
    size_t size; /* of the header; what is behind it is the client's */
    enum status status;
    const char *peer;
} cases[] = {
#define CASE(text, status, peer) \
    { text, sizeof(text) - 1, status, peer }
    CASE("PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n", STATUS_OK, "192.0.2.1:56324"),
    CASE("PROXY TCP6 2001:db8::1 2001:db8::2 80 443\r\n", STATUS_OK, "[2001:db8::1]:80"),
    CASE("PROXY UNKNOWN\r\n", STATUS_OK, ""),
    CASE("PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", STATUS_OK, ""),
    CASE(V4, STATUS_OK, "192.0.2.1:56324"),
    CASE(V6, STATUS_OK, "[2001:db8::1]:80"),
    CASE(SIGNATURE "\x20\x00\x00\x00", STATUS_OK, ""), /* LOCAL: a health check */
    CASE(SIGNATURE "\x20\x11\x00\x0c\xc0\x00\x02\x01\xc6\x33\x64\x01\xdc\x04\x01\xbb", STATUS_OK,
         ""),                                                      /* its addresses don't count */
    CASE(SIGNATURE "\x21\x00\x00\x00", STATUS_OK, ""),             /* a family without addresses */
    CASE(SIGNATURE "\x21\x31\x00\x03\x61\x62\x63", STATUS_OK, ""), /* a UNIX socket */
    CASE(SIGNATURE "\x21\x11\x00\x0f\xc0\x00\x02\x01\xc6\x33\x64\x01\xdc\x04\x01\xbb\x04\x00\x00", STATUS_OK,
         "192.0.2.1:56324"), /* and something else */
};

static enum status read_copy(const void *bytes, size_t size, size_t *out_size, char peer[ADDRESS_TEXT_MAX]) {
    uint8_t *copy = malloc(size + (size == 0)); /* so that a sanitizer sees who reads behind it */
    memcpy(copy, bytes, size);
    enum status status = proxy_header_read(bytes_of(copy, size), out_size, peer);
    free(copy);
    return status;
}

Test(proxy_header, each_kind_says_its_client_whole_torn_and_with_more_behind_it) {
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char peer[ADDRESS_TEXT_MAX], more[512];
        size_t size;
        for (size_t torn = 0; torn < cases[i].size; torn++)
            cr_expect_eq(read_copy(cases[i].bytes, torn, &size, peer), STATUS_MORE, "%zu at %zu", i, torn);

        memcpy(more, cases[i].bytes, cases[i].size);
        memcpy(more + cases[i].size, "GET / HTTP/1.1\r\n", 16);
        cr_expect_eq(read_copy(more, cases[i].size + 16, &size, peer), cases[i].status);
        cr_expect_eq(size, cases[i].size);
        cr_expect_str_eq(peer, cases[i].peer);
    }
}

Test(proxy_header, other_bytes_are_none) {
    static const char *const others[] = { "GET / HTTP/1.1\r\n", "POST / HTTP/1.1\r\n", "PROPFIND / HTTP/1.1\r\n",
                                          "proxy TCP4",         "\x16\x03\x01",        "\r\n\r\nGET" };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        char peer[ADDRESS_TEXT_MAX];
        size_t size;
        cr_expect_eq(read_copy(others[i], strlen(others[i]), &size, peer), STATUS_NOT_FOUND, "%s", others[i]);
        cr_expect_eq(size, 0);
    }
}

Test(proxy_header, what_begins_like_one_and_is_none_is_malformed) {
    static const struct {
        const char *bytes;
        size_t size;
    } bad[] = {
#define BAD(text) { text, sizeof(text) - 1 }
        BAD("PROXY \r\n"),
        BAD("PROXY \n"),
        BAD("PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\n"),
        BAD("PROXY TCP5 192.0.2.1 198.51.100.1 56324 443\r\n"),
        BAD("PROXY TCP4 192.0.2.1 198.51.100.1 56324\r\n"),
        BAD("PROXY TCP4 192.0.2.1 198.51.100.1 56324 443 1\r\n"),
        BAD("PROXY TCP4  192.0.2.1 198.51.100.1 56324 443\r\n"),
        BAD("PROXY TCP4 192.0.2.1 198.51.100.1 65536 443\r\n"),
        BAD("PROXY TCP4 192.0.2.1 198.51.100.1 -1 443\r\n"),
        BAD("PROXY TCP4 192.0.2.300 198.51.100.1 1 443\r\n"),
        BAD("PROXY TCP4 192.0.2.1:80 198.51.100.1 1 443\r\n"),
        BAD("PROXY TCP4 2001:db8::1 2001:db8::2 1 443\r\n"),
        BAD("PROXY TCP6 192.0.2.1 198.51.100.1 1 443\r\n"),
        BAD("PROXY TCP6 [::1] ::1 1 443\r\n"),
        BAD("PROXY TCP4 111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111"),
        BAD(SIGNATURE "\x11\x11\x00\x0c"),                                             /* version 1 */
        BAD(SIGNATURE "\x22\x11\x00\x0c"),                                             /* no such command */
        BAD(SIGNATURE "\x21\x11\x00\x0b\xc0\x00\x02\x01\xc6\x33\x64\x01\xdc\x04\x01"), /* a byte too few */
        BAD(SIGNATURE "\x21\x11\xff\xff"),                                             /* more than we take */
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char peer[ADDRESS_TEXT_MAX];
        size_t size;
        cr_expect_eq(read_copy(bad[i].bytes, bad[i].size, &size, peer), STATUS_MALFORMED, "%zu", i);
    }
}
