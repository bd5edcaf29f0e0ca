"""Columns of tables become rankings, joined by ids and never by an order that nobody stated."""

import json
import re
import sys

import numpy as np
import pytest

from curricula import load_ranking

NAMES, LOSS = ["cat", "ant", "bee"], [0.9, 0.1, 0.5]
CSV = 'name,loss,note\ncat,0.9,a\nant,0.1,"b, c"\nbee,0.5,d\n'
ROWS = [{"name": n, "loss": x, "note": "a"} for n, x in zip(NAMES, LOSS, strict=True)]


def parquet(path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet as files  # pyright: ignore[reportMissingImports]

    files.write_table(pyarrow.Table.from_pylist(ROWS), path)


WRITERS = {
    "s.csv": lambda path: path.write_text(CSV),
    "bom.csv": lambda path: path.write_bytes(b"\xef\xbb\xbf" + CSV.replace("\n", "\r\n").encode()),
    "s.tsv": lambda path: path.write_text("name\tloss\nant\t0.1\nbee\t0.5\ncat\t0.9\n"),
    "s.txt": lambda path: path.write_text("name;loss\nant;0.1\nbee;0.5\ncat;0.9\n"),
    "s.jsonl": lambda path: path.write_text("".join(json.dumps(row) + "\n" for row in ROWS)),
    "s.parquet": parquet,
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_column_is_joined_by_the_ids(name, tmp_path):
    WRITERS[name](tmp_path / name)
    ranking = load_ranking(
        tmp_path / name, score="loss", id_column="name", higher="harder", ids=["bee", "cat", "ant"]
    )
    assert ranking.scores.tolist() == [0.5, 0.9, 0.1]
    assert ranking.ids is not None
    assert ranking.ids.tolist() == ["bee", "cat", "ant"]
    assert "column 'loss'" in ranking.definition


def test_rows_numbered_from_0_need_no_ids_and_other_numbers_do(tmp_path):
    file = tmp_path / "s.csv"
    file.write_text(",el2n\n2,0.3\n0,0.1\n1,0.2\n")  # as pandas writes a table with its index
    assert load_ranking(file, id_column="index", higher="harder").scores.tolist() == [0.1, 0.2, 0.3]
    file.write_text("id,el2n\n3,0.3\n1,0.1\n2,0.2\n")
    with pytest.raises(ValueError, match=r"keyed by 1\.\.3, not by 0\.\.2; pass index_map"):
        load_ranking(file, id_column="id", higher="harder")
    ranking = load_ranking(file, id_column="id", higher="easier", ids=[2, 3, 1])
    assert ranking.original.tolist() == [0.2, 0.3, 0.1]


def test_the_order_of_rows_counts_only_where_it_is_stated(tmp_path):
    file = tmp_path / "s.csv"
    file.write_text(CSV)
    with pytest.raises(ValueError, match=r"no column was named as ids \(id_column=...\); pass index_map"):
        load_ranking(file, score="loss", higher="harder")
    ranking = load_ranking(file, score="loss", higher="harder", index_map=range(3))
    assert ranking.scores.tolist() == LOSS
    file.write_text("loss\n0.9\n0.1\n")  # nothing to join by, as in an array
    assert load_ranking(file, higher="easier").original.tolist() == [0.9, 0.1]


AUCURRICULUM = (
    "filename,encoded,decoded,mean,ranks\nb.wav,1,dog,0.7,1.0\na.wav,0,cat,0.2,0.0\nc.wav,0,cat,0.4,0.5\n"
)


def test_aucurriculum(tmp_path):
    file = tmp_path / "CELoss.csv"
    file.write_text(AUCURRICULUM)
    with pytest.raises(ValueError, match="no column was named as ids"):
        load_ranking(file)
    ids = ["a.wav", "b.wav", "c.wav"]
    ranking = load_ranking(file, id_column="filename", ids=ids, labels=[0, 1, 0])
    assert ranking.scores.tolist() == [0.0, 1.0, 0.5]
    assert load_ranking(file, index_map=range(3)).scores.tolist() == [1.0, 0.0, 0.5]
    with pytest.raises(ValueError, match="labels differ from those in CELoss.csv at 2 of 3"):
        load_ranking(file, id_column="filename", ids=ids, labels=[1, 0, 0])
    with pytest.raises(ValueError, match="hard or easy by its scoring function; pass higher"):
        load_ranking(file, id_column="filename", ids=ids, score="mean")
    mean = load_ranking(file, id_column="filename", ids=ids, score="mean", higher="harder")
    assert mean.scores.tolist() == [0.2, 0.7, 0.4]


GOOD = {"score": "loss", "id_column": "name", "higher": "harder", "ids": NAMES}


@pytest.mark.parametrize(
    ("text", "change", "message"),
    [
        (
            CSV,
            {"score": None},
            "s.csv has columns name, loss, note; pass score=... to name that of the scores",
        ),
        (CSV, {"score": "lost"}, "unknown score 'lost'; known: loss, note"),
        (CSV, {"id_column": "key"}, "unknown id column 'key'; known: loss, name, note"),
        (CSV, {"higher": None}, "nothing in s.csv says whether a high 'loss' is hard; pass higher="),
        (CSV, {"score": "note"}, "row 0 of column 'note' of s.csv is 'a'; need a number"),
        (CSV, {"ids": None}, "s.csv is keyed by name, not by 0..2; pass index_map=... "),
        (CSV, {"ids": ["cat", "ant", "cow"]}, "ids do not match those of s.csv: no id 'bee' in yours"),
        (CSV, {"ids": ["cat", "ant"]}, "s.csv has 3 scores but ids has 2"),
        (CSV.replace("bee", "cat"), {}, "id 'cat' occurs more than once in column 'name' of s.csv"),
        (CSV.replace("0.5,d", "0.5"), {}, "cannot read s.csv: line 4 has 2 entries, but there are 3 columns"),
        (CSV.replace("0.5", ""), {}, "row 2 of column 'loss' of s.csv is ''; need a number"),
        (CSV.replace("0.5", "nan"), {}, "1 scores are NaN or infinite, the first at index 2"),
        ("name,loss\n", {}, "cannot read s.csv: the table has no rows"),
        ("1,0.5\n2,0.7\n", {}, "the first line has no names of columns, only numbers"),
        ("name,loss,loss\na,1,2\n", {}, "1 names of columns repeat another"),
        ('name,loss\n"a,1\n', {}, "cannot read s.csv: unexpected end of data"),
    ],
)
def test_one_line_says_what_is_missing(text, change, message, tmp_path):
    (tmp_path / "s.csv").write_text(text)
    with pytest.raises(ValueError, match=re.escape(message)) as refusal:
        load_ranking(tmp_path / "s.csv", **(GOOD | change))
    assert "\n" not in str(refusal.value)


def test_only_tables_have_an_id_column(tmp_path):
    np.save(tmp_path / "s.npy", [0.5, 0.1])
    with pytest.raises(ValueError, match="s.npy is a file of format 'scores'; only tables have an id_column"):
        load_ranking(tmp_path / "s.npy", id_column="name", higher="harder")
    (tmp_path / "s.jsonl").write_text('{"name": "a", "loss": 1}\n{"name": "b"}\n')
    with pytest.raises(ValueError, match="row 1 of s.jsonl has other fields than row 0"):
        load_ranking(tmp_path / "s.jsonl", id_column="name", score="loss", higher="harder")


def test_parquet_without_its_reader(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "s.parquet").write_bytes(b"PAR1....PAR1")
    with pytest.raises(ValueError, match="it is a Parquet file, which needs pyarrow"):
        load_ranking(tmp_path / "s.parquet", **GOOD)
