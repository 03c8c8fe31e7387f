"""Pictures are decoded to their end, apart from the runner, and shown small."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio
import pytest
from conductor_service.runner import inspect_images
from conductor_service.runner import inspector as inspector_module
from conductor_service.runner.group_versions import choose_groups
from conductor_service.runner.groups import NoGroups
from conductor_service.runner.inspector import BadImage, ImageFacts, Inspector
from conductor_service.runner.isolation import Isolation, Launch, World
from conductor_service.runner.publisher import ImageInspector

Channels = tuple[str, ...]


class Here:
    """The same, in the process of the test: what the script itself does can be measured so."""

    def __init__(self, folder: Path) -> None:
        self._inspector = inspect_images.Inspector()
        self._folder = folder

    def _ask(self, **request: object) -> Mapping[str, Any]:
        answer = inspect_images.answer(self._inspector, request)
        if answer["event"] == "bad":
            raise BadImage(str(answer["message"]))
        return answer

    def inspect(self, file: Path, *, width: int = 0, height: int = 0, layers: tuple[str, ...] = ()) -> ImageFacts:
        answer = self._ask(do="inspect", path=str(file), width=width, height=height, layers=list(layers))
        return ImageFacts(answer["width"], answer["height"], tuple(answer["layers"]), answer["blank"], answer["infinite"])

    def preview(self, file: Path) -> bytes:
        target = self._folder / "here.png"
        self._ask(do="preview", path=str(file), target=str(target), edge=640)
        return target.read_bytes()

    def close(self) -> None:
        return


@pytest.fixture
def sandboxed(tmp_path: Path, sandbox: Isolation) -> Iterator[Inspector]:
    """Give an inspector in the sandbox; pictures lie in `attempts`."""
    (tmp_path / "attempts").mkdir()
    found = Inspector(sandbox, tmp_path / "inspector", NoGroups())
    yield found
    found.close()


@pytest.fixture(params=["sandboxed", "here"])
def inspector(request: pytest.FixtureRequest, tmp_path: Path) -> ImageInspector:
    """Give an inspector of either kind."""
    if request.param == "here":
        (tmp_path / "attempts").mkdir()
        return Here(tmp_path)
    found: Inspector = request.getfixturevalue("sandboxed")
    return found


def picture(
    file: Path, *, size: tuple[int, int] = (64, 32), channels: Channels = ("R", "G", "B"), form: str = "half", tile: int = 0
) -> Path:
    """Write a picture of noise over mid grey."""
    spec = oiio.ImageSpec(*size, len(channels), form)
    spec.channelnames = channels
    if tile:
        spec.tile_width = spec.tile_height = tile
    buffer = oiio.ImageBuf(spec)
    noise = np.random.default_rng(1).random((size[1], size[0], len(channels)), dtype=np.float32)
    buffer.set_pixels(oiio.ROI(), np.full_like(noise, 0.5) + noise * 0.01)
    assert buffer.write(str(file)), buffer.geterror()
    return file


def cut(file: Path, part: float = 0.5) -> Path:
    """Cut a file off."""
    data = file.read_bytes()
    file.write_bytes(data[: int(len(data) * part)])
    return file


KINDS = {
    "half EXR": ("a.exr", {}),
    "tiled float EXR": ("a.exr", {"form": "float", "tile": 16}),
    "PNG": ("a.png", {"form": "uint8"}),
    "16-bit TIFF": ("a.tif", {"form": "uint16"}),
    "JPEG": ("a.jpg", {"form": "uint8"}),
    "TGA": ("a.tga", {"form": "uint8"}),
    "one channel": ("a.exr", {"channels": ("Y",)}),
    "higher than a band": ("a.exr", {"size": (40, 700)}),
}


@pytest.mark.parametrize(("name", "how"), KINDS.values(), ids=KINDS.keys())
def test_a_whole_picture_is_good_and_a_cut_one_bad(
    inspector: ImageInspector, tmp_path: Path, name: str, how: dict[str, object]
) -> None:
    """Of each kind a whole picture gives its size and a preview, a cut-off one an error."""
    file = picture(tmp_path / "attempts" / name, **how)  # type: ignore[arg-type]
    size = how.get("size", (64, 32))
    facts = inspector.inspect(file)
    assert (facts.width, facts.height) == size
    preview = tmp_path / "preview.png"
    preview.write_bytes(inspector.preview(file))
    assert oiio.ImageBuf(str(preview)).spec().width <= 640
    with pytest.raises(BadImage):
        inspector.inspect(cut(file))


LAYERED = ("ViewLayer.Combined.R", "ViewLayer.Combined.G", "ViewLayer.Combined.B", "ViewLayer.Depth.Z", "crypto.00.r")


def test_layers_are_named_and_compared(inspector: ImageInspector, tmp_path: Path) -> None:
    """A wanted layer is there by its whole name or a part of it; one that lacks is named."""
    file = picture(tmp_path / "attempts" / "a.exr", channels=LAYERED)
    facts = inspector.inspect(file, layers=("Combined", "ViewLayer.Depth", "ViewLayer"))
    assert facts.layers == ("ViewLayer.Combined", "ViewLayer.Depth", "crypto.00")
    with pytest.raises(BadImage, match=r"lacks the layers Mist, bined; it has ViewLayer\.Combined"):
        inspector.inspect(file, layers=("Mist", "bined"))


def plain(file: Path, layers: dict[str, float], *, form: str = "float", height: int = 300) -> Path:
    """Write a picture whose channels hold one value each."""
    spec = oiio.ImageSpec(40, height, len(layers), form)
    spec.channelnames = tuple(layers)
    buffer = oiio.ImageBuf(spec)
    buffer.set_pixels(oiio.ROI(), np.broadcast_to(np.array([*layers.values()], np.float32), (height, 40, len(layers))).copy())
    assert buffer.write(str(file)), buffer.geterror()
    return file


BLACK = {"R": 0.0, "G": 0.0, "B": 0.0}
EMPTY: dict[str, tuple[str, dict[str, float], str, bool]] = {
    "no light and no alpha": ("a.exr", {**BLACK, "A": 0.0}, "half", True),
    "black without alpha": ("a.png", BLACK, "uint8", True),
    "black that covers": ("a.exr", {**BLACK, "A": 1.0}, "half", False),
    "black with a depth": ("a.exr", {**{f"V.Combined.{c}": v for c, v in BLACK.items()}, "V.Depth.Z": 1e10}, "float", False),
    "all layers black": ("a.exr", {f"{layer}.{c}": v for layer in ("V", "W") for c, v in BLACK.items()}, "half", True),
    "hardly lit": ("a.png", {**BLACK, "G": 1 / 255}, "uint8", False),
}


@pytest.mark.parametrize(("name", "layers", "form", "blank"), EMPTY.values(), ids=EMPTY.keys())
def test_what_an_empty_picture_is(
    inspector: ImageInspector, tmp_path: Path, name: str, layers: dict[str, float], form: str, blank: bool
) -> None:
    """Every value of every layer is 0: what buffers hold that nobody rendered into."""
    assert inspector.inspect(plain(tmp_path / "attempts" / name, layers, form=form)).blank is blank


def test_a_picture_with_one_lit_pixel_at_its_end_is_not_empty(inspector: ImageInspector, tmp_path: Path) -> None:
    """All of it is looked at."""
    buffer = oiio.ImageBuf(oiio.ImageSpec(40, 300, 3, "half"))
    buffer.setpixel(39, 299, (0.0, 0.0, 0.5))
    assert buffer.write(str(tmp_path / "attempts" / "a.exr"))
    assert not inspector.inspect(tmp_path / "attempts" / "a.exr").blank


@pytest.mark.parametrize("value", [float("nan"), float("inf")], ids=["NaN", "infinite"])
def test_a_firefly_is_the_artist_s_affair(inspector: ImageInspector, tmp_path: Path, value: float) -> None:
    """A picture in which a pixel is no number, or infinite, is one."""
    buffer = oiio.ImageBuf(str(plain(tmp_path / "attempts" / "b.exr", dict.fromkeys("RGB", 0.5))))
    buffer.setpixel(3, 3, (value, value, value))
    assert buffer.write(str(tmp_path / "attempts" / "c.exr"))
    facts = inspector.inspect(tmp_path / "attempts" / "c.exr")
    assert (facts.blank, facts.infinite) == (False, False)


def test_a_picture_without_a_number_is_bad(inspector: ImageInspector, tmp_path: Path) -> None:
    """A frame of NaN is no frame, and neither is one of whose parts one is NaN."""
    with pytest.raises(BadImage, match="every value is NaN"):
        inspector.inspect(plain(tmp_path / "attempts" / "a.exr", dict.fromkeys("RGB", float("nan"))))
    with pytest.raises(BadImage, match="has no number in depth: every value is NaN"):
        inspector.inspect(parts(tmp_path / "attempts" / "b.exr", {"R": 0.5}, {"Z": float("nan")}))


def parts(file: Path, *of: dict[str, float]) -> Path:
    """Write an EXR of a part `beauty` and a part `depth`, as many renderers do."""
    specs, values = [], []
    for name, channels in zip(("beauty", "depth"), of, strict=True):
        spec = oiio.ImageSpec(40, 300, len(channels), "float")
        spec.channelnames = tuple(channels)
        spec["oiio:subimagename"] = name
        specs.append(spec)
        values.append(np.broadcast_to(np.array([*channels.values()], np.float32), (300, 40, len(channels))).copy())
    output = oiio.ImageOutput.create(str(file))
    assert output is not None
    assert output.open(str(file), tuple(specs)), output.geterror()
    for number, (spec, pixels) in enumerate(zip(specs, values, strict=True)):
        assert number == 0 or output.open(str(file), spec, "AppendSubimage"), output.geterror()
        assert output.write_image(pixels), output.geterror()
    output.close()
    return file


INFINITE = {
    "a depth in which nothing was hit": ({"R": 0.5, "G": 0.5, "B": 0.5}, {"Z": float("inf")}, False),
    "colours": (dict.fromkeys("RGB", float("inf")), {"Z": 1.0}, True),
    "colours that are NaN or infinite": ({"R": float("nan"), "G": float("inf")}, {"Z": 1.0}, True),
}


@pytest.mark.parametrize(("beauty", "depth", "doubted"), INFINITE.values(), ids=INFINITE.keys())
def test_infinite_layers_are_no_bad_ones(
    inspector: ImageInspector, tmp_path: Path, beauty: dict[str, float], depth: dict[str, float], doubted: bool
) -> None:
    """Infinity is what many renderers write as the depth of an empty pixel; in colours it is a doubt."""
    assert inspector.inspect(parts(tmp_path / "attempts" / "a.exr", beauty, depth)).infinite is doubted


def test_a_picture_of_another_size_is_bad(inspector: ImageInspector, tmp_path: Path) -> None:
    """The size is compared, where one is expected."""
    file = picture(tmp_path / "attempts" / "a.exr")
    assert inspector.inspect(file, width=64, height=32).width == 64
    with pytest.raises(BadImage, match="64×32 where 65×32"):
        inspector.inspect(file, width=65, height=32)


def test_a_preview_is_small_and_srgb(inspector: ImageInspector, tmp_path: Path) -> None:
    """Linear 0.5 is 188 in sRGB; what is sRGB already stays; large pictures become 640 wide, small ones stay."""
    wide = picture(tmp_path / "attempts" / "a.exr", size=(1920, 1080))
    inspector.inspect(wide)
    for file, size, value in (
        (wide, (640, 360), 188),
        (picture(tmp_path / "attempts" / "b.png", size=(20, 10), form="uint8"), (20, 10), 129),
        (picture(tmp_path / "attempts" / "c.exr", size=(100, 1280)), (50, 640), 188),
    ):
        preview = tmp_path / "preview.png"
        preview.write_bytes(inspector.preview(file))
        buffer = oiio.ImageBuf(str(preview))
        assert (buffer.spec().width, buffer.spec().height) == size
        assert buffer.getpixel(5, 5)[0] * 255 == pytest.approx(value, abs=2.5)


def test_the_first_colours_are_shown_by_name(inspector: ImageInspector, tmp_path: Path) -> None:
    """An EXR sorts channels by alphabet: the preview takes R, G, B by name and not the first three."""
    file = tmp_path / "attempts" / "a.exr"
    spec = oiio.ImageSpec(8, 8, 4, "float")
    spec.channelnames = ("A", "B", "G", "R")
    buffer = oiio.ImageBuf(spec)
    buffer.set_pixels(oiio.ROI(), np.tile(np.array([1, 0, 0, 1], dtype=np.float32), (8, 8, 1)))
    buffer.write(str(file))
    preview = tmp_path / "preview.png"
    preview.write_bytes(inspector.preview(file))
    assert oiio.ImageBuf(str(preview)).getpixel(2, 2)[:3] == (1.0, 0.0, 0.0)


def test_it_goes_on_after_nonsense_and_after_its_own_death(sandboxed: Inspector, tmp_path: Path) -> None:
    """A file that is no picture is bad; a decoder that dies is started again for the next one."""
    good = picture(tmp_path / "attempts" / "a.exr")
    bad = tmp_path / "attempts" / "b.exr"
    bad.write_bytes(b"v/1\x01" + b"\xff" * 500)
    with pytest.raises(BadImage):
        sandboxed.inspect(bad)
    with pytest.raises(BadImage):
        sandboxed.preview(bad)
    assert sandboxed._tree is not None
    sandboxed._tree.kill()
    assert sandboxed.inspect(good).width == 64


@pytest.mark.timeout(60)
def test_a_picture_that_no_decoder_survives_is_bad(tmp_path: Path) -> None:
    """One decoder that dies may have been killed by anybody; when the next one dies too, it is the picture."""
    picture_file = tmp_path / "attempts" / "a.exr"
    picture_file.parent.mkdir()
    picture_file.write_bytes(b"x")
    deaths = tmp_path / "deaths"
    script = f"import os, sys; sys.stdin.readline(); open({str(deaths)!r}, 'a').write('x'); os.abort()"
    inspector = Inspector(TakenOver(script), tmp_path / "inspector", NoGroups())
    with pytest.raises(BadImage, match="crashed on it, twice"):
        inspector.inspect(picture_file)
    assert deaths.read_text() == "xx"
    inspector.close()


class Hungry:
    """An isolation in which every program eats all memory, in the group that it is to be in."""

    name = "rewrite"
    shows_own_paths = False

    def launch(self, world: World, argv: Sequence[str], environment: Mapping[str, str], folder: str = "/") -> Launch:
        script = "import sys; sys.stdin.readline(); x = []\nwhile True: x.append(bytearray(1 << 20))"
        return Launch(world.group.entering((sys.executable, "-c", script)), environment, group=world.group)


def test_a_picture_that_needs_too_much_memory_is_bad(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, require: Callable[[object, str], None]
) -> None:
    """A decoder that the kernel ended for its memory did not crash: the limit is said."""
    monkeypatch.setattr(inspector_module, "_MEMORY", 64 << 20)
    groups = choose_groups(tmp_path)
    require(not isinstance(groups, NoGroups), "this process may make no control groups")
    picture_file = tmp_path / "attempts" / "a.exr"
    picture_file.parent.mkdir()
    picture_file.write_bytes(b"x")
    found = Inspector(Hungry(), tmp_path / "inspector", groups)
    with pytest.raises(BadImage, match=r"the decoder needed more memory than its limit of 64 MiB \(peak 6\d MiB\), twice"):
        found.inspect(picture_file)
    found.close()


#: a decoder that was taken over: it answers as it should, and puts something else where its preview belongs
HOSTILE = """
import json, os, sys
for line in sys.stdin:
    target = json.loads(line)["target"]
    {does}
    print(json.dumps({{"event": "done"}}), flush=True)
