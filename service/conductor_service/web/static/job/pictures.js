/** The rendered pictures of a job: for each frame of each step the newest one that has a preview. */

/** Return the name of a frame of a step. */
export function keyOf(step, frame) {
  return `${frame} ${step}`;
}

/** Number of pictures that the pace is taken from. */
const PACE_OF = 12;

export class Pictures {
  constructor() {
    this.byKey = new Map();
    this.latest = null;
    this.places = new Map();
    this.sorted = null;
    this.times = [];
  }

  /** Learn in which order the frames stand. */
  order(steps, tasks) {
    const rank = new Map(steps.map((step, index) => [step.name, index]));
    const all = tasks.flatMap((task) => task.frames.map((frame) => [rank.get(task.step) ?? 0, frame, keyOf(task.step, frame)]));
    all.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    this.places = new Map(all.map(([, , key], index) => [key, index]));
    this.sorted = null;
  }

  /** Take an output in; what has no frame or no preview is no picture. */
  take(output) {
    if (output.frame === null || !output.preview) return;
    const key = keyOf(output.step, output.frame);
    const known = this.byKey.get(key);
    if (known && known.seq > output.seq) return;
    if (!known) this.sorted = null;
    this.byKey.set(key, output);
    this.times = [...this.times, Date.parse(output.created)].sort((a, b) => b - a).slice(0, PACE_OF);
    if (!this.latest || output.created >= this.latest.created) this.latest = output;
  }

  of(step, frame) {
    return this.byKey.get(keyOf(step, frame));
  }

  /** Return the pictures in the order of steps and frames. */
  inOrder() {
    if (!this.sorted) {
      this.sorted = [...this.byKey.keys()].sort((a, b) => (this.places.get(a) ?? 0) - (this.places.get(b) ?? 0));
    }
    return this.sorted.map((key) => this.byKey.get(key));
  }

  /** Return frames per millisecond over the last pictures, or 0 where too few are there to tell. */
  pace() {
    const { times } = this;
    return times.length < 3 ? 0 : (times.length - 1) / Math.max(1, Date.now() - times.at(-1));
  }
}
