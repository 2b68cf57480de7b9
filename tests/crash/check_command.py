"""`portal.py check --storage`, asked of the storage service of these tests, which no address of the product names.

python -m tests.crash.check_command PORT
"""

import sys

from portal import cli
from services import promises_desk
from tests.crash.far_storage import FarStorage

if __name__ == "__main__":
    port = int(sys.argv[1])
    promises_desk.open_storage = lambda *_address: FarStorage(port)
    cli.main(["check", "--storage"])
