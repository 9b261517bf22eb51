/* The XLA call: (code, sizes, parameters, constants, fixed, places, moving) to rows of results.

   Rows of values are blocks of points: first the constants, then what the code computes. `fixed` are inputs,
   and `moving` those among them, at `places`, that differ from point to point: rows of points, or the addresses of
   such rows. Blocks are shared out to XLA's threads; a point's value depends on neither the block nor the thread. The
   caller takes blocks too and waits for those that were begun only, so that a busy pool cannot lock it up. */

typedef struct {
    const int32_t *code;
    const double *parameters;
    const void *constants;
    const void **from;
    void **to;
    char *moves;
    int64_t length, rows, fixed_rows, inputs, outputs, points, width, blocks, bytes;
    int single, copied;
    fenv_t environment;
    atomic_int_fast64_t next, done, failed, users;
} Job;

enum { CODE, SIZES, PARAMETERS, CONSTANTS, FIXED, PLACES, MOVING, ARGUMENTS };

/* kept from call to call, so that the pages need not be mapped again */
static __thread void *kept;
static __thread size_t kept_bytes;

static void *scratch(size_t bytes) {
    if (bytes > kept_bytes) {
        free(kept);
        bytes = (bytes + 4095) / 4096 * 4096;
        kept = aligned_alloc(4096, bytes);
        kept_bytes = kept ? bytes : 0;
    }
    return kept;
}

static void leave(Job *job) {
    if (atomic_fetch_sub(&job->users, 1) == 1) {
        free(job->from);
        free(job->to);
        free(job->moves);
        free(job);
    }
}

static void take_blocks(Job *job) {
    char *rows = 0, **outside = 0;
    for (;;) {
        int64_t block = atomic_fetch_add(&job->next, 1);
        if (block >= job->blocks) return;
        if (!rows) {
            rows = scratch(job->bytes + sizeof(void *) * (job->inputs + job->outputs));
            outside = (char **)(rows + job->bytes);
            if (rows && job->single) begin_f32(job, (void *)rows, (void *)outside);
            if (rows && !job->single) begin_f64(job, (void *)rows, (void *)outside);
        }
        /* the last block begins where it is full, and computes some points again */
        int64_t last = job->points > job->width ? job->points - job->width : 0, start = block * job->width;
        start = start < last ? start : last;
        if (!rows) atomic_store(&job->failed, 1);
        else if (job->single) block_f32(job, (void *)rows, (void *)outside, start);
        else block_f64(job, (void *)rows, (void *)outside, start);
        atomic_fetch_add(&job->done, 1);
    }
}

static void helper(void *data) {
    fenv_t own;
    fegetenv(&own);
    /* as XLA has it where it calls, subnormal numbers flushed or not */
    fesetenv(&((Job *)data)->environment);
    take_blocks(data);
    fesetenv(&own);
    leave(data);
}

static XLA_FFI_Error *failure(XLA_FFI_CallFrame *frame, const char *message) {
    XLA_FFI_Error_Create_Args args = {0};
    args.struct_size = XLA_FFI_Error_Create_Args_STRUCT_SIZE;
    args.message = message;
    args.errc = XLA_FFI_Error_Code_RESOURCE_EXHAUSTED;
    return frame->api->XLA_FFI_Error_Create(&args);
}

static void drop(XLA_FFI_CallFrame *frame, XLA_FFI_Error *error) {
    XLA_FFI_Error_Destroy_Args args = {0};
    args.struct_size = XLA_FFI_Error_Destroy_Args_STRUCT_SIZE;
    args.error = error;
    frame->api->XLA_FFI_Error_Destroy(&args);
}

static int64_t threads(XLA_FFI_CallFrame *frame) {
    int64_t found = 1;
    XLA_FFI_ThreadPool_NumThreads_Args args = {0};
    args.struct_size = XLA_FFI_ThreadPool_NumThreads_Args_STRUCT_SIZE;
    args.ctx = frame->ctx;
    args.num_threads = &found;
    XLA_FFI_Error *error = frame->api->XLA_FFI_ThreadPool_NumThreads(&args);
    if (!error) return found;
    drop(frame, error);
    return 1;
}

static int64_t size_of(const XLA_FFI_Buffer *buffer) {
    int64_t size = 1;
    for (int64_t axis = 0; axis < buffer->rank; axis++) size *= buffer->dims[axis];
    return size;
}

/* bytes of values held at once: in the second cache, but for narrow blocks, in which finding the next step counts more;
   points of a block at most; steps times points from which a second thread pays */
#define CACHE_BYTES (1 << 20)
#define LAST_CACHE_BYTES (1 << 24)
#define NARROW 64
#define WIDEST 256
#define SHARED_WORK 200000

