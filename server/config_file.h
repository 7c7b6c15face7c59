/* config_file.h — the lines of a settings file: bytes in, names and values out.
 *
 *     # a comment                      blanks around names and values don't count, nor does a carriage return at the end;
 *     log-level = debug                a value is the rest of its line, with whatever is in it;
 *     web-root  =                      an empty value is an empty text
 *
 * Nothing is quoted or escaped, and a comment has a line of its own, so a password may hold any printable character. */
#ifndef SERVER_CONFIG_FILE_H
#define SERVER_CONFIG_FILE_H

#include "ground/bytes.h"

enum { CONFIG_FILE_BYTES_MAX = 1 << 20 };

struct config_file {
    char *at; /* NULL: at the end */
    char *end;
    unsigned line; /* of what came last, from 1 */
};

/* `text` is written to: `size` bytes and a NUL behind them; names and values point into it. */
void config_file_init(struct config_file *file, char *text, size_t size);

/* The next setting. STATUS_OK; STATUS_NOT_FOUND: there is none left; STATUS_MALFORMED: this line is none, `out_why` says why; the
 * next call goes on behind it. */
enum status config_file_next(struct config_file *file, const char **out_name, const char **out_value, const char **out_why);

#endif
