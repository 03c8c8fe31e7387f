"""What a scene file says about other files: the parts that hosts and file readers share; standard library only.

* `finding`: what a reader yields; `kinds`: the words for what a file is
* `survey`: what a reader is given; `variables`, `place`: from text to absolute paths
* `reach`: from an absolute pattern to the files on disk
* `node`: nodes of any host, the registers of readers by node type and the tables of file attributes
* `judge`: from a finding to the entries of a report
"""
