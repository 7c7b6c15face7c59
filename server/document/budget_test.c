#include "document/budget.h"

#include "config.h"
#include "loop/loop.h"

#include <criterion/criterion.h>

enum { DOCUMENTS = 8 };

/* A server is its loop's clock, its settings and its lists here; the documents are real ones with the same text each. */
static struct config config;
static struct server server;
static struct server *servers[] = { &server };
static struct fleet fleet = { .servers = servers, .count = 1 };
static struct session session = { .server = &server };
static struct document *documents[DOCUMENTS];

static void budget_test_init(void) {
    server.fleet = &fleet;
    server.config = &config;
    cr_assert_eq(loop_create(&server.loop), STATUS_OK);
    list_init(&server.rooms);
    list_init(&server.idle_saved);
    list_init(&server.idle_dirty);
    list_init(&session.documents);
    for (unsigned i = 0; i < DOCUMENTS; i++) {
        struct uuid file = { { (uint8_t)i } };
        struct crdt_type *root;
        cr_assert_eq(document_create(&session, &file, &documents[i]), STATUS_OK);
        cr_assert_eq(crdt_doc_create(&(struct crdt_doc_options){ .client_id = 1 }, &documents[i]->crdt), STATUS_OK);
        cr_assert_eq(crdt_doc_root(documents[i]->crdt, bytes_text("text"), &root), STATUS_OK);
        struct crdt_txn *txn = crdt_txn_begin(documents[i]->crdt);
        cr_assert_eq(crdt_text_insert(txn, root, 0, bytes_text("what they hold")), STATUS_OK);
        cr_assert_eq(crdt_txn_commit(txn, NULL, NULL), STATUS_OK);
        documents[i]->idle_since_ms = 1; /* the clock may be at 0 */
        documents[i]->state = DOCUMENT_OPEN;
        budget_count(documents[i]);
        budget_place(documents[i]);
    }
    config.memory_limit = server.documents_bytes; /* at the limit */
}

static void budget_test_finish(void) {
    list_each (link, &session.documents)
        document_destroy(list_entry(link, struct document, session_link));
    cr_assert_eq(server.documents_bytes, 0);
    cr_assert(list_empty(&server.idle_saved) && list_empty(&server.idle_dirty));
    loop_destroy(server.loop);
}

TestSuite(budget, .init = budget_test_init, .fini = budget_test_finish);

/* "01234567" less those that have left. */
static const char *budget_test_left(void) {
    static char left[DOCUMENTS + 1];
    size_t count = 0;
    for (const struct list *link = session.documents.next; link != &session.documents; link = link->next)
        left[count++] = (char)('0' + list_entry(link, struct document, session_link)->file.bytes[0]);
    left[count] = 0;
    return left;
}

Test(budget, who_may_leave_for_longest_leaves_first_and_only_as_many_as_must) {
    cr_assert(budget_admits(&server));

    cr_assert_str_eq(budget_test_left(), "1234567", "one of eight: 7/8 of the share are left");
}

Test(budget, who_is_read_or_dirty_stays) {
    documents[0]->idle_since_ms = 0; /* somebody reads */
    documents[1]->changes = 1;
    documents[2]->checkpointing = true;
    for (unsigned i = 0; i < 3; i++) {
        cr_assert_not(budget_is_placed(documents[i]));
        budget_place(documents[i]);
        cr_assert(budget_is_placed(documents[i]));
    }

    cr_assert(budget_admits(&server));
    cr_assert_str_eq(budget_test_left(), "0124567");
    config.memory_limit = 1;
    cr_assert_not(budget_admits(&server));

    cr_assert_str_eq(budget_test_left(), "012");
}

Test(budget, who_was_saved_last_leaves_last) {
    documents[0]->changes = 1;
    budget_place(documents[0]);
    documents[0]->changes_saved = 1;
    budget_place(documents[0]);
    documents[1]->idle_since_ms = 0;
    budget_place(documents[1]);
    documents[1]->idle_since_ms = 1;
    budget_place(documents[1]);
    config.memory_limit = server.documents_bytes / 4;

    cr_assert(budget_admits(&server));

    cr_assert_str_eq(budget_test_left(), "1");
}
