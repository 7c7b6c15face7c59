/* config.h — the settings of config.def as a struct, read from flags, then environment, then the defaults. */
#ifndef SERVER_CONFIG_H
#define SERVER_CONFIG_H

#include "ground/status.h"

#include <stdint.h>
#include <stdio.h>

struct config {
#define CONFIG_TEXT(name, default_value, meaning)                      const char *name;
#define CONFIG_NUMBER(name, default_value, least, most, unit, meaning) uint64_t name;
#define CONFIG_SWITCH(name, meaning)                                   uint64_t name; /* 0 or 1 */
#include "config.def"
};

/* Reads `arguments` ("--name value" or "--name=value"; a switch "--name" or "--name=0") and the environment. Strings point into
 * both. STATUS_MALFORMED: `error` says which setting and what it takes. */
enum status config_read(struct config *config, int count, char **arguments, char *error, size_t error_bytes);

/* The table as help text: one line per setting with default, range, unit and meaning. */
void config_help(FILE *out);

#endif
