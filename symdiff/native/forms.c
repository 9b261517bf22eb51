/* Functions of C forms in the function table that libm lacks, in the type `real`; C(x) is a constant of it.
   The forms are those of symdiff/forms/elementary.py. Both branches of a choice are computed, so that loops vectorise. */

static inline real sign_(real u) { return u > 0 ? C(1) : u < 0 ? C(-1) : u; }

/* NaN where an operand is */
static inline real maximum_(real u, real v) { return (u > v) | (u != u) ? u : v; }
static inline real minimum_(real u, real v) { return (u < v) | (u != u) ? u : v; }

/* 1 where u is larger, 0 where v is, the middle of the subgradient at a tie */
static inline real tie_(real u, real v, real y) { return y != y ? y : u > v ? C(1) : u == v ? C(0.5) : C(0); }

static inline real square_(real u) { return u * u; }

/* u**n, 0 <= n < 16, by squaring */
static inline real whole_power_(real u, int n) {
    real square = u * u, fourth = square * square, eighth = fourth * fourth;
    real found = n & 1 ? u : C(1);
    found = n & 2 ? found * square : found;
    found = n & 4 ? found * fourth : found;
    return n & 8 ? found * eighth : found;
}

static inline real sigmoid_(real u) {
    real e = exp(-fabs(u));
    return (u >= 0 ? C(1) : e) / (1 + e);
}
/* its derivative */
static inline real bell_(real u) {
    real e = exp(-fabs(u));
    return e / ((1 + e) * (1 + e));
}

static inline real sech_(real u) {
    real e = exp(-fabs(u));
    return 2 * e / (1 + e * e);
}
static inline real csch_(real u) {
    return copysign(-2 * exp(-fabs(u)) / expm1(-2 * fabs(u)), u);
}

/* rational about 0 (Cephes, Moshier 1989), by exp(-2*|u|) outside */
static inline real tanh_(real u) {
    real e = exp(-2 * fabs(u)), z = u * u;
    real p = (C(-9.64399179425052238628e-1) * z + C(-9.92877231001918586564e1)) * z + C(-1.61468768441708447952e3);
    real q = ((z + C(1.12811678491632931402e2)) * z + C(2.23548839060100448583e3)) * z + C(4.84406305325125486048e3);
    real near = u + u * z * (p / q), far = (1 - e) * (1 / (1 + e));
    return copysign(fabs(u) < C(0.625) ? near : far, u);
}
/* its derivative, sech(u)**2 */
static inline real tanh_slope_(real u) {
    real e = exp(-2 * fabs(u)), r = 1 / (1 + e);
    return 4 * e * r * r;
}

static inline real softplus_(real u) { return maximum_(u, C(0)) + log1p(exp(-fabs(u))); }

static inline real logaddexp_(real u, real v) {
    real gap = u == v ? C(0) : u - v;
    return maximum_(u, v) + log1p(exp(-fabs(gap)));
}

/* sqrt(1 - u**2), and |u|*sqrt(u**2 - 1) */
static inline real circle_(real u) { return sqrt((1 - u) * (1 + u)); }
static inline real beyond_(real u) { return fabs(u) * (sqrt(fabs(u) - 1) * sqrt(fabs(u) + 1)); }

static inline real acot_(real u) { return atan(1 / (u + C(0))); }

static inline real direction_(real u, real v) { return u / hypot(u, v); }

/* the remainder with the sign of v */
static inline real modulo_(real u, real v) {
    real r = fmod(u, v);
    return r == 0 ? copysign(r, v) : (r < 0) != (v < 0) ? r + v : r;
}

static inline real cosm1_(real u) {
    real half = sin(u / 2);
    return -2 * (half * half);
}

/* j_n(u)/u**n: its power series up to |u| = 2 + n (DLMF 10.53.1), the upward recurrence beyond */
static real reduced_sinc_(real u, int n) {
    real edge = 2 + n, near = fabs(u) < edge ? u : C(0), outer = fabs(u) < edge ? C(1) : u;
    double term = 1, square = -0.5 * (double)near * (double)near;
    for (int k = 3; k <= 2 * n + 1; k += 2) term /= k;
    double series = term;
    for (int k = 1; k < 60 + 2 * n && fabs(term) > 1e-19 * fabs(series); k++) {
        term *= square / (k * (2.0 * (n + k) + 1));
        series += term;
    }
    real before = cos_apart(outer), current = sin(outer) / outer;
    for (int order = 0; order < n; order++) {
        real next = ((2 * order + 1) * current - before) / outer / outer;
        before = current;
        current = next;
    }
    return fabs(u) < edge ? (real)series : current + (u - u);
}
static real sinc_slope_(real u, real y) {
    return fabs(u) < 3 ? -u * reduced_sinc_(u, 1) : (cos_apart(u) - y) / u;
}

/* digamma: reflection, recurrence to 10 and above, then its asymptotic series (DLMF 5.5.2, 5.5.4, 5.11.2) */
static real digamma_(real x) {
    double u = x, found = 0;
    if (u == 0) return (real)copysign(INFINITY, -u);
    if (u < 0 && u == floor(u)) return (real)NAN;
    if (u < 0) {
        found = -M_PI / tan(M_PI * (u - rint(u)));
        u = 1 - u;
    }
    while (u < 10) {
        found -= 1 / u;
        u += 1;
    }
    double w = 1 / (u * u);
    double tail = w * (1.0 / 12 - w * (1.0 / 120 - w * (1.0 / 252 - w * (1.0 / 240 - w * (1.0 / 132 -
        w * (691.0 / 32760 - w * (1.0 / 12 - w * (3617.0 / 8160))))))));
    return (real)(found + (log(u) - 0.5 / u - tail));
}
