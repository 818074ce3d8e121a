// Brushes: draw what you want; images that a model can make follow the strokes.

import { line, pad } from "./pad.js";
import { byId, draw, element, json } from "./page.js";

export const title = "Brushes";

const ID = "brushes"; // of all messages of this tab
const LINE = "rgb(93 184 238 / .8)", KEPT = "rgb(64 190 120 / .45)", HANDLE = "#ff9e57";
const APART = 3; // pixels of the canvas between points of a stroke, at least
const MOST = 2000; // points of a stroke
const KINDS = {
  colour: ["Colour", "Asks for this colour where you paint."],
  sketch: ["Line", "Asks for an edge along the line."],
  warp: ["Move", "Drag a part of the image to where it is to be."],
  erase: ["Erase", "Takes back colours, lines and what is kept, where you rub."],
  keep: ["Keep", "What you mark stays as it is in the start."],
};

export function mount(studio) {
  const models = studio.about.models.filter((model) => model.brushes);
  const chosen = byId("brush-model");
  for (const model of models) chosen.append(element("option", { value: model.name, textContent: model.name }));
  if (!models.length) {
    byId("brush-problem").textContent = "There is no model that is edited by strokes: python -m igan.train makes one.";
    return;
  }
  const canvas = byId("easel");
  let model = models[0];
  let kind = "sketch";
  let widths = {};
  let state = null; // what the studio told last
  let images = []; // of the candidates, as the state numbers them
  let number = null; // of the candidate that was chosen; null for the best
  let frames = null; // from the start to the candidate
  let pending = []; // strokes that the studio has not yet told of
  let seed = 0;
  let brought = false; // a picture to start from

  const gray = () => model.channels === 1;
  const side = () => canvas.width / model.size; // pixels of the canvas in one of the model
  const colour = () => {
    const hex = byId("brush-colour").value;
    return gray() ? Array(3).fill(Number(byId("brush-shade").value)) : [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
  };
  const share = () => Number(byId("brush-share").value) / 15;
  const place = () => Math.max(0, state?.numbers.indexOf(number) ?? 0);
  const current = () => state?.numbers[place()];
  const empty = () => !state?.strokes.length && !pending.length && !state?.has_start && number === null;
  const strokes = () => [...(state?.strokes ?? []), ...pending];

  // What is sent

  function say(message) {
    byId("brush-problem").textContent = "";
    studio.socket.send({ id: ID, do: "paint", ...message });
  }
  function act(event) {
    studio.socket.busy(ID, true);
    say({ what: "act", event });
  }
  function begin(more = {}) {
    number = frames = null;
    pending = [];
    byId("brush-status").textContent = "The model is being loaded …";
    studio.socket.busy(ID, true);
    say({ what: "begin", model: model.name, seed, ...more });
  }
  const stroked = (points) => {
    const kept = points.filter((one, i) => !i || i === points.length - 1 || i % Math.ceil(points.length / MOST) === 0);
    const apart = kept.filter((one, i) => !i || i === kept.length - 1 || Math.hypot(one.x - kept[i - 1].x, one.y - kept[i - 1].y) >= APART / 2);
    const share = (value) => Math.round((1e4 * value) / canvas.width) / 1e4;
    return { kind, points: apart.map(({ x, y }) => [share(x), share(y)]), colour: colour(), width: widths[kind] };
  };
  function ended(points) {
    const stroke = stroked(points);
    if (kind === "warp" && stroke.points.length < 2) return;
    const on = state && !empty() ? current() : null;
    pending.push(stroke);
    act({ do: "stroke", stroke, number: on ?? null });
    show();
  }
  const undo = () => state?.strokes.length && act({ do: "undo" });
  const nothing = () => ((seed += 1), (brought = false), begin());
  function fromPicture() {
    const noun = model.kind;
    const problem = { face: [studio.photo, "Choose a photo first, in the tab Photo."], digit: [studio.digit, "Draw or choose a digit first, in the tab Digits."] }[noun];
    if (problem && !problem[0]) return (byId("brush-problem").textContent = problem[1]);
    begin({ from_picture: true, picture: studio.digit, invert: byId("brush-invert").checked });
  }

  // What comes back

  function receive(told) {
    if (told.opened) return byId("brushes").hidden || say({ what: "look" });
    if (told.error) {
      pending = [];
      studio.socket.busy(ID, Boolean(state?.running));
      if (told.error.startsWith("Nothing is painted")) return begin();
      byId("brush-problem").textContent = told.error;
      byId("brush-status").textContent = "";
      return show();
    }
    if (told.frames) {
      if (told.number !== current()) return;
      frames = { from: told.number, images: split(told.images.strip, told.frames) };
      return result();
    }
    pending = pending.filter((one) => !told.strokes.some((other) => JSON.stringify(other) === JSON.stringify(one)));
    state = told;
    images = split(told.images.strip, told.numbers.length);
    if (model.name !== told.model) ((model = models.find((one) => one.name === told.model) ?? model), offer());
    if (number !== null && !told.numbers.includes(number)) number = null;
    frames = null;
    byId("brush-photo-figure").hidden = true; // it was another one
    byId("brush-share").value = 15;
    studio.socket.busy(ID, told.running);
    if (!told.running && told.has_start) say({ what: "frames", number: current() });
    show();
  }

  // What is seen

  function show() {
    paper.repaint();
    candidates();
    result();
    const running = Boolean(state?.running);
    byId("brush-undo").disabled = !state?.strokes.length;
    byId("brush-redo").disabled = !state?.can_redo;
    byId("brush-stop").hidden = !running;
    byId("brush-more").hidden = running;
    byId("brush-more").disabled = !state?.strokes.length;
    byId("brush-invert-field").hidden = !(brought && gray());
    byId("brush-transfer").hidden = !state?.has_photo;
    byId("brush-transfer").disabled = running;
    byId("brush-invitation").textContent = empty() ? `Draw a line: ${model.subjects} appear that follow it.` : "";
    const from = state?.has_start ? "" : " Choose one and go on from it, to move parts of it and to keep others.";
    byId("brush-status").textContent = running ? "Following the strokes …" : state && empty() ? `Nothing is drawn yet: these are ${model.subjects} at random.${from}` : "";
    const hint = kind === "keep" && !state?.has_start ? " There is no start yet: go on from a candidate first." : "";
    byId("brush-hint").textContent = (gray() ? KINDS[kind][1].replace("colour", "shade") : KINDS[kind][1]) + hint;
  }

  function candidates() {
    const box = byId("candidates");
    while (box.children.length < images.length) {
      const button = element("button", { type: "button" });
      const at = box.children.length;
      button.setAttribute("aria-label", `Candidate ${at + 1}`);
      button.append(element("canvas", { width: 1, height: 1 }));
      button.addEventListener("click", () => choose(state.numbers[at]));
      box.append(button);
    }
    [...box.children].forEach((button, i) => {
      button.hidden = i >= images.length;
      if (button.hidden) return;
      draw(button.firstChild, images[i]);
      button.setAttribute("aria-pressed", String(!empty() && i === place()));
    });
  }

  function choose(which) {
    number = which;
    frames = null;
    byId("brush-photo-figure").hidden = true;
    byId("brush-share").value = 15;
    if (!state.running && state.has_start) say({ what: "frames", number });
    show();
  }

  // The image that is looked at: a candidate, or a point on the way to it.
  const looked = () => (empty() ? null : frames?.from === current() ? frames.images[Math.round(share() * (frames.images.length - 1))] : images[place()]);

  function result() {
    const image = looked();
    byId("brush-panels").hidden = !image;
    for (const name of ["brush-fix", "brush-save", "brush-settings"]) byId(name).hidden = !image;
    byId("brush-way").hidden = !(image && state.has_start);
    byId("brush-share").disabled = !frames;
    byId("brush-share-told").textContent = `${Math.round(100 * share())} %`;
    byId("brush-start").parentElement.hidden = !frames;
    paper.repaint();
    if (!image) return;
    if (frames) draw(byId("brush-start"), frames.images[0]);
    draw(byId("brush-result"), image);
    byId("brush-result-name").textContent = `Result: candidate ${place() + 1} of ${images.length}`;
    const query = `number=${current()}&share=${share()}`;
    byId("brush-save").href = `/result/brushes/image.png?${query}`;
    byId("brush-settings").href = `/result/brushes/edit.json?${query}`;
  }

  async function transfer() {
    const query = `number=${current()}&share=1&photo`;
    try {
      const answer = await fetch(`/result/brushes/image.png?${query}`);
      if (!answer.ok) throw new Error((await answer.json()).error);
      const picture = await createImageBitmap(await answer.blob());
      const shown = byId("brush-photo");
      [shown.width, shown.height] = [picture.width, picture.height];
      shown.getContext("2d").drawImage(picture, 0, 0);
      byId("brush-photo-figure").hidden = false;
      byId("brush-photo-save").href = `/result/brushes/image.png?${query}`;
      byId("brush-photo-settings").href = `/result/brushes/edit.json?${query}`;
    } catch (error) {
      byId("brush-problem").textContent = error.message;
    }
  }

  const ground = element("canvas");
  const overlay = element("canvas", { width: canvas.width, height: canvas.height });
  const paper = pad(canvas, {
    brush: () => widths[kind] * side(),
    undo,
    clear: nothing,
    ended,
    paint(context, points) {
      const image = looked();
      context.fillStyle = "#000";
      context.fillRect(0, 0, canvas.width, canvas.height);
      if (image) {
        draw(ground, image);
        context.imageSmoothingQuality = "high";
        context.drawImage(ground, 0, 0, canvas.width, canvas.height);
      }
      const over = overlay.getContext("2d");
      over.clearRect(0, 0, canvas.width, canvas.height);
      const all = points ? [...strokes(), stroked(points)] : strokes();
      for (const one of all.filter((one) => one.kind !== "warp")) ink(over, one);
      for (const one of all.filter((one) => one.kind === "warp")) handle(over, one);
      context.drawImage(overlay, 0, 0);
    },
  });

  function ink(context, { kind, points, colour, width }) {
    const ink = { colour: `rgb(${colour.join(" ")})`, sketch: LINE, keep: KEPT }[kind] ?? "#000";
    context.globalCompositeOperation = kind === "erase" ? "destination-out" : "source-over";
    context.strokeStyle = ink;
    line(context, points.map(([x, y]) => ({ x: x * canvas.width, y: y * canvas.height })), Math.max(2, width * side()));
    context.globalCompositeOperation = "source-over";
  }
  function handle(context, { points, width }) {
    // A square where it was, and where it is to be.
    const [from, to] = [points[0], points.at(-1)].map(([x, y]) => ({ x: x * canvas.width, y: y * canvas.height }));
    const size = width * side();
    context.strokeStyle = HANDLE;
    context.lineWidth = 2;
    context.setLineDash([6, 5]);
    context.strokeRect(from.x - size / 2, from.y - size / 2, size, size);
    context.setLineDash([]);
    context.strokeRect(to.x - size / 2, to.y - size / 2, size, size);
    line(context, [from, to], 2);
  }

  // What is chosen

  function offer() {
    chosen.value = model.name;
    widths = { ...model.brushes };
    const group = byId("brush-kinds");
    for (const old of group.querySelectorAll("label")) old.remove();
    for (const name of Object.keys(KINDS).filter((one) => one in model.brushes)) {
      const input = element("input", { type: "radio", name: "brush-kind", value: name });
      input.addEventListener("change", () => take(name));
      const label = element("label");
      label.append(input, element("span", { textContent: name === "colour" && gray() ? "Shade" : KINDS[name][0] }));
      group.append(label);
    }
    take("sketch" in model.brushes ? "sketch" : Object.keys(model.brushes)[0]);
    const own = { face: "From my photo", digit: "From my digit" }[model.kind];
    byId("brush-own").hidden = !own;
    byId("brush-own").textContent = own ?? "";
    byId("brush-bring").hidden = Boolean(own);
  }
  function take(name) {
    kind = name;
    document.querySelector(`input[name=brush-kind][value=${name}]`).checked = true;
    const width = byId("brush-width");
    width.max = ["colour", "sketch"].includes(kind) ? Math.ceil(model.size / 4) : model.size;
    width.value = widths[kind];
    tell();
    byId("brush-colour-field").hidden = kind !== "colour" || gray();
    byId("brush-shade-field").hidden = kind !== "colour" || !gray();
    show();
  }
  function tell() {
    byId("brush-width-told").textContent = `${byId("brush-width").value} of ${model.size} pixels`;
    byId("brush-shade-told").textContent = byId("brush-shade").value;
  }

  byId("brush-width").addEventListener("input", (event) => ((widths[kind] = Number(event.target.value)), tell(), paper.repaint()));
  byId("brush-shade").addEventListener("input", tell);
  chosen.addEventListener("change", () => ((model = models.find((one) => one.name === chosen.value)), (state = null), (images = []), offer(), begin()));
  byId("brush-undo").addEventListener("click", undo);
  byId("brush-redo").addEventListener("click", () => act({ do: "redo" }));
  byId("brush-nothing").addEventListener("click", nothing);
  byId("brush-own").addEventListener("click", fromPicture);
  byId("brush-invert").addEventListener("change", fromPicture);
  byId("brush-fix").addEventListener("click", () => {
    act({ do: "fix", number: current(), share: share() });
    number = null; // the candidates are drawn anew around it
  });
  byId("brush-more").addEventListener("click", () => act({ do: "steps" }));
  byId("brush-stop").addEventListener("click", () => say({ what: "stop" }));
  byId("brush-share").addEventListener("input", result);
  byId("brush-transfer").addEventListener("click", transfer);
  byId("brush-file").addEventListener("change", async ({ target }) => {
    const [file] = target.files;
    if (!file) return;
    try {
      const told = await json("/start", { method: "POST", body: file, headers: { "x-name": encodeURIComponent(file.name) } });
      brought = true;
      byId("brush-invert").checked = gray() && told.bright_edge;
      fromPicture();
    } catch (error) {
      byId("brush-problem").textContent = error.message;
    }
    target.value = "";
  });
  studio.socket.stream(ID, receive);
  offer();
  return () => {
    if (state) show();
    else say({ what: "look" });
  };
}

function split(strip, count) {
  // Images that lie below each other in one.
  const height = strip.height / count, size = height * strip.width * strip.channels;
  return Array.from({ length: count }, (_, i) => ({ ...strip, height, data: strip.data.subarray(i * size, (i + 1) * size) }));
}
