// The directions of the session, as further sliders of a tab.

import { json, sliders } from "./page.js";

const FAR = 3; // strength at the ends of a slider; 1 is a direction's own step

// What the studio tells of all directions; every tab that shows some hears of it.
export function know(studio, told) {
  studio.directions = told;
  document.dispatchEvent(new Event("directions"));
}

export const fetchAll = async (studio) => know(studio, await json("/directions.json"));

// Sliders in `place` of the directions of the model that `model()` names; `changed()` when one is turned.
export function along(place, studio, model, changed, drawn = () => {}) {
  let parts = { values: {}, reset: () => {} };
  const own = () => studio.directions.filter((one) => one.model === model());
  function draw() {
    const held = parts.values;
    const controls = own().map((one) => ({
      name: one.id, label: one.name, meaning: one.origin, low: -FAR, high: FAR, default: 0,
    }));
    parts = sliders(place, controls, changed, held);
    document.querySelector(`[data-without="${place.id}"]`).hidden = controls.length > 0;
    drawn(own());
  }
  document.addEventListener("directions", draw);
  return {
    draw,
    reset: () => parts.reset(),
    set: (id, value) => parts.set(id, value),
    get values() {
      return Object.fromEntries(Object.entries(parts.values).filter(([id]) => own().some((one) => one.id === id)));
    },
  };
}
