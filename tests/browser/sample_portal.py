"""Two pages made of the shared macros alone, for the tests of the scripts: a board and a page of comforts."""

import time
from pathlib import Path

from flask import Flask, make_response, render_template, request
from flask_babel import Babel
from flask_wtf import CSRFProtect
from jinja2 import ChoiceLoader, DictLoader, FileSystemLoader

from blueprints import others_pages, pieces
from blueprints.headers import CONTENT_SECURITY_POLICY
from services.capacity import exact_bytes, format_bytes, split_bytes
from services.settings import Provider

ROOT = Path(__file__).parents[2]
GB, TB = 10**9, 10**12
ROWS = [("1", "Müller", 2 * TB, 1300 * GB), ("2", "Sonne", 1500 * GB, 1480 * GB), ("3", "Nord", 3 * TB, 2 * GB)]
SAMPLES = {
    "sample/board.html": """{% extends "base.html" %}{% import "macros/board.html" as board with context %}
        {% block title %}Board{% endblock %}
        {% block scripts %}<script src="{{ static_url("board.js") }}" defer></script>{% endblock %}
        {% block main %}<h1>Board</h1>
        {{ board.start("/board", total, 10 * 10**9, point, attrs={"hx-post": "/board", "hx-trigger": "board:rested",
                                                                  "hx-target": "#room", "hx-swap": "outerHTML"}) }}
        {{ board.summary(total, 6500 * 10**9, 3 * 10**12, "NW-1", "Check") }}<p id="room">untouched</p>
        <ul class="board-rows">{% for number, name, saved, used in rows %}
        {% set amount, unit = split(saved, "de" if point == "," else "en") %}
        {{ board.row(number, name, saved, used, total, 10 * 10**9, amount, unit) }}{% endfor %}</ul>
        <button type="button" hidden data-suggest-number="3" data-suggest-bytes="500000000000">Lower it</button>
        {{ board.actions("Check") }}{{ board.end() }}{% endblock %}""",
    "sample/comforts.html": """{% extends "base.html" %}{% import "macros/parts.html" as parts with context %}
        {% import "macros/forms.html" as forms %}
        {% block title %}Comforts{% endblock %}{% block main %}<h1>Comforts</h1>
        {{ parts.copy("canary", "secret key", secret=true) }}
        {{ forms.start("/slow", attrs={"hx-post": "/slow", "hx-target": "#place", "hx-swap": "outerHTML"}) }}
        {{ forms.submit("Slow") }}{{ forms.end() }}
        {{ forms.start("/fault", attrs={"hx-post": "/fault", "hx-target": "#place", "hx-swap": "outerHTML"}) }}
        {{ forms.submit("Fault") }}{{ forms.end() }}<div id="place"></div>{% endblock %}""",
}


def sample_portal() -> Flask:
    app = Flask("sample", static_folder=str(ROOT / "static"))
    app.config.update(SECRET_KEY="sample", asked=[])
    app.jinja_loader = ChoiceLoader([DictLoader(SAMPLES), FileSystemLoader(ROOT / "templates")])
    app.jinja_env.filters.update(bytes=format_bytes, exact_bytes=exact_bytes, when=str, day=str)
    app.jinja_env.globals.update(
        static_url=lambda name: f"/static/{name}", split=split_bytes, provider=Provider(), provider_name="Sample"
    )
    Babel(app)
    pieces.init_app(app)
    others_pages.init_app(app)
    CSRFProtect(app)

    add_pages(app)
    return app


def add_pages(app: Flask) -> None:
    @app.get("/board")
    def board():
        return render_template("sample/board.html", total=10 * TB, rows=ROWS, point=request.args.get("point", "."))

    @app.post("/board")
    def rested():
        app.config["asked"].append(request.form.to_dict())
        return '<p id="room">asked</p>'

    @app.get("/comforts")
    def comforts():
        return render_template("sample/comforts.html")

    @app.post("/slow")
    def slow():
        app.config["asked"].append("slow")
        time.sleep(0.4)  # long enough for a second click
        response = make_response('<div id="place"><h2 id="loaded" tabindex="-1">Loaded</h2></div>')
        response.headers["HX-Trigger"] = '{"focus": "#loaded", "say": "Loaded now."}'
        return response

    @app.post("/fault")
    def fault():
        return "fault", 500

    @app.after_request
    def put_policy(response):
        response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        return response
