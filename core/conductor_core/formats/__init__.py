"""Our own reading of scene files, without their hosts: one module or package per format, and the walk over all of them.

What is read on by the agent, the CLI and the service; some readers need a compiled library, so no host imports this.
"""

from conductor_core.formats.format import Format, FormatReader, known_formats, reads_format
from conductor_core.formats.scan import Scan, scan_file

__all__ = ["Format", "FormatReader", "Scan", "known_formats", "reads_format", "scan_file"]
