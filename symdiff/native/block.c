/* A block of points begins at `start`. Inputs are read and outputs written where they are, but for fewer points than a
   vector has: those are copied, and the last one repeated. */

static void NAME(fill)(real *row, real value, int64_t width) {
    for (int64_t j = 0; j < width; j++) row[j] = value;
}

/* what is the same for all blocks: rows of constants, and of inputs that do not differ from point to point */
static void NAME(begin)(const Job *job, real *rows, real **outside) {
    const int64_t width = job->width;
    for (int64_t k = 0; k < job->fixed_rows; k++) NAME(fill)(rows + k * width, ((const real *)job->constants)[k], width);
    real *row = rows + job->rows * width;
    for (int64_t k = 0; k < job->inputs; k++)
        if (!job->moves[k] || job->copied) {
            outside[k] = row;
            NAME(fill)(row, ((const real *)job->from[k])[job->moves[k] ? job->points - 1 : 0], width);
            row += width;
        }
    for (int64_t k = 0; job->copied && k < job->outputs; k++, row += width) outside[job->inputs + k] = row;
}

static void NAME(steps)(const Job *job, real *rows, real *const *outside);

static void NAME(block)(const Job *job, real *rows, real **outside, int64_t start) {
    for (int64_t k = 0; k < job->inputs; k++)
        if (job->moves[k] && !job->copied) outside[k] = (real *)job->from[k] + start;
        else if (job->moves[k])
            for (int64_t j = 0; j < job->points; j++) outside[k][j] = ((const real *)job->from[k])[j];
    for (int64_t k = 0; !job->copied && k < job->outputs; k++) outside[job->inputs + k] = (real *)job->to[k] + start;
    NAME(steps)(job, rows, outside);
    for (int64_t k = 0; job->copied && k < job->outputs; k++)
        for (int64_t j = 0; j < job->points; j++) ((real *)job->to[k])[j] = outside[job->inputs + k][j];
}
