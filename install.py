"""Set Conductor up, and show or test it: `python3 install.py demo`, `python3 install.py test`.

This file is read by whatever Python there is, however old; so it only looks at the version and hands over.
"""

import sys

if sys.version_info[:2] != (3, 11):
    sys.exit(
        "Conductor needs Python 3.11 and this is Python %d.%d: run python3.11 install.py instead"
        " (on Debian 12: apt-get install python3.11)." % sys.version_info[:2]
    )

from installer.main import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
