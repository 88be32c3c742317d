"""Work that several runs have in common is done by one of them, whoever begins it, on whatever machine.

Of runs that train the same, the first to come trains, and the others wait until it is over; then they find the results
in the cache, side by side. The rule by which runs are taken to train the same is cheap and on the safe side: what only
says when things happen is left out, and all else must be equal. Runs that train differently all the same, as
asynchronous schemes do, find nothing there, and each trains what is its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any

from cosim.claims import claimed
from cosim.scenario.models import Scenario

if TYPE_CHECKING:
    from cosim.runner import Run
    from training.store import Store

_ONLY_TIMES: dict[str, tuple[str, ...]] = {
    "name": (),
    "figures": (),
    "radio": (),
    "backhaul": (),
    "payloads": (),
    "cloud": (),
    "host": (),
    "users": ("compute", "power", "availability"),
    "edges": ("compute", "power"),
    "scheme": ("label", "allocation", "encoding"),
}
"""Sections that say when things happen and not what is learned: all of one, or some of its keys."""


def training_of(scenario: Scenario) -> str | None:
    """All that the training of ``scenario`` depends on, as text; None where it leaves nothing in the cache."""
    if scenario.execution != "deferred" or not scenario.host.cache:
        return None
    settings: dict[str, Any] = scenario.model_dump(mode="json")
    for section, keys in _ONLY_TIMES.items():
        if keys:
            settings[section] = {key: value for key, value in settings[section].items() if key not in keys}
        else:
            del settings[section]
    exact = all(way["name"] == "none" for way in settings["scheme"].get("compression", {}).values())
    if settings["scheme"].get("server") == "replicated" and exact:  # then a cut changes no number: training/whole.py
        settings["scheme"].pop("cut", None)
    return repr(settings)


@contextmanager
def training(run: Run, store: Store | None, waits: Callable[[], None]) -> Iterator[None]:
    """The time in which ``run`` trains: it begins when no other run that trains the same is at it.

    ``waits`` is called if there is one.
    """
    same = training_of(run.resolved)
    if store is None or same is None:
        yield
        return
    key = _key(run, same)
    with ExitStack() as held:
        first = not _is_over(store, key)
        if first:
            with suppress(OSError):  # a cache that cannot be written to has nothing to wait for
                claim = store.folder / "claims" / f"{key}.lock"
                if not held.enter_context(claimed(claim, 0.0)):
                    waits()
                    held.enter_context(claimed(claim))
            if not (first := not _is_over(store, key)):
                held.close()
        yield
        if first and run.finished and run.runtime.last_kept:
            store.put(key, {}, {"last": run.runtime.last_kept})


def _key(run: Run, same: str) -> str:
    from training.keys import code_of, digest  # noqa: PLC0415 - training has come with the run
    from training.lab import FINGERPRINTS  # noqa: PLC0415

    lab = run.runtime.lab
    return digest("trained", same, code_of(type(run.scheme)), *(lab.fingerprint(name) for name in FINGERPRINTS))


def _is_over(store: Store, key: str) -> bool:
    """Whether a run has trained this to its end, and the last of its results is still there."""
    entry = store.get(key)
    return entry is not None and entry.facts["last"] in store
