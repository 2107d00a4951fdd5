"""Texts of the local engine's programs: what is built, checked, waited for, and what goes wrong there."""

from django.utils.translation.trans_null import gettext_noop  # the other one needs settings, which builds do without

from pks_portal.messages import add

add(
    {
        "binaries.absent": gettext_noop("Kubernetes %(version)s is not built yet."),
        "binaries.behind": gettext_noop("Kubernetes %(version)s is not built yet; %(other)s is being built first."),
        "binaries.unchecked": gettext_noop(
            "The programs of Kubernetes %(version)s have not been checked on this machine since they were put there."
        ),
        "binaries.interrupted": gettext_noop(
            "The build of Kubernetes %(version)s was interrupted; it can go on from there."
        ),
        "binaries.queued": gettext_noop("Waiting for the build of Kubernetes %(other)s on this machine to end."),
        "binaries.fetch": gettext_noop(
            "Fetching sources of Kubernetes %(version)s: %(done)s of at most %(total)s modules."
        ),
        "binaries.compile": gettext_noop("Compiling Kubernetes %(version)s: %(done)s of at most %(total)s packages."),
        "binaries.link": gettext_noop("Linking %(component)s, program %(done)s of %(total)s."),
        "binaries.verify": gettext_noop("Checking %(component)s, program %(done)s of %(total)s."),
        "binaries.ready": gettext_noop("Kubernetes %(version)s is ready: %(count)s programs, all checksums right."),
        "binaries.unknown_version": gettext_noop("Kubernetes “%(version)s” is not offered here; there is %(offered)s."),
        "binaries.unknown_version.next": gettext_noop("Choose one of the offered versions."),
        "binaries.corrupt": gettext_noop("The file %(path)s is not what was built: its checksum differs."),
        "binaries.corrupt.next": gettext_noop("Prepare Kubernetes again: only the damaged file is built anew."),
        "binaries.corrupt_provided": gettext_noop("The file %(path)s does not have the checksum written beside it."),
        "binaries.corrupt_provided.next": gettext_noop("Put the right file there, or its right checksum."),
        "binaries.unsigned": gettext_noop("Nothing says which checksum the file %(path)s should have."),
        "binaries.unsigned.next": gettext_noop("Put the checksum published by its makers into %(path)s.sha256."),
        "binaries.no_go": gettext_noop(
            "No Go toolchain of version %(needed)s or newer was found to build Kubernetes with."
        ),
        "binaries.no_go.next": gettext_noop(
            "Run “make run”, which installs one, or set PKS_KUBERNETES_BINARIES to a directory of programs."
        ),
        "binaries.fetch_failed": gettext_noop("The sources of Kubernetes %(version)s could not be fetched."),
        "binaries.fetch_failed.next": gettext_noop(
            "Check the way to the Go module proxy (GOPROXY), then start the build again."
        ),
        "binaries.compile_failed": gettext_noop("Kubernetes %(version)s could not be compiled."),
        "binaries.compile_failed.next": gettext_noop("Read the compiler's words, then start the build again."),
        "binaries.link_failed": gettext_noop("%(component)s could not be linked."),
        "binaries.link_failed.next": gettext_noop("Read the linker's words, then start the build again."),
        "binaries.verify_failed": gettext_noop("%(component)s should call itself “%(expected)s” and does not."),
        "binaries.verify_failed.next": gettext_noop(
            "Start the build again; if this stays, report it with the program's answer."
        ),
        "binaries.disk_full": gettext_noop(
            "There is no space left for building Kubernetes: %(free)s MiB free at %(path)s."
        ),
        "binaries.disk_full.next": gettext_noop(
            "Free about 6 GiB there or set PKS_CACHE_DIR, then start the build again."
        ),
        "binaries.cache_unusable": gettext_noop("The directory %(path)s cannot be written."),
        "binaries.cache_unusable.next": gettext_noop(
            "Give the portal's user the right to write there, or set PKS_CACHE_DIR."
        ),
        "binaries.cancelled": gettext_noop(
            "The build of Kubernetes %(version)s was cancelled; what is compiled is kept."
        ),
    }
)
