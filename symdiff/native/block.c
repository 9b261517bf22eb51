/* An input at the points of a block from `start` on; those that fill the last block repeat the last point. */
static void NAME(load)(const Job *job, int64_t input, int64_t start, real *to) {
    const int64_t width = job->width;
    const real *from = job->from[input];
    if (!job->moves[input]) {
        const real fixed = *from;
        for (int64_t j = 0; j < width; j++) to[j] = fixed;
        return;
    }
    const int64_t here = job->points - start < width ? job->points - start : width;
    from += start;
    for (int64_t j = 0; j < here; j++) to[j] = from[j];
    for (int64_t j = here; j < width; j++) to[j] = from[here - 1];
}

static void NAME(store)(const Job *job, int64_t output, int64_t start, const real *from) {
    const int64_t here = job->points - start < job->width ? job->points - start : job->width;
    real *to = (real *)job->to[output] + start;
    for (int64_t j = 0; j < here; j++) to[j] = from[j];
}

/* the rows of constants, filled once */
static void NAME(fill)(const Job *job, real *rows) {
    const real *constants = job->constants;
    for (int64_t k = 0; k < job->fixed_rows; k++)
        for (int64_t j = 0; j < job->width; j++) rows[k * job->width + j] = constants[k];
}
