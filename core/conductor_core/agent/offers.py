"""What can be asked of the farm, and as whom: two questions to the service, remembered for as long as a panel is opened anew."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from conductor_core.agent_answers import Estimate, InstanceType, Offer, Package
from conductor_core.api import answers
from conductor_core.api.client import ServiceClient
from conductor_core.errors import NotFound
from conductor_core.submission import Submission

#: seconds for which an offer counts as of now: prices and projects change by the day
FRESH = 15.0


@dataclass(frozen=True, slots=True)
class _Known:
    offer: Offer
    client: ServiceClient
    moment: float


class Offers:
    """Ask services what they offer; safe to share between threads."""

    def __init__(
        self,
        connect: Callable[[str], ServiceClient],
        *,
        validators: Callable[[], tuple[str, ...]] = tuple,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connect = connect
        #: folders with a studio's validators, as the settings name them now
        self._validators = validators
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[str, _Known] = {}

    def offer(self, service: str = "") -> Offer:
        """Return the offer of a service, of the last login where none is named.

        Raises:
            Unauthorized: this user is not logged in there, or not any more.
            ServiceError: the service cannot be asked.
        """
        client = self._connect(service)
        with self._lock:
            known = self._known.get(client.service)
        # another login has another client
        if known is not None and known.client is client and self._clock() - known.moment < FRESH:
            return known.offer
        offer = replace(_offer(client.service, client.me(), client.catalogue()), validator_folders=self._validators())
        with self._lock:
            self._known[client.service] = _Known(offer, client, self._clock())
        return offer

    def currency(self, service: str) -> str:
        """Return in what a service counts, as far as that is known already."""
        with self._lock:
            known = self._known.get(service)
        return known.offer.currency if known else ""

    def estimate(self, submission: Submission) -> Estimate:
        """Return what the service of the last login thinks a submission would cost; a service that cannot tell knows nothing.

        Raises:
            ServiceError: the service cannot be asked, or refuses the submission.
        """
        client = self._connect("")
        try:
            return client.estimate(submission)
        except NotFound:
            return Estimate(0.0, "none", 0, "", self.currency(client.service), 0.0, 0, 0)


def _offer(service: str, me: answers.Me, catalogue: answers.Catalogue) -> Offer:
    return Offer(
        service=service,
        user=me.user.name,
        email=me.user.email,
        role=me.role,
        account=me.account.name,
        projects=tuple(project.name for project in me.projects),
        currency=catalogue.currency,
        instance_types=tuple(map(_instance_type, catalogue.instance_types)),
        software=tuple(Package(p.name, p.version, p.description, p.plug_in_of or "") for p in catalogue.software),
        sends_email=catalogue.sends_email,
        dashboard=f"{service}/",
    )


def _instance_type(found: answers.InstanceType) -> InstanceType:
    return InstanceType(
        name=found.name,
        description=found.description,
        cores=found.cores,
        memory_gb=found.memory_gb,
        gpu=str(found.gpu or ""),
        price_per_hour=found.price_per_hour,
        preemptible_price_per_hour=found.preemptible_price_per_hour or "",
    )
