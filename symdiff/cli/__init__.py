"""The command line: `symdiff derive`, `trace`, `graph`, `check`, `train`, `fit`, `functions`, `models` and `demo`.

Every command is a small module of this folder. Only click is imported here, so that help and mistakes are answered at
once; a command imports the rest when it runs.

Exit codes: 0 all is well, 1 a check found a wrong or inaccurate derivative or training diverged, 2 bad input or usage,
3 unsupported or undecided, 70 an error of symdiff itself, 130 interrupted, 141 the reader of the output went away.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from typing import Any, TextIO, cast

import click

from symdiff import __version__
from symdiff.cli.check import check
from symdiff.cli.command import message_of, nearest
from symdiff.cli.demo import demo
from symdiff.cli.derive import derive
from symdiff.cli.fit import fit
from symdiff.cli.graph import graph
from symdiff.cli.listing import functions, models
from symdiff.cli.trace import trace
from symdiff.cli.train import train
from symdiff.errors import OptionError, SymdiffError

USAGE, BUG, INTERRUPTED, PIPE_CLOSED = 2, 70, 130, 141
EPILOG = """\b
A first look:
  symdiff demo
  symdiff derive "(w*x + b - y)**2" --wrt w,b
  symdiff trace "(w*x - y)**2" --at w=1,x=2,y=4
  symdiff check "exp(-x**2)*sin(x)"
  symdiff check thurber --report thurber.html
  symdiff train quadratic --epochs 100"""


class Program(click.Group):
    """The group of all commands."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Find a command by its name; raises OptionError with the nearest one where there is none."""
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            commands = self.list_commands(ctx)
            hint = nearest(name.lower(), commands)
            raise OptionError(f"no command {name[:60]!r}{hint} (commands: {', '.join(commands)})")
        return super().resolve_command(ctx, args)


@click.group(
    "symdiff",
    cls=Program,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=EPILOG,
    invoke_without_command=True,
)
@click.version_option(__version__, prog_name="symdiff")
@click.pass_context
def program(ctx: click.Context) -> None:
    """One SymPy formula; its gradient by three independent routes; an arbitrary-precision referee; a verdict.

    A formula is given in quotes, such as "w*x**2 + exp(-b)". A model is the name of an embedded one (symdiff models) or
    the path of a .toml file.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


for _command in (demo, derive, trace, graph, check, train, fit, functions, models):
    program.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> int:
    r"""Run one command line and return its exit code; `arguments` are sys.argv[1:] by default.

    A mistake is one line on standard error, without traceback.

    >>> main(["derive", "x**3", "--wrt", "x", "--format", "latex"])
    \frac{\partial}{\partial x} = 3 x^{2}
    0
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a character that the terminal cannot show is no reason to stop
            cast(Any, stream).reconfigure(errors="replace")
    try:
        code = program.main(words, prog_name="symdiff", standalone_mode=False)
        sys.stdout.flush()
    except SymdiffError as error:
        return _fail(str(error), error.exit_code)
    except click.ClickException as error:
        return _fail(message_of(error), USAGE)
    except click.Abort:
        return _fail("stopped", INTERRUPTED)
    except (BrokenPipeError, SystemExit) as error:  # click and rich exit when the reader of the output went away
        _silence(sys.stdout)
        return PIPE_CLOSED if getattr(error, "code", 1) == 1 else 0
    except OSError as error:  # of files, every OSError is reported by who opens them
        _silence(sys.stdout)
        return _fail(f"the output cannot be written ({error.strerror or error}); send it elsewhere", USAGE)
    except MemoryError:
        return _fail("out of memory; give a smaller formula, fewer points or fewer epochs", USAGE)
    except Exception as error:
        if os.environ.get("SYMDIFF_TRACEBACK"):
            raise
        advice = "this is an error of symdiff; please report it with what SYMDIFF_TRACEBACK=1 shows"
        return _fail(f"unexpected {type(error).__name__} ({error}): {advice}", BUG)
    return code if isinstance(code, int) else 0


def _fail(message: str, code: int) -> int:
    # what the user gave is part of the message: no line break and no control sequence of it may reach the terminal
    line = " ".join(message.split())
    line = "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in line)
    with contextlib.suppress(OSError):
        sys.stdout.flush()
        click.echo(f"symdiff: {line}", err=True)
    return code


def _silence(stream: TextIO) -> None:
    """Send what is still buffered nowhere, or Python complains at exit that it cannot be written."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
