/* resolve_test.c — what libpq is given for a connection string. Names that need a name server are in tests/storage/. */
#include "resolve.h"

#include <criterion/criterion.h>
#include <string.h>

static char reason[256];

static const char *word(const char *url, const char *keyword) {
    static char value[1024];
    struct conninfo *conninfo;
    const char *const *keywords;
    const char *const *values;
    value[0] = 0;
    cr_assert_eq(conninfo_create(&mem_default, url, reason, &conninfo), STATUS_OK, "%s", reason);
    cr_assert_eq(conninfo_resolve(conninfo, reason), STATUS_OK);
    conninfo_words(conninfo, &keywords, &values);
    for (unsigned i = 0; keywords[i] != NULL; i++)
        if (strcmp(keywords[i], keyword) == 0)
            strcpy(value, values[i]);
    conninfo_destroy(conninfo);
    return value;
}

Test(resolve, literal_addresses_and_sockets_need_no_look_up) {
    static const char url[] = "host=10.0.0.7,/run/pg,::1 port=1,2,3 dbname=d";
    cr_assert_str_eq(word(url, "host"), "10.0.0.7,/run/pg,::1");
    cr_assert_str_eq(word(url, "hostaddr"), "10.0.0.7,,::1");
    cr_assert_str_eq(word(url, "port"), "1,2,3");
    cr_assert_str_eq(word(url, "dbname"), "d");
}

Test(resolve, one_port_serves_every_host) {
    cr_assert_str_eq(word("postgresql://10.0.0.1,10.0.0.2:/d?port=7", "port"), "7,7");
}

Test(resolve, our_defaults_give_way_to_the_urls) {
    cr_assert_str_eq(word("host=/x", "target_session_attrs"), "read-write");
    cr_assert_str_eq(word("host=/x target_session_attrs=any", "target_session_attrs"), "any");
    cr_assert_str_eq(word("host=/x", "client_encoding"), "UTF8");
}

Test(resolve, given_addresses_are_left_alone) {
    cr_assert_str_eq(word("host=db.example hostaddr=10.0.0.9", "hostaddr"), "10.0.0.9");
    cr_assert_str_eq(word("host=db.example hostaddr=10.0.0.9", "host"), "db.example");
}

Test(resolve, a_bad_url_is_malformed_and_its_password_not_repeated) {
    struct conninfo *conninfo;
    cr_assert_eq(conninfo_create(&mem_default, "postgresql://u:secret@[::1", reason, &conninfo), STATUS_MALFORMED);
    cr_assert_null(strstr(reason, "secret"));
    cr_assert_eq(conninfo_create(&mem_default, "host=a,b port=1,2,3x,4 nonsense=1", reason, &conninfo), STATUS_MALFORMED);
    cr_assert_eq(conninfo_create(&mem_default, "host=a,b,c port=1,2", reason, &conninfo), STATUS_MALFORMED);
}

Test(resolve, a_name_is_looked_up_beside_the_caller) {
    struct conninfo *conninfo;
    const char *const *keywords;
    const char *const *values;
    cr_assert_eq(conninfo_create(&mem_default, "host=localhost", reason, &conninfo), STATUS_OK);
    enum status status;
    while ((status = conninfo_resolve(conninfo, reason)) == STATUS_MORE)
        ;
    cr_assert_eq(status, STATUS_OK, "%s", reason);
    conninfo_words(conninfo, &keywords, &values);
    bool numeric = false;
    for (unsigned i = 0; keywords[i] != NULL; i++)
        if (strcmp(keywords[i], "hostaddr") == 0)
            numeric = strstr(values[i], "127.0.0.1") != NULL || strstr(values[i], "::1") != NULL;
    cr_assert(numeric);
    conninfo_destroy(conninfo);
}
