"""Nothing asks the network unless the scenario names something of the hub."""

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

QUICKSTART = Path(__file__).parents[2] / "scenarios" / "quickstart.yaml"
SMALL = ("users.count=2", "scheme.rounds=1", "scheme.local_steps=1", "evaluation.sequences=4", "host.device=cpu")

Ended = tuple[int, str, str]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Whom anybody tried to reach; nobody is."""
    addresses: list[object] = []

    def refuse(*given: object, **_: object) -> None:
        addresses.append(given)
        raise OSError("no network")

    for way in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, way, refuse)
    for way in ("getaddrinfo", "gethostbyname", "create_connection"):
        monkeypatch.setattr(socket, way, refuse)
    return addresses


def test_a_run_its_report_and_its_figure_ask_nobody(
    asked: list[object], cosim: Callable[..., Ended], tmp_path: Path
) -> None:
    settings = [part for setting in SMALL for part in ("--set", setting)]
    for command in (["run", QUICKSTART, "--quiet", *settings, "--out", tmp_path], ["report", tmp_path]):
        status, _, err = cosim(*command)
        assert status == 0, err
    assert asked == []
