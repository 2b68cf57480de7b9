"""Details of companies and persons: taken as people write them, refused with a hint how to mend them (T8)."""

import pytest

from services import company_details
from services.company_details import DetailRefused, check, postcode, refusals, vat

GOOD = {
    "legal_name": "Fabrikam GmbH",
    "country": "DE",
    "register_number": "HRB 1",
    "vat_id": "DE136695976",
    "street": "Lange Gasse 5",
    "postcode": "80331",
    "city": "München",
    "phone": "089 1234567",
}


def refused(field: str, text: str, **others: str) -> str:
    with pytest.raises(DetailRefused) as found:
        check(field, text, {"country": "DE", **others})
    assert found.value.field == field
    return found.value.text % found.value.values


@pytest.mark.parametrize("country", sorted(vat.KNOWN))
def test_the_example_of_each_country_is_a_right_number(country):
    example = vat.example(country)
    assert vat.check(example, country) == example


@pytest.mark.parametrize("country", sorted(vat.KNOWN))
def test_a_vat_number_is_kept_in_one_form_however_it_is_written(country):
    example = vat.example(country)
    prefix = "CHE" if country == "CH" else example[:2]
    for written in (example.lower(), f"{prefix}-{example[len(prefix) :]}", " ".join(example), example[len(prefix) :]):
        assert vat.check(written, country) == example, written


@pytest.mark.parametrize("country", ["AT", "DE", "FR", "GB", "IT", "NL", "PL", "CH", "NO"])
def test_a_swapped_digit_is_said_to_be_one(country):
    example = vat.example(country)
    place = next(
        at
        for at in range(4, len(example) - 1)
        if example[at].isdigit() and example[at : at + 2].isdigit() and example[at] != example[at + 1]
    )
    swapped = example[:place] + example[place + 1] + example[place] + example[place + 2 :]
    assert "check digits do not match" in refused("vat_id", swapped, country=country)


@pytest.mark.parametrize("suffix", ["MWST", "TVA", "IVA", ""])
def test_swiss_numbers_may_carry_any_of_their_suffixes(suffix):
    assert vat.check(f"CHE-107.787.577 {suffix}", "CH") == "CHE107787577"


def test_greece_is_el_and_northern_ireland_xi():
    assert vat.check("GR 094259216", "GR") == "EL094259216"
    assert vat.check("XI 980 7806 84", "GB") == "XI980780684"


def test_a_number_of_another_country_is_explained():
    said = "This number begins with AT, those of the chosen country with DE. Correct one of the two."
    assert refused("vat_id", "ATU13585627") == said
    assert refused("vat_id", "CHE107787577") == said.replace("AT", "CHE")


def test_a_number_of_the_wrong_shape_gets_an_example():
    assert "Example: DE136695976" in refused("vat_id", "DE12")
    assert "Example: DE136695976" in refused("vat_id", "")


def test_outside_the_known_countries_a_vat_number_may_be_missing_but_then_the_register_number_is_needed():
    assert check("vat_id", "", {"country": "US"}) == ""
    assert "Enter one of the two" in refused("register_number", "", country="US", vat_id="")
    assert check("register_number", "", {"country": "US", "vat_id": "12-3456789"}) == ""
    assert check("vat_id", "12-3456789", {"country": "US"}) == "123456789"
    assert "4 to 20" in refused("vat_id", "!", country="US")


@pytest.mark.parametrize("country", sorted(postcode.WRITTEN))
def test_a_postcode_is_kept_as_its_country_writes_it(country):
    example = postcode.example(country)
    assert postcode.check(example, country) == example
    assert postcode.check(f" {example.replace(' ', '').replace('-', '').lower()} ", country) == example


@pytest.mark.parametrize(
    ("country", "written", "kept"),
    [
        ("DE", "D-80331", "80331"),
        ("DE", "DE 80331", "80331"),
        ("AT", "A-1010", "1010"),
        ("FI", "FI-00100", "00100"),
        ("GB", "m1 1ae", "M1 1AE"),
        ("GB", "EC1A1BB", "EC1A 1BB"),
        ("US", "100011234", "10001-1234"),
        ("LT", "01100", "LT-01100"),
        ("JP", "100-0001", "100-0001"),
        ("HK", "00", "00"),
    ],
)
def test_postcodes_as_people_write_them(country, written, kept):
    assert check("postcode", written, {"country": country}) == kept


