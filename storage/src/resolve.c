/* resolve.c — host names become numbers before libpq sees them; see resolve.h.
 *
 *   host=a,/run/pg,10.0.0.7 port=5432 ──▶ getaddrinfo_a(a) ──▶ host=a,a,/run/pg,10.0.0.7
 *                                                              hostaddr=10.1.0.1,10.1.0.2,,10.0.0.7
 *                                                              port=5432,5432,5432,5432 */
#include "resolve.h"

#include <arpa/inet.h>
#include <libpq-fe.h>
#include <netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HOSTS_MAX = 8, ADDRESSES_MAX = 4, LIST_BYTES = 4096, REASON = 256 };

struct conninfo_host {
    char name[256];
    char port[16];
    bool needs_look_up;
    struct gaicb *look_up; /* in the hands of the C library; NULL: none */
};

struct conninfo {
    const struct mem *mem;
    PQconninfoOption *options;
    const char *keywords[CONNINFO_MAX];
    const char *values[CONNINFO_MAX];
    unsigned count;      /* words without hosts */
    bool hosts_as_given; /* hostaddr was given: nothing to do */
    struct conninfo_host hosts[HOSTS_MAX];
    unsigned host_count;
    char host_list[LIST_BYTES];
    char address_list[LIST_BYTES];
    char port_list[LIST_BYTES];
};

static const struct {
    const char *keyword;
    const char *value;
} conninfo_defaults[] = {
    { "client_encoding", "UTF8" },
    { "application_name", "vibesync" },
    { "gssencmode", "disable" }, /* its look-ups wait */
    { "target_session_attrs", "read-write" },
    { "keepalives_idle", "10" },
    { "keepalives_interval", "5" },
    { "keepalives_count", "3" },
    { "tcp_user_timeout", "15000" },
};

static const char *conninfo_option(const struct conninfo *conninfo, const char *keyword) {
    for (const PQconninfoOption *option = conninfo->options; option->keyword != NULL; option++)
        if (strcmp(option->keyword, keyword) == 0)
            return option->val != NULL && option->val[0] != 0 ? option->val : NULL;
    return NULL;
}

/* The n-th part of a comma list; a list of one serves every n. False: there is none. */
static bool list_part(const char *list, unsigned index, char *out, size_t out_size) {
    const char *at = list;
    if (strchr(list, ',') != NULL)
        for (; index > 0; index--) {
            at = strchr(at, ',');
            if (at == NULL)
                return false;
            at++;
        }
    size_t size = strcspn(at, ",");
    if (size >= out_size)
        return false;
    memcpy(out, at, size);
    out[size] = 0;
    return true;
}

static bool host_is_literal(const char *name) {
    uint8_t address[16];
    return name[0] == '/' || name[0] == '@' || name[0] == 0 || inet_pton(AF_INET, name, address) == 1 ||
           inet_pton(AF_INET6, name, address) == 1;
}

static enum status conninfo_read_hosts(struct conninfo *conninfo, char *reason) {
    const char *hosts = conninfo_option(conninfo, "host");
    const char *addresses = conninfo_option(conninfo, "hostaddr");
    const char *ports = conninfo_option(conninfo, "port");
    if (hosts == NULL && addresses == NULL)
        hosts = getenv("PGHOST");
    if (addresses != NULL || getenv("PGHOSTADDR") != NULL || hosts == NULL || hosts[0] == 0) {
        conninfo->hosts_as_given = true;
        return STATUS_OK;
    }
    if (ports == NULL)
        ports = getenv("PGPORT");
    unsigned commas = 0;
    for (const char *at = hosts; *at != 0; at++)
        commas += *at == ',';
    if (commas + 1 > HOSTS_MAX) {
        snprintf(reason, REASON, "database URL: more than %d hosts", HOSTS_MAX);
        return STATUS_MALFORMED;
    }
    for (unsigned i = 0; i <= commas; i++) {
        struct conninfo_host *host = &conninfo->hosts[i];
        if (!list_part(hosts, i, host->name, sizeof host->name) ||
            (ports != NULL && !list_part(ports, i, host->port, sizeof host->port))) {
            snprintf(reason, REASON, "database URL: hosts and ports do not fit together");
            return STATUS_MALFORMED;
        }
        host->needs_look_up = !host_is_literal(host->name);
    }
    conninfo->host_count = commas + 1;
    return STATUS_OK;
}

enum status conninfo_create(const struct mem *mem, const char *url, char *reason, struct conninfo **out) {
    struct conninfo *conninfo = mem_zalloc(mem, sizeof *conninfo);
    if (conninfo == NULL)
        return STATUS_NO_MEMORY;
    conninfo->mem = mem;
    char *message = NULL;
    conninfo->options = PQconninfoParse(url, &message);
    if (conninfo->options == NULL) {
        /* libpq's message may repeat the URL, and with it a password: keep to our own words */
        snprintf(reason, REASON, "database URL: cannot be read as postgresql://… or as key=value");
        PQfreemem(message);
        conninfo_destroy(conninfo);
        return STATUS_MALFORMED;
    }
    enum status status = conninfo_read_hosts(conninfo, reason);
    if (status != STATUS_OK) {
        conninfo_destroy(conninfo);
        return status;
    }
    for (const PQconninfoOption *option = conninfo->options; option->keyword != NULL; option++) {
        bool of_hosts = strcmp(option->keyword, "host") == 0 || strcmp(option->keyword, "hostaddr") == 0 ||
                        strcmp(option->keyword, "port") == 0;
        if (option->val == NULL || (of_hosts && !conninfo->hosts_as_given) || conninfo->count + 16 > CONNINFO_MAX)
            continue;
        conninfo->keywords[conninfo->count] = option->keyword;
        conninfo->values[conninfo->count++] = option->val;
    }
    for (size_t i = 0; i < sizeof conninfo_defaults / sizeof conninfo_defaults[0]; i++) {
        if (conninfo_option(conninfo, conninfo_defaults[i].keyword) != NULL)
            continue;
        conninfo->keywords[conninfo->count] = conninfo_defaults[i].keyword;
        conninfo->values[conninfo->count++] = conninfo_defaults[i].value;
    }
    *out = conninfo;
    return STATUS_OK;
}

