/** The states of jobs and frames: in which order to show them, and the sign that tells them apart without colour. */

/** From done to not begun, as a progress bar reads. */
export const STATES = ["success", "running", "failed", "preempted", "holding", "killed", "skipped", "ready", "pending"];
export const JOB_STATES = ["uploading", "pending", "running", "holding", "success", "failed", "killed"];
export const FINAL = new Set(["success", "failed", "killed"]);

export const GLYPHS = {
  success: "✓",
  running: "▸",
  failed: "✕",
  preempted: "↻",
  holding: "‖",
  killed: "■",
  skipped: "–",
  ready: "•",
  pending: "○",
  uploading: "↑",
  launching: "•",
  ended: "■",
  lost: "?",
};

export const CAUSES = {
  "exit-code": "ended with an error",
  "out-of-memory": "out of memory",
  "no-progress": "no progress",
  "time-out": "took too long",
  "bad-output": "bad picture",
  "missing-file": "missing file",
  crashed: "crashed",
  licence: "no licence",
  "software-missing": "software missing",
  "lost-instance": "instance lost",
  preempted: "preempted",
  user: "by a person",
  "disk-full": "disk full",
  "scene-load": "scene did not load",
  internal: "internal error",
};

/** Sum the frames of a job, by state. */
export function total(frames) {
  return STATES.reduce((sum, state) => sum + (frames[state] ?? 0), 0);
}

/** Which actions would change something in a job, by the service's word. */
export function actionsFor({ verbs }) {
  return Object.fromEntries(["hold", "resume", "release", "retry", "kill"].map((name) => [name, verbs.includes(name)]));
}

/** Which actions would change a task; the service has the last word (409 with what is allowed). */
export function actionsForTask({ state, holds }) {
  const held = (by) => holds.some(({ name }) => name === by);
  const open = !["success", "failed", "preempted", "killed", "skipped"].includes(state);
  return { hold: open && !held("user"), resume: held("user"), release: held("scout"), retry: ["failed", "preempted", "killed"].includes(state), kill: open };
}

/**
 * Return `{state, fraction}` of one frame of a task.
 *
 * A task renders its frames in order, so the first one not done is the one being rendered; the rest of a running
 * chunk waits. `progress` is that of the whole task.
 */
export function frameState(task, frame) {
  if (task.frames_done.includes(frame) || task.state === "success") return { state: "success", fraction: 1 };
  if (task.state !== "running") return { state: task.state, fraction: 0 };
  const left = task.frames.filter((f) => !task.frames_done.includes(f));
  if (left[0] !== frame) return { state: "ready", fraction: 0 };
  const within = task.progress * task.frames.length - task.frames_done.length;
  return { state: "running", fraction: Math.min(1, Math.max(0, within)) };
}
