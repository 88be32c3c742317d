"""Model files: what a configuration says is known without loading a model."""

import json

import pytest

from training import model_files
from training.model_files import blocks, local_config, locate, positions


@pytest.fixture
def assets(tmp_path, monkeypatch):
    folder = tmp_path / "assets"
    for name in ("zeta", "alpha"):
        (folder / name).mkdir(parents=True)
        (folder / name / "config.json").write_text(json.dumps({"n_layer": 3, "n_positions": 64}))
    (folder / "no-model").mkdir()
    monkeypatch.setattr(model_files, "ASSETS", folder)
    return folder


def test_shipped_models_are_the_folders_with_a_configuration(assets) -> None:
    assert model_files.shipped() == ["alpha", "zeta"]


def test_a_shipped_name_comes_before_a_folder_and_a_folder_before_the_hub(assets, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "alpha").mkdir()
    (tmp_path / "mine").mkdir()
    assert locate("alpha") == str(assets / "alpha")
    assert locate("mine") == "mine"
    assert locate("openai-community/gpt2") == "openai-community/gpt2"


def test_a_folder_may_be_below_the_home_folder(tmp_path, monkeypatch) -> None:
    (tmp_path / "model").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    assert locate("~/model") == str(tmp_path / "model")


def test_the_configuration_is_read_where_it_is_on_this_machine(assets, tmp_path) -> None:
    assert local_config("alpha") == {"n_layer": 3, "n_positions": 64}
    assert local_config(str(assets / "zeta")) == {"n_layer": 3, "n_positions": 64}
    assert local_config(str(assets / "no-model")) is None
    assert local_config("openai-community/gpt2") is None


def test_blocks_and_positions_are_found_under_each_familys_name(family) -> None:
    config = family.build().config.to_dict()
    assert (blocks(config), positions(config)) == (4, 64)
    assert (blocks({}), positions({})) == (None, None)
    assert blocks({"num_layers": 7, "num_hidden_layers": None}) == 7


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b'{"n_layer": 3', "is not readable as JSON"),
        (b"\xff\xfe{}", "is not readable as JSON"),
        (b"[3, 64]", "holds a list, not a mapping"),
    ],
)
def test_a_configuration_that_is_none_is_named_in_one_line(assets, content: bytes, says: str) -> None:
    (assets / "alpha" / "config.json").write_bytes(content)
    with pytest.raises(ValueError, match=says) as refusal:
        local_config("alpha")
    assert str(refusal.value).startswith(str(assets / "alpha" / "config.json"))
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("value", ["six", [6], 6.5])
def test_a_number_of_blocks_that_is_none_is_named(value: object) -> None:
    with pytest.raises(ValueError, match=r"config\.json: n_layer = .* is not a whole number"):
        blocks({"n_layer": value})
