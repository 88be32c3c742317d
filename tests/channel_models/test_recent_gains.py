import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from channel_models import recent_gains
from channel_models.fading import BlockRayleigh
from channel_models.randomness import Stream
from channel_models.recent_gains import RecentGains

LINKS = 37  # two groups of neighbours and a part of a third
RAYLEIGH = BlockRayleigh(stream=Stream(0, "fading"), block_ns=1)
REQUESTS = st.lists(
    st.tuples(st.lists(st.integers(0, LINKS - 1), min_size=1, max_size=5), st.integers(0, 300), st.integers(1, 200)),
    max_size=6,
)


class Watched:
    """Rayleigh fading that notes what is drawn from it."""

    block_ns = RAYLEIGH.block_ns

    def __init__(self) -> None:
        self.asked: list[tuple[list[int], int, int]] = []

    def power_gain(self, links, first_block, blocks):
        self.asked.append((links.tolist(), first_block, blocks))
        return RAYLEIGH.power_gain(links, first_block, blocks)


@pytest.fixture(params=[1, 1 << 17], ids=["little is kept", "all is kept"])
def kept_gains(request, monkeypatch):
    monkeypatch.setattr(recent_gains, "_KEPT_GAINS", request.param)


@given(requests=REQUESTS)
@pytest.mark.usefixtures("kept_gains")
def test_whatever_was_asked_before_gains_are_those_of_the_fading(requests):
    recent = RecentGains(RAYLEIGH, LINKS)
    for links, first_block, blocks in requests:
        gains = recent.power_gain(np.array(links), first_block, blocks)
        assert (gains == RAYLEIGH.power_gain(np.array(links), first_block, blocks)).all()


def test_what_was_drawn_of_late_is_not_drawn_again():
    fading, links = Watched(), np.arange(LINKS)
    recent = RecentGains(fading, LINKS)
    recent.power_gain(links, 0, 100)
    drawn = len(fading.asked)
    for first_block in range(100):
        recent.power_gain(links[first_block % LINKS :], first_block, 100 - first_block)
    assert len(fading.asked) == drawn


def test_neighbours_are_drawn_together_but_nobody_who_is_not_there():
    fading = Watched()
    recent = RecentGains(fading, LINKS)
    for link in range(LINKS):
        recent.power_gain(np.array([link]), 0, 4)
    asked = [link for links, _, _ in fading.asked for link in links]
    assert sorted(asked) == list(range(LINKS))
    assert len(fading.asked) == 3


def test_a_gain_given_away_may_be_changed():
    recent, links = RecentGains(RAYLEIGH, LINKS), np.arange(LINKS)
    recent.power_gain(links, 0, 4)[:] = 0.0
    assert (recent.power_gain(links, 0, 4) > 0.0).all()


def test_of_many_links_two_pages_are_kept_those_last_looked_at(monkeypatch):
    monkeypatch.setattr(recent_gains, "_KEPT_GAINS", 1)
    fading, link = Watched(), np.array([0])
    recent = RecentGains(fading, LINKS)
    first, second, third = (page * 32 for page in range(3))
    for block in (first, second, first, third):
        recent.power_gain(link, block, 1)
    fading.asked.clear()
    recent.power_gain(link, first, 1)
    recent.power_gain(link, third, 1)
    assert fading.asked == []
    recent.power_gain(link, second, 1)
    assert len(fading.asked) == 1


def test_a_window_longer_than_what_is_kept_is_passed_on_as_it_is(monkeypatch):
    monkeypatch.setattr(recent_gains, "_KEPT_GAINS", 1)
    fading = Watched()
    RecentGains(fading, LINKS).power_gain(np.array([5, 7]), 10, 1000)
    assert fading.asked == [([5, 7], 10, 1000)]
