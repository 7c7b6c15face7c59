/* log.c — see log.h.
 *
 * A line is made in a buffer on the stack and leaves in one write(), so lines of different threads never mix; there is no lock and
 * no allocation. What does not fit LOG_LINE_BYTES is cut at a character. Values come from outside now and then (a peer's name, a
 * database's message): whatever could break a line or a terminal is escaped here, so no caller has to think of it.
 *
 * As JSON, "key=value key=\"two words\"" becomes members; words without "=" are gathered under "text". Values stay strings, except
 * whole numbers below 2^53. */
#include "log.h"

#include "ground/utf.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { LOG_LINE_BYTES = 2048, LOG_TEXT_BYTES = 1200, LOG_NUMBER_DIGITS_MAX = 15 };

/* All that threads share here; a line that is on its way may still have the old form. */
static atomic_int log_least = LOG_INFO;
static atomic_bool log_as_json;

static const char *const log_level_names[] = { "debug", "info", "warn", "error" };

struct log_line {
    char text[LOG_LINE_BYTES];
    size_t size;
    size_t size_max; /* what closes the line has room behind it */
};

static void log_add(struct log_line *line, const char *text, size_t size);
static void log_add_word(struct log_line *line, const char *word);
static void log_add_escaped(struct log_line *line, const char *text, size_t size, bool json);
static void log_add_key(struct log_line *line, const char *key, size_t size);
static void log_add_subject(struct log_line *line, const struct log_subject *subject);
static void log_add_request(struct log_line *line, const struct log_subject *subject);
static void log_add_members(struct log_line *line, const char *text);

void log_configure(enum log_level least, bool json) {
    atomic_store_explicit(&log_least, (int)least, memory_order_relaxed);
    atomic_store_explicit(&log_as_json, json, memory_order_relaxed);
}

void log_set_level(enum log_level least) {
    atomic_store_explicit(&log_least, (int)least, memory_order_relaxed);
}

void log_event(enum log_level level, const struct log_subject *subject, const char *event, const char *format, ...) {
    if ((int)level < atomic_load_explicit(&log_least, memory_order_relaxed))
        return;
    char text[LOG_TEXT_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);

    struct timespec now;
    struct tm day;
    char time[40];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &day);
    size_t time_size = strftime(time, sizeof time, "%Y-%m-%dT%H:%M:%S", &day);
    snprintf(time + time_size, sizeof time - time_size, ".%03dZ", (int)(now.tv_nsec / 1000000));

    struct log_line line = { .size_max = LOG_LINE_BYTES - 4 };
    if (log_as_json) {
        log_add_word(&line, "{\"time\":\"");
        log_add_word(&line, time);
        log_add_word(&line, "\",\"level\":\"");
        log_add_word(&line, log_level_names[level]);
        log_add_word(&line, "\",\"event\":\"");
        log_add_word(&line, event);
        log_add_word(&line, "\"");
        log_add_subject(&line, subject);
        log_add_members(&line, text);
        line.size_max = LOG_LINE_BYTES;
        log_add_word(&line, "}\n");
    } else {
        log_add_word(&line, time);
        log_add_word(&line, " ");
        log_add_word(&line, log_level_names[level]);
        log_add_word(&line, " ");
        log_add_word(&line, event);
        log_add_subject(&line, subject);
        if (text[0] != '\0')
            log_add_word(&line, " ");
        log_add_escaped(&line, text, strlen(text), false);
        line.size_max = LOG_LINE_BYTES;
        log_add_word(&line, "\n");
    }
    /* Where the log cannot be written, there is nobody to tell. */
    (void)!write(STDERR_FILENO, line.text, line.size);
}

/* All of it or nothing. */
static void log_add(struct log_line *line, const char *text, size_t size) {
    if (size > line->size_max - line->size)
        return;
    memcpy(line->text + line->size, text, size);
    line->size += size;
}

static void log_add_word(struct log_line *line, const char *word) {
    log_add(line, word, strlen(word));
}

/* Bytes of one well-formed character at the front of `text`; 0 if there is none. */
static size_t log_character(const char *text, size_t size) {
    for (size_t length = 1; length <= 4 && length <= size; length++)
        if (utf_check(bytes_of(text, length), NULL))
            return length;
    return 0;
}

static void log_add_escaped(struct log_line *line, const char *text, size_t size, bool json) {
    for (size_t at = 0; at < size;) {
        size_t length = log_character(text + at, size - at);
        unsigned char byte = (unsigned char)text[at];
        char escape[8];
        if (length == 0) {
            snprintf(escape, sizeof escape, "%s", "\xef\xbf\xbd"); /* U+FFFD */
            length = 1;
        } else if (byte == '\n' || byte == '\r' || byte == '\t')
            snprintf(escape, sizeof escape, "\\%c", byte == '\n' ? 'n' : byte == '\r' ? 'r' : 't');
        else if (byte < 0x20 || byte == 0x7f)
            snprintf(escape, sizeof escape, "\\u%04x", byte);
        else if (json && (byte == '"' || byte == '\\'))
            snprintf(escape, sizeof escape, "\\%c", byte);
        else {
            memcpy(escape, text + at, length);
            escape[length] = '\0';
        }
        size_t escape_size = strlen(escape);
        if (escape_size > line->size_max - line->size)
            return;
        log_add(line, escape, escape_size);
        at += length;
    }
}

