"""Formula text: what it means, what is refused, and that nothing in it is ever executed."""

import random
import sys

import pytest
import sympy as sp

from symdiff.errors import ParseError, SymdiffError
from symdiff.parsing import parse, symbols

x, y, w = sp.symbols("x y w", real=True)
P = sp.Piecewise

MEANINGS = [
    ("w*x**2 + 2*x + 1", w * x**2 + 2 * x + 1),
    ("-x**2", -(x**2)),
    ("2**-x", 2 ** (-x)),
    ("x/y/2", x / y / 2),
    ("x - y - 1", x - y - 1),
    ("(x + y)*(x - y)", (x + y) * (x - y)),
    ("sqrt(x)*exp(-x)", sp.sqrt(x) * sp.exp(-x)),
    ("Max(x, y, 1) + Abs(x)", sp.Max(x, y, 1) + sp.Abs(x)),
    ("log(x, 2)", sp.log(x) / sp.log(2)),
    ("pi*E", sp.pi * sp.E),
    ("Piecewise((x, x > 0), (0, True))", P((x, x > 0), (0, True))),
    ("x if x > 0 and y <= 1 else -x", P((x, (x > 0) & (y <= 1)), (-x, True))),
    ("Piecewise((sin(x)/x, Ne(x, 0)), (1, True))", P((sp.sin(x) / x, sp.Ne(x, 0)), (1, True))),
    ("lambda*x", sp.Symbol("lambda", real=True) * x),
    ("θ**2", sp.Symbol("θ", real=True) ** 2),
    ("sin*x", sp.Symbol("sin", real=True) * x),
    ("atan2(x, 2000*y) + Mod(x, 3600)", sp.atan2(x, 2000 * y) + sp.Mod(x, 3600)),
    ("Shi(x)", sp.Shi(x)),
    ("1 if (x > 0) ^ (y > 0) else 2", P((1, sp.Xor(x > 0, y > 0)), (2, True))),
    ("re(x) + conjugate(y) + im(x)", x + y),
]


@pytest.mark.parametrize(("text", "meaning"), MEANINGS, ids=[text for text, _ in MEANINGS])
def test_a_formula_means_what_sympy_means(text, meaning):
    assert parse(text) == meaning


@pytest.mark.parametrize(
    "expression",
    [meaning for _, meaning in MEANINGS] + [x / 3 + sp.Rational(-2, 7) * y, sp.tanh(x) ** sp.Rational(3, 2), 0.1 * x],
    ids=str,
)
def test_what_sympy_prints_reads_back(expression):
    assert parse(str(expression)) == expression


def test_decimal_literals_are_pythons_doubles():
    random.seed(1)
    for _ in range(300):
        text = f"{random.uniform(1, 10):.{random.randrange(1, 25)}f}e{random.randrange(-300, 300)}"
        assert float(parse(text)) == float(text)
    assert float(parse("1.86117960153922e-308")) == 1.86117960153922e-308


def test_declared_names_win_and_others_are_refused():
    pi = sp.Symbol("pi", real=True)
    assert parse("pi*x", symbols=["pi", "x"]) == pi * x
    assert parse("pi*x") == sp.pi * x
    assert parse("x*y", symbols=[x, y]) == x * y
    with pytest.raises(ParseError, match=r"did you mean .rate"):
        parse("rat*x", symbols=["rate", "x"])


def test_symbols_are_real():
    a, b = symbols("a b")
    assert a.is_real
    assert (a, b) == sp.symbols("a b", real=True)
    assert symbols("z") == sp.Symbol("z", real=True)


