// Compare: one image through every model of its kind.

import { byId, draw, element } from "./page.js";

export const title = "Compare";

const MEASURES = [["mse", 4], ["ssim", 3], ["dhash", 3], ["phash", 3], ["whash", 3]];

export function mount(studio) {
  const kind = () => document.querySelector("input[name=subject]:checked").value;
  const problem = byId("compare-problem");

  function offer() {
    const names = new Set();
    for (const model of studio.models(kind())) {
      const plain = model.controls.filter((one) => !one.pair);
      // Of digits, counting on alone: to set one is the same for all of them.
      for (const control of plain.some((one) => one.step) ? plain.filter((one) => one.step) : plain) names.add(control.name);
    }
    byId("compare-control").replaceChildren(
      element("option", { value: "", textContent: "none" }),
      ...[...names].map((name) => element("option", { value: name, textContent: name.replaceAll("_", " ") })),
    );
    if (names.size) byId("compare-control").selectedIndex = 1;
  }

  function busy(on) {
    byId("compare-run").disabled = on;
    byId("compare-stop").hidden = byId("compare-progress").hidden = !on;
  }

  function row(told) {
    const line = element("tr");
    const head = element("th", { scope: "row", textContent: told.model });
    head.append(element("small", { textContent: told.package }));
    line.append(head);
    for (const name of ["original", "reconstruction", "edited"]) {
      const cell = element("td", { className: kind() === "digit" ? "pixels" : "" });
      if (name === "edited" && !told.edits) cell.textContent = "–";
      else {
        const canvas = element("canvas");
        canvas.setAttribute("role", "img");
        canvas.setAttribute("aria-label", `${name} by ${told.model}`);
        draw(canvas, told.images[name]);
        cell.append(canvas);
      }
      line.append(cell);
    }
    for (const [name, digits] of MEASURES)
      line.append(element("td", { className: "number", textContent: told.measured[name].toFixed(digits) }));
    line.append(element("td", { className: "number", textContent: Math.round(told.milliseconds) }));
    byId("compare-rows").append(line);
  }

  byId("compare-run").addEventListener("click", () => {
    const digit = kind() === "digit";
    problem.textContent = "";
    if (digit ? !studio.digit : !studio.photo) {
      problem.textContent = digit ? "Draw or choose a digit first, in the tab Digits." : "Choose a photo first, in the tab Photo.";
      return;
    }
    byId("compare-rows").replaceChildren();
    byId("compare-empty").hidden = true;
    busy(true);
    const question = { do: "compare", control: byId("compare-control").value, ...(digit ? { picture: studio.digit } : {}) };
    studio.socket.follow(question, (told) => {
      if (told.error) problem.textContent = told.error;
      if (told.error || told.done) return busy(false);
      byId("compare-table").hidden = false;
      byId("compare-progress").value = told.number / told.count;
      row(told);
    });
  });
  byId("compare-stop").addEventListener("click", () => {
    studio.socket.send({ do: "stop" });
    busy(false);
  });
  for (const input of document.querySelectorAll("input[name=subject]")) input.addEventListener("change", offer);
  offer();
}
