from types import SimpleNamespace

import pytest

from orb_api import run_lines
from orb_api.run_lines import MOST_PAGES, RunPages, RunsQuestion


@pytest.fixture
def asked(monkeypatch):
    """The questions that a page was made for, in order."""
    questions, page_of = [], run_lines.page_of
    monkeypatch.setattr(run_lines, "page_of", lambda runs, q: questions.append(q.search) or page_of(runs, q))
    return questions


def search(pages, *texts):
    for text in texts:
        assert pages.page(RunsQuestion(search=text)) == (b'{"count":0,"next_cursor":null,"runs":[]}', None)


def test_only_the_oldest_page_makes_room_for_another_when_as_many_are_kept_as_may_be(asked):
    runs = ()
    pages, several = RunPages(SimpleNamespace(lines=lambda: runs)), [str(n) for n in range(MOST_PAGES)]
    search(pages, *several, *several)
    assert asked == several
    search(pages, "another", *several[1:])
    assert asked == [*several, "another"]
    search(pages, several[0])
    assert asked == [*several, "another", several[0]]


def test_every_page_is_made_anew_once_a_run_changed(asked):
    runs = []
    pages = RunPages(SimpleNamespace(lines=lambda: runs))
    search(pages, "one")
    runs = [*runs]
    search(pages, "one", "one")
    assert asked == ["one", "one"]
