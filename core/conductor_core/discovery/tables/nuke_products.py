"""Plug-ins for Nuke by the classes of their nodes: whose package a farm has to offer for a script.

OFX classes are `OFX` and the plug-in's identifier with its version (`OFXcom.absoft.neatvideo5_v5`), as Nuke writes them:
https://learn.foundry.com/nuke/developers/latest/pythondevguide/_autosummary/nuke.ofxPluginPath.html
"""

from __future__ import annotations

import re

#: class → name in the catalogue, with the page that names the plug-in's nodes or its vendor's identifier
_PRODUCTS: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (re.compile(r"OFXcom\.(?:genarts|borisfx)\.sapphire"), "sapphire", "https://borisfx.com/documentation/sapphire/"),
    (re.compile(r"OFXcom\.borisfx\.(?:ofx\.)?(?:bcc|continuum)"), "continuum", "https://borisfx.com/documentation/continuum/"),
    (re.compile(r"OFXcom\.(?:borisfx|imagineersystems)\..*mocha"), "mochapro", "https://borisfx.com/documentation/mocha/"),
    (
        re.compile(r"OFXcom\.(?:borisfx|silhouettefx)\..*silhouette"),
        "silhouette",
        "https://borisfx.com/documentation/silhouette/",
    ),
    (re.compile(r"OFXcom\.absoft\.neatvideo|OFXcom\.neatvideo"), "neatvideo", "https://www.neatvideo.com/support/manuals"),
    (re.compile(r"OFXcom\.revisionfx\.twixtor"), "twixtor", "https://revisionfx.com/products/twixtor/"),
    (re.compile(r"OFXcom\.revisionfx\.rsmb"), "rsmb", "https://revisionfx.com/products/rsmb/"),
    (re.compile(r"OFXcom\.revisionfx\."), "revisionfx", "https://revisionfx.com/products/"),
    (re.compile(r"OFXcom\.frischluft\."), "frischluft", "https://www.frischluft.com/lenscare/"),
    (re.compile(r"OpticalFlares"), "opticalflares", "https://www.videocopilot.net/products/opticalflaresfornuke/"),
    (re.compile(r"pgBokeh"), "pgbokeh", "https://peregrinelabs.com/products/bokeh"),
    (re.compile(r"VRay[A-Z]"), "vray", "https://docs.chaos.com/display/VNUKE"),
)
_OFX = re.compile(r"OFX(?P<identifier>[\w.-]+?)(?:_v\d+)?\Z")


def product_of(type_: str) -> str:
    """Return the catalogue's name of the plug-in that a class of nodes comes from; "": nobody knows, or Nuke's own.

    An OFX plug-in of no known product goes by its identifier: without it the script cannot be rendered.
    """
    known = next((product for pattern, product, _ in _PRODUCTS if pattern.match(type_)), "")
    match = _OFX.match(type_)
    return known or (match["identifier"].lower() if match else "")
