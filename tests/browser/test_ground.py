"""The ground of the browser tests itself: it serves, signs in, hears complaints and finds what axe finds."""

import pytest

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_a_person_is_signed_in_and_pages_are_sound(cast, visit, scripts):
    visitor = visit(cast.alice, phone=True, scripts=scripts)
    page = visitor.open("/home")
    assert page.locator("h1").count() == 1
    assert page.url.endswith("/home")
    visitor.expect_no_sideways_scroll()
    if scripts:
        visitor.expect_no_axe_findings()


def test_a_stranger_is_sent_to_the_log_in(cast, visit, work):
    page = visit(language="de").open("/home")
    assert page.url.endswith("/login?next=/home")
    work()


def test_complaints_are_heard(visit):
    visitor = visit()
    page = visitor.open("/login")
    page.evaluate("console.error('a fault'); fetch('https://elsewhere.example/').catch(() => 0)")
    page.wait_for_function("true")
    page.evaluate("new Promise(done => setTimeout(done, 100))")
    assert any("a fault" in line for line in visitor.complaints)
    assert any("elsewhere.example" in line for line in visitor.complaints)
    visitor.complaints.clear()


def test_findings_of_axe_fail(visit):
    visitor = visit()
    visitor.open("/login").evaluate("document.querySelector('main').append(document.createElement('button'))")
    with pytest.raises(AssertionError, match="button-name"):
        visitor.expect_no_axe_findings()
