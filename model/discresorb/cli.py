"""The command line: predict, score, show, calculator, nomogram; others join by entry point.

A command is a signature with its imports inside, so that ``--help`` stays quick. Results go to
standard output or ``-o FILE``, everything else to standard error.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from discresorb.calculator_command import calculator
from discresorb.errors import DiscresorbError, InputError, ModelNotKeptWarning, OutputError
from discresorb.nomogram_command import nomogram
from discresorb.options import (
    JsonOption,
    ModelOption,
    OperationCostOption,
    ScanCostOption,
    ThresholdOption,
    chosen_threshold,
    need_standard_output,
    shows_values,
    tell,
)
from discresorb.score_command import score
from discresorb.wording import VALUES_HIDDEN

__all__ = ["app", "main"]

EXIT_INTERRUPTED = 130
_NO_MEMORY = "there is not enough memory for this; outputs that are there are whole"
# what only a write meets; of files it is told by name, so that it was standard output
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NO_COVARIATES = ("self", "threshold")  # keywords of `Predictor.predict` that mean others


class _Commands(TyperGroup):
    """Turns what discresorb refuses into words and an exit status, for every command."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Give a command; its help is broken by the terminal alone, not where its source is."""
        command = super().get_command(ctx, cmd_name)
        if command is not None and command.help:
            paragraphs = command.help.split("\n\n")
            command.help = "\n\n".join(" ".join(each.split()) for each in paragraphs)
        return command

    def invoke(self, ctx: Any) -> Any:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("default", ModelNotKeptWarning)
                warnings.showwarning = _noted(warnings.showwarning)
                result = super().invoke(ctx)
            if sys.stdout is not None:
                sys.stdout.flush()  # here, where it can be told of that it cannot be written
            return result
        except DiscresorbError as error:
            _tell_refused(error, show_values=shows_values(ctx))
            raise typer.Exit(error.exit_status) from None
        except KeyboardInterrupt:
            typer.echo("Interrupted; nothing was left half-written.", err=True)
            raise typer.Exit(EXIT_INTERRUPTED) from None
        except BrokenPipeError:
            _drop_output()
            raise typer.Exit(0) from None
        except OSError as error:
            raise typer.Exit(_told(error)) from None
        except BaseException as error:
            if _lacks_memory(error):
                typer.echo(f"Error: {_NO_MEMORY}", err=True)
                raise typer.Exit(1) from None
            if not isinstance(error, Exception) or _is_typers(error):
                raise
            _tell_unexpected(error, show_values=shows_values(ctx))
            raise typer.Exit(1) from None


def _is_typers(error: Exception) -> bool:
    """Tell whether it is one of typer's own ways to end."""
    return isinstance(error, typer.Abort) or hasattr(error, "exit_code")


def _noted(otherwise: Callable[..., None]) -> Callable[..., None]:
    """Show our own warnings as notes, others as Python does."""

    def show(message: Warning, category: type[Warning], *where: Any, **more: Any) -> None:
        if issubclass(category, ModelNotKeptWarning):
            tell(f"Note: {message}.")
        else:
            otherwise(message, category, *where, **more)

    return show


def _tell_refused(error: DiscresorbError, *, show_values: bool) -> None:
    if not isinstance(error, InputError):
        tell(f"Error: {error}")
        return
    tell(*(f"Error: {problem}" for problem in error.said(show_values=show_values)))
    if error.with_values != error.problems and not show_values:
        typer.echo(VALUES_HIDDEN, err=True)


def _tell_unexpected(error: Exception, *, show_values: bool) -> None:
    """Say where it happened; a library's words may quote what patients' rows say."""
    where = "".join(traceback.format_tb(error.__traceback__))
    words = f": {error}" if show_values else ""
    typer.echo(
        f"Traceback (most recent call last):\n{where}{type(error).__name__}{words}\n"
        "Error: this is a fault of discresorb; please tell its maintainers what stands above",
        err=True,
    )
    if not show_values:
        typer.echo("Note: the fault's own words are left out; --show-values shows them.", err=True)


def _lacks_memory(error: BaseException) -> bool:
    """Tell whether there was not enough memory, for threads either, as Python or polars says it."""
    words = ("can't start new thread", "ThreadPoolBuildError")
    return isinstance(error, MemoryError) or any(each in str(error) for each in words)


def _told(error: OSError) -> int:
    """Say what the system refused; give the exit status."""
    output = getattr(error, "target", "standard output" if error.errno in _FULL else "")
    if not output:
        tell(f"Error: {error.strerror or error}")
        return 1
    _drop_output()
    tell(f"Error: cannot write {output}: {error.strerror}")
    return OutputError.exit_status


