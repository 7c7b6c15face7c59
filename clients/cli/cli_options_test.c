#include "cli.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdlib.h>

/* Copies the arguments, which must live as long as `cli`, as those of a program do. */
static bool read_options(struct cli *cli, unsigned taken, const char *const *arguments) {
    static char copies[16][64];
    char *pointers[16];
    int count = 0;
    *cli = (struct cli){ .verb = "test" };
    for (; arguments[count]; count++) {
        snprintf(copies[count], sizeof copies[count], "%s", arguments[count]);
        pointers[count] = copies[count];
    }
    return cli_options_read(cli, taken, count, pointers);
}

#define ARGUMENTS(...) ((const char *const[]){ __VA_ARGS__, NULL })

TestSuite(cli_options, .init = cr_redirect_stderr);

Test(cli_options, values_stand_behind_a_blank_or_an_equals_sign_in_any_place) {
    struct cli cli;

    cr_assert(read_options(&cli, OPTIONS_ROOM | OPTION_REPLAY | OPTION_JSON,
                           ARGUMENTS("--rate", "500", "a.trace", "--clients=7", "--json", "--", "--not-an-option")));

    cr_assert_eq(cli.rate, 500);
    cr_assert_eq(cli.clients, 7);
    cr_assert(cli.json);
    cr_assert_eq(cli.word_count, 2);
    cr_assert_str_eq(cli.words[0], "a.trace");
    cr_assert_str_eq(cli.words[1], "--not-an-option");
}

Test(cli_options, the_environment_stands_in_and_arguments_win) {
    struct cli cli;
    setenv("VIBESYNC_TOKEN", "from the environment", 1);
    setenv("VIBESYNC_SERVER", "also", 1);

    cr_assert(read_options(&cli, OPTIONS_ROOM, ARGUMENTS("--token", "given")));

    cr_assert_str_eq(cli.token, "given");
    cr_assert_str_eq(cli.server, "also");
}

Test(cli_options, what_makes_no_sense_is_refused) {
    static const char *const cases[][3] = {
        { "--nonsense" },
        { "-x" },
        { "--rate" },
        { "--rate", "0" },
        { "--rate", "-1" },
        { "--rate", "1x" },
        { "--rate", "" },
        { "--json=yes" },
        { "--clients=257" },
        { "--clients= 3" },
        { "--create" },
        { "--rat=5" },
        { "--rate=99999999999999999999" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct cli cli;
        cr_assert_not(read_options(&cli, OPTION_REPLAY | OPTION_JSON, cases[i]), "%s", cases[i][0]);
    }
}

Test(cli_options, an_option_of_another_verb_is_no_option_of_this_one) {
    struct cli cli;

    cr_assert_not(read_options(&cli, OPTION_SERVER, ARGUMENTS("--clients", "3")));
}
