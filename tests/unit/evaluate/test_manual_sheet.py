"""Sheets of manual reads: what is read, and that all problems are told at once."""

import pytest

from alkfish.errors import InputError
from alkfish.evaluate.manual_sheet import ManualReads, only_reader, read_manual

CASES = "case_id,call,rate_percent,n_positive,n_counted,reader\n"
NUCLEI = "case_id,fov,nucleus_id,y_px,x_px,pattern,reader\n"


@pytest.fixture
def sheet(tmp_path):
    def write(text, encoding="utf-8"):
        file = tmp_path / "manual.csv"
        file.write_bytes(text.encode(encoding))
        return file

    return write


def test_a_sheet_of_cases(sheet):
    reads = read_manual(sheet(CASES + "a,POSITIVE,,8,50,R1\n\nb,neg,4.0,2,50,R1\nc,,12.5 %,,,\n"))
    a, b, c = reads.cases
    assert (a.call, a.rate, a.n_positive, a.n_counted, a.reader) == ("POSITIVE", 0.16, 8, 50, "R1")
    assert (b.call, b.rate, b.row) == ("NEGATIVE", 0.04, 4)
    assert (c.call, c.rate, c.has_rate, c.n_counted) == ("", 0.125, True, 0)
    assert reads.nuclei == ()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_sheets_as_spreadsheets_write_them(sheet, encoding):
    text = "Case ID;Call;Rate-Percent\r\nfälle 1;not evaluable;\r\nb;Positive;12,5\r\n"
    first, second = read_manual(sheet(text, encoding)).cases
    assert (first.case_id, first.call) == ("fälle 1", "NOT_EVALUABLE")
    assert second.rate == 0.125


def test_excel(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in (("case_id", "call", "rate"), ("a", "POSITIVE", 0.5), ("b", "NEGATIVE", "2 %")):
        book.active.append(row)
    book.save(tmp_path / "m.xlsx")
    assert [read.rate for read in read_manual(tmp_path / "m.xlsx").cases] == [0.5, 0.02]


def test_a_rate_is_a_share_unless_it_says_per_cent(sheet):
    rates = [r.rate for r in read_manual(sheet("case_id,rate\na,0.15\nb,15%\nc,1\nd,0\n")).cases]
    assert rates == [0.15, 0.15, 1.0, 0.0]
    with pytest.raises(InputError, match=r"(?s)row 2, column rate: '15' is not from 0 to 1; write"):
        read_manual(sheet("case_id,rate\na,15\n"))


def test_all_problems_with_row_and_column(sheet):
    text = CASES + (
        "a,maybe,,8,50,R\n"
        ",POSITIVE,,,,R\n"
        "c,POSITIVE,130,,,R\n"
        "d,POSITIVE,,9,8,R\n"
        "e,POSITIVE,,9,,R\n"
        "f,POSITIVE,50,1,50,R\n"
        "g,,,,,R\n"
        "h,NEGATIVE,x,,,R\n"
        "i,NEGATIVE,,1.5,50,R\n"
        "j,NEGATIVE,,,,R\n"
        "j,NEGATIVE,,,,r\n"
        "k,NEGATIVE,,,,R,too,many\n"
    )
    with pytest.raises(InputError, match="the sheet has 11 problems") as told:
        read_manual(sheet(text))
    for part in (
        "row 2, column call: 'maybe'",
        "row 3, column case_id",
        "row 4, column rate_percent: '130'",
        "row 5, column n_positive: 9 of 8",
        "row 6, column n_counted: missing, although n_positive is given",
        "row 7, column rate_percent: 50 % is not 1 of 50",
        "row 8: neither a call nor a rate",
        "row 9, column rate_percent: 'x' is no number",
        "row 10, column n_positive: '1.5'",
        "row 12, column case_id: 'j' by r stands in row 11 already",
        "row 13: a cell stands beyond",
    ):
        assert part in str(told.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        ("case_id,call\n", "no row below the header"),
        ("case_id,call,colour\na,POSITIVE,red\n", "row 1, column colour: unknown column"),
        ("case_id,call,call\na,POSITIVE,POSITIVE\n", "stands twice"),
        ("call\nPOSITIVE\n", "row 1, column case_id: the column is missing"),
        ("case_id,reader\na,R\n", "neither call, rate_percent, rate nor n_positive"),
        ("case_id,pattern\na,SPLIT\n", "row 1, column fov: the column is missing"),
        ("case_id,fov,pattern\na,f,SPLIT\n", "the column is missing, and so are y_px and x_px"),
    ],
)
def test_wrong_headers(sheet, text, message):
    with pytest.raises(InputError, match=message):
        read_manual(sheet(text))


def test_a_sheet_of_nuclei(sheet):
    reads = read_manual(sheet(NUCLEI + "a,f 1,7,,,split,R\na,f 1,,10.5,20,not scorable,R\n"))
    assert reads.cases == ()
    first, second = reads.nuclei
    assert (first.nucleus_id, first.pattern) == (7, "SPLIT")
    assert (second.nucleus_id, second.y_px, second.x_px) == (0, 10.5, 20.0)
    assert second.pattern == "NOT_SCORABLE"


def test_problems_of_nuclei(sheet):
    text = NUCLEI + (
        "a,f,1,,,broken,R\na,,1,,,FUSED,R\na,f,0,,,FUSED,R\na,f,,-5,1,FUSED,R\n"
        "a,f,3,,,FUSED,R\na,f,3,,,SPLIT,R\n"
    )
    with pytest.raises(InputError, match="the sheet has 5 problems") as told:
        read_manual(sheet(text))
    for part in (
        "row 2, column pattern: 'broken'",
        "row 3, column fov",
        "row 4, column nucleus_id: a number above 0 is missing",
        "row 5, column y_px: a point lies outside",
        "row 7: this nucleus stands in row 6 already",
    ):
        assert part in str(told.value)


def test_only_one_reader(sheet):
    reads = read_manual(sheet(CASES + "a,POSITIVE,,,,R1\na,NEGATIVE,,,,R2\n"))
    assert [read.call for read in only_reader(reads, "r2").cases] == ["NEGATIVE"]
    with pytest.raises(InputError, match="R1, R2"):
        only_reader(reads, "R3")
    assert len((reads + ManualReads(remarks=("x",))).remarks) == 1
