/* Functions of C forms in the function table that libm lacks, in the type `real`; C(x) is a constant of it.
   The forms are those of symdiff/forms/elementary.py. Both branches of a choice are computed, so that loops vectorise. */

static inline real sign_(real u) { return u > 0 ? C(1) : u < 0 ? C(-1) : u; }

/* NaN where an operand is */
static inline real maximum_(real u, real v) { return (u > v) | (u != u) ? u : v; }
static inline real minimum_(real u, real v) { return (u < v) | (u != u) ? u : v; }

/* 1 where u is larger, 0 where v is, the middle of the subgradient at a tie */
static inline real tie_(real u, real v, real y) { return y != y ? y : u > v ? C(1) : u == v ? C(0.5) : C(0); }

/* sin(u + shift*pi/2) for |u| <= FAR in float64: pi/2 in three parts (Cody and Waite 1980), of which the first comes off
   exactly, then fdlibm's polynomials, which take the remainder in two parts. glibc's vectors are up to 3.2 units off. */
#define FAR 1e8
static inline real wave_near_(real u, int shift) {
#if defined(__FMA__) || defined(__aarch64__)
    if (sizeof(real) == 8) {
        double k = rint(u * 6.36619772367581382433e-01), first = fma(-k, 1.57079632679489655800e+00, u);
        double w = k * 6.12323399573676603587e-17, x = first - w, back = x - first;
        double y = (first - (x - back)) - (w + back) - fma(k, 6.12323399573676603587e-17, -w) + k * 1.49738490485916983e-33;
        double z = x * x, v = z * x;
        double s = 8.33333333332248946124e-03 + z * (-1.98412698298579493134e-04 + z * (2.75573137070700676789e-06 +
            z * (-2.50507602534068634195e-08 + z * 1.58969099521155010221e-10)));
        double c = z * (4.16666666666666019037e-02 + z * (-1.38888888888741095749e-03 + z * (2.48015872894767294178e-05 +
            z * (-2.75573143513906633035e-07 + z * (2.08757232129817482790e-09 + z * -1.13596475577881948265e-11)))));
        double sine = x - ((z * (0.5 * y - v * s) - y) - v * -1.66666666666666324348e-01);
        double half = 0.5 * z, rest = 1 - half, cosine = rest + (((1 - rest) - half) + (z * c - x * y));
        double quarter = k + shift, pair = floor(0.5 * quarter), odd = quarter - 2 * pair, turn = pair - 2 * floor(0.5 * pair);
        double found = odd != 0 ? cosine : sine;
        found = turn != 0 ? -found : found;
        return (shift == 0) & (u == 0) ? u : (real)found;
    }
#endif
    return shift ? cos_apart(u) : sin(u);
}
static inline real sin_near_(real u) { return wave_near_(u, 0); }
static inline real cos_near_(real u) { return wave_near_(u, 1); }
/* of any operand; both forms are computed */
static inline real sin_far_(real u) { return fabs(u) > FAR ? sin(u) : sin_near_(u); }
static inline real cos_far_(real u) { return fabs(u) > FAR ? cos_apart(u) : cos_near_(u); }

static inline real square_(real u) { return u * u; }

/* u**n, 0 <= n < 16, by squaring */
static inline real whole_power_(real u, int n) {
    real square = u * u, fourth = square * square, eighth = fourth * fourth;
    real found = n & 1 ? u : C(1);
    found = n & 2 ? found * square : found;
    found = n & 4 ? found * fourth : found;
    return n & 8 ? found * eighth : found;
}

/* in float64, since expf of glibc's vectors would be too far off */
static inline real sigmoid_(real u) {
    double e = exp(-fabs((double)u));
    return (real)((u >= 0 ? 1 : e) / (1 + e));
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
    real half = sin_far_(u / 2);
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
