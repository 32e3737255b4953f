"""The calculator page for everyone: keyboard, screen reader, small screens, print; and nobody else.

Nothing that is entered is stored or sent, and no text of a model becomes markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from browsers import Visitor, serious
from calculator_visits import CASE, control, enter, opened, press_tab_until, said, shown
from composed import PLAIN, composed

from discresorb import Predictor
from discresorb.columns import Column
from discresorb.design import Covariate
from discresorb.pages.calculator import calculator_page
from discresorb.wording import ESTIMAND, LIMITS, SYNTHETIC_NOTICE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

MARKUP = "</script><img src=x onerror=\"document.title='ran'\">"
HOSTILE = (
    *PLAIN,
    Covariate(Column("__proto__", "number", MARKUP, "'\"<b>", -5.0, 1e300)),
    Covariate(
        Column("constructor", "category", MARKUP, levels=(MARKUP, "toString", "'", '"', "e", "f"))
    ),
    Covariate(Column("two words <i>", "flag", '"quoted" & <i>')),
    Covariate(Column("hasOwnProperty", "category", "hasOwnProperty", levels=("not known", MARKUP))),
)
LONG = "W" * 40
EIGHT = (*PLAIN, *(Covariate(Column(f"input_{j}", "number", LONG, "mmHg")) for j in range(6)))


@pytest.fixture
def page(shipped: Page) -> Page:
    """The shipped model's page, as if it were opened now."""
    shipped.set_viewport_size({"width": 1024, "height": 768})
    shipped.emulate_media(media="null", color_scheme="light")
    shipped.goto(shipped.url.partition("#")[0])
    return shipped


def in_every_state(page: Page) -> Iterator[str]:
    """Bring a page into its states: nothing entered, an estimate with warnings, problems."""
    page.get_by_role("button", name="Clear").click()
    yield "empty"
    page.get_by_role("button", name="Fill in an example").click()
    enter(page, {"Size": "39", "Surgery date": "2023-01-31"})
    page.locator("#results details").evaluate("each => { each.open = true; }")
    assert len(shown(page)["warnings"]) == 2
    yield "estimate"
    enter(page, {"Size": "11,5", "Surgery date": "2019-02-31", "Onset date": ""})
    page.keyboard.press("Tab")
    assert page.locator("[aria-invalid]").count() == 2
    yield "problems"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_accessibility_checker_finds_nothing_serious(page: Page, scheme: str) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    for state in in_every_state(page):
        assert serious(page) == [], state


def test_every_text_can_be_read_in_both_schemes(page: Page) -> None:
    page.get_by_role("button", name="Fill in an example").click()
    colours = set()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        colours.add(page.locator("body").evaluate("each => getComputedStyle(each).color"))
        low = page.evaluate(_LOW_CONTRAST)
        assert low == [], scheme
    assert len(colours) == 2


# texts of drawings, which the checker leaves out, against the paper: 4.5, and shapes: 3
_LOW_CONTRAST = """() => {
    const part = (value) => {
        const share = value / 255;
        return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    };
    const light = (colour) => {
        const [r, g, b] = colour.match(/[0-9.]+/g).map(Number).map(part);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const paper = light(getComputedStyle(document.documentElement).backgroundColor);
    const ratio = (colour) => {
        const own = light(colour);
        return (Math.max(own, paper) + 0.05) / (Math.min(own, paper) + 0.05);
    };
    const low = [];
    for (const each of document.querySelectorAll('#curve text')) {
        if (ratio(getComputedStyle(each).fill) < 4.5) low.push(each.textContent);
    }
    for (const each of document.querySelectorAll('.full, .left, .estimate, .surgery, .band')) {
        if (ratio(getComputedStyle(each).stroke) < 3) low.push(each.getAttribute('class'));
    }
    return low;
}"""


@pytest.mark.parametrize("width", [320, 360, 512])
def test_nothing_is_wider_than_the_screen(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 640})
    for state in in_every_state(page):
        assert page.evaluate("document.documentElement.scrollWidth") <= width, state
        assert page.evaluate(_CUT_OFF) == [], state


