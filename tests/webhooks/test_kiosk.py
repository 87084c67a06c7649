"""The page for everybody: readable without a script, in every language, and gone when it is ended."""

import re
from datetime import date, datetime, timedelta
from html.parser import HTMLParser

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from bot import escalation, outbox
from bot.careline import Careline
from bot.conversation import Conversation, Message
from bot.errors import DatabaseUnavailable, DialogueUnavailable
from bot.escalation import Case
from bot.reply import Article, Choice, Cost, Opening, Phrase, Reply, ServiceCard, Source
from tests.conftest import Texter
from tests.fakes import FakeDialogue

PANTRY = ServiceCard(
    id="pantry",
    service_id="pantry",
    name="Riverside <Pantry>",
    organization="Port Amity Together",
    address="4 Quay Street",
    area="Riverside",
    distance_m=800,
    phones=("+441632960123",),
    opening=Opening("open", until=datetime(2026, 11, 23, 18, 0)),
    cost=Cost(0),
    languages=("es", "en"),
    required_documents=("none",),
    verified_on=date(2026, 10, 1),
    url="javascript:alert(1)",
)
FOOD = Reply(
    topic="food",
    services=(PANTRY,),
    choices=(Choice(payload='/more{"service": "pantry"}', name=PANTRY.name, topic="food"),),
    closing=(Phrase("ask.place"), Phrase("more.or_person")),
)


class Forms(HTMLParser):
    """The forms of a page: for each, the fields it would send by itself, and its buttons."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.forms: list[dict[str, str]] = []
        self.buttons: list[tuple[int, str | None, str | None]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "form":
            self.forms.append({})
        elif tag in ("input", "textarea") and values.get("name"):
            self.forms[-1][str(values["name"])] = values.get("value") or ""
        elif tag == "button":
            self.buttons.append((len(self.forms) - 1, values.get("name"), values.get("value")))


class Visitor:
    """Somebody at the kiosk, without JavaScript: presses what the page has."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        self.page = client.get("/").text

    def press(self, name: str | None = None, value: str | None = None, **fields: str) -> str:
        forms = Forms(self.page)
        fitting = [form for form, *button in forms.buttons if button == [name, value]]
        number = next(form for form in fitting if name is not None or forms.forms[form].keys() >= fields.keys())
        sent = forms.forms[number] | fields | ({name: str(value)} if name else {})
        response = self.client.post("/", data=sent, follow_redirects=True)
        assert response.status_code == 200, response.text
        self.page = response.text
        return self.page

    def ask(self, text: str, **fields: str) -> str:
        return self.press(text=text, **fields)

    @property
    def conversation(self) -> str | None:
        found = re.search(r'name="conversation" value="([^"]+)"', self.page)
        return found[1] if found else None


@pytest.fixture
def visitor(client: FlaskClient) -> Visitor:
    return Visitor(client)


def count(careline: Careline, table: type) -> int:
    with careline.database.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def staff_writes(careline: Careline, conversation: str, text: str) -> None:
    with careline.database.begin() as session:
        outbox.put(session, conversation, text, origin=f"case {text}", author="staff")


def test_every_language_is_offered_in_its_own_script(visitor: Visitor) -> None:
    latin = ["English", "Español", "Français", "Português", "Nederlands", "Kiswahili", "Filipino"]
    for name in [*latin, "العربية", "اردو", "नेपाली", "中文", "日本語"]:
        assert f">{name}</button>" in visitor.page


@pytest.mark.parametrize(("language", "direction"), [("ar", "rtl"), ("ur", "rtl"), ("ne", "ltr"), ("zh", "ltr")])
def test_the_page_takes_the_language_of_its_address(client: FlaskClient, language: str, direction: str) -> None:
    assert f'<html lang="{language}" dir="{direction}"' in client.get(f"/?language={language}").text


def test_an_unknown_language_is_ignored(client: FlaskClient) -> None:
    assert '<html lang="en"' in client.get("/?language=xx").text


