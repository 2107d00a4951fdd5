"""Copy the few front-end files that the portal serves out of node_modules, after `npm ci --ignore-scripts`.

The copies are committed, so that running the portal needs no Node. `python tools/vendor.py` writes static/vendor anew
with a lock of checksums and the licences; `--check` says what differs from the committed copies and then exits with 1.
"""

import hashlib
import json
import re
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODULES = ROOT / "node_modules"
OUT = ROOT / "static" / "vendor"
FILES = {
    "htmx.org": "dist/htmx.min.js",
    "idiomorph": "dist/idiomorph.min.js",
    "@fontsource-variable/inter": "files/inter-latin-wght-normal.woff2",
    "@fontsource-variable/jetbrains-mono": "files/jetbrains-mono-latin-wght-normal.woff2",
}
ICONS = """
arrow-down arrow-left arrow-up bell book-user bot boxes bug building-2 check chevrons-up-down circle-alert
circle-check circle-dashed circle-pause circle-slash circle-x clock contact-round copy download eye file-code
funnel gauge hard-drive history inbox key-round keyboard languages layers layout-dashboard link list-checks
loader-circle log-out mail menu minus monitor moon package plus rotate-cw search send shield-alert shield-check sun tag
trash-2 triangle-alert unplug user-round users-round webhook wrench x
""".split()  # noqa: SIM905


def package(name: str) -> dict[str, str]:
    """Return name, version, licence and licence text of an installed package."""
    facts = json.loads((MODULES / name / "package.json").read_text(encoding="utf-8"))
    texts = [file for file in (MODULES / name).iterdir() if re.match(r"(?i)licen[cs]e|copying", file.name)]
    text = texts[0].read_text(encoding="utf-8") if texts else ""
    return {"name": name, "version": facts["version"], "license": facts["license"], "text": text.strip()}


def sprite() -> bytes:
    """Return one SVG with a symbol per icon; strokes and colours come from the style sheet."""
    symbols = []
    for name in sorted(ICONS):
        drawing = (MODULES / "lucide-static" / "icons" / f"{name}.svg").read_text(encoding="utf-8")
        found = re.search(r"<svg[^>]*>(.*)</svg>", drawing, re.DOTALL)
        if found is None:
            raise ValueError(f"{name}.svg is not a drawing")
        inner = re.sub(r"\s+", " ", found[1]).replace("> <", "><").strip()
        symbols.append(f'<symbol id="{name}" viewBox="0 0 24 24">{inner}</symbol>')
    return f'<svg xmlns="http://www.w3.org/2000/svg">{"".join(symbols)}</svg>\n'.encode()


def contents() -> dict[str, tuple[bytes, str]]:
    """Return each served file's bytes and the package that it comes from."""
    served = {"icons.svg": (sprite(), "lucide-static")}
    for name, path in FILES.items():
        data = (MODULES / name / path).read_bytes()
        if path.endswith(".js"):  # the map is not served, and collectstatic refuses a link to a missing file
            data = re.sub(rb"//# sourceMappingURL=[^\n]*", b"", data)
        served[Path(path).name] = (data, name)
    return served


def build(out: Path) -> None:
    """Write the files, the lock and the licences into a directory."""
    out.mkdir(parents=True, exist_ok=True)
    lock = []
    packages = {}
    for file, (data, source) in sorted(contents().items()):
        (out / file).write_bytes(data)
        packages[source] = package(source)
        digest = hashlib.sha256(data).hexdigest()
        origin = f"{source}@{packages[source]['version']}"
        license_id = packages[source]["license"]
        lock.append({"file": file, "from": origin, "license": license_id, "sha256": digest, "bytes": len(data)})
    texts = [
        f"=== {known['name']} {known['version']} ({known['license']})\n\n{known['text']}\n"
        for _, known in sorted(packages.items())
    ]
    (out / "LICENSES.txt").write_text("\n".join(texts), encoding="utf-8")
    (out / "vendor.lock.json").write_text(json.dumps(lock, indent=2) + "\n", encoding="utf-8")


def main() -> int:
    """Build, or with --check compare; return the exit status."""
    if "--check" not in sys.argv[1:]:
        build(OUT)
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        build(Path(scratch))
        wanted = {file.name: file.read_bytes() for file in Path(scratch).iterdir()}
    present = {file.name: file.read_bytes() for file in OUT.iterdir()}
    drift = sorted(name for name in wanted.keys() | present.keys() if wanted.get(name) != present.get(name))
    sys.stdout.write(f"differs: {', '.join(drift)}\n" if drift else "static/vendor is as its packages are\n")
    return 1 if drift else 0


if __name__ == "__main__":
    sys.exit(main())