_CUT_OFF = """() => [...document.querySelectorAll('#curve text')]
    .filter((each) => {
        const own = each.getBoundingClientRect();
        const all = each.ownerSVGElement.getBoundingClientRect();
        return own.left < all.left - 1 || own.right > all.right + 1;
    }).map((each) => each.textContent)"""


def test_what_is_pressed_is_large_enough(page: Page) -> None:
    for state in in_every_state(page):
        small = page.evaluate(
            """() => [...document.querySelectorAll('button, input[type=text], .choice, summary')]
                .map((each) => [each.outerHTML, each.getBoundingClientRect()])
                .filter(([, box]) => box.width && (box.width < 24 || box.height < 24))"""
        )
        assert small == [], state


def test_on_a_phone_the_estimate_is_seen_while_one_types(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 640})
    brief = page.locator("#brief")
    assert not brief.is_visible()
    page.get_by_role("button", name="Fill in an example").click()
    control(page, "Size").fill("12")
    assert brief.evaluate("each => each.getBoundingClientRect().bottom <= innerHeight")
    for title in ("Size", "Onset date", "Surgery date", "Reference for the record"):
        control(page, title).fill("")
        control(page, title).evaluate("each => each.scrollIntoView({ block: 'end' })")
        control(page, title).fill(CASE.get(title, "case 7"))
        assert brief.evaluate(
            "each => document.activeElement.getBoundingClientRect().bottom"
            " <= each.getBoundingClientRect().top"
        )
    share, interval = brief.inner_text().rstrip(".").split("; ")
    assert share in shown(page)["sentence"]
    assert interval in shown(page)["sentence"]
    brief.click()
    assert page.locator("#sentence").evaluate("each => each.getBoundingClientRect().top < 300")


def test_the_keyboard_alone_is_enough(page: Page) -> None:
    seen = press_tab_until(page, "each.id === 'input-0'")
    assert seen == ["A", "example", "clear", "input-0"]  # first a link past the header
    page.keyboard.type(CASE["Size"])
    for press in ("Tab", "Space", "Tab", "Tab"):
        page.keyboard.press(press)
    for title in ("Onset date", "Imaging date", "Surgery date"):
        page.keyboard.type(CASE[title])
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.ariaLabel") == f"Choose {title.lower()}"
        page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")  # from not known, round to yes
    by_keyboard = shown(page)
    rest = press_tab_until(page, "each.tagName === 'SUMMARY'")
    assert rest == ["reference", "print", "SUMMARY"]
    page.keyboard.press("Enter")
    assert page.locator("#curve-table").is_visible()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement === document.body")
    page.get_by_role("button", name="Clear").click()
    page.get_by_role("button", name="Fill in an example").click()
    assert by_keyboard == shown(page)


def test_the_return_key_sends_nothing(page: Page) -> None:
    enter(page, CASE)
    control(page, "Size").press("Enter")
    assert shown(page)["sentence"]


def test_a_screen_reader_is_told_once_typing_pauses(page: Page, predictor: Predictor) -> None:
    status = page.get_by_role("status")
    assert status.get_attribute("aria-live") == "polite"
    assert status.inner_text() == ""
    enter(page, CASE | {"Size": ""})
    page.evaluate(
        """() => {
            window.told = 0;
            const watch = new MutationObserver(() => { window.told += 1; });
            watch.observe(document.getElementById('said'), { childList: true });
        }"""
    )
    control(page, "Size").press_sequentially("11.25", delay=20)
    text = said(page, "If surgery does not happen before 20 Sep 2019")
    estimate = shown(page)
    assert text.startswith(estimate["sentence"])
    assert all(reason in text for reason in estimate["reasons"])
    assert page.evaluate("window.told") == 1


def pages_of(pdf: bytes) -> int:
    return len(re.findall(rb"/Type\s*/Page\b", pdf))


def record_of(page: Page) -> str:
    """Give the text of the record, which is there while it is printed."""
    page.emulate_media(media="print")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    visible = page.evaluate(
        "[...document.body.children].filter(each => each.offsetHeight).map(each => each.className)"
    )
    assert visible == ["record"]
    text: str = page.locator(".record").inner_text()
    page.emulate_media(media="null")
    return text


