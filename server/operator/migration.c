/* migration.c — vibesyncd migrate: brings a database to this program's schema. */
#include "operator/operator.h"
#include "store/migrate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void migrate_say(void *context, const char *line) {
    (void)context;
    printf("%s\n", line);
    fflush(stdout);
}

int operator_migrate(int count, char **arguments) {
    struct migrate_options options = {
        .url = getenv("VIBESYNC_DATABASE"),
        .server_password = getenv("VIBESYNC_SERVER_PASSWORD"),
        .say = migrate_say,
    };
    struct migrate_report report = { 0 };
    for (int i = 0; i < count; i++) {
        const char *argument = arguments[i], *value;
        if (strcmp(argument, "--help") == 0) {
            printf("usage: vibesyncd migrate --database URL [--server-role NAME]\n");
            return OPERATOR_OK;
        }
        if ((value = operator_option(count, arguments, &i, "--database")) != NULL)
            options.url = value;
        else if ((value = operator_option(count, arguments, &i, "--server-role")) != NULL)
            options.server_role = value;
        else {
            fprintf(stderr, "vibesyncd: migrate takes --database and --server-role, not \"%s\"\n", argument);
            return OPERATOR_USAGE;
        }
        if (value[0] == '\0') {
            fprintf(stderr, "vibesyncd: %s needs a value\n", argument);
            return OPERATOR_USAGE;
        }
    }
    if (options.url == NULL || options.url[0] == '\0') {
        fprintf(stderr, "vibesyncd: migrate needs --database URL, the URL of the schema's owner\n");
        return OPERATOR_USAGE;
    }
    enum status status = migrate_run(&options, &report);
    if (status != STATUS_OK) {
        fprintf(stderr, "vibesyncd: %s\n", report.message[0] != '\0' ? report.message : status_sentence(status));
        return OPERATOR_FAILED;
    }
    printf("the database is at version %u (%u applied now)\n", report.version, report.applied);
    return OPERATOR_OK;
}