def test_the_answer_is_cards(visitor: Visitor, dialogue: FakeDialogue) -> None:
    dialogue.answer = FOOD
    page = visitor.ask("I need food", place="Riverside")
    assert "Riverside &lt;Pantry&gt;" in page
    assert "4 Quay Street, Riverside" in page
    assert "(800" in page
    assert "Open until" in page
    assert "Free" in page
    assert "No papers needed" in page
    assert 'href="tel:+441632960123"' in page
    assert "Checked" in page
    assert dialogue.asked[0].place == "Riverside"
    assert 'name="place" maxlength="200" dir="auto" spellcheck="false" value="Riverside"' in page


def test_only_web_addresses_become_links(visitor: Visitor, dialogue: FakeDialogue) -> None:
    sources = (Source("A law", "L", "data:x"), Source("Another", "A", "https://law.example.org/2"))
    dialogue.answer = Reply(topic="food", services=(PANTRY,), sources=sources)
    page = visitor.ask("food")
    assert "javascript:alert" not in page
    assert "data:x" not in page
    assert 'href="https://law.example.org/2"' in page


def test_an_article_is_shown_in_full_and_cannot_bring_html(visitor: Visitor, dialogue: FakeDialogue) -> None:
    body = "**Everyone** has it.\n\n<script>bad()</script>"
    article = Article("My right to health care", "Short.", body, easy="It is yours.")
    dialogue.answer = Reply(topic="rights_health", article=article)
    page = visitor.ask("may they refuse me?")
    assert "<strong>Everyone</strong>" in page
    assert "It is yours." in page
    assert "<script>bad" not in page


def test_what_a_person_writes_is_shown_as_text(visitor: Visitor) -> None:
    assert '<q dir="auto">&lt;b&gt;food' in visitor.ask("<b>food")


def test_a_tile_asks_for_its_topic(visitor: Visitor, dialogue: FakeDialogue) -> None:
    visitor.press("topic", "shelter", place="Harbour")
    asked = dialogue.asked[0]
    assert (asked.payload, asked.text, asked.place) == ("/shelter", "", "Harbour")
    assert '<q dir="auto">A bed tonight</q>' in visitor.page


def test_enter_asks_and_never_erases(visitor: Visitor) -> None:
    """Browsers press the first button of the form somebody types in."""
    forms = Forms(visitor.page)
    asking = next(number for number, fields in enumerate(forms.forms) if "text" in fields)
    first = next(button for number, *button in forms.buttons if number == asking)
    assert first == [None, None]


def test_a_choice_is_a_button(visitor: Visitor, dialogue: FakeDialogue) -> None:
    food, goods = (Choice(f"/{topic}", Phrase(f"topic.{topic}"), topic=topic) for topic in ("food", "goods"))
    dialogue.answer = Reply(opening=(Phrase("unsure.choose"),), choices=(food, goods))
    page = visitor.ask("I need things")
    assert "Reply with the number" not in page
    visitor.press("send", "2")
    assert dialogue.asked[1].payload == "/goods"
    assert "Clothes, furniture, baby things</q>" in visitor.page


def test_more_and_other_places(visitor: Visitor, dialogue: FakeDialogue) -> None:
    dialogue.answer = FOOD
    visitor.ask("food")
    visitor.press("send", "1")
    assert dialogue.asked[1].payload == '/more{"service": "pantry"}'
    visitor.press("send", "MORE")
    assert dialogue.asked[2].payload == "/more"


def test_the_conversation_goes_on(visitor: Visitor, careline: Careline) -> None:
    visitor.ask("hello there my friend")
    first = visitor.conversation
    visitor.ask("thank you so much for your help")
    assert visitor.conversation == first
    assert count(careline, Conversation) == 1


