import matplotlib as mpl
import pytest
from matplotlib.colors import to_rgb

from analysis.delays import KINDS
from analysis.figures.style import KIND_STYLES, MEMORY_STYLES, PALETTE, SHADES, FillStyle, applied, grey, series_style

GREY_STEP = 0.1  # of the range black to white: neighbouring greys still look different side by side


def test_the_palette_is_okabe_and_itos() -> None:
    published = {(0, 0, 0), (230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (0, 114, 178), (213, 94, 0)}
    published |= {(204, 121, 167)}
    red_green_blue = {tuple(round(255 * part) for part in to_rgb(color)) for color in PALETTE}
    assert red_green_blue == published


def test_the_first_eight_runs_differ_in_colour_and_in_marker_and_forty_in_something() -> None:
    first = [series_style(position) for position in range(8)]
    assert len({look.color for look in first}) == len({look.marker for look in first}) == 8
    assert len({series_style(position) for position in range(40)}) == 40


@pytest.mark.parametrize(
    "styles", [{kind: KIND_STYLES[kind] for kind in KINDS}, MEMORY_STYLES], ids=["delay", "memory"]
)
def test_every_kind_has_its_own_colour_and_in_grey_its_own_shade_or_hatch(styles: dict[str, FillStyle]) -> None:
    looks = list(styles.values())
    assert len({look.color for look in looks}) == len(looks)
    for position, look in enumerate(looks):
        for other in looks[:position]:
            assert look.hatch != other.hatch or abs(grey(look.color) - grey(other.color)) > GREY_STEP


def test_more_is_lighter_in_grey_too() -> None:
    greys = [grey(SHADES(step / 20)) for step in range(21)]
    assert greys == sorted(greys)
    assert greys[0] < 0.2
    assert greys[-1] > 0.8


def test_grey_is_what_a_printer_makes_of_a_colour() -> None:
    assert [grey(color) for color in ("black", "white")] == pytest.approx([0, 1])
    assert grey("red") < grey("lime")


def test_the_style_holds_inside_its_block_only() -> None:
    before = dict(mpl.rcParams)
    with applied():
        assert mpl.rcParams["svg.hashsalt"] == "cosim"
    assert dict(mpl.rcParams) == before
