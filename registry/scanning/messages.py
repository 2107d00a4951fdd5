"""Texts of scanning that are stored as keys."""

from django.utils.translation import gettext_noop

from pks_portal import messages
from tenants.audit import declare

messages.add(
    {
        "task.registry.scan": gettext_noop("Scan %(name)s"),
        "task.registry.rejudge": gettext_noop("Judge all images anew"),
        "kind.registry.scan": gettext_noop("Scan an image"),
        "kind.registry.rejudge": gettext_noop("Judge all images anew"),
        "step.sbom": gettext_noop("What it consists of"),
        "step.judge": gettext_noop("Known vulnerabilities"),
        "step.rejudge": gettext_noop("Images"),
        "event.scan_log": gettext_noop("%(line)s"),
        "event.sbom_made": gettext_noop("%(packages)s packages found."),
        "event.sbom_kept": gettext_noop("%(packages)s packages are known from an earlier scan."),
        "event.judged": gettext_noop(
            "%(scanner)s: %(findings)s findings (database %(database)s of %(date)s, %(records)s records)."
        ),
        "event.not_judged": gettext_noop("%(scanner)s: %(reason)s"),
        "event.rejudged": gettext_noop("%(done)s of %(all)s images judged anew."),
        "error.scanner_missing": gettext_noop("The scanner trivy is not installed on this host."),
        "error.scanner_missing.next": gettext_noop(
            "A platform administrator installs it and sets PKS_TRIVY; docs/operate.md says how."
        ),
        "error.scanner_strange": gettext_noop("The program that should be trivy is another one: its checksum differs."),
        "error.scanner_strange.next": gettext_noop("A platform administrator compares PKS_TRIVY and its checksum."),
        "error.scan_failed": gettext_noop("trivy ended with an error (%(code)s)."),
        "error.scan_failed.next": gettext_noop("The task's log has its own words."),
        "error.scan_confined": gettext_noop("trivy cannot be given a network of its own, so it is not run."),
        "error.scan_confined.next": gettext_noop(
            "Run the worker as a user other than root, or let it make network namespaces (CAP_SYS_ADMIN)."
        ),
        "error.scan_memory": gettext_noop("trivy wants more memory than the %(limit)s MiB that a scan may have."),
        "error.scan_memory.next": gettext_noop("An administrator can allow more with PKS_SCAN_MEMORY_MIB."),
        "error.scan_disk": gettext_noop("trivy wants more disk than the %(limit)s MiB that a scan may have."),
        "error.scan_disk.next": gettext_noop("An administrator can allow more with PKS_SCAN_DISK_MIB."),
        "error.scan_slow": gettext_noop("trivy did not end within %(seconds)s seconds."),
        "error.database_absent": gettext_noop(
            "There is no vulnerability database, so nothing can be said about vulnerabilities."
        ),
        "error.database_absent.next": gettext_noop(
            "A platform administrator uploads one on the page “Scanners”, then the image is judged."
        ),
        "error.database_broken": gettext_noop("The vulnerability database %(name)s cannot be read: %(reason)s"),
        "error.database_broken.next": gettext_noop("A platform administrator uploads it anew on the page “Scanners”."),
        "error.database_wrong": gettext_noop("This is no vulnerability database: %(reason)s."),
        "error.database_wrong.next": gettext_noop(
            "Upload trivy's db.tar.gz, or a ZIP of OSV records as osv.dev publishes them."
        ),
        "error.database_large": gettext_noop("An upload has at most %(most)s MiB."),
        "error.not_scannable": gettext_noop("No scanner can look into an artifact of this kind."),
        "error.sbom_format": gettext_noop("There is no such format; known are: %(known)s."),
        "error.sbom_not_attached": gettext_noop("No SBOM that can be read is in this artifact."),
        "error.sbom_large": gettext_noop("The SBOM has more than %(most)s bytes, which is too much to read here."),
        "error.sbom_large.next": gettext_noop("Fetch it from the registry: oras blob fetch REPOSITORY@%(digest)s"),
        "error.sbom_absent": gettext_noop("Nobody has looked into this image yet."),
        "error.sbom_absent.next": gettext_noop("Scan it, then its SBOM is there."),
        "error.severity_wrong": gettext_noop("There is no severity “%(value)s”."),
        "deed.scanner.database": gettext_noop("took in a vulnerability database"),
        "deed.scanner.scan_all": gettext_noop("asked to judge all images anew"),
        "deed.registry.scan": gettext_noop("asked for a scan"),
    }
)

declare("scanner.database", "records", "sources", "updated")
declare("scanner.scan_all", "task")
declare("registry.scan", "digest", "task")
