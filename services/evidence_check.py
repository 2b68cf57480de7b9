"""Checks evidence of consent without a database (legal.md 4.2). This file travels in each evidence file as verify.py.

It needs Python 3.9 or newer and nothing else:    python verify.py evidence.zip

Each row of the evidence has a number, and
    content digest = SHA-256 of its content as JSON (keys in order, no spaces, ASCII)
    hash           = SHA-256 of the hash of the row before it, followed by the content digest
The personal part of a row is outside of its content; the content holds a digest of it, made with a random salt. So it
can be erased, and the chain still holds; a row of its own says that it was erased.
"""

import hashlib
import io
import json
import sys
import zipfile

GENESIS = "0" * 64
MANIFEST, HEAD, CHAIN, MAILS = "manifest.json", "head.json", "chain.txt", "mails.json"
RECORDS, TEXTS, RECEIPTS = "records/", "texts/", "receipts/"
WHEN = (1980, 1, 1, 0, 0, 0)
PIECE = 1 << 20
MOST_PROBLEMS = 50


def canonical(value):
    """The one way in which a value is written as JSON."""
    return json.dumps(value, ensure_ascii=True, sort_keys=True, separators=(",", ":"))


def digest(text):
    return hashlib.sha256(text if isinstance(text, bytes) else text.encode()).hexdigest()


def content_digest(row):
    """`row`: number, kind, at, partner, subject, record, personal_digest; other keys do not count."""
    names = ("number", "kind", "at", "partner", "subject", "record", "personal_digest")
    return digest(canonical({name: row[name] for name in names}))


def link(prev_hash, content):
    return digest(prev_hash + content)


def personal_digest(salt, personal):
    return digest(salt + canonical(personal))


def entry(name):
    """How a file is entered into the archive: always alike, so that the archive has one form only."""
    info = zipfile.ZipInfo(name, WHEN)
    info.create_system, info.external_attr, info.compress_type = 3, 0o100644 << 16, zipfile.ZIP_STORED
    return info


def verify(file):
    """What is wrong with the evidence file (a path or an open file), one sentence each; empty when all is right."""
    try:
        with zipfile.ZipFile(file) as archive:
            return _Evidence(archive).problems(file)
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, UnicodeDecodeError, RuntimeError) as failure:
        return [f"the archive cannot be read: {failure}"]
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as failure:
        return [f"a file in the archive is not what it should be: {type(failure).__name__} {failure}"]


