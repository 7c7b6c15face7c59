/* fuzz_config_file.c — any bytes as a file of settings: every name and value is a line of printable UTF-8 inside the text, lines
 * are counted, and what comes out, written as "name = value", comes out again. */
#include "config_file.h"
#include "config_row.h"

#include <stdio.h>
#include <stdlib.h>

#define REQUIRE(fact) ((fact) ? (void)0 : abort())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1);
    struct config_file file;
    struct config config;
    const char *name, *value, *why;
    unsigned line = 0;
    enum status status;
    if (text == NULL)
        return 0;
    if (size > 0)
        memcpy(text, data, size);
    config_file_init(&file, text, size);
    while ((status = config_file_next(&file, &name, &value, &why)) != STATUS_NOT_FOUND) {
        REQUIRE(file.line > line && file.line <= size + 1);
        line = file.line;
        if (status != STATUS_OK) {
            REQUIRE(status == STATUS_MALFORMED && why != NULL);
            continue;
        }
        REQUIRE(name >= text && value > name && value + strlen(value) <= text + size && name[0] != '\0');
        const struct config_row *nearest, *row = config_row_find(bytes_text(name), &nearest);
        char reason[CONFIG_WHY_MAX], shown[CONFIG_VALUE_MAX], copy[4096];
        if (row != NULL && config_row_set(row, &config, value, reason) == STATUS_OK)
            config_row_show(row, &config, shown);
        struct config_file again;
        const char *name_again, *value_again;
        int length = snprintf(copy, sizeof copy, "%s = %s", name, value);
        if (length >= (int)sizeof copy)
            continue;
        config_file_init(&again, copy, (size_t)length);
        REQUIRE(config_file_next(&again, &name_again, &value_again, &why) == STATUS_OK);
        REQUIRE(strcmp(name, name_again) == 0 && strcmp(value, value_again) == 0);
    }
    free(text);
    return 0;
}
