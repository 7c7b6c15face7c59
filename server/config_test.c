#include "config_file.h"
#include "config_print.h"
#include "config_row.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char said[4096]; /* each error and a newline */

static void say(void *context, const char *error) {
    size_t size = strlen(said);
    (void)context;
    snprintf(said + size, sizeof said - size, "%s\n", error);
}

static struct config_reading reading;

static enum status read_flags(int count, const char **arguments) {
    struct config_errors errors = { .say = say };
    said[0] = '\0';
    config_reading_finish(&reading);
    return config_read(&reading, count, (char **)(uintptr_t)arguments, &errors);
}

static void finish(void) {
    config_reading_finish(&reading);
}

#define READ(...) read_flags((int)(sizeof((const char *[]){ __VA_ARGS__ }) / sizeof(char *)), (const char *[]){ __VA_ARGS__ })

/* A file with that text; its name. */
static char file_name[64];

static const char *write_file(const char *text, size_t size) {
    snprintf(file_name, sizeof file_name, "/tmp/vibesync-config-XXXXXX");
    int fd = mkstemp(file_name);
    cr_assert(fd >= 0 && write(fd, text, size) == (ssize_t)size);
    close(fd);
    return file_name;
}

static enum status read_file(const char *text, const char *flag) {
    const char *arguments[] = { "--config", write_file(text, strlen(text)), flag };
    enum status status = read_flags(flag != NULL ? 3 : 2, arguments);
    unlink(file_name);
    return status;
}

TestSuite(config, .fini = finish);

Test(config, without_anything_the_table_holds) {
    enum status status = read_flags(0, NULL);

    cr_expect_eq(status, STATUS_OK);
    cr_expect_str_eq(reading.config.listen, "127.0.0.1:8440");
    cr_expect_eq(reading.config.message_bytes_max, 16777216);
    cr_expect_eq(reading.origins[CONFIG_ROW_listen].source, CONFIG_DEFAULT);
}

Test(config, flags_beat_the_environment_which_beats_the_file_which_beats_the_table) {
    setenv("VIBESYNC_PING_MS", "7000", 1);
    setenv("VIBESYNC_LISTEN", "127.0.0.1:1", 1);
    setenv("VIBESYNC_DATABASE", "", 1);

    enum status status = read_file("ping-ms = 8000\nlisten = 127.0.0.1:3\nlag-max-ms = 9\n", "--listen=[::1]:2");

    cr_expect_eq(status, STATUS_OK, "%s", said);
    cr_expect_str_eq(reading.config.listen, "[::1]:2");
    cr_expect_eq(reading.config.ping_ms, 7000);
    cr_expect_eq(reading.config.lag_max_ms, 9);
    cr_expect_str_eq(reading.config.database, "");
    cr_expect_eq(reading.origins[CONFIG_ROW_listen].source, CONFIG_FLAG);
    cr_expect_eq(reading.origins[CONFIG_ROW_ping_ms].source, CONFIG_ENVIRONMENT);
    cr_expect_eq(reading.origins[CONFIG_ROW_lag_max_ms].source, CONFIG_FILE);
    cr_expect_eq(reading.origins[CONFIG_ROW_lag_max_ms].line, 3);
}

Test(config, the_environment_may_name_the_file_and_a_flag_another) {
    setenv("VIBESYNC_CONFIG", "/nowhere/at/all", 1);

    cr_expect_eq(read_file("ping-ms = 8000\n", NULL), STATUS_OK, "%s", said);
    cr_expect_eq(reading.config.ping_ms, 8000);
    cr_expect_eq(read_flags(0, NULL), STATUS_MALFORMED);
    cr_expect_str_eq(said, "/nowhere/at/all: No such file or directory\n");
}

Test(config, a_switch_needs_no_value) {
    cr_expect_eq(READ("--loops", "2"), STATUS_OK);
    cr_expect_eq(reading.config.test_echo, 0);
    cr_expect_eq(READ("--test-echo", "--loops", "3"), STATUS_OK, "%s", said);
    cr_expect_eq(reading.config.test_echo, 1);
    cr_expect_eq(reading.config.loops, 3);
    setenv("VIBESYNC_TEST_ECHO", "1", 1);
    cr_expect_eq(READ("--test-echo=0"), STATUS_OK, "%s", said);
    cr_expect_eq(reading.config.test_echo, 0);
    cr_expect_eq(READ("--test-echo=yes"), STATUS_MALFORMED);
    cr_expect_str_eq(said, "--test-echo takes 0 or 1, not \"yes\"\n");
}

Test(config, an_equals_sign_in_a_value_stays) {
    cr_expect_eq(READ("--database=postgresql:///x?host=/run/pg"), STATUS_OK);
    cr_expect_str_eq(reading.config.database, "postgresql:///x?host=/run/pg");
    cr_expect_eq(read_file("database = postgresql:///x?host=/run/pg # no comment", NULL), STATUS_OK);
    cr_expect_str_eq(reading.config.database, "postgresql:///x?host=/run/pg # no comment");
}

