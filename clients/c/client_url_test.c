#include "vibesync/client.h"

#include <criterion/criterion.h>

#define SESSION "01932c07-209c-7f3a-8c11-5d1b2a9e4c77"

Test(client_url, a_full_invitation_is_taken_apart) {
    struct client_url url;

    cr_assert_eq(client_url_parse(bytes_text("http://127.0.0.1:8440/v1/sessions/" SESSION "#token=vst_ab.c&code=XY-1"), &url),
                 STATUS_OK);

    char session[UUID_TEXT_SIZE + 1];
    uuid_format(&url.session, session);
    cr_assert_str_eq(url.host, "127.0.0.1");
    cr_assert_eq(url.port, 8440);
    cr_assert_str_eq(url.authority, "127.0.0.1:8440");
    cr_assert_str_eq(session, SESSION);
    cr_assert(bytes_equal_text(url.token, "vst_ab.c"));
    cr_assert(bytes_equal_text(url.code, "XY-1"));
}

Test(client_url, the_websocket_path_and_a_bare_server_are_fine_too) {
    struct client_url url;

    cr_assert_eq(client_url_parse(bytes_text("ws://example.org/v1/sessions/" SESSION "/ws"), &url), STATUS_OK);
    cr_assert_eq(url.port, 80);
    cr_assert_null(url.token.data);
    cr_assert_eq(client_url_parse(bytes_text("http://[::1]:9/"), &url), STATUS_OK);
    cr_assert_str_eq(url.host, "::1");
    cr_assert_str_eq(url.authority, "[::1]:9");
    cr_assert(uuid_is_nil(&url.session));
}

Test(client_url, https_and_wss_are_tls_at_another_port) {
    static const char *const cases[] = { "https://example.org", "wss://example.org/v1/sessions/" SESSION "/ws" };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct client_url url;

        cr_assert_eq(client_url_parse(bytes_text(cases[i]), &url), STATUS_OK);

        cr_assert(url.secure);
        cr_assert_str_eq(url.authority, "example.org:443");
    }
}

Test(client_url, what_it_cannot_serve_is_refused) {
    static const struct {
        const char *text;
        enum status status;
    } cases[] = {
        { "", STATUS_MALFORMED },
        { "localhost:8440", STATUS_MALFORMED },
        { "https:example.org", STATUS_MALFORMED },
        { "ftp://example.org", STATUS_MALFORMED },
        { "http://", STATUS_MALFORMED },
        { "http://:80", STATUS_MALFORMED },
        { "http://a:0", STATUS_MALFORMED },
        { "http://a:65536", STATUS_MALFORMED },
        { "http://a:8a", STATUS_MALFORMED },
        { "http://a:", STATUS_MALFORMED },
        { "http://a b", STATUS_MALFORMED },
        { "http://a\r\nX: y", STATUS_MALFORMED },
        { "http://user@host", STATUS_MALFORMED },
        { "http://[::1", STATUS_MALFORMED },
        { "http://[::1]x", STATUS_MALFORMED },
        { "http://a/elsewhere", STATUS_MALFORMED },
        { "http://a?token=b", STATUS_MALFORMED },
        { "http://a/v1/sessions/12", STATUS_MALFORMED },
        { "http://a/v1/sessions/" SESSION "/wsx", STATUS_MALFORMED },
        { "http://a#token=", STATUS_MALFORMED },
        { "http://a#token=a b", STATUS_MALFORMED },
        { "http://a#token=a\"b", STATUS_MALFORMED },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct client_url url;
        cr_assert_eq(client_url_parse(bytes_text(cases[i].text), &url), cases[i].status, "%s", cases[i].text);
    }
}

Test(client_url, a_host_longer_than_a_name_can_be_is_refused) {
    char text[400] = "http://";
    struct client_url url;

    memset(text + 7, 'a', 300);

    cr_assert_eq(client_url_parse(bytes_text(text), &url), STATUS_MALFORMED);
}
