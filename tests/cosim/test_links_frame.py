from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from cosim.links_frame import links_frame
from tests.cosim.test_world import STREET, scenario, world

TRACK = "time_s,user,x_m,y_m\n0,0,5,0\n39.5,0,795,0\n0,1,500,30\n"
FREE_SPACE_AT_1_M_DB = 20 * np.log10(4 * np.pi * 3.5e9 / 299_792_458)


def sampled(built: Any, radio: dict[str, Any], end_s: float) -> pd.DataFrame:
    """The samples of a world that has been run until then."""
    built.clock.run(built.clock.at(round(end_s * 1e9)))
    observer = SimpleNamespace(ended_s=end_s)
    said = scenario(2, edges={"count": 3}, radio=radio)
    return links_frame(SimpleNamespace(scenario=said, world=built, observer=observer))  # type: ignore[arg-type]


def test_every_link_is_sampled_where_its_user_was(tmp_path: Any) -> None:
    """The signal is 40 dBm less 30 log10 of the distance and the free space of a metre; user 0 passes three masts."""
    file = tmp_path / "tracks.csv"
    file.write_text(TRACK)
    radio = {**STREET, "mobility": {"name": "recorded", "path": str(file)}, "sampling": "500 ms"}
    frame = sampled(world(2, edges={"count": 3}, radio=radio), radio, 39.5)
    assert len(frame) == 80 * 2 * 3
    assert frame["time_s"].unique().tolist() == [0.5 * sample for sample in range(80)]
    mine = frame[(frame["user"] == 0) & (frame["edge"] == 1)]
    np.testing.assert_allclose(mine["x_m"], 5 + 20 * mine["time_s"])
    apart_m = np.maximum(np.abs(mine["x_m"] - 400), 1.0)
    np.testing.assert_allclose(mine["signal_dbm"], 40 - FREE_SPACE_AT_1_M_DB - 30 * np.log10(apart_m), atol=0.05)
    served = frame[(frame["user"] == 0) & frame["serving"]]
    assert served["edge"].drop_duplicates().tolist() == [0, 1, 2]
    assert (frame.groupby(["time_s", "user"])["serving"].sum() == 1).all()


def test_rates_are_shannons_for_the_whole_band_and_power(tmp_path: Any) -> None:
    file = tmp_path / "tracks.csv"
    file.write_text(TRACK)
    radio = {**STREET, "mobility": {"name": "recorded", "path": str(file)}, "sampling": "1 s"}
    frame = sampled(world(2, edges={"count": 3}, radio=radio), radio, 5.0)
    noise_dbm = -173.975 + 10 * np.log10(20e6)  # at 290 K; noise figures 9 and 5 dB, users send with 23 dBm
    for direction, sent_dbm, figure_db in (("downlink", 40, 9), ("uplink", 23, 5)):
        snr_db = frame["signal_dbm"] - 40 + sent_dbm - noise_dbm - figure_db
        expected_bps = 20e6 * np.log2(1 + 10 ** (snr_db / 10))
        np.testing.assert_allclose(frame[f"{direction}_bps"], expected_bps, rtol=1e-4)  # noise is given to a mdB


def test_of_cells_apart_only_the_own_links_are_sampled() -> None:
    frame = sampled(world(2, edges={"count": 3}), {"sampling": "1 s"}, 2.0)
    assert frame[["user", "edge"]].drop_duplicates().to_numpy().tolist() == [[0, 0], [1, 1]]


def test_without_an_interval_the_own_links_are_sampled_once_at_the_start(tmp_path: Any) -> None:
    file = tmp_path / "tracks.csv"
    file.write_text(TRACK)
    radio = {**STREET, "mobility": {"name": "recorded", "path": str(file)}}
    frame = sampled(world(2, edges={"count": 3}, radio=radio), radio, 5.0)
    places = frame[["time_s", "user", "edge", "serving", "x_m", "y_m", "edge_x_m", "edge_y_m"]]
    assert places.to_numpy().tolist() == [[0, 0, 0, True, 5, 0, 0, 0], [0, 1, 1, True, 500, 30, 400, 0]]