def test_sending_the_same_form_twice_asks_once(visitor: Visitor, dialogue: FakeDialogue, careline: Careline) -> None:
    before = visitor.page
    visitor.ask("I need food")
    once = visitor.conversation
    visitor.page = before
    visitor.ask("I need food")
    assert visitor.conversation == once
    assert len(dialogue.asked) == 1
    visitor.page = before
    visitor.ask("I need a doctor")
    assert len(dialogue.asked) == 2


def test_nothing_written_is_answered_on_the_page(visitor: Visitor, careline: Careline) -> None:
    page = visitor.ask("   ")
    assert "Please write what you need" in page
    assert 'aria-invalid="true"' in page
    assert count(careline, Message) == 0


def test_no_cookie_and_nothing_inline(client: FlaskClient, visitor: Visitor) -> None:
    visitor.ask("food")
    assert not client._cookies
    assert not re.search(r"<script(?![^>]* src=)[^>]*>", visitor.page)
    assert not re.search(r"\s(style|on\w+)=", visitor.page)
    assert not re.search(r'(src|href|action)="(?!/|#|tel:|geo:)', visitor.page)


@pytest.mark.parametrize("path", ["/", "/desk/sign-in", "/simulator"])
def test_headers(client: FlaskClient, path: str) -> None:
    headers = client.get(path, base_url="https://care.example.org").headers
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"


def test_end_erases_everything(visitor: Visitor, careline: Careline, dialogue: FakeDialogue) -> None:
    visitor.ask("I need food", place="Riverside")
    conversation = visitor.conversation
    page = visitor.press("action", "end")
    assert "Everything you wrote here has been erased." in page
    assert conversation not in page
    assert "Riverside" not in page
    assert dialogue.forgotten == [conversation]
    assert (count(careline, Conversation), count(careline, Message)) == (0, 0)


def test_the_page_of_an_erased_conversation_asks_nothing(visitor: Visitor, careline: Careline, dialogue: FakeDialogue) -> None:
    visitor.ask("I need food")
    old = visitor.page
    visitor.press("action", "end")
    visitor.page = old
    page = visitor.ask("my husband hits me", place="Harbour")
    assert "That conversation has been erased" in page
    assert "husband" not in page
    assert "Harbour" not in page
    assert count(careline, Message) == 0


def test_an_end_that_fails_says_so_and_can_be_repeated(visitor: Visitor, careline: Careline, dialogue: FakeDialogue) -> None:
    visitor.ask("I need food")
    conversation = visitor.conversation
    answer, dialogue.answer = dialogue.answer, DialogueUnavailable("down")
    page = visitor.press("action", "end")
    assert "Not everything could be erased" in page
    assert count(careline, Message) == 0  # ours is gone all the same
    dialogue.answer = answer
    assert "Everything you wrote here has been erased." in visitor.press("action", "end")
    assert dialogue.forgotten == [conversation]


def test_a_thread_by_telephone_is_neither_shown_nor_erased(
    texter: Texter, visitor: Visitor, careline: Careline, client: FlaskClient, dialogue: FakeDialogue
) -> None:
    texter("I need food")
    with careline.database.read() as session:
        conversation = session.scalars(select(Conversation.id)).one()
    staff_writes(careline, conversation, "Your caseworker is Sam")
    for action in ("look", "end", "language", ""):
        page = client.post("/", data={"conversation": conversation, "action": action, "text": "hello"}).text
        assert "Sam" not in page
    answer = client.post("/api/chat", json={"text": "thank you so much", "conversation": conversation}).json
    assert answer is not None
    assert "Sam" not in str(answer)
    assert dialogue.forgotten == []
    with careline.database.read() as session:
        assert session.get(Conversation, conversation) is not None


def test_the_same_answer_in_another_language(visitor: Visitor, dialogue: FakeDialogue, careline: Careline) -> None:
    dialogue.answer = FOOD
    visitor.ask("I need food")
    page = visitor.press("change", "ar")
    assert '<html lang="ar" dir="rtl"' in page
    assert "Riverside &lt;Pantry&gt;" in page
    assert len(dialogue.asked) == 1
    visitor.ask("مرحبا")
    assert dialogue.asked[1].language == "ar"
    with careline.database.read() as session:
        assert session.scalars(select(Conversation.language)).one() == "ar"


