// Lookups as they happen: a stream while there is one to be had, else asking every few seconds. Nothing twice.

import { ask, query } from "./ask.js";

const POLL = 3000;
const RETRY = 30000;
const PATIENCE = 6000;
const HIDDEN = 60000;
const MOST = 200;

export class Feed {
  // `wanted` are the filters that the server knows, `last` the id of the newest lookup that is shown already.
  // `hears` has onLookups(lookups oldest first, leftOut), onPolicy(event), onHealth(), onState(word).
  constructor(wanted, last, hears) {
    this.wanted = wanted;
    this.last = last;
    this.hears = hears;
    this.source = null;
    this.polling = null;
    this.timers = new Set();
    document.addEventListener("visibilitychange", () => this.#seen());
    addEventListener("pagehide", () => this.#close());
    addEventListener("pageshow", (event) => { if (event.persisted) this.open(); });
  }

  open() {
    this.#close();
    this.source = new EventSource("/api/v1/stream?" + query({ ...this.wanted, after: this.last || null }));
    this.source.onopen = () => {
      this.#rest();
      this.hears.onState("live");
    };
    this.source.onerror = () => {
      if (this.source?.readyState === EventSource.CLOSED) {
        this.#poll();
        this.#later(RETRY, () => this.open());
      } else {
        this.hears.onState("away");
        this.#later(PATIENCE, () => { if (this.source?.readyState !== EventSource.OPEN) this.#poll(); });
      }
    };
    this.source.addEventListener("lookups", (event) => {
      const said = JSON.parse(event.data);
      this.#take(said.lookups, said.left_out ?? 0);
    });
    this.source.addEventListener("policy", (event) => this.hears.onPolicy(JSON.parse(event.data)));
    this.source.addEventListener("health", () => this.hears.onHealth());
    this.source.addEventListener("gap", () => this.#catchUp());
  }

  #close() {
    this.source?.close();
    this.source = null;
    this.#rest();
  }

  #rest() {
    clearInterval(this.polling);
    this.polling = null;
    for (const timer of this.timers) clearTimeout(timer);
    this.timers.clear();
  }

  #later(milliseconds, work) {
    const timer = setTimeout(() => { this.timers.delete(timer); work(); }, milliseconds);
    this.timers.add(timer);
  }

  #poll() {
    if (this.polling) return;
    this.hears.onState("polling");
    this.polling = setInterval(() => this.#catchUp(), POLL);
    this.#catchUp();
  }

  async #catchUp() {
    try {
      const { lookups } = await ask("GET", "/api/v1/lookups?" + query({ ...this.wanted, limit: MOST }));
      this.#take([...lookups].reverse(), 0);
      if (this.polling) this.hears.onState("polling");
    } catch {
      this.hears.onState("away");
    }
  }

  #take(lookups, leftOut) {
    const fresh = lookups.filter((lookup) => lookup.id > this.last);
    if (fresh.length) this.last = Math.max(...fresh.map((lookup) => lookup.id));
    if (fresh.length || leftOut) this.hears.onLookups(fresh, leftOut);
  }

  #seen() {
    if (document.hidden) {
      this.#later(HIDDEN, () => {
        if (document.hidden) {
          this.#close();
          this.hears.onState("asleep");
        }
      });
    } else if (this.source === null && this.polling === null) {
      this.open();
    }
  }
}
