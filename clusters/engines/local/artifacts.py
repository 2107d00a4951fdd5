"""The programs that the local engine runs: which they are, where they lie, and whether they are what was built.

`<cache>/bin/` holds etcd and kwok, `<cache>/bin/<version>/` the programs of one Kubernetes version; each directory has
a manifest.json that is written after the files it vouches for. A read-only directory of the same layout may come
first (PKS_KUBERNETES_BINARIES), with a manifest or with a `<file>.sha256` beside each file.
"""

import json
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

import clusters.engines.local.messages  # noqa: F401  (the texts of what is raised here)
from clusters.engines.local import sums
from pks_portal import env, paths
from pks_portal.errors import Invalid, PortalError

KUBERNETES = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl")
SHARED = ("etcd", "etcdctl", "etcdutl", "kwok", "kwokctl")
TOOLS = paths.CHECKOUT / "tools"
VERSION = re.compile(r"\d+\.\d+\.\d+")

_SHARED_PACKAGES = {
    "etcd": ("go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3"),
    "etcdctl": ("go.etcd.io/etcd/etcdctl/v3", "go.etcd.io/etcd/etcdctl/v3"),
    "etcdutl": ("go.etcd.io/etcd/etcdutl/v3", "go.etcd.io/etcd/etcdutl/v3"),
    "kwok": ("sigs.k8s.io/kwok", "sigs.k8s.io/kwok/cmd/kwok"),
    "kwokctl": ("sigs.k8s.io/kwok", "sigs.k8s.io/kwok/cmd/kwokctl"),
}


class BinariesUnusable(PortalError):
    """Programs that clusters need are damaged, or cannot be made; a person has to do something about it."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a program is made; a program made by another recipe is made again."""

    package: str
    module: str
    version: str
    ldflags: str
    trimpath: bool = True
    cgo: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One program: its recipe, its Go module under tools/, its folder under bin/, and the version it must answer."""

    name: str
    recipe: Recipe
    tools: Path
    folder: str
    asks: tuple[str, ...]
    answer: str


@dataclass(frozen=True, slots=True)
class Binaries:
    """The verified programs of one Kubernetes version."""

    version: str
    files: Mapping[str, Path]

    def path(self, component: str) -> Path:
        """Return the absolute path of a program, e.g. "kube-apiserver" or "etcd"; raises KeyError for another name."""
        return self.files[component]


@lru_cache(maxsize=16)
def _required(module_file: Path) -> dict[str, str]:
    """Return module → version (without "v") of a go.mod."""
    text = module_file.read_text(encoding="utf-8")
    return dict(re.findall(r"^(?:require )?\s*(\S+) v(\S+)", text, re.MULTILINE))


def modules(tools: Path) -> int:
    """Return how many Go modules a directory under tools/ requires at most."""
    return len(_required(tools / "go.mod"))


def declared() -> dict[str, Path]:
    """Return the Kubernetes versions that can be built here, newest first, each with its Go module's directory."""
    found = {_required(file)["k8s.io/kubernetes"]: file.parent for file in TOOLS.glob("kubernetes-*/go.mod")}
    return {version: found[version] for version in sorted(found, key=release, reverse=True)}


def release(version: str) -> tuple[int, ...]:
    """Return a version "1.37.2" as numbers that can be compared."""
    return tuple(int(part) for part in version.split("."))


def components(version: str) -> list[Component]:
    """Return what is built for a version, etcd and kwok first.

    Raises Invalid "binaries.unknown_version" when no module under tools/ declares it.
    """
    if (tools := declared().get(version)) is None:
        raise Invalid("binaries.unknown_version", version=version, offered=", ".join(offered()))
    return [*_shared(), *(_kubernetes(name, version, tools) for name in KUBERNETES)]


def _kubernetes(name: str, version: str, tools: Path) -> Component:
    major, minor, _ = version.split(".")
    stamps = " ".join(
        f"-X {package}.gitVersion=v{version} -X {package}.gitMajor={major} -X {package}.gitMinor={minor}"
        for package in ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    )
    recipe = Recipe(
        package=f"k8s.io/kubernetes/cmd/{name}", module="k8s.io/kubernetes", version=version, ldflags=f"-s -w {stamps}"
    )
    client = name == "kubectl"
    return Component(
        name=name,
        recipe=recipe,
        tools=tools,
        folder=version,
        asks=("version", "--client") if client else ("--version",),
        answer=f"Client Version: v{version}" if client else f"Kubernetes v{version}",
    )


def _shared() -> list[Component]:
    tools = TOOLS / "etcd-kwok"
    required = _required(tools / "go.mod")
    made = []
    for name, (module, package) in _SHARED_PACKAGES.items():
        version = required[module]
        kwok = name.startswith("kwok")
        stamp = f" -X sigs.k8s.io/kwok/pkg/consts.Version=v{version}" if kwok else ""
        recipe = Recipe(package=package, module=module, version=version, ldflags=f"-s -w{stamp}")
        asks = ("--version",) if kwok or name == "etcd" else ("version",)
        answer = f"{name} version v{version}" if kwok else f"{name} {'V' if name == 'etcd' else 'v'}ersion: {version}"
        made.append(Component(name=name, recipe=recipe, tools=tools, folder="", asks=asks, answer=answer))
    return made


