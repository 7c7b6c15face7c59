/* config_row.h — one row of config.def at run time; for the files of config.h only. */
#ifndef SERVER_CONFIG_ROW_H
#define SERVER_CONFIG_ROW_H

#include "config.h"

enum { CONFIG_NAME_MAX = 64, CONFIG_WHY_MAX = 160, CONFIG_VALUE_MAX = 1024 };
enum config_kind { CONFIG_KIND_TEXT, CONFIG_KIND_NUMBER, CONFIG_KIND_SWITCH };

struct config_row {
    const char *name; /* as in struct config: journal_bytes */
    enum config_kind kind;
    bool reloads; /* at SIGHUP */
    size_t offset;
    const char *default_text;
    uint64_t default_number, least, most;
    const char *unit;
    const char *meaning;
};

extern const struct config_row config_rows[CONFIG_ROWS];

/* "journal-bytes", "VIBESYNC_JOURNAL_BYTES" */
void config_row_name(const struct config_row *row, char out[CONFIG_NAME_MAX]);
void config_row_variable(const struct config_row *row, char out[CONFIG_NAME_MAX]);

/* The row of that name ("journal-bytes"), or NULL; then `out_nearest` is the row whose name is nearly that, or NULL. */
const struct config_row *config_row_find(struct bytes name, const struct config_row **out_nearest);

/* Sets the row's field to `value`, which must stay. STATUS_MALFORMED: `why` says what it takes and that this is not it. */
enum status config_row_set(const struct config_row *row, struct config *config, const char *value, char why[CONFIG_WHY_MAX]);

void config_row_set_default(const struct config_row *row, struct config *config);

/* The field as text, in `buffer` if it is a number. */
const char *config_row_value(const struct config_row *row, const struct config *config, char buffer[24]);
bool config_row_equal(const struct config_row *row, const struct config *a, const struct config *b);
void config_row_copy(const struct config_row *row, struct config *to, const struct config *from);

/* The same for eyes and logs: what may be a password is "***". */
void config_row_show(const struct config_row *row, const struct config *config, char out[CONFIG_VALUE_MAX]);

#endif
