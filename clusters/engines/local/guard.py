"""What keeps an issued kubeconfig at its level, and what its holder could do from outliving it.

Kubernetes' own "edit" may impersonate every service account and make tokens for it: bound for the whole cluster, that
is its administrator, and such a token stays good when the binding is gone. So the level has a role of its own, without
both, and an admission policy keeps its holders away from the system's namespaces and from secrets that become tokens.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from clusters.engines.local import roles
from clusters.engines.local.api import SYSTEM, Api
from pks_portal.errors import Unavailable

EDIT = "pks-portal:edit"
USER = "pks:"
POLICY = "pks-portal-namespaces"
POLICIES = "/apis/admissionregistration.k8s.io/v1"
SYSTEM_NAMESPACES = ("kube-system", "kube-public", "kube-node-lease")
_CORE = {"", "*"}
_UNSAFE = {"serviceaccounts/token", "*/token", "*", "serviceaccounts/*", "*/*"}
_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")

Rule = Mapping[str, Any]


def user(holder: str, level: str, name: str, *, longest: int) -> str:
    """Return the user name of a credential, "pks:<holder>:<level>:<name>"; of what is too long the holder is cut."""
    end = f":{level}:{name}"
    return f"{USER}{holder}"[: longest - len(end)] + end


def ensure_edit(api: Api) -> None:
    """Make the role of level "edit" what the cluster's own "edit" is now, less what leads beyond it.

    Raises Unavailable while the controllers have not put the cluster's own together.
    """
    if not (rules := api.get(f"{roles.PATH}/clusterroles/edit").get("rules")):
        raise Unavailable(
            "engine.api_refused", system=SYSTEM, cause="the role “edit” has no rules yet", status=HTTPStatus.NOT_FOUND
        )
    api.put(f"{roles.PATH}/clusterroles", roles.role(EDIT, lessened(rules)))


def ensure_policy(api: Api, administrators: Sequence[str] | None = None) -> None:
    """Make the admission policy and put it in force.

    `administrators`: the groups of the portal's issuer that may all; without them those that are in force stay.
    """
    policies = f"{POLICIES}/validatingadmissionpolicies"
    if administrators is not None or api.find(f"{policies}/{POLICY}") is None:
        api.put(policies, _policy(administrators or ()))
    api.put(f"{POLICIES}/validatingadmissionpolicybindings", _binding())


def lessened(rules: Sequence[Rule]) -> list[Rule]:
    """Return the rules without impersonation of anybody and without tokens of service accounts."""
    return [less for rule in rules if (less := _lessened(rule))["verbs"] and less.get("resources", True)]


def _lessened(rule: Rule) -> Rule:
    verbs = _VERBS if "*" in rule["verbs"] else [verb for verb in rule["verbs"] if verb != "impersonate"]
    less = {**rule, "verbs": list(verbs)}
    if "resources" in rule and _CORE & set(rule.get("apiGroups", ())):
        less["resources"] = [resource for resource in rule["resources"] if resource not in _UNSAFE]
    return less


def _policy(administrators: Sequence[str]) -> dict[str, Any]:
    token = "kubernetes.io/service-account-token"  # noqa: S105  (a type of secret)
    return {
        **_head("ValidatingAdmissionPolicy"),
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {
                "resourceRules": [
                    {
                        "apiGroups": ["*"],
                        "apiVersions": ["*"],
                        "operations": ["CREATE", "UPDATE", "DELETE", "CONNECT"],
                        "resources": ["*/*"],
                        "scope": "Namespaced",
                    }
                ]
            },
            "matchConditions": [
                {
                    "name": "issued-below-admin",
                    # Certificates name no group, so who has one of ours came with a token. In a certificate's name
                    # the level is found from the end: a holder may be called anything.
                    "expression": f"request.userInfo.username.startsWith('{USER}') && "
                    f"(request.userInfo.groups.exists(group, group.startsWith('{USER}')) "
                    f"? !request.userInfo.groups.exists(group, group in {sorted(administrators)}) "
                    ": !request.userInfo.username.matches(':admin:[0-9a-f]{16}$'))",
                }
            ],
            "validations": [
                {
                    "expression": f"!(request.namespace in {list(SYSTEM_NAMESPACES)})",
                    "message": "The system's namespaces are changed with a kubeconfig of level admin only.",
                },
                {
                    "expression": "request.resource.group != '' || request.resource.resource != 'secrets' || "
                    f"object == null || !has(object.type) || object.type != '{token}'",
                    "message": "Secrets that become tokens are made with a kubeconfig of level admin only.",
                },
            ],
        },
    }


def _binding() -> dict[str, Any]:
    return {
        **_head("ValidatingAdmissionPolicyBinding"),
        "spec": {"policyName": POLICY, "validationActions": ["Deny"]},
    }


def _head(kind: str) -> dict[str, Any]:
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": kind,
        "metadata": {"name": POLICY, "labels": {"app.kubernetes.io/managed-by": "pks-portal"}},
    }
