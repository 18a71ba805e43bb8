"""Each filter that is shipped describes itself, and what it says is so.

Whoever adds a filter writes one `.conf`, one file of samples and a jail: all that is asked of them is asked here.
"""

from __future__ import annotations

import ipaddress
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sekisho.cli.logtext import Rules
from sekisho.config.catalogue import MODE, OPTIONS, SECTION, Entry, read_catalogue
from sekisho.config.files import STOCK, Files
from sekisho.config.ini import parse_ini
from sekisho.config.layers import merge
from sekisho.config.load import constants_of, load, load_filter
from sekisho.match.filter import compile_filter

CORPUS = Path(__file__).parents[1] / "corpus"
ZONE, NOW = "CET-01CEST-02,M3.5.0,M10.5.0", 1124013600.0  # 2005-08-14 12:00 there
DOCUMENTATION = [
    ipaddress.ip_network(each) for each in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
]
ADDRESS = r"(?<![\w.])\d+\.\d+\.\d+\.\d+(?![\w.]*\.\d)|[\da-f]+:[\da-f:]*::[\da-f]*"
HARMLESS = {"0.0.0.0", "127.0.0.1", "::1"}  # a listening socket, and oneself
LONGEST_NAME = 70
FILES = Files(None)
STOCK_JAILS = merge(FILES, "jail")
CATALOGUE = {entry.filter: entry for entry in read_catalogue(FILES, STOCK_JAILS, constants_of(None))}
NAMES = [name for name in FILES.names("filter.d") if name != "common" and not name.endswith("-common")]


@pytest.fixture
def _central_europe(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", ZONE)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def entry_of(name: str) -> Entry:
    """A filter's entry."""
    assert name in CATALOGUE, f"filter.d/{name}.conf has no section [{SECTION}]; what others include is {name}-common"
    return CATALOGUE[name]


def source_of(name: str) -> str:
    """The text of a filter's file."""
    return (STOCK / "filter.d" / f"{name}.conf").read_text()


def test_what_is_included_by_others_is_no_filter() -> None:
    """Frames are named so that they can be told from filters, and describe nothing."""
    assert CATALOGUE.keys() <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_filter_says_what_it_must_in_words_that_are_known(name: str) -> None:
    """Service, what counts and an example; no option that nobody reads; each a line without a full stop."""
    entry_of(name)
    options = parse_ini(source_of(name), name).sections[SECTION]
    assert [option for option in ("service", "counts", "example") if not options[option].text.strip()] == []
    assert [option for option in options if option not in OPTIONS and not option.startswith(MODE)] == []
    assert [o.name for o in options.values() if o.name != "example" and ("\n" in o.text or o.text.endswith("."))] == []
    assert len(options["service"].text) < LONGEST_NAME


def modes_of(name: str) -> set[str]:
    """The modes that a filter has: for each option that is chosen by `<mode>`, what it is called in each."""
    spec = load_filter(None, name)
    if "mode" not in spec.options:
        return set()
    text = "".join(source.path.read_text() for source in merge(FILES, f"filter.d/{name}").files)
    families = re.findall(r"<([\w-]+-)<mode>>", text)
    return {option.removeprefix(family) for family in families for option in spec.options if option.startswith(family)}


@pytest.mark.parametrize("name", NAMES)
def test_the_modes_that_are_told_are_those_that_there_are(name: str) -> None:
    """None is forgotten, none invented; the default is one of them, and `also` and code name others of them."""
    entry = entry_of(name)
    assert set(entry.modes) == modes_of(name)
    assert (entry.default in entry.modes) == bool(entry.modes)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("_central_europe")
def test_the_example_counts_once(name: str) -> None:
    """In the default mode, with its date; read as it stands in the file, blanks before `;` or not."""
    entry, text = entry_of(name), source_of(name)
    rules = Rules(compile_filter(load_filter(None, name), usedns="raw", last_year=2039))
    verdicts = [rules.matcher.examine(line, now=NOW, check_all=True) for line in entry.example]
    hits = [hit for verdict in verdicts for hit in verdict.hits if hit.counts]
    assert len(hits) == 1
    assert [line for line in entry.example if f"{line}\n" not in text] == []


@pytest.mark.parametrize("name", NAMES)
def test_nobody_real_stands_in_an_example(name: str) -> None:
    """Every address in it is one of those that documentation has."""
    found = set(re.findall(ADDRESS, "\n".join(entry_of(name).example)))
    real = [each for each in found - HARMLESS if not any(ipaddress.ip_address(each) in net for net in DOCUMENTATION)]
    assert real == []


@pytest.mark.parametrize("name", NAMES)
def test_samples_show_what_matches_and_what_does_not(name: str) -> None:
    """Each filter has its file of samples, with at least one of both kinds."""
    samples = [json.loads(line) for line in (CORPUS / f"{name}.jsonl").read_text().splitlines()]
    assert {sample["expect"]["match"] for sample in samples if sample["filter"] == name} == {True, False}


@pytest.mark.parametrize("name", NAMES)
def test_a_jail_uses_the_filter(name: str) -> None:
    """It can be switched on by a line, with its ports and its log."""
    assert entry_of(name).jails


@pytest.mark.usefixtures("_central_europe")
def test_the_recipe_of_contributing_works(tmp_path: Path) -> None:
    """Its filter, samples and jail, taken from the page as they stand, load and agree."""
    page = (CORPUS.parents[1] / "CONTRIBUTING.md").read_text()
    filter_text, jail = re.findall(r"```ini\n(.*?)```", page, re.DOTALL)
    (samples,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    (tmp_path / "filter.d").mkdir()
    (tmp_path / "filter.d/mailthing.conf").write_text(filter_text)
    (tmp_path / "jail.local").write_text(f"{jail}enabled = true\n")
    configuration = load(tmp_path)
    assert (configuration.problems, configuration.enabled) == ((), ("mailthing",))
    files = Files(tmp_path)
    (entry,) = [each for each in read_catalogue(files, merge(files, "jail"), {}) if each.filter == "mailthing"]
    assert entry.jails == ("mailthing",)
    matcher = Rules(compile_filter(load_filter(tmp_path, "mailthing"), usedns="raw", last_year=2039)).matcher
    for sample in map(json.loads, samples.splitlines()):
        hits = matcher.examine(sample["line"], now=NOW, check_all=True).hits
        assert [(hit.time, hit.captured["user"]) for hit in hits] == (
            [(sample["expect"]["epoch"], sample["expect"]["user"])] if sample["expect"]["match"] else []
        )
