// The connection of the page to the studio.

export class Socket {
  // One question at a time for each key; of those that wait, the latest counts.
  constructor(status) {
    this.status = status;
    this.waiting = new Map();
    this.answers = new Map();
    this.streams = new Map();
    this.followed = new Map();
    this.number = 0;
    this.open();
  }

  open() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    this.socket = new WebSocket(`${scheme}://${location.host}/live`);
    this.socket.binaryType = "arraybuffer";
    this.ready = new Promise((resolve) => this.socket.addEventListener("open", resolve));
    this.socket.addEventListener("open", () => {
      this.status.textContent = "";
      for (const stream of this.streams.values()) stream({ opened: true });
    });
    this.socket.addEventListener("message", (event) => this.receive(event.data));
    this.socket.addEventListener("close", () => {
      this.status.textContent = "The studio has stopped answering. Trying again …";
      const lost = [...this.followed.values()];
      this.followed.clear();
      this.answers.clear();
      for (const answer of lost) answer({ error: "The connection was lost; try it again." });
      this.waiting.clear();
      this.tell();
      setTimeout(() => this.open(), 1500);
    });
  }

  receive(data) {
    const told = typeof data === "string" ? JSON.parse(data) : unpacked(data);
    if (told.id === undefined && told.error) this.status.textContent = told.error;
    const answer = this.answers.get(told.id) ?? this.streams.get(told.id);
    if (answer) answer(told);
  }

  async ask(key, question, answer) {
    const entry = this.waiting.get(key) ?? { busy: false, next: null };
    this.waiting.set(key, entry);
    if (entry.busy) {
      entry.next = [question, answer];
      return;
    }
    entry.busy = true;
    this.tell();
    const id = ++this.number;
    this.answers.set(id, (told) => {
      this.answers.delete(id);
      entry.busy = false;
      const next = entry.next;
      entry.next = null;
      answer(told);
      if (next) this.ask(key, ...next);
      this.tell();
    });
    await this.ready;
    this.socket.send(JSON.stringify({ id, ...question }));
  }

  tell() {
    // What is saved is the last edit: links to it wait while one is on its way.
    document.body.toggleAttribute("data-busy", [...this.waiting.values()].some((entry) => entry.busy));
  }

  async follow(question, answer) {
    // A question with many answers, until one says that it was the last.
    const id = ++this.number;
    this.followed.set(id, answer);
    this.answers.set(id, (told) => {
      if (told.done || told.error) for (const held of [this.answers, this.followed]) held.delete(id);
      answer(told);
    });
    await this.ready;
    this.socket.send(JSON.stringify({ id, ...question }));
  }

  stream(name, answer) {
    // Messages that are sent with this name as their id are answered as often as the studio likes.
    this.streams.set(name, answer);
  }

  busy(key, on) {
    this.waiting.set(key, { busy: on, next: null });
    this.tell();
  }

  send(message) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }
}

function unpacked(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const told = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  let start = 4 + length;
  const images = {};
  for (const { name, shape } of told.images) {
    const [height, width, channels] = shape;
    const size = height * width * channels;
    images[name] = { height, width, channels, data: new Uint8Array(buffer, start, size) };
    start += size;
  }
  return { ...told, images };
}
