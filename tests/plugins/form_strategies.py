"""Forms as artists and their typing errors make them, for property tests."""

from __future__ import annotations

from conductor_core.environment import EnvironmentVariable
from conductor_core.submission import Exclusion, Notifications, Scripts
from conductor_plugins.form.model import Form, StepForm
from hypothesis import strategies as st

#: what people type: what is meant, what is nearly it, and anything
ANY_TEXT = st.text(max_size=8)
FRAMES = st.sampled_from(
    ["", "1-10", "1-100x5", "10-1", "1,5,9-12", "-5--1", "7", "1-10,^3-4", " ", "1-", "5-1x0", "1..9", "1-9999999"]
) | st.text("0123456789-x,^ ", max_size=8)
SCOUTS = st.sampled_from(["", "1,5", "auto:3", "fml:3", "fml:0", "auto:", "999", "auto:1", "1-3"]) | st.text(
    "0123456789:aflmuto", max_size=6
)
PATHS = (
    st.sampled_from(
        [
            *(
                "/job/tex/wood.exr",
                "/job/tex",
                "/job/shot.scene",
                "/job",
                "/",
                "",
                "tex/wood.exr",
                "/job/../x",
                "/a\0b",
                "/job/p.####.exr",
            ),
            *("/job/out/a_####.exr", "/job/out/a.exr", "/job/out/", "C:/job/x.exr", "/tmp/#.exr", "~/x"),
        ]
    )
    | ANY_TEXT
)
NUMBERS = st.integers(-2, 200) | st.sampled_from([0, 1, 10, 2**31, 2**60])
WORDS = st.lists(st.sampled_from(["bash", "/studio/hook.sh", "{frame}", "", " ", "a\0"]), max_size=3).map(tuple)
VARIABLES = st.builds(
    EnvironmentVariable,
    st.sampled_from(["OCIO", "SHOW", "A", "A", "1A", "", "SHOW_TOKEN"]),
    ANY_TEXT,
    st.sampled_from(["append", "prepend", "exclusive"]),
)
STEPS = st.builds(
    StepForm,
    st.sampled_from(["beauty", "fog", "comp", "gone", ""]),
    st.booleans(),
    FRAMES,
    st.integers(-1, 20) | NUMBERS,
    SCOUTS,
    st.lists(PATHS, max_size=2).map(tuple),
)


def tuples(items: st.SearchStrategy[object], size: int = 2) -> st.SearchStrategy[tuple[object, ...]]:
    """Return tuples of up to `size` items."""
    return st.lists(items, max_size=size).map(tuple)


#: each field by itself, so that most are as they should be and a few are not
WILD = {
    "title": ANY_TEXT,
    "project": st.sampled_from(["", "dragons", "gone", " "]),
    "steps": st.lists(STEPS, max_size=3, unique_by=lambda step: step.name).map(tuple),
    "frames": FRAMES,
    "chunk_size": NUMBERS,
    "scouts": SCOUTS,
    "instance_type": st.sampled_from(["", "large", "gone", "\t"]),
    "preemptible": st.booleans(),
    "retries_failure": NUMBERS,
    "retries_preemption": NUMBERS,
    "max_instances": NUMBERS,
    "priority": NUMBERS,
    "task_minutes": NUMBERS,
    "software": st.sampled_from(["", "memory@1.0", "memory@0.1", "memory", "@", "x@"]) | ANY_TEXT,
    "plug_ins": st.none() | tuples(st.sampled_from(["mtoa@5.4", "mtoa", "mtoa@", "yeti@", "@1", ""])),
    "added": tuples(PATHS),
    "excluded": tuples(st.builds(Exclusion, PATHS, st.sampled_from(["big", "", " "]))),
    "allow_missing": st.booleans(),
    "download": st.booleans(),
    "environment": tuples(VARIABLES, 3),
    "not_replicated": tuples(st.sampled_from(["OCIO", "SHOW", ""])),
    "scripts": st.builds(Scripts, tuples(PATHS), tuples(PATHS), WORDS, WORDS),
    "metadata": tuples(st.tuples(st.sampled_from(["shot", "shot", "", " ", "SHOW_TOKEN"]), ANY_TEXT), 3),
    "notifications": st.builds(
        Notifications,
        tuples(st.sampled_from(["mika@studio.test", "mika", "", "a@b", "a@b.c,d@e.f"])),
        tuples(st.sampled_from(["scouts", "success", "failed", "killed"])),
    ),
}


def forms(most: int = 4) -> st.SearchStrategy[Form]:
    """Return forms in which up to `most` fields are wild, and the others are in order."""
    chosen = Form(project="dragons", instance_type="large")
    names = st.lists(st.sampled_from(sorted(WILD)), max_size=most, unique=True)
    wild = names.flatmap(lambda found: st.fixed_dictionaries({name: WILD[name] for name in found}))
    return wild.map(lambda fields: Form(**{**{f: getattr(chosen, f) for f in Form.__slots__}, **fields}))
