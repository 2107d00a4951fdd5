"""Notices by mail, through a real SMTP server: gathered, in the person's language, tried again, bounded."""

import time
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from pks_portal.messages import say
from tenants import notices
from tenants.models import Notice, User
from tenants.notices import mail, reading
from tests.factories import TenantFactory, UserFactory
from tests.notices.receiver import unused_port
from tests.notices.smtp import MailServer
from tests.permissions.people import browser_of

pytestmark = pytest.mark.django_db
KIND = "account.break_glass"
LATER = timedelta(minutes=2)


@pytest.fixture(autouse=True)
def configured(settings: Any) -> None:
    settings.EMAIL_BACKEND = "tenants.notices.mail.Backend"
    settings.PKS_MAIL, settings.EMAIL_HOST, settings.EMAIL_TIMEOUT = True, "127.0.0.1", 2
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False


@pytest.fixture
def user() -> User:
    return UserFactory.create(email="li.na@example.com")


def tell(*people: User, name: Any = "ops", tenant: Any = None) -> None:
    notices.tell(KIND, to=people, tenant=tenant, link="/profile", name=name, address="192.0.2.1")


def post(server_port: int, settings: Any, minutes: float = 2) -> None:
    """Send what is due in so many minutes, as the worker would."""
    settings.EMAIL_PORT = server_port
    with time_machine.travel(timezone.now() + timedelta(minutes=minutes)):
        due = Notice.objects.filter(mail="due", mail_due_at__lte=timezone.now())
        for user_id in set(due.values_list("user_id", flat=True)):
            mail.send_to(user_id)


def states() -> list[str]:
    return sorted(Notice.objects.values_list("mail", flat=True))


def test_a_notice_comes_by_mail_with_its_link(user: User, settings: Any) -> None:
    with MailServer() as server:
        tell(user, tenant=TenantFactory.create(name="Payments"))
        post(server.port, settings, minutes=0)
        assert server.mails == [], "it waits a moment for others"
        post(server.port, settings)
        (got,) = server.mails
    assert got["To"] == "li.na@example.com"
    assert got["Subject"].strip() == "The local administrator ops signed in from 192.0.2.1. · PKS Portal"
    assert got["Auto-Submitted"] == "auto-generated"
    assert "http://localhost:8000/profile" in got.get_content()
    assert "Tenant: Payments" in got.get_content()
    assert states() == ["sent"]


def test_what_happens_at_once_is_one_mail_to_each(user: User, settings: Any) -> None:
    other = UserFactory.create(email="wu.hao@example.com")
    with MailServer() as server:
        for name in ("one", "two", "three"):
            tell(user, other, name=name)
        post(server.port, settings)
        post(server.port, settings)
        assert sorted(got["To"] for got in server.mails) == ["li.na@example.com", "wu.hao@example.com"]
        assert server.mails[0]["Subject"] == "3 notices · PKS Portal"
        assert all(f"administrator {name} signed" in server.mails[0].get_content() for name in ("one", "two", "three"))


def test_it_is_written_in_the_persons_language(user: User, settings: Any) -> None:
    User.objects.update(language="zh-hans")
    with MailServer() as server:
        tell(user, name=say("quota.nodes"))
        post(server.port, settings)
        assert "节点" in server.mails[0].get_content()
        assert "节点" in server.mails[0]["Subject"]


def test_who_has_no_address_or_wants_none_gets_none(user: User, settings: Any) -> None:
    silent = UserFactory.create()
    browser_of(user).post("/notices/mail", {"kinds": ["webhook.stopped"]})
    tell(user, silent)
    assert states() == ["none", "none"]
    browser_of(user).post("/notices/mail", {"kinds": [KIND]})
    tell(user)
    assert states() == ["due", "none", "none"]
    settings.PKS_MAIL = False
    tell(user)
    assert states() == ["due", "none", "none", "none"]


def test_what_was_read_meanwhile_is_not_sent(user: User, settings: Any) -> None:
    with MailServer() as server:
        tell(user)
        reading.read_all(user)
        post(server.port, settings)
        assert server.mails == []
    assert states() == ["none"]


def test_who_has_left_meanwhile_gets_none(user: User, settings: Any) -> None:
    with MailServer() as server:
        tell(user)
        User.objects.update(is_active=False)
        post(server.port, settings)
        assert server.mails == []


@pytest.mark.parametrize("manner", ["busy", "hang", "away"])
def test_a_server_that_does_not_take_it_now_is_tried_again(user: User, settings: Any, manner: str) -> None:
    tell(user)
    settings.EMAIL_TIMEOUT = 0.3
    began = time.monotonic()
    if manner == "away":
        post(unused_port(), settings)
    else:
        with MailServer(manner) as server:
            post(server.port, settings)
    assert time.monotonic() - began < 5
    assert states() == ["due"]
    with MailServer() as server:
        post(server.port, settings, minutes=60)
        assert len(server.mails) == 1


def test_trying_ends(user: User, settings: Any) -> None:
    tell(user)
    tries = 0
    with MailServer("busy") as server:
        while states() == ["due"]:
            tries += 1
            post(server.port, settings, minutes=tries * 24 * 60)
    assert (tries, states()) == (6, ["failed"])


def test_an_address_that_the_server_does_not_know_is_not_tried_again(user: User, settings: Any) -> None:
    tell(user)
    with MailServer("unknown") as server:
        post(server.port, settings)
    assert states() == ["failed"]


def test_a_worker_that_dies_loses_nothing(user: User, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tell(user)
    with monkeypatch.context() as patch:
        patch.setattr(mail, "_message", _die)
        with pytest.raises(KeyboardInterrupt):
            post(1, settings)
    with MailServer() as server:
        post(server.port, settings)
        assert server.mails == [], "its claim still holds"
        post(server.port, settings, minutes=10)
        assert len(server.mails) == 1


def test_starttls_and_a_login_are_used(user: User, settings: Any) -> None:
    settings.EMAIL_HOST, settings.EMAIL_USE_TLS = "localhost", True
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "portal", "word"
    with MailServer(tls="localhost", login=("portal", "word")) as server:
        tell(user)
        post(server.port, settings)
        assert (server.mails, states()) == ([], ["due"]), "a certificate of an authority that nobody trusts"
        settings.PKS_MAIL_CA = server.authority
        post(server.port, settings, minutes=60)
        assert (len(server.mails), states()) == (1, ["sent"])


def test_a_line_break_in_a_name_makes_no_header(user: User, settings: Any) -> None:
    with MailServer() as server:
        tell(user, name="ops\r\nBcc: evil@example.com")
        post(server.port, settings)
        (got,) = server.mails
    assert got["Bcc"] is None
    assert got["To"] == "li.na@example.com"


def _die(*_: object) -> Any:
    raise KeyboardInterrupt
