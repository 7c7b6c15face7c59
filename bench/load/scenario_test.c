#include "scenario.h"

#include <criterion/criterion.h>

static enum status read_text(const char *text, struct scenario *out, char error[200]) {
    scenario_init(out);
    error[0] = '\0';
    return scenario_read(out, bytes_text(text), error, 200);
}

Test(scenario, is_settings_with_comments_and_defaults) {
    struct scenario scenario;
    char error[200];

    enum status status = read_text("# a room\nrooms 3\n\n  connections\t50   # each\r\nwriters 10\nrate 20", &scenario, error);

    cr_assert_eq(status, STATUS_OK, "%s", error);
    cr_assert_eq(scenario.rooms, 3);
    cr_assert_eq(scenario.connections, 50);
    cr_assert_eq(scenario.writers, 10);
    cr_assert_eq(scenario.rate, 20);
    cr_assert_eq(scenario.characters, 1);
    cr_assert_eq(scenario_check(&scenario, error, sizeof error), STATUS_OK);
}

Test(scenario, says_which_line_is_wrong_and_why) {
    static const struct {
        const char *text, *error;
    } cases[] = {
        { "rooms 1\nroms 2\n", "line 2: there is no setting \"roms\"" },
        { "trace\n", "line 1: trace takes the path of a file" },
        { "rooms", "line 1: rooms takes a number from 1 to 100000, not \"\"" },
        { "\nrooms 0", "line 2: rooms takes a number from 1 to 100000, not \"0\"" },
        { "rooms -1", "line 1: rooms takes a number from 1 to 100000, not \"-1\"" },
        { "rooms 9999999999999999999", "line 1: rooms takes a number from 1 to 100000, not \"9999999999999999999\"" },
        { "rooms 1 2", "line 1: one value, not more" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct scenario scenario;
        char error[200];

        cr_assert_eq(read_text(cases[i].text, &scenario, error), STATUS_MALFORMED);

        cr_assert_str_eq(error, cases[i].error);
    }
}

Test(scenario, refuses_settings_that_do_not_go_together) {
    static const char *const texts[] = {
        "connections 4\nwriters 2",                    /* neither rate nor window */
        "connections 4\nwriters 2\nrate 1\nwindow 1",  /* both */
        "connections 4\nwriters 2\nrate 1\nstalled 3", /* five of four */
        "connections 4\nwriters 2\nwindow 1\nchurn 1", /* who left will never have everything */
        "connections 4\nawareness 3\nstalled 2",       /* five of four */
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct scenario scenario;
        char error[200];
        cr_assert_eq(read_text(texts[i], &scenario, error), STATUS_OK, "%s", error);

        cr_assert_eq(scenario_check(&scenario, error, sizeof error), STATUS_MALFORMED, "case %zu", i);
    }
}
