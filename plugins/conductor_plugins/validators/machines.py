"""Machines and money: the kind exists, fits the renderer, and is not taken away in the middle of a long frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from conductor_plugins.form.situation import Situation
from conductor_plugins.validators.changes import setting
from conductor_plugins.validators.validator import ERROR, WARNING, Fix, Problem, validator

if TYPE_CHECKING:
    from conductor_core.agent_answers import InstanceType

#: seconds of a frame from which losing it hurts more than a cheaper machine saves
LONG_FRAME = 3600.0


@validator("no-instance-type")
def no_instance_type(situation: Situation) -> Iterator[Problem]:
    """Refuse a job without a kind of machine, or of one that there is none of: a preset may come from elsewhere."""
    if situation.offer is None or _type(situation) is not None:
        return
    there_are, chosen = situation.offer.instance_types, situation.instance_type()
    names = ", ".join(found.name for found in there_are)
    only = there_are[0].name if len(there_are) == 1 else ""
    yield Problem(
        ERROR,
        f"There is no kind of machine {chosen!r}." if chosen.strip() else "No kind of machine is chosen.",
        f"Choose one of: {names}." if names else "Ask your administrator for one.",
        "instance_type",
        Fix(f"Use {only}", setting(instance_type=only)) if only else None,
    )


@validator("gpu-step-on-cpu")
def gpu_step_on_cpu(situation: Situation) -> Iterator[Problem]:
    """Warn of a renderer that wants a GPU on machines without: it falls back to the processor, or renders nothing."""
    machine, steps = _type(situation), _gpu_steps(situation)
    if machine is None or machine.gpu or not steps or situation.offer is None:
        return
    step, why = steps[0]
    best = _cheapest(found for found in situation.offer.instance_types if found.gpu)
    yield Problem(
        WARNING,
        f"Step {step!r} wants a GPU ({why}), and {machine.name} has none: it renders slowly there, or not at all.",
        f"Choose a kind with a GPU, such as {best.name}."
        if best
        else "Have the step rendered by the processor; the farm has no GPUs.",
        "instance_type",
        Fix(f"Use {best.name}", setting(instance_type=best.name)) if best else None,
        select=tuple(name for name, _ in steps),
    )


@validator("cpu-steps-on-gpu")
def cpu_steps_on_gpu(situation: Situation) -> Iterator[Problem]:
    """Warn of money for a GPU that nothing uses."""
    machine = _type(situation)
    if machine is None or not machine.gpu or situation.offer is None:
        return
    gpu = {name for name, _ in _gpu_steps(situation)}
    if gpu or not situation.chosen_steps():
        return
    cheaper = [found for found in situation.offer.instance_types if not found.gpu and _price(found) < _price(machine)]
    best = max(cheaper, key=lambda found: (found.cores, -_price(found)), default=None)
    if best is None:
        return
    yield Problem(
        WARNING,
        f"{machine.name} has a GPU ({machine.gpu}) that no step asks for, and costs {machine.price_per_hour} "
        f"{situation.offer.currency} an hour; {best.name} has {best.cores} cores for {best.price_per_hour}.",
        "Choose a kind without a GPU, unless your renderer takes one by itself.",
        "instance_type",
        Fix(f"Use {best.name}", setting(instance_type=best.name)),
    )


@validator("preemptible-not-offered")
def preemptible_not_offered(situation: Situation) -> Iterator[Problem]:
    """Refuse to ask for a kind of machine as preemptible that is not to be had so."""
    machine = _type(situation)
    if machine is not None and situation.form.preemptible and not machine.preemptible_price_per_hour:
        yield Problem(
            ERROR,
            f"{machine.name} is not to be had as a preemptible machine.",
            "Take it on demand, or choose another kind.",
            "preemptible",
            Fix("On demand", setting(preemptible=False)),
        )


@validator("preemptible-long-frames")
def preemptible_long_frames(situation: Situation) -> Iterator[Problem]:
    """Warn of frames so long that a machine is likely to be taken away in the middle of them, again and again."""
    estimate = situation.estimate
    if situation.form.preemptible and estimate is not None and estimate.frame_seconds >= LONG_FRAME:
        yield Problem(
            WARNING,
            f"A frame takes about {_hours(estimate.frame_seconds)}, and a preemptible machine may be taken away before it is done.",
            "Take machines on demand: a frame that is begun anew costs more than they do.",
            "preemptible",
            Fix("On demand", setting(preemptible=False)),
        )


@validator("task-minutes-too-short")
def task_minutes_too_short(situation: Situation) -> Iterator[Problem]:
    """Warn of a limit that would end tasks which do nothing wrong."""
    estimate, minutes = situation.estimate, situation.form.task_minutes
    if estimate is None or minutes <= 0:
        return
    most = max((situation.chunk_size_of(choice) for _, choice in situation.chosen_steps()), default=0)
    seconds = estimate.frame_seconds * most
    if seconds > minutes * 60:
        yield Problem(
            WARNING,
            f"A task may take {_hours(minutes * 60)}, and takes about {_hours(seconds)}: it would be given up.",
            "Allow more, or choose smaller chunks.",
            "task_minutes",
            Fix("No limit", setting(task_minutes=0)),
        )


def _type(situation: Situation) -> InstanceType | None:
    types = situation.offer.instance_types if situation.offer else ()
    return next((found for found in types if found.name == situation.instance_type()), None)


def _gpu_steps(situation: Situation) -> list[tuple[str, str]]:
    chosen = {step.name for step, _ in situation.chosen_steps()}
    return [(name, why) for name, why in situation.scene.gpu_steps if name in chosen]


def _cheapest(types: Iterable[InstanceType]) -> InstanceType | None:
    return min(types, key=_price, default=None)


def _price(found: InstanceType) -> float:
    """Return a price to compare by: no sum is made of it, and decimal numbers cost a host 10 ms to import."""
    try:
        return float(found.price_per_hour)
    except ValueError:
        return 0.0


def _hours(seconds: float) -> str:
    if seconds >= 3600:
        return f"{seconds / 3600:.1f} hours"
    minutes = max(1, round(seconds / 60))
    return f"{minutes} minute{'' if minutes == 1 else 's'}"
