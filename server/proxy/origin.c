/* origin.c — see origin.h. */
#include "proxy/origin.h"

#include "proxy/item.h"

#include <strings.h>

static bool origin_equal(struct bytes a, struct bytes b) {
    return a.size == b.size && (a.size == 0 || strncasecmp((const char *)a.data, (const char *)b.data, a.size) == 0);
}

/* Cuts "http://" or "https://" off; false when there is neither. */
static bool origin_scheme(struct bytes *origin, bool *out_https) {
    static const char *const schemes[] = { "http://", "https://" };
    for (int i = 0; i < 2; i++) {
        size_t size = strlen(schemes[i]);
        if (origin->size <= size || strncasecmp((const char *)origin->data, schemes[i], size) != 0)
            continue;
        *origin = bytes_of(origin->data + size, origin->size - size);
        *out_https = i == 1;
        return true;
    }
    return false;
}

/* "example.org:8440" without its port; brackets of IPv6 stay. */
static struct bytes origin_host(struct bytes host) {
    size_t size = host.size;
    while (size > 0 && host.data[size - 1] >= '0' && host.data[size - 1] <= '9')
        size--;
    return size > 0 && host.data[size - 1] == ':' ? bytes_of(host.data, size - 1) : host;
}

static bool origin_good(struct bytes item) {
    bool https;
    if (bytes_equal_text(item, "*") || bytes_equal_text(item, "null"))
        return true;
    if (!origin_scheme(&item, &https))
        return false;
    for (size_t i = 0; i < item.size; i++)
        if (item.data[i] <= ' ' || item.data[i] >= 0x7f || strchr("/?#@\\*\"", item.data[i]) != NULL)
            return false;
    return true;
}

bool origins_good(const char *list) {
    struct bytes item;
    while (item_next(&list, &item))
        if (!origin_good(item))
            return false;
    return true;
}

bool origin_allowed(const char *list, struct bytes origin, struct bytes host, bool https) {
    struct bytes item, own = origin;
    bool page_https;
    if (origin.data == NULL)
        return true;
    while (item_next(&list, &item))
        if (bytes_equal_text(item, "*") || origin_equal(item, origin))
            return true;
    if (!origin_scheme(&own, &page_https) || (https && !page_https))
        return false;
    own = origin_host(own);
    return own.size > 0 && origin_equal(own, origin_host(host));
}
