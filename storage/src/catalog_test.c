/* catalog_test.c — named statements out of .sql files. */
#include "catalog.h"

#include <criterion/criterion.h>

static struct catalog catalog;
static struct list lanes[2];
static char reason[CATALOG_REASON];

static void set_up(void) {
    list_init(&lanes[0]);
    list_init(&lanes[1]);
    catalog_init(&catalog, &mem_default, lanes);
}

static void tear_down(void) {
    catalog_finish(&catalog, 2);
}

TestSuite(catalog, .init = set_up, .fini = tear_down);

static enum status add(const char *text, unsigned lane) {
    struct embedded_file files[] = { { "x.sql", (const unsigned char *)text, strlen(text) }, { 0 } };
    return catalog_add(&catalog, files, lane, reason);
}

Test(catalog, statements_are_found_by_name_without_their_semicolon) {
    cr_assert_eq(add("-- about this file\n\n-- name: one\n-- $1 int\nselect $1;\n\n-- name:two\r\nselect 2 ;;\n", 1), STATUS_OK,
                 "%s", reason);

    cr_assert_str_eq(catalog_find(&catalog, "one")->sql, "-- $1 int\nselect $1");
    cr_assert_str_eq(catalog_find(&catalog, "two")->sql, "select 2");
    cr_assert_eq(catalog_find(&catalog, "two")->lane, 1);
    cr_assert_null(catalog_find(&catalog, "three"));
    cr_assert_null(catalog_find(&catalog, "on"));
}

Test(catalog, a_file_without_statements_is_fine) {
    cr_assert_eq(add("", 0), STATUS_OK);
    cr_assert_eq(add("-- nothing yet\n", 0), STATUS_OK);
    cr_assert(list_empty(&lanes[0]));
}

Test(catalog, mistakes_are_named) {
    static const struct {
        const char *text;
        enum status status;
        const char *says;
    } cases[] = {
        { "select 1;", STATUS_MALFORMED, "before the first" },
        { "-- name: Bad\nselect 1", STATUS_MALFORMED, "'Bad' is no name" },
        { "-- name:\nselect 1", STATUS_MALFORMED, "'' is no name" },
        { "-- name: a b\nselect 1", STATUS_MALFORMED, "'a b' is no name" },
        { "-- name: aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff1234\nselect 1", STATUS_MALFORMED, "is no name" },
        { "-- name: empty\n-- only words\n;\n", STATUS_MALFORMED, "empty is empty" },
        { "-- name: one\nselect 1;\n-- name: one\nselect 2;", STATUS_EXISTS, "one exists already" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tear_down();
        set_up();
        cr_assert_eq(add(cases[i].text, 0), cases[i].status, "%s", cases[i].text);
        cr_assert(strstr(reason, cases[i].says) != NULL, "%s: %s", cases[i].text, reason);
        cr_assert(strstr(reason, "x.sql") != NULL);
    }
}

Test(catalog, every_cut_of_a_file_is_read_without_a_step_too_far) {
    static const char text[] = "-- a\n-- name: one\nselect 1;\n-- name: two\nselect 2;\n";
    for (size_t size = 0; size < sizeof text; size++) {
        unsigned char *exact = mem_alloc(&mem_default, size + 1);
        memcpy(exact, text, size);
        struct embedded_file files[] = { { "x.sql", exact, size }, { 0 } };
        tear_down();
        set_up();
        enum status status = catalog_add(&catalog, files, 0, reason);
        cr_assert(status == STATUS_OK || status == STATUS_MALFORMED);
        mem_free(&mem_default, exact, size + 1);
    }
}