def test_a_person_answers_on_the_page(visitor: Visitor, careline: Careline, dialogue: FakeDialogue) -> None:
    visitor.press("topic", "human")
    assert "See if there is an answer now" in visitor.page
    conversation = visitor.conversation
    assert conversation is not None
    staff_writes(careline, conversation, "Come to desk 2")
    assert "Come to desk 2" in visitor.press("action", "look")
    assert "Come to desk 2" in visitor.press("action", "look")  # it stays on the page
    with careline.database.read() as session:
        assert [sent.status for sent in outbox.for_kiosk(session, conversation, again=True)] == ["delivered"]
        assert outbox.for_kiosk(session, conversation) == []
        assert not outbox.due(session)
    assert dialogue.asked == []


def test_silence_says_that_the_message_went_to_a_person(visitor: Visitor, careline: Careline, dialogue: FakeDialogue) -> None:
    visitor.press("topic", "human")
    with careline.database.begin() as session:
        session.scalars(select(Case)).one().status = "claimed"
    page = visitor.ask("it is about my mother")
    assert "Your message has gone to the person who is helping you." in page
    assert dialogue.asked == []


def test_a_late_answer_is_awaited(visitor: Visitor, dialogue: FakeDialogue) -> None:
    dialogue.answer = DialogueUnavailable("down")
    page = visitor.ask("I need food")
    assert "takes a little longer" in page
    assert "See if there is an answer now" in page


def test_staff_answers_are_messages_of_the_api_once(client: FlaskClient, careline: Careline) -> None:
    first = client.post("/api/chat", json={"text": "0"}).json
    assert first is not None
    staff_writes(careline, first["conversation"], "Come to desk 2")

    def messages() -> list[dict[str, object]]:
        body = client.post("/api/chat", json={"text": "thank you so much", "conversation": first["conversation"]}).json
        assert body is not None
        return list(body["messages"])

    answer, later = messages()
    assert answer["topic"] == "thanks"
    assert (later["text"], later["escalation"]) == ("Come to desk 2", {"status": "answered", "expected_at": None})
    assert set(later) == set(answer)
    assert len(messages()) == 1


def test_a_database_that_is_down_still_gives_a_page(
    client: FlaskClient, careline: Careline, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*args: object, **fields: object) -> None:
        raise DatabaseUnavailable("locked")

    monkeypatch.setattr(careline.database, "begin", down)
    response = client.post("/", data={"text": "I need food"})
    assert response.status_code == 503
    assert response.mimetype == "text/html"
    assert "Sorry, this does not work just now." in response.text
    assert f'href="tel:{careline.settings.emergency_number}"' in response.text


def test_erasing_by_a_message_leaves_no_id_behind(visitor: Visitor, dialogue: FakeDialogue, careline: Careline) -> None:
    dialogue.answer = Reply(
        opening=(Phrase("delete.confirm"),), choices=(Choice("/erase", Phrase("delete.yes")),), topic="delete_my_data"
    )
    visitor.ask("please delete all that you know about me")
    page = visitor.press("send", "1")
    assert "Everything you wrote here is erased." in page
    assert visitor.conversation is None
    assert count(careline, Conversation) == 0


def test_a_case_that_was_answered_opens_again(careline: Careline, visitor: Visitor) -> None:
    visitor.press("topic", "human")
    with careline.database.begin() as session:
        case = session.scalars(select(Case)).one()
        case.status, case.opened_at = "answered", case.opened_at - timedelta(days=3)
        before = case.opened_at
    visitor.press("action", "look")
    visitor.press("topic", "human")
    with careline.database.read() as session:
        case = session.scalars(select(Case)).one()
        assert (case.status, case.claimed_by) == ("open", None)
        assert case.opened_at > before
        assert [one.case.id for one in escalation.queue(session)] == [case.id]