"""
TRICKS = {
    "a pipe": "os.mkfifo(target)",
    "a device": "os.symlink('/dev/zero', target)",
    "a file of the machine": "os.symlink('/etc/hostname', target)",
    "a flood": "open(target, 'wb').truncate(1 << 30)",
    "a folder": "os.makedirs(target + '/full')",
    "nothing": "pass",
    "nothing in it": "open(target, 'wb').close()",
}


class TakenOver:
    """An isolation in which every program is another one."""

    name = "rewrite"
    shows_own_paths = False

    def __init__(self, script: str) -> None:
        self._script = script
        self.launched: list[Sequence[str]] = []

    def launch(self, world: World, argv: Sequence[str], environment: Mapping[str, str], folder: str = "/") -> Launch:
        self.launched.append(argv)
        return Launch((sys.executable, "-c", self._script, str(world.folder)), environment)


@pytest.mark.timeout(30)
@pytest.mark.parametrize("does", TRICKS.values(), ids=TRICKS.keys())
def test_a_decoder_that_was_taken_over_gets_nothing_sent(tmp_path: Path, does: str) -> None:
    """A preview is a plain file of a reasonable size, or there is none; reading it never hangs and never fills the memory."""
    (tmp_path / "job" / "attempt").mkdir(parents=True)
    inspector = Inspector(TakenOver(HOSTILE.format(does=does)), tmp_path / "inspector", NoGroups())
    with pytest.raises(BadImage, match="has no preview"):
        inspector.preview(tmp_path / "job" / "attempt" / "1.png")
    inspector.close()


#: answers what was left in its folders, and leaves something in each
LEAVES = """
import json, os, sys
folders = [os.path.join(sys.argv[1], name) for name in ("tmp", "scratch", "home", "previews")]
found = sum(len(os.listdir(folder)) for folder in folders)
for folder in folders:
    os.makedirs(folder + "/left/behind")
