/* work.c — see work.h. */
#include "loop/work.h"

#include "loop_uv.h"

struct loop_work {
    uv_work_t uv;
    loop_fn run;
    loop_fn done;
    void *context;
};

static void loop_work_on_run(uv_work_t *uv) {
    struct loop_work *work = uv->data;
    work->run(work->context);
}

static void loop_work_on_done(uv_work_t *uv, int cancelled) {
    struct loop_work *work = uv->data;
    (void)cancelled; /* nobody does */
    work->done(work->context);
    mem_free(&mem_default, work, sizeof *work);
}

enum status loop_work(struct loop *loop, loop_fn run, loop_fn done, void *context) {
    struct loop_work *work = mem_zalloc(&mem_default, sizeof *work);
    if (work == NULL)
        return STATUS_NO_MEMORY;
    *work = (struct loop_work){ .run = run, .done = done, .context = context };
    work->uv.data = work;
    if (uv_queue_work(&loop->uv, &work->uv, loop_work_on_run, loop_work_on_done) == 0)
        return STATUS_OK;
    mem_free(&mem_default, work, sizeof *work);
    return STATUS_NO_MEMORY;
}
