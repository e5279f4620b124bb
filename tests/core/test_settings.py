"""Settings come back as they were stored, and no file can put nonsense in."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fcn_studio.core.settings import SETTINGS, Settings

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def values_of(settings: Settings) -> dict[str, object]:
    return {setting.name: settings[setting.name] for setting in SETTINGS}


def test_every_default_is_a_value_that_the_setting_itself_accepts() -> None:
    for setting in SETTINGS:
        assert setting.accepts(setting.default), setting.name
        assert setting.about
    assert len({setting.name for setting in SETTINGS}) == len(SETTINGS)


@given(st.dictionaries(st.sampled_from([s.name for s in SETTINGS]) | st.text(max_size=5), json_values))
def test_whatever_stands_in_the_file_only_fitting_values_come_out(stored: dict[str, object]) -> None:
    settings = Settings.from_json(json.dumps(stored))
    for setting in SETTINGS:
        value = settings[setting.name]
        assert setting.accepts(value)
        if setting.name not in stored or not setting.accepts(stored[setting.name]):
            assert value == setting.default
    assert values_of(Settings.from_json(settings.to_json())) == values_of(settings)


@pytest.mark.parametrize("text", ["", "{", "[1]", "null", '"x"', "{'a': 1}"])
def test_a_broken_file_gives_the_defaults(text: str) -> None:
    assert values_of(Settings.from_json(text)) == values_of(Settings())


def test_values_come_back_from_the_file() -> None:
    settings = Settings()
    settings["theme"], settings["brush_size"] = "dark", 12.5
    settings["last_paths"] = ["/photos/Äpfel"]
    again = Settings.from_json(settings.to_json())
    assert (again["theme"], again["brush_size"], again["last_paths"]) == ("dark", 12.5, ["/photos/Äpfel"])


def test_what_does_not_fit_is_refused_and_the_old_value_stays() -> None:
    settings = Settings()
    for name, value in [("device", "tpu"), ("brush_size", 0), ("brush_size", True), ("hint_seen", 1)]:
        with pytest.raises(ValueError, match=name):
            settings[name] = value
        assert settings[name] == Settings()[name]
    with pytest.raises(KeyError):
        settings["no such setting"] = 1


def test_changing_a_value_in_place_does_not_change_the_defaults_of_the_next_settings() -> None:
    Settings()["last_view"]["zoom"] = 2
    Settings()["last_paths"].append("x")
    assert Settings()["last_view"] == {}
    assert Settings()["last_paths"] == []
