"""What a project's page shows of its rules and of what they came to."""

from typing import Any

from django.core.paginator import Paginator

from pks_portal import messages
from pks_portal.operations.models import Operation
from registry.models import Project, RetentionRule, RetentionRun
from registry.upkeep import retaining
from tenants.http import UserHttpRequest

PER_PAGE = 50
RUNS = 10


def of_project(request: UserHttpRequest, project: Project) -> dict[str, Any]:
    """Return what the tab shows: the rules, the last runs, and the report of the one that was asked for."""
    runs = list(project.retention_runs.select_related("asked_by").defer("report")[:RUNS])
    wanted = request.GET.get("run", "")
    chosen = next((run for run in runs if str(run.pk) == wanted), runs[0] if runs else None)
    rows = RetentionRun.objects.only("report").get(pk=chosen.pk).report if chosen else []
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    for row in page.object_list:
        row["reference"] = f"{project.name}/{row['repository']}@{row['digest']}"
        row["reasons"] = [messages.render(one["key"], one["args"]) for one in row["why"]]
    return {
        "immutable": project.immutable_rules.select_related("made_by"),
        "retention": project.retention_rules.select_related("made_by"),
        "keeps": RetentionRule.Keep.choices, "runs": runs, "run": chosen, "page": page,
        "going": Operation.objects.filter(subject_id=project.pk, kind=retaining.KIND, ended_at=None).first(),
    }  # fmt: skip