/* ,"key": */
static void log_add_key(struct log_line *line, const char *key, size_t size) {
    log_add_word(line, ",\"");
    log_add_escaped(line, key, size, true);
    log_add_word(line, "\":");
}

static void log_add_id(struct log_line *line, const char *key, const struct uuid *id) {
    char text[UUID_TEXT_SIZE + 1];
    if (id == NULL)
        return;
    uuid_format(id, text);
    if (log_as_json) {
        log_add_key(line, key, strlen(key));
        log_add_word(line, "\"");
        log_add_word(line, text);
        log_add_word(line, "\"");
    } else {
        log_add_word(line, " ");
        log_add_word(line, key);
        log_add_word(line, "=");
        log_add_word(line, text);
    }
}

static void log_add_subject(struct log_line *line, const struct log_subject *subject) {
    if (subject == NULL)
        return;
    log_add_id(line, "session", subject->session);
    log_add_id(line, "file", subject->file);
    if (subject->connection != 0) {
        char text[48];
        snprintf(text, sizeof text, log_as_json ? ",\"connection\":%llu" : " connection=%llu",
                 (unsigned long long)subject->connection);
        log_add_word(line, text);
    }
    log_add_request(line, subject);
}

static void log_add_request(struct log_line *line, const struct log_subject *subject) {
    char text[96];
    if (subject->request == NULL || subject->request[0] == '\0')
        return;
    int size = snprintf(text, sizeof text, log_as_json ? ",\"request\":\"%s" : " request=%s", subject->request);
    if (subject->call != 0 && size > 0 && (size_t)size < sizeof text)
        snprintf(text + size, sizeof text - (size_t)size, ".%u", subject->call - 1);
    log_add_word(line, text);
    log_add_word(line, log_as_json ? "\"" : "");
}

static bool log_is_number(const char *text, size_t size) {
    return size > 0 && size <= LOG_NUMBER_DIGITS_MAX && strspn(text, "0123456789") >= size && (size == 1 || text[0] != '0');
}

/* Room for a member's `,"":""`: a member that is begun can always be closed. */
enum { LOG_MEMBER_BYTES = 8 };

static void log_add_member(struct log_line *line, const char *key, size_t key_size, const char *value, size_t value_size) {
    if (line->size + LOG_MEMBER_BYTES + key_size * 6 > line->size_max)
        return;
    log_add_key(line, key, key_size);
    if (log_is_number(value, value_size) && line->size_max - line->size >= LOG_NUMBER_DIGITS_MAX) {
        log_add(line, value, value_size);
        return;
    }
    log_add_word(line, "\"");
    line->size_max--;
    log_add_escaped(line, value, value_size, true);
    line->size_max++;
    log_add_word(line, "\"");
}

/* The quote that ends a value: at the end of the text, or before the next "key=". Messages of PostgreSQL have quotes inside. */
static const char *log_closing_quote(const char *value) {
    const char *quote = value;
    while ((quote = strchr(quote, '"')) != NULL) {
        const char *behind = quote + 1 + strspn(quote + 1, " ");
        size_t key_size = strspn(behind, "abcdefghijklmnopqrstuvwxyz_");
        if (*behind == '\0' || (behind > quote + 1 && key_size > 0 && behind[key_size] == '='))
            return quote;
        quote++;
    }
    return NULL;
}

static void log_add_members(struct log_line *line, const char *text) {
    const char *loose = NULL; /* words that belong to no key, from here … */
    size_t loose_size = 0;    /* … only the first run of them is kept */
    while (*text != '\0') {
        text += strspn(text, " ");
        size_t key_size = strcspn(text, "= ");
        if (key_size == 0 || text[key_size] != '=') {
            size_t word_size = key_size > 0 ? key_size : strcspn(text, " ");
            if (loose == NULL)
                loose = text;
            if (word_size > 0 && (loose_size == 0 || loose + loose_size + 1 == text))
                loose_size = (size_t)(text + word_size - loose);
            text += word_size;
            continue;
        }
        const char *value = text + key_size + 1;
        size_t value_size = strcspn(value, " ");
        const char *next = value + value_size;
        if (value[0] == '"') {
            const char *closing = log_closing_quote(value + 1);
            value++;
            value_size = closing != NULL ? (size_t)(closing - value) : strlen(value);
            next = closing != NULL ? closing + 1 : value + value_size;
        }
        log_add_member(line, text, key_size, value, value_size);
        text = next;
    }
    if (loose_size > 0)
        log_add_member(line, "text", 4, loose, loose_size);
}
