"""What stands in an evidence file, and how to check it, in the languages of the shipped texts."""

from datetime import datetime

from services import evidence
from services.settings import Settings

GUIDE = """EVIDENCE OF CONSENT, made by {provider} at {at}

What is in here
  records/      one file for each record: who agreed to what, when and how; what was shown; what was mailed
  texts/        the exact texts; a record names its text by the SHA-256
  receipts/     the PDF receipts as they were mailed
  mails.json    when the receipts were sent, and to whom
  chain.txt     the way from the first record here to the head of the portal's chain of evidence
  head.json     that head: its number and hash
  manifest.json the SHA-256 of every file
  verify.py     checks all of this; needs Python 3.9 or newer and no network

How to check
  1. python verify.py THIS-FILE.zip
     It names everything that was changed, left out or added, down to one byte.
  2. Compare the number and hash that it prints with those at {url}
     There, an older number can be looked up as well.
  verify.py is short and can be read; the way the hashes are made stands at its beginning. With the portal installed,
  "python portal.py evidence verify THIS-FILE.zip" does the same.

Erased records
  When the law asks for it, the personal part of a record is erased. The record then holds "personal": null, and another
  record says when and why. The chain still holds.


NACHWEIS DER ZUSTIMMUNG, erstellt von {provider} am {at}

Was hier liegt
  records/      je Eintrag eine Datei: wer wann und wie worin eingewilligt hat; was gezeigt und was gemailt wurde
  texts/        die genauen Texte; ein Eintrag nennt seinen Text mit dessen SHA-256
  receipts/     die PDF-Belege, wie sie gemailt wurden
  mails.json    wann die Belege versandt wurden, und an wen
  chain.txt     der Weg vom ersten Eintrag hier bis zum Kopf der Nachweiskette des Portals
  head.json     dieser Kopf: seine Nummer und sein Hash
  manifest.json der SHA-256 jeder Datei
  verify.py     prüft das alles; braucht Python 3.9 oder neuer und kein Netz

So prüfen Sie
  1. python verify.py DIESE-DATEI.zip
     Das Programm nennt alles, was geändert, weggelassen oder hinzugefügt wurde, bis auf das einzelne Byte.
  2. Vergleichen Sie Nummer und Hash, die es ausgibt, mit denen unter {url}
     Dort lässt sich auch eine ältere Nummer nachschlagen.
  verify.py ist kurz und lesbar; am Anfang steht, wie die Hashes entstehen. Wo das Portal installiert ist, leistet
  "python portal.py evidence verify DIESE-DATEI.zip" dasselbe.

Gelöschte Einträge
  Wo das Recht es verlangt, wird der persönliche Teil eines Eintrags gelöscht. Der Eintrag enthält dann
  "personal": null, und ein anderer Eintrag sagt, wann und warum. Die Kette hält trotzdem.
"""


def text(settings: Settings, at: datetime) -> str:
    url = settings.public_url + "/terms/evidence"
    return GUIDE.format(provider=settings.provider.name, at=evidence.moment(at), url=url)
