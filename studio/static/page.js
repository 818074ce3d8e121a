// What the tabs share: images, sliders, elements and requests.

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
