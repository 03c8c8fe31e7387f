/**
 * A live connection: server-sent events on top of a snapshot.
 *
 * The stream is opened first and the snapshot loaded after it; events that come meanwhile wait until the snapshot is
 * in. So nothing falls between the two. After every interruption the snapshot is loaded again.
 */

import { address, get } from "./api.js";

const BACK_OFF = [500, 1000, 2000, 5000, 10000];
/** Browsers allow six connections to one server: a tab in the background gives its own back after this time. */
const HIDDEN_FOR = 30_000;
const PULSE = 5000;
/** A snapshot that the service could not give is asked for again after this time. */
const RELOAD_AFTER = 3000;
/** Browsers slow the timers of quiet tabs down to one a minute; a longer gap was a sleep. */
const SLEPT = 90_000;

export class Live {
  /**
   * `query`: of the event route. `load`: brings the snapshot. `handlers`: by kind of event. `said`: is told
   * `connecting`, `live` or `offline`. `failed`: is told what load() threw.
   */
  constructor({ query = {}, load, handlers, said, failed }) {
    Object.assign(this, { query, load, handlers, said, failed });
    this.lastId = "";
    this.attempts = 0;
    this.waiting = [];
    this.loading = 0;
    this.onVisibility = () => this.#visibility();
    document.addEventListener("visibilitychange", this.onVisibility);
    this.onOnline = () => this.#afresh();
    this.onOffline = () => this.said("offline");
    addEventListener("online", this.onOnline);
    addEventListener("offline", this.onOffline);
    this.beat = Date.now();
    this.pulse = setInterval(() => this.#notice(), PULSE);
    this.said("connecting");
    this.#open();
    // A stream that a proxy holds back must not leave the page empty.
    this.impatience = setTimeout(() => this.#snapshot(), 2000);
  }

  close() {
    document.removeEventListener("visibilitychange", this.onVisibility);
    removeEventListener("online", this.onOnline);
    removeEventListener("offline", this.onOffline);
    clearInterval(this.pulse);
    this.closed = true;
    this.#drop();
    clearTimeout(this.hiding);
  }

  /** A machine that slept has a line that is dead and does not know it; its clock tells. */
  #notice() {
    const slept = Date.now() - this.beat > SLEPT;
    this.beat = Date.now();
    if (slept && !document.hidden) this.#afresh();
  }

  #afresh() {
    this.#drop();
    this.#open();
  }

  #drop() {
    clearTimeout(this.impatience);
    clearTimeout(this.reopening);
    clearTimeout(this.reloading);
    this.source?.close();
    this.source = null;
  }

  #open() {
    const source = new EventSource(address("/events", { ...this.query, after: this.lastId }));
    this.source = source;
    source.addEventListener("open", () => {
      clearTimeout(this.impatience);
      this.attempts = 0;
      this.said("live");
      this.#snapshot();
    });
    source.addEventListener("error", () => this.#broken(source));
    for (const kind of Object.keys(this.handlers)) source.addEventListener(kind, (event) => this.#arrived(kind, event));
  }

  /** EventSource comes back by itself after a cut line, but not after an answer such as 401 or 503. */
  async #broken(source) {
    if (this.closed || source !== this.source) return;
    this.said("offline");
    if (source.readyState !== EventSource.CLOSED) return;
    const wait = BACK_OFF[Math.min(this.attempts, BACK_OFF.length - 1)];
    this.attempts += 1;
    this.reopening = setTimeout(() => this.#open(), wait);
    try {
      await get("/me"); // is it the line, or the session?
    } catch (error) {
      if (error.status === 401 && !this.closed) this.failed(error);
    }
  }

  #arrived(kind, event) {
    this.lastId = event.lastEventId || this.lastId;
    const data = JSON.parse(event.data);
    if (this.loading) this.waiting.push([kind, data]);
    else this.handlers[kind](data);
  }

  async #snapshot() {
    const turn = ++this.loading;
    try {
      await this.load();
    } catch (error) {
      if (!this.closed) this.failed(error);
      const passing = error.status === 0 || error.status === 429 || error.status >= 500;
      if (passing && !this.closed) this.reloading = setTimeout(() => this.#snapshot(), RELOAD_AFTER);
    }
    if (turn !== this.loading || this.closed) return;
    this.loading = 0;
    const waiting = this.waiting.splice(0);
    for (const [kind, data] of waiting) this.handlers[kind](data);
  }

  #visibility() {
    clearTimeout(this.hiding);
    if (document.hidden) this.hiding = setTimeout(() => this.#drop(), HIDDEN_FOR);
    else if (!this.source) this.#open();
  }
}
