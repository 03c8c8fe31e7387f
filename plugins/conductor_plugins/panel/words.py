"""What the panel calls each field, and says of it: one place, so that the words are the glossary's everywhere."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """The name of a field, with `&` before the letter that Alt takes one to it, and what it means."""

    label: str
    tip: str

    @property
    def name(self) -> str:
        """Return the name as a screen reader says it."""
        return self.label.replace("&", "")


#: field of the form → its words
WORDS: dict[str, Words] = {
    # Job
    "title": Words("&Title", "What the job is called on the farm. Empty: the scene's file name."),
    "project": Words("Pro&ject", "Whose files, people and bill the job belongs to."),
    "steps": Words("&Steps", "What of the scene is rendered: layers, write nodes, ROPs, cameras. Each is a step of the job."),
    # Frames
    "frames": Words(
        "&Frames",
        "Frames to render, in this order: 1-100, 1-100x5 (every fifth), 1,5,9-12, 1-100,^40-50 (without 40 to 50), 10-1.",
    ),
    "chunk_size": Words(
        "Frames per tas&k",
        "How many frames one instance renders in a go. More frames per task spare loading the scene; fewer spread the work wider.",
    ),
    "scouts": Words(
        "Sc&out frames",
        "Frames that render first, while all others are held until you release them: see a few before you pay for all.",
    ),
    # Machines
    "instance_type": Words("Instance &type", "The kind of machine that renders: what it has, and what an hour of it costs."),
    "preemptible": Words(
        "&Preemptible",
        "Cheaper machines that may be taken away at any moment; the task that ran there starts again elsewhere.",
    ),
    "retries_failure": Words("&Failure retries", "How often a task that failed is tried again before it counts as failed."),
    "retries_preemption": Words(
        "Pree&mption retries", "How often a task whose machine was taken away is tried again. Counted apart from failures."
    ),
    "max_instances": Words(
        "Ma&ximum instances", "How many machines this job may use at once. 0: as many as the account may have."
    ),
    "priority": Words("Prio&rity", "Jobs of higher priority get machines first: 0 to 100."),
    "task_minutes": Words("Time limit per tas&k", "A task that takes longer is stopped and counts as failed. 0: no limit."),
    # Software
    "software": Words("&Software", "What renders the scene on the farm. As a rule the very version that it is open in."),
    "plug_ins": Words("&Plug-ins", "What the software needs beside itself: renderers and plug-ins that the farm loads with it."),
    # Files
    "added": Words("Added files", "Files and folders that are sent beside what the scene names."),
    "excluded": Words("Excluded files", "Files that are left at home, each with a reason that the job shows."),
    "allow_missing": Words("Render with missing files", "Submit even though files that the scene names are not there."),
    "download": Words("Bring frames home", "Each frame comes to the folder it is meant for as soon as it is rendered."),
    # Environment
    "environment": Words("Variables", "Variables that are set on the instance, and how each joins what is there."),
    "not_replicated": Words(
        "Not replicated", "Variables of this workstation that stay here although a rule would take them along."
    ),
    # and the rest
    "scripts": Words("Scripts", "Your own scripts and plug-ins that go along, and what runs before and after each task."),
    "metadata": Words("Metadata", "Keys and values that the job carries; the farm's pages can be searched for them."),
    "notifications": Words("Notifications", "Who gets an e-mail, and when."),
}


def software_text(name: str, version: str) -> str:
    """Return a package of the catalogue as people write it: `Maya 2024.2`."""
    return f"{name[:1].upper()}{name[1:]} {version}".strip()


#: what keys do anywhere in the panel
KEYS: tuple[tuple[str, str], ...] = (
    ("Ctrl+Enter", "Submit"),
    ("Esc", "Close what is open on top, then the panel"),
    ("Alt+1 … Alt+9, Alt+0", "Go to a section"),
    ("Ctrl+PgUp, Ctrl+PgDn", "Previous, next section"),
    ("F4", "Presets"),
    ("F8", "Problems: show or hide"),
    ("F5", "Read the scene again"),
    ("Tab, Shift+Tab", "Next, previous field"),
    ("Alt+letter", "The field whose name has this letter underlined"),
    ("F1, ?", "This page"),
)
