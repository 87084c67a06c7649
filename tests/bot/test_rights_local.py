"""A city's own articles, instruments and contacts over ours, and what `careline check` says of them."""

from datetime import date
from pathlib import Path

import pytest

from bot import check
from bot.errors import DataError
from bot.rights.articles import Rights


def write(local: Path, name: str, text: str) -> None:
    path = local / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def test_an_article_is_overridden_field_by_field(tmp_path: Path) -> None:
    write(tmp_path, "rights/fr/rights_housing.md", '---\nsms: "Appelez la mairie."\n---\n')
    ours, rights = Rights.load(), Rights.load(local=tmp_path)
    before, after = ours.find("rights_housing", "fr"), rights.find("rights_housing", "fr")
    assert before is not None
    assert after is not None
    assert (after.sms, after.title, after.body) == ("Appelez la mairie.", before.title, before.body)
    assert after.local
    assert not before.local
    assert rights.find("rights_housing", "en") == ours.find("rights_housing", "en")


def test_an_article_may_rest_on_local_law(tmp_path: Path) -> None:
    write(
        tmp_path,
        "rights/instruments.yml",
        'amity-act: {short: Amity Act, url: "https://law.example.org", title: {en: Amity Care Act}}\n',
    )
    write(tmp_path, "rights/en/rights_older.md", '---\nsources: [{instrument: amity-act, article: "4"}]\n---\n')
    rights = Rights.load(local=tmp_path)
    article = rights.find("rights_older", "en")
    assert article is not None
    [source] = rights.sources(article, "en")
    assert (source.title, source.url) == ("Amity Care Act, art. 4", "https://law.example.org")


def test_local_contacts_stand_at_the_end(tmp_path: Path) -> None:
    write(tmp_path, "contacts.yml", 'rights_violence: [{name: Amity Women, phone: "01632 960123"}]\n')
    rights = Rights.load(local=tmp_path)
    article = rights.find("rights_violence", "ne")
    assert article is not None
    shown = rights.shown(article)
    assert shown.body.endswith("\n\nAmity Women: 01632 960123")
    assert shown.short.endswith("Amity Women: 01632 960123")


def test_a_change_is_read_without_a_restart_and_a_broken_one_changes_nothing(tmp_path: Path) -> None:
    rights = Rights.load(local=tmp_path)
    write(tmp_path, "rights/en/rights_health.md", '---\ntitle: "One"\n---\n')
    rights.refresh(at_once=True)
    assert rights.find("rights_health", "en").title == "One"  # type: ignore[union-attr]
    write(tmp_path, "rights/en/rights_health.md", "broken")
    rights.refresh(at_once=True)
    assert rights.find("rights_health", "en").title == "One"  # type: ignore[union-attr]
    with pytest.raises(DataError, match="rights_health"):
        Rights.load(local=tmp_path)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("rights/en/rights_health.md", "---\nhelp: [moon_travel]\n---\n", "moon_travel"),
        (
            "rights/en/rights_moon.md",
            "---\ntitle: a\nsms: b\nrevision: 1\nreviewed: 2026-11-01\nsources: []\n---\nc\n",
            "rights_moon",
        ),
        ("rights/en/rights_health.md", "---\nsources: [{instrument: moon-law}]\n---\n", "moon-law"),
        ("rights/en/rights_health.md", f'---\nsms: "{"long " * 90}"\n---\n', "too long"),
        ("contacts.yml", 'rights_moon: [{name: A, phone: "1"}]\n', "no article on rights_moon"),
        ("contacts.yml", "rights_health: [{name: A}]\n", "contacts.yml"),
        ("rights/instruments.yml", "x: {short: X, url: 'https://x.example', part: verse, title: {en: X}}\n", "verse"),
        ("rights/xx/rights_health.md", "---\ntitle: a\nsms: b\nrevision: 1\nreviewed: 2026-11-01\nsources: []\n---\nc\n", "xx"),
    ],
)
def test_check_finds_what_is_broken(tmp_path: Path, name: str, text: str, says: str) -> None:
    write(tmp_path, name, text)
    before = set(check.problems())
    found = [problem for problem in check.problems(tmp_path) if problem not in before]
    assert any(says in problem for problem in found), found


def test_check_says_which_reviews_are_due(tmp_path: Path) -> None:
    write(tmp_path, "rights/en/rights_health.md", "---\nreviewed: 2025-01-01\n---\n")
    due = check.reviews_due(date(2026, 11, 22), tmp_path)
    assert any(line.startswith("en/rights_health.md was reviewed on 2025-01-01") for line in due)
    assert any("local/rights_health.md" not in line for line in due)
    assert check.reviews_due(date(2026, 11, 22)) == []
    assert len(check.reviews_due(date(2028, 1, 1))) > 100
