/* catalog.c — named statements out of embedded .sql files; the form is in catalog.h. One block of memory per statement. */
#include "catalog.h"

#include "digest.h"

#include <stdio.h>

static const char catalog_marker[] = "-- name:";

void catalog_init(struct catalog *catalog, const struct mem *mem, struct list *lanes) {
    catalog->mem = mem;
    catalog->lanes = lanes;
    table_init(&catalog->by_name, mem);
}

void catalog_finish(struct catalog *catalog, unsigned lane_count) {
    for (unsigned lane = 0; lane < lane_count; lane++)
        list_each (link, &catalog->lanes[lane]) {
            struct statement *statement = list_entry(link, struct statement, link);
            list_remove(link);
            mem_free(catalog->mem, statement, statement->block_bytes);
        }
    table_finish(&catalog->by_name);
}

static struct statement *catalog_find_bytes(const struct catalog *catalog, struct bytes name) {
    struct statement *statement = table_get(&catalog->by_name, digest_64(name));
    while (statement != NULL && !bytes_equal_text(name, statement->name))
        statement = statement->same_key;
    return statement;
}

struct statement *catalog_find(const struct catalog *catalog, const char *name) {
    return catalog_find_bytes(catalog, bytes_text(name));
}

static bool catalog_name_is_good(struct bytes name) {
    for (size_t i = 0; i < name.size; i++)
        if (!(name.data[i] >= 'a' && name.data[i] <= 'z') && !(name.data[i] >= '0' && name.data[i] <= '9') && name.data[i] != '_')
            return false;
    return name.size > 0 && name.size <= STATEMENT_NAME_MAX;
}

static bool is_space(uint8_t byte) {
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static struct bytes catalog_trim(struct bytes text, bool drop_semicolon) {
    while (text.size > 0 && is_space(text.data[0])) {
        text.data++;
        text.size--;
    }
    while (text.size > 0 && (is_space(text.data[text.size - 1]) || (drop_semicolon && text.data[text.size - 1] == ';')))
        text.size--;
    return text;
}

/* The next line of `rest`, without its end. */
static struct bytes catalog_line(struct bytes *rest) {
    const uint8_t *end = memchr(rest->data, '\n', rest->size);
    size_t size = end == NULL ? rest->size : (size_t)(end - rest->data);
    struct bytes line = bytes_of(rest->data, size);
    size_t step = end == NULL ? size : size + 1;
    *rest = bytes_of(rest->data + step, rest->size - step);
    return line;
}

static bool catalog_line_is_marker(struct bytes line) {
    return line.size >= sizeof catalog_marker - 1 && memcmp(line.data, catalog_marker, sizeof catalog_marker - 1) == 0;
}

/* Whether a text has anything but comments and blanks. */
static bool catalog_has_sql(struct bytes text) {
    while (text.size > 0) {
        struct bytes line = catalog_trim(catalog_line(&text), true);
        if (line.size > 0 && !(line.size >= 2 && memcmp(line.data, "--", 2) == 0))
            return true;
    }
    return false;
}

static enum status catalog_add_one(struct catalog *catalog, const char *path, unsigned lane, struct bytes name, struct bytes sql,
                                   char reason[CATALOG_REASON]) {
    if (!catalog_name_is_good(name)) {
        snprintf(reason, CATALOG_REASON, "%s: '%.*s' is no name of a statement", path, (int)(name.size > 80 ? 80 : name.size),
                 (const char *)name.data);
        return STATUS_MALFORMED;
    }
    sql = catalog_trim(sql, true);
    if (!catalog_has_sql(sql)) {
        snprintf(reason, CATALOG_REASON, "%s: statement %.*s is empty", path, (int)name.size, (const char *)name.data);
        return STATUS_MALFORMED;
    }
    if (catalog_find_bytes(catalog, name) != NULL) {
        snprintf(reason, CATALOG_REASON, "%s: a statement %.*s exists already", path, (int)name.size, (const char *)name.data);
        return STATUS_EXISTS;
    }
    size_t block_bytes = sizeof(struct statement) + name.size + 1 + sql.size + 1;
    struct statement *statement = mem_zalloc(catalog->mem, block_bytes);
    if (statement == NULL)
        return STATUS_NO_MEMORY;
    char *text = (char *)(statement + 1);
    memcpy(text, name.data, name.size);
    memcpy(text + name.size + 1, sql.data, sql.size);
    statement->name = text;
    statement->sql = text + name.size + 1;
    statement->block_bytes = block_bytes;
    statement->lane = lane;
    statement->same_key = table_get(&catalog->by_name, digest_64(name));
    enum status status = table_put(&catalog->by_name, digest_64(name), statement);
    if (status != STATUS_OK) {
        mem_free(catalog->mem, statement, block_bytes);
        return status;
    }
    list_append(&catalog->lanes[lane], &statement->link);
    return STATUS_OK;
}

static enum status catalog_add_file(struct catalog *catalog, const struct embedded_file *file, unsigned lane,
                                    char reason[CATALOG_REASON]) {
    struct bytes rest = bytes_of(file->data, file->size);
    struct bytes name = { NULL, 0 };
    const uint8_t *body = rest.data;
    for (;;) {
        const uint8_t *line_at = rest.data;
        bool at_end = rest.size == 0;
        struct bytes line = at_end ? rest : catalog_line(&rest);
        if (!at_end && !catalog_line_is_marker(line))
            continue;
        struct bytes before = bytes_of(body, (size_t)(line_at - body));
        if (name.data != NULL) {
            enum status status = catalog_add_one(catalog, file->path, lane, name, before, reason);
            if (status != STATUS_OK)
                return status;
        } else if (catalog_has_sql(before)) {
            snprintf(reason, CATALOG_REASON, "%s: SQL before the first '%s'", file->path, catalog_marker);
            return STATUS_MALFORMED;
        }
        if (at_end)
            return STATUS_OK;
        size_t marker = sizeof catalog_marker - 1;
        name = catalog_trim(bytes_of(line.data + marker, line.size - marker), false);
        body = rest.data;
    }
}

enum status catalog_add(struct catalog *catalog, const struct embedded_file *files, unsigned lane, char reason[CATALOG_REASON]) {
    for (; files->path != NULL; files++) {
        enum status status = catalog_add_file(catalog, files, lane, reason);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}
