"""Links lead somewhere: to files and headings that there are, and outward to addresses of one form and one name.

No test asks the network. Of an outward address it is held what can be told from here: that it is written in one way
everywhere, that a paper's has the form of its archive, and that a paper has the same authors and year wherever it is
cited, a year that the archive's number allows.
"""

import collections
import functools
import json
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parent.parent
PAGES = [*ROOT.glob("*.md"), *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "notebooks").glob("*.ipynb"))]
SOURCES = [path for folder in ("imagents", "benchmarks", "docs") for path in sorted((ROOT / folder).rglob("*.py"))]
ADDRESS = re.compile(r"https?://[^\s<>\"'`)\]\\]+")
CITED = re.compile(r"([A-Z][\w'-]+(?: et al\.| (?:&|and) [A-Z][\w'-]+)?) (\d{4})\b[^.;()\[\]]{0,20}[\])(,; ]*$")
NOT_OUTWARD = re.compile(r"http://(127\.0\.0\.1|localhost|\{host\}|www\.w3\.org/2000/svg)|https://example\.org")
FORMS = {  # of the addresses of papers
    "arxiv.org": r"https://arxiv\.org/abs/((0[7-9]|1[0-4])(?=.{7}$)|(1[5-9]|2\d)(?=.{8}$))(0[1-9]|1[0-2])\.\d+",
    "doi.org": r"https://doi\.org/10\.\d{4,5}/[\w./-]+",
}


@functools.cache
def text(path: pathlib.Path) -> str:
    """What people wrote in a file: of a notebook its cells, without what they showed."""
    written = path.read_text()
    return "\n\n".join("".join(cell["source"]) for cell in json.loads(written)["cells"]) if path.suffix == ".ipynb" \
        else written  # fmt: skip


@functools.cache
def addresses() -> dict[str, list[tuple[str, str]]]:
    """All outward addresses, and by whom and of what year what is there is said to be, "" where nobody says it."""
    found = collections.defaultdict(list)
    for path in (*PAGES, *SOURCES, ROOT / "CITATION.cff", ROOT / "setup.py"):
        for line in re.split(r"\n\s*\n", text(path)):
            line = re.sub(r"\s+", " ", line)
            for address in ADDRESS.finditer(line):
                cited = CITED.search(line[: address.start()])
                if not NOT_OUTWARD.match(address[0]):
                    whose = cited.groups() if cited else ("", "")
                    found[address[0].rstrip(".,;:")].append((whose[0].replace(" & ", " and "), whose[1]))
    return found


def test_outward_addresses_are_written_in_one_way():
    spellings = collections.defaultdict(set)
    for address in addresses():
        assert re.fullmatch(r"https://[\w-]+(\.[\w-]+)+(/[\w.~/?=-]*)?", address), address
        plain = re.sub(r"^https://(www\.)?|(\.git)?/?$", "", address)
        spellings[plain.lower()].add(address)
    assert [ways for ways in spellings.values() if len(ways) > 1] == []
    assert len(spellings) > 50


@pytest.mark.parametrize("archive", FORMS)
def test_addresses_of_papers_have_the_form_of_their_archive(archive):
    own = [address for address in addresses() if archive in address]
    assert own and [address for address in own if not re.fullmatch(FORMS[archive], address)] == []


def test_a_paper_has_one_name_wherever_it_is_cited():
    for address, cited in addresses().items():
        names = {name for name in cited if name[0]}
        assert len(names) <= 1, (address, names)
        for _, year in names if "arxiv.org" in address else ():
            first = 2000 + int(address.rpartition("/")[2][:2])
            assert first <= int(year) <= first + 1, f"{address} is of {first}, cited as of {year}"


def headings(path: pathlib.Path) -> set[str]:
    """What links call the headings of a page."""
    found = re.findall(r"^#{1,3} (.+)$", re.sub(r"^```.*?^```", "", text(path), flags=re.M | re.S), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in found}


def test_links_between_pages_lead_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)\s]+)\)", text(page)):
            if "://" not in target:
                path, _, heading = target.partition("#")
                there = (page.parent / path).resolve() if path else page
                assert there.exists() and there.is_relative_to(ROOT.resolve()), f"{page.name}: {target}"
                assert not heading or heading in headings(there), f"{page.name}: {target}"
