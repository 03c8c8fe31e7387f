"""Nuke runs this when its window is made: add Conductor's menu entries and its panel.

https://learn.foundry.com/nuke/developers/latest/pythondevguide/startup.html
"""

import conductor_nuke.menu

conductor_nuke.menu.register()
