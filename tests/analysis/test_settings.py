import pytest

from analysis.settings import Setting, flat


def test_keys_have_dots_between_the_levels_and_quantities_their_unit() -> None:
    scenario = {
        "seed": 3,
        "radio": {"bandwidth": "20000000.0 Hz", "pathloss": {"name": "rma", "street_width": "15.0 m"}, "outages": None},
        "scheme": {"cut": [3], "shared": True},
        "model": {"lora": {"targets": ["c_attn", "c_fc"], "r": 8}},
    }
    assert flat(scenario) == {
        "seed": Setting(3.0),
        "radio.bandwidth": Setting(20e6, "Hz"),
        "radio.pathloss.name": Setting("rma"),
        "radio.pathloss.street_width": Setting(15.0, "m"),
        "radio.outages": Setting(None),
        "scheme.cut": Setting(3.0),
        "scheme.shared": Setting(True),
        "model.lora.targets": Setting('["c_attn", "c_fc"]'),
        "model.lora.r": Setting(8.0),
    }


@pytest.mark.parametrize(
    ("setting", "written"),
    [
        (Setting(20e6, "Hz"), "20 MHz"),
        (Setting(0.005, "s"), "5 ms"),
        (Setting(1.2e15, "FLOP/s"), "1.2 PFLOP/s"),
        (Setting(0.0, "W"), "0 W"),
        (Setting(-7.5, "dB"), "-7.5 dB"),
        (Setting(8.0), "8"),
        (Setting("rma"), "rma"),
        (Setting(None), "None"),
    ],
)
def test_a_setting_is_written_as_people_write_it(setting: Setting, written: str) -> None:
    assert str(setting) == written
