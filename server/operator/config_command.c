/* config_command.c — `vibesyncd config check|show|example`: the settings that `serve` would run with, without running it. */
#include "access/token.h"
#include "config_print.h"
#include "loop/tls.h"
#include "operator/operator.h"

static void config_command_say(void *context, const char *error) {
    (void)context;
    fprintf(stderr, "vibesyncd: %s\n", error);
}

static void config_command_check_token(const char *flag, const char *file, struct config_errors *errors) {
    uint8_t hash[TOKEN_HASH_BYTES];
    char why[512] = "";
    if (file[0] != '\0' && token_hash_file(file, hash, why, sizeof why) != STATUS_OK)
        config_error(errors, "%s: %s", flag, why);
}

/* What a value names must be there, too. */
static void config_command_check(const struct config *config, struct config_errors *errors) {
    if (config->database[0] == '\0')
        config_error(errors, "serve needs --database URL, the URL of the server's own role");
    config_command_check_token("--admin-token-file", config->admin_token_file, errors);
    char why[TLS_ERROR_MAX];
    struct tls_context *tls = NULL;
    if (config->tls_cert[0] != '\0' && config->tls_key[0] != '\0' &&
        tls_context_create(config->tls_cert, config->tls_key, why, &tls) != STATUS_OK)
        config_error(errors, "%s", why);
    tls_context_release(tls);
    config_command_check_token("--metrics-token-file", config->metrics_token_file, errors);
}

int operator_config(int count, char **arguments) {
    const char *verb = count > 0 ? arguments[0] : "";
    bool check = strcmp(verb, "check") == 0, show = strcmp(verb, "show") == 0;
    if (strcmp(verb, "example") == 0 && count == 1) {
        config_print_example(stdout);
        return OPERATOR_OK;
    }
    if (!check && !show) {
        fprintf(stderr, "usage: vibesyncd config check|show [settings]\n"
                        "       vibesyncd config example\n");
        return OPERATOR_USAGE;
    }
    struct config_errors errors = { .say = config_command_say };
    struct config_reading reading;
    config_read(&reading, count - 1, arguments + 1, &errors);
    if (check)
        config_command_check(&reading.config, &errors);
    else
        config_print_show(stdout, &reading);
    config_reading_finish(&reading);
    if (check && errors.count == 0)
        printf("the settings are good\n");
    return errors.count == 0 ? OPERATOR_OK : OPERATOR_FAILED;
}