Test(config, each_bad_value_names_its_setting_and_what_it_takes) {
    static const struct {
        const char *name, *value, *says;
    } cases[] = {
#define CONFIG_NUMBER(name, default_value, least, most, unit, when, meaning)                                      \
    { #name, "many", unit }, { #name, "", unit }, { #name, "-1", unit }, { #name, "18446744073709551616", unit }, \
        { #name, "1e3", unit },
#include "config.def"
        { "loops", "65", "64" },
        { "ping_ms", "99", "100" },
        { "log_level", "loud", "warn" },
        { "log_format", "xml", "json" },
        { "trusted_proxies", "10.0.0.0/33", "10.0.0.0/8" },
        { "origins", "example.org", "https://" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char flag[66], line[128], place[256];
        snprintf(flag, sizeof flag, "--%s", cases[i].name);
        for (char *at = flag; *at != '\0'; at++)
            if (*at == '_')
                *at = '-';
        snprintf(line, sizeof line, "\n%s = %s\n", flag + 2, cases[i].value);

        cr_expect_eq(READ(flag, cases[i].value), STATUS_MALFORMED, "%s", flag);
        cr_expect(strstr(said, flag) == said && strstr(said, cases[i].says) != NULL, "%s", said);
        cr_expect(strchr(said, '\n') == said + strlen(said) - 1);
        cr_expect_eq(read_file(line, NULL), STATUS_MALFORMED);
        snprintf(place, sizeof place, "%s:2: %s takes ", file_name, flag + 2);
        cr_expect(strstr(said, place) == said && strstr(said, cases[i].says) != NULL, "%s", said);
    }
}

Test(config, a_bad_variable_is_named_as_one) {
    setenv("VIBESYNC_DRAIN_MS", "soon", 1);

    cr_expect_eq(read_flags(0, NULL), STATUS_MALFORMED);
    cr_expect(strstr(said, "VIBESYNC_DRAIN_MS takes") == said, "%s", said);
}

Test(config, unknown_and_unfinished_flags_are_refused_and_the_nearest_name_is_said) {
    cr_expect_eq(READ("--lisen", "x"), STATUS_MALFORMED);
    cr_expect_str_eq(said, "there is no setting \"--lisen\"; did you mean \"--listen\"?\n");
    cr_expect_eq(READ("--colour", "red"), STATUS_MALFORMED);
    cr_expect_str_eq(said, "there is no setting \"--colour\"; --help lists them\n");
    cr_expect_eq(READ("--listen"), STATUS_MALFORMED);
    cr_expect_str_eq(said, "--listen needs a value\n");
    cr_expect_eq(READ("listen"), STATUS_MALFORMED);
    cr_expect_eq(READ(""), STATUS_MALFORMED);
    cr_expect_eq(READ("--"), STATUS_MALFORMED);
}

Test(config, every_mistake_of_a_file_is_told_with_its_line) {
    static const char text[] = "# all wrong\n"
                               "ping_ms = 7\n"
                               "loops\n"
                               "  = 3\n"
                               "ping-ms = 7\n"
                               "log-level = info\r\n"
                               "\tlog-level\t=\tinfo \n"
                               "config = /etc/passwd\n"
                               "web-root = a\001b\n"
                               "web-root = \xff\n"
                               "--listen = x";
    static const char *const expected[] = {
        ":2: there is no setting \"ping_ms\"; did you mean \"ping-ms\"?",
        ":3: no \"name = value\"",
        ":4: no name before the \"=\"",
        ":5: ping-ms takes a whole number of ms from 100 to 600000, not \"7\"",
        ":7: log-level stands in line 6 already",
        ":8: a file names no other",
        ":9: a control character",
        ":10: not UTF-8",
        ":11: there is no setting \"--listen\"; did you mean \"listen\"?",
    };

    cr_expect_eq(read_file(text, "--loops=x"), STATUS_MALFORMED);
    char *line = strtok(said, "\n");
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        char whole[256];
        snprintf(whole, sizeof whole, "%s%s", file_name, expected[i]);
        cr_assert_not_null(line);
        cr_expect_str_eq(line, whole);
        line = strtok(NULL, "\n");
    }
    cr_expect(line != NULL && strstr(line, "--loops takes") == line, "%s", line);
    cr_expect_null(strtok(NULL, "\n"));
}

Test(config, what_is_no_file_of_settings_is_refused) {
    cr_expect_eq(READ("--config", "/tmp"), STATUS_MALFORMED);
    cr_expect_str_eq(said, "/tmp: not a file\n");

    static char big[CONFIG_FILE_BYTES_MAX + 1];
    memset(big, '\n', sizeof big);
    write_file(big, sizeof big);
    cr_expect_eq(READ("--config", file_name), STATUS_MALFORMED);
    cr_expect(strstr(said, ": more than 1048576 bytes") != NULL, "%s", said);
    unlink(file_name);

    static const char *const broken[] = { "ping-ms = 200\0 = 300", "\r = 12345678901234\r\n", "ping-ms = 2000\r0\r\n" };
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        write_file(broken[i], i == 0 ? 20 : strlen(broken[i]));
        cr_expect_eq(READ("--config", file_name), STATUS_MALFORMED);
        cr_expect(strstr(said, ":1: a control character") != NULL, "%s", said);
    }
    static const char ends[] = "ping-ms = 2000\r\n\r\n# nothing\r\n";
    write_file(ends, sizeof ends - 1);
    cr_expect_eq(READ("--config", file_name), STATUS_OK, "%s", said);
    unlink(file_name);
    cr_expect_eq(read_file("", NULL), STATUS_OK);
}

Test(config, a_copy_stands_alone) {
    cr_assert_eq(read_file("listen = 127.0.0.1:77\nping-ms = 777\n", NULL), STATUS_OK);

    struct config *copy = config_copy(&reading.config);
    config_reading_finish(&reading);

    cr_assert_not_null(copy);
    cr_expect_str_eq(copy->listen, "127.0.0.1:77");
    cr_expect_eq(copy->ping_ms, 777);
    config_destroy(copy);
    config_destroy(NULL);
}

Test(config, passwords_are_not_shown) {
    static const struct {
        const char *url, *shown;
    } cases[] = {
        { "", "" },
        { "postgresql:///x?host=/run/pg", "postgresql:///x?host=/run/pg" },
        { "postgresql://me@db:5432/x", "postgresql://me@db:5432/x" },
        { "postgresql://me:secret@db/x", "postgresql://me:***@db/x" },
        { "postgresql://me:sec@ret@db:5432/x", "postgresql://me:***@db:5432/x" },
        { "postgresql://me:s/e?c@db/x", "postgresql://me:***@db/x" },
        { "postgresql://db/x?user=me&password=secret&sslmode=require", "postgresql://db/x?user=me&password=***&sslmode=require" },
        { "postgresql://db/x?sslpassword=secret&PASSWORD=more", "postgresql://db/x?sslpassword=***&PASSWORD=***" },
        { "postgresql://me:secret@db/x?password=more", "postgresql://me:***@db/x?password=***" },
        { "host=db password='a secret' user=me", "host=db password=***" },
        { "host=db password = secret", "host=db password=***" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct config config = { .database = cases[i].url };
        char shown[CONFIG_VALUE_MAX];

        config_row_show(&config_rows[CONFIG_ROW_database], &config, shown);

        cr_expect_str_eq(shown, cases[i].shown);
    }
}

static char *printed(void (*print)(FILE *out)) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    print(out);
    fclose(out);
    return text;
}

Test(config, help_has_a_line_for_every_setting) {
    char *text = printed(config_print_help);

    cr_expect(strstr(text, "--listen ") != NULL);
    cr_expect(strstr(text, "--presence-ms ") != NULL);
    cr_expect(strstr(text, "5000 (100 to 600000 ms)") != NULL);
    free(text);
}

/* The example with every comment sign before a setting taken away holds what holds without it. */
Test(config, the_example_is_a_file_that_changes_nothing) {
    char *text = printed(config_print_example);
    unsigned settings = 0;
    for (char *at = text; (at = strstr(at, "\n#")) != NULL; at++) {
        if (at[2] >= 'a' && at[2] <= 'z') {
            at[1] = ' ';
            settings++;
        }
    }

    cr_expect_eq(settings, CONFIG_ROWS - 1);
    cr_expect_eq(read_file(text, NULL), STATUS_OK, "%s", said);
    for (size_t i = 0; i < CONFIG_ROWS; i++) {
        struct config defaults = { 0 };
        config_row_set_default(&config_rows[i], &defaults);
        if (i != CONFIG_ROW_config) {
            cr_expect(config_row_equal(&config_rows[i], &reading.config, &defaults), "%s", config_rows[i].name);
            cr_expect_eq(reading.origins[i].source, CONFIG_FILE);
        }
    }
    free(text);
}

Test(config, show_says_who_set_what) {
    setenv("VIBESYNC_DATABASE", "postgresql://me:secret@db/x", 1);
    cr_assert_eq(read_file("\nping-ms = 777\n", "--loops=3"), STATUS_OK);
    char *text = NULL, line[256];
    size_t size;
    FILE *out = open_memstream(&text, &size);

    config_print_show(out, &reading);
    fclose(out);

    snprintf(line, sizeof line, "\nping-ms                    777                                      %s:2\n", file_name);
    cr_expect(strstr(text, line) != NULL, "%s", text);
    cr_expect(strstr(text, "\nloops                      3                                        --loops\n") != NULL);
    cr_expect(strstr(text, "\ndatabase                   postgresql://me:***@db/x                 VIBESYNC_DATABASE\n") != NULL);
    cr_expect(strstr(text, "\nlog-format                 text                                     default\n") != NULL);
    cr_expect(strstr(text, "secret") == NULL);
    free(text);
}
