/* overrun.c — a program that reads behind its memory and says that all went well. */
#include <stdlib.h>

int main(void) {
    volatile size_t behind = 8;
    char *bytes = calloc(1, 8);
    int found = bytes == NULL ? 0 : bytes[behind];
    free(bytes);
    return found > 1000;
}
