/** The log of an attempt: its tail, followed while it is open; the one thing on the dashboard that asks by the clock. */

import { logPart } from "../api.js";
import { el, setText } from "../dom.js";
import { bytes } from "../format.js";

const PART = 64 * 1024;
const EVERY = 1000;
/** Characters kept on the page: a browser lays out no more than this without stutter. */
const KEEP = 400_000;

export class Log {
  constructor({ failed }) {
    this.failed = failed;
    this.text = el("pre", { class: "log", id: "log", tabindex: "0", "aria-label": "Log" });
    this.size = el("span", { class: "dim" });
    this.earlier = el("button", { type: "button", class: "plain", hidden: true, onclick: () => this.#earlier() }, "Show earlier lines");
    this.node = el("section", { class: "log-box" }, el("header", {}, el("h3", {}, "Log"), this.size, this.earlier), this.text);
  }

  /** Show an attempt's log; `live` says whether it still grows. */
  open(attempt, live) {
    if (this.attempt === attempt) {
      this.live = live;
      return;
    }
    this.close();
    this.attempt = attempt;
    this.live = live;
    this.abort = new AbortController();
    this.decoder = new TextDecoder();
    this.text.textContent = "";
    this.#begin();
  }

  close() {
    this.abort?.abort();
    clearTimeout(this.timer);
    this.attempt = null;
  }

  async #begin() {
    try {
      const { size } = await logPart(this.attempt, 0, 1, this.abort.signal);
      this.start = Math.max(0, size - PART);
      this.end = this.start;
      await this.#follow({ first: true });
    } catch (error) {
      this.#said(error);
    }
  }

  /** Read to the end, then again after a while as long as the attempt runs; once more after it ended. */
  async #follow({ first = false } = {}) {
    const wasLive = this.live;
    try {
      for (;;) {
        const { bytes: part, size } = await logPart(this.attempt, this.end, PART, this.abort.signal);
        this.end += part.length;
        if (part.length) this.#append(this.decoder.decode(part, { stream: true }), first);
        setText(this.size, bytes(size));
        this.earlier.hidden = this.start === 0;
        if (!part.length || this.end >= size) break;
      }
    } catch (error) {
      this.#said(error);
      if (error.name === "AbortError") return;
    }
    if (wasLive) this.timer = setTimeout(() => this.#follow(), EVERY);
  }

  #append(text, first) {
    const { text: box } = this;
    const atEnd = first || box.scrollTop + box.clientHeight >= box.scrollHeight - 8;
    const whole = first && this.start > 0 ? text.slice(text.indexOf("\n") + 1) : text;
    box.append(whole); // appended as a text node
    if (box.textContent.length > KEEP) {
      box.textContent = box.textContent.slice(-KEEP / 2);
      this.start = Math.max(0, this.end - box.textContent.length);
    }
    if (atEnd) box.scrollTop = box.scrollHeight;
  }

  async #earlier() {
    try {
      const from = Math.max(0, this.start - PART);
      const { bytes: part } = await logPart(this.attempt, from, this.start - from, this.abort.signal);
      this.start = from;
      this.text.prepend(new TextDecoder().decode(part));
      this.earlier.hidden = from === 0;
    } catch (error) {
      this.#said(error);
    }
  }

  #said(error) {
    if (error.name === "AbortError") return;
    if (error.status === 404) setText(this.size, "nothing yet");
    else this.failed(error);
  }
}
