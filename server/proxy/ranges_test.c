#include "proxy/ranges.h"

#include <criterion/criterion.h>

Test(ranges, an_address_is_read_with_and_without_its_port) {
    static const struct {
        const char *text, *written; /* NULL: none */
    } cases[] = {
        { "192.0.2.1", "192.0.2.1" },
        { "192.0.2.1:443", "192.0.2.1" },
        { "2001:DB8::1", "[2001:db8::1]" },
        { "[2001:db8::1]", "[2001:db8::1]" },
        { "[2001:db8::1]:65535", "[2001:db8::1]" },
        { "::ffff:192.0.2.1", "192.0.2.1" },
        { "[::ffff:c000:201]:1", "192.0.2.1" },
        { "::", "[::]" },
        { "", NULL },
        { "local", NULL },
        { "unknown", NULL },
        { "192.0.2", NULL },
        { "192.0.2.256", NULL },
        { "192.0.2.1:", NULL },
        { "192.0.2.1:x", NULL },
        { "192.0.2.1:123456", NULL },
        { "192.0.2.1 ", NULL },
        { "[192.0.2.1]", NULL },
        { "[2001:db8::1", NULL },
        { "[2001:db8::1]x", NULL },
        { "[2001:db8::1]:", NULL },
        { "[]", NULL },
        { "[", NULL },
        { ":80", NULL },
        { "2001:db8::1%eth0", NULL },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct address address;
        char written[ADDRESS_TEXT_MAX];

        bool good = address_parse(bytes_text(cases[i].text), &address);

        cr_expect_eq(good, cases[i].written != NULL, "%s", cases[i].text);
        if (!good || cases[i].written == NULL)
            continue;
        address_write(&address, 0, written);
        cr_expect_str_eq(written, cases[i].written);
    }
    struct address with_nul;
    cr_expect_not(address_parse(bytes_of("192.0.2.1\0", 10), &with_nul));
}

Test(ranges, a_list_holds_what_its_ranges_hold) {
    static const struct {
        const char *list, *address;
        bool held;
    } cases[] = {
        { "10.0.0.0/8", "10.255.255.255", true },
        { "10.0.0.0/8", "11.0.0.0", false },
        { "10.0.0.0/8", "::ffff:10.1.1.1", true },
        { "192.0.2.128/25", "192.0.2.128", true },
        { "192.0.2.128/25", "192.0.2.127", false },
        { "192.0.2.7", "192.0.2.7", true },
        { "192.0.2.7", "192.0.2.6", false },
        { "0.0.0.0/0", "203.0.113.9", true },
        { "0.0.0.0/0", "2001:db8::1", false },
        { "::/0", "2001:db8::1", true },
        { "::/0", "203.0.113.9", true },
        { "2001:db8::/33", "2001:db8:7fff::", true },
        { "2001:db8::/33", "2001:db8:8000::", false },
        { "::1, 10.0.0.0/8", "10.0.0.1", true },
        { "::1, 10.0.0.0/8", "::1", true },
        { "::1, 10.0.0.0/8", "::2", false },
        { "", "127.0.0.1", false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct address address;
        cr_assert(address_parse(bytes_text(cases[i].address), &address));
        cr_expect(ranges_good(cases[i].list));
        cr_expect_eq(ranges_hold(cases[i].list, &address), cases[i].held, "%s in %s", cases[i].address, cases[i].list);
    }
}

Test(ranges, what_is_no_list_is_told) {
    static const char *const bad[] = { "localhost",   "10.0.0.0/33", "10.0.0.0/",      "10.0.0.0/8/8", "10.0.0.0/-1",
                                       "10.0.0.0/ 8", "::1/129",     "::1/1000",       "10.0.0.1:80",  "[::1]",
                                       ",10.0.0.1",   "::1,,::2",    "10.0.0.0/8 ::1", "10.0.0.0/0x8" };
    static const char *const good[] = {
        "", "  ", "::1", "10.0.0.0/8,", " ::1 , 10.0.0.0/8\t", "1.2.3.4/32", "::/0", "::ffff:1.2.3.4/128"
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_expect_not(ranges_good(bad[i]), "%s", bad[i]);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        cr_expect(ranges_good(good[i]), "%s", good[i]);
}