/* The C library writes into `look_up` until it is done: what cannot be cancelled is left to it. */
static void host_drop_look_up(struct conninfo_host *host) {
    struct gaicb *look_up = host->look_up;
    host->look_up = NULL;
    if (look_up == NULL || gai_cancel(look_up) == EAI_NOTCANCELED)
        return;
    if (look_up->ar_result != NULL)
        freeaddrinfo(look_up->ar_result);
    free((char *)(uintptr_t)look_up->ar_name);
    free(look_up);
}

void conninfo_forget(struct conninfo *conninfo) {
    for (unsigned i = 0; i < conninfo->host_count; i++)
        host_drop_look_up(&conninfo->hosts[i]);
}

void conninfo_destroy(struct conninfo *conninfo) {
    if (conninfo == NULL)
        return;
    conninfo_forget(conninfo);
    PQconninfoFree(conninfo->options);
    mem_free(conninfo->mem, conninfo, sizeof *conninfo);
}

static enum status host_start_look_up(struct conninfo_host *host) {
    /* malloc, not the caller's allocator: an orphan outlives everybody */
    host->look_up = calloc(1, sizeof *host->look_up);
    char *name = strdup(host->name);
    if (host->look_up != NULL && name != NULL) {
        host->look_up->ar_name = name;
        if (getaddrinfo_a(GAI_NOWAIT, &host->look_up, 1, NULL) == 0)
            return STATUS_MORE;
    }
    free(host->look_up);
    free(name);
    host->look_up = NULL;
    return STATUS_NO_MEMORY;
}

static bool list_add(char *list, const char *part, bool first) {
    size_t size = strlen(list);
    int added = snprintf(list + size, LIST_BYTES - size, "%s%s", first ? "" : ",", part);
    return added >= 0 && (size_t)added < LIST_BYTES - size;
}

static bool conninfo_add_address(struct conninfo *conninfo, const struct conninfo_host *host, const char *address, bool *first) {
    bool fits = list_add(conninfo->host_list, host->name, *first) && list_add(conninfo->address_list, address, *first) &&
                list_add(conninfo->port_list, host->port, *first);
    *first = false;
    return fits;
}

/* All look-ups are done: the three lists. */
static enum status conninfo_write_lists(struct conninfo *conninfo, char *reason) {
    bool first = true;
    bool fits = true;
    conninfo->host_list[0] = conninfo->address_list[0] = conninfo->port_list[0] = 0;
    for (unsigned i = 0; i < conninfo->host_count; i++) {
        const struct conninfo_host *host = &conninfo->hosts[i];
        if (!host->needs_look_up) {
            fits &= conninfo_add_address(conninfo, host, host->name[0] == '/' || host->name[0] == '@' ? "" : host->name, &first);
            continue;
        }
        char last[64] = "";
        unsigned count = 0;
        for (const struct addrinfo *info = host->look_up->ar_result; info != NULL && count < ADDRESSES_MAX; info = info->ai_next) {
            char address[64];
            /* one entry per socket type: the same address comes three times in a row */
            if (getnameinfo(info->ai_addr, info->ai_addrlen, address, sizeof address, NULL, 0, NI_NUMERICHOST) != 0 ||
                strcmp(address, last) == 0)
                continue;
            memcpy(last, address, sizeof last);
            fits &= conninfo_add_address(conninfo, host, address, &first);
            count++;
        }
    }
    if (first || !fits) {
        snprintf(reason, REASON, first ? "no address for the database's host" : "too many addresses for the database's hosts");
        return STATUS_UNAVAILABLE;
    }
    return STATUS_OK;
}

enum status conninfo_resolve(struct conninfo *conninfo, char *reason) {
    if (conninfo->hosts_as_given)
        return STATUS_OK;
    bool waiting = false;
    for (unsigned i = 0; i < conninfo->host_count; i++) {
        struct conninfo_host *host = &conninfo->hosts[i];
        if (!host->needs_look_up)
            continue;
        if (host->look_up == NULL && host_start_look_up(host) != STATUS_MORE) {
            snprintf(reason, REASON, "cannot look up %.100s", host->name);
            return STATUS_UNAVAILABLE;
        }
        int error = gai_error(host->look_up);
        if (error == EAI_INPROGRESS) {
            waiting = true;
        } else if (error != 0) {
            snprintf(reason, REASON, "cannot look up %.100s: %s", host->name, gai_strerror(error));
            conninfo_forget(conninfo);
            return STATUS_UNAVAILABLE;
        }
    }
    return waiting ? STATUS_MORE : conninfo_write_lists(conninfo, reason);
}

void conninfo_words(struct conninfo *conninfo, const char *const **out_keywords, const char *const **out_values) {
    unsigned count = conninfo->count;
    if (!conninfo->hosts_as_given) {
        conninfo->keywords[count] = "host";
        conninfo->values[count++] = conninfo->host_list;
        conninfo->keywords[count] = "hostaddr";
        conninfo->values[count++] = conninfo->address_list;
        conninfo->keywords[count] = "port";
        conninfo->values[count++] = conninfo->port_list;
    }
    conninfo->keywords[count] = NULL;
    conninfo->values[count] = NULL;
    *out_keywords = conninfo->keywords;
    *out_values = conninfo->values;
}
