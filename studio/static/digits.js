// Digits: draw or take one; count on, or go along a direction that a pair of digits defines.

import { byId, element, json, panels, sliders } from "./studio.js";

export const title = "Digits";

const BRUSH = 22; // pixels of 280, as thick as MNIST's pens
const STEP = 6; // pixels that an arrow key moves the brush
const PAIRS = [["thin", "thick", "Thicker"], ["upright", "slanted", "Slanted"], ["three", "eight", "Three to eight"], ["four", "nine", "Four to nine"]];

export function mount(studio) {
  const models = studio.models("digit");
  const show = panels(byId("digit-panels"), true);
  const chosen = byId("digit-model");
  for (const model of models) chosen.append(element("option", { value: model.name, textContent: model.name }));
  const own = { without: null, with: null };
  let pair = ["pairs/thin", "pairs/thick"];
  let controls = null;

  function choose() {
    const model = models.find((one) => one.name === chosen.value);
    // Of many digits that could be made, counting on stands for all.
    const main = model.controls.filter((one) => one.step || one.pair);
    controls = sliders(byId("digit-controls"), main.length ? main : model.controls, edit);
    byId("pair-field").hidden = !main.some((one) => one.pair);
    if (main.some((one) => one.pair)) controls.set("strength", 1);
    else if (main.length) controls.set(main[0].name, 1);
    else edit();
  }

  function edit() {
    if (!studio.digit) return;
    const values = { ...controls.values };
    const question = { do: "edit", model: chosen.value, values, picture: studio.digit, pair };
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
  const paper = pad(async (blob) => {
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

function pad(done) {
  const canvas = byId("pad");
  const context = canvas.getContext("2d");
  let strokes = [];
  let stroke = null;
  const at = { x: 140, y: 140 };
  let ground = null; // a digit that was taken, until somebody draws
  const paint = () => {
    context.fillStyle = "#000";
    context.fillRect(0, 0, canvas.width, canvas.height);
    if (strokes.length) ground = null;
    context.imageSmoothingEnabled = false;
    if (ground) context.drawImage(ground, 0, 0, canvas.width, canvas.height);
    context.strokeStyle = "#fff";
    context.lineWidth = BRUSH;
    context.lineCap = context.lineJoin = "round";
    for (const points of strokes) {
      context.beginPath();
      context.moveTo(points[0].x, points[0].y);
      for (const point of points.concat(points[0] === points.at(-1) ? [{ x: points[0].x + 0.1, y: points[0].y }] : [])) context.lineTo(point.x, point.y);
      context.stroke();
    }
  };
  const cursor = () => {
    paint();
    if (document.activeElement !== canvas) return;
    context.strokeStyle = "#5db8ee";
    context.lineWidth = 2;
    context.beginPath();
    context.arc(at.x, at.y, BRUSH / 2, 0, 7);
    context.stroke();
  };
  const end = () => {
    if (!stroke) return;
    stroke = null;
    paint();
    canvas.toBlob((blob) => (done(blob), cursor()), "image/png");
  };
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    at.x = ((event.clientX - box.left) / box.width) * canvas.width;
    at.y = ((event.clientY - box.top) / box.height) * canvas.height;
    return { ...at };
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    strokes.push((stroke = [place(event)]));
    paint();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!stroke) return;
    stroke.push(place(event));
    paint();
  });
  canvas.addEventListener("pointerup", end);
  canvas.addEventListener("pointercancel", end);
  canvas.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (move) {
      event.preventDefault();
      if (event.shiftKey && !stroke) strokes.push((stroke = [{ ...at }]));
      at.x = Math.max(0, Math.min(canvas.width, at.x + STEP * move[0]));
      at.y = Math.max(0, Math.min(canvas.height, at.y + STEP * move[1]));
      if (stroke) stroke.push({ ...at });
      cursor();
    } else if (event.key === "Delete" || event.key === "Backspace") clear();
    else if (event.key === "z" && (event.ctrlKey || event.metaKey)) undo();
  });
  canvas.addEventListener("keyup", (event) => event.key === "Shift" && end());
  canvas.addEventListener("focus", cursor);
  canvas.addEventListener("blur", () => (end(), paint()));
  const clear = () => ((strokes = []), (stroke = ground = null), cursor());
  const undo = () => {
    strokes.pop();
    cursor();
    if (strokes.length) {
      stroke = [];
      end();
    }
  };
  byId("pad-clear").addEventListener("click", clear);
  byId("pad-undo").addEventListener("click", undo);
  paint();
  return {
    show(image) {
      strokes = [];
      ground = image;
      if (!image.complete) image.addEventListener("load", paint, { once: true });
      paint();
    },
  };
}
