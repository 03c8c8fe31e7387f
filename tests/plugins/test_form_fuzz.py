"""Any form over any small scene: it comes to a submission that the service takes, or a problem names the field to blame.

And the frames of that submission are exactly those that were asked for.
"""

from __future__ import annotations

from dataclasses import replace

from conductor_core.documents import from_json, to_json
from conductor_core.errors import FrameSpecError
from conductor_core.frames import FrameSet, scout_frames
from conductor_core.host import SceneStep
from conductor_core.paths import Flavour
from conductor_core.report import Dependency, Missing, ScanReport, Unresolved
from conductor_core.submission import Output, Software, Submission, validate_submission
from conductor_plugins.form.build import planned
from conductor_plugins.form.errors import FormError
from conductor_plugins.form.model import SECTIONS, Form
from conductor_plugins.form.situation import Situation
from conductor_plugins.host import HostScene
from conductor_plugins.validators.validator import ERROR, problems_of
from hypothesis import given, settings
from hypothesis import strategies as st
from plugins.answering_agent import ESTIMATE, OFFER
from plugins.form_strategies import FRAMES, PATHS, forms

FIELDS = {field for fields in SECTIONS.values() for field in fields}

OUTPUTS = st.builds(Output, PATHS, st.sampled_from(["image", "movie", "cache", "other"]))
SCENE_STEPS = st.lists(
    st.builds(
        SceneStep,
        st.sampled_from(["beauty", "fog", "comp", "two words", "ü/#"]),
        st.lists(OUTPUTS, max_size=2).map(tuple),
        st.just({}),
        st.booleans(),
        st.sampled_from(["", "", "", "has no camera"]),
    ),
    max_size=3,
    unique_by=lambda step: step.name,
).map(tuple)
SCENES = st.builds(
    HostScene,
    st.sampled_from(["/job/shot.scene", "/job/shot.scene", "", "C:/job/shot.scene", "/tmp/x.scene"]),
    st.booleans(),
    st.builds(Software, st.sampled_from(["memory", "memory", "nuke", ""]), st.sampled_from(["1.0", "2.0", ""])),
    st.sampled_from(["1-10", "1001-1100", ""]) | FRAMES,
    saved_by=st.sampled_from(["", "1.0", "3.0"]),
    plug_ins=st.sampled_from([(), (Software("mtoa", ""), Software("yeti", ""))]),
    gpu_steps=st.sampled_from([(), (("beauty", "Cycles is set to GPU compute"),)]),
)
REPORTS = st.none() | st.builds(
    ScanReport,
    st.just("/job/shot.scene"),
    st.just("memory"),
    st.lists(
        st.builds(Dependency, st.sampled_from(["$SHOW/x", "//x", "$HOME/y"]), PATHS, st.lists(PATHS, min_size=1, max_size=3).map(tuple), st.just("texture"), st.just("a.b")),
        max_size=3,
    ).map(tuple),
    st.lists(st.builds(Missing, st.just("x"), PATHS, st.just("texture"), st.just("c.d"), st.just("there is no such file")), max_size=2).map(tuple),
    st.lists(st.builds(Unresolved, st.just("[x]"), st.just("e.f"), st.just("an expression")), max_size=2).map(tuple),
)  # fmt: skip
SITUATIONS = st.builds(
    Situation,
    SCENES,
    SCENE_STEPS,
    forms(5),
    REPORTS,
    st.none() | st.sampled_from([OFFER, replace(OFFER, projects=("one",)), replace(OFFER, instance_types=(), software=())]),
    st.none(),
    st.none() | st.just(ESTIMATE),
    st.dictionaries(
        st.sampled_from(["SHOW", "HOME", "OCIO", "SHOW_TOKEN", "NUKE_PATH"]), st.sampled_from(["/a", "/a:/b", "", "\udcff"])
    ),
    st.sampled_from([Flavour.POSIX, Flavour.POSIX, Flavour.WINDOWS]),
)


def submitted(now: Situation) -> Submission | FormError:
    try:
        return planned(now, identity="0123", is_file=lambda path: "studio" in path).submission
    except FormError as exc:
        return exc


@settings(max_examples=150)
@given(SITUATIONS)
def test_any_form_comes_to_a_submission_or_names_a_field(now: Situation) -> None:
    """What comes out is taken by the service as it is; what is refused is refused by name."""
    result = submitted(now)
    if isinstance(result, FormError):
        assert result.field in FIELDS or _scene_is_to_blame(now), result
        assert result.what.endswith((".", "…"))
    else:
        validate_submission(result)
        assert from_json(Submission, to_json(result)) == result


@settings(max_examples=150)
@given(SITUATIONS)
def test_the_frames_are_exactly_those_asked_for(now: Situation) -> None:
    """Each chosen step once, each of its frames once, in the order that was written; scouts are among them."""
    result = submitted(now)
    if isinstance(result, FormError):
        return
    chosen = now.chosen_steps()
    assert [step.name for step in result.steps] == [step.name for step, _ in chosen]
    for step, (_, choice) in zip(result.steps, chosen, strict=True):
        asked = FrameSet.parse(now.frames_of(choice)).frames
        assert FrameSet.parse(step.frames).frames == asked
        assert [f for chunk in FrameSet.parse(step.frames).chunks(step.chunk_size) for f in chunk] == list(asked)
        try:
            scouts = scout_frames(now.scouts_of(choice), asked)
        except FrameSpecError:
            scouts = ()
        assert scout_frames(step.scouts, asked) == scouts


@settings(max_examples=100)
@given(SITUATIONS)
def test_without_an_error_it_can_be_submitted(now: Situation) -> None:
    """No validator fails on anything; each problem names a field or the scene; and errors are the only thing that stops Submit."""
    problems = list(problems_of(now))
    for problem in problems:
        assert problem.field in FIELDS | {""}
        assert problem.what
        assert "failed" not in problem.what
    if not any(problem.severity == ERROR for problem in problems):
        result = submitted(now)
        waiting = now.offer is None and isinstance(result, FormError) and result.field in ("project", "instance_type")
        assert isinstance(result, Submission) or waiting


@settings(max_examples=100)
@given(SITUATIONS)
def test_every_fix_of_every_problem_mends_it(now: Situation) -> None:
    """One click, and the same problem is gone."""
    for problem in list(problems_of(now)):
        if problem.fix is not None and problem.fix.form is not None:
            mended = problem.fix.form(now.form)
            assert isinstance(mended, Form)
            assert problem.key() not in {p.key() for p in problems_of(replace(now, form=mended))}, problem.what


def _scene_is_to_blame(now: Situation) -> bool:
    """Tell whether no field can mend it: no file, or one of another system."""
    return not now.scene.path.startswith("C:/" if now.flavour is Flavour.WINDOWS else "/")
