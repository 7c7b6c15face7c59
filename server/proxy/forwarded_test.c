#include "proxy/forwarded.h"

#include <criterion/criterion.h>

static struct forwarded read_as(const char *peer, const char *trusted, const char *const headers[][2], unsigned count) {
    struct http_header list[8];
    struct http_message request = { .headers = list, .headers_count = count };
    struct forwarded from;
    for (unsigned i = 0; i < count; i++)
        list[i] = (struct http_header){ bytes_text(headers[i][0]), bytes_text(headers[i][1]) };
    forwarded_read(&request, peer, trusted, &from);
    return from;
}

Test(forwarded, the_client_is_the_first_from_the_end_that_is_not_trusted) {
    static const struct {
        const char *peer, *headers[2][2], *client;
    } cases[] = {
        /* one proxy, two, a client that invents */
        { "10.0.0.1:5", { { "X-Forwarded-For", "192.0.2.1" } }, "192.0.2.1" },
        { "10.0.0.1:5", { { "x-forwarded-for", "192.0.2.1, 10.0.0.2" } }, "192.0.2.1" },
        { "10.0.0.1:5", { { "X-Forwarded-For", "198.51.100.9,192.0.2.1 ,10.0.0.2" } }, "192.0.2.1" },
        { "10.0.0.1:5", { { "X-Forwarded-For", "198.51.100.9" }, { "X-Forwarded-For", "192.0.2.1" } }, "192.0.2.1" },
        { "10.0.0.1:5", { { "X-Forwarded-For", "192.0.2.1" }, { "X-Forwarded-For", "10.0.0.2" } }, "192.0.2.1" },
        { "[::1]:5", { { "X-Forwarded-For", "2001:db8::7" } }, "[2001:db8::7]" },
        { "10.0.0.1:5", { { "X-Forwarded-For", "[2001:db8::7]:443" } }, "[2001:db8::7]" },
        /* all are trusted: somebody of us */
        { "10.0.0.1:5", { { "X-Forwarded-For", "10.0.0.3, 10.0.0.2" } }, "10.0.0.3" },
        /* whoever is not trusted is believed nothing */
        { "192.0.2.9:5", { { "X-Forwarded-For", "192.0.2.1" } }, "192.0.2.9:5" },
        { "[2001:db8::1]:5", { { "Forwarded", "for=192.0.2.1" } }, "[2001:db8::1]:5" },
        { "local", { { "X-Forwarded-For", "192.0.2.1" } }, "local" },
        /* nonsense, and nothing */
        { "10.0.0.1:5", { { "Via", "192.0.2.1" } }, "10.0.0.1:5" },
        { "10.0.0.1:5", { { "X-Forwarded-For", "" } }, "10.0.0.1:5" },
        { "10.0.0.1:5", { { "X-Forwarded-For", "somebody" } }, "10.0.0.1:5" },
        { "10.0.0.1:5", { { "X-Forwarded-For", "192.0.2.1, somebody, 10.0.0.2" } }, "10.0.0.2" },
        { "10.0.0.1:5", { { "X-Forwarded-For", ",,," } }, "10.0.0.1:5" },
        /* RFC 7239 */
        { "10.0.0.1:5", { { "Forwarded", "for=192.0.2.1;proto=https;by=10.0.0.1" } }, "192.0.2.1" },
        { "10.0.0.1:5", { { "Forwarded", "proto=http; For=\"[2001:db8:cafe::17]:4711\"" } }, "[2001:db8:cafe::17]" },
        { "10.0.0.1:5", { { "Forwarded", "for=198.51.100.9, for=192.0.2.1, for=10.0.0.2" } }, "192.0.2.1" },
        { "10.0.0.1:5", { { "Forwarded", "for=\"a, for=192.0.2.7\", for=192.0.2.1" } }, "192.0.2.1" },
        { "10.0.0.1:5", { { "Forwarded", "for=\"a, for=192.0.2.1" } }, "192.0.2.1" },
        { "10.0.0.1:5", { { "Forwarded", "for=_hidden" } }, "10.0.0.1:5" },
        { "10.0.0.1:5", { { "Forwarded", "for=unknown, for=10.0.0.2" } }, "10.0.0.2" },
        { "10.0.0.1:5", { { "Forwarded", "for" } }, "10.0.0.1:5" },
        { "10.0.0.1:5", { { "Forwarded", "for=" } }, "10.0.0.1:5" },
        { "10.0.0.1:5", { { "Forwarded", "xfor=192.0.2.1" } }, "10.0.0.1:5" },
        /* one of the two comes from the client */
        { "10.0.0.1:5", { { "Forwarded", "for=192.0.2.1" }, { "X-Forwarded-For", "192.0.2.1" } }, "192.0.2.1" },
        { "10.0.0.1:5", { { "Forwarded", "for=198.51.100.9" }, { "X-Forwarded-For", "192.0.2.1" } }, "10.0.0.1:5" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct forwarded from = read_as(cases[i].peer, "10.0.0.0/8, ::1", cases[i].headers, cases[i].headers[1][0] != NULL ? 2 : 1);
        cr_expect_str_eq(from.peer, cases[i].client, "%s %s: %s", cases[i].headers[0][0], cases[i].headers[0][1], from.peer);
    }
}

Test(forwarded, https_is_what_the_nearest_proxy_says) {
    static const struct {
        const char *peer, *headers[2][2];
        bool https;
    } cases[] = {
        { "10.0.0.1:5", { { "X-Forwarded-Proto", "https" } }, true },
        { "10.0.0.1:5", { { "X-Forwarded-Proto", "HTTPS" } }, true },
        { "10.0.0.1:5", { { "X-Forwarded-Proto", "http" } }, false },
        { "10.0.0.1:5", { { "X-Forwarded-Proto", "https, http" } }, false },
        { "10.0.0.1:5", { { "Forwarded", "for=192.0.2.1;proto=https" } }, true },
        { "10.0.0.1:5", { { "Forwarded", "for=192.0.2.1" }, { "X-Forwarded-Proto", "https" } }, false },
        { "10.0.0.1:5", { { "X-Forwarded-Protocol", "https" } }, false },
        { "192.0.2.1:5", { { "X-Forwarded-Proto", "https" } }, false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        cr_expect_eq(read_as(cases[i].peer, "10.0.0.0/8", cases[i].headers, cases[i].headers[1][0] != NULL ? 2 : 1).https,
                     cases[i].https, "%zu", i);
}
