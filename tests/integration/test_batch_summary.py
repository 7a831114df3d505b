"""The summary of a batch in a real browser."""

from pathlib import Path

import pytest

from alkfish.report.summary import SummaryHead, SummaryRow, render_summary

pytest.importorskip("jinja2")


def row(case_id, call, positive, counted, **more):
    rate = positive / counted if counted else 0.0
    told = {"rate": f"{100 * rate:.1f} %", "interval": "1 to 2 %"} if counted >= 50 else {}
    return SummaryRow(
        case_id, "scored", call, rate_value=rate, cutoff=15, n_positive=positive,
        n_counted=counted, probe="vysis-alk", review="not reviewed", **told, **more,
    )  # fmt: skip


@pytest.fixture(scope="module")
def rows(hostile):
    return [
        row("N-1", "NEGATIVE", 13, 100, control="negative", control_passed="no",
            control_text="bad"),
        row("case 10", "NEGATIVE", 2, 214, cautions=("one", "two", "three")),
        row("case 9", "POSITIVE", 58, 131, link="case%209/report.html"),
        SummaryRow(hostile, "failed", reason=hostile, notes=hostile, lot=hostile),
        row("case 8", "NOT_EVALUABLE", 1, 9),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def file(tmp_path_factory, rows) -> Path:
    place = tmp_path_factory.mktemp("summary") / "summary.html"
    page = render_summary(rows, SummaryHead(failed_controls=("N-1: bad",), lab_name="City <b>Lab"))
    place.write_text(page, encoding="utf-8")
    (place.parent / "case 9").mkdir()
    (place.parent / "case 9" / "report.html").write_text("<title>the report</title>")
    return place


@pytest.fixture
def page(open_quietly, file):
    """The summary in a browser; it must ask for nothing and complain of nothing."""
    opened, requests = open_quietly(file, width=1280)
    assert requests == [file.as_uri()]
    return opened


def shown(page):
    names = page.locator("#cases tbody tr:not([hidden]) th").all()
    return [name.get_attribute("data-value") for name in names]


def test_the_alarm_comes_first_and_hostile_names_do_not_run(page, hostile):
    assert page.title().startswith("Break-apart FISH batch")
    alarm = page.locator(".alarm")
    assert "Control slides failed" in alarm.inner_text()
    assert alarm.bounding_box()["y"] < page.locator("#cases").bounding_box()["y"]
    assert hostile in page.locator("#cases").inner_text()
    assert page.locator(".lab").inner_text() == "City <b>Lab"


def test_a_heading_sorts_turns_and_gives_the_order_of_the_sheet_back(page, rows):
    sheet = [item.case_id for item in rows]
    assert shown(page) == sheet
    by_case = page.get_by_role("button", name="Case", exact=True)
    by_case.click()
    named = [name for name in shown(page) if name.startswith("case")]
    assert named == ["case 8", "case 9", "case 10"]
    assert page.locator("th[aria-sort=ascending]").inner_text().startswith("Case")
    by_case.click()
    assert shown(page).index("case 10") < shown(page).index("case 8")
    by_case.click()
    assert shown(page) == sheet
    page.get_by_role("button", name="Rate").click()
    assert shown(page)[:3] == ["case 9", "N-1", "case 10"]
    page.get_by_role("button", name="Call of the machine").click()
    assert shown(page)[0] == "case 9"


def test_filters_and_search(page):
    page.locator("[data-filter=negative]").click()
    assert shown(page) == ["case 10"]
    page.locator("[data-filter=control]").click()
    assert shown(page) == ["N-1"]
    page.locator("[data-filter=all]").click()
    page.locator("#find").fill("CASE 9")
    assert shown(page) == ["case 9"]
    assert page.locator("#shown").inner_text() == "1 of 5 shown"


def test_links_lead_to_reports_and_more_cautions_open(page):
    page.locator("summary").click()
    assert page.get_by_text("three").is_visible()
    page.get_by_role("link", name="case 9").click()
    assert page.title() == "the report"


def test_dark_screens_and_paper(browser, file):
    dark = browser.new_page(color_scheme="dark")
    dark.goto(file.as_uri())
    colours = "getComputedStyle(document.body).backgroundColor"
    assert dark.evaluate(colours) == "rgb(20, 23, 27)"
    dark.emulate_media(media="print")
    assert dark.evaluate(colours) == "rgb(255, 255, 255)"
    assert not dark.locator("#tools").is_visible()
    dark.close()
