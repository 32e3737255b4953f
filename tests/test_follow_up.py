"""Follow-up: exits that coincide, and draws that must not depend on one another."""

from __future__ import annotations

import numpy as np
import pytest

from discresorb.distributions import Array
from discresorb_training import Settings, follow_up, simulate_visits
from discresorb_training.draws import Draws
from discresorb_training.follow_up import FollowUp, follow

N = 20_000
ENTRY = np.full(N, 60.0)
NEVER = np.full(N, np.inf)
MEAN_SEVERITY = np.zeros(N)
FULL = Settings(surgery_by_year=0.0, lost_by_year=0.0, visit_missed=0.3)


def followed(settings: Settings, event: Array = NEVER) -> FollowUp:
    return follow(Draws(5, N), settings, ENTRY, event, MEAN_SEVERITY)


def unrelated(a: Array, b: Array) -> bool:
    return bool(abs(np.corrcoef(a, b)[0, 1]) < 4.0 / np.sqrt(len(a)))


def test_surgery_comes_before_loss_and_the_end_on_one_day(monkeypatch: pytest.MonkeyPatch) -> None:
    same = np.full(N, 100.0)
    monkeypatch.setattr(follow_up, "_days_to_surgery", lambda *_: same)
    monkeypatch.setattr(follow_up, "_days_to_loss", lambda *_: same)
    assert (followed(Settings()).reason == "surgery").all()
    monkeypatch.setattr(follow_up, "_days_to_surgery", lambda *_: np.full(N, np.inf))
    end = np.rint(Settings().follow_up * 30.4375)
    monkeypatch.setattr(follow_up, "_days_to_loss", lambda *_: np.full(N, end))
    assert (followed(Settings()).reason == "lost").all()


def test_what_was_seen_on_the_day_of_exit_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(visit_months=(3.0,), visit_jitter=0.0, visit_missed=0.0)
    visit = float(np.rint(3.0 * 30.4375))
    monkeypatch.setattr(follow_up, "_days_to_surgery", lambda *_: np.full(N, visit))
    monkeypatch.setattr(follow_up, "_days_to_loss", lambda *_: NEVER)
    seen = followed(settings, event=ENTRY + visit)  # resorbed on that very day
    assert (seen.reason == "resorbed").all()
    assert (seen.exit == seen.first_resorbed).all()
    assert (seen.exit == ENTRY + visit).all()
    not_yet = followed(settings, event=ENTRY + visit + 0.5)
    assert (not_yet.last_herniated == ENTRY + visit).all()
    assert (not_yet.reason == "surgery").all()


def test_visits_of_a_patient_are_drawn_apart() -> None:
    visits = followed(FULL).visits
    happened = np.isfinite(visits).astype(float)
    both = np.isfinite(visits[:, 0]) & np.isfinite(visits[:, 1])
    assert unrelated(happened[:, 0], happened[:, 1])
    assert unrelated(visits[both, 0], visits[both, 1])
    assert unrelated(visits[np.isfinite(visits[:, 0]), 0], happened[np.isfinite(visits[:, 0]), 1])


def test_exits_are_drawn_apart() -> None:
    draws, settings = Draws(5, N), Settings()
    severity = draws.normal("severity")
    surgery = np.log(follow_up._days_to_surgery(draws, settings, severity))
    lost = np.log(follow_up._days_to_loss(draws, settings))
    for a, b in ((surgery, lost), (surgery, severity), (lost, severity)):
        assert unrelated(a, b)
    for purpose in ("event", "type", "size", "entry", "centre"):
        assert unrelated(surgery, draws.uniform(purpose))
        assert unrelated(lost, draws.uniform(purpose))


def test_who_is_triggered_says_nothing_of_how_late() -> None:
    """Those likelier to be triggered keep the delays of the others."""
    settings = Settings(visits="symptoms", visit_gap=240.0, visit_severity=0.0,
                        surgery_by_year=0.0, lost_by_year=0.0)  # fmt: skip
    event = ENTRY + 90.0
    delays = []
    for chance in (0.2, 0.9):
        seen = followed(Settings(**{**settings.to_dict(), "visit_triggered": chance}), event)
        delay = (seen.first_resorbed - event)[seen.first_resorbed - event < 90.0]
        delays.append(delay.mean())
        assert len(delay) / N == pytest.approx(chance, abs=0.03)
    assert delays[0] == pytest.approx(delays[1], rel=0.15)
    assert delays[1] == pytest.approx(15.2 + 0.5, rel=0.1)


def test_severity_shows_as_pain_and_index_mris_spread_over_recruitment() -> None:
    mild, severe = Settings(), Settings(surgery_severity=1.0)
    visits = simulate_visits(4_000, seed=3, settings=severe)
    index = visits.drop_duplicates("patient_id")
    operated = index["exit_reason"] == "surgery"
    assert index.loc[operated, "leg_pain"].mean() > index.loc[~operated, "leg_pain"].mean() + 0.5
    assert abs(index["leg_pain"].mean() - 5.0) < 4.0 * 2.0 / np.sqrt(4_000)
    days = np.array(index["mri_date"], dtype="datetime64[D]") - np.datetime64("2022-01-03")
    months = days.astype(float) / 30.4375
    assert 0.0 <= months.min() < 0.1
    assert mild.recruitment_months - 0.1 < months.max() < mild.recruitment_months
    assert abs(months.mean() - 12.0) < 4.0 * np.sqrt(48.0 / 4_000)
