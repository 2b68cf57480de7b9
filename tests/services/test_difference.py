"""What changed between two texts, found by words and told so that nothing is hidden."""

import pytest

from services import difference, legal_text
from services.difference import Block, Run, between

PROVIDER = {name: f"{name}@northern.example" for name in legal_text.PLACEHOLDERS - {"binding_language"}}


def blocks(found: difference.Difference) -> list[Block]:
    return [block for part in found.parts for block in part.blocks]


def side(found: difference.Difference, left_out: str) -> list[str]:
    """The text of one of both versions, block by block."""
    texts = [" ".join(run.text for run in block.runs if run.op != left_out) for block in blocks(found)]
    return [text for text in texts if text]


def test_a_changed_word_is_shown_in_its_sentence():
    found = between("We answer within two weeks.\n", "We answer within three weeks.\n")
    assert blocks(found) == [
        Block(
            "paragraph",
            (Run("same", "We answer within"), Run("removed", "two"), Run("added", "three"), Run("same", "weeks.")),
        )
    ]
    assert (found.added, found.removed, found.changed) == (1, 1, True)


def test_equal_texts_have_no_difference():
    found = between("## 1. A\n\nText.\n", "## 1. A\n\nText.\n")
    assert not found.changed and [part.changed for part in found.parts] == [False]


def test_two_empty_texts_have_none_either():
    assert between("", "\n").parts == ()


def test_a_new_paragraph_and_a_gone_one_are_shown_whole():
    found = between("One here.\n\nTwo there.\n", "One here.\n\nSomething entirely different.\n")
    assert [[run.op for run in block.runs] for block in blocks(found)] == [["same"], ["removed"], ["added"]]


def test_unchanged_neighbours_are_one_part_that_can_be_folded():
    found = between("A a.\n\nB b.\n\nC c.\n\nD d.\n", "A a.\n\nB b.\n\nC x.\n\nD d.\n")
    assert [(part.changed, len(part.blocks)) for part in found.parts] == [(False, 2), (True, 1), (False, 1)]


def test_headings_and_items_keep_their_kind_and_marks_are_not_read_out():
    text = "## 1. Title\n\nText **bold** and [us](mailto:us@a.example):\n\n- one\n- two\n\n1. first\n"
    assert [(block.kind, block.runs[0].text) for block in blocks(between(text, text))] == [
        ("heading", "1. Title"),
        ("paragraph", "Text bold and us (us@a.example):"),
        ("item", "one"),
        ("item", "two"),
        ("item", "1. first"),
    ]


def test_a_changed_address_of_a_link_is_a_difference():
    found = between("[Support](https://a.example)\n", "[Support](https://b.example)\n")
    assert found.removed == found.added == 1


def test_what_a_provider_typed_stays_text():
    found = between("A.\n", "<script>x</script> \\*A\\*\n")
    assert side(found, "removed") == ["<script>x</script> *A*"]


def test_one_word_between_two_changes_does_not_tear_the_sentence_apart():
    found = between("a b the c d, so it stays here.\n", "e f the g h, so it stays here.\n")
    assert [run.text for run in blocks(found)[0].runs] == ["a b the c d,", "e f the g h,", "so it stays here."]


@pytest.mark.parametrize("kind", legal_text.KINDS)
def test_both_texts_can_be_read_back_from_the_difference(kind):
    before = legal_text.shipped(kind, "en", PROVIDER).body
    after = before.replace("provider", "operator").replace("## 3. ", "## 3. On ").replace("\n- ", "\n- also ", 2)
    after = after.replace("## 5. ", "New paragraph between.\n\n## 5. ")
    found = between(before, after)
    assert side(found, "added") == [text for _kind, text in difference._blocks(before)]
    assert side(found, "removed") == [text for _kind, text in difference._blocks(after)]
    assert 0 < found.added < len(after.split()) / 2


def test_a_removed_item_is_the_only_change():
    before = legal_text.shipped("portal_terms", "de", PROVIDER).body
    gone = "- das Portal für Rechtswidriges nutzen.\n"
    found = between(before, before.replace(gone, ""))
    assert (found.added, found.removed) == (0, 5)


def test_the_effort_is_bounded_for_huge_texts(monkeypatch):
    steps = []

    class Counting(difference.SequenceMatcher):
        def __init__(self, junk, a, b, **more):
            steps.append(len(a) * len(b))
            super().__init__(junk, a, b, **more)

    monkeypatch.setattr(difference, "SequenceMatcher", Counting)
    many = "".join(f"Paragraph {number} says this.\n\n" for number in range(3000))
    other = "".join(f"Paragraph {number} says that.\n\n" for number in range(3000, 6000))
    found = difference.between.__wrapped__(many, other)
    assert (found.added, found.removed) == (12000, 12000) and steps == []
    long = "word " * 2000
    found = difference.between.__wrapped__(long + "a\n", long + "b\n")
    assert [run.op for run in blocks(found)[0].runs] == ["removed", "added"]
    assert sum(steps) <= difference.MOST_CELLS


def test_the_budget_is_for_all_paragraphs_together(monkeypatch):
    monkeypatch.setattr(difference, "MOST_CELLS", 60)
    found = difference.between.__wrapped__(
        "A b c d e.\n\nF g h i j.\n\nK l m n o.\n", "A b c d x.\n\nF g h i x.\n\nK l m n x.\n"
    )
    assert [len(block.runs) for block in blocks(found)] == [3, 3, 2]
