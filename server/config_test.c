#include "config.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static enum status read_flags(struct config *config, char *error, int count, const char **arguments) {
    return config_read(config, count, (char **)(uintptr_t)arguments, error, 256);
}

#define READ(config, error, ...) \
    read_flags(config, error, (int)(sizeof((const char *[]){ __VA_ARGS__ }) / sizeof(char *)), (const char *[]){ __VA_ARGS__ })

Test(config, without_anything_the_table_holds) {
    struct config config;
    char error[256] = "";

    enum status status = config_read(&config, 0, NULL, error, sizeof error);

    cr_expect_eq(status, STATUS_OK);
    cr_expect_str_eq(config.listen, "127.0.0.1:8440");
    cr_expect_eq(config.message_bytes_max, 16777216);
}

Test(config, flags_beat_the_environment_which_beats_the_table) {
    struct config config;
    char error[256] = "";
    setenv("VIBESYNC_PING_MS", "7000", 1);
    setenv("VIBESYNC_LISTEN", "127.0.0.1:1", 1);
    setenv("VIBESYNC_DATABASE", "", 1);

    enum status status = READ(&config, error, "--listen=[::1]:2", "--loops", "3");

    cr_expect_eq(status, STATUS_OK, "%s", error);
    cr_expect_str_eq(config.listen, "[::1]:2");
    cr_expect_eq(config.ping_ms, 7000);
    cr_expect_eq(config.loops, 3);
    cr_expect_str_eq(config.database, "");
}

Test(config, a_switch_needs_no_value) {
    struct config config;
    char error[256] = "";

    cr_expect_eq(READ(&config, error, "--loops", "2"), STATUS_OK);
    cr_expect_eq(config.test_echo, 0);
    cr_expect_eq(READ(&config, error, "--test-echo", "--loops", "3"), STATUS_OK, "%s", error);
    cr_expect_eq(config.test_echo, 1);
    cr_expect_eq(config.loops, 3);
    setenv("VIBESYNC_TEST_ECHO", "1", 1);
    cr_expect_eq(READ(&config, error, "--test-echo=0"), STATUS_OK, "%s", error);
    cr_expect_eq(config.test_echo, 0);
    cr_expect_eq(READ(&config, error, "--test-echo=yes"), STATUS_MALFORMED);
    cr_expect_str_eq(error, "--test-echo takes 0 or 1, not \"yes\"");
}

Test(config, an_equals_sign_in_a_value_stays) {
    struct config config;
    char error[256] = "";

    cr_expect_eq(READ(&config, error, "--database=postgresql:///x?host=/run/pg"), STATUS_OK);
    cr_expect_str_eq(config.database, "postgresql:///x?host=/run/pg");
}

Test(config, each_bad_value_names_its_setting_and_what_it_takes) {
    static const struct {
        const char *flag, *value, *says;
    } cases[] = {
#define CONFIG_TEXT(name, default_value, meaning)
#define CONFIG_NUMBER(name, default_value, least, most, unit, meaning)                                            \
    { #name, "many", unit }, { #name, "", unit }, { #name, "-1", unit }, { #name, "18446744073709551616", unit }, \
        { #name, "1e3", unit },
#include "config.def"
        { "loops", "65", "64" },
        { "ping_ms", "99", "100" },
        { "log_level", "loud", "warn" },
        { "log_format", "xml", "json" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct config config;
        char flag[64], error[256] = "";
        snprintf(flag, sizeof flag, "--%s", cases[i].flag);
        for (char *at = flag; *at != '\0'; at++)
            if (*at == '_')
                *at = '-';
        char value[64];
        snprintf(value, sizeof value, "%s", cases[i].value);

        cr_expect_eq(READ(&config, error, flag, value), STATUS_MALFORMED, "%s %s", flag, value);
        cr_expect(strstr(error, flag) != NULL && strstr(error, cases[i].says) != NULL, "%s", error);
        cr_expect(strchr(error, '\n') == NULL);
    }
}

Test(config, a_bad_variable_is_named_as_one) {
    struct config config;
    char error[256] = "";
    setenv("VIBESYNC_DRAIN_MS", "soon", 1);

    cr_expect_eq(config_read(&config, 0, NULL, error, sizeof error), STATUS_MALFORMED);
    cr_expect(strstr(error, "VIBESYNC_DRAIN_MS") != NULL, "%s", error);
}

Test(config, unknown_and_unfinished_flags_are_refused) {
    struct config config;
    char error[256] = "";

    cr_expect_eq(READ(&config, error, "--lisen", "x"), STATUS_MALFORMED);
    cr_expect(strstr(error, "--lisen") != NULL, "%s", error);
    cr_expect_eq(READ(&config, error, "--listen"), STATUS_MALFORMED);
    cr_expect(strstr(error, "needs a value") != NULL, "%s", error);
    cr_expect_eq(READ(&config, error, "listen"), STATUS_MALFORMED);
}

Test(config, help_has_a_line_for_every_setting) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    config_help(out);
    fclose(out);

    cr_expect(strstr(text, "--listen ") != NULL);
    cr_expect(strstr(text, "--presence-ms ") != NULL);
    cr_expect(strstr(text, "5000 (100 to 600000 ms)") != NULL);
    free(text);
}
