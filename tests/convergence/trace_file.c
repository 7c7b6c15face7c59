/* trace_file.c — zstd in one go: the files are small. */
#include "trace_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <zstd.h>

static void trace_die(const char *path, const char *what) {
    fprintf(stderr, "%s: %s\n", path, what);
    exit(1);
}

struct bytes trace_file_load(const char *directory, const char *name, const char *suffix) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.%s.zst", directory, name, suffix);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        trace_die(path, "cannot open");
    if (fseek(file, 0, SEEK_END) != 0)
        trace_die(path, "cannot seek");
    long packed_size = ftell(file);
    rewind(file);
    void *packed = malloc((size_t)packed_size + 1);
    if (packed == NULL || fread(packed, 1, (size_t)packed_size, file) != (size_t)packed_size)
        trace_die(path, "cannot read");
    fclose(file);
    unsigned long long size = ZSTD_getFrameContentSize(packed, (size_t)packed_size);
    if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN)
        trace_die(path, "not zstd");
    void *data = malloc((size_t)size + 1);
    if (data == NULL || ZSTD_decompress(data, (size_t)size, packed, (size_t)packed_size) != (size_t)size)
        trace_die(path, "cannot unpack");
    free(packed);
    return bytes_of(data, (size_t)size);
}

uint32_t trace_read_u32(struct bytes_reader *reader) {
    if (bytes_left(reader) < 4)
        trace_die("trace", "cut off");
    uint32_t value =
        (uint32_t)reader->at[0] | (uint32_t)reader->at[1] << 8 | (uint32_t)reader->at[2] << 16 | (uint32_t)reader->at[3] << 24;
    reader->at += 4;
    return value;
}

struct bytes trace_read_view(struct bytes_reader *reader) {
    struct bytes view;
    uint32_t size = trace_read_u32(reader);
    if (bytes_read_view(reader, size, &view) != STATUS_OK)
        trace_die("trace", "cut off");
    return view;
}
