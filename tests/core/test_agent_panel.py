"""What the panel asks the agent: offers and estimates, against a service in memory and over the local channel."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conductor_core.agent_answers import InstanceType, Package
from conductor_core.errors import AgentError
from core.artists_desk import Desk

MACHINE = {"name": "big", "cores": 8, "memory_gb": 32, "gpu": "RTX", "price_per_hour": "1.20"}


@pytest.fixture
def desk(tmp_path: Path, fake_service: Any) -> Iterator[Desk]:
    desk = Desk(tmp_path, fake_service)
    yield desk
    desk.stop()


def _answers(desk: Desk, ending: str, data: Any, status: int = 200) -> None:
    """Have the service answer to paths that end so."""
    answer = (status, {"Content-Type": "application/json"}, json.dumps(data).encode())
    desk.fake.fault = lambda _, path: answer if path.endswith(ending) else None


def test_an_offer_of_an_older_service(desk: Desk) -> None:
    """What an older service does not say is empty, and everything else is there."""
    offer = desk.start().offer()
    assert (offer.service, offer.user, offer.account, offer.projects) == (desk.fake.url, "ann", "Studio", ("show",))
    assert offer.instance_types == (InstanceType("small", "2 cores", 2, 8.0, "", "0.10", ""),)
    assert (offer.sends_email, offer.currency, offer.dashboard) == (False, "", f"{desk.fake.url}/")


def test_an_offer_has_all_that_a_service_says(desk: Desk) -> None:
    """GPU, the price of a machine that may be taken away, plug-ins and e-mails come through; what is unknown is left out."""
    machine = {**MACHINE, "preemptible_price_per_hour": "0.30", "colour": "red"}
    mtoa = {"name": "mtoa", "version": "5.4", "plug_in_of": "maya"}
    _answers(desk, "/catalogue", {"currency": "EUR", "instance_types": [machine], "software": [mtoa], "sends_email": True})
    offer = desk.start().offer()
    assert offer.instance_types == (InstanceType("big", "", 8, 32.0, "RTX", "1.20", "0.30"),)
    assert offer.software == (Package("mtoa", "5.4", "", "maya"),)
    assert (offer.currency, offer.sends_email) == ("EUR", True)


def test_an_offer_is_asked_for_once(desk: Desk) -> None:
    """Panels that open one after the other ask the service once; after a new login it is asked anew."""
    client = desk.start()
    client.offer()
    client.offer()
    assert len([path for _, path in desk.fake.requests if path == "/api/v1/catalogue"]) == 1
    desk.log_in("cdr_another")
    with pytest.raises(AgentError, match="not known"):
        client.offer()


def test_nobody_is_logged_in(desk: Desk) -> None:
    """Without a login the sentence says how to log in."""
    (desk.folders.config / "credentials.json").unlink()
    with pytest.raises(AgentError) as caught:
        desk.start().offer()
    assert (caught.value.what, "conductor login" in caught.value.next_step) == ("You are not logged in to any service.", True)


def test_a_service_that_is_away(desk: Desk) -> None:
    """A service that does not answer is told by its address, with what to do, and soon."""
    desk.fake.fault = lambda *_: "drop"
    with pytest.raises(AgentError, match="cannot be reached") as caught:
        desk.start().offer()
    assert desk.fake.url in caught.value.what
    assert caught.value.next_step


def test_an_estimate(desk: Desk) -> None:
    """What the service estimates comes through as it is."""
    said = {
        "frame_seconds": 30.5, "basis": "scene", "samples": 12, "cost": "0.40", "currency": "EUR", "wall_seconds": 310,
        "instances": 2, "billed_minutes": 20, "of_the_future": 1,
    }  # fmt: skip
    _answers(desk, "/estimate", said)
    found = desk.start().estimate(desk.submission())
    assert (found.frame_seconds, found.basis, found.cost, found.instances) == (30.5, "scene", "0.40", 2)


def test_an_older_service_estimates_nothing(desk: Desk) -> None:
    """A service that cannot estimate knows nothing, which is no error."""
    found = desk.start().estimate(desk.submission())
    assert (found.basis, found.cost, found.frame_seconds) == ("none", "", 0.0)


def test_a_submission_that_the_service_refuses_has_no_estimate(desk: Desk) -> None:
    """Its words are passed on."""
    _answers(desk, "/estimate", {"error": {"code": "invalid", "message": "instance_type 'x' is unknown."}}, 400)
    with pytest.raises(AgentError, match="instance_type"):
        desk.start().estimate(desk.submission())


def test_the_channel_is_guarded_here_too(desk: Desk) -> None:
    """Without the token nothing of the panel's is answered."""
    client = desk.start()
    stranger = type(client)(client.port, "guessed")
    with pytest.raises(AgentError, match="token"):
        stranger.offer()


def test_an_offer_names_the_validators_of_the_settings(desk: Desk) -> None:
    """A studio names them where it names its readers; a host reads no YAML."""
    desk.folders.config.mkdir(parents=True, exist_ok=True)
    (desk.folders.config / "settings.yaml").write_text("validators: [/studio/validators]\n")
    assert desk.start().offer().validator_folders == ("/studio/validators",)