class _Evidence:
    def __init__(self, archive):
        self.archive, self.found = archive, []
        self.names = [info.filename for info in archive.infolist()]

    def problems(self, file):
        self._files()
        if self.found:
            return self.found[:MOST_PROBLEMS]
        records = [json.loads(self._text(name)) for name in self._below(RECORDS)]
        rows = {row["number"]: row for row in records}
        for name, row in zip(self._below(RECORDS), records):  # noqa: B905 - strict came with Python 3.10
            if name != f"{RECORDS}{row['number']}.json" or self._text(name) != canonical(row):
                self._wrong("%s is not written in its one form", name)
        self._rows(rows)
        self._chain(rows)
        self._texts(records)
        self._receipts(records)
        if not self.found:
            self._form(file)
        return self.found[:MOST_PROBLEMS]

    def _files(self):
        """Every file is listed with its digest, and nothing else is there."""
        if MANIFEST not in self.names:
            return self._wrong("%s is missing", MANIFEST)
        listed = json.loads(self._text(MANIFEST))
        if self._text(MANIFEST) != canonical(listed):
            self._wrong("%s is not written in its one form", MANIFEST)
        for name in sorted(set(listed) - set(self.names)):
            self._wrong("%s is missing", name)
        for name in self.names:
            if name != MANIFEST and name not in listed:
                self._wrong("%s is not listed in manifest.json", name)
            elif name != MANIFEST and self._file_digest(name) != listed[name]:
                self._wrong("%s was changed: its SHA-256 is not the one in " + MANIFEST, name)
        if len(set(self.names)) != len(self.names):
            self._wrong("%s stands in the archive twice", max(self.names, key=self.names.count))
        return None

    def _rows(self, rows):
        erased = {row["subject"] for row in rows.values() if row["kind"] == "erased"}
        for number, row in rows.items():
            if link(row["prev_hash"], content_digest(row)) != row["hash"]:
                self._wrong("record %s: its hash does not fit its content", number)
            if row["personal"] is None:
                if number not in erased:
                    self._wrong(
                        "record %s: the personal part is missing, and no record says that it was erased", number
                    )
            elif personal_digest(row["personal"]["salt"], row["personal"]["values"]) != row["personal_digest"]:
                self._wrong("record %s: its personal part was changed", number)

    def _chain(self, rows):
        """From the first record to the head, without a gap."""
        head = json.loads(self._text(HEAD))
        if self._text(HEAD) != canonical(head):
            self._wrong("%s is not written in its one form", HEAD)
        lines = io.StringIO(self._text(CHAIN), newline="")
        start = lines.readline().split(" ")
        number, reached = int(start[0]), start[1].rstrip("\n")
        if rows and min(rows) <= number:
            self._wrong("record %s lies before the start of the chain", min(rows))
        for line in lines:
            number += 1
            told, content = line.rstrip("\n").split(" ")
            if told != str(number):
                return self._wrong("the chain has a gap before number %s", told)
            row = rows.get(number)
            if row is not None and (row["prev_hash"] != reached or content_digest(row) != content):
                self._wrong("record %s is not the one in the chain", number)
            reached = link(reached, content)
        if (number, reached) != (head["number"], head["hash"]):
            self._wrong("the chain does not lead to the head in %s", HEAD)
        if rows and max(rows) > number:
            self._wrong("record %s lies behind the head", max(rows))
        return None

    def _texts(self, records):
        texts = {self._file_digest(name) for name in self._below(TEXTS)}
        for row in records:
            wanted = row["record"].get("sha256")
            if wanted and wanted not in texts:
                self._wrong("record %s: the text that it speaks of is missing or was changed", row["number"])

    def _receipts(self, records):
        there = {self._file_digest(name) for name in self._below(RECEIPTS)}
        erased = {row["subject"] for row in records if row["kind"] == "erased"}
        own = {row["record"]["pdf_sha256"] for row in records if row["kind"] == "receipt"}
        for row in records:
            if row["kind"] == "receipt" and row["record"]["pdf_sha256"] not in there and row["number"] not in erased:
                self._wrong("record %s: the PDF receipt that it speaks of is missing or was changed", row["number"])
        for name in self._below(RECEIPTS):
            if self._file_digest(name) not in own:
                self._wrong("%s is not a receipt that a record speaks of", name)

    def _form(self, file):
        """Nothing is hidden between the files: the archive is exactly what these files make."""
        made = hashlib.sha256()
        with io.BytesIO() as again:
            with zipfile.ZipFile(again, "w") as archive:
                for name in self.names:
                    archive.writestr(entry(name), self.archive.read(name))
            made.update(again.getvalue())
        if made.hexdigest() != _digest_of(file):
            self._wrong("%s was changed between its files", "the archive")

    def _below(self, folder):
        return [name for name in self.names if name.startswith(folder)]

    def _text(self, name):
        return self.archive.read(name).decode()

    def _file_digest(self, name):
        with self.archive.open(name) as opened:
            return _digest_of_stream(opened)

    def _wrong(self, sentence, name):
        self.found.append(sentence % name)


def _digest_of(file):
    if hasattr(file, "read"):
        file.seek(0)
        return _digest_of_stream(file)
    with open(file, "rb") as opened:
        return _digest_of_stream(opened)


def _digest_of_stream(opened):
    made = hashlib.sha256()
    while piece := opened.read(PIECE):
        made.update(piece)
    return made.hexdigest()


def head_of(file):
    with zipfile.ZipFile(file) as archive:
        return json.loads(archive.read(HEAD))


def erased_in(file):
    """Numbers of the records whose personal part was erased."""
    with zipfile.ZipFile(file) as archive:
        rows = [json.loads(archive.read(name)) for name in archive.namelist() if name.startswith(RECORDS)]
    return sorted(row["number"] for row in rows if row["personal"] is None)


def told(file):
    """(all is right, the lines that say so or what is wrong)."""
    wrong = verify(file)
    if wrong:
        return False, ["WRONG: " + sentence for sentence in wrong]
    head = head_of(file)
    lines = [f"personal part erased: record {number}" for number in erased_in(file)]
    lines.append(f"Everything fits. The chain leads to number {head['number']} with the hash {head['hash']}.")
    lines.append(f"Compare that hash with the one published at {head['published_at']}")
    return True, lines


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python verify.py FILE.zip")
    right, said = told(sys.argv[1])
    sys.stdout.write("\n".join(said) + "\n")
    sys.exit(0 if right else 1)