for line in sys.stdin:
    print(json.dumps({"event": "inspected", "width": found, "height": 1, "layers": [], "blank": False, "infinite": False}), flush=True)
"""


@pytest.mark.timeout(60)
def test_nothing_goes_from_one_decoder_to_the_next(tmp_path: Path) -> None:
    """Each job has a process of its own, with new folders and without the user's own packages; the last leaves none behind."""
    isolation = TakenOver(LEAVES)
    inspector = Inspector(isolation, tmp_path / "inspector", NoGroups())
    found = [inspector.inspect(tmp_path / job / "attempt" / "1.png").width for job in ("a", "a", "b", "a")]
    inspector.close()
    assert found == [0] * 4
    assert len(isolation.launched) == 3
    assert all("-s" in argv for argv in isolation.launched)
    assert sorted(path.name for path in (tmp_path / "inspector").iterdir()) == ["etc"]


@pytest.mark.timeout(60)
def test_a_folder_in_the_place_of_a_preview_costs_no_later_one(tmp_path: Path) -> None:
    """Also where it is put there after the answer."""
    script = HOSTILE.format(does="n = os.path.exists('{0}'); open(target, 'wb').write(b'png'); open('{0}', 'w').close()")
    script += "    if not n: os.unlink(target); os.makedirs(target + '/full'); open('{0}.done', 'w').close()\n"
    marker = tmp_path / "marker"
    inspector = Inspector(TakenOver(script.replace("{0}", str(marker))), tmp_path / "inspector", NoGroups())
    file = tmp_path / "job" / "attempt" / "1.png"
    with contextlib.suppress(BadImage):
        inspector.preview(file)
    until(marker.with_name("marker.done").exists)
    assert inspector.preview(file) == b"png"
    inspector.close()


