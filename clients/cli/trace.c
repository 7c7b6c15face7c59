#include "trace.h"

#include "ground/utf.h"

static uint32_t little_endian(const uint8_t *at) {
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static enum status read_number(struct bytes_reader *reader, uint32_t *out) {
    struct bytes view;
    enum status status = bytes_read_view(reader, 4, &view);
    if (status == STATUS_OK)
        *out = little_endian(view.data);
    return status;
}

static enum status read_patch(struct bytes_reader *reader, struct trace_patch *out) {
    uint32_t size = 0;
    enum status status = read_number(reader, &out->position);
    if (status == STATUS_OK)
        status = read_number(reader, &out->deleted);
    if (status == STATUS_OK)
        status = read_number(reader, &size);
    if (status == STATUS_OK)
        status = bytes_read_view(reader, size, &out->text);
    return status == STATUS_OK && !utf_check(out->text, NULL) ? STATUS_MALFORMED : status;
}

static enum status read_sequential(struct bytes_reader *reader, struct trace *trace) {
    trace->agent_count = 1;
    for (uint32_t i = 0; i < trace->step_count; i++) {
        enum status status = read_patch(reader, &trace->patches[i]);
        if (status != STATUS_OK)
            return status;
        trace->steps[i] = (struct trace_step){ .parent = i, .parent_count = i > 0 ? 1 : 0, .patch = i, .patch_count = 1 };
        trace->parents[i] = i > 0 ? i - 1 : 0;
    }
    trace->patch_count = trace->step_count;
    return STATUS_OK;
}

static enum status read_concurrent(struct bytes_reader *reader, struct trace *trace) {
    uint32_t parents = 0, patches = 0;
    for (uint32_t i = 0; i < trace->step_count; i++) {
        struct trace_step *step = &trace->steps[i];
        enum status status = read_number(reader, &step->agent);
        if (status == STATUS_OK)
            status = read_number(reader, &step->parent_count);
        if (status != STATUS_OK)
            return status;
        if (step->agent >= trace->agent_count || step->parent_count > bytes_left(reader) / 4)
            return STATUS_MALFORMED;
        step->parent = parents;
        for (uint32_t p = 0; p < step->parent_count; p++) {
            (void)read_number(reader, &trace->parents[parents]);
            if (trace->parents[parents++] >= i)
                return STATUS_MALFORMED;
        }
        status = read_number(reader, &step->patch_count);
        if (status != STATUS_OK)
            return status;
        if (step->patch_count > bytes_left(reader) / 12)
            return STATUS_MALFORMED;
        step->patch = patches;
        for (uint32_t p = 0; p < step->patch_count; p++)
            if ((status = read_patch(reader, &trace->patches[patches++])) != STATUS_OK)
                return status;
    }
    trace->patch_count = patches;
    return STATUS_OK;
}

enum status trace_read(struct bytes bytes, struct trace *out) {
    struct bytes_reader reader = bytes_reader(bytes);
    struct bytes magic;
    uint32_t version;
    *out = (struct trace){ 0 };
    if (bytes_read_view(&reader, 4, &magic) != STATUS_OK || read_number(&reader, &version) != STATUS_OK || version != 1 ||
        read_number(&reader, &out->step_count) != STATUS_OK)
        return STATUS_MALFORMED;
    out->concurrent = bytes_equal_text(magic, "TRCC");
    if (!out->concurrent && !bytes_equal_text(magic, "TRSQ"))
        return STATUS_MALFORMED;
    if (out->concurrent &&
        (read_number(&reader, &out->agent_count) != STATUS_OK || out->agent_count == 0 || out->agent_count > TRACE_AGENTS_MAX))
        return STATUS_MALFORMED;
    /* The least that each step, patch and parent takes bounds what a count may claim. */
    size_t left = bytes_left(&reader);
    if (out->step_count > left / 12)
        return STATUS_MALFORMED;
    out->steps_bytes = ((size_t)out->step_count + 1) * sizeof *out->steps;
    out->patches_bytes = (left / 12 + 1) * sizeof *out->patches;
    out->parents_bytes = (left / 4 + 1) * sizeof *out->parents;
    out->steps = mem_alloc(&mem_default, out->steps_bytes);
    out->patches = mem_alloc(&mem_default, out->patches_bytes);
    out->parents = mem_alloc(&mem_default, out->parents_bytes);
    enum status status = !out->steps || !out->patches || !out->parents ? STATUS_NO_MEMORY
                         : out->concurrent                             ? read_concurrent(&reader, out)
                                                                       : read_sequential(&reader, out);
    if (status == STATUS_OK && bytes_left(&reader) > 0)
        status = STATUS_MALFORMED;
    if (status != STATUS_OK)
        trace_finish(out);
    return status;
}

void trace_finish(struct trace *trace) {
    mem_free(&mem_default, trace->steps, trace->steps_bytes);
    mem_free(&mem_default, trace->patches, trace->patches_bytes);
    mem_free(&mem_default, trace->parents, trace->parents_bytes);
    *trace = (struct trace){ 0 };
}
