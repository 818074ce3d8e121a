// Runs: loss curves of a training while it runs, its samples, its report.

import { byId, element, json } from "./page.js";

export const title = "Runs";

const WIDTH = 320, HEIGHT = 110, EVERY = 5000; // milliseconds between looks

export function mount(studio) {
  let chosen = null;
  let timer = 0;
  let last = "";

  async function list() {
    clearInterval(timer);
    if (byId("runs").hidden) return;
    const runs = await json("/runs.json");
    byId("run-list").replaceChildren(
      ...runs.map((run, i) => {
        const button = element("button", { type: "button", textContent: run.name });
        if (run.shipped) button.append(element("small", { textContent: "comes with the project" }));
        button.setAttribute("aria-pressed", String(i === chosen));
        button.addEventListener("click", () => ((chosen = i), (last = ""), list()));
        return button;
      }),
    );
    if (!runs.length) {
      byId("run-facts").replaceChildren(element("p", { className: "hint", textContent: "No training yet: python -m crg.train --preset quick begins one." }));
      return;
    }
    chosen ??= 0;
    byId("run-list").children[chosen]?.setAttribute("aria-pressed", "true");
    await look();
    timer = setInterval(() => (byId("runs").hidden ? clearInterval(timer) : look()), EVERY);
  }

  async function look() {
    try {
      const run = await json(`/runs/${chosen}.json`);
      byId("runs-problem").textContent = "";
      if (JSON.stringify(run) !== last) draw(run);
      last = JSON.stringify(run);
    } catch (error) {
      byId("runs-problem").textContent = error.message;
    }
  }

  function draw(run) {
    const place = byId("run-facts");
    place.replaceChildren(element("h2", { textContent: run.name }));
    const facts = element("p", { className: "hint", textContent: `${run.package} on ${run.dataset}` });
    place.append(facts);
    if (run.report) {
      const link = element("a", { className: "button", href: `/runs/${chosen}/report`, target: "_blank", textContent: "Open the report" });
      const actions = element("p", { className: "actions" });
      actions.append(link);
      place.append(actions);
    }
    if (run.samples.length) place.append(samples(run));
    for (const stage of run.stages) {
      place.append(element("h3", { textContent: `Stage ${stage.name}: ${stage.length}` }));
      const curves = element("div", { className: "curves" });
      for (const [name, values] of Object.entries(stage.losses))
        if (!name.startsWith("val_")) curves.append(curve(name, stage.images, values, stage.losses[`val_${name}`]));
      place.append(curves);
    }
  }

  function samples(run) {
    const figure = element("figure", { className: "sample" });
    const image = element("img", { alt: "" });
    const text = element("figcaption");
    const range = element("input", { type: "range", min: 0, max: run.samples.length - 1, value: run.samples.length - 1 });
    range.setAttribute("aria-label", "Samples, from the first to the latest");
    const show = () => {
      image.src = `/runs/${chosen}/samples/${range.value}.png`;
      text.textContent = image.alt = `Samples: ${run.samples[range.value]}`;
    };
    range.addEventListener("input", show);
    show();
    figure.append(image, range, text);
    return figure;
  }

  return () => list().catch((error) => (byId("runs-problem").textContent = error.message));
}

function curve(name, images, values, validation) {
  const figure = element("figure", { className: "curve" });
  const all = [...values, ...(validation ?? [])].filter((one) => one !== null);
  const low = Math.min(...all), high = Math.max(...all);
  const first = images[0], last = images.at(-1);
  const x = (one) => (last > first ? ((one - first) / (last - first)) * WIDTH : WIDTH / 2);
  const y = (one) => HEIGHT - ((one - low) / (high - low || 1)) * HEIGHT;
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", `${name} from ${values[0]} to ${values.at(-1)}`);
  for (const at of [0, HEIGHT]) {
    const line = document.createElementNS(svg.namespaceURI, "line");
    for (const [key, value] of Object.entries({ x1: 0, x2: WIDTH, y1: at, y2: at })) line.setAttribute(key, value);
    svg.append(line);
  }
  for (const [series, kind] of [[validation, "validation"], [values, "training"]]) {
    if (!series) continue;
    const path = document.createElementNS(svg.namespaceURI, "path");
    const points = series.flatMap((one, i) => (one === null ? [] : [`${x(images[i]).toFixed(1)} ${y(one).toFixed(1)}`]));
    path.setAttribute("d", `M${points.join("L")}`);
    path.setAttribute("class", kind);
    svg.append(path);
  }
  const caption = element("figcaption", { textContent: name.replaceAll("_", " ") });
  const end = (values.at(-1) ?? NaN).toPrecision(4);
  caption.append(element("span", { textContent: end }));
  const axis = element("div", { className: "axis" });
  axis.append(element("span", { textContent: `${low.toPrecision(3)} to ${high.toPrecision(3)}` }), element("span", { textContent: `${Number(last).toLocaleString("en")} images` }));
  figure.append(caption, svg, axis);
  return figure;
}
