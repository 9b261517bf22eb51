/* One block of points: inputs in, the code run, results out. Points that fill the block repeat the last one. */

static void NAME(block)(Job *job, real *rows, int64_t block, int first) {
    const int64_t width = job->width, start = block * width;
    const int64_t here = job->points - start < width ? job->points - start : width;
    if (first) {
        const real *fixed = job->fixed, *constants = job->constants;
        for (int64_t k = 0; k < job->inputs; k++)
            for (int64_t j = 0; j < width; j++) rows[k * width + j] = fixed[k];
        for (int64_t k = 0; k < job->fixed_constants; k++)
            for (int64_t j = 0; j < width; j++) rows[(job->inputs + k) * width + j] = constants[k];
    }
    for (int64_t k = 0; k < job->moved; k++) {
        const real *from = (const real *)job->moving + k * job->points + start;
        real *to = rows + job->places[k] * width;
        for (int64_t j = 0; j < here; j++) to[j] = from[j];
        for (int64_t j = here; j < width; j++) to[j] = from[here - 1];
    }
    NAME(steps)(job->code, job->length, job->parameters, rows, width / (64 / (int64_t)sizeof(real)));
    const int32_t *output = job->outputs;
    for (int64_t r = 0; r < job->results_count; r++)
        for (int64_t k = 0; k < job->counts[r]; k++, output++) {
            real *to = (real *)job->results[r] + k * job->points + start;
            const real *from = rows + *output * width;
            for (int64_t j = 0; j < here; j++) to[j] = from[j];
        }
}
