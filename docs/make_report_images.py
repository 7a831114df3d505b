"""Make the pictures of ``docs/report.md``: ``python docs/make_report_images.py``.

Simulates and scores a case, writes its report, and photographs it in headless Chromium. Needs the
extras ``report`` and ``test``, and Chromium.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

import alkfish
from alkfish.report import CaseDetails, ReportOptions, write_report
from alkfish.synthetic import simulate_case, write_case

IMAGES = Path(__file__).parent / "images"


def write_example(folder: Path) -> Path:
    """Return the report of a simulated case."""
    case = simulate_case("typical", seed=5, n_fields=4, case_id="example", positive_fraction=0.5)
    images = alkfish.open_case(write_case(case, folder))
    details = CaseDetails({"assay.probe_lot": "simulated"})
    options = ReportOptions(lab_name="Simulated case, not a specimen")
    result = alkfish.score_case(images)
    file = folder / "report.html"
    write_report(result, file, images=images, details=details, options=options)
    return file


def main() -> None:
    """Write and photograph."""
    browser_file = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        report = write_example(Path(name))
        browser = playwright.chromium.launch(executable_path=browser_file)
        page = browser.new_page(viewport={"width": 1180, "height": 620}, color_scheme="light")
        page.goto(report.as_uri())
        page.screenshot(path=IMAGES / "report_top.png")
        page.locator("#h-gallery").evaluate("heading => heading.scrollIntoView()")
        page.screenshot(path=IMAGES / "report_gallery.jpg", quality=85)
        browser.close()


if __name__ == "__main__":
    main()