def provided() -> Path | None:
    """Return the read-only directory of programs that wins over building, if one is configured."""
    return Path(name).absolute() if (name := os.environ.get("PKS_KUBERNETES_BINARIES")) else None


def offered() -> tuple[str, ...]:
    """Return the versions that clusters may have, the default first: this alone decides it.

    Those that can be built here and those provided, newest first; of these PKS_KUBERNETES_VERSIONS may name some, in
    its order.
    """
    folders = list(root.iterdir()) if (root := provided()) and root.is_dir() else []
    extra = {folder.name for folder in folders if VERSION.fullmatch(folder.name) and _complete(folder, KUBERNETES)}
    here = tuple(sorted(extra | declared().keys(), key=release, reverse=True))
    chosen = env.items("PKS_KUBERNETES_VERSIONS")
    return tuple(version for version in chosen if version in here) if chosen else here


def to_build(version: str) -> list[Component]:
    """Return what a build makes for a version: everything that is not provided.

    Raises Invalid "binaries.unknown_version" when the version is neither provided nor declared under tools/.
    """
    root = provided()
    groups = ((SHARED, ""), (KUBERNETES, version)) if root and VERSION.fullmatch(version) else ()
    given = {folder for names, folder in groups if root and _complete(root / folder, names)}
    parts = _shared() if version in given and version not in declared() else components(version)
    return [part for part in parts if part.folder not in given]


def default() -> str:
    """Return the version that a cluster gets if none is asked for; the first start builds it. "" if none is offered."""
    return next(iter(offered()), "")


def ready(version: str, cache: Path | None = None) -> Binaries | None:
    """Return the programs of a version when all are there and verified, else None.

    A process's first call reads all of them, for seconds: it is for who is about to use them. Raises BinariesUnusable
    ("binaries.corrupt", "binaries.corrupt_provided", "binaries.unsigned") naming the file, and Invalid for something
    that is not a version.
    """
    root = cache or paths.cache()
    return _found(version, root, lambda file: sums.computed(file, root))


def known(version: str, cache: Path | None = None) -> Binaries | None:
    """Return what `ready` does, and raise as it does, from the checksums computed before. Cheap for who must answer.

    Raises sums.Unknown when a program has not been checked since it changed.
    """
    root = cache or paths.cache()
    return _found(version, root, lambda file: sums.looked_up(file, root))


def _found(version: str, cache: Path, sum_of: Callable[[Path], str]) -> Binaries | None:
    if not VERSION.fullmatch(version):
        raise Invalid("binaries.unknown_version", version=version, offered=", ".join(offered()))
    recipes = {part.name: part.recipe for part in components(version)} if version in declared() else {}
    found: dict[str, Path] = {}
    for names, folder in ((SHARED, ""), (KUBERNETES, version)):
        if (root := provided()) and _complete(root / folder, names):
            found |= {name: _vouched(root / folder / name, sum_of) for name in names}
        elif own := _own(cache / "bin" / folder, names, recipes, sum_of):
            found |= own
        else:
            return None
    return Binaries(version, found)


def _complete(folder: Path, names: Iterable[str]) -> bool:
    return all((folder / name).is_file() for name in names)


def _own(
    folder: Path, names: Iterable[str], recipes: Mapping[str, Recipe], sum_of: Callable[[Path], str]
) -> dict[str, Path] | None:
    """Return the verified files of a directory that we built, or None when one is missing or made by an old recipe."""
    entries = manifest(folder)
    if not all(made_by(entries.get(name), recipes.get(name)) for name in names) or not _complete(folder, names):
        return None
    for name in names:
        if not matches(folder / name, entries[name], sum_of):
            raise BinariesUnusable("binaries.corrupt", path=str(folder / name))
    return {name: folder / name for name in names}


def made_by(entry: Mapping[str, Any] | None, recipe: Recipe | None) -> bool:
    """Tell whether a manifest entry was made by a recipe; any entry will do where the recipe is no longer known."""
    return entry is not None and (recipe is None or asdict(recipe).items() <= entry.items())


def _vouched(file: Path, sum_of: Callable[[Path], str]) -> Path:
    """Return a provided file whose checksum is right by the manifest or by the .sha256 file beside it."""
    beside = file.with_name(f"{file.name}.sha256")
    wanted = str(manifest(file.parent).get(file.name, {}).get("sha256", ""))
    if not wanted and beside.is_file():
        wanted = (beside.read_text(encoding="utf-8").split() or [""])[0].lower()
    if not wanted:
        raise BinariesUnusable("binaries.unsigned", path=str(file))
    if sum_of(file) != wanted:
        raise BinariesUnusable("binaries.corrupt_provided", path=str(file))
    return file


def manifest(folder: Path) -> dict[str, dict[str, Any]]:
    """Return name → entry of a directory's manifest; empty when there is none, or none that can be read."""
    try:
        files = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return files if isinstance(files, dict) else {}


def matches(file: Path, entry: Mapping[str, Any], sum_of: Callable[[Path], str] = sums.computed) -> bool:
    """Tell whether a file has the size and checksum of its manifest entry."""
    try:
        return (file.stat().st_size, sum_of(file)) == (entry["size"], entry["sha256"])
    except (FileNotFoundError, KeyError):
        return False