HOSTILE = [
    "__import__('os').system('true')",
    "__import__('os').getpid()",
    "x.__class__.__mro__",
    "().__class__.__bases__[0].__subclasses__()",
    "(lambda: 1)()",
    "[y for y in (1, 2)]",
    "{1: 2}",
    "x[0]",
    "f'{x}'",
    "'text'",
    "b'bytes'",
    "x := 1",
    "exp(x=1)",
    "exp(*x)",
    "print(x)",
    "eval('1')",
    "exec('1')",
    "open('/etc/passwd')",
    "getattr(x, 'y')",
    "x; y",
    "import os",
    "x\ny",
    "x = 1",
    "x ^ 2",
    "x @ y",
    "x // y",
    "x % y",
    "x << 2",
    "~x",
    "not x",
    "x and y",
    "True + 1",
    "None",
    "...",
    "1j*x",
    "I*x",
    "oo",
    "nan",
    "zoo",
    "1/0",
    "sqrt(-1)",
    "log(0)",
    "0**-1",
    "(1, 2)",
    "x,",
    "",
    "   ",
    "x +",
    "x + + ",
    "(x",
    "x)",
    "sin()",
    "sqrt(x, y)",
    "zeta(x, y)",
    "x ^ y > 0",
    "sin(x, y, w)",
    "foo(x)",
    "a.b*x",
    "await x",
    "yield x",
    "x if y else w",
    "x > 0",
    "Piecewise(x)",
    "1__0",
    "0x",
    "1e",
    "$x",
    "x\x00y",
]
BOMBS = [
    "9**9**9",
    "2**10**8",
    "(10**300)**300",
    "1e1000000000",
    "1" * 5000,
    "(" * 50_000,
    "(" * 101 + "x" + ")" * 101,
    "-" * 5000 + "x",
    "sin(" * 5000 + "x" + ")" * 5000,
    "x+" * 60_000 + "x",
    "x**" * 5000 + "x",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_what_is_no_formula_is_refused_in_one_line(text):
    with pytest.raises(SymdiffError, match=r"\S") as caught:
        parse(text)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


@pytest.mark.timeout(20)
@pytest.mark.parametrize("text", BOMBS, ids=range(len(BOMBS)))
def test_bombs_are_refused_before_they_go_off(text):
    with pytest.raises(SymdiffError, match=r"\S") as caught:
        parse(text)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize("thing", [None, 3, b"x", ["x"], x])
def test_only_text_is_read(thing):
    with pytest.raises(ParseError, match="text"):
        parse(thing)


def test_nothing_is_executed(tmp_path):
    seen = []
    watched = {"exec", "os.system", "subprocess.Popen", "open", "os.posix_spawn"}

    def hook(event, arguments):
        if recording and event in watched and not str(arguments[:1]).endswith((".py',)", ".pyc',)")):
            seen.append((event, arguments))

    recording = False
    sys.addaudithook(hook)
    parse("x")  # what is imported on first use is not what is meant
    canary = tmp_path / "canary"
    recording = True
    for text in [*HOSTILE, f"open({str(canary)!r}, 'w')", f"__import__('os').mkdir({str(canary)!r})"]:
        with pytest.raises(SymdiffError, match=r"\S"):
            parse(text)
    recording = False
    assert seen == []
    assert not canary.exists()


def test_a_long_sum_is_read():
    names = [f"w{i}" for i in range(2000)]
    assert parse(" + ".join(names)) == sp.Add(*[sp.Symbol(name, real=True) for name in names])


def test_an_odd_root_asks_nothing_of_its_radicand():
    # SymPy's real_root simplifies the condition that all of this is real, for minutes
    inner = "frac(airyai(exp(logaddexp(Piecewise((sinc(x)/floor(z), asech(1/4 + tanh(y)**2/2) > 0), (x, True)), x))))"
    root = parse(f"real_root({inner}, 3)")
    at = {s: v for s in root.free_symbols for name, v in (("x", -0.5), ("y", 0.25), ("z", 2.5)) if s.name == name}
    radicand = parse(inner).subs(at).evalf(30)
    assert abs(float(root.subs(at).evalf(20)) - float(radicand) ** (1 / 3)) < 1e-12
    assert parse("real_root(x, 3)") == sp.real_root(sp.Symbol("x", real=True), 3)
    assert [parse(f"real_root({c}, {n})") for c, n in ((-8, 3), (32, 5), (9, 2), (-8, -3))] == [-2, 2, 3, -sp.S.Half]
