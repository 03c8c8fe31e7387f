"""Which of the workstation's variables go along to the instance, and why: a table of rules, and what never goes.

Four kinds matter to a render: what the scene's own paths are written with, the colour configuration, the folders where the
software looks for plug-ins and scripts, and the folders where it looks for textures. Everything else stays here: the system's
variables name places of this machine, licences are the farm's affair, and secrets are nobody's.

A list of folders is taken apart, since an instance may separate them by another sign, and joins what the instance's package
sets *after* it: a farm's own build of a plug-in wins over a folder of the workstation. docs/environment.md has the table.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from conductor_core.environment import EnvironmentVariable, Policy, check_variable
from conductor_core.errors import InvalidDocument
from conductor_core.submission import Software

from conductor_plugins.form.of_report import used_variables
from conductor_plugins.form.secrets import is_secret, masked
from conductor_plugins.form.situation import Situation

__all__ = ["RULES", "Replicated", "Rule", "is_secret", "masked", "replicated", "replicated_in", "used_variables"]

#: source of what is replicated, named in conflicts
SOURCE = "this workstation"


@dataclass(frozen=True, slots=True)
class Replicated:
    """A variable of the workstation that a rule speaks for."""

    variable: EnvironmentVariable
    #: end of a sentence: *… goes along because* …
    why: str
    #: it looks like a secret: it does not go along, whatever the rule says
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """Variables that matter to a render."""

    names: tuple[str, ...]
    why: str
    #: catalogue names of the software that reads them; (): any
    software: tuple[str, ...] = ()
    #: whether the value is a list of folders, each of which joins what the instance has
    folders: bool = False


RULES: tuple[Rule, ...] = (
    # https://opencolorio.readthedocs.io/en/latest/guides/using_ocio/using_ocio.html
    Rule(
        ("OCIO", "OCIO_ACTIVE_DISPLAYS", "OCIO_ACTIVE_VIEWS", "OCIO_INACTIVE_COLORSPACES"),
        "the colours of the frames come from this configuration",
    ),
    # https://openusd.org/release/api/ar_page_front.html and class_plug_registry.html
    Rule(("PXR_PLUGINPATH_NAME",), "USD looks for its plug-ins there", folders=True),
    Rule(("PXR_AR_DEFAULT_SEARCH_PATH",), "USD looks for layers and assets there", folders=True),
    # https://learn.foundry.com/nuke/content/comp_environment/configuring_nuke/defining_nuke_plugin_path.html
    Rule(("NUKE_PATH",), "Nuke looks for gizmos, plug-ins and init.py there", ("nuke",), folders=True),
    Rule(("OFX_PLUGIN_PATH",), "Nuke looks for OFX plug-ins there", ("nuke",), folders=True),
    Rule(("NUKE_FONT_PATH",), "Nuke looks for fonts there", ("nuke",), folders=True),
    # Maya's help, "Environment variables": File path variables
    Rule(("MAYA_MODULE_PATH",), "Maya looks for modules there", ("maya",), folders=True),
    Rule(("MAYA_PLUG_IN_PATH",), "Maya looks for plug-ins there", ("maya",), folders=True),
    Rule(("MAYA_SCRIPT_PATH",), "Maya looks for MEL scripts there", ("maya",), folders=True),
    Rule(("MAYA_RENDER_DESC_PATH",), "Maya looks for descriptions of renderers there", ("maya",), folders=True),
    Rule(("XGEN_CONFIG_PATH",), "XGen looks for its configuration there", ("maya",), folders=True),
    # https://arnoldsupport.com/2016/11/11/mtoa-what-environment-variables-does-mtoa-use/
    Rule(
        ("ARNOLD_PLUGIN_PATH", "MTOA_EXTENSIONS_PATH"),
        "Arnold looks for shaders and extensions there",
        ("maya", "houdini", "arnold"),
        folders=True,
    ),
    # https://docs.chaosgroup.com/display/VS/V-Ray+Standalone+Environment+Variables
    Rule(("VRAY_ASSETS_PATH",), "V-Ray looks for textures and proxies there", folders=True),
    # https://www.sidefx.com/docs/houdini/ref/env.html
    Rule(("JOB",), "a Houdini scene's paths begin with it", ("houdini",)),
    Rule(("HOUDINI_PATH",), "Houdini looks for assets, scripts and pictures there", ("houdini",), folders=True),
    Rule(("HOUDINI_OTLSCAN_PATH",), "Houdini looks for digital assets there", ("houdini",), folders=True),
    Rule(("HOUDINI_DSO_PATH",), "Houdini looks for plug-ins there", ("houdini",), folders=True),
    Rule(("HOUDINI_PACKAGE_DIR",), "Houdini looks for packages there", ("houdini",), folders=True),
    Rule(("HOUDINI_SCRIPT_PATH", "HOUDINI_VEX_PATH"), "Houdini looks for scripts and VEX code there", ("houdini",), folders=True),
)

#: folders below these are the software's own on this machine, and another machine has its own
_INSTALLATIONS = ("MAYA_LOCATION", "HFS", "MTOA_PATH")
#: what hosts set by themselves when they start or open a scene, and what names places of this machine alone
_NEVER = frozenset(
    {
        *("PATH", "HOME", "USER", "USERNAME", "USERPROFILE", "USERDOMAIN", "LOGNAME", "SHELL", "TERM", "PWD", "OLDPWD", "LANG"),
        *("TMP", "TEMP", "TMPDIR", "DISPLAY", "HOSTNAME", "COMPUTERNAME", "HOST", "OS", "OSTYPE", "MAIL", "EDITOR", "PAGER"),
        *("SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "HOMEDRIVE", "HOMEPATH", "APPDATA", "LOCALAPPDATA"),
        *("PROGRAMFILES", "PROGRAMDATA", "PROGRAMW6432", "COMMONPROGRAMFILES", "ALLUSERSPROFILE", "PUBLIC", "SHLVL"),
        *("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "NUMBER_OF_PROCESSORS", "HIP", "HIPFILE", "HIPNAME", "HFS", "HH", "HB"),
        *("HHP", "HT", "HSB", "HSITE", "HOUDINI_USER_PREF_DIR", "HOUDINI_TEMP_DIR", "MAYA_LOCATION", "MAYA_APP_DIR"),
        *("MTOA_PATH", "NUKE_TEMP_DIR", "NUKE_DISK_CACHE", "NUKE_EXE_PATH"),
    }
)
_NEVER_STARTS = ("LC_", "XDG_", "LD_", "DYLD_", "SSH_", "DBUS_", "GNOME_", "KDE_", "QT_", "PROCESSOR_", "CONDUCTOR_", "CONDA_")
#: foundry_LICENSE, RLM_LICENSE, ADSKFLEX_LICENSE_FILE, SESI_LMHOST …: the instance has those of the farm
_LICENCE = re.compile(r"LICENSE|LICENCE|LMHOST|FLEXLM|\ARLM_|\ALM_")


def replicated(environment: Mapping[str, str], software: Software, *, used: Collection[str] = ()) -> tuple[Replicated, ...]:
    """Return what a rule speaks for, by name, in the order in which it is to be joined.

    Args:
        environment: of the host's process.
        software: what renders.
        used: names that the scene's own paths are written with (`used_variables`).
    """
    found: list[Replicated] = []
    for name in sorted(environment):
        rule = _rule_of(name, software, used)
        if rule is None or not environment[name]:
            continue
        for value, policy in _values(name, environment, rule):
            variable = EnvironmentVariable(name, value, policy, SOURCE)
            if _usable(variable):
                found.append(Replicated(variable, rule.why, is_secret(name, value)))
    return tuple(found)


def replicated_in(situation: Situation) -> tuple[Replicated, ...]:
    """Return what a rule speaks for in a situation, whether or not the artist has said no to it."""
    used = used_variables(situation.report) if situation.report is not None else ()
    return replicated(situation.environment, situation.software(), used=used)


def stays_here(name: str) -> bool:
    """Tell whether a variable is the system's, a host's own or a licence's, so that no rule can send it."""
    upper = name.upper()
    return upper in _NEVER or upper.startswith(_NEVER_STARTS) or _LICENCE.search(upper) is not None


