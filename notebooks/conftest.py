"""nbval over the chapters: what each took, a warning past its budget, and no vacuous pass."""

from collections import defaultdict
from pathlib import Path

import pytest

from wordspace.notebooks import BUDGET_BYTES, BUDGET_SECONDS, code, peak_memory, read


def pytest_collection_modifyitems(config, items):
    """Refuse notebooks without outputs: nbval would compare nothing and pass."""
    for path in sorted({item.path for item in items if item.path.suffix == ".ipynb"}):
        if not any(cell.outputs for cell in code(read(path))):
            raise pytest.UsageError(
                f"{path.name}: the outputs are stripped, so nothing would be compared; run: make run"
            )


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Send the kernel's peak memory along with each cell's report."""
    report = (yield).get_result()
    kernel = getattr(item.parent, "kernel", None)
    if call.when == "call" and kernel is not None:
        report.user_properties.append(("peak", peak_memory(kernel.km)))


def pytest_terminal_summary(terminalreporter):
    """Print time and peak memory of each notebook."""
    seconds, peak = defaultdict(float), defaultdict(int)
    for reports in terminalreporter.stats.values():
        for report in reports:
            path = getattr(report, "nodeid", "").split("::")[0]
            if path.endswith(".ipynb") and hasattr(report, "user_properties"):
                seconds[path] += getattr(report, "duration", 0)
                peak[path] = max(
                    [
                        peak[path],
                        *(
                            value
                            for name, value in report.user_properties
                            if name == "peak"
                        ),
                    ]
                )
    for path in sorted(seconds):
        over = seconds[path] > BUDGET_SECONDS or peak[path] > BUDGET_BYTES
        line = f"{Path(path)}: {seconds[path]:.0f} s, {peak[path] / 2**30:.2f} GiB"
        terminalreporter.write_line(
            line + ("  — over the budget of a chapter" if over else ""), yellow=over
        )
