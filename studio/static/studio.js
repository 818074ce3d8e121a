// The frame of the page: tabs, the socket, and what the tabs share.
// A new tab is a module with `title` and `mount(studio)`, a line in TABS, and a section in index.html.

import * as brushes from "./brushes.js";
import * as compare from "./compare.js";
import * as digits from "./digits.js";
import * as directions from "./directions.js";
import * as photo from "./photo.js";
import * as runs from "./runs.js";

const TABS = { photo, digits, directions, brushes, compare, runs };

class Socket {
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

export function draw(canvas, image) {
  canvas.width = image.width;
  canvas.height = image.height;
  const shown = new ImageData(image.width, image.height);
  const last = image.channels - 1;
  for (let i = 0; i < image.width * image.height; i++) {
    for (let c = 0; c < 3; c++) shown.data[4 * i + c] = image.data[i * image.channels + Math.min(c, last)];
    shown.data[4 * i + 3] = 255;
  }
  canvas.getContext("2d").putImageData(shown, 0, 0);
}

export function difference(one, other) {
  // What changed, three times as strong, gray where nothing did.
  const data = new Uint8Array(one.data.length);
  for (let i = 0; i < data.length; i++) data[i] = Math.max(0, Math.min(255, 128 + 3 * (other.data[i] - one.data[i])));
  return { ...one, data };
}

export function panels(place, pixels) {
  const names = ["original", "reconstruction", "edited", "difference"];
  const titles = ["Original", "Reconstruction", "Edit", "Difference ×3"];
  const canvases = {};
  names.forEach((name, i) => {
    const figure = element("figure", { className: pixels ? "pixels" : "" });
    if (name === "edited") figure.classList.add("main");
    canvases[name] = element("canvas", { width: 1, height: 1 });
    canvases[name].setAttribute("role", "img");
    canvases[name].setAttribute("aria-label", titles[i]);
    figure.append(canvases[name], element("figcaption", { textContent: titles[i] }));
    place.append(figure);
  });
  return (images) => {
    for (const name of names.slice(0, 3)) draw(canvases[name], images[name]);
    draw(canvases.difference, difference(images.reconstruction, images.edited));
  };
}

export function sliders(place, controls, changed, held = {}) {
  // Sliders of a model's controls, which begin at what the model reads; only turned ones count.
  // Those in `held` begin at its values, turned.
  place.replaceChildren();
  const values = {};
  const parts = controls.map((control, i) => {
    const id = `${place.id}-${i}`;
    const slider = element("div", { className: "slider" });
    const step = control.step ?? 0.01;
    const input = element("input", { type: "range", id, min: control.low, max: control.high, step });
    const output = element("output", {});
    output.setAttribute("for", id);
    const read = element("span", { className: "read", hidden: true });
    const track = element("div", { className: "track" });
    track.append(input, read);
    const name = control.name.replaceAll("_", " ");
    const label = element("label", { htmlFor: id, textContent: control.label ?? name[0].toUpperCase() + name.slice(1) });
    const meaning = element("small", { textContent: control.meaning });
    slider.append(label, output, track, meaning);
    place.append(slider);
    const show = (value) => {
      input.value = value;
      output.textContent = Number(value).toFixed(control.step ? 0 : 2);
    };
    show(held[control.name] ?? control.default ?? 0);
    if (control.name in held) {
      values[control.name] = held[control.name];
      slider.classList.add("turned");
    }
    input.addEventListener("input", () => {
      values[control.name] = Number(input.value);
      slider.classList.add("turned");
      output.textContent = Number(input.value).toFixed(control.step ? 0 : 2);
      if (control.exclusive) for (const other of parts) if (other.control !== control) other.reset();
      changed();
    });
    return {
      control, input, show,
      reset() {
        delete values[control.name];
        slider.classList.remove("turned");
        show(this.read ?? control.default ?? 0);
      },
      told(value) {
        this.read = Math.max(control.low, Math.min(control.high, value));
        if (!(control.name in values)) show(this.read);
        read.hidden = false;
        const share = (this.read - control.low) / (control.high - control.low);
        read.style.left = `calc(${share} * (100% - 16px) + 7px)`;
        read.title = `The model reads ${value.toFixed(2)}`;
      },
    };
  });
  return {
    values,
    reset: () => parts.forEach((part) => part.reset()),
    set(name, value) {
      const part = parts.find((one) => one.control.name === name);
      part.input.value = value;
      part.input.dispatchEvent(new Event("input"));
    },
    told(readings) {
      for (const part of parts) if (part.control.name in readings) part.told(readings[part.control.name]);
    },
  };
}

export function element(tag, properties = {}) {
  return Object.assign(document.createElement(tag), properties);
}

export async function json(address, options) {
  let answer;
  try {
    answer = await fetch(address, options);
  } catch {
    throw new Error("The studio does not answer; is it still running?");
  }
  const told = await answer.json().catch(() => ({ error: "The studio did not understand this." }));
  if (!answer.ok) throw new Error(told.error ?? "This failed.");
  return told;
}

export const byId = (id) => document.getElementById(id);

async function begin() {
  const about = await json("/about.json");
  const studio = {
    about,
    socket: new Socket(byId("connection")),
    models: (kind) => about.models.filter((model) => model.kind === kind),
    digit: null, // the name of the picture on the pad
    photo: null, // what the server tells of the photograph
    directions: [], // of the session, of all models
    show: select,
  };
  const tabs = byId("tabs");
  const shown = {};
  for (const [name, tab] of Object.entries(TABS)) {
    const button = element("button", { type: "button", id: `tab-${name}`, textContent: tab.title });
    button.setAttribute("role", "tab");
    button.setAttribute("aria-controls", name);
    byId(name).setAttribute("aria-labelledby", button.id);
    button.addEventListener("click", () => select(name));
    tabs.append(button);
    shown[name] = tab.mount(studio) ?? (() => {});
  }
  function select(name) {
    for (const one of Object.keys(TABS)) {
      byId(one).hidden = one !== name;
      const button = byId(`tab-${one}`);
      button.setAttribute("aria-selected", String(one === name));
      button.tabIndex = one === name ? 0 : -1;
    }
    history.replaceState(null, "", `#${name}`);
    document.title = `${TABS[name].title} · Studio`;
    shown[name]();
  }
  tabs.addEventListener("keydown", (event) => {
    const names = Object.keys(TABS);
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const at = names.findIndex((name) => byId(`tab-${name}`) === document.activeElement);
    const next = names[(at + step + names.length) % names.length];
    select(next);
    byId(`tab-${next}`).focus();
  });
  const wanted = location.hash.slice(1);
  select(wanted in TABS ? wanted : "photo");
}

// After all modules of the page are there: they import from each other.
queueMicrotask(() => begin().catch((error) => (byId("connection").textContent = error.message)));
