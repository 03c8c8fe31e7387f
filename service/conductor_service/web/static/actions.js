/** Hold, resume, release, kill and retry: as buttons, as keys, and as calls to the service. */

import { post } from "./api.js";
import { el } from "./dom.js";
import { count } from "./format.js";
import { actionsFor } from "./states.js";
import { confirmed, toast, toastError } from "./widgets.js";

export const ACTIONS = {
  hold: { label: "Hold", key: "h", done: "held", glyph: "‖", hint: "Let running frames end and start no more" },
  resume: { label: "Resume", key: "r", done: "resumed", glyph: "▸", hint: "Go on" },
  release: { label: "Release", key: "l", done: "released", glyph: "»", hint: "The scout frames are right: render the others" },
  retry: { label: "Retry", key: "t", done: "queued again", glyph: "↻", hint: "Render failed and killed frames again" },
  kill: { label: "Kill", key: "x", done: "killed", glyph: "■", hint: "Stop all frames now" },
};

/** The action that a key stands for, or undefined. */
export function actionForKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return undefined;
  return Object.keys(ACTIONS).find((name) => ACTIONS[name].key === event.key);
}

/** Carry an action out on a job, or on some tasks of it; asks first before it kills. */
export async function act(name, job, { tasks, what = `#${job.number} ${job.title}` } = {}) {
  if (name === "kill" && !(await confirmed(`Kill ${what}?`, "Frames that are rendering are stopped and their work is lost.", "Kill"))) {
    return null;
  }
  try {
    const answer = await post(`/jobs/${encodeURIComponent(job.id)}/${name}`, { ...(tasks && { tasks }), reason: "" });
    toast(`${what}: ${count(answer.changed)} ${answer.changed === 1 ? "task" : "tasks"} ${ACTIONS[name].done}.`);
    return answer.job;
  } catch (error) {
    toastError(error);
    return null;
  }
}

/** A row of buttons for a job: `{node, set(job)}`; `changed` is told of the job as it is after an action. */
export function actionButtons(changed, { compact = false } = {}) {
  let job = null;
  const run = async (name) => {
    const after = await act(name, job);
    if (after) changed(after);
  };
  const buttons = Object.fromEntries(
    Object.entries(ACTIONS).map(([name, { label, key, glyph, hint }]) => [
      name,
      el(
        "button",
        {
          type: "button",
          class: `action ${name}`,
          data: { action: name },
          title: `${label} (${key}): ${hint}`,
          "aria-label": label,
          tabindex: compact ? "-1" : null,
          onclick: (event) => {
            event.stopPropagation();
            run(name);
          },
        },
        el("span", { class: "glyph", "aria-hidden": "true" }, glyph),
        compact ? null : label,
      ),
    ]),
  );
  const set = (value) => {
    job = value;
    for (const [name, possible] of Object.entries(actionsFor(job))) buttons[name].disabled = !possible;
    buttons.release.hidden = !compact && buttons.release.disabled; // few jobs have scouts; in a list the columns stay where they are
  };
  return { node: el("div", { class: compact ? "actions compact" : "actions", role: "group", "aria-label": "Actions" }, Object.values(buttons)), set };
}
