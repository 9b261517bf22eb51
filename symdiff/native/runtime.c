/* The XLA call: (code, sizes, parameters, constants, fixed, places, moving, outputs) to rows of results.

   Rows of values are blocks of points: first the inputs, then the constants, then what the code computes. `fixed` are
   inputs that are the same at all points, `moving` (places, points) those that are not. Blocks are shared out to XLA's
   threads; a point's value depends on neither the block nor the thread. The caller takes blocks too and waits for those
   that were begun only, so that a busy pool cannot lock it up. */

typedef struct {
    const int32_t *code, *places, *outputs;
    const double *parameters;
    const void *constants, *fixed, *moving;
    void **results;
    int64_t *counts;
    int64_t length, rows, inputs, fixed_constants, moved, results_count, points, width, blocks;
    int single;
    fenv_t environment;
    atomic_int_fast64_t next, done, failed, users;
} Job;

enum { CODE, SIZES, PARAMETERS, CONSTANTS, FIXED, PLACES, MOVING, OUTPUTS, ARGUMENTS };

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
        free(job->results);
        free(job->counts);
        free(job);
    }
}

static void take_blocks(Job *job) {
    void *rows = 0;
    for (;;) {
        int64_t block = atomic_fetch_add(&job->next, 1);
        if (block >= job->blocks) return;
        int begun = rows != 0;
        if (!begun) rows = scratch((size_t)job->rows * job->width * (job->single ? 4 : 8));
        if (!rows) atomic_store(&job->failed, 1);
        else if (job->single) block_f32(job, rows, block, !begun);
        else block_f64(job, rows, block, !begun);
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

/* bytes of values held at once, so that they stay in the cache; points of a block at most; steps times points
   from which a second thread pays */
#define CACHE_BYTES (1 << 24)
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
    job->fixed = given[FIXED]->data;
    job->places = given[PLACES]->data;
    job->moving = given[MOVING]->data;
    job->outputs = given[OUTPUTS]->data;
    job->length = sizes[0];
    job->rows = sizes[1];
    job->inputs = size_of(given[FIXED]);
    job->fixed_constants = size_of(given[CONSTANTS]);
    job->moved = size_of(given[PLACES]);
    job->points = points;
    job->single = given[FIXED]->dtype == XLA_FFI_DataType_F32;
    job->results_count = frame->rets.size;
    job->results = malloc(sizeof(void *) * frame->rets.size);
    job->counts = malloc(sizeof(int64_t) * frame->rets.size);
    fegetenv(&job->environment);
    atomic_store(&job->users, 1);
    if (!job->results || !job->counts) {
        leave(job);
        return failure(frame, "no memory");
    }
    for (int64_t k = 0; k < frame->rets.size; k++) {
        job->results[k] = found[k]->data;
        job->counts[k] = size_of(found[k]) / points;
    }
    int64_t lanes = job->single ? 16 : 8, size = job->single ? 4 : 8, width = lanes;
    while (width < WIDEST && 2 * width * job->rows * size <= CACHE_BYTES && width < points) width *= 2;
    job->width = width;
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
