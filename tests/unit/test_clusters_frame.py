"""What dotrain.clusters() returns is a DataFrame to all code, and a widget only to a notebook."""

from __future__ import annotations

import copy
import io
import pickle

import pandas as pd
import pytest

from dotrain import frames
from dotrain.widgets.kit import attach
from dotrain.widgets.listing.frame import Clusters
from tests.unit.test_listed import described


@pytest.fixture
def plain() -> pd.DataFrame:
    return frames.clusters([described("a"), described("b")], ["half"])


@pytest.fixture
def shown() -> list[int]:
    return []


@pytest.fixture
def clusters(plain, shown, monkeypatch) -> Clusters:
    monkeypatch.setattr(attach, "available", lambda: True)
    return Clusters.shown_by(plain, lambda: shown.append(1))


def test_it_is_the_same_frame_to_code(clusters, plain) -> None:
    assert isinstance(clusters, pd.DataFrame)
    pd.testing.assert_frame_equal(clusters, plain, check_frame_type=False)
    assert clusters.equals(plain)
    assert plain.equals(clusters)
    assert clusters.to_csv() == plain.to_csv()
    assert clusters.to_string() == plain.to_string()
    assert repr(clusters) == repr(plain)
    assert clusters._repr_html_() == plain._repr_html_()
    assert list(clusters.itertuples()) == list(plain.itertuples())


@pytest.mark.parametrize(
    "make",
    [
        lambda one: one.copy(),
        copy.copy,
        copy.deepcopy,
        lambda one: one[one.state == "running"],
        lambda one: one[["name", "state"]],
        lambda one: one.head(1),
        lambda one: one.set_index("name"),
        lambda one: one.sort_values("created"),
        lambda one: pd.concat([one, one]),
        lambda one: pd.concat([pd.DataFrame(one), one]),
        lambda one: one.merge(one, on="name"),
        lambda one: pickle.loads(pickle.dumps(one)),
    ],
)
def test_what_is_made_of_it_is_a_plain_frame(clusters, plain, make) -> None:
    made = make(clusters)
    assert type(made) is pd.DataFrame
    pd.testing.assert_frame_equal(made, make(plain))


def test_a_pickle_holds_nothing_of_dotrain(clusters) -> None:
    file = io.BytesIO()
    pickle.dump(clusters, file)
    assert b"dotrain" not in file.getvalue().replace(b"dotrain:", b"")


def test_a_notebook_shows_it_as_a_widget(clusters, shown) -> None:
    clusters._ipython_display_()
    assert shown == [1]


def test_a_frame_that_was_changed_is_shown_as_what_it_is(clusters, shown) -> None:
    clusters["mine"] = 1
    with pytest.raises(NotImplementedError):
        clusters._ipython_display_()
    assert shown == []


def test_without_widgets_it_is_a_table(clusters, shown, monkeypatch) -> None:
    monkeypatch.setattr(attach, "available", lambda: False)
    with pytest.raises(NotImplementedError):
        clusters._ipython_display_()
    assert shown == []


def test_a_frame_that_nobody_can_show_is_a_table(plain, monkeypatch) -> None:
    monkeypatch.setattr(attach, "available", lambda: True)
    with pytest.raises(NotImplementedError):
        Clusters(plain)._ipython_display_()
