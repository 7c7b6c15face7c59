/* config_print.c — see config_print.h. */
#include "config_print.h"

#include "config_row.h"

/* "1 to 64 threads", "" for a text */
static void config_print_range(const struct config_row *row, char out[96]) {
    snprintf(out, 96, "%llu to %llu%s%s", (unsigned long long)row->least, (unsigned long long)row->most,
             row->unit[0] != '\0' ? " " : "", row->unit);
}

static void config_default(const struct config_row *row, char out[CONFIG_VALUE_MAX]) {
    struct config config = { 0 };
    config_row_set_default(row, &config);
    char buffer[24];
    snprintf(out, CONFIG_VALUE_MAX, "%s", config_row_value(row, &config, buffer));
}

void config_print_help(FILE *out) {
    for (size_t i = 0; i < CONFIG_ROWS; i++) {
        const struct config_row *row = &config_rows[i];
        char name[CONFIG_NAME_MAX], value[CONFIG_VALUE_MAX], range[96];
        config_row_name(row, name);
        config_default(row, value);
        config_print_range(row, range);
        fprintf(out, "  --%-22s %s\n", name, row->meaning);
        if (row->kind == CONFIG_KIND_NUMBER)
            fprintf(out, "  %-24s %s (%s)\n", "", value, range);
        else if (row->kind == CONFIG_KIND_TEXT && value[0] != '\0')
            fprintf(out, "  %-24s %s\n", "", value);
    }
}

/* A line that begins with a dot or a quote would be a request to roff; none of our texts has a backslash. */
void config_print_manual(FILE *out) {
    static const char *const arguments[] = { "text", "number", "" };
    for (size_t i = 0; i < CONFIG_ROWS; i++) {
        const struct config_row *row = &config_rows[i];
        char name[CONFIG_NAME_MAX], value[CONFIG_VALUE_MAX], range[96];
        config_row_name(row, name);
        config_default(row, value);
        config_print_range(row, range);
        fprintf(out, ".It Fl -%s%s%s\n", name, row->kind == CONFIG_KIND_SWITCH ? "" : " Ar ", arguments[row->kind]);
        fprintf(out, "%s%s.\n", row->meaning[0] == '.' || row->meaning[0] == '\'' ? "\\&" : "", row->meaning);
        if (row->kind == CONFIG_KIND_NUMBER)
            fprintf(out, "%s; default: %s.\n", range, value);
        else if (row->kind == CONFIG_KIND_TEXT && value[0] != '\0')
            fprintf(out, "Default: %s.\n", value);
        if (!row->reloads)
            fprintf(out, "A change needs a restart.\n");
    }
}

void config_print_example(FILE *out) {
    fprintf(out,
            "# vibesyncd.conf: the settings of vibesyncd serve --config FILE, all with their defaults. See vibesyncd(8).\n"
            "#\n"
            "# name = value, one a line; the value is the rest of the line. Flags and the environment beat this file.\n"
            "# vibesyncd config check --config FILE says what is wrong with it. SIGHUP makes a running server read it again.\n");
    for (size_t i = 0; i < CONFIG_ROWS; i++) {
        const struct config_row *row = &config_rows[i];
        char name[CONFIG_NAME_MAX], value[CONFIG_VALUE_MAX], range[96];
        if (i == CONFIG_ROW_config)
            continue;
        config_row_name(row, name);
        config_default(row, value);
        config_print_range(row, range);
        fprintf(out, "\n# %s%s%s%s%s\n#%s =%s%s\n", row->meaning, row->kind == CONFIG_KIND_TEXT ? "" : " (",
                row->kind == CONFIG_KIND_TEXT ? "" : range, row->kind == CONFIG_KIND_TEXT ? "" : ")",
                row->reloads ? "" : "; a change needs a restart", name, value[0] != '\0' ? " " : "", value);
    }
}

void config_print_show(FILE *out, const struct config_reading *reading) {
    for (size_t i = 0; i < CONFIG_ROWS; i++) {
        const struct config_row *row = &config_rows[i];
        const struct config_origin *origin = &reading->origins[i];
        char name[CONFIG_NAME_MAX], value[CONFIG_VALUE_MAX], from[CONFIG_NAME_MAX];
        config_row_name(row, name);
        config_row_show(row, &reading->config, value);
        fprintf(out, "%-26s %-40s ", name, value);
        if (origin->source == CONFIG_DEFAULT)
            fprintf(out, "default\n");
        else if (origin->source == CONFIG_FILE)
            fprintf(out, "%s:%u\n", reading->config.config, origin->line);
        else if (origin->source == CONFIG_ENVIRONMENT) {
            config_row_variable(row, from);
            fprintf(out, "%s\n", from);
        } else
            fprintf(out, "--%s\n", name);
    }
}
