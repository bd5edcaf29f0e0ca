"""A study as a page: the numbers are those of the analysis, and a reader can choose what is drawn."""

import json
import re
import shutil
from html.parser import HTMLParser

import cheap
import numpy as np
import pytest
import xarray as xr

import studies
from studies.analysis import over_replicates
from studies.catalogue import get
from studies.engine.run import run
from studies.report import quantities
from studies.report.command import command
from studies.report.page import page
from studies.report.quantities import gather
from studies.store import load

BROWSER, DRIVER = shutil.which("chromium") or shutil.which("google-chrome"), shutil.which("chromedriver")


@pytest.fixture(scope="module")
def half_done(tmp_path_factory):
    """The folder of a study of which one block of width 5 is missing."""
    out = tmp_path_factory.mktemp("results")
    study = cheap.study(rates=(0.25, 0.5), replicates=6)
    assert run(study, str(out)).ok
    (block,) = [b for b in study.blocks() if b.label() == "rate 0.5 width 5 replicates 2-3"]
    (path,) = (out / "cheap" / "blocks").glob(f"{block.address}*")
    path.unlink()
    return out


def test_the_numbers_are_those_of_the_analysis(half_done):
    ds = load("cheap", half_done)
    found = gather(ds)
    assert found["axes"] == {
        "rate": [0.25, 0.5],
        "protocol": ["curriculum", "no_curriculum"],
        "width": [2, 3, 4, 5],
        "time": [0, 1, 2, 3],
    }
    shown = found["quantities"]["test_accuracy"]
    assert sorted(shown["axes"]) == ["protocol", "rate", "time", "width"]
    sizes = [len(found["axes"][axis]) for axis in shown["axes"]]
    place = {"protocol": "curriculum", "width": 4, "rate": 0.25, "time": 2}
    at = tuple(found["axes"][axis].index(place[axis]) for axis in shown["axes"])
    accuracy = ds.test_accuracy.sel(width=4, rate=0.25, time=2)
    for against, own in (
        ("", accuracy.sel(protocol="curriculum")),
        ("no_curriculum", accuracy.sel(protocol="curriculum") - accuracy.sel(protocol="no_curriculum")),
    ):
        truth = over_replicates(own.expand_dims(time=[0.0], axis=-1)).isel(time=0)
        table = {name: np.array(x, float).reshape(sizes)[at] for name, x in shown["against"][against].items()}
        assert table["mean"] == pytest.approx(float(own.mean()), rel=1e-5)
        assert table["n"] == 6
        assert (float(table["low"]), float(table["high"])) == pytest.approx(
            (float(truth.ci_low), float(truth.ci_high)), rel=1e-4
        )
    missing = tuple(
        found["axes"][axis].index({**place, "width": 5, "rate": 0.5}[axis]) for axis in shown["axes"]
    )
    assert np.array(shown["against"][""]["n"]).reshape(sizes)[missing] == 4, "the pending block is left out"
    assert found["status"]["total"] == {
        "ok": 92, "diverged": 0, "pending": 4, "not asked": 0, "max steps": 0
    }  # fmt: skip
    assert {"protocol": "curriculum", "width": 5, "ok": 10, "pending": 2}.items() <= found["status"]["rows"][
        3
    ].items()


def test_what_is_not_shown_is_said(monkeypatch):
    dims, shape = ("protocol", "width", "replicate"), (1, 1, 3)
    ds = xr.Dataset(
        {
            "status": (dims, np.zeros(shape, np.int8)),
            "M": ((*dims, "unit"), np.zeros((*shape, 2))),
            "best": (dims[:2], np.zeros((1, 1))),
            "words": (dims, np.full(shape, "x")),
            "many": ((*dims, "group"), np.zeros((*shape, 7))),
            "kept": (dims, np.array([[[1.0, np.inf, 3.0]]])),
        },
        coords={"protocol": ["a"], "width": [2]},
    )
    monkeypatch.setattr(quantities, "MOST_NUMBERS", 6)
    found = gather(ds)
    assert set(found["left_out"]) == {"M", "best", "words", "many"}
    assert found["quantities"]["kept"]["against"][""] == {
        "mean": [None],
        "low": [None],
        "high": [None],
        "n": [3],
    }


class Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.outside = []

    def handle_starttag(self, tag, attrs):
        self.outside += [
            value for name, value in attrs if name in ("src", "href") and not str(value).startswith("#")
        ]