def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


FLOOD = """
import json, sys
def said(width): return json.dumps({"event": "inspected", "width": width, "height": 1, "layers": [], "blank": False, "infinite": False}) + "\\n"
for line in sys.stdin:
    sys.stdout.write(said(7) + said(666) * 100000)
    sys.stdout.flush()
"""


@pytest.mark.timeout(60)
def test_what_a_decoder_says_unasked_is_neither_kept_nor_believed(tmp_path: Path) -> None:
    """A flood of answers takes no memory, and none of them is taken for one about the next picture."""
    isolation = TakenOver(FLOOD)
    inspector = Inspector(isolation, tmp_path / "inspector", NoGroups())
    for number in range(1, 4):
        assert inspector.inspect(tmp_path / "job" / "attempt" / "1.png").width == 7
        assert len(isolation.launched) == number
        until(lambda: inspector._answers.qsize() >= 3)
    assert inspector._answers.qsize() <= 4
    inspector.close()


@pytest.mark.timeout(60)
def test_an_answer_of_brackets_without_end_is_none(tmp_path: Path) -> None:
    """It breaks the decoder's own picture, and not the thread that reads answers."""
    script = "import sys\nfor line in sys.stdin: print('{\"event\": ' + '[' * 200000, flush=True)"
    inspector = Inspector(TakenOver(script), tmp_path / "inspector", NoGroups())
    with pytest.raises(BadImage, match="crashed on it, twice"):
        inspector.inspect(tmp_path / "job" / "attempt" / "1.png")
    inspector.close()
