#include "document/root.h"

#include "crdt/doc.h"
#include "crdt/text.h"

#include <criterion/criterion.h>

enum { ROOTS_MAX = 2 };

static char longest[ROOT_NAME_BYTES_MAX + 1], too_long[ROOT_NAME_BYTES_MAX + 2];

struct root_case {
    const char *file_names; /* what files.root_name says */
    struct bytes written[ROOTS_MAX];
    bool first_is_erased; /* again */
    struct bytes expected;
};

/* What the rule says of a document that holds a text in each of the roots. */
static void root_check(const struct root_case *its) {
    struct crdt_doc *doc;
    cr_assert_eq(crdt_doc_create(&(struct crdt_doc_options){ .client_id = 1 }, &doc), STATUS_OK);
    struct crdt_txn *txn = crdt_txn_begin(doc);
    for (unsigned i = 0; i < ROOTS_MAX && its->written[i].data != NULL; i++) {
        struct crdt_type *root;
        cr_assert_eq(crdt_doc_root(doc, its->written[i], &root), STATUS_OK);
        cr_assert_eq(crdt_text_insert(txn, root, 0, bytes_text("words")), STATUS_OK);
        if (i == 0 && its->first_is_erased)
            cr_assert_eq(crdt_text_delete(txn, root, 0, crdt_text_length(root)), STATUS_OK);
    }
    cr_assert_eq(crdt_txn_commit(txn, NULL, NULL), STATUS_OK);

    struct bytes found = root_after_door(doc, bytes_text(its->file_names));

    cr_expect(bytes_equal(found, its->expected), "%s, %.*s: %.*s", its->file_names, (int)its->written[0].size,
              (const char *)its->written[0].data, (int)found.size, (const char *)found.data);
    crdt_doc_destroy(doc);
}

Test(root, the_only_text_that_a_door_writes_is_the_files_unless_it_has_one_or_the_name_fits_nowhere) {
    memset(longest, 'n', sizeof longest - 1);
    memset(too_long, 'n', sizeof too_long - 1);
    struct bytes text = bytes_text("text"), other = bytes_text("codemirror");
    const struct root_case cases[] = {
        { "text", { other }, false, other },
        { "text", { bytes_text(longest) }, false, bytes_text(longest) },
        { "text", { bytes_text(too_long) }, false, text },
        { "text", { bytes_of("n\0", 2) }, false, text },
        { "text", { other, bytes_text("monaco") }, false, text },
        { "text", { text, other }, true, text }, /* what stood in `text` is gone, but it is somebody's */
        { "text", { { 0 } }, false, text },
        { "text", { bytes_text("") }, false, bytes_text("") },
        { "monaco", { other }, false, bytes_text("monaco") }, /* a new history of a file that had its name */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        root_check(&cases[i]);
}
