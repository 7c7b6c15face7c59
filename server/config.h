/* config.h — the settings of config.def as a struct: flags over environment over file over the defaults.
 *
 *   config_row.h    the table at run time: names, ranges, which texts will do
 *   config_file.h   the lines of a file
 *   config_print.h  the table as help, manual, example and as a list of what is in force
 *   reload.h        what SIGHUP does
 *
 * A loop has a copy of its own (server_config()), which a reload replaces by a posted call. */
#ifndef SERVER_CONFIG_H
#define SERVER_CONFIG_H

#include "ground/bytes.h"

struct config {
#define CONFIG_TEXT(name, default_value, when, meaning)                      const char *name;
#define CONFIG_NUMBER(name, default_value, least, most, unit, when, meaning) uint64_t name;
#define CONFIG_SWITCH(name, when, meaning)                                   uint64_t name; /* 0 or 1 */
#include "config.def"
};

enum config_row_number {
#define CONFIG_TEXT(name, default_value, when, meaning)                      CONFIG_ROW_##name,
#define CONFIG_NUMBER(name, default_value, least, most, unit, when, meaning) CONFIG_ROW_##name,
#define CONFIG_SWITCH(name, when, meaning)                                   CONFIG_ROW_##name,
#include "config.def"
    CONFIG_ROWS
};

/* Who gave a value; a later one beats an earlier one. */
enum config_source { CONFIG_DEFAULT, CONFIG_FILE, CONFIG_ENVIRONMENT, CONFIG_FLAG };

struct config_origin {
    enum config_source source;
    unsigned line; /* of the file */
};

/* Gets one sentence for each mistake; what was meant is left out. */
struct config_errors {
    void (*say)(void *context, const char *error);
    void *context;
    unsigned count;
};

__attribute__((format(printf, 2, 3))) void config_error(struct config_errors *errors, const char *format, ...);

/* What was said where. Texts point into the arguments, the environment and `text`. */
struct config_reading {
    struct config config;
    struct config_origin origins[CONFIG_ROWS];
    char *text; /* of the file; NULL: there is none */
    size_t text_bytes;
};

/* Reads `arguments` ("--name value" or "--name=value"; a switch "--name" or "--name=0"), the environment, and the file that
 * --config or VIBESYNC_CONFIG names. All mistakes are told, each with the place and what would do. STATUS_MALFORMED: there were
 * some. STATUS_NO_MEMORY. In any case the reading must be finished. */
enum status config_read(struct config_reading *reading, int count, char **arguments, struct config_errors *errors);
void config_reading_finish(struct config_reading *reading);

/* A copy with all its texts in one block; config_destroy() takes it, or NULL. NULL: no memory. */
struct config *config_copy(const struct config *config);
void config_destroy(struct config *config);

/* Puts the machine's sizes in the place of "0: a share of the machine's". */
void config_fit_machine(struct config *config);

#endif
