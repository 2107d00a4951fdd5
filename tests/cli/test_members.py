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