def test_the_record_is_one_page_with_all_that_belongs_to_it(
    page: Page, predictor: Predictor
) -> None:
    enter(page, CASE)
    page.get_by_label("Reference for the record").fill("case <7>")
    assert pages_of(page.pdf(prefer_css_page_size=True)) == 1
    estimate, text = shown(page), record_of(page)
    assert all(value in text for value in CASE.values())
    assert "case <7>" in text
    assert "11 mm" in text
    assert "example" not in text
    for words in (estimate["sentence"], *estimate["reasons"], predictor.model_id, "0123abcd" * 8,
                  LIMITS, ESTIMAND[1:], predictor.endpoint[1:], SYNTHETIC_NOTICE[1:],
                  predictor.interval_label, "What moves this estimate"):  # fmt: skip
        assert words in text
    enter(page, {"Size": "12"})
    assert page.locator(".record").count() == 0
    assert re.search(r"printed \d{1,2} [A-Z][a-z]{2} \d{4}, \d\d:\d\d", text)


def test_the_record_of_an_example_says_so(page: Page) -> None:
    page.get_by_role("button", name="Fill in an example").click()
    assert "These are example values" in record_of(page)


def test_a_long_record_is_one_page_too(visitor: Visitor, tmp_path: Path) -> None:
    predictor = composed(EIGHT, endpoint=f"gone, {LONG} {LONG}", data_origin="synthetic")
    page = opened(visitor, predictor, tmp_path)
    far = {f"Input {j}": "123456.789" for j in range(6)}
    enter(page, CASE | far | {"Size": "39.5", "Surgery date": "2029-01-01"})
    assert len(shown(page)["warnings"]) == 8
    page.get_by_label("Reference for the record").fill(LONG * 2)
    assert pages_of(page.pdf(prefer_css_page_size=True)) == 1
    text = record_of(page)
    assert text.count("lies outside the central") == 7
    assert text.count("123456.789 mmHg") == 6


def test_without_an_estimate_what_is_printed_shows_none(page: Page) -> None:
    enter(page, CASE | {"Size": "99"})
    page.emulate_media(media="print")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.locator(".record").count() == 0
    assert not page.locator("#results").is_visible()
    assert page.get_by_text("size_mm entered as 99").first.is_visible()


def test_nothing_is_stored(page: Page) -> None:
    for _ in in_every_state(page):
        pass
    enter(page, CASE)
    page.get_by_label("Reference for the record").fill("case 7")
    record_of(page)
    assert page.evaluate(
        """async () => [localStorage.length, sessionStorage.length, document.cookie,
            (await indexedDB.databases()).length, location.search, window.name]"""
    ) == [0, 0, "", 0, "", ""]
    assert page.context.storage_state() == {"cookies": [], "origins": []}
    asked = page.evaluate(
        """[...document.querySelectorAll('form, input:not([type=date]):not([name=times]), select')]
            .filter((each) => each.autocomplete !== 'off').length"""
    )
    assert asked == 0


def test_markup_in_a_model_is_inert_and_shown(visitor: Visitor, tmp_path: Path) -> None:
    predictor = composed(
        HOSTILE, endpoint=MARKUP, model_id=MARKUP, optional=("__proto__", "hasOwnProperty")
    )
    page = opened(visitor, predictor, tmp_path)
    title = page.title()
    cells = {"Size": "9", "Sequestrated": "no", "__proto__": "7", "constructor": MARKUP,
             "two words <i>": "yes", "hasOwnProperty": MARKUP}  # fmt: skip
    labels = page.locator("#covariates").locator("label[for], legend").all_inner_texts()
    assert [each.removesuffix(" (optional)") for each in labels[2:]] == [
        "__proto__",
        "Constructor",
        "two words <i>",
        "hasOwnProperty",
    ]
    dates = {name: CASE[name] for name in ("Onset date", "Imaging date", "Surgery date")}
    enter(page, {"Constructor": MARKUP} | {k: v for k, v in cells.items() if k != "constructor"})
    enter(page, dates)
    python: dict[str, Any] = {name.lower().replace(" ", "_"): text for name, text in dates.items()}
    python |= {"size_mm": "9", "sequestrated": "no"} | {k: cells[k] for k in list(cells)[2:]}
    found = predictor.predict(**python)
    assert shown(page)["sentence"] == found.sentence
    assert MARKUP in page.locator("footer").inner_text()
    assert MARKUP in page.locator("#influences").inner_text()
    assert MARKUP in record_of(page)
    assert page.locator("img, i, b").count() == 0
    assert page.title() == title
    enter(page, {"__proto__": ""})
    assert "__proto__" in shown(page)["warnings"][0]