XLA_FFI_Error *symdiff_run(XLA_FFI_CallFrame *frame) {
    if (frame->extension_start && frame->extension_start->type == XLA_FFI_Extension_Metadata) {
        XLA_FFI_Metadata *metadata = ((XLA_FFI_Metadata_Extension *)frame->extension_start)->metadata;
        metadata->api_version.major_version = XLA_FFI_API_MAJOR;
        metadata->api_version.minor_version = XLA_FFI_API_MINOR;
        return 0;
    }
    if (frame->args.size != ARGUMENTS || frame->rets.size < 1) return failure(frame, "wrong number of buffers");
    XLA_FFI_Buffer **given = (XLA_FFI_Buffer **)frame->args.args, **found = (XLA_FFI_Buffer **)frame->rets.rets;
    int64_t points = found[0]->rank ? found[0]->dims[found[0]->rank - 1] : 1;
    if (!points) return 0;
    Job *job = calloc(1, sizeof(Job));
    if (!job) return failure(frame, "no memory");
    const int32_t *sizes = given[SIZES]->data;
    job->code = given[CODE]->data;
    job->parameters = given[PARAMETERS]->data;
    job->constants = given[CONSTANTS]->data;
    job->fixed_rows = size_of(given[CONSTANTS]);
    job->length = sizes[0];
    job->rows = sizes[1];
    job->points = points;
    job->single = given[FIXED]->dtype == XLA_FFI_DataType_F32;
    fegetenv(&job->environment);
    atomic_store(&job->users, 1);
    const int64_t size = job->single ? 4 : 8, lanes = 64 / size;
    const int64_t inputs = size_of(given[FIXED]), moving = size_of(given[PLACES]);
    int64_t outputs = 0;
    for (int64_t r = 0; r < frame->rets.size; r++) outputs += size_of(found[r]) / points;
    job->inputs = inputs;
    job->outputs = outputs;
    job->from = malloc(sizeof(void *) * (inputs + 1));
    job->to = malloc(sizeof(void *) * (outputs + 1));
    job->moves = calloc(inputs + 1, 1);
    if (!job->from || !job->to || !job->moves) {
        leave(job);
        return failure(frame, "no memory");
    }
    for (int64_t k = 0; k < inputs; k++) job->from[k] = (char *)given[FIXED]->data + k * size;
    const int by_address = given[MOVING]->dtype == XLA_FFI_DataType_S64;
    for (int64_t k = 0; k < moving; k++) {
        const int32_t place = ((const int32_t *)given[PLACES]->data)[k];
        const char *rows = given[MOVING]->data;
        job->from[place] = by_address ? (const void *)(intptr_t)((const int64_t *)rows)[k] : rows + k * points * size;
        job->moves[place] = 1;
    }
    for (int64_t r = 0, k = 0; r < frame->rets.size; r++)
        for (int64_t row = 0; row < size_of(found[r]) / points; row++, k++)
            job->to[k] = (char *)found[r]->data + row * points * size;
    job->copied = points < lanes;
    const int64_t rows = job->rows + (job->copied ? inputs + outputs : inputs - moving);
    int64_t width = lanes;
    while (2 * width <= WIDEST && 2 * width <= points &&
           2 * width * rows * size <= (width < NARROW ? LAST_CACHE_BYTES : CACHE_BYTES))
        width *= 2;
    job->width = width;
    job->bytes = rows * width * size;
    job->blocks = (points + width - 1) / width;
    int64_t helpers = 0;
    if (job->blocks > 1 && job->length * points > SHARED_WORK) {
        helpers = threads(frame) - 1;
        helpers = helpers < job->blocks - 1 ? helpers : job->blocks - 1;
    }
    for (int64_t k = 0; k < helpers; k++) {
        XLA_FFI_ThreadPool_Schedule_Args args = {0};
        args.struct_size = XLA_FFI_ThreadPool_Schedule_Args_STRUCT_SIZE;
        args.ctx = frame->ctx;
        args.task = helper;
        args.data = job;
        atomic_fetch_add(&job->users, 1);
        XLA_FFI_Error *error = frame->api->XLA_FFI_ThreadPool_Schedule(&args);
        if (error) {
            drop(frame, error);
            atomic_fetch_sub(&job->users, 1);
            break;
        }
    }
    take_blocks(job);
    while (atomic_load(&job->done) < job->blocks) sched_yield();
    int failed = atomic_load(&job->failed) != 0;
    leave(job);
    return failed ? failure(frame, "no memory for the values of one block of points; take method='tape'") : 0;
}
