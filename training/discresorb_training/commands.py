"""The commands that simulate and train; `discresorb.cli` finds them by entry point."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer()

ForceOption = Annotated[bool, typer.Option("--force", help="Overwrite files that exist.")]


@app.command()
def simulate(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Write here.")],
    n: Annotated[int, typer.Option("-n", help="Number of patients.")] = 2000,
    seed: Annotated[int, typer.Option(help="Same seed, same bytes.")] = 0,
    force: ForceOption = False,
) -> None:
    """Simulate a cohort, its truth and its data card.

    Example: discresorb simulate -n 2000 --seed 1 -o cohort.csv

    Beside cohort.csv this writes cohort.truth.csv (event times and true probabilities) and
    cohort.card.json (how it was made, and what it is not), which train reads.
    """
    from discresorb.errors import InputError
    from discresorb.files import check_target, replacing
    from discresorb.reading import STANDARD_STREAM
    from discresorb.wording import SYNTHETIC
    from discresorb_training.cards import card_path, write_card
    from discresorb_training.simulate import ENDPOINT, Settings, simulate_cohort

    if str(output) == STANDARD_STREAM:
        raise InputError("simulate writes three files; name one with -o FILE")
    truth_path = output.with_name(f"{output.stem}.truth.csv")
    for path in (output, truth_path, card_path(output)):
        check_target(path, force=force)
    settings = Settings()
    cohort, truth = simulate_cohort(n, seed=seed, settings=settings)
    for frame, path in ((cohort, output), (truth, truth_path)):
        with replacing(path) as stream:
            frame.to_csv(stream, index=False, lineterminator="\n")
    write_card(
        output,
        {
            "what": "a simulated cohort of patients with a lumbar disc herniation, one row each",
            "made_by": f"discresorb simulate -n {n} --seed {seed} -o {output.name}",
            "endpoint": ENDPOINT,
            "data_origin": SYNTHETIC,
            "settings": settings.to_dict(),
            "what_it_is_not": "data of any patient, or evidence about any; for demonstration only. "
            "Growth of a herniation is ignored, and the settings are assumptions that have not "
            "been fitted to published rates",
        },
    )
    typer.echo(f"Wrote {output}, {truth_path.name} and {card_path(output).name}.", err=True)


@app.command()
def train(
    cohort: Annotated[str, typer.Argument(help="A training CSV, one row a patient.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="NAME.joblib")],
    endpoint: Annotated[
        str | None, typer.Option(help="What counted as resorbed; default: from the data card.")
    ] = None,
    data_origin: Annotated[
        str | None, typer.Option(help="synthetic or observed; default: from the data card.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the cross-validation.")] = 0,
    distribution: Annotated[
        str, typer.Option(help="auto, loglogistic, lognormal or weibull.")
    ] = "auto",
    cure: Annotated[str, typer.Option(help="Whether some never resorb: auto, yes or no.")] = "auto",
    penalty: Annotated[
        float, typer.Option(help="On the slopes of the probability of ever resorbing.")
    ] = 1.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
    force: ForceOption = False,
) -> None:
    """Train a model on a cohort and save it.

    Example: discresorb train data/synthetic/cohort.csv -o m.joblib

    Distribution and cure fraction are chosen by the cross-validated interval log score, and
    lifelines is asked for a second opinion. Exit status: 3 the file does not fit, 6 these data do
    not carry a model.
    """
    from discresorb.artifact import check_model_target
    from discresorb.errors import InputError
    from discresorb.reading import read_table
    from discresorb_training.cohort import cohort_from_table
    from discresorb_training.training import train_cohort

    choices: dict[str, bool | str] = {"auto": "auto", "yes": True, "no": False}
    if cure not in choices:
        raise InputError(f"--cure entered as {cure}, but must be auto, yes or no")
    check_model_target(output, force=force)
    table = read_table(cohort)
    endpoint, data_origin = _described(cohort, endpoint, data_origin)
    result = train_cohort(
        cohort_from_table(table),
        endpoint=endpoint,
        data_origin=data_origin,
        seed=seed,
        distribution=distribution,
        cure=choices[cure],  # type: ignore[arg-type]  # the dict's values are the literal's
        penalty=penalty,
        second_opinion=True,
    )
    result.save(output, force=force)
    if as_json:
        import json

        metrics, notes = result.artifact["metrics"], list(result.notes)
        about = {"model_id": result.artifact["model_id"], "metrics": metrics, "notes": notes}
        typer.echo(json.dumps({"saved": str(output), **about}, ensure_ascii=False))
    else:
        typer.echo("\n".join(result.summary()))
    typer.echo(f"Saved {output} with its .json and .sha256.", err=True)


def _described(cohort: str, endpoint: str | None, data_origin: str | None) -> tuple[str, str]:
    """Take endpoint and origin from the options, else from the cohort's card."""
    import contextlib

    from discresorb.errors import InputError, InputFileError
    from discresorb.reading import STANDARD_STREAM
    from discresorb_training.cards import card_path, from_card, read_card

    path = None if cohort == STANDARD_STREAM else Path(cohort)
    given = {"endpoint": endpoint, "data_origin": data_origin}
    missing = [f"--{key.replace('_', '-')}" for key, value in given.items() if value is None]
    card = None
    if path is not None:
        # a card of another state of the file only matters where something is wanted from it
        with contextlib.suppress(*([] if missing else [InputFileError])):
            card = read_card(path)
    if path is None or card is None:
        if not missing:
            return str(endpoint), str(data_origin)
        where = "standard input has no card" if path is None else f"there is no {card_path(path)}"
        raise InputError(f"{where}, so {' and '.join(missing)} must be given")
    origin = data_origin or from_card(path, card, "data_origin")
    if origin != card.get("data_origin", origin):
        raise InputError(
            f"--data-origin says {origin}, but {card_path(path)} says {card['data_origin']}; leave "
            "the option out, or remove the card if it is wrong"
        )
    return endpoint or from_card(path, card, "endpoint"), origin
