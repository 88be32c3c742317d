"""``cosim cache``: what is kept of the training that was done, and how to be rid of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer
from rich.filesize import decimal

from cosim.scenario import ScenarioError
from cosim.scenario.models import Host

if TYPE_CHECKING:
    from training.store import Store, Usage

application = typer.Typer()


@application.callback(invoke_without_command=True)
def cache(context: typer.Context) -> None:
    """Show or clear what is kept of the training that was done, so that none of it is done twice."""
    if context.invoked_subcommand is None:
        show()


@application.command()
def show() -> None:
    """Print where the cache is, how large, and when its results were last used. The default."""
    with _store() as store:
        usage = store.usage()
        _tell("folder", usage, store, f" of at most {decimal(store.most_bytes)}")
    for name, used in (("oldest", usage.oldest), ("newest", usage.newest)):
        if used is not None:
            typer.echo(f"{name}   last used {used.astimezone():%Y-%m-%d %H:%M}")


@application.command()
def clear() -> None:
    """Remove every result from the cache, without asking: what is needed again is trained again."""
    with _store() as store:
        _tell("cleared", store.clear(), store)


def _tell(heading: str, usage: Usage, store: Store, limit: str = "") -> None:
    typer.echo(f"{heading:9}{store.folder}")
    typer.echo(f"results  {usage.files}")
    typer.echo(f"size     {decimal(usage.nbytes)}{limit}")


@contextmanager
def _store() -> Iterator[Store]:
    """The cache, as large as a scenario lets it grow that says nothing of it.

    A folder that cannot be used is the user's to mend, and told in one line.
    """
    from training.store import Store, default_folder  # noqa: PLC0415 - NumPy, for no other command

    folder = default_folder()
    try:
        yield Store(folder, Host().cache_size)
    except OSError as error:
        says = f"cache {folder}: cannot be used ({error.strerror}); COSIM_CACHE may name another folder"
        raise ScenarioError(says) from error
