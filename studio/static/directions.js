// Directions: made from pictures or from the model alone, seen on a picture, saved and loaded.

import { along, fetchAll, know } from "./along.js";
import { byId, element, json, panels } from "./page.js";

export const title = "Directions";

const HINTS = {
  pictures: "It leads from the mean of the pictures without something to the mean of those with it. One of each is enough; more are steadier.",
  varied: "What varies most in your pictures: the principal components of their codes.",
  random: "What varies most in the first layer's answers to random codes. It takes some seconds, and no pictures.",
  layer: "What moves the first layer most: the singular vectors of its weights. No pictures are needed.",
};

export function mount(studio) {
  const models = studio.about.models.filter((one) => one.latent);
  const show = panels(byId("direction-panels"), false);
  const chosen = byId("direction-model");
  for (const model of models) chosen.append(element("option", { value: model.name, textContent: model.name }));
  const model = () => models.find((one) => one.name === chosen.value);
  const problem = (text) => (byId("direction-problem").textContent = text);
  const sets = { without: sampleSet("without", "Without"), with: sampleSet("with", "With") };
  const sliders = along(byId("direction-sliders"), studio, () => chosen.value, edit, listed);
  let picture = null; // on which they are seen
  let seed = 0;

  // An error is told in its sentence, and what was asked for does not happen.
  async function attempt(task) {
    problem("");
    byId("direction-make").disabled = true;
    byId("directions").setAttribute("aria-busy", "true");
    try {
      return await task();
    } catch (error) {
      problem(error.message);
    } finally {
      byId("direction-make").disabled = false;
      byId("directions").removeAttribute("aria-busy");
    }
  }

  const at = (path, more = "") => `${path}?model=${encodeURIComponent(chosen.value)}${more}`;
  const post = (path, body, headers) => json(path, { method: "POST", body, headers });

  async function sample(more, file) {
    const headers = file ? { "x-name": encodeURIComponent(file.name) } : {};
    if (file && file.size > studio.about.most_bytes)
      throw new Error(`${file.name} has more than ${Math.round(studio.about.most_bytes / 2 ** 20)} MB; make it smaller.`);
    const told = await post(at("/samples", more), file, headers);
    byId("direction-note").textContent = told.note;
    return told.picture;
  }

  // What is at hand of the other tabs: the photo's face, or the digit on the pad.
  async function athand() {
    if (model().kind === "digit") return studio.digit ?? "digits/digit-3";
    if (!studio.photo?.faces.length) throw new Error("There is no face yet; choose a photo first, in the tab Photo.");
    return sample("&photo");
  }

  function sampleSet(side, name) {
    let names = [];
    const box = byId(`samples-${side}`);
    const thumbs = element("div", { className: "samples" });
    const label = element("span", { className: "label" });
    const files = element("input", { type: "file", className: "hidden", multiple: true, accept: "image/*,.heic,.heif" });
    files.id = `samples-${side}-files`;
    const add = element("label", { className: "button small", textContent: "Add pictures" });
    add.append(files);
    const here = element("button", { type: "button", className: "small" });
    const examples = element("select", { className: "small" });
    const actions = element("p", { className: "actions" });
    actions.append(add, here, examples);
    box.append(label, thumbs, actions);
    files.addEventListener("change", () => attempt(async () => {
      for (const file of [...files.files]) {
        names.push(await sample("", file));
        draw();
      }
    }).finally(() => (files.value = "")));
    here.addEventListener("click", () => attempt(async () => (names.push(await athand()), draw())));
    examples.addEventListener("change", () => {
      if (examples.value) names.push(examples.value);
      examples.value = "";
      draw();
    });
    function draw() {
      const alone = byId("direction-how").value !== "pictures";
      label.textContent = alone ? "Pictures" : name;
      add.firstChild.textContent = "Add pictures";
      files.setAttribute("aria-label", `Add pictures: ${label.textContent}`);
      const digit = model()?.kind === "digit";
      here.hidden = !digit && model()?.kind !== "face";
      here.textContent = digit ? "Digit on the pad" : "Photo's face";
      here.setAttribute("aria-label", `${here.textContent}: ${label.textContent}`);
      examples.hidden = !digit;
      examples.setAttribute("aria-label", `Add an example: ${label.textContent}`);
      examples.replaceChildren(
        element("option", { value: "", textContent: "Example …" }),
        ...studio.about.pictures.map((one) => element("option", { value: one, textContent: one.split("/")[1].replace("-", " ") })),
      );
      thumbs.replaceChildren(...names.map((one, i) => {
        const button = element("button", { type: "button", title: "Remove it" });
        button.setAttribute("aria-label", `Remove picture ${i + 1} of ${names.length}: ${label.textContent}`);
        button.append(element("img", { src: `/pictures/${one}.png`, alt: "" }));
        button.addEventListener("click", () => (names.splice(i, 1), draw()));
        return button;
      }));
    }
    return { draw, clear: () => ((names = []), draw()), get names() { return names; } };
  }

  function how() {
    const value = byId("direction-how").value;
    byId("direction-hint").textContent = HINTS[value];
    byId("samples-without").hidden = value !== "pictures";
    byId("samples-with").hidden = !["pictures", "varied"].includes(value);
    byId("direction-count-field").hidden = value === "pictures";
    for (const set of Object.values(sets)) set.draw();
  }

  async function make() {
    const value = byId("direction-how").value;
    const count = value === "pictures" ? 1 : byId("direction-count").valueAsNumber;
    const name = byId("direction-name").value.trim() || (value === "pictures" ? `direction ${studio.directions.length + 1}` : value);
    const wish = { how: value, name, count, without: sets.without.names, with: sets.with.names };
    const before = studio.directions.length;
    const told = await attempt(() => post(at("/directions"), JSON.stringify(wish)));
    if (told) take(told, told[before]);
  }

  // A new direction is seen at once, at its own step.
  function take(told, fresh) {
    know(studio, told);
    byId("direction-name").value = "";
    if (fresh) sliders.set(fresh.id, 1);
  }

  function listed(own) {
    [...byId("direction-sliders").children].forEach((slider, i) => {
      const one = own[i];
      const save = element("a", { className: "button small", href: `/directions/${one.id}.json`, textContent: "Save", download: "" });
      save.setAttribute("aria-label", `Save ${one.name} to a file`);
      const remove = element("button", { type: "button", className: "small", textContent: "Remove" });
      remove.setAttribute("aria-label", `Remove ${one.name}`);
      remove.addEventListener("click", async () => {
        const told = await attempt(() => post(`/directions/${one.id}/forget`, "{}"));
        if (told) know(studio, told);
        edit();
      });
      const actions = element("p", { className: "actions" });
      actions.append(save, remove);
      slider.append(actions);
    });
  }

  function edit() {
    if (!picture) return;
    const question = { do: "edit", tab: "directions", model: chosen.value, picture, along: sliders.values };
    studio.socket.ask("directions", question, (told) => {
      problem(told.error ?? "");
      if (told.error) return;
      show(told.images);
      byId("direction-save").hidden = false;
      byId("direction-timing").textContent = `${Math.round(told.milliseconds)} ms on this computer`;
    });
  }

  const on = (task) => async () => {
    const found = await attempt(task);
    if (found) picture = found;
    if (found) edit();
  };
  const random = on(() => sample(`&random=${++seed}`));

  function choose() {
    for (const set of Object.values(sets)) set.clear();
    byId("direction-note").textContent = "";
    for (const figure of byId("direction-panels").children) figure.classList.toggle("pixels", model().size < 64);
    byId("direction-here").hidden = !["digit", "face"].includes(model().kind);
    byId("direction-here").textContent = model().kind === "digit" ? "The digit on the pad" : "The photo's face";
    byId("direction-package").textContent = `python -m ${model().package}.edit IMAGES --direction FILE.json --strength 1 --out DIR`;
    picture = null;
    sliders.draw();
    start();
  }

  function start() {
    if (picture || !models.length) return;
    if (model().kind === "digit" || (model().kind === "face" && studio.photo?.faces.length)) on(athand)();
    else random();
  }

  chosen.addEventListener("change", choose);
  byId("direction-how").addEventListener("change", how);
  byId("direction-make").addEventListener("click", make);
  byId("direction-random").addEventListener("click", random);
  byId("direction-here").addEventListener("click", on(athand));
  byId("direction-picture").addEventListener("change", async ({ target }) => {
    const [file] = target.files;
    if (file) await on(() => sample("", file))();
    target.value = "";
  });
  byId("direction-file").addEventListener("change", async ({ target }) => {
    const [file] = target.files;
    const before = studio.directions.length;
    const headers = { "x-name": encodeURIComponent(file?.name ?? "") };
    const told = file && (await attempt(() => post(at("/directions/load"), file, headers)));
    if (told) take(told, told[before]);
    target.value = "";
  });
  if (models.length) chosen.value = (models.find((one) => one.kind === "face") ?? models[0]).name;
  how();
  fetchAll(studio).catch((error) => problem(error.message));
  let begun = false;
  return () => {
    if (!models.length) return problem("There is no model with a latent yet: python -m crg.train makes one.");
    if (!begun) choose();
    begun = true;
  };
}
