// The stream of frames, and whether it is there.

/**
 * Live keeps one stream open while the page is visible. onframe gets each frame, onstate "live" or "reconnecting".
 * A stream is for one view with one filter: open it again for another.
 */
export class Live {
  #source = null;
  #query = "";
  #retry = 0;
  #watch = 0;
  #onframe;
  #onstate;

  constructor(onframe, onstate) {
    this.#onframe = onframe;
    this.#onstate = onstate;
    // A page that nobody sees costs the emulator nothing, and misses nothing: the next stream begins with the newest rows.
    document.addEventListener("visibilitychange", () => (document.hidden ? this.#close() : this.#connect()));
  }

  open(parameters) {
    this.#query = new URLSearchParams(parameters).toString();
    this.#connect();
  }

  #close() {
    clearTimeout(this.#retry);
    clearTimeout(this.#watch);
    this.#source?.close();
    this.#source = null;
  }

  #connect() {
    this.#close();
    if (document.hidden) return;
    const source = new EventSource(`/_inspector/live?${this.#query}`);
    this.#source = source;
    source.onmessage = (message) => {
      this.#onstate("live");
      this.#expect();
      this.#onframe(JSON.parse(message.data));
    };
    source.onerror = () => {
      this.#onstate("reconnecting");
      // The browser tries again by itself after a lost connection, but not after an answer that was no stream.
      if (source.readyState === EventSource.CLOSED) this.#retry = setTimeout(() => this.#connect(), 2000);
    };
    this.#expect();
  }

  // Frames come every second at least: where none does, the machine slept or the way is blocked.
  #expect() {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => {
      this.#onstate("reconnecting");
      this.#connect();
    }, 5000);
  }
}
