"""Build both editions into ``build/site``: English at ``/``, Chinese at ``/zh/``. Usage: ``python book/build.py``.

Each edition is an ordinary Jupyter Book build (in ``build/book/en`` and ``build/book/zh``) in which a warning is an
error. The site is put together aside and takes the old one's place only when both are whole.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from wordspace import browser_model

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "book" / "theme"))
import student  # noqa: E402

BUILD = ROOT / "build"
SITE = BUILD / "site"
EDITIONS = {  # edition: configuration, table of contents, place in the site
    "en": ("_config.yml", "_toc.yml", "."),
    "zh": ("_config.zh.yml", "_toc.zh.yml", "zh"),
}
JUPYTER_BOOK = (sys.executable, "-c", "from jupyter_book.cli.main import main; main()", "build", ".")
STRICT = ("-W", "-n", "--keep-going")
TROUBLE = ("WARNING", "ERROR", "CRITICAL", "Error:", "error:")


def start(edition: str) -> subprocess.Popen:
    """Start Jupyter Book on one edition; what it says goes to ``build/book/EDITION.log``."""
    config, toc, _ = EDITIONS[edition]
    command = [*JUPYTER_BOOK, "--config", config, "--toc", toc, "--path-output", f"build/book/{edition}", *STRICT]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "WORDSPACE_ROOT": str(ROOT), "PYTHONWARNINGS": "ignore"}
    with open(log(edition), "w", encoding="utf-8") as output:
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)


def log(edition: str) -> Path:
    """Return where an edition's build writes what it has to say."""
    return BUILD / "book" / f"{edition}.log"


def html(edition: str) -> Path:
    """Return where Jupyter Book leaves an edition's pages."""
    return BUILD / "book" / edition / "_build" / "html"


def complaints(edition: str) -> list[str]:
    """Return what the log says is wrong, without colours, or its end."""
    text = re.sub(r"\x1b\[[\d;]*m", "", log(edition).read_text(encoding="utf-8")).replace(f"{ROOT}/", "")
    marked = [line for line in text.splitlines() if any(word in line for word in TROUBLE)]
    return list(dict.fromkeys(marked)) or text.splitlines()[-5:]


def build() -> list[str]:
    """Build both editions side by side and return those that failed."""
    (BUILD / "book").mkdir(parents=True, exist_ok=True)
    for edition in EDITIONS:
        shutil.rmtree(html(edition), ignore_errors=True)  # pages that are no more; what Sphinx has read stays
    running = {edition: start(edition) for edition in EDITIONS}
    failed = []
    for edition, process in running.items():
        if process.wait() == 0:
            print(f"  {edition}: {sum(1 for _ in html(edition).rglob('*.html'))} pages", flush=True)
            continue
        failed.append(edition)
        shutil.rmtree(BUILD / "book" / edition, ignore_errors=True)  # a warm build would not repeat its warnings
    return failed


def assemble() -> None:
    """Put the editions together and swap the site in."""
    fresh = BUILD / "site.new"
    shutil.rmtree(fresh, ignore_errors=True)
    for edition, (_, _, place) in EDITIONS.items():
        ignored = shutil.ignore_patterns(".buildinfo", "objects.inv")
        shutil.copytree(html(edition), fresh / place, ignore=ignored, dirs_exist_ok=True)
    if not student.lacking():
        student.write(fresh / "student", browser_model.folder())
    (fresh / ".nojekyll").touch()  # GitHub Pages would leave out _static
    shutil.rmtree(SITE, ignore_errors=True)
    fresh.rename(SITE)


def main() -> int:
    """Build, assemble, and say where to look; 1 if an edition failed, or the student's files are damaged."""
    began = time.monotonic()
    try:
        if browser_model.folder().is_dir():
            browser_model.verify(browser_model.folder())
        if lacks := student.lacking():
            print(f"The student's page will be without the student: {lacks}", file=sys.stderr)
    except (browser_model.MissingModel, browser_model.WrongModel) as trouble:
        print(f"The book was not built: {trouble}", file=sys.stderr)
        return 1
    print("Building both editions …", flush=True)
    failed = build()
    for edition in failed:
        lines = complaints(edition)
        for line in lines[:8] + ([f"... and {len(lines) - 8} more"] if len(lines) > 8 else []):
            print(f"  {edition}: {line}", file=sys.stderr)
    if failed:
        places = ", ".join(str(log(edition).relative_to(ROOT)) for edition in failed)
        print(f"The book was not built: edition {' and '.join(failed)} failed (whole log: {places}).", file=sys.stderr)
        return 1
    assemble()
    print(f"Both editions built in {time.monotonic() - began:.0f} s. Open:")
    for _, _, place in EDITIONS.values():
        print(f"  {(SITE / place / 'index.html').resolve()}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("Interrupted; the site is as it was.")
