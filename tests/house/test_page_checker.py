"""Each rule of the page checker is shown one page that breaks it, and only that rule may speak."""

import pytest

from tests.page import check_page, check_partial

GOOD = """<!doctype html>
<html lang="en"><head><title>Team – Provider</title>
<link rel="stylesheet" href="/static/portal.css"><script src="/static/portal.js" defer></script></head>
<body><main id="main"><h1>Team</h1>
<p>None of your colleagues is here yet.
<a href="/out?to=https://a.example/">Read more<span class="visually-hidden"> (another site)</span></a>
<a href="#main">Top</a></p>
<form action="/team" method="post"><input type="hidden" name="csrf_token" value="t">
<label for="name">Name</label><input id="name" name="name" aria-describedby="name-hint"><p id="name-hint">In full.</p>
<label>Role <select name="role"><option>Admin</option></select></label><button type="submit">Invite</button></form>
<form action="/team" method="get"><input type="search" name="q" aria-label="Search"></form>
<fieldset><legend>Kind</legend><label><input type="radio" name="k" value="a"> A</label></fieldset>
<table><caption>People</caption><tr><th scope="col">Name</th></tr><tr><td>Alice</td></tr></table>
<img src="/static/logo.svg" alt=""></main></body></html>"""

BAD = {
    "without <!doctype": ("<!doctype html>", ""),
    "has 0 h1": ("<h1>Team</h1>", ""),
    "has 2 h1": ("<h1>Team</h1>", "<h1>Team</h1><h1>Team</h1>"),
    "the h1 is empty": ("<h1>Team</h1>", "<h1> </h1>"),
    "does not begin with the h1": ("<title>Team", "<title>Our team"),
    "no lang": ('<html lang="en">', "<html>"),
    "id 'main' stands 2 times": ("<h1>", '<div id="main"></div><h1>'),
    "an id is empty": ("<h1>", '<h1 id="">'),
    "control without a label": (' aria-label="Search"', ""),
    "form without action": ('<form action="/team" method="get">', '<form method="get">'),
    "form without method": ('<form action="/team" method="get">', '<form action="/team">'),
    "post form without csrf_token": ('<input type="hidden" name="csrf_token" value="t">', ""),
    "csrf_token into the address": ('method="get">', 'method="get"><input type="hidden" name="csrf_token" value="t">'),
    "inline <script>": ("<h1>", "<script>go()</script><h1>"),
    "inline <style>": ("</head>", "<style>h1 { color: red }</style></head>"),
    "inline style=": ("<h1>", '<h1 style="color: red">'),
    "inline onclick=": ("<h1>", '<h1 onclick="go()">'),
    "inline hx-on:click=": ("<h1>", '<h1 hx-on:click="go()">'),
    "script in href": ('href="#main"', 'href="javascript:go()"'),
    "hx-vals is evaluated": ("<h1>", "<h1 hx-vals='js:{a: 1}'>"),
    "hx-trigger with a filter": ("<h1>", '<h1 hx-trigger="click[ctrlKey]">'),
    "asset of another site in src": ("/static/portal.js", "https://cdn.example/portal.js"),
    "asset of another site in href": ("/static/portal.css", "//cdn.example/portal.css"),
    "image without alt": (' alt=""', ""),
    "link without text": (">Top</a>", "></a>"),
    "link to nowhere": ('href="#main"', 'href="#"'),
    "link to a missing place": ('href="#main"', 'href="#elsewhere"'),
    "past the notice page": ('href="/out?to=https://a.example/"', 'rel="noreferrer" href="https://a.example/"'),
    "without rel=noreferrer": ('href="/out?to=https://a.example/"', 'href="http://127.0.0.1/x"'),
    "without a mark": ('<span class="visually-hidden"> (another site)</span>', ""),
    "aria-describedby points at nothing": (' id="name-hint"', ""),
    "for points at nothing": (' id="name" name="name"', ' name="name" aria-label="Name"'),
    "button without type": ('<button type="submit">', "<button>"),
    "button without text": (">Invite</button>", "></button>"),
    "a value leaks into the text: 'until None.'": ("In full.", "until None."),
    "a value leaks into the text: '{{ name }}'": ("In full.", "{{ name }}"),
    "a value leaks into the text: '%(name)s'": ("In full.", "%(name)s"),
    "a value leaks into the text: \"l'Save'\"": ("In full.", "l'Save'"),
    "a value leaks into value": (' name="q"', ' name="q" value="None"'),
    "table without th": ("<th scope", "<td scope"),
    "table without caption": ("<caption>People</caption>", ""),
    "fieldset without legend": ("<legend>Kind</legend>", ""),
}


def test_a_good_page_passes():
    assert check_page(GOOD).css_first("h1").text() == "Team"


@pytest.mark.parametrize("prefix", ["Error: ", "Fehler: "])
def test_the_title_of_a_refused_form_may_say_so_first(prefix):
    check_page(GOOD.replace("<title>", "<title>" + prefix))


@pytest.mark.parametrize("fault", BAD)
def test_a_bad_page_is_named(fault):
    before, after = BAD[fault]
    assert before in GOOD
    with pytest.raises(AssertionError) as refused:
        check_page(GOOD.replace(before, after, 1))
    assert fault in str(refused.value)
    assert "has 1 fault(s)" in str(refused.value)


def test_a_partial_may_be_a_row_and_may_point_into_its_page():
    tree = check_partial('<!-- row -->\n<tr id="r1"><td><input aria-label="Amount" aria-describedby="free"></td></tr>')
    assert tree.css_first("td input")


def test_a_partial_is_held_to_the_rules_too():
    with pytest.raises(AssertionError, match="control without a label"):
        check_partial('<tr id="r1"><td><input name="amount"></td></tr>')
    with pytest.raises(AssertionError, match="whole page"):
        check_partial(GOOD)
