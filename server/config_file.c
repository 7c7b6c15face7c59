/* config_file.c — see config_file.h. */
#include "config_file.h"

#include "ground/utf.h"

void config_file_init(struct config_file *file, char *text, size_t size) {
    *file = (struct config_file){ .at = text, .end = text + size };
}

/* Cuts the blanks off both ends. */
static char *config_file_trim(char *from, char *to) {
    while (from < to && (*from == ' ' || *from == '\t'))
        from++;
    while (to > from && (to[-1] == ' ' || to[-1] == '\t'))
        to--;
    *to = '\0';
    return from;
}

static const char *config_file_fault(const char *from, const char *to) {
    for (const char *at = from; at < to; at++)
        if (((unsigned char)*at < 0x20 && *at != '\t') || *at == 0x7f)
            return "a control character";
    return utf_check(bytes_of(from, (size_t)(to - from)), NULL) ? NULL : "not UTF-8";
}

enum status config_file_next(struct config_file *file, const char **out_name, const char **out_value, const char **out_why) {
    while (file->at != NULL) {
        char *line = file->at;
        char *end = memchr(line, '\n', (size_t)(file->end - line));
        file->at = end != NULL ? end + 1 : NULL;
        if (end == NULL)
            end = file->end;
        if (end > line && end[-1] == '\r')
            end--;
        file->line++;
        *out_why = config_file_fault(line, end);
        if (*out_why != NULL)
            return STATUS_MALFORMED;
        line = config_file_trim(line, end);
        if (*line == '\0' || *line == '#')
            continue;
        char *equals = strchr(line, '=');
        *out_why = equals == NULL ? "no \"name = value\"" : equals == line ? "no name before the \"=\"" : NULL;
        if (*out_why != NULL)
            return STATUS_MALFORMED;
        *out_value = config_file_trim(equals + 1, line + strlen(line));
        *out_name = config_file_trim(line, equals);
        return STATUS_OK;
    }
    return STATUS_NOT_FOUND;
}