def _rule_of(name: str, software: Software, used: Collection[str]) -> Rule | None:
    if stays_here(name):
        return None
    for rule in RULES:
        if name in rule.names and (not rule.software or software.name in rule.software):
            return rule
    return Rule((name,), "paths of the scene are written with it") if name in used else None


def _values(name: str, environment: Mapping[str, str], rule: Rule) -> Iterator[tuple[str, Policy]]:
    """Yield the value of a variable, or the folders of a list, with how each joins the instance's own.

    Houdini's `&` stands for the folders it has by itself: what comes before it must come before them there, too.
    https://www.sidefx.com/docs/houdini/basics/config_env.html
    """
    if not rule.folders:
        yield environment[name], "exclusive"
        return
    folders = [f for f in _split(environment[name]) if f and not _of_installation(f, environment)]
    before = folders[: folders.index("&")] if "&" in folders else []
    yield from ((folder, "prepend") for folder in reversed(before))
    yield from ((folder, "append") for folder in folders[len(before) :])


def _split(value: str) -> Iterable[str]:
    return (part.strip() for part in value.split(os.pathsep))


def _of_installation(folder: str, environment: Mapping[str, str]) -> bool:
    """Tell whether a folder is the software's own; by components, as the system compares."""
    parts = os.path.normcase(os.path.normpath(folder)).split(os.sep)
    for name in _INSTALLATIONS:
        if root := environment.get(name):
            above = os.path.normcase(os.path.normpath(root)).split(os.sep)
            if parts[: len(above)] == above:
                return True
    return False


def _usable(variable: EnvironmentVariable) -> bool:
    """Tell whether every system takes the name: Windows has `ProgramFiles(x86)`, shells have `BASH_FUNC_x%%`."""
    try:
        check_variable(variable)
    except InvalidDocument:
        return False
    return True
