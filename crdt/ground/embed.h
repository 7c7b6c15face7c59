/* embed.h — files that the build puts into a program (rules.cmake, embed_files). */
#ifndef GROUND_EMBED_H
#define GROUND_EMBED_H

#include <stddef.h>

struct embedded_file {
    const char *path;          /* relative to the folder whose CMakeLists.txt names it; NULL ends the table */
    const unsigned char *data; /* followed by one NUL that `size` does not count */
    size_t size;
};

#endif
