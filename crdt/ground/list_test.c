#include "ground/list.h"

#include <criterion/criterion.h>

struct node {
    int value;
    struct list link;
};

static int list_digits(const struct list *head) {
    int digits = 0;
    for (const struct list *link = head->next; link != head; link = link->next)
        digits = digits * 10 + ((const struct node *)(const void *)((const char *)link - offsetof(struct node, link)))->value;
    return digits;
}

Test(list, keeps_the_order_of_appending_and_inserting) {
    struct list head;
    struct node nodes[] = { { 1, { 0 } }, { 2, { 0 } }, { 3, { 0 } } };
    list_init(&head);
    cr_assert(list_empty(&head));

    list_append(&head, &nodes[0].link);
    list_append(&head, &nodes[2].link);
    list_insert_before(&nodes[2].link, &nodes[1].link);

    cr_assert_eq(list_digits(&head), 123);
    cr_assert_not(list_empty(&head));
}

Test(list, removing_is_safe_in_a_walk_and_twice) {
    struct list head;
    struct node nodes[4];
    list_init(&head);
    for (int i = 0; i < 4; i++) {
        nodes[i].value = i + 1;
        list_append(&head, &nodes[i].link);
    }

    list_each (link, &head) {
        if (list_entry(link, struct node, link)->value % 2 == 0)
            list_remove(link);
    }
    list_remove(&nodes[1].link);

    cr_assert_eq(list_digits(&head), 13);
    list_append(&head, &nodes[1].link);
    cr_assert_eq(list_digits(&head), 132);
}
