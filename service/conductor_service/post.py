"""The postman: a thread that sends what is in the outbox, and is never waited for.

At least once: an e-mail is marked as sent after the server has taken it. Who is killed in between sends it again, under the same
Message-ID, by which mail programs know it.
"""

from __future__ import annotations

import contextlib
import logging
import smtplib
import ssl
import threading
from dataclasses import dataclass
from datetime import datetime
from email.errors import MessageError
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

from conductor_service import notices
from conductor_service.email_settings import EmailSettings
from conductor_service.farm import Farm
from conductor_service.letters import one_line
from conductor_service.models import Job

log = logging.getLogger(__name__)

#: sent over one connection
BATCH = 50
#: what the library raises for an address or a text of which it cannot make an e-mail
UNWRITABLE = (ValueError, LookupError, AttributeError, TypeError, MessageError)
_LONGEST_WAIT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One e-mail as it lies in the outbox."""

    id: str
    #: of the job
    number: int
    address: str
    subject: str
    text: str
    created: datetime

    def message(self, sender: str, domain: str, service_url: str) -> EmailMessage:
        """Return it as it goes out; the policy of `EmailMessage` has no line break in a header.

        Raises:
            ValueError: it cannot be written as an e-mail.
        """
        message = EmailMessage()
        message["From"] = sender
        message["To"] = self.address
        message["Subject"] = one_line(self.subject)
        message["Date"] = format_datetime(self.created)
        message["Message-ID"] = f"<{self.id}@{domain}>"
        message["Auto-Submitted"] = "auto-generated"
        page = f"{service_url}/#/jobs/{self.number}"
        message.set_content(f"{self.text}\n{page}\n\n-- \nConductor writes to you since the job names your address.\n")
        return message


class RefusedForGood(Exception):
    """The server will never take this e-mail."""


class Postman:
    """Send the e-mails of one farm."""

    def __init__(self, farm: Farm, *, service_url: str) -> None:
        self._farm = farm
        self._settings = farm.settings.email
        self._service_url = service_url
        self._stopping = threading.Event()
        #: taken by the server, and not yet marked so: the disk was full, or another program had the database
        self._unmarked: set[str] = set()

    def run(self) -> None:
        """Send until `stop`: what is new at once, what failed when its time has come."""
        if not self._settings.host:
            return
        first = True
        while not self._stopping.is_set():
            try:
                if first:
                    self._try_all_now()
                first = False
                self.deliver()
                pause = self._seconds_to_next()
            except Exception:  # the loop must outlive a full disk; what is unsent stays in the outbox
                log.exception("E-mails could not be sent; they are tried again in a minute.")
                pause = _LONGEST_WAIT_SECONDS
            self._farm.signals.letters.wait(pause)
            self._farm.signals.letters.clear()

    def stop(self) -> None:
        """Make `run` return, as soon as the mail server has answered."""
        self._stopping.set()
        self._farm.signals.letters.set()

    def deliver(self) -> None:
        """Send all that is due."""
        self._mark()
        while not self._stopping.is_set() and (batch := self._due()):
            self._send(batch)

    def _try_all_now(self) -> None:
        with self._farm.database.write() as unit:
            notices.try_all_now(unit)

    def _seconds_to_next(self) -> float:
        with self._farm.database.read() as session:
            at = notices.next_due(session)
        seconds = _LONGEST_WAIT_SECONDS if at is None else (at - self._farm.clock()).total_seconds()
        return min(_LONGEST_WAIT_SECONDS, max(0.05, seconds))

    def _due(self) -> list[Outgoing]:
        with self._farm.database.read() as session:
            rows = notices.due(session, self._farm.clock(), BATCH)
            letters = [
                Outgoing(row.id, session.get_one(Job, row.job_id).number, row.address, row.subject, row.text, row.created)
                for row in rows
            ]
        return [letter for letter in letters if letter.id not in self._unmarked]

    def _send(self, batch: list[Outgoing]) -> None:
        """Send what can be sent; the server being away counts against all, a connection that breaks against one."""
        try:
            server = connect(self._settings)
        except UnicodeError:  # says which letter of the password it was
            self._all_failed(batch, "user or password have letters that cannot be sent")
            return
        except (OSError, smtplib.SMTPException) as exc:
            self._all_failed(batch, _reason(exc))
            return
        try:
            for outgoing in batch:
                if self._stopping.is_set() or not self._send_one(server, outgoing):
                    break
        finally:
            sign_off(server)

    def _all_failed(self, batch: list[Outgoing], reason: str) -> None:
        log.warning("%d e-mails wait for %s port %d: %s", len(batch), self._settings.host, self._settings.port, reason)
        for outgoing in batch:
            self._failed(outgoing, reason, for_good=False)

    def _send_one(self, server: smtplib.SMTP, outgoing: Outgoing) -> bool:
        """Send one e-mail, and return whether the connection is still good."""
        try:
            message = outgoing.message(self._settings.sender, self._settings.domain, self._service_url)
            hand_over(server, message, outgoing.address, self._settings.sender_address)
        except (RefusedForGood, *UNWRITABLE) as exc:
            self._failed(outgoing, str(exc), for_good=True)
        except (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError) as exc:
            self._failed(outgoing, _reason(exc), for_good=False)
            return server.sock is not None  # after a 421 there is no connection any more
        except (OSError, smtplib.SMTPException) as exc:
            self._failed(outgoing, _reason(exc), for_good=False)
            return False
        else:
            log.info("An e-mail about job %d went to %s.", outgoing.number, outgoing.address)
            self._unmarked.add(outgoing.id)
            self._mark()
        return True

    def _mark(self) -> None:
        for notification_id in sorted(self._unmarked):
            with self._farm.database.write() as unit:
                notices.sent(unit, notification_id)
            self._unmarked.discard(notification_id)

    def _failed(self, outgoing: Outgoing, reason: str, *, for_good: bool) -> None:
        with self._farm.database.write() as unit:
            given_up = notices.failed(unit, outgoing.id, reason, for_good=for_good)
        if given_up:
            log.error("The e-mail about job %d to %s is given up: %s", outgoing.number, outgoing.address, reason)


def connect(settings: EmailSettings) -> smtplib.SMTP:
    """Return a connection to the mail server, signed in; where TLS is asked for its certificate has proved who it is.

    Raises:
        OSError, smtplib.SMTPException: there is none to be had now.
        UnicodeError: user or password cannot be sent.
    """
    seconds = settings.timeout_seconds
    context = ssl.create_default_context(cafile=settings.ca_file or None)
    if settings.security == "tls":
        server: smtplib.SMTP = smtplib.SMTP_SSL(settings.host, settings.port, timeout=seconds, context=context)
    else:
        server = smtplib.SMTP(settings.host, settings.port, timeout=seconds)
    try:
        if settings.security == "starttls":
            server.starttls(context=context)
        if settings.user:
            server.login(settings.user, Path(settings.password_file).read_text("utf-8", "replace").strip())
    except BaseException:
        sign_off(server)
        raise
    return server


def sign_off(server: smtplib.SMTP) -> None:
    """End a connection politely, if it is still there."""
    with contextlib.suppress(OSError, smtplib.SMTPException):
        server.quit()
    server.close()


def hand_over(server: smtplib.SMTP, message: EmailMessage, address: str, sender: str) -> None:
    """Have the server take one e-mail.

    Raises:
        RefusedForGood: it never will.
        smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError: not now; others it may.
        OSError, smtplib.SMTPException: something is wrong with the connection, or with us.
    """
    try:
        server.send_message(message, sender, [address])
    except smtplib.SMTPRecipientsRefused as exc:
        code, answer = exc.recipients[address]
        if code >= 500:
            raise RefusedForGood(f"the server refuses the address: {code} {_text(answer)}") from exc
        raise
    except smtplib.SMTPDataError as exc:
        if exc.smtp_code >= 500:
            raise RefusedForGood(f"the server refuses the text: {exc.smtp_code} {_text(exc.smtp_error)}") from exc
        raise
    except smtplib.SMTPNotSupportedError as exc:
        raise RefusedForGood(f"the server cannot write to such an address: {exc}") from exc


def _reason(exc: Exception) -> str:
    """Return what went wrong in a line; what servers say is bytes."""
    if isinstance(exc, smtplib.SMTPResponseException):
        return f"it answers {exc.smtp_code} {_text(exc.smtp_error)}"
    if isinstance(exc, smtplib.SMTPRecipientsRefused):
        return "; ".join(f"{code} {_text(answer)}" for code, answer in exc.recipients.values())
    return str(exc) or type(exc).__name__


def _text(answer: bytes | str) -> str:
    return " ".join((answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer).split())
