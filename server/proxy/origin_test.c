#include "proxy/origin.h"

#include <criterion/criterion.h>

Test(origin, a_page_of_our_host_or_of_the_list_may) {
    static const struct {
        const char *list, *origin, *host;
        bool https, allowed;
    } cases[] = {
        { "", NULL, "example.org", false, true },
        { "https://a.example", NULL, "example.org", false, true },
        /* our own host, whatever the port */
        { "", "http://example.org", "example.org", false, true },
        { "", "https://Example.org:8443", "example.ORG", false, true },
        { "", "http://localhost:5173", "localhost:8440", false, true },
        { "", "http://[::1]:5173", "[::1]:8440", false, true },
        { "", "http://[::1]", "[::1]", false, true },
        { "", "https://example.org", "example.org", true, true },
        /* others */
        { "", "http://example.org", "example.org", true, false },
        { "", "https://evil.example", "example.org", false, false },
        { "", "https://example.org.evil.example", "example.org", false, false },
        { "", "https://evil.example/example.org", "example.org", false, false },
        { "", "https://example.org@evil.example", "example.org", false, false },
        { "", "null", "example.org", false, false },
        { "", "", "example.org", false, false },
        { "", "https://", "", false, false },
        { "", "https://:80", ":80", false, false },
        { "", "file://example.org", "example.org", false, false },
        { "", "http://[::1]", "[::2]", false, false },
        { "", "https://example.org", NULL, false, false },
        /* the list, to the letter of it */
        { "https://a.example, http://b.example:81", "https://a.example", "example.org", false, true },
        { "https://a.example, http://b.example:81", "http://B.example:81", "example.org", true, true },
        { "https://a.example, http://b.example:81", "http://b.example", "example.org", false, false },
        { "https://a.example, http://b.example:81", "http://a.example", "example.org", false, false },
        { "null", "null", "example.org", false, true },
        { "*", "https://evil.example", "example.org", false, true },
        { "*", "null", "example.org", true, true },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bytes none = { 0 };
        struct bytes origin = cases[i].origin != NULL ? bytes_text(cases[i].origin) : none;
        struct bytes host = cases[i].host != NULL ? bytes_text(cases[i].host) : none;
        cr_expect(origins_good(cases[i].list));
        cr_expect_eq(origin_allowed(cases[i].list, origin, host, cases[i].https), cases[i].allowed, "%zu: %s at %s", i,
                     cases[i].origin, cases[i].host);
    }
}

Test(origin, what_is_no_list_is_told) {
    static const char *const bad[] = { "example.org",         "https://",       "https://a.example/",
                                       "https://a.example b", "ws://a.example", "https://*.a.example",
                                       "https://u@a.example" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_expect_not(origins_good(bad[i]), "%s", bad[i]);
    cr_expect(origins_good("") && origins_good(" null , https://a.example:8443,*"));
}
