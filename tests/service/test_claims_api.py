"""Which agent brings which file home, of those that share the work."""

from __future__ import annotations

from typing import Any

import pytest
from conductor_service import claims
from conductor_service.models import DownloadClaim
from service.conftest import commands
from sqlalchemy import func, select

PATH = "/outputs/claims"


@pytest.fixture
def seqs(studio: Any) -> list[int]:
    """Render a job of four frames, and give the numbers of its files."""
    studio.job(commands("1-4", chunk=4))
    runner = studio.runner()
    runner.render(runner.take())
    return [output["seq"] for output in studio.get("/outputs")["outputs"]]


def _claim(
    studio: Any, holder: str, *, share: str = "servers", token: str | None = None, **said: Any
) -> tuple[list[int], list[int]]:
    answer = studio.ask("POST", PATH, json={"share": share, "holder": holder, **said}, token=token)
    assert answer.status_code == 200, answer.text
    return answer.json()["granted"], answer.json()["home"]


def test_each_file_is_given_to_one(studio: Any, seqs: list[int]) -> None:
    """As many as are wished for, in the wished order; the others to whoever asks next; what is held, to nobody else."""
    first, second, third, fourth = seqs
    assert _claim(studio, "a", outputs=[third, first, second], most=2) == ([third, first], [])
    assert _claim(studio, "b", outputs=seqs, most=9) == ([second, fourth], [])
    assert _claim(studio, "c", outputs=seqs, most=9) == ([], [])
    assert _claim(studio, "a", outputs=[first, third], most=9) == ([first, third], [])
    assert _claim(studio, "c", share="another", outputs=seqs, most=9) == (seqs, [])


def test_a_number_twice_is_one_file(studio: Any, seqs: list[int]) -> None:
    """Wanted, or home, or given up twice in one question is as good as once."""
    first, second, *_ = seqs
    assert _claim(studio, "a", outputs=[first, second, first, first], most=9) == ([first, second], [])
    _claim(studio, "a", home=[first, first], released=[second, second])
    assert _claim(studio, "b", outputs=[first, second, second], most=9) == ([second], [first])


def test_what_is_home_is_nobodys_work_any_more(studio: Any, seqs: list[int]) -> None:
    """Told by one, known to all who share; also of what he had not claimed."""
    _claim(studio, "a", outputs=seqs[:1], most=1)
    _claim(studio, "a", home=seqs[:2])
    assert _claim(studio, "b", outputs=seqs, most=9) == (seqs[2:], seqs[:2])


def test_what_is_given_up_is_free(studio: Any, seqs: list[int]) -> None:
    """Released by its holder, and by nobody else."""
    _claim(studio, "a", outputs=seqs, most=9)
    _claim(studio, "b", released=seqs)
    assert _claim(studio, "b", outputs=seqs, most=9) == ([], [])
    _claim(studio, "a", released=seqs[:1])
    assert _claim(studio, "b", outputs=seqs, most=9) == (seqs[:1], [])


def test_a_claim_runs_out(studio: Any, seqs: list[int]) -> None:
    """An agent that was killed keeps its files for two minutes, unless it asks again; then another brings them."""
    seconds = claims.CLAIM.total_seconds()
    _claim(studio, "a", outputs=seqs, most=9)
    studio.clock.pass_time(seconds - 10)
    assert _claim(studio, "a", outputs=seqs[:1], most=1) == (seqs[:1], [])
    studio.clock.pass_time(20)
    assert _claim(studio, "b", outputs=seqs, most=9) == (seqs[1:], [])


def test_claims_are_forgotten(studio: Any, seqs: list[int]) -> None:
    """The table has what is claimed now, and what came home of late."""
    _claim(studio, "a", outputs=seqs, most=9)
    _claim(studio, "a", home=seqs[:1])
    studio.clock.pass_time(claims.CLAIM.total_seconds() + 1)
    with studio.farm.database.write() as unit:
        claims.forget_claims(unit)
    assert _claim(studio, "b", outputs=seqs[:1], most=9) == ([], seqs[:1])
    studio.clock.pass_time(claims.REMEMBERED.total_seconds() + 1)
    with studio.farm.database.write() as unit:
        claims.forget_claims(unit)
        assert unit.session.scalar(select(func.count()).select_from(DownloadClaim)) == 0


def test_numbers_of_others_cannot_be_claimed(studio: Any, seqs: list[int]) -> None:
    """Nobody learns what another account has by claiming it, nor fills the table with numbers of nothing."""
    rival = studio.second_token()
    assert _claim(studio, "a", outputs=seqs, most=9, token=rival) == ([], [])
    _claim(studio, "a", home=[*seqs, 10**9], token=rival)
    assert _claim(studio, "b", outputs=[*seqs, 10**9], most=9) == (seqs, [])


@pytest.mark.parametrize(
    "wish",
    [
        {"share": "", "holder": "a"},
        {"share": "s", "holder": "x" * 65},
        {"share": "s", "holder": "a", "outputs": [-1]},
        {"share": "s", "holder": "a", "outputs": [1 << 63]},
        {"share": "s", "holder": "a", "home": [1] * 2001},
        {"holder": "a"},
    ],
    ids=["no name", "a long name", "no number", "a large number", "too many", "no share"],
)
def test_what_makes_no_sense_is_refused(studio: Any, wish: dict[str, Any]) -> None:
    """Nothing of it is kept."""
    assert studio.ask("POST", PATH, json=wish).status_code == 400
