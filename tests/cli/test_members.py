from tests.cli.conftest import Pks
from tests.cli.fake_portal import FakePortal


def test_members_of_the_own_tenant_and_of_another(pks: Pks, signed_in: FakePortal) -> None:
    ran = pks("members", "-t", "payments")
    assert ran.code == 0
    assert ran.out.splitlines()[0].split() == ["User", "Name", "Role", "Source", "Given", "by", "Since"]
    assert ran.out.splitlines()[1].split()[:4] == ["wu.hao", "吴昊", "developer", "cn=payments-developers,ou=groups"]
    assert pks("members", "-t", "retail", "--json").json[0]["source"] == "directory"
    assert signed_in.requests("GET", "/api/v1/tenants/retail/members")


def test_members_of_no_tenant(pks: Pks, signed_in: FakePortal) -> None:
    ran = pks("members")
    assert (ran.code, ran.err) == (2, "Error: Name the tenant with -t TENANT.\n")


def test_people_of_the_platform(pks: Pks, signed_in: FakePortal) -> None:
    ran = pks("people", "--search", "li", "--state", "active")
    assert ran.code == 0
    assert ran.out.splitlines()[0].split() == ["ID", "User", "Name", "State", "Roles", "Last", "sign-in"]
    assert ran.out.splitlines()[1].split() == ["7", "li.na", "李娜", "active", "auditor,", "payments:", "operator"]
    [asked] = signed_in.requests("GET", "/api/v1/people")
    assert {name: asked.query[name] for name in ("search", "state")} == {"search": "li", "state": "active"}
    assert pks("people", "--json").json[0]["username"] == "li.na"