@pytest.mark.parametrize(
    ("country", "written"), [("DE", "1010"), ("DE", "١٢٣٤٥"), ("GB", "12345"), ("JP", "<b>"), ("JP", "-")]
)
def test_a_wrong_postcode_is_refused(country, written):
    assert refused("postcode", written, country=country)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("089 1234567", "+49891234567"),
        ("+49 (0)89 / 123 45 67", "+49891234567"),
        ("0043 1 5131234", "+4315131234"),
        ("+44 20 7946 0018", "+442079460018"),
    ],
)
def test_a_phone_number_is_kept_with_its_country(written, kept):
    assert check("phone", written, {"country": "DE"}) == kept


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("", "Enter the company's phone number."),
        ("call me", "This is not a phone number"),
        ("+999 123456", "No country has this code"),
        ("089123456789012345", "too long"),
        ("12", "The area code is missing"),
        ("+33 12", "too short"),
        ("089 1234567 ext. 9", "Leave the extension out"),
    ],
)
def test_a_wrong_phone_number_gets_advice(written, says):
    assert says in refused("phone", written)


def test_the_persons_phone_number_may_be_missing():
    assert check("person_phone", "", {"country": "DE"}) == ""


@pytest.mark.parametrize(
    "written", ["", "anna", "anna@", "anna@company", "anna berg@company.com", "a@b@c.com", "a" * 260 + "@b.com"]
)
def test_a_wrong_mail_address_is_refused(written):
    assert refused("email", written)


def test_a_mail_address_keeps_its_name_and_gets_a_small_domain():
    assert check("email", " Anna.Berg@Company.COM ", {}) == "Anna.Berg@company.com"


@pytest.mark.parametrize(
    "hidden",
    ["\u202e", "\u2066", "\u200b", "\u200f", "\ufeff", "\x00", "\r\nBcc: x", "\x1b[31m", "\u2028", "\ue000", "\u200d"],
)
@pytest.mark.parametrize("field", ["legal_name", "street", "city", "name", "job_title", "register_number"])
def test_characters_that_cannot_be_seen_are_refused_by_their_code(field, hidden):
    assert "invisible character (U+" in refused(field, f"Fabri{hidden}kam 1")


def test_a_joiner_inside_a_persian_word_is_part_of_it():
    assert check("name", "می\u200cخواهم", {}) == "می\u200cخواهم"


def test_names_are_made_canonical():
    assert check("legal_name", "  Ｆａｂｒｉｋａｍ\u00a0 GmbH\t& Co ", {}) == "Fabrikam GmbH & Co"
    assert check("name", "Zoe\u0308 Weiß", {}) == "Zoë Weiß"
    assert company_details.name_key("FABRIKAM Straße") == company_details.name_key("fabrikam strasse")


def test_markup_in_a_name_is_only_text():
    assert check("legal_name", "<b>Fabrikam</b>", {}) == "<b>Fabrikam</b>"


@pytest.mark.parametrize("field", [*company_details.COMPANY, *company_details.PERSON])
def test_ten_kilobytes_are_refused_everywhere(field):
    assert refused(field, "x1" * 5000)


def test_all_refusals_come_at_once_and_name_their_fields():
    clean, found = refusals({})
    assert {refusal.field for refusal in found} == set(company_details.COMPANY) - {"vat_id"}
    assert clean == {"vat_id": ""}
    assert refusals(GOOD)[1] == []


def test_countries_are_named_in_the_language_and_no_union_is_among_them():
    assert company_details.countries("de")["DE"] == "Deutschland"
    assert "EU" not in company_details.countries("en") and "ZZ" not in company_details.countries("en")
    assert "Choose the country" in refused("country", "EU")


@pytest.mark.parametrize("field", ["legal_name", "name"])
def test_names_carry_no_links_into_mails(field):
    for written in ("Win at https://evil.example", "Go to WWW.evil.example now", "_www。evil.example"):
        assert "web address" in refused(field, written)
    assert check(field, "Booking.com Consulting", {}) == "Booking.com Consulting"
