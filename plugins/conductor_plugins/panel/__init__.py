"""The panel itself: Qt widgets, through qtpy, for PySide2 and PySide6."""
