#include "log.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <unistd.h>

static char lines[8192];

/* Collects what `act` writes to stderr. */
static void with_stderr(void (*act)(void)) {
    int ends[2], saved = dup(STDERR_FILENO);
    cr_assert_eq(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    act();
    dup2(saved, STDERR_FILENO);
    close(ends[1]);
    ssize_t size = read(ends[0], lines, sizeof lines - 1);
    lines[size > 0 ? size : 0] = '\0';
    close(ends[0]);
    close(saved);
}

/* The line without its time, which is 24 characters in both forms. */
static const char *line_after(size_t skip) {
    cr_assert_gt(strlen(lines), skip);
    return lines + skip;
}

static const struct uuid an_id = { { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 } };

static void say_plain(void) {
    struct log_subject subject = { .session = &an_id, .connection = 7 };
    log_debug(&subject, "not.said", "x=%d", 1);
    log_info(&subject, "document.opened", "bytes=%d", 12);
}

Test(log, a_text_line_has_time_level_event_subject_and_keys) {
    with_stderr(say_plain);

    cr_expect_str_eq(line_after(24), " info document.opened session=01020304-0506-0708-090a-0b0c0d0e0f10 connection=7 bytes=12\n");
    cr_expect_eq(lines[10], 'T');
    cr_expect_eq(lines[23], 'Z');
}

static void say_hostile(void) {
    log_warn(NULL, "peer.said", "text=\"a\nb\x1b[2J\xff\"");
}

Test(log, nothing_from_outside_breaks_a_line_or_a_terminal) {
    with_stderr(say_hostile);

    cr_expect_str_eq(line_after(24), " warn peer.said text=\"a\\nb\\u001b[2J\xef\xbf\xbd\"\n");
}

static void say_json(void) {
    struct log_subject subject = { .file = &an_id, .connection = 7 };
    log_configure(LOG_DEBUG, true);
    log_error(&subject, "store.away", "since_ms=12 reason=\"no \\ route\" odd=007 loose words=%s", "x");
}

Test(log, a_json_line_has_the_keys_as_members) {
    with_stderr(say_json);

    cr_expect_str_eq(line_after(34),
                     ",\"level\":\"error\",\"event\":\"store.away\",\"file\":\"01020304-0506-0708-090a-0b0c0d0e0f10\","
                     "\"connection\":7,\"since_ms\":12,\"reason\":\"no \\\\ route\",\"odd\":\"007\",\"words\":\"x\","
                     "\"text\":\"loose\"}\n");
}

static void say_quotes(void) {
    log_configure(LOG_DEBUG, true);
    log_warn(NULL, "store.away", "reason=\"role \"x y\" = not there\" loop=%d", 1);
}

Test(log, quotes_inside_a_value_do_not_end_it) {
    with_stderr(say_quotes);

    cr_expect_str_eq(line_after(34),
                     ",\"level\":\"warn\",\"event\":\"store.away\",\"reason\":\"role \\\"x y\\\" = not there\",\"loop\":1}\n");
}

static char long_value[4000];

static void say_long(void) {
    log_configure(LOG_INFO, true);
    log_info(NULL, "long", "key=%s other=1", long_value);
    for (size_t size = 0; size < 1300; size += 7)
        log_info(NULL, "long", "key=\"%.*s", (int)size, long_value);
}

/* Quotes that no backslash stands before; a whole line has an even number and ends in "}". */
static bool line_is_closed(const char *line, size_t size) {
    unsigned quotes = 0;
    for (size_t i = 0; i < size; i++) {
        if (line[i] == '\\')
            i++;
        else if (line[i] == '"')
            quotes++;
    }
    return quotes % 2 == 0 && size > 2 && line[0] == '{' && line[size - 1] == '}';
}

Test(log, a_line_too_long_is_cut_and_still_json) {
    static const char pieces[] = "\xe2\x82\xac\x01\\\"\n";
    static char all[1 << 20];
    for (size_t i = 0; i + 1 < sizeof long_value; i++)
        long_value[i] = pieces[i % (sizeof pieces - 1)];
    FILE *file = tmpfile();
    int saved = dup(STDERR_FILENO);
    dup2(fileno(file), STDERR_FILENO);
    say_long();
    dup2(saved, STDERR_FILENO);
    rewind(file);
    all[fread(all, 1, sizeof all - 1, file)] = '\0';

    unsigned count = 0;
    for (char *line = all, *end; (end = strchr(line, '\n')) != NULL; line = end + 1, count++)
        cr_expect(line_is_closed(line, (size_t)(end - line)), "%.*s", (int)(end - line), line);
    cr_expect_eq(count, 187);
    fclose(file);
}