def test_a_telephone_has_every_character_that_an_input_needs(
    visitor: Visitor, tmp_path: Path
) -> None:
    """Its number pad has no hyphen and no minus, and a comma for a point in many countries."""
    signed = Covariate(Column("lordosis", "number", "lordosis", "°", -90.0, 90.0))
    predictor = composed((*PLAIN, signed), by=None)
    pads = {
        locale: {
            title: control(page, title).get_attribute("inputmode")
            for title in ("Size", "Lordosis", "Onset date")
        }
        for locale in ("en-GB", "de-DE")
        for page in [opened(visitor, predictor, tmp_path, locale=locale)]
    }
    assert pads["en-GB"] == {"Size": "decimal", "Lordosis": None, "Onset date": None}
    assert pads["de-DE"] == {"Size": None, "Lordosis": None, "Onset date": None}


@pytest.mark.parametrize("why", ["no script", "a script too new"])
def test_a_page_that_cannot_compute_says_so(
    browser: Browser, predictor: Predictor, tmp_path: Path, why: str
) -> None:
    visitor = Visitor(browser)
    page = opened(visitor, predictor, tmp_path, java_script_enabled=why != "no script")
    if why != "no script":
        page.add_init_script("delete Object.hasOwn; delete Object.fromEntries")
        page.reload()
    assert "cannot compute" in page.locator("#needed").inner_text()
    visitor.close()


def test_the_focus_is_seen_where_a_browser_knows_no_has(predictor: Predictor) -> None:
    css = calculator_page(predictor)
    at = css.index(".choice input:focus-visible { outline: none; }")
    assert css[:at].rstrip().endswith("@supports selector(:has(*)) {")


def test_the_shape_of_a_date_can_be_read_in_both_schemes(page: Page) -> None:
    muted = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        shown_alike = page.evaluate(
            """() => {
                const input = document.querySelector('[placeholder]');
                const { color, opacity } = getComputedStyle(input, '::placeholder');
                const help = getComputedStyle(document.querySelector('.help')).color;
                return [color === help, opacity];
            }"""
        )
        muted.append(shown_alike)
    assert muted == [[True, "1"]] * 2


def test_what_is_wrong_is_printed_as_wrong_though_one_still_types(page: Page) -> None:
    enter(page, CASE)
    control(page, "Size").fill("999")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert "size_mm entered as 999" in page.locator("#problems").inner_text()


def test_a_browser_that_translates_pages_is_not_given_a_patient(page: Page) -> None:
    """Such a browser would send what it translates away."""
    enter(page, CASE | {"Size": "99"})
    page.keyboard.press("Tab")
    page.get_by_label("Reference for the record").fill("case 7")
    of_patient = ["99", "2019", "case 7"]
    enter(page, {"Size": "9"})
    record_of(page)
    enter(page, {"Imaging date": "2020-03-01"})
    page.keyboard.press("Tab")
    given = page.evaluate(
        """() => {
            const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
            const texts = [];
            while (walk.nextNode()) {
                const parent = walk.currentNode.parentElement;
                if (parent.translate && !parent.closest('script, style')) {
                    texts.push(walk.currentNode.data);
                }
            }
            return texts.join(' ');
        }"""
    )
    assert "Largest antero-posterior extent" in given
    assert [each for each in of_patient if each in given] == []


def test_a_name_written_from_right_to_left_turns_nothing_beside_it(
    visitor: Visitor, tmp_path: Path
) -> None:
    page = opened(visitor, composed(model_id="m\u05d0\u05d1\u05d2id"), tmp_path)
    ids = page.locator(".id")
    assert (
        ids.evaluate_all("all => all.map((each) => getComputedStyle(each).unicodeBidi)")
        == ["isolate"] * 2
    )
    model_id, sha256 = ids.evaluate_all("all => all.map((each) => each.getBoundingClientRect().x)")
    assert model_id < sha256
