/* config_print.h — the table of settings, written out: nothing about a setting is said twice by hand.
 *
 *   help       `vibesyncd --help`
 *   manual     the rows of vibesyncd.8 between its two marks              tests/docs/tables.c holds the files in the tree
 *   example    vibesyncd.conf.example: each setting, commented out        against this, and rewrites them with --write
 *   show       `vibesyncd config show`: what is in force, and who said so */
#ifndef SERVER_CONFIG_PRINT_H
#define SERVER_CONFIG_PRINT_H

#include "config.h"

#include <stdio.h>

void config_print_help(FILE *out);
void config_print_manual(FILE *out);
void config_print_example(FILE *out);
/* Passwords are masked. */
void config_print_show(FILE *out, const struct config_reading *reading);

#endif
