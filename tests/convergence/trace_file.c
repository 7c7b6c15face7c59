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
    return trace_file_read(path);
}

struct bytes trace_file_read(const char *path) {
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

size_t trace_file_patches(struct bytes file, struct trace_patch **out) {
    struct bytes_reader reader = bytes_reader(file);
    struct bytes magic;
    if (bytes_read_view(&reader, 4, &magic) != STATUS_OK || !bytes_equal_text(magic, "TRSQ") || trace_read_u32(&reader) != 1)
        trace_die("trace", "not one writer's patches");
    size_t count = trace_read_u32(&reader);
    if (count > bytes_left(&reader))
        trace_die("trace", "cut off");
    struct trace_patch *patches = calloc(count + 1, sizeof *patches);
    if (patches == NULL)
        trace_die("trace", "no memory");
    for (size_t i = 0; i < count; i++) {
        patches[i].position = trace_read_u32(&reader);
        patches[i].deleted = trace_read_u32(&reader);
        patches[i].inserted = trace_read_view(&reader);
    }
    *out = patches;
    return count;
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