def test_the_file_stands_alone_and_holds_what_was_asked(half_done):
    text = page(load("cheap", half_done), "/* </script> plotting library */")
    links = Links()
    links.feed(text)
    assert links.outside == []
    assert "92 of 96 runs are finished" in text
    assert "rate (swept)" in text
    assert "0.25, 0.5" in text
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert data
    assert json.loads(data[1])["name"] == "cheap"
    assert text.count("</script>") == 3, "what is inside the scripts cannot end them"


def test_refusals_are_one_line_and_nothing_is_overwritten(half_done, tmp_path):
    from studies.report import write

    with pytest.raises(ValueError, match=r"need a name that ends in .html"):
        write("cheap", half_done, tmp_path / "report.pdf")
    (tmp_path / "there.html").write_text("mine")
    with pytest.raises(FileExistsError, match="is there already"):
        write("cheap", half_done, tmp_path / "there.html")
    with pytest.raises(FileNotFoundError, match="make it first"):
        write("cheap", half_done, tmp_path / "no" / "report.html")
    with pytest.raises(FileNotFoundError, match="python -m studies run"):
        write("xor_mixture", half_done, tmp_path / "report.html")
    assert (tmp_path / "there.html").read_text() == "mine"


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["quick", "full"])
def test_the_command_gives_the_same_study_again(preset):
    fields = {"width": (2, 4), "hard.noise": 0.5, "budget": 300.0, "replicates": 32}
    for study in (get("xor_mixture", preset), studies.get("xor_mixture", preset, **fields)):
        entry = study.entry()
        ds = xr.Dataset(
            attrs={"study": study.name, "address": study.address, "description": json.dumps(entry)}
        )
        words = (command(ds) or "").split()
        assert words[:5] == ["python", "-m", "studies", "run", "xor_mixture"]
        given = {name.removeprefix("--"): value for name, value in zip(words[5::2], words[6::2], strict=True)}
        again = get("xor_mixture", given.pop("preset"))
        assert (again.changed(given) if given else again).address == study.address
    assert command(ds.assign_attrs(address="0" * 20)) is None, "no command line gives another address"
    assert command(ds.assign_attrs(study="mine")) is None


@pytest.mark.slow
@pytest.mark.skipif(not (BROWSER and DRIVER), reason="no Chromium with its driver")
def test_a_reader_can_choose_what_is_drawn(half_done, tmp_path):
    selenium = pytest.importorskip("selenium.webdriver")
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import Select, WebDriverWait

    from studies.report import write

    target = write("cheap", half_done, tmp_path / "report.html")
    options = selenium.ChromeOptions()
    options.binary_location = BROWSER
    folder = tmp_path / "downloads"
    options.add_experimental_option("prefs", {"download.default_directory": str(folder)})
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1200,1500"):
        options.add_argument(argument)
    browser = selenium.Chrome(options, Service(DRIVER))
    wait = WebDriverWait(browser, 300)
    try:
        browser.get(target.as_uri())
        wait.until(lambda b: b.find_elements(By.CSS_SELECTOR, "#plot .scatterlayer .trace"))

        def choose(name, text):
            Select(browser.find_element(By.NAME, name)).select_by_visible_text(text)

        def said():
            return browser.find_element(By.ID, "said").text

        assert (
            said() == "test accuracy along width, for each protocol; rate 0.25, time end of the run; 8 points"
        )
        choose("against", "difference from no curriculum")
        assert said().startswith("test accuracy, difference from no curriculum along width")
        assert browser.switch_to.active_element.get_attribute("name") == "against", "the focus stays"
        choose("x", "time")
        choose("at width", "5")
        choose("at rate", "0.5")
        browser.execute_script("document.getElementById('numbers').open = true")
        rows = browser.find_elements(By.CSS_SELECTOR, "#table tbody tr")
        assert len(rows) == 8
        assert rows[0].text.split()[0] == "curriculum"
        assert rows[0].text.split()[-1] == "4", "replicates that are there"
        choose("view", "map")
        assert browser.find_elements(By.CSS_SELECTOR, "#plot .heatmaplayer .hm")
        browser.find_element(By.ID, "all").click()
        wait.until(lambda _: [path for path in folder.glob("*.csv") if path.read_text()])
        (path,) = folder.glob("*.csv")
        lines = path.read_text().splitlines()
        assert lines[0] == "rate,protocol,width,time,mean,low,high,n"
        assert len(lines) == 1 + 2 * 4 * 2 * 4
        unlabelled = (
            "return [...document.querySelectorAll('select, input')].filter(x => !x.labels.length).length"
        )
        assert browser.execute_script(unlabelled) == 0
        assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []
    finally:
        browser.quit()
