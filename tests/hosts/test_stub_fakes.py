"""The engine of the fakes refuses what a host's published stub does not have: errors planted in calls of Maya, Nuke and Houdini."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import Any

import pytest
from fakes.stub_modules import Fake, NotInStub, Record, UnknownToFake, WrongCall, bare, fake_class, fake_module
from fakes.stub_reading import Stubs, StubsAbsent

#: of each host: its stub package, its modules
HOSTS = {"maya": "maya-stubs", "nuke": "nuke-stubs", "hou": "hou-stubs"}


def _stubs(host: str) -> Stubs:
    try:
        return Stubs.installed(HOSTS[host])
    except StubsAbsent as exc:
        pytest.skip(str(exc))


class _Modules:
    """Modules without any behaviour: what passes the guard ends in UnknownToFake."""

    def __init__(self, host: str) -> None:
        self._stubs, self.record = _stubs(host), Record()

    def __getattr__(self, name: str) -> types.ModuleType:
        return fake_module(self._stubs, name.replace("__", "."), {}, self.record)


Asked = Callable[[Any], object]
#: a planted error: what is asked, of which host, and words of the refusal
PLANTED: Mapping[str, tuple[str, Asked, str]] = {
    "maya: a command that is not there": ("maya", lambda m: m.maya__cmds.listNodes(), "maya.cmds.listNodes"),
    "maya: a flag that is not there": ("maya", lambda m: m.maya__cmds.ls(typ="file"), "'typ'"),
    "maya: a short flag": ("maya", lambda m: m.maya__cmds.file(q=True), "'q'"),
    "maya: a flag of another command": ("maya", lambda m: m.maya__cmds.fileInfo("a", query=True, edit=True), "'edit'"),
    "maya: one argument too many": ("maya", lambda m: m.maya__cmds.file("a", "b", save=True), "too many positional"),
    "maya: a text where a switch stands": ("maya", lambda m: m.maya__cmds.file(save="yes"), "save must be bool"),
    "maya: a path object for a file": ("maya", lambda m: m.maya__cmds.file(rename=PurePosixPath("/a.ma")), "rename must be str"),
    "maya: a number where a text stands": ("maya", lambda m: m.maya__cmds.getAttr(3), "argument 1 must be str"),
    "maya: None for a flag": ("maya", lambda m: m.maya__cmds.ls(type=None), "type must be"),
    "maya: a list of the wrong things": ("maya", lambda m: m.maya__cmds.ls(type=[1]), "type must be"),
    "maya: a module's function that is not there": ("maya", lambda m: m.maya__utils.runLater(print), "maya.utils.runLater"),
    "maya: a class that is not there": ("maya", lambda m: m.maya__OpenMaya.MFileInputOutput, "MFileInputOutput"),
    "maya: a method that is not there": ("maya", lambda m: m.maya__OpenMaya.MFileIO.currentFileName(), "MFileIO"),
    "maya: of the other API": ("maya", lambda m: m.maya__api__OpenMaya.MFileIO, "MFileIO"),
    "maya: a module that is not there": ("maya", lambda m: m.maya__app__general, "no module"),
    "nuke: a function that is not there": ("nuke", lambda m: m.nuke.allTheNodes(), "nuke.allTheNodes"),
    "nuke: an argument that is not there": ("nuke", lambda m: m.nuke.scriptSaveAs("a", force=True), "'force'"),
    "nuke: an argument is missing": ("nuke", lambda m: m.nuke.toNode(), "missing a required argument"),
    "nuke: an argument too many": ("nuke", lambda m: m.nuke.toNode("a", "b"), "too many positional"),
    "nuke: no overload fits": ("nuke", lambda m: m.nuke.execute("Write1", "1-10", 2, 1), "start must be int"),
    "nuke: a number for a name": ("nuke", lambda m: m.nuke.toNode(1), "s must be str"),
    "nuke: a constant that is not there": ("nuke", lambda m: m.nuke.INVISIBLE_KNOB, "INVISIBLE_KNOB"),
    "nuke: a class that is not there": ("nuke", lambda m: m.nuke.FileKnob("file"), "nuke.FileKnob"),
    "hou: a function that is not there": ("hou", lambda m: m.hou.allNodes(), "hou.allNodes"),
    "hou: of a class, not there": ("hou", lambda m: m.hou.hipFile.saveAs("a"), "hipFile.saveAs"),
    "hou: an argument that is not there": ("hou", lambda m: m.hou.hipFile.save("a", recent=False), "'recent'"),
    "hou: a text for a frame": ("hou", lambda m: m.hou.setFrame("12"), "frame must be float"),
    "hou: an argument is missing": ("hou", lambda m: m.hou.node(), "missing a required argument"),
    "hou: a number for a path": ("hou", lambda m: m.hou.parm(7), "path must be str"),
    "hou: a flag that is not there": ("hou", lambda m: m.hou.fileReferences(all=True), "'all'"),
    "hou: the window's old name": ("hou", lambda m: m.hou.ui.mainWindow(), "mainWindow"),
}
#: the same, right: the guard lets it pass, and the fake says that it does not know it
RIGHT: Mapping[str, tuple[str, Asked]] = {
    "maya: a command": ("maya", lambda m: m.maya__cmds.ls(type="file")),
    "maya: many types": ("maya", lambda m: m.maya__cmds.ls(type=["file", "aiImage"], long=True)),
    "maya: a file": ("maya", lambda m: m.maya__cmds.file(rename="/a.ma")),
    "maya: two texts": ("maya", lambda m: m.maya__cmds.fileInfo("a", "b")),
    "maya: a function given": ("maya", lambda m: m.maya__utils.executeDeferred(print)),
    "maya: a method of a class": ("maya", lambda m: m.maya__OpenMaya.MFileIO.currentFile()),
    "nuke: a function": ("nuke", lambda m: m.nuke.toNode("Write1")),
    "nuke: an overload": ("nuke", lambda m: m.nuke.execute("Write1", 1, 2, 1)),
    "nuke: from a module beside": ("nuke", lambda m: m.nuke.addOnScriptLoad(print)),
    "nuke: None": ("nuke", lambda m: m.nuke.scriptSaveAs(None, 1)),
    "hou: a function": ("hou", lambda m: m.hou.node("/obj")),
    "hou: of a class": ("hou", lambda m: m.hou.hipFile.save("a", save_to_recent_files=False)),
    "hou: a whole number for a frame": ("hou", lambda m: m.hou.setFrame(12)),
    "hou: the window": ("hou", lambda m: m.hou.qt.mainWindow()),
}


@pytest.mark.parametrize("case", PLANTED)
def test_what_the_stub_does_not_have_is_refused(case: str) -> None:
    """A planted error is refused, with what was asked and by which stub, and the refusal is kept for whoever swallows it."""
    host, asked, words = PLANTED[case]
    modules = _Modules(host)
    with pytest.raises((NotInStub, WrongCall, ModuleNotFoundError)) as caught:
        asked(modules)
    assert words in str(caught.value)
    if not isinstance(caught.value, ModuleNotFoundError):
        assert f"{HOSTS[host]}/" in str(caught.value)
        assert modules.record.refused == [str(caught.value)]


@pytest.mark.parametrize("case", RIGHT)
def test_what_nobody_wrote_is_not_accepted_either(case: str) -> None:
    """A right call without a behaviour raises, and says that the fake does not know it."""
    host, asked = RIGHT[case]
    modules = _Modules(host)
    with pytest.raises(UnknownToFake, match="no behaviour"):
        asked(modules)
    assert modules.record.refused == []
    assert len(modules.record.unknown) == 1


def test_a_behaviour_answers_and_what_it_leaves_out_is_unknown() -> None:
    """What a behaviour takes is answered; a flag of the stub that it does not take is unknown to the fake."""
    record = Record()

    def ls(*names: str, type: str = "") -> list[str]:
        return [*names, type]

    cmds = fake_module(_stubs("maya"), "maya.cmds", {"ls": ls}, record)
    assert cmds.ls("a", type="file") == ["a", "file"]
    assert record.called == {"maya.cmds.ls"}
    with pytest.raises(UnknownToFake, match="dagObjects"):
        cmds.ls(dagObjects=True)


def test_a_fake_cannot_offer_more_than_the_stub() -> None:
    """Behaviour for a name that the stub does not have is refused when the fake is made: of a module and of a class."""
    with pytest.raises(NotInStub, match="listNodes"):
        fake_module(_stubs("maya"), "maya.cmds", {"listNodes": print}, Record())

    class Node(Fake):
        def fullPath(self) -> str:
            return ""

    with pytest.raises(NotInStub, match=r"nuke\.Node\.fullPath"):
        fake_class(_stubs("nuke"), "nuke.Node", Record())(Node)


def test_values_of_any_kind_are_let_through_where_the_stub_is_wrong() -> None:
    """A function whose types the stub has wrong takes any kind of value, and still no unknown flag."""
    any_values = {"setAttr": "maya-stubs has texts only; the page of setAttr has numbers"}
    cmds = fake_module(_stubs("maya"), "maya.cmds", {"setAttr": lambda *a, **k: a}, Record(), any_values=any_values)
    assert cmds.setAttr("a.b", 3) == ("a.b", 3)
    with pytest.raises(WrongCall, match="'knid'"):
        cmds.setAttr("a.b", 3, knid="string")


class TestClasses:
    """A fake class: its methods are guarded, the rest of the stub's are unknown, what the stub has not is refused."""

    @pytest.fixture
    def made(self) -> tuple[Any, Any, Record]:
        """Return a node and a group of Nuke's, and what they refused."""
        stubs, record = _stubs("nuke"), Record()

        @fake_class(stubs, "nuke.Node", record)
        class Node(Fake):
            _name = "Read1"

            def name(self) -> str:
                return self._name

            def setName(self, name: str, uncollide: bool = True) -> None:
                self._name = name

        @fake_class(stubs, "nuke.Group", record)
        class Group(Node):
            pass

        return Node, Group, record

    def test_methods_answer(self, made: tuple[Any, Any, Record]) -> None:
        """What was written answers, for classes that stand on it too."""
        node = bare(made[1])
        node.setName("Write1")
        assert node.name() == "Write1"
        assert isinstance(node, made[0])

    @pytest.mark.parametrize(
        ("asked", "words"),
        [
            (lambda n: n.path(), r"nuke\.Node\.path|nuke\.Group\.path"),
            (lambda n: n.setName(4), "name must be str"),
            (lambda n: n.setName(), "missing a required argument"),
            (lambda n: n.setName("a", unique=True), "'unique'"),
            (lambda n: setattr(n, "colour", 3), "colour to set"),
            (lambda n: n.knob([]), "p must be"),
            (lambda n: n.xpos(3), "too many"),
        ],
        ids=["method", "kind", "missing", "argument", "attribute", "kind of unwritten", "count of unwritten"],
    )
    def test_what_the_stub_does_not_have_is_refused(self, made: tuple[Any, Any, Record], asked: Asked, words: str) -> None:
        """An error is refused for a class and for one that stands on it."""
        for cls in made[:2]:
            with pytest.raises((NotInStub, WrongCall), match=words):
                asked(bare(cls))

    def test_unwritten_methods_are_unknown(self, made: tuple[Any, Any, Record]) -> None:
        """A method of the stub that nobody wrote raises, on both."""
        with pytest.raises(UnknownToFake, match="xpos"):
            bare(made[1]).xpos()
        with pytest.raises(UnknownToFake, match="begin"):
            bare(made[1]).begin()
        with pytest.raises(UnknownToFake, match=r"nuke\.Node"):
            made[0]()

    def test_an_object_is_told_from_a_text(self, made: tuple[Any, Any, Record]) -> None:
        """Where the stub wants a node, a knob is refused, and a group is a node."""
        nuke = fake_module(_stubs("nuke"), "nuke", {"delete": lambda n: None, "Node": made[0], "Group": made[1]}, made[2])
        nuke.delete(bare(nuke.Group))
        with pytest.raises(WrongCall, match="n must be"):
            nuke.delete(bare(nuke.Knob))
        with pytest.raises(WrongCall, match="n must be"):
            nuke.delete("Read1")
