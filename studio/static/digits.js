// Digits: draw or take one; count on, or go along a direction that a pair of digits defines.

import { along } from "./along.js";
import { line, pad } from "./pad.js";
import { byId, element, json, panels, sliders } from "./page.js";

export const title = "Digits";

const BRUSH = 22; // pixels of 280, as thick as MNIST's pens
const PAIRS = [["thin", "thick", "Thicker"], ["upright", "slanted", "Slanted"], ["three", "eight", "Three to eight"], ["four", "nine", "Four to nine"]];

export function mount(studio) {
  const models = studio.models("digit");
  const show = panels(byId("digit-panels"), true);
  const chosen = byId("digit-model");
  for (const model of models) chosen.append(element("option", { value: model.name, textContent: model.name }));
  const own = { without: null, with: null };
  let pair = ["pairs/thin", "pairs/thick"];
  let controls = null;
  const further = along(byId("digit-along"), studio, () => chosen.value, edit);

  function choose() {
    const model = models.find((one) => one.name === chosen.value);
    // Of many digits that could be made, counting on stands for all.
    const main = model.controls.filter((one) => one.step || one.pair);
    controls = sliders(byId("digit-controls"), main.length ? main : model.controls, edit);
    further.draw();
    byId("pair-field").hidden = !main.some((one) => one.pair);
    if (main.some((one) => one.pair)) controls.set("strength", 1);
    else if (main.length) controls.set(main[0].name, 1);
    else edit();
  }

  function edit() {
    if (!studio.digit) return;
    const values = { ...controls.values };
    const question = { do: "edit", model: chosen.value, values, picture: studio.digit, pair, along: further.values };
    studio.socket.ask("digits", question, (told) => {
      byId("digit-problem").textContent = told.error ?? "";
      if (told.error) return;
      show(told.images);
      byId("digit-save").hidden = false;
      byId("digit-timing").textContent = `${Math.round(told.milliseconds)} ms on this computer`;
    });
  }

  function use(picture) {
    studio.digit = picture;
    for (const button of byId("digit-picks").children)
      button.setAttribute("aria-pressed", String(button.dataset.picture === picture));
    edit();
  }

  function drawPairs() {
    const all = PAIRS.filter(([a]) => studio.about.pictures.includes(`pairs/${a}`)).map(([a, b, name]) => [`pairs/${a}`, `pairs/${b}`, name]);
    if (own.without && own.with) all.push([own.without, own.with, "Your own"]);
    byId("pairs").replaceChildren(
      ...all.map(([a, b, name]) => {
        const button = element("button", { type: "button" });
        const images = [a, b].map((one) => element("img", { src: `/pictures/${one}.png`, alt: "" }));
        button.append(images[0], element("span", { textContent: "→" }), images[1], element("b", { textContent: name }));
        button.setAttribute("aria-pressed", String(a === pair[0] && b === pair[1]));
        button.addEventListener("click", () => ((pair = [a, b]), drawPairs(), edit()));
        return button;
      }),
    );
  }

  function ownSide(side) {
    if (!studio.digit) return;
    own[side] = studio.digit;
    byId(`set-${side}`).classList.add("primary");
    if (own.without && own.with) pair = [own.without, own.with];
    drawPairs();
    edit();
  }

  for (const name of studio.about.pictures.filter((one) => one.startsWith("digits/"))) {
    const button = element("button", { type: "button" });
    button.dataset.picture = name;
    button.setAttribute("aria-label", `Take the ${name.slice(-1)}`);
    button.append(element("img", { src: `/pictures/${name}.png`, alt: "", width: 28, height: 28 }));
    button.addEventListener("click", () => (use(name), paper.show(button.firstChild)));
    byId("digit-picks").append(button);
  }
  chosen.addEventListener("change", choose);
  byId("set-without").addEventListener("click", () => ownSide("without"));
  byId("set-with").addEventListener("click", () => ownSide("with"));
  const paper = drawing(async (blob) => {
    try {
      const told = await json("/drawing", { method: "POST", body: blob });
      byId("digit-problem").textContent = "";
      use(told.picture);
    } catch (error) {
      byId("digit-problem").textContent = error.message;
    }
  });
  drawPairs();
  if (models.length) choose();
  else byId("digit-problem").textContent = "There is no model of digits: python -m crg.train makes one.";
  return () => {
    if (!studio.digit && models.length) byId("digit-picks").children[3]?.click();
  };
}

function drawing(done) {
  const canvas = byId("pad");
  let strokes = [];
  let ground = null; // a digit that was taken, until somebody draws
  const paper = pad(canvas, {
    brush: () => BRUSH,
    paint(context, stroke) {
      const all = stroke ? [...strokes, stroke] : strokes;
      if (all.length) ground = null;
      context.fillStyle = "#000";
      context.fillRect(0, 0, canvas.width, canvas.height);
      context.imageSmoothingEnabled = false;
      if (ground) context.drawImage(ground, 0, 0, canvas.width, canvas.height);
      context.strokeStyle = "#fff";
      for (const points of all) line(context, points, BRUSH);
    },
    ended: (points) => (strokes.push(points), send()),
    undo,
    clear,
  });
  function send() {
    paper.plain(); // what is sent has no cursor on it
    canvas.toBlob(done, "image/png");
  }
  function clear() {
    strokes = [];
    ground = null;
    paper.repaint();
  }
  function undo() {
    strokes.pop();
    if (strokes.length) send();
    paper.repaint();
  }
  byId("pad-clear").addEventListener("click", clear);
  byId("pad-undo").addEventListener("click", undo);
  paper.repaint();
  return {
    show(image) {
      strokes = [];
      ground = image;
      if (!image.complete) image.addEventListener("load", paper.repaint, { once: true });
      paper.repaint();
    },
  };
}
