"""The front page: for strangers only, everyone else is on the way to work."""

from models.partner import Partner


def test_a_stranger_sees_what_the_portal_is_for_and_the_ways_in(client):
    page = client.get("/").text
    for address in ("/sign-up", "/login", "/terms"):
        assert f'href="{address}"' in page


def test_the_front_page_asks_the_database_nothing(client, count_queries):
    client.get("/")
    with count_queries() as queries:
        client.get("/")
    assert queries.count == 0


def test_who_is_signed_in_goes_to_their_own_start(client_as, cast):
    assert client_as(cast.alice).get("/").location == "/home"
    assert client_as(cast.olga).get("/").location == "/admin"
    Partner.update(state="applied").where(Partner.id == cast.northwind.id).execute()
    assert client_as(cast.vera).get("/").location == "/application"


def test_the_front_page_speaks_the_visitors_language(client):
    assert '<html lang="de"' in client.get("/", headers={"Accept-Language": "de-AT,de;q=0.9"}).text
