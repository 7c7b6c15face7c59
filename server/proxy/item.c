/* item.c — see item.h. */
#include "proxy/item.h"

bool item_next(const char **at, struct bytes *out) {
    if (*at == NULL || (*at)[strspn(*at, " \t")] == '\0')
        return false;
    const char *begin = *at + strspn(*at, " \t");
    size_t size = strcspn(begin, ",");
    *at = begin[size] == ',' ? begin + size + 1 : NULL;
    while (size > 0 && (begin[size - 1] == ' ' || begin[size - 1] == '\t'))
        size--;
    *out = bytes_of(begin, size);
    return true;
}