def _drop_output() -> None:
    """Have what is still buffered go nowhere, lest Python complain of it at its end."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
    help="How probable is it that a lumbar disc herniation has resorbed on MRI by the surgery "
    "date, and should it be imaged again first?\n\n"
    "Example: discresorb score data/synthetic/waiting_list.csv",
)


def _version(wanted: bool) -> None:
    if wanted:
        from discresorb import __version__

        typer.echo(f"discresorb {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    pass


@app.command()
def predict(
    patient_id: Annotated[
        str | None, typer.Option(help="Who this is; passed through, never used.")
    ] = None,
    size_mm: Annotated[str | None, typer.Option(help="Herniation size in mm, 0.5 to 40.")] = None,
    sequestrated: Annotated[str | None, typer.Option(help="yes or no.")] = None,
    onset_date: Annotated[str | None, typer.Option(help="Onset of symptoms, YYYY-MM-DD.")] = None,
    imaging_date: Annotated[str | None, typer.Option(help="Index MRI, YYYY-MM-DD.")] = None,
    surgery_date: Annotated[str | None, typer.Option(help="Planned surgery, YYYY-MM-DD.")] = None,
    months_since_onset: Annotated[
        str | None, typer.Option(help="Onset to index MRI, in place of dates.")
    ] = None,
    months_to_surgery: Annotated[
        str | None, typer.Option(help="Index MRI to surgery, in place of dates.")
    ] = None,
    symptoms_changed: Annotated[
        str | None, typer.Option(help="Since the index MRI: yes or no; leave out if not known.")
    ] = None,
    others: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="A further covariate of the model; repeatable."
        ),
    ] = None,
    threshold: ThresholdOption = None,
    scan_cost: ScanCostOption = None,
    operation_cost: OperationCostOption = None,
    model: ModelOption = None,
    as_json: JsonOption = False,
    as_fhir: Annotated[
        bool, typer.Option("--fhir", help="Print a FHIR R4 RiskAssessment as JSON.")
    ] = False,
) -> None:
    """Predict for one patient.

    Example: discresorb predict --size-mm 11 --sequestrated yes --onset-date 2019-03-01
    --imaging-date 2019-03-15 --surgery-date 2019-09-20 --symptoms-changed yes
    """
    from discresorb.predict_command import form_of, predicted
    from discresorb.predictor import load

    need_standard_output()
    form = form_of(as_json=as_json, as_fhir=as_fhir)
    cells = {
        "patient_id": patient_id,
        "size_mm": size_mm,
        "sequestrated": sequestrated,
        "onset_date": onset_date,
        "imaging_date": imaging_date,
        "surgery_date": surgery_date,
        "months_since_onset": months_since_onset,
        "months_to_surgery": months_to_surgery,
        "symptoms_changed": symptoms_changed,
    }
    given = {name: cell for name, cell in cells.items() if cell is not None}
    given |= _set(others or [], given)
    limit, note = chosen_threshold(threshold, scan_cost, operation_cost)
    typer.echo(predicted(load(model), given, limit, note, form))


def _set(texts: list[str], given: Mapping[str, str]) -> dict[str, str]:
    """Read covariates given as NAME=VALUE, none of them twice."""
    names = [text.partition("=")[0].strip() for text in texts]
    wrong = [
        f"--set entered as {text}, but must be NAME=VALUE"
        for text, name in zip(texts, names, strict=True)
        if "=" not in text or not name
    ]
    wrong += [
        f"{name} is no covariate, so --set cannot give it; see discresorb predict --help"
        for name in names
        if name in _NO_COVARIATES
    ]
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1 or name in given]
    wrong += [f"{name} is given twice; give it once" for name in twice if name]
    if wrong:
        raise InputError(wrong)
    return dict(zip(names, (text.partition("=")[2] for text in texts), strict=True))


app.command()(score)
app.command()(calculator)
app.command()(nomogram)


@app.command()
def show(
    model: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", readable=False, help="A model file; default: shipped."),
    ] = None,
    model_option: ModelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Describe a model: origin, endpoint, training ranges, coefficients, equation.

    Example: discresorb show artifacts/default.joblib
    """
    from discresorb.artifact import model_path, to_plain
    from discresorb.predictor import load
    from discresorb.terminal import show_text

    need_standard_output()
    if model is not None and model_option is not None:
        raise InputError("name one model: either FILE or --model FILE")
    path = model_path(model or model_option)
    artifact = load(path).artifact
    if as_json:
        import json

        typer.echo(json.dumps(to_plain(artifact), ensure_ascii=False))
    else:
        tell(*show_text(artifact, str(path)).split("\n"), err=False)


def _add_further_commands() -> None:
    from importlib.metadata import entry_points

    for entry in entry_points(group="discresorb.commands"):
        app.add_typer(entry.load())


def _is_own_command(arguments: list[str]) -> bool:
    own = {command.callback.__name__ for command in app.registered_commands if command.callback}
    return bool(arguments) and arguments[0] in own


def _end_in_order(number: int, frame: object) -> None:
    raise SystemExit(128 + number)


def main() -> None:
    """Run the command line."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # not every system has both
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _end_in_order)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a name that the terminal cannot show must not end it
            stream.reconfigure(errors="backslashreplace")
    try:
        if not _is_own_command(sys.argv[1:]):  # theirs are looked up and imported
            _add_further_commands()
        app(prog_name="discresorb")
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:
        _drop_output()
    except OSError as error:  # such as help that cannot be printed
        sys.exit(_told(error))
    finally:
        # all is in order by now; a library's thread may pass an interrupt on once more
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if "discresorb.files" in sys.modules:
            sys.modules["discresorb.files"].discard_all()
