// @ts-check
// An answer that is written while its rows arrive. Its first part is held back, so that whatever goes
// wrong until then is answered as an error; what goes wrong later can only cut the connection, so
// that the answer never looks complete.

const HELD_CHARACTERS = 96 * 1024;
const CHUNK_CHARACTERS = 64 * 1024;
// A client that reads nothing for so long keeps a database connection from everybody else.
const STALLED_MILLISECONDS = 60_000;

/** The client is gone, or has stopped to read. */
export class ClientGone extends Error {}

export class StreamedAnswer {
  #response;
  #parts = [];
  #characters = 0;
  #begun = false;
  #blocked;

  constructor(response) {
    this.#response = response;
  }

  /** Whether a part of it is on its way already. */
  get begun() {
    return this.#begun;
  }

  /** Whether more is held back than may be: it has to begin, or to be dropped. */
  get isFull() {
    return !this.#begun && this.#characters > HELD_CHARACTERS;
  }

  /** A promise while the client has to catch up, otherwise undefined. */
  get blocked() {
    return this.#blocked;
  }

  write(text) {
    if (this.#response.destroyed) throw new ClientGone('the client is gone');
    this.#parts.push(text);
    this.#characters += text.length;
    if (this.#begun && this.#characters > CHUNK_CHARACTERS) this.#flush();
  }

  /** Forgets what is held back. */
  drop() {
    this.#parts = [];
    this.#characters = 0;
  }

  begin() {
    this.#begun = true;
    this.#response.writeHead(200, { 'content-type': 'application/json' });
    this.#flush();
  }

  end() {
    const text = this.#take();
    if (this.#begun) this.#response.end(text);
    else send(this.#response, 200, text);
  }

  /** Breaks it off. */
  cut() {
    this.#response.destroy();
  }

  #take() {
    const text = this.#parts.join('');
    this.drop();
    return text;
  }

  #flush() {
    if (!this.#response.write(this.#take()) && !this.#blocked) this.#blocked = this.#drained();
  }

  async #drained() {
    const response = this.#response;
    await new Promise((done) => {
      const stalled = setTimeout(() => response.destroy(), STALLED_MILLISECONDS);
      const go = () => {
        clearTimeout(stalled);
        response.off('drain', go);
        response.off('close', go);
        done(undefined);
      };
      response.on('drain', go);
      response.on('close', go);
      if (response.destroyed) go();
    });
    this.#blocked = undefined;
  }
}

/** A whole answer. */
export function send(response, status, text) {
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  response.end(text);
}
